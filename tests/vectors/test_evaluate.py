"""Evaluation scores against gensim's own evaluators."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import sys

import numpy as np
import pytest

from w2v.errors import VectorsError
from w2v.vectors.evaluate import pearson, ranks, spearman
from w2v.vectors.vectors import Vectors


@pytest.fixture(scope="module")
def both():
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
    keyed = pytest.importorskip("gensim.models").KeyedVectors(16)
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
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(7)
    for _ in range(20):
        x, y = rng.integers(0, 8, 50), rng.integers(0, 8, 50) + rng.integers(0, 2, 50) * 0.5
        assert np.array_equal(ranks(y), stats.rankdata(y))
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)
        assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y)[0], abs=1e-12)
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
    with pytest.raises(VectorsError, match=r"none of its 1 pairs \(the first: 'no', 'such'\)"):
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
    theirs = pytest.importorskip("gensim.models").KeyedVectors(20)
    theirs.add_vectors(names, matrix)
    score, _ = theirs.evaluate_word_analogies(str(bench_data / "questions-words.txt"), restrict_vocab=30_000)
    found = Vectors(names, matrix).evaluate(bench_data / "questions-words.txt")
    assert (found.total.asked, len(found.sections), found.malformed) == (19_544, 14, 0)
    assert (found.semantic.asked, found.syntactic.asked) == (8_869, 10_675)
    assert found.total.accuracy == pytest.approx(score, abs=1e-12)


SMALL = {
    "old": [1, 0.1],
    "new": [0.9, 0.3],
    "smart": [0.1, 1],
    "intelligent": [0.2, 1],
    "hard": [0.5, -1],
    "difficult": [0.6, -1],
    "7": [1, 1],
    "8": [1, 2],
}
PAIRS = [("old", "new", 2), ("smart", "intelligent", 9), ("hard", "difficult", 8)]


@pytest.fixture(scope="module")
def small() -> Vectors:
    return Vectors(list(SMALL), np.array(list(SMALL.values()), np.float32))


def evaluated(vectors: Vectors, folder, content: str | bytes):
    (folder / "asked").write_bytes(content.encode() if isinstance(content, str) else content)
    return vectors.evaluate(folder / "asked")


@pytest.mark.parametrize(
    "lines",
    [
        ["{0}\t{1}\t{2}"],
        ["{0},{1},{2}"],
        ["{0};{1};{2}"],
        ["{0} {1} {2}"],
        ["{0}, {1}, {2}"],
        ['"{0}","{1}",{2}'],
        ['"{0}"\t"{1}"\t"{2}"'],
        ["word1,word2,score", "{0},{1},{2}"],
        ["w1\tw2\tPOS\tSimLex999\tconc\tSD(SimLex)", "{0}\t{1}\tA\t{2}\t2.{3}\t0.{3}"],  # found by its name
        ["Word 1,Word 2,Human (mean),1,2", "{0},{1},{2},{3},{2}"],  # WordSim-353 with its judges
        ["{0}\t{1}\tA\t{2}\tSYNONYMS"],  # SimVerb-3500: the only numbers
        ["{0}\t{1}\t{2}\t2.7\t1"],  # the only ones that differ
        ["{0};{1};{2},0"],  # a decimal comma
        ["word1 word2 POS1 POS2 score", "{0} {1} {0}-n {1}-n {2}"],  # the pair is found by the columns' names
        ["{3}\t{0}\tn\t{1}\tn\t{2}"],  # and where there are none, what is the same again and again is no word
        ["id,a,b,rated", "{3},{0},{1},{2}"],  # what comes before the words is not the judgement
    ],
)
@pytest.mark.parametrize("change", ["", "crlf", "mark", "gzip", "no last newline"])
def test_rated_pairs_are_read_whatever_separates_names_or_surrounds_them(small, tmp_path, lines, change):
    *heading, row = lines
    text = "\n".join([*heading, *(row.format(*pair, number) for number, pair in enumerate(PAIRS, 1))]) + "\n"
    data = {
        "": text.encode(),
        "crlf": text.replace("\n", "\r\n").encode(),
        "mark": b"\xef\xbb\xbf" + text.encode(),
        "gzip": gzip.compress(text.encode()),
        "no last newline": text.rstrip("\n").encode(),
    }[change]
    plain = evaluated(small, tmp_path, "old\tnew\t2\nsmart\tintelligent\t9\nhard\tdifficult\t8\n")
    found = evaluated(small, tmp_path, data)
    assert (found.spearman, found.pearson, found.asked) == (plain.spearman, plain.pearson, 3)
    assert (found.malformed, found.left_out) == (0, "")


def test_columns_of_numbers_that_nothing_tells_apart_are_named(small, tmp_path):
    table = "old\tnew\t2\t3\nsmart\tintelligent\t9\t1\nhard\tdifficult\t8\t5\n"
    with pytest.raises(VectorsError, match=r"columns 3 \(2\), 4 \(3\) are all numbers.*cut -f"):
        evaluated(small, tmp_path, table)
    with pytest.raises(VectorsError, match=r"columns 3 \(first\), 4 \(second\) are all numbers"):
        evaluated(small, tmp_path, "a\tb\tfirst\tsecond\n" + table)


def test_columns_of_words_that_nothing_tells_apart_are_named(small, tmp_path):
    with pytest.raises(
        VectorsError, match=r"columns 1 \(old\), 2 \(new\), 3 \(hard\) are all text.*which two are the pair"
    ):
        evaluated(small, tmp_path, "old new hard 2\nsmart intelligent old 9\nhard difficult new 8\n")


def test_judgements_that_are_all_the_same_are_not_scored(small, tmp_path):
    with pytest.raises(VectorsError, match="all 2 judgements are 5, and a correlation needs"):
        evaluated(small, tmp_path, "old\tnew\t5\nsmart\tintelligent\t5\n")


def test_sessions_are_not_taken_for_rated_pairs(small, tmp_path):
    """Three items of a session are no pair and its judgement, whether or not the vectors know them."""
    rng = np.random.default_rng(6)
    sessions = [" ".join(map(str, rng.integers(0, 9, rng.integers(1, 7)))) for _ in range(3000)]
    for lines in (sessions, [line for line in sessions if line.count(" ") == 2]):
        with pytest.raises(VectorsError, match=r"asked:1: neither analogy questions .* nor word pairs"):
            evaluated(small, tmp_path, "\n".join(lines) + "\n")


def test_a_file_most_of_whose_lines_do_not_fit_is_refused_with_their_places(small, tmp_path):
    rows = "".join(f"{a}\t{b}\t{value}\n" for a, b, value in PAIRS)
    found = evaluated(small, tmp_path, rows + "not a pair\nnor\tthis\n\n# a comment\n")
    assert (found.asked, found.malformed) == (3, 2)
    assert found.left_out == "line 4 'not a pair', line 5 'nor\\tthis'"
    with pytest.raises(VectorsError, match=r"1,201 of 2,401 lines are not two words and a number \(line 1201"):
        evaluated(small, tmp_path, rows * 400 + "no\n" * 1201)
    questions = ": s\nold new hard difficult\n"
    found = evaluated(small, tmp_path, questions + "three words only\n")
    assert (found.total.asked, found.malformed, found.left_out) == (1, 1, "line 3 'three words only'")
    with pytest.raises(VectorsError, match=r"2 of 3 lines are not four words \(line 3 'a b c', line 4 'd'\)"):
        evaluated(small, tmp_path, questions + "a b c\nd\n")


def test_a_section_may_be_named_without_a_space(small, tmp_path):
    text = ":one\nold new hard difficult\n# a comment\n:  two \nold new smart intelligent\n"
    found = evaluated(small, tmp_path, text)
    assert [(section.name, section.asked) for section in found.sections] == [("one", 1), ("two", 1)]
    assert found.malformed == 0


MEASURE = """
import resource, sys
from w2v.errors import W2VError
import numpy, w2v.vectors.evaluate, w2v.vectors.derive, w2v.vectors.formats.words_file
from w2v.vectors.vectors import Vectors, load
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
vectors = Vectors(["a", "b"], numpy.eye(2, dtype="f4"))
for what in sys.argv[1:]:
    kind, _, path = what.partition(":")
    try:
        if kind == "list":  # nothing is kept of it
            w2v.vectors.words.find_words(vectors.words.table, w2v.vectors.derive.read_list(path))
            continue
        elif kind == "words":
            load("v.npy", words=path)
        else:
            vectors.evaluate(path)
        raise SystemExit(f"{path} is not refused")
    except W2VError as error:
        print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(
    ("line", "pack"),
    [
        *[(b"", pack) for pack in (gzip.compress, bz2.compress, lzma.compress)],
        *[(line, gzip.compress) for line in (b"a b a b\n", b"a\tb\t5\n", b"a\n")],
    ],
)
def test_what_unpacks_to_many_times_its_size_is_refused_in_little_memory(tmp_path, line, pack):
    """Lists of words, words of numbers and questions: 16 MiB of zeros, or of the same line again and again."""
    block = (line or b"\0") * ((1 << 20) // len(line or b"\0"))
    data = pack(b": s\n" if line.count(b" ") == 3 else b"\n") + pack(block) * 16
    (tmp_path / "bomb").write_bytes(data)
    Vectors(["a", "b"], np.eye(2, dtype=np.float32)).save(tmp_path / "v.npy")
    kinds = ["list:bomb", "words:bomb", "questions:bomb"]
    done = subprocess.run([sys.executable, "-c", MEASURE, *kinds], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    *errors, taken = done.stdout.splitlines()
    assert len(errors) >= 2
    assert all(error.startswith("bomb:") for error in errors)
    assert int(taken) * 1024 <= 4 * len(data) + (64 << 20)
