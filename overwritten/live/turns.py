"""Positions of a knob in a table: one row each, its values and what came out there.

The idea: whoever compares positions wants them side by side, not one after the other; so the
rows stand below a stored knob, and a cell can ask for the few that it speaks of.
It runs nothing and moves no control.
"""

from __future__ import annotations

from html import escape

from overwritten.live.output import CONTROLS
from overwritten.live.scenes import Scene
from overwritten.pictures.draw import STYLE


class Turns:
    """A few positions of a knob: a table where HTML is shown, else a sentence for each.

    values: [{control: label}], words: [the sentence], scenes: one of each for every position.
    """

    def __init__(self, values: list[dict], words: list[str], scenes: list[Scene]):
        self._values, self._words, self._scenes = values, words, scenes

    def __str__(self) -> str:
        return "\n\n".join(self._words)

    def html(self) -> str:
        """The table; what has the same value in all its rows is said once, above it."""
        first = self._values[0]
        same = {name for name in first if len({one[name] for one in self._values}) == 1}
        if len(self._values) == 1:
            same = set()
        said = ", ".join(f"{name} = {first[name]}" for name in first if name in same)
        lead = f'<p class="same">In all rows: {escape(said)}.</p>' if said else ""
        differing = [{n: v for n, v in one.items() if n not in same} for one in self._values]
        # without the last mark, JupyterLab takes the Tab key
        wide = (
            '<div class="wide" tabindex="0" role="region" aria-label="Positions side by side"'
            ' data-lm-suppress-shortcuts="true">'
        )
        view = f"{wide}{table(differing, self._scenes)}</div>"
        return f'<div class="ow"><style>{STYLE}{CONTROLS}</style>{lead}{view}</div>'

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html(), "text/plain": str(self)}


def table(values: list[dict[str, str]], scenes: list[Scene]) -> str:
    """An HTML table with a row for each position: the labels of its values, and its cells."""
    names = list(dict.fromkeys(name for one in values for name in one))
    heads = list(dict.fromkeys(head for scene in scenes for head in scene.cells))
    rows = []
    for labels, scene in zip(values, scenes):
        cells = [f'<th scope="row">{escape(labels[name])}</th>' for name in names]
        cells += [_cell(scene.cells.get(head, "")) for head in heads]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in [*names, *heads])
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<table class="turns">{body}</table>'


def _cell(words):
    bad = ' class="bad"' if words.startswith("✗") else ""
    return f"<td{bad}>{escape(words)}</td>"
