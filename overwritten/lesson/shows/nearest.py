"""From a message to the patterns of the field guide that are nearest to it, their cards with it.

The idea: the decoder names the suspects of a message; every pattern belongs to one of them, so
a message leads to patterns; which are nearest, `likest.py` says.
"""

from __future__ import annotations

import sys
from html import escape

from overwritten.cases.patterns import EVERY
from overwritten.doctor.reading import Decoded, decode
from overwritten.lesson.contents import LESSONS
from overwritten.lesson.shows.cards import CARDS, card
from overwritten.lesson.shows.guide import number, section, tried
from overwritten.lesson.shows.likest import heading, likest
from overwritten.live.output import CONTROLS, asset

#: What a click on a link to a section does.
_CLICK = " ".join(asset("section.js", "lesson/shows").split())


class Nearest(Decoded):
    """What the decoder says, and patterns: for each message those that look like it, nearest first."""

    def __init__(self, decoded: Decoded):
        super().__init__(decoded.readings, decoded.sorry)
        self.patterns = tuple(map(_nearest, self.readings))

    def __str__(self):
        blocks = [super().__str__()]
        for place, patterns in enumerate(self.patterns, 1):
            blocks.append("\n".join([self._head(place), *map(_line, patterns)]))
        return "\n\n".join(blocks)

    __repr__ = __str__

    def html(self) -> str:
        told = super().html()
        if not self.patterns:
            return told
        blocks = [f"<style>{CONTROLS}{CARDS}</style>"]
        for place, patterns in enumerate(self.patterns, 1):
            blocks.append(f"<p><strong>{self._head(place)}</strong></p>")
            blocks += [card(one, place=_place(one)) for one in patterns]
        return f"{told.removesuffix('</div>')}{''.join(blocks)}</div>"

    def _head(self, place):
        return heading(place, len(self.patterns))


def find(text: str) -> Nearest:
    """`decode`, and which patterns of this lesson each message looks like.

    >>> find("[torch.FloatTensor [9, 9]], which is output 0 of Relu, is at version 2; expected version 1").patterns[0][0].name
    'residual onto a relu'
    """
    return Nearest(decode(text))


def _place(one):
    """Where its card stands in the lesson: the card if its cell has run, else the section's heading."""
    words, place = f"section {section(one)}", LESSONS[8].section(section(one))
    if "google.colab" in sys.modules:  # there each output is a page of its own
        link = place.link(words)
    else:
        target = f'href="#pattern-{number(one)}" data-section="{place.number}"'
        link = f'<a {target} onclick="{escape(_CLICK)}">{words}</a>'
    return f"<p>More like it: {link}.</p>"


def _line(one):
    return f"  {number(one)}. {one.name} (section {section(one)}, `{one.says}`): {one.does}"


def _nearest(reading):
    return likest(reading, EVERY, lambda one: tried(one)[0].run.message)
