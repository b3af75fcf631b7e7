"""What an error text about an in-place operation says, part by part, and whom to suspect.

The idea: `messages.py` takes the text apart, here each part gets a sentence, and `suspects.py`
says whom it points to. It knows the text only; an error of another library is told from it too.
Who it really was, the doctor sees when the program runs (`watch`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from overwritten.doctor.places import CASES
from overwritten.doctor.suspects import SUSPECTS, node_of, numbers_of
from overwritten.messages import Message, forward_lines, parse_all
from overwritten.pictures.draw import STYLE, clean

NO_MESSAGE = (
    "No PyTorch error about an in-place operation is in this text; paste it from "
    "'RuntimeError:' to its end."
)
CUT_OFF = (
    "The message is cut off: the tensor and its two versions are missing; copy it up to the "
    "word 'instead'."
)
#: kind of message (see `messages.KINDS`) → what it says. The first is taken apart below.
IN_A_SENTENCE = {
    "overwritten": "Backward needed a saved tensor as it was, and its storage has been written since.",
    "leaf": "A weight or an input that requires a gradient was written while operations are recorded: write it under `torch.no_grad()`, after backward, or compute a new tensor.",
    "view of a leaf": "A slice or a view of a weight or an input that requires a gradient was written while operations are recorded: the same as writing the leaf itself.",
    "leaf moved": "A leaf that requires a gradient became the result of an operation by a write into a view of it: write into a clone.",
    "one of several views": "An operation that returns several views at once (`unbind`, `split`, `chunk`) made this view or its sibling, and one was written: write into a clone, or use the operation's out-of-place form.",
    "view of a custom Function": "A custom autograd Function returned a view, and it was written: return `view.clone()` there or write out of place.",
    "view made under no_grad": "A view was made under `no_grad` and it or its base was written with gradients on: make the view where you write it.",
    "view made in inference mode": "A view was made in inference mode and written outside: make the view where you write it.",
    "inference tensor written": "A tensor made in inference mode was written outside of it: clone it first.",
    "inference tensor saved": "A tensor made in inference mode is needed for backward: clone it first, or make it under `no_grad`.",
    "elements share a place": "The tensor that was written shows one place in memory more than once (`expand` does that) or overlaps with what was read: `clone()` or `contiguous()` first.",
    "dtype cannot be cast": "The result of an in-place operation does not fit into the dtype of the tensor that would hold it: compute out of place, or convert the tensor.",
    "shape cannot grow": "An in-place operation cannot make its tensor larger: compute out of place.",
    "out= needs no gradient": "`out=` does not record gradients: assign the result instead.",
    "detached in place": "A tensor that an operation had saved was cut from its history with `detach_()`: use `detach()`.",
    "backward twice": "Two backwards went through one graph, and the first freed it. This is no overwrite: run the forward again, or cut the history with `detach()` where the second has no business.",
    "dirty and not returned": "A custom autograd Function marked a tensor as written in place and did not return it.",
}

_SIDES = {
    0: "a single number",
    2: "often [rows, features], as after a Linear, or its weight",
    3: "often [batch, positions, features]",
    4: "usually [images, channels, height, width]",
    5: "usually [clips, channels, frames, height, width]",
}
#: Errors of other libraries that people paste for PyTorch's: (pattern, whose, what holds there).
_FOREIGN = (
    (
        r"JAX arrays are immutable|jaxlib\.\S*Array|jax\.errors\.|traced array with shape",
        "JAX",
        "its arrays are never written; `x = x.at[i].set(value)` gives a new one",
    ),
    (
        r"EagerTensor|tensorflow\.python|`?tf\.Tensor`?",
        "TensorFlow",
        "its tensors are never written; write into a `tf.Variable`, with `assign`",
    ),
    (
        r"Tensor '.*?' used in gradient computation has been modified by an inplace operation|paddle\.",
        "Paddle",
        "the rule is the same one: no write between the forward and the backward that needs the tensor",
    ),
    (
        r"(?:assignment destination|output array) is read-only",
        "NumPy",
        "the array is read-only; write into `x.copy()`",
    ),
)


@dataclass(frozen=True)
class Reading:
    """One message explained. says: in a sentence. parts: (as it stands there, what it means).

    suspects: sentences, the likeliest first; names: theirs in `SUSPECTS`, in the same order.
    """

    message: Message
    says: str
    parts: tuple[tuple[str, str], ...] = ()
    suspects: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


_LOOK = """
.ow.decoded{font-size:14px;line-height:1.45;max-width:720px}.ow .parts{border-collapse:collapse;font-size:13px}
.ow .parts :is(th,td){border:1px solid var(--ow-line);padding:3px 7px;text-align:left;vertical-align:top}
.ow .parts th{font-weight:400;min-width:150px}
.ow.decoded :is(p,ol){margin:6px 0}.ow.decoded code{overflow-wrap:anywhere}
"""


def _code(words):
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(clean(words), quote=False))


class Decoded:
    """readings: of each message in the text, () if there is none. sorry: why not, else ''."""

    def __init__(self, readings: tuple[Reading, ...], sorry: str = ""):
        self.readings, self.sorry = readings, sorry

    def __str__(self):
        blocks = [self.sorry] if self.sorry else []
        for number, reading in enumerate(self.readings, 1):
            lines = [f"Message {number} of {len(self.readings)}."] if len(self.readings) > 1 else []
            lines.append(reading.says)
            lines += [f"  {part}: {words}" for part, words in reading.parts]
            lines += ["Suspects, the likeliest first:"] if reading.suspects else []
            lines += [f"  {place}. {words}" for place, words in enumerate(reading.suspects, 1)]
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)

    __repr__ = __str__

    def html(self) -> str:
        """For a notebook; says it all again in words that can be copied."""
        body = [f"<p>{_code(self.sorry)}</p>"] if self.sorry else []
        for number, reading in enumerate(self.readings, 1):
            head = f"Message {number} of {len(self.readings)}. " if len(self.readings) > 1 else ""
            body.append(f"<p><strong>{head}{_code(reading.says)}</strong></p>")
            rows = [
                f'<tr><th scope="row"><code>{escape(a)}</code></th><td>{_code(b)}</td></tr>'
                for a, b in reading.parts
            ]
            body += [f'<table class="parts"><tbody>{"".join(rows)}</tbody></table>'] if rows else []
            items = "".join(f"<li>{_code(words)}</li>" for words in reading.suspects)
            body += [f"<p>Suspects, the likeliest first:</p><ol>{items}</ol>"] if items else []
        return f'<div class="ow decoded" role="status"><style>{STYLE}{_LOOK}</style>{"".join(body)}</div>'

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(self), "text/html": self.html()}


def decode(text: str) -> Decoded:
    """Every PyTorch error about an in-place operation in `text`, explained part by part.

    text: a message, a log or a whole traceback, with or without a terminal's colours. What is
    none gets a sentence that says so; it raises TypeError for what is no text.

    >>> print(decode("KeyError: 'loss'"))
    No PyTorch error about an in-place operation is in this text; paste it from 'RuntimeError:' to its end.
    """
    if not isinstance(text, str):
        raise TypeError(f"decode takes the text of an error, not {type(text).__name__}.")
    messages = parse_all(text)
    whole = [m for m in messages if m.kind != "overwritten" or m.overwritten]
    sorry = CUT_OFF if len(whole) < len(messages) else "" if messages else whose(text) or NO_MESSAGE
    return Decoded(tuple(_reading(message, text) for message in whole), sorry)


def _reading(m, text):
    says = IN_A_SENTENCE[m.kind]
    if m.kind != "overwritten":
        return Reading(m, says)
    node = node_of(m)
    values = {"turned": list(m.shape[::-1]), "op": node and node.op, "writes": node and node.writes}
    named = [_from_anomaly(forward_lines(text))] if forward_lines(text) else []
    suspects = {name: says.format(**values) for name, fits, says in SUSPECTS if fits(m, node)}
    return Reading(m, says, tuple(_parts(m, node)), (*named, *suspects.values()), tuple(suspects))


def _from_anomaly(lines):
    mine = [
        line
        for line in lines
        if CASES in line[0] or "site-packages" not in line[0] and "/torch/" not in line[0]
    ]
    file, line, code = (mine or lines)[-1]
    return f"`{code}` (line {line} of {file}) is the saver: anomaly mode printed where the forward ran."


def _parts(m, node):
    where = (
        "on a GPU"
        if ".cuda." in m.type
        else "on the CPU"
        if m.type.count(".") == 1
        else "on another device"
    )
    yield m.type, f"{numbers_of(m)}, {where}"
    sides = (
        _SIDES.get(len(m.shape), "")
        if node or len(m.shape) != 4
        else "usually a convolution's weight, [out, in, height, width]"
    )
    now = (
        f"its shape at the save, if {node.op} saved its own result"
        if node and node.saves
        else "its shape now, so a `squeeze_` after the save would have changed it"
    )
    yield str(list(m.shape)), now + (f"; {sides}" if sides else "")
    if node is None:
        yield (
            "(no 'which is output … of')",
            "no operation made it: a parameter, a buffer, a label or an index",
        )
    else:
        only = " (mostly the only one)" if m.output == 0 else ""
        yield f"output {m.output} of {m.node}", f"result {m.output}{only} of {node.op}; {node.age}"
    before = ""
    if m.expected and node and node.saves and node.writes:
        more = f"was written {_times(m.expected - 1)} before" if m.expected > 1 else "was new to it"
        before = f". A new result begins at 0: if {node.op} saved its own, it worked in place on a tensor that {more}"
    yield (
        f"version {m.now}; expected {m.expected}",
        f"written {_times(m.writes)} since the save{before}",
    )
    if m.hint == "anomaly on":
        yield "Hint", "anomaly mode was on: the traceback above shows the line of the saver"
    elif m.hint:
        yield "Hint", "anomaly mode would show the line of the saver, not that of the writer"


def _times(n):
    return {1: "once", 2: "twice"}.get(n, f"{n} times")


def whose(text: str) -> str:
    """A sentence if `text` is an error of another library about written arrays, else ''.

    >>> whose("ValueError: assignment destination is read-only")
    "This is NumPy's error, not PyTorch's: the array is read-only; write into `x.copy()`."
    """
    found = next(
        ((name, words) for pattern, name, words in _FOREIGN if re.search(pattern, text)), None
    )
    return f"This is {found[0]}'s error, not PyTorch's: {found[1]}." if found else ""
