"""Numbers as people read them: 1,203,441; 11.2M; 7.1 MB; 2 min 5 s."""

from __future__ import annotations

import math
import re

__all__ = ["count", "duration", "plural", "seconds_of", "short", "size"]


def count(number: int) -> str:
    """1203441 -> 1,203,441."""
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """1 word, 1,203 words."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def short(number: float) -> str:
    """Three digits and a letter: 11234567 -> 11.2M."""
    return scaled(number, ("", "k", "M", "G", "T"))


def size(number_bytes: float) -> str:
    """Bytes in powers of 1000: 7123456 -> 7.12 MB."""
    return scaled(number_bytes, (" B", " kB", " MB", " GB", " TB"))


def scaled(number: float, units: tuple[str, ...]) -> str:
    if not math.isfinite(number):
        return "?" + units[0]
    power = 0
    while abs(number) >= 999.5 and power < len(units) - 1:
        number /= 1000
        power += 1
    if power == 0:
        return f"{number:.0f}{units[0]}"
    digits = 2 if abs(number) < 9.995 else 1 if abs(number) < 99.95 else 0
    return f"{number:.{digits}f}{units[power]}"


def duration(seconds: float) -> str:
    """0.42 s, 42 s, 2 min 5 s, 3 h 12 min, 2 d 4 h."""
    if not math.isfinite(seconds):
        return "? s"
    if seconds < 9.95:
        return f"{seconds:.2g} s" if seconds < 0.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for big, small, big_s, small_s in (("min", "s", 60, 1), ("h", "min", 3600, 60), ("d", "h", 86400, 3600)):
        if whole < big_s * {"min": 60, "h": 24, "d": math.inf}[big]:
            return f"{whole // big_s} {big} {whole % big_s // small_s} {small}"
    raise AssertionError("days have no end")


def seconds_of(text: str) -> float:
    """30s, 10m, 2h, 1d, 1.5h, or 0 -> seconds; ValueError for anything else."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])", text.strip())
    if found:
        return float(found[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[found[2]]
    if text.strip() == "0":
        return 0.0
    raise ValueError(f"{text!r} is not a length of time")
