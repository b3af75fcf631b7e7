"""The question to the graph: which of its saved tensors would backward refuse?

The idea: autograd's nodes can be asked. `_raw_saved_…` is the save itself, `_saved_…` takes the
tensor out as backward does, with PyTorch's own check and its own words.
It asks once, after the error; it knows lines and calls as little as PyTorch does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch

from overwritten.messages import Message, parse
from overwritten.record.private import DisableTorchFunction, is_wrapped, storage_id, unwrapped


@dataclass(frozen=True, eq=False)
class Broken:
    """A save that was overwritten. name: what its node calls it. message: what PyTorch says, with
    both versions and the shape.

    tensor: what was saved, as it is now; None where this PyTorch does not show it (2.6).
    call: 'checkpoint' for an input that a checkpoint keeps to run its function again.
    """

    node: Any
    name: str
    message: Message
    tensor: torch.Tensor | None
    call: str = ""

    @property
    def number(self) -> int:
        return self.node._sequence_nr()

    @property
    def storage(self) -> int | None:
        return None if self.tensor is None else storage_of(self.tensor)


@dataclass(frozen=True)
class Graph:
    """What the roots lead to. broken: its overwritten saves. size: how many nodes.

    slices: the numbers of the nodes (`CopySlices`) that hide what the node inside them saved.
    gradients: the storages of `.grad` of its leaves.
    """

    broken: tuple[Broken, ...]
    slices: tuple[int, ...]
    gradients: frozenset[int | None]
    size: int


def ask(roots: Any) -> Graph:
    """Look at every node from `roots` (tensors, or gradient edges) on."""
    broken: list[Broken] = []
    slices: list[int] = []
    gradients: set[int | None] = set()
    size = 0
    with DisableTorchFunction():
        for node in nodes(roots):
            size += 1
            if type(node).__name__ == "CopySlices":
                slices.append(node._sequence_nr())
            leaf = getattr(node, "variable", None)
            if isinstance(leaf, torch.Tensor) and leaf.grad is not None:
                gradients.add(storage_of(leaf.grad))
            broken += _refused(node)
    return Graph(tuple(broken), tuple(slices), frozenset(gradients), size)


def nodes(roots: Any, since: int = 0) -> Iterator[Any]:
    """Every node that `roots` lead to, each once; since: through nodes from that number on only."""
    waiting = [root.grad_fn if isinstance(root, torch.Tensor) else root.node for root in roots]
    seen = set()
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen and node._sequence_nr() >= since:
            seen.add(node)
            yield node
            waiting += [parent for parent, _ in node.next_functions]


def saves_of(node: Any) -> Iterator[tuple[str, Any, str]]:
    """(name, the `SavedTensor`, the attribute that takes it out) of each save still held."""
    kind: Any = type(node)
    for name, attribute in _attributes(kind):
        try:
            raw = getattr(node, "_raw_saved_" + name)
        except RuntimeError:  # taken out: backward has been here, and the check was passed
            continue
        for one in raw if isinstance(raw, (list, tuple)) else (raw,):
            yield name, one, attribute


def storage_of(tensor: torch.Tensor) -> int | None:
    """Which storage, as a number; None for a tensor that has none to show."""
    try:
        return storage_id(tensor)
    except (NotImplementedError, RuntimeError):  # sparse, or wrapped by a transform of torch.func
        return storage_of(unwrapped(tensor)) if is_wrapped(tensor) else None


@cache
def _attributes(kind):
    names = [name[11:] for name in dir(kind) if name.startswith("_raw_saved_")]
    return [(n, "saved_tensors" if n == "tensors" else "_saved_" + n) for n in names]


def _refused(node):
    for name, raw, attribute in saves_of(node):
        hook = getattr(raw, "unpack_hook", None)
        if hook is not None:  # no check of PyTorch's there
            yield from _checkpointed(node, hook)
            continue
        message = _message(partial(getattr, node, attribute))
        if message is not None and getattr(raw, "data", None) is not None:
            if raw.data._version != message.now:  # several tensors in one attribute: not this one
                message = _message(raw.unpack)
        if message is not None:
            yield Broken(node, name, message, getattr(raw, "data", None))


def _checkpointed(node, hook):
    """A checkpoint runs its function again, with inputs that it saved itself."""
    for cell in getattr(hook, "__closure__", None) or ():
        for raw in getattr(cell.cell_contents, "saved_args", ()):
            message = _message(raw.unpack) if hasattr(raw, "unpack") else None
            if message is not None:
                yield Broken(node, "input", message, raw.data, "checkpoint")


def _message(take):
    """What PyTorch says when a saved tensor is taken out, None if it lets it pass."""
    try:
        take()
    except RuntimeError as error:
        message = parse(str(error))
        return message if message is not None and message.overwritten else None
    return None
