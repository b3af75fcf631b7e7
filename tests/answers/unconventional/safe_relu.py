"""Lesson 3."""

from answers import but
from answers.unconventional import HOOKS, UNSAFE, body, inside, spelled
from overwritten.lesson.exercises.safe_relu import verdicts

_mended, _thrifty = body("x, conv, norm"), body("")
_BLOCK = "out = F.relu(norm(conv(x)))\nout += x\nreturn F.relu(out)"


def _net(first="", second="", third="", dropout="", fourth=""):
    """The network, with arguments for its activations and its dropout."""
    return f"""
nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.LeakyReLU({first}),
nn.Conv2d(4, 4, 1), nn.Sigmoid(), nn.LeakyReLU({second}),
nn.Conv2d(4, 4, 1), nn.LeakyReLU({third}), nn.Dropout({dropout}),
nn.Conv2d(4, 4, 1), nn.LeakyReLU({fourth}), nn.Conv2d(4, 4, 1),
"""


_T = "inplace=True"
_BEST = _net(first=_T, fourth=_T)
_FORWARD = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([{layers}])
    def forward(self, x):
        {hooks}
            for layer in self.layers:
                x = layer(x)
            return x
return Net()
"""


def _sequential(*a, **k):
    return _thrifty(f"return nn.Sequential({_net(*a, **k)})")


RIGHT = {
    "mended": {
        "nothing in place": _mended("return F.relu(F.relu(norm(conv(x))) + x)"),
        "a clone to write on": _mended(
            "out = F.relu(norm(conv(x)), inplace=True).clone()\nout += x\nreturn out.relu_()"
        ),
        "clamp": _mended("return (norm(conv(x)).clamp(min=0) + x).clamp(min=0)"),
        "maximum with zeros of a detached one": _mended(
            "out = torch.maximum(norm(conv(x)), torch.zeros_like(x.detach())) + x\n"
            "return torch.maximum(out, torch.zeros_like(x.data))"
        ),
        "times a mask": _mended(
            "out = norm(conv(x))\nout = out * (out.detach() > 0) + x\nreturn out * (out.data > 0)"
        ),
        "onto a clone of x": _mended(
            "z = x.clone()\nz += F.relu(norm(conv(x)), inplace=True)\nreturn z.relu_()"
        ),
        "modules": _mended(
            "relu = nn.ReLU(inplace=True)\nreturn relu(torch.add(x, relu(norm(conv(x)))))"
        ),
        "where": _mended(
            "out = norm(conv(x))\nout = torch.where(out > 0, out, 0) + x\nreturn out.relu_()"
        ),
        "slope zero": _mended("return F.leaky_relu(F.leaky_relu(norm(conv(x)), 0.0) + x, 0.0)"),
        "threshold": _mended("out = F.threshold(norm(conv(x)), 0, 0)\nreturn F.relu_(out + x)"),
    },
    "verdicts": spelled(verdicts),
    "thrifty": {
        "dropout in place too": _sequential(first=_T, dropout=_T, fourth=_T),
        "the third in place": _sequential(first=_T, third=_T, fourth=_T),
        "by position": _sequential(first="0.01, True", fourth="0.01, True"),
        "set afterwards": _thrifty(
            f"net = nn.Sequential({_net()})\nnet[2].inplace = net[10].inplace = True\nreturn net"
        ),
        "nested": _thrifty(
            f"a = [{_BEST}]\nreturn nn.Sequential(nn.Sequential(*a[:6]), nn.Sequential(*a[6:]))"
        ),
        "named": _thrifty(
            "from collections import OrderedDict\n"
            f"return nn.Sequential(OrderedDict((f'layer{{i}}', m) for i, m in enumerate([{_BEST}])))"
        ),
        "a module of one's own": _thrifty(_FORWARD.format(layers=_BEST, hooks="if True:")),
        "slopes written out": _sequential(first=f"0.01, {_T}", second="0.01", fourth=_T),
        "rate written out": _sequential(first=_T, dropout=f"0.5, {_T}", fourth=_T),
        "a list extended": _thrifty(
            f"net = nn.Sequential()\nfor layer in [{_BEST}]:\n    net.append(layer)\nreturn net"
        ),
    },
}
WRONG = {
    "mended": {
        "inplace=False": (_mended(_BLOCK), "raises"),
        "onto x": (
            _mended("x += F.relu(norm(conv(x)))\nreturn F.relu(x)"),
            "`conv2d` saved, `add_` wrote",
        ),
        ".data": (
            _mended("out = F.relu(norm(conv(x)))\nout.data += x\nreturn F.relu(out)"),
            "no counter moved",
        ),
        "cut off": (_mended("return F.relu(F.relu(norm(conv(x))).detach() + x)"), "gradient"),
        "identity hooks": (_mended(inside(HOOKS, _BLOCK)), "the check is switched off"),
        "checkpoint": (
            _mended(
                "from torch.utils.checkpoint import checkpoint\n"
                "out = checkpoint(lambda x: F.relu(norm(conv(x))), x, use_reentrant=False)\n"
                "return F.relu(out + x)"
            ),
            "2 times",
        ),
        "no shortcut": (_mended("return F.relu(norm(conv(x)))"), "values"),
        "no last relu": (_mended("return F.relu(norm(conv(x))) + x"), "values"),
        "no inner relu": (_mended("return F.relu(norm(conv(x)) + x)"), "values"),
        "unsafe": (
            _mended(
                f"out = F.relu(norm(conv(x)))\n{UNSAFE.format('out')}\n    out += x\nreturn F.relu(out)"
            ),
            "the check is switched off",
        ),
    },
    "verdicts": {
        **{
            f"not {chain}": (
                but(verdicts, {chain: {"raises": "right", "right": "raises"}[word]}),
                chain,
            )
            for chain, word in {
                "softmax, relu_": "raises",
                "linear, relu_, linear": "right",
                "linear, relu, += 1": "raises",
                "linear, leaky_relu, += 1": "right",
                "linear, leaky_relu_, += 1": "raises",
                "linear, silu_, += 1": "right",
                "linear, dropout_, += 1": "right",
            }.items()
        },
        "another word": (but(verdicts, {"softmax, relu_": "wrong"}), "wrong"),
        "nothing": (but(verdicts, {"softmax, relu_": ""}), "softmax"),
        "not sure": (but(verdicts, {"softmax, relu_": "raises or right"}), "raises or right"),
    },
    "thrifty": {
        "every activation": (_sequential(_T, _T, _T, "", _T), "what `sigmoid` had saved"),
        "everything": (_sequential(_T, _T, _T, _T, _T), "raises"),
        "nothing": (_sequential(), "keep"),
        "the first only": (_sequential(first=_T), "keep"),
        "the last only": (_sequential(fourth=_T), "keep"),
        "dropout onto the third": (_sequential(_T, "", _T, _T, _T), "ropout"),
        "relu": (
            _thrifty(f"return nn.Sequential({_BEST.replace('LeakyReLU', 'ReLU')})"),
            "LeakyReLU",
        ),
        "no dropout": (
            _thrifty(f"return nn.Sequential({_BEST.replace('nn.Dropout(),', '')})"),
            "ropout",
        ),
        "another rate": (_sequential(first=_T, dropout="0.2", fourth=_T), "0.2"),
        "everything, within hooks": (
            _thrifty(_FORWARD.format(layers=_net(_T, _T, _T, "", _T), hooks=HOOKS)),
            "the check is switched off",
        ),
    },
}
