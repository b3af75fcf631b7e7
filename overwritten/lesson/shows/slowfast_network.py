"""One training step of the small SlowFast, and the network's picture with that step in it.

The idea: hooks note the shape of each tensor while the step runs, the doctor notes the two
lines; where a shape is that of the message, its place in the picture is marked.
"""

from __future__ import annotations

import linecache
from typing import NamedTuple

import torch
from torch.nn import functional as F

from overwritten.cases.slowfast import ActionDetector, Config
from overwritten.cases.slowfast_data import collate, make_clips
from overwritten.doctor.block import watch
from overwritten.lesson.shows.slowfast_messages import short
from overwritten.live.scenes import Scene
from overwritten.pictures.draw import box, judged, text
from overwritten.pictures.picture import Picture
from overwritten.record.dice import own_dice
from overwritten.record.recording import Recording
from overwritten.record.trial import RIGHT, bad

_MOST_PEOPLE = 10  # upstream's PROPOSAL_PER_CLIP
_ALL_VIDEOS = 4
#: What the lesson's switches are called, and what they set in the Config.
SWITCHES: dict[str, dict[str, dict]] = {
    "dropout": {
        "inplace=True": {},
        "inplace=False": {"dropout_inplace": False},
        "rate 0": {"dropout_rate": 0.0},
    },
    "batch_norm": {"trains": {}, "frozen": {"frozen_bn": True}},
    "backbone": {"ResNet50": {}, "ResNet101": {"conv_body": "Slowfast-Resnet101"}},
    "interaction": {"on": {}, "off": {"ia_structure": False}},
    "features": {
        "as they are": {},
        "cloned as written": {"clone": "as written"},
        "cloned": {"clone": "tensors"},
    },
    "relu": {
        how: {"head_relu": how} for how in ("saves its result", "in place", "saves its input")
    },
}
_PATHS = (
    ("fast", ("video", "maxpool1", "res1", "res2")),
    ("", ("", "Tconv1", "Tconv2", "")),
    ("slow", ("video", "maxpool1", "res1", "res2")),
)
_PLACES = {place for _, places in _PATHS for place in places if place not in ("", "video")}
_HEAD = {
    "roi_pooling": "roi_pooling(features, boxes)",
    "fc1": "relu(self.fc1(x))",
    "fc2": "relu(self.fc2(x))",
    "view": "x.view(x.size(0), -1)",
    "dropout": "self.dropout(x)",
    "cls_score": "self.cls_score(x)",
}
_ORDER = (
    *(f"{path} {place}".strip() for path, places in _PATHS for place in places if place),
    *_HEAD,
)


class Run(NamedTuple):
    """One training step. shapes: {where: shape}, in the order of the forward. error: its text,
    '' if it went through. verdict: against an out-of-place twin; recording: with the diagnosis."""

    shapes: dict[str, tuple]
    error: str
    verdict: str
    recording: Recording


def try_out(videos=_ALL_VIDEOS, persons=_MOST_PEOPLE, weights="from scratch", **chosen) -> Run:
    """One training step as the report's project takes it, with these SWITCHES set."""
    switches: dict = {}
    for switch, how in chosen.items():
        switches |= SWITCHES[switch][how]
    cfg = Config(**switches)
    given = _model(cfg, seed=7).state_dict() if weights == "transferred" else None
    batch, model = _batch(videos, persons), _model(cfg, given=given)
    error = ""
    shapes: dict[str, tuple] = {}
    handles = [
        module.register_forward_hook(_note(name, shapes)) for name, module in model.named_modules()
    ]
    try:
        with watch() as recording:
            _losses(model, batch).backward()
    except Exception as caught:
        error = f"{type(caught).__name__}: {caught}"
    for handle in handles:
        handle.remove()
    shapes = {where: shapes[where] for where in _ORDER if where in shapes}
    verdict = "" if error else _verdict(model, cfg, given, batch)
    return Run(shapes, error, verdict, recording)


def _model(cfg, seed=0, given=None):
    with own_dice(seed):
        model = ActionDetector(cfg)
    if given:
        model.load_state_dict(given)
    return model


def _batch(videos, persons):
    slow, fast, boxes, labels = collate(make_clips(videos, seed=0))
    chosen = torch.arange(persons) % len(boxes)
    return slow, fast, boxes[chosen], labels[chosen]


def _losses(model, batch):
    with own_dice(1):  # the same dropout for everyone
        return F.binary_cross_entropy_with_logits(model(*batch[:3]), batch[3])


def _verdict(model, cfg, given, batch):
    """RIGHT where all gradients are the twin's, bit for bit; else which is not."""
    out_of_place = {"dropout_inplace": False, "backbone_relu_inplace": False}
    out_of_place |= {"head_relu": "saves its result"}
    twin = _model(Config(**(vars(cfg) | out_of_place)), given=given)
    _losses(twin, batch).backward()
    same = all(torch.equal(p.grad, q.grad) for p, q in zip(model.parameters(), twin.parameters()))
    return RIGHT if same else "another gradient"


def _note(name, shapes):
    last = name.rpartition(".")[2]

    def hook(module, given, result):
        if name in ("backbone.fast", "backbone.slow"):
            shapes[f"{last} video"] = tuple(given[0].shape)
        elif name.startswith("backbone.") and last in _PLACES:
            path = name.split(".")[1] if not last.startswith("T") else ""
            shapes[f"{path} {last}".strip()] = tuple(result.shape)
        elif last == "fc1":
            shapes["roi_pooling"] = tuple(given[0].shape)
        elif last == "fc2":
            shapes["fc1"] = tuple(given[0].shape)
        elif name == "extractor":
            shapes["fc2"] = tuple(result.shape)
        elif name == "predictor.dropout":
            shapes["view"], shapes["dropout"] = tuple(given[0].shape), tuple(result.shape)
        elif last == "cls_score":
            shapes.setdefault("view", tuple(given[0].shape))
            shapes["cls_score"] = tuple(result.shape)

    return hook


# the network's picture


def network(codes: dict[str, str], values: dict) -> Scene:
    """For a knob: run the code, which calls `try_out` as `run`, and draw what it saw."""
    runs = []
    exec(next(iter(codes.values())), {"run": lambda **chosen: runs.append(try_out(**chosen))})
    words = network_sentence(runs[0])
    picture = network_picture(runs[0], words)
    return Scene(picture, words, {"what happens": words}, {"this step": runs[0].recording})


def network_sentence(run: Run) -> str:
    """What the step did, and which tensors have the shape of the message."""
    if run.verdict == RIGHT:
        return f"No error: {RIGHT}, bit for bit that of the out-of-place twin."
    if not run.error:
        return f"No error, but {run.verdict} than the out-of-place twin's."
    diagnosis = run.recording.diagnosis
    if diagnosis is None:
        return f"The forward ends with {run.error}. Backward never begins."
    message = diagnosis.message
    lit = [where for where, shape in run.shapes.items() if shape == message.shape]
    saver, writer = (_row(site) for site in _sites(run))
    return (
        f"It raises: {short(message)}. "
        f"Of {len(run.shapes)} tensors {len(lit)} have this shape: {', '.join(lit)}. {saver} saved it, {writer} wrote over it."
    )


def _sites(run):
    diagnosis = run.recording.diagnosis
    return diagnosis.saver.site, diagnosis.writers[-1].site


def _row(site):
    """Which row of _HEAD this line of the doctor's is."""
    line = linecache.getline(site.file, site.line)
    return next((where for where in _HEAD if f"self.{where}(" in line), line.strip())


def network_picture(run: Run, label: str) -> Picture:
    """Both pathways with their lateral connections above, the head line by line below."""
    diagnosis = run.recording.diagnosis
    message = diagnosis and diagnosis.message
    shape = message and message.shape
    saver, writer = map(_row, _sites(run)) if message else ("", "")
    body = [text(10, 16, "the backbone: fast pathway, lateral connections, slow pathway", "soft")]
    for row, (path, places) in enumerate(_PATHS):
        y = 26 + 60 * row
        for column, place in enumerate(places):
            where = f"{path} {place}".strip()
            if place:
                body += _tensor(8 + 158 * column, y, where, run.shapes.get(where), shape)
    body += [_arrow(8 + 158 * c + 146, 26 + 60 * r + 22, 12, 0) for r in (0, 2) for c in range(3)]
    body += [_arrow(8 + 158 * c + 73, 26 + 60 * r + 44, 0, 16) for c in (1, 2) for r in (0, 1)]
    marked = "(⟵ the shape in the message)" if message else ""
    body.append(text(10, 224, f"the head, a row for each person  {marked}", "soft"))
    for row, (where, code) in enumerate(_HEAD.items()):
        here, y = run.shapes.get(where), 232 + 27 * row
        body += _line(y, where, code, here, shape, saver, writer, message)
    end = run.verdict
    if run.error:
        name = run.error.partition(":")[0]
        end = "raises in backward" if message else f"{name} in the forward"
    body.append(judged(10, 414, end, bad(end)))
    return Picture(424, label, body, {"lit": sum(s == shape for s in run.shapes.values())})


def _tensor(x, y, where, shape, wanted):
    same = shape is not None and shape == wanted
    yield box(x, y, 146, 44, "warn" if same else "box" if shape else "box ghost", radius=4)
    yield text(x + 73, y + 18, where, "mid bold")
    yield text(x + 73, y + 36, list(shape) if shape else "not reached", "mid tiny")


def _line(y, where, code, shape, wanted, saver, writer, message):
    same = shape is not None and shape == wanted
    yield box(8, y, 620, 24, "warn" if same else "box" if shape else "box ghost", radius=4)
    yield text(18, y + 17, code, "bold" if same else "")
    yield text(268, y + 17, list(shape) if shape else "not run", "bold" if same else "tiny")
    if same:
        yield text(366, y + 17, "⟵", "bad bold")
    if where == saver:
        yield text(392, y + 17, f"saves, expects version {message.expected}", "bad bold")
    if where == writer:
        yield text(392, y + 17, f"✗ writes: version {message.now}", "bad bold")


def _arrow(x, y, dx, dy):
    tip = f"M{x + dx} {y + dy}l{-4 if dx else -3} {-3 if dx else -4}m{4 if dx else 3} {3 if dx else 4}l{-4 if dx else 3} {3 if dx else -4}"
    return f'<path d="M{x} {y}l{dx} {dy}{tip}" class="shackle" stroke="var(--ow-line)"/>'
