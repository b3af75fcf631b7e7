"""Writes that PyTorch refuses at once: leaves that require grad, one of several views.

The idea: such an error stands at the line that writes; what it does not say is who made the
tensor a leaf that requires grad, and what to write there. A note says both.
"""

from __future__ import annotations

import gc
from weakref import ref

import torch

from overwritten.doctor.advice import Cure, advise, module_of
from overwritten.doctor.logs import Event, Logs
from overwritten.doctor.rewrites import under_no_grad
from overwritten.messages import parse
from overwritten.record.events import Overwrite, Save, Write
from overwritten.record.private import DisableTorchFunction
from overwritten.record.tensors import tensors_in

_LEAVES = ("leaf", "view of a leaf")
#: Kinds of `overwritten.messages.KINDS` that have a cure here.
_KINDS = (*_LEAVES, "one of several views", "view of a custom Function")

REFUSED_CURES = (
    Cure(
        "weight written",
        lambda case: case.saver.of == "weight",
        "write a weight under `no_grad`, before the forward or after backward",
        "write a weight under `torch.no_grad()`, before the forward or after backward",
        "what autograd is to differentiate by must not be the result of an operation",
        "`w = w + …` makes another tensor: `.grad` of that one stays None, and an optimizer still holds the old one",
        lambda case: under_no_grad(case.site, case.op),
        "the write takes no part in it",
    ),
    Cure(
        "in-place module",
        lambda case: case.site.via.startswith("nn/modules/") and bool(case.site.module),
        "set `inplace=False` in the module that writes",
        "set `inplace=False` in the module that writes",
        "the module then makes a tensor of its own",
        "`.data` hides the error and leaves the write out of the gradient",
        module_of,
    ),
    Cure(
        "leaf written",
        lambda case: case.saver.of == "input",
        "write it out of place",
        "write it out of place, and use the new tensor from there on",
        "the leaf stays as it is, and the new tensor is a result as any other",
        "`no_grad` allows the write and leaves it out of the gradient; `.data` and `detach()` as well",
    ),
    Cure(
        "view written",
        lambda case: True,
        "write it out of place",
        "write it out of place, and use the new tensor from there on",
        "a view that shares its making with others cannot be written; a new tensor can",
        "`.data` hides the error and leaves the write out of the gradient",
    ),
)


def refusal(error: BaseException, event: Event, args, logs: Logs):
    """(the write, who made it a leaf, the cures) for an error at a write; None for any other.

    args: of the call that raised, its tensors and those in lists.
    """
    message = parse(str(error)) if isinstance(error, RuntimeError) else None
    if message is None or message.kind not in _KINDS:
        return None
    write = Write(event.op, None, None, site=event.site)
    leaf, of = None, ""
    asked: Event | str = ""
    with DisableTorchFunction():
        if message.kind in _LEAVES:
            leaf, part = _leaf(args)
            asked = _asked(leaf, logs)
            of = _kind(leaf, asked)
            write = Write(event.op, None, None, site=event.site, part=part)
        whose = _parameter(leaf)
    cures = advise(Overwrite(Save(0, 0, of=of), (write,)), REFUSED_CURES)
    return write, asked or whose, cures


def _leaf(args):
    """(the first leaf that requires grad, is it written through a view?)."""
    for tensor in tensors_in(args):
        base = tensor._base if tensor._is_view() else tensor
        if base.is_leaf and base.requires_grad:
            return base, base is not tensor
    return None, False


def _asked(leaf, logs) -> Event | str:
    """The call that made it require grad, the last one."""
    asked = [event for known, event in logs.asked if leaf is not None and known() is leaf]
    return asked[-1] if asked else ""


def _kind(leaf, asked):
    """A weight, which the program steps; or an input or a result that somebody made a leaf."""
    made = getattr(asked, "op", "")
    parameter = isinstance(leaf, torch.nn.Parameter)
    return "weight" if parameter or made not in ("requires_grad_", "__set__") else "input"


def _parameter(leaf) -> str:
    """'Net.head.weight', of a parameter; the longest such path, for modules lie in each other."""
    if not isinstance(leaf, torch.nn.Parameter):
        return ""
    paths = [""]
    for module in gc.get_objects():
        if issubclass(type(module), torch.nn.Module):
            named = vars(module).get("_parameters") is not None and module.named_parameters()
            paths += [f"{type(module).__name__}.{n}" for n, p in named or () if p is leaf]
    return max(paths, key=len)


def note_asked(logs: Logs, tensor: torch.Tensor, event: Event):
    """`tensor` was made to require grad."""
    logs.asked.append((ref(tensor), event))


def forget_asked(logs: Logs, numbers: set[int]):
    """Nothing refers to the tensors with these ids any more."""
    left = [one for one in logs.asked if id(one[0]()) not in numbers]
    logs.asked.clear()
    logs.asked.extend(left)
