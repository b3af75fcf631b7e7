"""What the output of a cell is made of: a widget's view, and a script that knows its own output.

The idea: a page may hold the same output twice, and front ends run a script as often as they
like; so a script looks for the elements it was made for, by name, and takes each only once.
"""

from __future__ import annotations

import json
import zlib
from importlib.resources import files


def asset(name: str, room: str = "live") -> str:
    """The text of a style sheet or a script; room: the folder of the package that holds it."""
    return files("overwritten").joinpath(room, name).read_text("utf8")


#: Shift+Enter and its kin run the cell, in JupyterLab too: there the mark that keeps its other
#: shortcuts away from a focused control would keep them away as well, and press the control.
_RUNS = asset("keys.js")
#: How buttons, sliders, sentences and tables look below a picture.
CONTROLS = "\n" + asset("controls.css")


def widget_view(widget) -> dict:
    """The part of a display bundle that shows an ipywidget."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return {"application/vnd.jupyter.widget-view+json": view}


def name_of(text: str) -> str:
    """A name for what is shown: 8 hex digits, others for another text.

    >>> name_of("x += 1")
    '08a87b6f'
    """
    return f"{zlib.crc32(text.encode('utf8', 'replace')):08x}"


def for_script(data) -> str:
    """JSON that may stand in a <script>."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def each(selector: str, script: str) -> str:
    """JavaScript: do `script` once with every element of this kind, which it calls `root`."""
    return (
        f"{_RUNS}\nfor (const root of document.querySelectorAll('{selector}:not([data-on])')) {{\n"
        f"root.dataset.on = 1;\n{script}}}"
    )


def once(selector: str, script: str, constants: str = "") -> str:
    """The same with names of its own; constants: statements that come before."""
    return f"(() => {{ {constants}{each(selector, script)} }})()"
