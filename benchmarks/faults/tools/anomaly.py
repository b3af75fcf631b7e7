"""`detect_anomaly`: shows where the forward call was whose backward failed."""

import re

from faults.collect import Fault
from faults.fresh import Told, run

NEEDS, NAMES = "torch", ("saver",)
LINE = "torch.autograd.set_detect_anomaly(True, check_nan=False)"
_TRACE = re.compile(r"Traceback of forward call that caused the error:\n((?: .*\n)+)")


def told(program, folder):
    ran = run(program, folder, LINE)
    return Told(ran, tuple(Fault(saver) for saver in savers(ran)))


def savers(ran):
    """The lines of the program that anomaly mode's warnings show."""
    return list(filter(None, map(ran.line, _TRACE.findall(ran.err))))
