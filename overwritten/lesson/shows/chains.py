"""The chains of lesson 3: three choices and a depth become a program as text.

Beside it stands its twin, in which every step is out of place. The tables hold lines of code,
no verdict.
"""

from __future__ import annotations

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
