"""`w2v sessions`: a table of events to lines of items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import say
from w2v.cli.options import config_from, config_options, output_option, quiet_option, tmp_dir_option
from w2v.cli.output import STDOUT
from w2v.corpus.config import SessionConfig
from w2v.errors import CorpusError, SettingsError, setting
from w2v.numbers import count, plural

if TYPE_CHECKING:
    from w2v.corpus.sessions import SessionCounts

__all__ = ["command"]

HELP = """Sessions from a table of events (who, what, when): one per line, items separated by spaces.

TABLE is CSV, TSV, JSON lines or Parquet (w2v[tables]), plain or compressed, recognised by content; - is standard input.
Columns are named by its first row or, where that is data, by their numbers from 1. Times are ISO 8601, digits such as
20240531 or 20240531183000, or numbers since 1970 in seconds, milliseconds, microseconds or nanoseconds.

Rows may be in any order: they are sorted by session and time, beyond 256 MB on disk (--tmp-dir, else $TMPDIR or /tmp),
in about the space of the three columns. White space within an item becomes _. w2v train takes the same options, and a
table instead of a text.
"""

EXAMPLES = [
    (
        "A day's log of a shop; a session ends where nothing happens for 30 minutes",
        "w2v sessions events.csv --session user --item item --time time --gap 30m -o sessions.txt",
    ),
    (
        "Each session's last item held out, to score with",
        "w2v sessions events.csv --session user --item item --time time -o train.txt --last-out heldout.txt",
    ),
    ("From a pipe, columns by number", "tail -n +2 events.csv | w2v sessions - --session 1 --item 2 --time 3"),
]


def sessions(
    tables: tuple[str, ...], output: str, last_out: str | None, tmp_dir: str | None, quiet: bool, **given: Any
) -> None:
    from w2v.cli.progress import progress_for
    from w2v.cli.streams import text_output
    from w2v.corpus.sessions import Sessions
    from w2v.output import OutputSet
    from w2v.places import check_outputs

    config = config_from(SessionConfig, given)
    if last_out == STDOUT:
        raise SettingsError(f"{setting('last_out')}: - is no file; standard output may carry the sessions")
    check_outputs([output, *([last_out] if last_out else [])], tables)
    with progress_for(quiet) as progress:
        found = Sessions(tables, config, tmp_dir=tmp_dir, on_progress=progress.reading)
        with OutputSet() as outputs:
            out = text_output(output, outputs)
            apart = text_output(last_out, outputs) if last_out else None
            for items in found:
                if apart is not None and len(items) > 1:
                    apart.write((" ".join(items) + "\n").encode("utf-8", "surrogateescape"))
                    items.pop()
                out.write((" ".join(items) + "\n").encode("utf-8", "surrogateescape"))
            if not found.counts.sessions:
                why = "; ".join(summary(found.counts, config, tmp_dir)[1:])
                rows = plural(found.counts.rows, "row")
                raise CorpusError(f"{', '.join(tables)}: no session in {rows}{f' ({why})' if why else ''}")
        progress.finish()
    if not quiet:
        for line in (*summary(found.counts, config, tmp_dir), *(f"warning: {text}" for text in found.warnings())):
            say(line)


def summary(counts: SessionCounts, config: SessionConfig, tmp_dir: str | None) -> list[str]:
    """What became of the rows."""
    import tempfile

    mean = counts.items / max(1, counts.sessions)
    lines = [f"{plural(counts.rows, 'row')}: {plural(counts.sessions, 'session')} of {mean:.1f} items on average"]
    left_out = {
        f"of sessions shorter than {config.min_length}": counts.short_items,
        "that repeat the item before": counts.repeats,
        "without an item": counts.no_item,
        "without a session": counts.no_session,
    }
    told = [f"{count(number)} {what}" for what, number in left_out.items() if number]
    if told:
        lines.append(f"rows left out: {', '.join(told)}")
    if counts.runs:
        lines.append(f"sorted on disk, in {plural(counts.runs + 1, 'run')} in {tmp_dir or tempfile.gettempdir()}")
    return lines


command = Command(
    "sessions",
    usage="TABLE... --session COLUMN --item COLUMN [options]",
    help=HELP,
    examples=EXAMPLES,
    callback=sessions,
    params=[
        Argument(["tables"], nargs=-1, required=True, metavar="TABLE", line="Tables of events; - is standard input."),
        *config_options(SessionConfig, "Sessions"),
        output_option("Where the lines go; compressed if it ends in .gz.", group="Output"),
        Option(
            ["--last-out"],
            metavar="FILE",
            group="Output",
            help="Leave the last item of each session out of the lines; whole sessions go to FILE, for w2v evaluate "
            "--sessions.",
        ),
        tmp_dir_option(),
        quiet_option(),
    ],
)
