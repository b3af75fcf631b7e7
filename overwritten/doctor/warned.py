"""Warnings, and anomaly mode's tracebacks: they name the lines that they name without a watch.

The idea: C++ names the innermost Python line and `stacklevel` counts frames outwards; both meet
ours. `warnings.warn` counts without them, what C++ gave to a line of ours is given again at the
line that called, with that file's filters and memory, and anomaly mode's text leaves them out.
It words and hides no warning.
"""

from __future__ import annotations

import os
import re
import sys
import warnings

import torch.fx.traceback

from overwritten.doctor.doors import Door, Shared
from overwritten.doctor.modules import HANDLE, step_out_of
from overwritten.doctor.places import OURS, ours, whose

_PLACE = re.compile(r'  File "(.+)", line \d+, in (.*)')
#: Where a file remembers which warnings it has given.
_MEMORY = "__warningregistry__"
#: Our command: outside of it there is nothing of the program's.
_COMMAND = os.path.join(os.path.dirname(os.path.dirname(__file__)), "__main__.py")
_NOWHERE = 1_000_000


def watch_warnings(eyes):
    """From here on; the function that ends it."""
    return _WARNINGS.join(eyes)


def _start():
    show, warn = Door(warnings, "_showwarnmsg"), Door(warnings, "warn")
    stack = Door(torch.fx.traceback, "format_stack")

    def shown(message):
        frame = _named(message)
        theirs = _without_ours(frame) if frame is not None else None
        if frame is None or theirs is None:
            return show.below(message)
        text = str(message.message), message.category
        frame.f_globals.get(_MEMORY, {}).clear()
        warnings.onceregistry.pop(text, None)  # type: ignore[attr-defined]
        try:
            warnings.warn_explicit(
                message.message,
                message.category,
                theirs.f_code.co_filename,
                theirs.f_lineno,
                theirs.f_globals.get("__name__", "<unknown>"),
                theirs.f_globals.setdefault(_MEMORY, {}),
                source=message.source,
            )
        except Warning as error:
            step_out_of(error)
            raise

    def counted(message, category=None, stacklevel=1, *args, **kwargs):
        try:
            more = _ours_within(sys._getframe(1), stacklevel)
            return warn.below(message, category, stacklevel + more + 1, *args, **kwargs)
        except Warning as error:
            step_out_of(error)
            raise

    undo = show.put(shown), warn.put(counted), stack.put(lambda: without_ours(stack.below()))
    return lambda: [one() for one in undo]


_WARNINGS = Shared(_start)


def _named(message):
    """The frame of ours that a warning names, if it names one."""
    frame = sys._getframe(2) if whose(message.filename) == OURS else None
    while frame is not None:
        if (frame.f_code.co_filename, frame.f_lineno) == (message.filename, message.lineno):
            return frame
        frame = frame.f_back
    return None


def _without_ours(frame):
    """The frame that stands here without a watch, for one of ours: the caller of what was called,
    also where a function of PyTorch has called itself through the mode. None: there is none."""
    while frame is not None and ours(frame.f_code.co_filename):
        if frame.f_code.co_filename == _COMMAND:
            return None
        frame = frame.f_back
        if frame.f_code is HANDLE:
            frame = frame.f_back.f_back
    return frame


def _ours_within(frame, level) -> int:
    """How many frames a watch has put among the first `level` ones, outwards from `frame`."""
    more = 0
    while level > 1 and frame.f_back is not None:
        frame, theirs = frame.f_back, _without_ours(frame.f_back)
        if theirs is None:
            return _NOWHERE
        while frame is not theirs:
            frame, more = frame.f_back, more + 1
        level -= 1
    return more


def without_ours(entries: list[str]) -> list[str]:
    """The entries of a formatted stack, outermost first, as without a watch."""
    told: list[str] = []
    detour = False
    for entry in entries:
        file, name = found.groups() if (found := _PLACE.match(entry)) else ("", "")
        if whose(file) == OURS:
            if detour:  # the function of PyTorch that called itself, and the way there
                del told[-2:]
            elif "_run_module_as_main" in "".join(told[-2:-1]):  # Python's own way to our command
                del told[-2:]
        else:
            told.append(entry)
        detour = name == HANDLE.co_name
    return told
