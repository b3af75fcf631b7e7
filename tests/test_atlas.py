"""The committed atlas against a probe that shares no code with the one that wrote it.

The probe is plain PyTorch. What is saved, the graph's own nodes tell. The true gradient needs no
twin program: a write after the operation changes nothing in the derivative of what was computed;
only a write into the result, or into what the result looks at, makes it -3 times as large.
"""

import os
import random
import re
import sys
from dataclasses import asdict, replace

import pytest
import torch
from torch.nn import functional as F

from conftest import ROOT
from overwritten.atlas import measure
from overwritten.atlas import rows as atlas
from overwritten.atlas.rows import InPlace, LeftOut, NodeClass, Operation
from overwritten.live import ops
from saved import place, saved

OVERWRITTEN = "modified by an inplace operation"
WRITTEN_BY = {row.torch for kind in (Operation, InPlace) for row in atlas.rows(kind)}
#: Writes that PyTorch does not accept at all, whatever was saved.
REFUSED = re.compile("single memory location|is a view and (is being|its base)")
(WROTE,) = WRITTEN_BY
HALF = torch.half, torch.bfloat16, torch.complex32
#: All rows of a small release agree; between releases some differ.
THIS_TORCH = pytest.mark.skipif(
    {version.rpartition(".")[0] for version in WRITTEN_BY}
    != {torch.__version__.rpartition(".")[0]},
    reason=f"the atlas was written by torch {', '.join(WRITTEN_BY)}, this is {torch.__version__}: compare with tools/atlas.py --again",
)
#: The draw's name; all workers of one run must draw the same rows.
DRAW = (
    os.environ.get("OVERWRITTEN_DRAW")
    or os.environ.get("PYTEST_XDIST_TESTRUNUID", "")[:6]
    or str(random.randrange(10**6))
)
HOW_MANY = int(os.environ.get("OVERWRITTEN_ROWS", 50))


def drawn(kind):
    """The share of the rows drawn at random, another draw in every run."""
    both = [row for one in (Operation, InPlace) for row in atlas.rows(one)]
    return [
        row
        for row in random.Random(DRAW).sample(both, min(HOW_MANY, len(both)))
        if isinstance(row, kind)
    ]


def fresh(row, *lines):
    """The row's tensors, and what the lines then make."""
    names = {"torch": torch, "F": F}
    torch.manual_seed(0)
    for line in (row.start, *lines):
        exec(line, names)
    return names


def gradient(names, y):
    """By each leaf, with weights that are all different, as one row of numbers."""
    leaves = [
        t for t in names.values() if isinstance(t, torch.Tensor) and t.is_leaf and t.requires_grad
    ]
    weights = torch.linspace(0.3, 1.7, y.numel()).reshape(y.shape).to(y.dtype)
    found = torch.autograd.grad(y, leaves, weights, allow_unused=True)
    return torch.cat(
        [
            torch.zeros(t.numel(), dtype=t.dtype) if g is None else g.flatten()
            for t, g in zip(leaves, found)
        ]
    )


def same(one, other, rounding=1e-5):
    return torch.allclose(
        one,
        other,
        rtol=rounding,
        atol=rounding * max(1, other.detach().abs().max().item()),
        equal_nan=True,
    )


def kept(names, y):
    """{storage: tensor}: what the nodes between y and its inputs keep."""
    tensors = [one for one in names.values() if isinstance(one, torch.Tensor) and one is not y]
    return saved(y.grad_fn, [tensor.grad_fn for tensor in tensors])


def judged(row, target):
    """The verdict on `target *= -3` between the operation and backward."""
    line = f"y = {row.name}"
    names = fresh(row, line)
    if not names["y"].requires_grad:
        return "no gradient"
    true = gradient(names, names["y"])
    if place(names[target]) == place(names["y"]):
        true = true * -3
    rounding = 1e-2 if names["y"].dtype in HALF else 1e-5
    names = fresh(row, line)
    try:
        names[target].mul_(-3)
        return (
            "right gradient"
            if same(gradient(names, names["y"]), true, rounding)
            else "silently wrong gradient"
        )
    except RuntimeError as error:
        if REFUSED.search(str(error)):
            return "raises"
        assert OVERWRITTEN in str(error)
    names = fresh(row, line)
    with torch.autograd._unsafe_preserve_version_counter(names[target]):
        names[target].mul_(-3)
    unharmed = same(gradient(names, names["y"]), true, rounding)
    return "raises although the gradient would be right" if unharmed else "raises"


@THIS_TORCH
@pytest.mark.parametrize(
    "row", drawn(Operation), ids=lambda row: f"{row.name}-{row.input}-draw{DRAW}"
)
def test_a_drawn_operation_agrees_with_plain_pytorch(row):
    names = fresh(row, f"y = {row.name}")
    y, x = names["y"], names[row.input]
    found = kept(names, y)
    assert row.saves_input == (place(x) in found)
    assert row.saves_result == (place(y) in found)
    others = [tensor.dim() for one, tensor in found.items() if one not in (place(x), place(y))]
    assert (
        others if row.saves_other else not any(others)
    )  # a Python number is kept as a tensor without dimensions
    assert row.over_input == judged(row, row.input)
    assert row.over_result == judged(row, "y")


def clones(row, grad):
    """How often PyTorch itself copies a tensor while the form runs, as its profiler sees it."""
    names = fresh(row)
    if not grad:
        names |= {n: t.detach() for n, t in names.items() if isinstance(t, torch.Tensor)}
    with torch.set_grad_enabled(grad), torch.autograd.profiler.profile() as profile:
        exec(row.name, names)
    return sum(event.name == "aten::clone" for event in profile.function_events)


def is_kept(row, name):
    """Does a write to that tensor after the in-place form make backward raise?"""
    names = fresh(row, row.name)
    with torch.no_grad():
        names[name].copy_(names[name].clone())
    try:
        gradient(names, names["x"])
    except RuntimeError as error:
        return OVERWRITTEN in str(error)
    return False


@THIS_TORCH
@pytest.mark.parametrize("row", drawn(InPlace), ids=lambda row: f"{row.name}-draw{DRAW}")
def test_a_drawn_in_place_form_agrees_with_plain_pytorch(row):
    other = fresh(row, row.twin)
    try:
        names = fresh(row, row.name)
        assert same(names["x"], other["x"])
        found = gradient(names, names["x"])
    except RuntimeError as error:
        assert row.verdict and str(error).startswith(row.verdict)
        return
    assert row.clones == (clones(row, True) > clones(row, False))
    assert row.verdict == (
        "right gradient" if same(found, gradient(other, other["x"])) else "silently wrong gradient"
    )
    told = set(row.saves.split(", "))
    assert ("its result (x itself)" in told) == is_kept(row, "x")
    for name in set(names) & set(re.findall(r"\w+", row.name)) - {"x", "F", "torch"}:
        assert (name in told) == is_kept(row, name), name


def test_the_atlas_covers_pytorchs_op_database():
    entries = {row.op for row in atlas.rows(Operation) if row.op}
    operations = {op.split()[0] for op in entries}  # without the name of a variant
    assert len(entries) >= 600 and len(operations) >= 500
    assert (
        len({row.op for row in atlas.rows(Operation) if row.op and row.over_input != "no gradient"})
        >= 500
    )
    assert len(atlas.rows(InPlace)) >= 140
    left = {row.op: row.reason for row in atlas.rows(LeftOut)}
    assert not entries & set(left) and all(left.values())


def test_each_row_says_which_torch_wrote_it():
    assert len(WRITTEN_BY) == 1 and re.fullmatch(r"2\.\d+\.\d+(\+\w+)?", WRITTEN_BY.pop())


def test_names_are_unique_so_that_a_row_can_be_run_again():
    for kind in (Operation, InPlace):
        starts = {}
        for row in atlas.rows(kind):
            assert starts.setdefault(row.name, row.start) == row.start
        keys = [(row.name, getattr(row, "input", "")) for row in atlas.rows(kind)]
        assert len(keys) == len(set(keys))


@THIS_TORCH
@pytest.mark.parametrize(
    "name, given",
    [
        ("torch.sigmoid(x)", "x"),
        ("F.pixel_shuffle(x, upscale_factor=1)", "x"),
        ("torch.kron(x, w)", "w"),
    ],
)
def test_a_learner_can_run_a_row_again(name, given):
    (row,) = [row for row in atlas.rows(Operation) if (row.name, row.input) == (name, given)]
    again = ops.operation(name, given)
    assert atlas.differences([again], [row]) == [] and again.start == row.start


@THIS_TORCH
def test_an_in_place_form_can_be_run_again():
    (row,) = [row for row in atlas.rows(InPlace) if row.name == "x.atan_()"]
    assert atlas.differences([ops.in_place_form("x.atan_()")], [row]) == []
    with pytest.raises(ValueError, match="give its out-of-place line too"):
        ops.in_place_form("x.no_such_()")


def test_the_table_of_the_whole_atlas_has_every_row_and_names_its_torch():
    table = ops.all_operations()
    assert (
        table.rows == list(atlas.rows(Operation))
        and table.rows[0].torch in table.title
        and "*= -3" in table.title
    )
    found = table.find("grid_sample")
    assert found and all("grid_sample" in row.name for row in found)
    told = {row.name: cells[-1] for row, cells in zip(table.rows, table.cells)}
    wanted = {
        "torch.sin(x)": "copies x",
        "torch.tan(x)": "✓ yes",
        "torch.acosh(x)": "✗ refused",
        "torch.std(x)": "– none",
    }
    assert {name: told.get(name) for name in wanted} == wanted
    assert len(ops.all_in_place_forms().rows) == len(atlas.rows(InPlace))


def test_differences_name_what_changed():
    one, two, *_ = atlas.rows(Operation)
    changed = replace(two, saves_input=not two.saves_input, torch="9.9")
    told = "yes" if two.saves_input else "no", "no" if two.saves_input else "yes"
    assert atlas.differences([one, two], [one, changed]) == [
        (f"{two.name} [{two.input}]", "saves_input", *told)
    ]
    assert atlas.differences([one], [one, two]) == [
        (f"{two.name} [{two.input}]", "row", "not there", "there")
    ]
    assert atlas.differences([one, two], [replace(one, torch="9.9"), two]) == []


def test_rows_are_read_as_they_were_written(tmp_path):
    for kind in atlas.FILES:
        atlas.write(atlas.rows(kind), kind, tmp_path)
        assert (tmp_path / atlas.FILES[kind]).read_bytes() == (
            atlas.FOLDER / atlas.FILES[kind]
        ).read_bytes()
        assert atlas.rows(kind, tmp_path) == atlas.rows(kind)
    (tmp_path / atlas.FILES[LeftOut]).write_text("op,why\n")
    atlas.rows.cache_clear()
    with pytest.raises(ValueError, match="run `make atlas`"):
        atlas.rows(LeftOut, tmp_path)


@pytest.fixture
def tool(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    sys.modules.pop("atlas", None)
    import atlas as tool

    yield tool
    del sys.modules["atlas"]


def test_the_tool_gives_up_on_what_hangs_or_dies(tool, monkeypatch):
    import time

    monkeypatch.setattr(tool, "LIMIT", 2)
    good = LeftOut("", "good", "")
    jobs = [
        (lambda: [good], "good"),
        (lambda: time.sleep(60), "slow"),
        (lambda: os._exit(3), "dead"),
        (lambda: 1 / 0, "wrong"),
        (lambda: [good], "good"),
    ]
    first, slow, dead, wrong, last = tool.measured(jobs)
    assert first == last == good
    assert (slow.op, slow.reason) == ("slow", "it takes more than 2 s") and (
        dead.op,
        dead.reason,
    ) == ("dead", "it ends the process")
    assert wrong.op == "wrong" and "ZeroDivisionError" in wrong.reason


@THIS_TORCH
def test_the_table_of_nodes_is_what_the_installed_torch_has():
    here = measure.node_classes()
    assert [*atlas.rows(NodeClass)] == [replace(one, torch=WROTE) for one in here]
    assert len(here) > 500


@pytest.mark.parametrize(
    "code",
    "x.relu() x.sigmoid() x.exp() F.elu_(x) F.elu(x) x.sqrt() F.softmax(x,0) x.sin() x.abs() x*x".split(),
)
def test_the_table_of_nodes_says_which_results_are_saved(code):
    """Plain PyTorch: does a tensor that the node saves lie where its result lies?"""
    x = (torch.rand(3) + 0.5).requires_grad_() * 1
    before = x.grad_fn
    y = eval(code, {"F": F, "x": x})
    (row,) = [one for one in atlas.rows(NodeClass) if one.name == type(y.grad_fn).__name__]
    assert bool(row.results) == (place(y) in saved(y.grad_fn, [before]))


@THIS_TORCH
def test_the_tool_writes_the_courses_rows_as_they_are_committed(tool):
    jobs = random.Random(DRAW).sample(tool.course(), 6)
    committed = [row for kind in (Operation, InPlace) for row in atlas.rows(kind)]
    for job in jobs:
        for row in tool.measured_course(*job):
            assert asdict(row) in [asdict(one) | {"op": ""} for one in committed], (job, DRAW)


def test_every_course_expression_of_the_tool_has_its_row(tool):
    names = {name for name, _ in tool.course()}
    assert names == {
        row.name for kind in (Operation, InPlace) for row in atlas.rows(kind) if row.course
    }


def test_the_tool_prints_what_differs_between_two_measurements(tool, tmp_path, capsys):
    for kind in atlas.FILES:
        rows = list(atlas.rows(kind))
        if kind is InPlace:
            rows[0] = replace(rows[0], clones=not rows[0].clones, torch="9.9")
        atlas.write(rows, kind, tmp_path)
    assert tool.main(["--compare", str(tmp_path)]) == 0
    printed = capsys.readouterr().out.splitlines()
    (row,) = printed[2:]
    assert f"`{atlas.rows(InPlace)[0].name}`" in row and "clones" in row
