"""Predictions are probabilities: they sum to 1, and are those of the model that was trained."""

from __future__ import annotations

import numpy as np
import pytest

import w2v
from w2v.errors import SettingsError, UnknownWordError, VectorsError
from w2v.kernel.tables import huffman_paths
from w2v.vectors.formats import ModelParts
from w2v.vectors.prediction import probabilities
from w2v.vectors.vectors import Vectors

RING = [[f"w{(start + i) % 12}" for i in range(60)] for start in range(12)] * 3
LOSSES = ("ns", "hs", "softmax")


@pytest.fixture(scope="module", params=LOSSES)
def trained(request) -> Vectors:
    """Words in a ring: beside each stand its two neighbours alone."""
    return w2v.train(RING, min_count=1, loss=request.param, window=1, sample=0, dim=16, epochs=60, lr=0.1, threads=1)


def test_the_chances_sum_to_one_and_the_neighbours_share_them(trained):
    chances = probabilities(trained, ["w5"])
    assert chances.shape == (12,)
    assert chances.sum() == pytest.approx(1, abs=1e-12)
    found = trained.predict("w5", topn=2)
    assert {word for word, _ in found} == {"w4", "w6"}
    assert sum(chance for _, chance in found) > 0.9
    assert trained.predict(["w4", "w6"], topn=1)[0][0] == "w5"
    assert len(trained.predict("w5", topn=None)) == 12


def small(loss: str, seed: int = 3) -> Vectors:
    random = np.random.default_rng(seed)
    counts = np.array([50, 20, 9, 9, 2, 1])
    vectors = Vectors([f"w{i}" for i in range(6)], random.normal(size=(6, 4)).astype(np.float32))
    vectors.model = ModelParts(random.normal(size=(6 - (loss == "hs"), 4)).astype(np.float32), counts)
    vectors.metadata.update({"loss": loss, "ns_exponent": "0.5"})
    return vectors


@pytest.mark.parametrize("loss", LOSSES)
def test_they_are_those_of_the_formulas(loss):
    vectors = small(loss)
    hidden = (vectors.matrix[1].astype(float) + vectors.matrix[4]) / 2
    outputs, counts = vectors.model
    scores = [float(np.dot(row, hidden)) for row in outputs]
    if loss == "hs":
        start, path = huffman_paths(counts)
        wanted = []
        for word in range(6):
            chance = 1.0
            for step in path[start[word] : start[word + 1]]:
                right = 1 / (1 + np.exp(-scores[step >> 1]))
                chance *= 1 - right if step & 1 else right
            wanted.append(chance)
    else:
        noise = counts**0.5 if loss == "ns" else np.ones(6)
        weights = [np.exp(score) * part for score, part in zip(scores, noise, strict=True)]
        wanted = [weight / sum(weights) for weight in weights]
    np.testing.assert_allclose(probabilities(vectors, ["w1", "w4"]), wanted, rtol=1e-5)


def test_relevance_puts_last_what_is_everywhere():
    vectors = small("softmax")
    vectors.matrix[0] = 0  # says nothing: all words are as likely
    assert [word for word, _ in vectors.predict("w0", 6)] == [f"w{i}" for i in range(6)]
    assert [word for word, _ in vectors.predict("w0", 6, sort="relevance")][:2] == ["w5", "w4"]
    assert [word for word, _ in vectors.predict("w0", 6, sort="relevance")][-1] != "w5"


@pytest.mark.parametrize("loss", LOSSES)
def test_a_model_saved_with_its_context_predicts_the_same(trained, tmp_path, loss):
    path = tmp_path / "m.safetensors"
    trained.save(path, with_context=True)
    loaded = w2v.load(path, context=True)
    assert loaded.predict("w3") == trained.predict("w3")
    assert (loaded.context is None) == (trained.metadata["loss"] == "hs")
    assert loaded.metadata == trained.metadata
    plain = w2v.load(path)
    assert plain.matrix.tobytes() == trained.matrix.tobytes()
    assert plain.model is None
    with open(path, "rb") as file:
        assert w2v.Vectors.load(file, context=True).predict("w3") == trained.predict("w3")


def test_what_is_missing_or_wrong_is_an_error(tmp_path):
    vectors = small("ns")
    with pytest.raises(UnknownWordError, match="w9"):
        vectors.predict("w9")
    with pytest.raises(SettingsError, match="none are given"):
        vectors.predict([])
    with pytest.raises(SettingsError, match="topn: 0"):
        vectors.predict("w1", topn=0)
    with pytest.raises(SettingsError, match="sort"):
        vectors.predict("w1", sort="size")
    with pytest.raises(SettingsError, match="bin cannot hold the context matrix"):
        vectors.save(tmp_path / "v.bin", with_context=True)
    vectors.metadata["loss"] = "hs"
    with pytest.raises(VectorsError, match="5 inner nodes"):
        vectors.predict("w1")
    vectors.model = None
    with pytest.raises(VectorsError, match="context=True"):
        vectors.predict("w1")
    with pytest.raises(VectorsError, match="no context matrix"):
        vectors.save(tmp_path / "v.safetensors", with_context=True)


@pytest.mark.parametrize("change", ["rows", "type", "counts", "nan", "negative"])
def test_a_file_whose_parts_do_not_belong_together_is_refused(tmp_path, change):
    from w2v.safetensors import make_header

    vectors = small("ns")
    outputs, counts = np.array(vectors.model.outputs), np.array(vectors.model.counts, "<i8")
    if change == "rows":
        outputs = outputs[:3]
    elif change == "counts":
        counts = counts[:5]
    elif change == "nan":
        outputs[2, 1] = np.nan
    elif change == "negative":
        counts[1] = -1
    words = b"".join(b"w%d\n" % i for i in range(6))
    kind = "I32" if change == "type" else "F32"
    header = make_header(
        {
            "counts": ("I64", counts.shape),
            "vectors": ("F32", (6, 4)),
            "context": (kind, outputs.shape),
            "words": ("U8", (len(words),)),
        },
        {"format": "np"},
    )
    path = tmp_path / "m.safetensors"
    path.write_bytes(header + counts.tobytes() + vectors.matrix.tobytes() + outputs.tobytes() + words)
    assert len(w2v.load(path)) == 6
    with pytest.raises(VectorsError, match=r"m\.safetensors: .*(belong|finite|below 0)"):
        w2v.load(path, context=True)
