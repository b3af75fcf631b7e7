"""The course's contents for the package: overwritten/lesson/contents.json, from the sources.

The idea: a lesson that runs alone knows by it what the other lessons hold: their sections, what
those ask, and which lessons each one needs. `tools/badges.py` writes it.
"""

from __future__ import annotations

import json
import re

from course import Lesson

_ASKED = re.compile(r"^predict\(questions\.(\w+)\)", re.M)
_CHECKED = re.compile(r"^(exercises|clinic)\.(\w+)\.check\(", re.M)
_NEEDED = re.compile(r"lesson (\d)(?:; its sections (\d+) and (\d+))?")


def contents(pages: list[Lesson], sources: dict[str, str]) -> str:
    """JSON with a line for each section: its heading, its questions' names, its exercises."""
    lessons = [
        f"{_text(one.name)}: {{\n"
        f'"title": {_text(one.title)},\n"needs": {_text(_needs(one))},\n'
        f'"sections": [\n{_lines(map(_text, _sections(one, sources[one.name])))}\n]}}'
        for one in pages
    ]
    return f"{{\n{_lines(lessons)}\n}}\n"


def _text(data):
    return json.dumps(data, ensure_ascii=False)


def _lines(texts):
    return ",\n".join(texts)


def _needs(page):
    """[lesson, [its sections]] of each that the head names, [] for the whole."""
    return [
        [int(number), [int(one) for one in parts if one]]
        for number, *parts in _NEEDED.findall(page.needs)
    ]


def _sections(page, source):
    own = page.name.partition("_")[2]
    for piece in re.split(r"^# ## (?=\d+\. )", source, flags=re.M)[1:]:
        checked = _CHECKED.findall(piece)
        exercises = [f"{own if of == 'exercises' else of}.{name}" for of, name in checked]
        yield [piece.partition("\n")[0], _ASKED.findall(piece), exercises]
