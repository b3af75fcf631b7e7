"""The start page: its parts, its snippets proved by running them, its self-check on every fault."""

import re
import sys

import nbformat
import pytest

import course
from conftest import NOTEBOOKS, ROOT
from overwritten.lesson import selfcheck
from overwritten.lesson.show import with_code

NOTEBOOK = nbformat.read(NOTEBOOKS[0], as_version=4)
SOURCE = (ROOT / "lessons_src" / "00_start_here.py").read_text("utf8")
PAGE = course.lesson("00_start_here", SOURCE)
LINK = re.compile(r"\[lesson (\d), section (\d+)\]\((\w+)\.ipynb\)")
QUESTIONS = [question for section in PAGE.sections for question in section.questions]


def test_its_parts():
    assert NOTEBOOKS[0].stem == "00_start_here", "the page that opens comes first"
    titles = [section.title for section in PAGE.sections]
    assert titles == [
        "The lessons",
        "Does everything work here?",
        "A film and a knob",
        "Six snippets",
        "Where to begin",
        "Pause and come back",
        "Glossary",
    ]
    assert sum(section.minutes for section in PAGE.sections) == PAGE.minutes
    assert len(QUESTIONS) == 6 and "\nfilm(" in SOURCE and "\nknob(" in SOURCE


def test_the_map_has_every_lesson():
    rows = re.findall(r"^# \| (\d+) \| \[(.+)\]\((.+)\.ipynb\) \| (\d+) \|", SOURCE, re.M)
    assert rows == [
        (str(one.number), one.title, one.name, str(one.minutes)) for one in course.lessons()
    ]


@pytest.fixture(scope="module")
def snippets():
    """What the notebook's own cells define, run here: its functions, and `gives`."""
    names = {}
    for cell in NOTEBOOK.cells:
        if cell.source.startswith(("import torch", "def ")):
            exec(cell.source, names)
    return names


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: re.search(r"`(\w+)\(\)`", q.words)[1])
def test_a_snippet_gives_the_answer_and_the_other_choices_lead_to_a_lesson(question, snippets):
    name = re.search(r"`(\w+)\(\)`", question.words)[1]
    outcome = snippets["gives"](snippets[name])
    assert outcome == question.answer
    sections = {
        (lesson.number, section.number, lesson.name)
        for lesson in course.lessons()
        for section in lesson.sections
    }
    for choice, feedback in question.choices.items():
        links = LINK.findall(feedback)
        assert len(links) == (choice != outcome), choice
        assert all(
            (int(number), int(section), name) in sections for number, section, name in links
        ), links


def test_a_link_leads_beside_the_page_and_in_colab_to_its_release(monkeypatch):
    words = "See [lesson 2, section 3](02_version_counter.ipynb)."
    assert with_code(words) == 'See <a href="02_version_counter.ipynb">lesson 2, section 3</a>.'
    assert with_code("`x[0](1)` and [1.0, 2.0]") == "<code>x[0](1)</code> and [1.0, 2.0]"
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    (address,) = re.findall('href="(.+?)"', with_code(words))
    assert address.startswith("https://") and address in SOURCE, "the map has the same address"


FAULTS = [
    (
        selfcheck.python,
        ((3, 9, 18), (2, 7, 18)),
        ((3, 10, 0), (3, 13, 9), (3, 15, 0)),
        "make lab PYTHON=",
    ),
    (
        selfcheck.torch,
        ("2.5.1+cu121", "1.13.1", "2.16.0", "3.0.0"),
        ("2.6.0", "2.13.0+cpu", "2.15.1a0+git1"),
        "%pip install 'torch>=",
    ),
    (selfcheck.ipywidgets, ("7.6.5", "9.0.0"), ("7.7.1", "8.1.9"), "%pip install 'ipywidgets>="),
]


@pytest.mark.parametrize(
    "check, bad, good, cure", FAULTS, ids=lambda part: getattr(part, "__name__", "")
)
def test_another_version_is_told_what_to_do(check, bad, good, cure):
    for version in bad:
        said = check(version)
        assert (
            cure in said and ".".join(map(str, version[:2])) in said
            if isinstance(version, tuple)
            else version in said
        )
    assert [check(version) for version in good] == [""] * len(good) and check() == ""


def test_too_old_and_too_new_are_two_faults():
    assert "too old" in selfcheck.torch("2.5.1") and "newer" in selfcheck.torch("2.16.0")


def test_a_package_of_another_release():
    import overwritten

    assert selfcheck.package(f"v{overwritten.__version__}") == ""
    said = selfcheck.package("v9.9.9")
    assert "v9.9.9" in said and overwritten.__version__ in said and "pip install -e ." in said


def test_a_folder_that_cannot_be_written(tmp_path):
    assert selfcheck.folder(str(tmp_path)) == "" and list(tmp_path.iterdir()) == []
    assert "folder of your own" in selfcheck.folder(str(tmp_path / "none"))


def test_without_ipywidgets(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    assert "%pip install" in selfcheck.ipywidgets()


def test_what_is_well_says_nothing_of_this_machine():
    cell = next(cell for cell in NOTEBOOK.cells if "selfcheck(" in cell.source)
    assert not re.search(
        r"\d", "".join(o.data["text/plain"] for o in cell.outputs).replace("Ctrl+Shift+C", "")
    )
    assert cell.outputs[0].data["text/plain"].count("[ok]") == 5, "a fault while the page was built"


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_the_films_line_knows_whether_scripts_run(blank, scripts):
    page = blank(java_script_enabled=scripts)
    faults = {"Python": "", "PyTorch": "2.5 <b>is too old"}
    page.set_content(selfcheck.Report(faults)._repr_mimebundle_()["text/html"])
    python, torch, films = page.locator("li").all_inner_texts()
    assert (python, torch) == ("[ok] Python", "[fail] PyTorch: 2.5 <b>is too old")
    assert films == "[ok] films" if scripts else films.startswith("[fail] films: nothing moves")
