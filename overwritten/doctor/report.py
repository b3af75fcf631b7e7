"""A diagnosis written out: as text, in colour, as HTML, as JSON.

The idea: a line for each event, the saver first; the operation, the line and the versions.
It words what it is given and judges nothing.
"""

from __future__ import annotations

import builtins
import linecache
import os
from html import escape

from overwritten.pictures.diagnosis import diagnosis_picture
from overwritten.pictures.draw import STYLE
from overwritten.record.events import Overwrite, Save, Site, Write

_ANSI = {"over": "1;31", "susp": "1;33", "cure": "1;32"}  # red, yellow, green; else bold

_UNSEEN_SAVE = (
    "saved by       an operation the watch did not see (before the block, or under other hooks)"
)
_UNSEEN_WRITE = (
    "overwritten by something the watch did not see: C++, a thread begun before, "
    "or a line outside the block"
)
_BETWEEN = "overwritten by something between two lines that the watch could see"
_SILENT = (
    "a gradient may be wrong, and nothing raises: "
    "backward used bytes that had changed after the save"
)


def text(diagnosis, colour: bool = False) -> str:
    """A line each, for an error's note or a terminal; colour: with ANSI codes."""
    saver = diagnosis.saver
    lines = [_UNSEEN_SAVE]
    if saver is not None:
        lines = [_saved(saver, "its own result, " if saver.own else "an input, ")]
    lines += map(_overwritten, diagnosis.writers)
    if saver is not None and not diagnosis.complete:
        lines.append(_UNSEEN_WRITE)
    lines += [
        f"suspect        {_line(w.op, w.site)} (version {w.before} → {w.after})"
        for w in diagnosis.suspects
    ]
    if diagnosis.cure is not None:
        lines += [
            f"cure           {diagnosis.advice()}: {diagnosis.cure.because}",
            f"no help        {diagnosis.cure.vain}",
        ]
    if colour:
        lines = [f"\x1b[{_ANSI.get(line[:4], 1)}m{line[:15]}\x1b[0m{line[15:]}" for line in lines]
    return "\n".join(lines)


def html(diagnosis) -> str:
    """The lane of the storage and the words, for a notebook or a report."""
    words = escape(text(diagnosis), quote=False)
    return (
        f'<div class="ow"><style>{STYLE}</style>{diagnosis_picture(diagnosis).svg()}'
        f'<pre style="white-space:pre-wrap">{words}</pre></div>'
    )


def as_dict(diagnosis) -> dict:
    """For JSON: saver, writers, verdict, cure (see README, 'python -m overwritten')."""
    saver = _saver(diagnosis.saver) if diagnosis.saver is not None else None
    return {
        "saver": saver,
        "writers": list(map(_writer, diagnosis.writers)),
        "verdict": diagnosis.verdict,
        "cure": diagnosis.advice(),
    }


def silent_text(silent: Overwrite) -> str:
    """Plain text about a save whose bytes changed while no counter moved."""
    writers = list(map(_overwritten, silent.writers)) or [_BETWEEN]
    return "\n".join([_SILENT, _saved(silent.saver), *writers])


def silent_dict(silent: Overwrite) -> dict:
    """For JSON, as `Diagnosis.as_dict`; before and after are null where no counter moved."""
    return {"saver": _saver(silent.saver), "writers": list(map(_writer, silent.writers))}


def _saver(save: Save) -> dict:
    return {"op": save.op, **_place(save.site), "version": save.expects}


def _writer(write: Write) -> dict:
    return {"op": write.op, **_place(write.site), "before": write.before, "after": write.after}


def _saved(save: Save, what: str = "") -> str:
    where = _line(save.op or "autograd", save.site)
    return f"saved by       {where} ({what}version {save.expects})"


def _overwritten(wrote: Write) -> str:
    thread = f" in thread {wrote.thread}" if wrote.thread else ""
    ticks = (
        f"version {wrote.before} → {wrote.after}" if wrote.after is not None else "no counter moved"
    )
    return f"overwritten by {_line(wrote.op, wrote.site)}{thread} ({ticks})"


def _place(site: Site) -> dict:
    return {"file": site.file, "line": site.line, "module": site.module}


def _line(op: str, site: Site) -> str:
    """'relu at train.py:12 in head.act (ReLU)  `x = self.act(x)`', in a notebook 'In[3]:2'."""
    name = os.path.basename(site.file)
    try:
        name = f"In[{vars(builtins)['get_ipython']().compile._filename_map[site.file]}]"
    except (AttributeError, KeyError):
        pass
    where = f" in {site.module}" if site.module else ""
    code = linecache.getline(site.file, site.line).strip()
    return f"{op} at {name}:{site.line}{where}" + (f"  `{code}`" if code else "")
