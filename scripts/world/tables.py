"""The hand-written tables in lexicon/, read into records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Animal",
    "Country",
    "Job",
    "Role",
    "Thing",
    "Trait",
    "read_adjectives",
    "read_animals",
    "read_countries",
    "read_irregular_verbs",
    "read_jobs",
    "read_names",
    "read_patterns",
    "read_roles",
    "read_things",
    "read_traits",
    "read_words",
]

LEXICON = Path(__file__).resolve().parent / "lexicon"


@dataclass(frozen=True)
class Country:
    name: str
    capital: str
    adjective: str
    language: str
    currency: str
    region: str
    cities: tuple[str, ...]
    waters: tuple[str, ...]  # rivers, lakes, mountains
    products: tuple[str, ...]
    neighbours: tuple[str, ...]


@dataclass(frozen=True)
class Animal:
    name: str
    young: str
    sound: str
    home: str
    food: tuple[str, ...]
    sexes: tuple[str, ...]  # male, female
    kinds: tuple[str, ...]
    size: int
    adjectives: tuple[str, ...]
    uses: tuple[str, ...]  # verb:object


@dataclass(frozen=True)
class Job:
    masculine: str
    feminine: str
    place: str
    products: tuple[str, ...]
    tools: tuple[str, ...]
    doings: tuple[str, ...]


@dataclass(frozen=True)
class Role:
    masculine: str
    feminine: str
    plurals: tuple[str, ...]
    kinds: frozenset[str]
    weight: float


@dataclass(frozen=True)
class Trait:
    name: str
    opposite: str
    shown: tuple[str, ...]
    shown_opposite: tuple[str, ...]


@dataclass(frozen=True)
class Thing:
    name: str
    mass: bool
    kinds: tuple[str, ...]
    adjectives: tuple[str, ...]
    verbs: tuple[str, ...]
    companions: tuple[str, ...]


def rows(name: str) -> Iterator[list[str]]:
    """The lines of a table without comments, split at its bars."""
    with open(LEXICON / f"{name}.txt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                yield [field.strip() for field in line.rstrip("\n").split(" | ")]


def split(field: str, separator: str | None = None) -> tuple[str, ...]:
    return tuple(part.strip() for part in field.split(separator) if part.strip())


def read_countries() -> list[Country]:
    return [Country(*row[:6], *(split(field) for field in row[6:])) for row in rows("countries")]


def read_animals() -> list[Animal]:
    table = []
    with open(LEXICON / "animals.txt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("#"):
                continue
            f = [field.strip() for field in line.rstrip("\n").split("|")]
            table.append(
                Animal(
                    f[0],
                    f[1],
                    f[2],
                    f[3],
                    split(f[4]),
                    split(f[5]),
                    split(f[6]),
                    int(f[7]),
                    split(f[8]),
                    split(f[9], ","),
                )
            )
    return table


def read_jobs() -> list[Job]:
    jobs = []
    for name, place, products, tools, doings in rows_of_jobs():
        masculine, _, feminine = name.partition("/")
        jobs.append(Job(masculine, feminine or masculine, place, split(products), split(tools), split(doings, " ; ")))
    return jobs


def rows_of_jobs() -> Iterator[list[str]]:
    """Bars in the last column belong to the patterns."""
    with open(LEXICON / "jobs.txt", encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                yield [field.strip() for field in line.rstrip("\n").split(" | ", 4)]


def read_roles() -> list[Role]:
    return [
        Role(m, f, split(plurals), frozenset(split(kinds)), float(weight))
        for m, f, plurals, kinds, weight in rows("roles")
    ]


def read_traits() -> list[Trait]:
    table = []
    with open(LEXICON / "traits.txt", encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                name, opposite, shown, other = (field.strip() for field in line.rstrip("\n").split("|"))
                table.append(Trait(name, opposite, split(shown, ";"), split(other, ";") if other != "-" else ()))
    return table


def read_things() -> list[Thing]:
    return [Thing(name.rstrip("*"), name.endswith("*"), *map(split, fields)) for name, *fields in rows("things")]


def read_adjectives() -> dict[str, str]:
    """Adjectives that take -er and -est -> their opposite or ""."""
    return {name: opposite.replace("-", "") for name, opposite in rows("adjectives")}


def read_patterns(name: str) -> dict[str, list[str]]:
    """`[heading]` -> the lines under it."""
    patterns: dict[str, list[str]] = {}
    heading = ""
    with open(LEXICON / f"{name}.txt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("["):
                heading = line.strip()[1:-1]
                patterns[heading] = []
            elif line.strip() and not line.startswith("#"):
                patterns[heading].append(line.strip())
    return patterns


def read_words() -> dict[str, list[str]]:
    """`[heading]` -> the words under it."""
    return {heading: " ".join(lines).split() for heading, lines in read_patterns("words").items()}


def read_names() -> tuple[list[str], list[str]]:
    """First names of men and of women, the commonest first."""
    with open(LEXICON / "names.txt", encoding="utf-8") as lines:
        men, women = (line.split() for line in lines if not line.startswith("#"))
    return men, women


def read_irregular_verbs() -> dict[str, tuple[str, str]]:
    """Base form -> past, participle."""
    with open(LEXICON / "verbs.txt", encoding="utf-8") as lines:
        text = " ".join(line for line in lines if not line.startswith("#"))
    return {base: (past, participle) for base, past, participle in (entry.split() for entry in text.split(";"))}
