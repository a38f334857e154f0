"""What can go wrong (docs/faults.md), with the installed command: the rows that no other file here tests."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess

import pytest

import w2v as library

from ..privileges import without_privileges

FAST = ("--dim", "8", "--epochs", "1", "--threads", "1")


def one_line(done) -> bool:
    return bool(re.fullmatch(r"w2v: error: [^\n]+\n", done.err))


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["train", "--help"], ["similar", "-h"]])
def test_help_that_cannot_be_written_names_standard_output(w2v, args):
    with open("/dev/full", "wb") as full:
        done = w2v(*args, stdout=full)
    assert (done.returncode, done.err) == (1, "w2v: error: standard output: No space left on device\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_standard_output_gets_every_byte_though_a_write_takes_fewer(w2v, corpus, tmp_path, unbuffered):
    """A file that may grow to a limit takes a part of a write, says how much, and fails at the next."""
    env = {"PYTHONUNBUFFERED": unbuffered}
    whole = w2v("train", corpus, "-o", "-", *FAST, "-q", env=env).stdout
    limit = len(whole) - 100
    with open(tmp_path / "cut", "wb") as cut:
        done = w2v(
            "train",
            corpus,
            "-o",
            "-",
            *FAST,
            "-q",
            env=env,
            stdout=cut,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
    assert (done.returncode, done.err) == (1, "w2v: error: standard output: File too large\n")
    assert (tmp_path / "cut").read_bytes() == whole[:limit]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_answers_that_do_not_fit_on_the_disk_are_an_error(w2v, vectors, tmp_path, unbuffered):
    with open(tmp_path / "cut", "wb") as cut:
        done = w2v(
            "similar",
            vectors,
            input="king\n" * 2000,
            env={"PYTHONUNBUFFERED": unbuffered},
            stdout=cut,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000)),
        )
    assert (done.returncode, done.err) == (1, "w2v: error: standard output: File too large\n")
    assert (tmp_path / "cut").stat().st_size == 3000


def test_a_co_process_that_reads_json_gets_a_line_for_what_has_no_answer(start, vectors):
    process = start("similar", vectors, "-k", "1", "--format", "json")
    for word, key in (("king", "word"), ("kign", "error"), ("서울", "word")):
        process.stdin.write(word.encode() + b"\n")
        answer = json.loads(process.stdout.readline())
        assert answer["query"] == word
        assert key in answer
    process.stdin.close()
    assert process.wait(60) == 1


def test_a_word_that_has_no_answer_is_an_object_in_json_and_no_row_in_tsv(w2v, vectors):
    for command, lines in (("similarity", "king kign\nking queen\n"), ("vector", "kign\nking\n")):
        answers = w2v(command, vectors, "--format", "json", input=lines).out.splitlines()
        assert "did you mean king" in json.loads(answers[0])["error"]
        assert "error" not in json.loads(answers[1])
        assert len(w2v(command, vectors, input=lines).out.splitlines()) == 1


@pytest.fixture
def checkpoint(w2v, corpus, tmp_path):
    """What is left of a run that could not write its vectors."""
    assert w2v("train", corpus, "-o", "/dev/full", "--format", "bin", "--checkpoint", "c", *FAST).returncode == 1
    return tmp_path / "c"


def test_a_checkpoint_is_not_taken_for_vectors_nor_for_a_corpus(w2v, checkpoint):
    done = w2v("similar", "c", "king")
    assert (done.returncode, one_line(done)) == (1, True), done.err
    assert "c: is the checkpoint of a training, not vectors; continue it" in done.err
    with pytest.raises(library.VectorsError, match="is the checkpoint of a training, not vectors"):
        library.load(checkpoint)
    done = w2v("train", "c", "-o", "v.bin")
    assert (done.returncode, one_line(done)) == (1, True), done.err
    assert (
        "this is a safetensors file, not text; it holds vectors, a checkpoint or a damaged encoded corpus" in done.err
    )


def test_a_checkpoint_that_was_cut_short_is_refused_and_the_vectors_stay(w2v, corpus, checkpoint, tmp_path):
    (tmp_path / "v.bin").write_bytes(b"old")
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
    done = w2v("train", corpus, "-o", "v.bin", *FAST, "--checkpoint", "c", "--resume")
    assert (done.returncode, one_line(done)) == (1, True), done.err
    assert "the file is cut short" in done.err
    assert (tmp_path / "v.bin").read_bytes() == b"old"


def test_odd_text_is_read_as_words_and_the_token_counts_say_what_was_odd(w2v, tmp_path):
    """A byte order mark, CRLF, a NUL, a byte that is not UTF-8, a token that is too long, no newline at the end."""
    (tmp_path / "odd").write_bytes(b"\xef\xbb\xbfone two\r\nthree\0four f\xfcnf\r\n" + b"x" * (1 << 20) + b" last")
    done = w2v("train", "odd", "-o", "v.txt", *FAST, "--min-count", "1", "--sample", "0")
    assert done.returncode == 0, done.err
    rows = (tmp_path / "v.txt").read_bytes().splitlines()[1:]
    assert {row.split(b" ")[0] for row in rows} == {b"one", b"two", b"three", b"four", b"f\xfcnf", b"last"}
    assert re.search(r"^w2v: +7  tokens read", done.err, re.MULTILINE)
    assert re.search(r"^w2v: +1  dropped, longer than 1,024 bytes", done.err, re.MULTILINE)
    assert re.search(r"^w2v: +1  NUL bytes were taken as white space", done.err, re.MULTILINE)
    assert len(re.findall("longer than 1,024 bytes", done.err)) == 1


def test_a_sentence_longer_than_10_000_tokens_is_cut_and_the_cut_is_counted(w2v, tmp_path):
    (tmp_path / "long").write_bytes(b"a b c d e " * 5000)
    done = w2v("train", "long", "-o", "v.bin", *FAST)
    assert done.returncode == 0, done.err
    assert re.search(r"^w2v: 25,000  tokens kept, in 3 sentences$", done.err, re.MULTILINE)
    assert re.search(r"^w2v: +1  sentences longer than 10,000 tokens were cut$", done.err, re.MULTILINE)


def test_more_threads_than_work_give_the_same_vectors_as_one(w2v, tmp_path):
    (tmp_path / "small").write_bytes(b"a b c\n" * 10)
    for name, threads in (("one", "1"), ("many", "64")):
        done = w2v("train", "small", "-o", f"{name}.bin", *FAST[:4], "--sample", "0", "--threads", threads)
        assert done.returncode == 0, done.err
    assert (tmp_path / "one.bin").read_bytes() == (tmp_path / "many.bin").read_bytes()


def test_text_is_read_once(w2v, corpus, environment, tmp_path):
    """A pipe has no second pass, and what is written into the file afterwards is not seen."""
    assert w2v("train", corpus, "-o", "file.bin", *FAST, "--epochs", "3").returncode == 0
    line = 'w2v train <(cat "$1") -o pipe.bin --dim 8 --threads 1 --epochs 3'
    done = subprocess.run(["bash", "-c", line, "bash", corpus], env=environment, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "pipe.bin").read_bytes() == (tmp_path / "file.bin").read_bytes()


def test_a_corpus_that_may_not_be_read_is_said_before_any_work(w2v, corpus, tmp_path):
    def check():
        done = w2v("train", corpus, "secret", "-o", "v.bin")
        assert (done.returncode, done.err) == (1, "w2v: error: secret: Permission denied\n")

    (tmp_path / "secret").write_bytes(b"a b c")
    (tmp_path / "secret").chmod(0)
    without_privileges(check)


def test_a_damaged_compressed_corpus_is_one_line_with_file_and_byte(w2v, corpus, tmp_path):
    import bz2
    import gzip
    import lzma

    for name, pack in (("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)):
        packed = bytearray(pack(corpus.read_bytes()))
        (tmp_path / "cut").write_bytes(packed[:-10])
        packed[len(packed) // 2] ^= 0x55
        (tmp_path / "damaged").write_bytes(packed)
        for file in ("cut", "damaged"):
            done = w2v("train", file, "-o", "v.bin")
            assert (done.returncode, one_line(done)) == (1, True), (name, done.err)
            assert re.search(rf"{file}: the \w+ data is (cut off at|damaged near) byte \d+", done.err)
    assert sorted(os.listdir(tmp_path)) == ["cut", "damaged"]
