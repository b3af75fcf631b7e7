"""The patterns of the field guide: by number and name, by section, run and judged, in a table.

The idea: what a program is said to end with was measured by running it, beside the cure as its
twin; what strict mode finds in it, by running it under strict mode. From a message to its
patterns `nearest.py` leads; a pattern as a card is `cards.py`.
"""

from __future__ import annotations

import warnings
from functools import cache

from overwritten.cases.patterns import EVERY, HEAD, Pattern
from overwritten.doctor.block import watch
from overwritten.lesson.witness import who
from overwritten.live.scenes import Scene, side_by_side
from overwritten.live.table import Table
from overwritten.messages import Message
from overwritten.record.trial import NOTHING, RIGHT, SILENT, Trial, trial

#: section of the lesson → the groups of patterns that stand there.
SECTIONS = {
    2: ("own result", "custom Function"),
    3: ("writer", "parts", "unrecorded", "slice"),
    4: ("buffer", "data", "whole numbers"),
    5: ("linear weight", "parameter"),
    6: ("refused",),
    7: ("silent",),
}


def pattern(which: int | str) -> Pattern:
    """The pattern with this number or name. Raises LookupError for one that is not there.

    >>> pattern(3).name
    'relu twice'
    """
    for number, one in enumerate(EVERY, 1):
        if which in (number, one.name):
            return one
    give = f"give a number from 1 to {len(EVERY)}, or a name from a card"
    raise LookupError(f"There is no pattern {which!r}: {give}.")


def number(one: Pattern) -> int:
    return EVERY.index(one) + 1


def section(one: Pattern) -> int:
    return next(place for place, groups in SECTIONS.items() if one.group in groups)


def programs(name: int | str) -> dict[str, str]:
    """The three programs of a pattern by label, the cure last; for a knob."""
    one = pattern(name)
    return {"as found": one.trigger, "folk cure": one.folk_cured, "cure": one.cured}


def both(codes: dict[str, str], values: dict) -> Scene:
    """For a knob over `programs`: as found and with the folk cure, one below the other."""
    return side_by_side(dict(zip(codes, tried(pattern(values["name"])))))


@cache
def tried(one: Pattern) -> tuple[Trial, Trial]:
    """The trigger and the folk cure, each run beside the cure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old kind of hook is a folk cure
        return trial(one.trigger, one.cured), trial(one.folk_cured, one.cured)


@cache
def strictly(one: Pattern) -> str:
    """What strict mode finds in the trigger of a pattern that raises nothing, as lines of code.

    >>> strictly(pattern("write through .data"))
    '`y = logits.sigmoid()` saved, `y.data[0] = 0.9` wrote over it'
    """
    code = alone(one.name)
    with warnings.catch_warnings(), watch(strict=True) as recording:
        warnings.simplefilter("ignore")  # it warns of the same
        exec(compile(code, one.file, "exec"), {"__name__": one.file})
    return who(recording, code)


def end_of(done: Trial) -> str:
    """'Relu, 1; expected 0' and the like, the kind of another error, or the verdict.

    >>> end_of(tried(pattern("relu twice"))[1])
    'Relu, 1; expected 0'
    """
    return in_short(done.run.message) if done.run.error else done.verdict


def in_short(message: Message | None) -> str:
    """'Relu, 1; expected 0', 'no name, 2; expected 1', or the message's kind."""
    if message is None or not message.overwritten:
        return message.kind if message else "an error of another kind"
    name = (message.op or "no name").rpartition("::")[2]
    return f"{name}, {message.now}; expected {message.expected}"


def tally() -> dict[str, list[str]]:
    """What the folk cures end with → the names of their patterns. Measured."""
    ends: dict[str, list[str]] = {end: [] for end in ("still raises", SILENT, NOTHING, RIGHT)}
    for one in EVERY:
        done = tried(one)[1]
        ends["still raises" if done.run.error else done.verdict].append(one.name)
    return ends


def index() -> Table:
    """All patterns in a table to search: what each ends with (measured), where its card is, its cure."""
    columns = {
        "pattern": lambda one: f"{number(one)}. {one.name}",
        "ends with": lambda one: end_of(tried(one)[0]),
        "section": section,
        "cure": lambda one: one.does.replace("`", ""),
    }
    return Table(list(EVERY), columns, "Every pattern of this lesson")


def alone(which: int | str, program: str = "as found") -> str:
    """A pattern's program as a file of its own, imports and all, without marks; program: a label of `programs`."""
    found = pattern(which).unmarked
    return f"{HEAD}\n{found if program == 'as found' else programs(which)[program]}"
