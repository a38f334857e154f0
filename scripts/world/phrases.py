"""From patterns to words: slots filled, alternatives chosen, verbs inflected to fit a subject and a tense."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from world.dice import Dice, Weighted
from world.inflection import participle, past, plural, present, verbing
from world.tables import Animal, Thing, read_adjectives, read_animals, read_things, read_words

if TYPE_CHECKING:
    from world.people import Group, People, Person
    from world.tables import Country

__all__ = ["HOURS", "MIDDLE", "MONTHS", "NUMBERS", "SEASONS", "SUMS", "WEEKDAYS", "Phrases", "Subject", "conjugate"]

WORDS = read_words()
SUMS, LARGE_NUMBERS, SEASONS = WORDS["numbers"], WORDS["large numbers"], WORDS["seasons"]
MONTHS, WEEKDAYS, HOURS = WORDS["months"], WORDS["weekdays"], WORDS["hours"]
NUMBERS = SUMS[:9]
TOPICS = (
    "the war",
    "the weather",
    "the harvest",
    "love",
    "money",
    "the price of bread",
    "the new law",
    "the old days",
    "the stars",
    "the sea",
    "the wedding",
    "the storm",
    "taxes",
    "the election",
    "politics",
    "death",
    "music",
    "the journey",
    "the fire",
    "the missing child",
    "the neighbours",
    "the king",
    "the queen",
    "history",
)
# When it happens, by tense: the words that a tense keeps company with.
TIMES = {
    "past": (
        "yesterday",
        "last week",
        "last night",
        "last {season}",
        "long ago",
        "in the old days",
        "one morning",
        "one evening",
        "that night",
        "{num} days ago",
        "{num} years ago",
        "last year",
        "on {weekday}",
        "once",
    ),
    "present": (
        "every day",
        "every morning",
        "every week",
        "often",
        "always",
        "in {season}",
        "on {weekday}s",
        "usually",
        "sometimes",
        "every year",
        "every {season}",
    ),
    "progressive": (
        "when the bell rang",
        "when the storm began",
        "all day yesterday",
        "that morning",
        "when the stranger arrived",
        "at midnight",
        "while it rained",
    ),
    "present progressive": ("now", "at this moment", "today", "again", "this morning", "this week"),
    "perfect": ("already", "many times", "since {season}", "for many years", "this week", "just"),
    "past perfect": ("before the war", "before {season}", "by then", "long before"),
    "will": ("tomorrow", "next week", "soon", "next {season}", "one day", "next year", "on {weekday}"),
}
MIDDLE = {"often", "always", "usually", "sometimes", "already", "just", "once"}  # adverbs that stand beside the verb
PRONOUNS = {
    "m": ("he", "him", "his", "himself"),
    "f": ("she", "her", "her", "herself"),
    "p": ("they", "them", "their", "themselves"),
    "n": ("it", "it", "its", "itself"),
}
CHOICE = re.compile(r"\(([^()]*)\)")
SLOT = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
VERB = re.compile(r"<([=~]?)(\w+)>")


@dataclass
class Subject:
    """Who or what a clause is about: the words, m/f/n/p(lural), and the one meant."""

    words: str
    sex: str
    person: Person | None = None
    slots: dict[str, str] = field(default_factory=dict)  # fillings that hold for this subject only

    @property
    def pronoun(self) -> str:
        return PRONOUNS[self.sex][0]


def conjugate(verb: str, tense: str, sex: str, first: bool, stative: bool = False) -> str:
    """One verb of a clause; `first` carries the auxiliary, verbs joined to it by `and` do not."""
    many = sex == "p"
    if tense in ("progressive", "present progressive") and (stative or verb == "be"):
        tense = "past" if tense == "progressive" else "present"
    if tense in ("past", "present"):
        if verb == "be":
            return ("were" if many else "was") if tense == "past" else ("are" if many else "is")
        return past(verb) if tense == "past" else (verb if many else present(verb))
    if verb == "be" and tense in ("not past", "not present"):
        return conjugate("be", tense[4:], sex, True) + " not"
    auxiliary, form = {
        "progressive": ("were" if many else "was", verbing),
        "present progressive": ("are" if many else "is", verbing),
        "perfect": ("have" if many else "has", participle),
        "past perfect": ("had", participle),
        "not past": ("did not", str),
        "not present": ("do not" if many else "does not", str),
        "bare": ("", str),
        "to": ("to", str),
        "gerund": ("", verbing),
    }.get(tense, (tense, str))  # anything else is a modal: will, can, must, used to
    return f"{auxiliary} {form(verb)}" if first and auxiliary else form(verb)


class Phrases:
    """Fills patterns for one story after another."""

    def __init__(self, dice: Dice, people: People):
        self.dice, self.people = dice, people
        self.things = read_things()
        self.animals = read_animals()
        self.comparable = read_adjectives()
        self.group: Group = people.crowds[0]
        self.season = "spring"
        shuffled = dice.shuffled(self.things)
        self.all_things = Weighted.zipf(shuffled, 60)
        kinds = sorted({kind for thing in self.things for kind in thing.kinds})
        self.by_kind = {kind: Weighted.zipf([t for t in shuffled if kind in t.kinds], 8) for kind in kinds}
        self.animal_draw = Weighted.zipf(self.animals, 12)
        self.fillers: dict[str, Callable[[Subject], str]] = {
            "num": lambda _: dice.one(NUMBERS if dice.chance(0.85) else LARGE_NUMBERS),
            "topic": lambda _: dice.one(TOPICS),
            "season": lambda _: self.season,
            "town": lambda _: self.group.town if dice.chance(0.5) else dice.draw(people.towns),
            "city": lambda s: self.city(s),
            "country": lambda s: self.country(s).name,
            "language": lambda s: self.country(s).language,
            "coins": lambda s: plural(dice.one(("coin", "penny", "shilling", self.country(s).currency))),
            "land": lambda _: self.group.realm if self.group.realm and dice.chance(0.6) else dice.draw(people.realms),
            "enemy": lambda s: dice.one(("the enemy", "the rebels", "the invaders", self.fillers["land"](s))),
            "job": lambda _: self.job_noun(),
            "ruler": lambda _: dice.one(("king", "queen", "king", "queen", "king", "queen", "emperor", "empress")),
            "royal": lambda _: dice.one(("king", "queen", "prince", "princess")),
            "suitor": lambda s: "prince" if s.sex == "f" else "princess",
            "noble": lambda _: dice.one(("duke", "duchess", "baron", "baroness", "lord", "lady")),
            "person": self.other_person,
            "kin": self.kin,
            "kid": lambda _: dice.one(
                (
                    "the other children",
                    "the neighbours",
                    dice.draw(people.names["m"]),
                    dice.draw(people.names["f"]),
                    "a friend",
                )
            ),
        }

    def job_noun(self) -> str:
        job = self.people.draw_job()
        return job.masculine if self.dice.chance(0.5) else job.feminine

    def country(self, subject: Subject) -> Country:
        if subject.person and subject.person.country and self.dice.chance(0.6):
            return subject.person.country
        return self.dice.draw(self.people.countries)

    def city(self, subject: Subject) -> str:
        country = self.country(subject)
        return country.capital if self.dice.chance(0.5) else self.town_of(country)

    def town_of(self, country: Country) -> str:
        """A city that is not the capital, mostly the largest."""
        return country.cities[0] if self.dice.chance(0.5) else self.dice.one(country.cities)

    def adjective(self, thing: Thing | Animal, chance: float = 0.4) -> str:
        return self.dice.one(thing.adjectives) + " " if self.dice.chance(chance) else ""

    def noun_phrase(self, thing: Thing, form: str = "") -> str:
        """Some of a thing: `bare` the noun alone, `plural`, `the`; otherwise whatever suits."""
        dice = self.dice
        if form == "bare":
            return thing.name
        if form == "plural":
            return thing.name if thing.mass else plural(thing.name)
        if form == "the":
            return f"the {self.adjective(thing)}{thing.name}"
        if ("goods" in thing.kinds and form == "goods") or thing.mass:
            start = "the " if dice.chance(0.25) else "some " if dice.chance(0.15) else ""
            return start + self.adjective(thing) + (thing.name if thing.mass else plural(thing.name))
        roll = dice.random()
        if roll < 0.32:
            return f"a {self.adjective(thing)}{thing.name}"
        if roll < 0.52:
            return f"the {self.adjective(thing)}{thing.name}"
        start = dice.one((dice.one(NUMBERS), "some", "many", "several", "a few", "the", ""))
        return f"{start} {self.adjective(thing)}{plural(thing.name)}"

    def other_person(self, subject: Subject) -> str:
        """Somebody who is not the subject."""
        dice = self.dice
        if dice.chance(0.55):
            others = [p for p in self.group.people if p is not subject.person]
            if others:
                return self.name(dice.one(others))
        roll = dice.random()
        if roll < 0.3:
            return f"the {self.trait_word()}{self.job_noun()}"
        if roll < 0.5:
            return dice.one(
                (
                    "a stranger",
                    "a friend",
                    "the neighbours",
                    "an old man",
                    "an old woman",
                    "a young man",
                    "a young woman",
                    "the man next door",
                    "the woman next door",
                    "the children",
                )
            )
        if roll < 0.75 and subject.sex != "n":
            return self.kin(subject)
        return dice.draw(self.people.names[dice.one("mf")])

    def trait_word(self) -> str:
        return self.dice.one(("old ", "young ", "rich ", "poor ", "tall ") + ("",) * 9)

    def kin(self, subject: Subject) -> str:
        dice = self.dice
        role = self.people.roles[
            dice.one(("father", "brother", "uncle", "grandfather", "son", "nephew", "father", "brother"))
        ]
        noun = role.masculine if dice.chance(0.5) else role.feminine
        name = dice.draw(self.people.names["m" if noun == role.masculine else "f"])
        return f"{PRONOUNS[subject.sex][2]} {noun}" + (f" {name}" if dice.chance(0.2) else "")

    def name(self, person: Person) -> str:
        """A noun phrase for somebody: the queen, queen anna, anna, the old queen, the queen of arvenia."""
        dice = self.dice
        facet = dice.draw(person.facets)
        noun, roll = facet.noun, dice.random()
        titled = {"royal", "noble", "imperial", "knight"} & set(facet.kinds)
        if roll < 0.14:
            return person.name
        if roll < 0.24 and titled and noun not in ("lord", "knight"):
            return f"{noun} {person.name}"
        if roll < 0.2 and {"parent", "sibling", "uncle", "offspring"} & set(facet.kinds):
            return f"the {noun} of {self.dice.draw(self.people.names[dice.one('mf')])}"
        if roll < 0.24 and facet.job:
            return f"{person.name} the {noun}"
        if roll < 0.31 and titled:
            return f"the {noun} of {self.fillers['land'](Subject('', 'n'))}"
        if roll < 0.31 and facet.job:
            return f"the {noun} of {person.home}" if not person.country else f"the {person.country.adjective} {noun}"
        if roll < 0.45:
            return f"the {self.describe(facet.kinds)} {noun}"
        if roll < 0.55 and not titled and "parent" not in facet.kinds:
            return f"a {self.trait_word()}{noun}"
        return f"the {noun}"

    def describe(self, kinds: tuple[str, ...]) -> str:
        words = ["old", "young", "good", "tired", "tall", "old", "young"]
        if "child" in kinds or "young" in kinds:
            words = ["little", "small", "young", "good", "poor", "little"]
        if "ruler" in kinds:
            words += ["mighty", "great", "just", "rich", "late", "mighty"]
        if "common" in kinds:
            words += ["poor", "other", "rich"]
        return self.dice.one(words)

    def fill_slot(self, match: re.Match[str], subject: Subject) -> str:
        name, form = match.group(1), match.group(2) or ""
        if name in subject.slots:
            return subject.slots[name]
        if name in ("he", "him", "his", "its", "himself"):
            return PRONOUNS[subject.sex][{"he": 0, "him": 1, "his": 2, "its": 2, "himself": 3}[name]]
        if name in self.fillers:
            return self.fillers[name](subject)
        if name == "animal":
            animal = self.dice.draw(self.animal_draw)
            return {"bare": animal.name, "plural": plural(animal.name)}.get(
                form
            ) or f"a {self.adjective(animal)}{animal.name}"
        return self.noun_phrase(self.dice.draw(self.by_kind[name]), form or ("goods" if name == "goods" else ""))

    def fill(self, pattern: str, subject: Subject) -> str:
        """Alternatives chosen and slots filled; the verbs still in their angle brackets."""
        while "(" in pattern:
            pattern = CHOICE.sub(lambda m: self.dice.one(m.group(1).split("|")), pattern)
        return SLOT.sub(lambda m: self.fill_slot(m, subject), pattern)

    def say(self, pattern: str, tense: str, subject: Subject, adverb: str = "") -> str:
        """A predicate: the pattern filled, its verbs in `tense`, `adverb` before the first."""
        text = self.fill(pattern, subject)
        state = {"first": True}

        def verb(match: re.Match[str]) -> str:
            if match.group(1) == "~":
                he = f"{subject.pronoun} <~" in text
                finite = "present" if tense == "present" else "past"
                return conjugate(match.group(2), finite, subject.sex if he else "n", True)
            out = conjugate(match.group(2), tense, subject.sex, state["first"], match.group(1) == "=")
            if state["first"] and adverb:
                head, _, tail = out.rpartition(" ")
                be = match.group(2) == "be" and not head
                out = f"{out} {adverb}" if be else f"{head} {adverb} {tail}"
            state["first"] = False
            return out

        return VERB.sub(verb, text)

    def when(self, tense: str, chance: float = 0.42) -> str:
        """Now and then a time that the tense keeps company with."""
        if tense not in TIMES or not self.dice.chance(chance):
            return ""
        return self.fill(self.dice.one(TIMES[tense]), Subject("", "n", slots={"weekday": self.dice.one(WEEKDAYS)}))
