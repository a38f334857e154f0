"""What the CORPUS arguments mean: files, folders, standard input; all looked at before any work begins."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import FileIO

from w2v.corpus.sample import EVENTS, SAMPLE_BYTES, json_fields
from w2v.errors import CorpusError
from w2v.files import (
    HEAD_BYTES,
    UTF8_BOM,
    check_supported,
    compression_of,
    encoding_by_mark,
    foreign_format,
    refuse_endless,
    standard_input,
)

__all__ = [
    "OnProgress",
    "ReadProgress",
    "Source",
    "check_text",
    "expand",
    "files_below",
    "repeated_file",
    "wide_encoding",
]

STREAM = "stream"  # read from beginning to end; what it holds is known when it is read
PLAIN = "plain"
TEXT = "text"  # a stream that is text, whatever it begins with: a part of a file that was looked at where it begins

Path = str | os.PathLike[str]


@dataclass(frozen=True)
class ReadProgress:
    """Bytes of the files, compressed or not; `bytes_total` is None where a pipe is read. Tokens so far."""

    bytes_done: int
    bytes_total: int | None
    tokens: int


OnProgress = Callable[[ReadProgress], None]


@dataclass(frozen=True)
class Source:
    """One file of the corpus. `kind` is plain (several threads may read it at once), a compression, or stream."""

    path: str
    kind: str
    size: int | None  # bytes in the file, None for a pipe
    origin: int = 0  # where the text begins: behind a byte order mark, or where a part of a plain file does
    stop: int | None = None  # where a part of a plain file ends; None: with the file
    identity: tuple[int, int] | None = None  # device and inode: the same for all names of one file
    beginning: int = 0  # hash of the first bytes

    @property
    def name(self) -> str:
        return "<stdin>" if self.path == "-" else self.path

    def open(self) -> int:
        """A file descriptor for reading; the caller closes it (standard input is duplicated).

        What is no regular file is opened without waiting, as a pipe that nobody writes to would have it; poll it.
        """
        if self.path == "-":
            return os.dup(standard_input().fileno())
        return os.open(self.path, os.O_RDONLY | (os.O_NONBLOCK if self.size is None else 0))

    def check_end(self, fd: int) -> None:
        """Called when no more bytes come: raise what has ended them, if that was not the end."""


def expand(corpus: Path | Source | Sequence[Path | Source]) -> list[Source]:
    """The files that the arguments stand for, in order; folders are searched to the bottom, each level sorted.

    A Source stands for itself. Raises OSError for what is missing or may not be read, CorpusError for what is no text.
    """
    paths = [corpus] if isinstance(corpus, (str, os.PathLike, Source)) else list(corpus)
    if not paths:
        raise CorpusError("no corpus: give files, folders, or - for standard input")
    sources: list[Source] = []
    for path in paths:
        if isinstance(path, Source):
            sources.append(path)
            continue
        path = os.fspath(path)
        if isinstance(path, bytes):
            path = os.fsdecode(path)
        if path == "-":
            if any(s.path == "-" for s in sources):
                raise CorpusError("standard input (-) can be read only once")
            standard_input()
            sources.append(Source("-", STREAM, None))
        elif os.path.isdir(path):
            found = [look_at(file) for file in files_below(path)]
            if not found:
                raise CorpusError(f"{path}: the folder holds no files, or only hidden ones")
            sources += found
        else:
            sources.append(look_at(path))
    return sources


def files_below(folder: str) -> Iterator[str]:
    """A folder's files, then those of its folders, in order of bytes, without hidden ones (.git, .DS_Store, what is
    being written by us); links to folders are not followed."""
    waiting = [folder]
    while waiting:
        folders = []
        with os.scandir(waiting.pop()) as entries:
            found = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        for entry in found:
            if entry.name.startswith("."):
                continue
            if not entry.is_dir():
                yield entry.path
            elif not entry.is_symlink():
                folders.append(entry.path)
        waiting += reversed(folders)


def look_at(path: str) -> Source:
    """What a file is, by its first bytes."""
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):  # a pipe would lose what we look at
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(21, "Is a directory", path)
        if not os.access(path, os.R_OK):
            raise PermissionError(13, "Permission denied", path)
        refuse_endless(status, path, CorpusError)
        return Source(path, STREAM, None)
    try:
        with FileIO(path, opener=_without_waiting) as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:  # of a read, it has no name
        raise OSError(error.errno, error.strerror, path) from None
    if head is None:  # /proc/kmsg, which no poll can wait for
        raise CorpusError(f"{path}: there is nothing to read yet; pipe it in: cat FILE | w2v ... -")
    if not head or status.st_size == 0:  # empty, or made while it is read, as in /proc
        return Source(path, STREAM, None if head else 0)
    kind, identity = compression_of(head), (status.st_dev, status.st_ino)
    if kind:
        check_supported(kind, path, CorpusError)
        return Source(path, kind, status.st_size, identity=identity, beginning=hash(head))
    origin = check_text(head, path)
    return Source(path, PLAIN, status.st_size, origin, identity=identity, beginning=hash(head))


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def check_text(head: bytes, name: str, for_training: bool = True) -> int:
    """Raise CorpusError if the first bytes are plainly no text that can be read; returns the length of the BOM."""
    from w2v.corpus.ids_file import is_encoded_head

    events = f", or {EVENTS}" if for_training else ""
    if is_encoded_head(head):
        alone = "; it is trained on alone, and not from a pipe" if for_training else ""
        raise CorpusError(f"{name}: this is an encoded corpus, not text{alone}")
    foreign = foreign_format(head)
    if packing := compression_of(head):
        foreign = f"packed a second time ({packing})", "unpack it once first"
    if foreign:
        table = events if "Parquet" in foreign[0] else ""
        raise CorpusError(f"{name}: this is {foreign[0]}, not text; {foreign[1]}{table}")
    encoding = wide_encoding(head)
    if encoding:
        raise CorpusError(
            f"{name}: the text is {encoding}, not UTF-8; convert it: iconv -f {encoding} -t UTF-8 FILE > NEW"
        )
    names = json_fields(head, len(head) < HEAD_BYTES)
    if names is not None:
        field = names[0] if names else "text"
        fields = f" (fields: {', '.join(name[:20] for name in names[:5])})" if names else ""
        raise CorpusError(
            f"{name}: this is JSON{fields}, not text; write its text as lines: jq -r {_lines_of_json(head, field)} "
            f"FILE > NEW{events}"
        )
    if _is_vectors(head):
        raise CorpusError(f"{name}: these are word vectors, not text{' to train on' if for_training else ''}")
    return len(UTF8_BOM) if head.startswith(UTF8_BOM) else 0


def _lines_of_json(head: bytes, field: str) -> str:
    """What jq makes lines of: objects, or arrays of objects, of tokens or of sentences."""
    start = b"".join(head.removeprefix(UTF8_BOM).split())[:2]
    arrays = {b'["': "'join(\" \")'", b"[[": "'.[] | join(\" \")'"}
    return arrays.get(start, f".{field}" if start[:1] == b"{" else f"'.[].{field}'")


def wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 by byte order mark, or by where the zero bytes of the first kilobytes stand."""
    encoding = encoding_by_mark(head)
    if encoding or len(head) < 16:
        return encoding
    head = head[: len(head) // 4 * 4]
    zeros = [head[i::4].count(0) * 4 / len(head) for i in range(4)]  # share of zeros at each place of four bytes
    if min(zeros[:2]) < 0.05 and zeros[2] > 0.9 and zeros[3] > 0.9:
        return "UTF-32LE"
    if zeros[0] > 0.9 and zeros[1] > 0.9 and min(zeros[2:]) < 0.05:
        return "UTF-32BE"
    even, odd = (zeros[0] + zeros[2]) / 2, (zeros[1] + zeros[3]) / 2
    if odd > 0.4 and even < 0.05:
        return "UTF-16LE"
    if even > 0.4 and odd < 0.05:
        return "UTF-16BE"
    if head.count(0) < 4 or not _is_strange(head):
        return None
    # Of a script other than Latin, hardly more than spaces and line ends have zero bytes.
    return next((name for name in ("UTF-16LE", "UTF-16BE") if _reads_as(name, head)), None)


def _is_strange(head: bytes) -> bool:
    """Whether bytes are no text in UTF-8, or more than a tenth of it would be control characters."""
    controls = sum(b < 32 and b not in b"\0\t\n\r\x0b\x0c" for b in head)
    return controls > len(head) // 10 or "\ufffd" in head[:-3].decode("utf-8", "replace")


def _reads_as(encoding: str, head: bytes) -> bool:
    """Whether bytes are text in this encoding: letters, marks, punctuation, and some spaces or line ends."""
    text = head.decode(encoding, "replace")
    letters = sum(unicodedata.category(c)[0] in "LMNPZ" or c in "\t\n\r" for c in text)
    return letters > 0.97 * len(text) and sum(c in " \n" for c in text) >= 4


NUMBER = rb"[-+]?[0-9]*\.[0-9]+(?:[eE][-+]?[0-9]+)?"


def _is_vectors(head: bytes) -> bool:
    """word2vec's header `V D`, then either D decimals behind the first word, or bytes that no text has."""
    header = re.match(rb"([1-9][0-9]{0,12}) ([1-9][0-9]{0,4}) ?\r?\n", head)
    if not header:
        return False
    dim = int(header[2])
    rest = head[header.end() :]
    fields = rest.split(b"\n", 1)[0].split(b" ")[1:]
    decimals = sum(bool(re.fullmatch(NUMBER, f)) for f in fields)
    if decimals > 1 and dim > 1 and decimals >= min(dim, len(fields) - 1) - dim // 8:
        return True
    strange = sum(b < 32 and b not in b"\t\n\r\x0b\x0c" for b in rest)
    return len(rest) > 64 and strange > len(rest) // 50


def repeated_file(sources: Iterable[Source]) -> str:
    """What should be said of the first file that is there twice, perhaps under another name or as a copy; empty where
    none is."""
    files: dict[tuple[int, int], Source] = {}
    texts: dict[tuple[int | None, int], Source] = {}
    for source in sources:
        if source.identity is None or source.stop is not None:  # a pipe, or a part of a file
            continue
        first = files.setdefault(source.identity, source)
        alike = texts.setdefault((source.size, source.beginning), source)
        if first is not source:
            again = "is given twice" if first.path == source.path else f"is the same file as {first.name}"
        elif alike is not source and _end_alike(source.path, alike.path):
            again = f"looks like a copy of {alike.name}"
        else:
            continue
        return f"{source.name}: {again}, and its text counts twice"
    return ""


def _end_alike(one: str, other: str) -> bool:
    """Whether two files of one size end in the same bytes."""
    ends = []
    for path in (one, other):
        with open(path, "rb") as file:
            file.seek(-min(SAMPLE_BYTES, os.fstat(file.fileno()).st_size), os.SEEK_END)
            ends.append(file.read())
    return ends[0] == ends[1]
