"""A window that slides over a sentence, drawn step by step."""

from __future__ import annotations

from collections.abc import Iterator
from shutil import get_terminal_size
from typing import TYPE_CHECKING

from w2v.cli.colours import painted, paper
from w2v.cli.table import width_of
from w2v.training.config import TrainConfig

if TYPE_CHECKING:
    from w2v.training.samples import Centre, Sentence
    from w2v.vectors.words import Words

__all__ = ["step_lines"]

CENTRE, CONTEXT = (214, 96, 77), (253, 219, 199)  # red and its light tint
LABELS = ((222, 235, 247), (67, 147, 195))  # of label 0 and of label 1


def step_lines(sentences: Iterator[Sentence], words: Words, config: TrainConfig, depth: int) -> Iterator[str]:
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


def marked(sentence: Sentence, centre: Centre, words: Words, depth: int, width: int) -> str:
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


def inputs(centre: Centre, words: Words, config: TrainConfig, depth: int) -> Iterator[str]:
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
