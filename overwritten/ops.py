"""Which operation saves what, and what follows: may its input be overwritten, its result?

The idea: a list of expressions, and one experiment that is the same for each. Nothing about
an operation is typed in: the saves are seen by a pack hook, the verdicts come from `trial`.
A row speaks for the values used here (x mixes signs, unless the operation needs positive
numbers) and for the write `*= -3`; other values can give another verdict on the gradient.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from overwritten.live.table import Table
from overwritten.trial import CAUTIOUS, RAISES, RIGHT, SILENT, Trial, trial

_MIXED = "a = torch.tensor([[-1.5, -0.5, 0.25], [0.75, 1.25, -0.25]])\nx = a.requires_grad_() * 1"
_POSITIVE = "a = torch.tensor([[0.5, 1.5, 0.25], [0.75, 1.25, 2.0]])\nx = a.requires_grad_() * 1"
#: How the other tensors of the expressions are made. Only w needs a gradient.
_GIVEN = {
    "w": "b = torch.tensor([[1.0, 0.5, 2.0], [1.5, -1.0, 0.75]])\nw = b.requires_grad_() * 1",
    "c": "c = torch.tensor([[2.0, 0.5, 1.5], [1.0, 3.0, 0.75]])",
    "mask": "mask = torch.tensor([[True, False, True], [False, True, True]])",
    "index": "index = torch.tensor([[0, 2, 1], [1, 0, 2]])",
    "label": "label = torch.tensor([2, 0])",
    "order": "order = torch.tensor([1, 0])",
}

#: The operations of the table. An expression makes the result from x, and w where it uses w.
OPERATIONS = """
x + w | x + 1 | x - w | -x | x * 2 | x * c | x * w | x / 2 | x / w | 1 / x | x ** 2 | 2 ** x
x.exp() | x.log() | x.sqrt() | x.rsqrt() | x.sin() | x.cos() | x.tan() | x.abs() | x.erf() | x.floor()
x.sigmoid() | x.tanh() | F.relu(x) | F.relu6(x) | F.leaky_relu(x) | F.elu(x) | F.selu(x) | F.gelu(x)
F.silu(x) | F.mish(x) | F.hardtanh(x) | F.hardsigmoid(x) | F.hardswish(x) | F.softplus(x) | F.logsigmoid(x)
F.softmax(x, 1) | F.log_softmax(x, 1) | F.dropout(x) | x.clamp(-1, 1) | torch.maximum(x, w)
torch.where(mask, x, w) | x.masked_fill(mask, 0) | x[mask] | x.gather(1, index) | x[:, 0] | x.t()
x.reshape(6) | x.clone() | torch.cat([x, w]) | torch.stack([x, w]) | x.flip(0) | x.sum() | x.mean() | x.var()
x.norm() | x.prod() | x.max() | x.max(1).values | x.amax(1) | x.sort().values | x.cumsum(1) | x.cumprod(1)
x.logsumexp(1) | x @ w.t() | F.linear(x, w) | torch.outer(x[0], w[0]) | F.layer_norm(x, (3,))
F.batch_norm(x, None, None, training=True) | F.normalize(x) | F.conv1d(x, w.t()[:, :, None])
F.max_pool1d(x, 2) | F.avg_pool1d(x, 2) | F.mse_loss(x, c) | F.l1_loss(x, c) | F.cross_entropy(x, label)
F.cosine_similarity(x, w) | torch.cdist(x, w) | torch.kron(x, w) | torch.lerp(x, w, 0.3)
"""
_NEED_POSITIVE = ("log()", "sqrt()", "log_()", "sqrt_()")

#: In-place forms of x, each with the out-of-place line that computes the same.
IN_PLACE = """
x.add_(1): x = x + 1
x.add_(w): x = x + w
x += c: x = x + c
x.mul_(2): x = x * 2
x.mul_(c): x = x * c
x.mul_(w): x = x * w
x.div_(2): x = x / 2
x.div_(w): x = x / w
x.pow_(2): x = x ** 2
x.square_(): x = x.square()
x **= 2: x = x ** 2
x.exp_(): x = x.exp()
x.log_(): x = x.log()
x.sqrt_(): x = x.sqrt()
x.rsqrt_(): x = x.rsqrt()
x.reciprocal_(): x = x.reciprocal()
x.sin_(): x = x.sin()
x.cos_(): x = x.cos()
x.abs_(): x = x.abs()
x.neg_(): x = -x
x.erf_(): x = x.erf()
x.floor_(): x = x.floor()
x.clamp_(-1, 1): x = x.clamp(-1, 1)
x.sigmoid_(): x = x.sigmoid()
x.tanh_(): x = x.tanh()
F.relu(x, inplace=True): x = F.relu(x)
F.relu6(x, inplace=True): x = F.relu6(x)
F.leaky_relu(x, inplace=True): x = F.leaky_relu(x)
F.leaky_relu(x, -0.1, inplace=True): x = F.leaky_relu(x, -0.1)
F.elu(x, inplace=True): x = F.elu(x)
F.elu(x, -1.0, inplace=True): x = F.elu(x, -1.0)
F.selu(x, inplace=True): x = F.selu(x)
F.celu(x, inplace=True): x = F.celu(x)
F.rrelu(x, training=True, inplace=True): x = F.rrelu(x, training=True)
F.silu(x, inplace=True): x = F.silu(x)
F.mish(x, inplace=True): x = F.mish(x)
F.hardtanh(x, inplace=True): x = F.hardtanh(x)
F.hardswish(x, inplace=True): x = F.hardswish(x)
F.hardsigmoid(x, inplace=True): x = F.hardsigmoid(x)
F.threshold(x, 0.1, 0.0, inplace=True): x = F.threshold(x, 0.1, 0.0)
F.dropout(x, inplace=True): x = F.dropout(x)
torch.ops.aten.gelu_(x): x = F.gelu(x)
x.masked_fill_(mask, 0): x = x.masked_fill(mask, 0)
x[mask] = 0: x = torch.where(mask, 0.0, x)
x[0] = 0: x = torch.cat([torch.zeros(1, 3), x[1:]])
x.copy_(w): x = x * 0 + w
x.fill_(3): x = x * 0 + 3
x.zero_(): x = x * 0
x.addcmul_(w, c): x = x + w * c
x.lerp_(w, 0.3): x = x.lerp(w, 0.3)
x.cumsum_(1): x = x.cumsum(1)
x.index_add_(0, order, c): x = x.index_add(0, order, c)
x[:1].mul_(2): x = torch.cat([x[:1] * 2, x[1:]])
x[:1].mul_(w[:1]): x = torch.cat([x[:1] * w[:1], x[1:]])
"""


@dataclass(frozen=True)
class Operation:
    """One operation and one of its inputs. input: 'x', 'w' or 'c', the one that is written.

    saves_input, saves_result: does a saved tensor lie in that storage? over_input,
    over_result: the verdict (see `trial`) when that tensor gets `*= -3` before backward,
    '' where it cannot be written at all.
    """

    name: str
    input: str
    saves_input: bool
    saves_result: bool
    over_input: str
    over_result: str


@dataclass(frozen=True)
class InPlace:
    """One in-place form. twin: the out-of-place line. saves, twin_saves: what each keeps for backward.

    clones: among that of the form, a copy of x as it was: the memory is taken all the same.
    verdict: its gradients against the twin's; where neither, the error's first words.
    """

    name: str
    twin: str
    saves: str
    twin_saves: str
    clones: bool
    verdict: str


def expressions() -> list[str]:
    """The expressions of `OPERATIONS`, one by one."""
    return [part.strip() for line in OPERATIONS.strip().splitlines() for part in line.split("|")]


def program(name: str, write: str = "x") -> dict[str, str]:
    """The experiment as code: {'written': …, 'out of place': its twin}.

    write: the tensor that is overwritten between the operation and backward: 'x', 'w', 'c'
    or 'result'.

    >>> print(program("x.exp()", "result")["written"])
    a = torch.tensor([[-1.5, -0.5, 0.25], [0.75, 1.25, -0.25]])
    x = a.requires_grad_() * 1
    y = x.exp()
    y *= -3
    y.backward(torch.rand_like(y))
    """
    target = "y" if write == "result" else write
    start = [*_start(name), f"y = {name}"]
    end = ["y.backward(torch.rand_like(y))"]
    twin = [*start, f"{target} = {target} * -3"]
    if write == "x" and _is_view(name):  # y sees what is written into x: so must the twin's
        twin.append(f"y = {name}")
    return {"written": "\n".join([*start, f"{target} *= -3", *end]), "out of place": "\n".join([*twin, *end])}


def try_write(name: str, write: str = "x") -> Trial:
    """Run `program(name, write)` against its twin."""
    codes = program(name, write)
    return trial(codes["written"], codes["out of place"])


def operations() -> Table:
    """The op table, measured now: a row for each operation and each of its inputs x, w, c."""
    rows = [operation(name, given) for name in expressions() for given in ("x", "w", "c") if given in _words(name)]
    return Table(
        rows,
        {
            "operation": lambda row: row.name,
            "input": lambda row: row.input,
            "saves it": lambda row: _yes(row.saves_input),
            "saves result": lambda row: _yes(row.saves_result),
            "write to input": lambda row: _allowed(row.over_input),
            "gradient after it": lambda row: _right(row.over_input),
            "write to result": lambda row: _allowed(row.over_result),
            "gradient after it ": lambda row: _right(row.over_result),
        },
        "Operations: what they save, and what may be overwritten before backward",
    )


def in_place_forms() -> Table:
    """The table of in-place forms, measured now on an x that needs a gradient and is no leaf."""
    rows = [_in_place(*line.split(": ", 1)) for line in IN_PLACE.strip().splitlines()]
    return Table(
        rows,
        {
            "in place": lambda row: row.name,
            "out of place": lambda row: row.twin,
            "in place keeps": lambda row: row.saves,
            "out of place keeps": lambda row: row.twin_saves,
            "copies x in secret": lambda row: _yes(row.clones),
            "gradient": lambda row: row.verdict,
        },
        "In-place forms: what they keep, and whether they copy x all the same",
    )


def operation(name: str, given: str = "x") -> Operation:
    """One row: the operation `name` and its input `given` ('x', 'w' or 'c'), measured now.

    >>> operation("x.exp()").over_result
    'raises'
    """
    kept, made = _kept(name, f"y = {name}")
    result, source = made["y"], made[given]
    return Operation(
        name=name,
        input=given,
        saves_input=any(_place(t) == _place(source) for t, _ in kept),
        saves_result=any(_place(t) == _place(result) for t, _ in kept),
        over_input=try_write(name, given).verdict,
        over_result=try_write(name, "result").verdict,
    )


def _is_view(name):
    _, made = _kept(name, f"y = {name}")  # with the random state kept as it was
    return _place(made["y"]) == _place(made["x"])


def _in_place(name, twin):
    saves, others = _saves(name, name, "x"), _saves(name, "y" + twin.removeprefix("x"), "y")
    start, end = "\n".join(_start(name)), "x.backward(torch.rand_like(x))"
    done = trial(f"{start}\n{name}\n{end}", f"{start}\n{twin}\n{end}")
    verdict = done.verdict or done.run.error.partition(": ")[2].partition(".")[0]
    return InPlace(name, twin, ", ".join(saves) or "nothing", ", ".join(others) or "nothing", _COPY in saves, verdict)


_COPY = "a copy of x"


def _saves(name, line, result):
    """What one line keeps, in words, each once; result: the name its result has."""
    before = _run(_start(name))["x"].detach()
    kept, made = _kept(name, line)
    return list(dict.fromkeys(_what(tensor, values, made, result, before) for tensor, values in kept))


def _what(saved, values, made, result, before):
    """Which of the tensors at hand a saved one is; values: at the save, before: x at the start."""
    if _place(saved) == _place(made[result]):
        return "its result (x itself)" if result == "x" else "its result"
    for name in ("x", *_GIVEN):
        if name in made and _place(saved) == _place(made[name]):
            return name
    if values.dim() == 2 and torch.equal(values, before[: len(values)]):
        return _COPY
    if saved.shape != before.shape:
        return "a tensor of its own"
    if saved.dtype is torch.bool or len(saved.unique()) <= 2:  # dropout's: 0 and a factor
        return "a mask"
    return "its factors of x" if torch.equal(saved * before, made[result]) else "a tensor of its own"


def _kept(name, line):
    """Run one line on fresh tensors: [(saved tensor, its values then)], and all that was made."""
    kept = []

    def pack(tensor):
        kept.append((tensor.detach(), tensor.detach().clone()))
        return tensor

    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        made = _run(_start(name))
        with saved_tensors_hooks(pack, lambda tensor: tensor):
            return kept, _run([line], made)


def _run(lines, names=None):
    names = names or {"torch": torch, "F": F}
    exec("\n".join(lines), names)
    return names


def _start(name):
    """The lines that make the tensors of an expression."""
    used = [code for given, code in _GIVEN.items() if given in _words(name)]
    first = _POSITIVE if name.endswith(_NEED_POSITIVE) else _MIXED
    return "\n".join([first, *used]).splitlines()


def _place(tensor):
    return tensor.untyped_storage().data_ptr()


def _words(name):
    return compile(name, "", "exec").co_names


def _yes(value):
    return "✓ yes" if value else "– no"


def _allowed(verdict):
    return "" if not verdict else "✗ raises" if verdict.startswith("raises") else "✓ allowed"


def _right(verdict):
    return {RIGHT: "✓ right", SILENT: "✗ wrong", CAUTIOUS: "✓ would be right", RAISES: "✗ would be wrong"}.get(verdict, "")
