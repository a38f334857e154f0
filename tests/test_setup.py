"""setup.py lists what is compiled, MANIFEST.in what a source archive holds: each source is in both."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("pyx", "pxd", "pxi", "h")


def extensions(monkeypatch) -> list[SimpleNamespace]:
    """Those of setup.py, which is run without its tools: they need not be there once the package is built."""
    found: list[SimpleNamespace] = []
    setuptools, build = ModuleType("setuptools"), ModuleType("Cython.Build")
    setuptools.Extension = lambda name, sources, **kw: SimpleNamespace(name=name, sources=sources, **kw)
    setuptools.setup = lambda **kw: None
    build.cythonize = lambda listed, **kw: found.extend(listed)
    for module in (setuptools, build):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(ROOT)
    runpy.run_path("setup.py")
    return found


def test_every_compiled_source_is_listed_and_what_is_listed_exists(monkeypatch):
    found = extensions(monkeypatch)
    listed = {path for each in found for path in each.sources}
    only_x86 = {"w2v/training/_loop_avx2.pyx", "w2v/training/_loop_avx512.pyx"}
    assert listed | only_x86 == {str(path.relative_to(ROOT)) for path in ROOT.glob("w2v/*/*.pyx")}
    for path in (*listed, *(path for each in found for path in each.depends)):
        assert (ROOT / path).is_file(), path


def test_a_source_archive_holds_what_is_compiled_and_included():
    """It once held generated C in their place, and what was installed from it had no extension at all."""
    rules = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()
    assert "graft w2v" in rules
    excluded = [rule.split()[1:] for rule in rules if "exclude" in rule.split()[0]]
    assert not any(pattern == f"*.{kind}" for patterns in excluded for pattern in patterns for kind in KINDS)
