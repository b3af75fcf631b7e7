# %% [markdown]
# # Find your pattern
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/08_field_guide.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F08_field_guide.ipynb) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/08_field_guide.ipynb)
# <!-- /badges -->
#
# After this lesson you can
#
# - go from an error message to the pattern behind it in a minute;
# - apply the cure for that pattern, and say why it helps;
# - say what a cure from a forum would really do;
# - run the doctor on your own code.
#
# **About 75 minutes.** You need: version counters and what backward saves (lesson 2).
# Lesson 5 explains the parts of the message.
# You can take it in two sittings: sections 1 to 5, then the rest.
# Minutes are plans. Pause after any section: your answers are kept.
#
# <!-- terms -->
# The [glossary](00_start_here.ipynb#cell-id=7-glossary-2-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/00_start_here.ipynb#scrollTo=7-glossary-2-minutes)) explains each term of the course in a sentence or two.
# <!-- /terms -->
#
# In a hurry, with an error of your own? Run the cells up to the field in section 1, paste
# the error there, and open a card under the answer. Otherwise each round goes *predict, run,
# explain*: first open the answer that you think is right.

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
import pathlib
import tempfile

from overwritten import again, caught, film, knob, ops, predict
from overwritten import watch
from overwritten import field_guide as exercises
from overwritten import field_guide_questions as questions

# %%
from overwritten import alone, both, cards, decoder, find
from overwritten import index, pattern, programs, tally
from overwritten import tried, who
from overwritten.cases import EVERY

# %% [markdown]
# ## Again (2 minutes)
#
# Here are three questions from earlier lessons, of those that make sense on their own. Those you
# answered wrong come first, then those you have not been asked again.

# %%
again(questions)

# %% [markdown]
# ## 1. Paste your message (6 minutes)
#
# The field below decodes an error message, ranks the suspects, and shows the one to three
# closest cards of this lesson, folded. The message in it comes from a
# [public report about a GAN](https://github.com/tamarott/SinGAN/issues/152).

# %%
reported = (
    "RuntimeError: one of the variables needed for gradient "
    "computation has been modified by an inplace operation: "
    "[torch.FloatTensor [3, 32, 3, 3]] is at version 2; "
    "expected version 1 instead."
)

# %% tags=["predict"]
predict(questions.no_name)

# %%
field = decoder(reported, find)
field

# %% [markdown]
# This table does the same by eye. (Up to torch 2.12 the names end in `Backward0`.)
#
# | what the error says | so the message names | section |
# |---|---|---|
# | `which is output 0 of` Relu, Sigmoid, Tanh, Softmax, Exp, LinalgVectorNorm | a **saver**: it saved its own result (in place, and 0 expected: the **writer**) | 2 |
# | `which is output 0 of` Add, Mul, Div, Sub, CopySlices, IndexPut | the last recorded **writer**, or the maker | 3 |
# | `which is output 0 of` AsStrided, Select, Slice (one dimension, three or more; sometimes two) | a **slice** of a tensor that is filled | 3 |
# | no `which is output … of`; integers, or the shape of a batch, a target, a buffer | no operation: **labels**, a **batch**, a **buffer** | 4 |
# | AsStrided or T with two dimensions; or no `which is output … of` and a weight's shape | a **weight** that was written (a **slice**, if none of your weights has that shape transposed) | 5 (3) |
# | a different message: `leaf Variable`, `is a view and`, `inference`, `single memory location`, … | the operation that was **refused** | 6 |
# | nothing, but the numbers are odd | nothing: the check missed a write | 7 |
#
# Here are all patterns in one table; type into the search field to narrow it down. The column
# *ends with* was measured when this cell ran.

# %%
index()

# %% [markdown]
# The decoder accepts other quotation marks, logs with colour codes, a letter in place of a
# number, and several errors at once, and it says so when there is nothing to find.

# %%
for text in (
    "« a leaf Variable that requires grad is being used in an "
    "in-place operation. »",
    "ValueError: assignment destination is read-only",
    reported[:120],
    "[torch.cuda.FloatTensor [N, 1024]], which is output 0 of "
    "ReluBackward0, is at version 1; expected version 0 instead.",
    f"\x1b[31m{reported}\x1b[0m  and before it: a leaf Variable "
    "that requires grad is being used in an in-place operation.",
):
    found = find(text)
    print(found.sorry or [near[0].name for near in found.patterns])

# %% [markdown]
# ## 2. The name is the saver (8 minutes)
#
# Relu, Sigmoid, Tanh, Softmax, Exp, Sqrt and `x.norm()` save their own **result**, and the
# message names them. (`nn.LayerNorm` and `nn.BatchNorm2d` save their input.) Look for the write
# that comes *after*, into what they returned or into a view of it.
#
# One exception: an activation that works in place (`relu_`, `inplace=True`) is a writer, too. Its
# own save is then at version 1 or more. If version 0 is expected, another operation saved the
# tensor before, and the activation is the **writer**. Here the power saved `x`:

# %%
in_place = """
import torch
x = torch.ones(3, requires_grad=True) * 2
y = x ** 2
x.relu_()
y.sum().backward()"""
with caught():
    exec(in_place, {})

# %% [markdown]
# The message alone does not tell you which of the two it is. Your code does: is that ReLU in
# place? If it is, and 1 or more is expected, it may be either. Below the next question stand the
# cards of this kind: open one or two, and leave the rest for reference. Each shows the error,
# what happens in the storage, the cure, the *folk cure* (what people try instead) and what that
# really does. All of it is run as the cell runs, each program beside its cure.

# %% tags=["predict"]
predict(questions.clone_of_the_input)

# %% tags=["claim:named-is-the-culprit"]
cards("own result", "custom Function")

# %% [markdown]
# The last card is an autograd Function that you write yourself: what its `save_for_backward`
# holds is checked like any other save. Here is the second card step by step. `pattern(n)` gives
# any of them; try another number.

# %%
film(pattern(2).unmarked, view="lanes")

# %% [markdown]
# The padlock closes when ReLU saves at version 0. The Dropout moves the counter to 1, and
# backward finds the wrong version. `inplace=False` in the ReLU, the best-known advice, changes
# nothing here: this ReLU is not in place. In pattern 1 it only changes the version numbers.
# Does the check protect you from a wrong gradient each time?

# %% tags=["claim:error-means-wrong"]
for n in range(1, 10):
    print(f"{n} {pattern(n).name:36}", tried(pattern(n))[0].verdict)

# %% [markdown]
# In two of the nine the gradient would have been right, as lesson 3 found. PyTorch cannot know:
# it counts writes and does not compare numbers.

# %% [markdown]
# ## 3. The name is a writer, a maker, or a slice (8 minutes)
#
# An addition does not save its result. If the message names Add, another operation saved the
# tensor as an **input**. If `+=` wrote into it later, Add is the last recorded writer. If the
# write was not recorded, as under `no_grad`, the message names the maker of the tensor or its
# last recorded writer. `CopySlices` is a recorded write into a view: `x[…] = …`, `x[0].mul_(2)`.

# %% tags=["predict"]
predict(questions.column_not_read)

# %% tags=["claim:counter-of-a-tensor"]
with caught():
    exec(alone(12, "folk cure"), {})

# %%
cards("writer", "parts", "unrecorded", "slice")

# %% [markdown]
# Two of these folk cures work. `.clone()` of what is *saved* gives the saver a storage of
# its own; the price is a copy, but writing out of place needs new memory as well. Detaching the
# norm is no cure: the error disappears, and so does part of the gradient.

# %%
film(pattern(14).unmarked, view="lanes")

# %% [markdown]
# ## 4. No name: labels and buffers (5 minutes)
#
# No recorded operation made the tensor. Integers are labels or an index, booleans a mask.
# Floats may be a batch or a target: look at the shape. A new batch is usually at version 0. A
# buffer often has the number of features as its shape.

# %% tags=["predict"]
predict(questions.labels_detached)

# %%
cards("buffer", "data", "whole numbers")

# %% [markdown]
# Card 15 is about a buffer that one forward writes while the graph of another still needs it:
# running statistics of your own, for instance. Two forwards and one backward are enough.
# DistributedDataParallel copies buffers before each forward, too (unless
# `broadcast_buffers=False`). Up to torch 2.11 that raised as here. Since 2.12 nothing raises,
# and the gradient is wrong on a rank whose buffer differs from that of rank 0 (card 51).

# %% [markdown]
# ## 5. A weight was written (8 minutes)
#
# A `Linear` saves a transposed view of its weight: `AsStrided` with two dimensions, the weight's
# shape transposed. A `Conv2d` saves the weight itself: no name, and four dimensions, two of
# them small. A frozen weight has no name in either layer. A new layer's weight is usually at
# version 1, because it was filled. In each case the weight was written between a forward and its
# backward: by a step, a copy, a moving average, or an `Embedding` with `max_norm`.

# %% tags=["predict"]
predict(questions.loss_detached)

# %% tags=["claim:retain-graph-cures"]
cards("linear weight", "parameter")

# %% [markdown]
# The popular "go back to PyTorch 1.4" belongs here, too. There a step moved no counter
# (measured with 1.4.0 for this course, not run here), as in the folk cure of pattern 20: no
# error, and a gradient computed with weights that the forward never used.

# %%
film(pattern(20).unmarked, view="lanes")

# %% [markdown]
# ## 6. Another sentence (8 minutes)
#
# Most of these errors come at once, at the line that PyTorch refuses. So you know the line, and
# need the reason. Only the last two cards raise in backward: `saved, then detached in place`
# and `backward twice`.

# %% tags=["predict"]
predict(questions.way_out_of_unbind)

# %% tags=["claim:leaf-never", "claim:pieces-are-like-slices"]
cards("refused")

# %%
film(
    pattern("view from unbind or split written").unmarked,
    view="lanes",
)

# %% [markdown]
# `backward twice` is no overwrite at all, but its folk cure can lead to one: `retain_graph=True`
# lets the second backward through, and if a step comes between the two, you are in section 5.

# %% [markdown]
# ## 7. No message at all (4 minutes)
#
# The check compares counters, so it misses a write that does not move one. And it looks only at
# saved tensors: not at gradients on their way, not at `ctx.x`, not at the casts of weights that
# *autocast* keeps while it runs some operations in a smaller dtype.

# %% tags=["predict"]
predict(questions.second_forward)

# %% tags=["claim:check-catches-all", "claim:data-avoids-the-error", "claim:gradient-is-mine", "claim:ctx-attribute-is-checked", "claim:compiled-keeps-the-check"]
cards("silent")

# %% [markdown]
# The last two cards do in one process what two processes and a compiler do. Here is the buffer
# sync. In a real run DistributedDataParallel itself copies, on every rank but the first.

# %% tags=["claim:ddp-two-forwards-raise"]
film(pattern(51).unmarked, view="lanes")

# %% [markdown]
# *Strict mode* compares bytes instead of counters. Each of these cards says what it finds in
# the card's program. Lesson 9 explains these silent writes one by one, and shows how strict
# mode works and what it misses.

# %% [markdown]
# ## 8. What the folk cures come to (5 minutes)
#
# Every card has a folk cure: what people write to make the error disappear.

# %% tags=["predict"]
predict(questions.folk_cures)

# %%
for end, names in tally().items():
    print(f"{len(names):3} {end}")
print(tally()["right gradient"])

# %% [markdown]
# Those that raise are the harmless ones. Choose a pattern in the menu: above as found, below
# with the folk cure, each judged beside the cure.

# %%
names = [one.name for one in EVERY]
turned = knob(programs, show=both, name=names)
turned

# %%
two = ["residual onto a relu", "write through detach"]
turned.compare(name=two)

# %% [markdown]
# ## 9. The op atlas (4 minutes)
#
# No card fits? Then ask two questions about the operations around your error: which one saves
# this tensor, and which one writes it? The atlas answers both for PyTorch's operations.

# %% tags=["predict"]
predict(questions.saved_by_prod)

# %%
row = ops.operation("x.prod()")
print(f"input: {row.saves_input}, result: {row.saves_result}")
print(row.over_input)

# %% [markdown]
# That was measured when the cell ran. The table was measured once, with the torch version in
# its title. Type a name into its field, or choose a verdict: *silently wrong gradient* is what
# the check misses, *raises although the gradient would be right* is where it is overcautious.

# %%
ops.all_operations()

# %% [markdown]
# Here are the in-place forms. `copied` says that the form keeps a copy of its input for
# backward: then it saves no memory.

# %%
ops.all_in_place_forms()

# %% [markdown]
# ## 10. Your own code (4 minutes)
#
# In a notebook, run `%load_ext overwritten` once. Then write `%%watch` as the first line of
# the cell that fails and run it again: the error stays as it is, and saver, writer and cure
# appear below it. In a script, put the step into a `with` block, as here with pattern 18:

# %%
with caught(), watch() as recording:
    exec(alone(18), {})
print(recording.diagnosis.text())

# %% [markdown]
# Your own program needs no change: `python -m overwritten train.py`, followed by its
# arguments. Here it runs pattern 18, written to a file:

# %%
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "train.py").write_text(alone(18))
command = [sys.executable, "-m", "overwritten", "train.py"]
told = {"capture_output": True, "text": True}
said = subprocess.run(command, cwd=folder, **told).stderr
print(said[said.index("saved by") :])

# %% [markdown]
# The doctor's cure and the card's are the same. Once you know the two lines, you only have to
# look the pattern up.

# %% [markdown]
# ## 11. Your turn (13 minutes)
#
# **Exercise 1.** Here are six cases. Which pattern is each? Write its number or its name.

# %%
for name, (ran, said) in exercises.CASES.items():
    print(f"{name}: {ran}\n   {said}\n")

# %%
answers = {
    "a": ...,
    "b": ...,
    "c": ...,
    "d": ...,
    "e": ...,
    "f": ...,
}
exercises.patterns.check(answers)


# %% [markdown]
# Stuck? Once you have run a check, hints and a solution stand folded under it.
#
# **Exercise 2.** These attention weights are masked after the softmax and made to add up to 1
# again. Two lines write; is each of them too late? Mend the function: the same result, right
# gradients, arguments unchanged. `padding` holds a boolean for each word.
#
# ```python
# def attend(scores, values, padding):
#     weights = torch.softmax(scores, -1)
#     weights[:, :, padding] = 0
#     weights /= weights.sum(-1, keepdim=True)
#     return weights @ values
# ```

# %%
def attend(scores, values, padding):
    return ...


exercises.attend.check(attend)


# %% [markdown]
# **Exercise 3.** A world model rolls out `steps` states. The first is `start`; every other state
# is `cell` of the one before. Mend the function: return them as one tensor, `[steps, rows,
# features]`.
#
# ```python
# def roll_out(cell, start, steps):
#     states = torch.zeros(steps, *start.shape)
#     states[0] = start
#     for t in range(1, steps):
#         states[t] = cell(states[t - 1])
#     return states
# ```

# %%
def roll_out(cell, start, steps):
    return ...


exercises.roll_out.check(roll_out)

# %% [markdown]
# ## Recap
#
# 1. The name after "output 0 of" is a saver if it saves its own result (in place, with 0 expected: the writer). Otherwise it is a writer or the maker.
# 2. No name: a weight, a batch, a buffer, labels. Two or four dimensions: suspect a step, or a slice.
# 3. A different message: you know the line, in most cases. No message: `watch(strict=True)` finds most writes, not all.
# 4. Most cures change the write: out of place, at another time, or into a clone.
# 5. A folk cure that runs is not yet right: compare the gradient with that of an out-of-place twin.
#
# ## For your own code
#
# - For any such error: `from overwritten import find`, then `print(find("""…"""))`.
# - `%%watch` above the cell, or `python -m overwritten train.py`, gives saver, writer and cure.
# - Before you take a cure from a forum, run one step with it and one out of place. Are the gradients equal?
# - If nothing raises and the loss is odd, run one step under `watch(strict=True)`.
#
# ## Further reading
#
# - Steps between forward and backward: [PyTorch issue 39141](https://github.com/pytorch/pytorch/issues/39141), [SinGAN issue 148](https://github.com/tamarott/SinGAN/issues/148) and, with the advice to detach the loss, [152](https://github.com/tamarott/SinGAN/issues/152), [PyTorch issue 55368](https://github.com/pytorch/pytorch/issues/55368)
# - One counter for a tensor and its views, and another for `.data`: [PyTorch issue 5396](https://github.com/pytorch/pytorch/issues/5396)
# - Hooks and in-place ReLU: [PyTorch issue 61519](https://github.com/pytorch/pytorch/issues/61519)
# - Batch norm does not move the counter of its running statistics: [PyTorch issue 13402](https://github.com/pytorch/pytorch/issues/13402), open since 2018
# - [In-place correctness checks](https://pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks) in PyTorch's notes
