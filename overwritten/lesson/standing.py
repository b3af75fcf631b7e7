"""Where a learner stands: of each section, what is answered and which exercises are right.

The idea: the course's contents laid beside the answers that are kept. It only counts; what
follows from it says `overwritten.lesson.route`.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

from overwritten.lesson import kept
from overwritten.lesson.contents import LESSONS, Lesson, Section, module_of
from overwritten.lesson.exercises.final_programs import PROGRAMS

#: outcome of an exercise → how the table shows it.
_OUTCOMES = {"right": "✓ right", "wrong": "✗ not yet right"}


class Standing(NamedTuple):
    """Of one section. answers: {name of a question: whether the first choice was right}, of those
    answered. outcomes: {exercise: 'right', 'wrong' or '' for one not checked}. last: when it was
    last worked on, in seconds since 1970; 0 for never."""

    section: Section
    answers: dict[str, bool]
    outcomes: dict[str, str]
    last: float

    @property
    def solved(self) -> int:
        return list(self.outcomes.values()).count("right")

    @property
    def complete(self) -> bool:
        """All that it asks is answered, and right where it is an exercise; it asks something."""
        asks = bool(self.section.questions or self.section.exercises)
        answered = len(self.answers) == len(self.section.questions)
        return asks and answered and self.solved == len(self.outcomes)


def standings(lesson: Lesson, entries: dict[tuple, dict]) -> list[Standing]:
    """One for each section; entries: as `overwritten.lesson.store` keeps them, others left out."""
    return [_standing(section, entries) for section in lesson.sections]


def _standing(section, entries):
    answers, times = {}, [0.0]
    for name, question in zip(section.questions, section.asked):
        key = (module_of(section.lesson), "predictions", question.words)
        entry = kept.entry(entries, key)
        if entry and entry["choice"] in question.choices:
            answers[name] = entry["choice"] == question.answer
            times.append(entry["when"])
    outcomes = {}
    for module, name in section.exercises:
        entry = kept.entry(entries, (module, "exercises", name)) or {"outcome": "", "when": 0.0}
        outcomes[name] = entry["outcome"]
        times.append(entry["when"])
    return Standing(section, answers, outcomes, max(times))


def unasked(entries: dict[tuple, dict]) -> int:
    """How many entries belong to nothing that the lessons ask now."""
    parts = [one for lesson in LESSONS for one in standings(lesson, entries)]
    used = sum(len(one.answers) + len([*filter(None, one.outcomes.values())]) for one in parts)
    return sum(kind in ("predictions", "exercises") for _, kind, _ in entries) - used


def attempts(entries: dict[tuple, dict]) -> list[dict]:
    """The final's attempts, the earliest first: {'score', 'answers', 'when'} of each."""
    found = (one for (of, kind, _), one in entries.items() if (of, kind) == ("final", "scores"))
    return sorted((one for one in found if one["score"].isdecimal()), key=lambda one: one["when"])


def programs(entries: dict[tuple, dict]) -> int:
    """How many of the final's programs are answered."""
    return sum(key[:2] == ("final", "final") and key[2] in PROGRAMS for key in entries)


def scored(entries: dict[tuple, dict]) -> str:
    """'your score: 9 of 12, best of 2 attempts: 10', of the final; before the first attempt how
    many programs are answered."""
    tried = attempts(entries)
    if not tried:
        return f"{programs(entries)} of {len(PROGRAMS)} programs answered"
    best = max(int(one["score"]) for one in tried)
    times = f", best of {len(tried)} attempts: {best}" if len(tried) > 1 else ""
    return f"your score: {int(tried[-1]['score'])} of {len(PROGRAMS)}{times}"


def counted(parts: list[Standing]) -> str:
    """In words what is done of these sections.

    >>> counted(standings(LESSONS[0], {}))
    '0 of 6 questions answered'
    """
    words = [_of(parts, "questions", "answered", sum(len(one.answers) for one in parts))]
    words.append(_of(parts, "exercises", "right", sum(one.solved for one in parts)))
    return ", ".join(filter(None, words)) or "nothing is asked"


def _of(parts, kind, how, done):
    total = sum(len(getattr(one.section, kind)) for one in parts)
    return f"{done} of {total} {kind[: -1 if total == 1 else None]} {how}" if total else ""


def words(entries: dict[tuple, dict]) -> str:
    """All lessons, and each section of those that were begun, a line each; the final's score."""
    lines = []
    for lesson in LESSONS[1:-1]:
        parts = standings(lesson, entries)
        lines.append(f"Lesson {lesson.number}, {lesson.title}: {counted(parts)}")
        if any(one.last for one in parts):
            lines += [f"  {one.section.number}. {one.section.title}: {_told(one)}" for one in parts]
    final = LESSONS[-1]
    return "\n".join([*lines, f"Lesson {final.number}, {final.title}: {scored(entries)}"])


def html(entries: dict[tuple, dict]) -> str:
    """The same, the sections of a lesson folded."""
    rows = [_html_of(lesson, standings(lesson, entries)) for lesson in LESSONS[1:-1]]
    latest = attempts(entries)[-1:]
    bar = _bar(int(latest[0]["score"]) if latest else 0, len(PROGRAMS))
    final = LESSONS[-1]
    told = f"{final.number}. {escape(final.title)}: {scored(entries)}"
    return "".join([*rows, f"<div>{bar} {told}</div>"])


def _html_of(lesson, parts):
    asking = [one for one in parts if one.section.questions or one.section.exercises]
    bar = _bar(sum(one.complete for one in asking), len(asking))
    head = f"{bar} {lesson.number}. {escape(lesson.title)}: {counted(parts)}"
    if not any(one.last for one in parts):
        return f"<div>{head}</div>"
    rows = "".join(f"<li>{_row(one)}</li>" for one in parts)
    summary = f'<summary data-lm-suppress-shortcuts="true">{head}</summary>'
    return f"<details>{summary}<ul>{rows}</ul></details>"


def _row(one):
    link = one.section.link(f"{one.section.number}. {one.section.title.replace('`', '')}")
    asked = len(one.section.questions) + len(one.outcomes)
    bar = f"{_bar(len(one.answers) + one.solved, asked)} " if asked else ""
    return f"{bar}{link}: {escape(_told(one))}"


def _bar(done, total):
    """The words beside it say the same."""
    look = 'aria-hidden="true" style="width:80px;vertical-align:middle"'
    return f'<progress max="{total}" value="{done}" {look}></progress>'


def _told(one):
    """'1 of 2 questions answered; mended: ✓ right' of a section."""
    outcomes = [f"{name}: {_OUTCOMES.get(how, '○ open')}" for name, how in one.outcomes.items()]
    questions = _of([one], "questions", "answered", len(one.answers))
    return "; ".join(filter(None, [questions, *outcomes])) or "nothing is asked"
