"""Patterns in which weights are written between a forward and the backward that needs them."""

from overwritten.cases.patterns.pattern import Pattern

WEIGHTS = (
    Pattern(
        "critic stepped before the generator's backward",
        group="linear weight",
        says="AsStrided, 2; expected 1",
        given="""
generator = nn.Linear(3, 8)
critic = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
critic_step = torch.optim.SGD(critic.parameters(), 0.1)
noise = torch.randn(4, 3)
""",
        wrong="""
fake = generator(noise)
score = critic(fake)  # saver
score.mean().backward(retain_graph=True)
critic_step.step()  # writer
generator.zero_grad()
(-score.mean()).backward()
""",
        right="""
fake = generator(noise)
critic(fake.detach()).mean().backward()
critic_step.step()
critic_step.zero_grad()
score = critic(fake)
(-score.mean()).backward()
""",
        does="Compute the score again after the step, and use `fake.detach()` for the critic's own loss. Or step after both backwards.",
        folk="`retain_graph=True` in the second backward as well",
        vain={"(-score.mean()).backward()": "(-score.mean()).backward(retain_graph=True)"},
        ends="AsStrided, 2; expected 1",
        because="It keeps the graph, not the weights that the step overwrote.",
        saver="linear",
        writers=("add_",),
        cure="optimizer step",
        thread="pytorch/pytorch#39141",
        no_twin="After the step the cure asks the new critic, the trigger's graph belongs to the old one.",
        by_hand="""
fake = generator(noise)
old = dict(critic.named_parameters())
slopes = torch.autograd.grad(critic(fake.detach()).mean(), list(old.values()))
new = {name: w.detach() - 0.1 * slope for (name, w), slope in zip(old.items(), slopes)}
(-torch.func.functional_call(critic, new, fake).mean()).backward()
""",
    ),
    Pattern(
        "hidden state carried over a step",
        group="linear weight",
        says="AsStrided, 3; expected 2",
        given="""
cell = nn.RNNCell(3, 4)
optimizer = torch.optim.SGD(cell.parameters(), 0.1)
inputs = torch.randn(3, 2, 3)
""",
        wrong="""
hidden = torch.zeros(2, 4)
for x in inputs:
    hidden = cell(x, hidden)  # saver
    optimizer.zero_grad()
    hidden.sum().backward(retain_graph=True)
    optimizer.step()  # writer
""",
        right={
            "    hidden = cell(x, hidden)": "    hidden = cell(x, hidden.detach())",
            "    hidden.sum().backward(retain_graph=True)": "    hidden.sum().backward()",
        },
        does="Pass `hidden.detach()` at each step: the history of the state then ends where the weights change.",
        folk="`hidden.clone()`",
        vain={"    hidden = cell(x, hidden)": "    hidden = cell(x, hidden.clone())"},
        ends="AsStrided, 3; expected 2",
        because="A clone keeps the history. What was overwritten is a weight, not the state.",
        saver="rnn_tanh_cell",
        writers=("add_",),
        cure="optimizer step",
        thread="norse/norse#163",
        no_twin="With the state detached the gradient ends at this step, the trigger's goes on to the first.",
        by_hand="""
rnn, weights = cell, dict(cell.named_parameters())
hidden = torch.zeros(2, 4)
for x in inputs:
    cell = {name: weight.detach().requires_grad_() for name, weight in weights.items()}
    hidden = torch.func.functional_call(rnn, cell, (x, hidden.detach()))
    hidden.sum().backward()
    weights = {name: weight - 0.1 * weight.grad for name, weight in cell.items()}
""",
    ),
    Pattern(
        "step between two losses",
        group="linear weight",
        says="AsStrided, 2; expected 1",
        given="""
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
optimizer = torch.optim.Adam(net.parameters())
rows = torch.randn(5, 3)
""",
        wrong="""
out = net(rows)  # saver
first, second = out.mean(), out.square().mean()
first.backward(retain_graph=True)
optimizer.step()  # writer
second.backward()
""",
        right="""
out = net(rows)
first, second = out.mean(), out.square().mean()
first.backward(retain_graph=True)
second.backward()
optimizer.step()
""",
        does="Run both backwards, then one step. (For two steps, run the forward again in between.)",
        folk="the step by hand, through `.data`",
        vain="""
out = net(rows)
first, second = out.mean(), out.square().mean()
first.backward(retain_graph=True)
for weight in net.parameters():
    weight.data -= 0.1 * weight.grad
second.backward()
""",
        ends="silently wrong gradient",
        because="No counter moves, so nothing raises; the second backward uses weights that its forward never used.",
        saver="linear",
        writers=("addcdiv_",),
        cure="optimizer step",
        thread="pytorch/pytorch#55368",
    ),
    Pattern(
        "moving average before backward",
        group="linear weight",
        says="AsStrided, 3; expected 1",
        given="""
student = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
teacher = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))
prompt = torch.randn(2, 4, requires_grad=True)
""",
        wrong="""
target = teacher(prompt)  # saver
loss = (student(prompt) - target.square()).sum()
with torch.no_grad():
    for slow, fast in zip(teacher.parameters(), student.parameters()):
        slow.mul_(0.9)  # writer
        slow.add_(fast, alpha=0.1)  # writer
loss.backward()
""",
        right="""
target = teacher(prompt)
loss = (student(prompt) - target.square()).sum()
loss.backward()
with torch.no_grad():
    for slow, fast in zip(teacher.parameters(), student.parameters()):
        slow.mul_(0.9)
        slow.add_(fast, alpha=0.1)
""",
        does="Update the teacher after backward.",
        folk="`slow.data.mul_(…)`",
        vain="""
target = teacher(prompt)
loss = (student(prompt) - target.square()).sum()
for slow, fast in zip(teacher.parameters(), student.parameters()):
    slow.data.mul_(0.9)
    slow.data.add_(fast, alpha=0.1)
loss.backward()
""",
        ends="silently wrong gradient",
        because="The teacher's part of the gradient is computed with the weights after the update.",
        saver="linear",
        writers=("mul_", "add_"),
        cure="weights written by hand",
    ),
    Pattern(
        "convolution stepped between two losses",
        group="parameter",
        says="no name, 2; expected 1",
        given="""
net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Conv2d(4, 1, 3))
optimizer = torch.optim.SGD(net.parameters(), 0.1)
images = torch.randn(2, 3, 8, 8)
""",
        wrong="""
maps = net(images)
first, second = maps.mean(), maps.square().mean()
first.backward(retain_graph=True)
optimizer.step()
second.backward()
""",
        right={
            "first.backward(retain_graph=True)": "(first + second).backward()",
            "second.backward()": "",
        },
        does="Add the losses: one backward, one step. (A convolution saves the weight itself, so the message names no operation.)",
        folk="`second.detach_().requires_grad_(True)` before its backward",
        vain="""
maps = net(images)
first, second = maps.mean(), maps.square().mean()
first.backward(retain_graph=True)
optimizer.step()
second.detach_().requires_grad_(True)
second.backward()
""",
        ends="silently wrong gradient",
        because="It runs, and the second loss teaches nothing: only the gradient of the first one is there.",
        thread="tamarott/SinGAN#148",
        by_hand="""
maps = net(images)
(maps + maps.square()).mean().backward()
""",
    ),
    Pattern(
        "embedding with max_norm",
        group="parameter",
        says="no name, 2; expected 1",
        given="""
table = nn.Embedding(5, 3, max_norm=0.1)
projection = torch.randn(3, 2, requires_grad=True)
words = torch.tensor([1, 2])
""",
        wrong="""
every = table.weight @ projection  # saver
some = table(words) @ projection  # writer
(every.sum() + some.sum()).backward()
""",
        right={"every = table.weight @ projection": "every = table.weight.clone() @ projection"},
        does="Use `table.weight.clone()` where the weight is used directly.",
        folk="`table.weight.detach()`",
        vain={"every = table.weight @ projection": "every = table.weight.detach() @ projection"},
        ends="no name, 2; expected 1",
        because="`detach()` shares storage and counter; the product saved it to compute the gradient of `projection`.",
        saver="matmul",
        writers=("embedding",),
        cure="embedding renormalised",
        thread="pytorch/pytorch#26596",
    ),
)
