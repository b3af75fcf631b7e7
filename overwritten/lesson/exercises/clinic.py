"""The clinic: find and mend the faults of three training scripts.

The idea: nothing about a fault is typed in twice. Which line saved and which wrote is found by
running the script under the doctor; whether a mended script is right, by training it for a few
steps beside the solution and comparing losses, weights and gradients.
"""

from __future__ import annotations

import contextlib
import io
import linecache
import types
from functools import lru_cache
from pathlib import Path

import torch

from overwritten.doctor.block import watch
from overwritten.lesson.checking import line_number
from overwritten.lesson.exercise import Exercise, Unattempted
from overwritten.lesson.exercises.clinic_scripts import (
    FIRST,
    HINTS,
    SCRIPTS,
    numbered,
    replaced,
    source,
)
from overwritten.lesson.witness import Witness, blamed
from overwritten.messages import parse

__all__ = [
    "EXERCISES", "SCRIPTS", "find_detector", "find_gan", "find_world_model", "found",
    "mend_detector", "mend_gan", "mend_world_model", "numbered", "replaced", "run", "source",
]  # fmt: skip


def run(name: str, text: str | None = None, steps: int | None = None):
    """Train: a script as shipped, or `text` in its place. Returns what its `train` does."""
    script = SCRIPTS[name]
    file = str(script.path) if text is None else f"<mended {name}.py>"
    text = script.source if text is None else text
    linecache.cache[file] = len(text), None, text.splitlines(True), file
    module = types.ModuleType(f"clinic_{name}")
    with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, file, "exec"), vars(module))
        if not callable(vars(module).get("train")):
            raise NameError("the script has no function `train` any more")
        return module.train(steps=script.steps if steps is None else steps)


# Finding: the saver's line and the writer's


@lru_cache
def found(name: str):
    """(message, line of the saver, lines of the writers) of the first fault, as the doctor sees them."""
    try:
        with watch() as recording:
            run(name)
    except RuntimeError:
        seen = recording.diagnosis
        return seen.message, seen.saver.site.line, tuple(wrote.site.line for wrote in seen.writers)
    raise AssertionError(f"{name}.py raises nothing")


def _finds(name):
    def finds(answer):
        message, saver, writers = found(name)
        lines = source(name).splitlines()
        for role in ("saver", "writer"):
            said = line_number(answer[role])
            if not 1 <= said <= len(lines):
                return f"give the number of a line, 1 to {len(lines)}, for {role!r}; you gave {answer[role]!r}."
            if said not in ((saver,) if role == "saver" else writers):
                return f"the {role} is not line {said}, `{lines[said - 1].strip()}`. {_why_not(role, said, message, saver, writers)}"

    return finds


def _why_not(role, said, message, saver, writers):
    if said in (saver, *writers):
        return "You have the two the wrong way round: the saver comes first, the writer writes over what it saved."
    if role == "writer":
        return f"Look for a line that writes into a tensor that is there, `+=`, `[…] =`, `…_()`, `inplace=True`, after line {saver}."
    what = f"Its tensor is {list(message.shape)}"
    return f"{what}: which operations of the forward give or take that shape, and which of them needs the values for its derivative?"


# Mending


_INPLACE = " You took `inplace=True` from an activation: what it writes over nobody saved, so it is not the fault. The line that writes is another."
#: Of the largest number: two cures may round differently, and a few steps carry that on.
_FINE = 1e-4


def _text_of(answer):
    name = isinstance(answer, str) and "\n" not in answer and answer.endswith(".py")
    if name or isinstance(answer, Path):
        path = Path(answer)
        return path.read_text("utf8") if path.is_file() else f"there is no file {str(answer)!r}."
    if not isinstance(answer, str) or "\n" not in answer:
        return f"give the mended script as text, or the path of its file; you gave {answer!r}."
    return answer


def _mends(name):
    def mends(answer):
        script = SCRIPTS[name]
        text = _text_of(answer["script"])
        if "\n" not in text:
            return text
        if text.strip() == script.source.strip():
            raise Unattempted("the script is as it was: mend it, then run this cell again.")
        try:
            compile(text, f"{name}.py", "exec")
        except SyntaxError as error:
            return f"line {error.lineno} is no Python: {error.msg}."
        try:
            with Witness() as witness:  # slow, so no further than the faults reach
                run(name, text, script.shows)
            came = run(name, text)
        except RuntimeError as error:
            return _still(script, text, error, witness)
        if not _trains(script, came):
            return f"`train` has to return the losses of its {script.steps} steps and the nets by name, as it did."
        if witness.hidden:
            return f"no error any more, but {witness.hidden}"
        if not any(_alike(script, came, true) for true in _right(name)):
            return f"no error, but it trains otherwise than the same script out of place: {_otherwise(script, text, came)}"

    return mends


def _still(script, text, error, witness):
    message = parse(str(error))
    if message is None:
        raise error
    said = (
        f"{message.op or 'no name'}, {list(message.shape)}, version {message.now}; expected version {message.expected}"
        if message.overwritten
        else message.kind
    )
    if message.kind == "backward twice":
        return f"another error now: {said}. A backward goes into a graph that an earlier one has used up: which tensor carries it there?"
    if not _is_first(script, message):
        if witness.hidden:
            return f"the first fault is silenced, not mended: {witness.hidden}"
        return f"the first fault is mended, and now another shows ({said}). Ask again: who saved it, who wrote since?"
    vain = text.count("inplace=True") < script.source.count("inplace=True")
    diagnosis = witness.of(error)
    return f"it still raises ({said}): {witness.told(diagnosis)}.{_INPLACE if vain else ''}"


def _is_first(script, message) -> bool:
    """Is it the script's first fault? Its name may be another now, the tensor is the same."""
    return message is not None and message.shape == found(script.name)[0].shape


def _otherwise(script, text, came):
    """The known mistake that trains like this, the folk cure to blame, or where it parts."""
    for changes, words in script.slips:
        if _alike(script, came, run(script.name, replaced(script.mended(), *changes))):
            return words

    def right(without):
        try:
            with without:
                return _alike(script, run(script.name, text), _right(script.name)[0])
        except RuntimeError as error:  # the first fault is still there, and was only hidden
            return _is_first(script, parse(str(error)))

    return blamed(right) or _parts(script, came, _right(script.name)[0])


def _parts(script, came, true):
    for step, (mine, theirs) in enumerate(zip(came[0], true[0]), 1):
        if any(abs(a - b) > _FINE * max(abs(b), 1e-3) for a, b in zip(mine, theirs)):
            why = (
                "the step before it has left other weights"
                if step > 1
                else "the forward computes something else"
            )
            losses = [", ".join(f"{loss:.4f}" for loss in some) for some in (mine, theirs)]
            return f"the losses of step {step} are {losses[0]} instead of {losses[1]}; {why}."
    return "the losses are the same, but the last step leaves other weights or gradients."


@lru_cache
def _right(name):
    """What training gives with the solution, and with each other cure that is as right."""
    script = SCRIPTS[name]
    return [run(name, script.mended(cure=cure)) for cure in (None, *script.others)]


def _trains(script, came) -> bool:
    return (
        isinstance(came, tuple)
        and len(came) == 2
        and isinstance(came[0], list)
        and len(came[0]) == script.steps
        and isinstance(came[1], dict)
        and all(isinstance(net, torch.nn.Module) for net in came[1].values())
    )


def _numbers(script, came) -> list:
    """Losses, all weights, and the last gradients of the nets that count."""
    history, nets = came
    tensors = [torch.tensor([list(losses) for losses in history], dtype=torch.float64)]
    tensors += [weight.detach() for net in nets.values() for weight in net.parameters()]
    return tensors + [weight.grad for name in script.nets for weight in nets[name].parameters()]


def _alike(script, came, true) -> bool:
    if came[1].keys() != true[1].keys():
        return False
    mine, theirs = _numbers(script, came), _numbers(script, true)
    return len(mine) == len(theirs) and all(map(_close, mine, theirs))


def _close(a, b) -> bool:
    if a is None or b is None:
        return a is b
    return a.shape == b.shape and bool(
        (a - b).abs().max() <= _FINE * max(float(b.abs().max()), 1e-3)
    )


# The exercises


def _found_by(name):
    saver, writer = FIRST[name]
    return (
        f"from overwritten import clinic\n\nlines = clinic.source({name!r}).splitlines()\n"
        f"answer = {{\n    'saver': 1 + lines.index({saver!r}),\n    'writer': 1 + lines.index({writer!r}),\n}}"
    )


def _mended_by(name):
    changes = [change for fault in SCRIPTS[name].faults for change in fault]
    lines = "\n".join(f"    ({old!r},\n     {new!r})," for old, new in changes)
    return f"from overwritten import clinic\n\nanswer = {{'script': clinic.replaced(\n    clinic.source({name!r}),\n{lines}\n)}}"


def _pair(name):
    to_find, to_mend = HINTS[name]
    find = Exercise(_finds(name), to_find, _found_by(name), questions=("saver", "writer"))
    return find, Exercise(_mends(name), to_mend, _mended_by(name), questions=("script",))


find_gan, mend_gan = _pair("gan")
find_world_model, mend_world_model = _pair("world_model")
find_detector, mend_detector = _pair("detector")

#: By the name the lesson uses; tests/test_clinic.py runs every one unattempted, wrong and right.
EXERCISES = {
    "find_gan": find_gan,
    "mend_gan": mend_gan,
    "find_world_model": find_world_model,
    "mend_world_model": mend_world_model,
    "find_detector": find_detector,
    "mend_detector": mend_detector,
}
