"""Wrong answers to lesson 6, by exercise: {what it tries: (source, words its message must hold)}."""

_DELTAS = """
def f(boxes, deltas):
    d = deltas.clamp(-5, 5)
    r = {start}
    r[:, 0] = r[:, 0]{c} + d[:, 0] * r[:, 2]{c} * 0.1
    r[:, 1] = r[:, 1]{c} + d[:, 1] * r[:, 3]{c} * 0.1
    r[:, 2] = r[:, 2]{c} * torch.exp(d[:, 2] * 0.1)
    r[:, 3] = r[:, 3]{c} * torch.exp(d[:, 3] * 0.1)
    r[:, 2] = torch.clamp(r[:, 2]{e}, 1, 64)
    r[:, 3] = torch.clamp(r[:, 3]{e}, 1, 64)
    r[:, 0] = torch.clamp(r[:, 0]{e}, 0, 63)
    r[:, 1] = torch.clamp(r[:, 1]{e}, 0, 63)
    return r
"""
_STACK = """
def f(boxes, deltas):
    d = deltas.clamp(-5, 5)
    w = boxes[:, 2] * torch.exp(d[:, 2] * 0.1)
    h = boxes[:, 3] * torch.exp(d[:, 3] * 0.1)
    x = boxes[:, 0] + d[:, 0] * {w} * 0.1
    y = boxes[:, 1] + d[:, 1] * {h} * 0.1
    {more}
    return torch.stack([{xy}, w.clamp(1, 64), h.clamp(1, 64)], dim={dim})
"""


def _deltas(start="boxes.clone()", clone="", end=None):
    return _DELTAS.format(start=start, c=clone, e=clone if end is None else end)


def _stack(
    w="boxes[:, 2]", h="boxes[:, 3]", xy="x.clamp(0, 63), y.clamp(0, 63)", dim=1, more="pass"
):
    return _STACK.format(w=w, h=h, xy=xy, dim=dim, more=more)


_FIRST = (
    _deltas()
    .replace("r[:, 0] + d[:, 0] * r[:, 2]", "r[:, 0] + d[:, 0] * boxes[:, 2]")
    .replace("r[:, 1] + d[:, 1] * r[:, 3]", "r[:, 1] + d[:, 1] * boxes[:, 3]")
)

_YOLO = """
def f(raw, grid, anchors, stride):
    y = raw.sigmoid(){start}
    {v}[..., 0:2] = (y[..., 0:2]{r} * 2 - 0.5 + grid) * stride
    {v}[..., 2:4] = {wh} * anchors
    return y{end}
"""


def _yolo(start="", v="y", r="", wh="(y[..., 2:4] * 2) ** 2", end=""):
    return _YOLO.format(start=start, v=v, r=r, wh=wh, end=end)


_WHERE = "def f(pos_mask, gt_labels, gt_indices):\n    {}"
_ASSIGN = "t = torch.zeros(len(pos_mask), dtype=torch.long)\n    {}\n    return t"
_PUBLISHED = _WHERE.format(
    "t = torch.zeros(len(pos_mask), dtype=torch.long)\n    shifted = gt_labels[gt_indices[pos_mask]] + 1\n    return {}"
)

WRONG = {
    "apply_box_deltas": {
        "as it was": (_deltas(), "`clamp` saved, `__setitem__` wrote over it"),
        "first two lines only": (_FIRST, "backward raises all the same"),
        "clone at the end": (
            _deltas().replace("return r", "return r.clone()"),
            "backward raises all the same",
        ),
        "clones, but not in the clamps": (
            _deltas(clone=".clone()", end=""),
            "backward raises all the same",
        ),
        "reads through detach": (_deltas(clone=".detach()"), "backward raises all the same"),
        "detached clones": (_deltas(clone=".detach().clone()"), "`.detach()` cuts the history"),
        ".data": (_deltas(clone=".data"), "`.data` cuts the history"),
        "writes into the boxes": (
            _deltas(start="boxes", clone=".clone()"),
            "the boxes that were handed in have changed",
        ),
        "no_grad": (
            _stack().replace("def f(boxes, deltas):", "@torch.no_grad()\ndef f(boxes, deltas):"),
            "under `no_grad` nothing is recorded",
        ),
        "moved by the new size": (_stack(w="w", h="h"), "moved by the new width and height"),
        "not clamped": (_stack(xy="x, y"), "left and top are not clamped"),
        "rows and columns": (_stack(dim=0), "Look at `dim`"),
        "no factor": (_stack(w="boxes[:, 2] * 10"), "other boxes than the original's, in column 0"),
        "no return": (_stack().replace("return ", "r = "), "returns NoneType"),
    },
    "targets": {
        "as published": (
            _PUBLISHED.format("torch.where(pos_mask, shifted.long(), t)"),
            "as there are positives",
        ),
        "assigned": (
            _WHERE.format(_ASSIGN.format("t[pos_mask] = gt_labels[gt_indices[pos_mask]] + 1")),
            "wrote in place",
        ),
        "masked_scatter_": (
            _WHERE.format(
                _ASSIGN.format("t.masked_scatter_(pos_mask, gt_labels[gt_indices[pos_mask]] + 1)")
            ),
            "wrote in place",
        ),
        "assigned, then cloned": (
            _WHERE.format(
                _ASSIGN.format("t[pos_mask] = gt_labels[gt_indices[pos_mask]] + 1").replace(
                    "return t", "return t.clone()"
                )
            ),
            "`__setitem__` wrote in place",
        ),
        "not shifted": (
            _WHERE.format("return torch.where(pos_mask, gt_labels[gt_indices], 0)"),
            "0 is the ground",
        ),
        "all of them": (
            _WHERE.format("return gt_labels[gt_indices] + 1"),
            "every proposal got a label",
        ),
        "the other way round": (
            _WHERE.format("return torch.where(pos_mask, 0, gt_labels[gt_indices] + 1)"),
            "the other way round",
        ),
        "floats": (
            _WHERE.format("return torch.where(pos_mask, gt_labels[gt_indices] + 1.0, 0.0)"),
            "`torch.long`",
        ),
        "positives only": (
            _WHERE.format("return gt_labels[gt_indices[pos_mask]] + 1"),
            "one target for each proposal",
        ),
        "numpy": (
            _WHERE.format(
                _ASSIGN.format(
                    "t.numpy()[pos_mask.numpy()] = (gt_labels[gt_indices[pos_mask]] + 1).numpy()"
                )
            ),
            "something outside PyTorch wrote in place",
        ),
        "no return": (
            _WHERE.format("torch.where(pos_mask, gt_labels[gt_indices] + 1, 0)"),
            "returns NoneType",
        ),
    },
    "decode": {
        "as it was": (_yolo(), "`sigmoid` saved, `__setitem__` wrote"),
        "clone too late": (_yolo(end=".clone()"), "backward raises all the same"),
        "clones the reads": (_yolo(r=".clone()"), "backward raises all the same"),
        "pow saves the clone": (
            _yolo(start=".clone()", wh="y[..., 2:4] ** 2 * 4"),
            "`pow` saved, `__setitem__` wrote",
        ),
        ".data": (_yolo(v="y.data"), "no counter moved"),
        "detach": (
            _yolo(start=".detach()").replace(".detach()", ".clone().detach() + raw * 0"),
            "`.detach()` cuts the history",
        ),
        "writes through detach": (_yolo(v="y.detach()"), "backward raises all the same"),
        "no_grad": (
            _yolo().replace("def f", "@torch.no_grad()\ndef f"),
            "under `no_grad` nothing is recorded",
        ),
        "logits left": (
            "def f(raw, grid, anchors, stride):\n    y = raw.sigmoid()\n    return torch.cat([(y[..., 0:2] * 2 - 0.5 + grid) * stride, (y[..., 2:4] * 2) ** 2 * anchors, raw[..., 4:]], -1)",
            "the sigmoid for objectness and classes",
        ),
        "only the boxes": (
            "def f(raw, grid, anchors, stride):\n    y = raw.sigmoid()\n    return torch.cat([(y[..., 0:2] * 2 - 0.5 + grid) * stride, (y[..., 2:4] * 2) ** 2 * anchors], -1)",
            "the shape must stay",
        ),
        "sigmoid_": (
            _yolo().replace("raw.sigmoid()", "raw.clone().sigmoid_()"),
            "backward raises all the same",
        ),
        "no return": (_yolo().replace("return y", "z = y"), "returns NoneType"),
    },
}
