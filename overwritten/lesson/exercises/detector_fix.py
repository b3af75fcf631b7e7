"""The exercises of lesson 6. What it shows lies in `detector_scene`, under the same names here."""

from __future__ import annotations

import inspect

import torch

from overwritten.cases import detector
from overwritten.cases.detector_data import SIZE
from overwritten.doctor.listing import Listing
from overwritten.lesson.checking import beside_twin
from overwritten.lesson.exercise import Exercise, attempt
from overwritten.lesson.exercises.orders import order_loss
from overwritten.lesson.shows.detector_scene import (
    TrainingStep,
    boxes_figure,
    clash,
    curves_figure,
    fixes,
    outcome,
    same,
    step_code,
)
from overwritten.lesson.witness import Witness

__all__ = [
    "EXERCISES", "TrainingStep", "apply_box_deltas", "boxes_figure", "clash", "curves_figure",
    "decode", "fixes", "outcome", "same", "step_code", "targets", "yolo_decode",
]  # fmt: skip

# Exercise 1: the box deltas

_RETURNS = "return a tensor; your function returns {kind}."


def _boxes_and_deltas(seed, count):
    dice = torch.Generator().manual_seed(seed)
    most, least = torch.tensor([60, 60, 50, 50]), torch.tensor([0, 0, 10, 10])
    boxes = torch.rand(count, 4, generator=dice) * most + least
    return boxes, torch.randn(count, 4, generator=dice) * 3


def _mends_the_deltas(answer):
    for seed, count in ((0, 6), (1, 1), (2, 40)):
        boxes, deltas = _boxes_and_deltas(seed, count)
        inputs = [boxes, deltas.clone().requires_grad_()]
        seen = beside_twin(answer, detector.apply_box_deltas_stacked, inputs)
        if seen.changed(0):
            return "the boxes that were handed in have changed: they are the model's proposals, and the next image needs them."
        if mistake := seen.mistake(
            _BOX_SLIPS,
            kind=_RETURNS,
            values=seen.fault() == "values"
            and _which_box(seen.result.detach(), seen.wanted.detach()),
            shape=f"{count} boxes must come back as [{count}, 4]; yours have the shape {list(getattr(seen.result, 'shape', ()))}. Look at `dim` of `torch.stack`.",
            raises="backward raises all the same: {found}. A column of the tensor that you fill went into an operation that saves it.",
            history="the deltas get no gradient: the result must be computed from them.",
            gradient="no error, and another gradient than the same formula out of place has: "
            "backward used numbers that are no longer what the forward used.",
        ):
            return mistake


def _which_box(result, wanted):
    columns = [k for k in range(4) if not torch.allclose(result[:, k], wanted[:, k], rtol=1e-5)]
    column = columns[0]
    row = (result[:, column] - wanted[:, column]).abs().argmax()
    return f"other boxes than the original's, in column {column}: yours {result[row, column]:.3f}, the original's {wanted[row, column]:.3f} in row {row}."


def _boxed(late=False, deltas=True, place=True, side=True):
    """The original's formula, with a step of it left out or too late."""

    def twin(boxes, moved):
        d = moved.clamp(-5, 5) if deltas else moved
        scaled = boxes[:, 2:] * torch.exp(d[:, 2:] * 0.1)
        shifted = boxes[:, :2] + d[:, :2] * (scaled if late else boxes[:, 2:]) * 0.1
        shifted = shifted.clamp(0, SIZE - 1) if place else shifted
        return torch.cat([shifted, scaled.clamp(1, SIZE) if side else scaled], 1)

    return twin


_KEEP = "are not clamped: the last four lines of the original keep a box in the image."
_BOX_SLIPS = {
    "left and top are moved by the new width and height: the original moves them by the old ones.": _boxed(late=True),
    "the deltas are not clamped: the first line of the original keeps them between -5 and 5.": _boxed(deltas=False),
    f"left and top {_KEEP}": _boxed(place=False),
    f"width and height {_KEEP}": _boxed(side=False),
    f"left, top, width and height {_KEEP}": _boxed(place=False, side=False),
}  # fmt: skip


# Exercise 2: the targets


def _makes_targets(answer):
    labels = torch.tensor([2, 0, 1])
    for P, count in ((6, 2), (6, 0), (6, 1), (6, 6), (60, 5), (1, 0), (1, 1)):
        dice = torch.Generator().manual_seed(P + count)
        pos_mask = torch.zeros(P, dtype=torch.bool)
        pos_mask[torch.randperm(P, generator=dice)[:count]] = True
        gt_indices = torch.randint(3, (P,), generator=dice)
        wanted = torch.zeros(P, dtype=torch.long)
        wanted[pos_mask] = labels[gt_indices[pos_mask]] + 1
        given = pos_mask.clone(), labels.clone(), gt_indices.clone()
        try:
            with Witness(listing=Listing()) as witness:
                result = attempt(answer, *given)
        except RuntimeError as error:
            if "must match the size" not in str(error) and "shape mismatch" not in str(error):
                raise
            return f"P = {P}, {count} positive: {str(error).splitlines()[0].rstrip('.')}. A label for each proposal is asked for, P of them: what has as many entries as there are positives, or objects, does not fit."
        if not isinstance(result, torch.Tensor):
            return _RETURNS.format(kind=type(result).__name__)
        if any(not torch.equal(a, b) for a, b in zip(given, (pos_mask, labels, gt_indices))):
            return "an argument was changed; the loss still needs it."
        if result.shape != wanted.shape:
            return f"P = {P}, {count} positive: return one target for each proposal, [{P}]; yours has the shape {list(result.shape)}."
        if result.dtype != torch.long:
            return f"`cross_entropy` takes class numbers as `torch.long`; yours are {str(result.dtype)}."
        if not torch.equal(result, wanted):
            return _which_target(result, wanted, pos_mask, labels[gt_indices], P, count)
        if writes := [*witness.listing.rows((), ()), *witness.handed]:
            who = "something outside PyTorch" if " " in writes[0].op else f"`{writes[0].op}`"
            return f"right numbers, but {who} wrote in place. That is harmless here; this time, build the targets without a write."


def _which_target(result, wanted, pos_mask, labels, P, count):
    if torch.equal(result, torch.where(pos_mask, labels, 0)):
        return "the labels are not shifted: 0 is the ground, so class 0 becomes target 1."
    if torch.equal(result, labels + 1):
        return "every proposal got a label; those that are not positive show the ground, target 0."
    if torch.equal(result, torch.where(pos_mask, 0, labels + 1)):
        return "the other way round: the positive proposals get a label, the others 0."
    return f"P = {P}, {count} positive: the targets are {wanted.tolist()[:6]}; yours are {result.tolist()[:6]}."


# Exercise 3: the same mistake in another detector


def yolo_decode(raw, grid, anchors, stride):
    """As detectors of the YOLO family do it: centre and size, written into sigmoid's result."""
    y = raw.sigmoid()
    y[..., 0:2] = (y[..., 0:2] * 2 - 0.5 + grid) * stride
    y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * anchors
    return y


def _decoded(raw, grid, anchors, stride):
    xy, wh, rest = raw.sigmoid().split((2, 2, raw.shape[-1] - 4), -1)
    return torch.cat([(xy * 2 - 0.5 + grid) * stride, (wh * 2) ** 2 * anchors, rest], -1)


def _decodes(answer):
    for seed, (n, classes), stride in ((0, (4, 3), 8), (1, (1, 1), 16)):
        dice = torch.Generator().manual_seed(seed)
        start = torch.randn(2, n, 5 + classes, generator=dice)
        grid, anchors = torch.rand(n, 2, generator=dice) * 7, torch.tensor([10.0, 13.0])
        seen = beside_twin(answer, _decoded, [start.requires_grad_(), grid, anchors, stride])
        if seen.changed(0, 1, 2):
            return "an argument was changed; the function must leave them as they were."
        if mistake := seen.mistake(
            kind=_RETURNS,
            shape=f"the shape must stay {list(start.shape)}: x, y, w, h, objectness and the classes; yours is {list(getattr(seen.result, 'shape', ()))}.",
            values="other numbers than the original's: keep its two formulas, and the sigmoid for objectness and classes as well.",
            raises="backward raises all the same: {found}. Write where nobody has saved, or build the result with `torch.cat`.",
            history="`raw` gets no gradient.",
            gradient="no error, and a wrong gradient for `raw`.",
        ):
            return mistake


apply_box_deltas = Exercise(
    _mends_the_deltas,
    (
        "Which reads come from the tensor that is being filled? Where else is the same number?",
        "Four new columns and one `torch.stack`; or keep the eight writes and put `.clone()` behind each column that is read.",
    ),
    inspect.getsource(detector.apply_box_deltas_stacked)
    .replace("SIZE", str(SIZE))
    .replace("_stacked", ""),
)

targets = Exercise(
    _makes_targets,
    (
        "`gt_indices` has length P. What has `gt_labels[gt_indices]`?",
        "`torch.where(pos_mask, gt_labels[gt_indices] + 1, 0)`: a label for every proposal, and the mask decides.",
    ),
    "def targets(pos_mask, gt_labels, gt_indices):\n    return torch.where(pos_mask, gt_labels[gt_indices] + 1, 0)",
)

decode = Exercise(
    _decodes,
    (
        "Who saved `y`, and why does its gradient need it?",
        "A `clone()` of sigmoid's result has a storage that nothing saved. Or split, compute, `torch.cat`.",
    ),
    "def decode(raw, grid, anchors, stride):\n"
    "    y = raw.sigmoid()\n"
    "    xy = (y[..., 0:2] * 2 - 0.5 + grid) * stride\n"
    "    wh = (y[..., 2:4] * 2) ** 2 * anchors\n"
    "    return torch.cat([xy, wh, y[..., 4:]], -1)",
)

#: By the name the lesson uses; the tests run every one unattempted, wrong and right.
EXERCISES = {
    "order_loss": order_loss,
    "apply_box_deltas": apply_box_deltas,
    "targets": targets,
    "decode": decode,
}
