# %% [markdown]
# # Find what raises nothing
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/09_silent_gradients.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F09_silent_gradients.ipynb) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/09_silent_gradients.ipynb)
# <!-- /badges -->
#
# After this lesson you can
#
# - name the writes that move no version counter, and the saves that no check guards;
# - say where PyTorch's promise about in-place operations holds, and where it does not;
# - find such a write with strict mode, and say what strict mode cannot find;
# - predict for code you have not seen whether it raises, is right, or is silently wrong.
#
# **About 75 minutes.** You need: leaves, `no_grad` and optimizer steps (lesson 4), and `watch`
# (lesson 5). You can take it in two sittings: sections 1 to 3, then the rest.
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

import numpy as np
import torch
from torch import nn
from torch.nn.functional import linear, softplus

from overwritten import again, caught, film, knob, predict, watch
from overwritten import who
from overwritten import silent_gradients as exercises
from overwritten import silent_gradients_questions as questions

# %%
from torch.autograd import graph
from torch.utils.checkpoint import checkpoint
from torch.utils.checkpoint import set_checkpoint_early_stop

# %% [markdown]
# ## Again (2 minutes)
#
# Here are three questions from earlier lessons, of those that make sense on their own. Those you
# answered wrong come first, then those you have not been asked again.

# %%
again(questions)

# %% [markdown]
# ## 1. A promise (7 minutes)
#
# PyTorch's notes on
# [Autograd mechanics](https://pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks)
# say of the version check:
#
# > This ensures that if you're using in-place functions and not seeing any errors, you can be
# > sure that the computed gradients are correct.
#
# Two conditions must hold for that. The write must move the version counter, and PyTorch's own
# check must look at what backward uses.

# %% tags=["predict"]
predict(questions.two_conditions)


# %%
def beside(gap):
    came, true = gap(write=True), gap(write=False)
    print(f"came out: {came:.4g} | true: {true:.4g}")


# %%
def through_detach(write):
    w = torch.tensor([3.0], requires_grad=True)
    y = w * w
    if write:
        w.detach().mul_(100)
    y.backward()
    return w.grad.item()


with caught():
    beside(through_detach)


# %%
def through_data(write):
    w = torch.tensor([3.0], requires_grad=True)
    y = w * w
    if write:
        w.data.mul_(100)
    y.backward()
    return w.grad.item()


beside(through_data)


# %% [markdown]
# `beside` runs a function with its write and without it. The write always comes after the
# forward that it must not change, so both runs should give the same gradient. `detach()` shares
# the counter of `w`, and the check works. `.data` has a counter of its own, and the gradient is
# wrong by a factor of 100.
#
# This lesson collects such gaps: first writes that move no counter, then saves that are not
# checked. `torch.kron` (lesson 2) is of the second kind.

# %% [markdown]
# ## 2. Writes that move no counter (16 minutes)
#
# **NumPy.** A data loader refills its buffer with the next batch too early.

# %%
def next_batch(write):
    w = torch.ones(1, requires_grad=True)
    buffer = np.array([2.0], dtype="float32")
    y = w * torch.from_numpy(buffer)
    if write:
        buffer[:] = 50
    y.backward()
    return w.grad.item()


beside(next_batch)

# %% [markdown]
# `from_numpy` shares the bytes of the array, and NumPy knows nothing of the version counter.
# Two more writes leave it alone: `apply_`, a PyTorch method for tensors on the CPU, and a write
# to what DLPack hands out:

# %% tags=["claim:underscore-ticks", "claim:dlpack-keeps-the-counter"]
y = torch.zeros(2, requires_grad=True).exp()
y.detach().apply_(lambda number: 5.0)
torch.from_dlpack(y.detach()).mul_(2)
print(y.tolist(), "version", y._version)

# %% [markdown]
# If you write memory with your own kernel, tell PyTorch. `increment_version` moves the counter,
# and the check works again:

# %% tags=["claim:kernels-are-heard"]
y = torch.zeros(2, requires_grad=True).exp()
y.detach().numpy()[:] = 5
graph.increment_version(y)
with caught():
    y.sum().backward()

# %% [markdown]
# **Running statistics.** A batch norm keeps a running mean and a running variance of the
# batches that it trains on. Two batches go through one batch norm; then comes the backward of
# the first.

# %% tags=["predict"]
predict(questions.norm_modes)


# %%
def batch_norm(write, first="eval", second="train"):
    norm = nn.BatchNorm1d(1).train(first == "train")
    x = torch.tensor([[1.0], [2.0], [6.0]], requires_grad=True)
    y = norm(x)
    norm.train(second == "train")
    if write:
        norm(torch.tensor([[-29.0], [29.0]]))
    y[0].sum().backward()
    return x.grad[0].item()


# %% tags=["claim:no-errors-so-correct", "claim:check-catches-all"]
for first in ("train", "eval"):
    for second in ("eval", "train"):
        came = batch_norm(True, first, second)
        true = batch_norm(False, first, second)
        print(first, second, f"came {came:.3f}, true {true:.3f}")

# %% [markdown]
# The gradient in the last line is too small by a factor of 13. The factor depends on the second
# batch. PyTorch's issue [13402](https://github.com/pytorch/pytorch/issues/13402) reports this; it
# has been open since 2018. Move `spread`, the size of the numbers in the second batch:

# %%
two_batches = """
from torch import nn
norm = nn.BatchNorm1d(1, affine=False).eval()
x = torch.tensor([[1.0], [2.0], [6.0]], requires_grad=True)
y = norm(x)
norm.train()
other = {}(torch.tensor([[-1.0], [1.0]]) * {})
y.sum().backward()"""


# %%
def second_batch(spread):
    new = "nn.BatchNorm1d(1, affine=False)"
    return {
        "as written": two_batches.format("norm", spread),
        "out of place": two_batches.format(new, spread),
    }


spreads = [1, 3, 10, 30, 100]
batches = knob(second_batch, show="gradients", spread=spreads)
batches


# %% [markdown]
# **Fused optimizers.** On the CPU a fused step moves no counter (lesson 2). Here are the two
# networks of lesson 4: D's loss, D's step, then G's loss made of the same score. With plain
# `SGD` the last backward raises.

# %%
def networks(fused=None):
    torch.manual_seed(0)
    G, D = nn.Linear(2, 2), nn.Linear(2, 1)
    optimizer = torch.optim.SGD(D.parameters(), 0.5, fused=fused)
    return G, D, optimizer


# %% tags=["predict"]
predict(questions.fused_step)


# %%
def step_between(write, fused=True):
    G, D, optimizer = networks(fused)
    score = D(G(torch.ones(1, 2)))
    loss_d, own = softplus(score).sum(), [*D.parameters()]
    loss_d.backward(retain_graph=True, inputs=own)
    if write:
        optimizer.step()
    softplus(-score).sum().backward()
    return G.bias.grad[0].item()


# %%
beside(step_between)
with caught():
    step_between(write=True, fused=False)

# %%
film("""
w = torch.tensor([3.0], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.5, fused=True)
first, second = w * 2, w * w
first.backward()
optimizer.step()
second.backward()
""")


# %% [markdown]
# The film records bytes as well as counters. The step writes `w`, and its version stays at 0:
# the backward of `w * w` uses the new number.
#
# One argument meant for speed turns an error into a wrong gradient. This was measured on the
# CPU; on a GPU, fused steps run other kernels.

# %% [markdown]
# ## 3. Saves that no check guards (14 minutes)
#
# **Hooks on saved tensors.** PyTorch checks the versions of what it saves itself. It does not
# check what an unpack hook returns, even if the hooks do nothing.

# %%
def identity_hooks(write):
    x = torch.zeros(1, requires_grad=True)
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        y = x.exp()
    if write:
        y += 4
    y.backward()
    return x.grad.item()


# %% tags=["claim:identity-hooks-change-nothing"]
beside(identity_hooks)
hooks = graph.saved_tensors_hooks
print("save_on_cpu is one:", issubclass(graph.save_on_cpu, hooks))


# %% [markdown]
# [`save_on_cpu`](https://pytorch.org/docs/stable/autograd.html#torch.autograd.graph.save_on_cpu)
# keeps what is saved in the CPU's memory. A tensor on a GPU is copied there. A tensor on the CPU is
# there already: it is kept as it is, and the gradient is wrong as above.
#
# **A checkpoint** (`use_reentrant=False`) drops its saved tensors and computes its part again
# when backward needs them. It is made of such hooks, so what is saved inside it is not checked.

# %%
def checkpointed(write, reentrant=False, last=lambda z, w: z * w):
    def part(x):
        y = x.exp()
        z = y * 3
        if write:
            y *= 2
        return last(z, w)

    w, x = torch.ones(1), torch.zeros(1, requires_grad=True)
    checkpoint(part, x, use_reentrant=reentrant).backward()
    return x.grad.item()


# %% tags=["claim:checkpointing-cures"]
beside(checkpointed)
with caught():
    checkpointed(write=True, reentrant=True)


# %% [markdown]
# The gradient is twice the true one. The older kind, `use_reentrant=True`, runs an ordinary
# backward over its part. It uses no hooks, so the check works.
#
# With both kinds PyTorch checks the tensors that `checkpoint` is given as arguments. What the
# function reads besides them, here `w`, nobody keeps: the second computation reads it as it is by
# then, and nothing raises.
#
# The second computation stops as soon as it has everything that was saved. `* w` saves
# something after the write, so the computation runs past the write. Without `* w`, the second
# computation reaches the write only if early stopping is off:

# %%
def without_w(write):
    return checkpointed(write, last=lambda z, w: z)


beside(without_w)
with set_checkpoint_early_stop(False):
    beside(without_w)


# %% [markdown]
# **`allow_mutation_on_saved_tensors`** promises to clone a saved tensor before it is written.
# It recognises a saved tensor by its address and its version.

# %%
def slices(write, columns=(0, 2)):
    r, d = torch.ones(2, 4), torch.ones(2, requires_grad=True)
    with graph.allow_mutation_on_saved_tensors():
        y = d * r[:, 2]
        for column in columns if write else ():
            r[:, column] = 100.0
        y.sum().backward()
    return d.grad[0].item()


# %% tags=["claim:allow-mutation-cures"]
beside(slices)
for columns in [(0,), (2,), (2, 0), (0, 2)]:
    print("written:", columns, "gradient:", slices(True, columns))

# %% [markdown]
# Only the last order goes wrong. Writing column 0 moves the counter that all columns share. When
# column 2 is written, the version is no longer the one that was noted, and the saved tensor is
# not recognised.
#
# **A Function of your own.** What you save with `ctx.save_for_backward` is checked.

# %% tags=["predict"]
predict(questions.ctx_attribute)


# %%
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x * x

    @staticmethod
    def backward(ctx, gradient):
        return 2 * ctx.x * gradient


# %%
def ctx_attribute(write):
    x = torch.tensor([3.0], requires_grad=True)
    h = x * 1
    y = Square.apply(h)
    if write:
        h.detach().mul_(100)
    y.backward()
    return x.grad.item()


beside(ctx_attribute)


# %% [markdown]
# `ctx.x` is a Python attribute. PyTorch does not know that backward will read it.

# %% [markdown]
# ## 4. Neither a save nor a counter (5 minutes)
#
# **Gradients on their way.** The gradient that a tensor hook gets may be a tensor that other
# operations still need. If the hook writes into it, they get the written numbers:

# %%
def gradient_hook(write):
    x = torch.tensor([1.0], requires_grad=True)
    a, b = x * 2, x * 3
    y = a + b
    b.register_hook(lambda g: g.mul_(10) if write else g * 10)
    y.backward()
    return x.grad.item()


beside(gradient_hook)

# %% [markdown]
# The hook is meant for `b` alone: 2 + 10 · 3 = 32. But the addition passed the same gradient
# tensor to `a`, so `a` got the overwritten one. Return a new tensor, `g * 10`, and only `b` is
# affected.
#
# **Autocast** casts a weight once per block and caches the cast (unless
# `cache_enabled=False`). A write moves the counter of the weight, and the next forward in the
# block still uses the old cast:

# %% tags=["claim:autocast-takes-new-weights"]
w, one = nn.Parameter(torch.zeros(1, 1)), torch.ones(1, 1)
with torch.autocast("cpu", torch.bfloat16):
    _ = linear(one, w)
    with torch.no_grad():
        w += 100
    print("w:", w.item(), "| one @ w:", linear(one, w).item())


# %% [markdown]
# This has an upside: the cast is a copy, so a write to the weight does not touch what backward
# needs. Such a write raises without autocast. With it nothing raises, and the gradient is right:

# %%
def autocast(write):
    w = nn.Parameter(torch.tensor([[3.0]]))
    x = torch.ones(1, 1, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        y = linear(x, w)
    if write:
        w.detach().mul_(100)
    y.backward()
    return x.grad.item()


beside(autocast)

# %% [markdown]
# ## 5. Strict mode (9 minutes)
#
# The doctor's strict mode does not rely on counters. It copies each tensor at the save, and
# compares the bytes after each line of yours and when backward uses them. Where bytes have
# changed, the backward of that operation runs once more with the copy. If the result differs,
# strict mode reports both lines. It costs time and memory, so it is off by default.

# %%
gaps = [through_data, next_batch, batch_norm, step_between]
gaps += [identity_hooks, checkpointed, slices, ctx_attribute]
gaps += [gradient_hook]
for gap in gaps:
    with warnings.catch_warnings(), watch(strict=True) as recording:
        warnings.simplefilter("ignore")  # it warns of the same
        gap(write=True)
    print(f"{gap.__name__}:", who(recording))

# %% tags=["predict"]
predict(questions.strict_misses)

# %%
w = torch.tensor([3.0], requires_grad=True)
y = w * w
with watch(strict=True) as recording:
    w.data *= 100
    y.backward()
print("saved before:", w.grad.item(), who(recording))

# %%
with watch(strict=True) as recording:
    w = torch.tensor([3.0], requires_grad=True)
    for _ in range(2):  # the second gradient should be 6 again
        (w * w).sum().backward()
print("never zeroed:", w.grad.item(), who(recording))

# %% [markdown]
# Strict mode does not know what was saved before the block. And it cannot know that you meant
# another program: without zeroing, the second gradient is added to the first, as documented.
#
# Unlike the counter, it is not overcautious: bytes may change as long as the gradient does not.
# The backward of `relu` only asks where its result is positive:

# %%
with watch(strict=True) as recording:
    x = torch.tensor([1.0, -2.0], requires_grad=True)
    y = x.relu()
    z = y.sum()
    y.data *= 4
    z.backward()
print("right:", x.grad.tolist(), "|", who(recording))

# %% [markdown]
# ## 6. Your turn (22 minutes)
#
# **Exercise 1.** Here are nine programs that you have not seen. Ask of each: which line saves
# what? Which line writes into it afterwards? Does the counter move? Read before you run.

# %%
for name, code in exercises.SNIPPETS.items():
    print(f"--- {name}\n{code}\n")

# %% [markdown]
# Replace each `...` with `"raises"`, `"right"` or `"wrong"` (no error, but not the gradient of
# the forward that ran). The check runs each program beside its out-of-place twin.

# %%
answers = {
    "a": ...,
    "b": ...,
    "c": ...,
    "d": ...,
    "e": ...,
    "f": ...,
    "g": ...,
    "h": ...,
    "i": ...,
}
exercises.verdicts.check(answers)

# %% [markdown]
# **Exercise 2.** Nothing raises in this program, and its gradient is wrong. Which line saved,
# and which line wrote? Read first, then ask strict mode.

# %%
print(exercises.NUMBERED)

# %%
answer = {"saver": ..., "writer": ...}
exercises.two_lines.check(answer)


# %% [markdown]
# **Exercise 3.** This function adds up the losses of all batches and takes one step. It uses
# one buffer to avoid a new array for each batch. Nothing raises, and the step is wrong. Find the
# two lines with strict mode, then mend the function: one step, with the gradient of all batches.

# %%
def broken(model, batches, optimizer):
    buffer, losses = np.empty((4, 3), dtype="float32"), []
    for batch in batches:
        buffer[:] = batch
        out = model(torch.from_numpy(buffer))
        losses.append(out.square().mean())
    optimizer.zero_grad()
    sum(losses).backward()
    optimizer.step()


# %%
def one_step(model, batches, optimizer):
    return ...


exercises.one_step.check(one_step)

# %% [markdown]
# ## Recap
#
# 1. The check needs two things: a write that moves the counter, and a save that PyTorch compares.
# 2. `.data`, NumPy, DLPack, running statistics and fused steps (on the CPU) write without moving the counter.
# 3. Behind saved-tensor hooks, and so inside checkpoints (`use_reentrant=False`) and `allow_mutation_on_saved_tensors`, PyTorch checks no version. Nor does it for `ctx.x = x`.
# 4. Strict mode compares bytes and gradients; it sees only saves made inside its block.
# 5. The right gradient is that of the forward that ran; an out-of-place twin measures it.
#
# ## For your own code
#
# - Ask of each write: does a backward use this? Is that backward still to come? Does the counter
#   move? Yes, yes, yes: it raises, unless the save is unchecked, as in section 3. Yes, yes, no:
#   nothing warns you, and the gradient is wrong if the changed values matter. If one of the
#   first two answers is no, there is no harm.
# - Run one step under `watch(strict=True)` before a long training: `recording.silent` should be
#   empty.
# - If you write memory with your own kernel, call `torch.autograd.graph.increment_version`.
#
# ## Further reading
#
# - [In-place correctness checks](https://pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks): the promise
# - [Issue 13402](https://github.com/pytorch/pytorch/issues/13402): batch norm does not move the counter of its running statistics
# - [Saved tensors and their hooks](https://pytorch.org/docs/stable/notes/autograd.html#hooks-for-saved-tensors)
# - [Extending autograd](https://pytorch.org/docs/stable/notes/extending.html): `save_for_backward`, `mark_dirty`
