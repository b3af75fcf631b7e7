"""Two logs: which call made which of autograd's nodes, which call moved which version counter.

The idea: nodes are numbered as they are made, by thread, so a call made those from its first
number to its last; and a counter only goes up, so the writes to a storage make a chain.
Both are rings: what is too old is forgotten. They keep no tensor and no module.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from collections import defaultdict, deque
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

from overwritten.doctor.places import Line, site_at
from overwritten.messages import plain_op
from overwritten.record.events import Site, Write

#: Calls that made nodes, for each thread; and writes, in all.
MOST_CALLS, MOST_WRITES = 2_000_000, 300_000
MOST_ASKED = 10_000
#: So many calls inside another one are looked past for the one around them.
_MOST_INSIDE = 100_000


class Event(NamedTuple):
    """A call: its name, and where it was made (see `places.spot_of`, `modules`)."""

    op: str
    inner: Line
    own: Line | None
    via: str
    module: str

    @property
    def site(self) -> Site:
        return site_at(self.inner, self.own, self.via, self.module)


@lru_cache(MOST_CALLS // 10)
def event_of(op: str, inner: Line, own: Line | None, via: str, module: str) -> Event:
    """Equal calls are one event, so that a log of a million calls is small."""
    return Event(op, inner, own, via, module)


class Wrote(NamedTuple):
    """An event took the counter of a storage from before to after. order: when, of all events."""

    event: Event
    storage: int | None
    before: int
    after: int
    shape: tuple[int, ...]
    thread: str
    order: int

    def told(self, saver_thread: str = "", at: int = 0) -> Write:
        """As it is shown, from version `at` on; each thread but the saver's has its name."""
        thread = "" if self.thread == saver_thread else self.thread
        before = max(self.before, at)
        return Write(self.event.op, before, self.after, site=self.event.site, thread=thread)


class Calls:
    """The calls of one thread that made nodes, in order of their ends: the first number of each,
    the one behind its last, and when it was."""

    def __init__(self, thread: str):
        self.thread = thread
        self.numbers = array("q")  # three for each of the events
        self.events: list[Event] = []

    def add(self, start: int, end: int, event: Event, order: int):
        if len(self.events) >= MOST_CALLS:
            half = len(self.events) // 2
            del self.events[:half], self.numbers[: 3 * half]
        self.numbers.extend((start, end, order))
        self.events.append(event)

    def maker(self, number: int) -> tuple[Event, int] | None:
        """The innermost call that made node `number`, and when; calls end inside out."""
        first = self._behind(number)
        for k in range(first, min(first + _MOST_INSIDE, len(self.events))):
            if self.numbers[3 * k] <= number:
                return self.events[k], self.numbers[3 * k + 2]
        return None

    def around(self, number: int) -> tuple[Event | None, Event | None, int]:
        """The calls before and after a node that none of them made, and when the first was."""
        k = self._behind(number)
        before = self.events[k - 1] if k else None
        after = self.events[k] if k < len(self.events) else None
        return before, after, self.numbers[3 * k - 1] if k else 0

    def _behind(self, number):
        """How many calls had ended when node `number` was made."""
        every = range(len(self.events))
        return bisect_right(every, number, key=lambda k: self.numbers[3 * k + 1])


class Logs:
    """All of them. threads: a `Calls` each. writes: what `Wrote` names, in order, of all threads.

    backwards: (begun, ended, event) of each backward. slices: (thread, first number, last, saves)
    of nodes that hide what they saved. inputs: (event, order, storage, version) kept by
    checkpoints. scripts: the graph of each call of a scripted function. asked: (tensor, event),
    weakly, of tensors that were made to require grad.
    """

    def __init__(self):
        self.threads: list[Calls] = []
        self.writes: deque[tuple] = deque(maxlen=MOST_WRITES)
        self.backwards: deque[list] = deque(maxlen=MOST_WRITES)
        self.slices: deque[tuple] = deque(maxlen=MOST_WRITES)
        self.inputs: deque[tuple] = deque(maxlen=MOST_WRITES)
        self.scripts: dict[Event, Any] = {}
        self.asked: deque[tuple] = deque(maxlen=MOST_ASKED)
        self.tick = count(1).__next__

    def thread(self) -> Calls:
        """A log for the thread that asks."""
        calls = Calls(threading.current_thread().name)
        self.threads.append(calls)
        return calls

    def maker(self, number: int, node: str) -> tuple[Event, int, str] | None:
        """(the call that made it, when, its thread). Numbers are a thread's own: where several
        threads have this one, the call whose name fits the node's."""
        found = [(*made, calls.thread) for calls in self.threads if (made := calls.maker(number))]
        return next((one for one in found if fits(node, one[0].op)), found[0] if found else None)

    def by_storage(self) -> dict[int | None, list[Wrote]]:
        found = defaultdict(list)
        for wrote in map(Wrote._make, self.writes):
            found[wrote.storage].append(wrote)
        return found

    def since(self, storage: int | None, order: int) -> list[Wrote]:
        """The writes to one storage after `order`."""
        found = []
        for one in reversed(self.writes):
            if one[-1] <= order:
                break
            if one[1] == storage:
                found.append(Wrote._make(one))
        return found[::-1]


def fits(node: str, op: str) -> bool:
    """Is it a node as that operation makes it? ('SigmoidBackward0', 'sigmoid_')"""
    return plain_op(node)[0].lower() == op.strip("_").replace("_", "").lower()


def chain(writes, expected: int, now: int) -> tuple[list[tuple[Wrote, int]], list[tuple]]:
    """What took a counter from `expected` to `now`: (write, from which version on), in order,
    and (before, after, write before it, write after it) for what none of them did."""
    steps, holes, at, last = [], [], expected, None
    for wrote in writes:
        if wrote.after <= at or wrote.before >= now:
            continue
        if wrote.before > at:
            holes.append((at, wrote.before, last, wrote))
        steps.append((wrote, at))
        at, last = wrote.after, wrote
    if at < now:
        holes.append((at, now, last, None))
    return steps, holes
