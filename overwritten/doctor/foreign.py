"""Errors of other libraries that people paste for PyTorch's: whose they are, in a sentence.

The idea: a row for each; the texts are those that the libraries print when an array is written.
"""

from __future__ import annotations

import re

_FOREIGN = (
    (
        r"JAX arrays are immutable|jaxlib\.\S*Array|jax\.errors\.|traced array with shape",
        "JAX",
        "its arrays are never written; `x = x.at[i].set(value)` gives a new one",
    ),
    (
        r"EagerTensor|tensorflow\.python|`?tf\.Tensor`?",
        "TensorFlow",
        "its tensors are never written; write into a `tf.Variable`, with `assign`",
    ),
    (
        r"Tensor '.*?' used in gradient computation has been modified by an inplace operation|paddle\.",
        "Paddle",
        "the rule is the same one: no write between the forward and the backward that needs the tensor",
    ),
    (
        r"(?:assignment destination|output array) is read-only",
        "NumPy",
        "the array is read-only; write into `x.copy()`",
    ),
)


def whose(text: str) -> str:
    """A sentence if `text` is an error of another library about written arrays, else ''.

    >>> whose("ValueError: assignment destination is read-only")
    "This is NumPy's error, not PyTorch's: the array is read-only; write into `x.copy()`."
    """
    found = next(
        ((name, words) for pattern, name, words in _FOREIGN if re.search(pattern, text)), None
    )
    return f"This is {found[0]}'s error, not PyTorch's: {found[1]}." if found else ""
