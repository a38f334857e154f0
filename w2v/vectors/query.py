"""Questions to a vector file that need not be loaded: a binary file is scanned in place, without NumPy.

For a few questions, two passes over the file (find the rows, then take all cosines) are far quicker than loading it;
once there are many, or the file is of another kind, it is loaded and asked as `Vectors`.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain
from math import sqrt
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

from w2v.errors import SettingsError, UnknownWordError, W2VError
from w2v.vectors._best import SPARE, Best, best_of, exact_cosines, product_score, shifted_quotient
from w2v.vectors._scan import BadRow, BinaryRows
from w2v.vectors.expressions import METHODS, Query, analogy_query, parse_query, sense_parts
from w2v.vectors.formats.binary import check_boundaries
from w2v.vectors.formats.load import check_repeats, load_rows, recognised
from w2v.vectors.formats.rows import LoadOptions, row_error
from w2v.vectors.formats.source import Source, open_source
from w2v.vectors.words import Word, Words, to_bytes, to_text, unknown_word

if TYPE_CHECKING:
    from w2v.vectors.formats.format import FewWords
    from w2v.vectors.neighbours import Scope
    from w2v.vectors.relations import Rank
    from w2v.vectors.vectors import Vectors

__all__ = ["VectorFile"]

Asked = tuple[int, list[int], list[int]]  # a question's place, the rows to be near to, those to be far from

# A pass for up to this many questions at once takes about as long as loading the file.
FEW = 32
LARGE = 1e6  # numbers beyond are seldom meant: it may be that the word holds a space
MANY = 10_000  # rows read one by one take longer than all of them together


Answer = list[tuple[str, float]]
Read = TypeVar("Read")


class VectorFile:
    """A vector file that answers questions: `VectorFile(path).similar(["king - man + woman"])`.

    Options as `w2v.load`; `on_made` is called with each word that a vector is made for; `scope` says which rows may be
    answers, and has the file loaded. Errors as there, except that a binary file's numbers are only checked when first
    asked.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        limit: int | None = None,
        lenient: bool = False,
        duplicates: str = "error",
        threads: int | None = None,
        on_made: Callable[[bytes], object] | None = None,
        scope: Callable[[Vectors], Scope] | None = None,
    ):
        self._on_made = on_made
        self._make_scope = scope
        self._scope: Scope | None = None
        self._model: FewWords | None = None
        self._path = path
        self._options = LoadOptions(limit, lenient, duplicates, threads)
        self._vectors: Vectors | None = None
        self._rows: BinaryRows | None = None
        self._open = ExitStack()
        try:
            self._find()
        except BaseException:
            self._open.close()
            raise

    def _find(self) -> None:
        source = self._open.enter_context(open_source(self._path))
        if source.fd is not None:
            record = recognised(source.name, source.head)
            if record.open_model is not None:
                self._model = record.open_model(source)
                return
            find = record.find_rows
            rows = find(source, self._options) if find is not None else None
            if rows is not None and not check_repeats(source.name, rows.words, self._options):
                self._rows, self._source = rows, source
                return
        self._load(source if source.fd is None else None)

    def _load(self, source: Source | None = None) -> Vectors:
        from w2v.vectors.vectors import Vectors

        if self._vectors is None:
            self._vectors = Vectors.of_rows(load_rows(self._path if source is None else source, self._options))
            if self._on_made is not None:
                self._vectors.on_made(self._on_made)
            self._rows = self._model = None
            self._open.close()
        return self._vectors

    def __enter__(self) -> VectorFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def __len__(self) -> int:
        return len(self.words)

    @property
    def words(self) -> Words:
        """The words of the file, in the order of its rows."""
        if self._rows is not None:
            return Words(self._rows.words)
        return Words(self._model.words) if self._model is not None else self._load().words

    @property
    def dim(self) -> int:
        if self._rows is not None:
            return self._rows.dim
        return self._model.dim if self._model is not None else self._load().dim

    def similar(self, texts: Sequence[str], topn: int = 10, method: str = "add") -> list[Answer | W2VError]:
        """Neighbours of words or expressions; an error takes the place of an answer that cannot be given."""
        return self._each([_attempt(parse_query, text) for text in texts], topn, method)

    def analogies(
        self, questions: Sequence[Sequence[str]], topn: int = 10, method: str = "add"
    ) -> list[Answer | W2VError]:
        """For each (A, B, C): A is to B as C is to which words?"""
        return self._each([_attempt(analogy_query, words) for words in questions], topn, method)

    def pick(self, words: Iterable[str]) -> tuple[Vectors, dict[str, UnknownWordError]]:
        """Vectors that hold these words at least, read without the others where the file allows, and what is not there.

        A binary file's few rows are read by their place, as are those that a few words of a fastText model are made of;
        else it is the whole file.
        """
        wanted = list(dict.fromkeys(words))
        unknown: dict[str, UnknownWordError] = {}
        senses = self._has_sense(wanted)
        if self._model is not None and len(wanted) <= FEW and not senses:
            from w2v.vectors.vectors import Vectors

            rows, made, unknown = self._model.pick(wanted, self._on_made)
            return Vectors.of_rows(rows, made), unknown
        if self._rows is None or len(wanted) > MANY or senses:
            vectors = self._load()
            for word in wanted:
                try:
                    vectors.place(word)
                except UnknownWordError as error:
                    unknown[word] = error
            return vectors, unknown
        found: dict[str, array[float]] = {}
        for word in wanted:
            try:
                found[word] = self._vector(self._row(word))
            except UnknownWordError as error:
                unknown[word] = error
        import numpy as np

        from w2v.vectors.vectors import Vectors

        matrix = np.array([np.frombuffer(row, np.float32) for row in found.values()], np.float32)
        return Vectors(found, matrix.reshape(len(found), self.dim)), unknown

    def ranks(self, pairs: Sequence[tuple[str, str]]) -> list[Rank | UnknownWordError]:
        """For each (a, b) the rank of b among the neighbours of a, and their cosine: see `Vectors.rank`."""
        from w2v.vectors.relations import rank_in, ranks

        rows = self._rows
        if rows is None or len(pairs) > FEW or self._has_sense(chain.from_iterable(pairs)):
            return ranks(self._load(), pairs)
        import numpy as np

        answers: list[Rank | UnknownWordError] = []
        for a, b in pairs:
            try:
                first, second = self._row(a), self._row(b)
            except UnknownWordError as error:
                answers.append(error)
                continue
            unit = _unit(self._vector(first))
            table = _table([unit], self.dim)
            cosines = self._checked(partial(rows.cosines, table, self._options.threads))
            rank = rank_in(np.frombuffer(cosines, np.float32), first, second)
            answers.append((rank, self._exact_cosines([second], unit)[0]))
        return answers

    def _vector(self, row: int) -> array[float]:
        rows = self._rows
        assert rows is not None
        numbers = self._checked(partial(rows.vector, row))
        if max(map(abs, numbers)) > LARGE:
            check_boundaries(self._source.name, rows.words, lambda other: rows.vector(other, False), [row])
        return numbers

    def _checked(self, read: Callable[[], Read]) -> Read:
        assert self._rows is not None
        try:
            return read()
        except BadRow as bad:
            raise row_error(self._source.name, bad, self._rows.promised) from None

    def _each(self, queries: list[Query | W2VError], topn: int, method: str) -> list[Answer | W2VError]:
        answers = iter(self.nearest([q for q in queries if isinstance(q, Query)], topn, method))
        return [next(answers) if isinstance(q, Query) else q for q in queries]

    def nearest(self, queries: Sequence[Query], topn: int = 10, method: str = "add") -> list[Answer | W2VError]:
        """As `Vectors.nearest`."""
        if method not in METHODS:
            raise SettingsError(f"method: {method!r} is neither add nor mul")
        senses = self._has_sense(word for q in queries for word in q.words)
        if self._rows is None or len(queries) > FEW or self._make_scope is not None or senses:
            vectors = self._load()
            if self._make_scope is not None and self._scope is None:
                self._scope = self._make_scope(vectors)
            return [*vectors.nearest(queries, topn, method, scope=self._scope)]
        answers: list[Answer | W2VError] = [[] for _ in queries]
        asked: list[Asked] = []
        for number, query in enumerate(queries):
            try:
                asked.append((number, [self._row(w) for w in query.positive], [self._row(w) for w in query.negative]))
            except UnknownWordError as error:
                answers[number] = error
        if asked and topn > 0:
            for (number, _, _), answer in zip(asked, self._scan(asked, topn, method), strict=True):
                answers[number] = answer
        return answers

    def _has_sense(self, words: Iterable[Word]) -> bool:
        """Whether one of the words is a sense (polish#2), which is made of many rows."""
        named = ((word, parts) for word in words if (parts := sense_parts(word)) is not None)
        return any(word not in self.words and parts[0] in self.words for word, parts in named)

    def _row(self, word: Word) -> int:
        assert self._rows is not None
        try:
            row = self._rows.words.find(to_bytes(word))
        except UnicodeEncodeError:
            row = -1
        if row < 0:
            raise unknown_word(self._rows.words, word)
        return row

    def _scan(self, asked: list[Asked], topn: int, method: str) -> list[Answer]:
        rows = self._rows
        assert rows is not None
        try:
            scores = self._scores(rows, asked, method)
        except BadRow as bad:
            raise row_error(self._source.name, bad, rows.promised) from None
        extra = max(len({*plus, *minus}) for _, plus, minus in asked)
        best = Best(len(asked), min(topn + extra + SPARE, rows.count))
        best.offer(scores, 0, None, self._options.threads)
        answers = []
        for place, (_, plus, minus) in enumerate(asked):
            found = [row for row, _ in best.result(place) if row not in plus and row not in minus]
            units = [_unit(self._vector(row)) for row in plus + minus]
            targets = [_mean(units[: len(plus)], units[len(plus) :])] if method == "add" else units
            score = itemgetter(0) if method == "add" else partial(product_score, len(plus))
            cosines = [self._exact_cosines(found, target) for target in targets]
            answers.append([(to_text(rows.words[row]), value) for row, value in best_of(found, cosines, score, topn)])
        return answers

    def _exact_cosines(self, rows: list[int], target: array[float]) -> array[float]:
        if not rows:  # every word was asked about; a memoryview has no table of no rows
            return array("d")
        table = _table(array("f", b"".join(self._vector(row).tobytes() for row in rows)), self.dim)
        return exact_cosines(table, array("q", range(len(rows))), target)

    def _scores(self, rows: BinaryRows, asked: list[Asked], method: str) -> memoryview[float]:
        """The score of every row for every question [asked, rows], from one pass over the file."""
        threads = self._options.threads
        units = {row: _unit(rows.vector(row)) for _, plus, minus in asked for row in plus + minus}
        if method == "add":
            targets = [_mean([units[r] for r in plus], [units[r] for r in minus]) for _, plus, minus in asked]
            return rows.cosines(_table(targets, rows.dim), threads)
        place = {row: place for place, row in enumerate(units)}
        cosines = rows.cosines(_table([*units.values()], rows.dim), threads)
        scores = array("f")
        for _, plus, minus in asked:
            scores += shifted_quotient(cosines, [place[r] for r in plus], [place[r] for r in minus])
        return _table(scores, rows.count)


def _attempt(make: Callable[[Any], Query], asked: Any) -> Query | W2VError:
    try:
        return make(asked)
    except W2VError as error:
        return error


def _unit(values: array[float]) -> array[float]:
    length = sqrt(sum(v * v for v in values))
    return array("d", [v / length for v in values]) if length > 0 else array("d", values)


def _mean(plus: list[array[float]], minus: list[array[float]]) -> array[float]:
    """The sum of the first less the others, at unit length."""
    size = len((plus + minus)[0])
    return _unit(array("d", [sum(v[i] for v in plus) - sum(v[i] for v in minus) for i in range(size)]))


def _table(rows: list[array[float]] | array[float], columns: int) -> memoryview[float]:
    """Rows, or one run of them, as float32 [n, columns]."""
    flat = rows if isinstance(rows, array) else array("f", [v for row in rows for v in row])
    return memoryview(flat).cast("B").cast("f", (len(flat) // columns, columns))
