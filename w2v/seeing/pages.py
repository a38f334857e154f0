"""Self-contained pages: their parts put together, and data that is safe inside them.

A page asks nothing of any server: its policy forbids every connection, and its program and style are allowed by their
hashes alone. Words are data in it, never markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from importlib.resources import files

__all__ = ["as_json", "assemble", "script"]


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
