"""`w2v vocab`, `phrases`, `encode` and `plan` as processes."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import os
import re
import signal

import pytest

from ..waiting import wait_until
from .conftest import go_on

FAST = ("--dim", "8", "--epochs", "1", "--threads", "1")


@pytest.fixture
def ids(w2v, corpus, tmp_path):
    assert w2v("encode", corpus, "-o", "corpus.ids", "-q").returncode == 0
    return tmp_path / "corpus.ids"


def test_vocab_prints_what_train_saves(w2v, corpus, tmp_path):
    for options in (("--min-count", "1500", "--lower", "--tokenizer", "words"), ("--max-vocab", "6")):
        assert w2v("train", corpus, "-o", "v.bin", *FAST, "--save-vocab", "saved", *options).returncode == 0
        done = w2v("vocab", corpus, *options)
        assert done.returncode == 0
        assert done.stdout == (tmp_path / "saved").read_bytes()
    assert w2v("vocab", corpus, "--top", "6").stdout == done.stdout


def test_vocab_reads_standard_input_and_an_encoded_corpus(w2v, corpus, ids):
    from_file = w2v("vocab", corpus)
    assert w2v("vocab", "-", input=corpus.read_bytes()).stdout == from_file.stdout
    assert w2v("vocab", ids).stdout == from_file.stdout
    for top in (1, 3):
        first = b"".join(from_file.stdout.splitlines(True)[:top])
        for source in (corpus, ids):
            done = w2v("vocab", source, "--top", str(top))
            assert done.stdout == first
            kept = sum(int(line.split(b"\t")[1]) for line in first.splitlines())
            assert f"{kept:,} tokens kept: {top} word" in re.sub(" +", " ", done.err)
    done = w2v("vocab", corpus, "--top", "0")
    assert done.returncode == 2
    assert "--top" in done.err


def test_vocab_writes_files_and_json(w2v, corpus, tmp_path):
    plain = w2v("vocab", corpus).stdout
    assert w2v("vocab", corpus, "-o", "v.tsv.gz").out == ""
    assert gzip.decompress((tmp_path / "v.tsv.gz").read_bytes()) == plain
    rows = [json.loads(line) for line in w2v("vocab", corpus, "--format", "json").out.splitlines()]
    assert [f"{row['word']}\t{row['count']}" for row in rows] == plain.decode().splitlines()
    assert list(rows[0]) == ["word", "count"]


def test_vocab_prints_the_token_counts(w2v):
    done = w2v("vocab", "-", "--min-count", "2", input="a a b\nc a\n")
    assert done.out == "a\t3\n"
    assert done.err.splitlines() == [
        "w2v: 5  tokens read (10 B of text in 1 file; 3 types)",
        "w2v: 2  dropped, rarer than --min-count",
        "w2v: 3  tokens kept: 1 word",
    ]
    assert w2v("vocab", "-", "-q", input="a a a a a b").err == ""


def test_vocab_of_nothing_is_an_error(w2v):
    done = w2v("vocab", "-", input="a b\n")
    assert (done.returncode, done.out) == (1, "")
    assert done.err == 'w2v: error: <stdin>: no word occurs 5 times (most frequent: "a", 1); try --min-count 1\n'


def test_training_on_an_encoded_corpus_gives_the_same_file(w2v, corpus, ids, tmp_path):
    for options in ((), ("--min-count", "1500")):
        assert w2v("train", corpus, "-o", "text.bin", *FAST, *options).returncode == 0
        done = w2v("train", ids, "-o", "ids.bin", *FAST, *options)
        assert done.returncode == 0, done.err
        assert (tmp_path / "ids.bin").read_bytes() == (tmp_path / "text.bin").read_bytes()
        assert "48,000  tokens read" in done.err


def test_report_names_the_encoded_corpus_and_its_settings(w2v, corpus, ids, tmp_path):
    assert w2v("encode", corpus, "-o", "lower.ids", "--lower").returncode == 0
    done = w2v("train", "lower.ids", "-o", "v.bin", *FAST, "--report", "r.json", "--min-count", "30")
    assert done.returncode == 0, done.err
    report = json.loads((tmp_path / "r.json").read_text())
    assert [file["path"] for file in report["corpus"]["files"]] == ["lower.ids"]
    assert report["settings"]["corpus"] | {"lower": True, "min_count": 30} == report["settings"]["corpus"]


def test_encoded_corpus_is_told_by_its_content_and_comes_from_pipes(w2v, corpus, ids, tmp_path):
    done = w2v("encode", "-", "-o", "-", input=corpus.read_bytes())
    assert done.returncode == 0, done.err
    assert len(done.stdout) == ids.stat().st_size
    (tmp_path / "any.txt").write_bytes(done.stdout)
    assert w2v("train", "any.txt", "-o", "a.bin", *FAST).returncode == 0
    assert w2v("encode", ids, "-o", "again.ids").returncode == 0
    assert (tmp_path / "again.ids").read_bytes() == ids.read_bytes()


def test_encode_says_what_is_in_the_file(w2v, corpus):
    done = w2v("encode", corpus, "-o", "c.ids")
    assert done.out == ""
    assert "48,000  tokens kept, in 4,000 sentences" in done.err
    assert done.err.splitlines()[-1].startswith("w2v: c.ids: ")


def test_contradictions_are_usage_errors(w2v, ids):
    done = w2v("train", ids, "-o", "v.bin", "--lower")
    assert done.returncode == 2
    assert done.err.startswith(f"w2v: error: {ids}: it was encoded without --lower; training with --lower needs the")
    done = w2v("train", ids, "-o", "v.bin", "--read-vocab", os.devnull)
    assert done.returncode == 2
    assert "--read-vocab needs the text" in done.err
    assert w2v("encode", ids, "-o", "c.ids.gz").returncode == 2


def test_damaged_encoded_corpus_is_one_line(w2v, ids, tmp_path):
    data = ids.read_bytes()
    (tmp_path / "bad.ids").write_bytes(data[:-5])
    done = w2v("train", "bad.ids", "-o", "v.bin")
    assert (done.returncode, done.out) == (1, "")
    assert done.err.startswith("w2v: error: bad.ids: byte ")
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "v.bin").exists()


def test_encoded_corpus_goes_on_from_the_checkpoint_of_its_text(w2v, start_and_stop, corpus, ids, tmp_path):
    """Both have one digest; the bytes are those of a run without a stop."""
    args = ("--dim", "60", "--epochs", "20", "--threads", "1", "--checkpoint", "run.checkpoint")
    assert w2v("train", corpus, "-o", "whole.bin", *args).returncode == 0
    process = start_and_stop("train", ids, "-o", "part.bin", *args)
    go_on(process, signal.SIGINT)
    assert process.returncode == 130
    done = w2v("train", corpus, "-o", "part.bin", *args, "--resume", "--lower")
    assert done.returncode == 1
    assert "--lower was False, is True" in done.err
    assert w2v("train", ids, "-o", "part.bin", *args, "--resume").returncode == 0
    assert (tmp_path / "part.bin").read_bytes() == (tmp_path / "whole.bin").read_bytes()


def test_training_with_phrases_is_training_on_the_joined_text(w2v, corpus, tmp_path):
    """Also from ids that hold all words, and with a vocabulary of phrases."""
    options = ("--phrases", "2", "--phrase-threshold", "2", "--phrase-connectors", "english")
    done = w2v("phrases", corpus, "--passes", "2", "--threshold", "2", "--connectors", "english", "-o", "joined.gz")
    assert (done.returncode, done.out) == (0, ""), done.err
    assert w2v("train", "joined.gz", "-o", "text.bin", *FAST).returncode == 0
    done = w2v("train", corpus, "-o", "ids.bin", *FAST, *options)
    assert done.returncode == 0, done.err
    assert (tmp_path / "ids.bin").read_bytes() == (tmp_path / "text.bin").read_bytes()
    numbers = [re.search(rf"([\d,]+)  {what}", done.err)[1] for what in ("tokens read", "tokens kept", "joined to the")]
    read, kept, joined = (int(number.replace(",", "")) for number in numbers)
    assert read == kept + joined == 48_000
    assert w2v("encode", corpus, "--min-count", "1", "-o", "all.ids", "-q").returncode == 0
    assert w2v("train", "all.ids", "-o", "later.bin", *FAST, *options, "--min-count", "5").returncode == 0
    assert (tmp_path / "later.bin").read_bytes() == (tmp_path / "text.bin").read_bytes()
    assert w2v("vocab", corpus, *options).stdout == w2v("vocab", "joined.gz").stdout


def test_two_passes_are_a_pipe_of_two(w2v, corpus):
    once = w2v("phrases", corpus, "--threshold", "2", "-q")
    twice = w2v("phrases", "-", "--threshold", "2", "-q", input=once.stdout)
    assert w2v("phrases", corpus, "--threshold", "2", "--passes", "2", "-q").stdout == twice.stdout != once.stdout


def test_joined_text_is_the_text_where_nothing_is_joined(w2v):
    done = w2v("phrases", "-", input="a  b\r\n\nc\td\n🙂 caf\udce9".encode("utf-8", "surrogateescape"))
    assert done.stdout == "a b\nc d\n🙂 caf\udce9\n".encode("utf-8", "surrogateescape")
    assert done.err.splitlines()[-1] == "w2v: pass 1: 0 phrases"


def test_phrases_are_listed_with_their_scores(w2v):
    text = "new york is big\nnew york it is\nbig it is\n" * 10
    done = w2v("phrases", "-", "--list", "--threshold", "5", "--min-count", "1", input=text)
    assert done.out == "new_york\t20\t5.225000\t1\n"
    assert done.err.splitlines() == [
        "w2v: 110  tokens read (410 B of text in 1 file; 5 types)",
        "w2v:  20  joined to the token before them",
        "w2v:  90  tokens after that",
        "w2v: pass 1: 1 phrase",
    ]
    done = w2v("phrases", "-", "--list", "--score", "npmi", "--delimiter", "·", "--format", "json", "-q", input=text)
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert rows[0] == {"phrase": "new·york", "count": 20, "score": 1.0, "pass": 1}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--delimiter", " "), "--delimiter: ' ' cannot occur inside a word"),
        (("--format", "json"), "--format: is for --list"),
        (("--passes", "99"), "--passes: must be between 0 and 10 (got 99)"),
    ],
)
def test_wrong_options_of_phrases_are_usage_errors(w2v, options, message):
    done = w2v("phrases", "-", *options, input="a b")
    assert (done.returncode, done.out) == (2, "")
    assert message in done.err


def test_missing_connectors_are_found_before_the_text_is_read(w2v):
    done = w2v("train", "missing.txt", "-o", "v.bin", "--phrases", "1", "--phrase-connectors", "none.txt")
    assert (done.returncode, done.err) == (1, "w2v: error: none.txt: No such file or directory\n")


def test_plan_prints_rows_json_or_a_list(w2v, corpus):
    done = w2v("plan", corpus, "--seconds", "0.1", "--dim", "8", "--epochs", "3")
    assert (done.returncode, done.err) == (0, ""), done.err
    rows = {tuple(line.split("\t")[:2]): line.split("\t")[2] for line in done.out.splitlines()}
    assert rows["corpus", "tokens"] == "48000"
    assert rows["min_count 100", "words"] == rows["corpus", "words"]
    speed, seconds = float(rows["time", "words_per_s"]), float(rows["time", "training_s"])
    assert seconds == pytest.approx(3 * 48_000 / speed)
    done = w2v("plan", corpus, "--seconds", "0", "--format", "json")
    found = json.loads(done.out)
    assert (found["tokens"], found["time"]["calibration"]) == (48_000, None)
    assert found["memory"]["total"] == sum(v for k, v in found["memory"].items() if k != "total")


def test_plan_is_a_list_on_a_terminal(monkeypatch, capsys, corpus):
    from w2v.cli import plan
    from w2v.cli.main import run

    monkeypatch.setattr(plan, "is_terminal", lambda stream: True)
    assert run(["plan", str(corpus), "--seconds", "0", "-q"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("48,000 tokens of ")
    for part in ("min-count", "memory", "disk, if written", "time"):
        assert re.search(rf"^\s*{part}\b", text, re.MULTILINE), part


def test_every_number_of_a_plan_has_its_place():
    from w2v.cli.plan import listed, rows
    from w2v.machine import Room
    from w2v.training.plan import Calibration, Plan

    at = [(1, 40, 1200), (5, 9, 603), (10, None, None)]
    memory, disk = {"vectors": 3 << 20, "corpus": 0, "vocabulary": 2048}, {"bin": 5 << 20, "txt": 7 << 20, "ids": 0}
    plan = Plan(1206, 41, 77, 9 << 10, 2, at, 9, 603, 3, memory, Room(4 << 30, "free memory"), disk, 61.0)
    counts = {
        "tokens_read": 1206,
        "types": 41,
        "files": 2,
        "text_bytes": 9216,
        "sentences": 77,
        "words": 9,
        "tokens": 603,
        "epochs": 3,
    }
    assert rows(plan)[:8] == [("corpus", name, value) for name, value in counts.items()]
    assert rows(plan)[8:] == [
        ("min_count 1", "words", 40), ("min_count 1", "tokens", 1200), ("min_count 5", "words", 9),
        ("min_count 5", "tokens", 603), ("min_count 10", "words", None), ("min_count 10", "tokens", None),
        ("memory", "vectors", 3 << 20), ("memory", "corpus", 0), ("memory", "vocabulary", 2048),
        ("memory", "total", (3 << 20) + 2048), ("memory", "there", 4 << 30),
        ("disk", "bin", 5 << 20), ("disk", "txt", 7 << 20), ("disk", "ids", 0),
        ("time", "reading_s", 61.0), ("time", "training_s", None), ("time", "words_per_s", None),
    ]  # fmt: skip
    text = (
        "1,206 tokens of 41 types; 9.22 kB of text in 2 files\n\n"
        "min-count  words  tokens  of the text\n"
        "        1     40   1,200       99.5 %\n"
        "        5      9     603       50.0 %\n"
        "       10      ?       ?            ?\n\n"
        "with these options: 9 words, 603 tokens, 3 epochs\n\n"
        "memory\n"
        "vectors                   3.15 MB\n"
        "vocabulary                2.05 kB\n"
        "in all                    3.15 MB\n"
        "there       4.29 GB (free memory)\n\n"
        "disk, if written\n"
        ".bin              5.24 MB\n"
        ".txt, .vec        7.34 MB\n\n"
        "time\n"
    )
    assert listed(plan) == text + "reading  1 min 1 s\n"
    timed = dataclasses.replace(plan, calibration=Calibration(2000.0, 1.5, 4, "avx2"))
    assert rows(timed)[-2:] == [("time", "training_s", 3 * 603 / 2000), ("time", "words_per_s", 2000.0)]
    speed = "training  0.9 s (2.00k words/s on 4 threads, kernel avx2)\n"
    assert listed(timed) == text + "reading   1 min 1 s\n" + speed


def opened_by(process) -> set[str]:
    """The files that a process has open."""
    folder = f"/proc/{process.pid}/fd"
    found = set()
    for number in os.listdir(folder):
        with contextlib.suppress(OSError):
            found.add(os.readlink(f"{folder}/{number}"))
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="/proc")
@pytest.mark.parametrize("command", ["train", "vocab", "encode", "phrases", "plan"])
def test_one_signal_ends_the_wait_for_a_pipe_that_nobody_writes_to(start, tmp_path, command):
    os.mkfifo(tmp_path / "pipe")
    output = () if command in ("vocab", "plan") else ("-o", "out.ids" if command == "encode" else "out.bin")
    process = start(command, "pipe", *output)
    wait_until(lambda: str(tmp_path / "pipe") in opened_by(process), "the pipe is open")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (143, b"", b"w2v: stopped by a signal\n")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_vocab_names_its_own_option_for_what_it_leaves_out(w2v, corpus):
    err = w2v("vocab", corpus, "--top", "3").err
    assert "dropped, beyond --top" in err
    assert "--max-vocab" not in err


def test_a_table_is_named_before_it_is_trained_on(w2v, tmp_path):
    (tmp_path / "t.csv").write_text("id,text\n" + "".join(f'{i},"the king rules"\n' for i in range(40)))
    train = ("train", "t.csv", "-o", "t.bin", *FAST, "--sample", "0", "--min-count", "1")
    for command in (("vocab", "t.csv"), ("encode", "t.csv", "-o", "t.ids"), train):
        done = w2v(*command)
        assert done.returncode == 0
        assert "w2v: warning: t.csv: this looks like comma-separated values (2 columns: id, text)" in done.err


@pytest.mark.parametrize(
    "command",
    [
        "vocab text.csv --min-count 1",
        "vocab text.csv --min-count 1 --phrases 1",
        "encode text.csv --min-count 1 -o c.ids",
        "phrases text.csv --list",
        "plan text.csv --min-count 1 --seconds 0",
        "sweep text.csv --min-count 1 --dim 2 --epochs 1 --threads 1",
        "train text.csv --min-count 1 --dim 2 --epochs 1 --threads 1 -o v.bin",
    ],
)
def test_every_command_that_reads_text_warns_of_a_table(w2v, tmp_path, command):
    (tmp_path / "text.csv").write_text("id,label,text\n" + "".join(f'{i},1,"the king, who"\n' for i in range(30)))
    done = w2v(*command.split())
    assert done.returncode == 0
    assert done.err.count("w2v: warning: text.csv: this looks like comma-separated values (3 columns: id") == 1
