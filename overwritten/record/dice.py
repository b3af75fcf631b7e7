"""Random numbers as if nobody else drew any, and afterwards the state from before.

PyTorch has one state for the whole process: a run beside it, as a knob's, waits for its turn.
"""

from __future__ import annotations

import contextlib
import threading

import torch

#: Held while one draws.
TURN = threading.RLock()


@contextlib.contextmanager
def own_dice(seed: int, devices=()):
    """devices: of CUDA, whose state is kept as well."""
    with TURN, torch.random.fork_rng(devices=list(devices)):
        torch.default_generator.manual_seed(seed)
        yield
