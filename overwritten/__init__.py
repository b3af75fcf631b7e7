"""Overwritten: see what PyTorch's in-place operations do to memory.

>>> from overwritten import film
>>> film("x = torch.ones(4)\\nx += 1").recording.peak
16
"""

from overwritten.doctor.block import watch
from overwritten.lesson import answers
from overwritten.lesson.predict import predict
from overwritten.lesson.show import caught
from overwritten.live import ops
from overwritten.live.film import film
from overwritten.live.knob import knob
from overwritten.record.recorder import record
from overwritten.record.trial import trial


def load_ipython_extension(shell):
    """For `%load_ext overwritten`: the magics `%%watch` and `%%scrub`."""
    from overwritten.magics import load

    load(shell)


__version__ = "0.1.0"
__all__ = ["answers", "caught", "film", "knob", "ops", "predict", "record", "trial", "watch"]
