"""The healed run: gradients are those of a twin that clones at the save, and each fault is named."""

import gc
import json
import os
import sys
import threading
from collections import Counter

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

import test_doctor
import test_strict
from overwritten import watch
from overwritten.cases import detector
from overwritten.cases.detector_data import make_scenes, make_support
from overwritten.cases.slowfast import ActionDetector, Config, losses_of
from overwritten.cases.slowfast_data import collate, make_clips
from overwritten.doctor import copies
from overwritten.doctor.block import Doctor
from overwritten.doctor.copies import Kept
from overwritten.doctor.gradients import Gradients, compare, read
from overwritten.doctor.healed import healed_text
from overwritten.doctor.report import MOST_LINES
from overwritten.doctor.strict import EARLIER
from overwritten.record.private import SHOWS_SAVES
from test_command import FORKS, line_of, write
from test_command import run as command
from test_doctor import gradients_under, random_program, run

#: `OVERWRITTEN_HEALED=2000 pytest tests/test_heal.py -k random` is the long run.
PROGRAMS = int(os.environ.get("OVERWRITTEN_HEALED", "200"))


LEAVES = "a tensor of shape (3, 4)", "a tensor of shape (4, 4)", "Linear.weight (4, 4)"
MEASURED: list = []


class Truth:
    """An eye of its own: at each save the line and a copy, at each use whether it has changed."""

    def __init__(self):
        self.saved_at = Counter()

    def pack(self, tensor):
        frame = sys._getframe(1)
        while frame.f_code.co_filename != "<program>":
            frame = frame.f_back
        return tensor.detach(), tensor._version, tensor.detach().clone(), frame.f_lineno

    def unpack(self, saved):
        tensor, version, first, line = saved
        bits = tensor.contiguous().view(torch.int32), first.contiguous().view(torch.int32)
        self.saved_at[line] += tensor._version != version or not torch.equal(*bits)
        return first


def program_of(seed):
    """Every second one writes past the counter."""
    code = random_program(seed)
    return code.replace(".detach().", ".data.") if seed % 2 else code


def heal(seed):
    """One random program; how many faults it has."""
    code, truth = program_of(seed), Truth()
    with torch.autograd.graph.saved_tensors_hooks(truth.pack, truth.unpack):
        error, true = run(code)
    eyes = Doctor(heal=True)
    healed_error, healed = run(code, eyes)
    assert str(healed_error) == str(error), f"seed {seed}\n{code}"
    if error is not None:
        return 0
    for a, b in zip(true, healed):
        assert (a is None and b is None) or torch.equal(a, b), f"seed {seed}\n{code}"
    faults = Counter()
    for fault in eyes.healer.faults.met:
        saver, writers = fault.found.saver, fault.found.writers
        faults[saver.site.line] += fault.times
        assert writers and not fault.found.gaps, f"seed {seed}\n{code}"
        ticks = [w for w in writers if w.after is not None]
        steps = [saver.expects, *(w.after for w in ticks)]
        assert [w.before for w in ticks] == steps[:-1] and steps[-1] == saver.now, code
        assert fault.ticked == bool(ticks), f"seed {seed}\n{code}"
        assert fault.verdict in ("right", "wrong") or fault.behind, f"seed {seed}\n{code}"
    assert faults == +truth.saved_at, f"seed {seed}\n{code}"
    if len(eyes.healer.faults.met) == 1 and not fault.behind and SHOWS_SAVES:
        check_effects(fault, true, gradients_under(code, torch.Tensor.detach)[1], code)
    return len(faults)


def check_effects(fault, true, would, code):
    """They are those of the gradients that the bytes as they are give."""
    MEASURED.append(fault.verdict)
    for name, a, b in zip(LEAVES, true, would):
        if a is not None and not (a.abs().max() < 1e4 and b.abs().max() < 1e4 and (b != 7.7).all()):
            continue  # `run` has put 7.7 in place of nan
        off = float((b - a).norm() / a.norm()) if a is not None else 0
        effect = fault.effects.get(name)
        if off != off or off < 1e-5 or effect is None:
            assert off != off or off < 1e-5, f"{name}\n{code}"
            continue
        assert effect.off == pytest.approx(off, 1e-3), code
        assert effect.ratio == pytest.approx(float(b.norm() / a.norm()), 1e-3), code


def test_random_programs_have_the_gradients_of_a_twin_and_each_fault_is_named():
    faults = test_doctor.of_each_seed(PROGRAMS, heal)
    assert sum(faults) > len(faults) / 2, "hardly a fault: the test tests nothing"
    assert (
        not SHOWS_SAVES
        or MEASURED.count("right") > 1
        and MEASURED.count("wrong") > len(faults) / 20
    )


# one program for each kind of fault: what it returns must be that of a twin


def ticked():
    x = torch.rand(3, requires_grad=True)
    y = x.exp()
    y += 1
    y.sum().backward()
    return x.grad


def silent():
    x = torch.rand(3, requires_grad=True)
    y = x * 1
    z = (y * y).sigmoid()
    y.data.mul_(2)
    z.data[0] = 3
    z.sum().backward()
    return x.grad


def numpy():
    x = torch.rand(3, requires_grad=True)
    y = x.exp()
    y.detach().numpy()[0] = 5
    y.sum().backward()
    return x.grad


def rebound():
    x = torch.rand(3, requires_grad=True)
    y = x * 1
    z = y * y
    y.data = torch.ones(3)
    z.sum().backward()
    return x.grad


def slices():
    x, u = torch.rand(3, requires_grad=True), torch.zeros(4)
    y = x * 1
    u[1:].copy_(y)
    u[:2].sigmoid_()
    u[:1] = 7
    u.sum().backward()
    return x.grad


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return 2 * x.mul_(gradient)  # it may: the copy is its own


def custom():
    x = torch.rand(3, requires_grad=True)
    y = x * 1
    z = Square.apply(y)
    y.zero_()
    (3 * z).sum().backward(retain_graph=True)
    (3 * z).sum().backward()
    return x.grad


def twice():
    x = torch.rand(3, requires_grad=True)
    y = x * 1
    z = y.sin()
    (first,) = torch.autograd.grad(z.sum(), x, create_graph=True)
    y.mul_(3)
    first.square().sum().backward()
    return x.grad


def inputs_only():
    x = torch.rand(3, requires_grad=True)
    y = x * 1
    z = y.exp()
    z.mul_(y)
    return torch.cat(torch.autograd.grad(z.sum(), (x, y)))


def in_a_thread():
    x = torch.rand(3, requires_grad=True)

    def work():
        y = x.exp()
        y += 1
        y.sum().backward()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return x.grad - x.exp()


def stepped_between():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 1))
    optimizer, loss = torch.optim.SGD(net.parameters(), 0.1), net(torch.rand(2, 3)).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    loss.backward()
    return net[0].weight.grad


def under_autocast():
    net = nn.Linear(3, 3)
    with torch.autocast("cpu"):
        y = net(torch.rand(2, 3)).exp()
        y += 1
    y.float().sum().backward()
    return net.weight.grad


def with_a_transform():
    x = torch.rand(3, requires_grad=True)
    y = torch.func.grad(lambda a: (a * a).sum())(torch.vmap(torch.sin)(x.detach())) + x
    z = y.exp()
    z += 1
    z.sum().backward()
    return x.grad - y.exp()


@torch.jit.script
def scripted(x: torch.Tensor):
    y = x.exp()
    y += 1
    return y * y


def in_a_script():
    x = torch.rand(3, requires_grad=True)
    scripted(x).sum().backward()
    return x.grad


def written_on():
    """Between two backwards of another graph, the second of them by another line."""
    x, w = torch.rand(3, requires_grad=True), torch.rand(3, requires_grad=True)
    y = x.exp()
    for _ in range(2):
        w.sin().sum().backward()
        y += 1
    w.sin().sum().backward()
    y *= 2
    y.sum().backward()
    return x.grad


def gan():
    maker, judge = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    ours, theirs = (torch.optim.SGD(net.parameters(), 0.1) for net in (maker, judge))
    for _ in range(3):
        false = maker(torch.rand(4, 2))
        first, second = judge(false).mean(), -judge(false).mean()
        theirs.zero_grad()
        first.backward(retain_graph=True)
        theirs.step()
        ours.zero_grad()
        second.backward()
        ours.step()
    return maker.weight.detach()


#: program → (saver, writers, verdict) of each of its faults, in order.
KINDS = {
    ticked: [("exp", ["add_"], "wrong")],
    silent: [("mul", ["mul_"], "wrong"), ("sigmoid", ["__setitem__"], "wrong")],
    numpy: [("exp", [EARLIER], "wrong")],
    rebound: [("mul", ["x.data = …"], "wrong")],
    slices: [("sigmoid_", ["__setitem__"], "right")],
    custom: [("Square.apply", ["zero_"], "not measured")],
    twice: [("grad", ["mul_"], "wrong")],
    inputs_only: [("exp", ["mul_"], "wrong")],
    in_a_thread: [("exp", ["add_"], "wrong")],
    stepped_between: [("linear", ["add_"], "wrong")],
    under_autocast: [("exp", ["add_"], "wrong")],
    with_a_transform: [("exp", ["add_"], "wrong")],
    in_a_script: [("scripted", [], "wrong")],
    written_on: [("exp", ["add_", "add_", "mul_"], "wrong")],
    gan: [("linear", ["add_"], "wrong")],
}


def twin(program):
    """The same with every save cloned."""
    torch.manual_seed(0)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), torch.clone):
        return program()


def healed(program):
    """(what it returns, the eyes)."""
    torch.manual_seed(0)
    with Doctor(heal=True) as eyes:
        result = program()
    return result, eyes


def told(eyes):
    return [
        (one.found.saver.op, [w.op for w in one.found.writers], one.verdict)
        for one in eyes.healer.faults.all
    ]


@pytest.mark.parametrize("program", KINDS, ids=lambda program: program.__name__)
def test_each_kind_of_fault_is_healed_and_named(program):
    result, eyes = healed(program)
    assert told(eyes) == KINDS[program]
    if program in (in_a_thread, with_a_transform):  # a twin's hooks are not on there, or forbidden
        assert not result.any()
    else:
        assert torch.equal(result, twin(program))


# what the report says


def test_the_detector_trains_and_all_its_faults_are_named_in_one_run():
    train = make_scenes(0, 12)

    def episodes(**fixes):
        torch.manual_seed(0)
        model, losses = detector.FewShotDetector(**fixes), []
        optimizer = torch.optim.Adam(model.parameters(), 4e-3)
        for number in range(3):
            scenes = train[4 * number : 4 * number + 4]
            loss = detector.loss_of(model, scenes, make_support(number))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    (before, eyes), mended = run_and_keep(episodes, heal=True)
    faults = eyes.healer.faults.all
    assert [one.found.saver.op for one in faults] == ["mul"] * 4 + ["clamp"] * 4
    assert len({one.found.saver.site.line for one in faults}) == 8
    assert all(one.times == 3 and one.ticked for one in faults) and before[2] < before[0]
    assert [one.verdict for one in faults[:4]] == ["wrong"] * 4
    text = healed_text(eyes.healer)
    assert text.startswith("overwritten --heal: 8 faults, healed 24 times: backward got")
    assert len(text.split("\n")) <= MOST_LINES and text.count("saved by") == 8
    assert "FewShotDetector.box.weight" in text
    assert 0.5 < faults[0].effects["FewShotDetector.box.bias"].ratio < 2  # summed, as it is taken
    (after, _), kept = run_and_keep(lambda: episodes(stack=True))
    assert after == before and "bit for bit" in compare(mended, kept, healed=False)


def run_and_keep(program, heal=False):
    gradients = Gradients()
    with Doctor(heal=heal, gradients=gradients) as eyes:
        result = program()
    return (result, eyes), json.loads(json.dumps(gradients.as_dict()))


def test_the_head_of_alphaction():
    def step(**switches):
        torch.manual_seed(0)
        losses_of(ActionDetector(Config(**switches)), collate(make_clips(2, seed=1))).backward()

    (_, eyes), before = run_and_keep(step, heal=True)
    assert told(eyes) == [("relu", ["dropout"], "right")]  # what it zeroes has no gradient
    _, after = run_and_keep(lambda: step(dropout_inplace=False))
    assert "bit for bit" in compare(before, after, healed=False)


def test_what_cannot_be_healed_is_named():
    def program():
        net = nn.Linear(3, 3)
        checkpoint(net, torch.rand(2, 3), use_reentrant=False).sum().backward()
        with torch.autograd.graph.save_on_cpu():
            net(torch.rand(2, 3)).sum().backward()
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            net(torch.rand(2, 3)).sum().backward()

    _, eyes = healed(program)
    assert set(eyes.healer.unhealed) == {
        "saves in a checkpoint",
        "saves under save_on_cpu",
        "saves under hooks of others",
    }
    assert "not healed     saves in a checkpoint, saves under" in healed_text(eyes.healer)


@pytest.mark.skipif(not SHOWS_SAVES, reason="this PyTorch does not say which hooks are on")
def test_compiled_code_runs_without_our_hooks():
    seen = []

    def look(module, inputs):
        seen.append(
            [torch._C._autograd._top_saved_tensors_default_hooks(False) for module in inputs]
        )
        return module.forward

    def program():
        x = torch.rand(3, requires_grad=True)
        y = torch.compile(lambda a: a.exp(), backend=look)(x).sin()
        z = y.exp()
        z += 1
        z.sum().backward()
        return x.grad

    result, eyes = healed(program)
    assert torch.equal(result, twin(program)) and eyes.healer.unhealed == {"compiled code": 1}
    assert seen[0] == [None] and told(eyes) == [("exp", ["add_"], "wrong")]


def test_a_hook_of_ones_own_runs_once_and_nothing_behind_it_is_measured():
    calls = []

    def program():
        x = torch.rand(3, requires_grad=True)
        y = x * 2
        y.register_hook(lambda gradient: calls.append(1) or gradient * 3)
        z = y.exp()
        z += 1
        z.sum().backward()
        return x.grad

    result, eyes = healed(program)
    assert calls == [1] and torch.equal(result, twin(program))
    assert "not measured behind a hook on a gradient" in healed_text(eyes.healer)


# it changes nothing else


def drawn_after_the_save():
    x = torch.randn(9, requires_grad=True)
    nn.functional.rrelu(x, training=True).sum().backward()
    return x.grad


@pytest.mark.parametrize(
    "program",
    [
        drawn_after_the_save,
        test_doctor.double_backward,
        test_doctor.transforms,
        test_doctor.autocast,
        test_doctor.gradient_hooks,
        test_doctor.views,
        test_doctor.out_and_foreach,
        test_doctor.amsgrad_steps,
        test_strict.training_step,
        test_strict.accumulation,
        test_strict.attention,
        test_strict.recurrent,
        test_strict.data_before_the_save,
        test_strict.identity_hooks_and_checkpoints,
        test_strict.changed_bytes_that_no_gradient_needs,
        test_strict.checkpointed_norm_and_rrelu,
        test_strict.the_last_one_may_write_its_gradient,
        test_strict.freed_fake_and_transformed,
    ],
    ids=lambda program: program.__name__,
)
def test_right_programs_are_the_same_to_the_bit_and_not_accused(program):
    torch.manual_seed(0)
    plain, dice = program(), torch.rand(1)
    result, eyes = healed(program)
    assert told(eyes) == [] and torch.equal(torch.rand(1), dice)
    assert torch.equal(result, plain) if isinstance(plain, torch.Tensor) else result == plain


def test_off_again_completely():
    enter, begin = (
        torch.autograd.graph.saved_tensors_hooks.__enter__,
        threading.Thread._bootstrap_inner,
    )
    with pytest.raises(KeyError), watch(heal=True), watch(heal=True):
        raise KeyError
    assert torch.autograd.graph.saved_tensors_hooks.__enter__ is enter
    assert threading.Thread._bootstrap_inner is begin
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        ticked()


def test_no_save_outlives_its_graph():
    def program():
        x = torch.rand(3, requires_grad=True)
        y = x.exp().sigmoid().relu_()
        u = torch.zeros(3)
        u[1:] = y[1:].exp()
        u[:2].sigmoid_()
        torch._foreach_exp([y, Square.apply(u)])

    gc.collect()
    before = sum(type(one) is Kept for one in gc.get_objects())
    _, eyes = healed(program)
    assert eyes.healer.copies.made > 5 and eyes.healer.copies.bytes == 0
    assert sum(type(one) is Kept for one in gc.get_objects()) == before


def test_watch_tells_and_keeps_the_faults(capsys):
    with watch(heal=True) as recording:
        ticked()
    (fault,) = recording.healed
    assert fault.found.saver.op == "exp" and recording.diagnosis is None
    assert "1 fault, healed 1 time" in capsys.readouterr().err


def test_where_memory_runs_short_it_stops_and_the_run_goes_on(monkeypatch, capsys):
    monkeypatch.setattr(copies, "_BETWEEN", 0)
    monkeypatch.setattr(copies, "available", lambda: 30)

    def program():
        x = torch.rand(3, requires_grad=True)
        first = x.exp()
        first.add_(1).sum().backward()  # healed
        y, z = x.exp(), x.sigmoid()
        right = torch.stack([y, z, x.tanh(), x.cos()]).sum()
        right.backward()
        y = x.exp()
        y += 1
        y.sum().backward()

    with pytest.raises(RuntimeError, match="at version 1; expected version 0") as raised:
        healed(program)
    assert capsys.readouterr().err.count("stops healing: no memory is left") == 1
    if sys.version_info >= (3, 11):  # else it was printed
        assert "add_" in raised.value.__notes__[0]


# --heal and --check


MENDED = """
    import os, sys, torch
    torch.manual_seed(int(sys.argv[1]))
    net = torch.nn.Linear(3, int(sys.argv[2]))
    for step in range(3):
        y = net(torch.rand(2, 3)).exp()  # saves
        y += 1  # writes
        y.sum().backward()
    print(net.weight.grad.sum().item())
"""


@FORKS
def test_name_heal_mend_check(tmp_path):
    faulty = MENDED + "    if not os.fork():\n        (net.bias.exp().add_(1)).sum().backward()\n"
    faulty += "    else:\n        os.wait()\n"
    write(tmp_path, faulty=faulty, mended=MENDED.replace("y += 1", "y = y + 1"))
    code, out, err = command(tmp_path, "--heal", "--json", "a.json", "faulty.py", "0", "3")
    assert code == 0 and "1 fault, healed 3 times" in err
    report = json.loads((tmp_path / "a.json").read_text())
    fault, child = report["healed"]
    assert fault["saver"]["line"] == line_of(tmp_path / "faulty.py", "saves")
    assert fault["writers"][0]["line"] == line_of(tmp_path / "faulty.py", "writes")
    assert fault["raises"] and fault["times"] == 3 and fault["gradient"]["verdict"] == "wrong"
    assert child["process"] != fault["process"] and child["times"] == 1
    assert report["healing"]["copies"] and report["gradients"]["backwards"] == 3
    code, printed, err = command(tmp_path, "--check", "a.json", "mended.py", "0", "3")
    assert (code, printed) == (0, out)
    assert "--check: 6 gradients of 3 backwards, equal to those of the healed run bit" in err
    code, printed, err = command(tmp_path, "--check", "a.json", "faulty.py", "0", "3")
    assert code == 1 and "this run had no backward" in err  # it raises, as ever


def test_what_is_no_report_is_told_before_the_program_runs(tmp_path):
    write(tmp_path, program="print('ran')")
    (tmp_path / "a.json").write_text('{"diagnosis": null}')
    code, out, err = command(tmp_path, "--check", "a.json", "program.py")
    assert (code, out) == (2, "") and "no report of a healed run" in err and err.count("\n") == 1
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        read(str(tmp_path / "b.json"))


def test_two_reports_are_told_apart():
    def program(size=3, steps=2, seed=0):
        torch.manual_seed(seed)
        x = torch.rand(size, requires_grad=True)
        for _ in range(steps):
            x.exp().sum().backward()

    _, two = run_and_keep(program)
    _, three = run_and_keep(lambda: program(steps=3))
    assert "it has 2 backwards, this run 3; those that both have are equal" in compare(
        two, three, False
    )
    assert "is deterministic: 2 gradients of 2 backwards" in compare(two, two, True)
    _, other = run_and_keep(lambda: program(seed=1))
    assert "backward 1 is the first, the gradient of a tensor of" in compare(two, other, False)
    assert "is not deterministic: in backward 1" in compare(two, other, True)
    _, large = run_and_keep(lambda: program(size=4))
    assert "of another program: backward 1 there reaches a tensor" in compare(two, large, False)
    _, none = run_and_keep(lambda: None)
    assert "this run had no backward" in compare(two, none, False)
    other = {**two, "torch": "2.0", "kept": [[{**one, "sha": "", "projections": [1.0] * 8}
                                              for one in kept] for kept in two["kept"]]}  # fmt: skip
    assert "(the report is from torch 2.0, this is" in compare(other, two, False)
    rounded = json.loads(json.dumps(two))
    rounded["kept"][0][0] |= {"sha": ""}
    rounded["kept"][0][0]["projections"][0] += 1e-6
    assert compare(rounded, two, False).endswith("to within 1e-05.")


def test_without_a_stderr_nothing_is_said(monkeypatch, capsys):
    """`print(…, file=None)` would write to the program's stdout."""
    monkeypatch.setattr(sys, "stderr", None)
    with watch(heal=True) as recording:
        x = torch.ones(3, requires_grad=True)
        y = x.exp()
        y += 1
        y.sum().backward()
    assert len(recording.healed) == 1 and capsys.readouterr().out == ""
