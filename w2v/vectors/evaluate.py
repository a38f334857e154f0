"""Scores against files of analogy questions or of word pairs, as gensim's evaluators give them.

Analogies: `evaluate_word_analogies`; pairs: `evaluate_word_pairs`. Words are folded to upper case, and where several
words fold to one, the first row stands for it. Only the first `restrict_vocab` rows take part.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import VectorsError
from w2v.vectors._best import Best
from w2v.vectors.correlation import pearson, spearman
from w2v.vectors.questions import Pairs, Questions, read_questions
from w2v.vectors.scores import AnalogyScores, PairScores, Section

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["Evaluation", "check_askable", "evaluate"]

Evaluation = AnalogyScores | PairScores

BLOCK = 2048  # questions answered together
CANDIDATES = 5  # gensim looks at so many answers for one that is not a word of the question


def evaluate(
    vectors: Vectors, path: str | os.PathLike[str] | Questions | Pairs, *, restrict_vocab: int | None = 30_000,
    case_insensitive: bool = True,
) -> Evaluation:
    """AnalogyScores or PairScores for a file, told by content (see questions.py), or for what was read from one.

    Questions and pairs with a word outside the first `restrict_vocab` rows are left out and counted.
    VectorsError if the file is neither, or none of it can be asked.
    """
    asked = path if isinstance(path, (Questions, Pairs)) else read_questions(path)
    fold: Callable[[str], str] = str.upper if case_insensitive else str
    names, folded = _folded(vectors.words, restrict_vocab, fold)
    if isinstance(asked, Pairs):
        return _score_pairs(vectors, asked, *_find_pairs(asked, folded, fold))
    return _score_analogies(vectors, asked, *_find_questions(asked, folded, fold), names)


def check_askable(words: Sequence[str], asked: Questions | Pairs, *, restrict_vocab: int | None = 30_000) -> None:
    """Raise the VectorsError that `evaluate` would raise on vectors of these words, before there are any."""
    _, folded = _folded(words, restrict_vocab, str.upper)
    if isinstance(asked, Pairs):
        _find_pairs(asked, folded, str.upper)
    else:
        _find_questions(asked, folded, str.upper)


def _folded(
    words: Sequence[str], restrict_vocab: int | None, fold: Callable[[str], str]
) -> tuple[list[str], dict[str, int]]:
    """The words that take part as they are compared, and the first row of each."""
    last = len(words) if restrict_vocab is None else min(restrict_vocab, len(words))
    names = [fold(word) for word in words[:last]]
    folded: dict[str, int] = {}
    for row, name in enumerate(names):
        folded.setdefault(name, row)
    return names, folded


def _find_questions(
    asked: Questions, folded: dict[str, int], fold: Callable[[str], str]
) -> tuple[list[tuple[int, ...]], list[int], list[int]]:
    """Rows and section of each question that can be asked, and how many of each section cannot."""
    rows: list[tuple[int, ...]] = []
    place: list[int] = []  # the section of each question that can be asked
    skipped = [0] * len(asked.sections)
    for section, questions in enumerate(asked.sections.values()):
        for question in questions:
            found = tuple(folded.get(fold(word), -1) for word in question)
            if min(found) < 0:
                skipped[section] += 1
            else:
                rows.append(found)
                place.append(section)
    if not rows:
        raise VectorsError(
            f"{asked.name}: none of its {sum(skipped):,} questions has all its words among the {len(folded):,} that "
            "take part; raise --restrict-vocab, or check the language and case"
        )
    return rows, place, skipped


def _score_analogies(
    vectors: Vectors, asked: Questions, rows: list[tuple[int, ...]], place: list[int], skipped: list[int],
    names: list[str],
) -> AnalogyScores:
    right = np.bincount(np.asarray(place)[_answer(vectors, np.asarray(rows), names)], minlength=len(asked.sections))
    total = np.bincount(place, minlength=len(asked.sections))
    sections = tuple(
        Section(name, int(right[i]), int(total[i]), skipped[i]) for i, name in enumerate(asked.sections)
    )
    return AnalogyScores(asked.name, sections, asked.malformed)


def _answer(vectors: Vectors, rows: np.ndarray, names: list[str]) -> np.ndarray:
    """Whether each question [n, 4] of rows is answered right, bool [n]."""
    last = len(names)
    right = np.zeros(len(rows), bool)
    matrix, factors = vectors.comparable(0, last), vectors.factors[:last]
    for low in range(0, len(rows), BLOCK):
        block = rows[low : low + BLOCK]
        a, b, c = (vectors.units(block[:, i]) for i in range(3))
        target = b + c - a
        best = Best(len(block), min(last, CANDIDATES + 3))
        best.offer(np.ascontiguousarray(target @ matrix.T), 0, factors)
        for i, question in enumerate(block.tolist()):
            right[low + i] = _is_right(question, best.result(i), names)
    return right


def _is_right(question: list[int], best: list[tuple[int, float]], names: list[str]) -> bool:
    own = question[:3]
    ignored = {names[row] for row in own}
    predicted = None
    for row in [row for row, _ in best if row not in own][:CANDIDATES]:
        predicted = names[row]
        if predicted not in ignored:
            break
    return predicted == names[question[3]]


def _find_pairs(
    asked: Pairs, folded: dict[str, int], fold: Callable[[str], str]
) -> tuple[list[tuple[int, int]], list[float]]:
    """Rows and judgement of each pair whose words are both there."""
    rows, gold = [], []
    for first, second, value in asked.pairs:
        a, b = folded.get(fold(first), -1), folded.get(fold(second), -1)
        if a >= 0 and b >= 0:
            rows.append((a, b))
            gold.append(value)
    if not rows:
        raise VectorsError(
            f"{asked.name}: none of its {len(asked.pairs):,} pairs has both words among the {len(folded):,} that take "
            "part; raise --restrict-vocab, or check the language and case"
        )
    return rows, gold


def _score_pairs(vectors: Vectors, asked: Pairs, rows: list[tuple[int, int]], gold: list[float]) -> PairScores:
    both = np.asarray(rows)
    cosines = np.einsum(
        "ij,ij->i", vectors.units(both[:, 0]).astype(np.float64), vectors.units(both[:, 1]).astype(np.float64)
    )
    return PairScores(
        asked.name, spearman(np.asarray(gold), cosines), pearson(np.asarray(gold), cosines), len(rows),
        len(asked.pairs) - len(rows), asked.malformed,
    )
