"""Run real PyTorch code once and write down what it did to memory.

The idea: a line tracer says which line runs, a function mode sees every torch call and
compares version counters before and after it, a ledger hears which storages live and die.
It does not draw, explain or judge, and it does not change what the code computes.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
from dataclasses import replace

import torch

from overwritten.messages import normal, parse
from overwritten.record.dice import own_dice
from overwritten.record.recording import Recording, Step
from overwritten.record.source import Source
from overwritten.record.steps import MAX_STEPS, Steps
from overwritten.record.tensors import named_tensors, why_no_storage

#: `record` stops a snippet that has run this many lines: it does not seem to end.
MAX_LINES = 1_000_000
#: A gradient of more elements than this is not kept in `Recording.gradients`.
MOST_NUMBERS = 10_000


def record(code: str, names: dict | None = None, max_lines: int = MAX_LINES) -> Recording:
    """Run `code` in a namespace of its own and return its Recording.

    torch is there, `nn` (torch.nn) and `F` (torch.nn.functional) too.

    It never raises: a syntax error, an exception, an interrupt or an endless loop becomes
    `error` or `note`, and what ran before is kept. Grad mode is on, the random seed is 0;
    the caller's own grad mode and random state are left as they were.

    >>> record("x = torch.ones(4)\\nx = x + 1").peak
    32
    """
    given = {"__name__": "snippet", "torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    namespace = given | (names or {})
    with _fresh_torch_state():
        recording = follow(code, namespace, max_lines)
        recording.gradients = _gradients(namespace)
    namespace.clear()
    return recording


def follow(code: str, namespace: dict, max_lines: int | None = None) -> Recording:
    """As `record`, but in `namespace` itself and under the grad mode and seed of the caller."""
    try:
        source = Source.of(code)
        program = compile("\n".join(source.lines), source.filename, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Recording(lines=code.strip("\n").splitlines(), error=_not_python(error))
    lines = Lines(scratch=True)
    with lines.following(source, namespace, max_lines):
        exec(program, namespace)
    return lines.recording


class Lines:
    """Follows the code of one frame, or of one snippet, line by line into a Recording.

    scratch: also measure what each call takes and gives back inside itself (0.1 ms a call).
    """

    def __init__(self, scratch: bool = False):
        self.recording = Recording()
        self._steps = Steps(self.recording, scratch)
        # (frame, statement) under way, and its callers'
        self._pending: tuple | None = None
        self._suspended: list[tuple] = []
        self._events = 0

    def enter(self, frame) -> Recording:
        """Begin with the body of the `with` statement that `frame` is in."""
        self._begin(Source.around(frame), frame, frame.f_locals)
        self._earlier_local, frame.f_trace = frame.f_trace, self._on_event
        if (here := self._source.first_on(frame.f_lineno)) is not None:
            self._start(frame, here)  # `with watch(): x += 1` on one line
        return self.recording

    def leave(self, error):
        """End; error: the exception that left the block, or None."""
        frame = self._base
        self._end(error)
        frame.f_trace = self._earlier_local
        if frame.f_code.co_flags & inspect.CO_OPTIMIZED and sys.version_info < (3, 13):
            copy = frame.f_locals  # of a function: it would keep the block's tensors alive
            if sys.getrefcount(copy) <= 3:  # else the learner asked for locals() and has it
                copy.clear()

    @contextlib.contextmanager
    def following(self, source: Source, namespace: dict, max_lines: int | None):
        """Record code that is about to be exec'ed in `namespace`; swallow how it ends."""
        self._steps.ask_nodes()
        self._begin(source, None, namespace)
        self._limit = max_lines
        error = None
        try:
            yield
        except BaseException as caught:  # also KeyboardInterrupt and SystemExit: shown, not raised
            error = caught
        finally:
            self._end(error)
            error = None  # its traceback holds this frame: a circle that keeps the tensors

    def _begin(self, source, frame, namespace):
        self._source, self._base, self._limit = source, frame, None
        self.recording.lines = source.lines
        self._world = namespace
        self._tracer = self._on_call
        self._earlier_trace = sys.gettrace()
        self._steps.mode.__enter__()
        self._append(Step(index=0, line=0, text="start"), namespace, {})
        sys.settrace(self._tracer)

    def _end(self, error):
        if sys.gettrace() is self._tracer:  # else another watch began meanwhile and goes on
            sys.settrace(self._earlier_trace)
        try:
            self._close()
        finally:
            self._steps.mode.__exit__(None, None, None)
            if error is not None:
                self._name_error(error)
            if self._steps.full:
                self.recording.later_peak = self._steps.ledger.peak
                shown = f"The first {MAX_STEPS} of {self.recording.ran:,} executed lines are shown."
                self.recording.note = self.recording.note or shown
            self._steps.close()
            self._base = self._pending = self._world = None
            self._suspended = []

    # which line runs: sys.settrace (Python's own documentation of the events applies)

    def _on_call(self, frame, event, arg):
        code = frame.f_code
        if self._base is not None or code.co_filename != self._source.filename:
            return None
        if code.co_name.startswith("<") and code.co_name != "<module>":
            frame.f_trace_opcodes = True  # a comprehension may never end: only count
            return self._on_inner
        if self._pending:
            self._suspended.append(self._pending)
            if self._steps.mode.calls:
                self._close()
            self._pending = None
        return self._on_event

    def _on_event(self, frame, event, arg):
        if event == "line":
            self._on_line(frame)
        elif event == "opcode":
            self._count()
        elif event == "return":
            self._close()
            if self._suspended and frame is not self._base:
                self._pending = self._suspended.pop()
        return self._on_event

    def _on_inner(self, frame, event, arg):
        self._count()
        return self._on_inner

    def _on_line(self, frame):
        statement = self._source.at(frame.f_lineno)
        if self._pending and self._pending == (frame, statement) and not statement.repeats:
            self._count()  # from Python 3.12 on a comprehension runs in the frame it stands in
            return
        self._close()
        if statement is not None:
            self._start(frame, statement)

    def _start(self, frame, statement):
        self._pending = (frame, statement)
        self._count()
        self.recording.ran += 1
        # a loop on one line may never start another line: there, count instructions
        frame.f_trace_opcodes = statement.repeats and self._limit is not None

    def _count(self):
        self._events += 1
        if self._limit and self._events > self._limit:
            lines = f"{self._limit:,} lines"
            raise _TooLong(f"This code was stopped after {lines}: does its loop ever end?")

    # what the line did

    def _close(self):
        if self._pending is None:
            return
        (frame, statement), self._pending = self._pending, None
        if self._steps.full:
            return
        function, names = frame.f_code.co_name, {}
        if frame is not self._base and function != "<module>":
            names = {f"{k} in {function}": v for k, v in frame.f_locals.items()}
        line = statement.first - self._source.first + 1
        step = Step(index=len(self.recording.steps), line=line, text=statement.text)
        self._append(step, self._world if self._base is None else frame.f_locals, names)

    def _append(self, step, namespace, inner):
        wanted = self._source.names
        shown = {k: v for k, v in list(namespace.items()) if wanted is None or k in wanted}
        self._steps.append(step, {**shown, **inner})

    def _name_error(self, error):
        recording = self.recording
        if isinstance(error, _TooLong):
            recording.note = str(error)
            return
        recording.error = _sentence(error)
        recording.message = parse(recording.error)
        if recording.steps and not self._steps.full:
            where = self._failing_step(error)
            recording.steps[where] = replace(
                recording.steps[where], error=recording.error, message=recording.message
            )

    def _failing_step(self, error):
        """The last step on the line of ours that raised; after it, `finally` may have run."""
        steps, lines, traceback = self.recording.steps, [], error.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            snippet = self._base is None and frame.f_code.co_filename == self._source.filename
            if frame is self._base or snippet:
                lines.append(self._source.at(traceback.tb_lineno))
            traceback = traceback.tb_next
        raised = {s.first - self._source.first + 1 for s in lines[-1:] if s is not None}
        return max((step.index for step in steps if step.line in raised), default=len(steps) - 1)


class _TooLong(BaseException):
    pass


@contextlib.contextmanager
def _fresh_torch_state():
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    dtype = torch.get_default_dtype()
    with own_dice(0, devices), torch.inference_mode(False), torch.enable_grad():
        if torch.cuda.is_initialized():
            torch.cuda.manual_seed_all(0)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)


def _gradients(namespace) -> dict:
    # a clone, for zeros without bytes (as after sgn_) get some
    copies = {
        name: t.clone()
        for name, t in named_tensors(namespace)
        if name.endswith(".grad") and t.numel() <= MOST_NUMBERS
    }
    return {name: t.tolist() for name, t in copies.items() if not why_no_storage(t)}


def _sentence(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "You stopped this line."
    if isinstance(error, SystemExit):
        return "This line asked Python to exit."
    try:
        text = next(iter(normal(str(error)).strip().splitlines()), "").split(" Hint: ")[0]
    except Exception:  # an error of the learner's own whose __str__ fails
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _not_python(error) -> str:
    where = f"Line {error.lineno} is" if getattr(error, "lineno", None) else "This is"
    what = getattr(error, "msg", error)
    return f"{where} not valid Python ({what}): mend it and run the cell again."
