"""What helps where a gradient is wrong and nothing raises: the table for silent finds.

The idea: as in `cures`, the first row that fits; here what was found tells more than the line.
"""

from __future__ import annotations

from overwritten.doctor.advice import Advice, Cure, advise, no_edit
from overwritten.doctor.cures import STEP, STEP_GRADIENT
from overwritten.record.events import CAST, CONTEXT, GRADIENT, Overwrite

_RUNNING = frozenset(("batch_norm", "instance_norm"))
_AGAIN = "write out of place inside the function that is checkpointed"

SILENT_CURES = (
    Cure(
        "gradient written in place",
        lambda case: case.found.kind == GRADIENT,
        "return a new gradient instead",
        "return a new gradient instead, as `g * 0.1` for `g.mul_(0.1)`",
        "backward hands the same tensor to several operations; PyTorch forbids to change it",
        "`g.detach()` and `g.data` are the same memory",
    ),
    Cure(
        "attribute of ctx",
        lambda case: case.found.kind == CONTEXT,
        "keep the tensor with `ctx.save_for_backward` and take it from `ctx.saved_tensors`, so that an error names "
        "a write; and write out of place",
        "keep the tensor with `ctx.save_for_backward` and take it from `ctx.saved_tensors`, so that an error names "
        "a write; and write out of place",
        "only what is saved so is checked when backward takes it",
        "`detach()` before it is kept is the same memory",
    ),
    Cure(
        "cast that autocast keeps",
        lambda case: case.found.kind == CAST,
        "",
        "leave the autocast block before the step, or use `torch.autocast(…, cache_enabled=False)`",
        "inside one block autocast casts each weight once, whatever is written into it afterwards",
        "a smaller learning rate: the casts stand still until the block ends",
        no_edit,
    ),
    Cure(
        "optimizer step past the counter",
        lambda case: case.steps(),
        "",
        STEP,
        "a fused step writes the weights and moves no counter, so that PyTorch cannot refuse",
        "`fused=False` only turns the wrong gradient into an error",
        no_edit,
        STEP_GRADIENT,
    ),
    Cure(
        "running statistics",
        lambda case: case.op in _RUNNING,
        "",
        "run the forward in train mode before the one in eval mode, or backward before it",
        "eval mode saves the running statistics, train mode writes them and moves no counter",
        "`no_grad` around the second forward: the statistics are written all the same",
        no_edit,
        "backward first: that of the forward as it ran; train mode first: that of the new statistics",
    ),
    Cure(
        "forward that runs again",
        lambda case: not case.ops or case.writer.before is not None,
        _AGAIN,
        _AGAIN,
        "it runs again for backward, and finds or leaves there what its own write has made",
        "`preserve_rng_state` is about random numbers only",
    ),
    Cure(
        "written again by a checkpoint",
        lambda case: case.saver.of == "again",
        _AGAIN,
        _AGAIN,
        "it runs again for backward, so that its write into an input is done twice",
        "`use_reentrant=False` runs it again, too",
    ),
    Cure(
        "write that is hidden",
        lambda case: True,
        "write out of place",
        "write out of place, into a `clone()`, or before the forward; a kernel of your own declares it (`mutates_args`)",
        "`.data`, NumPy and kernels that get a pointer change what was saved and move no counter",
        "`torch.autograd.graph.increment_version` only turns the wrong gradient into an error",
        gradient="that of the forward as it ran, where a write through `.data` takes no part",
    ),
)


def silent_cures(found: Overwrite) -> tuple[Advice, ...]:
    """As `cures.cures_for`, of what raised nothing."""
    return advise(found, SILENT_CURES)
