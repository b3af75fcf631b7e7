"""The programs whose lines a learner puts in order, one or two a lesson; data and nothing else.

`lines` stand in an order that is right, `twin` does the same out of place. See `lesson.parsons`.
"""

from overwritten.lesson.parsons import Order

order_save = Order(
    "One forward, one backward; at the end `y` must be zeros, ready for the next round. "
    "The gradient of `x` must be that of `(x.exp() * 3 * keep).sum()`.",
    start="x = torch.tensor([0.5, 2.0], requires_grad=True)",
    lines="""
y = x.exp()
keep = x < 1
scaled = y * 3
scaled *= keep
scaled.sum().backward()
y.zero_()
""",
    twin="""
y = x.exp()
keep = x < 1
scaled = y * 3 * keep
scaled.sum().backward()
y = torch.zeros(2)
""",
    compare=("y", "scaled"),
    hints=(
        "Two lines write in place. Of each ask: who saved what it writes over?",
        "`exp` saved `y`, so `y` may be written when backward has been. Nobody saved `scaled`, but its write belongs to the forward.",
    ),
)

order_block = Order(
    "A residual block with two ReLUs in place. It must compute `relu(conv2(inner) + h)`, where "
    "`inner = relu(conv1(h))`, and every gradient must be right.",
    start="""
conv0, conv1, conv2 = (nn.Conv2d(1, 1, 3, padding=1) for _ in "012")
x = torch.randn(1, 1, 4, 4, requires_grad=True)
""",
    lines="""
h = F.relu(conv0(x))
inner = F.relu_(conv1(h))
y = conv2(inner)
y += h
out = F.relu_(y)
active = (inner > 0).sum()
out.square().sum().backward()
""",
    twin="""
h = F.relu(conv0(x))
inner = F.relu(conv1(h))
active = (inner > 0).sum()
out = F.relu(conv2(inner) + h)
out.square().sum().backward()
""",
    compare=("out", "active"),
    hints=(
        "ReLU saves its result, in place or not. Which line writes into something that a ReLU or a convolution may have saved?",
        "A convolution saves its input, not its result: what comes out of `conv2` may be written until the last ReLU has it.",
    ),
)

order_step = Order(
    "One training step. `w` begins with a gradient that the step before left behind; it must not "
    "count. The gradient must be clipped to a norm of 1 before `w` is updated with it.",
    start="""
w = torch.tensor([2.0, -1.0], requires_grad=True)
w.grad = torch.ones(2)
optimizer = torch.optim.SGD([w], lr=0.1)
clip = nn.utils.clip_grad_norm_
x = torch.tensor([1.0, 3.0])
""",
    lines="""
optimizer.zero_grad()
guess = (w * w * x).sum()
loss = (guess - 4) ** 2
loss.backward()
clip([w], 1.0)
optimizer.step()
""",
    twin="""
w.grad = None
loss = ((w * w * x).sum() - 4) ** 2
loss.backward()
w.grad = w.grad / w.grad.norm()
w.data = w.data - 0.1 * w.grad
""",
    compare=("w", "loss"),
    hints=(
        "`w * w` saves `w`, and `step` writes into it.",
        "Whatever changes `w.grad` comes before `step`, what makes it before what changes it.",
    ),
)

order_gan = Order(
    "One step of a GAN. D learns first, from the gradients of its own loss alone (it begins with "
    "some that are left over); then G learns from the score that the updated D gives.",
    start="""
G, D = nn.Linear(2, 2), nn.Linear(2, 1)
SGD, soft = torch.optim.SGD, F.softplus
opt_g = SGD(G.parameters(), lr=0.1)
opt_d = SGD(D.parameters(), lr=0.1)
noise, real = torch.randn(4, 2), torch.randn(4, 2)
D(real).sum().backward()
""",
    lines="""
fake = G(noise)
loss_d = (soft(D(fake.detach())) + soft(-D(real))).mean()
opt_d.zero_grad()
loss_d.backward()
opt_d.step()
loss_g = soft(-D(fake)).mean()
loss_g.backward()
opt_g.step()
""",
    twin="""
fake = G(noise)
loss_d = (soft(D(fake.detach())) + soft(-D(real))).mean()
D.zero_grad()
loss_d.backward()
D.load_state_dict({name: one - 0.1 * one.grad for name, one in D.named_parameters()})
loss_g = soft(-D(fake)).mean()
loss_g.backward()
G.load_state_dict({name: one - 0.1 * one.grad for name, one in G.named_parameters()})
""",
    compare=("D.weight", "D.bias", "G.weight", "G.bias"),
    hints=(
        "`D(fake)` saves D's weight, for the way back to `fake`. Which line writes into it?",
        "D has to have stepped before `loss_g` is computed, and its old gradients must be gone before `loss_d.backward()`.",
    ),
)

order_sum = Order(
    "Where may the `+=` stand? `out` must be `relu(2 * x) * (2 * x + 1)`, and the gradient of `x` that of its sum.",
    start="x = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)",
    lines="""
y = x * 2
z = F.relu(y)
largest = z.detach().max()
y += 1
out = z * y
total = out.sum()
total.backward()
""",
    twin="""
y = x * 2
z = F.relu(y)
largest = z.detach().max()
y = y + 1
out = z * y
total = out.sum()
total.backward()
""",
    compare=("y", "out", "largest"),
    hints=(
        "What did ReLU save, its input or its result? And the product?",
        "Between the ReLU, which needs the old `y`, and the product, which saves the new one.",
    ),
)

order_loss = Order(
    "The detector's loss: a target for each proposal, cross-entropy over all of them, and smooth "
    "L1 over those that show an object.",
    start="""
anchors, truth = torch.rand(5, 4), torch.rand(2, 4)
deltas = torch.zeros(5, 4, requires_grad=True)
logits = torch.randn(5, 3, requires_grad=True)
positive = torch.tensor([True, False, False, True, False])
labels, nearest = torch.tensor([1, 0]), torch.tensor([0, 1])
""",
    lines="""
boxes = anchors + deltas
targets = torch.zeros(5, dtype=torch.long)
targets[positive] = labels[nearest] + 1
loss = F.cross_entropy(logits, targets)
loss = loss + F.smooth_l1_loss(boxes[positive], truth[nearest])
loss.backward()
""",
    twin="""
boxes = anchors + deltas
targets = torch.tensor([2, 0, 0, 1, 0])
loss = F.cross_entropy(logits, targets)
loss = loss + F.smooth_l1_loss(boxes[positive], truth[nearest])
loss.backward()
""",
    compare=("loss", "targets", "boxes"),
    hints=(
        "Cross-entropy saves its targets, for backward has to know which class was right.",
        "The write into `targets` comes before cross-entropy; `boxes` may be computed any time before smooth L1.",
    ),
)

order_head = Order(
    "The head of a SlowFast, with a dropout in place that must stay. It must compute "
    "`cls(relu(fc1(dropout(both))))`.",
    start="""
fc1, cls = nn.Linear(6, 8), nn.Linear(8, 2)
slow, fast = (torch.randn(3, n, requires_grad=True) for n in (4, 2))
labels = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
""",
    lines="""
both = torch.cat([slow, fast], dim=1)
F.dropout(both, 0.3, inplace=True)
x = F.relu_(fc1(both))
person = x.view(3, -1)
score = cls(person)
labels = labels * 0.9 + 0.05
loss = F.binary_cross_entropy_with_logits(score, labels)
loss.backward()
""",
    twin="""
both = F.dropout(torch.cat([slow, fast], dim=1), 0.3)
score = cls(F.relu(fc1(both)))
labels = labels * 0.9 + 0.05
loss = F.binary_cross_entropy_with_logits(score, labels)
loss.backward()
""",
    compare=("score", "loss", "labels"),
    hints=(
        "Who saved `both`? `cat` did not, for its derivative needs no values.",
        "`fc1` saves its input: the dropout writes before `fc1` has it. The labels may be smoothed any time before the loss.",
    ),
)
