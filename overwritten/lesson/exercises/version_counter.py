"""The exercises of lesson 2. Each check runs the learner's answer on fresh tensors."""

from __future__ import annotations

import operator
from functools import cache

import torch

from overwritten.lesson.checking import beside_twin, plain
from overwritten.lesson.exercise import Exercise, attempt
from overwritten.lesson.exercises.orders import order_save
from overwritten.live import ops


def _counts_writes(answer):
    def twice(x):
        x += 1
        x.mul_(2)

    def element(x):
        x[0] += 1

    def nothing(x):
        return x + 1

    def same_numbers(x):
        return x.mul_(1)

    cases = [(twice, 0), (element, 3), (nothing, 4), (same_numbers, 1)]
    for f, already in [*cases, (lambda x: x.detach().zero_(), 0)]:
        x, other = torch.ones(3), torch.ones(3)
        for tensor in (x, other):
            for _ in range(already):
                tensor.add_(1)
        f(other)
        wanted, calls = other._version - already, []
        result = attempt(answer, lambda t: calls.append(t) or f(t), x)
        if not calls:
            return "your function never calls f: count while it runs."
        if len(calls) > 1:
            return f"your function calls f {len(calls)} times, and every call writes again: call it once."
        if calls[0] is not x:
            return "you called f with another tensor than x (a clone, a view, `x.detach()`): call it with x itself."
        if x._version != other._version or not torch.equal(x, other):
            return "x is not as f left it: count what f does, and leave the numbers and the counter alone."
        try:
            result = operator.index(result)  # also of NumPy's and PyTorch's integers
        except TypeError:
            kind = type(result).__name__
            return f"return a number, as in `2`; your function returns {kind}."
        if result != wanted:
            return _why_miscounted(result, wanted, x._version, already)


def _why_miscounted(result, wanted, version, already):
    if already and result == version:
        return (
            f"x was at version {already} before the call, and you counted that too: "
            "subtract the counter before from the counter after."
        )
    if result == 0:
        return (
            f"f moved the counter by {wanted}, you say 0. Read `x._version` before the call and again after "
            "it, on x itself: a clone and `.data` have counters of their own."
        )
    if wanted == 2 and result == 1:
        return "f made two in-place operations, you say 1: the counter tells how many, not only whether."
    return f"f moved the counter by {wanted}, you say {result}: take `x._version` after the call minus before."


_SAVED = ("x.tanh()", "x - 3", "x.sin()", "x.cumprod(1)", "F.softmax(x, 1)", "F.silu(x)")
#: (is the input saved?, is the result?) → the answer.
_WORDS = {
    (True, False): "input", (False, True): "result", (True, True): "both", (False, False): "neither",
}  # fmt: skip
#: What to ask after a wrong answer; the same for every operation, so that it tells no right one.
_ASK = {
    "input": "Write its derivative down: which numbers does it need, and does the result hold them already?",
    "result": "Write its derivative down: which numbers does it need, and can you tell them from the result alone?",
    "both": "Write its derivative down: which of the two could you do without?",
    "neither": "Write its derivative down: is it the same number for every x?",
}


@cache
def _what_it_saves(name):
    row = ops.operation(name)
    return _WORDS[row.saves_input, row.saves_result]


def _knows_what_is_saved(answer):
    for name in _SAVED:
        said = plain(answer[name])
        if said not in _WORDS.values():
            words = ", ".join(map(repr, _WORDS.values()))
            return f"{name}: answer with one of {words}; you wrote {answer[name]!r}."
        if said != _what_it_saves(name):
            return f"{name}: not {said!r}. {_ASK[said]}"


def _exp_but_first(x):
    keep = torch.ones(x.shape[1])
    keep[0] = 0
    return x.exp() * keep


def _zeroes_first_column(answer):
    for start in ([[0.5, 1.0, -1.0], [2.0, 0.0, 0.25]], [[1.0, 2.0]]):
        seen = beside_twin(answer, _exp_but_first, [torch.tensor(start, requires_grad=True)])
        values = "the result must be `x.exp()` with zeros in the first column, as before."
        if seen.changed(0):
            return "x itself was changed: the function must leave its argument as it was."
        if mistake := seen.mistake(
            kind="return the tensor; your function returns {kind}.",
            shape=values,
            values=values,
            history="the result has no history, so x gets no gradient.",
            raises="backward still raises: {found}. Write into a copy that is made before the write, or build "
            "the result without writing.",
            gradient="no error, but the gradient of x is not that of the same function out of place.",
        ):
            return mistake


count_writes = Exercise(
    _counts_writes,
    (
        "Which attribute of x counts its in-place operations?",
        "Read it before the call and after it: the difference is the answer, whatever x went through before.",
    ),
    "def count_writes(f, x):\n    before = x._version\n    f(x)\n    return x._version - before",
)

what_is_saved = Exercise(
    _knows_what_is_saved,
    (
        "Write the derivative down. Does x or y appear in it?",
        "tanh' is 1 - y², softmax' is made of y, sin' is cos x. For the others run the `saves` of section 3.",
    ),
    'saved = {"x.tanh()": "result", "x - 3": "neither", "x.sin()": "input",\n'
    '         "x.cumprod(1)": "both", "F.softmax(x, 1)": "result", "F.silu(x)": "input"}',
    questions=_SAVED,
)

zero_first_column = Exercise(
    _zeroes_first_column,
    (
        "Which operation saved `y`? So where must the zeros not go?",
        "`y = x.exp().clone()` has a storage that nothing saved. Or multiply by a mask.",
    ),
    "def weights(x):\n    y = x.exp().clone()\n    y[:, 0] = 0\n    return y",
)

#: By the name the lesson uses; the tests run every one unattempted, wrong and right.
EXERCISES = {
    "order_save": order_save,
    "count_writes": count_writes,
    "what_is_saved": what_is_saved,
    "zero_first_column": zero_first_column,
}
