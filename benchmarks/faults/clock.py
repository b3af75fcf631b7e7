"""How long a program takes without its imports, seen from inside.

The idea: what a program loads on its way (an optimizer's first step brings in a compiler, a second
or two) would hide what a tool costs. Runs in the program's own process; knows no tool.
"""

import atexit
import builtins
from time import perf_counter


def start(file: str) -> None:
    """Count from here to the interpreter's end and write the seconds to `file`."""
    load, deep, loading = builtins.__import__, 0, 0.0

    def counted(*args, **kwargs):
        nonlocal deep, loading
        begin, deep = perf_counter(), deep + 1
        try:
            return load(*args, **kwargs)
        finally:
            deep -= 1
            if not deep:
                loading += perf_counter() - begin

    def stop():
        seconds = perf_counter() - begin - loading
        with open(file, "w") as out:
            out.write(str(seconds))

    builtins.__import__ = counted
    atexit.register(stop)
    begin = perf_counter()
