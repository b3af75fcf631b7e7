"""The lane of one overwritten storage: time runs right, from the save to the check.

The idea: the padlock closes where an operation saved, each write is a tick with the version
it made, and the padlock opens red where backward looked.
A pure function from a Diagnosis to a Picture.
"""

from __future__ import annotations

from overwritten.pictures.draw import CHAR, WIDTH, badge, box, clip, padlock, text
from overwritten.pictures.picture import Picture

PAD, LANE = 10, 96
MOST_WRITES = 5


def diagnosis_picture(diagnosis) -> Picture:
    """The storage's lane; where the save was not seen, the suspects stand in for the writers."""
    saver, message = diagnosis.saver, diagnosis.message
    writers = diagnosis.writers or diagnosis.suspects
    shown = writers if len(writers) <= MOST_WRITES else (*writers[: MOST_WRITES - 1], writers[-1])
    columns = len(shown) + 2
    wide = (WIDTH - 2 * PAD) / columns
    shape = "×".join(map(str, message.shape)) or "one number"
    body = [text(PAD, 14, f"the storage of a {message.type.rpartition('.')[2]} of {shape}", "soft")]
    body.append(box(PAD, LANE - 20, WIDTH - 2 * PAD, 40, "box fresh", radius=5))
    seen = saver is not None and bool(saver.site.file)
    body += _event(PAD, wide, saver.op if seen else "saved before", saver and saver.site, "saves")
    body += [
        padlock(PAD + 12, LANE + 8, False),
        text(PAD + 32, LANE + 5, f"expects v{message.expected}", "bold"),
    ]
    for column, wrote in enumerate(shown, 1):
        x = PAD + wide * column
        body += _event(x, wide, wrote.op, wrote.site, "✗ writes")
        version = wrote.after if wrote.after is not None else "same version"
        body.append(
            badge(x + 12, LANE + 5, version, True)[0]
            if wrote.after is not None
            else text(x + 8, LANE + 5, version, "soft")
        )
        if column == MOST_WRITES - 1 and len(shown) < len(writers):
            body.append(text(x + 12, LANE + 40, f"… {len(writers) - len(shown)} more", "soft"))
    x = PAD + wide * (columns - 1)
    body += _event(x, wide, "backward", None, "checks")
    body += [
        padlock(x + 12, LANE + 8, True),
        text(x + 32, LANE + 5, f"finds v{message.now}", "bad bold"),
    ]
    return Picture(LANE + 52, _words(diagnosis), body, {"writes": len(writers)})


def _event(x, wide, op, site, does):
    room = int(wide / CHAR) - 1
    yield text(x + 8, 36, does, "bad bold" if does.startswith("✗") else "bold")
    yield text(x + 8, 53, clip(op, room), "")
    if site is not None and site.file:
        yield text(x + 8, 70, clip(f"line {site.line}", room), "soft")


def _words(diagnosis) -> str:
    return " ".join(diagnosis.text().split())
