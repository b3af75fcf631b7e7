"""A diagnosis written out: as text, in colour, as HTML, as JSON.

The idea: a line for each event, the saver first; the operation, the line and the versions.
It words what it is given and judges nothing.
"""

from __future__ import annotations

import linecache
import re
from collections import Counter
from html import escape

from overwritten.doctor.advice import Advice, Cure, grouped
from overwritten.doctor.filenames import names_at, names_of, short
from overwritten.doctor.silent_cures import silent_cures
from overwritten.pictures.diagnosis import diagnosis_picture
from overwritten.pictures.draw import STYLE
from overwritten.record.events import (
    CAST,
    CONTEXT,
    GRADIENT,
    MAYBE,
    Gap,
    Overwrite,
    Save,
    Site,
    Write,
)

_ANSI = {"over": "1;31", "susp": "1;33", "cure": "1;32"}  # red, yellow, green; else bold
#: What every diagnosis holds in JSON (DOCTOR.md).
CONTRACT = ("saver", "writers", "verdict", "cure", "cures")
#: A report on a terminal is no longer than this; the JSON is whole.
MOST_LINES = 40
_CHANGED = "backward used bytes that had changed after the save"
#: What is wrong where nothing raises, for each kind of `Overwrite`.
_SILENT = {
    "": f"a gradient is wrong, and nothing raises: {_CHANGED}",
    MAYBE: f"a gradient may be wrong, and nothing raises: {_CHANGED}",
    CONTEXT: "a gradient may be wrong, and nothing raises: "
    "backward used an attribute of ctx that had changed after the forward",
    GRADIENT: "a gradient is wrong, and nothing raises: "
    "it was written in place while another operation still waited for it",
    CAST: "a forward is wrong, and nothing raises: "
    "autocast took the cast of a weight that had changed since",
}


def text(diagnosis, colour: bool = False) -> str:
    """A line each, for an error's note or a terminal, at most `MOST_LINES`; colour: with ANSI
    codes."""
    names = names_of([diagnosis, *diagnosis.others])
    lines = _happened(diagnosis, names)
    lines += [
        f"suspect        {line_of(w.op, w.site, names)} (version {w.before} → {w.after})"
        for w in diagnosis.suspects
    ]
    lines += _cures(all_cures(diagnosis), names)
    alike = Counter("\n".join(_happened(one, names)) for one in diagnosis.others)
    for said, times in alike.items():
        lines.append(f"also broken    in the same graph{f', ×{times}' if times > 1 else ''}:")
        lines += said.split("\n")
    if len(lines) > MOST_LINES:
        left = len(lines) - MOST_LINES + 1
        lines[MOST_LINES - 1 :] = [f"and so on      {left} more lines; --json has all of them"]
    if colour:
        lines = [f"\x1b[{_ANSI.get(line[:4], 1)}m{line[:15]}\x1b[0m{line[15:]}" for line in lines]
    return "\n".join(lines)


def refused_text(write: Write, whose, cures) -> str:
    """Of a write that PyTorch refused; whose: the call that made it a leaf, or a module's path."""
    asked = [whose.site] if hasattr(whose, "site") else []
    names = names_at([write.site, *asked])
    lines = [f"refused        {line_of(write.op, write.site, names)}"]
    if asked:
        op = "requires_grad = …" if whose.op == "__set__" else whose.op
        lines.append(f"a leaf since   {line_of(op, whose.site, names)}")
    elif whose:
        lines.append(f"a leaf         {whose}, a parameter")
    return "\n".join(lines + _cures(cures, names))


def refused_dict(write: Write, whose, cures) -> dict:
    """For JSON: the write, and what to put there."""
    return {"writer": _writer(write), "cures": list(map(_advice, cures))}


def advice(diagnosis) -> str:
    """What to change, all of it, as one text."""
    names = names_of([diagnosis, *diagnosis.others])
    return "; ".join(_advised(some, names) for some in grouped(all_cures(diagnosis)))


def all_cures(diagnosis) -> list[Advice]:
    """Its own and those of the other broken saves, each once."""
    told: dict[tuple, Advice] = {}
    for one in (diagnosis, *diagnosis.others):
        for cure in one.cures:
            told.setdefault((cure.words, cure.place, cure.code), cure)
    return list(told.values())


def _cures(cures, names) -> list[str]:
    """What to do at which lines, cure by cure, and what does not help."""
    groups, lines = grouped(cures), []
    for some in groups:
        words, spots = some[0].words, _spots(some, names)
        if spots[1:] and some[0].edit:
            lines += [f"cure           {words}: {some[0].cure.because}"]
            lines += [f"               {spot}" for spot in spots]
        else:
            lines.append(f"cure           {_advised(some, names)}: {some[0].cure.because}")
    told = dict.fromkeys(some[0].cure.gradient for some in groups)
    lines += [f"gradient       {gradient}" for gradient in told if gradient != Cure.gradient]
    return lines + [f"no help        {v}" for v in dict.fromkeys(some[0].vain for some in groups)]


def _advised(some, names) -> str:
    """One cure and all its lines."""
    words, spots = some[0].words, ", ".join(_spots(some, names))
    if some[0].edit:
        return f"{words}: {spots}"
    return f"{words} ({spots})" if spots else words


def _spots(some, names) -> list[str]:
    """'`x = x + 1` (train.py:7)', or the line alone."""
    told = []
    for one in some:
        file, line = one.place
        where = f"{names.get(file) or short(file)}:{line}" if file else ""
        told.append(f"{one.code} ({where})" if one.edit else where)
    return list(dict.fromkeys(filter(None, told)))


def _happened(diagnosis, names):
    save = diagnosis.saver
    if save is None or not save.site.file:
        what = save.op if save is not None else "an operation"
        where = "in a line the watch did not see (before the block, or in C++)"
        lines = [f"saved by       {what}, {where}"]
    else:
        lines = [_saved(save, names)]
    lines += _overwritten(diagnosis.writers, names)
    return lines + [_gap(gap, names) for gap in diagnosis.gaps]


def _saved(save, names):
    what = "its own result" if save.own else "an input"
    where = line_of(save.op or "autograd", save.site, names)
    if save.until is not None:
        where += f", or after it, up to {_place(save.until, names)}"
    return f"saved by       {where} ({what}, version {save.expects})"


def _overwritten(writes, names) -> list[str]:
    """A line each; of equal ones in a row, one line."""
    lines: list[str] = []
    folded: list[list] = []
    for wrote in writes:
        key = wrote.op, wrote.site, wrote.thread
        if folded and folded[-1][0] == key and wrote.after is not None:
            folded[-1][1:] = [folded[-1][1] + 1, folded[-1][2], wrote.after]
        else:
            folded.append([key, 1, wrote.before, wrote.after])
    for (op, site, thread), times, before, after in folded:
        thread = f" in thread {thread}" if thread else ""
        ticks = "no counter moved" if after is None else f"version {before} → {after}"
        if times > 1:
            ticks = f"×{times}, versions {before} → {after}"
        lines.append(f"overwritten by {line_of(op, site, names)}{thread} ({ticks})")
    return lines


def _gap(gap: Gap, names) -> str:
    return (
        f"overwritten by something the watch did not see (version {gap.before} → {gap.after}), "
        f"between {_place(gap.since, names)} and {_place(gap.until, names)}: C++, TorchScript, "
        "a collective, a thread begun before, or a line outside the block"
    )


#: The style of a text in a page: set as code; a long line goes on below, after a whole word.
LINES = (
    "white-space:pre-wrap;word-break:normal;overflow-wrap:break-word;margin:0;color:inherit;"
    "font-family:var(--jp-code-font-family,ui-monospace,monospace);font-size:13px;line-height:1.4"
)


def set_as_code(text: str) -> str:
    """A text for a page. Where a browser finds no space to break at it would break within a name:
    it may before a call of a chain, after the first bracket, after a slash.

    >>> set_as_code("x = f(a < b).sum()")
    'x = f(<wbr>a &lt; b)<wbr>.sum()'
    """
    places = r"(?<=\))(?=\.)|(?<=/)(?=\w)|(?<!\S)[^\s(]*\w\((?=[^\s)])"
    return re.sub(places, r"\g<0><wbr>", escape(text, quote=False))


def html(diagnosis) -> str:
    """The lane of the storage and the words, for a notebook or a report."""
    return (
        f'<div class="ow"><style>{STYLE}</style>{diagnosis_picture(diagnosis).svg()}'
        f'<pre style="{LINES}">{set_as_code(text(diagnosis))}</pre></div>'
    )


def as_dict(diagnosis) -> dict:
    """For JSON: what `CONTRACT` names."""
    save = diagnosis.saver
    saver = _saver(save) if save is not None and save.site.file else None
    writers = list(map(_writer, diagnosis.writers))
    cures = list(map(_advice, all_cures(diagnosis)))
    return dict(zip(CONTRACT, [saver, writers, diagnosis.verdict, diagnosis.advice(), cures]))


def whole_dict(diagnosis) -> dict:
    """`as_dict`, and where there are any: the gaps, and the other broken saves of the graph."""
    gaps = [
        {
            "before": g.before,
            "after": g.after,
            "since": where_of(g.since),
            "until": where_of(g.until),
        }
        for g in diagnosis.gaps
    ]
    others = [whole_dict(one) for one in diagnosis.others]
    more = {"gaps": gaps, "others": others}
    return as_dict(diagnosis) | {name: value for name, value in more.items() if value}


def silent_text(silent: Overwrite) -> str:
    """Plain text about a gradient that is wrong while nothing raises."""
    names = names_of([silent])
    saver = silent.saver or Save(0, 0)
    times = f" (×{silent.times})" if silent.times > 1 else ""
    where = line_of(saver.op or "autograd", saver.site, names)
    saved = f"saved by       {where} (version {saver.expects})"
    if silent.kind == GRADIENT:
        saved = f"handed on by   the backward of {where}"
    lines = [_SILENT[silent.kind] + times, saved, *_overwritten(silent.writers, names)]
    if not silent.writers:
        lines.append("overwritten by something between two lines that the watch could see")
    return "\n".join(lines + _cures(silent_cures(silent), names))


def silent_dict(silent: Overwrite) -> dict:
    """For JSON, as `Diagnosis.as_dict`; before and after are null where no counter moved."""
    cures = silent_cures(silent)
    return {
        "saver": _saver(silent.saver or Save(0, 0)),
        "writers": list(map(_writer, silent.writers)),
        "cure": "; ".join(_advised(some, names_of([silent])) for some in grouped(cures)),
        "cures": list(map(_advice, cures)),
        "times": silent.times,
    }


def _advice(advice: Advice) -> dict:
    file, line = advice.place
    return {"file": file, "line": line, "does": advice.does}


def _saver(save: Save) -> dict:
    until = {"until": where_of(save.until)} if save.until is not None else {}
    return {"op": save.op, **where_of(save.site), "version": save.expects, **until}


def _writer(write: Write) -> dict:
    return {"op": write.op, **where_of(write.site), "before": write.before, "after": write.after}


def where_of(site: Site) -> dict:
    """A place, for JSON."""
    library = {"library": {"file": site.library, "line": site.library_line}} if site.library else {}
    return {"file": site.file, "line": site.line, "module": site.module, **library}


def _place(site: Site, names) -> str:
    return f"{names[site.file]}:{site.line}" if site.file else "the end"


def line_of(op: str, site: Site, names) -> str:
    """'relu at train.py:12 in Net.act (ReLU)  `x = self.act(x)`'; where a package did it,
    'add_ at lightning/…/precision.py:123, called from train.py:20  `od.step()`'."""
    if not site.file:
        return op
    module = f" in {site.module}" if site.module else ""
    where = f"{_place(site, names)}{module}"
    if site.library:
        inner = f"{names[site.library]}:{site.library_line}{module}"
        where = f"{inner}, called from {_place(site, names)}"
    code = linecache.getline(site.file, site.line).strip()
    return f"{op} at {where}" + (f"  `{code}`" if code else "")
