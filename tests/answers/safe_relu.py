"""Wrong answers to lesson 3, by exercise: {what it tries: (source, words its message must hold)}."""

from functools import partial

from answers import but
from overwritten.lesson.exercises.safe_relu import verdicts


def _block(*lines):
    return "import torch.nn.functional as F\ndef f(x, conv, norm):\n" + "".join(
        f"    {line}\n" for line in lines
    )


_but = partial(but, verdicts)
_IN_PLACE, _LAST = "out = F.relu(norm(conv(x)), inplace=True)", "return F.relu(out, inplace=True)"


def _net(*acts, layer="nn.LeakyReLU", extra=""):
    """A network like `plain`; acts: the arguments of its four LeakyReLUs and its Dropout."""
    first, second, third, dropout, fourth = [("inplace=True" if "1" in act else "") for act in acts]
    return (
        "from torch import nn\ndef f():\n    return nn.Sequential(\n"
        f"        nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), {layer}({first}),\n"
        f"        nn.Conv2d(4, 4, 1), nn.Sigmoid(), nn.LeakyReLU({second}),\n"
        f"        nn.Conv2d(4, 4, 1), nn.LeakyReLU({third}), nn.Dropout({dropout}),\n"
        f"        nn.Conv2d(4, 4, 1), nn.LeakyReLU({fourth}), nn.Conv2d(4, 4, 1){extra})\n"
    )


WRONG = {
    "mended": {
        "as it was": (
            _block(_IN_PLACE, "out += x", _LAST),
            "`relu` saved, `add_` and `relu` wrote over it; mend the line that writes",
        ),
        "inplace=False": (
            _block("out = F.relu(norm(conv(x)))", "out += x", "return F.relu(out)"),
            "`inplace=False` in the ReLU only moved the error from version 3 against 1 to 1 against 0.",
        ),
        "inplace=False in the first": (
            _block("out = F.relu(norm(conv(x)))", "out += x", _LAST),
            "`inplace=False` in the ReLU only moved the error from version 3 against 1 to 2 against 0.",
        ),
        ".data": (
            _block(_IN_PLACE, "out.data += x", _LAST),
            "`relu` saved, `relu` wrote over it",
        ),
        ".data, last relu out of place": (
            _block(_IN_PLACE, "out.data += x", "return F.relu(out)"),
            "no counter moved",
        ),
        ".detach()": (
            _block(
                "out = F.relu(norm(conv(x)), inplace=True).detach()",
                "out += x",
                "return F.relu(out)",
            ),
            "`.detach()` cuts the history",
        ),
        "detach x": (
            _block(_IN_PLACE, "out = out + x.detach()", "return F.relu(out)"),
            "`.detach()` cuts the history",
        ),
        "no_grad": (
            _block(
                "with torch.no_grad():",
                "    out = F.relu(norm(conv(x)))",
                "    out += x",
                "return F.relu(out + 0 * x)",
            ),
            "under `no_grad` nothing is recorded",
        ),
        "numpy": (
            _block(
                "out = F.relu(norm(conv(x)))",
                "out.detach().numpy()[:] += x.detach().numpy()",
                "return F.relu(out)",
            ),
            "no counter moved",
        ),
        "x +=": (
            _block(_IN_PLACE, "x += out", "return F.relu(x, inplace=True)"),
            "`conv2d` saved, `add_` and `relu` wrote over it",
        ),
        "add_": (
            _block("out = F.relu(norm(conv(x)))", "return F.relu(out.add_(x))"),
            "`relu` saved, `add_` wrote over it",
        ),
        "eats x": (
            _block("out = F.relu(norm(conv(x.clone()))) + x", "x.zero_()", "return F.relu(out)"),
            "it wrote over its input x",
        ),
        "eval": (
            _block("norm.eval()", "out = F.relu(norm(conv(x))) + x", "return F.relu(out)"),
            "`norm` is in eval mode: then it uses its running statistics",
        ),
        "eval for a while": (
            _block(
                "norm.eval()",
                "out = norm(conv(x))",
                "norm.train()",
                "return F.relu(F.relu(out) + x)",
            ),
            "`norm` is in eval mode: then it uses its running statistics",
        ),
        "norm twice": (
            _block("norm(conv(x))", "return F.relu(F.relu(norm(conv(x))) + x)"),
            "the running statistics of `norm` moved 2 times; one step moves them once",
        ),
        "norm by hand": (
            _block(
                "h = F.batch_norm(conv(x), None, None, norm.weight, norm.bias, True)",
                "return F.relu(F.relu(h) + x)",
            ),
            "the running statistics of `norm` moved 0 times",
        ),
        "no last relu": (
            _block("return F.relu(norm(conv(x))) + x"),
            "the values are not those of the block",
        ),
        "no shortcut": (
            _block("return F.relu(norm(conv(x)))"),
            "the values are not those of the block",
        ),
        "cut by hand": (
            _block("return F.relu(F.relu(norm(conv(x))) + torch.tensor(x.tolist()))"),
            "the gradients are not those of the out-of-place block",
        ),
        "none": (_block("F.relu(F.relu(norm(conv(x))) + x)"), "returns None"),
    },
    "verdicts": {
        "softmax": (
            _but({"softmax, relu_": "right"}),
            "1 of 7 is not so. Look again at 'softmax, relu_'",
        ),
        "never in place": (_but({"linear, relu_, linear": "raises"}), "who of the two linears"),
        "inplace=False cures": (
            _but({"linear, relu, += 1": "right"}),
            "what does ReLU save",
        ),
        "leaky as relu": (
            _but({"linear, leaky_relu, += 1": "raises"}),
            "where its input is still there?",
        ),
        "leaky_": (
            _but({"linear, leaky_relu_, += 1": "right"}),
            "what is left for leaky ReLU to save",
        ),
        "silu_": (_but({"linear, silu_, += 1": "raises"}), "where has it kept it?"),
        "dropout_": (_but({"linear, dropout_, += 1": "raises"}), "or what it drew?"),
        "in capitals": (_but({"linear, silu_, += 1": " Raises "}), "where has it kept it?"),
        "another word": (
            _but({"linear, silu_, += 1": "silent"}),
            "answer 'raises' or 'right'; you gave 'silent'",
        ),
        "a set": ("answer = {'raises'}", "you gave set"),
    },
    "thrifty": {
        "all in place": (
            _net(*"11111"),
            "layer 6, `LeakyReLU(negative_slope=0.01)`: backward still raises: `leaky_relu` wrote over what `sigmoid` had saved",
        ),
        "after sigmoid": (_net(*"11001"), "wrote over what `sigmoid` had saved"),
        "before and in dropout": (
            _net(*"10111"),
            "layer 9, `Dropout(p=0.5)`: backward still raises: `dropout` wrote over what `leaky_relu` had saved",
        ),
        "never in place": (_net(*"00000"), "keeps 11 activations for backward where 9 would do"),
        "one of two": (_net(*"10000"), "keeps 10 activations for backward where 9 would do"),
        "relu": (
            _net(*"10001", layer="nn.ReLU"),
            "layer 3 is `ReLU()`, in `plain` it is `LeakyReLU(negative_slope=0.01)`",
        ),
        "a layer more": (
            _net(*"10001", extra=", nn.ReLU()"),
            "layer 13 is `ReLU()`, in `plain` it is missing",
        ),
        "no sequential": ("def f():\n    return [1]", "returns list"),
        "none": ("def f():\n    print('thrifty')", "returns None"),
        "frozen": (
            _net(*"10001").replace("return nn", "net = nn")
            + "    net[0].requires_grad_(False)\n    return net\n",
            "ask for no gradient",
        ),
    },
}
