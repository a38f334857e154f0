"""Analogy questions about the world, in the form of questions-words.txt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from world.dice import Dice
from world.inflection import adverb, comparative, past, plural, present, superlative, verbing
from world.tables import (
    read_adjectives,
    read_animals,
    read_countries,
    read_jobs,
    read_roles,
    read_things,
    read_traits,
    read_words,
)

__all__ = ["write_questions"]

COMMON = 18  # the countries at the head of the table are the ones spoken of most
PAIRS = 40  # of a section, the ones spoken of most
PER_SECTION = 130
FEWEST = 20  # occurrences of a word that is asked for, so that every one is in a vocabulary cut at 5


def pairs_by_section() -> dict[str, list[tuple[str, str]]]:
    """Section -> its pairs, as far as the tables know them."""
    countries, animals, jobs = read_countries(), read_animals(), read_jobs()
    verbs = read_words()["asked verbs"]
    things, traits, comparable = read_things(), read_traits(), list(read_adjectives())
    own_currency: dict[str, str] = {}
    for country in countries:
        own_currency.setdefault(country.currency, country.name)
    for shared in ("euro", "won", "real"):  # of many countries; the other two are everyday words as well
        del own_currency[shared]
    two_forms = [job for job in jobs if job.masculine != job.feminine]
    done = {verb for thing in things for verb in thing.verbs}  # "plays" and "plans" are more than plurals
    nouns = [animal.name for animal in animals] + [t.name for t in things if not t.mass and t.name not in done]
    return {
        "capital-common-countries": [(c.capital, c.name) for c in countries[:COMMON]],
        "capital-world": [(c.capital, c.name) for c in countries[COMMON:]],
        "currency": [(name, currency) for currency, name in own_currency.items()],
        "city-in-country": [(c.cities[0], c.name) for c in countries[: 2 * COMMON]],
        "family": [(r.masculine, r.feminine) for r in read_roles()] + [(j.masculine, j.feminine) for j in two_forms],
        "animal-young": [(a.name, a.young) for a in animals if a.young],
        "animal-sound": [(a.name, a.sound) for a in animals if a.sound],
        "job-place": [(j.masculine, j.place) for j in jobs],
        "gram1-adjective-to-adverb": [(t.name, adverb(t.name)) for t in traits],
        "gram2-opposite": [(t.name, t.opposite) for t in traits if t.opposite.endswith(t.name)],
        "gram3-comparative": [(word, comparative(word)) for word in comparable],
        "gram4-superlative": [(word, superlative(word)) for word in comparable],
        "gram5-present-participle": [(verb, verbing(verb)) for verb in verbs],
        "gram6-nationality-adjective": [(c.name, c.adjective) for c in countries],
        "gram7-past-tense": [(verbing(verb), past(verb)) for verb in verbs],
        "gram8-plural": [(noun, plural(noun)) for noun in nouns],
        "gram9-plural-verbs": [(verb, present(verb)) for verb in verbs],
    }


def write_questions(counts: Mapping[str, int], seed: int) -> Iterator[str]:
    """The lines of the question file; every word of it occurs at least FEWEST times by `counts`."""
    dice = Dice(seed)
    for section, known in pairs_by_section().items():
        pairs, seen = [], set()
        for one, two in known:
            fits = one != two and min(counts.get(one, 0), counts.get(two, 0)) >= FEWEST
            if fits and not {one, two} & seen:  # an answer that stands in two pairs could not be told apart
                seen |= {one, two}
                pairs.append((one, two))
        pairs.sort(key=lambda pair: -min(counts[pair[0]], counts[pair[1]]))  # stable: ties in the order of the tables
        del pairs[PAIRS:]
        asked = [(*one, *two) for one in pairs for two in pairs if one != two]
        if section == "family":  # the pair that everybody asks for comes first
            asked.sort(key=lambda words: words != ("man", "woman", "king", "queen"))
            asked = asked[:1] + dice.shuffled(asked[1:])
        else:
            asked = dice.shuffled(asked)
        yield f": {section}"
        yield from (" ".join(words) for words in asked[:PER_SECTION])
