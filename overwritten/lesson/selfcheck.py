"""Does the course work here? One line for each thing it needs: `[ok]`, or `[fail]` and what to do.

The idea: a line that is well says nothing of this machine, so the stored output is the same
everywhere. Whether scripts run and widgets show only the front end knows: their lines begin as
`[fail]`, and a script and a widget that work put `[ok]` in their place.
"""

from __future__ import annotations

import re
import sys
import tempfile
from html import escape

from overwritten.live.output import widget_view

PYTHON, TORCHES, WIDGETS = (3, 10), ((2, 6), (2, 15)), ((7, 7), (8, 99))
STILL = (
    "nothing moves on this page, for no script runs. In JupyterLab: run this cell. If this line stays, "
    "press Ctrl+Shift+C, type `Trust Notebook`, press Enter."
)
NO_WIDGET = (
    "nothing on this page can turn one. In JupyterLab: run this cell. If this line stays, the server runs in "
    "another environment than the kernel: stop it and start it with `make lab`."
)
_SCRIPT = """for (const line of document.querySelectorAll('.ow-check [data-needs-script]')) line.textContent = '[ok] films';"""


def python(version=None) -> str:
    """'' if this Python will do, else a sentence. version: a tuple, default that of this one."""
    here = tuple(version or sys.version_info)[:2]
    if here >= PYTHON:
        return ""
    return f"{here[0]}.{here[1]} is older than 3.10: install a newer one, then run `make lab PYTHON=python3.12`."


def torch(version: str = "") -> str:
    """'' if this PyTorch is one that the course was tested with, else a sentence."""
    if not version:
        from torch import __version__ as version
    here, pip = _numbers(version), "%pip install 'torch>=2.6,<2.16'"
    if here < TORCHES[0]:
        return f"{version} is too old, the lessons need 2.6 to 2.15: run `{pip}` in a cell, then restart the kernel."
    if here > TORCHES[1]:
        return (
            f"{version} is newer than this release of the course, which knows 2.6 to 2.15: texts of errors may differ. "
            f"Get a newer release, or run `{pip}` in a cell and restart the kernel."
        )
    return ""


def ipywidgets(version: str = "") -> str:
    """'' if the knobs work with this ipywidgets, else a sentence."""
    if not version:
        try:
            from ipywidgets import __version__ as installed
        except ImportError:
            return "not installed: run `%pip install 'ipywidgets>=7.7.1,<9'` in a cell, restart server and kernel."
        version = installed
    if WIDGETS[0] <= _numbers(version) <= WIDGETS[1]:
        return ""
    return f"{version} is not 7.7.1 to 8: run `%pip install 'ipywidgets>=7.7.1,<9'` in a cell, restart server and kernel."


def package(tag: str, version: str = "") -> str:
    """'' if the package belongs to the notebook, whose release is `tag` ('v0.1.0'), else a sentence."""
    if not version:
        from overwritten import __version__ as version
    if tag == f"v{version}":
        return ""
    return (
        f"it is v{version}, and this notebook belongs to {tag}: run `pip install -e .` in the course's folder and restart "
        "the kernel (in Colab: Runtime ▸ Disconnect and delete runtime). Then run the cells again."
    )


def folder(path: str = ".") -> str:
    """'' if files can be written there, else a sentence."""
    try:
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        return f"nothing can be written here ({error.strerror}): copy the notebooks to a folder of your own, open them there."
    return ""


def _numbers(version):
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


class Report:
    """What `selfcheck` found. faults: {what: '' or a sentence}."""

    def __init__(self, faults: dict[str, str]):
        self.faults = faults

    def _repr_mimebundle_(self, include=None, exclude=None):
        lines = [line(what, fault) for what, fault in self.faults.items()]
        items = "".join(f"<li>{escape(words)}</li>" for words in lines)
        films = line("films", STILL)
        html = (
            f'<div class="ow-check"><ul style="list-style:none;padding:0;line-height:1.6">{items}'
            f"<li data-needs-script>{escape(films)}</li></ul><script>{_SCRIPT}</script></div>"
        )
        return {"text/html": html, "text/plain": "\n".join([*lines, films])}


def line(what: str, fault: str) -> str:
    """
    >>> line("Python", "")
    '[ok] Python'
    """
    return f"[fail] {what}: {fault}" if fault else f"[ok] {what}"


def selfcheck(tag: str) -> None:
    """Show a line for each thing that the lessons need. tag: the release of the notebook, 'v0.1.0'."""
    from IPython.display import display

    faults = {
        "Python": python(),
        "PyTorch": torch(),
        "ipywidgets": ipywidgets(),
        "the course's package": package(tag),
        "saving": folder(),
    }
    display(Report(faults))
    bundle: dict[str, object] = {"text/plain": line("knobs", NO_WIDGET)}
    if not faults["ipywidgets"]:
        from ipywidgets import HTML

        shown = HTML(line("knobs", ""))
        bundle |= widget_view(shown)
    display(bundle, raw=True)
