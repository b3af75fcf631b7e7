"""The gradient that came out beside the true one: a pair of bars for each element.

The idea: hollow is the truth (the out-of-place twin's), filled is what this program gave;
where they are not equally long, the gradient is wrong, whether anyone complained or not.
The truth sets the scale, so its bars stand still; a filled bar that would run out is cut.
A pure function from two Recordings to a Picture.
"""

from __future__ import annotations

from overwritten.pictures.draw import CHAR, WIDTH, box, clip, judged, number, text
from overwritten.pictures.picture import Picture
from overwritten.record.recording import Recording
from overwritten.record.trial import bad, flat

PAD, HIGH, TRUE, WIDE, MOST = 10, 66, 24, 46, 6


def gradients_picture(run: Recording, twin: Recording, label: str, verdict: str = "") -> Picture:
    """At most the first 6 numbers of the twin's gradients; the largest of them is 24 px high."""
    pairs = _pairs(run, twin)
    most = max((abs(true) for *_, true in pairs if abs(true) < float("inf")), default=0) or 1
    body = [text(PAD, 16, "no verdict", "bold")]
    if verdict:
        body = [judged(PAD, 16, verdict, bad(verdict))]
    body.append(text(WIDTH - PAD, 16, "hollow: true, filled: got", "soft end"))
    zero = 48 + HIGH
    below = any(v is not None and v < 0 for _, *pair in pairs for v in pair)
    foot = zero + (HIGH + 22 if below else 4)
    for column, (name, got, true) in enumerate(pairs):
        x = PAD + column * (2 * WIDE + 12)
        body += [*_bar(x, zero, true, most, "true"), *_bar(x + WIDE, zero, got, most, "got")]
        body.append(text(x + WIDE / 2, foot + 14, "true", "mid soft"))
        body.append(text(x + WIDE * 1.5, foot + 14, "got", "mid soft"))
        body.append(text(x + WIDE, foot + 32, clip(name, 12), "mid"))
    return Picture(foot + 48, label, body, {"verdict": verdict})


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


def _bar(x, zero, value, most, kind):
    if value is None:
        yield box(x + 4, zero - 22, WIDE - 8, 22, "box ghost")
        yield text(x + WIDE / 2, zero - 28, "none", "mid bad bold")
        return
    wanted = TRUE * abs(value) / most if value == value else 0
    long = min(wanted, HIGH)
    top = zero if value < 0 else zero - long
    yield box(x + 6, top, WIDE - 12, max(long, 1), "box" if kind == "true" else "box solid")
    if wanted > HIGH:
        cut = top + 14 if value >= 0 else zero + long - 14
        yield f'<path d="M{x + 2:g} {cut + 4:g}l{WIDE - 4:g} -8" class="gap"/>'
    words = number(f"{value:.6g}", int(WIDE / CHAR) + 1)
    yield text(x + WIDE / 2, zero + long + 14 if value < 0 else top - 6, words, "mid")
