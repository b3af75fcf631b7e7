"""Patterns in which an operation saved an input: the message names a writer, a maker, a slice or nobody."""

from overwritten.cases.patterns.pattern import Pattern

INPUTS = (
    Pattern(
        "position added after a convolution",
        group="writer",
        says="Add, 1; expected 0",
        given="""
stem, side = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 1)
position = torch.randn(1, 4, 5, 5, requires_grad=True)
image = torch.randn(1, 3, 5, 5)
""",
        wrong="""
x = stem(image)
y = side(x)  # saver
x += position  # writer
(x * y).sum().backward()
""",
        right={"x += position": "x = x + position"},
        does="Compute a new tensor: `x = x + position`.",
        folk="hand the convolution `x.clone()`",
        vain={"y = side(x)": "y = side(x.clone())"},
        ends="right gradient",
        because="It works: the convolution saves the copy. It needs memory for another tensor of that size, and so does `x + position`.",
        saver="conv2d",
        writers=("add_",),
        cure="augmented assignment",
        thread="Wolfwjs/GANet#20",
    ),
    Pattern(
        "vectors divided by their norm",
        group="writer",
        says="Div, 1; expected 0",
        given="weight = torch.randn(4, 8, requires_grad=True)",
        wrong="""
x = weight * 2
length = x.norm(dim=-1, keepdim=True)  # saver
x /= length  # writer
x[:, 0].sum().backward()
""",
        right={"x /= length": "x = x / length"},
        does="Compute a new tensor: `x = x / length`.",
        folk="`x /= length.detach()`",
        vain={"x /= length": "x /= length.detach()"},
        ends="silently wrong gradient",
        because="It runs because backward no longer goes through the norm: that part of the gradient is missing.",
        saver="norm",
        writers=("div_",),
        cure="augmented assignment",
        thread="huggingface/transformers#24525",
    ),
    Pattern(
        "column written after the whole was used",
        group="parts",
        says="CopySlices, 1; expected 0",
        given="boxes = torch.randn(3, 4, requires_grad=True)",
        wrong="""
x = boxes * 2
area = x ** 2
x[:, 0] = 0
(area + x).sum().backward()
""",
        right={"x[:, 0] = 0": "x = torch.cat((torch.zeros(3, 1), x[:, 1:]), 1)"},
        does="Build the result from parts with `torch.cat` or `torch.stack`, or write into `x.clone()`.",
        folk="write a column that `area` does not need",
        vain={
            "area = x ** 2": "area = x[:, 1:] ** 2",
            "(area + x).sum().backward()": "(area.sum() + x.sum()).backward()",
        },
        ends="AsStrided, 1; expected 0",
        because="All views of a tensor share one counter, including those that were not written.",
        by_hand="""
keep = torch.tensor([0.0, 1.0, 1.0, 1.0])
((boxes * 2) ** 2 + boxes * 2 * keep).sum().backward()
""",
    ),
    Pattern(
        "features clamped under no_grad",
        group="unrecorded",
        says="Mul, 1; expected 0",
        given="a = torch.randn(4, requires_grad=True)",
        wrong="""
x = a * 2
y = x ** 3
with torch.no_grad():
    x.clamp_(-1, 1)
y.sum().backward()
""",
        right={"    x.clamp_(-1, 1)": "    shown = x.clamp(-1, 1)"},
        does="Write into a new tensor: `shown = x.clamp(-1, 1)`. The message names the maker of `x`, because the write was not recorded.",
        folk="`x.detach().clamp_(-1, 1)`",
        vain="""
x = a * 2
y = x ** 3
x.detach().clamp_(-1, 1)
y.sum().backward()
""",
        ends="Mul, 1; expected 0",
        because="`detach()` shares storage and counter.",
        by_hand="(a * 2).pow(3).sum().backward()",
    ),
    Pattern(
        "time buffer filled from itself",
        group="slice",
        says="AsStrided, 5; expected 4",
        given="weight = torch.randn(1, requires_grad=True)",
        wrong="""
states = torch.zeros(4, 6)
for t in range(1, 6):
    state = torch.tanh(states[:, t - 1] * weight + 1)  # saver
    states[:, t] = state  # writer
states.sum().backward()
""",
        right="""
states = [torch.zeros(4)]
for t in range(1, 6):
    state = torch.tanh(states[t - 1] * weight + 1)
    states.append(state)
torch.stack(states, 1).sum().backward()
""",
        does="Collect the states in a list, and `torch.stack` them at the end.",
        folk="read `states[:, t - 1].clone()`",
        vain="""
states = torch.zeros(4, 6)
for t in range(1, 6):
    state = torch.tanh(states[:, t - 1].clone() * weight + 1)
    states[:, t] = state
states.sum().backward()
""",
        ends="right gradient",
        because="It works, at the price of a copy of every slice that is read.",
        saver="mul",
        writers=("__setitem__",),
        cure="written part by part",
        thread="pytorch/pytorch#74806",
    ),
    Pattern(
        "buffer written by the next forward",
        group="buffer",
        says="no name, 4; expected 2",
        given="first, second = torch.randn(2, 4), torch.randn(2, 4)",
        wrong="""
class Scaled(nn.Linear):
    def forward(self, x):
        self.scale.mul_(0.9)  # writer
        self.scale.add_(0.3)  # writer
        return super().forward(x) * self.scale  # saver

net = Scaled(4, 4)
net.register_buffer("scale", torch.ones(4))
(net(first).sum() + net(second).sum()).backward()
""",
        right="""
class Scaled(nn.Linear):
    def forward(self, x):
        self.scale.mul_(0.9)
        self.scale.add_(0.3)
        return super().forward(x) * self.scale.clone()

net = Scaled(4, 4)
net.register_buffer("scale", torch.ones(4))
(net(first).sum() + net(second).sum()).backward()
""",
        does="Use `self.scale.clone()` in the forward, or write the buffer after backward.",
        folk="`retain_graph=True`",
        vain="""
class Scaled(nn.Linear):
    def forward(self, x):
        self.scale.mul_(0.9)
        self.scale.add_(0.3)
        return super().forward(x) * self.scale

net = Scaled(4, 4)
net.register_buffer("scale", torch.ones(4))
(net(first).sum() + net(second).sum()).backward(retain_graph=True)
""",
        ends="no name, 4; expected 2",
        because="It keeps the graph, not the old values. (DistributedDataParallel writes buffers before each forward, too, unless `broadcast_buffers=False`; since torch 2.12 without this error: see the pattern `buffer synced by the next forward`.)",
        saver="mul",
        writers=("mul_", "add_"),
        cure="buffer of a later forward",
        thread="pytorch/pytorch#22095",
    ),
    Pattern(
        "batch changed after the forward",
        group="data",
        says="no name, 1; expected 0",
        given="net, images = nn.Conv2d(3, 4, 3), torch.rand(2, 3, 32, 32)",
        wrong="""
plain = net(images).mean()
images -= images.mean()
(plain + net(images).square().mean()).backward()
""",
        right={
            "images -= images.mean()": "centred = images - images.mean()",
            "(plain + net(images).square().mean()).backward()": "(plain + net(centred).square().mean()).backward()",
        },
        does="Put the changed batch into a new tensor: `centred = images - images.mean()`. Do the same with a target that a loss has saved.",
        folk="`with torch.no_grad():` around the write",
        vain={"images -= images.mean()": "with torch.no_grad():\n    images -= images.mean()"},
        ends="no name, 1; expected 0",
        because="The write was not recorded before, either: a batch has no history. The convolution saved the batch, and its counter moves all the same.",
        by_hand="""
plain = net(images).mean()
(plain + net(images - images.mean()).square().mean()).backward()
""",
    ),
    Pattern(
        "labels changed after the loss",
        group="whole numbers",
        says="no name, 1; expected 0",
        given="""
scores = torch.randn(4, 3, requires_grad=True)
labels = torch.tensor([0, 1, 2, 1])
""",
        wrong="""
loss = F.cross_entropy(scores, labels)
labels[labels == 2] = 0
loss.backward()
""",
        right={"labels[labels == 2] = 0": "merged = torch.where(labels == 2, 0, labels)"},
        does="Put the changed labels into a new tensor, or change them before the loss.",
        folk="`labels = labels.detach()` before",
        vain="""
labels = labels.detach()
loss = F.cross_entropy(scores, labels)
labels[labels == 2] = 0
loss.backward()
""",
        ends="no name, 1; expected 0",
        because="Integers have no history to cut off; the loss saved them all the same.",
        by_hand="""
slopes = torch.softmax(scores.detach(), -1) - F.one_hot(labels)
(scores * slopes / 4).sum().backward()
""",
    ),
)
