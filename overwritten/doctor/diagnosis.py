"""An error of backward and what the eyes saw → a diagnosis: who saved, who wrote, what to do.

The idea: the eyes give facts, lines and the versions between; a table of cures says what helps
at each line. Where something was not seen it says so and names the suspects.
How a diagnosis is worded is the report's business.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from overwritten.doctor import report
from overwritten.doctor.cures import Advice, cures_for
from overwritten.messages import Message
from overwritten.record.events import Gap, Overwrite, Save, Write


@dataclass(frozen=True)
class Diagnosis:
    """What happened. saver: None if the save was not seen. writers: in order, maybe empty.

    verdict: 'raises', or with strict 'raises although the gradient would be right'.
    cures: for each line that writes, in order. suspects: writes that may be it. gaps: ways of the
    counter that no writer accounts for. others: the other broken saves of the same graph.
    """

    message: Message
    saver: Save | None
    writers: tuple[Write, ...]
    verdict: str
    cures: tuple[Advice, ...]
    suspects: tuple[Write, ...] = ()
    gaps: tuple[Gap, ...] = ()
    others: tuple[Diagnosis, ...] = ()

    @property
    def complete(self) -> bool:
        """Do the writers that were seen account for all of the counter's way?"""
        return self.saver is not None and bool(self.saver.site.file) and not self.gaps

    def advice(self) -> str:
        """What to change, all of it, with every line; '' where nothing is known."""
        return report.advice(self)

    def text(self, colour: bool = False) -> str:
        """A line each, for an error's note or a terminal; colour: with ANSI codes."""
        return report.text(self, colour)

    def html(self) -> str:
        """The lane of the storage and the words, for a notebook or a report."""
        return report.html(self)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": self.text(), "text/html": self.html()}

    def as_dict(self) -> dict:
        """For JSON: saver, writers, verdict, cure (see README, 'python -m overwritten')."""
        return report.as_dict(self)


def diagnose(message: Message, found: list[Overwrite]) -> Diagnosis:
    """The diagnosis of an error that says `message`; found: the broken saves, its own first."""
    if not all(one.unchanged for one in found):  # the gradient needs all of them
        found = [replace(one, unchanged=False) for one in found]
    first, *others = found
    return replace(
        _one(message, first), others=tuple(_one(_said(message, one), one) for one in others)
    )


def _said(message, one):
    """What PyTorch would have said of it."""
    now, expected = one.saver.now, one.saver.expects
    return replace(message, now=now, expected=expected, shape=one.shape, op=None, node=None)


def _one(message, one):
    verdict = "raises although the gradient would be right" if one.unchanged else "raises"
    cures = cures_for(one) if one.saver else ()
    return Diagnosis(message, one.saver, one.writers, verdict, cures, one.suspects, one.gaps)
