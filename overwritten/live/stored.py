"""What a notebook keeps of a knob for readers without a kernel.

The idea: a still, a sentence and a table for everyone; beside them a script that puts native
controls in the still's place, to choose among the recorded positions.
It runs no code of its own.
"""

from __future__ import annotations

import re
from html import escape

from overwritten.live.controls import STYLE_OF_CONTROLS
from overwritten.live.output import CONTROLS, asset, for_script, name_of, once
from overwritten.live.scenes import Scene
from overwritten.live.turns import table
from overwritten.pictures.draw import STYLE
from overwritten.pictures.picture import data_uri

_STYLE, _SCRIPT = "\n" + asset("knob.css"), asset("knob.js")


class Stored:
    """still: picture, sentence and table. script: what lets the page itself show a position.

    name: what both are called in the page. controls: (name, the labels of its values, is it a
    slider) of each; ahead: of so many all positions are recorded, the others at their first value.
    scenes, words: what each position shows, by its places in the labels; now: the one shown first.
    """

    def __init__(
        self,
        controls: list[tuple],
        ahead: int,
        scenes: dict[tuple, Scene],
        words: dict[tuple, str],
        now: tuple,
    ):
        chosen = controls[:ahead]
        rows = {key: scene for key, scene in scenes.items() if not any(key[ahead:])}
        strokes, pictures = shared([scene.picture.svg() for scene in scenes.values()])
        data = {
            "controls": [dict(zip(("name", "labels", "slider"), one)) for one in chosen],
            "others": [labels[:1] for _, labels, _ in controls[ahead:]],
            "positions": {",".join(map(str, key[:ahead])): [*scenes].index(key) for key in rows},
            "now": [*scenes].index(now),
            "at": now[:ahead],
            "style": STYLE + CONTROLS + STYLE_OF_CONTROLS + _STYLE,
            "sentences": [*words.values()],
            "strokes": strokes,
            "pictures": pictures,
        }
        text = for_script(data)
        self.name = name_of(text)
        script = once(f'[data-knob="{self.name}"]', _SCRIPT, f"const knob = {text};\n")
        self.script = f'<div class="ow" data-knob="{self.name}"><script>{script}</script></div>'
        labels = [
            {name: values[place] for (name, values, _), place in zip(chosen, key)} for key in rows
        ]
        self.still = (
            f'<div class="ow" data-still="{self.name}"><style>{CONTROLS}{_STYLE}</style>'
            f'<img class="still" alt="{escape(words[now])}" src="{data_uri(scenes[now].picture)}">'
            f'<p class="sentence" aria-live="polite">{escape(words[now], quote=False)}</p>'
            "<details><summary>What was recorded, as a table</summary>"
            f"{table(labels, [*rows.values()])}</details>"
            f'<p class="run">Run this cell to turn the knob.</p></div>'
        )


def shared(pictures: list[str]) -> tuple[list[str], list[list[int]]]:
    """Every stroke once, and each picture as the numbers of its strokes.

    >>> shared(["<a/><b/>", "<a/><c/>"])
    (['<a/>', '<b/>', '<c/>'], [[0, 1], [0, 2]])
    """
    strokes: dict[str, int] = {}
    rows = [
        [strokes.setdefault(part, len(strokes)) for part in re.split("(?=<)", p) if part]
        for p in pictures
    ]
    return list(strokes), rows
