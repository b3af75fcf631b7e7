"""The first exercise of lesson 9: nine programs, and what each of them ends with.

The idea: nothing about an ending is typed in; each program runs beside its out-of-place twin,
and the two lines that a nudge quotes are the doctor's.
"""

from __future__ import annotations

from functools import cache

from overwritten.lesson.checking import plain
from overwritten.lesson.exercise import Exercise
from overwritten.lesson.lines import clashes
from overwritten.record.trial import CAUTIOUS, RAISES, RIGHT, SILENT, trial

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
        "`w * x` saves `x` alone, because `x` does not require grad",
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

#: The programs of exercise 1, by name, to be read before they are run.
SNIPPETS = {name: code for name, (code, *_) in _SNIPPETS.items()}

_WORDS = {RAISES: "raises", CAUTIOUS: "raises", RIGHT: "right", SILENT: "wrong"}

#: (the guess, the truth) → what to think of next; it leaves the word to the learner.
_WRITTEN = "look again at {saver}: {save}. What stands there when backward asks for it?"
_NUDGES = {
    ("right", "raises"): _WRITTEN,
    ("right", "wrong"): _WRITTEN,
    ("wrong", "raises"): "you say that nobody notices {writer}. Who counts that write? A hint: {write}.",
    ("raises", "wrong"): "you say that the check notices {writer}. Does it? A hint: {write}.",
    ("raises", "right"): "the check compares saved tensors only, each with its version at the save. Here {save}, and {write}.",
    ("wrong", "right"): "a wrong number must come from a saved tensor that was written after its save. Here {save}, and {write}.",
}  # fmt: skip


@cache
def truth(name: str) -> str:
    """'raises', 'right' or 'wrong': what the snippet does on this PyTorch, beside its twin."""
    code, write, instead, *_ = _SNIPPETS[name]
    return _WORDS.get(trial(code, code.replace(write, instead)).verdict, "")


def _verdicts(answers):
    for name in SNIPPETS:
        guess = plain(answers[name])
        if guess not in _WORDS.values():
            return f"for {name!r} you gave {answers[name]!r}: answer 'raises', 'right' or 'wrong'."
        if truth(name) and guess != truth(name):
            return f"not {guess!r} for {name!r}: {_nudge(name, guess)}"


def _nudge(name, guess):
    code, *_, save, write = _SNIPPETS[name]
    saver, writer = _pair(code)
    return _NUDGES[guess, truth(name)].format(saver=saver, writer=writer, save=save, write=write)


def _pair(code):
    """The line that saved and the line that wrote over it, as the doctor sees them."""
    for saver, writers in clashes(code, strict=True):
        lines = code.splitlines()
        return tuple(f"`{lines[number - 1].strip()}`" for number in (saver, writers[0]))
    return "the line that saves", "the write"


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
