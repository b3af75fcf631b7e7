"""Cures are tried: what the advice says is done to the program, word for word, and it runs with
the gradients that the cure promises.

Where the advice gives statements, they are taken from its text and put at the lines that it
names; where it gives words, the edit beside the program does what they say and nothing else.
The measure is the same program with every saved tensor cloned when it is saved.
"""

import ast
import linecache
import re
import sys
import warnings

import pytest
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from overwritten.cases.patterns import EVERY
from overwritten.doctor.block import Doctor
from overwritten.doctor.report import all_cures, silent_text
from overwritten.record.private import SHOWS_SAVES
from test_doctor import random_program

#: '`x = x + 1` (train.py:7)', and '… before `with torch.no_grad():` (train.py:6)'.
SAID = re.compile(r"`([^`]+)`(?: (before|in place of) `([^`]+)`)?(?:; [^()]*)? \(([^()]+):(\d+)\)")
needs_saves = pytest.mark.skipif(
    not SHOWS_SAVES, reason="this PyTorch does not show what it saves, and cures say less"
)
needs_notes = pytest.mark.skipif(sys.version_info < (3, 11), reason="errors have no notes")


def run(path, text, clone=False) -> dict:
    """'x' or 'net.weight' → its gradient after the program ran, from seed 0."""
    path.write_text(text, encoding="utf8")
    linecache.checkcache(str(path))
    names = {"__name__": "train", "torch": torch, "nn": nn, "F": F}
    hooks = saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        if clone:
            with hooks:
                exec(compile(text, str(path), "exec"), names)
        else:
            exec(compile(text, str(path), "exec"), names)
    return gradients(names)


def gradients(names) -> dict:
    found = {}
    for name, value in names.items():
        inner = dict(value.named_parameters()) if isinstance(value, nn.Module) else {}
        for label, one in ({name: value} | {f"{name}.{n}": p for n, p in inner.items()}).items():
            if isinstance(one, torch.Tensor) and one.is_leaf and one.grad is not None:
                found[label] = one.grad.clone()
    return found


def told(path, text):
    """The diagnosis of the program's error."""
    with Doctor() as eyes, pytest.raises(RuntimeError) as caught:
        run(path, text)
    return eyes.of(caught.value)


def alike(some, others) -> bool:
    """One that is not there is zero."""
    both = {**some, **others}
    pairs = [(some.get(n, g * 0), others.get(n, g * 0)) for n, g in both.items()]
    return bool(pairs) and all(torch.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in pairs)


def applied(text, advice) -> str:
    """The program with every statement of the advice at its line."""
    said = {(int(line), code, how, old) for code, how, old, _, line in SAID.findall(advice)}
    assert said, advice
    lines = text.split("\n")
    for line, code, how, old in sorted(
        said, key=lambda one: (one[0], one[2] != "before"), reverse=True
    ):
        indent = lines[line - 1][: len(lines[line - 1]) - len(lines[line - 1].lstrip())]
        if how == "before":
            assert lines[line - 1].strip().startswith(old)
            lines.insert(line - 1, indent + code)
            continue
        at = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.stmt) and n.lineno == line]
        if how:
            at = [n for n in at if ast.unparse(n) == old]
        one = at[0]
        after = lines[one.end_lineno - 1][one.end_col_offset :]
        lines[line - 1 : one.end_lineno] = [lines[line - 1][: one.col_offset] + code + after]
    return "\n".join(lines)


#: name → (the cures in order, program). The advice gives every statement.
GIVEN = {
    "two writers": (
        ["augmented assignment", "in-place activation"],
        """
layer, x = nn.Linear(4, 4), torch.randn(3, 4)
gate = torch.sigmoid(layer(x))
gate -= 0.2
F.relu_(gate)
(x * gate).sum().backward()
""",
    ),
    "a method, with what it takes": (
        ["augmented assignment"],
        """
layer, x = nn.Linear(4, 4), torch.randn(3, 4)
y = layer(x).tanh()
y.add_(x, alpha=2)
y.mul_(x)
y.pow_(2).sum().backward()
""",
    ),
    "a chain of writes": (
        ["in-place activation"],
        """
layer, x = nn.Linear(4, 4), torch.randn(3, 4)
y = layer(x).exp()
y.add_(x).mul_(2).tanh_()
y.sum().backward()
""",
    ),
    "several statements on one line": (
        ["augmented assignment"],
        """
layer = nn.Linear(4, 4)
y = layer(torch.randn(3, 4)).exp(); z = y * 3; y += z; y = y * z
y.sum().backward()
""",
    ),
    "a call over several lines": (
        ["in-place activation"],
        """
layer = nn.Linear(4, 4)
y = layer(torch.randn(3, 4)).sigmoid()
y = F.leaky_relu(
    y,
    0.2,
    inplace=True,
)
y.sum().backward()
""",
    ),
    "out= in a loop": (
        ["out= into a saved tensor"],
        """
layer, work, total = nn.Linear(4, 4), torch.empty(2, 4), 0
for k in range(3):
    with torch.no_grad():
        torch.add(torch.randn(2, 4), k, out=work)
    total = total + (layer(torch.ones(2, 4)) * work).square().mean()
total.backward()
""",
    ),
    "noise drawn again": (
        ["random fill"],
        """
layer, noise, total = nn.Linear(4, 4), torch.randn(2, 4), 0
for k in range(3):
    total = total + (layer(torch.ones(2, 4)) * noise).square().mean()
    noise.normal_()
total.backward()
""",
    ),
    "noise between bounds": (
        ["random fill"],
        """
layer, noise, total = nn.Linear(4, 4), torch.randn(2, 4), 0
for k in range(3):
    total = total + (layer(torch.ones(2, 4)) * noise).square().mean()
    noise.uniform_(-1, 3)
total.backward()
""",
    ),
    "filled with a number": (
        ["any other write"],
        """
layer, mask, total = nn.Linear(4, 4), torch.ones(2, 4), 0
for k in range(3):
    total = total + (layer(torch.ones(2, 4)) * mask).square().mean()
    mask.fill_(k)
total.backward()
""",
    ),
    "copied over": (
        ["any other write"],
        """
layer, last = nn.Linear(4, 4), nn.Linear(4, 4)
y = layer(torch.randn(2, 4)).tanh()
y.copy_(last(torch.randn(4)))
y.square().sum().backward()
""",
    ),
    "a column": (
        ["written part by part"],
        """
layer = nn.Linear(4, 4)
y = layer(torch.randn(3, 4)).sigmoid()
y[:, 0] = 0
y.square().sum().backward()
""",
    ),
    "parts read and written in the same lines": (
        ["written part by part"],
        """
layer = nn.Linear(4, 4)
box = layer(torch.randn(3, 4)).sigmoid()
box[..., 0] = box[..., 0] * box[..., 2]
box[..., 1] = box[..., 1] * box[..., 0]
box[..., 2:] *= box[..., :2]
box.square().sum().backward()
""",
    ),
    "filled in a loop": (
        ["written part by part"],
        """
layer = nn.Linear(6, 6)
gate = torch.sigmoid(layer(torch.randn(1, 6)))
for t in range(6):
    gate[0, t] = gate[0, t] * 0.5
gate.sum().backward()
""",
    ),
    "messages passed along slices": (
        ["written through a view"],
        """
conv = nn.Conv1d(2, 2, 1)
x = torch.randn(1, 2, 5, 4, requires_grad=True) * 1
for row in range(1, 5):
    x[:, :, row, :].add_(F.relu(conv(x[:, :, row - 1, :])))
x.square().sum().backward()
""",
    ),
    "a pyramid in a list": (
        ["augmented assignment"],
        """
down = nn.ModuleList(nn.Conv1d(2, 2, 3, stride=2, padding=1) for _ in range(2))
levels = [torch.randn(1, 2, n, requires_grad=True).tanh() for n in (8, 4, 2)]
for i in range(2):
    levels[i + 1] += down[i](levels[i])
sum(level.square().sum() for level in levels).backward()
""",
    ),
    "weights in a dict": (
        ["augmented assignment"],
        """
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
fast = {k: v.clone() for k, v in net.named_parameters()}
x = torch.randn(6, 3)
outer = torch.func.functional_call(net, fast, (x,)).square().mean()
for k in fast:
    fast[k].sub_(0.1 * fast[k].detach())
(outer + torch.func.functional_call(net, fast, (x,)).mean()).backward()
""",
    ),
    "a tuple of tensors": (
        ["augmented assignment"],
        """
x = torch.randn(3, requires_grad=True)
a, b = x.exp(), x.tanh()
for one in (a, b):
    one.add_(1)
(a * b).sum().backward()
""",
    ),
    "a list of tensors at once": (
        ["any other write"],
        """
x = torch.randn(3, requires_grad=True)
both = [x.exp(), x.tanh()]
torch._foreach_mul_(both, 3)
(both[0] * both[1]).sum().backward()
""",
    ),
    "a name for a part": (
        ["written through a view"],
        """
x, b = torch.randn(4, requires_grad=True), torch.randn(2, requires_grad=True)
y = x.exp()
head = y[:2]
head *= b
y.square().sum().backward()
""",
    ),
    "the same memory in another shape": (
        ["augmented assignment"],
        """
x = torch.randn(2, 3, requires_grad=True)
y = x.exp()
flat = y.view(-1)
flat += 1
y.square().sum().backward()
""",
    ),
    "shown, through detach": (
        ["any other write"],
        """
x = torch.randn(6, requires_grad=True)
chance = x.sigmoid()
shown = chance.detach()
shown.clamp_(max=0.5)
chance.sum().backward()
""",
    ),
    "clamped under no_grad, then used": (
        ["any other write"],
        """
x = torch.randn(6, requires_grad=True)
y = x * 2
z = y ** 3
with torch.no_grad():
    y.clamp_(-1, 1)
    y.mul_(2)
(z + y.square()).sum().backward()
""",
    ),
    "a mask over scores": (
        ["written part by part"],
        """
x, mask = torch.randn(3, 3, requires_grad=True), torch.eye(3) > 0
p = x.softmax(-1)
p.masked_fill_(mask, 0.0)
p.square().sum().backward()
""",
    ),
    "in a function that returns it": (
        ["augmented assignment"],
        """
layer = nn.Linear(4, 4)

def shifted(e):
    e.add_(1)
    return e

shifted(layer(torch.randn(3, 4)).exp()).sum().backward()
""",
    ),
    "in a scripted function": (
        ["written part by part"],
        """
layer = nn.Linear(4, 4)

@torch.jit.script
def gate(x: torch.Tensor, mask: torch.Tensor):
    y = torch.sigmoid(x)
    y.masked_fill_(mask, 0.0)
    return y

gate(layer(torch.randn(3, 4)), torch.rand(3, 4) > 0.5).sum().backward()
""",
    ),
    "in a thread": (
        ["augmented assignment"],
        """
from concurrent.futures import ThreadPoolExecutor

layer = nn.Linear(4, 4)
h = layer(torch.randn(3, 4))

def second(e):
    e *= 3
    return e

with ThreadPoolExecutor(1) as pool:
    e = pool.submit(torch.exp, h).result()
    e = pool.submit(second, e).result()
e.sum().backward()
""",
    ),
    "under autocast": (
        ["augmented assignment"],
        """
layer = nn.Linear(4, 4)
with torch.autocast("cpu", dtype=torch.bfloat16):
    h = layer(torch.randn(3, 4))
    g = torch.tanh(h)
    g += h
    loss = g.float().square().mean()
loss.backward()
""",
    ),
    "a queue through detach": (
        ["buffer of a later forward"],
        """
class Contrast(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(4, 3)
        self.register_buffer("queue", torch.randn(3, 6))

    def forward(self, x):
        q = self.encode(x)
        scores = q @ self.queue.detach()
        with torch.no_grad():
            self.queue[:, :2] = q.T
        return scores

model = Contrast()
model(torch.randn(2, 4)).square().sum().backward()
""",
    ),
    "a queue under another name": (
        ["buffer of a later forward"],
        """
class Contrast(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Linear(4, 3)
        self.register_buffer("queue", torch.randn(3, 6))

    def forward(self, x):
        q = self.encode(x)
        queue = self.queue.detach()
        scores = q @ queue
        self.queue[:, :2] = q.T.detach()
        return scores

model = Contrast()
model(torch.randn(2, 4)).square().sum().backward()
""",
    ),
    "a gradient to which backward adds": (
        ["gradient written again"],
        """
net = nn.Sequential(nn.Linear(3, 8), nn.Softplus(), nn.Linear(8, 1))
x = torch.randn(5, 3, requires_grad=True)
net(x).sum().backward(create_graph=True)
penalty = x.grad.pow(2).sum()
F.softplus(-net(x)).mean().backward()
penalty.backward()
""",
    ),
    "a gradient under another name": (
        ["gradient written again"],
        """
net = nn.Sequential(nn.Linear(3, 8), nn.Softplus(), nn.Linear(8, 1))
x = torch.randn(5, 3, requires_grad=True)
net(x).sum().backward(create_graph=True)
slope = x.grad
penalty = slope.pow(2).sum()
F.softplus(-net(x)).mean().backward()
penalty.backward()
""",
    ),
    "a gradient that is clipped": (
        ["gradient written again"],
        """
net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
net(torch.randn(6, 3)).square().mean().backward(create_graph=True)
flat = torch.cat([(p.grad * p.grad).reshape(-1) for p in net.parameters()])
nn.utils.clip_grad_norm_(net.parameters(), 0.01)
flat.sum().backward()
""",
    ),
    "a gradient that is zeroed": (
        ["gradient written again"],
        """
net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
net(torch.randn(6, 3)).square().mean().backward(create_graph=True)
flat = torch.cat([(p.grad * p.grad).reshape(-1) for p in net.parameters()])
for p in net.parameters():
    p.grad.zero_()
flat.sum().backward()
""",
    ),
    "an input advanced by an attack": (
        ["input that is a leaf"],
        """
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
x, y = torch.rand(5, 4), torch.tensor([0, 1, 1, 0, 1])
near = x.clone().requires_grad_()
for step in range(2):
    loss = F.cross_entropy(net(near), y)
    (slope,) = torch.autograd.grad(loss, near, retain_graph=True)
    with torch.no_grad():
        near += 0.1 * slope.sign()
        near.clamp_(0, 1)
loss.backward()
""",
    ),
    "a part of an input advanced": (
        ["input that is a leaf"],
        """
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
near, y = torch.rand(5, 4).requires_grad_(), torch.tensor([0, 1, 1, 0, 1])
for step in range(2):
    loss = F.cross_entropy(net(near), y)
    (slope,) = torch.autograd.grad(loss, near, retain_graph=True)
    with torch.no_grad():
        near[:, :2] += 0.1 * slope[:, :2].sign()
loss.backward()
""",
    ),
    "a lookup with max_norm": (
        ["embedding renormalised"],
        """
table = nn.Embedding(5, 3, max_norm=0.1)
out = torch.randn(3, 2, requires_grad=True)
every = table.weight @ out
some = table(torch.tensor([1, 2])) @ out
(every.sum() + some.sum()).backward()
""",
    ),
    "told to write by a place": (
        ["in-place activation"],
        """
layer = nn.Linear(4, 4)
y = layer(torch.randn(3, 4)).sigmoid()
y = F.leaky_relu(y, 0.2, True)
y.sum().backward()
""",
    ),
    "told to write by a variable": (
        ["in-place activation"],
        """
layer, in_place = nn.Linear(4, 4), True
y = layer(torch.randn(3, 4)).sigmoid()
y = F.elu(y, inplace=in_place)
y.sum().backward()
""",
    ),
    "a name for the whole, written for itself": (
        ["in-place activation"],
        """
conv, x = nn.Conv1d(2, 2, 1), torch.randn(1, 2, 4, requires_grad=True)
y = x.tanh()
active = F.relu(y, inplace=True)
conv(active).square().sum().backward()
""",
    ),
}


@needs_saves
@pytest.mark.parametrize("name", GIVEN)
def test_the_statements_of_the_advice_cure(name, tmp_path):
    cures, program = GIVEN[name]
    path = tmp_path / "train.py"
    found = told(path, program)
    assert sorted({one.cure.name for one in all_cures(found)}) == sorted(cures)
    assert all(one.edit for one in all_cures(found)), found.text()
    mended = applied(program, found.advice())
    right = run(path, program.replace("pool.submit(torch.exp, h).result()", "h.exp()"), clone=True)
    got = run(path, mended)  # a pool's thread has no hooks of ours
    if cures == ["input that is a leaf"]:  # each of the two leaves has its share
        right.pop("near"), got.pop("near", None)
    assert alike(got, right), mended
    assert any(grad.abs().max() > 0 for grad in right.values())


#: A GAN whose critic steps between the forward and the backward of the generator's loss.
GAN = """
G, D = nn.Linear(3, 4), nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
optimizer = torch.optim.SGD(D.parameters(), 0.1)
noise, real = torch.randn(6, 3), torch.randn(6, 4)
fake = G(noise)
score = D(fake)
own = F.softplus(-D(real)).mean() + F.softplus(D(fake.detach())).mean()
optimizer.zero_grad()
own.backward()
optimizer.step()
F.softplus(-score).mean().backward()
"""
#: Line of the program → what stands in its place.
AGAIN = {"F.softplus(-score).mean().backward()": "F.softplus(-D(fake)).mean().backward()"}
STATISTICS = """
net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh())
x = torch.randn(8, 4) * 3
clean = net.eval()(x)
noisy = net.train()(x + 1).detach()
clean.square().mean().backward()
"""
FIRST = {
    "optimizer.zero_grad()": "F.softplus(-score).mean().backward()\noptimizer.zero_grad()",
    "F.softplus(-score).mean().backward()": "",
}
_OLD = GAN.partition("optimizer.zero_grad()")[0]
#: The gradients that the two ways promise, without any step in between.
OF_NEW_WEIGHTS = (
    _OLD
    + """
slopes = torch.autograd.grad(own, list(D.parameters()))
new = {k: (p - 0.1 * s).detach().requires_grad_() for (k, p), s in zip(D.named_parameters(), slopes)}
F.softplus(-torch.func.functional_call(D, new, G(noise))).mean().backward()
for (k, p), s in zip(D.named_parameters(), slopes):
    p.grad = s + new[k].grad
del new, slopes, p, s
"""
)
OF_OLD_WEIGHTS = (
    _OLD
    + """
F.softplus(-score).mean().backward()
D.zero_grad()
own.backward()
"""
)
STEPS = {
    "PyTorch's": {},
    "one of one's own": {
        "optimizer = torch.optim.SGD(D.parameters(), 0.1)": """
class Plain(torch.optim.Optimizer):
    def __init__(self, parameters):
        super().__init__(parameters, {})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                p.add_(p.grad, alpha=-0.1)

optimizer = Plain(D.parameters())"""
    },
    "by a scaler": {
        "optimizer.step()": "scaler = torch.amp.GradScaler('cpu', enabled=False); scaler.step(optimizer)"
    },
    "of a package": {
        "optimizer = torch.optim.SGD(D.parameters(), 0.1)": "import a_package; optimizer = a_package.Plain(D.parameters(), {})"
    },
    "through a package": {
        "optimizer = torch.optim.SGD(D.parameters(), 0.1)": "import a_package; optimizer = a_package.Wrapped(torch.optim.SGD(D.parameters(), 0.1))"
    },
    "with a closure that a package makes": {
        "optimizer = torch.optim.SGD(D.parameters(), 0.1)": "import a_package; optimizer = a_package.Closing(torch.optim.SGD(D.parameters(), 0.1))"
    },
}
PACKAGE = """
import torch

def update(p):
    p.add_(p.grad, alpha=-0.1)

class Plain(torch.optim.Optimizer):
    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                update(p)

class Wrapped:
    def __init__(self, optimizer):
        self.optimizer, self.zero_grad = optimizer, optimizer.zero_grad

    def step(self):
        self.optimizer.step()

class Closing(Wrapped):
    def step(self):
        self.optimizer.step(closure=lambda: None)
"""


def edited(text, change) -> str:
    lines = text.split("\n")
    assert set(change) <= set(lines)
    return "\n".join(change.get(line, line) for line in lines)


@pytest.mark.parametrize("way", STEPS)
def test_a_step_between_forward_and_backward(way, tmp_path, monkeypatch):
    """The second loss's gradient must not land in the network that steps: it would train wrong."""
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "a_package.py").write_text(PACKAGE, encoding="utf8")
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    monkeypatch.delitem(sys.modules, "a_package", raising=False)
    path, program = tmp_path / "train.py", edited(GAN, STEPS[way])
    found = told(path, program)
    assert {one.cure.name for one in all_cures(found)} == {"optimizer step"}
    advice = found.advice()
    assert "run the forward again after the step" in advice and "D(z.detach())" in advice
    assert "this backward first, then `zero_grad()`" in advice
    assert "after every backward" not in advice
    assert alike(run(path, edited(program, AGAIN)), run(path, OF_NEW_WEIGHTS))
    assert alike(run(path, edited(program, FIRST)), run(path, OF_OLD_WEIGHTS))
    right = run(path, program, clone=True)
    for name, gradient in run(path, edited(program, FIRST)).items():
        assert name[0] == "D" or torch.allclose(gradient, right[name], atol=1e-6)


#: name → (cure, what the advice says, program, the edit that does it, the program whose
#: gradients it promises; '': those of the program itself with its saves cloned).
WORDS = {
    "a closure that is called again": (
        "closure of an optimizer",
        "make the forward inside the closure",
        """
net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1))
x, y = torch.randn(20, 4), torch.randn(20, 1)
optimizer = torch.optim.LBFGS(net.parameters(), lr=0.5, max_iter=1)
guess = net(x)
def closure():
    optimizer.zero_grad()
    loss = F.mse_loss(guess, y)
    loss.backward(retain_graph=True)
    return loss
for epoch in range(2):
    optimizer.step(closure)
""",
        {
            "guess = net(x)": "",
            "    optimizer.zero_grad()": "    guess = net(x)\n    optimizer.zero_grad()",
        },
        """
net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 1))
x, y = torch.randn(20, 4), torch.randn(20, 1)
slopes = torch.autograd.grad(F.mse_loss(net(x), y), list(net.parameters()))
size = min(1.0, 1 / sum(s.abs().sum() for s in slopes)) * 0.5
new = {k: (p - size * s).detach() for (k, p), s in zip(net.named_parameters(), slopes)}
net.load_state_dict(new)
F.mse_loss(net(x), y).backward()
""",
    ),
    "a moving average of PyTorch's": (
        "moving average of a model",
        "call `update_parameters` after backward",
        """
student = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2))
teacher = torch.optim.swa_utils.AveragedModel(student, avg_fn=lambda slow, fast, n: 0.9 * slow + 0.2 * fast)
teacher.update_parameters(student)
x = torch.randn(4, 3)
loss = (student(x) - teacher(x).square()).sum()
teacher.update_parameters(student)
loss.backward()
""",
        {
            "teacher.update_parameters(student)": "",
            "x = torch.randn(4, 3)": "teacher.update_parameters(student)\nx = torch.randn(4, 3)",
            "loss.backward()": "loss.backward()\nteacher.update_parameters(student)",
        },
        "",
    ),
    "weights by hand": (
        "weights written by hand",
        "write the weights after backward",
        """
w, x = torch.randn(3, requires_grad=True), torch.randn(5, 3)
loss = (x @ w.exp()).square().mean() + (w ** 3).sum()
with torch.no_grad():
    w -= 0.1
loss.backward()
""",
        {
            "loss.backward()": "",
            "with torch.no_grad():": "loss.backward()\nwith torch.no_grad():",
        },
        "",
    ),
    "two modules in place": (
        "in-place module",
        "set `inplace=False` in the module that writes: Block.act (train.py:10), Block.drop (train.py:11)",
        """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc, self.act = nn.Linear(4, 4), nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5, inplace=True)

    def forward(self, x):
        gate = torch.sigmoid(self.fc(x))
        gate = self.act(gate)
        return x * self.drop(gate)

net = Block()
net(torch.randn(3, 4)).sum().backward()
""",
        {
            "        self.fc, self.act = nn.Linear(4, 4), nn.ReLU(inplace=True)": "        self.fc, self.act = nn.Linear(4, 4), nn.ReLU(inplace=False)",
            "        self.drop = nn.Dropout(0.5, inplace=True)": "        self.drop = nn.Dropout(0.5, inplace=False)",
        },
        "",
    ),
    "nobody seen": (
        "no writer seen",
        "go on with a `clone()` of it behind the line that saved",
        """
x = torch.randn(3, requires_grad=True)
y = x.exp()
with torch._C.DisableTorchFunction():
    y.add_(1)
y.sum().backward()
""",
        {"y = x.exp()": "y = x.exp().clone()"},
        "",
    ),
}


@pytest.mark.parametrize("name", WORDS)
def test_the_words_of_the_advice_cure(name, tmp_path):
    cure, words, program, change, promised = WORDS[name]
    path = tmp_path / "train.py"
    found = told(path, program)
    assert {one.cure.name for one in all_cures(found)} == {cure}
    assert words in found.advice(), found.advice()
    right = run(path, promised) if promised else run(path, program, clone=True)
    assert alike(run(path, edited(program, change)), right)


#: name → (what the note says, program, '' where the note gives the statements or the edit, the
#: program whose gradients it promises).
REFUSED = {
    "an output that a hook makes a leaf": (
        "a leaf since   requires_grad_ at train.py:4 in Embedding",
        """
table, out = nn.Embedding(5, 4), nn.Linear(4, 2)
table.weight.requires_grad_(False)
table.register_forward_hook(lambda m, i, o: o.requires_grad_(True))
h = table(torch.tensor([[1, 2]]))
h *= 2
out(h).square().sum().backward()
""",
        {},
        """
table, out = nn.Embedding(5, 4), nn.Linear(4, 2)
out(table(torch.tensor([[1, 2]])).detach() * 2).square().sum().backward()
""",
    ),
    "a parameter": (
        "a leaf         Sequential.0.weight, a parameter",
        """
net = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
net[0].weight.mul_(3)
net(torch.ones(1, 2)).square().sum().backward()
""",
        {},
        """
net = nn.Sequential(nn.Linear(2, 3), nn.Tanh())
net[0].weight.data = net[0].weight.data * 3
net(torch.ones(1, 2)).square().sum().backward()
""",
    ),
    "an input": (
        "a leaf since   requires_grad = … at train.py:3",
        """
x = torch.rand(3)
x.requires_grad = True
image = x
x -= 0.5
x.exp().sum().backward()
""",
        {},
        """
image = torch.rand(3).requires_grad_()
(image - 0.5).exp().sum().backward()
""",
    ),
    "a module behind a hook": (
        "set `inplace=False` in the module that writes: Sequential.1 (train.py:4)",
        """
net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True))
net[0].register_full_backward_hook(lambda module, given, got: None)
net(torch.rand(2, 1, 5, 5)).sum().backward()
""",
        {
            "net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True))": "net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=False))"
        },
        """
net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
net(torch.rand(2, 1, 5, 5)).sum().backward()
""",
    ),
}


@needs_notes
@pytest.mark.parametrize("name", REFUSED)
def test_a_write_that_is_refused_is_explained(name, tmp_path):
    says, program, change, promised = REFUSED[name]
    path = tmp_path / "train.py"
    with pytest.raises(RuntimeError) as plain:
        run(path, program)
    with Doctor(), pytest.raises(RuntimeError) as caught:
        run(path, program)
    (note,) = caught.value.__notes__
    assert str(caught.value) == str(plain.value) and says in note
    mended = edited(program, change) if change else applied(program, cure_of(note))
    assert alike(run(path, mended), run(path, promised))


def cure_of(report) -> str:
    """The lines of a report that say what to do."""
    lines = report.split("\n")
    first = next(n for n, line in enumerate(lines) if line.startswith("cure "))
    told = [line[15:] for line in lines[first:] if line.startswith(("cure ", " " * 15))]
    return "; ".join(told)


#: As WORDS, for what raises nothing; the edit {} where the advice gives the statements.
SILENT = {
    "a hook that writes a gradient": (
        "return a new gradient instead",
        """
x, w = torch.randn(5, requires_grad=True), torch.randn(5)
y = x * 1.0
branch = torch.tanh(y)
branch.register_hook(lambda g: g.mul_(0.1))
((branch + y) * w).sum().backward()
""",
        {},
        """
x, w = torch.randn(5, requires_grad=True), torch.randn(5)
((torch.tanh(x) * 0.1 + x) * w).sum().backward()
""",
    ),
    "a backward that writes a gradient": (
        "return a new gradient instead",
        """
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        g *= 2
        return g

x = torch.randn(5, requires_grad=True)
y = x * 1.0
(Twice.apply(y) + y).backward(torch.arange(5.0))
""",
        {},
        """
x = torch.randn(5, requires_grad=True)
(x * 2 + x).backward(torch.arange(5.0))
""",
    ),
    "an attribute of ctx": (
        "keep the tensor with `ctx.save_for_backward`",
        """
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x

    @staticmethod
    def backward(ctx, g):
        return 2 * ctx.x * g

x = torch.randn(5, requires_grad=True)
h = x * 3
y = Square.apply(h)
h += 1
(y + h).sum().backward()
""",
        {
            "        ctx.x = x": "        ctx.save_for_backward(x)",
            "        return 2 * ctx.x * g": "        return 2 * ctx.saved_tensors[0] * g",
            "h += 1": "h = h + 1",
        },
        """
x = torch.randn(5, requires_grad=True)
((x * 3) ** 2 + x * 3 + 1).sum().backward()
""",
    ),
    "a checkpoint that writes twice": (
        "write out of place inside the function that is checkpointed",
        """
from torch.utils.checkpoint import checkpoint

layer = nn.Linear(4, 4)

def block(h, noise):
    noise.mul_(0.5)
    return torch.tanh(layer(h) * noise)

h, noise = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4)
checkpoint(block, h, noise, use_reentrant=True).sum().backward()
""",
        {},
        """
layer = nn.Linear(4, 4)
h, noise = torch.randn(3, 4, requires_grad=True), torch.randn(3, 4)
torch.tanh(layer(h) * (noise * 0.5)).sum().backward()
""",
    ),
    "a fused step, the forward again": (
        "run the forward again after the step",
        GAN.replace("0.1)", "0.1, fused=True)"),
        AGAIN,
        OF_NEW_WEIGHTS,
    ),
    "a fused step, backward first": (
        "this backward first, then `zero_grad()`",
        GAN.replace("0.1)", "0.1, fused=True)"),
        FIRST,
        OF_OLD_WEIGHTS,
    ),
    "statistics, backward first": (
        "or backward before it",
        STATISTICS,
        {
            "noisy = net.train()(x + 1).detach()": "",
            "clean.square().mean().backward()": "clean.square().mean().backward()\nnoisy = net.train()(x + 1).detach()",
        },
        "",
    ),
    "statistics, train mode first": (
        "run the forward in train mode before the one in eval mode",
        STATISTICS,
        {
            "clean = net.eval()(x)": "",
            "clean.square().mean().backward()": "clean = net.eval()(x)\nclean.square().mean().backward()",
        },
        """
net = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh())
x = torch.randn(8, 4) * 3
rows = net[0](x + 1).detach()
mean, var = 0.1 * rows.mean(0), 0.9 + 0.1 * rows.var(0)
y = torch.tanh((net[0](x) - mean) / (var + net[1].eps).sqrt() * net[1].weight + net[1].bias)
y.square().mean().backward()
""",
    ),
    "data put in its place": (
        "write out of place",
        """
layer = nn.Linear(4, 4)
h = layer(torch.randn(3, 4))
y = h.pow(2)
h.data = h.data.clamp(-0.3, 0.3)
(y + h).sum().backward()
""",
        {},
        "",
    ),
    "written through data": (
        "write out of place",
        """
x = torch.randn(4, requires_grad=True)
y = x.sigmoid()
y.data[0] = 0.9
y.sum().backward()
""",
        {},
        "",
    ),
    "casts that autocast keeps": (
        "`torch.autocast(…, cache_enabled=False)`",
        """
net, x = nn.Linear(3, 1, bias=False), torch.ones(2, 3)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
with torch.autocast("cpu", dtype=torch.bfloat16):
    for _ in range(2):
        optimizer.zero_grad()
        net(x).float().square().mean().backward()
        optimizer.step()
""",
        {
            'with torch.autocast("cpu", dtype=torch.bfloat16):': 'with torch.autocast("cpu", dtype=torch.bfloat16, cache_enabled=False):'
        },
        """
net, x = nn.Linear(3, 1, bias=False), torch.ones(2, 3)
for _ in range(2):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = net(x).float().square().mean()
    (slope,) = torch.autograd.grad(loss, net.weight)
    net.weight.data = net.weight.data - 0.1 * slope
net.weight.grad = slope
del slope
""",
    ),
}


@needs_saves
@pytest.mark.parametrize("name", SILENT)
def test_the_advice_on_what_raises_nothing_cures(name, tmp_path):
    words, program, change, promised = SILENT[name]
    path = tmp_path / "train.py"
    with Doctor(strict=True) as eyes:
        wrong = run(path, program)
    advice = cure_of(silent_text(eyes.silent[0]))
    assert words in advice
    right = run(path, promised) if promised else run(path, program, clone=True)
    mended = edited(program, change) if change else applied(program, advice)
    assert alike(run(path, mended), right) and not alike(wrong, right)


#: Cards of the field guide whose advice is in words, and the words that their `right` does.
IN_WORDS = {
    "in-place dropout behind a relu": "set `inplace=False` in the module that writes",
    "critic stepped before the generator's backward": "run the forward again after the step",
    "hidden state carried over a step": "`detach()` it",
    "step between two losses": "do this backward first",
    "moving average before backward": "write the weights after backward",
    "convolution stepped between two losses": "do this backward first",
    "batch norm in eval, then in train": "or backward before it",
    "step inside autocast": "or use `torch.autocast(…, cache_enabled=False)`",
    "saved tensor written by its own backward": "write out of place",
    "kernel that does not declare its write": "a kernel of your own declares it (`mutates_args`)",
}
#: Cards whose cure makes the write a part of the gradient; the advice leaves it out, as `.data` does.
AS_IT_RAN = {"write through .data", "write through apply_"}
#: Cards of which the doctor has nothing to say.
NOTHING = {
    "view made under no_grad", "view made in inference mode", "inference tensor written", "inference tensor saved",
    "expanded memory written", "marked dirty and not returned", "integers scaled by a weight", "sum that would have to grow",
    "out= in training code", "saved, then detached in place", "backward twice",
}  # fmt: skip


@needs_notes
@pytest.mark.parametrize("pattern", EVERY, ids=lambda pattern: pattern.name)
def test_the_advice_on_a_card_of_the_field_guide_does_what_its_cure_does(pattern, tmp_path):
    path, program = tmp_path / "train.py", pattern.unmarked
    with Doctor(strict=pattern.group == "silent") as eyes:
        try:
            run(path, program)
            notes = [silent_text(one) for one in eyes.silent]
        except RuntimeError as error:
            notes = getattr(error, "__notes__", [])
    assert (not notes) == (pattern.name in NOTHING)
    if not notes:
        return
    advice = cure_of(notes[0])
    if pattern.name in IN_WORDS:
        assert IN_WORDS[pattern.name] in advice
        return
    if pattern.name in AS_IT_RAN:
        right = run(path, program, clone=True)
    else:
        right = run(path, pattern.cured)
    got = run(path, applied(program, advice))
    assert alike({name: got[name] for name in right if name in got}, right)


def test_a_line_of_a_package_is_not_ones_own(tmp_path, monkeypatch):
    (tmp_path / "site-packages").mkdir()
    module = tmp_path / "site-packages" / "b_package.py"
    module.write_text("def shifted(x):\n    x += 1\n    return x\n", encoding="utf8")
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    monkeypatch.delitem(sys.modules, "b_package", raising=False)
    path = tmp_path / "train.py"
    program = """
from b_package import shifted

x = torch.randn(3, requires_grad=True)
shifted(x.exp()).sum().backward()
"""
    advice = told(path, program).advice()
    assert "`x = x + 1`; a package's line: mend a copy of it, or hand it a clone" in advice
    assert "(b_package.py:2)" in advice
    right = run(path, program, clone=True)
    assert alike(run(path, program.replace("x.exp()", "x.exp().clone()")), right)
    module.write_text(applied(module.read_text("utf8"), advice), encoding="utf8")
    monkeypatch.delitem(sys.modules, "b_package")
    assert alike(run(path, program), right)


def test_without_a_source_the_advice_is_in_words():
    program = "x = torch.ones(3, requires_grad=True)\ny = x.exp()\ny += 1\ny.sum().backward()"
    with Doctor() as eyes, pytest.raises(RuntimeError) as caught:
        exec(program, {"torch": torch})
    (one,) = eyes.of(caught.value).cures
    assert one.edit is None and one.place == ("<string>", 3)
    assert one.does.startswith("write it out of place: `x = x + …`, every such line")


@needs_saves
def test_random_programs_are_cured_in_one_go(tmp_path):
    """What the advice says on the first error is enough for all of them."""
    path, cured = tmp_path / "train.py", 0
    for seed in range(30):
        program = "from test_doctor import Keep\n" + random_program(seed)
        program = program.replace("w.detach().add_(1)", "pass")  # a weight: its cure is in words
        with Doctor(notes=False) as eyes:
            try:
                run(path, program)
            except RuntimeError:
                pass
        cures = all_cures(eyes.all[0]) if eyes.all else []
        if not cures or any(one.cure.name.startswith(("weight", "input")) for one in cures):
            continue
        mended = applied(program, eyes.all[0].advice())
        assert alike(run(path, mended), run(path, program, clone=True)), f"seed {seed}\n{mended}"
        cured += 1
    assert cured > 7
