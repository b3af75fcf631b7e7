"""The exercises of lesson 9; each is in a module beside it."""

from __future__ import annotations

from overwritten.lesson.exercises.silent_lines import NUMBERED, two_lines
from overwritten.lesson.exercises.silent_training import one_step
from overwritten.lesson.exercises.silent_verdicts import SNIPPETS, verdicts

__all__ = ["EXERCISES", "NUMBERED", "SNIPPETS", "one_step", "two_lines", "verdicts"]

#: By the name the lesson uses; the tests run every one unattempted, wrong and right.
EXERCISES = {"verdicts": verdicts, "two_lines": two_lines, "one_step": one_step}
