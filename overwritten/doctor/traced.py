"""`--strict` follows lines with a tracer, and the program does not see it.

The idea: programs ask `sys.gettrace` whether a debugger runs them, and do otherwise if so (hydra
prints another traceback). In the thread that is followed ours is no answer, and who sets the trace
back to none leaves ours on. Where a tracer was on before ours, ours is seen: it stands in its way.
"""

from __future__ import annotations

import sys
from threading import get_ident


def trace(frame, on_call, on_event):
    """Follow `frame` and each call from now on; return what undoes it."""
    get, put, thread = sys.gettrace, sys.settrace, get_ident()
    earlier, earlier_local = get(), frame.f_trace

    def gettrace():
        found = get()
        return None if found is on_call else found

    def settrace(function):
        put(on_call if function is None and get_ident() == thread else function)

    def undo():
        sys.gettrace, sys.settrace = get, put
        put(earlier)
        frame.f_trace = earlier_local

    if earlier is None:
        sys.gettrace, sys.settrace = gettrace, settrace
    frame.f_trace = on_event
    put(on_call)
    return undo
