"""What the first bytes of a file tell: the `V D` line of word2vec files, whole lines, fields that are numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from w2v.errors import VectorsError
from w2v.vectors.formats.source import PEEK

__all__ = [
    "CONTROL",
    "HEADER_LIMIT",
    "MAX_DIM",
    "NUMBER",
    "SIGNED_HEADER",
    "Header",
    "first_lines",
    "has_header",
    "is_text",
    "may_be_text",
    "read_header",
]

MAX_DIM = 65_536
HEADER_LIMIT = 64  # bytes, its newline included
CHANCE = 24  # printable bytes: chance gives so many once in 10^10 files
FIELD = bytes(range(256))  # what a field may hold, but for separators
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
HEADER = re.compile(rb"(\d+) +(\d+)[ \t]*\r?\n")
SIGNED_HEADER = re.compile(rb"([+-]?\d+) +([+-]?\d+)[ \t]*\r?\n")
NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """`V D` from the first line: how many rows, how many numbers in each, and the bytes that the line takes."""

    rows: int
    dim: int
    size: int


def read_header(name: str, head: bytes) -> Header | None:
    """The header, None if the first line is not one. VectorsError if it claims what no file can hold."""
    line = head[:HEADER_LIMIT]
    if b"\n" not in line:
        if re.fullmatch(rb"[+-]?\d+ *[+-]?\d*", line) and len(head) >= HEADER_LIMIT:
            raise VectorsError(
                f"{name}: row 0 (byte 0): the header has no end within {HEADER_LIMIT} bytes; this is not a vector file"
            )
        return None
    match = SIGNED_HEADER.match(line)
    if not match:
        return None
    rows, dim = int(match[1]), int(match[2])
    if not HEADER.match(line) or rows < 1 or dim < 1 or dim > MAX_DIM:
        raise VectorsError(
            f"{name}: row 0 (byte 0): the header claims {rows} rows of {dim} numbers; "
            f"at least one row of 1 to {MAX_DIM:,} numbers can be read"
        )
    return Header(rows, dim, match.end())


def has_header(name: str, head: bytes) -> bool:
    return read_header(name, head) is not None


def first_lines(head: bytes, most: int = 8, separators: bytes = b" ") -> list[bytes]:
    """Up to `most` whole lines, or what there is of the first, without a field that may be cut."""
    lines = head.split(b"\n", most)
    cut = lines.pop() if len(lines) <= most else b""
    if not lines:
        lines = [cut.rstrip(FIELD.translate(None, separators)) if len(head) >= PEEK // 2 else cut]
    return lines[:most]


def is_text(body: bytes, header: Header) -> bool:
    """Whether rows are numbers as text. Text with a mistake in it is still text, for its reader to name the mistake.

    Floats in binary are full of control bytes; where there are too few floats for that, they do not look like numbers.
    Text in which bytes were lost, and are zero, holds such bytes too, but else nothing that is not text.
    """
    numbers = [line.rstrip(b" \r").partition(b" ")[2] for line in first_lines(body)]
    if any(CONTROL.search(line) for line in numbers):
        kept = CONTROL.sub(b"", b"".join(numbers))
        return may_be_text(body) and len(kept) >= CHANCE and 2 * len(kept) > len(b"".join(numbers))
    first = [field for field in numbers[0].split(b" ") if field]
    if not body or (first and all(NUMBER.fullmatch(field) for field in first)):
        return True
    shown = b"".join(numbers)
    if not shown:  # no line has numbers: those of text are missing, those in binary happen to begin with a newline
        return not _fits_binary(body, header)
    return shown.isascii() and len(shown) >= CHANCE


def may_be_text(body: bytes) -> bool:
    """Whether nearly all that rows hold is numbers as text, apart from control characters: perhaps text in which bytes
    were lost."""
    rows = b" ".join(line.partition(b" ")[2] for line in first_lines(body))
    fields = CONTROL.sub(b" ", rows).split()
    return bool(fields) and 5 * sum(map(bool, map(NUMBER.fullmatch, fields))) >= 4 * len(fields)


def _fits_binary(body: bytes, header: Header) -> bool:
    """Whether the first rows are each a word, a space and as many bytes as the header says, to the end of the file."""
    rows, at = min(header.rows, 8), 0
    for _ in range(rows):
        space = body.find(b" ", at)
        at = space + 1 + 4 * header.dim
        if space < 0 or at > len(body):
            return space >= 0 and len(body) >= PEEK // 2  # the rest of a longer file
        at += body[at : at + 1] == b"\n"
    return rows < header.rows or at == len(body)
