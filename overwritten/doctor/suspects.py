"""Whom an error text about an overwritten tensor points to, as far as the text alone tells.

The idea: a table of suspects, each with how likely it is for a message and the node that it
names. Equally likely ones the text cannot tell apart. What is known of a node stands in `named.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from overwritten.doctor.named import TRANSPOSED, Node, like_a_kernel, numbers_of
from overwritten.messages import Message


class Suspect(NamedTuple):
    """name. groups: of the patterns that show it. likely: function(message, node) → 0 for no, or how
    likely; equal numbers are what the text cannot tell apart. says: a sentence. saved, wrote: of it,
    in a few words, who did so.
    """

    name: str
    groups: tuple[str, ...]
    likely: Callable[[Any, Any], Any]
    says: str
    saved: str
    wrote: str


def suspects(m: Message, n: Node | None) -> list[tuple[int, Suspect]]:
    """(how likely, suspect) of those that come into question, the likeliest first."""
    likely = [(int(one.likely(m, n) or 0), one) for one in SUSPECTS]
    return sorted((pair for pair in likely if pair[0]), key=lambda pair: -pair[0])


def _whole(m):
    return any(word in numbers_of(m) for word in ("integers", "truth"))


def _parameter(m, n):
    """Layers fill their weights once, so these begin at version 1, mostly."""
    if n or _whole(m):
        return 0
    if len(m.shape) == 1:
        return 0 if m.expected else 2
    return (
        (3 if like_a_kernel(m) else 1 + (len(m.shape) == 2)) if m.expected else 1 + like_a_kernel(m)
    )


def _data(m, n):
    """A batch or a target is mostly new: nobody wrote it before the save."""
    if n or _whole(m) or m.expected and (len(m.shape) < 3 or like_a_kernel(m)):
        return 0
    return 1 if m.expected or not m.shape else 2


def _buffer(m, n):
    return (
        0
        if n or _whole(m) or len(m.shape) == 1 and m.expected
        else 1 + (len(m.shape) == 2 and m.expected > 0)
    )


def _saver(m, n):
    return n and n.saves and not (n.in_place and not m.expected) and 3


def _writer(m, n):
    if not (n and n.writes) or n.part or n.saves or n.op in TRANSPOSED or n.old:
        return 0
    return 1 if n.view else 3


def _maker(m, n):
    if not n or not n.known or n.view or n.part or n.saves or n.old is False:
        return 0
    return 3 if n.old else 2 * bool(n.writes)


SUSPECTS = (
    Suspect(
        "whole numbers",
        ("whole numbers",),
        lambda m, n: n is None and _whole(m),
        "Labels, an index or a mask that a loss or a lookup saved. Look for a write into it after that line.",
        saved="a loss or a lookup",
        wrote="a write into the labels, the index or the mask after that line",
    ),
    Suspect(
        "norm",
        ("buffer", "parameter"),
        lambda m, n: n is None and not _whole(m) and len(m.shape) == 1 and m.expected > 0,
        "A norm's vector, one number for each channel: its running mean or variance, written by the next forward "
        "(DistributedDataParallel copies buffers before each one), or its weight, written by an optimizer's `step()`. "
        "The text cannot tell which: does it go away without DDP?",
        saved="a norm: its running mean, its variance or its weight",
        wrote="the next forward, or an optimizer's `step()`",
    ),
    Suspect(
        "parameter",
        ("parameter",),
        _parameter,
        "A parameter, written between a forward and the backward that needs it: an optimizer's `step()`, "
        "a copy into it, an `Embedding` with `max_norm`.",
        saved="a layer, its parameter",
        wrote="an optimizer's `step()`, a copy into it, or `max_norm`",
    ),
    Suspect(
        "data",
        ("data",),
        _data,
        "Data without a gradient: a batch, a target of floats, a mask of numbers, that a layer or the loss had saved "
        "and that were changed afterwards (scaled, masked, or filled with the next ones).",
        saved="a layer or the loss, which read the batch, target or mask",
        wrote="a line after that which scales, masks or refills it",
    ),
    Suspect(
        "buffer",
        ("buffer",),
        _buffer,
        "A buffer that a second forward wrote: running statistics, a cache, or any buffer under DistributedDataParallel.",
        saved="the forward that read the buffer",
        wrote="a second forward",
    ),
    Suspect(
        "linear weight",
        ("linear weight",),
        lambda m, n: n and n.op in TRANSPOSED and len(m.shape) == 2 and (3 if m.expected else 2),
        "The weight of a `Linear`, saved as its transpose (so its own shape is {turned}), and written by "
        "an optimizer's `step()` between a forward and the backward that needs it.",
        saved="a `Linear`, its weight as a transpose",
        wrote="an optimizer's `step()` before that backward",
    ),
    Suspect(
        "slice",
        ("slice",),
        lambda m, n: n and n.view and 2,
        "A slice of a tensor that is filled in place, or another view: one part was read and saved, then a part was written. "
        "All parts share one counter.",
        saved="an operation that read one part of the tensor, or a view of it",
        wrote="a write into another part or another view",
    ),
    Suspect(
        "parts",
        ("parts",),
        lambda m, n: n and n.part,
        "`x[…] = …` is the last recorded write, so it is a writer. The saver is an operation before it that "
        "took x as its input, or made it.",
        saved="an operation before the write that took x as its input, or made it",
        wrote="`x[…] = …`",
    ),
    Suspect(
        "own result",
        ("own result",),
        _saver,
        "{op} is the saver: it saved its own result. The writer is not named, it comes after it: look for `+=`, `x[…] = …`, "
        "an activation or Dropout with `inplace=True`, `squeeze_` on what {op} returned or on a view of it.",
        saved="{op}, its own result",
        wrote="a line after it, not named: `+=`, `x[…] = …`, `inplace=True` or `squeeze_` on that result or a view of it",
    ),
    Suspect(
        "in place",
        ("writer",),
        lambda m, n: n and n.saves and n.in_place and not m.expected and 3,
        "{op} works in place here (`{writes}`), and its own save would be at version 1 or more: so it is the writer. "
        "The saver is an operation before it that took the tensor as its input: a convolution, a Linear, `*`, `**`, a norm.",
        saved="an operation before {op} that took the tensor as its input",
        wrote="{op} in place (`{writes}`)",
    ),
    Suspect(
        "perhaps in place",
        ("writer",),
        lambda m, n: (
            n and n.saves and n.writes and not n.in_place and not n.old and not m.expected and 2
        ),
        "If {op} works in place in your code (`{writes}`, `inplace=True`), then it is the writer: its own save would "
        "be at version 1 or more, and 0 is expected. The saver is then an operation before it that took the tensor as its input.",
        saved="an operation before {op} that took the tensor as its input",
        wrote="{op} in place (`{writes}`)",
    ),
    Suspect(
        "written before",
        ("writer",),
        lambda m, n: n and n.saves and n.writes and not n.old and m.expected > 0,
        "Or {op} in place (`{writes}`) is the last recorded write, and an operation before it had saved the tensor as its input.",
        saved="an operation before {op} that took the tensor as its input",
        wrote="{op} in place (`{writes}`)",
    ),
    Suspect(
        "writer",
        ("writer",),
        _writer,
        "{op} in place (`{writes}`) is the last recorded write, so it is a writer. The saver is an operation before "
        "it that took the tensor as its input: a convolution, a Linear, `*`, `**`, a norm.",
        saved="an operation before it that took the tensor as its input",
        wrote="{op} in place (`{writes}`)",
    ),
    Suspect(
        "maker",
        ("writer", "parts"),
        _maker,
        "With torch 1.9 or older the name is the maker's: {op} made the tensor, another operation saved it as its input, "
        "and a later write is not named: look for `+=`, `x[…] = …` or `inplace=True` on it.",
        saved="an operation that took what {op} made as its input",
        wrote="a later write, not named",
    ),
    Suspect(
        "unrecorded",
        ("unrecorded",),
        lambda m, n: n and n.known and not (n.view or n.saves or n.part or n.old),
        "{op} made the tensor, another operation saved it as its input, and the write was not recorded: "
        "under `no_grad` or through `detach()`.",
        saved="an operation that took what {op} made as its input",
        wrote="a write under `no_grad` or through `detach()`",
    ),
    Suspect(
        "compiled",
        ("linear weight", "own result"),
        lambda m, n: n and n.op == "CompiledFunction",
        "A graph that `torch.compile` made: which operation saved cannot be read off. Run once with the environment "
        "variable TORCH_COMPILE_DISABLE=1, and read that message.",
        saved="a graph that `torch.compile` made",
        wrote="a line that the text does not name",
    ),
    Suspect(
        "DataParallel",
        ("parameter", "linear weight"),
        lambda m, n: n and n.op == "Broadcast",
        "A weight, as `DataParallel` copied it to a GPU: written by an optimizer's `step()` between a forward and the "
        "backward that needs it.",
        saved="a layer, `DataParallel`'s copy of its weight",
        wrote="an optimizer's `step()` before that backward",
    ),
    Suspect(
        "custom Function",
        ("custom Function",),
        lambda m, n: n and not n.known and n.op not in ("CompiledFunction", "Broadcast"),
        "{op} is no operation of PyTorch's own: an autograd Function. It saved its result, or it made the "
        "tensor and another operation saved it.",
        saved="{op}, or an operation that took what it made as its input",
        wrote="a line that the text does not name",
    ),
)
