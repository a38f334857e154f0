"""The N-th write, fsync, rename, open, posix_fallocate, ftruncate or close fails, or a signal comes before it, for N =
1, 2, ... to the last."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CHECKPOINTS = "--checkpoint-every=0.000000001s"  # after each epoch of so small a corpus
TRAIN = [
    "train",
    "corpus",
    "-o",
    "v.bin",
    "--dim",
    "4",
    "--epochs",
    "1",
    "--threads",
    "1",
    "-q",
    CHECKPOINTS,
    "--save-vocab",
    "vocab.tsv",
    "--save-context",
    "c.npy",
    "--report",
    "r.json",
]
OUTPUTS = ["v.bin", "vocab.tsv", "c.npy", "c.words.txt", "r.json"]
FORMATS = {
    "v.bin": ["v.bin"],
    "v.txt": ["v.txt"],
    "v.txt.gz": ["v.txt.gz"],
    "v.safetensors": ["v.safetensors"],
    "v.npy": ["v.npy", "v.words.txt"],
    "v.tsv": ["v.tsv", "v.metadata.tsv"],
}

# One process imports everything and runs the command again and again in children of its own, each in a fresh folder.
DRIVER = """
import ctypes, json, os, pathlib, shutil, sys
import numpy
from w2v.cli.main import run
import w2v.vectors.vectors, w2v.training.trainer, w2v.corpus.reader, w2v.cli.job, w2v.training.report

shim = ctypes.CDLL(sys.argv[1])
shim.failing_which.restype = ctypes.c_char_p
spec = json.load(sys.stdin)
home = os.getcwd()

def child(folder, args, at, later, without, number=0):
    log = home + "/err"
    pid = os.fork()
    if pid == 0:
        os.chdir(folder)
        err = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(err, 2)
        shim.failing_arm(os.fsencode(folder), at, later, without, number)
        code = run(args)
        fired = shim.failing_fired()
        shim.failing_arm(b"", 0, 0, 0, 0)
        with open(home + "/fired", "w") as file:
            file.write(f"{fired} {shim.failing_which().decode()}")
        os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code < 0:
        pathlib.Path(home, "fired").write_text("1 ")
    fired, _, which = pathlib.Path(home, "fired").read_text().partition(" ")
    return {"code": code, "fired": int(fired), "which": which, "err": pathlib.Path(log).read_text()}

def files(folder):
    found = pathlib.Path(folder).rglob("*")
    return {str(p.relative_to(folder)): p.read_bytes().hex() for p in found if p.is_file()}

at = spec.get("first", 1)
while True:
    folder = f"{home}/{at}"
    shutil.copytree("template", folder)
    found = child(folder, spec["args"], at if spec["fail"] else 0, spec["later"], spec["without_fallocate"],
                  spec["signal"])
    found["files"] = files(folder)
    if found["code"] and (spec["resume"] or spec["signal"]):
        found["again"] = child(folder, [*spec["args"], *(["--resume"] if spec["resume"] else [])], 0, 0, 0)
        found["after"] = files(folder)
    print(json.dumps(found), flush=True)
    shutil.rmtree(folder)
    if not found["fired"]:
        break
    at += 1
"""


@pytest.fixture(scope="session")
def shim(tmp_path_factory) -> Path:
    """The library that makes a call fail."""
    if not sys.platform.startswith("linux"):
        pytest.skip("LD_PRELOAD of Linux is needed")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler (cc) here")
    library = tmp_path_factory.mktemp("failing") / "failing.so"
    source = Path(__file__).with_name("failing.c")
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
    return library


@pytest.fixture
def results(shim, environment, tmp_path):
    """Run a command with each call failing in turn, in copies of the folder `template`; what each run left."""

    def run(args: list[str], *, fail=True, later=False, resume=False, without_fallocate=False, number=0) -> list[dict]:
        spec = {"args": args, "fail": fail, "later": later, "resume": resume, "without_fallocate": without_fallocate}
        spec["signal"] = int(number)
        done = subprocess.run(
            [sys.executable, "-P" if sys.version_info >= (3, 11) else "-s", "-c", DRIVER, shim],
            cwd=tmp_path,
            env={**environment, "LD_PRELOAD": str(shim), "OPENBLAS_NUM_THREADS": "1"},
            input=json.dumps(spec).encode(),
            capture_output=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.splitlines()]

    (tmp_path / "template").mkdir()
    return run


@pytest.fixture
def corpus_and_old(tmp_path, results) -> dict[str, str]:
    """A small corpus and outputs of an earlier run; what they hold."""
    template = tmp_path / "template"
    (template / "corpus").write_text("a b c d\nb c a\nd a b c a\n" * 30)
    for name in OUTPUTS:
        (template / name).write_bytes(b"old " + name.encode())
    return {name: (b"old " + name.encode()).hex() for name in OUTPUTS}


def is_one_error(text: str) -> bool:
    """One line that says what went wrong, behind warnings if there were any."""
    *before, last = text.splitlines()
    return last.startswith("w2v: error: ") and all(line.startswith("w2v: warning: ") for line in before)


def same(name: str, data: str, other: str) -> bool:
    """Whether two outputs are equal; a report has times in it."""
    if name != "r.json" or data.startswith(b"old".hex()) or other.startswith(b"old".hex()):
        return data == other
    one, two = (json.loads(bytes.fromhex(text)) for text in (data, other))
    return one["training"]["trained"] == two["training"]["trained"] and one["settings"] == two["settings"]


@pytest.mark.parametrize("later", [False, True], ids=["one call", "all from there on"])
def test_a_training_whose_nth_call_fails_leaves_old_or_new_files_and_can_go_on(corpus_and_old, results, later):
    every = results(TRAIN, later=later, resume=True)
    good = every.pop()
    assert (good["code"], good["err"], good["fired"]) == (0, "", 0)
    assert set(good["files"]) == {"corpus", *OUTPUTS}
    assert {found["which"] for found in every} >= {"write", "fsync", "rename", "close"}
    assert len(every) > 40
    for number, found in enumerate(every, 1):
        what = (number, found["which"], found["err"])
        assert found["code"] in (0, 1), what
        hidden = [name for name in found["files"] if name.startswith(".")]
        assert later or not hidden, what
        for name in hidden:  # of a disk that refuses each further call old files do not come back; it is said
            assert name.endswith(".w2v-old"), what
            assert re.search(rf"what was there before is kept as .*/{number}/{re.escape(name)}\b", found["err"]), what
        for name in OUTPUTS:
            now = found["files"].get(name, found["files"].get(f".{name}.w2v-old"))
            assert now == corpus_and_old[name] or same(name, now, good["files"][name]), (what, name)
        if found["code"] == 0:  # a checkpoint on the way, or a flush of the folder
            assert all(same(name, found["files"][name], good["files"][name]) for name in OUTPUTS), what
            assert "v.bin.checkpoint" not in found["files"], what
            assert all(line.startswith("w2v: warning: ") for line in found["err"].splitlines()), what
        else:
            assert is_one_error(found["err"]), what
            assert found["again"]["code"] == 0, (what, found["again"])
            assert all(same(name, found["after"][name], good["files"][name]) for name in OUTPUTS), what
            assert set(found["after"]) == {"corpus", *OUTPUTS}, what
    codes = [found["code"] for found in every]
    assert set(codes) == {0, 1}
    print(f"{len(every)} calls failed in turn: {codes.count(1)} runs ended with one line, {codes.count(0)} went on")


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_of_vectors_whose_nth_call_fails_stays_as_it_was(results, vectors, tmp_path, name):
    template = tmp_path / "template"
    shutil.copy(vectors, template / "in.bin")
    old = {}
    for place in FORMATS[name]:
        (template / place).write_bytes(b"old")
        old[place] = b"old".hex()
    every = results(["convert", "in.bin", name, "-q"])
    good = every.pop()
    assert good["code"] == 0, good["err"]
    assert len(every) >= 4 * len(old)
    failed = 0
    for number, found in enumerate(every, 1):
        what = (number, found["which"], found["err"])
        assert set(found["files"]) == {"in.bin", *old}, what
        for place in old:
            assert found["files"][place] in (old[place], good["files"][place]), what
        failed += found["code"] == 1
        assert (found["code"], is_one_error(found["err"] or "-")) in ((0, False), (1, True)), what
        if len(old) == 1:
            assert (found["code"] == 1) == (found["files"][name] == old[name]), what
    assert failed >= 3 * len(old)
    print(f"{name}: {len(every)} calls failed in turn, {failed} ended with one line")


def test_a_file_system_that_cannot_reserve_space_is_written_all_the_same(corpus_and_old, results):
    (plain,) = results(TRAIN, fail=False)
    (without,) = results(TRAIN, fail=False, without_fallocate=True)
    assert (plain["code"], without["code"], without["err"]) == (0, 0, "")
    assert all(same(name, plain["files"][name], without["files"][name]) for name in OUTPUTS)


def test_a_disk_with_too_little_space_is_found_before_the_training(corpus_and_old, results):
    """The first posix_fallocate of the run is for the vectors."""
    every = results([a for a in TRAIN if a != CHECKPOINTS])
    reserved = [found for found in every if found["which"].startswith("posix_fallocate")]
    assert reserved
    assert "bytes are needed" in reserved[0]["err"]
    assert reserved[0]["files"]["v.bin"] == corpus_and_old["v.bin"]
    assert "v.bin.checkpoint" not in reserved[0]["files"]
    assert os.path.isdir("/proc")


EVENTS = "who,what,when\n" + "".join(f"u{i % 7},i{i % 5},{i}\n" for i in range(60))
COLUMNS = ["--session", "who", "--item", "what", "--time", "when"]
EMBED = ["embed", "in.bin", "lines", "-q"]
WRITERS = {
    "sessions": (["sessions", "events.csv", *COLUMNS, "-o", "out", "--last-out", "last", "-q"], ["out", "last"]),
    "sessions packed": (["sessions", "events.csv", *COLUMNS, "-o", "out.gz", "-q"], ["out.gz"]),
    "embed": ([*EMBED, "-o", "out.npy", "--sif", "--save-common", "common.npy"], ["out.npy", "common.npy"]),
    "embed to lines": ([*EMBED, "-o", "out.tsv"], ["out.tsv"]),
    "learn": (["learn", "a b a c", "-o", "out.html"], ["out.html"]),
    "vocab": (["vocab", "lines", "--min-count", "1", "-o", "out.tsv", "-q"], ["out.tsv"]),
    "folder": (
        ["convert", "in.bin", "model", "--format", "static-embedding", "-q"],
        [f"model/{name}" for name in ("model.safetensors", "tokenizer.json", "config.json", "modules.json")],
    ),
    **{name: (["convert", "in.bin", name, "-q"], places) for name, places in FORMATS.items()},
}


# Ctrl-C goes the way of SIGTERM: one writer shows that it does.
SIGNALS = [(name, number) for name in WRITERS for number in (signal.SIGTERM, signal.SIGKILL)]


@pytest.mark.parametrize(
    ("name", "number"), [*SIGNALS, ("v.txt", signal.SIGINT)], ids=lambda one: getattr(one, "name", one)
)
def test_a_signal_at_any_call_leaves_old_or_new_files_and_the_next_run_writes_them(
    results, vectors, tmp_path, name, number
):
    args, outputs = WRITERS[name]
    template = tmp_path / "template"
    shutil.copy(vectors, template / "in.bin")
    (template / "lines").write_text("the king\n\nqueen of france\n")
    (template / "events.csv").write_text(EVENTS)
    old = {}
    for place in outputs:
        (template / place).parent.mkdir(exist_ok=True)
        (template / place).write_bytes(b"old")
        old[place] = b"old".hex()
    given = {"in.bin", "lines", "events.csv"}
    every = results(args, number=number)
    good = every.pop()
    assert (good["code"], good["fired"]) == (0, 0), good["err"]
    assert set(good["files"]) == given | set(old)
    assert len(every) >= 4 * len(old)
    for at, found in enumerate(every, 1):
        what = (at, found["which"], found["err"])
        left = {place for place in found["files"] if place.rpartition("/")[2].startswith(".")}
        if number == signal.SIGKILL:
            assert found["code"] == -number, what
        else:
            assert found["code"] in (0, 128 + number), what
            assert found["err"] in ("", "w2v: interrupted\n", "w2v: stopped by a signal\n"), what
            assert not left, (what, left)
        assert set(found["files"]) - left <= given | set(old), what
        for place in outputs:
            assert found["files"].get(place, old[place]) in (old[place], good["files"][place]), (what, place)
        assert len({found["files"][place] == old[place] for place in outputs if place in found["files"]}) < 2, what
        for place in left:
            assert place.endswith((".w2v-part", ".w2v-old")), what
        if found["code"]:
            assert found["again"]["code"] == 0, (what, found["again"])
            assert all(found["after"][place] == good["files"][place] for place in outputs), what
            assert not [p for p in found["after"] if p.endswith(".w2v-part")], what
