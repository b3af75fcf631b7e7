"""What a lesson shows in passing: errors it wants to happen, code within a sentence."""

from __future__ import annotations

import re
from contextlib import contextmanager
from html import escape


def with_code(words: str) -> str:
    """HTML of a sentence, its `backticks` set as code.

    >>> with_code("`a < b`?")
    '<code>a &lt; b</code>?'
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(words, quote=False))


@contextmanager
def caught(*kinds):
    """Print the error that the block raises; say so if it raises none.

    kinds: the error types a lesson expects (default RuntimeError); others pass through.

    >>> with caught(ValueError):
    ...     int("one")
    ValueError: invalid literal for int() with base 10: 'one'
    """
    try:
        yield
    except kinds or RuntimeError as error:
        print(f"{type(error).__name__}: {error}")
    else:
        print("No error.")
