"""`w2v similar` and `w2v analogy` as processes among others."""

from __future__ import annotations

import json
import os
import subprocess

import pytest


def rows(text: str) -> list[list[str]]:
    return [line.split("\t") for line in text.splitlines()]


def test_similar_prints_ten_rows_by_falling_cosine(w2v, vectors):
    done = w2v("similar", vectors, "king")
    assert done.returncode == 0, done.err
    assert done.err == ""
    table = rows(done.out)
    assert [row[:2] for row in table] == [["king", str(rank)] for rank in range(1, 11)]
    cosines = [float(row[3]) for row in table]
    assert cosines == sorted(cosines, reverse=True)
    assert "king" not in [row[2] for row in table]


def test_words_of_an_expression_are_left_out(w2v, vectors):
    done = w2v("similar", vectors, "king - man + woman", "-k", "100")
    assert done.returncode == 0, done.err
    assert not {"king", "man", "woman"} & {row[2] for row in rows(done.out)}
    assert {row[0] for row in rows(done.out)} == {"king - man + woman"}


def test_analogy_is_the_expression_b_minus_a_plus_c(w2v, vectors):
    analogy = rows(w2v("analogy", vectors, "man", "king", "woman").out)
    expression = rows(w2v("similar", vectors, "king - man + woman").out)
    assert [row[0] for row in analogy] == ["man king woman"] * 10
    assert [row[2] for row in analogy] == [row[2] for row in expression]


def test_analogy_by_multiplication_answers_too(w2v, vectors):
    done = w2v("analogy", vectors, "man", "king", "woman", "--method", "mul", "-k", "2")
    assert done.returncode == 0, done.err
    assert len(rows(done.out)) == 2


@pytest.mark.parametrize(("command", "line"), [("similar", "king"), ("analogy", "man king woman")])
def test_standard_input_gives_what_arguments_give(w2v, vectors, command, line):
    by_argument = w2v(command, vectors, *([line] if command == "similar" else line.split()))
    for text in (line, line + "\n", line + "\r\n", f"\n{line}\n\n"):
        done = w2v(command, vectors, input=text)
        assert (done.returncode, done.out) == (0, by_argument.out)


def test_a_batch_gives_what_single_queries_give(w2v, vectors):
    words = ["king", "queen", "서울", "the", "king + queen", "🙂", "القاهرة"] * 50
    batch = rows(w2v("similar", vectors, "-k", "3", input="\n".join(words) + "\n").out)
    for i, word in enumerate(words[:7]):
        single = rows(w2v("similar", vectors, word, "-k", "3").out)
        for a, b in zip(batch[3 * i : 3 * i + 3], single, strict=True):
            assert a[:3] == b[:3]
            assert float(a[3]) == pytest.approx(float(b[3]), abs=2e-6)
    assert len(batch) == 3 * len(words)


def test_json_lines_say_the_same_as_tsv(w2v, vectors):
    table = rows(w2v("similar", vectors, "서울", "-k", "4").out)
    lines = w2v("similar", vectors, "서울", "-k", "4", "--format", "json").out.splitlines()
    found = [json.loads(line) for line in lines]
    assert [[d["query"], str(d["rank"]), d["word"], f"{d['cosine']:.6f}"] for d in found] == table
    assert all('"query": "서울"' in line for line in lines)


def test_an_unknown_word_is_told_with_close_spellings_and_the_others_are_answered(w2v, vectors):
    done = w2v("similar", vectors, "quen", "king", "-k", "1")
    assert done.returncode == 1
    assert [row[0] for row in rows(done.out)] == ["king"]
    assert done.err.startswith('w2v: error: "quen" is not in the vocabulary; did you mean queen')
    done = w2v("analogy", vectors, "-k", "1", input="man king wman\nman king\nman king woman\n")
    assert done.returncode == 1
    assert [row[0] for row in rows(done.out)] == ["man king woman"]
    assert len(done.err.splitlines()) == 2


def test_a_closed_pipe_is_silent(start, vectors):
    process = start("similar", vectors, stdin=subprocess.PIPE)
    process.stdout.close()
    _, err = process.communicate(b"king\n" * 1000)
    assert process.returncode == 141
    assert err == b""


def test_head_gets_its_lines(environment, vectors, tmp_path):
    line = 'set -o pipefail; yes king | head -n 5000 | w2v similar "$1" | head -n 1'
    done = subprocess.run(["bash", "-c", line, "bash", vectors], capture_output=True, env=environment, timeout=60)
    assert done.stdout.startswith(b"king\t1\t")
    assert done.stderr == b""
    assert done.returncode == 141


def test_a_co_process_gets_each_answer_before_it_asks_the_next(start, vectors):
    process = start("similar", vectors, "-k", "2")
    for word in ("king", "서울", "king + queen"):
        process.stdin.write(word.encode() + b"\n")
        answer = [process.stdout.readline().decode() for _ in range(2)]
        assert [row.split("\t")[:2] for row in answer] == [[word, "1"], [word, "2"]]
    process.stdin.close()
    assert process.wait(60) == 0


def test_empty_input_is_no_error(w2v, vectors):
    for command in ("similar", "analogy"):
        done = w2v(command, vectors, input="")
        assert (done.returncode, done.out, done.err) == (0, "", "")
    done = w2v("similar", vectors, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.out, done.err) == (0, "", "")


def test_an_empty_argument_is_a_question_without_words(w2v, vectors):
    done = w2v("similar", vectors, "", "king", "-k", "1")
    assert done.returncode == 1
    assert [row[0] for row in rows(done.out)] == ["king"]
    assert "w2v: error: the query is empty" in done.err


def test_a_word_of_wide_white_space_is_a_word(w2v, tmp_path):
    (tmp_path / "v.txt").write_bytes("2 2\n\u3000 1 0\nplain 0.5 1\n".encode())
    assert w2v("similar", "v.txt", input="\u3000\n").out.startswith("\u3000\t1\tplain\t")
    assert w2v("similar", "v.txt", "\u3000").out.startswith("\u3000\t1\tplain\t")


def test_a_byte_order_mark_before_the_first_question_is_no_part_of_it(w2v, vectors):
    done = w2v("similar", vectors, input=b"\xef\xbb\xbfking\nqueen\n")
    assert done.returncode == 0, done.err
    assert done.out == w2v("similar", vectors, "king", "queen").out


@pytest.mark.parametrize(
    "command", [("similar",), ("embed", "-"), ("evaluate", "-"), ("convert", "x.txt", "--words", "-")]
)
def test_a_list_in_utf16_is_named(w2v, vectors, command):
    """What `>` writes in the PowerShell of Windows."""
    done = w2v(command[0], vectors, *command[1:], input="\ufeffking\r\nqueen\r\n".encode("utf-16-le"))
    assert done.returncode == 1
    assert done.err.startswith("w2v: error: <stdin>: the text is UTF-16, not UTF-8; convert it: iconv -f UTF-16 ")
    assert done.out == ""


def test_words_that_are_not_utf8_print_back_as_the_same_bytes(w2v, tmp_path):
    (tmp_path / "v.txt").write_bytes(b"3 2\ncaf\xe9 1 0\n\xff\xfe 0.5 1\nplain 0 1\n")
    done = w2v("similar", "v.txt", b"caf\xe9")
    assert done.returncode == 0, done.err
    assert done.stdout.startswith(b"caf\xe9\t1\t\xff\xfe\t")
    assert w2v("similar", "v.txt", input=b"caf\xe9\n").stdout == done.stdout
    for line in w2v("similar", "v.txt", b"caf\xe9", "--format", "json").stdout.splitlines():
        assert json.loads(line.decode("utf-8"))["query"].encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_output_is_utf8_in_any_locale(w2v, vectors):
    usual = w2v("similar", vectors, "서울").stdout
    for locale in ("C", "POSIX", "en_US.ISO-8859-1"):
        env = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        assert w2v("similar", vectors, "서울", env=env).stdout == usual


@pytest.mark.parametrize("command", ["similar", "analogy"])
def test_a_missing_vector_file_is_one_line(w2v, command):
    done = w2v(command, "no.bin", "a", "b", "c")
    assert done.returncode == 1
    assert done.err == "w2v: error: no.bin: No such file or directory\n"


def test_a_damaged_vector_file_is_one_line(w2v, tmp_path):
    (tmp_path / "v.bin").write_bytes(b"2 4\nking 0123")
    done = w2v("similar", "v.bin", "king")
    assert done.returncode == 1
    assert done.err.startswith("w2v: error: v.bin")
    assert done.err.count("\n") == 1


def test_a_full_device_fails(w2v, vectors):
    with open("/dev/full", "wb") as full:
        done = w2v("similar", vectors, "king", stdout=full)
    assert done.returncode == 1
    assert done.err == "w2v: error: standard output: No space left on device\n"


def test_a_closed_standard_output_is_an_error(environment, vectors):
    done = subprocess.run(
        ["bash", "-c", 'w2v similar "$1" king >&-', "bash", vectors], capture_output=True, env=environment, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr == b"w2v: error: standard output is closed\n"


def test_a_pipe_can_be_the_vector_file(environment, vectors):
    line = 'w2v similar <(cat "$1") king'
    done = subprocess.run(["bash", "-c", line, "bash", vectors], capture_output=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"king\t1\t")
    assert os.path.exists(vectors)


def test_an_expression_needs_no_quotes_and_an_analogy_may_bring_the_expected_answer(w2v, vectors):
    words = [line.split("\t")[2] for line in w2v("similar", vectors, "king", "-k", "4").out.splitlines()]
    a, b = words[:2]
    assert w2v("similar", vectors, "king", "-", a, "+", b).out == w2v("similar", vectors, f"king - {a} + {b}").out
    assert w2v("vector", vectors, "king", "+", a).out == w2v("vector", vectors, f"king + {a}").out
    plain = w2v("analogy", vectors, "king", a, b, "-k", "50")
    assert [
        line.split("\t")[1:] for line in w2v("analogy", vectors, f"king:{a}", f"{b}:?", "-k", "50").out.splitlines()
    ] == [line.split("\t")[1:] for line in plain.out.splitlines()]
    last = plain.out.splitlines()[-1].split("\t")
    expected = w2v("analogy", vectors, f"king:{a}", f"{b}:{last[2]}", "-k", "3").out.splitlines()
    assert len(expected) == 4
    assert expected[3].split("\t")[1:] == last[1:]


@pytest.mark.parametrize("command", ["similar", "analogy", "similarity", "vector"])
def test_a_line_without_end_is_refused_in_little_memory(environment, vectors, command):
    """The process may take 1 GB of addresses; an endless line would fill it."""
    line = f"ulimit -v 1000000; (echo king; cat /dev/zero) | w2v {command} {vectors}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment)
    assert done.returncode == 1
    assert "w2v: error: <stdin>:2: the line is longer than 131072 bytes; put a query on each line\n" in done.stderr


@pytest.mark.parametrize(("text", "pairs"), [("king man 5\n", "1 pair"), ("king man 5\nman king 3\n", "2 pairs")])
def test_pairs_that_no_correlation_can_be_taken_of_are_told(w2v, vectors, tmp_path, text, pairs):
    (tmp_path / "pairs").write_text(text)
    done = w2v("evaluate", vectors, "pairs")
    assert done.returncode == 0
    told = f"pairs: no correlation of {pairs}; it takes two or more that differ, in rating and in cosine"
    assert done.err == f"w2v: warning: {told}\n"
    assert "pairs\tspearman\tnan\t" in done.out
