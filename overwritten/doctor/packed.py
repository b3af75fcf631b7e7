"""Saves under somebody's hooks, as checkpoints and `save_on_cpu` put on.

The idea: of these the graph shows nothing, so what their unpack gives back is compared with what
their pack was given. It does not see hooks that were on before the watch.
"""

from __future__ import annotations

import sys

import torch
from torch.autograd.graph import saved_tensors_hooks

from overwritten.doctor.doors import Door, takes_part
from overwritten.doctor.stretches import copy_of, readable, same
from overwritten.record.events import Overwrite, Save
from overwritten.record.graph import storage_of
from overwritten.record.private import DisableTorchFunction, disable_current_modes, push_hooks


class Packed:
    """strict: whose node takes a save out again, and what it used."""

    def __init__(self, strict):
        self._strict = strict
        self._now: list = []  # (what goes with it, tensor), in the call that runs

    def call_begins(self):
        self._now.clear()

    def call_ended(self):
        for mine, tensor in self._now:  # RReLU draws its noise after it is saved
            mine[2], mine[-1] = self._strict.eyes.logs.tick(), copy_of(tensor)
        self._now.clear()

    def watch(self):
        """From now on; returns what ends it."""
        door, strict = Door(saved_tensors_hooks, "__enter__"), self._strict

        def watched(hooks):
            if not takes_part(strict.eyes):
                return door.below(hooks)
            pack, unpack = hooks.pack_hook, hooks.unpack_hook

            def both(tensor):
                with DisableTorchFunction(), disable_current_modes():
                    version, storage = tensor._version, storage_of(tensor)
                    save = Save(version, version, strict.call, strict.site(sys._getframe(1)))
                    first = copy_of(tensor) if readable(tensor) else None
                    mine = [save, storage, strict.eyes.logs.tick(), tensor.device, first]
                    if first is not None:
                        self._now.append((mine, tensor))
                return pack(tensor), mine

            def checked(packed):
                theirs, (save, storage, order, device, first) = packed
                if strict.again and first is not None:
                    return first.to(device)
                used = strict.used  # the unpack may run the forward again, and a backward in it
                tensor = unpack(theirs)
                with DisableTorchFunction(), disable_current_modes():
                    strict.used = used
                    if used is None or first is None or not isinstance(tensor, torch.Tensor):
                        return tensor
                    since = [w.told() for w in strict.eyes.logs.since(storage, order)]
                    changed = readable(tensor) and not same(copy_of(tensor), first)
                    if since and (changed or storage_of(tensor) == storage):
                        strict.unchecked.append(Overwrite(save, tuple(since)))
                    if changed:
                        used.append((save, first, since, None))
                return tensor

            push_hooks(both, checked)

        return door.put(watched)


def is_ours(hook) -> bool:
    """Is this unpack hook one that `Packed` or the healed run has put on?"""
    return hook.__module__ in (__name__, "overwritten.doctor.heal")
