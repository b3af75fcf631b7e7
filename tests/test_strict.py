"""Wrong gradients that raise nothing: the writing line is named, right programs are left alone."""

import copy
import ctypes
import sys
import textwrap
import weakref

import numpy
import pytest
import torch
import torch.utils.checkpoint
from torch import nn

from overwritten import watch
from overwritten.doctor.silent_cures import silent_cures
from overwritten.doctor.watching import Eyes
from overwritten.record.private import SHOWS_SAVES

pytestmark = pytest.mark.skipif(not SHOWS_SAVES, reason="this PyTorch does not show what it saves")

WRITERS = {
    ".data": "y.data.mul_(2)  # writer",
    "NumPy": "y.detach().numpy()[:] = 0  # writer",
    "NumPy kept": "n = y.detach().numpy()\nz = y * 1\nn[1] = 7  # writer",
    "ctypes": "ctypes.memset(y.data_ptr(), 0, 12)  # writer",
    "storage": "y.untyped_storage().fill_(0)  # writer",
    "DLPack": "d = torch.from_dlpack(y.detach())\nd.zero_()  # writer",
    "in a function": "def spoil(t):\n    t.data.add_(1)  # writer\nspoil(y)",
    "unsafe": "with torch.autograd._unsafe_preserve_version_counter(y):\n    y.detach().mul_(2)  # writer",
}


def silent_in(code, **names):
    """(the silent saves, the numbers of the lines marked as writers) of a program."""
    eyes, scope = Eyes(strict=True), {"torch": torch, "nn": nn, "ctypes": ctypes, **names}
    with eyes:
        exec(compile(code, "<silent>", "exec"), scope)
    marked = [n for n, line in enumerate(code.split("\n"), 1) if line.endswith("# writer")]
    return eyes.silent, marked, scope


@pytest.mark.parametrize("name", list(WRITERS))
def test_the_writing_line_is_named(name):
    code = (
        f"x = torch.ones(3, requires_grad=True)\ny = x.exp()\n{WRITERS[name]}\ny.sum().backward()\n"
    )
    silent, marked, scope = silent_in(code)
    assert len(silent) == 1 and silent[0].saver.op == "exp" and silent[0].saver.site.line == 2
    assert [w.site.line for w in silent[0].writers] == marked
    assert all(w.before is None and w.after is None for w in silent[0].writers)
    assert not torch.allclose(scope["x"].grad, torch.ones(3).exp()), "this gradient was right"


#: How the address of a tensor came out, before and during the watch; what is said of the writer.
FAR = {
    "told in the watch": ("torch", "y", "a write outside PyTorch"),
    "known before": ("before", "y", "a write outside PyTorch, here or some lines before,"),
    "of the newest": ("before", "z", "a write outside PyTorch"),
    "NumPy's own": ("numpy", "y", "a write outside PyTorch"),
}


@pytest.mark.parametrize("name", list(FAR))
def test_among_many_saves_the_line_is_named_or_it_is_said_that_it_is_not(name):
    """Of hundreds of saves not all are looked at after each line."""
    how, written, said = FAR[name]
    array = numpy.ones(3, dtype="float32")
    y = torch.from_numpy(array) if how == "numpy" else torch.full((3,), 2.0)
    z = torch.full((3,), 2.0)
    spots = {"y": y.data_ptr(), "z": z.data_ptr()}
    told = "spot = y.data_ptr()" if how == "torch" else "spot = spots[written]"
    code = f"""
        w = torch.ones(3, requires_grad=True)
        first = w * y
        {told}
        many = [w.exp() for _ in range(300)]
        last = w * z
        a = 1
        ctypes.memset(spot, 0, 12)  # writer
        b = 2
        c = 3
        (first + last + sum(many)).sum().backward()
    """
    names = {"y": y, "z": z, "spots": spots, "written": written}
    (one,), marked, _ = silent_in(textwrap.dedent(code), **names)
    (writer,) = one.writers
    assert one.saver.op == "mul" and writer.op == said
    assert writer.site.line == marked[0] or "before" in said and writer.site.line > marked[0]


def test_running_statistics_of_a_batch_norm():
    code = textwrap.dedent(
        """
        torch.manual_seed(0)
        norm = nn.BatchNorm1d(4).eval()
        x = torch.randn(8, 4, requires_grad=True)
        y = norm(x)
        norm.train()
        norm(torch.randn(64, 4) * 50)  # writer
        y.sum().backward()
        """
    )
    silent, marked, _ = silent_in(code)
    assert silent and {w.site.line for one in silent for w in one.writers} == set(marked)
    assert {one.saver.op for one in silent} == {"batch_norm"}


def test_fused_optimizers_whose_weights_never_tick():
    code = textwrap.dedent(
        """
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        optimizer = torch.optim.SGD(net.parameters(), 0.5, fused=True)
        out = net(torch.randn(5, 3))
        first, second = out[:, 0].mean(), out[:, 1].mean()
        first.backward(retain_graph=True)
        optimizer.step()  # writer
        second.backward()
        """
    )
    silent, marked, _ = silent_in(code)
    assert silent and {w.site.line for one in silent for w in one.writers} == set(marked)


def test_kron_which_reshapes_behind_the_counter():
    code = "a = torch.ones(2, 2, requires_grad=True)\nb = a * 1\nc = torch.kron(b, b)\nb.detach().mul_(3)  # writer\nc.sum().backward()"
    silent, marked, _ = silent_in(code)
    assert silent and {w.site.line for one in silent for w in one.writers} == set(marked)


def test_a_checkpoint_that_recomputes_into_its_own_way():
    code = textwrap.dedent(
        """
        from torch.utils.checkpoint import checkpoint
        w = torch.full((3,), 2.0)
        x = torch.ones(3, requires_grad=True)
        def part(x):
            y = x.exp()
            y.mul_(2)  # writer
            return y * w
        checkpoint(part, x, use_reentrant=False).sum().backward()
        """
    )
    silent, marked, scope = silent_in(code)
    assert [one.saver.op for one in silent] == ["exp"] and silent[0].saver.site.line == marked[
        0
    ] - 1
    assert marked[0] in {w.site.line for w in silent[0].writers}
    assert torch.allclose(scope["x"].grad, 2 * torch.ones(3).exp() * 4), "twice the true gradient"


def test_allow_mutation_with_slices():
    code = textwrap.dedent(
        """
        r, d = torch.ones(2, 4), torch.ones(2, requires_grad=True)
        with torch.autograd.graph.allow_mutation_on_saved_tensors():
            y = d * r[:, 2]
            r[:, 0] = 5.0
            r[:, 2] = 100.0  # writer
            y.sum().backward()
        """
    )
    silent, marked, scope = silent_in(code)
    assert scope["d"].grad.tolist() == [100.0, 100.0] and silent[0].saver.op == "mul"
    assert marked[0] in {w.site.line for w in silent[0].writers}


def identity_hooks_and_checkpoints():
    with (
        torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t),
        torch.autograd.graph.save_on_cpu(),
    ):
        torch.ones(3, requires_grad=True).exp().sum().backward()
    net = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.ReLU())
    for reentrant in (False, True):
        x = torch.randn(2, 4, requires_grad=True)
        torch.utils.checkpoint.checkpoint(net, x, use_reentrant=reentrant).sum().backward()


def training_step():
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(144, 2),
    )
    optimizer = torch.optim.Adam(net.parameters())
    for _ in range(3):
        loss = net(torch.randn(4, 1, 8, 8)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def accumulation():
    net = nn.Sequential(
        nn.Linear(4, 4), nn.LayerNorm(4), nn.GELU(), nn.Dropout(0.5), nn.Linear(4, 1)
    )
    teacher = copy.deepcopy(net)
    for _ in range(2):
        (net(torch.randn(2, 4)) - teacher(torch.randn(2, 4)).detach()).square().sum().backward()
    with torch.no_grad():
        for ours, theirs in zip(teacher.parameters(), net.parameters()):
            ours.mul_(0.9).add_(theirs, alpha=0.1)


def attention():
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
    layer(torch.randn(2, 5, 16)).sum().backward()


def recurrent():
    cell, state = nn.GRUCell(3, 4), torch.zeros(2, 4)
    for _ in range(4):
        state = cell(torch.randn(2, 3), state)
    state.sum().backward()


def data_before_the_save():
    x = torch.ones(3, requires_grad=True)
    x.data.mul_(2)
    (x.exp()).sum().backward()


def test_watch_warns_and_keeps_what_it_found():
    with pytest.warns(UserWarning, match="a gradient is wrong"):
        with watch(strict=True) as recording:
            x = torch.ones(3, requires_grad=True)
            y = x.exp()
            y.data.zero_()
            y.sum().backward()
    assert len(recording.silent) == 1 and recording.silent[0].writers[0].op == "zero_"


def test_what_backward_has_let_go_is_gone():
    """Without the garbage collector, as without a watch."""
    import gc

    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * 2

        @staticmethod
        def backward(ctx, gradient):
            return gradient * 2

    def step():
        h = torch.ones(3, requires_grad=True) * 2
        made = [h, h.sigmoid(), Double.apply(h)]
        (made[1] * h * made[2]).sum().backward()
        return [weakref.ref(one) for one in made]

    gc.disable()
    try:
        with watch(strict=True):
            kept = step()
            assert [ref() for ref in kept] == [None] * 3
    finally:
        gc.enable()


def test_the_verdict_when_nothing_changed():
    with pytest.raises(RuntimeError), watch(strict=True) as recording:
        y = torch.ones(3, requires_grad=True).exp()
        y.add_(0)
        y.sum().backward()
    assert recording.diagnosis.verdict == "raises although the gradient would be right"


WHERE = {
    "a hook": """
        x = torch.ones(3, requires_grad=True)
        y = x * 1
        branch = y.tanh()
        branch.register_hook(lambda g: g.mul_(0.1))  # writer
        ((branch + y) * torch.ones(3)).sum().backward()
    """,
    "a backward of one's own": """
        class Twice(torch.autograd.Function):
            forward = staticmethod(lambda ctx, x: x * 2)
            @staticmethod
            def backward(ctx, g):
                g *= 2  # writer
                return g
        a = torch.ones(3, requires_grad=True) * 1
        (Twice.apply(a) + a).backward(torch.ones(3))
    """,
    "ctx": """
        class Square(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.x = x
                return x * x
            backward = staticmethod(lambda ctx, g: 2 * ctx.x * g)
        h = torch.ones(3, requires_grad=True) * 3
        y = Square.apply(h)
        h += 1  # writer
        y.sum().backward()
    """,
    "a tensor rebound": """
        h = torch.ones(3, requires_grad=True) * 3
        y = h.pow(2)
        h.data = h.data.clamp(-1, 1)  # writer
        y.sum().backward()
    """,
    "a checkpoint that writes twice": """
        from torch.utils.checkpoint import checkpoint
        noise, x = torch.ones(3), torch.ones(3, requires_grad=True)
        def part(x):
            return x.tanh() * noise
        def block(x, noise):
            noise.mul_(0.5)  # writer
            return x * noise
        checkpoint(block, x, noise, use_reentrant=True).sum().backward()
    """,
    "autocast": """
        net, x = nn.Linear(3, 1, bias=False), torch.ones(2, 3)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            for _ in range(3):
                loss = net(x).float().sum()
                loss.backward()
                with torch.no_grad():
                    net.weight -= 0.1  # writer
    """,
}


@pytest.mark.parametrize("name", list(WHERE))
def test_what_no_counter_guards(name):
    silent, marked, _ = silent_in(textwrap.dedent(WHERE[name]))
    assert len(silent) == 1 and [w.site.line for w in silent[0].writers] == marked
    assert silent[0].writers[0].op in ("mul_", "add_", "sub_", "x.data = …")
    hidden = {"a tensor rebound": "write that is hidden", "ctx": "attribute of ctx"}
    hidden |= {"a checkpoint that writes twice": "written again by a checkpoint"}
    hidden |= {"autocast": "cast that autocast keeps"}
    assert silent_cures(silent[0])[0].cure.name == hidden.get(name, "gradient written in place")


def test_equal_faults_are_one_and_the_operation_is_the_one_that_wrote():
    code = """
        norm, x = nn.BatchNorm1d(4), torch.randn(8, 4, requires_grad=True)
        for _ in range(5):
            y = norm.eval()(x)
            norm.train()(torch.randn(64, 4) * 50).add(torch.nn.functional.linear(x, x).sum())  # writer
            y.sum().backward()
    """
    (one,), marked, _ = silent_in(textwrap.dedent(code))
    assert one.times >= 5 and [(w.op, w.site.line) for w in one.writers] == [
        ("batch_norm", *marked)
    ]
    assert silent_cures(one)[0].cure.name == "running statistics"


def changed_bytes_that_no_gradient_needs():
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = x.relu()
    z = y.sum()
    y.data *= 4  # it only asks where its result is positive
    z.backward()


def checkpointed_norm_and_rrelu():
    block = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.RReLU(inplace=True))
    x = torch.randn(5, 4, requires_grad=True)
    torch.utils.checkpoint.checkpoint(block, x, use_reentrant=False).sum().backward()


def a_module_that_is_called_in_its_own_way():
    class Own(nn.Module):
        def __call__(self, x):
            return self.forward(x)

        def forward(self, x):
            y = x.exp()
            z = y.tanh()
            return z * y

    Own()(torch.ones(3, requires_grad=True)).sum().backward()


def the_last_one_may_write_its_gradient():
    x = torch.ones(3, requires_grad=True)
    y = x.tanh()
    y.register_hook(lambda g: g.mul_(0.1))
    (y * torch.ones(3)).sum().backward()
    z = x * 1
    (z + z.detach()).register_hook(lambda g: g.mul_(0.1))
    z.exp().sum().backward()


def freed_fake_and_transformed():
    w, base = torch.ones(10, requires_grad=True), torch.randn(20)
    y, size, keep = w * base[10:], base.untyped_storage().nbytes(), base.clone()
    base.untyped_storage().resize_(0)
    assert w.detach().sum() == 10
    base.untyped_storage().resize_(size)
    base.data.copy_(keep)
    y.sum().backward()
    torch.func.hessian(lambda v: (v**3).sum())(torch.ones(2))
    torch.func.vmap(torch.func.grad(lambda v: v.exp().sum()))(torch.ones(2, 2))
    with torch._subclasses.FakeTensorMode():
        torch.ones(3, requires_grad=True).exp().sum().backward()


@pytest.mark.parametrize(
    "program",
    [
        training_step,
        accumulation,
        attention,
        recurrent,
        data_before_the_save,
        identity_hooks_and_checkpoints,
        changed_bytes_that_no_gradient_needs,
        checkpointed_norm_and_rrelu,
        a_module_that_is_called_in_its_own_way,
        the_last_one_may_write_its_gradient,
        freed_fake_and_transformed,
    ],
)
def test_right_programs_are_not_accused(program):
    torch.manual_seed(0)
    with Eyes(strict=True) as eyes:
        program()
    assert eyes.silent == []


def test_the_verdict_is_about_all_saves_of_the_graph():
    with pytest.raises(RuntimeError), watch(strict=True) as recording:
        x = torch.ones(3, requires_grad=True)
        y, z = x.exp(), x.sigmoid()
        z.mul_(2)
        y.add_(0)
        (y + z).sum().backward()
    assert recording.diagnosis.verdict == "raises" and len(recording.diagnosis.others) == 1


def test_what_was_not_looked_into_is_told():
    with Eyes(strict=True) as eyes:
        n = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], requires_grad=True)
        (n * 2).to_padded_tensor(0.0).sum().backward()
    assert eyes.unwatched == ["tensors whose bytes cannot be read"]


def test_the_program_sees_no_tracer():
    """hydra and its kin ask whether a debugger runs them; who sets the trace back ends nothing."""
    earlier = sys.gettrace(), sys.settrace
    silent, marked, scope = silent_in(TRACED, sys=sys)
    assert scope["seen"] is None and marked == [w.site.line for w in silent[0].writers]
    assert (sys.gettrace(), sys.settrace) == earlier


TRACED = """
x = torch.ones(3, requires_grad=True)
y = x.exp()
n = y.detach().numpy()
seen = sys.gettrace()
sys.settrace(lambda *_: None)
sys.settrace(seen)
def spoil():
    m = 1
    n[1] = 7  # writer
    return m
spoil()
y.sum().backward()
"""
