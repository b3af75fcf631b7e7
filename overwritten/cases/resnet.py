"""A detector's backbone as mmdetection builds it: layer4 of a ResNet-50, a ConvModule, FPN's laterals.

The idea: each fault is one more write. In the fifteen stories it hits the result of a ReLU, in
five more the ReLU itself is the writer: programs as code, with their writing line and the same
line out of place.
After mmdet 2.25.0 (resnet.py, fpn.py) and mmcv 1.5.3 (ConvModule), reduced to what runs here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

#: Two images of 800 by 800 pixels after layer4: stride 32, 2048 channels. 10 MB.
C5 = (2, 2048, 800 // 32, 800 // 32)


class Bottleneck(nn.Module):
    """The stock block: `out += identity`, then the ReLU, as in mmdet's resnet.py (lines 291, 300).

    Takes [N, inplanes, H, W], returns [N, 4 · planes, H / stride, W / stride].
    """

    def __init__(self, inplanes: int, planes: int, stride: int = 1, inplace: bool = True):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        self.relu = nn.ReLU(inplace=inplace)
        self.downsample = None
        if stride > 1 or inplanes != 4 * planes:
            conv = nn.Conv2d(inplanes, 4 * planes, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(4 * planes))

    def forward(self, x):
        identity = x
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        if self.downsample is not None:
            identity = self.downsample(x)
        out += identity
        out = self.relu(out)
        return out


def layer4(inplanes: int = 1024, planes: int = 512, blocks: int = 3, inplace: bool = True) -> nn.Sequential:
    """The last stage of a ResNet-50: [N, 1024, H, W] → [N, 2048, H / 2, W / 2]."""
    first = Bottleneck(inplanes, planes, stride=2, inplace=inplace)
    others = [Bottleneck(4 * planes, planes, inplace=inplace) for _ in range(blocks - 1)]
    return nn.Sequential(first, *others)


class ConvModule(nn.Module):
    """Convolution, batch norm, ReLU; the ReLU works in place by default, as mmcv's does.

    Takes [N, in_channels, H, W], returns [N, out_channels, H, W].
    """

    def __init__(self, in_channels: int, out_channels: int, kernel_size: int = 1, inplace: bool = True):
        super().__init__()
        pad = kernel_size // 2
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=pad, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        self.activate = nn.ReLU(inplace=inplace)

    def forward(self, x):
        x = self.conv(x)
        x = self.bn(x)
        x = self.activate(x)
        return x


class FPN(nn.Module):
    """The top-down path of a feature pyramid over maps of 8, 16 and 32 channels, each half as large.

    norm: a batch norm on every lateral. act: None for no ReLU there (mmdet's default), else the
    ReLU's `inplace`. in_place: write `laterals[i - 1] += …`, as mmdet did until 2022.
    """

    def __init__(self, norm: bool = False, act: bool | None = None, in_place: bool = True):
        super().__init__()
        self.in_place = in_place
        self.lateral_convs, self.fpn_convs = nn.ModuleList(), nn.ModuleList()
        for channels in (8, 16, 32):
            parts = [nn.Conv2d(channels, 4, 1)]
            parts += [nn.BatchNorm2d(4)] if norm else []
            parts += [nn.ReLU(inplace=act)] if act is not None else []
            self.lateral_convs.append(nn.Sequential(*parts))
            self.fpn_convs.append(nn.Conv2d(4, 4, 3, padding=1))

    def forward(self, inputs):
        laterals = [conv(x) for conv, x in zip(self.lateral_convs, inputs)]
        for i in (2, 1):
            up = F.interpolate(laterals[i], scale_factor=2)
            if self.in_place:
                laterals[i - 1] += up
            else:
                laterals[i - 1] = laterals[i - 1] + up
        return [conv(x) for conv, x in zip(self.fpn_convs, laterals)]


def feature_maps() -> list[torch.Tensor]:
    """What FPN takes: two images, 8 by 8, 4 by 4 and 2 by 2 cells."""
    return [torch.randn(2, channels, side, side) for channels, side in ((8, 8), (16, 4), (32, 2))]


class OldReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * (x > 0)


def relu_1_9(x: torch.Tensor, inplace: bool = False) -> torch.Tensor:
    """ReLU as it was until torch 1.9, rebuilt: out of place it saves its input, not its result.

    In place it always saved its result, for the input was gone; there nothing has changed.
    Source: PyTorch's issue 63027 and pull request 63089.
    """
    return F.relu_(x) if inplace else OldReLU.apply(x)


class Story(NamedTuple):
    """Lines of code, the line among them that writes, the same out of place ('' where none need be)."""

    lines: str
    write: str = ""
    instead: str = ""
    loss: str = "x.sum()"


#: `a` and `b` are leaves of one shape; `a * 1.5` stands for what a convolution or a batch norm
#: gives, a new tensor that nobody has saved; `c` is a convolution to one channel; `ON` is the
#: setting of the ReLU.
STORIES = {
    "relu, += res": Story("x = relu(a * 1.5, inplace=ON)\nx += b", "x += b", "x = x + b"),
    "relu, *= a gate made elsewhere": Story(
        "x = relu(a * 1.5, inplace=ON)\nx *= torch.sigmoid(b)",
        "x *= torch.sigmoid(b)",
        "x = x * torch.sigmoid(b)",
    ),
    "relu, *= a gate made of itself": Story(
        "x = relu(a * 1.5, inplace=ON)\ngate = torch.sigmoid(c(x))\nx *= gate", "x *= gate", "x = x * gate"
    ),
    "relu, a gate out of place": Story("x = relu(a * 1.5, inplace=ON)\nx = x * torch.sigmoid(c(x))"),
    "relu, relu again": Story(
        "x = relu(a * 1.5, inplace=ON)\nx = relu(x, inplace=ON)",
        "x = relu(x, inplace=ON)",
        "x = relu(x, inplace=False)",
    ),
    "the stock block": Story("x = a * 1.5\nx += b\nx = relu(x, inplace=ON)"),
    "the stock block, += a": Story("x = a * 1.5\nx += b\nx = relu(x, inplace=ON)\nx += a", "x += a", "x = x + a"),
    "out = out + identity, relu, *= gate": Story(
        "x = a * 1.5 + b\nx = relu(x, inplace=ON)\nx *= torch.sigmoid(b)",
        "x *= torch.sigmoid(b)",
        "x = x * torch.sigmoid(b)",
    ),
    "a checkpointed block, += a": Story(
        "from torch.utils.checkpoint import checkpoint\n"
        "def block(t):\n    t = t * 1.5\n    t += b\n    return t\n"
        "x = checkpoint(block, a, use_reentrant=False)\nx = relu(x, inplace=ON)\nx += a",
        "x += a",
        "x = x + a",
    ),
    "relu, a convolution, += res": Story(
        "x = relu(a * 1.5, inplace=ON)\ny = c(x)\nx += b", "x += b", "x = x + b", "(x.sum() + y.sum())"
    ),
    "relu, squeeze_": Story("x = relu(a * 1.5, inplace=ON)\nx.squeeze_()", "x.squeeze_()", "x = x.squeeze()"),
    "relu, unsqueeze_": Story("x = relu(a * 1.5, inplace=ON)\nx.unsqueeze_(0)", "x.unsqueeze_(0)", "x = x.unsqueeze(0)"),
    "relu, dropout in place": Story(
        "x = relu(a * 1.5, inplace=ON)\nx = F.dropout(x, 0.1, inplace=True)",
        "x = F.dropout(x, 0.1, inplace=True)",
        "x = F.dropout(x, 0.1)",
    ),
    "relu, div_ (DropPath)": Story("x = relu(a * 1.5, inplace=ON)\nx.div_(0.9)", "x.div_(0.9)", "x = x.div(0.9)"),
    "relu, x[:, :1] = 0": Story(
        "x = relu(a * 1.5, inplace=ON)\nx[:, :1] = 0",
        "x[:, :1] = 0",
        "x = torch.cat([x[:, :1] * 0, x[:, 1:]], 1)",
    ),
}

#: Here the ReLU in place writes over what another operation has saved before it.
WRITERS = {
    name: Story(f"{before}\nx = relu(x, inplace=ON){after}", "inplace=ON", "inplace=False", loss)
    for name, (before, after, loss) in {
        "a square, relu": ("x = a * 1.5\ny = x ** 2", "", "(x.sum() + y.sum())"),
        "a convolution, relu": ("x = a * 1.5\ny = c(x)", "", "(x.sum() + y.sum())"),
        "a gate, relu": ("x = a * 1.5\ngate = torch.sigmoid(c(x))", "\nx = x * gate", "x.sum()"),
        "sigmoid, relu": ("x = torch.sigmoid(a)", "", "x.sum()"),
        "+= b, a convolution, relu": ("x = a * 1.5\nx += b\ny = c(x)", "", "(x.sum() + y.sum())"),
    }.items()
}


def story(name: str, inplace: bool, mended: bool = False, shape=(2, 4, 3, 3)) -> str:
    """The code of one of `STORIES` or `WRITERS`, ready to run where `relu`, torch, nn and F are known.

    inplace: the setting of every ReLU in it. mended: its writing line out of place instead.
    shape: of the leaves, [N, C, H, W].
    """
    lines, write, instead, loss = (STORIES | WRITERS)[name]
    if mended and write:
        lines = lines.replace(write, instead)
    leaf = f"torch.randn({', '.join(map(str, shape))}, requires_grad=True)"
    given = [f"{one} = {leaf}" for one in "ab" if re.search(rf"\b{one}\b", lines)]
    given += [f"c = nn.Conv2d({shape[1]}, 1, 1)"] if "c(x)" in lines else []
    return "\n".join([*given, lines.replace("ON", str(inplace)), f"{loss}.backward()"])
