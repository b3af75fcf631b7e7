"""The exercises of lesson 4: here the first, a step by hand; the others are in modules beside it."""

from __future__ import annotations

import torch

from overwritten.lesson.exercise import Exercise
from overwritten.lesson.exercises.leaf_training import carry_state, gan_step, networks, under_watch
from overwritten.lesson.exercises.orders import order_gan, order_step
from overwritten.lesson.witness import who

__all__ = [
    "EXERCISES", "carry_state", "gan_step", "networks", "sgd_step", "who",
]  # fmt: skip


_UNHEARD = (
    "right numbers, but a write went unnoticed: no version counter moved, as with `.data`, NumPy and fused optimizers, "
    "and a step in the wrong place would then pass without an error. Write the weight itself under `no_grad`."
)


def _steps(answer):
    for starts, lr in (([[1.0, -2.0], [3.0]], 0.5), ([[4.0], [5.0]], 0.25)):
        weights = [torch.tensor(start, requires_grad=True) for start in starts]
        sum((n * w * w).sum() for n, w in enumerate(weights, 1)).backward()
        if lr == 0.25:
            weights[0].grad = None
        storages = [w.untyped_storage().data_ptr() for w in weights]
        grads = [0 if w.grad is None else w.grad.clone() for w in weights]
        before = [w.detach().clone() for w in weights]
        given = list(weights)
        try:
            witness, _, error = under_watch(answer, given, lr, watched=weights)
        except (TypeError, AttributeError) as error:
            if "NoneType" not in str(error):
                raise
            return "a weight that took no part in the loss has no gradient: its `.grad` is `None`. Leave that weight out (`if w.grad is not None`)."
        if error:
            return error
        if len(given) != len(weights) or any(a is not b for a, b in zip(given, weights)):
            return "the list now holds other tensors; the model and its graph still have the old ones. Write into the weights."
        for n, (w, storage, start, grad) in enumerate(zip(weights, storages, before, grads)):
            if n and not torch.is_tensor(grads[0]) and torch.equal(w, start):
                return "the weight that comes after the one without a gradient has not moved: leave that one out and go on with the next (`continue`)."
            if mistake := _mistake(w, storage, start, grad, lr):
                return mistake
        if witness.unheard:
            return _UNHEARD
        if any(w.grad is not None and w.grad.any() for w in weights):
            return "the weights are right, but the gradients are still there, not zeroed: the next backward adds to them."


def _mistake(w, storage, start, grad, lr):
    wanted = start - lr * grad
    if w.untyped_storage().data_ptr() != storage:
        return "a weight now looks at another storage (`w.data = …` does that); a graph that saved the weight may read the new numbers, unwarned."
    if not w.requires_grad:
        return "a weight no longer requires grad: it will not learn again."
    if not torch.equal(w, wanted):
        return _wrong_numbers(w, start, grad, lr, wanted)


def _wrong_numbers(w, start, grad, lr, wanted):
    asked = f"{start.tolist()} with gradient {grad.tolist() if isinstance(grad, torch.Tensor) else None} and lr {lr}"
    if torch.equal(w, start):
        return (
            f"the weight {start.tolist()} has not moved: `w = w - …` binds the name `w` to a new tensor "
            "and leaves the weight alone; so does a gradient dropped too early, or a loop that does not come to it."
        )
    if torch.equal(w, start + lr * grad):
        return f"{asked} went uphill: the gradient is subtracted."
    return f"{asked} becomes {wanted.tolist()}; yours is {w.tolist()}."


sgd_step = Exercise(
    _steps,
    (
        "Which order of section 4 was right, and which of its lines wrote the weight?",
        "For each weight with a gradient: under `torch.no_grad()` write `w -= lr * w.grad`, then `w.grad = None`.",
    ),
    "def sgd_step(weights, lr):\n"
    "    with torch.no_grad():\n"
    "        for w in weights:\n"
    "            if w.grad is not None:\n"
    "                w -= lr * w.grad\n"
    "            w.grad = None",
)

#: By the name the lesson uses; the tests run every one unattempted, wrong and right.
EXERCISES = {
    "order_step": order_step,
    "order_gan": order_gan,
    "sgd_step": sgd_step,
    "gan_step": gan_step,
    "carry_state": carry_state,
}
