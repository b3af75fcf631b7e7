"""The one-page sheet for the wall, A4, in black and white: workshop/sheet.svg and sheet.pdf.

The idea: the error message is a real one, taken apart; the picture under it is the recording of
the same lines; the rules are sentences of the lessons' own recaps. The PDF is printed by Chromium
from the SVG and carries its checksum in its title, so that a test knows a stale one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from html import escape
from pathlib import Path

CODE = "x = torch.ones(2, 4, requires_grad=True)\nh = torch.relu(x * 2)\nh += 1\nh.sum().backward()"
WIDE, HIGH, LEFT = 794, 1123, 44
#: Which sentences of a lesson's recap stand on the sheet; of any other lesson the last one.
RULES = {1: (2,), 2: (3,), 3: (2,), 4: (3, 5), 5: (), 7: (3,)}
PARTS = {  # what to look for in the message, and what it tells
    r"\[torch\S* \[[\d, ]*\]\]": "Where to look. A result that X saved is shown as it was then, an input as it is now.",
    r"output 0 of \w+": "X is Relu (up to PyTorch 2.12: ReluBackward0). relu, exp, sigmoid, tanh, softmax save their result: "
    "then X is the saver. Any other X made the tensor, or wrote it last, and another operation saved it.",
    r"is at version \d+; expected version \d+": "Expected: the writes before the save. The difference: the writes since. One is enough.",
    r"set_detect_anomaly\(True[^)]*\)": "It leads to the line that saved. You want the line that wrote.",
}
QUESTIONS = [
    ("Has somebody saved it?", "Backward to come?", "Counter hears it?", "Then"),
    ("yes", "yes", "yes", "backward raises"),
    ("yes", "yes", "no", "a wrong gradient, and no error"),
    ("one of these two: no", "", "", "harmless where no one reads it"),
]
CURES = "Mend the line that writes: `x = x + y` for `x += y`; `inplace=False` where it writes; `clone()` first; step after backward."
NO_CURES = "No cure: `inplace=False` in the module that saved, `.detach()`, `.data`, `no_grad`, `retain_graph=True`."
DOCTOR = [
    ("python -m overwritten train.py", "names both lines, for any program"),
    ("with watch() as recording:", "the same for a block; `from overwritten import watch`"),
]
STYLE = """
text{font-family:Helvetica,Arial,"DejaVu Sans",sans-serif;fill:#000;white-space:pre}
.code{font-family:"DejaVu Sans Mono",Menlo,Consolas,monospace}.bold{font-weight:700}
.line{stroke:#000;stroke-width:1;fill:none}.thick{stroke:#000;stroke-width:2.5;fill:none}.ring{fill:#000}.ring+text{fill:#fff}
"""
INK = "--ow-ink:#000;--ow-soft:#333;--ow-paper:#fff;--ow-line:#666;--ow-new:#e4e4e4;--ow-bad:#000;--ow-badfill:#d8d8d8;--ow-good:#000"


class Page:
    """Strokes from the top down; `y` is the base line of what comes next."""

    def __init__(self):
        self.strokes, self.y = [], 60

    def words(self, words, x=LEFT, size=12.5, wide=WIDE - 2 * LEFT, kind="", step=1.32):
        """A paragraph, its `backticks` set as code, wrapped to `wide` px."""
        for line in wrapped(words, wide / size):
            spans = "".join(
                f'<tspan class="code" font-size="{size * 0.94:g}">{escape(part)}</tspan>'
                if k % 2
                else escape(part)
                for k, part in enumerate(line.split("`"))
            )
            self.strokes.append(
                f'<text x="{x:g}" y="{self.y:g}" font-size="{size:g}" class="{kind}">{spans}</text>'
            )
            self.y += size * step

    def head(self, words):
        self.y += 12
        self.strokes.append(f'<path class="thick" d="M{LEFT} {self.y - 20:g}H{WIDE - LEFT}"/>')
        self.words(words, size=17, kind="bold", step=1.35)

    def ring(self, letter, x, y):
        self.strokes.append(
            f'<g><circle class="ring" cx="{x:g}" cy="{y - 4:g}" r="7.5"/>'
            f'<text x="{x:g}" y="{y:g}" font-size="11.5" class="bold" text-anchor="middle" style="fill:#fff">{letter}</text></g>'
        )


def wrapped(words: str, ems: float) -> list[str]:
    """Lines of at most `ems` ems, as DejaVu Sans runs; an opened backtick is closed at a line's end."""
    lines, line, length, code = [], "", 0.0, False
    for word in words.split(" "):
        wide = (
            sum(
                0.57 if code ^ (word[:k].count("`") % 2 == 1) else 0.55
                for k, c in enumerate(word)
                if c != "`"
            )
            + 0.32
        )
        if line and length + wide > ems:
            lines.append(line.rstrip() + ("`" if code else ""))
            line, length = ("`" if code else ""), 0.0
        line, length = f"{line}{word} ", length + wide
        code ^= word.count("`") % 2 == 1
    return [*lines, line.rstrip()]


def message() -> str:
    """What PyTorch says to CODE."""
    import torch

    try:
        exec(CODE, {"torch": torch})
    except RuntimeError as error:
        return f"RuntimeError: {error}"
    raise AssertionError("CODE should raise")


def _message(page):
    """The message in its box, each part underlined and lettered; what each part tells, below."""
    text, size, step = message(), 12, 25
    per_line = int((WIDE - 2 * LEFT - 20) / (size * 0.602))
    spans = [re.search(pattern, text).span() for pattern in PARTS]
    starts, at = [], 0
    while at < len(text):  # each line as (start, end) in the text
        end = (
            len(text) if len(text) - at <= per_line else text.rindex(" ", at, at + per_line + 1) + 1
        )
        starts.append((at, end))
        at = end
    top = page.y - 8
    page.strokes.append(
        f'<rect class="line" x="{LEFT}" y="{top:g}" width="{WIDE - 2 * LEFT}" height="{step * len(starts) + 14:g}" rx="4"/>'
    )
    for row, (begin, end) in enumerate(starts):
        y = top + 22 + row * step
        page.strokes.append(
            f'<text x="{LEFT + 10}" y="{y:g}" font-size="{size}" class="code">{escape(text[begin:end].rstrip())}</text>'
        )
        for letter, (one, other) in zip("abcd", spans):
            if begin < other and one < end:
                x1, x2 = (
                    LEFT + 10 + (max(min(p, end), begin) - begin) * size * 0.602
                    for p in (one, other)
                )
                page.strokes.append(f'<path class="thick" d="M{x1:g} {y + 5:g}H{x2:g}"/>')
                if one >= begin:
                    page.ring(letter, x1 + 8, y + 11.5)
    page.y = top + step * len(starts) + 34
    for letter, told in zip("abcd", PARTS.values()):
        page.ring(letter, LEFT + 9, page.y)
        page.words(told, LEFT + 26, wide=WIDE - 2 * LEFT - 26)
        page.y += 2


def _picture(page):
    from overwritten.pictures.draw import STYLE as PICTURES
    from overwritten.pictures.draw import WIDTH
    from overwritten.pictures.lanes import lanes_svg
    from overwritten.record.recorder import record

    svg = lanes_svg(record(CODE))
    rules = PICTURES[PICTURES.index(".ow svg text") :].replace(".ow svg ", ".ow ")
    high = (
        float(re.search(r'y="([\d.]+)"[^>]*>bytes<', svg)[1]) - 24
    )  # without the curve of the bytes
    wide = WIDE - 2 * LEFT - 100
    head = f'<svg x="{LEFT}" y="{page.y - 16:g}" width="{wide}" height="{high * wide / WIDTH:g}" viewBox="0 0 {WIDTH} {high:g}">'
    page.strokes.append(
        f'<style>.ow{{{INK}}}{rules}</style>{head}<g class="ow">{svg[svg.index(">") + 1 : -6]}</g></svg>'
    )
    page.y += high * wide / WIDTH + 4


def _questions(page):
    columns, row = (LEFT, LEFT + 175, LEFT + 325, LEFT + 465), 20
    for k, cells in enumerate(QUESTIONS):
        for x, words in ((x, words) for x, words in zip(columns, cells) if words):
            page.strokes.append(
                f'<text x="{x + 6}" y="{page.y:g}" font-size="12.5" class="{"" if k and x != columns[3] else "bold"}">{escape(words)}</text>'
            )
        page.strokes.append(f'<path class="line" d="M{LEFT} {page.y + 6:g}H{WIDE - LEFT}"/>')
        page.y += row


def _rules(page, pages):
    rules = [
        (one.number, one.recap[k - 1])
        for one in pages
        for k in RULES.get(one.number, (len(one.recap),))
        if one.recap
    ]
    top, half, ends = page.y, (len(rules) + 1) // 2, []
    wide = (WIDE - 2 * LEFT - 20) / 2
    for column in (rules[:half], rules[half:]):
        x = LEFT + (wide + 20) * len(ends)
        page.y = top
        for number, words in column:
            page.strokes.append(
                f'<text x="{x:g}" y="{page.y:g}" font-size="12" class="bold">{number}</text>'
            )
            page.words(words, x + 16, 12, wide - 16)
            page.y += 3
        ends.append(page.y)
    page.y = max(ends)


def svg(pages, slug: str) -> str:
    """The sheet. pages: course.Lesson, the start page among them. Raises ValueError if it is too long."""
    page = Page()
    page.words("Modified by an inplace operation: who wrote over it?", size=23, kind="bold", step=1)
    page.head("Read the message")
    _message(page)
    page.head("Three moments: the save, the write, the check")
    _picture(page)
    page.head("Before you write into a tensor, ask")
    _questions(page)
    page.head("Rules, with the lesson that proves them")
    _rules(page, pages)
    page.head("Find the line, mend the line")
    for command, words in DOCTOR:
        page.strokes.append(
            f'<text x="{LEFT}" y="{page.y:g}" font-size="14" class="code bold">{escape(command)}</text>'
        )
        page.words(words, LEFT + 290, wide=WIDE - 2 * LEFT - 290)
        page.y += 5
    page.words(CURES)
    page.words(NO_CURES)
    if page.y > HIGH - 40:
        raise ValueError(
            f"The sheet is {page.y - HIGH + 40:.0f} px too long for its page: fewer RULES in tools/sheet.py."
        )
    foot = f'<text x="{LEFT}" y="{HIGH - 26}" font-size="11">Overwritten, a course on PyTorch’s in-place operations · github.com/{slug} · CC BY 4.0</text>'
    label = (
        "How to read PyTorch's error about in-place operations, the lessons' rules, and the doctor."
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" width="210mm" height="297mm" role="img" aria-label="{label}">'
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>{"".join(page.strokes)}{foot}</svg>\n'
    )


def mark(drawing: str) -> str:
    """The title of a PDF made from this SVG."""
    return f"Overwritten, the sheet {zlib.crc32(drawing.encode('utf8')):08x}"


def source_of(pdf: Path) -> str:
    """The title that a PDF bears, '' where there is none."""
    found = re.search(rb"/Title \((.*?)\)", pdf.read_bytes()) if pdf.exists() else None
    return found[1].decode("latin1") if found else ""


def print_pdf(drawing: str, pdf: Path):
    """Print the SVG on one A4 page. Without Chromium: a sentence, and the old PDF stays."""
    browser = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if browser is None:
        print(
            "No browser: install Chromium, then run `make workshop` again; sheet.pdf is the old one.",
            file=sys.stderr,
        )
        return
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "sheet.html"
        fit = "@page{size:210mm 297mm;margin:0}body{margin:0}svg{display:block}"
        page.write_text(
            f'<!doctype html><html lang="en"><meta charset="utf8"><title>{mark(drawing)}</title><style>{fit}</style>{drawing}',
            "utf8",
        )
        flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-pdf-header-footer",
            f"--user-data-dir={folder}/profile",
        ]
        subprocess.run(
            [browser, *flags, f"--print-to-pdf={pdf}", page.as_uri()],
            check=True,
            capture_output=True,
            timeout=120,
        )
