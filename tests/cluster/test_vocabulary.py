from __future__ import annotations

import sys
from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from w2v.cluster import counting
from w2v.cluster.chunks import cut
from w2v.cluster.counting import FAN_IN, Tree, count_chunk, freeze, merge, prune
from w2v.cluster.files import find_files
from w2v.cluster.run import ClusterOptions, ClusterTrainer
from w2v.corpus._words import WordTable
from w2v.corpus.config import CorpusConfig
from w2v.corpus.reader import count_words
from w2v.corpus.selection import Spelled
from w2v.corpus.vocab import TokenCounts, Vocab
from w2v.errors import CorpusError, TrainingError, W2VError
from w2v.training.config import TrainConfig

SUMMED = ("read", "too_long", "no_word", "nul_bytes", "text_bytes")


def in_parts(path, config, vocab=None, partitions=3, size=2000):
    token_counts, tallies = TokenCounts(), [[] for _ in range(partitions)]
    for number, chunk in enumerate(cut(find_files([path]), size)):
        (_, found), *parts = count_chunk(chunk, number == 0, config, partitions)
        for name in SUMMED:
            setattr(token_counts, name, getattr(token_counts, name) + getattr(found, name))
        for home, part in zip(tallies, parts, strict=True):
            home.append(part)
    pruned = [prune(merge(merge(*home[:2]), *home[2:]), config.min_count, vocab) for home in tallies]
    return freeze(pruned, config, vocab, token_counts, str(path)), token_counts


@pytest.mark.parametrize(
    "config",
    [
        CorpusConfig(),
        CorpusConfig(min_count=1),
        CorpusConfig(max_vocab=20),
        CorpusConfig(tokenizer="words", lower=True, min_count=3),
        CorpusConfig(normalize="nfkc", min_count=2),
    ],
    ids=str,
)
def test_counting_in_parts_finds_the_vocabulary_of_the_whole(tmp_path, config):
    path = tmp_path / "text.txt"
    draw = np.random.default_rng(2)
    words = [f"Word{int(n)}" for n in draw.zipf(1.3, 4000) if n < 500]
    lines = [" ".join(words[i : i + 7]) + (" x," if i % 3 else " ﬁn \0 " + "y" * 1100) for i in range(0, len(words), 7)]
    path.write_text("\n".join(lines))
    vocab, token_counts = in_parts(path, config)
    expected, whole = count_words([path], config)
    assert vocab == expected
    for name in (*SUMMED, "kept", "below_min_count", "beyond_max_vocab", "types_read"):
        assert getattr(token_counts, name) == getattr(whole, name), name


def test_a_vocabulary_that_is_given_stands(text):
    vocab = Vocab.sorted([b"w1_0", b"w2_0", b"absent"], np.array([7, 9, 8]))
    found, token_counts = in_parts(text, CorpusConfig(), vocab)
    assert found == vocab
    assert token_counts.kept == sum(text.read_bytes().split().count(word) for word in (b"w1_0", b"w2_0"))
    assert token_counts.not_in_vocab == token_counts.read - token_counts.kept


def test_errors_are_those_of_one_machine(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a b c\nd e a\n")
    with pytest.raises(CorpusError) as one:
        count_words([path], CorpusConfig())
    with pytest.raises(CorpusError) as parts:
        in_parts(path, CorpusConfig(), size=6)
    assert str(parts.value) == str(one.value)


def test_an_empty_tally_has_no_words():
    empty, one = Spelled(WordTable([]), np.zeros(0, np.int64)), Spelled(WordTable([b"a"]), np.array([2]))
    assert merge(empty, one).words == [b"a"]
    assert prune(empty, 5).types == 0


def digest_of(path, config):
    """Of the corpus as a run on a cluster has it, counted in two chunks."""
    run = ClusterTrainer([path], config, TrainConfig(), ClusterOptions())
    chunks = cut(find_files([path]), path.stat().st_size // 2)
    counted = [count_chunk(chunk, chunk.number == 0, config, 1)[0][0] for chunk in chunks]
    run.setup = SimpleNamespace(vocab=count_words(path, config)[0], chunks=counted)
    return run.digest()


@pytest.mark.parametrize(
    ("text", "other"),
    [
        pytest.param("a b b a c d\nb a\nd c c d\na a\n", "a b b a c d\nb a\nc d c d\na a\n", id="order of words"),
        pytest.param("a b b a c d\nb a\nd c c d\na a\n", "a b b a\nc d b a\nd c c d\na a\n", id="sentences"),
        pytest.param("a a b\na b b\nb b a\nb a a\n", "b b a\nb a a\na a b\na b b\n", id="words of each chunk"),
        pytest.param("a b b a c d\nb a\nd c c d\na a\n", "a b b a c d\nb a\nd c c d\na a\n", id="the same"),
    ],
)
def test_the_digest_of_a_corpus_covers_its_text(tmp_path, text, other):
    path = tmp_path / "text.txt"
    for config in (CorpusConfig(min_count=1), CorpusConfig(min_count=1, tokenizer="words", lower=True)):
        path.write_text(text)
        before = digest_of(path, config)
        path.write_text(other)
        assert (digest_of(path, config) == before) == (other == text)


@pytest.mark.parametrize("count", [1, FAN_IN - 1, FAN_IN, FAN_IN + 1, FAN_IN**2, FAN_IN**2 + 3])
def test_tallies_are_merged_as_they_come_and_each_once(count):
    sizes = []

    def merged(*tallies):
        sizes.append(len(tallies))
        return [each for tally in tallies for each in tally]

    tree = Tree(SimpleNamespace(remote=merged))
    for number in range(count):
        tree.add([number])
    assert sizes == [FAN_IN] * (count // FAN_IN + count // FAN_IN**2)
    assert sorted(tree.root()) == list(range(count))
    assert sum(map(len, tree.levels)) == sizes[-1] == sum(int(digit) for digit in np.base_repr(count, FAN_IN))


class Ref(SimpleNamespace):
    """What a task of the stand-in returns; compared by identity, as Ray's are."""

    __hash__ = object.__hash__

    def __eq__(self, other):
        return self is other


class AtOnce:
    """A Ray that runs every task at once in this process."""

    def __init__(self, cpus: float):
        self.cpus, self.running, self.most = cpus, set(), 0

    def cluster_resources(self):
        return {"CPU": self.cpus} if self.cpus else {}

    def remote(self, function, returns: int = 1):
        def call(*given):
            try:
                found = function(*(one.value if isinstance(one, Ref) else one for one in given))
                parts = [Ref(value=part) for part in found] if returns > 1 else [Ref(value=found)]
                assert len(parts) == returns
            except (W2VError, KeyError) as error:
                parts = [Ref(value=None, error=error) for _ in range(returns)]
            if returns > 1:
                self.running.add(parts[0])
                self.most = max(self.most, len(self.running))
            return parts if returns > 1 else parts[0]

        return SimpleNamespace(
            remote=call, options=lambda num_returns, scheduling_strategy: self.remote(function, num_returns)
        )

    def put(self, value):
        return Ref(value=value)

    def wait(self, refs, timeout):
        self.running.discard(refs[-1])
        return refs[-1:], refs[:-1]  # not in the order of the corpus

    def get(self, ref):
        if isinstance(ref, list):
            return [self.get(one) for one in ref]
        if error := getattr(ref, "error", None):
            raise sys.modules["ray.exceptions"].RayTaskError(error)
        return ref.value


@pytest.fixture
def ray_at_once(monkeypatch):
    class RayError(Exception):
        pass

    class RayTaskError(RayError):
        def __init__(self, cause):
            super().__init__(f"first line of {cause}\nmore")
            self.cause = cause

    exceptions = SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(exceptions=exceptions))
    monkeypatch.setitem(sys.modules, "ray.exceptions", exceptions)
    looks = []
    monkeypatch.setattr(counting, "Head", lambda ray: SimpleNamespace(check=lambda: looks.append(1)))
    return exceptions, looks


@pytest.mark.parametrize(("cpus", "given"), [(0, False), (1, True), (3, False), (200, True)])
def test_a_corpus_is_counted_by_tasks_as_by_one_machine(tmp_path, ray_at_once, cpus, given):
    paths = [tmp_path / "a.txt", tmp_path / "b.txt"]
    paths[0].write_text("".join(f"w{n % 7} w{n % 3} x{n}\n" for n in range(300)) + "\n" * 900)
    paths[1].write_text("".join(f"w{n % 5} \0y\n" for n in range(100)))
    config = CorpusConfig(min_count=20)
    vocab = Vocab.sorted([b"w1", b"w5", b"absent"], np.array([70, 90, 80])) if given else None
    chunks, seen, ray = cut(find_files(paths), 400), [], AtOnce(cpus)
    found = counting.count_corpus(ray, chunks, config, vocab, "name", seen.append)
    expected, whole = count_words(paths, config)
    same = ["kept", "below_min_count"]
    if vocab is not None:
        same, expected = [], Vocab.sorted([b"w1", b"w5", b"absent"], np.array([70, 90, 80]))
        counts = Counter(b" ".join(path.read_bytes() for path in paths).replace(b"\0", b" ").split())
        assert found.token_counts.kept == counts[b"w1"] + counts[b"w5"]
        assert found.token_counts.not_in_vocab == whole.read - found.token_counts.kept
    assert found.vocab == expected
    for name in (*SUMMED, *same, "types_read"):
        assert getattr(found.token_counts, name) == getattr(whole, name), name
    size = sum(path.stat().st_size for path in paths)
    assert found.token_counts.bytes_read == size == seen[-1].bytes_done == seen[-1].bytes_total
    assert (len(seen), seen[-1].tokens) == (len(chunks), whole.read)
    assert len(ray_at_once[1]) >= len(chunks)
    assert ray.most == min(len(chunks), counting.WAITING * max(1, cpus)) or cpus == 1
    assert [chunk.number for chunk in found.chunks] == sorted({chunk.number for chunk in found.chunks})
    assert len(found.chunks) < len(chunks), "what holds no word is left out"
    assert (sum(found.tokens), min(found.tokens) > 0) == (whole.read, True)


def test_what_a_task_raises_is_raised_as_it_was(tmp_path, ray_at_once):
    exceptions, _ = ray_at_once
    ray, path = AtOnce(1), tmp_path / "a.txt"
    path.write_bytes(b"\x1f\x8b not gzip" * 9)
    with pytest.raises(CorpusError, match=r"a\.txt"):
        counting.count_corpus(ray, cut(find_files([path]), 400), CorpusConfig(), None, "name")
    for error in (OSError(5, "Input/output error"), CorpusError("no")):
        with pytest.raises(type(error)) as caught:
            counting.get(ray, Ref(error=error))
        assert caught.value is error
    with pytest.raises(exceptions.RayTaskError):
        counting.get(ray, Ref(error=KeyError("a fault")))

    def gone(_):
        raise exceptions.RayError("the node died\nmore")

    with pytest.raises(TrainingError, match=r"^cluster: counting failed: the node died$"):
        counting.get(SimpleNamespace(get=gone), Ref())
