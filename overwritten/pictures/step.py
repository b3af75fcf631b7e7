"""The step view: one moment of a recording, in two columns.

The idea: code on the left with the current line marked, below it the curve of the bytes alive;
on the right each storage a row of cells in a place of its own that it keeps while it lives, and
each tensor a bracket over the cells it sees, with its version. A column is a picture of its own,
so a page can set them side by side or one below the other.
Pure functions from Recording and step number to Panels: no widget, no torch operation.
"""

from __future__ import annotations

from overwritten.pictures.draw import box, clip, size, text
from overwritten.pictures.marks import sign
from overwritten.pictures.picture import Panels, Picture
from overwritten.pictures.plan import FOLD, INDENT, LINE, MOST_SLOTS, Plan
from overwritten.pictures.storages import PAD, alive, brackets, freed
from overwritten.pictures.words import sentence
from overwritten.record.recording import Recording, Step


def step_picture(recording: Recording, index: int) -> Panels:
    """Step `index` of `recording`; the code's column has the same height in every step.

    With nothing recorded (a syntax error) the picture is the code and the sentence.
    """
    return _draw(Plan(recording), index)


def step_pictures(recording: Recording) -> list[Panels]:
    """All steps, drawn to one plan; a recording without steps gives one picture."""
    plan = Plan(recording)
    return [_draw(plan, index) for index in range(max(len(recording.steps), 1))]


def _draw(plan, index):
    step = plan.steps[index] if plan.steps else Step(0, 0, "")
    code = [*_code(plan, step), *plan.curve.strokes(index)]
    data = {"step": step.index, "live": step.live, "peak": step.peak}
    columns = (
        Picture(plan.code_height, "", code, width=plan.code_width),
        Picture(
            plan.storages_height(index), "", [*_storages(plan, index)], width=plan.storages_width
        ),
    )
    return Panels(sentence(plan.recording, index), columns, data)


def _code(plan, step):
    yield text(PAD, 14, "code", "soft")
    if not plan.rows:
        yield text(PAD, 36, "(the source of this code is not at hand)", "soft")
    numbers = [number for number, *_ in plan.rows]
    here = numbers.index(step.line) if step.line in numbers else 0
    first = max(min(here - plan.code_rows // 2, len(plan.rows) - plan.code_rows), 0)
    for row, (number, words, mark) in enumerate(plan.rows[first : first + plan.code_rows], first):
        y = 36 + LINE * (row - first)
        if number == step.line:
            kind = "hotbad" if step.error else "hot"
            yield box(PAD - 4, y - 15, plan.code_width - 2 * PAD + 8, LINE, kind)
        if step.line and row == here:
            yield text(PAD, y, "✗" if step.error else "▸", "bold bad" if step.error else "bold")
        yield text(INDENT, y, clip(words, FOLD), "later" if number > step.line else "")
        if mark and mark[1] <= step.index:
            yield from sign(plan.tags, y, mark[0])


def _storages(plan, index):
    if not plan.steps:
        yield text(PAD, 14, "storages and their tensors", "soft")
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
            yield from brackets(plan, step, here[letter], y)
        else:
            yield from freed(plan, before[letter], plan.slot_top[place])
    gone, taken = plan.left[index], {*plan.slots[index].values()}
    for place in {*range(min(max(taken, default=0), MOST_SLOTS))} - taken:
        if place in gone and gone[place].letter not in here:  # a gap says who left it
            yield from freed(plan, gone[place], plan.slot_top[place])
    words = "storages and their tensors"
    if hidden:
        total = sum(here[letter].nbytes for letter in hidden if letter in here)
        words = f"storages · not drawn: {len(hidden)} ({size(total)})"
    yield text(PAD, 14, words, "soft")
