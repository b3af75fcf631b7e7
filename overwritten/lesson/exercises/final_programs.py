"""The twelve programs of the final, each with the same program out of place; data and nothing else.

why: a sentence that is shown when all twelve are answered. No verdict and no line stands here.
"""

from __future__ import annotations

from typing import NamedTuple


class Program(NamedTuple):
    code: str
    twin: str
    why: str


def _program(code, why, *changes):
    """changes: (old, new), which make the program its twin."""
    code = twin = code.strip()
    for old, new in changes:
        assert twin.count(old) == 1, old
        twin = twin.replace(old, new)
    return Program(code, twin, why)


PROGRAMS = {
    "a": _program(
        """
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
value, policy = net(torch.ones(5, 3)).unbind(1)
value.square().mean().backward(retain_graph=True)
optimizer.step()
optimizer.zero_grad()
policy.square().mean().backward()
""",
        "Both losses come of one forward, for which the last layer saved its weight.",
        ("optimizer.step()\n", ""),
    ),
    "b": _program(
        """
cell, state = nn.GRUCell(2, 3), torch.zeros(4, 3)
history = torch.empty(3, 4, 3)
for t in range(3):
    state = cell(torch.ones(4, 2), state)
    history[t] = state
loss = history.mean()
loss.backward()
""",
        "The writes go into `history`, which nobody saved: the mean needs no values, and the cell has `state` itself.",
        ("history = torch.empty(3, 4, 3)", "history = []"),
        ("history[t] = state", "history.append(state)"),
        ("history.mean()", "torch.stack(history).mean()"),
    ),
    "c": _program(
        """
norm = nn.BatchNorm1d(2).eval()
x = torch.randn(4, 2, requires_grad=True)
y = norm(x)
norm.train()
norm(torch.randn(8, 2) * 5)
loss = y.square().sum()
loss.backward()
""",
        "In eval mode backward reads the running variance, and a forward in training mode writes it without a tick.",
        ("norm(torch.randn(8, 2) * 5)", "torch.randn(8, 2)"),
    ),
    "d": _program(
        """
query = torch.randn(2, 3, requires_grad=True)
key, value = torch.randn(5, 3), torch.randn(5, 3)
padding = torch.tensor([False, False, False, True, True])
attention = (query @ key.T).softmax(-1)
attention.masked_fill_(padding, 0)
out = attention @ value
out.sum().backward()
""",
        "Softmax saved its result. Masked before the softmax, or out of place, nothing would be overwritten.",
        ("attention.masked_fill_(padding, 0)", "attention = attention.masked_fill(padding, 0)"),
    ),
    "e": _program(
        """
import numpy as np
buffer = np.zeros((4, 2), dtype=np.float32)
net, losses = nn.Linear(2, 1, bias=False), []
for step in range(2):
    buffer[:] = step + 1
    batch = torch.from_numpy(buffer)
    losses.append(net(batch).square().mean())
sum(losses).backward()
""",
        "`from_numpy` shares the bytes: the second batch is written into what the first forward saved, and NumPy moves no counter.",
        ("torch.from_numpy(buffer)", "torch.from_numpy(buffer.copy())"),
    ),
    "f": _program(
        """
points = torch.randn(4, 3, requires_grad=True)
rays = points * 2
length = rays.norm(dim=1, keepdim=True)
rays /= length
loss = (rays[:, 2] - 1).square().mean()
loss.backward()
""",
        "The norm saved the rays as they were before they were divided by it.",
        ("rays /= length", "rays = rays / length"),
    ),
    "g": _program(
        """
w = torch.tensor([1.0, -0.5], requires_grad=True)
state = torch.zeros(2)
for step in range(3):
    state = torch.tanh(w * state + 1)
    state.sum().backward()
    state = state.detach()
    state *= 0.5
""",
        "`detach` shares the bytes that tanh saved, but the backward that reads them has run by then, and the next forward saves new ones.",
        ("    state *= 0.5", "    state = state * 0.5"),
    ),
    "h": _program(
        """
online, target = nn.Linear(2, 2), nn.Linear(2, 2)
guess = target(online(torch.ones(3, 2)))
for mine, its in zip(target.parameters(), online.parameters()):
    mine.data.mul_(0.9).add_(its.data, alpha=0.1)
loss = guess.square().mean()
loss.backward()
""",
        "The target's layer saved its weight, for the way back to the online one. `.data` hides the write from the check.",
        (
            "    mine.data.mul_(0.9).add_(its.data, alpha=0.1)",
            "    new = mine * 0.9 + its * 0.1",
        ),
    ),
    "i": _program(
        """
pixels = torch.rand(2, 6, requires_grad=True)
left, right = (pixels * 2).chunk(2, dim=1)
left.clamp_(0, 1)
loss = (left * right).sum()
loss.backward()
""",
        "`chunk` gives several views of one tensor, and PyTorch refuses to write into one of them.",
        ("left.clamp_(0, 1)", "left = left.clamp(0, 1)"),
    ),
    "j": _program(
        """
layer, x = nn.Linear(3, 4), torch.randn(2, 3)
y = layer(x)
y += 1
F.relu_(y)
z = y * 2
z -= z.detach().mean()
loss = z.square().sum()
loss.backward()
""",
        "A layer saves its input, not its result; ReLU saved `y` after its write, and nobody saved `z` before the square.",
        ("y += 1", "y = y + 1"),
        ("F.relu_(y)", "y = F.relu(y)"),
        ("z -= z", "z = z - z"),
    ),
    "k": _program(
        """
from torch.utils.checkpoint import checkpoint
layer, frame = nn.Linear(3, 3), torch.ones(2, 3)
y = checkpoint(layer, frame, use_reentrant=False)
frame.zero_()
loss = y.square().sum()
loss.backward()
""",
        "A checkpoint keeps its input, to run the forward once more in backward; PyTorch checks its version as that of any saved tensor.",
        ("frame.zero_()", "frame = torch.zeros(2, 3)"),
    ),
    "l": _program(
        """
center = torch.ones(3)
logits = torch.randn(4, 3, requires_grad=True)
weighted = logits * center
with torch.no_grad():
    center.mul_(0.9)
    center.add_(0.1 * logits.mean(0))
loss = weighted.square().mean()
loss.backward()
""",
        "The product saved `center`, which does not require grad itself; `no_grad` stops no counter.",
        ("    center.mul_(0.9)", "    center = center * 0.9"),
        ("    center.add_(0.1 * logits.mean(0))", "    center = center + 0.1 * logits.mean(0)"),
    ),
}
