"""Wrong answers to the exercises of lesson 8, each with words from the message meant for it."""

from functools import partial

from answers import but
from overwritten.lesson.exercises.field_guide import patterns

_but = partial(but, patterns)

_ATTEND = """
def attend(scores, values, padding):
    weights = torch.softmax(scores, -1)
    {}
    return weights @ values
"""
_ROLL = """
def roll_out(cell, start, steps):
    states = torch.zeros(steps, *start.shape)
    states[0] = start
    for t in range(1, steps):
        {}
    return states
"""

WRONG = {
    "patterns": {
        "the saver taken for a weight": (
            _but({"a": 18}),
            "look in another section, for Sigmoid saved its own result",
        ),
        "another of the same section": (
            _but({"a": "relu twice"}),
            "section 2 is the place, but Sigmoid",
        ),
        "two losses": (
            _but({"b": "step between two losses"}),
            "section 5 is the place, but two dimensions",
        ),
        "not a buffer": (
            _but({"c": "buffer written by the next forward"}),
            "section 4 is the place, but `LongTensor`",
        ),
        "a leaf": (_but({"d": "leaf written"}), "section 6 is the place, but the text itself"),
        "the writer taken for the saver": (
            _but({"e": "residual onto a relu"}),
            "an addition saves nothing",
        ),
        "through data": (_but({"f": "write through .data"}), "which buffers are written"),
        "a word": (_but({"a": "yolo"}), "There is no pattern 'yolo'"),
        "too high": (_but({"a": 99}), "There is no pattern 99"),
    },
    "attend": {
        "as it was": (
            _ATTEND.format("weights[:, :, padding] = 0; weights /= weights.sum(-1, keepdim=True)"),
            "backward still raises",
        ),
        "a clone too early": (
            _ATTEND.replace("scores, -1", "scores.clone(), -1").format(
                "weights[:, :, padding] = 0; weights = weights / weights.sum(-1, keepdim=True)"
            ),
            "`softmax` saved, `__setitem__` wrote",
        ),
        "the other line": (
            _ATTEND.format(
                "weights[:, :, padding] = 0; weights = weights / weights.sum(-1, keepdim=True)"
            ),
            "`softmax` saved, `__setitem__` wrote",
        ),
        "under no_grad": (
            _ATTEND.format(
                "\n    with torch.no_grad():\n        weights[:, :, padding] = 0\n    weights = weights / weights.sum(-1, keepdim=True)"
            ),
            "`softmax` saved, `__setitem__` wrote",
        ),
        "into the data": (
            _ATTEND.format(
                "weights.data[:, :, padding] = 0; weights = weights / weights.sum(-1, keepdim=True)"
            ),
            "no counter moved",
        ),
        "the sum detached": (
            _ATTEND.format(
                "weights = torch.where(padding, 0, weights); weights = weights / weights.detach().sum(-1, keepdim=True)"
            ),
            "`.detach()` cuts",
        ),
        "nothing recorded": (
            "def attend(scores, values, padding):\n    with torch.no_grad():\n        w = torch.softmax(scores.masked_fill(padding, float('-inf')), -1)\n"
            "        return w @ values\n",
            "under `no_grad` nothing is recorded",
        ),
        "no rows of one": (
            _ATTEND.format("weights = torch.where(padding, 0, weights)"),
            "no longer add up to 1",
        ),
        "the argument itself": (
            "def attend(scores, values, padding):\n    scores.data[:, :, padding] = float('-inf')\n    return torch.softmax(scores, -1) @ values\n",
            "leave the arguments as they were",
        ),
    },
    "roll_out": {
        "as it was": (_ROLL.format("states[t] = cell(states[t - 1])"), "backward still raises"),
        "cloned too late": (
            _ROLL.format("states[t] = cell(states[t - 1]).clone()"),
            "backward still raises",
        ),
        "into the data": (
            _ROLL.format("states.data[t] = cell(states[t - 1])"),
            "`.data` cuts the history",
        ),
        "the state detached": (
            _ROLL.format("states[t] = cell(states[t - 1].detach().clone())"),
            "`.detach()` cuts",
        ),
        "under no_grad": (
            _ROLL.format(
                "\n            with torch.no_grad():\n                states[t] = cell(states[t - 1])".replace(
                    "            ", "        "
                )
            ),
            "under `no_grad` nothing is recorded",
        ),
        "one state short": (
            "def roll_out(cell, start, steps):\n    states = []\n    for _ in range(steps):\n        start = cell(start)\n        states.append(start)\n    return torch.stack(states[:-1] or [start, start])\n",
            "are one tensor of shape",
        ),
        "without the start": (
            "def roll_out(cell, start, steps):\n    states = []\n    for _ in range(steps):\n        start = cell(start)\n        states.append(start)\n    return torch.stack(states)\n",
            "the first state is `start` itself",
        ),
        "a list": (
            "def roll_out(cell, start, steps):\n    states = [start]\n    while len(states) < steps:\n        states.append(cell(states[-1]))\n    return states\n",
            "returns list",
        ),
    },
}
