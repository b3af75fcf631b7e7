"""The site's page of the op atlas: its tables, to search and to filter by verdict."""

from __future__ import annotations

from overwritten.atlas import rows as atlas
from overwritten.live import ops
from overwritten.live.table import Table
from site_page import WIDE, Page, raw


def pages() -> dict[str, Page]:
    """{'atlas': Page}"""
    rows, forms, out = map(atlas.rows, (atlas.Operation, atlas.InPlace, atlas.LeftOut))
    columns = {"operation": lambda row: row.op, "why": lambda row: row.reason}
    torch = rows[0].torch
    text = [
        WIDE + "# The op atlas\n",
        f"Which tensors does an operation save for backward, and what happens when one of them is "
        f"overwritten? {len(rows)} rows, an operation and one of its inputs each, and {len(forms)} "
        f"in-place forms, measured on torch {torch}: the course's own expressions and the samples "
        "of PyTorch's op database. A row speaks for its own tensors and for the write `*= -3`.\n",
        "Type an operation's name, or choose a verdict. In a lesson, "
        "`ops.operation(name, input)` runs a row's program again.\n",
        "## Operations: what they save, what may be overwritten\n",
        raw(ops.all_operations().html()),
        "## In-place forms: what they keep\n",
        raw(ops.all_in_place_forms().html()),
        f"## Left out\n\n{len(out)} entries of PyTorch's op database have no row.\n",
        raw(Table(list(out), columns, "Entries of the op database without a row, and why").html()),
    ]
    about = (
        "Does ReLU, sigmoid, exp, mul or conv2d save its input or its output for backward? "
        f"Which in-place write raises? {len(rows)} measured rows, to search."
    )
    title = "Which PyTorch operations save their input or output for backward"
    return {"atlas": Page(title, about, "\n".join(text))}
