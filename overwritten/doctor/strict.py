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
import sysconfig
import zlib

import torch
from torch.autograd.graph import saved_tensors_hooks

from overwritten.doctor.places import CASES, ours
from overwritten.record.events import Overwrite
from overwritten.record.private import DisableTorchFunction, push_hooks

_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


class Fingerprints:
    """Follows the lines of the user's own files in this thread, from `start` to `stop`.

    held: a function that gives all handles alive. site: a function(frame) → Site.
    silent: what was found, an `Overwrite` for each save; its writers are the lines in which the
    bytes changed (before and after are None where no counter moved).
    """

    def __init__(self, held, site, wrote):
        self._held, self._site, self._wrote = held, site, wrote
        self.silent: list[Overwrite] = []
        self.last_call = ""
        self._users = {}

    def start(self, frame):
        self._earlier, self._base = sys.gettrace(), frame
        self._earlier_local, frame.f_trace = frame.f_trace, self._on_event
        self._at = self._site(frame)
        sys.settrace(self._on_call)

    def stop(self):
        self._look()
        sys.settrace(self._earlier)
        self._base.f_trace, self._base = self._earlier_local, None

    def saved(self, handle):
        """At the save."""
        handle.first = handle.print = fingerprint(handle.tensor)
        handle.printed, handle.ticked = handle.tensor._version, []

    def used(self, handle, node):
        """At the use, its counter being right: are the bytes right, too?"""
        now = fingerprint(handle.tensor)
        if now == handle.first or _never_read(handle, node):
            return
        self._compare(handle, now)
        unticked = [w for w in handle.writes if w.after is None]
        self.tell(handle.save, unticked or handle.ticked)

    def tell(self, save, writers):
        """Note a save whose bytes were not the same at its use; each save once."""
        if not any(silent.saver is save for silent in self.silent):
            self.silent.append(Overwrite(save, tuple(writers)))

    def _on_call(self, frame, event, arg):
        file = frame.f_code.co_filename
        if file.startswith("<"):  # generated code, as a dataclass's __init__, goes with its module
            file = frame.f_globals.get("__file__") or file
        if file not in self._users:
            self._users[file] = file.startswith(CASES) or not (
                file.startswith((*_LIBRARIES, "<frozen")) or ours(file)
            )
        if self._users[file]:
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
            for handle in self._held():
                self._compare(handle, fingerprint(handle.tensor))

    def _compare(self, handle, now):
        version = handle.tensor._version
        if now != handle.print:
            wrote = self._wrote(self.last_call or "a write outside PyTorch", self._at)
            # a counter that moved may still be put back, as _unsafe_preserve_version_counter does
            (handle.writes if version == handle.printed else handle.ticked).append(wrote)
        handle.print, handle.printed = now, version


def watch_inner_hooks(prints, note_save):
    """Saves under somebody else's hooks (checkpoints, `save_on_cpu`) escape ours: compare what
    their unpack gives back with what their pack was given. Returns a function that undoes it.

    note_save(tensor) → (a `Save`, a function that gives the ticked writes to its storage since).
    """
    enter = saved_tensors_hooks.__enter__

    def watched(hooks):
        pack, unpack = hooks.pack_hook, hooks.unpack_hook

        def both(tensor):
            with DisableTorchFunction():
                mine = note_save(tensor), fingerprint(tensor)
            return pack(tensor), mine

        def checked(packed):
            theirs, ((save, writes), first) = packed
            tensor = unpack(theirs)
            with DisableTorchFunction():
                if isinstance(tensor, torch.Tensor) and fingerprint(tensor) != first:
                    prints.tell(save, writes())
            return tensor

        push_hooks(both, checked)

    saved_tensors_hooks.__enter__ = watched
    return lambda: setattr(saved_tensors_hooks, "__enter__", enter)


def fingerprint(tensor) -> int:
    """A checksum of the tensor's bytes; 0 where it has none to read."""
    if tensor.layout is not torch.strided or tensor.device.type == "meta" or not tensor.numel():
        return 0
    dense = tensor.detach()
    if dense.device.type != "cpu" or not dense.is_contiguous():
        dense = dense.cpu().contiguous()
    dense = dense.resolve_conj().resolve_neg()
    size = dense.numel() * dense.element_size()
    return zlib.crc32((ctypes.c_char * size).from_address(dense.data_ptr()))


def _never_read(handle, node) -> bool:
    """A batch norm that trains keeps its running statistics and never reads them."""
    statistics = handle.tensor.dim() == 1 and not handle.needs_gradient
    return statistics and bool(getattr(node, "_saved_training", False))
