"""Where everything stands in the pictures of a recording's steps.

The idea: one plan for all steps, so nothing moves that did not change. Two columns: the code with
the curve below it, as tall in every step, and the storages, each in a place that it keeps while
it lives; only their column grows. It draws nothing.
"""

from __future__ import annotations

from itertools import accumulate
from textwrap import wrap

from overwritten.pictures.curve import WORDS, Curve
from overwritten.pictures.draw import CHAR, WIDTH
from overwritten.pictures.marks import LONGEST, marks, telling
from overwritten.pictures.storages import PAD, height, width
from overwritten.record.recording import Recording

LINE, INDENT = 20, 26
NARROWEST, WIDEST = 290, WIDTH - 20
FOLD = 42  # characters of a row of code: with the storages beside it JupyterLab has room for both
LOWEST, HIGHEST = 62, 180  # px of the curve: as tall as the storages beside it leave room for
MOST_LINES, MOST_SLOTS = 14, 6


class Plan:
    """Where everything stands, the same in all steps: nothing moves that did not change.

    code_width, storages_width: of the two columns. rows: of the code, long lines folded:
    (line, words, its mark and the first step of that or None). tags: x of the marks.
    slots: for each step {letter: place}; slot_top: y of each place. left: for each step
    {place: the storage that stood there last}. saved: (letter, name) of what is ever saved.
    """

    def __init__(self, recording: Recording):
        self.recording, self.steps = recording, recording.steps
        self.rows = [*_rows(recording)]
        marked = max((len(words) + 2 for _, words, mark in self.rows if mark), default=-LONGEST)
        self.tags = INDENT + CHAR * marked
        longest = INDENT + CHAR * max((len(words) for _, words, _ in self.rows), default=0)
        self.code_width = max(NARROWEST, longest + PAD, self.tags + CHAR * LONGEST)
        self.code_rows = min(len(self.rows), MOST_LINES)
        wanted = max((width(step, s) for step in self.steps for s in step.storages), default=0)
        self.storages_width = min(max(250, wanted + 2 * PAD + 1), WIDEST)
        self.room = self.storages_width - 2 * PAD
        self.saved = {(s.storage, s.tensor) for step in self.steps for s in step.saved}
        self.slots = _slots(self.steps)
        last: dict = {}
        self.left = []
        rows: dict[int, int] = {}
        for step, places in zip(self.steps, self.slots):
            self.left.append(dict(last))
            last.update({places[s.letter]: s for s in step.storages})
            for letter, place in places.items():
                rows[place] = max(rows.get(place, 0), height(self.saved, step, letter))
        tops = accumulate((rows.get(place, 0) for place in range(MOST_SLOTS)), initial=26)
        self.slot_top = [*tops]
        curve_top = 36 + LINE * max(self.code_rows, 1)
        free = self.storages_height(telling(recording)) - curve_top - WORDS
        tall = min(max(LOWEST, free), HIGHEST)
        self.curve = Curve(recording, curve_top, self.code_width, tall)
        self.code_height = curve_top + (WORDS + tall if self.steps else 0)

    def drawn(self, index: int) -> dict[str, int]:
        """{letter: place} of the storages that step `index` shows."""
        places = self.slots[index] if self.steps else {}
        return {letter: place for letter, place in places.items() if place < MOST_SLOTS}

    def storages_height(self, index: int) -> float:
        """Of the storages' column in step `index`."""
        ends = (
            self.slot_top[place] + height(self.saved, self.steps[index], letter)
            for letter, place in self.drawn(index).items()
        )
        return max(ends, default=30)


def _rows(recording):
    found = marks(recording)
    for number, line in enumerate(recording.lines, 1):
        inner = " " * (len(line) - len(line.lstrip()) + 4)
        rows = wrap(line, FOLD, subsequent_indent=inner, break_on_hyphens=False) or [""]
        said = [*found.get(number, {}).items()]
        alone = len(rows[-1]) > FOLD - LONGEST  # then the first mark has a row of its own, too
        rows += [""] * max(len(said) - 1 + alone, 0) if said else []
        yield from zip([number] * len(rows), rows, [None] * (len(rows) - len(said)) + said)


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
