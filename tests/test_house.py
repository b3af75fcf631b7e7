"""The rules of the house: imports run downwards, lessons import from the face, no file grows too long."""

import ast
import importlib
import re

import pytest

import overwritten
import overwritten.cases
from conftest import LESSONS, ROOT

#: From the top down; those of one row know nothing of each other.
ROOMS = (
    ("face",),
    ("lesson",),
    ("live",),
    ("doctor",),
    ("pictures",),
    ("atlas",),
    ("record",),
    ("messages", "cases"),
)
HEIGHT = {room: -number for number, row in enumerate(ROOMS) for room in row}
PACKAGE = ROOT / "overwritten"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 300
SOURCES = [ROOT / "lessons_src" / f"{path.stem}.py" for path in LESSONS]


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


def room_of(dotted):
    """The room of 'overwritten.record.trial'; what stands in none of them is the package's face."""
    part = [*dotted.split("."), ""][1]
    return part if part in HEIGHT else "face"


def imported(tree):
    """The dotted names of the package that a module imports; its version is anybody's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.split(".")[0] == "overwritten")
        elif isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("overwritten."):
            names = (one.name for one in node.names if one.name != "__version__")
            yield from (f"{node.module}.{name}" for name in names)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_downwards(path):
    own = room_of(".".join(("overwritten", *path.relative_to(PACKAGE).with_suffix("").parts)))
    for name in imported(ast.parse(path.read_text("utf8"))):
        room = room_of(name)
        assert room == own or HEIGHT[room] < HEIGHT[own], f"{own} imports {name}"


def test_no_import_is_relative():
    """Else the rule above would not see it."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text("utf8"))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), path


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_file_grows_too_long(path):
    assert len(path.read_text("utf8").splitlines()) <= MOST_LINES


@pytest.mark.parametrize(
    "path", [*SOURCES, ROOT / "DOCTOR.md", ROOT / "README.md"], ids=lambda path: path.name
)
def test_no_deep_path_is_shown_to_a_learner(path):
    assert re.findall(r"overwritten\.[a-z_]+\.[a-z_]+", path.read_text("utf8")) == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_lesson_imports_public_names(path):
    public = {
        *(f"overwritten.{name}" for name in overwritten.__all__),
        *(f"overwritten.cases.{name}" for name in overwritten.cases.__all__),
    }
    names = set(imported(ast.parse(path.read_text("utf8"))))
    assert names and names <= public


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_public_names_exist_once(path):
    if "__all__" not in path.read_text("utf8"):
        return
    parts = [part for part in path.relative_to(ROOT).with_suffix("").parts if part != "__init__"]
    module = importlib.import_module(".".join(parts))
    assert len(set(module.__all__)) == len(module.__all__)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = overwritten.nothing
