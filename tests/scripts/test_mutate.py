"""scripts/mutate.py: what the operators change, what they leave alone, and which test files are near a mutant."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture(scope="module")
def finders() -> dict[str, Callable]:
    sys.path.insert(0, str(SCRIPTS))
    try:
        from mutation.compiled import compiled_sites
        from mutation.near import Near
        from mutation.python import python_sites
    finally:
        sys.path.remove(str(SCRIPTS))
    return {"py": python_sites, "compiled": compiled_sites, "near": Near}


def mutants(find: Callable, path: str, source: str) -> set[str]:
    """The changed sources; each differs from the original, and no id comes twice."""
    sites = find(path, source.encode())
    assert len({each.id for each in sites}) == len(sites)
    found = {each.apply(source.encode()).decode() for each in sites}
    assert source not in found
    return found


@pytest.mark.parametrize(("source", "changed"), [
    ("a < b", {"a <= b", "a > b"}),
    ("a and not b", {"a or not b", "not b", "a", "a and b"}),
    ("a + b", {"a - b"}),
    ("x = True", {"x = False"}),
    ("x = 7", {"x = 8", "x = 6"}),
    ("x = 0", {"x = 1"}),
    ("x = a if b else c", {"x = c if b else a"}),
    ("f(a)", {"pass"}),
    ("self.x = a", {"pass"}),
    ("x += a", {"pass", "x -= a"}),
    ("x = min(a)", {"x = max(a)"}),
    ("x = len(a)", {"x = a"}),
    ("x = f(a, b)", {"x = f(b, a)"}),
    ("x = f(a, k=b)", {"x = f(a)"}),
    ("x = a[b:c]", {"x = a[b + 1:c]", "x = a[b:c - 1]"}),
    ("x = [a for a in b if c]", {"x = [a for a in b if True]"}),
    ("if (x := f(a)) is None:\n    g()", {
        "if (x := f(a)) is not None:\n    g()", "if not ((x := f(a)) is None):\n    g()", "if False:\n    g()",
        "if (x := f(a)) is None:\n    pass",
    }),
    ("def f():\n    return a", {"def f():\n    return None"}),
    ("try:\n    f()\nexcept OSError:\n    raise", {
        "try:\n    pass\nexcept OSError:\n    raise", "try:\n    f()\nexcept ZeroDivisionError:\n    raise",
        "try:\n    f()\nexcept OSError:\n    pass",
    }),
])  # fmt: skip
def test_python_is_changed_in_one_place(finders: dict[str, Callable], source: str, changed: set[str]) -> None:
    found = mutants(finders["py"], "x.py", source)
    assert found == changed
    for each in found:
        ast.parse(each)


@pytest.mark.parametrize("source", ['"""1 < 2"""', "x: 'a < b'", "from a import b", '__all__ = ["a"]', "# 1 < 2"])
def test_text_names_and_annotations_of_python_stay(finders: dict[str, Callable], source: str) -> None:
    assert mutants(finders["py"], "x.py", source) == set()


@pytest.mark.parametrize(("source", "changed"), [
    ("    if a < b:", {"    if a <= b:", "    if not (a < b):"}),
    ("    x += n", {"    x -= n", "    x = n", "    pass"}),
    ("    return x + y  # 1 < 2", {"    return x - y  # 1 < 2", "    return 0  # 1 < 2"}),
    ("    f(x)", {"    pass"}),
    ("    cdef int x", set()),
])  # fmt: skip
def test_cython_is_changed_in_one_place(finders: dict[str, Callable], source: str, changed: set[str]) -> None:
    assert mutants(finders["compiled"], "x.pyx", source) == changed


@pytest.mark.parametrize(("source", "changed"), [
    ("    if (a && b) c = d;", {"    if (a || b) c = d;", "    if (!(a && b)) c = d;"}),
    ("    x = y; /* 1 < 2 */", {"    ; /* 1 < 2 */"}),
    ("    i++;", {"    i--;"}),
    ("#define SIZE 7", set()),
    ("/* 1 < 2 */", set()),
])  # fmt: skip
def test_c_is_changed_in_one_place(finders: dict[str, Callable], source: str, changed: set[str]) -> None:
    assert mutants(finders["compiled"], "x.h", source) == changed


def test_the_nearest_tests_are_those_named_after_the_file_then_those_that_name_it(
    finders: dict[str, Callable], tmp_path: Path
) -> None:
    for name, text in {
        "w2v/vectors/best.py": "def five(): ...",
        "w2v/vectors/_best.pyx": '"rows.h"',
        "w2v/vectors/query.py": "from w2v.vectors.best import five",
        "tests/vectors/test_best.py": "",
        "tests/vectors/test_order.py": "from w2v.vectors.best import five",
        "tests/vectors/test_asking.py": "from w2v.vectors.query import ask",
        "tests/cli/test_asking.py": "w2v.vectors.query",
        "tests/corpus/test_reader.py": "",
        "tests/scripts/test_mutate.py": "w2v.vectors.best",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    near = finders["near"](tmp_path)
    expected = ["tests/vectors/test_best.py", "tests/vectors/test_order.py", "tests/vectors/test_asking.py"]
    assert near.files("w2v/vectors/best.py", "five", {}) == expected
    slow = {"tests/vectors/test_best.py": 60.0}
    assert near.files("w2v/vectors/best.py", "five", slow) == [*expected[1:], expected[0]]
    assert near.importers("w2v/vectors/rows.h") == {"w2v.vectors._best"}
