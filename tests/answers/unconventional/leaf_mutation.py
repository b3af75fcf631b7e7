"""Lesson 4."""

from answers.unconventional import HOOKS, body, inside

_step, _gan, _carry = (
    body("weights, lr"),
    body("G, D, opt_g, opt_d, noise"),
    body("cell, optimizer, h, steps"),
)


def _each(text, before=""):
    """For each weight with a gradient; `before` is the block around the loop."""
    loop = inside("for w in weights:", inside("if w.grad is not None:", text))
    return _step(inside(before, loop) if before else loop)


_NO = "with torch.no_grad():"
_ZEROED = "w.grad = None"


def _two(first, second, fake="fake = G(noise)", last=""):
    """D's loss and step, then G's; `first` and `second` are the losses."""
    return _gan(
        f"{fake}\nopt_d.zero_grad()\n{first}.backward()\nopt_d.step()\n"
        f"opt_g.zero_grad()\n{second}.backward()\nopt_g.step()\n{last}"
    )


_D, _G = "F.softplus(D(fake.detach())).sum()", "F.softplus(-D(fake)).sum()"


def _loop(state="cell(h.detach())", learn="h.sum().backward()", last="", back="return h"):
    return _carry(
        f"for _ in range(steps):\n    h = torch.tanh({state})\n    optimizer.zero_grad()\n"
        f"    {learn}\n    optimizer.step()\n    {last}\n{back}"
    )


RIGHT = {
    "sgd_step": {
        "SGD": _step("s = torch.optim.SGD(weights, lr)\ns.step()\ns.zero_grad()"),
        "zero_": _each("w -= lr * w.grad\nw.grad.zero_()", _NO),
        "the old way to zero": _each("w -= lr * w.grad\nw.grad.data.zero_()", _NO),
        "through detach": _each(f"w.detach().sub_(lr * w.grad)\n{_ZEROED}"),
        "copy_": _each(f"w.copy_(w - lr * w.grad)\n{_ZEROED}", _NO),
        "alpha": _each(f"w.add_(w.grad, alpha=-lr)\n{_ZEROED}", _NO),
        "inference_mode": _each(f"w -= lr * w.grad\n{_ZEROED}", "with torch.inference_mode():"),
        "out=": _each(f"torch.sub(w, lr * w.grad, out=w)\n{_ZEROED}", _NO),
        "foreach": _step(
            "some = [w for w in weights if w.grad is not None]\nwith torch.no_grad():\n"
            "    torch._foreach_add_(some, [w.grad for w in some], alpha=-lr)\n"
            "for w in some:\n    w.grad = None"
        ),
        "not a leaf for a moment": _each(
            f"w.requires_grad_(False)\nw -= lr * w.grad\nw.requires_grad_(True)\n{_ZEROED}"
        ),
    },
    "gan_step": {
        "G twice": _two(
            "F.softplus(D(fake)).sum()",
            "F.softplus(-D(G(noise))).sum()",
            "with torch.no_grad():\n    fake = G(noise)",
        ),
        ".data is only read": _two("F.softplus(D(fake.data)).sum()", _G),
        "autograd.grad": _gan(
            "fake = G(noise)\nloss = F.softplus(D(fake.detach())).sum()\n"
            "for p, g in zip(D.parameters(), torch.autograd.grad(loss, list(D.parameters()))):\n"
            "    p.grad = g\nopt_d.step()\nopt_g.zero_grad()\n"
            f"{_G}.backward()\nopt_g.step()"
        ),
        "D frozen for G": _gan(
            f"fake = G(noise)\nopt_d.zero_grad()\n{_D}.backward()\nopt_d.step()\n"
            "D.requires_grad_(False)\nopt_g.zero_grad()\n"
            f"{_G}.backward()\nopt_g.step()\nD.requires_grad_(True)"
        ),
        "zeros instead of None": _two(_D, _G).replace(
            "zero_grad()", "zero_grad(set_to_none=False)"
        ),
        "backward into D only": _two("F.softplus(D(fake)).sum()", _G).replace(
            "backward()", "backward(inputs=list(D.parameters()))", 1
        ),
        "logsigmoid": _two(
            "(-F.logsigmoid(-D(fake.detach()))).sum()", "(-F.logsigmoid(D(fake))).sum()"
        ),
        "a leaf between": _gan(
            f"fake = G(noise)\nopt_d.zero_grad()\n{_D}.backward()\nopt_d.step()\n"
            "leaf = fake.detach().requires_grad_()\nF.softplus(-D(leaf)).sum().backward()\n"
            "opt_g.zero_grad()\nfake.backward(leaf.grad)\nopt_g.step()"
        ),
        "a closure": _gan(
            "fake = G(noise)\ndef closure():\n    opt_d.zero_grad()\n"
            f"    loss = {_D}\n    loss.backward()\n    return loss\nopt_d.step(closure)\n"
            f"opt_g.zero_grad()\n{_G}.backward()\nopt_g.step()"
        ),
        "zeroed by the networks": _two(_D, _G)
        .replace("opt_d.zero", "D.zero")
        .replace("opt_g.zero", "G.zero"),
    },
    "carry_state": {
        "detached at the end": _loop("cell(h)", last="h = h.detach()"),
        "detach_": _loop("cell(h)", last="h.detach_()"),
        "cloned under no_grad": _loop("cell(h)", last="with torch.no_grad(): h = h.clone()"),
        "autograd.grad": _loop(
            learn="for p, g in zip(cell.parameters(), torch.autograd.grad(h.sum(), list(cell.parameters()))): p.grad = g"
        ),
        "ones": _loop(learn="h.backward(torch.ones_like(h))"),
        "a new leaf": _loop("cell(h.clone().detach().requires_grad_())"),
        "through a list": _loop("cell(torch.tensor(h.tolist()))"),
        "a copy": _loop("cell(__import__('copy').deepcopy(h.detach()))"),
        "NumPy": _loop("cell(torch.from_numpy(h.detach().numpy()))"),
        "backward into the cell only": _loop(
            learn="h.sum().backward(inputs=list(cell.parameters()))", back="return h.detach()"
        ),
    },
}
WRONG = {
    "sgd_step": {
        ".data": (_each(f"w.data -= lr * w.grad\n{_ZEROED}"), "went unnoticed"),
        ".data and a tick": (
            _each(f"w.data -= lr * w.grad\nwith torch.no_grad():\n    w += 0\n{_ZEROED}"),
            "went unnoticed",
        ),
        "rebound": (_each(f"w = w - lr * w.grad\n{_ZEROED}"), "has not moved"),
        "a leaf that is recorded": (_each(f"w -= lr * w.grad\n{_ZEROED}"), "leaf"),
        "never zeroed": (_each("w -= lr * w.grad", _NO), "zero"),
        "None": (
            _step(
                "with torch.no_grad():\n    for w in weights:\n        w -= lr * w.grad\n        w.grad = None"
            ),
            "None",
        ),
        "uphill": (_each(f"w += lr * w.grad\n{_ZEROED}", _NO), "went uphill"),
        ".data =": (_each(f"w.data = w - lr * w.grad\n{_ZEROED}"), "storage"),
        "zeroed first": (_each("w.grad.zero_()\nw -= lr * w.grad", _NO), "has not moved"),
        "leaves recording off": (
            _step(
                "torch.set_grad_enabled(False)\nfor w in weights:\n    if w.grad is not None:\n"
                "        w -= lr * w.grad\n        w.grad = None"
            ),
            "set_grad_enabled",
        ),
    },
    "gan_step": {
        "retain_graph": (
            _two(_D, _G).replace("backward()", "backward(retain_graph=True)", 1),
            "retain_graph",
        ),
        "identity hooks": (
            _gan(
                inside(
                    HOOKS,
                    "score = D(G(noise))\nopt_d.zero_grad()\nF.softplus(score).sum().backward(retain_graph=True)\n"
                    "opt_d.step()\nopt_g.zero_grad()\nF.softplus(-score).sum().backward()\nopt_g.step()",
                )
            ),
            "the check is switched off",
        ),
        "G learns nothing": (
            _two(_D, "F.softplus(-D(fake.detach())).sum()"),
            "G's weights did not move",
        ),
        "from the old D": (
            _two(
                _D,
                "F.softplus(-old(fake)).sum()",
                "fake = G(noise)\nimport copy\nold = copy.deepcopy(D)",
            ),
            "the D before its step",
        ),
        "never zeroed: G": (_two(_D, _G).replace("opt_g.zero_grad()\n    ", ""), "zero_grad"),
        "never zeroed: D": (_two(_D, _G).replace("opt_d.zero_grad()\n    ", ""), "zero_grad"),
        "D never steps": (_two(_D, _G).replace("opt_d.step()", "pass"), "D's weights did not move"),
        "G first": (
            _gan(
                f"fake = G(noise)\nopt_g.zero_grad()\n{_G}.backward()\nopt_g.step()\n"
                f"opt_d.zero_grad()\n{_D}.backward()\nopt_d.step()"
            ),
            "the D before its step",
        ),
        "both up": (_two(_D, "F.softplus(D(fake)).sum()"), "G's loss is another one"),
        "other noise": (
            _two(_D, "F.softplus(-D(G(torch.randn_like(noise)))).sum()"),
            "G's loss is another one",
        ),
    },
    "carry_state": {
        "retain_graph": (_loop(learn="h.sum().backward(retain_graph=True)"), "retain_graph"),
        "as it was": (_loop("cell(h)"), "backward"),
        "cut before the loss": (_loop("cell(h.detach()).detach()"), "no history"),
        "never carried": (
            _carry(
                "for _ in range(steps):\n    y = torch.tanh(cell(h.detach()))\n    optimizer.zero_grad()\n"
                "    y.sum().backward()\n    optimizer.step()\nreturn y"
            ),
            "state",
        ),
        "never zeroed": (_loop().replace("optimizer.zero_grad()", "pass"), "zero_grad"),
        "never stepped": (_loop().replace("optimizer.step()", "pass"), "step"),
        "one loss at the end": (
            _carry(
                "total = 0\nfor _ in range(steps):\n    h = torch.tanh(cell(h))\n    total = total + h.sum()\n"
                "optimizer.zero_grad()\ntotal.backward()\noptimizer.step()\nreturn h"
            ),
            "step",
        ),
        "identity hooks": (
            _carry(
                inside(
                    HOOKS,
                    "for _ in range(steps):\n    h = torch.tanh(cell(h))\n    optimizer.zero_grad()\n"
                    "    h.sum().backward(retain_graph=True)\n    optimizer.step()\nreturn h",
                )
            ),
            "the check is switched off",
        ),
        "zeros": (_loop("cell(torch.zeros_like(h))"), "state"),
        "another loss": (_loop(learn="h.mean().backward()"), "sum"),
    },
}
