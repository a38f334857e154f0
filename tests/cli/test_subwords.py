"""Trainings with subwords, and questions about words that were never seen, as processes."""

from __future__ import annotations

import json

import numpy as np
import pytest

import w2v as library


@pytest.fixture
def run(w2v):
    """The command; `w2v` is the library here."""
    return w2v


STEMS = ["walk", "talk", "kick", "jump", "paint", "größ"]
ENDINGS = ["", "s", "ed", "ing", "er"]
NOTE = "is not in the vocabulary; its vector is made from its n-grams"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A corpus, and models of it in both formats that hold n-grams."""
    place = tmp_path_factory.mktemp("subwords")
    random = np.random.default_rng(1)
    words = [stem + ending for stem in STEMS for ending in ENDINGS]
    lines = [" ".join(words[i] for i in random.integers(0, len(words), 9)) for _ in range(300)]
    (place / "corpus.txt").write_text("\n".join(lines) + "\n")
    vectors = library.train(
        place / "corpus.txt", subwords=(3, 6), buckets=700, dim=10, min_count=1, threads=1, sample=0, epochs=3, lr=0.1
    )
    vectors.save(place / "m.ftbin")
    vectors.save(place / "m.safetensors")
    vectors.save(place / "plain.bin")
    return place


OPTIONS = [
    "--subwords",
    "3-6",
    "--buckets",
    "700",
    "--dim",
    "10",
    "--min-count",
    "1",
    "--threads",
    "1",
    "--epochs",
    "1",
]


@pytest.mark.parametrize("name", ["m.ftbin", "m.safetensors"])
@pytest.mark.parametrize("question", [
    ["similar", "talkings"], ["similarity", "talkings", "walk"], ["rank", "talkings", "walk"],
    ["analogy", "walk", "walking", "talkings"], ["odd-one-out", "talkings", "walk", "jump"], ["vector", "talkings"],
    ["show", "talkings", "walk"], ["similar", "talkings + walk"],
])  # fmt: skip
def test_every_question_is_answered_for_an_unseen_word_and_says_so_once(run, folder, name, question):
    command, *words = question
    done = run(command, name, *words, cwd=folder)
    assert done.returncode == 0, done.err
    assert "talkings" in done.out
    assert done.err.count(NOTE) == 1
    assert done.err == f'w2v: "talkings" {NOTE}, as are those of other such words\n'


def test_known_words_are_answered_without_a_word(run, folder):
    assert run("similar", "m.ftbin", "walk", cwd=folder).err == ""


def test_a_file_of_words_alone_knows_no_others(run, folder):
    done = run("similar", "plain.bin", "talkings", cwd=folder)
    assert done.returncode == 1
    assert '"talkings" is not in the vocabulary' in done.err


def test_ngrams_are_listed_with_their_shares(run, folder):
    done = run("vector", "m.ftbin", "--ngrams", "talkings", cwd=folder)
    rows = [line.split("\t") for line in done.out.splitlines()]
    assert {row[1] for row in rows} >= {"<ta", "talk", "ings>"}
    assert sum(float(row[3]) for row in rows) == pytest.approx(1, abs=1e-4)
    known = run("vector", "m.ftbin", "--ngrams", "talk", "--format", "json", cwd=folder)
    found = [json.loads(line) for line in known.out.splitlines()]
    assert [row["bucket"] for row in found if row["ngram"] == "talk" and row["bucket"] == -1] == [-1]
    plain = run("vector", "plain.bin", "--ngrams", "talk", cwd=folder)
    assert plain.returncode == 1
    assert "these vectors know no n-grams" in plain.err


def test_scores_of_unseen_words_are_apart(run, folder):
    pairs = folder / "pairs.tsv"
    pairs.write_text(
        "walk\twalks\t9\ntalk\tjump\t1\nkick\tkicker\t8\nwalkings\ttalkings\t7\nwalky\tjumpy\t3\nq\twalk\t1\n"
    )
    done = run("evaluate", "m.ftbin", "pairs.tsv", cwd=folder)
    rows = {line.split("\t")[1]: line.split("\t")[2:] for line in done.out.splitlines()}
    assert rows["spearman"][2:] == ["3", "0"]
    assert rows["unseen spearman"][2] == "3"  # `<q>` is an n-gram of three characters
    alone = run("evaluate", "m.ftbin", "pairs.tsv", "--known-only", cwd=folder)
    assert "unseen" not in alone.out
    assert alone.err == ""
    assert alone.out.splitlines()[1] == done.out.splitlines()[1].rsplit("\t", 1)[0] + "\t3"
    questions = folder / "questions.txt"
    questions.write_text(": verbs\nwalk walking talk talking\nwalk walkings talk talks\nwalk walking talk talkings\n")
    found = run("evaluate", "m.ftbin", "questions.txt", "--json", cwd=folder)
    scores = json.loads(found.out)
    assert (scores["total"]["asked"], scores["total"]["skipped"]) == (1, 1)  # no answer can be an unseen word
    assert scores["unseen"]["asked"] == 1


@pytest.mark.parametrize(("name", "format"), [("o.ftbin", None), ("o.bin", "fasttext"), ("o.safetensors", None)])
def test_training_writes_models_that_answer(run, folder, tmp_path, name, format):
    out = tmp_path / name
    done = run("train", folder / "corpus.txt", "-o", out, *OPTIONS, *(["--format", format] if format else []))
    assert done.returncode == 0, done.err
    assert "without their n-grams" not in done.err
    assert run("similar", out, "talkings").returncode == 0


def test_a_file_that_holds_no_ngrams_is_pointed_out(run, folder, tmp_path):
    done = run("train", folder / "corpus.txt", "-o", tmp_path / "o.bin", *OPTIONS)
    assert done.returncode == 0
    said = "holds the words' vectors without their n-grams; for words never seen write .ftbin or .safetensors"
    assert said in done.err


def test_a_stopped_training_goes_on_to_the_same_file(run, folder, tmp_path):
    line = ["train", folder / "corpus.txt", *OPTIONS[:-2], "--epochs", "2", "-q"]
    assert run(*line, "-o", tmp_path / "a.ftbin").returncode == 0
    first = run(*line, "-o", tmp_path / "b.ftbin", "--keep-checkpoint", "--checkpoint", tmp_path / "c")
    assert first.returncode == 0, first.err
    assert (tmp_path / "a.ftbin").read_bytes() == (tmp_path / "b.ftbin").read_bytes()
    more = run("train", folder / "corpus.txt", "-o", tmp_path / "d.ftbin", "--continue", tmp_path / "c", "-q",
                       "--threads", "1")  # fmt: skip
    assert more.returncode == 0, more.err
    assert run("similar", tmp_path / "d.ftbin", "talkings").returncode == 0


@pytest.mark.parametrize(("options", "message"), [
    ("--subwords 6-3", "--subwords: '6-3' is no range of characters from 1 to 64; write 3-6, or off"),
    ("--subwords 3-6 --loss softmax", "--loss softmax: trains no --subwords"),
    ("--subwords 3-6 --combine add", "--combine: words that were never seen have no context vectors"),
    ("--subwords 3-6 --unit", "--unit: rows of length 1 are no means of n-grams"),
    ("--subwords 3-6 --cluster auto", "--subwords: not with --cluster yet"),
])  # fmt: skip
def test_what_does_not_go_together_is_refused(run, folder, tmp_path, options, message):
    done = run("train", folder / "corpus.txt", "-o", tmp_path / "o.ftbin", *options.split())
    assert done.returncode == 2
    assert message in done.err
    assert not (tmp_path / "o.ftbin").exists()


def test_some_words_and_only_their_ngrams(run, folder, tmp_path):
    (tmp_path / "words").write_text("walk\nwalks\n")
    done = run("convert", folder / "m.ftbin", tmp_path / "s.safetensors", "--words", tmp_path / "words", "--compact")
    assert done.returncode == 0, done.err
    small, whole = library.load(tmp_path / "s.safetensors"), library.load(folder / "m.ftbin")
    assert list(small) == [word for word in whole if word in ("walk", "walks")]
    np.testing.assert_allclose(small["walks"], whole["walks"], atol=1e-6)
    assert (tmp_path / "s.safetensors").stat().st_size < 4000
    model = run("convert", folder / "m.ftbin", tmp_path / "s.ftbin", "--words", tmp_path / "words")
    assert model.returncode == 0, model.err
    np.testing.assert_allclose(library.load(tmp_path / "s.ftbin")["talkings"], whole["talkings"], atol=1e-6)
    refused = run("convert", folder / "m.ftbin", tmp_path / "s.bin", "--compact")
    assert refused.returncode == 2
    assert "write .safetensors" in refused.err


def disk_of(plan: str) -> dict[str, str]:
    return dict(line.split("\t")[1:3] for line in plan.splitlines() if line.startswith("disk\t"))


def test_a_plan_counts_the_ngrams(run, folder):
    plain, made = (
        disk_of(run("plan", folder / "corpus.txt", "--min-count", "1", "--seconds", "0", *options).out)
        for options in ([], ["--subwords", "3-6", "--buckets", "700"])
    )
    assert int(made["ftbin"]) - int(plain["ftbin"]) == 700 * 400
    assert int(made["bin"]) == int(plain["bin"])
