"""Made thermal clips with people in them, in the form in which the report's project keeps its own.

The idea: warm shapes on a cool wall, 40 by 60 pixels, in °C; what a person does is drawn, so
the label is true. A box is kept in YOLO form, the actions of a person as 16 bits in two bytes.
All numbers come from integers and one seed: the same clips on every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional as F

HEIGHT, WIDTH, FRAMES = 40, 60, 8
#: What the network is fed with, rows by columns: the same picture, 1.6 times as large.
NETWORK = (64, 96)
#: The slow pathway gets every ALPHA-th frame.
ALPHA = 4
#: A bit each; 14 actions fill two bytes only with two bits of padding.
ACTIONS = (
    *("stand", "sit", "lie", "stay", "walk", "run", "go left", "go right"),
    *("raise an arm", "wave", "hold a hot cup", "hold a cold can", "warm up", "cool down"),
)
CLASSES = 16


class Clip(NamedTuple):
    """frames: [8, 40, 60] in °C, float32. boxes: [N, 4], YOLO. packed: [N, 2], uint8."""

    frames: np.ndarray
    boxes: np.ndarray
    packed: np.ndarray


def pack(labels: np.ndarray) -> np.ndarray:
    """[N, 16] of 0 and 1 → [N, 2] bytes, the first class in the highest bit.

    >>> pack(np.eye(16, dtype=bool)[[0, 9]]).tolist()
    [[128, 0], [0, 64]]
    """
    return np.packbits(labels, axis=1)


def unpack(packed: np.ndarray) -> np.ndarray:
    """[N, 2] bytes → [N, 16] of 0 and 1.

    >>> unpack(np.array([[0, 64]], dtype=np.uint8)).tolist()[0][8:11]
    [0, 1, 0]
    """
    return np.unpackbits(packed, axis=1)


def names_of(labels) -> list[str]:
    """The actions of one person, from its 16 numbers, in the order of ACTIONS."""
    return [name for name, on in zip(ACTIONS, labels) if on]


def yolo_to_corners(boxes, width: float, height: float) -> torch.Tensor:
    """[N, 4] of (centre x, centre y, width, height) as parts of the picture → (x1, y1, x2, y2).

    >>> yolo_to_corners([[0.5, 0.5, 0.2, 0.5]], 60, 40).tolist()
    [[24.0, 10.0, 36.0, 30.0]]
    """
    x, y, w, h = torch.as_tensor(boxes, dtype=torch.float64).reshape(-1, 4).unbind(1)
    corners = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1)
    return (corners * torch.tensor([width, height, width, height])).float()


def make_clips(count: int, seed: int) -> list[Clip]:
    """`count` clips, each with one to three people; the same for the same seed."""
    dice = np.random.RandomState(seed)  # its stream is the same in every NumPy
    return [_clip(dice) for _ in range(count)]


def collate(clips: list[Clip]):
    """slow [B, 3, 2, 64, 96], fast [B, 3, 8, 64, 96], boxes [N, 5], labels [N, 16].

    A row of boxes: the number of its clip, then the corners in the network's pixels.
    """
    frames = torch.stack([torch.from_numpy(clip.frames) for clip in clips])
    frames = F.interpolate((frames - 25) / 10, NETWORK, mode="bilinear", align_corners=False)
    fast = frames[:, None].expand(-1, 3, -1, -1, -1).contiguous()  # one channel, as three
    boxes = [yolo_to_corners(clip.boxes, NETWORK[1], NETWORK[0]) for clip in clips]
    boxes = [F.pad(corners, (1, 0), value=number) for number, corners in enumerate(boxes)]
    labels = torch.from_numpy(np.concatenate([unpack(clip.packed) for clip in clips])).float()
    return fast[:, :, ::ALPHA].contiguous(), fast, torch.cat(boxes), labels


def _clip(dice):
    noise = dice.randint(-5, 6, (FRAMES, HEIGHT, WIDTH)) / 10
    frames = 20 + dice.randint(-10, 11) / 10 + noise
    people = [_person(dice, frames, column) for column in sorted(dice.permutation(3)[: dice.randint(1, 4)])]
    boxes, labels = (np.array(part) for part in zip(*people))
    return Clip(frames.round(1).astype(np.float32), boxes, pack(labels))


def _person(dice, frames, column):
    """Draw a person into its third of the picture; return (YOLO box, 16 labels)."""
    does = {dice.choice(["stand", "stand", "sit", "lie"])}
    speed = 0.0
    if "stand" in does:
        pace = dice.choice(["stay", "walk", "run"])
        way = dice.choice(["go left", "go right"])
        speed = {"stay": 0, "walk": 0.6, "run": 1.5}[pace] * (1 if way == "go right" else -1)
        does |= {pace, way} if speed else {pace}
    else:
        does.add("stay")
    for pair in (("raise an arm", "wave"), ("hold a hot cup", "hold a cold can"), ("warm up", "cool down")):
        if (drawn := dice.randint(3)) < 2:
            does.add(pair[drawn])
    wide, tall = {"stand": (6, 17), "sit": (8, 11), "lie": (15, 6)}[next(iter(does & {"stand", "sit", "lie"}))]
    middle_x = 20 * column + 10 + dice.randint(-10, 11) / 10
    top = dice.randint(9, HEIGHT - tall - 1)
    warmth = 31 + dice.randint(-10, 11) / 10
    for number, frame in enumerate(frames):
        moment = number - (FRAMES - 1) / 2
        _draw(frame, does, middle_x + speed * moment, top, wide, tall, warmth + moment * _drift(does), number)
    box = [middle_x / WIDTH, (top + tall / 2 - 2) / HEIGHT, (wide + 6) / WIDTH, (tall + 6) / HEIGHT]
    return box, [name in does for name in ACTIONS] + [False] * (CLASSES - len(ACTIONS))


def _drift(does):
    """°C a frame."""
    return 1.3 * (("warm up" in does) - ("cool down" in does))


def _draw(frame, does, x, top, wide, tall, warmth, number):
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    body = (np.abs(columns - x) < wide / 2) & (rows > top + 2) & (rows < top + tall)
    head_x = x - wide / 2 + 2 if "lie" in does else x
    head = (columns - head_x) ** 2 + (rows - top - 1) ** 2 < 6
    frame[body] = warmth
    frame[head] = warmth + 3
    if does & {"raise an arm", "wave"}:
        swing = (2 if number % 2 else -2) if "wave" in does else 0
        arm = (np.abs(columns - x - wide / 2 - 1 - swing) < 1.5) & (rows > top - 5) & (rows < top + 4)
        frame[arm] = warmth + 5
    if does & {"hold a hot cup", "hold a cold can"}:
        held = (np.abs(columns - x + wide / 2) < 1.6) & (np.abs(rows - top - tall + 3) < 1.6)
        frame[held] = 60 if "hold a hot cup" in does else 6
