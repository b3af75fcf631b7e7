"""How much slower the eyes make a training step, and where that time goes.

The idea: three small models, and each way takes its turn of ten steps in every round, so that a
busy machine slows all of them alike; CPU time, divided by plain's of that round, and medians.
A program is watched as a whole: entering a way counts, once in its ten steps.
The allocator keeps what was freed: given back and taken anew it costs 0 to 5 ms, as chance has it.
It judges nothing: no time here makes a test fail, and no number holds for another machine.
"""

from __future__ import annotations

import argparse
import ctypes
import random
import time
import warnings
from contextlib import contextmanager, nullcontext
from operator import truediv
from statistics import median

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.functional import cross_entropy
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from overwritten.doctor.watching import Eyes
from overwritten.record.calls import LOOKS_ONLY

SEED = 0
WARM_UP, STEPS = 2, 10
COMPARED = ("plain", "detect_anomaly", "empty mode", "Eyes", "strict")


class Block(nn.Module):
    """A residual basic block; the shortcut is a 1x1 convolution where the shape changes."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.shortcut = nn.Identity()
        if (before, stride) != (after, 1):
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def mlp():
    layers = [nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)]
    return nn.Sequential(*layers), torch.randn(32, 784), torch.randint(10, (32,))


def transformer():
    layers = [nn.TransformerEncoderLayer(64, 4, dropout=0.0, batch_first=True) for _ in range(2)]
    return nn.Sequential(*layers), torch.randn(8, 32, 64), torch.randn(8, 32, 64)


def resnet():
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    stages = [Block(16, 16, 1), Block(16, 16, 1), Block(16, 32, 2), Block(32, 32, 1)]
    stages += [Block(32, 64, 2), Block(64, 64, 1)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    return nn.Sequential(*stem, *stages, *head), torch.randn(4, 3, 64, 64), torch.randint(10, (4,))


MODELS = {"MLP": mlp, "transformer": transformer, "ResNet": resnet}


def training_step(make):
    """A function without arguments: forward, loss, backward, SGD step, zero_grad."""
    torch.manual_seed(SEED)
    model, x, target = make()
    loss_of = nn.functional.mse_loss if target.is_floating_point() else cross_entropy
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

    def step():
        loss_of(model(x), target).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


class Counting(TorchFunctionMode):
    """calls: how many torch calls the eyes would have recorded."""

    calls = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        self.calls += func.__name__ not in LOOKS_ONLY
        return func(*args, **(kwargs or {}))


class Empty(TorchFunctionMode):
    """The floor: what any function mode costs that does nothing."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


@contextmanager
def _function_mode(eyes):
    TorchFunctionMode.__enter__(eyes)
    try:
        yield
    finally:
        TorchFunctionMode.__exit__(eyes, None, None, None)


@contextmanager
def _module_hooks():
    before = register_module_forward_pre_hook(lambda module, args: None)
    after = register_module_forward_hook(lambda module, args, output: None, always_call=True)
    try:
        yield
    finally:
        before.remove()
        after.remove()


def _ways(eyes):
    return {
        "plain": nullcontext,
        "detect_anomaly": lambda: torch.autograd.detect_anomaly(check_nan=False),
        "empty mode": Empty,
        "Eyes": eyes,
        "strict": lambda: eyes(strict=True),
        "function mode": lambda: _function_mode(eyes()),
        "save hooks": lambda: saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor),
        "module hooks": _module_hooks,
    }


def _seconds(step, ways, rounds):
    """{way: CPU seconds of a step in each round}, which runs every way once, in shuffled order."""
    order, shuffled = list(ways), random.Random(SEED)
    times = {way: [] for way in ways}
    for number in range(-WARM_UP, rounds):
        shuffled.shuffle(order)
        for way in order:
            begin = time.process_time()
            with ways[way]():
                for _ in range(STEPS):
                    step()
            if number >= 0:
                times[way].append((time.process_time() - begin) / STEPS)
    return times


def keep_memory():
    """glibc's allocator gives nothing back from here on; elsewhere nothing happens."""
    trim_threshold, mmap_threshold, huge = -1, -3, 2**31 - 1
    try:
        tune = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    tune(trim_threshold, huge)
    tune(mmap_threshold, huge)


def ratios(rounds: int, eyes=Eyes) -> dict:
    """{model: {way: a step's time, plain is 1; 'ms': plain's; 'calls': of a step; 'µs': a call}}"""
    threads, found = torch.get_num_threads(), {}
    torch.set_num_threads(1)
    try:
        for name, make in MODELS.items():
            step = training_step(make)
            with Counting() as counting:
                step()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                seconds = _seconds(step, _ways(eyes), rounds)
            plain = seconds["plain"]
            row = {way: median(map(truediv, taken, plain)) for way, taken in seconds.items()}
            ms = median(plain) * 1e3
            per_call = (row["Eyes"] - 1) * ms * 1e3 / counting.calls
            found[name] = row | {"ms": ms, "calls": counting.calls, "µs": per_call}
    finally:
        torch.set_num_threads(threads)
    return found


def table(found: dict) -> str:
    """The ratios as Markdown."""
    head = ["model", "plain, ms", *COMPARED[1:], "calls", "Eyes, µs per call"]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for name, row in found.items():
        times = [f"{row[way]:.2f}x" for way in COMPARED[1:]]
        lines.append([name, f"{row['ms']:.2f}", *times, str(row["calls"]), f"{row['µs']:.1f}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def where(found: dict) -> str:
    """One line: what each part alone adds to a plain step, in microseconds per recorded call."""

    def added(way):
        return " / ".join(
            f"{(r[way] - 1) * r['ms'] * 1e3 / r['calls']:.1f}" for r in found.values()
        )

    parts = [
        f"an empty mode {added('empty mode')}",
        f"the eyes' function mode {added('function mode')}",
    ]
    parts += [f"save hooks that do nothing {added('save hooks')}"]
    parts += [
        f"module hooks that do nothing {added('module hooks')}",
        f"all of Eyes {added('Eyes')}",
    ]
    return (
        f"Where the time goes, µs per call ({' / '.join(found)}), each alone: {'; '.join(parts)}."
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="rounds per model (20)")
    keep_memory()
    found = ratios(parser.parse_args().rounds)
    print(table(found), where(found), sep="\n\n")


if __name__ == "__main__":
    main()
