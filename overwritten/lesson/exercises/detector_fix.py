"""The exercises of lesson 6. What it shows lies in `detector_scene`, under the same names here."""

from __future__ import annotations

import inspect

import torch

from overwritten.cases import detector
from overwritten.cases.detector_data import SIZE
from overwritten.doctor.watching import Eyes
from overwritten.lesson.checking import Folk, beside_twin, line_at
from overwritten.lesson.exercise import Exercise, attempt
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
from overwritten.messages import parse

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


def _still_raises(found):
    """The sentence about a backward that raised, from the doctor's finding."""
    if not found or not found.saver or not found.writers:
        return "backward raises all the same: something unseen wrote over what was saved."
    saver, writer = found.saver, found.writers[0]
    return f"backward raises all the same: `{saver.op}` saved{_at(saver.site)}, and `{writer.op}` wrote over it{_at(writer.site)}."


def _at(site):
    line = line_at(site)
    return f" in `{line}`" if line else ""


def _mends_the_deltas(answer):
    for seed, count in ((0, 6), (1, 1), (2, 40)):
        boxes, deltas = _boxes_and_deltas(seed, count)
        inputs = [boxes, deltas.clone().requires_grad_()]
        seen = beside_twin(answer, detector.apply_box_deltas_stacked, inputs)
        fault = seen.fault()
        if seen.error and parse(str(seen.error)):
            return f"{_still_raises(seen.recording.diagnosis)} A column of the tensor that you fill went into an operation that saves it."
        if fault != "kind" and seen.changed(0):
            return "the boxes that were handed in have changed: they are the model's proposals, and the next image needs them."
        if fault == "values":
            return _which_box(seen.result.detach(), boxes, deltas, seen.wanted.detach())
        if mistake := seen.mistake(
            kind=_RETURNS,
            shape=f"{count} boxes must come back as [{count}, 4]; yours have the shape {list(getattr(seen.result, 'shape', ()))}. Look at `dim` of `torch.stack`.",
            history="the deltas get no gradient: the result must be computed from them.",
            gradient="no error, and another gradient than the same formula out of place has: "
            "backward used numbers that are no longer what the forward used.",
        ):
            return mistake


def _which_box(result, boxes, deltas, wanted):
    d = deltas.clamp(-5, 5)
    scaled = boxes[:, 2:] * torch.exp(d[:, 2:] * 0.1)
    shifted = (boxes[:, :2] + d[:, :2] * scaled * 0.1).clamp(0, SIZE - 1)
    late = torch.cat([shifted, scaled.clamp(1, SIZE)], 1)
    if torch.allclose(result, late, rtol=1e-5):
        return "left and top are moved by the new width and height: the original moves them by the old ones."
    moved = boxes[:, :2] + d[:, :2] * boxes[:, 2:] * 0.1
    halves = zip(("left and top", "width and height"), (moved, scaled))
    for (what, free), got, true in zip(halves, result.split(2, 1), wanted.split(2, 1)):
        if torch.allclose(got, free, rtol=1e-5) and not torch.allclose(free, true):
            return f"{what} are not clamped: the last four lines of the original keep a box in the image."
    columns = [k for k in range(4) if not torch.allclose(result[:, k], wanted[:, k], rtol=1e-5)]
    column = columns[0]
    row = (result[:, column] - wanted[:, column]).abs().argmax()
    return f"other boxes than the original's, in column {column}: yours {result[row, column]:.3f}, the original's {wanted[row, column]:.3f} in row {row}."


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
            with Eyes() as eyes, Folk() as folk:
                result = attempt(answer, *given)
        except RuntimeError as error:
            if "must match the size" not in str(error) and "shape mismatch" not in str(error):
                raise
            return f"P = {P}, {count} positive: {str(error).splitlines()[0].rstrip('.')}. All three arguments of `torch.where` need length P."
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
        if eyes.writes or folk.complaint("numpy", ".data"):
            op = f"`{eyes.writes[0].op}`" if eyes.writes else "NumPy or `.data`"
            return f"right numbers, but {op} wrote in place. That is harmless here; this time, build the targets without a write."


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
        if seen.error and parse(str(seen.error)):
            return f"{_still_raises(seen.recording.diagnosis)} Write into a storage that nothing saved, or build the result with `torch.cat`."
        if seen.fault() != "kind" and seen.changed(0, 1, 2):
            return "an argument was changed; the function must leave them as they were."
        if mistake := seen.mistake(
            kind=_RETURNS,
            shape=f"the shape must stay {list(start.shape)}: x, y, w, h, objectness and the classes; yours is {list(getattr(seen.result, 'shape', ()))}.",
            values="other numbers than the original's: keep its two formulas, and the sigmoid for objectness and classes as well.",
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
EXERCISES = {"apply_box_deltas": apply_box_deltas, "targets": targets, "decode": decode}
