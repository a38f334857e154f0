"""English forms: plurals, verb forms, comparison, adverbs, a and an."""

from __future__ import annotations

import re
from functools import cache

from world.tables import read_irregular_verbs

__all__ = ["adverb", "comparative", "fix_articles", "participle", "past", "plural", "present", "superlative", "verbing"]

IRREGULAR_PLURALS = {
    "man": "men",
    "woman": "women",
    "child": "children",
    "foot": "feet",
    "tooth": "teeth",
    "goose": "geese",
    "mouse": "mice",
    "sheep": "sheep",
    "deer": "deer",
    "trout": "trout",
    "fish": "fish",
    "knife": "knives",
    "wife": "wives",
    "leaf": "leaves",
    "loaf": "loaves",
    "shelf": "shelves",
    "wolf": "wolves",
    "calf": "calves",
    "thief": "thieves",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "hero": "heroes",
    "piano": "pianos",
    "salmon": "salmon",
    "postman": "postmen",
    "policeman": "policemen",
    "fisherman": "fishermen",
    "salesman": "salesmen",
    "postwoman": "postwomen",
    "policewoman": "policewomen",
    "scissors": "scissors",
    "fisherwoman": "fisherwomen",
    "saleswoman": "saleswomen",
    "euro": "euros",
    "yen": "yen",
    "yuan": "yuan",
    "baht": "baht",
    "won": "won",
    "rand": "rand",
    "leu": "lei",
    "lev": "leva",
    "krone": "kroner",
    "krona": "kronor",
    "real": "reais",
    "sol": "soles",
    "forint": "forints",
    "zloty": "zlotys",
    "naira": "naira",
    "birr": "birr",
    "dong": "dong",
    "kwacha": "kwacha",
    "birch": "birches",
    "chimney": "chimneys",
}
IRREGULAR_COMPARISON = {"good": ("better", "best"), "bad": ("worse", "worst"), "little": ("less", "least")}
DOUBLING = {"admit", "begin", "forget", "occur", "permit", "prefer", "quarrel", "regret", "shovel", "travel"}
SILENT_U = re.compile("qu")
IRREGULAR_VERBS = read_irregular_verbs()


def doubles(word: str) -> bool:
    """Whether the last letter is doubled before -ed, -ing, -er: one short vowel, one consonant, one syllable."""
    if word in DOUBLING:
        return True
    plain = SILENT_U.sub("q", word)
    return bool(re.fullmatch(r"[^aeiou]*[aeiouy][^aeiouwxy]", plain)) and not word.endswith(("w", "x", "y"))


def ends_in_consonant_y(word: str) -> bool:
    return len(word) > 1 and word.endswith("y") and word[-2] not in "aeiou"


@cache
def plural(noun: str) -> str:
    if noun in IRREGULAR_PLURALS:
        return IRREGULAR_PLURALS[noun]
    return add_s(noun)


@cache
def add_s(word: str) -> str:
    if ends_in_consonant_y(word):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "z", "ch", "sh")) else "s")


@cache
def present(verb: str) -> str:
    """The third person singular."""
    return {"be": "is", "have": "has", "do": "does", "go": "goes"}.get(verb) or add_s(verb)


def add_ed(verb: str) -> str:
    if verb.endswith("e"):
        return verb + "d"
    if ends_in_consonant_y(verb):
        return verb[:-1] + "ied"
    return verb + (verb[-1] if doubles(verb) else "") + "ed"


@cache
def past(verb: str) -> str:
    return IRREGULAR_VERBS[verb][0] if verb in IRREGULAR_VERBS else add_ed(verb)


@cache
def participle(verb: str) -> str:
    return IRREGULAR_VERBS[verb][1] if verb in IRREGULAR_VERBS else add_ed(verb)


@cache
def verbing(verb: str) -> str:
    if verb == "lie" or verb == "die" or verb == "tie":
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "oe", "ye")) and verb != "be":
        return verb[:-1] + "ing"
    return verb + (verb[-1] if doubles(verb) and verb != "be" else "") + "ing"


def compare(adjective: str, ending: str) -> str:
    if adjective.endswith("e"):
        return adjective + ending[1:]
    if ends_in_consonant_y(adjective):
        return adjective[:-1] + "i" + ending
    return adjective + (adjective[-1] if doubles(adjective) else "") + ending


@cache
def comparative(adjective: str) -> str:
    return IRREGULAR_COMPARISON[adjective][0] if adjective in IRREGULAR_COMPARISON else compare(adjective, "er")


@cache
def superlative(adjective: str) -> str:
    return IRREGULAR_COMPARISON[adjective][1] if adjective in IRREGULAR_COMPARISON else compare(adjective, "est")


@cache
def adverb(adjective: str) -> str:
    """The adverb in -ly, or "" where English has none in use."""
    if adjective.endswith("ly") or adjective in {"fast", "old", "young", "big", "small", "tame", "industrious"}:
        return ""
    if ends_in_consonant_y(adjective):
        return adjective[:-1] + "ily"
    if adjective.endswith("le") and adjective[-3] not in "aeiou":
        return adjective[:-1] + "y"
    return adjective + "ly"


VOWEL_BUT_A = re.compile(r"(?:eu|uni(?!m)|use|one|once|uru|ugan|ukr)")
AN_BEFORE_H = re.compile(r"(?:hour|hones|heir|honour)")


def fix_articles(words: list[str]) -> list[str]:
    """`a` or `an` by the word that follows."""
    for i in range(len(words) - 1):
        if words[i] in ("a", "an"):
            after = words[i + 1]
            vowel = (after[0] in "aeiou" and not VOWEL_BUT_A.match(after)) or bool(AN_BEFORE_H.match(after))
            words[i] = "an" if vowel else "a"
    return words
