"""An error of backward and what the eyes saw → a diagnosis: who saved, who wrote, what to do.

The idea: the eyes give facts, two lines and the versions between; a table of cures says what
helps for this pair. Where something was not seen it says so and names the suspects.
How a diagnosis is worded is the report's business.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from overwritten.doctor import report
from overwritten.doctor.cures import AUGMENTED, Cure, cure_for
from overwritten.messages import Message
from overwritten.record.events import Gap, Overwrite, Save, Write


@dataclass(frozen=True)
class Diagnosis:
    """What happened. saver: None if the save was not seen. writers: in order, maybe empty.

    verdict: 'raises', or with strict 'raises although the gradient would be right'.
    cure: None where no writer was seen. suspects: writes that may be it. gaps: ways of the counter
    that no writer accounts for. others: the other broken saves of the same graph.
    """

    message: Message
    saver: Save | None
    writers: tuple[Write, ...]
    verdict: str
    cure: Cure | None
    suspects: tuple[Write, ...] = ()
    gaps: tuple[Gap, ...] = ()
    others: tuple[Diagnosis, ...] = ()

    @property
    def complete(self) -> bool:
        """Do the writers that were seen account for all of the counter's way?"""
        return self.saver is not None and bool(self.saver.site.file) and not self.gaps

    def advice(self) -> str:
        """What to change, as one sentence; '' where no writer was seen."""
        if self.cure is None:
            return ""
        return self.cure.does.format(instead=AUGMENTED.get(self.writers[-1].op, "x = …"))

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
    cure = cure_for(one.saver, one.writers) if one.saver else None
    return Diagnosis(message, one.saver, one.writers, verdict, cure, one.suspects, one.gaps)
