"""safetensors: the numbers as tensor `vectors` [V, D], the words as tensor `words`, UTF-8, each ended by a newline.

Other programs' files are read too if they hold one matrix of floats; the words are then in a file of their own, as for
`.npy`. Float16 and bfloat16 are read as float32.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from w2v.corpus._words import WordTable
from w2v.errors import VectorsError
from w2v.safetensors import MAX_HEADER, Entry, Header, is_safetensors, make_header, read_header
from w2v.vectors._ngrams import FloatRows
from w2v.vectors.formats.format import Format
from w2v.vectors.formats.npy import words_beside
from w2v.vectors.formats.rows import MOST_STEPS, STEP, Contents, LoadOptions, ModelParts, Rows, Shape
from w2v.vectors.formats.source import MAX_DIM
from w2v.vectors.formats.words_file import (
    LINE_ENDS,
    read_words,
    split_words,
    tokenizer_beside,
    tokenizer_words,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from w2v.vectors.formats.row_writer import RowWriter
    from w2v.vectors.formats.salvage import Block, Salvage
    from w2v.vectors.formats.source import Source
    from w2v.vectors.subwords import Subwords

__all__ = ["SAFETENSORS", "find_matrix", "load_parts", "split_anyhow"]

VECTORS, WORDS, CONTEXT, COUNTS = "vectors", "words", "context", "counts"
# Rows of n-grams, the buckets that have one, rising, and the row of each; without the last two, bucket i has row i.
NGRAMS, BUCKETS, PLACES = "ngrams", "ngram_buckets", "ngram_rows"
HASH = "fastText: FNV-1a, 32 bits, of bytes widened with their sign"
FLOATS = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "BF16": "bf16"}
TYPES = {**FLOATS, "I8": "|i1"}
NAMES = {"F16": "float16", "F32": "float32", "F64": "float64", "BF16": "bfloat16", "I8": "int8"}
DTYPES = {"float16": "F16", "float32": "F32", "int8": "I8"}
CHECKPOINT = "w2v checkpoint"  # as in w2v/training/checkpoint.py
CORPUS = "w2v corpus"  # as in w2v/corpus/ids_file.py
OUTPUT_ROWS = 4096  # written at once
MARK = {"format": "np", "w2v": "vectors"}


def header_for(contents: Contents) -> bytes:
    """The bytes before the numbers (F32, F16 or I8), and the words with their newlines behind them. With the other
    matrix: before the numbers the counts, 8 bytes each, and after them that matrix. With n-grams, their rows after
    that, and their buckets before all."""
    rows, dim, outputs = contents.rows, contents.dim, contents.outputs
    dtype = DTYPES[contents.numbers]
    used = {PLACES: ("I64", (contents.used,)), BUCKETS: ("U32", (contents.used,))} if contents.used else {}
    ngrams = {NGRAMS: (dtype, (contents.ngram_rows, dim))} if contents.ngrams else {}
    counts = {} if outputs is None else {COUNTS: ("I64", (rows,))}
    context = {} if outputs is None else {CONTEXT: ("F32", (outputs, dim))}
    metadata = dict(contents.metadata)
    if contents.ngrams:
        metadata |= {"subwords": contents.ngrams, "buckets": str(contents.buckets), "ngram_hash": HASH}
    return make_header(
        {
            **counts,
            **used,
            VECTORS: (dtype, (rows, dim)),
            **context,
            **ngrams,
            WORDS: ("U8", (contents.word_bytes + rows,)),
        },
        {**metadata, **MARK},
    )


def find_matrix(name: str, header: Header) -> Entry:
    """The tensor that holds the vectors: the one of that name, or the only matrix of floats or int8."""
    named = header.tensors.get(VECTORS)
    matrices = {key: t for key, t in header.tensors.items() if t.dtype in TYPES and len(t.shape) == 2}
    if named is None and len(matrices) == 1:
        named = next(iter(matrices.values()))
    if named is None:
        names = ", ".join(list(header.tensors)[:5]) or "nothing"
        raise VectorsError(
            f"{name}: is a safetensors file without a tensor `{VECTORS}` and with {len(matrices)} matrices of floats "
            f"(it holds {names[:200]}); write the one that is meant into a file of its own"
        )
    if named.dtype not in TYPES or len(named.shape) != 2 or not 1 <= named.shape[1] <= MAX_DIM:
        raise VectorsError(
            f"{name}: the vectors are of type {named.dtype} and shape {list(named.shape)}; they must be rows of 1 to "
            f"{MAX_DIM:,} floats"
        )
    return named


def split_anyhow(_name: str, data: memoryview, rows: int) -> WordTable:
    """As split_words, but empty words pass."""
    words = bytes(data).split(b"\n")
    return WordTable(words[:rows]) if len(words) == rows + 1 else split_words(_name, data, rows)


def shape(source: Source) -> Shape:
    if source.fd is None:
        return Shape()
    start = BytesIO(os.pread(source.fd, MAX_HEADER + 8, 0))
    header = read_header(source.name, start.read, source.size, VectorsError)
    refuse_own(source.name, header)
    entry = find_matrix(source.name, header)
    rows, dim = entry.shape
    return Shape(rows, dim, NAMES[entry.dtype], own_metadata(header))


def own_metadata(header: Header) -> dict[str, str]:
    return {key: value for key, value in header.metadata.items() if key not in MARK and key != STEP}


def refuse_own(name: str, header: Header) -> None:
    """VectorsError for a file of ours that holds no vectors."""
    if header.metadata.get("format", "").startswith(CHECKPOINT):
        raise VectorsError(
            f"{name}: is the checkpoint of a training, not vectors; continue it: w2v train with the same options and "
            "--resume, or with --continue and other text"
        )
    if header.metadata.get("format", "").startswith(CORPUS):
        raise VectorsError(f"{name}: is an encoded corpus, not vectors; train on it first: w2v train {name} -o OUT.bin")


def load(source: Source, options: LoadOptions) -> Rows:
    return load_parts(source, options, split_words)


def load_parts(source: Source, options: LoadOptions, split: Callable[[str, memoryview, int], WordTable]) -> Rows:
    """As `load`, the numbers unchecked; `split` makes words of the tensor that holds them."""
    from w2v.vectors.formats.sections import Sections, floats

    sections = Sections(source, options.threads)
    header = read_header(source.name, sections.read, source.size, VectorsError)
    refuse_own(source.name, header)
    entry = find_matrix(source.name, header)
    words = header.tensors.get(WORDS)
    if words is not None and (words.dtype != "U8" or len(words.shape) != 1):
        words = None
    parts: dict[int, memoryview] = {}
    model = model_entries(source.name, header, entry) if options.context else ()
    ngrams = ngram_entries(source.name, header, entry)
    for part in sorted((p for p in (entry, words, *model, *ngrams) if p is not None), key=lambda p: p.begin):
        parts[part.begin] = sections.take(part.begin, part.size) if part.size else memoryview(b"")
    if source.size is None:
        sections.skip(header.end - sections.position)
        if not options.lenient:
            sections.check_end(header.end)
    rows, dim = entry.shape
    matrix = floats(parts[entry.begin] if entry.size else memoryview(b""), TYPES[entry.dtype], rows, dim)
    if entry.dtype == "I8":
        matrix *= int8_step(source.name, header)
    if words is not None:
        table = split(source.name, parts[words.begin] if words.size else memoryview(b""), rows)
    elif options.words is None and (tokenizer := tokenizer_beside(source.path)):
        table, matrix = tokens_of(tokenizer, matrix, header)
    else:
        table = read_words(source, words_beside, options.words, matrix, lambda: rows)
    whole = whole_model(source.name, model, parts) if model else None
    subwords = None
    if ngrams:
        parts_of_ngrams = [parts[part.begin] if part is not None and part.size else memoryview(b"") for part in ngrams]
        subwords = read_subwords(source.name, header, ngrams, parts_of_ngrams)
    if options.limit is not None and options.limit < rows:
        table, matrix, whole = table.take(range(options.limit)), matrix[: options.limit], None
    return Rows(table, matrix, None, own_metadata(header), whole, subwords)


def whole_model(name: str, entries: Sequence[Entry], parts: Mapping[int, memoryview]) -> ModelParts:
    """The context matrix and the counts, checked; `parts` are the bytes of tensors by where they begin."""
    import numpy as np

    from w2v.vectors.formats.sections import floats

    outputs, counts = (parts[entry.begin] if entry.size else memoryview(b"") for entry in entries)
    whole = ModelParts(floats(outputs, "<f4", entries[0].shape[0], entries[0].shape[1]), np.frombuffer(counts, "<i8"))
    check_model(name, whole)
    return whole


def int8_step(name: str, header: Header) -> np.float32:
    """What a number of 1 stands for; other programs do not say, and then it is 1, which changes no direction."""
    import numpy as np

    text = header.metadata.get(STEP, "1")
    try:
        step = np.float32(text)
    except ValueError:
        step = np.float32(np.nan)
    if not 0 < step < np.finfo(np.float32).max / MOST_STEPS:
        raise VectorsError(f"{name}: its {STEP}, {text[:40]!r}, is no number that steps can have; the file is damaged")
    return step


def tokens_of(path: str, matrix: NDArray[np.float32], header: Header) -> tuple[WordTable, NDArray[np.float32]]:
    """The tokens of the tokenizer at `path` that have rows, and these."""
    if "mapping" in header.tensors or "weights" in header.tensors:
        raise VectorsError(
            f"{path}: is of a model2vec model whose rows are shared or weighed; save it without quantization first"
        )
    table, rows = tokenizer_words(path, len(matrix))
    return table, matrix[rows]


def ngram_entries(name: str, header: Header, vectors: Entry) -> tuple[Entry | None, ...]:
    """The tensors of n-grams: rows, buckets and their rows; none in a file without them."""
    tensors = header.tensors
    rows, used, places = tensors.get(NGRAMS), tensors.get(BUCKETS), tensors.get(PLACES)
    if rows is None or "ngram_hash" not in header.metadata:
        return ()
    good = rows.dtype in FLOATS and len(rows.shape) == 2 and rows.shape[1] == vectors.shape[1]
    if used is not None or places is not None:
        good = good and used is not None and places is not None and (used.dtype, places.dtype) == ("U32", "I64")
        good = good and used is not None and places is not None and len(used.shape) == 1 and used.shape == places.shape
    if not good:
        raise VectorsError(f"{name}: its tensors `{NGRAMS}`, `{BUCKETS}` and `{PLACES}` do not belong together")
    return rows, used, places


def read_subwords(name: str, header: Header, entries: tuple[Entry | None, ...], parts: list[memoryview]) -> Subwords:
    """What makes vectors for words never seen, of the tensors of n-grams; VectorsError if they cannot be."""
    import numpy as np

    from w2v.vectors.formats.sections import floats
    from w2v.vectors.subwords import MOST_CHARACTERS, Subwords

    rows = entries[0]
    assert rows is not None
    text, buckets = header.metadata.get("subwords", ""), header.metadata.get("buckets", "")
    least, _, most = text.partition("-")
    sound = all(part.isascii() and part.isdigit() and len(part) < 10 for part in (least, most, buckets))
    if header.metadata["ngram_hash"] != HASH or not sound or not 1 <= int(least) <= int(most) <= MOST_CHARACTERS:
        raise VectorsError(
            f"{name}: its n-grams are of {text[:40]!r} characters in {buckets[:40]!r} buckets by the hash "
            f"{header.metadata['ngram_hash'][:80]!r}; this version knows 1-{MOST_CHARACTERS} characters and {HASH!r}"
        )
    count, dim = rows.shape
    matrix = np.ascontiguousarray(floats(parts[0], TYPES[rows.dtype], count, dim))
    used = places = None
    if entries[1] is not None:
        used, places = np.frombuffer(parts[1], "<u4"), np.frombuffer(parts[2], "<i8")
    made = Subwords(int(least), int(most), int(buckets), FloatRows(matrix), used, places)
    try:
        _ = made.maker
    except (ValueError, OverflowError) as error:
        raise VectorsError(f"{name}: its buckets of n-grams: {error}; the file is damaged") from None
    return made


def model_entries(name: str, header: Header, vectors: Entry) -> tuple[Entry, ...]:
    """The tensors of the other matrix and of the counts; none where the file has neither."""
    context, counts = header.tensors.get(CONTEXT), header.tensors.get(COUNTS)
    if context is None and counts is None:
        return ()
    rows, dim = vectors.shape
    if (
        context is None
        or counts is None
        or (context.dtype, counts.dtype) != ("F32", "I64")
        or context.shape not in ((rows, dim), (rows - 1, dim))
        or counts.shape != (rows,)
    ):
        raise VectorsError(f"{name}: its tensors `{CONTEXT}` and `{COUNTS}` do not belong to the vectors")
    return context, counts


def check_model(name: str, model: ModelParts) -> None:
    import numpy as np

    if not np.isfinite(model.outputs).all():
        raise VectorsError(f"{name}: the context matrix holds a number that is not finite")
    if len(model.counts) and int(model.counts.min()) < 0:
        raise VectorsError(f"{name}: a word's count is below 0")


def size(contents: Contents) -> int:
    numbers = contents.rows * contents.dim * contents.item_bytes
    model = 0 if contents.outputs is None else 8 * contents.rows + 4 * contents.outputs * contents.dim
    ngrams = contents.ngram_rows * contents.dim * contents.item_bytes + 12 * contents.used if contents.ngrams else 0
    return len(header_for(contents)) + numbers + contents.word_bytes + contents.rows + model + ngrams


def write(writer: RowWriter, out: Any) -> None:
    import numpy as np

    out.write(header_for(writer.contents))
    model = writer.model
    if model is not None:
        out.write(np.ascontiguousarray(model.counts, "<i8").tobytes())
    subwords = writer.subwords
    if subwords is not None and subwords.used is not None and subwords.places is not None:
        out.write(np.ascontiguousarray(subwords.places, "<i8").tobytes())
        out.write(np.ascontiguousarray(subwords.used, "<u4").tobytes())
    writer.write_blocks(out, writer.numbers)
    if model is not None:
        for low in range(0, len(model.outputs), OUTPUT_ROWS):
            out.write(np.ascontiguousarray(model.outputs[low : low + OUTPUT_ROWS], "<f4").tobytes())
    if subwords is not None:
        for low in range(0, subwords.rows.count, OUTPUT_ROWS):
            block = subwords.rows.read(low, min(low + OUTPUT_ROWS, subwords.rows.count)).astype(writer.dtype)
            if not np.isfinite(block).all():
                raise VectorsError(
                    f"{writer.name}: a row of n-grams holds a number that is not finite; nothing is written"
                )
            out.write(block.tobytes())
    for lines in writer.word_lines():
        out.write(lines)


def salvage(damaged: Salvage) -> Iterator[Block]:
    from w2v.vectors.formats.array_salvage import tensor_blocks

    return tensor_blocks(damaged)


SAFETENSORS = Format(
    name="safetensors",
    title="safetensors",
    suffixes=(".safetensors",),
    holds="numbers (float32, float16, int8), words, what is known of the training, rows of n-grams",
    recognise=lambda _, head: is_safetensors(head),
    signed=True,
    load=load,
    write=write,
    size=size,
    other_numbers=("float16", "int8"),
    whole_model=True,
    subwords=True,
    separators=LINE_ENDS,
    shape=shape,
    salvage=salvage,
)
