"""The census of a text (census.h): lines, tokens, and where something odd is."""

import numpy as np

from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy, memset

cdef extern from "census.h" nogil:
    enum:
        SEEN_INVALID
        SEEN_NUL
        SEEN_WIDE_SPACE
        SEEN_INVISIBLE
        SEEN_REPLACEMENT
        SEEN_CONTROL
        SEEN_CRLF
        SEEN_RETURN
        SEEN_LONG_TOKEN
        SEEN_LONG_SENTENCE
        SEEN_KINDS
        PLACES
    const uint64_t FNV_START
    ctypedef struct sighting:
        int64_t count
        int64_t offset[3]
        int64_t line[3]
    ctypedef struct census:
        int unicode
        int64_t offset
        int64_t line
        int64_t line_start
        int64_t tokens
        int64_t lines
        int64_t blank
        int64_t longest_line
        int64_t longest_line_at
        int64_t longest_token
        int64_t longest_token_at
        int64_t most_tokens
        uint8_t before
        uint64_t hash
        uint64_t* hashes
        uint64_t thin
        int64_t kept
        int64_t limit
        int failed
        sighting seen[10]
    void census_feed(census* c, const uint8_t* data, int64_t size)
    void census_finish(census* c)

KINDS = {
    "invalid": SEEN_INVALID, "nul": SEEN_NUL, "wide space": SEEN_WIDE_SPACE, "invisible": SEEN_INVISIBLE,
    "replacement": SEEN_REPLACEMENT, "control": SEEN_CONTROL, "crlf": SEEN_CRLF, "return": SEEN_RETURN,
    "long token": SEEN_LONG_TOKEN, "long sentence": SEEN_LONG_SENTENCE,
}


cdef class Census:
    """Feed it the text in blocks of any size, then `finish`. `origin` bytes stand before it in the file (a BOM)."""

    cdef census c

    def __init__(self, bint unicode=True, int64_t origin=0, int64_t most_lines=1 << 24):
        memset(&self.c, 0, sizeof(census))
        self.c.unicode = unicode
        self.c.line = 1
        self.c.offset = self.c.line_start = origin
        self.c.hash = FNV_START
        self.c.limit = max(most_lines, <int64_t> 16)

    def __dealloc__(self):
        free(self.c.hashes)

    def feed(self, const uint8_t[::1] data):
        """Take the next bytes."""
        cdef int64_t size = data.shape[0]
        if size:
            with nogil:
                census_feed(&self.c, &data[0], size)

    def finish(self):
        """The text has ended."""
        census_finish(&self.c)

    @property
    def lines(self) -> int:
        return self.c.lines

    @property
    def blank(self) -> int:
        """Lines without a token."""
        return self.c.blank

    @property
    def tokens(self) -> int:
        return self.c.tokens

    @property
    def most_tokens(self) -> int:
        """Of a line."""
        return self.c.most_tokens

    @property
    def longest_line(self) -> tuple:
        """(bytes, line)."""
        return self.c.longest_line, self.c.longest_line_at

    @property
    def longest_token(self) -> tuple:
        """(bytes, line)."""
        return self.c.longest_token, self.c.longest_token_at

    def seen(self, kind: str) -> tuple:
        """(how many, [(offset, line) of the first])."""
        cdef sighting* s = &self.c.seen[KINDS[kind]]
        return s.count, [(s.offset[i], s.line[i]) for i in range(min(s.count, <int64_t> PLACES))]

    def repeated_lines(self) -> tuple:
        """(lines that are copies of an earlier one, copies of the line that has most, share of distinct lines that were
        compared): by 64-bit hashes, blank lines left out."""
        cdef uint64_t[::1] view
        hashes = np.empty(self.c.kept, np.uint64)
        if self.c.kept == 0:
            return 0, 0, 1.0
        view = hashes
        memcpy(&view[0], self.c.hashes, self.c.kept * sizeof(uint64_t))
        hashes.sort()
        starts = np.flatnonzero(np.concatenate(([True], hashes[1:] != hashes[:-1])))
        most = int(np.diff(np.append(starts, len(hashes))).max())
        scale = self.c.thin + 1
        return (len(hashes) - len(starts)) * scale, most, 1 / scale
