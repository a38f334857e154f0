"""Imports go one way, and what must start quickly imports little."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import w2v

PACKAGE = Path(w2v.__file__).parent
# Who may import whom; `neutral` is w2v/*.py.
ALLOWED = {
    "corpus": {"corpus", "neutral"},
    "vectors": {"vectors", "corpus", "kernel", "neutral"},
    "kernel": {"kernel", "neutral"},
    "training": {"training", "kernel", "corpus", "vectors", "neutral"},
    "seeing": {"seeing", "vectors", "neutral"},
    "cluster": {"cluster", "training", "kernel", "corpus", "vectors", "neutral"},
    "cli": {"cli", "cluster", "training", "kernel", "corpus", "vectors", "seeing", "neutral"},
    "neutral": {"neutral"},
}
ONLY_CLI = {"click"}
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE)


def part_of(parts: tuple[str, ...]) -> str:
    return parts[0] if parts and parts[0] in ALLOWED else "neutral"


def imported_names(path: Path) -> list[str]:
    """Absolute names of the modules that a file imports, wherever in the file."""
    home = ("w2v", *path.relative_to(PACKAGE).parent.parts)
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(home[: len(home) - node.level + 1]) + "." if node.level else ""
            module = (base + (node.module or "")).rstrip(".")
            names += [module, *(f"{module}.{a.name}" for a in node.names if module == "w2v")]
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    mine = part_of(path.relative_to(PACKAGE).parts)
    if path.name == "__main__.py":
        mine = "cli"
    for name in imported_names(path):
        parts = tuple(name.split("."))
        if parts[0] == "w2v" and len(parts) > 1:
            assert part_of(parts[1:]) in ALLOWED[mine], f"{path.name} imports {name}"
        if mine != "cli":
            assert parts[0] not in ONLY_CLI, f"{path.name} imports {name}"


def module_of(path: Path) -> str:
    return ".".join(("w2v", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


def test_no_two_files_need_each_other_to_be_imported_not_even_for_types():
    names = {module_of(path): path for path in FILES}
    needs: dict[str, set[str]] = {}
    for name, path in names.items():
        waiting, needs[name] = ast.parse(path.read_text(encoding="utf-8")).body, set()
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.ImportFrom) and node.module in names:
                needs[name].add(node.module)
            elif isinstance(node, (ast.If, ast.Try)):
                waiting += ast.iter_child_nodes(node)
    assert len(list(TopologicalSorter(needs).static_order())) == len(names)  # CycleError names those in a circle


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_the_command_line_prints_and_exits(path):
    if part_of(path.relative_to(PACKAGE).parts) == "cli":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"print", "exit", "quit", "sys.exit", "os._exit"}, f"{path.name}: {called}"


@pytest.mark.parametrize(
    "statement",
    [
        "import w2v",
        "import w2v.cli",
        "import w2v.cli.main",
        "import w2v.cli.train",
        "import w2v.errors",
        "import w2v.training.config",
        "import w2v.vectors.query",  # `w2v similar` answers from a file without NumPy
        "from w2v.cli.main import run; run(['--help'])",
        "from w2v.cli.main import run; run(['train', '--help'])",
    ],
)
def test_a_quick_start_imports_no_numpy(statement, tmp_path):
    check = f"{statement}\nimport sys\nprint(sorted({{'numpy', 'ray'}} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "[]\n"


def test_every_public_name_is_there():
    for name in w2v.__all__:
        assert getattr(w2v, name) is not None
