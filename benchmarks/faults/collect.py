"""The programs of the test and the lines that a tool should name.

The idea: a program says itself what is wrong with it. Its lines end with `# saver` and `# writer`,
numbered where one run holds several faults; number 1 is the one that raises. The first line of a
file in `programs/` says how it ends. What a tool finds is no source here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from overwritten.cases.patterns import EVERY, HEAD

PROGRAMS = Path(__file__).parent / "programs"
CLINIC = Path(__file__).parents[2] / "lessons_src" / "clinic"
#: How a program ends: with an error, with one that it handles itself, with a wrong gradient and
#: no error, or with nothing wrong.
ENDS = ("raises", "caught", "silent", "fine")
_MARKS = re.compile(r"(saver|writer)(?: (\d))?")
_SHOW = (
    "\nprint({name: one.grad for name, one in [*globals().items()]"
    " if isinstance(one, torch.Tensor) and one.is_leaf and one.grad is not None})\n"
)
#: Saver and writers of programs that carry no marks, as the text of their lines.
_UNMARKED = {
    "gan": ("out = F.relu(out)", "out += x"),
    "detector": ("y = raw.sigmoid()", "y[..., 0:2] = ", "y[..., 2:4] = "),
    "world_model": ("update = torch.tanh(given + self.mix(states[:, t]))", "states[:, t + 1] = "),
    "a Function of one's own, then +=": ("y = MyExp.apply(", "y += "),
    "column written after the whole was used": ("area = x ** 2", "x[:, 0] = 0"),
    "features clamped under no_grad": ("y = x ** 3", "x.clamp_(-1, 1)"),
    "labels changed after the loss": ("loss = F.cross_entropy(", "labels[labels == 2] = 0"),
    "convolution stepped between two losses": ("maps = net(images)", "optimizer.step()"),
    "write through .data": ("y = logits.sigmoid()", "y.data[0] = 0.9"),
    "batch norm in eval, then in train": ("y = norm(x)", "norm(other)"),
}


@dataclass(frozen=True)
class Fault:
    """A line that saved, None where it is not known, and the lines that wrote afterwards."""

    saver: int | None
    writers: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Program:
    """ends: one of ENDS. faults: what its marks say, the one that raises first; () for no marks.

    whole: whether the marks are known to be all of one run.
    """

    name: str
    kind: str
    ends: str
    text: str
    faults: tuple[Fault, ...] = ()
    whole: bool = True


def faults_of(text: str) -> tuple[Fault, ...]:
    """The faults that the marks of `text` say; ValueError for one without saver or writer."""
    lines: dict[tuple[str, str], list[int]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for role, fault in _MARKS.findall(line.rpartition("  # ")[2] if "  # " in line else ""):
            lines.setdefault((fault or "1", role), []).append(number)
    found = []
    for fault in sorted({fault for fault, _ in lines}):
        savers, writers = lines.get((fault, "saver"), []), lines.get((fault, "writer"), [])
        if len(savers) != 1 or not writers:
            raise ValueError(f"fault {fault} has {len(savers)} savers and {len(writers)} writers")
        found.append(Fault(savers[0], frozenset(writers)))
    return tuple(found)


def _marked(name, text):
    """The text with the marks that `_UNMARKED` knows for it."""
    lines = text.splitlines()
    for mark, start in zip(("saver", "writer", "writer"), _UNMARKED.get(name, ())):
        at = [n for n, line in enumerate(lines) if line.strip().startswith(start)]
        if len(at) != 1:
            raise ValueError(f"{name}: {len(at)} lines begin with {start!r}")
        lines[at[0]] += f"  # {mark}"
    return "\n".join(lines) + "\n"


def _of_file(path):
    text = path.read_text("utf8")
    ends, _, kind = text.partition("\n")[0].removeprefix("# ").partition(": ")
    return Program(path.stem, kind, ends, text, faults_of(text))


def _of_pattern(pattern):
    text = _marked(pattern.name, f"{HEAD}{pattern.trigger}{_SHOW}")
    ends = "silent" if pattern.group == "silent" else "raises"
    return Program(pattern.name, pattern.says, ends, text, faults_of(text))


def _of_clinic(path):
    text = _marked(path.stem, path.read_text("utf8"))
    kind = text.partition("\n")[0].strip('"')
    return Program(f"clinic {path.stem}", kind, "raises", text, faults_of(text), whole=False)


def every() -> list[Program]:
    """All programs: the field guide's patterns and cousins, the clinic's scripts, `programs/`."""
    found = [_of_pattern(pattern) for pattern in EVERY]
    found += [_of_clinic(path) for path in sorted(CLINIC.glob("*.py"))]
    return found + [_of_file(path) for path in sorted(PROGRAMS.glob("*.py"))]
