"""Lesson 9."""

from answers import but
from answers.unconventional import body, inside, respelled, spelled
from answers.unconventional.clinic import LINES
from overwritten.lesson.exercises.silent_gradients import two_lines, verdicts

_f = body("model, batches, optimizer")
_LOSS = "model({}).square().mean()"
_FROM = "torch.from_numpy(batch)"


def _each(text, start="", end="optimizer.step()"):
    return _f(f"{start or 'optimizer.zero_grad()'}\n{inside('for batch in batches:', text)}\n{end}")


def _listed(rows, total="sum(losses)"):
    end = f"optimizer.zero_grad()\n{total}.backward()\noptimizer.step()"
    return _each(f"losses.append({_LOSS.format(rows)})", "losses = []", end)


_BUFFER = "import numpy\nbuffer = numpy.empty((4, 3), dtype='float32')\nlosses = []"


def _buffered(rows, write="buffer[:] = batch"):
    end = "optimizer.zero_grad()\nsum(losses).backward()\noptimizer.step()"
    return _each(f"{write}\nlosses.append({_LOSS.format(rows)})", _BUFFER, end)


RIGHT = {
    "verdicts": spelled(verdicts),
    "two_lines": {what: respelled(two_lines, how) for what, how in LINES.items()},
    "one_step": {
        "the buffer copied": _buffered("torch.from_numpy(buffer.copy())"),
        "the buffer cloned": _buffered("torch.from_numpy(buffer).clone()"),
        "torch.tensor": _buffered("torch.tensor(buffer)"),
        "no buffer": _listed(_FROM),
        "as_tensor": _listed("torch.as_tensor(batch)"),
        "stacked": _listed(_FROM, "torch.stack(losses).sum()"),
        "backward each": _each(f"{_LOSS.format(_FROM)}.backward()"),
        "backward each, buffer": _each(
            f"buffer[:] = batch\n{_LOSS.format('torch.from_numpy(buffer)')}.backward()",
            f"{_BUFFER}\noptimizer.zero_grad()",
        ),
        "one batch of all": _f(
            "import numpy\nrows = torch.from_numpy(numpy.concatenate(batches))\n"
            "optimizer.zero_grad()\n(model(rows).square().mean() * len(batches)).backward()\noptimizer.step()"
        ),
        "autograd.grad": _f(
            f"losses = [{_LOSS.format(_FROM)} for batch in batches]\n"
            "ps = list(model.parameters())\n"
            "for p, g in zip(ps, torch.autograd.grad(sum(losses), ps)): p.grad = g\noptimizer.step()"
        ),
    },
}
WRONG = {
    "verdicts": {
        **{
            f"{name} {word}": (but(verdicts, {name: word}), f"for {name!r}: ")
            for name, word in zip(
                "abcdefghi", "right raises wrong right right raises raises wrong right".split()
            )
        },
        "another word": (but(verdicts, {"a": "silent"}), "silent"),
    },
    "two_lines": {
        f"{saver} and {writer}": (
            but(two_lines, {"saver": saver, "writer": writer}),
            {5: "writes into no saved", 6: "writes into no saved", 9: "the saver runs first"}.get(
                saver, "saves nothing that is overwritten"
            ),
        )
        for saver, writer in (
            *((3, 9), (4, 9), (8, 9), (9, 5), (10, 9)),
            *((5, 8), (6, 10), (5, 12), (6, 4), (12, 9)),
        )
    },
    "one_step": {
        "the buffer": (_buffered("torch.from_numpy(buffer)"), "last batch"),
        "detached": (_buffered("torch.from_numpy(buffer).detach()"), "last batch"),
        "a view": (_buffered("torch.from_numpy(buffer).view(4, 3)"), "last batch"),
        "copied too late": (
            _each(
                f"buffer[:] = batch\nlosses.append({_LOSS.format('torch.from_numpy(buffer)')})\nbuffer = buffer.copy() if len(losses) > 99 else buffer",
                _BUFFER,
                "optimizer.zero_grad()\nsum(losses).backward()\noptimizer.step()",
            ),
            "last batch",
        ),
        "a step each": (
            _each(
                f"optimizer.zero_grad()\n{_LOSS.format(_FROM)}.backward()\noptimizer.step()",
                end="pass",
            ),
            "after each batch",
        ),
        "zeroed in the loop": (
            _each(f"optimizer.zero_grad()\n{_LOSS.format(_FROM)}.backward()"),
            "only the last batch",
        ),
        "nothing": (_f("pass"), "not moved"),
        "mean of losses": (_listed(_FROM, "torch.stack(losses).mean()"), "averaged"),
        "squares summed": (
            _each("model(torch.from_numpy(batch)).square().sum().backward()"),
            "one step",
        ),
        "uphill": (_each(f"(-{_LOSS.format(_FROM)}).backward()"), "one step"),
    },
}
