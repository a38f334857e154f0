"""fastText's binary models: written and read to the bit, and what is wrong with one is an error with its place."""

from __future__ import annotations

import gzip
import os
import struct

import numpy as np
import pytest

import w2v
from w2v.errors import UnknownWordError, VectorsError
from w2v.output import OutputSet
from w2v.vectors._ngrams import FloatRows
from w2v.vectors.formats.fasttext import recognise
from w2v.vectors.subwords import Subwords

from .test_ngrams import reference_hash, reference_ngrams

WORDS = ["the", "kings", "король", "東京", "é", "</s>"]
UNSEEN = ["kingly", "короля", "京都", "été", "q", "😀"]
DIM, BUCKETS = 3, 40


def model_bytes(words=WORDS, minn=2, maxn=4, buckets=BUCKETS, model=2, loss=2, labels=(), old=False, **change) -> bytes:
    """A model as fastText 0.9.3 writes it, line by line of src/args.cc, dictionary.cc and densematrix.cc."""
    rows = np.random.default_rng(1).normal(size=(len(words) + buckets, DIM)).astype("<f4")
    outputs = np.random.default_rng(2).normal(size=(len(labels) or len(words), DIM)).astype("<f4")
    start = b"" if old else struct.pack("<2i", 793712314, 12)
    args = struct.pack("<12id", DIM, 5, 5, 1, 5, 1, loss, model, buckets, minn, maxn, 100, 1e-4)
    entries = [(word.encode(), 10 - i, 0) for i, word in enumerate(words)]
    entries += [(label.encode(), 3, 1) for label in labels]
    dictionary = struct.pack("<3iq", len(entries), len(words), len(labels), 100)
    dictionary += b"" if old else struct.pack("<q", -1)  # no pruned buckets
    dictionary += b"".join(word + b"\0" + struct.pack("<qb", count, kind) for word, count, kind in entries)
    matrices = [
        (b"" if old else b"\0") + struct.pack("<2q", *matrix.shape) + matrix.tobytes() for matrix in (rows, outputs)
    ]
    return start + args + dictionary + b"".join(matrices)


def reference_vector(word: str, minn=2, maxn=4, words=WORDS, buckets=BUCKETS) -> np.ndarray | None:
    rows = np.random.default_rng(1).normal(size=(len(words) + buckets, DIM)).astype("<f4")
    parts = [words.index(word)] if word in words else []
    parts += [len(words) + reference_hash(n) % buckets for n in reference_ngrams(word.encode(), minn, maxn)]
    return rows[parts].mean(axis=0) if parts else None


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(model_bytes())
    return path


def test_vectors_of_known_and_unseen_words_are_fasttexts(model):
    vectors = w2v.load(model)
    assert list(vectors) == WORDS
    assert [word in vectors for word in UNSEEN] == [False] * len(UNSEEN)
    for word in WORDS + UNSEEN:
        np.testing.assert_allclose(vectors[word], reference_vector(word), atol=1e-6)
    np.testing.assert_array_equal(vectors[["kingly", "the"]], [vectors["kingly"], vectors["the"]])


def test_a_few_words_are_read_without_the_others(model):
    from w2v.vectors.query import VectorFile

    made: list[bytes] = []
    with VectorFile(model, on_made=made.append) as asker:
        found, unknown = asker.pick([*WORDS, *UNSEEN])
        assert asker._model is not None  # the file was not loaded
    assert unknown == {}
    assert made == [word.encode() for word in UNSEEN]
    whole = w2v.load(model)
    for word in WORDS + UNSEEN:
        assert found[word].tobytes() == whole[word].tobytes()


def test_questions_about_unseen_words_are_answered(model):
    vectors = w2v.load(model)
    nearest = vectors.most_similar("kingly", topn=len(WORDS))
    cosines = {word: vectors.similarity("kingly", word) for word in WORDS}
    assert [word for word, _ in nearest] == sorted(WORDS, key=lambda word: -cosines[word])
    assert dict(nearest) == pytest.approx(cosines, abs=1e-6)
    unit = {word: vectors[word] / np.linalg.norm(vectors[word]) for word in (*WORDS, *UNSEEN)}
    assert vectors.similarity("kingly", "короля") == pytest.approx(float(unit["kingly"] @ unit["короля"]), abs=1e-6)
    assert vectors.rank("kingly", "kings") == 1 + [word for word, _ in nearest].index("kings")
    expected = 1 + sum(cosine > vectors.similarity("kingly", "короля") for cosine in cosines.values())
    assert vectors.rank("kingly", "короля") == expected
    assert vectors.rank("kings", "kingly") >= 1
    mean = sum(unit[word] for word in ("kingly", "kings", "東京"))
    assert vectors.odd_one_out(["kingly", "kings", "東京"]) == min(
        ("kingly", "kings", "東京"), key=lambda word: float(unit[word] @ mean)
    )
    product = vectors.analogy("the", "kings", "kingly", method="mul")
    assert {word for word, _ in product} == set(WORDS) - {"the", "kings"}


def test_a_model_that_is_cut_short_while_it_is_asked_is_an_error_that_names_it(model):
    vectors = w2v.load(model)
    os.truncate(model, 0)
    with pytest.raises(OSError, match="cut short or could not be read while it was in use") as caught:
        vectors["unseen"]
    assert caught.value.filename == str(model)


def test_a_word_without_ngrams_is_unknown(tmp_path):
    path = tmp_path / "m.bin"
    path.write_bytes(model_bytes(minn=4, maxn=5))
    vectors = w2v.load(path)
    with pytest.raises(UnknownWordError, match="q"):
        vectors["q"]  # `<q>` has three characters
    np.testing.assert_allclose(vectors["é"], reference_vector("é", 4, 5), atol=1e-6)


def test_made_words_are_told_of_once_each(model):
    vectors, made = w2v.load(model), []
    vectors.on_made(made.append)
    for _ in range(2):
        vectors.similarity("kingly", "the")
    assert made == [b"kingly"]


def test_what_is_read_is_written_back_byte_for_byte(model, tmp_path):
    vectors = w2v.load(model, context=True)
    vectors.save(tmp_path / "again.ftbin")
    again, right = (tmp_path / "again.ftbin").read_bytes(), bytearray(model.read_bytes())
    tokens = 8 + 56 + 12
    right[tokens : tokens + 8] = struct.pack("<q", sum(range(10, 4, -1)))  # the counts that there are
    assert again == bytes(right)


def test_without_the_other_matrix_zeros_are_written_for_it(model, tmp_path):
    w2v.load(model).save(tmp_path / "again.ftbin")
    again, right = (tmp_path / "again.ftbin").read_bytes(), model.read_bytes()
    outputs = 4 * DIM * len(WORDS)
    assert len(again) == len(right)
    assert again[-outputs:] == bytes(outputs)
    assert again[100:-outputs] == right[100:-outputs]


@pytest.mark.parametrize("name", ["gz", "pipe"])
def test_streams_are_read_too(model, tmp_path, name):
    packed = tmp_path / "m.gz"
    packed.write_bytes(gzip.compress(model.read_bytes()))
    with open(model, "rb") as file:
        vectors = w2v.load(packed if name == "gz" else file)
    np.testing.assert_allclose(vectors["kingly"], reference_vector("kingly"), atol=1e-6)


@pytest.mark.parametrize("change", [
    {"old": True}, {"loss": 1}, {"loss": 3}, {"model": 1}, {"model": 3, "labels": ("__label__a", "__label__b")},
])  # fmt: skip
def test_models_of_every_kind_are_read(tmp_path, change):
    path = tmp_path / "m.bin"
    path.write_bytes(model_bytes(**change))
    vectors = w2v.load(path, context=True)
    assert list(vectors) == WORDS
    np.testing.assert_allclose(vectors["kingly"], reference_vector("kingly"), atol=1e-6)
    # Nodes of a tree and rows of labels are no context vectors.
    assert (vectors.context is None) == (change.get("loss") == 1 or change.get("model") == 3)


def test_a_model_without_ngrams_makes_no_vectors(tmp_path):
    path = tmp_path / "m.bin"
    path.write_bytes(model_bytes(minn=0, maxn=0, buckets=0))
    vectors = w2v.load(path)
    assert vectors.subwords is None
    with pytest.raises(UnknownWordError):
        vectors["kingly"]


def test_plain_vectors_are_a_model_without_ngrams(tmp_path):
    w2v.Vectors(["a", "b"], [[1, 2], [3, 4]]).save(tmp_path / "m.ftbin")
    vectors = w2v.load(tmp_path / "m.ftbin")
    assert vectors.subwords is None
    assert vectors.matrix.tolist() == [[1, 2], [3, 4]]


def test_safetensors_keeps_the_ngrams(model, tmp_path):
    vectors = w2v.load(model)
    vectors.save(tmp_path / "m.safetensors")
    again = w2v.load(tmp_path / "m.safetensors")
    assert again.metadata["subwords"] == "2-4"
    for word in WORDS + UNSEEN:
        assert again[word].tobytes() == vectors[word].tobytes()


@pytest.mark.parametrize("float16", [False, True])
def test_a_compact_model_has_only_the_buckets_of_its_words(model, tmp_path, float16):
    vectors = w2v.load(model).subset(["kings", "東京"])
    small = vectors.compact()
    used = {reference_hash(n) % BUCKETS for word in ("kings", "東京") for n in reference_ngrams(word.encode(), 2, 4)}
    assert small.subwords.used.tolist() == sorted(used)
    small.save(tmp_path / "m.safetensors", float16=float16)
    again = w2v.load(tmp_path / "m.safetensors")
    np.testing.assert_allclose(again.matrix, vectors.matrix, atol=2e-3 if float16 else 0)
    rows = np.random.default_rng(1).normal(size=(len(WORDS) + BUCKETS, DIM))
    buckets = [reference_hash(n) % BUCKETS for n in reference_ngrams(b"kingly", 2, 4)]
    right = np.mean([rows[len(WORDS) + b] if b in used else np.zeros(DIM) for b in buckets], axis=0)
    np.testing.assert_allclose(again["kingly"], right, atol=2e-3 if float16 else 1e-6)


def test_buckets_that_do_not_rise_are_an_error_that_names_the_file(model, tmp_path):
    small = w2v.load(model).subset(["kings", "東京"]).compact()
    small.save(tmp_path / "m.safetensors")
    data, used = (tmp_path / "m.safetensors").read_bytes(), small.subwords.used.astype("<u4")
    assert data.count(used.tobytes()) == 1
    (tmp_path / "m.safetensors").write_bytes(data.replace(used.tobytes(), used[::-1].tobytes()))
    with pytest.raises(VectorsError, match=r"m\.safetensors: its buckets of n-grams: .*; the file is damaged"):
        w2v.load(tmp_path / "m.safetensors")


@pytest.mark.parametrize("form", ["fasttext", "safetensors"])
@pytest.mark.parametrize("options", [{}, {"float16": True}, {"with_context": True}], ids=str)
@pytest.mark.parametrize("compact", [False, True])
def test_room_is_made_for_as_many_bytes_as_a_model_has(model, tmp_path, monkeypatch, form, options, compact):
    if form == "fasttext" and "float16" in options:
        pytest.skip("float32 alone")
    asked, opened = [], OutputSet.open

    def noted(self, name, *, size=None):
        asked.append(size)
        return opened(self, name, size=size)

    monkeypatch.setattr(OutputSet, "open", noted)
    vectors = w2v.load(model, context=True)
    (vectors.compact() if compact else vectors).save(tmp_path / "m", form, **options)
    assert asked == [(tmp_path / "m").stat().st_size]


def test_a_compact_model_goes_back_to_fasttexts_form(model, tmp_path):
    w2v.load(model).compact().save(tmp_path / "m.safetensors")
    w2v.load(tmp_path / "m.safetensors").save(tmp_path / "m.ftbin")
    again = w2v.load(tmp_path / "m.ftbin")
    for word in WORDS:
        np.testing.assert_allclose(again[word], reference_vector(word), atol=1e-6)


def test_contributions_add_up_to_the_vector(model):
    vectors = w2v.load(model)
    for word in ("kings", "kingly"):
        found = vectors.ngrams(word)
        names = [ngram.decode() for ngram in reference_ngrams(word.encode(), 2, 4)]
        assert sorted(ngram for ngram, _, _ in found) == sorted(names + ([word] if word == "kings" else []))
        assert sum(share for _, _, share in found) == pytest.approx(1)
        assert [share for _, _, share in found] == sorted((share for _, _, share in found), reverse=True)


def changed(data: bytes, offset: int, form: str, value: object) -> bytes:
    raw = bytearray(data)
    struct.pack_into(form, raw, offset, value)
    return bytes(raw)


ARGS, DICTIONARY = 8, 64
FIRST_WORD = DICTIONARY + 28
INPUT = FIRST_WORD + sum(len(word.encode()) + 10 for word in WORDS)
HOSTILE = {
    "version": (4, "<i", 13, "known up to 12"),
    "dim 0": (ARGS, "<i", 0, "claims vectors of 0 numbers"),
    "dim huge": (ARGS, "<i", 2**31 - 1, "claims vectors of 2147483647 numbers"),
    "dim another": (ARGS, "<i", DIM + 1, "rows of 3 numbers, not 46 of 4"),
    "bucket negative": (ARGS + 32, "<i", -1, "-1 buckets"),
    "bucket huge": (ARGS + 32, "<i", 2**31 - 1, "has 46 rows"),
    "maxn huge": (ARGS + 40, "<i", 2**31 - 1, "n-grams of 2147483647 characters"),
    "entries huge": (DICTIONARY, "<i", 2**31 - 1, "claims 2147483647 entries"),
    "words negative": (DICTIONARY + 4, "<i", -1, "-1 words"),
    "pruned": (DICTIONARY + 20, "<q", 5, "the list of its 5 buckets is damaged"),
    "pruned too often": (DICTIONARY + 20, "<q", 2**40, "buckets are left of 40"),
    "no NUL": (FIRST_WORD + 3, "B", 65, "entry|dictionary|matrix|words"),
    "quantised": (INPUT, "B", 1, "a quantised matrix of"),
    "flag": (INPUT, "B", 2, "the file is damaged"),
    "rows huge": (INPUT + 1, "<q", 2**62, "ends behind the file"),
    "rows negative": (INPUT + 1, "<q", -1, "-1 rows"),
    "columns": (INPUT + 9, "<q", 2**40, "the file is damaged"),
    "not finite": (INPUT + 17, "<f", float("nan"), "NaN or infinite"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_an_error_that_names_the_place(tmp_path, name):
    offset, form, value, message = HOSTILE[name]
    path = tmp_path / "m.bin"
    path.write_bytes(changed(model_bytes(), offset, form, value))
    with pytest.raises(VectorsError, match=message):
        w2v.load(path)


def test_many_claimed_entries_cost_nothing(tmp_path):
    path = tmp_path / "m.bin"
    data = changed(changed(model_bytes(), DICTIONARY, "<i", 2**31 - 1), DICTIONARY + 4, "<i", 2**31 - 1)
    path.write_bytes(data)
    with pytest.raises(VectorsError, match="claims 2,147,483,647 words and labels"):
        w2v.load(path)


CUTS = [  # sizes in bytes of a file of today's, of an old one; what is said of each from there on
    (4, None, "byte {}: the file ends within its header"),
    (92, 76, "the header claims 6 words and labels, and the file has {} bytes"),
    (152, 136, "of the dictionary (byte "),
    (184, 168, "byte {start}: the file ends here"),
    (201, 184, "byte {start}: the input matrix of 46 rows of 3 numbers ends behind the file, which has {} bytes"),
    (753, 736, "byte {start}: the file ends here"),
    (770, 752, "byte {start}: the output matrix of 6 rows of 3 numbers ends behind the file, which has {} bytes"),
]


@pytest.mark.parametrize("old", [False, True])
def test_of_a_file_cut_anywhere_the_part_that_ends_too_early_is_named(tmp_path, old):
    data, path = model_bytes(old=old), tmp_path / "m.bin"
    starts = [cut[old] for cut in CUTS if cut[old] is not None]
    for number, start in enumerate(starts):
        for size in range(start, [*starts, len(data)][number + 1]):
            path.write_bytes(data[:size])
            with pytest.raises(VectorsError) as error:
                w2v.load(path)
            assert CUTS[number + old][2].format(size, start=start) in str(error.value), size


OLD = {"dim": 3, "ws": 5, "epoch": 5, "minCount": 1, "neg": 5, "wordNgrams": 1, "loss": 2, "model": 2, "bucket": 0,
       "minn": 0, "maxn": 0, "lrUpdateRate": 100, "t": 1e-4,
       "entries": 2, "words": 2, "labels": 0, "tokens": 9}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "plausible"),
    [
        *[({"dim": dim}, 1 <= dim <= 65_536) for dim in (0, 1, 65_536, 65_537)],
        *[({"ws": window}, 1 <= window <= 1000) for window in (0, 1, 1000, 1001)],
        *[({"loss": loss}, 1 <= loss <= 3) for loss in range(6)],
        *[({"model": model}, 1 <= model <= 3) for model in range(6)],
        *[({"minn": least, "maxn": 64}, 0 <= least <= 64) for least in (-1, 0, 1, 64, 65)],
        *[({"maxn": most}, 0 <= most <= 64) for most in (-1, 0, 1, 64, 65)],
        *[({"bucket": buckets}, buckets >= 0) for buckets in (-1, 0, 1)],
        *[({"t": t}, 0 <= t <= 1) for t in (-1e-9, 0, 1, 1.001)],
        ({"entries": 3}, False),
        ({"entries": 3, "labels": 1}, True),
        ({"entries": 0, "words": 0}, False),
        ({"entries": 1, "words": 1}, True),
        ({"entries": 1, "labels": -1}, False),
        *[({"tokens": tokens}, tokens >= 0) for tokens in (-1, 0, 1)],
        *[({"wordNgrams": longest}, longest >= 1) for longest in (0, 1, 2)],
    ],
)
def test_a_file_without_magic_is_a_model_if_all_its_settings_are_plausible(changes, plausible):
    head = struct.pack("<12id3iq", *{**OLD, **changes}.values())
    assert recognise("m.bin", head) == plausible
    assert not recognise("m.bin", head[:-1])


def test_a_magic_number_is_enough_to_be_recognised():
    assert recognise("m", struct.pack("<i", 793712314))
    assert not recognise("m", struct.pack("<i", 793712314)[:3])


KNOWN = {"window": "7", "epochs": "3", "min_count": "999999999", "negative": "9", "loss": "hs", "model": "cbow",
         "sample": "0.25"}  # fmt: skip


@pytest.mark.parametrize(
    ("known", "args"),
    [
        ({}, (2, 5, 5, 1, 5, 1, 2, 2, 0, 0, 0, 100, 1e-4)),
        (KNOWN, (2, 7, 3, 999_999_999, 9, 1, 1, 1, 0, 0, 0, 100, 0.25)),
        ({"window": "9999999999", "epochs": "x", "sample": "1e-3"}, (2, 5, 5, 1, 5, 1, 2, 2, 0, 0, 0, 100, 1e-4)),
    ],
)
def test_a_model_is_written_with_what_is_known_of_the_training(tmp_path, known, args):
    vectors = w2v.Vectors(["a", "b"], [[1, 2], [3, 4]])
    vectors.metadata.update(known)
    vectors.save(tmp_path / "m.ftbin")
    data = (tmp_path / "m.ftbin").read_bytes()
    assert struct.unpack_from("<2i12id3i2q", data) == (793712314, 12, *args, 2, 2, 0, 3, -1)
    assert data[92:114] == b"a\0" + struct.pack("<qb", 2, 0) + b"b\0" + struct.pack("<qb", 1, 0)


def test_what_follows_the_file_is_an_error_unless_it_is_to_be_ignored(tmp_path):
    path = tmp_path / "m.bin"
    path.write_bytes(model_bytes() + b"more")
    with pytest.raises(VectorsError, match="4 bytes follow"):
        w2v.load(path)
    assert len(w2v.load(path, lenient=True)) == len(WORDS)


@pytest.mark.parametrize("damage", ["nothing", "a cut", "more bytes"])
def test_a_repaired_model_keeps_its_ngrams(model, tmp_path, damage):
    """No vector needs the last matrix; what is cut or follows there costs nothing else."""
    from w2v.vectors.files.repair import repair

    data = model.read_bytes()
    path = tmp_path / "m.bin"
    path.write_bytes({"nothing": data, "a cut": data[:-5], "more bytes": data + b"more"}[damage])
    repaired, repairs = repair(path)
    assert list(repairs) == {"nothing": [], "a cut": ["cut short"], "more bytes": ["bytes after the end"]}[damage]
    repaired.save(tmp_path / "again.ftbin")
    again, right = w2v.load(tmp_path / "again.ftbin"), w2v.load(model)
    for word in WORDS + UNSEEN:
        np.testing.assert_allclose(again[word], right[word], atol=1e-6)


def test_a_row_of_ngrams_that_is_not_finite_is_an_error_when_it_is_used(tmp_path):
    bucket = reference_hash(reference_ngrams(b"kingly", 2, 4)[0]) % BUCKETS
    at = FIRST_WORD + len("zzz") + 10 + 17 + 4 * DIM * (1 + bucket)
    path = tmp_path / "m.bin"
    path.write_bytes(changed(model_bytes(words=["zzz"]), at, "<f", float("inf")))
    vectors = w2v.load(path)
    with pytest.raises(VectorsError, match="not finite"):
        vectors["kingly"]


def test_subwords_keep_what_they_were_made_of():
    rows = FloatRows(np.eye(3, dtype=np.float32))
    with pytest.raises(ValueError, match="a bucket has no row"):
        _ = Subwords(3, 6, 4, rows).maker
