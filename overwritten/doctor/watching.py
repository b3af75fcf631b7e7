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
from torch.overrides import TorchFunctionMode

from overwritten.doctor import elsewhere
from overwritten.doctor.doors import begin, take_off
from overwritten.doctor.engine import watch_apply, watch_backward
from overwritten.doctor.findings import findings
from overwritten.doctor.gradients import Gradients
from overwritten.doctor.graph import LOOSE, ask
from overwritten.doctor.heal import Healer
from overwritten.doctor.listing import Listing
from overwritten.doctor.logs import Calls, Event, Logs, Wrote, event_of
from overwritten.doctor.modules import RUNNING, step_out_of, watch_modules
from overwritten.doctor.places import own_frame, spot_of
from overwritten.doctor.refused import note_asked
from overwritten.doctor.saying import say
from overwritten.doctor.scripts import note_scripts
from overwritten.doctor.strict import OPENS, Strict
from overwritten.doctor.versions import PLAIN, moved, versions
from overwritten.doctor.warned import watch_warnings
from overwritten.messages import Message, parse
from overwritten.record.calls import LOOKS_ONLY
from overwritten.record.events import Overwrite, Write
from overwritten.record.graph import storage_of
from overwritten.record.private import DisableTorchFunctionSubclass, next_node

_DATA = torch.Tensor.data
#: A question that takes longer, in seconds, says so.
_LONG = 2
#: What neither saves nor writes; `x.real = …` does write.
_QUICK = LOOKS_ONLY | {"__set__", "_set_grad_enabled", "_record_function_enter_new"}
_QUICK |= {"_record_function_exit._RecordFunction", "requires_grad_"}
_PARTS = (torch.Tensor.real, torch.Tensor.imag)
_ASKS = torch.Tensor.requires_grad
_ASKING = {"__set__", "requires_grad_"}
#: The kinds of PyTorch's own functions and methods in C++; what a library registers is another.
_PYTORCHS = type(torch.add), type(torch.Tensor.add)
#: What a watch starts; each returns the function that ends it.
_STARTS = [watch_backward, watch_apply, watch_warnings, note_scripts]
_STARTS += [elsewhere.watch_threads, elsewhere.pass_over_reading, elsewhere.let_go_of_swapped]
_STARTS += [elsewhere.keep_compilers_out, elsewhere.note_checkpoints]


class _Here(threading.local):
    """calls: the log of this thread's nodes."""

    def __init__(self, logs):
        self.calls: Calls = logs.thread()


class Eyes(TorchFunctionMode):
    """`with Eyes() as eyes:` around any PyTorch code. Nothing of what it computes changes.

    strict: also find gradients that are wrong although nothing raises (`silent`); slow.
    at_raise: function(error, message, findings), called once for each error about an overwritten
    tensor, where backward raises it; the findings are `Overwrite`s, the one that raised first.
    heal: backward gets what was overwritten as it was (`healer`, else None).
    gradients: keeps those of each backward. listing: lists all writes (with `strict`).
    """

    def __init__(
        self,
        strict: bool = False,
        at_raise: Callable | None = None,
        heal: bool = False,
        gradients: Gradients | None = None,
        listing: Listing | None = None,
    ):
        super().__init__()
        self.logs = Logs()
        self._at_raise = at_raise
        self._here = _Here(self.logs)
        self.own_counters: weakref.WeakValueDictionary = weakref.WeakValueDictionary()
        self._watches_data = False
        self.strict = Strict(self) if strict else None
        self.listing = listing if strict else None
        if self.strict and self.listing:
            self.strict.stretches.told = self._changed
        self.healer = Healer(self, self.strict.stretches if self.strict else None) if heal else None
        self._closely = strict or heal
        self.beside = [one for one in (self.healer, gradients) if one is not None]
        self._undo: list = []

    def __enter__(self):
        self._undo = [begin(self), watch_modules(), *(starts(self) for starts in _STARTS)]
        super().__enter__()
        if self.strict:
            self.strict.start(own_frame(sys._getframe(1)))
        if self.healer:
            self.healer.start()
        return self

    def __exit__(self, kind, error, traceback):
        if self.healer:
            self.healer.stop()
        if self.strict:
            self.strict.stop()
        take_off(self)
        for undo in reversed(self._undo):
            undo()

    @property
    def silent(self) -> list[Overwrite]:
        """What made a gradient wrong without an error (`strict` only)."""
        return self.strict.silent if self.strict else []

    @property
    def unwatched(self) -> list[str]:
        """What of this run could not be looked into, in words (`strict` only)."""
        return sorted(self.strict.unwatched) if self.strict else []

    def passed_over(self, what: str):
        """Note that `what` ran and was not looked into."""
        if self.strict:
            self.strict.unwatched.add(what)

    @property
    def writes(self) -> list[Write]:
        """Every write that is still in the log, in order."""
        return [Wrote._make(one).told() for one in self.logs.writes]

    # the two logs

    def __torch_function__(self, func, types, args=(), kwargs=None):
        try:
            name = func.__name__
            if name == "__get__":  # half of all calls
                result = func(*args)
                if func.__self__ is _DATA:
                    self.own_counters[id(result)] = result  # it has a counter of its own
                    self._watches_data = True
                return result
            if name in _QUICK and (name != "__set__" or func.__self__ not in _PARTS):
                result = func(*args, **kwargs) if kwargs else func(*args)
                if name in _ASKING or self._closely:
                    self._looked(name, func, args, sys._getframe(1))
                return result
            plain = not types or PLAIN.issuperset(types)
            before = versions(args, kwargs, plain)
            node = next_node()
            if self._closely:
                self._announce(name, node)
            try:
                result = func(*args, **kwargs) if kwargs else func(*args)
            finally:
                event, last = None, next_node()
                try:
                    if last != node:
                        event = self.event(name, sys._getframe(1))
                        self._here.calls.add(node, last, event, self.logs.tick())
                    for tensor, version in before if plain else moved(before):
                        if not plain or tensor._version != version:
                            event = event or self.event(name, sys._getframe(1))
                            self._wrote(event, tensor, version, before, node, last)
                except RecursionError:  # the program is at its limit: this call is not told
                    pass
            if kwargs and kwargs.get("requires_grad") is True and isinstance(result, torch.Tensor):
                note_asked(self.logs, result, self.event(name, sys._getframe(1)))
            if self._closely:
                given, pure = [t for t, _ in before], type(func) in _PYTORCHS and not moved(before)
                self.called(name, node if last != node else None, result, given, pure)
            return result
        except RecursionError as error:  # no room for a call of ours
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            raise
        except BaseException as error:
            step_out_of(error)
            if isinstance(error, RuntimeError):
                self.refused(error, self.event(func.__name__, sys._getframe(1)), args)
            raise

    def _announce(self, name, node):
        if self.strict:
            self.strict.calls(name)
            if self.listing:
                self.listing.call_begins()
        if self.healer:
            self.healer.call_begins(node)

    def _looked(self, name, func, args, frame):
        """A call that moves no counter has ended."""
        if name == "requires_grad_" or name == "__set__" and func.__self__ is _ASKS:
            note_asked(self.logs, args[0], self.event(name, frame))
        elif name == "__set__" and func.__self__ is _DATA:
            self.called("x.data = …", None, None, args[:1])
        elif self.strict and name in OPENS:
            self.strict.called(name, None, None, args[:1])
        elif self.healer and name == "register_hook":
            self.healer.hooked(args[0])

    def called(self, name, first, result, given, pure=False):
        """A call has ended. first: the number of the first node it made, or None; given: the
        tensors among its arguments; pure: no counter moved, and it is an operator of PyTorch's."""
        if self.strict:
            self.strict.called(name, first, result, given, pure)
        if self.healer:
            self.healer.called(name, given, pure)

    def calls_here(self) -> Calls:
        """The log of this thread's nodes."""
        return self._here.calls

    def refused(self, error: RuntimeError, event: Event, args):
        """A call has raised."""

    def event(self, name: str, frame) -> Event:
        """The call `name`, made in `frame`, as the logs keep it."""
        while LOOSE:
            LOOSE.popleft()
        inner, own, via, frame = spot_of(frame)
        return event_of(name, inner, own, via, RUNNING.path(frame))

    def _wrote(self, event, tensor, version, before, first, last):
        if type(tensor) in PLAIN:
            return self._write_down(event, tensor, version, before, first, last)
        with DisableTorchFunctionSubclass():
            self._write_down(event, tensor, version, before, first, last)

    def _write_down(self, event, tensor, version, before, first, last):
        calls, base = self._here.calls, None
        if (last != first or self._watches_data) and tensor._is_view():
            base = tensor._base
        owner = tensor if base is None else base
        own = self._watches_data and self.own_counters.get(id(owner)) is owner
        if self.listing:
            self._list(event, tensor, not own)
        if own:
            return
        now, thread = tensor._version, calls.thread
        wrote = event, storage_of(tensor), version, now, tensor.shape, thread, self.logs.tick()
        self.logs.writes.append(wrote)
        if base is not None and last != first and type(base.grad_fn).__name__ == "CopySlices":
            with DisableTorchFunctionSubclass():
                saves = [(storage_of(t), t._version, tuple(t.shape)) for t, _ in before]
            self.logs.slices.append((calls, first, last, saves))

    def _list(self, event, tensor, ticked):
        storage = storage_of(tensor)
        self.listing.wrote(event.op, event.site, storage, ticked, self.strict.waiting(storage))

    def _changed(self, stretch):
        wrote, ticked = stretch.changes[-1]
        if not ticked:
            self._list(wrote, stretch.tensor, False)

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

    def explain(self, error, roots):
        """Tell of an error that backward from `roots` has raised, if it is about an overwrite."""
        if self._at_raise is None or not isinstance(error, RuntimeError):
            return
        message = parse(str(error))
        if message is None or not message.overwritten:
            return
        try:
            with DisableTorchFunctionSubclass():
                begun = monotonic()
                found = self.findings(message, roots)
                if (seconds := monotonic() - begun) > _LONG:
                    say(f"overwritten: the graph was asked for {seconds:.0f} s.")
                self._at_raise(error, message, found)
        except Exception as ours:  # the program's own error goes on
            say(f"overwritten: this error could not be looked into: {ours!r}")

    def findings(self, message: Message, roots=()) -> list[Overwrite]:
        """Every broken save that `roots` lead to, the one that `message` tells of first."""
        unchanged = self.strict.unchanged if self.strict else None
        return findings(message, ask(roots), self.logs, unchanged)
