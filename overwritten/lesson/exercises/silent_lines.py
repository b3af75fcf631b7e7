"""The second exercise of lesson 9: the two lines of a program that raises nothing.

The idea: strict mode runs the program when the answer is judged; no line number is typed in.
"""

from __future__ import annotations

from functools import cache

from overwritten.lesson.checking import line_number
from overwritten.lesson.exercise import Exercise
from overwritten.lesson.lines import clashes, numbered

PROGRAM = """\
import torch

w = torch.ones(4, requires_grad=True)
scores = w * torch.arange(4.0)
weights = scores.softmax(0)
entropy = -(weights * weights.log()).sum()

percent = weights.detach().numpy()  # for the plot
percent *= 100
best = percent.max()

entropy.backward()
"""
NUMBERED = numbered(PROGRAM)


@cache
def found() -> tuple[set[int], set[int]]:
    """The lines that saved and those that wrote, as strict mode sees them."""
    both = clashes(PROGRAM, strict=True)
    return {one.saver for one in both if one.saver}, {line for one in both for line in one.writers}


def _lines(answer):
    savers, writers = found()
    for role, lines in (("saver", savers), ("writer", writers)):
        line = line_number(answer[role])
        if not 1 <= line <= len(PROGRAM.splitlines()):
            return f"for {role!r} you gave {answer[role]!r}: give the number of a line."
        if line in lines:
            continue
        if line in (writers if role == "saver" else savers):
            return (
                f"line {line} is the other one of the two: the saver runs first, the writer later."
            )
        return _not_it(role, f"line {line}, `{PROGRAM.splitlines()[line - 1].strip()}`,")


def _not_it(role, line):
    if role == "saver":
        return f"{line} saves nothing that is overwritten later. Whose derivative needs `weights`?"
    return f"{line} writes into no saved tensor. Which line changes bytes in place?"


two_lines = Exercise(
    _lines,
    (
        "`with watch(strict=True) as recording:` around the program, then `print(who(recording))`.",
        "`detach()` and `numpy()` copy nothing: which line writes into the storage of `weights`?",
    ),
    "answer = {'saver': 5, 'writer': 9}",
    questions=("saver", "writer"),
)
