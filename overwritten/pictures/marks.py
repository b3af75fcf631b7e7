"""What stands beside a line of code: it saved, it wrote over what was saved, it raised.

The idea: the two lines behind the error face each other in the code itself.
It says which lines and from which step on, and draws the words; where they stand says the picture.
"""

from __future__ import annotations

from overwritten.pictures.draw import padlock, text
from overwritten.record.recording import Recording
from overwritten.record.spans import spans

SAVED, WROTE, RAISED = "saved here", "✗ wrote here", "✗ raises"
LOCK = 20  # px of the padlock before its words
LONGEST = 14  # characters that a mark takes


def marks(recording: Recording) -> dict[int, dict[str, int]]:
    """{line: {its words: index of the first step in which they are true}}."""
    found: dict[int, dict[str, int]] = {}

    def note(step, words):
        if step.line:
            found.setdefault(step.line, {}).setdefault(words, step.index)

    for span in spans(recording):
        note(recording.steps[span.start], SAVED)
        if failed(span) or (span.broken and span.outcome == "held"):
            for step in recording.steps[span.start + 1 : span.end]:
                if step.index in span.unseen or any(w.storage == span.storage for w in step.writes):
                    note(step, WROTE)
    for step in recording.steps:
        if step.error:
            note(step, RAISED)
    return found


def failed(span) -> bool:
    """Did backward raise over this save, or get other bytes than were saved?"""
    return span.outcome == "raised" or bool(span.unseen)


def telling(recording: Recording) -> int:
    """Index of the step to open on: where PyTorch raised, for there all marks are seen.

    Where nothing raised: the first write that no counter shows into what backward needs, the
    last step in which a saved tensor is overwritten, or the last step.
    """
    steps = recording.steps
    raised = [step.index for step in steps if step.error]
    silent = [index for span in spans(recording) for index in span.unseen]
    broken = [step.index for step in steps if any(saved.broken for saved in step.saved)]
    return [*[max(len(steps) - 1, 0)], *broken[-1:], *sorted(silent)[:1], *raised[-1:]][-1]


def sign(x, y, words):
    """A mark, from `x` px on."""
    if words == SAVED:
        yield padlock(x, y + 2, False)
        yield text(x + LOCK, y, words, "bold")
    else:
        yield text(x, y, words, "bad bold")
