"""Evaluation scores against gensim's own evaluators."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
from gensim.models import KeyedVectors

from w2v.errors import VectorsError
from w2v.vectors.correlation import pearson, ranks, spearman
from w2v.vectors.vectors import Vectors


@pytest.fixture(scope="module")
def both() -> tuple[Vectors, KeyedVectors]:
    """Words in several cases; b - a is nearly d - c, so that about half of the analogies come out right."""
    rng = np.random.default_rng(9)
    base = rng.standard_normal((120, 16))
    shift = rng.standard_normal(16)
    words, rows = [], []
    for i in range(120):
        words += [f"base{i}" if i % 3 else f"Base{i}", f"form{i}"]
        rows += [base[i], base[i] + shift + rng.standard_normal(16) * 1.1]
        if i % 10 == 0:
            words.append(f"BASE{i}")
            rows.append(rng.standard_normal(16))
    matrix = np.array(rows, np.float32)
    keyed = KeyedVectors(16)
    keyed.add_vectors(words, matrix)
    return Vectors(words, matrix), keyed


@pytest.fixture(scope="module")
def questions(tmp_path_factory):
    rng = np.random.default_rng(2)
    lines = []
    for name in ("capitals", "family", "gram1-plural"):
        lines.append(f": {name}")
        for _ in range(300):
            i, j = rng.integers(0, 140, 2)
            lines.append(f"base{i} form{i} BASE{j} Form{j}")
        lines += ["base1 form1 base1 form1", "three words only", "", "base2 form2 base3 base3"]
    path = tmp_path_factory.mktemp("questions") / "questions.txt"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("restrict", [150, 250, 30_000])
@pytest.mark.parametrize("fold", [True, False])
def test_analogies_agree_with_gensim_to_the_last_question(both, questions, restrict, fold):
    ours, theirs = both
    score, sections = theirs.evaluate_word_analogies(str(questions), restrict_vocab=restrict, case_insensitive=fold)
    if not sections[-1]["correct"] + sections[-1]["incorrect"]:
        pytest.skip("nothing to ask")
    found = ours.evaluate(questions, restrict_vocab=restrict, case_insensitive=fold)
    assert [(s.name, s.correct, s.asked) for s in found.sections] == [
        (s["section"], len(s["correct"]), len(s["correct"]) + len(s["incorrect"])) for s in sections[:-1]
    ]
    assert found.total.accuracy == pytest.approx(score, abs=1e-12)
    assert found.semantic.asked + found.syntactic.asked == found.total.asked
    assert found.malformed == 3
    assert found.to_dict()["total"]["correct"] == len(sections[-1]["correct"])


@pytest.mark.parametrize("separator", ["\t", ","])
def test_pairs_agree_with_gensim(both, tmp_path, separator):
    ours, theirs = both
    rng = np.random.default_rng(4)
    lines = ["# a comment", separator.join(["Word 1", "Word 2", "Human (mean)"])]
    for _ in range(200):
        i, j = rng.integers(0, 130, 2)
        lines.append(separator.join([f"Base{i}", f"form{j}", f"{rng.integers(0, 10)}"]))
    path = tmp_path / "pairs"
    path.write_text("\n".join(lines) + "\n")
    r, rho, missing = theirs.evaluate_word_pairs(str(path), delimiter=separator, restrict_vocab=200)
    found = ours.evaluate(path, restrict_vocab=200)
    with open(path, "a") as file:
        file.writelines(separator.join(["Base1", "form2", bad]) + "\n" for bad in ("nan", "inf", "-inf"))
    odd = ours.evaluate(path, restrict_vocab=200)
    assert (odd.spearman, odd.pearson, odd.malformed) == (found.spearman, found.pearson, 3)
    assert found.spearman == pytest.approx(rho[0], abs=1e-6)
    assert found.pearson == pytest.approx(r[0], abs=1e-6)
    assert (1 - found.coverage) * 100 == pytest.approx(missing)
    assert found.malformed == 0
    assert found.to_dict()["asked"] + found.to_dict()["skipped"] == 200


def test_correlations_agree_with_scipy_with_ties():
    rng = np.random.default_rng(7)
    for _ in range(20):
        x, y = rng.integers(0, 8, 50), rng.integers(0, 8, 50) + rng.integers(0, 2, 50) * 0.5
        assert np.array_equal(ranks(y), scipy.stats.rankdata(y))
        assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y)[0], abs=1e-12)
        assert pearson(x, y) == pytest.approx(scipy.stats.pearsonr(x, y)[0], abs=1e-12)
    assert np.isnan(pearson(np.ones(5), np.arange(5)))
    assert np.isnan(spearman(np.ones(1), np.ones(1)))


def test_a_file_that_is_neither_is_refused(both, tmp_path):
    for text in ("", "hello\nworld\n", ": section\n", "a b c d\n"):
        (tmp_path / "f").write_text(text)
        with pytest.raises(VectorsError, match="f"):
            both[0].evaluate(tmp_path / "f")


def test_questions_that_cannot_be_asked_say_so(both, tmp_path):
    (tmp_path / "f").write_text(": s\nno such words here\n")
    with pytest.raises(VectorsError, match="none of its 1 questions"):
        both[0].evaluate(tmp_path / "f")
    (tmp_path / "f").write_text("no\tsuch\t1\n")
    with pytest.raises(VectorsError, match="none of its 1 pairs"):
        both[0].evaluate(tmp_path / "f")


def test_benchmark_files_are_understood(bench_data, tmp_path):
    """Coverage of the real files by vectors that hold all their words."""
    words: dict[str, None] = {}
    for line in (bench_data / "questions-words.txt").read_text().splitlines():
        if not line.startswith(":"):
            words.update(dict.fromkeys(line.split()))
    names = list(words)
    rng = np.random.default_rng(1)
    matrix = rng.standard_normal((len(names), 20), dtype=np.float32)
    theirs = KeyedVectors(20)
    theirs.add_vectors(names, matrix)
    score, _ = theirs.evaluate_word_analogies(str(bench_data / "questions-words.txt"), restrict_vocab=30_000)
    found = Vectors(names, matrix).evaluate(bench_data / "questions-words.txt")
    assert (found.total.asked, len(found.sections), found.malformed) == (19_544, 14, 0)
    assert (found.semantic.asked, found.syntactic.asked) == (8_869, 10_675)
    assert found.total.accuracy == pytest.approx(score, abs=1e-12)
