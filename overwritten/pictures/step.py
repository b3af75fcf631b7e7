"""The step view: one moment of a recording, after mock A of the design.

The idea: code on the left with the current line marked; each storage a row of cells in a
place of its own that it keeps while it lives; each tensor a bracket over the cells it
sees, with its version; the bytes alive as a curve below.
A pure function from Recording and step number to SVG: no widget, no torch operation.
"""

from __future__ import annotations

from overwritten.pictures.curve import ROOM, Curve
from overwritten.pictures.draw import (
    CHAR,
    HUES,
    WIDTH,
    badge,
    box,
    clip,
    number,
    padlock,
    picture,
    size,
    text,
)
from overwritten.pictures.words import names_of, remarks, sentence
from overwritten.record.recording import Recording, Step

PAD, LINE, BRACKET = 10, 20, 40
SIDE = 38  # code up to this many characters may stand beside the storages, longer code above
SOFT = CHAR * 12.5 / 13  # width of a character of the smaller font
MOST_LINES, MOST_SLOTS, MOST_TENSORS, MOST_LOCKS = 14, 6, 5, 4


def step_svg(recording: Recording, index: int) -> str:
    """Step `index` of `recording` as an SVG string; every step has the same height.

    With nothing recorded (a syntax error) the picture is the code and the sentence.
    """
    return _draw(_Plan(recording), index)


def step_svgs(recording: Recording) -> list[str]:
    """All steps, drawn to one plan; a recording without steps gives one picture."""
    plan = _Plan(recording)
    return [_draw(plan, index) for index in range(max(len(recording.steps), 1))]


def _draw(plan, index):
    parts = (_code, _storages, _locks, _notes)
    body = [stroke for part in parts for stroke in part(plan, index)] + [*plan.curve.strokes(index)]
    step = plan.steps[index] if plan.steps else Step(0, 0, "")
    words = sentence(plan.recording, index)
    return picture(plan.height, words, body, step=step.index, live=step.live, peak=step.peak)


class _Plan:
    """Where everything stands, the same in all steps: nothing moves that did not change."""

    def __init__(self, recording: Recording):
        self.recording, self.steps = recording, recording.steps
        self.lines = recording.lines
        longest = max(map(len, self.lines), default=0)
        narrow = int(max(longest, 12) * CHAR) + 34
        widest = max(
            (_label_width(step, t) for step in self.steps for t in step.tensors), default=0
        )
        heads = (
            22 + 10 * len(s.letter) + SOFT * len(_head(s, " · written"))
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
        rows = max(len(_note_rows(recording, k)) for k in range(max(len(self.steps), 1)))
        curve_top = self.notes_top + 18 * rows + 4
        self.curve = Curve(recording, curve_top)
        self.height = curve_top + (ROOM if self.steps else 0)


def _slots(steps) -> list[dict]:
    """For each step {letter: place}; a storage keeps its place, also in the step that frees it.

    Only the first places are drawn. A storage beyond them in which something happens takes
    the place of the one in which nothing has happened for longest.
    """
    places, here, before, busy = [], {}, {}, {}
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
            idle = min(
                (one for one in here if here[one] < MOST_SLOTS), key=lambda one: busy.get(one, 0)
            )
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
    heights = {}
    for step, places in zip(steps, slots):
        for letter, place in places.items():
            if place < MOST_SLOTS:
                on_it = len(_tensors_on(step, letter))
                needed = (
                    70 + BRACKET * min(on_it, MOST_TENSORS) + (16 if on_it > MOST_TENSORS else 0)
                )
                heights[place] = max(heights.get(place, 0), needed)
    return [heights[place] for place in sorted(heights)]


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
            yield box(
                PAD - 4, y - 15, plan.code_width, LINE, "hotbad" if step.error else "hot", radius=3
            )
            yield text(PAD, y, "✗" if step.error else "▸", "bold bad" if step.error else "bold")
        yield text(PAD + 16, y, clip(words, width), "later" if number > step.line else "")
        wrote = (
            plan.culprit is not None and plan.culprit.line == number and plan.culprit.index <= index
        )
        if wrote and len(words) + 14 <= width:
            yield text(PAD + 16 + CHAR * (len(words) + 1), y, "✗ wrote here", "bad bold")


def _storages(plan, index):
    if not plan.steps:
        yield text(plan.left, plan.top + 14, "storages and their tensors", "soft")
        return
    step = plan.steps[index]
    earlier = plan.steps[index - 1] if index else None
    alive = {s.letter: s for s in step.storages}
    before = {s.letter: s for s in earlier.storages} if earlier else {}
    hidden = []
    for letter, place in plan.slots[index].items():
        if place >= MOST_SLOTS:
            hidden.append(letter)
        elif letter in alive:
            y = plan.slot_top[place]
            yield from _storage(plan, step, alive[letter], before.get(letter), y)
            yield from _brackets(plan, step, alive[letter], y + 62)
        else:
            yield from _freed(plan, before[letter], plan.slot_top[place])
    words = "storages and their tensors"
    if hidden:
        total = sum(alive[letter].nbytes for letter in hidden if letter in alive)
        words = f"storages · not drawn: {len(hidden)} ({size(total)})"
    yield text(plan.left, plan.top + 14, words, "soft")


def _columns(plan, storage):
    """x of each drawn cell, and a function from element index to x."""
    cells = storage.cells
    whole = len(cells) == storage.count
    units = max(len(cells), 1) if whole else len(cells) + 1
    wide = min(50, plan.room / units)
    shift = {i: k + (0 if whole or i < 5 else 1) for k, (i, _) in enumerate(cells)}

    def at(element):
        if element in shift:
            return plan.left + shift[element] * wide
        return plan.left + 5 * wide  # somewhere in the gap

    return wide, at


def _storage(plan, step, storage, before, y):
    fresh = storage.letter in dict(step.born)
    written = any(w.storage == storage.letter for w in step.writes)
    yield text(plan.left, y + 12, storage.letter, "bold", ' style="font-size:16px"')
    tag = " · new" if fresh else " · written" if written else ""
    indent = plan.left + 12 + 10 * len(storage.letter)
    yield text(
        indent, y + 12, clip(_head(storage, tag), int((WIDTH - PAD - indent) / SOFT)), "soft"
    )
    wide, at = _columns(plan, storage)
    old = dict(before.cells) if before else {}
    for element, words in storage.cells:
        changed = fresh or (before is not None and old.get(element) != words)
        yield box(at(element), y + 18, wide, 24, "box fresh" if changed else "box")
        kind = "mid bold" if changed and not fresh else "mid"
        yield text(
            at(element) + wide / 2,
            y + 34,
            number(words, int(wide / CHAR)),
            kind,
            ' style="font-size:12.5px"',
        )
        if element < 5 or len(storage.cells) == storage.count:
            label = f"{storage.letter}+{element * storage.itemsize}"
            yield text(at(element) + wide / 2, y + 55, label, "tiny mid")
    if len(storage.cells) != storage.count and storage.cells:
        end = storage.cells[-1][0]
        label = f"{storage.letter}+{end * storage.itemsize:,}"
        yield text(at(5) + wide / 2, y + 34, "…", "mid soft")
        yield text(at(end) + wide, y + 55, label, "tiny end")


def _head(storage, tag):
    stats = f" · {storage.stats}" if storage.stats else ""
    return f"{size(storage.nbytes)} · {storage.dtype}{tag}{stats}"


def _brackets(plan, step, storage, y):
    tensors = _tensors_on(step, storage.letter)
    wide, at = _columns(plan, storage)
    for tensor in tensors[:MOST_TENSORS]:
        hue = HUES[[t.name for t in step.tensors].index(tensor.name) % len(HUES)]
        seen = tensor.elements
        if seen and tensor.itemsize == storage.itemsize:
            yield _bracket(at, wide, seen, y, hue)
        ticked = tensor.before is not None and tensor.version != tensor.before
        name = _names(step, tensor)
        yield text(plan.left, y + 24, name, "bold")
        x = plan.left + CHAR * len(name) + 8
        shape, width = badge(x, y + 24, tensor.version, ticked)
        yield shape
        room = int((WIDTH - PAD - x - width - 8) / SOFT)
        yield text(x + width + 8, y + 24, clip(_facts(tensor), room), "soft")
        y += BRACKET
    if len(tensors) > MOST_TENSORS:
        yield text(plan.left, y + 10, f"and {len(tensors) - MOST_TENSORS} more tensors", "soft")


def _names(step, tensor):
    return clip(", ".join(names_of(tensor, step)), 16)


def _facts(tensor):
    start = f" from {tensor.storage}+{tensor.start:,}" if tensor.start else ""
    return f"shape {_tuple(tensor.shape)} strides {_tuple(tensor.strides)}{start}"


def _label_width(step, tensor):
    return (
        CHAR * len(_names(step, tensor))
        + badge(0, 0, tensor.version, False)[1]
        + 16
        + SOFT * len(_facts(tensor))
    )


def _tensors_on(step, letter):
    """The tensors on one storage; a second name for the same tensor is no second tensor."""
    return [t for t in step.tensors if t.storage == letter and not t.twin]


def _bracket(at, wide, seen, y, hue):
    """A thin rule from the first to the last element seen, thick under each one seen."""
    start, end = at(seen[0]) + 3, at(seen[-1]) + wide - 3
    spots = sorted({at(element) for element in seen})
    thick = "".join(f"M{x + 3:g},{y + 4} h{wide - 6:g} " for x in spots)
    return (
        f'<path d="M{start:g},{y} v4 H{end:g} v-4" fill="none" stroke="{hue}" stroke-width="1.6"/>'
        f'<path d="{thick.strip()}" class="mark" stroke="{hue}"/>'
    )


def _freed(plan, storage, y):
    yield text(plan.left, y + 12, storage.letter, "soft bold", ' style="font-size:16px"')
    yield text(
        plan.left + 12 + 10 * len(storage.letter), y + 12, f"{size(storage.nbytes)} · freed", "soft"
    )
    wide, at = _columns(plan, storage)
    for element, _ in storage.cells:
        yield box(at(element), y + 18, wide, 24, "box ghost")


def _tuple(numbers) -> str:
    return "(" + ", ".join(map(str, numbers)) + (",)" if len(numbers) == 1 else ")")


def _note_rows(recording, index):
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
    return (
        lines
        if len(lines) <= most
        else [*lines[: most - 1], clip(" ".join(lines[most - 1 :]), width)]
    )


def _locks(plan, index):
    """What is saved for backward: a closed padlock while it is as it was saved."""
    saved = plan.steps[index].saved if plan.steps else ()
    if not saved:
        return
    more = f" ({len(saved) - MOST_LOCKS} more)" if len(saved) > MOST_LOCKS else ""
    yield text(PAD, plan.locks_top + 8, f"saved for backward{more}", "soft")
    for row, lock in enumerate(sorted(saved, key=lambda s: not s.broken)[:MOST_LOCKS]):
        y = plan.locks_top + 30 + 22 * row
        yield padlock(
            PAD + 2, y, lock.broken and bool(plan.steps[index].error)
        )  # backward opens it, not the write
        state = f"✗ now v{lock.now}" if lock.broken else f"✓ still v{lock.now}"
        words = f"{clip(lock.tensor, 20)} expects v{lock.expects}"
        yield text(PAD + 26, y, words, "bold")
        x = PAD + 26 + CHAR * len(words) + 10
        yield text(x, y, state, "bad bold" if lock.broken else "")
        yield text(x + CHAR * len(state) + 10, y, clip(lock.node, 26), "soft")


def _notes(plan, index):
    for row, (words, kind) in enumerate(_note_rows(plan.recording, index)):
        yield text(PAD, plan.notes_top + 8 + 18 * row, clip(words, 81), kind)
