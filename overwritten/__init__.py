"""Overwritten: see what PyTorch's in-place operations do to memory.

Everything that a lesson or a user's own code imports stands here; `overwritten.cases` has the
models under study. What only some lessons use is imported when it is first asked for.
PYTEST_DONT_REWRITE: pytest would warn that the doctor, which runs it, was imported before it.

>>> from overwritten import film
>>> film("x = torch.ones(4)\\nx += 1").recording.peak
16
"""

from importlib import import_module

from overwritten.doctor.block import watch
from overwritten.lesson import answers
from overwritten.lesson.predict import predict
from overwritten.lesson.questions import LESSONS
from overwritten.lesson.show import caught
from overwritten.live import ops
from overwritten.live.film import film
from overwritten.live.knob import knob
from overwritten.record.recorder import record
from overwritten.record.trial import trial

#: Module → its names that are imported late.
_LATE = {
    "doctor.guard": ("guard",),
    "live.decoder": ("decode", "decoder"),
    "messages": ("parse", "plain_op"),
    "lesson.drawn": ("drawn",),
    "lesson.again": ("again",),
    "lesson.progress": ("progress",),
    "lesson.route": ("route",),
    "lesson.selfcheck": ("selfcheck",),
    "lesson.witness": ("who",),
    "lesson.shows.cards": ("cards",),
    "lesson.shows.guide": (*("alone", "both", "index", "pattern", "programs", "tally", "tried"),),
    "lesson.shows.nearest": ("find",),
}
#: Each lesson has a module of exercises and one of questions; the clinic and the start page, one.
_EXERCISES = (*LESSONS, "clinic", "final")
_QUESTIONS = {f"{name}_questions": name for name in ("start_here", *LESSONS)}


def __getattr__(name):
    if name in _EXERCISES:
        return import_module(f"overwritten.lesson.exercises.{name}")
    if name in _QUESTIONS:
        return import_module(f"overwritten.lesson.questions.{_QUESTIONS[name]}")
    for module, names in _LATE.items():
        if name in names:
            return getattr(import_module(f"overwritten.{module}"), name)
    raise AttributeError(f"module 'overwritten' has no attribute {name!r}")


def load_ipython_extension(shell):
    """For `%load_ext overwritten`: the magics `%%watch`, `%%scrub` and `%overwritten`."""
    from overwritten.magics import load

    load(shell)


def unload_ipython_extension(shell):
    """For `%unload_ext overwritten`."""
    from overwritten.magics import unload

    unload(shell)


#: The one place where it stands: pip, badges and set-up cells take it from here.
__version__ = "0.1.0"
__all__ = ["answers", "caught", "film", "knob", "ops", "predict", "record", "trial", "watch"]
__all__ += [*(name for names in _LATE.values() for name in names), *_EXERCISES, *_QUESTIONS]
