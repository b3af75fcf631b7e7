"""The decoder in JupyterLab: found by its label, used by the keyboard, nothing typed lost."""

import pytest
from playwright.sync_api import expect

from conftest import the_lesson

LABEL = "[torch.LongTensor [6]] is at version 1; expected version 0 instead."
RUN_AGAIN = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  const place = panel.content.widgets.findIndex(c => c.model.sharedModel.source.startsWith('field = decoder('));
  panel.content.activeCellIndex = place;
  await window.jupyterapp.commands.execute('notebook:run-cell');
}"""


pytestmark = the_lesson("05")


@pytest.fixture()
def page(lesson):
    return lesson.page


def decoded(page, words):
    page.wait_for_function(
        "words => document.querySelector('.widget-vbox .decoded')?.textContent.includes(words)",
        arg=words,
    )


def test_by_keyboard(page):
    field = page.get_by_label("Error text")
    assert field.count() == 1
    field.focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("One line,")
    page.keyboard.press("Enter")
    page.keyboard.type("then another: ")
    decoded(page, "No PyTorch error about an in-place operation")
    page.keyboard.type(LABEL)
    decoded(page, "Labels, an index or a mask")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA", (
        "the focus was lost while typing"
    )
    assert field.input_value() == f"One line,\nthen another: {LABEL}"
    assert (
        page.locator(
            ".widget-vbox .decoded [role=status], .widget-vbox .decoded[role=status]"
        ).count()
        == 1
    )


def test_what_was_typed_stands_there_when_the_cell_runs_again(page):
    field = page.get_by_label("Error text")
    before = field.input_value()
    field.focus()
    field.evaluate("field => { field.dataset.was = 'here'; }")
    page.evaluate(RUN_AGAIN)
    expect(page.locator(".widget-vbox textarea[data-was]")).to_have_count(0)
    expect(field).to_have_value(before)
    assert before != ""
