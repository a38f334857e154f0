"""Fonts that hold the letters of the words, among those that are installed."""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["fonts_for", "saved", "told_once"]

FIRST = "DejaVu Sans"  # comes with matplotlib
SHAPES_LETTERS = (3, 11)  # the first matplotlib that joins Arabic letters and orders words from right to left
BOXES = "Last Resort"  # comes with matplotlib too, and "holds" every letter: as a box
# First word of a letter's Unicode name -> a package of Debian's that holds a font for it.
PACKAGES = dict.fromkeys(("CJK", "HANGUL", "HIRAGANA", "KATAKANA"), "fonts-noto-cjk")
OTHER_PACKAGE = "fonts-noto-core"


@cache
def letters_of(path: str) -> frozenset[int]:
    """The characters that a font file has shapes for."""
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError):  # a font of a kind that cannot be drawn
        return frozenset()


def fonts_for(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """Font families, in the order to try, and warnings for the letters that none of them holds."""
    import matplotlib
    from matplotlib import font_manager

    text = set().union(*texts)
    missing = {ord(c) for c in text if c.isprintable() and not c.isspace()}
    families = [FIRST]
    missing -= letters_of(font_manager.findfont(FIRST))
    if missing:
        upright = [e for e in font_manager.fontManager.ttflist if e.style == "normal" and not e.name.startswith(BOXES)]
        entries = [e for e in upright if str(e.weight) in ("400", "normal")]
        # Sans before serif and mono, as the rest of the picture.
        entries.sort(key=lambda e: ("Sans" not in e.name, "Mono" in e.name, len(e.name), e.name))
        while missing:
            best = max(entries, key=lambda e: len(missing & letters_of(e.fname)), default=None)
            if best is None or not missing & letters_of(best.fname):
                break
            families.append(best.name)
            missing -= letters_of(best.fname)
    told = [warning(missing)] if missing else []
    if matplotlib.__version_info__ < SHAPES_LETTERS and any(unicodedata.bidirectional(c) in ("R", "AL") for c in text):
        told.append(f"matplotlib {matplotlib.__version__} orders words from right to left wrongly; 3.11 does not")
    return families, told


def warning(missing: set[int]) -> str:
    shown = " ".join(chr(c) for c in sorted(missing)[:8] if not 0xD800 <= c <= 0xDFFF)
    scripts = {unicodedata.name(chr(c), "OTHER").split()[0] for c in missing}
    packages = sorted({PACKAGES.get(script, OTHER_PACKAGE) for script in scripts})
    return (
        f"no installed font holds {len(missing)} of the letters ({shown}); they are drawn as boxes; "
        f"install a font for them (Debian: apt-get install {' '.join(packages)})"
    )


@contextmanager
def told_once() -> Iterator[None]:
    """No warnings of matplotlib's own for letters without a shape: `fonts_for` has reported them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def saved(figure: Figure, file: BinaryIO, form: str, dpi: int = 150) -> None:
    """Write a figure; the same figure gives the same bytes."""
    import matplotlib

    plain = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {"Software": None}}[form]
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "w2v"}), told_once():
        figure.savefig(file, format=form, dpi=dpi, metadata=plain)
