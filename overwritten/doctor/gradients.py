"""The gradients of a run, short enough to keep, and whether another run has the same: `--check`.

The idea: of each gradient its shape, its length, a sum over its bytes and a few random projections
are kept. Equal sums are equal bits; else the projections tell how far two gradients lie apart.
Only the first backwards of the first process are kept; no generator of the program's is used.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import math
import threading
from collections import defaultdict

import torch

from overwritten.doctor.effects import flat, name_of, names_of_leaves
from overwritten.doctor.stretches import dense
from overwritten.record.graph import nodes
from overwritten.record.private import DisableTorchFunction, disable_current_modes

#: So many backwards are kept, and so many projections of each gradient.
MOST, PROJECTIONS = 100, 8
#: Two gradients are the same to rounding if they lie no further apart, as a part of their length.
CLOSE = 1e-5


class Gradients:
    """Of the run that is watched. kept: for each backward its gradients, by leaf. ran: how many
    backwards there were."""

    def __init__(self):
        self.kept: list[list[dict]] = []
        self.ran = 0
        self._here = threading.local()
        self._signs = torch.Generator()

    def backward_begins(self, roots, inputs):
        here = self._here
        here.depth = getattr(here, "depth", 0) + 1
        if here.depth == 1 and len(self.kept) < MOST:
            with DisableTorchFunction():
                here.leaves = list(inputs) or [
                    node.variable for node in list(nodes(roots)) if hasattr(node, "variable")
                ]

    def backward_ended(self, inputs, results):
        """results: of `torch.autograd.grad`, the gradients of `inputs`; None where it failed."""
        here = self._here
        here.depth -= 1
        if here.depth or results is None:
            return
        self.ran += 1
        if len(self.kept) < MOST:
            with DisableTorchFunction(), disable_current_modes(), torch.no_grad():
                known = any(isinstance(one, torch.Tensor) for one in results)
                found = results if known else [leaf.grad for leaf in here.leaves]
                names = names_of_leaves()
                pairs = [(leaf, g) for leaf, g in zip(here.leaves, found) if g is not None]
                self.kept.append([self._told(name_of(leaf, g, names), g) for leaf, g in pairs])
        here.leaves = []

    def _told(self, name, gradient):
        whole = gradient.detach().to_dense() if gradient.layout is not torch.strided else gradient
        whole = dense(whole)
        size = whole.numel() * whole.itemsize
        bytes_ = ctypes.string_at(whole.data_ptr(), size) if size else b""
        numbers = flat(whole)
        seeded = self._signs.manual_seed(numbers.numel())
        signs = torch.randint(0, 2, numbers.shape, generator=seeded)
        mixed = numbers * (signs * 2 - 1)
        parts = [float(mixed[k::PROJECTIONS].sum()) for k in range(PROJECTIONS)]
        return {
            "name": name,
            "shape": list(gradient.shape),
            "norm": float(numbers.norm()),
            "sha": hashlib.sha256(bytes_).hexdigest()[:16],
            "projections": parts,
        }

    def as_dict(self) -> dict:
        """For the report."""
        return {"torch": torch.__version__, "backwards": self.ran, "kept": self.kept}


def read(path: str) -> dict:
    """The gradients in the report of a healed run. Raises ValueError with a sentence."""
    try:
        with open(path, encoding="utf8") as report:
            found = json.load(report)["gradients"]
        for one in (one for kept in found["kept"] for one in kept):
            one["name"], one["shape"], one["norm"], one["sha"], one["projections"][PROJECTIONS - 1]
        found["torch"], found["backwards"]
    except OSError as error:
        raise ValueError(f"{path!r} cannot be read: {error.strerror}.") from None
    except (ValueError, LookupError, TypeError):
        raise ValueError(
            f"{path!r} is no report of a healed run: make one with `--heal --json {path}`."
        ) from None
    return found


def compare(known: dict, now: dict, healed: bool) -> str:
    """A sentence: has this run the gradients of the report? healed: this run, too."""
    mine, whose = now["kept"], "the healed run" if not healed else "the healed run before"
    if not now["backwards"] or not known["backwards"]:
        which = "this run" if not now["backwards"] else "the report's"
        return f"no gradient was compared: {which} had no backward in its first process."
    if healed and known["backwards"] == now["backwards"] and known["kept"] == mine:
        return (
            f"the program is deterministic: {_count(mine)}, equal to those of {whose} bit for bit."
        )
    worst = 0.0
    for number, (old, new) in enumerate(zip(known["kept"], mine), 1):
        old, new = _by_leaf(old), _by_leaf(new)
        if old.keys() != new.keys():
            return (
                f"the report is of another program: backward {number} there reaches "
                f"{_leaves(old.keys() - new.keys())}, here {_leaves(new.keys() - old.keys())}."
            )
        for leaf in old:
            off = _off(old[leaf], new[leaf])
            if not off <= CLOSE:
                return _differs(known, now, healed, number, leaf[0], off)
            worst = max(worst, off)
    if known["backwards"] != now["backwards"]:
        return (
            f"the report is of another program or another run: it has {known['backwards']} "
            f"backwards, this run {now['backwards']}; those that both have are equal{_to(worst)}."
        )
    return f"{_count(mine)}, equal to those of {whose}{_to(worst) or ' bit for bit'}."


def _differs(known, now, healed, number, name, off):
    how = (
        "not finite in one of them" if not math.isfinite(off) else f"off by {off:.2g} of its length"
    )
    torch_ = ""
    if known["torch"] != now["torch"]:
        torch_ = f" (the report is from torch {known['torch']}, this is {now['torch']})"
    if healed:
        return (
            f"the program is not deterministic: in backward {number} the gradient of {name} is "
            f"{how}{torch_}; fix its seeds, or --check tells nothing."
        )
    return (
        f"the gradients are not those of the healed run: backward {number} is the first, the "
        f"gradient of {name} is {how}{torch_}; is the program deterministic? "
        "`--heal --check` tells."
    )


def _off(old, new):
    """How far apart, as a part of the length; 0 for equal bits."""
    if old["sha"] == new["sha"]:
        return 0.0
    gap = math.sqrt(sum((a - b) ** 2 for a, b in zip(old["projections"], new["projections"])))
    return gap / max(old["norm"], new["norm"]) if gap else 0.0


def _by_leaf(gradients):
    """(name, shape, which of those) → the gradient; leaves without a name go by their length."""
    found, alike = {}, defaultdict(int)
    for one in sorted(gradients, key=lambda one: one["norm"]):
        leaf = one["name"], tuple(one["shape"])
        alike[leaf] += 1
        found[(*leaf, alike[leaf])] = one
    return found


def _leaves(leaves):
    if not leaves:
        return "nothing else"
    named = sorted(f"{name} {shape}" for name, shape, _ in leaves)
    return ", ".join(named[:2]) + (f" and {len(named) - 2} more" if len(named) > 2 else "")


def _count(kept):
    gradients = sum(map(len, kept))
    return f"{gradients} gradients of {len(kept)} backward{'s' * (len(kept) > 1)}"


def _to(worst):
    return f" to within {CLOSE:g}" if worst else ""
