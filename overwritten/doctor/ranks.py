"""One report for each rank: which of many processes this is, and a file that is always whole.

The idea: launchers say it in the environment; a file is written beside its name and then renamed.
What stands in a report, it does not know.
"""

from __future__ import annotations

import os
import sys

#: Where launchers say which of many processes this is, the most telling first.
RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "LOCAL_RANK")


def of_rank(path: str) -> str:
    """OUT.json, and OUT.rank1.json in a process that a launcher calls the second."""
    number = _launched_as()
    return between(path, f"rank{number}") if path and number else path


def rank() -> int | None:
    """This process's place among those that train together, None where it has none."""
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank()
    return _launched_as()


def _launched_as():
    numbers = (os.environ.get(name, "") for name in RANKS)
    return next((int(number) for number in numbers if number.isdecimal()), None)


def between(path: str, word: str) -> str:
    """OUT.json and a word → OUT.word.json."""
    stem, ending = os.path.splitext(path)
    return f"{stem}.{word}{ending}"


def is_special(path: str) -> bool:
    """A pipe, a terminal, a folder: what may be written once at most."""
    return os.path.exists(path) and not os.path.isfile(path)


def put(path: str, text: str):
    """Whoever reads the file meanwhile, or after a kill, finds all of the old or of the new."""
    path = path if is_special(path) else os.path.realpath(path)
    unfinished = path if is_special(path) else f"{path}.{os.getpid()}~"
    with open(unfinished, "w", encoding="utf8") as out:
        out.write(text)
    if unfinished != path:
        os.replace(unfinished, path)
