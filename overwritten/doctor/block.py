"""`with watch():` a block of one's own under the doctor.

The idea: put the eyes on, and the lines where they are asked for; at the end leave on the
recording what they saw. Whole programs and cells go the same way (`__main__`, `magics`).
"""

from __future__ import annotations

import sys
import warnings

from overwritten.doctor.diagnosis import explain
from overwritten.doctor.report import silent_text
from overwritten.doctor.watching import Eyes
from overwritten.record.recorder import Lines
from overwritten.record.recording import Recording


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
    ...     print(recording.diagnosis.writers[0].op, recording.diagnosis.advice())
    add_ write it out of place: `x = x + …`, every such line, and use the new tensor from there on
    """

    def __init__(self, lines: bool = False, scratch: bool = False, strict: bool = False):
        self._eyes, self._lines = Eyes(strict), Lines(scratch) if lines else None
        self.recording = self._lines.recording if self._lines else Recording()

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
