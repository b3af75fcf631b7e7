"""The bytes of what is saved, copied while somebody needs them: what the healed run lives on.

The idea: one copy for each content of each stretch of memory, shared by all who save it; a save is
healed where its tensor is no longer what it was. Copies stand in the computer's own memory, and
are no more made where that runs short.
It does not know who wrote, and tells nobody.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch.autograd.function import BackwardCFunction

from overwritten.doctor.handles import Handle
from overwritten.doctor.stretches import Stretch, Stretches, readable, same
from overwritten.record.graph import storage_of
from overwritten.record.private import transforming

#: So many bytes are copied between two looks at the memory that is left.
_BETWEEN = 64 << 20
_CGROUP = "/sys/fs/cgroup/memory."


class Kept:
    """A save. tensor: what PyTorch would have kept, with its memory and its counter.

    handle: its bytes as they were, None where they cannot be read. version, storage, order: as
    they were then, and when that was. calls, number: which of a thread's nodes saves. own: its own
    result. fault: once it is known; state: the version and the number of changes it was known by.
    """

    def __init__(self, tensor: torch.Tensor, calls, number: int, order: int, since: int):
        base: Any = tensor._base if tensor._is_view() else tensor
        made = None if base.is_leaf or base is not tensor else base.grad_fn
        self.own = made is not None and (
            made._sequence_nr() >= since or isinstance(made, BackwardCFunction)
        )
        # an own result would hold its node, and the node this save; a view's history is not asked
        # for: a question may make a new one
        self.tensor = tensor if not self.own and (made or base.is_leaf) else tensor.detach()
        self.version, self.storage = tensor._version, storage_of(tensor)
        self.calls, self.number, self.order = calls, number, order
        self.handle: Handle | None = None
        self.fault: Any = None
        self.state = (0, 0)

    @property
    def ticked(self) -> bool:
        return self.tensor._version != self.version

    def changed(self) -> bool:
        """Are the bytes others now? Also where the tensor lies elsewhere (`x.data = …`)."""
        if self.handle is None:
            return False
        if transforming():  # of the bytes nothing can be said there
            return self.ticked
        if not readable(self.tensor):
            return True
        tensor, stretch, first = self.tensor, self.handle.stretch, self.handle.first
        if tensor is stretch.tensor or tensor.data_ptr() == stretch.at:
            return stretch.kept is not first and not same(stretch.kept, first)
        return not same(tensor, first)

    def healed(self) -> torch.Tensor:
        """As it was; backward may write into it."""
        assert self.handle is not None
        return self.handle.first.to(self.tensor.device, copy=True)


class _Unlisted(Stretches):
    """Looked at one by one: a list would hold copies that nobody needs any more."""

    def _add(self, stretch):
        pass


class Copies:
    """All of them. stretches: the memory under watch, the strict watch's if it is on.

    made: how many there were. bytes, most: of those that are needed now, and at most at one time.
    """

    def __init__(self, stretches: Stretches | None):
        self.stretches = stretches or _Unlisted()
        self.made = self.bytes = self.most = 0
        self._known: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
        self._alive: dict[int, weakref.ref] = {}
        self._unlooked = 0

    def handle(self, tensor: torch.Tensor, wrote) -> Handle | None:
        """For a save that begins now. wrote: function() → the `Write` to put down for a change that
        is noticed now. Raises MemoryError where a copy does not fit."""
        if not readable(tensor):
            return None
        try:
            handle = Handle(self._stretch(tensor, wrote), None)
        except RuntimeError as error:  # PyTorch's allocator says it so
            raise MemoryError(str(error)) from error
        self._count(handle.first)
        return handle

    def _stretch(self, tensor, wrote) -> Stretch:
        where = storage_of(tensor), tensor.data_ptr(), tensor.dtype
        key = *where, tensor.shape, tensor.stride(), tensor.is_conj(), tensor.is_neg()
        stretch = self._known.get(key)
        if stretch is not None and stretch.tensor.data_ptr() == tensor.data_ptr():
            self.stretches.look_one(stretch, wrote)
            return stretch
        stretch = self.stretches.of(tensor)
        assert stretch is not None
        self.stretches.look_one(stretch, wrote)
        self._known[key] = stretch
        return stretch

    def _count(self, first):
        number, size = id(first), first.numel() * first.itemsize
        if number in self._alive:
            return

        def gone(_):
            del self._alive[number]
            self.bytes -= size

        self._alive[number] = weakref.ref(first, gone)
        self.made += 1
        self.bytes += size
        self.most = max(self.most, self.bytes)
        self._unlooked += size
        if self._unlooked >= _BETWEEN:
            self._unlooked, left = 0, available()
            if left is not None and self.bytes > left:
                raise MemoryError(f"the copies take {told(self.bytes)}, {told(left)} are left")


def available() -> int | None:
    """Bytes that a program can still take here; None where nobody says (Linux does)."""
    left = []
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            left += [int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvai")]
    except OSError:
        return None
    try:  # a container's own limit
        with open(_CGROUP + "max", encoding="ascii") as most:
            with open(_CGROUP + "current", encoding="ascii") as now:
                left.append(int(most.read()) - int(now.read()))
    except (OSError, ValueError):
        pass
    return min(left, default=None)


def told(size: float) -> str:
    """'3.2 MB', in powers of ten."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"
