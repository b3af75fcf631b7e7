"""What `block` will hold: eyes that tell at the raise. Until it does, on the eyes of today."""

from __future__ import annotations

import sys

import torch

from overwritten.doctor.diagnosis import explain
from overwritten.doctor.places import ours
from overwritten.doctor.watching import Eyes


class Doctor(Eyes):
    """all: every diagnosis, in order. tell: function(error, diagnosis), called at each."""

    def __init__(self, strict=False, tell=lambda error, diagnosis: None):
        super().__init__(strict)
        self.all, self._errors, self._tell = [], {}, tell

    def __enter__(self):
        super().__enter__()
        engine = torch.autograd._engine_run_backward

        def watched(*args, **kwargs):
            try:
                return engine(*args, **kwargs)
            except RuntimeError as error:
                self._explained(error)
                raise

        torch.autograd._engine_run_backward = watched
        self._undo.append(lambda: setattr(torch.autograd, "_engine_run_backward", engine))
        return self

    def of(self, error):
        """The diagnosis of `error` or of one that it comes from."""
        return next(filter(None, (self._errors.get(id(one)) for one in chain_of(error))), None)

    def _explained(self, error):
        diagnosis = explain(error, self)
        if diagnosis is not None and id(error) not in self._errors:
            self.all.append(diagnosis)
            self._errors[id(error)] = diagnosis
            self._tell(error, diagnosis)
            if not hasattr(error, "add_note"):  # Python 3.10
                print(diagnosis.text(), file=sys.stderr)


def chain_of(error):
    """The error and those that it comes from, latest first."""
    chain = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def without_our_frames(error):
    """Take our own frames out of its traceback."""
    step = error.__traceback__
    while step is not None:
        while step.tb_next is not None and ours(step.tb_next.tb_frame.f_code.co_filename):
            step.tb_next = step.tb_next.tb_next
        step = step.tb_next
