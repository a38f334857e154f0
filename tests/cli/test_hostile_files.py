"""Every option that names a file of words, pairs, names or vectors gets files that are none: one clear line each."""

from __future__ import annotations

import gzip
import os
import sys

import pytest

from w2v.cli.main import run

HOSTILE = {
    "empty": b"",
    "blank": b"\n \n\t\n\r\n",
    "NULs": b"\0" * 5000,
    "a line without end": b"x" * 300_000,
    "not UTF-8": b"\xff\xfe\xfd\t\xc3\n\xed\xa0\x80 \x80\n",
    "a mark and CRLF": b"\xef\xbb\xbfking\tqueen\r\nparis\tfrance\r\n",
    "many columns": b"king\tqueen\tman\twoman\n",
    "escapes": b"\x1b[2J\x1b]0;x\x07king\tqueen\x1b[31m\n",
    "twice": b"king\tqueen\nking\tman\nking\tqueen\n",
    "truncated gzip": gzip.compress(b"king\tqueen\n" * 5000)[:-9],
    "a bomb": gzip.compress((b"x" * 100_000 + b"\n") * 200),
    "a zip archive": b"PK\x03\x04" + b"\0" * 26 + b"x",
    "a pickle": b"\x80\x04\x95",
    "JSON": b'{"king": "queen"}\n',
    "huge numbers": b"9" * 5000 + b" 5\n",
}
SIMILAR = ["similar", "{vectors}", "king"]
USES = {
    "among": [*SIMILAR, "--among", "{file}"],
    "exclude": [*SIMILAR, "--exclude", "{file}"],
    "names": [*SIMILAR, "--names", "{file}"],
    "words": ["similar", "{vectors}", "--words", "{file}"],
    "sessions": ["similar", "{vectors}", "--mean", "{file}"],
    "scored sessions": ["evaluate", "{vectors}", "--sessions", "{file}"],
    "questions": ["evaluate", "{vectors}", "{file}"],
    "counts": ["embed", "{vectors}", "{lines}", "--sif", "--vocab", "{file}", "-o", "{out}.tsv"],
    "directions": ["embed", "{vectors}", "{lines}", "--read-common", "{file}", "-o", "{out}.tsv"],
    "lines": ["embed", "{vectors}", "{file}", "-o", "{out}.npy", "-q"],
    "pairs": ["convert", "{vectors}", "{out}.bin", "--align-to", "{vectors}", "--pairs", "{file}", "-q"],
    "aligned to": ["convert", "{vectors}", "{out}.bin", "--align-to", "{file}", "-q"],
    "kept words": ["convert", "{vectors}", "{out}.bin", "--words", "{file}", "-q"],
    "words beside": ["convert", "{array}", "{out}.bin", "--in-words", "{file}", "-q"],
    "repaired": ["convert", "{file}", "{out}.bin", "--fix", "-q"],
    "frozen": ["train", "{lines}", "-o", "{out}.bin", "--init", "{file}", "--freeze", "vectors", "-q"],
    "given vocabulary": ["train", "{lines}", "-o", "{out}.bin", "--read-vocab", "{file}", "-q"],
    "a table": ["sessions", "{file}", "--session", "a", "--item", "b", "-o", "{out}", "-q"],
    "a model": ["predict", "{file}", "king"],
    "grouped": ["explore", "{vectors}", "-o", "{out}.html", "--groups", "{file}", "-q"],
}


@pytest.fixture(scope="module")
def places(vectors, tmp_path_factory):
    """Files that are as they should be."""
    import w2v

    folder = tmp_path_factory.mktemp("places")
    (folder / "lines").write_text("king queen man\nwoman king queen\n" * 5)
    w2v.load(vectors).save(folder / "v.npy")
    return {"vectors": vectors, "lines": folder / "lines", "array": folder / "v.npy"}


@pytest.mark.parametrize("use", USES)
def test_hostile_files_in_any_place_give_answers_or_one_clear_line(places, tmp_path, capfd, monkeypatch, use):
    monkeypatch.setattr(sys, "stdin", open(os.devnull))  # noqa: SIM115
    hostile = {**HOSTILE, "missing": None, "a folder": None, "a device": None}
    for number, (kind, data) in enumerate(hostile.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = folder / "file"
        if data is not None:
            file.write_bytes(data)
        elif kind == "a folder":
            file.mkdir()
        elif kind == "a device":
            file.symlink_to("/dev/zero")
        before = set(os.listdir(folder))
        words = {**places, "file": file, "out": folder / "out"}
        code = run([part.format(**words) for part in USES[use]])
        _, err = capfd.readouterr()
        what = (use, kind, code, err[-500:])
        assert code in (0, 1, 2), what
        assert "Traceback" not in err, what
        assert "internal error" not in err, what
        assert "\x1b" not in err, what
        assert len(err.splitlines()) <= 4, what
        assert max(map(len, err.splitlines()), default=0) < 700, what
        if code:
            assert err, what
            assert set(os.listdir(folder)) <= before | {"out"}, what
        if kind in ("missing", "a device", "truncated gzip"):
            assert code in (1, 2), what
            assert "file" in err or str(file)[:40] in err, what  # a long word is shortened
