"""The way through: where to begin or go on, and why; a path of 90 minutes, one of half a day.

The idea: what is kept of a learner tells which lessons are known: their exercises are right, or
both snippets of the start page about them, or a lesson that stands on them goes well. The rest
follows from what each lesson needs. It never changes an answer.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import NamedTuple

from overwritten.lesson import kept
from overwritten.lesson.answers import Shown
from overwritten.lesson.contents import LESSONS, Lesson, Section
from overwritten.lesson.standing import counted, standings

#: The path's name → {lesson: the sections that make sense alone, those of the workshops}.
PATHS = {
    "90 minutes": {1: (2, 3), 2: (1, 3, 5), 3: (2,), 4: (3,), 8: (10,)},
    "Half a day": {1: (2, 3, 4), 2: (1, 2, 3, 5, 7), 3: (2, 3), 4: (3, 5, 6), 8: (10,)},
}
#: The lessons; the start page comes before them, the final after.
_BETWEEN = [one for one in LESSONS[1:] if any(part.exercises for part in one.sections)]
_SNIPPETS = LESSONS[0].section(4)
_TELL = "The six snippets tell which lessons you may skip: answer them, then run this cell again."


class Step(NamedTuple):
    """section: where to begin or go on. how: 'Begin with' or 'Go on with'.
    why, then: HTML, after 'because' and after the sentence."""

    section: Section
    how: str
    why: str
    then: str = ""


class Known:
    """What the answers say of each lesson. snippets: {name: right or not} of those answered."""

    def __init__(self, entries: dict[tuple, dict]):
        self._parts = {one.number: standings(one, entries) for one in LESSONS}
        self.snippets = next(
            one.answers for one in self._parts[0] if one.section.number == _SNIPPETS.number
        )

    def parts(self, lesson: Lesson):
        return self._parts[lesson.number]

    def last(self, lesson: Lesson) -> float:
        return max(one.last for one in self.parts(lesson))

    def done(self, lesson: Lesson) -> bool:
        """All its exercises are right."""
        outcomes = [how for one in self.parts(lesson) for how in one.outcomes.values()]
        return set(outcomes) == {"right"}

    def shown(self, lesson: Lesson) -> bool:
        """Two snippets are about it, and all that are were right; one alone shows too little."""
        about = snippets_about(lesson)
        return len(about) > 1 and all(self.snippets.get(name) for name in about)

    def goes_well(self, lesson: Lesson) -> bool:
        """At least three of its questions are answered, half of them right at once."""
        right = [first for one in self.parts(lesson) for first in one.answers.values()]
        return len(right) > 2 and 2 * sum(right) >= len(right)

    def known(self, lesson: Lesson) -> bool:
        return self.done(lesson) or self.shown(lesson) or self._leant_on(lesson)

    def read(self, section: Section) -> bool:
        """A section that a lesson needs though the rest is known."""
        lesson = LESSONS[int(section.lesson[:2])]
        part = self.parts(lesson)[section.number - 1]
        return part.complete or not section.questions or self._leant_on(lesson, section.number)

    def _leant_on(self, lesson, section=None):
        return any(
            number == lesson.number and section in (None, *sections)
            for other in LESSONS[1:]
            if self.done(other) or self.goes_well(other)
            for number, sections in _all_needs(other)
        )


def _all_needs(lesson):
    """What it needs, and what that needs."""
    for number, sections in lesson.needs:
        yield number, sections
        yield from _all_needs(LESSONS[number])


def snippets_about(lesson: Lesson) -> list[str]:
    """The snippets of the start page whose feedback leads to this lesson.

    >>> snippets_about(LESSONS[4])
    ['six']
    """
    about = re.compile(rf"\({lesson.name}\.ipynb\)")
    pairs = zip(_SNIPPETS.questions, _SNIPPETS.asked)
    return [name for name, one in pairs if about.search(" ".join(one.choices.values()))]


def first_step(entries: dict[tuple, dict]) -> Step | None:
    """Where to begin or go on with these answers; None if every exercise is right."""
    known = Known(entries)
    latest = max(_BETWEEN, key=known.last)
    if known.last(latest) and not known.done(latest):
        return _towards(latest, known)
    unknown = [one for one in _BETWEEN if not known.known(one)]
    missed = [one for one in unknown if _wrong(known, one)]
    # the first lessons may be known without their exercises
    waiting = [*filter(known.last, unknown), *missed, *unknown]
    return _towards(waiting[0], known) if waiting else None


def _wrong(known, lesson):
    return [name for name in snippets_about(lesson) if known.snippets.get(name) is False]


def _towards(lesson, known, above=None):
    """The step to a lesson, or to the first that it needs; above: a lesson that needs this one."""
    for number in sorted({number for number, _ in _all_needs(lesson)}):
        if not known.known(LESSONS[number]):
            return _towards(LESSONS[number], known, above or lesson)
    for number, sections in lesson.needs:
        unread = [one for one in map(LESSONS[number].section, sections) if not known.read(one)]
        if unread:
            uses = f"lesson {lesson.number} uses {_listed(sections, 'section')} of it"
            why = f"{uses}, and no snippet is about those"
            then = f" After them comes {lesson.link(f'lesson {lesson.number}')}."
            return Step(unread[0], "Begin with", why, then)
    parts = known.parts(lesson)
    last = ", where you were last," if above and known.last(above) else ""
    needed_by = f", and lesson {above.number}{last} needs it" if above else ""
    if known.last(lesson):
        return Step(_next(parts), "Go on with", f"there you stopped: {counted(parts)}{needed_by}")
    return Step(lesson.section(1), "Begin with", _why(lesson, known) + needed_by)


def _next(parts):
    """The section worked on last, or the next one that is not complete."""
    at = max(range(len(parts)), key=lambda place: parts[place].last)
    return next(one.section for one in [*parts[at:], *parts[:at]] if not one.complete)


def _why(lesson, known):
    if wrong := _wrong(known, lesson):
        return f"{_code(wrong, 'was', 'were')} not answered right, and the lesson is about that"
    why = "every other lesson stands on it"
    if lesson.needs:
        needs = _listed([number for number, _ in lesson.needs], "lesson")
        why = f"you know what it needs, {needs}"
    about = snippets_about(lesson)
    waiting = [name for name in about if name not in known.snippets]
    if known.snippets and waiting and len(about) > 1:
        return f"{_code(waiting, 'is', 'are')} not answered yet, and {why}"
    return why


def _code(names, one, many):
    words = " and ".join(f"<code>{name}</code>" for name in names)
    return f"{words} {many if len(names) > 1 else one}"


def _listed(numbers, kind):
    """'lesson 2', 'sections 1, 2 and 3'."""
    *most, last = map(str, numbers)
    return f"{kind}s {', '.join(most)} and {last}" if most else f"{kind} {last}"


def route() -> Shown:
    """Where to begin or go on, and why, with links; two shorter paths through the lessons."""
    entries = kept.STORE.entries()
    kept.say_news()
    known, step = Known(entries), first_step(entries)
    parts = [f"<p>{told(step, known)}</p>"]
    if not known.snippets:
        parts.append(f"<p>{_TELL}</p>")
    paths = "".join(f"<li>{_path(name, known)}</li>" for name in PATHS)
    parts.append(
        f"<p>Less time? ✓ stands where all that a section asks is answered.</p><ul>{paths}</ul>"
    )
    html = "".join(parts)
    return Shown(plain(re.sub(r"</p>|</li>", "\n", html)).strip(), html)


def plain(html: str) -> str:
    """Its words alone.

    >>> plain('<a href="02.ipynb">lesson 2</a> &amp; 3')
    'lesson 2 & 3'
    """
    return unescape(re.sub(r"<[^>]+>", "", html))


def told(step: Step | None, known: Known) -> str:
    """HTML: the step as a sentence."""
    if step is None:
        return f"You are through: every exercise is right. {LESSONS[-1].link('Take the final')}."
    place = LESSONS[int(step.section.lesson[:2])]
    where = step.section.link(f"lesson {place.number}, section {step.section.number}")
    title = escape(step.section.title.replace("`", ""), quote=False)
    said = f"<strong>{step.how} {where}</strong> ({title}), because {step.why}.{step.then}"
    text = LESSONS[5]
    may = all(known.known(LESSONS[number]) for number, _ in text.needs)
    if text is place or known.known(text) or not may:
        return said
    wish = "Is it the error's own text that you want to understand?"
    return f"{said} {wish} Then take {text.link('lesson 5')}."


def _path(name, known):
    chosen = PATHS[name]
    minutes = sum(LESSONS[of].section(one).minutes for of, some in chosen.items() for one in some)
    links = "; ".join(
        f"lesson {of}: {', '.join(_marked(LESSONS[of].section(one), known) for one in some)}"
        for of, some in chosen.items()
    )
    head = f"<strong>{name}</strong> ({minutes} minutes after this page), by lesson and section"
    return f"{head}: {links}"


def _marked(section, known):
    of = LESSONS[int(section.lesson[:2])]
    mark = " ✓" if known.parts(of)[section.number - 1].complete else ""
    return f"{section.link(str(section.number))}{mark}"
