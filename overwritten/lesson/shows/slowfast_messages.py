"""The messages of lesson 7: the report it replays, and a forward with two faults.

The idea: each message comes to light when the fault before it is mended, so the forward is run
twice under the doctor, who names the two lines of each.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from overwritten.doctor.block import watch
from overwritten.messages import parse
from overwritten.record.dice import own_dice

#: The error as the report prints it; N stands for the number of persons there.
REPORTED = (
    "RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation: "
    "[torch.cuda.FloatTensor [N, 1024]], which is output 0 of ReluBackward0, is at version 1; expected version 0 instead."
)


def parts(text: str) -> dict[str, str | None]:
    """A message part by part, as strings; N where the text has N.

    Raises ValueError for a text that is not an in-place error with a shape.

    >>> parts(REPORTED)["shape"], parts(REPORTED)["op"]
    ('[N, 1024]', 'Relu')
    """
    message = parse(text.replace("[N,", "[0,"))
    if message is None or message.shape is None:
        raise ValueError(f"no shape in {text!r}")
    shape = str(list(message.shape))
    return {
        "type": message.type,
        "shape": shape.replace("[0,", "[N,") if "[N," in text else shape,
        "op": message.op,
        "output": str(message.output),
        "version": str(message.now),
        "expected": str(message.expected),
    }


def short(message) -> str:
    """A message of an in-place error in one line: its parts without its sentence."""
    return f"{list(message.shape)}, output {message.output} of {message.op}, version {message.now}, expected {message.expected}"


_FORWARD = """\
x = conv(clip)
x += lateral(fast)
x = x.mean((2, 3, 4))
h = torch.tanh(fc(x))
h = h.view(4, -1)
F.dropout(h, 0.3, inplace=True)
s = score(h)
p = torch.sigmoid(s)
p[:, 14:] = 0
loss = p.sum()"""
LETTERS = dict(zip("abcdefghij", _FORWARD.splitlines()))
#: Message by message: the line that it is mended by, so that the next comes to light.
_MENDED = {
    "i": "p = p * (torch.arange(16) < 14)",
    "f": "h = F.dropout(h, 0.3)",
}
_MODULES = (
    "clip, fast = torch.randn(4, 3, 2, 8, 8), torch.randn(4, 3, 2, 8, 8)",
    "conv, lateral = nn.Conv3d(3, 8, 1), nn.Conv3d(3, 8, 1)",
    "fc, score = nn.Linear(8, 64), nn.Linear(64, 16)",
)
FORWARD = "\n".join(f"{letter}  {line}" for letter, line in LETTERS.items())


def stories():
    """For each of the two runs: its message, the letters of its saver and of its writer."""
    lines, told = dict(LETTERS), []
    for letter, mended in _MENDED.items():
        program = "\n".join([*_MODULES, *lines.values(), "loss.backward()"])
        with own_dice(0):
            try:
                with watch() as watched:
                    exec(compile(program, "forward.py", "exec"), {"torch": torch, "nn": nn, "F": F})
            except RuntimeError:
                found = watched.diagnosis
        saver, writer = found.saver.site.line, found.writers[-1].site.line
        at = ([*LETTERS][line - len(_MODULES) - 1] for line in (saver, writer))
        told.append((found.message, *at))
        lines[letter] = mended
    return told


def messages() -> str:
    """The two messages, each raised once more, in the order in which mending brings them out."""
    told = enumerate(stories(), 1)
    return "\n".join(f"{number}: {short(message)}" for number, (message, *_) in told)
