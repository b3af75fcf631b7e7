"""Whom an error text about an overwritten tensor points to, as far as the text alone tells.

The idea: what the PyTorch in use knows of the node after 'which is output … of'; and a table of
suspects, each with the condition under which it comes into question, ranked as written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch

from overwritten.messages import Message
from overwritten.record.private import NN, NODES

_NUMBERS = {
    "Half": "16-bit floats", "BFloat16": "16-bit floats", "Float": "32-bit floats", "Double": "64-bit floats",
    "ComplexFloat": "complex numbers", "ComplexDouble": "complex numbers", "Byte": "8-bit integers",
    "Char": "8-bit integers", "Short": "16-bit integers", "Int": "32-bit integers", "Long": "64-bit integers",
    "Bool": "truth values",
}  # fmt: skip
#: Nodes of operations that return a view: its storage is another tensor's.
VIEWS = frozenset(
    "AsStrided T Transpose View Select Slice Expand Permute Unbind Split Diagonal Unfold".split()
)
_TRANSPOSED = ("AsStrided", "T", "Transpose", "Permute")
_PARTS = (
    "CopySlices",
    "IndexPut",
    "IndexPutImpl",
    "MaskedFill",
    "IndexCopy",
    "IndexFill",
    "Scatter",
)
#: How a saved result is called in PyTorch's nodes.
_RESULTS = re.compile(r"_saved_(result\d*|output\d*|Q|R|U|S|Vh|L|LU)")
#: Since torch 1.10 both ReLUs have one name, and the versions tell them apart.
_OLD_IN_PLACE = "ReluBackward1"
_SIGNS = {"Add": "+=", "Sub": "-=", "Mul": "*=", "Div": "/=", "Pow": "**="}


@dataclass(frozen=True)
class Node:
    """The operation after 'which is output … of', as far as the PyTorch in use knows it.

    op: its name, of every PyTorch. known: is it one of PyTorch's own. saves: does it save that
    result. writes: the in-place call that makes such a node, '' if none does. age: which
    PyTorch writes the name so.
    """

    op: str
    known: bool
    saves: bool
    writes: str
    age: str

    @property
    def view(self) -> bool:
        return self.op in VIEWS


def node_of(message: Message) -> Node | None:
    """The node that the message names; None where it names none.

    >>> node_of(Message("overwritten", output=0, op="Relu", node="ReluBackward1"))
    Node(op='Relu', known=True, saves=True, writes='relu_', age='torch 1.9 and older wrote so, for a ReLU in place')
    """
    if message.op is None:
        return None
    op = message.op.rpartition("::")[2]
    if not _classes(op) and _classes(op.rstrip("0123456789")):
        op = op.rstrip("0123456789")  # torch 2.13 writes Fill2 where 2.12 wrote FillBackward2
    saved = {name for node in _classes(op) for name in dir(node) if _RESULTS.fullmatch(name)}
    other = {name for name in saved if name[-1:].isdigit() and int(name[-1]) != message.output}
    call = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", op).lower() + "_"
    writes = call if hasattr(torch.Tensor, call) or hasattr(NN, call) else ""
    if op in _PARTS:
        writes = "x[…] = …"
    return Node(
        op,
        bool(_classes(op)) or op in _PARTS,
        bool(saved - other),
        _SIGNS.get(op, writes),
        _age(message.node),
    )


def _classes(op):
    """The classes of PyTorch's nodes for this operation, one for each overload."""
    pattern = re.compile(rf"{re.escape(op)}Backward\d+")
    return [getattr(NODES, name) for name in dir(NODES) if pattern.fullmatch(name)]


def _age(name):
    if "::" in name:
        return "every torch writes it so"
    if name == _OLD_IN_PLACE:
        return "torch 1.9 and older wrote so, for a ReLU in place"
    if re.search(r"Backward\d+$", name):
        return "torch up to 2.12 writes it so"
    if name.endswith("Backward"):
        return "torch 1.9 and older wrote so, or it is an autograd Function of your own"
    return "torch from 2.13 on writes it so"


def numbers_of(m: Message) -> str:
    """'32-bit floats' for a torch.FloatTensor; 'numbers' for a type that is not known here."""
    return _NUMBERS.get(m.type.rpartition(".")[2].removesuffix("Tensor"), "numbers")


#: (its name, when it comes into question, what it says), the likeliest first. m: the message, n: its node.
SUSPECTS = (
    (
        "whole numbers",
        lambda m, n: n is None and _whole(m),
        "Labels, an index or a mask that a loss or a lookup saved. Look for a write into it after that line.",
    ),
    (
        "parameter",
        lambda m, n: n is None and not _whole(m),
        "A parameter, written between a forward and the backward that needs it: an optimizer's `step()`, "
        "a copy into it, an `Embedding` with `max_norm`.",
    ),
    (
        "buffer",
        lambda m, n: n is None and not _whole(m),
        "A buffer that a second forward wrote, or data without a gradient that were changed after a layer had saved them.",
    ),
    (
        "linear weight",
        lambda m, n: n and n.op in _TRANSPOSED and len(m.shape) == 2,
        "The weight of a `Linear`, saved as its transpose (so its own shape is {turned}), and written by "
        "an optimizer's `step()` between a forward and the backward that needs it.",
    ),
    (
        "slice",
        lambda m, n: n and n.view,
        "A slice of a tensor that is filled in place: one part was read and saved, then a part was written. "
        "All parts share one counter.",
    ),
    (
        "parts",
        lambda m, n: n and n.op in _PARTS,
        "`x[…] = …` is the last recorded write, so it is a writer. The saver is an operation before it that "
        "took x as its input, or made it.",
    ),
    (
        "own result",
        lambda m, n: n and n.saves,
        "{op} is the saver: it saved its own result. The writer is not named, it comes after it: look for `+=`, `x[…] = …`, "
        "an activation or Dropout with `inplace=True`, `squeeze_` on what {op} returned or on a view of it.",
    ),
    (
        "writer",
        lambda m, n: (
            n and n.writes and not n.view and n.op not in _PARTS and m.node != _OLD_IN_PLACE
        ),
        "{op} in place (`{writes}`) is the last recorded write, so it is a writer. The saver is an operation before "
        "it that took the tensor as its input: a convolution, a Linear, `*`, `**`, a norm.",
    ),
    (
        "unrecorded",
        lambda m, n: n and n.known and not n.view and not n.saves and n.op not in _PARTS,
        "{op} made the tensor, another operation saved it as its input, and the write was not recorded: "
        "under `no_grad` or through `detach()`. (In torch 1.9 and older the name always is the maker's.)",
    ),
    (
        "compiled",
        lambda m, n: n and n.op == "CompiledFunction",
        "A graph that `torch.compile` made: which operation saved cannot be read off. Run once with the environment "
        "variable TORCH_COMPILE_DISABLE=1, and read that message.",
    ),
    (
        "custom Function",
        lambda m, n: n and not n.known and n.op != "CompiledFunction",
        "{op} is no operation of PyTorch's own: an autograd Function. It saved its result, or it made the "
        "tensor and another operation saved it.",
    ),
)


def _whole(m):
    return any(word in numbers_of(m) for word in ("integers", "truth"))
