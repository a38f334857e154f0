"""fastText's binary model: settings, dictionary with counts, input rows of words and of n-gram buckets, output rows.

    int32   magic 793712314, version 12
    int32   dim ws epoch minCount neg wordNgrams loss model bucket minn maxn lrUpdateRate
    float64 t
    int32   entries, words, labels                  int64 tokens, pruned buckets (-1)
    entries bytes NUL int64 count, int8 type        0 word, 1 label
    int8    quantised?   int64 rows columns   float32 input [words + bucket, dim]
    int8    quantised?   int64 rows columns   float32 output

Little-endian (src/fasttext.cc, src/dictionary.cc, src/densematrix.cc of 0.9.3). Files of before version 11 have neither
magic nor quantisation; the rows of a quantised matrix are in codes (fasttext_codes.py). A pruned model has int32 pairs
behind its dictionary, of each bucket that is left and its row. A word's vector is the mean of its own row and those of
its n-grams; n-grams of buckets that were pruned do not count.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from w2v.corpus._words import WordTable
from w2v.errors import UnknownWordError, VectorsError, setting
from w2v.vectors._ngrams import FloatRows, MappedFile
from w2v.vectors.formats.format import Format
from w2v.vectors.formats.rows import WHITE_SPACE, Contents, LoadOptions, ModelParts, Rows, Shape, show_word
from w2v.vectors.formats.source import MAX_DIM
from w2v.vectors.words import to_bytes, unknown_word

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from w2v.vectors.formats.row_writer import RowWriter
    from w2v.vectors.formats.salvage import Block, Salvage
    from w2v.vectors.formats.source import Source

__all__ = ["FASTTEXT"]

MAGIC, VERSION = 793712314, 12
START = struct.Struct("<2i")
ARGS = struct.Struct("<12id")
DICTIONARY = struct.Struct("<3i2q")
OLD_DICTIONARY = struct.Struct("<3iq")  # before there was pruning
MATRIX = struct.Struct("<2q")
NAMES = ("dim", "ws", "epoch", "minCount", "neg", "wordNgrams", "loss", "model", "bucket", "minn", "maxn",
         "lrUpdateRate", "t")  # fmt: skip
HS, NS, SOFTMAX, OVA = 1, 2, 3, 4
CBOW, SKIPGRAM, SUPERVISED = 1, 2, 3
LONGEST_WORD = 65_536
ENTRY = 10  # bytes of an entry of the dictionary at the least
BLOCK_ROWS = 4096


@dataclass(frozen=True)
class Start:
    """What the bytes before the dictionary say. `at` is where the dictionary begins."""

    args: dict[str, Any]
    old: bool
    entries: int
    words: int
    labels: int
    pruned: int
    at: int

    @property
    def range(self) -> tuple[int, int] | None:
        """The fewest and most characters of an n-gram, None without n-grams."""
        least, most = self.args["minn"], self.args["maxn"]
        return (max(least, 1), most) if most > 0 and self.args["bucket"] > 0 and most >= least else None


def read_start(name: str, head: bytes) -> Start:
    """The start of a file; VectorsError for one that claims what no file can hold."""
    old = not is_new(head)
    at = 0 if old else START.size
    dictionary = OLD_DICTIONARY if old else DICTIONARY
    if len(head) < at + ARGS.size + dictionary.size:
        raise VectorsError(f"{name}: byte {len(head)}: the file ends within its header; fetch or write it again")
    version = 0 if old else START.unpack_from(head)[1]
    if version > VERSION:
        raise VectorsError(
            f"{name}: byte 4: fastText's format {version}, known up to {VERSION}; in fastText write its vectors as text"
        )
    args = dict(zip(NAMES, ARGS.unpack_from(head, at), strict=True))
    entries, words, labels, _, *pruned = dictionary.unpack_from(head, at + ARGS.size)
    if version == 11 and args["model"] == SUPERVISED:
        args["maxn"] = 0  # as fastText itself reads them
    place = f"{name}: byte {at}: the header"
    if not 1 <= args["dim"] <= MAX_DIM:
        raise VectorsError(f"{place} claims vectors of {args['dim']} numbers; 1 to {MAX_DIM:,} can be read")
    if args["bucket"] < 0 or words < 1 or labels < 0 or words + labels != entries:
        raise VectorsError(
            f"{place} claims {entries} entries, {words} words and {labels} labels, and {args['bucket']} buckets; the "
            "file is damaged"
        )
    from w2v.vectors.subwords import MOST_CHARACTERS

    if args["maxn"] > MOST_CHARACTERS:
        raise VectorsError(f"{place} claims n-grams of {args['maxn']} characters; {MOST_CHARACTERS} are the most")
    return Start(args, old, entries, words, labels, pruned[0] if pruned else -1, at + ARGS.size + dictionary.size)


def is_new(head: bytes) -> bool:
    return head.startswith(struct.pack("<i", MAGIC))


def is_old(head: bytes) -> bool:
    """Whether a file begins as those before version 11, which have no magic: every setting is plausible."""
    if len(head) < ARGS.size + OLD_DICTIONARY.size:
        return False
    args = dict(zip(NAMES, ARGS.unpack_from(head), strict=True))
    entries, words, labels, tokens = OLD_DICTIONARY.unpack_from(head, ARGS.size)
    return (
        1 <= args["dim"] <= MAX_DIM
        and 1 <= args["ws"] <= 1000
        and args["loss"] in (HS, NS, SOFTMAX)
        and args["model"] in (CBOW, SKIPGRAM, SUPERVISED)
        and 0 <= args["minn"] <= args["maxn"] <= 64
        and args["bucket"] >= 0
        and 0 <= args["t"] <= 1
        and entries == words + labels
        and words > 0 <= labels
        and tokens >= 0
        and args["wordNgrams"] >= 1
    )


def recognise(_name: str, head: bytes) -> bool:
    return is_new(head) or is_old(head)


def shape(source: Source) -> Shape:
    start = read_start(source.name, source.head)
    return Shape(start.words, start.args["dim"], metadata=metadata_of(start))


def metadata_of(start: Start) -> dict[str, str]:
    """The settings by our names, as a training writes them."""
    args = start.args
    found = {
        "dim": args["dim"],
        "window": args["ws"],
        "epochs": args["epoch"],
        "negative": args["neg"],
        "loss": {HS: "hs", NS: "ns", SOFTMAX: "softmax", OVA: "one-vs-all"}.get(args["loss"], "unknown"),
        "model": {CBOW: "cbow", SKIPGRAM: "skipgram", SUPERVISED: "supervised"}.get(args["model"], "unknown"),
        "sample": f"{args['t']:g}",
    }
    if start.range is not None:
        found |= {"subwords": "{}-{}".format(*start.range), "buckets": args["bucket"]}
    return {key: str(value) for key, value in found.items()}


class FastTextFile:
    """A model file, its dictionary read, its rows where they are."""

    def __init__(self, source: Source, lenient: bool = False, damaged: Salvage | None = None):
        self.name = source.name
        self.start = start = read_start(source.name, source.head)
        self.file = file = open_file(source)
        if start.entries > (file.size - start.at) // ENTRY:
            raise VectorsError(
                f"{self.name}: byte {start.at}: the header claims {start.entries:,} words and labels, and the file has "
                f"{file.size:,} bytes; it was cut short or damaged"
            )
        self.words, self.counts, at = self._dictionary()
        self.pruned, at = self._pruned_buckets(at)
        least = start.args["bucket"] if self.pruned is None else len(self.pruned[0])
        rows, at = self._matrix(at, "input", start.words + least)
        own = rows.slice(0, start.words)
        self.own: FloatRows = own
        self.ngrams: FloatRows = rows.slice(start.words, rows.count)
        self.outputs_at = at
        self._check_outputs(lenient, damaged)

    @property
    def dim(self) -> int:
        return self.own.dim

    def _dictionary(self) -> tuple[WordTable, array[int], int]:
        start = self.start
        try:
            words, counts, at = self.file.dictionary(start.at, start.entries, LONGEST_WORD)
        except ValueError as error:
            entry, offset = error.args
            raise VectorsError(
                f"{self.name}: entry {entry + 1} of the dictionary (byte {offset}): no end within {LONGEST_WORD:,} "
                "bytes of the file; it was cut short or damaged"
            ) from None
        if len(words) != start.words:
            raise VectorsError(
                f"{self.name}: byte {start.at}: the dictionary holds {len(words):,} words, its header promises "
                f"{start.words:,}; the file is damaged"
            )
        return words, counts, at

    def _pruned_buckets(self, at: int) -> tuple[tuple[NDArray[np.uint32], NDArray[np.int64]] | None, int]:
        """(the buckets that pruning has left, rising, and the row of each; None where all are there), and the offset
        behind them."""
        import numpy as np

        count, buckets = self.start.pruned, self.start.args["bucket"]
        if count < 0:
            return None, at
        if count > buckets:
            raise VectorsError(
                f"{self.name}: byte {at}: {count:,} buckets are left of {buckets:,}; the file is damaged"
            )
        pairs = np.frombuffer(self._bytes(at, 8 * count), "<i4").reshape(count, 2)
        pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
        left, rows = pairs[:, 0], pairs[:, 1]
        if count and not (
            0 <= left[0] and left[-1] < buckets and (np.diff(left) > 0).all() and rows.min() >= 0 and rows.max() < count
        ):
            raise VectorsError(f"{self.name}: byte {at}: the list of its {count:,} buckets is damaged")
        return (left.astype(np.uint32), rows.astype(np.int64)), at + 8 * count

    def _matrix(self, at: int, what: str, least: int) -> tuple[FloatRows, int]:
        """The rows of a matrix that begins at this offset, and the offset behind it."""
        flag = 0 if self.start.old else 1
        start = bytes(self._bytes(at, flag + MATRIX.size))
        if flag and start[0] == 1:
            return self._quantised(at + flag, what, least)
        rows, columns = MATRIX.unpack_from(start, flag)
        at += flag + MATRIX.size
        if columns != self.start.args["dim"] or rows < least or (start[0] if flag else 0):
            raise VectorsError(
                f"{self.name}: byte {at}: the {what} matrix has {rows} rows of {columns} numbers, not {least} of "
                f"{self.start.args['dim']}; the file is damaged"
            )
        if rows > (self.file.size - at) // (4 * columns):
            raise VectorsError(
                f"{self.name}: byte {at}: the {what} matrix of {rows:,} rows of {columns:,} numbers ends behind the "
                f"file, which has {self.file.size:,} bytes; it was cut short, fetch or write it again"
            )
        return FloatRows.of_file(self.file, at, rows, columns), at + 4 * rows * columns

    def _check_outputs(self, lenient: bool, damaged: Salvage | None) -> None:
        """VectorsError if the last matrix is cut short, or more follows it. No vector needs it: to `damaged` both are
        only told."""
        try:
            _, end = self._matrix(self.outputs_at, "output", 0)
        except VectorsError:
            if damaged is None:
                raise
            damaged.tally("cut short", f"byte {self.file.size}, within the context vectors")
            return
        more = self.file.size - end
        if more and damaged is not None:
            damaged.tally("bytes after the end", f"byte {end}", more)
        elif more and not lenient:
            raise VectorsError(
                f"{self.name}: byte {end}: {more:,} bytes follow the last matrix; w2v convert --lenient ignores them"
            )

    def _bytes(self, at: int, count: int) -> bytes:
        found: bytes = self.file.bytes(at, count)
        if len(found) < count:
            raise VectorsError(f"{self.name}: byte {at}: the file ends here; it was cut short, fetch or write it again")
        return found

    def _quantised(self, at: int, what: str, least: int) -> tuple[FloatRows, int]:
        from w2v.vectors.formats.fasttext_codes import read_quantised

        rows, end = read_quantised(self.name, self._bytes, at, self.file.size, self.start.args["dim"])
        if len(rows) < least:
            raise VectorsError(
                f"{self.name}: byte {at}: the {what} matrix has {len(rows)} rows, not {least}; the file is damaged"
            )
        return FloatRows(rows), end

    def outputs(self) -> NDArray[np.float32] | None:
        """The output rows of the words, where the model has such: negative sampling or softmax over words."""
        args = self.start.args
        if args["model"] == SUPERVISED or args["loss"] not in (NS, SOFTMAX):
            return None
        rows, _ = self._matrix(self.outputs_at, "output", self.start.words)
        return rows.read(0, self.start.words)

    def vector(self, row: int) -> array[float]:
        """The numbers of one word, as array('f')."""
        import numpy as np

        out = np.empty((1, self.own.dim), np.float32)
        self._make(self.words.take([row]), self.own.slice(row, row + 1), out, 1)
        if not np.isfinite(out).all():
            raise VectorsError(
                f"{self.name}: row {row + 1}: a number of {show_word(self.words[row])} is NaN or infinite; the "
                "training diverged, or the file is damaged"
            )
        return array("f", out.tobytes())

    def pick(
        self, wanted: list[str], on_made: Callable[[bytes], object] | None = None
    ) -> tuple[Rows, set[bytes], dict[str, UnknownWordError]]:
        """The vectors of a few words, known or made; those that were made; what has none."""
        import numpy as np

        subwords = self.subwords()
        if subwords is not None and on_made is not None:
            subwords = replace(subwords, on_made=on_made)
        found: dict[str, Any] = {}
        unknown: dict[str, UnknownWordError] = {}
        for word in wanted:
            try:
                spelling = to_bytes(word)
                row = self.words.find_first(spelling)
            except UnicodeEncodeError:
                row, spelling = -1, b""
            vector = self.vector(row) if row >= 0 else subwords.make(spelling) if subwords is not None else None
            if vector is None:
                unknown[word] = unknown_word(self.words, word)
            else:
                found[word] = np.asarray(vector, np.float32)
        matrix = np.array([*found.values()], np.float32).reshape(len(found), self.own.dim)
        made = {to_bytes(word) for word in found if self.words.find_first(to_bytes(word)) < 0}
        return Rows(WordTable(found), matrix, subwords=subwords), made, unknown

    def subwords(self) -> Any:
        from w2v.vectors.subwords import Subwords

        if self.start.range is None:
            return None
        args, pruned = self.start.args, self.pruned
        if pruned is None:
            return Subwords(*self.start.range, args["bucket"], self.ngrams, own=self.own, args=args)
        return Subwords(*self.start.range, args["bucket"], self.ngrams, *pruned, self.own, args, pruned=True)

    def vectors(self, threads: int | None) -> NDArray[np.float32]:
        import numpy as np

        out = np.empty((len(self.words), self.own.dim), np.float32)
        self._make(self.words, self.own, out, threads)
        return out

    def _make(self, words: WordTable, own: FloatRows, out: NDArray[np.float32], threads: int | None) -> None:
        subwords = self.subwords()
        if subwords is None:
            out[:] = own.read(0, own.count)
        else:
            subwords.maker.vectors(words, out, own, None, threads)


def open_file(source: Source) -> MappedFile:
    if source.fd is not None and source.size:
        return MappedFile(source.fd, source.size, name=source.name)
    read = bytearray()
    while data := source.read():
        read += data
    return MappedFile(-1, 0, bytes(read))


def load(source: Source, options: LoadOptions) -> Rows:
    import numpy as np

    file = FastTextFile(source, options.lenient)
    table, matrix, subwords = file.words, file.vectors(options.threads), file.subwords()
    model = None
    if options.context:
        outputs = file.outputs()
        if outputs is not None:
            model = ModelParts(outputs, np.array(file.counts, np.int64))
    counts = np.array(file.counts, np.int64)
    if options.limit is not None and options.limit < len(table):
        keep = range(options.limit)
        table, matrix, model, counts = table.take(keep), matrix[: options.limit], None, counts[: options.limit]
        subwords = subwords.take(keep) if subwords is not None else None
    return Rows(table, matrix, None, metadata_of(file.start), model, subwords, counts)


def salvage(damaged: Salvage) -> Iterator[Block]:
    """The words with finite vectors; n-grams are kept as they are."""
    from w2v.vectors.formats.salvage import finite_blocks

    file = FastTextFile(damaged.source, damaged=damaged)
    damaged.rows = len(file.words)
    damaged.subwords = file.subwords()
    yield from finite_blocks(damaged, file.vectors(None), [file.words[row] for row in range(len(file.words))])


def args_of(writer: RowWriter) -> dict[str, Any]:
    """fastText's settings for what is written: as they were read, or by what is known of the training."""
    subwords, known = writer.subwords, writer.contents.metadata
    if subwords is not None and subwords.args:
        return {**subwords.args, "dim": writer.dim}
    return {
        "dim": writer.dim,
        "ws": whole(known, "window", 5),
        "epoch": whole(known, "epochs", 5),
        "minCount": whole(known, "min_count", 1),
        "neg": whole(known, "negative", 5),
        "wordNgrams": 1,
        "loss": HS if known.get("loss") == "hs" else NS,
        "model": CBOW if known.get("model") == "cbow" else SKIPGRAM,
        "bucket": 0 if subwords is None else subwords.buckets,
        "minn": 0 if subwords is None else subwords.least,
        "maxn": 0 if subwords is None else subwords.most,
        "lrUpdateRate": 100,
        "t": float(known["sample"]) if known.get("sample", "").replace(".", "").isdigit() else 1e-4,
    }


def whole(known: Any, name: str, default: int) -> int:
    text = known.get(name, "")
    return int(text) if text.isdigit() and len(text) < 10 else default


def size(contents: Contents) -> int:
    entries = contents.word_bytes + ENTRY * contents.rows
    rows = 2 * contents.rows + contents.buckets
    return START.size + ARGS.size + DICTIONARY.size + entries + 2 * (1 + MATRIX.size) + 4 * rows * contents.dim


def write(writer: RowWriter, out: Any) -> None:
    import numpy as np

    rows, dim, table, subwords = writer.rows, writer.dim, writer.table, writer.subwords
    args = args_of(writer)
    counts = writer.counts if writer.counts is not None else np.arange(rows, 0, -1)
    out.write(START.pack(MAGIC, VERSION) + ARGS.pack(*(args[name] for name in NAMES)))
    out.write(DICTIONARY.pack(rows, rows, 0, int(np.sum(counts)), -1))
    for low in range(0, rows, BLOCK_ROWS):
        out.write(b"".join(
            table[row] + b"\0" + struct.pack("<qb", int(counts[row]), 0)
            for row in range(low, min(rows, low + BLOCK_ROWS))
        ))  # fmt: skip
    out.write(struct.pack("<b2q", 0, rows + args["bucket"], dim))
    if subwords is None:
        writer.write_blocks(out, writer.numbers)
    else:
        own = subwords.own_rows(table, writer.matrix)
        for low in range(0, rows, BLOCK_ROWS):
            out.write(finite(writer, own.read(low, min(rows, low + BLOCK_ROWS))).tobytes())
        for block in bucket_blocks(subwords):
            out.write(finite(writer, block).tobytes())
    out.write(struct.pack("<b2q", 0, rows, dim))
    outputs = writer.model.outputs if writer.model is not None and len(writer.model.outputs) == rows else None
    for low in range(0, rows, BLOCK_ROWS):
        high = min(rows, low + BLOCK_ROWS)
        part = np.zeros((high - low, dim)) if outputs is None else outputs[low:high]
        out.write(finite(writer, np.ascontiguousarray(part, "<f4")).tobytes())


def finite(writer: RowWriter, block: NDArray[np.float32]) -> NDArray[np.float32]:
    import numpy as np

    if not np.isfinite(block).all():
        raise VectorsError(
            f"{writer.name}: a row of the model holds a number that is not finite; nothing is written (did the "
            f"training diverge? try a lower {setting('lr')})"
        )
    return block


def bucket_blocks(subwords: Any) -> Iterator[NDArray[np.float32]]:
    """The rows of all buckets in order; zeros where one has none."""
    import numpy as np

    for low in range(0, subwords.buckets, BLOCK_ROWS):
        high = min(subwords.buckets, low + BLOCK_ROWS)
        if subwords.used is None:
            yield subwords.rows.read(low, high)
            continue
        block = np.zeros((high - low, subwords.dim), np.float32)
        some = slice(*np.searchsorted(subwords.used, (low, high)))
        block[subwords.used[some] - np.uint32(low)] = subwords.rows.take(subwords.places[some])
        yield block


FASTTEXT = Format(
    name="fasttext",
    title="fastText's binary model",
    suffixes=(".ftbin",),
    holds="a whole fastText model: words, counts, rows of n-grams for words never seen, context vectors",
    recognise=recognise,
    load=load,
    write=write,
    signed=True,
    size=size,
    whole_model=True,
    needs_model=True,
    subwords=True,
    separators=WHITE_SPACE + b"\0",
    shape=shape,
    salvage=salvage,
    open_model=FastTextFile,
)
