"""Scores against files of analogy questions or of word pairs, as gensim's evaluators give them, and of recommendation.

Analogies: `evaluate_word_analogies`; pairs: `evaluate_word_pairs`. Words are folded to upper case, and where several
words fold to one, the first row stands for it. Only the first `restrict_vocab` rows take part.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.errors import SettingsError, UnknownWordError, VectorsError, setting, shortened
from w2v.files import lines_of
from w2v.vectors._best import Best
from w2v.vectors.neighbours import QUERIES, Scope, check_decay, nearest_rows
from w2v.vectors.questions import Asked, Pairs, Questions, read_questions
from w2v.vectors.scores import AnalogyScores, PairScores, Section, SessionScores

if TYPE_CHECKING:
    from w2v.vectors.scores import Evaluation
    from w2v.vectors.vectors import Vectors

__all__ = ["NextItems", "check_askable", "evaluate", "pearson", "ranks", "read_sessions", "score_sessions", "spearman"]

BLOCK = 2048  # questions answered together
CANDIDATES = 5  # gensim looks at this many answers for one that is not a word of the question
TOP = 10


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
        words = list(asked.words)
        first, second = (shortened(words[place]) for place in asked.rows[:2])
        raise VectorsError(
            f"{asked.name}: none of its {len(both):,} pairs (the first: {first!r}, {second!r}) has both words among "
            f"the {len(folded):,} that take part; raise {setting('restrict_vocab')}, or check the language and case"
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


# --- recommendation ---


@dataclass
class NextItems(Asked):
    """Sessions that were kept apart: the places of their items, in `items` one after the other, and where each ends.

    The last item of each is sought by the mean of the items before it, as `w2v similar --mean` does: among the items
    nearest to that mean, without those that the session holds. HR@k is how often the last item is among the k nearest;
    NDCG@k weighs its rank r by 1 / log2(r + 1), MRR@k by 1 / r, as for one right answer (Jarvelin and Kekalainen 2002;
    Voorhees 1999). Catalogue is the share of all items that are among the k nearest of any session.
    """

    items: array[int] = field(default_factory=lambda: array("i"))
    ends: array[int] = field(default_factory=lambda: array("q"))

    def add(self, session: Iterable[str]) -> None:
        self.items.extend(self.places(session))
        self.ends.append(len(self.items))

    def digest(self) -> str:
        return self.digest_of(self.items, self.ends)

    def check_askable(self, words: Sequence[str]) -> None:
        """VectorsError where no session can be put to vectors of these words."""
        self.questions([row if word in words else -1 for row, word in enumerate(self.words)])

    def questions(self, row_of: Sequence[int] | np.ndarray) -> list[tuple[list[int], int]]:
        """(rows of the items before the last, row of the last) of the sessions that can be asked: the last item is
        there and not among those before, of which one at least is there. `row_of` [items] is -1 for what is not
        there."""
        rows = np.asarray(row_of)[np.asarray(self.items, np.intp)].tolist()
        found, begin = [], 0
        for end in self.ends:
            before, last = [row for row in rows[begin : end - 1] if row >= 0], rows[end - 1]
            begin = end
            if before and last >= 0 and last not in before:
                found.append((before, last))
        if not found:
            raise VectorsError(
                f"{self.name}: none of its {len(self.ends):,} sessions can be asked: a new item that is in the "
                "vocabulary, behind one at least that is there too; are they of the same items?"
            )
        return found


def read_sessions(path: str | os.PathLike[str]) -> NextItems:
    """Sessions as lines of items. VectorsError for what looks like analogy questions."""
    name = "<stdin>" if os.fspath(path) == "-" else os.fspath(path)
    asked = NextItems(name)
    for number, line in lines_of(path, VectorsError, 1 << 24):
        if line.startswith(b": "):
            raise VectorsError(
                f"{name}:{number}: these are analogy questions, not sessions; leave out {setting('sessions')}"
            )
        items = line.decode("utf-8", "surrogateescape").split()
        if items:
            asked.add(items)
    if not asked.ends:
        raise VectorsError(f"{name}: no sessions in it; each line is one, its items between spaces")
    return asked


def score_sessions(vectors: Vectors, asked: NextItems, topn: int = TOP, decay: float = 1.0) -> SessionScores:
    """The scores of vectors on sessions; VectorsError where none of them can be asked."""
    if topn < 1:
        raise SettingsError(f"{setting('topn')}: must be at least 1 (got {topn})")
    check_decay(decay)
    questions = asked.questions([vectors.words.find(word) for word in asked.words])
    scope, ranks = Scope(vectors), []
    shown = np.zeros(len(vectors), bool)
    for low in range(0, len(questions), QUERIES):
        before, last = zip(*questions[low : low + QUERIES], strict=True)
        rows, _ = nearest_rows(vectors, before, topn, scope, decay)
        shown[rows[rows >= 0]] = True
        ranks.append(np.nonzero(rows == np.array(last)[:, None])[1] + 1)
    rank = np.concatenate(ranks).astype(np.float64)
    count = len(questions)
    return SessionScores(
        asked.name,
        topn,
        len(rank),
        float((1 / np.log2(rank + 1)).sum() / count),
        float((1 / rank).sum() / count),
        float(shown.mean()),
        count,
        len(asked.ends) - count,
    )


def of_lists(sessions: Iterable[Iterable[Any]], name: str = "sessions") -> NextItems:
    """Sessions that are lists of items, which may be whole numbers."""
    asked = NextItems(name)
    for session in sessions:
        asked.add(
            item if isinstance(item, str) else item.decode() if isinstance(item, bytes) else str(item)
            for item in session
        )
    return asked
