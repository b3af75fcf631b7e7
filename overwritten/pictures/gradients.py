"""The gradient that came out beside the true one: a pair of bars for each element.

The idea: hollow is the truth (the out-of-place twin's), filled is what this program gave;
where they are not equally long, the gradient is wrong, whether anyone complained or not.
The truth sets the scale, so its bars stand still: a log scale, on which a gradient that is 10
times too large and one that is 100 times too large differ; a bar that would run out is cut.
A pure function from two Recordings to a Picture.
"""

from __future__ import annotations

from math import ceil, log10

from overwritten.pictures.draw import CHAR, WIDTH, box, clip, judged, number, text
from overwritten.pictures.picture import Picture
from overwritten.record.recording import Recording
from overwritten.record.trial import bad, flat

PAD, AXIS, HIGH, MOST = 10, 64, 96, 6
#: A bar is at most so wide, in px.
WIDEST = 64
#: The scale reaches so many powers of ten below the largest true number, and above it.
BELOW, ABOVE = 4, 2


def gradients_picture(run: Recording, twin: Recording, label: str, verdict: str = "") -> Picture:
    """At most the first 6 numbers of the twin's gradients, on a log scale 96 px high."""
    pairs = _pairs(run, twin)
    low, high = _powers([abs(true) for *_, true in pairs])
    body = [text(PAD, 16, "no verdict", "bold")]
    if verdict:
        body = [judged(PAD, 16, verdict, bad(verdict))]
    body.append(text(PAD, 38, "hollow: true, filled: got; log scale", "soft"))
    zero = 66 + HIGH
    below = any(v is not None and v < 0 for _, *pair in pairs for v in pair)
    foot = zero + (HIGH + 22 if below else 4)
    body += _axis(zero, low, high, below) if pairs else []
    room = (WIDTH - 2 * PAD - AXIS) / max(len(pairs), 1)
    wide = min(room / 2 - 4, WIDEST)
    for column, (name, got, true) in enumerate(pairs):
        x = PAD + AXIS + column * (2 * wide + 8)
        for left, value, kind in ((x, true, "box"), (x + wide, got, "box solid")):
            body += _bar(left, wide, zero, value, low, high, kind)
        body.append(text(x + wide / 2, foot + 14, "true", "mid soft"))
        body.append(text(x + wide * 1.5, foot + 14, "got", "mid soft"))
        body.append(text(x + wide, foot + 32, clip(name, int(2 * wide / CHAR)), "mid"))
    return Picture(foot + 48, label, body, {"verdict": verdict})


def _powers(sizes):
    """The powers of ten at the foot and at the top of the scale, from the true numbers' sizes."""
    known = [size for size in sizes if 0 < size < float("inf")] or [1]
    most = ceil(log10(max(known)))
    return max(ceil(log10(min(known))) - 1, most - BELOW), most + ABOVE


def _axis(zero, low, high, below):
    x, step = PAD + AXIS - 8, HIGH / (high - low)
    for sign in (1, -1) if below else (1,):
        for power in range(low, high + 1):
            y = zero - sign * step * (power - low)
            yield f'<path d="M{x - 4} {y:g}h4v{sign * step * (power > low):g}" class="box"/>'
            if sign > 0 or power > low:
                before = "±" if below and power == low else "-" if sign < 0 else ""
                yield text(x - 8, y + 5, f"{before}{_round(power)}", "soft end")


def _round(power):
    return f"{10**power:,}" if 0 <= power < 5 else f"{10.0**power:g}"


def _pairs(run, twin):
    """[(name, what came out or None, the truth)], element by element."""
    pairs = []
    for name, numbers in twin.gradients.items():
        got = list(flat(run.gradients.get(name, [])))
        for place, true in enumerate(flat(numbers)):
            label = f"{name}[{place}]" if isinstance(numbers, list) else name
            pairs.append((label, _real(got[place]) if place < len(got) else None, _real(true)))
    return pairs[:MOST]


def _real(number):
    return abs(number) if isinstance(number, complex) else number


def _bar(x, wide, zero, value, low, high, kind):
    if value is None:
        yield box(x + 4, zero - 22, wide - 8, 22, "box ghost")
        yield text(x + wide / 2, zero - 28, "none", "mid bad bold")
        return
    power = log10(abs(value)) if value == value and value else low
    wanted = HIGH * max(power - low, 0) / (high - low)
    long = round(min(wanted, HIGH), 1)
    top = zero if value < 0 else zero - long
    yield box(x + 6, top, wide - 12, max(long, 1), kind)
    if wanted > HIGH:
        cut = top + 14 if value >= 0 else zero + long - 14
        yield f'<path d="M{x + 2:g} {cut + 4:g}l{wide - 4:g} -8" class="gap"/>'
    words = number(f"{value:.6g}", int(wide / CHAR) - 1)
    yield text(x + wide / 2, zero + long + 14 if value < 0 else top - 6, words, "mid")
