"""`w2v curve`: how a training went."""

from __future__ import annotations

from w2v.cli.command import Argument, Command, Option
from w2v.cli.errors import say
from w2v.cli.output import figure_format, write_figure

__all__ = ["command"]

HELP = """Loss, learning rate, words a second and scores over a training, from the log that it wrote.

A LOG holds JSON lines as docs/log.md describes them; several are drawn together. Lines that cannot be read, such as the
last half line of a run that was killed, are skipped and counted. Needs w2v[plot].
"""


def curve(logs: tuple[str, ...], output: str) -> None:
    form = figure_format(output, logs)

    from w2v.seeing.curves import draw_curves, read_log

    found = {path: read_log(path) for path in logs}
    for path, log in found.items():
        if log.skipped:
            say(f"warning: {path}: {log.skipped} lines are not events and were skipped")
    write_figure(output, lambda file: draw_curves(found, file, form))


command = Command(
    "curve",
    usage="LOG... -o FILE",
    help=HELP,
    examples=[("A picture of a run", "w2v curve run.jsonl -o curve.png")],
    callback=curve,
    params=[
        Argument(["logs"], nargs=-1, required=True, metavar="LOG", line="Logs in JSON lines, plain or compressed."),
        Option(["-o", "--output"], required=True, metavar="FILE", help="The picture: .png, .svg or .pdf."),
    ],
)
