"""The chains of lesson 3, and its exercises. Each check runs the learner's code on fresh tensors.

The idea of a chain: three choices and a depth become a program as text, beside its twin in
which every step is out of place. The tables hold lines of code, no verdict.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import itertools
from typing import NamedTuple

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from overwritten.doctor.block import watch
from overwritten.lesson.checking import Folk
from overwritten.lesson.exercise import Exercise, attempt
from overwritten.record.trial import RIGHT, trial

_LAYERS = {
    "conv": "conv = nn.Conv2d(4, 4, 1)",
    "lin": "lin = nn.Linear(4, 4, bias=False)",
    "norm": "norm = nn.BatchNorm2d(4)",
}
#: What makes h, by name. Two use h twice and add both in the end: on a residual branch `lin`
#: saves it; on a shortcut nobody does, `y` is a second name for it.
PRODUCERS = {
    "conv": "h = conv(h)",
    "linear": "h = lin(h)",
    "batch norm": "h = norm(h)",
    "sigmoid": "h = h.sigmoid()",
    "tanh": "h = h.tanh()",
    "softmax": "h = h.softmax(-1)",
    "residual branch": "y = lin(h)",
    "shortcut": "y = h",
    "leaf": "",
}
#: By name: (the line as chosen, the line of the twin).
ACTIVATIONS = {
    "relu": ("F.relu(h, inplace=True)", "h = F.relu(h)"),
    "relu out of place": ("h = F.relu(h)", "h = F.relu(h)"),
    "leaky_relu": ("F.leaky_relu(h, inplace=True)", "h = F.leaky_relu(h)"),
    "silu": ("F.silu(h, inplace=True)", "h = F.silu(h)"),
    "hardtanh": ("F.hardtanh(h, inplace=True)", "h = F.hardtanh(h)"),
    "sigmoid": ("h.sigmoid_()", "h = h.sigmoid()"),
    "dropout": ("F.dropout(h, inplace=True)", "h = F.dropout(h)"),
}
CONSUMERS = {
    "nothing": ("", ""),
    "linear": ("h = lin(h)", "h = lin(h)"),
    "pow": ("h = h.pow(2)", "h = h.pow(2)"),
    "h += 1": ("h += 1", "h = h + 1"),
    "dropout in place": ("F.dropout(h, inplace=True)", "h = F.dropout(h)"),
    "squeeze_": ("h.squeeze_(-1)", "h = h.squeeze(-1)"),
}


def chain(producer: str, activation: str, consumer: str, depth: int) -> dict[str, str]:
    """The program of these choices and its out-of-place twin: {'your chain': …, 'out of place': …}.

    The convolution sees a batch of one and a kernel of 1: there it borrows no room of its own,
    so the bytes are the same on every machine.

    >>> print(chain("conv", "relu", "nothing", 2)["your chain"])
    x = torch.randn(1, 4, 16, 4)
    h = x.requires_grad_()
    conv = nn.Conv2d(4, 4, 1)
    for _ in range(2):
        h = conv(h)
        F.relu(h, inplace=True)
    h.backward(torch.rand_like(h))
    """
    branch = producer in ("residual branch", "shortcut")
    codes = {}
    for label, does, then in zip(
        ("your chain", "out of place"), ACTIVATIONS[activation], CONSUMERS[consumer]
    ):
        inside = [PRODUCERS[producer], does, then, "h = h + y" if branch else ""]
        start = ["x = torch.randn(1, 4, 16, 4)", "h = x.requires_grad_()" + " * 2" * branch]
        layers = [
            line for name, line in _LAYERS.items() if any(f"{name}(" in code for code in inside)
        ]
        loop = [f"for _ in range({depth}):", *(f"    {code}" for code in inside if code)]
        codes[label] = "\n".join([*start, *layers, *loop, "h.backward(torch.rand_like(h))"])
    return codes


# exercise 1: a residual block that writes over what its ReLU saved


def _block(x, conv, norm):
    return F.relu(F.relu(norm(conv(x))) + x)


def _spoilt(x, conv, norm):
    """As the lesson gives it."""
    out = F.relu(norm(conv(x)), inplace=True)
    out += x
    return F.relu(out, inplace=True)


def _mends_block(answer):
    for shape in ((2, 4, 5, 5), (3, 4, 2, 1)):
        start, layers, folk = torch.randn(shape), (nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)), Folk()
        true = _step(_block, start, layers)

        def theirs(*given):
            with folk:
                return attempt(answer, *given)

        try:
            with watch() as recording:
                got = _step(theirs, start, layers)
        except RuntimeError:
            if recording.diagnosis is None:
                raise
            return _refused(folk) or _still_raises(recording.diagnosis) + _moved(
                recording.diagnosis, start, layers
            )
        if not isinstance(got.result, torch.Tensor):
            return f"your function returns {_kind(got.result)}; the tensor at the end of the block is asked for."
        if not all(got.modes) or not got.norm.training:
            return "`norm` is in eval mode: then it uses its running statistics and not those of the batch. Leave the mode alone and mend the line that writes."
        if got.result.shape != true.result.shape or not torch.allclose(got.result, true.result):
            return _refused(folk) or (
                "the values are not those of the block: `relu(relu(norm(conv(x))) + x)` is what it computes. "
                "Mend how it is stored, not what it computes."
            )
        if complaint := _refused(folk):
            return complaint
        if got.gradients is None or not all(map(_close, got.gradients, true.gradients)):
            return "the values are right, the gradients are not those of the out-of-place block: something cut or hid the history."
        if got.x._version:
            return "the block is right, but it wrote over its input x: whoever else saved x will see an error. Write into tensors you made."
        if not all(map(_close, got.norm.buffers(), true.norm.buffers())):
            return (
                f"values and gradients are right, but the running statistics of `norm` moved {got.norm.num_batches_tracked} times; "
                "one step moves them once. Call `norm(conv(x))` once and keep its result."
            )


def _refused(folk):
    if ".data" in folk.used:
        return "`.data` has a version counter of its own: that write goes unseen by the counter, and backward may use the overwritten bytes."
    return folk.complaint("numpy", ".detach()", "no_grad")


class _Trained(NamedTuple):
    """gradients: None where the result has no history. modes: was norm training, call by call?"""

    result: object
    gradients: list | None
    x: torch.Tensor
    norm: nn.Module
    modes: list[bool]


def _step(block, start, layers):
    """One step on copies of the layers."""
    conv, norm = copy.deepcopy(layers)
    leaf, modes = start.clone().requires_grad_(), []
    norm.register_forward_pre_hook(lambda module, given: modes.append(module.training))
    x = leaf * 1
    result = block(x, conv, norm)
    if not isinstance(result, torch.Tensor) or not result.requires_grad:
        return _Trained(result, None, x, norm, modes)
    result.backward(torch.linspace(1, 2, result.numel()).reshape(result.shape))
    gradients = [leaf.grad, *(p.grad for layer in (conv, norm) for p in layer.parameters())]
    return _Trained(result.detach(), gradients, x, norm, modes)


def _still_raises(diagnosis):
    if diagnosis.saver is None or not diagnosis.writers:
        return "backward still raises: something wrote over a tensor that was saved."
    saver, writer = diagnosis.saver, diagnosis.writers[0]
    return f"backward still raises: `{writer.op}` wrote over what `{saver.op}` had saved; mend the line that writes."


def _moved(diagnosis, start, layers):
    """What `inplace=False` in the first ReLU did: other numbers in the same error."""
    if diagnosis.saver is None or (diagnosis.saver.op, diagnosis.saver.expects) != ("relu", 0):
        return ""
    with contextlib.suppress(RuntimeError), watch() as recording:
        _step(_spoilt, start, layers)
    if recording.diagnosis is None:
        return ""
    old, new = (
        f"{one.message.now} against {one.message.expected}"
        for one in (recording.diagnosis, diagnosis)
    )
    return f" `inplace=False` in the ReLU only moved the error from version {old} to {new}."


def _close(a, b):
    return (
        a is not None and a.shape == b.shape and bool((a - b).abs().max() <= 1e-5 * b.abs().max())
    )


def _kind(answer):
    return "None: end it with `return`" if answer is None else type(answer).__name__


mended = Exercise(
    _mends_block,
    (
        "Which line writes over a result that an operation had saved? The two ReLUs write too: over what?",
        "`out += x` is the writer. Write it out of place, and both ReLUs may stay as they are.",
    ),
    "import torch.nn.functional as F\n\ndef mended(x, conv, norm):\n"
    "    out = F.relu(norm(conv(x)), inplace=True)\n    out = out + x\n    return F.relu(out, inplace=True)",
)

# exercise 2: which chains raise

_STEPS = {
    "linear": ("h = nn.Linear(4, 4)(h)",) * 2,
    "softmax": ("h = h.softmax(1)",) * 2,
    "relu": ("h = F.relu(h)",) * 2,
    "relu_": ("F.relu(h, inplace=True)", "h = F.relu(h)"),
    "leaky_relu": ("h = F.leaky_relu(h)",) * 2,
    "leaky_relu_": ("F.leaky_relu(h, inplace=True)", "h = F.leaky_relu(h)"),
    "silu_": ("F.silu(h, inplace=True)", "h = F.silu(h)"),
    "dropout_": ("F.dropout(h, inplace=True)", "h = F.dropout(h)"),
    "+= 1": ("h += 1", "h = h + 1"),
}
_WHY = {
    "softmax, relu_": "softmax saved its result, and the counter moves although every number stays",
    "linear, relu_, linear": "the first linear saved its input, the second saved h as relu_ left it",
    "linear, relu, += 1": "ReLU saved its result, in place or not, and `+= 1` wrote over it",
    "linear, leaky_relu, += 1": "out of place, leaky ReLU saves its input; nobody saved its result",
    "linear, leaky_relu_, += 1": "in place, leaky ReLU has only its result to save, and `+= 1` wrote over it",
    "linear, silu_, += 1": "SiLU copied its input in secret and saved the copy; nobody saved h",
    "linear, dropout_, += 1": "dropout saved a mask of its own; nobody saved h",
}


def _truth(steps):
    start, end = (
        "x = torch.randn(2, 4, requires_grad=True)\nh = x",
        "h.backward(torch.rand_like(h))",
    )
    codes = [
        "\n".join([start, *(_STEPS[step][i] for step in steps.split(", ")), end]) for i in (0, 1)
    ]
    return "right" if trial(*codes).verdict == RIGHT else "raises"


def _judges_chains(answer):
    for steps, why in _WHY.items():
        given, truth = answer[steps], _truth(steps)
        word = given.strip().lower() if isinstance(given, str) else given
        if word not in ("raises", "right"):
            return f"{steps!r}: answer 'raises' or 'right'; you gave {given!r}."
        if word != truth:
            return f"{steps!r}: {'it runs and the gradient is right' if truth == 'right' else 'backward raises'}, for {why}."


verdicts = Exercise(
    _judges_chains,
    (
        "For each write ask: has somebody saved the tensor that it writes over?",
        "ReLU saves its result always, leaky ReLU only in place; SiLU and dropout save a tensor of their own.",
    ),
    "verdicts = {\n"
    '    "softmax, relu_": "raises",\n    "linear, relu_, linear": "right",\n'
    '    "linear, relu, += 1": "raises",\n    "linear, leaky_relu, += 1": "right",\n'
    '    "linear, leaky_relu_, += 1": "raises",\n    "linear, silu_, += 1": "right",\n'
    '    "linear, dropout_, += 1": "right",\n}',
    questions=tuple(_WHY),
)

# exercise 3: the fewest bytes kept for backward


def network(first=False, second=False, third=False, dropout=False, fourth=False) -> nn.Sequential:
    """The network of exercise 3; the arguments say which layers work in place."""
    return nn.Sequential(
        *(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.LeakyReLU(inplace=first)),
        *(nn.Conv2d(4, 4, 1), nn.Sigmoid(), nn.LeakyReLU(inplace=second)),
        *(nn.Conv2d(4, 4, 1), nn.LeakyReLU(inplace=third), nn.Dropout(inplace=dropout)),
        *(nn.Conv2d(4, 4, 1), nn.LeakyReLU(inplace=fourth), nn.Conv2d(4, 4, 1)),
    )


def _keeps_few(answer):
    net, plain = attempt(answer), network()
    if not isinstance(net, nn.Sequential):
        return f"your function returns {_kind(net)}; the nn.Sequential of `plain` is asked for."
    for number, (yours, given) in enumerate(itertools.zip_longest(net, plain), 1):
        if _name(yours) != _name(given):
            return f"layer {number} is {_name(yours)}, in `plain` it is {_name(given)}: change `inplace` and nothing else."
    plain.load_state_dict(net.state_dict())
    x = torch.randn(2, 4, 16, 16)
    try:
        with watch() as recording:
            got = _train(net, x)
    except RuntimeError:
        if recording.diagnosis is None:
            raise
        return _first_error(net, x) or _still_raises(recording.diagnosis)
    if not all(map(_close, got, _train(plain, x))):
        return "the gradients are not those of `plain`."
    keeps, fewest = _kept(net, x), _fewest(x.shape)
    if keeps > fewest:
        return (
            f"the gradients are right, but it keeps {keeps / x.nbytes:.0f} activations for backward where "
            f"{fewest / x.nbytes:.0f} would do: which LeakyReLU keeps its input beside a result that is saved anyway?"
        )


def _first_error(net, x):
    """Where a network in place goes wrong first, seen from its input; backward meets the last one first."""
    for end in range(1, len(net) + 1):
        try:
            with watch() as recording:
                _train(copy.deepcopy(net[:end]), x)
        except RuntimeError:
            if recording.diagnosis is not None:
                return f"layer {end}, {_name(net[end - 1])}: {_still_raises(recording.diagnosis)}"
    return ""


@functools.cache
def _fewest(shape):
    """Bytes that the best of all choices keeps."""
    choices = itertools.product((False, True), repeat=5)
    return min(filter(None, (_kept(network(*flags), torch.ones(shape)) for flags in choices)))


def _name(layer):
    if layer is None:
        return "missing"
    shown = (
        repr(layer)
        .replace(", inplace=True", "")
        .replace(", inplace=False", "")
        .replace("inplace=True", "")
    )
    return f"`{shown}`"


def _train(net, x):
    torch.manual_seed(0)
    out = net.train()(x)
    out.backward(torch.linspace(1, 2, out.numel()).reshape(out.shape))
    return [parameter.grad for parameter in net.parameters()]


def _kept(net, x):
    """Bytes in distinct saved storages; None where backward raises."""
    storages = {}

    def note(tensor):
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    try:
        _train(copy.deepcopy(net), x)
    except RuntimeError:
        return None
    with saved_tensors_hooks(note, lambda tensor: tensor):
        out = net(x)  # its graph holds what was saved, so no address is given out twice
    del out
    return sum(storages.values())


thrifty = Exercise(
    _keeps_few,
    (
        "Leave a LeakyReLU out of place where the layer before it saved its result.",
        "And where the layer after it writes: LeakyReLU saves its result as soon as it works in place.",
    ),
    """
from torch import nn

def thrifty():
    return nn.Sequential(
        nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.LeakyReLU(inplace=True),
        nn.Conv2d(4, 4, 1), nn.Sigmoid(), nn.LeakyReLU(),
        nn.Conv2d(4, 4, 1), nn.LeakyReLU(), nn.Dropout(),
        nn.Conv2d(4, 4, 1), nn.LeakyReLU(inplace=True), nn.Conv2d(4, 4, 1),
    )
""",
)

#: By the name the lesson uses; the tests run every one unattempted, wrong and right.
EXERCISES = {"mended": mended, "verdicts": verdicts, "thrifty": thrifty}
