"""Which patterns look most like a message: by the suspects that it points to, then by its parts.

The idea: of a pattern only its group and what it ends with count, so this needs no PyTorch and
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

_Pattern = TypeVar("_Pattern", bound=Any)


def likest(
    reading: Reading, patterns: Sequence[_Pattern], message_of: Callable[[_Pattern], Any]
) -> tuple[_Pattern, ...]:
    """At most `SHOWN` of the patterns, the likest first.

    patterns: whatever has a `group` and what it ends with as `says`, as in `Pattern`.
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
            return _distance(message, message_of(one), groups.index(one.group))

        found = sorted(known, key=distance)
    return tuple(found[:SHOWN])


def _distance(message: Message, other: Message, place: int):
    return (
        other.op != message.op,
        place if message.op else 0,  # without a name the shape tells more
        len(other.shape or ()) != len(message.shape or ()),
        place,
        other.writes != message.writes,
        bool(other.expected) != bool(message.expected),
    )


def heading(place: int, count: int) -> str:
    """What stands above the patterns of message number `place` of `count`.

    >>> heading(1, 1), heading(2, 3)
    ('Patterns, the nearest first:', 'Patterns of message 2, the nearest first:')
    """
    of = f" of message {place}" if count > 1 else ""
    return f"Patterns{of}, the nearest first:"
