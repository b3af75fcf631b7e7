"""One storage in a step: its cells, and a bracket with a version for each tensor that looks at it.

The idea: a bracket lies under the very cells that its tensor sees; of long storages the first
and the last cells are drawn, and what lies between is a gap. A padlock closes below a tensor
that is saved for backward, and names the version it expects.
It knows no step's picture: where a storage stands says `overwritten.pictures.plan`.
"""

from __future__ import annotations

from overwritten.pictures.draw import CHAR, HUES, badge, box, clip, number, padlock, size, text
from overwritten.pictures.words import names_of

PAD, CELLS, BRACKET = 10, 64, 36
SOFT = CHAR * 12.5 / 13  # width of a character of the smaller font
MOST_TENSORS = 5
CELL, LEAST_CELL = 50, 40  # px of a cell, and what is kept for one where there are many
STATS = 18  # px of the row with least, greatest and mean
LOCK, LOCK_ROW = 20, 24  # px of the padlock before its words, and of its row


def alive(plan, step, storage, before, y):
    """Its cells from `y` px on; filled where a number is not what it was a step before."""
    fresh = storage.letter in dict(step.born)
    written = any(w.storage == storage.letter for w in step.writes)
    yield text(PAD, y + 12, storage.letter, "bold", ' style="font-size:16px"')
    tag = " · new" if fresh else " · written" if written else ""
    indent = PAD + 12 + 10 * len(storage.letter)
    yield text(
        indent, y + 12, clip(head(storage, tag), int((PAD + plan.room - indent) / SOFT)), "soft"
    )
    if storage.stats:
        yield text(PAD, y + 30, clip(storage.stats, int(plan.room / SOFT)), "soft")
        y += STATS
    wide, at = _columns(plan, storage)
    old = dict(before.cells) if before else {}
    for element, words in storage.cells:
        changed = fresh or (before is not None and old.get(element) != words)
        yield box(at(element), y + 18, wide, 24, "box fresh" if changed else "box")
        kind = "mid bold" if changed and not fresh else "mid"
        words = number(words, int(wide / CHAR))
        yield text(at(element) + wide / 2, y + 34, words, kind, ' style="font-size:12.5px"')
        if element < 5 or len(storage.cells) == storage.count:
            label = f"{storage.letter}+{element * storage.itemsize}"
            yield text(at(element) + wide / 2, y + 55, label, "tiny mid")
    if len(storage.cells) != storage.count and storage.cells:
        end = storage.cells[-1][0]
        label = f"{storage.letter}+{end * storage.itemsize:,}"
        yield text(at(5) + wide / 2, y + 34, "…", "mid soft")
        yield text(at(end) + wide, y + 55, label, "tiny end")


def freed(plan, storage, y):
    """Its cells once more, dashed, in the step in which it goes."""
    yield text(PAD, y + 12, storage.letter, "soft bold", ' style="font-size:16px"')
    indent = PAD + 12 + 10 * len(storage.letter)
    yield text(indent, y + 12, f"{size(storage.nbytes)} · freed", "soft")
    wide, at = _columns(plan, storage)
    for element, _ in storage.cells:
        yield box(at(element), y + 18, wide, 24, "box ghost")


def head(storage, tag: str) -> str:
    """What stands beside its letter."""
    return f"{size(storage.nbytes)} · {storage.dtype}{tag}"


def _columns(plan, storage):
    """x of each drawn cell, and a function from element index to x."""
    cells = storage.cells
    whole = len(cells) == storage.count
    units = _units(storage)
    wide = min(CELL, plan.room / units)
    shift = {i: k + (0 if whole or i < 5 else 1) for k, (i, _) in enumerate(cells)}

    def at(element):
        if element in shift:
            return PAD + shift[element] * wide
        return PAD + 5 * wide  # somewhere in the gap

    return wide, at


def _units(storage) -> int:
    """How many cells wide it is drawn, the gap counted as one."""
    return max(len(storage.cells), 1) + (len(storage.cells) != storage.count)


def brackets(plan, step, storage, y):
    """The tensors that look at it, one below the other, and last what else is saved of it."""
    tensors = tensors_on(step, storage.letter)
    wide, at = _columns(plan, storage)
    y += 62 + STATS * bool(storage.stats)
    for tensor in tensors[:MOST_TENSORS]:
        hue = HUES[[t.name for t in step.tensors].index(tensor.name) % len(HUES)]
        seen = tensor.elements
        if seen and tensor.itemsize == storage.itemsize:
            yield _bracket(at, wide, seen, y, hue)
        ticked = tensor.before is not None and tensor.version != tensor.before
        name = _names(step, tensor)
        yield text(PAD, y + 24, name, "bold")
        x = PAD + CHAR * len(name) + 8
        shape, long = badge(x, y + 24, tensor.version, ticked)
        yield shape
        x += long + 8
        yield text(x, y + 24, clip(_facts(tensor), int((PAD + plan.room - x) / SOFT)), "soft")
        y += BRACKET
        if is_saved(plan.saved, step, tensor):
            yield from _lock(plan, y + 11, _saves(step, tensor), step.error)
            y += LOCK_ROW
    if len(tensors) > MOST_TENSORS:
        yield text(PAD, y + 10, f"and {len(tensors) - MOST_TENSORS} more tensors", "soft")
        y += 16
    yield from _lock(plan, y + 11, loose(step, storage.letter), step.error, named=True)


def _lock(plan, y, saves, raised, named=False):
    """Closed while backward has not raised over it, whatever was written meanwhile."""
    if not saves:
        return
    expects, who = _held(saves, named)
    broken = expects.startswith("✗")
    yield padlock(PAD, y + 2, broken and bool(raised))
    yield text(PAD + LOCK, y, expects, "bad bold" if broken else "bold")
    x = PAD + LOCK + CHAR * (len(expects) + 1)
    yield text(x, y, clip(who, int((PAD + plan.room - x) / SOFT)), "soft")


def _held(saves, named=False) -> tuple[str, str]:
    """What it expects, and who holds it: of several saves an overwritten one."""
    shown = [saves[0], *(save for save in saves if save.broken)][-1]
    others = len({save.expects for save in saves}) - 1
    who = [shown.tensor] * named + [shown.node] + [f"{others} more"] * bool(others)
    return f"{'✗ ' if shown.broken else ''}expects v{shown.expects}", ", ".join(who)


def _saves(step, tensor) -> list:
    """What the graph keeps of this very tensor."""
    names = names_of(tensor, step)
    return [s for s in step.saved if s.storage == tensor.storage and s.tensor in names]


def is_saved(saved, step, tensor) -> bool:
    """Is it saved in any step? saved: {(letter, name)}. Then the row of its padlock stays free."""
    return any((tensor.storage, name) in saved for name in names_of(tensor, step))


def loose(step, letter: str) -> list:
    """What the graph keeps of a storage and no bracket stands for: without a name, a lost view."""
    drawn = [_saves(step, tensor) for tensor in tensors_on(step, letter)[:MOST_TENSORS]]
    shown = {id(save) for saves in drawn for save in saves}
    return [s for s in step.saved if s.storage == letter and id(s) not in shown]


def height(saved, step, letter: str) -> int:
    """px of a storage with all that stands below its cells in this step."""
    on_it = tensors_on(step, letter)
    drawn = on_it[:MOST_TENSORS]
    locks = sum(is_saved(saved, step, tensor) for tensor in drawn) + bool(loose(step, letter))
    stats = any(one.letter == letter and one.stats for one in step.storages)
    rows = BRACKET * len(drawn) + LOCK_ROW * locks + 16 * (len(on_it) > MOST_TENSORS)
    return CELLS + STATS * stats + rows


def _bracket(at, wide, seen, y, hue):
    """A thin rule from the first to the last element seen, thick under each one seen."""
    start, end = at(seen[0]) + 3, at(seen[-1]) + wide - 3
    spots = sorted({at(element) for element in seen})
    thick = "".join(f"M{x + 3:g},{y + 4} h{wide - 6:g} " for x in spots)
    return (
        f'<path d="M{start:g},{y} v4 H{end:g} v-4" fill="none" stroke="{hue}" stroke-width="1.6"/>'
        f'<path d="{thick.strip()}" class="mark" stroke="{hue}"/>'
    )


def tensors_on(step, letter: str) -> list:
    """The tensors on one storage; a second name for the same tensor is no second tensor."""
    return [t for t in step.tensors if t.storage == letter and not t.twin]


def width(step, storage) -> float:
    """px that its cells and words take in this step."""
    takes = [
        22 + 10 * len(storage.letter) + SOFT * len(head(storage, " · written")),
        SOFT * len(storage.stats),
        min(CELL * _units(storage), LEAST_CELL * 8),
    ]
    for tensor in tensors_on(step, storage.letter)[:MOST_TENSORS]:
        label = CHAR * len(_names(step, tensor)) + 16 + SOFT * len(_facts(tensor))
        takes.append(label + badge(0, 0, tensor.version, False)[1])
        if saves := _saves(step, tensor):
            expects, who = _held(saves)
            takes.append(LOCK + CHAR * (len(expects) + 1) + SOFT * len(who))
    return max(takes)


def _names(step, tensor):
    return clip(", ".join(names_of(tensor, step)), 16)


def _facts(tensor):
    start = f" from {tensor.storage}+{tensor.start:,}" if tensor.start else ""
    return f"shape {_tuple(tensor.shape)} strides {_tuple(tensor.strides)}{start}"


def _tuple(numbers) -> str:
    return "(" + ", ".join(map(str, numbers)) + (",)" if len(numbers) == 1 else ")")
