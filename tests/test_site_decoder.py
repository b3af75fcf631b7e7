"""The front page's decoder in a browser: the right card, as in the kernel, without a network too.

The site is served on loopback; most tests share one visit.
"""

import functools
import http.server
import json
import sys
import threading
import time

import pytest
from axe_playwright_python.sync_playwright import Axe

import site_decoder
from conftest import ARTEFACTS, ROOT
from overwritten.cases.patterns import EVERY
from overwritten.doctor.reading import decode
from overwritten.lesson.shows.likest import cures
from overwritten.lesson.shows.nearest import find
from site_page import key
from test_axe import RULES
from test_guide import EVERY_ANSWER, REPORTS
from test_reading import (
    ANOMALY,
    COLOURED,
    FOREIGN,
    LABEL,
    LEAF,
    NEIGHBOURS,
    NO_ERROR_OF_OURS,
    NODES,
    REPORTED,
    TRACEBACK,
    of,
)
from threads import SOURCES

sys.path.insert(0, str(ROOT / "benchmarks"))

from front_page import Files  # its server, which can give nothing

SHAPES = "[]", "[4]", "[4, 3]", "[4, 3, 2, 2]", "[4, 3, 64, 64]"
GRID = [of(node, shape, e + 1, e) for node in ("", *NODES) for shape in SHAPES for e in (0, 1)]
#: Every message that the decoder's own tests read, and what is none.
MESSAGES = [
    *EVERY_ANSWER.values(),
    *(text for text, _ in REPORTS.values()),
    *(*FOREIGN, *NEIGHBOURS, *NO_ERROR_OF_OURS.values(), *GRID),
    *(ANOMALY, COLOURED, TRACEBACK, LABEL + LEAF + REPORTED, REPORTED * 30),
    "\n".join(of("T", "[4, 3]", n + 1, n) for n in range(30)),
]
#: The sources' messages and others, and the names or groups of the patterns that come first.
RIGHT = {f"source {which}": (text, ["own result"]) for which, text, _ in SOURCES[3:]}
NOT_SHOWN_YET = "Inference tensors cannot be saved for backward."
ANYBODY = ["own result", "linear weight", "slice"]  # the text names no tensor
RIGHT |= {f"source {which}": (text, ANYBODY) for which, text, _ in SOURCES[:3]}
RIGHT |= {name: (text, [first]) for name, (text, first) in REPORTS.items()}
BY_NAME = {one.name: one for one in EVERY}


@pytest.fixture(scope="session")
def address(site):
    """Where the built pages are served; skips where they were built without the decoder."""
    if not list(site.glob("_static/decoder-*")):
        pytest.skip("the npm registry is out of reach, so the page has no decoder")
    handler = functools.partial(Files, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html"
        server.shutdown()


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture(scope="module")
def page(context, address):
    """One visit of a fresh browser; nothing fails, nothing is asked of another server."""
    faults = []
    page = opened(context, address, faults)
    yield page
    assert faults == []


def opened(context, address, faults=None):
    page = context.new_page()
    if faults is not None:
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request", lambda r: None if r.url.startswith(address[:17]) else faults.append(r.url)
        )
    page.goto(address)
    return page


def shown(page, text, field="#message"):
    """The names of the cards that the page shows for a text, the first first."""
    before = page.locator("#decoder").get_attribute("data-shown")
    page.locator(field).fill(text)
    return cards_after(page, before)


def cards_after(page, before):
    changed = "before => document.querySelector('#decoder').dataset.shown !== (before ?? undefined)"
    page.wait_for_function(changed, arg=before)
    heads = page.locator("#decoder .cards > details > summary > strong").all_inner_texts()
    return [head.partition(". ")[2] for head in heads]


def test_a_paste_by_keyboard_is_read_at_once(page):
    assert page.locator("#decoder .patterns li").count() == len(EVERY), "before Python is there"
    page.get_by_label("Paste the error").focus()
    page.evaluate("text => navigator.clipboard.writeText(text)", REPORTED)
    before = page.locator("#decoder").get_attribute("data-shown")
    page.keyboard.press("Control+V")
    assert cards_after(page, before)[0] == "residual onto a relu"
    told = page.locator("#decoder [role=status]")
    assert told.count() == 1 and "Relu is the saver" in told.inner_text()
    card = page.locator("#decoder .cards details[open]").first
    slider = card.get_by_role("slider", name="step")
    slider.focus()
    page.keyboard.press("Home")
    assert "no step framed" in card.inner_text(), "in lanes the start shows the whole"
    assert "Compute a new tensor" in card.locator(".does").inner_text()


@pytest.mark.parametrize("text, first", RIGHT.values(), ids=RIGHT)
def test_each_message_gets_the_right_card(page, text, first):
    names = shown(page, text)
    assert 1 <= len(names) <= 3
    for name, wanted in zip(names, first):
        assert wanted in (name, BY_NAME[name].group)


def test_page_and_kernel_agree(page):
    read = """async ([files, texts]) => {
      const worker = new Worker(files + 'worker.js', {type: 'module'}), found = [];
      texts = JSON.parse(texts);
      const done = new Promise((good, bad) => { worker.onmessage = ({data: {id, answer, error}}) => {
        if (error) bad(Error(`${id}: ${error}`));
        if (answer) found[id] = JSON.parse(answer);
        if (found.filter(Boolean).length === texts.length) good();
      }; });
      texts.forEach((text, id) => worker.postMessage({id, text}));
      await done;
      worker.terminate();
      return found;
    }"""
    files = page.locator("#decoder").get_attribute("data-files")
    told = page.evaluate(read, [files, json.dumps(MESSAGES)])
    assert len(told) == len(MESSAGES) > 250
    for text, there in zip(MESSAGES, told):
        known = [*map(cures, find(text).patterns)]
        assert there["html"] == decode(text).folded(known), text[:200]
        keys = [[key(one.name) for one in some] for some in find(text).patterns]
        assert [keys for _, keys in there["cards"]] == keys, text[:200]


def test_a_message_of_200_kb_is_answered_and_typing_goes_on(page):
    begun = time.monotonic()
    assert (
        shown(page, "x" * 100_000 + f"\n{REPORTED}\n" + "no " * 33_000)[0] == "residual onto a relu"
    )
    assert time.monotonic() - begun < 20


def test_html_that_is_pasted_is_text(page):
    bad = "<img src=x onerror='window.hit = 1'><script>window.hit = 1</script>"
    text = ANOMALY.replace("x = self.act(x)", f"x = self.act({bad})") + bad
    assert shown(page, text)
    assert bad in page.locator("#decoder .told").inner_text()
    assert page.locator("#decoder :is(.told, .cards) :is(script[src], img[src=x])").count() == 0
    assert page.evaluate("window.hit") is None


def test_the_cure_stands_on_the_first_screen(page):
    page.set_viewport_size({"width": 1280, "height": 800})
    for text in (of("ReluBackward0", "[4, 3]", 1, 0), REPORTS["yolov3 1805"][0], SOURCES[0][1]):
        first = shown(page, text)[0]
        page.evaluate("scrollTo(0, 0)")
        short = page.locator("#decoder .told .short")
        cure = short.locator("dd", has_text=f"“{first}”: {BY_NAME[first].does}".split("`")[0])
        box = cure.first.bounding_box()
        assert 0 < box["y"] and box["y"] + box["height"] < 800, text
    page.set_viewport_size({"width": 1280, "height": 720})


def test_a_paste_is_answered_before_python_is_there(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/snapshot.bin", lambda route: None)  # a line so slow that it never comes
    page.goto(address)
    page.locator("#message").fill(REPORTED)
    said = page.evaluate("document.querySelector('#decoder .told').innerText")
    size = int(page.locator("#decoder").get_attribute("data-megabytes"))
    assert said.startswith("Starting Python in this page") and f" {size} MB" in said and size > 9
    context.close()


def test_the_keyboard_skips_to_the_box(context, address):
    page = opened(context, address)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the error box"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "message"
    page.close()


def test_what_is_no_message_is_said_and_two_are_told_apart(page):
    assert shown(page, "KeyError: 'loss'") == []
    assert "No PyTorch error" in page.locator("#decoder .told").inner_text()
    names = shown(page, f"{LEAF}\n{REPORTED}")
    heads = page.locator("#decoder .cards h2").all_inner_texts()
    assert heads == [f"Patterns of message {n}, the nearest first" for n in (1, 2)]
    assert "leaf written" in names and "residual onto a relu" in names


def test_axe_finds_nothing(page):
    shown(page, REPORTED)
    for look in ("light", "dark"):
        page.evaluate("look => { document.documentElement.dataset.theme = look; }", look)
        page.evaluate(
            "document.querySelectorAll('#decoder details').forEach(d => { d.open = true; })"
        )
        options = {"runOnly": RULES, "resultTypes": ["violations"]}
        found = Axe().run(page, {"include": [["#decoder"]]}, options).response["violations"]
        told = [
            f"{v['id']}: {n['html'][:200]} {n['failureSummary']}" for v in found for n in v["nodes"]
        ]
        assert told == [], look


def test_by_keyboard_and_what_was_typed_is_kept(page):
    shown(page, LABEL)
    page.reload()
    cards_after(page, None)
    assert page.get_by_label("Paste the error").input_value() == LABEL
    page.get_by_label("Paste the error").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Show an example"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # clears
    page.wait_for_function("() => !document.querySelector('#decoder .cards').children.length")
    assert page.get_by_label("Paste the error").input_value() == ""
    assert page.evaluate("document.activeElement.id") == "message"
    assert page.locator("#decoder .told").inner_text() == ""
    before = page.locator("#decoder").get_attribute("data-shown")
    page.get_by_role("button", name="Show an example").click()
    assert cards_after(page, before)[0] == "residual onto a relu"


def test_the_second_visit_needs_no_network(page, context, address, monkeypatch):
    page.wait_for_selector("#decoder[data-kept]", state="attached")
    monkeypatch.setattr(Files, "gone", True)
    again = opened(context, address)
    assert shown(again, REPORTED)[0] == "residual onto a relu"
    assert shown(again, NOT_SHOWN_YET)[0] == "inference tensor saved"
    resize = again.locator("#message").evaluate("field => getComputedStyle(field).resize")
    assert resize == "vertical", "the style sheet is there too"
    again.close()


def test_without_webassembly_it_says_so_and_shows_the_list(browser, address):
    page = browser.new_page()
    page.add_init_script("delete window.WebAssembly")
    page.goto(address)
    says_so(page, "no WebAssembly")


def test_built_without_its_files_it_says_so_and_shows_the_list(browser, site):
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.set_content(site_decoder.page("", 0))
    page.add_script_tag(path=site / "_static" / "decoder.js")
    says_so(page, "built without its decoder")


def test_opened_from_a_file_it_says_so_and_shows_the_list(browser, site):
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    says_so(page, "needs a web server" if list(site.glob("_static/decoder-*")) else "built without")


def says_so(page, words):
    page.wait_for_function("() => document.querySelector('#decoder .told').textContent")
    said = page.locator("#decoder [role=status]").inner_text()
    assert words in said and said.endswith("The list of patterns below needs nothing.")
    assert page.get_by_label("Paste the error").is_disabled()
    assert page.locator("#decoder .patterns li").count() == len(EVERY)
    page.close()


@pytest.mark.parametrize("name", ["snapshot.bin", "worker.js"])
def test_a_file_that_cannot_be_had_is_said(browser, address, name):
    page = browser.new_page()
    page.route(f"**/{name}", lambda route: route.abort())
    page.goto(address)
    page.get_by_label("Paste the error").fill(REPORTED)
    failed = "() => /could not start/.test(document.querySelector('#decoder .told').textContent)"
    page.wait_for_function(failed)
    page.get_by_label("Paste the error").fill(LABEL)
    page.wait_for_timeout(500)  # twice as long as it waits for the next key
    assert page.evaluate(f"({failed})()")
    page.close()


def test_without_npm_the_build_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(site_decoder, "CACHE", tmp_path / "none" / "kept")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(site_decoder.NoRegistry, match="needs pyodide@.*--no-decoder"):
        site_decoder.pyodide()
    assert list((tmp_path / "none").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", ["light", "dark", "390px"])
def test_screenshots_and_seconds(browser, address, name):
    """On a fresh browser within 5 s of opening, later within 3.5 s."""
    look = {"color_scheme": "dark" if name == "dark" else "light"}
    size = {"width": 390 if name == "390px" else 1280, "height": 1200}
    context = browser.new_context(viewport=size, **look)
    for most in (5, 3.5):
        begun = time.monotonic()
        page = opened(context, address)
        assert shown(page, REPORTED)
        assert time.monotonic() - begun < most
        page.wait_for_selector("#decoder[data-kept]", state="attached")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"front_page_{name}.png")
        page.close()
    context.close()
