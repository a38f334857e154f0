"""One self-contained page to explore vectors in: words, quantised vectors, maps, and the program that shows them.

A page asks nothing of any server: its policy forbids every connection, and its program and style are allowed by their
hashes alone. Words are data in it, never markup. The page of `w2v learn` is put together in the same way (`assemble`).
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from w2v.seeing.layout import NEIGHBOURS, by_neighbours, groups_of, lay_out, neighbour_rows, unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from w2v.vectors.vectors import Vectors

__all__ = ["Contents", "as_json", "assemble", "make_page", "script"]

PROGRAM = ("store.js", "map.js", "rows.js", "panel.js", "main.js")
LARGEST = 14_500_000  # bytes of a page at the finest rounding that fits
ROUNDINGS = (16, 12, 8)  # bits a value
LISTED = 10  # neighbours kept for each word
GROUPS = 12
MOST_GROUPS = 24  # that are given; others are shown as one
ANALOGIES = (("man", "king", "woman"), ("france", "paris", "italy"), ("France", "Paris", "Italy"))  # (a, b, c)
LABELS = {"pca": "PCA", "neighbours": "neighbours", "tsne": "t-SNE", "umap": "UMAP"}


@dataclass(frozen=True)
class Contents:
    """A page and what was put into it."""

    html: bytes
    words: int
    dim: int
    bits: int


def make_page(
    vectors: Vectors,
    title: str,
    layout: str = "neighbours",
    seed: int = 1,
    groups: Mapping[str, str] | None = None,
    names: Mapping[str, str] | None = None,
    on_progress: Callable[[str, int, int], object] = lambda *_: None,
) -> Contents:
    """The page for all of `vectors`. `layout` is the map shown first; PCA is always there too.

    `groups` are the groups that words are coloured by, where they are not to be found from the vectors; words in none
    of them are one more. `names` are what words are called, such as the titles of items, shown before the word itself.
    `on_progress` gets what is done, how much of it, and of how much (0 where nobody knows).
    """
    units = unit_rows(vectors.matrix)
    near = neighbour_rows(vectors, NEIGHBOURS, lambda done: on_progress("neighbours", done, len(units)))
    on_progress(f"map by {LABELS[layout]}", 0, 0)
    maps = maps_of(units, near, layout, seed)
    wide = np.uint16 if len(units) <= 1 << 16 else np.uint32
    shown = [f"{names[word]} · {word}" if names and word in names else word for word in vectors.words]
    words = as_json(shown)
    on_progress("groups", 0, 0)
    legend, group_of = given_groups(vectors, groups) if groups is not None else found_groups(units, seed)
    on_progress("page", 0, 0)
    bits = bits_that_fit(units.shape, LARGEST - len(words) - 40 * len(units) - 200_000)
    about = {
        "title": title,
        "count": len(units),
        "dim": vectors.dim,
        "bits": bits,
        "listed": min(LISTED, near.shape[1]),
        "legend": legend,
        **examples(vectors, dict(zip(vectors.words, shown, strict=True))),
        "maps": [{"name": name, "label": LABELS[name]} for name in maps],
        "bytes": np.dtype(wide).itemsize,
    }
    blobs = {
        "vectors": rounded(units, bits),
        "near": near[:, :LISTED].astype(wide).tobytes(),
        "groups": group_of.tobytes(),
        **{f"map-{name}": on_grid(places).tobytes() for name, places in maps.items()},
    }
    page = assemble("explore", ["page.css"], PROGRAM, title, page_data(about, words, blobs))
    return Contents(page.encode("utf-8"), len(units), vectors.dim, bits)


def maps_of(units: NDArray[np.float32], near: np.ndarray, layout: str, seed: int) -> dict[str, np.ndarray]:
    """The map that is shown first, and that by PCA."""
    maps = {layout: by_neighbours(units, seed, near) if layout == "neighbours" else lay_out(units, layout, seed)}
    maps.setdefault("pca", lay_out(units, "pca"))
    return maps


def page_data(about: Mapping[str, object], words: str, blobs: Mapping[str, bytes]) -> str:
    """The scripts that hold the page's data: text as JSON, numbers as base64."""
    data = [script("about", "application/json", as_json(about)), script("words", "application/json", words)]
    data += [script(name, "text/plain", base64.b64encode(blob).decode()) for name, blob in blobs.items()]
    return "\n".join(data)


def found_groups(units: np.ndarray, seed: int) -> tuple[list[str], NDArray[np.uint8]]:
    """Groups of similar words, which have no names."""
    return [], groups_of(units, GROUPS, seed)


def given_groups(vectors: Vectors, groups: Mapping[str, str]) -> tuple[list[str], NDArray[np.uint8]]:
    """(names of the groups, the group of each row), the largest first. Words of none, or of those beyond MOST_GROUPS,
    are in the last one, `other`."""
    sizes = Counter(group for word, group in groups.items() if word in vectors)
    named = [group for group, _ in sizes.most_common(MOST_GROUPS)]
    number = {group: i for i, group in enumerate(named)}
    rows = np.array([number.get(groups.get(word, ""), len(named)) for word in vectors.words], np.uint8)
    return [*named, "other"] if np.any(rows == len(named)) else named, rows


def examples(vectors: Vectors, shown: Mapping[str, str]) -> dict[str, object]:
    """What the page asks when it opens: three questions, and the words of an analogy (none, if it is not known)."""
    known = [words for words in ANALOGIES if all(word in vectors and shown[word] == word for word in words)]
    asked = [f"{b} - {a} + {c}" for a, b, c in known]
    places = sorted({len(vectors) // part for part in (50, 10, 4)})
    frequent = [shown[vectors.words[place]] for place in places]
    return {"examples": [*asked[:1], *frequent][:3], "analogy": list(known[0]) if known else []}


def bits_that_fit(shape: tuple[int, int], room: int) -> int:
    for bits in ROUNDINGS:
        if shape[0] * shape[1] * bits // 8 * 4 // 3 <= room:
            return bits
    return ROUNDINGS[-1]


def rounded(units: np.ndarray, bits: int) -> bytes:
    """Each value as a whole number of this many bits, two's complement, little-endian; a row's largest fills the range.

    The rows' scales are left out: the page brings rows to unit length again.
    """
    largest = np.abs(units).max(axis=1, keepdims=True)
    most = 2 ** (bits - 1) - 1
    scaled = np.divide(units * most, largest, out=np.zeros(units.shape), where=largest > 0)
    whole: np.ndarray = np.rint(scaled).astype(np.int16)
    if bits == 16:
        return whole.astype("<i2").tobytes()
    if bits == 8:
        return whole.astype(np.int8).tobytes()
    flat = (whole.ravel() & 0xFFF).astype(np.uint16)
    flat = np.append(flat, np.zeros(len(flat) % 2, np.uint16)).reshape(-1, 2)
    low, high = flat[:, 0], flat[:, 1]
    return np.stack([low & 0xFF, low >> 8 | (high & 0xF) << 4, high >> 4], axis=1).astype(np.uint8).tobytes()


def on_grid(places: np.ndarray) -> np.ndarray:
    """Places as 16-bit numbers on a square, <u2 [n, 2]; far outliers (beyond 0.1 % on each side) are drawn in."""
    low, high = np.quantile(places, [0.001, 0.999], axis=0)
    middle, reach = (low + high) / 2, max(1e-9, float((high - low).max()) / 2 * 1.05)
    square = np.clip((places - middle) / reach, -1, 1)
    cells: np.ndarray = np.rint((square + 1) / 2 * 65535).astype("<u2")
    return cells


def assemble(name: str, styles: Sequence[str], programs: Sequence[str], title: str, data: str) -> str:
    """The page of `w2v NAME` from its parts in w2v/seeing/page; the policy names program and style by their hashes."""
    folder = files("w2v.seeing") / "page"
    style, code = (
        "\n".join((folder / part).read_text(encoding="utf-8") for part in parts) for parts in (styles, programs)
    )
    program = f'(() => {{\n"use strict";\n{code}\n}})();\n'
    policy = (
        f"default-src 'none'; script-src '{digest(program)}'; style-src '{digest(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    # One pass over the marks: nothing that is filled in is looked at again.
    values = {
        "policy": policy,
        "name": name,
        "title": html.escape(printable(title)),
        "style": style,
        "data": data,
        "program": program,
    }
    text = "".join((folder / part).read_text(encoding="utf-8") for part in ("head.html", f"{name}.html"))
    head, *rest = text.split("{{")
    return head + "".join(values[name] + tail for name, tail in (part.split("}}", 1) for part in rest))


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()


def script(name: str, kind: str, text: str) -> str:
    return f'<script type="{kind}" id="data-{name}">{text}</script>'


def printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def as_json(value: object) -> str:
    """JSON that is safe inside a script element for any words: `</script>`, `<!--`, lone surrogates."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    unsafe = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029\ufeff\x7f"}
    text = text.translate(unsafe)
    if any("\ud800" <= c <= "\udfff" for c in text):
        text = "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text
