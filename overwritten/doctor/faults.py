"""The faults that a healed run meets, each known by its lines.

The idea: a save knows its node and its storage, so the logs know the call that made it and the
writes since; writes past the counter are those that its bytes have seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from overwritten.doctor.copies import Kept
from overwritten.doctor.effects import Effect
from overwritten.doctor.findings import since_saved
from overwritten.doctor.logs import Logs, chain
from overwritten.record.events import NOWHERE, Overwrite, Save


@dataclass(eq=False)
class Fault:
    """An overwritten save that was healed. found: who saved and who wrote. ticked: PyTorch would
    have raised. times: how often it was healed.

    effects: what the gradient would have been, by the leaf's name, where it would have been
    another. behind: past whom that is not known. measured: was it looked at? tried: in how many
    backwards. order: when the first was saved.
    """

    found: Overwrite
    ticked: bool
    order: int
    times: int = 0
    effects: dict[str, Effect] = field(default_factory=dict)
    behind: set[str] = field(default_factory=set)
    measured: bool = False
    tried: int = 0

    @property
    def verdict(self) -> str:
        """Of the gradient as it would have been."""
        if self.effects:
            return "wrong"
        return "right" if self.measured and not self.behind else "not measured"


class Faults:
    """logs: of the run."""

    def __init__(self, logs: Logs):
        self._logs = logs
        self._by_events: dict[tuple, Fault] = {}
        self._by_lines: dict[tuple, Fault] = {}

    @property
    def met(self) -> list[Fault]:
        """What backward would have got otherwise than it was saved, in the order of the saves."""
        met = [one for one in self._by_lines.values() if one.times]
        return sorted(met, key=lambda one: one.order)

    @property
    def all(self) -> list[Fault]:
        """Without those where nothing raises and the gradient is right, as running statistics."""
        return [one for one in self.met if one.ticked or one.verdict != "right"]

    def forget(self):
        """A fork begins anew."""
        self._by_events.clear()
        self._by_lines.clear()

    def of(self, kept: Kept) -> Fault:
        """The fault that has overwritten this save; another one, if it was written again since."""
        changes = len(kept.handle.stretch.changes) if kept.handle is not None else 0
        state = kept.tensor._version, changes
        if kept.fault is None or kept.state != state:
            kept.fault, kept.state = self._known(kept), state
        return kept.fault

    def _known(self, kept):
        made = kept.calls.maker(kept.number)
        event, order = made if made is not None else (None, kept.order)
        order = min(order, kept.order)
        silent = tuple(dict.fromkeys(kept.handle.unticked)) if kept.handle is not None else ()
        writes = self._logs.since(kept.storage, order)
        steps, holes = chain(writes, kept.version, kept.tensor._version)
        around = [(last and last.event, after and after.event) for _, _, last, after in holes]
        key = event, tuple(w.event for w, _ in steps), tuple(around), silent
        fault = self._by_events.get(key)
        if fault is None:
            found = self._found(kept, event, order, silent)
            lines = _lines(found)
            fault = self._by_lines.setdefault(lines, Fault(found, kept.ticked, kept.order))
            self._by_events[key] = fault
        return fault

    def _found(self, kept, event, order, silent) -> Overwrite:
        op, site = (event.op, event.site) if event is not None else ("", NOWHERE)
        now = kept.tensor._version
        save = Save(kept.version, now, op, site, kept.own, number=kept.number)
        thread = kept.calls.thread
        found = since_saved(save, kept.tensor, kept.storage, order, thread, self._logs)
        return replace(found, writers=(*found.writers, *silent))


def _lines(found):
    """Whatever module ran them, and however often in a row they wrote."""
    places = dict.fromkeys((w.site.file, w.site.line, w.op) for w in found.writers)
    saver = found.saver
    return saver.site.file, saver.site.line, saver.op, tuple(places), bool(found.gaps)
