"""A statement that writes in place → the same statement out of place, in the user's own names.

The idea: `ast` finds the statement on a line, the form of its write and the tensor written; for
each form there is one way out. Where the source cannot be had or the form is not known: None.
It rewrites text and runs nothing; whether that is the cure, the table of cures says.
"""

from __future__ import annotations

import ast
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache

from overwritten.doctor.functional import (
    OutOfPlace,
    asking,
    attribute,
    called,
    clone_of,
    function,
    method,
    name_of,
)
from overwritten.doctor.sources import Scope, is_part, root_of, scopes_at
from overwritten.record.events import Site

#: The doctor's name for `x.data = …`.
DATA = "x.data = …"


@dataclass(frozen=True)
class Edit:
    """new: the statements in place of `old`, which stands at that line; before: they come before
    that line, which stays. first, last: (line, column) where `old` begins and ends.
    note: what else is to be done, '' for nothing. alone: is `old` all of its line?
    """

    file: str
    line: int
    old: str
    new: tuple[str, ...]
    first: tuple[int, int]
    last: tuple[int, int]
    before: bool = False
    note: str = ""
    alone: bool = True

    @property
    def code(self) -> str:
        """All of it on one line, as Python takes it."""
        return "; ".join(one.replace(":\n    ", ": ") for one in self.new)


def out_of_place(site: Site, op: str, ops=(), part=False, leaf=False) -> Edit | None:
    """The statement at `site` that writes by `op`, out of place.

    ops: all that write there. part: the tensor written is a part of another one. leaf: the new
    one is to require grad again.
    """
    for scope in scopes_at(site):
        if isinstance(scope.statement, ast.AugAssign):  # `c[k] += 1`: of a list, or of a tensor?
            part = "__setitem__" in ops
        found = _rewritten(scope, op, part, leaf)
        if found is not None:
            return found
    return None


@lru_cache(10_000)
def _rewritten(scope, op, part, leaf):
    return _Rewrite(scope, op, part, leaf).edit()


def under_no_grad(site: Site, op: str) -> Edit | None:
    """The statement at `site` that writes by `op`, under `torch.no_grad()`."""
    for scope in scopes_at(site):
        if _Rewrite(scope, op, False, False).written is not None:
            quiet = ast.With([ast.withitem(function("torch.no_grad"))], [scope.statement])
            return edit_of(scope, scope.statement, [quiet])
    return None


def kept_by_module(site: Site, attribute: str) -> str:
    """What else the line at `site` needs once its `self.attribute(x)` writes no more."""
    for scope in scopes_at(site):
        for call in ast.walk(scope.statement):
            if isinstance(call, ast.Call) and called(call)[0] == attribute and call.args:
                return _kept(scope, ast.unparse(call.args[0]), (attribute,))
    return ""


def target_of(site: Site, op: str) -> str:
    """What the statement at `site` writes by `op`, as 'self.queue' of `self.queue[:, 0] = k`."""
    for scope in scopes_at(site):
        rewrite = _Rewrite(scope, op, False, False)
        if rewrite.written is not None:
            return ast.unparse(root_of(rewrite.written))
    return ""


class _Rewrite:
    """One statement. written: the tensor that it writes, as an expression; None if none is seen."""

    def __init__(self, scope: Scope, op: str, part: bool, leaf: bool):
        self._scope, self._leaf = scope, leaf
        self._old = scope.statement
        self._calls = OutOfPlace()
        self._new = self._calls.visit(deepcopy(self._old))
        self.written = self._find(op)
        self._part = self.written is not None and (
            is_part(self.written)
            or ((part or op == "__setitem__") and isinstance(self.written, ast.Subscript))
        )
        self._list_of = isinstance(self.written, ast.List) or any(
            name.startswith("_foreach_") for name in self._calls.ops
        )

    def _find(self, op):
        old = self._old
        if isinstance(old, ast.AugAssign):
            return _read(old.target)
        if isinstance(old, ast.Assign) and op == DATA:
            return _read(old.targets[0])
        if isinstance(old, ast.Assign) and op in ("__setitem__", "index_put_", "copy_"):
            if len(old.targets) == 1 and isinstance(old.targets[0], ast.Subscript):
                return _read(old.targets[0])
        ops = {name.strip("_") for name in self._calls.ops}
        if ops and (op.strip("_") in ops or len(ops) == 1) and self._calls.written:
            return self._calls.written[0]
        return None

    def edit(self) -> Edit | None:
        if self.written is None:
            return None
        root = self._root()
        parts = root.elts if isinstance(root, ast.List) else [root]
        if not all(isinstance(one, (ast.Name, ast.Attribute, ast.Subscript)) for one in parts):
            return None
        name = ast.unparse(root)
        quiet = self._scope.no_grad(name)
        if quiet is not None and self._list_of:
            return None
        if quiet is not None and not self._leaf and not self._calls.fills:
            return edit_of(self._scope, quiet, [assigned([root], clone_of(root))], before=True)
        looped = self._scope.looped(name)
        if looped is not None:
            return self._list(looped)
        if isinstance(self._old, (ast.AugAssign, ast.Expr)) and isinstance(root, ast.Name):
            view = self._scope.view(name, self._part)
            if view is not None:
                return self._through(view)
        new, note = self._statements(root), ""
        if new and self._value() is None and new[-1] is self._new:
            note = _kept(self._scope, name, self._calls.ops)
        if name in self._scope.not_returned():
            note = f"then `return {name}`, and take what the call returns"
        return new and edit_of(self._scope, self._old, new, note=note)

    def _root(self):
        """What is bound anew: the tensor, or its place in a list."""
        whole = isinstance(self.written, ast.Subscript) and not self._part
        return self.written if whole else root_of(self.written)

    def _statements(self, root):
        value = self._value()
        target = self.written
        if value is None and isinstance(self._old, ast.Expr) and self._whole():
            return [
                assigned([root], clone_of(root)),
                self._old,
            ]  # nothing else is known of the call
        if not self._calls.known:
            return None
        if value is None:
            return [self._new]
        cut = self._part and not isinstance(target, ast.Subscript)
        if self._leaf and (cut or not self._part):
            return [assigned([root], asking(value))]
        if not self._part:
            return [assigned([target], value)]
        name, copied = self._scope.new_name(), assigned([root], clone_of(root))
        if self._leaf:  # a copy with a history is no leaf
            copied = assigned([root], clone_of(method(root, "detach")))
            put = _put(target, name_of(name))
            return [assigned([name_of(name)], value), copied, put, ast.Expr(asking(root))]
        if isinstance(self._old, ast.Assign) and ast.unparse(root) not in self._scope.loads(value):
            return [copied, self._old]
        put = isinstance(self._old, ast.Assign) or isinstance(target, ast.Subscript)
        return [assigned([name_of(name)], value), copied, _put(target, name_of(name), put)]

    def _value(self):
        """What is written, as an expression; None where the statement does more than write."""
        old, new = self._old, self._new
        if isinstance(old, ast.AugAssign):
            return ast.BinOp(_read(new.target), new.op, new.value)
        if isinstance(old, ast.Assign) and ast.unparse(old.targets[0]) == ast.unparse(self.written):
            return new.value
        if isinstance(old, ast.Expr) and self._whole() and self._calls.known:
            return new.value
        return None

    def _whole(self):
        """Is the write all that the statement does?"""
        call = self._old.value
        while isinstance(call, ast.Call):
            name, space = called(call)
            if name.strip("_") in {one.strip("_") for one in self._calls.ops}:
                return True
            call = call.func.value if isinstance(call.func, ast.Attribute) else None
        return False

    def _list(self, loop):
        """`for t in ts: t += 1` makes a new list instead."""
        value, kinds = self._value(), (ast.Name, ast.Attribute, ast.Tuple, ast.List)
        if value is None or self._part or len(loop.body) != 1 or loop.body[0] is not self._old:
            return None
        if not isinstance(loop.target, ast.Name) or not isinstance(loop.iter, kinds):
            return None
        each = ast.comprehension(loop.target, loop.iter, [], 0)
        targets = [_stored(loop.iter)]
        return edit_of(self._scope, loop, [assigned(targets, ast.ListComp(value, [each]))])

    def _through(self, view):
        """A name for a part of another tensor, which must be written, too."""
        made, base, cut = view
        if cut:  # detached: what is written is no part of the history
            value = clone_of(made.value)
            return edit_of(self._scope, made, [assigned(made.targets, value)])
        value = self._value()
        if value is None:
            return None
        part = name_of(self._scope.new_name())
        back = _put(_read(self.written), part, isinstance(self.written, ast.Subscript))
        new = [assigned([part], value), assigned([base], clone_of(base)), made, back]
        return edit_of(self._scope, self._old, new)


def _kept(scope, name, calls) -> str:
    """Who reads `name` beside or after a call that no longer writes it gets the old values."""
    old = scope.statement
    targets = [ast.unparse(target) for target in getattr(old, "targets", ())]
    if name in targets or not scope.still_read(name):
        return ""
    whole = targets and isinstance(old.value, ast.Call) and called(old.value)[0] in calls
    change = f", to change them: `{name} = {targets[0]}`" if whole else ""
    return f"`{name}` keeps its old values{change}"


def edit_of(scope: Scope, old, new, before=False, note="") -> Edit:
    """The statements `new` in place of `old`, which stands in that scope."""
    lines = tuple(ast.unparse(ast.fix_missing_locations(one)) for one in new)
    first, last = (old.lineno, old.col_offset), (old.end_lineno, old.end_col_offset)
    told = ast.unparse(old).split("\n")[0]
    return Edit(scope.file, old.lineno, told, lines, first, last, before, note, scope.alone(old))


def assigned(targets, value) -> ast.Assign:
    """`targets = value`"""
    return ast.Assign([_stored(target) for target in targets], value)


def _put(target, value, by_sign=True):
    """A part gets its new value."""
    if by_sign:
        return assigned([target], value)
    return ast.Expr(ast.Call(attribute(target, "copy_"), [value], []))


def _stored(target):
    target = deepcopy(target)
    target.ctx = ast.Store()
    return target


def _read(target):
    target = deepcopy(target)
    target.ctx = ast.Load()
    return target
