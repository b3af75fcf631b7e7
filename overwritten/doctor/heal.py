"""The healed run: what was overwritten is as it was when backward takes it, and each fault is told.

The idea: saved-tensor hooks keep a copy beside each save; where the tensor is no longer what it
was, backward gets the copy. These hooks switch PyTorch's own check off, so nothing raises, and
who saved and who wrote is told from the logs.
It does not heal saves under hooks of others, attributes of `ctx`, or compiled code, and names them.
"""

from __future__ import annotations

import sys
import threading
import weakref
from functools import partial
from time import perf_counter

from torch.autograd.graph import saved_tensors_hooks

from overwritten.doctor.copies import Copies, Kept
from overwritten.doctor.doors import Door, takes_part
from overwritten.doctor.effects import Effects
from overwritten.doctor.faults import Faults
from overwritten.doctor.saying import say
from overwritten.doctor.stretches import Stretches, readable
from overwritten.doctor.strict import EARLIER
from overwritten.messages import Message
from overwritten.record.events import Write
from overwritten.record.private import (
    ALLOW_HOOKS,
    FORBID_HOOKS,
    DisableTorchFunction,
    disable_current_modes,
    next_node,
    pop_hooks,
    push_hooks,
    top_hooks,
    writes_nothing,
)

#: The effect of a fault is measured in so many backwards at most.
_MOST_MEASURED = 20


class _Here(threading.local):
    """on: our hooks are on. forbidden: they were, until others forbade all hooks.

    first: of the nodes of the call that runs; saves: its own. depth: of backwards in backwards;
    followed: are the effects of the outermost measured?
    """

    def __init__(self):
        self.on = self.forbidden = self.followed = False
        self.first, self.depth = None, 0
        self.saves: list[Kept] = []


class Healer:
    """eyes: the watch that tells of calls. faults: what was found. unhealed: {what: how often} of
    what could not be healed. stopped: why it gave up, or ''. seconds: spent, in all threads."""

    def __init__(self, eyes, stretches: Stretches | None):
        self.eyes, self.copies = eyes, Copies(stretches)
        self.effects = Effects()
        self.faults = Faults(eyes.logs)
        self.unhealed: dict[str, int] = {}
        self.stopped, self.seconds = "", 0.0
        self._here = _Here()
        self._alive: weakref.WeakSet[Kept] = weakref.WeakSet()
        self._hooks = self._pack, self._unpack

    # where the hooks are on

    def start(self):
        if top_hooks() is not None:
            self.note("saves under hooks that were on before")
        undo = [self._watch_others(), self._step_aside(*FORBID_HOOKS, self._forbid)]
        undo += [self._step_aside(*ALLOW_HOOKS, None, self._allow)]
        self._undo = undo
        self.turn_on()

    def stop(self):
        self.turn_off()
        for undo in reversed(self._undo):
            undo()

    def turn_on(self):
        """In this thread, if they are not."""
        if not self.stopped and not self._here.on:
            push_hooks(*self._hooks)
            self._here.on = True

    def turn_off(self) -> bool:
        """In this thread, unless others' are above ours: were they on top?"""
        top = top_hooks()
        if not self._here.on or top is not None and top[0] != self._hooks[0]:
            return False
        pop_hooks()
        self._here.on = False
        return True

    def _forbid(self):
        self._here.forbidden |= self.turn_off()

    def _allow(self):
        if self._here.forbidden:
            self._here.forbidden = False
            self.turn_on()

    def _step_aside(self, place, name, before, after=None):
        door = Door(place, name)

        def watched(*args):
            if before:
                before()
            result = door.below(*args)
            if after:
                after()
            return result

        return door.put(watched)

    def _watch_others(self):
        door = Door(saved_tensors_hooks, "__enter__")

        def watched(hooks):
            second = "recomputation" in type(hooks).__name__  # a checkpoint's forward
            if takes_part(self.eyes) and not second:
                self.note(_whose(hooks))
            return door.below(hooks)

        return door.put(watched)

    def note(self, what: str):
        """This is not healed."""
        self.unhealed[what] = self.unhealed.get(what, 0) + 1

    # a save, and what is taken out

    def _pack(self, tensor):
        begun = perf_counter()
        with DisableTorchFunction(), disable_current_modes():
            here, number = self._here, next_node() - 1
            calls, order = self.eyes.calls_here(), self.eyes.logs.tick()
            kept = Kept(tensor, calls, number, order, number if here.first is None else here.first)
            if self.stopped:
                self.turn_off()
            else:
                self._copy(kept)
        here.saves.append(kept)
        self.seconds += perf_counter() - begun
        return kept

    def _copy(self, kept):
        try:
            kept.handle = self.copies.handle(kept.tensor, partial(self._wrote, EARLIER))
        except MemoryError as error:
            self.stopped = f"no memory is left for copies ({error})"
            say(f"overwritten --heal: stops healing: {self.stopped}; the run goes on.")
            return
        if kept.handle is not None:
            self._alive.add(kept)

    def _unpack(self, kept):
        again = self.effects.here.again
        if again is not None and (kept.fault is None or kept.fault is again):
            if kept.handle is not None and not readable(kept.tensor):
                raise RuntimeError("its memory is gone")
            return kept.tensor
        begun = perf_counter()
        with DisableTorchFunction(), disable_current_modes():
            changed = again is not None or self._look(kept)
            if kept.handle is None:
                if kept.ticked and not again:
                    raise RuntimeError(_refusal(kept))
                return kept.tensor
            if again is None and (changed or kept.ticked):
                fault = self.faults.of(kept)
                fault.times += 1
                self.effects.used(fault)
            self.seconds += perf_counter() - begun
            return kept.healed() if changed else kept.tensor

    def _look(self, kept) -> bool:
        if kept.handle is not None:
            self.copies.stretches.look_one(kept.handle.stretch, partial(self._wrote, EARLIER))
        return kept.changed()

    # calls

    def call_begins(self, node: int):
        self._here.first = node
        self._here.saves.clear()

    def called(self, name: str, before, pure=False):
        """After a call, as `Eyes.called`. What it saved and wrote itself, without a tick, counts as
        it left it: RReLU draws its noise after it is saved."""
        begun, here = perf_counter(), self._here
        with DisableTorchFunction(), disable_current_modes():
            if not (pure and writes_nothing(name)):
                wrote = partial(self._wrote, EARLIER if writes_nothing(name) else name)
                self.copies.stretches.look_at(before, wrote)
            for kept in here.saves:
                if kept.handle is not None and self._look(kept) and not kept.ticked:
                    self._copy(kept)
        here.saves.clear()
        here.first = None
        self.seconds += perf_counter() - begun

    def _wrote(self, op):
        return Write(op, None, None, site=self.eyes.event("", sys._getframe(1)).site)

    # backward

    def hooked(self, tensor):
        """A hook may change its gradient."""
        with DisableTorchFunction():
            if tensor.grad_fn is not None:
                self.effects.hook_on(tensor.grad_fn._sequence_nr())

    def backward_begins(self, roots, inputs):
        self._here.depth += 1
        if self._here.depth > 1:
            return
        begun = perf_counter()
        try:
            with DisableTorchFunction(), disable_current_modes():
                self._here.followed = self._follow(roots, inputs)
        except Exception as ours:  # the program goes on
            say(f"overwritten --heal: no effect is measured here: {ours!r}")
        self.seconds += perf_counter() - begun

    def _follow(self, roots, inputs) -> bool:
        """Measure the effects in this backward, if there are faults not yet measured enough."""
        changed = [kept for kept in list(self._alive) if self._look(kept) or kept.ticked]
        faults = {self.faults.of(kept) for kept in changed}
        if all(fault.tried >= _MOST_MEASURED for fault in faults):
            return False
        for fault in faults:
            fault.tried += 1
        return self.effects.begin(roots, inputs)

    def backward_ended(self, inputs, results):
        """results: None where it failed."""
        self._here.depth -= 1
        if not self._here.depth and self._here.followed:
            self._here.followed = False
            with DisableTorchFunction(), disable_current_modes():
                self.effects.end(inputs, results)


def _refusal(kept):
    """What PyTorch says of a save without a copy."""
    tensor, now = kept.tensor, kept.tensor._version
    kind, shape = tensor.type(), tuple(tensor.shape)
    message = Message("overwritten", kind, shape, now=now, expected=kept.version, hint="plain")
    return message.text()


def _whose(hooks):
    """The saves under these hooks, in words."""
    kind = type(hooks).__name__
    if type(hooks).__module__ == "torch.utils.checkpoint":
        return "saves in a checkpoint"
    return f"saves under {'hooks of others' if kind == 'saved_tensors_hooks' else kind}"
