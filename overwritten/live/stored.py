"""What a notebook keeps of a knob for readers without a kernel.

The idea: a still, a sentence and a table for everyone; beside them a script that puts native
controls in the still's place, to choose among the recorded positions.
It runs no code of its own.
"""

from __future__ import annotations

import re
from html import escape

from overwritten.live.output import CONTROLS, asset, for_script, name_of, once
from overwritten.live.scenes import Scene
from overwritten.pictures.draw import STYLE
from overwritten.pictures.picture import data_uri

_STYLE, _SCRIPT = "\n" + asset("knob.css"), asset("knob.js")


class Stored:
    """still: picture, sentence and table. script: what brings the controls back.

    controls: (name, the labels of its values, is it a slider) of each. scenes, words: what each
    position shows, by its places in the labels; now: the position shown first. A position has
    more places than there are controls where only the first control's were recorded.
    """

    def __init__(
        self, controls: list[tuple], scenes: dict[tuple, Scene], words: dict[tuple, str], now: tuple
    ):
        chosen = len(controls)
        strokes, pictures = shared([scene.picture.svg() for scene in scenes.values()])
        data = {
            "controls": [dict(zip(("name", "labels", "slider"), one)) for one in controls],
            "positions": {
                ",".join(map(str, key[:chosen])): n
                for n, key in enumerate(scenes)
                if not any(key[chosen:])
            },
            "now": [*scenes].index(now),
            "at": now[:chosen],
            "height": float(max(scene.picture.height for scene in scenes.values())),
            "style": STYLE + CONTROLS + _STYLE,
            "sentences": [*words.values()],
            "strokes": strokes,
            "pictures": pictures,
        }
        text = for_script(data)
        name = name_of(text)
        script = once(f'[data-knob="{name}"]', _SCRIPT, f"const knob = {text};\n")
        self.script = f'<div class="ow" data-knob="{name}"><script>{script}</script></div>'
        self.still = (
            f'<div class="ow" data-still="{name}"><style>{CONTROLS}{_STYLE}</style>'
            f'<img class="still" alt="{escape(words[now])}" src="{data_uri(scenes[now].picture)}">'
            f'<p class="sentence" aria-live="polite">{escape(words[now], quote=False)}</p>'
            "<details><summary>What was recorded, as a table</summary>"
            f"{_table(controls, scenes)}</details>"
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


def _table(controls, scenes):
    heads = list(dict.fromkeys(head for scene in scenes.values() for head in scene.cells))
    rows = []
    for key, scene in scenes.items():
        if not any(key[len(controls) :]):
            cells = [labels[place] for (_, labels, _), place in zip(controls, key)]
            cells += [scene.cells.get(head, "") for head in heads]
            rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    names = [*(name for name, _, _ in controls), *heads]
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    head = f"<thead><tr>{heads}</tr></thead>"
    return f'<table class="turns">{head}<tbody>{"".join(rows)}</tbody></table>'
