"""The second and third exercise of lesson 4: two optimizers, and a carried state.

The idea: the learner's training step runs beside a right one from the same weights; where they
part, the weights are compared with those that a known mistake would give.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import softplus

from overwritten.lesson.exercise import Exercise, attempt
from overwritten.lesson.witness import Without, Witness
from overwritten.messages import parse


def under_watch(answer, *arguments, watched=()):
    """Run the learner's function; return (a `Witness` of it and of the tensors `watched`, was
    `retain_graph=True` used?, a sentence about what went wrong or '')."""
    with Without("retain_graph=True", only_note=True) as retain, Witness(*watched) as witness:
        try:
            attempt(answer, *arguments)
        except RuntimeError as error:
            return witness, retain.met, _about(error, witness, retain.met)
    return witness, retain.met, witness.hidden


_NEEDLESS = "right numbers, but no backward goes twice through one graph here: leave out `retain_graph=True` (`create_graph=True` retains it as well)."


def _about(error, witness, retained):
    message = parse(str(error))
    kind = message.kind if message else ""
    if kind == "overwritten":
        found = witness.told(witness.of(error))
        vain = " `retain_graph=True` keeps the graph, not the values." if retained else ""
        return (
            f"backward raises: {found}. That write stands between a forward and its backward.{vain}"
        )
    if kind in ("leaf", "view of a leaf"):
        return "the leaf error: a weight that requires grad may be written only while nothing is recorded (`torch.no_grad()`)."
    if kind == "backward twice":
        return (
            "a second backward went into a graph that the first had used up. "
            "Do not keep that graph: cut it with `.detach()` where the second loss has no business in it."
        )
    if "does not require grad" in str(error):
        return (
            "the loss of a backward has no history: it was computed under `no_grad` or from a tensor "
            "already cut with `.detach()`. Cut after that backward, or as the next forward begins."
        )
    raise error


# Exercise 2: two optimizers

_BOTH_LATE = (
    "D's weights are wrong: G's backward goes through D and adds to D's `.grad` as well. "
    "Let D take its step before G's backward, on gradients of its own loss alone."
)


_THROUGH_G = (
    "right numbers, but D's loss went back through G as well, for gradients that nobody uses. "
    "Give it `D(fake.detach())`: then there is nothing to retain, either."
)


def networks(seed: int = 0):
    """A generator, a discriminator, and an SGD for each; the same numbers for the same seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        G, D = nn.Linear(2, 2), nn.Linear(2, 1)
    return G, D, torch.optim.SGD(G.parameters(), lr=0.5), torch.optim.SGD(D.parameters(), lr=0.5)


def _right_step(G, D, opt_g, opt_d, noise):
    fake = G(noise)
    opt_d.zero_grad()
    softplus(D(fake.detach())).sum().backward()
    opt_d.step()
    opt_g.zero_grad()
    softplus(-D(fake)).sum().backward()
    opt_g.step()


def _g_from_old_d(G, D, opt_g, opt_d, noise):
    gradients = torch.autograd.grad(softplus(-D(G(noise))).sum(), list(G.parameters()))
    _right_step(G, D, opt_g, opt_d, noise)
    with torch.no_grad():
        for p, g in zip(G.parameters(), gradients):
            p += 0.5 * (p.grad - g)


def _trains_both(answer):
    mine, right = networks(1), networks(1)
    took = {name: _steps_of(opt) for name, opt in zip("GD", mine[2:])}
    start, old = networks(1), networks(1)
    arrived = []
    mine[0].register_forward_hook(lambda module, given, fake: _listen(fake, arrived))
    for call, noise in enumerate((torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]]))):
        arrived.clear()
        _, retained, error = under_watch(answer, *mine, noise.clone())
        if error:
            return error
        _right_step(*right, noise)
        if _alike(mine[0], right[0]) and _alike(mine[1], right[1]):
            if len(arrived) > 1:
                return _THROUGH_G
            if retained:
                return _NEEDLESS
            continue
        if call:
            return "the first step is right, the second is not: gradients of the step before are still there (`zero_grad`)."
        _g_from_old_d(*old, noise)
        for name, steps in took.items():
            if len(steps) > 1:
                return f"{name} took {len(steps)} steps in one call; one is asked for."
        return _which_is_wrong(mine, right, start, old)


def _steps_of(optimizer) -> list:
    """A list that has one more entry after each of its steps."""
    steps: list = []
    optimizer.register_step_post_hook(lambda *given: steps.append(1))
    return steps


def _listen(fake, arrived):
    if fake.requires_grad:
        fake.register_hook(lambda gradient: arrived.append(1))


def _which_is_wrong(mine, right, start, old):
    if _alike(mine[1], start[1]):
        return "D's weights did not move: it needs a backward of its own loss, and then `opt_d.step()`."
    if _alike(mine[0], start[0]):
        return "G's weights did not move: its loss must reach it (nothing detached on that way), and then comes `opt_g.step()`."
    if not _alike(mine[1], right[1]):
        return _BOTH_LATE
    if _alike(mine[0], old[0]):
        return (
            "G learned from the D before its step: its loss needs a score that the new D computed."
        )
    return "D is right, G is not: the backward of D's loss has left gradients in G, or G's loss is another one."


def _alike(a, b):
    return all(torch.allclose(p, q, atol=1e-6) for p, q in zip(a.parameters(), b.parameters()))


# Exercise 3: a carried state


def _cell():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        cell = nn.Linear(2, 2)
    return cell, torch.optim.SGD(cell.parameters(), lr=0.5)


#: What a loop may leave out → the sentence about it.
_SLIPS = {
    "carrying": "every step begins from the first state: carry the last one on, without its history.",
    "zeroing": "the gradients of earlier steps are still there: `optimizer.zero_grad()` belongs into the loop.",
}


def _loop(cell, optimizer, h, steps, without=""):
    first = h
    for _ in range(steps):
        h = torch.tanh(cell((first if without == "carrying" else h).detach()))
        if without != "zeroing":
            optimizer.zero_grad()
        h.sum().backward()
        optimizer.step()
    return h


def _carries(answer):
    for steps in (1, 4):
        (cell, optimizer), (other, its_optimizer) = _cell(), _cell()
        returned, steps_taken = [], _steps_of(optimizer)

        def keeping(*arguments):
            returned.append(answer(*arguments))
            return returned[0]

        witness, retained, error = under_watch(keeping, cell, optimizer, torch.zeros(1, 2), steps)
        if error:
            return error
        last = _loop(other, its_optimizer, torch.zeros(1, 2), steps)
        if not _alike(cell, other):
            return _which_loop(cell, steps, len(steps_taken))
        if not isinstance(returned[0], torch.Tensor):
            return f"the weights are right, but your function returns {type(returned[0]).__name__}; return the last state."
        if returned[0].shape != last.shape or not torch.allclose(returned[0], last, atol=1e-6):
            return f"the weights are right, but what you return is not the last state, {last.tolist()}."
    if retained:
        return _NEEDLESS
    if witness.read_data:
        return "right, for nobody writes into it; but the exercise asks for it without `.data`: `.detach()` cuts as well, and its writes are heard."


def _which_loop(cell, steps, taken):
    fresh, _ = _cell()
    if taken != steps:
        still = "" if taken else "the weights did not move: "
        return f"{still}asked for {steps} step(s), it took {taken}; each takes a backward of its own loss, `h.sum()`, and steps at once."
    if _alike(cell, fresh) and cell.weight.grad is None:
        return "the loss does not reach the weights: what `h.sum()` adds up is cut off from the cell. Cut before the cell, not after it."
    if _alike(cell, fresh):
        return "the weights did not move: each step needs a backward and then `optimizer.step()`."
    for slip, mistake in _SLIPS.items():
        other, optimizer = _cell()
        _loop(other, optimizer, torch.zeros(1, 2), steps, slip)
        if _alike(cell, other):
            return mistake
    return f"after {steps} step(s) the weights are others: each step takes a backward of its own loss, `h.sum()`, and steps at once."


gan_step = Exercise(
    _trains_both,
    (
        "Two forwards through D: one for its own loss, before its step, and one for G's loss, after it.",
        "D's loss takes `D(fake.detach())`, G's loss `D(fake)`; each: zero_grad, backward, step.",
    ),
    "def gan_step(G, D, opt_g, opt_d, noise):\n"
    "    softplus = torch.nn.functional.softplus\n"
    "    fake = G(noise)\n"
    "    opt_d.zero_grad()\n"
    "    softplus(D(fake.detach())).sum().backward()\n"
    "    opt_d.step()\n"
    "    opt_g.zero_grad()\n"
    "    softplus(-D(fake)).sum().backward()\n"
    "    opt_g.step()",
)

carry_state = Exercise(
    _carries,
    (
        "Which graph does the backward of step 3 go into, beside its own?",
        "Feed the cell `h.detach()`: the numbers go on, the history does not.",
    ),
    "def carry_state(cell, optimizer, h, steps):\n"
    "    for _ in range(steps):\n"
    "        h = torch.tanh(cell(h.detach()))\n"
    "        optimizer.zero_grad()\n"
    "        h.sum().backward()\n"
    "        optimizer.step()\n"
    "    return h",
)
