"""The exercises of lesson 3, beside its chains. Each check runs the learner's code on fresh tensors."""

from __future__ import annotations

import copy
import functools
import itertools
import re

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from overwritten.doctor.block import watch
from overwritten.lesson.checking import beside_twin, plain
from overwritten.lesson.exercise import Exercise, attempt
from overwritten.lesson.exercises.orders import order_block
from overwritten.lesson.shows.chains import ACTIVATIONS, CONSUMERS, PRODUCERS, chain
from overwritten.lesson.witness import Witness
from overwritten.record.trial import RIGHT, trial

__all__ = [
    "ACTIVATIONS", "CONSUMERS", "EXERCISES", "PRODUCERS", "chain", "mended", "network", "thrifty",
    "verdicts",
]  # fmt: skip

# exercise 1: a residual block that writes over what its ReLU saved


_COMPUTES = "`relu(relu(norm(conv(x))) + x)` is what it computes. Mend how it is stored, not what it computes."


def _block(x, conv, norm):
    return F.relu(F.relu(norm(conv(x))) + x)


def _spoilt(leaf, conv, norm):
    """As the lesson gives it."""
    x = leaf * 1
    out = F.relu(norm(conv(x)), inplace=True)
    out += x
    return F.relu(out, inplace=True)


def _mends_block(answer):
    for shape in ((2, 4, 5, 5), (3, 4, 2, 1)):
        x = (4 * torch.randn(shape)).requires_grad_()  # far enough to tell ReLU from ReLU6
        inputs = [x, nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)]
        modes, xs = [], []

        def theirs(leaf, conv, norm):
            norm.register_forward_pre_hook(lambda module, given: modes.append(module.training))
            xs[:] = [leaf * 1]
            return attempt(answer, xs[0], conv, norm)

        seen = beside_twin(theirs, _block, inputs)
        norm, true = seen.mine[2], seen.its[2]
        values = "the values are not those of the block: " + _COMPUTES
        if not all(modes) or not norm.training:
            return "`norm` is in eval mode: then it uses its running statistics and not those of the batch. Leave the mode alone and mend the line that writes."
        if mistake := seen.mistake(
            kind=f"your function returns {_kind(seen.result)}; the tensor at the end of the block is asked for.",
            shape=values,
            values=values,
            raises="backward still raises: {found}; mend the line that writes."
            + _moved(seen, inputs),
            gradient="the values are right, the gradients are not those of the out-of-place block.",
        ):
            return mistake
        if xs[0]._version:
            return "the block is right, but it wrote over its input x: whoever else saved x will see an error. Write into tensors you made."
        if not all(map(_close, norm.buffers(), true.buffers())):
            return (
                f"values and gradients are right, but the running statistics of `norm` moved {norm.num_batches_tracked} times; "
                "one step moves them once. Call `norm(conv(x))` once and keep its result."
            )


def _still_raises(diagnosis):
    if diagnosis.saver is None or not diagnosis.writers:
        return "backward still raises: something wrote over a tensor that was saved."
    saver, writer = diagnosis.saver, diagnosis.writers[0]
    return f"backward still raises: `{writer.op}` wrote over what `{saver.op}` had saved; mend the line that writes."


def _moved(seen, inputs):
    """What `inplace=False` in the first ReLU did: other numbers in the same error."""
    found = seen.diagnosis
    if not (found and found.saver) or (found.saver.op, found.saver.expects) != ("relu", 0):
        return ""
    before = beside_twin(_spoilt, _block, inputs).diagnosis
    if before is None:
        return ""
    old, new = (f"{one.message.now} against {one.message.expected}" for one in (before, found))
    return f" `inplace=False` in the ReLU only moved the error from version {old} to {new}."


def _close(a, b):
    if a is None or a.shape != b.shape:
        return False
    return bool((a - b).abs().max() <= 1e-5 * b.abs().max())


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
#: The chains, each with what to ask of it.
_ASK = {
    "softmax, relu_": "does softmax save what it was given or what it gives? And does the counter ask whether a number has changed?",
    "linear, relu_, linear": "who of the two linears saves `h`, and is that before or after `relu_`?",
    "linear, relu, += 1": "what does ReLU save, in place or not?",
    "linear, leaky_relu, += 1": "what does leaky ReLU save where its input is still there?",
    "linear, leaky_relu_, += 1": "what is left for leaky ReLU to save, once it has written over its input?",
    "linear, silu_, += 1": "SiLU's derivative needs the input, and `silu_` writes over it: where has it kept it?",
    "linear, dropout_, += 1": "what does dropout need for its derivative: `h`, or what it drew?",
}


@functools.cache
def _truth(steps):
    start = "x = torch.randn(2, 4, requires_grad=True)\nh = x"
    ways = zip(*(_STEPS[step] for step in steps.split(", ")))
    codes = ["\n".join([start, *way, "h.backward(torch.rand_like(h))"]) for way in ways]
    return "right" if trial(*codes).verdict == RIGHT else "raises"


def _judges_chains(answer):
    given = {steps: plain(answer[steps]) for steps in _ASK}
    for steps, word in given.items():
        if word not in ("raises", "right"):
            return f"{steps!r}: answer 'raises' or 'right'; you gave {answer[steps]!r}."
    wrong = [steps for steps, word in given.items() if word != _truth(steps)]
    if wrong:
        are = "is" if len(wrong) == 1 else "are"
        return f"{len(wrong)} of {len(given)} {are} not so. Look again at {wrong[0]!r}: {_ASK[wrong[0]]}"


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
    questions=tuple(_ASK),
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
    net, twin = attempt(answer), network()
    if not isinstance(net, nn.Module):
        return f"your function returns {_kind(net)}; a network like `plain` is asked for."
    for number, (yours, given) in enumerate(itertools.zip_longest(_layers(net), twin), 1):
        if _name(yours) != _name(given):
            return f"layer {number} is {_name(yours)}, in `plain` it is {_name(given)}: change `inplace` and nothing else."
    if not all(layer.training for layer in _layers(net)):
        return "your network is in eval mode, where dropout and batch norm work otherwise; `plain` is in training mode."
    if not all(weight.requires_grad for weight in net.parameters()):
        return "weights of your network ask for no gradient, so they would not learn; those of `plain` do."
    for own, yours in zip(twin.parameters(), net.parameters()):
        own.data = yours.detach().clone()
    x = torch.randn(2, 4, 16, 16)
    try:
        with Witness() as witness:
            got = _train(net, x)
    except RuntimeError as error:
        if (diagnosis := witness.of(error)) is None:
            raise
        return _first_error(_layers(net), x) or _still_raises(diagnosis)
    if witness.hidden or not all(map(_close, got, _train(twin, x))):
        return witness.hidden or "the gradients are not those of `plain`."
    keeps, fewest = _kept(net, x), _fewest(x.shape)
    if keeps < fewest:
        return f"it keeps {keeps / x.nbytes:.0f} activations, fewer than `inplace` alone can reach ({fewest / x.nbytes:.0f}): a checkpoint or a hook drops or moves some. Change `inplace` and nothing else."
    if keeps > fewest:
        return (
            f"the gradients are right, but it keeps {keeps / x.nbytes:.0f} activations for backward where "
            f"{fewest / x.nbytes:.0f} would do: which LeakyReLU keeps its input beside a result that is saved anyway?"
        )


def _layers(net):
    """Those that do the work, in the order in which they were put in, whatever holds them."""
    return [layer for layer in net.modules() if not any(layer.children())]


def _first_error(net, x):
    """Where a network in place goes wrong first, seen from its input; backward meets the last one first."""
    for end in range(1, len(net) + 1):
        try:
            with watch() as recording:
                _train(copy.deepcopy(nn.Sequential(*net[:end])), x)
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
    return f"`{re.sub('(, )?inplace=(True|False)', '', repr(layer))}`"


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
EXERCISES = {"order_block": order_block, "mended": mended, "verdicts": verdicts, "thrifty": thrifty}
