"""The film: what travels are the very pictures; keys, mouse, play and lanes show them."""

import ast
import io
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest
from PIL import Image, ImageFilter

from build_notebooks import NBVAL
from conftest import PATIENCE, ROOT, in_gate, number_of
from overwritten import film, record
from overwritten.lesson.shows.guide import pattern
from overwritten.pictures.lanes import lanes_picture
from overwritten.pictures.marks import telling
from overwritten.pictures.parts import MOST_COLUMNS, lanes_pictures
from overwritten.pictures.picture import data_uri
from overwritten.pictures.plan import MOST_SLOTS
from overwritten.pictures.step import step_pictures
from test_axe import CONTRAST
from test_lanes import OWN, X, has_open_padlock, outside, overlapping, placed, texts
from test_pictures import SNIPPETS, tree

LATE = X + "y = x.exp()\n" + "z = 1\n" * 40 + "y += 1\ny.sum().backward()"
MANY = "".join(f"x{i} = torch.full((4,), {i}.)\n" for i in range(30)) + "for i in range(99):\n"
MANY += "".join(f"    x{i} += {i % 3}\n" for i in range(30))
CODES = (
    SNIPPETS
    | {name: OWN[name] for name in ("raises", "silent", "many versions", "many storages")}
    | {"late": LATE}
)


def data_of(html):
    return json.loads(re.search(r"const film = (\{.*?\});\n", html, re.S)[1])


def pictures_in(frames):
    """What the script makes of the differences, by its rules and in Python."""
    strokes, now, pictures = [], [], []
    for frame in frames:
        for at, gone, *come in frame:
            strokes += [stroke for stroke in come if isinstance(stroke, str)]
            now[at : at + gone] = [
                stroke if isinstance(stroke, str) else strokes[stroke] for stroke in come
            ]
        pictures.append("".join(now))
    return pictures


@pytest.fixture(scope="module")
def many():
    """500 steps, 30 storages."""
    return film(MANY)


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_what_travels_are_the_very_pictures(code):
    view = film(code)
    data = data_of(view.html())
    assert view.pictures == step_pictures(view.recording)
    assert view.lanes == lanes_pictures(view.recording)
    assert pictures_in(data["steps"]) == [one.svg() for one in view.pictures]
    assert pictures_in(data["lanes"]) == [one.svg() for one in view.lanes]
    assert len(view.pictures) == len(view.lanes) == max(1, len(view.recording.steps))
    assert [tree(picture).get("aria-label") for picture in view.pictures] == view.sentences
    assert (data["opens"], data["view"]) == (telling(view.recording), "steps")
    assert view._repr_mimebundle_()["text/plain"] == view.sentences[data["opens"]]


def test_500_steps_of_30_storages_are_small_and_legible(many):
    assert len(many.pictures) == 501 and len(many.recording.steps[-1].storages) == 30
    html = many.html()
    assert len(html.encode()) < 2_000_000 and html == many.html()
    assert pictures_in(data_of(html)["steps"]) == [one.svg() for one in many.pictures]
    for index in (*range(4), 9, 10, 99, 100, *range(200, 260, 7), *range(493, 501)):
        step, lanes = (tree(pictures[index]) for pictures in (many.pictures, many.lanes))
        assert not overlapping(step) and not overlapping(lanes) and not outside(lanes), (
            f"step {index}"
        )
        assert not outside(step), f"step {index}"


def test_where_storages_are_many_the_one_that_matters_is_drawn(many):
    for step, picture in zip(many.recording.steps[31:], many.pictures[31:]):
        words = [one for one, *_ in texts(tree(picture))]
        assert {write.storage for write in step.writes} <= set(words)
        assert sum(one in {s.letter for s in step.storages} for one in words) == MOST_SLOTS
        assert "storages · not drawn: 24 (384 B)" in words


def test_a_storage_drawn_keeps_its_place(many):
    """From step to step at most one place changes hands."""
    letters = {s.letter for s in many.recording.steps[-1].storages}
    places = [
        {(one, y) for one, _, _, y in texts(tree(picture)) if one in letters}
        for picture in many.pictures
    ]
    assert all(len(before - after) <= 1 for before, after in zip(places, places[1:]))


@pytest.mark.parametrize(
    "code", [LATE, MANY, OWN["goes through"], X + "y = x.exp()\ndel y\n" + "z = 1\n" * MOST_COLUMNS]
)
def test_the_frame_stands_around_the_column_of_the_step(code):
    recording = record(code)
    frames = lanes_pictures(recording)
    assert len({picture.height for picture in frames}) == 1, "the lanes jump"
    assert 'class="now"' not in frames[0].svg()
    for step, picture in zip(recording.steps[1:], frames[1:]):
        root = tree(picture)
        (frame,) = [
            (element, left) for element, left, _ in placed(root) if element.get("class") == "now"
        ]
        left = float(frame[0].get("x")) + frame[1]
        right = left + float(frame[0].get("width"))
        row = next(y for words, _, _, y in texts(root) if words == "line")
        heads = [
            words
            for words, a, b, y in texts(root)
            if abs(y - row) < 3 and left < (a + b) / 2 < right
        ]
        assert heads == [f"✗ {step.line}" if step.error else f"{step.line}"]
        assert not outside(root)


def test_a_save_and_its_check_in_different_parts():
    recording = record(LATE)
    parts = list(
        dict.fromkeys(
            re.sub(r'<rect[^>]*class="now"/>', "", one.svg()) for one in lanes_pictures(recording)
        )
    )
    assert len(parts) == 3 and lanes_picture(recording).svg() not in parts
    roots = [ElementTree.fromstring(svg) for svg in parts]
    assert [has_open_padlock(root) for root in roots] == [False, False, True]
    assert [svg.count('class="shut"') for svg in parts] == [2, 0, 0]  # lane, code
    labels = [root.get("aria-label") for root in roots]
    assert labels[0] == "Steps 1 to 15 of 44: Line 2 saves y at version 0; it is still held."
    assert "y, saved earlier, is expected at version 0; it is still held." in labels[1]
    assert "backward in line 44 finds version 1 and raises." in labels[2]
    assert "steps 31 to 44 of 44" in [words for words, *_ in texts(roots[2])]


def test_a_part_before_the_error_does_not_know_of_it():
    first = lanes_pictures(record(OWN["raises on the last of many lines"]))[1]
    assert first.label == "Steps 1 to 17 of 34: Nothing is saved for backward."


def test_the_last_badge_is_the_last_version():
    recording = record("x = torch.zeros(2)\n" + "x += 1\n" * 55)
    for index in (19, 38, 56):  # the ends of the parts
        words = [
            (left, one)
            for one, left, *_ in texts(tree(lanes_pictures(recording)[index]))
            if re.fullmatch(r"v\d+", one)
        ]
        assert max(words)[1] == f"v{recording.steps[index].tensor('x').version}"


@pytest.mark.slow
def test_a_wrong_frame_in_a_notebook_is_noticed(tmp_path):
    cell = nbformat.v4.new_code_cell(
        'from overwritten import film\nfilm("x = torch.ones(2)\\nx += 1\\nx += 1")',
        execution_count=1,
    )
    right = film("x = torch.ones(2)\nx += 1\nx += 1")
    html = right.html()
    frame = html.index(">v1\\u003c/text>")
    wrong = html[:frame] + html[frame:].replace(">v1", ">v7", 1)
    for name, shown in (("right", html), ("wrong", wrong)):
        data = {"text/html": shown, "text/plain": right.sentences[right.opens]}
        cell.outputs = [nbformat.v4.new_output("execute_result", data, execution_count=1)]
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{name}.ipynb")
    assert pictures_in(data_of(wrong)["steps"]) != [one.svg() for one in right.pictures]
    command = [sys.executable, *NBVAL, tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert (
        "1 failed, 1 passed" in done.stdout
        and "FAILED" in done.stdout
        and "wrong.ipynb" in done.stdout
    ), done.stdout[-2000:]


# in a browser


PAGE = "<!doctype html><html lang='en'><title>film</title><body>"


@pytest.fixture(scope="module")
def view():
    return film(LATE)


@pytest.fixture()
def shown(blank):
    """shown(html, …) → (page, the film in it); no kernel, no server."""

    def show(html, width=900, **options):
        page = blank(width, 900, **options)
        page.set_content(PAGE + html)
        return page, page.locator(".ow[data-film]")

    return show


@pytest.fixture()
def played(browser):
    """As `shown`, in a context of its own: its clock stands still until it is told to run."""
    contexts = []

    def show(html, width=900):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}))
        page = contexts[-1].new_page()
        page.clock.install(time=0)
        page.clock.pause_at(1)  # else it goes on with the machine's own, too
        page.goto("about:blank")
        page.set_content(PAGE + html)
        return page, page.locator(".ow[data-film]")

    yield show
    for context in contexts:
        context.close()


SAME = """([box, svg]) => {
  const truth = document.createElement('div');
  truth.innerHTML = svg;
  return document.querySelector(box).firstChild.isEqualNode(truth.firstChild) }"""


def agrees(page, view, step):
    """What is on screen against the recording: picture, lanes if open, words, numbers."""
    shown, truth = page.locator(".picture > *"), view.recording.steps[step]
    assert page.evaluate(SAME, [".picture", view.pictures[step].svg()]), (
        f"step {step}: another picture"
    )
    assert (shown.get_attribute("data-step"), shown.get_attribute("data-live")) == (
        str(step),
        str(truth.live),
    )
    words, count = view.sentences[step], f"step {step} of {len(view.pictures) - 1}"
    if page.locator(".lanes").is_visible() and not step:
        words, count = view.lanes[0].label, "no step framed"
    assert page.locator(".sentence").text_content() == words
    slider = page.locator("input[type=range]")
    assert (slider.input_value(), slider.get_attribute("aria-valuetext")) == (str(step), words)
    assert page.locator("output").text_content() == count
    if page.locator(".lanes").is_visible():
        assert page.evaluate(SAME, [".lanes", view.lanes[step].svg()]), f"step {step}: other lanes"
    return True


def live(page):
    return page.locator(".sentence").get_attribute("aria-live")


def test_every_step_by_keyboard_is_the_truth(shown, view):
    page, _ = shown(view.html())
    last = len(view.pictures) - 1
    assert agrees(page, view, last) and live(page) == "polite", "it opens where PyTorch raised"
    page.get_by_role("slider").press("End")
    page.keyboard.press("Home")
    for step in range(last):
        assert agrees(page, view, step) and live(page) == "off"  # the slider's value is read out
        page.keyboard.press("ArrowRight")
    assert agrees(page, view, last)
    back = {
        "PageDown": last - 10,
        "ArrowLeft": last - 11,
        "ArrowDown": last - 12,
        "PageUp": last - 2,
    }
    for key, step in (
        *back.items(),
        ("PageUp", last),
        ("Home", 0),
        ("PageDown", 0),
        ("ArrowUp", 1),
        ("End", last),
    ):
        page.keyboard.press(key)
        assert agrees(page, view, step), key


def test_a_wrong_frame_in_a_page_is_noticed(shown, view):
    html = view.html()
    wrong = html.replace(">✗ expects v0\\u003c", ">✗ expects v2\\u003c", 1)
    assert wrong != html
    page, _ = shown(wrong)
    found = []
    for step, picture in enumerate(view.pictures):
        page.get_by_role("slider").evaluate(
            "(e, step) => { e.value = step; e.dispatchEvent(new Event('input')) }", step
        )
        found.append(page.evaluate(SAME, [".picture", picture.svg()]))
    assert not all(found) and any(found)


def test_by_mouse(shown, view):
    page, root = shown(view.html())
    slider, last = page.get_by_role("slider"), len(view.pictures) - 1
    box = slider.bounding_box()
    y, seen = box["y"] + box["height"] / 2, set()
    page.mouse.move(box["x"] + box["width"] - 9, y)
    page.mouse.down()
    for part in range(40, -5, -1):
        page.mouse.move(box["x"] + box["width"] * part / 40, y)
        seen.add(int(slider.input_value()))
        assert agrees(page, view, int(slider.input_value()))
    page.mouse.up()
    assert {0, last} <= seen and len(seen) > 25
    for name, step in (
        ("previous step", 0),
        ("next step", 1),
        ("next step", 2),
        ("previous step", 1),
    ):
        root.get_by_role("button", name=name).click()
        assert agrees(page, view, step) and live(page) == "polite"


def test_it_plays_only_when_asked(played, view):
    page, root = played(view.html())
    last = len(view.pictures) - 1
    page.clock.run_for(5000)
    assert agrees(page, view, last)
    root.get_by_role("button", name="play").click()
    assert agrees(page, view, 0) and live(page) == "off"
    for step in range(1, last):
        page.clock.run_for(1000)
        assert agrees(page, view, step) and live(page) == "off"
    page.clock.run_for(1000)
    assert agrees(page, view, last) and live(page) == "polite"
    root.get_by_role("button", name="play", exact=True).click()
    page.clock.run_for(2000)
    root.get_by_role("button", name="pause").click()
    page.clock.run_for(5000)
    assert agrees(page, view, 2) and live(page) == "polite"
    root.get_by_role("button", name="play").press("Enter")
    assert agrees(page, view, 3), "it goes on from where a hand left it"
    page.get_by_role("slider").press("Home")
    page.clock.run_for(5000)
    assert agrees(page, view, 0), "a hand on the slider stops it"


def test_one_slider_for_steps_and_lanes(shown, view):
    page, root = shown(view.html())
    steps, lanes = page.locator(".picture"), page.locator(".lanes")
    button = root.get_by_role("button", name="lanes")
    assert not lanes.is_visible() and button.get_attribute("aria-pressed") == "false"
    button.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    page.get_by_role("slider").press("End")
    for step in range(len(view.pictures) - 1, -1, -1):
        assert lanes.is_visible() and not steps.is_visible() and agrees(page, view, step)
        page.keyboard.press("ArrowLeft")
    button.click()
    assert steps.is_visible() and not lanes.is_visible() and agrees(page, view, 0)
    assert button.get_attribute("aria-pressed") == "false"


def test_a_film_may_open_in_lanes(shown):
    view = film(LATE, view="lanes")
    assert data_uri(view.lanes[view.opens]) in view.html()
    page, root = shown(view.html())
    assert page.locator(".lanes").is_visible() and not page.locator(".picture").is_visible()
    assert agrees(page, view, view.opens)
    assert root.get_by_role("button", name="lanes").get_attribute("aria-pressed") == "true"
    with pytest.raises(ValueError, match="'steps' or 'lanes', not 'lane'"):
        film(LATE, view="lane")


#: Every picture's left edge, top and bottom, the sentence's top; the controls' and the code's place.
PLACES = """() => {
  const at = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.width, r.height].map(Math.round); };
  const [code, storages] = document.querySelectorAll('.picture svg');
  const below = [document.querySelector('.sentence'), document.querySelector('details')];
  return [[...document.querySelectorAll('.controls > *')].slice(0, 5).map(at).concat([at(code), at(storages).slice(0, 3)]),
          below.map(e => at(e)[1])];
}"""


@pytest.mark.parametrize("width", [390, 900])
@pytest.mark.parametrize("code", [LATE, SNIPPETS["many"], SNIPPETS["views"]])
def test_nothing_jumps_while_it_plays(played, code, width):
    view = film(code)
    page, root = played(view.html(), width)
    page.clock.run_for(100)
    still, below = page.evaluate(PLACES)
    root.get_by_role("button", name="play").click()
    for _ in range(len(view.pictures) + 2):
        now, lower = page.evaluate(PLACES)
        assert now == still, "controls, code and storages stay"
        assert all(old <= new for old, new in zip(below, lower)), "what is below only gives way"
        below = lower
        page.clock.run_for(1000)


@pytest.mark.parametrize("width", [390, 560, 700, 1200])
def test_storages_stand_beside_the_code_where_there_is_room(shown, width):
    code = (
        "x = torch.tensor([0.5, 2.0], requires_grad=True)\ny = x.exp()\ny += 1\ny.sum().backward()"
    )
    page, _ = shown(film(code).html(), width=width)
    code, storages = (one.bounding_box() for one in page.locator(".picture svg").all())
    if width > 560:
        assert storages["y"] == code["y"] and storages["x"] >= code["x"] + code["width"] - 1
    else:
        assert storages["y"] >= code["y"] + code["height"] and storages["x"] == code["x"]
    assert max(one["x"] + one["width"] for one in (code, storages)) <= width, "out of sight"


LESSONS = sorted((ROOT / "lessons_src").glob("0*.py"))


def films_of(lesson):
    calls = [n for n in ast.walk(ast.parse(lesson.read_text("utf8"))) if isinstance(n, ast.Call)]
    names = {"film": film, "pattern": pattern}
    return [eval(ast.unparse(n), names) for n in calls if getattr(n.func, "id", "") == "film"]


#: The box around what is shown first.
BOX = """() => {
  const all = [...document.querySelectorAll('.view svg')].filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect());
  const [x, y] = ['left', 'top'].map(side => Math.min(...all.map(r => r[side])));
  return { x, y, width: Math.max(...all.map(r => r.right)) - x, height: Math.max(...all.map(r => r.bottom)) - y };
}"""


def empty(png):
    """The share of pixels that are farther than a line of text (20 px) from anything drawn."""
    shades = Image.open(io.BytesIO(png)).convert("L")
    drawn = shades.point(lambda shade: 255 if shade < 247 else 0)
    near = drawn.filter(ImageFilter.MaxFilter(41))
    return near.histogram()[0] / (near.width * near.height)


@pytest.mark.parametrize("lesson", in_gate(LESSONS, "00", "06", id_of=number_of))
def test_a_first_picture_is_not_white(shown, lesson):
    page, _ = shown("")
    for width in (390, 600, 860):
        page.set_viewport_size({"width": width, "height": 900})
        for number, one in enumerate(films_of(lesson)):
            page.set_content(PAGE + one.html())
            share = empty(page.screenshot(clip=page.evaluate(BOX), full_page=True))
            assert share <= 0.35, f"film {number} at {width} px: {share:.2f} is empty"


@pytest.mark.parametrize(("ground", "ink"), [("#1e1e1e", "#ddd"), ("#fff", "#222")])
def test_on_an_unknown_page_it_can_be_read(shown, view, ground, ink):
    style = f"<style>body{{background:{ground};color:{ink}}}</style>"
    for html in (view.html(), film(LATE, view="lanes").html()):
        page, _ = shown(style + html, width=900)
        judged, poor = page.evaluate(CONTRAST)
        assert judged > 60 and poor == []


@pytest.mark.parametrize("width", [400, 640, 900])
def test_narrow_without_loss(shown, view, width):
    page, _ = shown(view.html(), width=width)
    page.get_by_text("All steps as a table").click()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.get_by_role("region", name="Picture").count() == 0, "the steps fit"
    page.get_by_role("button", name="lanes").click()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    sizes = """() => [...document.querySelectorAll('.lanes svg')].flatMap(s => [...s.querySelectorAll('text')].map(
        t => parseFloat(getComputedStyle(t).fontSize) * s.getBoundingClientRect().width / s.viewBox.baseVal.width))"""
    assert min(page.evaluate(sizes)) >= 11
    assert page.get_by_role("slider").bounding_box()["width"] > 150
    box = page.get_by_role("region", name="Picture")
    assert box.count() == (width == 400)
    if width == 400:
        assert box.get_attribute("tabindex") == "0"
        box.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("() => document.querySelector('.view').scrollLeft > 0")


def test_what_has_the_focus_is_seen_and_keeps_its_keys(shown, view):
    page, _ = shown(film(LATE, view="lanes").html(), width=400)
    names = []
    for _ in range(6):
        page.keyboard.press("Tab")
        style = """() => { const e = document.activeElement, style = getComputedStyle(e);
            return [style.outlineStyle, parseFloat(style.outlineWidth), e.dataset.lmSuppressShortcuts, e.ariaLabel || e.textContent] }"""
        line, thick, keys, name = page.evaluate(style)
        assert (line, keys) == ("solid", "true") and thick >= 2
        names.append(name)
    assert names == ["previous step", "step", "next step", "play", "lanes", "Picture"]


def test_printed_and_without_scripts(shown, view):
    page, root = shown(view.html())
    page.emulate_media(media="print")
    assert agrees(page, view, len(view.pictures) - 1)
    assert (
        not page.get_by_role("slider").is_visible()
        and page.locator(".picture svg").first.is_visible()
    )
    assert (
        page.locator("table").bounding_box()["height"] > 500
        and root.locator(".sentence").is_visible()
    )
    page, root = shown(view.html(), java_script_enabled=False)
    assert (
        root.locator(".still").is_visible()
        and root.locator(".sentence").text_content() == view.sentences[view.opens]
    )
    assert page.locator("svg, button, input").count() == 0
    page.get_by_text("All steps as a table").click()
    assert page.locator("tbody tr:visible").count() == len(view.pictures)
