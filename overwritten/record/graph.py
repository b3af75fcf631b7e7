"""Autograd's graph as it can be asked: its nodes, what each has saved, and what became of it.

The idea: `_raw_saved_…` is the save itself, `_saved_…` (`saved_tensors` of a Function of one's
own) takes the tensor out as backward does, with PyTorch's own check and its own words.
It keeps no tensor and no node. What `CopySlices` hides it cannot see (torch 2.13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from typing import Any

import torch

from overwritten.messages import Message, parse
from overwritten.record.private import is_wrapped, storage_id, unwrapped


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
        except RuntimeError:  # backward has been here: all checks passed, all that it saved gone
            return
        for one in raw if isinstance(raw, (list, tuple)) else (raw,):
            yield name, one, attribute


#: A graph that backward has been through says the same text at each of its nodes.
_parsed = lru_cache(1000)(parse)


def taken(take: Callable[[], Any]) -> tuple[Any, Message | None]:
    """What backward would get, taken out with PyTorch's own check; the second is what PyTorch says
    of a save that was overwritten. (None, None) of one that backward has already taken."""
    try:
        return take(), None
    except RuntimeError as error:
        message = _parsed(str(error))
        return None, message if message is not None and message.overwritten else None


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
