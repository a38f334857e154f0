"""Vectors: words and their float32 rows, asked, scored, saved and loaded."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterable, Iterator, KeysView, Sequence, Set
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from w2v.errors import SettingsError, UnknownWordError, VectorsError, setting
from w2v.vectors._best import exact_cosines
from w2v.vectors._scan import row_norms
from w2v.vectors.expressions import Query, analogy_query, parse_query, sense_parts
from w2v.vectors.formats.load import load_rows
from w2v.vectors.formats.rows import LoadOptions, ModelParts, Rows
from w2v.vectors.neighbours import Neighbours, Scope, nearest, nearest_to, unit_mean
from w2v.vectors.words import Word, Words, find_words, to_bytes, to_text, unknown_word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.corpus._words import WordTable
    from w2v.corpus.vocab import Vocab
    from w2v.output import AtomicOutput
    from w2v.vectors.scores import Evaluation, SessionScores
    from w2v.vectors.subwords import Subwords

__all__ = ["Vectors", "load"]

SHORT, LONG = 1e-15, 1e15  # lengths between which float32 products are safe; as in rows.h
UNITS = 4096  # rows in float64 at once
HABITS = {  # of gensim, and what is written here
    "wv": "vectors.most_similar(...), these are the vectors themselves",
    "vectors": "vectors.matrix",
    "vector_size": "vectors.dim",
    "index_to_key": "vectors.words",
    "key_to_index": "vectors.index(word)",
    "get_vector": "vectors[word]",
    "doesnt_match": "vectors.odd_one_out(words)",
    "similar_by_word": "vectors.most_similar(word)",
    "save_word2vec_format": "vectors.save(path)",
}


class Vectors:
    """`words` [V] and `matrix`, float32 [V, D], one row per word, in falling frequency if the source has that order.

    The matrix may be a view with strides; it is not copied. It must not be changed once norms have been taken.
    """

    def __init__(
        self, words: Words | WordTable | Iterable[str | bytes], matrix: np.ndarray, norms: np.ndarray | None = None
    ):
        if isinstance(words, (str, bytes, Set)) and not isinstance(words, KeysView):
            kind = type(words).__name__
            raise TypeError(f"the words are of type {kind}; give a list of them, in the order of the rows")
        if np.iscomplexobj(matrix):
            raise VectorsError("the matrix holds complex numbers; vectors are real")
        self.words = words if isinstance(words, Words) else Words(words)
        self.matrix = np.asarray(matrix, np.float32)
        if self.matrix.ndim != 2 or len(self.matrix) != len(self.words):
            raise VectorsError(
                f"the matrix must have a row for each word ({len(self.words):,} of them); its shape is"
                f" {self.matrix.shape}"
            )
        if norms is not None:
            self.__dict__["norms"] = norms  # found on the way by who made the matrix
        self.subwords: Subwords | None = None  # makes vectors for words that are not here
        self.metadata: dict[str, str] = {}  # what is known of how they were made; safetensors keeps it
        self.context: Vectors | None = None  # the context vectors, where they are there too
        self.model: ModelParts | None = None  # what `predict` needs
        self.counts: np.ndarray | None = None  # how often each word occurred, int64 [V], where that is known
        self._made: dict[bytes, int] = {}  # words that vectors were made for, each with its row behind the others
        self._picked: set[bytes] = set()  # words whose vectors were made before they came here
        self._made_rows = np.empty((0, self.dim), np.float32)

    @classmethod
    def of_rows(cls, rows: Rows, made: Iterable[bytes] = ()) -> Vectors:
        """Vectors of what a file holds, `made` the words whose vectors were made from n-grams."""
        vectors = cls(rows.words, rows.matrix, rows.norms)
        vectors.metadata.update(rows.metadata or {})
        vectors.model, vectors.subwords, vectors.counts = rows.model, rows.subwords, rows.counts
        if rows.model is not None and len(rows.model.outputs) == len(rows.words):
            vectors.context = cls(rows.words, rows.model.outputs)
        vectors._picked.update(made)
        return vectors

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str] | BinaryIO,
        *,
        limit: int | None = None,
        lenient: bool = False,
        duplicates: str = "error",
        threads: int | None = None,
        words: str | os.PathLike[str] | None = None,
        format: str | None = None,
        context: bool = False,
    ) -> Vectors:
        """Vectors from a file in any known format, plain or compressed; recognised by content. "-" is standard input.

        `limit` reads only the first rows; `lenient` ignores what follows the rows that the header promises;
        `duplicates="first"` keeps a repeated word's first row; `words` is the file with the words of a `.npy` or a
        projector's `.tsv`, if it is not beside it; `format` ("bin", "text", "glove", "npy", "safetensors", "projector")
        is for content that misleads. `context` also reads the context matrix and the counts that a `.safetensors` file
        may hold, for `predict`. The numbers are read into memory, so the file may change later.
        VectorsError names the row that is wrong.
        """
        return cls.of_rows(load_rows(path, LoadOptions(limit, lenient, duplicates, threads, words, format, context)))

    def save(
        self,
        path: str | os.PathLike[str] | AtomicOutput | BinaryIO,
        format: str | None = None,
        *,
        no_clobber: bool = False,
        float16: bool = False,
        int8: bool = False,
        words: str | os.PathLike[str] | AtomicOutput | None = None,
        with_context: bool = False,
    ) -> None:
        """Write a vector file in one step, in the format that the name's suffix stands for unless one is given.

        "bin", "text", "glove", "npy", "safetensors" or "projector". A name that ends in `.gz` is compressed. "npy" and
        "projector" put the words into a second file: `words`, or one beside the first. `float16` halves the numbers of
        "npy" and "safetensors"; `int8` quarters those of "safetensors", in 127 steps on either side of 0; both go for
        "static-embedding". `with_context` puts the context matrix and the counts into "safetensors" too. `path` may
        also be an open AtomicOutput or binary file. VectorsError for a word that readers could not read back, or a
        number that is not finite.
        """
        from w2v.vectors.formats.write import save

        if with_context and self.model is None:
            raise VectorsError("there is no context matrix to save; train the vectors, or load them with context=True")
        rows = Rows(
            self.words.table,
            self.matrix,
            None,
            self.metadata,
            self.model,
            self.subwords,
            self.counts if self.counts is not None or self.model is None else self.model.counts,
        )
        save(
            rows,
            path,
            format,
            no_clobber=no_clobber,
            float16=float16,
            int8=int8,
            words=words,
            with_context=with_context,
        )

    def top(self, count: int) -> Vectors:
        """The first `count` rows, where the most frequent words are; the numbers are a view."""
        from w2v.vectors.derive import rows_of

        if not isinstance(count, (int, np.integer)) or count < 0:
            raise SettingsError(f"top: {count!r} is not a whole number of at least 0")
        return rows_of(self, range(min(count, len(self))))

    def subset(self, words: Iterable[str | bytes]) -> Vectors:
        """The rows of some words, in the order of the rows, which is that of frequency; unknown words are left out."""
        from w2v.vectors.derive import rows_of

        if isinstance(words, (str, bytes)):
            raise VectorsError(f"subset: {words!r:.40} is one word; give a list of words")
        return rows_of(self, find_words(self.words.table, words)[0])

    def compact(self) -> Vectors:
        """The same with only those rows of n-grams that its words use; others make zeros then. For safetensors, which
        keeps just these rows."""
        made = Vectors(self.words, self.matrix, self.norms)
        made.metadata.update(self.metadata)
        made.context, made.model, made.counts = self.context, self.model, self.counts
        made.subwords = None if self.subwords is None else self.subwords.compact(self.words.table)
        return made

    def unit(self) -> Vectors:
        """The same with every row at length 1; a row of zeros stays as it is."""
        from w2v.vectors.derive import unit

        return unit(self)

    if not TYPE_CHECKING:  # a type checker must not take every name for one of ours

        def __getattr__(self, name: str) -> object:
            hint = f"; write {HABITS[name]}" if name in HABITS else ""
            raise AttributeError(f"'Vectors' object has no attribute {name!r}{hint}")

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.words

    def __getitem__(self, word: Word | Sequence[Word]) -> np.ndarray:
        """The row of a word [D], or the rows of a list of words [N, D]; UnknownWordError (a KeyError) with close
        spellings if one is not there."""
        if isinstance(word, Sequence) and not isinstance(word, (str, bytes)):
            return self.rows_at([self.place(one) for one in word])
        row = self.place(word)
        found: np.ndarray = self.matrix[row] if row < len(self) else self._made_rows[row - len(self)]
        return found

    def __repr__(self) -> str:
        return f"Vectors({len(self)} words, {self.dim} dimensions)"

    @property
    def dim(self) -> int:
        return int(self.matrix.shape[1])

    def index(self, word: Word) -> int:
        """Row of a word; UnknownWordError with close spellings if it is not there."""
        row = self.words.find(word)
        if row < 0:
            raise unknown_word(self.words.table, word)
        return row

    def ngrams(self, word: str | bytes) -> list[tuple[str, int, float]]:
        """The n-grams of a word, their buckets, and the share of its vector that comes from each, largest first; its
        own row, if it has one, is the word itself with bucket -1. VectorsError without subwords."""
        if self.subwords is None:
            raise VectorsError(
                "these vectors know no n-grams; train with subwords, and save as fasttext or safetensors"
            )
        vector, spelling = self[word], to_bytes(word)
        return [
            (to_text(ngram), bucket, share)
            for ngram, bucket, share in self.subwords.contributions(spelling, vector, self._known(word))
        ]

    def _known(self, word: str | bytes) -> bool:
        return word in self.words and to_bytes(word) not in self._picked

    def on_made(self, call: Callable[[bytes], object]) -> None:
        """Call this with each word that a vector is made for."""
        if self.subwords is not None:
            self.subwords = dataclasses.replace(self.subwords, on_made=call)

    def place(self, word: Word) -> int:
        """As `index`, but a sense (polish#2) has the vector of `w2v.vectors.senses`, and any other word that is not
        there one made from its n-grams, where there are subwords. Their places are behind the rows: `rows_at` and
        `units` have them."""
        row = self.words.find(word)
        if row >= 0 or (self.subwords is None and sense_parts(word) is None):
            return row if row >= 0 else self.index(word)
        spelling = to_bytes(word)
        if spelling not in self._made:
            from w2v.vectors.senses import sense_vector

            made = sense_vector(self, to_text(spelling))
            if made is None and self.subwords is not None:
                made = self.subwords.make(spelling)
            if made is None:
                raise unknown_word(self.words.table, word)
            self._made_rows = np.concatenate([self._made_rows, made[None]])
            self._made[spelling] = len(self) + len(self._made)
        return self._made[spelling]

    def rows_at(self, places: Sequence[int] | np.ndarray) -> np.ndarray:
        """The vectors at some places, float32 [n, D]: rows, or made from n-grams."""
        places = np.asarray(places, np.intp)
        if not len(self._made) or not (places >= len(self)).any():
            known: np.ndarray = self.matrix[places]
            return known
        made = places >= len(self)
        rows = np.empty((len(places), self.dim), np.float32)
        rows[~made] = self.matrix[places[~made]]
        rows[made] = self._made_rows[places[made] - len(self)]
        return rows

    def norms_at(self, places: Sequence[int] | np.ndarray) -> np.ndarray:
        """The lengths of the vectors at some places, float64 [n]."""
        places = np.asarray(places, np.intp)
        if not len(self._made) or not (places >= len(self)).any():
            norms: np.ndarray = self.norms[places]
            return norms
        return np.frombuffer(row_norms(self.rows_at(places)), np.float64)

    @cached_property
    def norms(self) -> np.ndarray:
        """Euclidean length of each row, float64 [V], NaN where a number is not finite; taken once."""
        return np.frombuffer(row_norms(self.matrix), np.float64)

    @cached_property
    def factors(self) -> np.ndarray:
        """What turns the product of a row of `comparable` and a unit vector into their cosine, float32 [V]: 1 / norms;
        0 for a row of zeros, whose similarity to anything is 0."""
        norms = self.norms
        factors = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
        factors[self._extreme] = 1
        return np.asarray(factors, np.float32)

    @cached_property
    def _extreme(self) -> np.ndarray:
        """Rows so long or short that products in float32 would overflow or vanish."""
        norms = self.norms
        return np.flatnonzero((norms > 0) & ((norms < SHORT) | (norms > LONG)))

    def comparable(self, low: int, high: int) -> np.ndarray:
        """Rows from `low` to `high` for products in float32, float32 [high - low, D]: a view, but where rows of extreme
        length are among them; these come at length 1."""
        rows: np.ndarray = self.matrix[low:high]
        extreme = self._extreme[slice(*np.searchsorted(self._extreme, (low, high)))]
        if len(extreme):
            rows = rows.copy()
            rows[extreme - low] = self.units(extreme)
        return rows

    def units(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Some rows at unit length, float32 [len(rows), D]; a row of zeros stays."""
        rows = np.asarray(rows, np.intp)
        units = np.empty((len(rows), self.dim), np.float32)
        for low in range(0, len(rows), UNITS):
            some = rows[low : low + UNITS]
            norms = self.norms_at(some)[:, None]
            wide = self.rows_at(some).astype(np.float64)
            units[low : low + UNITS] = np.divide(wide, norms, out=wide, where=norms > 0)
        return units

    def most_similar(
        self,
        positive: Word | Sequence[Word] = (),
        negative: Word | Sequence[Word] = (),
        topn: int = 10,
        method: str = "add",
        restrict_vocab: int | None = None,
    ) -> Neighbours:
        """The `topn` words nearest to some words and far from others, as (word, score), best first.

        `method` "add" gives cosines with the mean (3CosAdd), "mul" the 3CosMul score.
        """
        query = Query(_as_tuple(positive), _as_tuple(negative))
        if not query.words:
            raise VectorsError("most_similar: no words are given; give at least one in `positive`")
        return self._one(query, topn, method, restrict_vocab)

    def similar_by_vector(self, vector: np.ndarray, topn: int = 10, restrict_vocab: int | None = None) -> Neighbours:
        """The `topn` words nearest to a vector [D] of any length, as (word, cosine), best first; none is left out."""
        return nearest_to(self, np.asarray(vector, np.float32)[None], topn, restrict_vocab)[0]

    def predict(self, words: str | Sequence[str], topn: int | None = 10, sort: str = "probability") -> Neighbours:
        """The `topn` most probable words beside some words, as (word, probability), best first; None for all.
        `sort` "relevance" puts first what is likely here and not everywhere.

        Needs the other matrix and the counts: vectors that have just been trained, or loaded with ``context=True``.
        Several words predict by the mean of their vectors, as CBOW does. See w2v.vectors.prediction for what the
        probabilities are. UnknownWordError for a word that is not there.
        """
        from w2v.vectors.prediction import predict

        return predict(self, [words] if isinstance(words, str) else words, topn, sort)

    def embed(
        self,
        lines: Iterable[str | bytes],
        *,
        sif: float | None = None,
        counts: Vocab | None = None,
        remove: int | None = None,
        common: np.ndarray | None = None,
        unit: bool = False,
        threads: int | None = None,
        **reading: str | bool,
    ) -> np.ndarray:
        """A vector for each line of text, float32 [lines, D]: the mean of its words' rows; zeros without a known word.

        `sif` weighs a word by sif / (sif + p), 1e-3 in the paper (Arora et al. 2017): p is its share of the corpus, by
        `counts`, else by the file's, else by its rank. `remove` directions that the first 65,536 lines have most in
        common are taken out, 1 with `sif`; or those given as `common` [n, D]. `unit` gives rows of length 1. Lines
        become words as a corpus does: `tokenizer`, `lower`, `normalize`, `whitespace`, by default as the file says
        that its corpus was read. With subwords, every word has a row.
        """
        from w2v.vectors.embed import embed

        return embed(
            self, lines, sif=sif, counts=counts, remove=remove, common=common, unit=unit, threads=threads, **reading
        )

    def query(self, text: str, topn: int = 10, method: str = "add") -> Neighbours:
        """Neighbours of an expression such as `king - man + woman`."""
        return self._one(parse_query(text), topn, method)

    def analogy(self, a: str, b: str, c: str, topn: int = 10, method: str = "add") -> Neighbours:
        """`a` is to `b` as `c` is to which words?"""
        return self._one(analogy_query((a, b, c)), topn, method)

    def nearest(
        self,
        queries: Sequence[Query],
        topn: int = 10,
        method: str = "add",
        restrict_vocab: int | None = None,
        scope: Scope | None = None,
    ) -> list[Neighbours | UnknownWordError]:
        """Neighbours for many queries at once; an UnknownWordError takes the place of an answer."""
        return nearest(self, queries, topn, method, restrict_vocab, scope)

    def neighbours(
        self,
        words: Iterable[Word | Sequence[Word]] | None = None,
        topn: int = 10,
        *,
        decay: float = 1.0,
        restrict_vocab: int | None = None,
        among: Iterable[Word] | None = None,
        exclude: Iterable[Word] | None = None,
        min_cosine: float | None = None,
        approx: bool = False,
        to: Vectors | None = None,
        csls: bool = False,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The rows nearest to each word, int64 [Q, topn], and their cosines, float32 [Q, topn], best first; on all
        cores. Where there are fewer, the row is -1 and the cosine 0; beyond the number of rows there are no columns.
        `words` None asks for every row.

        A list of words, such as a session, is asked by the mean of its vectors, with what it holds left out of the
        answer; words in it that are not there are passed over, and each weighs `decay` times as much as the next.
        Answers come from the first `restrict_vocab` rows, from `among`, not from `exclude`, with a cosine of
        `min_cosine` or more. ``np.array(vectors.words, object)[rows]`` are the words. `approx` looks in an index of
        w2v[approx] and misses a few (see w2v.vectors.approximate). UnknownWordError for a word alone that is not there.

        `to`: other vectors in the same space answer, and the rows and lists are theirs; `csls` ranks these by CSLS,
        which is then in place of the cosine (see w2v.vectors.translation).
        """
        from w2v.vectors.neighbours import all_neighbours
        from w2v.vectors.translation import CslsScope

        limits = restrict_vocab, among, exclude, min_cosine
        if csls and to is None:
            raise SettingsError(f"{setting('csls')}: ranks answers from other vectors; give {setting('to')} too")
        scope = CslsScope(self, to, *limits) if csls and to is not None else Scope(self if to is None else to, *limits)
        return all_neighbours(self, words, topn, scope, decay, approx)

    def similarity(self, a: Word, b: Word) -> float:
        """Cosine of two words, 0 if one is a row of zeros."""
        first, second = self.place(a), self.place(b)
        return float(exact_cosines(self.rows_at([second]), np.array([0]), unit_mean(self, [first]))[0])

    def rank(self, a: Word, b: Word) -> int:
        """The place of `b` among the neighbours of `a`, from 1: like gensim's `rank`, 1 + how many words are nearer."""
        from w2v.vectors.relations import ranks

        (answer,) = ranks(self, [(a, b)])
        if isinstance(answer, UnknownWordError):
            raise answer
        return answer[0]

    def odd_one_out(self, words: Sequence[Word]) -> str:
        """The word that is least like the mean of all: like gensim's `doesnt_match`, but every word must be known."""
        from w2v.vectors.relations import odd_one_out

        return odd_one_out(self, words)[0][0]

    def evaluate(
        self,
        path: str | os.PathLike[str],
        *,
        restrict_vocab: int | None = 30_000,
        case_insensitive: bool = True,
        known_only: bool = False,
    ) -> Evaluation:
        """Score against a file of analogy questions or of word pairs, recognised by content (see w2v.vectors.evaluate).

        With subwords, questions with unknown words are scored separately, as `unseen`; not with `known_only`."""
        from w2v.vectors.evaluate import evaluate

        return evaluate(
            self, path, restrict_vocab=restrict_vocab, case_insensitive=case_insensitive, known_only=known_only
        )

    def evaluate_sessions(
        self,
        sessions: str | os.PathLike[str] | Iterable[Iterable[Word]],
        topn: int = 10,
        decay: float = 1.0,
    ) -> SessionScores:
        """Seek the last item of each session by the mean of those before it: HR, NDCG and MRR at `topn`, coverage (see
        w2v.vectors.evaluate). `sessions` is a file with one a line, or lists of items."""
        from w2v.vectors.evaluate import of_lists, read_sessions, score_sessions

        read = read_sessions(sessions) if isinstance(sessions, (str, os.PathLike)) else of_lists(sessions)
        return score_sessions(self, read, topn, decay)

    def _one(self, query: Query, topn: int, method: str, restrict_vocab: int | None = None) -> Neighbours:
        (answer,) = nearest(self, [query], topn, method, restrict_vocab)
        if isinstance(answer, UnknownWordError):
            raise answer
        return answer


def _as_tuple(words: Word | Sequence[Word]) -> tuple[Word, ...]:
    return (words,) if isinstance(words, (str, bytes, int, np.integer)) else tuple(words)


load = Vectors.load
