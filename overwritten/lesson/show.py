"""What a lesson shows in passing: errors it wants to happen, code and links within a sentence."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from html import escape

from overwritten.doctor.report import LINES, set_as_code
from overwritten.lesson import kept
from overwritten.live.output import asset

#: The style of questions, verdicts and hints; with it a page's printed lines break between words.
LOOK = f"<style> {' '.join(asset('lesson.css', 'lesson').split())} </style>"


#: Code first, for what looks like emphasis within it is none; nor is `2 * x * y` outside of it.
_MARKS = re.compile(r"`([^`]+)`|(?<![\w*])(\*\*?)(?![\s*])((?:`[^`]+`|[^`*])+)(?<!\s)\2(?![\w*])")


def _marked(words, show):
    """The words, what is marked in them as show(tag, what it holds) says."""

    def one(found):
        code, stars, inside = found.groups()
        if code:
            return show("code", code)
        return show("strong" if stars == "**" else "em", _marked(inside, show))

    return _MARKS.sub(one, words)


def plain(words: str) -> str:
    """The same sentence where nothing is set in another type: `code` keeps its backticks.

    >>> plain("The derivative *is* `2 * x`.")
    'The derivative is `2 * x`.'
    """
    return _marked(words, lambda tag, inside: f"`{inside}`" if tag == "code" else inside)


def with_code(words: str) -> str:
    """HTML of a sentence: `code`, *emphasis*, **strong**, [links](01_lesson.ipynb) to lessons.

    >>> with_code("*Is* `a < b`? See [lesson 2](02_version_counter.ipynb).")
    '<em>Is</em> <code>a &lt; b</code>? See <a href="02_version_counter.ipynb">lesson 2</a>.'
    """
    html = _marked(escape(words, quote=False), "<{0}>{1}</{0}>".format)
    link = r"\[([^]]+)\]\((\w+\.ipynb)\)"
    return re.sub(link, lambda found: f'<a href="{address(found[2])}">{found[1]}</a>', html)


def address(notebook: str, cell: str = "") -> str:
    """Where a lesson opens: beside this one; in Colab, which has one file alone, at its release.

    cell: the id of one there, to begin with; `tools/build_site.py` knows it by its heading.
    """
    if "google.colab" not in sys.modules:
        return f"{notebook}#cell-id={cell}" if cell else notebook
    from importlib.metadata import metadata

    about = metadata("overwritten")
    urls = " ".join(about.get_all("Project-URL") or ())
    slug = re.findall(r"github\.com/([\w.-]+/[\w.-]+)", urls)[0]
    release = f"https://colab.research.google.com/github/{slug}/blob/v{about['Version']}"
    place = f"#scrollTo={cell}" if cell else ""
    return f"{release}/notebooks/learn/{notebook}{place}"


class Words:
    """A text on lines of its own, set as code; a long line goes on below, after a whole word."""

    def __init__(self, text: str):
        self.text = text

    def _repr_mimebundle_(self, include=None, exclude=None):
        html = f'<pre style="{LINES}">{set_as_code(self.text)}</pre>'
        return {"text/html": html, "text/plain": self.text}


def say(text: str):
    """Print it, in a notebook so that no word is broken: a front end breaks what is printed
    after any letter, or not at all."""
    if hasattr(kept.shell(), "kernel"):
        from IPython.display import display

        display(Words(text))
    else:
        print(text)


@contextmanager
def caught(*kinds):
    """Print the error that the block raises; say so if it raises none.

    kinds: the error types a lesson expects (default RuntimeError); others pass through.

    >>> with caught(ValueError):
    ...     int("one")
    ValueError: invalid literal for int() with base 10: 'one'
    """
    expected = kinds or (RuntimeError,)
    try:
        yield
    except expected as error:
        say(f"{type(error).__name__}: {error}")
    else:
        say("No error.")
