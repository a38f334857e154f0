"""Vectors of lines of text: the mean of their words' rows, weighted by how rare these are, without what lines have in
common.

Weights a / (a + p(word)) and the removal of the first direction: smooth inverse frequency, SIF (Arora, Liang and Ma
2017, algorithm 1). Lines become words as a corpus does, by the same compiled code, a block at a time on each thread;
what is kept for it does not grow with the text.
"""

from __future__ import annotations

import os
import secrets
import select
from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from w2v.corpus._encode import Encoder, Spellings
from w2v.corpus._words import WordTable
from w2v.corpus.config import WORD_SETTINGS, CorpusConfig
from w2v.corpus.sources import check_text
from w2v.corpus.tokenizers import changes_spellings, tokenize
from w2v.errors import SettingsError, VectorsError, W2VError, setting
from w2v.files import HEAD_BYTES, standard_input, unpacked, without_mark
from w2v.output import OutputSet
from w2v.places import is_replaced
from w2v.safetensors import make_header
from w2v.threads import in_order
from w2v.vectors._embed import mean_rows
from w2v.vectors._text import text_rows
from w2v.vectors.formats.npy import npy_header
from w2v.vectors.subwords import check_made
from w2v.vectors.words import to_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.vocab import Vocab
    from w2v.vectors.vectors import Vectors

    Rows = NDArray[np.float32]

__all__ = [
    "FORMATS",
    "SIF_WEIGHT",
    "LineEmbedder",
    "blocks_of_file",
    "blocks_of_lines",
    "common_directions",
    "embed",
    "form_of",
    "load_directions",
    "reading_settings",
    "save_lines",
    "sif_weights",
]

Written = TypeVar("Written")

SIF_WEIGHT = 1e-3  # a: Arora et al. 2017, section 4.1
NOTHING_LEFT = 1e-6  # of a row's length: what float32 rounds, once all that it has in common is removed
SAMPLE_LINES = 1 << 16  # that the common directions are found from: the first ones
BLOCK_BYTES = 1 << 18  # of text that a thread takes at once
BLOCK_LINES = 4096
MOST_SPELLINGS = 1 << 20  # that a thread remembers; then it begins anew
MOST_MADE = 1 << 24  # numbers of vectors made from n-grams that a thread remembers: 64 MiB
LONGEST_LINE = 1 << 26  # bytes
FORMATS = {"tsv": (".tsv", ".txt"), "npy": (".npy",), "safetensors": (".safetensors",), "json": (".jsonl", ".json")}
MOST_ROWS = 10**15  # that a header has room for
HEADER_BYTES = 256  # of a safetensors file


@dataclass
class Seen:
    """What went through: lines, those without a known word, tokens, those that are no known word."""

    lines: int = 0
    unknown_lines: int = 0
    tokens: int = 0
    unknown_tokens: int = 0

    def __add__(self, other: Seen) -> Seen:
        return Seen(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


def embed(
    vectors: Vectors,
    lines: Iterable[str | bytes],
    *,
    sif: float | None = None,
    counts: Vocab | None = None,
    remove: int | None = None,
    common: Rows | None = None,
    unit: bool = False,
    threads: int | None = None,
    **reading: str | bool,
) -> Rows:
    """A vector for each line, float32 [lines, D]; see `Vectors.embed`."""
    if isinstance(lines, (str, bytes)):
        raise VectorsError(f"embed: {lines!r:.40} is one line; give a list of lines")
    embedder = LineEmbedder(vectors, sif=sif, counts=counts, reading=reading_settings(vectors, **reading))
    rows = embedder.run(
        blocks_of_lines(lines), lambda rows: rows, remove=remove, common=common, unit=unit, threads=threads
    )
    return np.concatenate([np.empty((0, vectors.dim), np.float32), *rows])


def reading_settings(vectors: Vectors, **stated: str | bool) -> CorpusConfig:
    """How lines become words: what is stated, else as the vectors' corpus was read, where their file says it."""
    known = {name: vectors.metadata[name] for name in WORD_SETTINGS if name in vectors.metadata}
    settings: dict[str, str | bool] = {**known, **({"lower": known["lower"] == "true"} if "lower" in known else {})}
    unknown = set(stated) - set(WORD_SETTINGS)
    if unknown:
        raise SettingsError(f"embed: there is no setting {min(unknown)!r}")
    return CorpusConfig(**{**settings, **stated})  # type: ignore[arg-type]


# --- weights and directions ---


def sif_weights(vectors: Vectors, a: float, counts: Vocab | None = None) -> Rows:
    """a / (a + p(word)) of each row, float32 [V]: p from `counts`, else those that the vectors came with, else by
    Zipf's law from the rank, 1 / (rank * (1 + 1/2 + ... + 1/V)): rows are in falling frequency."""
    if not 0 < a < float("inf"):
        raise SettingsError(f"{setting('sif')}: must be more than 0 (got {a})")
    found = vectors.counts
    if counts is not None:
        rows = np.empty(len(counts), np.int32)
        vectors.words.table.find_all(counts.words, rows)
        found = np.zeros(len(vectors), np.int64)
        found[rows[rows >= 0]] = counts.counts[rows >= 0]
        if not found.any():
            raise VectorsError(f"{setting('counts')}: none of its {len(counts):,} words has a vector")
    elif found is None and vectors.model is not None:
        found = vectors.model.counts
    frequency = 1 / np.arange(1, len(vectors) + 1) if found is None else np.asarray(found, np.float64)
    total = counts.total if counts is not None else frequency.sum()
    return (a / (a + frequency / max(total, 1e-300))).astype(np.float32)


def common_directions(rows: Rows, count: int) -> Rows:
    """The `count` directions that rows [n, D] have most in common: right singular vectors, float32 [count, D]."""
    wide = np.zeros((rows.shape[1], rows.shape[1]))
    for low in range(0, len(rows), BLOCK_LINES):
        some = rows[low : low + BLOCK_LINES].astype(np.float64)
        wide += some.T @ some
    _, directions = np.linalg.eigh(wide)
    return np.ascontiguousarray(directions.T[::-1][:count], np.float32)


def load_directions(path: str, dim: int) -> Rows:
    """Directions that were saved, float32 [n, D]; VectorsError for another shape."""
    from w2v.vectors.formats.npy import read_npy_header
    from w2v.vectors.formats.sections import Sections, floats
    from w2v.vectors.formats.source import open_source

    with open_source(path) as source:
        if not source.head.startswith(b"\x93NUMPY"):
            raise VectorsError(f"{path}: is no .npy; give the file that {setting('save_common')} wrote")
        array = read_npy_header(source.name, source.head)
        if array.dim != dim:
            raise VectorsError(f"{path}: directions of {array.dim} numbers; these vectors have {dim}")
        taken = Sections(source, 1).take(array.begin, array.size)
        return np.ascontiguousarray(floats(taken, array.dtype, array.rows, array.dim, array.by_column))


# --- lines to rows ---


class LineEmbedder:
    """Blocks of whole lines in, a row for each line out; `seen` counts."""

    def __init__(
        self, vectors: Vectors, *, sif: float | None = None, counts: Vocab | None = None, reading: CorpusConfig
    ):
        self.vectors, self.reading, self.sif = vectors, reading, sif
        matrix = vectors.matrix
        self.rows = matrix if matrix.strides[1] == matrix.itemsize else np.ascontiguousarray(matrix)
        self.weights = np.ones(len(vectors), np.float32) if sif is None else sif_weights(vectors, sif, counts)
        self.common = np.empty((0, vectors.dim), np.float32)
        self.seen = Seen()
        self._readers: list[_Reader] = []  # that no thread is using

    def run(
        self,
        blocks: Iterable[bytes | None],
        write: Callable[[Rows], Written],
        *,
        remove: int | None = None,
        common: Rows | None = None,
        unit: bool = False,
        threads: int | None = None,
    ) -> Iterator[Written]:
        """What `write` makes of the rows of each block, float32 [lines, D], in their order.

        Blocks are taken one by one; None among them: the next one may be long in coming. `common` directions are
        removed, or the `remove` (1 with SIF weights, else none) that the first SAMPLE_LINES lines have most in common:
        these are held back until then."""
        remove = self._settle(remove, common)
        held: list[Rows] | None = [] if remove else None

        def finished(rows: Rows) -> Written:
            return write(self._finished(rows, unit))

        def work(block: bytes) -> tuple[Rows, Seen, Written | None]:
            rows, seen = self._means(block)
            return rows, seen, finished(rows) if held is None else None

        def released(sample: list[Rows]) -> Iterator[Written]:
            self.common = common_directions(np.concatenate(sample), remove)
            return map(finished, sample)

        for rows, seen, written in in_order(work, blocks, threads):
            self.seen += seen
            if held is None:
                yield finished(rows) if written is None else written
                continue
            held.append(rows)
            if sum(map(len, held)) >= SAMPLE_LINES:
                sample, held = held, None
                yield from released(sample)
        if held:
            yield from released(held)

    def _settle(self, remove: int | None, common: Rows | None) -> int:
        """How many directions are to be found; those that are given are kept. SettingsError where they do not fit."""
        dim = self.vectors.dim
        if common is None:
            remove = (self.sif is not None) if remove is None else remove
            if not 0 <= remove <= dim:
                raise SettingsError(f"{setting('remove')}: must be between 0 and {dim} (got {remove})")
            return int(remove)
        if remove:
            raise SettingsError(f"{setting('remove')}: the common directions are given; leave it out")
        self.common = np.atleast_2d(np.asarray(common, np.float32))
        if self.common.ndim != 2 or self.common.shape[1] != dim:
            raise SettingsError(f"{setting('common')}: must be rows of {dim} numbers")
        return 0

    def _finished(self, rows: Rows, unit: bool) -> Rows:
        if len(self.common):
            before = _lengths(rows)
            rows -= (rows @ self.common.T) @ self.common
            rows[_lengths(rows)[:, 0] <= NOTHING_LEFT * before[:, 0]] = 0
        if unit:
            lengths = _lengths(rows)
            np.divide(rows, lengths, out=rows, where=lengths > 0, casting="same_kind")
        return rows

    def _means(self, block: bytes) -> tuple[Rows, Seen]:
        try:
            reader = self._readers.pop()
        except IndexError:  # to look first would be a race
            reader = _Reader(self)
        found = reader.means(block)
        if not reader.is_full:
            self._readers.append(reader)
        return found


def _lengths(rows: Rows) -> np.ndarray:
    """float64 [n, 1]"""
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))[:, None])


class _Reader:
    """What one thread knows of spellings: spelling i stands for the rows places[ends[i]:ends[i + 1]]."""

    def __init__(self, embedder: LineEmbedder):
        self.embedder = embedder
        reading = embedder.reading
        seed = (secrets.randbits(64), secrets.randbits(64))
        unicode, marks = reading.whitespace == "unicode", reading.tokenizer == "words"
        self.spellings = Spellings(seed)
        self.encoder = Encoder(self.spellings, unicode, BLOCK_BYTES, marks, True)
        self.ends, self.places = array("i", [0]), array("i")
        self.made = np.empty((0, embedder.vectors.dim), np.float32)

    @property
    def is_full(self) -> bool:
        return len(self.spellings) > MOST_SPELLINGS or self.made.size > MOST_MADE

    def means(self, block: bytes) -> tuple[Rows, Seen]:
        """The rows of a block's lines, and what was seen; each line ends with a newline."""
        encoded = self.encoder.encode_bytes(b"", block, b"", False)
        ids = np.concatenate([part.ids() for part in encoded])
        for part in reversed(encoded):
            part.discard()
        self._learn(self.spellings.since(len(self.ends) - 1))
        ends, places = np.frombuffer(self.ends, np.int32), np.frombuffer(self.places, np.int32)
        lines = int((ids < 0).sum())
        out, known = np.empty((lines, self.embedder.vectors.dim), np.float32), np.empty(lines, np.int32)
        mean_rows(ids, ends, places, self.embedder.weights, self.embedder.rows, self.made, out, known)
        tokens = ids[ids >= 0]
        unknown = int((ends[tokens + 1] == ends[tokens]).sum())
        return out, Seen(lines, int((known == 0).sum()), len(tokens), unknown)

    def _learn(self, spellings: list[bytes]) -> None:
        """The rows of spellings that are new."""
        if not spellings:
            return
        words, ends = spellings, np.arange(1, len(spellings) + 1)
        if changes_spellings(self.embedder.reading):
            words, all_ends = tokenize(spellings, self.embedder.reading)
            ends = np.array(all_ends[1:])
        table = WordTable(words)
        rows = np.empty(len(words), np.int32)
        self.embedder.vectors.words.table.find_all(table, rows)
        self._make(table, rows)
        known = rows >= 0
        before = np.concatenate([[0], np.cumsum(known)]) + len(self.places)
        self.places.frombytes(rows[known].tobytes())
        self.ends.frombytes(before[ends].astype(np.int32).tobytes())

    def _make(self, table: WordTable, rows: NDArray[np.int32]) -> None:
        """Rows of words that are not there, made from their n-grams."""
        subwords = self.embedder.vectors.subwords
        missing = np.flatnonzero(rows < 0)
        if subwords is None or not len(missing):
            return
        unseen = table.take(missing.tolist())
        made, ngrams = subwords.vectors(unseen, threads=1)
        check_made(unseen, made)
        missing, made = missing[ngrams > 0], made[ngrams > 0]
        rows[missing] = np.arange(len(missing)) + len(self.embedder.vectors) + len(self.made)
        self.made = np.concatenate([self.made, made])


# --- where lines come from: blocks of whole lines ---


def blocks_of_lines(lines: Iterable[str | bytes]) -> Iterator[bytes]:
    """Blocks of lines that are given one by one; a newline inside one is a space."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        if not isinstance(line, (str, bytes)):
            raise TypeError(f"a line is str or bytes, not {type(line).__name__}: {line!r:.60}; join tokens by spaces")
        held.append(to_bytes(line).replace(b"\n", b" "))
        size += len(held[-1])
        if size >= BLOCK_BYTES or len(held) == BLOCK_LINES:
            yield b"\n".join(held) + b"\n"
            held, size = [], 0
    if held:
        yield b"\n".join(held) + b"\n"


def blocks_of_file(path: str) -> Iterator[bytes | None]:
    """Blocks of the lines of a file, plain or compressed, or of standard input ("-"), as they arrive; None where the
    next line is not there yet. W2VError for a line that is too long, or a file that is damaged."""
    name = "<stdin>" if path == "-" else path
    with nullcontext() if path == "-" else open(path, "rb", buffering=0) as file:
        source = standard_input().fileno() if file is None else file.fileno()
        read, _ = unpacked(lambda size: os.read(source, size), name, W2VError)
        read = without_mark(read, name, W2VError)
        if file is not None:  # lines that are typed, or sent one by one, may begin with anything
            read = _checked(read, name)
        yield from _whole_lines(name, read, lambda: bool(select.select([source], [], [], 0)[0]))


def _checked(read: Callable[[int], bytes], name: str) -> Callable[[int], bytes]:
    """What reads on; W2VError if the first bytes are plainly no text."""
    begun = False

    def read_on(size: int) -> bytes:
        nonlocal begun
        data = read(size)
        if not begun:
            check_text(data[:HEAD_BYTES], name, for_training=False)
        begun = True
        return data

    return read_on


def _whole_lines(name: str, read: Callable[[int], bytes], is_there: Callable[[], bool]) -> Iterator[bytes | None]:
    parts: list[bytes] = []
    size = number = 0
    while data := read(BLOCK_BYTES):
        parts.append(data)
        size += len(data)
        if b"\n" in data and (size >= BLOCK_BYTES or not is_there()):
            head, _, tail = b"".join(parts).rpartition(b"\n")
            number += head.count(b"\n") + 1
            yield from _few_lines(head + b"\n")
            parts, size = [tail], len(tail)
            if not is_there():
                yield None
        if size > LONGEST_LINE:
            raise W2VError(f"{name}:{number + 1}: the line is longer than {LONGEST_LINE:,} bytes; put a text on each")
    if size:
        yield from _few_lines(b"".join(parts).removesuffix(b"\n") + b"\n")


def _few_lines(block: bytes) -> Iterator[bytes]:
    """A block in parts of not too many lines: a row may be far longer than its line."""
    if block.count(b"\n") <= BLOCK_LINES:
        yield block
        return
    lines = block.split(b"\n")[:-1]
    for low in range(0, len(lines), BLOCK_LINES):
        yield b"\n".join(lines[low : low + BLOCK_LINES]) + b"\n"


# --- where rows go ---


def form_of(path: str, form: str | None = None) -> str:
    """One of FORMATS: the one that is asked for, or by the name, tsv for standard output. SettingsError for none, or
    for one whose header counts the rows where it cannot be written at the end."""
    suffix = os.path.splitext(path.lower().removesuffix(".gz"))[1]
    found = form or next((name for name, suffixes in FORMATS.items() if suffix in suffixes), None)
    if found is None and path == "-":
        found = "tsv"
    if found is None:
        ends = ", ".join(suffixes[0] for suffixes in FORMATS.values())
        raise SettingsError(
            f"{path}: cannot tell the format from this name; end it in {ends}, or give {setting('format')}"
        )
    if found in ("npy", "safetensors") and (not is_replaced(path) or path.lower().endswith(".gz")):
        raise SettingsError(
            f"{path}: {found} begins with the number of rows, which is known at the end; give a plain file or write tsv"
        )
    return found


def save_lines(
    path: str,
    form: str,
    embedder: LineEmbedder,
    blocks: Iterable[bytes | None],
    *,
    no_clobber: bool = False,
    common_path: str | None = None,
    **options: Any,
) -> None:
    """Write the rows of lines as they are made, in one of FORMATS; options as of `LineEmbedder.run`.

    The directions that were removed go to `common_path`, for `load_directions`: both files are written, or none.
    """
    dim = embedder.vectors.dim
    make = {"tsv": _tsv, "json": _json}.get(form, _numbers)

    def write(rows: Rows) -> bytes:
        if not np.isfinite(rows).all():
            raise VectorsError(
                f"{path}: a number is not finite; nothing is written (w2v check shows which rows are bad)"
            )
        return make(rows)

    with OutputSet(no_clobber) as outputs:
        out = outputs.open(path)
        apart = outputs.open(common_path) if common_path else None
        out.write(_header(form, MOST_ROWS, dim))
        for data in embedder.run(blocks, write, **options):
            out.write(data)
            out.flush()
        if form in ("npy", "safetensors"):
            out.write_start(_header(form, embedder.seen.lines, dim))
        if apart is not None:
            apart.write(npy_header("<f4", *embedder.common.shape))
            apart.write(_numbers(embedder.common))


def _header(form: str, rows: int, dim: int) -> bytes:
    """What is before the numbers; as long for any number of rows."""
    if form == "npy":
        return npy_header("<f4", rows, dim)
    if form == "safetensors":
        return make_header({"vectors": ("F32", (rows, dim))}, least=HEADER_BYTES)
    return b""


def _numbers(rows: Rows) -> bytes:
    return np.ascontiguousarray(rows, "<f4").tobytes()


def _tsv(rows: Rows) -> bytes:
    block, used = text_rows(rows, None, 0, len(rows))
    return bytes(memoryview(block)[:used])


def _json(rows: Rows) -> bytes:
    text = _tsv(rows).replace(b"\t", b", ").replace(b"\n", b']}\n{"vector": [')
    return b'{"vector": [' + text.removesuffix(b'{"vector": [')
