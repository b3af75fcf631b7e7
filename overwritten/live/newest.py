"""The newest question wins: one run at a time, in a thread of its own, for what was asked last.

The idea: asking neither waits nor queues. A run that nobody wants any more ends at its next
torch call; the result of one that reached its end is kept, so going back is instant.
It knows no controls and no pictures, and not whether a cell is at work.
"""

from __future__ import annotations

import threading
import time

from torch.overrides import TorchFunctionMode

from overwritten.record.dice import TURN

#: After so many seconds without an answer, the one who asked is told so.
PATIENCE = 0.3


class Stopped(BaseException):
    """Ends a run at its next torch call."""


class Newest:
    """run(key) → result; kept: {key: result} of every run that reached its end.

    What becomes of the newest key: show(key, result), fail(key, error, or None where it was
    stopped), and meanwhile late(key). They are called from any thread, one at a time, under `lock`.
    """

    def __init__(self, run, show, fail, late):
        self._work, self._show, self._fail, self._late = run, show, fail, late
        self.kept = {}
        self.lock = threading.RLock()
        self._newest = None

    def ask(self, key) -> Question:
        """Want this and nothing older. Returns at once."""
        with self.lock:
            if self._newest:
                self._newest.over.set()
            self._newest = question = Question(key, self._run)
            if key in self.kept:
                self._answer(question, self._show, self.kept[key])
            else:
                question.start()
                late = threading.Timer(PATIENCE, self._tell_late, [question])
                late.daemon = True
                late.start()
            return question

    def keep(self, key) -> Question:
        """Run this only for what is kept: nothing is told, the newest stays. Returns at once."""
        question = Question(key, self._run)
        question.start()
        return question

    def wait(self, question: Question | None = None) -> BaseException | None:
        """Until this question, or the newest one, is over; returns the error its run ended with.

        An interrupt stops the run and is raised. Raises ValueError where nothing was asked yet.
        """
        question = question or self._newest
        if question is None:
            raise ValueError("Nothing was asked yet.")
        try:
            # a wait without an end cannot be interrupted on Windows
            while not question.over.wait(0.2):
                pass
        except BaseException:
            self.stop(question)
            raise
        return question.error

    def stop(self, question: Question | None = None):
        """Want this, or the newest one, no more. Its run ends as soon as it can, without result."""
        question = question or self._newest
        with self.lock:
            if question and not question.over.is_set():
                self._answer(question, self._fail, None)

    def _run(self, question):
        result = error = None
        try:
            with TURN, _Ending(question):
                if not question.over.is_set():
                    result = self._work(question.key)
        except BaseException as caught:
            error = caught
        question.seconds = time.thread_time()
        with self.lock:
            if question.over.is_set():
                return
            if error is None:
                self.kept[question.key] = result
                self._answer(question, self._show, result)
            else:
                question.error = error
                self._answer(question, self._fail, error)

    def _answer(self, question, tell, what):
        try:
            if question is self._newest:
                tell(question.key, what)
        finally:
            question.over.set()

    def _tell_late(self, question):
        with self.lock:
            if not question.over.is_set():
                self._late(question.key)


class Question(threading.Thread):  # a class of its own: `watch` looks into plain threads only
    """over: set when it is answered, or no longer the newest. error: what its run ended with.

    seconds: of the processor, in its own thread; 0 where nothing ran.
    """

    def __init__(self, key, work):
        super().__init__(daemon=True)
        self.key, self.over, self._work = key, threading.Event(), work
        self.error, self.seconds = None, 0.0

    def run(self):
        self._work(self)


class _Ending(TorchFunctionMode):
    def __init__(self, question):
        super().__init__()
        self._question = question

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if self._question.over.is_set():
            raise Stopped
        return func(*args, **(kwargs or {}))
