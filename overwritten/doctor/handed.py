"""Gradients that several operations wait for: whoever writes into one spoils it for the others.

The idea: backward hands the very same tensor to each operation that has a share in it; a hook
or a backward of one's own that writes into it in place changes what the others get.
It follows a gradient only while at least two wait for it: the last one may do as it likes.
"""

from __future__ import annotations

from overwritten.record.events import GRADIENT, NOWHERE, Save
from overwritten.record.graph import storage_of


class _Share:
    """A gradient, who gave it, and the inputs (node, number) that wait for it."""

    def __init__(self, gradient, giver):
        self.gradient, self.giver = gradient.detach(), giver
        self.waiting: set = set()
        self.stretch, self.seen = None, 0


class Handed:
    """All gradients on their way in the backward that runs. strict: looks, and is told."""

    def __init__(self, strict):
        self._strict = strict
        self._shares: dict[int, _Share] = {}
        self._inputs: dict = {}  # (node, number) → the share that lies there

    def on(self, node, results):
        """`node` has run and gives these results to its inputs' nodes."""
        for gradient, (taker, number) in zip(results, node.next_functions):
            storage = None if gradient is None or taker is None else storage_of(gradient)
            if storage is None:
                continue
            waits = taker, number
            if waits in self._inputs:  # the sum of both will be a tensor of its own
                self._done(self._inputs[waits], waits)
                self._inputs[waits] = None
                continue
            share = self._shares.get(storage)
            if share is None:
                share = self._shares[storage] = _Share(gradient, node)
            self._inputs[waits] = share
            share.waiting.add(waits)
            if len(share.waiting) > 1 and share.stretch is None:
                share.stretch = self._strict.stretch_of(share.gradient)
                share.seen = 0
            self._until_done(share, waits)

    def clear(self):
        self._shares.clear()
        self._inputs.clear()

    def _until_done(self, share, waits):
        def done(results, gradients):
            once.remove()
            if self._inputs.get(waits) is share:
                del self._inputs[waits]
                self._done(share, waits)

        once = waits[0].register_hook(done)

    def _done(self, share, waits):
        """It has what it waited for, as it is now."""
        if share is None or waits not in share.waiting:
            return
        if share.stretch is not None:
            self._strict.look_at(share.stretch)
            writers = [wrote for wrote, _ in share.stretch.changes[share.seen :]]
            if writers:
                share.seen += len(writers)
                self._strict.tell(self._given_by(share.giver), writers, GRADIENT)
        share.waiting.discard(waits)
        if len(share.waiting) < 2:
            share.stretch = None
        if not share.waiting:
            self._shares.pop(storage_of(share.gradient), None)

    def _given_by(self, node):
        made = self._strict.maker(node)
        site = made.site if made else NOWHERE
        op = made.op if made else node.name()
        return Save(0, 0, op, site, node=node.name(), number=node._sequence_nr())
