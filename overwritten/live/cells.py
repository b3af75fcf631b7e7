"""Is a cell of the notebook at work? Code that nobody in the cell waits for comes after it.

The idea: PyTorch's random state and default dtype belong to the whole process. What runs beside
a cell would change the cell's random numbers, and the cell those of what runs beside it.
"""

from __future__ import annotations

import sys
import weakref


class Cells:
    """busy: is a cell running? Without IPython, or before the first `tell`, nothing is known: False."""

    def __init__(self):
        self.busy, self._shell, self._listeners = False, None, weakref.WeakSet()

    def tell(self, listener):
        """From now on `cell_begins()` and `cell_ends()` of this are called around every cell."""
        self._listeners.add(listener)
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if shell is not None and shell is not self._shell:
            self._shell, self.busy = shell, _in_a_cell()
            shell.events.register("pre_run_cell", self._begin)
            shell.events.register("post_run_cell", self._end)

    def _begin(self, info=None):
        self.busy = True
        for listener in list(self._listeners):
            listener.cell_begins()

    def _end(self, result=None):
        self.busy = False
        for listener in list(self._listeners):
            listener.cell_ends()


def _in_a_cell() -> bool:
    frame = sys._getframe()
    while frame is not None and frame.f_code.co_name != "run_code":
        frame = frame.f_back
    return frame is not None


cells = Cells()
