"""A picture before it is text: its size, what it shows in words, its strokes and its figures.

The idea: every function of this room returns a Picture, which can be framed and stacked as
data; `Picture.svg` is the one place that writes it out, `alone` and `data_uri` for readers
that know no style sheet of ours.
It draws nothing itself: the strokes come from `overwritten.pictures.draw`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from urllib.parse import quote

from overwritten.pictures.draw import STYLE, WIDTH, clean

_STYLE = STYLE.replace(".ow svg ", ".ow ")
#: The rules of `STYLE` for the inside of a picture, where no <svg> stands below our class.
INSIDE = _STYLE[_STYLE.index(".ow text") :]
_PAPER = (
    ".ow{--ow-ink:#1b1b1b;--ow-soft:#555;--ow-paper:#fff;--ow-line:#767676;"
    "--ow-new:rgba(0,114,178,.16);--ow-bad:#a52308;--ow-badfill:rgba(212,61,26,.13);--ow-good:#00694f}"
)


@dataclass(frozen=True)
class Picture:
    """height: in px, `WIDTH` wide. label: what it shows, in words (read out by screen readers).

    body: the strokes, SVG elements each. data: figures for scripts, as `data-` attributes.
    """

    height: float
    label: str
    body: Sequence[str]
    data: Mapping[str, object] = field(default_factory=dict)

    def svg(self) -> str:
        """The finished SVG."""
        return self.around("".join(self.body))

    def around(self, body: str) -> str:
        """An SVG of this size, label and data with another body."""
        facts = "".join(f' data-{key}="{value}"' for key, value in self.data.items())
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height:g}"'
            f' width="{WIDTH}" height="{self.height:g}" role="img"'
            f' aria-label="{escape(clean(self.label))}"{facts}>{body}</svg>'
        )


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
        f'<style>{_PAPER}{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
        f'<g class="ow">{"".join(picture.body)}</g>'
    )


def data_uri(picture: Picture) -> str:
    """For an <img>: readable text, not base64, so that the words in it can be compared."""
    return "data:image/svg+xml," + quote(alone(picture), safe=" =:/,;()<>+!*?@[]|{}^~$-_.…'")
