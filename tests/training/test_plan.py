"""What a plan says is what a run then has."""

from __future__ import annotations

import dataclasses
import json
import random
import re
import sys

import numpy as np
import pytest

import w2v
from w2v.corpus.config import CorpusConfig
from w2v.errors import TrainingError
from w2v.machine import Room
from w2v.training import memory
from w2v.training import plan as module
from w2v.training.config import TrainConfig
from w2v.training.plan import calibrate, disk_needed, plan_training
from w2v.training.trainer import Trainer


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    draw = random.Random(5)
    path = tmp_path_factory.mktemp("plan") / "text.txt"
    path.write_text("\n".join(" ".join(f"w{int(draw.expovariate(0.02))}" for _ in range(9)) for _ in range(4000)))
    return path


def test_words_and_tokens_at_each_min_count_are_those_of_readings(text):
    found = plan_training(text, CorpusConfig(min_count=20), TrainConfig(dim=8, threads=1), seconds=0)
    for minimum, words, tokens in found.at_min_count:
        corpus = w2v.encode(text, min_count=minimum)
        assert (words, tokens) == (len(corpus.vocab), corpus.token_counts.kept), minimum
    kept = w2v.encode(text, min_count=20)
    assert (found.words, found.tokens) == (len(kept.vocab), kept.token_counts.kept)
    assert found.sentences == kept.token_counts.sentences
    assert (found.tokens_read, found.files, found.text_bytes) == (36_000, 1, text.stat().st_size)
    assert found.calibration is None
    assert found.training_s is None


def test_sizes_are_those_of_the_files(text, tmp_path):
    corpus = w2v.encode(text)
    vectors = w2v.train(corpus, dim=50, threads=1, epochs=2)
    sizes = disk_needed(corpus.vocab, 50, corpus.ids.nbytes)
    for form in ("bin", "txt", "npy", "safetensors", "tsv"):
        path = tmp_path / form / f"v.{form}"
        path.parent.mkdir()
        vectors.save(path)
        real = sum(file.stat().st_size for file in path.parent.iterdir())
        assert sizes[form] == pytest.approx(real, rel=0 if form == "bin" else 0.05, abs=0 if form == "bin" else 1100)
    corpus.save(tmp_path / "c.ids")
    assert sizes["ids"] == pytest.approx((tmp_path / "c.ids").stat().st_size, abs=1100)


def test_checkpoint_is_as_large_as_planned(text, tmp_path):
    from w2v.training.checkpoint import write_checkpoint
    from w2v.training.trainer import Trainer

    corpus = w2v.encode(text)
    size = write_checkpoint(tmp_path / "c", Trainer(corpus, TrainConfig(dim=50, threads=1)).state, None)
    assert disk_needed(corpus.vocab, 50, 0)["checkpoint"] == pytest.approx(size, rel=0.05, abs=4000)


def test_calibration_trains_on_places_all_over_the_corpus(text):
    corpus = w2v.encode(text)
    spans = module._Spread(corpus.ids, 200, 2)
    taken = [spans.take(i % 2) for i in range(400)]
    for start, stop in taken:
        assert 0 <= start < stop <= len(corpus.ids)
        assert start == 0 or corpus.ids[start - 1] == -1
        assert corpus.ids[stop - 1] == -1
    quarters = np.bincount([4 * start // len(corpus.ids) for start, _ in taken], minlength=4)
    assert quarters.min() > 80


def test_calibration_ends_and_says_how_fast_it_was(text):
    corpus = w2v.encode(text)
    found = calibrate(corpus, TrainConfig(dim=8, threads=2, epochs=1_000_000, held_out=0.1, stop_early=1), 0.2)
    assert found.words_per_s > 1000
    assert found.seconds >= 0.2


def test_a_plan_for_text_that_has_no_pairs_ends_and_says_so(tmp_path):
    (tmp_path / "lone").write_text("".join(f"a x{i}\nb y{i}\n" for i in range(5000)))  # one of each line is rare
    found = plan_training(tmp_path / "lone", CorpusConfig(), TrainConfig(dim=8), seconds=0.1)
    assert found.calibration is None
    assert "no word has another one in its line" in found.warnings[0]


def test_what_does_not_fit_is_told_and_not_tried(text, monkeypatch):
    monkeypatch.setattr(module, "room", lambda: Room(10_000, "left for this test"))
    found = plan_training(text, CorpusConfig(), TrainConfig(dim=50, threads=1), seconds=1)
    assert found.calibration is None
    assert "more memory than is available" in found.warnings[0]
    assert found.memory_there == (10_000, "left for this test")
    assert json.loads(json.dumps(found.as_dict()))["time"]["training_s"] is None


def test_encoded_corpus_knows_no_words_below_its_min_count(text, tmp_path):
    corpus = w2v.encode(text, min_count=5)
    corpus.save(tmp_path / "c.ids")
    config = CorpusConfig(min_count=20)
    found = plan_training(tmp_path / "c.ids", config, TrainConfig(dim=8), stated={"min_count"}, seconds=0)
    assert [row[1] is None for row in found.at_min_count] == [True, True, *[False] * 5]
    assert found.words == len(w2v.encode(text, min_count=20).vocab)
    assert found.memory["corpus"] == corpus.pruned(20).ids.nbytes


def test_memory_of_words_is_that_of_their_objects_in_a_list(text):
    found = plan_training(text, CorpusConfig(min_count=20), TrainConfig(dim=8, threads=1), seconds=0)
    words = w2v.encode(text, min_count=20).vocab.words
    assert found.memory["words"] == pytest.approx(sum(map(sys.getsizeof, words)) + 8 * len(words), rel=0.2)


@pytest.mark.parametrize(
    ("seen", "speed"),
    [
        ([(0.1, 50), (0.5, 1000), (1.5, 3000)], 2000),  # what was done in the warm-up, until 0.3 s, does not count
        ([(0.1, 50), (0.5, 1000)], 2000),  # one look after it: since the beginning
        ([(0.5, 1000), (1.0, 1001)], 2),
    ],
)
def test_the_speed_is_that_between_the_warm_up_and_the_last_look(text, seen, speed):
    trainer = Trainer(w2v.encode(text), TrainConfig(dim=2, threads=1))
    assert module._slope(seen, trainer).words_per_s == pytest.approx(speed)


TWO = {"vectors": 64_000, "context": 64_000, "tables": 62_000}  # 1,000 words x 16 float32, 48 + 2 * 7 bytes a word
PRIVATE = 2 * 2 * 1000 * 2 * 64  # threads, matrices, rows and what they were


@pytest.mark.parametrize(
    ("settings", "rows", "needed"),
    [
        ({}, None, {**TWO, "private rows": PRIVATE}),
        (
            {"dim": 17, "threads": 1},
            None,
            {"vectors": 128_000, "context": 128_000, "private rows": 0, "tables": 62_000},
        ),
        ({"threads": 3, "hot_rows": 500}, None, {**TWO, "private rows": 3 * 2 * 500 * 2 * 64}),
        ({"loss": "hs"}, None, {**TWO, "private rows": PRIVATE, "tables": 112_000}),  # paths of 10 steps
        ({"loss": "softmax", "negative": 5}, None, {**TWO, "private rows": PRIVATE, "scores": 256_000}),
        ({"subwords": "3-4", "buckets": 5000}, None, {**TWO, "private rows": PRIVATE, "n-grams": 824_000}),
        ({"subwords": "3-4", "buckets": 50}, None, {**TWO, "private rows": PRIVATE, "n-grams": 571_200}),
        ({"subwords": "3-4", "buckets": 5000}, 1300, {**TWO, "private rows": PRIVATE, "n-grams": 587_200}),
        ({"reproducible": True}, None, {**TWO, "private rows": 1_032_000}),
        ({"held_out": 0.1, "stop_early": 2}, None, {**TWO, "private rows": PRIVATE, "the best epoch": 128_000}),
    ],
)
def test_memory_is_counted_by_what_it_is_for(settings, rows, needed):
    config = TrainConfig(**{"dim": 10, "threads": 2, **settings}).resolved()
    assert memory.memory_needed(config, 1000, 7000, rows) == needed


@pytest.mark.parametrize(
    ("there", "way"),
    [
        (5 << 20, "try dim=80 or max_vocab=4027"),
        (2 << 20, "try max_vocab=955"),
        (1 << 20, "a smaller dim or max_vocab"),
    ],
)
def test_the_way_out_of_too_little_memory_leaves_room_for_the_corpus(there, way):
    config, extra = TrainConfig(dim=100, threads=2, hot_rows=0), {"corpus": 1 << 20}
    with pytest.raises(TrainingError, match=f"; {way}"):
        memory.check_memory(config, 5000, 40_000, extra, Room(there, "there"))
    for name, value in re.findall(r"(\w+)=(\d+)", way):
        smaller = dataclasses.replace(config, dim=int(value)) if name == "dim" else config
        share = int(value) / 5000 if name == "max_vocab" else 1
        left = sum(memory.memory_needed(smaller.resolved(), 5000, 40_000).values()) * share
        assert left + (1 << 20) <= there - memory.reserve(there)
