"""What the gradient history keeps for backward, and whether it is still as it was saved.

The idea: ask the nodes themselves. A node's `_saved_…` attribute gives the tensor it kept,
or raises the very error that backward would raise; both tell the versions.
It keeps no tensor and no node, so it changes no lifetime. What `CopySlices` hides it
cannot see (facts measured on torch 2.13).
"""

from __future__ import annotations

import torch

from overwritten.messages import parse
from overwritten.recording import Saved
from overwritten.tensors import why_no_storage

#: A history of more nodes than this is looked at no further.
MOST_NODES = 300


class Saves:
    """Remembers by node and attribute what was seen saved, for when it can no longer be read."""

    def __init__(self, ledger):
        self._ledger, self._known, self._numbers = ledger, {}, {}

    def among(self, tensors) -> tuple[Saved, ...]:
        """All that the histories of `tensors` [(name, tensor), …] hold now, oldest node first."""
        found = {}  # in order, and each once: y * y keeps y twice
        for node in sorted(_nodes(tensors), key=_number):
            for attribute in dir(node):
                if attribute.startswith("_saved_"):
                    found.update(dict.fromkeys(self._look(node, attribute, tensors)))
        return tuple(found)

    def _look(self, node, attribute, tensors):
        key = _number(node), node.name(), attribute
        number = self._numbers.setdefault(key[:2], len(self._numbers))
        try:
            value = getattr(node, attribute)
        except RuntimeError as error:
            message = parse(str(error))
            if message and message.now is not None and key in self._known:
                name, storage = self._known[key]
                yield Saved(node.name(), name, storage, message.expected, message.now, number)
            return  # else freed: backward has been here
        if isinstance(value, torch.Tensor) and not value.is_inference():
            name = _name(value, tensors)
            if name or value.dim():  # a bare number inside is nobody's tensor
                storage = self._ledger.see(value)
                self._known[key] = name or f"a tensor on {storage}", storage
                yield Saved(node.name(), self._known[key][0], storage, value._version, value._version, number)


def _nodes(tensors):
    waiting = [tensor.grad_fn for _, tensor in tensors if tensor.grad_fn is not None]
    nodes = {}
    while waiting and len(nodes) < MOST_NODES:
        node = waiting.pop()
        if node is not None and node not in nodes:
            nodes[node] = True
            waiting += [parent for parent, _ in node.next_functions]
    return nodes


def _number(node) -> int:
    """Nodes are numbered as the operations ran; leaves' AccumulateGrad comes last."""
    return min(node._sequence_nr(), 2**62)


def _name(value, tensors):
    plain = [(name, t) for name, t in tensors if not why_no_storage(t)]
    if why_no_storage(value):
        return ""
    place = value.data_ptr(), value.shape, value.stride()
    for name, tensor in plain:
        if (tensor.data_ptr(), tensor.shape, tensor.stride()) == place:
            return name
    storage = value.untyped_storage().data_ptr()
    return next((f"a view of {n}" for n, t in plain if t.untyped_storage().data_ptr() == storage), "")
