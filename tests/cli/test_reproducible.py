"""`w2v train --reproducible`, as real processes: the same files with any number of threads, also after kill -9."""

from __future__ import annotations

import json
import random
import subprocess

from w2v.kernel import kernels

from .test_kills import killed, share_done

SETTINGS = ("--dim", "30", "--sample", "0", "--epochs", "60", "-q", "--reproducible")


def test_text_pipe_and_encoded_corpus_give_the_same_file_with_any_number_of_threads(w2v, corpus, tmp_path):
    assert w2v("encode", corpus, "-o", "corpus.ids", "-q").returncode == 0
    text = corpus.read_bytes()
    for source, threads in ((corpus, 1), ("-", 2), ("corpus.ids", 3), (corpus, 7)):
        done = w2v("train", source, "-o", f"{threads}.bin", *SETTINGS, "-t", str(threads), input=text)
        assert done.returncode == 0, done.err
    assert len({(tmp_path / f"{threads}.bin").read_bytes() for threads in (1, 2, 3, 7)}) == 1


def test_a_run_killed_at_random_moments_goes_on_with_other_threads_to_the_same_bytes(start, w2v, corpus, tmp_path):
    arguments = ("train", corpus, "-o", "v.bin", *SETTINGS, "--checkpoint-every", "0.02s", "--resume")
    assert w2v("train", corpus, "-o", "whole.bin", *SETTINGS).returncode == 0
    draw = random.Random(1)
    output, checkpoint = tmp_path / "v.bin", tmp_path / "v.bin.checkpoint"
    kills, done, after_s = 0, 0.0, 0.2
    while not output.exists() and kills < 40:
        kills += killed(start, (*arguments, "-t", str(draw.choice([1, 2, 3, 7]))), draw.uniform(0.1, after_s)) != 0
        share = share_done(checkpoint)
        assert output.exists() or share >= done, "a checkpoint was lost"
        after_s = after_s if share > done else 1.5 * after_s  # a busy machine takes longer to get anywhere
        done = share
    assert kills > 1
    if not output.exists():
        assert w2v(*arguments, "-t", "2").returncode == 0
    assert output.read_bytes() == (tmp_path / "whole.bin").read_bytes()


def test_the_summary_and_the_report_say_what_it_holds_for(w2v, corpus, tmp_path):
    done = w2v("train", corpus, "-o", "v.bin", *[s for s in SETTINGS if s != "-q"], "--report", "r.json")
    kernel = kernels.choose().NAME
    assert f"the same bytes with any number of threads, with kernel {kernel}" in done.err
    training = json.loads((tmp_path / "r.json").read_text())["training"]
    assert training["reproducible"]["kernel"] == kernel
    assert 1 <= training["reproducible"]["lanes"] <= 8
    assert w2v("train", corpus, "-o", "v.bin", *SETTINGS[:-1], "--report", "r.json").returncode == 0
    assert json.loads((tmp_path / "r.json").read_text())["training"]["reproducible"] is None


def test_ctrl_c_ends_a_reproducible_run_with_a_checkpoint(start, corpus, tmp_path):
    import signal

    process = start(
        "train",
        corpus,
        "-o",
        "v.bin",
        *SETTINGS,
        "--epochs",
        "100000",
        "-t",
        "3",
        "--checkpoint-every",
        "0.05s",
        stdin=subprocess.DEVNULL,
    )
    from .conftest import wait_for

    wait_for(process, (tmp_path / "v.bin.checkpoint").exists)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    assert 0 < share_done(tmp_path / "v.bin.checkpoint") < 1
