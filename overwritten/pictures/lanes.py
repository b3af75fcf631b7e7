"""The lanes: time runs right, a lane for each storage, from its birth to its end.

The idea: a padlock closes where an operation saves, a round badge marks each step in which
the version moves, and a line leads from the padlock to the check: ✓ as it was, ✗ another version.
A pure function from a Recording to a Picture.
"""

from __future__ import annotations

from overwritten.pictures.curve import stairs
from overwritten.pictures.draw import CHAR, WIDTH, badge, box, clip, judged, padlock, size, text
from overwritten.pictures.marks import LOCK, RAISED, SAVED, WROTE, failed, marks, sign
from overwritten.pictures.picture import Picture
from overwritten.pictures.plan import touched
from overwritten.record.recording import Recording
from overwritten.record.spans import silent_steps, spans
from overwritten.record.trial import RAISES, bad

PAD, LINE, GUTTER = 10, 20, 92
BAR, SPAN, STAIRS = 26, 20, 36
MOST_LANES, MOST_SPANS, MOST_LINES = 8, 3, 14
NAME, MOST_NAMES = 15, 4  # px of a row of names beside a lane; rows of them


def lanes_picture(
    recording: Recording,
    label: str = "",
    verdict: str = "",
    name: str = "",
    brief: bool = False,
    code: bool = True,
) -> Picture:
    """All steps in one picture; label: what it shows in words (default `lanes_sentence`).

    verdict: as `trial` gives it, shown above; '' where there is no twin to know it from.
    name: what stands before the verdict, where several pictures are stacked.
    brief: only the lanes that broke or, where none did, the one written last and a saved one.
    code: whether the program stands above; False where it is beside the picture.
    """
    label = label or lanes_sentence(recording)
    steps = [step for step in recording.steps if step.line]
    wide = (WIDTH - 2 * PAD - GUTTER) / max(len(steps), 1)
    lives = spans(recording)
    hurt = {span.storage for span in lives if failed(span)}
    body = [*_verdict(recording, verdict, name, PAD + 60 * code)]
    y: float = 24
    if code:
        body[:0] = _code(recording)
        y += 10 + LINE * min(len(recording.lines), MOST_LINES)
    if not steps:
        body.append(text(PAD, y, clip("✗ " + (recording.error or "nothing ran"), 78), "bad"))
        return Picture(y + 12, label, body)
    body += _heads(steps, wide, y)
    y += 34
    letters = _letters(recording, lives)
    busy = {letter for step in steps for letter in touched(step)}
    first = sorted(letters, key=lambda one: (one not in hurt, one not in busy))[:MOST_LANES]
    wanted = (hurt or _telling(steps, lives)) if brief else set(first)
    shown = [letter for letter in letters if letter in wanted]
    for letter in shown:
        here = [span for span in lives if span.storage == letter]
        here.sort(key=lambda span: not failed(span))
        names = _names(recording, letter, early=any(not span.start for span in here))
        body += _lane(recording, letter, wide, y, names, {span.end for span in here})
        for row, span in enumerate(here[:MOST_SPANS]):
            body += _span(recording, span, wide, y, y + BAR + 17 + SPAN * 1.6 * row)
        if len(here) > MOST_SPANS:
            more = f"saves not drawn: {len(here) - MOST_SPANS}"
            body.append(text(PAD + GUTTER, y + BAR + 17 + SPAN * 1.6 * MOST_SPANS, more, "soft"))
        rows = min(len(here), MOST_SPANS) + (len(here) > MOST_SPANS)
        y += max(BAR + 18 + (SPAN * 1.6 * rows + 2 if rows else 0), 17 + NAME * len(names))
    if len(letters) > len(shown):
        body.append(text(PAD, y, f"storages not drawn: {len(letters) - len(shown)}", "soft"))
        y += 18
    if brief:
        y -= STAIRS + 34
    else:
        body += _memory(recording, steps, wide, y)
    raised = ",".join(span.storage for span in lives if span.outcome == "raised")
    data = {"lanes": "".join(shown), "raised": raised}
    return Picture(y + STAIRS + 44, label, body, data)


_ENDS = {"checked": ": it goes through", "raised": " and raises"}


def lanes_sentence(recording: Recording) -> str:
    """The lanes in words: what was saved where, what was written, how the check ended."""
    if not recording.steps:
        return recording.error or "Nothing ran."
    said = []
    for span in spans(recording):
        start = recording.steps[span.start]
        words = f"Line {start.line} saves {span.tensor} at version {span.expects}"
        if not start.line:
            words = f"{span.tensor}, saved earlier, is expected at version {span.expects}"
        if span.unseen:
            lines = ", ".join(str(recording.steps[i].line) for i in span.unseen)
            words += f"; line {lines} changes its bytes and its counter does not move"
        if span.outcome in _ENDS:
            line = recording.steps[span.end].line
            words += f"; backward in line {line} finds version {span.now}{_ENDS[span.outcome]}."
        elif span.now != span.expects:
            words += f", which is now at version {span.now}; backward has not looked at it."
        else:
            words += "; it is still held." if span.outcome == "held" else "; nobody asked for it."
        said.append(words)
    overwritten = recording.message is not None and recording.message.overwritten
    if not said and not overwritten:
        said.append("Nothing is saved for backward.")
    if recording.error and not any(span.outcome == "raised" for span in spans(recording)):
        said.append(recording.error)
    return " ".join([*said, recording.note] if recording.note else said)


def _telling(steps, lives):
    """The storage that was written last, and the first that was saved."""
    written = [write.storage for step in steps for write in step.writes]
    return {*written[-1:], *[span.storage for span in lives][:1]}


def _letters(recording, lives):
    """The storages that have a name or are saved, in order of their letters' appearance."""
    named = {t.storage for step in recording.steps for t in step.tensors if t.storage}
    wanted = named | {span.storage for span in lives}
    seen = dict.fromkeys(s.letter for step in recording.steps for s in step.storages)
    return [letter for letter in seen if letter in wanted]


def _code(recording):
    """The lines, each with what it did to a saved tensor."""
    said = marks(recording)
    yield text(PAD, 14, "code", "soft")
    for row, words in enumerate(recording.lines[:MOST_LINES]):
        y, line = 34 + LINE * row, row + 1
        tag = next((one for one in (WROTE, RAISED, SAVED) if one in said.get(line, ())), "")
        if tag and tag != SAVED:
            yield box(PAD - 4, y - 15, WIDTH - 2 * PAD + 8, LINE, "hotbad", radius=3)
        yield text(PAD + 14, y, line, "soft end")
        right = WIDTH - PAD - CHAR * len(tag) - LOCK * (tag == SAVED)
        yield text(PAD + 24, y, clip(words, int((right - PAD - 24) / CHAR)))
        yield from sign(right, y, tag) if tag else ()
    if len(recording.lines) > MOST_LINES:
        more = f"… and {len(recording.lines) - MOST_LINES} more"
        yield text(PAD + 24, 34 + LINE * MOST_LINES - 4, more, "soft")


def _verdict(recording, verdict, name, x):
    verdict = verdict or (RAISES if recording.error else "")
    if verdict:
        words = f"{name}: {verdict}" if name else verdict
        yield judged(x, 14, words, bad(verdict))
    elif name:
        yield text(x, 14, name, "bold")


def _x(step, wide):
    return PAD + GUTTER + wide * (step - 1)


def _heads(steps, wide, y):
    yield text(PAD, y + 14, "line", "soft")
    for step in steps:
        kind = "warn" if step.error else "box"
        yield box(_x(step.index, wide) + 1, y, wide - 2, 20, kind, radius=4)
        words = f"✗ {step.line}" if step.error else f"{step.line}"
        if step.error or wide >= CHAR * len(words):
            middle = min(_x(step.index, wide) + wide / 2, WIDTH - PAD - CHAR * len(words) / 2)
            yield text(middle, y + 15, words, "mid bad bold" if step.error else "mid")


def _names(recording, letter, early):
    """All that a storage is called, in rows; early: whether a padlock stands beside them."""
    here = (t.name for step in recording.steps for t in step.tensors if t.storage == letter)
    room, rows = 9 if early else 11, [""]
    names = list(dict.fromkeys(here))
    for number, name in enumerate(names):
        name = clip(name, room - 1) + "," * (number < len(names) - 1)
        if rows[-1] and len(rows[-1]) + 1 + len(name) > room:
            rows.append("")
        rows[-1] += f" {name}" if rows[-1] else name
    if len(rows) > MOST_NAMES:
        told = sum(row.count(",") for row in rows[: MOST_NAMES - 1])
        rows[MOST_NAMES - 1 :] = [f"… {len(names) - told} more"]
    return rows if names else ["no name"]


def _lane(recording, letter, wide, y, names, checks):
    """checks: the steps in which its saves end."""
    alive = [step for step in recording.steps if any(s.letter == letter for s in step.storages)]
    first, last = alive[0].index, alive[-1].index
    nbytes = size(alive[0].storage(letter).nbytes)
    yield text(PAD, y + 11, letter, "bold", ' style="font-size:16px"')
    yield text(PAD + 6 + 10 * len(letter), y + 10, clip(nbytes, 10 - len(letter)), "soft")
    for row, words in enumerate(names):
        yield text(PAD, y + 26 + NAME * row, words)
    left, right = _x(max(first, 1), wide), _x(last + 1, wide)
    if last + 1 in checks:  # backward still found it, and let it go
        right = max(right, min(right + wide / 2 + 7, WIDTH - PAD - CHAR * 5 - 4))
    yield box(left, y, right - left, BAR, "box fresh", radius=5)
    silent = silent_steps(recording, letter)
    version, badges = None, []
    for step in alive:
        now = next((t.version for t in step.tensors if t.storage == letter), version)
        same = step.index in silent
        if same or now not in (None, version):
            draw, shown, how = (_ring, version, wide) if same else (badge, now, version is not None)
            long = draw(0, 0, shown, how)[1]
            x = min(_x(max(step.index, 1), wide) + 3, WIDTH - PAD - long)
            badges.append((not same, -x, long, draw(x, y + 18, shown, how)[0]))
        version = now
    for _, x, long, shape in _apart(badges):
        yield shape
        right = max(right, long - x)
    if last < recording.steps[-1].index:
        yield text(min(right + 4, WIDTH - PAD - CHAR * 5), y + 18, "freed", "soft")


def _apart(badges):
    """Those that can stand side by side: silent writes first, then the latest of a crowd."""
    kept = []
    for order, x, long, shape in sorted(badges, key=lambda one: one[:2]):
        if all(long - x <= -left or broad - left <= -x for _, left, broad, _ in kept):
            kept.append((order, x, long, shape))
    return kept[::-1]


def _ring(x, y, version, wide):
    """Bytes changed, the version stayed: a dashed badge, and its width; wide: that of a step."""
    label = f"other bytes, v{version}"
    label = label if 10 + CHAR * len(label) <= wide else f"≠ v{version}"
    long = 10 + CHAR * len(label)
    shape = box(x, y - 13, long, 18, "warn ghost", radius=9)
    return shape + text(x + long / 2, y, label, "mid bad bold"), long


def _span(recording, span, wide, lane, y):
    """From the padlock, closed at the save, to the check."""
    x = _x(max(span.start, 1), wide) + wide / 2 - 7
    if span.start:
        yield padlock(x, y + 2, False)
    else:  # saved before the first column
        x = PAD + GUTTER - 18
    end = span.end if span.end is not None else recording.steps[-1].index + 0.5
    stop = _x(end, wide) + wide / 2
    kind = "box good-line" if span.outcome == "checked" else "box ghost"
    if failed(span):
        kind = "box bad-line ghost"
    expects = f"expects v{span.expects}"
    if stop - 9 > x + 18:
        yield f'<path d="M{x + 18:g} {y - 3:g}H{stop - 9:g}" class="{kind}"/>'
    if span.outcome == "raised":
        yield padlock(stop - 7, y + 2, True)
        yield _under(x, stop, y, expects, f"✗ finds v{span.now}", "bad bold")
    elif span.outcome == "checked":
        mark, kind, found = "✓", "soft", f"finds v{span.now}"
        if span.unseen:
            mark, kind, found = "✗", "bad bold", f"✗ v{span.now}, other bytes"
        yield text(stop - 6, y + 2, mark, "bad bold" if span.unseen else "bold")
        yield _under(x, stop, y, expects, found, kind)
    else:
        yield _under(x, stop, y, expects, "", "soft")


def _under(x, stop, y, expects, found, kind):
    """What it expects at the left, what it finds at the right; one of both where room is short."""
    left = text(min(x + 22, WIDTH - PAD - CHAR * len(expects)), y + 15, expects, "soft")
    if not found:
        return left
    right = min(stop + 7 + CHAR * 4, WIDTH - PAD)
    if right - CHAR * len(found) < x + 30 + CHAR * len(expects):
        found, left = f"{found}, {expects}", ""
    return left + text(max(right, PAD + GUTTER + CHAR * len(found)), y + 15, found, f"{kind} end")


def _memory(recording, steps, wide, y):
    yield text(PAD, y + 14, "bytes", "soft")
    yield text(PAD, y + 30, "alive", "soft")
    most, floor = max(recording.peak, 1), y + 14 + STAIRS
    yield stairs(steps, lambda index: _x(index, wide), floor, STAIRS / most)
    for step in steps:
        if wide >= CHAR * len(words := f"{step.live:,}") - 2:
            yield text(_x(step.index, wide) + wide / 2, floor + 15, words, "mid soft")
