"""Wrong gradients that raise nothing: saved bytes that changed while no counter moved.

The idea: a fingerprint of each saved tensor at the save, after every line of the user's
code, and at the use. A change without a tick names the line between two fingerprints,
whoever wrote: `.data`, NumPy, ctypes, a fused kernel, running statistics.
It is slow (every line reads all that is saved) and off by default. It compares bytes, not
gradients: where backward did not need the bytes, its alarm is a false one, so it says "may".
"""

from __future__ import annotations

import ctypes
import sys
import weakref
import zlib

import torch
from torch.autograd.graph import saved_tensors_hooks

from overwritten.doctor.places import OWN, whose
from overwritten.record.events import Overwrite, Save, Write
from overwritten.record.graph import nodes, saves_of, storage_of
from overwritten.record.private import DisableTorchFunction, disable_current_modes, push_hooks
from overwritten.record.tensors import tensors_in


class _Handle:
    """A save that is followed. Only a hook on its node holds it: it lives as long as the node."""

    def __init__(self, tensor, save):
        # a leaf itself, for `w.data = …` may rebind it; else without a history: no circle
        self.tensor = tensor if tensor.is_leaf else tensor.detach()
        self.save, self.needs_gradient = save, tensor.requires_grad
        self.first = self.print = fingerprint(self.tensor)
        self.version = self.tensor._version
        self.unticked, self.ticked = [], []  # writes that left the counter alone, and others


class Fingerprints:
    """Follows the lines of the user's own files in this thread, from `start` to `stop`.

    eyes: the watch that tells of calls. silent: what was found, an `Overwrite` for each save; its
    writers are the lines in which the bytes changed (before and after are None where no counter
    moved).
    """

    def __init__(self, eyes):
        self._eyes = eyes
        self._handles: weakref.WeakSet = weakref.WeakSet()
        self.silent: list[Overwrite] = []
        self.last_call = ""

    def start(self, frame):
        self._undo = self._watch_inner_hooks()
        self._earlier, self._base = sys.gettrace(), frame
        self._earlier_local, frame.f_trace = frame.f_trace, self._on_event
        self._at = self._site(frame)
        sys.settrace(self._on_call)

    def stop(self):
        self._look()
        sys.settrace(self._earlier)
        self._base.f_trace, self._base = self._earlier_local, None
        self._undo()

    def called(self, name, first, result, args):
        """After a call; first: the number of the first node it made, None for none."""
        self.last_call = name
        if first is None:
            return
        with DisableTorchFunction():
            site = self._site(sys._getframe(2))
            for node in nodes(
                [t for t in tensors_in([result, args]) if t.grad_fn is not None], first
            ):
                handles = [
                    self._follow(raw, name, site, node, attribute)
                    for attribute, raw, _ in saves_of(node)
                ]
                if any(handles):
                    self._use_before(node, [handle for handle in handles if handle])

    def unchanged(self, broken) -> bool:
        """Are the bytes of a broken save as they were?"""
        for handle in self._handles:
            if (handle.save.number, handle.save.tensor) == (broken.number, broken.name):
                return fingerprint(handle.tensor) == handle.first
        return False

    def _follow(self, raw, name, site, node, attribute):
        if getattr(raw, "unpack_hook", None) is not None or not hasattr(raw, "data"):
            return None
        tensor = raw.data
        if not isinstance(tensor, torch.Tensor) or tensor.is_inference():
            return None
        version = tensor._version
        save = Save(version, version, name, site, number=node._sequence_nr(), tensor=attribute)
        handle = _Handle(tensor, save)
        self._handles.add(handle)
        return handle

    def _use_before(self, node, handles):
        trains = bool(getattr(node, "_saved_training", False))

        def used(gradients):
            with DisableTorchFunction():
                for handle in handles:
                    self._used(handle, trains)

        node.register_prehook(used)

    def _used(self, handle, trains):
        """At the use: if its counter is right, are the bytes right, too?"""
        now = fingerprint(handle.tensor)
        if now == handle.first or now is None or handle.tensor._version != handle.save.expects:
            return
        if trains and handle.tensor.dim() == 1 and not handle.needs_gradient:
            return  # a batch norm that trains keeps its running statistics and never reads them
        self._compare(handle, now)
        self.tell(handle.save, handle.unticked or handle.ticked)

    def tell(self, save, writers):
        """Note a save whose bytes were not the same at its use; each save once."""
        if not any(silent.saver is save for silent in self.silent):
            self.silent.append(Overwrite(save, tuple(writers)))

    def _site(self, frame):
        return self._eyes.event("", frame).site

    def _on_call(self, frame, event, arg):
        file = frame.f_code.co_filename
        if file.startswith("<"):  # generated code, as a dataclass's __init__, goes with its module
            file = frame.f_globals.get("__file__") or file
        if whose(file) == OWN:
            self._look()
            self._at = self._site(frame)
            return self._on_event

    def _on_event(self, frame, event, arg):
        if event in ("line", "return"):
            self._look()
            self._at = self._site(
                frame if event == "line" or frame.f_back is None else frame.f_back
            )
            self.last_call = ""
        return self._on_event

    def _look(self):
        """What changed in the line that ends here."""
        with DisableTorchFunction():
            for handle in list(self._handles):
                self._compare(handle, fingerprint(handle.tensor))

    def _compare(self, handle, now):
        version = handle.tensor._version
        if now is not None and now != handle.print:
            wrote = Write(self.last_call or "a write outside PyTorch", None, None, site=self._at)
            # a counter that moved may still be put back, as _unsafe_preserve_version_counter does
            (handle.unticked if version == handle.version else handle.ticked).append(wrote)
            handle.print = now
        handle.version = version

    def _watch_inner_hooks(self):
        """Of saves under somebody's hooks (checkpoints, `save_on_cpu`) the graph shows nothing:
        compare what their unpack gives back with what their pack was given."""
        enter = saved_tensors_hooks.__enter__

        def watched(hooks):
            pack, unpack = hooks.pack_hook, hooks.unpack_hook

            def both(tensor):
                with DisableTorchFunction():
                    version, storage = tensor._version, storage_of(tensor)
                    save = Save(version, version, self.last_call, self._site(sys._getframe(1)))
                    mine = save, storage, self._eyes.logs.tick(), fingerprint(tensor)
                return pack(tensor), mine

            def checked(packed):
                theirs, (save, storage, order, first) = packed
                tensor = unpack(theirs)
                with DisableTorchFunction():
                    now = fingerprint(tensor) if isinstance(tensor, torch.Tensor) else None
                    if now is not None and now != first:
                        wrote = self._eyes.logs.by_storage()[storage]
                        self.tell(save, [w.told() for w in wrote if w.order > order])
                return tensor

            push_hooks(both, checked)

        saved_tensors_hooks.__enter__ = watched
        return lambda: setattr(saved_tensors_hooks, "__enter__", enter)


def fingerprint(tensor) -> int | None:
    """A checksum of the tensor's bytes; None where it has none that can be read now."""
    with disable_current_modes():
        if tensor.layout is not torch.strided or tensor.is_nested or not tensor.numel():
            return None
        try:
            storage = tensor.untyped_storage()
            if storage.device.type == "meta" or not storage.data_ptr():  # fake, or freed
                return None
        except (NotImplementedError, RuntimeError):
            return None
        dense = tensor.detach()
        if dense.device.type != "cpu" or not dense.is_contiguous():
            dense = dense.cpu().contiguous()
        dense = dense.resolve_conj().resolve_neg()
        size = dense.numel() * dense.element_size()
        return zlib.crc32((ctypes.c_char * size).from_address(dense.data_ptr()))
