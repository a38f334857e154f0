"""`w2v similar`: the nearest words, to one query or to a million."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from w2v.cli.answers import (
    ANSWER_OPTIONS,
    Answer,
    Output,
    answer_all,
    answers_format,
    format_answer,
    load_vectors,
    made_note,
    ranked,
    words_of,
)
from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import flush_output, named_output, say
from w2v.cli.options import Number, Whole, decay_option, quiet_option, vectors_argument
from w2v.cli.output import check_stdout
from w2v.cli.progress import progress_for
from w2v.cli.prompt import Prompt, prompt_lines
from w2v.cli.streams import argument_text, is_terminal, read_lines, write
from w2v.cli.terminal import suiting
from w2v.errors import SettingsError, setting

if TYPE_CHECKING:
    from w2v.cli.progress import NullProgress
    from w2v.vectors.approximate import Index
    from w2v.vectors.neighbours import Scope
    from w2v.vectors.vectors import Vectors

__all__ = ["command"]

HELP = """The nearest words to a word, or to an expression such as 'king - man + woman'.

Without a QUERY, reads one per line from standard input and answers each as it arrives; on a terminal, shows a prompt.
Words of the query are left out of its answer. Prints one row per neighbour: query, rank, word, cosine.

--all asks for every word of the file, on all cores, and writes the answers as they are found; it needs the
vectors' memory, and time that grows with the square of their number: about half an hour for 1,000,000 words of 100
numbers on one CPU. --approx needs minutes for them, misses a few neighbours, and says how many. --mean recommends: each
line is a session, and the query is the mean of its items.

--to answers with the words of another file, whose space is the same: translations, where languages were aligned. Before
the first answer --csls takes as long as --all: it compares all words of both files; --restrict-vocab N keeps to the N
most frequent words of both.
"""

EXAMPLES = [
    ("The ten nearest words", "w2v similar vectors.bin king"),
    ("An expression", "w2v similar vectors.bin king - man + woman -k 3"),
    ("Every word of a list, as JSON lines", "w2v similar vectors.bin --format json < words.txt > neighbours.jsonl"),
    (
        "The neighbours of every word, one object per word",
        "w2v similar vectors.bin --all -k 10 --format json --nested > neighbours.jsonl",
    ),
    ("What to recommend after each session", "w2v similar vectors.bin --mean --decay 0.9 < corpus.txt"),
    (
        "A word in another space, such as another language's",
        "w2v convert other.bin same.bin --align-to vectors.bin\n"
        "  w2v similar same.bin king --to vectors.bin --csls -k 1",
    ),
]


def similar(
    vectors: str,
    query: tuple[str, ...],
    topn: int,
    form: str | None,
    nested: bool,
    every: bool,
    words: str | None,
    mean: bool,
    decay: float,
    approx: bool,
    names: str | None,
    quiet: bool,
    **limits: Any,
) -> int:
    from w2v.seeing.lists import read_groups

    given = [name for name, value in (("all", every), ("words", words), ("mean", mean)) if value]
    check_together(given, query, form, nested, decay, approx)
    if limits["csls"] and limits["to"] is None:
        raise SettingsError(f"{setting('csls', True)}: ranks answers from other vectors; give {setting('to')} too")
    titles = None if names is None else read_groups(names, "name")
    output = Output("nested" if nested else suiting(form), titles, "csls" if limits["csls"] else "cosine")
    if given:
        if form in TABLES:
            check_stdout("-")
        return answer_many(vectors, query, topn, output, words, mean, decay, approx, limits, quiet)
    from w2v.vectors.expressions import joined_arguments
    from w2v.vectors.query import VectorFile

    limited = any(value is not None and value is not False for value in limits.values())
    with progress_for(quiet, leave=False) as progress:
        scope = partial(scope_of, limits=limits, progress=progress) if limited else None
        with VectorFile(vectors, on_made=made_note(), scope=scope) as asker:
            help = "A word, or words joined by + and -: their nearest words."
            prompt = Prompt("similar> ", asker, "{0} - {1} + {2}", help)
            return answer_all(joined_arguments(query), lambda lines: asker.similar(lines, topn), output, prompt)


def check_together(
    given: Sequence[str], query: Sequence[str], form: str | None, nested: bool, decay: float, approx: bool
) -> None:
    """SettingsError for options that do not go together; those that are `given` bring many queries."""
    many = f"{setting('all', True)}, {setting('words')} or {setting('mean', True)}"
    mean = "mean" in given
    if len(given) > 1 or (query and given and not mean):
        raise SettingsError(f"{setting(given[0])}: brings its queries; leave out {other_queries(given)}")
    if decay != 1 and not mean:
        raise SettingsError(f"{setting('decay')}: is for {setting('mean', True)}")
    if approx and not given:
        raise SettingsError(f"{setting('approx')}: is for many queries: {many}")
    if nested and form != "json":
        raise SettingsError(f"{setting('nested')}: is for {setting('form', 'json')}")
    if form in TABLES and not given:
        raise SettingsError(f"{setting('form', form)}: is for {many}")


def other_queries(given: Sequence[str]) -> str:
    return "QUERY" if len(given) == 1 else setting(given[1])


def scope_of(vectors: Vectors, limits: Mapping[str, Any], progress: NullProgress) -> Scope:
    """Which words may be answers; those of the lists that are not there are counted on stderr."""
    from w2v.vectors.derive import read_list
    from w2v.vectors.neighbours import Scope
    from w2v.vectors.translation import CslsScope
    from w2v.vectors.vectors import load

    def tell(done: int) -> None:
        progress.work("looking for hubs", done, len(scope), f"{done:,} words")
        if done == len(scope):
            progress.finish()

    answering = vectors if limits["to"] is None else load(limits["to"])
    among, exclude = (None if limits[name] is None else read_list(limits[name]) for name in ("among", "exclude"))
    given = (limits["restrict_vocab"], among, exclude, limits["min_cosine"])
    scope = CslsScope(vectors, answering, *given, tell) if limits["csls"] else Scope(answering, *given)
    if scope.missing:
        tell_missing(scope.missing, "of the lists of answers")
    return scope


def tell_missing(missing: Sequence[bytes], what: str) -> None:
    from w2v.numbers import plural
    from w2v.vectors.formats.rows import show_word

    few = ", ".join(map(show_word, missing[:3])) + (", ..." if len(missing) > 3 else "")
    say(f"{plural(len(missing), 'word')} {what} {'is' if len(missing) == 1 else 'are'} not in the vocabulary: {few}")


# --- many queries ---

Asked = tuple[str, list[int]]  # a query as it is shown, and the places of its words


def batches(queries: Iterable[Asked]) -> Iterator[list[Asked]]:
    """As many at a time as are answered together."""
    from w2v.vectors.neighbours import QUERIES

    queries = iter(queries)
    while batch := list(islice(queries, QUERIES)):
        yield batch


def answer_many(
    path: str,
    arguments: Sequence[str],
    topn: int,
    output: Output,
    words: str | None,
    mean: bool,
    decay: float,
    approx: bool,
    limits: Mapping[str, Any],
    quiet: bool,
) -> int:
    """Answer every row, the words of a file or the means of sessions, block by block; exit code 1 if a word is not
    there."""
    from w2v.vectors.neighbours import check_decay, nearest_rows

    check_decay(decay)
    vectors = load_vectors(path)
    asked = Questions(vectors)
    every = ((word, [row]) for row, word in enumerate(vectors.words))
    queries = asked.sessions(arguments) if mean else batches(asked.listed(words) if words else every)
    total = None if mean or words else len(vectors)
    with progress_for(quiet or is_terminal(sys.stdout)) as progress, writer_of(output) as put:
        scope = scope_of(vectors, limits, progress)
        index = make_index(scope, topn, progress) if approx else None
        answers = scope.vectors.words
        done = 0
        for block in queries:
            rows, cosines = nearest_rows(vectors, [places for _, places in block], topn, scope, decay, index)
            put(
                [
                    (shown, [(answers[row], score) for row, score in zip(*found, strict=True) if row >= 0])
                    for (shown, _), *found in zip(block, rows.tolist(), cosines.tolist(), strict=True)
                ]
            )
            done += len(block)
            progress.work("asking", done, total, f"{done:,} queries")
        progress.finish()
    return asked.tell()


class Questions:
    """Many queries, and what of them is not in the vocabulary."""

    def __init__(self, vectors: Vectors):
        self.vectors = vectors
        self.missing: dict[bytes, None] = {}
        self.empty = 0  # sessions of which no item is known
        self.failed = False

    def listed(self, path: str) -> Iterator[Asked]:
        """Each word of a file that is there."""
        from w2v.vectors.derive import read_list
        from w2v.vectors.words import to_text

        for word in read_list(path):
            places = self.known([to_text(word)])
            if places:
                yield to_text(word), places
            self.failed = self.failed or not places

    def sessions(self, arguments: Sequence[str]) -> Iterator[list[Asked]]:
        """The arguments as one line, or the lines of standard input, as many at a time as have arrived."""
        if arguments:
            arrived: Iterable[list[str]] = [[" ".join(map(argument_text, arguments))]]
        elif is_terminal(sys.stdin):
            prompt = Prompt("session> ", self.vectors, "{0} {3}", "The items of a session: what is near their mean.")
            arrived = ([line] for line in prompt_lines(prompt))
        else:
            arrived = read_lines()
        for lines in arrived:
            yield from batches(self.session(items) for line in lines if (items := words_of(line)))

    def session(self, items: Sequence[str]) -> Asked:
        places = self.known(items)
        self.empty += not places
        return " ".join(items), places

    def known(self, words: Sequence[str]) -> list[int]:
        from w2v.vectors.neighbours import known_places
        from w2v.vectors.words import MOST_MISSING, to_bytes

        places, unknown = known_places(self.vectors, words)
        if len(self.missing) < MOST_MISSING:
            self.missing.update(dict.fromkeys(map(to_bytes, unknown)))
        return places

    def tell(self) -> int:
        """Say what was not there; the exit code."""
        from w2v.numbers import plural

        if self.missing:
            tell_missing(list(self.missing), "of the queries")
        if self.empty:
            say(f"{plural(self.empty, 'line')} without an answer: none of their items is in the vocabulary")
        return 1 if self.failed or self.empty else 0


def make_index(scope: Scope, topn: int, progress: NullProgress) -> Index:
    """The index of --approx; its recall is said on stderr."""
    from w2v.vectors.approximate import Index, recall

    index = Index(scope, on_progress=lambda done: progress.work("indexing", done, len(scope), f"{done:,} rows"))
    progress.finish()
    share, asked = recall(index, topn)
    progress.note(f"--approx finds {share:.1%} of the {topn} nearest (measured on {asked} words)", important=True)
    return index


# --- their answers ---

TABLES = ("parquet", "arrow")
Answers = Sequence[tuple[str, Answer]]  # each query as it is shown, with its answer


@contextmanager
def writer_of(output: Output) -> Iterator[Callable[[Answers], object]]:
    """What writes blocks of answers to standard output."""

    def put(answers: Answers) -> None:
        write("".join(format_answer(query, answer, output) for query, answer in answers))
        flush_output()

    if output.form not in TABLES:
        yield put
        return
    from w2v.cli.streams import binary_output
    from w2v.tables import TableWriter

    with named_output(), TableWriter(binary_output(), output.form) as table:
        yield lambda answers: table.write(columns_of(answers, output))


def columns_of(answers: Answers, output: Output) -> dict[str, list[Any]]:
    names = output.names
    rows = [(query, *row) for query, answer in answers for row in ranked(answer)]
    columns = dict(zip(("query", "rank", "word", output.score), map(list, zip(*rows, strict=True)), strict=False))
    if names is not None and columns:
        columns["name"] = [names.get(word) for word in columns["word"]]
    return columns


command = Command(
    "similar",
    usage="VECTORS [QUERY...] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=similar,
    params=[
        vectors_argument(),
        Argument(["query"], nargs=-1, metavar="QUERY", line="A word, or words joined by ' + ' and ' - '."),
        ANSWER_OPTIONS[0],
        answers_format(
            "query, rank, word, cosine", *TABLES, help="; of many queries also a table for other programs (w2v[tables])"
        ),
        Option(["--nested"], is_flag=True, help="One object per query, with a list of its neighbours (--format json)."),
        Option(["--all", "every"], setting="all", is_flag=True, group="Many queries", help="Ask for every word."),
        Option(["--words"], metavar="FILE", group="Many queries", help="Ask for the words of FILE, one per line."),
        Option(
            ["--mean"],
            is_flag=True,
            group="Many queries",
            help="Ask by the mean of each line's words, which are left out of the answer; unknown words are skipped.",
        ),
        decay_option("Each word of a line weighs X times as much as the next one (--mean).", group="Many queries"),
        Option(
            ["--approx"],
            is_flag=True,
            group="Many queries",
            help="Look in an index (w2v[approx]): quick for many words; the share of neighbours found is measured.",
        ),
        quiet_option("No progress."),
        Option(["--among"], metavar="FILE", group="Answers", help="Only words from FILE, one per line."),
        Option(["--exclude"], metavar="FILE", group="Answers", help="No words from FILE."),
        Option(
            ["--restrict-vocab"], type=Whole(1), metavar="N", group="Answers", help="Only the N most frequent words."
        ),
        Option(
            ["--min-cosine"],
            type=Number(-1, 1),
            metavar="X",
            group="Answers",
            help="Only words with a cosine of X or more.",
        ),
        Option(
            ["--to"],
            metavar="FILE",
            group="Answers",
            help="Words of these vectors, which are in the same space: translations (w2v convert --align-to).",
        ),
        Option(
            ["--csls"],
            is_flag=True,
            group="Answers",
            help="Rank them by CSLS (Conneau et al. 2018), which takes off how near they are to everything; its column "
            "is csls, in place of the cosine.",
        ),
        Option(
            ["--names"],
            metavar="FILE",
            group="Answers",
            help="Names to show beside the words, such as titles: lines of word, tab, name.",
        ),
    ],
)
