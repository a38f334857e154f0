"""Which format a vector file is in, told by its first bytes and never by its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from w2v.errors import VectorsError
from w2v.files import UTF8_BOM, compression_of, foreign_format
from w2v.safetensors import is_safetensors
from w2v.vectors.formats.options import KINDS
from w2v.vectors.formats.source import PEEK

__all__ = ["MAX_DIM", "Header", "looks_like_vectors", "read_header", "tell_format", "told_or_seen"]

MAX_DIM = 65_536
NUMPY = b"\x93NUMPY"
HEADER_LIMIT = 64  # bytes, its newline included

# What it is, and how to get something that can be read.
UNSUPPORTED: tuple[tuple[bytes, str, str], ...] = (
    (b"\xba\x16\x4f\x2f", "a fastText model", "its vectors are in the .vec file that fastText writes beside it"),
    (b"\x80\x02", "a Python pickle (gensim's own format?)",
     "in gensim: model.wv.save_word2vec_format('vectors.bin', binary=True)"),
    (b"\x80\x03", "a Python pickle (gensim's own format?)",
     "in gensim: model.wv.save_word2vec_format('vectors.bin', binary=True)"),
    (b"\x80\x04", "a Python pickle (gensim's own format?)",
     "in gensim: model.wv.save_word2vec_format('vectors.bin', binary=True)"),
    (b"\x80\x05", "a Python pickle (gensim's own format?)",
     "in gensim: model.wv.save_word2vec_format('vectors.bin', binary=True)"),
    (b"FiFu", "a finalfusion file", "convert it: finalfusion convert -f finalfusion -t word2vec FILE vectors.bin"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "read it with h5py: w2v.Vectors(words, matrix).save('vectors.bin')"),
    (b"SQLite format 3\x00", "a database (magnitude?)", "export its vectors as text"),
    (b"\xff\xfe", "UTF-16 text", "convert it: iconv -f UTF-16 -t UTF-8"),
    (b"\xfe\xff", "UTF-16 text", "convert it: iconv -f UTF-16 -t UTF-8"),
)
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")
MARKUP = re.compile(rb"\s*<(!doctype|html|\?xml|head|body)", re.IGNORECASE)
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


def tell_format(name: str, head: bytes) -> tuple[str, Header | None]:
    """("binary" | "text" | "glove" | "npy" | "safetensors" | "projector", header of the first two).

    VectorsError that names any other format and the way to convert it.
    """
    if not head:
        raise VectorsError(f"{name}: row 0 (byte 0): the file is empty; was it written to the end?")
    if head.startswith(NUMPY):
        return "npy", None
    if is_safetensors(head):
        return "safetensors", None
    known = next(((what, remedy) for magic, what, remedy in UNSUPPORTED if head.startswith(magic)), None)
    known = known or foreign_format(head)
    if known is None and (packing := compression_of(head)):
        known = f"packed a second time ({packing})", "unpack it once first"
    if known:
        raise VectorsError(f"{name}: is {known[0]}, not word vectors that can be read; {known[1]}")
    if MARKUP.match(head):
        raise VectorsError(f"{name}: is a web page, not word vectors; download the file itself")
    if head.startswith(UTF8_BOM):
        raise VectorsError(f"{name}: row 0 (byte 0): begins with a byte order mark; remove the first three bytes")
    header = read_header(name, head)
    if header is None:
        if _is_projector(head):
            return "projector", None
        first = _first_lines(head)[0].rstrip(b" \r").split(b" ")
        if len(first) < 2 or not NUMBER.fullmatch(first[-1]):
            raise VectorsError(
                f"{name}: row 0 (byte 0): neither a `ROWS DIMENSIONS` line nor a word with numbers (it begins with "
                f"{head[:16]!r}); word2vec binary or text, GloVe, fastText .vec, .npy, safetensors and the embedding "
                "projector's .tsv can be read"
            )
        return "glove", None
    return ("text" if _is_text(head[header.size:], header) else "binary"), header


def told_or_seen(name: str, head: bytes, format: str | None) -> tuple[str, Header | None]:
    """As `tell_format`, but as a `format` of KINDS if there is one: then only what it must begin with is looked for."""
    if format is None or not head:
        return tell_format(name, head)
    kind = KINDS[format]
    header = read_header(name, head) if kind in ("binary", "text") else None
    begins = {"npy": head.startswith(NUMPY), "safetensors": is_safetensors(head)}
    if not begins.get(kind, header is not None or kind in ("glove", "projector")):
        raise VectorsError(
            f"{name}: row 0 (byte 0): does not begin as a file of format {format} does (but with {head[:16]!r}); "
            "leave --from, so that the format is told by the content"
        )
    return kind, header


def looks_like_vectors(head: bytes) -> bool:
    """Whether a file that begins with these bytes (unpacked) is meant as vectors, good or not, rather than as text."""
    if head.startswith(NUMPY) or is_safetensors(head) or any(head.startswith(m) for m, _, _ in UNSUPPORTED[:-2]):
        return True
    head = head.removeprefix(UTF8_BOM)
    first = head.split(b"\n", 1)[0]
    if b"\t" in first and b"." in first and _is_projector(head):
        return True
    header = SIGNED_HEADER.match(head[:HEADER_LIMIT])
    body = head[header.end() :] if header else head
    if header and CONTROL.search(body[:4096]):
        return True
    rows = [line.replace(b"\t", b" ").rstrip(b" \r").split(b" ") for line in _first_lines(body)]
    width = int(header[2]) + 1 if header else max(map(len, rows)) if rows else 0
    alike = sum(_is_row(fields, width if header else 0) for fields in rows)
    same = len({len(fields) for fields in rows if fields}) == 1
    # Rows of whole numbers may be a corpus of ids; vectors have points, or a header that counts their numbers.
    return bool(rows) and alike * 2 > len(rows) and (header is not None or same or alike > 3)


def _is_row(fields: list[bytes], width: int) -> bool:
    """Whether the fields of a line are those of a row: all but the first are numbers; as many as a header says, or
    most of them with a point."""
    numbers = [field for field in fields[1:] if NUMBER.fullmatch(field)]
    if len(numbers) < max(1, (len(fields) - 1) * 0.8):
        return False
    points = sum(b"." in field or b"e" in field.lower() for field in numbers)
    return len(fields) == width or (len(numbers) > 1 and points * 2 > len(numbers))


def _is_projector(head: bytes) -> bool:
    """Whether the first line is numbers between tabs, without a word."""
    first = _first_lines(head.replace(b"\t", b" "))[0].rstrip(b" \r").split(b" ")
    return b" " not in head.split(b"\n", 1)[0].rstrip() and all(NUMBER.fullmatch(field) for field in first)


def _first_lines(head: bytes) -> list[bytes]:
    """Up to eight whole lines, or what there is of the first, without a field that may be cut."""
    lines = head.split(b"\n", 8)
    cut = lines.pop() if len(lines) < 9 else b""
    if not lines:
        lines = [cut.rpartition(b" ")[0] if len(head) >= PEEK // 2 else cut]
    return lines[:8]


def _is_text(body: bytes, header: Header) -> bool:
    """Whether rows are numbers as text. Text with a mistake in it is still text, for its reader to name the mistake.

    Floats in binary are full of control bytes; where there are too few floats for that, they do not look like numbers.
    """
    numbers = [line.rstrip(b" \r").partition(b" ")[2] for line in _first_lines(body)]
    if any(CONTROL.search(line) for line in numbers):
        return False
    first = [field for field in numbers[0].split(b" ") if field]
    if not body or (first and all(NUMBER.fullmatch(field) for field in first)):
        return True
    shown = b"".join(numbers)
    if not shown:  # no line has numbers: those of text are missing, those in binary happen to begin with a newline
        return not _fits_binary(body, header)
    # Chance gives so many printable bytes once in 10^10 files.
    return shown.isascii() and len(shown) >= 24


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
