from __future__ import annotations

import os

import pytest

from w2v.cli.output import check_outputs, format_for
from w2v.errors import SettingsError, W2VError


@pytest.mark.parametrize(
    ("path", "form"),
    [("v.bin", "bin"), ("v.txt", "text"), ("v.vec", "text"), ("v.bin.gz", "bin"), ("V.VEC.GZ", "text"), ("-", "bin")],
)
def test_suffix_tells_the_format(path, form):
    assert format_for(path, None) == form


def test_given_format_wins_over_the_suffix():
    assert format_for("v.bin", "text") == "text"


@pytest.mark.parametrize("path", ["v", "v.gz", "v.dat", "bin", ".bin.d/v"])
def test_unknown_suffix_asks_for_a_format(path):
    with pytest.raises(SettingsError, match="give --format"):
        format_for(path, None)


def test_a_good_place_passes_and_nothing_is_created(tmp_path):
    check_outputs([str(tmp_path / "v.bin"), str(tmp_path / "c.bin")], [])
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("make", "path", "match"),
    [
        (lambda d: None, "", "is a folder"),
        (lambda d: None, "sub/", "is a folder"),
        (lambda d: (d / "sub").mkdir(), "sub", "is a folder"),
        (lambda d: None, "no/v.bin", "the folder no does not exist"),
        (lambda d: (d / "file").touch(), "file/v.bin", "is not a folder"),
    ],
)
def test_a_bad_place_is_named(tmp_path, monkeypatch, make, path, match):
    monkeypatch.chdir(tmp_path)
    make(tmp_path)
    with pytest.raises(W2VError, match=match):
        check_outputs([path], [])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named(tmp_path):
    tmp_path.chmod(0o555)
    with pytest.raises(W2VError, match="no permission"):
        check_outputs([str(tmp_path / "v.bin")], [])


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
