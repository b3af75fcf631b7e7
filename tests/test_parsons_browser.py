"""Lines put in order in a real JupyterLab, by keyboard alone; what the kernel then judges."""

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from build_notebooks import METADATA
from conftest import PATIENCE, looking
from overwritten.lesson.exercises.orders import order_save

CELLS = (
    "from overwritten import version_counter as exercises",
    "exercises.order_save",
    "exercises.order_save.check()",
)
RUN = """async number => {
  const app = window.jupyterapp, panel = app.shell.currentWidget;
  panel.content.activeCellIndex = number;
  await app.commands.execute('notebook:run-cell');
  return panel.content.widgets[number].model.outputs.toJSON().map(o => o.data?.['text/plain']).join('');
}"""
LINES = "lines => lines.map(line => line.querySelector('code').textContent)"
FOCUSED = "() => document.activeElement.querySelector('code')?.textContent"
FIELD_IS_SEEN = (
    "() => [...document.querySelectorAll('.ow-order-field')].some(e => e.checkVisibility())"
)


@pytest.fixture(scope="module")
def shown(browser, lab, home):
    cells = [nbformat.v4.new_code_cell(one) for one in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=METADATA)  # else it asks for a kernel
    nbformat.write(notebook, home[0] / "parsons.ipynb")
    with looking(browser, lab, home[0], "parsons.ipynb") as look:
        yield look


def heard(shown, lines):
    """Wait until the kernel has that order."""
    field = "import json; print(json.dumps(exercises.order_save._field.value))"
    words = " ".join(str(order_save.lines.index(line)) for line in lines)
    for _ in range(10 * PATIENCE):
        if shown.ask(field) == words:
            return
        shown.page.wait_for_timeout(100)
    raise AssertionError(f"the kernel has {shown.ask(field)!r}, not {words!r}")


def test_a_learner_sorts_the_lines_by_keyboard(shown):
    page, order = shown.page, shown.page.locator(".ow-order")
    lines, said = order.locator("li"), order.locator("[role=status]")
    right = order_save.solution().message.splitlines()
    assert lines.evaluate_all(LINES) == order_save.lines and lines.count() == len(right)
    assert page.evaluate(RUN, 2).startswith("○ not attempted: move the lines")
    for place, wanted in enumerate(right):
        at = lines.evaluate_all(LINES).index(wanted)
        lines.first.focus()
        for _ in range(at):
            page.keyboard.press("ArrowDown")
        assert page.evaluate(FOCUSED) == wanted
        for _ in range(at - place):
            page.keyboard.press("Alt+ArrowUp")
        assert page.evaluate(FOCUSED) == wanted, "the focus goes with the line"
        if at > place:
            assert said.text_content() == f"{wanted} is now line {place + 1} of {len(right)}."
    assert lines.evaluate_all(LINES) == right
    heard(shown, right)
    assert page.evaluate(RUN, 2) == "✓ right: well done."
    page.evaluate(RUN, 1)
    assert lines.evaluate_all(LINES) == right, "and there it stands again"
    lines.last.get_by_role("button", name=f"Move up: {right[-1]}").press("Enter")
    assert lines.evaluate_all(LINES)[-2] == right[-1]
    lines.first.get_by_role("button", name="Move up").click()
    assert said.text_content() == f"{right[0]} is the first line already."
    heard(shown, lines.evaluate_all(LINES))
    assert "saved, and `y.zero_()` wrote over it" in page.evaluate(RUN, 2)
    assert not page.evaluate(FIELD_IS_SEEN)


LATE_FIELD = """([name, order]) => {
  const field = document.createElement('div');
  field.className = 'ow-order-field';
  field.innerHTML = '<input>';
  Object.assign(field.firstChild, { placeholder: name, value: order });
  document.body.append(field);
}"""


def test_the_focus_stays_when_the_kernel_tells_its_order_late(blank):
    page, order = blank(), order_save.lines[::-1]
    page.set_content(order_save._repr_mimebundle_()["text/html"])
    lines = page.locator(".ow-order li")
    lines.first.focus()
    told = " ".join(str(number) for number in reversed(range(len(order))))
    name = page.locator(".ow-order").get_attribute("data-order")
    page.evaluate(LATE_FIELD, [name, told])
    expect(lines.locator("code")).to_have_text(order)
    assert page.evaluate(FOCUSED) == order[-1]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(shown, dark):
    shown.theme(dark)
    found = Axe().run(shown.page, {"include": [[".ow-order"]]}, {"resultTypes": ["violations"]})
    told = [f"{one['id']}: {one['nodes'][0]['html']}" for one in found.response["violations"]]
    assert told == []
    shown.shot(shown.page.locator(".ow-order"), "order")


@pytest.mark.slow
def test_the_page_that_was_left_open_shows_the_order_that_the_kernel_has(shown):
    """Reloaded without a run: the output is the old one, the hidden field is the kernel's."""
    page, lines = shown.page, shown.page.locator(".ow-order li")
    mine = lines.evaluate_all(LINES)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    name = page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path")
    page.reload()
    page.wait_for_function("() => window.jupyterapp")
    page.evaluate(
        """async path => {
          await window.jupyterapp.restored;
          await window.jupyterapp.commands.execute('docmanager:open', {path, factory: 'Notebook'});
        }""",
        name,
    )
    page.locator(".ow-order button").first.wait_for()
    page.wait_for_function(
        "mine => [...document.querySelectorAll('.ow-order li code')].map(e => e.textContent).join('|') === mine",
        arg="|".join(mine),
    )
