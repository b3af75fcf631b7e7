"""Several recordings side by side: what each holds after every line, on one scale.

The idea: the eye compares heights, so all staircases share the highest peak as their top; below
them the peaks stand on a log scale from 1 B up, so that pictures can be compared as well.
A padlock stands beside each line that saved for backward, open where backward raised over it.
"""

from __future__ import annotations

from math import log10

from overwritten.pictures.curve import AXIS, axis, short
from overwritten.pictures.draw import CHAR, WIDTH, box, clip, judged, padlock, size, text
from overwritten.pictures.picture import Picture
from overwritten.record.recording import Recording
from overwritten.record.spans import spans
from overwritten.record.trial import bad

PAD, LINE, STAIRS, CODE = 10, 20, 66, 322
#: A row of the log scale, in px; its powers of ten have a number at every third.
ROW, POWERS = 18, 9


def peaks_picture(
    recordings: dict[str, Recording], label: str, verdicts: dict[str, str] | None = None
) -> Picture:
    """A row for each recording: its code, its bytes alive line by line, its peak in bytes.

    verdicts: {label: verdict} of all of them, shown above the code.
    """
    most = max((r.peak for r in recordings.values()), default=0) or 1
    body = [text(PAD, 14, "code, shaded: the line of the peak", "soft")]
    body.append(text(PAD + CODE, 14, "bytes alive, dashed: within the line", "soft"))
    y = 24
    for name, recording in recordings.items():
        if verdicts:
            body.append(_head(PAD, y + 16, name, verdicts[name]))
            y += 24
        body += [*_code(recording, y), *_stairs(recording, y, most)]
        y += max(STAIRS + 44, LINE * len(recording.lines) + 20) + 10
    peaks = {name: recording.peak for name, recording in recordings.items()}
    body += _ruler(peaks, y)
    y += 42 + ROW * len(peaks)
    return Picture(y, label, body, {"peaks": ",".join(map(str, peaks.values()))})


def _ruler(peaks, y):
    """A row for each name, its peak marked on the log scale; the scale's numbers below."""
    left, right = PAD + CODE, WIDTH - PAD - 24
    last = POWERS if max(peaks.values(), default=0) <= 10**POWERS else POWERS + 6
    power = (right - left) / last
    yield text(PAD, y + 8, "the peaks on a log scale", "soft")
    for row, (name, peak) in enumerate(peaks.items()):
        middle = y + 8 + ROW * (row + 1)
        yield text(PAD + 18, middle + 5, clip(name, int((CODE - 24) / CHAR)))
        yield f'<path d="M{left} {middle:g}H{right}" class="box"/>'
        if peak:
            yield box(left + power * log10(peak) - 4, middle - 6, 8, 12, "solid", radius=2)
    for third in range(0, last + 1, 3):
        yield text(left + power * third, y + 27 + ROW * len(peaks), short(10**third), "mid soft")


def _head(x, y, name, verdict):
    if not verdict:
        return text(x, y, clip(name, 76), "bold")
    return judged(x, y, verdict, bad(verdict), before=f"{name}: ")


def _code(recording, y):
    worst = max(recording.steps, key=lambda step: step.peak, default=None)
    failed = {step.line for step in recording.steps if step.error}
    saving, raised = {}, set()
    for span in spans(recording):
        line = recording.steps[span.start].line
        saving[line] = saving.get(line, 0) + 1
        if span.outcome == "raised":
            raised.add(line)
    shift = 20 if saving else 0
    for row, words in enumerate(recording.lines):
        line = row + 1
        if line in failed:
            yield box(PAD - 4, y + 5 + LINE * row, CODE - 10, LINE, "hotbad", radius=3)
        elif worst is not None and worst.line == line and worst.peak and not recording.error:
            yield box(PAD - 4, y + 5 + LINE * row, CODE - 10, LINE, "hot", radius=3)
        if line in saving:
            yield padlock(PAD - 2, y + LINE * line + 1, line in raised)
        yield text(PAD + shift + 8, y + LINE * line, line, "soft end" if line > 9 else "soft mid")
        yield text(PAD + shift + 18, y + LINE * line, clip(words, int((CODE - 30 - shift) / CHAR)))


def _stairs(recording, y, most):
    left, room, floor = PAD + CODE, WIDTH - 2 * PAD - CODE, y + 26 + STAIRS
    yield axis(left + AXIS - 4, floor, STAIRS, most)
    message = recording.message
    if message is not None and message.overwritten:
        found = f"✗ finds v{message.now}, expected v{message.expected}"
        yield text(left, y + 20, clip(found, int(room / CHAR)), "bad bold")
    elif recording.error:
        yield text(left, y + 20, clip("✗ " + recording.error, int(room / CHAR)), "bad")
    else:
        yield text(left, y + 16, f"peak {size(recording.peak)}", "bold")
    first, wide = left + AXIS, (room - AXIS) / max(len(recording.steps), 1)
    for step in recording.steps:
        x, live = first + wide * step.index, STAIRS * step.live / most
        peak = STAIRS * step.peak / most
        yield box(x, floor - live, wide - 1, live, "box fresh")
        if step.peak > step.live:
            yield box(x + 1, floor - peak, wide - 3, peak - live, "box ghost")
        if len(recording.steps) <= 5:
            words = f"line {step.line}" if step.line else "start"
            yield text(x + wide / 2, floor + 15, words, "mid soft")
        elif step.line and (len(recording.steps) <= 12 or step.index == recording.steps[-1].index):
            yield text(x + wide / 2, floor + 15, step.line, "mid soft")
