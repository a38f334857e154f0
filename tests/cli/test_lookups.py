"""`w2v similarity`, `rank`, `odd-one-out` and `vector` as processes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from w2v.vectors.vectors import load


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_similarity_prints_the_cosine(w2v, vectors):
    done = w2v("similarity", vectors, "king", "서울")
    assert done.returncode == 0, done.err
    assert rows(done.out) == [["king", "서울", f"{load(vectors).similarity('king', '서울'):.6f}"]]


@pytest.mark.parametrize("command", ["similarity", "rank"])
def test_pairs_come_from_standard_input_with_tabs_or_spaces(w2v, vectors, command):
    one = w2v(command, vectors, "king", "queen").out
    done = w2v(command, vectors, input="king\tqueen\nking queen\r\n\nking queen")
    assert (done.returncode, done.out) == (0, one * 3)


def test_rank_of_the_nearest_word_is_one(w2v, vectors):
    (nearest,) = rows(w2v("similar", vectors, "king", "-k", "1").out)
    done = w2v("rank", vectors, "king", nearest[2], "--format", "json")
    assert json.loads(done.out) == {"a": "king", "b": nearest[2], "rank": 1, "cosine": float(nearest[3])}


def test_odd_one_out_puts_it_first(w2v, vectors):
    done = w2v("odd-one-out", vectors, "king", "queen", "prince", "today")
    assert done.returncode == 0, done.err
    table = rows(done.out)
    assert table[0][:2] == ["king queen prince today", load(vectors).odd_one_out(["king", "queen", "prince", "today"])]
    assert len(table) == 4


def test_vector_prints_numbers_that_read_back(w2v, vectors):
    done = w2v("vector", vectors, "🙂", "king")
    assert done.returncode == 0, done.err
    loaded = load(vectors)
    for (word, *numbers), wanted in zip(rows(done.out), ("🙂", "king"), strict=True):
        assert word == wanted
        assert np.array_equal(np.array(numbers, np.float32), loaded[word])
    unit = json.loads(w2v("vector", vectors, "king", "--unit", "--format", "json").out)
    assert np.linalg.norm(unit["vector"]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("command", "text", "answered", "told"),
    [
        ("similarity", "king kng\nking queen\n", 1, 1),
        ("rank", "kng king\nking queen\n", 1, 1),
        ("similarity", "kng quen\nking queen\n", 1, 2),
        ("odd-one-out", "king queen kng\n", 2, 1),
        ("vector", "king kng\nqueen\n", 2, 1),
        ("similarity", "king\nking queen\n", 1, 1),
    ],
)
def test_what_cannot_be_answered_is_told_and_the_rest_answered(w2v, vectors, command, text, answered, told):
    done = w2v(command, vectors, input=text)
    assert done.returncode == 1
    assert len(rows(done.out)) == answered
    assert len(done.err.splitlines()) == told
    assert "did you mean king" in done.err or "two words" in done.err or "quen" in done.err


@pytest.mark.parametrize("args", [["similarity", "king"], ["rank", "a", "b", "c"], ["odd-one-out", "king"]])
def test_a_wrong_number_of_words_is_a_usage_error(w2v, vectors, args):
    done = w2v(args[0], vectors, *args[1:])
    assert done.returncode == 2
    assert f"see w2v {args[0]} --help" in done.err


def test_answers_end_quietly_when_the_reader_has_gone(w2v, vectors, environment):
    import subprocess

    line = f"yes 'king queen' | head -n 100000 | w2v similarity {vectors} | head -n 1; echo ${{PIPESTATUS[2]}}"
    done = subprocess.run(["bash", "-c", line], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout.splitlines()[1] in ("141", "0")
