"""Vector files as bytes, good and bad, and slow readers to judge the quick ones."""

from __future__ import annotations

import bz2
import gzip
import io
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

WAYS = ("plain", "gzip", "stream")


def present(data: bytes, way: str, folder: Path) -> Any:
    """Something to load that holds these bytes: a plain file, a packed one, or a stream without a size."""
    if way == "stream":
        return io.BytesIO(data)
    path = folder / "vectors"
    path.write_bytes({"plain": bytes, "gzip": gzip.compress, "bzip2": bz2.compress}[way](data))
    return path


def binary(rows: list[tuple[bytes, list[float]]], newline: bytes = b"\n", header: bytes | None = None) -> bytes:
    dim = len(rows[0][1]) if rows else 1
    head = b"%d %d\n" % (len(rows), dim) if header is None else header
    return head + b"".join(word + b" " + struct.pack(f"<{len(v)}f", *v) + newline for word, v in rows)


def text(rows: list[tuple[bytes, list[float]]], header: bytes | None = None) -> bytes:
    dim = len(rows[0][1]) if rows else 1
    head = b"%d %d\n" % (len(rows), dim) if header is None else header
    return head + b"".join(word + b"".join(b" %.9g" % x for x in v) + b"\n" for word, v in rows)


MAKERS: dict[str, Callable[..., bytes]] = {"binary": binary, "text": text}


def nearest_float32(number: str) -> np.float32:
    """The float32 nearest to a decimal, ties to even, by exact fractions."""
    if not re.search(r"\d", number):
        return np.float32(number)
    exact = Fraction(number)
    with np.errstate(over="ignore"):
        guess = np.float32(float(number))  # rounded twice: right, or one step off
        around = [np.nextafter(guess, np.float32(-np.inf)), guess, np.nextafter(guess, np.float32(np.inf))]
    # Infinity stands for 2^128, as the rounding rule has it.
    exactly = [Fraction(2) ** 128 * int(np.sign(x)) if np.isinf(x) else Fraction(float(x)) for x in around]
    even = [not int(x.view(np.uint32)) & 1 for x in around]
    _, _, best = min((abs(e - exact), not even[i], i) for i, e in enumerate(exactly))
    result = around[best]
    return -np.float32(0) if result == 0 and number.startswith("-") else result


NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(?i:nan|inf|infinity)")


class Refused(Exception):
    """What a slow reader says in place of an error with a row."""


def read_binary(data: bytes) -> list[tuple[bytes, np.ndarray]]:
    """Fifteen lines that say what a word2vec binary file holds."""
    head = re.match(rb"(\d+) +(\d+)[ \t]*\r?\n", data[:64])
    rows, dim, at, found = int(head[1]), int(head[2]), head.end(), []
    for _ in range(rows):
        space = data.find(b" ", at)
        word, numbers = data[at:space], data[space + 1 : space + 1 + 4 * dim]
        if space < 0 or not word or b"\n" in word or len(word) > 65_536 or len(numbers) < 4 * dim:
            raise Refused
        found.append((word, np.frombuffer(numbers, "<f4")))
        at = space + 1 + 4 * dim
        at += data[at : at + 1] == b"\n"
    if data[at:]:
        raise Refused
    return checked(found)


def read_text(data: bytes) -> list[tuple[bytes, np.ndarray]]:
    """The same for word2vec text."""
    head = re.match(rb"(\d+) +(\d+)[ \t]*\r?\n", data[:64])
    rows, dim = int(head[1]), int(head[2])
    body = data[head.end() :].rstrip(b" \r\n")
    lines = body.split(b"\n") if body else []
    if len(lines) != rows:
        raise Refused
    found = []
    for line in lines:
        word, *numbers = line.rstrip(b" \r").split(b" ")
        numbers = [n for n in numbers if n]
        if not word or len(numbers) != dim or len(word) > 65_536:
            raise Refused
        if not all(NUMBER.fullmatch(n) for n in numbers):
            raise Refused
        found.append((word, np.array([nearest_float32(n.decode()) for n in numbers], np.float32)))
    return checked(found)


def checked(rows: list[tuple[bytes, np.ndarray]]) -> list[tuple[bytes, np.ndarray]]:
    if len({word for word, _ in rows}) < len(rows) or not all(np.isfinite(v).all() for _, v in rows):
        raise Refused
    return rows


# Files that make a careless reader take memory, by what is in them: text or binary vectors, plain and from a stream.
HEAVY_FILES = {
    "huge header": b"1099511627776 65536\n" + b"a 1\n" * 1000,
    "long digits": b"9" * 3_000_000,
    "one endless word": b"10 3\n" + b"x" * 3_000_000,
    "one endless line": b"10 3\n" + b"x " + b"1 " * 1_500_000,
    "endless digits": b"10 3\nx " + b"1" * 3_000_000,
    "wide first line": b"x" + b" 1" * 65_536 + b"\n" + b"a\n" * 1_000_000,
    "wide header": b"40 65536\n" + b"a 1\n" * 2_000_000,
    "small rows": b"600000 1\n" + b"".join(b"%x 1\n" % i for i in range(600_000)) + b"\n junk",
    "small binary rows": b"400000 1\n" + b"".join(b"%x \0\0\0\0" % i for i in range(400_000)) + b"x",
    "duplicates": b"700000 1\n" + b"a 1\n" * 700_000,
    "newlines": b"3 3\n" + b"\n" * 3_000_000,
    "spaces": b"3 3\n" + b" " * 3_000_000,
    "glove rows": b"".join(b"%x 1\n" % i for i in range(600_000)) + b"0 1\n",
}


def npy(shape: str, data: bytes = b"") -> bytes:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def tensors(header: str, data: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header.encode() + data


HUGE = '"shape":[1099511627776,32768],"data_offsets":[0,144115188075855872]'
# The same for other formats; the name's end says how it is read.
OTHER_HEAVY_FILES = {
    "npy, huge shape.npy": npy("(1099511627776, 65536)", bytes(1 << 20)),
    "npy, rows without words.npy": npy("(4194304, 1)", bytes(16 << 20)),
    "safetensors, huge header.safetensors": (1 << 62).to_bytes(8, "little") + b"{" + b" " * (1 << 20),
    "safetensors, deep header.safetensors": tensors('{"a":' + "[" * 500_000),
    "safetensors, huge tensor.safetensors": tensors('{"vectors":{"dtype":"F32",' + HUGE + "}}"),
    "checkpoint, huge tensor.checkpoint": tensors('{"counts":{"dtype":"F32",' + HUGE + "}}"),
    "checkpoint, many lists.checkpoint": tensors('{"a":[' + "[]," * 300_000 + "[]]}"),
}

MEASURE = """
import os, sys
import numpy
from w2v.errors import W2VError
from w2v.training.checkpoint import Checkpoint
from w2v.vectors.vectors import load
for path in ["", *sys.argv[1:]]:
    child = os.fork()
    if not child:
        try:
            if path.endswith(".checkpoint"):
                Checkpoint(path)
            elif path:
                load(open(path, "rb") if path.endswith("stream") else path)
            code = 0
        except W2VError as error:
            code = 1
        except BaseException as error:
            print(path, repr(error), file=sys.stderr)
            code = 9
        os._exit(code)
    _, status, usage = os.wait4(child, 0)
    print(os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024)
"""


class Peak(NamedTuple):
    """What refusing a file took: 1 as `code`, bytes of the file, most bytes of memory above an idle interpreter's."""

    name: str
    code: int
    size: int
    taken: int


def peaks(folder: Path) -> Iterator[Peak]:
    """Read every heavy file in a process of its own."""
    paths = []
    for name, data in HEAVY_FILES.items():
        for way in ("plain", "stream"):
            paths.append(folder / f"{name}.{way}")
            paths[-1].write_bytes(data)
    for name, data in OTHER_HEAVY_FILES.items():
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    command = [sys.executable, "-c", MEASURE, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.stderr:
        raise AssertionError(done.stderr)
    idle, *results = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    for path, (code, peak) in zip(paths, results, strict=True):
        yield Peak(path.name, code, path.stat().st_size, peak - idle[1])
