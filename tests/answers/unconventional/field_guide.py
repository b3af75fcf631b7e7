"""Lesson 8."""

from answers import but
from answers.unconventional import CLONING, HOOKS, UNSAFE, body, inside, respelled
from overwritten.lesson.exercises.field_guide import patterns

_attend, _roll = body("scores, values, padding"), body("cell, start, steps")
_SOFT = "w = torch.softmax(scores, -1)\n"
_LAST = "w = w / w.sum(-1, keepdim=True)\nreturn w @ values"
_FOUND = _SOFT + "w[:, :, padding] = 0\nw /= w.sum(-1, keepdim=True)\nreturn w @ values"
_NAMES = (
    "{4: 'boxes decoded into a sigmoid', 19: 'hidden state carried over a step',"
    " 17: 'labels changed after the loss', 26: 'view from unbind or split written',"
    " 10: 'position added after a convolution', 41: 'batch norm in eval, then in train'}[w]"
)


def _rolled(
    read="states[t - 1]",
    line="states[t] = cell({})",
    start="states[0] = start",
    back="return states",
):
    return _roll(
        f"states = torch.zeros(steps, *start.shape)\n{start}\nfor t in range(1, steps):\n"
        f"    {line.format(read)}\n{back}"
    )


RIGHT = {
    "patterns": {
        "names": respelled(patterns, _NAMES),
        "as in the index": respelled(patterns, f"f'{{w}}. ' + {_NAMES}"),
        "upper case": respelled(patterns, f"({_NAMES}).upper()"),
        "capital": respelled(patterns, f"({_NAMES}).capitalize()"),
        "numbers as text": respelled(patterns, "str(w)"),
        "with a full stop": respelled(patterns, "f'{w}.'"),
        "pattern 4": respelled(patterns, "f'pattern {w}'"),
        "number sign": respelled(patterns, "f'#{w}'"),
        "quoted": respelled(patterns, f"repr({_NAMES}) + '.'"),
        "colon": respelled(patterns, f"f' {{w}}: ' + {_NAMES}"),
    },
    "attend": {
        "masked_fill": _attend(_SOFT + "w = w.masked_fill(padding, 0)\n" + _LAST),
        "a clone, then as found": _attend(_FOUND.replace("-1)\n", "-1).clone()\n", 1)),
        "minus infinity before": _attend(
            "return torch.softmax(scores.masked_fill(padding, -torch.inf), -1) @ values"
        ),
        "log of the mask": _attend(
            "return torch.softmax(scores + torch.log((~padding).float()), -1) @ values"
        ),
        "times": _attend(
            _SOFT + "w = w * ~padding\nw /= w.sum(-1, keepdim=True)\nreturn w @ values"
        ),
        "normalize": _attend(_SOFT + "return F.normalize(w * ~padding, p=1, dim=-1) @ values"),
        "those words alone": _attend(
            "return torch.softmax(scores[..., ~padding], -1) @ values[..., ~padding, :]"
        ),
        "divided at the end": _attend(
            _SOFT + "w = torch.where(padding, 0, w)\nreturn (w @ values) / w.sum(-1, keepdim=True)"
        ),
        "einsum": _attend(
            _SOFT
            + "w = w.index_fill(-1, padding.nonzero()[:, 0], 0)\nw = w / w.sum(-1, keepdim=True)\n"
            "return torch.einsum('...qk,...kd->...qd', w, values)"
        ),
        "a mask through .data": _attend(
            _SOFT
            + "m = torch.ones_like(scores.data)\nm.data[:, :, padding] = 0\nw = w * m\n"
            + _LAST
        ),
    },
    "roll_out": {
        "accumulate": _roll(
            "from itertools import accumulate\nreturn torch.stack(list(accumulate([start, *range(steps - 1)], lambda s, _: cell(s))))"
        ),
        "clone is read": _rolled("states[t - 1].clone()"),
        "the last one is kept": _rolled(
            "s := cell(s)", "states[t] = ({})", "s = states[0] = start"
        ),
        "the buffer is cloned": _rolled(
            line="new = cell({})\n    states = states.clone()\n    states[t] = new"
        ),
        "cat": _roll(
            "states = start[None]\nfor _ in range(1, steps):\n"
            "    states = torch.cat([states, cell(states[-1])[None]])\nreturn states"
        ),
        "recursion": _roll(
            "if steps == 1:\n    return start.unsqueeze(0)\nbefore = f(cell, start, steps - 1)\n"
            "return torch.cat([before, cell(before[-1]).unsqueeze(0)])"
        ),
        "a list of places": _roll(
            "states = [None] * steps\nstates[0] = start\nfor t in range(1, steps):\n"
            "    states[t] = cell(states[t - 1])\nreturn torch.stack(states)"
        ),
        "select_scatter": _rolled(line="states = states.select_scatter(cell({}), 0, t)"),
        "a cloning hook": _roll(
            inside(
                CLONING,
                "states = torch.zeros(steps, *start.shape)\nstates[0] = start\nfor t in range(1, steps):\n"
                "    states[t] = cell(states[t - 1])\nreturn states",
            )
        ),
        "filled at the end": _roll(
            "out, s = torch.empty(steps, *start.shape), [start]\nfor _ in range(steps - 1):\n"
            "    s.append(cell(s[-1]))\nfor t, one in enumerate(s):\n    out[t] = one\nreturn out"
        ),
    },
}
WRONG = {
    "patterns": {
        "a is 18": (but(patterns, {"a": 18}), "a: you say"),
        "a is 6": (but(patterns, {"a": 6}), "a: you say"),
        "b is 18": (but(patterns, {"b": 18}), "b: you say"),
        "b is 20": (but(patterns, {"b": "20. step between two losses"}), "b: you say"),
        "c is 16": (but(patterns, {"c": 16}), "c: you say"),
        "d is 25": (but(patterns, {"d": 25}), "d: you say"),
        "e is 1": (but(patterns, {"e": 1}), "e: you say"),
        "f is 40": (but(patterns, {"f": 40}), "f: you say"),
        "number and name differ": (but(patterns, {"a": "5. boxes decoded into a sigmoid"}), "5"),
        "zero": (but(patterns, {"a": 0}), "0"),
    },
    "attend": {
        "as found": (_attend(_FOUND), "raises"),
        "identity hooks": (_attend(inside(HOOKS, _FOUND)), "the check is switched off"),
        ".data": (_attend(_SOFT + "w.data[:, :, padding] = 0\n" + _LAST), "no counter moved"),
        "unsafe": (
            _attend(_SOFT + UNSAFE.format("w") + "\n    w[:, :, padding] = 0\n" + _LAST),
            "the check is switched off",
        ),
        "not made one": (
            _attend(_SOFT + "return w.masked_fill(padding, 0) @ values"),
            "no longer add up to 1",
        ),
        "not masked": (_attend(_SOFT + _LAST), "still have a weight"),
        "the others masked": (
            _attend(_SOFT + "w = w.masked_fill(~padding, 0)\n" + _LAST),
            "the other way round",
        ),
        "sum cut off": (
            _attend(
                _SOFT
                + "w = w.masked_fill(padding, 0)\nreturn w / w.sum(-1, keepdim=True).detach() @ values".replace(
                    "w / w.sum(-1, keepdim=True).detach() @",
                    "(w / w.sum(-1, keepdim=True).detach()) @",
                )
            ),
            "gradient",
        ),
        "zero before": (
            _attend("return torch.softmax(scores.masked_fill(padding, 0), -1) @ values"),
            "exp(0)",
        ),
        "into scores": (
            _attend(
                "with torch.no_grad():\n    scores[:, :, padding] = -torch.inf\nreturn torch.softmax(scores, -1) @ values"
            ),
            "scores",
        ),
    },
    "roll_out": {
        "as found": (_rolled(), "raises"),
        ".data is read": (_rolled("states[t - 1].data"), "`.data` cuts the history"),
        "detached": (_rolled("states[t - 1].detach().clone()"), "gradient"),
        "through .data": (_rolled(line="states.data[t] = cell({})"), "`.data` cuts the history"),
        "start is missing": (
            _roll(
                "s = []\nfor _ in range(steps):\n    start = cell(start)\n    s.append(start)\nreturn torch.stack(s)"
            ),
            "start",
        ),
        "one too many": (
            _roll(
                "s = [start]\nfor _ in range(steps):\n    s.append(cell(s[-1]))\nreturn torch.stack(s)"
            ),
            "steps",
        ),
        "the other side": (
            _roll(
                "s = [start]\nfor _ in range(steps - 1):\n    s.append(cell(s[-1]))\nreturn torch.stack(s, 1)"
            ),
            "[",
        ),
        "always of the first": (
            _roll("return torch.stack([start] + [cell(start)] * (steps - 1))"),
            "before",
        ),
        "a clone at the end": (_rolled(back="return states.clone()"), "raises"),
        "a list": (
            _roll("s = [start]\nfor _ in range(steps - 1):\n    s.append(cell(s[-1]))\nreturn s"),
            "list",
        ),
    },
}
