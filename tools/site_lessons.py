"""The lessons as the site shows them: the notebooks as stored, nothing runs.

What goes to Sphinx is a copy: pictures from the net become their words, a question's one line of
source is left out, and what settles it is folded until asked for. A link to a lesson, or to a
section of one, leads to its page there. Below a knob of which only some positions are
recorded stands where the others can be had.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from docutils.nodes import make_id

from badges import colab
from overwritten.lesson.contents import LESSONS

#: Lesson → the words in which people ask: for search engines and the browser's tab.
SEARCHED = {
    "00_start_here": (
        "PyTorch in-place operations: an interactive course",
        "Predict, move a slider, and see what each line of PyTorch code does to storages, views, "
        "version counters and memory. Begin here.",
    ),
    "01_storage_pointers": (
        "PyTorch storage, views and strides: which tensors share memory",
        "Does a slice, view(), reshape(), detach(), .numpy() or .data copy or share memory? Follow "
        "storage pointers in PyTorch, line by line.",
    ),
    "02_version_counter": (
        "PyTorch's version counter: is at version 2; expected version 1 instead",
        "What _version counts, which operations save tensors for backward, and how autograd "
        "notices that one was modified by an inplace operation.",
    ),
    "03_safe_relu": (
        "When is nn.ReLU(inplace=True) safe in PyTorch, and what does it save",
        "Where inplace=True raises, where it gives the right gradient, and how many bytes an "
        "in-place activation really saves, measured.",
    ),
    "04_leaf_mutation": (
        "A leaf Variable that requires grad is being used in an in-place operation",
        "Why PyTorch refuses to write a leaf that requires grad, and how to change weights: "
        "torch.no_grad(), .data, copy_, optimizer steps, moving averages.",
    ),
    "05_reading_the_error": (
        "One of the variables needed for gradient computation has been modified by an inplace "
        "operation: read the message",
        "What the shape, the node's name and the two versions in PyTorch's error message mean, "
        "what anomaly mode adds, and how to find both lines.",
    ),
    "06_detector_fix": (
        "Fix in-place errors in a PyTorch object detector",
        "A detector's training code modified by an inplace operation: box decoding, targets, ReLU. "
        "Which published fix is needed, and which changes nothing.",
    ),
    "07_slowfast_fix": (
        "From a tensor's shape to the line that modified it in place (SlowFast)",
        "A SlowFast model raises in backward: from the shape in the error message to the dropout "
        "that wrote over what a ReLU had saved.",
    ),
    "08_field_guide": (
        "Modified by an inplace operation: find your pattern and its cure",
        "Residual +=, dropout behind a ReLU, optimizer step before backward: the patterns of "
        "PyTorch's in-place errors, their cures, and what forum fixes really do.",
    ),
    "09_silent_gradients": (
        "Silently wrong gradients in PyTorch: a write that raises no error",
        "Writes that autograd's check misses, such as through .data or NumPy, give wrong gradients "
        "and raise nothing. How to find them.",
    ),
    "10_clinic": (
        "Exercises: mend three PyTorch programs with in-place faults",
        "Three training scripts that somebody else wrote: find the saving and the writing line, "
        "mend them, and find the second fault that the first one hid.",
    ),
    "11_final": (
        "Test yourself: PyTorch autograd and in-place operations",
        "Does backward raise, or is the gradient right, or wrong without a word? A test of "
        "programs to tell apart, and of lines to find by reading.",
    ),
}


def without_remote_pictures(text: str) -> str:
    return re.sub(r"!\[([^]]*)\]\(https?:[^)]*\)", r"\1", text)


def prepared(text: str, lesson: str, slug: str, tag: str) -> str:
    """A notebook's JSON as the site shows it."""
    link = r'(?<=href=\\")(\w+)\.ipynb(?:#cell-id=([\w-]+))?(?=\\")'
    notebook = json.loads(re.sub(link, page_of, without_remote_pictures(text)))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = re.sub(_TO_A_SECTION, _anchor, "".join(cell["source"]))
    for cell in folded(notebook["cells"]):
        cell["metadata"].setdefault("tags", []).append("hide-output")
    for cell in notebook["cells"]:
        if asks(cell):
            cell["metadata"]["tags"].append("remove-input")
    there = f"https://github.com/{slug}/blob/{tag}/notebooks/learn/{lesson}.ipynb"
    where = f"[in Colab]({colab(slug, tag, lesson)}) or [from the repository]({there})"
    cells = [[cell, *kernel_needed(cell, where)] for cell in notebook["cells"]]
    return json.dumps(notebook | {"cells": [one for some in cells for one in some]})


#: Markdown of a link to a section, with the one for Colab that follows it.
_TO_A_SECTION = r"\[([^]]+)\]\((\w+)\.ipynb#cell-id=([\w-]+)\) \(\[in Colab\]\([^)]+\)\)"


def _anchor(link: re.Match) -> str:
    """HTML, for Sphinx looks for the target of Markdown's links among its own names."""
    there = re.sub(r"(\w+)\.ipynb#cell-id=([\w-]+)", page_of, f"{link[2]}.ipynb#cell-id={link[3]}")
    return f'<a href="{there}">{link[1]}</a>'


def kernel_needed(cell: dict, where: str) -> Iterator[dict]:
    """A cell of text, if this one has a knob of which this page cannot show all positions."""
    for output in cell.get("outputs", []):
        html = "".join(output.get("data", {}).get("text/html", ""))
        if "const knob = " not in html:
            continue
        knob = json.JSONDecoder().raw_decode(html, html.index("const knob = ") + 13)[0]
        if knob["others"]:
            turned = " and ".join(f"`{one['name']}`" for one in knob["controls"])
            kept = ", ".join(labels[0] for labels in knob["others"])
            words = (
                f"On this page the knob turns {turned} alone; what else it has stays as it is "
                f"({kept}). To turn that too it needs a kernel: open the lesson {where}."
            )
            here = f"kernel-{cell['id']}"
            yield {"cell_type": "markdown", "id": here, "metadata": {}, "source": words}


def page_of(link: re.Match) -> str:
    """The page of a lesson; what is a cell in JupyterLab is known here by its heading."""
    if not link[2]:
        return f"{link[1]}.html"
    sections = (section for lesson in LESSONS for section in lesson.sections)
    (there,) = [one for one in sections if (one.lesson, one.cell) == link.groups()]
    return f"{link[1]}.html#{make_id(there.heading)}"


def asks(cell: dict) -> bool:
    return "predict" in cell["metadata"].get("tags", [])


def folded(cells: list[dict]) -> list[dict]:
    """The cells whose output is folded: what settles a question, and the check of one's own
    machine: of a page it says what nobody asked.
    """
    return [*settling(cells), *filter(_checks_itself, cells)]


def _checks_itself(cell):
    shown = (output.get("data", {}).get("text/html", "") for output in cell.get("outputs", []))
    return any('class="ow-check"' in "".join(html) for html in shown)


def settling(cells: list[dict]) -> Iterator[dict]:
    """The cells whose output settles a question: from it to the first text after an output."""
    asked = settled = False
    for cell in cells:
        if asks(cell):
            asked, settled = True, False
        elif asked and cell.get("outputs"):
            settled = True
            yield cell
        elif cell["cell_type"] == "markdown" and settled:
            asked = False
