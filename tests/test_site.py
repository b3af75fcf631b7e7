"""The static pages as a reader meets them: opened from disk, in a browser with the network off."""

import functools
import html
import json
import re
import xml.etree.ElementTree
from html.parser import HTMLParser
from urllib.parse import unquote

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup

import badges
import claims
import site_guides
import site_lessons
import site_page
from conftest import ARTEFACTS, FEW_LESSONS, IN_GATE, NOTEBOOKS, PAGES, ROOT, in_gate, number_of
from overwritten.cases.patterns import EVERY, PATTERNS
from overwritten.live import ops
from overwritten.messages import parse

each_lesson = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
each_page = pytest.mark.parametrize("path", FEW_LESSONS)
with_views = in_gate(NOTEBOOKS[:-2], *IN_GATE, id_of=number_of)  # clinic and final have none
each_with_views = pytest.mark.parametrize("path", with_views)
REMOTE = ("http:", "https:", "//")
LISTS = ["patterns/index.html", "claims/index.html", "claims/versions.html", "atlas.html"]
GUIDES = [f"{name}.html" for path, (name, *_) in site_guides.GUIDES.items() if "claims" not in path]
ONE_EACH = [
    "patterns/step-between-two-losses.html",
    "patterns/write-through-data.html",
    "claims/message-names-the-node.html",
    *LISTS,
    "DOCTOR.html",
    "workshop/90_minutes.html",
]
PATTERN_PAGES = [f"patterns/{site_page.key(one.name)}.html" for one in EVERY]
CLAIMS = claims.read()


def page_of(path):
    return f"notebooks/{path.stem}.html"


@pytest.fixture()
def visit(site, blank):
    """visit(page, dark, width, folded) → that page opened from disk, what settles a question unfolded
    unless said otherwise; nothing may fail or ask for the network."""
    faults = []

    def hear(message):
        if message.type == "error":
            faults.append(message.text)

    def opened(name, dark=False, width=1280, folded=False):
        scheme, may = "dark" if dark else "light", ["clipboard-read", "clipboard-write"]
        page = blank(width, 800, color_scheme=scheme, offline=True, permissions=may)
        page.on("console", hear)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda request: faults.append(request.url) if request.url.startswith(REMOTE) else None,
        )
        page.add_init_script("localStorage.clear()")  # a theme that another test has chosen
        page.goto((site / name).as_uri())
        page.wait_for_selector("body[data-jp-theme-light]")
        if not folded:
            page.evaluate("document.querySelectorAll('details.hide').forEach(d => d.open = true)")
        return page

    yield opened
    assert faults == []


def code_cells(path):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def asks(cell):
    return "predict" in cell.metadata.get("tags", [])


@functools.cache  # a page of a megabyte, which several tests read and none changes
def parsed(path):
    return BeautifulSoup(path.read_text("utf8"), "html.parser")


def soup(site, name):
    return parsed(site / name)


class Read(HTMLParser):
    """What a page is made of: anchors, links in its text, and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.loads, self.metas, self.canonical = set(), [], [], {}, ""
        self.sides = {}  # left-prev, right-next
        self._article = 0
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        has = dict(attributes)
        self.ids.add(has.get("id"))
        if tag == "article":
            self._article += 1
        if tag == "a" and has.get("href") and self._article:
            self.links.append(has["href"])
        elif tag == "a" and has.get("class") in ("left-prev", "right-next"):
            self.sides[has["class"]] = has["href"]
        elif tag == "link" and has.get("rel") == "canonical":
            self.canonical = has["href"]
        elif tag == "link" or has.get("src"):
            self.loads.append(has.get("src") or has["href"])
        elif tag == "meta":
            self.metas[has.get("name") or has.get("property")] = has.get("content")

    def handle_endtag(self, tag):
        self._article -= tag == "article"


@pytest.fixture(scope="module")
def read(site):
    """Each page by its name, read once."""
    paths = [path for path in site.rglob("*.html") if "_static" not in path.parts]
    return {path.relative_to(site).as_posix(): Read(path.read_text("utf8")) for path in paths}


@pytest.mark.parametrize("order", [
    ["index.html", *map(page_of, NOTEBOOKS), *LISTS, *GUIDES],
    PATTERN_PAGES,
    [f"claims/{claim['id']}.html" for claim in CLAIMS["claim"]],
], ids=["pages", "patterns", "claims"])  # fmt: skip
def test_each_page_has_its_neighbours(site, read, order):
    def from_here(name, link):
        return (site / name).parent.joinpath(link).resolve().relative_to(site.resolve()).as_posix()

    for number, name in enumerate(order):
        wanted = {"left-prev": number - 1, "right-next": number + 1}
        assert {side: from_here(name, link) for side, link in read[name].sides.items()} == {
            side: order[i] for side, i in wanted.items() if 0 <= i < len(order)
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
        return [one["outputs"][0] for one in site_lessons.settling(cells)]

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
    wanted = site_lessons.folded(cells)
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


def test_nothing_is_loaded_from_the_net(site, read):
    for name, page in read.items():
        remote = [address for address in page.loads if address.startswith(REMOTE)]
        assert page.loads and remote == [], name
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


@each_with_views
def test_every_film_moves(visit, path):
    page = visit(page_of(path))
    assert page.evaluate("navigator.onLine") is False and page.url.startswith("file:")
    for film, before in views(page, path, "film"):
        rows = BeautifulSoup(before, "html.parser").select("table.steps tbody tr")
        rows = [[cell.get_text() for cell in row.select("td")] for row in rows]
        slider, picture = film.locator("input[type=range]"), film.locator(".picture > *")
        opens = BeautifulSoup(before, "html.parser").select_one(".sentence").get_text()
        assert picture.get_attribute("aria-label") == opens
        if film.locator(".lanes").is_visible():  # it opens in them
            film.get_by_role("button", name="lanes").click()
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


@each_with_views
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
    page.evaluate("navigator.clipboard.writeText('')")
    buttons.nth(2).click()
    page.wait_for_function("() => navigator.clipboard.readText()")  # its tick is seen for 2 s only
    assert page.evaluate("navigator.clipboard.readText()").strip() == sources[2].strip()


SMALLEST = """async () => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);  // what watches sizes has seen it
  return Math.min(...[...document.querySelectorAll('.ow .view svg')].filter(s => s.checkVisibility()).map(
    s => 12.5 * s.getBoundingClientRect().width / s.viewBox.baseVal.width));
}"""


@each_page
def test_a_narrow_window_loses_nothing(visit, path):
    page = visit(page_of(path), width=400)
    for width in (400, 640):
        page.set_viewport_size({"width": width, "height": 800})
        smallest, wide = page.evaluate(SMALLEST), "document.documentElement.scrollWidth"
        assert page.evaluate(wide) <= width, f"at {width} px the page scrolls sideways"
        assert smallest >= 11, f"at {width} px the smallest text is {smallest:.1f} px"


#: In the gate light alone: dark pages are opened for the front page's film and by the theme's button.
@pytest.mark.parametrize(
    "dark", in_gate([False, True], "light", id_of=lambda dark: "dark" if dark else "light")
)
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


def test_every_link_leads_to_a_page_and_an_anchor_that_are_there(site, read):
    lost = []
    for name, page in read.items():
        for link in page.links:
            address, _, anchor = unquote(link).partition("#")
            if address.startswith((*REMOTE, "mailto:")):
                continue
            there = (site / name).parent.joinpath(address).resolve() if address else site / name
            key = there.relative_to(site.resolve()).as_posix() if address else name
            if not there.is_file() or anchor and anchor not in read[key].ids:
                lost.append(f"{name}: {link}")
    assert lost == [] and len(read) > 200
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


def test_every_page_says_what_people_search_for(read):
    named = {
        name: page for name, page in read.items() if name not in ("search.html", "genindex.html")
    }
    base = badges.home(ROOT)
    for name, page in named.items():
        about = page.metas["description"]
        assert 40 <= len(about) <= 200 and "`" not in about, name
        assert page.metas["og:description"] == about and page.metas["og:title"], name
        assert page.canonical == page.metas["og:url"] == base + name, name
    titles = [page.metas["og:title"] for page in named.values()]
    assert len(set(titles)) == len(titles) == len(named) > 200


def test_search_engines_are_told_of_every_page(site, read):
    told = xml.etree.ElementTree.parse(site / "sitemap.xml").getroot()
    places = {place.text for place in told.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
    assert places == {
        badges.home(ROOT) + name.removesuffix("index.html")
        for name in read
        if name != "search.html"
    }
    assert f"Sitemap: {badges.home(ROOT)}sitemap.xml" in (site / "robots.txt").read_text("utf8")


def texts_of(page, selector):
    return [pre.get_text().strip() for pre in page.select(selector)]


@pytest.fixture(scope="module")
def newest():
    return list(
        json.loads((ROOT / "claims" / "versions.json").read_text("utf8"))["versions"].items()
    )


@pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
def test_a_pattern_has_a_page_with_what_pytorch_says(site, newest, one):
    page = soup(site, f"patterns/{site_page.key(one.name)}.html")
    said = list(dict.fromkeys(run["texts"][one.name] for _, run in newest[::-1]))
    title = page.title.get_text()
    assert one.name in title and one.name.lower() in page.h1.get_text().lower()
    shown = [re.sub(r"\s+", " ", text) for text in texts_of(page, ".wrapped pre")]
    words, message = title.partition(f": {one.name}")[0], parse(said[0])
    if message:
        assert words == "modified by an inplace operation" or said[0].startswith(words)
        assert words in said[0] and len(words) > 20
        assert shown[0] == f"RuntimeError: {said[0]}" and set(said[1:]) <= set(shown)
    else:
        assert words == "wrong gradient without an error" and "silently wrong" in str(page)
    assert page.select(".ow[data-film]") and any(
        one.does.split("`")[0] in p.get_text() for p in page.select("p")
    )
    assert one.cured.strip().split("\n")[-1] in texts_of(page, ".highlight-python pre")[1]


@pytest.mark.parametrize("one", PATTERNS, ids=lambda one: one.name)
def test_a_pattern_points_at_its_saver_and_its_writers(site, one):
    program = soup(site, f"patterns/{site_page.key(one.name)}.html").select_one(".highlight-python")
    lines = [line.get_text().strip() for line in program.select(".hll")]
    told = one.trigger.split("\n")
    marked = sorted({*one.marked("saver"), *one.marked("writer")})
    numbered = [f"{n} {told[n - 1].partition('  # ')[0].strip()}" for n in marked]
    assert [re.sub(r"^(\d+)\s*", r"\1 ", line) for line in lines] == numbered


def test_the_patterns_are_listed_by_what_one_sees(site):
    page = soup(site, "patterns/index.html")
    rows = [a["href"] for a in page.select("article table a.internal")]
    assert [f"patterns/{link}" for link in rows] == PATTERN_PAGES
    seen = [[a.get_text() for a in table.select("a")] for table in page.select("article table")]
    assert (
        "relu twice" in seen[0] and "leaf written" in seen[1] and "write through .data" in seen[2]
    )


def test_the_versions_lead_to_claims_and_patterns(site):
    links = {a["href"] for a in soup(site, "claims/versions.html").select("article table a")}
    assert {"message-names-the-node.html", "../patterns/relu-twice.html"} <= links
    assert len([link for link in links if link.startswith("../patterns/")]) == len(EVERY)


@pytest.mark.parametrize("claim", CLAIMS["claim"], ids=lambda claim: claim["id"])
def test_a_claim_has_a_page_with_its_verdicts(site, newest, claim):
    page = soup(site, f"claims/{claim['id']}.html")
    article = page.article.get_text()
    assert f"Verdict: {claim['verdict']}." in article
    assert claim["says"].replace("`", "") in page.h1.get_text()
    verdicts = [run["claims"].get(claim["id"]) for _, run in newest]
    if claim.get("snippet"):
        cells = [cell.get_text() for cell in page.select("article tbody td")]
        assert cells == ["verdict", *verdicts]
        assert texts_of(page, ".highlight-python pre")[0] == claim["snippet"].strip()
    else:
        assert page.select('article li a[href^="../notebooks/"]'), "a lesson's cell settles it"
    if claim.get("where"):
        assert page.select('article li a[href^="http"]')


def test_claims_are_searched_and_chosen_by_verdict(visit):
    page = visit("claims/index.html")
    rows = page.locator(".ow[data-table] tbody tr")
    every = CLAIMS["claim"]
    assert rows.count() == len(every) == rows.locator("visible=true").count()
    page.get_by_role("searchbox", name="search").last.fill("clone")
    page.get_by_role("combobox", name="verdict").select_option(label="false")
    wanted = [
        claim["id"]
        for claim in every
        if claim["verdict"] == "false"
        and "clone" in " ".join((claim["id"], claim["says"], claim["why"])).lower()
    ]
    shown = page.locator(".ow[data-table] tbody tr:visible td:first-child").all_inner_texts()
    assert shown == wanted and 0 < len(wanted) < 20
    page.get_by_role("link", name=wanted[0], exact=True).click()
    assert page.url.endswith(f"claims/{wanted[0]}.html")


def test_who_comes_back_to_the_claims_finds_them_chosen(visit):
    page = visit("claims/index.html")
    page.get_by_role("searchbox", name="search").last.click()
    page.keyboard.type("relu")
    rows = page.locator(".ow[data-table] tbody tr:visible")
    before = rows.count()
    assert 0 < before < len(CLAIMS["claim"])
    rows.locator("a").first.click()
    page.go_back()
    field = page.get_by_role("searchbox", name="search").last
    assert field.input_value() == "relu" and rows.count() == before
    field.fill("no such word")
    assert "nothing found" in page.locator(".ow[data-table] output").inner_text()


def test_the_front_page_sends_nobody_away_for_an_answer(site):
    page = soup(site, "index.html")
    assert "the box at the top of this page" in page.get_text()
    link = page.find("a", string="take the course from its repository")
    assert link["href"].startswith("https://github.com/") and link["href"].endswith("#start")


def test_the_check_of_ones_own_machine_is_folded(site):
    page = soup(site, page_of(NOTEBOOKS[0]))
    (check,) = page.select(".ow-check")
    assert check.find_parent("details", class_="hide")


def test_the_atlas_is_searched_and_chosen_by_verdict(visit):
    table, page = ops.all_operations(), visit("atlas.html").locator(".ow[data-table]").first
    page.get_by_role("searchbox").fill("sigmoid")
    for verdict in ("", *table.menu):
        page.get_by_role("combobox").select_option(label=verdict or "all")
        shown = page.locator("tbody tr:visible td:first-child").all_inner_texts()
        assert shown == [row.name for row in table.find("sigmoid", verdict=verdict)]


@pytest.mark.parametrize(
    "name", ["claims/index.html", "atlas.html", ONE_EACH[0], page_of(NOTEBOOKS[5])]
)
def test_without_scripts_all_can_be_read(site, browser, name):
    context = browser.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto((site / name).as_uri())
    rows = page.locator(".ow[data-table] .rows tbody tr")
    assert rows.count() == rows.locator("visible=true").count()
    stills = page.locator(".bd-article > section > section > .ow[data-film] > .still").all()
    assert all(still.is_visible() for still in stills)
    assert rows.count() > 100 or page.locator(".ow[data-film] .sentence").count()
    assert page.locator("article h1").is_visible()
    context.close()


def test_where_a_knob_needs_a_kernel_the_page_says_so(site):
    for path in NOTEBOOKS:
        text = "".join(
            o.get("data", {}).get("text/html", "") for c in code_cells(path) for o in c.outputs
        )
        knobs = [
            json.JSONDecoder().raw_decode(text, at.end())[0]
            for at in re.finditer("const knob = ", text)
        ]
        fixed = [knob for knob in knobs if knob["others"]]
        said = [
            p
            for p in soup(site, page_of(path)).select("article p")
            if "needs a kernel" in p.get_text()
        ]
        assert len(said) == len(fixed), path.stem
        for words, knob in zip(said, fixed):
            assert all(one["name"] in words.get_text() for one in knob["controls"])
            there = [a["href"] for a in words.select("a")]
            assert len(there) == 2 and all(a.endswith(f"learn/{path.name}") for a in there)


#: In the gate each in one theme; the first in both.
LOOKS = [
    pytest.param(
        name,
        dark,
        id=f"{name}-{'dark' if dark else 'light'}",
        marks=[] if number == 0 or number % 2 == dark else [pytest.mark.slow],
    )
    for number, name in enumerate(ONE_EACH)
    for dark in (False, True)
]


@pytest.mark.parametrize("name, dark", LOOKS)
def test_axe_finds_nothing(visit, name, dark):
    page = visit(name, dark=dark)
    rules = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    # preload: it would fetch the style sheets, and no browser lets a file do so
    options = {"runOnly": rules, "resultTypes": ["violations"], "preload": False}
    found = Axe().run(page, {"include": [["article"]]}, options).response
    told = [
        f"{v['id']}: {n['html'][:200]} {n['failureSummary']}"
        for v in found["violations"]
        for n in v["nodes"]
    ]
    assert told == [], "\n".join(told)


@pytest.mark.parametrize("name", ONE_EACH)
def test_a_phone_scrolls_no_page_sideways(visit, name):
    page = visit(name, width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
