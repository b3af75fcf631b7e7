"""The one-page sheet for the wall, A4, in black and white: workshop/sheet.pdf.

The idea: the error message is a real one, taken apart; the picture under it is the recording of
the same lines; the rules are sentences of the lessons' own recaps. All other words and the style
stand in sheet.html. Chromium lays the page out and prints it; the PDF's title carries the page's
checksum, so that a test knows a stale one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from dataclasses import replace
from html import escape
from pathlib import Path
from string import Template

CODE = "x = torch.ones(2, 4, requires_grad=True)\nh = torch.relu(x * 2)\nh += 1\nh.sum().backward()"
TEMPLATE = Path(__file__).with_suffix(".html")
#: The parts of the message that sheet.html explains under the letters a to d.
PARTS = (
    r"\[torch\S* \[[\d, ]*\]\]",
    r"output 0 of \w+",
    r"is at version \d+; expected version \d+",
    r"set_detect_anomaly\(True[^)]*\)",
)
#: Which sentences of a lesson's recap stand on the sheet; of any other lesson the last one.
RULES = {1: (2,), 2: (3,), 3: (2,), 4: (3, 5), 5: (), 7: (3,)}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer")


def html(pages, slug: str) -> str:
    """The sheet as a page of its own. pages: course.Lesson, the start page among them."""
    from overwritten.pictures.draw import STYLE

    text = Template(TEMPLATE.read_text("utf8")).safe_substitute(
        pictures=STYLE, message=_message(), picture=_picture(), rules=_rules(pages), slug=slug
    )
    return Template(text).substitute(
        title=f"Overwritten, the sheet {zlib.crc32(text.encode()):08x}"
    )


def _message() -> str:
    """What PyTorch says to CODE, its parts underlined and lettered."""
    import torch

    try:
        exec(CODE, {"torch": torch})
    except RuntimeError as error:
        said = escape(f"RuntimeError: {error}", quote=False)
    for letter, part in zip("abcd", PARTS):
        said, count = re.subn(part, rf'<b class="letter">{letter}</b><u>\g<0></u>', said)
        assert count == 1, f"the message has {count} parts like {part}"
    return said


def _picture() -> str:
    """The lanes of CODE, cut off above the curve of the bytes."""
    from overwritten.pictures.lanes import lanes_picture
    from overwritten.record.recorder import record

    picture = lanes_picture(record(CODE))
    bytes_at = next(re.search(r'y="([\d.]+)"', one)[1] for one in picture.body if ">bytes<" in one)
    cut = replace(picture, height=float(bytes_at) - 24)
    return f'<figure class="ow">{cut.svg()}</figure>'


def _rules(pages) -> str:
    return "\n".join(
        f"<li><b>{one.number}</b> <span>{_code(one.recap[k - 1])}</span></li>"
        for one in pages
        if one.recap
        for k in RULES.get(one.number, (len(one.recap),))
    )


def _code(words: str) -> str:
    return re.sub("`(.+?)`", r"<code>\1</code>", escape(words, quote=False))


def title(page: str) -> str:
    return re.search("<title>(.*?)</title>", page)[1]


def source_of(pdf: Path) -> str:
    """The title of the page that a PDF was printed from, '' where there is no PDF."""
    found = re.search(rb"/Title \((.*?)\)", pdf.read_bytes()) if pdf.exists() else None
    return found[1].decode("latin1") if found else ""


def print_pdf(page: str, pdf: Path):
    """Print the page. Without Chromium: a sentence, and the old PDF stays.

    Raises ValueError if it takes more than one sheet of paper; then too the old PDF stays.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        words = "install Chromium, then run `make workshop` again; sheet.pdf is the old one."
        print(f"No browser: {words}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        source, printed = Path(folder, "sheet.html"), Path(folder, "sheet.pdf")
        source.write_text(page, "utf8")
        command = [browser, *FLAGS, f"--user-data-dir={folder}/profile"]
        command += [f"--print-to-pdf={printed}", source.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=600)
        if (sheets := printed.read_bytes().count(b"/MediaBox")) != 1:
            raise ValueError(f"The sheet takes {sheets} pages: fewer RULES in tools/sheet.py.")
        shutil.copyfile(printed, pdf)
