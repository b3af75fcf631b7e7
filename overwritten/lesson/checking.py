"""The folk cures: what people write to make the error go away, noticed while it runs.

The idea: a function mode around the learner's function sees `.data`, `.detach()`, NumPy,
`retain_graph=True` and calls made with gradients switched off. Whether one of them is a
mistake is for the exercise to say.
"""

from __future__ import annotations

import torch
from torch.overrides import TorchFunctionMode

#: What each does instead of curing; an exercise may give a sentence of its own.
WHY_NOT = {
    ".data": "`.data` has a version counter of its own: the error goes, and backward uses the overwritten bytes.",
    "numpy": "a NumPy array shares the bytes and moves no version counter: backward cannot see that write.",
    ".detach()": "`.detach()` cuts the history: what comes before it gets no gradient. And it copies nothing.",
    "no_grad": "under `no_grad` nothing is recorded: what comes before gets no gradient from these lines.",
    "retain_graph=True": "`retain_graph=True` keeps the graph, not the values that were overwritten.",
}


class Folk(TorchFunctionMode):
    """`with Folk() as folk:` around a call. folk.used: the folk cures met, in order."""

    def __init__(self):
        super().__init__()
        self.used, self._grad = [], torch.is_grad_enabled()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.__name__
        if name in ("__get__", "__set__"):
            name = f".{func.__self__.__name__}"
        if name == ".data":
            self._note(".data")
        elif name in ("detach", "detach_"):
            self._note(".detach()")
        elif name in ("numpy", "__array__"):
            self._note("numpy")
        elif name in ("backward", "grad") and kwargs.get("retain_graph"):
            self._note("retain_graph=True")
        elif self._grad and not torch.is_grad_enabled() and not name.startswith((".", "_set_grad")):
            self._note("no_grad")
        return func(*args, **kwargs)

    def _note(self, name):
        if name not in self.used:
            self.used.append(name)

    def complaint(self, *refused: str) -> str:
        """Why not, for the first of `refused` (names as in WHY_NOT) that was used; else ''.

        >>> with Folk() as folk:
        ...     _ = torch.ones(2).data
        >>> folk.complaint(".detach()"), folk.complaint(".data")[:29]
        ('', '`.data` has a version counter')
        """
        return next((WHY_NOT[name] for name in refused if name in self.used), "")
