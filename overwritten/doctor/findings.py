"""What the graph says and what the logs say, put together: each broken save with its writers.

The idea: a node's number finds the call that made it, a storage's number the writes to it, and
the versions must meet: what they leave open is told as a gap between two lines.
It finds; what helps, the diagnosis says.
"""

from __future__ import annotations

import gc
import re
from dataclasses import replace
from math import prod

import torch

from overwritten.doctor.graph import Broken, Graph
from overwritten.doctor.logs import Logs, Wrote, chain
from overwritten.doctor.modules import outermost
from overwritten.doctor.scripts import inside
from overwritten.messages import Message, plain_op
from overwritten.record.events import NOWHERE, Gap, Overwrite, Save, Write
from overwritten.record.graph import storage_of
from overwritten.record.private import DisableTorchFunction

#: How a node calls a result of its own.
_RESULTS = re.compile(r"(result\d*|output\d*|Q|R|U|S|Vh|L|LU)")
_FOREVER = 2**62
_MOST_SUSPECTS = 5


def findings(message: Message, graph: Graph, logs: Logs, unchanged) -> list[Overwrite]:
    """Of every broken save in `graph`; the one that `message` tells of first, as far as it can be
    told: backward takes the newest node first. Where the graph names none of that kind, the
    first has no saver and names suspects.

    unchanged: function(Broken) → are its bytes as
    they were? None without `strict`.
    """
    case = _Case(graph, logs)
    broken = sorted(graph.broken, key=lambda one: -one.number)
    first = next((one for one in broken if _told(one.message) == _told(message)), None)
    hidden = case.hidden(message, first.number if first else -1)
    told = [hidden] if hidden else []
    told += [
        case.overwrite(one, unchanged)
        for one in ([first] if first else []) + [one for one in broken if one is not first]
    ]
    if first is None and hidden is None:
        told.insert(0, Overwrite(None, suspects=case.suspects(message), shape=message.shape or ()))
    return told


def since_saved(save: Save, tensor, storage, order, thread, logs: Logs) -> Overwrite:
    """Of a save that the graph does not show: who has written since `order`, when it was made."""
    nothing = Graph((), (), frozenset(), frozenset(), 0)
    case = _Case(nothing, logs, {storage: logs.since(storage, order)})
    save = replace(save, of=case.of(tensor, storage))
    writers, gaps = case.written(save, storage, order, thread)
    return inside(Overwrite(save, writers, gaps, shape=tuple(tensor.shape)), logs.scripts)


def _told(message):
    return message.now, message.expected, message.shape


class _Case:
    def __init__(self, graph: Graph, logs: Logs, writes: dict | None = None):
        self.graph, self.logs = graph, logs
        self.writes = logs.by_storage() if writes is None else writes
        self._gradients: frozenset | None = None

    def overwrite(self, one: Broken, unchanged) -> Overwrite:
        said = one.message
        event, order, thread, until = self._saver(one)
        storages = [one.storage] if one.storage is not None else self._storages(said, order)
        storage = storages[0] if storages else None
        save = Save(
            said.expected or 0,
            said.now or 0,
            event.op if event else _plain(one.node.name()),
            event.site if event else NOWHERE,
            bool(_RESULTS.fullmatch(one.name)),
            self.of(one.tensor, storage),
            until.site if until else None,
            one.node.name(),
            one.number,
        )
        writers, gaps = self.written(save, storage, order, thread, _size(one.tensor))
        if any(write.op == "backward" for write in writers):
            save = replace(save, of="gradient")
        same = bool(unchanged and unchanged(one))
        found = Overwrite(save, writers, gaps, shape=said.shape or (), unchanged=same)
        return inside(found, self.logs.scripts)

    def _saver(self, one):
        """(the call, when, its thread, the next call where only two are known to be around it)."""
        if one.call:
            for event, order, storage, version in reversed(self.logs.inputs):
                if (storage, version) == (one.storage, one.message.expected):
                    return event, order, "", None
        node = one.node.name()
        made = self.logs.maker(one.number, node)
        if made is not None:
            return *made, None
        around = [(calls, *calls.around(one.number)) for calls in self.logs.threads if calls.events]
        for calls, before, after, order in around:
            if before is not None:
                return before._replace(op=_plain(node)), order, calls.thread, after or before
        return None, 0, "", None

    def _storages(self, said, since):
        """Where PyTorch does not show the tensor: storages whose counter went that very way, those
        first of which a write had its shape (or turned, as a weight in `linear`), the latest first.
        """
        found = []
        for storage, writes in self.writes.items():
            mine = [w for w in writes if w.order > since]
            steps, holes = chain(mine, said.expected, said.now)
            if steps and not holes and mine[-1].after == said.now:
                shapes = {tuple(w.shape) for w in mine}
                turned = said.shape[::-1] in shapes
                found.append((said.shape in shapes, turned, mine[-1].order, storage))
        return [storage for *_, storage in sorted(found, reverse=True)]

    def hidden(self, message, newest) -> Overwrite | None:
        """The save that `message` tells of, if a `CopySlices` newer than `newest` hides it: of the
        arguments of the call that made it, the one with that version and those writes since."""
        numbers = [number for number in self.graph.slices if number > newest]
        for number in sorted(numbers, reverse=True):
            for calls, first, last, saves in self.logs.slices:
                if not first <= number < last or (made := calls.maker(number)) is None:
                    continue
                for storage, version, shape in saves:
                    if (version, shape) != (message.expected, message.shape):
                        continue
                    event, order = made
                    save = Save(
                        version,
                        message.now or 0,
                        event.op,
                        event.site,
                        node="CopySlices",
                        number=number,
                    )
                    writers, gaps = self.written(save, storage, order, calls.thread)
                    if writers and not gaps:
                        return Overwrite(save, writers, gaps, shape=shape)
        return None

    def written(self, save, storage, since, thread, size=0):
        """(writers, gaps). size: how many elements the storage has."""
        mine = [w for w in self.writes.get(storage, ()) if w.order > since]
        steps, holes = chain(mine, save.expects, save.now)
        writers: list[Write] = [
            replace(wrote.told(thread, at), part=prod(wrote.shape) < size) for wrote, at in steps
        ]
        gaps = []
        for before, after, last, following in holes:
            filled = self._backwards(storage, since, before, after, last, following)
            if filled:
                writers += filled
                continue
            here = last.event.site if last else save.site
            end = following.event.site if following else self._end()
            gaps.append(Gap(before, after, here, end))
        writers.sort(key=lambda write: write.after)
        return tuple(writers), tuple(gaps)

    def _backwards(self, storage, since, before, after, last, following):
        """The backward calls that may have added into this `.grad` meanwhile, if it is one."""
        begin = max(since, last.order if last else 0)
        end = following.order if following else _FOREVER
        calls = [
            (stop, e) for b, stop, e in self.logs.backwards if b < end and (stop or end) > begin
        ]
        done = [event for stop, event in calls if stop is not None]
        calls = done or [event for _, event in calls]  # the one that raised ends here
        if not calls or len(calls) > after - before or not self._is_gradient(storage):
            return []
        steps = [*range(before, before + len(calls)), after]
        return [
            Write(event.op, a, b, site=event.site) for event, a, b in zip(calls, steps, steps[1:])
        ]

    def _is_gradient(self, storage):
        if storage is None or storage in self.graph.gradients:
            return storage is not None
        if self._gradients is None:  # of a leaf that is not in this graph
            with DisableTorchFunction():
                tensors = [t for t in gc.get_objects() if issubclass(type(t), torch.Tensor)]
                gradients = [_gradient(t) for t in tensors]
                self._gradients = frozenset(storage_of(t) for t in gradients if t is not None)
        return storage in self._gradients

    def _end(self):
        return self.logs.backwards[-1][2].site if self.logs.backwards else NOWHERE

    def of(self, tensor, storage):
        if tensor is None:
            return "weight" if storage in self.graph.leaves else ""
        if storage in self.graph.gradients:
            return "gradient"
        base = tensor._base if tensor._is_view() else tensor
        if not base.is_leaf:
            return ""
        if base.requires_grad:
            weight = isinstance(base, torch.nn.Parameter) or not self.graph.learns
            return "weight" if weight else "input"
        buffers = (buffer for module in outermost() for buffer in module.buffers())
        return "buffer" if any(storage_of(buffer) == storage for buffer in buffers) else ""

    def suspects(self, message) -> tuple[Write, ...]:
        """The latest writes that may be those that `message` tells of."""
        last = [
            wrote.told()
            for wrote in map(Wrote._make, self.logs.writes)
            if wrote.after == message.now and tuple(wrote.shape) == message.shape
        ]
        return tuple(last[-_MOST_SUSPECTS:])


def _size(tensor):
    """0 where it cannot be told."""
    try:
        return tensor.untyped_storage().nbytes() // tensor.element_size()
    except (AttributeError, NotImplementedError, RuntimeError):
        return 0


def _gradient(tensor):
    try:
        return tensor.grad if tensor.is_leaf else None
    except RuntimeError:  # a tensor that C++ left undefined
        return None


def _plain(node):
    return plain_op(node)[0].lower()
