"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import errno
import gzip
import io
import os
import re
import shutil
import stat
import subprocess
import sys
import threading
import time

import pytest

from w2v import output
from w2v.errors import W2VError
from w2v.output import AtomicOutput, HeldOutput, OutputSet, is_being_written
from w2v.places import check_output


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


@pytest.mark.parametrize(("mask", "mode"), [(0o027, 0o640), (0, 0o666)])
def test_permissions_follow_the_umask(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        with AtomicOutput(tmp_path / "out") as out:
            out.write(b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(tmp_path / "out").st_mode) == mode


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


# --- whose file it is ---


def a_link(tmp_path):
    (tmp_path / ".out.w2v-part").symlink_to(tmp_path / "victim")


def a_hard_link(tmp_path):
    os.link(tmp_path / "victim", tmp_path / ".out.w2v-part")


def a_pipe(tmp_path):
    os.mkfifo(tmp_path / ".out.w2v-part")


def a_folder(tmp_path):
    (tmp_path / ".out.w2v-part").mkdir()


def of_another_user(tmp_path):
    (tmp_path / ".out.w2v-part").write_bytes(b"theirs")
    os.chown(tmp_path / ".out.w2v-part", 12345, 12345)


@pytest.mark.parametrize("put", [a_link, a_hard_link, a_pipe, a_folder, of_another_user])
def test_what_somebody_put_at_the_unfinished_files_place_is_never_written_to(tmp_path, put):
    (tmp_path / "victim").write_bytes(b"keep")
    try:
        put(tmp_path)
    except PermissionError:
        pytest.skip("only root can give a file away")
    reader = os.open(tmp_path / ".out.w2v-part", os.O_RDONLY) if put is of_another_user else None
    try:
        with AtomicOutput(tmp_path / "out") as out:
            out.write(b"secret")
    except W2VError as error:
        assert put is not a_hard_link
        assert re.search(r"\.out\.w2v-part is in the way \((not a file|another user's)\); remove it", str(error))
        assert not (tmp_path / "out").exists()
    else:
        assert put is a_hard_link  # ours, with another name: this name is removed, the file stays
        assert (tmp_path / "out").read_bytes() == b"secret"
    assert (tmp_path / "victim").read_bytes() == b"keep"
    if reader is not None:
        assert os.read(reader, 100) == b"theirs"
        os.close(reader)


def test_nobody_else_reads_a_secret_file_while_it_is_written(tmp_path):
    """Not even what was opened before: the file of a killed run is removed, not taken over."""
    (tmp_path / ".out.w2v-part").write_bytes(b"")
    (tmp_path / "out").write_bytes(b"old")
    (tmp_path / "out").chmod(0o600)
    with open(tmp_path / ".out.w2v-part", "rb") as reader:
        with AtomicOutput(tmp_path / "out") as out:
            out.write(b"secret")
            assert stat.S_IMODE(os.stat(out._temporary).st_mode) == 0o600
        assert reader.read() == b""


def test_an_unfinished_file_that_has_gone_is_an_error(tmp_path):
    def write():
        with AtomicOutput(tmp_path / "out") as out:
            out.write(b"new")
            os.rename(tmp_path / ".out.w2v-part", tmp_path / "elsewhere")
            (tmp_path / ".out.w2v-part").write_bytes(b"not ours")

    (tmp_path / "out").write_bytes(b"old")
    with pytest.raises(W2VError, match="moved or removed by another process"):
        write()
    assert (tmp_path / "out").read_bytes() == b"old"


# --- a file that is written again and again ---


def test_a_held_output_is_replaced_in_one_step_each_time_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "out"
    (tmp_path / ".out.w2v-part").write_bytes(b"what a killed run left")
    with HeldOutput(path) as held:
        assert not path.exists()
        for data in (b"one", b"two"):
            with held.replace(3) as out:
                out.write(data)
            assert path.read_bytes() == data
        with contextlib.suppress(ZeroDivisionError), held.replace() as out:
            out.write(b"half")
            raise ZeroDivisionError
        assert path.read_bytes() == b"two"
        with held.replace() as out:
            out.write(b"three")
    assert path.read_bytes() == b"three"
    assert os.listdir(tmp_path) == ["out"]
    with HeldOutput(path).replace() as out:
        out.write(b"four")
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"four", ["out"])


def test_nobody_else_writes_a_held_output_also_between_two_replacements(tmp_path):
    path = tmp_path / "out"
    assert not is_being_written(path)
    with HeldOutput(path) as held:
        for _ in range(2):
            assert is_being_written(path)
            with pytest.raises(W2VError, match="another process is writing it"), AtomicOutput(path):
                pass
            with held.replace() as out:
                out.write(b"x")
    assert not is_being_written(path)
    with AtomicOutput(path) as out:
        out.write(b"y")


def test_a_held_output_is_never_free_while_it_is_replaced(tmp_path, monkeypatch):
    path, free = tmp_path / "out", []
    steps = {name: getattr(os, name) for name in ("rename", "open", "close", "fsync")}

    def looked_at(name: str):
        def step(*args, **kw):
            if not looking:
                looking.append(name)
                free.append(not is_being_written(path))
                looking.clear()
            return steps[name](*args, **kw)

        return step

    looking: list[str] = []
    with HeldOutput(path) as held:
        for name in steps:
            monkeypatch.setattr(os, name, looked_at(name))
        with held.replace() as out:
            out.write(b"x")
        monkeypatch.undo()
    assert len(free) > 5
    assert not any(free)


def test_a_held_output_that_moves_on_between_two_looks_is_not_taken_for_free(tmp_path, monkeypatch):
    look, first = output._is_locked, iter([False])  # as at the moment at which the unfinished file has just been moved
    with HeldOutput(tmp_path / "out"):
        monkeypatch.setattr(output, "_is_locked", lambda place: next(first, True) and look(place))
        assert is_being_written(tmp_path / "out")


def test_removing_a_held_output_keeps_a_link_to_it(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    held = HeldOutput(tmp_path / "link")
    held.remove()
    with held.replace() as out:
        out.write(b"x")
    assert (tmp_path / "file").read_bytes() == b"x"
    held.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["link"]
    assert (tmp_path / "link").is_symlink()


# --- no_clobber ---


@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_no_clobber_keeps_a_file_that_appears_while_the_new_one_is_written(tmp_path, monkeypatch, links):
    def refuse(*_, **__):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    def write():
        with AtomicOutput(tmp_path / "out", no_clobber=True) as out:
            out.write(b"new")
            (tmp_path / "out").write_bytes(b"theirs")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(W2VError, match="exists already"):
        write()
    assert (tmp_path / "out").read_bytes() == b"theirs"
    assert os.listdir(tmp_path) == ["out"]
    (tmp_path / "out").unlink()
    with AtomicOutput(tmp_path / "out", no_clobber=True) as out:
        out.write(b"new")
    assert (tmp_path / "out").read_bytes() == b"new"
    assert (os.listdir(tmp_path), os.stat(tmp_path / "out").st_nlink) == (["out"], 1)


def test_a_file_that_may_replace_none_appears_complete(tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("its name was taken before")

    monkeypatch.setattr(os, "rename", refuse)
    with AtomicOutput(tmp_path / "out", no_clobber=True) as out:
        out.write(b"new")
    assert (tmp_path / "out").read_bytes() == b"new"


def test_no_clobber_does_not_mind_what_is_written_directly(tmp_path):
    check_output("/dev/null", no_clobber=True)
    check_output("/dev/stdout", no_clobber=True)


# --- outputs that are written directly ---


DIRECT = r"""
import sys
from w2v.output import AtomicOutput
from w2v.places import check_outputs
check_outputs([sys.argv[1]])
with AtomicOutput(sys.argv[1], size=1 << 50) as out:
    out.write(b"new\n")
"""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1", "link"])
@pytest.mark.parametrize("kind", ["append", "write", "pipe"])
def test_an_output_named_as_a_descriptor_keeps_its_place_in_what_is_open(tmp_path, name, kind):
    if not os.path.lexists("/proc/thread-self") and name.startswith("/proc"):
        pytest.skip("needs /proc of Linux")
    (tmp_path / "link").symlink_to("/dev/stdout")
    (tmp_path / "file").write_bytes(b"old\n")
    command = [sys.executable, "-c", DIRECT, name]
    if kind == "pipe":
        done = subprocess.run(command, stdout=subprocess.PIPE, cwd=tmp_path, check=True)
        assert done.stdout == b"new\n"
    else:
        with open(tmp_path / "file", "ab" if kind == "append" else "r+b") as file:
            subprocess.run(command, stdout=file, cwd=tmp_path, check=True)
        assert (tmp_path / "file").read_bytes() == (b"old\nnew\n" if kind == "append" else b"new\n")
    assert sorted(os.listdir(tmp_path)) == ["file", "link"]


def test_a_process_substitution_of_bash_is_written_to(tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    line = f'{sys.executable} -c "$CODE" >(cat > got; touch done)'
    subprocess.run([bash, "-c", line], env={**os.environ, "CODE": DIRECT}, cwd=tmp_path, check=True, timeout=60)
    for _ in range(6000):
        if (tmp_path / "done").exists():
            break
        time.sleep(0.01)
    assert (tmp_path / "got").read_bytes() == b"new\n"


def test_a_named_pipe_is_written_directly(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE) as reader:
        try:
            with AtomicOutput(tmp_path / "pipe") as out:
                out.write(b"x" * 50_000)
            assert reader.communicate(timeout=60)[0] == b"x" * 50_000
        finally:
            reader.kill()
    assert os.listdir(tmp_path) == ["pipe"]


# --- sizes, and what reaches the disk ---


def test_no_space_is_taken_for_what_will_be_compressed(tmp_path):
    with AtomicOutput(tmp_path / "out.gz", size=1 << 60) as out:  # more than any disk has
        out.reserve(1 << 60)
        out.write(b"x")
    assert gzip.decompress((tmp_path / "out.gz").read_bytes()) == b"x"


def test_the_file_is_on_the_disk_before_it_is_moved_and_the_folder_after(tmp_path, monkeypatch):
    steps = []
    fsync, rename = os.fsync, os.rename
    monkeypatch.setattr(os, "fsync", lambda fd: (steps.append(stat.S_IFMT(os.fstat(fd).st_mode)), fsync(fd)))
    monkeypatch.setattr(os, "rename", lambda *names: (steps.append("rename"), rename(*names)))
    with AtomicOutput(tmp_path / "out") as out:
        out.write(b"x")
    assert steps == [stat.S_IFREG, "rename", stat.S_IFDIR]


def test_a_folder_that_cannot_be_opened_costs_only_its_syncing(tmp_path, monkeypatch):
    real, refused = os.open, []

    def open_files_alone(path, flags, *more, **options):
        if os.fspath(path) == str(tmp_path):
            refused.append(path)
            raise PermissionError(13, "Permission denied", path)
        return real(path, flags, *more, **options)

    monkeypatch.setattr(os, "open", open_files_alone)
    with AtomicOutput(tmp_path / "out") as out:
        out.write(b"x")
    assert (tmp_path / "out").read_bytes() == b"x"
    assert refused


# --- several outputs ---


def write_set(tmp_path, text: bytes, names=("a", "b", "c"), no_clobber: bool = False) -> None:
    with OutputSet(no_clobber) as outputs:
        for out in [outputs.open(tmp_path / name) for name in names]:
            out.write(text + os.path.basename(out.name).encode())


def contents(tmp_path) -> dict[str, bytes]:
    return {name: (tmp_path / name).read_bytes() for name in sorted(os.listdir(tmp_path))}


def all_of(text: bytes, names: str = "abc") -> dict[str, bytes]:
    return {name: text + name.encode() for name in names}


def test_several_outputs_are_on_the_disk_before_the_first_is_moved(tmp_path, monkeypatch):
    steps = []
    fsync, rename = os.fsync, os.rename

    def note_sync(fd):
        if stat.S_ISREG(os.fstat(fd).st_mode):
            steps.append("sync")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "rename", lambda *names: (steps.append("move"), rename(*names)))
    write_set(tmp_path, b"new ")
    assert steps == ["sync"] * 3 + ["move"] * 3
    assert contents(tmp_path) == all_of(b"new ")


def test_an_error_in_a_set_leaves_all_as_it_was(tmp_path):
    def write(second):
        with OutputSet() as outputs:
            outputs.open(tmp_path / "a").write(b"new")
            outputs.open(second).write(bytes(1 // 0))

    write_set(tmp_path, b"old ")
    with pytest.raises(ZeroDivisionError):
        write(tmp_path / "b")
    with pytest.raises(W2VError, match="does not exist"):
        write(tmp_path / "no" / "b")
    assert contents(tmp_path) == all_of(b"old ")


@pytest.mark.parametrize("there", ["", "a", "ab", "abc", "bc", "c"], ids=lambda there: there or "nothing")
@pytest.mark.parametrize("links", [True, False], ids=["hard links", "no hard links"])
def test_a_set_is_old_or_new_whichever_step_fails_and_never_mixed_whenever_it_is_killed(
    tmp_path, monkeypatch, there, links
):
    """Every rename, link and unlink fails in turn; what would be seen after a kill is looked at before each of them."""
    real = {name: getattr(os, name) for name in ("rename", "link", "unlink")}
    failing, calls, seen = 0, 0, []

    def step(name):
        def call(*args, **kw):
            nonlocal calls
            if not failing:  # the test's own
                return real[name](*args, **kw)
            calls += 1
            now = contents(tmp_path)
            seen.append({name: now[name] for name in "abc" if name in now})
            if calls == failing or (name == "link" and not links):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real[name](*args, **kw)

        return call

    write_set(tmp_path, b"old ", there)
    old, new = contents(tmp_path), all_of(b"new ")
    for name in real:
        monkeypatch.setattr(os, name, step(name))
    for at in range(1, 100):
        failing, calls = at, 0
        try:
            write_set(tmp_path, b"new ")
        except (OSError, W2VError):  # W2VError: with the names of old files that are kept elsewhere
            left = {name: data for name, data in contents(tmp_path).items() if name in "abc"}
            if links or "a" not in there:
                assert left == old, at
            else:  # the first cannot come back: it may be new, and no old one is beside it
                assert left == old or (left["a"] == b"new a" and left.items() <= new.items()), at
        else:
            assert {name: data for name, data in contents(tmp_path).items() if name in "abc"} == new
        failing = 0
        if calls < at:
            break
        for name in "abc":
            (tmp_path / name).unlink(missing_ok=True)
        write_set(tmp_path, b"old ", there)
    assert contents(tmp_path) == new  # nothing is left beside them
    for state in seen:
        assert len({data[:4] for data in state.values()}) <= 1, state
        assert "a" not in there or "a" in state  # the first is always there


def test_a_set_takes_over_what_a_killed_one_left(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f".{name}.w2v-old").write_bytes(b"older")
        (tmp_path / f".{name}.w2v-part").write_bytes(b"half")
    (tmp_path / "a").write_bytes(b"old")
    write_set(tmp_path, b"new ", "ab")
    assert contents(tmp_path) == all_of(b"new ", "ab")


def test_a_set_keeps_what_it_may_not_replace(tmp_path):
    def both():
        with OutputSet(no_clobber=True) as outputs:
            outputs.open(tmp_path / "a").write(b"new")
            outputs.open(tmp_path / "b").write(b"new")
            (tmp_path / "b").write_bytes(b"theirs")

    with pytest.raises(W2VError, match="b: exists already"):
        both()
    assert contents(tmp_path) == {"b": b"theirs"}


def test_a_set_may_hold_standard_output_and_pipes(tmp_path):
    code = (
        "import sys\nfrom w2v.output import OutputSet\n"
        "with OutputSet() as outputs:\n"
        "    for name in ('-', 'out', '/dev/null'): outputs.open(name).write(b'x')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True, cwd=tmp_path)
    assert (done.stdout, contents(tmp_path)) == (b"x", {"out": b"x"})


def test_what_was_flushed_to_standard_output_can_be_read_at_once(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(raw, 1 << 20)))
    with AtomicOutput("-") as out:
        out.write(b"a line\n")
        assert raw.getvalue() == b""
        out.flush()
        assert raw.getvalue() == b"a line\n"
        out.write(b"the end\n")
    assert raw.getvalue() == b"a line\nthe end\n"
