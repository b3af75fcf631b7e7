"""The lessons in a real JupyterLab in a real browser: what is shown is what the kernel says."""

import pytest
from conftest import ARTEFACTS, NOTEBOOKS

LESSON = "01_storage_pointers.ipynb"
LOOKS = [(path.name, dark, 1.25 if dark else 1.0) for path in NOTEBOOKS for dark in (False, True)]


def shot(page, element, name):
    ARTEFACTS.mkdir(exist_ok=True)
    element.evaluate("e => e.scrollIntoView({block: 'start'})")
    page.screenshot(path=ARTEFACTS / f"{name}.png")


def test_film_and_knob_by_keyboard(run_lesson):
    page = run_lesson(LESSON)

    film = page.locator(".ow[data-film]").nth(1)  # the four lines that look alike
    slider, picture = film.locator("input[type=range]"), film.locator(".picture svg")
    slider.wait_for(timeout=30_000)
    assert film.locator(".still").count() == 0 and picture.get_attribute("data-step") == "5"
    slider.focus()
    page.keyboard.press("Home")
    assert picture.get_attribute("data-step") == "0"
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    assert picture.get_attribute("data-step") == "2"
    words = picture.locator("text").all_text_contents()
    assert "B" in words and "16 B · float32 · new" in words and "16 B · freed" in words and "v0" in words
    page.keyboard.press("ArrowRight")
    assert "v1" in picture.locator("text").all_text_contents()
    said = film.locator(".sentence").inner_text()
    assert said.startswith("Step 3 of 5: x += 1. B is written in place (version 0 → 1).")
    assert slider.get_attribute("aria-valuetext") == said
    page.keyboard.press("End")
    assert film.locator("output").inner_text() == "step 5 of 5"
    film.get_by_role("button", name="previous step").focus()
    page.keyboard.press("Enter")
    assert picture.get_attribute("data-step") == "4"
    shot(page, film, "film_light")

    handle = page.locator(".noUi-handle").first
    handle.focus()
    page.keyboard.press("Home")
    knob = page.locator(".widget-html .ow svg[data-peaks='2,1']")  # one int8 element
    knob.wait_for(timeout=20_000)
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.locator(".widget-html .ow svg[data-peaks='2000,1000']").wait_for(timeout=20_000)
    sentence = page.locator(".widget-html .sentence").inner_text()
    assert "n = 1,000, dtype = int8: x = x + 1 peaks at 2,000 B; x += 1 peaks at 1,000 B." == sentence
    shot(page, handle, "knob_light")


def test_a_prediction_by_keyboard(run_lesson):
    page = run_lesson(LESSON)
    wrong = page.locator(".jp-OutputArea-output summary").first
    wrong.focus()
    page.keyboard.press("Enter")
    assert "✗ Not so." in page.locator(".jp-OutputArea-output details[open]").inner_text()


def test_lanes_and_op_table_by_keyboard(run_lesson):
    page = run_lesson("02_version_counter.ipynb")
    where = page.locator(".widget-dropdown select").first
    where.wait_for(timeout=30_000)
    where.select_option("between save and backward")
    lanes = page.locator(".widget-html svg[data-raised='B']").first
    lanes.wait_for(timeout=20_000)
    handle = page.locator(".noUi-handle").first
    handle.focus()
    page.keyboard.press("End")
    page.locator(".widget-html .sentence", has_text="times = 3").wait_for(timeout=20_000)
    words = lanes.locator("text").all_text_contents()
    assert {"✗ raises", "v3", "✗ finds v3", "expects v0"} <= set(words)
    assert lanes.locator("rect.open").count() == 1
    where.select_option("after backward")
    lanes.wait_for(state="detached", timeout=20_000)
    said = page.locator(".widget-html .sentence").first.inner_text()
    assert said.endswith("Line 3 saves y at version 0; backward in line 4 finds version 0: it goes through.")
    table = page.locator(".ow[data-table]")
    table.locator("input").fill("sigmoid result")
    table.locator("input").fill("kron")
    assert table.locator("tbody tr:visible").count() == 2
    assert table.locator("output").inner_text().startswith("2 of ")
    shot(page, table, "op_table_light")


@pytest.mark.parametrize("lesson, dark, zoom", LOOKS)
def test_nothing_is_clipped(run_lesson, lesson, dark, zoom):
    page = run_lesson(lesson, dark=dark, zoom=zoom)
    page.locator(".noUi-handle").first.wait_for(timeout=30_000)
    films = page.locator(".ow[data-film]").count()
    page.wait_for_function(f"() => document.querySelectorAll('.ow .picture svg').length >= {films}")
    assert films >= 1 and page.locator(".ow .still").count() == 0
    for index, view in enumerate(page.locator(".jp-OutputArea-output .ow").all()):
        wide = view.evaluate("e => [e.scrollWidth, e.clientWidth, e.parentElement.clientWidth]")
        assert wide[0] <= wide[1] <= wide[2], f"view {index} is clipped: {wide}"
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll('.ow .picture svg, .widget-html svg')].map(
            s => 12.5 * s.getBoundingClientRect().width / s.viewBox.baseVal.width))"""
    )
    assert smallest >= 11, f"the smallest text is {smallest:.1f} px"
    clipped = page.evaluate(
        """() => [...document.querySelectorAll('.ow .picture svg, .widget-html svg')].flatMap(s => {
            const edge = s.getBoundingClientRect();
            return [...s.querySelectorAll('text')].filter(t => {
                const r = t.getBoundingClientRect();
                return r.left < edge.left - 1 || r.right > edge.right + 1 || r.bottom > edge.bottom + 1;
            }).map(t => t.textContent) })"""
    )
    assert clipped == [], "text runs out of its picture"
    shot(page, page.locator(".widget-vbox").last, f"{lesson[:2]}_{'dark' if dark else 'light'}_{int(zoom * 100)}")
