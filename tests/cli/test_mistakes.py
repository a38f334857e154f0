"""Files and folders given in each other's place: one line that says what was found and what to do, before any work."""

from __future__ import annotations

import os
import re

import pytest


@pytest.fixture(scope="module")
def folder(w2v_in, corpus, vectors, tmp_path_factory):
    """A kind of file each, and none of them where it belongs."""
    place = tmp_path_factory.mktemp("mistakes")
    assert w2v_in("encode", corpus, "-o", "corpus.ids", "-q", cwd=place).returncode == 0
    train = ("train", corpus, "-o", "a.bin", "--dim", "4", "-e", "1", "--threads", "1", "-q", "--keep-checkpoint")
    assert w2v_in(*train, cwd=place).returncode == 0
    (place / "vectors.bin").write_bytes(vectors.read_bytes())
    (place / "empty").write_bytes(b"")
    (place / "picture").write_bytes(b"\x89PNG\r\n" + bytes(100))
    (place / "dir").mkdir()
    return place


CHECKPOINT = "is the checkpoint of a training, not vectors; continue it: w2v train with the same options and "


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        (
            "similar corpus.ids king",
            1,
            "corpus.ids: is an encoded corpus, not vectors; train on it first: w2v train corpus.ids -o OUT.bin",
        ),
        ("info a.bin.checkpoint", 1, f"a.bin.checkpoint: {CHECKPOINT}--resume, or with --continue and other text"),
        ("similar dir king", 1, "dir: is a directory; give a file"),
        ("similar picture king", 1, "picture: is a picture, not word vectors that can be read; give another file"),
        ("train picture -o x.bin", 1, "picture: this is a picture, not text; give another file"),
        ("train vectors.bin -o x.bin", 1, "vectors.bin: these are word vectors, not text to train on"),
        ("train corpus.ids -o dir", 1, "dir: is a directory; give the name of a file"),
        (
            "train corpus.ids -o x.bin --resume=vectors.bin",
            1,
            "vectors.bin: not a checkpoint, or cut or damaged at its start; give the file that a run of w2v left",
        ),
        ("train corpus.ids -o x.bin --continue vectors.bin", 1, "vectors.bin: not a checkpoint, or cut or damaged"),
        (
            "evaluate vectors.bin empty",
            1,
            "empty: no questions in it; each line is four words, or two words and a number",
        ),
        ("pairs nofile.txt", 1, "nofile.txt: neither a file nor a sentence; a sample needs two words"),
        ("sweep corpus.ids -o picture", 2, "picture: is a file; give a folder"),
    ],
)
def test_a_file_in_the_wrong_place_is_named_in_one_line(w2v_in, folder, line, code, error):
    before = os.listdir(folder)
    done = w2v_in(*line.split(), cwd=folder)
    assert (done.returncode, done.out) == (code, "")
    assert done.err.startswith(f"w2v: error: {error}")
    assert done.err.count("\n") == 1
    assert os.listdir(folder) == before


def test_a_file_in_the_place_of_a_word_or_a_command_is_seen(w2v_in, folder):
    done = w2v_in("similar", "king", "vectors.bin", cwd=folder)
    assert done.err == "w2v: error: king: No such file or directory; VECTORS comes first: vectors.bin\n"
    done = w2v_in("vocab", "the king and the queen", cwd=folder)  # to the library it would be a sentence
    assert done.err == "w2v: error: the king and the queen: No such file or directory\n"
    done = w2v_in("vectors.bin", "king", cwd=folder)
    assert "no such command: vectors.bin, but a file (write w2v similar vectors.bin for vectors, w2v train" in done.err


def test_a_vocabulary_without_counts_is_told_what_its_lines_are(w2v, corpus, tmp_path):
    (tmp_path / "words").write_text("king 5\nqueen many\n")
    done = w2v("train", corpus, "-o", "x.bin", "--read-vocab", "words")
    found = 'words:2: the count "many" is not a whole number'
    assert done.err == f"w2v: error: {found}; each line is a word, a tab and its count\n"


@pytest.mark.parametrize("option", ["--window", "--min-count", "--lr", "--epochs"])
@pytest.mark.parametrize("digits", [400, 6000])
def test_a_number_of_hundreds_of_digits_is_a_usage_error_of_one_short_line(w2v, option, digits):
    done = w2v("train", "missing.txt", "-o", "v.bin", option, "9" * digits)
    assert done.returncode == 2
    assert done.err.startswith("w2v: error: ")
    assert option in done.err
    assert len(done.err) < 300
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "line", ["similar v king -k", "vocab t --top", "similar v king --restrict-vocab", "plot v --dpi"]
)
def test_a_number_beyond_64_bits_is_a_usage_error(w2v, line):
    done = w2v(*line.split(), "9" * 25)
    assert done.returncode == 2
    assert "is too large" in done.err or "must be between" in done.err
    assert "internal error" not in done.err


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("train t -o v.bin -size 50", "no such option: -size (write --dim 50); w2v word2vec takes the options of "),
        ("train t -o v.bin -iter 3", "no such option: -iter (write --epochs 3); "),
        ("train t -o v.bin -window 5", "no such option: -window (write --window 5); "),
        ("train t -o v.bin -window=5", "no such option: -window=5 (write --window 5); "),
        ("train t -o v.bin -min_count 5", "no such option: -min_count (write --min-count 5); "),
        ("train t -output v.bin", "no such option: -output (write --output v.bin); "),
        (
            "train -train t -output v.bin -size 50 -cbow 1",
            "no such options: -train (write t without an option), -output (write --output v.bin), "
            "-size (write --dim 50), -cbow (write --model cbow); w2v word2vec takes the options of word2vec",
        ),
        ("train t -o v.bin -cbow 0", "no such option: -cbow (write --model skipgram); "),
        ("train t -o v.bin -binary 1", "no such option: -binary (write -o NAME.bin, or -o NAME.txt for text); "),
        ("train t -o v.bin --sg 1", "no such option: --sg (write --model skipgram)"),
        ("train t -o v.bin --sg=0", "no such option: --sg (write --model cbow)"),
        ("train t -o v.bin --cbow", "no such option: --cbow (write --model cbow)"),
        ("train t -o v.bin --minn 3", "no such option: --minn (write --subwords 3-6)"),
        ("train t -o v.bin -maxn 5", "no such option: -maxn (write --subwords 3-5)"),
        ("train t -o v.bin -minCount 2", "no such option: -minCount (write --min-count 2)"),
        ("train t -o v.bin --lrUpdateRate 9", "(leave it out: the rate falls all the time)"),
        ("train t -o v.bin --compute-loss", "(leave it out: the loss is always reported)"),
        ("nn v.bin 10", "no such command: nn (write w2v similar)"),
        ("skipgram -input t", "no such command: skipgram (write w2v train CORPUS -o OUT --model skipgram)"),
        ("word-analogy v.bin", "no such command: word-analogy (write w2v analogy)"),
        ("train t -o v.bin --hs", "no such option: --hs (write --loss hs)"),
        ("train t -o v.bin --dims 4", "no such option: --dims (did you mean --dim?)"),
        ("sweep t -size 5,6", "no such option: -size (write --dim 5,6); "),
        ("vocab t -top 5", "no such option: -top (write --top 5)"),
        ("vocab t --hs", "no such option: --hs;"),
        ("word2vec -train t -output v.bin -resume", "no such option: -resume (write --resume)"),
        ("similar v.bin -lrb-", "no such option: -lrb-; a word that begins with - goes behind --"),
        ("similarity v.bin king -rrb-", "a word that begins with - goes behind --"),
        ("explore v.bin -o page.png", "page.png: the page is HTML; end its name in .html"),
        ("explore v.bin -o page", "page: the page is HTML; end its name in .html"),
        ("learn king queen -o page.svg", "page.svg: the page is HTML; end its name in .html"),
    ],
)
def test_habits_of_other_programs_are_answered_with_what_to_write(w2v, tmp_path, line, hint):
    done = w2v(*line.split())
    assert done.returncode == 2, done.err
    assert hint in done.err
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_whose_name_is_read_as_an_option_is_named(w2v, tmp_path):
    (tmp_path / "-dash.txt").write_text("a b c\n" * 50)
    done = w2v("train", "-dash.txt", "-o", "v.bin")
    assert (
        done.returncode,
        "-dash.txt: is read as an option; for the file of this name write ./-dash.txt" in done.err,
    ) == (2, True)
    assert w2v("vocab", "./-dash.txt").returncode == 0


@pytest.mark.parametrize("command", [("train", "the cat sat", "-o", "v.bin"), ("vocab", "the cat sat")])
def test_a_text_that_is_not_there_is_a_missing_file_on_the_command_line(w2v, command):
    done = w2v(*command)
    assert (done.returncode, done.err) == (1, "w2v: error: the cat sat: No such file or directory\n")


def test_a_path_that_is_too_long_is_said_in_few_words(w2v, tmp_path):
    (tmp_path / "t").write_text("a b c\n" * 50)
    long = "a/" * 2500 + "v.bin"
    for command, why in (
        (("train", "t", "-o", long), "a path of .* bytes is too long"),
        (("similar", long, "king"), "File name too long"),
    ):
        done = w2v(*command)
        assert done.returncode == 1
        assert re.fullmatch(rf"w2v: error: (a/)+\.\.\.(a/|/)*v.bin: {why}\n", done.err), done.err
        assert len(done.err) < 400


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--loss", "hs", "--negative", "7"), "--negative has no effect: it is for --loss ns"),
        (("--node-sample", "0.1"), "--node-sample has no effect: it is for --loss hs"),
        (("--cbow-gradient", "exact"), "--cbow-gradient has no effect: it is for --model cbow"),
        (("--buckets", "9"), "--buckets has no effect: it is for --subwords"),
        (("--phrase-threshold", "9"), "--phrase-threshold has no effect: it is for --phrases"),
        (("--loss", "hs", "--node-sample", "0.1"), ""),
    ],
)
def test_an_option_that_changes_nothing_is_a_warning(w2v, tmp_path, options, said):
    (tmp_path / "t").write_text("a b c\n" * 50)
    done = w2v("train", "t", "-o", "v.bin", "-q", "--sample", "0", *options)
    assert (done.returncode, done.err) == (0, f"w2v: warning: {said}\n" if said else "")


@pytest.mark.parametrize("command", [("similar", "king"), ("analogy", "man", "king", "woman")])
def test_topn_is_understood_where_words_are_asked_for(w2v, vectors, command):
    name, *words = command
    assert w2v(name, vectors, *words, "--topn", "3").out == w2v(name, vectors, *words, "-k", "3").out != ""


def test_answers_to_analogies_can_be_kept_among_frequent_words(w2v, vectors):
    every = w2v("analogy", vectors, "man", "king", "woman", "-k", "50").out.splitlines()
    few = w2v("analogy", vectors, "man", "king", "woman", "-k", "50", "--restrict-vocab", "10").out.splitlines()
    assert len(few) == 10 < len(every)
    assert {line.split("\t")[2] for line in few} < {line.split("\t")[2] for line in every}


def test_a_query_that_begins_with_a_dash_is_asked_behind_two(w2v, vectors):
    done = w2v("similar", vectors, "--", "-size")
    assert (done.returncode, done.err) == (1, 'w2v: error: "-size" is not in the vocabulary\n')


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("train", "t", "-o", ""), "-o/--output"),
        (("train", "t", "-o", "v.bin", "--report", ""), "--report"),
        (("train", "t", "-o", "v.bin", "--log", ""), "--log"),
        (("train", "t", "-o", "v.bin", "--save-vocab", ""), "--save-vocab"),
        (("train", "t", "-o", "v.bin", "--checkpoint", ""), "--checkpoint"),
        (("train", "t", "-o", "v.bin", "--eval", ""), "--eval"),
        (("train", "", "-o", "v.bin"), "CORPUS"),
        (("word2vec", "-train", "t", "-output", ""), "-output"),
        (("encode", "t", "-o", ""), "-o/--output"),
        (("vocab", "t", "-o", ""), "-o/--output"),
        (("phrases", "t", "-o", ""), "-o/--output"),
        (("sweep", "t", "-o", ""), "-o/--output"),
        (("sweep", "t", "--results", ""), "--results"),
        (("convert", "v.bin", ""), "OUT"),
        (("convert", "v.bin", "w.bin", "--words", ""), "--words"),
        (("plot", "v.bin", "-o", "a.png", "--groups", ""), "--groups"),
        (("show", "v.bin", "king", "-o", ""), "-o/--output"),
        (("curve", "log", "-o", ""), "-o/--output"),
        (("explore", "v.bin", "-o", ""), "-o/--output"),
        (("similar", ""), "VECTORS"),
        (("predict", "", "a"), "MODEL"),
        (("sessions", "", "--session", "1", "--item", "2"), "TABLE"),
        (("train", "t", "-o", "v.bin", "--resume", ""), "--resume"),
        (("train", "t", "-o", "v.bin", "--resume="), "--resume"),
        (("train", "t", "-o", "v.bin", "--continue", ""), "--continue"),
        (("phrases", "t", "--connectors", ""), "--connectors"),
        (("encode", "t", "-o", "v.ids", "--tmp-dir", ""), "--tmp-dir"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_an_empty_name_is_a_usage_error_before_any_work(w2v, tmp_path, command, name):
    """As of a variable of the shell that is not set."""
    done = w2v(*command)
    assert done.returncode == 2, done.err
    kind = "folder" if name == "--tmp-dir" or command[:3] == ("sweep", "t", "-o") else "file"
    assert done.err.startswith(f"w2v: error: {name}: the name is empty; give a {kind}")
    assert done.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
