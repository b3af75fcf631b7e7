"""Patterns in which an operation saved its own result: the message names the saver."""

from overwritten.cases.patterns.pattern import Pattern

RESULTS = (
    Pattern(
        "residual onto a relu",
        group="own result",
        says="Relu, 2; expected 1",
        given="""
a = torch.randn(4, 8, requires_grad=True)
shortcut = torch.randn(4, 8, requires_grad=True)
""",
        wrong="""
x = F.relu(a * 2, inplace=True)  # saver
x += shortcut  # writer
x.square().sum().backward()
""",
        right={"x += shortcut": "x = x + shortcut"},
        does="Compute a new tensor: `x = x + shortcut`. The ReLU may stay in place.",
        folk="`inplace=False` in the ReLU",
        vain={"x = F.relu(a * 2, inplace=True)": "x = F.relu(a * 2)"},
        ends="Relu, 1; expected 0",
        because="ReLU saves its result either way; the late write is still there.",
        saver="relu",
        writers=("add_",),
        cure="augmented assignment",
        thread="open-mmlab/mmdetection#7933",
    ),
    Pattern(
        "in-place dropout behind a relu",
        group="own result",
        says="Relu, 1; expected 0",
        given="""
hidden, out = nn.Linear(8, 8), nn.Linear(8, 2)
relu = nn.ReLU()
rows = torch.randn(4, 8)
""",
        wrong="""
dropout = nn.Dropout(0.5, inplace=True)
x = relu(hidden(rows))  # saver
x = dropout(x)  # writer
out(x).square().sum().backward()
""",
        right={"dropout = nn.Dropout(0.5, inplace=True)": "dropout = nn.Dropout(0.5)"},
        does="Set `inplace=False` in the Dropout, the module that writes.",
        folk="`.clone()` before the ReLU",
        vain={"x = relu(hidden(rows))": "x = relu(hidden(rows).clone())"},
        ends="Relu, 1; expected 0",
        because="ReLU saved what it returns, and that is what the Dropout writes. The input of the ReLU plays no part in it.",
        saver="relu",
        writers=("dropout",),
        cure="in-place module",
        thread="facebookresearch/3detr#55",
    ),
    Pattern(
        "relu twice",
        group="own result",
        says="Relu, 2; expected 1",
        given="a = torch.randn(4, 8, requires_grad=True)",
        wrong="""
x = a * 2
x = F.relu(x, inplace=True)  # saver
x = F.relu(x, inplace=True)  # writer
x.square().sum().backward()
""",
        right="""
x = a * 2
x = F.relu(x, inplace=True)
x.square().sum().backward()
""",
        does="Remove the second one: it changes no number.",
        folk="`inplace=False` in the first ReLU",
        vain="""
x = a * 2
x = F.relu(x)
x = F.relu(x, inplace=True)
x.square().sum().backward()
""",
        ends="Relu, 1; expected 0",
        because="The second ReLU still overwrites what the first one saved.",
        saver="relu",
        writers=("relu",),
        cure="in-place activation",
        thread="pytorch/pytorch#34429",
    ),
    Pattern(
        "boxes decoded into a sigmoid",
        group="own result",
        says="Sigmoid, 2; expected 0",
        given="raw = torch.randn(2, 3, 7, requires_grad=True)",
        wrong="""
y = torch.sigmoid(raw)  # saver
y[..., 0:2] = (y[..., 0:2] * 2 - 0.5) * 8  # writer
y[..., 2:4] = (y[..., 2:4] * 2) ** 2 * 16  # writer
y.sum().backward()
""",
        right="""
y = torch.sigmoid(raw)
centre, size, rest = y.split((2, 2, 3), -1)
centre, size = (centre * 2 - 0.5) * 8, (size * 2) ** 2 * 16
y = torch.cat((centre, size, rest), -1)
y.sum().backward()
""",
        does="Build the result from parts with `torch.cat`, or write into `y.clone()`.",
        folk="`y.data[…] = …`",
        vain="""
y = torch.sigmoid(raw)
y.data[..., 0:2] = (y[..., 0:2] * 2 - 0.5) * 8
y.data[..., 2:4] = (y[..., 2:4] * 2) ** 2 * 16
y.sum().backward()
""",
        ends="silently wrong gradient",
        because="Sigmoid's backward uses the boxes as if they were its result, and the decoding itself is missing from the gradient.",
        saver="sigmoid",
        writers=("__setitem__", "__setitem__"),
        cure="written part by part",
        thread="ultralytics/yolov5#671",
    ),
    Pattern(
        "in-place activation on a shortcut",
        group="own result",
        says="Tanh, 1; expected 0",
        given="""
convolution = nn.Conv2d(4, 4, 1)
image = torch.randn(1, 4, 5, 5, requires_grad=True)
""",
        wrong="""
x = torch.tanh(image)  # saver
active = F.relu(x, inplace=True)  # writer
block = convolution(active) + x
block.square().sum().backward()
""",
        right={"active = F.relu(x, inplace=True)": "active = F.relu(x)"},
        does="Set `inplace=False` in the activation that begins the block.",
        folk="keep the shortcut under another name",
        vain={
            "x = torch.tanh(image)": "x = shortcut = torch.tanh(image)",
            "block = convolution(active) + x": "block = convolution(active) + shortcut",
        },
        ends="Tanh, 1; expected 0",
        because="A second name is not a second tensor: the ReLU overwrites the tensor that both names stand for.",
        saver="tanh",
        writers=("relu",),
        cure="in-place activation",
        thread="NVlabs/FUNIT#23",
        no_twin="The trigger adds the shortcut as the ReLU left it, the cure the one that was meant.",
        by_hand="""
x = torch.tanh(image)
block = convolution(torch.where(x > 0, x, 0)) + x
block.square().sum().backward()
""",
    ),
    Pattern(
        "attention masked after the softmax",
        group="own result",
        says="Softmax, 1; expected 0",
        given="""
scores = torch.randn(2, 4, 4, requires_grad=True)
values = torch.randn(2, 4, 5, requires_grad=True)
padding = torch.tensor([False, False, False, True])
""",
        wrong="""
attention = torch.softmax(scores, -1)  # saver
attention[:, :, padding] = 0  # writer
(attention @ values).sum().backward()
""",
        right={"attention[:, :, padding] = 0": "attention = torch.where(padding, 0, attention)"},
        does="`torch.where` gives a new tensor. (Rows that add up to 1: mask the scores with `-inf` before the softmax.)",
        folk="`with torch.no_grad():` around the write",
        vain="""
attention = torch.softmax(scores, -1)
with torch.no_grad():
    attention[:, :, padding] = 0
(attention @ values).sum().backward()
""",
        ends="Softmax, 1; expected 0",
        because="`no_grad` keeps the write out of the graph, not out of the storage.",
        saver="softmax",
        writers=("__setitem__",),
        cure="written part by part",
        thread="wutong16/DistributionBalancedLoss#20",
    ),
    Pattern(
        "sum of distances",
        group="own result",
        says="LinalgVectorNorm, 1; expected 0",
        given="""
a = torch.randn(5, requires_grad=True)
b = torch.randn(5, requires_grad=True)
""",
        wrong="""
distance = a.norm()  # saver
distance += b.norm()  # writer
distance.backward()
""",
        right={"distance += b.norm()": "distance = distance + b.norm()"},
        does="Compute a new tensor: `distance = distance + b.norm()`.",
        folk="`distance.data += …`",
        vain={"distance += b.norm()": "distance.data += b.norm()"},
        ends="no gradient",
        because="`b` gets no gradient at all, and the gradient of `a` is wrong.",
        saver="norm",
        writers=("add_",),
        cure="augmented assignment",
        thread="pytorch/pytorch#78140",
    ),
    Pattern(
        "write through detach",
        group="own result",
        says="Sigmoid, 1; expected 0",
        given="logits = torch.randn(6, requires_grad=True)",
        wrong="""
chance = logits.sigmoid()  # saver
shown = chance.detach()
shown.clamp_(max=0.5)  # writer
chance.sum().backward()
""",
        right={"shown = chance.detach()": "shown = chance.detach().clone()"},
        does="`.detach().clone()`: a tensor with a storage of its own.",
        folk="`.data` instead of `.detach()`",
        vain={"shown = chance.detach()": "shown = chance.data"},
        ends="silently wrong gradient",
        because="`.data` has a counter of its own, so the check finds nothing, and backward uses the clamped numbers.",
        saver="sigmoid",
        writers=("clamp_",),
        cure="any other write",
        thread="pytorch/pytorch#6990",
    ),
    Pattern(
        "a Function of one's own, then +=",
        group="custom Function",
        says="MyExp, 1; expected 0",
        given="""
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, slope):
        return slope * ctx.saved_tensors[0]

a = torch.randn(4, requires_grad=True)
""",
        wrong="""
y = MyExp.apply(a)
y += 1
y.sum().backward()
""",
        right={"y += 1": "y = y + 1"},
        does="Compute a new tensor: `y = y + 1`. What `save_for_backward` holds is checked like any other save.",
        folk="keep `ctx.y = y` instead of `save_for_backward`",
        vain="""
class Unchecked(MyExp):
    @staticmethod
    def forward(ctx, x):
        ctx.y = y = x.exp()
        return y

    @staticmethod
    def backward(ctx, slope):
        return slope * ctx.y

y = Unchecked.apply(a)
y += 1
y.sum().backward()
""",
        ends="silently wrong gradient",
        because="PyTorch does not check attributes of `ctx`: backward uses the overwritten numbers.",
        by_hand="""
y = a.exp() + 1
y.sum().backward()
""",
    ),
)
