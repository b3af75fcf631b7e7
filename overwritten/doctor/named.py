"""What is known of the tensor that an error text names: its type, its shape, the node that made it.

The idea: the atlas has what a node of that name saves and which in-place call makes one; other
versions' spellings are put aside. No PyTorch is asked. Whom that points to, `suspects.py` says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from overwritten.atlas.rows import NodeClass, rows
from overwritten.messages import Message, plain_op

_NUMBERS = {
    "Half": "16-bit floats",
    "BFloat16": "16-bit floats",
    "Float": "32-bit floats",
    "Double": "64-bit floats",
    "ComplexHalf": "complex numbers",
    "ComplexFloat": "complex numbers",
    "ComplexDouble": "complex numbers",
    "Byte": "8-bit integers",
    "Char": "8-bit integers",
    "Short": "16-bit integers",
    "Int": "32-bit integers",
    "Long": "64-bit integers",
    "Bool": "truth values",
}
#: Where a tensor lies, by what stands before its numbers: `torch.cuda.FloatTensor`, `CPUBoolType`.
_PLACES = {
    "": "on the CPU",
    "CPU": "on the CPU",
    "CUDA": "on a GPU",
    "HIP": "on a GPU",
    "XPU": "on a GPU",
}
_PLACES |= {"MPS": "on an Apple GPU", "Meta": "without bytes (meta)"}
_TYPE = re.compile(
    rf"(?:torch\.)?(.*?)\.?({'|'.join(sorted(_NUMBERS, key=len, reverse=True))})(?:Tensor|Type)"
)
#: Nodes of operations that return a view: its storage is another tensor's.
VIEWS = frozenset(
    "AsStrided T Transpose View Select Slice Expand Permute Unbind Split Diagonal Unfold Squeeze "
    "Unsqueeze".split()
)
#: Those that show a matrix turned round.
TRANSPOSED = ("AsStrided", "T", "Transpose", "Permute")
_PARTS = (
    "CopySlices",
    "IndexPut",
    "IndexPutImpl",
    "MaskedFill",
    "IndexCopy",
    "IndexFill",
    "Scatter",
)
#: Up to torch 1.9 a ReLU in place had a node of its own; since 1.10 both ReLUs have one name.
_OLD_IN_PLACE = "ReluBackward1"
#: Kernels larger than this are rare, images smaller than this too.
_KERNEL = 11
_SIGNS = {
    "CopyBackwards": "copy_",
    "Add": "+=",
    "Sub": "-=",
    "Mul": "*=",
    "Div": "/=",
    "Pow": "**=",
}


@dataclass(frozen=True)
class Node:
    """The operation after 'which is output … of', as far as the atlas knows it.

    op: its name, of every PyTorch. known: is it one of PyTorch's own. saves: does it save that
    result. writes: the in-place call that makes such a node, '' if none does. in_place: does
    nothing else make it. old: does the name show torch 1.9 or older, where it is that of the maker
    at the save and never that of a later writer; None if it may. age: which PyTorch writes it so.
    """

    op: str
    known: bool
    saves: bool
    writes: str
    in_place: bool
    old: bool | None
    age: str

    @property
    def view(self) -> bool:
        return self.op in VIEWS

    @property
    def part(self) -> bool:
        return self.op in _PARTS


def node_of(message: Message) -> Node | None:
    """The node that the message names; None where it names none.

    >>> node = node_of(Message("overwritten", op="Relu", overload=1, node="ReluBackward1"))
    >>> node.op, node.saves, node.writes, node.in_place, node.old
    ('Relu', True, 'relu_', True, True)
    """
    if message.op is None:
        return None
    op, overload = message.op.rpartition("::")[2], message.overload
    bare = op.rstrip("0123456789")
    if op not in _classes() and bare in _classes():  # torch 2.13 writes Fill2 for FillBackward2
        op, overload = bare, int(op.removeprefix(bare))
    classes = _classes().get(op, {})
    mine = classes.get(overload)
    saves = any(_saves(one, message.output) for one in ([mine] if mine else classes.values()))
    call = next((one.call for one in classes.values()), "")
    writes = "x[…] = …" if op in _PARTS else _SIGNS.get(op, call)
    known = bool(classes) or op in _PARTS or op == "CopyBackwards"
    return Node(
        op,
        known,
        saves,
        writes,
        message.node == _OLD_IN_PLACE or saves and bool(writes) and _only_in_place(classes, mine),
        _old(message.node, known, len(classes)),
        _age(message.node, known),
    )


@cache
def _classes() -> dict[str, dict[int, NodeClass]]:
    """Operation → the classes of its nodes, by overload."""
    found: dict[str, dict[int, NodeClass]] = {}
    for one in rows(NodeClass):
        op, overload = plain_op(one.name)
        found.setdefault(op, {})[overload] = one
    return found


def _saves(node, output):
    names = node.results.split()
    return any(not name[-1].isdigit() or int(name[-1]) == output for name in names)


def _only_in_place(classes, mine):
    """Elu1: elu_ saves its result, elu its input."""
    return mine is not None and not mine.own_input and not _saves(classes.get(0, mine), 0)


def _old(name, known, overloads):
    if name == _OLD_IN_PLACE or known and name.endswith("Backward"):
        return True
    return None if re.search(r"Backward ?\d+$", name) and overloads > 1 else False


def _age(name, known):
    if "::" in name:
        return "every torch writes it so"
    if name == _OLD_IN_PLACE:
        return "torch 1.9 and older wrote so, for a ReLU in place"
    if re.search(r"Backward ?\d+$", name):
        return "torch up to 2.12 writes it so"
    if name.endswith("Backward"):
        return (
            "torch 1.9 and older wrote so"
            if known
            else "an autograd Function of your own or of a library"
        )
    return "torch from 2.13 on writes it so"


def numbers_of(m: Message) -> str:
    """'32-bit floats' for a torch.FloatTensor; 'numbers' for a type that is not known here."""
    found = _TYPE.fullmatch(m.type)
    return _NUMBERS[found[2]] if found else "numbers"


def place_of(m: Message) -> str:
    """'on a GPU' for a torch.cuda.FloatTensor or a CUDABFloat16Type.

    >>> place_of(Message("overwritten", "CPUBoolType"))
    'on the CPU'
    """
    found = _TYPE.fullmatch(m.type)
    before = found[1] if found else m.type
    device = re.sub(r"(?i)\.?sparse(csr)?\.?", "", before)
    sparse = "sparse, " if device != before else ""
    return sparse + _PLACES.get(device.upper() if device.islower() else device, "on another device")


def like_a_kernel(m: Message) -> bool:
    """Has it the shape of a convolution's weight: [out, in, height, width], small but for two?

    >>> like_a_kernel(Message("overwritten", shape=(3, 32, 3, 3)))
    True
    >>> like_a_kernel(Message("overwritten", shape=(8, 3, 224, 224)))
    False
    """
    kernel = m.shape[2:] if m.shape else ()
    return bool(kernel) and all(isinstance(one, int) and one <= _KERNEL for one in kernel)
