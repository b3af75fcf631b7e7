"""From the save to the check: what the padlocks of a recording went through.

The idea: a saved tensor has a life of its own. It begins where an operation saves it and
ends where backward looks at it, whether it then is as it was or not.
A pure function from a Recording to plain data.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from overwritten.messages import parse
from overwritten.record.recording import Recording

#: The calls in which backward runs.
_BACKWARD = frozenset({"backward", "grad", "_engine_run_backward"})


@dataclass(frozen=True)
class Span:
    """One saved tensor. storage: its letter. tensor: its name. node: who keeps it.

    start: index of the step that saved it. end: of the step that looked at it or dropped it,
    None while it is still held. expects, finds: the version then and at the end (or now).
    outcome: 'raised', 'checked' (backward used it), 'dropped' (nobody did), 'held'.
    unseen: steps between in which bytes of the storage changed and no counter moved.
    """

    storage: str
    tensor: str
    node: str
    start: int
    end: int | None
    expects: int
    finds: int
    outcome: str
    unseen: tuple[int, ...]


def spans(recording: Recording) -> list[Span]:
    """All of them, in the order of their saves. Two nodes that save the same storage at the
    same version in one step, with the same end, are one span. Where several saves are broken
    alike, the newest is taken for the one that raised: backward begins there, as a rule."""
    done, open_, raised = [], {}, set()
    for step in recording.steps:
        here = {key: saved for saved in step.saved if (key := _key(saved)) not in raised}
        for key in [key for key in open_ if key not in here]:
            done.append((*open_.pop(key), step.index, "checked" if _looked(step) else "dropped"))
        for key, saved in here.items():
            start, first = open_.get(key, (step.index, saved))
            open_[key] = start, replace(saved, tensor=first.tensor)  # the name it had at the save
        message = _message(step)
        told = (message.expected, message.now) if message else ()
        for key in [key for key, (_, saved) in open_.items() if (saved.expects, saved.now) == told][
            -1:
        ]:
            done.append((*open_.pop(key), step.index, "raised"))
            raised.add(key)
    done += [(start, saved, None, "held") for start, saved in open_.values()]
    made = {}
    changing = {
        letter: [step.index for step in _changing(recording, letter)]
        for letter in {one[1].storage for one in done}
    }
    for one in done:
        span = _span(recording, changing, *one)
        made.setdefault((span.storage, span.start, span.end, span.expects, span.outcome), span)
    return sorted(made.values(), key=lambda span: span.start)


def silent_steps(recording: Recording, letter: str) -> list[int]:
    """Steps in which bytes of a storage changed and the counter of its first tensor did not move."""
    found = []
    for step in _changing(recording, letter):
        first = next(
            (t for t in step.tensors if t.storage == letter and t.before is not None), None
        )
        if first is not None and first.version == first.before:
            found.append(step.index)
    return found


def _changing(recording, letter):
    """The steps in which cells of a storage that was there before changed."""
    for before, step in zip(recording.steps, recording.steps[1:]):
        old = next((s.cells for s in before.storages if s.letter == letter), ())
        new = next((s.cells for s in step.storages if s.letter == letter), ())
        if old and new and old != new:
            yield step


def _span(recording, changing, start, saved, end, outcome):
    last = len(recording.steps) if end is None else end
    unmoved = saved.now == saved.expects  # by the counter of the saved tensor, which may be its own
    unseen = tuple(index for index in changing[saved.storage] if unmoved and start < index < last)
    return Span(
        saved.storage,
        saved.tensor,
        saved.node,
        start,
        end,
        saved.expects,
        saved.now,
        outcome,
        unseen,
    )


def _looked(step):
    if step.error:  # before it raised over one tensor it may have been through others
        return _message(step) is not None
    return any(call.op in _BACKWARD for call in step.calls)


def _message(step):
    """What an overwritten tensor's error says; None where the step ended another way."""
    message = parse(step.error) if step.error else None
    return message if message is not None and message.now is not None else None


def _key(saved):
    return saved.number, saved.storage, saved.expects
