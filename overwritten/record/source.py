"""Which statement a line number belongs to, and which names a piece of code mentions.

The idea: `ast` knows where each statement begins and ends, so a call that spans three
lines is one step. It never runs anything.
"""

from __future__ import annotations

import ast
import itertools
import linecache
import textwrap
from dataclasses import dataclass

_serial = itertools.count(1)


@dataclass(frozen=True)
class Statement:
    """first, last: lines of the file. repeats: a loop written on one line."""

    first: int
    last: int
    text: str
    repeats: bool = False


class Source:
    """A snippet, or the body of a `with` block: its lines, statements and names.

    lines: dedented, as shown. first: the file's number of the first of them.
    names: those the code mentions; None where the source is not to be had.
    """

    def __init__(self, filename, lines, first, nodes):
        self.filename, self.lines, self.first = filename, lines, first
        self._known = nodes is not None
        self.names = _names(nodes) if self._known else None
        self._at = {}
        for node in nodes or ():
            for inner in ast.walk(node):
                self._place(inner)

    @classmethod
    def of(cls, code: str) -> Source:
        """A snippet, indented as a whole or not. Raises SyntaxError where it is no Python."""
        code = code.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
        if code[:1] in (" ", "\t"):
            code = textwrap.dedent(code)
        return cls(f"<snippet {next(_serial)}>", code.split("\n"), 1, ast.parse(code).body)

    @classmethod
    def around(cls, frame) -> Source:
        """The body of the `with` statement that `frame` is about to enter."""
        filename = frame.f_code.co_filename
        lines = linecache.getlines(filename, frame.f_globals)
        try:
            found = _with_at(ast.parse("".join(lines)), frame.f_lineno)
        except (SyntaxError, ValueError, RecursionError):
            found = None
        if found is None:
            return cls(filename, [], 1, None)
        first, last = found.body[0].lineno, found.body[-1].end_lineno
        body = textwrap.dedent("".join(lines[first - 1 : last])).rstrip("\n").split("\n")
        return cls(filename, body, first, found.body)

    def at(self, line: int) -> Statement | None:
        """The statement on that line of the file; None outside this source."""
        if not self._known:
            return Statement(line, line, f"line {line}")
        return self._at.get(line)

    def first_on(self, line: int) -> Statement | None:
        """The statement of the body on the `with` line itself, if it begins there."""
        return self._at.get(line)

    def _place(self, node):
        if not isinstance(node, (ast.stmt, ast.ExceptHandler)):
            return
        body = getattr(node, "body", None)
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
        last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno
        text = self.lines[first - self.first].strip()
        if last > first and not body:
            text += " …"
        outer = self._at.get(first)
        one_line_loop = outer is not None and outer.repeats
        if isinstance(node, (ast.For, ast.While, ast.AsyncFor)):
            one_line_loop = body[0].lineno == node.lineno
        for line in range(first, last + 1):
            self._at[line] = Statement(first, last, text, one_line_loop)


def _with_at(tree, line):
    found = None
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.With, ast.AsyncWith))
            and node.lineno <= line <= node.body[0].lineno
        ):
            if found is None or node.lineno >= found.lineno:
                found = node
    return found


def _names(nodes):
    names = set()
    for node in nodes:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                names.add(inner.id)
            elif isinstance(inner, ast.alias):
                names.add((inner.asname or inner.name).split(".")[0])
            elif isinstance(getattr(inner, "name", None), str):  # def, class, except, match
                names.add(inner.name)
    return names
