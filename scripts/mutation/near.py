"""The test files that are near a file of w2v: those that would notice if it were broken."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

__all__ = ["Near"]

LEFT_OUT = (  # other machines, compilers and times; what takes minutes
    "tests/cluster/nodes/",
    "tests/cluster/test_nodes.py",
    "tests/cluster/test_commands.py",
    "tests/scripts/",
    "tests/kernel/test_build.py",
    "tests/training/test_accuracy.py",
    "tests/training/test_large.py",
    "tests/test_setup.py",
    "tests/test_stubs.py",
)
DOCUMENTED = ("w2v/cli/", "w2v/settings.py", "w2v/corpus/config.py", "w2v/training/config.py", "w2v/vectors/formats/")
HOMES = {"formats": "vectors", "files": "vectors"}  # folder of w2v/vectors -> folder of tests


class Near:
    def __init__(self, tree: Path):
        self.tree = tree

    @cached_property
    def tests(self) -> dict[str, str]:
        """Test file -> its text."""
        return {name: text for name, text in self.texts("tests/**/test_*.py") if not name.startswith(LEFT_OUT)}

    @cached_property
    def sources(self) -> dict[str, str]:
        return dict(self.texts("w2v/**/*.py") + self.texts("w2v/**/*.p[yx]?"))

    def texts(self, pattern: str) -> list[tuple[str, str]]:
        return [(str(path.relative_to(self.tree)), path.read_text()) for path in sorted(self.tree.glob(pattern))]

    def files(self, path: str, function: str, seconds: dict[str, float]) -> list[str]:
        """Test files for a function (qualified) of a file; first those that are near for the time that they take."""
        importers = self.importers(path)
        scores = {test: self.score(test, path, function.rpartition(".")[2], importers) for test in self.tests}
        ranked = sorted(scores, key=lambda test: (-scores[test] / (2 + seconds.get(test, 5.0)), test))
        return [test for test in ranked if scores[test] > 0] or ranked[:8]

    def score(self, test: str, path: str, function: str, importers: set[str]) -> int:
        text, stem, folder = self.tests[test], Path(path).stem.strip("_"), Path(path).parent.name
        home = f"tests/{HOMES.get(folder, folder)}/" if folder != "w2v" else "tests/test_"
        command = folder == "cli" and re.search(rf'["\'(]{stem.replace("_", "-")}["\' ]', text)
        return (
            100 * (Path(test).stem in {f"test_{stem}", f"test_{stem}s"})
            + 50 * (dotted(path) in text)
            + 40 * bool(command)
            + 30 * test.startswith(home)
            + 25 * (len(function) > 4 and function in text)
            + 10 * (stem in text)
            + 10 * sum(name in text for name in importers)
            + 20 * (test == "tests/test_leaks.py" and not path.endswith(".py"))
            + 60 * (test == "tests/cli/test_transcript.py")  # all commands, in a few seconds
            + 60 * (test == "tests/test_docs.py" and path.startswith(DOCUMENTED))  # holds the help
            - 15 * ("/cli/" in test and folder != "cli")  # real processes come late
        )

    def importers(self, path: str) -> set[str]:
        """Modules that import this one, or include it, or what does."""
        if path.endswith(".py"):
            pattern = rf"from {re.escape(dotted(path))} import"
        else:
            stem = re.escape(Path(path).stem)
            pattern = rf'"(.*/)?{stem}\.(h|pxi)"|\b(import|from)\b.*\b{stem}\b'
        found = {name for name, text in self.sources.items() if name != path and re.search(pattern, text)}
        if path.endswith((".h", ".pxi")):
            found |= {
                name for other in found for name in self.sources if f"import {Path(other).stem}" in self.sources[name]
            }
        return {dotted(name) for name in found}


def dotted(path: str) -> str:
    return ".".join(Path(path).with_suffix("").parts)
