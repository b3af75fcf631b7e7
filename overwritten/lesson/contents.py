"""The course's contents as a running lesson knows them: lessons, sections, what each asks, links.

The idea: Colab has one notebook alone, so what the other lessons hold travels in the package, in
`contents.json`, which `tools/badges.py` makes from the lessons' sources. It knows no answers.
"""

from __future__ import annotations

import json
import re
from html import escape
from importlib import import_module
from typing import NamedTuple

from overwritten.lesson.questions.question import Question
from overwritten.lesson.show import address
from overwritten.live.output import asset


class Section(NamedTuple):
    """lesson: the notebook's name, as in 01_storage_pointers. heading: with number and minutes.

    questions: names in `overwritten.lesson.questions`. exercises: (module, name) of each.
    """

    lesson: str
    heading: str
    questions: tuple[str, ...]
    exercises: tuple[tuple[str, str], ...]

    @property
    def number(self) -> int:
        return int(self.heading.partition(".")[0])

    @property
    def minutes(self) -> int:
        return int(re.findall(r"\((\d+) minutes?\)$", self.heading)[0])

    @property
    def title(self) -> str:
        return re.sub(r"^\d+\. | \(\d+ minutes?\)$", "", self.heading)

    @property
    def asked(self) -> list[Question]:
        if not self.questions:
            return []
        module = import_module(f"overwritten.lesson.questions.{module_of(self.lesson)}")
        return [getattr(module, name) for name in self.questions]

    @property
    def cell(self) -> str:
        """The id of the cell that begins with the heading; see `tools/build_notebooks.py`."""
        return re.sub(r"[^a-z0-9]+", "-", self.heading.lower()).strip("-")[:40].strip("-")

    def link(self, words: str) -> str:
        """HTML: `words` lead to this section, in JupyterLab, in Colab and on the site."""
        where = address(f"{self.lesson}.ipynb", self.cell)
        return f'<a href="{where}">{escape(words, quote=False)}</a>'


class Lesson(NamedTuple):
    """needs: the lessons that its head names, by number, with sections of them or () for all."""

    name: str
    title: str
    needs: tuple[tuple[int, tuple[int, ...]], ...]
    sections: tuple[Section, ...]

    @property
    def number(self) -> int:
        return int(self.name[:2])

    def section(self, number: int) -> Section:
        return self.sections[number - 1]

    def link(self, words: str) -> str:
        """HTML: `words` open the lesson."""
        return f'<a href="{escape(address(f"{self.name}.ipynb"))}">{escape(words, quote=False)}</a>'


def module_of(lesson: str) -> str:
    """Under which name a lesson's questions, exercises and answers are kept.

    >>> module_of("01_storage_pointers")
    'storage_pointers'
    """
    return lesson.partition("_")[2]


def _lesson(name, told):
    sections = (
        Section(name, heading, tuple(questions), tuple(tuple(one.split(".")) for one in exercises))
        for heading, questions, exercises in told["sections"]
    )
    needs = tuple((number, tuple(parts)) for number, parts in told["needs"])
    return Lesson(name, told["title"], needs, tuple(sections))


#: The start page first, then the lessons in their order: `LESSONS[3]` is lesson 3.
LESSONS = tuple(
    _lesson(name, told) for name, told in json.loads(asset("contents.json", "lesson")).items()
)
