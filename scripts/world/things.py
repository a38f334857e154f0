"""Sentences about animals and things."""

from __future__ import annotations

from world.dice import Dice, Weighted
from world.inflection import comparative, participle, plural, superlative
from world.phrases import NUMBERS, Phrases, Subject, conjugate
from world.sentences import TIMES, PeopleSentences
from world.tables import Animal, Thing, read_patterns

__all__ = ["AnimalSentences", "ThingSentences"]

TENSES = Weighted(["past", "present", "progressive", "perfect", "will", "not past", "can", "used to"],
                  [46, 26, 8, 4, 4, 3, 3, 2])  # fmt: skip
PLACES = ("in {town}", "at the market", "in the kitchen", "in the house", "near the river", "behind the barn", "on the table",
          "in the window", "by the door", "in the shop", "under the roof", "in the yard")  # fmt: skip


class AnimalSentences:
    """What animals do, what their young do, and what people do with them."""

    def __init__(self, dice: Dice, phrases: Phrases):
        self.dice, self.phrases = dice, phrases
        self.doings = read_patterns("creatures")
        self.by_name = {animal.name: animal for animal in phrases.animals}

    def subject(self, animal: Animal) -> Subject:
        dice = self.dice
        slots = {"home": animal.home, "fodder": dice.one(animal.food), "young": animal.young or animal.name}
        noun = animal.name
        if animal.sexes and dice.chance(0.18):
            noun = dice.one(animal.sexes)
        roll = dice.random()
        adjective = self.phrases.adjective(animal, 0.35)
        if roll < 0.22:
            number = dice.one((dice.one(NUMBERS[:9]), "some", "many", "all", "the", "most", "several", "wild"))
            return Subject(f"{number} {adjective}{plural(noun)}", "p", slots=slots)
        start = "the" if roll < 0.7 else "a"
        if roll > 0.95:
            start = f"the {dice.one(('neighbours', 'children'))} saw how the"
        return Subject(f"{start} {adjective}{noun}", "n", slots=slots)

    def young(self, animal: Animal) -> Subject:
        slots = {"home": animal.home, "fodder": self.dice.one(animal.food), "young": animal.young}
        if self.dice.chance(0.3):
            number = self.dice.one((self.dice.one(NUMBERS[:6]), "the", "some", "all the"))
            return Subject(f"{number} {plural(animal.young)}", "p", slots=slots)
        start = self.dice.one(("the", "the little", "a", "the small", "the youngest", "a newborn", "the hungry"))
        return Subject(f"{start} {animal.young}", "n", slots=slots)

    def predicate(self, animal: Animal) -> str:
        kinds = [kind for kind in animal.kinds if kind in self.doings]
        kind = self.dice.one([*kinds, "any"])
        return self.dice.one(self.doings[kind])

    def sound(self, animal: Animal) -> str:
        verb = f"<{animal.sound}>"
        return verb + self.dice.one((
            " (loudly|softly|all night|in the {home}|)", " when it saw the {job}", " at the (moon|stranger|{animal.bare})",
            " (in the dark|at dawn|at dusk|without end)", " because it was (hungry|afraid|angry|alone)",
        ))  # fmt: skip

    def sentence(self, animal: Animal) -> str:
        dice, phrases = self.dice, self.phrases
        subject, roll, tense = self.subject(animal), dice.random(), dice.draw(TENSES)
        if roll < 0.34:
            text = f"{subject.words} {phrases.say(self.predicate(animal), tense, subject)}"
            if tense in TIMES and dice.chance(0.25):
                text += " " + self.timed(dice.one(TIMES[tense]))
            return text
        if roll < 0.5 and animal.sound:
            who = dice.one(("{person} heard how ", "", "", "at night ", "in the morning ", ""))
            pattern = self.sound(animal)
            if subject.sex == "p":
                pattern = pattern.replace("it saw", "they saw").replace("it was", "they were")
            tense = "past" if "when" in pattern or "because" in pattern or who.startswith("{") else tense
            return f"{phrases.fill(who, subject)}{subject.words} {phrases.say(pattern, tense, subject)}"
        if roll < 0.68 and animal.young:
            return self.young_sentence(animal)
        if roll < 0.76 and animal.uses:
            verb, _, thing = dice.one(animal.uses).partition(":")
            verb, _, rest = verb.partition(" ")
            return f"{subject.words} {conjugate(verb, tense, subject.sex, True)} {rest} {thing}"
        if roll < 0.86:
            return self.compare(animal)
        return self.with_people(animal)

    def timed(self, words: str) -> str:
        return self.phrases.fill(words.replace("{weekday}", "sunday"), Subject("", "n"))

    def young_sentence(self, animal: Animal) -> str:
        dice, phrases = self.dice, self.phrases
        young, roll = self.young(animal), dice.random()
        mother = animal.sexes[1] if len(animal.sexes) == 2 else animal.name
        if roll < 0.56:
            return f"{young.words} {phrases.say(dice.one(self.doings['young']), dice.draw(TENSES), young)}"
        number = dice.one(NUMBERS[:7])
        return phrases.fill(dice.one((
            f"the {mother} fed {'her'} {plural(animal.young)} with {dice.one(animal.food)}",
            f"the {mother} and her {plural(animal.young)} lived in the {animal.home}",
            f"the {mother} had {number} {plural(animal.young)} in (spring|april|march|may|the {animal.home})",
            f"every {animal.young} will be a {mother} one day",
            f"a {animal.young} is a young {animal.name}",
            f"the {animal.young} grew into a (big|strong|fine|fat) {dice.one(animal.sexes) if animal.sexes else animal.name}",
            f"{{person}} found a {animal.young} near the {animal.home} and gave it to {{person}}",
            f"the (boy|girl|{{job}}) gave milk to the {animal.young} that had lost its mother",
            f"the {mother} called her {plural(animal.young)} and they came out of the {animal.home}",
            f"the young of the {mother} is called a {animal.young}",
        )), young)  # fmt: skip

    def compare(self, animal: Animal) -> str:
        dice, phrases = self.dice, self.phrases
        other = dice.draw(phrases.animal_draw)
        if other.size != animal.size and dice.chance(0.6):
            big, small = (animal, other) if animal.size > other.size else (other, animal)
            return phrases.fill(dice.one((
                f"(a|the) {big.name} is (much |)(bigger|heavier|larger|stronger) than (a|the) {small.name}",
                f"(a|the) {small.name} is (much |)(smaller|lighter) than (a|the) {big.name}",
                f"{plural(big.name)} are bigger than {plural(small.name)}",
            )), Subject("", "n"))  # fmt: skip
        word = dice.one(animal.adjectives)
        if word in phrases.comparable:
            return phrases.fill(dice.one((
                f"this {animal.name} is {comparative(word)} than that {dice.one((animal.name, other.name))}",
                f"the {superlative(word)} {animal.name} in {{town}} belongs to {{person}}",
                f"no {animal.name} was {comparative(word)} than the {animal.name} of {{person}}",
            )), Subject("", "n"))  # fmt: skip
        return f"the {animal.name} is {word} but the {other.name} is {dice.one(other.adjectives)}"

    def with_people(self, animal: Animal) -> str:
        dice, name = self.dice, animal.name
        person = Subject(self.phrases.other_person(Subject("", "n")), "m")
        farm = ("bought {num} %s at the market", "counted the %s in the " + animal.home, "let the %s out of the " + animal.home,
                "sold the %s to {person}", "fed the %s with " + dice.one(animal.food), "called the %s home")  # fmt: skip
        wild = ("saw {num} %s near the " + animal.home, "was afraid of the %s", "followed the tracks of the %s",
                "drew a picture of the %s", "read a book about %s", "watched the %s from the hill")  # fmt: skip
        pattern = dice.one(farm if "farm" in animal.kinds or "pet" in animal.kinds else wild)
        noun = plural(name) if "num" in pattern or "about" in pattern or dice.chance(0.5) else name
        return f"{person.words} {self.phrases.fill(pattern % noun, person)}"

    def story(self, length: int) -> list[str]:
        """Sentences about one animal and another that comes by."""
        one, two = (self.dice.draw(self.phrases.animal_draw) for _ in range(2))
        self.phrases.season = self.dice.one(("spring", "summer", "autumn", "winter"))
        return [self.sentence(one if self.dice.chance(0.7) else two) for _ in range(length)]


class ThingSentences:
    """What things are like, where they are and what is done with them."""

    def __init__(self, dice: Dice, phrases: Phrases, people: PeopleSentences):
        self.dice, self.phrases, self.people = dice, phrases, people

    def sentence(self, thing: Thing) -> str:
        return self.dice.one((self.done, self.done, self.passive, self.like, self.compared, self.with_others, self.many,
                              self.relative, self.opposed))(thing)  # fmt: skip

    def who(self) -> Subject:
        return self.people.someone()[0]

    def done(self, thing: Thing) -> str:
        subject = self.who()
        verb, tense = self.dice.one(thing.verbs), self.dice.draw(TENSES)
        text = f"{subject.words} {conjugate(verb, tense, subject.sex, True)} {self.phrases.noun_phrase(thing)}"
        when = self.people.when(tense, 0.3)
        return text if when in ("just", "once") else f"{text} {when}"

    def passive(self, thing: Thing) -> str:
        dice = self.dice
        many = not thing.mass and dice.chance(0.4)
        noun = f"{dice.one(('the', 'many', 'all the', 'some', 'two', 'three'))} {plural(thing.name)}" if many else (
            f"the {self.phrases.adjective(thing)}{thing.name}")  # fmt: skip
        be = conjugate("be", dice.one(("past", "past", "present", "perfect", "will")), "p" if many else "n", True)
        by = f" by {self.who().words}" if dice.chance(0.5) else ""
        place = self.phrases.fill(" " + dice.one(PLACES), Subject("", "n")) if dice.chance(0.3) else ""
        return f"{noun} {be} {participle(dice.one(thing.verbs))}{by}{place}"

    def like(self, thing: Thing) -> str:
        dice, word, who = self.dice, self.dice.one(thing.adjectives), self.who()
        verb = dice.one(thing.verbs)
        return self.phrases.fill(dice.one((
            f"the {thing.name} was (too|very|quite|rather|so|really) {word}",
            f"the {thing.name} of {{person}} (is|was) {word} (and {dice.one(thing.adjectives)}|)",
            f"the {thing.name} is {word} enough to {verb}" if verb in ("eat", "drink", "wear", "sell", "cross") else
            f"the {thing.name} was as {word} as before",
            f"(a|the) {word} {thing.name} is hard to find (in {{town}}|)",
            f"{who.words} wanted (a|the) {word} {thing.name} (for {{kin}}|)",
            f"how {word} the {thing.name} is (said {{person}}|today|)",
        )).replace("(a|the)", "the" if thing.mass else "(a|the)"), who)  # fmt: skip

    def opposed(self, thing: Thing) -> str:
        dice = self.dice
        pairs = [(word, self.phrases.comparable[word]) for word in thing.adjectives if self.phrases.comparable.get(word)]
        if not pairs:
            return self.like(thing)
        one, two = dice.one(pairs)
        name = thing.name
        return self.phrases.fill(dice.one((
            f"the {name} is not {one} but {two}", f"the {name} was {one} at first but {two} in the end",
            f"one {name} is {one} and the other {name} is {two}" if not thing.mass else f"some {name} is {one} and some is {two}",
            f"is the {name} {one} or {two} asked {{person}}", f"some like it {one} and some like it {two}",
            f"the {name} of {{person}} is {one} and the {name} of {{person}} is {two}",
            f"the {name} is neither too {one} nor too {two}",
        )), self.who())  # fmt: skip

    def compared(self, thing: Thing) -> str:
        dice = self.dice
        words = [word for word in thing.adjectives if word in self.phrases.comparable]
        if dice.chance(0.2) or not words:
            words = ["good", "bad", "good"]
        word = dice.one(words)
        if word in self.phrases.comparable and self.phrases.comparable[word] in self.phrases.comparable and dice.chance(0.3):
            word = self.phrases.comparable[word]
        more, most, name = comparative(word), superlative(word), thing.name
        these = ("this", "that") if thing.mass or dice.chance(0.7) else ("these", "those")
        noun = name if these[0] == "this" else plural(name)
        be = "is" if these[0] == "this" else "are"
        one = "" if thing.mass else " one"
        return self.phrases.fill(dice.one((
            f"{these[0]} {noun} {be} {more} than {these[1]}{one if these[0] == 'this' else ''}",
            f"the {name} of {{person}} was {more} than the {name} of {{person}}",
            f"the {most} {name} in (town|{{town}}|{{country}}|the house) (belongs|belonged) to {{person}}",
            f"{{person}} wanted a {more} {name}" if not thing.mass else f"{{person}} wanted {more} {name}",
            f"{{person}} has the {most} {name} of all",
            f"it was the {most} {name} that {{person}} had ever seen",
            f"the {name} is {more} than (last year|before|ever|yesterday)",
            f"of all {noun if thing.mass else plural(name)} this is the {most}",
            f"no {name} is {more} than this{one}",
            f"the {name} (grew|became) {more} and {more}",
        )), self.who())  # fmt: skip

    def with_others(self, thing: Thing) -> str:
        dice = self.dice
        if not thing.companions:
            return self.like(thing)
        other, subject = dice.one(thing.companions), self.who()
        noun = thing.name if thing.mass else plural(thing.name)
        return self.phrases.fill(dice.one((
            f"{subject.words} bought {noun} and {other} (at the market|in {{town}}|)" if "goods" in thing.kinds or
            "thing" in thing.kinds else f"{subject.words} spoke of the {thing.name} and the {other}",
            f"there was {'some' if thing.mass else 'a'} {thing.name} beside the {other}",
            f"the {thing.name} and the {other} belong to {{person}}",
            f"near the {other} {{person}} saw {'some' if thing.mass else 'a'} {thing.name}",
            f"{subject.words} looked for the {other} and found the {thing.name}",
            f"what is a {thing.name} without {other}" if not thing.mass else f"what is {thing.name} without {other}",
        )), subject)  # fmt: skip

    def many(self, thing: Thing) -> str:
        dice = self.dice
        if thing.mass:
            return self.phrases.fill(f"there was (much|little|enough|no more|plenty of) {thing.name} {dice.one(PLACES)}", self.who())
        number, one, more = dice.one(NUMBERS[:9]), thing.name, plural(thing.name)
        return self.phrases.fill(dice.one((
            f"there were {number} {more} {dice.one(PLACES)}", f"there was only one {one} {dice.one(PLACES)}",
            f"{number} {more} are (better|more) than one {one}", f"all {more} are {dice.one(thing.adjectives)}",
            f"every {one} has its price", f"{{person}} has {number} {more} but no {dice.one(thing.adjectives)} {one}",
            f"most {more} in {{town}} are {dice.one(thing.adjectives)}", f"each {one} costs {{num}} {{coins}}",
            f"{{person}} {dice.one(('needs', 'has', 'wants'))} another {one}", f"these {more} are (old|new|good|bad|mine|yours)",
            f"how many {more} does {{person}} have",
        )), self.who())  # fmt: skip

    def relative(self, thing: Thing) -> str:
        dice, verb = self.dice, self.dice.one(thing.verbs)
        tense = dice.one(("past", "past", "present", "progressive"))
        subject = self.who()
        done = conjugate(verb, tense, subject.sex, True)
        be = "is" if tense == "present" else "was"
        where = self.phrases.fill(dice.one(PLACES), subject)
        end = dice.one((f"{be} {dice.one(thing.adjectives)}", f"{be} {dice.one(thing.adjectives)}", f"{be} {where}",
                        f"came from {self.phrases.fill('{country}', subject)}"))  # fmt: skip
        return f"the {thing.name} that {subject.words} {done} {end}"

    def story(self, length: int) -> list[str]:
        thing = self.dice.draw(self.phrases.all_things)
        self.phrases.season = self.dice.one(("spring", "summer", "autumn", "winter"))
        self.phrases.group = self.dice.one(self.phrases.people.crowds)
        return [self.sentence(thing) if self.dice.chance(0.75) else self.sentence(self.dice.draw(self.phrases.all_things))
                for _ in range(length)]  # fmt: skip


