from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from w2v.cli.output import check_outputs
from w2v.errors import SettingsError, W2VError

from ..privileges import without_privileges
from .conftest import PLAIN, needs_proc, wait_until_it_sleeps

LATEST_S = 60  # far above what it takes: a busy machine is not a failure


def test_a_good_place_passes_and_nothing_is_created(tmp_path):
    check_outputs([str(tmp_path / "v.bin"), str(tmp_path / "c.bin")], [])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("make", "path", "match"),
    [
        (lambda d: None, "", "empty name"),
        (lambda d: None, "sub/", "is a directory"),
        (lambda d: (d / "sub").mkdir(), "sub", "is a directory"),
        (lambda d: None, "no/v.bin", "does not exist"),
        (lambda d: (d / "file").touch(), "file/v.bin", "file is no folder"),
    ],
)
def test_a_bad_place_is_named(tmp_path, monkeypatch, make, path, match):
    monkeypatch.chdir(tmp_path)
    make(tmp_path)
    with pytest.raises(W2VError, match=match):
        check_outputs([path], [])


def test_a_folder_without_permission_is_named(tmp_path):
    def check():
        with pytest.raises(W2VError, match="may not be written"):
            check_outputs([str(tmp_path / "v.bin")], [])

    tmp_path.chmod(0o555)
    without_privileges(check)


def test_no_clobber_refuses_what_exists(tmp_path):
    place = tmp_path / "v.bin"
    place.write_bytes(b"keep")
    check_outputs([str(place)], [])
    with pytest.raises(W2VError, match="exists already"):
        check_outputs([str(place)], [], no_clobber=True)
    assert place.read_bytes() == b"keep"


def test_two_outputs_may_not_be_one_file(tmp_path):
    with pytest.raises(SettingsError, match="given twice"):
        check_outputs([str(tmp_path / "v.bin"), f"{tmp_path}/./v.bin"], [])


def test_an_output_may_not_be_an_input(tmp_path):
    place = tmp_path / "corpus.txt"
    place.write_text("a b c\n")
    with pytest.raises(SettingsError, match="is an input too"):
        check_outputs([str(place)], [str(place)])


@pytest.fixture
def folder(corpus, tmp_path):
    """A folder of text, with a link beside it."""
    (tmp_path / "c" / "sub").mkdir(parents=True)
    (tmp_path / "c" / "a.txt").write_bytes(corpus.read_bytes())
    (tmp_path / "link").symlink_to("c")
    return tmp_path / "c"


@pytest.mark.parametrize(
    "command",
    [
        ("train", "c", "-o", "c/v.bin"),
        ("train", "c", "-o", "c/sub/v.bin"),
        ("train", "c", "-o", "link/v.bin"),
        ("train", "link", "-o", "c/../c/v.bin"),
        ("train", "c", "-o", "v.bin", "--save-vocab", "c/vocab.tsv"),
        ("train", "c", "-o", "v.bin", "--save-context", "c/context.bin"),
        ("train", "c", "-o", "v.bin", "--report", "c/r.json"),
        ("train", "c", "-o", "v.bin", "--log", "link/log.jsonl"),
        ("train", "c", "-o", "v.bin", "--checkpoint", "c/v.checkpoint"),
        ("word2vec", "-train", "c", "-output", "c/v.bin"),
        ("word2vec", "-train", "c", "-save-vocab", "c/vocab.txt"),
        ("encode", "c", "-o", "c/corpus.ids"),
        ("vocab", "c", "-o", "c/vocab.tsv"),
        ("phrases", "c", "-o", "c/joined.txt"),
        ("sweep", "c", "--dim", "5", "--results", "c/results.jsonl"),
        ("sweep", "c", "--dim", "5", "-o", "c/runs"),
        ("sweep", "c", "--dim", "5", "-o", "link"),
    ],
    ids=" ".join,
)
def test_an_output_below_an_input_folder_is_refused_at_the_start(w2v, folder, tmp_path, command):
    """It would be read as text by the next run, and by --resume of this one."""
    done = w2v(*command)
    assert done.returncode == 2, done.err
    assert "which is an input" in done.err
    assert done.err.count("w2v: error: ") == 1
    assert sorted(os.listdir(tmp_path)) == ["c", "link"]
    assert sorted(os.listdir(folder)) == ["a.txt", "sub"]


def test_an_output_beside_the_input_file_is_written(w2v, folder):
    done = w2v("train", "c/a.txt", "-o", "c/v.bin", "--save-vocab", "c/sub/vocab.tsv", *PLAIN, "--epochs", "1")
    assert done.returncode == 0, done.err
    assert sorted(os.listdir(folder)) == ["a.txt", "sub", "v.bin"]


@pytest.mark.parametrize(
    "command",
    [
        ("train", "c", *PLAIN, "--epochs", "1", "--format", "bin", "-o"),
        ("encode", "c", "-q", "-o"),
        ("vocab", "c", "-q", "-o"),
        ("phrases", "c", "-q", "-o"),
        ("convert", "v.bin", "-q", "--format", "text"),
        ("explore", "v.bin", "--layout", "pca", "-q", "-o"),
    ],
    ids=lambda command: command[0],
)
def test_a_descriptor_as_output_is_written_behind_what_is_there(w2v, folder, vectors, tmp_path, command):
    (tmp_path / "v.bin").write_bytes(vectors.read_bytes())
    plain = w2v(*command, "plain.html")
    assert plain.returncode == 0, plain.err
    (tmp_path / "plain.html").rename(tmp_path / "plain")
    (tmp_path / "all").write_bytes(b"before\n")
    with open(tmp_path / "all", "ab") as file:
        done = w2v(*command, "/dev/stdout", stdout=file)
    assert done.returncode == 0, done.err
    assert (tmp_path / "all").read_bytes() == b"before\n" + (tmp_path / "plain").read_bytes()
    reader, writer = os.pipe()
    with open(reader, "rb") as end, open(tmp_path / "piped", "wb") as piped:
        process = subprocess.Popen(["cat"], stdin=end, stdout=piped)
    with open(writer, "wb"):
        done = w2v(*command, f"/dev/fd/{writer}", pass_fds=[writer])
    assert (done.returncode, process.wait(LATEST_S)) == (0, 0), done.err
    assert (tmp_path / "piped").read_bytes() == (tmp_path / "plain").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["all", "c", "link", "piped", "plain", "v.bin"]


def test_a_log_named_as_a_descriptor_goes_behind_what_is_there(w2v, folder, tmp_path):
    (tmp_path / "all").write_bytes(b"before\n")
    train = ("train", "c", *PLAIN, "--epochs", "2", "-o", "v.bin")
    with open(tmp_path / "all", "ab") as file:
        for log in ("/dev/stdout", f"/dev/fd/{file.fileno()}"):
            done = w2v(*train, "--log", log, stdout=file, pass_fds=[file.fileno()])
            assert done.returncode == 0, done.err
            file.write(b"between\n")
            file.flush()
    lines = (tmp_path / "all").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines if line[0] == "{"]
    assert [line for line in lines if line[0] != "{"] == ["before", "between", "between"]
    assert [event for event in events if event != "progress"] == ["start", "epoch", "epoch", "end"] * 2
    assert sorted(os.listdir(tmp_path)) == ["all", "c", "link", "v.bin"]


@pytest.mark.parametrize(
    "command",
    [("train", "c", *PLAIN, "-o"), ("vocab", "c", "-o"), ("encode", "c", "-o")],
    ids=lambda command: command[0],
)
def test_a_read_only_output_is_refused_and_stays(w2v, folder, tmp_path, command):
    (tmp_path / "v.bin").write_bytes(b"keep")
    (tmp_path / "v.bin").chmod(0o444)
    done = w2v(*command, "v.bin")
    assert (done.returncode, (tmp_path / "v.bin").read_bytes()) == (1, b"keep")
    assert "v.bin: is read-only (mode 444); make it writable (chmod u+w) or choose another name" in done.err


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
@pytest.mark.parametrize(
    "command",
    [
        ("train", "-o", "pipe", "--format", "bin"),
        ("train", "-o", "v.bin", "--save-vocab", "pipe"),
        ("vocab", "-o", "pipe"),
    ],
    ids=" ".join,
)
def test_a_signal_while_an_output_pipe_has_no_reader_ends_it_and_leaves_nothing(
    start, corpus, tmp_path, command, number
):
    os.mkfifo(tmp_path / "pipe")
    process = start(command[0], corpus, *command[1:])
    wait_until_it_sleeps(process)
    process.send_signal(number)
    _, err = process.communicate(timeout=LATEST_S)
    assert process.returncode == 128 + number, err
    assert err.count(b"\n") == 1
    assert os.listdir(tmp_path) == ["pipe"]
