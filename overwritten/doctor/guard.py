"""guard(tensor): a write to this tensor's storage raises at the line that writes.

The idea: a function mode looks at every torch call of the thread. Where the call's name or schema
says that an argument is written, and it shares the guarded storage, the call is not made at all;
any other write is noticed by the version counter, right after it has happened.
It does not see NumPy, DLPack, kernels of one's own and other C++, nor threads begun before it.
"""

from __future__ import annotations

import functools
import sys
import threading

import torch
from torch.overrides import TorchFunctionMode

from overwritten.doctor.doors import Door, take_off
from overwritten.doctor.places import own_frame
from overwritten.record.calls import LOOKS_ONLY
from overwritten.record.private import (
    DeviceContext,
    DisableTorchFunctionSubclass,
    modes_on,
    pop_mode,
    push_mode,
    schemas_of,
)
from overwritten.record.tensors import tensors_in, version_of

#: In-place by their names, and yet they change the label alone, never the bytes.
RELABELS = frozenset(
    "requires_grad_ detach_ rename_ t_ squeeze_ unsqueeze_ transpose_ swapaxes_ swapdims_ "
    "as_strided_ share_memory_ set_ resize_ resize_as_ retain_grad_".split()
)


class guard(TorchFunctionMode):
    """Until released, a write to this tensor's storage raises RuntimeError at the line that writes.

    The storage is what is guarded: a write through any view, `.data` or `detach()` counts, also
    one beside the elements that the tensor itself shows. In-place operations, `out=`, an
    assignment to `x[…]` and the optimizers' `_foreach_` and `_fused_` steps raise before they
    write; what writes otherwise (`F.relu(x, inplace=True)`, a gradient that backward adds to) is
    noticed by the version counter just after, and the error says so.
    Not seen: writes that move no counter (NumPy, DLPack, C++ by pointer, the running statistics
    of a batch norm), threads begun before the guard, what torch.compile made.
    It costs a little at every torch call: release it.

    tensor: any with a storage; TypeError for anything else.

    >>> import torch
    >>> x = torch.zeros(3)
    >>> with guard(x):
    ...     try:
    ...         x[1:].data.add_(1)
    ...     except RuntimeError as error:
    ...         print(str(error).split(" at ")[0], x.tolist())
    add_ [0.0, 0.0, 0.0]
    """

    def __init__(self, tensor: torch.Tensor):
        if not isinstance(tensor, torch.Tensor) or _storage(tensor) is None:
            raise TypeError(
                f"guard() takes a tensor that has a storage, not {type(tensor).__name__}"
            )
        super().__init__()
        self._tensor, self._storage = tensor, _storage(tensor)
        self._set_at = _place(sys._getframe(1))
        self._released = False
        self._restore = _in_new_threads(self)
        _beneath_all(self)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.release()

    def release(self):
        """From here on the tensor may be written again; a second call does nothing."""
        if not self._released:
            self._released = True
            self._restore()
            take_off(self)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.__name__
        if self._released or name in LOOKS_ONLY or name in RELABELS:
            return func(*args, **kwargs)
        with DisableTorchFunctionSubclass():
            if any(map(self._shares, _written(name, args, kwargs))):
                raise RuntimeError(self._sentence(name, "would write"))
            given = [self._tensor, *filter(self._shares, tensors_in([args, kwargs]))]
            before = [version_of(tensor) for tensor in given]
        result = func(*args, **kwargs)
        with DisableTorchFunctionSubclass():
            if [version_of(tensor) for tensor in given] != before:
                raise RuntimeError(self._sentence(name, "has written"))
        return result

    def _shares(self, tensor):
        return _storage(tensor) == self._storage

    def _sentence(self, name, does):
        here = _place(sys._getframe(2))
        return f"{name} at {here} {does} into the storage that is guarded since {self._set_at}"


def _place(frame):
    frame = own_frame(frame)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def _storage(tensor):
    try:
        return tensor.untyped_storage()._cdata
    except (NotImplementedError, RuntimeError):  # sparse, or wrapped by a transform
        return None


def _written(name, args, kwargs):
    """The tensors that this call is about to write, as far as its name and schema tell."""
    yield from tensors_in(kwargs.get("out"))
    places, names = _writes(name)
    for place in places:
        yield from tensors_in(args[place] if place < len(args) else None)
    for key in names:
        yield from tensors_in(kwargs.get(key))


@functools.lru_cache(None)
def _writes(name) -> tuple[frozenset, frozenset]:
    """(positions, keywords) of the arguments that a call of this name writes."""
    if not (name == "__setitem__" or _in_place(name)):
        return frozenset(), frozenset()
    schemas = schemas_of(f"aten::{name}")
    found = {
        (place, argument.name)
        for schema in schemas
        for place, argument in enumerate(schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    }
    found |= {(0, "tensor")}  # `__setitem__`, `__iadd__`, those of `nn.init`
    return frozenset(place for place, _ in found), frozenset(key for _, key in found)


def _in_place(name):
    if name.startswith("__"):  # __iadd__, but not __int__, __invert__, __index__, __iter__
        return name.startswith("__i") and name not in (
            "__int__",
            "__invert__",
            "__index__",
            "__iter__",
        )
    return name.endswith("_")


def _in_new_threads(mode):
    """Modes are a thread's own: a thread begun from here on puts this one on as well."""
    door = Door(threading.Thread, "_bootstrap_inner")

    def guarded(thread):
        if not mode._released:
            _beneath_all(mode)
        return door.below(thread)

    return door.put(guarded)


def _beneath_all(mode):
    """Under every other mode but the default device, which insists on the lowest place."""
    above = []
    while modes_on():
        above.append(pop_mode())
    if above and isinstance(above[-1], DeviceContext):
        push_mode(above.pop())
    push_mode(mode)
    for one in reversed(above):
        push_mode(one)
