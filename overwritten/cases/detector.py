"""A few-shot detector, small: prototypes from support images, proposals, box deltas, two losses.

Its shape and names (`FeatureEmbedding`, `apply_box_deltas`, `compute_detection_loss`, `pos_mask`,
`shifted_labels`) follow a public repository whose training stopped with the in-place error; the
three fixes that it published are three switches here. Boxes are left, top, width, height in px.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from overwritten.cases.detector_data import CLASSES, SIZE, LabelledImage


#: Of the classes in the loss: most proposals show the ground, so it counts a quarter.
WEIGHT = torch.tensor([0.25] + [1.0] * len(CLASSES))


def apply_box_deltas(boxes, deltas):
    """Move and scale boxes [P, 4] by deltas [P, 4], as it was found: in place."""
    deltas_clamped = deltas.clamp(-5, 5)
    refined = boxes.clone().float()
    refined[:, 0] = refined[:, 0] + deltas_clamped[:, 0] * refined[:, 2] * 0.1
    refined[:, 1] = refined[:, 1] + deltas_clamped[:, 1] * refined[:, 3] * 0.1
    refined[:, 2] = refined[:, 2] * torch.exp(deltas_clamped[:, 2] * 0.1)
    refined[:, 3] = refined[:, 3] * torch.exp(deltas_clamped[:, 3] * 0.1)
    refined[:, 2] = torch.clamp(refined[:, 2], 1, SIZE)
    refined[:, 3] = torch.clamp(refined[:, 3], 1, SIZE)
    refined[:, 0] = torch.clamp(refined[:, 0], 0, SIZE - 1)
    refined[:, 1] = torch.clamp(refined[:, 1], 0, SIZE - 1)
    return refined


def apply_box_deltas_stacked(boxes, deltas):
    """The same numbers, published fix 1: four new columns, put together at the end."""
    deltas_clamped = deltas.clamp(-5, 5)
    refined_x = boxes[:, 0] + deltas_clamped[:, 0] * boxes[:, 2] * 0.1
    refined_y = boxes[:, 1] + deltas_clamped[:, 1] * boxes[:, 3] * 0.1
    refined_w = boxes[:, 2] * torch.exp(deltas_clamped[:, 2] * 0.1)
    refined_h = boxes[:, 3] * torch.exp(deltas_clamped[:, 3] * 0.1)
    refined_w = torch.clamp(refined_w, 1, SIZE)
    refined_h = torch.clamp(refined_h, 1, SIZE)
    refined_x = torch.clamp(refined_x, 0, SIZE - 1)
    refined_y = torch.clamp(refined_y, 0, SIZE - 1)
    return torch.stack([refined_x, refined_y, refined_w, refined_h], dim=1)


class FeatureEmbedding(nn.Module):
    """Features [n, c, h, w] → [n, out, h, w], two 1×1 convolutions with a ReLU between."""

    def __init__(self, channels, out, inplace):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(channels, out, 1), nn.ReLU(inplace), nn.Conv2d(out, out, 1))

    def forward(self, features):
        return self.layers(features)


class FewShotDetector(nn.Module):
    """stack, where, relu_out: the three published fixes, each on or off (all off: as it was found).

    forward(images [n, 3, 64, 64], prototypes) → (boxes [n · 60, 4], logits [n · 60, 1 + classes]).
    """

    def __init__(self, stack: bool = False, where: bool = False, relu_out: bool = False):
        super().__init__()
        self.where = where
        self.apply_box_deltas = apply_box_deltas_stacked if stack else apply_box_deltas
        inplace = not relu_out
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU(inplace),
            nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(inplace),
        )  # fmt: skip
        self.embedding = FeatureEmbedding(32, 16, inplace)
        self.head = nn.Sequential(
            nn.Linear(16 * 7 * 7, 96), nn.ReLU(inplace), nn.Linear(96, 64), nn.ReLU(inplace)
        )
        self.box = nn.Linear(64, 4)
        self.background = nn.Parameter(torch.rand(1, 64))
        self.register_buffer("proposals", make_proposals())

    def look(self, images, boxes):
        """What the head says of boxes [n, m, 4] in images [n, 3, 64, 64] → [n, m, 64]."""
        features = self.embedding(self.backbone(images))
        return self.head(pool(features, boxes).flatten(2))

    def prototypes(self, support: list[LabelledImage]):
        """One vector for each class, the mean over its support images; the background's comes first."""
        images = torch.stack([scene.image for scene in support])
        seen = self.look(images, torch.stack([scene.boxes for scene in support]))
        return torch.cat([self.background, seen.view(len(CLASSES), -1, seen.shape[-1]).mean(1)])

    def propose(self, images, prototypes):
        """(proposals [P, 4], their deltas [P, 4], their logits [P, 1 + classes])."""
        proposals = self.proposals.expand(len(images), -1, -1)
        seen = self.look(images, proposals).flatten(0, 1)
        logits = 10 * F.normalize(seen, dim=1) @ F.normalize(prototypes, dim=1).t()
        return proposals.flatten(0, 1), self.box(seen), logits

    def forward(self, images, prototypes):
        boxes, deltas, logits = self.propose(images, prototypes)
        return self.apply_box_deltas(boxes, deltas), logits


def make_proposals():
    """60 boxes in three forms: 36 squares of 20 px, 12 of 28 × 20, 12 of 20 × 28."""
    boxes = []
    for w, h, columns, rows in ((20, 20, 6, 6), (28, 20, 3, 4), (20, 28, 4, 3)):
        for y in torch.linspace(0, SIZE - h, rows).tolist():
            boxes += [[x, y, w, h] for x in torch.linspace(0, SIZE - w, columns).tolist()]
    return torch.tensor(boxes)


def pool(features, boxes, side=7):
    """Features [n, c, h, w] looked up in boxes [n, m, 4] → [n, m, c, side, side]."""
    n, m = boxes.shape[:2]
    steps = (torch.arange(side) + 0.5) / side
    x = boxes[..., 0, None] + boxes[..., 2, None] * steps
    y = boxes[..., 1, None] + boxes[..., 3, None] * steps
    grid = torch.stack([x[:, :, None, :].expand(n, m, side, side), y[..., None].expand(n, m, side, side)], -1)
    grid = grid.view(n, m * side, side, 2) * 2 / SIZE - 1
    found = F.grid_sample(features, grid, align_corners=False)
    return found.view(n, -1, m, side, side).transpose(1, 2)


def iou(a, b):
    """Intersection over union of boxes [p, 4] and [n, 4] → [p, n]."""
    a, b = a[:, None], b[None]
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    common = (high - low).clamp(min=0).prod(-1)
    return common / (a[..., 2:].prod(-1) + b[..., 2:].prod(-1) - common)


class Matched(NamedTuple):
    """pos_mask [P]: which proposals show an object. gt_indices [P]: which one each is nearest to."""

    pos_mask: torch.Tensor
    gt_indices: torch.Tensor
    gt_boxes: torch.Tensor
    gt_labels: torch.Tensor


def match(proposals, scene: LabelledImage, positives: int | None = None) -> Matched:
    """positives: None for the proposals with an IoU of 0.5 or more, else so many of the best."""
    overlap, gt_indices = iou(proposals, scene.boxes).max(1)
    pos_mask = overlap >= 0.5
    if positives is not None:
        pos_mask = torch.zeros(len(proposals), dtype=torch.bool)
        pos_mask[overlap.argsort(descending=True)[:positives]] = True
    return Matched(pos_mask, gt_indices, scene.boxes, scene.labels)


def match_all(proposals, scenes: list[LabelledImage], positives: int | None = None) -> Matched:
    """`match` for several images, their proposals and objects in one row."""
    each = [match(proposals, scene, positives) for scene in scenes]
    before = [sum(len(scene.labels) for scene in scenes[:n]) for n in range(len(scenes))]
    each = [one._replace(gt_indices=one.gt_indices + n) for one, n in zip(each, before)]
    return Matched(*map(torch.cat, zip(*each)))


def compute_detection_loss(boxes, logits, matched, where=False):
    """Cross-entropy over all P proposals, and smooth L1 over the positive ones, if there are any."""
    pos_mask, gt_indices, gt_boxes, gt_labels = matched
    P = len(boxes)
    targets = torch.zeros(P, dtype=torch.long)
    if pos_mask.any():
        shifted_labels = gt_labels[gt_indices[pos_mask]] + 1
        if where:
            targets = torch.where(pos_mask, shifted_labels.long(), targets)
        else:
            targets[pos_mask] = shifted_labels
    loss = F.cross_entropy(logits, targets, WEIGHT)
    if pos_mask.any():
        loss = loss + F.smooth_l1_loss(boxes[pos_mask], gt_boxes[gt_indices[pos_mask]])
    return loss


def loss_of(model, scenes, support, positives=None):
    """The loss of one episode: prototypes from `support`, then `scenes` (positives: in each)."""
    boxes, logits = model(torch.stack([scene.image for scene in scenes]), model.prototypes(support))
    matched = match_all(model.proposals, scenes, positives)
    return compute_detection_loss(boxes, logits, matched, model.where)


class Detection(NamedTuple):
    """For each object the best box of its class: the box, its proposal, and its IoU with the truth."""

    boxes: torch.Tensor
    proposals: torch.Tensor
    iou: torch.Tensor


@torch.no_grad()
def detect(model, scenes, support) -> list[Detection]:
    """What `model` finds in each scene, in eval mode."""
    model.eval()
    boxes, logits = model(torch.stack([scene.image for scene in scenes]), model.prototypes(support))
    model.train()
    found = []
    for scene, its, scores in zip(scenes, boxes.chunk(len(scenes)), logits.softmax(1).chunk(len(scenes))):
        best = scores[:, scene.labels + 1].argmax(0)
        found.append(Detection(its[best], model.proposals[best], iou(its[best], scene.boxes).diagonal()))
    return found
