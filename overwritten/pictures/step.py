"""The step view: one moment of a recording, after mock A of the design.

The idea: code on the left with the current line marked; each storage a row of cells in a
place of its own that it keeps while it lives; each tensor a bracket over the cells it
sees, with its version; the bytes alive as a curve below.
A pure function from Recording and step number to a Picture: no widget, no torch operation.
"""

from __future__ import annotations

from overwritten.pictures.draw import CHAR, box, clip, padlock, size, text
from overwritten.pictures.picture import Picture
from overwritten.pictures.plan import LINE, MOST_LOCKS, MOST_SLOTS, Plan, note_rows
from overwritten.pictures.storages import PAD, alive, brackets, freed
from overwritten.pictures.words import sentence
from overwritten.record.recording import Recording, Step


def step_picture(recording: Recording, index: int) -> Picture:
    """Step `index` of `recording`; every step has the same height.

    With nothing recorded (a syntax error) the picture is the code and the sentence.
    """
    return _draw(Plan(recording), index)


def step_pictures(recording: Recording) -> list[Picture]:
    """All steps, drawn to one plan; a recording without steps gives one picture."""
    plan = Plan(recording)
    return [_draw(plan, index) for index in range(max(len(recording.steps), 1))]


def _draw(plan, index):
    parts = (_code, _storages, _locks, _notes)
    body = [stroke for part in parts for stroke in part(plan, index)] + [*plan.curve.strokes(index)]
    step = plan.steps[index] if plan.steps else Step(0, 0, "")
    words = sentence(plan.recording, index)
    data = {"step": step.index, "live": step.live, "peak": step.peak}
    return Picture(plan.height, words, body, data)


def _code(plan, index):
    yield text(PAD, 14, "code", "soft")
    if not plan.lines:
        yield text(PAD, 36, "(the source of this code is not at hand)", "soft")
    step = plan.steps[index] if plan.steps else Step(0, 0, "")
    last = len(plan.lines) - plan.code_rows
    first = min(max(step.line - plan.code_rows // 2 - 1, 0), max(last, 0))
    width = int((plan.code_width - 30) / CHAR)
    for row, words in enumerate(plan.lines[first : first + plan.code_rows]):
        number, y = first + row + 1, 36 + LINE * row
        if number == step.line:
            kind = "hotbad" if step.error else "hot"
            yield box(PAD - 4, y - 15, plan.code_width, LINE, kind, radius=3)
            yield text(PAD, y, "✗" if step.error else "▸", "bold bad" if step.error else "bold")
        yield text(PAD + 16, y, clip(words, width), "later" if number > step.line else "")
        guilty = plan.culprit
        wrote = guilty is not None and guilty.line == number and guilty.index <= index
        if wrote and len(words) + 14 <= width:
            yield text(PAD + 16 + CHAR * (len(words) + 1), y, "✗ wrote here", "bad bold")


def _storages(plan, index):
    if not plan.steps:
        yield text(plan.left, plan.top + 14, "storages and their tensors", "soft")
        return
    step = plan.steps[index]
    earlier = plan.steps[index - 1] if index else None
    here = {s.letter: s for s in step.storages}
    before = {s.letter: s for s in earlier.storages} if earlier else {}
    hidden = []
    for letter, place in plan.slots[index].items():
        if place >= MOST_SLOTS:
            hidden.append(letter)
        elif letter in here:
            y = plan.slot_top[place]
            yield from alive(plan, step, here[letter], before.get(letter), y)
            yield from brackets(plan, step, here[letter], y + 62)
        else:
            yield from freed(plan, before[letter], plan.slot_top[place])
    words = "storages and their tensors"
    if hidden:
        total = sum(here[letter].nbytes for letter in hidden if letter in here)
        words = f"storages · not drawn: {len(hidden)} ({size(total)})"
    yield text(plan.left, plan.top + 14, words, "soft")


def _locks(plan, index):
    """What is saved for backward: a closed padlock while it is as it was saved."""
    saved = plan.steps[index].saved if plan.steps else ()
    if not saved:
        return
    more = f" ({len(saved) - MOST_LOCKS} more)" if len(saved) > MOST_LOCKS else ""
    yield text(PAD, plan.locks_top + 8, f"saved for backward{more}", "soft")
    for row, lock in enumerate(sorted(saved, key=lambda s: not s.broken)[:MOST_LOCKS]):
        y = plan.locks_top + 30 + 22 * row
        opened = lock.broken and bool(plan.steps[index].error)  # by backward, not by the write
        yield padlock(PAD + 2, y, opened)
        state = f"✗ now v{lock.now}" if lock.broken else f"✓ still v{lock.now}"
        words = f"{clip(lock.tensor, 20)} expects v{lock.expects}"
        yield text(PAD + 26, y, words, "bold")
        x = PAD + 26 + CHAR * len(words) + 10
        yield text(x, y, state, "bad bold" if lock.broken else "")
        yield text(x + CHAR * len(state) + 10, y, clip(lock.node, 26), "soft")


def _notes(plan, index):
    for row, (words, kind) in enumerate(note_rows(plan.recording, index)):
        yield text(PAD, plan.notes_top + 8 + 18 * row, clip(words, 81), kind)
