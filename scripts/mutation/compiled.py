"""Mutants of Cython and C: small changes of tokens outside comments, strings and declarations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mutation.sites import Site

__all__ = ["compiled_sites"]

SWAPS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("comparison", r"(?<![<>=!-])<(?![<=])", ("<=",)),
    ("comparison", r"<=", ("<",)),
    ("comparison", r"(?<![>=<!-])>(?![>=])", (">=",)),
    ("comparison", r">=(?!=)", (">",)),
    ("comparison", r"(?<![<>=!])==(?!=)", ("!=",)),
    ("comparison", r"!=", ("==",)),
    ("arithmetic", r"(?<=[\w\])] )\+(?= [\w(])", ("-",)),
    ("arithmetic", r"(?<=[\w\])] )-(?= [\w(])", ("+",)),
    ("arithmetic", r"(?<=[\w\])] )\*(?= [\w(])", ("+",)),
    ("arithmetic", r"(?<=[\w\])] )//?(?= [\w(])", ("*",)),
    ("arithmetic", r"(?<=[\w\])] )%(?= [\w(])", ("*",)),
    ("arithmetic", r"(?<= )<<(?= )", (">>",)),
    ("arithmetic", r"(?<= )>>(?= )", ("<<",)),
    ("arithmetic", r"(?<=[\w\])] )&(?= [\w(~])", ("|",)),
    ("arithmetic", r"(?<=[\w\])] )\|(?= [\w(~])", ("&",)),
    ("arithmetic", r"\+=", ("-=", "=")),
    ("arithmetic", r"(?<=\w )-=", ("+=",)),
    ("arithmetic", r"\+\+", ("--",)),
    ("and / or", r"&&", ("||",)),
    ("and / or", r"\|\|", ("&&",)),
    ("and / or", r"\band\b", ("or",)),
    ("and / or", r"\bor\b", ("and",)),
    ("sign or not left out", r"\bnot (?!in\b)", ("",)),
    ("sign or not left out", r"!(?=[\w(])", ("",)),
    ("constant", r"\bTrue\b", ("False",)),
    ("constant", r"\bFalse\b", ("True",)),
    ("break / continue", r"\bbreak\b", ("continue",)),
    ("break / continue", r"\bcontinue\b", ("break",)),
)
NUMBER = re.compile(r"(?<![\w.\"'])(\d+)(?![\w.]|\s*[)\]]?\s*\*?/)")
CONDITION_C = re.compile(r"\b(?:if|while) \(")
CONDITION_PYX = re.compile(r"^(\s*)(if|elif|while) (.+):(?:\s*#.*)?$")
RETURN = re.compile(r"\breturn (?!None\b|0;|-1\b)([^;#]+?)(?=\s*(?:;|#|$))")
STATEMENT_C = re.compile(r"^\s*([\w.>\[\]*& +-]+?\s*(?:[-+*|&^]|<<|>>)?=[^=;{}]*;|[a-z_]\w*\([^;{}]*\);)\s*$")
STATEMENT_PYX = re.compile(r"^\s*([\w.\[\], +*-]+\s(?:[-+*|&^]|//|<<|>>)?=\s[^=].*?|[a-z_][\w.]*\(.*\))\s*(?:#.*)?$")
DECLARATION = re.compile(
    r"^\s*(?:static|const|cdef|ctypedef|typedef|unsigned|signed|void|u?int\d*_t|size_t|Py_ssize_t|int|float|double|char|vec"
    r"|ivec|struct|enum|include|from|import|cimport|return|if|elif|while|for|else|case)\b"
)
SKIPPED = re.compile(r"^\s*(#|@|\*|//|cdef extern|INLINE|NOINLINE|def |cpdef |class )")
FUNCTION = re.compile(r"^(?:\s*(?:cdef|cpdef|def)\b|static\b|INLINE\b|NOINLINE\b)[^=]*?\b(\w+)\(")


def compiled_sites(path: str, source: bytes) -> list[Site]:
    """Every change that the operators would make to a .pyx, .pxi or .h file."""
    text = source.decode()
    plain = blanked(text, c=path.endswith(".h"))
    assert len(plain) == len(text)
    found, seen, function, place = [], {}, "", 0
    for number, line in enumerate(plain.splitlines(keepends=True), 1):
        shown = text[place : place + len(line)].strip()
        named = FUNCTION.match(line)
        if named and not line.rstrip().endswith(";"):
            function = named[1]
        for operator, first, last, new in changes(line.rstrip("\n"), path.endswith(".h")):
            start, end = (len(text[: place + k].encode()) for k in (first, last))
            old = text[place + first : place + last]
            key = operator, function, shown, old, new
            nth = seen[key] = seen.get(key, -1) + 1
            found.append(Site(path, operator, number, function, start, end, new, old, shown, nth))
        place += len(line)
    return found


def blanked(text: str, c: bool) -> str:
    """The text with spaces for comments, strings and what is declared of C."""
    strings = (
        r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"'
        if c
        else (r'"""(?:.|\n)*?"""|#[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
    )
    if not c:
        text = re.sub(r"(?m)^cdef extern from[^\n]*:\n(?:[ \t]+[^\n]*\n|\n)*", spaces, text)
    return re.sub(strings, spaces, text, flags=re.S if c else 0)


def spaces(found: re.Match) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def changes(line: str, c: bool) -> Iterator[tuple[str, int, int, str]]:
    """(operator, first, last, new) for one line."""
    if not line.strip() or SKIPPED.match(line) or line.rstrip().endswith("\\"):
        return
    for operator, pattern, news in SWAPS:
        for found in re.finditer(pattern, line):
            yield from ((operator, *found.span(), new) for new in news)
    for found in NUMBER.finditer(line):
        value = int(found[1])
        yield "constant", *found.span(1), str(value + 1)
        if value:
            yield "constant", *found.span(1), str(value - 1)
    for found in RETURN.finditer(line):
        yield "return value", *found.span(1), "0"
    statement = (STATEMENT_C if c else STATEMENT_PYX).match(line)
    if statement and not DECLARATION.match(line) and line.count("(") == line.count(")"):
        yield "statement left out", *statement.span(1), ";" if c else "pass"
    if c:
        for found in CONDITION_C.finditer(line):
            yield "condition negated", found.end() - 1, closing(line, found.end() - 1), negated(line, found.end() - 1)
    elif condition := CONDITION_PYX.match(line):
        yield "condition negated", *condition.span(3), f"not ({condition[3]})"


def closing(line: str, start: int) -> int:
    """Behind the parenthesis that closes the one at `start`."""
    depth = 0
    for k in range(start, len(line)):
        depth += (line[k] == "(") - (line[k] == ")")
        if depth == 0:
            return k + 1
    return start


def negated(line: str, start: int) -> str:
    return f"(!{line[start : closing(line, start)]})" if closing(line, start) > start else ""
