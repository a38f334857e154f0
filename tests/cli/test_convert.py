"""`w2v convert` as a process: files, pipes, other programs."""

from __future__ import annotations

import gzip
import subprocess

import numpy as np
import pytest

from w2v.vectors.vectors import Vectors, load


def same(found, wanted) -> bool:
    return found.words == wanted.words and np.array_equal(found.matrix, wanted.matrix)


@pytest.mark.parametrize("name", ["a.bin", "a.txt", "a.vec", "a.npy", "a.safetensors", "a.tsv", "a.txt.gz", "a.bin.gz"])
def test_every_format_is_told_by_the_name_and_read_back(w2v, vectors, tmp_path, name):
    done = w2v("convert", vectors, name)
    assert done.returncode == 0, done.err
    wanted = load(vectors)
    assert same(load(tmp_path / name), wanted)
    assert f"w2v: {name}: {len(wanted)} words x 20" in done.err
    assert done.out == ""
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")


def test_pipes_on_both_sides(vectors, tmp_path, environment):
    line = (
        f"w2v convert - - --format text < {vectors} | gzip | w2v convert - - -q --format safetensors"
        " | w2v convert - back.bin"
    )
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], cwd=tmp_path, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "back.bin").read_bytes() == vectors.read_bytes()


def test_words_of_two_file_formats_may_lie_elsewhere(w2v, vectors, tmp_path):
    assert w2v("convert", vectors, "-", "--format", "npy").returncode == 2
    done = w2v("convert", vectors, "-", "--format", "npy", "--out-words", "names")
    assert done.returncode == 0, done.err
    assert "the words are in names" in done.err
    (tmp_path / "x.npy").write_bytes(done.stdout)
    refused = w2v("convert", "x.npy", "y.bin")
    assert refused.returncode == 1
    assert "--in-words" in refused.err
    assert w2v("convert", "x.npy", "y.bin", "--in-words", "names").returncode == 0
    assert w2v("convert", "-", "z.bin", "--in-words", "names", input=done.stdout).returncode == 0
    assert (tmp_path / "z.bin").read_bytes() == (tmp_path / "y.bin").read_bytes() == vectors.read_bytes()


def test_gensim_reads_what_is_written(w2v, vectors, tmp_path):
    wanted = load(vectors)
    for name, options, how in (
        ("v.bin", [], {"binary": True}),
        ("v.txt.gz", [], {}),
        ("v.glove", ["--format", "glove"], {"no_header": True}),
    ):
        assert w2v("convert", vectors, name, *options).returncode == 0
        theirs = pytest.importorskip("gensim.models").KeyedVectors.load_word2vec_format(str(tmp_path / name), **how)
        assert theirs.index_to_key == list(wanted.words)
        assert np.array_equal(theirs.vectors, wanted.matrix)


def test_the_projectors_two_files_have_a_line_for_each_word(w2v, vectors, tmp_path):
    assert w2v("convert", vectors, "p.tsv", "--top", "5").returncode == 0
    rows = [line.split("\t") for line in (tmp_path / "p.tsv").read_text().splitlines()]
    wanted = load(vectors).top(5)
    assert np.array_equal(np.array(rows, np.float32), wanted.matrix)
    assert (tmp_path / "p.metadata.tsv").read_text(encoding="utf-8").splitlines() == list(wanted.words)


def test_words_that_are_not_there_are_counted_and_named(w2v, vectors, tmp_path):
    done = w2v("convert", vectors, "s.txt", "--words", "-", "--unit", "-q", input="kng\nqueen\t12\nking\n서울\n")
    assert done.returncode == 0
    assert done.err == f'w2v: <stdin>: 1 of 4 words ("kng") is not in {vectors}\n'
    found, wanted = load(tmp_path / "s.txt"), load(vectors).subset(["king", "queen", "서울"])
    assert found.words == wanted.words
    assert np.allclose(found.matrix, wanted.unit().matrix, rtol=1e-6)
    (tmp_path / "none").write_text("kng\n")
    done = w2v("convert", vectors, "n.txt", "--words", "none")
    assert (done.returncode, len(done.err.splitlines())) == (1, 1)
    assert 'none: 1 of 1 words ("kng") is not in' in done.err
    assert not (tmp_path / "n.txt").exists()


@pytest.mark.parametrize("fix", [(), ("--fix",)])
def test_top_takes_the_words_that_come_first_in_the_file(w2v, vectors, tmp_path, fix):
    words = "queen\nkng\nking\n서울\n"
    done = w2v("convert", vectors, "s.txt", *fix, "--words", "-", "--top", "2", "-q", input=words)
    assert done.returncode == 0
    assert f'w2v: <stdin>: 1 of 4 words ("kng") is not in {vectors}\n' in done.err
    found, wanted = load(tmp_path / "s.txt"), load(vectors).subset(["queen", "king", "서울"]).top(2)
    assert list(found.words) == list(wanted.words)
    assert np.array_equal(found.matrix, wanted.matrix)


def test_float16_halves_the_numbers(w2v, vectors, tmp_path):
    wanted = load(vectors)
    for name in ("h.npy", "h.safetensors"):
        assert w2v("convert", vectors, name, "--float16").returncode == 0
        assert np.array_equal(load(tmp_path / name).matrix, wanted.matrix.astype(np.float16).astype(np.float32))
    assert np.load(tmp_path / "h.npy").dtype == np.float16


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["out.bin", "--float16"], 2, "npy, safetensors and static-embedding do"),
        (["out.bin", "--out-words", "w"], 2, "--out-words: bin holds its words itself"),
        (["out"], 2, "--format"),
        (["out.bin", "--from", "npy"], 1, "does not begin as a file of format npy does"),
        (["missing/out.bin"], 1, "the folder"),
        (["there.txt", "--no-clobber"], 1, "exists already"),
        (["out.bin", "--words", "nothing"], 1, "No such file"),
        (["out.bin", "--words", "empty"], 1, "empty: holds no words"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(w2v, vectors, tmp_path, args, code, message):
    (tmp_path / "there.txt").write_text("mine")
    (tmp_path / "empty").write_text("\n")
    done = w2v("convert", vectors, *args)
    assert (done.returncode, len(done.err.splitlines())) == (code, 1), done.err
    assert message in done.err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "there.txt"]
    assert (tmp_path / "there.txt").read_text() == "mine"


def test_the_input_is_never_the_output(w2v, vectors, tmp_path):
    (tmp_path / "v.bin").write_bytes(vectors.read_bytes())
    done = w2v("convert", "v.bin", "./v.bin", "--top", "3")
    assert (done.returncode, "is an input too" in done.err) == (2, True)
    assert (tmp_path / "v.bin").read_bytes() == vectors.read_bytes()


def test_a_damaged_input_leaves_the_output_as_it_was(w2v, vectors, tmp_path):
    (tmp_path / "cut.gz").write_bytes(gzip.compress(vectors.read_bytes())[:-100])
    (tmp_path / "out.txt").write_text("mine")
    done = w2v("convert", "cut.gz", "out.txt")
    assert (done.returncode, len(done.err.splitlines())) == (1, 1)
    assert (tmp_path / "out.txt").read_text() == "mine"


def test_one_space_is_turned_into_another(w2v, vectors, tmp_path):
    loaded = load(vectors)
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(20, 20)))[0]
    Vectors(loaded.words, loaded.matrix @ turn).save(tmp_path / "turned.bin")
    done = w2v("convert", "turned.bin", "same.bin", "--align-to", vectors)
    assert "whose mean cosine is now 1.000" in done.err
    np.testing.assert_allclose(load(tmp_path / "same.bin").matrix, loaded.matrix, atol=1e-4)
    assert "--pairs: is for --align-to" in w2v("convert", "turned.bin", "x.bin", "--pairs", "p.tsv").err
    done = w2v("convert", vectors, "small.npy", "--drop-top", "1", "--pca", "7")
    assert done.returncode == 0, done.err
    assert np.load(tmp_path / "small.npy").shape == (len(loaded), 7)
