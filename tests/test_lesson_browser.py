"""Questions, verdicts, errors and figures in a page: whole words, tints, folds, ink. No kernel."""

from importlib import import_module

import matplotlib.pyplot as plt
import pytest

from conftest import LESSONS
from overwritten import drawn, predict
from overwritten.lesson.exercise import Exercise, Verdict
from overwritten.lesson.parsons import Order
from overwritten.lesson.questions.question import Question
from overwritten.lesson.show import Words
from test_axe import BROKEN as WORDS

MESSAGE = (
    "RuntimeError: one of the variables needed for gradient computation has been modified by an inplace operation: "
    "[torch.cuda.FloatTensor [2, 2048, 25, 25]], which is output 0 of ReluBackward0, is at version 2; "
    "expected version 1 instead."
)
#: How JupyterLab sets what a cell prints.
LAB = (
    "<style>.jp-OutputArea-output pre{word-break:break-all;word-wrap:break-word;white-space:pre-wrap}"
    "</style><div class='jp-OutputArea-output'>{}</div>"
)
#: The words that lie on more than one line.
BROKEN = """() => [...document.querySelectorAll('pre')].flatMap(pre => [...pre.firstChild.data.matchAll(/\\S+/g)].filter(word => {
  const range = document.createRange();
  range.setStart(pre.firstChild, word.index);
  range.setEnd(pre.firstChild, word.index + word[0].length);
  return new Set([...range.getClientRects()].map(r => r.top)).size > 1;
}).map(word => word[0]))"""
FITS = "() => document.documentElement.scrollWidth <= innerWidth"
LOOKS = """() => [...document.querySelectorAll('.ow-ask details')].map(d => {
  const s = getComputedStyle(d);
  return [s.borderTopColor, s.backgroundColor, s.borderLeftStyle, s.borderLeftWidth];
})"""
OPEN = "() => document.querySelectorAll('details').forEach(d => { d.open = true; })"


def html(shown):
    return shown._repr_mimebundle_()["text/html"]


def question():
    return predict(Question("`1 + 1`?", {"1": "Count.", "2": "Yes.", "3": "Less."}, answer="2"))


@pytest.fixture()
def page(blank):
    return blank()


def put(page, content):
    """As a front end does: scripts that come with an output run."""
    page.goto("about:blank")
    page.set_content(f"<!doctype html><body>{content}")


@pytest.mark.parametrize("width", [390, 1200])
def test_no_word_of_an_error_is_broken(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    printed = f"<pre>{MESSAGE}</pre>"
    put(page, LAB.replace("{}", printed))
    assert page.evaluate(BROKEN) != [], "this is what it is about"
    for output in (html(Words(MESSAGE)), printed + html(question())):
        put(page, LAB.replace("{}", output))
        assert page.evaluate(BROKEN) == [] and page.evaluate(FITS)


def test_no_word_of_code_is_broken(page):
    """All lines to put in order and all solutions, as wide as a phone leaves them in JupyterLab."""
    shown = []
    for path in LESSONS:
        module = import_module(f"overwritten.lesson.exercises.{path.stem[3:]}")
        for exercise in module.EXERCISES.values():
            shown += [exercise] if isinstance(exercise, Order) else []
            shown.append(Verdict("solution", exercise._solution))
    outputs = "".join(f"<div class='jp-OutputArea-output'>{html(one)}</div>" for one in shown)
    page.set_viewport_size({"width": 390, "height": 800})
    put(page, f"<style>.jp-OutputArea-output{{width:266px}}</style>{outputs}")
    assert page.locator("li code").count() > 30 and page.evaluate(WORDS) == []


@pytest.mark.parametrize("forced", ["none", "active"])
def test_right_and_wrong_look_different_once_opened(page, forced):
    page.emulate_media(forced_colors=forced)
    put(page, html(question()))
    shut = page.evaluate(LOOKS)
    assert shut[0] == shut[1] == shut[2]
    page.evaluate(OPEN)
    looks = page.evaluate(LOOKS)
    signs = page.locator("details p").all_inner_texts()
    right = looks.pop(signs.index("✓ Right. Yes."))
    wrong, again = looks
    assert wrong == again and wrong[2] != right[2] and "6px" == wrong[3] == right[3]
    if forced == "none":
        assert wrong[0] != right[0] and wrong[1] != right[1] and shut[0] not in (wrong, right)


def test_a_question_is_announced_once(page):
    put(page, html(question()))
    name = "Predict. 1 + 1?"
    assert page.get_by_role("group", name=name, exact=True).count() == 1
    named = page.locator(".ow-ask").evaluate(
        "e => [e.getAttribute('aria-label'), e.contains(document.getElementById(e.getAttribute('aria-labelledby')))]"
    )
    assert named == [None, True], "its name is a text within it, which is not read out twice"


def test_hints_and_solution_open_by_keyboard_one_after_the_other(page):
    exercise = Exercise(lambda f: "No.", ("`first`", "second"), "def f(x):\n    return x")
    put(page, html(exercise.check(abs)))
    assert page.get_by_role("status").inner_text() == "✗ wrong No."
    told = page.locator("details > :not(summary):visible")
    assert page.locator("summary").all_inner_texts() == ["Hint 1", "Hint 2", "Solution"]
    assert told.all_inner_texts() == []
    for texts in (
        ["first"],
        ["first", "second"],
        ["first", "second", "Copy", "def f(x):\n    return x"],
    ):
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert told.all_inner_texts() == texts
    page.evaluate(
        "() => { Object.defineProperty(navigator, 'clipboard', {value: {writeText: async t => { window.copied = t; }}}); }"
    )
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("window.copied") == "def f(x):\n    return x"


@pytest.mark.parametrize(
    "ground, ink", [("#fff", "rgb(20, 20, 20)"), ("#111", "rgb(238, 238, 238)")]
)
def test_a_figure_has_the_ink_of_its_page_and_no_ground(page, ground, ink):
    figure, axes = plt.subplots()
    axes.plot([1, 2], label="a line")
    axes.set_xlabel("step")
    axes.legend()
    shown = html(drawn(figure, "a line that rises"))
    put(page, f"<div style='background:{ground};color:{ink}'>{shown}</div>")
    fills = page.evaluate(
        "() => [...document.querySelectorAll('figure svg text')].map(t => getComputedStyle(t).fill)"
    )
    assert "step" in page.locator("figure svg").text_content() and set(fills) == {ink}
    strokes = page.evaluate(
        "() => [...document.querySelectorAll('figure svg :is(path, use)')].flatMap(t => [getComputedStyle(t).stroke, getComputedStyle(t).fill])"
    )
    assert ink in strokes and not {"rgb(0, 0, 0)", "rgb(255, 255, 255)"} & set(strokes)
    assert page.get_by_role("img", name="a line that rises").count() == 1
    assert not page.locator("figure img").is_visible()
