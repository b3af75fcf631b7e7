"""The site's page for each pattern of the field guide: what PyTorch says, who did it, the cure.

Everything but the pattern's own words is measured while the site is built, by running its
programs; what PyTorch says stands in claims/versions.json, word for word.
"""

from __future__ import annotations

import difflib
import json
import linecache
import re
import warnings
from pathlib import Path
from textwrap import shorten

from overwritten.cases.patterns import EVERY, HEAD, Pattern
from overwritten.doctor.block import Doctor
from overwritten.doctor.report import refused_text, silent_text
from overwritten.lesson.contents import LESSONS
from overwritten.lesson.shows.cards import really
from overwritten.lesson.shows.guide import end_of, section, strictly, tried
from overwritten.live.film import film
from overwritten.messages import KINDS, parse
from site_page import Page, in_order, key, listing, place, raw, thread, wrapped

RECORD = Path(__file__).resolve().parents[1] / "claims" / "versions.json"
#: What one sees → the heading and the words below it, in the order of the list.
SIGHTS = {
    "overwritten": (
        "Backward raises: modified by an inplace operation",
        "A saved tensor was written before backward needed it. Of each message: the name behind "
        "*which is output 0 of* (up to PyTorch 2.12 it ends in `Backward0`), the version found, "
        "the version expected.",
    ),
    "refused": (
        "PyTorch refuses: another error",
        "A write, or what follows it, is refused with words of its own.",
    ),
    "silent": (
        "Nothing is said, and the gradient is wrong",
        "The check misses the write. `python -m overwritten --strict` finds it.",
    ),
}
WORDS = "modified by an inplace operation"


def texts(one: Pattern) -> dict[str, str]:
    """PyTorch's versions, oldest first → what the program ends with there."""
    versions = json.loads(RECORD.read_text("utf8"))["versions"]
    return {name: run["texts"].get(one.name, "") for name, run in versions.items()}


def newest(one: Pattern) -> tuple[str, str]:
    """(version, text) of the newest PyTorch in the record; '' for a pattern that raises nothing."""
    version, text = list(texts(one).items())[-1]
    return version, text if parse(text) else ""


def sight(one: Pattern) -> str:
    message = parse(newest(one)[1])
    return "silent" if message is None else "overwritten" if message.overwritten else "refused"


def words(one: Pattern) -> str:
    """The words of its error that people search for."""
    text = newest(one)[1]
    message = parse(text)
    if message is None:
        return "wrong gradient without an error"
    return WORDS if message.overwritten else re.search(KINDS[message.kind], text)[0]


def pages() -> dict[str, Page]:
    """{'patterns/index': Page, 'patterns/relu-twice': Page, …}"""
    ordered = [one for kind in SIGHTS for one in EVERY if sight(one) == kind]
    found = {f"patterns/{key(one.name)}": _page(one) for one in ordered}
    return {"patterns/index": _index()} | in_order(found)


def _index():
    parts = [
        "# The patterns\n",
        f"{len(EVERY)} ways to an error about in-place operations, or to a wrong gradient without "
        "one. Each page has the message as PyTorch writes it, a program that gives it, both lines, "
        "a film, the cure, and what people try instead. With a message at hand, the "
        "[start page](/index.md) finds its pattern.\n",
    ]
    for kind, (heading, said) in SIGHTS.items():
        rows = [one for one in EVERY if sight(one) == kind]
        parts += [f"## {heading}\n", f"{said}\n"]
        speaks = kind != "silent"
        parts.append("| pattern | the message says | cure |" if speaks else "| pattern | cure |")
        parts.append("|---|---|---|" if speaks else "|---|---|")
        for one in rows:
            link = f"[{one.name}]({key(one.name)}.md)"
            says = f"`{end_of(tried(one)[0]) if kind == 'overwritten' else words(one)}` | "
            parts.append(f"| {link} | {says if speaks else ''}{one.does} |")
        parts.append("")
    about = (
        "Every way to PyTorch's “modified by an inplace operation”, to a refused in-place write, "
        "and to a silently wrong gradient: message, program, both lines, cure."
    )
    return Page(f"{WORDS}: {len(EVERY)} patterns and their cures", about, "\n".join(parts))


def _page(one):
    parts = [f"# {one.name[0].upper()}{one.name[1:]}\n", *_said(one)]
    found, lines = doctor_says(one)
    parts += [
        "## The program\n",
        "It begins after `import torch`, `from torch import nn` and `from torch.nn import "
        "functional as F`, with `torch.manual_seed(0)`.\n",
        listing(one.unmarked, lines=lines),
    ]
    if found:
        strict = " --strict" if sight(one) == "silent" else ""
        parts += [f"What `python -m overwritten{strict}` says of it:\n", wrapped(found)]
    if sight(one) == "silent":
        parts.append(f"Strict mode in short: {strictly(one)}.\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old kind of hook is a folk cure
        shown = film(one.unmarked, view="lanes", title=f"{one.name}, step by step").html()
    parts += ["## What happens, line by line\n", raw(shown)]
    parts += [
        "## The cure\n",
        f"{one.does}\n",
        listing(one.cured, lines=_changed(one.unmarked, one.cured)),
    ]
    parts += [
        "## What people try\n",
        f"**Folk cure:** {one.folk}\n",
        listing(one.folk_lines),
        f"**What that really does: {really(one)}.** {one.because}\n",
        *_read_on(one),
    ]
    return Page(f"{words(one)}: {one.name}", _about(one), "\n".join(parts))


def _about(one):
    message = parse(newest(one)[1])
    said = end_of(tried(one)[0]) if message and message.overwritten else words(one)
    return shorten(f"PyTorch, {said}: {one.does}".replace("`", ""), 200, placeholder=" …")


def _said(one):
    """What PyTorch says, and how older versions wrote it."""
    version, text = newest(one)
    if not text:
        yield f"**No message: the program runs to its end. Measured: {end_of(tried(one)[0])}.**\n"
        return
    yield wrapped(f"RuntimeError: {text}")
    yield f"This is what PyTorch {version} says of the program below.\n"
    older: dict[str, list[str]] = {}
    for name, other in texts(one).items():
        if other != text:
            older.setdefault(other, []).append(name)
    if older:
        yield "<details><summary>The same on older versions</summary>\n"
        for other, names in older.items():
            yield f"\n{' to '.join(dict.fromkeys([names[0], names[-1]]))}:\n\n{wrapped(other)}"
        yield "</details>\n"


def doctor_says(one: Pattern) -> tuple[str, list[int]]:
    """What the doctor finds in its program, and the lines that it names; ('', []) for nothing."""
    code, file = one.unmarked, f"{key(one.name)}.py"
    linecache.cache[file] = (len(code), None, code.splitlines(True), file)
    names: dict = {"__name__": file}
    exec(HEAD, names)
    with warnings.catch_warnings(), Doctor(strict=sight(one) == "silent", notes=False) as doctor:
        warnings.simplefilter("ignore")  # it warns of the same
        try:
            exec(compile(code, file, "exec"), names)
        except RuntimeError:
            pass
    told = [diagnosis.text() for diagnosis in doctor.all]
    told += [refused_text(*found) for found in doctor.refusals]
    told += [silent_text(found) for found in doctor.silent]
    text = "\n".join(told)
    return text, [
        int(n)
        for n in re.findall(rf"^(?:saved|overwr|refused).* at {re.escape(file)}:(\d+)", text, re.M)
    ]


def _changed(before, after):
    """The numbers of the lines of `after` that are not lines of `before`."""
    matcher = difflib.SequenceMatcher(None, before.splitlines(), after.splitlines(), autojunk=False)
    return [
        n + 1 for tag, _, _, i, j in matcher.get_opcodes() if tag != "equal" for n in range(i, j)
    ]


def _read_on(one):
    there = LESSONS[8].section(section(one))
    yield "## Read on\n"
    yield f"- {place(there)}, where this pattern is taught"
    if one.thread:
        yield f"- {thread(one.thread)}, where somebody met it"
    near = [f"[{other.name}]({key(other.name)}.md)" for other in EVERY if other.group == one.group]
    near = [link for link in near if f"({key(one.name)}.md)" not in link]
    if near:
        yield f"- near by: {', '.join(near)}"
