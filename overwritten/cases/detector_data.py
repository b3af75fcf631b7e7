"""Made aerial images for the few-shot detector: shapes on noisy ground, each with its exact box.

The idea: a shape is a mask over the pixels, so its box is known by construction; the same seed
gives the same image on every machine. Nothing is downloaded.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn import functional as F

#: Images are SIZE × SIZE pixels.
SIZE = 64
#: The shapes; a class is its place in this tuple.
CLASSES = ("disc", "cross", "ring")


class LabelledImage(NamedTuple):
    """image [3, 64, 64], boxes [n, 4] as left, top, width, height in px, labels [n]."""

    image: torch.Tensor
    boxes: torch.Tensor
    labels: torch.Tensor


def make_scene(seed: int, labels: list[int] | None = None) -> LabelledImage:
    """An image with one object for each of `labels` (default: two different ones), not overlapping.

    >>> make_scene(0).boxes.shape
    torch.Size([2, 4])
    """
    dice = torch.Generator().manual_seed(seed)
    if labels is None:
        labels = torch.randperm(len(CLASSES), generator=dice)[:2].tolist()
    image, boxes = _ground(dice), []
    for label in labels:
        box = _free_place(boxes, dice)
        colour = 0.55 + 0.4 * torch.rand(3, 1, generator=dice)
        image[:, _mask(label, box)] = colour
        boxes.append(box)
    image += 0.03 * torch.randn(image.shape, generator=dice)
    return LabelledImage(image.clamp(0, 1), torch.tensor(boxes, dtype=torch.float), torch.tensor(labels))


def make_scenes(first: int, count: int) -> list[LabelledImage]:
    """`count` scenes, from seed `first` on."""
    return [make_scene(seed) for seed in range(first, first + count)]


def make_support(seed: int, shots: int = 2) -> list[LabelledImage]:
    """`shots` images of each class with one object, class by class."""
    return [make_scene(10_000 * (1 + label) + seed * shots + shot, [label]) for label in range(len(CLASSES)) for shot in range(shots)]


def _ground(dice):
    coarse = torch.rand(1, 3, 6, 6, generator=dice) * 0.35 + 0.05
    return F.interpolate(coarse, size=(SIZE, SIZE), mode="bilinear")[0]


def _free_place(boxes, dice):
    while True:
        w, h = torch.randint(15, 29, (2,), generator=dice).tolist()
        x, y = int(torch.randint(0, SIZE - w, (1,), generator=dice)), int(torch.randint(0, SIZE - h, (1,), generator=dice))
        if all(x + w < a or a + c < x or y + h < b or b + d < y for a, b, c, d in boxes):
            return [x, y, w, h]


def _mask(label, box):
    x, y, w, h = box
    rows, columns = torch.meshgrid(torch.arange(SIZE) + 0.5, torch.arange(SIZE) + 0.5, indexing="ij")
    u, v = (columns - x) * 2 / w - 1, (rows - y) * 2 / h - 1
    inside = (u.abs() <= 1) & (v.abs() <= 1)
    far = u**2 + v**2
    return inside & (far <= 1, (u.abs() < 0.3) | (v.abs() < 0.3), (far <= 1) & (far > 0.36))[label]
