"""What a lesson shows in passing: errors it wants to happen, code and links within a sentence."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from html import escape


def with_code(words: str) -> str:
    """HTML of a sentence: `backticks` set as code, [links](01_lesson.ipynb) to lessons as links.

    >>> with_code("`a < b`? See [lesson 2](02_version_counter.ipynb).")
    '<code>a &lt; b</code>? See <a href="02_version_counter.ipynb">lesson 2</a>.'
    """
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words, quote=False))
    link = r"\[([^]]+)\]\((\w+\.ipynb)\)"
    return re.sub(link, lambda found: f'<a href="{_address(found[2])}">{found[1]}</a>', html)


def _address(notebook: str) -> str:
    """Where a lesson opens: beside this one; in Colab, which has one file alone, at its release."""
    if "google.colab" not in sys.modules:
        return notebook
    from importlib.metadata import metadata

    about = metadata("overwritten")
    urls = " ".join(about.get_all("Project-URL") or ())
    slug = re.findall(r"github\.com/([\w.-]+/[\w.-]+)", urls)[0]
    release = f"https://colab.research.google.com/github/{slug}/blob/v{about['Version']}"
    return f"{release}/notebooks/learn/{notebook}"


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
        print(f"{type(error).__name__}: {error}")
    else:
        print("No error.")
