"""A format is one record: put into the table, it is read, written, recognised, named, described and checked."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from w2v.vectors.formats import FORMATS, writable

# A format in a few lines: a line of JSON a word, behind a signature.
A_NEW_ONE = """
import json, sys
import numpy as np
from w2v.corpus._words import WordTable
from w2v.vectors.formats import FORMATS, Format, Rows

def load(source, options):
    lines = b"".join(iter(source.read, b"")).splitlines()[1:][: options.limit]
    rows = [json.loads(line) for line in lines]
    return Rows(WordTable([row[0] for row in rows]), np.array([row[1:] for row in rows], np.float32))

def write(writer, out):
    out.write(b"#lines\\n")
    for row in range(writer.rows):
        out.write(json.dumps([writer.table[row].decode(), *writer.matrix[row].tolist()]).encode() + b"\\n")

FORMATS["lines"] = Format(
    name="lines", title="JSON lines", holds="words and numbers", suffixes=(".jsonl",), signed=True,
    recognise=lambda name, head: head.startswith(b"#lines\\n"), load=load, write=write,
)

from w2v.cli.main import run
for arguments in json.loads(sys.argv[1]):
    print(run(arguments), flush=True)
"""


def commands(folder, *lines: str) -> subprocess.CompletedProcess[str]:
    arguments = json.dumps([line.split() for line in lines])
    return subprocess.run(
        [sys.executable, "-c", A_NEW_ONE, arguments], capture_output=True, text=True, cwd=folder, check=True
    )


def test_a_format_that_is_added_in_a_few_lines_is_seen_everywhere(tmp_path):
    (tmp_path / "v.txt").write_text("3 2\nking 1 0.5\nqueen 0.75 1\nman -1 0.25\n")
    done = commands(
        tmp_path,
        "convert v.txt v.jsonl -q",  # by its suffix
        "convert v.jsonl v.bin -q",  # by its content
        "convert v.bin again --format lines -q",  # by its name
        "convert v.jsonl v.npy --from lines -q",
        "similar v.jsonl king -k 1",
        "vector v.jsonl queen",
        "info --short v.jsonl",
        "check v.jsonl",
        "convert v.jsonl fixed.txt --fix",
    )
    written = '#lines\n["king", 1.0, 0.5]\n["queen", 0.75, 1.0]\n["man", -1.0, 0.25]\n'
    assert (tmp_path / "v.jsonl").read_text() == written
    assert (tmp_path / "again").read_bytes() == (tmp_path / "v.jsonl").read_bytes()
    assert (tmp_path / "fixed.txt").read_bytes() == (tmp_path / "v.txt").read_bytes()
    assert "king\t1\tqueen\t0.894427\n" in done.stdout
    assert "queen\t0.75\t1.0\n" in done.stdout
    assert "v.jsonl: JSON lines, 3 words x 2" in done.stdout
    assert "v.jsonl\tfact\tformat\tJSON lines" in done.stdout
    assert [line for line in done.stdout.splitlines() if line.isdigit()] == ["0"] * 9
    assert "nothing to repair" in done.stderr


def test_a_format_that_is_added_is_named_in_help_and_errors(tmp_path):
    (tmp_path / "no").write_text("hello\n")
    done = commands(tmp_path, "convert --help", "convert no v.xyz", "similar no king", "convert no v.npy --format xyz")
    assert "|static-embedding|lines" in done.stdout
    assert ".ftbin, .jsonl (and .gz)" in done.stderr
    assert "JSON lines can be read" in done.stderr
    assert "'static-embedding', 'lines'" in done.stderr


def test_a_broken_file_of_an_added_format_is_a_fault(tmp_path):
    (tmp_path / "bad").write_text('#lines\n["a", 1]\n["b", NaN]\n["a", 2]\n')
    done = commands(tmp_path, "check bad", "convert bad v.txt --fix", "similar bad a")
    assert 'bad: row 2: a number of "b" is NaN or infinite' in done.stderr
    assert "fault\tnot finite\t1\trow 2" in done.stdout
    assert "fault\tduplicates\t1" in done.stdout
    assert (tmp_path / "v.txt").read_text() == "1 1\na 1\n"


@pytest.mark.parametrize("name", writable())
def test_the_size_of_a_file_is_known_beforehand_where_the_record_says_so(tmp_path, name):
    from w2v.vectors.formats.rows import Contents
    from w2v.vectors.vectors import Vectors

    if name == "parquet":
        pytest.importorskip("pyarrow")
    vectors = Vectors(["a", "bcd", "ef"], [[1, 2], [3, 4], [5, 6]])
    vectors.save(tmp_path / "v", name)
    record = FORMATS[name]
    assert record.name == name
    if record.size is not None:
        assert record.size(Contents(3, 2, 6)) == (tmp_path / "v").stat().st_size
