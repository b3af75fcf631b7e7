"""The question to the graph: which of its saved tensors would backward refuse?

The idea: take each save out as backward does (`record/graph`), once, after the error.
It knows lines and calls as little as PyTorch does.
"""

from __future__ import annotations

import weakref
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from overwritten.messages import Message
from overwritten.record.graph import nodes, saves_of, storage_of, taken
from overwritten.record.private import DisableTorchFunction

#: Graphs of more nodes are held at one node of so many until their root is gone.
_DEEP, _HELD = 10_000, 512
#: Nodes whose root is gone, the newest of each graph first: whoever watches takes them off from the
#: left, outside of any node's end.
LOOSE: deque[Any] = deque()


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
    leaves: their storages. gradients: those of their `.grad`. learns: is a leaf a Parameter?
    """

    broken: tuple[Broken, ...]
    slices: tuple[int, ...]
    leaves: frozenset[int | None]
    gradients: frozenset[int | None]
    size: int
    learns: bool = False


def ask(roots: Any) -> Graph:
    """Look at every node from `roots` (tensors, or gradient edges) on."""
    broken: list[Broken] = []
    slices: list[int] = []
    leaves: set[int | None] = set()
    gradients: set[int | None] = set()
    held: list[Any] = []
    size, learns = 0, False
    with DisableTorchFunction():
        for node in nodes(roots):
            size += 1
            if size * 2654435761 % 2**32 < 2**32 // _HELD:  # as good as at random
                held.append(node)
            if type(node).__name__ == "CopySlices":
                slices.append(node._sequence_nr())
            leaf = getattr(node, "variable", None)
            if isinstance(leaf, torch.Tensor):
                leaves.add(storage_of(leaf))
                learns |= isinstance(leaf, torch.nn.Parameter)
                if leaf.grad is not None:
                    gradients.add(storage_of(leaf.grad))
            broken += _refused(node)
        if size > _DEEP:
            _let_go_in_parts(roots, held)
    known = frozenset(leaves), frozenset(gradients)
    return Graph(tuple(broken), tuple(slices), *known, size, learns)


class _Token:
    """Dies with the node in whose metadata it lies."""


def _let_go_in_parts(roots, held: list[Any]):
    """From torch 2.13 on a node that Python has seen is freed by the one before it, which is freed
    by its own, and so on: a deep graph would end in a stack overflow. So some of its nodes are held
    here, and let go after a root has died: what lies between two of them goes by itself."""
    held.sort(key=lambda node: -node._sequence_nr())
    for root in roots:
        node: Any = root.grad_fn if isinstance(root, torch.Tensor) else root.node
        if node is not None:
            node.metadata["overwritten"] = token = _Token()
            weakref.finalize(token, _loosen, held)


def _loosen(held):
    LOOSE.extend(held)
    held.clear()


def _refused(node):
    for name, raw, attribute in saves_of(node):
        hook = getattr(raw, "unpack_hook", None)
        if hook is not None:  # no check of PyTorch's there
            yield from _checkpointed(node, hook)
            continue
        _, message = taken(partial(getattr, node, attribute))
        if message is not None and getattr(raw, "data", None) is not None:
            if raw.data._version != message.now:  # several tensors in one attribute: not this one
                message = taken(raw.unpack)[1] if hasattr(raw, "unpack") else None
        if message is not None:
            yield Broken(node, name, message, getattr(raw, "data", None))


def _checkpointed(node, hook):
    """A checkpoint runs its function again, with inputs that it saved itself."""
    for cell in getattr(hook, "__closure__", None) or ():
        for raw in getattr(cell.cell_contents, "saved_args", ()):
            message = taken(raw.unpack)[1] if hasattr(raw, "unpack") else None
            if message is not None:
                yield Broken(node, "input", message, raw.data, "checkpoint")
