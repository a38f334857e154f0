"""Nodes that die and join in mid-run, a run that is stopped and gone on from; every token is still trained once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

import w2v as library
from w2v.cluster.leases import Leases
from w2v.cluster.run import ClusterOptions, ClusterTrainer
from w2v.corpus.config import CorpusConfig
from w2v.training.config import TrainConfig

CHUNK = 8_000  # bytes
EPOCHS = 10
HELD_BACK = 30  # chunks


def train(text, address, act, until):
    """A run in which `act(run)` is called once, when a tenth is trained.

    However fast it is, it does not end before that has had its effect: the last chunks are for the member that
    `until(run)` returns, and for others when that has trained one.
    """
    acted, said = [], []

    def look(progress):
        run.coordinator.leases.take = take
        if not acted and progress.tokens_done > progress.tokens_total / 10:
            acted.append(True)
            act(run)

    def take(node):
        leases = run.coordinator.leases
        if leases.waiting <= HELD_BACK:
            wanted = until(run) if acted else None
            if wanted is None or (node != wanted.number and not wanted.done_tokens):
                return None
        return Leases.take(leases, node)

    config = TrainConfig(dim=64, epochs=EPOCHS, threads=1, negative=15)
    options = ClusterOptions(address, sync_every_s=0.1, chunk_bytes=CHUNK)
    with ClusterTrainer([text], CorpusConfig(), config, options) as run:
        run.read()
        result = run.train(look, tell=said.append)
    assert result.summary.tokens_total == EPOCHS * run.token_counts.kept
    assert run.token_counts.sentences == 8000
    best = [word for word, _ in result.vectors.most_similar("w7_0", topn=4)]
    assert all(word.startswith("w7_") for word in best)
    return run, result.summary, said


def replacement(run):
    """The member that has come in the place of a lost one."""
    nodes = run.coordinator.nodes
    return next((member for member in nodes.members if nodes.lost and member.number > 2), None)


def test_a_killed_actor_costs_its_chunks_and_another_takes_its_place(two_nodes, text):
    def kill(run):
        os.kill(run.coordinator.members[0].greeting.pid, signal.SIGKILL)

    run, summary, said = train(text, two_nodes.address, kill, replacement)
    assert (summary.nodes, summary.nodes_lost) == (2, 1)
    assert summary.chunks_lost >= 1
    assert "is lost" in said[0]
    assert "joins" in said[1]
    assert (
        sum(member.done_tokens for member in [*run.coordinator.members, *run.coordinator.nodes.lost])
        == summary.tokens_total
    )


def test_an_actor_that_hangs_is_given_up_and_another_takes_its_place(two_nodes, text):
    stopped = []

    def stop(run):  # on the node with two CPUs: Ray frees that of a stopped process after 5 s
        two_cpus = next(n["NodeID"] for n in run.ray.nodes() if n["Alive"] and n["Resources"].get("CPU") == 2)
        member = next(m for m in run.coordinator.members if m.node_id == two_cpus)
        stopped.append((two_cpus, member.greeting.pid))
        os.kill(member.greeting.pid, signal.SIGSTOP)

    try:
        run, summary, said = train(text, two_nodes.address, stop, replacement)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(stopped[0][1], signal.SIGKILL)
    assert (summary.nodes, summary.nodes_lost) == (2, 1)
    assert "is lost (" in said[0]
    assert "joins" in said[1]
    assert run.coordinator.members[-1].node_id == stopped[0][0]
    assert run.coordinator.members[-1].done_tokens > 0


def test_a_node_that_joins_helps_and_one_that_is_killed_is_done_without(two_nodes, text):
    added = []

    def add(run):
        added.append(two_nodes.add_node(num_cpus=1, object_store_memory=80 << 20))

    def third(run):
        return next((member for member in run.coordinator.members if member.number == 3), None)

    run, summary, said = train(text, two_nodes.address, add, third)
    assert summary.nodes == 3
    assert third(run).done_tokens > 0
    assert "joins" in said[0]

    def kill(run):
        two_nodes.remove_node(added[0], allow_graceful=False)

    run, summary, said = train(
        text, two_nodes.address, kill, lambda run: run.coordinator.members[0] if run.coordinator.nodes.lost else None
    )
    assert (summary.nodes, summary.nodes_lost) == (2, 1)


def test_a_stopped_run_goes_on_from_its_checkpoint(two_nodes, text, tmp_path, program):
    command = [
        program,
        "train",
        text,
        "-o",
        "v.bin",
        "--cluster",
        two_nodes.address,
        "-t",
        "1",
        "-d",
        "64",
        "-e",
        "40",
        "-n",
        "15",
        "--checkpoint-every",
        "0.1s",
    ]
    first = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "v.bin.checkpoint").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 143, errors
    assert "v.bin.checkpoint holds the run" in errors
    assert not (tmp_path / "v.bin").exists()

    other = subprocess.run([*command, "--resume", "--lr", "0.01"], cwd=tmp_path, capture_output=True, text=True)
    assert other.returncode == 1
    assert "--lr was 0.025, is 0.01" in other.stderr

    done = subprocess.run([*command, "--resume"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    kept = next(line.split()[1] for line in done.stderr.splitlines() if " tokens kept, " in line)
    total = next(line.split()[1] for line in done.stderr.splitlines() if " tokens in 40 epochs" in line)
    assert int(total.replace(",", "")) == 40 * int(kept.replace(",", ""))
    assert len(library.load(tmp_path / "v.bin")) > 300
    assert not (tmp_path / "v.bin.checkpoint").exists()


def test_vectors_that_cannot_be_written_are_kept_in_the_checkpoint(two_nodes, text, tmp_path, program):
    command = [
        program,
        "train",
        text,
        "--cluster",
        two_nodes.address,
        "-t",
        "1",
        "-d",
        "16",
        "-e",
        "2",
        "--loss",
        "hs",
        "--format",
        "bin",
        "--checkpoint",
        "c",
    ]
    first = subprocess.run([*command, "-o", "/dev/full"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert first.returncode == 1
    assert "/dev/full: No space left on device; the trained vectors are kept in c" in first.stderr
    done = subprocess.run(
        [*command, "-o", "v.bin", "--resume"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == ["v.bin"]
    best = [word for word, _ in library.load(tmp_path / "v.bin").most_similar("w7_0", topn=4)]
    assert all(word.startswith("w7_") for word in best)
