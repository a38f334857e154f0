"""Write what the documentation takes from the program: tables of options and formats, docs/commands.md, outputs.

    python scripts/make_docs.py            tables and command reference
    python scripts/make_docs.py --check    exit 1 when one of these is not current
    python scripts/make_docs.py --tour [FILE]   run the console examples of README.md, or another page, again;
                                                those of a block "console terminal" see a terminal

Runs with the installed w2v.
"""

from __future__ import annotations

import argparse
import codecs
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from itertools import takewhile
from pathlib import Path

import click

from w2v.cli.command import ALL_OPTIONS
from w2v.cli.main import cli
from w2v.cli.options import as_option, default_text
from w2v.corpus.config import CorpusConfig
from w2v.errors import render
from w2v.settings import options_of
from w2v.training.config import TrainConfig
from w2v.vectors.formats import FORMATS

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
COMMANDS = ROOT / "docs" / "commands.md"
VECTOR_FILES = ROOT / "docs" / "vector-files.md"
TABLE = r"(<!-- {0}: made by scripts/make_docs.py -->\n).*?(<!-- end of {0} -->)"
CONSOLE = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.DOTALL | re.MULTILINE)
BLOCK = re.compile(r"(?<=^```console)( terminal)?\n(.*?)(?=^```$)", re.DOTALL | re.MULTILINE)
TYPED = re.compile(r"[A-Za-z ]+> (.*)")  # at a prompt
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")  # what moves a cursor or colours
COLUMNS = 80


def option_table() -> str:
    """Markdown table of every hyper-parameter, from the dataclasses."""
    lines = ["| option | default | what | also accepted |", "| --- | --- | --- | --- |"]
    for config in (CorpusConfig, TrainConfig):
        for name, (field, declared) in options_of(config).items():
            flags = ", ".join(f"`{flag}`" for flag in ("--" + name.replace("_", "-"), *declared.flags))
            if declared.off:
                flags += f", `{declared.off}`"
            default = default_text(field, declared) or ("off" if field.default is False else "")
            choices = f" ({', '.join(declared.choices)})" if declared.choices else ""
            aliases = ", ".join(f"`{alias}`" for alias in declared.aliases)
            lines.append(f"| {flags}{choices} | {default} | {render(declared.help, as_option)} | {aliases} |")
    return "\n".join(lines) + "\n"


def format_table() -> str:
    """Markdown table of the formats of vector files, from their records."""
    lines = ["| format | name | holds |", "| --- | --- | --- |"]
    for record in FORMATS.values():
        names = ", ".join(f"`{suffix}`" for suffix in record.suffixes) or (
            f"`--format {record.name}`" if record.write is not None else "any"
        )
        lines.append(f"| {record.title} | {names} | {record.holds} |")
    return "\n".join(lines) + "\n"


def command_reference() -> str:
    """Every command's help page, as --help prints it."""
    parts = ["# Commands\n\nMade from `--help` by scripts/make_docs.py; a test checks that it is current.\n"]
    with click.Context(cli, info_name="w2v", terminal_width=100) as context:
        context.meta[ALL_OPTIONS] = True
        parts.append(f"\n```text\n{cli.get_help(context)}\n```\n")
        for name in cli.list_commands(context):
            command = cli.get_command(context, name)
            with click.Context(command, info_name=name, parent=context, terminal_width=100) as inner:
                parts.append(f"\n## w2v {name}\n\n```text\n{command.get_help(inner)}\n```\n")
    return "".join(parts)


def current() -> dict[Path, str]:
    """Each file and what it should hold."""
    return {
        README: with_table(README, "options", option_table()),
        VECTOR_FILES: with_table(VECTOR_FILES, "formats", format_table()),
        COMMANDS: command_reference(),
    }


def with_table(path: Path, name: str, table: str) -> str:
    """A page with the table between its marks made anew."""
    text, marks = path.read_text(encoding="utf-8"), re.compile(TABLE.format(name), re.DOTALL)
    if not marks.search(text):
        raise SystemExit(f"{path.name}: the marks of the table of {name} are missing")
    return marks.sub(lambda m: m[1] + table + m[2], text)


def run_console(text: str) -> str:
    """Run every `$ ` line of a page's console blocks in one fresh folder, in order, and put its output below it."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "data", Path(folder) / "data")
        (Path(folder) / "scripts").symlink_to(ROOT / "scripts")
        return BLOCK.sub(lambda block: f"{block[1] or ''}\n{run_block(block[2], folder, bool(block[1]))}", text)


def run_block(block: str, folder: str, terminal: bool = False) -> str:
    lines = []
    path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
    given = block.splitlines()
    for place, line in enumerate(given):
        if not line.startswith("$ "):
            continue
        if terminal:
            rest = takewhile(lambda other: not other.startswith("$ "), given[place + 1 :])
            typed = [found[1] for other in rest if (found := TYPED.fullmatch(other))]
            lines += [line, *on_terminal(line[2:], typed, folder, {**os.environ, "PATH": path})]
            continue
        done = subprocess.run(
            ["bash", "-c", line[2:]],
            cwd=folder,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        lines += [line, *done.stdout.splitlines()]
    return "\n".join(lines) + "\n"


def on_terminal(line: str, typed: list[str], folder: str, environment: dict[str, str]) -> list[str]:
    """The lines that a terminal shows when a command has ended; `typed` are those that its prompt gets."""
    end, other = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, COLUMNS, 0, 0))
    environment |= {"TERM": "xterm", "LC_ALL": "C.UTF-8", "XDG_STATE_HOME": folder}
    process = subprocess.Popen(
        ["bash", "-c", line], cwd=folder, env=environment, stdin=other, stdout=other, stderr=other
    )
    os.close(other)
    seen = ""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    while True:
        try:
            seen += CODES.sub("", decode(os.read(end, 65536)))
        except OSError:  # nobody has the other end any more
            break
        if typed and seen.endswith("> "):
            os.write(end, typed.pop(0).encode() + b"\n")
    os.close(end)
    process.wait()
    return [shown.rstrip("\r").rpartition("\r")[2].rstrip() for shown in seen.rstrip().split("\n")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only say whether the files are current")
    parser.add_argument(
        "--tour",
        metavar="FILE",
        type=Path,
        nargs="?",
        const=README,
        help="run the console examples of a file again (README.md)",
    )
    options = parser.parse_args()
    stale = [path for path, text in current().items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if options.check:
        if stale:
            names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
            raise SystemExit(f"not current: {names}; run python scripts/make_docs.py")
        return
    for path, text in current().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if options.tour:
        options.tour.write_text(run_console(options.tour.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
