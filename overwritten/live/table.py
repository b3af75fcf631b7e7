"""A table that can be searched: type, and only the rows with these words stay.

The idea: plain HTML rows for every reader; where scripts run, a few lines add the search field.
"""

from __future__ import annotations

import zlib
from html import escape

from overwritten.live.film import CONTROLS
from overwritten.pictures.draw import STYLE

_LOOK = """
.ow[data-table]{max-width:860px}
.ow .scroll{max-height:min(420px,75vh);overflow:auto;border:1px solid var(--ow-line)}
.ow .rows{font-size:12.5px;border-collapse:collapse;margin:0;width:100%;table-layout:auto}
.ow .rows th,.ow .rows td{border:1px solid var(--ow-line);padding:3px 5px;text-align:left}
.ow .rows th{position:sticky;top:0;background:var(--ow-paper);font-weight:600}
.ow .rows td:first-child{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;overflow-wrap:anywhere;min-width:150px}
.ow .find{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:6px 0;font-size:14px}
.ow .find input{font:inherit;margin-left:8px;padding:3px 6px;width:220px;color:inherit;background:transparent;
border:1px solid var(--ow-line);border-radius:4px}
"""
_SCRIPT = """
const rows = [...root.querySelectorAll('tbody tr')].map(row => [row, row.textContent.toLowerCase()]);
const find = document.createElement('div');
const label = document.createElement('label');
const field = document.createElement('input');
const count = document.createElement('output');
find.className = 'find';
field.type = 'search';
field.dataset.lmSuppressShortcuts = 'true';
const show = () => {
  const words = field.value.toLowerCase().split(/\\s+/);
  let shown = 0;
  for (const [row, text] of rows) {
    row.hidden = !words.every(word => text.includes(word));
    shown += !row.hidden;
  }
  count.textContent = `${shown} of ${rows.length} rows`;
};
field.oninput = show;
label.append('search', field);
find.append(label, count);
root.insertBefore(find, root.querySelector('.scroll'));
show();
"""


class Table:
    """rows: the data, any objects. columns: {heading: function(row) → text}. title: what it shows."""

    def __init__(self, rows: list, columns: dict, title: str):
        self.rows, self.columns, self.title = rows, columns, title
        self.cells = [[str(cell(row)) for cell in columns.values()] for row in rows]

    def find(self, *words: str) -> list:
        """The rows in which all these words stand, as the search field finds them."""
        wanted = [word.lower() for word in words]
        return [
            row
            for row, cells in zip(self.rows, self.cells)
            if all(w in " ".join(cells).lower() for w in wanted)
        ]

    def html(self) -> str:
        heads = "".join(f'<th scope="col">{escape(h.strip())}</th>' for h in self.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(c, quote=False)}</td>" for c in cells) + "</tr>\n"
            for cells in self.cells
        )
        name = f"{zlib.crc32((self.title + rows).encode()):08x}"
        script = (
            f"(() => {{ for (const root of document.querySelectorAll('[data-table=\"{name}\"]:not([data-on])')) {{\n"
            f"root.dataset.on = 1;{_SCRIPT}}} }})()"
        )
        return (
            f'<div class="ow" data-table="{name}"><style>{STYLE}{CONTROLS}{_LOOK}</style>'
            f'<p class="sentence">{escape(self.title)} ({len(self.rows)} rows)</p>'
            f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(self.title)}">'
            f'<table class="rows"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
            f"<script>{script}</script></div>"
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html(), "text/plain": f"{self.title}: {len(self.rows)} rows"}
