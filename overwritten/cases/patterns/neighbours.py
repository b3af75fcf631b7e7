"""Cousins near by: hooks, Functions of one's own, what does not fit, graphs that are used up."""

from overwritten.cases.patterns.pattern import Pattern

NEIGHBOURS = (
    Pattern(
        "full backward hook and an in-place relu",
        group="refused",
        says="view of a custom Function",
        given="""
convolution = nn.Conv2d(1, 2, 1)
image = torch.randn(1, 1, 3, 3, requires_grad=True)
seen = []
""",
        wrong="""
convolution.register_full_backward_hook(lambda m, i, o: seen.append(o))
x = convolution(image)
x = F.relu(x, inplace=True)
x.square().sum().backward()
""",
        right={"x = F.relu(x, inplace=True)": "x = F.relu(x)"},
        does="Use no in-place operation on what a hooked module returns. (If you cannot change the module, use a tensor hook: `x.register_hook(…)`.)",
        folk="the older `register_backward_hook`",
        vain="""
convolution.register_backward_hook(lambda m, i, o: seen.append(o))
x = convolution(image)
x = F.relu(x, inplace=True)
x.square().sum().backward()
""",
        ends="right gradient",
        because="It works for this module. But it is deprecated, and for a module with several operations the old hook reports only the last one.",
        thread="pytorch/pytorch#61519",
        by_hand="""
x = convolution(image).clamp(min=0)
x.square().sum().backward()
""",
    ),
    Pattern(
        "view returned by a Function of one's own",
        group="refused",
        says="view of a custom Function",
        given="""
class Head(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x[:2]

    @staticmethod
    def backward(ctx, slope):
        return F.pad(slope, (0, 2))

a = torch.randn(4, requires_grad=True)
""",
        wrong="""
head = Head.apply(a)
head *= 3
head.square().sum().backward()
""",
        right={"head *= 3": "head = head * 3"},
        does="Write out of place, or return `x[:2].clone()` from the Function.",
        folk="`head.detach()` before the write",
        vain={
            "head = Head.apply(a)": "head = Head.apply(a).detach()",
            "head.square().sum().backward()": "head.requires_grad_().square().sum().backward()",
        },
        ends="no gradient",
        because="The history ends at `detach()`: `a` gets no gradient. And `a` itself was written, because the two share a storage.",
        by_hand="(a[:2] * 3).square().sum().backward()",
    ),
    Pattern(
        "marked dirty and not returned",
        group="refused",
        says="dirty and not returned",
        given="a = torch.randn(4, requires_grad=True)",
        wrong="""
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x.clone()

    @staticmethod
    def backward(ctx, slope):
        return slope * 2

x = a.exp().clone()
y = Double.apply(x)
(x * y).sum().backward()
""",
        right={"        return x.clone()": "        return x"},
        does="Return the same tensor that was written and marked.",
        folk="leave `mark_dirty` out",
        vain={"        ctx.mark_dirty(x)": ""},
        ends="silently wrong gradient",
        because="`x` holds doubled numbers, and its history knows nothing of that.",
        by_hand="(a.exp() * 2).square().sum().backward()",
    ),
    Pattern(
        "integers scaled by a weight",
        group="refused",
        says="dtype cannot be cast",
        given="scale = torch.tensor(0.5, requires_grad=True)",
        wrong="""
counts = torch.tensor([1, 2, 3])
counts *= scale
counts.sum().backward()
""",
        right={"counts *= scale": "counts = counts * scale"},
        does="Compute a new tensor: `counts = counts * scale`.",
        folk="`counts *= scale.long()`",
        vain={
            "counts *= scale": "counts *= scale.long()",
            "counts.sum().backward()": "counts.float().requires_grad_().sum().backward()",
        },
        ends="no gradient",
        because="0.5 becomes 0, and integers have no gradient.",
        by_hand="scale.backward(torch.tensor(6.0))",
    ),
    Pattern(
        "sum that would have to grow",
        group="refused",
        says="shape cannot grow",
        given="""
bias = torch.randn(3, requires_grad=True)
rows = torch.randn(2, 3, requires_grad=True)
""",
        wrong="""
x = bias * 2
x += rows
x.square().sum().backward()
""",
        right={"x += rows": "x = x + rows"},
        does="Compute a new tensor: `x = x + rows`, of shape [2, 3].",
        folk="`x += rows.sum(0)`",
        vain={"x += rows": "x += rows.sum(0)"},
        ends="silently wrong gradient",
        because="It runs, and computes something else: the square of a sum.",
        by_hand="""
x = (bias * 2).repeat(2, 1) + rows
x.square().sum().backward()
""",
    ),
    Pattern(
        "out= in training code",
        group="refused",
        says="out= with requires grad",
        given="""
a = torch.randn(4, requires_grad=True)
result = torch.empty(4)
""",
        wrong="""
torch.exp(a, out=result)
result.sum().backward()
""",
        right={"torch.exp(a, out=result)": "result = torch.exp(a)"},
        does="Assign the result.",
        folk="`with torch.no_grad():` around it",
        vain="""
with torch.no_grad():
    torch.exp(a, out=result)
result.requires_grad_().sum().backward()
""",
        ends="no gradient",
        because="It runs, and nothing is recorded: `a` gets no gradient.",
        by_hand="a.backward(a.detach().exp())",
    ),
    Pattern(
        "saved, then detached in place",
        group="refused",
        says="detached in place",
        given="a = torch.randn(4, requires_grad=True)",
        wrong="""
x = a.exp()
y = x ** 2
x.detach_()
y.sum().backward()
""",
        right={"x.detach_()": "x = x.detach()"},
        does="Write `x = x.detach()`: the new tensor has no history, and the old one keeps its own.",
        folk="`x.requires_grad_()` after it",
        vain="""
x = a.exp()
y = x ** 2
x.detach_()
x.requires_grad_()
y.sum().backward()
""",
        ends="detached in place",
        because="It makes `x` a leaf; the power still looks for the history that was cut off.",
        by_hand="(a * 2).exp().sum().backward()",
    ),
    Pattern(
        "backward twice",
        group="refused",
        says="backward twice",
        given="a = torch.randn(4, requires_grad=True)",
        wrong="""
features = a.exp()
features.sum().backward()
features.square().sum().backward()
""",
        right="""
features = a.exp()
(features.sum() + features.square().sum()).backward()
""",
        does="Add the losses and run one backward; or run the forward again; or `detach()` where the second loss is not to reach.",
        folk="`retain_graph=True` in the first",
        vain={"features.sum().backward()": "features.sum().backward(retain_graph=True)"},
        ends="right gradient",
        because="Here it works, at the price of keeping the graph and of going through it twice. With a step in between it leads to the patterns of section 5.",
        by_hand="""
value = a.detach().exp()
a.backward(value + 2 * value.square())
""",
    ),
)
