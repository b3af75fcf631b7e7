"""Where else code runs during a block: other threads, checkpoints, compiled code.

The idea: a function mode is a thread's own, steps back while a call is handled, and sees no
code that is not Python's; at each of these places the watch is told what it would miss.
Each function begins something and returns the function that undoes it.
"""

from __future__ import annotations

import sys
import threading
from functools import lru_cache, wraps
from importlib import import_module
from types import CodeType

import torch
import torch.utils.checkpoint
from torch.optim import Optimizer

from overwritten.doctor.modules import plain_modules, step_out_of, watch_modules
from overwritten.record.graph import storage_of
from overwritten.record.private import DYNAMO, mode_at, modes_on, next_node, pop_mode, push_mode

_PLAIN = (torch.Tensor, torch.nn.Parameter, type(None))
_OURS = "overwritten_"
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


def turn_off(eyes):
    pop_mode()


def turned_off_if_on_top(eyes) -> bool:
    on = modes_on()
    if not on or mode_at(on - 1) is not eyes:
        return False
    pop_mode()
    return True


def unseen_by(eyes, function):
    """`function` takes another way through PyTorch where a function mode is on, which shows in
    tracebacks: for ours alone it need not. Only the name of its question is changed."""
    code, space = function.__code__, function.__globals__
    question, asking = _renamed(code) if isinstance(code, CodeType) else ("", None)
    if asking is None:
        return lambda: None
    asked, ours = space[question], _OURS + question

    def ask(tensors):
        if modes_on() == 1 and type(tensors) in _PLAIN and mode_at(0).__class__ is eyes.__class__:
            return False
        on = [mode_at(k) for k in range(modes_on())]
        for mode in on:
            if mode.__class__ is not eyes.__class__:
                return asked(tensors)
        for tensor in tensors if type(tensors) is tuple else (tensors,):
            if type(tensor) not in _PLAIN:
                break
        else:
            return False
        for mode in reversed(on):
            turn_off(mode)
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
    undo = [_passed_over(eyes, kind, "_init_group") for kind in _optimizers(Optimizer)]
    undo.append(_passed_over(eyes, Optimizer, "zero_grad", _sets_to_none))
    undo.append(_passed_over(eyes, torch.autograd, "_make_grads"))
    return lambda: [one() for one in undo]


def _optimizers(kind):
    """PyTorch's own, with a part of the step that only reads."""
    if "_init_group" in vars(kind) and kind.__module__.startswith("torch.optim."):
        yield kind
    for heir in kind.__subclasses__():
        yield from _optimizers(heir)


def _sets_to_none(optimizer, set_to_none=True):
    return set_to_none


def _passed_over(eyes, owner, name, when=None):
    function = vars(owner)[name]

    @wraps(function)
    def watched(*args, **kwargs):
        aside = (when is None or when(*args, **kwargs)) and turned_off_if_on_top(eyes)
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            step_out_of(error)
            raise
        finally:
            if aside:
                push_mode(eyes)

    setattr(owner, name, watched)
    return lambda: setattr(owner, name, function)


def watch_threads(eyes):
    """Modes are a thread's own: threads begun meanwhile put it on, whatever their `run` is.

    But for those of this package, as a knob's: they are no part of the program.
    """
    begin = threading.Thread._bootstrap_inner

    def watched(thread):
        if type(thread).__module__.startswith("overwritten."):
            return begin(thread)
        pushed = turned_on(eyes)
        if eyes.healer:
            eyes.healer.turn_on()
        try:
            return begin(thread)
        finally:
            if eyes.healer:
                eyes.healer.turn_off()
            if pushed:
                turn_off(eyes)

    threading.Thread._bootstrap_inner = watched
    return lambda: setattr(threading.Thread, "_bootstrap_inner", begin)


def note_checkpoints(eyes):
    """A checkpoint saves the inputs of its function without any node."""
    module = torch.utils.checkpoint
    make = getattr(module, "_make_saved_tensor", None)
    if make is None:
        return lambda: None

    def watched(tensor, **how):
        event = eyes.event("checkpoint", sys._getframe(1))
        eyes.logs.inputs.append((event, eyes.logs.tick(), storage_of(tensor), tensor._version))
        return make(tensor, **how)

    module._make_saved_tensor = watched
    return lambda: setattr(module, "_make_saved_tensor", make)


def keep_compilers_out(eyes):
    """Dynamo would trace the mode: while compiled code runs it is off, and the modules' too.

    A program may import Dynamo late: `torch.compile` is the door.
    """
    if f"{DYNAMO}.eval_frame" in sys.modules:
        return _step_aside(eyes, sys.modules[f"{DYNAMO}.eval_frame"])
    compile_, undo = torch.compile, []

    def watched(*args, **kwargs):
        if not undo:
            undo.append(_step_aside(eyes, import_module(f"{DYNAMO}.eval_frame")))
        return compile_(*args, **kwargs)

    watched.__dict__.update(compile_.__dict__, __wrapped__=compile_)
    torch.compile = watched
    return lambda: [setattr(torch, "compile", compile_), *(one() for one in undo)]


def _step_aside(eyes, dynamo):
    begin, here, told = dynamo._maybe_set_eval_frame, threading.local(), []

    def watched(callback):
        frame, away = sys._getframe(1), getattr(here, "away", None)
        if away is None and callback is not None and turned_off_if_on_top(eyes):
            if not told:
                told.append(print(NOT_LOOKED_INTO, file=sys.stderr))
            eyes.passed_over("compiled code")
            healed = bool(eyes.healer and eyes.healer.turn_off())
            if eyes.healer:
                eyes.healer.note("compiled code")
            here.away = frame, next_node(), eyes.logs.tick(), healed
            plain_modules()
        elif away is not None and away[0] is frame:  # its second call: back from the compiled code
            here.away = None
            if away[3]:
                eyes.healer.turn_on()
            watch_modules()
            push_mode(eyes)
            eyes.made("torch.compile", away[1], frame, away[2])
        return begin(callback)

    dynamo._maybe_set_eval_frame = watched
    return lambda: setattr(dynamo, "_maybe_set_eval_frame", begin)
