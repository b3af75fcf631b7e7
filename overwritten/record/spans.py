"""From the save to the check: what the padlocks of a recording went through.

The idea: a saved tensor has a life of its own. It begins where an operation saves it and
ends where backward looks at it, whether it then is as it was or not.
A pure function from a Recording to plain data.
"""

from __future__ import annotations

from dataclasses import replace

from overwritten.record.events import Save
from overwritten.record.recording import Recording

#: The calls in which backward runs.
_BACKWARD = frozenset({"backward", "grad", "_engine_run_backward"})


def spans(recording: Recording) -> list[Save]:
    """All of them with start, end and outcome, in the order of their saves.

    Two nodes that save the same storage at the same version in one step, with the same end, are
    one span. Where several saves are broken alike, the newest is taken for the one that raised:
    backward begins there, as a rule.
    """
    open_: dict[tuple, Save] = {}
    done: list[Save] = []
    raised = set()
    for step in recording.steps:
        here = {key: saved for saved in step.saved if (key := _key(saved)) not in raised}
        for key in [key for key in open_ if key not in here]:
            outcome = "checked" if _looked(step) else "dropped"
            done.append(replace(open_.pop(key), end=step.index, outcome=outcome))
        for key, saved in here.items():
            first = open_.get(key) or replace(saved, start=step.index)
            open_[key] = replace(first, now=saved.now)  # with the name it had at the save
        told = [key for key, saved in open_.items() if _is_told_of(step, saved)]
        for key in told[-1:]:
            done.append(replace(open_.pop(key), end=step.index, outcome="raised"))
            raised.add(key)
    done += [replace(saved, outcome="held") for saved in open_.values()]
    changing = {
        letter: [step.index for step in _changing(recording, letter)]
        for letter in {save.storage for save in done}
    }
    last = len(recording.steps)
    made: dict[tuple, Save] = {}
    for save in done:
        alike = save.storage, save.start, save.end, save.expects, save.outcome
        made.setdefault(alike, replace(save, unseen=_unseen(save, changing[save.storage], last)))
    return sorted(made.values(), key=lambda save: save.start)


def silent_steps(recording: Recording, letter: str) -> list[int]:
    """Steps in which a storage's bytes changed and the counter of its first tensor did not move."""
    found = []
    for step in _changing(recording, letter):
        on_it = [t for t in step.tensors if t.storage == letter and t.before is not None]
        if on_it and on_it[0].version == on_it[0].before:
            found.append(step.index)
    return found


def _changing(recording, letter):
    """The steps in which cells of a storage that was there before changed."""
    for before, step in zip(recording.steps, recording.steps[1:]):
        old = next((s.cells for s in before.storages if s.letter == letter), ())
        new = next((s.cells for s in step.storages if s.letter == letter), ())
        if old and new and old != new:
            yield step


def _unseen(save, changing, last):
    """Of the steps that change its storage, those between save and end that its counter missed."""
    if save.broken:  # by the counter of the saved tensor, which may be its own
        return ()
    end = last if save.end is None else save.end
    return tuple(index for index in changing if save.start < index < end)


def _looked(step):
    if step.error:  # before it raised over one tensor it may have been through others
        return step.message is not None and step.message.overwritten
    return any(call.op in _BACKWARD for call in step.calls)


def _is_told_of(step, saved):
    """Are these the versions that the step's error speaks of?"""
    message = step.message
    told = message is not None and message.overwritten
    return told and (message.expected, message.now) == (saved.expects, saved.now)


def _key(saved):
    return saved.number, saved.storage, saved.expects
