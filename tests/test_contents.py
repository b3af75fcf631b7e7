"""The course's contents in the package: what the lessons' sources say, every name and link good."""

import re
import sys
from importlib import import_module

import nbformat
import pytest

import course
from build_notebooks import notebook_from
from conftest import PAGES, ROOT
from overwritten.lesson.contents import LESSONS, module_of
from overwritten.lesson.questions.question import Question
from site_lessons import prepared

each_page = pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.name)
SAID = "Minutes are plans. Pause after any section: your answers are kept."


def cells_of(page):
    return notebook_from(ROOT / "lessons_src" / f"{page.name}.py").cells


def test_all_lessons_are_there():
    told = [(one.name, one.title, len(one.sections)) for one in LESSONS[1:]]
    assert told == [(o.name, o.title, len(o.sections)) for o in course.lessons()]
    assert [one.number for one in LESSONS] == list(range(len(LESSONS))), "LESSONS[3] is lesson 3"


def test_a_lesson_needs_what_its_head_says():
    assert [one.needs for one in LESSONS] == [
        (),
        (),
        ((1, ()),),
        ((2, (5, 6)),),
        ((2, ()),),
        ((2, ()),),
        ((2, ()), (5, ())),
        ((1, ()), (2, ()), (3, ())),
        ((2, ()),),
        ((4, ()), (5, ())),
        ((8, ()), (9, ())),
        ((8, ()), (9, ())),
    ]
    for page in LESSONS:
        for number, sections in page.needs:
            assert number < page.number and all(LESSONS[number].section(one) for one in sections)


@each_page
def test_every_question_and_exercise_of_a_lesson_stands_in_one_section(page):
    module = None
    if page.name not in PAGES[1:]:
        module = import_module(f"overwritten.lesson.questions.{module_of(page.name)}")
    asked = [one for section in page.sections for one in section.asked]
    assert asked == [one for one in vars(module or Question).values() if isinstance(one, Question)]
    checked = [one for section in page.sections for one in section.exercises]
    wanted = []
    for name in dict.fromkeys(of for of, _ in checked):
        exercises = import_module(f"overwritten.lesson.exercises.{name}").EXERCISES
        wanted += [(name, one) for one in exercises]
    assert checked == wanted and bool(checked) == (page.number not in (0, 11))


@each_page
def test_a_head_says_that_minutes_are_plans(page):
    head, *cells = [cell.source for cell in cells_of(page)]
    parts = re.findall(r"^## .*\((\d+) minutes?\)$", "\n".join(cells), re.M)
    minutes = sum(map(int, parts))
    assert head.count(SAID) == 1 and f"About {minutes} minutes" in head and minutes <= 75


@each_page
def test_a_link_leads_to_a_heading_in_each_front_end(page, monkeypatch):
    cells = cells_of(page)
    for section in page.sections:
        (cell,) = [one for one in cells if one.source.startswith(f"## {section.number}. ")]
        assert cell.source.partition("\n")[0] == f"## {section.heading}"
        assert cell.id == section.cell, "what JupyterLab and Colab scroll to"
        where = f'<a href="{page.name}.ipynb#cell-id={section.cell}">'
        assert section.link("there & back") == f"{where}there &amp; back</a>"
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    assert f'/{page.name}.ipynb#scrollTo={section.cell}"' in section.link("there")


def test_a_heading_has_another_name_on_the_site():
    link = LESSONS[4].section(2).link("there")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(outputs=[nbformat.v4.new_output("display_data")])]
    )
    notebook.cells[0].outputs[0].data = {"text/html": f"{link} {LESSONS[4].link('it')}"}
    html = prepared(nbformat.writes(notebook), "00_start_here", "a/b", "v1")
    there = "04_leaf_mutation.html#what-no-grad-allows-and-what-it-does-not-protect-6-minutes"
    assert f'href=\\"{there}\\"' in html and 'href=\\"04_leaf_mutation.html\\"' in html
