"""What a look at a file found: facts, notes and faults, the same for vectors and for a corpus.

A fault loses or spoils data: it makes the file fail the check. A note is worth knowing and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["FACT", "FAULT", "NOTE", "SHOWN", "Finding", "Report", "Tally"]

FACT, NOTE, FAULT = "fact", "note", "fault"
SHOWN = 3  # places that a finding names


@dataclass(frozen=True)
class Finding:
    """One thing that was found: what (a few words), how much or how many, the first places, what it means."""

    level: str
    what: str
    value: int | float | str
    where: str = ""
    meaning: str = ""


@dataclass
class Report:
    """All that was found in one file; `kind` is "vectors", "corpus" or "unknown"."""

    name: str
    kind: str
    findings: list[Finding] = field(default_factory=list)

    def add(self, level: str, what: str, value: int | float | str, where: str = "", meaning: str = "") -> None:
        self.findings.append(Finding(level, what, value, where, meaning))

    @property
    def faults(self) -> list[Finding]:
        return [f for f in self.findings if f.level == FAULT]

    @property
    def notes(self) -> list[Finding]:
        return [f for f in self.findings if f.level == NOTE]

    @property
    def facts(self) -> dict[str, int | float | str]:
        return {f.what: f.value for f in self.findings if f.level == FACT}

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the facts by name, notes and faults as lists of objects."""

        def listed(findings: list[Finding]) -> list[dict[str, Any]]:
            return [{"what": f.what, "value": f.value, "where": f.where, "meaning": f.meaning} for f in findings]

        return {
            "file": self.name,
            "kind": self.kind,
            "ok": not self.faults,
            "facts": self.facts,
            "faults": listed(self.faults),
            "notes": listed(self.notes),
        }


@dataclass
class Tally:
    """How often something was found, and the first places."""

    count: int = 0
    places: list[str] = field(default_factory=list)

    def add(self, place: str = "", count: int = 1) -> None:
        self.count += count
        if place and len(self.places) < SHOWN:
            self.places.append(place)

    @property
    def where(self) -> str:
        return ", ".join(self.places) + (", ..." if self.places and self.count > len(self.places) else "")
