"""Mutants of Python: small changes of the syntax tree, written as changes of the text."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from mutation.sites import Site

__all__ = ["python_sites"]

Text = Callable[[ast.AST], str]
Change = tuple[str, ast.AST, str]  # operator, what is replaced, by what

COMPARISONS: dict[type, tuple[str, ...]] = {
    ast.Lt: ("<=", ">"),
    ast.LtE: ("<", ">="),
    ast.Gt: (">=", "<"),
    ast.GtE: (">", "<="),
    ast.Eq: ("!=",),
    ast.NotEq: ("==",),
    ast.Is: ("is not",),
    ast.IsNot: ("is",),
    ast.In: ("not in",),
    ast.NotIn: ("in",),
}
ARITHMETIC: dict[type, str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.Div: "*",
    ast.FloorDiv: "*",
    ast.Mod: "//",
    ast.Pow: "*",
    ast.LShift: ">>",
    ast.RShift: "<<",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.BitXor: "&",
}
CALLS = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "sum": "len",
    "floor": "ceil",
    "ceil": "floor",
    "startswith": "endswith",
    "endswith": "startswith",
    "lstrip": "rstrip",
    "rstrip": "lstrip",
    "find": "rfind",
    "rfind": "find",
    "argmin": "argmax",
    "argmax": "argmin",
    "minimum": "maximum",
    "maximum": "minimum",
}
COMMUTATIVE = {"isclose", "max", "maximum", "min", "minimum"}
PARENTHESES = (ast.NamedExpr, ast.Lambda, ast.IfExp, ast.Compare)
WRAPPERS = {"abs", "bytes", "float", "int", "len", "list", "reversed", "round", "set", "sorted", "str", "tuple"}


def python_sites(path: str, source: bytes) -> list[Site]:
    """Every change that the operators below would make to a file."""
    return Finder(path, source).found


class Finder(ast.NodeVisitor):
    def __init__(self, path: str, source: bytes):
        self.path, self.source, self.found = path, source, []
        self.lines = source.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))
        self.around: list[str] = []
        self.seen: dict[tuple, int] = {}
        self.visit(ast.parse(source))

    # --- where the operators apply ---

    def visit(self, node: ast.AST) -> None:
        for operator, replaced, new in changes(node, self.text):
            self.add(operator, replaced, new)
        named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        if named:
            self.around.append(node.name)
        for child in children(node):
            self.visit(child)
        if named:
            self.around.pop()

    def text(self, node: ast.AST) -> str:
        """As it is written, in parentheses where another place may need them."""
        found = self.source[slice(*self.place(node))].decode()
        return f"({found})" if isinstance(node, PARENTHESES) else found

    def place(self, node: ast.AST) -> tuple[int, int]:
        start = self.starts[node.lineno - 1] + node.col_offset
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset

    def add(self, operator: str, node: ast.AST, new: str) -> None:
        start, end = self.place(node)
        old = self.source[start:end].decode()
        shown, function = self.lines[node.lineno - 1].decode().strip(), ".".join(self.around)
        key = operator, function, shown, old, new
        nth = self.seen[key] = self.seen.get(key, -1) + 1
        self.found.append(Site(self.path, operator, node.lineno, function, start, end, new, old, shown, nth))


def children(node: ast.AST) -> Iterator[ast.AST]:
    """What is looked at below a node: no annotations, no texts of errors, no __all__, nothing that only mypy sees."""
    if isinstance(node, ast.Raise) or (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        return
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
        return
    if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if name in {"getLogger", "TypeVar", "cast"}:
            return
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "bases", "type_params"}:
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                yield each


def changes(node: ast.AST, text: Text) -> Iterator[Change]:
    """What the operators make of one node."""
    for group in (of_comparisons, of_expressions, of_constants, of_calls, of_places, of_statements, of_branches):
        yield from group(node, text)


def of_comparisons(node: ast.AST, text: Text) -> Iterator[Change]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = text(node.left), text(node.comparators[0])
        for new in COMPARISONS[type(node.ops[0])]:
            yield "comparison", node, f"{left} {new} {right}"
    elif isinstance(node, ast.Compare):
        yield "half of a comparison", node, f"{text(node.left)} {symbol(node.ops[0])} {text(node.comparators[0])}"
        for i, op in enumerate(node.ops):
            parts = [text(node.left)]
            for k, (other, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
                parts += [COMPARISONS[type(op)][0] if k == i else symbol(other), text(right)]
            yield "comparison", node, " ".join(parts)


def of_expressions(node: ast.AST, text: Text) -> Iterator[Change]:
    if isinstance(node, ast.BoolOp):
        words = (" or ", " and ") if isinstance(node.op, ast.And) else (" and ", " or ")
        yield "and / or", node, words[0].join(map(text, node.values))
        for i in range(len(node.values)):
            rest = [text(each) for k, each in enumerate(node.values) if k != i]
            yield "condition left out", node, words[1].join(rest)
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        if not (isinstance(node.left, ast.Constant) and isinstance(node.left.value, (str, bytes))):
            yield "arithmetic", node, f"{text(node.left)} {ARITHMETIC[type(node.op)]} {text(node.right)}"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub, ast.Invert)):
        if not (isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)):
            yield "sign or not left out", node, text(node.operand)
    elif isinstance(node, ast.IfExp):
        yield "branches swapped", node, f"{text(node.orelse)} if {text(node.test)} else {text(node.body)}"


def symbol(op: ast.cmpop) -> str:
    return {
        ast.Lt: "<",
        ast.LtE: "<=",
        ast.Gt: ">",
        ast.GtE: ">=",
        ast.Eq: "==",
        ast.NotEq: "!=",
        ast.Is: "is",
        ast.IsNot: "is not",
        ast.In: "in",
        ast.NotIn: "not in",
    }[type(op)]


def of_constants(node: ast.AST, _text: Text) -> Iterator[Change]:
    if not isinstance(node, ast.Constant):
        return
    value = node.value
    if isinstance(value, bool):
        yield "constant", node, str(not value)
    elif isinstance(value, int):
        yield "constant", node, str(value + 1)
        if value > 0:
            yield "constant", node, str(value - 1)
    elif isinstance(value, float):
        yield "constant", node, repr(value * 2 if value else 1.0)
    elif isinstance(value, bytes) and value:
        yield "constant", node, 'b""'


def of_calls(node: ast.AST, text: Text) -> Iterator[Change]:
    if not isinstance(node, ast.Call):
        return
    function, arguments = text(node.func), [text(each) for each in node.args]
    named = [f"{each.arg}={text(each.value)}" if each.arg else f"**{text(each.value)}" for each in node.keywords]
    name = function.rpartition(".")[2]
    if name in CALLS:
        yield "another function", node.func, function[: len(function) - len(name)] + CALLS[name]
    if function in WRAPPERS and len(arguments) == 1 and not named and not arguments[0].startswith("*"):
        inner = node.args[0]
        yield "call left out", node, f"({arguments[0]})" if isinstance(inner, ast.GeneratorExp) else arguments[0]
    if len(arguments) >= 2 and name not in COMMUTATIVE and not any(each.startswith("*") for each in arguments[:2]):
        swapped = [arguments[1], arguments[0], *arguments[2:], *named]
        yield "arguments swapped", node, f"{function}({', '.join(swapped)})"
    for i in range(len(named)):
        rest = [*arguments, *named[:i], *named[i + 1 :]]
        yield "argument left out", node, f"{function}({', '.join(rest)})"


def of_places(node: ast.AST, text: Text) -> Iterator[Change]:
    """Indices, slices and ranges that are one off, conditions and elements of comprehensions."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        if isinstance(node.slice, ast.Slice):
            low, high = (text(each) if each else "" for each in (node.slice.lower, node.slice.upper))
            if not node.slice.step:
                yield "one off", node, f"{text(node.value)}[{low + ' + 1' if low else '1'}:{high}]"
                yield "one off", node, f"{text(node.value)}[{low}:{high + ' - 1' if high else '-1'}]"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        arguments = [text(each) for each in node.args]
        last = 0 if len(arguments) == 1 else 1
        arguments[last] += " - 1"
        yield "one off", node, f"range({', '.join(arguments)})"
    elif isinstance(node, ast.comprehension):
        for each in node.ifs:
            yield "condition left out", each, "True"


def of_statements(node: ast.AST, text: Text) -> Iterator[Change]:
    if is_left_out(node):
        yield "statement left out", node, "pass"
    if isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub)):
        sign = "-=" if isinstance(node.op, ast.Add) else "+="
        yield "arithmetic", node, f"{text(node.target)} {sign} {text(node.value)}"
    elif isinstance(node, (ast.Break, ast.Continue)):
        yield "break / continue", node, "continue" if isinstance(node, ast.Break) else "break"
    elif isinstance(node, ast.Return) and node.value is not None and text(node.value) != "None":
        yield "return value", node, "return None"


def is_left_out(node: ast.AST) -> bool:
    """Whether a statement can go without a name that is missed: calls, changes of attributes, ends, errors."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, (ast.Call, ast.Await))
    if isinstance(node, ast.Assign):
        return not any(isinstance(each, (ast.Name, ast.Tuple)) for each in node.targets)
    return isinstance(node, (ast.AugAssign, ast.Raise, ast.Delete)) or (
        isinstance(node, ast.Return) and node.value is None
    )


def of_branches(node: ast.AST, text: Text) -> Iterator[Change]:
    if isinstance(node, (ast.If, ast.While)) and text(node.test) not in {"TYPE_CHECKING", "True"}:
        if not (isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)):
            test = text(node.test)
            yield "condition negated", node.test, f"not {test if isinstance(node.test, PARENTHESES) else f'({test})'}"
        if isinstance(node, ast.If):
            yield "condition always false", node.test, "False"
    if isinstance(node, ast.If) and node.orelse and not isinstance(node.orelse[0], ast.If):
        yield "branch left out", Span(node.orelse), "pass"
    if isinstance(node, ast.Try):
        if node.finalbody:
            yield "branch left out", Span(node.finalbody), "pass"
        for handler in node.handlers:
            if handler.type is not None:
                yield "error not caught", handler.type, "ZeroDivisionError"


class Span(ast.AST):
    """Several statements that are replaced together."""

    def __init__(self, body: list[ast.stmt]):
        first, last = body[0], body[-1]
        self.lineno, self.col_offset = first.lineno, first.col_offset
        self.end_lineno, self.end_col_offset = last.end_lineno, last.end_col_offset
