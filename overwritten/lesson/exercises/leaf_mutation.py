"""The exercises of lesson 4, its snippets, and `who`: a finding as the two lines of code."""

from __future__ import annotations

import linecache
import warnings
from functools import cache

import torch
from torch import nn
from torch.nn.functional import softplus

from overwritten.doctor.block import watch
from overwritten.lesson.checking import Folk
from overwritten.lesson.exercise import Exercise, attempt
from overwritten.messages import parse
from overwritten.record.trial import CAUTIOUS, RAISES, RIGHT, SILENT, trial


def who(recording, code: str = "") -> str:
    """What a watched block ended with, or what strict mode found in it, as lines of code.

    code: the source, where Python cannot look it up.

    >>> who(watch().recording)
    'nothing found'
    """
    found = [recording.diagnosis] if recording.diagnosis else recording.silent
    return "; ".join(dict.fromkeys(_both(one, code) for one in found)) or "nothing found"


def _both(one, code):
    saver = f"`{_source(one.saver.site, code)}` saved" if one.saver else "something unseen saved"
    writers = dict.fromkeys(f"`{_source(writer.site, code)}`" for writer in one.writers)
    return f"{saver}, {' and '.join(writers) or 'something unseen'} wrote over it"


def _source(site, code):
    return (
        code.splitlines()[site.line - 1] if code else linecache.getline(site.file, site.line)
    ).strip()


def _attempt(answer, *arguments):
    """Run the learner's function; return (what Folk noticed, a sentence about its error or '')."""
    try:
        with Folk() as folk, watch() as recording:
            attempt(answer, *arguments)
    except RuntimeError as error:
        return folk, _about(error, folk, recording)
    return folk, ""


def _about(error, folk, recording):
    message = parse(str(error))
    kind = message.kind if message else ""
    if complaint := folk.complaint("retain_graph=True", ".data"):
        return f"it raises all the same ({recording.diagnosis and who(recording) or kind}): {complaint}"
    if kind == "overwritten":
        return f"backward raises: {who(recording)}. That write stands between a forward and its backward."
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


# Exercise 1: a step by hand


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
            _, error = _attempt(answer, given, lr)
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


def _mistake(w, storage, start, grad, lr):
    wanted = start - lr * grad
    if w.untyped_storage().data_ptr() != storage:
        return "a weight now looks at another storage (`w.data = …` does that); a graph that saved the weight may read the new numbers, unwarned."
    if not w.requires_grad:
        return "a weight no longer requires a gradient: it will not learn again."
    if not torch.equal(w, wanted):
        return _wrong_numbers(w, start, grad, lr, wanted)
    if isinstance(grad, torch.Tensor) and grad.any() and w._version == 0:
        return (
            "right numbers, but no version counter moved: `.data`, NumPy and fused optimizers write unheard, "
            "and a step in the wrong place would then pass without an error. Write the weight itself under `no_grad`."
        )
    if w.grad is not None and w.grad.any():
        return "the weights are right, but the gradients are still there: the next backward adds to them."


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


_DATA_AS_CUT = (
    "right here, for nobody writes into it; but `.data` has a version counter of its own and would hide "
    "a later write. Write `.detach()` where you mean to cut."
)


# Exercise 2: two optimizers

_BOTH_LATE = (
    "D's weights are wrong: G's backward goes through D and adds to D's `.grad` as well. "
    "Let D take its step before G's backward, on gradients of its own loss alone."
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
    start, old = networks(1), networks(1)
    arrived = []
    mine[0].register_forward_hook(lambda module, given, fake: _listen(fake, arrived))
    for call, noise in enumerate((torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, -1.0]]))):
        arrived.clear()
        folk, error = _attempt(answer, *mine, noise.clone())
        if error:
            return error
        _right_step(*right, noise)
        if _alike(mine[0], right[0]) and _alike(mine[1], right[1]):
            if mistake := _needless(folk, arrived):
                return mistake
            continue
        if complaint := folk.complaint(".data"):
            return complaint
        if call:
            return "the first step is right, the second is not: gradients of the step before are still there (`zero_grad`)."
        _g_from_old_d(*old, noise)
        return _which_is_wrong(mine, right, start, old)


def _listen(fake, arrived):
    if fake.requires_grad:
        fake.register_hook(lambda gradient: arrived.append(1))


def _needless(folk, arrived):
    """What a step with the right numbers should do without."""
    if len(arrived) > 1:
        return (
            "right numbers, but D's loss went back through G as well, for gradients that nobody uses. "
            "Give it `D(fake.detach())`: then there is nothing to retain, either."
        )
    if "retain_graph=True" in folk.used:
        return "right numbers, but no backward goes twice through one graph here: leave out `retain_graph=True`."
    if ".data" in folk.used:
        return _DATA_AS_CUT


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


def _right_loop(cell, optimizer, h, steps, reset=False, zero=True):
    first = h
    for _ in range(steps):
        h = torch.tanh(cell((first if reset else h).detach()))
        if zero:
            optimizer.zero_grad()
        h.sum().backward()
        optimizer.step()
    return h


def _carries(answer):
    for steps in (1, 4):
        (cell, optimizer), (other, its_optimizer) = _cell(), _cell()
        returned = []

        def keeping(*arguments):
            returned.append(answer(*arguments))
            return returned[0]

        folk, error = _attempt(keeping, cell, optimizer, torch.zeros(1, 2), steps)
        if error:
            return error
        last = _right_loop(other, its_optimizer, torch.zeros(1, 2), steps)
        if not _alike(cell, other):
            return _which_loop(cell, steps)
        if not isinstance(returned[0], torch.Tensor):
            return f"the weights are right, but your function returns {type(returned[0]).__name__}; return the last state."
        if returned[0].shape != last.shape or not torch.allclose(returned[0], last, atol=1e-6):
            return f"the weights are right, but what you return is not the last state, {last.tolist()}."
    if ".data" in folk.used:
        return _DATA_AS_CUT
    if "retain_graph=True" in folk.used:
        return "right numbers, but once the state is cut there is no older graph to keep: leave out `retain_graph=True`."


def _which_loop(cell, steps):
    fresh, _ = _cell()
    if _alike(cell, fresh):
        return "the weights did not move: each step needs a backward and then `optimizer.step()`."
    for changed, mistake in (
        (
            {"reset": True},
            "every step begins from the first state: carry the last one on, without its history.",
        ),
        (
            {"zero": False},
            "the gradients of earlier steps are still there: `optimizer.zero_grad()` belongs into the loop.",
        ),
    ):
        other, optimizer = _cell()
        _right_loop(other, optimizer, torch.zeros(1, 2), steps, **changed)
        if _alike(cell, other):
            return mistake
    return f"after {steps} step(s) the weights are others: each step takes a backward of its own loss, `h.sum()`, and steps at once."


# Exercise 4: nine verdicts

_STEP = """\
w = torch.tensor([2.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1{})
first, second = w.exp(), w.square()
first.backward()
optimizer.step()
second.backward()"""

#: name → (the snippet, its line that writes, that line out of place, about the save, about the write)
_SNIPPETS = {
    "a": (
        "x = torch.tensor([0.5, 1.0, 2.0], requires_grad=True)\n"
        "y = torch.sigmoid(x)\n"
        "y[0] = 0.0\n"
        "y.sum().backward()",
        "y[0] = 0.0",
        "y = y * torch.tensor([0.0, 1.0, 1.0])",
        "sigmoid's gradient is made of its result",
        "one counter serves all elements of `y`",
    ),
    "b": (
        "w = torch.tensor([2.0], requires_grad=True)\n"
        "x = torch.tensor([5.0])\n"
        "loss = (w * x).sum()\n"
        "with torch.no_grad():\n"
        "    w *= 0.9\n"
        "loss.backward()",
        "w *= 0.9",
        "v = w * 0.9",
        "`w * x` saves `x` alone, for `x` wants no gradient",
        "`w *= 0.9` moves the counter of `w`",
    ),
    "c": (
        "w = torch.tensor([1.0, 1.0], requires_grad=True)\n"
        "batch = torch.zeros(2)\n"
        "batch.numpy()[:] = 7.0\n"
        "loss = (w * batch).sum()\n"
        "loss.backward()",
        "batch.numpy()[:] = 7.0",
        "batch = torch.full((2,), 7.0)",
        "`w * batch` saves `batch` as it is in that line",
        "NumPy's write comes one line before",
    ),
    "d": (
        _STEP.format(", fused=True"),
        "optimizer.step()\nsecond.backward()",
        "second.backward()\noptimizer.step()",
        "the gradient of `w.square()` is made of `w`",
        "it is a step with `fused=True`",
    ),
    "e": (
        "x = torch.tensor([0.2, 2.0], requires_grad=True)\n"
        "y = torch.tanh(x)\n"
        "loss = y.sum()\n"
        "y.detach().clamp_(max=0.5)\n"
        "loss.backward()",
        "y.detach().clamp_(max=0.5)",
        "v = y.detach().clamp(max=0.5)",
        "tanh's gradient is made of its result",
        "remember what `detach()` shares, and `.data` does not",
    ),
    "f": (
        "x = torch.tensor([[2.0, 3.0]], requires_grad=True)\n"
        "w = torch.eye(2, requires_grad=True)\n"
        "out = torch.nn.functional.linear(x, w)\n"
        "out += x\n"
        "(out * 3).sum().backward()",
        "out += x",
        "out = out + x",
        "`linear` saves `x` and `w`",
        "`out += x` moves the counter of `out`",
    ),
    "g": (
        "w = torch.tensor([3.0], requires_grad=True)\n"
        "h = w * 2\n"
        "score = (h * w).sum()\n"
        "w.data.clamp_(-1.0, 1.0)\n"
        "score.backward()",
        "w.data.clamp_(-1.0, 1.0)",
        "v = w.data.clamp(-1.0, 1.0)",
        "the gradient of `h * w` is made of both",
        "it goes through `.data`",
    ),
    "h": (
        _STEP.format(""),
        "optimizer.step()\nsecond.backward()",
        "second.backward()\noptimizer.step()",
        "the gradient of `w.square()` is made of `w`",
        "a step runs under `no_grad`, which stops the recording alone",
    ),
    "i": (
        "x = torch.tensor([0.0, 1.0], requires_grad=True)\n"
        "with torch.autograd.graph.save_on_cpu():\n"
        "    y = x.exp()\n"
        "y += 1\n"
        "y.sum().backward()",
        "y += 1",
        "y = y + 1",
        "exp's gradient is made of its result",
        "it moves the counter, but look at how `y` was saved",
    ),
}

#: The programs of exercise 4, by name, to be read before they are run.
SNIPPETS = {name: code for name, (code, *_) in _SNIPPETS.items()}

_WORDS = {RAISES: "raises", CAUTIOUS: "raises", RIGHT: "right", SILENT: "wrong"}

#: (the guess, the truth) → what to think of next; it leaves the word to the learner
_NUDGES = {
    (
        "right",
        "raises",
    ): "look again at {saver}: {save}. What stands there when backward asks for it?",
    (
        "right",
        "wrong",
    ): "look again at {saver}: {save}. What stands there when backward asks for it?",
    (
        "wrong",
        "raises",
    ): "you say that nobody hears {writer}. Who counts that write? A hint: {write}.",
    ("raises", "wrong"): "you say that the check hears {writer}. Does it? A hint: {write}.",
    (
        "raises",
        "right",
    ): "the check compares saved tensors only, each with its version at the save. Here {save}, and {write}.",
    (
        "wrong",
        "right",
    ): "a wrong number must come from a saved tensor that was written after its save. Here {save}, and {write}.",
}


@cache
def truth(name: str) -> str:
    """'raises', 'right' or 'wrong': what the snippet does on this PyTorch, beside its twin."""
    code, write, instead, *_ = _SNIPPETS[name]
    return _WORDS.get(trial(code, code.replace(write, instead)).verdict, "")


def _verdicts(answers):
    for name in SNIPPETS:
        guess = answers[name]
        if guess not in tuple(_WORDS.values()):
            return f"for {name!r} you gave {guess!r}: answer 'raises', 'right' or 'wrong'."
        if truth(name) and guess != truth(name):
            return f"not {guess!r} for {name!r}: {_nudge(name, guess)}"


def _nudge(name, guess):
    code, *_, save, write = _SNIPPETS[name]
    saver, writer = _pair(code)
    return _NUDGES[guess, truth(name)].format(saver=saver, writer=writer, save=save, write=write)


def _pair(code):
    """The line that saved and the line that wrote over it, as the doctor sees them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with watch(strict=True) as recording:
                exec(compile(code, "<snippet>", "exec"), {"torch": torch})
        except RuntimeError:
            pass
    found = [recording.diagnosis] if recording.diagnosis else recording.silent
    if not found or not found[0].saver or not found[0].writers:
        return "the line that saves", "the write"
    return tuple(f"`{_source(one.site, code)}`" for one in (found[0].saver, found[0].writers[0]))


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

verdicts = Exercise(
    _verdicts,
    (
        "For each: which line saves what for backward? Does a later line write into that storage? Does the counter see it?",
        "Three of them raise, three are right, three are wrong without an error.",
    ),
    "answers = {\n"
    "    'a': 'raises', 'b': 'right', 'c': 'right', 'd': 'wrong',\n"
    "    'e': 'raises', 'f': 'right', 'g': 'wrong', 'h': 'raises', 'i': 'wrong',\n"
    "}",
    questions=tuple(SNIPPETS),
)

#: By the name the lesson uses; the tests run every one unattempted, wrong and right.
EXERCISES = {
    "sgd_step": sgd_step,
    "gan_step": gan_step,
    "carry_state": carry_state,
    "verdicts": verdicts,
}
