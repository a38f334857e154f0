"""`w2v train`: corpus in, vectors out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import named_output, say
from w2v.cli.options import config_from, config_options
from w2v.cli.output import FORMATS, STDOUT, check_outputs, format_for
from w2v.cli.streams import binary_output
from w2v.errors import SettingsError
from w2v.training.config import CorpusConfig, TrainConfig

if TYPE_CHECKING:
    from w2v.vectors.vectors import Vectors

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


def save(vectors: Vectors, path: str, form: str) -> None:
    if path == STDOUT:
        from w2v.vectors.formats import save as save_stream

        with named_output():
            save_stream(vectors, binary_output(), form)
    else:
        vectors.save(path, form)


def train(corpus: tuple[str, ...], output: str, **given: Any) -> None:
    """Check everything that can be checked, read, train, write, tell."""
    corpus_config, config = config_from(CorpusConfig, given), config_from(TrainConfig, given)
    if given["save_context"] and config.loss == "hs":
        raise SettingsError("--save-context: --loss hs has no context vectors; use --loss ns")
    form = format_for(output, given["format"])
    context_form = format_for(given["save_context"], given["format"]) if given["save_context"] else None
    extra = [given[name] for name in ("save_context", "save_vocab") if given[name]]
    inputs = [*corpus, *([given["read_vocab"]] if given["read_vocab"] else [])]
    check_outputs([output, *extra], inputs, given["no_clobber"])

    from w2v.cli.progress import progress_for
    from w2v.cli.summary import summary_lines
    from w2v.corpus.reader import read_corpus
    from w2v.corpus.vocab import Vocab
    from w2v.training.trainer import Trainer

    start = time.monotonic()
    vocab = Vocab.load(given["read_vocab"]) if given["read_vocab"] else None
    with progress_for(given["quiet"]) as progress:
        encoded = read_corpus(
            list(corpus), corpus_config, threads=config.threads, vocab=vocab, tmp_dir=given["tmp_dir"],
            on_progress=progress.reading,
        )
        progress.finish()
        read_s = time.monotonic() - start
        try:
            result = Trainer(encoded, config).run(on_progress=progress.training)
        finally:
            encoded.close()
    if given["save_vocab"]:
        encoded.vocab.save(given["save_vocab"])
    if given["save_context"]:
        save(result.context, given["save_context"], context_form)
    save(result.vectors, output, form)
    if not given["quiet"]:
        times = {"reading": read_s, "training": result.summary.seconds, "all": time.monotonic() - start}
        for line in summary_lines(encoded, result, output, form, times):
            say(line)


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
               help="Where the vectors go: .bin (word2vec binary), .txt or .vec (text), each also .gz; "
                    "- is standard output."),
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
