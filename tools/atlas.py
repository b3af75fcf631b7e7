"""Write the op atlas: `overwritten/atlas/*.csv`, measured on the torch in use.

The course's own expressions and every entry of PyTorch's op database become small programs, and
all go through the one experiment of `overwritten.atlas.measure`. An entry that hangs or dies costs
itself only; what has no row is listed with the reason.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import warnings
from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import torch

from overwritten.atlas import measure
from overwritten.atlas import rows as atlas
from overwritten.atlas.rows import InPlace, LeftOut, Operation

LIMIT = 60  # seconds for one entry

#: The course's own expressions: each makes a result from x, and w, c, … where it uses them.
OPERATIONS = """
x + w | x + 1 | x - w | -x | x * 2 | x * c | x * w | x / 2 | x / w | 1 / x | x ** 2 | 2 ** x
x.exp() | x.log() | x.sqrt() | x.rsqrt() | x.sin() | x.cos() | x.tan() | x.abs() | x.erf()
x.floor() | x.sigmoid() | x.tanh() | F.relu(x) | F.relu6(x) | F.leaky_relu(x) | F.elu(x)
F.selu(x) | F.gelu(x) | F.silu(x) | F.mish(x) | F.hardtanh(x) | F.hardsigmoid(x) | F.hardswish(x)
F.softplus(x) | F.logsigmoid(x) | F.softmax(x, 1) | F.log_softmax(x, 1) | F.dropout(x)
x.clamp(-1, 1) | torch.maximum(x, w) | torch.where(mask, x, w) | x.masked_fill(mask, 0) | x[mask]
x.gather(1, index) | x[:, 0] | x.t() | x.reshape(6) | x.clone() | torch.cat([x, w])
torch.stack([x, w]) | x.flip(0) | x.sum() | x.mean() | x.var() | x.norm() | x.prod() | x.max()
x.max(1).values | x.amax(1) | x.sort().values | x.cumsum(1) | x.cumprod(1) | x.logsumexp(1)
x @ w.t() | F.linear(x, w) | torch.outer(x[0], w[0]) | F.layer_norm(x, (3,))
F.batch_norm(x, None, None, training=True) | F.normalize(x) | F.conv1d(x, w.t()[:, :, None])
F.max_pool1d(x, 2) | F.avg_pool1d(x, 2) | F.mse_loss(x, c) | F.l1_loss(x, c)
F.cross_entropy(x, label) | F.cosine_similarity(x, w) | torch.cdist(x, w) | torch.kron(x, w)
torch.lerp(x, w, 0.3)
"""

#: The course's own in-place forms of x, each with the out-of-place line that computes the same.
IN_PLACE = """
x.add_(1): x = x + 1
x.add_(w): x = x + w
x += c: x = x + c
x.mul_(2): x = x * 2
x.mul_(c): x = x * c
x.mul_(w): x = x * w
x.div_(2): x = x / 2
x.div_(w): x = x / w
x.pow_(2): x = x ** 2
x.square_(): x = x.square()
x **= 2: x = x ** 2
x.exp_(): x = x.exp()
x.log_(): x = x.log()
x.sqrt_(): x = x.sqrt()
x.rsqrt_(): x = x.rsqrt()
x.reciprocal_(): x = x.reciprocal()
x.sin_(): x = x.sin()
x.cos_(): x = x.cos()
x.abs_(): x = x.abs()
x.neg_(): x = -x
x.erf_(): x = x.erf()
x.floor_(): x = x.floor()
x.clamp_(-1, 1): x = x.clamp(-1, 1)
x.sigmoid_(): x = x.sigmoid()
x.tanh_(): x = x.tanh()
F.relu(x, inplace=True): x = F.relu(x)
F.relu6(x, inplace=True): x = F.relu6(x)
F.leaky_relu(x, inplace=True): x = F.leaky_relu(x)
F.leaky_relu(x, -0.1, inplace=True): x = F.leaky_relu(x, -0.1)
F.elu(x, inplace=True): x = F.elu(x)
F.elu(x, -1.0, inplace=True): x = F.elu(x, -1.0)
F.selu(x, inplace=True): x = F.selu(x)
F.celu(x, inplace=True): x = F.celu(x)
F.rrelu(x, training=True, inplace=True): x = F.rrelu(x, training=True)
F.silu(x, inplace=True): x = F.silu(x)
F.mish(x, inplace=True): x = F.mish(x)
F.hardtanh(x, inplace=True): x = F.hardtanh(x)
F.hardswish(x, inplace=True): x = F.hardswish(x)
F.hardsigmoid(x, inplace=True): x = F.hardsigmoid(x)
F.threshold(x, 0.1, 0.0, inplace=True): x = F.threshold(x, 0.1, 0.0)
F.dropout(x, inplace=True): x = F.dropout(x)
torch.ops.aten.gelu_(x): x = F.gelu(x)
x.masked_fill_(mask, 0): x = x.masked_fill(mask, 0)
x[mask] = 0: x = torch.where(mask, 0.0, x)
x[0] = 0: x = torch.cat([torch.zeros(1, 3), x[1:]])
x.copy_(w): x = x * 0 + w
x.fill_(3): x = x * 0 + 3
x.zero_(): x = x * 0
x.addcmul_(w, c): x = x + w * c
x.lerp_(w, 0.3): x = x.lerp(w, 0.3)
x.cumsum_(1): x = x.cumsum(1)
x.index_add_(0, order, c): x = x.index_add(0, order, c)
x[:1].mul_(2): x = torch.cat([x[:1] * 2, x[1:]])
x[:1].mul_(w[:1]): x = torch.cat([x[:1] * w[:1], x[1:]])
"""


def course() -> list[tuple]:
    """The course's own rows: (expression, None) or (in-place form, its out-of-place line)."""
    names = [part.strip() for line in OPERATIONS.strip().splitlines() for part in line.split("|")]
    forms = [line.split(": ", 1) for line in IN_PLACE.strip().splitlines()]
    return [(name, None) for name in names] + [tuple(form) for form in forms]


def measured_course(name, twin) -> list:
    """The rows of one of the course's own expressions, or of one in-place form."""
    if twin is None:
        given = [one for one in ("x", "w", "c") if one in compile(name, "", "exec").co_names]
        start = measure.usual_start(name)
        return [measure.operation(name, one, start) for one in given]
    return [measure.in_place_form(name, twin, measure.usual_start(name))]


def measured_entry(position) -> list:
    """The rows of one entry of the op database, or why it has none."""
    from torch.testing._internal.common_methods_invocations import op_db

    from op_db import NoProgram, experiment, label

    entry = op_db[position]
    op = label(entry)
    try:
        found = experiment(entry)
        rows = [
            measure.operation(found.name, one, found.start, op=op, course=False)
            for one in found.inputs
        ]
        if found.in_place:
            rows.append(measure.in_place_form(*found.in_place, found.start, op=op, course=False))
        return rows
    except NoProgram as reason:
        return [LeftOut(torch.__version__, op, str(reason))]


def again(row) -> list:
    """The same experiment on the torch in use."""
    if isinstance(row, Operation):
        return [measure.operation(row.name, row.input, row.start, op=row.op, course=row.course)]
    return [measure.in_place_form(row.name, row.twin, row.start, op=row.op, course=row.course)]


def measured(jobs) -> list:
    """The rows of all jobs (function, name, *arguments); one that takes over LIMIT is stopped."""
    rows, waiting = [], list(jobs)
    context = multiprocessing.get_context("fork")
    while waiting:
        here, there = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(there, waiting))
        process.start()
        there.close()
        failed = ""
        while waiting and not failed:
            name = waiting.pop(0)[1]
            try:
                failed = "" if here.poll(LIMIT) else f"it takes more than {LIMIT} s"
                rows += [LeftOut(torch.__version__, name, failed)] if failed else here.recv()
            except EOFError:
                failed = "it ends the process"
                rows.append(LeftOut(torch.__version__, name, failed))
        process.kill()  # the rest goes to the next one
        process.join()
    return rows


def _work(there, jobs):
    warnings.simplefilter("ignore")
    for function, name, *arguments in jobs:
        try:
            there.send(function(*arguments))
        except Exception as error:
            first = (str(error).strip().splitlines() or [""])[0]
            there.send([LeftOut(torch.__version__, name, f"{type(error).__name__}: {first[:120]}")])


def derive() -> list:
    """All rows, from the course's list and the op database of the torch in use."""
    from torch.testing._internal.common_methods_invocations import op_db

    from op_db import label

    jobs = [(measured_course, name, name, twin) for name, twin in course()]
    jobs += [(measured_entry, label(entry), position) for position, entry in enumerate(op_db)]
    return measured(jobs)


def unique(rows) -> list:
    """One row for each program: an entry whose program the course has gives that row its name."""
    kept, starts = {}, {}
    for row in rows:
        if isinstance(row, LeftOut):
            kept[row] = row
            continue
        key = type(row), row.name, getattr(row, "input", "")
        start = starts.setdefault(key[:2], row.start)
        if key not in kept and start == row.start:
            kept[key] = row
        elif key in kept and not kept[key].op:
            kept[key] = replace(kept[key], op=row.op)
        elif key in kept and kept[key].op != row.op:
            left = LeftOut(row.torch, row.op, f"it is written as {kept[key].op}")
            kept[left] = left
    return list(kept.values())


def table(here, there) -> list[str]:
    """What differs between two measurements, given their rows: the lines of a Markdown table."""
    names = [rows[0].torch if rows else "nothing" for rows in (here, there)]
    lines = [f"| row | {names[0]} | {names[1]} |", "|---|---|---|"]
    for name, changes in groupby(atlas.differences(here, there), key=lambda change: change[0]):
        changes = list(changes)
        sides = (
            "; ".join(f"{what}: {change[side] or 'no derivative'}" for _, what, *change in changes)
            for side in (0, 1)
        )
        lines.append(" | ".join([f"| `{name}`", *sides]) + " |")
    return lines


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="no op database: run the programs of the committed atlas again",
    )
    parser.add_argument(
        "--into",
        type=Path,
        default=atlas.FOLDER,
        help="folder of the written files (default: the package)",
    )
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="FOLDER",
        help="measure nothing: print where the rows in FOLDER differ from the committed ones",
    )
    options = parser.parse_args(arguments)
    if options.compare:
        here, there = (
            [row for kind in (Operation, InPlace) for row in atlas.rows(kind, folder)]
            for folder in (atlas.FOLDER, options.compare)
        )
        print("\n".join(table(here, there)))
        return 0
    sys.path.insert(0, str(Path(__file__).parent))
    torch.set_num_threads(1)
    if options.again:
        rows = measured(
            (again, row.name, row) for kind in (Operation, InPlace) for row in atlas.rows(kind)
        )
    else:
        rows = unique(derive())
    rows += measure.node_classes()
    options.into.mkdir(parents=True, exist_ok=True)
    for kind in atlas.FILES:
        atlas.write([row for row in rows if type(row) is kind], kind, options.into)
    count = Counter(type(row).__name__ for row in rows)
    covered = {row.op for row in rows if row.__class__ is Operation and row.op}
    entries = f"{len(covered)} entries of the op database have rows"
    print(f"torch {torch.__version__}: {dict(count)}; {entries}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
