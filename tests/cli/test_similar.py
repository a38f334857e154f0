"""`w2v similar` for many queries: every word, lists, sessions; which words may be answers, and how they are written."""

from __future__ import annotations

import json
import subprocess

import pytest


def table(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


@pytest.fixture(scope="module")
def some(tmp_path_factory):
    """A folder with vectors of five items, their titles, and lists of them."""
    folder = tmp_path_factory.mktemp("items")
    (folder / "v.txt").write_text("5 2\n10 1 0\n20 0.9 0.1\n30 0.5 0.5\n40 0 1\n50 -1 0\n")
    (folder / "titles.tsv").write_text("10\tTen, the first\n20\tTwenty\n30\tThirty\n")
    (folder / "list.txt").write_text("30\t7\n20\n99\n")
    return folder


def test_every_word_is_answered_as_if_it_were_asked_alone(w2v, vectors):
    every = w2v("similar", vectors, "--all", "-k", "4")
    assert (every.returncode, every.err) == (0, "")
    words = list(dict.fromkeys(row[0] for row in table(every.out)))
    assert every.out == w2v("similar", vectors, "-k", "4", input="\n".join(words) + "\n").out
    listed = w2v("similar", vectors, "--words", "/dev/stdin", "-k", "4", input="\n".join(words) + "\n")
    assert listed.out == every.out


def test_an_object_a_query_holds_its_neighbours_and_their_names(w2v, some):
    done = w2v(
        "similar", "v.txt", "--all", "-k", "2", "--format", "json", "--nested", "--names", "titles.tsv", cwd=some
    )
    first = json.loads(done.out.splitlines()[0])
    assert first == {
        "query": "10",
        "name": "Ten, the first",
        "neighbours": [
            {"rank": 1, "word": "20", "cosine": 0.993884, "name": "Twenty"},
            {"rank": 2, "word": "30", "cosine": 0.707107, "name": "Thirty"},
        ],
    }
    assert len(done.out.splitlines()) == 5
    single = w2v("similar", "v.txt", "10", "-k", "1", "--names", "titles.tsv", cwd=some)
    assert single.out == "10\t1\t20\t0.993884\tTwenty\n"


def test_answers_keep_to_lists_and_cosines_for_one_query_and_for_many(w2v, some):
    for query in (("10",), ("--words", "/dev/stdin")):
        run = lambda *more, query=query: w2v("similar", "v.txt", *query, *more, cwd=some, input="10\n")  # noqa: E731
        assert [row[2] for row in table(run("--among", "list.txt").out)] == ["20", "30"]
        assert '1 word of the lists of answers is not in the vocabulary: "99"' in run("--among", "list.txt").err
        assert [row[2] for row in table(run("--exclude", "list.txt").out)] == ["40", "50"]
        assert [row[2] for row in table(run("--restrict-vocab", "2").out)] == ["20"]
        assert [row[2] for row in table(run("--min-cosine", "0.7").out)] == ["20", "30"]


def test_a_session_gets_what_it_does_not_hold(w2v, some):
    done = w2v("similar", "v.txt", "--mean", "-k", "1", input="10 40\n10 99\n\n99\n", cwd=some)
    assert table(done.out) == [["10 40", "1", "30", "1.000000"], ["10 99", "1", "20", "0.993884"]]
    assert '1 word of the queries is not in the vocabulary: "99"' in done.err
    assert "1 line without an answer: none of their items is in the vocabulary" in done.err
    assert done.returncode == 1
    decayed = w2v("similar", "v.txt", "--mean", "--decay", "0.01", "-k", "1", "40", "10", cwd=some)
    assert table(decayed.out)[0][:3] == ["40 10", "1", "20"]


def test_a_session_that_comes_alone_is_answered_at_once(start, vectors):
    process = start("similar", vectors, "--mean", "-k", "1", stdin=subprocess.PIPE)
    process.stdin.write(b"king queen\n")
    process.stdin.flush()
    assert process.stdout.readline().startswith(b"king queen\t1\t")
    process.communicate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--all", "king"), "--all: brings its queries; leave out QUERY"),
        (("--all", "--mean"), "--all: brings its queries; leave out --mean"),
        (("king", "--decay", "0.5"), "--decay: is for --mean"),
        (("king", "--approx"), "--approx: is for many queries: --all, --words or --mean"),
        (("king", "--nested"), "--nested: is for --format json"),
        (("king", "--format", "parquet"), "--format parquet: is for --all, --words or --mean"),
        (("king", "--csls"), "--csls: ranks answers from other vectors; give --to too"),
        (("--mean", "--decay", "2"), "--decay: must be more than 0 and at most 1 (got 2.0)"),
    ],
)
def test_options_that_do_not_go_together_are_refused(w2v, vectors, args, said):
    done = w2v("similar", vectors, *args)
    assert done.returncode == 2
    assert said in done.err


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_neighbours_as_a_table_that_pyarrow_reads(w2v, some, form):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    done = w2v("similar", "v.txt", "--all", "-k", "2", "--format", form, "--names", "titles.tsv", cwd=some)
    assert done.returncode == 0, done.err
    source = pa.BufferReader(done.stdout)
    read = pq.read_table(source) if form == "parquet" else pa.ipc.open_file(source).read_all()
    assert read.column_names == ["query", "rank", "word", "cosine", "name"]
    assert read.num_rows == 10
    assert read.slice(0, 1).to_pylist()[0] | {"cosine": 0} == {
        "query": "10", "rank": 1, "word": "20", "cosine": 0, "name": "Twenty",
    }  # fmt: skip


def test_a_reader_that_has_enough_ends_it_without_a_word(vectors, environment):
    line = 'set -o pipefail; w2v similar "$1" --all -k 100 | head -n 1'
    done = subprocess.run(
        ["bash", "-c", line, "bash", vectors], capture_output=True, text=True, env=environment, timeout=60
    )
    assert done.stderr == ""
    assert done.stdout.count("\n") == 1


def test_a_word_is_translated_with_and_without_csls(w2v, some):
    (some / "other.txt").write_text("3 2\nzehn 0.98 -0.2\nzwanzig 0.9 0.12\nalles 1 0.04\n")
    plain = w2v("similar", "v.txt", "10", "--to", "other.txt", "-k", "1", cwd=some)
    assert plain.out == "10\t1\talles\t0.999201\n"
    every = w2v("similar", "v.txt", "--all", "--to", "other.txt", "--csls", "-k", "3", "-q", cwd=some)
    one = w2v("similar", "v.txt", "20", "--to", "other.txt", "--csls", "-k", "3", cwd=some)
    assert (one.returncode, one.err) == (0, "")
    assert [row for row in table(every.out) if row[0] == "20"] == table(one.out)
    listed = w2v("similar", "v.txt", "20", "--to", "other.txt", "--csls", "-k", "1", "--format", "json", cwd=some)
    assert list(json.loads(listed.out)) == ["query", "rank", "word", "csls"]
