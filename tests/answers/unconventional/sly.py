"""A second reader's answers, by lesson and exercise: what slipped through, or was told amiss.

RIGHT {lesson: {exercise: {what it does: source}}}, WRONG {…: (source, words)}. They were written
from the lessons' text alone, before a look at the checks; only the sharpest are kept.
"""

from answers.unconventional import HOOKS, body, inside, respelled
from overwritten.lesson.exercises import field_guide

_add, _double, _count = body("x, k"), body("x"), body("f, x")
_block, _thrifty, _gated = body("x, conv, norm"), body(""), body("block, gate, x")
_sgd, _gan = body("weights, lr"), body("G, D, opt_g, opt_d, noise")
_carry, _attend = body("cell, optimizer, h, steps"), body("scores, values, padding")
_one_step, _boxes, _roll = body("model, batches, optimizer"), body("b, d"), body("cell, start, n")
_targets = body("pos_mask, gt_labels, gt_indices")

_ROUNDING = (
    "with torch.autograd.graph.saved_tensors_hooks(\n"
    "    lambda t: t.bfloat16() if t.is_floating_point() else t,\n"
    "    lambda t: t.float() if t.is_floating_point() else t,\n):"
)
_NET = """
L = lambda inplace=False: nn.LeakyReLU(inplace=inplace)
C = lambda: nn.Conv2d(4, 4, 1)
net = nn.Sequential(
    C(), nn.BatchNorm2d(4), L({0}), C(), nn.Sigmoid(), L(),
    C(), L(), nn.Dropout(), C(), L({0}), C(),
)
"""
_D = "fake = G(noise)\nopt_d.zero_grad()\n{}\nopt_d.step()\n"
_G = "opt_g.zero_grad()\nF.softplus(-D(fake)).sum().backward()\nopt_g.step()"
_D_LOSS = "F.softplus(D(fake.detach())).sum().backward()"
_ROUND = "h = torch.tanh(cell({}))\noptimizer.zero_grad()\nh.sum().backward()\noptimizer.step()\n"
_LOSS = "model(torch.tensor(b)).square().mean()"

RIGHT = {
    "leaf_mutation": {
        "gan_step": {
            "D frozen while G learns": _gan(
                "D.requires_grad_(True)\n"
                + _D.format(_D_LOSS)
                + "D.requires_grad_(False)\n"
                + _G
                + "\n"
            ),
            "through a leaf by hand": _gan(
                "fake = G(noise)\ncut = fake.detach().requires_grad_()\nopt_d.zero_grad()\n"
                "F.softplus(D(cut)).sum().backward()\nopt_d.step()\ncut.grad = None\n"
                "F.softplus(-D(cut)).sum().backward()\nopt_g.zero_grad()\nfake.backward(cut.grad)\nopt_g.step()"
            ),
        },
    },
    "detector_fix": {
        "apply_box_deltas": {
            "vmap": _boxes(
                "def one(b, d):\n    d = d.clamp(-5, 5)\n    return torch.cat([\n"
                "        (b[:2] + d[:2] * b[2:] * 0.1).clamp(0, 63), (b[2:] * (d[2:] * 0.1).exp()).clamp(1, 64)])\n"
                "return torch.vmap(one)(b.float(), d)"
            ),
        },
        "targets": {
            "a table with 0 in front": _targets(
                "table = torch.cat([gt_labels.new_zeros(1), gt_labels + 1])\nreturn table[(gt_indices + 1) * pos_mask]"
            ),
        },
    },
    "field_guide": {
        "patterns": {"floats": respelled(field_guide.patterns, "float(w)")},
        "roll_out": {
            "select_scatter": _roll(
                "s = torch.select_scatter(torch.zeros(n, *start.shape), start, 0, 0)\n"
                "for t in range(1, n):\n    s = torch.select_scatter(s, cell(s[t - 1]), 0, t)\nreturn s"
            ),
        },
    },
    "silent_gradients": {
        "one_step": {
            "each backward at once": _one_step(
                f"optimizer.zero_grad()\nfor b in batches:\n    {_LOSS}.backward()\noptimizer.step()"
            ),
        },
    },
}
WRONG = {
    "storage_pointers": {
        "add_in_place": {
            "NumPy and a tick in one line": (
                _add("return (x.numpy().__iadd__(k), x.add_(0))[1]"),
                "behind",
            ),
        },
        "double_and_one": {
            "NumPy and a tick in one line": (
                _double("return (x.numpy().__imul__(2).__iadd__(1), x.mul_(1))[1]"),
                "behind",
            ),
        },
    },
    "version_counter": {
        "count_writes": {
            "the counter is put back": (
                _count(
                    "torch._C._autograd._unsafe_set_version_counter((x,), (0,))\nf(x)\nreturn x._version"
                ),
                "as f left it",
            ),
            "what f wrote is undone": (
                _count(
                    "b, c = x._version, x.clone()\nf(x)\nn = x._version - b\nx.data.copy_(c)\nreturn n"
                ),
                "as f left it",
            ),
        },
    },
    "safe_relu": {
        "mended": {
            "ReLU6": (
                _block("return F.relu6(F.relu6(norm(conv(x))) + x)"),
                "not those of the block",
            ),
            "copies of the layers": (
                _block(
                    "import copy\nc, n = copy.deepcopy(conv), copy.deepcopy(norm)\nreturn F.relu(F.relu(n(c(x))) + x)"
                ),
                "gets none here",
            ),
        },
        "thrifty": {
            "in eval mode": (_thrifty(_NET.format(True) + "return net.eval()"), "eval mode"),
            "weights frozen": (
                _thrifty(_NET.format(True) + "return net.requires_grad_(False)"),
                "no gradient",
            ),
            "a checkpoint": (
                _thrifty(
                    _NET.format("")
                    + "from torch.utils.checkpoint import checkpoint\nclass Net(nn.Sequential):\n"
                    "    def forward(self, x):\n        return checkpoint(super().forward, x, use_reentrant=False)\n"
                    "return Net(*net)"
                ),
                "a checkpoint",
            ),
        },
    },
    "leaf_mutation": {
        "sgd_step": {
            "NumPy and a tick in one line": (
                _sgd(
                    "for w in weights:\n    if w.grad is not None:\n"
                    "        (w.detach().numpy().__isub__(lr * w.grad.numpy()), w.detach().add_(0))\n        w.grad = None"
                ),
                "unnoticed",
            ),
        },
        "gan_step": {
            "create_graph retains": (
                _gan(
                    _D.format(
                        "dp = [*D.parameters()]\ngs = torch.autograd.grad(F.softplus(D(fake)).sum(), dp, create_graph=True)\n"
                        "for p, g in zip(dp, gs):\n    p.grad = g.detach()"
                    )
                    + _G
                ),
                "create_graph",
            ),
            "D steps twice": (
                _gan(_D.format(_D_LOSS) + "opt_d.step()\n" + _G),
                "D took 2 steps",
            ),
        },
        "carry_state": {
            "a round too few": (
                _carry(
                    inside("for _ in range(steps - 1):", _ROUND.format("h.detach()")) + "\nreturn h"
                ),
                "it took 0",
            ),
            "cut after the cell": (
                _carry(
                    inside(
                        "for _ in range(steps):",
                        _ROUND.format("h").replace("\n", "\nh = h.detach().requires_grad_()\n", 1),
                    )
                    + "\nreturn h"
                ),
                "Cut before the cell",
            ),
        },
    },
    "reading_the_error": {
        "gated": {
            "saved in half the bytes": (
                _gated(inside(_ROUNDING, "x = block(x)\nreturn x * torch.sigmoid(gate(x))")),
                "hooks on saved tensors hand backward other numbers",
            ),
        },
    },
    "field_guide": {
        "patterns": {
            "True": (respelled(field_guide.patterns, "True"), "There is no pattern 'True'"),
        },
        "attend": {
            "saved in half the bytes": (
                _attend(
                    inside(
                        _ROUNDING,
                        "w = scores.softmax(-1) * ~padding\nreturn w / w.sum(-1, keepdim=True) @ values",
                    )
                ),
                "hooks on saved tensors hand backward other numbers",
            ),
        },
    },
    "silent_gradients": {
        "one_step": {
            "nothing zeroed": (
                _one_step(f"sum({_LOSS} for b in batches).backward()\noptimizer.step()"),
                "zero_grad",
            ),
            "two buffers": (
                _one_step(
                    "losses, two = [], torch.empty(2, 4, 3).numpy()\nfor n, b in enumerate(batches):\n    two[n % 2] = b\n"
                    "    losses.append(model(torch.from_numpy(two[n % 2])).square().mean())\n"
                    "optimizer.zero_grad()\nsum(losses).backward()\noptimizer.step()"
                ),
                "wrote over it",
            ),
            "under no_grad": (
                _one_step(
                    f"with torch.no_grad():\n    loss = sum({_LOSS} for b in batches)\n"
                    "optimizer.zero_grad()\nloss.requires_grad_().backward()\noptimizer.step()"
                ),
                "under `no_grad`",
            ),
            "another optimizer": (
                _one_step(
                    f"own = torch.optim.SGD(model.parameters(), lr=0.1)\nown.zero_grad()\n"
                    f"sum({_LOSS} for b in batches).backward()\nown.step()"
                ),
                "not those of one step",
            ),
        },
    },
}

#: An answer that leaves much switched on: the next check must not feel it.
LEAVES = body("x")(
    f"hooks = {HOOKS[5:-1]}\nhooks.__enter__()\ntorch.set_default_dtype(torch.float64)\nreturn x.exp()"
)
