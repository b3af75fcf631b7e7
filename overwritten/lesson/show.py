"""Errors that a lesson wants to happen: caught and printed, so that "Run all" goes on."""

from __future__ import annotations

from contextlib import contextmanager


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
