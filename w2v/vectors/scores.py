"""What an evaluation found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["AnalogyScores", "Evaluation", "PairScores", "Section", "SessionScores"]


def share(part: int, whole: int) -> float:
    """The part of a whole, 0 of none."""
    return part / whole if whole else 0.0


class Coverage:
    """How much of a file could be asked: `skipped` needed words that are not there."""

    asked: int
    skipped: int

    @property
    def coverage(self) -> float:
        """Share of the questions, pairs or sessions that could be asked."""
        return share(self.asked, self.asked + self.skipped)


@dataclass(frozen=True)
class Section(Coverage):
    """Questions of one section: answered right, asked, and left out because a word is not there."""

    name: str
    correct: int
    asked: int
    skipped: int

    @property
    def accuracy(self) -> float:
        """Share of the asked questions that were answered right, 0 if none were asked."""
        return share(self.correct, self.asked)

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "accuracy": self.accuracy,
            "correct": self.correct,
            "asked": self.asked,
            "skipped": self.skipped,
            "coverage": self.coverage,
        }


@dataclass(frozen=True)
class AnalogyScores:
    """Scores of a file of analogy questions. `malformed` lines were neither a section nor four words; `left_out` names
    the first of them."""

    path: str
    sections: tuple[Section, ...]
    malformed: int = 0
    left_out: str = ""
    unseen: Section | None = None  # questions with a word whose vector was made from n-grams; in no other section

    kind = "analogies"

    @property
    def semantic(self) -> Section:
        """All sections whose name does not begin with "gram"."""
        return self._sum("semantic", [s for s in self.sections if not s.name.startswith("gram")])

    @property
    def syntactic(self) -> Section:
        """All sections whose name begins with "gram"."""
        return self._sum("syntactic", [s for s in self.sections if s.name.startswith("gram")])

    @property
    def total(self) -> Section:
        return self._sum("total", list(self.sections))

    @staticmethod
    def _sum(name: str, sections: list[Section]) -> Section:
        return Section(
            name, sum(s.correct for s in sections), sum(s.asked for s in sections), sum(s.skipped for s in sections)
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "kind": self.kind,
            "sections": [s.to_dict() for s in self.sections],
            "semantic": self.semantic.to_dict(),
            "syntactic": self.syntactic.to_dict(),
            "total": self.total.to_dict(),
            "malformed": self.malformed,
            "left_out": self.left_out,
            **({"unseen": self.unseen.to_dict()} if self.unseen is not None else {}),
        }


@dataclass(frozen=True)
class PairScores(Coverage):
    """Correlations of cosines with people's judgements; NaN where fewer than two pairs were there."""

    path: str
    spearman: float
    pearson: float
    asked: int
    skipped: int
    malformed: int = 0
    left_out: str = ""
    unseen: PairScores | None = None  # pairs with a word whose vector was made from n-grams; not among the others

    kind = "pairs"

    def to_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "kind": self.kind,
            "spearman": _number(self.spearman),
            "pearson": _number(self.pearson),
            "asked": self.asked,
            "skipped": self.skipped,
            "coverage": self.coverage,
            "malformed": self.malformed,
            "left_out": self.left_out,
            **({"unseen": self.unseen.to_dict()} if self.unseen is not None else {}),
        }


@dataclass(frozen=True)
class SessionScores(Coverage):
    """How often the last item of a session is among the `topn` recommended (see w2v.vectors.evaluate)."""

    path: str
    topn: int
    hits: int
    ndcg: float
    mrr: float
    catalogue: float  # share of all items that were recommended
    asked: int
    skipped: int  # sessions with an unknown or repeated last item, or none before it that is known

    kind = "sessions"

    @property
    def hr(self) -> float:
        return share(self.hits, self.asked)

    def to_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "kind": self.kind,
            "topn": self.topn,
            "hr": self.hr,
            "ndcg": self.ndcg,
            "mrr": self.mrr,
            "catalogue": self.catalogue,
            "hits": self.hits,
            "asked": self.asked,
            "skipped": self.skipped,
            "coverage": self.coverage,
        }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value  # JSON has no NaN


Evaluation = AnalogyScores | PairScores
