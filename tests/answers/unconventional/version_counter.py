"""Lesson 2."""

from answers import but
from answers.unconventional import ALLOWED, CLONING, HOOKS, UNSAFE, body, inside, spelled
from overwritten.lesson.exercises.version_counter import what_is_saved

_count, _weights = body("f, x"), body("x")
_ZERO = "y = x.exp()\ny[:, 0] = 0\nreturn y"

RIGHT = {
    "count_writes": {
        "counter of a detached one": _count(
            "d = x.detach()\nn = d._version\nf(x)\nreturn d._version - n"
        ),
        "counter of a view": _count("v = x[:1]\nn = v._version\nf(x)\nreturn v._version - n"),
        "one expression": _count("return -x._version + (f(x), x._version)[1]"),
        "finally": _count(
            "n = x._version\ntry:\n    f(x)\nfinally:\n    n = x._version - n\nreturn n"
        ),
        "a list of two": _count("n = [x._version]\nf(x)\nn.append(x._version)\nreturn n[1] - n[0]"),
        "a tensor": _count(
            "n = torch.tensor(x._version)\nf(x)\nreturn torch.tensor(x._version) - n"
        ),
        "NumPy's integer": _count(
            "import numpy\nn = numpy.int64(x._version)\nf(x)\nreturn numpy.int64(x._version) - n"
        ),
        "getattr": _count("n = getattr(x, '_version')\nf(x)\nreturn getattr(x, '_version') - n"),
        "range": _count("n = x._version\nf(x)\nreturn len(range(n, x._version))"),
        "a recording": _count(
            "from overwritten import watch\nv = x._version\nwith watch():\n    f(x)\nreturn x._version - v"
        ),
    },
    "what_is_saved": spelled(what_is_saved),
    "zero_first_column": {
        "a mask": _weights("m = torch.ones_like(x)\nm[:, 0] = 0\nreturn x.exp() * m.detach()"),
        "a mask from .data": _weights(
            "m = torch.ones_like(x.data)\nm[:, 0] = 0\nreturn x.exp() * m"
        ),
        "cat": _weights("return torch.cat([torch.zeros_like(x[:, :1]), x[:, 1:].exp()], 1)"),
        "masked_fill": _weights("return x.exp().masked_fill(torch.arange(x.shape[1]) == 0, 0)"),
        "minus infinity first": _weights(
            "return x.masked_fill(torch.arange(x.shape[1]) == 0, -torch.inf).exp()"
        ),
        "pad": _weights("return F.pad(x[:, 1:].exp(), (1, 0))"),
        "into zeros": _weights("y = torch.zeros_like(x)\ny[:, 1:] = x[:, 1:].exp()\nreturn y"),
        "expm1": _weights("y = torch.expm1(x) + 1\ny[:, 0] = 0\nreturn y"),
        "a cloning hook": _weights(inside(CLONING, _ZERO)),
        "a mask through .data": _weights(
            "m = torch.ones_like(x)\nm.data[:, 0] = 0\nreturn x.exp() * m"
        ),
    },
}
WRONG = {
    "count_writes": {
        "from zero": (_count("f(x)\nreturn x._version"), "before"),
        "called twice": (
            _count("n = x._version\nf(x)\nf(x)\nreturn (x._version - n) // 2"),
            "2 times",
        ),
        "did it change": (
            _count("before = x.clone()\nf(x)\nreturn int(not torch.equal(before, x))"),
            "not only whether",
        ),
        "counter of .data": (
            _count("d = x.data\nn = d._version\nf(x)\nreturn d._version - n"),
            ".data",
        ),
        "of a clone": (_count("n = x._version\nf(x.clone())\nreturn x._version - n"), "x"),
        "as a truth value": (
            _count("n = x._version\nf(x)\nreturn bool(x._version - n)"),
            "not only whether",
        ),
        "changed elements": (
            _count("before = x.clone()\nf(x)\nreturn int((before != x).sum())"),
            "you say 3",
        ),
        "never called": (_count("return 1"), "call"),
        "a word": (_count("n = x._version\nf(x)\nreturn str(x._version - n)"), "str"),
        "the other way": (_count("n = x._version\nf(x)\nreturn n - x._version"), "-"),
    },
    "what_is_saved": {
        "tanh: input": (but(what_is_saved, {"x.tanh()": "input"}), "tanh"),
        "tanh: neither": (but(what_is_saved, {"x.tanh()": "neither"}), "tanh"),
        "minus: input": (but(what_is_saved, {"x - 3": "input"}), "x - 3"),
        "sin: result": (but(what_is_saved, {"x.sin()": "result"}), "sin"),
        "cumprod: result": (but(what_is_saved, {"x.cumprod(1)": "result"}), "cumprod"),
        "cumprod: input": (but(what_is_saved, {"x.cumprod(1)": "input"}), "cumprod"),
        "softmax: both": (but(what_is_saved, {"F.softmax(x, 1)": "both"}), "softmax"),
        "silu: both": (but(what_is_saved, {"F.silu(x)": "both"}), "silu"),
        "silu: result": (but(what_is_saved, {"F.silu(x)": "result"}), "silu"),
        "another word": (but(what_is_saved, {"F.silu(x)": "output"}), "output"),
    },
    "zero_first_column": {
        "identity hooks": (_weights(inside(HOOKS, _ZERO)), "the check is switched off"),
        ".data": (_weights("y = x.exp()\ny.data[:, 0] = 0\nreturn y"), "no counter moved"),
        "detach": (_weights("y = x.exp()\ny.detach()[:, 0] = 0\nreturn y"), "raises"),
        "no_grad": (
            _weights("y = x.exp()\nwith torch.no_grad():\n    y[:, 0] = 0\nreturn y"),
            "raises",
        ),
        "allowed": (_weights(inside(ALLOWED, _ZERO)), "allow_mutation_on_saved_tensors"),
        "unsafe": (
            _weights(f"y = x.exp()\n{UNSAFE.format('y')}\n    y[:, 0] = 0\nreturn y"),
            "the check is switched off",
        ),
        "contiguous": (_weights("y = x.exp().contiguous()\ny[:, 0] = 0\nreturn y"), "raises"),
        "clone too early": (_weights("y = x.clone().exp()\ny[:, 0] = 0\nreturn y"), "raises"),
        "clone too late": (_weights("y = x.exp()\ny[:, 0] = 0\nreturn y.clone()"), "raises"),
        "cut off": (_weights("y = x.exp().detach()\ny[:, 0] = 0\nreturn y"), "gradient"),
    },
}
