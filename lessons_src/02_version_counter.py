# %% [markdown]
# # Read the version counter
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/02_version_counter.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2F02_version_counter.ipynb)
# <!-- /badges -->
#
# After this lesson you can
#
# - say for a line of PyTorch whether it moves a version counter, and whose;
# - tell what an operation saves for backward: its input, its result, both or neither;
# - predict from these two whether `backward()` raises;
# - look an operation up in a table that you have just measured yourself.
#
# **About 65 minutes.** You need: storages and views (lesson 1), and what `requires_grad` and
# `backward()` are for.
#
# Each round goes *predict, run, explain*. Open the answer you believe in first.

# %%
import subprocess
import sys

if "google.colab" in sys.modules:  # Colab has this file alone
    course = "git+https://github.com/overwritten-course/overwritten@v0.1.0"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps"]
    if subprocess.run([*pip, "-q", course]).returncode:
        words = "check the network, then run this cell again."
        sys.exit(f"The course did not install: {words}")

# %%
import torch
from torch.nn import functional as F

from overwritten import caught, film, knob, ops, predict
from overwritten import version_counter as exercises

# %% [markdown]
# ## 1. One counter for a tensor and its views (5 minutes)
#
# Every tensor has a number `_version`. It begins at 0 and counts in-place operations.
# The question is only: *which* tensors count together?

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "`x = torch.zeros(3, 4)`, `first = x[:, 0]`, `third = x[:, 2]`. Then `first += 1`. Whose counter moves?",
    {
        "That of `first`: it is the tensor that was written": "`first` is a view of `x`, and a view has no counter of its own.",
        "Those of `first` and `x`: `third` looks at other numbers": "The counter knows nothing of columns. `x` and all its views share one.",
        "All three": "A tensor and its views share one counter.",
        "None: only `x` itself has a counter": "A view has a `_version` too. It reads the counter it shares with `x`.",
    },
    answer="All three",
)

# %% tags=["claim:counter-of-a-tensor"]
film("""
x = torch.zeros(3, 4)
first = x[:, 0]
third = x[:, 2]
first += 1
""")


# %% [markdown]
# `third` looks at numbers that nobody touched, and its version is 1 all the same.
# A tensor and all its views share one counter, whatever part of the storage each looks at.
# That is cheap, and it errs on the careful side. Section 5 shows what it costs.

# %% [markdown]
# ## 2. What moves it (11 minutes)
#
# Instead of a list to learn by heart, here is an experiment: run one line on a fresh tensor,
# read the counter.

# %%
def ticks(line):
    x = torch.zeros(1, 4)
    exec(line, {"torch": torch, "F": F, "x": x})
    return x._version


ticks("x += 1")

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "Four lines: `x.mul_(1)`, `x.squeeze_()`, `x.data.add_(1)`, `x[0, 0] += 1`. One of them moves the counter by 2. Which?",
    {
        "`x.mul_(1)`": "It reads and writes, but it is one in-place operation: one tick. That no number changes plays no part.",
        "`x.squeeze_()`": "One tick, although no byte changes. The counter counts in-place operations, not changes.",
        "`x.data.add_(1)`": "`.data` has a counter of its own. The one of `x` does not move at all.",
        "`x[0, 0] += 1`": "Python makes two calls of it: `+=` writes into the view `x[0, 0]`. Then Python stores the result with `x[0, 0] = …`, which writes again.",
    },
    answer="`x[0, 0] += 1`",
)

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
# Three things to keep. A line that promises to write counts, also when no number changes.
# Changing the label in place (`squeeze_`, `set_`) counts. And `+=` on an element counts twice.
#
# Now the lines that reach the bytes another way, and those that only look.

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
# `no_grad` and `inference_mode` switch the recording of gradients off, not the counter.
# `detach()` shares the counter of `x`. `.data` starts a counter of its own on the same storage,
# and NumPy knows of none: these two are writes that PyTorch cannot see. A tensor *made* in inference mode has no counter at all:

# %%
with torch.inference_mode():
    made_there = torch.zeros(4)
with caught():
    made_there._version

# %% [markdown]
# **Optimizers** write your weights in place. So each step should tick. (`fused=True` asks for a
# step in which one kernel does all the arithmetic: faster, same numbers.)

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "`SGD`, `AdamW` and `SGD(fused=True)`, with their other defaults, each take three steps. How far does the weight's counter move?",
    {
        "3, 3, 3": "A step is a write, but not always *one* write, and not always one that ticks.",
        "3, 3, 0": "Right about the fused kernel. But `AdamW` writes twice: first the weight decay, then the update.",
        "3, 6, 0": "One write, two writes (weight decay, then update), and a kernel that writes and does not tick.",
        "0, 0, 0": "`step()` runs under `no_grad`, and `no_grad` does not stop the counter. You have just measured that.",
    },
    answer="3, 6, 0",
)


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
print("fused SGD ", counter_after_steps(SGD, fused=True))

# %% [markdown]
# Remember the last row. The weights change and the counter stands still, so nothing can warn
# you if a graph still needs the old ones. Lesson 4 shows the gradient that comes of it.

# %% [markdown]
# ## 3. What backward saves (12 minutes)
#
# A counter alone harms nobody. It matters where an operation *saves* a tensor for backward:
# then PyTorch notes the version, and compares when backward takes the tensor out again.
#
# A teaching notebook on the web says that this program raises:
#
# ```python
# w = torch.tensor([5.0], requires_grad=True)
# y = w * 2
# with torch.no_grad():
#     w *= 100
# y.backward()
# ```

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "What does `y.backward()` do?",
    {
        "It raises: `w` was needed and has been overwritten": "Was it needed? The derivative of `w * 2` is 2, whatever `w` is.",
        "It runs, and the gradient is 200": "That would be the derivative of another program. The 2 has not changed.",
        "It runs, and the gradient is 2": "The derivative of `w * 2` does not contain `w`, so nothing of `w` is saved.",
        "It runs, and the gradient is silently wrong": "It would be if `w` were needed and the write unseen. Here `w` is not needed.",
    },
    answer="It runs, and the gradient is 2",
)

# %% tags=["claim:used-then-written"]
w = torch.tensor([5.0], requires_grad=True)
y = w * 2
with torch.no_grad():
    w *= 100
y.backward()
w.grad

# %% [markdown]
# The notebook's own printed output shows no error either. Its author expected one, because
# "the tensor was used". Being *used* is not the point. Being *saved* is.
#
# One character makes the error real: with `w * w` the derivative contains `w`.

# %%
w = torch.tensor([5.0], requires_grad=True)
y = w * w
with torch.no_grad():
    w *= 100
with caught():
    y.backward()


# %% [markdown]
# So ask of every operation: what does its derivative need? You can watch the answer. PyTorch
# lets you stand by while it saves: a *pack hook* is a function that it calls with each tensor
# that an operation saves. (The second function would give it back; here nobody asks.)

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

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "The derivative of `exp` at x is `exp(x)`. What does `y = x.exp()` save?",
    {
        "Its input `x`: the derivative is a function of x": "It could compute `exp(x)` again from x. But that number is already at hand: it is the result.",
        "Its result `y`": "The derivative *is* the result. So `x` may be overwritten, and `y` may not.",
        "Both, to be safe": "One of the two is enough, and memory is dear. PyTorch seldom saves more than its formula needs.",
        "Nothing: `exp` is its own derivative": "Its own derivative, yes: and so its values are needed, all of them.",
    },
    answer="Its result `y`",
)

# %%
print("x + 1      ", saves(lambda x: x + 1))
print("x * 2      ", saves(lambda x: x * 2))
print("x ** 2     ", saves(lambda x: x**2))
print("x.exp()    ", saves(lambda x: x.exp()))
print("x.sigmoid()", saves(lambda x: x.sigmoid()))
print("x.norm()   ", saves(lambda x: x.norm()))
print("1 / x      ", saves(lambda x: 1 / x))

# %% [markdown]
# Neither, input, result, both; and sometimes another tensor that the operation made for itself
# (a mask, indices, here a helper). That one you cannot overwrite, for you never hold it.
#
# In the film a padlock closes where a tensor is saved, and notes the version that it expects.
# See how the write moves the version, and how backward, not the write, opens the padlock.

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
# A page that explains this error begins with four lines and the comment "Will cause an error":

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "`y = x + 2`, `y.add_(1)`, `z = y.sum()`, `z.backward()`. What happens?",
    {
        "It raises: `y` was changed in place before backward": "That is half of the condition. Nothing saved `y`: the derivative of `+` and of `sum` needs no values.",
        "It runs, and the gradient is right": "`+`, `add_` and `sum` save nothing, so there is nothing to compare.",
        "It raises at `y.add_(1)`: `y` needs a gradient": "Only *leaves* refuse that, tensors that you made yourself, as `x` is. `y` is the result of an operation.",
    },
    answer="It runs, and the gradient is right",
)

# %% tags=["claim:add-then-sum-raises"]
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = x + 2
y.add_(1)
z = y.sum()
z.backward()
x.grad

# %% [markdown]
# The same page sets entries of the data to zero before a `Linear`, `data[data > 0.5] = 0`,
# calls that incorrect and mends it with `clone()`.

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "`data[data > 0.5] = 0` writes in place. Where does that break the backward of `layer(data)`?",
    {
        "Before the layer: the original data are lost": "Lost for you, maybe. The layer saves what it gets, and it gets the new values.",
        "After the layer": "`Linear` saves its input: the gradient of the weight is made of it. Then the write moves its version.",
        "In both places": "Before the layer nothing has been saved yet. A write there is an ordinary write.",
        "Nowhere: `data` needs no gradient": "It needs none, but the *weight* does, and its gradient is computed from the data.",
    },
    answer="After the layer",
)


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
# "No error." twice. (Do not mind the name after "output 0 of" in such messages: lesson 5 reads
# it.) `clone()` helps where the write comes *after* the save; before it, the
# clone is a copy for nothing. And which line of yours wrote? The last message does not say: it
# gives a shape and two versions. Lesson 5 takes such a message apart.

# %% [markdown]
# ## 5. Where the write falls (9 minutes)
#
# Three moments matter: the save, the write, the check. Put the write where you like.

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "`z = y * y` saves `y`. A write `y += 1` can stand before that line, between it and backward, or after backward. Where does backward raise?",
    {
        "Before or between: both come before backward": "Before the save the write is seen by the save itself: it notes the new version.",
        "Between only": "The check compares the version at the save with the version at backward. Only a write between the two makes them differ.",
        "Between or after: the graph still holds y": "This backward has looked and let its saved tensors go. Only with `retain_graph=True` and a second backward would someone look again.",
    },
    answer="Between only",
)


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
# Each lane is a storage, time runs to the right. The padlock closes at the save and notes the
# version; the line under the lane leads to the check. Turn the menu and the slider. Or let the
# code turn them:

# %%
for where in moments:
    print(lanes.turn(where=where, times=2), "\n")

# %% [markdown]
# Now the price of one counter for a whole storage.

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "`y = x * 2` has three columns. `s = (y[:, 2] ** 2).sum()` saves column 2. Then `y[:, 0] = 0`, then `s.backward()`. What happens?",
    {
        "It runs: the saved column is untouched": "So the mathematics says. But the counter speaks for the storage, not for the column.",
        "It raises, although the gradient would be right": "One counter per storage: the saved view of column 2 expects version 0 and finds 1.",
        "It raises, and rightly: the gradient would be wrong": "No number that backward needs has changed. PyTorch cannot know that from one counter.",
    },
    answer="It raises, although the gradient would be right",
)

# %%
x = torch.ones(2, 3, requires_grad=True)
y = x * 2
s = (y[:, 2] ** 2).sum()
y[:, 0] = 0
with caught():
    s.backward()

# %% [markdown]
# Would it have been right? `trial` runs a program beside its *out-of-place twin*, the same
# program without the write into a saved storage, and once more with PyTorch's check switched off.
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
# Now all at once. For each operation below, the course makes a small program, overwrites the
# input or the result with `*= -3` before backward, and compares the gradient with the twin's.
# "Allowed" and "right" are two questions, so they stand in two columns. Where a write raises,
# the second says what the gradient would have been. Nothing is typed in: the cell takes a few
# seconds because it measures.

# %%
table = ops.operations()
table

# %% [markdown]
# In nearly all rows the two columns agree: where a write is allowed the gradient is right, and
# where it raises it would have been wrong. The interesting rows are the others.

# %%
for row in table.find("would be right"):
    print(row.name, "| overwriting", row.input)

# %% [markdown]
# These raise for nothing: the operation saved its input and uses only its shape (`gather`, the
# pools), or the result in its place. PyTorch counts promises to write, so it cannot know.

# %%
for row in table.find("✗ wrong"):
    print(row.name, "| overwriting", row.input)

# %% [markdown]
# And this one lets you overwrite its input and gives a wrong gradient without a word. `kron`
# saves reshaped tensors that have a counter of their own. A hole in the check, and a rare one:
# lesson 4 collects the others.
#
# How rare? These rows are the course's own part of the *op atlas*. The rest are the entries of
# PyTorch's own op database, as far as they can be written as a line of code: the same
# experiment, run once. The atlas is read from a file, and its title names the torch that wrote it.

# %%
everything = ops.all_operations()
print(everything.title)
print(len({row.op for row in everything.rows} - {""}), "entries")
for row in everything.find("✗ wrong"):
    print("   ", row.name, "| overwriting", row.input)

# %% [markdown]
# Two more, and their names warn you: `unsafe_split` gives you views that it does not call views.
# Do not take a file's word for it. Any row runs again with one line, on your torch:

# %%
row = everything.find("unsafe_split")[0]
again = ops.operation(row.name)
print(again.over_input, again.over_input == row.over_input)
print(again.start)

# %% [markdown]
# The last lines show the tensors the row speaks for: other numbers can give another verdict on the
# gradient. Lesson 8 has the whole atlas as a table. Now pick a row of ours and see it in the lanes:

# %%
names = ops.expressions()
writes = ["x", "result"]
pick = knob(ops.program, show="lanes", name=names, write=writes)
pick

# %%
print(pick.turn(name="x.sigmoid()", write="x"), "\n")
print(pick.turn(name="x.sigmoid()", write="result"), "\n")
print(pick.turn(name="torch.kron(x, w)", write="x"))


# %% [markdown]
# ## 7. Your turn (11 minutes)
#
# **Exercise 1.** `f` is any function that may write into `x`. Call `f(x)` and return how many
# in-place operations it made on `x`.

# %%
def count_writes(f, x):
    return ...


exercises.count_writes.check(count_writes)

# %% [markdown]
# Stuck? Run `exercises.count_writes.hint()` in a cell of your own; `.solution()` shows one way.
#
# **Exercise 2.** Say for each operation what it saves of `x` and its result: `"input"`,
# `"result"`, `"both"` or `"neither"`. Think of the derivative first. Where it could be computed
# from either, ask `saves` of section 3.

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
# **Exercise 3.** This function is right in the forward and raises in backward. Mend it: same
# result, right gradient for all of `x`.

# %%
def weights(x):
    y = x.exp()
    y[:, 0] = 0
    return ...  # y, once it is mended


exercises.zero_first_column.check(weights)

# %% [markdown]
# ## Recap
#
# 1. A tensor, its views and `detach()` share one version counter; `.data` and NumPy bypass it.
# 2. It counts in-place operations, not changed numbers: `mul_(1)` and `squeeze_()` tick too.
# 3. An operation saves what its formula for the derivative needs: input, result, both, neither.
# 4. Backward raises if a saved tensor's version differs from the one noted at the save.
# 5. A write before the save or after the last backward is harmless; so is one to what nobody saved.
#
# ## For your own code
#
# - Print `x._version` before and after a suspicious call: that is the whole test.
# - Before you write `y += …` ask what made `y` and who used it since: did either save it?
# - `from overwritten import ops`, then `ops.all_operations().find("sigmoid")` answers for one
#   operation, and `ops.operation("x.sigmoid()")` measures it again.
#
# ## Further reading
#
# - [In-place correctness checks](https://pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks), in PyTorch's notes on autograd
# - [Hooks for saved tensors](https://pytorch.org/docs/stable/notes/autograd.html#hooks-for-saved-tensors)
# - [One counter for the whole storage](https://github.com/pytorch/pytorch/issues/114505), a developer's answer in an issue
