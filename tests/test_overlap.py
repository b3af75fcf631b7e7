"""Watches that overlap in several threads and end in any order: each tells its own lines, and
after the last of them PyTorch's functions are those from before."""

import sys
import threading
from queue import SimpleQueue

import pytest
import torch
import torch.utils.checkpoint
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from overwritten import guard, watch
from overwritten.live.newest import Question
from overwritten.record.private import ALLOW_HOOKS, ENGINE, FORBID_HOOKS, SCRIPTS

REPLACED = (
    *(ENGINE, FORBID_HOOKS, ALLOW_HOOKS, *((kind, "__call__") for kind in SCRIPTS)),
    *((torch, "compile"), (torch.autograd.Function, "apply"), (saved_tensors_hooks, "__enter__")),
    *((threading.Thread, "start"), (threading.Thread, "_bootstrap_inner")),
    (torch.utils.checkpoint, "_make_saved_tensor"),
)
RECODED = torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad, nn.Module.__call__


def functions():
    found = [vars(place)[name] for place, name in REPLACED]
    asks = [name for f in RECODED for name in f.__globals__ if name.startswith("overwritten_has")]
    return *found, *(f.__code__ for f in RECODED), asks


@pytest.fixture(autouse=True)
def nothing_is_left():
    before, modes = functions(), torch._C._len_torch_function_stack()
    yield
    assert functions() == before
    assert torch._C._len_torch_function_stack() == modes


class Elsewhere:
    """A thread that was begun before, a plain one or the package's own, and does step by step
    what it is given."""

    def __init__(self, package=False):
        self._todo, self._done = SimpleQueue(), SimpleQueue()
        if package:
            Question(None, lambda question: self._serve()).start()
        else:
            threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        for step in iter(self._todo.get, None):
            try:
                self._done.put((step(), None))
            except BaseException as error:
                self._done.put((None, error))

    def __call__(self, step):
        self._todo.put(step)
        result, error = self._done.get(timeout=60)
        if error:
            raise error
        return result


class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return 2 * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * gradient + 0 * ctx.saved_tensors[0]


class Net(nn.Module):
    def __init__(self, act, write):
        super().__init__()
        self.act, self.write = act, write

    def forward(self, x):
        h = self.act(x)
        self.write(h)
        return h


class Exp(nn.Module):
    def forward(self, x):
        return x.exp()


def fault(watched, write, own=False):
    """A watch and what runs in it, as steps: begin, save, write, backward, end."""
    x = torch.ones(3, requires_grad=True)
    net, state = Net(Exp(), write), {}

    def begin():
        state["recording"] = watched.__enter__()

    def forward():
        h = x * 1
        state["y"] = Double.apply(h) if own else net(h)
        if own:
            write(h)

    def backward():
        with pytest.raises(RuntimeError) as caught:
            state["y"].sum().backward()
        state["error"] = caught.value

    def end():
        watched.__exit__(None, None, None)
        return state["recording"], state["error"]

    return begin, forward, backward, end


@pytest.mark.parametrize("own", [False, True], ids=["module", "Function"])
@pytest.mark.parametrize("package", [False, True], ids=["thread", "ours"])
@pytest.mark.parametrize("order", ["abababab", "abaabbab", "abaaabbb", "ababbaab", "abbbabaa"])
def test_each_tells_its_own(order, package, own):
    elsewhere = Elsewhere(package)
    steps = {
        "a": iter(fault(watch(), lambda h: h.add_(1), own)),
        "b": iter(fault(watch(), lambda h: h.mul_(2), own)),
    }
    told = {}
    for who in order:
        step = next(steps[who])
        told[who] = step() if who == "a" else elsewhere(step)
    for who, op in (("a", "add_"), ("b", "mul_")):
        recording, error = told[who]
        (diagnosis,) = recording.all
        assert diagnosis is recording.diagnosis and diagnosis.complete
        assert [wrote.op for wrote in diagnosis.writers] == [op]
        saver = diagnosis.saver
        assert saver.op == ("Double.apply" if own else "exp")
        assert own or saver.site.module == "Net.act (Exp)"
        if sys.version_info >= (3, 11):
            assert error.__notes__ == [diagnosis.text()]


def silent_fault():
    x = torch.ones(3, requires_grad=True)
    y = (x * 1).exp()
    y.data.mul_(2)
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        z = Double.apply(y)
    z.sum().backward()


@pytest.mark.filterwarnings("ignore:a gradient is wrong")
@pytest.mark.parametrize("how", ["strict", "heal"])
@pytest.mark.parametrize("order", ["ababab", "abaabb", "abbaab"])
def test_each_finds_and_heals_its_own(order, how, capsys):
    def steps(work):
        watched = watch(**{how: True})
        yield watched.__enter__()
        yield work()
        yield watched.__exit__(None, None, None)

    recordings, elsewhere = {}, Elsewhere()
    programs = {"a": steps(lambda: None), "b": steps(silent_fault)}
    for who in order:
        result = next(programs[who]) if who == "a" else elsewhere(lambda: next(programs["b"]))
        recordings.setdefault(who, result)
    a, b = (recordings[who] for who in "ab")
    assert a.silent == a.healed == []
    (found,) = b.silent if how == "strict" else [fault.found for fault in b.healed]
    assert found.saver.op == "exp"


def test_a_thread_is_a_matter_of_the_watch_that_begins_it():
    def begins_another():
        begin, forward, backward, end = fault(watch(), lambda h: h.mul_(2))
        begin()
        thread = threading.Thread(target=lambda: [forward(), backward()])
        thread.start()
        thread.join()
        return end()

    elsewhere = Elsewhere()
    with watch() as recording:
        inner, error = elsewhere(begins_another)
    assert recording.all == [] and inner.diagnosis.complete
    assert [wrote.op for wrote in inner.diagnosis.writers] == ["mul_"]


def test_a_thread_that_is_no_watch_s_own_is_a_matter_of_all():
    """A graph that was made under the watch, and a backward in a thread begun before it."""
    begin, forward, backward, end = fault(watch(), lambda h: h.mul_(2))
    elsewhere = Elsewhere()
    begin()
    forward()
    elsewhere(backward)
    assert end()[0].diagnosis.complete


def test_two_of_one_thread_that_end_out_of_order():
    first, second = (fault(watch(), lambda h: h.mul_(2)) for _ in range(2))
    guarded = torch.zeros(2)
    first[0]()
    second[0]()
    guard_it = guard(guarded)
    first[1]()
    first[2]()
    recording, _ = first[3]()
    assert recording.diagnosis.complete
    guard_it.release()
    second[1]()
    second[2]()
    recording, _ = second[3]()
    assert len(recording.all) == 2 and recording.all[1].complete


def test_what_a_program_puts_over_ours_stays_and_calls_the_plain_function(monkeypatch):
    plain, calls, begin = torch.autograd._engine_run_backward, [], watch()
    begin.__enter__()
    ours = torch.autograd._engine_run_backward
    patch = lambda *args, **kwargs: [calls.append(1), ours(*args, **kwargs)][1]
    monkeypatch.setattr(torch.autograd, "_engine_run_backward", patch)
    begin.__exit__(None, None, None)
    assert torch.autograd._engine_run_backward is patch
    with watch() as recording, pytest.raises(RuntimeError):
        y = torch.ones(3, requires_grad=True).exp()
        y += 1
        y.sum().backward()
    assert calls == [1] and recording.diagnosis.complete and begin.recording.all == []
    monkeypatch.undo()
    torch.autograd._engine_run_backward = plain
