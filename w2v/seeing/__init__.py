"""Pictures and pages: vectors as coloured cells, words as a map, a run as curves, a page to explore."""

from __future__ import annotations

from importlib.util import find_spec

from w2v.errors import W2VError

__all__ = ["needed"]

PACKAGES = {"matplotlib": "matplotlib", "sklearn": "scikit-learn", "umap": "umap-learn"}


def needed(module: str) -> None:
    """Raise W2VError, with what to install, where the library is not there."""
    if find_spec(module) is None:
        raise W2VError(f"this needs {PACKAGES[module]}, which is not installed: pip install 'w2v[plot]'")
