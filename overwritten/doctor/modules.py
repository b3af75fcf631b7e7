"""Which module runs: 'Net.head.drop (Dropout)', '2nd call' where it has run before.

The idea: while a block is watched a module's call notes the module on a stack of its thread;
the path is put together once somebody asks for it.
"""

from __future__ import annotations

import sys
import threading
import weakref
from types import FrameType, FunctionType

from torch import nn
from torch.overrides import handle_torch_function

_HANDLE = handle_torch_function.__code__
_ORDINALS = {2: "2nd", 3: "3rd"}
#: (path of the parent, module, turn) → the module, its names and its path, so that each is put
#: together once.
_paths: dict[tuple, tuple] = {}
_methods: dict[tuple, tuple] = {}
_METHODS = ("forward", "__call__")
_outermost: dict[int, weakref.ref] = {}
_MOST = 100_000


def outermost() -> list[nn.Module]:
    """The modules that were called from no other one and are alive."""
    return [module for ref in list(_outermost.values()) if (module := ref()) is not None]


class Running(threading.local):
    """The modules that run in this thread, the outermost first."""

    def __init__(self):
        self.stack = []

    def path(self, frame) -> str:
        """Of the innermost module that runs; frame: the line that asks, whose module may have a
        `__call__` of its own, so that nobody saw it begin."""
        code, stack = frame.f_code, self.stack
        if code.co_name in _METHODS and code.co_varnames[:1] == ("self",):
            if not (stack and _has(stack[-1].module.__class__, code)) and not any(
                _has(type(run.module), code) for run in reversed(stack)
            ):
                unseen = _local(frame, "self")
                if isinstance(unseen, nn.Module):
                    return self._with(unseen, _begun_since(frame)).path()
        return stack[-1].path() if stack else ""

    def _with(self, unseen, inside):
        """The innermost run, as if `unseen` ran too, with so many of the others inside it."""
        outside = max(0, len(self.stack) - inside)  # some began before the watch
        run = _Run(unseen, self.stack[outside - 1] if outside else None, counted=False)
        for known in self.stack[outside:]:
            run = _Run(known.module, run, counted=False)
            run.turn = known.turn
        return run


RUNNING = Running()


def _begun_since(frame) -> int:
    """How many modules were called between `frame` and the one that asks."""
    at: FrameType | None = sys._getframe(1)
    code, found = nn.Module.__call__.__code__, 0
    while at is not None and at is not frame:
        found += at.f_code is code
        at = at.f_back
    return found


class _Run:
    """One call of a module. parent: the call it was made in."""

    __slots__ = ("module", "parent", "times", "turn", "_told")

    def __init__(self, module, parent, counted=True):
        self.module, self.parent, self._told = module, parent, None
        if parent is None:
            self.times, self.turn = {}, 1  # how often each module has run, in all
            if id(module) not in _outermost or _outermost[id(module)]() is not module:
                _outermost[id(module)] = weakref.ref(module)
        else:
            self.times = parent.times
            self.turn = self.times.get(id(module), 0) + 1
            if counted:
                self.times[id(module)] = self.turn

    def path(self) -> str:
        """The names from the outermost module on, and the class."""
        return self._names()[1]

    def _names(self):
        if self._told is None:
            parent, module = self.parent, self.module
            above = parent._names()[0] if parent is not None else ""
            key = above, id(module), self.turn
            known = _paths.get(key)
            if known is None or known[0]() is not module:
                if len(_paths) >= _MOST:
                    _paths.clear()
                known = _paths[key] = (weakref.ref(module), self._put_together(above))
            self._told = known[1]
        return self._told

    def _put_together(self, above):
        kind = type(self.module).__name__
        if not above:
            return kind, kind
        names = f"{above}.{_name_in(self.parent.module, self.module)}"
        turn = "" if self.turn == 1 else f", {_ORDINALS.get(self.turn, f'{self.turn}th')} call"
        return names, f"{names} ({kind}){turn}"


def watch_modules():
    """Note the modules that run, from here on; the function that ends it.

    `Module.__call__` stays the function it is and gets other code: a new attribute of the class
    would empty Python's caches for every module there is. Watches may lie in each other.
    """
    function = nn.Module.__call__
    if function.__code__ is _called.__code__:
        return lambda: None
    code, space = function.__code__, function.__globals__
    call = FunctionType(code, space, function.__name__, function.__defaults__, function.__closure__)
    ours = {"running": RUNNING, "run": _Run, "call": call, "out": step_out_of}
    space.update({f"overwritten_{name}": value for name, value in ours.items()})
    function.__code__ = _called.__code__
    return plain_modules


def plain_modules():
    """`Module.__call__` as PyTorch has it; also while compiled code runs."""
    function = nn.Module.__call__
    if function.__code__ is _called.__code__:
        function.__code__ = function.__globals__["overwritten_call"].__code__


def _called(self, *args, **kwargs):
    """The code of `Module.__call__` meanwhile; its names are looked up where that one lives."""
    stack = overwritten_running.stack  # noqa: F821
    stack.append(overwritten_run(self, stack[-1] if stack else None))  # noqa: F821
    try:
        return overwritten_call(self, *args, **kwargs)  # noqa: F821
    except BaseException as error:
        overwritten_out(error)  # noqa: F821
        raise
    finally:
        stack.pop()


def step_out_of(error: BaseException):
    """Take the frame that handles `error` out of its traceback; then a bare `raise`.

    Python 3.10 puts it back; there the command line takes it out at the end.
    """
    if error.__traceback__ is not None:
        leave_out_detours(error.__traceback__)
        error.__traceback__ = error.__traceback__.tb_next


def leave_out_detours(step):
    """Where a mode is on, a function of PyTorch calls `handle_torch_function`, which calls it
    again: a traceback that begins at `step` shows the second call alone, as without a mode."""
    while step is not None and (first := step.tb_next) is not None:
        handle = first.tb_next
        again = handle and handle.tb_frame.f_code is _HANDLE and handle.tb_next
        if again and again.tb_frame.f_code is first.tb_frame.f_code:
            step.tb_next = again
        else:
            step = first


def _name_in(parent, child) -> str:
    for name, module in parent._modules.items():  # nearly always; `named_modules` walks them all
        if module is child:
            return name
    return next((name for name, module in parent.named_modules() if module is child), "?")


def _has(kind, code) -> bool:
    """Is it the `forward` of that class, or of one it comes from?"""
    key = kind, id(code)
    known = _methods.get(key)
    if known is None or known[0] is not code:
        found = (vars(base).get("forward") for base in kind.__mro__)
        known = _methods[key] = code, any(getattr(f, "__code__", None) is code for f in found)
    return known[1]


def _local(frame, name):
    copy = frame.f_locals  # before Python 3.13 it would keep the locals alive
    value = copy.get(name)
    # a tracer's copy goes back into the frame; and the program may have asked for locals()
    if sys.gettrace() is None and type(copy) is dict and sys.getrefcount(copy) <= 3:
        copy.clear()
    return value
