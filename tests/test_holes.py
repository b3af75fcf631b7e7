"""Holes of PyTorch's check: what `--strict` finds of them, and that they are still there.

Two patterns do in one process what DistributedDataParallel and compiled code do; here they are
compared with the real ones. The reports in `upstream/` have a program each.
"""

import re
import runpy
import shutil
import subprocess
import sys

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from conftest import ROOT
from overwritten.cases.patterns import EVERY, HEAD
from overwritten.lesson.shows.cards import cards
from overwritten.lesson.shows.guide import pattern, strictly
from overwritten.record.private import SHOWS_SAVES

SILENT = [one for one in EVERY if one.group == "silent"]
UPSTREAM = ROOT / "upstream"
REPORTS = sorted(path.stem for path in UPSTREAM.glob("*.py"))


@pytest.mark.skipif(not SHOWS_SAVES, reason="this PyTorch does not show what it saves")
@pytest.mark.parametrize("one", SILENT, ids=lambda one: one.name)
def test_strict_mode_names_the_marked_lines_and_the_card_says_so(one):
    lines = one.trigger.split("\n")
    saved, *wrote = (
        f"`{lines[n - 1].partition('  # ')[0].strip()}`"
        for n in one.marked("saver") + one.marked("writer")
    )
    assert wrote and strictly(one) == f"{saved} saved, {' and '.join(wrote)} wrote over it"
    assert f"Strict mode: {strictly(one)}" in str(cards(one.name))
    assert "<strong>Strict mode:</strong>" in cards(one.name).html()


def test_a_card_of_a_pattern_that_raises_says_nothing_of_strict_mode():
    assert "Strict mode" not in str(cards("relu twice")) + cards("relu twice").html()


# The reports


def test_every_report_is_whole_and_listed():
    page = (UPSTREAM / "README.md").read_text("utf8")
    assert set(REPORTS) == set(re.findall(r"\((\w+)\.md\)", page)) and len(REPORTS) >= 5
    for name in REPORTS:
        report = (UPSTREAM / f"{name}.md").read_text("utf8")
        assert report.startswith("# ") and f"({name}.py)" in report
        for part in ("Measured on", "Expected.", "Actual.", "What to change."):
            assert f"**{part}**" in report


@pytest.mark.parametrize("name", REPORTS)
def test_a_reported_hole_is_still_there(name):
    ran = runpy.run_path(str(UPSTREAM / f"{name}.py"))
    assert not torch.allclose(ran["got"], ran["right"]), (
        f"torch {torch.__version__} has mended it: say so in upstream/{name}.md"
    )


# Two processes, and a compiler

DDP = """
import sys, torch
import torch.distributed as dist, torch.multiprocessing as mp
from torch import nn

class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(2))
        self.register_buffer("scale", torch.ones(2))
    def forward(self, x):
        return x * self.w * self.scale

def run(rank, folder, sync):
    dist.init_process_group("gloo", init_method=f"file://{folder}/{sync}", rank=rank, world_size=2)
    net = Scaled()
    ddp = nn.parallel.DistributedDataParallel(net, broadcast_buffers=sync)
    out, before = ddp(torch.ones(2)), net.scale._version
    if rank == 0:
        net.scale.fill_(100.0)
    ddp(torch.ones(2))
    if rank == 1:
        try:
            (grad,) = torch.autograd.grad(out.sum(), net.w)
            print(sync, grad.tolist(), net.scale._version - before)
        except RuntimeError as error:
            print(sync, "raises", net.scale._version - before)
    dist.barrier()
    dist.destroy_process_group()

if __name__ == "__main__":
    for sync in (True, False):
        mp.spawn(run, args=(sys.argv[1], sync), nprocs=2)
"""


def _ran(path, text, *arguments):
    path.write_text(text)
    done = subprocess.run([sys.executable, path, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if not line.startswith("[Gloo]")]


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch without distributed")
def test_ddp_syncs_a_buffer_as_the_pattern_does(tmp_path):
    synced, alone = _ran(tmp_path / "ddp.py", DDP, str(tmp_path))
    version = tuple(map(int, torch.__version__.split(".")[:2]))
    assert synced == ("True [100.0, 100.0] 0" if version >= (2, 12) else "True raises 1")
    assert alone == "False [1.0, 1.0] 0", "the cure"


COMPILED = f"""{HEAD}
batch = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
for backend in ("aot_eager", "inductor"):
    w = torch.ones(2, 2, requires_grad=True)
    rows = batch.clone()
    y = torch.compile(lambda x, w: x @ w, backend=backend)(rows, w)
    rows.add_(1)
    try:
        y.sum().backward()
        print(backend, w.grad.tolist())
    except RuntimeError as error:
        print(backend, "raises", "modified by an inplace operation" in str(error))
"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="inductor needs a C++ compiler")
def test_compiled_code_loses_the_check_as_the_pattern_does(tmp_path):
    names = {}
    exec(f"{HEAD}\n{pattern('batch refilled after a compiled forward').trigger}", names)
    eager, inductor = _ran(tmp_path / "compiled.py", COMPILED)
    assert eager == "aot_eager raises True"
    assert inductor == f"inductor {names['w'].grad.tolist()}"


@pytest.mark.parametrize("reentrant", [False, True])
def test_a_checkpoints_argument_is_checked_and_what_it_reads_besides_is_not(reentrant):
    def gradient(write):
        x, w = torch.ones(2, requires_grad=True), torch.ones(2)
        given = x * 2
        y = checkpoint(lambda t: t * t * w, given, use_reentrant=reentrant)
        with torch.no_grad():
            if write:
                {"given": given, "w": w}[write].mul_(3)
        y.sum().backward()
        return x.grad.tolist()

    assert gradient("") == [8, 8]
    with pytest.raises(RuntimeError, match="at version 1; expected version 0"):
        gradient("given")
    assert gradient("w") == [24, 24]
