"""One measured task a process, for bench.py: `python bench_tasks.py TASK JSON-SETTINGS` prints one line of JSON.

w2v and gensim do the same work in processes of their own, so that neither finds the other's memory or threads.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def w2v_train(
    corpus: str, epochs: int, settings: dict[str, Any], vectors: str = "", tokens: float = 1.0, **words: int
) -> dict[str, Any]:
    """Training words/s of w2v, reading left out; on a share `tokens` of the corpus. `words`: min_count, max_vocab."""
    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.reader import read_corpus
    from w2v.training.config import TrainConfig
    from w2v.training.trainer import Trainer

    encoded = read_corpus([corpus], CorpusConfig(**words), threads=settings.get("threads"))
    if tokens < 1:
        shorten(encoded, int(len(encoded.ids) * tokens))
    trainer = Trainer(encoded, TrainConfig(epochs=epochs, **settings))
    started = time.process_time()
    result = trainer.run()
    processor_s = time.process_time() - started
    if vectors:
        result.vectors.save(vectors)
    summary = result.summary
    return {
        "words_per_s": summary.words_per_s, "kernel": summary.kernel, "loss": summary.loss, "seconds": summary.seconds,
        "tokens": summary.tokens_total, "trained": summary.trained, "examples": summary.examples,
        "vocabulary": len(encoded.vocab), "memory": most_memory(),
        "words_per_cpu_s": summary.tokens_total / processor_s,
    }  # fmt: skip


def most_memory() -> int:
    """The most bytes that this process has had."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def shorten(encoded: Any, ids: int) -> None:
    """Leave an EncodedCorpus the sentences that end within its first `ids` ids, one at least."""
    import numpy as np

    ends = np.flatnonzero(encoded.ids < 0)
    encoded.ids = encoded.ids[: ends[max(np.searchsorted(ends, ids), 1) - 1] + 1]
    encoded.token_counts.kept = int(np.count_nonzero(encoded.ids >= 0))


def fasttext_train(corpus: str, epochs: int, settings: dict[str, Any], vectors: str = "") -> dict[str, Any]:
    """Training words/s of fastText, reading left out.

    The words' vectors are written as a word2vec binary file, or, with another suffix, fastText's model."""
    import fasttext

    ngrams = settings["subwords"].split("-")
    names = {
        "dim": settings["dim"], "ws": settings["window"], "neg": settings["negative"], "lr": settings["lr"],
        "t": settings["sample"], "minn": int(ngrams[0]), "maxn": int(ngrams[1]), "bucket": settings["buckets"],
        "thread": settings["threads"], "verbose": 0,  # its Python takes no seed; with threads no two runs are alike
    }  # fmt: skip
    took = []
    for count in (0, epochs):  # without an epoch it reads, and sets up its rows
        started, processor = time.perf_counter(), time.process_time()
        model = fasttext.train_unsupervised(corpus, epoch=count, minCount=5, **names)
        took.append((time.perf_counter() - started, time.process_time() - processor))
    words = epochs * int(sum(model.get_words(include_freq=True)[1]))
    if vectors:
        save_fasttext(model, vectors)
    wall, processor = (long - short for short, long in zip(*took, strict=True))
    return {"words_per_s": words / wall, "words_per_cpu_s": words / processor, "memory": most_memory()}


def save_fasttext(model: Any, vectors: str) -> None:
    import numpy as np

    import w2v

    if not vectors.endswith(".bin"):
        model.save_model(vectors)
        return
    words = model.get_words()
    w2v.Vectors(words, np.array([model.get_word_vector(word) for word in words])).save(vectors)


def unseen_words(count: int) -> list[str]:
    """Words that no text holds: of syllables, ten letters long on average."""
    import numpy as np

    random = np.random.default_rng(1)
    syllables = np.array([a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "ing")])
    return ["".join(each) + "q" for each in syllables[random.integers(0, len(syllables), (count, 4))]]


def w2v_made(vectors: str, count: int, threads: int) -> dict[str, Any]:
    """Vectors of words never seen, words/s; loading left out."""
    import w2v

    words = [word.encode() for word in unseen_words(count)]
    subwords = w2v.load(vectors).subwords
    subwords.vectors(words[:1000], threads=threads)
    started = time.perf_counter()
    subwords.vectors(words, threads=threads)
    return {"words_per_s": count / (time.perf_counter() - started)}


def fasttext_made(vectors: str, count: int) -> dict[str, Any]:
    """The same of fastText, whose Python has a call a word."""
    import fasttext

    words = unseen_words(count)
    model = fasttext.load_model(vectors)
    model.get_word_vector(words[0])
    started = time.perf_counter()
    for word in words:
        model.get_word_vector(word)
    return {"words_per_s": count / (time.perf_counter() - started)}


def gensim_train(
    corpus: str, epochs: int, settings: dict[str, Any], vectors: str = "", min_count: int = 5
) -> dict[str, Any]:
    """Training words/s of gensim from a file (its faster input mode), reading the vocabulary left out."""
    from gensim.models import Word2Vec

    model = Word2Vec(min_count=min_count, workers=settings["threads"], **gensim_settings(settings))
    model.build_vocab(corpus_file=corpus)
    started = time.perf_counter()
    model.train(corpus_file=corpus, total_words=model.corpus_total_words, epochs=epochs)
    seconds = time.perf_counter() - started
    if vectors:
        model.wv.save_word2vec_format(vectors, binary=True)
    kept = sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key)
    return {"words_per_s": kept * epochs / seconds}


def gensim_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Our names to gensim's."""
    hs = settings.get("loss", "ns") == "hs"
    cbow = settings.get("model", "skipgram") == "cbow"
    return {
        "vector_size": settings.get("dim", 100),
        "sg": 0 if cbow else 1,
        "hs": int(hs),
        "negative": 0 if hs else 5,
        "alpha": 0.05 if cbow else 0.025,
        "seed": settings.get("seed", 1),
    }


def gensim_whole(corpus: str, out: str, settings: dict[str, Any]) -> dict[str, Any]:
    """From a text file to a binary file, five epochs."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        corpus_file=corpus, min_count=5, epochs=5, workers=settings["threads"], **gensim_settings(settings)
    )
    model.wv.save_word2vec_format(out, binary=True)
    return {}


def gensim_answer(vectors: str, word: str) -> dict[str, Any]:
    """The first answer from a binary file."""
    from gensim.models import KeyedVectors

    answers = KeyedVectors.load_word2vec_format(vectors, binary=True).most_similar(word)
    return {"answers": answers}


def usage(words: list[str]) -> dict[str, Any]:
    """A whole command: the most memory that it took, bytes, and its processor seconds."""
    import resource
    import subprocess

    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"memory": used.ru_maxrss * 1024, "processor_s": used.ru_utime + used.ru_stime}


def w2v_encode(corpus: str, threads: int) -> dict[str, Any]:
    """Bytes/s of counting and encoding, in one process that has read the file once before."""
    import os

    from w2v.corpus.config import CorpusConfig
    from w2v.corpus.reader import read_corpus

    seconds = []
    for _ in range(4):
        started = time.perf_counter()
        encoded = read_corpus([corpus], CorpusConfig(), threads=threads)
        seconds.append(time.perf_counter() - started)
        tokens = encoded.token_counts.read
        encoded.close()
    return {"seconds": min(seconds[1:]), "bytes": os.path.getsize(corpus), "tokens": tokens}


def gunzip(corpus: str) -> dict[str, Any]:
    """Seconds of the decompressor alone, in blocks of 1 MB."""
    import zlib

    seconds = []
    for _ in range(3):
        started, size = time.perf_counter(), 0
        with open(corpus, "rb") as file:
            decoder = zlib.decompressobj(31)
            while block := file.read(1 << 18):
                size += len(decoder.decompress(block))
        seconds.append(time.perf_counter() - started)
    return {"seconds": min(seconds), "bytes": size}


def queries(vectors: str, count: int, tool: str) -> dict[str, Any]:
    """Ten nearest neighbours of `count` words in one process, loading left out; `tool` w2v or numpy."""
    import numpy as np

    import w2v
    from w2v.vectors.expressions import Query

    model = w2v.load(vectors)
    words = [model.words[i] for i in range(0, len(model), max(1, len(model) // count))][:count]
    if tool == "w2v":
        asked = [Query((word,)) for word in words]
        model.nearest(asked[:10])
        started = time.perf_counter()
        model.nearest(asked)
        return {"seconds": time.perf_counter() - started}
    matrix = model.matrix / np.linalg.norm(model.matrix, axis=1, keepdims=True)
    rows = np.array([model.index(word) for word in words])
    started = time.perf_counter()
    for first in range(0, len(rows), 256):  # as much as fits: 256 x 1,000,000 similarities are 1 GB
        scores = matrix[rows[first : first + 256]] @ matrix.T
        np.argpartition(scores, -11, axis=1)
    return {"seconds": time.perf_counter() - started}


def free_pages(out: str, size: int) -> None:
    """Leave so much memory free that is the machine's already: a virtual one may have to ask its host for every page
    that it has not used of late, and that takes several times as long as the writing which is to be measured."""
    blank = bytes(1 << 22)
    with open(out, "wb") as file:
        for _ in range(size >> 22):
            file.write(blank)
    os.remove(out)


def load(vectors: str, threads: int) -> dict[str, Any]:
    """Opening vectors as text, in the page cache."""
    import w2v

    with open(vectors, "rb") as file:
        while file.read(1 << 24):
            pass
    started = time.perf_counter()
    w2v.load(vectors, threads=threads)
    return {"gb_per_s": Path(vectors).stat().st_size / 1e9 / (time.perf_counter() - started)}


def save(vectors: str, out: str, tool: str) -> dict[str, Any]:
    """Writing a loaded model; a suffix .txt means text."""
    binary = not out.endswith(".txt")
    if tool == "w2v":
        import w2v

        model = w2v.load(vectors)
        free_pages(out, 2 << 30)
        started = time.perf_counter()
        model.save(out)
    else:
        from gensim.models import KeyedVectors

        model = KeyedVectors.load_word2vec_format(vectors, binary=True)
        free_pages(out, 2 << 30)
        started = time.perf_counter()
        model.save_word2vec_format(out, binary=binary)
    return {"seconds": time.perf_counter() - started}


def machine_limits(threads: int) -> dict[str, Any]:
    """GFLOP/s of a float32 matrix product (OPENBLAS_NUM_THREADS says on how many threads), GB/s of c = a + b."""
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    size = 2048
    a = np.random.default_rng(1).standard_normal((size, size), np.float32)
    a @ a
    best = min(timed(lambda: a @ a) for _ in range(5))
    parts = [[np.ones(16 << 20, np.float32) for _ in range(3)] for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:

        def add() -> None:
            list(pool.map(lambda part: np.add(part[0], part[1], out=part[2]), parts))

        add()
        moved = min(timed(add) for _ in range(5))
    return {"gflop_per_s": 2 * size**3 / best / 1e9, "gb_per_s": threads * 3 * 4 * (16 << 20) / moved / 1e9}


def timed(job: Callable[[], Any]) -> float:
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def evaluate(vectors: str, data: str) -> dict[str, Any]:
    """Analogies over 30,000 words in per cent, WordSim-353 and SimLex-999 as Spearman's rho."""
    import w2v

    model = w2v.load(vectors)
    scores = {}
    for name, file in (("analogy", "questions-words.txt"), ("wordsim", "wordsim353.tsv"), ("simlex", "simlex999.txt")):
        result = model.evaluate(f"{data}/{file}")
        scores[name] = 100 * result.total.accuracy if name == "analogy" else result.spearman
        if name == "analogy":
            scores["semantic"] = 100 * result.semantic.accuracy
            scores["syntactic"] = 100 * result.syntactic.accuracy
    return scores


if __name__ == "__main__":
    task, settings = sys.argv[1], json.loads(sys.argv[2])
    started = time.perf_counter()
    found = globals()[task](**settings)
    found["process_s"] = time.perf_counter() - started
    print(json.dumps(found))
