"""The rooms of ARCHITECTURE.md: imports run downwards, every file is on the page, none is too long."""

import ast
import re

import pytest

from conftest import ROOT

PACKAGE = ROOT / "overwritten"
#: From the top down; a room may import from the rooms below it. The last two import from none.
ORDER = ("lesson", "live", "doctor", "pictures", "atlas", "record", "messages", "cases")
ALONE = ("messages", "cases")
#: Where the package lies and which version it is, every room may ask.
WHOLE = ("overwritten", "overwritten.__version__")
FILES = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
ENDS = (".py", ".js", ".css")
PAGE = (ROOT / "ARCHITECTURE.md").read_text("utf8")


def room(module: str) -> str:
    """'record' for 'overwritten.record.trial'; '' for the package's own face and doors."""
    name = module.split(".")[1] if "." in module else ""
    return name if name in ORDER else ""


def imported(source: str):
    """The modules of the package that this source imports, also within functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("overwritten"):
            yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.startswith("overwritten"))


def upward(file: str, source: str) -> list[str]:
    """What a file of a room imports from a room above it, or from the package's face."""
    own = room("overwritten." + file.removesuffix(".py").replace("/", "."))
    if not own:
        return []
    below = () if own in ALONE else ORDER[ORDER.index(own) + 1 :]
    return [
        name for name in imported(source) if room(name) not in (own, *below) and name not in WHOLE
    ]


@pytest.mark.parametrize("file", FILES)
def test_imports_run_downwards(file):
    assert upward(file, FILES[file].read_text("utf8")) == []


@pytest.mark.parametrize("file, source", [
    ("record/saves.py", "from overwritten.doctor.places import ours"),
    ("record/saves.py", "def late():\n    import overwritten.live.film"),
    ("record/saves.py", "from overwritten import trial"),
    ("cases/resnet.py", "from overwritten.messages import parse"),
    ("messages.py", "from overwritten.cases import resnet"),
])  # fmt: skip
def test_an_import_that_runs_upwards_is_noticed(file, source):
    assert len(upward(file, source)) == 1


def test_the_page_names_every_file_and_no_other():
    cells = re.findall(r"^\| (`.+?) \|", PAGE, re.M)
    named = {name for cell in cells for name in re.findall(r"`([\w/]+\.(?:py|js|css))`", cell)}
    real = {p.relative_to(PACKAGE).as_posix() for end in ENDS for p in PACKAGE.rglob(f"*{end}")}
    folders = ("lesson/exercises/", "cases/patterns/")
    assert named - {"__init__.py"} == {
        name for name in real if not name.endswith("__init__.py") and not name.startswith(folders)
    }


def test_no_file_is_longer_than_300_lines_but_data():
    long = {name: n for name, p in FILES.items() if (n := p.read_text("utf8").count("\n")) > 300}
    assert {name: n for name, n in long.items() if not name.startswith("cases/patterns/")} == {}
