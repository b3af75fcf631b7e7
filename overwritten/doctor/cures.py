"""What helps against an overwrite, and what does not: a table, the first row that fits wins.

The idea: a pair of saver and writer tells the pattern, each pattern has one cure, and each line
that writes gets its own, where its source is to be had as the statements to put there.
Which pair it was, the findings know; how a line is rewritten, `rewrites`.
"""

from __future__ import annotations

from overwritten.doctor.advice import AUGMENTED, Advice, Cure, advise, module_of, no_edit
from overwritten.doctor.clones import with_clone
from overwritten.doctor.rewrites import out_of_place, target_of
from overwritten.record.events import Overwrite

_ACTIVATIONS = frozenset(
    "relu relu6 leaky_relu rrelu elu selu celu silu mish gelu hardtanh hardswish hardsigmoid sigmoid tanh threshold".split()
)
_DROPOUTS = frozenset(("dropout", "alpha_dropout", "feature_alpha_dropout"))
_PARTS = frozenset(("__setitem__", "index_put_", "masked_fill_", "index_copy_", "scatter_"))
_FILLS = frozenset(
    "normal_ uniform_ exponential_ cauchy_ log_normal_ geometric_ random_ bernoulli_".split()
)


def _leaf_again(case):
    return out_of_place(case.site, case.op, case.ops, case.part, leaf=True)


def _buffer_cloned(case):
    written = target_of(case.site, case.op)
    return with_clone(case.saver.site, written) if written else None


_SHARES = "`detach()` shares the memory and the counter; `.data` hides the error and keeps the wrong gradient"
_SAVER = "`inplace=False` in the module that saved only changes the version numbers"
_HIDES = "`.data` silences the error and gives a wrong gradient"
_OUT = "write it out of place"
_BUILT = "write it out of place, at every such line (or build the result once with `torch.stack` or `torch.cat`)"
STEP = (
    "run the forward again after the step, and go back through that one (in a GAN: D's own loss from `D(z.detach())`, "
    "D's step, then G's loss from a new `D(z)`); or do this backward first, then `zero_grad()`, and only then the "
    "other backward and the step; a state carried over from an earlier step: `detach()` it"
)
STEP_GRADIENT = (
    "after the step: that of the new weights; backward first: that of the forward as it ran"
)


def _no_saver(case):
    """Of `inplace=False` in the saver is spoken only where it is a module that has it."""
    module = case.saver.site.via.startswith("nn/modules/")
    return _SAVER if module and case.saver.op in _ACTIVATIONS | _DROPOUTS else _SHARES


CURES = (
    Cure(
        "gradient written again",
        lambda case: case.saver.of == "gradient",
        "save a copy of the gradient",
        "save a copy, `x.grad.clone()`, or take the gradient with `torch.autograd.grad(…, create_graph=True)`; "
        "for `zero_grad`, `set_to_none=True`",
        "`.grad` is one tensor, into which backward adds and which zero_grad and clipping write",
        "`retain_graph=True` keeps the graph, not the gradient that was saved",
        lambda case: with_clone(case.saver.site, ".grad"),
    ),
    Cure(
        "closure of an optimizer",
        lambda case: (
            case.site.via.startswith("optim/")
            and any(".step(" in one and ".step()" not in one for one in case.code.split("; "))
        ),
        "",
        "make the forward inside the closure that `step` calls, so that each call has a graph of its own",
        "the optimizer writes the weights between two calls of its closure",
        "`retain_graph=True` keeps the graph, not the old weights; nor does a forward after the step help the next call",
        no_edit,
        "that of the weights as each call finds them",
    ),
    Cure(
        "moving average of a model",
        lambda case: case.site.via.startswith("optim/swa_utils"),
        "",
        "call `update_parameters` after backward",
        "it wrote the averaged weights that this graph still needs",
        "`no_grad` around it: it writes under `no_grad` as it is",
        no_edit,
    ),
    Cure(
        "optimizer step",
        lambda case: case.steps(),
        "",
        STEP,
        "the step overwrote weights that this graph still needs",
        "`retain_graph=True` keeps the graph, not the old weights; an older PyTorch only hides the wrong gradient",
        no_edit,
        STEP_GRADIENT,
    ),
    Cure(
        "embedding renormalised",
        lambda case: case.op in ("embedding", "embedding_renorm_"),
        "use a `clone()` where the weight is used directly",
        "use `weight.clone()` where the weight is used directly",
        "a lookup with max_norm rewrites rows of the weight in place",
        "`detach()` shares the memory and the counter",
        lambda case: with_clone(case.saver.site, ".weight"),
    ),
    Cure(
        "buffer of a later forward",
        lambda case: case.saver.of == "buffer",
        "use a `clone()` of the buffer in the forward",
        "use a `clone()` of the buffer in the forward, or write it after backward",
        "it was written while a graph still needs it as it was",
        "`retain_graph=True` changes nothing: the values are gone; `detach()` shares them",
        _buffer_cloned,
    ),
    Cure(
        "input that is a leaf",
        lambda case: case.saver.of == "input",
        "make a new leaf at each step",
        "make a new leaf at each step: `x = (x + …).detach().requires_grad_()`",
        "the graph of the step before needs its input as it was",
        "`no_grad` allows the write, it does not protect what was saved; "
        "`.data` hides the error and keeps the wrong gradient",
        _leaf_again,
        "of the parameters that of the forward as it ran; each of the leaves has its own share",
    ),
    Cure(
        "weights written by hand",
        lambda case: case.saver.of == "weight",
        "",
        "write the weights after backward",
        "the graph saved them as they were in the forward",
        "`no_grad` allows the write, it does not protect what was saved; `.data` hides the error and keeps the wrong gradient",
        no_edit,
    ),
    Cure(
        "in-place module",
        lambda case: case.site.via.startswith("nn/modules/") and bool(case.site.module),
        "set `inplace=False` in the module that writes",
        "set `inplace=False` in the module that writes",
        "the module wrote over what the layer before it saved",
        _no_saver,
        module_of,
    ),
    Cure(
        "in-place dropout",
        lambda case: case.op in _DROPOUTS,
        _OUT,
        "leave out `inplace=True` in the dropout that writes",
        "it wrote over what the operation before it saved",
        _no_saver,
    ),
    Cure(
        "out= into a saved tensor",
        lambda case: "out=" in case.code and not case.op.endswith("_"),
        "assign the result",
        "assign the result in place of `out=…`",
        "each call then has a tensor of its own, and the saved one stays",
        "`out=x.clone()` computes into a copy that nobody has",
    ),
    Cure(
        "random fill",
        lambda case: case.op in _FILLS,
        "draw into a tensor of its own",
        "draw into a tensor of its own: `x = torch.empty_like(x).{op}(…)`",
        "the new numbers were written over the ones that were saved",
        "the same without the trailing underscore does not exist",
    ),
    Cure(
        "written part by part",
        lambda case: case.op in _PARTS,
        _BUILT,
        "build the result with `torch.where`, `torch.cat` or `torch.stack`, or write into a `clone()` at every such line",
        "all parts of a storage share one version counter, including those that were not written",
        _HIDES,
    ),
    Cure(
        "written through a view",
        lambda case: case.part,
        _BUILT,
        "the tensor written is a part of another one: build that one with `torch.cat` or `torch.stack`, "
        "or write into a `clone()` of it at every such line",
        "all parts of a storage share one version counter, including those that were not written",
        _HIDES,
    ),
    Cure(
        "in-place activation",
        lambda case: case.op.rstrip("_") in _ACTIVATIONS,
        "use the activation out of place",
        "use the activation out of place here",
        "it wrote over a tensor that an earlier operation saved",
        _SHARES,
    ),
    Cure(
        "augmented assignment",
        lambda case: case.op in AUGMENTED,
        _OUT,
        "write it out of place: `{instead}`, every such line, and use the new tensor from there on",
        "`+=` and its kin write into the storage that was saved",
        _SHARES,
    ),
    Cure(
        "any other write",
        lambda case: bool(case.ops),
        _OUT,
        "write into a `clone()`, at every such line",
        "the write changed a tensor that backward needs as it was",
        _SHARES,
    ),
    Cure(
        "no writer seen",
        lambda case: True,
        "",
        "none is known, for no line was seen that writes; to try: `guard(x)` of this package on the saved tensor, "
        "which stops at the write; or go on with a `clone()` of it behind the line that saved",
        "a copy is nobody else's",
        "`detach()` shares the memory and the counter",
        no_edit,
    ),
)


def cures_for(found: Overwrite) -> tuple[Advice, ...]:
    """What to do at each line that writes, in their order; equal advice once."""
    return advise(found, CURES)
