"""A training as curves: loss, learning rate, words a second, scores."""

from __future__ import annotations

from typing import BinaryIO

from w2v.seeing.extras import needed
from w2v.seeing.log import Log

__all__ = ["draw_curves"]

INK, BLUE, RED, GREY = "#1d2430", "#2166ac", "#b2182b", "#8a93a3"


def draw_curves(logs: dict[str, Log], file: BinaryIO, form: str) -> list[str]:
    """One panel a quantity, one line a log; returns warnings."""
    needed("matplotlib")
    from matplotlib.figure import Figure

    from w2v.seeing.fonts import fonts_for, saved

    names = [name for log in logs.values() for name in log.scores()]
    fonts, warnings = fonts_for([*logs, *names])
    panels = ["loss", "lr", "words_per_s", *(["scores"] if names else [])]
    figure = Figure(figsize=(9, 2.1 * ((len(panels) + 1) // 2) + 0.5), layout="constrained")
    grid = figure.subplots((len(panels) + 1) // 2, 2, squeeze=False).ravel()
    colours = [BLUE, RED, "#4d9221", "#c2761c", "#762a83", GREY]
    for axes, panel in zip(grid, panels, strict=False):
        for number, (name, log) in enumerate(logs.items()):
            draw_panel(axes, panel, log, colours[number % len(colours)], name if len(logs) > 1 else "")
        finish(axes, panel, fonts)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    saved(figure, file, form)
    return warnings


def draw_panel(axes, panel: str, log: Log, colour: str, name: str) -> None:
    if panel == "scores":
        styles = ["-", "--", ":", "-."]
        for number, (score, (xs, ys)) in enumerate(log.scores().items()):
            label = f"{name} {score}".strip().replace("$", "\\$")
            axes.plot(millions(xs), ys, styles[number % 4], color=colour, marker="o", markersize=3, label=label)
        return
    xs, ys = log.series(panel)
    marker = "o" if len(xs) < 12 else None
    axes.plot(millions(xs), [y / 1e6 for y in ys] if panel == "words_per_s" else ys, color=colour, linewidth=1.6,
              marker=marker, markersize=3, label=name.replace("$", "\\$") or ("training" if panel == "loss" else None))
    if panel == "loss":
        xs, ys = log.series("held_out_loss")
        if xs:
            axes.plot(millions(xs), ys, "--", color=colour if name else RED, marker="o", markersize=3,
                      label=f"{name} held out".strip())


def millions(tokens: list[float]) -> list[float]:
    return [value / 1e6 for value in tokens]


TITLES = {"loss": "mean loss", "lr": "learning rate", "words_per_s": "million words a second", "scores": "scores"}


def finish(axes, panel: str, fonts: list[str]) -> None:
    axes.set_title(TITLES[panel], loc="left", fontsize=10, color=INK, fontweight="bold")
    axes.set_xlabel("million tokens", fontsize=8, color=GREY)
    axes.tick_params(labelsize=8, colors=GREY)
    axes.grid(color="#e6e8ec", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#c9ced6")
    if panel in ("lr", "words_per_s"):
        axes.set_ylim(bottom=0)
    handles, labels = axes.get_legend_handles_labels()
    if len(handles) > 1:
        axes.legend(handles, labels, fontsize=8, frameon=False, prop={"family": fonts, "size": 8})
