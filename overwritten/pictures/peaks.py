"""Several recordings side by side: what each holds after every line, on one scale.

The idea: the eye compares heights, so all staircases share the highest peak as their top.
A padlock stands beside each line that saved for backward, open where backward raised over it.
"""

from __future__ import annotations

from overwritten.pictures.draw import CHAR, WIDTH, box, clip, judged, padlock, size, text
from overwritten.pictures.picture import Picture
from overwritten.record.recording import Recording
from overwritten.record.spans import spans
from overwritten.record.trial import bad

PAD, LINE, STAIRS, CODE = 10, 20, 66, 322


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
    peaks = ",".join(str(r.peak) for r in recordings.values())
    return Picture(y, label, body, {"peaks": peaks})


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
    message = recording.message
    if message is not None and message.overwritten:
        found = f"✗ finds v{message.now}, expected v{message.expected}"
        yield text(left, y + 20, clip(found, int(room / CHAR)), "bad bold")
    elif recording.error:
        yield text(left, y + 20, clip("✗ " + recording.error, int(room / CHAR)), "bad")
    else:
        yield text(left, y + 16, f"peak {size(recording.peak)}", "bold")
    wide = room / max(len(recording.steps), 1)
    for step in recording.steps:
        x, live = left + wide * step.index, STAIRS * step.live / most
        peak = STAIRS * step.peak / most
        yield box(x, floor - live, wide - 1, live, "box fresh")
        if step.peak > step.live:
            yield box(x + 1, floor - peak, wide - 3, peak - live, "box ghost")
        if len(recording.steps) <= 5:
            words = f"line {step.line}" if step.line else "start"
            yield text(x + wide / 2, floor + 15, words, "mid soft")
        elif step.line and (len(recording.steps) <= 12 or step.index == recording.steps[-1].index):
            yield text(x + wide / 2, floor + 15, step.line, "mid soft")
