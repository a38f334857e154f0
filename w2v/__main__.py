"""The command `w2v`, also as `python -m w2v`: signals are handled before anything else is imported."""

from __future__ import annotations

from w2v.cli.signals import handle_early


def main() -> None:
    """Entry point of the `w2v` command."""
    handle_early()

    from w2v.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
