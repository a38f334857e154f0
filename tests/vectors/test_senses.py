"""A word between two groups of words has two senses; one of them, its own group's."""

from __future__ import annotations

import numpy as np
import pytest

from w2v.errors import SettingsError, UnknownWordError
from w2v.vectors.query import VectorFile
from w2v.vectors.relations import ranks
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


def unit_of(vectors: Vectors) -> np.ndarray:
    return vectors["keyboard"] / np.linalg.norm(vectors["keyboard"])


def test_a_sense_is_a_word_wherever_one_is_asked_for(two_topics, tmp_path):
    found = senses_of(two_topics, "keyboard")
    name = found[-1].name
    np.testing.assert_array_equal(two_topics[name], found[-1].vector)
    two_topics.save(tmp_path / "v.bin")
    for asker in (two_topics, VectorFile(tmp_path / "v.bin")):
        nearest = asker.similar([name])[0] if isinstance(asker, VectorFile) else asker.most_similar(name)
        assert kinds(nearest[:5]) == kinds(found[-1].words)
    picked, unknown = VectorFile(tmp_path / "v.bin").pick([name, "keyboard"])
    assert not unknown
    assert picked.similarity(name, "keyboard") == pytest.approx(float(found[-1].vector @ unit_of(two_topics)), abs=1e-6)
    assert VectorFile(tmp_path / "v.bin").ranks([(name, "keyboard")]) == ranks(two_topics, [(name, "keyboard")])


def test_a_sense_that_is_not_there_is_answered_with_those_that_are(two_topics):
    last = senses_of(two_topics, "keyboard")[-1].name
    with pytest.raises(UnknownWordError, match=f'"keyboard#99" is not in the vocabulary; did you mean .*{last}'):
        two_topics.place("keyboard#99")
    with pytest.raises(UnknownWordError, match='"nothing#1" is not in the vocabulary'):
        two_topics.place("nothing#1")
