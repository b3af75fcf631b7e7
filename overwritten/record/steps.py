"""What one line did: the calls in it, the storages and tensors after it → a Step.

The idea: compare with the step before. Whatever changed came in this line, seen or not.
Which line it was, and when it ended, the recorder says.
"""

from __future__ import annotations

from dataclasses import replace

from overwritten.record.calls import Calls
from overwritten.record.ledger import Ledger
from overwritten.record.private import DisableTorchFunction, disable_current_modes
from overwritten.record.recording import Recording
from overwritten.record.saves import Saves
from overwritten.record.tensors import named_tensors, state_of

#: A recording keeps this many steps; later lines still run and are counted.
MAX_STEPS = 500


class Steps:
    """Appends steps to `recording`, up to `MAX_STEPS`; full: there are as many.

    mode: the function mode that sees each torch call, for the recorder to put on.
    """

    def __init__(self, recording: Recording, scratch: bool):
        self.ledger, self.full = Ledger(), False
        self.mode = Calls(self.ledger, scratch)
        self._recording = recording
        self._saves: Saves | None = None
        self._versions: dict[tuple, int | None] = {}  # of (name, id of the tensor), a step earlier

    def ask_nodes(self):
        """Note what nodes save, too. It may run a hook of the learner's: in snippets only."""
        self._saves = Saves(self.ledger)

    def close(self):
        self.ledger.close()
        self._versions = {}

    def append(self, step, names: dict):
        """Note `step` as it stands, filled in with the world that `names` reach."""
        try:
            with DisableTorchFunction(), disable_current_modes():
                self._look(step, names)
        except Exception as error:  # a tracer that raises would raise in the learner's code
            unread = f"something could not be read ({type(error).__name__})"
            self._recording.note = f"After {step.text!r} {unread}."

    def _look(self, step, names):
        ledger = self.ledger
        tensors, versions, first_name = [], {}, {}
        named = list(named_tensors(names))
        for name, tensor in named:
            before = self._versions.get((name, id(tensor)))
            twin = first_name.get(id(tensor), "")
            first_name.setdefault(id(tensor), name)
            state = state_of(name, tensor, ledger, before, twin)
            versions[name, id(tensor)] = state.version
            tensors.append(state)
        saved = self._saves.among(named) if self._saves else ()
        storages = ledger.states()
        self._versions = versions
        self._recording.steps.append(
            replace(
                step,
                storages=storages,
                tensors=tuple(tensors),
                calls=tuple(self.mode.calls),
                born=tuple(ledger.born) if step.line else (),
                freed=tuple(ledger.freed),
                live=ledger.bytes,
                peak=max(ledger.peak, ledger.bytes),
                unseen=self._unseen(storages, tensors),
                resized=self._resized(storages),
                saved=saved,
            )
        )
        self.mode.calls = []
        ledger.born, ledger.freed, ledger.peak = [], [], ledger.bytes
        self.full = self.mode.full = len(self._recording.steps) > MAX_STEPS

    def _unseen(self, storages, tensors):
        written = {write.storage for call in self.mode.calls for write in call.writes}
        # by C++: x.grad in backward
        written |= {t.storage for t in tensors if t.before != t.version}
        written |= {letter for letter, _, _ in self._resized(storages)}
        changed = [s for s in storages if s.cells and self._earlier(s).cells not in ((), s.cells)]
        return tuple(s.letter for s in changed if s.letter not in written)

    def _resized(self, storages):
        pairs = [(s, self._earlier(s)) for s in storages]
        return tuple((s.letter, old.nbytes, s.nbytes) for s, old in pairs if old.nbytes != s.nbytes)

    def _earlier(self, storage):
        before = (s for step in self._recording.steps[-1:] for s in step.storages)
        return next((s for s in before if s.letter == storage.letter), storage)
