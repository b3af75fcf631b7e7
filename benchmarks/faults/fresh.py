"""One program in one fresh process: what it ends with, what it prints, how long it takes.

The idea: a clock stands behind the program's own `import torch`, on the same line, so that line
numbers stay and importing PyTorch is not counted. A tool comes in by a line of its own there, by
a command before the file's name, or both. It knows no tool and judges nothing.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.collect import Fault, Program

ROOT = Path(__file__).parents[2]
PATIENCE = 300  # seconds until a program counts as hung
_CLOCK = "__import__('faults.clock').clock.start({file!r})"  # leaves no name behind
_ERROR = re.compile(r"^[\w.]*(?:Error|Exception|Failed|Exit|Interrupt)\b", re.M)
_SHAPE = re.compile(r"modified by an inplace operation: \[\S+ \[([\d, ]*)\]\]")
_FRAME = r'File "[^"]*{name}", line (\d+)'


@dataclass(frozen=True)
class Ran:
    """said: what the tool wrote to its own file. seconds: None where the process was cut off."""

    code: int
    out: str
    err: str
    said: str
    seconds: float | None

    @property
    def error(self) -> str:
        """The last error's text; without the hint, which anomaly mode words in another way."""
        starts = [match.start() for match in _ERROR.finditer(self.err)]
        return self.err[starts[-1] :].partition("Hint:")[0].strip() if starts else ""

    def writers(self, listed: Iterable[tuple[Sequence[int], str]]) -> frozenset[int]:
        """Of in-place operations, (shape, traceback) each, those on the shape that the error names.

        So a reader finds writers in a list of all operations, with the error's text beside it.
        """
        named = _SHAPE.search(self.error)
        shape = tuple(map(int, re.findall(r"\d+", named[1]))) if named else None
        lines = (self.line(frames) for of, frames in listed if tuple(of) == shape)
        return frozenset(line for line in lines if line)

    def line(self, frames: str) -> int | None:
        """The program's innermost line among the frames of a traceback."""
        lines = re.findall(_FRAME.format(name=FILE), frames)
        return int(lines[-1]) if lines else None


@dataclass(frozen=True)
class Told:
    """How a program ran under a tool, and the faults that the tool named, the first one first."""

    ran: Ran
    faults: tuple[Fault, ...] = ()


FILE = "program.py"
SAID = "said"


def run(program: Program, folder: Path, line: str = "", before: Sequence[str] = ()) -> Ran:
    """Run it in `folder`, an empty one.

    line: a statement for behind `import torch`. before: the words of the command between Python
    and the file's name. Both may name the file SAID of that folder, which is read afterwards.
    """
    torch = "import torch\n"
    clock = _CLOCK.format(file=str(folder / "clock"))
    asked = "; ".join(filter(None, ("import torch", line, clock)))
    (folder / FILE).write_text(program.text.replace(torch, f"{asked}\n", 1), "utf8")
    paths = [str(ROOT), str(ROOT / "benchmarks"), *filter(None, [os.environ.get("PYTHONPATH")])]
    try:
        done = subprocess.run(
            [sys.executable, *before, FILE],
            cwd=folder,
            env=dict(os.environ, PYTHONPATH=os.pathsep.join(paths), OMP_NUM_THREADS="1"),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return Ran(124, "", "", "", None)
    said, clock = folder / SAID, folder / "clock"
    return Ran(
        done.returncode,
        done.stdout,
        done.stderr,
        said.read_text("utf8") if said.exists() else "",
        float(clock.read_text()) if clock.exists() else None,
    )
