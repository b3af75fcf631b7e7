"""PyTorch's own op database, entry by entry, as small programs that need no op database.

The idea: take the structure of a sample (which tensors, which numbers) and make tensors of the
same shapes and ranges with plain PyTorch; keep the text only if it computes what the entry's
own callable computes. It measures nothing; `tools/atlas.py` does.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from itertools import islice

import torch
from torch.nn import functional as F

#: So many samples of an entry are looked at; a tensor of more numbers than TYPED is drawn, not
#: typed out; one of more than LARGEST is not used.
SAMPLES, TYPED, LARGEST = 200, 40, 9000
#: Numbers are written with so many decimals.
DIGITS = 3
NAMES = {"torch": torch, "F": F}


@dataclass(frozen=True)
class Experiment:
    """start: code that makes the tensors. name: the expression. inputs: those that can be written.

    in_place: (form, its out-of-place line), or None.
    """

    start: str
    name: str
    inputs: tuple[str, ...]
    in_place: tuple[str, str] | None


class NoProgram(Exception):
    """Why an entry of the op database cannot be written as a program of ours."""


def label(entry) -> str:
    return " ".join(filter(None, [entry.name, entry.variant_test_name]))


def experiment(entry) -> Experiment:
    """The program of one entry: of its first samples the one that tells most. Raises NoProgram."""
    dtype = next(
        (d for d in (torch.float32, torch.float64, torch.complex64) if d in entry.dtypes), None
    )
    if dtype is None:
        raise NoProgram("it takes neither real nor complex floating numbers")
    reasons, best = [], None
    samples = entry.sample_inputs("cpu", dtype, requires_grad=entry.supports_autograd)
    for sample in islice(samples, SAMPLES):
        for typed in (False, True):
            try:
                score, found = _Program(entry, sample, typed).build()
            except NoProgram as reason:
                reasons.append(str(reason))
                continue
            if best is None or score > best[0]:
                best = score, found
            break
        if best and best[0] == _BEST:
            break
    if best is None:
        raise NoProgram(reasons[0] if reasons else "it has no sample")
    return best[1]


#: Has a gradient that is not all zero; x has more than one number.
_BEST = (True, True, True)


class _Program:
    """One sample as text. typed: floating numbers are typed out, not drawn."""

    def __init__(self, entry, sample, typed):
        self.entry, self.typed, self.lines, self.inputs, self.leaves, self.tensors = (
            entry,
            typed,
            [],
            [],
            [],
            [],
        )
        self.values = [sample.input, *sample.args]
        self.words = [self._word(value) for value in self.values]
        self.options = {name: self._word(value) for name, value in sample.kwargs.items()}
        self.keywords = sample.kwargs
        if not self.inputs:
            raise NoProgram("it takes no tensor of floating numbers")

    def build(self):
        start = "\n".join(self.lines)
        made = _run(start)
        wanted = self._wanted(made)
        for name in self._spellings():
            try:
                found = _run(f"torch.manual_seed(42)\ny = {name}", dict(made))["y"]
            except Exception:
                continue
            if _same(found, wanted):
                break
        else:
            raise NoProgram("op_db reaches it through a function of its own")
        pick, result = _tensor_of(found)
        name += pick
        return self._judged(start, name, result), Experiment(
            start, name, tuple(self.inputs), self._in_place(start, name, result)
        )

    def _wanted(self, made):
        """What the entry's own callable makes of our tensors."""
        tensors = iter(self.tensors)
        args, options = (
            _replaced(values, tensors, made) for values in (self.values, self.keywords)
        )
        torch.manual_seed(42)  # as op_db's own wrapper of random operations
        try:
            return self.entry.op(*args, **options)
        except Exception as error:
            raise NoProgram(f"its sample does not run: {type(error).__name__}") from error

    def _judged(self, start, name, result):
        """How much this program tells: a tuple that can be compared."""
        if not torch.isfinite(result).all():
            raise NoProgram("its result is not finite for values of our own")
        many = _run(start)[self.inputs[0]].numel() > 1
        if not result.requires_grad:
            return False, False, many
        made = _run(f"{start}\ny = {name}\ny.backward(torch.ones_like(y))")
        found = [made[leaf].grad for leaf in self.leaves if made[leaf].grad is not None]
        if not all(torch.isfinite(g).all() for g in found):
            raise NoProgram("its gradient is not finite for values of our own")
        return True, any(g.abs().sum() > 0 for g in found), many

    def _in_place(self, start, name, result):
        """The in-place form on x, if there is one and it computes the same as `name`."""
        made = _run(start)
        if (
            "x" not in made
            or self.words[:1] != ["x"]
            or made["x"].shape != result.shape
            or made["x"].dtype != result.dtype
        ):
            return None
        forms = []
        if variant := getattr(self.entry.inplace_variant, "__name__", ""):
            forms.append(f"x.{variant}({_call(self.words[1:], self.options)})")
        if self.entry.name.startswith("nn.functional.") and "inplace" in _parameters(
            self.entry.name
        ):
            call = _call(self.words, self.options | {"inplace": "True"})
            forms.append(f"F.{self.entry.name.split('.')[-1]}({call})")
        for form in forms:
            try:
                found = _run(f"{start}\ntorch.manual_seed(42)\n{form}")["x"]
            except Exception:
                continue
            if _equal(found, result):
                return form, f"x = {name}"
        return None

    def _spellings(self):
        """Texts that may be the entry's callable."""
        name, words = self.entry.name, self.words
        call, rest = _call(words, self.options), _call(words[1:], self.options)
        if name.startswith("nn.functional."):
            yield f"F.{name.removeprefix('nn.functional.')}({call})"
        path = name.removeprefix("torch.")
        if name == "__getitem__":
            yield f"{words[0]}[{words[1]}]"
        yield f"torch.{path}({call})"
        yield f"{words[0]}.{path}({rest})"
        yield f"{words[0]}.{path}"
        yield f"torch.ops.{self.entry.op}({call})"
        if len(words) > 1:  # some wrappers take the first two the other way round
            yield f"torch.{path}({_call([words[1], words[0], *words[2:]], self.options)})"
            yield f"torch.{path}({_call([*words[1:], words[0]], self.options)})"

    def _word(self, value):
        """A value as text; a tensor gets a name and a line that makes it."""
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, (list, tuple)):
            words = [self._word(one) for one in value]
            return (
                f"[{', '.join(words)}]"
                if isinstance(value, list)
                else f"({', '.join(words)}{',' if len(words) == 1 else ''})"
            )
        if isinstance(value, slice):
            return f"slice({value.start}, {value.stop}, {value.step})"
        if isinstance(value, float) and not abs(value) < float("inf"):
            return f'float("{value}")'
        if type(value) is float:
            return repr(round(value, DIGITS))
        if value is None or isinstance(
            value, (bool, int, complex, str, torch.dtype, torch.memory_format, type(...))
        ):
            return "..." if value is ... else repr(value)
        if isinstance(value, torch.device):
            return repr(str(value))
        raise NoProgram(f"its sample holds a {type(value).__name__}")

    def _tensor(self, value):
        if value.layout is not torch.strided or value.device.type != "cpu":
            raise NoProgram("its sample holds a tensor that is not strided")
        if value.numel() == 0:
            raise NoProgram("its sample holds an empty tensor")
        if value.numel() > LARGEST:
            raise NoProgram("its sample holds a large tensor")
        floating = value.is_floating_point() or value.is_complex()
        code = self._drawn(value.detach()) if floating else _plain(value)
        if not (floating and value.requires_grad):
            name = f"c{len(self.tensors) or ''}"
            self.lines.append(f"{name} = {code}")
            self.inputs += [name] * floating
        else:
            number = len(self.leaves)
            leaf, name = (
                (("a", "x"), ("b", "w"))[number]
                if number < 2
                else (f"a{number + 1}", f"x{number + 1}")
            )
            self.leaves.append(leaf)
            self.lines += [f"{leaf} = {code}", f"{name} = {leaf}.requires_grad_() * 1"]
            self.inputs.append(name)
        self.tensors.append(name)
        return name

    def _drawn(self, value):
        """Code for floating numbers like these: the same shape, dtype and range."""
        shape = ", ".join(map(str, value.shape)) or "()"
        if value.is_complex():
            return f"torch.complex(torch.randn({shape}), torch.randn({shape}))"
        if value.dtype is not torch.get_default_dtype():
            raise NoProgram(f"its sample holds a tensor of {value.dtype}")
        if self.typed:
            if value.numel() > TYPED:
                raise NoProgram("it needs special values, and more than fit into a line")
            return f"torch.tensor({_rounded(value.tolist())})"
        low, high = value.min(), value.max()
        if low < -1:
            return f"torch.randn({shape})"
        if low < 0:
            return f"torch.rand({shape}) * 2 - 1" if high > 0 else f"-torch.rand({shape})"
        return f"torch.rand({shape})" + (" + 1" if low >= 1 else " + 0.1" if high > 1 else "")


def _plain(value):
    """Whole numbers and truth values, typed out if they are few."""
    dtype = "" if value.dtype in (torch.int64, torch.bool) else f", dtype={value.dtype}"
    if value.numel() <= TYPED:
        return f"torch.tensor({value.tolist()}{dtype})"
    shape = tuple(value.shape)
    if value.dtype is torch.bool:
        return f"torch.rand{shape} > 0.5"
    return f"torch.randint({value.min()}, {value.max() + 1}, {shape}{dtype})"


def _rounded(numbers):
    return (
        [_rounded(one) for one in numbers] if isinstance(numbers, list) else round(numbers, DIGITS)
    )


def _call(words, options):
    return ", ".join([*words, *(f"{name}={word}" for name, word in options.items())])


def _parameters(name):
    try:
        return inspect.signature(getattr(F, name.split(".")[-1])).parameters
    except (TypeError, ValueError):
        return ()


def _replaced(value, names, made):
    """`value` with each tensor replaced by the next one of ours."""
    if isinstance(value, torch.Tensor):
        return made[next(names)]
    if isinstance(value, (list, tuple)):
        return type(value)(_replaced(one, names, made) for one in value)
    if isinstance(value, dict):
        return {key: _replaced(one, names, made) for key, one in value.items()}
    return round(value, DIGITS) if type(value) is float else value


def _run(code, names=None):
    names = dict(NAMES) if names is None else names
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        exec(code, names)
    return names


def _same(one, other):
    """Are these the same tensors (or tuples of them, or other values)?"""
    if isinstance(other, torch.Tensor):
        alike = (
            isinstance(one, torch.Tensor)
            and one.shape == other.shape
            and one.dtype == other.dtype
            and one.layout == other.layout
        )
        return alike and (other.layout is not torch.strided or _equal(one, other))
    if isinstance(other, (list, tuple)):
        return (
            isinstance(one, (list, tuple))
            and len(one) == len(other)
            and all(map(_same, one, other))
        )
    return type(one) is type(other) and one == other


def _equal(one, other):
    """Number by number; NaN equals NaN."""
    return bool(((one == other) | ((one != one) & (other != other))).all())


def _tensor_of(result):
    """(index as text, tensor): the first result that has a gradient, else the first tensor."""
    if isinstance(result, torch.Tensor):
        results = [("", result)]
    elif isinstance(result, (list, tuple)):
        results = [(f"[{i}]", one) for i, one in enumerate(result) if isinstance(one, torch.Tensor)]
    else:
        results = []
    if not results:
        raise NoProgram("its result is no tensor")
    pick, tensor = next((both for both in results if both[1].requires_grad), results[0])
    if tensor.layout is not torch.strided:
        raise NoProgram("its result is a tensor that is not strided")
    return pick, tensor
