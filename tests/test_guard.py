"""`guard(tensor)`: who writes is stopped at the line that writes; who reads notices nothing."""

import threading

import pytest
import torch
import torch.nn.functional as F

from overwritten import guard, watch


def line_of(write):
    return f"{__file__}:{write.__code__.co_firstlineno}"


def stopped(tensor, write, does="would write"):
    """Run `write` under a guard: the sentence of the error, which names its line."""
    with guard(tensor), pytest.raises(RuntimeError, match=does) as caught:
        write()
    assert f" at {line_of(write)} {does} into " in str(caught.value)
    set_at = stopped.__code__.co_firstlineno + 2
    assert str(caught.value).endswith(f"guarded since {__file__}:{set_at}")
    return str(caught.value).split(" at ")[0]


BEFORE = {
    "add_": lambda x: lambda: x.add_(1),
    "__setitem__": lambda x: lambda: x.__setitem__(0, 5.0),
    "mul": lambda x: lambda: torch.mul(x.detach().clone(), 2, out=x),
    "max": lambda x: lambda: torch.max(torch.ones(2, 3), 0, out=(x, torch.empty(3).long())),
    "copy_": lambda x: lambda: x[1:].copy_(torch.ones(2)),
    "zero_": lambda x: lambda: x.data.zero_(),
    "fill_": lambda x: lambda: x.detach().view(3, 1).fill_(2),
    "uniform_": lambda x: lambda: torch.nn.init.uniform_(x, 3, 4),
    "relu_": lambda x: lambda: torch.relu_(x),
    "_foreach_add_": lambda x: lambda: torch._foreach_add_([torch.ones(3), x], 1),
    "index_put_": lambda x: lambda: x.index_put_((torch.tensor([0]),), torch.ones(1)),
}


@pytest.mark.parametrize("name", BEFORE)
def test_it_raises_before_the_write(name):
    x = -torch.ones(3)
    assert stopped(x, BEFORE[name](x)) == name and x.tolist() == [-1, -1, -1]


def test_an_augmented_assignment():
    x = torch.zeros(3)
    with guard(x), pytest.raises(RuntimeError, match="^(add_|__iadd__) at .* would write"):
        x += 1
    assert x.tolist() == [0, 0, 0]


@pytest.mark.parametrize("how", [dict(foreach=False), dict(foreach=True), dict(fused=True)])
@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.Adam])
def test_an_optimizer_names_the_line_of_its_step(kind, how):
    weight = torch.nn.Parameter(torch.ones(3))
    weight.grad = torch.ones(3)
    optimizer = kind([weight], lr=0.1, **how)
    stopped(weight, lambda: optimizer.step())
    assert weight.tolist() == [1, 1, 1]


def test_what_no_name_tells_is_noticed_after_the_write():
    x = -torch.ones(3)
    assert stopped(x, lambda: F.relu(x, inplace=True), "has written") == "relu"
    leaf = torch.ones(3, requires_grad=True)
    leaf.sum().backward()
    stopped(leaf.grad, lambda: leaf.sum().backward(), "has written")


def test_who_reads_or_relabels_or_writes_elsewhere_is_left_alone():
    x = torch.arange(6.0, requires_grad=True)
    with guard(x.detach()), guard(x):
        y = (x.view(2, 3).t() * 2).exp()
        y.add_(1)
        x.detach().view(2, 3).t_().requires_grad_()
        (x.clone().zero_() + 1).sum().backward()
        x.grad.zero_()
        int(x[0]), ~(x > 0), x.tolist(), list(x)
        torch.add(x.detach(), 1, out=torch.empty(6))


def test_release_and_other_modes():
    """Modes begun before or after it end in any order; two guards do not disturb each other."""
    depth = torch._C._len_torch_function_stack()
    x, y = torch.zeros(3), torch.zeros(3)
    torch.set_default_device("meta")
    try:
        with watch():
            first = guard(x)
        with torch.device("cpu"):
            second = guard(y)
        assert torch.empty(1).is_meta
        with pytest.raises(RuntimeError, match="would write"):
            x.add_(1)
        first.release()
        first.release()
        x.add_(1)
        with pytest.raises(RuntimeError, match="would write"):
            y.add_(1)
        torch.set_default_device(None)  # it insists on the lowest place, also under a guard
        second.release()
        y.add_(1)
    finally:
        torch.set_default_device(None)
    assert (x.tolist(), y.tolist()) == ([1] * 3, [1] * 3)
    assert torch._C._len_torch_function_stack() == depth


def test_a_thread_begun_meanwhile():
    x, begin, said = torch.zeros(3), threading.Thread._bootstrap_inner, []

    def write():
        try:
            x.add_(1)
        except RuntimeError as error:
            said.append(str(error))

    for _ in range(2):
        with guard(x):
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
    write()
    assert len(said) == 2 and x.tolist() == [1] * 3 and threading.Thread._bootstrap_inner is begin


def test_what_has_no_storage_is_refused():
    for thing in ([1, 2], torch.eye(3).to_sparse()):
        with pytest.raises(TypeError, match="a tensor that has a storage"):
            guard(thing)


def test_what_moves_no_counter_is_not_seen():
    """As the docstring says; where one of these begins to raise, it can go from there."""
    x = torch.zeros(3)
    with guard(x):
        x.numpy()[0] = 1
        torch.from_dlpack(x)
        F.batch_norm(torch.randn(4, 3), x, torch.ones(3), training=True)
    assert x.abs().min() > 0
