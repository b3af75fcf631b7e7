# %% [markdown]
# # Take the final
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/11_final.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F11_final.ipynb) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/11_final.ipynb)
# <!-- /badges -->
#
# After this page you know
#
# - how well you can tell apart programs that raise, that are silently wrong and that are right;
# - how well you find the two lines by reading.
#
# **About 30 minutes.** You need: lessons 2 to 4, lesson 8 and lesson 9.
# Minutes are plans. Pause after any section: your answers are kept.
#
# <!-- terms -->
# The [glossary](00_start_here.ipynb#cell-id=7-glossary-2-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/00_start_here.ipynb#scrollTo=7-glossary-2-minutes)) explains each term of the course in a sentence or two.
# <!-- /terms -->

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
from overwritten import final

# %% [markdown]
# ## 1. Twelve programs (30 minutes)
#
# Here are twelve programs that appear nowhere else in this course. Read them; run none of them.
# `torch`, `nn` and `F` (`torch.nn.functional`) are imported already.

# %%
final.show()

# %% [markdown]
# For each: does backward raise, is a gradient silently wrong, or is all right? And, where it is
# not right, which line saved and which one wrote over it? Write `"right"`, or a verdict and two
# lines: `("raises", 3, 5)`, `("silently wrong", 2, 4)`. Where PyTorch refuses a write at once
# there is no saver: `("raises", None, 3)`. All twelve are marked together, when none is open;
# until then each run of the cell keeps what you have answered.

# %%
answers = {
    "a": ..., "b": ..., "c": ...,
    "d": ..., "e": ..., "f": ...,
    "g": ..., "h": ..., "i": ...,
    "j": ..., "k": ..., "l": ...,
}
final.check(answers)

# %% [markdown]
# ## Recap
#
# 1. Who saves? The operation whose gradient needs its input or its result.
# 2. Who writes into that storage between the save and the backward that reads it?
# 3. Does that write move the counter that was noted at the save? Then backward raises; if not, the gradient may be silently wrong.
# 4. Is the save compared at all? What `ctx.x` or a saved-tensor hook keeps is not.
# 5. An out-of-place twin decides what is right.
#
# ## For your own code
#
# - Where you were wrong, read the reason below your answer, then the section of lesson 2, 3, 4, 8
#   or 9 that it is about.
# - For everything else: `python -m overwritten train.py`.
#
# ## Further reading
#
# - [The doctor's guide](https://github.com/overwritten-course/overwritten/blob/v0.1.0/DOCTOR.md)
