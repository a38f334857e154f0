"""The header of safetensors files: named tensors and text, no code in them. Read within bounds, written in one piece.

Format: https://huggingface.co/docs/safetensors. Eight bytes with the header's length, little-endian; the header, JSON;
then the tensors' bytes without gaps. Nothing here imports NumPy: who reads maps or copies the bytes that an `Entry`
points to, who writes puts `make_header(...)` first and the tensors' bytes after it in the same order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, TypeGuard

from w2v.errors import W2VError

__all__ = [
    "ALIGNMENT",
    "ITEM_BYTES",
    "LENGTH_BYTES",
    "MAX_HEADER",
    "Entry",
    "Header",
    "is_safetensors",
    "make_header",
    "read_header",
]

LENGTH_BYTES = 8
MAX_HEADER = 1 << 20  # the format allows 100 MB; ours take a few KB, and parsed JSON takes many times its text
ALIGNMENT = 64  # where the tensors begin in a file that is written here, so that they can be mapped; 8 is asked for
ITEM_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "U16": 2,
    "I16": 2,
    "F16": 2,
    "BF16": 2,
    "U32": 4,
    "I32": 4,
    "F32": 4,
    "U64": 8,
    "I64": 8,
    "F64": 8,
}
METADATA = "__metadata__"


@dataclass(frozen=True)
class Entry:
    """A tensor: its type (F32), its shape, and where its bytes are in the file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int  # offset in the file, not in the data
    size: int  # bytes


@dataclass(frozen=True)
class Header:
    """What a file says that it holds; checked to lie within the file, whole, without overlap."""

    tensors: dict[str, Entry]
    metadata: dict[str, str]
    size: int  # bytes before the first tensor
    end: int  # offset after the last tensor


def is_safetensors(head: bytes) -> bool:
    """Whether a file that begins with these bytes is one, or claims to be."""
    return head[8:9] == b"{" and head[4:8] == b"\0\0\0\0"


def make_header(
    tensors: Mapping[str, tuple[str, tuple[int, ...]]], metadata: Mapping[str, str] | None = None, least: int = 0
) -> bytes:
    """The bytes before the tensors: name -> (dtype, shape), in the order in which their bytes will follow; `least` of
    them or more.

    Wider types should come first, so that every tensor lies at a multiple of its item's size. ValueError for a type
    that is not known, W2VError for a header that would be too long to be read back.
    """
    entries: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    at = 0
    for name, (dtype, shape) in tensors.items():
        if dtype not in ITEM_BYTES or name == METADATA:
            raise ValueError(f"{name}: {dtype} is no type of a safetensors file")
        size = prod(shape) * ITEM_BYTES[dtype]
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    spelled = json.dumps(entries, separators=(",", ":"), ensure_ascii=False)
    text = spelled.encode("utf-8", "backslashreplace")  # a lone surrogate becomes JSON's escape for it
    text = text.ljust(least - LENGTH_BYTES)
    text += b" " * (-(len(text) + LENGTH_BYTES) % ALIGNMENT)
    if len(text) > MAX_HEADER:
        raise W2VError(
            f"the header of the safetensors file would have {len(text):,} bytes, of which at most {MAX_HEADER:,} are "
            "read; make its metadata shorter"
        )
    return len(text).to_bytes(LENGTH_BYTES, "little") + text


def read_header(name: str, read: Callable[[int], bytes], size: int | None, error: type[W2VError] = W2VError) -> Header:
    """Read and check the header of the file `name` of `size` bytes (None: not known, a pipe).

    `read(n)` gives up to n bytes, from the file's start on. Raises `error` for a header that is cut short, too long or
    not JSON, or that speaks of tensors which are not wholly in the file, overlap, leave gaps or cannot have that shape.
    """
    length = int.from_bytes(_read_all(name, read, LENGTH_BYTES, 0, error), "little")
    if length > MAX_HEADER or (size is not None and length > size - LENGTH_BYTES):
        limit = MAX_HEADER if size is None else min(MAX_HEADER, size - LENGTH_BYTES)
        raise error(
            f"{name}: byte 0: the header claims {length:,} bytes, at most {limit:,} can be; the file is damaged, cut "
            "short, or not of safetensors"
        )
    text = _read_all(name, read, length, LENGTH_BYTES, error)
    try:
        fields = json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
        if not isinstance(fields, dict):
            raise ValueError("it is not an object")
        metadata = _metadata(fields.pop(METADATA, {}))
        data = LENGTH_BYTES + length
        tensors = {key: _entry(key, value, data) for key, value in fields.items()}
        end = _check_layout(tensors, data)
    except (ValueError, RecursionError) as wrong:  # bad UTF-8 and bad JSON are kinds of ValueError
        raise error(f"{name}: byte {LENGTH_BYTES}: the header cannot be read ({wrong}); the file is damaged") from None
    if size is not None and end != size:
        what = "is cut short" if end > size else "continues after its last tensor"
        raise error(f"{name}: byte {min(end, size)}: the file {what}: its tensors end at byte {end:,}, it has {size:,}")
    return Header(tensors, metadata, data, end)


def _read_all(name: str, read: Callable[[int], bytes], size: int, at: int, error: type[W2VError]) -> bytes:
    parts: list[bytes] = []
    left = size
    while left:
        part = read(left)
        if not part:
            raise error(f"{name}: byte {at + size - left}: the file ends within its header; it was cut short")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _metadata(fields: Any) -> dict[str, str]:
    if not isinstance(fields, dict) or not all(isinstance(value, str) for value in fields.values()):
        raise ValueError("the metadata are not text")
    return fields


def _entry(key: str, value: Any, data: int) -> Entry:
    if not isinstance(value, dict):
        raise ValueError(f"tensor {key[:80]!r} is not described")
    dtype, shape, offsets = (value.get(field) for field in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise ValueError(f"tensor {key[:80]!r} is of an unknown type")
    if not _are_sizes(shape) or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"tensor {key[:80]!r} has no sound shape or place")
    begin, end = offsets
    if end - begin != prod(shape) * ITEM_BYTES[dtype]:
        raise ValueError(f"tensor {key[:80]!r} has another size than its shape")
    return Entry(dtype, tuple(shape), data + begin, end - begin)


def _are_sizes(values: object) -> TypeGuard[list[int]]:
    return (
        isinstance(values, list)
        and len(values) <= 32
        and all(type(value) is int and 0 <= value < 1 << 62 for value in values)
    )


def _check_layout(tensors: dict[str, Entry], data: int) -> int:
    """The offset after the last tensor; ValueError unless they follow each other without gap or overlap."""
    at = data
    for entry in sorted(tensors.values(), key=lambda entry: (entry.begin, entry.size)):
        if entry.begin != at:
            raise ValueError("its tensors overlap or leave gaps")
        at += entry.size
    return at
