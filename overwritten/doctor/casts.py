"""Weights that changed after autocast had cast them: the next call takes the old cast.

The idea: autocast keeps a weight's cast and takes it again, whatever has become of the weight. A
node that takes a cast from before its own call is compared with the weight as it is now.
It sees the casts that are in the graph, and no others.
"""

from __future__ import annotations

import torch

from overwritten.doctor.handles import Handle
from overwritten.doctor.stretches import same
from overwritten.record.events import CAST, Save


class Casts:
    """strict: looks, and is told."""

    def __init__(self, strict):
        self._strict = strict
        self._newest: dict = {}  # a weight's id → (its newest cast, the save)

    def on(self, node, first, name, site):
        """A call has made `node`; first: the number of the first node it made."""
        for caster, leaf in _casts_of(node) if torch.is_autocast_cache_enabled() else ():
            number, handle = self._newest.get(id(leaf), (None, None))
            if caster._sequence_nr() >= first and (stretch := self._strict.stretch_of(leaf)):
                save = Save(leaf._version, leaf._version, name, site)
                self._newest[id(leaf)] = caster._sequence_nr(), Handle(stretch, save)
            elif number == caster._sequence_nr():
                self._strict.look_at(handle.stretch)
                kind = torch.get_autocast_dtype(leaf.device.type)
                if not same(handle.first.to(kind), handle.stretch.kept.to(kind)):
                    self._strict.tell(handle.save, handle.writers, CAST)


def _casts_of(node):
    """(the node that cast it, the weight) of each that `node` takes."""
    for caster, _ in node.next_functions:
        if caster is not None and caster.name() == "ToCopyBackward0":
            leaf = getattr(caster.next_functions[0][0], "variable", None)
            if leaf is not None:
                yield caster, leaf
