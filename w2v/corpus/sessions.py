"""A table of events (who, what, when) to sessions: lists of items in the order of time.

Events are put into order by session and time: in memory as far as they fit, past that in sorted runs on disk, in files
without a name, which are merged. So memory does not grow with the table, and the order of its rows does not matter.
"""

from __future__ import annotations

import heapq
import io
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import cast

from w2v.corpus.config import SessionConfig
from w2v.corpus.rows import Table
from w2v.corpus.sources import ReadProgress
from w2v.corpus.spool import spool_errors, unnamed_file
from w2v.errors import CorpusError, SettingsError, printable, setting, shortened
from w2v.files import MAGIC_BYTES, compression_of
from w2v.findings import Tally
from w2v.numbers import plural, seconds_of
from w2v.settings import check_names

__all__ = ["SessionCounts", "Sessions", "sessions"]

MEMORY = 256 << 20  # bytes of events that are sorted together
EVENT_BYTES = 64  # that Python takes for an event beside its text
MOST_RUNS = 64  # merged together
MOST_ITEMS = 100_000  # of a session, which is then cut: memory does not grow with it
PROGRESS_ROWS = 1 << 13
SPACE = re.compile(r"[\s\0-\x1f\x7f-\x9f]+")
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
# Since 1970 in seconds, milliseconds, microseconds or nanoseconds: told by the number, as no log is from the year 5138.
UNITS = ((10**11, 10**6, 1), (10**14, 10**3, 1), (10**17, 1, 1), (10**20, 1, 1000))
# A date, or a date and a time, without anything between. As numbers they would be times in 1970, 1976 or beyond 2570,
# which no log has.
DIGITS = re.compile(r"(?:19|20)[0-9]{6}(?:[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})?")
ZERO = 1 << 63  # times before 1970 sort before the others

Path = str | os.PathLike[str]


@dataclass
class SessionCounts:
    """What became of the rows of a table. `renamed` are items with white space in them, with the first ones."""

    rows: int = 0
    bad: Tally = field(default_factory=Tally)
    no_item: int = 0
    no_session: int = 0
    renamed: Tally = field(default_factory=Tally)
    repeats: int = 0
    sessions: int = 0
    items: int = 0  # in the sessions
    short: int = 0  # sessions that were left out
    short_items: int = 0
    runs: int = 0  # that were sorted on disk


class Sessions:
    """The sessions of tables, each a list of items; gone through as often as wanted, standard input once.

    `counts` say what the last pass found. CorpusError names the row that cannot be read, OSError the file or folder.
    """

    def __init__(
        self,
        paths: Path | Sequence[Path],
        config: SessionConfig,
        *,
        tmp_dir: Path | None = None,
        memory: int = MEMORY,
        on_progress: Callable[[ReadProgress], object] | None = None,
    ):
        self.paths = [os.fspath(path) for path in ([paths] if isinstance(paths, (str, os.PathLike)) else paths)]
        self.config, self.tmp_dir, self.memory, self.on_progress = config, tmp_dir, memory, on_progress
        if not self.paths:
            raise CorpusError("no table: give files, or - for standard input")
        self.columns = config.columns()
        self.gap = None if config.gap is None else round(seconds_of(config.gap) * 1e6)
        self.counts = SessionCounts()
        self.bytes_read = 0  # of the tables, unpacked; 0 of Parquet
        if tmp_dir is not None and not os.path.isdir(tmp_dir):
            raise SettingsError(f"{setting('tmp_dir')}: {os.fspath(tmp_dir)} is not a folder")

    @property
    def name(self) -> str:
        first = "<stdin>" if self.paths[0] == "-" else self.paths[0]
        return first + (f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else "")

    def warnings(self) -> list[str]:
        """What of the rows of the last pass is not as it was in the table."""
        bad, renamed = self.counts.bad, self.counts.renamed
        lines = [f"{plural(bad.count, 'row')} could not be read and were left out: {bad.where}"] if bad.count else []
        if renamed.count:
            lines.append(f"white space in the items of {plural(renamed.count, 'row')} became _: {renamed.places[0]}")
        return lines

    def __iter__(self) -> Iterator[list[str]]:
        self.counts = SessionCounts()
        with ExitStack() as files:
            events = self._events()
            if self.config.grouped:
                groups = itertools.groupby(events, lambda event: event.partition("\0")[0])
                events = itertools.chain.from_iterable(sorted(group) for _, group in groups)
            else:
                events = self._sorted(events, files)
            for items in self._cut(events):
                if len(items) < self.config.min_length:
                    self.counts.short += 1
                    self.counts.short_items += len(items)
                    continue
                self.counts.sessions += 1
                self.counts.items += len(items)
                yield items

    def _events(self) -> Iterator[str]:
        """Each row as text that sorts by session, time and place: session, NUL, 16 digits, 10 digits, item."""
        counts, number = self.counts, 0
        bad = counts.bad if self.config.lenient else None
        total = self._total_bytes()
        before = 0
        for path in self.paths:
            table = Table(path, self.columns, bad)
            for session, item, *time in table.rows():
                counts.rows += 1
                if not counts.rows % PROGRESS_ROWS and self.on_progress is not None:
                    self.on_progress(ReadProgress(before + table.bytes_done, total, counts.rows))
                if type(item) is not str or not item.isprintable() or " " in item:
                    item = self._token(str(item))
                if not item:
                    counts.no_item += 1
                    continue
                if not session:
                    counts.no_session += 1
                    continue
                session = str(session)
                if not session.isprintable():
                    session = "\1" + session.replace("\\", "\\\\").replace("\n", "\\n").replace("\0", "\\0")
                stamp = 0
                if time:
                    try:
                        stamp = microseconds(time[0]) + ZERO
                    except ValueError:
                        what = "date such as 20240531" if DIGITS.fullmatch(str(time[0]).removesuffix(".0")) else "time"
                        table.refuse(
                            f"{shortened(str(time[0]))!r} is not a {what}; write 2024-05-31T18:00:00Z, or seconds"
                        )
                        continue
                number += 1
                yield f"{session}\0{stamp:016x}{number:010x}{item}\n"
            before += table.bytes_done
            self.bytes_read = before

    def _total_bytes(self) -> int | None:
        """Of plain text; what compressed files hold is not known."""
        total = 0
        for path in self.paths:
            if not os.path.isfile(path):
                return None
            with open(path, "rb", buffering=0) as file:
                if compression_of(file.read(MAGIC_BYTES)) is not None:
                    return None
            total += os.path.getsize(path)
        return total

    def _token(self, item: str) -> str:
        """An item as one token: white space and control characters become one _ each run."""
        token = SPACE.sub("_", item.strip())
        if token != item and token:
            self.counts.renamed.add(
                f"'{printable(shortened(item))}' is {printable(shortened(token))}"
                if not self.counts.renamed.places
                else ""
            )
        return token

    def _sorted(self, events: Iterable[str], files: ExitStack) -> Iterator[str]:
        runs: list[Iterator[str]] = []
        run: list[str] = []
        size = 0
        for event in events:
            run.append(event)
            size += len(event) + EVENT_BYTES
            if size >= self.memory:
                run.sort()
                runs.append(self._on_disk(run, files))
                run, size = [], 0
                self.counts.runs += 1
                if len(runs) == MOST_RUNS:
                    runs = [self._on_disk(heapq.merge(*runs), files)]
        run.sort()
        return heapq.merge(*runs, run) if runs else iter(run)

    def _on_disk(self, events: Iterable[str], files: ExitStack) -> Iterator[str]:
        """The events written to a file without a name, to be read again."""
        raw = files.enter_context(unnamed_file(self.tmp_dir))
        events = iter(events)
        with spool_errors(self.tmp_dir):
            while block := "".join(itertools.islice(events, 1 << 14)):
                left = memoryview(block.encode("utf-8", "surrogateescape"))
                while left:
                    left = left[raw.write(left) :]
            raw.seek(0)
        buffered = io.BufferedReader(cast("io.FileIO", raw), 1 << 16)
        return io.TextIOWrapper(buffered, "utf-8", "surrogateescape", newline="\n")

    def _cut(self, events: Iterable[str]) -> Iterator[list[str]]:
        """Sorted events as sessions, cut where nothing happens for longer than the gap."""
        items: list[str] = []
        current, last = None, 0
        repeats = self.config.keep_repeats
        for event in events:
            session, _, rest = event.partition("\0")
            if self.gap is not None:
                stamp = int(rest[:16], 16)
                late = stamp - last > self.gap
                last = stamp
            else:
                late = False
            if session != current or late or len(items) == MOST_ITEMS:
                if items:
                    yield items
                items, current = [], session
            item = rest[26:-1]
            if not repeats and items and items[-1] == item:
                self.counts.repeats += 1
            else:
                items.append(item)
        if items:
            yield items


def microseconds(value: str | int) -> int:
    """A time since 1970, UTC, in microseconds: ISO 8601 (UTC where no zone is given), also as digits alone (20240531,
    20240531183000), or a number since then in seconds, milliseconds, microseconds or nanoseconds. ValueError for
    anything else."""
    if not isinstance(value, str):
        return int(value)
    text = value.strip().removesuffix(".0")  # a whole number as a program writes a column in which one is missing
    if DIGITS.fullmatch(text):
        return _since_1970(_of_digits(text))
    if text.isascii() and text.isdigit():
        number = int(text)
        for limit, times, per in UNITS:
            if number < limit:
                return number * times // per
        raise ValueError(value)
    if len(text) > 9 and text[4] == "-":
        if text[-1] in "Zz":
            text = text[:-1] + "+00:00"
        elif text.endswith(" UTC"):
            text = text[:-4]
        return _since_1970(datetime.fromisoformat(text))
    seconds = float(text)
    if not abs(seconds) < 10**17 or not text.isascii() or "_" in text:
        raise ValueError(value)
    return round(seconds * next(times for limit, times, _ in UNITS if abs(seconds) < limit))


def _of_digits(text: str) -> datetime:
    """20240531, 202405311830, 20240531183000, or that with three or six digits of a second."""
    day, time = text[:8], text[8:14].ljust(6, "0")
    parts = (day[:4], day[4:6], day[6:], time[:2], time[2:4], time[4:], text[14:].ljust(6, "0"))
    return datetime(*map(int, parts))  # type: ignore[arg-type]


def _since_1970(time: datetime) -> int:
    since = (time if time.tzinfo is not None else time.replace(tzinfo=timezone.utc)) - EPOCH
    return (since.days * 86_400 + since.seconds) * 10**6 + since.microseconds


def sessions(
    table: Path | Sequence[Path], session: str, item: str, *, tmp_dir: Path | None = None, **settings: object
) -> Sessions:
    """The sessions of a table of events, as lists of items, to be given to `w2v.train` or written as lines.

    `table` is a CSV, TSV, JSON lines or Parquet file (w2v[tables]), or several; `session` and `item` name columns, as
    do other settings (``time="when", gap="30m", min_length=2, ...``: the fields of `SessionConfig`). More than fits
    into memory is sorted on disk, in `tmp_dir`. Raises W2VError, OSError.
    """
    check_names("sessions", settings, SessionConfig)
    return Sessions(table, SessionConfig(session=session, item=item, **settings), tmp_dir=tmp_dir)  # type: ignore[arg-type]
