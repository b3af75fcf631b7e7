"""The repository's own documents as pages: their links lead to pages, or else to the repository."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from overwritten.cases.patterns import EVERY
from site_page import Page, key

ROOT = Path(__file__).resolve().parents[1]
#: Document → page, title, description.
GUIDES = {
    "DOCTOR.md": (
        "DOCTOR",
        "Find the line: who modified a variable by an inplace operation",
        "python -m overwritten train.py names the line that saved a tensor and the line that "
        "overwrote it; --strict finds silently wrong gradients, --heal all faults in one run.",
    ),
    "claims/versions.md": (
        "claims/versions",
        "In-place errors from PyTorch 2.6 to 2.15: what changed between versions",
        "Which error texts, node names (ReluBackward0, Relu) and verdicts changed between PyTorch "
        "versions, measured on each.",
    ),
    "workshop/README.md": (
        "workshop/index",
        "Teach PyTorch's in-place operations: a workshop",
        "A workshop about autograd and in-place operations: guides for ninety minutes and half a "
        "day, a sheet for the wall, machines for the learners.",
    ),
    "workshop/90_minutes.md": (
        "workshop/90_minutes",
        "Ninety minutes about PyTorch's in-place operations",
        "A facilitator's guide to ninety minutes: what to show, what to ask, what they will get "
        "wrong and why, what to skip.",
    ),
    "workshop/half_day.md": (
        "workshop/half_day",
        "Half a day about PyTorch's in-place operations",
        "A facilitator's guide to half a day about autograd, saved tensors and in-place "
        "operations, with exercises and two breaks.",
    ),
    "CONTRIBUTING.md": (
        "CONTRIBUTING",
        "Contribute a lesson, a pattern, a claim or a cure",
        "Recipes for those who change the course: add a lesson, a pattern, a claim, a cure, a "
        "report for PyTorch; how what is derived is built again.",
    ),
    "ARCHITECTURE.md": (
        "ARCHITECTURE",
        "How the course and its doctor are built",
        "The architecture of Overwritten: how real PyTorch code is recorded line by line, drawn "
        "as a film, and diagnosed.",
    ),
}
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")


def pages(slug: str) -> dict[str, Page]:
    """{'DOCTOR': Page, …}; slug: 'owner/repository'."""
    found = {}
    for path, (name, title, about) in GUIDES.items():
        text = (ROOT / path).read_text("utf8")
        text = linked(text, path, slug)
        text = with_permalinks(text) if path == "claims/versions.md" else text
        found[name] = Page(title, about, text)
    return found


def with_permalinks(text: str) -> str:
    """The table of versions: a claim's id and a pattern's name lead to their pages."""
    text = re.sub(r"\(`([a-z0-9-]+)`\)", r"([`\1`](\1.md))", text)
    for one in EVERY:
        there = f"../patterns/{key(one.name)}.md"
        text = text.replace(f"\n| {one.name} |", f"\n| [{one.name}]({there}) |")
    return text


def linked(text: str, path: str, slug: str) -> str:
    """A document of the repository whose relative links lead to the site's pages where there are
    any, otherwise to the file on GitHub."""

    def leads(link):
        there = posixpath.normpath(posixpath.join(posixpath.dirname(path), link[1]))
        anchor = link[2] or ""
        if there in GUIDES:
            return f"/{GUIDES[there][0]}.md{anchor}"
        if there.startswith("notebooks/") and there.count("/") == 1:
            return f"/{there}{anchor}"
        kind = "tree" if (ROOT / there).is_dir() else "blob"
        return f"https://github.com/{slug}/{kind}/main/{there}{anchor}"

    return _LINK.sub(leads, text)
