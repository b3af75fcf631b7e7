"""An error of backward and what the eyes saw → a diagnosis: who saved, who wrote, what to do.

The idea: the eyes give facts, two lines and the versions between; a table of cures says what
helps for this pair. Where something was not seen it says so and names the suspects.
How a diagnosis is worded is the report's business.
"""

from __future__ import annotations

from dataclasses import dataclass

from overwritten.doctor import report
from overwritten.doctor.cures import AUGMENTED, Cure, cure_for
from overwritten.doctor.places import ours
from overwritten.doctor.watching import Eyes
from overwritten.messages import Message, parse
from overwritten.record.events import Save, Write


@dataclass(frozen=True)
class Diagnosis:
    """What happened. saver: None if the save was not seen. writers: in order, maybe empty.

    verdict: 'raises', or with strict 'raises although the gradient would be right'.
    cure: None where no writer was seen. suspects: writes that may be it.
    """

    message: Message
    saver: Save | None
    writers: tuple[Write, ...]
    verdict: str
    cure: Cure | None
    suspects: tuple[Write, ...] = ()

    @property
    def complete(self) -> bool:
        """Do the writers that were seen account for all of the counter's way?"""
        if self.saver is None:
            return False
        ticks = [w for w in self.writers if w.after is not None]
        steps = [self.saver.expects, *(w.after for w in ticks)]
        return steps[-1] == self.message.now and all(w.before == at for w, at in zip(ticks, steps))

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
    if message is None or not message.overwritten:
        return None
    seen = getattr(error, "overwritten", None)
    if seen is None:  # PyTorch's own check fired: the save was not made under our hook
        suspects = [
            w for w, shape, *_ in eyes.writes if shape == message.shape and w.after == message.now
        ]
        return Diagnosis(message, None, (), "raises", None, tuple(suspects[-5:]))
    verdict = "raises although the gradient would be right" if seen.unchanged else "raises"
    cure = cure_for(seen.saver, seen.writers)
    return Diagnosis(message, seen.saver, seen.writers, verdict, cure)
