"""`torch.utils._debug_mode.DebugMode` with stack traces: lists every operation; anomaly mode inside."""

import json

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
    writers = ran.writers((_shape(arguments), frames) for arguments, frames in listed)
    saver = next(iter(savers(ran)), None)
    return Told(ran, (Fault(saver, writers),) if saver or writers else ())


def _shape(arguments):
    """Of the first tensor in a text like "t: f32[2, 3], 1"."""
    return json.loads("[" + arguments.partition("[")[2].partition("]")[0] + "]")
