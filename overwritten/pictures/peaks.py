"""Several recordings side by side: what each holds after every line, on one scale.

The idea: the eye compares heights, so all staircases share the highest peak as their top.
"""

from __future__ import annotations

from overwritten.pictures.draw import CHAR, WIDTH, box, clip, picture, size, text
from overwritten.recording import Recording

PAD, LINE, STAIRS, CODE = 10, 20, 66, 290


def peaks_svg(recordings: dict[str, Recording], label: str) -> str:
    """A row for each recording: its code, its bytes alive line by line, its peak in bytes."""
    most = max((r.peak for r in recordings.values()), default=0) or 1
    body, y = [text(PAD, 14, "code", "soft"), text(PAD + CODE, 14, "bytes alive, dashed: within the line", "soft")], 24
    for recording in recordings.values():
        height = max(STAIRS + 44, LINE * len(recording.lines) + 20)
        body += [*_code(recording, y), *_stairs(recording, y, most)]
        y += height + 10
    peaks = ",".join(str(r.peak) for r in recordings.values())
    return picture(y, label, body, peaks=peaks)


def _code(recording, y):
    worst = max(recording.steps, key=lambda step: step.peak, default=None)
    for row, words in enumerate(recording.lines):
        if worst is not None and worst.line == row + 1 and worst.peak:
            yield box(PAD - 4, y + 5 + LINE * row, CODE - 10, LINE, "hot", radius=3)
        yield text(PAD + 16, y + LINE * (row + 1), clip(words, int((CODE - 40) / CHAR)))


def _stairs(recording, y, most):
    left, room, floor = PAD + CODE, WIDTH - 2 * PAD - CODE, y + 26 + STAIRS
    if recording.error:
        yield text(left, y + 20, clip("✗ " + recording.error, int(room / CHAR)), "bad")
    else:
        yield text(left, y + 16, f"peak {size(recording.peak)}", "bold")
    wide = room / max(len(recording.steps), 1)
    for step in recording.steps:
        x, live, peak = left + wide * step.index, STAIRS * step.live / most, STAIRS * step.peak / most
        yield box(x, floor - live, wide - 1, live, "box fresh")
        if step.peak > step.live:
            yield box(x + 1, floor - peak, wide - 3, peak - live, "box ghost")
        yield text(x + wide / 2, floor + 15, f"line {step.line}" if step.line else "start", "mid soft")
