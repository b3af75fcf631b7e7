"""The newest question wins: runs one at a time, each in a thread of its own, for what was asked last.

The idea: asking neither waits nor queues. A run that nobody wants any more ends at its next
torch call; the result of one that reached its end is kept, so going back is instant. A cell
goes first: what is asked beside it, and not by it, runs when the cell has ended.
It knows no controls and no pictures.
"""

from __future__ import annotations

import threading

from torch.overrides import TorchFunctionMode

from overwritten.live.cells import cells

#: After so many seconds without an answer, the one who asked is told so.
PATIENCE = 0.3
#: Runs share PyTorch's random state: one at a time in the whole process.
_TURN = threading.Lock()
#: What a front end asks for is answered fastest within its own message: a message that comes
#: later waits for the network's acknowledgement of the last one (about 40 ms).
LINGER = 0.03


class Stopped(BaseException):
    """Ends a run at its next torch call."""


class Newest:
    """run(key) → result; kept: {key: result} of every run that reached its end.

    What becomes of the newest key: show(key, result), fail(key, error, or None where it was
    stopped), and meanwhile late(key, is it running, or does it wait for a cell?).
    They are called from any thread, one at a time, under `lock`.
    """

    def __init__(self, run, show, fail, late):
        self._work, self._show, self._fail, self._tell_late = run, show, fail, late
        self.kept, self.lock = {}, threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._wanted = self._run = self._error = self._timer = None
        self._asked = self._answered = self._waiting = 0
        self._late = False
        cells.tell(self)

    def ask(self, key, linger: float = 0) -> int:
        """Want this and nothing older. Returns the number of the question, for `wait`.

        linger: seconds to stay for a run that is quick.
        """
        with self.lock:
            self._asked += 1
            self._wanted = key
            if self._run and self._run.key != key:
                self._run.stopped = True
            if key in self.kept:
                self._answer(self._show, key, self.kept[key])
            elif self._timer is None:
                self._timer = threading.Timer(PATIENCE, self._grow_late)
                self._timer.daemon = True
                self._timer.start()
            self._go_on()
            number = self._asked
            if self._run:
                self._changed.wait_for(lambda: self._answered >= number, linger)
            return number

    def wait(self, number: int | None = None) -> BaseException | None:
        """Until that question, or the latest one, is answered or no longer the newest.

        Returns the error that its run ended with, None if there was none. An interrupt stops
        the run and is raised.
        """
        with self.lock:
            number = self._asked if number is None else number
            self._waiting += 1
            try:
                self._go_on()
                # on Windows, a wait without an end cannot be interrupted
                while not self._changed.wait_for(lambda: self._answered >= number, 0.2):
                    pass
            except BaseException:
                self.stop()
                raise
            finally:
                self._waiting -= 1
            return self._error if self._answered == number else None

    def stop(self):
        """Want nothing any more. A run under way ends as soon as it can; its result is dropped."""
        with self.lock:
            if self._wanted is not None:
                if self._run:
                    self._run.stopped = True
                self._answer(self._fail, self._wanted, None)

    def cell_begins(self):
        """A run that nobody waits for makes way; it begins anew when the cell has ended."""
        with self.lock:
            run = None if self._waiting else self._run
            if run:
                run.stopped = True
        if run:
            run.join(1)  # longer only if it sleeps, or is in one long torch call

    def cell_ends(self):
        with self.lock:
            self._go_on()

    def _go_on(self):
        if self._wanted is None:
            return
        if self._run is None and (self._waiting or not cells.busy):
            self._run = _Run(self._wanted, self._work, self._done)
            self._run.start()
        if self._late:
            self._tell_late(self._wanted, self._run is not None)

    def _grow_late(self):
        with self.lock:
            self._late = self._wanted is not None
            self._go_on()

    def _done(self, run, result, error):
        with self.lock:
            self._run = None
            if not run.stopped and error is None:
                self.kept[run.key] = result
                self._answer(self._show, run.key, result)
            elif not run.stopped:
                self._answer(self._fail, run.key, error)
            self._go_on()

    def _answer(self, tell, key, what):
        self._wanted, self._answered, self._late = None, self._asked, False
        self._error = what if tell is self._fail else None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            tell(key, what)
        finally:
            self._changed.notify_all()


class _Run(threading.Thread):  # a class of its own: `watch` looks into plain threads only
    def __init__(self, key, work, done):
        super().__init__(daemon=True)
        self.key, self.stopped, self._work, self._done = key, False, work, done

    def run(self):
        result = error = None
        try:
            with _TURN, _Ending(self):
                result = self._work(self.key)
        except BaseException as caught:
            error = caught
        self._done(self, result, error)


class _Ending(TorchFunctionMode):
    def __init__(self, run):
        super().__init__()
        self._run = run

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if self._run.stopped:
            raise Stopped
        return func(*args, **(kwargs or {}))
