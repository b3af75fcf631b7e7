"""A learner's answers: what is kept, out as one file, back in again.

The idea: the file that the lessons write by themselves (see `overwritten.lesson.kept`) is also
what travels, for Binder and Colab throw the machine away.
"""

from __future__ import annotations

import base64
import os
import sys
import tempfile
from html import escape
from pathlib import Path

from overwritten.lesson import kept, standing
from overwritten.lesson.store import Newer, parsed, text_of
from overwritten.live.output import widget_view

__all__ = ["download", "restore_from", "show"]

_FOCUS = (
    ".ow-answers .jupyter-widgets.jupyter-button:focus-visible"
    "{outline:3px solid #1a85c8;outline-offset:2px}"
)
_NOTHING = "Nothing is kept yet: open a prediction, or check an answer."


class Shown:
    """What a notebook shows: HTML or a widget, and words where there is neither."""

    def __init__(self, words: str, html: str = "", widget=None):
        self.words, self.html, self.widget = words, html, widget

    def __repr__(self):
        return self.words

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/plain": self.words}
        if self.html:
            bundle["text/html"] = self.html
        if self.widget is not None:
            bundle |= widget_view(self.widget)
        return bundle


def show() -> Shown:
    """How far you are: of each lesson and its sections, what is answered and what is right."""
    entries = _entries()
    if not entries:
        return Shown(_NOTHING)
    said = []
    if gone := standing.unasked(entries):
        them = "answers are to questions" if gone > 1 else "answer is to a question"
        said.append(f"{gone} kept {them} that the lessons no longer ask.")
    if path := kept.STORE.path:
        said.append(f"Kept in {path}. To begin anew, delete that file and restart the kernel.")
    else:
        said.append("Kept in memory only.")
    where = " ".join(said)
    return Shown(
        f"{standing.words(entries)}\n{where}", f"{standing.html(entries)}<p>{escape(where)}</p>"
    )


def download() -> Shown:
    """Save all answers on your own computer: a link to click; Colab's browser saves at once."""
    entries = _entries()
    if not entries:
        return Shown(_NOTHING)
    text = text_of(entries)
    if "google.colab" in sys.modules and _colab_saves(text):
        return Shown(f"Your browser saves {kept.NAME} with {_counted(entries)}.")
    data = base64.b64encode(text.encode()).decode()
    href = f"data:application/json;base64,{data}"
    link = f'<a download="{kept.NAME}" href="{href}">Save {kept.NAME}</a>'
    return Shown(text, f"<p>{link} ({_counted(entries)})</p>")


def restore_from(source: str | os.PathLike | None = None) -> Shown:
    """Bring back what `download` has saved; newer answers stay as they are.

    source: nothing, for a button that takes the file; or a path; or the file's whole text,
    pasted as r'''…'''. What cannot be read changes nothing, and a sentence says so.
    """
    if source is None:
        return _button()
    text = str(source)
    if not text.lstrip().startswith("{"):
        try:
            text = Path(source).read_text("utf8")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "no text"
            return Shown(f"{source} cannot be read ({why}); nothing was restored.")
    return Shown(_restore(text))


def _entries():
    entries = kept.STORE.entries()
    kept.say_news()
    return entries


def _counted(entries):
    kinds = [kind for _, kind, _ in entries]
    predictions, answers = kinds.count("predictions"), kinds.count("exercises")
    return (
        f"{predictions} prediction{'s' * (predictions != 1)} "
        f"and {answers} exercise answer{'s' * (answers != 1)}"
    )


def _colab_saves(text) -> bool:
    from google.colab import files

    try:
        # it stays: the browser fetches it after the cell has ended
        path = Path(tempfile.mkdtemp()) / kept.NAME
        path.write_text(text, "utf8")
        files.download(str(path))
    except OSError:
        return False
    return True


def _restore(text) -> str:
    try:
        entries = parsed(text)
    except Newer:
        return "This file was written by a newer version of this course; nothing was restored."
    except ValueError:
        return "This is not the whole of a file with answers of this course; nothing was restored."
    kept.STORE.add(entries)
    news, kept.STORE.news[:] = list(kept.STORE.news), []
    return " ".join([f"Restored {_counted(entries)}. Where you had a newer one, it stays.", *news])


def _button():
    import ipywidgets

    field = ipywidgets.FileUpload(
        accept=".json", description="Choose file", tooltip=f"Choose {kept.NAME}", multiple=False
    )
    said = ipywidgets.HTML(f"<span role='status'>Choose the {kept.NAME} that you saved.</span>")
    style = ipywidgets.HTML(f"<style>{_FOCUS}</style>")

    def take(change):
        files = change["new"]
        if isinstance(files, dict):  # ipywidgets 7
            files = files.values()
        for file in list(files)[-1:]:
            words = _restore(bytes(file["content"]).decode("utf8", "replace"))
            said.value = f"<span role='status'>{escape(words)}</span>"

    field.observe(take, "value")
    box = ipywidgets.VBox([field, said, style])
    box.add_class("ow-answers")
    return Shown(f"Run this cell to choose the {kept.NAME} that you saved.", widget=box)
