"""`python -m overwritten demo`: the doctor on a broken script of ours, and the script mended.

The idea: nothing is typed in. The script runs and dies, the doctor names both lines, its own cure
is put where it says, and the mended script runs under the strict doctor.
"""

from __future__ import annotations

import linecache
from pathlib import Path

from overwritten.doctor.block import Doctor
from overwritten.doctor.places import CASES
from overwritten.doctor.report import all_cures
from overwritten.doctor.rewrites import Edit
from overwritten.record.private import SHOWS_SAVES

SCRIPT = Path(CASES, "demo.py")  # not imported: it would bring all the cases, and NumPy
#: What it is called while it runs, wherever it lies; and once it is mended.
_NAME, _MENDED = "demo.py", "mended.py"


def demo(colour: bool = False) -> int:
    """Tell it all on stdout; returns 0, or 1 where the script did not die or the cure did not help.

    colour: with ANSI codes.
    """
    text = SCRIPT.read_text("utf8")
    print(_head(f"A training step that dies ({SCRIPT}):", colour))
    print(numbered(text), end="\n\n")
    print(_head("What `python -m overwritten` says of it:", colour))
    error, eyes = _run(text, _NAME)
    diagnosis = eyes.of(error)
    if error is None or diagnosis is None:
        print(f"overwritten: on this PyTorch the script does not die as it should: {error!r}")
        return 1
    print(f"{type(error).__name__}: {error}")
    print(diagnosis.text(colour), end="\n\n")
    edits = [cure.edit for cure in all_cures(diagnosis) if isinstance(cure.edit, Edit)]
    mended = applied(text, edits)
    how = ", under --strict" if SHOWS_SAVES else ""
    print(_head(f"The same with the cure in its place{how}:", colour))
    for edit in edits:
        print(f"{edit.line:>4}  {mended.splitlines()[edit.line - 1]}")
    error, eyes = _run(mended, _MENDED, strict=SHOWS_SAVES)
    if error is not None or eyes.silent:
        print(f"overwritten: the cure did not help: {error or eyes.silent}")
        return 1
    found = "nothing that backward needs was overwritten" if SHOWS_SAVES else "it raises no more"
    print(f"overwritten: {found}.", end="\n\n")
    print("Now a program of yours: python -m overwritten train.py --your arguments")
    return 0


def numbered(text: str) -> str:
    """Each line with its number.

    >>> print(numbered("x = 1\\n\\ny = 2\\n"))
       1  x = 1
       2
       3  y = 2
    """
    lines = enumerate(text.splitlines(), 1)
    return "\n".join(f"{number:>4}  {line}".rstrip() for number, line in lines)


def applied(text: str, edits: list[Edit]) -> str:
    """The text with each edit's statements in place of those that stand there."""
    lines = text.splitlines(True)
    for edit in sorted(edits, key=lambda one: one.first, reverse=True):
        (top, left), (bottom, right) = edit.first, edit.last
        before, after = lines[top - 1][:left], lines[bottom - 1][right:]
        lines[top - 1 : bottom] = [f"{before}{edit.code}{after}"]
    return "".join(lines)


def _run(text, file, strict=False):
    """(the error, if it raised; the eyes that watched it) of the text run as a program."""
    linecache.cache[file] = len(text), None, text.splitlines(True), file
    with Doctor(strict, notes=False) as eyes:
        try:
            exec(compile(text, file, "exec"), {"__name__": "__main__", "__file__": file})
        except RuntimeError as error:
            return error, eyes
    return None, eyes


def _head(words, colour):
    return f"\x1b[1m{words}\x1b[0m" if colour else words
