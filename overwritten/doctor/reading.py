"""What an error text about an in-place operation says, part by part, and whom to suspect.

The idea: `messages.py` takes the text apart, here each part gets a sentence, and `suspects.py`
says whom it points to. It knows the text only; an error of another library is told from it too.
Who it really was, the doctor sees when the program runs (`watch`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from overwritten.doctor.foreign import whose
from overwritten.doctor.named import like_a_kernel, node_of, numbers_of, place_of
from overwritten.doctor.suspects import suspects
from overwritten.messages import Message, cut_off, detected, forward_lines, parse_all
from overwritten.pictures.draw import STYLE, clean

NO_MESSAGE = (
    "No PyTorch error about an in-place operation is in this text; paste it from "
    "'RuntimeError:' to its end."
)
#: The models of this package: their lines count as the user's own.
_CASES = re.compile(r"[/\\]overwritten[/\\]cases[/\\]")
#: So many messages are explained; a log may hold thousands.
MOST = 12
CUT_OFF = (
    "The message is cut off: the tensor or its two versions are missing; copy it from 'one of "
    "the variables' to the word 'instead'."
)
#: What the table of parts is called where it is folded.
PARTS = "The message, part by part"
#: kind of message (see `messages.KINDS`) → what it says. The first is taken apart below.
IN_A_SENTENCE = {
    "overwritten": "Backward needed a saved tensor as it was, and its storage has been written since.",
    "no tensor named": "Backward needed a saved tensor as it was, and its storage has been written since. Which one the text does not say: PyTorch said no more up to 1.1, or the rest was left out.",
    "leaf": "A weight or an input that requires grad was written while operations are recorded: write it under `torch.no_grad()`, after backward, or compute a new tensor.",
    "view of a leaf": "A slice or a view of a weight or an input that requires grad was written while operations are recorded: the same as writing the leaf itself.",
    "leaf moved": "A leaf that requires grad became the result of an operation by a write into a view of it: write into a clone.",
    "one of several views": "An operation that returns several views at once (`unbind`, `split`, `chunk`, or `for row in x`) made this view or its sibling, and one was written: write into a clone, or use the operation's out-of-place form.",
    "view of a custom Function": "A custom autograd Function returned a view, and it was written: return `view.clone()` there or write out of place.",
    "view made under no_grad": "A view was made under `no_grad` and it or its base was written with gradients on: make the view where you write it.",
    "view made in inference mode": "A view was made in inference mode and written outside: make the view where you write it.",
    "inference tensor written": "A tensor made in inference mode was written outside of it: clone it first.",
    "inference tensor saved": "A tensor made in inference mode is needed for backward: clone it first, or make it under `no_grad`.",
    "elements share a place": "The tensor that was written shows one place in memory more than once (`expand` does that) or overlaps with what was read: `clone()` or `contiguous()` first.",
    "dtype cannot be cast": "The result of an in-place operation does not fit into the dtype of the tensor that would hold it: compute out of place, or convert the tensor.",
    "shape cannot grow": "An in-place operation cannot make its tensor larger: compute out of place.",
    "out= with requires grad": "Operations with `out=` are not recorded, and one of the tensors requires grad: assign the result instead.",
    "detached in place": "A tensor that an operation had saved was cut from its history with `detach_()`: use `detach()`.",
    "backward twice": "Two backwards went through one graph, and the first freed it. This is no overwrite: run the forward again, or cut the history with `detach()` where the second has no business.",
    "dirty and not returned": "A custom autograd Function marked a tensor as written in place and did not return it.",
}

#: For a text that names no tensor: those of most reports, by the group of the patterns that show it.
_ANYBODY = {
    "own result": "An activation (ReLU, Sigmoid, Softmax, Exp) saved its own result, and that was written afterwards: "
    "`+=`, `x[…] = …`, an activation or Dropout with `inplace=True`.",
    "linear weight": "A weight was written by an optimizer's `step()` between a forward and the backward that needs it: "
    "a GAN, two losses, a hidden state carried over a step.",
    "slice": "A tensor is filled in place, part by part, while other parts of it are read.",
}
_DIMENSIONS = {
    0: "a single number",
    2: "often [rows, features], as after a Linear, or its weight",
    3: "often [batch, positions, features]",
    4: "usually [images, channels, height, width]",
    5: "usually [clips, channels, frames, height, width]",
}


@dataclass(frozen=True)
class Reading:
    """One message explained. says: in a sentence. parts: (as it stands there, what it means).

    suspects: sentences, the likeliest first; tied: so many of the first the text cannot tell apart,
    0 if one leads. names: the suspects' in `SUSPECTS`, in the same order; groups: of the patterns
    that show them. saver, writer: of the first suspect, in a few words; '' where the text tells none.
    """

    message: Message
    says: str
    parts: tuple[tuple[str, str], ...] = ()
    suspects: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tied: int = 0
    saver: str = ""
    writer: str = ""

    @property
    def heading(self) -> str:
        """What stands above the suspects."""
        if not self.tied:
            return "Suspects, the likeliest first:"
        which = {2: "the first two", 3: "the first three"}.get(self.tied, "them")
        return f"Suspects; the text cannot tell {which} apart, `python -m overwritten` can:"


_LOOK = """
.ow.decoded{font-size:14px;line-height:1.45;max-width:720px}.ow .parts{border-collapse:collapse;font-size:13px}
.ow .parts :is(th,td){border:1px solid var(--ow-line);padding:3px 7px;text-align:left;vertical-align:top}
.ow .parts th{font-weight:400;min-width:min(150px,26vw)}
.ow.decoded :is(p,ol){margin:6px 0}.ow.decoded code{overflow-wrap:break-word}
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
            lines += [reading.heading.replace("`", "")] if reading.suspects else []
            lines += [f"  {place}. {words}" for place, words in enumerate(reading.suspects, 1)]
            blocks.append("\n".join(lines))
        return "\n\n".join(blocks)

    __repr__ = __str__

    def html(self) -> str:
        """For a notebook; says it all again in words that can be copied."""
        return self._html()

    def folded(self, cures: Sequence[Sequence[str]]) -> str:
        """For a page that begins with it: saver, writer and cure of each reading at its head, its
        parts folded. cures: of each reading, what the nearest patterns do; at most two are shown.
        """
        return self._html(cures)

    def _html(self, cures=None):
        body = [f"<p>{_code(self.sorry)}</p>"] if self.sorry else []
        for number, reading in enumerate(self.readings, 1):
            head = f"Message {number} of {len(self.readings)}. " if len(self.readings) > 1 else ""
            body.append(f"<p><strong>{head}{_code(reading.says)}</strong></p>")
            rows = [
                f'<tr><th scope="row"><code>{escape(a)}</code></th><td>{_code(b)}</td></tr>'
                for a, b in reading.parts
            ]
            table = f'<table class="parts"><tbody>{"".join(rows)}</tbody></table>' if rows else ""
            if cures is not None:
                body.append(_short(reading, cures[number - 1]))
                table = table and f"<details><summary>{PARTS}</summary>{table}</details>"
            body += [table] if table else []
            items = "".join(f"<li>{_code(words)}</li>" for words in reading.suspects)
            body += [f"<p>{_code(reading.heading)}</p><ol>{items}</ol>"] if items else []
        return f'<div class="ow decoded" role="status"><style>{STYLE}{_LOOK}</style>{"".join(body)}</div>'

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(self), "text/html": self.html()}


def _short(reading, cures):
    """A list of who saved, who wrote and what cures it, as far as known."""
    likely = "Possible cure" if reading.tied else "Most likely cure"
    told = {"Saved by": reading.saver, "Overwritten by": reading.writer}
    told |= dict(zip((likely, "Or"), cures))
    items = [f"<dt>{a}</dt><dd>{_code(words)}</dd>" for a, words in told.items() if words]
    return f'<dl class="short">{"".join(items)}</dl>' if items else ""


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
    if not messages:
        sorry = whose(text) or (CUT_OFF if cut_off(text) else NO_MESSAGE)
    elif len(whole) < len(messages):
        sorry = CUT_OFF
    else:
        sorry = f"{len(whole)} messages; here are the first {MOST}." if len(whole) > MOST else ""
    return Decoded(tuple(_reading(message, text) for message in whole[:MOST]), sorry)


def _reading(m, text):
    says = IN_A_SENTENCE[m.kind]
    if m.kind == "no tensor named":
        groups, words = zip(*_ANYBODY.items())
        return Reading(m, says, suspects=words, groups=groups, tied=len(words))
    if m.kind != "overwritten":
        return Reading(m, says)
    node, failed = node_of(m), detected(text)
    if node and failed and failed not in (m.op, node.op):  # then it saved nothing that is missed
        node = replace(node, saves=False)
    values = {"turned": f"[{', '.join(map(str, m.shape[::-1]))}]"}
    values |= {"op": node and node.op, "writes": node and node.writes}
    ranked = suspects(m, node)
    chosen = [one for _, one in ranked]
    tied = sum(likely == ranked[0][0] for likely, _ in ranked)
    named = [_from_anomaly(forward_lines(text))] if forward_lines(text) else []
    if failed and not named:
        named = [f"{failed} is the saver: anomaly mode names the node that failed."]
    return Reading(
        m,
        says,
        tuple(_parts(m, node)),
        (*named, *(one.says.format(**values) for one in chosen)),
        tuple(one.name for one in chosen),
        tuple(dict.fromkeys(group for one in chosen for group in one.groups)),
        tied if tied > 1 and not named else 0,
        named[0].replace(" is the saver:", ":") if named else chosen[0].saved.format(**values),
        chosen[0].wrote.format(**values),
    )


def _from_anomaly(lines):
    mine = [
        line
        for line in lines
        if _CASES.search(line[0]) or "site-packages" not in line[0] and "/torch/" not in line[0]
    ]
    file, line, code = (mine or lines)[-1]
    return f"`{code}` (line {line} of {file}) is the saver: anomaly mode printed where the forward ran."


def _parts(m, node):
    yield m.type, f"{numbers_of(m)}, {place_of(m)}"
    meaning = _DIMENSIONS.get(len(m.shape), "")
    if node is None and len(m.shape) > 2 and like_a_kernel(m):
        meaning = (
            "usually a convolution's weight, [out, in, …], with a small kernel; or a small batch"
        )
    now = (
        f"its shape at the save, if {node.op} saved its own result"
        if node and node.saves
        else "its shape now, so a `squeeze_` after the save would have changed it"
    )
    yield m.dimensions, now + (f"; {meaning}" if meaning else "")
    if node is None:
        yield (
            "(no 'which is output … of')",
            "no recorded operation made it: a parameter, a buffer, a batch, a label or an index",
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
