# %% [markdown]
# # Read the version counter
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F02_version_counter.ipynb) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb)
# <!-- /badges -->
#
# After this lesson you can
#
# - say for a line of PyTorch whether it moves a version counter, and whose;
# - tell what an operation saves for backward: its input, its result, both or neither;
# - predict from these two whether `backward()` raises;
# - look an operation up in a table that you have just measured yourself.
#
# **About 71 minutes.** You need: storages and views (lesson 1), and what `requires_grad` and
# `backward()` are for.
# Minutes are plans. Pause after any section: your answers are kept.
#
# <!-- terms -->
# The [glossary](00_start_here.ipynb#cell-id=7-glossary-2-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/00_start_here.ipynb#scrollTo=7-glossary-2-minutes)) explains each term of the course in a sentence or two.
# <!-- /terms -->
#
# Each round goes *predict, run, explain*. Open the answer you believe in first.

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
import torch
from torch.nn import functional as F

from overwritten import again, caught, film, knob, ops, predict
from overwritten import version_counter as exercises
from overwritten import version_counter_questions as questions

# %% [markdown]
# ## Again (2 minutes)
#
# Here are three questions from earlier lessons, of those that make sense on their own. Those you
# answered wrong come first, then those you have not been asked again.

# %%
again(questions)

# %% [markdown]
# ## 1. The version counter (5 minutes)
#
# A tensor has a number, `_version`, that counts in-place operations. A new tensor starts at
# 0. A layer's weight does not: it was initialised in place.

# %%
layer = torch.nn.Linear(3, 2)
print(torch.zeros(3)._version, layer.weight._version)

# %% [markdown]
# Which tensors count together?

# %% tags=["predict"]
predict(questions.whose_counter)

# %% tags=["claim:counter-of-a-tensor"]
film("""
x = torch.zeros(3, 4)
first = x[:, 0]
third = x[:, 2]
first += 1
""")


# %% [markdown]
# `third` looks at numbers that nobody touched, and its version is 1 nonetheless.
# A tensor and all its views share one counter, whatever part of the storage each looks at.
# That is cheap, and it errs on the side of caution. Section 5 shows what it costs.

# %% [markdown]
# ## 2. What moves it (11 minutes)
#
# There is no list to learn by heart. Run one line on a new tensor and read the counter.

# %%
def ticks(line):
    x = torch.zeros(1, 4)
    exec(line, {"torch": torch, "F": F, "x": x})
    return x._version


ticks("x += 1")

# %% tags=["predict"]
predict(questions.moves_it_by_two)

# %% tags=["claim:element-is-one-write"]
for line in (
    "x += 1",
    "x.mul_(1)",
    "x.copy_(x)",
    "torch.add(x, 1, out=x)",
    "x[0, 0] = 1",
    "x[0, 0] += 1",
    "x.squeeze_()",
    "x.set_(torch.ones(4))",
    "F.relu(x, inplace=True)",
):
    print(ticks(line), line)

# %% [markdown]
# Remember three things. A write counts, even when no number changes. Changing a tensor's shape or
# storage in place counts too (`squeeze_`, `set_`). And `+=` on an element counts twice.
#
# But a trailing underscore, or `inplace=True`, does not always mean a write. `resize_` counts only
# where the shape changes; the other three lines count nothing:

# %%
for line in (
    "x.requires_grad_()",
    "x.detach_()",
    "x.resize_(1, 4)",
    "x.resize_(2, 2)",
    "F.dropout(x, 0.0, inplace=True)",
):
    print(ticks(line), line)

# %% [markdown]
# Next come lines that reach the bytes in another way, and lines that only look.

# %% tags=["claim:counter-of-a-storage", "claim:no-grad-stops-the-counter"]
for line in (
    "x + 1",
    "row = x[0]",
    "x[0].add_(1)",
    "x.detach().add_(1)",
    "x.data.add_(1)",
    "x.numpy()[:] = 1",
    "with torch.no_grad(): x += 1",
    "with torch.inference_mode(): x += 1",
):
    print(ticks(line), line)

# %% [markdown]
# `no_grad` and `inference_mode` switch off the recording of gradients, not the counter.
# `detach()` shares the counter of `x`. `.data` starts a counter of its own on the same storage,
# and NumPy has none: these two writes do not move the counter of `x`. Nor do these three lines:

# %%
for line in (
    "x.apply_(lambda number: number + 1)",
    "torch.from_dlpack(x).add_(1)",
    "x.data = torch.ones(1, 4)",
):
    print(ticks(line), line)

# %% [markdown]
# A tensor *made* in inference mode has no counter at all:

# %%
with torch.inference_mode():
    made_there = torch.zeros(4)
with caught():
    made_there._version

# %% [markdown]
# **Optimizers** write your weights in place, so each step should move the counter.
# (`fused=True` asks for a step in which one kernel does all the arithmetic.)

# %% tags=["predict"]
predict(questions.optimizers_counter)


# %%
def counter_after_steps(kind, **options):
    w = torch.zeros(3, requires_grad=True)
    optimizer = kind([w], lr=0.1, **options)
    seen = [w._version]
    for _ in range(3):
        w.grad = torch.ones(3)
        optimizer.step()
        seen.append(w._version)
    return seen


# %%
from torch.optim import SGD, AdamW

print("SGD       ", counter_after_steps(SGD))
print("AdamW     ", counter_after_steps(AdamW))
print("no decay  ", counter_after_steps(AdamW, weight_decay=0))
print("fused SGD ", counter_after_steps(SGD, fused=True))

# %% [markdown]
# Remember the last row. The weights change and the counter stands still, so nothing can warn you
# if a backward still needs the old ones. Lesson 4 shows the gradient that results.

# %% [markdown]
# ## 3. What backward saves (12 minutes)
#
# A counter that moves does no harm by itself. It matters where an operation *saves* a tensor for
# backward. PyTorch's *autograd* records what is done with each tensor that requires grad, as a
# *graph*: a *node* for each operation, which keeps what the derivative needs, its *saved
# tensors*. PyTorch notes the version of each at the save, and compares when backward reads the
# tensor.
#
# A [teaching notebook](https://github.com/takzen/pytorch-black-belt/blob/main/05_In_Place_Operations.ipynb)
# (in Polish) says that this program raises:
#
# ```python
# w = torch.tensor([5.0], requires_grad=True)
# y = w * 2
# with torch.no_grad():
#     w *= 100
# y.backward()
# ```

# %% tags=["predict"]
predict(questions.first_backward)

# %% tags=["claim:used-then-written"]
w = torch.tensor([5.0], requires_grad=True)
y = w * 2
with torch.no_grad():
    w *= 100
y.backward()
w.grad

# %% [markdown]
# The notebook's own printed output shows no error either. Its author expected one, because `w`
# "was needed for the computation". The forward did use it. But what counts is what was *saved*,
# and that is what backward needs.
#
# One character makes the error real: the derivative of `w * w` contains `w`.

# %%
w = torch.tensor([5.0], requires_grad=True)
y = w * w
with torch.no_grad():
    w *= 100
with caught():
    y.backward()


# %% [markdown]
# So ask of every operation what its derivative needs. You can watch PyTorch answer. A *hook* is a
# function of yours that PyTorch calls at a fixed moment. `saved_tensors_hooks` takes two of them:
# the *pack hook* gets each tensor that an operation saves, and the second gives it back to
# backward. Here the first puts the tensors into a list. No backward runs, so the second is never
# called.

# %%
def saves(operation):
    x = torch.tensor([0.5, 2.0], requires_grad=True)
    kept = []
    hooks = torch.autograd.graph.saved_tensors_hooks
    with hooks(kept.append, lambda t: t):
        y = operation(x)
    who = {x.data_ptr(): "its input", y.data_ptr(): "its result"}
    return sorted({who.get(t.data_ptr(), "another") for t in kept})


saves(lambda x: x**2)

# %% tags=["predict"]
predict(questions.saved_by_exp)

# %%
print("x + 1      ", saves(lambda x: x + 1))
print("x * 2      ", saves(lambda x: x * 2))
print("x ** 2     ", saves(lambda x: x**2))
print("x.exp()    ", saves(lambda x: x.exp()))
print("x.sigmoid()", saves(lambda x: x.sigmoid()))
print("x.norm()   ", saves(lambda x: x.norm()))
print("1 / x      ", saves(lambda x: 1 / x))

# %% [markdown]
# An operation may save its input, its result, both or neither, and sometimes another tensor that
# it made for itself: a mask, indices, here an intermediate result. You seldom have a name for
# that one, so you seldom overwrite it. But `sort` returns the very indices that it saved:

# %%
values, indices = torch.rand(3, requires_grad=True).sort()
indices.zero_()
with caught():
    values.sum().backward()

# %% [markdown]
# In the film a *padlock* closes where a tensor is saved, and notes the version that it expects.
# The write moves the version. It is backward, not the write, that opens the padlock.

# %%
film("""
x = torch.tensor([0.5, 2.0], requires_grad=True)
y = x.exp()
y += 1
y.sum().backward()
""")

# %% [markdown]
# ## 4. Two examples from the web, run (7 minutes)
#
# [A page](https://taourl.com/read-2140379.html) that explains this error begins with four lines
# and the comment "Will cause an error":

# %% tags=["predict"]
predict(questions.write_after_plus_two)

# %% tags=["claim:add-then-sum-raises"]
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x + 2
y.add_(1)
z = y.sum()
z.backward()
x.grad

# %% [markdown]
# The same page sets entries of the data to zero before a `Linear`, `data[data > 0.5] = 0`,
# calls that incorrect and fixes it with `clone()`.

# %% tags=["predict"]
predict(questions.mask_on_data)


# %%
def try_order(when):
    data, layer = torch.randn(100, 3), torch.nn.Linear(3, 5)
    if when == "before":
        data[data > 0.5] = 0
    given = data.clone() if when.endswith("clone") else data
    loss = layer(given).sum()
    if when.startswith("after"):
        data[data > 0.5] = 0
    print(f"{when}: ", end="")
    with caught():
        loss.backward()


# %% tags=["claim:mask-data-before-layer"]
try_order("before")
try_order("after, on a clone")
try_order("after")

# %% [markdown]
# Two of the three print "No error." `clone()` helps where the write comes *after* the save; where
# it comes before, backward does not need the copy. Which line of yours wrote? The last message
# does not say: it gives a type, a shape and two versions. Lesson 5 takes such messages apart.

# %% [markdown]
# ## 5. Where the write falls (9 minutes)
#
# Three moments matter: the save, the write and the check. Put the write where you like.

# %% tags=["predict"]
predict(questions.where_a_write_raises)


# %%
def program(where, times):
    write = ["y += 1"] * times
    lines = ["x = torch.ones(3, requires_grad=True)", "y = x * 2"]
    lines += write if where == "before the save" else []
    lines += ["z = y * y"]
    lines += write if where == "between save and backward" else []
    lines += ["z.sum().backward()"]
    lines += write if where == "after backward" else []
    return "\n".join(lines)


# %%
moments = ["between save and backward", "before the save"]
moments += ["after backward"]
lanes = knob(program, show="lanes", where=moments, times=[1, 2, 3])
lanes

# %% [markdown]
# Each *lane* is one storage; time runs to the right. The padlock closes at the save and notes the
# version; the line under the lane leads to the check. Use the menu and the slider. Here are the
# three moments side by side. The line that saves is `z = y * y`: line 3, or line 5 where the two
# writes stand before it.

# %%
lanes.compare(where=moments, times=2)

# %% [markdown]
# A tensor and all its views share one counter. What does that cost?

# %% tags=["predict"]
predict(questions.written_column)

# %%
x = torch.ones(2, 3, requires_grad=True)
y = x * 2
s = (y[:, 2] ** 2).sum()
y[:, 0] = 0
with caught():
    s.backward()

# %% [markdown]
# (The name after "output 0 of" is not always the culprit's: lesson 5 explains it.) Would the
# gradient have been right? `trial` runs a program beside its *out-of-place twin*, the same program without the
# write into a saved storage, and once more with PyTorch's check switched off.
# Here the twin simply leaves the write out: `s` does not read column 0.

# %%
from overwritten import trial

start = "x = torch.ones(2, 3, requires_grad=True)\ny = x * 2\n"
start += "s = (y[:, 2] ** 2).sum()\n"
in_place = start + "y[:, 0] = 0\ns.backward()"
print(trial(in_place, start + "s.backward()").verdict)

# %% [markdown]
# ## 6. The op table (10 minutes)
#
# Now for many operations at once. For each one, the course writes a small program, overwrites the
# input or the result with `*= -3` before backward, and compares the gradient with the twin's.
# Whether the write is allowed and whether the gradient is right are two questions: each has a
# column for the input and one for the result. Where a write raises, the table says what the
# gradient would have been. The column "saves other" is about tensors that are neither of the two:
# another input, as in `x * w`, or one that the operation made for itself. None of it is typed in by
# hand: the cell takes a few seconds because it measures.

# %%
table = ops.operations()
table

# %% [markdown]
# In nearly all rows the two answers agree: where a write is allowed the gradient is right, and
# where it raises it would have been wrong. The interesting rows are the others.

# %%
for row in table.find("would be right"):
    print(row.name, "| overwriting", row.input)

# %% [markdown]
# These raise although the gradient would be right. The operation saved its input, and backward
# uses only the input's shape (`gather`, the pools) or the result instead (`2 ** x`). The counter
# tells PyTorch that a tensor was written, not what backward will read of it.

# %%
for row in table.find("✗ wrong"):
    print(row.name, "| overwriting", row.input)

# %% [markdown]
# And this one lets you overwrite its input and gives a wrong gradient without a word. `kron` saves
# a reshaped tensor: on the storage of `x`, but with a counter of its own. The write moves the
# counter of `x`; the counter that backward compares stands still. It is a gap in the check, and a
# rare one: lesson 9 collects the others.
#
# How rare? The *op atlas* holds the same experiment for the entries of PyTorch's own op database as
# well, those that can be written as one line of code. It was measured once, on the torch named here:

# %%
everything = ops.all_operations()
print(everything.title)
print(len({row.op for row in everything.rows} - {""}), "entries")
for row in everything.find("✗ wrong"):
    print("   ", row.name, "| overwriting", row.input)

# %% [markdown]
# It finds two more, and their names warn you: `unsafe_split` and `unsafe_chunk` return views that
# PyTorch does not treat as views. `ops.operation` measures any row again on your torch, and lesson
# 8 has the whole atlas as a table. Now pick one of the course's own rows and see it in the lanes:

# %%
names = ops.expressions()
writes = ["x", "result"]
pick = knob(ops.program, show="lanes", name=names, write=writes)
pick

# %% [markdown]
# Three of them side by side. In each the operation saves, the next line writes, and the last is
# backward:

# %%
shown = ["x.sigmoid()", "x.sigmoid()", "torch.kron(x, w)"]
pick.compare(name=shown, write=["x", "result", "x"])

# %% [markdown]
# In the last picture the lane of `x` shows the write: the counter of `x` moves. The counter that
# "does not move" is that of the saved view.

# %% [markdown]
# ## 7. Your turn (15 minutes)
#
# Before you write code, sort some. These six lines are a whole program: move them until it
# runs and its gradient is right. More than one order is right.

# %%
exercises.order_save

# %%
exercises.order_save.check()


# %% [markdown]
# **Exercise 1.** `f` is any function that may write into `x`. Call `f(x)` and return how many
# in-place operations the counter of `x` has seen during that call.

# %%
def count_writes(f, x):
    return ...


exercises.count_writes.check(count_writes)

# %% [markdown]
# Stuck? Hints and a solution stand folded under each check, once you have run it.
#
# **Exercise 2.** Which of its input `x` and its result does each operation save: `"input"`,
# `"result"`, `"both"` or `"neither"`? Think of the derivative first. Where it could be computed
# from either, ask `saves` from section 3.

# %%
saved = {
    "x.tanh()": ...,
    "x - 3": ...,
    "x.sin()": ...,
    "x.cumprod(1)": ...,
    "F.softmax(x, 1)": ...,
    "F.silu(x)": ...,
}
exercises.what_is_saved.check(saved)


# %% [markdown]
# **Exercise 3.** This function computes the right result, and backward raises. Fix it: same
# result, right gradient for all of `x`.

# %%
def weights(x):
    y = x.exp()
    y[:, 0] = 0
    return ...  # y, once it is fixed


exercises.zero_first_column.check(weights)

# %% [markdown]
# ## Recap
#
# 1. A tensor, its views and `detach()` share one version counter; `.data`, NumPy and DLPack bypass it.
# 2. It counts writes, not changed numbers: `mul_(1)` and `squeeze_()` move it, `detach_()` does not.
# 3. An operation saves what its derivative needs: input, result, both or neither.
# 4. Backward raises when it reads a saved tensor whose version is not the one noted at the save.
# 5. A write before the save or after the last backward is harmless; so is a write to what nobody saved.
#
# ## For your own code
#
# - Print `x._version` before and after a suspicious call: it shows every write that backward can notice.
# - Before you write `y += …`, ask which operation made `y` and which have used it since: did one save it?
# - `from overwritten import ops`, then `ops.all_operations().find("sigmoid")` answers for one
#   operation, and `ops.operation("x.sigmoid()")` measures it again.
#
# ## Further reading
#
# - [In-place correctness checks](https://pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks), in PyTorch's notes on autograd
# - [Hooks for saved tensors](https://pytorch.org/docs/stable/notes/autograd.html#hooks-for-saved-tensors)
# - [Why `.data` has a counter of its own](https://github.com/pytorch/pytorch/issues/5396): PyTorch's developers, in an issue
