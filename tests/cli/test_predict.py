"""`w2v predict` as a process."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("ring") / "ring.txt"
    path.write_text("".join(" ".join(f"w{(start + i) % 12}" for i in range(60)) + "\n" for start in range(12)) * 3)
    return path


TRAIN = (
    "--min-count",
    "1",
    "--window",
    "1",
    "--sample",
    "0",
    "--dim",
    "16",
    "--epochs",
    "60",
    "--lr",
    "0.1",
    "-t",
    "1",
    "--quiet",
)


def test_a_whole_model_a_checkpoint_and_files_side_by_side_predict_the_same(w2v, text):
    kept = ("-o", "v.bin", "--save-context", "c.bin", "--save-vocab", "vocab.tsv", "--keep-checkpoint")
    for more in (("-o", "m.safetensors", "--with-context"), kept):
        done = w2v("train", text, *TRAIN, *more)
        assert done.returncode == 0, done.err
    whole = w2v("predict", "m.safetensors", "w5", "-k", "2")
    assert whole.returncode == 0, whole.err
    table = [line.split("\t") for line in whole.out.splitlines()]
    assert [row[:2] for row in table] == [["w5", "1"], ["w5", "2"]]
    assert {row[2] for row in table} == {"w4", "w6"}
    assert 0.9 < sum(float(row[3]) for row in table) <= 1
    everything = w2v("predict", "m.safetensors", "w5", "-k", "99").out.splitlines()
    assert sum(float(line.split("\t")[3]) for line in everything) == pytest.approx(1, abs=1e-5)
    assert w2v("predict", "v.bin.checkpoint", "w5", "-k", "2").out == whole.out
    assert w2v("predict", "v.bin", "w5", "-k", "2", "--context", "c.bin", "--vocab", "vocab.tsv").out == whole.out


def test_a_sentence_with_a_blank_lines_and_json(w2v, text):
    assert w2v("train", text, *TRAIN, "-o", "m.safetensors", "--with-context").returncode == 0
    blank = w2v("predict", "m.safetensors", "w4 ___ w6", "-k", "1")
    assert blank.out.split("\t")[:3] == ["w4 ___ w6", "1", "w5"]
    lines = w2v("predict", "m.safetensors", "-k", "1", "--format", "json", input="w4 w6\nnowhere w4 w6\n")
    assert lines.returncode == 1
    assert '"nowhere" is not in the vocabulary' in lines.err
    rows = [json.loads(line) for line in lines.out.splitlines()]
    assert [row["context"] for row in rows if "context" in row] == ["w5", "w5"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("train", "TEXT", "-o", "v.bin", "--with-context"), "bin cannot hold the context matrix"),
        (("train", "TEXT", "-o", "v.safetensors", "--with-context", "--unit"), "leave out --unit and --combine"),
    ],
)
def test_a_model_that_cannot_be_kept_whole_is_refused_at_the_start(w2v, text, arguments, says):
    done = w2v(*(text if argument == "TEXT" else argument for argument in arguments))
    assert done.returncode == 2
    assert says in done.err


def test_vectors_alone_are_refused_with_the_way_to_have_more(w2v, vectors, text):
    done = w2v("predict", vectors, "king")
    assert done.returncode == 1
    assert "--with-context" in done.err
    assert "--context FILE and --vocab FILE" in done.err
