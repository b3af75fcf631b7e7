"""The strokes every picture is made of, and the one palette.

The idea: colours are CSS variables of the front end with fallbacks, so one SVG string
fits a light theme, a dark theme and a file of its own.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape
from importlib.resources import files

#: Width of every picture, in px: JupyterLab with its side bar open, at 1280 px and 125 %
#: zoom, shows it 582 px wide, and its smallest text must then be 11 px or more.
WIDTH = 640
#: Width of one character of the 13 px monospaced font, in px.
CHAR = 7.85

#: Okabe–Ito hues, darkened until they keep 3:1 on white and on JupyterLab's dark paper.
HUES = ("#0072B2", "#B36B00", "#00856A", "#A8508A", "#6A5ACD", "#8A6D00")

STYLE = "\n" + files("overwritten.pictures").joinpath("pictures.css").read_text("utf8")


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


def judged(x, y, words, bad: bool, before="") -> str:
    """A line with the sign of a verdict, which does not hang on the colour alone."""
    line = clip(f"{before}{'✗' if bad else '✓'} {words}", int((WIDTH - 10 - x) / CHAR))
    return text(x, y, line, "bad bold" if bad else "bold")


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
