"""One tensor at one moment: its storage, offset, shape, strides, version.

The idea: a tensor is a label that looks at a storage, so the storage gets the letter and
the tensor gets the name the learner gave it.
It reads; it never runs an operation that the learner's program could notice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class StorageState:
    """One storage at one moment.

    letter: A, B, C … in order of first appearance. nbytes: its size in bytes.
    itemsize: bytes per element. count: number of elements. dtype: of the tensor that
    was seen first. cells: ((index, text), …), all elements up to 8, else the first 5
    and the last 2; empty where they cannot be read. stats: of more than 8 elements, and up to
    a million: least, greatest and mean, as in '0 to 9, mean 4.5'; else ''.
    """

    letter: str
    nbytes: int
    itemsize: int
    count: int
    dtype: str
    cells: tuple
    stats: str = ""


@dataclass(frozen=True)
class TensorState:
    """One tensor at one moment.

    storage: the letter, or None where there is no storage to draw (note says why).
    start: bytes from the beginning of the storage. offset, strides: in elements.
    version: the counter `_version`, or None for an inference tensor. before: what the
    same tensor's counter was one step earlier, None for a tensor that is new here.
    twin: the earlier name that is bound to this same tensor, '' for the first.
    """

    name: str
    storage: str | None
    start: int
    offset: int
    shape: tuple
    strides: tuple
    itemsize: int
    version: int | None
    requires_grad: bool
    before: int | None = None
    twin: str = ""
    note: str = ""

    @property
    def elements(self) -> list[int]:
        """The storage elements it sees, sorted, each once; at most 10,000 are listed."""
        seen = {self.start // max(self.itemsize, 1)} if 0 not in self.shape else set()
        for size, stride in zip(self.shape, self.strides):
            steps: Sequence[int] = range(size)
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
    except Exception:  # nested, functional, uninitialised: each says no in its own way
        return f"is a {type(tensor).__name__} that shows no storage"
    return ""


def state_of(name: str, tensor: torch.Tensor, ledger, before=None, twin="") -> TensorState:
    """Describe `tensor` under the name the learner gave it; what says no is told in `note`."""
    try:
        return _state(name, tensor, ledger, before, twin)
    except Exception:  # a nested or uninitialised tensor has no shape to tell
        note = f"is a {type(tensor).__name__} that cannot be described"
        return TensorState(name, None, 0, 0, (), (), 0, None, False, before, twin, note)


def _state(name, tensor, ledger, before, twin):
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
        itemsize=tensor.element_size() if dense else 0,
        version=version_of(tensor),
        requires_grad=tensor.requires_grad,
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


def named_tensors(namespace: dict, deep: int = 3):
    """(label, tensor) pairs as the learner would write them: x, x.grad, parts[0], net.weight.

    Lists and dicts are opened up to 16 items and three levels. What cannot be opened (a
    module whose __init__ is not done, a dead weak reference) is passed over.
    """
    for name, value in namespace.items():
        try:
            inner = dict(_parts(name, value)) if deep else {}
            is_tensor = isinstance(value, torch.Tensor)
        except Exception:
            continue
        if is_tensor:
            yield name, value
        yield from named_tensors(inner, deep - 1)


def _parts(name, value):
    if isinstance(value, torch.Tensor):
        if value.is_leaf and value.grad is not None:
            yield f"{name}.grad", value.grad
    elif isinstance(value, torch.nn.Module):
        for inner, parameter in value.named_parameters():
            yield f"{name}.{inner}", parameter
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value[:16]):
            yield f"{name}[{i}]", item
    elif isinstance(value, dict) and len(value) <= 16:
        for key, item in value.items():
            yield f"{name}[{key!r}]", item
