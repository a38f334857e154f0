"""The corpus of a training, from whatever it is given as: text, token sequences, or what is encoded already."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Collection
from typing import Any

from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import EncodedCorpus
from w2v.errors import CorpusError, SettingsError, setting, shortened

__all__ = ["SELECTING", "agreed", "encoded_path", "open_corpus", "open_encoded", "paths_of", "read"]

SELECTING = ("min_count", "max_vocab")  # what may be narrowed after encoding


def open_corpus(
    corpus: Any, config: CorpusConfig, stated: Collection[str], **options: Any
) -> tuple[EncodedCorpus, CorpusConfig]:
    """Anything that a corpus is given as, encoded, and the settings that it has: of an encoded one its own but for
    those of `config` that are `stated`. Options as of `read`."""
    encoded = corpus if isinstance(corpus, EncodedCorpus) else encoded_path(corpus)
    if encoded is None:
        return read(corpus, config, **options), config
    options.pop("on_progress", None)
    return open_encoded(encoded, config, stated, **options)


def read(corpus: Any, config: CorpusConfig, **options: Any) -> EncodedCorpus:
    """A path, paths, or an iterable of token sequences to an encoded corpus; options as of `read_corpus`."""
    from w2v.corpus.reader import encode_sequences, read_corpus

    if config.phrases:
        from w2v.training.phrasing import joined, phrase_settings, without_phrases

        phrases, vocab = phrase_settings(config), options.pop("vocab", None)
        encoded = read(corpus, without_phrases(config), **options)
        more = {name: value for name, value in options.items() if name in ("threads", "tmp_dir")}
        return joined(encoded, config, phrases, vocab=vocab, **more)
    paths = paths_of(corpus)
    if paths is not None:
        return read_corpus(paths, config, **options)
    return encode_sequences(corpus, config, **options)


def paths_of(corpus: Any) -> list[str | os.PathLike[str]] | None:
    """The files and folders that are meant; None for sequences of tokens. CorpusError for sentences as strings."""
    paths = [corpus] if isinstance(corpus, (str, os.PathLike)) else corpus
    if not isinstance(paths, (list, tuple)) or not paths or not all(isinstance(x, (str, os.PathLike)) for x in paths):
        return None
    strings = [path for path in paths if isinstance(path, str) and path != "-"]
    missing = next((text for text in strings if not os.path.exists(text)), None)
    if missing is not None and (_is_sentence(missing) or (len(strings) > 1 and all(map(_is_word, strings[:10])))):
        raise CorpusError(
            f"{shortened(missing)}: no such file or folder, and a string is the name of one; sentences are lists of "
            'tokens: split each into words, [["a", "b"], ["c", "d"]]'
        )
    return list(paths)


def _is_sentence(text: str) -> bool:
    """Whether text that names no file was not meant to: it has spaces and no suffix, or no file could be called so."""
    if "\0" in text or "\n" in text or any(len(part.encode(errors="replace")) > 255 for part in text.split(os.sep)):
        return True
    return len(text.split()) > 1 and not _is_file_name(text)


def _is_word(text: str) -> bool:
    return not _is_file_name(text) and not os.path.exists(text)


def _is_file_name(text: str) -> bool:
    return os.sep in text or re.search(r"\.\w{1,9}$", text) is not None


def encoded_path(corpus: Any) -> str | None:
    """The path, if the corpus is one file that `w2v encode` has written, told by its content.

    Raises CorpusError where such a file stands beside others.
    """
    from w2v.corpus.ids_file import is_encoded

    paths = paths_of(corpus) or []
    found = [os.fspath(path) for path in paths if path != "-" and is_encoded(path)]
    if found and len(paths) > 1:
        raise CorpusError(f"{found[0]}: an encoded corpus is trained on alone; encode all of the text into one file")
    return found[0] if found else None


def open_encoded(
    corpus: EncodedCorpus | str | os.PathLike[str], config: CorpusConfig, stated: Collection[str], **options: Any
) -> tuple[EncodedCorpus, CorpusConfig]:
    """An encoded corpus, with the words that the `stated` fields of `config` leave, and the settings it then has.

    SettingsError names what contradicts the settings with which it was encoded. Options as of `remap.pruned`.
    """
    from w2v.corpus.ids_file import load_corpus
    from w2v.corpus.remap import pruned

    encoded = corpus if isinstance(corpus, EncodedCorpus) else load_corpus(corpus, **options)
    before = settings_of(encoded)
    if before is not None and not before.phrases and config.phrases and "phrases" in stated:
        return joined_later(encoded, before, config, stated, options)
    settings = agreed(encoded, config, stated)
    return pruned(encoded, settings.min_count, settings.max_vocab, **options), settings


def joined_later(
    encoded: EncodedCorpus, before: CorpusConfig, config: CorpusConfig, stated: Collection[str], options: dict[str, Any]
) -> tuple[EncodedCorpus, CorpusConfig]:
    """Phrases in a corpus that was encoded without any, if it holds all its words."""
    from w2v.corpus.phrases import require_all_words
    from w2v.training.phrasing import joined, phrase_settings

    require_all_words(encoded)
    of_phrases = {name: getattr(config, name) for name in vars(config) if name.startswith("phrase")}
    agreed(encoded, config, set(stated) - set(of_phrases))
    kept = {name: getattr(config, name) for name in SELECTING}
    settings = dataclasses.replace(before, **of_phrases, **kept)
    return joined(encoded, settings, phrase_settings(settings), **options), settings


def agreed(encoded: EncodedCorpus, config: CorpusConfig, stated: Collection[str]) -> CorpusConfig:
    """The settings of an encoded corpus, with a higher `min_count` or a smaller `max_vocab` where `config` states them.

    What is not stated is as at encoding. SettingsError for the first stated field that cannot be had.
    """
    before = settings_of(encoded)
    if before is None:  # made by hand: nothing is known of it
        return config
    for name in stated:
        was, now = getattr(before, name), getattr(config, name)
        if was == now or (name in SELECTING and now is not None and (was is None or narrower(name, was, now))):
            continue
        raise SettingsError(
            f"{encoded.name}: it was encoded {shown(name, was)}; training {shown(name, now)} needs the text; encode "
            "that again"
        )
    return dataclasses.replace(before, **{name: getattr(config, name) for name in SELECTING if name in stated})


def settings_of(encoded: EncodedCorpus) -> CorpusConfig | None:
    if encoded.settings is None:
        return None
    try:
        return CorpusConfig(**encoded.settings)
    except (TypeError, SettingsError) as error:
        raise CorpusError(
            f"{encoded.name}: its settings are not those of this version ({error!s:.200}); encode the text again"
        ) from None


def narrower(name: str, was: int, now: int) -> bool:
    return now > was if name == "min_count" else now < was


def shown(name: str, value: Any) -> str:
    if value is None or value is False:
        return f"without {setting(name)}"
    return f"with {setting(name, value)}"
