"""--report: what a run was, written down so that it can be repeated, with token counts that add up (docs/report.md)."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
from pathlib import Path

import pytest

from w2v.corpus.config import CorpusConfig
from w2v.settings import options_of
from w2v.training.config import TrainConfig

from .conftest import go_on

FAST = ("--dim", "8", "--epochs", "2", "--threads", "1")
DOCS = Path(__file__).resolve().parents[2] / "docs" / "report.md"


def sha256(path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def load(path) -> dict:
    return json.loads(Path(path).read_text("ascii"))


def balanced(report: dict) -> bool:
    """The sums that docs/report.md promises."""
    token_counts, training = report["token_counts"], report["training"]
    dropped = ("below_min_count", "beyond_max_vocab", "not_in_vocab", "too_long", "no_word", "joined")
    return (
        token_counts["read"] == token_counts["kept"] + sum(token_counts[name] for name in dropped)
        and training["tokens_total"] == training["epochs"] * token_counts["kept"]
        and training["tokens_total"] == training["trained"] + training["subsampled"] + training["alone"]
    )


def test_the_report_of_a_run_lets_it_be_repeated_and_its_token_counts_add_up(w2v, corpus, tmp_path):
    text = corpus.read_bytes() + b"\xffrare " * 3 + b"x" * 2000 + b"\nking\n"
    (tmp_path / "a.txt").write_bytes(text)
    given = (
        "train",
        "a.txt",
        "-o",
        "v.bin",
        *FAST,
        "--sample",
        "1e-2",
        "--save-vocab",
        "vocab.tsv",
        "--save-context",
        "c.npy",
        "--report",
        "r.json",
    )
    done = w2v(*given, env={"W2V_KERNEL": "baseline"})
    assert done.returncode == 0, done.err
    report = load(tmp_path / "r.json")
    assert report["format"] == "w2v report 2"
    assert balanced(report)
    assert report["token_counts"]["read"] == 48_005
    assert report["token_counts"]["below_min_count"] == 3
    assert report["token_counts"]["too_long"] == 1
    assert report["training"]["alone"] > 0
    assert report["command"] == ["w2v", *given]
    assert report["directory"] == str(tmp_path)
    assert report["environment"] == {"W2V_KERNEL": "baseline"}
    assert report["machine"]["kernel"] == report["training"]["kernel"] == "baseline"
    assert report["corpus"]["files"] == [{"path": "a.txt", "bytes": len(text), "sha256": sha256(tmp_path / "a.txt")}]
    assert report["corpus"]["words"] == len((tmp_path / "vocab.tsv").read_text("utf-8").splitlines())
    roles = {o["path"]: o["role"] for o in report["outputs"]}
    assert roles == {"v.bin": "vectors", "c.npy": "context vectors", "c.words.txt": "words", "vocab.tsv": "vocabulary"}
    for output in report["outputs"]:
        assert output["sha256"] == sha256(tmp_path / output["path"])
        assert output["bytes"] == (tmp_path / output["path"]).stat().st_size
    first = report["outputs"]
    again = w2v(*report["command"][1:], env=report["environment"])
    assert again.returncode == 0, again.err
    assert load(tmp_path / "r.json")["outputs"] == first


def test_every_setting_is_in_the_report_with_the_value_that_was_used(w2v, corpus, tmp_path):
    done = w2v("train", corpus, "-o", "v.bin", *FAST, "--model", "cbow", "--report", "r.json")
    assert done.returncode == 0, done.err
    settings = load(tmp_path / "r.json")["settings"]
    assert settings["corpus"].keys() == options_of(CorpusConfig).keys()
    assert settings["train"].keys() == options_of(TrainConfig).keys()
    assert settings["train"]["model"] == "cbow"
    assert settings["train"]["lr"] == 0.06
    assert settings["train"]["min_lr"] == pytest.approx(6e-6)
    assert settings["train"]["threads"] == 1


def test_every_key_of_the_report_is_documented(w2v, corpus, tmp_path):
    done = w2v("train", corpus, "-o", "v.bin", *FAST, "--report", "r.json")
    assert done.returncode == 0, done.err
    documented = set(re.findall(r"`([a-z0-9_]+)`", DOCS.read_text("utf-8")))

    def keys(value) -> set[str]:
        if isinstance(value, dict):
            return set(value) | set().union(*map(keys, value.values()))
        return set().union(*map(keys, value)) if isinstance(value, list) else set()

    report = load(tmp_path / "r.json")
    del report["settings"]["corpus"], report["settings"]["train"], report["environment"]
    assert keys(report) - documented == set()


def test_standard_input_has_no_digest_but_the_text_that_was_trained_on_has(w2v, corpus, tmp_path):
    text = corpus.read_bytes()
    done = w2v("train", "-", "-o", "-", *FAST, "--format", "text", "--report", "pipe.json", input=text)
    assert done.returncode == 0, done.err
    assert w2v("train", corpus, "-o", "v.txt", *FAST, "--report", "file.json").returncode == 0
    pipe, file = load(tmp_path / "pipe.json"), load(tmp_path / "file.json")
    assert pipe["corpus"]["files"] == [{"path": "-", "bytes": None, "sha256": None}]
    assert pipe["corpus"]["digest"] == file["corpus"]["digest"]
    assert pipe["outputs"][0]["sha256"] == file["outputs"][0]["sha256"] == sha256(tmp_path / "v.txt")


def test_a_compressed_output_is_described_as_it_lies_on_the_disk(w2v, corpus, tmp_path):
    assert w2v("train", corpus, "-o", "v.tsv.gz", *FAST, "--report", "r.json").returncode == 0
    outputs = load(tmp_path / "r.json")["outputs"]
    assert {o["path"]: o["bytes"] for o in outputs} == {
        name: (tmp_path / name).stat().st_size for name in ("v.tsv.gz", "v.metadata.tsv")
    }
    assert all(o["sha256"] == sha256(tmp_path / o["path"]) for o in outputs)


def test_a_resumed_run_says_where_it_went_on_from_and_its_token_counts_add_up(w2v, start_and_stop, corpus, tmp_path):
    given = ("train", corpus, "-o", "v.bin", "--dim", "30", "--threads", "1", "--epochs", "20", "-q", "--report", "r")
    process = start_and_stop(*given)
    _, err = go_on(process, signal.SIGINT)
    assert process.returncode == 130, err
    assert not (tmp_path / "r").exists()
    done = w2v(*given, "--resume")
    assert done.returncode == 0, done.err
    report = load(tmp_path / "r")
    assert balanced(report)
    assert report["command"][-1] == "--resume"
    assert report["resumed"]["checkpoint"] == "v.bin.checkpoint"
    assert 0 < report["resumed"]["tokens"] < report["training"]["tokens_total"]
    assert len(report["training"]["epoch_losses"]) == 20
    assert report["training"]["seconds"] > report["times"]["training_s"]
    assert report["outputs"][0]["sha256"] == sha256(tmp_path / "v.bin")


@pytest.mark.parametrize(
    ("path", "code", "match"),
    [
        ("-", 2, "only OUT can be standard output"),
        ("v.bin", 2, "given twice"),
        ("missing/r", 1, "does not exist"),
        (".", 1, "is a directory"),
        ("corpus", 2, "is an input too"),
    ],
)
def test_a_bad_place_for_the_report_is_found_before_any_work(w2v, corpus, tmp_path, path, code, match):
    (tmp_path / "corpus").write_bytes(corpus.read_bytes())
    done = w2v("train", "corpus", "-o", "v.bin", *FAST, "--report", path)
    assert done.returncode == code
    assert re.fullmatch(rf"w2v: error: [^\n]*{match}[^\n]*\n", done.err)
    assert os.listdir(tmp_path) == ["corpus"]


def test_no_output_is_in_its_place_when_the_report_cannot_be_written(w2v, corpus, tmp_path):
    """/dev/full opens, and fails at the first write; the vectors are whole by then, and kept in the checkpoint."""
    (tmp_path / "v.bin").write_bytes(b"old")
    done = w2v("train", corpus, "-o", "v.bin", *FAST, "-q", "--report", "/dev/full")
    assert done.returncode == 1
    assert "/dev/full: No space left on device; the trained vectors are kept in v.bin.checkpoint" in done.err
    assert (tmp_path / "v.bin").read_bytes() == b"old"
    assert w2v("train", corpus, "-o", "v.bin", *FAST, "-q", "--report", "r.json", "--resume").returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["r.json", "v.bin"]
