"""Vectors made from others: some rows, all of them at length 1, both rows of a word as one, spaces moved and turned.

Rows keep the order that they had: readers rely on falling frequency. What moves, shortens or turns a space is an affine
map of its rows, computed in float64 a block at a time; it leaves out n-grams, from which unseen words have vectors.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from w2v.errors import SettingsError, VectorsError, setting
from w2v.files import lines_of
from w2v.numbers import plural
from w2v.threads import for_each
from w2v.vectors._scan import BadRow
from w2v.vectors.expressions import parse_query
from w2v.vectors.formats.load import check_repeats, load_rows, recognised
from w2v.vectors.formats.rows import LoadOptions, ModelParts, Rows, row_error
from w2v.vectors.formats.source import Source, open_source
from w2v.vectors.vectors import Vectors
from w2v.vectors.words import Word, find_words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "align",
    "all_but_the_top",
    "load_some",
    "principal_axes",
    "principal_components",
    "read_list",
    "rotation",
    "rows_of",
    "sum_of",
    "unit",
]

COMBINATIONS = ("input", "add", "concat")  # the first is the default
BLOCK = 1 << 18  # numbers of a task: 2 MiB as float64
MAP_BLOCK = 1 << 20  # of a task that maps rows: 8 MiB


def rows_of(vectors: Vectors, rows: Sequence[int]) -> Vectors:
    """Some rows, in the order given; a range gives a view of the numbers."""
    index = slice(rows.start, rows.stop, rows.step) if isinstance(rows, range) else np.asarray(rows, np.intp)
    some = Vectors(vectors.words.table.take(rows), vectors.matrix[index])
    some.metadata.update(vectors.metadata)
    if vectors.subwords is not None:
        some.subwords = vectors.subwords.take(rows)
    model = vectors.model
    if model is not None and len(model.outputs) == len(vectors):
        some.model = ModelParts(model.outputs[index], np.asarray(model.counts)[index])
    if vectors.counts is not None:
        some.counts = vectors.counts[index]
    return some


class Some(NamedTuple):
    """Vectors of some words, how many of the words are there, and those that are not, each once, MOST_MISSING at
    most."""

    vectors: Vectors
    found: int
    missing: list[bytes]


def read_list(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The words of a file, one a line, up to a tab if there is one (so that `word<TAB>count` serves); "-" is standard
    input. Blank lines are passed over. OSError now if it cannot be opened, errors of its content as it is read."""
    lines = lines_of(path, VectorsError, times=1000, least=32 << 20)  # nothing is kept of them
    first = next(lines, None)
    words = (line.partition(b"\t")[0] for _, line in (chain([first], lines) if first is not None else ()))
    return (word for word in words if word)


def load_some(
    path: str | os.PathLike[str] | BinaryIO,
    options: LoadOptions,
    *,
    words: Iterable[str | bytes] | None = None,
    top: int | None = None,
) -> Some:
    """All rows of a file, those of `words`, the first `top` of these. Errors as `load_rows`.

    Of a plain binary file, only the numbers of the rows that are wanted are read.
    """
    if words is None:
        if top is not None:
            options = replace(options, limit=top)
        vectors = Vectors.of_rows(load_rows(path, options))
        return Some(vectors, len(vectors), [])
    if isinstance(path, (str, os.PathLike)) and os.path.isfile(path):  # a pipe would lose what is looked at
        with open_source(path) as source:
            some = _find_some(source, options, words, top)
        if some is not None:
            return some
    vectors = Vectors.of_rows(load_rows(path, options))
    found, missing = find_words(vectors.words.table, words)
    return Some(rows_of(vectors, found[:top]), len(found), missing)


def _find_some(source: Source, options: LoadOptions, words: Iterable[str | bytes], top: int | None) -> Some | None:
    """The rows of some words of a plain file whose rows can be found without loading it; None of any other."""
    find = recognised(source.name, source.head, options.format).find_rows if source.fd is not None else None
    if find is None:
        return None
    known = find(source, options)
    check_repeats(source.name, known.words, options)
    found, missing = find_words(known.words, words)
    rows = found[:top]
    matrix = np.empty((len(rows), known.dim), np.float32)
    norms = np.empty(len(rows), np.float64)
    try:
        known.take(np.array(rows, np.int64), matrix, norms, options.threads)
    except BadRow as bad:
        raise row_error(source.name, bad, known.promised) from None
    return Some(Vectors.of_rows(Rows(known.words.take(rows), matrix, norms)), len(found), missing)


def sum_of(vectors: Vectors, text: str) -> NDArray[np.float32]:
    """The row of a word, or the sum of an expression's rows with their signs, float32 [D]."""
    query = parse_query(text)
    if not query.negative and len(query.positive) == 1:
        return vectors[query.positive[0]]
    total = np.zeros(vectors.dim, np.float64)
    for sign, words in ((1, query.positive), (-1, query.negative)):
        for word in words:
            total += sign * vectors[word].astype(np.float64)
    return total.astype(np.float32)


def unit(vectors: Vectors, in_place: bool = False, threads: int | None = None) -> Vectors:
    """Every row at length 1, computed in float64; rows of zeros stay. `in_place` may overwrite the numbers."""
    matrix = vectors.matrix
    out = matrix if in_place and matrix.flags.writeable else np.empty(matrix.shape, np.float32)
    step = max(1, BLOCK // max(1, matrix.shape[1]))

    def scale(task: int) -> None:
        rows = matrix[task * step : (task + 1) * step].astype(np.float64)
        lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
        np.divide(rows, lengths, out=rows, where=lengths > 0)
        out[task * step : (task + 1) * step] = rows

    for_each(scale, -(-len(matrix) // step), threads)
    made = Vectors(vectors.words, out)
    made.metadata.update(vectors.metadata)
    return made


def check_combination(how: str, loss: str) -> None:
    """Raise SettingsError for what cannot be made of vectors trained with this loss."""
    if how not in COMBINATIONS:
        raise SettingsError(f"{setting('combine')}: {how!r} is not one of {', '.join(COMBINATIONS)}")
    if how != "input" and loss == "hs":
        raise SettingsError(
            f"{setting('combine')}: {setting('loss', 'hs')} has no context vectors; use {setting('loss', 'ns')}"
        )


def combine(vectors: Vectors, context: Vectors | None, how: str) -> Vectors:
    """One vector a word from its input and its context vector; `vectors` itself for "input".

    "add": their sum, float32 [V, D], so that cosines also show which words occur beside each other (Pennington et al.
    2014, section 4.2; Levy et al. 2015, section 3.3). "concat": one behind the other, float32 [V, 2 D].
    """
    if how == "input":
        return vectors
    check_combination(how, "hs" if context is None else "ns")
    assert context is not None
    if how == "add":
        made = Vectors(vectors.words, vectors.matrix + context.matrix)
    else:
        made = Vectors(vectors.words, np.concatenate([vectors.matrix, context.matrix], axis=1))
    made.metadata.update(vectors.metadata)
    return made


# --- spaces moved, shortened and turned ---


def all_but_the_top(vectors: Vectors, drop: int = 0) -> Vectors:
    """The rows without their mean, and without the `drop` directions in which they then differ most (Mu and Viswanath
    2018, algorithm 1; there about D / 100)."""
    mean, directions = _principal(vectors)
    if not 0 <= drop < vectors.dim:
        raise SettingsError(f"{setting('drop_top')}: must be between 0 and {vectors.dim - 1} (got {drop})")
    top = directions[:, :drop]
    return _mapped(vectors, mean, np.eye(vectors.dim) - top @ top.T)


def principal_components(vectors: Vectors, dim: int) -> Vectors:
    """The rows without their mean, as the `dim` numbers that keep most of how they differ, the largest first."""
    if not 1 <= dim <= vectors.dim:
        raise SettingsError(f"{setting('pca')}: must be between 1 and {vectors.dim} (got {dim})")
    mean, directions = _principal(vectors)
    return _mapped(vectors, mean, directions[:, :dim])


def rotation(first: NDArray[np.float32], second: NDArray[np.float32]) -> Floats:
    """What turns rows of `first` [n, D] nearest to those of `second` [n, E]: orthogonal, float64 [D, E] (Schoenemann
    1966)."""
    left, _, right = np.linalg.svd(first.T.astype(np.float64) @ second.astype(np.float64), full_matrices=False)
    return np.asarray(left @ right)


def align(
    vectors: Vectors, target: Vectors, pairs: Sequence[tuple[Word, Word]] | None = None
) -> tuple[Vectors, int, float]:
    """(the rows turned into the space of `target`, how many words this rests on, their mean cosine then).

    It rests on the words that both have, or on `pairs` of a word here and one there. Lengths stay, and with the same
    number of dimensions all angles. VectorsError for fewer words than dimensions, which leave the turn open.
    """
    if pairs is None:
        places = np.empty(len(vectors), np.int32)
        target.words.table.find_all(vectors.words.table, places)
        ours = np.flatnonzero(places >= 0)
        theirs = places[ours].astype(np.int64)
    else:
        found = [(vectors.words.find(a), target.words.find(b)) for a, b in pairs]
        both = np.array([pair for pair in found if min(pair) >= 0], np.int64).reshape(-1, 2)
        ours, theirs = both[:, 0], both[:, 1]
    least = min(vectors.dim, target.dim)
    if len(ours) < least:
        noun, where = ("word", "in both") if pairs is None else ("pair", "known on either side")
        known = f"{plural(len(ours), noun)} {where}"
        raise VectorsError(f"only {known}; to align {least} dimensions takes {least} at least")
    here, there = vectors.units(ours), target.units(theirs)
    turn = rotation(here, there)
    cosine = float(np.einsum("ij,ij->i", here @ turn, there.astype(np.float64)).mean())
    return _mapped(vectors, np.zeros(vectors.dim), turn), len(ours), cosine


def _principal(vectors: Vectors) -> tuple[Floats, Floats]:
    """(mean [D], directions [D, D], as of `principal_axes`)."""
    total, products = np.zeros(vectors.dim), np.zeros((vectors.dim, vectors.dim))
    for low, high in _blocks(vectors):
        rows = vectors.matrix[low:high].astype(np.float64)
        total += rows.sum(axis=0)
        products += rows.T @ rows
    mean = total / max(1, len(vectors))
    return mean, principal_axes(products / max(1, len(vectors)) - np.outer(mean, mean))


def principal_axes(products: Floats) -> Floats:
    """The directions in which rows differ, the most first, from the products [D, D] of their numbers, without the mean:
    float64 [D, D], a column each, whose largest number is positive."""
    directions = np.linalg.eigh(products)[1][:, ::-1]
    largest = np.abs(directions).argmax(axis=0)
    return np.asarray(directions * np.where(directions[largest, np.arange(len(directions))] < 0, -1, 1))


def _blocks(vectors: Vectors) -> list[tuple[int, int]]:
    step = max(1, MAP_BLOCK // vectors.dim)
    return [(low, min(low + step, len(vectors))) for low in range(0, len(vectors), step)]


def _mapped(vectors: Vectors, mean: Floats, by: Floats) -> Vectors:
    """Every row less `mean` [D], times `by` [D, E]."""
    out, blocks = np.empty((len(vectors), by.shape[1]), np.float32), _blocks(vectors)

    def work(task: int) -> None:
        low, high = blocks[task]
        out[low:high] = (vectors.matrix[low:high] - mean) @ by

    for_each(work, len(blocks))
    made = Vectors(vectors.words, out)
    made.metadata.update(vectors.metadata)
    made.counts = vectors.counts
    return made
