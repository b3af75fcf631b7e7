"""A sentence on stderr, where the program has left one open.

The idea: `print(…, file=None)` writes to stdout, which is the program's own, and a closed stream
raises into the program; so nothing in this folder prints to stderr but here.
"""

from __future__ import annotations

import contextlib
import sys


def say(sentence):
    """On stderr, or nowhere."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr is not None:
            print(sentence, file=sys.stderr)
