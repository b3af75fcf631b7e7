"""Build notebooks/ from lessons_src/*.py, the same bytes every time: executed, to read, and in
notebooks/learn/ without outputs and with the explanations folded, to learn from.

One way only: the .py is what an author edits, the .ipynb are made. Cell ids come from the
headings, no time stamp, address, path or widget id is kept.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from copy import deepcopy
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
#: What compares a notebook's outputs with a fresh run: the words after `python`.
NBVAL = [
    *"-m pytest -q -p no:cacheprovider --nbval --nbval-current-env".split(),
    *"--nbval-cell-timeout 600 --nbval-kernel-startup-timeout 600".split(),
    *("--nbval-sanitize-with", str(ROOT / "tests" / "sanitize.cfg")),
]
WIDGET = "application/vnd.jupyter.widget-view+json"
#: Between blank lines, or its Markdown would be shown as it is typed.
FOLDED = """<details><summary>Why: open this once you have run the cell above</summary>

{}

</details>"""
SAME_EVERYWHERE = [  # what differs from run to run or from machine to machine
    (re.compile(r"0x[0-9a-fA-F]{6,}"), "0x…"),
    (re.compile(r"/tmp/ipykernel_\d+/\d+\.py"), "<cell>"),
    (re.compile(r"(?<![^\s\"'])[^\s\"']*/site-packages/"), "…/site-packages/"),
    (re.compile(r"\(Triggered internally at [^)]*\)"), "(Triggered internally)"),
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
]


def notebook_from(source: Path):
    """The notebook of one lesson, not run: cells, ids, metadata."""
    notebook = jupytext.read(source, fmt={"extension": ".py", "format_name": "percent"})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(METADATA)
    taken = {}
    heading, number = "top", 0
    for cell in notebook.cells:
        found = cell.cell_type == "markdown" and re.match(r"#{1,3} +(.+)", cell.source)
        heading, number = (_slug(found[1]), 1) if found else (heading, number + 1)
        name = heading if number == 1 else f"{heading}-{number}"
        taken[name] = taken.get(name, 0) + 1
        cell.id = name if taken[name] == 1 else f"{name}-again-{taken[name]}"
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
    return notebook


def for_learners(notebook):
    """The same, each explanation folded: it stands below a question that nobody has run yet.

    That is the first markdown cell after the code that settles a question, but for one that begins
    with a heading.
    """
    copy = deepcopy(notebook)
    asked = settled = False
    for cell in copy.cells:
        if cell.cell_type == "code":
            asks = "predict" in cell.metadata.get("tags", ())
            asked, settled = asked or asks, not asks and asked
        elif settled:
            asked = settled = False
            if not cell.source.startswith("#"):
                cell.source = FOLDED.format(cell.source)
    return copy


def _slug(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:40].strip("-")


def run(notebook, folder: Path):
    """Execute in place and leave only what is the same on every run."""
    environment = {
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }
    environment["OVERWRITTEN_ANSWERS"] = "off"  # what an author once chose is no part of a lesson
    os.environ.update(environment)
    NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    ).execute()
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = [output for output in map(_clean, cell.outputs) if output]


def _clean(output):
    if output.output_type == "stream":
        output.text = _same(output.text)
    elif output.output_type == "error":
        output.evalue = _same(output.evalue)
        output.traceback = [f"{output.ename}: {output.evalue}"]
    else:
        output.data.pop(WIDGET, None)
        for kind, value in output.data.items():
            if isinstance(value, str) and not kind.startswith("image/"):
                output.data[kind] = _same(value)
        if not output.data:
            return None
    return output


def _same(words: str) -> str:
    for pattern, instead in SAME_EVERYWHERE:
        words = pattern.sub(instead, words)
    return words


def text_of(notebook) -> str:
    nbformat.validate(notebook)
    return nbformat.writes(notebook, indent=1, ensure_ascii=False).rstrip("\n") + "\n"


def drift(source: Path, built: Path) -> list[str]:
    """Why `built` is not what `source` would give, as far as can be seen without a kernel."""
    if not built.exists():
        return ["it is not there"]
    wanted, found = notebook_from(source), nbformat.read(built, as_version=nbformat.NO_CONVERT)
    reasons = []
    if found.metadata != wanted.metadata:
        reasons.append("notebook metadata differs")
    if len(found.cells) != len(wanted.cells):
        return [*reasons, f"it has {len(found.cells)} cells, the source gives {len(wanted.cells)}"]
    for want, have in zip(wanted.cells, found.cells):
        for part in ("cell_type", "id", "source", "metadata"):
            if have.get(part) != want[part]:
                reasons.append(f"cell {want.id!r}: {part} differs")
    counts = [cell.execution_count for cell in found.cells if cell.cell_type == "code"]
    if counts != list(range(1, len(counts) + 1)):
        reasons.append(f"execution counts are {counts}, not 1 to {len(counts)}")
    return reasons


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", help="lessons to build, as 01_storage_pointers (default: all)"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a notebook is out of date"
    )
    parser.add_argument(
        "--no-kernel", action="store_true", help="with --check: compare all but the outputs"
    )
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    sources = {path.stem: path for path in sorted((options.root / "lessons_src").glob("*.py"))}
    folder = options.root / "notebooks"
    learn = folder / "learn"
    stale = [
        f"{path.relative_to(folder)}: no source in lessons_src"
        for path in [*folder.glob("*.ipynb"), *learn.glob("*.ipynb")]
        if path.stem not in sources
    ]
    for name in options.names:
        if name not in sources:
            parser.error(f"there is no lesson {name!r}; there are {', '.join(sources)}")
    for name in options.names or sources:
        built, copy = folder / f"{name}.ipynb", learn / f"{name}.ipynb"
        notebook = notebook_from(sources[name])
        unrun = text_of(for_learners(notebook))
        if options.check:
            reasons = drift(sources[name], built)
            if not reasons and not options.no_kernel:
                run(notebook, folder)
                if text_of(notebook) != built.read_text("utf8"):
                    reasons = ["a fresh run gives other bytes (outputs or layout)"]
            stale += [f"{built.name}: {reason}" for reason in reasons]
            if not copy.exists() or copy.read_text("utf8") != unrun:
                stale.append(f"learn/{copy.name}: not what the source gives")
        else:
            learn.mkdir(parents=True, exist_ok=True)
            copy.write_text(unrun, "utf8", newline="\n")
            run(notebook, folder)
            built.write_text(text_of(notebook), "utf8", newline="\n")
            print(f"built {built.name}")
    if stale:
        print("\n".join([*stale, "Run `make notebooks` and commit the result."]), file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
