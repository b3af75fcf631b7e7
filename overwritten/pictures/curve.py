"""The memory curve: bytes alive after each step, and the highest point within it.

The idea: drawn once for a recording; only the mark of the current step moves over it.
Its axis has two numbers, none and the highest point, so that a small curve and a large one differ.
"""

from __future__ import annotations

from itertools import groupby

from overwritten.pictures.draw import CHAR, box, size, text
from overwritten.record.recording import Recording

PAD = 10
#: Width of an axis with its numbers, in px.
AXIS = 62
#: Height of the curve's words, in px.
WORDS = 62
#: Of more steps than this only the first, the last and the current one are numbered.
MOST_NUMBERS = 25


class Curve:
    """The curve of `recording`, its words at `top` px, its highest point `tall` px above its floor.

    width: of the picture it stands in.
    """

    def __init__(self, recording: Recording, top: float, width: float, tall: float):
        self._steps, self._peak = recording.steps, recording.peak
        self._top, self._tall, self._right = top, tall, width
        self._floor = top + 34 + tall
        self._wide = (width - 2 * PAD - AXIS) / max(len(self._steps), 1)
        scale = tall / max(1, self._peak)
        self._lines = ""
        if self._steps:
            self._lines = stairs(self._steps, self._left, self._floor, scale) + self._peaks(scale)
            self._lines += axis(PAD + AXIS - 4, self._floor, tall, self._peak)

    def strokes(self, index: int):
        """The strokes of the curve with step `index` marked; none for a recording without steps."""
        if not self._steps:
            return
        dashed = any(step.peak > step.live for step in self._steps)
        words = "bytes alive, dashed: within the line" if dashed else "bytes alive"
        yield text(PAD, self._top + 6, words, "soft")
        yield text(PAD, self._top + 22, f"highest point {size(self._peak)}", "soft")
        yield self._lines
        last, here = len(self._steps) - 1, self._middle(index, str(index))
        for number in range(last + 1) if last < MOST_NUMBERS else sorted({0, index, last}):
            x = self._middle(number, str(number))
            if number == index or abs(x - here) > CHAR * len(f"{index}{number}") / 2 + 4:
                kind = "mid bold" if number == index else "mid soft"
                yield text(x, self._floor + 16, number, kind)
        tall = self._tall + (22 if self._fits(str(index)) else 4)
        yield box(self._left(index), self._top + 32, self._wide, tall, "now", radius=3)
        label = size(self._steps[index].live)
        yield text(self._beside(index, label), self._floor - 6, label, "mid bold halo")

    def _left(self, index):
        return PAD + AXIS + self._wide * index

    def _fits(self, words):
        return self._wide >= CHAR * len(words) + 4

    def _middle(self, index, words):
        """x for words over the middle of a step, moved so that they stay inside."""
        half = CHAR * len(words) / 2
        return min(max(self._left(index + 0.5), PAD + AXIS + half), self._right - PAD - half)

    def _beside(self, index, words):
        """x for words in the mark of a step, or beside it where it is too narrow."""
        if self._fits(words):
            return self._left(index + 0.5)
        half = CHAR * len(words) / 2 + 6
        right = self._left(index + 1) + half
        return right if right + half <= self._right else self._left(index) - half

    def _peaks(self, scale):
        lines, edge = [], min(1, self._wide / 4)
        for step in self._steps:
            if step.peak > step.live:
                x = self._left(step.index) + edge
                low, high = (self._floor - scale * n for n in (step.live, step.peak))
                lines.append(f"M{x:.5g} {low:.4g}V{high:.4g}h{self._wide - 2 * edge:.4g}V{low:.4g}")
        return f'<path d="{"".join(lines)}" class="box ghost"/>' if lines else ""


def axis(x: float, floor: float, tall: float, most: int) -> str:
    """An axis of bytes, none at `floor` and `most` so many px above; its numbers to its left."""
    line = f'<path d="M{x - 4:g} {floor - tall:g}h4v{tall:g}h-4" class="box"/>'
    top = text(x - 8, floor - tall + 5, short(most), "soft end") if most else ""
    return line + top + text(x - 8, floor + 4, 0, "soft end")


def short(nbytes: int) -> str:
    """Bytes in at most three digits, for an axis.

    >>> short(80), short(40_000_000), short(1_310_720)
    ('80 B', '40 MB', '1.31 MB')
    """
    power = next((k for k in range(5) if nbytes < 999.5 * 1000**k), 5)
    return f"{nbytes / 1000**power:.3g} {('B', 'kB', 'MB', 'GB', 'TB', 'PB')[power]}"


def stairs(steps, x, floor: float, scale: float) -> str:
    """Bytes alive after each step, as an area and as a line.

    x: px of a step's left edge, from its index. floor: px of no bytes. scale: px of one byte.
    """
    levels = [list(level) for _, level in groupby(steps, key=lambda step: step.live)]
    line = "L".join(
        f"{x(l[0].index):.5g} {floor - scale * l[0].live:.4g}H{x(l[-1].index + 1):.5g}"
        for l in levels
    )
    area = f'<path d="M{line}V{floor:g}H{x(steps[0].index):g}Z" class="hot"/>'
    return f'{area}<path d="M{line}" class="box"/>'
