"""The error that PyTorch's own check would raise, word for word.

The idea: hooks switch that check off, so the unpack hook repeats it; the hint is sampled from
the PyTorch in use, and what stands after "which is output 0 of" follows its five meanings.
"""

from __future__ import annotations

import re
from typing import Any

import torch
from torch.autograd.function import BackwardCFunction

from overwritten.messages import Message
from overwritten.record.private import next_node

BACKWARD = ("backward", "grad")


def name_producer(handle, tensor, is_view, op, first_node):
    node = tensor.grad_fn
    number = node._sequence_nr() if node is not None else -1
    if op in BACKWARD or is_view:
        made_here = node is not None and number >= next_node() - 1 and bool(op)
    else:
        made_here = node is not None and (first_node is None or number >= first_node)
        made_here = made_here and (bool(op) or isinstance(node, BackwardCFunction))
    handle.own = made_here  # the saver's own result
    handle.view = (number if node is not None else True) if is_view else False
    handle.output = tensor.output_nr if made_here else 0
    handle.node = node.name() if node is not None else None


def producer_of(handle, original, node):
    """Its five meanings are told in the facts of the course, and tested one by one."""
    if handle.own and handle.view is False:
        return node.name() if node is not None else handle.node
    if handle.own:
        latest = original.grad_fn._sequence_nr() if original is not None else -1
        if latest == handle.view or latest >= next_node():
            return handle.node
        return "".join(part.capitalize() for part in handle.save.op.strip("_").split("_"))
    if original is None:
        return "AsStridedBackward0" if handle.view is not False else handle.node
    return original.grad_fn.name() if original.grad_fn is not None else None


DETACHED = (
    "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_()."
    "This is not supported, please use out-of-place `.detach()` instead"
)


def _own_words(anomaly: bool) -> tuple[str, bool]:
    """The hint as this PyTorch writes it, and whether it still says 'Backward0'."""
    with torch.autograd.set_detect_anomaly(anomaly, check_nan=False):
        x = torch.ones(1, requires_grad=True).exp()
        node: Any = x.grad_fn
        x.detach().add_(1)
        words = ""
        try:
            str(node._saved_result)
        except RuntimeError as error:
            words = str(error)
        return words.partition(" instead.")[2], "ExpBackward0" in words


(_HINT, _LONG_NAMES), (_ANOMALY_HINT, _) = _own_words(False), _own_words(True)


def text(tensor, shape, producer, output, now, expected) -> str:
    if producer and not _LONG_NAMES:
        producer = re.sub(r"Backward(\d*)$", lambda m: m[1].removeprefix("0"), producer)
    kind = tensor.type()
    if tensor.is_complex():
        kind = (
            f"{tensor.device.type.upper()}{kind.removeprefix('torch.').removesuffix('Tensor')}Type"
        )
    message = Message("overwritten", kind, shape, output, node=producer, now=now, expected=expected)
    return message.text() + (_ANOMALY_HINT if torch.is_anomaly_enabled() else _HINT)
