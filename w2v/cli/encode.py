"""`w2v encode`: text in, a file that can be trained on at once out."""

from __future__ import annotations

from typing import Any

from w2v.cli.command import Command, Option
from w2v.cli.errors import say, warn
from w2v.cli.options import (
    PHRASES,
    config_from,
    config_options,
    corpus_argument,
    quiet_option,
    read_vocab_option,
    stated_options,
    threads_option,
    tmp_dir_option,
)
from w2v.cli.output import check_outputs
from w2v.cli.progress import progress_for
from w2v.corpus.config import CorpusConfig
from w2v.errors import SettingsError
from w2v.numbers import count, size

__all__ = ["command"]

HELP = """Encode a corpus as numbers, so that training on it starts immediately.

The file holds a number for each token, the words with their counts, the options below, the token counts and a digest.
w2v train CORPUS.ids gives the same vectors as the text would, with the same --seed and one thread. A higher --min-count
and a smaller --max-vocab can still be chosen then; everything else is fixed here. It is a safetensors file; nothing in
it is trusted when it is read, and its digest is checked.
"""

EXAMPLES = [
    ("Once", "w2v encode data/world.txt.gz -o corpus.ids"),
    (
        "Then as often as you like",
        "w2v encode corpus.txt --min-count 1 -o corpus.ids\n"
        "  w2v train corpus.ids -o a.bin --dim 50\n"
        "  w2v train corpus.ids -o b.bin --dim 50 --min-count 20 --window 10",
    ),
]


def encode(
    corpus: tuple[str, ...],
    output: str,
    no_clobber: bool,
    read_vocab: str | None,
    tmp_dir: str | None,
    threads: int | None,
    quiet: bool,
    **given: Any,
) -> None:
    """Read and write."""
    if output.lower().endswith(".gz"):
        raise SettingsError(f"{output}: an encoded corpus is not compressed; choose a name without .gz")
    check_outputs([output], [*corpus, *([read_vocab] if read_vocab else [])], no_clobber)
    config = config_from(CorpusConfig, given)

    from w2v.corpus.open import open_corpus
    from w2v.corpus.vocab import Vocab
    from w2v.output import AtomicOutput

    vocab = Vocab.load(read_vocab) if read_vocab else None
    with progress_for(quiet) as progress, AtomicOutput(output, no_clobber=no_clobber, compress=False) as out:
        encoded, _ = open_corpus(
            list(corpus),
            config,
            stated_options(CorpusConfig),
            vocab=vocab,
            threads=threads,
            tmp_dir=tmp_dir,
            on_progress=progress.reading,
            on_warning=warn,
        )
        progress.finish()
        encoded.write(out)
    if not quiet:
        from w2v.cli.summary import notes, reading_rows, summed

        for line in summed(reading_rows(encoded.token_counts), notes(encoded.token_counts)):
            say(line)
        say(f"{output}: {count(len(encoded.vocab))} words, {size(out.written)}, digest {encoded.digest()[:16]}")


command = Command(
    "encode",
    usage="CORPUS... -o CORPUS.ids [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=encode,
    params=[
        corpus_argument(),
        Option(
            ["-o", "--output"],
            required=True,
            metavar="FILE",
            group="Output",
            help="Where the encoded corpus goes; - is standard output.",
        ),
        Option(["--no-clobber"], is_flag=True, group="Output", help="Refuse at the start when FILE exists."),
        *config_options(CorpusConfig, "Corpus", PHRASES),
        read_vocab_option(),
        tmp_dir_option(),
        threads_option(),
        quiet_option(),
    ],
)
