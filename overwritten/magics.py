"""%load_ext overwritten: `%%watch` and `%%scrub` for a cell of one's own.

The idea: the cell runs in the notebook's own namespace as it always would; `%%watch` adds
the doctor's diagnosis if it dies, `%%scrub` a film of it.
"""

from __future__ import annotations

import sys

from overwritten.doctor.block import Doctor
from overwritten.doctor.report import silent_text
from overwritten.live.film import film
from overwritten.record.recorder import follow


def watch_cell(shell, line, cell):
    """`%%watch [strict]`: run the cell; a diagnosis follows an overwritten tensor's error."""
    from IPython.display import display

    words = line.split()
    if words not in ([], ["strict"]):
        print(f"%%watch takes nothing, or the word strict; it got {line!r}.", file=sys.stderr)
        return
    eyes = Doctor(strict=bool(words))
    with eyes:
        result = shell.run_cell(cell)
    diagnosis = eyes.of(result.error_in_exec)
    if diagnosis is not None:
        display(diagnosis)
    for silent in eyes.silent:
        print(silent_text(silent), file=sys.stderr)


def scrub_cell(shell, line, cell):
    """`%%scrub`: run the cell line by line in this notebook's namespace and show the film."""
    from IPython.display import display

    display(film(follow(cell, shell.user_ns)))


def load(shell):
    """Register both; called by `%load_ext overwritten`."""
    shell.register_magic_function(lambda line, cell: watch_cell(shell, line, cell), "cell", "watch")
    shell.register_magic_function(lambda line, cell: scrub_cell(shell, line, cell), "cell", "scrub")
