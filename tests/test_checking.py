"""The checks of the exercises: what nobody expects is judged by what it did, and told why."""

import importlib

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from answers import but
from answers.unconventional import HOOKS, body, sly
from conftest import LESSONS
from overwritten import caught, watch
from overwritten.lesson.checking import beside_twin, plain
from overwritten.lesson.exercises import (
    clinic,
    detector_fix,
    field_guide,
    leaf_mutation,
    reading_the_error,
    safe_relu,
    version_counter,
)
from overwritten.lesson.exercises.clinic import replaced
from overwritten.lesson.witness import WHY_NOT, Without, Witness, blamed, who
from overwritten.record.private import SHOWS_SAVES, top_hooks

#: In the gate; the other scripts, which train, are slow.
FEW_SCRIPTS = {"pads", "minus", "no leak"}


def answers(side):
    for lesson in [path.stem[3:] for path in LESSONS] + ["clinic"]:
        given = getattr(importlib.import_module(f"answers.unconventional.{lesson}"), side)
        exercises = importlib.import_module(f"overwritten.lesson.exercises.{lesson}").EXERCISES
        assert set(given) == {name for name in exercises if not name.startswith("order_")}
        for name, cases in given.items():
            assert len(cases) == 10
            for what, case in cases.items():
                slow = "mend_" in name and lesson == "clinic" and what not in FEW_SCRIPTS
                marks = [pytest.mark.slow] if slow else []
                id_ = f"{lesson}-{name}-{what}"
                yield pytest.param(exercises[name], case, id=id_, marks=marks)
    for lesson, by_name in getattr(sly, side).items():
        exercises = importlib.import_module(f"overwritten.lesson.exercises.{lesson}").EXERCISES
        for name, cases in by_name.items():
            for what, case in cases.items():
                yield pytest.param(exercises[name], case, id=f"sly-{lesson}-{name}-{what}")


def answer_of(source):
    """The function `f`, or else the dict, that a learner's cell with this source defines."""
    names = {"torch": torch, "F": F, "nn": nn}
    exec(source, names)
    return names.get("f", list(names.values())[-1])


def checked(exercise, source):
    verdict = exercise.check(answer_of(source))
    return verdict.outcome, verdict.message


@pytest.mark.parametrize("exercise, source", [*answers("RIGHT")])
def test_an_unconventional_right_answer_is_right(exercise, source):
    assert checked(exercise, source) == ("right", "well done.")


@pytest.mark.parametrize("exercise, case", [*answers("WRONG")])
def test_a_wrong_answer_is_told_what_it_did(exercise, case):
    source, words = case
    outcome, message = checked(exercise, source)
    assert outcome == "wrong" and words in message, message


# The witness


def hidden_in(code):
    x = torch.ones(3, requires_grad=True)
    with Witness() as witness:
        exec(f"y = x.exp()\n{code}\nz.sum().backward()", {"torch": torch, "x": x})
    return witness.hidden


@pytest.mark.parametrize("code", [
    "y.data[0] = 0\nz = y * 2",
    "y.detach().numpy()[0] = 0\nz = y * 2",
    "torch.from_dlpack(y.detach()).add_(1)\nz = y * 2",
    "y.data.zero_()\nz = y * 2",
])  # fmt: skip
def test_a_write_that_no_counter_heard_is_told(code):
    assert "no counter moved" in hidden_in(code)


@pytest.mark.parametrize("code", [
    "with torch.autograd._unsafe_preserve_version_counter(y):\n    y[0] = 0\nz = y * 2",
    f"{HOOKS}\n    y = x.exp()\ny[0] = 0\nz = y * 2",
    f"{HOOKS}\n    y = x.exp()\ny.mul_(1)\nz = y * 2",
    "with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().numpy(), torch.from_numpy):\n    y = x.exp()\ny += 1\nz = y * 2",
    "with torch.autograd.graph.save_on_cpu():\n    y = x.exp()\ny += 1\nz = y * 2",
])  # fmt: skip
def test_a_check_that_is_switched_off_is_told(code):
    assert "switched off" in hidden_in(code)


@pytest.mark.parametrize("code", [
    "z = y.clone()\nz += 1",
    "m = torch.ones_like(x.data)\nm.data[0] = 0\nz = y * m",
    "z = y.data * x",
    f"{HOOKS}\n    y = x.exp()\nz = y + 1",
    f"{HOOKS}\n    y = (x * 1).relu_()\nz = y + 1",
    "with torch.autograd.graph.saved_tensors_hooks(torch.clone, lambda t: t):\n    y = x.exp()\ny += 1\nz = y * 2",
    "from torch.utils.checkpoint import checkpoint\nz = checkpoint(lambda x: (x * 1).relu_() + 1, x, use_reentrant=False)",
])  # fmt: skip
def test_what_does_no_harm_is_not_told(code):
    assert hidden_in(code) == ""


@pytest.mark.parametrize("write, heard", [
    ("x += 1", True), ("x[0] = 5", True), ("x.detach().add_(1)", True), ("x.mul_(1)", True),
    ("x.data += 1", False), ("x.numpy()[:] = 7", False), ("x.apply_(lambda v: v + 1)", False),
    ("x.data += 1\nx += 1", False), ("x.data = x + 1", False),
])  # fmt: skip
def test_which_writes_a_counter_hears(write, heard):
    x = torch.ones(3)
    with Witness(x) as witness:
        exec(write, {"x": x})
    assert (not witness.unheard) == heard


CURES = {
    ".detach()": "(x * 2).detach() * x",
    ".data": "(x * 2).data * x",
    "no_grad": "no_grad(lambda: x * 2) * x",
}


def test_the_cure_to_blame_is_found_by_leaving_it_out():
    def no_grad(run):
        with torch.no_grad():
            return run()

    def twin(x):
        return x * 2 * x

    assert set(CURES) == set(WHY_NOT)
    inputs = [torch.ones(3, requires_grad=True)]
    for cure, code in CURES.items():
        seen = beside_twin(lambda x: eval(code, {"x": x, "no_grad": no_grad}), twin, inputs)
        assert (seen.fault(), seen.mistake()) == ("gradient", WHY_NOT[cure])
    harmless = beside_twin(lambda x: x * x + 0 * x.detach() + x * x.data, twin, inputs)
    assert harmless.fault() == "gradient" and harmless.mistake() == WHY_NOT[".data"]


@pytest.mark.parametrize("exercise, source", [
    (leaf_mutation.gan_step, body("G, D, opt_g, opt_d, noise")(
        "fake = G(noise)\nopt_d.zero_grad()\nF.softplus(D(fake.data)).sum().backward()\nopt_d.step()\n"
        "opt_g.zero_grad()\nF.softplus(-D(fake)).sum().backward()\nopt_g.step()"
    )),
    (version_counter.zero_first_column, body("x")(
        "y = x.exp().clone()\ny.detach().numpy()\ny[:, 0] = 0\nwith torch.no_grad():\n    x.sum()\nreturn y"
    )),
])  # fmt: skip
def test_a_folk_cure_that_harms_nothing_is_right(exercise, source):
    assert checked(exercise, source) == ("right", "well done.")


def test_a_cure_that_is_not_used_or_changes_nothing_is_not_blamed():
    assert blamed(lambda without: True) == "" and blamed(lambda without: 1 / 0) == ""


def test_an_optimizer_still_steps_where_no_grad_has_no_effect():
    w = torch.ones(1, requires_grad=True)
    w.sum().backward()
    with Without("no_grad") as without:
        torch.optim.SGD([w], lr=0.5).step()
    assert w.item() == 0.5 and not without.met


@pytest.mark.parametrize("call", ["backward(retain_graph=True)", "backward(None, True)"])
def test_retain_graph_has_no_effect(call):
    x = torch.ones(1, requires_grad=True)
    y = (x * x).sum()
    with Without("retain_graph=True") as without:
        eval(f"y.{call}", {"y": y})
    assert without.met
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


def test_a_result_of_another_dtype_gets_a_sentence():
    source = body("x")("return x.exp().double()")
    message = checked(version_counter.zero_first_column, source)[1]
    assert message == (
        "the result is torch.float64, that of the function as it was is torch.float32."
    )


def test_words_are_compared_plainly():
    for word in ("H", " h.", "`h`", "(h)", "**h**", "'h'"):
        assert plain(word) == "h"
    assert plain("relu_") == "relu_" and plain(["h"]) == "['h']"


# What two learners met


def test_a_name_with_its_namespace_is_read():
    answer = but(reading_the_error.messages, {"c": "torch::autograd::CopySlices 2; 0"})
    message = checked(reading_the_error.messages, answer)[1]
    assert message.startswith("c: the versions are right, the name")


def test_the_first_slip_does_not_give_the_reason_away():
    one = but(safe_relu.verdicts, {"linear, silu_, += 1": "raises"})
    two = one.replace("{", "{'softmax, relu_': 'right', ")
    for answer, begins in ((one, "1 of 7 is not so"), (two, "2 of 7 are not so")):
        message = checked(safe_relu.verdicts, answer)[1]
        assert message.startswith(begins) and message.endswith("?")


def test_what_is_asked_after_a_wrong_word_is_the_same_whatever_is_right():
    exercise, said = version_counter.what_is_saved, {}
    for name in exercise.questions:
        for word in ("input", "result", "both", "neither"):
            outcome, message = checked(exercise, but(exercise, {name: word}))
            if outcome == "wrong":
                said.setdefault(word, set()).add(message.removeprefix(f"{name}: "))
    assert {word: len(messages) for word, messages in said.items()} == dict.fromkeys(said, 1)
    assert len(said) == 4 and all(m.endswith("?") for one in said.values() for m in one)


def test_where_the_message_has_no_name_none_is_told():
    source = body("cell, start, steps")(
        "one, s = torch.ones(start.shape), [start]\nfor _ in range(steps - 1):\n"
        "    s.append(cell(s[-1]) * one)\n    one += 0\nreturn torch.stack(s)"
    )
    outcome, message = checked(field_guide.roll_out, source)
    assert outcome == "wrong" and "None" not in message and "saved, " in message


def test_no_word_of_a_cure_that_is_right():
    script = clinic.SCRIPTS["gan"]
    text = replaced(script.mended(), ("out = out + x", "out = out - x"))
    message = clinic.mend_gan.check({"script": text}).message
    assert "detach" not in message and "the losses of step 1 are" in message


def test_a_scalar_is_not_asked_to_have_length_p():
    source = body("mask, labels, indices")("return torch.where(mask, labels + 1, 0)")
    message = checked(detector_fix.targets, source)[1]
    assert "All three" not in message and "3) at non-singleton" in message


@pytest.mark.parametrize("line", ["laterals[0] += 1", f"{HOOKS}\n    laterals[0] += 1"])
def test_the_check_itself_is_no_line_of_the_learners(line):
    message = checked(reading_the_error.top_down, body("laterals")(f"{line}\nreturn laterals"))[1]
    assert ".check(" not in message


def test_recording_left_off_gets_a_sentence():
    source = body("x")("torch.set_grad_enabled(False)\nreturn x.exp()")
    message = checked(version_counter.zero_first_column, source)[1]
    assert "leaves the recording of operations switched off" in message
    assert torch.is_grad_enabled()


@pytest.mark.skipif(not SHOWS_SAVES, reason="this PyTorch does not say which hooks are on")
def test_what_an_answer_leaves_switched_on_is_off_for_the_next():
    assert checked(version_counter.zero_first_column, sly.LEAVES)[0] == "wrong"
    assert top_hooks() is None and torch.get_default_dtype() is torch.float32


@pytest.mark.parametrize("code, heard", [
    ("(x.numpy().__iadd__(1), x.add_(0))", False), ("(x.data.add_(1), x.add_(0))", False),
    ("(x.numpy(), x.add_(1))", True), ("(x.add_(1), x.data, x.add_(1))", True),
])  # fmt: skip
def test_a_write_between_two_calls_of_one_line_is_no_tick_of_the_next(code, heard):
    x = torch.ones(3)
    with Witness(x) as witness:
        eval(code, {"x": x})
    assert (not witness.unheard) == heard


def test_a_line_that_saves_and_writes_is_named_once():
    with caught(), watch() as recording:
        x = torch.ones(3, requires_grad=True) * 2
        x *= x**2
        x.sum().backward()
    assert who(recording) == "`x *= x**2` saved, and the same line wrote over it"
