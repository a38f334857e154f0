"""Real processes of the installed command, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TIMEOUT_S = 120


def w2v_program() -> str:
    """The `w2v` that belongs to the Python that runs the tests."""
    found = shutil.which("w2v", path=os.path.dirname(sys.executable)) or shutil.which("w2v")
    assert found, "the command w2v is not installed"
    return found


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The tests' own environment: plain help width, no colours, the program on the PATH."""
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("W2V_", "_W2V", "COLUMNS"))},
        "PATH": os.path.dirname(w2v_program()) + os.pathsep + os.environ.get("PATH", ""),
        "XDG_STATE_HOME": "/nonexistent",
    }


@pytest.fixture
def w2v(tmp_path: Path, environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess]:
    """Run the command in the test's folder and return the finished process; `input` is text or bytes."""

    def run(*args: str | bytes | Path, input: str | bytes = b"", env: dict[str, str] | None = None, **kw):
        data = input.encode() if isinstance(input, str) else input
        kw.setdefault("cwd", tmp_path)
        kw.setdefault("stdout", subprocess.PIPE)
        if "stdin" not in kw:
            kw["input"] = data
        done = subprocess.run(
            [w2v_program(), *map(os.fspath, args)], stderr=subprocess.PIPE, timeout=TIMEOUT_S,
            env={**environment, **(env or {})}, **kw,
        )
        done.out = (done.stdout or b"").decode("utf-8", "surrogateescape")
        done.err = done.stderr.decode("utf-8", "surrogateescape")
        return done

    return run
