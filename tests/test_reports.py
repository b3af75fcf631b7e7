"""Each kind of program that people reported, in a few lines: run plain and watched, the same; and
both lines are named. `# saver` and `# writer` mark what the doctor must name."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import textwrap
import traceback

import pytest
import torch

from conftest import PATIENCE
from overwritten.doctor.block import Doctor

HEAD = """
import sys, threading, torch
from concurrent.futures import ThreadPoolExecutor
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
x = torch.linspace(0.1, 0.9, 4).requires_grad_()
"""

KINDS = {
    "LBFGS, forward outside the closure": """
        net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
        opt = torch.optim.LBFGS(net.parameters(), max_iter=3)
        loss = net(x).square().sum()  # saver
        def closure():
            opt.zero_grad()
            loss.backward(retain_graph=True)
            return loss
        opt.step(closure)  # writer
    """,
    "one optimizer steps before the other's backward": """
        critic = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
        opt = torch.optim.AdamW(critic.parameters())
        judged = critic(x * 2)  # saver
        critic(x.detach()).sum().backward()
        opt.step()  # writer
        judged.sum().backward()
    """,
    "an optimizer of one's own": """
        class Sign(torch.optim.Optimizer):
            def __init__(self, params):
                super().__init__(params, {})
            @torch.no_grad()
            def step(self):
                for p in self.param_groups[0]["params"]:
                    p.add_(p.grad.sign(), alpha=-0.1)  # writer
        net = nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 1))
        opt = Sign(net.parameters())
        out = net(x)  # saver
        out.sum().backward(retain_graph=True)
        opt.step()
        out.sum().backward()
    """,
    "GradScaler steps": """
        net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
        opt, scaler = torch.optim.SGD(net.parameters(), 0.1), torch.amp.GradScaler("cpu")
        out = net(x)  # saver
        scaler.scale(out.sum()).backward(retain_graph=True)
        scaler.step(opt)  # writer
        scaler.scale(out.sum()).backward()
    """,
    "a gradient that a second backward adds to": """
        w = torch.ones(4, requires_grad=True)
        (w * w).sum().backward()
        penalty = (w.grad * x).sum()  # saver
        (w * 3).sum().backward()  # writer
        penalty.backward()
    """,
    "a gradient that is clipped": """
        w = torch.ones(4, requires_grad=True)
        (w ** 3).sum().backward(create_graph=True)
        penalty = w.grad.square().sum()  # saver
        torch.nn.utils.clip_grad_norm_([w], 0.1)  # writer
        penalty.backward()
    """,
    "two kinds of writers": """
        w = nn.Parameter(torch.eye(4))
        w.grad = torch.ones(4, 4)
        y = x @ w  # saver
        torch.optim.SGD([w], 0.1).step()  # writer
        with torch.no_grad():
            w.clamp_(-1, 1)  # writer
        y.sum().backward()
    """,
    "through views": """
        h = x * 2
        y = h.square()  # saver
        h.view(2, 2)[0][1:] = 1  # writer
        h.view(2, 2).t().mul_(2)  # writer
        y.sum().backward()
    """,
    "out=": """
        values, places = torch.topk(torch.ones(4), 1)
        y = x.gather(0, places)  # saver
        torch.topk(torch.arange(4.0), 1, out=(values, places))  # writer
        y.sum().backward()
    """,
    "a running average of weights": """
        from torch.optim.swa_utils import AveragedModel
        net = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
        mean = AveragedModel(net)
        mean.update_parameters(net)
        y = mean(x)  # saver
        mean.update_parameters(net)  # writer
        y.sum().backward()
    """,
    "a generator that writes its input": """
        def attack(a):
            loss = (a * x).sum()  # saver
            while True:
                yield loss
                a.add_(0.1).clamp_(0, 1)  # writer
        losses = attack(torch.ones(4))
        next(losses).backward(retain_graph=True)
        next(losses).backward()
    """,
    "torch.func: weights written after grad": """
        w = torch.ones(4, requires_grad=True) * 1
        gradient = torch.func.grad(lambda w: (w * w).sum())(w.detach())
        outer = (w * w).sum()  # saver
        w.detach().sub_(gradient)  # writer
        outer.backward()
    """,
    "torch.func: inside grad": """
        def loss(t):
            y = t.exp()  # saver
            y.mul_(2)  # writer
            return y.sum()
        torch.func.grad(loss)(x.detach())
    """,
    "vmap closes over what is written": """
        w = x * 1
        rows = torch.ones(3, 4, requires_grad=True)
        y = torch.func.vmap(lambda row: (row * w).sum())(rows)  # saver
        w.mul_(2)  # writer
        y.sum().backward()
    """,
    "a checkpoint's input": """
        h = x * 2
        def part(t):
            return t.exp() * t
        y = checkpoint(part, h, use_reentrant=False)  # saver
        h.mul_(2)  # writer
        y.sum().backward()
    """,
    "a save that CopySlices hides": """
        buffer, scale = torch.zeros(4), x[:2].sigmoid()
        buffer[:2] = x[2:]
        buffer[:2].mul_(scale)  # saver
        scale.add_(1)  # writer
        buffer.sum().backward()
    """,
    "a custom Function": """
        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, a):
                b = a * a
                ctx.save_for_backward(a, b)
                return b
            @staticmethod
            def backward(ctx, gradient):
                a, b = ctx.saved_tensors
                return 2 * a * gradient
        y = Square.apply(x)  # saver
        y.add_(1)  # writer
        y.sum().backward()
    """,
    "a Function marks its input dirty": """
        class Double(torch.autograd.Function):
            @staticmethod
            def forward(ctx, a):
                ctx.mark_dirty(a)
                a.mul_(2)  # writer
                return a
            @staticmethod
            def backward(ctx, gradient):
                return gradient * 2
        h = (x * 2).exp()  # saver
        Double.apply(h).sum().backward()  # writer
    """,
    "bfloat16": """
        y = x.bfloat16().sigmoid()  # saver
        y -= 0.5  # writer
        y.sum().backward()
    """,
    "a mask": """
        mask = x > 0.5
        y = x.masked_fill(mask, 0.0)  # saver
        mask[0] = True  # writer
        y.sum().backward()
    """,
    "raise from": """
        y = x.exp()  # saver
        y.add_(1)  # writer
        try:
            y.sum().backward()
        except RuntimeError as error:
            raise ValueError("step 3") from error
    """,
    "raise from None": """
        y = x.exp()  # saver
        y.add_(1)  # writer
        try:
            y.sum().backward()
        except RuntimeError:
            raise ValueError("step 3") from None
    """,
    "caught and skipped": """
        for step in range(2):
            y = x.exp()  # saver
            try:
                if step:
                    y.add_(1)  # writer
                y.sum().backward()
            except RuntimeError as error:
                print("skipped", step, error)
    """,
    "the thread's class overrides run": """
        class Worker(threading.Thread):
            def run(self):
                try:
                    y = x.exp()  # saver
                    y.add_(1)  # writer
                    y.sum().backward()
                except RuntimeError as error:
                    self.error = error
        worker = Worker()
        worker.start()
        worker.join()
        raise worker.error
    """,
    "a pool of threads": """
        y = x.exp()  # saver
        def write():
            y.detach().mul_(2)  # writer
        with ThreadPoolExecutor(1) as pool:
            pool.submit(write).result()
            pool.submit(lambda: y.sum().backward()).result()
    """,
    "async def": """
        import asyncio
        async def train():
            y = x.exp()  # saver
            await asyncio.sleep(0)
            y.add_(1)  # writer
            y.sum().backward()
        turns = train()  # by hand: a browser's loop may run in this thread already
        turns.send(None)
        turns.send(None)
    """,
    "a decorated class method": """
        import functools
        def noted(function):
            @functools.wraps(function)
            def wrapper(*args):
                return function(*args)
            return wrapper
        class Trainer:
            @classmethod
            @noted
            def step(cls, t):
                y = torch.sqrt(t)  # saver
                torch.Tensor.mul_(y, 2)  # writer
                y.sum().backward()
        Trainer.step(x)
    """,
    "300 writes": """
        h = x.sigmoid()  # saver
        for _ in range(300):
            h.add_(1)  # writer
        h.sum().backward()
    """,
}
#: These have no overwritten save: only nothing may change.
NEUTRAL = {
    "detach_ on a view of several": """
        a, b = (x * 1).view(2, 2).unbind(0)
        a.detach_()
    """,
    "detach_ on a state that was saved": """
        h = x * 3
        y = h.pow(2)
        h.detach_()
        y.sum().backward()
    """,
    ".data of a non-leaf": """
        h = x * 3
        y = h.pow(2)
        h.data = torch.zeros(4)
        y.sum().backward()
        print(x.grad)
    """,
    "nested and sparse": """
        n = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], requires_grad=True)
        (n * 2).to_padded_tensor(0.0).sum().backward()
        w = torch.eye(4).to_sparse_csr()
        print(n.grad, (w @ x.view(4, 1)).sum())
    """,
    "attributes and identity of what a Function saves": """
        class Keep(torch.autograd.Function):
            @staticmethod
            def forward(ctx, a):
                a.scale, ctx.known = 2, id(a)
                ctx.save_for_backward(a)
                return a * 2
            @staticmethod
            def backward(ctx, gradient):
                a, = ctx.saved_tensors
                print(a.scale, id(a) == ctx.known, a.is_leaf, a._version)
                return gradient * 2
        Keep.apply(x * 1).sum().backward()
    """,
    "a hook on a module whose output is written": """
        net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True))
        net[0].register_full_backward_hook(lambda *args: None)
        net(x).sum().backward()
    """,
    "an error of a function of PyTorch, in a module": """
        class Loss(nn.Module):
            def forward(self, a):
                return F.cosine_embedding_loss(a, a, torch.ones(4))
        Loss()(x)
    """,
    "an error of one's own, in backward": """
        class Fails(torch.autograd.Function):
            @staticmethod
            def forward(ctx, a):
                return a * 2
            @staticmethod
            def backward(ctx, gradient):
                raise KeyError("mine")
        Fails.apply(x).sum().backward()
    """,
}


def run(body, eyes=None):
    """(output, error) of a program, as a user sees them: the traceback's lines, too."""
    code = compile(HEAD + textwrap.dedent(body), "<program>", "exec")
    torch.manual_seed(0)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            with eyes or contextlib.nullcontext():
                exec(code, {"__name__": "__main__"})
            error = None
        except Exception as caught:
            error = caught
    told = traceback.TracebackException.from_exception(error) if error else None
    return out.getvalue(), error and (_told(told)), error


def _told(error):
    steps = [(step.filename, step.lineno, step.name) for step in error.stack]
    steps = [step for step in steps if step[0] != __file__]
    chain = [_told(one) for one in (error.__cause__, error.__context__) if one]
    return error.exc_type_str if hasattr(error, "exc_type_str") else str(error), steps, chain


def marked(body, word):
    lines = (HEAD + textwrap.dedent(body)).split("\n")
    return {number for number, line in enumerate(lines, 1) if line.endswith("# " + word)}


@pytest.mark.parametrize("name", KINDS)
def test_the_program_is_the_same_and_both_lines_are_named(name):
    body, eyes = KINDS[name], Doctor()
    out, told, _ = run(body)
    watched_out, watched_told, error = run(body, eyes)
    assert (watched_out, watched_told) == (out, told)
    diagnosis = eyes.of(error) if error is not None else eyes.all[0]
    assert diagnosis.saver.site.line in marked(body, "saver"), diagnosis.text()
    written = {wrote.site.line for wrote in diagnosis.writers}
    assert written == marked(body, "writer") and not diagnosis.gaps, diagnosis.text()
    assert len(diagnosis.text().split("\n")) <= 40


@pytest.mark.parametrize("name", NEUTRAL)
def test_without_an_overwrite_nothing_is_said(name):
    out, told, _ = run(NEUTRAL[name])
    eyes = Doctor()
    assert run(NEUTRAL[name], eyes)[:2] == (out, told)
    assert eyes.all == []


def diagnosis_of(body):
    eyes = Doctor()
    error = run(body, eyes)[2]
    return eyes.of(error)


def test_equal_writes_are_folded():
    text = diagnosis_of(KINDS["300 writes"]).text()
    assert text.count("overwritten by") == 1 and "×300, versions 0 → 300" in text


def test_a_long_report_ends_at_forty_lines_and_the_json_is_whole():
    diagnosis = diagnosis_of("""
        h = x.sigmoid()
        for _ in range(60):
            h.add_(1)
            h.mul_(2)
        h.sum().backward()
    """)
    assert len(diagnosis.text().split("\n")) == 40
    assert "more lines; --json has all of them" in diagnosis.text()
    assert len(diagnosis.as_dict()["writers"]) == 120


def test_every_broken_save_is_listed():
    diagnosis = diagnosis_of("""
        a, b, c = x.exp(), x.sigmoid(), x.tanh()
        for one in (a, b, c):
            one.add_(1)
        (a + b + c).sum().backward()
    """)
    told = [diagnosis, *diagnosis.others]
    assert sorted(one.saver.op for one in told) == ["exp", "sigmoid", "tanh"]
    assert diagnosis.text().count("also broken") == 2
    assert all(one.writers and one.cures for one in told)


def test_an_error_made_anew_from_its_text_is_told_once():
    """As by a replica of DataParallel; the text has the first note already."""
    eyes = Doctor()
    error = run(
        """
        from torch._utils import ExceptionWrapper
        y = x.exp()
        y.add_(1)
        try:
            y.sum().backward()
        except RuntimeError:
            caught = ExceptionWrapper(where="in replica 0")
        caught.reraise()
    """,
        eyes,
    )[2]
    assert eyes.of(error) is eyes.all[0] and len(eyes.all) == 1
    assert eyes.all[0].saver.op == "exp"


def test_module_paths_begin_outermost_and_count_calls():
    diagnosis = diagnosis_of("""
        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.act, self.drop = nn.Sigmoid(), nn.Dropout(0.5, inplace=True)
            def __call__(self, a):
                return self.drop(self.act(a))
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.blocks = nn.ModuleList([Block()] * 2)
            def forward(self, a):
                return sum(block(a) for block in self.blocks)
        Net()(x).sum().backward()
    """)
    modules = {one.saver.site.module for one in (diagnosis, *diagnosis.others)}
    assert modules == {"Net.blocks.0.act (Sigmoid)", "Net.blocks.0.act (Sigmoid), 2nd call"}


PROGRAM = """
import logging, sys, threading
import torch
from library import tools

logging.basicConfig(stream=sys.stdout)
x = torch.ones(3, requires_grad=True)


class Worker(threading.Thread):
    def run(self):
        y = x.exp()
        y.sub_(1)
        y.sum().backward()


worker = Worker(name="worker")
worker.start()
worker.join()
y = x.exp()
tools.double(y)
try:
    y.sum().backward()
except RuntimeError:
    logging.exception("logged")
    sys.exit(3)
"""


def test_a_whole_program_that_handles_its_errors_itself(tmp_path):
    """Also: a package's line and the user's own; folders of `pip install --target` count as one."""
    (tmp_path / "packages/library").mkdir(parents=True)
    (tmp_path / "packages/library-1.0.dist-info").mkdir()
    (tmp_path / "packages/library/__init__.py").touch()
    (tmp_path / "packages/library/tools.py").write_text("def double(t):\n    t.mul_(2)\n")
    (tmp_path / "train").mkdir()
    (tmp_path / "train/run.py").write_text(PROGRAM)

    def end(*command):
        found = os.pathsep.join([str(tmp_path / "packages"), os.environ.get("PYTHONPATH", "")])
        return subprocess.run(
            [sys.executable, *command, "train/run.py"],
            env=dict(os.environ, PYTHONPATH=found),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )

    plain = end()
    watched = end("-m", "overwritten", "--json", "out.json")
    assert watched.returncode == plain.returncode == 3
    frames = [re.findall(r'File "(.*)", line (\d+)', one.stdout) for one in (plain, watched)]
    assert frames[0] == frames[1] and watched.stdout.startswith(plain.stdout.rstrip())
    report = json.loads((tmp_path / "out.json").read_text())
    assert [one["writers"][0]["op"] for one in report["all"]] == ["sub_", "mul_"]
    assert report["diagnosis"]["writers"][0]["op"] == "sub_"
    wrote = report["all"][1]["writers"][0]
    assert (wrote["line"], wrote["library"]["line"]) == (21, 2)
    assert wrote["library"]["file"].endswith("library/tools.py")
    if sys.version_info >= (3, 11):
        assert "overwritten by mul_ at library/tools.py:2, called from train/run.py:21" in (
            watched.stdout
        )
        assert "Exception in thread worker" in watched.stderr and "sub_ at" in watched.stderr
