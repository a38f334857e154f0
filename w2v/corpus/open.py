"""A corpus from what it is given as: text, token sequences, or what is encoded already."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from w2v.corpus.config import CorpusConfig
from w2v.corpus.encoded import EncodedCorpus, Sentences
from w2v.corpus.ids_file import is_encoded
from w2v.corpus.phrases import Joined, Phrase, PhraseSettings, join_phrases, require_all_words, without_phrases
from w2v.corpus.reader import read_corpus, read_sentences
from w2v.corpus.remap import apply_vocab
from w2v.corpus.sequences import encode_sequences
from w2v.corpus.sessions import Sessions
from w2v.errors import CorpusError, SettingsError, setting, shortened, warn
from w2v.settings import check_names

if TYPE_CHECKING:
    from w2v.corpus.sources import Path
    from w2v.corpus.vocab import Vocab

__all__ = [
    "SELECTING",
    "agreed",
    "encode",
    "encoded_path",
    "files_of",
    "find_phrases",
    "joined_corpus",
    "open_corpus",
    "open_encoded",
    "open_for_phrases",
    "paths_of",
    "read",
    "refuse_sentences",
]

SELECTING = ("min_count", "max_vocab")  # what may be narrowed after encoding


def open_corpus(
    corpus: Any, config: CorpusConfig, stated: Collection[str], **options: Any
) -> tuple[EncodedCorpus, CorpusConfig]:
    """Anything that a corpus is given as, encoded, and the settings that it has: of an encoded one its own but for
    those of `config` that are `stated`. Options as of `read`."""
    encoded = corpus if isinstance(corpus, EncodedCorpus) else encoded_path(corpus)
    if encoded is None:
        return read(corpus, config, **options), config
    if options.pop("vocab", None) is not None:
        name = encoded.name if isinstance(encoded, EncodedCorpus) else encoded
        raise SettingsError(f"{name}: it has its vocabulary; {setting('read_vocab')} needs the text")
    options.pop("on_progress", None)
    options.pop("on_warning", None)
    return open_encoded(encoded, config, stated, **options)


def read(corpus: Any, config: CorpusConfig, **options: Any) -> EncodedCorpus:
    """A path, paths, or an iterable of token sequences to an encoded corpus; options as of `read_corpus`."""
    if config.phrases:
        phrases, vocab = PhraseSettings.of(config), options.pop("vocab", None)
        encoded = read_all_words(corpus, config, **options)
        more = {name: value for name, value in options.items() if name in ("threads", "tmp_dir")}
        return with_phrases(encoded, config, phrases, vocab=vocab, give_up=True, **more)
    paths = paths_of(corpus)
    if paths is not None:
        return read_corpus(paths, config, **options)
    on_warning = options.pop("on_warning", None)
    if not isinstance(corpus, Sessions):
        return encode_sequences(corpus, config, **options)
    corpus.on_progress = options.pop("on_progress", None)
    encoded = encode_sequences(corpus, config, name=corpus.name, **options)
    encoded.token_counts.files, encoded.token_counts.text_bytes = len(corpus.paths), corpus.bytes_read
    for line in corpus.warnings() if on_warning is not None else ():
        on_warning(line)
    return encoded


def open_for_phrases(
    corpus: Any, config: CorpusConfig, stated: Collection[str], **options: Any
) -> EncodedCorpus | Sentences:
    """What `open_corpus` opens, with all its words, for phrases to be found in; of text no more than that needs."""
    if isinstance(corpus, EncodedCorpus) or encoded_path(corpus) is not None:
        return open_corpus(corpus, without_phrases(config), stated, **options)[0]
    return read_all_words(corpus, config, **options)


def read_all_words(corpus: Any, config: CorpusConfig, **options: Any) -> EncodedCorpus | Sentences:
    """Text or token sequences, with the rare words, which stand between the others when phrases are sought."""
    paths = paths_of(corpus)
    return (
        read(corpus, without_phrases(config), **options)
        if paths is None
        else read_sentences(paths, without_phrases(config), **options)
    )


def files_of(corpus: Any) -> list[str | os.PathLike[str]]:
    """The files and folders that a corpus is read from."""
    return [*corpus.paths] if isinstance(corpus, Sessions) else paths_of(corpus) or []


def paths_of(corpus: Any) -> list[str | os.PathLike[str]] | None:
    """The files and folders that are meant; None for sequences of tokens."""
    paths = [corpus] if isinstance(corpus, (str, os.PathLike)) else corpus
    if not isinstance(paths, (list, tuple)) or not paths or not all(isinstance(x, (str, os.PathLike)) for x in paths):
        return None
    return list(paths)


def refuse_sentences(corpus: Any) -> None:
    """CorpusError where a program gives sentences as strings, which are names of files."""
    strings = [path for path in paths_of(corpus) or () if isinstance(path, str) and path != "-"]
    missing = next((text for text in strings if not os.path.exists(text)), None)
    if missing is not None and (_is_sentence(missing) or (len(strings) > 1 and all(map(_is_word, strings[:10])))):
        raise CorpusError(
            f"{shortened(missing)}: no such file or folder, and a string is the name of one; sentences are lists of "
            'tokens: split each into words, [["a", "b"], ["c", "d"]]'
        )


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
    """The path, if the corpus is one file that `w2v encode` has written, recognised by content.

    Raises CorpusError where such a file stands beside others.
    """
    paths = paths_of(corpus) or []
    found = [os.fspath(path) for path in paths if path != "-" and is_encoded(path)]
    if found and len(paths) > 1:
        raise CorpusError(f"{found[0]}: an encoded corpus is trained on alone; encode all of the text into one file")
    return found[0] if found else None


def open_encoded(
    corpus: EncodedCorpus | str | os.PathLike[str], config: CorpusConfig, stated: Collection[str], **options: Any
) -> tuple[EncodedCorpus, CorpusConfig]:
    """An encoded corpus, with the words that the `stated` fields of `config` leave, and the settings it then has.

    SettingsError names what contradicts the settings with which it was encoded. Options as of `EncodedCorpus.pruned`.
    """
    encoded = corpus if isinstance(corpus, EncodedCorpus) else EncodedCorpus.load(corpus, **options)
    before = settings_of(encoded)
    if before is not None and not before.phrases and config.phrases and "phrases" in stated:
        return joined_later(encoded, before, config, stated, options)
    settings = agreed(encoded, config, stated)
    return encoded.pruned(settings.min_count, settings.max_vocab, **options), settings


def joined_later(
    encoded: EncodedCorpus, before: CorpusConfig, config: CorpusConfig, stated: Collection[str], options: dict[str, Any]
) -> tuple[EncodedCorpus, CorpusConfig]:
    """Phrases in a corpus that was encoded without any, if it holds all its words."""
    require_all_words(encoded)
    of_phrases = {name: getattr(config, name) for name in vars(config) if name.startswith("phrase")}
    agreed(encoded, config, set(stated) - set(of_phrases))
    kept = {name: getattr(config, name) for name in SELECTING}
    settings = dataclasses.replace(before, **of_phrases, **kept)
    return with_phrases(encoded, settings, PhraseSettings.of(settings), **options), settings


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


def with_phrases(
    corpus: EncodedCorpus | Sentences,
    config: CorpusConfig,
    settings: PhraseSettings,
    *,
    vocab: Vocab | None = None,
    threads: int | None = None,
    tmp_dir: Path | None = None,
    give_up: bool = False,
) -> EncodedCorpus:
    """A corpus that was read `without_phrases`, with its phrases as words, and the words that `config` leaves."""
    found = join_phrases(corpus, settings, threads=threads, tmp_dir=tmp_dir, give_up=give_up)
    return apply_vocab(corpus, found, config, vocab, threads=threads, tmp_dir=tmp_dir)


def encode(corpus: Any, *, threads: int | None = None, tmp_dir: Path | None = None, **settings: Any) -> EncodedCorpus:
    """Read a corpus once, to train on it as often as you like: a path, paths, or an iterable of token sequences.

    Settings are the fields of `CorpusConfig`. The result is given to `w2v.train` in place of the text, or saved with
    `save("corpus.ids")` and opened with `w2v.EncodedCorpus.load`. Raises W2VError, or OSError with the file's name.
    """
    check_names("encode", settings, CorpusConfig)
    refuse_sentences(corpus)
    return read(corpus, CorpusConfig(**settings), threads=threads, tmp_dir=tmp_dir, on_warning=warn)


def find_phrases(
    corpus: Any,
    *,
    passes: int = 1,
    score: str = "original",
    threshold: float | None = None,
    min_count: int = 5,
    connectors: str | os.PathLike[str] | None = None,
    threads: int | None = None,
    **settings: Any,
) -> list[Phrase]:
    """The collocations of a corpus: (phrase, count, score, number of the pass), by pass, the highest score first.

    `corpus` is what `w2v.encode` takes, or an encoded corpus that holds all its words (min_count=1). `connectors` is
    "english" or a file; other settings are those of `CorpusConfig` that say how text becomes words. Formulas and rules
    are in w2v/corpus/phrases.py. Raises W2VError.
    """
    return joined_corpus(
        corpus,
        settings,
        threads=threads,
        phrases=passes,
        phrase_score=score,
        phrase_threshold=threshold,
        phrase_min_count=min_count,
        phrase_connectors=None if connectors is None else os.fspath(connectors),
    ).phrases


def joined_corpus(corpus: Any, settings: dict[str, Any], *, threads: int | None, **phrases: Any) -> Joined:
    """Read a corpus and join its phrases."""
    check_names("find_phrases", settings, CorpusConfig)
    refuse_sentences(corpus)
    config = CorpusConfig(**settings, **phrases)
    wanted = PhraseSettings.of(config)
    found = open_for_phrases(corpus, config, settings, threads=threads, on_warning=warn)
    return join_phrases(found, wanted, threads=threads)
