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
_TENSOR, _LOOK_INTO = 1, 2
#: type of an argument → what it is; filled as types are met.
_kinds: dict[type, int] = {torch.Tensor: _TENSOR, torch.nn.Parameter: _TENSOR}


def versions(args, kwargs, plain):
    """[(tensor, version)] of every tensor among the arguments, also in lists.

    plain: no tensor class of somebody's own is among them.
    """
    if kwargs:
        args = (*args, *kwargs.values())
    if not plain or transforming():
        with DisableTorchFunctionSubclass():  # a tensor class must not hear of our looking
            return _slowly(args)
    before = []
    try:
        for value in args:
            kind = _kinds.get(type(value))
            if kind is None:
                kind = _kind(type(value))
            if kind == _TENSOR:
                before.append((value, value._version))
            elif kind:
                before += [(t, t._version) for t in tensors_in(value, 1)]
    except RuntimeError:  # an inference tensor has no version
        return _slowly(args)
    return before


def moved(before):
    """Those of `before` whose counter moved; no tensor class hears of it."""
    with DisableTorchFunctionSubclass():
        return [one for one in before if one[0]._version != one[1]]


def _slowly(args):
    found = []
    for tensor in tensors_in(args, 2):
        while is_wrapped(tensor):
            tensor = unwrapped(tensor)
        if not tensor.is_inference():
            found.append((tensor, tensor._version))
    return found


def _kind(kind):
    tensor, several = issubclass(kind, torch.Tensor), issubclass(kind, (list, tuple, dict))
    _kinds[kind] = _TENSOR if tensor else _LOOK_INTO if several else 0
    return _kinds[kind]
