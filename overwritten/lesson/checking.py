"""What the exercises share: the folk cures, the out-of-place twin, a finding as two lines of code.

The idea: an answer and its out-of-place twin run on copies of the same inputs, backward
included, and the first point where they part is named; the words for it are the exercise's.
Whether a folk cure is a mistake is also for the exercise to say.
"""

from __future__ import annotations

import copy
import linecache
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from overwritten.doctor.block import watch
from overwritten.lesson.exercise import attempt
from overwritten.messages import parse

#: What each does instead of curing; an exercise may give a sentence of its own.
WHY_NOT = {
    ".data": "`.data` has a version counter of its own: the error goes, and backward uses the overwritten bytes.",
    "numpy": "a NumPy array shares the bytes and moves no version counter: backward cannot see that write.",
    ".detach()": "`.detach()` cuts the history: what comes before it gets no gradient. And it copies nothing.",
    "no_grad": "under `no_grad` nothing is recorded: what comes before gets no gradient from these lines.",
    "retain_graph=True": "`retain_graph=True` keeps the graph, not the values that were overwritten.",
}


class Folk(TorchFunctionMode):
    """What people write to make the error go away, noticed while it runs.

    `with Folk() as folk:` around a call. folk.used: the folk cures met, in order.
    """

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


#: What is said of an answer, by the point where it parts from its twin.
SAYS = {
    "kind": "a tensor is asked for; your function returns {kind}.",
    "shape": "the values are not those of the function as it was.",
    "values": "the values are not those of the function as it was.",
    "history": "the result has no history, so nothing gets a gradient.",
    "raises": "backward still raises: {message.op} … is at version {message.now}; "
    "expected version {message.expected}. Something writes into a tensor that was saved: compute a new one there.",
    "gradient": "no error, but a gradient is not that of the same function out of place.",
}


class Beside:
    """What an answer did, beside its twin.

    result, wanted: what they returned. mine, its: the inputs that each of them got, gradients
    included. folk: the folk cures met. error: what backward raised, or None. recording: the
    doctor's, of the answer.
    """

    result: Any
    wanted: torch.Tensor
    error: RuntimeError | None

    def __init__(self, answer, twin, inputs):
        self.mine, self.its = copy.deepcopy(inputs), copy.deepcopy(inputs)
        self._inputs, self.result, self.error = inputs, None, None
        self.wanted = twin(*self.its)
        weight = torch.linspace(-1, 2, self.wanted.numel()).view_as(self.wanted)
        self.wanted.backward(weight)
        try:
            with watch() as self.recording:
                with Folk() as self.folk:
                    self.result = attempt(answer, *self.mine)
                if not self._misfit() and self.result.requires_grad:
                    self.result.backward(weight)
        except RuntimeError as error:
            if self.result is None:  # not backward's: the function did not come back
                raise
            self.error = error

    def changed(self, *places: int) -> bool:
        """Does one of these inputs hold other numbers than before?"""
        return any(not torch.equal(self.mine[n], self._inputs[n]) for n in places)

    def fault(self) -> str:
        """Where the answer parts from its twin: '', 'folk' (written unheard) or a key of SAYS."""
        if misfit := self._misfit():
            return misfit
        if not torch.allclose(self.result.detach(), self.wanted.detach(), atol=1e-6):
            return "values"
        if self.folk.complaint(".data", "numpy"):
            return "folk"
        if self.error:
            return "raises"
        both = zip(_gradients(self.mine), _gradients(self.its))
        pairs = [(mine, its) for mine, its in both if its is not None]
        if all(a is None for a, _ in pairs):
            return "history"
        if all(a is not None and torch.allclose(a, b, atol=1e-5) for a, b in pairs):
            return ""
        return "gradient"

    def mistake(self, **says: str) -> str:
        """The sentence about `fault`, or ''. says: in place of some of SAYS."""
        fault = self.fault()
        message = parse(str(self.error))
        if fault == "raises" and self.error and (message is None or not message.overwritten):
            raise self.error
        why = {"folk": (".data", "numpy"), "history": _CUTS, "gradient": _CUTS}.get(fault, ())
        words = (SAYS | says).get(fault, "")
        return self.folk.complaint(*why) or words.format(
            kind=type(self.result).__name__, message=message
        )

    def _misfit(self):
        if not isinstance(self.result, torch.Tensor):
            return "kind"
        return "" if self.result.shape == self.wanted.shape else "shape"


_CUTS = ".detach()", "no_grad"


def _gradients(inputs):
    """The gradients of the inputs, those of a module's parameters included."""
    for one in inputs:
        if isinstance(one, torch.nn.Module):
            yield from (parameter.grad for parameter in one.parameters())
        elif isinstance(one, torch.Tensor):
            yield one.grad if one.is_leaf else None


def beside_twin(answer, twin, inputs) -> Beside:
    """Run `answer` and its out-of-place `twin` on copies of `inputs`, and backward of both.

    inputs: tensors, those that are to get a gradient with `requires_grad`; modules; anything
    that `copy.deepcopy` takes. What the answer itself raises passes through.

    >>> def in_place(x):
    ...     y = x.exp()
    ...     y += 1
    ...     return y
    >>> inputs = [torch.ones(2, requires_grad=True)]
    >>> beside_twin(in_place, lambda x: x.exp() + 1, inputs).fault()
    'raises'
    >>> beside_twin(lambda x: 1 + x.exp(), lambda x: x.exp() + 1, inputs).mistake()
    ''
    """
    return Beside(answer, twin, inputs)


def who(recording, code: str = "") -> str:
    """What a watched block ended with, or what strict mode found in it, as lines of code.

    code: the source, where Python cannot look it up.

    >>> who(watch().recording)
    'nothing found'
    """
    found = [recording.diagnosis] if recording.diagnosis else recording.silent
    return "; ".join(dict.fromkeys(_both(one, code) for one in found)) or "nothing found"


def _both(one, code):
    saver = f"`{line_at(one.saver.site, code)}` saved" if one.saver else "something unseen saved"
    writers = dict.fromkeys(f"`{line_at(writer.site, code)}`" for writer in one.writers)
    return f"{saver}, {' and '.join(writers) or 'something unseen'} wrote over it"


def line_at(site, code: str = "") -> str:
    """The line of code at a doctor's site, '' where nobody knows it. code: as for `who`."""
    line = code.splitlines()[site.line - 1] if code else linecache.getline(site.file, site.line)
    return line.strip()
