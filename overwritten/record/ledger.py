"""The storages that are alive: a letter each, their bytes, who was born and who was freed.

The idea: a weak reference to the storage object fires when its bytes are given back, so
the ledger needs no search through memory.
It counts what it is shown: every tensor that a call was given or returned, or a name holds.
"""

from __future__ import annotations

import weakref

import torch

from overwritten.record.tensors import StorageState, why_no_storage

#: A storage of more elements than this is kept by its first and last few.
WHOLE = 8
FIRST, LAST = 5, 2
#: Of more elements than this no statistics are taken: each step would read them all.
MOST_READ = 1_000_000

_READ_AS = {torch.qint8: torch.int8, torch.quint8: torch.uint8, torch.qint32: torch.int32}


class _Entry:
    def __init__(self, letter, tensor):
        self.letter, self.nbytes, self.address = letter, 0, 0
        self.dtype, self.itemsize, self.device = tensor.dtype, tensor.element_size(), tensor.device
        self.owners = {}  # one per StorageImpl on these bytes: from_numpy makes a second one


class Ledger:
    """A letter for every storage, and the bytes of those alive.

    bytes, peak: of all storages alive, now and at the highest since `peak` was last set.
    born, freed: (letter, bytes) in order since they were last emptied.

    A storage that no name and no graph holds any more leaves at once: a weak reference
    to the storage object fires when its bytes are given back (torch 2.6 to 2.15 keep one
    Python object per storage for its whole life).
    Two storage objects on the same bytes (`torch.from_numpy`, DLPack) share a letter.
    """

    def __init__(self):
        self.bytes = self.peak = 0
        self.born, self.freed = [], []
        self._letters = 0
        self._alive, self._by_impl, self._by_address = {}, {}, {}

    def see(self, tensor: torch.Tensor, old: bool = False) -> str | None:
        """The letter of this tensor's storage; None where it has none to show.

        old: if it is met for the first time, it was there before and is not newly born.
        """
        if why_no_storage(tensor):
            return None
        storage = tensor.untyped_storage()
        entry = self._by_impl.get(storage._cdata)
        if entry is None:
            entry = self._on_same_bytes(storage) or self._new(tensor, storage.nbytes(), old)
            self._hold(entry, storage)
        self._resize(entry, storage)
        return entry.letter

    def see_bytes(self, tensor: torch.Tensor, old: bool = False) -> str | None:
        """The same of a tensor in a call; None too for no bytes that nobody has named: PyTorch's
        own code makes such tensors, in one version and not in another (2.11's checkpoint does).
        """
        if why_no_storage(tensor):
            return None
        storage = tensor.untyped_storage()
        known = storage._cdata in self._by_impl
        return self.see(tensor, old) if known or storage.nbytes() else None

    def start(self, letter: str, tensor: torch.Tensor) -> int:
        """Where the tensor's first element lies, in bytes from the storage's beginning."""
        entry = self._alive[letter]
        shift = tensor.untyped_storage().data_ptr() - entry.address
        return shift + tensor.storage_offset() * tensor.element_size()

    def states(self) -> tuple[StorageState, ...]:
        """All storages alive, in order of their letters' first appearance."""
        self._refresh()
        return tuple(
            StorageState(
                letter=e.letter,
                nbytes=e.nbytes,
                itemsize=e.itemsize,
                count=e.nbytes // e.itemsize,
                dtype=str(e.dtype).removeprefix("torch."),
                cells=_cells(e),
                stats=_stats(e),
            )
            for e in list(self._alive.values())
        )

    def _refresh(self):
        """A storage can change its size behind everyone: untyped_storage().resize_(0)."""
        for entry in list(self._alive.values()):
            for owner in [ref() for ref in list(entry.owners.values())]:
                if owner is not None:
                    self._resize(entry, owner)

    def close(self):
        """Stop listening: what dies from now on is no longer our business."""
        self._alive, self._by_impl, self._by_address = {}, {}, {}

    def _new(self, tensor, nbytes, old):
        entry = _Entry(letter_of(self._letters), tensor)
        self._letters += 1
        self._alive[entry.letter] = entry
        if not old:
            self.born.append((entry.letter, nbytes))
        return entry

    def _on_same_bytes(self, storage):
        address = storage.data_ptr()
        if address in self._by_address:
            self._refresh()
        if address in self._by_address:
            return self._by_address[address]
        if address and not storage.resizable():  # foreign memory: may begin inside a known storage
            for entry in self._alive.values():
                if entry.address < address < entry.address + entry.nbytes:
                    return entry
        return None

    def _hold(self, entry, storage):
        key = storage._cdata
        entry.owners[key] = weakref.ref(storage, lambda _: self._died(entry, key))
        self._by_impl[key] = entry

    def _resize(self, entry, storage):
        address, nbytes = storage.data_ptr(), storage.nbytes()
        if len(entry.owners) > 1:  # as far as any of its owners reaches
            end = max(address + nbytes, entry.address + entry.nbytes)
            address = min(address, entry.address)
            nbytes = end - address
        if (address, nbytes) == (entry.address, entry.nbytes):
            return
        self._by_address.pop(entry.address, None)
        if address:
            self._by_address[address] = entry
        self.bytes += nbytes - entry.nbytes
        self.peak = max(self.peak, self.bytes)
        entry.address, entry.nbytes = address, nbytes

    def _died(self, entry, key):
        entry.owners.pop(key, None)
        self._by_impl.pop(key, None)
        if entry.owners or entry.letter not in self._alive:
            return
        del self._alive[entry.letter]
        self._by_address.pop(entry.address, None)
        self.bytes -= entry.nbytes
        self.freed.append((entry.letter, entry.nbytes))


def letter_of(number: int) -> str:
    """0 → A, 25 → Z, 26 → AA: as the columns of a spreadsheet.

    >>> letter_of(0), letter_of(27)
    ('A', 'AB')
    """
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _row(entry):
    """All elements of the storage as one tensor, None where they cannot be read so."""
    owner = next((ref() for ref in list(entry.owners.values())), None)
    count = entry.nbytes // entry.itemsize
    if owner is None or not count:
        return None
    try:
        row = torch.empty(0, dtype=_READ_AS.get(entry.dtype, entry.dtype), device=entry.device)
        return row.set_(owner, 0, (count,), (1,))
    except (RuntimeError, NotImplementedError, TypeError):
        return None


def _cells(entry) -> tuple:
    row = _row(entry)
    if row is None:
        return ()
    count = len(row)
    short = count <= WHOLE
    where = range(count) if short else [*range(FIRST), *range(count - LAST, count)]
    parts = [row] if short else [row[:FIRST], row[-LAST:]]
    try:
        values = [v for part in parts for v in part.tolist()]
    except (RuntimeError, NotImplementedError, TypeError):
        return ()
    return tuple((i, _text(v)) for i, v in zip(where, values))


def _stats(entry) -> str:
    row = _row(entry)
    if row is None or not WHOLE < len(row) <= MOST_READ or row.is_complex():
        return ""
    try:
        row = row.double()
        least, most, mean = row.min().item(), row.max().item(), row.mean().item()
    except (RuntimeError, NotImplementedError, TypeError):
        return ""
    return f"{_text(least)} to {_text(most)}, mean {_text(mean)}"


def _text(value) -> str:
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, complex):
        return f"{value.real:.2g}{value.imag:+.2g}j"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
