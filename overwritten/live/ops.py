"""What lessons call `ops`: the experiment of `overwritten.atlas.measure`, and tables of its rows.

The idea: a table is a view of rows; what stands in it was measured, now or when the atlas was made.
"""

from __future__ import annotations

from overwritten.atlas import rows as atlas
from overwritten.atlas.measure import expressions, in_place_form, operation, program, try_write
from overwritten.atlas.rows import InPlace, Operation
from overwritten.live.table import Table
from overwritten.record.trial import CAUTIOUS, NOTHING, RAISES, RIGHT, SILENT

__all__ = [
    "all_in_place_forms", "all_operations", "expressions", "in_place_form", "in_place_forms",
    "operation", "operations", "program", "try_write",
]  # fmt: skip


def operations() -> Table:
    """The course's own expressions, measured now: a row for each and each of its inputs x, w, c."""
    rows = [operation(row.name, row.input) for row in atlas.rows(Operation) if row.course]
    title = "Operations: what they save, and what may be overwritten before backward"
    return _operations(rows, title)


def in_place_forms() -> Table:
    """The course's own in-place forms, measured now: x requires grad and is no leaf."""
    rows = [in_place_form(row.name) for row in atlas.rows(InPlace) if row.course]
    return _forms(rows, "In-place forms: what they keep, and whether they copy x all the same")


def all_operations() -> Table:
    """The whole atlas, as it was measured: the course's expressions and PyTorch's op database."""
    rows = list(atlas.rows(Operation))
    forms = {form.op: form for form in atlas.rows(InPlace) if form.op}
    forms |= {form.twin.removeprefix("x = "): form for form in atlas.rows(InPlace)}
    measured = f"measured on torch {rows[0].torch} for the tensors of each row and the write *= -3"
    more = {"in place": lambda row: _form(forms.get(row.name) or forms.get(row.op))}
    return _operations(rows, f"The op atlas, {measured}", more)


def all_in_place_forms() -> Table:
    """The in-place forms of the whole atlas, as they were measured."""
    rows = list(atlas.rows(InPlace))
    measured = f"measured on torch {rows[0].torch} for the tensors of each row"
    return _forms(rows, f"The atlas of in-place forms, {measured}")


def _operations(rows, title, more=None):
    return Table(
        rows,
        {
            "operation": lambda row: row.name,
            "input": lambda row: row.input,
            "saves it": lambda row: _saved(row.saves_input),
            "saves result": lambda row: _saved(row.saves_result),
            "saves other": lambda row: _saved(row.saves_other),
            "write to input": lambda row: _allowed(row.over_input),
            "gradient after it": lambda row: _right(row.over_input),
            "write to result": lambda row: _allowed(row.over_result),
            "gradient after it ": lambda row: _right(row.over_result),
            **(more or {}),
        },
        title,
        lambda row: (row.over_input, row.over_result),
    )


def _forms(rows, title):
    return Table(
        rows,
        {
            "in place": lambda row: row.name,
            "out of place": lambda row: row.twin,
            "in place keeps": lambda row: row.saves,
            "out of place keeps": lambda row: row.twin_saves,
            "copies x in secret": lambda row: "● copied" if row.clones else "– no copy",
            "gradient": lambda row: row.verdict,
        },
        title,
        lambda row: (row.verdict if row.verdict == RIGHT else "refused",),
    )


def _saved(value):
    return "● saved" if value else "– not saved"


def _form(form):
    if form is None:
        return "– none"
    return "✗ refused" if form.verdict != RIGHT else "copies x" if form.clones else "✓ yes"


def _allowed(verdict):
    if verdict.startswith("raises"):
        return "✗ raises"
    return {"": "", NOTHING: "no gradient"}.get(verdict, "✓ allowed")


def _right(verdict):
    return {
        RIGHT: "✓ right",
        SILENT: "✗ wrong",
        CAUTIOUS: "✓ would be right",
        RAISES: "✗ would be wrong",
    }.get(verdict, "")
