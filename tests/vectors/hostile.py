"""Vector files as bytes, good and bad, and slow readers to judge the quick ones."""

from __future__ import annotations

import bz2
import gzip
import io
import re
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

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
