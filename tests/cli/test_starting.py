"""Trainings of the command that begin with what exists, and runs that are kept when they end."""

from __future__ import annotations

import os
import re

import pytest

from w2v.vectors.vectors import load

from .test_runs import LATEST_S
from .test_train import FAST

MORE = "king zebra queen went\nthe unicorn saw a zebra\n" * 50


@pytest.fixture
def kept(w2v, corpus, tmp_path):
    """v.bin and its checkpoint, and more.txt."""
    (tmp_path / "more.txt").write_text(MORE)
    assert w2v("train", corpus, "-o", "v.bin", *FAST, "--keep-checkpoint", "-q").returncode == 0
    assert sorted(os.listdir(tmp_path)) == ["more.txt", "v.bin", "v.bin.checkpoint"]
    return tmp_path


def test_a_run_goes_on_with_other_text_and_new_words(w2v, kept):
    done = w2v("train", "more.txt", "-o", "w.bin", "--continue", "v.bin.checkpoint")
    assert done.returncode == 0, done.err
    before, after = load(kept / "v.bin"), load(kept / "w.bin")
    assert set(after.words) == {*before.words, "zebra", "unicorn", "saw", "a"}
    assert after.dim == before.dim
    rows = rf"{len(before):,} of {len(after):,} words begin with its rows, 4 are fresh"
    assert f"w2v: v.bin.checkpoint: {rows}" in done.err
    assert (after["서울"] == before["서울"]).all()
    assert (kept / "v.bin.checkpoint").exists()
    assert not (kept / "w.bin.checkpoint").exists()


def test_vectors_to_begin_with_are_found_by_word(w2v, kept):
    done = w2v("train", "more.txt", "-o", "w.bin", "--init", "v.bin", "--dim", "8", "--lr", "1e-9", "-t", "1")
    assert done.returncode == 0, done.err
    assert "w2v: v.bin: 4 of 8 words begin with its rows, 4 are fresh" in done.err
    before, after = load(kept / "v.bin"), load(kept / "w.bin")
    assert after["king"] == pytest.approx(before["king"], abs=1e-5)


def test_a_continued_run_can_be_resumed_to_the_same_bytes(start_and_stop, w2v, corpus, kept):
    settings = ("--continue", "v.bin.checkpoint", "--epochs", "10", "--dim", "8", "-q")
    assert w2v("train", corpus, "-o", "whole.bin", *settings, "-t", "1").returncode == 0
    process = start_and_stop("train", corpus, "-o", "w.bin", *settings, "-t", "1")
    process.kill()
    process.communicate(timeout=LATEST_S)
    done = w2v("train", corpus, "-o", "w.bin", *settings, "-t", "1", "--resume")
    assert done.returncode == 0, done.err
    assert (kept / "w.bin").read_bytes() == (kept / "whole.bin").read_bytes()


def test_the_vectors_that_a_run_began_with_may_be_gone_when_it_is_resumed(start_and_stop, w2v, corpus, kept):
    settings = ("--init", "v.bin", "--epochs", "10", "--dim", "8", "-q", "-t", "1")
    assert w2v("train", corpus, "-o", "whole.bin", *settings).returncode == 0
    process = start_and_stop("train", corpus, "-o", "w.bin", *settings)
    process.kill()
    process.communicate(timeout=LATEST_S)
    (kept / "v.bin").unlink()
    done = w2v("train", corpus, "-o", "w.bin", *settings, "--resume")
    assert done.returncode == 0, done.err
    assert (kept / "w.bin").read_bytes() == (kept / "whole.bin").read_bytes()


def test_an_encoded_corpus_can_be_gone_on_with(w2v, kept):
    assert w2v("encode", "more.txt", "-o", "more.ids", "--min-count", "1").returncode == 0
    for name, corpus in (("a", "more.txt"), ("b", "more.ids")):
        settings = ("--continue", "v.bin.checkpoint", "-q", "-t", "1")
        done = w2v("train", corpus, "-o", f"{name}.bin", *settings)
        assert done.returncode == 0, done.err
    assert (kept / "a.bin").read_bytes() == (kept / "b.bin").read_bytes()


def test_what_is_in_the_way_or_does_not_fit_is_said_at_the_start(w2v, kept):
    def error(*options):
        done = w2v("train", "missing.txt", *options)
        assert re.fullmatch(r"w2v: error: [^\n]+\n", done.err)
        return done.returncode, done.err

    code, text = error("-o", "v.bin", "--continue", "v.bin.checkpoint")
    assert (code, "given twice" in text or "is an input too" in text) == (1, True) or code == 2
    code, text = error("-o", "v.bin")
    assert code == 1
    assert "v.bin.checkpoint: holds a run that was kept when it ended" in text
    for options, named in (
        (("--continue", "v.bin.checkpoint", "--dim", "9"), "its vectors have 8 dimensions; leave --dim out"),
        (("--continue", "v.bin.checkpoint", "--init", "v.bin"), "leave out --init and --read-vocab"),
        (("--init", "v.bin", "--dim", "9"), "v.bin: its vectors have 8 dimensions; train with --dim 8, not 9"),
        (("--keep-checkpoint", "-o", "-", "--format", "bin"), "--keep-checkpoint: give its place, --checkpoint FILE"),
    ):
        code, text = error("-o", "w.bin", *options)
        assert (code, named in text) == (2, True), text
