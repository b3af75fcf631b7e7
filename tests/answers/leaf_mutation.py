"""Wrong answers to lesson 4, by exercise: {what it tries: (source, words its message must hold)}."""

_SGD = "def f(weights, lr):\n    for w in weights:\n        if w.grad is not None:\n            {}\n            {}"
_DROP = "w.grad = None"
_NO_GRAD = "with torch.no_grad(): w -= lr * w.grad"
_ZERO = "def f(weights, lr):\n    with torch.no_grad():\n        for {} in {}:\n            if w.grad is not None:\n                {}\n                w.grad = None"

_GAN = """
def f(G, D, opt_g, opt_d, noise):
    loss_d = lambda score: torch.nn.functional.softplus(score).sum()
    loss_g = lambda score: torch.nn.functional.softplus(-score).sum()
    fake = G(noise)
"""
_BROKEN = (
    _GAN
    + """
    score = D(fake)
    opt_d.zero_grad()
    loss_d(score).backward(retain_graph=True)
    {}
    opt_g.zero_grad()
    loss_g(score).backward()
    opt_g.step()
"""
)
_RIGHT = (
    _GAN
    + """
    {zero_d}
    loss_d(D({to_d})).backward()
    opt_d.step()
    {zero_g}
    loss_g(D({to_g})).backward()
    {step_g}
"""
)

_BY_HAND = "for p, g in zip(D.parameters(), torch.autograd.grad(loss_d(D({to_d})), [*D.parameters()], retain_graph=True)): p.grad = g"


def _gan(code=_RIGHT, **changed):
    right = {"zero_d": "opt_d.zero_grad()", "to_d": "fake.detach()"}
    right |= {"zero_g": "opt_g.zero_grad()", "to_g": "fake", "step_g": "opt_g.step()"}
    return code.format(**(right | changed))


_LOOP = """
def f(cell, optimizer, h, steps):
    start = h
    for _ in range(steps):
        h = torch.tanh(cell({state}))
        {clear}
        {back}
        optimizer.step()
    return {last}
"""


def _loop(
    code=_LOOP,
    state="h.detach()",
    clear="optimizer.zero_grad()",
    back="h.sum().backward()",
    last="h",
):
    return code.format(state=state, clear=clear, back=back, last=last)


WRONG = {
    "sgd_step": {
        "no no_grad": (_SGD.format("w -= lr * w.grad", _DROP), "the leaf error"),
        ".data": (_SGD.format("w.data -= lr * w.grad", _DROP), "no version counter moved"),
        "numpy": (
            _SGD.format("w.detach().numpy()[:] -= lr * w.grad.numpy()", _DROP),
            "no version counter moved",
        ),
        "fused": (
            "def f(weights, lr):\n    o = torch.optim.SGD(weights, lr=lr, fused=True)\n    o.step()\n    o.zero_grad()",
            "no version counter moved",
        ),
        "w.data =": (
            _SGD.format("w.data = w.data - lr * w.grad", _DROP),
            "looks at another storage",
        ),
        "a new name": (
            _SGD.format("w = w - lr * w.grad", "pass"),
            "binds the name `w` to a new tensor",
        ),
        "a new name, no_grad": (
            _ZERO.format("w", "weights", "w = w - lr * w.grad"),
            "binds the name `w`",
        ),
        "a new list": (
            _ZERO.format(
                "i, w", "enumerate(weights)", "weights[i] = (w - lr * w.grad).requires_grad_()"
            ),
            "holds other tensors",
        ),
        "not zeroed": (_SGD.format(_NO_GRAD, "pass"), "the gradients are still there"),
        "zeroed first": (_SGD.format("w.grad.zero_()", _NO_GRAD), "a gradient dropped too early"),
        "uphill": (_SGD.format("with torch.no_grad(): w += lr * w.grad", _DROP), "went uphill"),
        "no lr": (
            _SGD.format("with torch.no_grad(): w -= w.grad", _DROP),
            "with gradient [2.0, -4.0] and lr 0.5 becomes",
        ),
        "frozen": (
            _SGD.format("w.requires_grad_(False)", "w -= lr * w.grad; w.grad = None"),
            "no longer requires grad",
        ),
        "no gradient": (
            "def f(weights, lr):\n    with torch.no_grad():\n        for w in weights: w -= lr * w.grad; w.grad = None",
            "its `.grad` is `None`",
        ),
        "stops there": (
            _SGD.replace(
                "if w.grad is not None:", "if w.grad is None: break\n        if True:"
            ).format(_NO_GRAD, _DROP),
            "go on with the next",
        ),
        "first only": (
            _SGD.replace("in weights", "in weights[:1]").format(_NO_GRAD, _DROP),
            "has not moved",
        ),
    },
    "gan_step": {
        "as given": (_BROKEN.format("opt_d.step()"), "keeps the graph, not the values"),
        "no retain_graph": (
            _BROKEN.replace("retain_graph=True", "").format("opt_d.step()"),
            "a graph that the first had used up",
        ),
        ".data": (
            _BROKEN.format("for p in D.parameters(): p.data -= 0.5 * p.grad"),
            "no counter moved",
        ),
        "both steps last": (
            _BROKEN.replace("opt_g.step()", "opt_g.step(); opt_d.step()").format("pass"),
            "adds to D's `.grad` as well",
        ),
        "G detached": (_gan(to_g="fake.detach()"), "G's weights did not move"),
        "no_grad": (
            _gan(_RIGHT.replace("fake = G", "with torch.no_grad(): fake = G"), to_d="fake"),
            "G's weights did not move",
        ),
        "no step of G": (_gan(step_g="pass"), "G's weights did not move"),
        "no step of D": (_gan(_RIGHT.replace("opt_d.step()", "pass")), "D's weights did not move"),
        "never zeroed": (
            _gan(zero_d="pass", zero_g="pass"),
            "the first step is right, the second is not",
        ),
        "G's gradients of both losses": (
            _gan(to_d="G(noise)", zero_g="pass"),
            "has left gradients in G",
        ),
        "retained": (
            _gan(_RIGHT.replace("backward()", "backward(retain_graph=True)"), to_d="fake"),
            "D's loss went back through G as well",
        ),
        "not detached": (_gan(to_d="G(noise)"), "D's loss went back through G as well"),
        "retained and cut": (
            _gan(_RIGHT.replace("backward()", "backward(retain_graph=True)", 1)),
            "leave out `retain_graph=True`",
        ),
        "autograd.grad": (
            _gan(_RIGHT.replace("loss_d(D({to_d})).backward()", _BY_HAND), to_d="fake"),
            "leave out `retain_graph=True`",
        ),
        "G first": (
            _GAN + "    opt_g.zero_grad(); loss_g(D(fake)).backward(); opt_g.step()\n"
            "    opt_d.zero_grad(); loss_d(D(fake.detach())).backward(); opt_d.step()\n",
            "G learned from the D before its step",
        ),
        "nothing": ("def f(G, D, opt_g, opt_d, noise):\n    pass", "D's weights did not move"),
    },
    "carry_state": {
        "as given": (_loop(state="h"), "a graph that the first had used up"),
        "retain_graph": (
            _loop(state="h", back="h.sum().backward(retain_graph=True)"),
            "keeps the graph, not the values",
        ),
        "retained and cut": (
            _loop(back="h.sum().backward(retain_graph=True)"),
            "leave out `retain_graph=True`",
        ),
        ".data": (_loop(state="h.data"), "the exercise asks for it without `.data`"),
        "cut too early": (
            _loop(state="h", clear="h = h.detach(); optimizer.zero_grad()"),
            "the loss of a backward has no history",
        ),
        "no_grad": (
            "def f(cell, optimizer, h, steps):\n    for _ in range(steps):\n        with torch.no_grad():\n            h = torch.tanh(cell(h))\n        h.sum().backward()",
            "the loss of a backward has no history",
        ),
        "state lost": (_loop(state="start"), "every step begins from the first state"),
        "never zeroed": (_loop(clear="pass"), "belongs into the loop"),
        "no return": (_loop(last="None"), "returns NoneType"),
        "first state": (_loop(last="start"), "not the last state"),
        "no step": (_loop(_LOOP.replace("optimizer.step()", "pass")), "the weights did not move"),
        "one backward": (
            "def f(cell, optimizer, h, steps):\n    loss = 0\n    optimizer.zero_grad()\n    for _ in range(steps):\n"
            "        h = torch.tanh(cell(h))\n        loss = loss + h.sum()\n    loss.backward()\n    optimizer.step()\n    return h",
            "steps at once",
        ),
    },
}
