"""`w2v info` and `w2v convert --fix` as processes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from w2v.vectors.vectors import Vectors, load


def test_facts_come_as_rows_and_as_json(w2v, vectors):
    loaded = load(vectors)
    done = w2v("info", vectors)
    assert (done.returncode, done.err) == (0, "")
    rows = [line.split("\t") for line in done.out.splitlines()]
    facts = {name: value for _, name, value in rows}
    assert {row[0] for row in rows} == {str(vectors)}
    assert facts["format"] == "word2vec binary"
    assert (facts["words"], facts["dim"], facts["bytes"]) == (str(len(loaded)), "20", str(vectors.stat().st_size))
    assert float(facts["mean_norm"]) == pytest.approx(loaded.norms.mean(), abs=1e-5)
    assert facts["first"].split() == loaded.words[:8]
    found = json.loads(w2v("info", vectors, "--format", "json").out)
    assert {name: str(found[name]) for name in ("words", "dim", "bytes")} == {
        name: facts[name] for name in ("words", "dim", "bytes")
    }
    assert found["first"] == loaded.words[:8]


def test_short_is_a_line_for_each_file_and_a_bad_one_does_not_stop_the_rest(w2v, vectors, tmp_path):
    w2v("convert", vectors, "v.txt.gz", "-q")
    (tmp_path / "bad").write_text("hello")
    done = w2v("info", "--short", vectors, "bad", "missing", "v.txt.gz")
    assert done.returncode == 1
    assert [line.split(": ")[1].split(",")[0] for line in done.out.splitlines()] == ["word2vec binary", "word2vec text"]
    assert "v.txt.gz: word2vec text, gzip, " in done.out
    assert len(done.err.splitlines()) == 2


def test_settings_that_the_file_knows_are_told(w2v, tmp_path):
    vectors = Vectors(["a"], np.ones((1, 3)))
    vectors.metadata["window"] = "5"
    vectors.save(tmp_path / "v.safetensors", float16=True)
    assert "settings.window\t5" in w2v("info", "v.safetensors").out
    found = json.loads(w2v("info", "v.safetensors", "--format", "json").out)
    assert (found["settings"], found["dtype"]) == ({"window": "5"}, "float16")


def test_half_a_character_in_the_settings_of_a_file_is_shown_as_its_escape(w2v, tmp_path):
    vectors = Vectors(["a"], np.ones((1, 3)))
    vectors.metadata["window"] = "5\ud800"
    vectors.save(tmp_path / "v.safetensors")
    done = w2v("info", "v.safetensors")
    assert (done.returncode, done.err) == (0, "")
    assert "settings.window\t5\\ud800\n" in done.out


def test_a_pipe_is_described_without_its_size(w2v, vectors):
    done = w2v("info", "-", "--short", input=vectors.read_bytes())
    assert done.out == f"<stdin>: word2vec binary, {len(load(vectors)):,} words x 20\n"


def test_fix_counts_each_repair_and_keeps_the_rest(w2v, tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"6 2\nthe 1 2\nnew\xc2\xa0york 3 4\nnan 1 nan\nthe 5 6\nshort 1\nlast 7 8")
    assert w2v("convert", "bad.txt", "good.bin").returncode == 1
    done = w2v("convert", "bad.txt", "good.bin", "--fix")
    assert done.returncode == 0
    assert done.err.splitlines() == [
        "w2v: bad.txt: 1 row left out, with NaN or infinite numbers (row 3 (line 4, byte 26))",
        "w2v: bad.txt: 1 row left out, with too few or too many numbers, or with something else among them "
        "(row 5 (line 6, byte 44))",
        'w2v: bad.txt: 1 row left out, whose word is in an earlier row (row 4 "the")',
        "w2v: bad.txt: 1 word renamed: _ for white space, U+FFFD for bytes that are not UTF-8, no control characters "
        '(row 2 "new\\xa0york")',
        "w2v: good.bin: 3 words x 2",
    ]
    found = load(tmp_path / "good.bin")
    assert list(found.words) == ["the", "new_york", "last"]
    assert found.matrix.tolist() == [[1, 2], [3, 4], [7, 8]]
    assert w2v("convert", "good.bin", "again.bin", "--fix").err.startswith("w2v: good.bin: nothing to repair\n")


def test_fix_goes_with_a_part_of_the_words_and_with_a_pipe(w2v, vectors, tmp_path):
    cut = vectors.read_bytes()[:-30]
    done = w2v("convert", "-", "cut.txt", "--fix", "--words", "list", "--top", "1", input=cut)
    assert (done.returncode, "No such file" in done.err) == (1, True)
    (tmp_path / "list").write_text("king\nqueen\nkng\n")
    done = w2v("convert", "-", "cut.txt", "--fix", "--words", "list", "--top", "1", "--unit", input=cut)
    assert done.returncode == 0, done.err
    assert "w2v: <stdin>: the file was cut short" in done.err
    assert '("kng") is not in' in done.err
    assert len(load(tmp_path / "cut.txt")) == 1
    done = w2v("convert", vectors, "x.bin", "--fix", "--lenient")
    assert (done.returncode, "--fix" in done.err) == (2, True)


def test_nothing_is_written_where_nothing_is_good(w2v, tmp_path):
    (tmp_path / "bad").write_bytes(b"1 2\nthe nan 1\n")
    done = w2v("convert", "bad", "out.bin", "--fix")
    assert (done.returncode, len(done.err.splitlines())) == (1, 1)
    assert "no row of the file can be used" in done.err
    assert not (tmp_path / "out.bin").exists()
