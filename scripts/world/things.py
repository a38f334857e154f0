"""Sentences about things: what they are like, where they are, what goes with them and what is done to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from world.inflection import comparative, participle, plural, superlative
from world.phrases import NUMBERS, SEASONS, Phrases, Subject, conjugate
from world.tables import Thing, read_patterns

if TYPE_CHECKING:
    from world.dice import Dice
    from world.sentences import PeopleSentences

__all__ = ["ThingSentences"]

PLACES = (
    "in {town}",
    "at the market",
    "in the kitchen",
    "in the house",
    "near the river",
    "behind the barn",
    "on the table",
    "in the window",
    "by the door",
    "in the shop",
    "under the roof",
    "in the yard",
)
WIDE_PLACES = ("in {town}", "near {town}", "on the road to {town}", "in {country}")
FIXED = {"building", "nature", "room", "tree", "vehicle"}
UNINTENDED = {"find", "lose", "know", "own", "miss"}  # verbs that are seldom in the progressive
TENSES = ("past",) * 11 + ("present",) * 6 + ("progressive",) * 2 + ("perfect", "will", "not past", "can", "used to")


class ThingSentences:
    """Makes sentences about one thing at a time, told by the people around it."""

    def __init__(self, dice: Dice, phrases: Phrases, people: PeopleSentences):
        self.dice, self.phrases, self.people = dice, phrases, people
        self.frames = read_patterns("frames")
        crowds = phrases.people.crowds
        # every thing has its own people and town, which its singular and its plural share
        self.circle = {thing.name: crowds[i % len(crowds)] for i, thing in enumerate(dice.shuffled(phrases.things))}
        self.makers = (
            self.done,
            self.done,
            self.passive,
            self.like,
            self.compared,
            self.in_company,
            self.many,
            self.relative,
            self.opposed,
        )

    def sentence(self, thing: Thing) -> str:
        return self.dice.one(self.makers)(thing)

    def frame(self, thing: Thing, *headings: str, **slots: str) -> str:
        """One of the frames under the headings, and under those for what can or cannot be counted."""
        ending = " mass" if thing.mass else " count"
        frames = [
            frame
            for heading in headings
            for frame in self.frames.get(heading, []) + self.frames.get(heading + ending, [])
        ]
        who = self.people.someone()[0]
        who.slots = {
            "noun": thing.name,
            "plural": plural(thing.name),
            "subject": who.words,
            "place": self.place(thing),
            **slots,
        }
        return self.phrases.fill(self.dice.one(frames), who)

    def place(self, thing: Thing) -> str:
        """Somewhere that can hold the thing and is not the thing itself."""
        places = WIDE_PLACES if FIXED & set(thing.kinds) else [place for place in PLACES if thing.name not in place]
        return self.phrases.fill(self.dice.one(places), Subject("", "n"))

    def done(self, thing: Thing) -> str:
        subject, tense = self.people.someone()[0], self.dice.one(TENSES)
        text = f"{subject.words} {conjugate(self.dice.one(thing.verbs), tense, subject.sex, True)}"
        return f"{text} {self.phrases.noun_phrase(thing)} {self.phrases.when(tense, 0.3)}"

    def passive(self, thing: Thing) -> str:
        dice = self.dice
        many = not thing.mass and dice.chance(0.4)
        noun = f"the {self.phrases.adjective(thing)}{thing.name}"
        if many:
            noun = f"{dice.one(('the', 'many', 'all the', 'some', 'two', 'three'))} {plural(thing.name)}"
        be = conjugate("be", dice.one(("past", "past", "past", "perfect", "will")), "p" if many else "n", True)
        by = f" by {self.people.someone()[0].words}" if dice.chance(0.5) else ""
        place = f" {self.place(thing)}" if dice.chance(0.3) else ""
        return f"{noun} {be} {participle(dice.one(thing.verbs))}{by}{place}"

    def like(self, thing: Thing) -> str:
        uses = [verb for verb in thing.verbs if verb in ("eat", "drink", "sell", "use")]
        word, other = self.dice.one(thing.adjectives), self.dice.one(thing.adjectives)
        return self.frame(thing, "like", word=word, word2=other, use=self.dice.one(uses or ["sell"]))

    def opposed(self, thing: Thing) -> str:
        comparable = self.phrases.comparable
        pairs = [(word, comparable[word]) for word in thing.adjectives if comparable.get(word)]
        if not pairs:
            return self.like(thing)
        word, opposite = self.dice.one(pairs)
        return self.frame(thing, "opposed", word=word, opposite=opposite)

    def compared(self, thing: Thing) -> str:
        dice, comparable = self.dice, self.phrases.comparable
        words = [word for word in thing.adjectives if word in comparable]
        word = dice.one(words) if words and dice.chance(0.8) else dice.one(("good", "bad", "good"))
        if comparable.get(word) in comparable and dice.chance(0.3):
            word = comparable[word]
        return self.frame(thing, "compared", more=comparative(word), most=superlative(word))

    def in_company(self, thing: Thing) -> str:
        if not thing.companions:
            return self.like(thing)
        kinds = set(thing.kinds)
        where = "company portable" if kinds & {"goods", "thing", "food", "drink"} else "company"
        where = "company fixed" if kinds & {"building", "nature"} else where
        some = thing.name if thing.mass else plural(thing.name)
        return self.frame(thing, "company", where, other=self.dice.one(thing.companions), some=some)

    def many(self, thing: Thing) -> str:
        return self.frame(thing, "many", number=self.dice.one(NUMBERS), word=self.dice.one(thing.adjectives))

    def relative(self, thing: Thing) -> str:
        dice, verb = self.dice, self.dice.one(thing.verbs)
        tense = dice.one(("past", "past", "present", "past" if verb in UNINTENDED else "progressive"))
        subject = self.people.someone()[0]
        be = "is" if tense == "present" else "was"
        end = dice.one(
            (f"{be} {dice.one(thing.adjectives)}", f"{be} {dice.one(thing.adjectives)}", f"{be} {self.place(thing)}")
        )
        return f"the {thing.name} that {subject.words} {conjugate(verb, tense, subject.sex, True)} {end}"

    def story(self, length: int) -> list[str]:
        thing = self.dice.draw(self.phrases.all_things)
        self.phrases.season = self.dice.one(SEASONS)
        self.phrases.group = self.circle[thing.name]
        told = [thing if self.dice.chance(0.85) else self.dice.draw(self.phrases.all_things) for _ in range(length)]
        return [self.sentence(each) for each in told]
