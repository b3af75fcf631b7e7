"""Where something happened: the line that did it and the line of the user's own that led there.

The idea: walk out of PyTorch's frames to the first line outside, and on to the first of the
user's own: the program's folder, editable installs, notebooks; not installed packages.
Each line is looked up once, so that the walk costs little; nothing is worded here.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import cache, lru_cache

import torch

from overwritten.record.events import Site

_TORCH = os.path.dirname(str(torch.__file__)) + os.sep
_OVERWRITTEN = os.path.dirname(os.path.dirname(__file__)) + os.sep
#: Models as a user would write them: their lines count as the user's own.
CASES = os.path.join(_OVERWRITTEN, "cases", "")
_STANDARD = tuple({sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib")})
_INSTALLED = tuple(os.sep + name + os.sep for name in ("site-packages", "dist-packages"))
#: Where pip puts `torchrun`, `pytest` and their kin: nobody's own lines.
_SCRIPTS = sysconfig.get_path("scripts") + os.sep
#: Whose a file is.
OURS, PYTORCH, STANDARD, LIBRARY, OWN = range(1, 6)
_whose: dict[str, int] = {}
#: Lines that were met; bounded, for a program may make new code without end.
_lines: dict[tuple[int, int], Line] = {}
_MOST_LINES = 100_000


class Line:
    """A line of code. The code is kept, so that its id stays its own."""

    __slots__ = ("code", "number")

    def __init__(self, frame):
        self.code, self.number = frame.f_code, frame.f_lineno


def whose(file: str) -> int:
    """One of OURS, PYTORCH, STANDARD (library), LIBRARY (installed), OWN (the user's)."""
    kind = _whose.get(file)
    if kind is None:
        kind = _whose[file] = _judge(file)
    return kind


def _judge(file):
    if file.startswith(CASES):
        return OWN
    if file.startswith(_OVERWRITTEN):
        return OURS
    if file.startswith(_TORCH):
        return PYTORCH
    if file.startswith(_SCRIPTS) or packages_of(file):
        return LIBRARY
    return STANDARD if file.startswith((*_STANDARD, "<frozen")) else OWN


def packages_of(file: str) -> str:
    """The folder of packages that an installed file lies in, a separator at its end; else ''."""
    for name in _INSTALLED:
        before, found, _ = file.rpartition(name)
        if found:
            return before + found
    return _noted(os.path.dirname(file))


@cache
def _noted(folder):
    """Where an installer left its notes (`pip install --target`), here or above. The program's
    own folder and those above it do not count."""
    above = os.path.dirname(folder)
    if above == folder or os.path.join(sys.path[0], "").startswith(os.path.join(folder, "")):
        return ""
    try:
        found = any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:
        return ""
    return os.path.join(folder, "") if found else _noted(above)


def ours(file: str) -> bool:
    """Is it code of this package? The models in `cases` stand for a user's own."""
    return whose(file) == OURS


def spot_of(frame) -> tuple:
    """(the innermost line outside PyTorch, the user's own that led there or None, the file that
    the first called into, the frame of the first)."""
    via, inner, standard, at = "", None, None, None
    while True:
        file = frame.f_code.co_filename
        kind = _whose.get(file) or whose(file)
        if kind == OWN:
            own = _lines.get((id(frame.f_code), frame.f_lasti)) or _line(frame)
            return inner or own, own, via, at or frame
        if inner is None:
            if kind == PYTORCH:
                via = file
            elif kind == LIBRARY:
                inner, at = _line(frame), frame
            elif kind == STANDARD and standard is None:
                standard = _line(frame)
        back = frame.f_back
        if back is None:
            return inner or standard or _line(frame), None, via, at or frame
        frame = back


def _line(frame):
    code, at = frame.f_code, frame.f_lasti
    line = _lines.get((id(code), at))
    if line is None:
        if len(_lines) >= _MOST_LINES:
            _lines.clear()
        line = _lines[id(code), at] = Line(frame)
    return line


@lru_cache(10_000)
def site_at(inner: Line, own: Line | None, via: str, module: str = "") -> Site:
    """The `Site` of a spot; `via` comes as a whole file name."""
    via = via[len(_TORCH) :] if via.startswith(_TORCH) else ""
    line = own or inner
    file, number = line.code.co_filename, line.number
    if inner is line:
        return Site(file, number, module, via)
    return Site(file, number, module, via, inner.code.co_filename, inner.number)


def own_frame(frame):
    """The innermost frame of the user's own from `frame` on, or the outermost of all."""
    while frame.f_back is not None and whose(frame.f_code.co_filename) != OWN:
        frame = frame.f_back
    return frame
