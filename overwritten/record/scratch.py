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

from overwritten.record.private import (
    disable_profiler,
    enable_profiler,
    profiler_config,
    profiler_enabled,
)

#: A Python number among the operands becomes a tensor inside the call: that much is no news.
NUMBER_BYTES = 24


def with_scratch(func, args=(), kwargs=None):
    """Call `func`; return (its result, scratch bytes), scratch None where not measurable.

    scratch: the highest point of what it held minus what it kept, in bytes, CPU only.
    A Python number among the operands costs 12 to 24 bytes: it becomes a tensor inside.

    >>> import torch
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
            events = [e for thread in disable_profiler() for e in thread]
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
        earlier = os.dup(2)
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
                os.dup2(earlier, 2)
            if os.fstat(said.fileno()).st_size:
                said.seek(0)
                os.write(2, b"".join(line for line in said.readlines() if _NEEDLESS not in line))
    finally:
        os.close(earlier)
        _QUIET.release()


def _enable() -> bool:
    if enable_profiler is None or profiler_enabled():
        return False
    try:
        enable_profiler(profiler_config())
    except RuntimeError:
        return False
    return True
