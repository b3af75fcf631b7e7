"""Every row of the course's own op tables, measured now, against a probe that shares no code with them.

The probe runs the same lines as plain PyTorch, in double precision. The true gradient comes
from finite differences of what the lines compute, write included, so it needs no twin; what a
gradient would be where PyTorch raises, from a write after which the counter is set back.
"""

import re
from collections import Counter
from functools import cache

import pytest
import torch
from torch.nn import functional as F

from overwritten.atlas import rows as atlas
from overwritten.live import ops
from saved import place, saved

OVERWRITTEN = "modified by an inplace operation"
VERDICTS = {
    "raises",
    "right gradient",
    "silently wrong gradient",
    "raises although the gradient would be right",
}


@cache
def operations():
    return ops.operations()


@cache
def in_place_forms():
    return ops.in_place_forms()


def start_of(name):
    """The lines that make a, b, c, x and w, read from the program that learners see."""
    return ops.program(name)["written"].split("\ny = ")[0]


class Plain:
    """Lines run on the tensors of an expression, in double precision, by PyTorch alone."""

    def __init__(self, start, line, result="y", move=None, seed=5):
        self.names = {"torch": torch, "F": F}
        torch.set_default_dtype(torch.float64)
        try:
            torch.manual_seed(seed)
            for one in start.splitlines():
                exec(one, self.names)
                if move and one.startswith(f"{move[0]} ="):
                    self.names[move[0]].view(-1)[move[1]] += move[2]
            exec(line, self.names)
        finally:
            torch.set_default_dtype(torch.float32)
        self.result = result

    def __getitem__(self, name):
        return self.names[name]

    def run(self, write):
        exec(write, self.names)
        return self

    def run_unseen(self, write):
        with torch.autograd._unsafe_preserve_version_counter(self[write.split()[0]]):
            return self.run(write)

    def loss(self):
        y = self[self.result]
        return (y * torch.linspace(0.3, 1.7, y.numel(), dtype=y.dtype).view(y.shape)).sum()

    def gradients(self):
        leaves = [self[leaf] for leaf in ("a", "b") if leaf in self.names]
        found = torch.autograd.grad(self.loss(), leaves, allow_unused=True)
        return torch.cat([torch.zeros(6) if g is None else g.flatten() for g in found])

    def saved(self):
        """{storage: tensor}: all that the nodes back to x and w keep."""
        ends = [self[name].grad_fn for name in ("x", "w") if name in self.names]
        return saved(self[self.result].grad_fn, ends)


@cache
def truth(start, line, write="", result="y"):
    """The gradient by central differences: no backward runs."""
    step, found = 1e-6, []
    for leaf in ("a", "b"):
        if f"\n{leaf} =" in f"\n{start}":
            for i in range(6):
                up, down = (
                    Plain(start, line, result, (leaf, i, sign * step)).run(write).loss().item()
                    for sign in (1, -1)
                )
                found.append((up - down) / (2 * step))
    return torch.tensor(found, dtype=torch.float64)


def right(found, true):
    return torch.allclose(found, true, rtol=1e-4, atol=1e-6)


def judged(name, target):
    """The verdict on overwriting `target` between the operation and backward."""
    start, line = start_of(name), f"y = {name}"
    write = ops.program(name, target)["written"].splitlines()[-2]
    true = truth(start, line, write)
    try:
        return (
            "right gradient"
            if right(Plain(start, line).run(write).gradients(), true)
            else "silently wrong gradient"
        )
    except RuntimeError as error:
        assert OVERWRITTEN in str(error)
    unharmed = right(Plain(start, line).run_unseen(write).gradients(), true)
    return "raises although the gradient would be right" if unharmed else "raises"


@pytest.mark.parametrize("name", ops.expressions())
def test_a_row_of_operations_agrees_with_plain_pytorch(name):
    rows = [row for row in operations().rows if row.name == name]
    assert [row.input for row in rows] == [t for t in "xwc" if re.search(rf"\b{t}\b", name)]
    for row in rows:
        run = Plain(start_of(name), f"y = {name}")
        saved = run.saved()
        assert row.saves_input == (place(run[row.input]) in saved), row
        assert row.saves_result == (place(run["y"]) in saved), row
        assert row.over_input == judged(name, row.input), row
        assert row.over_result == judged(name, "result"), row


def test_the_table_of_operations_is_wide_enough():
    rows = operations().rows
    assert len({row.name for row in rows}) == len(ops.expressions()) >= 40
    seen = Counter(verdict for row in rows for verdict in (row.over_input, row.over_result))
    assert set(seen) == VERDICTS


def test_without_a_write_every_operation_has_its_true_gradient():
    for name in ops.expressions():
        start, line = start_of(name), f"y = {name}"
        assert right(Plain(start, line).gradients(), truth(start, line)), name


def test_the_program_a_learner_sees_is_the_one_that_was_judged():
    for row in operations().rows[::7]:
        codes = ops.program(row.name, row.input)
        assert codes["written"].splitlines()[-2].startswith(f"{row.input} ")
        names = {"torch": torch, "F": F}
        try:
            exec(codes["written"], names)
        except RuntimeError as error:
            assert OVERWRITTEN in str(error) and row.over_input.startswith("raises")
        else:
            assert not row.over_input.startswith("raises")


def forms():
    return [(row.name, row.twin) for row in atlas.rows(atlas.InPlace) if row.course]


def clones_made(start, line, grad):
    """How often PyTorch itself calls `clone` while one line runs, as its profiler sees it."""
    names = {"torch": torch, "F": F}
    exec(start, names)
    names["x"] = names["x"] if grad else names["x"].detach()
    with torch.set_grad_enabled(grad), torch.autograd.profiler.profile() as profile:
        exec(line, names)
    return sum(event.name == "aten::clone" for event in profile.function_events)


def is_kept(start, name, target):
    """Does a write to `target` after the in-place form make backward raise?"""
    run = Plain(start, name, result="x")
    run.run(f"{target}[...] = 0")
    try:
        run.gradients()
    except RuntimeError as error:
        return OVERWRITTEN in str(error)
    return False


@pytest.mark.parametrize("name, twin", forms(), ids=[name for name, _ in forms()])
def test_a_row_of_in_place_forms_agrees_with_plain_pytorch(name, twin):
    (row,) = [row for row in in_place_forms().rows if row.name == name]
    start, kept = row.start, row.saves.split(", ")
    assert row.twin == twin
    assert (
        row.clones
        == ("a copy of x" in kept)
        == bool(clones_made(start, name, True) - clones_made(start, name, False))
    )
    if row.verdict in VERDICTS:
        given = [t for t in ("w", "c", "mask", "order") if re.search(rf"\b{t}\b", name)]
        found = [t for t in given if is_kept(start, name, t)]
        assert found == [t for t in given if t in kept]
        assert is_kept(start, name, "x") == ("its result (x itself)" in kept)
        noisy = not torch.equal(Plain(start, name)["x"], Plain(start, name, seed=6)["x"])
        assert (
            noisy == bool({"a mask", "its factors of x"} & set(kept))
            and "a tensor of its own" not in kept
        )
        assert (row.saves == "nothing") == (
            not found and not row.clones and not noisy and not is_kept(start, name, "x")
        )


@pytest.mark.parametrize("name, twin", forms(), ids=[name for name, _ in forms()])
def test_what_the_out_of_place_line_keeps_agrees_with_its_nodes(name, twin):
    """No pack hook: the nodes' own attributes (Python numbers apart), and the factors from a gradient."""
    (row,) = [row for row in in_place_forms().rows if row.name == name]
    expression, told = twin.removeprefix("x = "), set(row.twin_saves.split(", "))
    run = Plain(row.start, f"y = {expression}")
    saved = run.saved()
    by_place = {place(run[t]): t for t in ("x", "w", "c", "mask", "order") if t in run.names} | {
        place(run["y"]): "its result"
    }
    found = {by_place.get(one, "another") for one, tensor in saved.items() if tensor.dim()} or {
        "nothing"
    }
    others = told & {"a mask", "its factors of x"}
    assert found == told - others | ({"another"} if others else set())
    if others:
        (factors,) = torch.autograd.grad(run["y"].sum(), run["x"])
        assert torch.equal(run["x"] * factors, run["y"])
        assert others == {"a mask" if len(factors.unique()) <= 2 else "its factors of x"}


def test_where_in_place_pays_is_read_off_two_columns():
    """It needs no room of its own where its result takes the place of a kept x."""
    for row in in_place_forms().rows:
        kept, other = row.saves.split(", "), row.twin_saves.split(", ")
        assert row.clones <= ("x" in other), row
        assert row.clones or ("x" not in other) or "its result (x itself)" in kept, row


@pytest.mark.parametrize("name, twin", forms(), ids=[name for name, _ in forms()])
def test_the_gradient_of_an_in_place_form_is_the_one_its_row_tells(name, twin):
    (row,) = [row for row in in_place_forms().rows if row.name == name]
    start = row.start
    true = truth(start, twin, result="x")
    form, other = Plain(start, name, result="x"), Plain(start, twin, result="x")
    assert torch.equal(form["x"], other["x"]) and right(other.gradients(), true)
    try:
        verdict = "right gradient" if right(form.gradients(), true) else "silently wrong gradient"
    except RuntimeError as error:
        assert row.verdict not in VERDICTS and str(error).startswith(row.verdict)
    else:
        assert row.verdict == verdict


def test_the_in_place_forms_include_copies_and_refusals():
    rows = in_place_forms().rows
    assert sum(row.clones for row in rows) >= 10 <= sum(row.saves == "nothing" for row in rows)
    assert any(row.verdict not in VERDICTS for row in rows)


def test_measuring_leaves_the_random_state_and_the_dtype_alone():
    state = torch.get_rng_state()
    ops.operation("F.dropout(x)")
    with torch.no_grad():
        assert ops.operation("x.exp()").over_result == "raises"
    assert torch.equal(torch.get_rng_state(), state) and torch.get_default_dtype() is torch.float32


def test_a_table_is_chosen_by_what_the_writes_end_with():
    table = ops.all_operations()
    assert set(table.menu) == VERDICTS | {"no gradient"}
    for verdict in table.menu:
        found = table.find(verdict=verdict)
        assert found == [r for r in table.rows if verdict in (r.over_input, r.over_result)] != []
    silent = table.find(verdict="silently wrong gradient")
    assert {row.name for row in silent} >= {"torch.kron(x, w)"} and len(silent) < 10
    forms = ops.all_in_place_forms()
    assert forms.menu == ["right gradient", "refused"]
    assert all(row.verdict not in VERDICTS for row in forms.find(verdict="refused"))


def test_what_is_saved_is_said_in_words_that_praise_nothing():
    for table, told in ((ops.all_operations(), "saved"), (ops.all_in_place_forms(), "cop")):
        names = list(table.columns)
        for name in names:
            if name.startswith(("saves", "copies")):
                cells = {cells[names.index(name)] for cells in table.cells}
                assert all(told in cell and "✓" not in cell for cell in cells), cells


@pytest.mark.parametrize("width, fits", [(900, True), (390, False)])
def test_the_widest_table_shows_all_its_columns_or_says_where_they_are(blank, width, fits):
    page = blank(width=width)
    page.set_content(f"<!doctype html>{ops.all_operations().html()}")
    box, hint = page.locator(".scroll"), page.get_by_text("more columns")
    assert box.evaluate("e => e.scrollWidth <= e.clientWidth") == fits
    page.wait_for_function(
        "([e, hidden]) => e.hidden === hidden", arg=[hint.element_handle(), fits]
    )
