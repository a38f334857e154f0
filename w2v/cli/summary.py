"""The few lines on stderr at the end of a training: what was read, kept, trained and dropped, and why. They add up."""

from __future__ import annotations

from collections.abc import Sequence
from math import log
from typing import TYPE_CHECKING, cast

from w2v.cli.errors import shown
from w2v.cli.progress import loss_text
from w2v.errors import setting
from w2v.numbers import count, duration, plural, short, size

if TYPE_CHECKING:
    from w2v.cluster.run import ClusterSummary
    from w2v.corpus.vocab import TokenCounts
    from w2v.training.progress import TrainSummary
    from w2v.training.run import RunResult

__all__ = ["notes", "reading_rows", "summary_lines", "summed"]

# TokenCounts' fields that say why a token of the text was not kept.
DROPPED = {
    "below_min_count": "dropped, rarer than --min-count",
    "beyond_max_vocab": f"dropped, beyond {setting('max_vocab')}",
    "not_in_vocab": "dropped, not in the vocabulary that was read",
    "too_long": "dropped, longer than 1,024 bytes",
    "no_word": "dropped, holds no word for the tokenizer",
    "joined": "joined to the token before them (--phrases)",
}
UNTRAINED = log(2)  # the loss where every probability is a half
MORE = f"train longer ({setting('epochs')}), with a larger {setting('lr')}, or on more text"
STEPS = ("reading", "training", "evaluating", "writing")
NOTES = {
    "cut_sentences": "sentences longer than 10,000 tokens were cut",
    "nul_bytes": "NUL bytes were taken as white space",
    "not_utf8": "tokens are not UTF-8, and were kept as they are; to convert: iconv -f ENCODING -t UTF-8 FILE > NEW",
}


def summary_lines(done: RunResult, output: str) -> list[str]:
    """Lines without a prefix; numbers in one column."""
    token_counts, summary, times = done.corpus.token_counts, done.result.summary, done.times
    lines = summed([*reading_rows(token_counts), *training_rows(summary)], notes(token_counts))
    lines += loss_lines(summary)
    parts = [f"{duration(times[step])} {step}" for step in STEPS if step in times]
    before = summary.seconds - times["training"]
    resumed = f"; trained for {duration(before)} before it was resumed" if before > 0 else ""
    lines.append(
        f"{short(summary.words_per_s)} words/s on {plural(summary.threads, 'thread')}, kernel {summary.kernel}, "
        f"loss {summary.loss:.4f}"
    )
    if abs(summary.loss - UNTRAINED) < 0.01 * UNTRAINED:
        lines.append(f"that is nearly the loss of vectors that have learned nothing ({UNTRAINED:.4f}): {shown(MORE)}")
    lines.append(f"{duration(times['all'])} in all: {', '.join(parts)}{resumed}")
    if summary.reproducible is not None:
        lines.append(f"the same bytes with any number of threads, with kernel {summary.reproducible.kernel}")
    if hasattr(summary, "nodes"):
        lines.append(cluster_line(cast("ClusterSummary", summary)))
    lines.append(f"{output}: {done.content}")
    return lines


def cluster_line(summary: ClusterSummary) -> str:
    """What the nodes did together."""
    nodes = plural(summary.nodes, "node")
    line = f"{nodes}, {size(summary.bytes_exchanged)} exchanged in {summary.exchanges:,} exchanges"
    if summary.nodes_lost:
        line += f"; {summary.nodes_lost:,} lost on the way, {summary.chunks_lost:,} chunks trained again"
    return line


def summed(rows: list[tuple[int, str]], after: list[tuple[int, str]]) -> list[str]:
    """One line per row, numbers in one column."""
    width = max(len(count(number)) for number, _ in rows)
    return [f"{count(number):>{width}}  {text}" for number, text in (*rows, *after)]


def reading_rows(token_counts: TokenCounts) -> list[tuple[int, str]]:
    where = f"{size(token_counts.text_bytes)} of text in {plural(token_counts.files, 'file')}"
    rows = [(token_counts.read, f"tokens read ({where}; {plural(token_counts.types_read, 'type')})")]
    rows += [
        (getattr(token_counts, name), shown(text)) for name, text in DROPPED.items() if getattr(token_counts, name)
    ]
    return [*rows, (token_counts.kept, f"tokens kept, in {plural(token_counts.sentences, 'sentence')}")]


def training_rows(summary: TrainSummary) -> list[tuple[int, str]]:
    rows = [(summary.held_out, "held out of training (--held-out)")] if summary.held_out else []
    rows.append((summary.tokens_total, f"tokens in {plural(summary.epochs, 'epoch')}"))
    if summary.subsampled:
        rows.append((summary.subsampled, "left out by subsampling (--sample)"))
    if summary.alone:
        rows.append((summary.alone, "left out, alone in their sentence"))
    return [*rows, (summary.trained, "tokens trained")]


def loss_lines(summary: TrainSummary) -> list[str]:
    """The mean loss of each epoch, and what held-out text says."""
    lines = []
    if len(summary.epoch_losses) > 1:
        lines.append(f"loss by epoch: {series(summary.epoch_losses)}")
    if summary.held_out_losses:
        lines.append(f"held-out loss after each: {series(summary.held_out_losses)}")
    if summary.stopped_early:
        lines.append(f"stopped early: the held-out loss has not fallen since epoch {summary.best_epoch}")
    if summary.best_epoch is not None:
        lines.append(f"the vectors are those of epoch {summary.best_epoch}")
    return lines


def series(values: Sequence[float | None], most: int = 10) -> str:
    """0.4012 0.3710 0.3563; the middle of a long one is left out."""
    shown = [loss_text(value) for value in values]
    return " ".join(shown if len(shown) <= most else [*shown[: most // 2], "...", *shown[-(most // 2) :]])


def notes(token_counts: TokenCounts) -> list[tuple[int, str]]:
    return [(getattr(token_counts, name), text) for name, text in NOTES.items() if getattr(token_counts, name)]
