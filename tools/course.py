"""What the lessons say of themselves: titles, minutes, sections, questions, recaps.

The idea: whatever depends on the lessons (the README's table, the map on the start page, the
facilitator's guide, the sheet) is made from this, so that nobody keeps a second copy.
It only reads; it runs no lesson.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
START = "00_start_here"


class Question(NamedTuple):
    """code: what the text before it shows, '' if nothing. choices: {alternative: feedback}, in
    the order on the screen. answer: the right alternative."""

    code: str
    words: str
    choices: dict[str, str]
    answer: str


class Section(NamedTuple):
    number: int
    title: str
    minutes: int
    questions: list[Question]

    @property
    def cell(self) -> str:
        """The id of the cell that begins with its heading, as `build_notebooks.py` gives it."""
        heading = f"{self.number} {self.title} {self.minutes} minute{'s' * (self.minutes != 1)}"
        return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")[:40].strip("-")


class Lesson(NamedTuple):
    """name: as in 01_storage_pointers. needs: as its head says. recap: five sentences."""

    name: str
    title: str
    minutes: int
    needs: str
    sections: list[Section]
    recap: list[str]

    @property
    def number(self) -> int:
        return int(self.name[:2])


def lessons(root: Path = ROOT) -> list[Lesson]:
    """All of them in order, the start page left out."""
    paths = sorted((root / "lessons_src").glob("*.py"))
    return [lesson(path.stem, path.read_text("utf8")) for path in paths if path.stem != START]


def lesson(name: str, source: str) -> Lesson:
    """One lesson from its source. Raises ValueError where the head has not its fixed form."""
    title = re.search(r"^# # (.+)$", source, re.M)
    head = re.search(r"^# \*\*About (\d+) minutes\.\*\* (.+?)^#$", source, re.M | re.S)
    if not title or not head:
        raise ValueError(f"{name}: the head needs a title and `**About … minutes.** You need: …`")
    needs = re.search(r"You need:? (.+?)\.(?: |$)", _flowing(head[2]))
    if not needs:
        raise ValueError(f"{name}: the head does not say `You need: …`")
    return Lesson(name, title[1], int(head[1]), needs[1], _sections(name, source), _recap(source))


def _sections(name, source):
    found = list(re.finditer(r"^# ## (\d+)\. (.+) \((\d+) minutes?\)$", source, re.M))
    questions = _questions(name, source)
    ends = [after.start() for after in found[1:]] + [len(source)]
    return [
        Section(
            int(one[1]), one[2], int(one[3]), [q for at, q in questions if one.start() < at < end]
        )
        for one, end in zip(found, ends)
    ]


def _questions(name, source):
    """(position, question) of each `predict(…)`."""
    found = []
    for ask in re.finditer(r"^predict\(questions\.(\w+)\)$", source, re.M):
        one = getattr(import_module(f"overwritten.lesson.questions.{name[3:]}"), ask[1])
        before = source[: ask.start()].rpartition("# %% [markdown]\n")[2]
        shown = re.search(r"^# ```python\n(.+?)^# ```\n\n# %% [^\n]*\n\Z", before, re.M | re.S)
        code = re.sub(r"^# ?", "", shown[1], flags=re.M) if shown else ""
        found.append((ask.start(), Question(code, one.words, one.choices, one.answer)))
    return found


def _recap(source):
    part = source.partition("# ## Recap\n")[2].partition("\n# ## ")[0]
    return [
        _flowing(point)
        for point in re.findall(r"^# \d\. (.+?)(?=^# \d\. |^#\n|\Z)", part + "\n", re.M | re.S)
    ]


def _flowing(words):
    """Commented lines as one line of text."""
    return " ".join(line.removeprefix("#").strip() for line in words.splitlines()).strip()
