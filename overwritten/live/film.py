"""The film: all steps of a recording in one output, with a slider that needs no kernel.

The idea: the output holds a still, a sentence and a table; where scripts run, a few lines
turn the still into a slider over ready pictures. They travel as differences: each says only
what it changes in the one before.
It never runs code on its own: `film("…")` records once, in the cell, and keeps the result.
"""

from __future__ import annotations

import json
import re
from difflib import SequenceMatcher
from html import escape

from overwritten.live.output import CONTROLS, asset, name_of, once
from overwritten.pictures.draw import STYLE
from overwritten.pictures.marks import telling
from overwritten.pictures.parts import lanes_pictures
from overwritten.pictures.picture import data_uri
from overwritten.pictures.step import step_pictures
from overwritten.pictures.words import sentence, table
from overwritten.record.recorder import record
from overwritten.record.recording import Recording

_SCRIPT = asset("film.js")
#: A picture is cut before each element, and in its label after each sentence.
_CUT = re.compile(r"(?=<(?!/))|(?<=label=\")|(?<=\. )")


class Film:
    """What a notebook shows of a Recording; the last thing in a cell, or `display(film)`.

    pictures, lanes, sentences: the step view, the lanes with that step framed and what it
    says in words, one for each step. opens: index of the step that is shown first.
    """

    def __init__(self, recording: Recording, title: str, view: str = "steps"):
        self.recording, self.title, self.view = recording, title, view
        self.opens = telling(recording)
        self.pictures, self.lanes = step_pictures(recording), lanes_pictures(recording)
        self.sentences = [sentence(recording, k) for k in range(len(self.pictures))]

    def html(self) -> str:
        """Still, sentence and table for every reader; slider and pictures where scripts run."""
        data = ",\n".join(
            f"{json.dumps(key)}: {value}"
            for key, value in {
                "title": json.dumps(self.title, ensure_ascii=False),
                "view": json.dumps(self.view),
                "opens": self.opens,
                "style": json.dumps(STYLE + CONTROLS),
                "steps": _lines(differences([one.svg() for one in self.pictures])),
                "lanes": _lines(differences([one.svg() for one in self.lanes])),
            }.items()
        ).replace("<", "\\u003c")
        name = name_of(data)
        words = self.sentences[self.opens]
        lanes, step = self.lanes[self.opens], self.pictures[self.opens]
        still = lanes if self.view == "lanes" else step.whole()
        script = once(f'[data-film="{name}"]', _SCRIPT, f"const film = {{{data}}};\n")
        return (
            f'<div class="ow" data-film="{name}">'
            f'<img class="still" alt="{escape(words)}" src="{data_uri(still)}">'
            f'<p class="sentence" aria-live="polite">{escape(words, quote=False)}</p>'
            f"<details><summary>All steps as a table</summary>{table(self.recording)}</details>"
            f"<script>{script}</script></div>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html(), "text/plain": self.sentences[self.opens]}


def differences(pictures: list[str]) -> list[list]:
    """What each picture changes in the one before: [[at, gone, stroke, …], …], done in order.

    At position `at` so many strokes go and these come; a stroke is its text the first time
    and later its number, counted as they first came. All strokes in a row are the picture.

    >>> differences(["<a/><b/>", "<a/><a/><c/>"])
    [[[0, 0, '<a/>', '<b/>']], [[1, 1, 0, '<c/>']]]
    """
    numbers: dict[str, int] = {}
    before: list[str] = []
    frames = []
    for picture in pictures:
        strokes = [part for part in _CUT.split(picture) if part]
        frame: list[list] = []
        head = _alike(before, strokes)
        tail = _alike(before[head:][::-1], strokes[head:][::-1])
        middles = before[head : len(before) - tail], strokes[head : len(strokes) - tail]
        for tag, i, j, at, end in SequenceMatcher(None, *middles, autojunk=False).get_opcodes():
            if tag != "equal":
                frame.append([head + at, j - i])
                for stroke in middles[1][at:end]:
                    frame[-1].append(numbers.get(stroke, stroke))
                    numbers.setdefault(stroke, len(numbers))
        frames.append(frame)
        before = strokes
    return frames


def _alike(one, other) -> int:
    """With how many equal items both lists begin."""
    shorter = min(len(one), len(other))
    return next((k for k in range(shorter) if one[k] != other[k]), shorter)


def _lines(frames):
    """JSON with a line for each frame: a changed step is a changed line of the notebook."""
    lines = (json.dumps(frame, ensure_ascii=False, separators=(",", ":")) for frame in frames)
    return "[\n" + ",\n".join(lines) + "]"


#: What `film(view=…)` may be.
VIEWS = ("steps", "lanes")


def film(
    code: str | Recording, names: dict | None = None, title: str = "", view: str = "steps"
) -> Film:
    """Record `code` (or take a Recording) and show it step by step.

    names: values the code may use by name. Code that fails is shown as far as it ran.
    view: 'steps', or 'lanes' to open with time running right; a button changes it.
    Raises TypeError for anything that is neither text nor a Recording, ValueError for another view.

    >>> film("x = torch.ones(2)").sentences[-1]
    'Step 1 of 1: x = torch.ones(2). Storage A (8 B) is new. x looks at A, version 0. 8 B alive.'
    """
    if not isinstance(code, (str, Recording)):
        kind = type(code).__name__
        raise TypeError(f"film takes a snippet as text, or a Recording; it got {kind}.")
    if view not in VIEWS:
        raise ValueError(f"A film opens in {' or '.join(map(repr, VIEWS))}, not {view!r}.")
    recording = code if isinstance(code, Recording) else record(code, names)
    if not title:
        title = f"What {'; '.join(recording.lines[:3])} does, step by step"
    return Film(recording, title, view)
