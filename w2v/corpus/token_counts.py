"""Where each token of a text went."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

__all__ = ["TokenCounts"]


@dataclass
class TokenCounts:
    """Where each token of the text went. A spelling in which the tokenizer finds several words counts once for each."""

    read: int = 0
    kept: int = 0
    below_min_count: int = 0
    beyond_max_vocab: int = 0
    not_in_vocab: int = 0  # of a vocabulary that was given
    too_long: int = 0  # more than 1,024 bytes
    no_word: int = 0  # spellings in which the tokenizer finds none
    joined: int = 0  # to the token before them, as phrases
    sentences: int = 0  # as trained: not empty, long ones in parts
    cut_sentences: int = 0  # longer than 10,000 kept tokens, and cut there
    nul_bytes: int = 0
    bytes_read: int = 0  # of the files, compressed or not
    text_bytes: int = 0  # after decompression
    types_read: int = 0  # distinct words before any were dropped
    files: int = 0
    not_utf8: int = 0  # of those kept

    def unmapped(self) -> TokenCounts:
        """The same, but for what is counted anew when the ids are mapped to another vocabulary."""
        return replace(self, kept=0, sentences=0, cut_sentences=0)

    def dropped(self) -> int:
        """Tokens read and not kept as tokens of their own."""
        return (
            self.below_min_count
            + self.beyond_max_vocab
            + self.not_in_vocab
            + self.too_long
            + self.no_word
            + self.joined
        )

    def check(self) -> None:
        """Raise ValueError unless read == kept + dropped and nothing is negative."""
        if self.read != self.kept + self.dropped() or any(getattr(self, f.name) < 0 for f in fields(self)):
            raise ValueError(f"the token counts do not add up: {self}")
