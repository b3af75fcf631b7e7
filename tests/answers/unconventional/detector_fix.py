"""Lesson 6."""

from answers.unconventional import CLONING, HOOKS, UNSAFE, body, inside

_boxes, _targets, _decode = (
    body("boxes, deltas"),
    body("pos_mask, gt_labels, gt_indices"),
    body("raw, grid, anchors, stride"),
)
_D = "d = deltas.clamp(-5, 5)\n"
_XYWH = (
    _D
    + "xy = boxes[:, :2] + d[:, :2] * boxes[:, 2:] * 0.1\nwh = boxes[:, 2:] * torch.exp(d[:, 2:] * 0.1)\n"
)
_FOUND = (
    _D
    + """
r = boxes.clone()
r[:, 0] = r[:, 0] + d[:, 0] * r[:, 2] * 0.1
r[:, 1] = r[:, 1] + d[:, 1] * r[:, 3] * 0.1
r[:, 2] = r[:, 2] * torch.exp(d[:, 2] * 0.1)
r[:, 3] = r[:, 3] * torch.exp(d[:, 3] * 0.1)
r[:, 2] = torch.clamp(r[:, 2], 1, 64)
r[:, 3] = torch.clamp(r[:, 3], 1, 64)
r[:, 0] = torch.clamp(r[:, 0], 0, 63)
r[:, 1] = torch.clamp(r[:, 1], 0, 63)
return r
"""
)
_CLAMPED = "xy.clamp(0, 63), wh.clamp(1, 64)"
_YOLO = """
y[..., 0:2] = (y[..., 0:2] * 2 - 0.5 + grid) * stride
y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * anchors
return y
"""
_PARTS = "y = raw.sigmoid()\nxy = (y[..., 0:2] * 2 - 0.5 + grid) * stride\nwh = (y[..., 2:4] * 2) ** 2 * anchors\n"

RIGHT = {
    "apply_box_deltas": {
        "two halves": _boxes(_XYWH + f"return torch.cat([{_CLAMPED}], 1)"),
        "into a new one": _boxes(
            _XYWH
            + "out = torch.empty_like(boxes)\nout[:, :2] = xy.clamp(0, 63)\nout[:, 2:] = wh.clamp(1, 64)\nreturn out"
        ),
        "clones of columns": _boxes(
            _FOUND.replace("* r[:, 2]", "* r[:, 2].clone()")
            .replace("* r[:, 3]", "* r[:, 3].clone()")
            .replace("= r[:, 2] *", "= r[:, 2].clone() *")
            .replace("= r[:, 3] *", "= r[:, 3].clone() *")
            .replace("clamp(r[:, 0]", "clamp(r[:, 0].clone()")
            .replace("clamp(r[:, 1]", "clamp(r[:, 1].clone()")
            .replace("clamp(r[:, 2]", "clamp(r[:, 2].clone()")
            .replace("clamp(r[:, 3]", "clamp(r[:, 3].clone()")
        ),
        "unbind": _boxes(
            _D + "x, y, w, h = boxes.unbind(1)\na, b, c, e = d.unbind(1)\n"
            "return torch.stack([(x + a * w * 0.1).clamp(0, 63), (y + b * h * 0.1).clamp(0, 63),\n"
            "    (w * (c * 0.1).exp()).clamp(1, 64), (h * (e * 0.1).exp()).clamp(1, 64)], -1)"
        ),
        "transposed": _boxes(_XYWH + f"return torch.cat([t.T for t in ({_CLAMPED})]).T"),
        "hardtanh": _boxes(
            _XYWH + "return torch.cat([F.hardtanh(xy, 0, 63), F.hardtanh(wh, 1, 64)], 1)"
        ),
        "minimum and maximum": _boxes(
            _XYWH + "low, high = torch.tensor([0., 0, 1, 1]), torch.tensor([63., 63, 64, 64])\n"
            "return torch.maximum(torch.minimum(torch.cat([xy, wh], 1), high), low)"
        ),
        "row by row": _boxes(
            "rows = []\nfor box, d in zip(boxes, deltas.clamp(-5, 5)):\n"
            "    xy = box[:2] + d[:2] * box[2:] * 0.1\n    wh = box[2:] * torch.exp(d[2:] * 0.1)\n"
            "    rows.append(torch.cat([xy.clamp(0, 63), wh.clamp(1, 64)]))\nreturn torch.stack(rows)"
        ),
        "a cloning hook": _boxes(inside(CLONING, _FOUND)),
        "slice_scatter": _boxes(
            _XYWH
            + "return boxes.slice_scatter(xy.clamp(0, 63), 1, 0, 2).slice_scatter(wh.clamp(1, 64), 1, 2, 4)"
        ),
    },
    "targets": {
        "times the mask": _targets("return (gt_labels[gt_indices] + 1) * pos_mask"),
        "masked_fill": _targets("return (gt_labels[gt_indices] + 1).masked_fill(~pos_mask, 0)"),
        "index_select": _targets(
            "return torch.where(pos_mask, gt_labels.index_select(0, gt_indices) + 1, 0)"
        ),
        "a table": _targets(
            "table = torch.cat([gt_labels.new_zeros(1), gt_labels + 1])\nreturn table[(gt_indices + 1) * pos_mask]"
        ),
        "a list": _targets(
            "return torch.tensor([int(gt_labels[i]) + 1 if p else 0 for p, i in zip(pos_mask, gt_indices)])"
        ),
        "minus one first": _targets("return torch.where(pos_mask, gt_labels[gt_indices], -1) + 1"),
        "masked_scatter": _targets(
            "zeros = torch.zeros_like(gt_indices)\nreturn zeros.masked_scatter(pos_mask, gt_labels[gt_indices[pos_mask]] + 1)"
        ),
        "index_put": _targets(
            "zeros = torch.zeros_like(gt_indices)\nreturn zeros.index_put((pos_mask,), gt_labels[gt_indices[pos_mask]] + 1)"
        ),
        "gather and zeros": _targets(
            "return torch.where(pos_mask, (gt_labels + 1).gather(0, gt_indices), torch.zeros_like(gt_indices))"
        ),
        "one hot": _targets(
            "hot = F.one_hot(gt_indices, len(gt_labels)) * pos_mask[:, None]\nreturn (hot * (gt_labels + 1)).sum(1)"
        ),
    },
    "decode": {
        "clone of the sigmoid": _decode("y = raw.sigmoid().clone()" + _YOLO),
        "times one": _decode("y = raw.sigmoid() * 1" + _YOLO),
        "half a tanh": _decode("y = 0.5 * torch.tanh(raw / 2) + 0.5" + _YOLO),
        "into a new one": _decode(
            _PARTS
            + "out = torch.empty_like(y)\nout[..., 0:2] = xy\nout[..., 2:4] = wh\nout[..., 4:] = y[..., 4:]\nreturn out"
        ),
        "split": _decode(
            "xy, wh, rest = raw.sigmoid().split([2, 2, raw.shape[-1] - 4], -1)\n"
            "return torch.cat([(xy * 2 - 0.5 + grid) * stride, (wh * 2).square() * anchors, rest], -1)"
        ),
        "a sigmoid for each": _decode(
            "s = torch.sigmoid\nreturn torch.cat([(s(raw[..., :2]) * 2 - 0.5 + grid) * stride,\n"
            "    4 * s(raw[..., 2:4]) ** 2 * anchors, s(raw[..., 4:])], -1)"
        ),
        "slice_scatter": _decode(
            _PARTS + "return y.slice_scatter(xy, -1, 0, 2).slice_scatter(wh, -1, 2, 4)"
        ),
        "hstack": _decode(_PARTS + "return torch.concat((xy, wh, y[..., 4:]), dim=raw.dim() - 1)"),
        "a cloning hook": _decode(inside(CLONING, "y = raw.sigmoid()" + _YOLO)),
        "pads": _decode(
            _PARTS + "n = raw.shape[-1]\nrest = y[..., 4:]\n"
            "return F.pad(xy, (0, n - 2)) + F.pad(wh, (2, n - 4)) + F.pad(rest, (4, 0))"
        ),
    },
}
WRONG = {
    "apply_box_deltas": {
        "as found": (_boxes(_FOUND), "raises"),
        "a clone at the end": (_boxes(_FOUND.replace("return r", "return r.clone()")), "raises"),
        ".data is read": (
            _boxes(
                _FOUND.replace("= r[:, 2] *", "= r[:, 2].data *").replace(
                    "= r[:, 3] *", "= r[:, 3].data *"
                )
            ),
            "`clamp` saved",
        ),
        "new size, then place": (
            _boxes(
                _D
                + "wh = boxes[:, 2:] * torch.exp(d[:, 2:] * 0.1)\nxy = boxes[:, :2] + d[:, :2] * wh * 0.1\n"
                f"return torch.cat([{_CLAMPED}], 1)"
            ),
            "new width and height",
        ),
        "deltas not clamped": (
            _boxes(_XYWH.replace(".clamp(-5, 5)", "") + f"return torch.cat([{_CLAMPED}], 1)"),
            "clamp",
        ),
        "up to 64": (
            _boxes(_XYWH + "return torch.cat([xy.clamp(0, 64), wh.clamp(1, 64)], 1)"),
            "63",
        ),
        "into boxes": (_boxes(_FOUND.replace("boxes.clone()", "boxes")), "boxes"),
        "identity hooks": (_boxes(inside(HOOKS, _FOUND)), "the check is switched off"),
        "cut off": (_boxes(_XYWH + f"return torch.cat([{_CLAMPED}], 1).detach()"), "gradient"),
        "half cut off": (
            _boxes(_XYWH.replace("exp(d", "exp(d.detach()") + f"return torch.cat([{_CLAMPED}], 1)"),
            "gradient",
        ),
    },
    "targets": {
        "written": (
            _targets(
                "t = torch.zeros_like(gt_indices)\nt[pos_mask] = gt_labels[gt_indices[pos_mask]] + 1\nreturn t"
            ),
            "in place",
        ),
        "as found": (
            _targets(
                "return torch.where(pos_mask, gt_labels[gt_indices[pos_mask]] + 1, torch.zeros_like(gt_indices))"
            ),
            "positive",
        ),
        "no + 1": (
            _targets("return torch.where(pos_mask, gt_labels[gt_indices], 0)"),
            "not shifted",
        ),
        "+ 1 everywhere": (
            _targets("return torch.where(pos_mask, gt_labels[gt_indices], 0) + 1"),
            "1",
        ),
        "the other way": (
            _targets("return torch.where(pos_mask, 0, gt_labels[gt_indices] + 1)"),
            "the other way round",
        ),
        "labels not indexed": (
            _targets("return torch.where(pos_mask, gt_labels + 1, 0)"),
            "or objects",
        ),
        "masked_scatter_": (
            _targets(
                "t = torch.zeros_like(gt_indices)\nreturn t.masked_scatter_(pos_mask, gt_labels[gt_indices[pos_mask]] + 1)"
            ),
            "in place",
        ),
        "through .data": (
            _targets(
                "t = torch.zeros_like(gt_indices)\nt.data[pos_mask] = gt_labels[gt_indices[pos_mask]] + 1\nreturn t"
            ),
            "in place",
        ),
        "a list": (
            _targets("return torch.where(pos_mask, gt_labels[gt_indices] + 1, 0).tolist()"),
            "list",
        ),
        "labels written": (
            _targets("gt_labels += 1\nreturn torch.where(pos_mask, gt_labels[gt_indices], 0)"),
            "argument was changed",
        ),
    },
    "decode": {
        "as found": (_decode("y = raw.sigmoid()" + _YOLO), "raises"),
        "clone too early": (_decode("y = raw.clone().sigmoid()" + _YOLO), "raises"),
        ".data": (
            _decode(
                "y = raw.sigmoid()"
                + _YOLO.replace("y[..., 0:2] =", "y.data[..., 0:2] =").replace(
                    "y[..., 2:4] =", "y.data[..., 2:4] ="
                )
            ),
            "no counter moved",
        ),
        "unsafe": (
            _decode(
                "y = raw.sigmoid()\n"
                + UNSAFE.format("y")
                + "\n"
                + "\n".join("    " + line for line in _YOLO.strip().splitlines())
            ),
            "the check is switched off",
        ),
        "size cut off": (
            _decode(_PARTS + "return torch.cat([xy, wh.detach(), y[..., 4:]], -1)"),
            "gradient",
        ),
        "no_grad": (
            _decode("y = raw.sigmoid()" + inside("\nwith torch.no_grad():", _YOLO)),
            "raises",
        ),
        "no classes": (_decode(_PARTS + "return torch.cat([xy, wh], -1)"), "shape"),
        "not squared": (
            _decode(_PARTS.replace(" ** 2", "") + "return torch.cat([xy, wh, y[..., 4:]], -1)"),
            "formulas",
        ),
        "identity hooks": (
            _decode(inside(HOOKS, "y = raw.sigmoid()" + _YOLO)),
            "the check is switched off",
        ),
        "sigmoid_": (_decode("y = raw.sigmoid_()" + _YOLO), "leaf"),
    },
}
