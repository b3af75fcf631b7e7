"""The eye that sees every torch call of a thread: what it read, wrote and returned.

The idea: a TorchFunctionMode stands around each call and compares the version counters of
its arguments before and after. A TorchDispatchMode would be slower, and any active one
silently stops `_foreach_` operations from moving their counters (facts measured on 2.13).
"""

from __future__ import annotations

from torch.overrides import TorchFunctionMode

from overwritten.record.events import Write
from overwritten.record.private import DisableTorchFunctionSubclass
from overwritten.record.recording import Call
from overwritten.record.scratch import NUMBER_BYTES, with_scratch
from overwritten.record.tensors import tensors_in, version_of

#: Calls that only look at a tensor's label, never at its bytes.
LOOKS_ONLY = frozenset(
    "__get__ __len__ __hash__ __repr__ __format__ __dir__ dim ndimension size stride numel "
    "nelement is_floating_point is_complex is_contiguous is_pinned is_signed is_shared "
    "storage_offset element_size untyped_storage storage data_ptr get_device "
    "__reduce_ex__ register_hook retain_grad".split()
)


class Calls(TorchFunctionMode):
    """calls: a `Call` for each torch call that touched bytes since the list was last emptied.

    full: nothing more is noted, but the ledger goes on counting bytes.
    """

    def __init__(self, ledger, scratch: bool):
        super().__init__()
        self.ledger, self._scratch = ledger, scratch
        self.calls: list[Call] = []
        self.full = False

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs, see = kwargs or {}, self.ledger.see_bytes
        name = getattr(func, "__name__", str(func))
        if name in LOOKS_ONLY:
            return func(*args, **kwargs)
        given = list({id(t): t for t in tensors_in([args, kwargs])}.values())
        with DisableTorchFunctionSubclass():  # a tensor class must not hear of our looking
            before = [(see(t, old=True), version_of(t)) for t in given]
        if self._scratch and not self.full:
            result, scratch = with_scratch(func, args, kwargs)
        else:
            result, scratch = func(*args, **kwargs), None
        with DisableTorchFunctionSubclass():
            made = [see(tensor) for tensor in tensors_in(result)]
            if scratch and scratch > NUMBER_BYTES:
                self.ledger.peak = max(self.ledger.peak, self.ledger.bytes + scratch)
            if not self.full:
                self._note(name, given, before, made, kwargs, scratch)
        return result

    def _note(self, name, given, before, made, kwargs, scratch):
        after = [(self.ledger.see_bytes(t), version_of(t)) for t in given]
        writes = [
            Write(name, old, new, letter or grown)
            for (letter, old), (grown, new) in zip(before, after)
            if (letter or grown) and new != old
        ]
        outs = {id(t) for t in tensors_in(kwargs.get("out"))}
        read = [letter for t, (letter, _) in zip(given, before) if letter and id(t) not in outs]
        if read or writes or scratch or any(made):
            self.calls.append(Call(name, tuple(dict.fromkeys(read)), tuple(writes), scratch))
