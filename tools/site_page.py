"""What every page of the site that is made from data consists of, and the pieces they share."""

from __future__ import annotations

import re
from typing import NamedTuple

from myst_parser.slugs import github_slugify

from overwritten.lesson.contents import LESSONS, Section

#: For a page that stands in no table of contents: listing all at each page's side costs more
#: than the pages themselves. Its neighbours are those of `Page.order`.
ALONE = "---\norphan: true\n---\n"
#: For a page whose tables need all the room.
WIDE = "---\nhtml_theme.sidebar_secondary.remove: true\n---\n"


class Page(NamedTuple):
    """title, description: for search engines and the browser's tab. text: MyST.

    order: for a page of many alike, the page before and the one after, '' for none.
    """

    title: str
    description: str
    text: str
    order: tuple[str, str] | None = None


def in_order(pages: dict[str, Page]) -> dict[str, Page]:
    """The same pages, each alone with the neighbours that it has here."""
    names = ["", *pages, ""]
    return {
        name: page._replace(text=ALONE + page.text, order=(before, after))
        for (name, page), before, after in zip(pages.items(), names, names[2:])
    }


def key(name: str) -> str:
    """How a page is called in its address.

    >>> key("a Function of one's own, then +=")
    'a-function-of-ones-own-then'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower().replace("'", "")).strip("-")


def listing(text: str, lines: list[int] | None = None) -> str:
    """A block of code; lines: numbers of those to point out, None for a block without numbers."""
    options = "" if lines is None else ":linenos:\n"
    if lines:
        options += f":emphasize-lines: {','.join(map(str, sorted(set(lines))))}\n"
    return f"````{{code-block}} python\n{options}\n{text.strip()}\n````\n"


def wrapped(text: str) -> str:
    """What a program prints, in lines that break."""
    return f"````{{code-block}} text\n:class: wrapped\n\n{text.strip()}\n````\n"


def raw(html: str) -> str:
    return f"`````{{raw}} html\n{html}\n`````\n"


def section_link(section: Section, words: str) -> str:
    """Markdown: `words` lead to that section of a lesson."""
    return f"[{words}](/notebooks/{section.lesson}.ipynb#{github_slugify(section.heading)})"


def place(section: Section) -> str:
    """Markdown: 'lesson 8, section 2: The name is the saver', as a link."""
    number = int(section.lesson[:2])
    lesson = f"lesson {number}" if number else "the start page"
    return section_link(section, f"{lesson}, section {section.number}: {section.title}")


def section_of(lesson: str, heading: str) -> Section:
    """The section with this heading, or the lesson's first, for what stands before it."""
    there = next(one for one in LESSONS if one.name == lesson)
    return next((one for one in there.sections if one.heading == heading), there.sections[0])


def thread(name: str) -> str:
    """Markdown: a link to a thread on GitHub, 'owner/repository#12', or to an address.

    >>> thread("pytorch/vision#807")
    '[pytorch/vision#807](https://github.com/pytorch/vision/issues/807)'
    """
    if name.startswith("http"):
        return f"<{name}>"
    return f"[{name}](https://github.com/{name.replace('#', '/issues/')})"
