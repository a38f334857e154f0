"""Encoded corpora in files: what is saved comes back, what is damaged is refused, what is pruned is as if read so."""

from __future__ import annotations

import hashlib
import json
import os
import random
import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import w2v
from w2v.corpus import ids_file
from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import EncodedCorpus
from w2v.corpus.ids_file import is_encoded
from w2v.corpus.reader import read_corpus
from w2v.errors import CorpusError, SettingsError
from w2v.safetensors import Entry, read_header


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Words of falling frequency; some lines are empty, one is longer than two sentences."""
    draw = random.Random(3)
    words = [f"w{i}é" for i in range(60)]
    lines = [
        " ".join(draw.choices(words, [1 / (i + 1) ** 1.5 for i in range(60)], k=draw.randrange(0, 30)))
        for _ in range(400)
    ]
    lines.insert(200, " ".join(draw.choices(words, k=23_456)))
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def saved(text, tmp_path_factory):
    path = tmp_path_factory.mktemp("ids") / "corpus.ids"
    read_corpus(text, CorpusConfig(min_count=2)).save(path)
    return path


def assert_equal(a: EncodedCorpus, b: EncodedCorpus) -> None:
    assert a.vocab == b.vocab
    assert np.array_equal(a.ids, b.ids)
    assert a.token_counts == b.token_counts
    assert a.settings == b.settings
    assert a.digest() == b.digest()


@pytest.mark.parametrize("memory_limit", [None, 1000])
def test_saved_corpus_comes_back_whole(text, saved, tmp_path, memory_limit):
    corpus = read_corpus(text, CorpusConfig(min_count=2))
    loaded = EncodedCorpus.load(saved, tmp_dir=tmp_path, memory_limit=memory_limit)
    assert_equal(corpus, loaded)
    assert loaded.spooled == (memory_limit is not None)
    assert not loaded.ids.flags.writeable
    assert is_encoded(saved)
    assert not is_encoded(text)
    assert list(tmp_path.iterdir()) == []


def test_the_digest_is_of_words_counts_and_ids_and_not_of_how_they_were_read(text, saved, monkeypatch):
    monkeypatch.setattr("w2v.corpus.ids_file.BLOCK_IDS", 1000)
    for threads in (1, 3):
        assert read_corpus(text, CorpusConfig(min_count=2), threads=threads).digest() == reference_digest(saved, 1000)


def reference_digest(saved, block_ids):
    data = saved.read_bytes()
    with saved.open("rb") as file:
        entries = read_header(str(saved), file.read, len(data)).tensors
    raw = {name: data[entry.begin : entry.begin + entry.size] for name, entry in entries.items()}
    ends = np.cumsum(np.frombuffer(raw["word_lengths"], "<i4")).tolist()
    words = b"\n".join(raw["words"][start:end] for start, end in zip([0, *ends], ends, strict=False))
    whole = hashlib.blake2b(b"w2v corpus 2\n%d\n" % len(ends) + words + raw["counts"], digest_size=32)
    for start in range(0, len(raw["ids"]), 4 * block_ids):
        whole.update(hashlib.blake2b(raw["ids"][start : start + 4 * block_ids], digest_size=32).digest())
    return whole.hexdigest()


def test_other_programs_read_the_file(saved):
    safetensors = pytest.importorskip("safetensors.numpy")
    tensors = safetensors.load_file(saved)
    corpus = EncodedCorpus.load(saved)
    assert np.array_equal(tensors["ids"], corpus.ids)
    assert tensors["words"].tobytes() == b"".join(corpus.vocab.words)


@pytest.mark.parametrize("wanted", [{"min_count": 450}, {"max_vocab": 7}, {"min_count": 450, "max_vocab": 3}])
@pytest.mark.parametrize("memory_limit", [None, 100])
def test_pruned_corpus_is_as_if_it_had_been_read_so(text, saved, tmp_path, wanted, memory_limit):
    full = {"min_count": 2, "max_vocab": None, **wanted}
    assert len(EncodedCorpus.load(saved).pruned(**full).vocab) < len(EncodedCorpus.load(saved).vocab)
    less = EncodedCorpus.load(saved).pruned(**full, memory_limit=memory_limit, tmp_dir=tmp_path)
    read = read_corpus(text, CorpusConfig(**full))
    # Which of the two limits a word falls to may differ; what is kept does not.
    less.token_counts.below_min_count += less.token_counts.beyond_max_vocab - read.token_counts.beyond_max_vocab
    less.token_counts.beyond_max_vocab = read.token_counts.beyond_max_vocab
    assert_equal(less, read)
    assert list(tmp_path.iterdir()) == []


def test_pruned_corpus_is_kept_in_the_folder_that_is_named(tmp_path):
    corpus = w2v.encode([["a", "b", "c", "a", "b", "a"]] * 30, min_count=1)
    assert corpus.pruned(60, None, memory_limit=0, tmp_dir=tmp_path).ids.tolist() == [0, 1, 0, 1, 0, -1] * 30
    with pytest.raises(SettingsError, match=r"tmp_dir: .*gone is not a folder"):
        corpus.pruned(60, None, memory_limit=0, tmp_dir=tmp_path / "gone")


def test_sentences_cut_at_encoding_are_whole_again_when_words_are_left_out(text, saved):
    assert EncodedCorpus.load(saved).token_counts.cut_sentences == 1
    less = EncodedCorpus.load(saved).pruned(450)
    assert less.token_counts.cut_sentences == read_corpus(text, CorpusConfig(min_count=450)).token_counts.cut_sentences


def test_pruning_to_less_than_two_words_is_an_error_with_the_counts(saved):
    with pytest.raises(CorpusError, match=r"corpus.ids: no word occurs 1000000 times .*try a smaller min_count"):
        EncodedCorpus.load(saved).pruned(1_000_000)


def test_given_vocabulary_stays_the_corpus_own(text, tmp_path):
    vocab = w2v.Vocab.sorted(["w1é".encode(), "w3é".encode(), "w9é".encode()], np.array([7, 9, 3]))
    corpus = read_corpus(text, CorpusConfig(min_count=1), vocab=vocab)
    corpus.save(tmp_path / "c.ids")
    loaded = EncodedCorpus.load(tmp_path / "c.ids")
    assert_equal(corpus, loaded)
    less = loaded.pruned(5)
    assert_equal(less, read_corpus(text, CorpusConfig(min_count=5), vocab=vocab))


def test_training_on_the_file_gives_the_bytes_of_training_on_the_text(text, saved):
    fixed = {"dim": 8, "threads": 1, "epochs": 1}
    for more in ({}, {"min_count": 40}):
        from_text = w2v.train(text, **{"min_count": 2, **more}, **fixed)
        assert np.array_equal(w2v.train(saved, **more, **fixed).matrix, from_text.matrix)
        assert np.array_equal(w2v.train(EncodedCorpus.load(saved), **more, **fixed).matrix, from_text.matrix)
    assert list(w2v.train([saved], **fixed).words) == [w.decode() for w in EncodedCorpus.load(saved).vocab.words]


def test_library_encodes_what_it_trains_on():
    sentences = [["a", "b"], ["a", "c", "b"]] * 50
    corpus = w2v.encode(sentences, min_count=1)
    assert corpus.vocab.words == [b"a", b"b", b"c"]
    settings = {"dim": 4, "threads": 1, "epochs": 1, "sample": 0}
    vectors = w2v.train(corpus, **settings)
    assert np.array_equal(vectors.matrix, w2v.train(sentences, min_count=1, **settings).matrix)
    assert len(corpus.ids)  # the caller's corpus stays open
    with pytest.raises(SettingsError, match="encode: there is no setting 'min_cuont'; did you mean min_count"):
        w2v.encode(sentences, min_cuont=1)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"lower": True}, "encoded without lower; training with lower=True needs the text"),
        ({"whitespace": "ascii"}, "with whitespace='unicode'; training with whitespace='ascii'"),
        ({"min_count": 1}, "with min_count=2; training with min_count=1"),
    ],
)
def test_settings_that_contradict_those_of_encoding_are_refused(saved, wanted, message):
    with pytest.raises(SettingsError, match=message):
        w2v.train(saved, **wanted, dim=2, epochs=1)
    assert len(w2v.train(saved, whitespace="unicode", lower=False, dim=2, epochs=1)) > 2


def test_encoded_corpus_beside_other_files_is_refused(saved, text):
    for corpus in ([text, saved], [saved, saved]):
        with pytest.raises(CorpusError, match=r"corpus\.ids: an encoded corpus is trained on alone"):
            w2v.train(corpus)
    with pytest.raises(CorpusError, match="this is an encoded corpus, not text; it is trained on alone"):
        read_corpus([saved], CorpusConfig())


# Damaged files. Each change keeps the file one of safetensors.


def rewritten(path, change, target) -> None:
    """The file again, after `change(about, arrays)`."""
    from w2v.corpus.ids_file import SHAPES
    from w2v.safetensors import make_header, read_header

    data = path.read_bytes()
    with path.open("rb") as file:
        header = read_header(str(path), file.read, len(data))
    codes = {"I64": "<i8", "I32": "<i4", "U8": "u1"}
    arrays = {
        name: np.frombuffer(data, codes[e.dtype], e.shape[0], e.begin).copy() for name, e in header.tensors.items()
    }
    about = json.loads(header.metadata["corpus"])
    about = change(about, arrays) or about
    tensors = {name: (SHAPES[name][0], arrays[name].shape) for name in arrays}
    text = json.dumps(about)
    metadata = {"format": header.metadata["format"], "corpus": text, "checksum": f"{zlib.crc32(text.encode()):08x}"}
    target.write_bytes(make_header(tensors, metadata) + b"".join(a.tobytes() for a in arrays.values()))


def put(name, place, value):
    def change(_about, arrays):
        arrays[name][place] = value

    return change


def drop_last(name):
    def change(_about, arrays):
        arrays[name] = arrays[name][:-1]

    return change


DAMAGE = {
    "id beyond the vocabulary": (put("ids", 5, 2**31 - 1), r"byte \d+: the id 2147483647 is out of place"),
    "id one beyond": (put("ids", -2, 60), r"byte \d+: the id 60 is out of place"),
    "negative id": (put("ids", 5, -2), "the id -2 is out of place"),
    "empty sentence": (put("ids", 0, -1), "the id -1 is out of place"),
    "no end": (drop_last("ids"), "the last sentence has no end"),
    "endless sentence": (put("ids", slice(0, 12_000), 1), "the id -1 is out of place"),
    "other ids than the token counts say": (
        lambda about, _: about["token_counts"].update(kept=1, read=1, below_min_count=0),
        "the header says 1 in",
    ),
    "counts that do not add up": (lambda about, _: about["token_counts"].update(read=1), "the token counts are wrong"),
    "counts of text": (lambda about, _: about["token_counts"].update(files="x"), "the token counts are wrong"),
    "unknown counts": (lambda about, _: about["token_counts"].update(other=1), "the token counts are wrong"),
    "no counts": (lambda about, _: about.pop("token_counts") and None, "description cannot be read"),
    "settings of text": (lambda about, _: about["settings"].update(min_count="5"), "the settings are wrong"),
    "no JSON": (lambda about, _: "\ud800", "description cannot be read"),
    "zero count": (put("counts", -1, 0), "a count cannot be"),
    "counts that run over": (put("counts", slice(None), 2**62), "a count cannot be"),
    "fewer counts": (drop_last("counts"), "59 counts for 60 words"),
    "length 0": (put("word_lengths", 0, 0), "lengths cannot be"),
    "huge length": (put("word_lengths", 0, 2**31 - 1), "lengths cannot be"),
    "lengths that do not add up": (drop_last("words"), "lengths cannot be"),
    "white space in a word": (put("words", 0, 32), "white space"),
    "twice the same word": (put("words", slice(0, 10), np.frombuffer(b"w0\xc3\xa9w0\xc3\xa9w2", "u1")), "twice|order"),
    "words out of order": (put("counts", 0, 1), "out of order"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damaged_file_is_refused_with_the_reason(saved, tmp_path, name):
    change, message = DAMAGE[name]
    target = tmp_path / "bad.ids"
    rewritten(saved, change, target)
    with pytest.raises(CorpusError, match=message) as found:
        EncodedCorpus.load(target)
    assert str(found.value).startswith(str(target))
    assert "\n" not in str(found.value)


def test_unharmed_copy_of_the_rewriter_loads(saved, tmp_path):
    """So that the refusals above are due to the damage."""
    rewritten(saved, lambda about, arrays: None, tmp_path / "good.ids")
    assert_equal(EncodedCorpus.load(tmp_path / "good.ids"), EncodedCorpus.load(saved))


def test_ids_that_are_possible_but_not_those_that_were_written_are_refused(saved, tmp_path):
    def swap(_about, arrays):
        words = np.flatnonzero(arrays["ids"] >= 0)
        first = arrays["ids"][words[0]]
        other = words[arrays["ids"][words] != first][0]
        arrays["ids"][[words[0], other]] = arrays["ids"][[other, words[0]]]

    rewritten(saved, swap, tmp_path / "bad.ids")
    with pytest.raises(CorpusError, match=r"bad\.ids: the words, counts or ids are not those that its digest"):
        EncodedCorpus.load(tmp_path / "bad.ids")


def test_no_flipped_bit_is_trained_on(saved, tmp_path):
    data, target = saved.read_bytes(), tmp_path / "flipped.ids"
    with saved.open("rb") as file:
        header = read_header(str(saved), file.read, len(data)).size
    draw = random.Random(5)
    bits = [*range(80), *draw.sample(range(8 * header), 250), *draw.sample(range(8 * header, 8 * len(data)), 100)]
    for bit in bits:
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        target.write_bytes(flipped)
        with pytest.raises(CorpusError):
            EncodedCorpus.load(target)
        if bit < 80:  # nor taken for a text
            with pytest.raises(CorpusError):
                w2v.encode(target)


@pytest.mark.parametrize("harm", ["cut short", "overwritten"])
@pytest.mark.parametrize("memory_limit", [None, 1000])
def test_what_happens_to_the_file_later_changes_no_training(saved, tmp_path, harm, memory_limit):
    target = tmp_path / "changed.ids"
    target.write_bytes(saved.read_bytes())
    corpus = EncodedCorpus.load(target, memory_limit=memory_limit)
    with target.open("r+b") as file:
        if harm == "cut short":
            file.truncate(100)
        else:
            file.write(b"\x7f" * len(saved.read_bytes()))
    settings = {"dim": 8, "threads": 1, "epochs": 1}
    assert np.array_equal(w2v.train(corpus, **settings).matrix, w2v.train(saved, **settings).matrix)
    assert_equal(corpus, EncodedCorpus.load(saved))


def test_a_file_that_is_cut_short_while_it_is_read_is_an_error(saved, tmp_path, monkeypatch):
    target = tmp_path / "short.ids"
    target.write_bytes(saved.read_bytes())
    pread = os.preadv

    def cut(fd, buffers, place):
        if target.stat().st_size > place + 5000:
            os.truncate(target, place + 5000)
        return pread(fd, buffers, place)

    monkeypatch.setattr(os, "preadv", cut)
    with pytest.raises(CorpusError, match=r"short.ids: byte \d+: the file ends while it is read"):
        EncodedCorpus.load(target)


def test_settings_of_a_newer_version_are_refused(saved, tmp_path):
    rewritten(saved, lambda about, _: about["settings"].update(new_option=1), tmp_path / "new.ids")
    with pytest.raises(CorpusError, match="settings are not those of this version"):
        w2v.train(tmp_path / "new.ids")


def test_file_cut_short_anywhere_is_refused(saved, tmp_path):
    data, target = saved.read_bytes(), tmp_path / "short.ids"
    for size in [*range(0, 1200, 97), len(data) // 2, len(data) - 1]:
        target.write_bytes(data[:size])
        with pytest.raises(CorpusError, match=r"short\.ids: byte"):
            EncodedCorpus.load(target)
    target.write_bytes(data + b"\0")
    with pytest.raises(CorpusError, match="continues after its last tensor"):
        EncodedCorpus.load(target)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_byte_changed_is_an_error(saved, tmp_path_factory, data):
    content = bytearray(saved.read_bytes())
    place = data.draw(st.one_of(st.integers(0, 1500), st.integers(0, len(content) - 1)))
    content[place] = (content[place] + data.draw(st.integers(1, 255))) % 256
    target = tmp_path_factory.mktemp("any") / "any.ids"
    target.write_bytes(content)
    with pytest.raises(CorpusError):
        EncodedCorpus.load(target)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        Entry("I32", (2,), 0, 16),
        Entry("I64", (2, 1), 0, 16),
        Entry("I64", (), 0, 8),
        Entry("I64", (0,), 0, 0),
    ],
    ids=str,
)
def test_a_tensor_that_is_not_as_it_should_be_is_refused_by_name(entry):
    header = SimpleNamespace(tensors={} if entry is None else {"counts": entry})
    with pytest.raises(CorpusError) as caught:
        ids_file._entry("c.ids", header, "counts")
    assert str(caught.value) == ("c.ids: the header: there is no tensor 'counts' as it should be; the file is damaged")
    good = Entry("I64", (2,), 0, 16)
    assert ids_file._entry("c.ids", SimpleNamespace(tensors={"counts": good}), "counts") is good


@pytest.mark.parametrize(
    ("counts", "words", "what"),
    [
        ([3, 2, 2], b"a b c", ""),
        ([3, 2], b"a b c", "2 counts for 3 words"),
        ([3], b"a", "it has fewer than two words"),
        ([3, 2], b"a " + b"b" * 1024, ""),
        ([3, 2], b"a " + b"b" * 1025, "the words' lengths cannot be"),
        ([3, 2], b"a ", "the words' lengths cannot be"),
        ([3, 2], b"a b\tc", "a word holds white space or NUL"),
        ([3, 2], b"a b\0", "a word holds white space or NUL"),
        ([3, 1], b"a b", ""),
        ([3, 0], b"a b", "a count cannot be"),
        ([1 << 62, 1 << 62], b"a b", "a count cannot be"),
        ([3, 2], b"a a", "a word occurs twice"),
        ([2, 3], b"a b", "the words are out of order"),
        ([2, 2], b"b a", "the words are out of order"),
    ],
    ids=str,
)
def test_a_vocabulary_is_checked_word_by_word(counts, words, what):
    spelled = words.split(b" ")
    arrays = {
        "counts": np.array(counts, np.int64),
        "word_lengths": np.array(list(map(len, spelled)), np.int32),
        "words": np.frombuffer(b"".join(spelled), np.uint8),
    }
    if not what:
        found = ids_file._vocab("c.ids", arrays)
        assert (list(found.words), found.counts.tolist()) == (spelled, counts)
        return
    with pytest.raises(CorpusError) as caught:
        ids_file._vocab("c.ids", arrays)
    assert str(caught.value) == f"c.ids: the vocabulary: {what}; the file is damaged"


def test_words_longer_together_than_their_bytes_are_refused():
    arrays = {"counts": np.array([3, 2]), "word_lengths": np.array([1, 2], np.int32), "words": np.zeros(2, np.uint8)}
    with pytest.raises(CorpusError, match="the words' lengths cannot be"):
        ids_file._vocab("c.ids", arrays)
