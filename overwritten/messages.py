"""PyTorch's error texts about in-place operations, every version's wording → one form.

The idea: each kind of error is a sentence with holes; the table below holds the sentences,
and what differs between PyTorch 1.4 and 2.15 (a node's name, the hint) is put aside.
It reads texts only; who saved and who wrote is the doctor's business.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import unescape
from typing import Any

_HEAD = (
    "one of the variables needed for gradient computation has been modified by an inplace operation"
)

#: kind → how its text begins (a pattern, searched in a text with single spaces). The order matters:
#: the first that fits wins. Sources: torch/csrc/autograd/{saved_variable,variable,VariableTypeUtils},
#: and the texts collected in tests/test_messages.py.
KINDS = {
    "overwritten": _HEAD + " ?:",
    "no tensor named": _HEAD,
    "view of a leaf": r"a view of a leaf Variable that requires grad is being used in an in-place operation",
    "leaf": r"a leaf Variable that requires grad (?:is being|has been) used in an in-place operation|leaf variable was used in an inplace operation",
    "leaf moved": r"(?:a )?leaf variable (?:that requires grad )?has been moved into the graph interior",
    "one of several views": r"(?i:output) (?P<output>\d+) of (?P<node>\w+) is a view and (?P<how>is being|its base or another view of its base has been) modified inplace\. This view (?:is the output of a function that returns multiple views|is one of several)",
    "view of a custom Function": r"Output (?P<output>\d+) of (?P<node>\w+) is a view and is being modified inplace\. This view was created inside a custom Function",
    "view made under no_grad": r"A view was created in no_grad mode and (?P<how>is being|its base or another view of its base has been) modified inplace with grad mode enabled",
    "view made in inference mode": r"A view was created in inference mode and (?P<how>is being|its base or another view of its base has been) modified inplace in normal mode",
    "inference tensor written": r"Inplace update to inference tensor outside InferenceMode is not allowed",
    "inference tensor saved": r"Inference tensors cannot be saved for backward",
    "elements share a place": r"unsupported operation: (?P<how>more than one element of the written-to tensor refers|some elements of the input tensor and the written-to tensor refer) to a single memory location",
    "dtype cannot be cast": r"result type (?P<node>\w+) can't be cast to the desired output type (?P<type>\w+)",
    "shape cannot grow": r"output with shape (?P<shape>\[[\d, ]*\]) doesn't match the broadcast shape",
    "out= with requires grad": r"\b(?P<node>\w{1,80})\(\): functions with out=\.\.\. arguments don't support automatic differentiation",
    "detached in place": r"Trying to use a saved tensor that has been detached in-place",
    "backward twice": r"Trying to backward through the graph a second time",
    "dirty and not returned": r"Some elements marked as dirty during the forward method were not returned as output",
}

_DETAILS = re.compile(
    r"\[?(?<![\w.])(?P<type>[\w.]{0,60}(?:Tensor|Type)) ?(?P<shape>\[[^][]{0,200}\])\]?"
    r"(?:,? which is output (?P<output>\d+) of (?:struct )?"
    r"(?P<node>[\w:]+(?:\(anonymous namespace\)[\w:]+)?(?:(?<=Backward) \d+)?),?)?"
    r" is at version (?P<now>\d+); expected version (?P<expected>\d+)\b"
)
#: Pieces of the sentence about an overwritten tensor that no other text has, wherever it was cut.
_PIECES = re.compile(
    r"one of the variables needed for grad|needed for gradient computation|modified by an inplace op"
    r"(?!eration\. Its)|which is output \d+ of [A-Z]|is at version \d+; expected version"
)
#: Colours of a terminal, also where the escape character was lost or spelt out; and the marks at
#: the edges of quoted or boxed lines.
_COLOUR = re.compile(
    r"(?:\x1b|\\x1b|\\033|\\u001b|\^\[|␛)?\[\d+(?:;\d+)*m|\x1b\[[\d;?]*[A-Za-z]|\x1b\[m"
)
_EDGE = re.compile(r"^[ \t]*(?:[>│┃|] ?)+|[│┃|][ \t]*$", re.MULTILINE)
#: What word processors, web pages and other keyboards make of an apostrophe, of nothing, of a comma.
_MARKS = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201b\u02bc\u2032\u00b4", "'")
    | dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f", "")
    | {"\uff0c": ", ", "\uff1b": "; ", "\uff1a": ": ", "\u3002": ". "}
)
_FORWARD = re.compile(r"Error detected in \w+\. Traceback of forward call that caused the error:")
_DETECTED = re.compile(r"Error detected in (\w{1,80})\. ")
_FRAME = re.compile(
    r'File "(?P<file>[^"\n]+)", line (?P<line>\d+), in \S+[ \t]*\n[ \t]*(?P<code>[^\n]*\S)'
)
_HINTS = {
    "anomaly on": "Hint: the backtrace further above shows the operation that failed to compute its gradient. "
    "The variable in question was changed in there or anywhere later. Good luck!",
    "check_nan": "Hint: enable anomaly detection to find the operation that failed to compute its gradient, "
    "with torch.autograd.set_detect_anomaly(True, check_nan=False).",
    "plain": "Hint: enable anomaly detection to find the operation that failed to compute its gradient, "
    "with torch.autograd.set_detect_anomaly(True).",
}


@dataclass(frozen=True)
class Message:
    """One error text, taken apart.

    kind: a key of `KINDS`. type, shape: of the tensor, e.g. 'torch.FloatTensor', (3, 4);
    the shape is that of now, but of a saver's own result that of the save. op: the node after 'which is output … of', without 'Backward' ('Relu' for
    ReluBackward0, ReluBackward and Relu alike); None where the text names none.
    overload: the number behind the node's name (1 in ReluBackward1), 0 if none.
    now, expected: version counters. node: the name as this PyTorch wrote it.
    hint: 'plain', 'check_nan' (torch 2.11 on), 'anomaly on', or '' for none.
    """

    kind: str
    type: str = ""
    shape: tuple[Any, ...] | None = None
    output: int | None = None
    op: str | None = None
    overload: int = 0
    node: str | None = None
    now: int | None = None
    expected: int | None = None
    hint: str = ""

    @property
    def overwritten(self) -> bool:
        """Is it a whole text about an overwritten tensor, both versions and all?"""
        return self.now is not None

    @property
    def writes(self) -> int | None:
        """How often the storage was written since the save: now - expected."""
        if self.now is None or self.expected is None:
            return None
        return self.now - self.expected

    @property
    def dimensions(self) -> str:
        """The shape as PyTorch writes it: '[3, 4]'; '[]' where the text names none."""
        return f"[{', '.join(map(str, self.shape or ()))}]"

    def text(self) -> str:
        """The text again, word for word (kind 'overwritten' only; else ValueError)."""
        if self.kind != "overwritten" or self.shape is None:
            raise ValueError(
                f"only a whole 'overwritten' message can be written again, not {self.kind!r}"
            )
        which = f", which is output {self.output} of {self.node}," if self.node else ""
        hint = f" {_HINTS[self.hint]}" if self.hint else ""
        return (
            f"{_HEAD}: [{self.type} {self.dimensions}]{which} is at version {self.now}; "
            f"expected version {self.expected} instead.{hint}"
        )


def parse(text: str) -> Message | None:
    """The Message in `text` (a message, a log, a whole traceback), or None if there is none.

    >>> m = parse("… modified by an inplace operation: [torch.FloatTensor [3]], which is output 0 "
    ...           "of ReluBackward0, is at version 1; expected version 0 instead.")
    >>> m.op, m.shape, m.writes
    ('Relu', (3,), 1)
    """
    words = _one_line(text)
    details = _DETAILS.search(words)
    if details:
        hint = next((name for name, hint in _HINTS.items() if hint in words), "")
        return _message("overwritten", details, hint)
    for kind, pattern in KINDS.items():
        found = re.search(pattern, words)
        if found:
            return _message(kind, found, "")
    return None


def parse_all(text: str) -> list[Message]:
    """Every different Message in `text`, in the order in which they first stand there.

    >>> said = "a leaf Variable that requires grad is being used in an in-place operation. "
    >>> [m.kind for m in parse_all(said + "Trying to backward through the graph a second time " + said)]
    ['leaf', 'backward twice']
    """
    spaced, joined = _both(text)
    found = _all(spaced)
    if not found or _whole(found) < len(found):  # a terminal may have broken lines within words
        found = max(found, _all(joined), key=lambda some: (_whole(some), len(some)))
    named = any(m.overwritten for m in found)  # then its first words alone are a title, or prose
    return [m for m in found if not (named and m.kind == "no tensor named")]


def cut_off(text: str) -> bool:
    """Is a piece of the sentence about an overwritten tensor in `text`? Where `parse_all` finds no
    message, it was cut.

    >>> cut_off("has been modified by an inplace oper"), cut_off("KeyError: 'version'")
    (True, False)
    """
    return any(_PIECES.search(words) for words in _both(text))


def _both(text):
    """`text` in one line: its line ends taken as blanks, and as a terminal's, within words."""
    yield _one_line(text)
    yield _one_line(re.sub(r"[\r\n]+", "", _plain(text)))


def _whole(messages):
    return sum(m.overwritten or m.kind not in ("overwritten", "no tensor named") for m in messages)


def _all(words):
    begun = [
        (m.start(), -m.end())
        for pattern in (*KINDS.values(), _DETAILS)
        for m in re.finditer(pattern, words)
    ]
    heads = {m.end() for m in re.finditer(KINDS["overwritten"] + " ?", words)}
    starts, done = [], 0
    for start, end in sorted(begun):
        if start >= done and start not in heads:
            starts.append(start)
        done = max(done, -end)
    pieces = [words[start:end] for start, end in zip(starts, [*starts[1:], None])]
    return list(dict.fromkeys(filter(None, map(parse, pieces))))


def detected(text: str) -> str:
    """The operation whose node failed, where anomaly mode says so: the saver. Else ''.

    >>> detected("UserWarning: Error detected in AddmmBackward0. Traceback of forward call")
    'Addmm'
    """
    found = _DETECTED.search(text)
    return plain_op(found[1])[0] if found else ""


def forward_lines(text: str) -> list[tuple[str, int, str]]:
    """What anomaly mode printed of the forward: (file, line, code), the innermost call last.

    [] where `text` holds no such traceback, or one without lines of code.
    """
    begin = _FORWARD.search(plain := _plain(text))
    if not begin:
        return []
    stack = re.split(
        r"\(Triggered internally|Traceback \(most recent|" + _HEAD,
        plain[begin.end() :],
    )[0]
    return [(m["file"], int(m["line"]), m["code"]) for m in _FRAME.finditer(stack)]


def _plain(text):
    return _EDGE.sub("", _COLOUR.sub("", text))


def _one_line(text):
    text = unicodedata.normalize("NFKC", unescape(_plain(text)).translate(_MARKS))
    return " ".join(text.replace("\\n", " ").split())


def normal(text: str) -> str:
    """`text` as every PyTorch from 2.6 to 2.15 would agree to write it: for comparing.

    >>> normal("Output 0 of UnbindBackward0 is a view") == normal("Output 0 of Unbind is a view")
    True
    """
    text = re.sub(r"([Oo]utput \d+ of \w+?)(?:Backward0?)?(?=[ ,])", r"\1", text)
    text = re.sub(r"([Oo]utput \d+ of \w+?)Backward([1-9]\d*)(?=[ ,])", r"\1\2", text)
    text = re.sub(
        r"set_detect_anomaly\(True(?:, check_nan=False)?\)", "set_detect_anomaly(True)", text
    )
    return re.sub(r"\(Triggered internally at [^)]*\)", "(Triggered internally)", text)


def plain_op(node: str) -> tuple[str, int]:
    """('Relu', 1) for ReluBackward1: the operation and its overload number.

    torch 2.13 and later print 'Relu' for ReluBackward0 and 'Relu1' never occurs there; the
    digits of an operation's own name (Conv2D, Log10) stay.

    >>> plain_op("ReluBackward0"), plain_op("Relu"), plain_op("ReluBackward1"), plain_op("Log10")
    (('Relu', 0), ('Relu', 0), ('Relu', 1), ('Log10', 0))
    """
    found = re.fullmatch(r"(.+?)Backward ?(\d*)", node)
    return (found[1], int(found[2] or 0)) if found else (node, 0)


def _message(kind, found, hint):
    parts = found.groupdict()
    node, shape = parts.get("node"), parts.get("shape")
    op, overload = plain_op(node) if node else (None, 0)
    number = {key: int(parts[key]) for key in ("output", "now", "expected") if parts.get(key)}
    numbers = re.findall(r"[^\s,]+", shape.strip("[]")) if shape is not None else None
    return Message(
        kind,
        parts.get("type") or "",
        None if numbers is None else tuple(int(n) if n.isdigit() else n for n in numbers),
        op=op,
        overload=overload,
        node=node,
        hint=hint,
        **number,
    )
