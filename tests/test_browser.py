"""The lessons in a real JupyterLab in a real browser: what is shown is what the kernel says."""

import html
import os
import random
import re
import time

import pytest
from playwright.sync_api import TimeoutError

from conftest import ASK, PATIENCE, looking, the_lesson

light = pytest.mark.parametrize("look", [False], indirect=True, ids=["light"])

# What a film shows must be what its recording says, step by step.
FILM_TRUTH = """
import json
from overwritten.pictures.parts import lanes_pictures
from overwritten.pictures.step import step_pictures
from overwritten.pictures.words import sentence
run = {out}.recording
print(json.dumps([[sentence(run, k), *(one.svg() for one in pair)] for k, pair in enumerate(zip(step_pictures(run), lanes_pictures(run)))]))"""
FILM_SHOWS = """(film, truth) => {
  const slider = film.querySelector('input[type=range]'), wanted = document.createElement('div');
  const [, picture, lanes] = truth[slider.value];
  const same = (svg, shown) => { wanted.innerHTML = svg; return wanted.firstChild.isEqualNode(shown); };
  return [Number(slider.value), film.querySelector('.sentence').textContent, slider.getAttribute('aria-valuetext'),
          same(picture, film.querySelector('.picture').firstChild),
          film.querySelector('.lanes').hidden || same(lanes, film.querySelector('.lanes svg'))];
}"""
# What a knob shows must be what its code gives anew for the values in the page.
KNOB_TRUTH = """
import ast, json
from overwritten.live.scenes import SCENES
calls = [node for node in ast.walk(ast.parse(In[{out}])) if isinstance(node, ast.Call)]
call = next(call for call in calls if getattr(call.func, "id", "") == "knob")
program = eval(ast.unparse(call.args[0]))
show = next((eval(ast.unparse(k.value)) for k in call.keywords if k.arg == "show"), "peaks")
values = {{name: dict(Out[{out}].controls[name].options)[label] for name, label in {labels}.items()}}
codes = program(**values) if callable(program) else program
scene = (show if callable(show) else SCENES[show])({{"code": codes}} if isinstance(codes, str) else codes, values)
print(json.dumps([scene.words, scene.picture.svg()]))"""
KNOB_SHOWS = """([knob, said, svg]) => {
  const wanted = document.createElement('div');
  wanted.innerHTML = svg;
  return knob.querySelector('.sentence').textContent.replace(/\\s+/g, ' ') === said
    && wanted.firstChild.isEqualNode(knob.querySelector('.picture svg'));
}"""
START = """code => {
  window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code: `exec(${JSON.stringify(code)}, {})`, store_history: false});
}"""
LABELS = """knob => Object.fromEntries([...knob.querySelectorAll('.widget-hslider, .widget-dropdown')].map(c => [
  c.querySelector('.widget-label').textContent,
  (c.querySelector('.widget-readout') ?? c.querySelector('select').selectedOptions[0]).textContent.replaceAll('\\u00a0', ' ')]))"""


class FilmOnPage:
    """A film, and whether it shows what the kernel has recorded."""

    def __init__(self, look, root):
        self.root, self.page = root, look.page
        self.slider = root.locator("input[type=range]")
        self.truth = look.ask(FILM_TRUTH.format(out=look.out(root)))
        self.last = len(self.truth) - 1

    def at(self) -> int:
        """The step shown, once sentence, picture and what is read out have been compared."""
        step, said, read, *alike = self.root.evaluate(FILM_SHOWS, self.truth)
        words = self.truth[step][0]
        if self.last and not step and self.root.locator(".lanes").is_visible():
            label = re.search('aria-label="(.*?)"', self.truth[0][2])[1]
            words = html.unescape(label)  # the lanes are told whole
        assert said == read == words and all(alike), (
            f"step {step} shows {said!r}, picture and lanes: {alike}"
        )
        return step

    def press(self, key):
        self.page.keyboard.press(key)
        return self.at()


class KnobOnPage:
    """A knob, and whether it comes to show what the kernel computes for its controls."""

    def __init__(self, look, root):
        self.look, self.root, self.page = look, root, look.page
        self.handles, self.menus = root.locator(".noUi-handle").all(), root.locator("select").all()

    def follows(self) -> dict:
        labels = self.root.evaluate(LABELS)
        words, svg = self.look.ask(
            KNOB_TRUTH.format(out=self.look.out(self.root)[4:-1], labels=labels)
        )
        said = " ".join(
            f"{', '.join(f'{name} = {label}' for name, label in labels.items())}: {words}".split()
        )
        try:
            self.page.wait_for_function(
                KNOB_SHOWS, arg=[self.root.element_handle(), said, svg], timeout=120_000
            )
        except TimeoutError:
            shown = " ".join(self.root.locator(".sentence").inner_text().split())
            pytest.fail(
                f"{self.root.evaluate(LABELS)}: {shown!r}, not {said!r}"
                if shown != said
                else f"not the picture of {said!r}"
            )
        return labels


def films(look):
    return [FilmOnPage(look, root) for root in look.page.locator(".ow[data-film]").all()]


def knobs(look):
    return [
        KnobOnPage(look, root)
        for root in look.page.locator(".widget-vbox:has(.noUi-handle, select)").all()
    ]


@light
def test_films_by_keyboard(look):
    assert films(look)
    for film in films(look):
        film.slider.focus()
        assert film.press("Home") == 0
        for step in range(1, film.last + 1):
            assert film.press("ArrowRight") == step
        assert film.press("ArrowRight") == film.last, "past the end"
        assert film.press("ArrowLeft") == max(film.last - 1, 0)
        assert film.press("PageDown") == max(film.last - 11, 0)
        assert film.press("End") == film.last
        for sign, step in (("previous step", max(film.last - 1, 0)), ("next step", film.last)):
            film.root.get_by_role("button", name=sign).focus()
            assert film.press("Enter") == step


@light
def test_films_by_mouse(look):
    for film in films(look)[:2]:  # the same script as in all the others
        if film.root.locator(".lanes").is_visible():  # it opens in them
            film.root.get_by_role("button", name="lanes").click()
        film.slider.focus()
        film.press("Home")
        film.slider.scroll_into_view_if_needed()
        box = film.slider.bounding_box()
        x, y, wide = box["x"], box["y"] + box["height"] / 2, box["width"]
        look.page.mouse.click(x + 0.7 * wide, y)
        assert abs(film.at() - 0.7 * film.last) <= 1
        look.page.mouse.down()
        for part in (0.6, 0.5, 0.3):
            look.page.mouse.move(x + part * wide, y)
            assert abs(film.at() - part * film.last) <= 1
        look.page.mouse.up()
        before = film.at()
        film.root.get_by_role("button", name="next step").click()
        assert film.at() == min(before + 1, film.last)
        film.root.get_by_role("button", name="previous step").click()
        assert film.at() == min(before, film.last - 1)
        film.root.get_by_role("button", name="lanes").click()
        assert film.root.locator(".lanes svg").is_visible() and film.at() == min(
            before, film.last - 1
        )
        assert not film.root.locator(".picture").is_visible()
        film.root.get_by_role("button", name="next step").click()
        film.at()
        look.shot(film.root, "film_lanes")
        film.root.get_by_role("button", name="lanes").click()
        assert not film.root.locator(".lanes svg").is_visible()
    film.slider.focus()
    film.press("End")
    film.root.get_by_role("button", name="play").click()  # begins anew
    assert film.at() < film.last
    film.slider.focus()
    film.press("End")
    assert film.press("ArrowLeft") == film.last - 1
    film.root.get_by_role("button", name="play").click()
    look.page.wait_for_function(
        "([slider, last]) => slider.value == last", arg=[film.slider.element_handle(), film.last]
    )
    film.at()


@light
def test_knobs_by_keyboard(look):
    assert knobs(look)
    for knob in knobs(look):
        controls = [(handle, "ArrowLeft") for handle in knob.handles]
        for control, back in [*controls, *((menu, "ArrowUp") for menu in knob.menus)]:
            seen = []
            for key in ("End", back, "Home"):
                control.focus()
                look.page.keyboard.press(key)
                seen.append(knob.follows())
            assert seen[0] != seen[1] and seen[0] != seen[2], f"{control} does not move"


@light
def test_knobs_by_mouse(look):
    for knob in knobs(look):
        for handle in knob.handles:
            handle.focus()
            look.page.keyboard.press("Home")
            track = handle.locator("xpath=ancestor::*[contains(@class, 'noUi-target')]")
            track.scroll_into_view_if_needed()
            box = track.bounding_box()
            y, seen = box["y"] + box["height"] / 2, [knob.follows()]
            look.page.mouse.click(box["x"] + 0.99 * box["width"], y)
            seen.append(knob.follows())
            handle.hover()  # waits until it has come to rest
            look.page.mouse.down()
            look.page.mouse.move(box["x"] + 0.7 * box["width"], y)
            look.page.mouse.move(box["x"] + 0.3 * box["width"], y)
            look.page.mouse.up()
            seen.append(knob.follows())
            assert seen[0] != seen[1] != seen[2], "the slider does not move"
        for menu in knob.menus:  # its list is drawn by the system, out of a test's reach
            labels = menu.locator("option").all_text_contents()
            menu.select_option(index=len(labels) // 2)
            knob.follows()
    look.shot(knob.root, "knob")


# What a knob holds, by the labels of its controls: the sentence and the picture.
KEPT = """
import json
knob = {out}
print(json.dumps({{knob._where(key): [knob._words(key), scene.picture.svg()] for key, scene in knob._newest.kept.items()}}))"""
# Until a file is there: a cell is at work, and nothing that a hand sends is heard.
DEAF = """
import time
from pathlib import Path
from IPython import get_ipython
with get_ipython().user_ns["Out"][{out}]._newest.lock:
    Path("{begun}").touch()
    while not Path("{over}").exists():
        time.sleep(0.01)"""
# From now on each frame is looked at: `contradictions` are those in which picture or sentence are not of the controls.
EACH_FRAME = """([knob, truth, labels]) => {
  const wanted = document.createElement('div'), bare = words => words.replace(/\\s+/g, ' ');
  window.frames_seen = new Set();
  window.contradictions = [];
  const labels_of = eval(labels);
  (function look() {
    const at = Object.entries(labels_of(knob)).map(pair => pair.join(' = ')).join(', ');
    const [words, svg] = truth[at];
    const said = knob.querySelector('.sentence').textContent;
    wanted.innerHTML = svg;
    if (bare(said) !== bare(words) || !wanted.firstChild.isEqualNode(knob.querySelector('.picture svg')))
      window.contradictions.push(`${at}: ${said}`);
    window.frames_seen.add(at);
    window.next_frame = requestAnimationFrame(look);
  })();
}"""
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
SEEN = "() => { cancelAnimationFrame(window.next_frame); return [[...window.frames_seen], window.contradictions]; }"


class Frames:
    """Looks at a knob in every frame until `seen` is asked for."""

    def __init__(self, knob):
        self.knob, self.page = knob, knob.page
        truth = knob.look.ask(KEPT.format(out=knob.look.out(knob.root)))
        self.page.evaluate(EACH_FRAME, [knob.root.element_handle(), truth, LABELS])

    def seen(self):
        """The labels that stood there, once no frame has contradicted them."""
        self.page.evaluate(PAINTED)
        labels, contradictions = self.page.evaluate(SEEN)
        assert contradictions == []
        return labels


def recorded_knob(look):
    """The first knob of a lesson that has a slider and all its positions recorded, or none."""
    whole = "import json, math; k = {}; print(len(k._newest.kept) == math.prod(map(len, k._choices.values())))"
    for knob in knobs(look):
        if (
            knob.handles
            and look.page.evaluate(ASK, whole.format(look.out(knob.root))).strip() == "True"
        ):
            knob.handles[0].press("Home")
            knob.follows()
            return knob
    pytest.skip("its knobs have more positions than are recorded")


def positions_of(knob) -> int:
    """Of its first slider."""
    slider = knob.handles[0]
    return 1 + int(float(slider.get_attribute("aria-valuemax") or slider.get_attribute("max")))


@light
def test_what_is_recorded_is_painted_before_the_kernel_hears_of_it(look, tmp_path):
    knob = recorded_knob(look)
    begun, over = tmp_path / "begun", tmp_path / "over"
    positions = positions_of(knob)
    number = look.out(knob.root)[4:-1]
    frames = Frames(knob)
    look.page.evaluate(START, DEAF.format(out=number, begun=begun, over=over))
    while not begun.exists():
        time.sleep(0.01)
    kernel_said = "knob => knob.querySelector('.ow-said').textContent"
    before = knob.root.evaluate(kernel_said)
    try:
        for key in ("ArrowRight", "ArrowRight", "End", "ArrowLeft"):
            knob.handles[0].press(key)
            look.page.evaluate(PAINTED)
        assert len(frames.seen()) >= min(4, positions)
        assert knob.root.evaluate(kernel_said) == before
    finally:
        over.touch()
    labels = knob.follows()
    values = "import json; from overwritten.live.controls import label; print(json.dumps({{n: label(v) for n, v in {}.values.items()}}))"
    for _ in range(PATIENCE * 10):
        if look.ask(values.format(look.out(knob.root))) == labels:
            break
        time.sleep(0.1)
    assert look.ask(values.format(look.out(knob.root))) == labels


@light
def test_no_frame_contradicts_the_controls(look):
    """A hand and a cell turn it by turns, faster than the kernel answers."""
    knob = recorded_knob(look)
    frames = Frames(knob)
    for _ in range(5):
        for key in ["ArrowRight"] * 8 + ["ArrowLeft"] * 3:
            knob.handles[0].press(key)
        knob.handles[0].press("Home")
    turn = "k = {}; name = list(k._choices)[0]; [k.turn(**{{name: v}}) for v in k._choices[name]]"
    look.page.evaluate(ASK, turn.format(look.out(knob.root)))
    knob.follows()
    assert len(frames.seen()) >= min(6, positions_of(knob))


#: `OVERWRITTEN_MOVES=500 pytest tests/test_browser.py -k random` is the long run: 500 moves a lesson.
MOVES = int(os.environ.get("OVERWRITTEN_MOVES", "20"))
KEYS = ("ArrowRight", "ArrowLeft", "PageUp", "PageDown", "Home", "End")
VERSIONS = "import json, torch; print(json.dumps({k: v._version for k, v in globals().items() if isinstance(v, torch.Tensor) and not v.is_inference()}))"
BUSY = "import time, torch; w = [torch.rand(9) for _ in range(300)]; time.sleep(0.4); del w"


@light
def test_random_moves(look):
    """All live views in turn, some moved while a cell is busy: nothing fails, nothing shown is stale."""
    faults, dice = [], random.Random(look.lesson)
    look.page.on("pageerror", lambda error: faults.append(str(error)))
    tensors, all_films, all_knobs = look.ask(VERSIONS), films(look), knobs(look)
    for move in range(MOVES):
        if move % 10 == 0:
            look.page.evaluate(START, BUSY)
        view = dice.choice([*all_films, *all_knobs])
        if isinstance(view, FilmOnPage):
            way = dice.choice(["key", "key", "value", "button"])
            if way == "key":
                view.slider.press(dice.choice(KEYS))
            elif way == "value":
                view.slider.fill(str(dice.randrange(view.last + 1)))
            else:
                view.root.get_by_role("button").nth(dice.choice([0, 1, 3])).click()
            view.at()
        else:
            dice.choice([*view.handles, *view.menus]).press(dice.choice(KEYS))
    for view in all_knobs:
        view.follows()
    assert look.ask(VERSIONS) == tensors and faults == []


@light
def test_predictions(look):
    # a cell's result: what stands under "Again" is displayed, three in a cell
    asked = look.page.locator(".jp-OutputArea-executeResult .ow-ask").all()
    for group in asked[:3]:  # the same HTML as all others
        truth = look.ask(
            f"import json; q = {look.out(group)}; print(json.dumps([[c, q.choose(c)] for c in q.choices]))"
        )
        first, *others = group.locator("summary").all()
        first.click()
        for summary in others:
            summary.focus()
            look.page.keyboard.press("Enter")
        shown = group.evaluate(
            "group => [...group.querySelectorAll('details')].map(d => d.innerText.split(/\\n+/))"
        )
        assert shown == [
            [re.sub(r"`|\[(.+?)\]\(.+?\)", r"\1", words) for words in pair] for pair in truth
        ]
        group.evaluate(
            "group => group.querySelectorAll('details').forEach(d => { d.open = false; })"
        )


@light
@pytest.mark.slow  # in the gate: the same table without JupyterLab, in test_live
@the_lesson("02")
def test_the_table_by_keyboard(look):
    table = look.page.locator(".ow[data-table]")
    field, shown = table.get_by_role("searchbox", name="search"), table.locator("tbody tr:visible")
    for words in ("sigmoid result", "kron", "KRON x", "no such words", ""):
        field.focus()
        look.page.keyboard.press("ControlOrMeta+a")
        look.page.keyboard.press("Delete")
        look.page.keyboard.type(words)
        code = "import json; t = {}; print(json.dumps([t.cells[i] for i, r in enumerate(t.rows) if r in t.find(*{})]))"
        truth = look.ask(code.format(look.out(table), words.split()))
        rows = shown.evaluate_all(
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
        )
        count = f"{len(truth)} of 100 rows" if truth else "nothing found: try a shorter word"
        assert rows == truth and table.locator("output").inner_text() == count
    region = table.get_by_role("region")
    region.focus()
    look.page.keyboard.press("End")
    look.page.wait_for_function("e => e.scrollTop > 500", arg=region.element_handle())
    look.shot(table, "op_table")


@the_lesson("00")
def test_in_jupyterlab_all_is_well_and_a_link_opens_the_lesson(lesson):
    page, here = lesson.page, lesson.page.evaluate("() => window.jupyterapp.shell.currentWidget.id")
    assert page.locator(".ow-check li").all_inner_texts()[-1] == "[ok] films"
    assert page.locator(".widget-html", has_text="[ok] knobs").is_visible()
    wrong = page.locator(".ow-ask details", has=page.locator("a")).first
    wrong.locator("summary").click()
    wrong.locator("a").click()
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.context?.path === '01_storage_pointers.ipynb'"
    )
    page.evaluate(
        "here => { window.jupyterapp.shell.currentWidget.close(); window.jupyterapp.shell.activateById(here); }",
        here,
    )


@pytest.fixture(scope="module")
def notebook7(browser, lab, home):
    with looking(browser, lab, home[0], "02_version_counter.ipynb", "/notebooks/{}") as shown:
        yield shown


def test_notebook_7(notebook7):
    film = films(notebook7)[0]
    film.slider.focus()
    assert film.press("Home") == 0
    assert (
        film.press("ArrowRight") == 1
        and film.press("ArrowRight") == 2
        and film.press("ArrowLeft") == 1
    )
    knob = knobs(notebook7)[0]
    seen = []
    for key in ("Home", "PageUp", "End"):
        knob.handles[0].focus()
        notebook7.page.keyboard.press(key)
        seen.append(knob.follows())
    assert seen[0] != seen[1] and seen[0] != seen[2]
    notebook7.shot(knob.root, "notebook7")
