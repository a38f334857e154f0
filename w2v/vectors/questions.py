"""Files of analogy questions and of rated word pairs, distinguished by content.

Memory is that of the distinct words and of 16 bytes a question. What cannot be read with certainty is refused, never
guessed: the score of a file that is something else would look like any other.
"""

from __future__ import annotations

import csv
import hashlib
import math
import os
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from w2v.errors import VectorsError, shortened
from w2v.files import lines_of
from w2v.findings import SHOWN, Tally

__all__ = ["Pairs", "Questions", "read_questions"]

SEPARATORS = ("\t", ",", ";", " ")  # of word pairs, the likeliest first
LOOKED_AT = 1000  # lines from which the columns are recognised
# What heads the column of people's judgements where several hold numbers: "Human (mean)" of WordSim-353, SimLex999.
SCORE = re.compile(r"\b(score|mean|average|avg|rating|similarity|relatedness|human|gold|simlex999)\b", re.IGNORECASE)
WORD = re.compile(r"(word|w|term|item|noun|verb)[ _-]?[12]", re.IGNORECASE)
DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
SPREAD = re.compile(r"\b(sd|std|stdev|deviation|variance|error)\b", re.IGNORECASE)

Lines = Iterable[tuple[int, str]]


@dataclass
class Asked:
    """What questions and pairs have in common: `words`, each with its place, and the lines that were left out."""

    name: str
    words: dict[str, int] = field(default_factory=dict)
    left_out: Tally = field(default_factory=Tally)

    def places(self, words: Iterable[str]) -> list[int]:
        return [self.words.setdefault(word, len(self.words)) for word in words]

    def leave_out(self, number: int, line: str) -> None:
        self.left_out.add(f"line {number} {shortened(line)!r}" if len(self.left_out.places) < SHOWN else "")

    def digest_of(self, *content: object) -> str:
        """Of what is asked, whatever the file is called."""
        known = repr((list(self.words), *content)).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(known, digest_size=8).hexdigest()


@dataclass
class Questions(Asked):
    """Section -> the places of its questions' words, four a question."""

    sections: dict[str, array[int]] = field(default_factory=dict)

    def digest(self) -> str:
        return self.digest_of(self.sections)


@dataclass
class Pairs(Asked):
    """The places of the words, two a pair, and people's judgement of each pair."""

    rows: array[int] = field(default_factory=lambda: array("i"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def digest(self) -> str:
        return self.digest_of(self.rows, self.values)


def read_questions(path: str | os.PathLike[str]) -> Questions | Pairs:
    """Questions in the form of questions-words.txt (`: section`, then four words a line), or rated pairs (two words and
    a number between tabs, commas, semicolons or spaces, perhaps quoted, with other columns and a line of their names).

    Blank lines and those that begin with # are passed over; other lines that do not fit are counted and named.
    VectorsError if the file is neither, if most lines do not fit, or if several columns may be words or judgement.
    """
    name = "<stdin>" if os.fspath(path) == "-" else os.fspath(path)
    lines = _meant(lines_of(path, VectorsError))
    first = next(lines, None)
    if first is None:
        raise VectorsError(f"{name}: no questions in it; each line is four words, or two words and a number")
    if first[1].startswith(":"):
        return _read_analogies(name, chain([first], lines))
    return _read_pairs(name, [first, *islice(lines, LOOKED_AT - 1)], lines)


def _meant(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, str]]:
    for number, line in lines:
        if line.strip() and not line.startswith(b"#"):
            yield number, line.decode("utf-8", "surrogateescape")


def _read_analogies(name: str, lines: Lines) -> Questions:
    asked, count = Questions(name), 0
    section = array("i")
    for number, line in lines:
        words = line.split()
        if line.startswith(":"):
            section = asked.sections.setdefault(line[1:].strip(), array("i"))
        elif len(words) == 4:
            section.extend(asked.places(words))
            count += 1
        else:
            asked.leave_out(number, line)
    if not count:
        raise VectorsError(f"{name}: no question of four words in it; is it in the form of questions-words.txt?")
    _refuse_a_guess(asked, count, "four words")
    return asked


def _refuse_a_guess(asked: Asked, count: int, what: str) -> None:
    """VectorsError if fewer lines fit than do not."""
    if asked.left_out.count > count:
        raise VectorsError(
            f"{asked.name}: {asked.left_out.count:,} of {asked.left_out.count + count:,} lines are not {what} "
            f"({asked.left_out.where}); it is not scored: is it the right file?"
        )


def _read_pairs(name: str, head: list[tuple[int, str]], rest: Lines) -> Pairs:
    separator, columns = _columns(name, head)
    first, second, score = columns
    asked = Pairs(name)
    for number, line in chain(head, rest):
        fields = _fields(line, separator)
        judged = _number(fields[score]) if len(fields) > max(columns) else None
        if judged is not None and fields[first] and fields[second]:
            asked.rows.extend(asked.places((fields[first], fields[second])))
            asked.values.append(judged)
        elif number != head[0][0]:  # the first may say what the columns are
            asked.leave_out(number, line)
    _refuse_a_guess(asked, len(asked.values), "two words and a number")
    if len(asked.values) > 1 and min(asked.values) == max(asked.values):
        raise VectorsError(
            f"{name}: all {len(asked.values):,} judgements are {asked.values[0]:g}, and a correlation needs some that "
            f"differ; is it the right file?"
        )
    return asked


def _columns(name: str, head: list[tuple[int, str]]) -> tuple[str, tuple[int, int, int]]:
    """(separator, columns of the two words and of the judgement)."""
    number, line = head[0]
    tables = {separator: _table([_fields(line, separator) for _, line in head], separator) for separator in SEPARATORS}
    separator = max(tables, key=lambda s: len(tables[s]))
    rows = tables[separator]
    if not rows:
        raise VectorsError(
            f"{name}:{number}: neither analogy questions (`: section`, then four words per line) nor word pairs (two "
            f"words and a number, between tabs or commas): {shortened(line)!r}"
        )
    heading = _fields(line, separator)
    named = heading if _numeric(heading) != _numeric(rows[0]) else []
    numeric = _numeric(rows[0])
    first, second, *scores = _roles(numeric, separator)
    score = _score_column(name, rows, scores, named)
    words = [i for i in range(score) if not numeric[i]]
    if len(words) > 2:
        first, second = _word_columns(name, rows, words, named)
    return separator, (first, second, score)


def _table(rows: list[list[str]], separator: str) -> list[list[str]]:
    """The rows of the usual number of columns, if they are most of all rows and hold two words and a number; else none.
    A heading is not among them."""
    width = Counter(map(len, rows)).most_common(1)[0][0]
    table = [row for row in rows if len(row) == width]
    if 2 * len(table) < len(rows):
        return []
    kinds = Counter(map(_numeric, table))
    usual = max(kinds, key=lambda kind: (kinds[kind], sum(kind)))
    return [row for row in table if _numeric(row) == usual] if _roles(usual, separator) else []


def _roles(numeric: tuple[bool, ...], separator: str) -> list[int]:
    """Columns of the first word, of the second, and those that may be the judgement, behind both; none if that cannot
    be. Words may be numbers where nothing else can be meant: three columns, and not between spaces, as a session's
    items are."""
    words = [i for i, is_number in enumerate(numeric) if not is_number][:2]
    if len(words) < 2 and len(numeric) == 3 and separator != " ":
        words = [0, 1]
    scores = [i for i, is_number in enumerate(numeric) if is_number and words and i > words[-1]]
    return [*words, *scores] if len(words) == 2 and scores else []


def _numeric(row: list[str]) -> tuple[bool, ...]:
    return tuple(_number(cell) is not None for cell in row)


def _score_column(name: str, rows: list[list[str]], scores: list[int], heading: list[str]) -> int:
    """The only column of numbers, the one that a heading names, or the only one in which the numbers differ."""
    if len(scores) == 1:
        return scores[0]
    named = [i for i in scores if heading and SCORE.search(heading[i]) and not SPREAD.search(heading[i])]
    if len(named) == 1:
        return named[0]
    varied = [i for i in scores if len({row[i] for row in rows}) > 1]
    if len(varied) == 1:
        return varied[0]
    shown = ", ".join(f"{i + 1} ({heading[i] if heading else rows[0][i]})"[:40] for i in scores[:6])
    raise VectorsError(
        f"{name}: columns {shown} are all numbers, and nothing says which is the judgement of the pair; keep the two "
        f"words and that column (cut -f)"
    )


def _word_columns(name: str, rows: list[list[str]], texts: list[int], heading: list[str]) -> list[int]:
    """Of three or more columns of text the two that a heading names, or the only two that are not the same few again
    and again, as parts of speech are."""
    named = [i for i in texts if heading and WORD.fullmatch(heading[i])]
    if len(named) == 2:
        return named
    kinds = {i: len({row[i] for row in rows}) for i in texts}
    varied = [i for i in texts if 1 < kinds[i] and 4 * kinds[i] > len(rows)]
    if len(varied) == 2:
        return varied
    shown = ", ".join(f"{i + 1} ({heading[i] if heading else rows[0][i]})"[:40] for i in texts[:6])
    raise VectorsError(
        f"{name}: columns {shown} are all text, and nothing says which two are the pair; keep the two words and their "
        f"judgement (cut -f)"
    )


def _fields(line: str, separator: str) -> list[str]:
    if separator == " ":
        return line.split()
    if '"' not in line:
        return [field.strip() for field in line.split(separator)]
    try:
        return [field.strip() for field in next(csv.reader([line], delimiter=separator, strict=True))]
    except csv.Error:  # a quotation mark that is none
        return [field.strip() for field in line.split(separator)]


def _number(text: str) -> float | None:
    try:
        value = float(text.replace(",", ".") if DECIMAL_COMMA.fullmatch(text) else text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
