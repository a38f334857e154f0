"""Vector files loaded: any format, recognised by its first bytes and never by its name."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, BinaryIO

from w2v.errors import VectorsError
from w2v.files import HEAD_BYTES, UTF8_BOM, compression_of, encoding_by_mark, foreign_format
from w2v.vectors.formats.format import FORMATS, Format, format_named
from w2v.vectors.formats.projector import is_projector
from w2v.vectors.formats.rows import BETWEEN, LoadOptions, Rows, show_word
from w2v.vectors.formats.source import (
    CONTROL,
    HEADER_LIMIT,
    NUMBER,
    PEEK,
    SIGNED_HEADER,
    Source,
    first_lines,
    open_source,
)
from w2v.vectors.formats.table import layout_of

if TYPE_CHECKING:
    from array import array

    from w2v.corpus._words import WordTable

__all__ = ["check_repeats", "load_rows", "looks_like_vectors", "recognised"]

LFS = b"version https://git-lfs"  # a pointer to a file that is kept elsewhere
NOT_FINITE = re.compile(rb"[+-]?(nan|inf|infinity)", re.IGNORECASE)
# What it is, and how to get something that can be read.
UNSUPPORTED: tuple[tuple[bytes, str, str], ...] = (
    (
        b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.",
        "a PyTorch file (.pt)",
        "in Python: torch.load(..., weights_only=True), then w2v.Vectors(words, matrix.numpy()).save('vectors.bin')",
    ),
    *(
        (
            bytes([0x80, version]),
            "a Python pickle (gensim's own format?)",
            "in gensim: model.wv.save_word2vec_format('vectors.bin', binary=True)",
        )
        for version in range(2, 6)
    ),
    (b"FiFu", "a finalfusion file", "convert it: finalfusion convert -f finalfusion -t word2vec FILE vectors.bin"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "read it with h5py: w2v.Vectors(words, matrix).save('vectors.bin')"),
    (b"SQLite format 3\x00", "a database (magnitude?)", "export its vectors as text"),
)
SPARSE = re.compile(rb"\d+:[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
NUMBERS_THEN_CR = re.compile(rb" [-+]?\d[\d.eE+-]*\r[^\r ]+ [-+]?\d")  # the end of a row, and the next
BRACKETS = re.compile(rb"\[ *[-+]?[0-9.]+[^]]*\]")
MARKUP = re.compile(rb"\s*<(!doctype|html|\?xml|head|body)", re.IGNORECASE)


def recognised(name: str, head: bytes, format: str | None = None) -> Format:
    """The format of a file that begins with `head`; if the user says which, only what it must begin with is looked for.

    VectorsError that names any other format and the way to convert it.
    """
    if not head:
        raise VectorsError(f"{name}: row 0 (byte 0): the file is empty; was it written to the end?")
    if format is not None:
        record = format_named(format)
        begins = record.begins or (record.recognise if record.signed else None)
        if begins is not None and not begins(name, head):
            raise VectorsError(
                f"{name}: row 0 (byte 0): does not begin as a file of format {format} does (but with {head[:16]!r}); "
                f"name no format, and it will be recognised by content"
            )
        return record
    for record in FORMATS.values():
        if record.signed and record.recognise(name, head):
            return record
    refuse_others(name, head)
    if b"\n" not in head and NUMBERS_THEN_CR.search(head):
        raise VectorsError(
            f"{name}: its lines end in carriage returns alone; write line feeds: tr '\\r' '\\n' < FILE > NEW"
        )
    for record in FORMATS.values():
        if not record.signed and record.recognise(name, head):
            return record
    from w2v.corpus.sample import json_fields
    from w2v.corpus.sources import wide_encoding

    if json_fields(head, len(head) < PEEK) is not None:
        raise VectorsError(
            f"{name}: is JSON, not word vectors that can be read; in Python, where it is an object of lists: "
            "w2v.Vectors(list(found), numpy.array(list(found.values()))).save('vectors.bin')"
        )
    if encoding := wide_encoding(head[:HEAD_BYTES]):
        raise VectorsError(f"{name}: is {encoding} text; convert it: iconv -f {encoding} -t UTF-8 FILE > NEW")
    raise VectorsError(
        f"{name}: row 0 (byte 0): neither a `ROWS DIMENSIONS` line nor a word with numbers (it begins with "
        f"{head[:16]!r}{_between(head)}); {', '.join(record.title for record in FORMATS.values())} can be read"
    )


def _between(head: bytes) -> str:
    """What separates the fields of the first lines, where that is clear but not enough."""
    lines = [line for line in first_lines(head) if line]
    for sign, what in BETWEEN.items():
        if lines and all(line.count(sign) == lines[0].count(sign) > 1 for line in lines):
            return f", fields between {what}"
    if lines and all(map(BRACKETS.search, lines)):
        return ", numbers in brackets: tr -d '[],' < FILE > NEW"
    return ""


def refuse_others(name: str, head: bytes) -> None:
    """VectorsError for what is known by its first bytes and not read here."""
    known = next(((what, remedy) for magic, what, remedy in UNSUPPORTED if head.startswith(magic)), None)
    if encoding := encoding_by_mark(head):
        known = f"{encoding} text", f"convert it: iconv -f {encoding} -t UTF-8 FILE > NEW"
    known = known or foreign_format(head)
    if known is None and (packing := compression_of(head)):
        known = f"packed a second time ({packing})", "unpack it once first"
    if known:
        raise VectorsError(f"{name}: is {known[0]}, not word vectors that can be read; {known[1]}")
    if MARKUP.match(head):
        raise VectorsError(f"{name}: is a web page, not word vectors; download the file itself")
    if head.startswith(UTF8_BOM):
        raise VectorsError(
            f"{name}: row 0 (byte 0): begins with a byte order mark; remove the first three bytes (w2v convert --fix)"
        )
    if _is_sparse(head):
        raise VectorsError(
            f"{name}: is a sparse file (index:value fields); w2v reads dense vectors, one number per column"
        )


def _is_sparse(head: bytes) -> bool:
    """Whether most lines behind a header are fields `index:value`, but for a word before them."""
    lines = [line.split()[1:] for line in first_lines(head)]
    rows = [fields for fields in lines if fields]
    return 2 * sum(all(map(SPARSE.fullmatch, fields)) for fields in rows) > len(rows)


def looks_like_vectors(head: bytes) -> bool:
    """Whether a file that begins with these bytes (unpacked) is meant as vectors, good or not, rather than as text."""
    if any(record.signed and record.recognise("", head) for record in FORMATS.values()):
        return True
    if any(head.startswith(magic) for magic in (LFS, *(magic for magic, _, _ in UNSUPPORTED))):
        return True
    head = head.removeprefix(UTF8_BOM)
    if _is_sparse(head) or _is_table_of_points(head):
        return True
    first = head.split(b"\n", 1)[0]
    if b"\t" in first and b"." in first and is_projector(head):
        return True
    header = SIGNED_HEADER.match(head[:HEADER_LIMIT])
    body = head[header.end() :] if header else head
    if header and CONTROL.search(body[:4096]):
        return True
    lines = [line.replace(b"\t", b" ").rstrip(b" \r").split(b" ") for line in first_lines(body)]
    rows = [[fields[0], *filter(None, fields[1:])] for fields in lines]
    width = int(header[2]) + 1 if header else max(map(len, rows)) if rows else 0
    alike = sum(_is_row(fields, width if header else 0) for fields in rows)
    same = len({len(fields) for fields in rows if fields}) == 1
    # Rows of whole numbers may be a corpus of ids; vectors have points, or a header that counts their numbers.
    return bool(rows) and alike * 2 > len(rows) and (header is not None or same or alike > 3)


def _is_table_of_points(head: bytes) -> bool:
    """Whether it is a table most of whose numbers have points, as those of vectors have; or a header counts them."""
    layout = layout_of(head)
    if layout is None:
        return False
    numbers = [number for line in first_lines(head[layout.start :]) for number in layout.split(line)[1]]
    return layout.rows is not None or 2 * sum(b"." in number for number in numbers) > len(numbers)


def _is_row(fields: list[bytes], width: int) -> bool:
    """Whether the fields of a line are those of a row: all but the first are numbers; as many as a header says, or
    most of them with a point."""
    numbers = [field for field in fields[1:] if NUMBER.fullmatch(field)]
    if len(numbers) < max(1, (len(fields) - 1) * 0.8):
        return False
    points = sum(b"." in field or b"e" in field.lower() or NOT_FINITE.fullmatch(field) is not None for field in numbers)
    return len(fields) == width or (len(numbers) > 1 and points * 2 > len(numbers))


def load_rows(path: str | os.PathLike[str] | BinaryIO | Source, options: LoadOptions) -> Rows:
    """The rows of a file in any format, plain or compressed; "-" is standard input.

    Raises VectorsError for a file that is damaged or not supported, OSError if it cannot be opened.
    """
    with path if isinstance(path, Source) else open_source(path) as source:
        rows = recognised(source.name, source.head, options.format).load(source, options)
        if rows.norms is None:
            from w2v.vectors.formats.sections import checked_norms

            rows = rows._replace(norms=checked_norms(source.name, rows.matrix, rows.words, options.threads))
        repeats = check_repeats(source.name, rows.words, options)
    return _without(repeats, rows) if repeats else rows


def check_repeats(name: str, words: WordTable, options: LoadOptions) -> array[int]:
    """Rows whose word is already in an earlier one; VectorsError if they are not wanted. Indexes the words."""
    repeats = words.repeats(options.threads)
    if repeats and options.duplicates == "error":
        word = words[repeats[0]]
        raise VectorsError(
            f"{name}: row {repeats[0] + 1}: the word {show_word(word)} is already in row {words.find(word) + 1}; "
            "w2v convert --duplicates first keeps the first"
        )
    return repeats


def _without(repeated: array[int], rows: Rows) -> Rows:
    import numpy as np

    keep = np.ones(len(rows.words), bool)
    keep[repeated] = False
    words = rows.words.take(np.flatnonzero(keep).tolist())
    matrix = np.ascontiguousarray(rows.matrix[keep])
    return Rows(
        words,
        matrix,
        None if rows.norms is None else rows.norms[keep],
        rows.metadata,
        subwords=None if rows.subwords is None else rows.subwords.take(np.flatnonzero(keep)),
        counts=None if rows.counts is None else rows.counts[keep],
    )
