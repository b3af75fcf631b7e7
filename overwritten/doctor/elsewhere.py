"""Where else Python runs during a block: inside backward, in other threads, in transforms.

The idea: modes and hooks are thread-local and step back while a call is handled, so each of
these places puts them on again, or takes them off, for as long as the block lasts.
Each function begins something and returns the function that undoes it.
"""

from __future__ import annotations

import contextlib
import sys
import threading

import torch
from torch.overrides import TorchFunctionMode

from overwritten.record.private import DYNAMO, ENGINE, top_hooks


def watch_backward(eyes):
    engine = getattr(*ENGINE)

    def watched(*args, **kwargs):  # hooks and custom Functions run Python in there
        TorchFunctionMode.__enter__(eyes)
        try:
            return engine(*args, **kwargs)
        finally:
            TorchFunctionMode.__exit__(eyes, None, None, None)

    setattr(*ENGINE, watched)
    return lambda: setattr(*ENGINE, engine)


def watch_threads(eyes):
    """Modes and hooks are thread-local: threads begun meanwhile put them on as well."""
    run = threading.Thread.run

    def watched(thread):
        TorchFunctionMode.__enter__(eyes)
        eyes._hooks_on()
        try:
            return run(thread)
        finally:
            eyes._hooks_off()
            TorchFunctionMode.__exit__(eyes, None, None, None)

    threading.Thread.run = watched
    return lambda: setattr(threading.Thread, "run", run)


def run_compiled_as_python():
    """What torch.compile made earlier runs as plain Python meanwhile; inside it we are blind."""
    if DYNAMO not in sys.modules:
        return lambda: None
    stance = torch.compiler.set_stance("force_eager")
    stance.__enter__()
    return lambda: stance.__exit__(None, None, None)


def make_way(eyes):
    """torch.func.grad, vjp and jacrev forbid any hook while they run: ours step aside.

    Saves in there are not seen; PyTorch's own check works, and the suspects are named.
    On torch 2.6, which does not tell whose hooks are on, they stay, and it refuses.
    """
    forbid = torch.autograd.graph.disable_saved_tensors_hooks

    @contextlib.contextmanager
    def watched(message):
        hooks = top_hooks(True)
        ours = hooks is not None and hooks[0] == eyes._pack
        if ours:
            eyes._hooks_off()
        try:
            with forbid(message):
                yield
        finally:
            if ours:
                eyes._hooks_on()

    torch.autograd.graph.disable_saved_tensors_hooks = watched
    return lambda: setattr(torch.autograd.graph, "disable_saved_tensors_hooks", forbid)
