"""The recipe of docs/embedding.md brings vectors into spaCy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from w2v import Vectors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "embedding.md"


def test_the_recipe_gives_spacy_the_vectors(tmp_path, monkeypatch):
    spacy = pytest.importorskip("spacy", reason="the recipe needs spaCy")
    section = re.search(r"^## spaCy\n(.*?)^## ", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)[1]
    shell, code = (
        re.search(rf"^```{kind}\n(.*?)^```", section, re.DOTALL | re.MULTILINE)[1] for kind in ("sh", "python")
    )
    words = ["the", "a", "king", "queen", "and", "été"]
    vectors = Vectors(words, np.random.default_rng(1).normal(size=(len(words), 8)))
    vectors.save(tmp_path / "vectors.bin")
    path = os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"]))
    done = subprocess.run(["bash", "-euc", shell], cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    load, vector, similarity = code.splitlines()
    known: dict[str, object] = {"spacy": spacy}
    exec(load, known)
    np.testing.assert_array_equal(eval(vector, known), vectors["king"])
    mean = vectors[["a", "king"]].mean(axis=0), vectors[["a", "queen"]].mean(axis=0)
    cosine = mean[0] @ mean[1] / np.linalg.norm(mean[0]) / np.linalg.norm(mean[1])
    assert eval(similarity, known) == pytest.approx(cosine, abs=1e-5)
