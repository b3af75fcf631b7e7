"""The exercises of lesson 8: find the pattern of a message, mend two programs with several.

Each check runs the learner's function on fresh tensors, beside an out-of-place twin.
"""

from __future__ import annotations

import re

import torch
from torch import nn

from overwritten.cases.patterns import EVERY
from overwritten.lesson.checking import beside_twin, plain
from overwritten.lesson.exercise import Exercise
from overwritten.lesson.shows.guide import number, pattern, section

__all__ = ["CASES", "EXERCISES", "attend", "patterns", "roll_out"]

_OVERWRITTEN = "one of the variables needed for gradient computation has been modified by an inplace operation: "

#: name → (what was run, what was printed, its pattern, what to look at)
_CASES = {
    "a": (
        "A detector with anchors, in the second stage of training",
        f"{_OVERWRITTEN}[torch.cuda.FloatTensor [16, 3, 20, 20, 85]], which is output 0 of SigmoidBackward0, is at version 2; expected version 0 instead.",
        "boxes decoded into a sigmoid",
        "Sigmoid saved its own result, and that was written twice; 85 numbers for each anchor are a box, a score and classes.",
    ),
    "b": (
        "One recurrent network, one optimizer; steps 1 and 2 ran, step 3 raises",
        f"{_OVERWRITTEN}[torch.cuda.FloatTensor [128, 128]], which is output 0 of AsStridedBackward0, is at version 3; expected version 2 instead.",
        "hidden state carried over a step",
        "two dimensions and `AsStrided`: a weight that a step has written; with one network and one loss a step, which old graph still needs it?",
    ),
    "c": (
        "A classifier with rare classes that are merged",
        f"{_OVERWRITTEN}[torch.cuda.LongTensor [64]] is at version 1; expected version 0 instead.",
        "labels changed after the loss",
        "`LongTensor` is whole numbers, and nobody made it: what does a loss save besides the scores?",
    ),
    "d": (
        "Boxes taken apart, `x1, y1, x2, y2 = boxes.chunk(4, -1)`, and shifted",
        "Output 0 of SplitBackward0 is a view and is being modified inplace. This view is the output of a function "
        "that returns multiple views. Such functions do not allow the output views to be modified inplace.",
        "view from unbind or split written",
        "the text itself says it: the operation returned several views.",
    ),
    "e": (
        "A vision transformer; the feature map also goes to a second head",
        f"{_OVERWRITTEN}[torch.cuda.FloatTensor [8, 768, 14, 14]], which is output 0 of AddBackward0, is at version 1; expected version 0 instead.",
        "position added after a convolution",
        "an addition saves nothing, so `Add` is the writer, `+=`; somebody before it saved the map as an input.",
    ),
    "f": (
        "A network with batch norm: a batch in `eval()`, then one in `train()`, then backward of the first. Nothing raises, the numbers look odd",
        "(no message)",
        "batch norm in eval, then in train",
        "no message: which buffers are written while no counter moves?",
    ),
}

#: The cases of exercise 1: name → (what was run, what was printed).
CASES = {name: (ran, said) for name, (ran, said, *_) in _CASES.items()}


_NAMED = {plain(one.name): one for one in EVERY}


def _named(given):
    """The pattern of a number, a name, or both as they stand in the index. Raises LookupError."""
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    number_, name = re.fullmatch(r"(?:pattern )?(\d*)\W*(.*)", plain(given)).groups()
    found = pattern(int(number_)) if number_ else _NAMED.get(name) or pattern(str(given))
    if name and _NAMED.get(name) is not found:
        raise LookupError(f"{given!r}: number {number_} is {found.name!r}.")
    return found


def _finds_patterns(answers):
    for name, (*_, right, look) in _CASES.items():
        try:
            found = _named(answers[name])
        except LookupError as error:
            return f"{name}: {error.args[0]}"
        if found.name != right:
            where, near = section(pattern(right)), "look in another section, for"
            if section(found) == where:
                near = f"section {where} is the place, but"
            return f"{name}: you say {number(found)}, {found.name!r}; {near} {look}"


def _attended(scores, values, padding):
    weights = torch.where(padding, 0, torch.softmax(scores, -1))
    return (weights / weights.sum(-1, keepdim=True)) @ values


def _weighted(masked):
    """`_attended` with other weights: function(scores, padding) → weights."""
    return lambda scores, values, padding: masked(scores, padding) @ values


_SLIPS = {
    "the padded words still have a weight: other values than those of the function as it was.": _weighted(
        lambda scores, padding: scores.softmax(-1)
    ),
    "the weights of the words that are left no longer add up to 1.": _weighted(
        lambda scores, padding: scores.softmax(-1).masked_fill(padding, 0)
    ),
    "masked with 0 before the softmax, the padded words get the weight exp(0): there it has to be `-inf`.": _weighted(
        lambda scores, padding: scores.masked_fill(padding, 0).softmax(-1)
    ),
    "the other way round: the words that are padding are kept, the others masked.": lambda scores, values, padding: (
        _attended(scores, values, ~padding)
    ),
}


def _attends(answer):
    for batch, words, padded in ((2, 4, 1), (1, 6, 3), (3, 5, 2)):
        scores = torch.randn(batch, words, words, requires_grad=True)
        values = torch.randn(batch, words, 3, requires_grad=True)
        padding = torch.arange(words) >= words - padded
        seen = beside_twin(answer, _attended, [scores, values, padding])
        if seen.changed(2):
            return "`padding` was changed: the function must leave its arguments as they were."
        if seen.changed(0, 1):
            return "the scores or the values were changed: leave the arguments as they were."
        if mistake := seen.mistake(_SLIPS):
            return mistake


def _rolled_out(cell, start, steps):
    states = [start]
    for _ in range(steps - 1):
        states.append(cell(states[-1]))
    return torch.stack(states)


def _rolls_out(answer):
    for rows, features, steps in ((2, 3, 4), (1, 5, 1), (3, 2, 6)):
        cell = nn.Sequential(nn.Linear(features, features), nn.Tanh())
        start = torch.randn(rows, features, requires_grad=True)
        seen = beside_twin(answer, _rolled_out, [cell, start, steps])
        if seen.changed(1):
            return "`start` was changed: leave the argument as it was."
        shape = f"the states of {steps} steps, {rows} rows and {features} features are one tensor of shape {list(seen.wanted.shape)}; yours is {list(getattr(seen.result, 'shape', ()))}."
        slips = {
            "the first state is `start` itself, as it was handed in.": lambda cell, start, steps: (
                _rolled_out(cell, cell(start), steps)
            ),
            "each state is `cell` of the one before it, not of `start`.": lambda cell, start, steps: (
                torch.stack([start] + [cell(start)] * (steps - 1))
            ),
        }
        if mistake := seen.mistake(slips, shape=shape):
            return mistake


_ANSWERS = "".join(
    f"    {name!r}: {number(pattern(right))},  # {right}\n"
    for name, (*_, right, _) in _CASES.items()
)
patterns = Exercise(
    _finds_patterns,
    (
        "First the kind of text, then the name after 'output 0 of', then the shape. The table of section 1 has a search field.",
        "`find(text)` puts the nearest patterns first; what was run decides among those.",
    ),
    f"answers = {{\n{_ANSWERS}}}",
    questions=tuple(_CASES),
)

attend = Exercise(
    _attends,
    (
        "Two lines write: the mask and `/=`. Who has saved what they write? The softmax has saved its result.",
        "`weights = torch.where(padding, 0, weights)`. After that nobody has saved `weights`, so even `/=` may stay.",
    ),
    "def attend(scores, values, padding):\n"
    "    weights = torch.softmax(scores, -1)\n"
    "    weights = torch.where(padding, 0, weights)\n"
    "    weights /= weights.sum(-1, keepdim=True)\n"
    "    return weights @ values",
)

roll_out = Exercise(
    _rolls_out,
    (
        "The Linear in `cell` saves its input, a slice of `states`, and all slices share one counter.",
        "Collect the states in a list, `states.append(cell(states[-1]))`, and `torch.stack(states)` at the end.",
    ),
    "def roll_out(cell, start, steps):\n"
    "    states = [start]\n"
    "    for _ in range(steps - 1):\n"
    "        states.append(cell(states[-1]))\n"
    "    return torch.stack(states)",
)

#: By the name the lesson uses; the tests run every one unattempted, wrong and right.
EXERCISES = {"patterns": patterns, "attend": attend, "roll_out": roll_out}
