"""The functions of PyTorch's in whose place a watch puts its own, and whose threads are whose.

The idea: watches of several threads overlap and end in any order. Each asks at every call what
stands below it, so that one that ends is taken out from between the others.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any

from overwritten.record.private import modes_on, pop_mode, push_mode

#: Held while functions, or their code, are replaced.
LOCK = threading.RLock()
_doors: weakref.WeakSet[Door] = weakref.WeakSet()
_in_force: list = []


class _Here(threading.local):
    """watches: those that were begun in this thread, or that it was begun in. package: is it one
    of this package's own, as a knob's? They are no part of the program."""

    def __init__(self):
        self.watches = []
        self.package = of_the_package(threading.current_thread())


class Door:
    """A place where a function stands. below: what a watch that put its own there has to call."""

    below: Any
    _mine: Any = None

    def __init__(self, place, name: str):
        self._place, self._name = place, name

    def put(self, function) -> Callable[[], None]:
        """Put it there; returns what takes it out again."""
        with LOCK:
            self.below, self._mine = vars(self._place)[self._name], function
            setattr(self._place, self._name, function)
            _doors.add(self)
        return self._take_out

    def _take_out(self):
        with LOCK:
            if vars(self._place)[self._name] is self._mine:
                setattr(self._place, self._name, self.below)
                _doors.discard(self)
                return
            for above in _doors:
                if above.below is self._mine:
                    above.below = self.below
            # one of the program's own on top stays, and goes on to call ours: see `takes_part`


class Shared:
    """What watches have in common: the first one starts it, the last one ends it."""

    def __init__(self, start: Callable[[], Callable]):
        self._start, self.watches = start, []  # type: ignore[var-annotated]

    def join(self, eyes) -> Callable[[], None]:
        """For one more watch; returns what takes that one out again."""
        with LOCK:
            if not self.watches:
                self._end = self._start()
            self.watches.append(eyes)

        def leave():
            with LOCK:
                self.watches.remove(eyes)
                if not self.watches:
                    self._end()

        return leave


def caller():
    """The frame that called a function put on a door, whatever other watches stand above it."""
    code, frame = sys._getframe(1).f_code, sys._getframe(2)
    while frame.f_code is code:
        frame = frame.f_back
    return frame


def begin(eyes):
    """From now on it is in force, and this thread is its own; returns what ends that."""
    _in_force.append(eyes)
    follow(eyes)

    def end():
        _in_force.remove(eyes)
        if eyes in _HERE.watches:
            _HERE.watches.remove(eyes)

    return end


def follow(eyes):
    """This thread was begun in one of its own."""
    _HERE.watches.append(eyes)


def in_force(eyes) -> bool:
    return eyes in _in_force


def takes_part(eyes) -> bool:
    """Is what this thread does a matter of this watch? A thread that is no watch's own, as one
    that was begun before or in C++, is a matter of all."""
    if eyes not in _in_force:
        return False
    if eyes in _HERE.watches:
        return True
    return not (_HERE.package or any(one in _in_force for one in _HERE.watches))


def take_off(mode):
    """In this thread, whatever lies above it."""
    above = []
    while modes_on() and (top := pop_mode()) is not mode:
        above.append(top)
    for one in reversed(above):
        push_mode(one)


def of_the_package(thread) -> bool:
    return type(thread).__module__.startswith("overwritten.")


_HERE = _Here()
