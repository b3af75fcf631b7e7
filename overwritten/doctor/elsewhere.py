"""Where else code runs during a block: other threads, checkpoints, compiled code.

The idea: a function mode is a thread's own, steps back while a call is handled, and sees no
code that is not Python's; at each of these places the watch is told what it would miss.
Each function begins something and returns the function that undoes it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import cache, lru_cache, wraps
from importlib import import_module
from threading import Thread
from types import CodeType

import torch
import torch.utils.checkpoint
from torch.optim import Optimizer

from overwritten.doctor.doors import (
    Door,
    Shared,
    caller,
    follow,
    in_force,
    of_the_package,
    takes_part,
)
from overwritten.doctor.modules import plain_modules, step_out_of
from overwritten.doctor.refused import forget_asked
from overwritten.doctor.saying import say
from overwritten.record.graph import storage_of
from overwritten.record.private import DYNAMO, mode_at, modes_on, next_node, pop_mode, push_mode

_PLAIN = (torch.Tensor, torch.nn.Parameter, type(None))
_OURS = "overwritten_"
_unseen: dict[Callable, Shared] = {}
NOT_LOOKED_INTO = (
    "overwritten: what torch.compile makes runs as it would, compiled, and is not looked into."
)


def is_on(eyes) -> bool:
    """In this thread, and not stepped back."""
    for k in range(modes_on()):
        if mode_at(k) is eyes:
            return True
    return False


def turned_on(eyes) -> bool:
    """Put the mode on, unless it is on in this thread; did it have to?"""
    if is_on(eyes):
        return False
    push_mode(eyes)
    return True


def turned_off_if_on_top(eyes) -> bool:
    on = modes_on()
    if not on or mode_at(on - 1) is not eyes:
        return False
    pop_mode()
    return True


def unseen_by(eyes, function):
    """`function` takes another way through PyTorch where a function mode is on, which shows in
    tracebacks: for ours alone it need not."""
    if function not in _unseen:
        shared = Shared(lambda: _ask_for_others(function, shared.watches))
        _unseen[function] = shared
    return _unseen[function].join(eyes)


def _ask_for_others(function, watches):
    """Only the name of its question is changed."""
    code, space = function.__code__, function.__globals__
    question, asking = _renamed(code) if isinstance(code, CodeType) else ("", None)
    if asking is None:
        return lambda: None
    asked, ours = space[question], _OURS + question

    def ask(tensors):
        on = [mode_at(k) for k in range(modes_on())]
        if not all(mode in watches for mode in on):
            return asked(tensors)
        if all(type(t) in _PLAIN for t in (tensors if type(tensors) is tuple else (tensors,))):
            return False
        for _ in on:
            pop_mode()
        try:
            return asked(tensors)
        finally:
            for mode in on:
                push_mode(mode)

    space[ours] = ask
    function.__code__ = asking

    def undo():
        function.__code__ = code
        space.pop(ours, None)

    return undo


@lru_cache
def _renamed(code):
    """(its question whether a function mode is on, the same code with another name for it)."""
    question = next((n for n in code.co_names if n.startswith("has_torch_function")), "")
    if not question:
        return "", None
    names = (_OURS + name if name == question else name for name in code.co_names)
    return question, code.replace(co_names=tuple(names))


def pass_over_reading(eyes):
    """Nothing is saved or written where backward makes its first gradient and where an optimizer
    of PyTorch's reads each gradient or sets it to None: half of a small model's calls."""
    return _READING.join(eyes)


def _start_to_pass_over():
    undo = [_passed_over(kind, "_init_group") for kind in _optimizers(Optimizer)]
    undo.append(_passed_over(Optimizer, "zero_grad", _sets_to_none))
    undo.append(_passed_over(torch.autograd, "_make_grads"))
    return lambda: [one() for one in undo]


_READING = Shared(_start_to_pass_over)


def _optimizers(kind):
    """PyTorch's own, with a part of the step that only reads."""
    if "_init_group" in vars(kind) and kind.__module__.startswith("torch.optim."):
        yield kind
    for heir in kind.__subclasses__():
        yield from _optimizers(heir)


def _sets_to_none(optimizer, set_to_none=True):
    return set_to_none


def _passed_over(place, name, when=None):
    return Door(place, name).put(_aside(vars(place)[name], when))


@cache
def _aside(function, when):
    @wraps(function)
    def watched(*args, **kwargs):
        aside = []
        if when is None or when(*args, **kwargs):
            while (on := modes_on()) and mode_at(on - 1) in _READING.watches:
                aside.append(pop_mode())
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            step_out_of(error)
            raise
        finally:
            for mode in reversed(aside):
                push_mode(mode)

    return watched


def let_go_of_swapped(eyes):
    """`swap_tensors` refuses what somebody refers to weakly, as the logs do: they forget it."""
    door = Door(torch.utils, "swap_tensors")

    def watched(*args, **kwargs):
        swapped = {id(tensor) for tensor in (*args, *kwargs.values())}
        forget_asked(eyes.logs, swapped)
        for number in swapped:
            eyes.own_counters.pop(number, None)
        try:
            return door.below(*args, **kwargs)
        except BaseException as error:
            step_out_of(error)
            raise

    return door.put(watched)


def watch_threads(eyes):
    """Modes are a thread's own: threads begun meanwhile put it on, whatever their `run` is.

    But for those of this package, as a knob's, and those that another watch's threads begin.
    """
    start, run, begun = Door(Thread, "start"), Door(Thread, "_bootstrap_inner"), set()

    def started(thread):
        if takes_part(eyes) and not of_the_package(thread):
            begun.add(id(thread))
        try:
            return start.below(thread)
        except BaseException as error:  # it was started before
            begun.discard(id(thread))
            step_out_of(error)
            raise

    def watched(thread):
        if id(thread) not in begun:
            return run.below(thread)
        begun.remove(id(thread))
        follow(eyes)
        pushed = turned_on(eyes)
        if eyes.healer:
            eyes.healer.turn_on()
        try:
            return run.below(thread)
        finally:
            if eyes.healer:
                eyes.healer.turn_off()
            if pushed:
                pop_mode()

    undo = start.put(started), run.put(watched)
    return lambda: [one() for one in undo]


def note_checkpoints(eyes):
    """A checkpoint saves the inputs of its function without any node."""
    module, name = torch.utils.checkpoint, "_make_saved_tensor"
    if not hasattr(module, name):
        return lambda: None
    door = Door(module, name)

    def watched(tensor, **how):
        if takes_part(eyes):
            event = eyes.event("checkpoint", sys._getframe(1))
            eyes.logs.inputs.append((event, eyes.logs.tick(), storage_of(tensor), tensor._version))
        return door.below(tensor, **how)

    return door.put(watched)


def keep_compilers_out(eyes):
    """Dynamo would trace the mode: while compiled code runs it is off, and the modules' too.

    A program may import Dynamo late: `torch.compile` is the door.
    """
    if f"{DYNAMO}.eval_frame" in sys.modules:
        return _step_aside(eyes, sys.modules[f"{DYNAMO}.eval_frame"])
    door, undo = Door(torch, "compile"), []

    def watched(*args, **kwargs):
        if in_force(eyes) and not undo[1:]:
            undo.append(_step_aside(eyes, import_module(f"{DYNAMO}.eval_frame")))
        return door.below(*args, **kwargs)

    watched.__dict__.update(torch.compile.__dict__, __wrapped__=torch.compile)
    undo.append(door.put(watched))
    return lambda: [one() for one in undo]


def _step_aside(eyes, dynamo):
    door, here, told = Door(dynamo, "_maybe_set_eval_frame"), threading.local(), []

    def watched(callback):
        away = getattr(here, "away", None)
        if away is None and callback is not None and turned_off_if_on_top(eyes):
            if not told:
                told.append(say(NOT_LOOKED_INTO))
            eyes.passed_over("compiled code")
            healed = bool(eyes.healer and eyes.healer.turn_off())
            if eyes.healer:
                eyes.healer.note("compiled code")
            here.away = caller(), next_node(), eyes.logs.tick(), healed, plain_modules()
        elif away is not None and away[0] is caller():  # its second call: back from compiled code
            here.away = None
            if away[3]:
                eyes.healer.turn_on()
            away[4]()
            push_mode(eyes)
            eyes.made("torch.compile", away[1], away[0], away[2])
        return door.below(callback)

    return door.put(watched)
