"""Keys in a real JupyterLab: Shift+Enter runs the cell from within its output, Enter works there;
what a learner's copy folds is Markdown and opens by keyboard."""

import nbformat
import pytest

from build_notebooks import METADATA, for_learners
from conftest import PATIENCE, looking

CELLS = (
    "from overwritten import film, predict, version_counter as exercises\n"
    "from overwritten.lesson.questions import version_counter as questions",
    "predict(questions.whose_counter)",
    "film('x = 1')",
    "exercises.order_save",
    "exercises.order_save.check()",
)
#: In which cell, what has the focus there.
HELD = {1: ".ow-ask summary", 2: ".ow button", 3: ".ow-order li", 4: ".ow-help summary"}
WHY = (
    "`x` and *y*, [a link](https://example.org):\n\n- one\n- two\n\n```python\nx = 1\n\ny = 2\n```"
)
COUNT = "at => window.jupyterapp.shell.currentWidget.content.widgets[at].model.executionCount"
RAN = "([at, before]) => (window.jupyterapp.shell.currentWidget.content.widgets[at].model.executionCount ?? 0) > before"
ACTIVE = "() => window.jupyterapp.shell.currentWidget.content.activeCellIndex"


@pytest.fixture(scope="module")
def page(browser, lab, home):
    cells = [nbformat.v4.new_code_cell(one) for one in CELLS]
    cells[1].metadata["tags"] = ["predict"]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)
    notebook.cells.append(nbformat.v4.new_markdown_cell(WHY))
    nbformat.write(for_learners(notebook), home[0] / "keys.ipynb")
    with looking(browser, lab, home[0], "keys.ipynb") as look:
        yield look.page


def output(page, at):
    return page.locator(".jp-Cell").nth(at)


@pytest.mark.parametrize("at", HELD)
@pytest.mark.parametrize("keys", ["Shift+Enter", "Control+Enter"])
def test_the_cell_runs_from_within_its_output(page, at, keys):
    held = output(page, at).locator(HELD[at]).first
    if "summary" in HELD[at]:
        held.evaluate("s => { s.parentElement.open = false; }")  # an earlier choice is open
        held.click()
        assert held.evaluate("s => s.parentElement.open")
    else:
        held.focus()
    before = page.evaluate(COUNT, at)
    page.keyboard.press(keys)
    page.wait_for_function(RAN, arg=[at, before], timeout=1000 * PATIENCE)
    assert page.evaluate(ACTIVE) == at + (keys == "Shift+Enter")
    assert page.locator(".jp-Cell").count() == len(CELLS) + 1


@pytest.mark.parametrize("at", [1, 4])
def test_an_answer_and_a_hint_open_with_enter_and_with_space(page, at):
    summary = output(page, at).locator("summary").last
    before = page.evaluate(COUNT, at)
    summary.focus()
    is_open = "s => s.parentElement.open"
    for key in ("Enter", "Space"):
        was = summary.evaluate(is_open)
        page.keyboard.press(key)
        assert summary.evaluate(is_open) != was, key
    page.keyboard.press("d")
    page.keyboard.press("d")
    assert page.locator(".jp-Cell").count() == len(CELLS) + 1, "no key deletes the cell"
    assert page.evaluate(COUNT, at) == before


def test_what_is_folded_is_markdown_and_opens_by_keyboard(page):
    fold = page.locator(".jp-MarkdownOutput details")
    summary = fold.locator("summary")
    told = fold.locator("p").first
    assert not told.is_visible()
    summary.focus()
    for key, seen in (("Enter", True), ("Space", False), ("Space", True), ("Enter", False)):
        page.keyboard.press(key)
        assert told.is_visible() == seen, key
    found = {tag: fold.locator(tag).all_text_contents() for tag in ("p code", "em", "a", "li")}
    assert found == {"p code": ["x"], "em": ["y"], "a": ["a link"], "li": ["one", "two"]}
    assert fold.locator("pre").text_content() == "x = 1\n\ny = 2"
    assert "`" not in fold.text_content()
