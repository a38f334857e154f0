"""`w2v convert`: a vector file in one format to a vector file in another."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import click

from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import say, usage_error
from w2v.cli.options import Whole, quiet_option
from w2v.cli.output import STDOUT, check_outputs
from w2v.errors import VectorsError
from w2v.numbers import count, plural
from w2v.vectors.formats import FORMATS, writable

if TYPE_CHECKING:
    from w2v.vectors.derive import Some
    from w2v.vectors.files.repair import Repairs
    from w2v.vectors.formats import Format
    from w2v.vectors.vectors import Vectors

__all__ = ["command"]

HELP = """Convert vectors: every format that is read into every format that is written.

The format of IN is recognised by content, plain or compressed: word2vec binary or text, fastText .vec, GloVe text,
.npy, safetensors, the embedding projector's .tsv, Parquet, fastText's binary model. That of OUT is taken from its name:
.bin, .txt or .vec, .npy, .safetensors, .tsv, .parquet (w2v[tables]), .ftbin (a fastText model), also with .gz; GloVe
text needs --format glove. Either may be - for a pipe. .npy and .tsv take a second file for the words, one per line:
X.words.txt beside X.npy, X.metadata.tsv beside X.tsv. Folders that sentence-transformers and model2vec load are read
too, and written with --format static-embedding.

--fix writes a damaged file again without the damage: rows that are whole stay as they are, the others are left out,
words that programs choke on are renamed, and each kind of repair is counted on stderr. No number is ever made up.

--center, --drop-top, --pca and --align-to change the space, in this order and before --unit; n-grams are left out then.
--pairs aligns two languages by words that mean the same.

Rows keep their order, which is that of frequency, with --words too; words that are not in IN are counted on stderr.
"""

EXAMPLES = [
    ("For NumPy: vectors.npy and vectors.words.txt", "w2v convert vectors.bin vectors.npy"),
    (
        "For the embedding projector: vectors.tsv and vectors.metadata.tsv",
        "w2v convert vectors.bin vectors.tsv --top 10000",
    ),
    ("Some words only, at length 1", "w2v convert vectors.bin small.txt --words words.txt --unit"),
    (
        "A fastText model for fewer words, and only their n-grams",
        "w2v train data/world.txt.gz -o model.ftbin --subwords 3-6 --buckets 20000\n"
        "  w2v convert model.ftbin small.safetensors --words words.txt --compact",
    ),
    ("Half the size", "w2v convert vectors.bin vectors.safetensors --float16"),
    ("A quarter of the size, for model2vec", "w2v convert vectors.bin small --format static-embedding --int8"),
    ("Repair a file that was cut short, or that other programs choke on", "w2v convert vectors.bin whole.bin --fix"),
    (
        "For sentence-transformers and model2vec: a folder that both load",
        "w2v convert vectors.bin model --format static-embedding",
    ),
    ("All but the mean and the two strongest directions", "w2v convert vectors.bin plain.bin --drop-top 2"),
    (
        "In the space of other vectors, so that both can be compared",
        "w2v convert other.bin same.bin --align-to vectors.bin",
    ),
    ("In a pipe", "w2v convert vectors.bin - --format glove | gzip > glove.txt.gz"),
]


@dataclass(frozen=True)
class Conversion:
    """What was asked for."""

    source: str
    target: str
    form: str | None
    told: str | None
    in_words: str | None
    out_words: str | None
    duplicates: str
    lenient: bool
    top: int | None
    words: str | None
    unit: bool
    float16: bool
    int8: bool
    no_clobber: bool
    fix: bool
    compact: bool
    center: bool
    drop_top: int | None
    pca: int | None
    align_to: str | None
    pairs: str | None

    def check(self) -> list[str]:
        """Raise for what would fail at the end, before anything is read; returns the files that will be written."""
        from w2v.vectors.formats.write import check_numbers, outputs_of

        record = self.record
        check_numbers(record, self.float16, self.int8)
        if self.out_words is not None and record.words_beside is None:
            beside = " and ".join(name for name, other in FORMATS.items() if other.words_beside is not None)
            raise usage_error(f"--out-words: {record.name} holds its words itself; {beside} do not")
        if self.compact and not (record.subwords and record.other_numbers):
            raise usage_error(f"--compact: {record.name} has a row for each bucket, or none; write .safetensors")
        if self.fix and (self.lenient or self.duplicates != "error"):
            raise usage_error("--fix: handles duplicates and what follows the rows; leave out --duplicates, --lenient")
        if self.words == STDOUT == self.source:
            raise usage_error("--words: only one of IN and the words can be standard input (-)")
        if self.pairs is not None and self.align_to is None:
            raise usage_error("--pairs: is for --align-to")
        inputs = [path for path in (self.source, self.words, self.in_words, self.align_to, self.pairs) if path]
        if record.folder:
            return self.check_folder(list(record.folder), inputs)
        outputs = outputs_of(self.target, self.form, self.out_words)
        check_outputs(outputs, inputs, self.no_clobber)
        return outputs

    @cached_property
    def record(self) -> Format:
        from w2v.vectors.formats.write import format_of

        return format_of(self.target, self.form, self.out_words, folders=True)

    def check_folder(self, files: list[str], inputs: list[str]) -> list[str]:
        from w2v.places import check_folder

        outputs = [os.path.join(self.target, file) for file in files]
        check_folder(self.target, inputs)
        if os.path.isdir(self.target):  # else it is made
            check_outputs(outputs, inputs, self.no_clobber)
        return [self.target]

    def load(self) -> tuple[Vectors, list[str]]:
        """The vectors, and what is to be said of them: repairs, words that were not found."""
        from w2v.vectors.derive import read_list, unit

        wanted = read_list(self.words) if self.words is not None else None
        (vectors, found, missing), told = self.repaired(wanted) if self.fix else (self.as_it_is(wanted), [])
        if missing:
            told.append(f"{shown(self.words)}: {missing_text(missing, found)} not in {shown(self.source)}")
        if wanted is not None and not len(vectors):
            raise VectorsError(told[-1] if missing else f"{shown(self.words)}: holds no words; put one on each line")
        if self.compact:
            if vectors.subwords is None:
                raise VectorsError(f"{shown(self.source)}: has no n-grams, so nothing can be left out of it")
            vectors = vectors.compact()
        vectors = self.transformed(vectors, told)
        return (unit(vectors, in_place=True) if self.unit else vectors), told

    def transformed(self, vectors: Vectors, told: list[str]) -> Vectors:
        """The vectors in another space, if that was asked for; `told` is what is to be said of it."""
        from w2v.seeing.lists import read_pairs
        from w2v.vectors.derive import align, all_but_the_top, principal_components
        from w2v.vectors.vectors import load

        if self.center or self.drop_top is not None:
            vectors = all_but_the_top(vectors, self.drop_top or 0)
        if self.pca is not None:
            vectors = principal_components(vectors, self.pca)
        if self.align_to is not None:
            pairs = read_pairs(self.pairs) if self.pairs is not None else None
            vectors, words, cosine = align(vectors, load(self.align_to), pairs)
            what = plural(words, "word") if pairs is None else plural(words, "pair")
            told.append(f"aligned to {self.align_to} on {what}, whose mean cosine is now {cosine:.3f}")
        return vectors

    def as_it_is(self, wanted: Iterable[bytes] | None) -> Some:
        from w2v.vectors.derive import load_some
        from w2v.vectors.formats import LoadOptions

        options = LoadOptions(
            lenient=self.lenient,
            duplicates=self.duplicates,
            words=self.in_words,
            format=self.told,
            context=self.record.needs_model,
        )
        return load_some(self.source, options, words=wanted, top=self.top)

    def repaired(self, wanted: Iterable[bytes] | None) -> tuple[Some, list[str]]:
        from w2v.vectors.derive import Some, rows_of
        from w2v.vectors.files.repair import repair
        from w2v.vectors.words import find_words

        vectors, repairs = repair(self.source, format=self.told, words=self.in_words)
        found, missing = len(vectors), list[bytes]()
        if wanted is not None:
            rows, missing = find_words(vectors.words.table, wanted)
            vectors, found = rows_of(vectors, rows[: self.top]), len(rows)
        return Some(vectors.top(self.top) if self.top else vectors, found, missing), repair_lines(self.source, repairs)


def shown(path: str | None) -> str:
    return "<stdin>" if path == STDOUT else str(path)


def repair_lines(source: str, repairs: Repairs) -> list[str]:
    """A line for each kind of repair, with its count and the first places."""
    from w2v.vectors.files.repair import REPAIRS

    name = shown(source)
    lines = []
    for kind, tally in repairs.items():
        text = REPAIRS[kind].format(count(tally.count))
        text = re.sub(r"^1 (row|word|gap|byte)s\b", r"1 \1", text)
        lines.append(f"{name}: {text}" + (f" ({tally.where})" if tally.where else ""))
    return lines or [f"{name}: nothing to repair"]


def missing_text(missing: list[bytes], found: int) -> str:
    """3 of 10 words ("one", "two", "three") are"""
    from w2v.vectors.formats.rows import show_word
    from w2v.vectors.words import MOST_MISSING

    shown = ", ".join(map(show_word, missing[:3])) + (", ..." if len(missing) > 3 else "")
    if len(missing) == MOST_MISSING:
        return f"at least {count(MOST_MISSING)} words ({shown}) are"
    verb = "is" if len(missing) == 1 else "are"
    return f"{count(len(missing))} of {count(len(missing) + found)} words ({shown}) {verb}"


def convert(quiet: bool, **given: object) -> None:
    conversion = Conversion(**given)  # type: ignore[arg-type]
    outputs = conversion.check()
    vectors, told = conversion.load()
    for line in told:
        say(line)
    vectors.save(
        conversion.target,
        conversion.form,
        no_clobber=conversion.no_clobber,
        float16=conversion.float16,
        int8=conversion.int8,
        words=conversion.out_words,
    )
    if not quiet:
        name = "standard output" if conversion.target == STDOUT else conversion.target
        beside = f"; the words are in {outputs[1]}" if len(outputs) > 1 else ""
        say(f"{name}: {plural(len(vectors), 'word')} x {vectors.dim}{beside}")


command = Command(
    "convert",
    usage="IN OUT [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=convert,
    params=[
        Argument(["source"], metavar="IN", line="A vector file of any format that w2v reads; - is standard input."),
        Argument(["target"], metavar="OUT", line="The file to write; - is standard output."),
        Option(
            ["--top"],
            type=Whole(1),
            metavar="N",
            group="Which words",
            help="Keep the first N, the most frequent; with --words, the first N of these.",
        ),
        Option(
            ["--words"],
            metavar="FILE",
            group="Which words",
            help="Keep the words of this file: one per line, up to a tab; - is standard input.",
        ),
        Option(["--unit"], is_flag=True, group="What is written", help="Scale the vectors to length 1."),
        Option(["--center"], is_flag=True, group="Another space", help="Subtract the mean of all rows."),
        Option(
            ["--drop-top"],
            type=Whole(0),
            metavar="N",
            group="Another space",
            help="Remove also the N directions in which the centred rows differ most: all but the top.",
        ),
        Option(
            ["--pca"],
            type=Whole(1),
            metavar="D",
            group="Another space",
            help="Reduce each row to D numbers: the principal components of the centred rows.",
        ),
        Option(
            ["--align-to"],
            metavar="FILE",
            group="Another space",
            help="Rotate the rows into the space of these vectors, by the words in both (orthogonal Procrustes).",
        ),
        Option(
            ["--pairs"],
            metavar="FILE",
            group="Another space",
            help="Align by these pairs: a word of IN, a tab, a word of the other file.",
        ),
        Option(
            ["--compact"],
            is_flag=True,
            group="What is written",
            help="Of a model with n-grams, only the rows that its words use; for .safetensors.",
        ),
        Option(
            ["--float16"],
            is_flag=True,
            group="What is written",
            help="Numbers of half the size and about 3 digits (npy, safetensors, static-embedding).",
        ),
        Option(
            ["--int8"],
            is_flag=True,
            group="What is written",
            help="Numbers of a quarter of the size, in 127 steps on either side of 0 (safetensors, static-embedding).",
        ),
        Option(
            ["--format", "form"],
            type=click.Choice(writable(folders=True)),
            group="What is written",
            help="The format of OUT, if its name does not determine it.",
        ),
        Option(
            ["--out-words"],
            metavar="FILE",
            group="What is written",
            help="Where the words go, for npy and projector.",
            shown_default="beside OUT",
        ),
        Option(["--no-clobber"], is_flag=True, group="What is written", help="Refuse at the start when OUT exists."),
        Option(
            ["--from", "told"],
            type=click.Choice(tuple(FORMATS)),
            group="What is read",
            help="The format of IN, where its content misleads.",
        ),
        Option(
            ["--in-words"],
            metavar="FILE",
            group="What is read",
            help="The words of IN, a .npy or .tsv.",
            shown_default="beside IN",
        ),
        Option(
            ["--duplicates"],
            type=click.Choice(("error", "first")),
            default="error",
            shown_default="error",
            group="What is read",
            help="first: keep the first row of a word that occurs twice.",
        ),
        Option(
            ["--lenient"],
            is_flag=True,
            group="What is read",
            help="Ignore what follows the rows that the header promises.",
        ),
        Option(
            ["--fix"],
            is_flag=True,
            group="What is read",
            help="Keep the good rows of a damaged file; w2v check shows what is wrong with it.",
        ),
        quiet_option("Print nothing about what was written."),
    ],
)
