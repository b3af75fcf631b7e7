"""Lesson 3's chain builder: every chain it can build, against PyTorch run by itself.

The judge below knows nothing of the package: it runs the program and its twin as plain
Python. What a gradient would have been where PyTorch raised, it learns from identity hooks
(they switch the check off); that the twin is right, from a run that keeps a copy of all
that is saved.
"""

import functools
import itertools
import re
import sys

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from conftest import ROOT, in_gate
from overwritten import knob
from overwritten.lesson.exercises.safe_relu import ACTIVATIONS, CONSUMERS, PRODUCERS, chain, network
from overwritten.pictures.peaks import peaks_picture
from overwritten.record import calls
from overwritten.record.recorder import record
from overwritten.record.trial import CAUTIOUS, OTHER, RAISES, RIGHT, SILENT, trial

DEPTHS = (1, 2, 3, 4)
CHOICES = (ACTIVATIONS, CONSUMERS, DEPTHS)  # what each producer goes with


def gradients(code):
    """The program as plain Python: its error's text, '' if none, its leaves' gradients, its `h`."""
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    torch.manual_seed(0)
    try:
        exec(code, names)
        error = ""
    except RuntimeError as failed:
        error = str(failed)
    layers = [names[name] for name in ("conv", "lin", "norm") if name in names]
    leaves = (names["x"], *(p for layer in layers for p in layer.parameters()))
    return error, [leaf.grad for leaf in leaves], names["h"].detach()


def same(ours, theirs):
    pairs = list(zip(ours, theirs, strict=True))
    assert all(b is not None and b.isfinite().all() for _, b in pairs), (
        "the twin's own gradients are no measure"
    )
    return all(a is not None and (a - b).abs().max() <= 1e-5 * b.abs().max() for a, b in pairs)


@functools.cache
def truth(twin):
    error, true, values = gradients(twin)
    assert error == ""
    with saved_tensors_hooks(lambda tensor: tensor.detach().clone(), lambda tensor: tensor):
        assert same(gradients(twin)[1], true), "the twin itself overwrites what it saved"
    return true, values


@functools.cache  # three tests go through all chains of one layer
def judge(code, twin):
    (true, its), (error, ours, values) = truth(twin), gradients(code)
    if not error:
        return RIGHT if same(ours, true) else SILENT if torch.allclose(values, its) else OTHER
    if "a leaf Variable" in error:
        return RAISES
    assert "has been modified by an inplace operation" in error, error
    with saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor):
        error, ours, _ = gradients(code)
    assert not error
    return CAUTIOUS if same(ours, true) else RAISES


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No threads, which for such small tensors only wait; and bytes within a call are not asked for."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(  # by object: on the face, `overwritten.record` is the function
        calls, "with_scratch", lambda func, args, kwargs: (func(*args, **kwargs), None)
    )
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("deep", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("producer", in_gate(PRODUCERS, "batch norm", "residual branch"))
def test_every_chain_gets_the_verdict_that_pytorch_gives(producer, deep):
    """9 producers x 7 activations x 6 consumers, at depths 1 and 2; every third, deep, at 3 and 4."""
    differ = {}
    for number, choices in enumerate(itertools.product(*CHOICES)):
        if (choices[-1] > 2) != deep or deep and (number // len(DEPTHS)) % 3:
            continue
        code, twin = chain(producer, *choices).values()
        ours, theirs = trial(code, twin, values=True).verdict, judge(code, twin)
        if ours != theirs:
            differ[choices] = ours, theirs
    assert differ == {}


def test_the_chains_know_every_verdict():
    met = {
        judge(*chain(*choices).values())
        for choices in itertools.product(PRODUCERS, ACTIVATIONS, CONSUMERS, [1])
    }
    assert met == {RIGHT, RAISES, CAUTIOUS, OTHER}


def test_only_a_second_name_makes_a_chain_give_other_values_and_none_a_wrong_gradient():
    """Where nothing but `h` reads a tensor, PyTorch's check sees every write that matters."""
    for producer in PRODUCERS:
        ends = {
            (a, c): judge(*chain(producer, a, c, 1).values())
            for a, c in itertools.product(ACTIVATIONS, CONSUMERS)
        }
        assert SILENT not in ends.values()
        other = {a for (a, _), end in ends.items() if end == OTHER}
        assert other == (
            set(ACTIVATIONS) - {"relu out of place"} if producer == "shortcut" else set()
        )


def test_the_verdict_shown_is_the_verdict_found():
    view = knob(
        chain,
        show="peaks",
        producer=list(PRODUCERS),
        activation=list(ACTIVATIONS),
        consumer=list(CONSUMERS),
        depth=list(DEPTHS),
    )
    some = list(itertools.product(PRODUCERS, *CHOICES))[::61]
    assert [len(set(entries)) for entries in zip(*some)] == [
        len(PRODUCERS),
        len(ACTIVATIONS),
        len(CONSUMERS),
        len(DEPTHS),
    ]
    for choices in some:
        shown = view.turn(**dict(zip(("producer", "activation", "consumer", "depth"), choices)))
        verdict = judge(*chain(*choices).values())
        end = (
            "; " if verdict in (RAISES, CAUTIOUS) else ", peak "
        )  # what raised has no peak to compare
        assert (
            f"your chain: {verdict}{end}" in shown
            and "; out of place: true gradient, peak " in shown
        ), shown


def saves_of(code):
    """{line: does backward raise over what it saved?}; hooks are called at the save and at the check."""
    saving, broken = set(), []

    def pack(tensor):
        frame, line = sys._getframe(), 0
        while frame is not None and not line:
            line = frame.f_lineno if frame.f_code.co_filename == "<chain>" else 0
            frame = frame.f_back
        if tensor.dim():
            saving.add(line)
        return tensor.detach(), tensor._version, line

    def unpack(saved):
        tensor, version, line = saved
        if tensor._version != version:
            broken.append(line)
        return tensor

    with saved_tensors_hooks(pack, unpack):
        gradients(compile(code, "<chain>", "exec"))
    return {line: line in broken[:1] for line in saving}


def padlocks_of(svg):
    """{line: is it open?} as drawn: a padlock stands 8 px above the base of its line's words."""
    drawn = {
        float(y) + 8: kind == "open"
        for y, kind in re.findall(r'<rect x="[^"]*" y="([^"]*)"[^>]*class="(open|shut)"', svg)
    }
    return {round((y - 24) / 20): is_open for y, is_open in drawn.items()}


@pytest.mark.parametrize("producer", PRODUCERS)
def test_the_padlocks_stand_beside_the_lines_that_save(producer):
    differ = {}
    for activation, consumer in itertools.product(ACTIVATIONS, CONSUMERS):
        for label, code in chain(producer, activation, consumer, 1).items():
            shown, found = (
                padlocks_of(peaks_picture({label: record(code)}, label).svg()),
                saves_of(code),
            )
            if shown != found:
                differ[activation, consumer, label] = shown, found
    assert differ == {}


def test_a_program_is_short_enough_to_be_read_beside_its_bytes():
    for choices in itertools.product(PRODUCERS, *CHOICES):
        for code in chain(*choices).values():
            lines = code.splitlines()
            assert len(lines) <= 9 and max(map(len, lines)) <= 36, code


def test_the_network_in_the_lesson_is_the_one_the_exercise_means():
    lesson = (ROOT / "lessons_src" / "03_safe_relu.py").read_text("utf8")
    (source,) = re.findall(r"^def plain\(\):\n(?:    .*\n)+", lesson, re.M)
    names = {"nn": torch.nn}
    exec(source, names)
    assert repr(names["plain"]()) == repr(network())
