"""Text numbers: the shortest that read back, and the nearest float32 to any decimal."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from w2v.vectors._text import py_put_float, py_read_float

from .hostile import nearest_float32

# 2^-150: half way between 0 and the smallest float32, so it is read as 0.
HALF_OF_THE_SMALLEST = f"{5**150:0150d}"


def read_float(text: bytes):
    """(value, bytes read) or None: the same where the text ends behind the number and where a row goes on."""
    alone, in_a_row = py_read_float(text), py_read_float(text + b" -0.25 0.0625 0.1234567")
    assert str(in_a_row) == str(alone)  # a NaN is not equal to itself
    return alone


def of_bits(bits: int) -> float:
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def digits_of(number: str) -> tuple[str, int]:
    """Significant digits and the power of ten of the first."""
    whole, _, power = number.lstrip("-").partition("e")
    left, _, right = whole.partition(".")
    digits = (left + right).lstrip("0")
    first = len(left) - 1 - (len(left + right) - len(digits)) + int(power or 0)
    return digits.rstrip("0"), first


def check(value: float) -> None:
    shown = py_put_float(value)
    assert len(shown) <= 18
    read, used = read_float(shown)
    assert used == len(shown)
    assert struct.pack("<f", read) == struct.pack("<f", value)
    # NumPy's own shortest digits (Dragon4, exact) are the judge.
    wanted = np.format_float_scientific(np.float32(value), unique=True)
    assert digits_of(shown.decode()) == digits_of(wanted), (shown, wanted)


@settings(max_examples=1000, deadline=None)
@given(st.integers(0, 0x7F7FFFFF), st.booleans())
def test_any_float_is_written_with_the_shortest_digits_that_read_back(bits, negative):
    check(of_bits(bits | negative << 31))


def test_every_exponent_and_its_neighbours_are_written_right():
    for exponent in range(255):
        for fraction in (0, 1, 2, 0x400000, 0x7FFFFE, 0x7FFFFF):
            check(of_bits(exponent << 23 | fraction))


@pytest.mark.parametrize(
    "value", [0.0, -0.0, 1.0, -1.0, 9.0, 10.0, 16777216.0, 33554432.0, 1e9, 1e15, 9.999999e15, 1e16]
)
def test_whole_numbers_are_written_plainly_below_1e16(value):
    check(value)
    shown = py_put_float(value)
    if abs(value) < 1e16:
        assert shown.decode() == f"{float(shown):.0f}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.1, b"0.1"),
        (-0.25, b"-0.25"),
        (1e-5, b"0.00001"),
        (9e-6, b"9e-06"),
        (0.00012, b"0.00012"),
        (1.5, b"1.5"),
        (123.456, b"123.456"),
        (3.4028235e38, b"3.4028235e+38"),
        (1e-45, b"1e-45"),
        (-1.1754944e-38, b"-1.1754944e-38"),
        (1234567.9, b"1234567.9"),
        (0.0, b"0"),
        (-0.0, b"-0"),
        (2e16, b"2e+16"),
    ],
)
def test_numbers_look_as_people_expect(value, shown):
    assert py_put_float(value) == shown


@settings(max_examples=1500, deadline=None)
@given(
    st.booleans(),
    st.text("0123456789", max_size=30),
    st.text("0123456789", max_size=30),
    st.integers(-60, 50),
    st.sampled_from(["", "e", "E", "e+"]),
)
@example(False, "16777217", "", 0, "")  # half way: to even
@example(False, "16777217", "000000000000000000000001", 0, "")
@example(False, "16777219", "", 0, "")
@example(False, "", HALF_OF_THE_SMALLEST, 0, "")
@example(False, "340282356779733661637539395458142568448", "", 0, "")  # rounds to infinity
@example(False, "340282356779733661637539395458142568447", "9", 0, "")
def test_any_decimal_is_read_as_the_nearest_float(negative, left, right, power, mark):
    if not left and not right:
        left = "0"
    if mark == "e+":
        power = abs(power)
    number = ("-" if negative else "") + left + ("." + right if right else "") + (f"{mark}{power}" if mark else "")
    read, used = read_float(number.encode())
    assert used == len(number)
    wanted = nearest_float32(number)
    assert np.float32(read).tobytes() == wanted.tobytes(), (number, read, wanted)


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 0x7F7FFFFE))
def test_decimals_half_way_between_two_floats_are_read_to_even(bits):
    low, high = Fraction(of_bits(bits)), Fraction(of_bits(bits + 1))
    middle = (low + high) / 2
    scale = 0
    while (middle * 10**scale).denominator != 1:
        scale += 1
    number = f"{middle * 10**scale}e-{scale}"
    even = bits if bits % 2 == 0 else bits + 1
    assert read_float(number.encode())[0] == of_bits(even)
    assert read_float(number.replace("e", ".000001e").encode())[0] == of_bits(bits + 1)
    assert read_float(f"{middle * 10**scale - 1}.9e-{scale}".encode())[0] == of_bits(bits)


def spellings(digits: str, power: int) -> list[str]:
    """digits * 10^power, with the point before, within and behind the digits, and with exponents."""
    point = len(digits) + power  # digits before the decimal point
    plain = f"{digits[:point]}.{digits[point:]}" if 0 < point < len(digits) else None
    zeros = f"0.{'0' * -point}{digits}" if point <= 0 else f"{digits}{'0' * max(0, power)}"
    shifted = f".00000000000000000{digits}e{point + 17}"
    return [s for s in (plain, zeros, shifted, f"{digits}e{power}", f"{digits[0]}.{digits[1:]}e{point - 1}") if s]


def test_decimals_beside_the_middle_of_two_floats_are_read_as_the_nearest():
    """The middle cut to each number of digits, and one unit of the last more: only exact arithmetic tells the side."""
    rng = np.random.default_rng(12)
    # Numbers as vectors hold them (2^-30 to 2^5), and of every size.
    for bits in [
        *(rng.integers(97, 132, 60) << 23 | rng.integers(0, 1 << 23, 60)).tolist(),
        *rng.integers(1, 0x7F7FFFFE, 60).tolist(),
    ]:
        middle = (Fraction(of_bits(bits)) + Fraction(of_bits(bits + 1))) / 2
        first = digits_of(f"{float(middle):e}")[1]
        for length in (*range(8, 24), 30, 50, 110):
            power = first - length + 1
            cut = middle // Fraction(10) ** power
            for number in (cut, cut + 1):
                for text in spellings(str(number), power):
                    read, used = read_float(text.encode())
                    assert (used, np.float32(read)) == (len(text), nearest_float32(text)), text


@pytest.mark.parametrize(
    "text", ["", "-", "+", ".", "-.", "e5", "x", "--1", " 1", "na", "infinit", ".nan", "-.inf", "+.Infinity", ".e5"]
)
def test_what_is_no_number_is_refused(text):
    found = read_float(text.encode())
    assert found is None or found[1] < len(text)


@pytest.mark.parametrize(
    ("text", "used"), [("1e", 1), ("1e+", 1), ("1.5x", 3), ("1,5", 1), ("0x10", 1), ("1_0", 1), ("1 2", 1)]
)
def test_reading_stops_where_the_number_does(text, used):
    assert read_float(text.encode())[1] == used


@pytest.mark.parametrize(
    "text", ["nan", "NaN", "-nan", "inf", "-Inf", "infinity", "1e39", "-1e400", "1e99999999999999999999"]
)
def test_what_is_not_finite_is_read_as_such(text):
    value, used = read_float(text.encode())
    assert used == len(text)
    assert not np.isfinite(value)


def test_numbers_are_read_the_same_in_a_locale_with_a_decimal_comma():
    import locale

    before = locale.setlocale(locale.LC_ALL)
    for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"):
        try:
            locale.setlocale(locale.LC_ALL, name)
        except locale.Error:
            continue
        try:
            assert read_float(b"16777217.0000000001")[0] == 16777218  # takes the C library's way
            assert py_put_float(0.5) == b"0.5"
        finally:
            locale.setlocale(locale.LC_ALL, before)


@pytest.mark.slow
def test_twenty_million_floats_are_written_with_the_shortest_digits():
    rng = np.random.default_rng(1)
    for bits in rng.integers(0, 0x7F800000, 20_000_000).tolist():
        check(of_bits(bits))


def test_every_power_of_ten_is_read_right():
    """Of 10^-75 to 10^60, with few and with many digits: what is tiny, what is normal, what is infinite."""
    for power in range(-75, 61):
        for digits in ("1", "7", "99999999", "123456789", "98765432109876543", "1234567890123456789", "9" * 25):
            number = f"{digits}e{power}"
            assert np.float32(py_read_float(number.encode())[0]).tobytes() == nearest_float32(number).tobytes(), number


def test_every_power_of_ten_is_written_as_python_writes_it():
    for power in range(-45, 39):
        for digits in ("1", "1.5", "1.25", "9.999999", "3.0000002"):
            value = py_read_float(f"{digits}e{power}".encode())[0]
            if not 0 < value < np.inf:
                continue
            left, _, exponent = np.format_float_scientific(np.float32(value), unique=True, trim="-").partition("e")
            point = int(exponent) + 1
            plain = np.format_float_positional(np.float32(value), unique=True, trim="-")
            wanted = plain if -4 <= point <= 16 else f"{left}e{int(exponent):+03d}"
            assert py_put_float(value).decode() == wanted
            assert py_put_float(-value).decode() == "-" + wanted
