"""A prompt to ask at: it greets, completes words by Tab, keeps its history and outlives Ctrl-C."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

from w2v.cli.signals import Terminated
from w2v.cli.streams import argument_text, is_terminal
from w2v.cli.terminal import columns
from w2v.errors import printable
from w2v.numbers import plural

if TYPE_CHECKING:
    from w2v.corpus._words import WordTable
    from w2v.vectors.query import VectorFile
    from w2v.vectors.vectors import Vectors

__all__ = ["Prompt", "prompt_lines"]

EXAMPLE = ("king", "man", "woman", "queen")  # words that most vectors of English have
MOST_COMPLETIONS = 1000
HISTORY_LINES = 1000
HELP = (
    "Tab completes a word, Ctrl-C drops the line, quit or Ctrl-D ends. To ask about the words help and quit, type a "
    "space before them."
)


@dataclass(frozen=True)
class Prompt:
    """What is asked at: `name` stands before the line, `example` is one with {0} to {3} for words, `help` says what can
    be typed."""

    name: str
    vectors: VectorFile | Vectors
    example: str
    help: str

    @property
    def table(self) -> WordTable:
        return self.vectors.words.table

    def greeting(self) -> str:
        size = f"{plural(len(self.vectors), 'word')} x {self.vectors.dim}"
        return f"{size}. Try {self.example.format(*self.example_words())}; help says more, quit ends."

    def example_words(self) -> list[str]:
        """Words of the example that are there: royals, or else some of the more frequent ones."""
        words = self.vectors.words
        if all(word in words for word in EXAMPLE):
            return list(EXAMPLE)
        return [words[min(len(words) - 1, 50 * place)] for place in range(1, len(EXAMPLE) + 1)]

    def completions(self, start: str) -> list[str]:
        """Words that begin so, the most frequent first."""
        rows = self.table.rows_with_prefix(argument_text(start).encode("utf-8", "surrogateescape"), MOST_COMPLETIONS)
        words = (self.table[row].decode("utf-8", "surrogateescape") for row in rows)
        return [word for word in words if word.isprintable() and " " not in word] if start else []

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Within, Ctrl-C ends the answer, not the prompt."""
        try:
            yield
        except KeyboardInterrupt as stop:
            if isinstance(stop, Terminated):
                raise
            tell("\nstopped; the next question, please")


def prompt_lines(prompt: Prompt) -> Iterator[str]:
    """Lines typed at a terminal, with editing and history where readline is there. Ends at quit and Ctrl-D."""
    if isinstance(sys.stdin, io.TextIOWrapper):  # a byte that is not UTF-8 can be typed, and is a word's byte
        sys.stdin.reconfigure(errors="surrogateescape")
    plain = not is_terminal(sys.stdout)  # rows are redirected: the prompt must not be among them
    tell(prompt.greeting())
    with interruptible(), line_editing(prompt) if not plain else nullcontext():
        interrupted = False
        while True:
            try:
                line = plain_line(prompt.name) if plain else argument_text(input(prompt.name))
            except EOFError:
                tell("")
                return
            except KeyboardInterrupt as stop:
                if isinstance(stop, Terminated):
                    raise
                tell("\n(quit or Ctrl-D ends)" if interrupted else "")
                interrupted = True
                continue
            interrupted = False
            if line in ("quit", "exit"):
                return
            if line in ("help", "?"):
                tell(fill(f"{prompt.help} {HELP}", columns(sys.stderr) - 1))
            elif line.strip():
                yield line


def plain_line(name: str) -> str:
    """A line without editing, asked for on stderr; EOFError at the end."""
    sys.stderr.write(name)
    sys.stderr.flush()
    line = sys.stdin.buffer.readline()
    if not line:
        raise EOFError
    return line.decode("utf-8", "surrogateescape").rstrip("\n")


def tell(text: str) -> None:
    """A line for the one who types."""
    with suppress(OSError, ValueError, AttributeError):
        sys.stderr.write("\n".join(map(printable, text.split("\n"))) + "\n")
        sys.stderr.flush()


@contextmanager
def interruptible() -> Iterator[None]:
    """Within, every Ctrl-C raises KeyboardInterrupt; elsewhere a second one ends the process."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # ignored
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def line_editing(prompt: Prompt) -> Iterator[None]:
    """Tab completes words, and earlier lines come back, where readline is there."""
    try:
        import readline
    except ImportError:
        yield
        return
    found: list[str] = []

    def complete(start: str, place: int) -> str | None:
        if place == 0:
            words = prompt.completions(start)
            found[:] = words if len(words) > 1 else [word + " " for word in words]
        return found[place] if place < len(found) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" \t")
    libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
    place = Path(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")) / "w2v" / "history"
    readline.set_history_length(HISTORY_LINES)
    with suppress(OSError):  # a home that cannot be written costs the history, not the answers
        place.parent.mkdir(parents=True, exist_ok=True)
        readline.read_history_file(place)
    try:
        yield
    finally:
        with suppress(OSError):
            readline.write_history_file(place)
