"""The examples of every help page run as they stand."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from w2v.cli.main import cli

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = [
    pytest.param(line, id=f"{name}: {what}")
    for name in cli.list_commands(None)
    for what, line in cli.get_command(None, name).examples
]


@pytest.fixture
def folder(tmp_path, corpus, vectors):
    """What the examples speak of."""
    shutil.copy(vectors, tmp_path / "vectors.bin")
    for name in ("other", "seed1", "seed2", "seed3"):
        shutil.copy(vectors, tmp_path / f"{name}.bin")
    text = corpus.read_bytes()
    (tmp_path / "corpus.txt").write_bytes(text)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "part").write_bytes(text)
    (tmp_path / "news-1.gz").write_bytes(gzip.compress(text))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "world.txt.gz").write_bytes(gzip.compress(text))
    questions = ": royals\nman king woman queen\nking prince queen princess\n"
    (tmp_path / "data" / "world-questions.txt").write_text(questions)
    (tmp_path / "pairs.tsv").write_text("king\tqueen\t8.5\nking\tman\t6\nthe\tprince\t1\n")
    (tmp_path / "run.jsonl").write_text('{"event": "progress", "tokens": 5, "loss": 0.5}\n' * 3)
    (tmp_path / "words.txt").write_text("king\nqueen\n")
    (tmp_path / "groups.tsv").write_text("king\troyal\nqueen\troyal\nman\tpeople\nwoman\tpeople\n")
    (tmp_path / "titles.tsv").write_text("king\tHis Majesty\nqueen\tHer Majesty\n")
    (tmp_path / "capitals.tsv").write_text("한국\t서울\nfrance\tparis\n")
    (tmp_path / "lines.txt").write_text("the king and the queen\nman woman\n")
    (tmp_path / "queries.txt").write_text("a king\n")
    (tmp_path / "vocab.tsv").write_text("king\t30\nthe\t20\n")
    rows = [f"u{i // 4},{word},{60 * i}" for i, word in enumerate(["king", "queen", "man", "woman"] * 9)]
    (tmp_path / "events.csv").write_text("\n".join(["user,item,time", *rows]) + "\n")
    (tmp_path / "questions.txt").write_text("man king woman\nking prince queen\n")
    return tmp_path


@pytest.mark.parametrize("line", EXAMPLES)
def test_example_runs(folder, environment, line):
    done = subprocess.run(
        ["bash", "-eu", "-c", line],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    if "is not installed: pip install" in done.stderr:
        pytest.skip(done.stderr.strip())  # an extra that is not here
    assert done.returncode == 0, done.stderr
    assert "w2v: error" not in done.stderr
