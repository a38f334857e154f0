"""`w2v train`: corpus in, vectors out."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import say
from w2v.cli.options import config_from, config_options
from w2v.cli.output import FORMATS, STDOUT, check_outputs
from w2v.cli.progress import Silence, progress_for
from w2v.errors import SettingsError
from w2v.training.config import CorpusConfig, TrainConfig

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.output import AtomicOutput

__all__ = ["command"]

HELP = """Train word vectors on a text corpus.

CORPUS is a file, a folder (every file below it, in sorted order) or - for standard input; plain text, gzip, bzip2, xz
or zstd, told by content. A line is a sentence. It is read once; what has to fit in memory is a number for each token.

The vectors are written in one step at the end: OUT is either whole or as it was.
"""

EXAMPLES = [
    ("Train with the defaults", "w2v train data/world.txt.gz -o vectors.bin"),
    ("From a pipe, raw prose, lower-cased", "zcat news-*.gz | w2v train - -o vectors.bin --tokenizer words --lower"),
    ("CBOW, longer vectors, as text", "w2v train corpus/ -o vectors.txt.gz --model cbow --dim 300"),
    ("Keep the vocabulary, use it again", "w2v train corpus.txt -o a.bin --save-vocab vocab.tsv\n"
     "  w2v train corpus.txt -o b.bin --read-vocab vocab.tsv"),
]


# Fields of TrainConfig under a heading of their own: what departs from plain word2vec, and how to turn it off.
SPEED = dict.fromkeys(("threads", "share_negatives", "negative_pool", "hot_rows", "exact"), "Speed")


def train(corpus: tuple[str, ...], output: str, **given: Any) -> None:
    """Check everything that can be checked, read, train, write, tell."""
    configs = config_from(CorpusConfig, given), config_from(TrainConfig, given)
    job = Job(corpus=corpus, output=output, **given)
    job.check(configs[1])
    with progress_for(job.quiet) as progress:
        lines = job.run(*configs, progress)
    if not job.quiet:
        for line in lines:
            say(line)


@dataclass(frozen=True)
class Job:
    """The files of one training."""

    corpus: tuple[str, ...]
    output: str
    format: str | None
    save_context: str | None
    save_vocab: str | None
    no_clobber: bool
    read_vocab: str | None
    tmp_dir: str | None
    quiet: bool

    def check(self, config: TrainConfig) -> None:
        """Raise for what would fail at the end."""
        if self.save_context and config.loss == "hs":
            raise SettingsError("--save-context: --loss hs has no context vectors; use --loss ns")
        if STDOUT in (self.save_context, self.save_vocab):
            raise SettingsError("--save-context, --save-vocab: only OUT can be standard output (-)")

        from w2v.vectors.formats.words_file import companion
        from w2v.vectors.formats.write import TWO_FILES, format_of

        outputs = [self.save_vocab] if self.save_vocab else []
        for path in (self.output, self.save_context):
            if path:
                form = format_of(path, self.format)
                outputs += [path, companion(path, form)] if form in TWO_FILES else [path]
        check_outputs(outputs, [*self.corpus, *([self.read_vocab] if self.read_vocab else [])], self.no_clobber)

    def run(self, corpus_config: CorpusConfig, config: TrainConfig, progress: Silence) -> list[str]:
        """Read, train, write; returns the summary."""
        from w2v.cli.summary import summary_lines
        from w2v.corpus.reader import read_corpus
        from w2v.corpus.vocab import Vocab
        from w2v.training.trainer import Trainer

        start = time.monotonic()
        vocab = Vocab.load(self.read_vocab) if self.read_vocab else None
        corpus = read_corpus(
            self.corpus, corpus_config, threads=config.threads, vocab=vocab, tmp_dir=self.tmp_dir,
            on_progress=progress.reading,
        )
        progress.finish()
        read_s = time.monotonic() - start
        with ExitStack() as files:
            places = [files.enter_context(self.opened(path, corpus, config))
                      for path in (self.output, self.save_context) if path]
            try:
                result = Trainer(corpus, config).run(on_progress=progress.training)
            finally:
                corpus.close()
            progress.finish()
            for place, vectors in zip(places, (result.vectors, result.context), strict=False):
                vectors.save(place, self.format)
            if self.save_vocab:
                corpus.vocab.save(self.save_vocab)
        times = {"reading": read_s, "training": result.summary.seconds, "all": time.monotonic() - start}
        return summary_lines(corpus, result, shown_name(self.output), times)

    def opened(self, path: str, corpus: EncodedCorpus, config: TrainConfig) -> AtomicOutput:
        """The output, its disk space taken before the training where the size is known by then."""
        from w2v.output import AtomicOutput
        from w2v.vectors.formats.word2vec_binary import binary_size
        from w2v.vectors.formats.write import format_of

        size = None
        if format_of(path, self.format) == "bin" and not path.endswith(".gz"):
            size = binary_size(len(corpus.vocab), sum(map(len, corpus.vocab.words)), config.dim)
        return AtomicOutput(path, size=size)


def shown_name(path: str) -> str:
    return "standard output" if path == STDOUT else path


command = Command(
    "train",
    usage="CORPUS... -o OUT [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=train,
    params=[
        Argument(["corpus"], nargs=-1, required=True, metavar="CORPUS",
                 line="Files or folders of text; - is standard input."),
        Option(["-o", "--output"], required=True, metavar="OUT", group="Output",
               help="Where the vectors go: .bin (word2vec binary), .txt or .vec (text), .npy, .safetensors or .tsv "
                    "(the embedding projector's), also with .gz; - is standard output."),
        Option(["--format"], type=click.Choice(FORMATS), group="Output",
               help="The format, where OUT's suffix does not tell it."),
        Option(["--save-context"], metavar="FILE", group="Output", help="Write the context vectors too (--loss ns)."),
        Option(["--save-vocab"], metavar="FILE", group="Output", help="Write the vocabulary: word, tab, count."),
        Option(["--no-clobber"], is_flag=True, group="Output", help="Refuse at the start when an output exists."),
        *config_options(CorpusConfig, "Corpus"),
        Option(["--read-vocab"], metavar="FILE", group="Corpus",
               help="Use this vocabulary (word, tab, count) instead of counting."),
        Option(["--tmp-dir"], metavar="DIR", group="Corpus", help="Where a corpus too large for memory is spooled.",
               type=click.Path(exists=True, file_okay=False)),
        *config_options(TrainConfig, "Training", SPEED),
        Option(["-q", "--quiet"], is_flag=True, help="No progress and no summary."),
    ],
)
