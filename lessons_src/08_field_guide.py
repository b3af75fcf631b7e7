# %% [markdown]
# # Find your pattern
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/08_field_guide.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F08_field_guide.ipynb)
# <!-- /badges -->
#
# After this lesson you can
#
# - go from an error's text to the pattern behind it in a minute;
# - take the cure of that pattern, and say why it helps;
# - say what the cure from a forum would really do;
# - run the doctor on code of your own.
#
# **About 75 minutes.** You need: version counters and what backward saves (lesson 2).
# Lesson 5 explains the parts of the message.
# You can take it in two sittings: sections 1 to 5, then the rest.
# Minutes are plans. Pause after any section: your answers are kept.
#
# In a hurry, with an error of your own? Run the cells up to the field in section 1, paste
# the error there, and open a card under the answer. Otherwise each round goes *predict, run,
# explain*.

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
# ## Again
#
# Three questions from earlier lessons, for two minutes. Those that you had wrong come first.

# %%
again(questions)

# %% [markdown]
# ## 1. Paste your message (6 minutes)
#
# The field below decodes an error's text, ranks the suspects, and shows the nearest one to
# three cards of this lesson, folded. What stands in it comes from a public report about a GAN.

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
# The same by eye. (Up to torch 2.12 the names end with `Backward0`.)
#
# | what the error says | so the message names | section |
# |---|---|---|
# | `which is output 0 of` Relu, Sigmoid, Tanh, Softmax, Exp, a norm | the **saver**: it saved its own result (in place, and 0 expected: a **writer**) | 2 |
# | `which is output 0 of` Add, Mul, Div, Sub, CopySlices, IndexPut | a **writer**, or the maker | 3 |
# | `which is output 0 of` AsStrided, Select, Slice (one side, three or more; sometimes two) | a **slice** of a tensor that is filled | 3 |
# | no `which is output … of`; whole numbers, or the shape of a batch, a target, a buffer | nobody: a **label**, a **batch**, a **buffer** | 4 |
# | AsStrided, T with two sides; or no `which is output … of` and a weight's shape | a **weight** that was written (a **slice**, if no weight of yours has that shape turned round) | 5 (3) |
# | another sentence: `leaf Variable`, `is a view and`, `inference`, `single memory location`, … | the operation that was **refused** | 6 |
# | nothing; but the numbers are odd | nobody looked | 7 |
#
# All patterns in one table; type into the search field. What stands under *ends with* was
# measured when this cell ran.

# %%
index()

# %% [markdown]
# It takes other quotes, logs with colours, a letter for a number, several errors at once; and
# it says so where there is nothing to find.

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
# ## 2. The name is the saver (9 minutes)
#
# Relu, Sigmoid, Tanh, Softmax, Exp, Sqrt, norms: these save their own **result**, and the
# message names them. Look for the write that comes *after*, into what they returned or into a
# view of it.
#
# One exception: in place (`relu_`, `inplace=True`) an activation writes, too. Its own save is
# then at version 1 or more. If version 0 is expected, somebody else had saved before, and the
# activation is the **writer**. Here the power has saved `x`:

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
# The text alone does not say which of the two it is. Your code does: is that ReLU in place?

# %% tags=["predict"]
predict(questions.clone_of_the_input)

# %% [markdown]
# Open a card or two; the rest are for looking up. Each has what the error says, what happens
# on the storage, the cure, the folk cure and what that really does. Everything on the cards was run when the cell ran, each program beside
# its cure.

# %% tags=["claim:named-is-the-culprit"]
cards("own result", "custom Function")

# %% [markdown]
# The last one is an autograd Function of one's own, which is checked like any other. Here is
# the second card step by step. `pattern(n)` gives any of them; put another number in.

# %%
film(pattern(2).unmarked, view="lanes")

# %% [markdown]
# The padlock closes when ReLU saves at version 0. The Dropout moves the counter to 1, and
# backward asks in vain. `inplace=False` in the ReLU, the best-known advice, is not even a
# change here; in pattern 1 it only moves the numbers. Does the check protect you each time?

# %% tags=["claim:error-means-wrong"]
for n in range(1, 10):
    print(f"{n} {pattern(n).name:36}", tried(pattern(n))[0].verdict)

# %% [markdown]
# In two of nine the gradient would have been right, as lesson 3 found. PyTorch cannot know:
# it counts writes and compares no numbers.

# %% [markdown]
# ## 3. The name is a writer, a maker, or a slice (8 minutes)
#
# An addition saves nothing. If Add stands in the message, somebody saved the tensor as an
# **input**, and `+=` wrote it later: Add is the last recorded writer. `CopySlices` is `x[…]
# = …`. If the last write was not recorded, the maker of the tensor is named.

# %% tags=["predict"]
predict(questions.column_not_read)

# %% tags=["claim:counter-of-a-tensor"]
with caught():
    exec(alone(12, "folk cure"), {})

# %%
cards("writer", "parts", "unrecorded", "slice")

# %% [markdown]
# Two of these folk cures work. `.clone()` of what is *saved* gives the saver a storage of
# its own; the price is a copy, which out of place costs as well. The norm that is detached
# is of the other sort: the error goes, and so does a part of the gradient.

# %%
film(pattern(14).unmarked, view="lanes")

# %% [markdown]
# ## 4. No name: labels and buffers (5 minutes)
#
# No recorded operation made the tensor. Whole numbers are labels, an index or a mask. Floats
# may be a batch or a target: look at the shape; a new one is at version 0. A buffer has the shape of its layer.

# %% tags=["predict"]
predict(questions.labels_detached)

# %%
cards("buffer", "data", "whole numbers")

# %% [markdown]
# A buffer that one forward writes and another one's graph still needs: running statistics of
# your own, for instance. Two forwards and one backward are enough. DistributedDataParallel
# copies buffers before each forward, too. Up to torch 2.11 that raised as here; since 2.12
# nothing is said, and the gradient is wrong where rank 0 holds other numbers (card 51).

# %% [markdown]
# ## 5. A weight was written (9 minutes)
#
# A `Linear` saves its weight as the transpose: `AsStrided` with two sides, the weight's own
# shape turned round. A convolution saves the weight itself: no name, and four sides, two of
# them small. A layer's weight begins at version 1, because it was filled. In both
# cases a step, a copy or a moving average came between a forward and its backward.

# %% tags=["predict"]
predict(questions.loss_detached)

# %% tags=["claim:retain-graph-cures"]
cards("linear weight", "parameter")

# %% [markdown]
# The popular "go back to PyTorch 1.4" belongs here, too. There a step moved no counter
# (measured for the course, not run here), as in the folk cure of pattern 20: no error, and a
# gradient with weights that the forward never saw.

# %%
film(pattern(20).unmarked, view="lanes")

# %% [markdown]
# ## 6. Another sentence (8 minutes)
#
# These errors come at once, at the line that is to blame. So the line is known; what is
# needed is the reason.

# %% tags=["predict"]
predict(questions.way_out_of_unbind)

# %% tags=["claim:leaf-never", "claim:pieces-are-like-slices"]
cards("refused")

# %%
one = pattern("view from unbind or split written")
film(one.unmarked, view="lanes")

# %% [markdown]
# `backward twice` is no overwrite at all, but its folk cure leads here: `retain_graph=True`
# lets the second backward through, and if a step stands between the two, it is section 5.

# %% [markdown]
# ## 7. No message at all (4 minutes)
#
# The check looks at counters. What writes without moving one, nobody sees. And it looks at
# what was saved: not at gradients on their way, not at `ctx.x`, not at autocast's casts.

# %% tags=["predict"]
predict(questions.second_forward)

# %% tags=["claim:check-catches-all", "claim:data-avoids-the-error", "claim:gradient-is-mine", "claim:ctx-attribute-is-checked", "claim:compiled-keeps-the-check"]
cards("silent")

# %% [markdown]
# The last two cards do in one process what two processes and a compiler do. Here is the sync
# of buffers. In a real run DistributedDataParallel itself copies, on every rank but the first.

# %% tags=["claim:ddp-two-forwards-raise"]
film(pattern(51).unmarked, view="lanes")

# %% [markdown]
# Each of these cards says what strict mode finds in its program. Lesson 9 takes the cards'
# ways apart, and shows what strict mode is and what it misses.

# %% [markdown]
# ## 8. What the folk cures come to (5 minutes)
#
# Every card has a folk cure: what people write to make the error go away.

# %% tags=["predict"]
predict(questions.folk_cures)

# %%
for end, names in tally().items():
    print(f"{len(names):3} {end}")
print(tally()["right gradient"])

# %% [markdown]
# Those that raise are the harmless ones. Turn the menu: above as found, below with the folk
# cure, each judged beside the cure.

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
# No card fits? Then ask two things of the operations around your error: who saves this tensor,
# and who writes it. The atlas has the answers for PyTorch's operations.

# %% tags=["predict"]
predict(questions.saved_by_prod)

# %%
row = ops.operation("x.prod()")
print(f"input: {row.saves_input}, result: {row.saves_result}")
print(row.over_input)

# %% [markdown]
# That was measured when the cell ran. The table was measured once, on the torch in its title.
# Type a name into its field, or choose a verdict: *silently wrong gradient* is what the check does
# not see, *raises although the gradient would be right* is where it is over-careful.

# %%
ops.all_operations()

# %% [markdown]
# And the in-place forms. `copied` says that the form keeps a copy of its input for backward:
# then it saves no memory.

# %%
ops.all_in_place_forms()

# %% [markdown]
# ## 10. Your own code (4 minutes)
#
# In a notebook, run `%load_ext overwritten` once. Then write `%%watch` as the first line of
# the cell that fails and run it again: the error stays as it is, and saver, writer and cure
# come below it. In a script, put the step into a `with` block, as here with pattern 18:

# %%
with caught(), watch() as recording:
    exec(alone(18), {})
print(recording.diagnosis.text())

# %% [markdown]
# A program of your own needs no change: `python -m overwritten train.py`, with its
# arguments. Here it runs pattern 18, written into a file:

# %%
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "train.py").write_text(alone(18))
command = [sys.executable, "-m", "overwritten", "train.py"]
told = {"capture_output": True, "text": True}
said = subprocess.run(command, cwd=folder, **told).stderr
print(said[said.index("saved by") :])

# %% [markdown]
# The doctor's cure and the card's are the same one. With the two lines known, the pattern is
# a matter of looking.

# %% [markdown]
# ## 11. Your turn (13 minutes)
#
# **Exercise 1.** Six cases. Which pattern is it? Write its number or its name.

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
# Stuck? Hints and a solution stand folded under each check, once you have run it.
#
# **Exercise 2.** Attention weights, masked after the softmax and made to add up to 1 again.
# Two lines write; is each of them too late? Same result, right gradients, arguments left as
# they are. `padding` holds a truth value for each word.
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
# **Exercise 3.** A world model rolls out `steps` states, the first of them `start`; each
# other one is `cell` of the one before. Return them as one tensor, `[steps, rows,
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
# 1. The name after "output 0 of" is the saver if it saves its own result (in place, with 0 expected: the writer); else a writer or the maker.
# 2. No name: a weight, a buffer, labels. Two or four sides: think of a step, or of a slice.
# 3. Another sentence: the line is known. No sentence: `watch(strict=True)` finds most writes, not all.
# 4. The cure is at the write: out of place, at another time, or into a clone.
# 5. A folk cure that runs is not yet right: compare the gradient with an out-of-place twin.
#
# ## For your own code
#
# - `from overwritten import find`, then `print(find("""…"""))`, on any such error.
# - `%%watch` above the cell, or `python -m overwritten train.py`: saver, writer, cure.
# - Before you take a cure from a forum: one step with it and one out of place; are the gradients equal?
# - Nothing raises and the loss is odd: one step under `watch(strict=True)`.
#
# ## Further reading
#
# - Steps between forward and backward: [PyTorch issue 39141](https://github.com/pytorch/pytorch/issues/39141), [SinGAN issue 148](https://github.com/tamarott/SinGAN/issues/148) and, with the advice to detach the loss, [152](https://github.com/tamarott/SinGAN/issues/152), [PyTorch issue 55368](https://github.com/pytorch/pytorch/issues/55368)
# - One counter for a storage: [PyTorch issue 114505](https://github.com/pytorch/pytorch/issues/114505)
# - Hooks and in-place ReLU: [PyTorch issue 61519](https://github.com/pytorch/pytorch/issues/61519)
# - Batch norm moves no counter: [PyTorch issue 13402](https://github.com/pytorch/pytorch/issues/13402), open since 2018
# - [In-place correctness checks](https://pytorch.org/docs/stable/notes/autograd.html#in-place-correctness-checks) in PyTorch's notes
