# %% [markdown]
# # Start here
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/00_start_here.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F00_start_here.ipynb)
# <!-- /badges -->
#
# After this page you
#
# - know that the course works on your machine, or how to make it work;
# - have moved a film and turned a knob, the two things that every lesson shows;
# - know which lesson to open first.
#
# **About 17 minutes.** You need: Python, and `+` on tensors.
# Minutes are plans. Pause after any section: your answers are kept.
#
# To run a cell, click into it and press Shift+Enter. Run the cells from the top down.

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

# %% [markdown]
# ## 1. The lessons (1 minute)
#
# <!-- lessons -->
# | | lesson | minutes | you need | |
# |---|---|---|---|---|
# | 1 | [Follow a storage pointer](01_storage_pointers.ipynb) | 50 | tensors and `+` | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/01_storage_pointers.ipynb) |
# | 2 | [Read the version counter](02_version_counter.ipynb) | 69 | storages and views (lesson 1), and what `requires_grad` and `backward()` are for | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb) |
# | 3 | [Decide where an activation may write](03_safe_relu.ipynb) | 75 | version counters and what backward saves (lesson 2; its sections 5 and 6 even if you know the rest) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/03_safe_relu.ipynb) |
# | 4 | [Write weights at the right moment](04_leaf_mutation.ipynb) | 75 | version counters and saved tensors (lesson 2) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/04_leaf_mutation.ipynb) |
# | 5 | [Read the error](05_reading_the_error.ipynb) | 75 | version counters and what backward saves (lesson 2) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/05_reading_the_error.ipynb) |
# | 6 | [Fix the detector](06_detector_fix.ipynb) | 74 | what backward saves (lesson 2), parts of the message (lesson 5) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/06_detector_fix.ipynb) |
# | 7 | [Trace a shape to the line that wrote](07_slowfast_fix.ipynb) | 74 | storages and views (lesson 1), version counters (lesson 2), in-place ReLUs (lesson 3) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/07_slowfast_fix.ipynb) |
# | 8 | [Find your pattern](08_field_guide.ipynb) | 75 | version counters and what backward saves (lesson 2) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/08_field_guide.ipynb) |
# | 9 | [Find what raises nothing](09_silent_gradients.ipynb) | 74 | leaves, `no_grad` and optimizer steps (lesson 4), and `watch` (lesson 5) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/09_silent_gradients.ipynb) |
# | 10 | [Mend three programs](10_clinic.ipynb) | 60 | patterns and cures (lesson 8), and strict mode (lesson 9) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/10_clinic.ipynb) |
# | 11 | [Take the final](11_final.ipynb) | 30 | lessons 2 to 4, lesson 8 and lesson 9 | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/11_final.ipynb) |
#
# All together: about 12 hours.
# <!-- /lessons -->
#
# Take them in this order if you have the time: each stands on those that it needs. Section 5
# below finds out what you may skip, and marks a path of 90 minutes and one of half a day.

# %% [markdown]
# ## 2. Does everything work here? (2 minutes)
#
# Run the cell. Each line ends as `[ok]`, or as `[fail]` with what to do about it.

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
# A *film* shows real code, recorded line by line. It draws every *storage*, the memory that holds
# a tensor's numbers, and calls them `A`, `B`, `C`. Move the slider with the mouse or the arrow keys
# and watch `B`. The sentence below the picture says the same in words.
# The button *lanes* shows another view: a row for each storage, with time running to the right.

# %%
import torch
from torch.nn import functional as F

from overwritten import film, knob, predict
from overwritten import start_here_questions as questions

# %%
film("""
w = torch.ones(4, requires_grad=True)
batch = torch.ones(4)
loss = (w * batch).sum()
batch[1:3].add_(1)
loss.backward()
""")

# %% [markdown]
# You do not need to understand all of it yet. A storage was written after an operation had saved it for
# backward, and backward noticed. That is what the course is about.
#
# A *knob* puts a value of your choice into code and runs the code again. Drag `n` to the right.

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
# A wrong answer costs nothing: it names the section of the course that explains it.

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


# %% tags=["predict"]
predict(questions.one)


# %%
def two():
    x = old = torch.ones(2)
    x = x + 1
    x += 1
    return old.tolist()


# %% tags=["predict"]
predict(questions.two)


# %%
def three():
    x = torch.zeros(2, requires_grad=True)
    y = x.exp()
    y += 1
    y.sum().backward()
    return x.grad.tolist()


# %% tags=["predict"]
predict(questions.three)


# %%
def four():
    x = torch.zeros(2, requires_grad=True)
    y = x * 2
    y += 1
    y.sum().backward()
    return x.grad.tolist()


# %% tags=["predict"]
predict(questions.four)


# %%
def five():
    x = torch.ones(2, requires_grad=True)
    h = F.relu(x * 3, inplace=False)
    h += 1
    h.sum().backward()
    return x.grad.tolist()


# %% tags=["predict"]
predict(questions.five)


# %%
def six():
    w = torch.tensor([3.0], requires_grad=True)
    y = w * w
    w.data *= 100
    y.backward()
    return w.grad.tolist()


# %% tags=["predict"]
predict(questions.six)

# %% [markdown]
# Here is what they return, run now:

# %%
for snippet in (one, two, three, four, five, six):
    print(snippet.__name__, gives(snippet))

# %% [markdown]
# ## 5. Where to begin (1 minute)
#
# The cell reads the answers that are kept of you: those to the six snippets, and later those of
# the lessons. Run it again whenever you come back.

# %%
from overwritten import answers, route

route()

# %% [markdown]
# On a shorter path you jump. Click into the first cell of the section and choose *Run ▸ Run All
# Above Selected Cell*: the section finds the helpers that it needs.
#
# If you are here because of an error of your own: `python -m overwritten train.py` runs your
# program and names both lines, the one that saved and the one that wrote.

# %% [markdown]
# ## 6. Pause and come back (2 minutes)
#
# Every lesson is divided into sections of about ten minutes. You can stop at the end of any of
# them.
#
# Your answers are kept while you work: for a question the choice that you opened first, for an
# exercise the answer that you checked last. They are in one small file, `overwritten_answers.json`,
# beside the lessons, and come back when you run a lesson again. The kernel's variables are lost
# when it stops: click into the cell where you left off and choose *Run ▸ Run All Above Selected
# Cell*.
#
# This is how far you are, section by section:

# %%
answers.show()

# %% [markdown]
# **Binder** discards its machine after about ten idle minutes, **Colab** some time after you close
# the page. Save your answers on your own computer first:

# %%
answers.download()

# %% [markdown]
# Bring them back on the next machine. If an answer there is newer, it stays:

# %%
answers.restore_from()

# %% [markdown]
# What you typed into the cells themselves is in the notebook. **JupyterLab** keeps it when you
# save (Ctrl+S), **Colab** when you choose *File ▸ Save a copy in Drive*, **Binder** when you choose
# *File ▸ Download*.
