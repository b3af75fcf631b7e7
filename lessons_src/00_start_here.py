# %% [markdown]
# # Start here
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/00_start_here.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2F00_start_here.ipynb)
# <!-- /badges -->
#
# After this page you
#
# - know that the course works on your machine, or what to do so that it does;
# - have moved a film and turned a knob, the two things that every lesson shows;
# - know which lesson to open first.
#
# **About 16 minutes.** You need: Python, and `+` on tensors.
#
# A cell runs when you press Shift and Enter in it. Run the cells from the top down.

# %%
import subprocess
import sys

if "google.colab" in sys.modules:  # Colab has this file alone
    course = "git+https://github.com/overwritten-course/overwritten@v0.1.0"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps"]
    if subprocess.run([*pip, "-q", course]).returncode:
        words = "check the network, then run this cell again."
        sys.exit(f"The course did not install: {words}")

# %% [markdown]
# ## 1. The lessons (1 minute)
#
# <!-- lessons -->
# | | lesson | minutes | you need | |
# |---|---|---|---|---|
# | 1 | [Follow a storage pointer](01_storage_pointers.ipynb) | 50 | tensors and `+` | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/01_storage_pointers.ipynb) |
# | 2 | [Read the version counter](02_version_counter.ipynb) | 65 | storages and views (lesson 1), and what `requires_grad` and `backward()` are for | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/02_version_counter.ipynb) |
# | 3 | [Decide where an activation may write](03_safe_relu.ipynb) | 90 | version counters and what backward saves (lesson 2) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/03_safe_relu.ipynb) |
# | 4 | [Write weights at the right moment](04_leaf_mutation.ipynb) | 105 | version counters and saved tensors (lesson 2) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/04_leaf_mutation.ipynb) |
# | 5 | [Read the error](05_reading_the_error.ipynb) | 80 | version counters and what backward saves (lesson 2) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/05_reading_the_error.ipynb) |
# | 6 | [Fix the detector](06_detector_fix.ipynb) | 80 | what backward saves (lesson 2), parts of the message (lesson 5) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/06_detector_fix.ipynb) |
# | 7 | [Trace a shape to the line that wrote](07_slowfast_fix.ipynb) | 75 | storages and views (lesson 1), version counters (lesson 2), in-place ReLUs (lesson 3) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/07_slowfast_fix.ipynb) |
# | 8 | [Find your pattern](08_field_guide.ipynb) | 120 | version counters and what backward saves (lesson 2) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/08_field_guide.ipynb) |
#
# All together: about 11 hours.
# <!-- /lessons -->
#
# Take them in this order if you have the time. Sections 1 to 3 of lesson 1 and sections 1 to 3
# of lesson 2 are what all the others stand on. Section 4 below tells you what you may skip.

# %% [markdown]
# ## 2. Does everything work here? (2 minutes)
#
# Run the cell. Each line ends up as `[ok]`, or as `[fail]` with what to do about it.

# %%
try:
    from overwritten import selfcheck

    selfcheck("v0.1.0")
except Exception as error:
    print(f"[fail] the course's package: {error}.")
    print("Take the kernel of the course's .venv: run `make lab`.")

# %% [markdown]
# ## 3. A film and a knob (3 minutes)
#
# A *film* shows real code, recorded line by line. Move its slider with the mouse or the arrow
# keys, and watch the storage `B`. Every step is also there in words, below the picture.

# %%
import torch
from torch.nn import functional as F

from overwritten import film, knob, predict

# %%
film("""
x = torch.ones(4, requires_grad=True)
y = x.exp()
w = y.detach()
w[1:3].add_(1)
y.sum().backward()
""")

# %% [markdown]
# You need not understand it yet. One storage was written after somebody had saved it, and
# backward noticed. The course is about this one picture.
#
# A *knob* puts your value into code that runs again. Pull `n` to the right.

# %%
knob(
    {
        "x = x + 1": "x = torch.ones(n)\nx = x + 1",
        "x += 1": "x = torch.ones(n)\nx += 1",
    },
    n=[1, 10, 100, 1_000, 10_000],
)


# %% [markdown]
# ## 4. Six snippets (8 minutes)
#
# What does each function return? Answer from what you know now, without running anything else.
# A wrong answer costs nothing: it names the section of the course that is about it.

# %%
def gives(snippet):
    try:
        return str(snippet())
    except RuntimeError:
        return "It raises an error"


# %%
def one():
    x = torch.zeros(3)
    y = x[1:]
    y += 1
    return x.tolist()


# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "What does `one()` return?",
    {
        "[0.0, 0.0, 0.0]": "`y` is no copy. See [lesson 1, section 3](01_storage_pointers.ipynb).",
        "[0.0, 1.0, 1.0]": "`y` looks at the bytes of `x`, and `+=` writes there.",
        "[1.0, 1.0, 1.0]": "`y` looks at two of the three numbers. See [lesson 1, section 3](01_storage_pointers.ipynb).",
        "It raises an error": "A view may be written like any tensor. See [lesson 1, section 3](01_storage_pointers.ipynb).",
    },
    answer=gives(one),
)


# %%
def two():
    x = old = torch.ones(2)
    x = x + 1
    x += 1
    return old.tolist()


# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "What does `two()` return?",
    {
        "[1.0, 1.0]": "`x + 1` made a new tensor. `x += 1` wrote into that one.",
        "[2.0, 2.0]": "One of the two lines writes, but not into `old`. See [lesson 1, section 2](01_storage_pointers.ipynb).",
        "[3.0, 3.0]": "The two lines look alike and are not. See [lesson 1, section 2](01_storage_pointers.ipynb).",
    },
    answer=gives(two),
)


# %%
def three():
    x = torch.zeros(2, requires_grad=True)
    y = x.exp()
    y += 1
    y.sum().backward()
    return x.grad.tolist()


# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "What does `three()` return?",
    {
        "[1.0, 1.0]": "That is the derivative of `exp`. But backward wanted the result of `exp`. See [lesson 2, section 3](02_version_counter.ipynb).",
        "[2.0, 2.0]": "So it would be if backward read what stands there now. See [lesson 2, section 3](02_version_counter.ipynb).",
        "It raises an error": "`exp` saved its result for backward, and `y += 1` wrote over it.",
    },
    answer=gives(three),
)


# %%
def four():
    x = torch.zeros(2, requires_grad=True)
    y = x * 2
    y += 1
    y.sum().backward()
    return x.grad.tolist()


# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "What does `four()` return?",
    {
        "[2.0, 2.0]": "The derivative of `x * 2` is 2. It needs no number of `y`, so nobody had saved it.",
        "[3.0, 3.0]": "The 1 is added after the 2. A constant adds nothing to a gradient. The rest is in [lesson 2, section 4](02_version_counter.ipynb).",
        "It raises an error": "Being written is not enough: somebody must have saved `y`. See [lesson 2, section 4](02_version_counter.ipynb).",
    },
    answer=gives(four),
)


# %%
def five():
    x = torch.ones(2, requires_grad=True)
    h = F.relu(x * 3, inplace=False)
    h += 1
    h.sum().backward()
    return x.grad.tolist()


# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "What does `five()` return? Mind the `inplace=False`.",
    {
        "[3.0, 3.0]": "That is the right gradient, and it does not come out. See [lesson 3, section 2](03_safe_relu.ipynb).",
        "[4.0, 4.0]": "Adding 1 changes no gradient. And none comes out: see [lesson 3, section 2](03_safe_relu.ipynb).",
        "It raises an error": "ReLU saved its result, in place or not, and `h += 1` wrote over it.",
    },
    answer=gives(five),
)


# %%
def six():
    w = torch.tensor([3.0], requires_grad=True)
    y = w * w
    w.data *= 100
    y.backward()
    return w.grad.tolist()


# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "What does `six()` return? `y` was computed from 3, so the right gradient is 6.",
    {
        "[6.0]": "Backward reads `w` when it runs, not when `y` was made. See [lesson 4, section 3](04_leaf_mutation.ipynb).",
        "[600.0]": "Wrong by a factor of 100, and nobody is told: `.data` hides the write from the check.",
        "It raises an error": "It should. But `.data` hides the write from the check. See [lesson 4, section 3](04_leaf_mutation.ipynb).",
    },
    answer=gives(six),
)

# %% [markdown]
# Here is what they return, run now:

# %%
for snippet in (one, two, three, four, five, six):
    print(snippet.__name__, gives(snippet))

# %% [markdown]
# All six right? Begin with lesson 3, or with [lesson 5](05_reading_the_error.ipynb) if it is
# the error's own text that you want to understand. Something wrong in `one` or `two`? Begin
# with lesson 1. Else begin with lesson 2.
#
# And if an error of your own is why you are here: `python -m overwritten train.py` runs your
# program and names both lines, the one that saved and the one that wrote.

# %% [markdown]
# ## 5. Pause and come back (2 minutes)
#
# Every lesson is cut into sections of some ten minutes. Stop at the end of any of them.
#
# Your answers are kept while you work: the alternative that you opened first, the answer that
# you checked last. They stand in one small file, `overwritten_answers.json`, beside the lessons,
# and are there again when you run a lesson anew. The kernel's variables are gone once it stops:
# click into the cell where you left off and choose *Run ▸ Run All Above Selected Cell*.

# %%
from overwritten import answers

answers.show()

# %% [markdown]
# **Binder** throws its machine away after ten idle minutes, and **Colab** when you close the page.
# Save your answers on your own computer first:

# %%
answers.download()

# %% [markdown]
# And bring them back on the next machine. Where you have a newer answer, it stays:

# %%
answers.restore_from()

# %% [markdown]
# What you typed into the cells themselves is in the notebook. **JupyterLab** keeps it when you
# save (Ctrl+S), **Colab** when you choose *File ▸ Save a copy in Drive*, **Binder** when you choose
# *File ▸ Download*.
