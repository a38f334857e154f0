"""kill -9 at random moments: the output is absent, old or whole, and the run goes on from its checkpoint every time."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter

import pytest

from w2v.training.checkpoint import Checkpoint

from .conftest import LONG, TIMEOUT_S, small_text

OLD = b"old"
LEFT = {"v.bin", "v.bin.checkpoint", ".v.bin.w2v-part", ".v.bin.checkpoint.w2v-part"}


def killed(start, arguments: tuple, after_s: float) -> int:
    """The exit code of a run that is killed after a time, unless it has ended before."""
    process = start(*arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    err = process.stderr.read().decode()
    assert process.returncode in (0, -signal.SIGKILL), err
    assert all(line.endswith("starting from the beginning") for line in err.splitlines()), err
    return process.returncode


def share_done(path) -> float:
    """How far the run is by its checkpoint, which must be one; 0 where there is none yet."""
    if not path.exists():
        return 0.0
    with Checkpoint(path) as checkpoint:
        return checkpoint.share


@pytest.mark.parametrize("kills", [10, pytest.param(50, marks=pytest.mark.slow)])
def test_a_run_killed_at_random_moments_goes_on_to_the_same_bytes(start, w2v, corpus, whole, tmp_path, kills):
    arguments = ("train", corpus, "-o", "v.bin", *LONG, "--checkpoint-every", "0.02s", "--resume")
    output, checkpoint = tmp_path / "v.bin", tmp_path / "v.bin.checkpoint"
    draw = random.Random(kills)
    output.write_bytes(OLD)
    seen: Counter[str] = Counter()
    started = time.monotonic()
    assert killed(start, arguments, TIMEOUT_S) == 0
    run_s = time.monotonic() - started  # of a run on this machine, as busy as it is: kills are spread over all of it
    output.write_bytes(OLD)
    done = 0.0
    while seen["killed"] < kills:
        # A run that goes on from near its end is short.
        seen[{0: "ended"}.get(killed(start, arguments, draw.uniform(0, 0.6 * run_s * (1 - done))), "killed")] += 1
        assert set(os.listdir(tmp_path)) <= LEFT
        share = share_done(checkpoint)
        if output.read_bytes() == OLD:
            assert share >= done, "a checkpoint was lost"
            done = share
            seen["with a checkpoint"] += checkpoint.exists()
        else:
            assert output.read_bytes() == whole
            seen["whole"] += 1
            output.write_bytes(OLD)
            done = share  # killed between the move and the removal of the checkpoint, or 0
    last = w2v(*arguments)
    assert last.returncode == 0, last.err
    assert output.read_bytes() == whole
    assert os.listdir(tmp_path) == ["v.bin"]
    print(f"{kills} kills in runs of {run_s:.1f} s: {dict(seen)}")
    assert seen["with a checkpoint"] + seen["whole"] > 0


# Ends the process, as kill -9 does, just before the N-th time that it moves a file.
KILL_AT_MOVE = """
import os, signal

left = int(os.environ["KILL_AT"])


def before(move):
    def moving(*places, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return move(*places, **options)

    return moving


os.rename, os.replace = before(os.rename), before(os.replace)
"""


def test_a_night_killed_between_any_two_moves_is_put_right_by_the_next(start, w2v, tmp_path_factory, tmp_path):
    """Vectors and checkpoint are of one night after the next, whichever file had been moved."""
    away = tmp_path_factory.mktemp("away")
    (away / "sitecustomize.py").write_text(KILL_AT_MOVE)
    (away / "corpus.txt").write_text(small_text(200))
    night = ("train", away / "corpus.txt", "-o", "items.bin", "--dim", "8", "--epochs", "1", "-t", "1", "-q")
    night = (*night, "--continue")
    pair = [tmp_path / "items.bin", tmp_path / "items.bin.checkpoint"]
    nights = []  # the pair after each night that nothing disturbs
    for _ in range(4):
        assert w2v(*night).returncode == 0
        nights.append([path.read_bytes() for path in pair])
    vectors = [pair_after[0] for pair_after in nights]
    seen = Counter[int]()
    for move in range(1, 100):
        for path, data in zip(pair, nights[0], strict=True):
            path.write_bytes(data)
        process = start(*night, env={"PYTHONPATH": str(away), "KILL_AT": str(move)})
        _, err = process.communicate()
        if process.returncode == 0:  # fewer moves than that
            break
        assert process.returncode == -signal.SIGKILL, err
        assert pair[0].read_bytes() in vectors[:2]
        assert (done := w2v(*night)).returncode == 0, done.err
        assert set(os.listdir(tmp_path)) == {path.name for path in pair}
        after = vectors.index(pair[0].read_bytes())
        seen[after] += 1
        assert w2v(*night).returncode == 0
        assert pair[0].read_bytes() == vectors[after + 1]  # so the checkpoint went with the vectors
    print(dict(seen))
    assert set(seen) == {1, 2}  # the second night was done again, or gone on from
