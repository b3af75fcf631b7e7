"""How many bytes one torch call takes and gives back inside itself.

The idea: PyTorch's own profiler reports every allocation of its CPU allocator, in order.
It knows nothing of lines or names; where another profiler is already on, it stands aside.
"""

from __future__ import annotations

import gc
import os
import tempfile
import threading
from contextlib import contextmanager

import torch
from torch.autograd import ProfilerConfig, ProfilerState

#: A Python number among the operands becomes a tensor inside the call: that much is no news.
NUMBER_BYTES = 24

try:  # the light profiler: 0.1 ms a call; kineto's takes seconds to start and prints
    from torch.autograd import _disable_profiler_legacy, _enable_profiler_legacy
except ImportError:  # a PyTorch that dropped it: scratch is then not measured
    _enable_profiler_legacy = None


def with_scratch(func, args=(), kwargs=None):
    """Call `func`; return (its result, scratch bytes), scratch None where not measurable.

    scratch: the highest point of what it held minus what it kept, in bytes, CPU only.
    A Python number among the operands costs 12 to 24 bytes: it becomes a tensor inside.

    >>> with_scratch(torch.ones, (4,))[1]
    0
    """
    kwargs = kwargs or {}
    collecting = gc.isenabled()
    gc.disable()  # what it frees meanwhile would be taken for the call's own
    try:
        if not _enable():
            return func(*args, **kwargs), None
        try:
            with _without_the_profilers_own_warning():
                result = func(*args, **kwargs)
        finally:
            events = [e for thread in _disable_profiler_legacy() for e in thread]
    finally:
        if collecting:
            gc.enable()
    held = highest = 0
    for event in events:
        if event.kind() == "memory_alloc":
            held += event.cpu_memory_usage()
            highest = max(highest, held)
    return result, highest - max(held, 0)


_QUIET = threading.Lock()
_NEEDLESS = b"Memory block of unknown size was allocated before the profiling started"


@contextmanager
def _without_the_profilers_own_warning():
    """It says so in C++ when a call frees what is older; every other word on stderr is kept."""
    if not _QUIET.acquire(blocking=False):
        yield
        return
    try:
        kept = os.dup(2)
    except OSError:  # a process without stderr
        _QUIET.release()
        yield
        return
    try:
        with tempfile.TemporaryFile() as said:
            os.dup2(said.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(kept, 2)
            if os.fstat(said.fileno()).st_size:
                said.seek(0)
                os.write(2, b"".join(line for line in said.readlines() if _NEEDLESS not in line))
    finally:
        os.close(kept)
        _QUIET.release()


def _enable() -> bool:
    if _enable_profiler_legacy is None or torch.autograd._profiler_enabled():
        return False
    config = ProfilerConfig(
        ProfilerState.CPU,
        False,
        True,
        False,
        False,
        False,
        torch._C._profiler._ExperimentalConfig(),
    )
    try:
        _enable_profiler_legacy(config)
    except RuntimeError:
        return False
    return True
