"""What helps against an overwrite, and what does not: a table, the first row that fits wins.

The idea: a pair of saver and writer tells the pattern, and each pattern has one cure.
Data only; which pair it was, the diagnosis knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from overwritten.record.events import Save, Write

#: in-place call → the same as a statement, out of place.
AUGMENTED = {
    "add_": "x = x + …", "sub_": "x = x - …", "mul_": "x = x * …", "div_": "x = x / …",
    "pow_": "x = x ** …", "__iadd__": "x = x + …", "__imul__": "x = x * …",
}  # fmt: skip
_ACTIVATIONS = frozenset(
    "relu relu6 leaky_relu rrelu elu selu celu silu mish gelu hardtanh hardswish hardsigmoid sigmoid tanh threshold".split()
)


@dataclass(frozen=True)
class Cure:
    """name: of the pattern. fits: does it suit this saver and this writer?

    does: what to change. because: why it helps. vain: what does not.
    """

    name: str
    fits: Callable[[Save, Write], bool]
    does: str
    because: str
    vain: str


def _in_module(saver, writer):
    return writer.site.via.startswith("nn/modules/") and "(" in writer.site.module


CURES = (
    Cure(
        "optimizer step",
        lambda saver, writer: writer.site.via.startswith("optim/"),
        "run the forward again after the step; or detach() a state that is carried over from an earlier step; "
        "or call step() after every backward that needs these weights, with no zero_grad() in between",
        "the step overwrote weights that this graph still needs",
        "`retain_graph=True` keeps the graph, not the old weights; an older PyTorch only hides the wrong gradient",
    ),
    Cure(
        "embedding renormalised",
        lambda saver, writer: writer.op in ("embedding", "embedding_renorm_"),
        "use `weight.clone()` where the weight is used directly",
        "a lookup with max_norm rewrites rows of the weight in place",
        "`detach()` shares the memory and the counter",
    ),
    Cure(
        "buffer of a later forward",
        lambda saver, writer: saver.of == "buffer",
        "use a `clone()` of the buffer in the forward, or write it after backward",
        "the next forward wrote the buffer that the first one's graph still needs",
        "`retain_graph=True` changes nothing: the values are gone",
    ),
    Cure(
        "in-place module",
        lambda saver, writer: (
            _in_module(saver, writer) or writer.op in ("dropout", "alpha_dropout")
        ),
        "set `inplace=False` in the module that writes",
        "the module wrote over what the layer before it saved",
        "`inplace=False` in the module that saved only changes the version numbers",
    ),
    Cure(
        "weights written by hand",
        lambda saver, writer: saver.of == "weight",
        "write the weights after backward",
        "the graph saved them as they were in the forward",
        "`no_grad` allows the write, it does not protect what was saved; `.data` hides the error and keeps the wrong gradient",
    ),
    Cure(
        "written part by part",
        lambda saver, writer: (
            writer.op in ("__setitem__", "index_put_", "masked_fill_", "index_copy_", "scatter_")
        ),
        "build the result with `torch.where`, `torch.cat` or `torch.stack`, or write into a `clone()`",
        "all parts of a storage share one version counter, also those that were not written",
        "`.data` silences the error and gives a wrong gradient",
    ),
    Cure(
        "in-place activation",
        lambda saver, writer: writer.op.rstrip("_") in _ACTIVATIONS,
        "use the activation out of place here",
        "it wrote over a tensor that an earlier operation saved",
        "taking `inplace` from the operation that saved only changes the version numbers",
    ),
    Cure(
        "augmented assignment",
        lambda saver, writer: writer.op in AUGMENTED,
        "write it out of place: `{instead}`, every such line, and use the new tensor from there on",
        "`+=` and its kin write into the storage that was saved",
        "`inplace=False` in the operation that saved, where it has one, only changes the version numbers",
    ),
    Cure(
        "any other write",
        lambda saver, writer: True,
        "write into a `clone()`, or use the operation without the trailing underscore",
        "the write changed a tensor that backward needs as it was",
        "`detach()` shares the memory and the counter; `.data` hides the error and keeps the wrong gradient",
    ),
)


def cure_for(saver: Save, writers: tuple[Write, ...]) -> Cure | None:
    """The first that fits the last writer; None where no writer was seen."""
    if not writers:
        return None
    return next(cure for cure in CURES if cure.fits(saver, writers[-1]))
