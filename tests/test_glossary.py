"""The glossary: every lesson leads to it, every link to a section, no word stands unexplained."""

import json
import re

import nbformat
import pytest

from build_notebooks import notebook_from
from conftest import NOTEBOOKS, ROOT
from glossary import GLOSSARY
from site_lessons import prepared

PAGES = [path.stem for path in NOTEBOOKS]  # `PAGES[3]` is lesson 3
CELLS = {page: notebook_from(ROOT / "lessons_src" / f"{page}.py").cells for page in PAGES}
LINK = re.compile(r"\[([^]]+)\]\((\w+)\.ipynb#cell-id=([\w-]+)\) \(\[in Colab\]\((\S+?)\)\)")
each_term = pytest.mark.parametrize("term", GLOSSARY, ids=lambda term: term.word)
each_lesson = pytest.mark.parametrize("name", PAGES[1:])


def form(term):
    """The word in a text; in code it does not count."""
    return re.compile(rf"(?<![\w.`-])(?:{term.forms or term.word + 's?'})(?![\w`-])", re.I)


def prose(cell):
    """A cell's text on one line, without code, addresses, programs, headings and tables."""
    text = re.sub(r"```.*?```|^#+ [^\n]*$|^\|[^\n]*$", "", cell.source, flags=re.S | re.M)
    return " ".join(re.sub(r"`[^`]*`|\]\([^)]*\)", "`", text).split())


def sections(name):
    """(number, cell) of each cell of text after the head; 0 before the first numbered section."""
    number = 0
    for cell in CELLS[name][1:]:
        if cell.cell_type == "markdown":
            found = re.match(r"## (?:(\d+)\.|Recap)", cell.source)
            number = int(found[1] or 99) if found else number
            yield number, cell


def test_words_stand_once_and_in_order():
    words = [term.word for term in GLOSSARY]
    assert words == sorted(set(words), key=str.lower)
    rows = [cell.source for cell in CELLS[PAGES[0]] if cell.source.startswith("## 7. Glossary")]
    assert re.findall(r"^\| \*\*(.+?)\*\* \|", rows[0], re.M) == words


@each_term
def test_a_word_is_explained_in_a_sentence_or_two(term):
    sentences = re.findall(r"[.?](?= |$)", term.means)
    assert 1 <= len(sentences) <= 2 and term.means[0].isupper() | (term.means[0] == "`")
    assert 30 < len(term.means) < 200 and not re.search(r"\|", term.means)


@each_term
def test_the_section_that_it_names_shows_it(term):
    texts = [prose(cell) for at, cell in sections(PAGES[term.lesson]) if at == term.section]
    assert any(form(term).search(text) for text in texts), f"no {term.word!r} there"


@each_lesson
def test_a_head_leads_to_it(name):
    (link,) = LINK.findall(CELLS[name][0].source)
    assert link[0] == "glossary" and link[1] == PAGES[0]


@pytest.mark.parametrize("name", PAGES)
def test_a_link_leads_to_a_cell_that_is_there_in_colab_too(name):
    for _, page, cell, colab in LINK.findall("\n".join(one.source for one in CELLS[name])):
        assert cell in [one.id for one in CELLS[page]]
        assert colab.endswith(f"/{page}.ipynb#scrollTo={cell}")
    count = sum(one.source.count("#cell-id=") for one in CELLS[name])
    assert count == (len(GLOSSARY) if name == PAGES[0] else 1), "none has another form"


@each_term
def test_an_earlier_use_is_set_in_italics_where_the_text_says_what_it_means(term):
    """A lesson may use a word before the section that shows it, if it says there what it is."""
    for number, name in enumerate(PAGES):
        for at, cell in sections(name):
            if (number, at) >= (term.lesson, term.section):
                return
            if found := form(term).search(prose(cell)):
                around = prose(cell)[max(0, found.start() - 20) : found.end() + 20]
                assert re.search(rf"\*(?:{form(term).pattern})\*", around, re.I), (name, at, around)
                break


def test_on_the_site_a_link_leads_to_the_heading():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(row_of("leaf"))])
    (cell,) = json.loads(prepared(nbformat.writes(notebook), "00_start_here", "a/b", "v1"))["cells"]
    there = "04_leaf_mutation.html#a-leaf-that-requires-grad-5-minutes"
    assert f'| <a href="{there}">lesson 4, section 1</a> |' in "".join(cell["source"])
    assert "olab" not in "".join(cell["source"])


def row_of(word):
    text = "\n".join(cell.source for cell in CELLS[PAGES[0]])
    return re.search(rf"^\| \*\*{word}\*\* .+$", text, re.M)[0]


@each_lesson
def test_nothing_stands_between_a_question_and_the_code_that_settles_it(name):
    """What explains an answer would be read before the question is answered."""
    cells = CELLS[name]
    for cell, after in zip(cells, cells[1:]):
        if cell.source.startswith("predict("):
            assert after.cell_type == "code", f"{cell.source}: {after.source[:60]}"
