"""Wrong gradients that raise nothing: what backward needs changed, and PyTorch's check is silent.

The idea: whatever backward will read is copied when it is saved and compared after every call
that touches it, after every line of the user's code, and at the use. Where it changed, the node
runs once more with the bytes as they were: another result is a wrong gradient, the same is none.
A Function of the user's own does not run twice: there it says "may". Slow, and off by default.
"""

from __future__ import annotations

import sys
import weakref
from dataclasses import replace

import torch
from torch.autograd.function import BackwardCFunction

from overwritten.doctor.casts import Casts
from overwritten.doctor.handed import Handed
from overwritten.doctor.handles import Handle
from overwritten.doctor.packed import Packed, is_ours
from overwritten.doctor.places import OWN, whose
from overwritten.doctor.stretches import Stretches, readable, same
from overwritten.doctor.traced import trace
from overwritten.record.events import CONTEXT, MAYBE, Overwrite, Save, Write
from overwritten.record.graph import nodes, saves_of
from overwritten.record.private import DisableTorchFunction, disable_current_modes, writes_nothing
from overwritten.record.tensors import tensors_in

#: A write that no call of PyTorch's made; the second, where not every line was followed by a look.
OUTSIDE = "a write outside PyTorch"
EARLIER = "a write outside PyTorch, here or some lines before,"
#: Calls that hand a tensor's memory to somebody else.
OPENS = frozenset("numpy __array__ __dlpack__ data_ptr untyped_storage storage".split())


class Strict:
    """Follows the lines of the user's own files in this thread, from `start` to `stop`.

    eyes: the watch that tells of calls. silent: what was found, an `Overwrite` for each fault (a
    saving line and the lines that wrote; before and after are None). unchecked: saves that backward
    read although their counter had moved, harmless or not. unwatched: what was not looked into.
    """

    def __init__(self, eyes):
        self.eyes = eyes
        self.stretches = Stretches()
        self._handles: weakref.WeakSet = weakref.WeakSet()
        self._handed = Handed(self)
        self._running: list[list[Handle]] = []  # the Functions of one's own that run backward
        self._packed = Packed(self)
        self.used: list | None = None  # by the node that runs: (save, bytes, writers) to judge
        self._ran: list = []  # (node, handles) of this backward
        self._depth = 0  # of backwards in backwards
        self._casts = Casts(self)
        self.again = False  # a node runs once more, with the bytes as they were
        self.silent: list[Overwrite] = []
        self.unchecked: list[Overwrite] = []
        self.unwatched: set[str] = set()
        self.call = ""

    def start(self, frame):
        self._undo = self._packed.watch()
        self._at = self.site(frame)
        self._untrace = trace(frame, self._on_call, self._on_event)

    def waiting(self, storage) -> list:
        """(operation, line) of each save in a storage that backward has not come for yet."""
        place = self.stretches.place(storage)
        inside = [one for one in self._handles if one.stretch.place is place]
        return [(one.save.op, one.save.site) for one in inside if not one.used]

    def stop(self):
        self._look()
        self._untrace()
        self._undo()

    # what is saved

    def calls(self, name):
        """A call begins."""
        self.call = name
        self._packed.call_begins()

    def called(self, name, first, result, before, pure=False):
        """After a call. first: the number of the first node it made, None for none; before: the
        tensors among its arguments. pure: one of PyTorch's own that moved no counter."""
        if torch.jit.is_tracing():  # it would record what is done here
            return self.eyes.passed_over("what torch.jit.trace runs")
        with DisableTorchFunction():
            self._packed.call_ended()
            site = None
            if name in OPENS:
                for tensor in before:
                    self.stretches.opened(tensor)
            if before and not (pure and writes_nothing(name)):
                frame = sys._getframe(2)
                self.stretches.look_at(before, lambda: self._wrote(name, self.site(frame)))
            if first is None:
                return
            made = [t for t in tensors_in([result, before]) if t.grad_fn is not None]
            for node in nodes(made, first):
                if not hasattr(node, "variable"):  # a leaf's own node outlives the graph
                    site = site or self.site(sys._getframe(2))
                    self._follow(node, name, site)
                    self._casts.on(node, first, name, site)

    def _follow(self, node, name, site):
        own = isinstance(node, BackwardCFunction)
        if type(node).__name__ == "CopySlices":
            self.unwatched.add("what writes into slices save")
        kept = [(attribute, raw, "") for attribute, raw, _ in saves_of(node)]
        if own:
            kept += [
                (f"ctx.{name}", tensor, CONTEXT)
                for name, value in vars(node).items()
                for tensor in tensors_in(value)
            ]
        handles = [self._handle(*one, name, site, node) for one in kept]
        self._hook(node, [handle for handle in handles if handle], own, own or bool(kept))

    def _handle(self, attribute, raw, kind, name, site, node):
        tensor = raw if kind else getattr(raw, "data", None)
        if getattr(raw, "unpack_hook", None) is not None and not kind:
            if not is_ours(raw.unpack_hook):
                self.unwatched.add("saves under hooks that were on before")
            return None  # `Packed` sees to it
        if not isinstance(tensor, torch.Tensor) or tensor.is_inference():
            return None
        # an attribute may be the Function's own result: without a history it makes no circle
        stretch = self.stretches.of(tensor.detach() if kind and tensor.grad_fn else tensor)
        if stretch is None:
            if tensor.numel():
                self.unwatched.add("tensors whose bytes cannot be read")
            return None
        self.look_at(stretch)
        version = tensor._version
        save = Save(version, version, name, site, number=node._sequence_nr(), tensor=attribute)
        handle = Handle(stretch, save, kind)
        for earlier in [one for handles in self._running for one in handles]:
            if earlier.stretch.place is stretch.place and earlier.first.shape == tensor.shape:
                handle.as_first_saved(earlier)
        self._handles.add(handle)
        return handle

    # what is used

    def _hook(self, node, handles, own, saves):
        run: list = []  # what this run of the node found to judge, and whose turn it was before

        def before(gradients):
            with DisableTorchFunction():
                for handle in handles:
                    self.look_at(handle.stretch)
                used = [
                    (handle.save, handle.first, handle.writers, handle)
                    for handle in handles
                    if handle.changed
                    and (handle.kind or handle.stretch.version == handle.save.expects)
                ]
                run[:] = used, self.used
                self.used = used
                if own:
                    self._running.append(handles)

        def after(results, gradients):
            if self.again or saves and not run:
                return
            with DisableTorchFunction(), disable_current_modes():
                used, self.used = run if saves else ([], self.used)
                run.clear()
                for save, _, writers, handle in used:
                    if handle and not handle.unticked:
                        self.unchecked.append(Overwrite(save, tuple(writers)))
                if used and (own or self._another(node, results, gradients, used)):
                    for save, _, writers, handle in used:
                        kind = handle.kind if handle else ""
                        self.tell(save, writers, kind or (MAYBE if own else ""))
                for handle in handles:
                    handle.used = True
                if own:
                    self._running = [one for one in self._running if one is not handles]
                self._ran.append((node, handles))
                self._handed.on(node, results)

        if saves:
            node.register_prehook(before)
        node.register_hook(after)

    def _another(self, node, results, gradients, used) -> bool:
        """Does the node give another result with the bytes as they were?"""
        now = [(h.stretch.tensor.data, h.first, h.stretch.kept) for *_, h in used if h]
        self.again = True
        try:
            with torch.no_grad():
                for tensor, first, _ in now:
                    tensor.copy_(first)  # through `.data`: no counter moves
                true = node(*gradients)
        except RuntimeError:  # it cannot be put back: overlapping, or of another shape
            return True
        finally:
            self.again = False
            for tensor, _, kept in now:
                tensor.copy_(kept)
        true = true if isinstance(true, tuple) else (true,)
        pairs = [(a, b) for a, b in zip(results, true) if a is not None and b is not None]
        return not all(readable(a) and readable(b) and same(a, b) for a, b in pairs)

    def backward_begins(self):
        self._depth += 1

    def backward_ended(self):
        self._depth -= 1
        if self._depth:
            return
        self._handed.clear()
        self._running.clear()
        self.used = None
        with DisableTorchFunction():
            for node, handles in self._ran:
                if all(getattr(raw, "data", None) is None for _, raw, _ in saves_of(node)):
                    handles[:] = [one for one in handles if one.kind]  # PyTorch has let them go
        self._ran.clear()

    def unchanged(self, broken) -> bool:
        """Are the bytes of a broken save as they were?"""
        for handle in self._handles:
            if (handle.save.number, handle.save.tensor) == (broken.number, broken.name):
                self.look_at(handle.stretch)
                return not handle.changed
        return False

    def tell(self, save, writers, kind=""):
        """Note a fault; the same lines again only count."""
        found = Overwrite(save, tuple(dict.fromkeys(writers)), kind=kind)
        for k, known in enumerate(self.silent):
            if _lines(known) == _lines(found):
                self.silent[k] = replace(known, times=known.times + 1)
                return
        self.silent.append(found)

    # for casts, handed gradients and saves under others' hooks

    def stretch_of(self, gradient):
        return self.stretches.of(gradient)

    def look_at(self, stretch):
        wrote = self._wrote_earlier if self.stretches.behind else self._wrote_here
        self.stretches.look_one(stretch, wrote)

    def maker(self, node):
        made = self.eyes.logs.maker(node._sequence_nr(), node.name())
        return made[0] if made else None

    # who writes

    def site(self, frame):
        return self.eyes.event("", frame).site

    def _wrote(self, op, site):
        return Write(op, None, None, site=site)

    def _wrote_here(self):
        return self._wrote(OUTSIDE, self._at)

    def _wrote_earlier(self):
        return self._wrote(EARLIER, self._at)

    def _on_call(self, frame, event, arg):
        file = frame.f_code.co_filename
        if file[:1] == "<":  # generated code, as a dataclass's __init__, goes with its module
            file = frame.f_globals.get("__file__") or file
            if str(frame.f_globals.get("__name__")).startswith("namedtuple_"):  # has no module
                return None
        if whose(file) != OWN:
            return None
        self._look()
        self._at = self.site(frame)
        return self._on_event

    def _on_event(self, frame, event, arg):
        if event in ("line", "return"):
            self._look()
            outer = event == "return" and frame.f_back
            self._at = self.site(frame if not outer else frame.f_back)
        return self._on_event

    def _look(self):
        """What changed in the line that ends here."""
        with DisableTorchFunction():
            with disable_current_modes():
                self.stretches.look(self._wrote_here, self._wrote_earlier)


def _lines(one):
    """A fault is known by its lines, whatever module ran them."""
    places = [(w.site.file, w.site.line, w.op) for w in one.writers]
    return one.saver.site.file, one.saver.site.line, one.saver.op, places
