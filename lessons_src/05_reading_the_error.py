# %% [markdown]
# # Read the error
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/05_reading_the_error.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F05_reading_the_error.ipynb) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/05_reading_the_error.ipynb)
# <!-- /badges -->
#
# After this lesson you can
#
# - say of each part of the error what it tells, and what it does not;
# - conclude from its numbers which kind of module raised it;
# - find the line that saved and the line that wrote, with two tools;
# - judge the advice "remove `inplace=True` from ReLU", and mend the line that needs it.
#
# **About 75 minutes.** You need: version counters and what backward saves (lesson 2). You
# can take it in two sittings: pause after section 7.
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
import inspect
import warnings

import torch
from torch import nn
from torch.nn import functional as F

from overwritten import again, caught, film, knob, predict
from overwritten import trial, watch
from overwritten.cases import resnet
from overwritten import reading_the_error as exercises
from overwritten import reading_the_error_questions as questions

# %%
from overwritten import decode, decoder, parse, plain_op

# %% [markdown]
# ## Again (2 minutes)
#
# Here are three questions from earlier lessons, of those that make sense on their own. Those you
# answered wrong come first, then those you have not been asked again.

# %%
again(questions)

# %% [markdown]
# ## 1. A line from a training run (4 minutes)
#
# A blog post by [Shanya](https://github.com/shanyaliux) collects errors met with mmdetection, a
# library of object detectors. Its first one is the last line of a long traceback:

# %%
reported = (
    "RuntimeError: one of the variables needed for gradient "
    "computation has been modified by an inplace operation: "
    "[torch.cuda.FloatTensor [2, 2048, 25, 25]], which is output "
    "0 of ReluBackward1, is at version 2; expected version 1 "
    "instead. Hint: enable anomaly detection to find the "
    "operation that failed to compute its gradient, with "
    "torch.autograd.set_detect_anomaly(True)."
)

# %% [markdown]
# The traceback above it holds nothing but the training loop, down to `backward()`. The line that
# wrote ran earlier, in the forward, and does not appear. The post's cure is "remove
# `inplace=True` from ReLU".
#
# At the end of section 5 you will raise this very error. First, what does it say? `parse` takes
# it apart:

# %%
part = parse(reported)
print("type    ", part.type)
print("shape   ", part.shape)
print("output  ", part.output, "of", part.node)
print("versions", part.now, "now,", part.expected, "expected")

# %% tags=["predict"]
predict(questions.only_a_shape)

# %%
stage = resnet.layer4()  # the last of a ResNet-50's four
c4 = torch.zeros(2, 1024, 800 // 16, 800 // 16)
with torch.no_grad():
    print(list(stage(c4).shape))
print("a weight of it:", list(stage[0].conv3.weight.shape))

# %% [markdown]
# The shape says *where* to look: among the places that handle 2048 channels. Detectors call this
# map C5.

# %% [markdown]
# ## 2. The shape: then or now? (4 minutes)
#
# A tensor is saved in the forward and looked at in backward. In between, `squeeze_` can
# give it another shape. Which of the two shapes does the message show?

# %% tags=["predict"]
predict(questions.shape_then_or_now)

# %%
a = torch.ones(1, 3, requires_grad=True)
batch = torch.ones(1, 3)
z = a * batch
batch.squeeze_()
with caught():
    z.sum().backward()

# %% [markdown]
# So the shape need not be one that any layer returned. If you cannot find it in your model, look
# for a `squeeze_`, an `unsqueeze_` or a `t_`. Next comes an operation that saves its own
# *result*:

# %%
x = a.relu()
x.squeeze_()
with caught():
    x.sum().backward()


# %% [markdown]
# It shows `[1, 3]`, the shape at the save. A result keeps its node alive; if the node kept that
# result as well, neither would be freed. So PyTorch gives the node a second tensor on the same
# storage, and that one is not squeezed. In our line ReLU saved its result: `[2, 2048, 25, 25]` is what the ReLU returned.
#
# The **type** gives the kind of numbers and the device: a `torch.LongTensor` holds 64-bit whole
# numbers, and `cuda` is the GPU.

# %% [markdown]
# ## 3. Who is "output 0 of X"? (9 minutes)
#
# The name can mislead. A short function shows it for any program:

# %%
def ask(code):
    a = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    try:
        exec(f"{code}\nz.sum().backward()", globals() | {"a": a})
    except RuntimeError as error:
        said = parse(str(error))
        name = (said.op or "no name").split("::")[-1]
        return f"{name}, {said.now}; expected {said.expected}"
    return "no error"


ask("z = a.relu()\nz += 1")

# %% [markdown]
# ReLU saved its own *result*. So X is ReLU, the **saver**; the writer, `+=`, is not named. Next
# comes a tensor that is saved as an *input*:

# %% tags=["predict"]
predict(questions.which_name)

# %%
print(ask("y = a * 2\nz = y ** 2\ny += 1"))
print(ask("y = a * 2\nz = y ** 2\nwith torch.no_grad(): y += 1"))
print(ask("y = a * 2\nz = y ** 2\ny.detach().add_(1)"))
print(ask("y = a * 2\nz = y ** 2\ny[0] = 1"))

# %% [markdown]
# In the first line the name is that of the last write that autograd *recorded*. The next two write
# without being recorded, under `no_grad` and through `detach()`, and the name of the maker
# stays: `Mul` did nothing wrong. The fourth writes into a part; autograd calls such a write
# `CopySlices`.
#
# So the rule has two cases. **If the tensor is a result that X itself saved, X is the saver. If
# another operation saved it, as an input, X is the last recorded writer, or the maker where no
# write was recorded.** An operation that both writes and saves, such as a ReLU in place, can be
# either: section 8 tells the two apart. (A view that was saved as an input is mostly named
# `AsStrided`, whoever wrote: section 11.)
#
# Sometimes "which is output … of" is missing:

# %%
print("parameter", ask("z = a * a\nwith torch.no_grad(): a += 1"))
print("buffer   ", ask("s = torch.ones(3)\nz = a * s\ns += 1"))
label = "t = torch.tensor([0])\nz = F.cross_entropy(a[None], t)"
print("label    ", ask(f"{label}\nt += 1"))
index = "i = torch.tensor([0])\nz = a.gather(0, i)"
print("index    ", ask(f"{index}\ni += 1"))

# %% [markdown]
# No recorded operation made these: a parameter, a *buffer* (a tensor that a module keeps and that
# is no parameter), a label, an index. Think of an optimizer's step, of a buffer that the next
# forward writes, of `targets[mask] = 0` after the loss.
#
# And "output 0"? It counts an operation's results from 0. `qr` has two, and here its second is
# written:

# %%
with caught():
    matrix = torch.eye(2, requires_grad=True)
    q, r = torch.linalg.qr(matrix)
    r += 1
    (q.sum() + r.sum()).backward()

# %% [markdown]
# **One thing, three names.** Our line says `ReluBackward1`. PyTorch 1.10 to 2.12 say
# `ReluBackward0`, and from 2.13 on it is `Relu`. These are one operation in three
# generations:

# %%
for name in ("ReluBackward1", "ReluBackward0", "Relu"):
    print(plain_op(name), name)
with caught():
    z = torch.ones(3, requires_grad=True).relu()
    z += 1
    z.sum().backward()

# %% [markdown]
# Your own PyTorch wrote the last line. The number in the old name had a meaning: `ReluBackward1`
# was the *in-place* ReLU. Only torch 1.9 and older have it, so our line comes from there. (These
# versions cannot run here; the names are from their messages, which the course collects in its
# tests.) If you search the web for `ReluBackward0`, search for the two other names as well.

# %% [markdown]
# ## 4. The versions count writes (3 minutes)
#
# `is at version 2; expected version 1`: the first is the counter now, the second the
# counter at the save.

# %% tags=["predict"]
predict(questions.which_versions)

# %%
for n in (1, 3, 20):
    more = f"for _ in range({n}): y += 1"
    print(ask(f"y = a * 2\ny += 1\nz = y ** 2\n{more}"))
print(ask("y = a * 2\nz = y ** 2\ny[0] += 1"))

# %% [markdown]
# `expected` counts the writes *before* the save; the difference counts those *since*. `3;
# expected 0`, as in [a report about SOLOv2](https://github.com/WXinlong/SOLO/issues/239), means
# that the counter moved three times. (`y[0] += 1` moves it twice, as in lesson 2.)

# %% [markdown]
# ## 5. Raise the reported line (9 minutes)
#
# Now you can raise it yourself. `2; expected 1`, saved by an in-place ReLU as its own result: the
# ReLU itself is the first write. Here is the stock block of a ResNet, from its `forward`:

# %%
forward = inspect.getsource(resnet.Bottleneck.forward)
print(forward[forward.index("        out += identity") :])

# %% tags=["predict"]
predict(questions.stock_layer4)

# %% tags=["claim:avoid-in-place"]
torch.manual_seed(0)
c4 = torch.randn(2, 1024, 50, 50)
with caught():
    stage(c4).sum().backward()

# %% tags=["predict"]
predict(questions.written_once_more)

# %%
c5 = stage(c4)
c5 += 1
with caught():
    c5.sum().backward()

# %% [markdown]
# The shape is right, but the versions are wrong. So the result of a stock block **cannot** be the
# tensor of the reported line, whatever came after it. In the report the tensor was *new* when the
# ReLU got it: no `+=` before.
#
# mmcv's [`ConvModule`](https://github.com/open-mmlab/mmcv/blob/main/mmcv/cnn/bricks/conv_module.py)
# is such a module: convolution, batch norm (where one is asked for), ReLU, and that ReLU is in
# place unless you say otherwise:

# %%
print(inspect.getsource(resnet.ConvModule.forward))

# %% tags=["predict"]
predict(questions.written_after_a_module)

# %% tags=["claim:reported-line"]
c5 = torch.randn(resnet.C5)
block = resnet.ConvModule(2048, 2048)
x = block(c5)
x += c5
with caught():
    x.sum().backward()

# %% [markdown]
# There it is: shape, operation, `version 2; expected version 1`. The differences are the
# device (`torch.FloatTensor` on a CPU), the spelling of ReLU and, from 2.11 on, the end of the
# hint; the last two tell the age of the PyTorch.
#
# This is what you know by now, from one line: the author had a module that ends in an in-place
# ReLU on a new tensor of 2048 channels, perhaps in a *backbone* (the large network that makes
# features of the image) or a *neck* (the layers between the backbone and the *heads*, which give
# boxes and
# classes). And something wrote once into its result. *Which* module it was, the line cannot tell.
# Nor does that matter for the cure, which belongs at the write. (In a message from PyTorch 1.10
# or later the same name and numbers leave another possibility: section 8.)

# %%
film("""
a = torch.tensor([-1.0, 2.0], requires_grad=True)
x = a * 1.5
x = F.relu(x, inplace=True)
x += 1
x.sum().backward()
""")

# %% [markdown]
# ## 6. Two tools, one failure (4 minutes)
#
# The hint in the message offers *anomaly mode*, in which PyTorch keeps the traceback of every
# recorded operation and prints that of the operation whose backward failed.

# %% tags=["predict"]
predict(questions.anomaly_line)


# %%
def fails():
    c5 = torch.ones(2, 4, 3, 3)
    x = resnet.ConvModule(4, 4)(c5)
    x += c5
    x.sum().backward()


with warnings.catch_warnings(record=True) as warned, caught():
    warnings.simplefilter("always", UserWarning)
    with torch.autograd.set_detect_anomaly(True):
        fails()

# %%
print("\n".join(exercises.forward_of(warned)[-2:]))

# %% [markdown]
# The call in `fails` and the ReLU in the block lead to the saver. (PyTorch's own lines and the
# notebook's are left out.) The hint has changed, too: the tensor "was changed in there or anywhere
# later". It does not say where: anomaly mode watches no writes.
#
# `watch` is the course's *doctor*. It notes every save and every write in its block, with their
# lines:

# %%
with caught(), watch() as recording:
    fails()
print(exercises.who(recording))

# %% [markdown]
# It names saver and writer. Anomaly mode comes with PyTorch, the doctor with this course.
# Use what you have: the saver's line narrows the search to what touches the saved tensor
# *afterwards*.

# %% [markdown]
# ## 7. "Remove `inplace=True` from ReLU" (9 minutes)
#
# Is the post's cure right? Here are fifteen stories in which something may be written *after* a
# ReLU, as happens in detectors: the code of two, then the names of all. (`res` is short for
# *residual*, a tensor that is added to the ReLU's result; in the code it is `b`.)

# %%
for name in ("relu, += res", "the stock block, += a"):
    print(f"--- {name}\n{resnet.story(name, inplace=True)}\n")
print(*resnet.STORIES, sep="\n")


# %%
def outcome(name, inplace, relu=F.relu, mended=False):
    names = {"torch": torch, "nn": nn, "F": F, "relu": relu}
    try:
        exec(resnet.story(name, inplace, mended), names)
    except RuntimeError as error:
        found = parse(str(error))
        return f"{found.now}; expected {found.expected}"
    return "ok"


outcome("relu, += res", inplace=True)

# %% tags=["predict"]
predict(questions.cured_by_not_in_place)

# %% tags=["claim:remove-inplace-relu"]
for name in resnet.STORIES:
    on, off = outcome(name, True), outcome(name, False)
    print(f"{name:36} {on:14} {off}")

# %%
names = list(resnet.STORIES)
ill = [name for name in names if outcome(name, True) != "ok"]
still = [name for name in ill if outcome(name, False) != "ok"]
print(len(ill), "raise in place,", len(still), "still raise:")
print({outcome(name, False) for name in still})
print("cured:", [name for name in ill if name not in still])

# %% [markdown]
# Twelve turn from `2; expected 1` (two of them from `3; expected 2`) into `1; expected 0`.
# The ReLU no longer writes but returns a new tensor, whose counter begins at 0, and the late write
# is still there.
#
# **Was the advice always wrong?** No. Up to torch 1.9 an out-of-place ReLU saved its
# *input*. Nothing in these stories writes into that later, so there `inplace=False` moved the save
# out of the way. Those versions do not run here. What follows is a **rebuild**: today's PyTorch
# with a ReLU that saves its input again.

# %%
print(inspect.getsource(resnet.OldReLU))

# %% tags=["claim:remove-inplace-relu"]
old = resnet.relu_1_9
ill = [name for name in names if outcome(name, True, old) != "ok"]
still = [name for name in ill if outcome(name, False, old) != "ok"]
print("rebuilt:", len(ill), "raise,", len(still), "still do:")
print(still)

# %% [markdown]
# It cures 11 of 13. So the cure may well have worked for the post's author, whose `ReluBackward1`
# shows a torch of that age. In the two others a convolution has saved the ReLU's result as its
# input. Torch 1.10 made ReLU always save its result, to keep one activation fewer in memory
# ([issue 63027](https://github.com/pytorch/pytorch/issues/63027), [pull request
# 63089](https://github.com/pytorch/pytorch/pull/63089)): 11 became 1.
#
# Here are the two settings side by side, for each story. Choose a story and a ReLU:

# %%
home = "from overwritten.cases import"
imports = {
    "torch 1.10 on": "from torch.nn.functional import relu\n",
    "up to 1.9 (rebuilt)": f"{home} relu_1_9 as relu\n",
}


# %%
def settings(story, relu):
    codes = {
        "inplace=True": resnet.story(story, True),
        "inplace=False": resnet.story(story, False),
        "twin": resnet.story(story, False, mended=True),
    }
    return {k: imports[relu] + code for k, code in codes.items()}


# %%
choices = {"story": names, "relu": [*imports]}
stories = knob(settings, show="beside", **choices)
stories

# %%
three = [names[n] for n in (0, 0, 4, 4, 12, 12)]
stories.compare(story=three, relu=[*imports] * 3)

# %% [markdown]
# In the last of the three, as in lesson 3, the gradient *would* be right, and backward raises all the
# same. In the first it would be wrong.
#
# **So mend the write.** Every late write here has an out-of-place form: `x = x + b`, `x = x *
# gate`, `x = x.unsqueeze(0)`. They help with both settings and with both ReLUs:

# %%
for relu in (F.relu, resnet.relu_1_9):
    for inplace in (True, False):
        ends = [outcome(n, inplace, relu, True) for n in names]
        right = ends.count("ok")
        print(relu.__name__, inplace, right, "of", len(ends))

# %% [markdown]
# ## 8. When the ReLU is the writer (6 minutes)
#
# "1 of 13" says as much about the thirteen as about the advice. They were chosen so that something
# writes *after* the ReLU; only in `relu, relu again` does a ReLU write too late. But a ReLU in place
# can also write over what an operation *before* it has saved:

# %% tags=["predict"]
predict(questions.relu_named_at_0)

# %%
print(ask("y = a * 2\nz = y ** 2\nF.relu(y, inplace=True)"))
print(resnet.story("a convolution, relu", inplace=True))

# %%
for name in resnet.WRITERS:
    on, off = outcome(name, True), outcome(name, False)
    print(f"{name:36} {on:14} {off}")
print(ask("z = a.sigmoid()\nF.relu(z, inplace=True)"))


# %% [markdown]
# `inplace=False` cures all five of these. The share depends on the stories that were chosen; what
# counts is which kind you have.
#
# **The test.** A ReLU in place writes first and then saves, so its own save expects version 1 or
# more. If the message names the ReLU and yet expects version 0, another operation saved before
# the ReLU wrote. Then the ReLU is the last recorded writer; where the versions differ by 1 it is
# the only one, and `inplace=False` is the cure. (First check that the ReLU does work in place:
# out of place, its own save does expect 0. In the fourth story the message names Sigmoid, which
# saved its result.)
#
# If the message expects 1 or more, it can be either. Here are two programs with one message:

# %%
def relu_saved(a, conv):
    x = a * 1.5
    x = F.relu(x, inplace=True)
    x += 1
    return x.sum()


# %%
def relu_wrote(a, conv):
    x = a * 1.5
    x += 1
    side = conv(x)
    x = F.relu(x, inplace=True)
    return x.sum() + side.sum()


# %%
a = torch.randn(1, 4, 3, 3, requires_grad=True)
for program in (relu_saved, relu_wrote):
    with caught(), watch() as recording:
        program(a, nn.Conv2d(4, 1, 1)).backward()
    print(exercises.who(recording), "\n")

# %% [markdown]
# Then the saver's line decides, and both tools of section 6 name it. If it is the ReLU, mend the
# write after it; if it is another operation, look at the ReLU.

# %% [markdown]
# ## 9. A `+=` that never raised, until it did (3 minutes)
#
# mmdetection's FPN (feature pyramid network) adds maps from coarse to fine. Its *laterals* are
# convolutions that bring every map to the same number of channels. Until 2022 it added in place:

# %%
forward = inspect.getsource(resnet.FPN.forward)
print(forward[forward.index("        for i in") :])

# %% tags=["predict"]
predict(questions.bare_lateral)


# %%
def train_fpn(net):
    maps = net(resnet.feature_maps())
    try:
        sum(m.sum() for m in maps).backward()
    except RuntimeError as error:
        found = parse(str(error))
        return f"{found.op}, {found.now}; expected {found.expected}"
    return "ok"


# %%
for norm in (False, True):
    for act in (None, True, False):
        relu = "no ReLU" if act is None else f"ReLU(inplace={act})"
        end = train_fpn(resnet.FPN(norm, act))
        print(f"norm={norm!s:6} {relu:20} {end}")

# %% [markdown]
# Of these six, the four with a ReLU on the lateral raise, in place or not. Up to torch 1.9 the
# out-of-place ReLU was fine, as in the rebuild above. Then came 1.10, and with it fixes in
# mmdetection ([7175](https://github.com/open-mmlab/mmdetection/pull/7175),
# [8439](https://github.com/open-mmlab/mmdetection/pull/8439),
# [9450](https://github.com/open-mmlab/mmdetection/pull/9450)):
# `laterals[i - 1] = laterals[i - 1] + up`.

# %%
for act in (None, True, False):
    print(act, train_fpn(resnet.FPN(True, act, in_place=False)))

# %% [markdown]
# ## 10. What else the post says (5 minutes)
#
# **"All functions with an underscore change the variable directly and return no value."**

# %% tags=["claim:underscore-returns-nothing", "claim:inplace-changes-values"]
x = torch.zeros(1, 3)
place, before = x.data_ptr(), x.tolist()[0]
returned = x.squeeze_()
print("returns x itself:", returned is x)
print("same place:", x.data_ptr() == place)
print("same numbers:", x.tolist() == before, "version", x._version)

# %% [markdown]
# `x.squeeze_()` returns `x` itself, and so does `x.add_(1)`; `clip_grad_norm_` returns the norm.
# "Modify the value at the address", the post's definition of in place, does not fit `squeeze_`:
# it changes no value at all, and still moves the counter.

# %% tags=["claim:underscore-changes-variable"]
print("saved  ", ask("z = a.exp()\nz.unsqueeze_(0)"))
print("unsaved", ask("z = a * 2\nz.unsqueeze_(0)"))
print("nothing to squeeze", ask("z = a.exp()\nz.squeeze_()"))

# %% [markdown]
# On a saved tensor `squeeze_` and `unsqueeze_` make backward raise, even where there is nothing to
# squeeze. On a tensor that nobody has saved they do no harm. (Some tensors refuse the write at
# once: lesson 3, section 4.)
#
# **"`torch.relu` and `torch.sigmoid` are not in place; ReLU can be, by a setting."**

# %% tags=["claim:relu-sigmoid-not-in-place", "claim:relu-inplace-by-setting"]
x = torch.ones(3)
torch.relu(x), torch.sigmoid(x)
print("after relu and sigmoid: version", x._version)
nn.ReLU(inplace=True)(x)
print("after ReLU(inplace=True): version", x._version)
x.sigmoid_()
print("after sigmoid_():         version", x._version)


# %% [markdown]
# That is right. Other layers take the setting as well, `nn.Dropout` among them.
#
# **"`x += res` is in place, `x = x + res` is not; and so are some assignments."**

# %% tags=["claim:augmented-assignment", "claim:assignments-in-place"]
def versions(line):
    x = torch.ones(3)
    names = {"x": x, "res": torch.ones(3)}
    exec(line, names)
    return x._version, "same x" if names["x"] is x else "new x "


for line in ("x += res", "x = x + res", "x[0] = 1", "y = x"):
    print(*versions(line), line)

# %%
loss = torch.tensor(3.0, requires_grad=True)
total = 0.0
with caught():
    for _ in range(3):
        total += loss**2
    total.backward()
print(loss.grad.item(), "version of total:", total._version)

# %% [markdown]
# That is right for tensors. `total` begins as a number, so the first `+=` makes a new tensor; the
# next two write into it, and nobody has saved it. (`y = x` writes nothing: it gives a second
# name.)
#
# **"If a value that backward needs was modified in place, it raises. So better use none."**

# %% tags=["claim:modified-value-raises"]
print(ask("z = a.exp()\nz += 1"))
print(ask("z = a.exp()\nz.data += 1"))

# %% [markdown]
# In the second line nothing raises, although the gradient is wrong: lesson 9. And the stock block
# of section 5 writes twice in place and is right. Using none gives up what working in place saves
# (lesson 3), and helps only where an in-place line wrote into a saved tensor.
#
# **"Put assignments before all operations whose gradient is computed; `gather` must come after
# them."**

# %% tags=["predict"]
predict(questions.before_gather)

# %% tags=["claim:assign-before-gradients", "claim:gather-after-assign"]
i = "i = torch.tensor([1])\n"
print(ask(f"{i}y = a * 2\ny[0] = 0\nz = y.gather(0, i)"))
print(ask(f"{i}y = a * 2\nz = y.gather(0, i)\ny[0] = 0"))
print(ask(f"{i}y = a.exp()\ny[0] = 0\nz = y.gather(0, i)"))
print(ask(f"{i}y = a * 2\nz = y[i]\ny[0] = 0"))
late = f"""a = torch.ones(3, requires_grad=True)
{i}y = a * 2
z = y.gather(0, i)
y[0] = 0
z.sum().backward()"""
twin = late.replace("y[0] = 0\n", "")
print("gather, then =:", trial(late, twin).verdict)

# %% [markdown]
# The rule helps, and is neither enough nor needed everywhere. It holds for `gather`, which saves
# its input, although the gradient would have been right without it. It is not enough where an
# earlier operation saved its *result*. And `y[i]` does not need it: it does not save `y`. One
# rule covers all: **no write between a save and the backward that asks for it.**

# %% [markdown]
# ## 11. The decoder (3 minutes)
#
# Paste an error of your own, or a whole traceback. Each part is explained, and the suspects are
# ranked. The decoder knows only the text, and claims no more than that.

# %%
field = decoder(reported)
field

# %% [markdown]
# It takes a log with colour codes, several errors at once, or anomaly mode's traceback. Where there
# is nothing to decode, it says so:

# %%
for text in ("KeyError: 'loss'", reported[:130]):
    print(field.paste(text), "\n")
_ = field.paste(reported)

# %%
anomaly = str(warned[0].message)
both = decode(f"{anomaly}\n\x1b[31m{reported}\x1b[0m")
print(both.readings[0].suspects[0].split(" (line")[0])

# %%
decode(
    "[torch.FloatTensor [1024, 16]], which is output 0 of "
    "AsStridedBackward0, is at version 3; expected version 2"
)

# %% [markdown]
# For a 2-D `AsStrided` the weight of a `Linear` comes first: it is saved as its transpose,
# and an optimizer's step writes it. Lesson 4 has such loops.

# %% [markdown]
# ## 12. Your turn (14 minutes)
#
# First, sort some lines: where may the `+=` stand? More than one order is right.

# %%
exercises.order_sum

# %%
exercises.order_sum.check()

# %% [markdown]
# **Exercise 1.** Here are six programs. What does each one's message say? Write the name and the
# two versions, as in `"Exp 3; 2"`; `"none 3; 2"` where no "output … of" stands in it; or `"no
# error"`.

# %%
for name, code in exercises.PROGRAMS.items():
    print(f"--- {name}\n{code}\n")

# %%
answers = {
    "a": ...,
    "b": ...,
    "c": ...,
    "d": ...,
    "e": ...,
    "f": ...,
}
exercises.messages.check(answers)


# %% [markdown]
# Stuck? Hints and a solution stand folded under each check, once you have run it.
#
# **Exercise 2.** This is a block with attention. `block` is a `ConvModule` from somebody else's
# library, with its ReLU in place; leave it as it is. `gate` is a convolution to one channel. Mend
# the function: the same result, the right gradients.
#
# ```python
# def gated(block, gate, x):
#     x = block(x)
#     x *= torch.sigmoid(gate(x))
#     return x
# ```

# %%
def gated(block, gate, x):
    return ...


exercises.gated.check(gated)


# %% [markdown]
# **Exercise 3.** Write the way down an FPN whose laterals end in a ReLU. `laterals` is a list of
# maps, the finest first, each twice as large as the next. Return the list of merged maps: the
# coarsest as it is, every other one plus the *merged* next one, enlarged with `F.interpolate(…,
# scale_factor=2)`.

# %%
def top_down(laterals):
    return ...


exercises.top_down.check(top_down)

# %% [markdown]
# ## Recap
#
# 1. The shape says where to look: a saved result's is that of the save, an input's that of now.
# 2. X saved its own result: X is the saver. Saved by another, as an input: X is the last recorded writer, or the maker; of a view mostly `AsStrided`.
# 3. `expected` counts the writes before the save, the difference those since.
# 4. Anomaly mode names the saver, the doctor saver and writer; the traceback alone neither.
# 5. Mend the line that writes: since 1.10 `inplace=False` cures only where the ReLU itself wrote too late; for a write after it, only the numbers change.
#
# ## For your own code
#
# - Read the shape first: which layers return it? Then the name, then the difference.
# - An activation in place, and `expected version 0`: who read its input before it did?
# - `from overwritten import decode`, then `decode("""…""")`, on any error of this kind.
# - Run one step within `with watch() as recording:`; `recording.diagnosis` has both lines and a cure.
# - A loop over `+=` on feature maps is worth a look wherever one of them may end in an activation.
#
# ## Further reading
#
# - [PyTorch issue 63027](https://github.com/pytorch/pytorch/issues/63027) and [pull request 63089](https://github.com/pytorch/pytorch/pull/63089): ReLU saves its result
# - mmdetection's fixes: [FPN](https://github.com/open-mmlab/mmdetection/pull/7175), ["runtime error of '+=' in PyTorch 1.10"](https://github.com/open-mmlab/mmdetection/pull/8439), [PAFPN](https://github.com/open-mmlab/mmdetection/pull/9450)
# - [mmdetection issue 7933](https://github.com/open-mmlab/mmdetection/issues/7933): one of the reports
# - [SOLO issue 239](https://github.com/WXinlong/SOLO/issues/239): `3; expected 0`
# - [Anomaly detection](https://pytorch.org/docs/stable/autograd.html#anomaly-detection) in PyTorch's reference
