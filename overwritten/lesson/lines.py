"""A program under the doctor: which of its lines saved, and which wrote over it, as numbers.

The idea: the program runs as its own file, so that the doctor's places are its line numbers.
It says nothing of the gradient; see `overwritten.record.trial`.
"""

from __future__ import annotations

import linecache
import warnings
from typing import NamedTuple

import torch

from overwritten.doctor.block import watch
from overwritten.record.dice import own_dice
from overwritten.record.recorder import record


def numbered(code: str) -> str:
    """The program with the numbers of its lines.

    >>> print(numbered("x = 1\\ny = x"))
     1 x = 1
     2 y = x
    """
    return "\n".join(f"{n:2} {line}" for n, line in enumerate(code.splitlines(), 1))


class Clash(NamedTuple):
    """saver: the line that saved, None where PyTorch refused the write. writers: who wrote."""

    saver: int | None
    writers: tuple[int, ...]


def clashes(code: str, strict: bool = False, names: dict | None = None) -> list[Clash]:
    """Those of `code`, which runs as `record` runs it. strict: also of what raises nothing.

    >>> clashes("x = torch.ones(2, requires_grad=True)\\ny = x.exp()\\ny += 1\\ny.sum().backward()")
    [Clash(saver=2, writers=(3,))]
    """
    file = "<program>"
    linecache.cache[file] = len(code), None, code.splitlines(True), file
    namespace = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, **(names or {})}
    with own_dice(0), torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with watch(strict=strict) as recording:
                exec(compile(code, file, "exec"), namespace)
        except RuntimeError:
            pass
    found = [recording.diagnosis] if recording.diagnosis else recording.silent
    return [
        Clash(one.saver.site.line, tuple(dict.fromkeys(wrote.site.line for wrote in one.writers)))
        for one in found
        if one.saver and one.writers
    ]


def refused(code: str) -> list[Clash]:
    """The line at which `code` stops, where PyTorch refuses it at once."""
    stops = [step.line for step in record(code).steps if step.error]
    return [Clash(None, (line,)) for line in stops]
