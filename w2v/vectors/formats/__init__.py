"""One file per format, each with its record; the table of all of them, in the order in which they are named."""

from w2v.vectors.formats.binary import BINARY
from w2v.vectors.formats.fasttext import FASTTEXT
from w2v.vectors.formats.format import FORMATS, Format, writable
from w2v.vectors.formats.npy import NPY
from w2v.vectors.formats.parquet import PARQUET
from w2v.vectors.formats.projector import PROJECTOR
from w2v.vectors.formats.rows import Contents, LoadOptions, ModelParts, Rows, Shape
from w2v.vectors.formats.safetensors import SAFETENSORS
from w2v.vectors.formats.static_embedding import STATIC_EMBEDDING
from w2v.vectors.formats.table import TABLE
from w2v.vectors.formats.text import GLOVE, TEXT

__all__ = ["FORMATS", "Contents", "Format", "LoadOptions", "ModelParts", "Rows", "Shape", "writable"]

FORMATS.update(
    {
        record.name: record
        for record in (BINARY, TEXT, GLOVE, NPY, SAFETENSORS, PROJECTOR, PARQUET, FASTTEXT, TABLE, STATIC_EMBEDDING)
    }
)
