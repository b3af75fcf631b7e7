"""Run real PyTorch code once and write down what it did to memory.

The idea: a line tracer says which line runs, a function mode sees every torch call and
compares version counters before and after it, a ledger hears which storages live and die.
It does not draw, explain or judge, and it does not change what the code computes.
"""

from __future__ import annotations

import contextlib
import inspect
import sys
import textwrap
from dataclasses import dataclass, field, replace

import torch
from torch.overrides import TorchFunctionMode

from overwritten.scratch import NUMBER_BYTES, with_scratch
from overwritten.source import Source
from overwritten.tensors import (
    Ledger,
    StorageState,
    TensorState,
    named_tensors,
    state_of,
    tensors_in,
    version_of,
)

#: A recording keeps this many steps; later lines still run and are counted.
MAX_STEPS = 200
#: `record` stops a snippet that has run this many lines: it does not seem to end.
MAX_LINES = 1_000_000

#: Calls that only look at a tensor's label, never at its bytes.
LOOKS_ONLY = frozenset(
    "__get__ __len__ __hash__ __repr__ __format__ __dir__ dim ndimension size stride numel "
    "nelement is_floating_point is_complex is_contiguous is_pinned is_signed is_shared "
    "storage_offset element_size untyped_storage storage data_ptr type get_device "
    "__reduce_ex__ register_hook retain_grad".split()
)


@dataclass(frozen=True)
class Write:
    """One storage written by one call: its letter, the version counter before and after.

    before and after are equal where a write moves no counter, None for inference tensors.
    """

    storage: str
    before: int | None
    after: int | None


@dataclass(frozen=True)
class Call:
    """One torch call. read: letters of the storages handed in. scratch: bytes that it
    took from PyTorch's CPU allocator and gave back before it returned (None: not measured).
    """

    op: str
    read: tuple[str, ...]
    writes: tuple[Write, ...]
    returned: tuple[str, ...]
    scratch: int | None


@dataclass(frozen=True)
class Step:
    """One executed line and the world after it. Step 0 is the world before the first.

    line: 1-based in `Recording.lines`, 0 for the start. born, freed: (letter, bytes) of
    the storages that came and went in this line, temporaries in both.
    live: bytes of all storages after the line; peak: at the highest point during it, with
    the scratch of a call where that is more than a Python number needs (24 bytes).
    unseen: letters of storages whose kept cells changed though no counter moved.
    resized: (letter, bytes before, bytes after).
    """

    index: int
    line: int
    text: str
    function: str = ""
    storages: tuple[StorageState, ...] = ()
    tensors: tuple[TensorState, ...] = ()
    calls: tuple[Call, ...] = ()
    born: tuple[tuple[str, int], ...] = ()
    freed: tuple[tuple[str, int], ...] = ()
    live: int = 0
    peak: int = 0
    unseen: tuple[str, ...] = ()
    resized: tuple[tuple[str, int, int], ...] = ()
    error: str = ""

    @property
    def writes(self) -> tuple[Write, ...]:
        return tuple(write for call in self.calls for write in call.writes)

    @property
    def scratch(self) -> int:
        """The largest amount any one call of this line took and gave back, in bytes."""
        return max((call.scratch or 0 for call in self.calls), default=0)

    def tensor(self, name: str) -> TensorState:
        """The tensor of that name after this line; KeyError names those there are."""
        for tensor in self.tensors:
            if tensor.name == name:
                return tensor
        raise KeyError(f"no tensor {name!r} here; there are {[t.name for t in self.tensors]}")

    def storage(self, letter: str) -> StorageState:
        """The storage of that letter, alive after this line (else KeyError)."""
        return {s.letter: s for s in self.storages}[letter]


@dataclass(repr=False)
class Recording:
    """What a piece of code did, line by line; `film(recording)` shows it.

    lines: its source. steps: see `Step`. ran: how many lines ran in all.
    error: how it ended, '' if well. note: a sentence where the recording is not whole.
    """

    lines: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    ran: int = 0
    error: str = ""
    note: str = ""

    def __repr__(self):
        end = f", ended with {self.error}" if self.error else ""
        return f"<Recording of {self.ran} executed lines, peak {self.peak:,} B{end}; film(recording) shows it>"

    @property
    def peak(self) -> int:
        """The most bytes that were alive in storages at any moment."""
        return max((step.peak for step in self.steps), default=0)


def record(code: str, names: dict | None = None, max_lines: int = MAX_LINES) -> Recording:
    """Run `code` in a namespace of its own (torch is there) and return its Recording.

    It never raises: a syntax error, an exception, an interrupt or an endless loop becomes
    `error` or `note`, and what ran before is kept. Grad mode is on, the random seed is 0;
    the caller's own grad mode and random state are left as they were.

    >>> record("x = torch.ones(4)\\nx = x + 1").peak
    32
    """
    code = textwrap.dedent(code).strip("\n")
    try:
        source = Source.of(code)
        program = compile(code, source.filename, "exec")
    except (SyntaxError, ValueError) as error:  # ValueError: a null byte
        return Recording(lines=code.splitlines(), error=_not_python(error))
    watching = watch(scratch=True)
    namespace = {"__name__": "snippet", "torch": torch, **(names or {})}
    with _fresh_torch_state(), watching.following(source, namespace, max_lines):
        exec(program, namespace)
    return watching.recording


class watch:
    """`with watch() as recording:` around any PyTorch code of your own.

    Errors pass through unchanged. scratch: also measure what each call takes and gives
    back inside itself (about 0.1 ms a call). Only names that the block mentions are listed.

    >>> x = torch.zeros(3)
    >>> with watch() as recording:
    ...     x.add_(1)
    tensor([1., 1., 1.])
    """

    def __init__(self, scratch: bool = False):
        self.recording = Recording()
        self._ledger = Ledger()
        self._mode = _Calls(self, scratch)
        self._calls, self._versions = [], {}
        self._pending, self._suspended = None, []  # (frame, statement) under way, and its callers'
        self._full, self._events = False, 0

    def __enter__(self) -> Recording:
        frame = sys._getframe(1)
        self._begin(Source.around(frame), frame, frame.f_locals)
        frame.f_trace = self._on_event
        return self.recording

    def __exit__(self, kind, error, traceback):
        frame = self._base
        self._end(error)
        frame.f_trace = None
        if frame.f_locals is not frame.f_globals and sys.version_info < (3, 13):
            frame.f_locals.clear()  # this copy would keep the block's tensors alive

    @contextlib.contextmanager
    def following(self, source: Source, namespace: dict, max_lines: int):
        """Record code that is about to be exec'ed in `namespace`; swallow how it ends."""
        self._begin(source, None, namespace)
        self._limit = max_lines
        error = None
        try:
            yield
        except BaseException as caught:  # also KeyboardInterrupt and SystemExit: shown, not raised
            error = caught
        finally:
            self._end(error)
            namespace.clear()

    def _begin(self, source, frame, namespace):
        self._source, self._base, self._limit = source, frame, None
        self.recording.lines = source.lines
        self._world = namespace
        self._mode.__enter__()
        self._earlier_trace = sys.gettrace()
        self._append(Step(index=0, line=0, text="start"), namespace)
        sys.settrace(self._on_call)

    def _end(self, error):
        sys.settrace(self._earlier_trace)
        self._close()
        self._mode.__exit__(None, None, None)
        if error is not None:
            self._name_error(error)
        if self._full and not self.recording.note:
            self.recording.note = (
                f"The first {MAX_STEPS} of {self.recording.ran:,} executed lines are shown."
            )
        self._ledger.close()
        self._base = self._pending = self._world = None
        self._suspended, self._versions = [], {}

    # which line runs: sys.settrace (Python's own documentation of the events applies)

    def _on_call(self, frame, event, arg):
        code = frame.f_code
        ours = self._base is None and code.co_filename == self._source.filename
        if ours and (code.co_name == "<module>" or not code.co_name.startswith("<")):
            if self._pending:
                self._suspended.append(self._pending)
                if self._calls:
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

    def _on_line(self, frame):
        statement = self._source.at(frame.f_lineno)
        if self._pending and self._pending == (frame, statement) and not statement.repeats:
            return
        self._close()
        if statement is None:
            return
        self._pending = (frame, statement)
        self._count()
        self.recording.ran += 1
        # a loop on one line may never start another line: there, count instructions
        frame.f_trace_opcodes = statement.repeats and self._limit is not None

    def _count(self):
        self._events += 1
        if self._limit and self._events > self._limit:
            raise _TooLong(
                f"This code was stopped after {self._limit:,} lines: does its loop ever end?"
            )

    # what the line did

    def _close(self):
        if self._pending is None:
            return
        (frame, statement), self._pending = self._pending, None
        if self._full:
            return
        inner = frame is not self._base and frame.f_code.co_name != "<module>"
        names = {f"{k} in {frame.f_code.co_name}": v for k, v in frame.f_locals.items()} if inner else {}
        step = Step(
            index=len(self.recording.steps),
            line=statement.first - self._source.first + 1,
            text=statement.text,
            function=frame.f_code.co_name if inner else "",
        )
        self._append(step, self._world if self._base is None else frame.f_locals, names)

    def _append(self, step, namespace, inner=()):
        ledger, wanted = self._ledger, self._source.names
        with torch._C.DisableTorchFunction():
            shown = {k: v for k, v in list(namespace.items()) if wanted is None or k in wanted}
            tensors, versions, first_name = [], {}, {}
            for name, tensor in named_tensors({**shown, **dict(inner)}):
                before = self._versions.get((name, id(tensor)))
                twin = first_name.get(id(tensor), "")
                first_name.setdefault(id(tensor), name)
                state = state_of(name, tensor, ledger, before, twin)
                versions[name, id(tensor)] = state.version
                tensors.append(state)
            storages = ledger.states()
        self._versions = versions
        first = not step.line
        self.recording.steps.append(
            replace(
                step,
                storages=storages,
                tensors=tuple(tensors),
                calls=tuple(self._calls),
                born=() if first else tuple(ledger.born),
                freed=tuple(ledger.freed),
                live=ledger.bytes,
                peak=max(ledger.peak, ledger.bytes),
                unseen=self._unseen(storages, tensors),
                resized=self._resized(storages),
            )
        )
        self._calls = []
        ledger.born, ledger.freed, ledger.peak = [], [], ledger.bytes
        self._full = len(self.recording.steps) > MAX_STEPS

    def _unseen(self, storages, tensors):
        written = {write.storage for call in self._calls for write in call.writes}
        written |= {t.storage for t in tensors if t.before != t.version}  # by C++: x.grad in backward
        written |= {letter for letter, _, _ in self._resized(storages)}
        changed = [s.letter for s in storages if self._earlier(s).cells != s.cells]
        return tuple(letter for letter in changed if letter not in written)

    def _resized(self, storages):
        pairs = [(s, self._earlier(s)) for s in storages]
        return tuple((s.letter, old.nbytes, s.nbytes) for s, old in pairs if old.nbytes != s.nbytes)

    def _earlier(self, storage):
        steps = self.recording.steps
        return next((s for s in steps[-1].storages if s.letter == storage.letter), storage) if steps else storage

    def _name_error(self, error):
        recording = self.recording
        if isinstance(error, _TooLong):
            recording.note = str(error)
            return
        recording.error = _sentence(error)
        if recording.steps and not self._full:
            recording.steps[-1] = replace(recording.steps[-1], error=recording.error)


class _TooLong(BaseException):
    pass


class _Calls(TorchFunctionMode):
    """Stands around every torch call of the thread and tells `watch` what it did."""

    def __init__(self, watching, scratch):
        super().__init__()
        self._watching, self._scratch = watching, scratch

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        watching, name = self._watching, getattr(func, "__name__", str(func))
        if watching._full or name in LOOKS_ONLY:
            return func(*args, **kwargs)
        ledger = watching._ledger
        handed_in = list({id(t): t for t in tensors_in([args, kwargs])}.values())
        before = [(ledger.see(t, old=True), version_of(t)) for t in handed_in]
        if self._scratch:
            result, scratch = with_scratch(func, args, kwargs)
        else:
            result, scratch = func(*args, **kwargs), None
        writes = [
            Write(letter, old, version_of(tensor))
            for tensor, (letter, old) in zip(handed_in, before)
            if letter and version_of(tensor) != old
        ]
        returned = [ledger.see(t) for t in [*tensors_in(result), *handed_in]]
        new = tuple(filter(None, returned[: len(returned) - len(handed_in)]))
        if scratch and scratch > NUMBER_BYTES:
            ledger.peak = max(ledger.peak, ledger.bytes + scratch)
        outs = {id(t) for t in tensors_in(kwargs.get("out"))}
        read = [letter for t, (letter, _) in zip(handed_in, before) if letter and id(t) not in outs]
        watching._calls.append(Call(name, tuple(dict.fromkeys(read)), tuple(writes), new, scratch))
        return result


@contextlib.contextmanager
def _fresh_torch_state():
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    dtype = torch.get_default_dtype()
    with torch.random.fork_rng(devices=devices), torch.inference_mode(False), torch.enable_grad():
        torch.manual_seed(0)
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)


def _sentence(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "You stopped this line."
    if isinstance(error, SystemExit):
        return "This line asked Python to exit."
    text = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _not_python(error) -> str:
    where = f"Line {error.lineno} is" if getattr(error, "lineno", None) else "This is"
    return f"{where} not valid Python ({getattr(error, 'msg', error)}): mend it and run the cell again."
