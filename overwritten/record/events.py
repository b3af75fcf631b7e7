"""What happens to a storage that backward needs: it is saved, and it is written.

The idea: one class for a save and one for a write, whoever saw them. A recording knows letters
and names, the doctor knows lines; both know the version counter.
Plain data: what the events mean is said elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """A line of the user's own code, and the path of the module that ran ('' outside).

    via: the file of PyTorch's that was called into, '' if the operation itself was called:
    'optim/optimizer.py' is an optimizer's step.
    library, library_line: the line of an installed package that did it, where the user's own
    only led there; '' and 0 where it did it itself.
    """

    file: str
    line: int
    module: str = ""
    via: str = ""
    library: str = ""
    library_line: int = 0


#: Of an event whose line nobody asked for: a step of a recording knows its own.
NOWHERE = Site("", 0)


@dataclass(frozen=True)
class Write:
    """One storage written by one call.

    before, after: the version counter of the tensor it was written through. Equal in a
    recording where the write moves no counter; None for an inference tensor, and for a write
    that the doctor found by its bytes.
    storage: its letter, in a recording. site, thread: the line, and the thread where it is not
    the one that saved, for the doctor. part: was less than the whole storage written?
    """

    op: str
    before: int | None
    after: int | None
    storage: str = ""
    site: Site = NOWHERE
    thread: str = ""
    part: bool = False


@dataclass(frozen=True)
class Save:
    """One tensor kept for backward. They differ, `expects` and `now`: backward raises.

    expects, now: the version counter at the save and when it was last looked at.
    The doctor's: op: the call that saved, '' if none was seen. site: its line. own: it saved its
    own result, not an input. of: 'weight' for (a view of) a leaf that requires grad, 'input'
    for one that is no parameter beside parameters, 'gradient' for a `.grad`, 'buffer' for a buffer
    of a module that ran, 'again' where a function runs again, else ''.
    A recording's: node: who keeps it, as `grad_fn.name()` says it; number: which node of that
    recording, counted as they were met. tensor: its name, or where it lies if it has none.
    storage: its letter.
    From `spans`: start: index of the step that saved it. end: of the step that looked at it or
    dropped it, None while it is held. outcome: 'raised', 'checked' (backward used it), 'dropped'
    (nobody did), 'held'. unseen: steps between in which its bytes changed and no counter moved.
    """

    expects: int
    now: int
    op: str = ""
    site: Site = NOWHERE
    own: bool = False
    of: str = ""
    until: Site | None = None
    node: str = ""
    number: int = 0
    tensor: str = ""
    storage: str = ""
    start: int = 0
    end: int | None = None
    outcome: str = ""
    unseen: tuple[int, ...] = ()

    @property
    def broken(self) -> bool:
        return self.now != self.expects


@dataclass(frozen=True)
class Gap:
    """Versions that no call accounts for, and the two lines between which the counter moved."""

    before: int
    after: int
    since: Site
    until: Site


#: What was overwritten where nothing raises, if it is no plain save: one of a Function of the
#: user's own, whose gradient is not judged; an attribute of its `ctx`; a gradient that another
#: operation waits for; a weight whose cast autocast keeps.
MAYBE, CONTEXT, GRADIENT, CAST = "maybe", "context", "gradient", "cast"


@dataclass(frozen=True)
class Overwrite:
    """A save and the writes since, in order, as the doctor saw them.

    gaps: what the writers leave open. suspects: writes that may be it.
    shape: of the saved tensor. unchanged: with `strict`, were the bytes the same when PyTorch
    refused them? kind: see `MAYBE`. times: how often these lines did it.
    """

    saver: Save | None
    writers: tuple[Write, ...] = ()
    gaps: tuple[Gap, ...] = ()
    suspects: tuple[Write, ...] = ()
    shape: tuple[int, ...] = ()
    unchanged: bool = False
    kind: str = ""
    times: int = 1
