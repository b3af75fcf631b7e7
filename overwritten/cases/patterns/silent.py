"""Cousins that raise nothing: the gradient is wrong, and no counter has moved."""

from overwritten.cases.patterns.pattern import Pattern

SILENT = (
    Pattern(
        "write through .data",
        group="silent",
        says="silently wrong gradient",
        given="logits = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)",
        wrong="""
y = logits.sigmoid()  # saver
y.data[0] = 0.9  # writer
y.sum().backward()
""",
        right={"y.data[0] = 0.9": "y = y.clone()\ny[0] = 0.9"},
        does="Write into a `clone()`, not through `.data`.",
        folk="`.detach()` in place of `.data`",
        vain={"y.data[0] = 0.9": "y.detach()[0] = 0.9"},
        ends="Sigmoid, 1; expected 0",
        because="It shares the counter, so the check works again: now it raises, and rightly. That is not yet a cure.",
        thread="pytorch/pytorch#6990",
        by_hand="""
y = torch.cat((torch.tensor([0.9]), logits[1:].sigmoid()))
y.sum().backward()
""",
    ),
    Pattern(
        "batch norm in eval, then in train",
        group="silent",
        says="silently wrong gradient",
        given="""
norm = nn.BatchNorm1d(4).eval()
x = torch.randn(8, 4, requires_grad=True)
other = torch.randn(64, 4) * 50
""",
        wrong="""
y = norm(x)  # saver
norm.train()
norm(other)  # writer
y.sum().backward()
""",
        right="""
y = norm(x)
y.sum().backward()
norm.train()
norm(other)
""",
        does="Run backward before the next forward in training mode.",
        folk="`norm(other)` under `no_grad`",
        vain={"norm(other)": "with torch.no_grad():\n    norm(other)"},
        ends="silently wrong gradient",
        because="Running statistics are written under `no_grad` as well.",
        thread="pytorch/pytorch#13402",
        by_hand="""
y = x / (1 + norm.eps) ** 0.5 * norm.weight + norm.bias
y.sum().backward()
""",
    ),
    Pattern(
        "allow_mutation_on_saved_tensors and slices",
        group="silent",
        says="silently wrong gradient",
        given="""
r, d = torch.ones(2, 4), torch.ones(2, requires_grad=True)
allowed = torch.autograd.graph.allow_mutation_on_saved_tensors
""",
        wrong="""
with allowed():
    y = d * r[:, 2]  # saver
    r[:, 0] = 5.0  # writer
    r[:, 2] = 100.0  # writer
    y.sum().backward()
""",
        right="""
y = d * r[:, 2].clone()
r[:, 0] = 5.0
r[:, 2] = 100.0
y.sum().backward()
""",
        does="Clone the slice that is saved.",
        folk="swap the two writes",
        vain="""
with allowed():
    y = d * r[:, 2]
    r[:, 2] = 100.0
    r[:, 0] = 5.0
    y.sum().backward()
""",
        ends="right gradient",
        because="It is right by luck: the write to the saved slice now comes first, and PyTorch recognises the slice. Swap the lines back and the gradient is wrong.",
        by_hand="d.sum().backward()",
    ),
    Pattern(
        "write through apply_",
        group="silent",
        says="silently wrong gradient",
        given="logits = torch.tensor([0.0, 1.0, 3.0], requires_grad=True)",
        wrong="""
y = logits.sigmoid()  # saver
y.detach().apply_(lambda number: min(number, 0.9))  # writer
y.sum().backward()
""",
        right={
            "y.detach().apply_(lambda number: min(number, 0.9))": "y = y.clamp(max=0.9)"
        },
        does="Write out of place: `y = y.clamp(max=0.9)`.",
        folk="`clamp_`, which is faster",
        vain={"y.detach().apply_(lambda number: min(number, 0.9))": "y.detach().clamp_(max=0.9)"},
        ends="Sigmoid, 1; expected 0",
        because="`clamp_` moves the counter, and `apply_` does not, in spite of its underscore: now it raises.",
        by_hand="torch.minimum(logits.sigmoid(), torch.tensor(0.9)).sum().backward()",
    ),
    Pattern(
        "write through DLPack",
        group="silent",
        says="silently wrong gradient",
        given="x = torch.tensor([0.0, 1.0, 2.0], requires_grad=True)",
        wrong="""
y = x.exp()  # saver
theirs = torch.from_dlpack(y.detach())
theirs *= 2  # writer
y.sum().backward()
""",
        right={"theirs = torch.from_dlpack(y.detach())": "theirs = torch.from_dlpack(y.detach().clone())"},
        does="Hand out a clone: JAX, CuPy or NumPy get the memory, but not the counter.",
        folk="`no_grad` around the write",
        vain={"theirs *= 2": "with torch.no_grad():\n    theirs *= 2"},
        ends="silently wrong gradient",
        because="What comes back from DLPack has a counter of its own, under `no_grad` as well.",
        by_hand="x.exp().sum().backward()",
    ),
)
