"""Who saves a tensor for backward, who writes into its storage afterwards.

The idea: two eyes and a referee. A pack hook is called by autograd at the very moment of a
save; a function mode compares version counters around every torch call; and because hooks
switch PyTorch's own check off, the unpack hook repeats it and raises the very same error.
It notes lines and versions; what they mean is the doctor's business.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import weakref
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch.autograd.function import BackwardCFunction
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode

from overwritten.calls import LOOKS_ONLY
from overwritten.messages import Message
from overwritten.strict import Fingerprints, fingerprint, watch_inner_hooks
from overwritten.tensors import tensors_in

#: The latest writes are kept as suspects for errors whose save was not seen.
MOST_WRITES = 10_000

_node_number = torch._C._autograd._get_sequence_nr  # of the next node that autograd makes
_BACKWARD = ("backward", "grad")
_NOT_USERS = (os.path.dirname(torch.__file__) + os.sep, os.path.dirname(__file__) + os.sep)
_is_users = {}  # file name → is it the user's own?


@dataclass(frozen=True)
class Site:
    """A line of the user's own code, and the path of the module that ran ('' outside).

    via: the file of PyTorch's that this line called into, '' if it called the operation
    itself: 'optim/optimizer.py' is an optimizer's step.
    """

    file: str
    line: int
    module: str = ""
    via: str = ""


@lru_cache(MOST_WRITES)
def _site_at(file, line, module, via):
    """The same line is seen again and again; `via` comes as a whole file name."""
    return Site(file, line, module, via[len(_NOT_USERS[0]) :] if via.startswith(_NOT_USERS[0]) else "")


@dataclass(frozen=True)
class Wrote:
    """A write after a save. before, after: the version counter of the saved tensor, None for
    a write that moved no counter (found by `strict`).

    thread: the name of the thread it came from, '' for the one that saved.
    """

    op: str
    site: Site
    before: int | None
    after: int | None
    thread: str = ""


@dataclass(eq=False)
class Kept:
    """A save. op: the call that saved; version: at that moment; writes: since, in order.

    own: it saved its own result, not an input. leaf: the saved tensor is (a view of) a leaf.
    needs_gradient: it requires one. buffer: it is a buffer of a module that ran.
    unchanged: with `strict`, were the bytes the same when PyTorch refused them?
    """

    op: str
    site: Site
    version: int
    shape: tuple[int, ...]
    own: bool = False
    leaf: bool = False
    needs_gradient: bool = False
    buffer: bool = False
    thread: int = 0
    storage: int | None = None
    order: int = 0
    unchanged: bool = False
    writes: list[Wrote] = field(default_factory=list)



class _Handle:
    """What the graph holds in place of the saved tensor; autograd drops it when it is done."""

    __slots__ = (
        *("tensor", "kept", "seen", "original", "own", "view", "output", "node"),
        *("first", "print", "printed", "ticked", "__weakref__"),  # fingerprints: `strict` only
    )


class Eyes(TorchFunctionMode):
    """`with Eyes() as eyes:` around any PyTorch code. Nothing of what it computes changes.

    strict: also find saved bytes that change while no counter moves (`silent`); slow.
    writes: the latest writes as (`Wrote`, shape, storage key, number), whatever was saved.
    """

    def __init__(self, strict: bool = False):
        super().__init__()
        self._prints = Fingerprints(self._handles, self._site_of, _unticked) if strict else None
        self.writes = deque(maxlen=MOST_WRITES)
        self._order = 0
        self._held = {}  # storage → weak references to the handles on it
        self._here = threading.local()
        self._undo = []

    def __enter__(self):
        self._undo = [_watch_modules(self._here), _watch_backward(self), _watch_threads(self)]
        self._undo += [_make_way(self), _run_compiled_as_python()]
        self._hooks_on()
        super().__enter__()
        if self._prints:
            self._undo.append(watch_inner_hooks(self._prints, self._inner_save, self._writes_since))
            self._prints.start(_first_user_frame(sys._getframe(1))[0])
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
        torch._C._autograd._push_saved_tensors_default_hooks(self._pack, self._unpack)

    def _hooks_off(self):
        torch._C._autograd._pop_saved_tensors_default_hooks()

    # the first eye: who saves

    def _pack(self, tensor):
        with torch._C.DisableTorchFunction():
            op, first_node = getattr(self._here, "call", None) or ("", None)
            handle, version = _Handle(), tensor._version
            handle.tensor = tensor.detach()  # same storage, same counter, no history: no circle
            handle.kept = kept = Kept(op, self._site(), version, tuple(tensor.shape))
            handle.seen = version
            handle.original = weakref.ref(tensor)
            is_view = tensor._is_view()
            _name_producer(handle, tensor, is_view, op, first_node)
            base = tensor._base if is_view else None
            base = tensor if base is None else base
            kept.own, kept.leaf, kept.needs_gradient = handle.own, base.is_leaf, tensor.requires_grad
            kept.buffer = kept.leaf and not kept.needs_gradient and self._is_buffer(base)
            kept.thread = threading.get_ident()
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
        op = (getattr(self._here, "call", None) or ("",))[0]
        kept = Kept(op, self._site(), tensor._version, tuple(tensor.shape))
        kept.storage, kept.order = _storage_key(tensor), self._order
        return kept

    def _writes_since(self, kept):
        return [w for w, _, key, order in self.writes if key == kept.storage and order > kept.order]

    def _handles(self):
        return [handle for held in list(self._held.values()) for ref in list(held) if (handle := ref())]

    def _site(self):
        return self._site_of(sys._getframe(2))

    def _site_of(self, frame):
        frame, via = _first_user_frame(frame)
        running = getattr(self._here, "running", None)
        return _site_at(frame.f_code.co_filename, frame.f_lineno, _path(running) if running else "", via)

    # the referee

    def _unpack(self, handle):
        with torch._C.DisableTorchFunction():
            kept, now = handle.kept, handle.tensor._version
            node = torch._C._current_autograd_node()
            if not kept.op and isinstance(node, BackwardCFunction):
                kept.op = node.name().removesuffix("Backward") + ".apply"
            original = handle.original()
            if handle.node and not handle.own and original is not None and original.grad_fn is None:
                raise RuntimeError(_DETACHED)
            if now != kept.version:
                producer = _producer(handle, original, node)
                error = RuntimeError(_text(handle.tensor, producer, handle.output, now, kept.version))
                error.overwritten = kept
                if self._prints:
                    kept.unchanged = fingerprint(handle.tensor) == handle.first
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
        with torch._C.DisableTorchFunctionSubclass():  # a tensor class must not hear of our looking
            before = _versions(args, kwargs)
            if name in _BACKWARD:
                self._look_at_all()
        here = self._here
        outer = getattr(here, "call", None)
        here.call = name, _node_number()
        if self._prints:
            self._prints.last_call = name
        try:
            return func(*args, **kwargs)
        finally:
            here.call = outer
            with torch._C.DisableTorchFunctionSubclass():
                for tensor, version in before:
                    if tensor._version != version:
                        self._note(name, tensor, version)
                if name in _BACKWARD:  # AccumulateGrad writes .grad in C++
                    self._look_at_all(name)

    def _note(self, name, tensor, version):
        site = self._site()
        key = _storage_key(tensor)
        self._order += 1
        wrote = Wrote(name, site, version, tensor._version)
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
            now, kept = handle.tensor._version, handle.kept
            if name is None:
                handle.seen = now
                continue
            thread = "" if kept.thread == threading.get_ident() else threading.current_thread().name
            kept.writes.append(Wrote(name, site or self._site(), handle.seen if before is None else before, now, thread))
            handle.seen = now
            original = handle.original()
            if original is not None and not handle.view and not handle.own:
                handle.node = original.grad_fn.name() if original.grad_fn is not None else None


def _first_user_frame(frame):
    """(the innermost frame of the user's own, the file that it called into)."""
    via = ""
    while (back := frame.f_back) is not None:
        file = frame.f_code.co_filename
        is_users = _is_users.get(file)
        if is_users is None:
            is_users = _is_users[file] = not file.startswith((*_NOT_USERS, "<frozen"))
        if is_users:
            break
        via, frame = file, back
    return frame, via


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
    return Wrote(op, site, None, None)


# which operation PyTorch names after "which is output 0 of"


def _name_producer(handle, tensor, is_view, op, first_node):
    node = tensor.grad_fn
    number = node._sequence_nr() if node is not None else -1
    if op in _BACKWARD or is_view:
        made_here = node is not None and number >= _node_number() - 1 and bool(op)
    else:
        made_here = node is not None and (first_node is None or number >= first_node)
        made_here = made_here and (bool(op) or isinstance(node, BackwardCFunction))
    handle.own = made_here  # the saver's own result
    handle.view = (number if node is not None else True) if is_view else False
    handle.output = tensor.output_nr if made_here else 0
    handle.node = node.name() if node is not None else None


def _producer(handle, original, node):
    """Its five meanings are told in the facts of the course, and tested one by one."""
    if handle.own and handle.view is False:
        return node.name() if node is not None else handle.node
    if handle.own:
        latest = original.grad_fn._sequence_nr() if original is not None else -1
        if latest == handle.view or latest >= _node_number():
            return handle.node
        return "".join(part.capitalize() for part in handle.kept.op.strip("_").split("_"))
    if original is None:
        return "AsStridedBackward0" if handle.view is not False else handle.node
    return original.grad_fn.name() if original.grad_fn is not None else None


_DETACHED = (
    "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_()."
    "This is not supported, please use out-of-place `.detach()` instead"
)


def _own_words(anomaly: bool) -> tuple[str, bool]:
    """The hint as this PyTorch writes it, and whether it still says 'Backward0'."""
    with torch.autograd.set_detect_anomaly(anomaly, check_nan=False):
        x = torch.ones(1, requires_grad=True).exp()
        node = x.grad_fn
        x.detach().add_(1)
        try:
            node._saved_result
        except RuntimeError as error:
            return str(error).split(" instead.")[1], "ExpBackward0" in str(error)


(_HINT, _LONG_NAMES), (_ANOMALY_HINT, _) = _own_words(False), _own_words(True)


def _text(tensor, producer, output, now, expected) -> str:
    if producer and not _LONG_NAMES:
        producer = re.sub(r"Backward(\d*)$", lambda m: m[1].removeprefix("0"), producer)
    kind = tensor.type()
    if tensor.is_complex():
        kind = f"{tensor.device.type.upper()}{kind.removeprefix('torch.').removesuffix('Tensor')}Type"
    message = Message(
        "overwritten", kind, tuple(tensor.shape), output, node=producer, now=now, expected=expected
    )
    return message.text() + (_ANOMALY_HINT if torch.is_anomaly_enabled() else _HINT)


# where else Python code runs: in modules, inside backward, in other threads


def _watch_modules(here):
    def enter(module, args):
        try:
            here.running.append(_Running(module))
        except AttributeError:
            here.running = [_Running(module)]

    def leave(module, args, output):
        if getattr(here, "running", None):
            here.running.pop()

    handles = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave, always_call=True)]
    return lambda: [handle.remove() for handle in handles]


class _Running:
    """A module that runs, its name in the module that called it, and `_path` once asked for."""

    __slots__ = ("module", "name", "path")

    def __init__(self, module):
        self.module, self.name, self.path = module, None, None


def _path(running) -> str:
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


def _watch_backward(eyes):
    engine = torch.autograd._engine_run_backward

    def watched(*args, **kwargs):  # hooks and custom Functions run Python in there
        TorchFunctionMode.__enter__(eyes)
        try:
            return engine(*args, **kwargs)
        finally:
            TorchFunctionMode.__exit__(eyes, None, None, None)

    torch.autograd._engine_run_backward = watched
    return lambda: setattr(torch.autograd, "_engine_run_backward", engine)


def _watch_threads(eyes):
    """Modes and hooks are thread-local: threads begun meanwhile put them on as well."""
    run = threading.Thread.run

    def watched(thread):
        TorchFunctionMode.__enter__(eyes)
        eyes._hooks_on()
        try:
            return run(thread)
        finally:
            eyes._hooks_off()
            TorchFunctionMode.__exit__(eyes, None, None, None)

    threading.Thread.run = watched
    return lambda: setattr(threading.Thread, "run", run)


def _run_compiled_as_python():
    """What torch.compile made earlier runs as plain Python meanwhile; inside it we are blind."""
    if "torch._dynamo" not in sys.modules:
        return lambda: None
    stance = torch.compiler.set_stance("force_eager")
    stance.__enter__()
    return lambda: stance.__exit__(None, None, None)


def _make_way(eyes):
    """torch.func.grad, vjp and jacrev forbid any hook while they run: ours step aside.

    Saves in there are not seen; PyTorch's own check works, and the suspects are named.
    On a PyTorch without `_top_saved_tensors_default_hooks` (2.6) they stay, and it refuses.
    """
    forbid = torch.autograd.graph.disable_saved_tensors_hooks
    top = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", lambda ignore_tracing: None)

    @contextlib.contextmanager
    def watched(message):
        hooks = top(True)
        ours = hooks is not None and hooks[0] == eyes._pack
        if ours:
            eyes._hooks_off()
        try:
            with forbid(message):
                yield
        finally:
            if ours:
                eyes._hooks_on()

    torch.autograd.graph.disable_saved_tensors_hooks = watched
    return lambda: setattr(torch.autograd.graph, "disable_saved_tensors_hooks", forbid)
