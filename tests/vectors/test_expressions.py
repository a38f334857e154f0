"""Questions as people write them."""

from __future__ import annotations

import pytest

from w2v.vectors.expressions import analogy_words, joined_arguments, parse_query


@pytest.mark.parametrize("minus", ["-", "\u2212", "\u2013"])
def test_a_minus_sign_and_a_dash_are_minus(minus):
    assert parse_query(f"king {minus} man + woman").negative == ("man",)
    assert parse_query(f"x{minus}ray").positive == (f"x{minus}ray",)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["king", "-", "man", "+", "woman"], ["king - man + woman"]),
        (["king", "\u2212", "man"], ["king \u2212 man"]),
        (["king"], ["king"]),
        (["king", "queen"], ["king", "queen"]),
        (["king", "+"], ["king", "+"]),  # two words: a sign alone is one
        (["king", "queen", "man"], ["king", "queen", "man"]),
        (["king - man + woman", "queen"], ["king - man + woman", "queen"]),
        ([], []),
    ],
)
def test_an_expression_without_quotes_is_one_query(given, wanted):
    assert joined_arguments(given) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("man king woman", ["man", "king", "woman"]),
        ("man:king woman", ["man", "king", "woman"]),
        ("man:king woman:?", ["man", "king", "woman"]),
        ("man:king woman:queen", ["man", "king", "woman", "queen"]),
        ("man king woman queen", ["man", "king", "woman", "queen"]),
        ("man is to king as woman is to ?", ["man", "king", "woman"]),
        ("Man is to king as woman is to", ["Man", "king", "woman"]),
        ("man\tking  woman", ["man", "king", "woman"]),
        ("a:b c d", ["a:b", "c", "d"]),  # the colon is the word's
        ("a b", ["a", "b"]),
        ("a\u00a0b c d", ["a\u00a0b", "c", "d"]),
    ],
)
def test_an_analogy_may_be_written_in_several_ways(text, wanted):
    assert analogy_words(text) == wanted
