"""`--list`: every write in place by line, with what it broke."""

import textwrap

import pytest
import torch
from torch import nn

from overwritten.doctor.block import Doctor
from overwritten.doctor.listed import list_text, row_dict
from overwritten.doctor.listing import NOBODY, RAISED, SILENT, WAITED, Listing
from overwritten.doctor.report import MOST_LINES
from overwritten.record.private import SHOWS_SAVES

pytestmark = pytest.mark.skipif(not SHOWS_SAVES, reason="this PyTorch does not show what it saves")

ONES = "torch.ones(3, requires_grad=True)"
#: Each line that writes ends with what is to be said of it.
PROGRAMS = {
    "a training step": f"""
        net, x = nn.Linear(3, 1), torch.ones(2, 3)
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        for _ in range(4):
            x.mul_(0.5)  # 4 4 {NOBODY}
            loss = net(x).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()  # 8 8 {NOBODY}
    """,
    "refused": f"""
        y = {ONES}.exp()
        for _ in range(3):
            y += 1  # 3 3 {RAISED}
        try:
            y.sum().backward()
        except RuntimeError:
            pass
    """,
    "refused through another save": f"""
        y = {ONES}.exp()
        z = {ONES}.tanh()
        y += 1  # 1 1 {RAISED}
        z += 1  # 1 1 {RAISED}
        try:
            (y + z).sum().backward()
        except RuntimeError:
            pass
    """,
    "silent": f"""
        y = {ONES}.exp()
        y.data.mul_(2)  # 1 0 {SILENT}
        y.sum().backward()
    """,
    "NumPy": f"""
        y = {ONES}.exp()
        n = y.detach().numpy()
        n += 1  # 1 0 {SILENT}
        y.sum().backward()
    """,
    "no backward came": f"""
        y = {ONES}.exp()
        y += 1  # 1 1 {WAITED}
    """,
    "backward had come": f"""
        y = {ONES}.exp()
        y.sum().backward()
        y.detach().add_(1)  # 1 1 {NOBODY}
    """,
    "saved twice, the second is waited for": f"""
        k = torch.ones(3)
        ({ONES} * k).sum().backward()
        y = {ONES} * k
        k.zero_()  # 1 1 {WAITED}
    """,
}


def rows_of(program):
    """(number of the line, times, ticked, fate) of each row; and the rows."""
    listing = Listing()
    eyes = Doctor(strict=True, listing=listing)
    code = compile(textwrap.dedent(program), "<listed>", "exec")
    with eyes:
        exec(code, {"torch": torch, "nn": nn})
    rows = listing.rows(eyes.all, eyes.silent)
    return {(row.site.line, row.times, row.ticked, row.fate) for row in rows}, rows


@pytest.mark.parametrize("name", list(PROGRAMS))
def test_each_write_is_listed_with_its_fate(name):
    program = textwrap.dedent(PROGRAMS[name])
    said = set()
    for number, line in enumerate(program.split("\n"), 1):
        _, mark, words = line.partition("  # ")
        if mark:
            times, ticked, fate = words.split(" ", 2)
            said.add((number, int(times), int(ticked), fate))
    made = {one for one in rows_of(program)[0] if "Linear(" not in program.split("\n")[one[0] - 1]}
    assert made == said  # a new Linear writes its weights


def test_the_worst_is_first_and_the_saver_named():
    _, rows = rows_of(PROGRAMS["a training step"] + PROGRAMS["no backward came"])
    assert [row.fate for row in rows] == sorted(
        (row.fate for row in rows), key=[WAITED, NOBODY].index
    )
    assert [(op, site.line) for op, site in rows[0].savers] == [("exp", 11)]
    text = list_text(rows)
    assert f"{WAITED}:\n  ×1      add_ at <listed>:12; saved by exp at" in text
    assert row_dict(rows[0])["savers"][0]["op"] == "exp" and row_dict(rows[0])["fate"] == WAITED


def test_a_long_list_is_cut_on_the_screen():
    lines = "\n".join(f"x.add_({k})" for k in range(60))
    _, rows = rows_of(f"x = torch.ones(2)\n{lines}")
    text = list_text(rows).split("\n")
    assert len(rows) == 60 and len(text) == MOST_LINES and text[-1].startswith("and 23 more lines")
    assert list_text([]) == "overwritten --list: nothing was written in place."
