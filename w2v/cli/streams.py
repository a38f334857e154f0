"""Standard input and output as bytes that come back unchanged: UTF-8 in every locale, other bytes as they were."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from w2v.cli.errors import named_output
from w2v.errors import W2VError, printable
from w2v.files import LONGEST_LINE, standard_input, without_mark

if TYPE_CHECKING:
    from w2v.output import OutputSet, Sink

__all__ = ["argument_text", "binary_output", "is_terminal", "read_lines", "text_output", "write", "write_bytes"]

BLOCK = 1 << 16  # bytes; a pipe's buffer on Linux


def argument_text(argument: str) -> str:
    """An argument as UTF-8 text, also in a locale of another encoding; bytes that are not UTF-8 become surrogates."""
    return os.fsencode(argument).decode("utf-8", "surrogateescape")


def binary_output() -> BinaryIO:
    """Standard output for bytes."""
    if sys.stdout is None:
        raise W2VError("standard output is closed")
    return sys.stdout.buffer


def write(text: str, styled: bool = False) -> None:
    """Write text to standard output; surrogates become the bytes that they stand for.

    A terminal gets no word as it is: what it would not print, or would obey, is escaped. A text that holds codes for
    the terminal is `styled`, and its words were escaped before (see w2v.errors.printable).
    """
    if not styled and is_terminal(sys.stdout):
        text = "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # halves of characters that stand for no bytes, from the JSON of a hostile file
        data = text.encode("utf-8", "backslashreplace")
    write_bytes(data)


def text_output(path: str, outputs: OutputSet) -> Sink:
    """An output for text, at a path or "-", as bytes of UTF-8; on a terminal what it would obey is escaped."""
    from w2v.places import descriptor_of

    if is_terminal(sys.stdout) and (path == "-" or descriptor_of(path) == 1):
        return TerminalOutput()
    return outputs.open(path)


class TerminalOutput:
    """Text for the terminal, in blocks that may end anywhere."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")

    def write(self, data: bytes | bytearray | memoryview) -> int:
        write(self._decoder.decode(bytes(data)))
        return len(data)


def write_bytes(data: bytes) -> None:
    """Write all of it to standard output."""
    with named_output():
        left = memoryview(data)
        while left:  # where Python does not buffer it (PYTHONUNBUFFERED), less than all may be written at once
            left = left[binary_output().write(left) :]


def is_terminal(stream: object) -> bool:
    try:
        return stream is not None and stream.isatty()  # type: ignore[attr-defined]
    except ValueError:  # closed
        return False


def read_lines() -> Iterator[list[str]]:
    """Lines of standard input, as many at a time as have arrived.

    One line typed or sent by a co-process comes alone and can be answered at once; a file comes in large batches.
    W2VError for a line of more than LONGEST_LINE bytes.
    """
    source = standard_input().fileno()
    read = without_mark(lambda size: os.read(source, size), "<stdin>", W2VError)
    begun: list[bytes] = []  # parts of line `number`, whose end has not been seen, and their bytes
    number, size = 1, 0
    while block := read(BLOCK):
        head, newline, tail = block.rpartition(b"\n")
        if newline:
            yield split(b"".join([*begun, head]))
            begun, size = [], 0
            number += block.count(b"\n")
        if tail:
            begun.append(tail)
            size += len(tail)
            if size > LONGEST_LINE:
                where = f"<stdin>:{number}: the line is longer than {LONGEST_LINE} bytes"
                raise W2VError(f"{where}; put a query on each line")
    if begun:
        yield split(b"".join(begun))


def split(block: bytes) -> list[str]:
    return [line.removesuffix(b"\r").decode("utf-8", "surrogateescape") for line in block.split(b"\n")]
