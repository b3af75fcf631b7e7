"""%load_ext overwritten: `%%watch` and `%%scrub` for a cell, `%overwritten on` for all that follow.

The idea: a cell runs as it always would. `%%watch` becomes a line of it that puts the doctor on;
at the cell's end it is taken off and shows what it has found. `%%scrub` shows a film of the cell.
Neither touches an error or its traceback.
"""

from __future__ import annotations

import re
import sys

from IPython.core.inputtransformer2 import cell_magic as of_cell
from IPython.core.magic import Magics, cell_magic, line_cell_magic, line_magic, magics_class
from IPython.display import display

from overwritten.doctor.block import Doctor
from overwritten.doctor.report import refused_text, silent_text
from overwritten.live.film import film
from overwritten.record.recorder import follow

_WATCH = re.compile(r"%%watch[ \t]*(strict)?[ \t]*\n?")


@magics_class
class Overwritten(Magics):
    """The magics of one shell. They watch in the cell's own thread, and in those it begins."""

    def __init__(self, shell):
        super().__init__(shell)
        self._every: Doctor | None = None  # kept across cells
        self._strict = False
        self._on: list[Doctor] = []
        self._inside = 0  # cells run cells: %%capture, %run of a notebook

    @line_cell_magic
    def watch(self, line, cell=None):
        """`%%watch [strict]`: a diagnosis follows if a tensor that backward needs was overwritten.

        `%watch [strict]` does it from that line on.
        """
        if line.strip() not in ("", "strict"):
            print(f"%%watch takes nothing, or the word strict; it got {line!r}.", file=sys.stderr)
        elif cell is not None:
            self.shell.run_cell(f"%%watch {line}\n{cell}")
        elif not self._on or (line.strip() and not self._strict):
            self._put_on(Doctor(strict=bool(line.strip()), notes=False))

    @cell_magic
    def scrub(self, line, cell):
        """`%%scrub`: run the cell line by line in this notebook's namespace and show the film."""
        display(film(follow(cell, self.shell.user_ns)))

    @line_magic
    def overwritten(self, line):
        """`%overwritten on`, `on strict`: watch every cell from here on, as one program.

        `%overwritten off` ends it; `%overwritten` says how it stands.
        """
        words = line.split()
        if words == ["off"]:
            self.off()
        elif words in (["on"], ["on", "strict"]):
            strict = "strict" in words
            if self._every is None or strict != self._strict:
                self.off()
                self._every, self._strict = Doctor(strict, notes=False), strict
                self._put_on(self._every)
        elif words:
            print(
                f"%overwritten takes on, on strict, off or nothing; it got {line!r}.",
                file=sys.stderr,
            )
            return
        how = ", strictly" if self._strict else ""
        print(f"Every cell is watched{how}." if self._every else "Cells are not watched.")

    def before_cell(self, info):
        self._inside += 1
        if self._every and not self._on:
            self._put_on(self._every)

    def after_cell(self, result=None):
        self._inside = max(self._inside - 1, 0)  # the cell that loads us has no beginning
        watched = self._on
        if not self._inside:
            self._take_off()
        for eyes in watched[:1]:
            mine = eyes.of(getattr(result, "error_in_exec", None))
            again = [mine] if mine and mine not in eyes.all else []  # raised in an earlier cell
            for diagnosis in [*eyes.all, *again]:
                display(diagnosis)
            for refused in eyes.refusals:
                print(refused_text(*refused), file=sys.stderr)
        for eyes in watched:
            for silent in eyes.silent:
                print(silent_text(silent), file=sys.stderr)
            eyes.forget()

    def off(self):
        """Watch no cell any more."""
        self._take_off()
        self._every, self._strict = None, False

    def _put_on(self, eyes):
        eyes.__enter__()
        self._on = [*self._on, eyes]

    def _take_off(self):
        for eyes in reversed(self._on):
            eyes.__exit__(None, None, None)
        self._on = []


def watched(lines: list[str]) -> list[str]:
    """A cell that begins with `%%watch`, so that the rest stays the cell's own, on its own lines:
    top-level `await` and other cell magics work in it as anywhere."""
    found = _WATCH.fullmatch(lines[0]) if lines else None
    if found is None:
        return lines
    return [f"get_ipython().run_line_magic('watch', {found[1] or ''!r})\n", *of_cell(lines[1:])]


def load(shell):
    """Register them; called by `%load_ext overwritten`."""
    magics = Overwritten(shell)
    shell.register_magics(magics)
    shell.input_transformers_cleanup.append(watched)
    shell.events.register("pre_run_cell", magics.before_cell)
    shell.events.register("post_run_cell", magics.after_cell)


def unload(shell):
    """Undo `load`; called by `%unload_ext overwritten`."""
    magics = shell.magics_manager.registry.pop("Overwritten")
    magics.off()
    shell.events.unregister("pre_run_cell", magics.before_cell)
    shell.events.unregister("post_run_cell", magics.after_cell)
    shell.input_transformers_cleanup.remove(watched)
    for kind, names in magics.magics.items():
        for name in names:
            shell.magics_manager.magics[kind].pop(name, None)
