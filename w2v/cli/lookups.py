"""Lines of words in, a row each out: what `w2v similarity`, `rank`, `odd-one-out` and `vector` share.

Lines come from the arguments, from standard input (as many at a time as have arrived) or from a prompt. What cannot be
answered is reported on stderr; the others are still answered, and the exit code is 1.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from w2v.cli.answers import json_line
from w2v.cli.errors import flush_output, say
from w2v.cli.prompt import Prompt, prompt_lines
from w2v.cli.streams import argument_text, is_terminal, read_lines, write
from w2v.cli.table import ALIGNED, UNNAMED, aligned_rows, suiting, tsv_line
from w2v.errors import UnknownWordError, W2VError

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

__all__ = ["Answer", "Row", "answer_rows", "each_line", "words_of"]

ONCE = ("query", "word")  # columns that people see once for all rows of an answer
Row = dict[str, object]  # the columns of a row, by name
Answer = tuple[list[Row], list[W2VError]]  # the rows for a line, and what could not be answered of it


def words_of(line: str) -> list[str]:
    """Words between tabs or spaces; at no other white space, which a word may hold."""
    return [word for word in line.replace("\t", " ").split(" ") if word]


def answer_rows(
    arguments: Sequence[str], answer: Callable[[list[list[str]]], Iterable[Answer]], form: str | None, prompt: Prompt
) -> int:
    """Answer the words of the arguments, or of each line of standard input; exit code 1 when one could not be.

    `answer` gets the words of several lines and gives an Answer for each.
    """
    form = suiting(form)
    if arguments:
        failed = show(answer([[argument_text(a) for a in arguments]]), form)
    elif is_terminal(sys.stdin):
        for line in prompt_lines(prompt):
            with prompt.answering():
                show(answer([words_of(line)]), UNNAMED if form == ALIGNED else form)
        failed = 0  # at a prompt it has been seen
    else:
        failed = 0
        for lines in read_lines():
            if asked := [words for line in lines if (words := words_of(line))]:
                failed += show(answer(asked), form)
    return 1 if failed else 0


def each_line(
    pick: Callable[[Iterable[str]], tuple[Vectors, dict[str, UnknownWordError]]],
    rows: Callable[[Vectors, list[str]], list[Row]],
    partly: bool = False,
) -> Callable[[list[list[str]]], list[Answer]]:
    """An answerer that looks the words of several lines up together and asks `rows` for each line.

    A line with a word that is not there is not answered, unless `partly`: then its other words are.
    """

    def answer(asked: list[list[str]]) -> list[Answer]:
        vectors, unknown = pick(word for words in asked for word in words)
        answers: list[Answer] = []
        for words in asked:
            errors: list[W2VError] = [unknown[word] for word in words if word in unknown]
            found: list[Row] = []
            if not errors or partly:
                try:
                    found = rows(vectors, [word for word in words if word not in unknown])
                except W2VError as error:
                    errors.append(error)
            answers.append((found, errors))
        return answers

    return answer


def show(answers: Iterable[Answer], form: str) -> int:
    """Print a batch and flush; returns how much could not be answered."""
    failed, out = 0, []
    found: list[Row] = []
    for rows, errors in answers:
        failed += len(errors)
        found += rows
        for error in errors:
            say(f"error: {error}")
            if form == "json":  # a co-process waits for something
                out.append(json_line({"error": str(error)}))
        if form in ("tsv", "json"):
            out += [json_line(row) if form == "json" else text_row(row) for row in rows]
    if form in (ALIGNED, UNNAMED) and found:
        once = next((name for name in ONCE if name in found[0]), "")
        out.append(aligned_rows(found, once, named=form == ALIGNED))
    write("".join(out))
    flush_output()
    return failed


def text_row(row: Row) -> str:
    return tsv_line(f"{cell:.6f}" if isinstance(cell, float) else str(cell) for cell in row.values())
