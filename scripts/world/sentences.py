"""Sentences about people: many constructions over the same simulated cast."""

from __future__ import annotations

import re

from world.dice import Dice, Weighted
from world.inflection import adverb as to_adverb
from world.inflection import comparative, plural, superlative
from world.people import Group, Person
from world.phrases import Phrases, Subject, conjugate
from world.tables import read_patterns, read_traits

__all__ = ["PeopleSentences"]

# When it happens, by tense: the words that a tense keeps company with.
TIMES = {
    "past": ("yesterday", "last week", "last night", "last {season}", "long ago", "in the old days", "one morning",
             "one evening", "that night", "{num} days ago", "{num} years ago", "last year", "on {weekday}", "once"),
    "present": ("every day", "every morning", "every week", "often", "always", "in {season}", "on {weekday}s", "usually",
                "sometimes", "every year", "every {season}"),
    "progressive": ("when the bell rang", "when the storm began", "all day yesterday", "that morning",
                    "when the stranger arrived", "at midnight", "while it rained"),
    "present progressive": ("now", "at this moment", "today", "again", "this morning", "this week"),
    "perfect": ("already", "many times", "since {season}", "for many years", "this week", "just"),
    "past perfect": ("before the war", "before {season}", "by then", "long before"),
    "will": ("tomorrow", "next week", "soon", "next {season}", "one day", "next year", "on {weekday}"),
}  # fmt: skip
MIDDLE = {"often", "always", "usually", "sometimes", "already", "just", "once"}  # adverbs that stand beside the verb
TENSES = Weighted(
    ["past", "present", "progressive", "present progressive", "perfect", "past perfect", "will", "not past", "not present",
     "can", "must", "could", "used to", "would", "should"],
    [46, 17, 6, 5, 5, 4, 6, 3, 2, 2, 2, 1, 2, 1, 1],
)  # fmt: skip
PLURAL_UNFIT = re.compile(r"\{himself\}|\{his\} (?:own|wife|husband)|<be> (?:a|an|the|born|next|locked|be|crowned|\()|wife|husband"
                          r"|<become>|birth|<~|beard and|a (?:deep|high)")  # fmt: skip
PROGRESSIVE_UNFIT = re.compile(r"<(?:be|own|belong|inherit|fall|forget|lose|find|miss)>")
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()


class PeopleSentences:
    """Makes sentences about the people of `phrases.group`."""

    def __init__(self, dice: Dice, phrases: Phrases):
        self.dice, self.phrases = dice, phrases
        self.doings = read_patterns("doings")
        self.traits = Weighted.zipf(dice.shuffled(read_traits()), 20)
        for patterns in self.doings.values():
            patterns[:] = dice.shuffled(patterns)
        self.draws = {kind: Weighted.zipf(patterns, 25) for kind, patterns in self.doings.items()}
        fit = {kind: [p for p in patterns if not PLURAL_UNFIT.search(p)] for kind, patterns in self.doings.items()}
        self.plural_draws = {kind: Weighted.zipf(patterns, 25) for kind, patterns in fit.items() if patterns}
        self.makers = Weighted(
            [self.plain, self.joined, self.subordinate, self.relative, self.gerund, self.infinitive, self.reported,
             self.condition, self.cleft, self.several, self.question, self.trait, self.pronoun_only, self.sequence],
            [26, 9, 12, 7, 7, 10, 8, 4, 4, 9, 2, 12, 8, 6],
        )  # fmt: skip

    # who

    def someone(self, person: Person | None = None) -> tuple[Subject, tuple[str, ...], object]:
        """A subject, the kinds of doing that suit the way it is named, and its job."""
        dice = self.dice
        person = person or dice.one(self.phrases.group.people)
        facet = dice.draw(person.facets)
        single = Person(person.sex, person.name, person.home, Weighted([facet], [1.0]), person.country, person.realm)
        return Subject(self.phrases.name(single), person.sex, person), facet.kinds, facet.job

    def two(self) -> tuple[tuple, tuple]:
        """Two different people, ready to be subjects."""
        one, other = self.dice.some(self.phrases.group.people, 2)
        return self.someone(one), self.someone(other)

    def doing(self, kinds: tuple[str, ...], job: object, many: bool = False) -> str:
        """A pattern that suits one of the kinds."""
        dice, draws = self.dice, self.plural_draws if many else self.draws
        if job and dice.chance(0.5):
            return dice.one(job.doings)
        gender = "male" if "male" in kinds else "female"
        rest = [kind for kind in kinds if kind not in ("male", "female") and kind in draws]
        roll = dice.random()
        if roll < 0.22 and gender in kinds or job and roll < 0.2:
            return dice.draw(draws[gender]) if gender in kinds else dice.draw(draws["any"])
        if rest and roll < 0.68:
            return dice.draw(draws[dice.one(rest)])
        return dice.draw(draws["any"])

    def act(self, who: tuple[Subject, tuple[str, ...], object]) -> str:
        return self.doing(who[1], who[2], who[0].sex == "p")

    # when

    def tense(self, pattern: str) -> str:
        tense = self.dice.draw(TENSES)
        if "progressive" in tense and PROGRESSIVE_UNFIT.search(pattern):
            return "past"
        return tense

    def when(self, tense: str, chance: float = 0.42) -> str:
        if tense not in TIMES or not self.dice.chance(chance):
            return ""
        return self.timed(self.dice.one(TIMES[tense]))

    def timed(self, words: str) -> str:
        words = words.replace("{weekday}", self.dice.one(WEEKDAYS))
        return self.phrases.fill(words, Subject("", "n"))

    def clause(self, subject: Subject, pattern: str, tense: str, when: str = "") -> str:
        """Subject, predicate and time in one of their orders."""
        if when in MIDDLE:
            return f"{subject.words} {self.phrases.say(pattern, tense, subject, when)}"
        if not when and self.dice.chance(0.03) and tense in ("past", "present"):
            return f"{subject.words} {self.phrases.say(pattern, tense, subject, 'never')}"
        text = f"{subject.words} {self.phrases.say(pattern, tense, subject)}"
        if not when:
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
        return self.clause(who[0], pattern, tense, self.when(tense))

    def joined(self) -> str:
        who = self.someone()
        first, second = self.act(who), self.act(who)
        tense = self.dice.one(("past", "past", "present", "will"))
        link = self.dice.one(("and", "and then", "but", "and"))
        rest = self.phrases.say(second, tense, who[0])
        if self.dice.chance(0.5):
            rest = f"{who[0].pronoun} {rest}"
        elif tense == "will":
            rest = self.phrases.say(second, "bare", who[0])
        return f"{self.clause(who[0], first, tense, self.when(tense, 0.2))} {link} {rest}"

    def subordinate(self) -> str:
        who, other = self.two()
        word = self.dice.one(("when", "while", "because", "before", "after", "until", "although", "as soon as", "whenever"))
        tense = "present" if word == "whenever" or self.dice.chance(0.25) else "past"
        same = self.dice.chance(0.6)
        subject = self.they(who[0]) if same else other[0]
        pattern = self.act(who if same else other)
        inner = "progressive" if word == "while" and tense == "past" and not PROGRESSIVE_UNFIT.search(pattern) else tense
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
            return f"{subject.words} who {self.phrases.say(inner, tense, subject)} {self.phrases.say(main, tense, subject)}"
        verb = self.dice.one(("see", "meet", "know", "visit", "help", "follow", "remember", "love", "marry", "thank"))
        if verb == "marry" and other[0].sex == subject.sex:
            verb = "meet"
        seen = conjugate(verb, tense, other[0].sex, True)
        return f"{other[0].words} {seen} {subject.words} who {self.phrases.say(inner, tense, subject)}"

    def gerund(self) -> str:
        who = self.someone()
        subject, main = who[0], self.act(who)
        doing = self.phrases.say(self.act(who), "gerund", subject)
        if doing.startswith("being") or self.dice.chance(0.45):
            word = self.dice.one(("after", "before", "without", "instead of"))
            return f"{word} {doing} {subject.words} {self.phrases.say(main, 'past', subject)}"
        verb, tense = self.dice.one(
            (("enjoy", "present"), ("stop", "past"), ("begin", "past"), ("<be> fond of", "present"), ("<be> good at", "present"),
             ("<be> tired of", "past"), ("dream of", "past"), ("insist on", "past"), ("hate", "present"), ("keep", "past"))
        )  # fmt: skip
        verb = verb if verb.startswith("<") else re.sub(r"^(\w+)", r"<\1>", verb)
        return f"{subject.words} {self.phrases.say(verb, tense, subject)} {doing}"

    def infinitive(self) -> str:
        who, other = self.two()
        subject = who[0]
        tense = self.dice.one(("past", "past", "past", "present"))
        if self.dice.chance(0.6):
            verb = self.dice.one(("want", "hope", "try", "decide", "refuse", "learn", "promise", "begin", "plan", "agree",
                                  "forget", "prepare", "intend"))  # fmt: skip
            lead = conjugate(verb, tense, subject.sex, True)
            return f"{subject.words} {lead} {self.phrases.say(self.act(who), 'to', subject)}"
        verb = self.dice.one(("ask", "tell", "order", "beg", "help", "allow", "teach", "persuade", "want", "advise"))
        lead = conjugate(verb, tense, subject.sex, True)
        return f"{subject.words} {lead} {other[0].words} {self.phrases.say(self.act(other), 'to', other[0])}"

    def reported(self) -> str:
        who, other = self.two()
        said = self.dice.one(("said", "thought", "heard", "knew", "wrote", "believed", "told everybody", "feared", "hoped"))
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
        then = self.phrases.say(self.act(who if subject.person is who[0].person else other), second, subject)
        return f"if {who[0].words} {self.phrases.say(self.act(who), first, who[0])} {subject.words} {then}"

    def cleft(self) -> str:
        who = self.someone()
        text = self.phrases.say(self.act(who), "past", who[0])
        noun = who[0].words.split(" ", 1)
        if noun[0] in ("the", "a") and " of " not in who[0].words and self.dice.chance(0.6):
            opener = self.dice.one(("there was once a", "once upon a time there was a", "in {town} there lived a",
                                    "in {land} there was a"))  # fmt: skip
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
        return self.clause(Subject(words, "p"), pattern, tense, self.when(tense))

    def question(self) -> str:
        who = self.someone()
        text = self.phrases.say(self.act(who), "bare", who[0])
        if text.startswith("be "):
            return f"who {self.phrases.say('<be>', 'past', who[0])} {text[3:]}"
        return f"{self.dice.one(('why did', 'did', 'when did', 'where did', 'why will', 'how can'))} {who[0].words} {text}"

    def pronoun_only(self) -> str:
        who = self.someone()
        subject = self.they(who[0])
        pattern = self.act(who)
        tense = self.tense(pattern)
        return self.clause(subject, pattern, tense, self.when(tense))

    def sequence(self) -> str:
        who = self.someone()
        acts = [self.phrases.say(self.act(who), "past", who[0]) for _ in range(3)]
        return f"first {who[0].words} {acts[0]} then {who[0].pronoun} {acts[1]} and at last {who[0].pronoun} {acts[2]}"

    def trait(self) -> str:
        """What somebody is like, and what shows it."""
        dice, trait = self.dice, self.dice.draw(self.traits)
        opposite = bool(trait.shown_opposite) and dice.chance(0.33)
        word = trait.opposite if opposite else trait.name
        shown = dice.one(trait.shown_opposite if opposite else trait.shown)
        who, other = self.two()
        subject = who[0]
        act, manner = self.phrases.say(shown, "past", subject), to_adverb(word)
        bare = self.phrases.say(shown, "to", subject)
        ways = [f"{subject.words} was {word} and {act}", f"{subject.words} was so {word} that {subject.pronoun} {act}",
                f"only a {word} {dice.one(('man', 'woman', 'boy', 'girl', 'king', 'queen'))} could "
                f"{self.phrases.say(shown, 'bare', subject)}",
                f"{subject.words} was {word} enough {bare}",
                f"because {subject.pronoun} was {word} {subject.words} {act}",
                f"it was {word} of {subject.words} {bare}"]  # fmt: skip
        if manner:
            ways += [f"{subject.words} {manner} {act}", f"{subject.words} {act} {manner}",
                     f"{subject.words} {manner} {act}", f"{manner} {subject.words} {act}"]  # fmt: skip
        if word in self.phrases.comparable:
            ways += [f"{subject.words} was {comparative(word)} than {other[0].words} and {act}",
                     f"the {superlative(word)} of them all was {subject.words} who {act}",
                     f"nobody was {comparative(word)} than {subject.words} who {act}",
                     f"{subject.words} was the {superlative(word)} {dice.one(('man', 'woman', 'child', 'one'))} in "
                     f"{self.phrases.fill('{town}', subject)} and {act}"]  # fmt: skip
        elif dice.chance(0.3):
            ways += [f"{subject.words} was more {word} than {other[0].words}", f"the most {word} of all was {subject.words}"]
        if opposite:
            ways += [f"{subject.words} was not {trait.name} but {word} and {act}"]
        else:
            ways += [f"people called {subject.words} {word} because {subject.pronoun} {act}"]
        return dice.one(ways)

    def story(self, group: Group, length: int) -> list[str]:
        """`length` sentences about one group of people."""
        self.phrases.group = group
        self.phrases.season = self.dice.one(("spring", "summer", "autumn", "winter"))
        return [self.dice.draw(self.makers)() for _ in range(length)]
