"""What helps against an overwrite, and what does not: a table, the first row that fits wins.

The idea: a pair of saver and writer tells the pattern, and each pattern has one cure.
Data only; which pair it was, the diagnosis knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from overwritten.record.events import CAST, CONTEXT, GRADIENT, Overwrite, Save, Write

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


@dataclass(frozen=True)
class SilentCure:
    """As `Cure`, where nothing raises. fits: does it suit what was found?"""

    name: str
    fits: Callable[[Overwrite], bool]
    does: str
    because: str
    vain: str


_RUNNING = frozenset(("batch_norm", "instance_norm"))


def _last(found):
    return found.writers[-1] if found.writers else Write("", None, None)


SILENT_CURES = (
    SilentCure(
        "gradient written in place",
        lambda found: found.kind == GRADIENT,
        "return a new gradient instead, as `g * 0.1` for `g.mul_(0.1)`",
        "backward hands the same tensor to several operations; PyTorch forbids to change it",
        "`g.detach()` and `g.data` are the same memory",
    ),
    SilentCure(
        "attribute of ctx",
        lambda found: found.kind == CONTEXT,
        "keep the tensor with `ctx.save_for_backward` and take it from `ctx.saved_tensors`",
        "only what is saved so is checked when backward takes it; an error then names the write",
        "`detach()` before it is kept is the same memory",
    ),
    SilentCure(
        "cast that autocast keeps",
        lambda found: found.kind == CAST,
        "leave the autocast block before the step, or use `torch.autocast(…, cache_enabled=False)`",
        "inside one block autocast casts each weight once, whatever is written into it afterwards",
        "a smaller learning rate: the casts stand still until the block ends",
    ),
    SilentCure(
        "optimizer step past the counter",
        lambda found: _last(found).site.via.startswith("optim/"),
        "run the forward again after the step, or take the step after every backward that needs these weights",
        "a fused step writes the weights and moves no counter, so that PyTorch cannot refuse",
        "`fused=False` only turns the wrong gradient into an error",
    ),
    SilentCure(
        "running statistics",
        lambda found: _last(found).op in _RUNNING,
        "run the forward in train mode before the one in eval mode, or backward before it",
        "eval mode saves the running statistics, train mode writes them and moves no counter",
        "`no_grad` around the second forward: the statistics are written all the same",
    ),
    SilentCure(
        "forward that runs again",
        lambda found: not found.writers or _last(found).before is not None,
        "write out of place inside the function that is checkpointed",
        "it runs again for backward, and finds or leaves there what its own write has made",
        "`preserve_rng_state` is about random numbers only",
    ),
    SilentCure(
        "written again by a checkpoint",
        lambda found: bool(found.saver and found.saver.of == "again"),
        "write out of place inside the function that is checkpointed",
        "it runs again for backward, so that its write into an input is done twice",
        "`use_reentrant=False` runs it again, too",
    ),
    SilentCure(
        "write that is hidden",
        lambda found: True,
        "write out of place, into a `clone()`, or before the forward",
        "`.data`, NumPy and kernels that get a pointer change what was saved and move no counter",
        "`torch.autograd.graph.increment_version` only turns the wrong gradient into an error",
    ),
)


def silent_cure(found: Overwrite) -> SilentCure:
    """The first that fits."""
    return next(cure for cure in SILENT_CURES if cure.fits(found))
