"""The field guide: from a message to its patterns.

The idea: the decoder names the suspects of a message; every pattern belongs to one of them,
so a message leads to patterns, and those whose own message is most like it come first.
What a program is said to end with was measured by running it, beside the cure as its twin.
"""

from __future__ import annotations

import warnings
from functools import cache

from overwritten.cases.patterns import EVERY, HEAD, Pattern
from overwritten.doctor.reading import Decoded, decode
from overwritten.lesson.show import with_code
from overwritten.live.scenes import Scene, side_by_side
from overwritten.live.table import Table
from overwritten.messages import Message
from overwritten.record.trial import NOTHING, RIGHT, SILENT, Trial, trial

#: section of the lesson → the groups of patterns that stand there.
SECTIONS = {
    2: ("own result", "custom Function"),
    3: ("writer", "parts", "unrecorded", "slice"),
    4: ("buffer", "whole numbers"),
    5: ("linear weight", "parameter"),
    6: ("refused",),
    7: ("silent",),
}
#: So many patterns are shown for one message.
SHOWN = 5


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


class Nearest(Decoded):
    """What the decoder says, and patterns: for each message those that look like it, nearest first."""

    def __init__(self, decoded: Decoded):
        super().__init__(decoded.readings, decoded.sorry)
        self.patterns = tuple(_nearest(reading.message, reading.names) for reading in self.readings)

    def __str__(self):
        blocks = [super().__str__()]
        for place, patterns in enumerate(self.patterns, 1):
            lines = (f"  {_line(one)}" for one in patterns)
            blocks.append("\n".join([self._head(place, patterns), *lines]))
        return "\n\n".join(blocks)

    __repr__ = __str__

    def html(self) -> str:
        lists = []
        for place, patterns in enumerate(self.patterns, 1):
            items = "".join(f"<li>{with_code(_line(one))}</li>" for one in patterns)
            lists.append(f"<p><strong>{self._head(place, patterns)}</strong></p>")
            lists += [f"<ul>{items}</ul>"] if items else []
        return super().html().removesuffix("</div>") + "".join(lists) + "</div>"

    def _head(self, place, patterns):
        of = f" of message {place}" if len(self.patterns) > 1 else ""
        if not patterns:
            return f"No pattern{of} in this lesson."
        return f"Patterns{of} in this lesson, the nearest first:"


def find(text: str) -> Nearest:
    """`decode`, and which patterns of this lesson each message looks like.

    >>> find("[torch.FloatTensor [9, 9]], which is output 0 of Relu, is at version 2; expected version 1").patterns[0][0].name
    'residual onto a relu'
    """
    return Nearest(decode(text))


def _line(one):
    return f"{number(one)}. {one.name} (section {section(one)}, `{one.says}`): {one.does}"


def _nearest(message, names):
    if message.kind != "overwritten":
        return tuple(one for one in EVERY if one.says == message.kind)
    known = {one: tried(one)[0].run.message for one in EVERY if one.group in names}

    def distance(one):
        other, place = known[one], names.index(one.group)
        return (
            other.op != message.op,
            place if message.op else 0,  # without a name the shape tells more
            len(other.shape) != len(message.shape),
            place,
            other.writes != message.writes,
            bool(other.expected) != bool(message.expected),
        )

    return tuple(sorted(known, key=distance)[:SHOWN])


def alone(which: int | str, program: str = "as found") -> str:
    """A pattern's program as a file of its own, imports and all; program: a label of `programs`."""
    return f"{HEAD}\n{programs(which)[program]}"
