"""Wrong answers to lesson 2, by exercise: {what it tries: (source, words its message must hold)}."""

from functools import partial

from answers import but
from overwritten.lesson.exercises.version_counter import what_is_saved

_but = partial(but, what_is_saved)


def _mend(body):
    return "def weights(x):\n    " + body.replace("; ", "\n    ")


WRONG = {
    "count_writes": {
        "the counter itself": (
            "def f(g, x):\n    g(x)\n    return x._version",
            "x was at version 3 before the call",
        ),
        "on a clone": (
            "def f(g, x):\n    y = x.clone()\n    g(y)\n    return y._version",
            "with another tensor than x",
        ),
        "watching .data": (
            "def f(g, x):\n    b = x.data._version\n    g(x)\n    return x.data._version - b",
            "have counters of their own",
        ),
        "whether values changed": (
            "def f(g, x):\n    b = x.clone()\n    g(x)\n    return int(not torch.equal(b, x))",
            "not only whether",
        ),
        "a bool": (
            "def f(g, x):\n    b = x._version\n    g(x)\n    return x._version > b",
            "not only whether",
        ),
        "never calls": ("def f(g, x):\n    return 2", "never calls f"),
        "calls twice": (
            "def f(g, x):\n    g(x)\n    b = x._version\n    g(x)\n    return x._version - b",
            "calls f 2 times",
        ),
        "always two": (
            "def f(g, x):\n    g(x)\n    return 2",
            "f moved the counter by 0, you say 2",
        ),
        "prints only": (
            "def f(g, x):\n    b = x._version\n    g(x)\n    print(x._version - b)",
            "returns NoneType",
        ),
    },
    "what_is_saved": {
        "input for tanh": (_but({"x.tanh()": "input"}), "does the result hold them already"),
        "both for tanh": (_but({"x.tanh()": "both"}), "do without"),
        "result for minus": (_but({"x - 3": "result"}), "from the result alone"),
        "result for sin": (_but({"x.sin()": "result"}), "from the result alone"),
        "input for cumprod": (_but({"x.cumprod(1)": "input"}), "which numbers does it need"),
        "neither for softmax": (
            _but({"F.softmax(x, 1)": "neither"}),
            "the same number for every x",
        ),
        "another word": (_but({"F.silu(x)": "x"}), "you wrote 'x'"),
    },
    "zero_first_column": {
        "as it was": (_mend("y = x.exp(); y[:, 0] = 0; return y"), "backward still raises"),
        ".data": (
            _mend("y = x.exp(); y.data[:, 0] = 0; return y"),
            "`exp` saved, `__setitem__` wrote over it, and no counter moved",
        ),
        "detach, then write": (
            _mend("y = x.exp(); y.detach()[:, 0] = 0; return y"),
            "backward still raises",
        ),
        "detach the result": (
            _mend("y = x.exp().detach(); y[:, 0] = 0; return y"),
            "`.detach()` cuts the history",
        ),
        "no_grad": (
            "def weights(x):\n    with torch.no_grad():\n        y = x.exp()\n        y[:, 0] = 0\n    return y",
            "under `no_grad` nothing is recorded",
        ),
        "no_grad round the write": (
            "def weights(x):\n    y = x.exp()\n    with torch.no_grad():\n        y[:, 0] = 0\n    return y",
            "backward still raises",
        ),
        "numpy": (
            _mend("y = x.exp(); y.detach().numpy()[:, 0] = 0; return y"),
            "`a write outside PyTorch` wrote over it, and no counter moved",
        ),
        "clone too early": (
            _mend("y = x.clone().exp(); y[:, 0] = 0; return y"),
            "backward still raises",
        ),
        "another order": (
            _mend("z = x.clone(); z[:, 0] = 0; return z.exp()"),
            "with zeros in the first column",
        ),
        "gradient cut in part": (
            _mend("y = x.exp().detach() * (x * 0 + 1); y = y.clone(); y[:, 0] = 0; return y"),
            "`.detach()` cuts the history",
        ),
        "nothing": (_mend("return x.exp()"), "with zeros in the first column"),
        "no return": (_mend("y = x.exp().clone(); y[:, 0] = 0"), "returns NoneType"),
        "no_grad write on x": (
            "def weights(x):\n    with torch.no_grad():\n        x[:, 0] = -100\n    return x.exp()",
            "x itself was changed",
        ),
    },
}
