"""What is kept of damaged files, whole: the rows with their places, and all that is said of the damage.

Where nothing is certain the readers go by what is likely. How well they do is in EXPECTED: for each kind of file and of
damage the rows that are kept of 20 files of 30 rows, and a checksum of every row, place and finding. A change of the
readers that keeps fewer rows, or none that were lost, is seen here first; `python -P tests/vectors/test_salvaged.py`
prints what is found now.
"""

from __future__ import annotations

import io
import random
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from w2v.errors import VectorsError
from w2v.vectors.files.check import DamagedFile
from w2v.vectors.formats import binary_salvage, salvage, text_salvage
from w2v.vectors.vectors import load

Row = tuple[bytes, list[float]]
FILES, ROWS, DIMS = 20, 30, (2, 5, 12)


def some_rows(draw: random.Random, dim: int) -> list[Row]:
    """Words of several lengths and encodings; numbers that float32 and three digits both hold."""
    letters = ["a", "b", "ω", "서", "é", "z", "-", "7"]
    words = ["".join(draw.choices(letters, k=draw.choice([1, 2, 3, 5, 9]))) + str(number) for number in range(ROWS)]
    return [(word.encode(), [draw.randrange(-4000, 4000) / 1024 for _ in range(dim)]) for word in words]


def binary_file(rows: list[Row], end: bytes = b"", first: bytes = b"") -> bytes:
    dim = len(rows[0][1])
    parts = [word + b" " + struct.pack(f"<{dim}f", *values) + end for word, values in rows]
    return b"%d %d\n" % (len(rows), dim) + first.join([parts[0], b"".join(parts[1:])])


def text_file(rows: list[Row], between: bytes = b" ", header: bool = True) -> bytes:
    head = b"%d %d\n" % (len(rows), len(rows[0][1])) if header else b""
    return head + b"".join(between.join([word, *(b"%.4g" % x for x in values)]) + b"\n" for word, values in rows)


FORMS: dict[str, Callable[[list[Row]], bytes]] = {
    "binary": binary_file,
    "binary, newlines": lambda rows: binary_file(rows, b"\n"),
    "binary, a newline after the first row": lambda rows: binary_file(rows, first=b"\n"),
    "text": text_file,
    "text, no header": lambda rows: text_file(rows, header=False),
    "table": lambda rows: text_file(rows, b"\t", header=False),
}
WRONG_WORDS = (b"New York", b"a b c", b"", b"\x01", b"t\tab", b"new\nline", b"z\0ero", b"caf\xe9", b"x" * 300, b" ")
WRONG_NUMBERS = (float("nan"), float("inf"), 1e30, -7e5, 1e-30, 0.0)


def with_words(rows: list[Row], draw: random.Random) -> list[Row]:
    for _ in range(draw.choice([1, 2, 4])):
        place = draw.randrange(len(rows))
        rows[place] = draw.choice(WRONG_WORDS), rows[place][1]
    return rows


def with_numbers(rows: list[Row], draw: random.Random) -> list[Row]:
    for _ in range(draw.choice([1, 2, 4])):
        rows[draw.randrange(len(rows))][1][0] = draw.choice(WRONG_NUMBERS)
    return rows


def overwritten(data: bytes, draw: random.Random, new: Callable[[int], bytes], lost: int | None = None) -> bytes:
    size = draw.choice([1, 2, 4, 7, 30, 100])
    at = draw.randrange(len(data) - size)
    return data[:at] + new(size) + data[at + (size if lost is None else lost) :]


def with_header(data: bytes, draw: random.Random) -> bytes:
    rows, _, rest = data.partition(b" ")
    return b"%d " % (int(rows) + draw.choice([-25, -2, -1, 1, 2, 500])) + rest if rows.isdigit() else b"30 9\n" + data


OF_ROWS = {"words": with_words, "numbers": with_numbers}
OF_BYTES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "none": lambda data, _: data,
    "lost": lambda data, draw: overwritten(data, draw, lambda _: b""),
    "more": lambda data, draw: overwritten(data, draw, draw.randbytes, 0),
    "noise": lambda data, draw: overwritten(data, draw, draw.randbytes),
    "zeros": lambda data, draw: overwritten(data, draw, bytes),
    "spaces": lambda data, draw: overwritten(data, draw, lambda size: b" " * size),
    "cut": lambda data, draw: data[: -draw.randrange(1, len(data) // 2)],
    "behind": lambda data, draw: data + draw.choice([b"\n", b"\n\n", b"x", b"ab cd", b" 1 2\n", draw.randbytes(30)]),
    "header": with_header,
    "twice": lambda data, draw: overwritten(overwritten(data, draw, lambda _: b""), draw, draw.randbytes),
}


def salvaged(source: object) -> tuple[int, str]:
    """How many rows are kept, and all that is found."""
    try:
        with DamagedFile(source) as damaged:
            blocks = [
                row
                for block in damaged
                for row in zip(block.rows.tolist(), block.words, bits(block.values), strict=True)
            ]
            damage = {kind: (tally.count, tally.places) for kind, tally in damaged.damage.items()}
            return len(blocks), f"{blocks} {damage} {damaged.rows, damaged.promised, damaged.dim, damaged.last_newline}"
    except VectorsError as error:
        return 0, str(error)


def loaded(source: object) -> str:
    try:
        vectors = load(source)
    except VectorsError as error:
        return str(error)
    return f"{list(vectors.words.table)} {bits(vectors.matrix)}"


def bits(matrix: np.ndarray) -> list[list[int]]:
    return matrix.view("<u4").tolist()


def found(form: str, kind: str) -> tuple[int, str]:
    """A quarter each is a stream or a file, read in large blocks or in small ones."""
    kept, everything = 0, ""
    for seed in range(FILES):
        draw = random.Random(f"{form} {kind} {seed}")
        rows = some_rows(draw, DIMS[seed % 3])
        data = FORMS[form](OF_ROWS[kind](rows, draw) if kind in OF_ROWS else rows)
        data = OF_BYTES[kind](data, draw) if kind in OF_BYTES else data
        with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            Path("v").write_bytes(data)
            if seed % 4 > 1:
                for module in (salvage, binary_salvage, text_salvage):
                    patch.setattr(module, "BLOCK", 150)
                patch.setattr(binary_salvage, "SPACED", 7)
                patch.setattr(binary_salvage, "FEW", 12)
            count, told = salvaged("v" if seed % 2 else io.BytesIO(data))
            kept, everything = kept + count, everything + told + loaded("v" if seed % 2 else io.BytesIO(data))
    return kept, f"{zlib.crc32(everything.encode('utf-8', 'surrogateescape')):08x}"


CASES = [(form, kind) for form in FORMS for kind in (*OF_ROWS, *OF_BYTES)]
EXPECTED: dict[tuple[str, str], tuple[int, str]] = {
    ("binary", "words"): (549, "5ff76196"),
    ("binary", "numbers"): (588, "151db3cd"),
    ("binary", "none"): (600, "a1ba96e3"),
    ("binary", "lost"): (565, "fb93c4b1"),
    ("binary", "more"): (567, "37af7ec8"),
    ("binary", "noise"): (563, "5f03cf13"),
    ("binary", "zeros"): (561, "279a6f51"),
    ("binary", "spaces"): (589, "09714687"),
    ("binary", "cut"): (428, "1173d0ef"),
    ("binary", "behind"): (600, "3ae3d110"),
    ("binary", "header"): (600, "3872850d"),
    ("binary", "twice"): (507, "38a75a9c"),
    ("binary, newlines", "words"): (566, "cbb1a579"),
    ("binary, newlines", "numbers"): (569, "afe0f188"),
    ("binary, newlines", "none"): (600, "582b6630"),
    ("binary, newlines", "lost"): (533, "643ba6c1"),
    ("binary, newlines", "more"): (559, "1666d58e"),
    ("binary, newlines", "noise"): (552, "ab4387cb"),
    ("binary, newlines", "zeros"): (581, "8256569c"),
    ("binary, newlines", "spaces"): (580, "71568e52"),
    ("binary, newlines", "cut"): (468, "9d07331f"),
    ("binary, newlines", "behind"): (600, "225a3e3d"),
    ("binary, newlines", "header"): (600, "2820bd53"),
    ("binary, newlines", "twice"): (529, "38b6b303"),
    ("binary, a newline after the first row", "words"): (460, "5e56809d"),
    ("binary, a newline after the first row", "numbers"): (496, "05bbf3e8"),
    ("binary, a newline after the first row", "none"): (484, "cce51765"),
    ("binary, a newline after the first row", "lost"): (485, "e6df1924"),
    ("binary, a newline after the first row", "more"): (483, "cc0eb59b"),
    ("binary, a newline after the first row", "noise"): (391, "f132a12e"),
    ("binary, a newline after the first row", "zeros"): (450, "5ed7a046"),
    ("binary, a newline after the first row", "spaces"): (470, "9e75cdbe"),
    ("binary, a newline after the first row", "cut"): (375, "4f7699da"),
    ("binary, a newline after the first row", "behind"): (513, "c8a057c8"),
    ("binary, a newline after the first row", "header"): (493, "68a12624"),
    ("binary, a newline after the first row", "twice"): (395, "b2e26521"),
    ("text", "words"): (592, "c577da80"),
    ("text", "numbers"): (585, "84203df6"),
    ("text", "none"): (600, "d632d907"),
    ("text", "lost"): (577, "5d2738fa"),
    ("text", "more"): (586, "2a9f8060"),
    ("text", "noise"): (539, "aeeb2e2d"),
    ("text", "zeros"): (574, "de4cc46f"),
    ("text", "spaces"): (536, "d7714139"),
    ("text", "cut"): (437, "057f44d0"),
    ("text", "behind"): (600, "d4ff6682"),
    ("text", "header"): (600, "5ff50063"),
    ("text", "twice"): (550, "080a2904"),
    ("text, no header", "words"): (594, "a38313f3"),
    ("text, no header", "numbers"): (589, "97a1b927"),
    ("text, no header", "none"): (600, "85a2e475"),
    ("text, no header", "lost"): (574, "a8f23a7e"),
    ("text, no header", "more"): (584, "04f0b1ce"),
    ("text, no header", "noise"): (573, "d9ea6fa6"),
    ("text, no header", "zeros"): (549, "bb105373"),
    ("text, no header", "spaces"): (575, "da523671"),
    ("text, no header", "cut"): (418, "035ee113"),
    ("text, no header", "behind"): (600, "96dc79b6"),
    ("text, no header", "header"): (600, "58f2dd25"),
    ("text, no header", "twice"): (530, "554dd13a"),
    ("table", "words"): (588, "20b01569"),
    ("table", "numbers"): (587, "6d766138"),
    ("table", "none"): (600, "2acea44c"),
    ("table", "lost"): (565, "eecf26bf"),
    ("table", "more"): (586, "ee71bf99"),
    ("table", "noise"): (570, "81e51279"),
    ("table", "zeros"): (564, "a359ae16"),
    ("table", "spaces"): (584, "1ef19244"),
    ("table", "cut"): (442, "73455b71"),
    ("table", "behind"): (600, "a84d52eb"),
    ("table", "header"): (0, "fec6bff6"),
    ("table", "twice"): (544, "35ecbd5a"),
}


@pytest.mark.parametrize(("form", "kind"), CASES)
def test_what_is_kept_of_damaged_files_and_said_of_the_damage_is_what_it_was(form, kind):
    assert found(form, kind) == EXPECTED[form, kind]


if __name__ == "__main__":
    for case in CASES:
        print(f"    {case}: {found(*case)},")
