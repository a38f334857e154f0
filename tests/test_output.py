"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from w2v.errors import W2VError
from w2v.output import AtomicOutput, check_output

from .privileges import without_privileges


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with AtomicOutput(path) as out:
        out.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["out"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), AtomicOutput(path, size=1000) as out:
        out.write(bytes(1 // 0))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out"]


def test_a_size_that_was_too_large_is_cut_back(tmp_path):
    with AtomicOutput(tmp_path / "out", size=100_000) as out:
        out.write(b"few")
    assert (tmp_path / "out").read_bytes() == b"few"


def test_space_that_is_not_there_is_said_before_any_work(tmp_path):
    (tmp_path / "out").write_bytes(b"old")
    with pytest.raises(W2VError, match="bytes are needed"), AtomicOutput(tmp_path / "out", size=1 << 60):
        pytest.fail("the work began")
    assert (tmp_path / "out").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out"]


def test_permissions_follow_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        with AtomicOutput(tmp_path / "out") as out:
            out.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(tmp_path / "out").st_mode) == 0o640


def test_a_symbolic_link_stays_and_its_target_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real/out")
    with AtomicOutput(tmp_path / "link") as out:
        out.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "out").read_bytes() == b"x"


def test_a_second_writer_is_refused_while_the_first_runs(tmp_path):
    with AtomicOutput(tmp_path / "out") as out:
        out.write(b"first")
        with pytest.raises(W2VError, match="another process"), AtomicOutput(tmp_path / "out"):
            pytest.fail("both write")
    assert (tmp_path / "out").read_bytes() == b"first"
    with AtomicOutput(tmp_path / "out") as out:
        out.write(b"later")
    assert (tmp_path / "out").read_bytes() == b"later"


def test_what_a_killed_run_left_is_taken_over(tmp_path):
    code = (
        "import os, sys, signal\nfrom w2v.output import AtomicOutput\n"
        "with AtomicOutput(sys.argv[1], size=5000) as out:\n"
        "    out.write(b'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "out").write_bytes(b"old")
    assert subprocess.run([sys.executable, "-c", code, tmp_path / "out"], cwd=tmp_path, check=False).returncode == -9
    assert (tmp_path / "out").read_bytes() == b"old"
    assert len(os.listdir(tmp_path)) == 2
    with AtomicOutput(tmp_path / "out") as out:
        out.write(b"new")
    assert (tmp_path / "out").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["out"]


def test_long_names_have_room_for_the_temporary_one(tmp_path):
    name = "가" * 85  # 255 bytes
    with AtomicOutput(tmp_path / name) as out:
        out.write(b"x")
    assert os.listdir(tmp_path) == [name]


def test_gz_is_compressed_without_name_or_time(tmp_path):
    with AtomicOutput(tmp_path / "out.gz") as out:
        out.write(b"x" * 1000)
    data = (tmp_path / "out.gz").read_bytes()
    assert gzip.decompress(data) == b"x" * 1000
    assert data[3:8] == bytes(5)


def test_a_full_device_is_an_error():
    with pytest.raises(OSError, match="No space"), AtomicOutput("/dev/full") as out:
        out.write(b"x" * 100_000)


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    code = (
        "import resource, signal, sys\nfrom w2v.output import AtomicOutput\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "with AtomicOutput(sys.argv[1]) as out:\n"
        "    for _ in range(100): out.write(b'x' * 100)\n"
    )
    (tmp_path / "out").write_bytes(b"old")
    command = [sys.executable, "-c", code, tmp_path / "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert b"File too large" in done.stderr
    assert (tmp_path / "out").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out"]


def test_standard_output_takes_bytes():
    code = "from w2v.output import AtomicOutput\nwith AtomicOutput('-') as out: out.write(bytes(range(256)))\n"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, cwd="/")
    assert done.stdout == bytes(range(256))


def test_bad_outputs_are_found_without_touching_them(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    for path, what in (
        (tmp_path, "is a directory"), (tmp_path / "no" / "out", "does not exist"),
        (tmp_path / "old" / "out", "does not exist"),
        ("", "empty name"), (f"{tmp_path}/new/", "is a directory"),
    ):
        with pytest.raises(W2VError, match=what):
            check_output(path)
    with pytest.raises(W2VError, match="exists already"):
        check_output(tmp_path / "old", no_clobber=True)
    check_output(tmp_path / "old")
    check_output("-", no_clobber=True)
    assert os.listdir(tmp_path) == ["old"]


def test_a_folder_without_permission_is_found(tmp_path):
    def check():
        with pytest.raises(W2VError, match="may not be written"):
            check_output(tmp_path / "out")

    tmp_path.chmod(0o500)
    try:
        without_privileges(check)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "out"
    path.write_bytes(b"old")
    path.chmod(mode)
    with AtomicOutput(path) as out:
        assert stat.S_IMODE(os.stat(out._temporary).st_mode) == mode  # nobody else reads it on the way
        out.write(b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)


def test_a_large_file_is_flushed_while_it_is_written(tmp_path, monkeypatch):
    flushed = []
    real = os.fdatasync
    monkeypatch.setattr("w2v.output.FLUSH_STEP", 1000)
    monkeypatch.setattr(os, "fdatasync", lambda fd: (flushed.append(os.fstat(fd).st_size), real(fd)))
    with AtomicOutput(tmp_path / "out") as out:
        for i in range(100):
            out.write(bytes([i]) * 100)
        while not flushed:
            time.sleep(0.001)
    assert (tmp_path / "out").read_bytes() == b"".join(bytes([i]) * 100 for i in range(100))
    assert not any(thread.name.startswith("w2v-") for thread in threading.enumerate())


@pytest.mark.parametrize("more", [0, 5000], ids=["at the end", "at the next flush"])
def test_a_disk_that_fails_while_the_file_is_written_is_an_error(tmp_path, monkeypatch, more):
    failed = threading.Event()

    def fail(fd):
        failed.set()
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def work():
        with AtomicOutput(tmp_path / "out") as out:
            out.write(bytes(1500))
            assert failed.wait(10)
            with contextlib.suppress(OSError):
                out._flusher._thread.result()
            out.write(bytes(more))
            assert not more, "the error was not noticed"

    (tmp_path / "out").write_bytes(b"old")
    monkeypatch.setattr("w2v.output.FLUSH_STEP", 1000)
    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(OSError, match="Input/output error") as found:
        work()
    assert found.value.filename == str(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["out"]
    assert not any(thread.name.startswith("w2v-") for thread in threading.enumerate())


def test_no_thread_for_flushing_is_no_error(tmp_path, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("w2v.output.FLUSH_STEP", 1000)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with AtomicOutput(tmp_path / "out") as out:
        out.write(bytes(5000))
    assert (tmp_path / "out").read_bytes() == bytes(5000)
