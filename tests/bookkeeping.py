"""Random snippets and what they must do to memory, worked out without PyTorch.

Own model: a storage is a size and a letter, a tensor is (storage, offset, shape, strides,
counter), a name points at a tensor. A storage lives while a name reaches it.
"""

import itertools
import random
from dataclasses import dataclass, field

from overwritten.record.ledger import letter_of

ITEM = 4  # bytes of a float32


@dataclass(eq=False)
class Bytes:
    letter: str
    nbytes: int


@dataclass(eq=False)
class Tensor:
    storage: Bytes
    offset: int
    shape: tuple
    strides: tuple
    counter: list = field(default_factory=lambda: [0])  # shared by views, as a one-element list


@dataclass
class Line:
    """The world after one line: {name: (letter, offset, shape, strides, version)} and bytes."""

    tensors: dict
    storages: dict
    live: int
    peak: int
    freed: list
    writes: list


def contiguous(shape):
    strides, step = [], 1
    for size in reversed(shape):
        strides.insert(0, step)
        step *= size
    return tuple(strides)


class World:
    """Runs one line at a time in the model and writes down the lines' Python text."""

    def __init__(self, seed):
        self.random, self.names, self.code, self.lines = random.Random(seed), {}, [], []
        self.letters = itertools.count()

    def run(self, length):
        for _ in range(length):
            self.before, self.temporaries, self.writes = self.alive(), [], []
            self.high = sum(s.nbytes for s in self.before)
            choices = [self.make]
            if self.names:
                choices += [
                    self.alias,
                    self.view,
                    self.view,
                    self.out_of_place,
                    self.chain,
                    self.write,
                    self.write,
                ]
                choices += [
                    self.write_part,
                    self.detach,
                    self.data,
                    self.clone,
                    self.delete,
                    self.masked,
                ]
            self.random.choice(choices)()
            self.note()
        return self

    def alive(self):
        return list({id(t.storage): t.storage for t in self.names.values()}.values())

    def note(self):
        now = self.alive()
        live = sum(s.nbytes for s in now)
        gone = [s.letter for s in [*self.before, *self.temporaries] if s not in now]
        self.lines.append(
            Line(
                {
                    n: (t.storage.letter, t.offset, t.shape, t.strides, t.counter[0])
                    for n, t in self.names.items()
                },
                {s.letter: s.nbytes for s in now},
                live,
                max(self.high, live),
                sorted(gone),
                self.writes,
            )
        )

    # the pieces: pick, allocate, bind

    def pick(self):
        return self.random.choice(sorted(self.names))

    def fresh_name(self):
        return self.random.choice("abcdefg")

    def allocate(self, shape, held=0):
        size = ITEM
        for n in shape:
            size *= n
        storage = Bytes(letter_of(next(self.letters)), size)
        self.temporaries.append(storage)
        self.high = max(self.high, sum(s.nbytes for s in self.before) + held + size)
        return Tensor(storage, 0, shape, contiguous(shape))

    def bind(self, name, tensor, text):
        self.names[name] = tensor
        self.code.append(text)

    # the lines

    def make(self):
        name, shape = self.fresh_name(), self.random.choice([(3,), (6,), (2, 3), (4, 2)])
        self.bind(name, self.allocate(shape), f"{name} = torch.zeros{shape}")

    def alias(self):
        new, old = self.fresh_name(), self.pick()
        self.bind(new, self.names[old], f"{new} = {old}")

    def view(self):
        new, old = self.fresh_name(), self.pick()
        t = self.names[old]
        if len(t.shape) == 2 and self.random.random() < 0.5:
            tensor = Tensor(t.storage, t.offset, t.shape[::-1], t.strides[::-1], t.counter)
            self.bind(new, tensor, f"{new} = {old}.t()")
        else:
            start = self.random.randrange(max(t.shape[0] - 1, 1))
            shape = (t.shape[0] - start, *t.shape[1:])
            tensor = Tensor(t.storage, t.offset + start * t.strides[0], shape, t.strides, t.counter)
            self.bind(new, tensor, f"{new} = {old}[{start}:]")

    def result_of(self, t):
        """An elementwise result keeps the order of a dense transposed operand."""
        tensor = self.allocate(t.shape)
        if len(t.shape) == 2 and t.strides[0] < t.strides[1] and t.shape[0] > 1:
            tensor.strides = (1, t.shape[0])
        return tensor

    def out_of_place(self):
        new, old = self.fresh_name(), self.pick()
        self.bind(new, self.result_of(self.names[old]), f"{new} = {old} + 1")

    def clone(self):
        new, old = self.fresh_name(), self.pick()
        t = self.names[old]
        dense = sorted(zip(t.strides, t.shape))
        step, is_dense = 1, True
        for stride, size in dense:
            is_dense &= size == 1 or stride == step
            step *= size
        tensor = self.allocate(t.shape)
        if is_dense:
            tensor.strides = t.strides
        self.bind(new, tensor, f"{new} = {old}.clone()")

    def chain(self):
        new, old = self.fresh_name(), self.pick()
        first = self.result_of(self.names[old])
        second = self.allocate(first.shape, held=first.storage.nbytes)
        second.strides = first.strides
        self.bind(new, second, f"{new} = ({old} * 2) + 1")

    def write(self):
        old = self.pick()
        t = self.names[old]
        t.counter[0] += 1
        self.writes.append(t.storage.letter)
        self.code.append(self.random.choice([f"{old} += 1", f"{old}.mul_(2)", f"{old}.zero_()"]))

    def write_part(self):
        old = self.pick()
        t = self.names[old]
        t.counter[0] += 1
        self.writes.append(t.storage.letter)
        self.code.append(f"{old}[0:1] = 3")

    def masked(self):
        old = self.pick()
        t = self.names[old]
        elements = 1
        for n in t.shape:
            elements *= n
        mask = Bytes(letter_of(next(self.letters)), elements)  # a bool is one byte
        self.temporaries.append(mask)
        self.high = max(self.high, sum(s.nbytes for s in self.before) + mask.nbytes)
        t.counter[0] += 1
        self.writes.append(t.storage.letter)
        self.code.append(f"{old}[{old} > 1] = 0")

    def detach(self):
        new, old = self.fresh_name(), self.pick()
        t = self.names[old]
        self.bind(
            new,
            Tensor(t.storage, t.offset, t.shape, t.strides, t.counter),
            f"{new} = {old}.detach()",
        )

    def data(self):
        new, old = self.fresh_name(), self.pick()
        t = self.names[old]
        self.bind(new, Tensor(t.storage, t.offset, t.shape, t.strides), f"{new} = {old}.data")

    def delete(self):
        old = self.pick()
        del self.names[old]
        self.code.append(f"del {old}")
