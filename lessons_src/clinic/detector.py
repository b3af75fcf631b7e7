"""A one-stage detector with a head in the manner of YOLO, on made pictures of bright rectangles.

    python detector.py [steps]
"""

import sys

import torch
from torch import nn
from torch.nn import functional as F

BATCH = 4
SIZE = 64  # pixels of a picture's side
STRIDE = 8
CELLS = SIZE // STRIDE
CLASSES = 3  # a rectangle is red, green or blue
ANCHORS = torch.tensor([[12.0, 12.0], [24.0, 24.0]])


class Pictures:
    """An endless set: the first eight are empty streets, later ones hold up to two rectangles."""

    def __init__(self):
        self.count = 0

    def one(self):
        """(picture [3, SIZE, SIZE], boxes [n, 4] as centre and size, classes [n])"""
        picture = 0.1 * torch.randn(3, SIZE, SIZE)
        number = 0 if self.count < 8 else int(torch.randint(3, (1,)))
        self.count += 1
        boxes, classes = torch.zeros(number, 4), torch.randint(CLASSES, (number,))
        for n in range(number):
            wide, high = (torch.rand(2) * 20 + 8).tolist()
            x = wide / 2 + float(torch.rand(1)) * (SIZE - wide)
            y = high / 2 + float(torch.rand(1)) * (SIZE - high)
            top, left = int(y - high / 2), int(x - wide / 2)
            picture[classes[n], top : int(y + high / 2), left : int(x + wide / 2)] += 1
            boxes[n] = torch.tensor([x, y, wide, high])
        return picture, boxes, classes

    def batch(self):
        pictures, boxes, classes = zip(*(self.one() for _ in range(BATCH)))
        return torch.stack(pictures), boxes, classes


def stage(inside, outside):
    """Half the side: convolution, norm, activation."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(outside),
        nn.SiLU(inplace=True),
    )


class Head(nn.Module):
    """For each cell and anchor: a box, how sure there is one, and the class."""

    def __init__(self, inside):
        super().__init__()
        self.out = nn.Conv2d(inside, len(ANCHORS) * (5 + CLASSES), 1)
        row, column = torch.meshgrid(torch.arange(CELLS), torch.arange(CELLS), indexing="ij")
        self.register_buffer("grid", torch.stack([column, row], dim=-1).float())
        self.register_buffer("anchors", ANCHORS.view(len(ANCHORS), 1, 1, 2))

    def forward(self, features):
        """Raw numbers, [N, anchors, CELLS, CELLS, 5 + CLASSES]."""
        raw = self.out(features)
        raw = raw.view(len(raw), len(ANCHORS), 5 + CLASSES, CELLS, CELLS)
        return raw.permute(0, 1, 3, 4, 2)

    def decode(self, raw):
        """Boxes in pixels (centre, size), then chances of object and classes."""
        y = raw.sigmoid()
        y[..., 0:2] = (y[..., 0:2] * 2 - 0.5 + self.grid) * STRIDE
        y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * self.anchors
        return y


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(stage(3, 16), stage(16, 24), stage(24, 32))
        self.head = Head(32)

    def forward(self, pictures):
        return self.head(self.backbone(pictures))


def assign(boxes):
    """Where each object of a batch belongs: picture, anchor, row, column, box, and its place in the list."""
    places = []
    for picture, some in enumerate(boxes):
        for number, (x, y, wide, high) in enumerate(some.tolist()):
            size = torch.tensor([wide, high])
            anchor = int((ANCHORS.log() - size.log()).abs().sum(dim=1).argmin())
            places.append((picture, anchor, int(y // STRIDE), int(x // STRIDE), number))
    return places


def losses(head, raw, boxes, classes):
    """(objectness, box, class) of one batch; the last two are 0 where there is no object."""
    sure = torch.zeros(raw.shape[:-1])
    places = assign(boxes)
    for picture, anchor, row, column, _ in places:
        sure[picture, anchor, row, column] = 1
    objectness = F.binary_cross_entropy_with_logits(raw[..., 4], sure)
    if not places:
        return objectness, raw.new_zeros(()), raw.new_zeros(())

    decoded = head.decode(raw)
    found = torch.stack([decoded[p, a, r, c] for p, a, r, c, _ in places])
    true = torch.stack([boxes[p][n] for p, *_, n in places])
    kind = F.one_hot(torch.stack([classes[p][n] for p, *_, n in places]), CLASSES).float()
    box = F.smooth_l1_loss(found[:, :4] / STRIDE, true / STRIDE)
    return objectness, box, F.binary_cross_entropy(found[:, 5:], kind)


def train(steps=120, seed=0):
    """Train; returns (losses of every step, the nets by name)."""
    torch.manual_seed(seed)
    net, pictures = Detector(), Pictures()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    history = []
    for _ in range(steps):
        images, boxes, classes = pictures.batch()
        objectness, box, kind = losses(net.head, net(images), boxes, classes)
        loss = 5 * objectness + 0.2 * box + kind
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        history.append((objectness.item(), box.item(), kind.item()))
    return history, {"net": net}


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    history, _ = train(steps)
    for step in range(0, steps, max(1, steps // 10)):
        print("step {:4}  object {:.3f}  box {:.3f}  class {:.3f}".format(step, *history[step]))


if __name__ == "__main__":
    main()
