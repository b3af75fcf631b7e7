"""Who saves a tensor for backward, who writes into its storage afterwards.

The idea: two eyes and a referee. A pack hook is called by autograd at the very moment of a
save; a function mode compares version counters around every torch call; and because hooks
switch PyTorch's own check off, the unpack hook repeats it and raises the very same error.
It notes lines and versions; what they mean is the doctor's business.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections import deque
from dataclasses import replace
from typing import Any

import torch
from torch.autograd.function import BackwardCFunction
from torch.overrides import TorchFunctionMode

from overwritten.doctor.elsewhere import (
    make_way,
    run_compiled_as_python,
    watch_backward,
    watch_threads,
)
from overwritten.doctor.places import first_user_frame, path_of, site_at, watch_modules
from overwritten.doctor.refusal import (
    BACKWARD,
    DETACHED,
    name_producer,
    producer_of,
    text,
)
from overwritten.doctor.strict import Fingerprints, fingerprint, watch_inner_hooks
from overwritten.record.calls import LOOKS_ONLY
from overwritten.record.events import Overwrite, Save, Write
from overwritten.record.private import (
    DisableTorchFunction,
    DisableTorchFunctionSubclass,
    current_node,
    next_node,
    pop_hooks,
    push_hooks,
)
from overwritten.record.tensors import tensors_in

#: The latest writes are kept as suspects for errors whose save was not seen.
MOST_WRITES = 10_000


class _Handle:
    """What the graph holds in place of the saved tensor; autograd drops it when it is done."""

    __slots__ = (
        *("tensor", "save", "writes", "seen", "original", "own", "view", "output", "node"),
        *("shape", "thread", "needs_gradient", "__weakref__"),
        *("first", "print", "printed", "ticked"),  # fingerprints: `strict` only
    )


class Eyes(TorchFunctionMode):
    """`with Eyes() as eyes:` around any PyTorch code. Nothing of what it computes changes.

    strict: also find saved bytes that change while no counter moves (`silent`); slow.
    writes: the latest writes as (`Write`, shape, storage key, number), whatever was saved.
    """

    def __init__(self, strict: bool = False):
        super().__init__()
        self._prints = Fingerprints(self._handles, self._site_of, _unticked) if strict else None
        self.writes: deque[tuple] = deque(maxlen=MOST_WRITES)
        self._order = 0
        self._held: dict[int | None, set] = {}  # storage → weak references to the handles on it
        self._here = threading.local()
        self._undo: list = []

    def __enter__(self):
        self._undo = [watch_modules(self._here), watch_backward(self), watch_threads(self)]
        self._undo += [make_way(self), run_compiled_as_python()]
        self._hooks_on()
        super().__enter__()
        if self._prints:
            self._undo.append(watch_inner_hooks(self._prints, self._inner_save))
            self._prints.start(first_user_frame(sys._getframe(1))[0])
        return self

    @property
    def silent(self) -> list:
        """Saves whose bytes backward used after they had changed (`strict` only)."""
        return self._prints.silent if self._prints else []

    def __exit__(self, kind, error, traceback):
        if self._prints:
            self._prints.stop()
        super().__exit__(kind, error, traceback)
        self._hooks_off()
        for undo in reversed(self._undo):
            undo()

    def _hooks_on(self):
        push_hooks(self._pack, self._unpack)

    def _hooks_off(self):
        pop_hooks()

    # the first eye: who saves

    def _pack(self, tensor):
        with DisableTorchFunction():
            op, first_node = getattr(self._here, "call", None) or ("", None)
            handle, version = _Handle(), tensor._version
            # a leaf itself, for `w.data = …` may rebind it; else the same storage and counter
            # without a history: no circle
            handle.tensor = tensor if tensor.is_leaf else tensor.detach()
            handle.seen, handle.shape = version, tuple(tensor.shape)
            handle.original = weakref.ref(tensor)
            is_view = tensor._is_view()
            name_producer(handle, tensor, is_view, op, first_node)
            base = tensor._base if is_view else None
            base = tensor if base is None else base
            of = ""
            if base.is_leaf and tensor.requires_grad:
                of = "weight"
            elif base.is_leaf and self._is_buffer(base):
                of = "buffer"
            handle.save = Save(version, version, op, self._site(), handle.own, of)
            handle.writes, handle.thread = [], threading.get_ident()
            handle.needs_gradient = tensor.requires_grad
            if self._prints:
                self._prints.saved(handle)
            key = _storage_key(tensor)
            held = self._held.setdefault(key, set())
            held.add(weakref.ref(handle, held.discard))
            return handle

    def _is_buffer(self, tensor):
        running = getattr(self._here, "running", None) or ()
        return any(buffer is tensor for run in running for buffer in run.module._buffers.values())

    def _inner_save(self, tensor):
        """A save that is not ours, and a function that gives the writes to its storage since."""
        op = (getattr(self._here, "call", None) or ("",))[0]
        storage, begun = _storage_key(tensor), self._order

        def writes():
            return [w for w, _, key, order in self.writes if key == storage and order > begun]

        return Save(tensor._version, tensor._version, op, self._site()), writes

    def _handles(self):
        return [
            handle for held in list(self._held.values()) for ref in list(held) if (handle := ref())
        ]

    def _site(self):
        return self._site_of(sys._getframe(2))

    def _site_of(self, frame):
        frame, via = first_user_frame(frame)
        running = getattr(self._here, "running", None)
        return site_at(
            frame.f_code.co_filename, frame.f_lineno, path_of(running) if running else "", via
        )

    # the referee

    def _unpack(self, handle):
        with DisableTorchFunction():
            now = handle.tensor._version
            node = current_node()
            if not handle.save.op and isinstance(node, BackwardCFunction):
                op = node.name().removesuffix("Backward") + ".apply"
                handle.save = replace(handle.save, op=op)
            original = handle.original()
            if handle.node and not handle.own and original is not None and original.grad_fn is None:
                raise RuntimeError(DETACHED)
            if now != handle.save.expects:
                save = replace(handle.save, now=now)
                producer = producer_of(handle, original, node)
                error: Any = RuntimeError(
                    text(handle.tensor, handle.shape, producer, handle.output, now, save.expects)
                )
                unchanged = bool(self._prints) and fingerprint(handle.tensor) == handle.first
                error.overwritten = Overwrite(save, tuple(handle.writes), unchanged)
                raise error
            if self._prints:
                self._prints.used(handle, node)
        return handle.tensor

    # the second eye: who writes

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name = func.__name__
        if name in LOOKS_ONLY:
            return func(*args, **kwargs)
        with DisableTorchFunctionSubclass():  # a tensor class must not hear of our looking
            before = _versions(args, kwargs)
            if name in BACKWARD:
                self._look_at_all()
        here = self._here
        outer = getattr(here, "call", None)
        here.call = name, next_node()
        if self._prints:
            self._prints.last_call = name
        try:
            return func(*args, **kwargs)
        finally:
            here.call = outer
            with DisableTorchFunctionSubclass():
                for tensor, version in before:
                    if tensor._version != version:
                        self._note(name, tensor, version)
                if name in BACKWARD:  # AccumulateGrad writes .grad in C++
                    self._look_at_all(name)

    def _note(self, name, tensor, version):
        site = self._site()
        key = _storage_key(tensor)
        self._order += 1
        wrote = Write(name, version, tensor._version, site=site)
        self.writes.append((wrote, tuple(tensor.shape), key, self._order))
        held = self._held.get(key)
        if held:
            self._look(name, site, held, version)

    def _look_at_all(self, name=None):
        """After a call into C++: what it wrote. Before it (no name): forget what nobody saw."""
        for held in list(self._held.values()):
            if held:
                self._look(name, None, held)
        self._held = {key: held for key, held in self._held.items() if held}

    def _look(self, name, site, held, before=None):
        for handle in [ref() for ref in list(held)]:
            if handle is None or handle.tensor._version == handle.seen:
                continue
            now = handle.tensor._version
            if name is None:
                handle.seen = now
                continue
            here = handle.thread == threading.get_ident()
            handle.writes.append(
                Write(
                    name,
                    handle.seen if before is None else before,
                    now,
                    site=site or self._site(),
                    thread="" if here else threading.current_thread().name,
                )
            )
            handle.seen = now
            original = handle.original()
            if original is not None and not handle.own:  # PyTorch kept this very tensor
                handle.shape = tuple(original.shape)
                if not handle.view:
                    handle.node = original.grad_fn.name() if original.grad_fn is not None else None


def _versions(args, kwargs):
    """[(tensor, version)] as `tensors_in([args, kwargs])` finds them, without generators."""
    before = []
    for value in (*args, *kwargs.values()) if kwargs else args:
        if isinstance(value, torch.Tensor):
            if not value.is_inference():
                before.append((value, value._version))
        elif isinstance(value, (list, tuple, dict)):
            before += [(t, t._version) for t in tensors_in(value, 1) if not t.is_inference()]
    return before


def _storage_key(tensor):
    try:
        return tensor.untyped_storage()._cdata
    except (NotImplementedError, RuntimeError):  # sparse, or wrapped by a transform
        return None


def _unticked(op, site):
    return Write(op, None, None, site=site)
