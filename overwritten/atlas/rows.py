"""The op atlas: what PyTorch's operations save and what may be overwritten. Read, not measured.

The idea: every row is a small program and what came of it, written by `make atlas` on the torch
that the row names. `ops.operation(row.name)` runs a row's program again, here and now.
A row speaks for its own tensors (`start`) and for the write `*= -3`, nothing else.
"""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Operation:
    """One operation and one of its inputs: the experiment, then what came of it.

    op: its name in PyTorch's own op database, '' if it is not from there. course: is it one of
    the expressions that lessons 2 and 3 show?
    name: the expression that makes the result y. start: the code before it.
    input: the tensor that is written: 'x', 'w', 'c' …
    saves_input, saves_result, saves_other: does a saved tensor lie in that storage, or in
    neither? over_input, over_result: the verdict (see `trial`) when that tensor gets `*= -3`
    before backward, 'no gradient' where the result has none, '' where PyTorch says in another
    way that there is no derivative.
    """

    torch: str
    op: str
    course: bool
    start: str
    name: str
    input: str
    saves_input: bool
    saves_result: bool
    saves_other: bool
    over_input: str
    over_result: str


@dataclass(frozen=True)
class InPlace:
    """One in-place form. twin: the out-of-place line. saves, twin_saves: what each keeps.

    clones: among that of the form, a copy of x as it was: the memory is taken all the same.
    verdict: its gradients against the twin's; where neither, the error's first words.
    torch, op, course, start: as in `Operation`.
    """

    torch: str
    op: str
    course: bool
    start: str
    name: str
    twin: str
    saves: str
    twin_saves: str
    clones: bool
    verdict: str


@dataclass(frozen=True)
class LeftOut:
    """An entry of PyTorch's op database that has no row, and the reason."""

    torch: str
    op: str
    reason: str


@dataclass(frozen=True)
class NodeClass:
    """A class of autograd's nodes.

    name: as in `ReluBackward0`. results: the outputs that such a node saves, as its attributes are
    called ('result', 'output1', 'Q'), with blanks between. own_input: does it save the input
    `self`? call: the in-place call that is named like it, '' if PyTorch has none.
    """

    torch: str
    name: str
    results: str
    own_input: bool
    call: str


#: Which file holds which rows.
FILES = {
    Operation: "operations.csv",
    InPlace: "in_place.csv",
    LeftOut: "left_out.csv",
    NodeClass: "nodes.csv",
}


@cache
def rows(kind=Operation, folder: Path = FOLDER) -> tuple:
    """All rows of one kind, in the order of the file. Raises ValueError for a file not ours."""
    with open(Path(folder) / FILES[kind], encoding="utf8", newline="") as file:
        table = csv.DictReader(file)
        wanted = [field.name for field in fields(kind)]
        if table.fieldnames != wanted:
            raise ValueError(
                f"{FILES[kind]} has the columns {table.fieldnames}, not {wanted}: run `make atlas`."
            )
        return tuple(kind(**{name: _value(text) for name, text in line.items()}) for line in table)


def write(all_rows: list, kind, folder: Path = FOLDER):
    """Write rows of one kind as `rows` reads them."""
    with open(Path(folder) / FILES[kind], "w", encoding="utf8", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(kind)], lineterminator="\n")
        table.writeheader()
        for row in all_rows:
            table.writerow({name: _text(value) for name, value in asdict(row).items()})


def _text(value) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _value(text):
    return {"yes": True, "no": False}.get(text, text)


def start_of(name: str) -> str | None:
    """The code before the expression or in-place form `name`; None where no row has that name."""
    return _starts().get(name)


@cache
def _starts():
    return {row.name: row.start for kind in (InPlace, Operation) for row in rows(kind)}


def differences(a, b) -> list[tuple[str, str, str, str]]:
    """Where two measurements of the same experiments differ: [(name, what, in a, in b)].

    a, b: rows of one kind, or of both kinds together. Rows that only one side has are told
    as ('there', 'not there'). The versions themselves are not compared.
    """
    a, b = (
        {(type(row), row.name, getattr(row, "input", "")): row for row in rows} for rows in (a, b)
    )
    found = []
    for key in [*a, *(key for key in b if key not in a)]:
        name = f"{key[1]} [{key[2]}]" if key[2] else key[1]
        if key not in a or key not in b:
            here, there = ("there" if key in side else "not there" for side in (a, b))
            found.append((name, "row", here, there))
            continue
        one, other = asdict(a[key]), asdict(b[key])
        for what in one:
            if what not in ("torch", "op", "course", "start") and one[what] != other[what]:
                found.append((name, what, _text(one[what]), _text(other[what])))
    return found
