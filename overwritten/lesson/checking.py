"""What the exercises share: an answer beside its out-of-place twin, and words compared.

The idea: values and gradients first. An answer and its twin run on copies of the same inputs,
backward included, and the first point where they part is named; a witness says why.
The words for it are the exercise's, where it has any.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import torch

from overwritten.lesson.exercise import attempt
from overwritten.lesson.witness import Witness, blamed

#: What is said of an answer, by the point where it parts from its twin.
SAYS = {
    "kind": "a tensor is asked for; your function returns {kind}.",
    "dtype": "the result is {dtypes[0]}, that of the function as it was is {dtypes[1]}.",
    "shape": "the values are not those of the function as it was.",
    "values": "the values are not those of the function as it was.",
    "raises": "backward still raises: {found}. Write into a tensor that nobody saved, or compute a new one.",
    "fails": "backward raises {error}",
    "history": "the result has no history, so nothing gets a gradient.",
    "missing": "no error, but something that has a gradient in the same function out of place gets none here.",
    "gradient": "no error, but a gradient is not that of the same function out of place.",
}


class Beside:
    """What an answer did, beside its twin.

    result, wanted: what they returned. mine, its: the inputs that each of them got, gradients
    included. witness: of the answer. error: what backward raised, or None. diagnosis: the doctor's
    of that error, or None.
    """

    result: Any
    wanted: torch.Tensor

    def __init__(self, answer, twin, inputs):
        self._answer, self._twin, self._inputs = answer, twin, inputs
        self.mine, self.its = copy.deepcopy(inputs), copy.deepcopy(inputs)
        self.error: Exception | None = None
        self.wanted = twin(*self.its)
        weight = torch.linspace(-1, 2, self.wanted.numel()).view_as(self.wanted)
        self.wanted.backward(weight)
        with Witness() as self.witness:
            self.result = attempt(answer, *self.mine)
            if not self._misfit() and self.result.requires_grad:
                try:
                    self.result.backward(weight)
                except Exception as error:
                    self.error = error
        self.diagnosis = self.witness.of(self.error)

    def changed(self, *places: int) -> bool:
        """Does one of these inputs hold other numbers than before?"""
        return any(not torch.equal(self.mine[n], self._inputs[n]) for n in places)

    def fault(self) -> str:
        """Where the answer parts from its twin: '', 'hidden' or a key of SAYS."""
        if misfit := self._misfit():
            return misfit
        if not torch.allclose(self.result.detach(), self.wanted.detach(), atol=1e-6):
            return "values"
        if self.error:
            return "raises" if self.diagnosis else "fails"
        both = zip(_gradients(self.mine), _gradients(self.its))
        pairs = [(mine, its) for mine, its in both if its is not None]
        if all(a is None for a, _ in pairs):
            return "history"
        if any(a is None for a, _ in pairs):
            return "missing"
        if not all(torch.allclose(a, b, atol=1e-5) for a, b in pairs):
            return "gradient"
        return "hidden" if self.witness.hidden else ""

    def mistake(self, slips: dict | None = None, **says: str) -> str:
        """The sentence about `fault`, or ''. says: in place of some of SAYS. slips: a sentence → the
        twin with a known mistake in it, for an answer with the values of that."""
        fault, why = self.fault(), ""
        if fault in ("values", "shape"):
            why = next((said for said, twin in (slips or {}).items() if self._is(twin)), "")
        if fault in ("history", "missing", "gradient", "hidden"):
            why = self.witness.hidden or blamed(self._without)
        return why or (SAYS | says).get(fault, "").format(
            kind=type(self.result).__name__,
            dtypes=[getattr(one, "dtype", None) for one in (self.result, self.wanted)],
            found=self.diagnosis and self.witness.told(self.diagnosis),
            error=f"{type(self.error).__name__}: {next(iter(str(self.error).splitlines()), '')}",
        )

    def _is(self, twin) -> bool:
        result, its = self.result.detach(), twin(*copy.deepcopy(self._inputs))
        return result.shape == its.shape and torch.allclose(result, its, atol=1e-6)

    def _without(self, without) -> bool:
        def answer(*inputs):
            with without:
                return self._answer(*inputs)

        return Beside(answer, self._twin, self._inputs).fault() in ("", "raises")

    def _misfit(self):
        if not isinstance(self.result, torch.Tensor):
            return "kind"
        if self.result.shape != self.wanted.shape:
            return "shape"
        return "" if self.result.dtype == self.wanted.dtype else "dtype"


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


def plain(word) -> str:
    """A word as it is compared: in small letters, without marks around it.

    >>> plain(" `No error`. "), plain("H"), plain(3)
    ('no error', 'h', '3')
    """
    return re.sub(r"^\W+|\W+$", "", word).lower() if isinstance(word, str) else str(word)


def line_number(said) -> int:
    """The number of a line, however it is written; 0 where none is.

    >>> line_number(5), line_number(" Line 5. "), line_number(5.0), line_number("softmax")
    (5, 5, 5, 0)
    """
    found = re.fullmatch(r"[^\d-]*(\d+)(?:\.0*)?\D*", str(said))
    return int(found[1]) if found else 0
