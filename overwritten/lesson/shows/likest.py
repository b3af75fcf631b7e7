"""Which patterns look most like a message: by the suspects that it points to, then by its parts.

The idea: of a pattern only its group, its cure and what it ends with count, so this needs no PyTorch and
runs in a page as well. What each pattern's own message is, whoever asks has measured.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from overwritten.doctor.reading import Reading
from overwritten.messages import Message

#: So many patterns are shown for one message.
SHOWN = 3
#: A kind of message that no pattern ends with → the kind with the same cure.
_COUSINS = {"leaf moved": "view of a leaf"}

#: The cure of a write such as `x += y`, the likeliest where nothing else is told.
_PLAIN = "augmented assignment"

_Pattern = TypeVar("_Pattern", bound=Any)


def likest(
    reading: Reading, patterns: Sequence[_Pattern], message_of: Callable[[_Pattern], Any]
) -> tuple[_Pattern, ...]:
    """At most `SHOWN` of the patterns, the likest first.

    patterns: whatever has a `group`, a `cure` and what it ends with as `says`, as in `Pattern`.
    message_of: function(pattern) → the `Message` of its own; asked only where it counts.
    """
    message, groups = reading.message, reading.groups
    if message.kind == "no tensor named":
        found = [next(one for one in patterns if one.group == group) for group in groups]
    elif message.kind != "overwritten":
        kind = _COUSINS.get(message.kind, message.kind)
        found = [one for one in patterns if one.says == kind]
    else:
        known = [one for one in patterns if one.group in groups]

        def distance(one):
            return _distance(message, one, message_of(one), groups.index(one.group))

        found = sorted(known, key=distance)
    return tuple(found[:SHOWN])


def _distance(message: Message, one: Any, other: Message, place: int):
    begins = bool(other.expected) != bool(message.expected)
    named, own = other.op == message.op, one.group == "own result"
    if own:  # once or more often tells more than the name, and a write by another name is rare
        often = (other.writes or 0) > 1, (message.writes or 0) > 1
        named = named and often[0] == often[1] and one.cure != "any other write"
    return (
        not named,
        place if message.op else 0,  # without a name the shape tells more
        *((one.cure != _PLAIN, other.op != message.op, begins) if own and not named else ()),
        len(other.shape or ()) != len(message.shape or ()),
        place,
        other.writes != message.writes,
        begins,
    )


def cures(patterns: Sequence[Any]) -> tuple[str, ...]:
    """What the first of these patterns does, and the second where the text cannot tell them apart.

    patterns: of one message, the likest first, each with a `name`, a `group` and what it `does`.
    """
    alike = [one for one in patterns[:2] if one.group == patterns[0].group]
    return tuple(f"“{one.name}”: {one.does}" for one in alike)


def heading(place: int, count: int) -> str:
    """What stands above the patterns of message number `place` of `count`.

    >>> heading(1, 1), heading(2, 3)
    ('Patterns, the nearest first:', 'Patterns of message 2, the nearest first:')
    """
    of = f" of message {place}" if count > 1 else ""
    return f"Patterns{of}, the nearest first:"
