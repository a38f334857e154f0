"""`w2v pairs` as a process: what it prints, from where, and what it looks like."""

from __future__ import annotations

import json
import math
import os
import re

import pytest

SENTENCE = "the king rules the land"


def rows(text: str) -> list[tuple[str, str, str]]:
    return [tuple(line.split("\t")) for line in text.splitlines()]


def test_every_context_meets_its_centre_and_drawn_words(w2v):
    done = w2v("pairs", SENTENCE, "--window", "1", "--fixed-window", "--negative", "2")
    assert done.returncode == 0, done.err
    table = rows(done.out)
    words = SENTENCE.split()
    near = [(words[j], words[i]) for i in range(5) for j in (i - 1, i + 1) if 0 <= j < 5]
    assert [row[:2] for row in table if row[2] == "1"] == near
    assert {row[2] for row in table} == {"0", "1"}
    assert {word for row in table for word in row[:2]} == set(words)


def test_text_words_files_and_standard_input_give_the_same(w2v, tmp_path):
    (tmp_path / "a.txt").write_text(SENTENCE + "\n")
    wanted = w2v("pairs", SENTENCE).out
    assert wanted
    assert w2v("pairs", *SENTENCE.split()).out == wanted
    assert w2v("pairs", "a.txt").out == wanted
    assert w2v("pairs", input=SENTENCE).out == wanted
    assert w2v("pairs", "-", input=SENTENCE).out == wanted


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="/dev/fd")
def test_what_the_shell_gives_as_a_pipe_is_text(w2v):
    reader, writer = os.pipe()
    with open(reader), open(writer, "w") as text:
        text.write(SENTENCE + "\n")
        text.close()
        assert w2v("pairs", f"/dev/fd/{reader}", pass_fds=[reader]).out == w2v("pairs", SENTENCE).out


def test_the_seed_decides(w2v):
    first, same, other = (w2v("pairs", SENTENCE, "--seed", seed).out for seed in ("1", "1", "2"))
    assert first == same != other


def test_the_whole_corpus_gives_as_many_samples_as_the_trainer_counts(w2v, corpus):
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.reader import read_corpus
    from w2v.training.config import TrainConfig
    from w2v.training.trainer import Trainer

    options = ["--min-count", "5", "--sample", "0.001", "--negative", "2"]
    done = w2v("pairs", corpus, *options)
    config = TrainConfig(negative=2, epochs=1, threads=1, dim=4)
    result = Trainer(read_corpus([corpus], CorpusConfig()), config).run()
    assert done.out.count("\n") == result.summary.examples > 1000


def test_hierarchical_softmax_shows_nodes_and_cbow_the_contexts(w2v):
    done = w2v("pairs", SENTENCE, "--loss", "hs", "--model", "cbow", "--window", "1")
    assert done.returncode == 0, done.err
    table = rows(done.out)
    assert {row[1].split()[0] for row in table} == {"node"}
    assert "the rules" in {row[0] for row in table}


def test_json_lines_name_everything(w2v):
    done = w2v("pairs", "왕 은 나라", "القصر the", "--format", "json", "--negative", "1")
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert {line["sentence"] for line in lines} == {1, 2}
    assert set(lines[0]) == {"sentence", "place", "input", "output", "label"}
    assert {"왕", "القصر"} <= {line["input"] for line in lines}


def test_steps_mark_the_window(w2v):
    done = w2v("pairs", SENTENCE, "--window", "1", "--negative", "1", "--steps")
    assert done.returncode == 0, done.err
    assert "[the](king) rules  the  land \n" in done.out
    assert "(the)[king](rules) the  land \n" in done.out
    assert "\n    king  →  the 1" in done.out
    assert "\x1b" not in done.out


def test_steps_in_colour_hold_the_same_words(w2v):
    done = w2v("pairs", SENTENCE, "--steps", "--color", "always", env={"COLORTERM": "truecolor"})
    assert "\x1b[48;2;" in done.out
    assert "\x1b[48;5;" in w2v("pairs", SENTENCE, "--steps", "--color", "always", env={"COLORTERM": ""}).out
    assert "\x1b" not in w2v("pairs", SENTENCE, "--steps", env={"NO_COLOR": "1"}).out


def test_a_long_sentence_is_cut_around_the_window(w2v):
    done = w2v("pairs", " ".join(f"word{i}" for i in range(100)), "--steps", env={"COLUMNS": "60"})
    marked = [line for line in done.out.splitlines() if "[word" in line]
    assert len(marked) == 100
    assert max(map(len, marked)) <= 60
    assert marked[50].startswith("…")
    assert marked[50].endswith("…")


def test_subsampling_shows_what_it_drops(w2v):
    done = w2v("pairs", "the " * 50 + "king", "--steps", "--sample", "0.01")
    assert "dropped by subsampling" in done.out
    assert "-the-" in done.out


@pytest.mark.parametrize(("given", "what"), [(["--window", "0"], "--window"), (["one"], "")])
def test_what_cannot_be_drawn_is_told_in_one_line(w2v, given, what):
    done = w2v("pairs", *given, input="")
    assert done.returncode in (1, 2)
    assert done.err.startswith("w2v: error: ")
    assert what in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("options", [(), ("--loss", "hs"), ("--model", "cbow"), ("--exact",)])
def test_numbers_are_those_of_the_samples_that_are_listed(w2v, options):
    """The same inputs, outputs and labels; the sigmoid is that of the dot product, the error label minus sigmoid."""
    listed = rows(w2v("pairs", SENTENCE, *options).out)
    done = w2v("pairs", SENTENCE, *options, "--numbers")
    assert done.returncode == 0, done.err
    numbers = rows(done.out)
    assert [row[:3] for row in numbers] == listed
    for _, _, label, dot, sigmoid, error in numbers:
        assert float(sigmoid) == pytest.approx(1 / (1 + math.exp(-float(dot))), abs=2e-3)
        assert float(error) == pytest.approx(int(label) - float(sigmoid), abs=2e-6)


def test_errors_shrink_with_the_epochs(w2v):
    def wrong(epochs: str) -> float:
        table = rows(w2v("pairs", SENTENCE, "--numbers", "--epochs", epochs, "--dim", "8").out)
        return sum(abs(float(row[5])) for row in table) / len(table)

    assert wrong("1") == pytest.approx(0.5, abs=0.01)
    assert wrong("300") < 0.4


def test_each_step_shows_rows_before_and_after_and_the_loss_of_the_sentence(w2v):
    done = w2v("pairs", SENTENCE, "--steps", "--numbers", "--dim", "2", "--negative", "1", "--window", "1")
    assert done.returncode == 0, done.err
    assert done.out.splitlines()[0] == "sentence 1, epoch 1: 5 words, learning rate 0.1"
    assert "[the](king)" in done.out
    samples = len(rows(w2v("pairs", SENTENCE, "--negative", "1", "--window", "1").out))
    *_, total, _ = done.out.splitlines()
    found = re.fullmatch(r"(\d+) samples, loss ([\d.]+), ([\d.]+) per sample", total)
    assert int(found[1]) == samples
    assert float(found[3]) == pytest.approx(math.log(2), abs=1e-3)
    changed = [line for line in done.out.splitlines() if "→" in line]
    assert any(before.split()[-2:] != after.split() for before, after in (line.split("→") for line in changed))


def test_the_centre_first_as_tutorials_print_pairs(w2v):
    def pairs(*options: str) -> list[tuple[str, ...]]:
        return rows(w2v("pairs", "a b c", "--window", "1", "--fixed-window", *options).out)

    assert pairs("--negative", "0") == [("b", "a", "1"), ("a", "b", "1"), ("c", "b", "1"), ("b", "c", "1")]
    first = pairs("--negative", "0", "--order", "input-first")
    assert first == [("a", "b", "1"), ("b", "a", "1"), ("b", "c", "1"), ("c", "b", "1")]
    trained, turned = pairs("--negative", "2"), pairs("--negative", "2", "--order", "input-first")
    assert [row[1] for row in trained if row[2] == "0"] == [row[1] for row in turned if row[2] == "0"]
    assert {row[0] for row in turned} == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--order", "input-first", "--model", "cbow"), "--order input-first"),
        (("--order", "input-first", "--numbers"), "--order input-first"),
        (("--order", "input-first", "--steps"), "--order input-first"),
        (("--order", "input-first", "--loss", "hs"), "--order input-first"),
        (("--epochs", "3"), "--numbers"),
        (("--loss", "softmax"), "all words"),
    ],
)
def test_what_has_no_meaning_is_refused(w2v, options, says):
    done = w2v("pairs", SENTENCE, *options)
    assert (done.returncode, done.out) == (2, "")
    assert says in done.err
