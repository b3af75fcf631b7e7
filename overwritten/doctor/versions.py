"""The version counters of a call's arguments: read before it, and asked for after it.

The idea: nearly every argument is a plain tensor or none, so its type is looked up and its counter
read; lists, tensor classes and what torch.func wraps take the slow way.
It reads counters; what moved one, the watch knows.
"""

from __future__ import annotations

import torch

from overwritten.record.private import (
    DisableTorchFunctionSubclass,
    is_wrapped,
    transforming,
    unwrapped,
)
from overwritten.record.tensors import tensors_in

PLAIN = frozenset((torch.Tensor, torch.nn.Parameter))
#: type of an argument → may tensors be found in it? Filled as types are met.
_kinds: dict[type, bool] = {}


def versions(args, kwargs, plain):
    """[(tensor, version)] of every tensor among the arguments, also in lists.

    plain: no tensor class of somebody's own is among them.
    """
    if not plain or transforming():
        with DisableTorchFunctionSubclass():  # a tensor class must not hear of our looking
            return _slowly(args, kwargs)
    before = []
    try:
        for value in args:
            if type(value) in PLAIN:
                before.append((value, value._version))
            elif _looked_into(type(value)):
                before += [(t, t._version) for t in tensors_in(value, 1)]
        if kwargs:
            for value in kwargs.values():
                if _looked_into(type(value)):
                    before += [(t, t._version) for t in tensors_in(value, 1)]
    except RecursionError:  # the program is at its limit, and so are we
        return []
    except RuntimeError:  # an inference tensor has no version
        return _slowly(args, kwargs)
    return before


def moved(before):
    """Those of `before` whose counter moved; no tensor class hears of it."""
    with DisableTorchFunctionSubclass():
        return [one for one in before if one[0]._version != one[1]]


def _slowly(args, kwargs):
    found = []
    for tensor in tensors_in((*args, *(kwargs or {}).values()), 2):
        while is_wrapped(tensor):
            tensor = unwrapped(tensor)
        if not tensor.is_inference():
            found.append((tensor, tensor._version))
    return found


def _looked_into(kind):
    known = _kinds.get(kind)
    if known is None:
        known = _kinds[kind] = issubclass(kind, (torch.Tensor, list, tuple, dict))
    return known
