"""Folders that sentence-transformers' StaticEmbedding and model2vec load: numbers, a tokenizer of words, two settings.

A text's vector is there the mean of its words' rows. Words that are not known are one more row, of zeros: model2vec
leaves it out of the mean, StaticEmbedding counts it, which changes the length of the mean and not its direction.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from w2v.safetensors import is_safetensors, make_header
from w2v.vectors.formats.format import Format
from w2v.vectors.formats.safetensors import DTYPES, load, salvage, shape
from w2v.vectors.formats.words_file import TOKENIZER

if TYPE_CHECKING:
    from w2v.vectors.formats.row_writer import RowWriter

__all__ = ["STATIC_EMBEDDING"]

MODEL = "model.safetensors"
UNKNOWN = "[UNK]"
BLOCK = 4096  # words written at once
WHITE_SPACE = {"unicode": r"[\s\x00\x1c-\x1f]+", "ascii": r"[\x00\t-\r ]+"}  # as w2v/corpus/scan.h separates
# The tokenizer `words` (w2v/corpus/tokenizers.py) in Oniguruma's syntax, for text that is UTF-8.
LETTER = r"[\w\p{M}]"
INNER = r"['’ʼ＇\-‐‑·‧\x{200c}\x{200d}\x{05f3}\x{05f4}\x{055a}-\x{055c}\x{055e}\x{00ad}\x{180e}]"
WORD = (
    rf"(?<!{LETTER})[^\W\d_](?:\.[^\W\d_])+(?!{LETTER})"
    rf"|[\p{{L}}\p{{N}}]{LETTER}*(?:(?:{INNER}|(?<=\d)[.,٫٬](?=\d)){LETTER}+)*"
)


def write_model(writer: RowWriter, out: Any) -> None:
    """The numbers, with a row of zeros behind them for all words that are not known."""
    contents, shape = writer.contents, (writer.rows + 1, writer.dim)
    out.write(make_header({"embeddings": (DTYPES[contents.numbers], shape)}, {**contents.metadata, "format": "pt"}))
    writer.write_blocks(out, writer.numbers)
    out.write(bytes(contents.item_bytes * writer.dim))


def write_tokenizer(writer: RowWriter, out: Any) -> None:
    """tokenizer.json of the tokenizers library: the words, split as their corpus was."""
    about = writer.contents.metadata
    unknown = UNKNOWN
    while writer.table.find(unknown.encode()) >= 0:
        unknown = f"[{unknown}]"
    steps = [{"type": about["normalize"].upper()}] if about.get("normalize") in ("nfc", "nfkc") else []
    steps += [{"type": "Lowercase"}, *steps] if about.get("lower") == "true" else []
    words = about.get("tokenizer") == "words"
    pattern = WORD if words else WHITE_SPACE.get(about.get("whitespace", ""), WHITE_SPACE["unicode"])
    head: dict[str, Any] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": steps} if steps else None,
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": words},
        "post_processor": None,
        "decoder": None,
    }
    out.write(json.dumps(head).encode()[:-1] + b', "model": {"type": "WordLevel", "vocab": {')
    for block in vocab_blocks(writer):
        out.write(block)
    out.write(f'"{unknown}": {writer.rows}}}, "unk_token": "{unknown}"}}}}'.encode())


def vocab_blocks(writer: RowWriter) -> Iterator[bytes]:
    """`"word": row, ` for each word."""
    for low in range(0, writer.rows, BLOCK):
        rows = range(low, min(low + BLOCK, writer.rows))
        yield "".join(f"{json.dumps(writer.text(row), ensure_ascii=False)}: {row}, " for row in rows).encode()


def write_config(writer: RowWriter, out: Any) -> None:
    """model2vec's settings."""
    config = {
        "model_type": "model2vec",
        "architectures": ["StaticModel"],
        "hidden_dim": writer.dim,
        "normalize": False,
        "embedding_dtype": writer.contents.numbers,
    }
    out.write(json.dumps(config, indent=2).encode() + b"\n")


def write_modules(_writer: RowWriter, out: Any) -> None:
    """What sentence-transformers finds in the folder."""
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.StaticEmbedding"}]
    out.write(json.dumps(modules, indent=2).encode() + b"\n")


STATIC_EMBEDDING = Format(
    name="static-embedding",
    title="static embedding folder",
    holds="numbers (float32, float16; int8 for model2vec) and a tokenizer: what sentence-transformers and model2vec "
    "load",
    suffixes=(),
    recognise=lambda _name, _head: False,  # its numbers are in a safetensors file
    begins=lambda _name, head: is_safetensors(head),
    load=load,
    shape=shape,
    salvage=salvage,
    other_numbers=("float16", "int8"),
    separators=b"",
    folder={
        MODEL: write_model,
        TOKENIZER: write_tokenizer,
        "config.json": write_config,
        "modules.json": write_modules,
    },
)
