from __future__ import annotations

import gzip
import os
import re

import pytest

FAST = ("--dim", "8", "--epochs", "1", "--threads", "1")


def number(text: str, what: str) -> int:
    """The number in front of the summary line that holds `what`; 0 when there is none."""
    found = re.search(rf"^w2v: +([\d,]+)  [^\n]*{re.escape(what)}", text, re.MULTILINE)
    return int(found[1].replace(",", "")) if found else 0


def test_train_writes_a_word2vec_file_and_nothing_on_stdout(w2v, corpus, tmp_path):
    done = w2v("train", corpus, "-o", "v.bin", *FAST)
    assert done.returncode == 0, done.err
    assert done.out == ""
    assert re.match(rb"\d+ 8\n", (tmp_path / "v.bin").read_bytes())
    assert os.listdir(tmp_path) == ["v.bin"]


def test_summary_adds_up_and_says_where_the_vectors_are(w2v, corpus):
    done = w2v("train", corpus, "-o", "v.bin", *FAST, "--epochs", "2", "--min-count", "1500", "--sample", "1e-2")
    assert done.returncode == 0, done.err
    read, kept = number(done.err, "tokens read"), number(done.err, "tokens kept")
    assert read == 48_000
    assert read == kept + number(done.err, "rarer than --min-count")
    assert number(done.err, "epochs") == 2 * kept
    assert 2 * kept == number(done.err, "tokens trained") + number(done.err, "subsampling") + number(
        done.err, "alone in their sentence"
    )
    assert done.err.splitlines()[-1].startswith("w2v: v.bin: ")
    assert re.search(r"words/s on 1 thread, kernel (baseline|avx2|avx512), loss \d\.\d+", done.err)


def test_a_training_that_has_learned_nothing_is_told(w2v, corpus, tmp_path):
    said = "nearly the loss of vectors that have learned nothing (0.6931): train longer (--epochs)"
    (tmp_path / "little").write_text("the king rules\n" * 9)
    assert said in w2v("train", "little", "-o", "v.bin", *FAST, "--sample", "0").err
    assert said not in w2v("train", corpus, "-o", "v.bin", *FAST).err


def test_quiet_says_nothing(w2v, corpus):
    for option in ("-q", "--quiet"):
        done = w2v("train", corpus, "-o", "v.bin", *FAST, option)
        assert (done.returncode, done.out, done.err) == (0, "", "")


def test_pipe_file_and_gzip_give_the_same_bytes(w2v, corpus, tmp_path):
    text = corpus.read_bytes()
    (tmp_path / "corpus.gz").write_bytes(gzip.compress(text))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_bytes(text)
    assert w2v("train", corpus, "-o", "file.bin", *FAST).returncode == 0
    assert w2v("train", "-", "-o", "pipe.bin", *FAST, input=text).returncode == 0
    assert w2v("train", "corpus.gz", "-o", "gz.bin", *FAST).returncode == 0
    assert w2v("train", "folder", "-o", "folder.bin", *FAST).returncode == 0
    files = [(tmp_path / f"{name}.bin").read_bytes() for name in ("file", "pipe", "gz", "folder")]
    assert files.count(files[0]) == 4


def test_standard_output_gets_the_same_bytes_as_a_file(w2v, corpus, tmp_path):
    assert w2v("train", corpus, "-o", "v.bin", *FAST).returncode == 0
    done = w2v("train", corpus, "-o", "-", *FAST)
    assert done.returncode == 0
    assert done.stdout == (tmp_path / "v.bin").read_bytes()
    assert "standard output: " in done.err


@pytest.mark.parametrize("name", ["v.txt", "v.vec", "v.txt.gz", "v.bin.gz"])
def test_suffix_chooses_the_format(w2v, corpus, tmp_path, name):
    assert w2v("train", corpus, "-o", name, *FAST).returncode == 0
    data = (tmp_path / name).read_bytes()
    data = gzip.decompress(data) if name.endswith(".gz") else data
    header, rest = data.split(b"\n", 1)
    words, dim = map(int, header.split())
    assert dim == 8
    if "bin" not in name:
        assert len(rest.splitlines()) == words
    assert w2v("similar", name, "king", "-k", "1").out.startswith("king\t1\t")


def test_format_option_writes_text_to_standard_output(w2v, corpus):
    done = w2v("train", corpus, "-o", "-", "--format", "text", *FAST, "-q")
    assert done.out.splitlines()[0].split()[1] == "8"
    assert all(len(line.split(" ")) == 9 for line in done.out.splitlines()[1:])


def test_saved_vocabulary_is_sorted_and_can_be_read_back(w2v, corpus, tmp_path):
    assert w2v("train", corpus, "-o", "a.bin", *FAST, "--save-vocab", "vocab.tsv").returncode == 0
    rows = [line.split("\t") for line in (tmp_path / "vocab.tsv").read_text(encoding="utf-8").splitlines()]
    assert rows == sorted(rows, key=lambda row: (-int(row[1]), row[0].encode()))
    assert ["the", "4000"] in rows
    assert w2v("train", corpus, "-o", "b.bin", *FAST, "--read-vocab", "vocab.tsv").returncode == 0
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()


def test_context_vectors_have_the_same_words_and_other_values(w2v, corpus, tmp_path):
    assert w2v("train", corpus, "-o", "v.txt", *FAST, "--save-context", "c.txt").returncode == 0
    main, context = ((tmp_path / name).read_text(encoding="utf-8").splitlines() for name in ("v.txt", "c.txt"))
    assert [line.split(" ")[0] for line in main] == [line.split(" ")[0] for line in context]
    assert main != context


def test_context_vectors_of_hierarchical_softmax_are_refused_at_once(w2v):
    done = w2v("train", "missing.txt", "-o", "v.bin", "--loss", "hs", "--save-context", "c.bin")
    assert done.returncode == 2
    assert "--save-context" in done.err


def test_one_thread_and_a_seed_give_the_same_bytes_and_another_seed_others(w2v, corpus, tmp_path):
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert w2v("train", corpus, "-o", f"{name}.bin", *FAST, "--seed", seed).returncode == 0
    a, b, c = ((tmp_path / f"{name}.bin").read_bytes() for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("output", "what"),
    [("sub", "is a directory"), ("no/v.bin", "does not exist"), ("corpus.txt/v.bin", "is no folder")],
)
def test_a_bad_output_is_found_before_the_corpus_is_read(w2v, tmp_path, output, what):
    (tmp_path / "sub").mkdir()
    (tmp_path / "corpus.txt").write_text("never read\n")
    done = w2v("train", "missing.txt", "-o", output, "--format", "bin")
    assert done.returncode == 1
    assert what in done.err
    assert "missing" not in done.err


def test_an_unknown_suffix_is_a_usage_error(w2v, corpus):
    done = w2v("train", corpus, "-o", "vectors.dat")
    assert done.returncode == 2
    assert "--format" in done.err


def test_no_clobber_keeps_what_is_there(w2v, corpus, tmp_path):
    (tmp_path / "v.bin").write_bytes(b"keep")
    done = w2v("train", corpus, "-o", "v.bin", *FAST, "--no-clobber")
    assert done.returncode == 1
    assert (tmp_path / "v.bin").read_bytes() == b"keep"
    assert w2v("train", corpus, "-o", "v.bin", *FAST).returncode == 0
    assert (tmp_path / "v.bin").read_bytes() != b"keep"


@pytest.mark.parametrize(
    ("text", "hint"),
    [(b"", ""), (b"\n\n \n", ""), (b"a b c\n", "--min-count 1"), (b"a a a a a a\n", "")],
    ids=["empty", "white", "rare", "one-word"],
)
def test_a_corpus_with_nothing_to_train_on_is_an_error(w2v, tmp_path, text, hint):
    (tmp_path / "corpus.txt").write_bytes(text)
    done = w2v("train", "corpus.txt", "-o", "v.bin")
    assert done.returncode == 1
    assert re.fullmatch(r"w2v: error: [^\n]+\n", done.err), done.err
    assert hint in done.err
    assert os.listdir(tmp_path) == ["corpus.txt"]


def test_a_truncated_gzip_is_an_error_with_its_name(w2v, corpus, tmp_path):
    (tmp_path / "corpus.gz").write_bytes(gzip.compress(corpus.read_bytes())[:-1000])
    done = w2v("train", "corpus.gz", "-o", "v.bin")
    assert done.returncode == 1
    assert re.fullmatch(r"w2v: error: corpus\.gz[^\n]*\n", done.err), done.err
    assert "Aborted" not in done.err
    assert "internal" not in done.err
    assert os.listdir(tmp_path) == ["corpus.gz"]


def test_a_full_disk_fails_and_says_so(w2v, corpus):
    done = w2v("train", corpus, "-o", "/dev/full", "--format", "bin", *FAST)
    assert done.returncode == 1
    assert done.err.splitlines()[-1] == "w2v: error: /dev/full: No space left on device"


def test_a_full_standard_output_fails_and_says_so(w2v, corpus):
    with open("/dev/full", "wb") as full:
        done = w2v("train", corpus, "-o", "-", *FAST, stdout=full)
    assert done.returncode == 1
    assert done.err.splitlines()[-1] == "w2v: error: standard output: No space left on device"


def test_a_missing_corpus_is_said_at_once(w2v, corpus, tmp_path):
    done = w2v("train", corpus, "no.txt", "-o", "v.bin")
    assert done.returncode == 1
    assert done.err == "w2v: error: no.txt: No such file or directory\n"
    assert os.listdir(tmp_path) == []
