"""A window that slides over a sentence, drawn step by step; and the numbers that the trainer computes at each step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import numpy as np

from w2v.cli.answers import json_line
from w2v.cli.terminal import aligned, painted, paper, shade, tsv_line, width_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.training.config import TrainConfig
    from w2v.training.samples import Centre, Sentence, Step, TracedSentence, Update

__all__ = ["number_lines", "number_rows", "step_lines"]

Sample = tuple[str, str, int, float, float, float]  # input, output, label, dot product, sigmoid, error

CENTRE, CONTEXT = (214, 96, 77), (253, 219, 199)  # red and its light tint
CELL = 7  # columns of a number that is written out
LABELS = ((222, 235, 247), (67, 147, 195))  # of label 0 and of label 1


def step_lines(sentences: Iterator[Sentence], words: Sequence[str], config: TrainConfig, depth: int) -> Iterator[str]:
    """Lines of text: for each centre the sentence with its window marked, then a line for each input.

    Without colours the centre stands in [ ], the window's other words in ( ), a word dropped by subsampling in - -.
    """
    width = get_terminal_size().columns
    for number, sentence in enumerate(sentences, 1):
        dropped = len(sentence.words) - len(sentence.kept)
        gone = f", {dropped} dropped by subsampling" if dropped else ""
        yield painted(f"sentence {number}: {len(sentence.words)} words{gone}", "1", depth) + "\n\n"
        for centre in sentence.centres:
            yield marked(sentence, centre, words, depth, width) + "\n"
            yield from inputs(centre, words, config, depth)
            yield "\n"


def marked(
    sentence: Sentence | TracedSentence, centre: Centre | Step, words: Sequence[str], depth: int, width: int
) -> str:
    """The sentence with its window; where it is wider than the terminal, the part around the centre."""
    here = sentence.kept[centre.place]
    window = set(sentence.kept[centre.first : centre.last + 1])
    kept = set(sentence.kept)
    cells: list[tuple[str, int]] = []
    for place, word in enumerate(sentence.words):
        text = words[word]
        if place == here:
            shown = painted(f" {text} ", paper(CENTRE, depth) + ";1", depth) if depth else f"[{text}]"
        elif place in window:
            shown = painted(f" {text} ", paper(CONTEXT, depth), depth) if depth else f"({text})"
        elif place not in kept:
            shown = painted(f" {text} ", "2;9", depth) if depth else f"-{text}-"
        else:
            shown = painted(f" {text} ", "2", depth) if depth else f" {text} "
        cells.append((shown, width_of(text) + 2))
    first, last = around([size for _, size in cells], here, max(width - 4, 20))
    head, tail = "…" if first else "", "…" if last < len(cells) else ""
    return head + "".join(shown for shown, _ in cells[first:last]) + tail


def around(sizes: list[int], here: int, room: int) -> tuple[int, int]:
    """The widest run of cells around `here` that fits into the room."""
    first, last, used = here, here + 1, sizes[here]
    while True:
        right = last < len(sizes) and used + sizes[last] <= room
        if right:
            used += sizes[last]
            last += 1
        left = first > 0 and used + sizes[first - 1] <= room
        if left:
            first -= 1
            used += sizes[first]
        if not left and not right:
            return first, last


def inputs(centre: Centre, words: Sequence[str], config: TrainConfig, depth: int) -> Iterator[str]:
    """A line an input: the rows that it is trained against, with their labels."""
    names = []
    for row in centre.rows:
        name = ", ".join(words[word] for word in row.words)
        names.append(f"mean of {name}" if len(row.words) > 1 else name)
    widest = max(map(width_of, names), default=0)
    for name, row in zip(names, centre.rows, strict=True):
        cells = []
        for number, label in row.outputs:
            text = f"{f'node {number}' if config.loss == 'hs' else words[number]} {label}"
            cells.append(painted(f" {text} ", paper(LABELS[label], depth), depth) if depth else text)
        yield f"    {name}{' ' * (widest - width_of(name))}  →  " + (" " if depth else "  ").join(cells) + "\n"


def number_rows(
    sentences: Iterable[TracedSentence], words: Sequence[str], config: TrainConfig, form: str, positive_only: bool
) -> Iterator[str]:
    """A line per sample: input, output, label, dot product, sigmoid, error."""
    for number, sentence in enumerate(sentences, 1):
        for step in sentence.steps:
            place = sentence.kept[step.place] + 1
            for update in step.updates:
                for given, output, label, dot, sigmoid, error in samples(update, words, config):
                    if positive_only and not label:
                        continue
                    numbers = {"dot": dot, "sigmoid": sigmoid, "error": error}
                    yield sample_line(form, number, place, given, output, label, **numbers)


def sample_line(form: str, sentence: int, place: int, given: str, output: str, label: int, **numbers: float) -> str:
    """A sample for programs: as JSON, or input, output, label and its numbers with tabs between them."""
    if form == "json":
        where = {"sentence": sentence, "place": place, "input": given, "output": output, "label": label}
        return json_line({**where, **{name: round(value, 6) for name, value in numbers.items()}})
    return tsv_line((given, output, str(label), *(f"{value:.6f}" for value in numbers.values())))


def samples(update: Update, words: Sequence[str], config: TrainConfig) -> Iterator[Sample]:
    """The samples of one update, input by input."""
    inputs = input_names(update, words, config)
    dots, sigmoids, errors = (matrix.tolist() for matrix in (update.dots, update.sigmoids, update.errors))
    for j, given in enumerate(inputs):
        for i, (row, label) in enumerate(update.outputs):
            yield given, output_name(row, words, config), label, dots[i][j], sigmoids[i][j], errors[i][j]


def input_names(update: Update, words: Sequence[str], config: TrainConfig) -> list[str]:
    names = [words[word] for word in update.words]
    return [" ".join(names)] if config.model == "cbow" else names


def output_name(row: int, words: Sequence[str], config: TrainConfig) -> str:
    return f"node {row}" if config.loss == "hs" else words[row]


def number_lines(
    sentences: Iterable[TracedSentence], words: Sequence[str], config: TrainConfig, depth: int
) -> Iterator[str]:
    """For each centre: the sentence with its window, the rows before and after, and the numbers of each sample."""
    width = get_terminal_size().columns
    for number, sentence in enumerate(sentences, 1):
        size, rate = len(sentence.words), f"{sentence.lr:.4g}"
        title = f"sentence {number}, epoch {sentence.epoch}: {size} words, learning rate {rate}"
        yield painted(title, "1", depth) + "\n\n"
        losses: list[float] = []
        for step in sentence.steps:
            yield marked(sentence, step, words, depth, width) + "\n"
            for update in step.updates:
                yield from row_lines(update, words, config, depth, width)
                found = list(samples(update, words, config))
                losses += [-float(np.log(max(1e-7, 1 - abs(error)))) for *_, error in found]
                table = [
                    (given, output, str(label), f"{dot:+.4f}", f"{sigmoid:.4f}", f"{error:+.4f}")
                    for given, output, label, dot, sigmoid, error in found
                ]
                header = ("input", "output", "label", "dot product", "sigmoid", "error")
                yield "".join(f"    {line}\n" for line in aligned(header, table, left=2).splitlines()) + "\n"
        total = f"{len(losses)} samples, loss {sum(losses):.4f}"
        yield (f"{total}, {sum(losses) / len(losses):.4f} per sample\n\n" if losses else "no samples\n\n")


def row_lines(update: Update, words: Sequence[str], config: TrainConfig, depth: int, width: int) -> Iterator[str]:
    """The rows of one update, as they were and as they are after it. A word that occurs twice has one row."""
    rows = {words[word]: (update.inputs_before[j], update.inputs_after[j]) for j, word in enumerate(update.words)}
    outputs = {
        output_name(row, words, config): (update.outputs_before[i], update.outputs_after[i])
        for i, (row, _) in enumerate(update.outputs)
    }
    named = [(f"input  {name}", *pair) for name, pair in rows.items()]
    named += [(f"output {name}", *pair) for name, pair in outputs.items()]
    longest = max(width_of(name) for name, _, _ in named)
    largest = max(float(np.abs(row).max()) for _, *pair in named for row in pair) or 1.0
    room = max(8, (width - longest - 4 - 8) // 2)
    for name, before, after in named:
        gap = " " * (longest - width_of(name))
        yield f"    {name}{gap}  {cells(before, largest, room, depth)}  →  {cells(after, largest, room, depth)}\n"


def cells(row: NDArray[np.float32], largest: float, room: int, depth: int) -> str:
    """As many of the row's numbers as fit: coloured cells, or without colours the numbers."""
    if depth:
        wide = max(1, min(2, room // len(row)))
        return (
            "".join(f"\x1b[{shade(float(value) / largest, depth)}m{' ' * wide}" for value in row[: room // wide])
            + "\x1b[0m"
        )
    shown = max(1, room // CELL)
    return " ".join(f"{value:+.3f}" for value in row[:shown]) + (" …" if shown < len(row) else "")
