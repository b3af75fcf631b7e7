"""What a knob can show: from codes by label to a picture, a sentence and the cells of a table.

The idea: each kind of scene runs the codes, and says and draws only what their recordings hold.
Where there are two codes or more, the last is the out-of-place twin that knows the right gradient.
"""

from __future__ import annotations

from typing import NamedTuple

from overwritten.pictures.draw import size
from overwritten.pictures.gradients import MOST, gradients_picture
from overwritten.pictures.lanes import lanes_picture, lanes_sentence
from overwritten.pictures.peaks import peaks_picture
from overwritten.pictures.picture import Picture, stack
from overwritten.record.recorder import record
from overwritten.record.recording import Recording
from overwritten.record.trial import TRUE, Trial, flat, signed, trial


class Scene(NamedTuple):
    """picture, words: what is shown. cells: {heading: text} of the table. recordings: by label."""

    picture: Picture
    words: str
    cells: dict[str, str]
    recordings: dict[str, Recording]


def peaks(codes: dict[str, str], names: dict) -> Scene:
    """What each holds line by line; with verdicts where the twin has a gradient."""
    *others, last = codes
    trials = {label: trial(codes[label], codes[last], names, values=True) for label in others}
    twin = next(iter(trials.values())).twin if trials else record(codes[last], names)
    recordings = {label: trials[label].run for label in others} | {last: twin}
    verdicts = {label: trials[label].verdict for label in others} if twin.gradients else {}
    if verdicts:
        verdicts[last] = TRUE
    ends, cells = [], {}
    for label, recording in recordings.items():
        error, peak = recording.error.rstrip("."), size(recording.peak)
        if verdict := verdicts.get(label):  # what stopped half-way has no peak to compare
            more = "" if error else f", peak {peak}"
            ends.append(f"{label}: {verdict}{more}")
            cells[label] = signed(verdict) + more
        else:
            cells[label] = f"ends with {error}" if error else f"peaks at {peak}"
            ends.append(f"{label} {cells[label]}")
    ends += [f"{label}: {r.note.rstrip('.?')}" for label, r in recordings.items() if r.note]
    words = f"{'; '.join(ends)}."
    return Scene(peaks_picture(recordings, words, verdicts), words, cells, recordings)


def lanes(codes: dict[str, str], names: dict) -> Scene:
    """The lanes of the first code; the verdict against the last where there are two."""
    recordings, verdict = _run(codes, names)
    first = next(iter(recordings.values()))
    happens = lanes_sentence(first)
    words = _end(f"{verdict}. " if verdict else "") + happens
    picture = lanes_picture(first, words, verdict)
    cells = ({"verdict": signed(verdict)} if verdict else {}) | {"what happens": happens}
    return Scene(picture, words, cells, recordings)


def beside(codes: dict[str, str], names: dict) -> Scene:
    """The lanes of every code but the last, one below the other, each with its verdict."""
    *others, last = codes
    return side_by_side({label: trial(codes[label], codes[last], names) for label in others})


def side_by_side(trials: dict[str, Trial]) -> Scene:
    """The same of trials that were run before."""
    ends = {label: (done.verdict, _versions(done.run)) for label, done in trials.items()}
    words = "; ".join(f"{label}: {''.join(end)}" for label, end in ends.items()) + "."
    cells = {label: signed(verdict) + versions for label, (verdict, versions) in ends.items()}
    alt = " ".join(f"{label}: {lanes_sentence(done.run)}" for label, done in trials.items())
    pictures = [
        lanes_picture(done.run, alt, done.verdict, name=label, brief=True)
        for label, done in trials.items()
    ]
    runs = {label: done.run for label, done in trials.items()}
    return Scene(stack(*pictures), words, cells, runs)


def _versions(recording):
    message = recording.message
    found = message is not None and message.overwritten
    return f" (is at version {message.now}; expected version {message.expected})" if found else ""


def gradients(codes: dict[str, str], names: dict) -> Scene:
    """The gradient that came out beside the true one, and the lanes of the first code."""
    recordings, verdict = _run(codes, names)
    first, twin = list(recordings.values())[0], list(recordings.values())[-1]
    got, true = _say(first) or "no gradient came out", _say(twin)
    end = _end(verdict or first.error or "no verdict")
    words = f"{end}: {got} (true: {true}). {lanes_sentence(first)}"
    picture = stack(gradients_picture(first, twin, words, verdict), lanes_picture(first, words))
    cells = {"verdict": signed(verdict), "gradient": got, "true gradient": true}
    return Scene(picture, words, cells, recordings)


def _say(recording):
    said = []
    for name, numbers in recording.gradients.items():
        every = list(flat(numbers))
        shown = ", ".join(f"{v:.6g}" for v in every[:MOST])
        said.append(f"{name} = [{shown}{', …' if len(every) > MOST else ''}]")
    return "; ".join(said)


def _run(codes, names):
    labels = list(codes)
    if len(labels) == 1:
        return {labels[0]: record(codes[labels[0]], names)}, ""
    done = trial(codes[labels[0]], codes[labels[-1]], names)
    return {labels[0]: done.run, labels[-1]: done.twin}, done.verdict


def _end(words):
    return words[:1].upper() + words[1:]


#: What `knob(show=…)` may be.
SCENES = {"peaks": peaks, "lanes": lanes, "beside": beside, "gradients": gradients}
