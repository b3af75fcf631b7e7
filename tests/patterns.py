"""Seventeen real ways to 'modified by an inplace operation', as small programs with their cures.

The idea: data over branches. Each pattern is what a person once wrote, the same program with
the smallest change that makes it right, and what a diagnosis has to say about it.
Numbers, order and threads: section D of the course's facts on root causes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Pattern:
    """One way to the error. Programs leave the tensors whose gradients count in `leaves`.

    trigger: the saving line ends with '# saver', each line that writes afterwards with
    '# writer'. cured: the same program, right. cure: the name in `doctor.CURES`.
    saver, writers: the operations, writers in the order of their marked lines.
    thread: a public one to read on, '' where none was found.
    no_twin: why the cure is not meant to compute what the trigger would with every saved
    tensor cloned; by_hand: then, an out-of-place program with the cure's gradients.
    """

    name: str
    trigger: str
    cured: str
    cure: str
    saver: str
    writers: tuple[str, ...]
    thread: str = ""
    no_twin: str = ""
    by_hand: str = ""

    @property
    def file(self) -> str:
        """The file name that its trigger is compiled with."""
        return f"<pattern {self.name}>"

    def marked(self, mark: str) -> list[int]:
        """The numbers of the trigger's lines that end with '# saver' or '# writer'."""
        return [n for n, line in enumerate(self.trigger.split("\n"), 1) if line.endswith(f"  # {mark}")]


PATTERNS = (
    Pattern(
        "residual onto a relu",
        cure="augmented assignment",
        saver="relu",
        writers=("add_",),
        thread="open-mmlab/mmdetection#7933",
        trigger="""
import torch
import torch.nn.functional as F

torch.manual_seed(0)
a = torch.randn(4, 8, requires_grad=True)
shortcut = torch.randn(4, 8, requires_grad=True)
leaves = {"a": a, "shortcut": shortcut}

x = F.relu(a * 2)  # saver
x += shortcut  # writer
x.square().sum().backward()
""",
        cured="""
import torch
import torch.nn.functional as F

torch.manual_seed(0)
a = torch.randn(4, 8, requires_grad=True)
shortcut = torch.randn(4, 8, requires_grad=True)
leaves = {"a": a, "shortcut": shortcut}

x = F.relu(a * 2)
x = x + shortcut
x.square().sum().backward()
""",
    ),
    Pattern(
        "critic stepped before the generator's backward",
        cure="optimizer step",
        saver="linear",
        writers=("add_",),
        thread="pytorch/pytorch#39141",
        trigger="""
import torch
from torch import nn

torch.manual_seed(0)
generator = nn.Linear(3, 8)
critic = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
generator_optimizer = torch.optim.SGD(generator.parameters(), 0.1)
critic_optimizer = torch.optim.SGD(critic.parameters(), 0.1)
leaves = dict(generator.named_parameters())

fake = generator(torch.randn(4, 3))
score = critic(fake)  # saver
critic_loss = score.mean()
generator_loss = -score.mean()

critic_optimizer.zero_grad()
critic_loss.backward(retain_graph=True)
critic_optimizer.step()  # writer

generator_optimizer.zero_grad()
generator_loss.backward()
""",
        cured="""
import torch
from torch import nn

torch.manual_seed(0)
generator = nn.Linear(3, 8)
critic = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
generator_optimizer = torch.optim.SGD(generator.parameters(), 0.1)
critic_optimizer = torch.optim.SGD(critic.parameters(), 0.1)
leaves = dict(generator.named_parameters())

fake = generator(torch.randn(4, 3))
critic_loss = critic(fake.detach()).mean()

critic_optimizer.zero_grad()
critic_loss.backward()
critic_optimizer.step()

generator_loss = -critic(fake).mean()
generator_optimizer.zero_grad()
generator_loss.backward()
""",
        no_twin="After the step the cure asks the new critic, the trigger's graph belongs to the old one.",
        by_hand="""
import torch
from torch import nn
from torch.func import functional_call

torch.manual_seed(0)
generator = nn.Linear(3, 8)
critic = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
leaves = dict(generator.named_parameters())

fake = generator(torch.randn(4, 3))
old = dict(critic.named_parameters())
slopes = torch.autograd.grad(critic(fake.detach()).mean(), list(old.values()))
new = {name: weight - 0.1 * slope for (name, weight), slope in zip(old.items(), slopes)}
generator_loss = -functional_call(critic, new, fake).mean()
generator_loss.backward()
""",
    ),
    Pattern(
        "boxes decoded into a sigmoid",
        cure="written part by part",
        saver="sigmoid",
        writers=("__setitem__", "__setitem__"),
        thread="ultralytics/yolov5#671",
        trigger="""
import torch

torch.manual_seed(0)
raw = torch.randn(1, 3, 4, 4, 7, requires_grad=True)
leaves = {"raw": raw}

y = torch.sigmoid(raw)  # saver
y[..., 0:2] = (y[..., 0:2] * 2 - 0.5) * 8  # writer
y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * 16  # writer
y.sum().backward()
""",
        cured="""
import torch

torch.manual_seed(0)
raw = torch.randn(1, 3, 4, 4, 7, requires_grad=True)
leaves = {"raw": raw}

y = torch.sigmoid(raw)
centre, size, rest = y.split((2, 2, 3), -1)
centre = (centre * 2 - 0.5) * 8
size = (size * 2) ** 2 * 16
y = torch.cat((centre, size, rest), -1)
y.sum().backward()
""",
    ),
    Pattern(
        "buffer written by the next forward",
        cure="buffer of a later forward",
        saver="mul",
        writers=("mul_", "add_"),
        thread="pytorch/pytorch#22095",
        trigger="""
import torch
from torch import nn


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("scale", torch.ones(4))

    def forward(self, x):
        self.scale.mul_(0.9)  # writer
        self.scale.add_(0.3)  # writer
        return self.linear(x) * self.scale  # saver


torch.manual_seed(0)
net = Scaled()
leaves = dict(net.named_parameters())

first = net(torch.randn(2, 4))
second = net(torch.randn(2, 4))
(first.sum() + second.sum()).backward()
""",
        cured="""
import torch
from torch import nn


class Scaled(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.register_buffer("scale", torch.ones(4))

    def forward(self, x):
        self.scale.mul_(0.9)
        self.scale.add_(0.3)
        return self.linear(x) * self.scale.clone()


torch.manual_seed(0)
net = Scaled()
leaves = dict(net.named_parameters())

first = net(torch.randn(2, 4))
second = net(torch.randn(2, 4))
(first.sum() + second.sum()).backward()
""",
    ),
    Pattern(
        "position added after a convolution",
        cure="augmented assignment",
        saver="conv2d",
        writers=("add_",),
        thread="Wolfwjs/GANet#20",
        trigger="""
import torch
from torch import nn

torch.manual_seed(0)
stem = nn.Conv2d(3, 4, 1)
side = nn.Conv2d(4, 4, 1)
position = torch.randn(1, 4, 5, 5, requires_grad=True)
leaves = {"stem": stem.weight, "side": side.weight, "position": position}

x = stem(torch.randn(1, 3, 5, 5))
y = side(x)  # saver
x += position  # writer
(x * y).sum().backward()
""",
        cured="""
import torch
from torch import nn

torch.manual_seed(0)
stem = nn.Conv2d(3, 4, 1)
side = nn.Conv2d(4, 4, 1)
position = torch.randn(1, 4, 5, 5, requires_grad=True)
leaves = {"stem": stem.weight, "side": side.weight, "position": position}

x = stem(torch.randn(1, 3, 5, 5))
y = side(x)
x = x + position
(x * y).sum().backward()
""",
    ),
    Pattern(
        "time buffer filled from itself",
        cure="written part by part",
        saver="mul",
        writers=("__setitem__",),
        thread="pytorch/pytorch#114505",
        trigger="""
import torch

torch.manual_seed(0)
weight = torch.randn(1, requires_grad=True)
leaves = {"weight": weight}

states = torch.zeros(4, 6)
for t in range(1, 6):
    state = torch.tanh(states[:, t - 1] * weight + 1)  # saver
    states[:, t] = state  # writer
states.sum().backward()
""",
        cured="""
import torch

torch.manual_seed(0)
weight = torch.randn(1, requires_grad=True)
leaves = {"weight": weight}

states = [torch.zeros(4)]
for t in range(1, 6):
    state = torch.tanh(states[t - 1] * weight + 1)
    states.append(state)
torch.stack(states, 1).sum().backward()
""",
    ),
    Pattern(
        "in-place dropout behind a relu",
        cure="in-place module",
        saver="relu",
        writers=("dropout",),
        thread="facebookresearch/3detr#55",
        trigger="""
import torch
from torch import nn


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 8)
        self.activation = nn.ReLU()
        self.dropout = nn.Dropout(0.5, inplace=True)
        self.out = nn.Linear(8, 2)

    def forward(self, x):
        x = self.activation(self.hidden(x))  # saver
        x = self.dropout(x)  # writer
        return self.out(x)


torch.manual_seed(0)
head = Head()
leaves = dict(head.named_parameters())

head(torch.randn(4, 8)).square().sum().backward()
""",
        cured="""
import torch
from torch import nn


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 8)
        self.activation = nn.ReLU()
        self.dropout = nn.Dropout(0.5)
        self.out = nn.Linear(8, 2)

    def forward(self, x):
        x = self.activation(self.hidden(x))
        x = self.dropout(x)
        return self.out(x)


torch.manual_seed(0)
head = Head()
leaves = dict(head.named_parameters())

head(torch.randn(4, 8)).square().sum().backward()
""",
    ),
    Pattern(
        "in-place activation on a shortcut",
        cure="in-place activation",
        saver="sigmoid",
        writers=("relu",),
        thread="NVlabs/FUNIT#23",
        trigger="""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
convolution = nn.Conv2d(4, 4, 1)
image = torch.randn(1, 4, 5, 5, requires_grad=True)
leaves = {"weight": convolution.weight, "image": image}

x = torch.sigmoid(image)  # saver
active = F.relu(x, inplace=True)  # writer
block = convolution(active) + x
block.square().sum().backward()
""",
        cured="""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
convolution = nn.Conv2d(4, 4, 1)
image = torch.randn(1, 4, 5, 5, requires_grad=True)
leaves = {"weight": convolution.weight, "image": image}

x = torch.sigmoid(image)
active = F.relu(x)
block = convolution(active) + x
block.square().sum().backward()
""",
    ),
    Pattern(
        "vectors divided by their norm",
        cure="augmented assignment",
        saver="norm",
        writers=("div_",),
        thread="huggingface/transformers#24525",
        trigger="""
import torch

torch.manual_seed(0)
weight = torch.randn(4, 8, requires_grad=True)
leaves = {"weight": weight}

x = weight * 2
length = x.norm(dim=-1, keepdim=True)  # saver
x /= length  # writer
x[:, 0].sum().backward()
""",
        cured="""
import torch

torch.manual_seed(0)
weight = torch.randn(4, 8, requires_grad=True)
leaves = {"weight": weight}

x = weight * 2
length = x.norm(dim=-1, keepdim=True)
x = x / length
x[:, 0].sum().backward()
""",
    ),
    Pattern(
        "relu twice",
        cure="in-place activation",
        saver="relu",
        writers=("relu",),
        thread="pytorch/pytorch#34429",
        trigger="""
import torch
import torch.nn.functional as F

torch.manual_seed(0)
a = torch.randn(4, 8, requires_grad=True)
leaves = {"a": a}

x = a * 2
x = F.relu(x, inplace=True)  # saver
x = F.relu(x, inplace=True)  # writer
x.square().sum().backward()
""",
        cured="""
import torch
import torch.nn.functional as F

torch.manual_seed(0)
a = torch.randn(4, 8, requires_grad=True)
leaves = {"a": a}

x = a * 2
x = F.relu(x, inplace=True)
x.square().sum().backward()
""",
    ),
    Pattern(
        "sum of distances",
        cure="augmented assignment",
        saver="norm",
        writers=("add_",),
        thread="pytorch/pytorch#78140",
        trigger="""
import torch

torch.manual_seed(0)
a = torch.randn(5, requires_grad=True)
b = torch.randn(5, requires_grad=True)
leaves = {"a": a, "b": b}

distance = a.norm()  # saver
distance += b.norm()  # writer
distance.backward()
""",
        cured="""
import torch

torch.manual_seed(0)
a = torch.randn(5, requires_grad=True)
b = torch.randn(5, requires_grad=True)
leaves = {"a": a, "b": b}

distance = a.norm()
distance = distance + b.norm()
distance.backward()
""",
    ),
    Pattern(
        "embedding with max_norm",
        cure="embedding renormalised",
        saver="matmul",
        writers=("embedding",),
        thread="pytorch/pytorch#26596",
        trigger="""
import torch
from torch import nn

torch.manual_seed(0)
table = nn.Embedding(5, 3, max_norm=0.1)
projection = torch.randn(3, 2, requires_grad=True)
leaves = {"table": table.weight, "projection": projection}

every = table.weight @ projection  # saver
some = table(torch.tensor([1, 2])) @ projection  # writer
(every.sum() + some.sum()).backward()
""",
        cured="""
import torch
from torch import nn

torch.manual_seed(0)
table = nn.Embedding(5, 3, max_norm=0.1)
projection = torch.randn(3, 2, requires_grad=True)
leaves = {"table": table.weight, "projection": projection}

every = table.weight.clone() @ projection
some = table(torch.tensor([1, 2])) @ projection
(every.sum() + some.sum()).backward()
""",
    ),
    Pattern(
        "hidden state carried over a step",
        cure="optimizer step",
        saver="rnn_tanh_cell",
        writers=("add_",),
        thread="norse/norse#163",
        trigger="""
import torch
from torch import nn

torch.manual_seed(0)
cell = nn.RNNCell(3, 4)
optimizer = torch.optim.SGD(cell.parameters(), 0.1)
leaves = dict(cell.named_parameters())

hidden = torch.zeros(2, 4)
for x in torch.randn(3, 2, 3):
    hidden = cell(x, hidden)  # saver
    optimizer.zero_grad()
    hidden.sum().backward(retain_graph=True)
    optimizer.step()  # writer
""",
        cured="""
import torch
from torch import nn

torch.manual_seed(0)
cell = nn.RNNCell(3, 4)
optimizer = torch.optim.SGD(cell.parameters(), 0.1)
leaves = dict(cell.named_parameters())

hidden = torch.zeros(2, 4)
for x in torch.randn(3, 2, 3):
    hidden = cell(x, hidden.detach())
    optimizer.zero_grad()
    hidden.sum().backward()
    optimizer.step()
""",
        no_twin="With the state detached the gradient ends at this step, the trigger's goes on to the first.",
        by_hand="""
import torch
from torch import nn
from torch.func import functional_call

torch.manual_seed(0)
cell = nn.RNNCell(3, 4)
weights = dict(cell.named_parameters())

hidden = torch.zeros(2, 4)
for x in torch.randn(3, 2, 3):
    leaves = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
    hidden = functional_call(cell, leaves, (x, hidden.detach()))
    hidden.sum().backward()
    weights = {name: weight - 0.1 * weight.grad for name, weight in leaves.items()}
""",
    ),
    Pattern(
        "step between two losses",
        cure="optimizer step",
        saver="linear",
        writers=("addcdiv_",),
        thread="pytorch/pytorch#55368",
        trigger="""
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
optimizer = torch.optim.Adam(net.parameters())
leaves = dict(net.named_parameters())

out = net(torch.randn(5, 3))  # saver
first_loss = out[:, 0].mean()
second_loss = out[:, 1].mean()

first_loss.backward(retain_graph=True)
optimizer.step()  # writer
second_loss.backward()
""",
        cured="""
import torch
from torch import nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
optimizer = torch.optim.Adam(net.parameters())
leaves = dict(net.named_parameters())

out = net(torch.randn(5, 3))
first_loss = out[:, 0].mean()
second_loss = out[:, 1].mean()

first_loss.backward(retain_graph=True)
second_loss.backward()
optimizer.step()
""",
    ),
    Pattern(
        "attention masked after the softmax",
        cure="written part by part",
        saver="softmax",
        writers=("__setitem__",),
        thread="wutong16/DistributionBalancedLoss#20",
        trigger="""
import torch

torch.manual_seed(0)
scores = torch.randn(2, 4, 4, requires_grad=True)
values = torch.randn(2, 4, 5, requires_grad=True)
padding = torch.tensor([False, False, False, True])
leaves = {"scores": scores, "values": values}

attention = torch.softmax(scores, -1)  # saver
attention[:, :, padding] = 0  # writer
(attention @ values).sum().backward()
""",
        cured="""
import torch

torch.manual_seed(0)
scores = torch.randn(2, 4, 4, requires_grad=True)
values = torch.randn(2, 4, 5, requires_grad=True)
padding = torch.tensor([False, False, False, True])
leaves = {"scores": scores, "values": values}

attention = torch.softmax(scores, -1)
attention = torch.where(padding, 0, attention)
(attention @ values).sum().backward()
""",
    ),
    Pattern(
        "write through detach",
        cure="any other write",
        saver="sigmoid",
        writers=("clamp_",),
        thread="pytorch/pytorch#6990",
        trigger="""
import torch

torch.manual_seed(0)
logits = torch.randn(6, requires_grad=True)
leaves = {"logits": logits}

chance = logits.sigmoid()  # saver
shown = chance.detach()
shown.clamp_(max=0.5)  # writer
chance.sum().backward()
""",
        cured="""
import torch

torch.manual_seed(0)
logits = torch.randn(6, requires_grad=True)
leaves = {"logits": logits}

chance = logits.sigmoid()
shown = chance.detach().clone()
shown.clamp_(max=0.5)
chance.sum().backward()
""",
    ),
    Pattern(
        "moving average before backward",
        cure="weights written by hand",
        saver="linear",
        writers=("mul_", "add_"),
        trigger="""
import copy

import torch
from torch import nn

torch.manual_seed(0)
student = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
teacher = copy.deepcopy(student)
prompt = torch.randn(2, 4, requires_grad=True)
leaves = {"prompt": prompt, **dict(student.named_parameters())}

target = teacher(prompt)  # saver
loss = (student(prompt) - target.square()).sum()
with torch.no_grad():
    for slow, fast in zip(teacher.parameters(), student.parameters()):
        slow.mul_(0.9)  # writer
        slow.add_(fast, alpha=0.1)  # writer
loss.backward()
""",
        cured="""
import copy

import torch
from torch import nn

torch.manual_seed(0)
student = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
teacher = copy.deepcopy(student)
prompt = torch.randn(2, 4, requires_grad=True)
leaves = {"prompt": prompt, **dict(student.named_parameters())}

target = teacher(prompt)
loss = (student(prompt) - target.square()).sum()
loss.backward()
with torch.no_grad():
    for slow, fast in zip(teacher.parameters(), student.parameters()):
        slow.mul_(0.9)
        slow.add_(fast, alpha=0.1)
""",
    ),
)
