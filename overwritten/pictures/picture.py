"""A picture before it is text: its size, what it shows in words, its strokes and its figures.

The idea: every function of this room returns a Picture, which can be framed and stacked as
data, or the Panels of one that a page may arrange; `svg` is the one place that writes it out,
`alone` and `data_uri` for readers that know no style sheet of ours.
It draws nothing itself: the strokes come from `overwritten.pictures.draw`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import quote

from overwritten.pictures.draw import STYLE, WIDTH, clean

#: The rules of `STYLE` for the inside of a picture, where no <svg> stands below our class.
INSIDE = STYLE[STYLE.index(".ow svg text") :].replace(".ow svg ", ".ow ")
_PAPER = (
    ".ow{--ow-ink:#1b1b1b;--ow-soft:#555;--ow-paper:#fff;--ow-line:#767676;"
    "--ow-new:rgba(0,114,178,.16);--ow-bad:#a52308;--ow-badfill:rgba(212,61,26,.13);--ow-good:#00694f}"
)


@dataclass(frozen=True)
class Picture:
    """height, width: in px. label: what it shows, in words (read out by screen readers).

    body: the strokes, SVG elements each. data: figures for scripts, as `data-` attributes.
    """

    height: float
    label: str
    body: Sequence[str]
    data: Mapping[str, object] = field(default_factory=dict)
    width: float = WIDTH

    def svg(self) -> str:
        """The finished SVG."""
        return self.around("".join(self.body))

    def around(self, body: str) -> str:
        """An SVG of this size, label and data with another body."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}"'
            f' width="{self.width:g}" height="{self.height:g}"{_said(self)}>{body}</svg>'
        )


@dataclass(frozen=True)
class Panels:
    """One picture in two columns, side by side where there is room; label, data as in `Picture`."""

    label: str
    columns: tuple[Picture, Picture]
    data: Mapping[str, object] = field(default_factory=dict)

    def svg(self) -> str:
        """Both columns for a page, whose style sheet arranges them by their widths."""
        columns = "".join(
            f'<svg viewBox="0 0 {one.width:g} {one.height:g}" style="--w:{one.width:g}">'
            f"{''.join(one.body)}</svg>"
            for one in self.columns
        )
        wide = sum(one.width for one in self.columns)
        return f'<div class="panels" style="--w:{wide:g}"{_said(self)}>{columns}</div>'

    def whole(self) -> Picture:
        """Both in one picture: side by side if that is not wider than `WIDTH`."""
        left, right = self.columns
        x, y = (left.width, 0) if left.width + right.width <= WIDTH else (0, left.height)
        moved = f'<g transform="translate({x:g} {y:g})">{"".join(right.body)}</g>'
        wide, tall = max(left.width, x + right.width), max(left.height, y + right.height)
        return Picture(tall, self.label, [*left.body, moved], self.data, wide)


def _said(picture) -> str:
    """For screen readers and for scripts."""
    facts = "".join(f' data-{key}="{value}"' for key, value in picture.data.items())
    return f' role="img" aria-label="{escape(clean(picture.label))}"{facts}'


def stack(first: Picture, *others: Picture) -> Picture:
    """Pictures one below the other, as one picture with the first one's label and data."""
    y, groups = 0.0, []
    for one in (first, *others):
        groups.append(f'<g transform="translate(0 {y:g})">{"".join(one.body)}</g>')
        y += one.height
    return replace(first, height=y, body=groups)


def alone(picture: Picture) -> str:
    """The SVG of a file of its own: white paper, its own colours."""
    return picture.around(
        f'<style>{_PAPER}{INSIDE}</style><rect width="100%" height="100%" fill="#fff"/>'
        f'<g class="ow">{"".join(picture.body)}</g>'
    )


def data_uri(picture: Picture) -> str:
    """For an <img>: readable text, not base64, so that the words in it can be compared."""
    return "data:image/svg+xml," + quote(alone(picture), safe=" =:/,;()<>+!*?@[]|{}^~$-_.…'")
