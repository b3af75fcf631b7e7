"""The film and the table as stored output, and the folk cures, without a browser."""

import re

import pytest

from overwritten import film, record
from overwritten.live.table import Table


def test_without_scripts_still_sentence_and_table_remain():
    html = re.sub(r"<script>.*?</script>", "", film("x = torch.ones(4)\nx += 1").html(), flags=re.S)
    assert 'class="still" alt="Step 2 of 2: x += 1.' in html
    assert html.count("<tr>") == 1 + 3 and "aria-live" in html


def test_a_film_is_the_same_text_every_time_and_has_no_address():
    code = "x = torch.randn(4)\ny = x.t()\ny += 1"
    html = film(code).html()
    assert html == film(code).html()
    assert not re.search(r"0x[0-9a-f]{6}", html)


@pytest.mark.parametrize(
    "code",
    [
        "x = (",
        "",
        "1 / 0",
        "print()",
        "x = '</script><b>'",
        "x = torch.ones(2) # </div>",
        "x = 1  # <!-- <script>",
        "raise ValueError('a\\x1b[31mred \\ud800')",
    ],
)
def test_a_film_of_bad_code_is_still_a_film(code):
    html = film(code).html()
    html.encode("utf8")
    assert html.count("</script>") == html.count("<script>") == 1 and html.endswith(
        "</script></div>"
    )
    assert "<!--" not in html


def test_a_film_takes_a_recording():
    recording = record("x = torch.ones(2)")
    assert film(recording).recording is recording


def test_a_film_is_of_text_or_a_recording():
    with pytest.raises(TypeError, match="it got int"):
        film(5)


FRUIT = [
    ("apple", "red & <round>"),
    ("plum", "blue"),
    ("pear", "green, not <b>red</b>"),
    ("</script>", "odd"),
]


@pytest.fixture()
def fruit():
    return Table(FRUIT, {"name": lambda row: row[0], "looks ": lambda row: row[1]}, "Fruit & more")


@pytest.mark.parametrize(
    "words, names",
    [
        (("red",), ["apple", "pear"]),
        (("RED", "apple"), ["apple"]),
        (("red", "blue"), []),
        ((), ["apple", "plum", "pear", "</script>"]),
        (("p", "l"), ["apple", "plum"]),
        (("not <b>",), ["pear"]),
    ],
)
def test_a_table_is_searched_by_all_words(fruit, words, names):
    assert [row[0] for row in fruit.find(*words)] == names


def test_a_table_has_all_its_rows_without_scripts(fruit):
    html = re.sub(r"<script>.*?</script>", "", fruit.html(), flags=re.S)
    body = re.search(r"<tbody>(.*)</tbody>", html, re.S)[1]
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)]
    assert rows == [
        [
            unescaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            for unescaped in row
        ]
        for row in FRUIT
    ]
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == ["name", "looks"]
    assert "Fruit &amp; more (4 rows)" in html and "hidden" not in html and "search" not in html


def test_a_table_is_one_piece_with_one_script(fruit):
    html = fruit.html()
    assert html.count("<script>") == html.count("</script>") == 1 and html.endswith(
        "</script></div>"
    )
    name = re.search(r'<div class="ow" data-table="(\w+)"', html)[1]
    assert f'[data-table="{name}"]' in html and html == fruit.html()
    other = Table(FRUIT[:2], {"name": lambda row: row[0]}, "Fruit & more").html()
    assert f'data-table="{name}"' not in other
    assert fruit._repr_mimebundle_() == {"text/html": html, "text/plain": "Fruit & more: 4 rows"}


def test_a_row_may_lead_to_a_page():
    columns = {"name": lambda row: row[0], "looks": lambda row: row[1]}
    html = Table(FRUIT[:1], columns, "Fruit", links=lambda row: f"{row[0]}.html?a&b").html()
    assert '<td><a href="apple.html?a&amp;b">apple</a></td>' in html and html.count("<a ") == 1


def test_a_table_is_searched_by_keyboard(blank, fruit):
    page = blank()
    page.set_content(fruit.html())
    field = page.get_by_role("searchbox", name="search")
    for words in ("red", "RED apple", "no such words", ""):
        field.focus()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.press("Delete")
        page.keyboard.type(words)
        shown = page.locator("tbody tr:visible td:first-child").all_inner_texts()
        assert shown == [row[0] for row in fruit.find(*words.split())]
        said = f"{len(shown)} of 4 rows" if shown else "nothing found: try a shorter word"
        assert page.locator("output").inner_text() == said


@pytest.fixture()
def judged():
    """Fruit with verdicts: each has its looks for one, the first another one too."""
    columns = {"name": lambda row: row[0], "looks": lambda row: row[1]}
    return Table(FRUIT, columns, "Fruit", lambda row: (row[1], "odd" if row[0] == "apple" else ""))


def test_a_row_has_the_verdicts_that_it_is_chosen_by(judged):
    assert judged.menu == ["red & <round>", "odd", "blue", "green, not <b>red</b>"]
    assert [row[0] for row in judged.find(verdict="odd")] == ["apple", "</script>"]
    assert [row[0] for row in judged.find("p", verdict="odd")] == ["apple", "</script>"]
    assert judged.find("plum", verdict="odd") == [] and judged.find("plum") == [FRUIT[1]]


def test_a_verdict_is_chosen_by_keyboard(blank, judged):
    page = blank()
    page.set_content(judged.html())
    menu, field = page.get_by_role("combobox", name="verdict"), page.get_by_role("searchbox")
    assert menu.locator("option").all_inner_texts() == ["all", *judged.menu]
    field.focus()
    page.keyboard.press("Tab")
    for verdict in judged.menu:
        page.keyboard.press("ArrowDown")
        shown = page.locator("tbody tr:visible td:first-child").all_inner_texts()
        assert shown == [row[0] for row in judged.find(verdict=verdict)]
        assert page.get_by_role("status").inner_text() == f"{len(shown)} of 4 rows"
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    field.fill("script")
    assert page.get_by_role("status").inner_text() == "1 of 4 rows", "both must hold"


def test_a_table_without_verdicts_has_no_menu(blank, fruit):
    page = blank()
    page.set_content(fruit.html())
    assert page.locator("select").count() == 0


def test_short_cells_stay_on_one_line(blank):
    rows = [("a_name", "✓ allowed", "a longer sentence that may well wrap")] * 2
    columns = {f"{n}": lambda row, n=n: row[n] for n in range(3)}
    page = blank(300, 400)
    page.set_content(Table(rows, columns, "Narrow").html())
    lines = (
        page.locator("tbody tr")
        .first.locator("td")
        .evaluate_all(
            "cells => cells.map(c => { const r = document.createRange(); r.selectNodeContents(c); return r.getClientRects().length; })"
        )
    )
    assert lines[1] == 1 < lines[2]
