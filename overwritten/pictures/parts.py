"""The lanes of a film: for each step the picture in which it lies, its column framed.

The idea: a long recording is cut into parts of as many steps as can be read side by side;
each part is drawn as a recording of its own.
A pure function from a Recording to Pictures.
"""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from overwritten.pictures.draw import WIDTH, box, text
from overwritten.pictures.lanes import GUTTER, LINE, MOST_LINES, PAD, lanes_picture, lanes_sentence
from overwritten.pictures.picture import Picture, stack
from overwritten.record.recording import Recording

MOST_COLUMNS = 20


def lanes_pictures(recording: Recording) -> list[Picture]:
    """The lanes once for each step, with a frame around the column of that step.

    Of more than MOST_COLUMNS steps each picture shows a part: the same for all steps in it.
    """
    count = len(recording.steps) - 1
    if count < 1:
        return [lanes_picture(recording)]
    columns = ceil(count / ceil(count / MOST_COLUMNS))
    parts = [
        _part(recording, first, min(first + columns, count + 1))
        for first in range(1, count + 1, columns)
    ]
    tall = max(part.height for part in parts)
    frames = [_framed(parts[0], tall)]  # the start has no column
    for step in range(count):
        part, first = parts[step // columns], step // columns * columns
        wide = (WIDTH - 2 * PAD - GUTTER) / min(columns, count - first)
        top = 30 + LINE * min(len(recording.lines), MOST_LINES)
        x = PAD + GUTTER + wide * (step - first)
        frame = box(x, top, wide, part.height - top - 4, "now", radius=3)
        frames.append(_framed(part, tall, frame))
    return frames


def _part(recording, first, end):
    """The lanes of steps first to end - 1, as if the recording had begun just before."""
    whole = first == 1 and end == len(recording.steps)
    cut = recording.steps[first - 1 : end]
    steps = [replace(step, index=index) for index, step in enumerate(cut)]
    steps[0] = replace(steps[0], line=0, error="", message=None)
    part = replace(recording, steps=steps, later_peak=recording.peak)  # the same scale in all parts
    if end < len(recording.steps):
        part = replace(part, error="", message=None, note="")
    if whole:
        return lanes_picture(part)
    words = f"Steps {first} to {end - 1} of {len(recording.steps) - 1}"
    drawn = lanes_picture(part, f"{words}: {lanes_sentence(part)}")
    return replace(drawn, body=[*drawn.body, text(WIDTH - PAD, 14, words.lower(), "soft end")])


def _framed(part, tall, *frame):
    """With the frame behind all else, and as tall as the tallest part: nothing below may jump."""
    return stack(replace(part, body=[*frame, *part.body]), Picture(tall - part.height, "", ()))
