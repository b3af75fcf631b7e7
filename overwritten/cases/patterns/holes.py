"""Holes of the check: what it does not look at, or is not told of, though PyTorch itself is at work.

Each ends without an error and with a wrong gradient, as those of `silent.py`. Two of them do in
one process what DistributedDataParallel and compiled code do; tests compare them with the real ones.
"""

from overwritten.cases.patterns.pattern import Pattern

HOLES = (
    Pattern(
        "step inside autocast",
        group="silent",
        says="silently wrong gradient",
        given="""
net, rows = nn.Linear(3, 1, bias=False), torch.ones(2, 3)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
""",
        wrong="""
with torch.autocast("cpu", torch.bfloat16):
    for _ in range(2):
        loss = net(rows).float().square().sum()  # saver
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()  # writer
""",
        right="""
for _ in range(2):
    with torch.autocast("cpu", torch.bfloat16):
        loss = net(rows).float().square().sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
        does="Put only the forward under `autocast`: at the end of the block the cached casts are dropped.",
        folk="`cache_enabled=False`",
        vain={
            'with torch.autocast("cpu", torch.bfloat16):': 'with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):'
        },
        ends="right gradient",
        because="It works, too: each use casts the weight again, which takes time. With the cache a weight is cast once per block, and the loss stays the same while the weights change.",
        thread="X-GenGroup/Flow-Factory#186",
        by_hand="""
with torch.autocast("cpu", torch.bfloat16):
    loss = net(rows).float().square().sum()
first, = torch.autograd.grad(loss, net.weight)
stepped = {"weight": net.weight - 0.1 * first}
with torch.autocast("cpu", torch.bfloat16):
    loss = torch.func.functional_call(net, stepped, (rows,)).float().square().sum()
loss.backward()
""",
    ),
    Pattern(
        "gradient written in a hook",
        group="silent",
        says="silently wrong gradient",
        given="x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)",
        wrong="""
y = x * 1
branch = y.tanh()
branch.register_hook(lambda g: g.clamp_(-1, 1))  # writer
(branch + y).square().sum().backward()  # saver
""",
        right={
            "branch.register_hook(lambda g: g.clamp_(-1, 1))": "branch.register_hook(lambda g: g.clamp(-1, 1))"
        },
        does="Return a new gradient: `g.clamp(-1, 1)`.",
        folk="return a `clone()`",
        vain={
            "branch.register_hook(lambda g: g.clamp_(-1, 1))": "branch.register_hook(lambda g: g.clamp_(-1, 1).clone())"
        },
        ends="silently wrong gradient",
        because="The clone comes after the write. An addition passes the same gradient tensor to both of its inputs, and `y` gets the clamped one.",
        thread="pytorch/pytorch#81417",
        by_hand="""
now = x.detach()
g = 2 * (now.tanh() + now)
(x * (g.clamp(-1, 1) * (1 - now.tanh() ** 2) + g)).sum().backward()
""",
    ),
    Pattern(
        "gradient written in a backward of one's own",
        group="silent",
        says="silently wrong gradient",
        given="x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)",
        wrong="""
class Twice(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2
    @staticmethod
    def backward(ctx, g):
        g *= 2  # writer
        return g

y = x * 1
(Twice.apply(y) + y).square().sum().backward()  # saver
""",
        right={"        g *= 2": "        g = g * 2"},
        does="Write `g = g * 2`: the gradient that a backward is given may be used elsewhere.",
        folk="`g.data *= 2`",
        vain={"        g *= 2": "        g.data *= 2"},
        ends="silently wrong gradient",
        because="It writes the same bytes. No check compares versions of a gradient on its way, so it makes no difference which counter moves.",
        thread="pytorch/pytorch#81417",
        by_hand="""
y = x * 1
(y * 2 + y).square().sum().backward()
""",
    ),
    Pattern(
        "saved tensor written by its own backward",
        group="silent",
        says="silently wrong gradient",
        given="x = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)",
        wrong="""
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, g):
        out = ctx.saved_tensors[0].detach()
        out.numpy()[:] *= 2 * g.numpy()  # writer
        return out

y = x.exp()  # saver
Square.apply(y).sum().backward()
""",
        right={"        out.numpy()[:] *= 2 * g.numpy()": "        out = out * 2 * g"},
        does="In a backward, write only into memory that it made itself.",
        folk="tell PyTorch of the write",
        vain={
            "        return out": "        torch.autograd.graph.increment_version(out)\n        return out"
        },
        ends="Exp, 1; expected 0",
        because="`exp` saved the same tensor as its result, and its backward comes later. Now it raises, and rightly.",
        thread="linkedin/Liger-Kernel#254",
        by_hand="""
y = x.exp()
(y * y).sum().backward()
""",
    ),
    Pattern(
        "kernel that does not declare its write",
        group="silent",
        says="silently wrong gradient",
        given="x = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)",
        wrong="""
@torch.library.custom_op("course::halve", mutates_args=())
def halve(t: torch.Tensor) -> None:
    t.numpy()[:] /= 2  # writer

y = x.exp()  # saver
halve(y.detach())
y.sum().backward()
""",
        right={
            '@torch.library.custom_op("course::halve", mutates_args=())': '@torch.library.custom_op("course::halve", mutates_args={"t"})',
            "halve(y.detach())": "half = y.detach().clone()\nhalve(half)",
        },
        does="Declare the write (`mutates_args`; in C++ `Tensor(a!)`; else `torch.autograd.graph.increment_version(t)` after it), and write into a clone.",
        folk="only declare it",
        vain={
            '@torch.library.custom_op("course::halve", mutates_args=())': '@torch.library.custom_op("course::halve", mutates_args={"t"})'
        },
        ends="Exp, 1; expected 0",
        because="Now the check knows of the write and raises, rightly. The clone is still missing.",
        by_hand="x.exp().sum().backward()",
    ),
    Pattern(
        "input kept as ctx.x",
        group="silent",
        says="silently wrong gradient",
        given="x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)",
        wrong="""
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x
    @staticmethod
    def backward(ctx, g):
        return 2 * ctx.x * g

h = x * 3
y = Square.apply(h)  # saver
h += 1  # writer
y.sum().backward()
""",
        right={
            "        ctx.x = x": "        ctx.save_for_backward(x)",
            "        return 2 * ctx.x * g": "        return 2 * ctx.saved_tensors[0] * g",
            "h += 1": "h = h + 1",
        },
        does="Use `ctx.save_for_backward(x)`, and write out of place.",
        folk="`save_for_backward` alone",
        vain={
            "        ctx.x = x": "        ctx.save_for_backward(x)",
            "        return 2 * ctx.x * g": "        return 2 * ctx.saved_tensors[0] * g",
        },
        ends="Add, 1; expected 0",
        because="PyTorch does not check an attribute of `ctx`. Saved properly, the overwritten tensor raises, and rightly: the write is still there.",
        by_hand="""
h = x * 3
(h * h).sum().backward()
""",
    ),
    Pattern(
        "buffer synced by the next forward",
        group="silent",
        says="silently wrong gradient",
        given="""
x, w = torch.ones(2), torch.ones(2, requires_grad=True)
buffer, of_rank_0 = torch.ones(2), torch.full((2,), 5.0)
""",
        wrong="""
one = x * w * buffer  # saver
with torch.autograd._unsafe_preserve_version_counter(buffer):
    buffer.copy_(of_rank_0)  # writer
two = x * w * buffer
(one + two).sum().backward()
""",
        right="""
one = x * w * buffer
one.sum().backward()
buffer.copy_(of_rank_0)
two = x * w * buffer
two.sum().backward()
""",
        does="Run one forward for both batches, or backward before the next forward, or set `broadcast_buffers=False`.",
        folk="a PyTorch before 2.12",
        vain="""
one = x * w * buffer
buffer.copy_(of_rank_0)
two = x * w * buffer
(one + two).sum().backward()
""",
        ends="no name, 1; expected 0",
        because="By default DistributedDataParallel copies the buffers of rank 0 to all other ranks before each forward. Up to torch 2.11 the copy moved the counter, and two forwards raised. Since 2.12 the counter is put back; a buffer that backward reads is overwritten all the same.",
        thread="pytorch/pytorch#175851",
        by_hand="""
(x * w + x * w * of_rank_0).sum().backward()
""",
    ),
    Pattern(
        "batch refilled after a compiled forward",
        group="silent",
        says="silently wrong gradient",
        given="""
batch = torch.tensor([[0.0, 1.0], [2.0, 3.0]])
w = torch.ones(2, 2, requires_grad=True)
rebuilt = torch._C._dynamo.guards._reinterpret_tensor
""",
        wrong="""
view = rebuilt(batch, (2, 2), (2, 1))
y = view @ w  # saver
batch.add_(1)  # writer
y.sum().backward()
""",
        right={"batch.add_(1)": "batch = batch + 1"},
        does="Fill another tensor, or this one after backward.",
        folk="`no_grad` around it",
        vain={"batch.add_(1)": "with torch.no_grad():\n    batch.add_(1)"},
        ends="silently wrong gradient",
        because="The counter of `batch` moves. But the code that `torch.compile` makes of `batch @ w` rebuilds the view that it saves, as here, and a rebuilt view has a counter of its own. With `backend='aot_eager'` the check works.",
        thread="pytorch/pytorch#197887",
        by_hand="(batch @ w).sum().backward()",
    ),
)
