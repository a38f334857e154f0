"""`w2v train`: corpus in, vectors out."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from w2v.cli.command import Command, Option
from w2v.cli.errors import say, shown
from w2v.cli.options import (
    PHRASES,
    Duration,
    config_from,
    config_options,
    corpus_argument,
    quiet_option,
    read_vocab_option,
    stated_options,
    tmp_dir_option,
)
from w2v.corpus.config import CorpusConfig, SessionConfig
from w2v.errors import SettingsError, setting
from w2v.settings import options_of
from w2v.training.config import PRESETS, TrainConfig
from w2v.vectors.formats import writable

if TYPE_CHECKING:
    from w2v.corpus.sessions import Sessions
    from w2v.training.run import Run

__all__ = ["command"]

HELP = """Train word vectors on a text corpus.

CORPUS is a file, a folder (every file below it that is not hidden, in sorted order) or - for standard input; plain
text, gzip, bzip2, xz or zstd, recognised by content. Each line is a sentence. The text is read once, and memory holds
one number per token. A file written by w2v encode is ready for training.

The vectors are written in one step at the end: OUT is either complete or untouched. A training that is stopped (Ctrl-C,
SIGTERM) leaves its state in OUT.checkpoint and continues from there with --resume; a long one saves it every 10
minutes.
"""

EXAMPLES = [
    ("Train with the defaults", "w2v train data/world.txt.gz -o vectors.bin"),
    ("From a pipe, raw prose, lower-cased", "zcat news-*.gz | w2v train - -o vectors.bin --tokenizer words --lower"),
    ("CBOW, longer vectors, as text", "w2v train corpus/ -o vectors.txt.gz --model cbow --dim 300"),
    ("Continue after Ctrl-C, a kill or a power cut", "w2v train data/world.txt.gz -o vectors.bin --resume"),
    (
        "Write a report of the run, so that it can be repeated",
        "w2v train data/world.txt.gz -o vectors.bin --report vectors.json",
    ),
    (
        "Watch it learn: loss on held-out text, scores and a log",
        "w2v train data/world.txt.gz -o vectors.bin \\\n"
        "      --held-out 1% --eval data/world-questions.txt --log run.jsonl",
    ),
    (
        "Keep a run, and continue it with more text later",
        "w2v train corpus.txt -o a.bin --keep-checkpoint\n  w2v train corpus/ -o b.bin --continue a.bin.checkpoint",
    ),
    (
        "Every night with the day's sessions; the first time from the start",
        "w2v train corpus.txt -o items.bin --preset sessions --epochs 2 --continue",
    ),
    (
        "On the nodes of a Ray cluster, or on a new one of this machine",
        "w2v train data/world.txt.gz -o vectors.bin --cluster auto",
    ),
    (
        "Keep the vocabulary and use it again",
        "w2v train corpus.txt -o a.bin --save-vocab vocab.tsv\n  w2v train corpus.txt -o b.bin --read-vocab vocab.tsv",
    ),
]


# What most need.
COMMON = (
    *("output", "min_count", "tokenizer", "lower", "model", "dim", "window", "negative", "epochs", "subwords"),
    *("threads", "eval", "resume", "quiet"),
)
FIELDS = frozenset((*options_of(CorpusConfig), *options_of(TrainConfig), *options_of(SessionConfig)))
# As in w2v/vectors/derive.py, which is not loaded for --help.
COMBINATIONS = ("input", "add", "concat")
# Fields of TrainConfig under a heading of their own: what departs from plain word2vec, and how to turn it off; and how
# a training is watched.
GROUPS = {
    **dict.fromkeys(("threads", "share_negatives", "negative_pool", "hot_rows", "node_sample", "exact"), "Speed"),
    **dict.fromkeys(("held_out", "stop_early"), "Watching"),
    **dict.fromkeys(("subwords", "buckets"), "Subwords"),
}

BESIDE = "\0"  # --continue and --resume without a name: no file is called so


def train(corpus: tuple[str, ...], output: str, kind: Callable[..., Run] | None = None, **given: Any) -> None:
    """Check everything that can be checked, read, train, write, report; `kind` makes the run of other commands."""
    from w2v.cli.job import run_training
    from w2v.training.run import Run
    from w2v.training.train import build_configs

    table = corpus_table(corpus, given)
    if given["continue_from"] == BESIDE:
        take_up_beside(output, given)
    given["resume"] = given["resume"] == BESIDE or given["resume"] or False
    preset = given.pop("preset", None)
    stated = {name: given[name] for config in (CorpusConfig, TrainConfig) for name in stated_options(config)}
    configs = build_configs("train", stated, given["continue_from"], preset)
    given = {name: value for name, value in given.items() if name not in FIELDS}
    cluster, sync_every = given.pop("cluster"), given.pop("sync_every")
    if cluster is not None:
        from w2v.cluster.run import ClusterRun

        kind = partial(ClusterRun, address=cluster, sync_every_s=sync_every)
    run_training(kind or Run, table or list(corpus), *configs, output=output, stated=frozenset(stated), **given)
    if preset is not None and not given["quiet"]:
        say(f"preset {preset}: {' '.join(shown(text) for text in preset_texts(preset, stated))}")


def corpus_table(corpus: Sequence[str], given: dict[str, Any]) -> Sessions | None:
    """The sessions of the tables that the corpus is, if their columns are named."""
    if not stated_options(SessionConfig):
        return None
    from w2v.corpus.sessions import Sessions

    config = config_from(SessionConfig, dict(given))
    if given["cluster"] is not None:
        raise SettingsError(f"{setting('cluster')}: reads lines; write them first: w2v sessions ... -o sessions.txt")
    return Sessions(corpus, config, tmp_dir=given["tmp_dir"])


def take_up_beside(output: str, given: dict[str, Any]) -> None:
    """--continue without a name: the checkpoint beside OUT, which this run's replaces together with OUT."""
    from w2v.training.checkpointing import take_up

    if given["cluster"] is not None:  # before anything is said of checkpoints
        raise SettingsError(
            f"{setting('continue_from')}: not with {setting('cluster')} yet; train on one machine for that"
        )
    given["continue_from"], given["checkpoint"], given["replaces"] = take_up(output, given["checkpoint"])
    given["keep_checkpoint"] = True
    if given["continue_from"] is None:
        say(f"{given['replaces']} does not exist: starting from the beginning")


def preset_texts(preset: str, stated: Container[str]) -> list[str]:
    """The settings that a preset brought."""
    return [setting(name, value) for name, value in PRESETS[preset].items() if name not in stated]


command = Command(
    "train",
    usage="CORPUS... -o OUT [options]",
    help=HELP,
    examples=EXAMPLES,
    common=COMMON,
    help_all="Show every option: phrases, held-out text, logs, checkpoints, clusters, ...",
    callback=train,
    params=[
        corpus_argument(),
        Option(
            ["-o", "--output"],
            required=True,
            metavar="OUT",
            group="Output",
            help="Where the vectors go: .bin (word2vec binary), .txt or .vec (text), .npy, .safetensors or .tsv "
            "(the embedding projector's), also with .gz; - is standard output.",
        ),
        Option(
            ["--format"],
            type=click.Choice(writable()),
            group="Output",
            help="The format, if the suffix of OUT does not determine it.",
        ),
        Option(["--save-context"], metavar="FILE", group="Output", help="Write the context vectors too (--loss ns)."),
        Option(
            ["--with-context"],
            is_flag=True,
            group="Output",
            help="Put the context matrix and the counts into OUT (.safetensors) too, for w2v predict.",
        ),
        Option(["--save-vocab"], metavar="FILE", group="Output", help="Write the vocabulary: word, tab, count."),
        Option(
            ["--report"],
            metavar="FILE",
            group="Output",
            help="Write a report of the run as JSON: settings, versions, digests, where each token went, losses.",
        ),
        Option(
            ["--combine"],
            type=click.Choice(COMBINATIONS),
            default="input",
            shown_default="input",
            group="Output",
            help="What to write per word: its input vector, its sum with the context vector, or both concatenated "
            "(--loss ns).",
        ),
        Option(["--unit"], is_flag=True, group="Output", help="Write vectors of length 1."),
        Option(["--no-clobber"], is_flag=True, group="Output", help="Refuse at the start when an output exists."),
        *config_options(CorpusConfig, "Corpus", PHRASES),
        read_vocab_option(),
        tmp_dir_option(),
        *config_options(SessionConfig, "Sessions, where CORPUS is a table (see w2v sessions)"),
        Option(
            ["--preset"],
            type=click.Choice(tuple(PRESETS)),
            group="Training",
            help="Settings measured for sessions (docs/sessions.md), where none are given.",
        ),
        *config_options(TrainConfig, "Training", GROUPS),
        Option(
            ["--eval"],
            metavar="FILE",
            multiple=True,
            group="Watching",
            help="Analogy questions or rated word pairs, as for w2v evaluate: scores after each epoch; sessions:FILE "
            "for held-out sessions (HR@10). Repeatable.",
        ),
        Option(
            ["--eval-every"],
            metavar="EVERY",
            default="1",
            shown_default="1",
            group="Watching",
            help="How often: 2 (epochs), 10% (of the run), 50M (tokens; k, M, G).",
        ),
        Option(
            ["--log"],
            metavar="FILE",
            group="Watching",
            help="Write loss, learning rate, speed and scores as JSON lines; w2v curve draws them.",
        ),
        Option(
            ["--init"],
            metavar="VECTORS",
            group="Starting from what exists",
            help="Start from the vectors in this file, matched by word; other words start as usual.",
        ),
        Option(
            ["--continue", "continue_from"],
            metavar="[CHECKPOINT]",
            is_flag=False,
            flag_value=BESIDE,
            group="Starting from what exists",
            help="Continue a run that --keep-checkpoint kept, on other text: its words and new ones, its settings "
            "unless given, a fresh learning rate. Without a name: from OUT.checkpoint, which is "
            "replaced together with OUT; the first run starts from scratch.",
        ),
        Option(
            ["--keep-checkpoint"],
            is_flag=True,
            group="Safety",
            help="Keep the checkpoint when the run has ended, for --continue.",
        ),
        Option(
            ["--checkpoint-every"],
            metavar="TIME",
            type=Duration(zero=True),
            default="10m",
            shown_default="10m",
            group="Safety",
            help="How often the state of the run is saved: 30s, 10m, 2h; 0: only when stopped.",
        ),
        Option(
            ["--checkpoint"],
            metavar="FILE",
            group="Safety",
            shown_default="OUT.checkpoint",
            help="Where to save it; removed when the vectors are written.",
        ),
        Option(
            ["--resume"],
            metavar="[FILE]",
            is_flag=False,
            flag_value=BESIDE,
            group="Safety",
            help="Continue from the checkpoint of a run that was stopped or killed, with the same settings and text.",
        ),
        Option(
            ["--cluster"],
            metavar="auto|HOST:PORT",
            group="Cluster",
            help="Train on all nodes of a Ray cluster (w2v[cluster]): the one at HOST:PORT, the one this machine "
            "belongs to, or a new one on this machine. --threads is per node. See docs/cluster.md.",
        ),
        Option(
            ["--sync-every"],
            metavar="TIME",
            type=Duration(),
            default="1s",
            shown_default="1s",
            group="Cluster",
            help="How often the nodes exchange what they have learned.",
        ),
        quiet_option(),
    ],
)
