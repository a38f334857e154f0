"""The corpus: stories of every sort, one sentence a line, until there are enough tokens."""

from __future__ import annotations

from collections.abc import Iterator

from world.animals import AnimalSentences
from world.dice import Dice, Weighted
from world.inflection import fix_articles
from world.lands import LandSentences
from world.people import People
from world.phrases import Phrases
from world.sentences import PeopleSentences
from world.things import ThingSentences

__all__ = ["write_sentences"]


def write_sentences(seed: int, tokens: int) -> Iterator[str]:
    """Lines of lower-case words, at least `tokens` of them in all; the same for the same seed."""
    dice = Dice(seed)
    people = People(dice)
    phrases = Phrases(dice, people)
    persons = PeopleSentences(dice, phrases)
    animals = AnimalSentences(dice, phrases)
    things = ThingSentences(dice, phrases, persons)
    lands = LandSentences(dice, phrases)
    courts, families, crowds = (Weighted.zipf(groups, 20) for groups in (people.courts, people.families, people.crowds))
    makers = Weighted(
        [
            lambda n: persons.story(dice.draw(courts), n),
            lambda n: persons.story(dice.draw(families), n),
            lambda n: persons.story(dice.draw(crowds), n),
            animals.story,
            things.story,
            lands.land_story,
            lands.time_story,
            lands.work_story,
        ],
        [15, 17, 12, 15, 28, 18, 2.5, 8],
    )
    written = 0
    while written < tokens:
        for sentence in dice.draw(makers)(3 + dice.below(6)):
            words = fix_articles(sentence.split())
            written += len(words)
            yield " ".join(words)
