"""Each lesson in a stand-in for Colab: a lone file, Colab's versions, the course fetched by its first cell."""

import os
import re
import sys

import nbformat
import pytest
from nbval.plugin import get_sanitize_patterns

import colab
from badges import slug_and_tag
from conftest import LEARN, LESSONS, NOTEBOOKS, ONE_LESSON, ROOT
from overwritten import find, route
from overwritten.lesson.show import with_code

VENV = ROOT / ".venv-colab"
TAG = slug_and_tag(ROOT)[1]


@pytest.fixture(scope="session")
def python():
    """An interpreter with Colab's versions (`make test` makes it)."""
    path = os.environ.get("OVERWRITTEN_COLAB", str(VENV / "bin" / "python"))
    if not os.path.exists(path):
        words = f"No {path}: `make test` sets it up."
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    return path


@pytest.mark.parametrize("path", ONE_LESSON)
def test_every_lesson_runs_as_in_colab(python, path):
    assert colab.run(LEARN / path.name, python)[1] == []


def without_set_up(nb):
    nb.cells = [cell for cell in nb.cells if "find_spec" not in cell.source]


def another_tag(nb):
    nb.cells[0].source = nb.cells[0].source.replace(f"@{TAG}", "@v9.9.9")


def foreign_cells(nb):
    nb.cells = nb.cells[:4]  # the head and the set-up cell are enough for them
    for source in (
        "import ipywidgets\nslider = ipywidgets.IntSlider()",  # nothing is wrong with it
        "len(open('../requirements.txt').read()) > 0",
        "tags = ipywidgets.TagsInput()",
    ):
        nb.cells.append(nbformat.v4.new_code_cell(source, execution_count=1))


@pytest.mark.parametrize(
    "change, words",
    [
        (
            foreign_cells,
            [
                "FileNotFoundError",
                "AttributeError: module 'ipywidgets' has no attribute 'TagsInput'",
            ],
        ),
        pytest.param(
            without_set_up,
            ["ModuleNotFoundError: No module named 'overwritten'"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            another_tag, ["SystemExit: The course did not install"], marks=pytest.mark.slow
        ),
    ],
)
def test_the_stand_in_notices(python, tmp_path, change, words):
    nb = nbformat.read(LEARN / LESSONS[0].name, as_version=4)
    nb.cells = [cell for cell in nb.cells if cell.cell_type == "code"][:2]
    change(nb)
    nbformat.write(nb, tmp_path / LESSONS[0].name)
    failed = colab.run(tmp_path / LESSONS[0].name, python)[1]
    if change is another_tag:
        failed = failed[:1]  # without the course the next cell fails too
    assert len(failed) == len(words) and all(map(str.__contains__, failed, words)), failed


def test_pytorch_is_never_touched():
    """--no-deps, and nothing to depend on: pip cannot replace the torch that Colab has loaded."""
    for path in NOTEBOOKS:
        first = next(
            cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"
        )
        assert "find_spec" in first.source and "--no-deps" in first.source, path
    assert "\ndependencies = []\n" in (ROOT / "pyproject.toml").read_text("utf8")


def sanitised(html):
    rules = get_sanitize_patterns((ROOT / "tests" / "sanitize.cfg").read_text("utf8"))
    for pattern, instead in rules:
        html = re.sub(pattern, instead, html)
    return html


REPORTED = (
    "[torch.FloatTensor [9, 9]], which is output 0 of Relu, is at version 2; expected version 1"
)


@pytest.mark.parametrize(
    "output",
    [
        lambda: route().html,
        lambda: find(REPORTED).html(),
        lambda: with_code("[lesson 2](02_version_counter.ipynb)"),
    ],
    ids=["route", "find", "words"],
)
def test_a_link_in_colab_is_compared_with_the_one_in_jupyter(monkeypatch, output):
    here = output()
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    there = output()
    assert there != here and sanitised(there) == sanitised(here)
    for wrong in (r"(scrollTo=)\d", r"(/)0\d_\w+(?=\.ipynb)"):
        elsewhere = re.sub(wrong, r"\g<1>9", there)
        assert elsewhere == there or sanitised(elsewhere) != sanitised(here), wrong
    assert elsewhere != there
