"""One program and its out-of-place twin, run side by side: which verdict does it get?

The idea: "does it raise?" and "is the gradient right?" are two questions. The twin knows the
right gradient; a third run with PyTorch's check switched off (identity hooks do that) knows
what the gradient would have been where it raised.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

from overwritten.record.recorder import MAX_LINES, MOST_NUMBERS, record
from overwritten.record.recording import Recording

RAISES = "raises"
RIGHT = "right gradient"
SILENT = "silently wrong gradient"
CAUTIOUS = "raises although the gradient would be right"
#: No error and another gradient, but of other values: it may be the true one of another program.
OTHER = "other values"
NOTHING = "no gradient"
#: What the twin itself gives.
TRUE = "true gradient"
#: Two formulas of one gradient may differ in their last bits (in-place selu does: 6e-8).
ROUNDING = 1e-5


def bad(verdict: str) -> bool:
    """Is it anything but the right gradient? Nothing is known, and so nothing bad, of ''.

    >>> bad(NOTHING), bad(CAUTIOUS), bad(RIGHT), bad("")
    (True, True, False, False)
    """
    return verdict not in (RIGHT, TRUE, "")


def signed(verdict: str) -> str:
    """The verdict with its sign, which does not hang on a colour; '' where nothing is known.

    >>> signed(SILENT), signed(TRUE)
    ('✗ silently wrong gradient', '✓ true gradient')
    """
    return verdict and f"{'✗' if bad(verdict) else '✓'} {verdict}"


@dataclass(frozen=True)
class Trial:
    """run, twin: their recordings. verdict: one of the six above, or '' where the code
    ends with an error of another kind, the twin itself fails, or a recording is not whole.

    Gradients are compared number by number, up to rounding (`ROUNDING` of the largest one in
    the same tensor; NaN equals NaN). What the twin has no gradient of is not compared.
    """

    run: Recording
    twin: Recording
    verdict: str


def trial(
    code: str,
    twin: str,
    names: dict | None = None,
    max_lines: int = MAX_LINES,
    values: bool = False,
) -> Trial:
    """Run `code` and `twin`, each as `record` does, and compare every gradient that the twin has.

    values: ask also whether `.backward()` began at the same values, where the gradients differ.
    If not, the verdict is 'other values'. It needs a twin that calls it as often and on the same.

    >>> start = "x = torch.ones(2, requires_grad=True)\\ny = x.exp()\\n"
    >>> end = "\\ny.sum().backward()"
    >>> trial(start + "y += 1" + end, start + "y = y + 1" + end).verdict
    'raises'
    """
    with _Starts() as starts:
        run = record(code, names, max_lines)
    with _Starts() as true_starts:
        right = record(twin, names, max_lines)
    verdict = _verdict(code, names, run, right)
    if values and verdict == SILENT:
        alike = map(close, starts.values, true_starts.values)
        verdict = SILENT if all(alike) else OTHER
    return Trial(run, right, verdict)


class _Starts(TorchFunctionMode):
    """values: the numbers of each tensor on which `.backward()` was called, in that order."""

    def __init__(self):
        super().__init__()
        self.values: list[list] = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.Tensor.backward and args[0].numel() <= MOST_NUMBERS:
            self.values.append(args[0].detach().flatten().tolist())
        return func(*args, **(kwargs or {}))


def _verdict(code, names, run, right):
    if right.error or right.note or run.note:
        return ""
    if not run.error:
        if not right.gradients or set(right.gradients) - set(run.gradients):
            return NOTHING
        return RIGHT if _same(run, right) else SILENT
    if run.message is None:
        return ""
    if not run.message.overwritten:  # refused at once: nothing else could have come out
        return RAISES
    with saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor):
        unchecked = record(code, names)
    return CAUTIOUS if not unchecked.error and _same(unchecked, right) else RAISES


def _same(one, other) -> bool:
    return all(
        name in one.gradients and close(list(flat(one.gradients[name])), list(flat(numbers)))
        for name, numbers in other.gradients.items()
    )


def flat(numbers):
    """The numbers of a nested list (or the number itself), one by one."""
    if isinstance(numbers, list):
        for inner in numbers:
            yield from flat(inner)
    else:
        yield numbers


def close(a, b) -> bool:
    """Are two lists of numbers the same up to rounding?"""
    room = ROUNDING * max((abs(y) for y in b if abs(y) < float("inf")), default=0)
    return len(a) == len(b) and all(
        x == y or abs(x - y) <= room or (x != x and y != y) for x, y in zip(a, b)
    )
