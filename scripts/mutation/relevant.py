"""Which tests run which function: the suite, a file at a time, under coverage, in the tree that is mutated.

A function's tests are those in which at least one of its lines ran, in the test's own process or in one that it
started. For compiled code they are the tests of the Python modules that import it.
"""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

__all__ = ["PLUGIN", "Map"]

# pytest's side: which of the tests run, in the order given; how each ended, and how long it took.
PLUGIN = """
import json, os
asked, report, ended = os.environ.get("MUTATE_TESTS"), os.environ.get("MUTATE_REPORT"), {}

def pytest_collection_modifyitems(config, items):
    if asked:
        order = {name: place for place, name in enumerate(json.load(open(asked)))}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in order])
        items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])

def pytest_runtest_logstart(nodeid, location):
    if "COVERAGE_PROCESS_START" in os.environ:
        import coverage
        coverage.Coverage.current().switch_context(nodeid)

def pytest_runtest_logreport(report):
    seconds, outcome = ended.get(report.nodeid, (0.0, "passed"))
    ended[report.nodeid] = seconds + report.duration, outcome if report.outcome == "passed" else report.outcome

def pytest_sessionfinish():
    if report:
        json.dump(ended, open(report, "w"))
"""
CONFIG = "[run]\nparallel = true\ndata_file = {data}\nsource = {source}\ncontext = ${{PYTEST_CURRENT_TEST-none}}\n"
LEFT_OUT = (  # other machines and times; what takes minutes
    "tests/cluster/nodes/",
    "tests/cluster/test_nodes.py",
    "tests/scripts/",
    "tests/kernel/test_build.py",
    "tests/training/test_accuracy.py",
)


class Map:
    """`tree` is a copy of the checkout whose w2v is installed in `package`; the map is kept in `folder`."""

    def __init__(self, tree: Path, package: Path, folder: Path, pytest: Callable[..., Any]):
        self.tree, self.package, self.folder, self.pytest = tree, package, folder, pytest
        folder.mkdir(parents=True, exist_ok=True)

    def files(self) -> list[str]:
        found = sorted(str(path.relative_to(self.tree)) for path in self.tree.glob("tests/**/test_*.py"))
        found = [path for path in found if not path.startswith(LEFT_OUT)]
        order = ["tests/corpus", "tests/vectors", "tests/training", "tests", "tests/kernel", "tests/seeing"]
        folder = {path: path.rpartition("/")[0] for path in found}  # real processes, tests/cli, come last
        return sorted(found, key=lambda path: order.index(folder[path]) if folder[path] in order else len(order))

    def draw(self) -> None:
        """Run every test file that is not in the map yet."""
        for path in self.files():
            kept = self.folder / (path.replace("/", "+") + ".json")
            if not kept.exists():
                kept.write_text(json.dumps(self.trace(path)))
                print(f"{path}: {len(json.loads(kept.read_text())['tests'])} tests", flush=True)

    def trace(self, path: str) -> dict[str, dict]:
        data = self.folder / "data"
        for old in self.folder.glob("data*"):
            old.unlink()
        config = self.folder / "coveragerc"
        config.write_text(CONFIG.format(data=data, source=self.package))
        _, ended = self.pytest([path], timeout=1800, extra={"COVERAGE_PROCESS_START": str(config)})
        functions: dict[str, dict[str, list[str]]] = {}
        for source, lines in self.lines().items():
            found: dict[str, set[str]] = defaultdict(set)
            for name, body in functions_of(Path(source).read_text()):
                for line in body:
                    found[name] |= lines.get(line, set())
            name = str(Path(source).relative_to(self.package.parent))
            functions[name] = {key: sorted(tests) for key, tests in found.items() if tests}
        return {"tests": ended, "functions": functions}

    def lines(self) -> dict[str, dict[int, set[str]]]:
        """Source file -> line -> tests."""
        from coverage import CoverageData

        found: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        for part in self.folder.glob("data*"):
            data = CoverageData(basename=str(part))
            try:
                data.read()
            except Exception:  # of a process that was killed
                continue
            for source in data.measured_files():
                for line, contexts in data.contexts_by_lineno(source).items():
                    tests = {re.sub(r" \((call|setup|teardown)\)$", "", each.rpartition("|")[2]) for each in contexts}
                    found[source][line] |= tests - {"none", ""}
        return found

    @cached_property
    def whole(self) -> tuple[dict[str, float], dict[str, dict[str, set[str]]]]:
        """(test -> seconds, file -> function -> tests), of the tests that passed."""
        seconds: dict[str, float] = {}
        functions: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        for part in self.folder.glob("*.json"):
            content = json.loads(part.read_text())
            seconds |= {test: took for test, (took, outcome) in content["tests"].items() if outcome == "passed"}
            for source, named in content["functions"].items():
                for name, tests in named.items():
                    functions[source][name] |= set(tests)
        return seconds, functions

    def tests_of(self, path: str, function: str) -> list[tuple[str, float]]:
        """(test, seconds) for a function, those of its own folder first, then the quickest."""
        seconds, functions = self.whole
        named = functions.get(path, {})
        tests = set(named.get(function, ()))
        if not tests:  # at the top of a file, or compiled
            tests = set().union(
                *named.values(),
                *(tests for other in self.importers(path) for tests in functions.get(other, {}).values()),
            )
        home = f"tests/{path.split('/')[1]}" if path.count("/") > 1 else "tests/test_"
        known = [(test, seconds[test]) for test in tests if test in seconds]
        return sorted(known, key=lambda each: (not each[0].startswith(home), each[1], each[0]))

    def importers(self, path: str) -> list[str]:
        """Python files that import a module, or one that includes this file."""
        stem, names = Path(path).stem, {Path(path).stem}
        if not path.endswith(".py"):
            for other in (self.tree / "w2v").rglob("*.p[yx]*"):
                if re.search(rf'"(.*/)?{stem}\.(h|pxi)"', other.read_text()):
                    names |= {other.stem, *(["_loop_baseline", "kernels"] if other.stem == "_loop" else [])}
        pattern = re.compile(rf"\b(import|from)\b.*\b({'|'.join(map(re.escape, names))})\b")
        return [
            str(other.relative_to(self.tree))
            for other in (self.tree / "w2v").rglob("*.py")
            if pattern.search(other.read_text())
        ]


def functions_of(source: str) -> Iterator[tuple[str, list[int]]]:
    """(qualified name, lines of its body that belong to no inner function) for every function."""

    def walk(node: ast.AST, around: tuple[str, ...]) -> Iterator[tuple[str, list[int]]]:
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
            name = (*around, child.name) if named else around
            if named and not isinstance(child, ast.ClassDef):
                within = (each for each in ast.walk(child) if isinstance(each, (ast.FunctionDef, ast.ClassDef)))
                inner = {
                    line for each in within if each is not child for line in range(each.lineno, each.end_lineno + 1)
                }
                lines = range(child.body[0].lineno, child.end_lineno + 1)
                yield ".".join(name), [line for line in lines if line not in inner]
            yield from walk(child, name)

    return walk(ast.parse(source), ())
