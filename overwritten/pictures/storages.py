"""One storage in a step: its cells, and a bracket with a version for each tensor that looks at it.

The idea: a bracket lies under the very cells that its tensor sees; of long storages the first
and the last cells are drawn, and what lies between is a gap.
It knows no step's picture: where a storage stands says `overwritten.pictures.plan`.
"""

from __future__ import annotations

from overwritten.pictures.draw import CHAR, HUES, WIDTH, badge, box, clip, number, size, text
from overwritten.pictures.words import names_of

PAD, BRACKET = 10, 40
SOFT = CHAR * 12.5 / 13  # width of a character of the smaller font
MOST_TENSORS = 5


def alive(plan, step, storage, before, y):
    """Its cells from `y` px on; filled where a number is not what it was a step before."""
    fresh = storage.letter in dict(step.born)
    written = any(w.storage == storage.letter for w in step.writes)
    yield text(plan.left, y + 12, storage.letter, "bold", ' style="font-size:16px"')
    tag = " · new" if fresh else " · written" if written else ""
    indent = plan.left + 12 + 10 * len(storage.letter)
    yield text(indent, y + 12, clip(head(storage, tag), int((WIDTH - PAD - indent) / SOFT)), "soft")
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
    yield text(plan.left, y + 12, storage.letter, "soft bold", ' style="font-size:16px"')
    indent = plan.left + 12 + 10 * len(storage.letter)
    yield text(indent, y + 12, f"{size(storage.nbytes)} · freed", "soft")
    wide, at = _columns(plan, storage)
    for element, _ in storage.cells:
        yield box(at(element), y + 18, wide, 24, "box ghost")


def head(storage, tag: str) -> str:
    """What stands beside its letter."""
    stats = f" · {storage.stats}" if storage.stats else ""
    return f"{size(storage.nbytes)} · {storage.dtype}{tag}{stats}"


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


def brackets(plan, step, storage, y):
    """The tensors that look at it, one below the other."""
    tensors = tensors_on(step, storage.letter)
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


def label_width(step, tensor) -> float:
    """px that the words of a bracket take."""
    version = badge(0, 0, tensor.version, False)[1]
    return CHAR * len(_names(step, tensor)) + version + 16 + SOFT * len(_facts(tensor))


def _names(step, tensor):
    return clip(", ".join(names_of(tensor, step)), 16)


def _facts(tensor):
    start = f" from {tensor.storage}+{tensor.start:,}" if tensor.start else ""
    return f"shape {_tuple(tensor.shape)} strides {_tuple(tensor.strides)}{start}"


def _tuple(numbers) -> str:
    return "(" + ", ".join(map(str, numbers)) + (",)" if len(numbers) == 1 else ")")
