"""ARCHITECTURE.md names the files that are there, all of them and no others."""

import re

from conftest import ROOT

PACKAGE = ROOT / "overwritten"
PAGE = (ROOT / "ARCHITECTURE.md").read_text("utf8")
#: Its files follow one form; they have one row for all.
ONE_ROW = "cases/patterns/"


def test_the_page_names_every_file_of_the_package():
    cells = re.findall(r"^\| (`.+?) \|", PAGE, re.M)
    named = {name for cell in cells for name in re.findall(r"`([\w/]+\.(?:py|js|css))`", cell)}
    there = {
        path.relative_to(PACKAGE).as_posix()
        for end in ("py", "js", "css")
        for path in PACKAGE.rglob(f"*.{end}")
        if path.name != "__init__.py"
    }
    assert named - {"__init__.py"} == {name for name in there if not name.startswith(ONE_ROW)}


def test_what_else_it_names_is_there():
    named = re.findall(r"`((?:tests|claims|tools)/[\w./]+)`", PAGE)
    assert named and [name for name in named if not (ROOT / name).exists()] == []
