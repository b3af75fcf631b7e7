# %% [markdown]
# # Write weights at the right moment
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/04_leaf_mutation.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F04_leaf_mutation.ipynb) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/04_leaf_mutation.ipynb)
# <!-- /badges -->
#
# After this lesson you can
#
# - say when a leaf may be written, what `no_grad` allows, and what it does not protect;
# - put forward, backward, step and zeroing in the right order, with one optimizer or two;
# - say why `.data` can give a wrong gradient without an error.
#
# **About 75 minutes.** You need: version counters and saved tensors (lesson 2).
# You can take it in two sittings: sections 1 to 4, then the rest; section 6 can be a third.
# Minutes are plans. Pause after any section: your answers are kept.
#
# <!-- terms -->
# The [glossary](00_start_here.ipynb#cell-id=7-glossary-2-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/00_start_here.ipynb#scrollTo=7-glossary-2-minutes)) explains each term of the course in a sentence or two.
# <!-- /terms -->
#
# Each round goes *predict, run, explain*: first open the answer that you think is right.

# %%
import subprocess
import sys
from importlib.util import find_spec

if not find_spec("torch"):
    sys.exit("PyTorch is missing: install it, restart the kernel.")
if not find_spec("overwritten"):  # a lone file, as in Colab
    pip = [sys.executable, *"-m pip install --no-deps -q".split()]
    subprocess.run([*pip, "git+https://github.com/overwritten-course/overwritten@v0.1.0"])
    if not find_spec("overwritten"):
        needs = "pip, git and a network; then restart the kernel"
        sys.exit(f"The course did not install. It needs {needs}.")

# %%
import warnings

import torch
from torch import nn
from torch.nn.functional import conv1d, linear, softplus
from torch.nn.utils import vector_to_parameters

from overwritten import again, caught, film, knob, predict, watch
from overwritten import leaf_mutation as exercises
from overwritten import leaf_mutation_questions as questions

# %% [markdown]
# ## Again (2 minutes)
#
# Here are three questions from earlier lessons, of those that make sense on their own. Those you
# answered wrong come first, then those you have not been asked again.

# %%
again(questions)

# %% [markdown]
# ## 1. A leaf that requires grad (5 minutes)
#
# A *leaf* is a tensor that no recorded operation made: your weights, your inputs.
# If it requires grad, `backward()` fills its `.grad`. If it does not, you may write into it:

# %%
x = torch.ones(3)
x += 1
print(x.tolist(), "leaf:", x.is_leaf)

# %% tags=["predict"]
predict(questions.raises_at_once)

# %% tags=["claim:leaf-never"]
w = torch.ones(3, requires_grad=True)
with caught():
    w += 1
with caught():
    w[0] = 5
with caught():
    w.view(3).mul_(2)
w = w + 1
print(w.tolist(), "leaf:", w.is_leaf)

# %% [markdown]
# Why? Do by hand what a recorded `w *= 3` would have to do: take an old number, multiply it,
# get a new number.

# %%
old = torch.tensor([1.0], requires_grad=True)
new = old * 3
new.retain_grad()
(new * new).backward()
print("gradient for the old number:", old.grad.item())
print("gradient for the new number:", new.grad.item())

# %% [markdown]
# After the write, `w` would stand for both. Which of the two gradients is its `.grad`, 18 or 6?
# The old number is gone, and an optimizer would step from the new one.
# So PyTorch refuses to record a write into a leaf that requires grad. For a tensor that is not a
# leaf the question does not arise: the write is one more operation on the way back to the leaf.
# (Some views refuse for other reasons: lesson 3.)

# %%
old = torch.tensor([1.0], requires_grad=True)
v = old.clone()
v *= 3
(v * v).backward()
print("leaf:", v.is_leaf, "| gradient of old:", old.grad.item())

# %% [markdown]
# ## 2. What `no_grad` allows, and what it does not protect (6 minutes)
#
# Under `torch.no_grad()` nothing is recorded. The question "gradient of which number?" does
# not arise, and a leaf may be written. SGD, Adam and AdamW of `torch.optim` write weights this way.

# %% tags=["predict"]
predict(questions.two_backwards)

# %%
film("""
w = torch.tensor([3.0], requires_grad=True)
a = w * w
with torch.no_grad():
    w *= 100
b = w * w
b.backward()
a.backward()
""")

# %% [markdown]
# PyTorch's message names neither the line that saved nor the line that wrote. The *doctor*, a
# tool of this course, names both: inside `with watch() as recording:` it notes which line saves
# and which line writes. `exercises.who(recording)` gives its finding as two lines of your code.

# %%
with caught(), watch() as recording:
    w = torch.tensor([3.0], requires_grad=True)
    a = w * w
    with torch.no_grad():
        w *= 100
    b = w * w
    b.backward()
    print("after b.backward():", w.grad.item())
    a.backward()
print(exercises.who(recording))

# %% [markdown]
# (`recording.diagnosis.text()` says more: line numbers, versions, a cure.)
# The `w * 2` of lesson 2 went through because it does not save `w`.
#
# **Which gradient is right?** The gradient of the forward that ran. A later write cannot change
# what was computed. So you can measure the right gradient: run an *out-of-place twin*, the same
# program with the write going into a new tensor.

# %% [markdown]
# ## 3. Four ways to write, one factor (10 minutes)
#
# `w` is multiplied by `k` between forward and backward, in one of four ways. Under `no_grad`
# you saw it raise. `.data` has a version counter of its own (lesson 2), so the counter of `w`
# does not move and the check finds nothing.

# %% tags=["predict"]
predict(questions.data_write)

# %%
ways = {
    ".data": "w.data *= k",
    "no_grad": "with torch.no_grad():\n    w *= k",
    "detach": "w.detach().mul_(k)",
    "out of place": "v = w * k",
}
program = """
w = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = (w * w).sum()
{}
y.backward()"""


# %%
def scaled(k, how):
    return {
        "as written": program.format(ways[how]),
        "out of place": program.format(ways["out of place"]),
    }


k = [1, 1.5, 2, 5, 10, 20, 50, 100]
factor = knob(scaled, show="gradients", k=k, how=[*ways])
factor.turn(k=10)
factor

# %% [markdown]
# Choose `.data` and move `k` from 1 to 100. The filled bars grow away from the hollow ones,
# the counter stays at 0, and **no error appears. That picture is the lesson.**
# The other ways give no wrong number here: they raise, or they are right.

# %% tags=["claim:data-avoids-the-error"]
factor.compare(how=".data", k=[1, 1.5, 100])

# %% tags=["claim:no-grad-makes-safe", "claim:detach-protects"]
factor.compare(how=["no_grad", "detach", "out of place"], k=10)

# %% [markdown]
# And at `k = 1`? The counter counts writes, not changes. So `no_grad` raises although no
# number changed, and `.data` is right only because none did. The picture marks no write for
# `.data`: no counter moved and no byte changed, so nothing shows it.

# %%
factor.compare(how=["no_grad", ".data"], k=1)

# %% [markdown]
# **Rebinding `.data`** looks like a write and is not one: `w.data = …` makes the tensor `w`
# look at another storage. The old storage keeps its numbers.

# %% tags=["predict"]
predict(questions.data_rebound)


# %%
def gradients_after(line):
    w = torch.full((1, 1), 3.0, requires_grad=True)
    x = torch.ones(1, 1, requires_grad=True)
    square, layer = w * w, linear(x, w)
    exec(line, globals() | {"w": w})
    (of_square,) = torch.autograd.grad(square, w)
    (of_layer,) = torch.autograd.grad(layer, x)
    print(f"{of_square.item():3.0f} {of_layer.item():3.0f}  {line}")


# %%
for line in (
    "pass",
    "w.data *= 100",
    "w.data = w.data * 100",
    "vector_to_parameters(w.data * 100, [w])",
):
    gradients_after(line)

# %% [markdown]
# The first line is the truth, 6 and 3. A write spoils both. Rebinding spoils only `w * w`:
# `linear` saved a transposed view of `w`, and that view still looks at the old storage.
# `vector_to_parameters` rebinds, too. A convolution saves the weight itself, as `w * w` does:

# %%
w = torch.full((1, 1, 1), 3.0, requires_grad=True)
x = torch.ones(1, 1, 1, requires_grad=True)
y = conv1d(x, w)
w.data = w.data * 100
y.backward()
print("through a convolution:", x.grad.item(), "| true: 3.0")

# %% [markdown]
# None of these raises. Rebind after backward.

# %% [markdown]
# ## 4. One step by hand (11 minutes)
#
# A step of gradient descent has three parts: run backward, write the weight, drop the gradient.

# %% tags=["claim:no-grad-for-leaves"]
w, lr = torch.tensor([1.0], requires_grad=True), 0.25
for _ in range(3):
    loss = (w * w).sum()
    loss.backward()
    with torch.no_grad():
        w -= lr * w.grad
    w.grad = None
    print(w.item(), "version", w._version, "leaf:", w.is_leaf)

# %% [markdown]
# The write comes after backward, so no saved tensor still needs the old `w`.
# Now get it wrong.

# %% tags=["predict"]
predict(questions.forgotten_no_grad)

# %% tags=["predict"]
predict(questions.forgotten_zeroing)

# %%
back, drop = "loss.backward()", "w.grad = None"
step = "with torch.no_grad(): w -= lr * w.grad"
orders = {
    "right": [back, step, drop],
    "no no_grad": [back, "w -= lr * w.grad", drop],
    "w = w - …": [back, "w = w - lr * w.grad", drop],
    "step too early": [step, drop, back],
    "never zeroed": [back, step],
    ".data": [back, "w.data -= lr * w.grad", drop],
}


# %%
def train(order):
    w = torch.tensor([1.0], requires_grad=True)
    w.grad = torch.zeros(1)
    names = {"torch": torch, "w": w, "lr": 0.25}
    lines = ["loss = (w * w).sum()", *order]
    try:
        for turn in (1, 2, 3):
            exec("\n".join(lines), names)
    except (RuntimeError, TypeError) as error:
        return f"round {turn}, {type(error).__name__}: {error}"[:79]
    return f"w = {names['w'].item()}, {w._version} ticks"


# %%
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="The .grad attribute")
    for name, order in orders.items():
        print(f"{name:15}", train(order))

# %% [markdown]
# Three orders raise, each for its own reason. (The messages are cut short.) Three go through,
# and one of them is wrong: *never zeroed* ends at -0.875 instead of 0.125.
#
# `.data` gives the right number here because after backward no saved tensor needs `w`. But the
# counter did not move. In the wrong place that step does what section 3 showed: no error, and a
# wrong gradient.
#
# `w = w - …` fails because `.grad` of the new `w`, which is no leaf, stays `None`.

# %% [markdown]
# `w = w - …` sets another trap: an optimizer keeps the tensor that it was given.

# %%
w = torch.tensor([1.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.25)
w = (w - 0.5).detach().requires_grad_()  # "reset" the weight
(w * w).sum().backward()
optimizer.step()
held = optimizer.param_groups[0]["params"][0]
print("w:", w.item(), "| the optimizer's:", held.item())
print("gradient:", w.grad.item(), "| the optimizer's:", held.grad)

# %% [markdown]
# `w` has a gradient and does not move: the optimizer holds the old tensor, which has no
# gradient to step with. Nothing raises.
#
# **Zeroing can be a write, too.** A second backward writes as well: here it adds to the existing
# `.grad` in place.

# %%
w = torch.tensor([3.0], requires_grad=True)
w.square().backward()
kept = w.grad  # for the log
print("first backward: ", kept.item(), "version", kept._version)
w.square().backward()
print("second backward:", kept.item(), "version", kept._version)
w.grad.zero_()
print("after zero_():  ", kept.item(), "version", kept._version)

# %%
w = torch.tensor([3.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.25)
w.square().backward()
kept = w.grad
optimizer.zero_grad()
print("after zero_grad():", w.grad, "| kept:", kept.item())
w.square().backward()
print("second backward:", w.grad.item(), "| kept:", kept.item())


# %% [markdown]
# `zero_grad()` sets `.grad` to `None` (`set_to_none=True` is its default): the kept tensor
# stays as it is, and the next backward makes a new one. Both drop the old gradient; only
# `zero_()` writes.

# %% [markdown]
# ## 5. A step between forward and backward (15 minutes)
#
# Take two networks with an optimizer each: G makes a fake, and D gives it a score. D's loss
# pushes the score down, and G's loss pushes it up.

# %%
def networks(fused=None):
    torch.manual_seed(0)
    G, D = nn.Linear(2, 2), nn.Linear(2, 1)
    opt_g = torch.optim.SGD(G.parameters(), lr=0.5)
    opt_d = torch.optim.SGD(D.parameters(), lr=0.5, fused=fused)
    return G, D, opt_g, opt_d


noise = torch.ones(1, 2)

# %% tags=["predict"]
predict(questions.gan_step)

# %% tags=["claim:retain-graph-cures", "claim:step-is-out-of-place"]
with caught(), watch() as recording:
    G, D, opt_g, opt_d = networks()
    score = D(G(noise))
    softplus(score).sum().backward(retain_graph=True)
    opt_d.step()
    softplus(-score).sum().backward()
print(exercises.who(recording))
print("D's weight:", list(D.weight.shape))
print("version of a new one:", networks()[1].weight._version)


# %% [markdown]
# The message shows the transposed shape and expects version 1: `Linear` saved a transposed view
# of its weight, and filling the weight with its first numbers was already a write. (Under
# *autocast*, which runs some operations in a smaller dtype, the layer saves a cast copy instead,
# and nothing raises: lesson 9.)
#
# Threads about this error advise going back to PyTorch 1.4. You cannot run that here. Such code
# ran there because the steps of 1.4 wrote through `.data` (pull request
# [34211](https://github.com/pytorch/pytorch/pull/34211) ended that), and so left the version
# counter alone. So today's PyTorch can show what such gradients look like. (`inputs=own` fills the
# `.grad` of D's weights only, as the last line shows: the gradient printed for G comes from G's
# loss alone.)

# %%
def g_gradient(how):
    G, D, opt_g, opt_d = networks()
    own, score = [*D.parameters()], D(G(noise))
    softplus(score).sum().backward(retain_graph=True, inputs=own)
    if how == "step through .data":
        for p in own:
            p.data -= 0.5 * p.grad
    if how == "step, forward again":
        opt_d.step()
        score = D(G(noise))
    softplus(-score).sum().backward()
    return [round(number, 4) for number in G.bias.grad.tolist()]


# %% tags=["claim:downgrade"]
for how in ("no step", "step through .data", "step, forward again"):
    print(f"{how:20}", g_gradient(how))
G, D, *_ = networks()
D(G(noise)).sum().backward(inputs=[*D.parameters()])
print("inputs=own:", D.bias.grad.tolist(), G.bias.grad)

# %% [markdown]
# The second line is neither the gradient for the old D nor the one for the new D: the score
# comes from the old D, the weights from the new. A step that moves no counter trains G with
# such a mixture.
# **The right orders:** step and then run the forward again, or step only after every backward
# that needs these weights.

# %% [markdown]
# Optimizers are not alone in writing weights. A *teacher* whose weights follow the student's
# as a moving average (EMA) is written under `no_grad` as well.

# %% tags=["predict"]
predict(questions.ema_between)


# %%
def ema(loss_of):
    torch.manual_seed(0)
    student, teacher = nn.Linear(2, 2), nn.Linear(2, 2)
    teacher.requires_grad_(False)
    loss = loss_of(student, teacher, torch.ones(1, 2)).sum()
    with torch.no_grad():
        for t, s in zip(teacher.parameters(), student.parameters()):
            t.lerp_(s, 0.1)
    with caught():
        loss.backward()


# %%
ema(lambda student, teacher, x: (student(x) - teacher(x)) ** 2)

# %% tags=["claim:ema-anywhere"]
ema(lambda student, teacher, x: teacher(student(x)))

# %% [markdown]
# This message names no operation: the teacher does not require grad, so the transpose of its
# weight was not recorded. Put the update after backward and you need not think about it.
#
# Last comes a state that is carried from step to step: `h = tanh(cell(h))`, starting from zeros.

# %% tags=["predict"]
predict(questions.never_detached)


# %%
def unroll(carry, retain):
    torch.manual_seed(0)
    cell = nn.Linear(2, 2)
    h = torch.zeros(1, 2)
    optimizer = torch.optim.SGD(cell.parameters(), lr=0.1)
    with caught():
        for step in range(1, 6):
            h = torch.tanh(cell(carry(h)))
            optimizer.zero_grad()
            print("backward of step", step)
            h.sum().backward(retain_graph=retain)
            optimizer.step()


# %%
unroll(lambda h: h, retain=True)

# %% [markdown]
# How does `retain_graph=True` get into such code? As a cure for the error that came first:

# %%
unroll(lambda h: h, retain=False)

# %% [markdown]
# Both errors have one cause: this backward goes into the graphs of earlier steps. Cut there:

# %% tags=["claim:detach-the-state"]
unroll(lambda h: h.detach(), retain=False)

# %% [markdown]
# `.detach()` is right where you *mean* to cut. It is no cure where you need the gradient.

# %% [markdown]
# ## 6. Your turn (26 minutes)
#
# First, sort the lines of a training step, then those of a GAN's step. More than one order is
# right: the check runs yours beside a program that writes nothing in place.

# %%
exercises.order_step

# %%
exercises.order_step.check()

# %%
exercises.order_gan

# %%
exercises.order_gan.check()


# %% [markdown]
# **Exercise 1.** Write one step of gradient descent on a list of leaves. Write each weight in
# place, so that its version counter moves, and zero its gradient. A weight without a gradient
# (`w.grad is None`) stays as it is.

# %%
def sgd_step(weights, lr):
    return ...


exercises.sgd_step.check(sgd_step)


# %% [markdown]
# Stuck? Once you have run a check, hints and a solution stand folded under it.
#
# **Exercise 2.** Mend this step. D steps first, on the gradients of its own loss. Then G
# learns from the new D. D's loss must send no gradient into G. The function is called in a loop.
# Do without `retain_graph=True`.

# %%
def broken(G, D, opt_g, opt_d, noise):
    score = D(G(noise))
    opt_d.zero_grad()
    softplus(score).sum().backward(retain_graph=True)
    opt_d.step()
    opt_g.zero_grad()
    softplus(-score).sum().backward()
    opt_g.step()


with caught():
    broken(*networks(), noise)


# %%
def gan_step(G, D, opt_g, opt_d, noise):
    return ...


exercises.gan_step.check(gan_step)


# %% [markdown]
# **Exercise 3.** Mend the loop of section 5, without `retain_graph=True` and without `.data`.
# Each step learns from its own loss, `h.sum()`. The numbers of the state are carried on, but its
# history is not. Return the last state.
#
# ```python
# def carry_state(cell, optimizer, h, steps):
#     for _ in range(steps):
#         h = torch.tanh(cell(h))
#         optimizer.zero_grad()
#         h.sum().backward()
#         optimizer.step()
#     return h
# ```

# %%
def carry_state(cell, optimizer, h, steps):
    return ...


exercises.carry_state.check(carry_state)

# %% [markdown]
# ## Recap
#
# 1. PyTorch refuses to record a write into a leaf that requires grad, or into a view of one.
# 2. `no_grad` allows the write and protects nothing: if the old numbers were saved, backward raises.
# 3. Backward, step, zero; write no weight between a forward and the backward that needs it.
# 4. The right gradient is that of the forward that ran; an out-of-place twin measures it.
# 5. `.data` has a counter of its own: a write through it can spoil the gradient without an error (lesson 9).
#
# ## For your own code
#
# - Write weights as `with torch.no_grad(): w -= …`. Where you find `w.data -= …`, replace it and
#   see whether an error appears.
# - `with watch() as recording:` around a step that raises names both lines.
#
# ## Further reading
#
# - [Locally disabling gradient computation](https://pytorch.org/docs/stable/notes/autograd.html#locally-disabling-gradient-computation): `no_grad` and related modes
# - [Issue 39141](https://github.com/pytorch/pytorch/issues/39141): two optimizers, and why 1.5 began to complain
