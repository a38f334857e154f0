"""Vectors of lines, against a slow reference."""

from __future__ import annotations

import numpy as np
import pytest

from w2v import Vectors
from w2v.corpus.vocab import Vocab
from w2v.errors import SettingsError, VectorsError
from w2v.vectors import embed
from w2v.vectors._ngrams import FloatRows
from w2v.vectors.subwords import Subwords

WORDS = [f"w{i}" for i in range(40)] + ["été", "long" * 20]
LINES = [
    "w0 w1 w2",
    "",
    "   ",
    "w3 w3  unknown\tw4",
    "nothing here",
    "w5\u00a0été\r",
    "long" * 20 + " w39",
    "a line\nin two w7",
    *(" ".join(f"w{(7 * i * j) % 45}" for j in range(i % 9)) for i in range(300)),
    "w8",
]


@pytest.fixture
def vectors() -> Vectors:
    return Vectors(WORDS, np.random.default_rng(5).normal(size=(len(WORDS), 7)).astype(np.float32))


def reference(vectors: Vectors, lines: list[str], weight=lambda row: 1.0) -> np.ndarray:
    out = np.zeros((len(lines), vectors.dim))
    for place, line in enumerate(lines):
        rows = [vectors.index(word) for word in line.split() if word in vectors]
        if rows:
            out[place] = np.mean([weight(row) * vectors.matrix[row].astype(np.float64) for row in rows], axis=0)
    return out


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("size", "lines"), [(1 << 18, 4096), (40, 4096), (1 << 18, 3)])
def test_each_line_is_the_mean_of_its_known_words(vectors, monkeypatch, threads, size, lines):
    monkeypatch.setattr(embed, "BLOCK_BYTES", size)
    monkeypatch.setattr(embed, "BLOCK_LINES", lines)
    monkeypatch.setattr(embed, "MOST_SPELLINGS", 20)  # and readers begin anew
    found = vectors.embed(LINES, threads=threads)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference(vectors, LINES), atol=1e-6)


@pytest.mark.parametrize("end", [b"", b"\n"])
@pytest.mark.parametrize("size", [1 << 18, 7])
def test_a_file_has_a_row_for_each_of_its_lines(vectors, tmp_path, monkeypatch, size, end):
    lines = [line.replace("\n", " ") for line in LINES]
    (tmp_path / "lines.txt").write_bytes(b"\xef\xbb\xbf" + "\n".join(lines).encode() + end)
    monkeypatch.setattr(embed, "BLOCK_BYTES", size)
    embedder = embed.LineEmbedder(vectors, reading=embed.reading_settings(vectors))
    found = list(embedder.run(embed.blocks_of_file(str(tmp_path / "lines.txt")), lambda rows: rows))
    np.testing.assert_allclose(np.concatenate(found), reference(vectors, lines), atol=1e-6)
    empty = sum(not any(word in vectors for word in line.split()) for line in lines)
    assert (embedder.seen.lines, embedder.seen.unknown_lines) == (len(lines), empty)
    tokens = [word for line in lines for word in line.split()]
    assert embedder.seen.tokens == len(tokens)
    assert embedder.seen.unknown_tokens == sum(word not in vectors for word in tokens)


@pytest.mark.parametrize("source", ["given", "held", "zipf"])
def test_sif_is_that_of_the_paper(vectors, source):
    counts = np.arange(1, len(WORDS) + 1)[::-1] ** 2
    given = None
    if source == "given":
        given = Vocab.sorted([word.encode() for word in WORDS] + [b"other"], np.append(counts, 500))
        share = counts / (counts.sum() + 500)
    elif source == "held":
        vectors.counts = counts
        share = counts / counts.sum()
    else:
        share = 1 / np.arange(1, len(WORDS) + 1)
        share = share / share.sum()
    means = reference(vectors, LINES, lambda row: 1e-3 / (1e-3 + share[row]))
    first = np.linalg.svd(means)[2][0]
    expected = means - np.outer(means @ first, first)
    np.testing.assert_allclose(vectors.embed(LINES, sif=1e-3, counts=given), expected, atol=1e-5)


def test_only_the_first_lines_decide_what_is_common_and_it_can_be_used_again(vectors, monkeypatch):
    monkeypatch.setattr(embed, "SAMPLE_LINES", 100)
    monkeypatch.setattr(embed, "BLOCK_LINES", 10)
    means = reference(vectors, LINES)
    common = np.linalg.svd(means[:100])[2][:2]
    expected = means - means @ common.T @ common
    np.testing.assert_allclose(vectors.embed(LINES, remove=2), expected, atol=1e-5)
    np.testing.assert_allclose(vectors.embed(LINES, common=common), expected, atol=1e-5)
    unit = vectors.embed(LINES, common=common, unit=True)
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(unit, np.divide(expected, lengths, where=lengths > 1e-9, out=expected * 0), atol=1e-4)


def test_with_subwords_no_word_is_lost(vectors):
    rows = np.random.default_rng(1).normal(size=(50, 7)).astype(np.float32)
    vectors.subwords = Subwords(3, 4, 50, FloatRows(rows))
    (found,) = vectors.embed(["w0 neverseen"])
    np.testing.assert_allclose(found, (vectors["w0"] + vectors["neverseen"]) / 2, atol=1e-6)


def test_lines_are_read_as_the_corpus_was():
    vectors = Vectors(["don't", "stop", "new"], np.eye(3))
    assert vectors.embed(["Don't STOP!"]).tolist() == [[0, 0, 0]]
    told = vectors.embed(["Don't STOP!"], tokenizer="words", lower=True)
    vectors.metadata |= {"tokenizer": "words", "lower": "true"}
    assert told.tolist() == vectors.embed(["Don't STOP!"]).tolist() == [[0.5, 0.5, 0]]
    assert vectors.embed(["Don't STOP!"], lower=False).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("count", [1, 3])
def test_of_lines_that_are_all_alike_nothing_is_left_without_what_they_share(count):
    """Not what float32 rounds, which at length 1 would look like a vector."""
    words = Vectors(["a", "b"], np.random.default_rng(2).normal(size=(2, 300)))
    assert not words.embed(["a b"] * count, sif=1e-3, counts=None, unit=True).any()
    assert words.embed(["a", "b"], sif=1e-3, counts=None, unit=True).any(axis=1).all()


def test_no_lines_give_no_rows(vectors):
    assert vectors.embed([]).shape == (0, 7)
    assert vectors.embed([], sif=1e-3).shape == (0, 7)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lines": "one line"}, VectorsError, "give a list of lines"),
        ({"sif": 0.0}, SettingsError, "must be more than 0"),
        ({"remove": 8}, SettingsError, "between 0 and 7"),
        ({"remove": 1, "common": np.ones((1, 7))}, SettingsError, "are given"),
        ({"common": np.ones((1, 3))}, SettingsError, "rows of 7 numbers"),
        ({"stem": True}, SettingsError, "no setting 'stem'"),
        ({"counts": Vocab([b"other"], np.array([3]))}, VectorsError, "none of its 1 words"),
    ],
)
def test_what_cannot_be_is_refused(vectors, options, error, message):
    with pytest.raises(error, match=message):
        vectors.embed(**{"lines": LINES, "sif": 1e-3 if "counts" in options else None, **options})


def test_a_line_that_is_a_list_is_refused(vectors):
    with pytest.raises(TypeError, match="join tokens"):
        vectors.embed([["w0", "w1"]])


def test_lines_that_are_given_one_by_one_go_in_blocks(monkeypatch):
    monkeypatch.setattr(embed, "BLOCK_BYTES", 10)
    monkeypatch.setattr(embed, "BLOCK_LINES", 5)
    lines = ["abc"] * 9 + ["d"] * 12 + [b"e\nf", "x" * 20, ""]
    assert [block.split(b"\n")[:-1] for block in embed.blocks_of_lines(lines)] == [
        [b"abc"] * 4,
        [b"abc"] * 4,
        [b"abc", *[b"d"] * 4],
        [b"d"] * 5,
        [b"d", b"d", b"d", b"e f", b"x" * 20],
        [b""],
    ]
