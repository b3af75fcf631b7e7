"""An error of backward and what the eyes saw → a diagnosis: who saved, who wrote, what to do.

The idea: the eyes give facts (two lines and the versions between); a table of cures, first
fit wins, says what helps for this pair of saver and writer, and what does not.
Where something was not seen it says so and names the suspects.
"""

from __future__ import annotations

import linecache
import os
import sys
import warnings
from dataclasses import dataclass
from html import escape

from overwritten.doctor.places import ours
from overwritten.doctor.watching import Eyes, Kept, Site, Wrote
from overwritten.messages import Message, parse
from overwritten.pictures.diagnosis import diagnosis_svg
from overwritten.pictures.draw import STYLE
from overwritten.record.recorder import Lines
from overwritten.record.recording import Recording

_AUGMENTED = {
    "add_": "x = x + …", "sub_": "x = x - …", "mul_": "x = x * …", "div_": "x = x / …",
    "pow_": "x = x ** …", "__iadd__": "x = x + …", "__imul__": "x = x * …",
}  # fmt: skip


_ACTIVATIONS = frozenset(
    "relu relu6 leaky_relu rrelu elu selu celu silu mish gelu hardtanh hardswish hardsigmoid sigmoid tanh threshold".split()
)


@dataclass(frozen=True)
class Cure:
    """name: of the pattern. does: what to change. because: why it helps. vain: what does not."""

    name: str
    fits: object  # function(saver, writer) → bool
    does: str
    because: str
    vain: str


def _in_module(saver, writer):
    return writer.site.via.startswith("nn/modules/") and "(" in writer.site.module


CURES = (
    Cure(
        "optimizer step",
        lambda saver, writer: writer.site.via.startswith("optim/"),
        "run the forward again after the step; or detach() a state that is carried over from an earlier step; "
        "or call step() after every backward that needs these weights, with no zero_grad() in between",
        "the step overwrote weights that this graph still needs",
        "`retain_graph=True` keeps the graph, not the old weights; an older PyTorch only hides the wrong gradient",
    ),
    Cure(
        "embedding renormalised",
        lambda saver, writer: writer.op in ("embedding", "embedding_renorm_"),
        "use `weight.clone()` where the weight is used directly",
        "a lookup with max_norm rewrites rows of the weight in place",
        "`detach()` shares the memory and the counter",
    ),
    Cure(
        "buffer of a later forward",
        lambda saver, writer: saver.buffer,
        "use a `clone()` of the buffer in the forward, or write it after backward",
        "the next forward wrote the buffer that the first one's graph still needs",
        "`retain_graph=True` changes nothing: the values are gone",
    ),
    Cure(
        "in-place module",
        lambda saver, writer: (
            _in_module(saver, writer) or writer.op in ("dropout", "alpha_dropout")
        ),
        "set `inplace=False` in the module that writes",
        "the module wrote over what the layer before it saved",
        "`inplace=False` in the module that saved only changes the version numbers",
    ),
    Cure(
        "weights written by hand",
        lambda saver, writer: saver.leaf and saver.needs_gradient,
        "write the weights after backward",
        "the graph saved them as they were in the forward",
        "`no_grad` allows the write, it does not protect what was saved; `.data` hides the error and keeps the wrong gradient",
    ),
    Cure(
        "written part by part",
        lambda saver, writer: (
            writer.op in ("__setitem__", "index_put_", "masked_fill_", "index_copy_", "scatter_")
        ),
        "build the result with `torch.where`, `torch.cat` or `torch.stack`, or write into a `clone()`",
        "all parts of a storage share one version counter, also those that were not written",
        "`.data` silences the error and gives a wrong gradient",
    ),
    Cure(
        "in-place activation",
        lambda saver, writer: writer.op.rstrip("_") in _ACTIVATIONS,
        "use the activation out of place here",
        "it wrote over a tensor that an earlier operation saved",
        "taking `inplace` from the operation that saved only changes the version numbers",
    ),
    Cure(
        "augmented assignment",
        lambda saver, writer: writer.op in _AUGMENTED,
        "write it out of place: `{instead}`, every such line, and use the new tensor from there on",
        "`+=` and its kin write into the storage that was saved",
        "`inplace=False` in the operation that saved, where it has one, only changes the version numbers",
    ),
    Cure(
        "any other write",
        lambda saver, writer: True,
        "write into a `clone()`, or use the operation without the trailing underscore",
        "the write changed a tensor that backward needs as it was",
        "`detach()` shares the memory and the counter; `.data` hides the error and keeps the wrong gradient",
    ),
)


_ANSI = {"over": "1;31", "susp": "1;33", "cure": "1;32"}  # red, yellow, green; else bold


@dataclass(frozen=True)
class Diagnosis:
    """What happened. saver: None if the save was not seen. writers: in order, maybe empty.

    verdict: 'raises', or with strict 'raises although the gradient would be right'. cure: None where no writer was seen. suspects: writes that may be it.
    """

    message: Message
    saver: Kept | None
    writers: tuple[Wrote, ...]
    verdict: str
    cure: Cure | None
    suspects: tuple[Wrote, ...] = ()

    @property
    def complete(self) -> bool:
        """Do the writers that were seen account for all of the counter's way?"""
        if self.saver is None:
            return False
        ticks = [w for w in self.writers if w.after is not None]
        steps = [self.saver.version, *(w.after for w in ticks)]
        return steps[-1] == self.message.now and all(w.before == at for w, at in zip(ticks, steps))

    def advice(self) -> str:
        """What to change, as one sentence; '' where no writer was seen."""
        if self.cure is None:
            return ""
        return self.cure.does.format(instead=_AUGMENTED.get(self.writers[-1].op, "x = …"))

    def text(self, colour: bool = False) -> str:
        """A line each, for an error's note or a terminal; colour: with ANSI codes."""
        lines = []
        if self.saver is not None:
            what = "its own result" if self.saver.own else "an input"
            lines.append(
                f"saved by       {_line(self.saver.op or 'autograd', self.saver.site)} ({what}, version {self.saver.version})"
            )
        else:
            lines.append(
                "saved by       an operation the watch did not see (before the block, or under other hooks)"
            )
        for wrote in self.writers:
            lines.append(_overwritten(wrote))
        if self.saver is not None and not self.complete:
            lines.append(
                "overwritten by something the watch did not see: C++, a thread begun before, or a line outside the block"
            )
        lines += [
            f"suspect        {_line(w.op, w.site)} (version {w.before} → {w.after})"
            for w in self.suspects
        ]
        if self.cure is not None:
            lines += [
                f"cure           {self.advice()}: {self.cure.because}",
                f"no help        {self.cure.vain}",
            ]
        if colour:
            lines = [
                f"\x1b[{_ANSI.get(line[:4], 1)}m{line[:15]}\x1b[0m{line[15:]}" for line in lines
            ]
        return "\n".join(lines)

    def html(self) -> str:
        """The lane of the storage and the words, for a notebook or a report."""
        words = escape(self.text(), quote=False)
        return f'<div class="ow"><style>{STYLE}</style>{diagnosis_svg(self)}<pre style="white-space:pre-wrap">{words}</pre></div>'

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": self.text(), "text/html": self.html()}

    def as_dict(self) -> dict:
        """For JSON: saver, writers, verdict, cure (see README, 'python -m overwritten')."""
        saver = _saver(self.saver) if self.saver is not None else None
        writers = [
            {"op": w.op, **_place(w.site), "before": w.before, "after": w.after}
            for w in self.writers
        ]
        return {"saver": saver, "writers": writers, "verdict": self.verdict, "cure": self.advice()}


class watch:
    """`with watch() as recording:` around any PyTorch code of your own.

    Nothing of what the code computes changes. If it dies because a tensor that backward
    needs was overwritten, the error stays as it is, word for word, and gets a note with
    both lines (Python 3.11 or later prints it); `recording.diagnosis` holds it too.
    lines: record the block line by line as well, for `film(recording)`; slower.
    scratch: with lines, measure what each call takes and gives back inside itself.
    What torch.compile made before the block runs as plain Python in it; a function that is
    compiled inside the block is not looked into.
    strict: also warn of gradients that may be wrong although nothing raises
    (`recording.silent`); slow, see `overwritten.doctor.strict`.

    >>> import torch
    >>> x = torch.ones(3, requires_grad=True)
    >>> try:
    ...     with watch() as recording:
    ...         y = x.exp()
    ...         y += 1
    ...         y.sum().backward()
    ... except RuntimeError:
    ...     print([w.op for w in recording.diagnosis.writers], recording.diagnosis.advice())
    ['add_'] write it out of place: `x = x + …`, every such line, and use the new tensor from there on
    """

    def __init__(self, lines: bool = False, scratch: bool = False, strict: bool = False):
        self._eyes, self._lines = Eyes(strict), Lines(scratch) if lines else None
        self.recording = self._lines.recording if lines else Recording()

    def __enter__(self) -> Recording:
        self._eyes.__enter__()
        if self._lines:
            self._lines.enter(sys._getframe(1))
        return self.recording

    def __exit__(self, kind, error, traceback):
        if self._lines:
            self._lines.leave(error)
        self._eyes.__exit__(kind, error, traceback)
        self.recording.silent = self._eyes.silent
        for silent in self._eyes.silent:
            warnings.warn(silent_text(silent), stacklevel=2)
        if error is not None:
            self.recording.diagnosis = explain(error, self._eyes)


def explain(error: BaseException, eyes: Eyes, colour: bool = False) -> Diagnosis | None:
    """`diagnose`, put into the error as a note; our own frames leave its traceback."""
    diagnosis = diagnose(error, eyes)
    if (
        diagnosis is not None
        and hasattr(error, "add_note")
        and not getattr(error, "__notes__", None)
    ):
        error.add_note(diagnosis.text(colour))
    step = error.__traceback__
    while step is not None:
        while step.tb_next is not None and ours(step.tb_next.tb_frame.f_code.co_filename):
            step.tb_next = step.tb_next.tb_next
        step = step.tb_next
    return diagnosis


def diagnose(error: BaseException, eyes: Eyes) -> Diagnosis | None:
    """The diagnosis of an error that passed `eyes`; None where it is not about an overwrite."""
    message = parse(str(error))
    if message is None or message.now is None:
        return None
    saver = getattr(error, "overwritten", None)
    if saver is None:  # PyTorch's own check fired: the save was not made under our hook
        suspects = [
            w for w, shape, *_ in eyes.writes if shape == message.shape and w.after == message.now
        ]
        return Diagnosis(message, None, (), "raises", None, tuple(suspects[-5:]))
    writers = tuple(saver.writes)
    cure = next(cure for cure in CURES if cure.fits(saver, writers[-1])) if writers else None
    verdict = "raises although the gradient would be right" if saver.unchanged else "raises"
    return Diagnosis(message, saver, writers, verdict, cure)


def silent_text(silent) -> str:
    """Plain text about a save whose bytes changed while no counter moved."""
    lines = [
        "a gradient may be wrong, and nothing raises: backward used bytes that had changed after the save",
        f"saved by       {_line(silent.saver.op or 'autograd', silent.saver.site)} (version {silent.saver.version})",
        *map(_overwritten, silent.writers),
    ]
    if not silent.writers:
        lines.append("overwritten by something between two lines that the watch could see")
    return "\n".join(lines)


def silent_dict(silent) -> dict:
    """For JSON, as `Diagnosis.as_dict`; before and after are null where no counter moved."""
    writers = [
        {"op": w.op, **_place(w.site), "before": w.before, "after": w.after} for w in silent.writers
    ]
    return {"saver": _saver(silent.saver), "writers": writers}


def _saver(kept) -> dict:
    return {"op": kept.op, **_place(kept.site), "version": kept.version}


def _overwritten(wrote) -> str:
    thread = f" in thread {wrote.thread}" if wrote.thread else ""
    ticks = (
        f"version {wrote.before} → {wrote.after}" if wrote.after is not None else "no counter moved"
    )
    return f"overwritten by {_line(wrote.op, wrote.site)}{thread} ({ticks})"


def _place(site: Site) -> dict:
    return {"file": site.file, "line": site.line, "module": site.module}


def _line(op, site) -> str:
    """'relu at train.py:12 in head.act (ReLU)  `x = self.act(x)`', in a notebook 'In[3]:2'."""
    name = os.path.basename(site.file)
    try:
        name = f"In[{get_ipython().compile._filename_map[site.file]}]"
    except (NameError, AttributeError, KeyError):
        pass
    where = f" in {site.module}" if site.module else ""
    code = linecache.getline(site.file, site.line).strip()
    return f"{op} at {name}:{site.line}{where}" + (f"  `{code}`" if code else "")
