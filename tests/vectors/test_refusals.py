"""What the library says to what it cannot do, to the letter."""

from __future__ import annotations

import numpy as np
import pytest

import w2v
from w2v.corpus.sources import expand
from w2v.corpus.vocab import TokenCounts, Vocab
from w2v.errors import CorpusError, SettingsError, UnknownWordError, VectorsError, W2VError
from w2v.vectors.compare import compare
from w2v.vectors.expressions import parse_query
from w2v.vectors.vectors import Vectors

ONES = np.ones((2, 3), np.float32)
TWO = Vectors(["a", "b"], ONES)
FORMATS = "bin, text, glove, npy, safetensors, projector, parquet, fasttext, static-embedding"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: Vectors("ab", ONES),
            TypeError,
            "the words are of type str; give a list of them, in the order of the rows",
        ),
        (
            lambda: Vectors({"a", "b"}, ONES),
            TypeError,
            "the words are of type set; give a list of them, in the order of the rows",
        ),
        (
            lambda: Vectors(["a", "b"], ONES * 1j),
            VectorsError,
            "the matrix holds complex numbers; vectors are real",
        ),
        (
            lambda: Vectors(["a", "b", "c"], ONES),
            VectorsError,
            "the matrix must have a row for each word (3 of them); its shape is (2, 3)",
        ),
        (
            lambda: Vectors(["a", "b"], ONES[0]),
            VectorsError,
            "the matrix must have a row for each word (2 of them); its shape is (3,)",
        ),
        (
            lambda: TWO.most_similar(),
            VectorsError,
            "most_similar: no words are given; give at least one in `positive`",
        ),
        (lambda: TWO.nothing, AttributeError, "'Vectors' object has no attribute 'nothing'"),
        (lambda: w2v.nothing, AttributeError, "module 'w2v' has no attribute 'nothing'"),
        (
            lambda: TWO.save("v.safetensors", with_context=True),
            VectorsError,
            "there is no context matrix to save; train the vectors, or load them with context=True",
        ),
        (lambda: TWO.save(12), TypeError, "vectors are saved to a path or an open binary file, not to int"),
        (lambda: TWO.save("folder"), W2VError, "folder: is a directory; give the name of a file"),
        (lambda: TWO.save("v.bin", "zip"), SettingsError, f"format: 'zip' is not one of {FORMATS}"),
        (lambda: compare([TWO]), SettingsError, "two models at least can be compared"),
        (lambda: compare([TWO, TWO], 0), SettingsError, "k: 0 is not at least 1"),
        (lambda: parse_query("a +"), SettingsError, '"a +": ends in a sign; a word must follow it'),
        (
            lambda: parse_query("a b"),
            SettingsError,
            "\"a b\": no sign before \"b\"; join words by ' + ' or ' - ', the parts of a phrase or an item by _",
        ),
        (lambda: TWO.top(-1), SettingsError, "top: -1 is not a whole number of at least 0"),
        (lambda: TWO.top(1.5), SettingsError, "top: 1.5 is not a whole number of at least 0"),
        (lambda: TWO.rank("a", "zz"), UnknownWordError, '"zz" is not in the vocabulary'),
        (lambda: Vocab([b"a"], np.array([1, 2])), ValueError, "as many counts as words are needed"),
        (lambda: expand([]), CorpusError, "no corpus: give files, folders, or - for standard input"),
        (lambda: expand(["-", "-"]), CorpusError, "standard input (-) can be read only once"),
        (
            lambda: TokenCounts(read=3, kept=1).check(),
            ValueError,
            f"the token counts do not add up: {TokenCounts(read=3, kept=1)}",
        ),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_a_refusal_says_what_was_found(tmp_path, monkeypatch, call, error, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value) == message
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
