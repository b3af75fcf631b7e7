"""What a learner's code did: what backward read overwritten, and which folk cure is to blame.

The idea: nothing is judged by how it is spelled. The strict doctor says which save was overwritten
unheard; a folk cure is to blame where the code, run again without its effect, is right or raises.
What is right is the exercise's to say.
"""

from __future__ import annotations

import linecache
import sys
import warnings
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from overwritten.doctor.block import Doctor
from overwritten.doctor.listing import Listing
from overwritten.doctor.places import PYTORCH, whose
from overwritten.doctor.strict import OPENS
from overwritten.record.events import NOWHERE, Site, Write
from overwritten.record.private import DisableTorchFunction, disable_current_modes

#: A folk cure → what it does instead of curing.
WHY_NOT = {
    ".detach()": "`.detach()` cuts the history: what comes before it gets no gradient. And it copies nothing.",
    ".data": "`.data` cuts the history and has a version counter of its own: what you do with it is not recorded, and a write through it goes unnoticed.",
    "no_grad": "under `no_grad` nothing is recorded: what comes before gets no gradient from these lines.",
}


class Without(TorchFunctionMode):
    """A folk cure without its effect: `with Without(".detach()") as without:` around a call.

    cure: a key of `WHY_NOT`, or "retain_graph=True". met: was it used? only_note: it has its effect.
    """

    def __init__(self, cure: str, only_note: bool = False):
        super().__init__()
        self.cure, self.met, self._only_note = cure, False, only_note

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, name = kwargs or {}, func.__name__
        if name in ("__get__", "__set__"):
            name = f"{name} {func.__self__.__name__}"
        if self.cure != _FOLK.get(name) or name == "_set_grad_enabled" and (args[0] or not _own()):
            return func(*args, **kwargs)
        retains = self.cure == "retain_graph=True"
        asked = kwargs.get("retain_graph")
        self.met |= not retains or bool(kwargs.get("create_graph") if asked is None else asked)
        if self._only_note:
            return func(*args, **kwargs)
        return func(*args, **kwargs | {"retain_graph": False}) if retains else args[0]


#: The function that PyTorch runs → the folk cure that it is.
_FOLK = {
    "__get__ data": ".data",
    "detach": ".detach()",
    "detach_": ".detach()",
    "_set_grad_enabled": "no_grad",
    "backward": "retain_graph=True",
    "grad": "retain_graph=True",
}


def _own() -> bool:
    """Does the learner's code switch the recording? Where an optimizer does it, it has to."""
    frame: Any = sys._getframe(2)
    while frame.f_code.co_filename.endswith(("grad_mode.py", "_contextlib.py")):
        frame = frame.f_back
    return whose(frame.f_code.co_filename) != PYTORCH


def blamed(right) -> str:
    """The sentence on the folk cure without whose effect the answer would be right, or ''.

    right: function(a `Without`) → bool; it runs the answer under it.
    """
    for cure, why in WHY_NOT.items():
        without = Without(cure)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if right(without) and without.met:
                    return why
        except Exception:  # without it the answer does not run at all
            continue
    return ""


class Witness(Doctor):
    """`with Witness(x) as witness:` around a learner's code: the strict doctor, who says nothing.

    unheard: writes into the tensors given that moved none of their counters; handed: such writes
    into tensors whose memory was handed to NumPy and the like.
    """

    def __init__(self, *tensors: torch.Tensor, listing: Listing | None = None):
        super().__init__(strict=True, notes=False, listing=listing)
        assert self.strict is not None
        self._stretches, self._unchecked = self.strict.stretches, self.strict.unchecked
        self._from = self.event("", sys._getframe(1)).site  # what runs in the check itself
        self._given = [self._stretches.of(tensor) for tensor in tensors]
        self._handed: list = []
        self._begins, self.strict.calls = self.strict.calls, self._call_begins  # type: ignore[method-assign]

    def _call_begins(self, name):
        """What has changed since the call before did not go through PyTorch, whatever ticks next."""
        with DisableTorchFunction(), disable_current_modes():
            for stretch in filter(None, self._given):
                self.strict.look_at(stretch)
        self._begins(name)

    @property
    def read_data(self) -> bool:
        """Was `.data` read?"""
        return self._watches_data

    @property
    def unheard(self) -> list[Write]:
        return _unticked(self._given)

    @property
    def handed(self) -> list[Write]:
        return _unticked(self._handed)

    def called(self, name, first, result, given, pure=False):
        if name in OPENS:
            self._handed += map(self._stretches.of, given)
        super().called(name, first, result, given, pure)

    def told(self, one) -> str:
        """What saved and what wrote over it, as lines of the learner's code."""
        return both_lines(one, outside=self._from)

    @property
    def hidden(self) -> str:
        """What backward read although it had been overwritten, as a sentence, or ''."""
        for one in self._unchecked:
            return (
                f"{self.told(one)}. The counter moved, but the check is switched off there (hooks on saved "
                "tensors, or a counter put back): that silences the error and mends nothing."
            )
        for one in self.silent:
            if not one.writers:  # nothing was written
                return (
                    f"{self.told(one).rpartition(' saved, ')[0]} saved, and hooks on saved tensors hand backward other numbers "
                    "than those that were saved: the gradient is another one."
                )
            return (
                f"{self.told(one)}, and no counter moved (`.data`, NumPy and DLPack write like that): "
                "PyTorch cannot warn you, and backward reads the overwritten numbers."
            )
        return ""


def _unticked(stretches):
    changes = [change for stretch in stretches if stretch for change in stretch.changes]
    return [wrote for wrote, ticked in changes if not ticked]


def who(recording, code: str = "") -> str:
    """What a watched block ended with, or what strict mode found in it, as lines of code.

    code: the source, where Python cannot look it up.

    >>> from overwritten import watch
    >>> who(watch().recording)
    'nothing found'
    """
    found = [recording.diagnosis] if recording.diagnosis else recording.silent
    return "; ".join(dict.fromkeys(both_lines(one, code) for one in found)) or "nothing found"


def both_lines(one, code: str = "", outside: Site = NOWHERE) -> str:
    """What saved and what wrote over it, as lines of code; without one, the operation.

    one: a finding of the doctor's. outside: a line that is not shown.
    """

    def said(event):
        line = "" if _spot(event.site) == _spot(outside) else line_at(event.site, code)
        return f"`{line or event.op}`"

    saver = f"{said(one.saver)} saved" if one.saver else "something unseen saved"
    writers = dict.fromkeys(map(said, one.writers))
    spots = {_spot(event.site) for event in (one.saver, *one.writers) if event}
    if one.saver and one.writers and len(spots) == 1 and line_at(one.saver.site, code):
        return f"{saver}, and the same line wrote over it"
    return f"{saver}, {' and '.join(writers) or 'something unseen'} wrote over it"


def _spot(site):
    return site.file, site.line


def line_at(site, code: str = "") -> str:
    """The line of code at a doctor's site, '' where nobody knows it. code: as for `who`."""
    line = code.splitlines()[site.line - 1] if code else linecache.getline(site.file, site.line)
    return line.strip()
