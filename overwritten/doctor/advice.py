"""What to do at each line that writes: the cure that fits, in the words of that line.

The idea: the writes of one line are a case; the first row of a table that fits it is its cure,
and equal advice is given once. The rows stand in `cures`, `silent_cures` and `refused`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from overwritten.doctor.rewrites import Edit, kept_by_module, out_of_place
from overwritten.doctor.sources import Scope, scopes_at
from overwritten.record.events import NOWHERE, Overwrite, Save, Write

#: In-place call → the same as a statement, out of place.
AUGMENTED = {
    "add_": "x = x + …", "sub_": "x = x - …", "mul_": "x = x * …", "div_": "x = x / …",
    "pow_": "x = x ** …", "__iadd__": "x = x + …", "__imul__": "x = x * …",
}  # fmt: skip


_PACKAGES = "a package's line: mend a copy of it, or hand it a clone"


class Case:
    """One saver and the writes of one line. ops: theirs, in order."""

    def __init__(self, found: Overwrite, writes: list[Write]):
        self.found, self.saver = found, found.saver or Save(0, 0)
        self.writer = writes[-1] if writes else Write("", None, None)
        self.ops = [write.op for write in writes]
        self.site = self.writer.site
        self.part = any(write.part for write in writes)

    @property
    def op(self) -> str:
        return "__setitem__" if "__setitem__" in self.ops else self.writer.op

    @cached_property
    def scopes(self) -> list[Scope]:
        """The statements on the user's own line that led to the write."""
        return list(scopes_at(replace(self.site, library="", library_line=0)))

    @property
    def code(self) -> str:
        return "; ".join(ast.unparse(scope.statement) for scope in self.scopes)

    def steps(self) -> bool:
        """Is it an optimizer's step, PyTorch's or anybody's?"""
        if self.site.via.startswith(("optim/", "amp/grad_scaler")):
            return "zero_grad" not in self.code or ".step(" in self.code
        if self.saver.of != "weight":
            return False
        inside = any(
            getattr(scope.function, "name", "") == "step"
            or any("ptimizer" in ast.unparse(base) for one in scope.classes() for base in one.bases)
            for scope in self.scopes
        )
        return inside or ".step(" in self.code


def rewritten(case):
    return out_of_place(case.site, case.op, case.ops, case.part)


def no_edit(case):
    return None


def module_of(case) -> str:
    """'Net.head.drop', and who gets other values once it writes no more."""
    path = case.site.module.partition(" (")[0]
    note = kept_by_module(case.site, path.rpartition(".")[2])
    return f"{path}; {note}" if note else path


@dataclass(frozen=True)
class Cure:
    """name: of the pattern. fits: does it suit this case?

    does: what to change, before the statements (or the module) that `edit` gives; words: all of
    it, where it gives none. because: why it helps. vain: what does not. gradient: which one the
    cured program gets.
    """

    name: str
    fits: Callable[[Case], bool]
    does: str
    words: str
    because: str
    vain: str | Callable[[Case], str]
    edit: Callable[[Case], Edit | str | None] = rewritten
    gradient: str = "that of the forward as it ran"


@dataclass(frozen=True)
class Advice:
    """A cure for the writes of one line. edit: the statements to put there, or the
    module; None: words alone."""

    cure: Cure
    writer: Write
    edit: Edit | str | None
    words: str
    vain: str

    @property
    def place(self) -> tuple[str, int]:
        """(file, line) of what is to be changed."""
        site = self.writer.site
        if isinstance(self.edit, Edit):
            return self.edit.file, self.edit.line
        return site.file, site.line

    @property
    def code(self) -> str:
        """'`y = y + 1`', and what else belongs to it."""
        edit = self.edit
        if not isinstance(edit, Edit):
            return edit or ""
        how = "before" if edit.before else "in place of"
        where = "" if edit.alone and not edit.before else f" {how} `{edit.old}`"
        return f"`{edit.code}`{where}" + (f"; {edit.note}" if edit.note else "")

    @property
    def does(self) -> str:
        return f"{self.words}: {self.code}" if self.edit else self.words


def advise(found: Overwrite, table: tuple[Cure, ...]) -> tuple[Advice, ...]:
    """What to do at each line that writes, in their order; equal advice once."""
    sites: dict = {}
    for write in found.writers:
        sites.setdefault(write.site, []).append(write)
    cases = [Case(found, writes) for writes in sites.values()] or [Case(found, [])]
    told: dict = {}
    for case in cases:
        cure = next(cure for cure in table if cure.fits(case))
        edit = cure.edit(case) if case.site != NOWHERE or case.ops else None
        if isinstance(edit, Edit) and case.site.library and edit.file == case.site.library:
            edit = replace(edit, note=_PACKAGES)
        words = cure.does if edit else cure.words.format(**_names(case))
        vain = cure.vain if isinstance(cure.vain, str) else cure.vain(case)
        advice = Advice(cure, case.writer, edit, words, vain)
        told.setdefault((cure.name, words, advice.place, advice.code), advice)
    return tuple(told.values())


def _names(case):
    return {"op": case.op, "instead": AUGMENTED.get(case.op, "x = …")}


def grouped(cures: Iterable[Advice]) -> list[list[Advice]]:
    """By cure and words, each group in the order of its lines."""
    groups: dict[tuple, list[Advice]] = {}
    for one in sorted(cures, key=lambda one: one.place):
        groups.setdefault((one.cure.name, one.words), []).append(one)
    return list(groups.values())
