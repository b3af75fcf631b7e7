"""Would the gradient have been wrong, and by how much? Told while the healed backward runs.

The idea: beside the true gradient runs what each fault would have added to it. A node that uses an
overwritten save, or is given such a difference, runs once more with both; what comes out
otherwise goes on to the next nodes, down to the leaves. No node runs that did not run before.
A Function of the user's own does not run twice, and a hook on a gradient is not called twice:
what lies behind is not measured. Faults that come up while backward runs are not either.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

import torch
from torch.autograd.function import BackwardCFunction

from overwritten.doctor.modules import outermost
from overwritten.doctor.stretches import same
from overwritten.record.graph import nodes
from overwritten.record.private import DisableTorchFunction, disable_current_modes

#: A difference below this part of the gradient is rounding.
ROUNDING = 1e-6
HOOK = "a hook on a gradient"
_MOST_HOOKED = 100_000


@dataclass(frozen=True)
class Effect:
    """What the gradient of a leaf would have been: so many times as long, so many degrees away,
    and how far off: gap, as a part of its length: off."""

    ratio: float
    angle: float
    gap: float
    off: float


class Effects:
    """Of one backward at a time. here: what runs in this thread: `running`, for each node the
    faults that it used, and `again`, the fault that a node runs once more with."""

    def __init__(self):
        self.here = _Here()
        self._busy = threading.Lock()
        self._hooked: set[int] = set()
        self._ways: dict[tuple, dict] = {}  # (node, input) → {fault: difference, or behind whom}
        self._handles: list[Any] = []
        self._asked: set[tuple] = set()
        self._names: dict[int, str] = {}

    def begin(self, roots, inputs) -> bool:
        """Follow the backward from `roots` to `inputs` (empty: to the leaves), unless another
        thread's is followed."""
        if not self._busy.acquire(blocking=False):
            return False
        try:
            self._names = names_of_leaves()
            self._asked = {_edge(tensor) for tensor in inputs}
            for node in list(nodes(roots)):
                self._handles.append(node.register_prehook(self._before))
                self._handles.append(node.register_hook(self._after_of(node)))
        except BaseException:
            self.end((), None)
            raise
        return True

    def end(self, inputs, results):
        """After it. results: the gradients of `inputs`, None where backward failed."""
        for handle in self._handles:
            handle.remove()
        for tensor, true in zip(inputs, results or ()):
            for fault, way in self._ways.get(_edge(tensor), {}).items():
                self._note(fault, tensor, true, way)
        self._ways, self._handles, self._asked = {}, [], set()
        self.here.running.clear()
        self._busy.release()

    def hook_on(self, number: int):
        """A hook may change the gradient that this node is given."""
        if len(self._hooked) > _MOST_HOOKED:
            self._hooked.clear()
        self._hooked.add(number)

    def used(self, fault):
        """A node that runs has taken out a save with this fault."""
        if self.here.running:
            self.here.running[-1].add(fault)

    def _before(self, gradients):
        self.here.running.append(set())

    def _after_of(self, node):
        def after(results, gradients):
            if self.here.again is not None or not self.here.running:
                return
            used = self.here.running.pop()
            edges = [(node, k) for k in range(len(gradients))]
            ways = [
                self._ways.get(e) if e in self._asked else self._ways.pop(e, None) for e in edges
            ]
            faults = used.union(*(way for way in ways if way))
            if not faults:
                return
            with DisableTorchFunction(), disable_current_modes(), torch.no_grad():
                for fault in faults:
                    fault.measured = True
                    known = [(way or {}).get(fault) for way in ways]
                    try:
                        self._go_on(node, fault, results, gradients, known)
                    except Exception:  # the program goes on
                        fault.behind.add(node.name())

        return after

    def _go_on(self, node, fault, results, gradients, ways):
        leaf = getattr(node, "variable", None)
        behind = next((way for way in ways if isinstance(way, str)), "")
        if (
            _has_hooks(leaf)
            or leaf is None
            and node._sequence_nr() in self._hooked
            and any(way is not None for way in ways)
        ):
            behind = behind or HOOK
        if leaf is not None:
            self._note(fault, leaf, gradients[0], behind or ways[0])
            return
        if isinstance(node, BackwardCFunction):
            behind = behind or node.name().removesuffix("Backward")
        would = [behind] * len(results) if behind else self._again(node, fault, gradients, ways)
        for edge, true, other in zip(node.next_functions, results, would):
            if edge[0] is None:
                continue
            if not isinstance(other, str):
                other = _as_taken(other, edge)
                if _same(true, other):
                    continue
                other = _minus(other, true)
            self._add(edge, fault, other)

    def _again(self, node, fault, gradients, ways):
        """What the node gives with the fault, a list; its name where it cannot be asked."""
        self.here.again = fault
        try:
            would = node(*(_plus(g, way) for g, way in zip(gradients, ways)))
        except Exception:
            return [node.name()] * len(node.next_functions)
        finally:
            self.here.again = None
        return would if isinstance(would, tuple) else (would,)

    def _add(self, edge, fault, way):
        ways = self._ways.setdefault(edge, {})
        known = ways.get(fault)
        if not isinstance(known, str):
            ways[fault] = way if isinstance(way, str) else _plus(known, way)

    def _note(self, fault, leaf, true, way):
        """What this leaf's gradient would have been, the worst of all times."""
        if way is None:
            return
        if isinstance(way, str):
            fault.behind.add(way)
            return
        effect, name = _effect(true, way), name_of(leaf, way, self._names)
        known = fault.effects.get(name)
        if not effect.off < ROUNDING and (known is None or not effect.off <= known.off):
            fault.effects[name] = effect


class _Here(threading.local):
    def __init__(self):
        self.running: list[set] = []
        self.again = None


def _edge(tensor):
    if not isinstance(tensor, torch.Tensor):  # it is one already
        return tensor.node, tensor.output_nr
    edge = torch.autograd.graph.get_gradient_edge(tensor)
    return edge.node, edge.output_nr


def _has_hooks(leaf):
    return leaf is not None and bool(leaf._backward_hooks)


def _as_taken(gradient, edge):
    """As the engine hands it on: summed where the forward has broadcast."""
    if gradient is None:
        return None
    node, k = edge
    takes = node._input_metadata[k]
    return gradient.sum_to_size(takes.shape).to(takes.dtype)


def _plus(one, other):
    if one is None or other is None:
        return one if other is None else other
    return one + other


def _minus(one, other):
    if one is None or other is None:
        return one if other is None else -other
    alike = (one == other) | (one.isnan() & other.isnan()) if one.layout is torch.strided else None
    return one - other if alike is None else (one - other).masked_fill_(alike, 0)


def _same(one, other):
    if one is None or other is None:
        return one is other
    return one.layout is other.layout is torch.strided and same(one, other)


def _effect(true, way) -> Effect:
    way = flat(way)
    true = torch.zeros_like(way) if true is None else flat(true)
    true, way = true[true.isfinite()], way[true.isfinite()]
    would = true + way
    length, longer = float(true.norm()), float(would.norm())
    gap = float(way.norm())
    if not length or not longer:
        return Effect(
            longer / length if length else math.inf, 0.0, gap, 1.0 if length else math.inf
        )
    cosine = float(true.dot(would)) / length / longer
    angle = math.degrees(math.acos(max(-1.0, min(1.0, cosine)))) if cosine == cosine else math.nan
    return Effect(longer / length, angle, gap, gap / length)


def flat(tensor: torch.Tensor) -> torch.Tensor:
    """[n] of float64; of complex numbers both parts."""
    tensor = tensor.detach().to_dense() if tensor.layout is not torch.strided else tensor.detach()
    tensor = torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor
    return tensor.double().flatten()


def names_of_leaves() -> dict[int, str]:
    """id → 'Net.fc.weight' of the parameters of modules that ran; the largest knows best.

    A layer that was called alone says its shape, too: 'Linear.weight (3, 4)'.
    """
    names: dict[int, str] = {}
    for module in sorted(outermost(), key=lambda one: -len(list(one.modules()))):
        alone = next(module.children(), None) is None
        for name, parameter in module.named_parameters():
            shape = f" {tuple(parameter.shape)}" if alone else ""
            names.setdefault(id(parameter), f"{type(module).__name__}.{name}{shape}")
    return names


def name_of(leaf, gradient: torch.Tensor, names: dict[int, str]) -> str:
    """As a parameter of a module that ran, else 'a tensor of shape (3, 4)'."""
    return names.get(id(leaf)) or f"a tensor of shape {tuple(gradient.shape)}"
