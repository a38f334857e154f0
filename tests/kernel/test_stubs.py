"""The stubs beside the compiled modules name what is in them, with the arguments that they take."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

import w2v

FOLDER = Path(w2v.__file__).parent / "kernel"
STUBS = sorted(path.stem for path in FOLDER.glob("_*.pyi"))
RUNNABLE = {f"_loop_{name}" for name in import_module("w2v.kernel.kernels").available()}


def arguments(signature: str) -> list[str]:
    """Names of the arguments in a docstring's first line, as Cython embeds it."""
    inside = re.search(r"\((.*)\)", re.sub(r"\[.*?\]", "", signature.splitlines()[0])).group(1)
    names = [re.sub(r"=.*", "", part).split()[-1] for part in inside.split(",") if part.strip()]
    return [name for name in names if name != "self"]


def test_every_compiled_module_has_a_stub() -> None:
    compiled = {path.name.split(".")[0] for path in FOLDER.glob("_*.so")}
    assert compiled
    assert compiled <= set(STUBS)


@pytest.mark.parametrize("name", STUBS)
def test_stub_names_what_the_module_holds(name: str) -> None:
    if name.startswith("_loop_") and name not in RUNNABLE:
        pytest.skip("this kernel does not run here")
    module = import_module(f"w2v.kernel.{name}")
    for node in ast.parse((FOLDER / f"{name}.pyi").read_text()).body:
        if isinstance(node, ast.ClassDef):
            owner = getattr(module, node.name, None)
            if owner is None:  # a type that only the stub has
                assert any(ast.unparse(base) in {"Protocol", "TypedDict"} for base in node.bases)
                continue
            members = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name != "__init__"]
            assert all(hasattr(owner, item.name) for item in members)
            assert all(hasattr(owner, item.target.id) for item in node.body if isinstance(item, ast.AnnAssign))
        elif isinstance(node, ast.FunctionDef):
            known, named = arguments(getattr(module, node.name).__doc__), [each.arg for each in node.args.args]
            overload = any(ast.unparse(each) == "overload" for each in node.decorator_list)
            assert named == (known[: len(named)] if overload else known)
        elif isinstance(node, ast.AnnAssign):
            assert hasattr(module, node.target.id)
