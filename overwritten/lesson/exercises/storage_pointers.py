"""The exercises of lesson 1. Each check runs the learner's function on fresh tensors."""

from __future__ import annotations

import torch

from overwritten.doctor.block import watch
from overwritten.lesson.exercise import Exercise, attempt
from overwritten.lesson.witness import Witness
from overwritten.pictures.draw import clip, size

_BEHIND = (
    "a write changed the bytes of x while x's version counter stood still: it went behind PyTorch's back "
    "(`.data`, NumPy and a few methods do that), and backward could not warn you. Write through x itself."
)
_MOVED = (
    "x itself now looks at another storage; other tensors on the old one do not see the change."
)


def _share_bytes(a, b) -> bool:
    """Do two storages overlap? By address: `torch.from_numpy` makes a second storage object."""
    first, second = a.untyped_storage(), b.untyped_storage()
    ends = first.data_ptr() + first.nbytes(), second.data_ptr() + second.nbytes()
    return first.data_ptr() < ends[1] and second.data_ptr() < ends[0]


def _no_plain_tensor(result) -> str:
    if result is None:
        return "your function returns None: end it with `return`, as PyTorch's own methods do."
    if not isinstance(result, torch.Tensor):
        return f"your function returns {type(result).__name__}; it must return a tensor."
    if result.layout is not torch.strided or result.device.type == "meta":
        return "your function returns a tensor without a storage of its own kind; an ordinary one is asked for."
    return ""


def _adds_in_place(answer):
    for start, k in ((torch.ones(4), 5.0), (torch.arange(3.0), -2.0)):
        x, wanted = start.clone(), start + k
        storage = x.untyped_storage().data_ptr()
        with Witness(x) as witness:
            result = attempt(answer, x, k)
        if complaint := _no_plain_tensor(result):
            return complaint
        if x.untyped_storage().data_ptr() != storage:
            return _MOVED
        if not _share_bytes(result, x):
            return (
                "the result looks at a storage of its own: `x + k` and `clone` allocate one, and `x = …` "
                "only moves the name inside your function. Write into the storage that x has."
            )
        if not torch.equal(x, wanted):
            return f"{start.tolist()} plus {k} is {wanted.tolist()}; x holds {x.tolist()}."
        if witness.unheard or x._version == 0:
            return _BEHIND
        if result is not x:
            return "the result is a second tensor on x's storage; return x itself."


def _copies_column(answer):
    for rows, columns, i in ((3, 3, 1), (3, 1, 0)):
        grid = torch.arange(float(rows * columns)).reshape(rows, columns)
        kept = grid.clone()
        wanted = kept[:, i].clone()
        result = attempt(answer, grid, i)
        if complaint := _no_plain_tensor(result):
            return complaint
        if not torch.equal(grid, kept):
            return "your function changed the grid itself; only take from it."
        if result.shape != (rows,) or result.dtype != grid.dtype or not torch.equal(result, wanted):
            yours = f"{str(result.dtype).removeprefix('torch.')} of shape {tuple(result.shape)}, {clip(str(result.tolist()), 60)}"
            return f"column {i} of {kept.tolist()} is {wanted.tolist()}, of the grid's dtype; yours is {yours}."
        if _share_bytes(result, grid):
            return _shares(columns)
        needed, held = result.numel() * result.element_size(), result.untyped_storage().nbytes()
        if held > needed:
            return (
                f"independent, but it keeps {size(held)} alive for {size(needed)} of column: you "
                "copied the whole grid and look at a part of the copy. Copy the column only."
            )


def _shares(columns):
    if columns == 1:
        return (
            "right on a grid of three columns, but on one of a single column the result looks at "
            "the grid's storage: `contiguous()` and `reshape` copy only when they must."
        )
    return (
        "the result still looks at the grid's bytes, so writing to it changes the grid. A slice "
        "is a view; `.detach()`, `.data` and `numpy()` make a new label, not new bytes."
    )


def _doubles_without_allocating(answer):
    x, again = torch.arange(1000.0), torch.arange(1000.0)
    wanted, storage = x * 2 + 1, x.untyped_storage().data_ptr()
    with watch(lines=True) as recording:
        result = attempt(answer, x)
    with Witness(again) as witness:
        answer(again)
    born = [nbytes for step in recording.steps for _, nbytes in step.born]
    if complaint := _no_plain_tensor(result):
        return complaint
    if not torch.equal(result, wanted):
        return f"for x = 3 the answer is 7; yours begins {result.flatten()[:4].tolist()}."
    if born:
        return (
            f"right numbers, but your code allocated {len(born)} new storage(s), {size(sum(born))} in all. "
            "Every expression such as `x * 2` makes one, even inside a longer line or before `copy_`."
        )
    if x.untyped_storage().data_ptr() != storage:
        return _MOVED
    if witness.unheard or x._version == 0:
        return _BEHIND
    if result is not x:
        return "the result is a second tensor on x's storage; return x itself."


add_in_place = Exercise(
    _adds_in_place,
    (
        "Which of the four lines of section 2 wrote into the storage that x had?",
        "`x.add_(k)` writes and returns x; `x += k` writes too, then return x.",
    ),
    "def add_in_place(x, k):\n    return x.add_(k)",
)

copy_column = Exercise(
    _copies_column,
    (
        "`grid[:, i]` is a view of the grid. Which operation always copies?",
        "`clone()` copies what it is called on: call it on the view, not on the grid.",
    ),
    "def copy_column(grid, i):\n    return grid[:, i].clone()",
)

double_and_one = Exercise(
    _doubles_without_allocating,
    (
        "Two steps, each written into x's own storage.",
        "In-place methods return the tensor, so they can be chained: `x.mul_(2)` first.",
    ),
    "def double_and_one(x):\n    return x.mul_(2).add_(1)",
)

#: By the name the lesson uses; the tests run every one unattempted, wrong and right.
EXERCISES = {
    "add_in_place": add_in_place,
    "copy_column": copy_column,
    "double_and_one": double_and_one,
}
