"""The statement on a line, and what stands around it: its function, its loop, its `no_grad`.

The idea: a file is parsed once; around a statement `ast` tells what its names were bound to and
whether they are read again. It judges no write.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from functools import lru_cache

from overwritten.record.events import Site

_SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: What gives a view of its tensor.
_ATTRIBUTES = frozenset("T mT H data real imag".split())
_METHODS = frozenset(
    "view view_as reshape t transpose permute squeeze unsqueeze flatten narrow select "
    "diagonal expand expand_as detach chunk split unbind swapaxes movedim unfold".split()
)
_CUT = frozenset(("detach", "data"))
_QUIET = ("no_grad", "inference_mode")


def scopes_at(site: Site) -> tuple[Scope, ...]:
    """The simple statements on that line, each with what is around it."""
    file, line = (site.library, site.library_line) if site.library else (site.file, site.line)
    if not linecache.getlines(file):
        return ()
    known: tuple = linecache.cache.get(file, (0, None))
    return _scopes(file, line, known[0], known[1])


@lru_cache(10_000)
def _scopes(file, line, size, changed):
    tree, above = _parsed(file, size, changed)
    nodes = [node for node in ast.walk(tree) if isinstance(node, _SIMPLE)] if tree else []
    return tuple(Scope(file, n, above) for n in nodes if n.lineno <= line <= (n.end_lineno or 0))


@lru_cache(32)
def _parsed(file, size, changed):
    """(the tree, node → the node it lies in), or (None, {})."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError, RecursionError):
        return None, {}
    return tree, {inner: node for node in ast.walk(tree) for inner in ast.iter_child_nodes(node)}


class Scope:
    """One statement of a file. above: node → the node it lies in."""

    def __init__(self, file: str, statement: ast.stmt, above: dict):
        self.file, self.statement, self._above = file, statement, above

    def _around(self) -> Iterator[ast.AST]:
        """What it lies in, innermost first, up to its function or module."""
        node = self._above.get(self.statement)
        while node is not None:
            yield node
            if isinstance(node, _FUNCTIONS):
                return
            node = self._above.get(node)

    @property
    def function(self) -> ast.AST:
        """The function that it stands in, or the module."""
        *_, outermost = self._around()
        return outermost

    def classes(self) -> list[ast.ClassDef]:
        """The classes that it stands in, innermost first."""
        node, found = self._above.get(self.statement), []
        while node is not None:
            found += [node] if isinstance(node, ast.ClassDef) else []
            node = self._above.get(node)
        return found

    def alone(self, statement: ast.stmt) -> bool:
        """Does no other statement begin on its line?"""
        beside = getattr(self._above[statement], "body", [])
        lines = [one.lineno for one in beside if isinstance(one, ast.stmt)]
        return lines.count(statement.lineno) == 1

    def loads(self, node: ast.AST) -> list[str]:
        """The names, and names with attributes, that `node` reads."""
        kinds = ast.Name, ast.Attribute
        return [ast.unparse(one) for one in ast.walk(node) if isinstance(one, kinds)]

    def binding(self, name: str) -> ast.Assign | None:
        """The last assignment to `name` alone or among others, above the statement."""
        made = None
        for node in ast.walk(self.function):
            if isinstance(node, ast.Assign) and node.lineno <= self.statement.lineno:
                names = [ast.unparse(one) for target in node.targets for one in _targets(target)]
                if name in names and node is not self.statement:
                    made = node if made is None or node.lineno >= made.lineno else made
        return made

    def read_later(self, name: str) -> bool:
        """Is it read below the statement, or anywhere in the loop around it?"""
        loop = next((n for n in self._around() if isinstance(n, (ast.For, ast.While))), None)
        again = {id(one) for one in ast.walk(loop)} if loop is not None else set()
        inside = {id(one) for one in ast.walk(self.statement)}
        for node in ast.walk(self.function):
            if id(node) in inside or not isinstance(getattr(node, "ctx", None), ast.Load):
                continue
            if isinstance(node, (ast.Name, ast.Attribute)) and ast.unparse(node) == name:
                if node.lineno > self.statement.lineno or id(node) in again:
                    return True
        return False

    def still_read(self, name: str) -> bool:
        """Is it read elsewhere in the statement, or later?"""
        return self.loads(self.statement).count(name) > 1 or self.read_later(name)

    def view(self, name: str, part: bool):
        """(how it was made, of what, without its history?) if `name` is a view of a tensor that is
        read afterwards; else None."""
        made = self.binding(name)
        if made is None or not is_view(made.value, part) or isinstance(made.targets[0], ast.Tuple):
            return None
        base = root_of(made.value)
        if not isinstance(base, (ast.Name, ast.Attribute)) or ast.unparse(base) == name:
            return None
        cut = any(getattr(node, "attr", "") in _CUT for node in ast.walk(made.value))
        return (made, base, cut) if cut or self.read_later(ast.unparse(base)) else None

    def no_grad(self, name: str) -> ast.With | ast.AsyncWith | None:
        """The outermost `with torch.no_grad():` around it, unless `name` is made in there."""
        found = None
        for node in self._around():
            if isinstance(node, (ast.With, ast.AsyncWith)):
                if any(word in ast.unparse(i.context_expr) for i in node.items for word in _QUIET):
                    found = node
        made = self.binding(name)
        if found is None or (made is not None and made in set(ast.walk(found))):
            return None
        return found if self.looped(name) is None else None

    def looped(self, name: str) -> ast.For | None:
        """The loop around it whose own name that is."""
        for node in self._around():
            if isinstance(node, ast.For):
                if name in [ast.unparse(one) for one in _targets(node.target)]:
                    return node
        return None

    def not_returned(self) -> list[str]:
        """The function's arguments that it does not return: its caller holds the old tensor."""
        function = self.function
        if not isinstance(function, ast.FunctionDef) or function.name == "forward":
            return []
        returned = [one for one in ast.walk(function) if isinstance(one, (ast.Return, ast.Yield))]
        names = {name for one in returned if one.value for name in self.loads(one.value)}
        return [one.arg for one in function.args.args if one.arg not in names]

    def new_name(self) -> str:
        """A name for a part that the function does not use."""
        used = set(self.loads(self.function))
        return next((name for name in ("part", "piece") if name not in used), "new_part")


def _targets(target):
    inner = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
    for one in inner:
        yield from _targets(one) if isinstance(one, (ast.Tuple, ast.List)) else [one]


def root_of(expression: ast.expr) -> ast.expr:
    """`x` of `x[:, 0].data`; `self.x` of `self.x.view(-1)`."""
    while (inner := _of_view(expression)) is not None:
        expression = inner
    return expression


def is_part(expression: ast.expr) -> bool:
    """Does it say itself that it is a view? `x[:, 0]`, `x.data`; `c[k]` may be one of a list."""
    if not isinstance(expression, ast.Subscript):
        return _of_view(expression) is not None
    index = expression.slice
    sure = isinstance(index, (ast.Slice, ast.Tuple, ast.Compare))
    return sure or getattr(index, "value", 0) in (None, ...) or is_part(expression.value)


def is_view(expression: ast.expr, part: bool) -> bool:
    return is_part(expression) or (part and isinstance(expression, ast.Subscript))


def _of_view(expression):
    """What it is a view of, or an element; None if it is neither."""
    if isinstance(expression, ast.Subscript):
        return expression.value
    call = isinstance(expression, ast.Call)
    inner = expression.func if call else expression
    if isinstance(inner, ast.Attribute) and inner.attr in (_METHODS if call else _ATTRIBUTES):
        return None if ast.unparse(inner.value) == "self" else inner.value
    return None
