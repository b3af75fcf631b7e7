"""From the save to the check: what the padlocks of a recording went through.

The idea: a saved tensor has a life of its own. It begins where an operation saves it and
ends where backward looks at it, whether it then is as it was or not.
A pure function from a Recording to plain data.
"""

from __future__ import annotations

from dataclasses import dataclass

from overwritten.messages import parse
from overwritten.recording import Recording

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
    """All of them, in the order of their saves. Two nodes that save the same tensor at the
    same version in one step are one span."""
    steps, done, open_ = recording.steps, [], {}
    for step in steps:
        here = {(s.storage, s.tensor, s.expects): s for s in step.saved}
        for key in [key for key in open_ if key not in here]:
            done.append((*open_.pop(key), step.index, "checked" if _looked(step) else "dropped"))
        for key, saved in here.items():
            start, _ = open_.get(key, (step.index, None))
            open_[key] = start, saved
    raised = parse(recording.error) if recording.error else None
    told = (raised.expected, raised.now) if raised else ()
    met = [key for key, (_, saved) in open_.items() if (saved.expects, saved.now) == told]
    for key, (start, saved) in open_.items():
        hit = key in met[-1:]  # backward begins with the newest node
        done.append((start, saved, _failed(steps) if hit else None, "raised" if hit else "held"))
    made = [_span(recording, *one) for one in done]
    return sorted(made, key=lambda span: span.start)


def silent_steps(recording: Recording, letter: str) -> list[int]:
    """Steps in which bytes of a storage changed and the counter of its first tensor did not move."""
    found = []
    for step in _changing(recording, letter):
        first = next((t for t in step.tensors if t.storage == letter and t.before is not None), None)
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


def _span(recording, start, saved, end, outcome):
    last = len(recording.steps) if end is None else end
    unmoved = saved.now == saved.expects  # by the counter of the saved tensor, which may be its own
    unseen = tuple(s.index for s in _changing(recording, saved.storage) if unmoved and start < s.index < last)
    return Span(saved.storage, saved.tensor, saved.node, start, end, saved.expects, saved.now, outcome, unseen)


def _looked(step):
    return any(call.op in _BACKWARD for call in step.calls) and not step.error


def _failed(steps):
    return next((step.index for step in steps if step.error), len(steps) - 1)
