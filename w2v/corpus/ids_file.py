"""An encoded corpus in one file, to be trained on at once and as often as wanted.

A safetensors file: `counts` int64 [V], `ids` int32 [N] (-1 ends each sentence), `word_lengths` int32 [V], and `words`,
one behind the other; as JSON in its metadata how the text became words, the token counts, and the digest of words,
counts and ids; beside it the checksum of that JSON. Nothing in the file is trusted: all of it is read once, when it is
opened, and checked, each id and the digest too. What happens to the file later changes no training.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

import w2v
from w2v.corpus._encode import LONGEST_TOKEN
from w2v.corpus._ids import check_span
from w2v.corpus._rank import rank
from w2v.corpus._words import words_of
from w2v.corpus.spool import ID_BYTES, make_spool
from w2v.corpus.vocab import LARGEST_COUNT, TokenCounts, Vocab
from w2v.errors import CorpusError
from w2v.safetensors import Entry, Header, is_safetensors, make_header, read_header
from w2v.threads import for_each

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus.spool import Folder
    from w2v.output import AtomicOutput

__all__ = ["IdsFile", "digest_of", "is_encoded", "is_encoded_head", "read_ids_file", "write_ids_file"]

FORMAT = "w2v corpus 2"
CHECK_IDS = 1 << 20  # of one thread's step
BLOCK_IDS = 1 << 20  # that a thread takes at a time; the digest is made of the blocks' digests
BLOCK_WORDS = 1 << 16  # whose lengths are written at a time
SHAPES = {"counts": ("I64", 1), "ids": ("I32", 1), "word_lengths": ("I32", 1), "words": ("U8", 1)}
FORBIDDEN = b" \t\n\r\0"


class IdsFile(NamedTuple):
    """What an encoded corpus is made of: ids int32 [N], and how the text became them."""

    ids: NDArray[np.int32]
    vocab: Vocab
    token_counts: TokenCounts
    settings: dict[str, Any] | None
    given_vocab: bool
    digest: str


def write_ids_file(content: IdsFile, out: AtomicOutput) -> None:
    """Write an encoded corpus into an open output."""
    ids, vocab = content.ids, content.vocab
    header = _header(content, vocab.words.byte_count)
    out.reserve(len(header) + 12 * len(vocab) + ID_BYTES * len(ids) + vocab.words.byte_count)
    out.write(header)
    out.write(memoryview(vocab.counts.astype("<i8", copy=False)).cast("B"))
    for start in range(0, len(ids), BLOCK_IDS):
        out.write(memoryview(np.ascontiguousarray(ids[start : start + BLOCK_IDS], "<i4")).cast("B"))
    for start in range(0, len(vocab), BLOCK_WORDS):
        out.write(memoryview(np.asarray(vocab.words.lengths(start, start + BLOCK_WORDS), "<i4")).cast("B"))
    for piece in vocab.words.pieces():
        out.write(piece)


def _header(content: IdsFile, word_bytes: int) -> bytes:
    about = {
        "w2v": w2v.__version__,
        "settings": content.settings,
        "given_vocab": content.given_vocab,
        "token_counts": dataclasses.asdict(content.token_counts),
        "digest": content.digest,
    }
    sizes = {
        "counts": len(content.vocab),
        "ids": len(content.ids),
        "word_lengths": len(content.vocab),
        "words": word_bytes,
    }
    tensors = {name: (dtype, (sizes[name],)) for name, (dtype, _) in SHAPES.items()}
    text = json.dumps(about, sort_keys=True)
    return make_header(tensors, {"format": FORMAT, "corpus": text, "checksum": _checksum(text)})


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def is_encoded(path: str | os.PathLike[str]) -> bool:
    """Whether a file says that it is an encoded corpus; False for one that cannot be looked at."""
    try:
        if not os.path.isfile(path):  # a pipe would lose what we look at
            return False
        with open(path, "rb") as file:
            return is_encoded_head(file.read(256))
    except OSError:
        return False


def is_encoded_head(head: bytes) -> bool:
    """The same by a file's first 256 bytes: its metadata come first."""
    return is_safetensors(head) and f'"format":"{FORMAT[:-1]}'.encode() in head


def read_ids_file(
    path: str | os.PathLike[str], threads: int | None = None, *, tmp_dir: Folder = None, memory_limit: int | None = None
) -> IdsFile:
    """Read an encoded corpus and check all of it. CorpusError says what is wrong, and where.

    Ids beyond `memory_limit` bytes (by default a quarter of the free memory) go to an unnamed file in `tmp_dir`.
    """
    name = os.fspath(path)
    spool = make_spool(memory_limit, tmp_dir)
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        header = read_header(name, file.read, size, CorpusError)
        about = _about(name, header)
        token_counts = _token_counts(name, about)
        entries = {key: _entry(name, header, key) for key in SHAPES}
        vocab = _vocab(name, {key: _read(file, name, entry) for key, entry in entries.items() if key != "ids"})
        begin, count = entries["ids"].begin, entries["ids"].shape[0]
        ids = spool.array(count)
        blocks = _read_ids(file.fileno(), name, begin, ids, threads)
    _check_ids(name, ids, begin, len(vocab), token_counts, threads)
    digest = _digest(vocab, blocks)
    if digest != about["digest"]:
        raise CorpusError(
            f"{name}: the words, counts or ids are not those that its digest was made of; the file is damaged, encode "
            "the text again"
        )
    return IdsFile(ids, vocab, token_counts, about["settings"], about["given_vocab"], digest)


def digest_of(vocab: Vocab, ids: NDArray[np.int32], threads: int | None = None) -> str:
    """Hex BLAKE2b of the words, their counts and the digests of all blocks of ids."""
    starts = range(0, len(ids), BLOCK_IDS)
    blocks = [b""] * len(starts)

    def work(i: int) -> None:
        blocks[i] = _block_digest(ids[starts[i] : starts[i] + BLOCK_IDS])

    for_each(work, len(starts), threads)
    return _digest(vocab, blocks)


def _block_digest(ids: NDArray[np.int32]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(ids, "<i4"), digest_size=32).digest()


def _digest(vocab: Vocab, blocks: list[bytes]) -> str:
    hash = hashlib.blake2b(b"w2v corpus 2\n", digest_size=32)
    hash.update(b"%d\n" % len(vocab))
    for piece in vocab.words.pieces(b"\n"):
        hash.update(piece)
    hash.update(vocab.counts.astype("<i8", copy=False))
    for block in blocks:
        hash.update(block)
    return hash.hexdigest()


def _about(name: str, header: Header) -> dict[str, Any]:
    """The metadata, whose parts all have the right type."""
    found = header.metadata.get("format", "")
    if found != FORMAT:
        other = found.startswith(FORMAT[:-1])
        what = f"a {found!r}, which this version does not read" if other else "no encoded corpus"
        raise CorpusError(f"{name}: the header: this is {what:.80}; make one with w2v encode")
    text = header.metadata.get("corpus", "")
    try:
        about = json.loads(text) if _checksum(text) == header.metadata.get("checksum") else None
    except (ValueError, RecursionError):
        about = None
    wanted: dict[str, type | tuple[type, ...]] = {
        "settings": (dict, type(None)),
        "given_vocab": bool,
        "token_counts": dict,
        "digest": str,
    }
    if not isinstance(about, dict) or not all(isinstance(about.get(key, ...), kind) for key, kind in wanted.items()):
        raise CorpusError(f"{name}: the header: its description cannot be read; the file is damaged")
    settings = about["settings"]
    if settings is not None and not (
        type(settings.get("min_count")) is int and type(settings.get("max_vocab", "")) in (int, type(None))
    ):
        raise CorpusError(f"{name}: the header: the settings are wrong; the file is damaged")
    return about


def _token_counts(name: str, about: dict[str, Any]) -> TokenCounts:
    try:
        token_counts = TokenCounts(**about["token_counts"])
        if not all(type(value) is int and value < 1 << 62 for value in dataclasses.astuple(token_counts)):
            raise ValueError("a count is not a whole number")
        token_counts.check()
    except (TypeError, ValueError) as error:
        what = f"the token counts are wrong ({error!s:.200})"
        raise CorpusError(f"{name}: the header: {what}; the file is damaged") from None
    return token_counts


def _entry(name: str, header: Header, key: str) -> Entry:
    dtype, dimensions = SHAPES[key]
    entry = header.tensors.get(key)
    if entry is None or entry.dtype != dtype or len(entry.shape) != dimensions or not entry.size:
        raise CorpusError(f"{name}: the header: there is no tensor {key!r} as it should be; the file is damaged")
    return entry


def _read(file: BinaryIO, name: str, entry: Entry) -> NDArray[Any]:
    file.seek(entry.begin)
    data = file.read(entry.size)
    if len(data) != entry.size:
        raise CorpusError(f"{name}: byte {entry.begin + len(data)}: the file ends while it is read")
    array = np.frombuffer(data, {"I64": "<i8", "I32": "<i4", "U8": "u1"}[entry.dtype])
    return array.astype(array.dtype.newbyteorder("="))


def _read_ids(fd: int, name: str, begin: int, ids: NDArray[np.int32], threads: int | None) -> list[bytes]:
    """Fill `ids` from byte `begin` on; returns the digests of its blocks."""
    starts = range(0, len(ids), BLOCK_IDS)
    digests = [b""] * len(starts)

    def read(i: int) -> None:
        block = ids[starts[i] : starts[i] + BLOCK_IDS]
        view, at = memoryview(block).cast("B"), begin + starts[i] * ID_BYTES
        while len(view):
            count = os.preadv(fd, [view], at)
            if not count:
                raise CorpusError(f"{name}: byte {at}: the file ends while it is read")
            view, at = view[count:], at + count
        if sys.byteorder == "big":
            block.byteswap(inplace=True)
        digests[i] = _block_digest(block)

    for_each(read, len(starts), threads)
    return digests


def _vocab(name: str, arrays: dict[str, NDArray[Any]]) -> Vocab:
    """The words, each checked; in the order of every vocabulary."""
    counts, lengths, blob = arrays["counts"], arrays["word_lengths"], arrays["words"]

    def wrong(what: str) -> CorpusError:
        return CorpusError(f"{name}: the vocabulary: {what}; the file is damaged")

    if len(counts) != len(lengths):
        raise wrong(f"{len(counts):,} counts for {len(lengths):,} words")
    if len(counts) < 2:
        raise wrong("it has fewer than two words")
    if lengths.min() < 1 or lengths.max() > LONGEST_TOKEN or int(lengths.sum(dtype=np.int64)) != len(blob):
        raise wrong("the words' lengths cannot be")
    words = words_of(blob, lengths)
    if words.first_with(FORBIDDEN) >= 0:
        raise wrong("a word holds white space or NUL")
    # As floats: whole numbers of 64 bits could run over. 2^62 is far from what rounding could reach.
    if counts.min() < 1 or float(counts.sum(dtype=np.float64)) > LARGEST_COUNT:
        raise wrong("a count cannot be")
    if words.repeats():
        raise wrong("a word occurs twice")
    if not np.array_equal(rank(words, counts), np.arange(len(words))):
        raise wrong("the words are out of order")
    return Vocab(words, counts)


def _check_ids(
    name: str, ids: NDArray[np.int32], begin: int, words: int, token_counts: TokenCounts, threads: int | None
) -> None:
    """Raise unless each id is a word's and the sentences are sound; in steps of whole sentences, by all threads."""
    cuts = [0]
    while cuts[-1] < len(ids):
        place = min(cuts[-1] + CHECK_IDS, len(ids))
        ends = np.flatnonzero(ids[place : place + 10_001] == -1)
        cuts.append(place + int(ends[0]) + 1 if len(ends) else len(ids))
    found: list[tuple[int, int, int]] = [(-1, 0, 0)] * (len(cuts) - 1)

    def check(i: int) -> None:
        found[i] = check_span(ids[cuts[i] : cuts[i + 1]], words)

    for_each(check, len(found), threads)
    for start, (bad, _, _) in zip(cuts, found, strict=False):
        if bad >= 0:
            place = start + bad
            what = f"the id {ids[place]} is out of place" if place < len(ids) else "the last sentence has no end"
            raise CorpusError(f"{name}: byte {begin + 4 * place}: {what}; the file is damaged")
    tokens, sentences = (sum(row[i] for row in found) for i in (1, 2))
    if (tokens, sentences) != (token_counts.kept, token_counts.sentences):
        raise CorpusError(
            f"{name}: the ids are {tokens:,} tokens in {sentences:,} sentences, and the header says "
            f"{token_counts.kept:,} in {token_counts.sentences:,}; the file is damaged"
        )
