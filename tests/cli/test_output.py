from __future__ import annotations

import os

import pytest

from w2v.cli.output import check_outputs
from w2v.errors import SettingsError, W2VError

from ..privileges import without_privileges


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
        (lambda d: (d / "file").touch(), "file/v.bin", "does not exist"),
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
