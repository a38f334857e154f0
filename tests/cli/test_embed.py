"""`w2v embed` as a process."""

from __future__ import annotations

import gzip
import json
import re

import numpy as np
import pytest

from w2v import load

TEXT = "king and queen\n\nno such\nman woman\n"


def test_all_formats_hold_the_same_rows(w2v, vectors, tmp_path):
    (tmp_path / "lines.txt").write_text(TEXT)
    expected = load(vectors).embed(TEXT.splitlines())
    done = w2v("embed", vectors, input=TEXT)
    assert done.err == "w2v: 4 lines x 20, 2 of them without a known word; 43% of 7 tokens are not known\n"
    rows = np.array([[np.float32(number) for number in line.split("\t")] for line in done.out.splitlines()])
    assert np.array_equal(rows, expected)
    for name in ("rows.npy", "rows.safetensors", "rows.tsv", "rows.jsonl"):
        assert w2v("embed", vectors, "lines.txt", "-o", name, "-q").err == ""
    assert np.array_equal(np.load(tmp_path / "rows.npy"), expected)
    assert (tmp_path / "rows.tsv").read_text() == done.out
    objects = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert np.array_equal(np.array([o["vector"] for o in objects], np.float32), expected)
    from safetensors.numpy import load_file

    assert np.array_equal(load_file(tmp_path / "rows.safetensors")["vectors"], expected)


def test_each_line_is_answered_as_it_arrives(start, vectors):
    process = start("embed", vectors)
    answers = []
    for word in (b"king\n", b"queen\n"):
        process.stdin.write(word)
        answers.append(process.stdout.readline())
    loaded = load(vectors)
    assert [np.float32(answer.split()[0]) for answer in answers] == [loaded["king"][0], loaded["queen"][0]]
    process.stdin.close()
    assert process.wait() == 0


def test_queries_can_be_put_into_the_space_of_documents(w2v, vectors, tmp_path):
    (tmp_path / "lines.txt").write_text(TEXT)
    w2v("embed", vectors, "lines.txt", "--sif", "-o", "a.npy", "--save-common", "common.npy")
    done = w2v("embed", vectors, "--sif", "--read-common", "common.npy", "-o", "b.npy", input="man woman\n")
    assert done.returncode == 0, done.err
    np.testing.assert_allclose(np.load(tmp_path / "b.npy")[0], np.load(tmp_path / "a.npy")[3], atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--format", "npy"], "begins with the number of rows"),
        (["-o", "rows"], "end it in .tsv, .npy"),
        (["-o", "rows.npy.gz"], "begins with the number of rows"),
        (["--remove", "21"], "--remove: must be between 0 and 20 (got 21)"),
        (["--read-common", "VECTORS"], "--save-common wrote"),
    ],
)
def test_what_cannot_be_written_is_refused(w2v, vectors, options, message):
    done = w2v("embed", vectors, *[str(vectors) if o == "VECTORS" else o for o in options], input=TEXT)
    assert done.returncode != 0
    assert message in done.err
    assert done.out == ""


def test_counts_that_the_file_has_weigh_the_words(w2v, corpus, tmp_path):
    (tmp_path / "lines.txt").write_text("the king and the queen\nwoman and man\n")
    w2v(
        "train",
        corpus,
        "-o",
        "m.safetensors",
        "--with-context",
        "--save-vocab",
        "vocab.tsv",
        "--dim",
        "8",
        "-e",
        "1",
        "-q",
    )
    own = w2v("embed", "m.safetensors", "lines.txt", "--sif", "-q").out
    assert own == w2v("embed", "m.safetensors", "lines.txt", "--sif", "--vocab", "vocab.tsv", "-q").out
    w2v("convert", "m.safetensors", "plain.bin")
    assert own != w2v("embed", "plain.bin", "lines.txt", "--sif", "-q").out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"%PDF-1.7\nking\n", "this is a PDF document, not text; turn it into text first"),
        (
            b'["king", "queen"]\n' * 5,
            r"""this is JSON, not text; write its text as lines: jq -r 'join\(" "\)' FILE > NEW\n""",
        ),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 16\n", "a pointer of Git LFS"),
        (b"2 2\nking 0.5 1.25\nqueen 1.5 2.5\n", "these are word vectors, not text\n"),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_is_plainly_no_text_is_refused(w2v, vectors, tmp_path, text, message, pack):
    (tmp_path / "lines").write_bytes(pack(text))
    done = w2v("embed", vectors, "lines", "-o", "rows.npy")
    assert (done.returncode, (tmp_path / "rows.npy").exists()) == (1, False)
    assert re.fullmatch(rf"w2v: error: lines: .*{message}.*\n?", done.err), done.err


def test_a_text_of_which_no_word_is_known_is_a_warning(w2v, vectors):
    done = w2v("embed", vectors, input="KING\nQUEEN\n")
    assert done.returncode == 0
    assert done.err.splitlines() == [
        "w2v: warning: <stdin>: no line contains a word that the vectors know; check its language, case and spelling",
        "w2v: 2 lines x 20, 2 of them without a known word; 100% of 2 tokens are not known",
    ]
