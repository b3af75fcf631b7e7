"""A table that can be searched: type, and only the rows with these words stay.

The idea: plain HTML rows for every reader; where scripts run, a few lines add the search field.
"""

from __future__ import annotations

from html import escape

from overwritten.live.output import CONTROLS, asset, name_of, once
from overwritten.pictures.draw import STYLE

_LOOK, _SCRIPT = "\n" + asset("table.css"), asset("table.js")


class Table:
    """rows: any objects. columns: {heading: function(row) → text}. title: what it shows."""

    def __init__(self, rows: list, columns: dict, title: str):
        self.rows, self.columns, self.title = rows, columns, title
        self.cells = [[str(cell(row)) for cell in columns.values()] for row in rows]

    def find(self, *words: str) -> list:
        """The rows in which all these words stand, as the search field finds them."""
        wanted = [word.lower() for word in words]
        texts = [" ".join(cells).lower() for cells in self.cells]
        return [row for row, text in zip(self.rows, texts) if all(w in text for w in wanted)]

    def html(self) -> str:
        heads = "".join(f'<th scope="col">{escape(h.strip())}</th>' for h in self.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(c, quote=False)}</td>" for c in cells) + "</tr>\n"
            for cells in self.cells
        )
        name = name_of(self.title + rows)
        script = once(f'[data-table="{name}"]', _SCRIPT)
        return (
            f'<div class="ow" data-table="{name}"><style>{STYLE}{CONTROLS}{_LOOK}</style>'
            f'<p class="sentence">{escape(self.title)} ({len(self.rows)} rows)</p>'
            f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(self.title)}">'
            f'<table class="rows"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
            "</div>"
            f"<script>{script}</script></div>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html(), "text/plain": f"{self.title}: {len(self.rows)} rows"}
