"""Vectors with words of every kind, and a browser where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from w2v.vectors.vectors import Vectors

from .browser import Browser, chromium

HOSTILE = [
    "</script><script>document.title='broken'</script>",
    '"><img/src=x/onerror=document.title=1>',
    "<!--",
    "-->",
    "'\"`",
    "{{data}}",
    "&lt;b&gt;",
    "\\u003c",
    "__proto__",
    "constructor",
    "a" * 300,
    "\u2028",
    "\u202eevil",
    "%00",
]
SCRIPTS = [
    "서울",
    "한국",
    "القاهرة",
    "مصر",
    "東京",
    "日本",
    "ことば",
    "北京",
    "दिल्ली",
    "שלום",
    "ไทย",
    "🙂",
    "naïve",
    "ＦＵＬＬ",
    b"\xff\xfe".decode("utf-8", "surrogateescape"),
]
ROYALS = ["king", "queen", "man", "woman", "prince", "princess", "boy", "girl"]


@pytest.fixture(scope="session")
def varied() -> Vectors:
    """400 words in 12 bunches, 24 dimensions; king - man + woman is queen."""
    random = np.random.default_rng(5)
    words = [*ROYALS, *SCRIPTS, *HOSTILE]
    words += [f"word{i}" for i in range(400 - len(words))]
    bunches = random.normal(size=(12, 24))
    matrix = bunches[np.arange(len(words)) % 12] * 0.8 + random.normal(size=(len(words), 24)) * 0.5
    royal, female, young = random.normal(size=(3, 24)) * 1.5
    base = random.normal(size=24)
    kinds = [(1, 0, 0), (1, 1, 0), (0, 0, 0), (0, 1, 0), (1, 0, 1), (1, 1, 1), (0, 0, 1), (0, 1, 1)]
    for row, (a, b, c) in enumerate(kinds):
        matrix[row] = base + a * royal + b * female + c * young + random.normal(size=24) * 0.1
    return Vectors(words, matrix.astype(np.float32))


@pytest.fixture(scope="session")
def browser():
    program = chromium()
    if program is None:
        pytest.skip("no Chromium here (apt-get install chromium, or set W2V_CHROMIUM)")
    made = Browser(program)
    yield made
    made.close()
