"""The stub beside each compiled module says what is in it: names, members and parameters, none missing, none more."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import w2v
from w2v.kernel.kernels import available

FOLDER = Path(w2v.__file__).parent
COMPILED = sorted(
    ".".join(("w2v", *path.relative_to(FOLDER).parent.parts, path.name.split(".")[0]))
    for path in FOLDER.rglob("*.so")
    if path.name.split(".")[0] != "_memoryviews"  # written by Cython, imported by no one else
)
Parameters = list[tuple[str, bool]]  # the name of each but self, and whether it may be left out


def importable(name: str) -> ModuleType:
    kernel = re.search("_loop_(.*)", name)
    if kernel and kernel[1] not in available():
        pytest.skip("this kernel does not run here")
    return importlib.import_module(name)


def stub_of(name: str) -> list[ast.stmt]:
    path = FOLDER.parent.joinpath(*name.split(".")).with_suffix(".pyi")
    return ast.parse(path.read_text(encoding="utf-8")).body


def of_stub(functions: list[ast.FunctionDef]) -> Parameters:
    """Of the longest of a function's overloads."""
    args = max((function.args for function in functions), key=lambda args: len(args.args))
    names = [each.arg for each in (*args.posonlyargs, *args.args)]
    first = len(names) - len(args.defaults)
    found = [(name, place >= first) for place, name in enumerate(names)]
    found += [(each.arg, default is not None) for each, default in zip(args.kwonlyargs, args.kw_defaults, strict=True)]
    always = min(len(function.args.args) for function in functions)
    return [(name, optional or place >= always) for place, (name, optional) in enumerate(found) if name != "self"]


def of_function(function: object) -> Parameters:
    parameters = inspect.signature(function).parameters.values()
    return [(each.name, each.default is not each.empty) for each in parameters if each.name != "self"]


def of_constructor(owner: type) -> Parameters:
    """From the first line of the docstring, where Cython puts it, as in `Best(int64_t n, const float[:, :] rows=None)`;
    of a `__cinit__`, which it leaves out there, from the source."""
    if "cyfunction" in repr(owner.__init__):
        return of_function(owner.__init__)
    found = re.match(rf"{owner.__name__}\((.*)\)\n", owner.__doc__ or "")
    if found is None:
        source = Path(__file__).parents[1].joinpath(*owner.__module__.split(".")).with_suffix(".pyx").read_text("utf-8")
        found = re.search(rf"class {owner.__name__}:.*?__cinit__\(self, (.*?)\):", source, re.DOTALL)
    assert found is not None
    inside = re.sub(r"\[.*?\]", "", found[1])
    return [(part.split("=")[0].split()[-1], "=" in part) for part in inside.split(",") if part.strip()]


def in_module(module: ModuleType) -> dict[str, object]:
    """What a module defines itself, and its constants; imported modules and names are not among them."""
    return {
        name: found
        for name, found in vars(module).items()
        if not name.startswith("_")
        and (getattr(found, "__module__", None) == module.__name__ or (name.isupper() and not callable(found)))
    }


def members(owner: type) -> dict[str, object]:
    """What is public in a class, but not of its base, whose methods it may replace."""
    return {
        name: found
        for name, found in vars(owner).items()
        if not name.startswith("_") and not hasattr(owner.__base__, name)
    }


def functions_in(body: list[ast.stmt]) -> dict[str, list[ast.FunctionDef]]:
    found: dict[str, list[ast.FunctionDef]] = {}
    for node in body:
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(node)
    return found


def variables_in(body: list[ast.stmt]) -> set[str]:
    return {node.target.id for node in body if isinstance(node, ast.AnnAssign)}


def test_every_compiled_module_has_a_stub() -> None:
    assert COMPILED
    for name in COMPILED:
        stub_of(name)


@pytest.mark.parametrize("name", COMPILED)
def test_a_stub_names_what_its_module_holds(name: str) -> None:
    module, body = importable(name), stub_of(name)
    # Types of arguments, which only a checker needs.
    helpers = {"Protocol", "TypedDict", "NamedTuple"}
    classes = {
        node.name: node
        for node in body
        if isinstance(node, ast.ClassDef) and not helpers & {ast.unparse(base) for base in node.bases}
    }
    functions = functions_in(body)
    held = in_module(module)
    assert set(held) == {*classes, *functions, *variables_in(body)}
    for function, overloads in functions.items():
        assert (function, of_stub(overloads)) == (function, of_function(held[function]))
    for owner, node in classes.items():
        check_class(held[owner], node)


def check_class(owner: type, node: ast.ClassDef) -> None:
    methods = functions_in(node.body)
    named = {name for name in {*methods, *variables_in(node.body)} if not name.startswith("_")}
    held = members(owner)
    if not issubclass(owner, Exception):  # whose attributes are those of an object
        assert set(held) == named
    assert all(hasattr(owner, name) for name in methods if name != "__buffer__")  # Python has it from 3.12 on
    if "__init__" in methods:
        assert (owner.__name__, of_stub(methods["__init__"])) == (owner.__name__, of_constructor(owner))
    for name, overloads in methods.items():
        decorators = {ast.unparse(each) for function in overloads for each in function.decorator_list}
        if not name.startswith("_") and not any("property" in each or "setter" in each for each in decorators):
            assert (name, of_stub(overloads)) == (name, of_function(held[name]))
