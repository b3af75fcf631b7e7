"""The strokes every picture is made of, and the one palette.

The idea: colours are CSS variables of the front end with fallbacks, so one SVG string
fits a light theme, a dark theme and a file of its own.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape
from urllib.parse import quote

#: Width of every picture, in px: JupyterLab with its side bar open, at 1280 px and 125 %
#: zoom, shows it 582 px wide, and its smallest text must then be 11 px or more.
WIDTH = 640
#: Width of one character of the 13 px monospaced font, in px.
CHAR = 7.85

#: Okabe–Ito hues, darkened until they keep 3:1 on white and on JupyterLab's dark paper.
HUES = ("#0072B2", "#B36B00", "#00856A", "#A8508A", "#6A5ACD", "#8A6D00")

STYLE = """
.ow{--ow-ink:var(--jp-content-font-color1,var(--vscode-editor-foreground,#1b1b1b));
--ow-soft:var(--vscode-descriptionForeground,#555);
--ow-paper:var(--jp-layout-color0,var(--vscode-editor-background,#fff));
--ow-line:#767676;
--ow-new:rgba(0,114,178,.16);--ow-bad:#a52308;--ow-badfill:rgba(212,61,26,.13);--ow-good:#00694f;
color:var(--ow-ink);max-width:660px}
.ow :focus-visible,.ow-knob :focus-visible{outline:3px solid #1a85c8!important;outline-offset:2px}
body[data-jp-theme-light="false"] .ow,.jp-mod-dark .ow,.vscode-dark .ow,html[theme=dark] .ow,.theme-dark .ow{
--ow-soft:#b5b5b5;
--ow-new:rgba(86,180,233,.32);--ow-bad:#ffb8a0;--ow-badfill:rgba(255,138,102,.18);--ow-good:#4fd6b0}
html[theme=dark] .ow,.theme-dark .ow{--ow-ink:#eee;--ow-paper:#111}
.ow svg,.ow .still{display:block;max-width:100%;height:auto}
.ow svg text{fill:var(--ow-ink);font:13px ui-monospace,SFMono-Regular,Menlo,'DejaVu Sans Mono',Consolas,monospace;white-space:pre}
.ow svg .soft{fill:var(--ow-soft);font-size:12.5px}.ow svg .tiny{fill:var(--ow-soft);font-size:12.5px}
.ow svg .bad{fill:var(--ow-bad)}.ow svg .bold{font-weight:700}.ow svg .later{opacity:.62}
.ow svg .mid{text-anchor:middle}.ow svg .end{text-anchor:end}
.ow svg .box{fill:none;stroke:var(--ow-ink);stroke-width:1.2}.ow svg .fresh{fill:var(--ow-new)}
.ow svg .ghost{stroke-dasharray:4 3;stroke:var(--ow-soft)}
.ow svg .hot{fill:var(--ow-new);stroke:none}.ow svg .hotbad{fill:var(--ow-badfill);stroke:none}
.ow svg .warn{fill:var(--ow-badfill);stroke:var(--ow-bad);stroke-width:1.5}
.ow svg .solid{fill:var(--ow-ink)}.ow svg .gap{fill:none;stroke:var(--ow-paper);stroke-width:4}.ow svg .now{fill:none;stroke:var(--ow-ink);stroke-width:2.5}
.ow svg .shut{fill:var(--ow-good);stroke:var(--ow-good)}.ow svg .open{fill:var(--ow-bad);stroke:var(--ow-bad)}
.ow svg .shackle{fill:none;stroke-width:2}.ow svg .cross{fill:none;stroke:var(--ow-paper);stroke-width:1.6}
.ow svg .bad-line{stroke:var(--ow-bad);stroke-width:1.8}.ow svg .good-line{stroke:var(--ow-good);stroke-width:1.8}
.ow svg .halo{paint-order:stroke;stroke:var(--ow-paper);stroke-width:4}
.ow svg .ticked{stroke-width:2.6}.ow svg .mark{fill:none;stroke-width:4}
"""

_ALONE = (
    ".ow{--ow-ink:#1b1b1b;--ow-soft:#555;--ow-paper:#fff;--ow-line:#767676;"
    "--ow-new:rgba(0,114,178,.16);--ow-bad:#a52308;--ow-badfill:rgba(212,61,26,.13);--ow-good:#00694f}"
)


def text(x, y, words, kind="", more="") -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" class="{kind}"{more}>{escape(clean(words), quote=False)}</text>'
    )


def clean(words) -> str:
    """Without the characters that no XML may hold (control characters, lone surrogates)."""
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "\ufffd", str(words))


def box(x, y, width, height, kind="box", radius=0) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{max(width, 0):g}" height="{max(height, 0):g}"'
        f' rx="{radius}" class="{kind}"/>'
    )


def badge(x, y, version, ticked) -> tuple[str, float]:
    """A round label with the version counter; bold and filled where it has just moved."""
    label = "no version" if version is None else f"v{version}"
    width = 14 + CHAR * len(label)
    shape = box(x, y - 13, width, 18, "box fresh ticked" if ticked else "box", radius=9)
    return shape + text(x + width / 2, y, label, "mid bold" if ticked else "mid"), width


def padlock(x, y, broken) -> str:
    """Closed, or open with a cross; 14 by 18 px, y is its base line."""
    shackle = (
        f"M{x + 3} {y - 9}v-6a4 4 0 0 1 7.4-1.6"
        if broken
        else f"M{x + 3} {y - 9}v-3a4 4 0 0 1 8 0v3"
    )
    kind = "open" if broken else "shut"
    cross = f'<path d="M{x + 4} {y - 6.5}l6 5m0-5l-6 5" class="cross"/>' if broken else ""
    body = f'<rect x="{x}" y="{y - 9}" width="14" height="11" rx="2" class="{kind}"/>'
    return f'<path d="{shackle}" class="shackle {kind}"/>{body}{cross}'


def picture(height, label, body, **data) -> str:
    """The finished SVG. label: what it shows, in words (read out by screen readers)."""
    facts = "".join(f' data-{key}="{value}"' for key, value in data.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" width="{WIDTH}"'
        f' height="{height:g}" role="img" aria-label="{escape(clean(label))}"{facts}>{"".join(body)}</svg>'
    )


def height_of(svg: str) -> float:
    """The height of a finished picture, in px."""
    return float(re.search(r' height="([\d.]+)"', svg)[1])


def stack(*svgs: str) -> str:
    """Pictures one below the other, as one picture with the first one's label and data."""
    y, inner = 0, []
    for svg in svgs:
        inner.append(f'<g transform="translate(0 {y:g})">{svg[svg.index(">") + 1 : -6]}</g>')
        y += height_of(svg)
    head = svgs[0][: svgs[0].index(">") + 1]
    old = height_of(svgs[0])
    head = head.replace(f'viewBox="0 0 {WIDTH} {old:g}"', f'viewBox="0 0 {WIDTH} {y:g}"').replace(
        f' height="{old:g}"', f' height="{y:g}"'
    )
    return f"{head}{''.join(inner)}</svg>"


def alone(svg: str) -> str:
    """The same picture as a file of its own: white paper, its own colours."""
    inner = f'<style>{_ALONE}{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>'
    start = svg.index(">") + 1
    head = svg[:start].replace("<svg ", '<svg class="ow" ', 1).replace('class="ow" ', "", 1)
    return f'{head}{inner}<g class="ow">{svg[start:-6]}</g></svg>'.replace(".ow svg ", ".ow ")


def data_uri(svg: str) -> str:
    """For an <img>: readable text, not base64, so that the words in it can be compared."""
    return "data:image/svg+xml," + quote(alone(svg), safe=" =:/,;()<>+!*?@[]|{}^~$-_.…'")


def clip(words: str, width: int) -> str:
    """At most `width` columns (CJK and emoji take two), the cut marked with an ellipsis."""
    words = words.expandtabs(4)
    columns = [2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in words]
    if sum(columns) <= width:
        return words
    while sum(columns) > width - 1:
        columns.pop()
    return words[: len(columns)] + "…"


def number(words: str, width: int) -> str:
    """A number in at most `width` characters: fewer digits, never another size.

    >>> number("1234567", 6), number("0.3333", 5), number("-1.234e-100", 5)
    ('1e+06', '0.333', '…')
    """
    if len(words) <= width:
        return words
    try:
        shorter = [f"{float(words):.{digits}g}" for digits in (4, 3, 2, 1)]
    except ValueError:  # a complex number, a bool
        return clip(words, width)
    return next((short for short in shorter if len(short) <= width), "…")


def size(nbytes: int) -> str:
    """Bytes, exact: 40,000,000 B."""
    return f"{nbytes:,} B"
