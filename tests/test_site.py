"""The static pages as a reader meets them: opened from disk, in a browser with the network off."""

import html
import json
import re
import subprocess
import sys

import nbformat
import pytest
from bs4 import BeautifulSoup

import build_site
from conftest import ARTEFACTS, FEW_LESSONS, NOTEBOOKS, PAGES, ROOT, in_gate, number_of

each_lesson = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_page = pytest.mark.parametrize("path", FEW_LESSONS)
REMOTE = ("http:", "https:", "//")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built pages."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(ROOT / "tools" / "build_site.py"), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / "html"


@pytest.fixture()
def visit(site, browser):
    """visit(page, dark, width, folded) → that page opened from disk, what settles a question unfolded
    unless said otherwise; nothing may fail or ask for the network."""
    contexts, faults = [], []

    def hear(message):
        if message.type == "error":
            faults.append(message.text)

    def opened(name, dark=False, width=1280, folded=False):
        look = {
            "color_scheme": "dark" if dark else "light",
            "viewport": {"width": width, "height": 800},
        }
        contexts.append(
            browser.new_context(
                offline=True, permissions=["clipboard-read", "clipboard-write"], **look
            )
        )
        page = contexts[-1].new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda request: faults.append(request.url) if request.url.startswith(REMOTE) else None,
        )
        page.goto((site / name).as_uri())
        page.wait_for_selector("body[data-jp-theme-light]")
        if not folded:
            page.evaluate("document.querySelectorAll('details.hide').forEach(d => d.open = true)")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def page_of(path):
    return f"notebooks/{path.stem}.html"


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def asks(cell):
    return "predict" in cell.metadata.get("tags", [])


def soup(site, name):
    return BeautifulSoup((site / name).read_text("utf8"), "html.parser")


def test_each_page_has_its_neighbours(site):
    pages = ["index.html", *map(page_of, NOTEBOOKS)]
    for number, name in enumerate(pages):
        links = {
            side: soup(site, name).select_one(f"a.{side}") for side in ("left-prev", "right-next")
        }
        found = {
            side: (site / name).parent.joinpath(link["href"]).resolve()
            for side, link in links.items()
            if link
        }
        wanted = {"left-prev": number - 1, "right-next": number + 1}
        assert found == {
            side: site / pages[i] for side, i in wanted.items() if 0 <= i < len(pages)
        }, name


def test_the_front_page_lists_the_lessons(site):
    rows = [a["href"] for a in soup(site, "index.html").select("article table a.internal")]
    assert rows == [page_of(path) for path in NOTEBOOKS]


def unlinked(html):
    """Without where its links lead: to notebooks as stored, to pages on the site."""
    return re.sub(r'href="[^"]*"', "href", html)


@each_lesson
def test_code_and_outputs_stand_there_as_stored_and_no_answer(site, path):
    page, text = soup(site, page_of(path)), (site / page_of(path)).read_text("utf8")
    cells = code_cells(path)
    assert [pre.get_text().strip() for pre in page.select(".cell_input pre")] == [
        c.source.strip() for c in cells if not asks(c)
    ]
    outputs = [output for cell in cells for output in cell.outputs]
    printed = [o.text for o in outputs if o.output_type == "stream"]
    assert [pre.get_text().strip() for pre in page.select(".output.stream pre")] == [
        words.strip() for words in printed
    ]
    rich = [unlinked(o.data["text/html"]) for o in outputs if "text/html" in o.get("data", {})]
    assert (
        len(rich) >= 2
        and len(page.select(".output.text_html")) == len(rich)
        and all(one in unlinked(text) for one in rich)
    )


def cell(kind, tags=(), outputs=()):
    return {"cell_type": kind, "metadata": {"tags": [*tags]}, "outputs": [*outputs]}


TEXT, SILENT, ASKS = cell("markdown"), cell("code"), cell("code", ["predict"], "q")


def test_what_settles_a_question_is_found_by_its_tag():
    def settles(*cells):
        return [one["outputs"][0] for one in build_site.settling(cells)]

    def says(word):
        return cell("code", outputs=[word])

    assert settles(says("a"), TEXT, says("b")) == []
    assert settles(ASKS, SILENT, says("a"), says("b"), TEXT, says("c")) == ["a", "b"]
    assert settles(ASKS, TEXT, says("a"), TEXT, says("b")) == ["a"], "a text may come between"
    assert settles(ASKS, ASKS, says("a"), ASKS, says("b"), TEXT, says("c")) == ["a", "b"]


@each_lesson
def test_what_settles_a_question_is_folded(site, path):
    folded = soup(site, page_of(path)).select("details.hide")
    cells = json.loads(path.read_text("utf8"))["cells"]
    wanted = [*build_site.settling(cells)]
    assert len(folded) == len(wanted) and bool(wanted) == (path.stem not in PAGES[1:])
    said = {one.summary.get_text(" ", strip=True) for one in folded}
    assert said <= {"Show what it prints Hide what it prints"}
    shown = [one.select(".cell_output, .output") for one in folded]
    assert all(shown) and not soup(site, page_of(path)).select("details.hide .ow-ask")


def test_what_is_folded_opens_by_key_and_its_film_moves(visit):
    page = visit(page_of(NOTEBOOKS[1]), folded=True)
    fold = page.locator("details.hide", has=page.locator(".ow[data-film]")).first
    slider = fold.locator(".ow[data-film] input[type=range]").first
    assert not slider.is_visible()
    fold.locator("> summary").focus()
    page.keyboard.press("Enter")
    slider.wait_for(state="visible")
    said = fold.locator(".sentence").first.inner_text()
    slider.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert fold.locator(".sentence").first.inner_text().startswith("Step 1 of ") != said
    assert fold.locator(".picture").first.bounding_box()["width"] > 300


def test_nothing_is_loaded_from_the_net(site):
    for path in site.rglob("*.html"):
        page = BeautifulSoup(path.read_text("utf8"), "html.parser")
        loaded = [tag.get("src") or tag["href"] for tag in page.select("[src], link[href]")]
        assert loaded and not [address for address in loaded if address.startswith(REMOTE)], path
    for path in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", path.read_text("utf8")), path


def views(page, path, kind):
    """Each live view of that kind on the page, and the HTML that was stored for it."""
    rich = [
        o.get("data", {}).get("text/html", "") for cell in code_cells(path) for o in cell.outputs
    ]
    stored = [text for text in rich if text.startswith(f'<div class="ow" data-{kind}="')]
    shown = page.locator(f".ow[data-{'still' if kind == 'knob' else kind}]").all()
    assert len(shown) == len(stored) > 0
    return zip(shown, stored)


@each_page
def test_every_film_moves(visit, path):
    page = visit(page_of(path))
    assert page.evaluate("navigator.onLine") is False and page.url.startswith("file:")
    for film, before in views(page, path, "film"):
        rows = BeautifulSoup(before, "html.parser").select("table.steps tbody tr")
        rows = [[cell.get_text() for cell in row.select("td")] for row in rows]
        slider, picture = film.locator("input[type=range]"), film.locator(".picture > *")
        opens = BeautifulSoup(before, "html.parser").select_one(".sentence").get_text()
        assert picture.get_attribute("aria-label") == opens
        slider.focus()
        page.keyboard.press("Home")
        for number, (step, line, _, _, alive, _) in enumerate(rows):
            if number:
                page.keyboard.press("ArrowRight")
            said = picture.get_attribute("aria-label")
            assert picture.get_attribute("data-step") == step
            assert film.locator(".sentence").inner_text() == said and f"{alive} alive" in said
            assert said.startswith(
                f"Step {number} of {len(rows) - 1}: {line}." if number else "Start."
            )


@each_page
def test_every_knob_shows_what_was_recorded(visit, path):
    page = visit(page_of(path))
    for knob, before in views(page, path, "knob"):
        stored = json.JSONDecoder().raw_decode(before, before.index("const knob = ") + 13)[0]
        fields, said, picture = (
            knob.locator("input, select").all(),
            knob.locator(".sentence"),
            knob.locator(".picture svg"),
        )
        assert len(fields) == len(stored["controls"]) and len(stored["positions"]) > 1
        for places, number in stored["positions"].items():
            for field, control, place in zip(fields, stored["controls"], places.split(",")):
                field.fill(place) if control["slider"] else field.select_option(place)
            wanted = stored["sentences"][number]
            set_to = [
                f"{c['name']} = {c['labels'][int(place)]}"
                for c, place in zip(stored["controls"], places.split(","))
            ]
            assert said.text_content() == wanted and wanted.startswith(", ".join(set_to))
            svg = "".join(stored["strokes"][stroke] for stroke in stored["pictures"][number])
            assert picture.get_attribute("aria-label") == html.unescape(
                re.search('aria-label="(.*?)"', svg)[1]
            )


INKS = """() => [...document.querySelectorAll('.ow .picture svg text')].map(text => {
  let paper = text;
  while (paper.parentElement && getComputedStyle(paper).backgroundColor === 'rgba(0, 0, 0, 0)') paper = paper.parentElement;
  return [getComputedStyle(text).fill, getComputedStyle(paper).backgroundColor];
})"""


def luminance(colour):
    parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
    return sum(
        w * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
        for w, c in zip((0.2126, 0.7152, 0.0722), parts)
    )


def contrast(*colours):
    dark, light = sorted(map(luminance, colours))
    return (light + 0.05) / (dark + 0.05)


def test_the_pictures_follow_the_theme(visit):
    page = visit("notebooks/02_version_counter.html")
    inks = {"light": page.evaluate(INKS)}
    page.get_by_role("button", name="Color mode").click()
    page.get_by_role("button", name="Dark").click()
    page.wait_for_selector("body[data-jp-theme-light='false']")
    inks["dark"] = page.evaluate(INKS)
    for theme, pairs in inks.items():
        assert len(set(map(tuple, pairs))) >= 3, "ink, soft ink and red"
        faint = [pair for pair in pairs if contrast(*pair) < 4.5]
        assert not faint, theme
    assert (
        min(luminance(ink) for ink, _ in inks["light"])
        < 0.1
        < 0.5
        < max(luminance(ink) for ink, _ in inks["dark"])
    )


def test_search_by_keyboard(visit):
    page = visit(page_of(NOTEBOOKS[0]))
    page.keyboard.press("Control+k")
    page.keyboard.type("padlock")
    page.keyboard.press("Enter")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function(
        "() => /found/.test(document.querySelector('#search-results').textContent)"
    )
    assert "Read the version counter" in page.locator("#search-results ul.search").inner_text()
    page.locator("#search-results li a", has_text="Read the version counter").first.click()
    assert "notebooks/02_version_counter.html" in page.url


def test_code_is_copied_as_it_stands(visit):
    page = visit(page_of(NOTEBOOKS[0]))
    sources = [cell.source for cell in code_cells(NOTEBOOKS[0]) if not asks(cell)]
    buttons = page.locator("button.copybtn")
    assert buttons.count() == len(sources)
    buttons.nth(2).click()
    page.wait_for_selector("button.copybtn.success")
    assert page.evaluate("navigator.clipboard.readText()").strip() == sources[2].strip()


@pytest.mark.parametrize("width", [400, 640])
@each_page
def test_a_narrow_window_loses_nothing(visit, path, width):
    page = visit(page_of(path), width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, (
        "the page scrolls sideways"
    )
    smallest = page.evaluate(
        """() => Math.min(...[...document.querySelectorAll('.ow .view svg')].filter(s => s.checkVisibility()).map(
            s => 12.5 * s.getBoundingClientRect().width / s.viewBox.baseVal.width))"""
    )
    assert smallest >= 11, f"the smallest text is {smallest:.1f} px"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", in_gate(NOTEBOOKS[1::7], "01", id_of=number_of))  # short and long
def test_screenshots(visit, path, dark):
    page = visit(page_of(path), dark=dark)
    ARTEFACTS.mkdir(exist_ok=True)
    page.screenshot(
        path=ARTEFACTS / f"site_{path.stem[:2]}_{'dark' if dark else 'light'}.png", full_page=True
    )
    assert (
        page.locator(".ow .picture > :is(svg, .panels)").count()
        == page.locator(".ow:is([data-film], [data-still])").count()
        > 0
    )


def test_links_between_pages_lead_to_pages(site):
    for path in site.rglob("*.html"):
        links = [
            a["href"].partition("#")[0]
            for a in BeautifulSoup(path.read_text("utf8"), "html.parser").select("article a[href]")
        ]
        lost = [
            link
            for link in links
            if link and not link.startswith(REMOTE) and not (path.parent / link).exists()
        ]
        assert lost == [], path
    assert soup(site, "notebooks/00_start_here.html").select(
        '.ow-ask a[href="02_version_counter.html"]'
    )


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_front_page_shows_the_film_of_its_theme(visit, dark):
    page = visit("index.html", dark=dark)
    films = page.locator("article img[src^='README_']")
    shown = [film.get_attribute("src") for film in films.all() if film.is_visible()]
    assert films.count() == 2 and shown == [f"README_{'dark' if dark else 'light'}.svg"]
    assert all(film.evaluate("img => img.naturalWidth") > 500 for film in films.all())
    page.screenshot(path=ARTEFACTS / f"site_front_{'dark' if dark else 'light'}.png")
