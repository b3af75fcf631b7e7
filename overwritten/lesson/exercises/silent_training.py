"""The third exercise of lesson 9: a loop whose buffer is filled again before backward.

The idea: the weights after the step say whether each loss used its own batch; which slip it was
is told by comparing them with the weights that the usual slips lead to.
"""

from __future__ import annotations

import copy

import torch

from overwritten.lesson.exercise import Exercise, attempt
from overwritten.lesson.witness import Witness, blamed

_LR = 0.07


def _steps(answer):
    for count in (3, 5):
        torch.manual_seed(count)
        model = torch.nn.Linear(3, 1)
        batches = [torch.randn(4, 3).numpy() for _ in range(count)]
        given = copy.deepcopy(batches)
        with Witness() as witness:
            trained = _by(answer, model, given)
        if any((a != b).any() for a, b in zip(given, batches)):
            return "the batches themselves have changed: they belong to the caller."
        right = _stepped(model, batches)
        if not _near(trained, right):

            def cured(without):
                with without:
                    return _near(_by(answer, model, copy.deepcopy(batches)), right)

            slip = _mistake(model, batches, trained)
            return slip or witness.hidden or blamed(cured) or _moved(model, trained)


def _by(answer, model, batches):
    """A copy of the model after the learner's step."""
    model = _with_gradients(model)
    attempt(answer, model, batches, torch.optim.SGD(model.parameters(), lr=_LR))
    return model


def _with_gradients(model):
    """A copy of the model; the step before has left gradients in it."""
    model = copy.deepcopy(model)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    return model


def _moved(model, trained):
    if _near(trained, model):
        return "the weights have not moved: is there a backward and a step?"
    return "the weights after the step are not those of one step with the gradient of all batches."


def _mistake(model, batches, trained):
    """The usual slip that leads to these weights, or ''."""
    if _near(trained, _stepped(model, batches, buffer=torch.empty(batches[0].shape))):
        return "backward still reads the last batch for every loss: the buffer is filled again before backward has read it."
    if _near(trained, _stepped(model, batches[-1:])):
        return "only the last batch counts: the gradients of the others are zeroed or left out."
    if _near(trained, _stepped(model, batches, left=True)):
        return "the gradients of the step before are still there: `optimizer.zero_grad()` belongs before the backward."
    if _near(trained, _stepped(model, batches, share=1 / len(batches))):
        return "the step is too small by the number of batches: the losses are added, not averaged."
    one_by_one = copy.deepcopy(model)
    for batch in batches:
        one_by_one = _stepped(one_by_one, [batch])
    if _near(trained, one_by_one):
        return "you take a step after each batch: the losses of later batches then use other weights. Take one step at the end."
    return ""


def _stepped(model, batches, share=1.0, buffer=None, left=False):
    """A copy of the model after one step on the sum of the losses times `share`.

    buffer: a tensor through which all batches pass, as in the broken loop. left: are the gradients
    of the step before still there?
    """
    model = _with_gradients(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=_LR)
    losses = []
    for batch in batches:
        rows = torch.tensor(batch) if buffer is None else buffer.data.copy_(torch.tensor(batch))
        losses.append(model(rows).square().mean())
    if not left:
        optimizer.zero_grad()
    (share * sum(losses)).backward()
    optimizer.step()
    return model


def _near(one, other):
    pairs = zip(one.parameters(), other.parameters())
    return all(torch.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in pairs)


one_step = Exercise(
    _steps,
    (
        "`with watch(strict=True) as recording:` around one call of `broken`, then `print(who(recording))`: which line saved the buffer, which wrote it?",
        "Each batch needs memory of its own until backward has run: copy it, or leave the buffer out.",
    ),
    "def one_step(model, batches, optimizer):\n"
    "    losses = []\n"
    "    for batch in batches:\n"
    "        losses.append(model(torch.tensor(batch)).square().mean())\n"
    "    optimizer.zero_grad()\n"
    "    sum(losses).backward()\n"
    "    optimizer.step()",
)
