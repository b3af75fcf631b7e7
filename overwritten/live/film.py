"""The film: all steps of a recording in one output, with a slider that needs no kernel.

The idea: the output holds a still, a sentence and a table; where scripts run, a few lines
turn the still into a slider over ready pictures.
It never runs code on its own: `film("…")` records once, in the cell, and keeps the result.
"""

from __future__ import annotations

import json
import zlib
from html import escape
from importlib.resources import files

from overwritten.pictures.draw import STYLE, data_uri
from overwritten.pictures.step import step_svgs
from overwritten.pictures.words import sentence, table
from overwritten.recorder import record
from overwritten.recording import Recording

CONTROLS = """
.ow .controls{display:flex;gap:8px;align-items:center;flex-wrap:wrap;margin:4px 0 8px;font-size:14px}
.ow .controls input{flex:1 1 220px;max-width:460px;height:24px;accent-color:#0072b2}
.ow .controls button{font:inherit;color:inherit;background:transparent;border:1px solid var(--ow-line);
border-radius:4px;min-width:34px;min-height:28px;cursor:pointer}
.ow .controls :focus-visible{outline:3px solid #0072b2;outline-offset:2px}
body[data-jp-theme-light="false"] .ow .controls :focus-visible{outline-color:#56b4e9}
.ow .sentence{min-height:2.8em;margin:6px 0;font-size:14px;line-height:1.4}
.ow .steps,.ow .turns{font-size:13px;border-collapse:collapse;margin:6px 0}
.ow .steps th,.ow .steps td,.ow .turns th,.ow .turns td{border:1px solid var(--ow-line);padding:3px 7px;text-align:left;vertical-align:top}
.ow .steps td:nth-last-child(-n+2){white-space:nowrap;text-align:right}
"""
_SCRIPT = files("overwritten.live").joinpath("film.js").read_text("utf8")


class Film:
    """What a notebook shows of a Recording; the last thing in a cell, or `display(film)`."""

    def __init__(self, recording: Recording, title: str):
        self.recording, self.title = recording, title
        self.pictures = step_svgs(recording)
        self.sentences = [sentence(recording, k) for k in range(len(self.pictures))]

    def html(self) -> str:
        """Still, sentence and table for every reader; slider and pictures where scripts run."""
        last = len(self.pictures) - 1
        film = {
            "pictures": self.pictures,
            "sentences": self.sentences,
            "start": last,
            "title": self.title,
            "style": STYLE + CONTROLS,
        }
        data = json.dumps(film, ensure_ascii=False).replace("<", "\\u003c")
        name = f"{zlib.crc32(data.encode()):08x}"
        words = self.sentences[last]
        script = (
            f"(() => {{ const film = {data};\n"
            f"for (const root of document.querySelectorAll('[data-film=\"{name}\"]:not([data-on])')) {{\n"
            f"root.dataset.on = 1;\n{_SCRIPT}}} }})()"
        )
        return (
            f'<div class="ow" data-film="{name}">'
            f'<img class="still" alt="{escape(words)}" src="{data_uri(self.pictures[last])}">'
            f'<p class="sentence" aria-live="polite">{escape(words, quote=False)}</p>'
            f"<details><summary>All steps as a table</summary>{table(self.recording)}</details>"
            f"<script>{script}</script></div>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html(), "text/plain": self.sentences[-1]}


def film(code: str | Recording, names: dict | None = None, title: str = "") -> Film:
    """Record `code` (or take a Recording) and show it step by step.

    names: values the code may use by name. Code that fails is shown as far as it ran.
    Raises TypeError for anything that is neither text nor a Recording.

    >>> film("x = torch.ones(2)\\nx += 1").sentences[-1]
    'Step 2 of 2: x += 1. A is written in place (version 0 → 1). x looks at A, version 1. 8 B alive.'
    """
    if not isinstance(code, (str, Recording)):
        raise TypeError(f"film takes a snippet as text, or a Recording; it got {type(code).__name__}.")
    recording = code if isinstance(code, Recording) else record(code, names)
    if not title:
        title = f"What {'; '.join(recording.lines[:3])} does, step by step"
    return Film(recording, title)
