"""The clinic's scripts: faulty as said, run as a user would; unattempted, each folk cure, the solution."""

import json
import subprocess
import sys

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks

from conftest import ROOT, in_gate
from overwritten.lesson.exercises import clinic
from overwritten.lesson.witness import WHY_NOT

each_script = pytest.mark.parametrize("name", clinic.SCRIPTS)
few_scripts = pytest.mark.parametrize("name", in_gate(clinic.SCRIPTS, "detector"))


def mend(name, text):
    verdict = clinic.EXERCISES[f"mend_{name}"].check({"script": text})
    return verdict.outcome, verdict.message


def answer_of(exercise):
    names = {}
    exec(exercise.solution().message, names)
    return names["answer"]


@each_script
def test_a_script_is_one_that_a_user_would_write(name):
    text = clinic.source(name)
    assert (
        100 <= len(text.splitlines()) <= 200 and "overwritten" not in text and "fault" not in text
    )
    assert all(len(line) <= 120 for line in text.splitlines())


@few_scripts
def test_run_alone_it_raises_and_under_the_doctor_it_is_told_why(name, tmp_path):
    plain = subprocess.run(
        [sys.executable, clinic.SCRIPTS[name].path], cwd=ROOT, capture_output=True, text=True
    )
    assert plain.returncode == 1 and "modified by an inplace operation" in plain.stderr
    path = f"lessons_src/clinic/{name}.py"
    command = [sys.executable, "-m", "overwritten", "--json", tmp_path / "told.json", path]
    watched = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert watched.returncode == 1
    told = json.loads((tmp_path / "told.json").read_text())["diagnosis"]
    _, saver, writers = clinic.found(name)
    assert told["saver"]["line"] == saver and [
        writer["line"] for writer in told["writers"]
    ] == list(writers)


@few_scripts
def test_mended_it_runs_to_its_end_and_learns(name, tmp_path):
    (tmp_path / f"{name}.py").write_text(clinic.SCRIPTS[name].mended())
    done = subprocess.run(
        [sys.executable, f"{name}.py", "30"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.count("step ") >= 10, done.stderr
    early, late = (clinic.run(name, clinic.SCRIPTS[name].mended(), steps) for steps in (1, 150))
    assert poor(name, late) < poor(name, early) / 2


def poor(name, trained):
    """How far from what it should have learnt; a GAN's losses do not tell."""
    history, nets = trained
    if name != "gan":
        return history[-1][0]
    torch.manual_seed(0)
    with torch.no_grad():
        return (nets["generator"](torch.randn(1000, 8)).norm(dim=1) - 1).abs().mean()


def test_the_second_fault_shows_when_the_first_is_mended():
    for name in ("gan", "world_model"):
        outcome, message = mend(name, clinic.SCRIPTS[name].mended(1))
        assert outcome == "wrong" and message.startswith(
            "the first fault is mended, and now another shows (AsStrided"
        ), message


def test_the_detectors_fault_depends_on_the_data():
    """The first eight pictures, two batches, are empty."""
    assert len(clinic.run("detector", steps=2)[0]) == 2
    with pytest.raises(RuntimeError, match="output 0 of Sigmoid"):
        clinic.run("detector", steps=3)


def changed(name, *changes, faults=0):
    """The source with the first `faults` mended and then `changes`."""
    return clinic.replaced(clinic.SCRIPTS[name].mended(faults), *changes)


@pytest.mark.parametrize("name, source, cure", [
    ("gan", lambda: changed("gan"), -1),
    ("world_model", lambda: changed("world_model", *clinic.SCRIPTS["world_model"].faults[1]), 0),
    ("detector", lambda: changed("detector"), 0),
])  # fmt: skip
def test_the_solution_is_right(name, source, cure):
    """Right is what the faulty script computes if every saved tensor is kept as it was when saved."""
    with saved_tensors_hooks(lambda tensor: tensor.detach().clone(), lambda tensor: tensor):
        true = clinic.run(name, source())
    assert clinic._alike(clinic.SCRIPTS[name], clinic._right(name)[cure], true)


@pytest.mark.parametrize("key", clinic.EXERCISES)
def test_unattempted_and_right(key):
    exercise = clinic.EXERCISES[key]
    assert exercise.check().outcome == "not attempted"
    assert exercise.check(dict.fromkeys(exercise.questions, ...)).outcome == "not attempted"
    verdict = exercise.check(answer_of(exercise))
    assert (verdict.outcome, verdict.message) == ("right", "well done.")
    first, second, third, fourth = (exercise.hint().message for _ in range(4))
    assert first != second and third == fourth


@each_script
def test_the_script_as_it_was_is_not_attempted(name):
    assert mend(name, clinic.source(name))[0] == "not attempted"


GAN_STEP = ("        opt_d.step()\n", "")
GAN_LATE = ("        opt_g.step()\n", "        opt_g.step()\n        opt_d.step()\n")
SCORE_AGAIN = (
    "loss_g = F.softplus(-score_fake).mean()",
    "loss_g = F.softplus(-critic(fake)).mean()",
)
FILL = "            states[:, t + 1] = (1 - self.leak) * states[:, t] + self.leak * update\n"
DECODE = "        y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * self.anchors\n"
CENTRE = "        y[..., 0:2] = (y[..., 0:2] * 2 - 0.5 + self.grid) * STRIDE\n"
FOLK = {
    ("gan", ".data"): (lambda: changed("gan", ("out += x", "out.data += x")), "`out.data += x` wrote over it, and no counter moved"),
    ("gan", "numpy"): (lambda: changed("gan", ("out += x", "out.detach().numpy()[:] += x.detach().numpy()")), "no counter moved"),
    ("gan", ".detach()"): (lambda: changed("gan", ("out += x", "out.detach().add_(x)")), "`out.detach().add_(x)` wrote over it"),
    ("gan", "no_grad"): (lambda: changed("gan", ("        out += x", "        with torch.no_grad():\n            out += x")), "`out += x` wrote over it"),
    ("gan", "retain_graph"): (lambda: changed("gan", ("loss_g.backward()", "loss_g.backward(retain_graph=True)")), "`out += x` wrote over it"),
    ("gan", "retain_graph, second"): (
        lambda: changed("gan", ("loss_g.backward()", "loss_g.backward(retain_graph=True)"), faults=1),
        "now another shows (AsStrided, [32, 1], version 2; expected version 1). Ask again",
    ),
    ("gan", "inplace=False"): (lambda: clinic.source("gan").replace("inplace=True", "inplace=False"), "You took `inplace=True` from an activation"),
    ("gan", "clone after"): (lambda: changed("gan", ("return out\n", "return out.clone()\n")), "it still raises (Relu, [64, 32], version 1"),
    ("gan", "step last"): (lambda: changed("gan", GAN_STEP, GAN_LATE, faults=1), "it learns to be fooled"),
    ("gan", "all detached"): (
        lambda: changed("gan", ("generator(torch.randn(BATCH, NOISE))", "generator(torch.randn(BATCH, NOISE)).detach()"), SCORE_AGAIN, faults=1),
        "the generator learns nothing",
    ),
    ("world_model", ".data"): (lambda: changed("world_model", ("states[:, t + 1] =", "states.data[:, t + 1] =")), "`.data` cuts the history"),
    ("world_model", ".detach()"): (lambda: changed("world_model", ("mix(states[:, t])", "mix(states[:, t].detach())")), "it still raises"),
    ("world_model", "no_grad"): (lambda: changed("world_model", (FILL, f"            with torch.no_grad():\n    {FILL}")), WHY_NOT["no_grad"]),
    ("world_model", "inplace=False"): (lambda: changed("world_model", ("inplace=True", "inplace=False")), "You took `inplace=True` from an activation"),
    ("world_model", "retain_graph dropped"): (lambda: changed("world_model", ("loss.backward(retain_graph=True)", "loss.backward()"), faults=1), "another error now: backward twice"),
    ("world_model", "cut within"): (
        lambda: changed("world_model", ("mix(states[t])", "mix(states[t].detach())"), faults=2), "the gradient has to go from step to step",
    ),
    ("world_model", "forgets"): (lambda: changed("world_model", ("actions, state)\n        loss", "actions, model.start())\n        loss"), faults=1), "the model forgets"),
    ("detector", ".data"): (lambda: changed("detector", ("y[..., 0:2] =", "y.data[..., 0:2] ="), ("y[..., 2:4] =", "y.data[..., 2:4] =")), "no counter moved"),
    ("detector", ".detach()"): (lambda: changed("detector", ("raw.sigmoid()", "raw.detach().sigmoid()")), WHY_NOT[".detach()"]),
    ("detector", "no_grad"): (
        lambda: changed("detector", (CENTRE + DECODE, f"        with torch.no_grad():\n    {CENTRE}    {DECODE}")), "it still raises",
    ),
    ("detector", "retain_graph"): (lambda: changed("detector", ("loss.backward()", "loss.backward(retain_graph=True)")), "it still raises"),
    ("detector", "inplace=False"): (lambda: changed("detector", ("inplace=True", "inplace=False")), "You took `inplace=True` from an activation"),
    ("detector", "no rectangles"): (lambda: changed("detector", ("0 if self.count < 8 else int(torch.randint(3, (1,)))", "0")), "hide the fault"),
}  # fmt: skip


@pytest.mark.parametrize("key", FOLK, ids="-".join)
def test_a_folk_cure_is_refused_by_name(key):
    make, words = FOLK[key]
    outcome, message = mend(key[0], make())
    assert outcome == "wrong" and words in message, message


@pytest.mark.parametrize("name, source", [
    ("gan", lambda: clinic.SCRIPTS["gan"].mended(cure=clinic.SCRIPTS["gan"].others[0])),
    ("gan", lambda: changed("gan", ("out += x", "out = out.add(x)"), ("        opt_d.step()\n", "        opt_d.step()\n        score_fake = critic(fake)\n"))),
    ("world_model", lambda: changed("world_model", ("mix(states[:, t])", "mix(states[:, t].clone())"), *clinic.SCRIPTS["world_model"].faults[1])),
    ("world_model", lambda: changed("world_model", ("actions, state)\n        loss", "actions, state.detach())\n        loss"), faults=1)),
    ("detector", lambda: changed("detector", ("raw.sigmoid()", "raw.sigmoid().clone()"))),
])  # fmt: skip
def test_other_right_cures_are_accepted(name, source):
    assert mend(name, source()) == ("right", "well done.")


def test_a_path_will_do(tmp_path):
    (tmp_path / "gan.py").write_text(clinic.SCRIPTS["gan"].mended())
    assert (
        mend("gan", str(tmp_path / "gan.py"))[0] == mend("gan", tmp_path / "gan.py")[0] == "right"
    )


@pytest.mark.parametrize("answer, words", [
    (3, "give the mended script as text, or the path of its file; you gave 3."),
    ("out = out + x", "as text, or the path"),
    ("nowhere/gan.py", "there is no file 'nowhere/gan.py'."),
    ("def train(\n", "line 1 is no Python"),
    ("import torch\n", "the script has no function `train` any more"),
    ("def train(steps):\n    return [], {}\n", "`train` has to return the losses of its 4 steps"),
    ("def train(steps):\n    raise SystemExit\n", "your function raised SystemExit"),
])  # fmt: skip
def test_what_is_no_script_gets_a_sentence(answer, words):
    outcome, message = mend("gan", answer)
    assert outcome == "wrong" and words in message and "\n" not in message


@pytest.mark.parametrize("saver, writer, words", [
    (36, 35, "the wrong way round"),
    (35, 81, "Look for a line that writes into a tensor that is there"),
    (34, 36, "the saver is not line 34, `out = self.norm(self.linear(x))`. Its tensor is [64, 32]"),
    ("35", 35, "the wrong way round"),
    ("-35", 36, "give the number of a line, 1 to"),
    ("35, 36", 36, "give the number of a line, 1 to"),
    (35, 10_000, "give the number of a line, 1 to"),
    (True, 36, "you gave True"),
])  # fmt: skip
def test_a_wrong_line_gets_a_sentence(saver, writer, words):
    verdict = clinic.find_gan.check({"saver": saver, "writer": writer})
    assert verdict.outcome == "wrong" and words in verdict.message


def test_a_check_leaves_nothing_behind(capsys):
    state = torch.get_rng_state()
    mend("gan", "print('hello')\n" + clinic.source("gan"))
    assert torch.equal(torch.get_rng_state(), state) and capsys.readouterr().out == ""


def test_lines_with_their_numbers():
    assert clinic.numbered("gan", 35, 36) == " 35          out = F.relu(out)\n 36          out += x"
