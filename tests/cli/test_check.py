"""`w2v check` and `w2v diff` as processes."""

from __future__ import annotations

import gzip
import io
import json
import subprocess

import numpy as np
import pytest

from w2v.cli.check import value_text
from w2v.findings import Finding
from w2v.safetensors import read_header
from w2v.vectors.formats.load import looks_like_vectors
from w2v.vectors.vectors import Vectors, load


def table(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_a_good_file_ends_in_zero_and_a_fault_in_one(w2v, vectors, corpus, tmp_path):
    done = w2v("check", vectors, corpus)
    assert (done.returncode, done.err) == (0, "")
    header, *rows = table(done.out)
    assert header == ["file", "level", "what", "value", "where", "meaning"]
    assert {(row[0], row[2]): row[3] for row in rows}[str(vectors), "words"] == str(len(load(vectors)))
    assert {(row[0], row[2]): row[3] for row in rows}[str(corpus), "tokens"] == "48000"
    assert {row[1] for row in rows} == {"fact", "note"}  # the corpus repeats lines
    (tmp_path / "cut.bin").write_bytes(vectors.read_bytes()[:-10])
    done = w2v("check", "cut.bin", vectors)
    assert done.returncode == 1
    (fault,) = [row for row in table(done.out) if row[1] == "fault"]
    assert fault[:3] == ["cut.bin", "fault", "cut short"]


def test_json_is_an_object_for_each_file(w2v, tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"good\nb\xffd\n" * 5)
    done = w2v("check", "bad.txt", "--format", "json")
    report = json.loads(done.out)
    assert (done.returncode, report["file"], report["kind"], report["ok"]) == (1, "bad.txt", "corpus", False)
    assert report["facts"]["lines"] == 10
    assert [(f["what"], f["value"]) for f in report["faults"]] == [("invalid UTF-8", 5)]


def test_standard_input_is_told_apart_too(w2v, vectors, corpus):
    for data, format in (
        (vectors.read_bytes(), "word2vec binary"),
        (corpus.read_bytes(), "text"),
        (gzip.compress(vectors.read_bytes()), "word2vec binary, gzip"),
        (gzip.compress(corpus.read_bytes()), "text, gzip"),
    ):
        done = w2v("check", "-", input=data)
        assert done.returncode == 0, done.out
        assert ["<stdin>", "fact", "format", format, "", ""] in table(done.out)


def test_a_folder_is_checked_file_by_file_and_a_missing_file_is_told(w2v, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_text("x " * 10)
    (tmp_path / "d" / "b").write_text("y " * 10)
    done = w2v("check", "d", "missing", "--format", "json")
    assert done.returncode == 1
    assert [json.loads(line)["file"] for line in done.out.splitlines()] == ["d/a", "d/b", "missing"]
    assert done.err == "w2v: error: missing: No such file or directory\n"


def test_w2vs_own_files_are_read_as_a_training_reads_them(w2v, corpus, tmp_path):
    assert w2v("encode", corpus, "-o", "c.ids", "-q").returncode == 0
    report = json.loads(w2v("check", "c.ids", "--format", "json").out)
    assert report["kind"] == "corpus"
    assert (report["ok"], report["facts"]["format"], report["facts"]["tokens"]) == (True, "encoded corpus", 48_000)
    data = bytearray((tmp_path / "c.ids").read_bytes())
    first = read_header("c.ids", io.BytesIO(data).read, len(data)).tensors["ids"].begin
    assert data[first : first + 4] != data[first + 4 : first + 8]
    data[first : first + 8] = data[first + 4 : first + 8] + data[first : first + 4]  # the first two words swapped
    (tmp_path / "swapped.ids").write_bytes(data)
    (tmp_path / "cut.ids").write_bytes(data[:-7])
    for name, meaning in (("swapped.ids", "are not those that its digest was made of"), ("cut.ids", "is cut short")):
        done = w2v("check", name, "--format", "json")
        (fault,) = json.loads(done.out)["faults"]
        assert (done.returncode, fault["what"]) == (1, "unreadable")
        assert meaning in fault["meaning"]


def test_what_content_misleads_about_can_be_told(w2v, tmp_path):
    (tmp_path / "ids").write_text("2 3\n1 2 3 4\n" * 5)
    assert json.loads(w2v("check", "ids", "--format", "json", "--as", "corpus").out)["kind"] == "corpus"
    assert json.loads(w2v("check", "ids", "--format", "json", "--as", "vectors").out)["kind"] == "vectors"


@pytest.mark.parametrize(
    ("head", "vectors"),
    [
        (b"the 0.1 0.2\nof 0.3 0.4\n", True),
        (b"2 2\nthe 1 2\nof 3 4\n", True),
        (b"0.5\t0.25\n0.1\t0.2\n", True),
        (b"2 2\nthe \x00\x00\x80?\x00\x00\x00@of ", True),
        (b"\x93NUMPY\x01\x00", True),
        (b"\x80\x04\x95", True),
        (b"\xef\xbb\xbf2 2\nthe 1 2\nof 3 4\n", True),
        (b"0 0\n", False),
        (b"", False),
        (b"in 1999\nin 2000\n", False),
        (b"12 55 812\n55 13\n7 12 12 9\n", False),
        (b"the king said\n", False),
        (b"12 5\nthe king said\nno\n", False),
        (b"1.5 of 2.5\nsome 3.14 text\nwords here and\nthere\n", False),
        ("text".encode("utf-16"), False),
    ],
)
def test_vectors_and_text_are_told_apart_by_their_first_bytes(head, vectors):
    assert looks_like_vectors(head) == vectors


def test_the_page_for_people_names_faults_and_what_they_mean(vectors, tmp_path, environment):
    (tmp_path / "v.txt").write_bytes(b"2 1\na 1\na 2\n")
    done = subprocess.run(
        ["script", "-qec", "w2v check v.txt", "/dev/null"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    if "not found" in done.stderr:
        pytest.skip("script(1) is not here")
    assert 'FAULT  duplicates 1: row 2 "a" as in row 1' in done.stdout
    assert "1 fault, 0 notes" in done.stdout


@pytest.fixture
def models(vectors, tmp_path):
    """The vectors rotated, with one word moved."""
    loaded = load(vectors)
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((20, 20)))[0].astype(np.float32)
    matrix = loaded.matrix @ turn
    matrix[loaded.index("paris")] = -matrix[loaded.index("paris")]
    Vectors(loaded.words, matrix).save(tmp_path / "turned.bin")
    return vectors, "turned.bin"


def test_diff_shows_pairs_and_the_words_that_moved_most(w2v, models):
    done = w2v("diff", *models, "-k", "3", "--words", "2")
    assert done.returncode == 0, done.err
    header, pair, names, *words = table(done.out)
    assert header == ["pair", "A", "B", "overlap", "cosine", "least cosine"]
    assert pair[:3] == ["pair", *map(str, models)]
    assert 0.8 < float(pair[3]) < 1
    assert names == ["word", "word", "row", "overlap", "cosine"]
    assert words[0][1] == "paris"
    assert len(words) == 2
    assert "words compared" in done.err


def test_diff_as_json_has_every_word_and_each_pair(w2v, models):
    done = w2v("diff", *models, models[0], "-k", "3", "--words", "0", "--format", "json")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [item["a"] == str(models[0]) for item in found[:3]] == [True, True, False]
    assert found[1]["overlap"] == 1
    words = load(models[0]).words
    assert {item["word"] for item in found[3:]} == set(words)
    stability = [item["overlap"] for item in found[3:]]
    assert stability == sorted(stability)


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [([], 2, "two models"), (["missing.bin"], 1, "No such file"), (["turned.bin", "-k", "500"], 1, "needs 501")],
)
def test_what_cannot_be_compared_is_said_in_one_line(w2v, models, args, code, message):
    done = w2v("diff", models[0], *args)
    assert (done.returncode, len(done.err.splitlines())) == (code, 1), done.err
    assert message in done.err


def test_a_flipped_bit_in_a_checkpoint_is_a_fault(w2v, corpus, tmp_path):
    done = w2v("train", corpus, "-o", "v.bin", "--dim", "8", "--epochs", "1", "-q", "--keep-checkpoint")
    assert done.returncode == 0, done.err
    done = w2v("check", "v.bin.checkpoint")
    assert (done.returncode, done.err) == (0, "")
    assert ["v.bin.checkpoint", "fact", "format", "checkpoint of a training", "", ""] in table(done.out)
    path = tmp_path / "v.bin.checkpoint"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = w2v("check", "v.bin.checkpoint")
    assert done.returncode == 1
    (fault,) = [row for row in table(done.out) if row[1] == "fault"]
    assert fault[5].endswith(": its checksum is wrong; the file is damaged")
    assert fault[5].startswith("tensor ")


@pytest.mark.parametrize(
    ("what", "value", "text"),
    [("mean norm", 0.98765, "0.9877"), ("share below min-count 5", 0.0321, "3.21%"), ("tokens", 1234, "1,234")],
)
def test_facts_are_shown_as_what_they_are(what, value, text):
    assert value_text(Finding("fact", what, value)) == text


def test_a_folder_with_a_model_is_checked_as_one(w2v, vectors, tmp_path):
    assert w2v("convert", vectors, "model", "--format", "static-embedding", "-q").returncode == 0
    done = w2v("check", "model")
    assert (done.returncode, done.err) == (0, "")
    facts = {row[2]: row[3] for row in (line.split("\t") for line in done.out.splitlines()) if row[1] == "fact"}
    words = w2v("info", vectors, "--format", "json").out
    assert facts["format"] == "static embedding folder"
    assert facts["words"] == str(json.loads(words)["words"])
    (tmp_path / "model" / "config.json").unlink()
    noted = w2v("check", "model")
    assert noted.returncode == 0
    assert "note\tfile missing\t1\tconfig.json\tmodel2vec finds its settings there" in noted.out
    (tmp_path / "model" / "tokenizer.json").write_text("{")
    broken = w2v("check", "model")
    assert broken.returncode == 1
    assert "model/tokenizer.json" in broken.out
    (tmp_path / "model" / "model.safetensors").write_bytes(b"")
    assert w2v("check", "model").returncode == 1
