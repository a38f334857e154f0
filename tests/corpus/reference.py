"""What the reader must do, in a few lines of plain Python: the judge of the encoder."""

from __future__ import annotations

import re
from collections import Counter

LONGEST_TOKEN = 1024
LONGEST_SENTENCE = 10000


def split_line(line: bytes, whitespace: str) -> list[bytes]:
    if whitespace == "ascii":
        return [t for t in re.split(rb"[ \t\r\x0b\x0c\0]+", line) if t]
    text = line.replace(b"\0", b" ").decode("utf-8", "surrogateescape")
    return [t.encode("utf-8", "surrogateescape") for t in text.split()]


def encode(texts: list[bytes], min_count: int = 1, whitespace: str = "unicode", longest: int = LONGEST_SENTENCE):
    """(words, counts, ids) of several files' bytes."""
    sentences = []
    for text in texts:
        for line in text.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            sentences.append([t for t in split_line(line, whitespace) if len(t) <= LONGEST_TOKEN])
    counts = Counter(t for s in sentences for t in s)
    words = sorted((w for w in counts if counts[w] >= min_count), key=lambda w: (-counts[w], w))
    index = {w: i for i, w in enumerate(words)}
    ids = []
    for sentence in sentences:
        kept = [index[t] for t in sentence if t in index]
        for start in range(0, len(kept), longest):
            ids += [*kept[start : start + longest], -1]
    return words, [counts[w] for w in words], ids
