"""Error texts that are pasted as an overwrite of PyTorch's and are none: whose, and what holds there.

The idea: two tables of patterns, other libraries' errors and PyTorch's own that come from cures
for an overwrite or stand beside one. What is an overwrite, `messages.py` knows.
"""

from __future__ import annotations

import re

#: Errors of other libraries that people paste for PyTorch's: (pattern, whose, what holds there).
_FOREIGN = (
    (
        r"JAX arrays are immutable|jaxlib\.\S*Array|jax\.errors\.|traced array with shape",
        "JAX",
        "its arrays are never written; `x = x.at[i].set(value)` gives a new one",
    ),
    (
        r"EagerTensor|tensorflow\.python|`?tf\.Tensor`?|KerasTensor|'Tensor' object does not support item assignment",
        "TensorFlow",
        "its tensors are never written; write into a `tf.Variable`, with `assign`",
    ),
    (
        r"Tensor '.*?' used in gradient computation has been modified by an inplace operation|paddle\.",
        "Paddle",
        "the rule is the same one: no write between the forward and the backward that needs the tensor",
    ),
    (
        r"MXNetError|mxnet\.base|Inplace operations \(\+=, -=, x\[:\]=, etc\)",
        "MXNet",
        "while `autograd.record()` is on, nothing may be written in place: compute a new array, or write under `autograd.pause()`",
    ),
    (
        r"(?:assignment destination|output array) is read-only",
        "NumPy",
        "the array is read-only; write into `x.copy()`",
    ),
)
#: Errors of PyTorch's that are no overwrite, but come from cures for one, or beside it.
_NEIGHBOURS = (
    (
        r"element \d+ of (?:tensors|variables) does not require grad",
        "Backward began at a tensor without a history. This is no overwrite: look for `detach()`, `.data`, `.item()`, `no_grad` or "
        "a whole-number dtype between the weights and the loss; `detach_()` as a cure for an overwrite ends here, too.",
    ),
    (
        r"One of the differentiated (?:Tensors|Variables) (?:appears to not have been used in the graph|does not require grad)",
        "`autograd.grad` was asked for a tensor that the result does not depend on. This is no overwrite: was it replaced by a "
        "copy (`clone()`, `detach()`, `x = x + 1`) after the result was computed?",
    ),
    (
        r"you can only change requires_grad flags of leaf variables",
        "`requires_grad` was set on the result of an operation. This is no overwrite: use `detach()`, which gives a tensor without a history.",
    ),
    (
        r"backward calculation is triggered with a (?:non-positive|negative) slope",
        "An activation in place saves its result, and with such a slope its input cannot be told from it: leave out `inplace=True`.",
    ),
    (
        r"Can't detach views in-place",
        "`detach_()` was called on a view: use `detach()`.",
    ),
)


def whose(text: str) -> str:
    """A sentence if `text` is an error of another library about written arrays, or another of
    PyTorch's that often comes beside one; else ''.

    >>> whose("ValueError: assignment destination is read-only")
    "This is NumPy's error, not PyTorch's: the array is read-only; write into `x.copy()`."
    """
    for pattern, words in _NEIGHBOURS:
        if re.search(pattern, text):
            return words
    for pattern, name, words in _FOREIGN:
        if re.search(pattern, text):
            return f"This is {name}'s error, not PyTorch's: {words}."
    return ""
