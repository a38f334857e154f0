"""The program that ends a Ray's processes and removes its folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from w2v.cluster import reaper

SLEEP = "import signal, sys; print(flush=True); signal.pause()"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="/proc")
def test_it_ends_the_processes_of_its_sessions_alone_and_removes_the_folder(tmp_path):
    folder = tmp_path / "ray"
    (folder / "inner").mkdir(parents=True)
    program = shutil.copy(reaper.__file__, tmp_path)
    started = [
        subprocess.Popen([sys.executable, "-c", SLEEP], stdout=subprocess.PIPE, start_new_session=True)
        for _ in range(3)
    ]
    try:
        for process in started:
            process.stdout.readline()
        first, second, other = started
        told = f"{first.pid}\n{second.pid}\n{2**22 + 7}\n".encode()  # the last one does not exist
        subprocess.run([sys.executable, "-I", program, folder], input=told, check=True)
        assert [process.wait() for process in (first, second)] == [-9, -9]
        assert other.poll() is None
        assert not folder.exists()
        assert Path(program).exists()
        subprocess.run([sys.executable, "-I", program, folder], input=b"", check=True)
        assert other.poll() is None
    finally:
        for process in started:
            process.kill()
            process.communicate()
