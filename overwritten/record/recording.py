"""What a recording holds: executed lines, the calls in them, the world after each.

The idea: plain data, no tensor inside, so a recording can outlive what it saw.
The recorder fills it; pictures and the doctor read it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from overwritten.messages import Message
from overwritten.record.events import Save, Write
from overwritten.record.tensors import StorageState, TensorState


@dataclass(frozen=True)
class Call:
    """One torch call. read: letters of the storages handed in. scratch: bytes that it
    took from PyTorch's CPU allocator and gave back before it returned (None: not measured).
    """

    op: str
    read: tuple[str, ...]
    writes: tuple[Write, ...]
    scratch: int | None


@dataclass(frozen=True)
class Step:
    """One executed line and the world after it. Step 0 is the world before the first.

    line: 1-based in `Recording.lines`, 0 for the start. born, freed: (letter, bytes) of
    the storages that came and went in this line, temporaries in both.
    live: bytes after the line, of every storage that a name reached, a call was given or
    returned, or `saved` lists; peak: at the highest point during the line, with the scratch
    of a call where that is more than a Python number needs (24 bytes).
    unseen: letters of storages whose kept cells changed though no counter moved.
    resized: (letter, bytes before, bytes after).
    saved: what the histories of the named tensors keep for backward (`record` only).
    error: how it ended, '' if well; message: the same taken apart, None if it is not PyTorch's.
    """

    index: int
    line: int
    text: str
    storages: tuple[StorageState, ...] = ()
    tensors: tuple[TensorState, ...] = ()
    calls: tuple[Call, ...] = ()
    born: tuple[tuple[str, int], ...] = ()
    freed: tuple[tuple[str, int], ...] = ()
    live: int = 0
    peak: int = 0
    unseen: tuple[str, ...] = ()
    resized: tuple[tuple[str, int, int], ...] = ()
    saved: tuple[Save, ...] = ()
    error: str = ""
    message: Message | None = None

    @property
    def writes(self) -> tuple[Write, ...]:
        return tuple(write for call in self.calls for write in call.writes)

    @property
    def scratch(self) -> int:
        """The largest amount any one call of this line took and gave back, in bytes."""
        return max((call.scratch or 0 for call in self.calls), default=0)

    def tensor(self, name: str) -> TensorState:
        """The tensor of that name after this line; KeyError names those there are."""
        for tensor in self.tensors:
            if tensor.name == name:
                return tensor
        raise KeyError(f"no tensor {name!r} here; there are {[t.name for t in self.tensors]}")

    def storage(self, letter: str) -> StorageState:
        """The storage of that letter, alive after this line (else KeyError)."""
        return {s.letter: s for s in self.storages}[letter]


@dataclass(repr=False)
class Recording:
    """What a piece of code did, line by line; `film(recording)` shows it.

    lines: its source. steps: see `Step`. ran: how many lines ran in all.
    later_peak: the most bytes alive after the last kept step, 0 if none was left out.
    error: how it ended, '' if well; message: the same taken apart, None if it is not PyTorch's.
    note: a sentence where the recording is not whole.
    diagnosis: the doctor's, where the block ended with an overwritten tensor; else the first of
    `all`, or None. all: every diagnosis of the block, of errors that were caught in it, too.
    silent: with strict, saves whose bytes changed while no counter moved.
    healed: with heal, the faults: each has `found`, who saved and who wrote, and `effects`.
    gradients: {"x.grad": nested list of its numbers, exact} at the end (`record` only).
    """

    lines: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    ran: int = 0
    later_peak: int = 0
    error: str = ""
    message: Message | None = None
    note: str = ""
    diagnosis: Any = None
    silent: list = field(default_factory=list)
    healed: list = field(default_factory=list)
    gradients: dict = field(default_factory=dict)

    def __repr__(self):
        end = f", ended with {self.error}" if self.error else ""
        ran = f"{self.ran} executed lines, peak {self.peak:,} B{end}"
        return f"<Recording of {ran}; film(recording) shows it>"

    @property
    def peak(self) -> int:
        """The most bytes alive at any moment, counted as in `Step.live`."""
        return max([self.later_peak, *(step.peak for step in self.steps)])
