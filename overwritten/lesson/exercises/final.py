"""The final: twelve programs that the course does not show elsewhere, marked when all are answered.

The idea: the truth is measured. `trial` gives the verdict, the doctor (strict where nothing raises)
the lines. Every answer is kept under its letter and every finished attempt as one of its own, so
that a second beginning, here or in another tab, overwrites nothing.
"""

from __future__ import annotations

import json
import time
from functools import lru_cache
from typing import Any, NamedTuple

from overwritten.doctor.report import set_as_code
from overwritten.lesson import kept, standing
from overwritten.lesson.answers import Shown
from overwritten.lesson.exercises.final_programs import PROGRAMS
from overwritten.lesson.lines import Clash, clashes, numbered, refused
from overwritten.lesson.show import with_code
from overwritten.record.trial import CAUTIOUS, RIGHT, trial

VERDICTS = ("raises", "silently wrong", "right")
_FORM = (
    '"right", or a verdict and two lines, as in `("raises", 3, 5)`: the saver\'s and the writer\'s'
)
_LESSON = "final"


class Truth(NamedTuple):
    """verdict: one of VERDICTS. clashes: the lines, () where the doctor names none."""

    verdict: str
    clashes: tuple[Clash, ...]
    needless: bool


@lru_cache
def truth(letter: str) -> Truth:
    """What a program does, measured. needless: it raises, although the gradient would be right."""
    code, twin, _ = PROGRAMS[letter]
    tried = trial(code, twin)
    if tried.verdict == RIGHT:
        return Truth("right", (), False)
    if not tried.run.error:
        return Truth("silently wrong", tuple(clashes(code, strict=True)), False)
    return Truth("raises", tuple(clashes(code) or refused(code)), tried.verdict == CAUTIOUS)


def show() -> Shown:
    """The twelve programs, each with its letter and its line numbers."""
    texts = {letter: numbered(program.code) for letter, program in PROGRAMS.items()}
    look = 'style="color:inherit;background:transparent;font-family:monospace;margin:0 0 12px"'
    # a line that is too wide goes on further in, beside no number
    row = '<div style="white-space:pre-wrap;word-break:normal;padding-left:7ch;text-indent:-7ch">'
    html = "".join(
        f"<p><strong>{letter}</strong></p><pre {look}>"
        + "".join(f"{row}{set_as_code(line)}</div>" for line in text.splitlines())
        + "</pre>"
        for letter, text in texts.items()
    )
    return Shown("\n\n".join(f"{letter}\n{text}" for letter, text in texts.items()), html)


def check(answers: Any) -> Shown:
    """Keep what is answered; mark it, with reasons, once all twelve are. Never raises.

    answers: {letter: verdict, or (verdict, the saver's line, the writer's line), or ... if open}.
    """
    if fault := _fault(answers):
        return _said([f"✗ {fault}"])
    given = {letter: said for letter, said in map(_parsed, answers.items()) if said}
    for letter, said in given.items():
        kept.STORE.keep((_LESSON, "final", letter), answer=json.dumps(said))
    open_ = [letter for letter in PROGRAMS if letter not in given]
    if open_:
        lines = [f"○ {len(given)} of {len(PROGRAMS)} answered, open: {', '.join(open_)}."]
        if also := [letter for letter in open_ if letter in _kept()]:
            lines.append(
                f"Your earlier answer to {', '.join(also)} is kept: `final.restore()` writes it into a new cell."
            )
        return _said([*lines, "All are marked together, when none is open."])
    marks = [_mark(letter, given[letter]) for letter in PROGRAMS]
    score = sum(mark.startswith("✓") for mark in marks)
    return _said([*marks, _scored(score, given)])


def restore() -> Shown:
    """Put all answers that are kept into a new cell; print it where there are no cells."""
    earlier = _kept()
    rows = "".join(f'    "{letter}": {_written(earlier.get(letter))},\n' for letter in PROGRAMS)
    cell = f"answers = {{\n{rows}}}\nfinal.check(answers)"
    shell = kept.shell()
    if shell is None:
        print(cell)
        return _said(["→ Your answers stand above."])
    shell.set_next_input(cell)
    return _said(["→ Your answers stand in a new cell below: run it."])


def _said(lines):
    kept.say_news()
    html = "".join(f"<p>{with_code(line)}</p>" for line in lines)
    return Shown("\n".join(lines), f'<div role="status" style="max-width:680px">{html}</div>')


# What an answer is


def _fault(answers) -> str:
    """A sentence about the first answer that has not the form asked for, or ''."""
    if not isinstance(answers, dict):
        return f"hand over the dict with your answers; you gave {type(answers).__name__}."
    for letter, said in answers.items():
        if letter not in PROGRAMS:
            return f"there is no program {str(letter)[:20]!r}: they are {', '.join(PROGRAMS)}."
        parts = said if isinstance(said, (tuple, list)) else (said,)
        if any(part is ... for part in parts):
            continue
        if not parts or not isinstance(parts[0], str) or parts[0] not in VERDICTS:
            return f"{letter}: the verdict is one of {', '.join(map(repr, VERDICTS))}."
        if parts[0] == "right" and len(parts) == 1:
            continue
        if len(parts) != 3 or parts[0] == "right":
            return f"{letter}: answer with {_FORM} (`None` for the saver where there is none)."
        last = len(PROGRAMS[letter].code.splitlines())
        saver, writer = parts[1:]
        if not _line(writer, last) or not (saver is None or _line(saver, last)):
            return f"{letter}: a line is a number from 1 to {last}; you gave {parts[1:]!r:.60}."
    return ""


def _line(number, last):
    return isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= last


def _parsed(item):
    """(letter, [verdict, saver, writer] or None while something is open)."""
    letter, said = item
    parts = list(said) if isinstance(said, (tuple, list)) else [said]
    return letter, None if any(part is ... for part in parts) else parts


def _kept() -> dict[str, list]:
    found = {}
    for (lesson, kind, name), entry in kept.STORE.entries().items():
        if (lesson, kind) == (_LESSON, "final"):
            try:
                said = json.loads(entry["answer"])
            except ValueError:
                continue
            if not _fault({name: said}):
                found[name] = said
    return found


def _written(said):
    if said is None:
        return "..."
    return repr(said[0]) if len(said) == 1 else repr(tuple(said))


# How it is marked


def _mark(letter, said):
    true = truth(letter)
    if said[0] != true.verdict:
        return f"✗ {letter}: you said {said[0]!r}, it is {true.verdict!r}. {_reason(letter, true)}"
    if true.clashes and not any(
        said[1] == one.saver and said[2] in one.writers for one in true.clashes
    ):
        return f"✗ {letter}: {said[0]!r} it is, but not by these lines. {_reason(letter, true)}"
    return f"✓ {letter}: {true.verdict}. {_reason(letter, true)}"


def _reason(letter, true):
    parts = []
    for saver, writers in true.clashes[:1]:
        at = " and ".join(map(str, writers))
        lines = "lines" if len(writers) > 1 else "line"
        parts.append(
            f"Line {saver} saved, {lines} {at} wrote." if saver else f"Line {at} is refused."
        )
    if true.needless:
        parts.append("The gradient would have been right; PyTorch cannot know.")
    return " ".join([*parts, PROGRAMS[letter].why])


def _scored(score, given):
    """Keep the attempt, unless it repeats the last; say this score and the best."""
    before, told = standing.attempts(kept.STORE.entries()), json.dumps(given)
    if not before or before[-1]["answers"] != told:
        name = str(time.time_ns())
        kept.STORE.keep((_LESSON, "scores", name), score=str(score), answers=told)
    return f"{standing.scored(kept.STORE.entries()).capitalize()}."
