"""Phrases for a training: found in a corpus that is read with all its words, joined before the words are chosen."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from w2v.corpus.config import CorpusConfig
from w2v.settings import check_names

if TYPE_CHECKING:
    from w2v.corpus.encoded import EncodedCorpus
    from w2v.corpus.phrases import Joined, Phrase, PhraseSettings
    from w2v.corpus.vocab import Vocab

__all__ = ["connectors_of", "find_phrases", "joined", "phrase_settings", "without_phrases"]

ENGLISH = "english"


def connectors_of(given: str | None) -> tuple[bytes, ...]:
    """Connector words: the English ones, those of a file, or none. CorpusError or OSError for a file that is wrong."""
    from w2v.corpus import phrases

    if given is None:
        return ()
    return tuple(word.encode() for word in phrases.ENGLISH) if given == ENGLISH else phrases.read_connectors(given)


def phrase_settings(config: CorpusConfig) -> PhraseSettings:
    """How phrases are found, from the settings of a corpus."""
    from w2v.corpus.phrases import PhraseSettings

    return PhraseSettings(
        passes=config.phrases, score=config.phrase_score, threshold=config.phrase_threshold,
        min_count=config.phrase_min_count, connectors=connectors_of(config.phrase_connectors),
    )


def without_phrases(config: CorpusConfig) -> CorpusConfig:
    """How the text is read where phrases are wanted: rare words still stand between the others."""
    return dataclasses.replace(config, phrases=0, min_count=1, max_vocab=None)


def joined(
    corpus: EncodedCorpus, config: CorpusConfig, settings: PhraseSettings, *, vocab: Vocab | None = None,
    threads: int | None = None, tmp_dir: Any = None,
) -> EncodedCorpus:
    """A corpus that was read `without_phrases`, with its phrases as words, and the words that `config` leaves."""
    from w2v.corpus.phrases import join_phrases
    from w2v.corpus.remap import chosen

    found = join_phrases(corpus, settings, threads=threads, tmp_dir=tmp_dir)
    return chosen(corpus, found, config, vocab, threads=threads, tmp_dir=tmp_dir)


def find_phrases(
    corpus: Any, *, passes: int = 1, score: str = "original", threshold: float | None = None, min_count: int = 5,
    connectors: str | os.PathLike[str] | None = None, threads: int | None = None, **settings: Any,
) -> list[Phrase]:
    """The collocations of a corpus: (phrase, count, score, number of the pass), by pass, the highest score first.

    `corpus` is what `w2v.encode` takes, or an encoded corpus that holds all its words (min_count=1). `connectors` is
    "english" or a file; other settings are those of `CorpusConfig` that say how text becomes words. Formulas and rules
    are told in w2v/corpus/phrases.py. Raises W2VError.
    """
    return join(
        corpus, settings, threads=threads, phrases=passes, phrase_score=score, phrase_threshold=threshold,
        phrase_min_count=min_count, phrase_connectors=None if connectors is None else os.fspath(connectors),
    ).phrases


def join(corpus: Any, settings: dict[str, Any], *, threads: int | None, **phrases: Any) -> Joined:
    """Read whatever a corpus is given as, and join its phrases."""
    from w2v.corpus.phrases import join_phrases
    from w2v.training.corpora import open_corpus

    check_names("find_phrases", settings, CorpusConfig)
    config = CorpusConfig(**settings, **phrases)
    wanted = phrase_settings(config)
    encoded, _ = open_corpus(corpus, without_phrases(config), settings, threads=threads)
    return join_phrases(encoded, wanted, threads=threads)
