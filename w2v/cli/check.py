"""`w2v check`: what vector files and corpora are, and what is wrong with them."""

from __future__ import annotations

import os
import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from w2v.cli.answers import json_line
from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import flush_output, say, shown
from w2v.cli.options import Whole, format_option
from w2v.cli.output import STDOUT
from w2v.cli.streams import is_terminal, write
from w2v.cli.terminal import tsv_line
from w2v.errors import CheckpointError, CorpusError
from w2v.files import standard_input
from w2v.numbers import count, size

if TYPE_CHECKING:
    from w2v.findings import Finding, Report

__all__ = ["command"]

HELP = """What a vector file or a corpus is, and what is wrong with it. Which of the two it is, is recognised by
content.

Facts say what is there. A fault loses or spoils data: the exit code is 1 when there is one. A note is worth knowing and
does not change the exit code.

Vectors: NaN, infinite or zero rows, duplicates, words that other programs choke on, what is cut short or does not fit
the header; w2v convert --fix repairs it. A corpus: invalid UTF-8, NUL bytes, tokens over 1,024 bytes, UTF-16, damaged
compression; as notes no-break spaces, zero-width characters, CRLF, lone carriage returns, a byte order mark, a text on
one line, a table, markup, sentences that are cut, duplicate lines (by 64-bit hashes; beyond 16 million lines estimated
from a sample of them). Encoded corpora and checkpoints are read as a training would read them.
"""

EXAMPLES = [
    ("Before a long training", "w2v check corpus.txt"),
    ("Vectors that were downloaded", "w2v check vectors.bin && echo fine"),
    ("Every file of a folder; only what is wrong", "w2v check corpus/ | awk -F '\\t' '$2 != \"fact\"'"),
    ("For programs", "zcat news-1.gz | w2v check - --format json"),
]

HEADER = ("file", "level", "what", "value", "where", "meaning")
SIZES = ("bytes", "longest line", "longest token")  # facts that are lengths
PEEK = 1 << 18
HEAD_BYTES = 4096
CHECKPOINT = b'"format":"w2v checkpoint '  # in the head of a run on disk


class _Stream:
    """A stream whose first bytes have been looked at."""

    def __init__(self, name: str, file: BinaryIO):
        self.name, self._file = name, file
        self.head = file.read(PEEK)
        self._rest = self.head

    def read(self, size: int) -> bytes:
        if self._rest:
            data, self._rest = self._rest[:size], self._rest[size:]
            return data
        return self._file.read(size)


def check(files: tuple[str, ...], kind: str, form: str, **options: Any) -> int:
    from w2v.findings import FAULT, Report

    bad = 0
    for number, path in enumerate(expanded(files)):
        try:
            report = look(path, kind, **options)
        except OSError as error:
            report = Report(path, "unknown")
            report.add(FAULT, "unreadable", 1, "", error.strerror or str(error))
            say(f"error: {path}: {error.strerror or error}")
        bad += bool(report.faults)
        show(report, form, number)
    return 1 if bad else 0


def expanded(files: tuple[str, ...]) -> list[str]:
    """The files, and those of the folders; a folder that is a model is one."""
    from w2v.corpus.sources import files_below
    from w2v.vectors.formats.source import is_model_folder

    found: list[str] = []
    for path in files:
        found += files_below(path) if os.path.isdir(path) and not is_model_folder(path) else [path]
    return found


def look(path: str, kind: str, **options: Any) -> Report:
    from w2v.corpus.check import check_corpus
    from w2v.vectors.files.check import check_vectors

    opened: Any = path
    head = b""
    if os.path.isdir(path):
        return check_vectors(path)
    if path == STDOUT:
        opened = _Stream("<stdin>", standard_input().buffer)
        head = opened.head
    elif os.path.isfile(path):
        with open(path, "rb") as file:
            head = file.read(PEEK)
        own = check_own(path, head) if kind == "auto" else None
        if own is not None:
            return own
    else:
        opened = _Stream(path, open(path, "rb"))  # noqa: SIM115  a pipe is read once, to its end
        head = opened.head
    if kind == "vectors" or (kind == "auto" and are_vectors(head)):
        return check_vectors(opened)
    return check_corpus(opened, **options)


def are_vectors(head: bytes) -> bool:
    from w2v.errors import VectorsError
    from w2v.vectors.formats.load import looks_like_vectors
    from w2v.vectors.formats.source import open_source

    try:
        with open_source(BytesIO(head)) as source:
            return looks_like_vectors(source.head)
    except VectorsError:  # damaged compression: the checks will say so
        return False


def show(report: Report, form: str, number: int) -> None:
    if form == "json":
        write(json_line(report.to_dict()))
    elif is_terminal(sys.stdout):
        write(("\n" if number else "") + page(report))
    else:
        header = "" if number else "\t".join(HEADER) + "\n"
        write(header + "".join(row(report, finding) for finding in report.findings))
    flush_output()


def row(report: Report, finding: Finding) -> str:
    cells = (report.name, finding.level, finding.what, str(finding.value), finding.where, shown(finding.meaning))
    return tsv_line(cells)


def page(report: Report) -> str:
    """For people: facts in a column, then faults and notes with what they mean."""
    facts = [finding for finding in report.findings if finding.level == "fact"]
    width = max((len(finding.what) for finding in facts), default=0)
    lines = [report.name]
    for finding in facts:
        where = f"  {finding.where}" if finding.where else ""
        lines.append(f"  {finding.what:<{width}}  {value_text(finding)}{where}")
    for finding in report.faults + report.notes:
        number = value_text(finding) if finding.what != "unreadable" else ""
        where = f": {finding.where}" if finding.where else ""
        lines.append(f"  {finding.level.upper():<5}  {finding.what} {number}".rstrip() + where)
        lines.append(f"         {shown(finding.meaning)}")
    faults, notes = len(report.faults), len(report.notes)
    lines.append(f"  {faults} fault{'s' * (faults != 1)}, {notes} note{'s' * (notes != 1)}")
    return "\n".join(lines) + "\n"


def value_text(finding: Finding) -> str:
    if isinstance(finding.value, int):
        return size(finding.value) if finding.what in SIZES else count(finding.value)
    if isinstance(finding.value, float) and finding.what.startswith("share"):
        return f"{finding.value:.2%}"
    return f"{finding.value:.4g}" if isinstance(finding.value, float) else finding.value


def check_own(path: str, head: bytes) -> Report | None:
    """What is to be said of a file that begins with `head`, None if it is neither of the two."""
    from w2v.corpus.ids_file import is_encoded_head
    from w2v.findings import FAULT, Report
    from w2v.safetensors import is_safetensors

    head = head[:HEAD_BYTES]
    if is_encoded_head(head[:256]):
        add = _add_corpus
    elif is_safetensors(head) and CHECKPOINT in head:
        add = _add_checkpoint
    else:
        return None
    report = Report(path, "corpus" if add is _add_corpus else "checkpoint")
    try:
        add(report, path)
    except (CorpusError, CheckpointError) as error:
        report.add(FAULT, "unreadable", 1, "", str(error).removeprefix(f"{path}: "))
    return report


def _add_corpus(report: Report, path: str) -> None:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.findings import FACT

    corpus = EncodedCorpus.load(path)
    try:
        report.add(FACT, "format", "encoded corpus")
        report.add(FACT, "words", len(corpus.vocab))
        report.add(FACT, "tokens", corpus.token_counts.kept)
        report.add(FACT, "sentences", corpus.token_counts.sentences)
    finally:
        corpus.close()


def _add_checkpoint(report: Report, path: str) -> None:
    from w2v.findings import FACT
    from w2v.training.checkpoint import Checkpoint

    with Checkpoint(path) as checkpoint:
        report.add(FACT, "format", "checkpoint of a training")
        report.add(FACT, "words", len(checkpoint.vocab()))
        report.add(FACT, "epochs done", checkpoint.epoch)
        report.add(FACT, "share done", round(checkpoint.share, 6))
        checkpoint.check_all()


command = Command(
    "check",
    usage="FILE... [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=check,
    params=[
        Argument(
            ["files"],
            nargs=-1,
            required=True,
            metavar="FILE",
            line="Vector files, text files, folders of them or of a model; - is standard input.",
        ),
        Option(
            ["--as", "kind"],
            type=click.Choice(("auto", "corpus", "vectors")),
            default="auto",
            shown_default="auto",
            help="What the files are, where their content misleads.",
        ),
        Option(
            ["--min-count"],
            type=Whole(1),
            metavar="N",
            default=5,
            shown_default="5",
            help="For the share of a corpus that is dropped as too rare.",
        ),
        Option(
            ["--whitespace"],
            type=click.Choice(("unicode", "ascii")),
            default="unicode",
            shown_default="unicode",
            help="What separates the tokens of a corpus.",
        ),
        format_option("In a pipe: one row per finding, or one object per file."),
    ],
)
