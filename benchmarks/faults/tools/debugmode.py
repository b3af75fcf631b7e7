"""`torch.utils._debug_mode.DebugMode` with stack traces: lists all operations, in anomaly mode."""

import json
import re

from faults.collect import Fault
from faults.fresh import SAID, Told, run
from faults.tools.anomaly import savers

NEEDS, NAMES = "torch.utils._debug_mode", ("saver", "writers")
#: The in-place operations of its list: (what it prints of the arguments, stack trace) each.
_LIST = (
    "[(call.args_str, call.stack_trace) for call in mode.operators"
    " if getattr(getattr(call, 'op', None), '_schema', None) and call.op._schema.is_mutable"
    " and isinstance(call.args_str, str) and call.stack_trace]"
)
LINE = (
    "(lambda mode: (mode.__enter__(), __import__('atexit').register(lambda: __import__('json')"
    f".dump({_LIST}, open({SAID!r}, 'w')))))"
    "(__import__('torch.utils._debug_mode', fromlist='*').DebugMode(record_stack_trace=True))"
)


def told(program, folder):
    ran = run(program, folder, LINE)
    listed = json.loads(ran.said) if ran.said else ()
    writers = ran.writers((of, frames) for call, frames in listed for of in _written(call))
    saver = next(iter(savers(ran)), None)
    return Told(ran, (Fault(saver, writers),) if saver or writers else ())


def _written(arguments):
    """The shape of the first tensor in a text like "t: f32[2, 3], 1", of all in one with a list."""
    shapes = re.findall(r"t: \w+\[([\d, ]*)\]", arguments)
    written = shapes if arguments.startswith("[") else shapes[:1]
    return [tuple(map(int, re.findall(r"\d+", shape))) for shape in written]
