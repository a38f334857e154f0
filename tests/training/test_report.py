"""The report as a library writes it."""

from __future__ import annotations

import json
import os

import pytest

import w2v
from w2v.training import report
from w2v.training.report import InputFile, Recorder, cpu_name

from .runs import sentences

FAST = {"dim": 4, "epochs": 2, "threads": 1, "min_count": 1, "whitespace": "ascii"}


def test_a_training_of_the_library_writes_the_same_report(tmp_path):
    w2v.train(sentences(), report=tmp_path / "r.json", **FAST)
    report = json.loads((tmp_path / "r.json").read_text("ascii"))
    assert report["command"] is None
    assert report["corpus"]["files"] == []
    assert report["token_counts"]["read"] == report["token_counts"]["kept"] > 0
    assert report["training"]["tokens_total"] == 2 * report["token_counts"]["kept"]
    assert report["outputs"] == []


def test_a_place_that_cannot_be_written_is_found_before_the_corpus_is_read(tmp_path):
    def never():
        raise AssertionError("read")
        yield

    with pytest.raises(w2v.W2VError, match="does not exist"):
        w2v.train(never(), report=tmp_path / "no" / "r.json", **FAST)


def test_a_file_that_has_changed_since_it_was_read_has_no_digest(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("a b c\n")
    recorder = Recorder([path])
    path.write_text("a b d e\n")
    os.utime(path, ns=(1, 1))
    recorder.read_again()
    assert recorder._files.wait() == [InputFile(str(path), None, None)]


def test_a_file_that_cannot_be_read_again_has_neither_size_nor_digest(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("a b c\n")
    monkeypatch.setattr("w2v.training.report._sha256", lambda path: None)
    assert Recorder([path])._files.wait() == [InputFile(str(path), None, None)]


def test_folders_are_reported_as_the_files_in_them(tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).write_text(f"{name} b c\n")
    found = Recorder([tmp_path])._files.wait()
    assert [os.path.basename(f.path) for f in found] == ["a", "b"]
    assert all(f.bytes == 6 and len(f.sha256) == 64 for f in found)


def test_the_processor_is_named_where_the_system_tells(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: A Fast One (R)\n")
    assert cpu_name(tmp_path / "cpuinfo") == "A Fast One (R)"
    assert isinstance(cpu_name(tmp_path / "missing"), str)


def test_standard_input_is_no_file_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-").write_text("a b\n")
    assert report._mark("-") is None
    assert report._mark("./-")[0] == 4
