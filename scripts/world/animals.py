"""Sentences about animals: what they do, their young, their voices, and what people do with them."""

from __future__ import annotations

from world.dice import Dice, Weighted
from world.inflection import comparative, plural, superlative
from world.phrases import NUMBERS, SEASONS, Phrases, Subject, conjugate
from world.tables import Animal, read_patterns

__all__ = ["AnimalSentences"]

TENSES = Weighted(
    ["past", "present", "progressive", "perfect", "will", "not past", "can", "used to"], [46, 26, 8, 4, 4, 3, 3, 2]
)
NOBODY = Subject("", "n")


class AnimalSentences:
    """Makes sentences about one animal and another that comes by."""

    def __init__(self, dice: Dice, phrases: Phrases):
        self.dice, self.phrases = dice, phrases
        self.doings = read_patterns("creatures")
        self.frames = read_patterns("frames")

    def slots(self, animal: Animal) -> dict[str, str]:
        dice, sexes = self.dice, animal.sexes
        return {
            "noun": animal.name,
            "plural": plural(animal.name),
            "one": dice.one((animal.name, plural(animal.name))),
            "home": animal.home,
            "fodder": dice.one(animal.food),
            "sound": animal.sound,
            "young": animal.young,
            "youngs": plural(animal.young) if animal.young else "",
            "mother": sexes[1] if sexes else animal.name,
            "grown": dice.one(sexes) if sexes else animal.name,
            "number": dice.one(NUMBERS[:7]),
        }

    def frame(self, heading: str, slots: dict[str, str]) -> str:
        return self.phrases.fill(self.dice.one(self.frames[heading]), Subject("", "n", slots=slots))

    def subject(self, animal: Animal) -> Subject:
        dice, noun = self.dice, animal.name
        if animal.sexes and dice.chance(0.18):
            noun = dice.one(animal.sexes)
        adjective = self.phrases.adjective(animal, 0.35)
        if dice.chance(0.22):
            number = dice.one((dice.one(NUMBERS), "some", "many", "all the", "the", "most", "several", "wild"))
            return Subject(f"{number} {adjective}{plural(noun)}", "p", slots=self.slots(animal))
        start = dice.one(("the", "the", "a"))
        if dice.chance(0.05):
            start = f"the {dice.one(('neighbours', 'children'))} saw how the"
        return Subject(f"{start} {adjective}{noun}", "n", slots=self.slots(animal))

    def young(self, animal: Animal) -> Subject:
        if self.dice.chance(0.3):
            number = self.dice.one((self.dice.one(NUMBERS[:6]), "the", "some", "all the"))
            return Subject(f"{number} {plural(animal.young)}", "p", slots=self.slots(animal))
        start = self.dice.one(("the", "the little", "a", "the small", "the youngest", "a newborn", "the hungry"))
        return Subject(f"{start} {animal.young}", "n", slots=self.slots(animal))

    def predicate(self, animal: Animal) -> str:
        kinds = [kind for kind in animal.kinds if kind in self.doings]
        return self.dice.one(self.doings[self.dice.one([*kinds, "any"])])

    def sentence(self, animal: Animal) -> str:
        makers = [
            (34, self.deed),
            (14 if animal.sound else 0, self.sounding),
            (18 if animal.young else 0, self.with_young),
            (8 if animal.uses else 0, self.useful),
            (10, self.compare),
            (14, self.with_people),
        ]
        return self.dice.draw(Weighted([maker for _, maker in makers], [weight for weight, _ in makers]))(animal)

    def deed(self, animal: Animal) -> str:
        subject, tense = self.subject(animal), self.dice.draw(TENSES)
        text = f"{subject.words} {self.phrases.say(self.predicate(animal), tense, subject)}"
        return f"{text} {self.phrases.when(tense, 0.25)}"

    def sounding(self, animal: Animal) -> str:
        dice, phrases = self.dice, self.phrases
        if dice.chance(0.35):
            return self.frame("sound", self.slots(animal))
        subject, tense = self.subject(animal), dice.draw(TENSES)
        many = subject.sex == "p"
        subject.slots |= {"it": "they" if many else "it", "was": "were" if many else "was"}
        heading = "sounding past" if dice.chance(0.35) else "sounding"
        hearer = dice.one(("{person} heard how ", "", "", "at night ", "in the morning ", ""))
        tense = "past" if heading == "sounding past" or hearer.startswith("{") else tense
        pattern = f"<{animal.sound}> {dice.one(self.frames[heading])}"
        return f"{phrases.fill(hearer, subject)}{subject.words} {phrases.say(pattern, tense, subject)}"

    def with_young(self, animal: Animal) -> str:
        if self.dice.chance(0.44):
            return self.frame("young", self.slots(animal))
        young = self.young(animal)
        return f"{young.words} {self.phrases.say(self.dice.one(self.doings['young']), self.dice.draw(TENSES), young)}"

    def useful(self, animal: Animal) -> str:
        subject = self.subject(animal)
        verb, _, thing = self.dice.one(animal.uses).partition(":")
        verb, _, rest = verb.partition(" ")
        return f"{subject.words} {conjugate(verb, self.dice.draw(TENSES), subject.sex, True)} {rest} {thing}"

    def compare(self, animal: Animal) -> str:
        dice = self.dice
        other = dice.draw(self.phrases.animal_draw)
        if other.size != animal.size and dice.chance(0.6):
            big, small = sorted((animal.size, animal.name) for animal in (animal, other))[::-1]
            return self.frame(
                "size", {"big": big[1], "small": small[1], "bigs": plural(big[1]), "smalls": plural(small[1])}
            )
        word = dice.one(animal.adjectives)
        if word in self.phrases.comparable:
            slots = self.slots(animal) | {"more": comparative(word), "most": superlative(word)}
            return self.frame("rank", slots | {"other": dice.one((animal.name, other.name))})
        return f"the {animal.name} is {word} but the {other.name} is {dice.one(other.adjectives)}"

    def with_people(self, animal: Animal) -> str:
        return self.frame("tame" if {"farm", "pet"} & set(animal.kinds) else "wild", self.slots(animal))

    def story(self, length: int) -> list[str]:
        one, two = (self.dice.draw(self.phrases.animal_draw) for _ in range(2))
        self.phrases.season = self.dice.one(SEASONS)
        return [self.sentence(one if self.dice.chance(0.7) else two) for _ in range(length)]
