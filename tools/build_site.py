"""The course as static pages: site/_build/html/index.html, readable from disk with no network.

The notebooks are shown as stored, nothing runs. What goes to Sphinx is a copy: pictures from
the net become their words, a question's one line of source is left out, and what settles it is
folded until asked for. A link to a lesson, or to a section of one, leads to its page there.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from docutils.nodes import make_id

from badges import slug_and_tag
from overwritten.lesson.contents import LESSONS

ROOT = Path(__file__).resolve().parents[1]


def without_remote_pictures(text: str) -> str:
    return re.sub(r"!\[([^]]*)\]\(https?:[^)]*\)", r"\1", text)


def with_both_themes(text: str) -> str:
    """The README's `<picture>` follows the system; the site has a switch of its own."""
    pattern = r'<picture>.*?srcset="(.*?)".*?alt="(.*?)" src="(.*?)".*?</picture>'
    both = r'<img class="only-light" alt="\2" src="\3"><img class="only-dark" alt="\2" src="\1">'
    return re.sub(pattern, both, text, flags=re.S)


def prepared(text: str) -> str:
    """A notebook's JSON as the site shows it."""
    link = r'(?<=href=\\")(\w+)\.ipynb(?:#cell-id=([\w-]+))?(?=\\")'
    notebook = json.loads(re.sub(link, page_of, without_remote_pictures(text)))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = re.sub(_TO_A_SECTION, _anchor, "".join(cell["source"]))
    for cell in settling(notebook["cells"]):
        cell["metadata"].setdefault("tags", []).append("hide-output")
    for cell in notebook["cells"]:
        if asks(cell):
            cell["metadata"]["tags"].append("remove-input")
    return json.dumps(notebook)


#: Markdown of a link to a section, with the one for Colab that follows it.
_TO_A_SECTION = r"\[([^]]+)\]\((\w+)\.ipynb#cell-id=([\w-]+)\) \(\[in Colab\]\([^)]+\)\)"


def _anchor(link: re.Match) -> str:
    """HTML, for Sphinx looks for the target of Markdown's links among its own names."""
    there = re.sub(r"(\w+)\.ipynb#cell-id=([\w-]+)", page_of, f"{link[2]}.ipynb#cell-id={link[3]}")
    return f'<a href="{there}">{link[1]}</a>'


def page_of(link: re.Match) -> str:
    """The page of a lesson; what is a cell in JupyterLab is known here by its heading."""
    if not link[2]:
        return f"{link[1]}.html"
    sections = (section for lesson in LESSONS for section in lesson.sections)
    (there,) = [one for one in sections if (one.lesson, one.cell) == link.groups()]
    return f"{link[1]}.html#{make_id(there.heading)}"


def asks(cell: dict) -> bool:
    return "predict" in cell["metadata"].get("tags", [])


def settling(cells: list[dict]) -> Iterator[dict]:
    """The cells whose output settles a question: from it to the first text after an output."""
    asked = settled = False
    for cell in cells:
        if asks(cell):
            asked, settled = True, False
        elif asked and cell.get("outputs"):
            settled = True
            yield cell
        elif cell["cell_type"] == "markdown" and settled:
            asked = False


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "site" / "_build", help="default: site/_build"
    )
    out = parser.parse_args(arguments).out
    source, pages = out / "source", out / "html"
    for folder in (source, pages):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "site", source, ignore=shutil.ignore_patterns("_build"))
    readme = with_both_themes(without_remote_pictures((ROOT / "README.md").read_text("utf8")))
    (source / "README.md").write_text(readme, "utf8")
    (source / "extra").mkdir()
    for path in ROOT.glob("README_*.svg"):
        shutil.copy(path, source / "extra")
    (source / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        (source / "notebooks" / path.name).write_text(prepared(path.read_text("utf8")), "utf8")
    sphinx = [sys.executable, *"-m sphinx -q -W --keep-going -E".split(), "-d", out / "doctrees"]
    address = f"https://github.com/{slug_and_tag(ROOT)[0]}"
    setting = ["-D", f"html_theme_options.repository_url={address}"]
    if failed := subprocess.call([*sphinx, *setting, source, pages]):
        return failed
    print(f"Open {pages / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
