# %% [markdown]
# # Decide where an activation may write
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/03_safe_relu.ipynb)
# <!-- /badges -->
#
# After this lesson you can
#
# - say for any place in a network whether an activation with `inplace=True` is safe there;
# - tell from a formula alone which activations can give up their input;
# - say what an activation in place is worth, in bytes kept for backward and at the peak;
# - tell the in-place operations that save memory from those that only sound like it.
#
# **About 55 minutes.** You need: version counters and what backward saves (lesson 2).
#
# Each round goes *predict, run, explain*. Open the answer you believe in first.

# %%
import subprocess
import sys

if "google.colab" in sys.modules:  # Colab has this file alone
    course = "git+https://github.com/overwritten-course/overwritten@v0.1.0"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps"]
    subprocess.run([*pip, "-q", course], check=True)

# %%
import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F

from overwritten import caught, film, knob, ops, predict
from overwritten import record, watch
from overwritten.lesson import safe_relu as exercises
from overwritten.trial import trial

# %% [markdown]
# ## 1. What ReLU needs for its gradient (8 minutes)
#
# ReLU lets the gradient pass where its input was positive, and stops it elsewhere.
# In place, `torch.relu_(h)` writes the result over that very input.

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "After `torch.relu_(h)` the input is gone. How does backward know where it was positive?",
    {
        "`relu_` copies `h` before it writes": "That would cost the very storage that in place is meant to save. The film below shows no such copy.",
        "It keeps a mask of the signs": "Dropout keeps a mask. For ReLU that would be bytes spent on something that is known anyway.",
        "It looks at the result": "The result is positive exactly where the input was. So it saves the result, which is `h` itself.",
        "It does not: the gradient is wrong": "A wrong gradient without an error would be a bug in PyTorch. The next cell shows the gradient.",
    },
    answer="It looks at the result",
)

# %% [markdown]
# A teaching notebook on the web runs this example, prints the gradient `[0., 1.]`, and
# concludes that `nn.ReLU(inplace=True)` is "safe and recommended".

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
# Verdict: the example is right, and so is its argument. With `y = max(x, 0)`, `y > 0` holds
# exactly where `x > 0` holds. So the derivative can be computed from the sign of `y`, and `x` is
# not needed. In the film the padlock closes at `h` *after* the write, at version 1.
# (`torch.relu_(h)`, `h.relu_()` and `F.relu(h, inplace=True)` are the same write.)
#
# Out of place it is no different: there, too, the *result* is what is saved.

# %%
def begins(tensor):
    return tensor.untyped_storage().data_ptr()


h = torch.tensor([-5.0, 2.0], requires_grad=True).clone()
y = F.relu(h)
kept = y.grad_fn._saved_result
print("the result:", begins(kept) == begins(y))
print("the input: ", begins(kept) == begins(h))

# %% [markdown]
# Does the sign argument carry over to other activations?

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "For which of these can the derivative *not* be computed from the result alone?",
    {
        "sigmoid": "If `y` is the result, the derivative is `y * (1 - y)`. The input does not occur.",
        "leaky ReLU with slope 0.01": "The result has the sign of the input, also below zero. That decides between 0.01 and 1.",
        "SiLU, `x * sigmoid(x)`": "It falls first and rises later, so two inputs with different derivatives share one result.",
        "hardtanh": "The result is -1 or 1 where the input was cut off. So the result tells.",
    },
    answer="SiLU, `x * sigmoid(x)`",
)

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
# And SiLU? From left to right it falls, then rises:

# %%
y = F.silu(torch.tensor([-5.0, -1.0, 0.0]))
print([round(v, 2) for v in y.tolist()])

# %% [markdown]
# The argument stands or falls with the sign. Give leaky ReLU a *negative* slope, and the inputs
# -10 and 1 have the same result. PyTorch knows that, and refuses:

# %%
x = torch.tensor([-10.0, 1.0], requires_grad=True)
h = F.leaky_relu(x.clone(), -0.1, inplace=True)
print(h.tolist())
with caught():
    h.sum().backward()

# %% [markdown]
# ## 2. "Safe and recommended": half of the truth (12 minutes)
#
# In place is safe for ReLU's *own* gradient. But ReLU is not alone in a network. Its write can
# hit what an operation *before* it saved, and a write *after* it can hit what ReLU saved.
#
# To try many places, one helper: it runs the lines, and their twin out of place.

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


def verdict(*lines, **names):
    twin = [OUT.get(line, line) for line in lines]
    return trial(program(lines), program(twin), names).verdict


verdict("h = x * 2", "h.relu_()")

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "`h = x.sigmoid()`, then `h.relu_()`. All of `h` is positive, so ReLU changes no number. What does backward do?",
    {
        "It runs: no number has changed": "So it could. But PyTorch compares counters, not numbers.",
        "It raises": "Sigmoid saved its result, and `relu_` moved the counter. That nothing changed, a counter cannot tell.",
        "It gives a wrong gradient": "With the same numbers the gradient could only be the same.",
        "It runs: `relu_` sees that there is nothing to do": "`relu_` does not look first. It writes every element, and it ticks.",
    },
    answer="It raises",
)

# %%
for made in ("x.sigmoid()", "x.softmax(1)", "x.exp()", "x.tanh()"):
    print(f"{made:13}", verdict(f"h = {made}", "h.relu_()"))

# %% [markdown]
# All four saved their result, so all four raise. And all four gradients would have been right.
# After `tanh` numbers do change, those below zero. But there ReLU stops the gradient anyway.
# The check is careful, not clever: it counts writes to what was saved.
#
# Three more places:

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "Where would the gradient really be *wrong*, if PyTorch did not raise?",
    {
        "ReLU in place on a result of ReLU": "The second `relu_` changes no number at all. PyTorch raises out of caution.",
        "ReLU in place on `h`, when a side branch has used `h ** 2`": "The square saved `h` with its negative numbers, and the branch lets their gradient pass. Now they read 0.",
        "ReLU in place on the result of `x * 2`": "`x * 2` saves nothing of its result. This one does not even raise.",
    },
    answer="ReLU in place on `h`, when a side branch has used `h ** 2`",
)

# %%
branch = ("h = x * 2", "y = h ** 2", "h.relu_()", "h = h + y")
twice = ("h = x * 2", "h.relu_()", "h.relu_()")
print("side branch:", verdict(*branch))
print("twice:      ", verdict(*twice))
print("on a leaf:  ", verdict("h = x", "h.relu_()"))

# %%
film("""
x = torch.tensor([-1.0, 2.0], requires_grad=True)
h = x * 2
y = h ** 2
h.relu_()
h = h + y
h.sum().backward()
""")

# %% [markdown]
# The side branch is the case that matters: a residual block that applies its activation first
# writes into the shortcut that everyone else still needs. The film shows a padlock that expects
# version 0 and finds 1. On a leaf the write itself is refused: lesson 4 is about that.
#
# **And after ReLU?** It has saved its result. A write on that result:

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "`h = F.relu(h, inplace=True)`, then `h += 1`: backward raises. Now you set `inplace=False`, as many pages advise. What happens?",
    {
        "No error, and the gradient is right": "That was true for old versions, as you will see. A present ReLU saves its result, in place or not.",
        "No error, but the gradient is wrong": "The counter moves in both cases, so the write is seen in both cases.",
        "The same error with other version numbers": "The result was saved at version 0 instead of 1, and `+= 1` still writes over it.",
    },
    answer="The same error with other version numbers",
)

# %%
for relu in ("h.relu_()", "h = h.relu()"):
    lines = ["h = x * 2", relu, "h += 1"]
    error = record(program(lines)).error
    print(relu, "|", verdict(*lines), "|", error.split(", ")[-1])

# %% [markdown]
# A blog post on this error shows the message with the first pair, 2 and 1, and ends with the
# cure "remove `inplace=True` from ReLU". On a present PyTorch that leaves you with the second
# pair. A report on a video model plans the same: "Replace in-place ReLU with out-of-place
# version". The *writer* is the line after. Let the doctor name both lines:

# %%
with caught(), watch() as recording:
    h = F.relu(torch.ones(4, requires_grad=True) * 2)
    h += 1
    h.sum().backward()

# %%
found = recording.diagnosis
print("saver: ", found.saver.op)
print("writer:", found.writers[0].op)
print("cure:  ", found.advice())
print("cured: ", verdict("h = x * 2", "h.relu_()", "h = h + 1"))

# %% [markdown]
# The cure is at the writer, and `relu_` may stay. (The teaching notebook's last advice, write
# `x = x + y` instead of `x += y`, is just this.) Two writers deserve a look of their own:

# %%
for write in ("F.dropout(h, inplace=True)", "h.squeeze_()"):
    for relu in ("h.relu_()", "h = h.relu()"):
        print(relu, "then", write)
        print("   ", verdict("h = x * 2", relu, write))


# %% [markdown]
# `squeeze_` changes no number, only the shape; here not even that. Dropout sets some elements to
# 0 and doubles the others: where it sets 0 it stops the gradient as well. Both gradients would
# be exactly right. Both raise all the same.
#
# **Where the old advice comes from.** Up to PyTorch 1.9, ReLU out of place saved its *input*;
# 1.10 changed that to the result (issue 63027, PR 63089: cited, not run here). An old ReLU is
# easily made:

# %%
class OldReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, gradient):
        (x,) = ctx.saved_tensors
        return gradient * (x > 0)


# %%
old = "h = old_relu(h)"
print(verdict("h = x * 2", old, "h += 1", old_relu=OldReLU.apply))

# %% [markdown]
# With the old ReLU, `inplace=False` did cure a `+=` after it. Much of the folklore about ReLU
# was true when it was written, and ended with that change.

# %% [markdown]
# ## 3. "Never in training": the other half (5 minutes)
#
# A list of fixes for a detector says: avoid `inplace=True` in any layer used during training,
# for it "breaks gradients". Its ReLUs stand after convolutions and batch norms.

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "A convolution, then ReLU, in place or not. How far apart are the two gradients of the weight?",
    {
        "They are equal to the bit": "The same operations on the same numbers. Only the place of the result differs.",
        "Equal up to rounding": "Rounding differs where the arithmetic differs. Here it does not.",
        "They differ where the input was negative": "There the gradient is 0 both ways: the result tells the sign.",
        "In place raises": "A convolution saves its input and its weight. Its result is free to be overwritten.",
    },
    answer="They are equal to the bit",
)


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
# Equal to the bit, for the input and for every parameter. These layers save their *input*, so
# nobody misses the result that ReLU overwrites; and the linear layer after it saves what it is
# given. So neither rule holds as it stands. The rule is two questions:
#
# - **Has anybody saved the tensor that it overwrites?** Then in place raises.
# - **Does it save its result, and does anybody write on that later?** Then that writer raises.
#
# Two times no, and it is safe (a leaf apart).

# %% [markdown]
# ## 4. What it is worth (9 minutes)
#
# The same list says of `inplace=True`: lower memory. Measure it. During the forward PyTorch
# hands every saved tensor to a pack hook, so count the distinct storages it sees.

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

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "Three times conv, batch norm, ReLU, then a conv. What does `inplace=True` save of the bytes kept for backward?",
    {
        "Half: ReLU needs no second storage": "Its result is needed: the next convolution saves it. And its input is let go in both cases.",
        "Three activations, one for each ReLU": "Only if the input of ReLU were kept as well. Who would keep it? Batch norm saved its own input, ReLU its result.",
        "Nothing": "Out of place, nobody saves the input of ReLU, so it is freed as soon as the name moves on.",
    },
    answer="Nothing",
)

# %%
for inplace in (True, False):
    net = stack(lambda: nn.ReLU(inplace=inplace))
    print(f"inplace={inplace!s:5} keeps", kept(net, x))

# %% [markdown]
# (The numbers are multiples of one activation; the weights are small and rounded off.)
# Now five activations, and beside it the peak of a whole step: forward and backward.

# %%
step = """
net = stack(activation)
x = torch.randn(1, 4, 256, 4)
h = x
for layer in net:
    h = layer(h)
h.backward(torch.rand_like(h))
"""


# %%
def peak(activation):
    names = {"stack": stack, "activation": activation}
    return round(record(step, names).peak / x.nbytes)


# %%
kinds = nn.ReLU, nn.LeakyReLU, nn.SiLU, nn.Hardtanh, nn.Dropout
print("            kept for backward       peak of a step")
print("            in place     out       in place     out")
for kind in kinds:
    here, out = lambda: kind(inplace=True), kind
    keeps = f"{kept(stack(here), x):8} {kept(stack(out), x):7}"
    peaks = f"{peak(here):14} {peak(out):7}"
    print(f"{kind.__name__:12}{keeps} {peaks}")


# %% [markdown]
# ReLU in place saves *nothing* here, neither kept nor at the peak. LeakyReLU saves three of ten,
# one for each: out of place it keeps its input, and the convolution after it keeps the result;
# in place these two are one storage. SiLU, hardtanh and dropout save nothing either: section 5
# says why. And the old ReLU?

# %%
class OldReLULayer(nn.Module):
    def forward(self, x):
        return OldReLU.apply(x)


print("old ReLU, out of place:", kept(stack(OldReLULayer), x))

# %% [markdown]
# It kept three more. So up to 1.9, in place was worth three of ten here, and the advice to use it
# was good advice. Since 1.10 that has been ReLU's own doing, in place or not.
#
# In place saves one storage for one moment (lesson 1). Is that moment the peak?

# %%
steps = record(step, {"stack": stack, "activation": nn.ReLU}).steps
highest = max(steps, key=lambda step: step.peak)
print("the peak is in:", highest.text)

# %% [markdown]
# It is not: the peak of a step lies in backward, when everything kept is still there. "Lower
# memory", says the list. For these ReLUs the table says: no. Its third claim, "faster", is not
# measured here.

# %% [markdown]
# ## 5. "In place" that is not (6 minutes)

# %% jupyter={"source_hidden": true} tags=["predict"]
predict(
    "`nn.SiLU(inplace=True)` kept as much as `nn.SiLU()`. Why?",
    {
        "It returns a new tensor: `inplace` is ignored": "The result does lie in the storage of the input. Something else was kept.",
        "It copies its input, writes over the original, and saves the copy": "Its derivative needs the input, so the input must survive somewhere.",
        "It saves its result as ReLU does, and batch norm keeps one more": "SiLU cannot do with its result: section 1. And batch norm does not know what follows it.",
    },
    answer="It copies its input, writes over the original, and saves the copy",
)

# %%
h = torch.tensor([-1.0, 2.0], requires_grad=True) * 2
before = h.detach().clone()
F.silu(h, inplace=True)
secret = h.grad_fn._saved_self
print("saved in h's storage:", begins(secret) == begins(h))
print("saved as h was:      ", torch.equal(secret, before))

# %% [markdown]
# Which in-place operations do that? The course keeps a list of forms. The cell below runs each
# on a tensor that needs a gradient, and looks at what is saved.

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

# %% [markdown]
# Search the table for `copy`. The pattern is that of section 1. Where the derivative needs the
# *input*, an in-place form has to copy it: `pow_`, `sin_`, `log_`, `mul_(w)`. Where it needs the
# *result*, it copies nothing. Hardtanh could do with its result, as you computed, but PyTorch
# copies (issue 95432). Dropout copies nothing, but it keeps its mask, in place or not: search
# for `dropout`.
#
# The gradients of these twenty are right, and the bytes are spent all the same.

# %% [markdown]
# ## 6. Build a chain (5 minutes)
#
# Choose what makes `h`, the activation, what comes after it, and how often it all repeats.
# "Your chain" uses the activation in place; below it stands the twin, all out of place.

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
# Before each turn, say the verdict: has somebody saved the tensor that is written? The padlocks
# beside the lines answer. First what it is worth:

# %%
for activation in ("relu", "leaky_relu", "silu"):
    place = dict(producer="batch norm", consumer="linear", depth=4)
    print(chains.turn(activation=activation, **place), "\n")

# %% [markdown]
# Then the error that moves, and the one that goes:

# %%
place = dict(producer="conv", consumer="h += 1", depth=1)
for activation in ("relu", "relu out of place", "silu"):
    print(chains.turn(activation=activation, **place), "\n")


# %% [markdown]
# ## 7. Your turn (10 minutes)
#
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
# **Exercise 1.** Mend it: the same values, the right gradients, `x` as it was.

# %%
def mended(x, conv, norm):
    return ...


exercises.mended.check(mended)

# %% [markdown]
# Stuck? Run `exercises.mended.hint()` in a cell of your own; `.solution()` shows one way.
#
# **Exercise 2.** Say for each chain what backward does: `"raises"` or `"right"`.
# A trailing underscore means in place.

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
# **Exercise 3.** `plain` uses no layer in place. Return the same network with `inplace=True` where
# it pays: gradients as before, and as few bytes kept for backward as can be.

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
# 1. ReLU saves its result, in place or not; the sign of the result tells the sign of the input.
# 2. In place is safe where nobody saved the tensor before, and nobody writes on a saved result.
# 3. After conv, linear and batch norm it is safe; after sigmoid, tanh, exp and softmax it raises.
# 4. A write after ReLU raises: mend the writer. `inplace=False` in ReLU only moves the error.
# 5. In place, ReLU keeps no byte less, LeakyReLU one activation less, and SiLU copies in secret.
#
# ## For your own code
#
# - Leave `nn.ReLU(inplace=True)` after conv, linear and batch norm: it is harmless there.
# - Look for writers after an activation: `+=`, `Dropout(inplace=True)`, `squeeze_`.
# - Short of memory? Count with `kept`: in place pays for LeakyReLU, not for ReLU, ReLU6 or SiLU.
#
# ## Further reading
#
# - [`relu` uses more VRAM than needed](https://github.com/pytorch/pytorch/issues/63027), the issue behind the change of 1.10, and [the change](https://github.com/pytorch/pytorch/pull/63089)
# - [Hardtanh and ReLU6 in place](https://github.com/pytorch/pytorch/issues/95432)
# - [`nn.ReLU`](https://pytorch.org/docs/stable/generated/torch.nn.ReLU.html) and [in-place operations with autograd](https://pytorch.org/docs/stable/notes/autograd.html#in-place-operations-with-autograd), in PyTorch's documentation
