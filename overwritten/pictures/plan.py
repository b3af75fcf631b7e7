"""Where everything stands in the pictures of a recording's steps.

The idea: one plan for all steps, so nothing moves that did not change: code on the left or
above, a place for each storage that it keeps while it lives, then padlocks, notes and curve.
It draws nothing.
"""

from __future__ import annotations

from overwritten.pictures.curve import ROOM, Curve
from overwritten.pictures.draw import CHAR, WIDTH, clip
from overwritten.pictures.storages import (
    BRACKET,
    MOST_TENSORS,
    PAD,
    SOFT,
    head,
    label_width,
    tensors_on,
)
from overwritten.pictures.words import remarks
from overwritten.record.recording import Recording

LINE = 20
SIDE = 38  # code up to this many characters may stand beside the storages, longer code above
MOST_LINES, MOST_SLOTS, MOST_LOCKS = 14, 6, 4


class Plan:
    """Where everything stands, the same in all steps: nothing moves that did not change."""

    def __init__(self, recording: Recording):
        self.recording, self.steps = recording, recording.steps
        self.lines = recording.lines
        longest = max(map(len, self.lines), default=0)
        narrow = int(max(longest, 12) * CHAR) + 34
        widest = max((label_width(step, t) for step in self.steps for t in step.tensors), default=0)
        heads = (
            22 + 10 * len(s.letter) + SOFT * len(head(s, " · written"))
            for step in self.steps
            for s in step.storages
        )
        widest = max(widest, *heads, 0)
        self.beside = longest <= SIDE and narrow + 3 * PAD + widest <= WIDTH
        self.code_width = narrow if self.beside else WIDTH - 2 * PAD
        self.code_rows = min(len(self.lines), MOST_LINES)
        code_bottom = 22 + LINE * self.code_rows
        self.left = self.code_width + 2 * PAD if self.beside else PAD
        self.top = 0 if self.beside else code_bottom + 8
        self.room = WIDTH - self.left - PAD
        self.culprit = next((s for s in self.steps if any(lock.broken for lock in s.saved)), None)
        self.slots = _slots(self.steps)
        self.slot_top, y = [], self.top + 26
        for heights in _slot_heights(self.steps, self.slots):
            self.slot_top.append(y)
            y += heights
        self.locks_top = max(y, code_bottom) + 12
        most = max((len(step.saved) for step in self.steps), default=0)
        self.notes_top = self.locks_top + (26 + 22 * min(most, MOST_LOCKS) if most else 0)
        rows = max(len(note_rows(recording, k)) for k in range(max(len(self.steps), 1)))
        curve_top = self.notes_top + 18 * rows + 4
        self.curve = Curve(recording, curve_top)
        self.height = curve_top + (ROOM if self.steps else 0)


def _slots(steps) -> list[dict]:
    """For each step {letter: place}; a storage keeps its place, also in the step that frees it.

    Only the first places are drawn. A storage beyond them in which something happens takes
    the place of the one in which nothing has happened for longest.
    """
    places = []
    before: dict[str, int] = {}
    busy: dict[str, int] = {}
    for step in steps:
        alive = [s.letter for s in step.storages]
        freed = [letter for letter, _ in step.freed if letter in before]
        here = {letter: before[letter] for letter in [*alive, *freed] if letter in before}
        for letter in alive:
            if letter not in here:
                taken = set(here.values())
                here[letter] = next(i for i in range(len(taken) + 1) if i not in taken)
        busy.update(dict.fromkeys(touched(step), step.index))
        for letter in filter(here.__contains__, touched(step)):
            drawn = [one for one in here if here[one] < MOST_SLOTS]
            idle = min(drawn, key=lambda one: busy.get(one, 0))
            if here[letter] >= MOST_SLOTS and busy.get(idle, 0) < step.index:
                here[letter], here[idle] = here[idle], here[letter]
        places.append(here)
        before = {letter: here[letter] for letter in alive}
    return places


def touched(step) -> list[str]:
    """Letters of what came, went, was written or was found broken in a step."""
    letters = [letter for letter, _ in (*step.born, *step.freed)]
    letters += [write.storage for write in step.writes] + list(step.unseen)
    return list(dict.fromkeys(letters + [lock.storage for lock in step.saved if lock.broken]))


def _slot_heights(steps, slots) -> list[int]:
    heights: dict[int, int] = {}
    for step, places in zip(steps, slots):
        for letter, place in places.items():
            if place < MOST_SLOTS:
                on_it = len(tensors_on(step, letter))
                more = 16 if on_it > MOST_TENSORS else 0
                needed = 70 + BRACKET * min(on_it, MOST_TENSORS) + more
                heights[place] = max(heights.get(place, 0), needed)
    return [heights[place] for place in sorted(heights)]


def note_rows(recording, index):
    if not recording.steps:
        return [(words, "bad") for words in _wrap("✗ " + recording.error)]
    step = recording.steps[index]
    rows = [(words, "soft") for words in remarks(step)]
    last = index == len(recording.steps) - 1
    if step.error:
        rows += [(words, "bad") for words in _wrap("✗ " + step.error)]
    if last and recording.note:
        rows.append((recording.note, "bold"))
    return rows


def _wrap(words, width=76, most=4):
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) > most:
        lines[most - 1 :] = [clip(" ".join(lines[most - 1 :]), width)]
    return lines
