"""`w2v sweep`: several trainings on one reading, as a table."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from w2v.cli.command import Command, Option
from w2v.cli.errors import flush_output, say, warn
from w2v.cli.options import (
    PHRASES,
    config_from,
    config_options,
    corpus_argument,
    list_options,
    quiet_option,
    stated_options,
    tmp_dir_option,
)
from w2v.cli.output import STDOUT, check_outputs
from w2v.cli.progress import Bars, NullProgress, progress_for
from w2v.cli.streams import is_terminal, write
from w2v.cli.terminal import tsv_line
from w2v.corpus.config import CorpusConfig
from w2v.errors import SettingsError
from w2v.training.config import TrainConfig
from w2v.training.progress import Reporter

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.training.progress import Progress
    from w2v.training.sweep import SweepRun

__all__ = ["command"]

HELP = """Train once for each combination of settings, reading the corpus once, and print the scores as a table.

Each option under Training takes one value, or several separated by commas. A row is printed when its run ends: the
settings that differ, the scores of the --eval files (the share of right answers, Spearman's rho, HR@10), the loss of
the last epoch, words/s, seconds. Runs go side by side, each as with --threads 1, where that is faster. With --results
or -o the rows are kept as JSON lines, and the same command continues where it stopped; more values can be added later.
"""

EXAMPLES = [
    ("Which window suits", "w2v sweep data/world.txt.gz --window 2,5,10 --epochs 1 --eval data/world-questions.txt"),
    (
        "Means over three seeds, kept, with the vectors",
        "w2v encode corpus.txt -o corpus.ids\n"
        "  w2v sweep corpus.ids -o runs --dim 50,100 --seeds 1,2,3 --epochs 1 --eval pairs.tsv --mean",
    ),
]


def sweep(
    corpus: tuple[str, ...],
    output: str | None,
    results: str | None,
    files: tuple[str, ...],
    mean: bool,
    form: str | None,
    tmp_dir: str | None,
    quiet: bool,
    **given: Any,
) -> None:
    from w2v.training.evaluation import read_tests
    from w2v.training.sweep import combinations, varied_names
    from w2v.training.sweep import sweep as runs_of

    lists = {name: given.pop(name) for name in stated_options(TrainConfig)}
    configs = combinations(lists)
    corpus_config = config_from(CorpusConfig, {name: given[name] for name in CorpusConfig.__dataclass_fields__})
    check_places(output, results, corpus, files)
    tests = read_tests(files)
    with progress_for(quiet) as progress:
        encoded = read(corpus, corpus_config, tmp_dir, progress)
        shown = Bars(leave=False) if isinstance(progress, Bars) else progress
        varied = varied_names(lists)
        table = Table(configs, varied, list(tests), mean, form)
        try:
            reporters = [ProgressOnly(shown)]
            for run in runs_of(encoded, configs, tests, varied, results=results, folder=output, reporters=reporters):
                shown.finish(complete=False)
                table.add(run)
        except KeyboardInterrupt:
            shown.finish(complete=False)
            if not quiet:
                kept = "the same command continues" if results or output else "-o DIR or --results FILE would keep them"
                say(f"{table.runs} of {len(configs)} runs are done; {kept}")
            raise
        finally:
            encoded.close()


def check_places(folder: str | None, results: str | None, corpus: Sequence[str], tests: Sequence[str]) -> None:
    """Raise for places where the results could not be written."""
    from w2v.places import check_folder
    from w2v.training.evaluation import file_of

    if STDOUT in (folder, results):
        raise SettingsError("-o, --results: standard output carries the table; give a name")
    check_outputs([] if results is None else [results], [*corpus, *map(file_of, tests)])
    if folder is not None:
        check_folder(folder, corpus)


def read(corpus: tuple[str, ...], config: CorpusConfig, tmp_dir: str | None, progress: NullProgress) -> EncodedCorpus:
    """The corpus from its text, or from what w2v encode wrote."""
    from w2v.corpus.open import open_corpus

    encoded, _ = open_corpus(
        list(corpus),
        config,
        stated_options(CorpusConfig),
        tmp_dir=tmp_dir,
        on_progress=progress.reading,
        on_warning=warn,
    )
    progress.finish()
    return encoded


class ProgressOnly(Reporter):
    """Of the single runs only how far they are: the table has the rest."""

    def __init__(self, display: NullProgress):
        self.display = display

    def training(self, progress: Progress) -> None:
        self.display.training(progress)


class Table:
    """Rows as they come: tab-separated, lined up on a terminal, or JSON lines; each run, or means over the seeds."""

    def __init__(
        self, configs: Sequence[TrainConfig], varied: Sequence[str], tests: Sequence[str], mean: bool, form: str | None
    ):
        self.names = [name for name in varied if not (mean and name == "seed")]
        self.tests = tests
        self.mean = mean
        self.form = form
        self.held_out = any(config.held_out for config in configs)
        self.seeds = len({config.seed for config in configs})
        self.runs = 0  # that were added
        self.waiting: list[SweepRun] = []  # runs of one setting, for their mean
        self.widths: list[int] | None = None
        if is_terminal(sys.stdout) and form is None:
            texts = [[self.shown(getattr(config, name)) for config in configs] for name in self.names]
            values = [max(map(len, column), default=0) for column in texts]
            self.widths = [*values, *[8] * (len(self.header()) - len(values))]

    def header(self) -> list[str]:
        scores = [part for name in self.tests for part in ((name, "+-") if self.mean else (name,))]
        return [
            *self.names,
            *(["runs"] if self.mean else []),
            *scores,
            "loss",
            *(["held_out_loss"] if self.held_out else []),
            "words_per_s",
            "seconds",
        ]

    def name_of(self, run: SweepRun) -> str:
        return ", ".join(f"{name} {self.shown(getattr(run.config, name))}" for name in self.names)

    def add(self, run: SweepRun) -> None:
        if not self.runs and self.form is None:
            self.put(self.header())
        self.runs += 1
        if run.error:
            warn(f"{self.name_of(run) or 'the run'}: {run.error}")
        self.waiting.append(run)
        if len(self.waiting) < (self.seeds if self.mean else 1):
            return
        runs, self.waiting = self.waiting, []
        if self.form == "json":
            write("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.objects(runs)))
            flush_output()
        else:
            self.put(list(self.cells(runs)))

    def cells(self, runs: list[SweepRun]) -> Iterator[str]:
        yield from (self.shown(getattr(runs[0].config, name)) for name in self.names)
        good = [run for run in runs if not run.error]
        if self.mean:
            yield str(len(good))
        for name in self.tests:
            scores = [score for run in good if (score := run.scores.get(name)) is not None]
            yield f"{statistics.fmean(scores):.4f}" if scores else ""
            if self.mean:
                yield f"{statistics.stdev(scores):.4f}" if len(scores) > 1 else ""
        yield mean_text([run.loss for run in good], ".4f")
        if self.held_out:
            yield mean_text([run.held_out_loss for run in good], ".4f")
        yield mean_text([run.words_per_s for run in good], ".0f")
        yield mean_text([run.seconds for run in good], ".1f")

    def objects(self, runs: list[SweepRun]) -> Iterator[dict[str, Any]]:
        """For --json: each run with its scores; for --mean one object with the means and what they are of."""
        settings = {name: getattr(runs[0].config, name) for name in self.names}
        if not self.mean:
            run = runs[0]
            yield {
                **settings,
                "scores": run.scores,
                "loss": run.loss,
                "held_out_loss": run.held_out_loss,
                "words_per_s": round(run.words_per_s),
                "seconds": round(run.seconds, 3),
                "error": run.error,
                "vectors": run.vectors,
            }
            return
        scores = {name: [run.scores.get(name) for run in runs if not run.error] for name in self.tests}
        means = {
            name: statistics.fmean(found) if (found := [x for x in each if x is not None]) else None
            for name, each in scores.items()
        }
        yield {**settings, "runs": len(runs), "means": means, "scores": scores}

    def put(self, cells: list[str]) -> None:
        if self.widths is None:
            write(tsv_line(cells))
        else:
            padded = (
                cell.rjust(max(width, len(name)))
                for cell, width, name in zip(cells, self.widths, self.header(), strict=True)
            )
            write("  ".join(padded).rstrip() + "\n")
        flush_output()

    @staticmethod
    def shown(value: Any) -> str:
        if isinstance(value, bool):
            return "on" if value else "off"
        return f"{value:g}" if isinstance(value, float) else str(value)


def mean_text(values: Sequence[float | None], form: str) -> str:
    found = [value for value in values if value is not None]
    return format(statistics.fmean(found), form) if found else ""


GROUPS = dict.fromkeys(("threads", "share_negatives", "negative_pool", "hot_rows", "node_sample", "exact"), "Speed")

command = Command(
    "sweep",
    usage="CORPUS... [--eval FILE]... [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=sweep,
    params=[
        corpus_argument(),
        Option(
            ["--eval", "files"],
            metavar="FILE",
            multiple=True,
            group="Results",
            help="Analogy questions or rated word pairs, as for w2v evaluate; sessions:FILE for held-out sessions "
            "(HR@10). Repeatable.",
        ),
        Option(
            ["--mean"],
            is_flag=True,
            group="Results",
            help="One row per setting: the mean over its seeds, +- the standard deviation.",
        ),
        Option(
            ["--json", "form"],
            flag_value="json",
            group="Results",
            help="One JSON object per line instead of the table.",
        ),
        Option(
            ["--results"],
            metavar="FILE",
            group="Results",
            shown_default="DIR/results.jsonl",
            help="Keep the rows in this file as JSON lines; runs already in it are not repeated.",
        ),
        Option(
            ["-o", "--output"],
            metavar="DIR",
            group="Results",
            help="Keep the vectors of each run in this folder too, as .bin.",
        ),
        *list_options(TrainConfig, "Training (lists)", GROUPS, {"seed": ("--seeds",)}),
        *config_options(CorpusConfig, "Corpus", PHRASES),
        tmp_dir_option(),
        quiet_option("No progress."),
    ],
)
