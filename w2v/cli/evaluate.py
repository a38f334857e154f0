"""`w2v evaluate`: scores on analogy questions and on word pairs rated by people."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from w2v.cli.answers import json_line, load_vectors
from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import flush_output, say, warn
from w2v.cli.options import Whole, decay_option, top_option, vectors_argument
from w2v.cli.progress import progress_for
from w2v.cli.streams import is_terminal, write
from w2v.cli.terminal import aligned, tsv
from w2v.errors import SettingsError, setting
from w2v.numbers import plural
from w2v.vectors.scores import PairScores, Section

if TYPE_CHECKING:
    from w2v.cli.progress import NullProgress
    from w2v.vectors.scores import Evaluation

__all__ = ["command"]

HELP = """Score vectors on analogy questions and on word pairs rated by people.

A FILE in the form of questions-words.txt (': section' lines, then four words per line) gives the share of right answers
for each section, the semantic and the syntactic ones and in total; a FILE of pairs (two words and a number, separated
by tabs or commas) gives Spearman's rho and Pearson's r. The kind is recognised by content. Scores agree with gensim's
evaluators. --sessions gives HR@k, NDCG@k and MRR@k of the next item, and the share of the catalogue that is
recommended. With n-grams, questions and pairs with words that were never seen are scored in a row of their own,
`unseen`.
"""

EXAMPLES = [
    ("Analogies", "w2v evaluate vectors.bin data/world-questions.txt"),
    ("Rated word pairs, as JSON", "w2v evaluate vectors.bin pairs.tsv --json"),
    (
        "Recommendation: how often a session's last item is among the ten nearest to those before it",
        "w2v evaluate vectors.bin --sessions corpus.txt -k 10",
    ),
    ("Only the totals", "w2v evaluate vectors.bin data/world-questions.txt | grep -w total"),
]


HEADER = ("file", "section", "score", "right", "asked", "skipped")


def evaluate(
    vectors: str,
    files: tuple[str, ...],
    sessions: tuple[str, ...],
    topn: int,
    decay: float,
    restrict_vocab: int,
    known_only: bool,
    form: str | None,
) -> None:
    if not files and not sessions:
        raise SettingsError(f"give a FILE of questions or word pairs, or {setting('sessions', 'FILE')}")
    with progress_for(form == "json", leave=False) as progress:
        rows = score_files(vectors, files, restrict_vocab, known_only, form, progress) if files else []
        rows += score_sessions(vectors, sessions, topn, decay, form, progress) if sessions else []
    if form != "json":
        write(aligned(HEADER, rows, left=2) if is_terminal(sys.stdout) else tsv(HEADER, rows))


def score_sessions(
    vectors: str, files: Sequence[str], topn: int, decay: float, form: str | None, progress: NullProgress
) -> list[Sequence[str]]:
    """The rows of sessions' scores; JSON is written at once."""
    from w2v.vectors.evaluate import read_sessions
    from w2v.vectors.evaluate import score_sessions as scores_of

    loaded = load_vectors(vectors)
    rows: list[Sequence[str]] = []
    for path in files:
        progress.phase(f"evaluating: {path}")
        scores = scores_of(loaded, read_sessions(path), topn, decay)
        if form == "json":
            write(json_line(scores.to_dict()))
            flush_output()
            continue
        hits, *others = (f"hr@{topn}", scores.hr), (f"ndcg@{topn}", scores.ndcg), (f"mrr@{topn}", scores.mrr)
        rows.append((path, hits[0], f"{hits[1]:.6f}", str(scores.hits), str(scores.asked), str(scores.skipped)))
        for name, value in (*others, ("catalogue", scores.catalogue), ("coverage", scores.coverage)):
            rows.append((path, name, f"{value:.6f}", "", str(scores.asked), str(scores.skipped)))
    return rows


def score_files(
    vectors: str,
    files: Sequence[str],
    restrict_vocab: int,
    known_only: bool,
    form: str | None,
    progress: NullProgress,
) -> list[Sequence[str]]:
    """The rows of the scores of questions and pairs; JSON is written at once."""
    loaded = load_vectors(vectors, limit=restrict_vocab)  # no other row takes part
    if loaded.subwords is not None and not known_only and len(loaded) == restrict_vocab:
        loaded = load_vectors(vectors)  # for a word that is known no vector is made
    rows: list[Sequence[str]] = []
    for path in files:
        progress.phase(f"evaluating: {path}")
        scores = loaded.evaluate(path, restrict_vocab=restrict_vocab, known_only=known_only)
        if scores.malformed:
            left_out = plural(scores.malformed, "line")
            say(f"{path}: left out {left_out}, neither a question nor a section or pair: {scores.left_out}")
        if isinstance(scores, PairScores) and math.isnan(scores.spearman):
            pairs = plural(scores.asked, "pair")
            warn(f"{path}: no correlation of {pairs}; it takes two or more that differ, in rating and in cosine")
        if form == "json":
            write(json_line(scores.to_dict()))
            flush_output()
        else:
            rows += score_rows(path, scores)
    return rows


def score_rows(path: str, scores: Evaluation) -> Iterator[Sequence[str]]:
    """Rows of the table: sections and their sums for questions, two correlations for pairs, and how much was asked."""
    if isinstance(scores, PairScores):
        for name, value in (("spearman", scores.spearman), ("pearson", scores.pearson)):
            yield path, name, f"{value:.6f}", "", str(scores.asked), str(scores.skipped)
    else:
        for part in (*scores.sections, scores.semantic, scores.syntactic, scores.total):
            yield path, part.name, f"{part.accuracy:.6f}", str(part.correct), str(part.asked), str(part.skipped)
    unseen = scores.unseen
    if unseen is not None and isinstance(unseen, Section):
        yield path, "unseen", f"{unseen.accuracy:.6f}", str(unseen.correct), str(unseen.asked), ""
    elif unseen is not None:
        yield path, "unseen spearman", f"{unseen.spearman:.6f}", "", str(unseen.asked), ""
    whole = scores if isinstance(scores, PairScores) else scores.total
    yield path, "coverage", f"{whole.coverage:.6f}", "", str(whole.asked), str(whole.skipped)


command = Command(
    "evaluate",
    usage="VECTORS [FILE...] [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=evaluate,
    params=[
        vectors_argument(),
        Argument(["files"], nargs=-1, metavar="FILE", line="Analogy questions or rated word pairs."),
        Option(
            ["--sessions"],
            metavar="FILE",
            multiple=True,
            help="Held-out sessions, one per line (w2v sessions --last-out): the last item is predicted from those "
            "before it. Repeatable.",
        ),
        top_option("How many items are recommended (--sessions)."),
        decay_option("Each item weighs X times as much as the next one (--sessions)."),
        Option(
            ["--restrict-vocab"],
            type=Whole(1),
            metavar="N",
            default=30_000,
            shown_default="30000",
            help="Ask about, and answer from, the N most frequent words.",
        ),
        Option(
            ["--known-only"],
            is_flag=True,
            help="Leave out questions and pairs with words that were never seen, instead of scoring them separately.",
        ),
        Option(["--json", "form"], flag_value="json", help="One JSON object per line instead of the table."),
    ],
)
