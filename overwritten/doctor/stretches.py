"""Bytes under watch: a copy of each stretch of memory, compared with what stands there now.

The idea: a saved tensor is copied once for each content that it has had, and compared as memory
is compared. Each look is at the newest and at those whose memory was handed out of PyTorch, and at
all once in a while, so that its cost does not grow with them; a difference goes to whoever looked.
It knows bytes only: whether they matter, the strict watch finds out.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Iterable

import torch

from overwritten.record.events import Write
from overwritten.record.graph import storage_of
from overwritten.record.private import is_wrapped, transforming

_compare = (ctypes.cdll.msvcrt if os.name == "nt" else ctypes.pythonapi).memcmp
_address = torch.UntypedStorage.data_ptr
_compare.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
#: So many of them, the newest, are looked at each time.
NEWEST = 64


class _Place:
    """A storage with stretches in it; only they hold it."""

    __slots__ = ("_refs", "__weakref__")

    def __init__(self):
        self._refs: list[weakref.ref[Stretch]] = []

    def add(self, ref):
        self._refs = [known for known in self._refs if known() is not None]
        self._refs.append(ref)

    def stretches(self) -> list[Stretch]:
        return [stretch for ref in self._refs if (stretch := ref()) is not None]


class Stretch:
    """The bytes of one tensor, which it holds, so that `tensor.data = …` is seen, too.

    kept: a copy as of the last look. changes: (`Write`, did the counter move?) of each change.
    """

    def __init__(self, tensor: torch.Tensor, place: _Place):
        self.tensor, self.place = tensor, place
        self.changes: list[tuple[Write, bool]] = []
        self._keep()

    def _keep(self):
        self.version, self.storage = self.tensor._version, self.tensor.untyped_storage()
        self.base, self.at = self.storage.data_ptr(), self.tensor.data_ptr()
        self.kept = copy_of(self.tensor)
        self.plain = self.kept.stride() == self.tensor.stride() and _plain(self.tensor)
        self.copied, self.size = self.kept.data_ptr(), self.kept.numel() * self.kept.itemsize

    def alike(self, view: torch.Tensor) -> bool:
        """Is this view the same bytes in the same order?"""
        mine = self.tensor
        return (
            mine._is_view()
            and (self.at, mine.dtype) == (view.data_ptr(), view.dtype)
            and (mine.shape, mine.stride()) == (view.shape, view.stride())
        )

    def look(self, wrote) -> bool:
        """Did they change since the last look? wrote: function() → the `Write` to put down."""
        moved = self.storage.data_ptr() != self.base or self.tensor.data_ptr() != self.at
        if not moved:
            if self.plain:
                if not _compare(self.at, self.copied, self.size):
                    self.version = self.tensor._version
                    return False
            elif same(self.kept, copy_of(self.tensor)):
                return False
        elif not readable(self.tensor):  # freed meanwhile; it may come back
            return False
        elif same(self.kept, copy_of(self.tensor)):
            self._keep()
            return False
        ticked = self.tensor._version != self.version
        self.changes.append((wrote(), ticked))
        self._keep()
        return True


class Stretches:
    """All that are watched; whoever follows one holds it.

    Those that lie in memory without gaps are compared together, from lists that are made anew when
    one has changed or many are gone.
    """

    def __init__(self):
        self._all: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
        self._places: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
        self._gone = 0
        self._open: set[int | None] = set()
        self.told = lambda stretch: None  # called with each that has changed
        self._looks = 0
        self._list()

    @property
    def behind(self) -> bool:
        """Are there some that the last looks have passed over?"""
        return self._looks > 0

    def place(self, storage: int | None) -> _Place | None:
        """What the stretches in a storage have in common."""
        return self._places.get(storage)

    def opened(self, tensor: torch.Tensor):
        """Its memory is handed out of PyTorch: NumPy or a kernel may write to it from now on."""
        self._open.add(storage_of(tensor))
        self._stale = True

    def of(self, tensor: torch.Tensor) -> Stretch | None:
        """The stretch of this very tensor, new or known; None where its bytes cannot be read."""
        stretch = self._all.get(id(tensor))
        if stretch is not None or not readable(tensor):
            return stretch
        storage = storage_of(tensor)
        place = self._places.get(storage)
        if place is None:
            place = self._places[storage] = _Place()
            if not tensor.untyped_storage().resizable():  # the memory is somebody else's
                self._open.add(storage)
        if tensor._is_view():  # each forward makes its own view of a weight
            for stretch in place.stretches():
                if stretch.alike(tensor):
                    return stretch
        stretch = self._all[id(tensor)] = Stretch(tensor, place)
        place.add(weakref.ref(stretch))
        self._add(stretch)
        return stretch

    def look(self, wrote, earlier):
        """At the newest and the open ones, and at all where the last time is too long ago.

        wrote, earlier: function() → the `Write` to put down, of just now, and of some time since
        all were looked at. Not while what we do would be part of the program.
        """
        if _is_noted():
            return
        if self._stale or self._gone * 8 > len(self._bases):
            self._list()
        self._look(slice(-NEWEST, None), wrote)
        for stretch in list(self._near):
            self.look_one(stretch, wrote)
        self._looks += 1
        if self._looks * NEWEST >= len(self._all):
            if len(self._bases) > NEWEST:
                self._look(slice(None), earlier if self._looks > 1 else wrote)
            for stretch in list(self._apart):
                self.look_one(stretch, earlier if self._looks > 1 else wrote)
            self._looks = 0

    def _look(self, part, wrote):
        """At those of the lists; one by one only where something differs."""
        if list(map(_address, self._storages[part])) != self._bases[part] or any(
            map(_compare, self._ats[part], self._copied[part], self._sizes[part])
        ):
            for ref in self._refs[part]:
                if (stretch := ref()) is not None:
                    self.look_one(stretch, wrote)

    def look_at(self, tensors: Iterable[torch.Tensor], wrote):
        """At those that lie in a storage of these tensors, or did before they were rebound."""
        found: set[Stretch] = set()
        for tensor in tensors:
            place = self._places.get(storage_of(tensor))
            found.update(place.stretches() if place is not None else ())
            if id(tensor) in self._all:
                found.add(self._all[id(tensor)])
        for stretch in found:
            self.look_one(stretch, wrote)

    def look_one(self, stretch, wrote):
        if not _is_noted() and stretch.look(wrote):
            self._stale = True
            self.told(stretch)

    def _list(self):
        self._stale, self._gone = False, 0
        self._storages, self._kept, self._refs = [], [], []
        self._bases, self._ats, self._copied, self._sizes = [], [], [], []
        self._apart: weakref.WeakSet = weakref.WeakSet()
        self._near: weakref.WeakSet = weakref.WeakSet()
        for stretch in list(self._all.values()):
            self._add(stretch)

    def _add(self, stretch):
        if self._open and storage_of(stretch.tensor) in self._open:
            self._near.add(stretch)
        if not stretch.plain:
            self._apart.add(stretch)
            return
        self._refs.append(weakref.ref(stretch, self._is_gone))
        self._storages.append(stretch.storage)
        self._kept.append(stretch.kept)
        self._bases.append(stretch.base)
        self._ats.append(stretch.at)
        self._copied.append(stretch.copied)
        self._sizes.append(stretch.size)

    def _is_gone(self, ref):
        self._gone += 1


def _is_noted() -> bool:
    """Does a transform of torch.func wrap what is made now, or a trace of TorchScript record it?"""
    return transforming() or torch.jit.is_tracing()


def readable(tensor: torch.Tensor) -> bool:
    """Does it have bytes? Not where it is fake, freed, nested, sparse or of a transform."""
    if tensor.layout is not torch.strided or tensor.is_nested or is_wrapped(tensor):
        return False
    if _is_noted():  # a copy would be a tensor of the transform
        return False
    try:
        storage = tensor.untyped_storage()
        bytes_ = storage.device.type != "meta" and storage.data_ptr() and tensor.data_ptr()
        return bool(bytes_ and tensor.numel())
    except (NotImplementedError, RuntimeError):
        return False


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Bit for bit, of two copies or results."""
    one, other = dense(one), dense(other)
    if (one.shape, one.dtype) != (other.shape, other.dtype):
        return False
    size = one.numel() * one.itemsize
    return not _compare(one.data_ptr(), other.data_ptr(), size)


def dense(tensor: torch.Tensor) -> torch.Tensor:
    """On the CPU, without gaps, its bytes as its numbers are."""
    return tensor.detach().resolve_conj().resolve_neg().cpu().contiguous()


def _plain(tensor):
    return tensor.device.type == "cpu" and not (tensor.is_conj() or tensor.is_neg())


def copy_of(tensor: torch.Tensor) -> torch.Tensor:
    """On the CPU; laid out as the tensor is, where that leaves no gaps."""
    if not _plain(tensor):
        tensor = tensor.detach().resolve_conj().resolve_neg().cpu()
    return tensor.detach().clone()
