"""What the gradient history keeps for backward, and whether it is still as it was saved.

The idea: ask the nodes themselves. A node's `_saved_…` attribute (`saved_tensors` of a Function
of one's own) gives the tensor it kept, or raises the very error that backward would raise;
both tell the versions.
It keeps no tensor and no node, so it changes no lifetime. What `CopySlices` hides it
cannot see (facts measured on torch 2.13).
"""

from __future__ import annotations

import torch

from overwritten.messages import parse
from overwritten.record.events import Save
from overwritten.record.tensors import why_no_storage

#: A history of more nodes than this is looked at no further.
MOST_NODES = 300


class Saves:
    """Remembers by node and attribute what was seen saved, for when it can no longer be read."""

    def __init__(self, ledger):
        self._ledger, self._known, self._numbers = ledger, {}, {}

    def among(self, tensors) -> tuple[Save, ...]:
        """All that the histories of `tensors` [(name, tensor), …] hold now, oldest node first."""
        found = {}  # in order, and each once: y * y keeps y twice
        for node in sorted(_nodes(tensors), key=_number):
            for attribute in dir(node):
                if attribute.startswith("_saved_") or attribute == "saved_tensors":
                    found.update(dict.fromkeys(self._look(node, attribute, tensors)))
        return tuple(found)

    def _look(self, node, attribute, tensors):
        key = _number(node), node.name(), attribute
        number = self._numbers.setdefault(key[:2], len(self._numbers))
        try:
            value = getattr(node, attribute)
        except RuntimeError as error:
            if (message := parse(str(error))) and message.overwritten:
                for name, storage, version in self._known.get(key, ()):
                    if version == message.expected:
                        yield _save(node, number, name, storage, version, message.now)
                        break
            return  # else freed: backward has been here
        known = []  # a Function of one's own has several
        for one in value if attribute == "saved_tensors" else (value,):
            if isinstance(one, torch.Tensor) and not one.is_inference():
                name = _name(one, tensors)
                if name or one.dim():  # a bare number inside is nobody's tensor
                    storage, version = self._ledger.see(one), one._version
                    known.append((name or f"a tensor on {storage}", storage, version))
                    yield _save(node, number, *known[-1], version)
        if known:
            self._known[key] = known


def _save(node, number, tensor, storage, expects, now):
    return Save(expects, now, node=node.name(), number=number, tensor=tensor, storage=storage)


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
    return next(
        (f"a view of {n}" for n, t in plain if t.untyped_storage().data_ptr() == storage), ""
    )
