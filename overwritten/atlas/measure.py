"""Which operation saves what, and what follows: may its input be overwritten, its result?

The idea: one experiment that is the same for every expression; `overwritten.atlas.rows` holds the
expressions and what came of them. Nothing about an operation is typed in: the saves are seen
by a pack hook, the verdicts come from `trial`. A row speaks for the values of its own tensors
and for the write `*= -3`; other values can give another verdict on the gradient.
"""

from __future__ import annotations

import re

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from overwritten.atlas import rows as atlas
from overwritten.atlas.rows import InPlace, NodeClass, Operation
from overwritten.record.private import NN, NODES
from overwritten.record.trial import NOTHING, Trial, trial

_MIXED = "a = torch.tensor([[-1.5, -0.5, 0.25], [0.75, 1.25, -0.25]])\nx = a.requires_grad_() * 1"
_POSITIVE = "a = torch.tensor([[0.5, 1.5, 0.25], [0.75, 1.25, 2.0]])\nx = a.requires_grad_() * 1"
#: How the other tensors of the course's own expressions are made. Of these, only w requires grad.
_GIVEN = {
    "w": "b = torch.tensor([[1.0, 0.5, 2.0], [1.5, -1.0, 0.75]])\nw = b.requires_grad_() * 1",
    "c": "c = torch.tensor([[2.0, 0.5, 1.5], [1.0, 3.0, 0.75]])",
    "mask": "mask = torch.tensor([[True, False, True], [False, True, True]])",
    "index": "index = torch.tensor([[0, 2, 1], [1, 0, 2]])",
    "label": "label = torch.tensor([2, 0])",
    "order": "order = torch.tensor([1, 0])",
}
_NEED_POSITIVE = ("log()", "sqrt()", "log_()", "sqrt_()")
#: How a saved result is called in PyTorch's nodes.
_RESULTS = re.compile(r"_saved_(result\d*|output\d*|Q|R|U|S|Vh|L|LU)")


def expressions() -> list[str]:
    """The course's own expressions, one by one."""
    return list(dict.fromkeys(row.name for row in atlas.rows(Operation) if row.course))


def program(name: str, write: str = "x", start: str | None = None) -> dict[str, str]:
    """The experiment as code: {'written': …, 'out of place': its twin}.

    name: an expression of the atlas, or any other over x, w, c. write: the tensor that is
    overwritten between the operation and backward: 'x', 'w', 'c' … or 'result'.
    start: the code that makes the tensors, where it is not to be that of the atlas.

    >>> print(program("x.exp()", "result")["written"])
    a = torch.tensor([[-1.5, -0.5, 0.25], [0.75, 1.25, -0.25]])
    x = a.requires_grad_() * 1
    y = x.exp()
    y *= -3
    y.backward(torch.rand_like(y))
    """
    target = "y" if write == "result" else write
    begin = [start or start_of(name), f"y = {name}"]
    end = ["y.backward(torch.rand_like(y))"]
    twin = [*begin, f"{target} = {target} * -3"]
    if write != "result" and _is_view(name, write, start):
        twin.append(f"y = {name}")  # y sees what is written: so must the twin's
    return {
        "written": "\n".join([*begin, f"{target} *= -3", *end]),
        "out of place": "\n".join([*twin, *end]),
    }


def start_of(name: str) -> str:
    """The code that makes the tensors of an expression: the atlas's, or the course's usual ones."""
    return atlas.start_of(name) or usual_start(name)


def usual_start(name: str) -> str:
    """The code that makes those of the tensors x, w, c … that an expression of the course uses."""
    used = [code for given, code in _GIVEN.items() if given in _words(name)]
    return "\n".join([_POSITIVE if name.endswith(_NEED_POSITIVE) else _MIXED, *used])


def try_write(name: str, write: str = "x", start: str | None = None) -> Trial:
    """Run `program(name, write)` against its twin."""
    codes = program(name, write, start)
    return trial(codes["written"], codes["out of place"])


def operation(name: str, given: str = "x", start: str | None = None, **more) -> Operation:
    """One row: the operation `name` and its input `given` ('x', 'w', 'c' …), measured now.

    name: an expression of the atlas, or any other over x, w, c. start: as in `program`.
    more: the fields `op` and `course`, where the atlas itself is written.

    >>> operation("x.exp()").over_result
    'raises'
    """
    start = start or start_of(name)
    kept, made = _kept(start, f"y = {name}")
    result, source = made["y"], made[given]
    saved = {_place(tensor) for tensor, _ in kept}
    over = {
        target: try_write(name, target, start).verdict if result.requires_grad else NOTHING
        for target in (given, "result")
    }
    return Operation(
        torch=torch.__version__,
        **{"op": "", "course": True, **more},
        start=start,
        name=name,
        input=given,
        saves_input=_place(source) in saved,
        saves_result=_place(result) in saved,
        saves_other=bool(saved - {_place(source), _place(result)}),
        over_input=over[given],
        over_result=over["result"],
    )


def in_place_form(name: str, twin: str | None = None, start: str | None = None, **more) -> InPlace:
    """One row: the in-place form `name` of x, measured now.

    twin: the line that computes the same out of place; the atlas has it for its own forms.

    >>> in_place_form("x.sin_()").saves
    'a copy of x'
    """
    twin = twin or next((row.twin for row in atlas.rows(InPlace) if row.name == name), None)
    if twin is None:
        raise ValueError(
            f"The atlas has no in-place form {name!r}: give its out-of-place line too, "
            "as in twin='x = x.sin()'."
        )
    start = start or start_of(name)
    saves, others = _saves(start, name, "x"), _saves(start, "y" + twin.removeprefix("x"), "y")
    end = "x.backward(torch.rand_like(x))"
    done = trial(f"{start}\n{name}\n{end}", f"{start}\n{twin}\n{end}")
    return InPlace(
        torch=torch.__version__,
        **{"op": "", "course": True, **more},
        start=start,
        name=name,
        twin=twin,
        saves=", ".join(saves) or "nothing",
        twin_saves=", ".join(others) or "nothing",
        clones=_COPY in saves,
        verdict=done.verdict or done.run.error.partition(": ")[2].partition(".")[0],
    )


def node_classes() -> list[NodeClass]:
    """What the nodes of the torch in use save of their results, by class.

    >>> next(one for one in node_classes() if one.name == "EluBackward1").results
    'result'
    """
    found = (re.fullmatch(r"(.+?)Backward\d+", name) for name in dir(NODES))
    return [_node_class(match[0], match[1]) for match in found if match]


def _node_class(name, op):
    saved = dir(getattr(NODES, name))
    results = [match[1] for match in map(_RESULTS.fullmatch, saved) if match]
    call = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", op).lower() + "_"
    there = any(hasattr(where, call) for where in (torch.Tensor, torch, NN))
    own_input = "_saved_self" in saved
    return NodeClass(torch.__version__, name, " ".join(results), own_input, call if there else "")


def _is_view(name, write, start):
    _, made = _kept(start or start_of(name), f"y = {name}")  # with the random state kept as it was
    return _place(made["y"]) == _place(made[write])


_COPY = "a copy of x"


def _saves(start, line, result):
    """What one line keeps, in words, each once; result: the name its result has."""
    kept, made = _kept(f"{start}\nbefore = x.detach().clone()", line)
    before = made.pop("before")
    what = (_what(tensor, values, made, result, before) for tensor, values in kept)
    return list(dict.fromkeys(what))


def _what(saved, values, made, result, before):
    """Which of the tensors at hand a saved one is; values: at the save, before: x at the start."""
    if _place(saved) == _place(made[result]):
        return "its result (x itself)" if result == "x" else "its result"
    for name, tensor in made.items():
        if isinstance(tensor, torch.Tensor) and _place(saved) == _place(tensor):
            return name
    if values.dim() == before.dim() > 0 and torch.equal(values, before[: len(values)]):
        return _COPY
    if saved.shape == before.shape:
        if saved.dtype is torch.bool or len(saved.unique()) <= 2:  # dropout's: 0 and a factor
            return "a mask"
        if torch.equal(saved * before, made[result]):
            return "its factors of x"
    return "a tensor of its own"


def _kept(start, line):
    """Run one line on fresh tensors: [(saved tensor, its values then)], and all that was made."""
    kept = []

    def pack(tensor):
        kept.append((tensor.detach(), tensor.detach().clone()))
        return tensor

    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)  # as in `record`
        made = _run(start)
        with saved_tensors_hooks(pack, lambda tensor: tensor):
            return kept, _run(line, made)


def _run(code, names=None):
    names = names or {"torch": torch, "F": F}
    exec(code, names)
    return names


def _place(tensor):
    return tensor.untyped_storage().data_ptr()


def _words(name):
    return compile(name, "", "exec").co_names
