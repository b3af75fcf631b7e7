"""What a program sees of its own lines, plain and watched: warnings, stacks, anomaly mode's text."""

import contextlib
import io
import sys
import textwrap
import warnings

import pytest
import torch

from overwritten.doctor.block import Doctor

HEAD = """
import inspect, sys, traceback, warnings, torch
from torch import nn
from torch.nn import functional as F
t = torch.ones(3)
x = torch.ones(3, requires_grad=True)
"""

PROGRAMS = {
    "C++ warns at each line": """
        torch.tensor(t)
        for _ in range(2):
            torch.tensor(t)
        (x * 2).grad
        (x * 2).grad
    """,
    "Python warns at its caller's line": """
        F.mse_loss(t, torch.ones(3, 1))
        F.mse_loss(t, torch.ones(3, 1))
        F.softmax(t)
        nn.Softmax()(t)
        class Net(nn.Module):
            def forward(self, a):
                warnings.warn("here", stacklevel=1)
                warnings.warn("the caller", stacklevel=4)
                return a
        Net()(t)
    """,
    "once": """
        warnings.simplefilter("once")
        torch.tensor(t)
        torch.tensor(t)
    """,
    "filters by module": """
        warnings.filterwarnings("ignore", module="program")
        torch.tensor(t)
        warnings.filterwarnings("error", module="program")
        try:
            torch.tensor(t)
        except UserWarning as error:
            steps = traceback.extract_tb(error.__traceback__)
            print(sys.version_info < (3, 11) or [step.name for step in steps])
        try:
            nn.Softmax(None)(t)
        except UserWarning as error:
            steps = traceback.extract_tb(error.__traceback__)
            print(sys.version_info < (3, 11) or [step.name for step in steps])
    """,
    "a hook warns, in backward": """
        class Hook:
            def __call__(self, gradient):
                warnings.warn("the engine", stacklevel=2)
                warnings.warn("who called backward", stacklevel=5)
        x.register_hook(Hook())
        (x * 2).sum().backward()
    """,
    "anomaly mode": """
        class Net(nn.Module):
            def forward(self, a):
                return F.softmax(a * 2, 0)
        with torch.autograd.detect_anomaly(check_nan=False):
            y = Net()(x)
            y += 1
            try:
                y.sum().backward()
            except RuntimeError:
                print("refused")
        made = y.grad_fn.next_functions[0][0].metadata["traceback_"]
        print("".join(made[next(k for k, e in enumerate(made) if "<program>" in e):]))
    """,
    "the stack of a forward": """
        class Net(nn.Module):
            def forward(self, a):
                for step in inspect.stack():
                    if "overwritten" in step.filename or step.filename == "<program>":
                        print(step.function, step.lineno, step.code_context)
                print(len(inspect.stack()))
                return a
        nn.Sequential(Net())(x)
    """,
}


def told(body, eyes=None):
    """What the program prints, and its warnings with their lines."""
    code = compile(HEAD + textwrap.dedent(body), "<program>", "exec")
    out = io.StringIO()
    with warnings.catch_warnings(record=True) as given, contextlib.redirect_stdout(out):
        warnings.resetwarnings()
        with eyes or contextlib.nullcontext():
            exec(code, {"__name__": "program"})
    lines = [(str(w.message), w.category, w.filename, w.lineno) for w in given]
    return out.getvalue(), lines


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_its_lines_are_told_as_without_a_watch(name, strict):
    plain, watched = (told(PROGRAMS[name], eyes) for eyes in (None, Doctor(strict=strict)))
    assert any(plain) and watched == plain


@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="one module fewer of 212")
def test_modules_go_as_deep_as_without_a_watch():
    body = """
        class Deep(nn.Module):
            def forward(self, a):
                times.append(1)
                return self(a)
        times = []
        try:
            Deep()(x)
        except RecursionError:
            print(len(times))
    """
    told(body), told(body, Doctor())  # code that Python has not yet made fast goes less deep
    assert told(body, Doctor()) == told(body)


def test_a_watch_leaves_warnings_as_they_were():
    before = warnings.warn, warnings._showwarnmsg, torch.fx.traceback.format_stack
    with Doctor(), Doctor():
        assert warnings.warn is not before[0]
    assert (warnings.warn, warnings._showwarnmsg, torch.fx.traceback.format_stack) == before
