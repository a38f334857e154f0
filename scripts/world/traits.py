"""Sentences about what people are like: a trait or its opposite, and the deed that shows it."""

from __future__ import annotations

from world.dice import Dice, Weighted
from world.inflection import adverb, comparative, superlative
from world.phrases import Phrases, Subject
from world.tables import read_patterns, read_traits

__all__ = ["TraitSentences"]

FAULTS = {"greedy", "lazy", "angry", "sad", "nervous", "fierce", "proud"}  # traits whose opposite is the better
ANYBODY = {"man": "m", "woman": "f", "boy": "m", "girl": "f", "king": "m", "queen": "f"}


class TraitSentences:
    """Makes sentences that say of somebody that they are brave or cowardly, and why."""

    def __init__(self, dice: Dice, phrases: Phrases):
        self.dice, self.phrases = dice, phrases
        self.frames = read_patterns("frames")
        self.traits = Weighted.zipf(dice.shuffled(read_traits()), 20)

    def sentence(self, subject: Subject, other: Subject) -> str:
        """One about the subject; the other is there to be compared with."""
        dice, phrases, trait = self.dice, self.phrases, self.dice.draw(self.traits)
        opposite = bool(trait.shown_opposite) and dice.chance(0.33)
        word = trait.opposite if opposite else trait.name
        shown = dice.one(trait.shown_opposite if opposite else trait.shown)
        who = dice.one(list(ANYBODY))
        slots = {
            "subject": subject.words,
            "other": other.words,
            "word": word,
            "trait": trait.name,
            "manner": adverb(word),
            "act": phrases.say(shown, "past", subject),
            "to": phrases.say(shown, "to", subject),
            "bare": phrases.say(shown, "bare", subject),
            "who": who,
            "deed": phrases.say(shown, "past", Subject("", ANYBODY[who])),
        }
        headings = ["trait", "trait opposite" if opposite else "trait itself"]
        if slots["manner"]:
            headings.append("trait adverb")
        if word in phrases.comparable:
            headings.append("trait compared")
            slots |= {"more": comparative(word), "most": superlative(word)}
        frame = dice.one([frame for heading in headings for frame in self.frames[heading]])
        if dice.chance(0.45):
            frame += " " + dice.one(self.frames["blame" if opposite != (trait.name in FAULTS) else "praise"])
        return phrases.fill(frame, Subject(subject.words, subject.sex, subject.person, slots))
