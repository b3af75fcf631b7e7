"""Where in the user's own code something happened: file, line, module path.

The idea: walk out of PyTorch's frames to the first of the user's; a stack of the modules that
run gives the path. Nothing is formatted until someone asks.
"""

from __future__ import annotations

import os
from functools import lru_cache

import torch
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from overwritten.record.events import Site

_TORCH = os.path.dirname(str(torch.__file__)) + os.sep
_OVERWRITTEN = os.path.dirname(os.path.dirname(__file__)) + os.sep
#: Models as a user would write them: their lines count as the user's own.
CASES = os.path.join(_OVERWRITTEN, "cases", "")
_is_users: dict[str, bool] = {}  # file name → is it the user's own?


@lru_cache(10_000)
def site_at(file, line, module, via):
    """The same line is seen again and again; `via` comes as a whole file name."""
    return Site(file, line, module, via[len(_TORCH) :] if via.startswith(_TORCH) else "")


def ours(file: str) -> bool:
    """Is it code of this package? The models in `cases` stand for a user's own."""
    return file.startswith(_OVERWRITTEN) and not file.startswith(CASES)


def first_user_frame(frame):
    """(the innermost frame of the user's own, the file that it called into)."""
    via = ""
    while (back := frame.f_back) is not None:
        file = frame.f_code.co_filename
        is_users = _is_users.get(file)
        if is_users is None:
            is_users = _is_users[file] = not file.startswith((_TORCH, "<frozen")) and not ours(file)
        if is_users:
            break
        via, frame = file, back
    return frame, via


def watch_modules(here):
    def enter(module, args):
        try:
            here.running.append(_Running(module))
        except AttributeError:
            here.running = [_Running(module)]

    def leave(module, args, output):
        if getattr(here, "running", None):
            here.running.pop()

    handles = [
        register_module_forward_pre_hook(enter),
        register_module_forward_hook(leave, always_call=True),
    ]
    return lambda: [handle.remove() for handle in handles]


class _Running:
    """A module that runs, its name in the module that called it, and `path_of` once asked for."""

    __slots__ = ("module", "name", "path")

    def __init__(self, module):
        self.module, self.name, self.path = module, None, None


def path_of(running) -> str:
    """'head.dropout (Dropout)': the names from the outermost module that ran to this one."""
    last = running[-1]
    if last.path is None:
        for parent, child in zip(running, running[1:]):
            if child.name is None:
                child.name = _name_in(parent.module, child.module)
        kind, names = type(last.module).__name__, ".".join(child.name for child in running[1:])
        last.path = f"{names} ({kind})" if running[1:] else kind
    return last.path


def _name_in(parent, child) -> str:
    for name, module in parent._modules.items():  # nearly always; `named_modules` walks them all
        if module is child:
            return name
    return next((name for name, module in parent.named_modules() if module is child), "?")
