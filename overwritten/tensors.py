"""One tensor at one moment, and the ledger of the storages that are alive.

The idea: a tensor is a label that looks at a storage (offset, shape, strides), so the
storage gets the letter and the tensor gets the name.
It reads; it never runs an operation that the learner's program could notice.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field

import torch

#: A storage of more elements than this is kept by its first and last few.
WHOLE = 8
FIRST, LAST = 5, 2

_READ_AS = {
    torch.qint8: torch.int8,
    torch.quint8: torch.uint8,
    torch.qint32: torch.int32,
}


@dataclass(frozen=True)
class StorageState:
    """One storage at one moment.

    letter: A, B, C … in order of first appearance. nbytes: its size in bytes.
    itemsize: bytes per element. count: number of elements. dtype: of the tensor that
    was seen first. cells: ((index, text), …), all elements up to 8, else the first 5
    and the last 2; empty where they cannot be read.
    address: the real one, for this process only (never shown, never stored).
    """

    letter: str
    nbytes: int
    itemsize: int
    count: int
    dtype: str
    cells: tuple
    address: int = field(compare=False, repr=False, default=0)


@dataclass(frozen=True)
class TensorState:
    """One tensor at one moment.

    storage: the letter, or None where there is no storage to draw (note says why).
    start: bytes from the beginning of the storage. offset, strides: in elements.
    version: the counter `_version`, or None for an inference tensor. before: what the
    same tensor's counter was one step earlier, None for a tensor that is new here.
    twin: the earlier name that is bound to this same tensor, '' for the first.
    node: the name of its `grad_fn`, or None.
    """

    name: str
    storage: str | None
    start: int
    offset: int
    shape: tuple
    strides: tuple
    dtype: str
    itemsize: int
    version: int | None
    is_leaf: bool
    requires_grad: bool
    node: str | None
    before: int | None = None
    twin: str = ""
    note: str = ""

    @property
    def elements(self) -> list[int]:
        """The storage elements it sees, sorted, each once; at most 10,000 are listed."""
        seen = {self.start // max(self.itemsize, 1)} if 0 not in self.shape else set()
        for size, stride in zip(self.shape, self.strides):
            steps = range(size)
            if len(seen) * len(steps) > 10_000:  # too many to list: the two ends will do
                steps = (0, len(steps) - 1)
            seen = {i + k * stride for i in seen for k in steps}
        return sorted(seen)


def version_of(tensor: torch.Tensor) -> int | None:
    """The version counter, or None for an inference tensor, which has none."""
    return None if tensor.is_inference() else tensor._version


def why_no_storage(tensor: torch.Tensor) -> str:
    """A sentence for a tensor that has no bytes of its own to draw, else ''."""
    if tensor.device.type == "meta":
        return "is on the meta device: it has a shape and no bytes"
    if tensor.layout is not torch.strided:
        kind = str(tensor.layout).removeprefix("torch.")
        return f"is {kind}: its numbers lie in inner tensors, not in one storage"
    try:
        tensor.untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):
        return f"is a {type(tensor).__name__} that shows no storage"
    return ""


def state_of(name: str, tensor: torch.Tensor, ledger: "Ledger", before=None, twin="") -> TensorState:
    """Describe `tensor` under the name the learner gave it."""
    note = why_no_storage(tensor)
    storage = None if note else ledger.see(tensor)
    dense = tensor.layout is torch.strided
    if not note and tensor.is_inference():
        note = "is an inference tensor: it has no version counter"
    elif not note and tensor.is_quantized:
        note = "is quantised: its cells show the integers that are stored"
    return TensorState(
        name=name,
        storage=storage,
        start=ledger.start(storage, tensor) if storage else 0,
        offset=tensor.storage_offset() if dense else 0,
        shape=tuple(tensor.shape),
        strides=tuple(tensor.stride()) if dense else (),
        dtype=str(tensor.dtype).removeprefix("torch."),
        itemsize=tensor.element_size() if dense else 0,
        version=version_of(tensor),
        is_leaf=tensor.is_leaf,
        requires_grad=tensor.requires_grad,
        node=tensor.grad_fn.name() if tensor.grad_fn is not None else None,
        before=before,
        twin=twin,
        note=note,
    )


def tensors_in(value, deep: int = 3):
    """Every tensor in a (nested) argument list: lists, tuples and dicts are opened."""
    if isinstance(value, torch.Tensor):
        yield value
    elif deep and isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item, deep - 1)
    elif deep and isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item, deep - 1)


def named_tensors(namespace: dict):
    """(label, tensor) pairs as the learner would write them: x, x.grad, parts[0], net.weight."""
    for name, value in namespace.items():
        if isinstance(value, torch.Tensor):
            yield name, value
            if value.is_leaf and value.grad is not None:
                yield f"{name}.grad", value.grad
        elif isinstance(value, torch.nn.Module):
            for inner, parameter in value.named_parameters():
                yield from named_tensors({f"{name}.{inner}": parameter})
        elif isinstance(value, (list, tuple)):
            yield from named_tensors({f"{name}[{i}]": v for i, v in enumerate(value[:16])})
        elif isinstance(value, dict) and len(value) <= 16:
            yield from named_tensors({f"{name}[{k!r}]": v for k, v in value.items()})


class _Entry:
    def __init__(self, letter, tensor):
        self.letter, self.nbytes, self.address = letter, 0, 0
        self.dtype, self.itemsize, self.device = tensor.dtype, tensor.element_size(), tensor.device
        self.owners = {}  # one per StorageImpl on these bytes: from_numpy makes a second one


class Ledger:
    """The storages alive now: a letter each, their bytes, who was born and who was freed.

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

    def start(self, letter: str, tensor: torch.Tensor) -> int:
        """Where the tensor's first element lies, in bytes from the storage's beginning."""
        entry = self._alive[letter]
        shift = tensor.untyped_storage().data_ptr() - entry.address
        return shift + tensor.storage_offset() * tensor.element_size()

    def states(self) -> tuple[StorageState, ...]:
        """All storages alive, in order of their letters' first appearance."""
        return tuple(
            StorageState(
                letter=e.letter,
                nbytes=e.nbytes,
                itemsize=e.itemsize,
                count=e.nbytes // e.itemsize,
                dtype=str(e.dtype).removeprefix("torch."),
                cells=_cells(e),
                address=e.address,
            )
            for e in list(self._alive.values())
        )

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
        if len(entry.owners) > 1 or (address, nbytes) == (entry.address, entry.nbytes):
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


def _cells(entry) -> tuple:
    owner = next((ref() for ref in list(entry.owners.values())), None)
    count = entry.nbytes // entry.itemsize
    if owner is None or not count:
        return ()
    short = count <= WHOLE
    where = range(count) if short else [*range(FIRST), *range(count - LAST, count)]
    try:
        row = torch.empty(0, dtype=_READ_AS.get(entry.dtype, entry.dtype), device=entry.device)
        row.set_(owner, 0, (count,), (1,))
        parts = [row] if short else [row[:FIRST], row[-LAST:]]
        values = [v for part in parts for v in part.tolist()]
    except (RuntimeError, NotImplementedError, TypeError):
        return ()
    return tuple((i, _text(v)) for i, v in zip(where, values))


def _text(value) -> str:
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, complex):
        return f"{value.real:.2g}{value.imag:+.2g}j"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)
