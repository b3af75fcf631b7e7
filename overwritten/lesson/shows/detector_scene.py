"""What lesson 6 shows: one training step line by line (the knob's scene), boxes, curves.

The scene runs the detector's own lines one by one and draws what they did; nothing is typed in.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from functools import lru_cache

import torch

from overwritten.cases import detector
from overwritten.cases.detector_data import CLASSES, SIZE, make_scenes, make_support
from overwritten.doctor.block import watch
from overwritten.lesson.drawn import drawn
from overwritten.live.scenes import Scene
from overwritten.messages import normal, parse
from overwritten.pictures.draw import CHAR, WIDTH, badge, box, clip, judged, text
from overwritten.pictures.picture import Picture
from overwritten.record.dice import own_dice
from overwritten.record.trial import RIGHT, bad, signed

# The knob: one training step, written out line by line

_FORMS = {"in place": detector.apply_box_deltas, "stack": detector.apply_box_deltas_stacked}
_TARGETS = {
    "assign": "targets[pos_mask] = shifted_labels",
    "where": "targets = torch.where(pos_mask, shifted_labels.long(), targets)",
}


def step_code(boxes: str, targets: str, relu: str, positives: int) -> str:
    """One step of the detector as a flat list of lines, each a line of `overwritten.cases.detector`.

    boxes: 'in place' or 'stack'. targets: 'assign' or 'where'. relu: 'in place' or 'out of place'.
    """
    body = inspect.getsource(_FORMS[boxes]).replace("deltas_clamped", "d")
    deltas = textwrap.dedent("".join(body.splitlines(keepends=True)[2:])).replace(
        "return ", "refined = " if boxes == "stack" else "# "
    )
    lines = [
        f"model = FewShotDetector(relu_out={relu == 'out of place'})",
        "boxes, deltas, logits = model.propose(images, model.prototypes(support))",
        *(line for line in deltas.splitlines() if not line.startswith("#")),
        f"pos_mask, gt_indices, gt_boxes, gt_labels = match(boxes, scene, {positives})",
        "targets = torch.zeros(len(boxes), dtype=torch.long)",
    ]
    loss = "loss = F.cross_entropy(logits, targets, WEIGHT)"
    if positives:
        boxes_loss = "F.smooth_l1_loss(refined[pos_mask], gt_boxes[gt_indices[pos_mask]])"
        lines += ["shifted_labels = gt_labels[gt_indices[pos_mask]] + 1", _TARGETS[targets]]
        lines += [loss, f"loss = loss + {boxes_loss}"]
    else:
        lines.append(loss)
    return "\n".join([*lines, "loss.backward()"])


class TrainingStep:
    """What the lines did. versions: of `refined` after each (None before it is there).

    error: PyTorch's text or ''; then end: what a verdict calls it, at: the number of the line that
    raised. saver, writer: the numbers of the lines that the doctor names, or None. loss: None
    where none came out. gradients: of all parameters, by name.
    """

    def __init__(self, code: str):
        self.lines, self.versions, self.error, self.at = code.splitlines(), [], "", None
        (scene,), support = make_scenes(0, 1), make_support(0)
        names = {**vars(detector), "scene": scene, "support": support, "images": scene.image[None]}
        with own_dice(0), torch.enable_grad():
            try:
                with watch() as self.recording:
                    for number, line in enumerate(self.lines):
                        exec(compile("\n" * number + line, "<step>", "exec"), names)
                        self.versions.append(getattr(names.get("refined"), "_version", None))
            except RuntimeError as error:
                self.error, self.at = normal(str(error)), len(self.versions) + 1
                self.end = "backward raises" if parse(str(error)) else "the forward fails"
        found = self.recording.diagnosis
        self.saver = found.saver.site.line if found and found.saver else None
        self.writer = found.writers[0].site.line if found and found.writers else None
        self.loss = names["loss"].item() if "loss" in names else None
        self.gradients = {name: p.grad for name, p in names["model"].named_parameters()}

    @property
    def version(self) -> int:
        """The version of `refined` in the end."""
        return next((v for v in reversed(self.versions) if v is not None), 0)

    def verdict(self, twin: TrainingStep) -> str:
        if self.error:
            return self.end
        return RIGHT if same(self.gradients, twin.gradients) else "wrong gradient"

    @property
    def idle(self) -> bool:
        """Does the box layer take no part in the loss?"""
        return self.gradients["box.weight"] is None

    def message(self) -> str:
        """The part of the message that differs from error to error."""
        return self.error.split("operation: ")[-1].split(" Hint")[0]


def clash(error: Exception) -> str:
    """'8; expected 7' of an in-place error, '60 against 5' of two lengths that do not fit."""
    if found := parse(str(error)):
        return f"{found.now}; expected {found.expected}"
    lengths = re.findall(r"\((\d+)\)", str(error))
    return " against ".join(lengths) or type(error).__name__


def outcome(stack: bool, where: bool, relu_out: bool, positives: int) -> str:
    """How one step of the detector ends with these fixes on: 'ok', 'ok, boxes idle' or `clash`."""
    with own_dice(0):
        model = detector.FewShotDetector(stack, where, relu_out)
    try:
        detector.loss_of(model, make_scenes(0, 1), make_support(0), positives).backward()
    except RuntimeError as error:
        return clash(error)
    return "ok" if model.box.weight.grad is not None else "ok, boxes idle"


def same(gradients: dict, others: dict) -> bool:
    """Are they the same bit for bit? A parameter without one must have none in both."""
    return gradients.keys() == others.keys() and all(
        mine is its if mine is None or its is None else torch.equal(mine, its)
        for mine, its in zip(gradients.values(), others.values())
    )


_step = lru_cache(TrainingStep)  # of the twin: the same one for most positions of the knob


def fixes(codes: dict[str, str], values: dict) -> Scene:
    """The scene of the knob: each line with the version of `refined` after it, verdict, message, loss."""
    code, twin = codes.values()
    step = TrainingStep(code)
    verdict = step.verdict(_step(twin))
    idle = ", none for the box layer" if verdict == RIGHT and step.idle else ""
    said = verdict + idle
    ends = [f"{said[:1].upper()}{said[1:]}"]
    if step.error:
        ends[0] += f": {step.message().rstrip('.')}"
    if step.saver:
        ends.append(f"Line {step.saver} saved it, line {step.writer} wrote over it")
    moved = f"goes from version 0 to {step.version}" if step.version else "stays at version 0"
    ends.append(f"refined {moved}")
    loss = "none" if step.loss is None else f"{step.loss:.2f}"
    ends.append(f"Loss: {loss}")
    words = ". ".join(ends) + "."
    cells = {
        "verdict": signed(verdict) + idle,
        "refined ends at version": str(step.version),
        "loss": loss,
        "message": step.message(),
    }
    picture = _step_picture(step, said, bad(verdict), loss, words)
    return Scene(picture, words, cells, {"the step": step.recording})


_ROW, _LEFT = 20, 68


def _step_picture(step, said, is_bad, loss, words):
    body = [judged(10, 18, said, is_bad), text(WIDTH - 10, 18, f"loss {loss}", "bold end")]
    y = 44
    for part in textwrap.wrap(step.message(), 78):
        body.append(text(10, y, part, "bad"))
        y += 18
    body.append(text(10, y + 4, "version of refined after each line", "soft"))
    y += 26
    before = None
    for number, line in enumerate(step.lines, 1):
        version = step.versions[number - 1] if number <= len(step.versions) else None
        at = {"saved": step.saver, "wrote": step.writer, "raises": step.at}
        marks = [word for word, line_at in at.items() if line_at == number]
        if marks:
            body.append(box(_LEFT - 4, y - 15, WIDTH - _LEFT, _ROW, "hotbad", radius=3))
        if version is not None:
            body.append(badge(10, y, version, version != before and version > 0)[0])
        before = version
        body.append(text(_LEFT - 10, y, number, "soft end"))
        tag = f"✗ {', '.join(marks)}" if step.saver and marks else "✗" if marks else ""
        room = int((WIDTH - _LEFT - 14) / CHAR) - (len(tag) + 1 if tag else 0)
        kind = "later" if step.at and number > step.at else ""
        body.append(text(_LEFT, y, clip(line, room), kind))
        if tag:
            body.append(text(WIDTH - 10, y, tag, "bad bold end"))
        y += _ROW
    return Picture(y, words, body, {"verdict": said})


# Pictures of boxes and curves


def boxes_figure(scenes, found, title: str):
    """Each image with the true boxes (dashed), the best proposals (dotted) and what became of them.

    found: as `detector.detect` gives it.
    """
    figure, places = _figure(len(scenes))
    figure.suptitle(title, fontsize=12)
    for axes, scene, its in zip(places, scenes, found):
        axes.imshow(scene.image.permute(1, 2, 0).numpy(), extent=(0, SIZE, SIZE, 0))
        axes.set(xticks=[], yticks=[], xlim=(0, SIZE), ylim=(SIZE, 0))
        # wide below narrow: where they lie on one another, all three are seen
        looks = ("-", "#f0e442", 4), ("--", "white", 2), (":", "#1e90ff", 2)
        for three in zip(its.boxes.tolist(), scene.boxes.tolist(), its.proposals.tolist()):
            for (x, y, w, h), (style, colour, width) in zip(three, looks):
                across, down = [x, x + w, x + w, x, x], [y, y, y + h, y + h, y]
                axes.plot(across, down, style, color=colour, lw=width)
        said = [f"{CLASSES[label]} {overlap:.2f}" for label, overlap in zip(scene.labels, its.iou)]
        axes.set_xlabel("\n".join(said))
    return drawn(figure, f"{title}: {len(scenes)} images with their boxes, and the IoU of each")


def curves_figure(losses, seen):
    """Left the loss of each episode, right recall and mean IoU. seen: [(episode, recall, mean IoU)]."""
    figure, (left, right) = _figure(2)
    left.plot(losses, color="#0072b2")
    left.set(xlabel="episode", ylabel="loss", ylim=(0, None))
    episodes, recall, overlap = zip(*seen)
    right.plot(episodes, recall, "o-", color="#0072b2", label="recall (IoU of 0.5 or more)")
    right.plot(episodes, overlap, "s--", color="#b36b00", label="mean IoU")
    right.axhline(0.8, color="#767676", ls=":")
    right.set(xlabel="episode", ylim=(0, 1.02))
    right.legend(loc="lower right")
    return drawn(figure, "The loss of each episode; recall and mean IoU on held-out images")


def _figure(columns):
    import matplotlib.pyplot as plt

    return plt.subplots(1, columns, figsize=(7, 2.5), layout="constrained")
