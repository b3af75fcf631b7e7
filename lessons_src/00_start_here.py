# %% [markdown]
# # Start here
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/00_start_here.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F00_start_here.ipynb) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/00_start_here.ipynb)
# <!-- /badges -->
#
# After this page you
#
# - know that the course works on your machine, or how to make it work;
# - have moved a film and turned a knob, the two things that the lessons show again and again;
# - know which lesson to open first.
#
# **About 19 minutes.** You need: Python, and `+` on tensors.
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
# | 2 | [Read the version counter](02_version_counter.ipynb) | 71 | storages and views (lesson 1), and what `requires_grad` and `backward()` are for | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb) |
# | 3 | [Decide where an activation may write](03_safe_relu.ipynb) | 75 | version counters and what backward saves (lesson 2; its sections 5 and 6 even if you know the rest) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/03_safe_relu.ipynb) |
# | 4 | [Write weights at the right moment](04_leaf_mutation.ipynb) | 75 | version counters and saved tensors (lesson 2) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/04_leaf_mutation.ipynb) |
# | 5 | [Read the error](05_reading_the_error.ipynb) | 75 | version counters and what backward saves (lesson 2) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/05_reading_the_error.ipynb) |
# | 6 | [Fix the detector](06_detector_fix.ipynb) | 75 | what backward saves (lesson 2), parts of the message (lesson 5) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/06_detector_fix.ipynb) |
# | 7 | [Trace a shape to the line that wrote](07_slowfast_fix.ipynb) | 75 | storages and views (lesson 1), version counters (lesson 2), in-place ReLUs (lesson 3) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/07_slowfast_fix.ipynb) |
# | 8 | [Find your pattern](08_field_guide.ipynb) | 75 | version counters and what backward saves (lesson 2) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/08_field_guide.ipynb) |
# | 9 | [Find what raises nothing](09_silent_gradients.ipynb) | 75 | leaves, `no_grad` and optimizer steps (lesson 4), and `watch` (lesson 5) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/09_silent_gradients.ipynb) |
# | 10 | [Mend three programs](10_clinic.ipynb) | 60 | patterns and cures (lesson 8), and strict mode (lesson 9) | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/10_clinic.ipynb) |
# | 11 | [Take the final](11_final.ipynb) | 30 | lessons 2 to 4, lesson 8 and lesson 9 | [in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/11_final.ipynb) |
#
# All together: about 12 hours.
# <!-- /lessons -->
#
# Take them in this order if you have the time: each builds on those it needs. Section 5 below
# works out what you may skip, and marks two shorter paths: one of 90 minutes and one of half a
# day.

# %% [markdown]
# ## 2. Does everything work here? (2 minutes)
#
# Run the cell. Each line reads `[ok]`, or `[fail]` and what to do about it.

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
# a tensor's numbers, and calls them `A`, `B`, `C`. Move the slider with the mouse or the arrow
# keys and watch `B`. The sentence below the picture says the same in words. The button *lanes*
# shows the same in another way: a row for each storage, with time running to the right.

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
# What does each function return? Answer from what you know now, without running anything else. A
# wrong answer costs nothing: it names the section of the course that explains it. The last cell
# of this section runs all six.

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

# %%
for snippet in (one, two, three, four, five, six):
    print(snippet.__name__, gives(snippet))

# %% [markdown]
# ## 5. Where to begin (1 minute)
#
# The cell reads the answers that are kept: those to the six snippets and, later, those to the
# lessons' questions. Run it again whenever you come back.

# %%
from overwritten import answers, route

route()

# %% [markdown]
# A shorter path skips sections. Click into the first cell of the next one and choose *Run ▸ Run
# All Above Selected Cell*: the section finds the helpers that it needs.
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
# This is how far you have got, section by section:

# %%
answers.show()

# %% [markdown]
# **Binder** discards its machine after about ten idle minutes, **Colab** some time after you
# close the page. Save your answers to your own computer first:

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

# %% [markdown]
# ## 7. Glossary (2 minutes)
#
# These are the words of the course, and the section that shows what each means. You need not read
# them now: the course explains each word where it first uses it, and the top of every lesson
# links here.
#
# <!-- glossary -->
# | word | means | shown in |
# |---|---|---|
# | **anomaly mode** | PyTorch keeps the traceback of each recorded operation. When a backward fails, it shows where the forward of that operation ran: the saver's line, not the writer's. | [lesson 5, section 6](05_reading_the_error.ipynb#cell-id=6-two-tools-one-failure-4-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/05_reading_the_error.ipynb#scrollTo=6-two-tools-one-failure-4-minutes)) |
# | **autocast** | A mode in which PyTorch runs some operations in a smaller dtype. It casts the weights for them and keeps the casts until the block ends. | [lesson 9, section 4](09_silent_gradients.ipynb#cell-id=4-neither-a-save-nor-a-counter-5-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/09_silent_gradients.ipynb#scrollTo=4-neither-a-save-nor-a-counter-5-minutes)) |
# | **autograd** | The part of PyTorch that records operations and computes gradients from the record. | [lesson 2, section 3](02_version_counter.ipynb#cell-id=3-what-backward-saves-12-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb#scrollTo=3-what-backward-saves-12-minutes)) |
# | **backbone** | The large network that makes features of an image or a video. Neck and head come after it. | [lesson 5, section 5](05_reading_the_error.ipynb#cell-id=5-raise-the-reported-line-9-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/05_reading_the_error.ipynb#scrollTo=5-raise-the-reported-line-9-minutes)) |
# | **buffer** | A tensor that a module keeps and that is no parameter: running statistics, for example. | [lesson 5, section 3](05_reading_the_error.ipynb#cell-id=3-who-is-output-0-of-x-9-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/05_reading_the_error.ipynb#scrollTo=3-who-is-output-0-of-x-9-minutes)) |
# | **checkpoint** | A part of the forward that saves only its inputs. When backward needs the rest, that part runs again. | [lesson 9, section 3](09_silent_gradients.ipynb#cell-id=3-saves-that-no-check-guards-14-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/09_silent_gradients.ipynb#scrollTo=3-saves-that-no-check-guards-14-minutes)) |
# | **clone** | `x.clone()` copies: the same numbers in a storage of its own. Gradients flow through it back to `x`. | [lesson 1, section 4](01_storage_pointers.ipynb#cell-id=4-what-copies-what-shares-8-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/01_storage_pointers.ipynb#scrollTo=4-what-copies-what-shares-8-minutes)) |
# | **detach** | `x.detach()` looks at the same storage and shares the version counter of `x`, but has no history: no gradient flows through it. | [lesson 1, section 4](01_storage_pointers.ipynb#cell-id=4-what-copies-what-shares-8-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/01_storage_pointers.ipynb#scrollTo=4-what-copies-what-shares-8-minutes)) |
# | **doctor** | The course's tool that watches a program run and names both lines, the saver's and the writer's: `with watch()`, `%%watch`, `python -m overwritten`. | [lesson 3, section 2](03_safe_relu.ipynb#cell-id=2-safe-and-recommended-half-of-the-truth) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/03_safe_relu.ipynb#scrollTo=2-safe-and-recommended-half-of-the-truth)) |
# | **film** | A recording of code that really ran, line by line, with a slider. | [this page, section 3](00_start_here.ipynb#cell-id=3-a-film-and-a-knob-3-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/00_start_here.ipynb#scrollTo=3-a-film-and-a-knob-3-minutes)) |
# | **folk cure** | What people write to make the error disappear, whether it helps or not. | [lesson 8, section 2](08_field_guide.ipynb#cell-id=2-the-name-is-the-saver-8-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/08_field_guide.ipynb#scrollTo=2-the-name-is-the-saver-8-minutes)) |
# | **FPN** | Feature pyramid network: a neck that merges a backbone's maps from coarse to fine. | [lesson 5, section 9](05_reading_the_error.ipynb#cell-id=9-a-that-never-raised-until-it-did-3-min) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/05_reading_the_error.ipynb#scrollTo=9-a-that-never-raised-until-it-did-3-min)) |
# | **graph** | What autograd records in the forward: a node for each operation, linked to the nodes that made its inputs. Backward walks it from the result to the leaves. | [lesson 2, section 3](02_version_counter.ipynb#cell-id=3-what-backward-saves-12-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb#scrollTo=3-what-backward-saves-12-minutes)) |
# | **head** | The last layers of a network, which turn features into boxes, classes or scores. | [lesson 5, section 5](05_reading_the_error.ipynb#cell-id=5-raise-the-reported-line-9-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/05_reading_the_error.ipynb#scrollTo=5-raise-the-reported-line-9-minutes)) |
# | **hook** | A function of yours that PyTorch calls at a fixed moment: when a tensor is saved (a *pack hook*) or read again (an *unpack hook*), when a gradient arrives, when a layer has run. | [lesson 2, section 3](02_version_counter.ipynb#cell-id=3-what-backward-saves-12-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb#scrollTo=3-what-backward-saves-12-minutes)) |
# | **in place** | An operation works in place if it writes its result into a storage that its input already has: `x += 1`, `x.add_(1)`. | [lesson 1, section 2](01_storage_pointers.ipynb#cell-id=2-four-lines-that-look-alike-7-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/01_storage_pointers.ipynb#scrollTo=2-four-lines-that-look-alike-7-minutes)) |
# | **knob** | A control that puts a value of your choice into code and runs the code again. | [this page, section 3](00_start_here.ipynb#cell-id=3-a-film-and-a-knob-3-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/00_start_here.ipynb#scrollTo=3-a-film-and-a-knob-3-minutes)) |
# | **lane** | One row of a picture in which time runs to the right: the life of one storage, its writes and its saves. | [lesson 2, section 5](02_version_counter.ipynb#cell-id=5-where-the-write-falls-9-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb#scrollTo=5-where-the-write-falls-9-minutes)) |
# | **lateral** | In an FPN, the convolution that brings one of the backbone's maps to the common number of channels. In SlowFast (lesson 7), what hands features from one pathway to the other. | [lesson 5, section 9](05_reading_the_error.ipynb#cell-id=9-a-that-never-raised-until-it-did-3-min) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/05_reading_the_error.ipynb#scrollTo=9-a-that-never-raised-until-it-did-3-min)) |
# | **leaf** | A tensor that no recorded operation made: weights, inputs. Backward fills its `.grad` if it requires grad. | [lesson 4, section 1](04_leaf_mutation.ipynb#cell-id=1-a-leaf-that-requires-grad-5-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/04_leaf_mutation.ipynb#scrollTo=1-a-leaf-that-requires-grad-5-minutes)) |
# | **neck** | The layers between backbone and heads. | [lesson 5, section 5](05_reading_the_error.ipynb#cell-id=5-raise-the-reported-line-9-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/05_reading_the_error.ipynb#scrollTo=5-raise-the-reported-line-9-minutes)) |
# | **node** | One recorded operation in the graph. It keeps the saved tensors and computes that operation's part of the gradient; `y.grad_fn` is the node that made `y`. | [lesson 2, section 3](02_version_counter.ipynb#cell-id=3-what-backward-saves-12-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb#scrollTo=3-what-backward-saves-12-minutes)) |
# | **op atlas** | The course's table of PyTorch's operations: what each saves, and what happens if that is overwritten. | [lesson 2, section 6](02_version_counter.ipynb#cell-id=6-the-op-table-10-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb#scrollTo=6-the-op-table-10-minutes)) |
# | **out of place** | An operation works out of place if its result gets a new storage: `x + 1`, `x.add(1)`. | [lesson 1, section 2](01_storage_pointers.ipynb#cell-id=2-four-lines-that-look-alike-7-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/01_storage_pointers.ipynb#scrollTo=2-four-lines-that-look-alike-7-minutes)) |
# | **padlock** | In films and lanes: it closes where a tensor is saved, and opens where backward finds that its version has changed. | [lesson 2, section 3](02_version_counter.ipynb#cell-id=3-what-backward-saves-12-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb#scrollTo=3-what-backward-saves-12-minutes)) |
# | **requires grad** | A tensor requires grad if its `requires_grad` is `True`: autograd records what is done with it. | [lesson 2, section 3](02_version_counter.ipynb#cell-id=3-what-backward-saves-12-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb#scrollTo=3-what-backward-saves-12-minutes)) |
# | **saved tensor** | What a node keeps for backward, with the version that it had at that moment. | [lesson 2, section 3](02_version_counter.ipynb#cell-id=3-what-backward-saves-12-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb#scrollTo=3-what-backward-saves-12-minutes)) |
# | **saver** | The operation that saved a tensor, and its line. | [lesson 3, section 2](03_safe_relu.ipynb#cell-id=2-safe-and-recommended-half-of-the-truth) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/03_safe_relu.ipynb#scrollTo=2-safe-and-recommended-half-of-the-truth)) |
# | **storage** | The bytes that hold a tensor's numbers. Several tensors can look at one storage. | [lesson 1, section 1](01_storage_pointers.ipynb#cell-id=1-a-name-a-tensor-a-storage-5-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/01_storage_pointers.ipynb#scrollTo=1-a-name-a-tensor-a-storage-5-minutes)) |
# | **strict mode** | The doctor compares the bytes of saved tensors, not only version counters. It finds writes that raise nothing. | [lesson 9, section 5](09_silent_gradients.ipynb#cell-id=5-strict-mode-9-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/09_silent_gradients.ipynb#scrollTo=5-strict-mode-9-minutes)) |
# | **stride** | How far to jump in the storage, in elements, to reach the next index of a dimension. | [lesson 1, section 3](01_storage_pointers.ipynb#cell-id=3-views-other-labels-on-the-same-bytes-9) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/01_storage_pointers.ipynb#scrollTo=3-views-other-labels-on-the-same-bytes-9)) |
# | **twin** | The same program written out of place, so that nothing saved is overwritten. Its gradient is the right one. | [lesson 2, section 5](02_version_counter.ipynb#cell-id=5-where-the-write-falls-9-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb#scrollTo=5-where-the-write-falls-9-minutes)) |
# | **version counter** | A number that a tensor shares with all its views. Nearly every in-place operation moves it, and backward compares it with the version noted at the save. | [lesson 2, section 1](02_version_counter.ipynb#cell-id=1-the-version-counter-5-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/02_version_counter.ipynb#scrollTo=1-the-version-counter-5-minutes)) |
# | **view** | A tensor that looks at another tensor's storage, with an offset, a shape and strides of its own. Nothing is copied. | [lesson 1, section 3](01_storage_pointers.ipynb#cell-id=3-views-other-labels-on-the-same-bytes-9) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/01_storage_pointers.ipynb#scrollTo=3-views-other-labels-on-the-same-bytes-9)) |
# | **writer** | The operation that overwrote a saved tensor, and its line. | [lesson 3, section 2](03_safe_relu.ipynb#cell-id=2-safe-and-recommended-half-of-the-truth) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/03_safe_relu.ipynb#scrollTo=2-safe-and-recommended-half-of-the-truth)) |
# <!-- /glossary -->
