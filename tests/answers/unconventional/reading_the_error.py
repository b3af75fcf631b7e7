"""Lesson 5."""

from answers import but
from answers.unconventional import ALLOWED, CLONING, HOOKS, UNSAFE, body, inside, respelled
from overwritten.lesson.exercises.reading_the_error import messages

_gated, _top = body("block, gate, x"), body("laterals")
_UP = "F.interpolate({}, scale_factor=2)"
_ORIGINAL = "x = block(x)\nx *= torch.sigmoid(gate(x))\nreturn x"


def _down(line, start="m = list(laterals)", back="return m"):
    """The way down; `line` merges level i into level i - 1 of `m`."""
    return _top(f"{start}\nfor i in range(len(m) - 1, 0, -1):\n    {line}\n{back}")


_WORDS = {
    "lower case": "w.lower()",
    "upper case": "w.upper()",
    "full stop": "w + '.'",
    "no space": "w.replace('; ', ';')",
    "comma": "w.replace(';', ',')",
    "as on the cards": "w.replace(' ', ', ', 1).replace('; ', '; expected ') if ';' in w else w",
    "Backward0": "w.replace(' ', 'Backward0 ', 1) if w[0] in 'RAS' else w",
    "as PyTorch writes": "w.replace(' ', ' version ', 1).replace('; ', '; expected version ') if ';' in w else w",
    "at version": "w.replace(' ', ' is at version ', 1).replace('; ', '; expected version ') if ';' in w else w",
    "spaces": "f'  {w} '",
}

RIGHT = {
    "messages": {what: respelled(messages, how) for what, how in _WORDS.items()},
    "gated": {
        "a clone": _gated("y = block(x)\nz = y.clone()\nz *= torch.sigmoid(gate(y))\nreturn z"),
        "addcmul": _gated("y = block(x)\nreturn torch.zeros_like(y).addcmul(y, gate(y).sigmoid())"),
        "lerp": _gated(
            "y = block(x)\nreturn torch.lerp(torch.zeros_like(y), y, gate(y).sigmoid())"
        ),
        "the gate is written": _gated(
            "y = block(x)\ns = gate(y).sigmoid().expand_as(y).clone()\nreturn s.mul_(y)"
        ),
        "channel by channel": _gated(
            "y = block(x)\ns = gate(y).sigmoid()[:, 0]\nreturn torch.stack([c * s for c in y.unbind(1)], 1)"
        ),
        "divided": _gated("y = block(x)\nreturn y / (1 + torch.exp(-gate(y)))"),
        "sigmoid_": _gated("y = block(x)\nreturn gate(y).sigmoid_() * y"),
        "a cloning hook": _gated(inside(CLONING, _ORIGINAL)),
        "einsum": _gated(
            "y = block(x)\nreturn torch.einsum('nchw,nhw->nchw', y, gate(y).sigmoid().squeeze(1))"
        ),
        "of a clone": _gated("y = block(x)\ns = torch.sigmoid(gate(y.clone()))\nreturn y.mul(s)"),
    },
    "top_down": {
        "into the given list": _down(f"m[i - 1] = m[i - 1] + {_UP.format('m[i]')}", "m = laterals"),
        "clones, then +=": _down(
            f"m[i - 1] += {_UP.format('m[i]')}", "m = [l.clone() for l in laterals]"
        ),
        "backwards": _top(
            "merged = [laterals[-1]]\nfor lateral in laterals[-2::-1]:\n"
            f"    merged.append(lateral + {_UP.format('merged[-1]')})\nreturn merged[::-1]"
        ),
        "recursion": _top(
            "if len(laterals) == 1:\n    return list(laterals)\nrest = f(laterals[1:])\n"
            f"return [laterals[0] + {_UP.format('rest[0]')}, *rest]"
        ),
        "accumulate": _top(
            "from itertools import accumulate\n"
            f"return list(accumulate(laterals[::-1], lambda up, l: l + {_UP.format('up')}))[::-1]"
        ),
        "repeat_interleave": _down(
            "m[i - 1] = m[i - 1] + m[i].repeat_interleave(2, -1).repeat_interleave(2, -2)"
        ),
        "Upsample": _down("m[i - 1] = torch.add(nn.Upsample(scale_factor=2)(m[i]), m[i - 1])"),
        "size": _down("m[i - 1] = m[i - 1] + F.interpolate(m[i], m[i - 1].shape[-2:])"),
        "onto the enlarged one": _down(f"m[i - 1] = {_UP.format('m[i]')}.add_(m[i - 1])"),
        "inserted": _top(
            f"m = []\nfor l in reversed(laterals):\n    m.insert(0, l + {_UP.format('m[0]')} if m else l)\nreturn m"
        ),
    },
}
WRONG = {
    "messages": {
        "a: the last writer": (but(messages, {"a": "Sub 3; 1"}), "a: "),
        "a: expected 0": (but(messages, {"a": "Relu 3; 0"}), "a: "),
        "b: the saver": (but(messages, {"b": "Pow 1; 0"}), "b: "),
        "b: the maker": (but(messages, {"b": "Mul 1; 0"}), "b: "),
        "c: counted once": (but(messages, {"c": "Sigmoid 1; 0"}), "c: "),
        "c: CopySlices": (but(messages, {"c": "CopySlices 2; 0"}), "c: "),
        "d: a name": (but(messages, {"d": "Mul 1; 0"}), "d: "),
        "e: an error": (but(messages, {"e": "Relu 1; 0"}), "e: "),
        "f: no error": (but(messages, {"f": "no error"}), "f: "),
        "f: swapped": (but(messages, {"f": "Add 1; 2"}), "f: "),
    },
    "gated": {
        "as it was": (_gated(_ORIGINAL), "raises"),
        ".data": (
            _gated("y = block(x)\ny.data.mul_(gate(y).sigmoid())\nreturn y"),
            "`.data` cuts the history",
        ),
        "the gate cut off": (
            _gated("y = block(x)\nreturn y * gate(y).sigmoid().detach()"),
            "gradient",
        ),
        "the block cut off": (
            _gated("y = block(x)\nreturn y.detach() * gate(y).sigmoid()"),
            "gradient",
        ),
        "the block changed": (
            _gated(
                "for m in block.modules():\n    if hasattr(m, 'inplace'):\n        m.inplace = False\n"
                "y = block(x)\nreturn y * gate(y).sigmoid()"
            ),
            "block",
        ),
        "tanh": (_gated("y = block(x)\nreturn y * gate(y).tanh()"), "values"),
        "identity hooks": (_gated(inside(HOOKS, _ORIGINAL)), "the check is switched off"),
        "added": (_gated("y = block(x)\nreturn y + gate(y).sigmoid()"), "values"),
        "allowed": (_gated(inside(ALLOWED, _ORIGINAL)), "allow_mutation_on_saved_tensors"),
        "unsafe": (
            _gated(
                f"y = block(x)\ns = gate(y).sigmoid()\n{UNSAFE.format('y')}\n    y *= s\nreturn y"
            ),
            "the check is switched off",
        ),
    },
    "top_down": {
        "as it was": (_down(f"m[i - 1] += {_UP.format('m[i]')}"), "raises"),
        "not merged": (
            _down(f"m[i - 1] = laterals[i - 1] + {_UP.format('laterals[i]')}"),
            "merged",
        ),
        ".data": (_down(f"m[i - 1].data += {_UP.format('m[i]')}"), "no counter moved"),
        "coarsest first": (
            _down(f"m[i - 1] = m[i - 1] + {_UP.format('m[i]')}", back="return m[::-1]"),
            "first",
        ),
        "bilinear": (
            _down("m[i - 1] = m[i - 1] + F.interpolate(m[i], scale_factor=2, mode='bilinear')"),
            "other values",
        ),
        "cut off": (_down(f"m[i - 1] = m[i - 1] + {_UP.format('m[i].detach()')}"), "gradient"),
        "the coarsest is gone": (
            _down(f"m[i - 1] = m[i - 1] + {_UP.format('m[i]')}", back="return m[:-1]"),
            "a list of 2",
        ),
        "one step": (
            _top(f"m = list(laterals)\nm[-2] = m[-2] + {_UP.format('m[-1]')}\nreturn m"),
            "map 0",
        ),
        "a clone at the wrong place": (
            _down(f"m[i - 1] += {_UP.format('m[i].clone()')}"),
            "raises",
        ),
        "identity hooks": (
            _top(
                inside(
                    HOOKS,
                    f"m = list(laterals)\nfor i in range(len(m) - 1, 0, -1):\n    m[i - 1] += {_UP.format('m[i]')}\nreturn m",
                )
            ),
            "`relu` saved, `add_` wrote",
        ),
    },
}
