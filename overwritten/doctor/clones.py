"""A statement that reads a tensor → the same statement, reading a clone of it.

The idea: where the writer cannot or need not be changed (a buffer, a `.grad`), the line that
saves takes a copy. It rewrites text and runs nothing.
"""

from __future__ import annotations

import ast
from copy import deepcopy

from overwritten.doctor.functional import clone_of
from overwritten.doctor.rewrites import Edit, assigned, edit_of
from overwritten.doctor.sources import scopes_at
from overwritten.record.events import Site


def with_clone(site: Site, written: str) -> Edit | None:
    """The statement at `site` with `.clone()` behind every `written` ('self.scale', '.grad') that
    it reads; an alias is cloned where it was made."""
    for scope in scopes_at(site):
        tree = _Cloned(written).visit(deepcopy(scope.statement))
        if ast.unparse(tree) != ast.unparse(scope.statement):
            return edit_of(scope, scope.statement, [tree])
        for name in scope.loads(scope.statement):
            made = scope.binding(name)
            if made is not None and any(_reads(one, written) for one in ast.walk(made.value)):
                return edit_of(scope, made, [assigned(made.targets, clone_of(made.value))])
    return None


class _Cloned(ast.NodeTransformer):
    def __init__(self, written):
        self._written = written

    def visit_Attribute(self, node):
        node = self.generic_visit(node)
        if not isinstance(node.ctx, ast.Load):
            return node
        return clone_of(node) if _reads(node, self._written) else node

    def visit_Name(self, node):
        fits = node.id == self._written and isinstance(node.ctx, ast.Load)
        return clone_of(node) if fits else node


def _reads(node, written):
    """Is it that expression? '.grad' stands for the attribute of anything."""
    if written.startswith("."):
        return getattr(node, "attr", "") == written[1:]
    return isinstance(node, (ast.Name, ast.Attribute)) and ast.unparse(node) == written
