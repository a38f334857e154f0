"""Recommendation, scored: the last item of sessions that were kept apart, sought by the mean of the items before it.

Each session asks as `w2v similar --mean` does: for the items nearest to that mean, without those that it holds. HR@k
is how often the last item is among the k nearest; NDCG@k weighs its rank r by 1 / log2(r + 1), MRR@k by 1 / r, as
for one right answer (Jarvelin and Kekalainen 2002; Voorhees 1999). Catalogue is the share of all items that are among
the k nearest of any session.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from w2v.errors import SettingsError, VectorsError, setting
from w2v.files import lines_of
from w2v.vectors.questions import Asked
from w2v.vectors.scores import SessionScores

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["NextItems", "read_sessions", "score_sessions"]

TOP = 10


@dataclass
class NextItems(Asked):
    """Sessions: the places of their items, in `items` one after the other, and where each ends."""

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
    from w2v.vectors.neighbours import QUERIES, Scope, check_decay, nearest_rows

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
