"""`with watch():` a block of one's own under the doctor.

The idea: put the eyes on, and the lines where they are asked for; at the end leave on the
recording what they saw. Whole programs and cells go the same way (`__main__`, `magics`).
"""

from __future__ import annotations

import builtins
import sys
import warnings
from typing import Any

from overwritten.doctor.diagnosis import Diagnosis, diagnose
from overwritten.doctor.gradients import Gradients
from overwritten.doctor.healed import healed_text
from overwritten.doctor.listing import Listing
from overwritten.doctor.modules import leave_out_detours
from overwritten.doctor.places import ours
from overwritten.doctor.refused import refusal
from overwritten.doctor.report import refused_text, silent_text
from overwritten.doctor.saying import say
from overwritten.doctor.watching import Eyes
from overwritten.messages import parse
from overwritten.record.private import SHOWS_SAVES
from overwritten.record.recorder import Lines
from overwritten.record.recording import Recording

#: From Python 3.11 on.
_GROUP: Any = getattr(builtins, "BaseExceptionGroup", ())


#: Where an error keeps its marks: the same error may be met again, and another at its address.
_MARKS = "__overwritten__"
#: In the text of an error that was made anew from another's traceback.
_RETOLD = "Traceback (most recent call last)"
NOT_SHOWN = (
    "overwritten: this PyTorch does not show what it saves, so wrong gradients that raise nothing "
    "(strict) are looked for only under saved-tensor hooks."
)


class _Marks(dict):
    """Lies in an error: the number of a watch → its diagnosis. It is not pickled with the error."""

    def __reduce__(self):
        return dict, ()


class Doctor(Eyes):
    """Eyes that speak: an error about an overwritten tensor gets the diagnosis as a note where
    backward raises it, so that it has it wherever it goes.

    all: every diagnosis, in order, of errors that the program caught, too.
    tell: function(error, diagnosis), called at each.
    refusals: (write, who made it a leaf, cures) of each write that PyTorch refused at once.
    notes: False leaves the errors as they are, for one who shows the diagnoses himself.
    heal: backward gets what was overwritten as it was. gradients: keeps those of each backward.
    """

    def __init__(
        self,
        strict: bool = False,
        tell=lambda error, diagnosis: None,
        notes: bool = True,
        heal: bool = False,
        gradients: Gradients | None = None,
        listing: Listing | None = None,
    ):
        super().__init__(strict, self._note, heal, gradients, listing)
        if strict and not SHOWS_SAVES:
            say(NOT_SHOWN)
        self._tell, self._notes = tell, notes
        self.all: list[Diagnosis] = []
        self.refusals: list[tuple] = []

    def of(self, error: BaseException | None) -> Diagnosis | None:
        """The diagnosis of `error` or of one that it comes from; of an error that backward did
        not raise, the suspects."""
        for one in chain_of(error):
            if id(self) in (marks := vars(one).get(_MARKS, ())):
                return marks[id(self)]
            message = parse(str(one)) if isinstance(one, RuntimeError) else None
            if message is not None and message.overwritten and not chain_of(one)[1:]:
                if _RETOLD in str(one):  # by a DataLoader's worker, a replica: told where it arose
                    return next((d for d in reversed(self.all) if d.message == message), None)
                self._note(one, message, self.findings(message))
                return self.all[-1]
        return None

    def forget(self):
        """Begin `all`, `refusals` and `silent` anew. The logs stay."""
        self.all.clear()
        self.refusals.clear()
        self.silent.clear()

    def refused(self, error, event, args):
        """A note for a write that PyTorch refused; the error goes on as it is."""
        try:
            found = refusal(error, event, args, self.logs)
        except Exception as ours:
            say(f"overwritten: this error could not be looked into: {ours!r}")
            return
        if found is not None:
            self.refusals.append(found)
            self._say(error, refused_text(*found))

    def _note(self, error, message, found):
        marks = vars(error).setdefault(_MARKS, _Marks())
        if id(self) in marks:  # through a backward inside a backward
            return
        diagnosis = diagnose(message, found)
        self.all.append(diagnosis)
        marks[id(self)] = diagnosis
        self._tell(error, diagnosis)
        self._say(error, diagnosis.text())

    def _say(self, error, text):
        if not self._notes:
            return
        if not hasattr(error, "add_note"):  # Python 3.10
            say(text)
        elif text not in getattr(error, "__notes__", ()):
            error.add_note(text)


def chain_of(error: BaseException | None) -> list[BaseException]:
    """The error and those that it comes from or holds (`ExceptionGroup`), latest first."""
    chain: list[BaseException] = []
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if one is not None and not any(one is known for known in chain):
            chain.append(one)
            held = one.exceptions if isinstance(one, _GROUP) else ()
            waiting += [one.__cause__ or one.__context__, *held]
    return chain


def without_our_frames(error: BaseException):
    """Take our own frames out of its traceback: Python 3.10 does not let them leave earlier; and
    what is there only because a mode is on."""
    step = error.__traceback__
    while step is not None:
        while step.tb_next is not None and ours(step.tb_next.tb_frame.f_code.co_filename):
            step.tb_next = step.tb_next.tb_next
        step = step.tb_next
    leave_out_detours(error.__traceback__)


class watch:
    """`with watch() as recording:` around any PyTorch code of your own.

    Nothing of what the code computes changes. If a tensor that backward needs was overwritten,
    the error stays as it is, word for word, and gets a note with both lines (Python 3.11 or later
    prints it); `recording.diagnosis` holds it too, and `recording.all` those of errors that
    were caught inside.
    lines: record the block line by line as well, for `film(recording)`; slower.
    scratch: with lines, measure what each call takes and gives back inside itself.
    What torch.compile makes runs compiled, as it would, and is not looked into.
    strict: also warn of gradients that may be wrong although nothing raises
    (`recording.silent`); slow, see `overwritten.doctor.strict`.
    heal: backward gets what was overwritten as it was, so that nothing raises; `recording.healed`
    is a list of the faults, which are told on stderr at the end. It copies all that is saved.

    >>> import torch
    >>> x = torch.ones(3, requires_grad=True)
    >>> try:
    ...     with watch() as recording:
    ...         y = x.exp()
    ...         y += 1
    ...         y.sum().backward()
    ... except RuntimeError:
    ...     print(recording.diagnosis.writers[0].op, "→", recording.diagnosis.cures[0].code)
    add_ → `y = y + 1`
    """

    def __init__(
        self, lines: bool = False, scratch: bool = False, strict: bool = False, heal: bool = False
    ):
        self._eyes = Doctor(strict, heal=heal)
        self._lines = Lines(scratch) if lines else None
        self.recording = self._lines.recording if self._lines else Recording()

    def __enter__(self) -> Recording:
        self._eyes.__enter__()
        if self._lines:
            self._lines.enter(sys._getframe(1))
        return self.recording

    def __exit__(self, kind, error, traceback):
        if self._lines:
            self._lines.leave(error)
        self._eyes.__exit__(kind, error, traceback)
        self.recording.silent = self._eyes.silent
        for silent in self._eyes.silent:
            warnings.warn(silent_text(silent), stacklevel=2)
        if (healer := self._eyes.healer) is not None:
            self.recording.healed = healer.faults.all
            say(healed_text(healer))
        if error is not None:
            without_our_frames(error)
        mine = self._eyes.of(error)
        self.recording.all = self._eyes.all
        self.recording.diagnosis = mine or next(iter(self._eyes.all), None)
