"""A table that can be searched: type, and only the rows with these words stay; or choose a verdict.

The idea: plain HTML rows for every reader; where scripts run, a few lines add the search field
and, where rows have verdicts, a menu of them.
"""

from __future__ import annotations

from html import escape

from overwritten.live.output import CONTROLS, asset, name_of, once
from overwritten.pictures.draw import STYLE

_LOOK, _SCRIPT = "\n" + asset("table.css"), asset("table.js")


#: Cells of a column with nothing longer stay on one line.
_SHORT = 14


class Table:
    """rows: any objects. columns: {heading: function(row) → text}. title: what it shows.

    verdicts: function(row) → the verdicts by which a row can be chosen; None for no menu.
    links: function(row) → where its first cell leads; None for no links.
    """

    def __init__(self, rows: list, columns: dict, title: str, verdicts=None, links=None):
        self.rows, self.columns, self.title = rows, columns, title
        self.links = [links(row) if links else "" for row in rows]
        self.cells = [[str(cell(row)) for cell in columns.values()] for row in rows]
        self.verdicts = [tuple(filter(None, verdicts(row))) if verdicts else () for row in rows]
        #: What the menu holds.
        self.menu = list(dict.fromkeys(one for some in self.verdicts for one in some))

    def find(self, *words: str, verdict: str = "") -> list:
        """The rows in which all these words stand, as the search field and the menu find them."""
        wanted = [word.lower() for word in words]
        texts = [" ".join(cells).lower() for cells in self.cells]
        return [
            row
            for row, text, some in zip(self.rows, texts, self.verdicts)
            if all(w in text for w in wanted) and (not verdict or verdict in some)
        ]

    def html(self) -> str:
        heads = "".join(f'<th scope="col">{escape(h.strip())}</th>' for h in self.columns)
        rows = "".join(map(self._row, self.cells, self.verdicts, self.links))
        name = name_of(self.title + rows)
        script = once(f'[data-table="{name}"]', _SCRIPT)
        menu = f' data-verdicts="{escape("|".join(self.menu))}"' if self.menu else ""
        return (
            f'<div class="ow" data-table="{name}"{menu}>'
            f"<style>{STYLE}{CONTROLS}{_LOOK}{self._unbroken(name)}</style>"
            f'<p class="sentence">{escape(self.title)} ({len(self.rows)} rows)</p>'
            f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(self.title)}">'
            f'<table class="rows"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
            "</div>"
            f"<script>{script}</script></div>"
        )

    def _row(self, cells, verdicts, link):
        numbers = " ".join(str(self.menu.index(one)) for one in verdicts)
        mark = f' data-is="{numbers}"' if verdicts else ""
        inside = [escape(cell, quote=False) for cell in cells]
        if link:
            inside[0] = f'<a href="{escape(link)}">{inside[0]}</a>'
        inside = "".join(f"<td>{cell}</td>" for cell in inside)
        return f"<tr{mark}>{inside}</tr>\n"

    def _unbroken(self, name):
        """A style for the columns of short cells."""
        longest = [max(map(len, column), default=0) for column in zip(*self.cells)]
        short = [n for n, most in enumerate(longest, 1) if 1 < n and most <= _SHORT]
        cells = ",".join(f"td:nth-child({n})" for n in short)
        return f'[data-table="{name}"] :is({cells}){{white-space:nowrap}}' if short else ""

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html(), "text/plain": f"{self.title}: {len(self.rows)} rows"}
