"""The verdict on a program, against small programs known by hand and random ones run natively."""

import random
from collections import Counter

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from overwritten.record.trial import CAUTIOUS, NOTHING, OTHER, RAISES, RIGHT, SILENT, trial

START = "x = torch.tensor([0.5, 2.0, -1.0], requires_grad=True)\n"
END = "\ny.sum().backward()"


def verdict(middle, twin, start=START, end=END, **more):
    return trial(start + middle + end, start + twin + end, **more).verdict


CASES = {
    "a write that backward does not need": ("y = x * 2\ny += 1", "y = x * 2\ny = y + 1", RIGHT),
    "a program that is its own twin": ("y = x.exp()", "y = x.exp()", RIGHT),
    "a write behind the counter": ("y = x.exp()\ny.data += 1", "y = x.exp()\ny = y + 1", SILENT),
    "one of two gradients wrong": (
        "w = torch.ones(3, requires_grad=True)\ny = x.exp() + w\nu = x.sin()\nu.data.mul_(2)\ny = y * u",
        "w = torch.ones(3, requires_grad=True)\ny = x.exp() + w\nu = x.sin()\nu = u * 2\ny = y * u",
        SILENT,
    ),
    "a write over a saved result": ("y = x.exp()\ny += 1", "y = x.exp()\ny = y + 1", RAISES),
    "a write that changes no byte": ("y = x.exp()\ny.mul_(1)", "y = x.exp()\ny = y * 1", CAUTIOUS),
    "a gradient that is missing even without the check": (
        "y = x.exp()\ny.mul_(1)",
        "w = torch.ones(3, requires_grad=True)\ny = x.exp() * w",
        RAISES,
    ),
    "a write to a leaf": ("x += 1\ny = x.exp()", "z = x + 1\ny = z.exp()", RAISES),
    "a write to a view of a leaf": (
        "x[0] = 1\ny = x.exp()",
        "y = torch.cat([torch.ones(1), x[1:]]).exp()",
        RAISES,
    ),
    "a history that was cut": (
        "w = torch.ones(3, requires_grad=True)\ny = x.detach() * w",
        "w = torch.ones(3, requires_grad=True)\ny = x * w",
        NOTHING,
    ),
    "an error of another kind": ("y = x.exp()\n1 / 0", "y = x.exp()", ""),
    "no Python": ("y = (", "y = x.exp()", ""),
    "a shape that does not fit": ("y = x.view(7)", "y = x.exp()", ""),
    "a twin that fails": ("y = x.exp()", "y = x.exp()\n1 / 0", ""),
    "a twin that raises as well": ("y = x.exp()\ny += 1", "y = x.exp()\ny += 1", ""),
    "a twin that is no Python": ("y = x.exp()", "y = (", ""),
    "NaN where NaN is right": ("y = x * float('nan')", "y = x * float('nan')", RIGHT),
    "NaN where a number is right": ("y = x * 2\ny = y * float('nan')", "y = x * 2", SILENT),
    "a number where NaN is right": ("y = x * 2", "y = x * float('nan')", SILENT),
    "other last bits": ("y = x * (1 + 1e-6)", "y = x * 1", RIGHT),
    "a small difference that is no rounding": ("y = x * (1 + 1e-4)", "y = x * 1", SILENT),
}


@pytest.mark.parametrize("middle, twin, expected", CASES.values(), ids=CASES)
def test_a_small_program_gets_its_verdict(middle, twin, expected):
    assert verdict(middle, twin) == expected


SHORTCUT = ("y = h = x * 2\nh.relu_()\ny = y + h", "y = h = x * 2\nh = h.relu()\ny = y + h")


@pytest.mark.parametrize("end", [END, "\ny.backward(torch.ones(3))", "\ny.mean().backward()"])
def test_other_values_are_told_from_a_wrong_gradient_where_asked_for(end):
    assert verdict(*SHORTCUT, end=end, values=True) == OTHER
    assert verdict(*SHORTCUT, end=end) == SILENT
    assert verdict(*CASES["a write behind the counter"][:2], end=end, values=True) == SILENT


def test_equal_gradients_are_right_whatever_the_values():
    assert verdict("y = x * 2", "y = x * 2 + 1", values=True) == RIGHT


def test_without_a_backward_there_is_no_gradient():
    assert verdict("y = x.exp()", "y = x.exp()", end="") == NOTHING
    assert trial(START + "y = x.exp()", START + "y = x.exp()" + END).verdict == NOTHING


@pytest.mark.parametrize("end", ["\nfor i in range(900): pass", "\nwhile True: pass"])
def test_what_was_not_seen_to_its_end_gets_no_verdict(end):
    assert trial(START + "y = x * 2" + END + end, START + "y = x * 2" + END).verdict == ""
    assert trial(START + "y = x * 2" + END, START + "y = x * 2" + END + end).verdict == ""


@pytest.mark.parametrize("factor", ["torch.tensor([1.0, float('inf'), 5.0])", "float('inf')"])
def test_an_infinite_gradient_hides_no_wrong_one(factor):
    wrong = "y.data.mul_(2)" if "tensor" in factor else "y = y.detach() + x"
    assert verdict(f"y = x * {factor}\n{wrong}", f"y = x * {factor}\ny = y * 2") == SILENT


def test_a_gradient_that_the_twin_lacks_is_not_compared():
    assert (
        verdict("leaf = x\nx.data.mul_(2)\ny = x * 3", "leaf = x\nx = x.detach() * 2\ny = leaf * 3")
        == RIGHT
    )
    assert (
        verdict("b = torch.ones(3, requires_grad=True)\ny = x * b", "b = torch.ones(3)\ny = x * b")
        == RIGHT
    )


def test_the_names_given_reach_both_programs():
    assert verdict("y = x * k", "y = x * 3", names={"k": 3}) == RIGHT
    assert verdict("y = x * k", "y = x * 3", names={"k": 4}) == SILENT
    assert verdict("y = x * 3", "y = x * k", names={"k": 3}) == RIGHT
    assert verdict("y = x.exp()\ny.mul_(k)", "y = x.exp()\ny = y * k", names={"k": 1}) == CAUTIOUS


def test_the_recordings_are_those_of_the_two_programs():
    done = trial(START + "y = x.exp()\ny += 1" + END, START + "y = x * 3" + END)
    assert "modified by an inplace operation" in done.run.error and done.run.gradients == {}
    assert done.twin.gradients == {"x.grad": [3, 3, 3]}


def test_what_the_caller_has_set_up_is_left_alone():
    packed, mine = [], torch.ones(2, requires_grad=True)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    with torch.no_grad():
        assert (
            verdict(
                "y = x.exp() * torch.rand(3)\ny = y.exp()\ny.mul_(1)",
                "y = x.exp() * torch.rand(3)\ny = y.exp() * 1",
            )
            == CAUTIOUS
        )
        assert not torch.is_grad_enabled()
    with saved_tensors_hooks(lambda t: packed.append(t) or t, lambda t: t):
        verdict("y = x.exp()\ny.mul_(1)", "y = x.exp()\ny = y * 1")
        packed.clear()
        mine.exp()
        assert len(packed) == 1
    mine.exp()
    assert len(packed) == 1 and mine.grad is None
    assert torch.equal(torch.get_rng_state(), state)


# A random program: a chain of operations, then one or two writes, then backward.

OPS = "exp() sin() sigmoid() relu() mul(2) add(1) square() tanh() neg() mul(a0)".split()
WRITES = {
    "{0}.add_(1)": "{0} = {0} + 1",
    "{0}.mul_(1.5)": "{0} = {0} * 1.5",
    "{0}.mul_(1)": "{0} = {0} * 1",
    "{0}.data.mul_(1.5)": "{0} = {0} * 1.5",
    "{0}.relu_()": "{0} = {0}.relu()",
    "{0}.clamp_(-9, 9)": "{0} = {0}.clamp(-9, 9)",
    "{0}[:1].mul_(3)": "{0} = torch.cat([{0}[:1] * 3, {0}[1:]])",
    "v = {0}.view(3, 1); v += 1": "{0} = {0} + 1",
}


def a_program(seed):
    """A program and its out-of-place twin."""
    choose = random.Random(seed)
    lines, twin, made = ["a0 = torch.tensor([0.3, -0.4, 0.8], requires_grad=True)"], [], 0
    twin += lines
    for _ in range(choose.randint(3, 7)):
        if made and choose.random() < 0.35:
            target = f"a{made if choose.random() < 0.7 else choose.randint(0, made)}"
            write = choose.choice(
                [write for write in WRITES if target != "a0" or ".data" not in write]
            )
            lines.append(write.format(target))
            twin.append(WRITES[write].format(target))
        else:
            step = f"a{made + 1} = a{choose.randint(max(0, made - 1), made)}.{choose.choice(OPS)}"
            made += 1
            lines.append(step)
            twin.append(step)
    end = f"(a{made} * a{max(made - 1, 0)}).sum().backward()"
    # the twin may have given the name a0 to a new tensor: the leaf keeps another name
    keep = "leaf = a0"
    return "\n".join([lines[0], keep, *lines[1:], end]), "\n".join([twin[0], keep, *twin[1:], end])


def natively(code, pack=None):
    """(the leaf's gradient or None, the error's text or ''), by PyTorch alone."""
    names = {"torch": torch}
    try:
        if pack is None:
            exec(code, names)
        else:
            with saved_tensors_hooks(pack, lambda tensor: tensor):
                exec(code, names)
    except RuntimeError as error:
        return None, str(error)
    return names["leaf"].grad, ""


def judged(code, twin):
    true, failed = natively(twin)
    assert not failed and true is not None, twin
    found, error = natively(code)
    if not error:
        return NOTHING if found is None else RIGHT if torch.allclose(found, true) else SILENT
    if "leaf Variable that requires grad" in error:
        return RAISES
    assert "modified by an inplace operation" in error, error
    if ".data" not in code:  # the twin's gradient is the one that copies of all saved values give
        copied, failed = natively(code, lambda tensor: tensor.detach().clone())
        assert not failed and torch.allclose(copied, true), code
    unchecked, failed = natively(code, lambda tensor: tensor.detach())
    return CAUTIOUS if not failed and torch.allclose(unchecked, true) else RAISES


def test_random_programs_get_the_verdict_of_plain_pytorch():
    seen = Counter()
    for seed in range(200):
        code, twin = a_program(seed)
        expected = judged(code, twin)
        assert trial(code, twin).verdict == expected, f"seed {seed}, {expected}\n{code}"
        seen[expected] += 1
    assert all(seen[one] >= 10 for one in (RIGHT, SILENT, RAISES, CAUTIOUS)), seen
