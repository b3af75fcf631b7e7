"""A recording in words: the sentence under a picture and the table of all steps.

The idea: whatever a picture shows, these say, so that no one needs to see it.
"""

from __future__ import annotations

from html import escape

from overwritten.pictures.draw import clean, size
from overwritten.record.recording import Recording, Step
from overwritten.record.scratch import NUMBER_BYTES

#: In-place operations that change a tensor's label (shape, strides) and no byte.
RELABELS = frozenset(
    "t_ transpose_ swapaxes_ swapdims_ squeeze_ unsqueeze_ as_strided_ resize_ set_ detach_".split()
)


def sentence(recording: Recording, index: int) -> str:
    """What happened in step `index` and how things stand after it."""
    if not recording.steps:
        return clean(recording.error or "Nothing ran.")
    step = recording.steps[index]
    place = f"Step {index} of {len(recording.steps) - 1}: {step.text}."
    parts = [place if step.line else "Start.", *events(step)]
    earlier = frozenset(recording.steps[index - 1].saved if index else ())
    parts += [held(saved) for saved in step.saved if saved.broken or saved not in earlier]
    where = [_where(tensor, step) for tensor in step.tensors if not tensor.twin]
    parts += where or ["No tensor has a name."]
    parts.append(_bytes(step))
    if step.error:
        parts.append(f"Error: {step.error}")
    if recording.note and index == len(recording.steps) - 1:
        parts.append(recording.note)
    return clean(" ".join(parts))


def events(step: Step) -> list[str]:
    """What came, was written, went: one short sentence each."""
    gone, new = dict(step.freed), dict(step.born)
    born = [(letter, n) for letter, n in step.born if letter not in gone]
    said = [f"Storage {letter} ({size(n)}) is new." for letter, n in born]
    for letter in dict.fromkeys(write.storage for write in step.writes):
        if not _unmoved(step, letter):
            writes = [write for write in step.writes if write.storage == letter]
            moved = f"version {writes[0].before} → {writes[-1].after}"
            ops = {write.op for write in writes}
            if ops <= RELABELS:
                names = " and ".join(sorted(ops))
                said.append(f"{names} changes the label, not the bytes of {letter} ({moved}).")
            else:
                said.append(f"{letter} is written in place ({moved}).")
    said += [f"{a} is resized from {size(old)} to {size(now)}." for a, old, now in step.resized]
    freed = [(letter, n) for letter, n in step.freed if letter not in new]
    return said + remarks(step) + [f"{letter} ({size(n)}) is freed." for letter, n in freed]


def remarks(step: Step) -> list[str]:
    """What the cells and brackets of a picture cannot show."""
    gone = dict(step.freed)
    said = [
        f"A temporary storage {letter} ({size(n)}) comes and goes."
        for letter, n in step.born
        if letter in gone
    ]
    for letter in dict.fromkeys(write.storage for write in step.writes):
        if still := _unmoved(step, letter):
            names = " and ".join(still)
            said.append(f"{letter} is written in place, yet the version of {names} does not move.")
    said += [f"The bytes of {one} change, yet no version counter moves." for one in step.unseen]
    if step.scratch > NUMBER_BYTES:
        hungry = plain(max(step.calls, key=lambda call: call.scratch or 0).op)
        said.append(f"Inside, {hungry} takes {size(step.scratch)} more and gives them back.")
    return said + [f"{t.name} {t.note}." for t in step.tensors if t.note]


def held(saved) -> str:
    """What one node keeps for backward, and whether it is still what was saved."""
    if saved.broken:
        was = f"{saved.node} saved {saved.tensor} at version {saved.expects}"
        return f"{was}, but it is now at version {saved.now}."
    return f"{saved.node} saves {saved.tensor} (version {saved.expects}) for backward."


def _unmoved(step: Step, letter: str) -> list[str]:
    """Names on a written storage whose own counter did not see the write."""
    on_it = [t for t in step.tensors if t.storage == letter and t.before is not None]
    return [t.name for t in on_it if t.version == t.before]


def plain(op: str) -> str:
    """The name a learner knows: `x[i] = v` for __setitem__."""
    return {"__setitem__": "x[…] = …", "__getitem__": "x[…]"}.get(op, op)


def names_of(tensor, step: Step) -> list[str]:
    """All names bound to this very tensor, its first one first."""
    return [tensor.name, *(t.name for t in step.tensors if t.twin == tensor.name)]


def _where(tensor, step) -> str:
    names = names_of(tensor, step)
    who = names[0] if len(names) == 1 else f"{' and '.join(names)} are one tensor, which"
    if tensor.storage is None:
        return f"{who} has no storage to draw."
    start = f" from byte {tensor.start}" if tensor.start else ""
    version = "" if tensor.version is None else f", version {tensor.version}"
    return f"{who} looks at {tensor.storage}{start}{version}."


def _bytes(step: Step) -> str:
    top = f", {size(step.peak)} at the highest point of this line" if step.peak > step.live else ""
    return f"{size(step.live)} alive{top}."


def table(recording: Recording) -> str:
    """All steps as an HTML table: line, tensors with storage and version, bytes."""
    rows = []
    for step in recording.steps:
        tensors = ", ".join(
            f"{t.name} → {t.storage or 'none'}" + ("" if t.version is None else f" v{t.version}")
            for t in step.tensors
        )
        happened = " ".join([*events(step), *([step.error] if step.error else [])])
        cells = [step.index, step.text, tensors, happened, size(step.live), size(step.peak)]
        row = "".join(f"<td>{escape(clean(cell), quote=False)}</td>" for cell in cells)
        rows.append(f"<tr>{row}</tr>")
    heads = ("step", "line", "tensor → storage, version", "what happened", "alive", "peak")
    head = "".join(f'<th scope="col">{h}</th>' for h in heads)
    return (
        f'<table class="steps"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )
