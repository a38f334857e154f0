"""`w2v word2vec`: scripts for the original program run, and the result is that of `w2v train`."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

from w2v.errors import SettingsError

ORIGINAL = (
    "-cbow",
    "0",
    "-size",
    "20",
    "-window",
    "8",
    "-negative",
    "7",
    "-hs",
    "0",
    "-sample",
    "1e-4",
    "-threads",
    "1",
    "-iter",
    "2",
    "-min-count",
    "3",
)


def same_command(done) -> list[str]:
    """The command line of w2v train that was told."""
    lines = [line for line in done.err.splitlines() if line.startswith("w2v: the same: ")]
    assert len(lines) == 1
    return shlex.split(lines[0].removeprefix("w2v: the same: "))


def test_script_for_the_original_gives_what_the_told_command_gives(w2v, corpus, tmp_path):
    for binary in ("0", "1"):
        done = w2v("word2vec", "-train", corpus, "-output", "v.out", *ORIGINAL, "-binary", binary)
        assert (done.returncode, done.out) == (0, ""), done.err
        mine = (tmp_path / "v.out").read_bytes()
        program, *arguments = same_command(done)
        assert program == "w2v"
        assert w2v(*arguments).returncode == 0
        assert (tmp_path / "v.out").read_bytes() == mine
        assert mine.split(b"\n")[0].endswith(b" 20")


def test_defaults_are_the_originals(w2v, corpus):
    done = w2v("word2vec", "-train", corpus, "-output", "v.txt")
    assert done.returncode == 0, done.err
    told = same_command(done)
    options = dict(zip(told[2 + 3 :: 2], told[3 + 3 :: 2], strict=False))
    assert told[2:5] == [str(corpus), "-o", "v.txt"]
    assert int(options.pop("--threads")) <= 12
    assert options == {
        "--model": "cbow",
        "--loss": "ns",
        "--dim": "100",
        "--window": "5",
        "--sample": "0.001",
        "--lr": "0.05",
        "--epochs": "5",
        "--min-count": "5",
        "--whitespace": "ascii",
        "--negative": "5",
        "--format": "text",
    }
    skipgram = w2v("word2vec", "-train", corpus, "-output", "v.txt", "-cbow", "0", "-iter", "1", "-size", "2")
    assert "--lr 0.025" in " ".join(same_command(skipgram))
    alpha = w2v("word2vec", "-train", corpus, "-output", "v.txt", "-alpha", "0.01", "-iter", "1", "-size", "2")
    assert "--lr 0.01" in " ".join(same_command(alpha))


def test_what_differs_is_said_once_and_not_with_debug_0(w2v, corpus):
    done = w2v("word2vec", "-train", corpus, "-output", "v.txt", *ORIGINAL, "-threads", "1000", "-hs", "1")
    assert done.err.count("unlike the original: no row for </s>") == 1
    assert done.err.count("-threads 1000: ") == 1
    assert done.err.count("-hs 1: hierarchical softmax alone") == 1
    quiet = w2v("word2vec", "-train", corpus, "-output", "v.txt", *ORIGINAL, "-debug", "0")
    assert (quiet.returncode, quiet.out, quiet.err) == (0, "", "")


def test_vocabulary_is_the_originals_and_can_be_read_again(w2v, corpus, tmp_path):
    done = w2v("word2vec", "-train", corpus, "-save-vocab", "only.txt", "-min-count", "1500")
    assert (done.returncode, done.out, done.err) == (0, "", "")
    rows = [line.split(" ") for line in (tmp_path / "only.txt").read_text(encoding="utf-8").splitlines()]
    assert rows[0] == ["</s>", "4000"]
    words = w2v("vocab", corpus, "--min-count", "1500").out
    assert [row[:2] for row in rows[1:]] == [line.split("\t") for line in words.splitlines()]
    args = ("word2vec", "-train", corpus, *ORIGINAL, "-min-count", "1500", "-output")
    assert w2v(*args, "a.txt", "-save-vocab", "with.txt").returncode == 0
    assert (tmp_path / "with.txt").read_bytes() == (tmp_path / "only.txt").read_bytes()
    assert w2v(*args, "b.txt", "-read-vocab", "only.txt").returncode == 0
    assert (tmp_path / "b.txt").read_bytes() == (tmp_path / "a.txt").read_bytes()


def test_classes_are_a_number_for_each_word(w2v, corpus, tmp_path):
    pytest.importorskip("sklearn")
    args = ("word2vec", "-train", corpus, *ORIGINAL, "-iter", "20")
    done = w2v(*args, "-output", "classes.txt", "-classes", "4")
    assert done.returncode == 0, done.err
    assert done.err.splitlines()[-1].endswith(" words in 4 classes")
    rows = [line.split(" ") for line in (tmp_path / "classes.txt").read_text(encoding="utf-8").splitlines()]
    assert [row[0] for row in rows] == [row.split("\t")[0] for row in w2v("vocab", corpus).out.splitlines()]
    assert {row[1] for row in rows} == {"0", "1", "2", "3"}
    done = w2v(*args, "-output", "classes.txt", "-classes", "10000")
    assert done.returncode == 2
    assert "10000 classes for " in done.err


def test_words_of_one_direction_are_in_one_class():
    pytest.importorskip("sklearn")
    from w2v.seeing.layout import word_classes
    from w2v.vectors.vectors import Vectors

    rng = np.random.default_rng(1)
    directions = np.eye(3, 10)[[0, 1, 2] * 20] + rng.normal(0, 0.05, (60, 10))
    lengths = rng.uniform(0.1, 100, (60, 1))
    found = word_classes(Vectors([f"w{i}".encode() for i in range(60)], (directions * lengths).astype(np.float32)), 3)
    assert [len({*found[i::3].tolist()}) for i in range(3)] == [1, 1, 1]
    assert len(set(found[:3].tolist())) == 3
    for count in (0, 4):
        with pytest.raises(SettingsError, match=f"{count} classes for 3 words; give a number from 1 to 3"):
            word_classes(Vectors([b"a", b"b", b"c"], np.eye(3, dtype=np.float32)), count)


def test_missing_library_for_classes_is_said_before_the_training(monkeypatch, capsys, corpus, tmp_path):
    from w2v import seeing
    from w2v.cli.main import run

    monkeypatch.setattr(seeing, "find_spec", lambda name: None)
    assert run(["word2vec", "-train", str(corpus), "-output", str(tmp_path / "c"), "-classes", "3", "-debug", "0"]) == 1
    assert capsys.readouterr().err == (
        "w2v: error: this needs scikit-learn, which is not installed: pip install 'w2v[plot]'\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-size", "0"), "-size: must be between 1 and 65536 (got 0)"),
        (("-iter", "0"), "-iter: must be between 1 and 1000000 (got 0)"),
        (("-hs", "0", "-negative", "0"), "-hs 0 -negative 0: nothing to train"),
        (("-classes", "-1"), "-classes: -1 is not 0 or more"),
        (("-size", "x"), "-size: 'x' is not a whole number"),
    ],
)
def test_wrong_options_are_told_in_the_words_of_the_original(w2v, corpus, options, message):
    done = w2v("word2vec", "-train", corpus, "-output", "v.txt", "-debug", "0", *options)
    assert (done.returncode, done.out) == (2, "")
    assert done.err.startswith(f"w2v: error: {message}")


def test_without_output_and_vocabulary_there_is_nothing_to_do(w2v, corpus):
    done = w2v("word2vec", "-train", corpus)
    assert done.returncode == 2
    assert "-output: a file for the vectors is missing" in done.err


def test_errors_of_the_core_name_the_options_of_the_original(w2v, tmp_path):
    (tmp_path / "few.txt").write_text("a a b b c d\n")
    done = w2v("word2vec", "-train", "few.txt", "-output", "v.txt", "-debug", "0")
    assert done.err == 'w2v: error: few.txt: no word occurs 5 times (most frequent: "a", 2); try -min-count 1\n'
    done = w2v("train", "few.txt", "-o", "v.txt", "-q")
    assert done.err == 'w2v: error: few.txt: no word occurs 5 times (most frequent: "a", 2); try --min-count 1\n'


def test_classes_depend_on_the_seed_alone_however_large_it_is():
    pytest.importorskip("sklearn")
    from w2v.seeing.layout import word_classes
    from w2v.vectors.vectors import Vectors

    rows = np.random.default_rng(3).normal(size=(200, 4)).astype(np.float32)
    vectors = Vectors([f"w{i}".encode() for i in range(200)], rows)
    found = [word_classes(vectors, 7, seed).tolist() for seed in (1, 1, 2, (1 << 32) + 1)]
    assert found[0] == found[1] == found[3] != found[2]


@pytest.mark.parametrize(("negative", "code"), [("1", 0), ("0", 2)])
def test_one_negative_is_enough_and_none_is_for_hierarchical_softmax(corpus, tmp_path, negative, code):
    from w2v.cli.main import run

    output = tmp_path / "v.txt"
    args = ["-train", str(corpus), "-output", str(output), "-size", "4", "-iter", "1", "-hs", "0", "-debug", "0"]
    assert run(["word2vec", *args, "-negative", negative]) == code
    assert output.exists() == (code == 0)
