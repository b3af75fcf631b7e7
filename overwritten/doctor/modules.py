"""Which module runs: 'Net.head.drop (Dropout)', '2nd call' where it has run before.

The idea: while a block is watched a module's call notes the module on a stack of its thread;
the path is put together once somebody asks for it.
"""

from __future__ import annotations

import ast
import inspect
import sys
import threading
import weakref
from types import CodeType, FrameType
from typing import Any

from torch import nn
from torch.overrides import handle_torch_function

from overwritten.doctor.doors import LOCK

HANDLE = handle_torch_function.__code__
_tracer = sys.gettrace  # while --strict follows lines, `sys.gettrace` does not tell of it
_ORDINALS = {2: "2nd", 3: "3rd"}
#: (path of the parent, module, turn) → the module, its names and its path, so that each is put
#: together once.
_paths: dict[tuple, tuple] = {}
_METHODS = ("forward", "__call__")
_methods: dict[tuple, tuple] = {}
_outermost: dict[int, weakref.ref] = {}
_MOST = 100_000
#: `Module.__call__`'s code → the same, with `_AROUND` around it.
_noted: dict[CodeType, CodeType] = {}
_AROUND = """
overwritten_begins(self)
try:
    pass
except BaseException:
    overwritten_fails()
    raise
finally:
    overwritten_ends(self)
"""
#: How many watches are on, and how many calls of compiled code run.
_reasons = {"watches": 0, "compiled": 0}


def outermost() -> list[nn.Module]:
    """The modules that were called from no other one and are alive."""
    return [module for ref in list(_outermost.values()) if (module := ref()) is not None]


class Running(threading.local):
    """runs: the calls of modules that go on in this thread, [module, which call of it within the
    outermost, its names once told, the code of its method once asked for], the outermost first;
    before them how often each ran by id."""

    def __init__(self):
        self.runs: list = [{}]

    def begins(self, module):
        """A call of the module has begun in this thread."""
        try:
            runs = self.runs
            times = runs[0]
            if len(runs) == 1:
                times.clear()
                known = _outermost.get(id(module))
                if known is None or known() is not module:
                    _outermost[id(module)] = weakref.ref(module)
            times[id(module)] = turn = times.get(id(module), 0) + 1
            runs.append([module, turn, None, None])
        except RecursionError:  # the program is at its limit: its own next call says so
            pass

    def ends(self, module):
        """It has ended, and with it those within that the limit of recursion kept from ending."""
        try:
            runs = self.runs
            at = len(runs) - 1
            while at and runs[at][0] is not module:
                at -= 1
            if at:
                del runs[at:]
        except RecursionError:
            pass

    def path(self, frame) -> str:
        """Of the innermost module that runs; frame: the line that asks, whose module may have a
        `__call__` of its own, so that nobody saw it begin."""
        runs, code = self.runs, frame.f_code
        if code.co_name in _METHODS and not _seen(runs, code):
            runs = self._with_unseen(frame)
        return _names(runs, len(runs) - 1)[1]

    def _with_unseen(self, frame):
        """The runs, as if the module of `frame` ran too, if it is a module's."""
        runs, named_so = self.runs, frame.f_code.co_varnames[:1] == ("self",)
        unseen = _local(frame, "self") if named_so else None
        if not isinstance(unseen, nn.Module):
            return runs
        outside = max(1, len(runs) - _begun_since(frame))  # some began before the watch
        known = [[module, turn, None, None] for module, turn, *_ in runs[outside:]]
        return [*runs[:outside], [unseen, runs[0].get(id(unseen), 0) + 1, None, None], *known]


RUNNING = Running()


def _begun_since(frame) -> int:
    """How many modules were called between `frame` and the one that asks."""
    at: FrameType | None = sys._getframe(1)
    code, found = nn.Module._wrapped_call_impl.__code__, 0
    while at is not None and at is not frame:
        found += at.f_code is code
        at = at.f_back
    return found


def _names(runs, at):
    """(the names from the outermost module on, the same with the class) of the run at `at`."""
    if at == 0:
        return "", ""
    run = runs[at]
    if run[2] is None:
        module, turn = run[:2]
        above = _names(runs, at - 1)[0]
        key = above, id(module), turn
        known = _paths.get(key)
        if known is None or known[0]() is not module:
            if len(_paths) >= _MOST:
                _paths.clear()
            told = _put_together(above, runs[at - 1], module, turn)
            known = _paths[key] = (weakref.ref(module), told)
        run[2] = known[1]
    return run[2]


def _put_together(above, parent, module, turn):
    kind = type(module).__name__
    if not above:
        return kind, kind
    names = f"{above}.{_name_in(parent[0], module)}"
    told = "" if turn == 1 else f", {_ORDINALS.get(turn, f'{turn}th')} call"
    return names, f"{names} ({kind}){told}"


def watch_modules():
    """Note the modules that run, from here on; the function that ends it.

    `Module.__call__` stays the function it is and gets other code: a new attribute of the class
    would empty Python's caches for every module there is. Watches may overlap.
    """
    return _count("watches")


def plain_modules():
    """`Module.__call__` as PyTorch has it, while compiled code runs; the function that ends it."""
    return _count("compiled")


def _count(reason):
    def settle(more):
        with LOCK:
            _reasons[reason] += more
            _settle(_reasons["watches"] > 0 and not _reasons["compiled"])

    settle(1)
    return lambda: settle(-1)


def _settle(watched):
    function = nn.Module._wrapped_call_impl
    code, space = function.__code__, function.__globals__
    plain = next((one for one, ours in _noted.items() if ours is code), None)
    if watched and plain is None:
        if code not in _noted:
            _noted[code] = _noting(code)
        space["overwritten_begins"], space["overwritten_ends"] = RUNNING.begins, RUNNING.ends
        space["overwritten_fails"] = _fails
        function.__code__ = _noted[code]
    elif plain is not None and not watched:
        function.__code__ = plain


def _noting(code):
    """The same code with `_AROUND` around it, on lines of its own: no frame more that a traceback
    would show and the limit of recursion count."""
    lines, first = inspect.getsourcelines(code)
    tree = ast.parse("class Module:\n" + "".join(lines))
    function: Any = tree.body[0].body[0]  # type: ignore[attr-defined]
    around: Any = ast.parse(_AROUND).body
    for added in around:
        for node in ast.walk(added):
            ast.copy_location(node, function.body[0])
    around[-1].body, function.body = function.body, around
    ast.fix_missing_locations(ast.increment_lineno(tree, first - 2))
    made = compile(tree, code.co_filename, "exec", dont_inherit=True)
    for _ in range(2):  # the class in the file, the function in the class
        made = next(one for one in made.co_consts if isinstance(one, CodeType))
    return made


def step_out_of(error: BaseException):
    """Take the frame that handles `error` out of its traceback; then a bare `raise`.

    Python 3.10 puts it back; there the command line takes it out at the end.
    """
    if error.__traceback__ is not None:
        leave_out_detours(error.__traceback__)
        error.__traceback__ = error.__traceback__.tb_next


def _fails():
    """An error leaves a module."""
    try:
        leave_out_detours(sys.exc_info()[2])
    except RecursionError:
        pass


def leave_out_detours(step):
    """Where a mode is on, a function of PyTorch calls `handle_torch_function`, which calls it
    again: a traceback that begins at `step` shows the second call alone, as without a mode."""
    while step is not None and (first := step.tb_next) is not None:
        handle = first.tb_next
        again = handle and handle.tb_frame.f_code is HANDLE and handle.tb_next
        if again and again.tb_frame.f_code is first.tb_frame.f_code:
            step.tb_next = again
        else:
            step = first


def _name_in(parent, child) -> str:
    for name, module in parent._modules.items():  # nearly always; `named_modules` walks them all
        if module is child:
            return name
    return next((name for name, module in parent.named_modules() if module is child), "?")


def _seen(runs, code):
    """Is it the `forward` of a module that runs, or of a class which that one comes from?"""
    for at in range(len(runs) - 1, 0, -1):
        if runs[at][3] is code:
            return True
    for run in runs[:0:-1]:
        if _has(type(run[0]), code):
            run[3] = code
            return True
    return False


def _has(kind, code) -> bool:
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
    if _tracer() is None and type(copy) is dict and sys.getrefcount(copy) <= 3:
        copy.clear()
    return value
