"""Sentences about people: many constructions over the same simulated cast."""

from __future__ import annotations

import re

from world.dice import Dice, Weighted
from world.inflection import plural
from world.people import Group, Person
from world.phrases import MIDDLE, SEASONS, Phrases, Subject, conjugate
from world.tables import Job, read_patterns
from world.traits import TraitSentences

__all__ = ["PeopleSentences"]

TENSE_WEIGHTS = {
    "past": 46, "present": 17, "progressive": 6, "present progressive": 5, "perfect": 5, "past perfect": 4, "will": 6,
    "not past": 3, "not present": 2, "can": 2, "must": 2, "could": 1, "used to": 2, "would": 1, "should": 1,
}  # fmt: skip
TENSES = Weighted(list(TENSE_WEIGHTS), list(TENSE_WEIGHTS.values()))
# Patterns that would read oddly with a subject in the plural, in the progressive, or as something one decides to do.
PLURAL_UNFIT = re.compile(
    r"\{himself\}|\{his\} (?:own|wife|husband)|<be> (?:a|an|the|born|next|locked|crowned|\()|wife|husband|<become>"
    r"|birth|<~|beard and|a (?:deep|high)"
)
PROGRESSIVE_UNFIT = re.compile(r"<(?:be|own|belong|inherit|fall|forget|lose|find|miss)>")
STATE = re.compile(
    r"^<(?:=\w+|be|hope|belong|own|live|have|grow|look|come|fear|feel|inherit|become|find|lose|forget|miss|fall)>"
)
# A predicate that already tells when.
TIMED = re.compile(
    r"\b(?:in (?:spring|summer|autumn|winter|the evening|the middle|old age)|before|after|until"
    r"|at (?:night|noon|dawn|dusk|once)|all (?:day|night)"
    r"|every|late|early|on (?:sunday|saturday|monday)|for ever|since|when|for \w+ years|last)\b"
)
PLACED = re.compile(r" (?:in|at|into|across|to|through|near|round|down|from|under|over|on) ")

Who = tuple[Subject, tuple[str, ...], Job | None]  # a subject, the kinds of doing that suit its name, its job


class PeopleSentences:
    """Makes sentences about the people of `phrases.group`."""

    def __init__(self, dice: Dice, phrases: Phrases):
        self.dice, self.phrases = dice, phrases
        self.traits = TraitSentences(dice, phrases)
        doings = {kind: dice.shuffled(patterns) for kind, patterns in read_patterns("doings").items()}
        self.draws = {kind: Weighted.zipf(patterns, 25) for kind, patterns in doings.items()}
        fit = {kind: [p for p in patterns if not PLURAL_UNFIT.search(p)] for kind, patterns in doings.items()}
        self.plural_draws = {kind: Weighted.zipf(patterns, 25) for kind, patterns in fit.items() if patterns}
        weights = {
            self.plain: 26, self.joined: 9, self.subordinate: 12, self.relative: 7, self.gerund: 7, self.infinitive: 10,
            self.reported: 8, self.condition: 4, self.cleft: 4, self.several: 9, self.question: 2, self.trait: 24,
            self.pronoun_only: 8, self.sequence: 6,
        }  # fmt: skip
        self.makers = Weighted(list(weights), list(weights.values()))

    # who

    def someone(self, person: Person | None = None) -> Who:
        """Somebody of the group, named in one of the ways that suit."""
        dice = self.dice
        person = person or dice.one(self.phrases.group.people)
        facet = dice.draw(person.facets)
        single = Person(person.sex, person.name, person.home, Weighted([facet], [1.0]), person.country, person.realm)
        return Subject(self.phrases.name(single), person.sex, person), facet.kinds, facet.job

    def two(self) -> tuple[Who, Who]:
        """Two different people, ready to be subjects."""
        one, other = self.dice.some(self.phrases.group.people, 2)
        return self.someone(one), self.someone(other)

    def doing(self, kinds: tuple[str, ...], job: Job | None, many: bool = False) -> str:
        """A pattern that suits one of the kinds."""
        dice, draws = self.dice, self.plural_draws if many else self.draws
        if job and dice.chance(0.5):
            doing = dice.one(job.doings)
            placed = PLACED.search(doing) or job.place in doing
            return doing if placed or dice.chance(0.5) else f"{doing} in the {job.place}"
        gender = "male" if "male" in kinds else "female" if "female" in kinds else ""
        if gender and ("child" in kinds or "grandchild" in kinds):
            gender = "boy" if gender == "male" else "girl"
        rest = [kind for kind in kinds if kind not in ("male", "female") and kind in draws]
        roll = dice.random()
        if gender and roll < 0.22:
            return dice.draw(draws[gender])
        if rest and roll < 0.68:
            return dice.draw(draws[dice.one(rest)])
        return dice.draw(draws["any"])

    def act(self, who: Who, free: bool = False) -> str:
        """A pattern for this subject; `free` asks for something that one decides to do."""
        for _ in range(4):
            pattern = self.doing(who[1], who[2], who[0].sex == "p")
            if not (free and STATE.match(pattern)):
                break
        return pattern

    # when

    def tense(self, pattern: str) -> str:
        tense = self.dice.draw(TENSES)
        if "progressive" in tense and PROGRESSIVE_UNFIT.search(pattern):
            return "past"
        if STATE.match(pattern) and not tense.endswith(("past", "present")):
            return "past"
        return tense

    def clause(self, subject: Subject, pattern: str, tense: str, when: str = "") -> str:
        """Subject, predicate and time in one of their orders."""
        if when in MIDDLE:
            return f"{subject.words} {self.phrases.say(pattern, tense, subject, when)}"
        if not when and self.dice.chance(0.03) and tense in ("past", "present"):
            return f"{subject.words} {self.phrases.say(pattern, tense, subject, 'never')}"
        text = f"{subject.words} {self.phrases.say(pattern, tense, subject)}"
        if not when or TIMED.search(text):
            return text
        front = self.dice.chance(0.55) and not when.startswith("when") and when not in ("again", "just")
        return f"{when} {text}" if front else f"{text} {when}"

    def they(self, subject: Subject) -> Subject:
        """The same one, called by a pronoun."""
        return Subject(subject.pronoun, subject.sex, subject.person, subject.slots)

    # constructions

    def plain(self) -> str:
        who = self.someone()
        pattern = self.act(who)
        tense = self.tense(pattern)
        return self.clause(who[0], pattern, tense, self.phrases.when(tense))

    def joined(self) -> str:
        who = self.someone()
        first, second = self.act(who, True), self.act(who, True)
        tense = self.dice.one(("past", "past", "present", "will"))
        link = self.dice.one(("and", "and then", "but", "and"))
        rest = self.phrases.say(second, tense, who[0])
        if self.dice.chance(0.5):
            rest = f"{who[0].pronoun} {rest}"
        elif tense == "will":
            rest = self.phrases.say(second, "bare", who[0])
        return f"{self.clause(who[0], first, tense, self.phrases.when(tense, 0.2))} {link} {rest}"

    def subordinate(self) -> str:
        who, other = self.two()
        word = self.dice.one(
            ("when", "while", "because", "before", "after", "until", "although", "as soon as", "whenever")
        )
        tense = "present" if word == "whenever" or self.dice.chance(0.25) else "past"
        same = self.dice.chance(0.6)
        subject = self.they(who[0]) if same else other[0]
        pattern = self.act(who if same else other)
        inner = (
            "progressive" if word == "while" and tense == "past" and not PROGRESSIVE_UNFIT.search(pattern) else tense
        )
        if self.dice.chance(0.5):
            opener = f"{word} {who[0].words} {self.phrases.say(self.act(who), inner, who[0])}"
            return f"{opener} {subject.words} {self.phrases.say(pattern, tense, subject)}"
        main = self.clause(who[0], self.act(who), tense)
        return f"{main} {word} {subject.words} {self.phrases.say(pattern, inner, subject)}"

    def relative(self) -> str:
        who, other = self.two()
        subject = who[0]
        tense = self.dice.one(("past", "past", "present"))
        main, inner = self.act(who), self.act(who)
        if self.dice.chance(0.6):
            inner = self.phrases.say(inner, tense, subject)
            return f"{subject.words} who {inner} {self.phrases.say(main, tense, subject)}"
        verb = self.dice.one(("see", "meet", "know", "visit", "help", "follow", "remember", "love", "marry", "thank"))
        if verb == "marry" and other[0].sex == subject.sex:
            verb = "meet"
        seen = conjugate(verb, tense, other[0].sex, True)
        return f"{other[0].words} {seen} {subject.words} who {self.phrases.say(inner, tense, subject)}"

    def gerund(self) -> str:
        who = self.someone()
        subject, main = who[0], self.act(who)
        doing = self.phrases.say(self.act(who, True), "gerund", subject)
        if doing.startswith("being") or self.dice.chance(0.45):
            word = self.dice.one(("after", "before", "without", "instead of"))
            return f"{word} {doing} {subject.words} {self.phrases.say(main, 'past', subject)}"
        verb, tense = self.dice.one(
            (
                ("enjoy", "present"),
                ("stop", "past"),
                ("begin", "past"),
                ("<be> fond of", "present"),
                ("<be> good at", "present"),
                ("<be> tired of", "past"),
                ("dream of", "past"),
                ("insist on", "past"),
                ("hate", "present"),
                ("keep", "past"),
            )
        )
        verb = verb if verb.startswith("<") else re.sub(r"^(\w+)", r"<\1>", verb)
        return f"{subject.words} {self.phrases.say(verb, tense, subject)} {doing}"

    def infinitive(self) -> str:
        who, other = self.two()
        subject = who[0]
        tense = self.dice.one(("past", "past", "past", "present"))
        if self.dice.chance(0.6):
            verb = self.dice.one(
                (
                    "want",
                    "hope",
                    "try",
                    "decide",
                    "refuse",
                    "learn",
                    "promise",
                    "begin",
                    "plan",
                    "agree",
                    "forget",
                    "prepare",
                    "intend",
                )
            )
            lead = conjugate(verb, tense, subject.sex, True)
            return f"{subject.words} {lead} {self.phrases.say(self.act(who, True), 'to', subject)}"
        verb = self.dice.one(("ask", "tell", "order", "beg", "help", "allow", "teach", "persuade", "want", "advise"))
        lead = conjugate(verb, tense, subject.sex, True)
        return f"{subject.words} {lead} {other[0].words} {self.phrases.say(self.act(other, True), 'to', other[0])}"

    def reported(self) -> str:
        who, other = self.two()
        said = self.dice.one(
            ("said", "thought", "heard", "knew", "wrote", "believed", "told everybody", "feared", "hoped")
        )
        inner = other[0]
        if self.dice.chance(0.5):
            other, inner = who, self.they(who[0])
        tense = self.dice.one(("past", "past perfect", "would"))
        that = "" if said in ("said", "thought", "knew") and self.dice.chance(0.2) else "that "
        return f"{who[0].words} {said} {that}{inner.words} {self.phrases.say(self.act(other), tense, inner)}"

    def condition(self) -> str:
        who, other = self.two()
        if self.dice.chance(0.5):
            first, second = "present", "will"
        else:
            first, second = "past", "would"
        subject = self.they(who[0]) if self.dice.chance(0.5) else other[0]
        then = self.phrases.say(self.act(who if subject.person is who[0].person else other, True), second, subject)
        return f"if {who[0].words} {self.phrases.say(self.act(who), first, who[0])} {subject.words} {then}"

    def cleft(self) -> str:
        who = self.someone()
        text = self.phrases.say(self.act(who), "past", who[0])
        noun = who[0].words.split(" ", 1)
        if noun[0] in ("the", "a") and " of " not in who[0].words and self.dice.chance(0.6):
            opener = self.dice.one(
                ("there was once a", "once upon a time there was a", "in {town} there lived a", "in {land} there was a")
            )
            return f"{self.phrases.fill(opener, who[0])} {noun[1]} who {text}"
        return f"it was {who[0].words} who {text}"

    def several(self) -> str:
        """Plural subjects: pairs from the cast, or many of a kind."""
        dice = self.dice
        if dice.chance(0.62):
            one, two = dice.some(self.phrases.group.people, 2)
            a, b = self.someone(one), self.someone(two)
            shared = tuple(kind for kind in a[1] if kind in b[1])
            words = f"{'both ' if dice.chance(0.15) else ''}{a[0].words} and {b[0].words}"
        else:
            person = dice.one(self.phrases.group.people)
            facet = dice.draw(person.facets)
            shared = facet.kinds
            number = dice.one(("two", "three", "four", "many", "some", "all the", "the", "few", "several", "most"))
            words = f"{number} {plural(facet.noun)}"
        pattern = self.doing(shared, None, many=True)
        tense = self.tense(pattern)
        return self.clause(Subject(words, "p"), pattern, tense, self.phrases.when(tense))

    def question(self) -> str:
        who = self.someone()
        text = self.phrases.say(self.act(who, True), "bare", who[0])
        if text.startswith("be "):
            return f"who {self.phrases.say('<be>', 'past', who[0])} {text[3:]}"
        return (
            f"{self.dice.one(('why did', 'did', 'when did', 'where did', 'why will', 'how can'))} {who[0].words} {text}"
        )

    def pronoun_only(self) -> str:
        who = self.someone()
        subject = self.they(who[0])
        pattern = self.act(who)
        tense = self.tense(pattern)
        return self.clause(subject, pattern, tense, self.phrases.when(tense))

    def sequence(self) -> str:
        who = self.someone()
        patterns = sorted({self.act(who, True) for _ in range(3)})  # a set, so that nothing is done twice
        acts = [self.phrases.say(pattern, "past", who[0]) for pattern in self.dice.shuffled(patterns)]
        if len(acts) < 3:
            return f"{who[0].words} {' and then '.join(acts)}"
        return f"first {who[0].words} {acts[0]} then {who[0].pronoun} {acts[1]} and at last {who[0].pronoun} {acts[2]}"

    def trait(self) -> str:
        one, other = self.two()
        return self.traits.sentence(one[0], other[0])

    def story(self, group: Group, length: int) -> list[str]:
        """`length` sentences about one group of people."""
        self.phrases.group = group
        self.phrases.season = self.dice.one(SEASONS)
        return [self.dice.draw(self.makers)() for _ in range(length)]
