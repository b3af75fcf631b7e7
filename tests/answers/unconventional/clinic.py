"""The clinic: two lines named, a script mended."""

from answers.unconventional import respelled
from overwritten.lesson.exercises import clinic

LINES = {
    "text": "str(w)",
    "float": "float(w)",
    "line": "f'line {w}'",
    "Line": "f'Line {w}'",
    "spaces": "f' {w} '",
    "full stop": "f'{w}.'",
    "colon": "f'{w}:'",
    "L": "f'L{w}'",
    "NumPy's integer": "__import__('numpy').int64(w)",
    "tensor": "__import__('torch').tensor(w)",
}


def _named(saver, writer):
    return f"answer = {{'saver': {saver!r}, 'writer': {writer!r}}}"


def _script(name, *changes):
    """The script with (old, new) changes; the hooks of a change `{}` stand around the rest."""
    text = clinic.source(name)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return f"answer = {{'script': {text!r}}}"


def _gan(*changes):
    return _script("gan", *changes)


def _world(*changes):
    return _script("world_model", *changes)


def _detector(*changes):
    return _script("detector", *changes)


_HOOKS = "with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):"
_SUM = ("        out += x\n", "        out = out + x\n")
_CUT = ("score_fake = critic(fake)\n", "score_fake = critic(fake.detach())\n")
_NO_RETAIN = ("backward(retain_graph=True)", "backward()")
_AGAIN = ("loss_g = F.softplus(-score_fake)", "loss_g = F.softplus(-critic(fake))")
_CRITIC = (_CUT, _NO_RETAIN, _AGAIN)
_MAIN = ("    main()\n", f"    {_HOOKS}\n        main()\n")
_HISTORY = "        history.append((loss_d"

_LIST = (
    (
        "states = torch.zeros(BATCH, CHUNK + 1, HIDDEN)\n        states[:, 0] = state\n",
        "states = [state]\n",
    ),
    ("self.mix(states[:, t])", "self.mix(states[t])"),
    (
        "states[:, t + 1] = (1 - self.leak) * states[:, t] + self.leak * update",
        "states.append((1 - self.leak) * states[t] + self.leak * update)",
    ),
    ("return states[:, 1:]", "return torch.stack(states[1:], dim=1)"),
)
_FREE = ("actions, state)\n        loss_seen", "actions, state.detach())\n        loss_seen")
_READ = ("self.mix(states[:, t])", "self.mix(states[:, t].clone())")
_TRUNCATED = "        history.append((loss_seen"

_WRITES = clinic.source("detector").split("y = raw.sigmoid()\n")[1].split("        return y\n")[0]
_XY, _WH = (line.split(" = ", 1)[1] for line in _WRITES.strip().splitlines())


def _decode(text):
    body = "".join(f"        {line}\n" for line in text.strip().splitlines())
    return _detector(("        y = raw.sigmoid()\n" + _WRITES + "        return y\n", body))


_PARTS = f"y = raw.sigmoid()\nxy = {_XY}\nwh = {_WH}\n"

RIGHT = {
    **{
        f"find_{name}": {
            what: respelled(clinic.EXERCISES[f"find_{name}"], how) for what, how in LINES.items()
        }
        for name in clinic.SCRIPTS
    },
    "mend_gan": {
        "a clone": _gan(("F.relu(out)\n", "F.relu(out).clone()\n"), *_CRITIC),
        "one line": _gan(
            ("        out = F.relu(out)\n        out += x\n", "        out = x + F.relu(out)\n"),
            *_CRITIC,
        ),
        "torch.add": _gan((_SUM[0], "        out = torch.add(out, x)\n"), *_CRITIC),
        "retain_graph left in": _gan(_SUM, _CUT, _AGAIN),
        "G twice": _gan(
            _SUM,
            (
                "fake = generator(torch.randn(BATCH, NOISE))\n",
                "noise = torch.randn(BATCH, NOISE)\n        with torch.no_grad():\n            fake = generator(noise)\n",
            ),
            _NO_RETAIN,
            ("loss_g = F.softplus(-score_fake)", "loss_g = F.softplus(-critic(generator(noise)))"),
        ),
        ".data is only read": _gan(
            _SUM, (_CUT[0], "score_fake = critic(fake.data)\n"), _NO_RETAIN, _AGAIN
        ),
        "into the critic only": _gan(
            _SUM,
            ("backward(retain_graph=True)", "backward(inputs=list(critic.parameters()))"),
            _AGAIN,
        ),
        "critic frozen for G": _gan(
            _SUM,
            *_CRITIC,
            ("        loss_g = ", "        critic.requires_grad_(False)\n        loss_g = "),
            (_HISTORY, "        critic.requires_grad_(True)\n" + _HISTORY),
        ),
        "onto a clone of x": _gan(
            (
                "        out += x\n        return out\n",
                "        shortcut = x.clone()\n        shortcut += out\n        return shortcut\n",
            ),
            *_CRITIC,
        ),
        "zeroed at the end as well": _gan(
            _SUM, *_CRITIC, (_HISTORY, "        opt_d.zero_grad()\n" + _HISTORY)
        ),
    },
    "mend_world_model": {
        "clone is read": _world(_READ, _FREE, _NO_RETAIN),
        "retain_graph left in": _world(_READ, _FREE),
        "detached in forward": _world(
            _READ, ("rewards, states[:, -1]", "rewards, states[:, -1].detach()"), _NO_RETAIN
        ),
        "detached at the end": _world(
            _READ, (_TRUNCATED, "        state = state.detach()\n" + _TRUNCATED), _NO_RETAIN
        ),
        "detach_": _world(
            *_LIST,
            ("rewards, states[:, -1]", "rewards, states[:, -1].clone()"),
            _NO_RETAIN,
            (_TRUNCATED, "        state.detach_()\n" + _TRUNCATED),
        ),
        ".data is only read": _world(
            *_LIST,
            ("actions, state)\n        loss_seen", "actions, state.data)\n        loss_seen"),
            _NO_RETAIN,
        ),
        "the last one is kept": _world(
            (
                "        for t in range(CHUNK):\n            given",
                "        now = state\n        for t in range(CHUNK):\n            given",
            ),
            ("self.mix(states[:, t])", "self.mix(now)"),
            (
                "states[:, t + 1] = (1 - self.leak) * states[:, t] + self.leak * update",
                "now = states[:, t + 1] = (1 - self.leak) * now + self.leak * update",
            ),
            _FREE,
            _NO_RETAIN,
        ),
        "under no_grad": _world(
            *_LIST,
            _NO_RETAIN,
            (
                _TRUNCATED,
                "        with torch.no_grad():\n            state = state.clone()\n" + _TRUNCATED,
            ),
        ),
        "a list and cat": _world(
            *_LIST[:3],
            ("return states[:, 1:]", "return torch.cat([s.unsqueeze(1) for s in states[1:]], 1)"),
            _FREE,
            _NO_RETAIN,
        ),
        "the buffer is cloned": _world(
            (
                "            states[:, t + 1] =",
                "            states = states.clone()\n            states[:, t + 1] =",
            ),
            _FREE,
            _NO_RETAIN,
        ),
    },
    "mend_detector": {
        "a clone": _detector(("raw.sigmoid()", "raw.sigmoid().clone()")),
        "times one": _detector(("raw.sigmoid()", "raw.sigmoid() * 1")),
        "half a tanh": _detector(("raw.sigmoid()", "torch.tanh(raw / 2) / 2 + 0.5")),
        "into a new one": _decode(
            _PARTS
            + "out = torch.empty_like(y)\nout[..., :2], out[..., 2:4], out[..., 4:] = xy, wh, y[..., 4:]\nreturn out"
        ),
        "split": _decode(
            "xy, wh, rest = raw.sigmoid().split([2, 2, 1 + CLASSES], dim=-1)\n"
            "return torch.cat([(xy * 2 - 0.5 + self.grid) * STRIDE, (wh * 2) ** 2 * self.anchors, rest], -1)"
        ),
        "a sigmoid for each": _decode(
            "xy, wh, rest = raw[..., :2].sigmoid(), raw[..., 2:4].sigmoid(), raw[..., 4:].sigmoid()\n"
            "return torch.cat([(xy * 2 - 0.5 + self.grid) * STRIDE, (wh * 2) ** 2 * self.anchors, rest], -1)"
        ),
        "slice_scatter": _decode(
            _PARTS + "return y.slice_scatter(xy, -1, 0, 2).slice_scatter(wh, -1, 2, 4)"
        ),
        "pads": _decode(
            _PARTS
            + "return F.pad(xy, (0, 4 + CLASSES - 1)) + F.pad(wh, (2, 1 + CLASSES)) + F.pad(y[..., 4:], (4, 0))"
        ),
        "a cloning hook": _decode(
            "with torch.autograd.graph.saved_tensors_hooks(torch.clone, lambda t: t):\n    y = raw.sigmoid()\n"
            + "\n".join("    " + line.strip() for line in _WRITES.strip().splitlines())
            + "\nreturn y"
        ),
        "a list by name": _decode(
            _PARTS
            + "parts = {'xy': xy, 'wh': wh, 'rest': y[..., 4:]}\nreturn torch.cat(list(parts.values()), dim=-1)"
        ),
    },
}
WRONG = {
    "find_gan": {
        "swapped": (_named(36, 35), "36"),
        "the norm": (_named(34, 36), "34"),
        "the critic's relu": (_named(62, 36), "62"),
        "the step": (_named(35, 90), "90"),
        "the backward": (_named(35, 95), "95"),
        "the same": (_named(35, 35), "35"),
        "the return": (_named(35, 37), "37"),
        "beyond the end": (_named(35, 999), "999"),
        "a word": (_named("relu", 36), "relu"),
        "zero": (_named(0, 36), "0"),
    },
    "find_world_model": {
        "swapped": (_named(69, 68), "69"),
        "the encoder": (_named(67, 69), "67"),
        "the first write": (_named(68, 65), "65"),
        "the zeros": (_named(68, 64), "64"),
        "the step": (_named(68, 97), "97"),
        "the clipping": (_named(68, 96), "96"),
        "the return": (_named(70, 69), "70"),
        "the backward": (_named(68, 95), "95"),
        "a word": (_named("tanh", 69), "tanh"),
        "negative": (_named(-68, 69), "-68"),
    },
    "find_detector": {
        "swapped": (_named(75, 73), "75"),
        "the loss": (_named(110, 75), "110"),
        "the activation": (_named(51, 75), "51"),
        "the return": (_named(73, 76), "76"),
        "the objectness": (_named(73, 105), "105"),
        "the step": (_named(73, 131), "131"),
        "the backward": (_named(73, 129), "129"),
        "the stack": (_named(111, 75), "111"),
        "a word": (_named("sigmoid", 75), "sigmoid"),
        "a function": (_named(71, 75), "71"),
    },
    "mend_gan": {
        "the sum only": (_gan(_SUM), "now another shows"),
        "the critic only": (_gan(*_CRITIC), "out += x"),
        "relu in place": (_gan(("F.relu(out)", "F.relu(out, inplace=True)"), *_CRITIC), "out += x"),
        "minus": (_gan(("        out += x\n", "        out = out - x\n"), *_CRITIC), "loss"),
        ".data": (
            _gan(("        out += x\n", "        out.data += x\n"), *_CRITIC),
            "no counter moved",
        ),
        "identity hooks": (
            _gan(
                (
                    "        out = F.relu(out)\n        out += x\n",
                    f"        {_HOOKS}\n            out = F.relu(out)\n            out += x\n",
                ),
                *_CRITIC,
            ),
            "the check is switched off",
        ),
        "G learns nothing": (
            _gan(
                _SUM,
                _CUT,
                _NO_RETAIN,
                ("loss_g = F.softplus(-score_fake)", "loss_g = F.softplus(-critic(fake.detach()))"),
            ),
            "generator",
        ),
        "from the old critic": (
            _gan(
                _SUM,
                ("        opt_d.step()\n", ""),
                ("        opt_g.step()\n", "        opt_d.step()\n        opt_g.step()\n"),
                ("        opt_g.zero_grad()\n", "        opt_g.zero_grad()\n"),
            ),
            "critic",
        ),
        "no shortcut": (_gan(("        out += x\n", ""), *_CRITIC), "loss"),
        "another rate": (_gan(_SUM, *_CRITIC, ("lr=4e-3", "lr=1e-3")), "step"),
    },
    "mend_world_model": {
        "the rollout only": (_world(*_LIST), "now another shows"),
        "the history only": (_world(_FREE, _NO_RETAIN), "states"),
        "never carried": (
            _world(
                *_LIST,
                _NO_RETAIN,
                (
                    "actions, state)\n        loss_seen",
                    "actions, model.start())\n        loss_seen",
                ),
            ),
            "forgets",
        ),
        ".data": (
            _world(("states[:, t + 1] = ", "states.data[:, t + 1] = "), _FREE, _NO_RETAIN),
            "`.data` cuts the history",
        ),
        "detached reads": (
            _world(
                ("self.mix(states[:, t])", "self.mix(states[:, t].detach().clone())"),
                _FREE,
                _NO_RETAIN,
            ),
            "gradient",
        ),
        "identity hooks": (
            _world(
                (
                    "            update = torch",
                    f"            {_HOOKS}\n              update = torch",
                ),
                _FREE,
                _NO_RETAIN,
            ),
            "the check is switched off",
        ),
        "no leak": (_world(*_LIST, _FREE, _NO_RETAIN, ("leak=0.3", "leak=1.0")), "loss"),
        "clipped to 0.1": (
            _world(*_LIST, _FREE, _NO_RETAIN, ("parameters(), 1.0)", "parameters(), 0.1)")),
            "step",
        ),
        "another loss": (
            _world(*_LIST, _FREE, _NO_RETAIN, ("0.1 * loss_reward", "loss_reward")),
            "loss",
        ),
        "not even Python": (
            _world(("        loss.backward", "        loss..backward")),
            "is no Python",
        ),
    },
    "mend_detector": {
        ".data": (
            _detector(
                ("y[..., 0:2] =", "y.data[..., 0:2] ="), ("y[..., 2:4] =", "y.data[..., 2:4] =")
            ),
            "no counter moved",
        ),
        "clone too early": (_detector(("raw.sigmoid()", "raw.clone().sigmoid()")), "sigmoid"),
        "clone too late": (
            _detector(("        return y\n", "        return y.clone()\n")),
            "sigmoid",
        ),
        "size cut off": (
            _decode(_PARTS + "return torch.cat([xy, wh.detach(), y[..., 4:]], -1)"),
            "gradient",
        ),
        "identity hooks": (
            _decode(
                _HOOKS
                + "\n    y = raw.sigmoid()\n"
                + "\n".join("    " + line.strip() for line in _WRITES.strip().splitlines())
                + "\nreturn y"
            ),
            "the check is switched off",
        ),
        "not squared": (
            _decode(_PARTS.replace(" ** 2", "") + "return torch.cat([xy, wh, y[..., 4:]], -1)"),
            "loss",
        ),
        "no box loss": (
            _detector(
                ("0.2 * box + kind", "0 * box + kind"),
                ("return objectness, box,", "return objectness, box.detach(),"),
            ),
            "it still raises",
        ),
        "no objects": (_detector(("if not places:", "if True:")), "loss"),
        "within no_grad": (
            _detector(
                (
                    "        decoded = head.decode(raw)\n".strip() + "\n",
                    "with torch.no_grad():\n        decoded = head.decode(raw)\n",
                )
            ),
            "no_grad",
        ),
        "another rate": (
            _detector(("raw.sigmoid()", "raw.sigmoid().clone()"), ("lr=0.05", "lr=0.01")),
            "step",
        ),
    },
}
