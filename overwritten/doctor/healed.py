"""A healed run, told: each fault with its lines, its cure, and what the gradient would have been.

The idea: saver, writers and cure are worded as in every diagnosis; below them stands the effect.
The whole is in the JSON, what fits on a screen on stderr. It measures nothing.
"""

from __future__ import annotations

import math

from overwritten.doctor.copies import told
from overwritten.doctor.diagnosis import diagnose
from overwritten.doctor.effects import Effect
from overwritten.doctor.faults import Fault
from overwritten.doctor.report import MOST_LINES, as_dict, silent_dict, silent_text
from overwritten.messages import Message

_SHOWN = ("saved by", "overwritten by", "cure")
#: So many parameters are named for a fault, and so many of its writers.
_MOST_NAMES, _MOST_WRITERS = 3, 3


def healed_text(healer) -> str:
    """All of it, at most `MOST_LINES` lines."""
    faults = healer.faults.all
    times = sum(fault.times for fault in faults)
    head = "overwritten --heal: nothing that backward needs was overwritten."
    if faults:
        head = (
            f"overwritten --heal: {len(faults)} fault{'s' * (len(faults) > 1)}, healed "
            f"{times} time{'s' * (times > 1)}: backward got what was saved."
        )
    tail = [f"cost           {_cost(healer)}"]
    if healer.unhealed:
        tail.append(f"not healed     {', '.join(_unhealed(healer))}")
    room = (MOST_LINES - 1 - len(tail)) // max(len(faults), 1) - 3
    lines = [head]
    for number, fault in enumerate(faults, 1):
        said = [*_who(fault, min(max(room, 1), _MOST_WRITERS))]
        said.append(f"gradient       {_effect(fault)}")
        if len(lines) + len(said) + len(tail) + (number < len(faults)) > MOST_LINES:
            left = len(faults) - number + 1
            lines.append(f"and so on      {left} more faults; --json has all of them")
            break
        lines += said
    return "\n".join(lines + tail)


def _who(fault, most):
    text = _diagnosis(fault).text() if fault.ticked else silent_text(fault.found)
    lines = [line for line in text.split("\n") if line.startswith(_SHOWN)]
    writers = [line for line in lines if line.startswith("overwritten by")]
    if len(writers) > most:
        writers[most - 1 :] = [f"{writers[most - 1]} and {len(writers) - most} more"]
    return [lines[0], *writers, *(line for line in lines[1:] if line.startswith("cure"))]


def _diagnosis(fault):
    saver, shape = fault.found.saver, fault.found.shape
    message = Message("overwritten", shape=shape, now=saver.now, expected=saver.expects)
    return diagnose(message, [fault.found])


def _effect(fault) -> str:
    """'PyTorch raises (×6); it would have been wrong: Net.fc.weight 0.61 ×, 23°; …'"""
    times = f" (×{fault.times})" if fault.times > 1 else ""
    raises = f"{'PyTorch raises' if fault.ticked else 'nothing raises'}{times}; the gradient"
    behind = f"not measured behind {', '.join(sorted(fault.behind))}"
    if fault.verdict == "right":
        return f"{raises} would have been right"
    if not fault.effects:
        return f"{raises} was {behind if fault.behind else 'not measured'}"
    worst = _worst_first(fault)
    said = [f"{name} {_size(effect)}" for name, effect in worst[:_MOST_NAMES]]
    said += [f"{len(worst) - _MOST_NAMES} more"] if len(worst) > _MOST_NAMES else []
    said += [behind] if fault.behind else []
    return f"{raises} would have been wrong: {'; '.join(said)}"


def _worst_first(fault):
    """The furthest off; last those that are hardly off beside others, as a bias before a batch
    norm, whose gradient is rounding."""
    most = max((e.gap for e in fault.effects.values() if math.isfinite(e.gap)), default=0.0)

    def rank(one):
        name, effect = one
        off = math.inf if math.isnan(effect.off) else effect.off
        return effect.gap < most / 1000, -off, name

    return sorted(fault.effects.items(), key=rank)


def _size(effect: Effect) -> str:
    if math.isfinite(effect.ratio):
        return f"{effect.ratio:.3g} ×, {effect.angle:.3g}°"
    return "not 0" if math.isinf(effect.ratio) else "not finite"


def _cost(healer):
    copies = healer.copies
    made = f"{copies.made} cop{'y' if copies.made == 1 else 'ies'}"
    return f"{made}, {told(copies.most)} at most at one time; {healer.seconds:.2g} s"


def _unhealed(healer) -> list[str]:
    said = [f"{what} (×{n})" if n > 1 else what for what, n in sorted(healer.unhealed.items())]
    return said + ([f"all since {healer.stopped}"] if healer.stopped else [])


def fault_dict(fault: Fault) -> dict:
    """For JSON (see DOCTOR.md): saver, writers, cure, and what the gradient would have been."""
    if fault.ticked:
        found = as_dict(_diagnosis(fault))
    else:
        found = silent_dict(fault.found)
    effects = [
        {"name": name, "ratio": _number(e.ratio), "angle": _number(e.angle)}
        for name, e in _worst_first(fault)
    ]
    gradient = {"verdict": fault.verdict, "parameters": effects, "behind": sorted(fault.behind)}
    kept = {key: found[key] for key in ("saver", "writers", "cure")}
    return {**kept, "raises": fault.ticked, "times": fault.times, "gradient": gradient}


def _number(value):
    return round(value, 6) if math.isfinite(value) else None


def cost_dict(healer) -> dict:
    """For JSON: what the copies took, and what was not healed."""
    copies = healer.copies
    return {
        "copies": copies.made,
        "most_bytes": copies.most,
        "seconds": round(healer.seconds, 3),
        "not_healed": _unhealed(healer),
    }
