"""What is in the page of `w2v explore`, read back without a browser."""

from __future__ import annotations

import base64
import json
import re

import numpy as np
import pytest

from w2v.seeing import explore
from w2v.vectors.vectors import Vectors

WORDS = ["man", "king", "woman", "queen", "</script>", "the\ud800"]


def some(rows: int = 6, dim: int = 4) -> Vectors:
    words = [*WORDS, *(f"w{row}" for row in range(6, rows))][:rows]
    made = np.random.default_rng(4).normal(size=(rows, dim)).astype(np.float32)
    return Vectors([word.encode("utf-8", "surrogatepass") for word in words], made)


def parts(page: explore.Contents) -> dict[str, object]:
    text = page.html.decode("utf-8")
    found = dict(re.findall(r'<script type="[^"]*" id="data-([^"]*)">(.*?)</script>', text, re.S))
    return {k: json.loads(v) if k in ("about", "words") else base64.b64decode(v) for k, v in found.items()}


def test_a_page_holds_rounded_rows_their_neighbours_groups_and_maps():
    vectors, told = some(), []
    page = explore.make_page(vectors, "<t>", "pca", names={"king": "The King"},
                             groups={"man": "m", "king": "m", "queen": "w", "nowhere": "n"},
                             on_progress=lambda *said: told.append(said))  # fmt: skip
    assert (page.words, page.dim, page.bits) == (6, 4, 16)
    found = parts(page)
    about = found["about"]
    assert found["words"][:4] == ["man", "The King · king", "woman", "queen"]
    assert (about["title"], about["count"], about["dim"], about["bits"], about["bytes"]) == ("<t>", 6, 4, 16, 2)
    assert about["listed"] == 5  # all others
    assert about["legend"] == ["m", "w", "other"]
    assert list(found["groups"]) == [0, 0, 2, 1, 2, 2]
    assert about["maps"] == [{"name": "pca", "label": "PCA"}]
    rows = np.frombuffer(found["vectors"], "<i2").reshape(6, 4) / 32767
    assert np.allclose(rows, vectors.matrix / np.abs(vectors.matrix).max(axis=1, keepdims=True), atol=2e-5)
    near = np.frombuffer(found["near"], "<u2").reshape(6, 5)
    assert np.array_equal(near, vectors.neighbours(topn=5)[0])
    assert len(found["map-pca"]) == 6 * 2 * 2
    assert [said for said in told if said[0] != "neighbours"] == [
        ("map by PCA", 0, 0),
        ("groups", 0, 0),
        ("page", 0, 0),
    ]
    assert told[-4][1:] == (6, 6)


def test_a_page_opens_with_an_analogy_that_is_known_by_its_own_name_and_frequent_words():
    vectors = some(200)
    same = {word: word for word in vectors.words}
    known = explore.examples(vectors, same)
    assert known == {"examples": ["king - man + woman", "</script>", "w20"], "analogy": ["man", "king", "woman"]}
    renamed = explore.examples(vectors, {**same, "king": "The King · king"})
    assert renamed == {"examples": ["</script>", "w20", "w50"], "analogy": []}


def test_the_largest_groups_are_named_and_the_rest_is_one_more(monkeypatch):
    vectors = Vectors(["a", "b", "c", "d"], np.eye(4))
    groups = {"a": "small", "b": "large", "c": "large", "elsewhere": "small", "nowhere": "small"}
    names, rows = explore.given_groups(vectors, groups)
    assert (names, rows.tolist(), rows.dtype) == (["large", "small", "other"], [1, 0, 0, 2], np.uint8)
    assert sorted(explore.given_groups(vectors, {**groups, "d": "small"})[0]) == ["large", "small"]
    monkeypatch.setattr(explore, "MOST_GROUPS", 1)
    names, rows = explore.given_groups(vectors, groups)
    assert (names, rows.tolist()) == (["large", "other"], [1, 0, 0, 1])


def test_numbers_of_twelve_bits_are_two_in_three_bytes_and_rows_of_zeros_stay():
    rows = np.array([[1.0, -1.0, 0.5], [0, 0, 0], [-0.25, 0.125, 0.0]], np.float32)
    whole = np.rint(rows / np.array([[1], [1], [0.25]]) * 2047).astype(int).ravel()
    data = np.frombuffer(explore.rounded(rows, 12), np.uint8).reshape(-1, 3).astype(int)
    pairs = np.stack([data[:, 0] | (data[:, 1] & 15) << 8, data[:, 1] >> 4 | data[:, 2] << 4], axis=1).ravel()
    assert ((pairs + 2048) % 4096 - 2048).tolist() == [*whole.tolist(), 0]
    assert np.frombuffer(explore.rounded(rows, 8), np.int8).tolist() == [127, -127, 64, 0, 0, 0, -127, 64, 0]
    assert np.frombuffer(explore.rounded(rows, 16), "<i2").tolist()[:3] == [32767, -32767, 16384]


def test_the_finest_rounding_that_fits_is_taken():
    size = 100 * 30 * 16 // 8 * 4 // 3
    assert explore.bits_that_fit((100, 30), size) == 16
    assert explore.bits_that_fit((100, 30), size - 1) == 12
    assert explore.bits_that_fit((100, 30), size * 3 // 4 - 1) == 8
    assert explore.bits_that_fit((100, 30), 0) == 8


def test_places_fill_a_square_but_for_a_margin_and_outliers_are_drawn_in():
    line = np.stack([np.linspace(-3, 5, 2001), np.linspace(0, 2, 2001)], axis=1)
    cells = explore.on_grid(line).astype(int)
    middle = 65535 / 2
    assert abs(cells[1000] - middle).max() <= 1
    assert cells[0, 0] == 65535 - cells[-1, 0]
    assert (cells[-3, 0] - middle) / middle == pytest.approx(1 / 1.05, abs=1e-3)
    assert (cells[-3, 1] - middle) / middle == pytest.approx(0.25 / 1.05, abs=1e-3)
    line[7] = 1e9
    assert explore.on_grid(line)[7].tolist() == [65535, 65535]


@pytest.mark.parametrize("text", ["</script>", "<!--", "a & b", "\u2028", "\x7f", "\ufeff"])
def test_no_text_ends_the_script_that_it_is_in(text):
    made = explore.as_json([text])
    assert json.loads(made) == [text]
    assert made.isascii()
    assert not set("<>&") & set(made)
    assert explore.as_json(["\ud800é"]) == '["\\ud800é"]'
