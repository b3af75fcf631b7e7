"""TorchLens: lists every operation of a model's forward, here a forward that runs the program."""

import json

from faults.collect import Fault
from faults.fresh import SAID, Told, run

NEEDS, NAMES = "torchlens", ("writers",)
_RUNNER = f"""
import json, runpy, sys, traceback, torch, torchlens

class Program(torch.nn.Module):
    def forward(self, x):
        self.error = None
        try:
            runpy.run_path(sys.argv[1], run_name="__main__")
        except BaseException as error:
            self.error = error
        return x + 1

program = Program()
keep = torchlens.options.CaptureOptions(keep_orphans=True)
trace = torchlens.trace(program, torch.zeros(1), capture=keep)
listed = [
    (tuple(op.shape), [f'File "{{at.file}}", line {{at.line_number}}' for at in op.code_context])
    for op in trace.orphans if op.is_inplace
]
json.dump(listed, open({SAID!r}, "w"))
if isinstance(program.error, SystemExit):
    raise program.error
if program.error:
    traceback.print_exception(program.error)
    sys.exit(1)
"""


def told(program, folder):
    ran = run(program, folder, before=("-c", _RUNNER))
    listed = json.loads(ran.said) if ran.said else ()
    writers = ran.writers((shape, "\n".join(frames)) for shape, frames in listed)
    return Told(ran, (Fault(None, writers),) if writers else ())
