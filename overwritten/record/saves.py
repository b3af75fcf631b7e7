"""What the gradient history keeps for backward, and whether it is still as it was saved.

The idea: take each save out as backward does (`record/graph`): what comes is the tensor, or
PyTorch's own error; both tell the versions.
It keeps no tensor and no node, so it changes no lifetime.
"""

from __future__ import annotations

from functools import partial
from itertools import islice

import torch

from overwritten.record.events import Save
from overwritten.record.graph import nodes, saves_of, taken
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
        roots = [tensor for _, tensor in tensors if tensor.grad_fn is not None]
        for node in sorted(islice(nodes(roots), MOST_NODES), key=_number):
            for attribute in dict.fromkeys(attribute for _, _, attribute in saves_of(node)):
                found.update(dict.fromkeys(self._look(node, attribute, tensors)))
        return tuple(found)

    def _look(self, node, attribute, tensors):
        key = _number(node), node.name(), attribute
        number = self._numbers.setdefault(key[:2], len(self._numbers))
        value, message = taken(partial(getattr, node, attribute))
        if message is not None:
            for name, storage, version in self._known.get(key, ()):
                if version == message.expected:
                    yield _save(node, number, name, storage, version, message.now)
                    break
            return
        known = []  # a Function of one's own has several
        for one in (value or ()) if attribute == "saved_tensors" else (value,):
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
