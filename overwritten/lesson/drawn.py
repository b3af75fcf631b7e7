"""A matplotlib figure as part of the page it stands in.

The idea: its SVG goes into the page itself, without a ground, its black as the text's own
colour, so it is legible on any. Beside it stands the figure on white, for readers that show no SVG.
It draws nothing and leaves matplotlib's settings as they are.
"""

from __future__ import annotations

import io
from base64 import b64encode
from html import escape
from typing import Any

from overwritten.lesson.show import LOOK
from overwritten.pictures.draw import HUES

#: matplotlib's colour → what stands in its place in the page; white text or lines stay white.
INKS = {"#000000": "currentColor", "#1f77b4": HUES[0], "#ff7f0e": HUES[1]}
_SAME_ALWAYS: Any = {"svg.fonttype": "none", "svg.hashsalt": "overwritten"}


class Drawing:
    """figure: of matplotlib, shown by this object alone. words: what it shows."""

    def __init__(self, figure, words: str):
        import matplotlib.pyplot as plt

        plt.close(figure)  # else the cell shows it a second time
        self.figure, self.words = figure, words
        for axes in figure.axes:
            if legend := axes.get_legend():
                legend.set_frame_on(False)  # it is white

    def svg(self) -> str:
        """For the inside of a page: no ground, and ink that follows it."""
        import matplotlib

        with matplotlib.rc_context(_SAME_ALWAYS):
            whole = self._saved("svg", transparent=True, metadata={"Date": None}).decode()
        drawn = whole[whole.index("<svg") :]
        for colour, ink in INKS.items():
            drawn = drawn.replace(colour, ink)
        return drawn

    def _saved(self, kind, **how) -> bytes:
        into = io.BytesIO()
        self.figure.savefig(into, format=kind, bbox_inches="tight", **how)
        return into.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None):
        png = b64encode(self._saved("png", dpi=100)).decode()
        name = escape(self.words)
        html = (
            f'<figure class="ow-drawn">{LOOK}<div class="view" tabindex="0" role="img"'
            f' aria-label="{name}">{self.svg()}</div>'
            f'<img alt="{name}" src="data:image/png;base64,{png}"></figure>'
        )
        return {"text/html": html, "text/plain": self.words, "image/png": png}


def drawn(figure, words: str) -> Drawing:
    """Show a matplotlib figure in the page's own ink. words: what it shows, for who cannot see it.

    >>> import matplotlib.pyplot as plt
    >>> drawn(plt.figure(), "nothing yet").words
    'nothing yet'
    """
    return Drawing(figure, words)
