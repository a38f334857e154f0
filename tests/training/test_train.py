"""`w2v.train`: the library's one call, from any kind of corpus to vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import w2v
from w2v.corpus.encoded import EncodedCorpus
from w2v.errors import CorpusError, SettingsError, TrainingError
from w2v.machine import Room
from w2v.training.config import TrainConfig
from w2v.training.memory import memory_needed
from w2v.training.train import build_configs
from w2v.training.trainer import Trainer

SENTENCES = [
    ["왕은", "남자", "이다"],
    ["여왕은", "여자", "이다"],
    ["الملك", "رجل"],
    ["国王", "是", "男人", "👑"],
    ["e\u0301te\u0301", "\u00e9t\u00e9", "naïve"],
] * 40
FEW = {"dim": 8, "epochs": 2, "min_count": 1, "threads": 1, "sample": 0}


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.txt"
    path.write_text("".join(" ".join(sentence) + "\n" for sentence in SENTENCES), encoding="utf-8")
    return path


def test_words_of_any_script_come_back_in_falling_order_of_count() -> None:
    vectors = w2v.train(SENTENCES, **FEW)
    assert set(vectors.words) == {word for sentence in SENTENCES for word in sentence}
    assert vectors.words[0] == "이다", "80 times, all others 40"
    assert vectors.matrix.shape == (14, 8)
    assert vectors.matrix.dtype == np.float32
    assert np.linalg.norm(vectors["👑"]) > 0


def test_every_kind_of_corpus_gives_the_same_vectors(text: Path) -> None:
    kinds = [
        str(text),
        text,
        [text],
        (str(text),),
        SENTENCES,
        tuple(SENTENCES),
        iter(SENTENCES),
        (tuple(sentence) for sentence in SENTENCES),
        [[word.encode() for word in s] for s in SENTENCES],
    ]
    found = [w2v.train(corpus, **FEW) for corpus in kinds]
    for vectors in found[1:]:
        assert list(vectors.words) == list(found[0].words)
        assert vectors.matrix.tobytes() == found[0].matrix.tobytes()


def test_corpus_of_several_files_is_all_of_them(text: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("one more\n")
    assert {"one", "more", "이다"} <= set(w2v.train([text, other], **FEW).words)


def test_word_that_is_not_utf_8_is_kept() -> None:
    vectors = w2v.train([[b"caf\xe9", b"noir"], [b"caf\xe9", b"au", b"lait"]], **FEW)
    assert vectors.words[0] == "caf\udce9"


def test_settings_reach_the_corpus_and_the_trainer() -> None:
    assert len(w2v.train(SENTENCES, **{**FEW, "min_count": 40})) == 14
    assert len(w2v.train([*SENTENCES, ["남자"]], **{**FEW, "min_count": 41})) == 2
    assert len(w2v.train(SENTENCES, **{**FEW, "max_vocab": 3})) == 3
    assert w2v.train(SENTENCES, **{**FEW, "dim": 3}).dim == 3
    assert len(w2v.train(SENTENCES, **{**FEW, "normalize": "nfc"})) == 13


def test_seed_decides_the_vectors() -> None:
    first, again, other = (w2v.train(SENTENCES, **FEW, seed=seed).matrix.tobytes() for seed in (4, 4, 5))
    assert first == again != other


def test_settings_of_both_kinds_are_told_apart() -> None:
    corpus, training = build_configs("train", {"min_count": 2, "dim": 7, "lower": True, "loss": "hs"})
    assert (corpus.min_count, corpus.lower, training.dim, training.loss) == (2, True, 7, "hs")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("windows", "; did you mean window?"),
        ("on_stop", ""),
        ("Dim", "; did you mean dim?"),
        ("vector_size", "; write dim=5"),
        ("workers", "; write threads=5"),
        ("iter", "; write epochs=5"),
        ("cbow_mean", "; leave it out: the mean is always taken"),
    ],
)
def test_unknown_setting_is_refused_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(SettingsError, match=f"there is no setting '{name}'{hint.replace('?', '[?]')}"):
        w2v.train(SENTENCES, **{name: 5})


@pytest.mark.parametrize(
    ("given", "hint"), [({"sg": 1}, "model='skipgram'"), ({"sg": 0}, "model='cbow'"), ({"hs": True}, "loss='hs'")]
)
def test_settings_of_gensim_are_answered_with_those_that_mean_the_same(given: dict[str, int], hint: str) -> None:
    with pytest.raises(SettingsError, match=f"; write {hint}"):
        w2v.train(SENTENCES, **given)
    with pytest.raises(SettingsError, match=f"'[sh][gs]'; write {hint}; nor 'vector_size'; write dim=5"):
        w2v.train(SENTENCES, vector_size=5, **given)
    with pytest.raises(AttributeError, match="; train with"):
        w2v.Word2Vec  # noqa: B018
    vectors = w2v.train(SENTENCES, min_count=1, dim=2, epochs=1)
    with pytest.raises(AttributeError, match=r"'wv'; write vectors[.]most"):
        vectors.wv  # noqa: B018
    with pytest.raises(AttributeError, match=r"no attribute 'most'$"):
        vectors.most  # noqa: B018


@pytest.mark.parametrize("name", ["log", "report", "checkpoint"])
def test_standard_output_is_no_file(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}: - is no file"):
        w2v.train(SENTENCES, **{name: "-"})


def test_more_memory_than_there_is_is_refused_as_by_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("w2v.training.memory.room", lambda: Room(1000, "left for this test"))
    with pytest.raises(TrainingError, match=r"not enough memory: .* 1\.00 kB are left for this test"):
        w2v.train(SENTENCES, min_count=1)


def test_memory_for_more_ngrams_than_are_usual_is_found_to_be_missing_before_it_is_taken(monkeypatch):
    rng = np.random.default_rng(3)
    words = ["".join(map(chr, rng.integers(97, 101, 12))) for _ in range(1000)]
    settings = {"dim": 64, "min_count": 1, "sample": 0, "epochs": 1, "threads": 1}
    config = TrainConfig(dim=64, threads=1, subwords="3-6")
    assumed = sum(memory_needed(config.resolved(), 1000, 12_000).values())
    monkeypatch.setattr("w2v.training.memory.room", lambda: Room(assumed * 10 // 9, "there"))
    w2v.train([words] * 2, subwords="6-6", **settings)
    with pytest.raises(TrainingError, match=r"not enough memory: 1,000 words x 64 take 3\.0\d MB \(.*n-grams"):
        w2v.train([words] * 2, subwords="3-9", **settings)


def test_the_vectors_know_the_settings_and_a_file_keeps_them(tmp_path: Path) -> None:
    vectors = w2v.train(SENTENCES, min_count=1, sample=0, dim=8, window=3, model="cbow", combine="add", unit=True)
    expected = {"dim": "8", "window": "3", "model": "cbow", "loss": "ns", "lr": "0.06", "seed": "1", "exact": "false"}
    assert expected.items() <= vectors.metadata.items()
    assert "threads" not in vectors.metadata
    vectors.save(tmp_path / "v.safetensors")
    assert w2v.load(tmp_path / "v.safetensors").metadata == vectors.metadata


def test_settings_are_checked_before_the_corpus_is_read() -> None:
    def sentences():
        raise AssertionError("the corpus was read")
        yield

    with pytest.raises(SettingsError, match=r"dim: must be between 1 and 65536 \(got 0\)"):
        w2v.train(sentences(), dim=0)


@pytest.mark.parametrize("corpus", [[], iter(()), [[]], [["a", "b", "c"]], [["a"] * 9], [["a"] * 9, ["b"]]])
def test_corpus_with_nothing_to_train_on_is_an_error(corpus) -> None:
    with pytest.raises(CorpusError):
        w2v.train(corpus)


def test_text_instead_of_sentences_is_an_error(tmp_path: Path) -> None:
    with pytest.raises((CorpusError, OSError)):
        w2v.train(str(tmp_path / "the king is a man"))
    with pytest.raises(CorpusError):
        w2v.train(b"the king is a man")


def test_progress_is_reported() -> None:
    seen = []
    w2v.train(SENTENCES * 50, on_progress=seen.append, **{**FEW, "epochs": 20})
    assert seen
    assert seen[-1].tokens_done <= seen[-1].tokens_total == 20 * 50 * 40 * 15
    assert {"epoch", "lr", "loss", "words_per_s"} <= set(vars(seen[-1]))


def test_corpus_is_closed_when_the_training_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr(EncodedCorpus, "close", lambda self: closed.append(self))

    def fail(*args) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(Trainer, "run", fail)
    with pytest.raises(RuntimeError, match="no"):
        w2v.train(SENTENCES, **FEW)
    assert len(closed) == 1


@pytest.mark.parametrize("wrong", [{"init": np.eye(3)}, {"read_vocab": ["a", "b"]}, {"read_vocab": {"a": 3}}])
def test_what_a_training_cannot_start_from_is_refused_by_name(wrong):
    (name,) = wrong
    with pytest.raises(SettingsError, match=rf"{name}: is of type \w+; give a file or (Vectors|Vocab)"):
        w2v.train([["a", "b"]] * 9, min_count=1, **wrong)
