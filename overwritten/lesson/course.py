"""`python -m overwritten course`: the lessons, what of each is answered, what is next.

The idea: it reads the file of answers where a lesson would have kept it and changes nothing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from overwritten.lesson.contents import LESSONS
from overwritten.lesson.exercises.final_programs import PROGRAMS
from overwritten.lesson.kept import NAME
from overwritten.lesson.route import Known, first_step, plain, told
from overwritten.lesson.standing import Standing, attempts, programs, standings
from overwritten.lesson.store import Newer, parsed

#: Where lessons lie, seen from where the command is given.
_FOLDERS = (".", "notebooks/learn", "notebooks")


def course(colour: bool = False) -> int:
    """Print the table; returns 0, or 1 where there are answers that cannot be read.

    colour: with ANSI codes.
    """
    path = kept_in()
    try:
        entries = parsed(path.read_text("utf8")) if path else {}
    except Newer:
        return _refused(f"{path} was written by a newer version of this course.")
    except ValueError:
        return _refused(f"{path} cannot be read as answers; a lesson will set it aside.")
    except OSError as error:
        return _refused(f"{path} cannot be read ({error.strerror}).")
    print(f"Answers kept in {path}." if path else f"No answers are kept here ({NAME}).", end="\n\n")
    print(table(entries, colour), end="\n\n")
    bold, off = ("\x1b[1m", "\x1b[0m") if colour else ("", "")
    print(f"{bold}next:{off} {plain(told(first_step(entries), Known(entries)))}")
    return 0


def kept_in() -> Path | None:
    """The file of answers: the one that OVERWRITTEN_ANSWERS names, or the first that is here or
    in the lessons' folder; None if there is none."""
    named = os.environ.get("OVERWRITTEN_ANSWERS", "")
    if named == "off":
        return None
    paths = [Path(named)] if named else [Path(folder) / NAME for folder in _FOLDERS]
    return next((path for path in paths if path.exists()), None)


def table(entries: dict[tuple, dict], colour: bool = False) -> str:
    """A row for each lesson: answers kept as n of m, minutes left of its sections."""
    long = max(len(one.title) for one in LESSONS)
    rows = [f"    {'lesson':<{long}}    answers  minutes left"]
    for lesson in LESSONS:
        parts = standings(lesson, entries)
        done, asked = answered(parts)
        kept, minutes = f"{done} of {asked}", left(parts)
        begun, over = any(one.last for one in parts), done == asked
        if lesson is LESSONS[-1]:
            kept, tried = f"{programs(entries)} of {len(PROGRAMS)}", bool(attempts(entries))
            begun, over, minutes = tried, tried, 0 if tried else minutes
        mark = "✓" if over else " "
        row = f"{mark} {lesson.number:>2}  {lesson.title:<{long}}  {kept:>8}  {minutes:>12}"
        rows.append(f"\x1b[{32 if mark == '✓' else 1}m{row}\x1b[0m" if colour and begun else row)
    return "\n".join(rows)


def answered(parts: list[Standing]) -> tuple[int, int]:
    """(questions answered and exercises right, of how many) in these sections."""
    asked = sum(len(one.section.questions) + len(one.outcomes) for one in parts)
    return sum(len(one.answers) + one.solved for one in parts), asked


def left(parts: list[Standing]) -> int:
    """Minutes of the sections that are not done; one that asks nothing is, once a later one is
    begun or all others are complete."""
    asking = [one for one in parts if one.section.questions or one.outcomes]
    begun = [at for at, one in enumerate(parts) if one.last]
    latest = max(begun, default=-1)
    if asking and all(one.complete for one in asking):
        return 0
    passed = [one.complete or one not in asking and at < latest for at, one in enumerate(parts)]
    return sum(one.section.minutes for one, over in zip(parts, passed) if not over)


def _refused(sentence):
    print(f"overwritten: {sentence}", file=sys.stderr)
    return 1
