# %% [markdown]
# # Mend three programs
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/10_clinic.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F10_clinic.ipynb) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/10_clinic.ipynb)
# <!-- /badges -->
#
# After this page you can
#
# - find the line that saved and the line that wrote in a training script by somebody else;
# - mend the script, and find the second fault that the first one hid.
#
# **About 60 minutes.** You need: patterns and cures (lesson 8), and strict mode (lesson 9).
# You can take it in three sittings, one for each script.
# Minutes are plans. Pause after any section: your answers are kept.
#
# <!-- terms -->
# The [glossary](00_start_here.ipynb#cell-id=7-glossary-2-minutes) ([in Colab](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/00_start_here.ipynb#scrollTo=7-glossary-2-minutes)) explains each term of the course in a sentence or two.
# <!-- /terms -->
#
# This page teaches nothing new: it lets you practise.

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
from overwritten import caught, clinic, watch

# %% [markdown]
# ## 1. A GAN with two optimizers (20 minutes)
#
# Here are three training scripts, written as people write them: a GAN with two optimizers, a
# recurrent world model, and a detector with a YOLO-style head. Each stops with the error. Two of
# them have a second fault behind the first. Read the message first, then the code, and name two
# lines; only then ask the doctor.

# %%
with caught():
    clinic.run("gan")

# %%
print(clinic.numbered("gan", 25, 56))

# %% [markdown]
# **Exercise 1.** Which line saved, and which line wrote? Give their numbers. (For the rest of
# the script: `print(clinic.numbered("gan", 56, 114))`.)

# %%
answer = {"saver": ..., "writer": ...}
clinic.find_gan.check(answer)

# %% [markdown]
# Now ask the doctor. `clinic.run` trains for a few steps. In a terminal, the whole cell would be
# `python -m overwritten gan.py`.

# %%
with caught(), watch() as recording:
    clinic.run("gan")
print(recording.diagnosis.text())

# %% [markdown]
# **Exercise 2.** Mend the script. `mended` is its text: change it with `clinic.replaced(mended,
# (old, new), …)`. Or copy the script (it is at `clinic.SCRIPTS["gan"].path`), edit the copy
# and hand in its path. The check trains your script for four steps beside the solution: losses,
# weights and gradients must be the same. Once the first fault is mended, another appears: watch
# again, with `clinic.run("gan", mended)`.

# %%
mended = clinic.source("gan")
clinic.mend_gan.check({"script": mended})

# %% [markdown]
# ## 2. A recurrent world model (20 minutes)
#
# **Exercises 3 and 4.** Do the same for this script: two lines, then the cure.

# %%
with caught():
    clinic.run("world_model")

# %%
print(clinic.numbered("world_model", 48, 98))

# %%
answer = {"saver": ..., "writer": ...}
clinic.find_world_model.check(answer)

# %%
mended = clinic.source("world_model")
clinic.mend_world_model.check({"script": mended})

# %% [markdown]
# ## 3. A detector (20 minutes)
#
# **Exercises 5 and 6.** This script trains for two steps before it stops. What is different
# about the third batch?

# %%
with caught():
    clinic.run("detector")

# %%
print(clinic.numbered("detector", 55, 134))

# %%
answer = {"saver": ..., "writer": ...}
clinic.find_detector.check(answer)

# %%
mended = clinic.source("detector")
clinic.mend_detector.check({"script": mended})

# %% [markdown]
# ## Recap
#
# 1. Read the message first: it names a saver, a writer, a maker, or no operation.
# 2. Then read the code between the save and the backward: which line writes into the saved storage?
# 3. The doctor names both lines; check them against your reading.
# 4. After each cure, run again: a first error hides the faults behind it.
# 5. A cure is right when losses and gradients are those of the program that you mean, written out of place.
#
# ## For your own code
#
# - `python -m overwritten train.py` runs the script as it is; with `--heal --json healed.json` it shows all faults in one run.
# - After the cure, `python -m overwritten --check healed.json train.py` compares its gradients with those of that run.
#
# ## Further reading
#
# - [The doctor's guide](https://github.com/overwritten-course/overwritten/blob/v0.1.0/DOCTOR.md)
