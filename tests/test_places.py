"""Places of outputs: found wrong at the start, by whatever name, and never touched by looking."""

from __future__ import annotations

import os

import pytest

from w2v.errors import SettingsError, W2VError
from w2v.places import check_folder, check_output, check_outputs, descriptor_of, is_replaced

from .privileges import without_privileges


def test_bad_outputs_are_found_without_touching_them(tmp_path):
    (tmp_path / "old").write_bytes(b"old")
    for path, what in (
        (tmp_path, "is a directory"),
        (tmp_path / "no" / "out", "does not exist"),
        (tmp_path / "old" / "out", "old is no folder; choose another place"),
        (tmp_path / "old" / "no" / "out", "old is no folder; choose another place"),
        ("", "empty name"),
        (f"{tmp_path}/new/", "is a directory"),
        (tmp_path / ("x" * 300), "File name too long"),
        ("/dev/fd/999", "Bad file descriptor"),
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


@pytest.mark.parametrize("mode", [0o444, 0o400, 0o555])
def test_a_read_only_output_is_refused_at_the_start_by_root_too(tmp_path, mode):
    (tmp_path / "out").write_bytes(b"old")
    (tmp_path / "out").chmod(mode)
    with pytest.raises(W2VError, match=f"is read-only \\(mode {mode:o}\\); make it writable"):
        check_output(tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"old"


def test_a_descriptor_that_cannot_be_written_is_found_at_the_start(tmp_path):
    (tmp_path / "file").touch()
    with open(tmp_path / "file", "rb") as file, pytest.raises(W2VError, match="is open for reading only"):
        check_output(f"/dev/fd/{file.fileno()}")
    with pytest.raises(W2VError, match="Bad file descriptor"):
        check_output("/dev/fd/999")


def test_only_paths_of_open_files_are_descriptors(tmp_path):
    (tmp_path / "7").touch()
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "7", "7", "/dev/null", "/dev/fd/x", "/dev/fd", "", "-", tmp_path / "loop", "/proc/1/fd/1"):
        assert descriptor_of(path) is None, path
    assert descriptor_of("/dev/fd/12") == 12
    assert [is_replaced(path) for path in ("-", "/dev/null", "/dev/fd/1", tmp_path / "7", tmp_path / "new")] == [
        False,
        False,
        False,
        True,
        True,
    ]


def test_an_output_below_an_input_folder_is_refused_by_whatever_name(tmp_path, monkeypatch):
    corpus = tmp_path / "c"
    (corpus / "sub").mkdir(parents=True)
    (corpus / "a.txt").write_text("a b\n")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(corpus)
    (tmp_path / "down").symlink_to(corpus / "sub")
    (corpus / "out").symlink_to(tmp_path / "elsewhere" / "v.bin")  # nothing is there
    monkeypatch.chdir(tmp_path)
    inside = [
        "c/v.bin",
        "c/sub/v.bin",
        "./c/../c/v.bin",
        "link/v.bin",
        "down/v.bin",
        "down/../v.bin",
        "c/out",
        str(corpus / "v.bin"),
        "elsewhere/../c/v.bin",
        "c/a.txt",
    ]
    for source in ("c", "c/", "./c", "link", str(corpus)):
        for path in inside:
            with pytest.raises(SettingsError, match=r"is inside .*, which is an input"):
                check_outputs([path], [source])
    monkeypatch.chdir(corpus)
    with pytest.raises(SettingsError, match="is inside"):
        check_outputs(["v.bin"], ["."])
    with pytest.raises(SettingsError, match="is inside"):
        check_outputs(["sub/v.bin"], ["../link"])
    assert sorted(os.listdir(corpus)) == ["a.txt", "out", "sub"]


def test_an_output_beside_the_inputs_is_fine(tmp_path, monkeypatch):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "a.txt").write_text("a b\n")
    (tmp_path / "c2").mkdir()
    monkeypatch.chdir(tmp_path)
    check_outputs(["v.bin", "c.bin", "c2/v.bin", "c/a.bin"], ["c/a.txt", "-", "gone", "s3://some/where"])
    check_outputs(["v.bin", "c.bin", "c2/v.bin", "-"], ["c", "-"])
    check_outputs(["/dev/null"], ["/"])  # is not replaced, and not read


@pytest.mark.parametrize("link", [os.link, os.symlink], ids=["hard", "symbolic"])
def test_an_output_that_a_folder_links_to_is_an_input(tmp_path, link):
    (tmp_path / "c").mkdir()
    (tmp_path / "v.bin").write_bytes(b"a b\n")
    link(tmp_path / "v.bin", tmp_path / "c" / "a")
    with pytest.raises(SettingsError, match="is an input too"):
        check_outputs([tmp_path / "v.bin"], [tmp_path / "c"])


def test_a_folder_of_outputs_below_an_input_is_refused(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "file").touch()
    for path in ("c", "c/runs", "c/../c/runs/deep"):
        with pytest.raises(SettingsError, match="is inside"):
            check_folder(tmp_path / path, [tmp_path / "c"])
    check_folder(tmp_path / "runs" / "deep", [tmp_path / "c", "-", tmp_path / "file"])
    for path, what in (("", "empty name"), (tmp_path / "file", "is a file")):
        with pytest.raises(SettingsError, match=what):
            check_folder(path)


def test_two_names_of_one_output_are_refused(tmp_path):
    (tmp_path / "link").symlink_to("out")
    for pair in (
        (tmp_path / "out", tmp_path / "link"),
        (tmp_path / "out", f"{tmp_path}/./out"),
        ("-", "/dev/stdout"),
        ("/dev/fd/1", "/dev/stdout"),
    ):
        with pytest.raises(SettingsError, match="given twice"):
            check_outputs(pair)
