"""w2v: word2vec on the CPU, from a text corpus to vectors and answers.

The public names are loaded when they are first used, so that ``import w2v`` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # that of typing takes as long to import as all else before the command handles signals

__version__ = "0.1.0"

_HOME = {
    "train": "w2v.training.train",
    "encode": "w2v.corpus.open",
    "find_phrases": "w2v.corpus.open",
    "sessions": "w2v.corpus.sessions",
    "sweep": "w2v.training.train",
    "load": "w2v.vectors.vectors",
    "Vectors": "w2v.vectors.vectors",
    "EncodedCorpus": "w2v.corpus.encoded",
    "Vocab": "w2v.corpus.vocab",
    "TrainConfig": "w2v.training.config",
    "CorpusConfig": "w2v.corpus.config",
    "W2VError": "w2v.errors",
    "CheckpointError": "w2v.errors",
    "CorpusError": "w2v.errors",
    "SettingsError": "w2v.errors",
    "TrainingError": "w2v.errors",
    "TrainingStopped": "w2v.training.progress",
    "UnknownWordError": "w2v.errors",
    "VectorsError": "w2v.errors",
}

_HABITS = {  # of gensim, and what they are here
    "Word2Vec": "train with w2v.train(corpus, dim=100)",
    "FastText": 'train with w2v.train(corpus, subwords="3-6")',
    "KeyedVectors": "read vectors with w2v.load(path)",
    "Phrases": "see w2v.find_phrases(corpus)",
}

__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from w2v.corpus.config import CorpusConfig as CorpusConfig
    from w2v.corpus.encoded import EncodedCorpus as EncodedCorpus
    from w2v.corpus.open import encode as encode
    from w2v.corpus.open import find_phrases as find_phrases
    from w2v.corpus.sessions import sessions as sessions
    from w2v.corpus.vocab import Vocab as Vocab
    from w2v.errors import CheckpointError as CheckpointError
    from w2v.errors import CorpusError as CorpusError
    from w2v.errors import SettingsError as SettingsError
    from w2v.errors import TrainingError as TrainingError
    from w2v.errors import UnknownWordError as UnknownWordError
    from w2v.errors import VectorsError as VectorsError
    from w2v.errors import W2VError as W2VError
    from w2v.training.config import TrainConfig as TrainConfig
    from w2v.training.progress import TrainingStopped as TrainingStopped
    from w2v.training.train import sweep as sweep
    from w2v.training.train import train as train
    from w2v.vectors.vectors import Vectors as Vectors
    from w2v.vectors.vectors import load as load


if not TYPE_CHECKING:  # a type checker must not take every name for one of ours

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            hint = f"; {_HABITS[name]}" if name in _HABITS else ""
            raise AttributeError(f"module 'w2v' has no attribute {name!r}{hint}")
        from importlib import import_module

        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
