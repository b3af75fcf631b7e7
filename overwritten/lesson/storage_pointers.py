"""The exercises of lesson 1. Each check runs the learner's function on fresh tensors."""

from __future__ import annotations

import torch

from overwritten.lesson.exercise import Exercise, attempt
from overwritten.pictures.draw import size
from overwritten.recorder import watch


def _same_storage(a, b) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def _not_a_tensor(result) -> str:
    if result is None:
        return "your function returns None: end it with `return`, as PyTorch's own methods do."
    if not isinstance(result, torch.Tensor):
        return f"your function returns a {type(result).__name__}; a tensor is asked for."
    return ""


def _adds_in_place(answer):
    x = torch.ones(4)
    result = attempt(answer, x, 5.0)
    if complaint := _not_a_tensor(result):
        return complaint
    if not _same_storage(result, x):
        return (
            "the result looks at a storage of its own: `x + k` allocates one, and `x = …` only "
            "moves the name inside your function. Write into the storage that x has."
        )
    if not torch.equal(x, torch.full((4,), 6.0)):
        return f"x should hold 6 everywhere after adding 5 to ones; it holds {x.tolist()}."
    if x._version == 0:
        return (
            "the bytes changed, but x's version counter did not: `.data` and NumPy write behind "
            "PyTorch's back, and backward could not warn you. Write through x itself."
        )
    if result is not x:
        return "the result is a second tensor on x's storage; return x itself."


def _copies_column(answer):
    for rows, columns in ((3, 4), (3, 1)):
        grid = torch.arange(float(rows * columns)).reshape(rows, columns)
        kept, column = grid.clone(), columns - 1
        result = attempt(answer, grid, column)
        if complaint := _not_a_tensor(result):
            return complaint
        if not torch.equal(grid, kept):
            return "your function changed the grid itself; only take from it."
        if result.shape != (rows,) or not torch.equal(result, kept[:, column]):
            return f"column {column} of {kept.tolist()} is {kept[:, column].tolist()}; yours is {result.tolist()}."
        if _same_storage(result, grid):
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
            "right on a grid of four columns, but on one of a single column the result looks at "
            "the grid's storage: `contiguous()` and `reshape` copy only when they must."
        )
    return (
        "the result still looks at the grid's storage, so writing to it changes the grid. A slice "
        "is a view, and `.detach()` or `.data` make a new label, not new bytes."
    )


def _doubles_without_allocating(answer):
    x = torch.arange(1000.0)
    wanted = x * 2 + 1
    with watch() as recording:
        result = attempt(answer, x)
    born = [nbytes for step in recording.steps for _, nbytes in step.born]
    if complaint := _not_a_tensor(result):
        return complaint
    if not torch.equal(result, wanted):
        return f"for x = 3 the answer is 7; yours begins {result.flatten()[:4].tolist()}."
    if born:
        return (
            f"right numbers, but your code allocated {len(born)} new storage(s), {size(sum(born))} in all: "
            "each `x * 2` or `x + 1` makes one, also inside a longer expression or before `copy_`."
        )
    if not _same_storage(result, x):
        return "return x itself."
    if x._version == 0:
        return "the counter of x did not move: `.data` and NumPy write behind PyTorch's back."


add_in_place = Exercise(
    _adds_in_place,
    (
        "An operation that ends in an underscore writes into the storage it is given.",
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
