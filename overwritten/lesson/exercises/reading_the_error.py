"""The exercises of lesson 5, and what anomaly mode and the doctor say of one failure.

Each check runs the learner's answer on fresh tensors, beside an out-of-place twin.
"""

from __future__ import annotations

import re
from functools import cache

import torch
from torch import nn
from torch.nn import functional as F

from overwritten.cases.resnet import ConvModule
from overwritten.lesson.checking import beside_twin, plain
from overwritten.lesson.exercise import Exercise, attempt
from overwritten.lesson.exercises.orders import order_sum
from overwritten.lesson.witness import who
from overwritten.messages import forward_lines, parse

__all__ = ["EXERCISES", "PROGRAMS", "forward_of", "gated", "messages", "top_down", "who"]


def forward_of(warned) -> list[str]:
    """What anomaly mode printed of the forward: the lines of code outside PyTorch, outermost first.

    warned: the list that `warnings.catch_warnings(record=True)` fills. In a notebook the
    frames of the kernel itself, which come first, are left out.
    """
    lines = [line for one in warned for line in forward_lines(str(one.message))]
    ours = (n for n, (file, *_) in enumerate(lines, 1) if file.endswith("interactiveshell.py"))
    begin = max(ours, default=0)
    return [code for file, _, code in lines[begin:] if "/torch/" not in file]


# Exercise 1: six programs, six messages

_GIVEN = "a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)\n"

#: name → (the program, who saved what, what to think of)
_PROGRAMS = {
    "a": (
        "x = F.relu(a * 1.5, inplace=True)\nx *= 2\nx -= 1\nx.sum().backward()",
        "relu saved its own result, which it had written itself",
        "two lines write after that save",
    ),
    "b": (
        "y = a * 2\nz = y ** 2\ny += 1\nz.sum().backward()",
        "`y ** 2` saved its input `y`",
        "for an input the message names the last write that autograd recorded",
    ),
    "c": (
        "y = a.sigmoid()\ny[0] = 0\ny[1] = 0\ny.sum().backward()",
        "sigmoid saved its own result",
        "each `y[…] = …` is one write, and both go to the storage of `y`",
    ),
    "d": (
        "mean = torch.zeros(3)\ny = a * mean\nmean += 1\ny.sum().backward()",
        "`a * mean` saved `mean`, for the gradient of `a`",
        "no recorded operation made `mean`",
    ),
    "e": (
        "y = a.relu()\ny = y + 1\ny *= 3\ny.sum().backward()",
        "relu saved its own result",
        "`y + 1` is a new tensor with a counter of its own, and `*= 3` writes that one",
    ),
    "f": (
        "y = a * 2\ny += 1\nz = y ** 2\nwith torch.no_grad():\n    y *= 3\nz.sum().backward()",
        "`y ** 2` saved its input `y`, after one write",
        "autograd does not record what happens under `no_grad`, so that write leaves no name",
    ),
}

#: The programs of exercise 1, by name, to be read before they are run.
PROGRAMS = {name: _GIVEN + code for name, (code, *_) in _PROGRAMS.items()}


@cache
def _truth(name) -> tuple:
    """(op or 'none', now, expected) of the message on this PyTorch; () where there is none."""
    try:
        with torch.enable_grad():
            exec(PROGRAMS[name], {"torch": torch, "F": F})
    except RuntimeError as error:
        if message := parse(str(error)):
            name = (message.op or "none").rpartition("::")[2]
            return name.lower(), message.now, message.expected
    return ()


#: A name, the version now, that at the save; with PyTorch's own words between them or without.
_FORM = r"(?:\w+::)*(\w+?)(?:backward\d*)?\W+(?:is )?(?:at )?(?:version )?(\d+)\W+(?:expected )?(?:version )?(\d+)(?: instead)?"


def _knows_the_message(answers):
    for name, (_, saves, think) in _PROGRAMS.items():
        truth, said = _truth(name), plain(answers[name])
        found = re.fullmatch(_FORM, said)
        if said != "no error" and not found:
            return f"{name}: write the name and the two versions, as in 'Exp 3; 2' ('none 3; 2' without a name), or 'no error'; you wrote {answers[name]!r}."
        guess = (found[1], int(found[2]), int(found[3])) if found else ()
        if guess != truth:
            return f"{name}: {_which_part(guess, truth, answers[name])} Remember: {saves}; {think}."


def _which_part(guess, truth, said):
    if not truth:
        return "this one runs. Was anything written that is saved?"
    if not guess:
        return "this one raises. Something that is saved is written before backward asks for it."
    if guess[1:] == truth[1:]:
        return f"the versions are right, the name in {said!r} is not."
    if guess[1:] == truth[:0:-1]:
        return "the versions are the wrong way round: the first is that of now, the second that of the save."
    if guess[1] - guess[2] == truth[1] - truth[2]:
        return "you counted the writes since the save rightly, but not those before it."
    return f"not {guess[1]}; {guess[2]}: begin at 0, count the writes up to the save, then those after it."


# Exercises 2 and 3: mend it, without touching the ReLU


_INPLACE = (
    "you took `inplace=True` from the block's ReLU: the block is another one's, and since torch 1.10 that alone "
    "turns `2; expected 1` into `1; expected 0`. Mend the line that writes."
)


def _gated(block, gate, x):
    out = block(x)
    return out * torch.sigmoid(gate(out))


def _gates(answer):
    for channels, side in ((2, 3), (3, 2)):
        x = torch.randn(2, channels, side, side, requires_grad=True)
        inputs = [ConvModule(channels, channels), nn.Conv2d(channels, 1, 1), x]
        seen = beside_twin(answer, _gated, inputs)
        block = seen.mine[0]
        if not block.activate.inplace:
            return _INPLACE
        if seen.changed(2):
            return "x itself was changed: the function must leave its argument as it was."
        if mistake := seen.mistake():
            return mistake
        if block.bn.num_batches_tracked > 1:
            twice = "its batch norm has counted a batch twice"
            return f"right, but the block ran more than once: {twice}."


def _merged(laterals):
    merged = list(laterals)
    for i in range(len(merged) - 1, 0, -1):
        merged[i - 1] = merged[i - 1] + F.interpolate(merged[i], scale_factor=2)
    return merged


def _goes_down(answer):
    for sides, in_place in (((8, 4, 2), True), ((4, 2), False), ((16, 8, 4, 2), True)):
        leaves = [torch.randn(1, 2, side, side, requires_grad=True) for side in sides]
        result, given = [], []

        def theirs(*leaves):
            given[:] = [F.relu(leaf * 1.5, inplace=in_place) for leaf in leaves]
            result[:] = [attempt(answer, list(given))]
            return _flat(result[0])

        def twin(*leaves):
            return _flat(_merged([F.relu(leaf * 1.5) for leaf in leaves]))

        seen = beside_twin(theirs, twin, leaves)
        (maps,) = result
        if not isinstance(maps, (list, tuple)) or len(maps) != len(sides):
            return f"return a list of {len(sides)} maps for {len(sides)} laterals; yours is {_kind(maps)}."
        if not all(isinstance(one, torch.Tensor) for one in maps):
            return "return a list of tensors, the finest first."
        wanted = _merged([F.relu(leaf * 1.5) for leaf in leaves])
        raises = (
            "a lateral was written in place, so backward raises: {found}. Compute a new tensor."
        )
        if mistake := _which_level(maps, wanted, given) or seen.mistake(raises=raises):
            return mistake


def _flat(maps):
    """All numbers of a list of tensors in one tensor; anything else as it is."""
    if isinstance(maps, (list, tuple)) and all(isinstance(one, torch.Tensor) for one in maps):
        return torch.cat([one.flatten() for one in maps]) if maps else maps
    return maps


def _kind(result):
    several = isinstance(result, (list, tuple))
    return f"a list of {len(result)}" if several else type(result).__name__


def _which_level(result, wanted, laterals):
    if any(one.shape != right.shape for one, right in zip(result, wanted)):
        return "a map has another size than its lateral: the coarser one is enlarged (`scale_factor=2`), the finest stays first."
    if all(torch.allclose(one, right, atol=1e-6) for one, right in zip(result, wanted)):
        return ""
    if all(torch.allclose(one, lateral) for one, lateral in zip(result, laterals)):
        return "nothing was added: keep the sum, for instance with `laterals[i - 1] = …`."
    level = max(
        n
        for n, (one, right) in enumerate(zip(result, wanted))
        if not torch.allclose(one, right, atol=1e-6)
    )
    return f"map {level} of 0 to {len(wanted) - 1}, the finest first, has other values: it is its lateral plus the map that comes next, merged already and enlarged as `F.interpolate(…, scale_factor=2)` does it; the coarsest stays as it is."


messages = Exercise(
    _knows_the_message,
    (
        "Who saved which tensor? If its own result, it is the name. If an input: who wrote into it last, and was that recorded?",
        "Count from 0: every write before the save, then every write after it. In-place ReLU writes before its own save.",
    ),
    "answers = {\n"
    "    'a': 'Relu 3; 1', 'b': 'Add 1; 0', 'c': 'Sigmoid 2; 0',\n"
    "    'd': 'none 1; 0', 'e': 'no error', 'f': 'Add 2; 1',\n"
    "}",
    questions=tuple(PROGRAMS),
)

gated = Exercise(
    _gates,
    (
        "Two operations saved `x`: the ReLU in the block and the gate's convolution. Both saves come before `*=`.",
        "`x = x * torch.sigmoid(gate(x))` computes a new tensor, and nobody's save is written.",
    ),
    "def gated(block, gate, x):\n    x = block(x)\n    return x * torch.sigmoid(gate(x))",
)

top_down = Exercise(
    _goes_down,
    (
        "Which line of mmdetection's FPN wrote, and how does it read out of place?",
        "Copy the list first, then from the last to the second: `laterals[i - 1] = laterals[i - 1] + F.interpolate(laterals[i], scale_factor=2)`.",
    ),
    "def top_down(laterals):\n"
    "    laterals = list(laterals)\n"
    "    for i in range(len(laterals) - 1, 0, -1):\n"
    "        up = torch.nn.functional.interpolate(laterals[i], scale_factor=2)\n"
    "        laterals[i - 1] = laterals[i - 1] + up\n"
    "    return laterals",
)

#: By the name the lesson uses; the tests run every one unattempted, wrong and right.
EXERCISES = {"order_sum": order_sum, "messages": messages, "gated": gated, "top_down": top_down}
