from __future__ import annotations

import errno
import os
import signal
import time
from resource import RLIMIT_AS, setrlimit

import click
import pytest

from w2v.cli.errors import guarded
from w2v.cli.signals import Terminated
from w2v.errors import CorpusError, SettingsError, UnknownWordError, VectorsError, setting

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _own_handlers():
    """After a signal the process is meant to end; a test goes on."""
    before = [signal.getsignal(n) for n in SIGNALS]
    yield
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


def raiser(error: BaseException):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (VectorsError("v.bin: row 3, byte 71: cut short"), 1, "w2v: error: v.bin: row 3, byte 71: cut short\n"),
        (CorpusError("corpus.txt: empty"), 1, "w2v: error: corpus.txt: empty\n"),
        (SettingsError(f"{setting('dim')}: wrong"), 2, "w2v: error: --dim: wrong\n"),
        (CorpusError(f"try {setting('min_count', 1)}"), 1, "w2v: error: try --min-count 1\n"),
        (UnknownWordError("kong", ("king",)), 1, 'w2v: error: "kong" is not in the vocabulary; did you mean king?\n'),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", "a.txt"),
            1,
            "w2v: error: a.txt: No such file or directory\n",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "w2v: error: No space left on device\n"),
        (KeyboardInterrupt(), 130, "w2v: interrupted\n"),
        (Terminated(signal.SIGTERM), 143, "w2v: stopped by a signal\n"),
        (Terminated(signal.SIGHUP), 129, "w2v: stopped by a signal\n"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
        (click.exceptions.Exit(3), 3, ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_an_error_is_one_line_and_an_exit_code(capsys, error, code, line):
    assert guarded(raiser(error)) == code
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize(
    ("command", "place", "line"),
    [
        (
            ["train", "text", "-o", "v.bin"],
            "w2v.training.run.Run.run",
            "out of memory; a smaller --dim or --max-vocab, or a larger --min-count needs less",
        ),
        (
            ["train", "text", "-o", "v.bin", "--subwords", "3-6"],
            "w2v.training.run.Run.run",
            "out of memory; a smaller --dim, --buckets or --max-vocab, or a larger --min-count needs less",
        ),
        (
            ["word2vec", "-train", "text", "-output", "v.bin"],
            "w2v.training.run.Run.run",
            "out of memory; a smaller -size, or a larger -min-count needs less",
        ),
        (
            ["similar", "v.bin", "king"],
            "w2v.vectors.query.VectorFile.__init__",
            "out of memory; it needs more than there is (ulimit -v, other programs)",
        ),
        (
            ["explore", "v.bin", "-o", "p.html"],
            "w2v.vectors.vectors.Vectors.load",
            "out of memory; a smaller --top needs less",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_out_of_memory_names_the_options_of_the_command_that_need_less(
    capsys, monkeypatch, tmp_path, command, place, line
):
    import w2v
    from w2v.cli.main import run

    def fail(*_, **__):
        raise MemoryError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(place, fail)
    monkeypatch.setattr(w2v, "load", fail, raising=False)
    assert run(command) == 1
    assert capsys.readouterr().err.splitlines()[-1] == f"w2v: error: {line}"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            ImportError(
                "IMPORTANT: READ THIS\n\nOriginal error was: lib.so: failed to map segment from shared object\n"
            ),
            "out of memory: a library that is needed cannot be loaded; it needs more than there is (ulimit -v, other "
            "programs)",
        ),
        (
            ImportError("libgomp.so.1: cannot open shared object file", name="numpy.core"),
            "a library that is needed for numpy.core cannot be loaded: libgomp.so.1: cannot open shared object file; "
            "install w2v again",
        ),
    ],
)
def test_a_library_that_cannot_be_loaded_is_no_internal_error(capsys, error, line):
    assert guarded(raiser(error)) == 1
    assert capsys.readouterr().err == f"w2v: error: {line}\n"


def test_a_command_short_of_memory_ends_in_one_clear_line(w2v, vectors):
    """The smallest limit at which Python starts, and those above it, until the command works."""
    for limit in range(20, 400, 10):
        done = w2v("diff", vectors, vectors, preexec_fn=lambda limit=limit: setrlimit(RLIMIT_AS, (limit << 20,) * 2))
        if done.returncode == 0:
            break
        last = done.err.splitlines()[-1] if done.err else ""
        if last.startswith("w2v: ") and "OpenBLAS" not in done.err:  # which prints and ends the process itself
            assert done.returncode == 1, last
            assert last.startswith("w2v: error: out of memory"), (limit, last)
    else:
        pytest.skip("does not run in 400 MiB here")


def test_plan_that_cannot_be_written_is_one_line(w2v, corpus):
    """Nothing is left for the end of the interpreter to flush, and to fail at with another code."""
    with open("/dev/full", "wb") as full:
        done = w2v("plan", corpus, "--seconds", "0", "-q", stdout=full)
    assert (done.returncode, done.err) == (1, "w2v: error: standard output: No space left on device\n")


def test_end_of_file_inside_a_decoder_is_not_called_aborted(capsys):
    assert guarded(raiser(EOFError("Compressed file ended"))) == 1
    text = capsys.readouterr().err
    assert "Compressed file ended" in text
    assert "Aborted" not in text


def test_an_unexpected_error_is_still_one_line(capsys):
    assert guarded(raiser(ZeroDivisionError("division by zero"))) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "internal error, ZeroDivisionError: division by zero" in line


READERS = (
    "similar v.bin", "embed v.bin -", "evaluate v.bin -", "check -", "info -", "convert - x.bin", "train - -o x.bin",
    "vocab -", "pairs", "sessions - --session a --item b",
)  # fmt: skip


@pytest.mark.parametrize("line", READERS)
def test_a_closed_standard_input_is_said(w2v, vectors, line):
    """Its descriptor may be that of another file, which would be read in its place."""
    done = w2v(*line.replace("v.bin", str(vectors)).split(), stdin=None, preexec_fn=lambda: os.close(0))
    assert (done.returncode, done.out) == (1, "")
    assert done.err == "w2v: error: standard input is closed; give a file\n"


def test_a_file_name_with_a_newline_stays_on_one_line(capsys):
    assert guarded(raiser(FileNotFoundError(errno.ENOENT, "No such file or directory", "a\nb\x1b[31m.txt"))) == 1
    assert capsys.readouterr().err == "w2v: error: a\\nb\\x1b[31m.txt: No such file or directory\n"


def test_a_file_name_that_is_not_utf8_does_not_break_the_message(capsys):
    assert guarded(raiser(FileNotFoundError(errno.ENOENT, "No such file or directory", b"\xff.txt"))) == 1
    assert capsys.readouterr().err.endswith(".txt: No such file or directory\n")


def test_debug_prints_the_traceback_first(capsys):
    assert guarded(raiser(VectorsError("bad")), debug=True) == 1
    text = capsys.readouterr().err
    assert text.startswith("Traceback")
    assert text.endswith("w2v: error: bad\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_ends_the_work_after_its_cleaning_up(capsys, number, code):
    cleaned = []

    def work():
        try:
            os.kill(os.getpid(), number)
            time.sleep(60)
        finally:
            cleaned.append(True)

    assert guarded(work) == code  # and not 0, after a minute
    assert cleaned == [True]


def test_a_signal_that_is_ignored_stays_ignored():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    assert guarded(lambda: os.kill(os.getpid(), signal.SIGTERM)) == 0


def test_handlers_are_put_back():
    before = [signal.getsignal(n) for n in SIGNALS]
    assert guarded(lambda: 0) == 0
    assert [signal.getsignal(n) for n in SIGNALS] == before
