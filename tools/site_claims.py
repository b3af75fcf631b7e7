"""The site's page for each claim of claims/claims.toml, and the list of them all."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import shorten

import claims
from overwritten.live.table import Table
from site_page import WIDE, Page, in_order, listing, place, raw, section_of, thread

ROOT = Path(__file__).resolve().parents[1]


def pages() -> dict[str, Page]:
    """{'claims/index': Page, 'claims/downgrade': Page, …}"""
    told, cells = claims.read(), settled_in()
    runs = json.loads((ROOT / "claims" / "versions.json").read_text("utf8"))["versions"]
    found = {}
    for claim in told["claim"]:
        verdicts = {name: run["claims"].get(claim["id"], "") for name, run in runs.items()}
        page = _page(claim, told, verdicts, cells.get(claim["id"], []))
        found[f"claims/{claim['id']}"] = page
    return {"claims/index": _index(told, runs)} | in_order(found)


def settled_in(root: Path = ROOT) -> dict:
    """Claim's id → the sections of lessons that have a cell tagged with it."""
    found: dict = {}
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        heading = ""
        for cell in json.loads(path.read_text("utf8"))["cells"]:
            if cell["cell_type"] == "markdown":
                heading = (re.findall(r"^## (.+)$", "".join(cell["source"]), re.M) or [heading])[-1]
            for tag in cell["metadata"].get("tags", []):
                if tag.startswith("claim:"):
                    there = section_of(path.stem, heading)
                    sections = found.setdefault(tag.removeprefix("claim:"), [])
                    sections += [there] if there not in sections else []
    return found


def _index(told, runs):
    every = told["claim"]
    columns = {
        "claim": lambda one: one["id"],
        "what is said": lambda one: plain(one["says"]),
        "verdict": lambda one: one["verdict"],
        "what was measured": lambda one: plain(one["why"]),
    }
    table = Table(
        every,
        columns,
        "Claims about PyTorch's in-place operations, and what came of them",
        lambda one: (one["verdict"],),
        lambda one: f"{one['id']}.html",
    )
    text = [
        WIDE + "# The claims\n",
        f"What posts, reports and folklore say about in-place operations: {len(every)} claims. "
        f"{sum('snippet' in one for one in every)} of them have a few lines of code that settle "
        f"them, measured on PyTorch {', '.join(runs)}; the others rest on a cell of a lesson. "
        "[What changed between the versions](versions.md) is a page of its own.\n",
        "Type a word, or choose a verdict. Each claim has a page with its code.\n",
        raw(table.html()),
    ]
    about = (
        "Is it true that inplace=True saves memory, that clone() cures the error, that .data is "
        f"safe? {len(every)} claims about PyTorch's in-place operations, measured."
    )
    title = "In-place operations in PyTorch: what is true, what is folklore"
    return Page(title, about, "\n".join(text))


def _page(claim, told, verdicts, sections):
    code = claim.get("snippet", "")
    text = [f"# {claim['says']}\n", f"**Verdict: {claim['verdict']}.** {claim['why']}\n"]
    if any(verdicts.values()):
        text += [
            "| PyTorch | " + " | ".join(verdicts) + " |",
            "|---|" + "---|" * len(verdicts),
            "| verdict | " + " | ".join(verdicts.values()) + " |\n",
        ]
    if code:
        text += [
            "## What settles it\n",
            "`holds` has a value for each part of the claim: all true is *true*, none is *false*, "
            "some are *half true*.\n",
            listing(code),
            "<details><summary>What stands before it</summary>\n",
            listing(told["preamble"]),
            "</details>\n",
        ]
    text += ["## Where\n", f"- Said in {told['sources'][claim['source']]}{_where(claim)}"]
    text += [f"- Shown in {place(section)}" for section in sections]
    text.append("- [All claims](index.md)")
    said, verdict = plain(claim["says"]), claim["verdict"]
    about = shorten(
        f"{verdict.capitalize()}: “{said}” {plain(claim['why'])}", 200, placeholder=" …"
    )
    title = f"{said.rstrip('.')}: {verdict} (PyTorch)"
    return Page(title, about, "\n".join(text))


def _where(claim):
    if not claim.get("where"):
        return ""
    names = re.split(r",\s*", claim["where"])
    repository = names[0].partition("#")[0]
    return ": " + ", ".join(
        thread(repository + name if name.startswith("#") else name) for name in names
    )


def plain(words: str) -> str:
    return words.replace("`", "")
