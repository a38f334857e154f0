"""Scores against files of analogy questions or of word pairs, as gensim's evaluators give them.

Analogies: `evaluate_word_analogies`; pairs: `evaluate_word_pairs`. Words are folded to upper case, and where several
words fold to one, the first row stands for it. Only the first `restrict_vocab` rows take part.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from w2v.errors import UnknownWordError, VectorsError, setting
from w2v.vectors._best import Best
from w2v.vectors.questions import Pairs, Questions, read_questions
from w2v.vectors.scores import AnalogyScores, PairScores, Section

if TYPE_CHECKING:
    from w2v.vectors.scores import Evaluation
    from w2v.vectors.vectors import Vectors

__all__ = ["check_askable", "evaluate", "pearson", "ranks", "spearman"]

BLOCK = 2048  # questions answered together
CANDIDATES = 5  # gensim looks at this many answers for one that is not a word of the question


def evaluate(
    vectors: Vectors,
    path: str | os.PathLike[str] | Questions | Pairs,
    *,
    restrict_vocab: int | None = 30_000,
    case_insensitive: bool = True,
    known_only: bool = False,
) -> Evaluation:
    """AnalogyScores or PairScores for a file, recognised by content (see questions.py), or for what was read from one.

    Questions and pairs with a word outside the first `restrict_vocab` rows are left out and counted. Where vectors can
    be made for words never seen, what asks for such a word is scored apart, unless `known_only`.
    VectorsError if the file is neither, or none of it can be asked.
    """
    asked = path if isinstance(path, (Questions, Pairs)) else read_questions(path)
    fold: Callable[[str], str] = str.upper if case_insensitive else str
    names, folded = _folded(vectors.words, restrict_vocab, fold)
    unseen = None
    if vectors.subwords is not None and not known_only:
        unseen = _made_places(vectors, asked, folded, fold)
    if isinstance(asked, Pairs):
        return _score_pairs(vectors, asked, *_find_pairs(asked, folded, fold), unseen)
    return _score_analogies(vectors, asked, *_find_questions(asked, folded, fold), names, unseen)


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


def _rows_of(asked: Questions | Pairs, folded: dict[str, int], fold: Callable[[str], str]) -> np.ndarray:
    """The row of each of the words, int64 [words], -1 for those that do not take part."""
    return np.fromiter((folded.get(fold(word), -1) for word in asked.words), np.int64, len(asked.words))


def _made_places(
    vectors: Vectors, asked: Questions | Pairs, folded: dict[str, int], fold: Callable[[str], str]
) -> np.ndarray:
    """As _rows_of, with the places of vectors made for words that the vectors do not have, int64 [words]; -1 for words
    that have no n-grams, and known words that do not take part. In the case that the vocabulary has them in."""
    lower = fold is str.upper and not any(word != word.lower() for word in vectors.words[:1000])
    places = _rows_of(asked, folded, fold)
    for i, word in enumerate(asked.words):
        spelling = word.lower() if lower else word
        if places[i] < 0 and spelling not in vectors:
            try:
                places[i] = vectors.place(spelling)
            except (UnknownWordError, UnicodeEncodeError):
                continue
    return places


def _find_questions(
    asked: Questions, folded: dict[str, int], fold: Callable[[str], str]
) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Rows [n, 4] and section [n] of the questions that can be asked, and how many of each section cannot."""
    row_of = _rows_of(asked, folded, fold)
    rows: list[np.ndarray] = []
    skipped: list[int] = []
    for places in asked.sections.values():
        questions = row_of[np.asarray(places, np.intp)].reshape(-1, 4)
        rows.append(questions[(questions >= 0).all(axis=1)])
        skipped.append(len(questions) - len(rows[-1]))
    sections = np.repeat(np.arange(len(rows)), [len(some) for some in rows])
    if not len(sections):
        raise VectorsError(
            f"{asked.name}: none of its {sum(skipped):,} questions has all its words among the {len(folded):,} that "
            f"take part; raise {setting('restrict_vocab')}, or check the language and case"
        )
    return np.concatenate(rows), sections, skipped


def _score_analogies(
    vectors: Vectors,
    asked: Questions,
    rows: np.ndarray,
    place: np.ndarray,
    skipped: list[int],
    names: list[str],
    unseen: np.ndarray | None = None,
) -> AnalogyScores:
    right = np.bincount(place[_answer(vectors, rows, names)], minlength=len(asked.sections))
    total = np.bincount(place, minlength=len(asked.sections))
    sections = tuple(Section(name, int(right[i]), int(total[i]), skipped[i]) for i, name in enumerate(asked.sections))
    apart = None
    if unseen is not None:
        apart, taken = _score_unseen(vectors, asked, unseen, names)
        sections = tuple(
            replace(section, skipped=section.skipped - n) for section, n in zip(sections, taken, strict=True)
        )
    return AnalogyScores(asked.name, sections, asked.left_out.count, asked.left_out.where, apart)


def _score_unseen(
    vectors: Vectors, asked: Questions, unseen: np.ndarray, names: list[str]
) -> tuple[Section, list[int]]:
    """The score of the questions with a made vector among their first three words, and how many each section has. The
    answer is a word of the vocabulary."""
    found = []
    for places in asked.sections.values():
        questions = unseen[np.asarray(places, np.intp)].reshape(-1, 4)
        made = (questions[:, :3] >= len(vectors)).any(axis=1)
        found.append(questions[made & (questions >= 0).all(axis=1) & (questions[:, 3] < len(names))])
    rows = np.concatenate(found)
    return Section("unseen", int(_answer(vectors, rows, names).sum()), len(rows), 0), [len(some) for some in found]


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
    ignored = {names[row] for row in own if row < len(names)}
    predicted = None
    for row in [row for row, _ in best if row not in own][:CANDIDATES]:
        predicted = names[row]
        if predicted not in ignored:
            break
    return predicted == names[question[3]]


def _find_pairs(asked: Pairs, folded: dict[str, int], fold: Callable[[str], str]) -> tuple[np.ndarray, np.ndarray]:
    """Rows [n, 2] and judgement [n] of each pair whose words are both there."""
    both = _rows_of(asked, folded, fold)[np.asarray(asked.rows, np.intp)].reshape(-1, 2)
    there = (both >= 0).all(axis=1)
    if not there.any():
        raise VectorsError(
            f"{asked.name}: none of its {len(both):,} pairs has both words among the {len(folded):,} that take part; "
            f"raise {setting('restrict_vocab')}, or check the language and case"
        )
    return both[there], np.asarray(asked.values)[there]


def _score_pairs(
    vectors: Vectors, asked: Pairs, both: np.ndarray, gold: np.ndarray, unseen: np.ndarray | None = None
) -> PairScores:
    every = np.asarray(asked.rows, np.intp)
    apart = None
    if unseen is not None:
        pairs = unseen[every].reshape(-1, 2)
        made = (pairs >= 0).all(axis=1) & (pairs >= len(vectors)).any(axis=1)
        rho, r = _correlations(vectors, pairs[made], np.asarray(asked.values)[made])
        apart = PairScores("unseen", rho, r, int(made.sum()), 0)
    rho, r = _correlations(vectors, both, gold)
    skipped = len(asked.values) - len(both) - (apart.asked if apart is not None else 0)
    return PairScores(asked.name, rho, r, len(both), skipped, asked.left_out.count, asked.left_out.where, apart)


def _correlations(vectors: Vectors, both: np.ndarray, gold: np.ndarray) -> tuple[float, float]:
    """Spearman's rho and Pearson's r of the cosines of pairs of rows [n, 2] with people's judgements."""
    cosines = np.einsum(
        "ij,ij->i", vectors.units(both[:, 0]).astype(np.float64), vectors.units(both[:, 1]).astype(np.float64)
    )
    return spearman(gold, cosines), pearson(gold, cosines)


def pearson(x: np.ndarray, y: np.ndarray) -> float:
    """Correlation of two samples; NaN for fewer than two pairs or a constant sample."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if len(x) < 2:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt(x @ x) * np.sqrt(y @ y)
    return float(np.clip(x @ y / scale, -1, 1)) if scale > 0 else float("nan")


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's r of the ranks; equal values share the mean of their ranks."""
    return pearson(ranks(x), ranks(y))


def ranks(x: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values get the mean of the ranks they take up."""
    _, group, counts = np.unique(np.asarray(x, np.float64), return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[group]
