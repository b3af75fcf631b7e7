"""Every write of a run, by line: how often, whether a counter moved, and what it broke.

The idea: at each write the strict watch is asked which saves in that storage backward still waits
for, and at the end the diagnoses and the silent finds say which writes did harm. Equal writes
(operation and line) are one row. It lists what this process did in watched threads; of writes that
move no counter those into what was saved or through `.data`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from overwritten.record.events import Site

#: What became of a row's writes, the worst first; the first that holds.
RAISED = "backward refused what it had saved"
SILENT = "a gradient is wrong, and nothing raises"
WAITED = "saved, and no backward that needs it came"
NOBODY = "nobody waited for it"
FATES = (RAISED, SILENT, WAITED, NOBODY)


@dataclass
class Row:
    """Equal writes. ticked: how many of them moved a counter. savers: (operation, line) → how often
    it had saved what was written and backward still waited for it. fate: one of `FATES`."""

    op: str
    site: Site
    times: int = 0
    ticked: int = 0
    savers: Counter[tuple[str, Site]] = field(default_factory=Counter)
    fate: str = NOBODY


class Listing:
    """Told of each write by the watch; `rows` at the end."""

    def __init__(self):
        self._rows: dict[tuple[str, Site], Row] = {}
        self._noted: set = set()  # in this call: its write shows at each tensor that it changed

    def call_begins(self):
        self._noted.clear()

    def wrote(self, op: str, site: Site, storage: int | None, ticked: bool, savers: Iterable):
        """A call has written into a storage. savers: (operation, line) of each save in it."""
        if (op, site, storage) in self._noted:
            return
        self._noted.add((op, site, storage))
        row = self._rows.setdefault((op, site), Row(op, site))
        row.times += 1
        row.ticked += ticked
        row.savers.update(set(savers))

    def forget(self):
        """A fork begins anew."""
        self._rows.clear()

    def rows(self, diagnoses, silent) -> list[Row]:
        """The worst first. diagnoses, silent: what the doctor has found in this run."""
        loud = [one for told in diagnoses for one in (told, *told.others)]
        refused, wrong = ({_key(w) for one in told for w in one.writers} for told in (loud, silent))
        for key, row in self._rows.items():
            harm = RAISED if key in refused else SILENT if key in wrong else ""
            row.fate = harm or (WAITED if row.savers else NOBODY)
        return sorted(self._rows.values(), key=lambda row: (FATES.index(row.fate), -row.times))


def _key(write):
    return write.op, write.site
