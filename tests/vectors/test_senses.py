"""A word between two groups of words has two senses; one of them, its own group's."""

from __future__ import annotations

import numpy as np
import pytest

from w2v.errors import SettingsError, UnknownWordError
from w2v.vectors.senses import senses_of
from w2v.vectors.vectors import Vectors


@pytest.fixture(scope="module")
def two_topics() -> Vectors:
    """Twenty words of music, twenty of computers; `keyboard` lies between them, `piano` among the first."""
    random = np.random.default_rng(7)
    music, computers = random.normal(size=(2, 30))
    rows = [music + random.normal(size=30) * 0.35 for _ in range(20)]
    rows += [computers + random.normal(size=30) * 0.35 for _ in range(20)]
    words = [f"music{i}" for i in range(20)] + [f"computer{i}" for i in range(20)] + ["keyboard", "piano"]
    matrix = np.array([*rows, music + computers, music * 1.1], np.float32)
    return Vectors(words, matrix)


def kinds(words: list[tuple[str, float]]) -> set[str]:
    return {word.rstrip("0123456789") for word, _ in words} - {"piano", "keyboard"}


def test_a_word_of_two_topics_has_two_senses(two_topics):
    found = senses_of(two_topics, "keyboard", links=8)
    assert [sense.name for sense in found] == ["keyboard#1", "keyboard#2"]
    assert {frozenset(kinds(sense.words)) for sense in found} == {frozenset({"music"}), frozenset({"computer"})}
    assert sum(sense.share for sense in found) == pytest.approx(1, abs=1e-6)
    for sense in found:
        nearest = two_topics.similar_by_vector(sense.vector, 5)
        assert kinds(nearest) == kinds(sense.words)
        assert np.linalg.norm(sense.vector) == pytest.approx(1, abs=1e-6)
        assert [cosine for _, cosine in sense.words] == sorted((c for _, c in sense.words), reverse=True)


def test_a_word_of_one_topic_has_one_sense_among_its_neighbours(two_topics):
    assert len(senses_of(two_topics, "piano", neighbours=15, links=8)) == 1


def test_the_same_every_time_and_few_words_are_one_sense(two_topics):
    first, second = (senses_of(two_topics, "keyboard") for _ in range(2))
    assert [sense.words for sense in first] == [sense.words for sense in second]
    few = Vectors(["a", "b", "c"], np.eye(3, dtype=np.float32))
    assert [len(sense.words) for sense in senses_of(few, "a")] == [2]
    assert senses_of(Vectors(["a"], np.ones((1, 2), np.float32)), "a") == []


def test_what_cannot_be_asked_is_an_error(two_topics):
    with pytest.raises(UnknownWordError):
        senses_of(two_topics, "nowhere")
    with pytest.raises(SettingsError, match="links"):
        senses_of(two_topics, "piano", links=0)
