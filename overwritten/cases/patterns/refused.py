"""Cousins whose write PyTorch refuses at once: leaves, views, tensors of inference mode, shared places."""

from overwritten.cases.patterns.pattern import Pattern

REFUSED = (
    Pattern(
        "leaf written",
        group="refused",
        says="leaf",
        given="weight = torch.tensor([1.0, 2.0], requires_grad=True)",
        wrong="""
weight *= 3
weight.square().sum().backward()
""",
        right={"weight *= 3": "with torch.no_grad():\n    weight *= 3"},
        does="Write it under `torch.no_grad()`, before the forward or after backward.",
        folk="`weight = weight * 3`",
        vain={"weight *= 3": "weight = weight * 3"},
        ends="no gradient",
        because="Only the name is rebound, to a tensor that is not a leaf: its `.grad` stays `None`. The old leaf is not written; it gets the gradient, and an optimizer still holds it.",
        by_hand="""
weight = (weight.detach() * 3).requires_grad_()
weight.square().sum().backward()
""",
    ),
    Pattern(
        "view of a leaf written",
        group="refused",
        says="view of a leaf",
        given="bias = torch.zeros(3, 5, requires_grad=True)",
        wrong="""
bias[:, 4] += 2
bias.exp().sum().backward()
""",
        right={"bias[:, 4] += 2": "with torch.no_grad():\n    bias[:, 4] += 2"},
        does="Write it under `torch.no_grad()`, like the leaf itself.",
        folk="`bias.clone()[:, 4] += 2`",
        vain={"bias[:, 4] += 2": "bias.clone()[:, 4] += 2"},
        ends="silently wrong gradient",
        because="The clone is written and thrown away; `bias` stays as it was.",
        by_hand="""
start = torch.tensor([0.0, 0.0, 0.0, 0.0, 2.0])
bias = (bias.detach() + start).requires_grad_()
bias.exp().sum().backward()
""",
    ),
    Pattern(
        "view from unbind or split written",
        group="refused",
        says="one of several views",
        given="boxes = torch.randn(4, 2, requires_grad=True)",
        wrong="""
x, y = (boxes * 2).unbind(1)
x += 1
(x * y).sum().backward()
""",
        right={"x += 1": "x = x + 1"},
        does="Compute a new tensor: `x = x + 1`; in a loop `torch.stack([row + 1 for row in x])`. (`row = row + 1` only renames: `x` stays as it was.)",
        folk="`split` in place of `unbind`",
        vain={"x, y = (boxes * 2).unbind(1)": "x, y = (boxes * 2).split(1, 1)"},
        ends="one of several views",
        because="`split` and `chunk` return several views at once as well. (`x = (boxes * 2)[:, 0]` is one view, and may be written.)",
        thread="ultralytics/yolov3#1805",
        by_hand="""
x = boxes[:, 0] * 2 + 1
y = boxes[:, 1] * 2
(x * y).sum().backward()
""",
    ),
    Pattern(
        "view made under no_grad",
        group="refused",
        says="view made under no_grad",
        given="""
a = torch.randn(4, requires_grad=True)
b = torch.randn(2, requires_grad=True)
""",
        wrong="""
x = a * 2
with torch.no_grad():
    head = x[:2]
head *= b
x.square().sum().backward()
""",
        right="""
x = a * 2
head = x[:2]
head *= b
x.square().sum().backward()
""",
        does="Make the view where you write it, with gradients on.",
        folk="`head.data *= b`",
        vain={"head *= b": "head.data *= b"},
        ends="no gradient",
        because="The values change, and no operation is recorded: `b` gets no gradient.",
        by_hand="""
x = torch.cat((a[:2] * 2 * b, a[2:] * 2))
x.square().sum().backward()
""",
    ),
    Pattern(
        "view made in inference mode",
        group="refused",
        says="view made in inference mode",
        given="""
a = torch.randn(4, requires_grad=True)
b = torch.randn(2, requires_grad=True)
""",
        wrong="""
x = a * 2
with torch.inference_mode():
    head = x[:2]
head *= b
x.square().sum().backward()
""",
        right="""
x = a * 2
head = x[:2]
head *= b
x.square().sum().backward()
""",
        does="Make the view where you write it, outside inference mode.",
        folk="`head.data *= b`",
        vain={"head *= b": "head.data *= b"},
        ends="no gradient",
        because="The values change, and no operation is recorded: `b` gets no gradient.",
        by_hand="""
x = torch.cat((a[:2] * 2 * b, a[2:] * 2))
x.square().sum().backward()
""",
    ),
    Pattern(
        "inference tensor written",
        group="refused",
        says="inference tensor written",
        given="rows = torch.randn(4, requires_grad=True)",
        wrong="""
with torch.inference_mode():
    features = torch.linspace(0, 1, 4)
features += 1
(rows * features).sum().backward()
""",
        right="""
with torch.inference_mode():
    features = torch.linspace(0, 1, 4)
features = features.clone()
features += 1
(rows * features).sum().backward()
""",
        does="Outside inference mode `clone()` gives a normal tensor.",
        folk="`features.detach()`",
        vain="""
with torch.inference_mode():
    features = torch.linspace(0, 1, 4)
features = features.detach()
features += 1
(rows * features).sum().backward()
""",
        ends="inference tensor saved",
        because="Now the write passes, but the product may not save: what `detach()` gives is still an inference tensor.",
        by_hand="(rows * (torch.linspace(0, 1, 4) + 1)).sum().backward()",
    ),
    Pattern(
        "inference tensor saved",
        group="refused",
        says="inference tensor saved",
        given="rows = torch.randn(4, requires_grad=True)",
        wrong="""
with torch.inference_mode():
    features = torch.linspace(0, 1, 4)
(rows * features).sum().backward()
""",
        right={"with torch.inference_mode():": "with torch.no_grad():"},
        does="Use `no_grad` in place of `inference_mode`, or `features.clone()`.",
        folk="`features.detach()`",
        vain={"(rows * features).sum().backward()": "(rows * features.detach()).sum().backward()"},
        ends="inference tensor saved",
        because="What `detach()` gives is still an inference tensor.",
        by_hand="rows.backward(torch.linspace(0, 1, 4))",
    ),
    Pattern(
        "expanded memory written",
        group="refused",
        says="elements share a place",
        given="""
start = torch.randn(4, requires_grad=True)
steps = torch.randn(3, 4, requires_grad=True)
""",
        wrong="""
rows = (start * 2).expand(3, 4)
rows += steps
rows.square().sum().backward()
""",
        right={"rows += steps": "rows = rows + steps"},
        does="Compute a new tensor, or call `expand(3, 4).clone()` first.",
        folk="`rows.data += steps`",
        vain={"rows += steps": "rows.data += steps"},
        ends="elements share a place",
        because="This error is about memory, not gradients: the three rows share the same places.",
        by_hand="""
rows = (start * 2).repeat(3, 1) + steps
rows.square().sum().backward()
""",
    ),
)
