"""PyTorch alone: its error's text names operation, shape and versions, and no line."""

from faults.fresh import Told, run

NEEDS, NAMES = "torch", ()


def told(program, folder):
    return Told(run(program, folder))
