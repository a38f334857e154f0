"""`w2v completion`: Tab completes commands, options, their values and file names."""

from __future__ import annotations

import os

import click

from w2v.cli.command import Argument, Command
from w2v.cli.streams import write

__all__ = ["VARIABLE", "answer", "command"]

HELP = """Completion with the Tab key: prints what a shell must read to complete w2v's commands, options and files.

bash (4.4 or newer): put the first line below into ~/.bashrc. zsh: write the output to a file _w2v in a folder of
$fpath, or put the same line, with zsh for bash, into ~/.zshrc after compinit. fish: write it to
~/.config/fish/completions/w2v.fish.
"""

EXAMPLES = [
    ("In bash, for this session, or for all of them in ~/.bashrc", 'eval "$(w2v completion bash)"'),
    ("In zsh, as a file to be found by compinit", "w2v completion zsh > _w2v"),
    ("In fish, to be moved to ~/.config/fish/completions", "w2v completion fish > w2v.fish"),
]

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_W2V_COMPLETE"  # set by the script when it asks the command


def completion(shell: str) -> None:
    from click.shell_completion import get_completion_class

    from w2v.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    made = kind(cli, {}, "w2v", VARIABLE)
    # Not made.source(): for bash it starts a shell to learn the version of whichever bash comes first in the PATH.
    write((made.source_template % made.source_vars()).strip() + "\n")


def answer() -> None:
    """What the shell asks for while a line is typed; ends the process."""
    from w2v.cli.main import cli

    words, place = os.environ.get("COMP_WORDS", "").split("\n"), os.environ.get("COMP_CWORD", "")
    if os.environ[VARIABLE].startswith("bash") and place.isdigit():
        words, number = joined(words, int(place))
        os.environ.update(COMP_WORDS="\n".join(words), COMP_CWORD=str(number))
    cli.main(prog_name="w2v", complete_var=VARIABLE)


def joined(words: list[str], place: int) -> tuple[list[str], int]:
    """bash splits `--model=cbow` into three words; here it is one again, and `place` still that of the same text."""
    whole: list[str] = []
    number = place
    for i, word in enumerate(words):
        follows = bool(whole) and whole[-1].startswith("--") and (word == "=" or whole[-1].endswith("="))
        if follows and i <= place:
            whole[-1] += word
            number -= 1
        else:
            whole.append(word)
    return whole, number


command = Command(
    "completion",
    usage="bash|zsh|fish",
    help=HELP,
    examples=EXAMPLES,
    callback=completion,
    params=[Argument(["shell"], metavar="SHELL", type=click.Choice(SHELLS), line="bash, zsh or fish.")],
)
