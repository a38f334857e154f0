from __future__ import annotations

import pytest

from w2v.numbers import count, duration, short, size


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0421, "0.042 s"),
        (0.99, "0.99 s"),
        (0.999, "1.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3599.9, "1 h 0 min"),
        (11520, "3 h 12 min"),
        (187200, "2 d 4 h"),
        (float("nan"), "? s"),
    ],
)
def test_durations_read_well(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (999, "999"),
        (999.6, "1.00k"),
        (11_234_567, "11.2M"),
        (999_600_000, "1.00G"),
        (float("inf"), "?"),
        (-11_234_567, "-11.2M"),
        (-1500, "-1.50k"),
        (-999, "-999"),
    ],
)
def test_short_numbers_keep_three_digits(number, text):
    assert short(number) == text


def test_sizes_are_in_powers_of_a_thousand():
    assert [size(n) for n in (12, 7_123_456, 2**40)] == ["12 B", "7.12 MB", "1.10 TB"]


def test_counts_have_thousands_separators():
    assert count(1203441) == "1,203,441"
