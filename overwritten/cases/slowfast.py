"""A small SlowFast with a person head, as the report's project has it: every fault is a switch.

The idea: two pathways over one clip, a slow one with many channels and a fast one with many
frames, joined by lateral connections; behind them a head that looks at one person at a time.
Names follow AlphAction (MVIG-SJTU/AlphAction, commit 4ea202d); it is far smaller, but for the
head's width of 1024. Source of the facts: its roi_action_feature_extractor.py:113 and
roi_action_predictors.py:14, 22 and 24.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from overwritten.cases.slowfast_data import ALPHA, CLASSES, NETWORK

BLOCKS = {"Slowfast-Resnet50": (1, 1), "Slowfast-Resnet101": (1, 3)}


@dataclass(frozen=True)
class Config:
    """As shipped: `Config()`. Each field is one of the report's switches, or one of the lesson's.

    head_relu: 'saves its result' (PyTorch since 1.10), 'in place' or 'saves its input' (until
    1.9). clone: '', 'as written' (the report's option 3) or 'tensors' (the same, mended).
    """

    conv_body: str = "Slowfast-Resnet50"
    frozen_bn: bool = False
    ia_structure: bool = True
    dropout_rate: float = 0.3
    dropout_inplace: bool = True
    backbone_relu_inplace: bool = True
    head_relu: str = "saves its result"
    clone: str = ""


class ReLUSavingInput(torch.autograd.Function):
    """ReLU as PyTorch had it until 1.9: backward asks the input where it was positive."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, grad, 0)


class FrozenBatchNorm3d(nn.Module):
    """Scale and shift of a batch norm, as numbers that do not learn."""

    def __init__(self, dim):
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((dim, 1, 1, 1), value))

    def forward(self, x):
        scale = self.weight * self.running_var.rsqrt()
        return x * scale + (self.bias - self.running_mean * scale)


class Conv3dBN(nn.Module):
    def __init__(self, cfg, dim_in, dim_out, kernel, stride=(1, 1, 1)):
        super().__init__()
        padding = tuple(k // 2 for k in kernel)
        self.conv = nn.Conv3d(dim_in, dim_out, kernel, stride, padding, bias=False)
        nn.init.kaiming_normal_(self.conv.weight)
        self.bn = FrozenBatchNorm3d(dim_out) if cfg.frozen_bn else nn.BatchNorm3d(dim_out)

    def forward(self, x):
        return self.bn(self.conv(x))


class ResBlock(nn.Module):
    def __init__(self, cfg, dim_in, dim_out, kernel, stride=1):
        super().__init__()
        self.conv1 = Conv3dBN(cfg, dim_in, dim_out, kernel, (1, stride, stride))
        self.conv2 = Conv3dBN(cfg, dim_out, dim_out, (1, 3, 3))
        self.shortcut = Conv3dBN(cfg, dim_in, dim_out, (1, 1, 1), (1, stride, stride))
        self.relu = nn.ReLU(inplace=cfg.backbone_relu_inplace)

    def forward(self, x):
        tr = self.conv2(self.relu(self.conv1(x)))
        sc = self.shortcut(x)
        return self.relu(tr + sc)


class LateralBlock(nn.Module):
    """What the slow pathway gets of the fast one: twice the channels, every ALPHA-th frame."""

    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv3d(dim, dim * 2, (5, 1, 1), (ALPHA, 1, 1), (2, 0, 0))

    def forward(self, x):
        return self.conv(x)


def _stage(cfg, stage, dim_in, dim_out, kernel):
    count = BLOCKS[cfg.conv_body][stage]
    first = ResBlock(cfg, dim_in, dim_out, kernel, stride=1 + stage)
    return nn.Sequential(first, *[ResBlock(cfg, dim_out, dim_out, (1, 3, 3)) for _ in range(count - 1)])


class FastPath(nn.Module):
    dims = (8, 8, 16)

    def __init__(self, cfg):
        super().__init__()
        a, b, c = self.dims
        self.conv1 = Conv3dBN(cfg, 3, a, (5, 3, 3), (1, 2, 2))
        self.relu = nn.ReLU(inplace=cfg.backbone_relu_inplace)
        self.maxpool1 = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        self.Tconv1, self.Tconv2 = LateralBlock(a), LateralBlock(b)
        self.res1, self.res2 = _stage(cfg, 0, a, b, (3, 3, 3)), _stage(cfg, 1, b, c, (3, 3, 3))

    def forward(self, x):
        out = self.maxpool1(self.relu(self.conv1(x)))
        tconv1 = self.Tconv1(out)
        out = self.res1(out)
        tconv2 = self.Tconv2(out)
        return self.res2(out), [tconv1, tconv2]


class SlowPath(nn.Module):
    dims = (8, 16, 32)

    def __init__(self, cfg):
        super().__init__()
        a, b, c = self.dims
        self.conv1 = Conv3dBN(cfg, 3, a, (1, 5, 5), (1, 2, 2))
        self.relu = nn.ReLU(inplace=cfg.backbone_relu_inplace)
        self.maxpool1 = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        self.res1 = _stage(cfg, 0, a + 2 * FastPath.dims[0], b, (1, 3, 3))
        self.res2 = _stage(cfg, 1, b + 2 * FastPath.dims[1], c, (1, 3, 3))

    def forward(self, x, lateral_connection):
        out = self.maxpool1(self.relu(self.conv1(x)))
        out = torch.cat([out, lateral_connection[0]], dim=1)
        out = self.res1(out)
        out = torch.cat([out, lateral_connection[1]], dim=1)
        return self.res2(out)


class SlowFast(nn.Module):
    """slow [B, 3, 2, 64, 96], fast [B, 3, 8, 64, 96] → [B, 32, 2, 8, 12], [B, 16, 8, 8, 12]."""

    def __init__(self, cfg):
        super().__init__()
        self.slow, self.fast = SlowPath(cfg), FastPath(cfg)
        self.dim_out = SlowPath.dims[-1] + FastPath.dims[-1]

    def forward(self, slow_x, fast_x):
        fastout, tconv = self.fast(fast_x)
        return self.slow(slow_x, tconv), fastout


class IAStructure(nn.Module):
    """What a person gets of all others in the same clip."""

    def __init__(self, dim):
        super().__init__()
        self.query, self.key, self.value = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.relu, self.dropout = nn.ReLU(), nn.Dropout(0.2)

    def forward(self, x, clip):
        scores = self.query(x) @ self.key(x).T / x.size(1) ** 0.5
        scores = scores.masked_fill(clip[:, None] != clip[None, :], float("-inf"))
        return self.dropout(self.relu(self.value(scores.softmax(1) @ x)))


class MLPFeatureExtractor(nn.Module):
    """Features of a clip and boxes [N, 5] → [N, 1024]: a row for each person."""

    def __init__(self, cfg, dim_in, representation_size=1024):
        super().__init__()
        self.cfg = cfg
        if cfg.ia_structure:
            self.ia_structure = IAStructure(dim_in)
        self.fc1 = nn.Linear(dim_in, representation_size)
        self.fc2 = nn.Linear(representation_size, representation_size)
        for layer in (self.fc1, self.fc2):
            nn.init.kaiming_uniform_(layer.weight, a=1)
            nn.init.constant_(layer.bias, 0)

    def roi_pooling(self, features, boxes):
        """[B, C, T, H, W] → [N, C]: the mean over time, then the largest value in the box."""
        return roi_align(features.mean(dim=2), boxes).amax((2, 3))

    def mlp(self, x):
        if self.cfg.head_relu == "saves its input":
            relu = ReLUSavingInput.apply
            return relu(self.fc2(relu(self.fc1(x))))
        if self.cfg.head_relu == "in place":
            x = F.relu(self.fc1(x), inplace=True)
            return F.relu(self.fc2(x), inplace=True)
        x = F.relu(self.fc1(x))
        return F.relu(self.fc2(x))

    def forward(self, slow_features, fast_features, boxes):
        x = [self.roi_pooling(features, boxes) for features in (slow_features, fast_features)]
        x = torch.cat(x, dim=1)
        if self.cfg.ia_structure:
            x = x + self.ia_structure(x, boxes[:, 0])
        return self.mlp(x)


def roi_align(features, boxes, size=7):
    """[B, C, H, W], boxes [N, 5] in the network's pixels → [N, C, 7, 7], bilinear."""
    height, width = NETWORK
    corners = boxes[:, 1:] / torch.tensor([width, height, width, height]) * 2 - 1
    at = (torch.arange(size) + 0.5) / size
    x = corners[:, 0:1] + (corners[:, 2:3] - corners[:, 0:1]) * at
    y = corners[:, 1:2] + (corners[:, 3:4] - corners[:, 1:2]) * at
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), 3)
    return F.grid_sample(features[boxes[:, 0].long()], grid, align_corners=False)


class FCPredictor(nn.Module):
    def __init__(self, cfg, dim_in, num_classes=CLASSES):
        super().__init__()
        if cfg.dropout_rate > 0:
            self.dropout = nn.Dropout(p=cfg.dropout_rate, inplace=cfg.dropout_inplace)
        self.cls_score = nn.Linear(dim_in, num_classes)
        nn.init.normal_(self.cls_score.weight, std=0.01)
        nn.init.constant_(self.cls_score.bias, 0)

    def forward(self, x):
        x = x.view(x.size(0), -1)
        if hasattr(self, "dropout"):
            x = self.dropout(x)
        return self.cls_score(x)


class ActionDetector(nn.Module):
    """slow, fast, boxes (see `slowfast_data.collate`) → scores [N, 16], before the sigmoid."""

    def __init__(self, cfg=Config()):
        super().__init__()
        self.cfg = cfg
        self.backbone = SlowFast(cfg)
        self.extractor = MLPFeatureExtractor(cfg, self.backbone.dim_out)
        self.predictor = FCPredictor(cfg, 1024)

    def forward(self, slow_video, fast_video, boxes):
        slow_features, fast_features = self.backbone(slow_video, fast_video)
        if self.cfg.clone == "as written":
            slow_features = [f.clone() for f in slow_features]
            fast_features = [f.clone() for f in fast_features]
        elif self.cfg.clone == "tensors":
            slow_features, fast_features = slow_features.clone(), fast_features.clone()
        x = self.extractor(slow_features, fast_features, boxes)
        return self.predictor(x)


def losses_of(model, batch):
    """The loss of a batch as `slowfast_data.collate` makes it: one for all classes of all persons."""
    slow, fast, boxes, labels = batch
    return F.binary_cross_entropy_with_logits(model(slow, fast, boxes), labels)


def average_precision(scores, labels) -> float:
    """How well scores [N] rank the labelled ones (labels [N] of 0 and 1) before the others.

    Walk down the ranking; at each labelled one note which part of those met so far is
    labelled; the mean of these notes. Raises ZeroDivisionError where nothing is labelled.

    >>> average_precision(torch.tensor([0.9, 0.8, 0.1]), torch.tensor([1, 0, 1])) == (1 / 1 + 2 / 3) / 2
    True
    """
    found, notes = 0, []
    for rank, label in enumerate(labels[scores.argsort(descending=True, stable=True)].tolist(), 1):
        if label:
            found += 1
            notes.append(found / rank)
    return sum(notes) / len(notes)


def mean_average_precision(scores, labels) -> float:
    """Of scores and labels [N, classes]: the mean over the classes that somebody has."""
    classes = [k for k in range(labels.size(1)) if labels[:, k].any()]
    return sum(average_precision(scores[:, k], labels[:, k]) for k in classes) / len(classes)
