"""Questions in, rows out: what `w2v similar` and `w2v analogy` share, and, further down, the commands whose questions
are lines of words.

Questions come from the arguments, from standard input (as many at a time as have arrived, so that a file is answered in
batches and a co-process line by line) or from a prompt. A question that cannot be answered is reported on stderr; the
others are still answered, and the exit code is 1.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from w2v.cli.command import Option
from w2v.cli.errors import flush_output, say
from w2v.cli.options import top_option
from w2v.cli.prompt import Prompt, prompt_lines
from w2v.cli.streams import argument_text, is_terminal, read_lines, write
from w2v.cli.terminal import ALIGNED, UNNAMED, aligned_rows, suiting, tsv_line
from w2v.errors import UnknownWordError, W2VError
from w2v.numbers import count

if TYPE_CHECKING:
    from w2v.cli.progress import NullProgress
    from w2v.vectors.vectors import Vectors

__all__ = [
    "ANSWER_OPTIONS",
    "Answer",
    "Answerer",
    "LineAnswer",
    "Output",
    "Row",
    "answer_all",
    "answer_lines",
    "answer_rows",
    "answers_format",
    "each_line",
    "load_vectors",
    "made_note",
    "words_of",
]

Answer = Sequence["tuple[str, float] | tuple[int, str, float]"]  # word and score, best first; or rank, word and score
Answerer = Callable[[Sequence[str]], Sequence["Answer | W2VError"]]
ONCE = ("query", "word")  # columns that people see once for all rows of an answer
Row = dict[str, object]  # the columns of a row, by name
LineAnswer = tuple[list[Row], list[W2VError]]  # the rows for a line, and what could not be answered of it


@dataclass(frozen=True)
class Output:
    """How answers are written."""

    form: str  # aligned, unnamed, tsv, json, nested, parquet or arrow
    names: Mapping[str, str] | None = None  # what words are called, to be shown beside them
    score: str = "cosine"  # what the number of an answer is


def answers_format(columns: str, *more: str, help: str = "") -> Option:
    """Rows for programs where that is asked for, `more` forms too; else what suits the place."""
    return Option(
        ["--format", "form"],
        type=click.Choice(("tsv", "json", *more)),
        shown_default="aligned on a terminal, else tsv",
        help=f"tsv: {columns}; json: one object per line with the same names, or with `error`{help}.",
    )


ANSWER_OPTIONS = (
    top_option("Number of words per query."),
    answers_format("query, rank, word, cosine"),
)


def made_note() -> Callable[[bytes], None]:
    """What says once that a vector was made from n-grams, for the first such word."""
    said: list[bytes] = []

    def note(word: bytes) -> None:
        if not said:
            said.append(word)
            say(
                f"{shown_word(word)} is not in the vocabulary; its vector is made from its n-grams, as are those of "
                "other such words"
            )

    return note


def shown_word(word: bytes) -> str:
    from w2v.vectors.formats.rows import show_word

    return show_word(word)


def load_vectors(path: str, **options: Any) -> Vectors:
    """w2v.load, with the note of `made_note`."""
    from w2v.vectors.vectors import load

    vectors = load(path, **options)
    vectors.on_made(made_note())
    return vectors


def answer_all(arguments: Sequence[str], answerer: Answerer, output: Output, prompt: Prompt) -> int:
    """Answer the arguments, or else standard input; exit code 1 when a question could not be answered."""
    if arguments:
        failures = answer_queries([argument_text(a) for a in arguments], answerer, output)
    elif is_terminal(sys.stdin):
        at_prompt = replace(output, form=UNNAMED) if output.form == ALIGNED else output
        for line in prompt_lines(prompt):
            with prompt.answering():
                answer_lines([line], answerer, at_prompt)
        failures = 0  # at a prompt the asker has seen it
    else:
        failures = 0
        with asking_progress() as progress:
            asked = 0
            for lines in read_lines():
                failures += answer_lines(lines, answerer, output)
                asked += len(lines)
                progress.work("asking", *input_read(), f"{count(asked)} lines")
    return 1 if failures else 0


def asking_progress() -> NullProgress:
    """Progress of questions from a file or a pipe, for one who sees neither them nor the answers."""
    from w2v.cli.progress import progress_for

    return progress_for(is_terminal(sys.stdout) or not is_terminal(sys.stderr), leave=False)


def input_read() -> tuple[int, int | None]:
    """How many bytes of standard input are read, and of how many; None for a pipe."""
    try:
        return os.lseek(0, 0, os.SEEK_CUR), os.fstat(0).st_size or None
    except OSError:
        return 0, None


def answer_lines(lines: Iterable[str], answerer: Answerer, output: Output) -> int:
    """Answer the lines that are not blank; returns how many could not be answered."""
    queries = [line for line in lines if line.strip(" \t\r")]  # a word may be any other white space
    return answer_queries(queries, answerer, output) if queries else 0


def answer_queries(queries: Sequence[str], answerer: Answerer, output: Output) -> int:
    """Answer a batch and flush; returns how many could not be answered."""
    failures = 0
    rows = []
    for query, answer in zip(queries, answerer(queries), strict=True):
        if isinstance(answer, W2VError):
            failures += 1
            say(f"error: {answer}")
            if output.form in ("json", "nested"):  # a co-process waits for something
                rows.append(json_line({"query": query, "error": str(answer)}))
        else:
            rows.append(format_answer(query, answer, output))
    write("".join(rows))
    flush_output()
    return failures


def format_answer(query: str, answer: Answer, output: Output) -> str:
    """The rows of an answer; "nested" is one JSON object for all of them."""
    form, names, name = output.form, output.names, output.score
    if form in (ALIGNED, UNNAMED):
        lines = [
            {"query": query, "rank": rank, "word": word, name: float(score), **name_of(word, names)}
            for rank, word, score in ranked(answer)
        ]
        return aligned_rows(lines, "query", named=form == ALIGNED)
    if form == "tsv":
        shown = " ".join(query.split("\t"))
        return "".join(
            tsv_line((shown, str(rank), word, f"{score:.6f}", *([] if names is None else [names.get(word, "")])))
            for rank, word, score in ranked(answer)
        )
    rows = [
        {"rank": rank, "word": word, name: round(float(score), 6), **name_of(word, names)}
        for rank, word, score in ranked(answer)
    ]
    if form == "nested":
        return json_line({"query": query, **name_of(query, names), "neighbours": rows})
    return "".join(json_line({"query": query, **row}) for row in rows)


def name_of(word: str, names: Mapping[str, str] | None) -> dict[str, object]:
    """What the word is called, as a column; none without `names`."""
    return {} if names is None else {"name": names.get(word)}


def ranked(answer: Answer) -> Iterator[tuple[int, str, float]]:
    """Rows with their ranks: those that they bring, or their places."""
    return ((place, *row) if len(row) == 2 else row for place, row in enumerate(answer, 1))


def json_line(value: object) -> str:
    """JSON in raw UTF-8; bytes that are not UTF-8 are escaped as the surrogates that stand for them, so that it is
    valid JSON and reads back."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text) + "\n"


# --- lines of words ---


def words_of(line: str) -> list[str]:
    """Words between tabs or spaces; at no other white space, which a word may hold."""
    return [word for word in line.replace("\t", " ").split(" ") if word]


def answer_rows(
    arguments: Sequence[str],
    answer: Callable[[list[list[str]]], Iterable[LineAnswer]],
    form: str | None,
    prompt: Prompt,
) -> int:
    """Answer the words of the arguments, or of each line of standard input; exit code 1 when one could not be.

    `answer` gets the words of several lines and gives a LineAnswer for each.
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
) -> Callable[[list[list[str]]], list[LineAnswer]]:
    """An answerer that looks the words of several lines up together and asks `rows` for each line.

    A line with a word that is not there is not answered, unless `partly`: then its other words are.
    """

    def answer(asked: list[list[str]]) -> list[LineAnswer]:
        vectors, unknown = pick(word for words in asked for word in words)
        answers: list[LineAnswer] = []
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


def show(answers: Iterable[LineAnswer], form: str) -> int:
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
