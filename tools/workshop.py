"""Fill in what workshop/ takes from the lessons: clock, titles, questions, the link for a hub.

The idea: a guide is written by hand around marked places. A step names a section of a lesson,
`<!-- step 02_version_counter 3; 12 minutes; ask 1, 2; skip 1 -->`, or minutes and words of its
own, `<!-- step 10 minutes; Welcome -->`. Between that mark and `<!-- /step -->` this writes the
time, the title and the questions with what each wrong answer shows; at `<!-- timetable 90 -->`
a table of all steps. It also makes the sheet for the wall (tools/sheet.py).
"""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import course
import sheet
from badges import slug_and_tag
from stamp import ROOT, between, only_check, settle, stale

ORDER = ("first", "second", "third", "fourth", "fifth")
STEP = re.compile(r"<!-- step (.+?) -->\n.*?<!-- /step -->", re.S)


class Stage(NamedTuple):
    """lesson, section: None for a step of its own.
    skip: the how-manieth to go when late, 0 for never."""

    title: str
    minutes: int
    lesson: course.Lesson | None
    section: course.Section | None
    asked: list[course.Question]
    skip: int

    @property
    def name(self) -> str:
        if self.lesson is None:
            return self.title
        where = f"lesson {self.lesson.number}" if self.lesson.number else "the start page"
        return f"{self.title} ({where}, section {self.section.number})"


def step(words: str, pages: dict[str, course.Lesson]) -> Stage:
    """One mark's words as a Stage. Raises ValueError for a mark that makes no sense."""
    first, *rest = [part.strip() for part in words.split(";")]
    found = {}
    for part in rest:
        if option := re.fullmatch(r"(?:(\d+) (minutes)|(ask|skip) ([\d, ]+))", part):
            found[option[2] or option[3]] = option[1] or option[4]
        else:
            found["title"] = part
    numbers = [int(n) for n in re.findall(r"\d+", found.get("ask", ""))]
    skip = int(found.get("skip", 0))
    if own := re.fullmatch(r"(\d+) minutes", first):
        return Stage(found["title"], int(own[1]), None, None, [], skip)
    name, _, number = first.partition(" ")
    section = (
        next((one for one in pages[name].sections if str(one.number) == number), None)
        if name in pages
        else None
    )
    if section is None:
        raise ValueError(
            f"<!-- step {words} -->: there is no section {number} in a lesson {name!r}."
        )
    if numbers and max(numbers) > len(section.questions):
        raise ValueError(
            f"<!-- step {words} -->: that section has {len(section.questions)} questions."
        )
    asked = [section.questions[n - 1] for n in numbers]
    return Stage(
        found.get("title", section.title),
        int(found.get("minutes", section.minutes)),
        pages[name],
        section,
        asked,
        skip,
    )


def clock(minutes: int) -> str:
    """
    >>> clock(95)
    '1:35'
    """
    return f"{minutes // 60}:{minutes % 60:02}"


def guide(text: str, pages: dict[str, course.Lesson]) -> str:
    """A guide with its steps and its timetable filled in. Raises ValueError if it is too long."""
    steps = [step(words, pages) for words in STEP.findall(text)]
    starts = [sum(one.minutes for one in steps[:k]) for k in range(len(steps))]
    timetable = re.search(r"<!-- timetable (\d+) -->", text)
    total = starts[-1] + steps[-1].minutes
    if total > int(timetable[1]):
        raise ValueError(f"The steps take {total} minutes, and there are {timetable[1]}.")
    filled = iter(zip(STEP.findall(text), steps, starts))
    text = STEP.sub(lambda _: _block(*next(filled)), text)
    rows = ["| clock | minutes | what | when late |", "|---|---:|---|---|"]
    for one, start in zip(steps, starts):
        late = f"goes {ORDER[one.skip - 1]}" if one.skip else ""
        rows.append(f"| {clock(start)} | {one.minutes} | {one.name} | {late} |")
    spare = sum(one.minutes for one in steps if one.skip)
    rows += ["", f"{total} minutes, of which {spare} can go."]
    return between(text, f"timetable {timetable[1]}", "\n".join(rows))


def _block(words, one, start):
    lines = [
        f"<!-- step {words} -->",
        f"### {clock(start)} {one.title} ({one.minutes} minutes)",
        "",
    ]
    if one.lesson is not None:
        whole = (
            f" It takes {one.section.minutes} minutes alone."
            if one.section.minutes != one.minutes
            else ""
        )
        page = f"[{one.lesson.title}](../notebooks/{one.lesson.name}.ipynb)"
        lines += [f"Open {page}, section {one.section.number} (*{one.section.title}*).{whole}", ""]
    for question in one.asked:
        lines += ["```python", question.code.rstrip(), "```", ""] if question.code else []
        lines += [f"**Ask.** {question.words}", "", "| they say | you say |", "|---|---|"]
        for choice, feedback in question.choices.items():
            mark = "✓ " if choice == question.answer else ""
            lines.append(f"| {mark}{_cell(choice)} | {_cell(feedback)} |")
        lines.append("")
    return "\n".join([*lines, "<!-- /step -->"])


def _cell(words):
    return words.replace("|", "\\|")


def hub_link(slug: str, tag: str) -> str:
    """nbgitpuller's address: it copies the course to a learner's folder, opens the start page.

    A branch, not the tag: at the second click nbgitpuller looks for a branch and fails on a tag.
    """
    repository = slug.split("/")[1]
    asked = {
        "repo": f"https://github.com/{slug}",
        "branch": f"workshop-{tag}",
        "urlpath": f"lab/tree/{repository}/notebooks/learn/{course.START}.ipynb",
    }
    return f"https://YOUR.HUB/hub/user-redirect/git-pull?{urlencode(asked)}"


def launch(text: str, slug: str, tag: str) -> str:
    """workshop/README.md with link, branch and addresses of this release."""
    text = between(text, "link", f"```\n{hub_link(slug, tag)}\n```")
    branch = (
        f"```\ngit push https://github.com/{slug} {tag}^{{commit}}:refs/heads/workshop-{tag}\n```"
    )
    return between(text, "branch", branch)


def wanted(root: Path) -> tuple[dict[Path, str], str]:
    """The text that each guide should have, and the sheet as a page of HTML."""
    start = course.lesson(
        course.START, (root / "lessons_src" / f"{course.START}.py").read_text("utf8")
    )
    pages = {one.name: one for one in [start, *course.lessons(root)]}
    folder, (slug, tag) = root / "workshop", slug_and_tag(root)
    files = {
        path: guide(path.read_text("utf8"), pages)
        for path in (folder / "90_minutes.md", folder / "half_day.md")
    }
    readme = folder / "README.md"
    files[readme] = launch(readme.read_text("utf8"), slug, tag)
    return files, sheet.html([*pages.values()], slug)


def main(arguments=None) -> int:
    check = only_check(__doc__, arguments)
    pdf = ROOT / "workshop" / "sheet.pdf"
    try:
        files, page = wanted(ROOT)
        found = stale(files)
        if sheet.source_of(pdf) != sheet.title(page):
            found[pdf] = partial(sheet.print_pdf, page, pdf)
        return settle(found, check)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
