# %% [markdown]
# # Decide where an activation may write
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/03_safe_relu.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F03_safe_relu.ipynb) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/03_safe_relu.ipynb)
# <!-- /badges -->
#
# After this lesson you can
#
# - say for any place in a network whether an activation with `inplace=True` is safe there;
# - tell which activations need only their result for the gradient, and what PyTorch saves;
# - say what an in-place activation saves, in bytes kept for backward and at the peak;
# - tell the in-place operations that save memory from those that only sound like it.
#
# **About 75 minutes.** You need: version counters and what backward saves (lesson 2;
# its sections 5 and 6 even if you know the rest).
# You can take it in two sittings: pause after section 4.
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
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from overwritten import again, caught, film, knob, ops, predict
from overwritten import record, trial, watch, who
from overwritten import safe_relu as exercises
from overwritten import safe_relu_questions as questions

# %% [markdown]
# ## Again (2 minutes)
#
# Here are three questions from earlier lessons, of those that make sense on their own. Those you
# answered wrong come first, then those you have not been asked again.

# %%
again(questions)

# %% [markdown]
# ## 1. What ReLU needs for its gradient (8 minutes)
#
# ReLU lets the gradient pass where its input was positive, and stops it elsewhere.
# In place, `torch.relu_(h)` writes the result over that very input.

# %% tags=["predict"]
predict(questions.where_was_it_positive)

# %%
x = torch.tensor([-5.0, 2.0], requires_grad=True)
h = x.clone()
torch.relu_(h)
h.sum().backward()
x.grad

# %%
film("""
x = torch.tensor([-5.0, 2.0], requires_grad=True)
h = x.clone()
torch.relu_(h)
h.sum().backward()
""")


# %% [markdown]
# The example comes from a [teaching
# notebook](https://github.com/takzen/pytorch-black-belt/blob/main/05_In_Place_Operations.ipynb)
# (in Polish), which prints the same gradient and concludes that `nn.ReLU(inplace=True)` is "safe
# and recommended". The example is right, and so is its argument. With `y = max(x, 0)`, `y > 0`
# holds exactly where `x > 0` holds. So the derivative can be computed from the sign of `y`, and
# `x` is not needed. The film opens on its last step; where something broke, a film opens there
# instead. Go back to step 3: there the padlock closes, on the line of `relu_` and beside `h`. It
# closes *after* the write, at version 1. (`torch.relu_(h)`, `h.relu_()` and `F.relu(h,
# inplace=True)` are the same write.)
#
# Since PyTorch 1.10, ReLU out of place does the same: it, too, saves its *result*. `grad_fn` is
# the node that backward will call, and `_saved_result` is what it keeps.

# %%
def begins(tensor):
    return tensor.untyped_storage().data_ptr()


h = torch.tensor([-5.0, 2.0], requires_grad=True).clone()
y = F.relu(h)
saved = y.grad_fn._saved_result
print("the result:", begins(saved) == begins(y))
print("the input: ", begins(saved) == begins(h))

# %% [markdown]
# Does the sign argument carry over to other activations?

# %% tags=["predict"]
predict(questions.result_is_not_enough)

# %%
from_result = {
    "relu": (F.relu, lambda y: 1.0 * (y > 0)),
    "sigmoid": (torch.sigmoid, lambda y: y * (1 - y)),
    "tanh": (torch.tanh, lambda y: 1 - y**2),
    "leaky relu": (F.leaky_relu, lambda y: 0.01 + 0.99 * (y > 0)),
    "hardtanh": (F.hardtanh, lambda y: 1.0 * (y.abs() < 1)),
}
for name, (f, derivative) in from_result.items():
    x = torch.linspace(-3, 3, 50, requires_grad=True)
    (true,) = torch.autograd.grad(f(x).sum(), x)
    print(f"{name:10}", torch.allclose(derivative(f(x)), true))

# %% [markdown]
# And SiLU? It falls, then rises. Two inputs, one on each side of its minimum, have the same
# result to three digits, and derivatives of opposite sign:

# %%
x = torch.tensor([-1.6, -1.0], requires_grad=True)
y = F.silu(x)
y.sum().backward()
for numbers in (x, y, x.grad):
    print([round(v, 3) for v in numbers.tolist()])

# %% [markdown]
# The argument rests on the sign. Give a leaky ReLU a *negative* slope, and the inputs -10 and 1
# have the same result. In place, PyTorch then refuses to compute the gradient:

# %%
x = torch.tensor([-10.0, 1.0], requires_grad=True)
h = F.leaky_relu(x.clone(), -0.1, inplace=True)
print(h.tolist())
with caught():
    h.sum().backward()

# %% [markdown]
# ## 2. "Safe and recommended": half of the truth (15 minutes)
#
# Working in place is safe for ReLU's *own* gradient. But ReLU is not alone in a network. Its
# write can hit what an operation *before* it saved, and a write *after* it can hit what ReLU
# saved.
#
# To try many places we need a helper. It runs the lines, then their *twin*, the same lines out of
# place, and compares the gradients; where these differ, it also compares the values that backward
# began with.

# %%
OUT = {
    "h.relu_()": "h = h.relu()",
    "h += 1": "h = h + 1",
    "F.dropout(h, inplace=True)": "h = F.dropout(h)",
    "h.squeeze_()": "h = h.squeeze()",
}


# %%
def program(lines):
    start = "x = torch.randn(2, 4, requires_grad=True)"
    end = "h.backward(torch.rand_like(h))"
    return "\n".join([start, *lines, end])


# %%
def verdict(*lines, **names):
    twin = [OUT.get(line, line) for line in lines]
    codes = program(lines), program(twin)
    return trial(*codes, names, values=True).verdict


verdict("h = x * 2", "h.relu_()")

# %% tags=["predict"]
predict(questions.relu_changes_nothing)

# %% tags=["claim:relu-inplace-is-safe", "claim:no-change-no-error"]
for made in ("x.sigmoid()", "x.softmax(1)", "x.exp()", "x.tanh()"):
    print(f"{made:13}", verdict(f"h = {made}", "h.relu_()"))

# %% [markdown]
# All four operations saved their result, so all four programs raise. And all four gradients would
# have been right. After `tanh` some numbers do change, those below zero; but there ReLU stops the
# gradient anyway. The check does not look at numbers: it compares counters.
#
# Here are three more places:

# %% tags=["predict"]
predict(questions.really_wrong)

# %%
print("twice:", verdict("h = x * 2", "h.relu_()", "h.relu_()"))
for side in ("h ** 2", "F.leaky_relu(h)"):
    branch = [f"side = {side}", "h.relu_()", "h = h + side"]
    print(f"{side}:", verdict("h = x * 2", *branch))
print("on a leaf:", verdict("h = x", "h.relu_()"))

# %%
film("""
x = torch.tensor([-1.0, 2.0], requires_grad=True)
h = x * 2
side = h ** 2
h.relu_()
out = h + side
out.sum().backward()
""")

# %% [markdown]
# A plain `raises` means that the gradient would have been wrong as well, as with the square. The
# film shows its padlock: it expects version 0 and finds 1. In the last line (`h` is `x` itself)
# `raises` means something else: the write itself was refused. Section 4 is about such writes.
#
# **And after ReLU?** ReLU has saved its result. What does a write into that result do?

# %% tags=["predict"]
predict(questions.out_of_place_relu)

# %% tags=["claim:named-is-the-culprit"]
for relu in ("h.relu_()", "h = h.relu()"):
    lines = ["h = x * 2", relu, "h += 1"]
    error = record(program(lines)).error
    print(relu, "|", verdict(*lines), "|", error.split(", ")[-1])

# %% [markdown]
# A blog post by [Shanya](https://github.com/shanyaliux) shows the message with the first pair, 2
# and 1, and ends with the cure "remove `inplace=True` from ReLU". A report on a video model plans
# to do the same: "Replace in-place ReLU with out-of-place version". If a line after the ReLU
# wrote, that leaves you with the second pair (on PyTorch 1.10 or later). The *doctor*, a tool of
# this course, notes every save and every write within `with watch() as recording:`. `who` names
# both lines: that of the *saver*, the operation that saved, and that of the *writer*, which wrote
# over it:

# %%
with caught(), watch() as recording:
    h = F.relu(torch.ones(4, requires_grad=True) * 2)
    h += 1
    h.sum().backward()

# %%
print(who(recording))
print("cure: ", recording.diagnosis.advice())
print("cured:", verdict("h = x * 2", "h.relu_()", "h = h + 1"))
print("sigmoid first:", verdict("h = x.sigmoid()", "h = h.relu()"))

# %% [markdown]
# The cure is at the writer, and `relu_` may stay. (The teaching notebook's last advice, to write
# `x = x + y` instead of `x += y`, is just this.) After a sigmoid the ReLU itself is the writer:
# there `inplace=False` is the cure. Lesson 5 tells the two apart by the message.
#
# Two writers deserve a closer look:

# %% tags=["claim:error-means-wrong"]
for write in ("F.dropout(h, inplace=True)", "h.squeeze_()"):
    for relu in ("h.relu_()", "h = h.relu()"):
        print(relu, "then", write)
        print("   ", verdict("h = x * 2", relu, write))

# %% [markdown]
# `squeeze_` changes no number, only the shape; here not even that. Dropout sets some elements to
# 0 and doubles the others, and where it sets 0 it stops the gradient as well. Both gradients would
# be right. Both programs raise all the same.
#
# **Where the old advice comes from.** Up to PyTorch 1.9, ReLU out of place saved its *input*. There
# `inplace=False` did cure a `+=` after it. PyTorch 1.10 changed the save to the result
# ([issue 63027](https://github.com/pytorch/pytorch/issues/63027),
# [pull request 63089](https://github.com/pytorch/pytorch/pull/63089)). Lesson 5 rebuilds the old
# ReLU and shows this.

# %% [markdown]
# ## 3. "Never in training": the other half (8 minutes)
#
# A list of fixes for a detector says: avoid `inplace=True` in any layer used during training,
# because it "breaks gradients". Most ReLUs stand after a convolution, a linear layer or a batch
# norm. Does it break theirs?

# %% tags=["predict"]
predict(questions.conv_gradients)


# %%
def gradients(layer, inplace):
    torch.manual_seed(0)
    relu = nn.ReLU(inplace=inplace)
    net = nn.Sequential(layer(), relu, nn.Linear(4, 4))
    x = torch.randn(8, 4, 6, 4, requires_grad=True)
    net(x).square().sum().backward()
    return [x.grad, *(p.grad for p in net.parameters())]


# %%
layers = {
    "conv": lambda: nn.Conv2d(4, 4, 1),
    "linear": lambda: nn.Linear(4, 4),
    "batch norm": lambda: nn.BatchNorm2d(4),
}
for name, layer in layers.items():
    pairs = zip(gradients(layer, True), gradients(layer, False))
    print(f"{name:10}", all(torch.equal(a, b) for a, b in pairs))

# %% [markdown]
# They are equal bit for bit, for the input and for every parameter. That holds on this CPU. On a
# GPU a convolution's gradient may differ in its last bits from one run to the next, in place or
# not ([PyTorch's note on
# reproducibility](https://pytorch.org/docs/stable/notes/randomness.html)). These layers save
# their *input*, not their result, so nobody misses what ReLU overwrites; and the linear layer
# after it saves what ReLU has written.
#
# So neither rule holds as it stands. Two questions decide whether backward raises: has anybody
# saved the tensor that is overwritten, and does anybody write into a saved result later?
#
# Now for a shortcut. `x * 2` does not save its result, and nobody writes after `relu_`:

# %% tags=["predict"]
predict(questions.written_shortcut)

# %% tags=["claim:relu-inplace-breaks-gradients"]
for inplace in (True, False):
    x = torch.tensor([-1.0, 2.0], requires_grad=True)
    h = x * 2
    y = h
    h = F.relu(h, inplace=inplace)
    h = h + y
    h.sum().backward()
    print(f"inplace={inplace!s:5}", h.tolist(), x.grad.tolist())

# %%
ends = {
    "shortcut": ("y = h", "h.relu_()", "h = h + y"),
    "slice": ("y = h[:1]", "h.relu_()", "h = h + y"),
    "list": ("feats = [h]", "h.relu_()", "h = h + feats[0]"),
    "block": ("y = h", "h.relu_()", "h = y + F.linear(h, w)"),
}
for name, lines in ends.items():
    print(f"{name:8}", verdict("h = x * 2", *lines, w=torch.eye(4)))

# %%
batch = torch.tensor([-1.0, 2.0])
net = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(2, 2))
net(batch)
print("your batch:", batch.tolist())

# %% [markdown]
# A shortcut, a slice, a list of features, a block that applies its activation first, a first
# layer in place: whoever still reads the tensor reads what ReLU wrote. The verdict is *other
# values*, not *wrong gradient*: the program has become another one, and backward gives the true
# gradient of that other program. The counters have nothing to report. Nor has the doctor's *strict
# mode*, which also compares the bytes of each saved tensor with those at its save:

# %%
other = ["h = x * 2", "h = h.relu()", "y = h", "h = h + y"]
one = program(["h = x * 2", *ends["shortcut"]])
print("as the other program:", trial(one, program(other)).verdict)
with watch(strict=True) as recording:
    h = torch.tensor([-1.0, 2.0], requires_grad=True) * 2
    y = h
    h.relu_()
    (h + y).sum().backward()
print("strict mode:", who(recording))

# %% [markdown]
# ## 4. Writes that are refused (5 minutes)
#
# Some writes do not wait for backward: PyTorch refuses them on the spot.

# %% tags=["predict"]
predict(questions.refused_at_once)

# %%
start = "x = torch.randn(2, 4, requires_grad=True)\ny = x * 2\n"


def at_once(writes):
    for name, lines in writes.items():
        error = record(start + lines).error.split(": ")[-1]
        print(f"{name:16}", error.split(".")[0] or "allowed")


# %%
leaves = {
    "a leaf, no grad": "torch.ones(4).relu_()",
    "a leaf": "x.relu_()",
    "a view of it": "x[0].relu_()",
}
views = {
    "one row": "y[0].relu_()",
    "a chunk": "a, b = y.chunk(2)\na.relu_()",
    "rows in a loop": "for row in y: row.relu_()",
    "no_grad's view": "with torch.no_grad(): v = y[0]\nv.relu_()",
}
at_once(leaves | views)

# %%
others = {
    "chunk, no grad": "torch.ones(4).chunk(2)[0].relu_()",
    "behind a hook": """layer = nn.Linear(4, 4)
layer.register_full_backward_hook(lambda *gradients: None)
y = nn.ReLU(inplace=True)(layer(y))""",
    "expanded": "y = y[:1].expand(3, 4)\ny.relu_()",
    "inference": """with torch.inference_mode(): y = torch.ones(4)
y.relu_()""",
}
at_once(others)

# %%
errors = set()
for lines in (leaves | views | others).values():
    out = lines.replace("relu_", "relu")
    out = out.replace("=True)(", "=False)(")
    errors.add(record(start + out).error)
print("errors out of place:", errors - {""} or "none")


# %% [markdown]
# - *Leaves* (tensors that no recorded operation made, such as weights) and views of them refuse
#   if they require grad. The batch of section 3 did not. Lesson 4 is about them.
# - **Views** of a tensor that requires grad. A single slice may be written. The views that one
#   call returns together (`chunk`, `split`, `unbind`, a loop over the rows) may not, nor may a
#   view made under `no_grad`. A chunk of a tensor that does not require grad may be written.
# - **A full backward hook**, as Grad-CAM tools put on a layer, hands the layer's result on as a
#   view of this kind. An in-place ReLU after it is refused as long as the hook is there.
# - **Expanded tensors**, whose elements share memory, and **inference tensors** refuse as well.
#
# Out of place, each of these lines is allowed. So the whole rule is four questions, asked of the
# tensor that the activation would overwrite. (All views of one storage count as one tensor.)
#
# - **Does it refuse the write?** Then that line raises, before any backward.
# - **Has anybody saved it?** Then backward raises if it asks for that save.
# - **Does the activation save its result, and does anybody write into that before backward?**
#   Then backward raises, because of that writer.
# - **Does anyone else still read it (a shortcut, a slice, a list of features, your batch)?**
#   Then values change, without an error.
#
# If the answer is no all four times, it is safe. (An exception is the negative slope of section 1.
# Writes that no counter sees, such as through `.data`, are the subject of lessons 4 and 9.)

# %% [markdown]
# ## 5. What it is worth (8 minutes)
#
# The list of section 3 also says of `inplace=True`: "lower memory". Let us measure it. During the
# forward PyTorch hands every tensor that it saves to a *pack hook*, so we count the distinct
# storages it sees.

# %%
def kept(net, x):
    storages = {}

    def pack(tensor):
        storages[begins(tensor)] = tensor.untyped_storage().nbytes()
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        out = net(x)  # its graph holds the storages
    return round(sum(storages.values()) / x.nbytes)


# %%
def stack(activation, depth=3):
    layers = []
    for _ in range(depth):
        layers += [nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)]
        layers += [activation()]
    return nn.Sequential(*layers, nn.Conv2d(4, 4, 1))


x = torch.randn(1, 4, 256, 4)

# %% tags=["predict"]
predict(questions.bytes_kept)

# %%
for inplace in (True, False):
    net = stack(lambda: nn.ReLU(inplace=inplace))
    print(f"inplace={inplace!s:5} keeps", kept(net, x))

# %% [markdown]
# (The numbers are multiples of one activation; the weights are small and rounded off.)
# Four convolutions and three batch norms keep their inputs, which makes seven. ReLU adds nothing:
# the convolution after it keeps the same result. Without any activation it is seven as well:

# %%
print("no activation keeps", kept(stack(nn.Identity), x))

# %% [markdown]
# Now for five activations. The table shows what they keep, and the peak of a whole step, forward
# and backward.

# %%
step = """
net = stack(activation)
x = torch.randn(1, 4, 256, 4)
h = net(x)
h.backward(torch.rand_like(h))
"""


# %%
def peak(activation):
    names = {"stack": stack, "activation": activation}
    return round(record(step, names).peak / x.nbytes)


# %% tags=["claim:inplace-saves-memory"]
kinds = nn.ReLU, nn.LeakyReLU, nn.SiLU, nn.Hardtanh, nn.Dropout
print("            kept for backward       peak of a step")
print("            in place     out       in place     out")
for kind in kinds:
    here, out = lambda: kind(inplace=True), kind
    keeps = f"{kept(stack(here), x):8} {kept(stack(out), x):7}"
    peaks = f"{peak(here):14} {peak(out):7}"
    print(f"{kind.__name__:12}{keeps} {peaks}")


# %% [markdown]
# ReLU in place lowers *nothing* here, neither what is kept nor the peak. LeakyReLU keeps three
# activations fewer, one for each layer: out of place it keeps its input, and the convolution
# after it keeps the result; in place these two are one storage. SiLU and hardtanh gain nothing:
# section 6 says why. Dropout keeps its mask, in place or not. (Up to PyTorch 1.9, ReLU out of
# place kept its input as LeakyReLU does: that is what issue 63027 is about. Then `inplace=True`
# was good advice.)
#
# Working in place saves one storage for one moment (lesson 1), and the peak of this step does not
# fall in that moment: it comes in backward. But an `nn.Sequential` uses one name again and again.
# A forward that gives each result a name of its own keeps the input of ReLU alive through that
# name. Below, `hhhh` is a forward with one name for four results, `abcd` one with four names:

# %%
def forward(a, b, c, d):
    return f"""
conv = nn.Conv2d(4, 4, 1)
def forward(x):
    {a} = conv(x)
    {b} = relu({a})
    {c} = conv({b})
    {d} = relu({c})
    return conv({d})
x = torch.randn(1, 4, 256, 4)
forward(x).backward(torch.ones_like(x))"""


# %%
for names in ("hhhh", "abcd"):
    for inplace in (True, False):
        relu = f"relu = nn.ReLU({inplace})"
        done = record(relu + forward(*names))
        top = max(done.steps, key=lambda step: step.peak).text
        print(names, relu, "|", round(done.peak / x.nbytes), top)

# %% [markdown]
# With four names and out of place, the peak is one activation higher, and it has moved into the
# forward. "Lower memory", says the list: for ReLU that is true where a name keeps its input alive,
# and not true in the table. "Faster", as it also says, is not measured here.

# %% [markdown]
# ## 6. "In place" that is not (5 minutes)

# %% tags=["predict"]
predict(questions.why_silu_kept_as_much)

# %%
h = torch.tensor([-1.0, 2.0], requires_grad=True) * 2
before = h.detach().clone()
F.silu(h, inplace=True)
secret = h.grad_fn._saved_self
print("saved in h's storage:", begins(secret) == begins(h))
print("saved as h was:      ", torch.equal(secret, before))

# %% [markdown]
# Which in-place operations do that? The op atlas of lesson 2 lists in-place forms as well. The
# cell below runs the course's own part of that list: each form on an `x` that requires grad, then
# the same out of place, and looks at what each keeps. (`w` is a second tensor that requires grad,
# `c` one that does not, `mask` holds bools, `order` indices. `a mask` and `its factors of x` are
# drawn by the operation itself.)

# %%
forms = ops.in_place_forms()
forms

# %%
copies = [row for row in forms.rows if row.clones]
print(len(copies), "of", len(forms.rows), "copy their input")
print("gradients:", {row.verdict for row in copies})
for row in copies:
    if row.name.startswith("F."):
        print("   ", row.name)
atlas = ops.all_in_place_forms().rows
clones = sum(row.clones for row in atlas)
print("in the whole atlas:", clones, "of", len(atlas))

# %% [markdown]
# Search the table for `copy`. PyTorch copies where its formula is written with the *input*, as
# for `pow_`, `sin_`, `mul_(w)`. Where it is written with the *result*, as for `exp_` and `tanh_`,
# nothing is copied. Hardtanh's could be written with the result, as section 1 shows; it copies all
# the same ([issue 95432](https://github.com/pytorch/pytorch/issues/95432)).
#
# Working in place pays where the out-of-place form keeps its input and the in-place form keeps
# its result:

# %%
for kind in (nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.RReLU):
    here = kept(stack(lambda: kind(inplace=True)), x)
    out = kept(stack(kind), x)
    print(f"{kind.__name__:9} in place {here:2}, out {out}")
for inplace in (True, False):
    last = nn.LeakyReLU(inplace=inplace)
    net = nn.Sequential(nn.Conv2d(4, 4, 1), last)
    print("with nothing after it:", kept(net, x))

# %% [markdown]
# In place, each of the five kinds keeps three activations fewer, one for each layer, because the
# convolution after it keeps the result in any case. Where nobody else keeps the result, working
# in place gains nothing: it only changes which of the two is kept. The forms that copy give right
# gradients, and spend the bytes all the same.

# %% [markdown]
# ## 7. Build a chain (6 minutes)
#
# Choose what makes `h`, the activation, what comes after it, and how often all of it repeats.
# "Your chain" is as you chose; below it stands its twin, out of place throughout.

# %%
chains = knob(
    exercises.chain,
    show="peaks",
    producer=list(exercises.PRODUCERS),
    activation=list(exercises.ACTIVATIONS),
    consumer=list(exercises.CONSUMERS),
    depth=[1, 2, 3, 4],
)
chains

# %% [markdown]
# Before each turn, predict the verdict. A padlock stands beside each line that saved something,
# be it an input or a result. So ask: is what it saved the tensor that is written? First comes
# what working in place gains:

# %%
place = dict(producer="batch norm", consumer="linear", depth=4)
chains.compare(activation=["relu", "leaky_relu", "silu"], **place)

# %% [markdown]
# Then comes the error that moves, and the one that goes away:

# %%
place = dict(producer="conv", consumer="h += 1", depth=1)
kinds = ["relu", "relu out of place", "silu"]
chains.compare(activation=kinds, **place)

# %% [markdown]
# Last comes the shortcut, for which no padlock opens. Its verdict is *other values*:

# %%
place = dict(producer="shortcut", consumer="nothing", depth=1)
chains.compare(activation="relu", **place)

# %% [markdown]
# ## 8. Your turn (18 minutes)
#
# First, sort the lines of a residual block whose ReLUs write in place. More than one order is
# right.

# %%
exercises.order_block

# %%
exercises.order_block.check()


# %% [markdown]
# Here is a residual block with two ReLUs in place.

# %%
def block(x, conv, norm):
    out = F.relu(norm(conv(x)), inplace=True)
    out += x
    return F.relu(out, inplace=True)


with caught():
    h = torch.randn(2, 4, 5, 5, requires_grad=True)
    block(h, nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4)).sum().backward()


# %% [markdown]
# **Exercise 1.** Mend it: the same values, the right gradients, `x` as it was, `norm` run once.

# %%
def mended(x, conv, norm):
    return ...


exercises.mended.check(mended)

# %% [markdown]
# Stuck? Hints and a solution stand folded under each check, once you have run it.
#
# **Exercise 2.** Say for each chain what backward does: `"raises"` or `"right"`.
# A trailing underscore means in place. No write here is refused, and nobody else reads `h`: two of
# the four questions are enough.

# %%
verdicts = {
    "softmax, relu_": ...,
    "linear, relu_, linear": ...,
    "linear, relu, += 1": ...,
    "linear, leaky_relu, += 1": ...,
    "linear, leaky_relu_, += 1": ...,
    "linear, silu_, += 1": ...,
    "linear, dropout_, += 1": ...,
}
exercises.verdicts.check(verdicts)


# %% [markdown]
# **Exercise 3.** `plain` has no in-place layers. Return the same network with `inplace=True`
# where it pays: the same gradients, and as few bytes kept for backward as possible.

# %%
def plain():
    return nn.Sequential(
        *(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.LeakyReLU()),
        *(nn.Conv2d(4, 4, 1), nn.Sigmoid(), nn.LeakyReLU()),
        *(nn.Conv2d(4, 4, 1), nn.LeakyReLU(), nn.Dropout()),
        *(nn.Conv2d(4, 4, 1), nn.LeakyReLU(), nn.Conv2d(4, 4, 1)),
    )


print("plain keeps", kept(plain(), x), "activations")


# %%
def thrifty():
    return ...


exercises.thrifty.check(thrifty)

# %% [markdown]
# ## Recap
#
# 1. ReLU saves its result, in place or not; where the result is positive, the input was.
# 2. An in-place write is safe where the tensor takes it and nobody has saved the tensor, writes
#    into a saved result later, or still reads it; the last raises nothing.
# 3. Conv, linear and batch norm do not save their result; sigmoid, tanh, exp and softmax do:
#    there ReLU in place raises, and `inplace=False` is the cure.
# 4. A write after ReLU raises: mend that writer; `inplace=False` in the ReLU only moves the error.
# 5. In place, ReLU keeps just as many bytes, SiLU copies, and LeakyReLU and the ELUs keep one
#    activation fewer where the next layer keeps their result.
#
# ## For your own code
#
# - Leave `nn.ReLU(inplace=True)` after conv, linear and batch norm where nobody else reads
#   their result. Look for a shortcut or a list that holds it: nothing will warn you.
# - Use no in-place activation as a first layer: it writes into the caller's batch.
# - "Is a view and is being modified inplace": write out of place there, be it a chunk, a row in a
#   loop, or an activation after a layer that carries a backward hook.
# - Look for writers after an activation: `+=`, `Dropout(inplace=True)`, `squeeze_`.
# - Short of memory? Count with `kept`: before a convolution or a linear layer, working in place
#   pays for LeakyReLU, ELU, CELU, SELU and RReLU; not for ReLU6 or SiLU, and for ReLU only where
#   a name keeps its input alive.
#
# ## Further reading
#
# - [`relu` uses more VRAM than needed](https://github.com/pytorch/pytorch/issues/63027), the issue behind the change of 1.10, and [the change](https://github.com/pytorch/pytorch/pull/63089)
# - [Hardtanh and ReLU6 in place](https://github.com/pytorch/pytorch/issues/95432)
# - [`register_full_backward_hook`](https://pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook), with its warning about in-place changes
# - [`nn.ReLU`](https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html) and [in-place operations with autograd](https://pytorch.org/docs/stable/notes/autograd.html#in-place-operations-with-autograd), in PyTorch's documentation
