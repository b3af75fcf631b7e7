"""A save that is followed: its bytes as they were saved, and who has changed them since.

The idea: the stretch of memory keeps one list of changes; a handle knows where in it its save
began. It does not look at the memory itself, and does not know whether a change matters.
"""

from __future__ import annotations

from dataclasses import replace

from overwritten.doctor.stretches import same
from overwritten.record.events import Write


class Handle:
    """Only a hook on the node of its save holds it. first: the bytes as saved."""

    def __init__(self, stretch, save, kind=""):
        self.stretch, self.save, self.kind = stretch, save, kind
        self.used = False  # has backward come for it?
        self.first, self._changes, self._since = stretch.kept, stretch.changes, len(stretch.changes)

    def as_first_saved(self, earlier: Handle):
        """It is saved again, where a function runs again: it should be as it was."""
        self.first, self._changes, self._since = earlier.first, earlier._changes, earlier._since
        self.save = replace(self.save, of="again")

    @property
    def changed(self) -> bool:
        return self.stretch.kept is not self.first and not same(self.stretch.kept, self.first)

    @property
    def writers(self) -> list[Write]:
        """Those that left the counter alone, if any did."""
        return self.unticked or [w for w, _ in self._changes[self._since :]]

    @property
    def unticked(self) -> list[Write]:
        return [w for w, ticked in self._changes[self._since :] if not ticked]
