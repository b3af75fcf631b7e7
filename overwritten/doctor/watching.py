"""The watch: a function mode that keeps two logs, and one question when backward has raised.

The idea: it stands between nothing and nothing. Around each torch call it reads the number of
autograd's next node and the version counters of the arguments; PyTorch saves, checks and raises
as ever, and at the raise the graph is asked which saves are broken and the logs who did it.
What the lines mean is the diagnosis's business.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable
from time import monotonic

import torch
from torch.autograd.function import Function
from torch.overrides import TorchFunctionMode

from overwritten.doctor.elsewhere import (
    is_on,
    keep_compilers_out,
    note_checkpoints,
    turn_off,
    turned_on,
    unseen_by,
    watch_threads,
)
from overwritten.doctor.findings import findings
from overwritten.doctor.graph import LOOSE, ask
from overwritten.doctor.logs import Calls, Event, Logs, Wrote, event_of
from overwritten.doctor.modules import RUNNING, step_out_of, watch_modules
from overwritten.doctor.places import own_frame, spot_of
from overwritten.doctor.refused import note_asked
from overwritten.doctor.scripts import note_scripts
from overwritten.doctor.strict import OPENS, Strict
from overwritten.doctor.versions import PLAIN, moved, versions
from overwritten.messages import Message, parse
from overwritten.record.calls import LOOKS_ONLY
from overwritten.record.events import Overwrite, Write
from overwritten.record.graph import storage_of
from overwritten.record.private import (
    ENGINE,
    DisableTorchFunctionSubclass,
    next_node,
)
from overwritten.record.tensors import tensors_in

_DATA = torch.Tensor.data
#: A question that takes longer, in seconds, says so.
_LONG = 2
#: What neither saves nor writes; `x.real = …` does write.
_QUICK = LOOKS_ONLY | {"__set__", "_set_grad_enabled", "_record_function_enter_new"}
_QUICK |= {"_record_function_exit._RecordFunction"}
_PARTS = (torch.Tensor.real, torch.Tensor.imag)
_QUICK |= {"requires_grad_"}
_ASKS = torch.Tensor.requires_grad
#: The kinds of PyTorch's own functions and methods in C++; what a library registers is another.
_PYTORCHS = type(torch.add), type(torch.Tensor.add)


class _Here(threading.local):
    """calls: the log of this thread's nodes."""

    def __init__(self, logs):
        self.calls: Calls = logs.thread()


class Eyes(TorchFunctionMode):
    """`with Eyes() as eyes:` around any PyTorch code. Nothing of what it computes changes.

    strict: also find gradients that are wrong although nothing raises (`silent`); slow.
    at_raise: function(error, message, findings), called once for each error about an overwritten
    tensor, where backward raises it; the findings are `Overwrite`s, the one that raised first.
    """

    def __init__(self, strict: bool = False, at_raise: Callable | None = None):
        super().__init__()
        self.logs = Logs()
        self._at_raise = at_raise
        self._here = _Here(self.logs)
        self._own_counters: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
        self._watches_data = False
        self._strict = Strict(self) if strict else None
        self._undo: list = []

    def __enter__(self):
        self._undo = [
            watch_modules(),
            self._watch_backward(),
            self._watch_apply(),
            watch_threads(self),
        ]
        self._undo += [keep_compilers_out(self), note_scripts(self), note_checkpoints(self)]
        super().__enter__()
        if self._strict:
            self._strict.start(own_frame(sys._getframe(1)))
        return self

    def __exit__(self, kind, error, traceback):
        if self._strict:
            self._strict.stop()
        super().__exit__(kind, error, traceback)
        for undo in reversed(self._undo):
            undo()
        self._undo = []

    @property
    def silent(self) -> list[Overwrite]:
        """What made a gradient wrong without an error (`strict` only)."""
        return self._strict.silent if self._strict else []

    @property
    def unwatched(self) -> list[str]:
        """What of this run could not be looked into, in words (`strict` only)."""
        return sorted(self._strict.unwatched) if self._strict else []

    def passed_over(self, what: str):
        """Note that `what` ran and was not looked into."""
        if self._strict:
            self._strict.unwatched.add(what)

    @property
    def writes(self) -> list[Write]:
        """Every write that is still in the log, in order."""
        return [Wrote._make(one).told() for one in self.logs.writes]

    # the two logs

    def __torch_function__(self, func, types, args=(), kwargs=None):
        try:
            name = func.__name__
            if name in _QUICK and (name != "__set__" or func.__self__ not in _PARTS):
                result = func(*args, **kwargs) if kwargs else func(*args)
                if name == "__get__" and func.__self__ is _DATA:
                    self._own_counters[id(result)] = result  # it has a counter of its own
                    self._watches_data = True
                elif self._strict and name == "__set__" and func.__self__ is _DATA:
                    self._strict.called("x.data = …", None, None, args[:1])
                elif self._strict and name in OPENS:
                    self._strict.called(name, None, None, args[:1])
                elif name == "requires_grad_" or (name == "__set__" and func.__self__ is _ASKS):
                    note_asked(self.logs, args[0], self.event(name, sys._getframe(1)))
                return result
            plain = not types or PLAIN.issuperset(types)
            before = versions(args, kwargs, plain)
            if self._strict:
                self._strict.calls(name)
            node = next_node()
            try:
                result = func(*args, **kwargs) if kwargs else func(*args)
            finally:
                event, last, pure = None, next_node(), type(func) in _PYTORCHS
                if last != node:
                    event = self.event(name, sys._getframe(1))
                    self._here.calls.add(node, last, event, self.logs.tick())
                for tensor, version in before if plain else moved(before):
                    if not plain or tensor._version != version:
                        event, pure = event or self.event(name, sys._getframe(1)), False
                        self._wrote(event, tensor, version, before, node, last)
            if kwargs and kwargs.get("requires_grad") is True and isinstance(result, torch.Tensor):
                note_asked(self.logs, result, self.event(name, sys._getframe(1)))
            if self._strict:
                given = [tensor for tensor, _ in before]
                self._strict.called(name, node if last != node else None, result, given, pure)
            return result
        except BaseException as error:
            step_out_of(error)
            if isinstance(error, RuntimeError):
                self.refused(error, self.event(func.__name__, sys._getframe(1)), args)
            raise

    def refused(self, error: RuntimeError, event: Event, args):
        """A call has raised."""

    def event(self, name: str, frame) -> Event:
        """The call `name`, made in `frame`, as the logs keep it."""
        while LOOSE:
            LOOSE.popleft()
        inner, own, via, frame = spot_of(frame)
        return event_of(name, inner, own, via, RUNNING.path(frame))

    def _wrote(self, event, tensor, version, before, first, last):
        if type(tensor) not in PLAIN:
            with DisableTorchFunctionSubclass():
                tensor = tensor.as_subclass(torch.Tensor)
        calls, base = self._here.calls, None
        if (last != first or self._watches_data) and tensor._is_view():
            base = tensor._base
        if self._watches_data:
            owner = tensor if base is None else base
            if self._own_counters.get(id(owner)) is owner:
                return
        self.logs.writes.append(
            (
                *(event, storage_of(tensor), version, tensor._version),
                *(tensor.shape, calls.thread, self.logs.tick()),
            )
        )
        if base is not None and last != first and type(base.grad_fn).__name__ == "CopySlices":
            with DisableTorchFunctionSubclass():
                saves = [(storage_of(t), t._version, tuple(t.shape)) for t, _ in before]
            self.logs.slices.append((calls, first, last, saves))

    def made(self, name: str, node: int, frame, order: int):
        """Note that a call in C++, or one with calls inside, made the nodes from `node` on."""
        if next_node() != node:
            self._here.calls.add(node, next_node(), self.event(name, frame), order)

    def ran(self, event: Event, node: int, order: int, before: list):
        """Note what a call in C++ made, from `node` on, and wrote since `before`."""
        last = next_node()
        if last != node:
            self._here.calls.add(node, last, event, order)
        with DisableTorchFunctionSubclass():
            for tensor, version in before:
                if tensor._version != version:
                    self._wrote(event, tensor, version, before, node, last)

    # where Python runs that no function mode sees

    def _watch_apply(self):
        """The forward of a Function of one's own: its node is made after everything in it."""
        apply = vars(Function)["apply"]

        def watched(cls, *args, **kwargs):
            node, order = next_node(), self.logs.tick()
            try:
                result = apply.__get__(None, cls)(*args, **kwargs)  # from 2.14 on in C++
            except BaseException as error:
                step_out_of(error)
                raise
            if is_on(self):  # not in compiled code, nor in a call that is logged as a whole
                self.made(f"{cls.__name__}.apply", node, sys._getframe(1), order)
            if self._strict:
                self._strict.called(f"{cls.__name__}.apply", node, result, [*tensors_in(args, 1)])
            return result

        Function.apply = classmethod(watched)
        return lambda: setattr(Function, "apply", apply)

    def _watch_backward(self):
        """Where PyTorch raises; hooks and custom Functions run Python in there."""
        engine = getattr(*ENGINE)

        def watched(roots, *args, **kwargs):
            frame, node, order = sys._getframe(1), next_node(), self.logs.tick()
            name = frame.f_code.co_name
            backward = [order, None, self.event(name, frame)]
            self.logs.backwards.append(backward)
            pushed = turned_on(self)
            if self._strict:
                self._strict.backward_begins()
            try:
                result = engine(roots, *args, **kwargs)
                if self._strict:
                    self._strict.called(name, node, result, ())
                return result
            except BaseException as error:
                step_out_of(error)
                self._explain(error, roots)
                raise
            finally:
                if self._strict:
                    self._strict.backward_ended()
                if pushed:
                    turn_off(self)
                backward[1] = self.logs.tick()
                self.made(name, node, frame, order)

        setattr(*ENGINE, watched)
        ways = torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad
        undo = [unseen_by(self, way) for way in ways]
        undo.append(lambda: setattr(*ENGINE, engine))
        return lambda: [one() for one in undo]

    def _explain(self, error, roots):
        if self._at_raise is None or not isinstance(error, RuntimeError):
            return
        message = parse(str(error))
        if message is None or not message.overwritten:
            return
        try:
            with DisableTorchFunctionSubclass():
                begin = monotonic()
                found = self.findings(message, roots)
                if (seconds := monotonic() - begin) > _LONG:
                    print(f"overwritten: the graph was asked for {seconds:.0f} s.", file=sys.stderr)
                self._at_raise(error, message, found)
        except Exception as ours:  # the program's own error goes on
            print(f"overwritten: this error could not be looked into: {ours!r}", file=sys.stderr)

    def findings(self, message: Message, roots=()) -> list[Overwrite]:
        """Every broken save that `roots` lead to, the one that `message` tells of first."""
        unchanged = self._strict.unchanged if self._strict else None
        return findings(message, ask(roots), self.logs, unchanged)
