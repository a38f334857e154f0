"""What a corpus is, and what is wrong with it, from one pass over the text."""

from __future__ import annotations

import functools
import os
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

from w2v.corpus._census import Census
from w2v.corpus._encode import CONTEXT_BYTES, LONGEST_SENTENCE, LONGEST_TOKEN, LOOKAHEAD, Encoder, Spellings
from w2v.corpus.config import CorpusConfig
from w2v.corpus.sample import SAMPLE_BYTES, oddity
from w2v.corpus.sources import check_text
from w2v.errors import CorpusError, Message, setting
from w2v.files import HEAD_BYTES, MAGIC_BYTES, Decompressor, check_supported, compression_of
from w2v.findings import FACT, FAULT, NOTE, Report
from w2v.threads import Background

if TYPE_CHECKING:
    import numpy as np

__all__ = ["check_corpus"]

BLOCK = 1 << 20
ONE_LINE = 1000  # tokens on the only line of a file that is surely not one sentence

# kind of the census -> (level, what, what it means)
SIGHTINGS = {
    "invalid": (FAULT, "invalid UTF-8", "bytes that are not UTF-8; they stay inside words as they are"),
    "nul": (FAULT, "NUL bytes", "they separate words; the text may be damaged, or of another encoding"),
    "long token": (FAULT, "tokens too long", f"longer than {LONGEST_TOKEN:,} bytes; they are left out of the training"),
    "replacement": (NOTE, "replacement characters", "U+FFFD: characters were lost when the text was decoded before"),
    "control": (NOTE, "control characters", "invisible; most stay inside words, which then look like others"),
    "invisible": (
        NOTE,
        "zero-width characters",
        "also soft hyphens and direction marks: they stay inside words, which then look like others",
    ),
    "wide space": (
        NOTE,
        "no-break and other wide spaces",
        Message(f"they separate words, unless {setting('whitespace', 'ascii')}"),
    ),
    "return": (
        NOTE,
        "lone carriage returns",
        "they separate words and end no sentence, even where they were meant to: tr '\\r' '\\n' < FILE > NEW",
    ),
    "crlf": (NOTE, "CRLF line ends", "the carriage return is dropped"),
    "long sentence": (NOTE, "lines cut", f"more than {LONGEST_SENTENCE:,} tokens; trained as several sentences"),
}


class _Text:
    """The text of a file, decompressed, in blocks of about BLOCK bytes; its damage ends it and is kept as `damage`."""

    def __init__(self, name: str, read: Callable[[int], bytes]):
        self.name, self.raw_bytes, self.damage = name, 0, ""
        self._raw, self._start = read, b""
        while len(self._start) < MAGIC_BYTES and (data := self._count(read(BLOCK))):
            self._start += data
        self.compression = compression_of(self._start)
        check_supported(self.compression, name, CorpusError)
        packed = Decompressor(self.compression, self._next, name, CorpusError) if self.compression else None
        self._read = packed.read if packed else self._next

    def _count(self, data: bytes) -> bytes:
        self.raw_bytes += len(data)
        return data

    def _next(self, size: int) -> bytes:
        if self._start:
            data, self._start = self._start, b""
            return data
        return self._count(self._raw(size))

    def block(self) -> bytes:
        """The next block, b"" at the end; only the last is short."""
        pieces: list[bytes] = []
        have = 0
        while have < BLOCK and not self.damage:
            try:
                data = self._read(BLOCK)
            except CorpusError as error:
                self.damage = str(error)
                break
            if not data:
                break
            pieces.append(data)
            have += len(data)
        return b"".join(pieces)


def check_corpus(
    path: str | os.PathLike[str] | BinaryIO,
    *,
    min_count: int = 5,
    whitespace: str = "unicode",
    most_lines: int = 1 << 24,
) -> Report:
    """Everything that is to be said of a text file, plain or compressed, or of anything open that has `read`.

    Lines are compared by 64-bit hashes, of at most `most_lines` lines (8 bytes each); beyond that, those of a sample
    of the distinct lines, and the number is an estimate. OSError if the file cannot be read; damage is a finding.
    """
    if hasattr(path, "read"):
        return _check(str(getattr(path, "name", "<stream>")), path.read, min_count, whitespace, most_lines)
    with open(path, "rb", buffering=0) as file:
        return _check(os.fspath(path), file.read, min_count, whitespace, most_lines)


def _check(name: str, read: Callable[[int], bytes], min_count: int, whitespace: str, most_lines: int) -> Report:
    report = Report(name, "corpus")
    try:
        text = _Text(name, read)
        first = text.block()
        origin = check_text(first[:HEAD_BYTES], name)
    except CorpusError as error:
        report.add(FAULT, "unreadable", 1, "", Message(error.args[0].marked.removeprefix(f"{name}: ")))
        return report
    census = Census(whitespace == "unicode", origin, most_lines)
    seed = (secrets.randbits(64), secrets.randbits(64))
    spellings = Spellings(seed)
    encoder = Encoder(spellings, whitespace == "unicode", BLOCK)
    _count(text, first[origin:], census, encoder)
    _add_facts(report, text, census)
    _, counts = spellings.take()
    _add_counts(report, census, counts, min_count)
    if text.damage:
        report.add(FAULT, "packing", 1, "", text.damage.removeprefix(f"{name}: "))
    if not len(counts):
        report.add(FAULT, "empty", 1, "", "there is not one token in it")
    if origin:
        report.add(NOTE, "byte order mark", 1, "byte 0", "it is dropped")
    sample = first[:SAMPLE_BYTES]
    odd = oddity(sample, len(sample) < SAMPLE_BYTES, CorpusConfig(whitespace=whitespace))
    if odd:
        report.add(NOTE, "no running text", 1, "", odd)
    for kind, (level, what, meaning) in SIGHTINGS.items():
        found, places = census.seen(kind)
        if found:
            report.add(level, what, found, _where(places, found), meaning)
    _add_lines(report, census)
    report.findings.sort(key=lambda finding: (FACT, FAULT, NOTE).index(finding.level))
    return report


def _count(text: _Text, data: bytes, census: Census, encoder: Encoder) -> None:
    """Take the whole text: the census, and the counts beside it."""
    before = b""
    while data:
        following = text.block()
        counted = Background(functools.partial(_count_block, encoder, before, data, following))
        census.feed(data)
        counted.result()
        before = (before + data[-CONTEXT_BYTES:])[-CONTEXT_BYTES:]
        data = following
    census.finish()


def _count_block(encoder: Encoder, before: bytes, data: bytes, following: bytes) -> None:
    for block in encoder.encode_bytes(before, data, following[:LOOKAHEAD], not following):
        block.discard()


def _where(places: list[tuple[int, int]], found: int) -> str:
    return ", ".join(f"line {line} (byte {offset})" for offset, line in places) + ", ..." * (found > len(places))


def _add_facts(report: Report, text: _Text, census: Census) -> None:
    report.add(FACT, "format", "text" + (f", {text.compression}" if text.compression else ""))
    report.add(FACT, "bytes", text.raw_bytes)
    report.add(FACT, "lines", census.lines)
    report.add(FACT, "blank lines", census.blank)
    report.add(FACT, "tokens", census.tokens)


def _add_counts(report: Report, census: Census, counts: np.ndarray, min_count: int) -> None:
    tokens = int(counts.sum())
    report.add(FACT, "types", len(counts))
    for what, (length, line) in (("longest line", census.longest_line), ("longest token", census.longest_token)):
        report.add(FACT, what, length, f"line {line}" if line else "", "bytes")
    report.add(FACT, "most tokens of a line", census.most_tokens)
    if tokens:
        rare = counts < min_count
        below = int(counts[rare].sum())
        report.add(
            FACT,
            f"share below min-count {min_count}",
            round(below / tokens, 6),
            f"{below:,} tokens, {int(rare.sum()):,} of {len(counts):,} types",
        )
        if below == tokens:
            report.add(
                FAULT,
                "no frequent word",
                int(counts.max()),
                "",
                Message(
                    f"no word occurs {min_count} times; train with {setting('min_count', max(1, int(counts.max())))} "
                    "or on more text"
                ),
            )


def _add_lines(report: Report, census: Census) -> None:
    copies, most, share = census.repeated_lines()
    if copies:
        part = copies / max(1, census.lines - census.blank)
        sample = f" (an estimate from 1/{round(1 / share)} of the distinct lines)" if share < 1 else ""
        report.add(
            NOTE,
            "duplicate lines",
            copies,
            f"{part:.1%} of the lines; one occurs {most:,} times",
            f"copies of an earlier line{sample}",
        )
    if census.lines == 1 and census.tokens >= ONE_LINE:
        report.add(
            NOTE,
            "one line",
            1,
            "",
            "the whole text is one line: where sentences end is not known, and windows reach over their ends",
        )
