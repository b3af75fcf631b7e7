# %% [markdown]
# # Trace a shape to the line that wrote
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/07_slowfast_fix.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F07_slowfast_fix.ipynb) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/07_slowfast_fix.ipynb)
# <!-- /badges -->
#
# After this lesson you can
#
# - rule out most of a large network by the shape in the error message alone;
# - say why a proposed cure helps, does nothing, or only moves the error;
# - fix, by changing one word, a head in which a dropout overwrites what a ReLU saved;
# - explain why code that ran for years raises on a newer PyTorch.
#
# **About 75 minutes.** You need: storages and views (lesson 1), version counters (lesson 2),
# in-place ReLUs (lesson 3). Reading a message part by part (lesson 5) helps.
# You can take it in two sittings: sections 1 to 6, then the rest.
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
from torch.nn import functional as F

from overwritten import again, caught, drawn, film, knob, parse
from overwritten import predict, progress, watch
from overwritten import slowfast_fix as exercises
from overwritten import slowfast_fix_questions as questions

torch.set_num_threads(1)  # small tensors: others would wait

# %%
from overwritten.cases import (
    ActionDetector,
    Config,
    FCPredictor,
    MLPFeatureExtractor,
    ReLUSavingInput,
    SlowFast,
    losses_of,
    mean_average_precision,
)

# %%
from overwritten.cases import NETWORK, collate, make_clips
from overwritten.cases import names_of, pack, unpack
from overwritten.cases import yolo_to_corners

# %% [markdown]
# ## Again (2 minutes)
#
# Here are three questions from earlier lessons, of those that make sense on their own. Those you
# answered wrong come first, then those you have not been asked again.

# %%
again(questions)

# %% [markdown]
# ## 1. A report (4 minutes)
#
# A team teaches a network to say what people do in thermal video. Its
# [status report](https://github.com/jingchen-butlr/AlphAction/blob/68e36ef982628d62112c53cee39499668f6b8ada/cursor_readme/THERMAL_TRAINING_STATUS.md)
# says: the data are ready, all tests pass, the forward pass works. Then training stops:

# %%
for part, words in exercises.parts(exercises.REPORTED).items():
    print(f"{part:9} {words}")

# %% [markdown]
# SlowFast has two pathways. One sees few frames, the other many; *lateral connections* hand features
# from one to the other. The report names these connections, or features that the pathways share, as
# the culprit. It lists four things that were tried and four options. You are going to run them all.
# The network here is a small one of the course's own, but it has the names, the order of operations
# and the head of the public code, AlphAction. (The *head* is what comes after the pathways.) Every
# fault is a switch.

# %% [markdown]
# ## 2. Clips, boxes, labels, network (6 minutes)
#
# The clips are synthetic: warm people in front of a cool wall, 8 frames of 40 by 60 pixels, in °C.

# %%
clips, held_out = make_clips(160, seed=1), make_clips(50, seed=2)
one = held_out[36]
print(one.frames.shape, one.boxes.shape, one.packed.shape)

# %% [markdown]
# A box comes in YOLO format: centre, width and height, as fractions of the picture. The network
# expects corners, in its own pixels. The report scales 40 × 60 up to 256 × 384; here it is 64 × 96.

# %% tags=["claim:boxes-converted", "claim:frames-scaled"]
corners = yolo_to_corners(one.boxes, 60, 40)
print([[round(v, 1) for v in row] for row in corners.tolist()])
print("theirs keeps its shape:", 256 / 40 == 384 / 60)
print("ours keeps its shape:", NETWORK[0] / 40 == NETWORK[1] / 60)

# %% [markdown]
# The actions of a person are stored as bits, eight to a byte. The project has 14 actions. They take
# two whole bytes, so the network gets 16 classes, "16 classes with padding" in the report, and two
# of them never occur.

# %% tags=["claim:labels-packed"]
labels = unpack(one.packed)
print(one.packed.tolist(), "→", labels.shape)
print("back again:", pack(labels).tolist() == one.packed.tolist())
for row in labels:
    print(names_of(row))

# %% [markdown]
# Now for the network. The *slow* pathway gets 2 frames and has many channels; the *fast* one gets
# all 8. `LateralBlock`, a lateral connection, hands the fast features to the slow pathway. The
# head takes the features inside each box and gives 16 scores for each person, one per class.

# %%
slow, fast, boxes, labels = collate([one])
model = ActionDetector(Config())
scores = model.eval()(slow, fast, boxes)
print("slow", tuple(slow.shape), "fast", tuple(fast.shape))
print("scores", tuple(scores.shape))


# %% [markdown]
# This is the training step. The `switches` go into the `Config`.

# %%
def train_step(videos=4, weights=None, **switches):
    torch.manual_seed(0)
    model = ActionDetector(Config(**switches))
    if weights:
        model.load_state_dict(weights)
    slow, fast, boxes, labels = collate(clips[:videos])
    scores = model(slow, fast, boxes)
    losses = F.binary_cross_entropy_with_logits(scores, labels)
    losses.backward()
    return [p.grad for p in model.parameters()]


# %% tags=["predict"]
predict(questions.first_to_notice)

# %% tags=["claim:forward-works", "claim:inference-only"]
for training in (False, True):
    scores = model.train(training)(slow, fast, boxes)
    print("training:", training, "| scores:", tuple(scores.shape))

# %% tags=["claim:error-in-backward", "claim:tests-pass-so-complete"]
try:
    train_step()
except RuntimeError as error:
    here = exercises.parts(str(error))
reported = exercises.parts(exercises.REPORTED)
for part in reported:
    same = "the same" if here[part] == reported[part] else ""
    print(f"{part:9} {reported[part]:24} {here[part]:18} {same}")

# %% [markdown]
# Only two parts differ: the type (`cuda`: theirs ran on a GPU) and N, which is 7 here. It is the
# same error.

# %% [markdown]
# ## 3. The clue (8 minutes)
#
# The report took the words "modified by an inplace operation" and looked for in-place operations.
# Read the brackets first: `[N, 1024]`.

# %% tags=["predict"]
predict(questions.where_can_it_be)

# %%
run = exercises.try_out(videos=4, persons=10)
for where, shape in run.shapes.items():
    found = "←" if shape == (10, 1024) else ""
    print(f"{where:14} {str(shape):20} {found}")

# %% [markdown]
# All tensors of the *backbone*, the part before the head, have five dimensions. Those with the
# message's shape are in the head. But a shape is a clue, not a proof. It is the shape of the tensor
# that was *saved*, and the write may have gone through a view of another shape: views share one
# counter (lesson 2). So test both parts separately.

# %% tags=["claim:root-cause-lateral", "claim:modify-laterals"]
slow, fast, boxes, labels = collate(clips[:4])
backbone = SlowFast(Config(backbone_relu_inplace=True))
slow_features, fast_features = backbone(slow, fast)
with caught():
    (slow_features.sum() + fast_features.sum()).backward()
lateral = backbone.fast.Tconv1.conv.weight.grad
print("lateral connection has a gradient:", lateral is not None)

# %% [markdown]
# With both pathways, both lateral connections and all ReLUs in place, backward goes through. Now
# run the head alone. It gets random features; any backbone could have made them.

# %% tags=["claim:other-architecture", "claim:custom-slowfast"]
cfg = Config(ia_structure=False)
extractor = MLPFeatureExtractor(cfg, 48)
predictor = FCPredictor(cfg, 1024)
slow_features = torch.randn(4, 32, 2, 8, 12)
fast_features = torch.randn(4, 16, 8, 8, 12)
with caught():
    x = extractor(slow_features, fast_features, boxes)
    predictor(x).sum().backward()

# %% [markdown]
# The head raises with no SlowFast in front of it. So the published root cause is wrong, and
# another backbone before this head, the "3D ResNet" or "TSM" that the report considers, would
# raise as well.
#
# Why do the backbone's in-place ReLUs do no harm? Each comes after a batch norm, which saves its
# input, or after a sum, which saves nothing. Neither saves the result that the ReLU overwrites. And
# `torch.cat` copies.

# %% [markdown]
# ## 4. What was tried (5 minutes)
#
# The report tried frozen batch norms, a ResNet-101, a batch of 2, and the network without its
# interaction structure ("IA", which adds to a person's features what the others do). Nothing
# helped.

# %% tags=["predict"]
predict(questions.changes_the_message)


# %%
def outcome(**switches):
    try:
        train_step(**switches)
    except RuntimeError as error:
        m = parse(str(error))
        versions = f"version {m.now}, expected {m.expected}"
        return f"{list(m.shape)} {m.op}, {versions}"
    return "no error"


# %% tags=["claim:frozen-bn", "claim:deeper-backbone", "claim:smaller-batch", "claim:no-interaction"]
print("as shipped  ", outcome())
print("FROZEN_BN   ", outcome(frozen_bn=True))
print("ResNet-101  ", outcome(conv_body="Slowfast-Resnet101"))
print("2 videos    ", outcome(videos=2))
print("IA off      ", outcome(ia_structure=False))

# %% [markdown]
# The report is right: none of them helps. None could. The shape says so in advance: three of the
# four change something before the head, and the fourth changes the number of clips. The team need
# not have run them.

# %% [markdown]
# ## 5. Four options and two more (6 minutes)
#
# **Option 1, recommended:** leave out the pretrained weights, "to avoid loading problematic
# weights". Then it "should train without errors".

# %% tags=["claim:from-scratch", "claim:problematic-weights"]
torch.manual_seed(7)
pretrained = ActionDetector(Config()).state_dict()
print("from scratch:", outcome())
print("transferred: ", outcome(weights=pretrained))


# %% [markdown]
# Weights are numbers in tensors. In this network the numbers do not decide which line saves and
# which line writes.
#
# **Option 2:** anomaly detection, "to pinpoint the exact operation".

# %%
def anomaly_trace():
    with warnings.catch_warnings(record=True) as seen, caught():
        warnings.simplefilter("always", UserWarning)
        with torch.autograd.set_detect_anomaly(True):
            train_step()
    return str(seen[-1].message).splitlines()


# %% tags=["claim:anomaly-mode"]
trace = anomaly_trace()
for where, code in zip(trace, trace[1:]):
    if "slowfast.py" in where:
        print(code.strip())
print("it says dropout:", any("dropout" in line for line in trace))

# %% [markdown]
# Half true, as lesson 5 found of anomaly mode. The option would have pointed at the head, at
# `F.relu(self.fc2(x))`, and away from the backbone. It does not name the writer: that one, says the
# hint, is "in there or anywhere later".
#
# **Option 3:** clone the features after the backbone.
#
# ```python
# slow_features = [f.clone() for f in slow_features]
# fast_features = [f.clone() for f in fast_features]
# ```
#
# A list comprehension over a tensor gives a list of clips, and a list has no `mean`. Run the two
# lines as they are written, then mended, as `slow_features.clone()`:

# %% tags=["claim:clone-features", "claim:clone-before-laterals"]
with caught(AttributeError):
    train_step(clone="as written")
print("mended:", outcome(clone="tensors"))

# %% [markdown]
# A clone is safe from later writes to the original. But nothing writes to the backbone's features.
#
# **Two more**, from the report's next steps: "replace in-place ReLU with out-of-place version",
# and "clone tensors before in-place operations".

# %% tags=["claim:replace-inplace-relu", "claim:clone-before-writes"]
print("ReLUs out of place: ", outcome(backbone_relu_inplace=False))
predictor = FCPredictor(Config(), 1024)
x = torch.randn(4, 1024, requires_grad=True)
with caught():
    predictor(F.relu(x)).sum().backward()
with caught():
    predictor(F.relu(x).clone()).sum().backward()

# %% [markdown]
# The ReLU whose result is overwritten is out of place already; those that are in place do no harm.
# A clone does help if it stands between the line that saves, the *saver*, and the line that
# overwrites, the *writer*. To put it there you must know both. (Section 7 takes up **option 4**,
# another PyTorch.)

# %% [markdown]
# ## 6. One word (8 minutes)
#
# The shape leaves only the head. Here are the lines in question, from two classes that upstream
# keeps in two files. In the shipped `Config`, `head_relu` is `"saves its result"` and
# `dropout_inplace` is `True`.

# %%
print(inspect.getsource(MLPFeatureExtractor.mlp))
print(inspect.getsource(FCPredictor))

# %% tags=["predict"]
predict(questions.one_change)

# %% tags=["claim:needs-a-rewrite"]
print("head's ReLU in place:", outcome(head_relu="in place"))
print("dropout out of place:", outcome(dropout_inplace=False))
print("dropout rate 0:      ", outcome(dropout_rate=0.0))

# %% [markdown]
# Change one word, `True` to `False`, and all in-place ReLUs and lateral connections can stay. (A
# rate of 0 also trains, but without dropout.) If you do not find it by reading, the course's
# *doctor* does: it watches one step and names both lines.

# %%
with caught(), watch() as recording:
    train_step()
print(recording.diagnosis.text())

# %% [markdown]
# What one class saved, another overwrote. Between them lies a `view`: the same storage, the same
# counter.
#
# And are the gradients of the repaired network right? Compare them, bit for bit, with those of a
# twin in which *nothing* is in place. Both start from the same seed and, on this CPU, draw the same
# dropout:

# %%
mended = train_step(dropout_inplace=False)
nothing = {"dropout_inplace": False, "backbone_relu_inplace": False}
twin = train_step(**nothing)
same = [torch.equal(a, b) for a, b in zip(mended, twin)]
print(len(same), "gradients, all equal:", all(same))


# %% [markdown]
# Now set all switches yourself, one at a time or together. The tensors with the shape of the message
# have a thick frame and an arrow; the text beside them names the one that saved and the one that wrote.

# %%
def step(**chosen):
    settings = ", ".join(f"{k}={v!r}" for k, v in chosen.items())
    return f"run({settings})"


# %%
attempts = {
    "features": ["as they are", "cloned as written", "cloned"],
    "batch_norm": ["trains", "frozen"],
    "backbone": ["ResNet50", "ResNet101"],
    "interaction": ["on", "off"],
    "videos": [1, 2, 4],
    "weights": ["from scratch", "transferred"],
}

# %%
bench = knob(
    step,
    show=exercises.network,
    dropout=["inplace=True", "inplace=False", "rate 0"],
    persons=[1, 2, 4, 10],
    relu=["saves its result", "in place", "saves its input"],
    **attempts,
)
bench

# %%
everything = dict(batch_norm="frozen", backbone="ResNet101")
everything |= dict(interaction="off", features="cloned", persons=2)
either = ["inplace=True", "inplace=False"]
bench.compare(dropout=either, videos=2, **everything)

# %% [markdown]
# With all of the report's switches together, the doctor names the same two lines. One more word
# changed, and the error is gone. `persons` makes the batch larger or smaller; the first number of
# the shape follows it, and nothing else does.

# %% [markdown]
# ## 7. Why nobody had seen it (7 minutes)
#
# The head is as its authors published it, and they trained with it. Their instructions pin
# PyTorch 1.4. **Option 4** says that the detection "became stricter in PyTorch 2.x", and advises
# PyTorch 1.13.
#
# Those versions are too old for this course. But another model tells the story:
# [3DETR](https://github.com/facebookresearch/3detr/issues/12), too, has an in-place dropout after a
# ReLU. A user had no error on PyTorch 1.9 and this error on 1.10;
# [another](https://github.com/facebookresearch/3detr/issues/55) had it on 1.13. So 1.13 does not
# help. What changed with 1.10 is in PyTorch's pull request 63089: until then ReLU saved its *input*.

# %%
print(inspect.getsource(ReLUSavingInput))

# %% tags=["predict"]
predict(questions.relu_in_the_head)

# %% tags=["claim:stricter-in-2"]
print("saves its result:", outcome())
print("saves its input: ", outcome(head_relu="saves its input"))
old = train_step(head_relu="saves its input")
same = [torch.equal(a, b) for a, b in zip(old, mended)]
print("the gradients of the mended head:", all(same))

# %% [markdown]
# So the check is no stricter; another tensor is saved.
#
# The film shows today's head on two persons. Watch the padlock close at `relu`, the view share the
# storage, and the dropout move the version.

# %%
film("""
x = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
x = F.relu(x.requires_grad_())
y = x.view(2, -1)
F.dropout(y, 0.3, inplace=True)
y.sum().backward()
""")

# %% [markdown]
# Would the gradient have been wrong? ReLU's backward asks where its result is positive. Dropout
# multiplies by a positive number, which changes no sign, or by 0; and what it sets to 0 gets no
# gradient anyway.
#
# `trial` runs the program beside its twin and once more with the check switched off. That is fair
# only if both dropouts draw the same mask. On this CPU they do, or the gradients above, one dropout
# in place and the other not, would differ.

# %%
from overwritten import trial

start = "x = torch.randn(4, 8, requires_grad=True)\ny = x.relu()\n"
end = "\nz.square().sum().backward()"
shipped = start + "z = F.dropout(y, 0.3, inplace=True)" + end
mended_code = start + "z = F.dropout(y, 0.3)" + end
print(trial(shipped, mended_code).verdict)


# %% [markdown]
# So the check was overcautious: the counter cannot know that this write does no harm.
#
# **And how much memory did the in-place dropout save?** Count the bytes that the graph keeps for
# one clip, with 10 boxes, the most that the project allows:

# %%
def kept(inplace):
    predictor = FCPredictor(Config(dropout_inplace=inplace), 1024)
    x = torch.randn(10, 1024, requires_grad=True)
    saved = []
    hooks = torch.autograd.graph.saved_tensors_hooks
    with hooks(lambda t: saved.append(t) or t, lambda t: t):
        predictor(F.relu(x))
    kept = [t.untyped_storage() for t in saved]
    return sum({s.data_ptr(): s.nbytes() for s in kept}.values())


# %%
more = kept(inplace=False) - kept(inplace=True)
print("out of place keeps", more, "bytes more")
print("one fast clip has", fast[0].numel() * 4, "bytes")


# %% [markdown]
# 10 boxes of 1024 numbers, 4 bytes each, make 40 KB for a clip on this CPU, less than a tenth of
# what the small clip itself takes.

# %% [markdown]
# ## 8. It learns (5 minutes)
#
# Now train the repaired network from scratch, with all ReLUs in place and all lateral
# connections. It takes about 10 seconds on an ordinary CPU.

# %%
def some_clips(count=10):
    chosen = torch.randperm(len(clips))[:count]
    return collate([clips[n] for n in chosen.tolist()])


# %%
def fit(steps, rate=0.006):
    torch.manual_seed(0)
    model = ActionDetector(Config(dropout_inplace=False))
    adam = torch.optim.Adam(model.parameters(), rate)
    slope = torch.optim.lr_scheduler.OneCycleLR(adam, rate, steps)
    for _ in progress(range(steps), "training"):
        losses = losses_of(model, some_clips())
        adam.zero_grad()
        losses.backward()
        adam.step()
        slope.step()
        yield model, losses.item()


# %% [markdown]
# The measure is *mean average precision*, mAP, on held-out clips. For each action, rank all
# persons by score; the average precision is 1 if everyone who does it comes before everyone who
# does not.

# %%
def judge(model):
    slow, fast, boxes, labels = collate(held_out)
    model.eval()
    with torch.no_grad():
        scores = model(slow, fast, boxes)
    model.train()
    return scores, mean_average_precision(scores, labels)


# %% tags=["claim:slower-from-scratch"]
curve, precision = [], {}
for model, loss in fit(steps=100):
    curve.append(loss)
    if len(curve) == 1 or len(curve) % 20 == 0:
        precision[len(curve)] = judge(model)[1]
print("mAP after one step below 0.5:", precision[1] < 0.5)
print("mAP at the end at least 0.9:", precision[100] >= 0.9)

# %% tags=["figure"]
import matplotlib.pyplot as plt

figure, (left, right) = plt.subplots(1, 2, figsize=(7, 2.6))
left.plot(curve)
left.set(xlabel="step", ylabel="loss", ylim=(0, None))
right.plot(list(precision), list(precision.values()), "o-")
right.axhline(0.9, linestyle="--", color="gray")
right.set(xlabel="step", ylabel="held-out mAP", ylim=(0, 1.05))
figure.tight_layout()
drawn(figure, "The loss of each step, and mAP on held-out clips")

# %% [markdown]
# *In words:* left, the loss falls from about 0.7 to near 0 within 100 steps. Right, the mean average
# precision on held-out clips starts near 0.3 and is above the dashed line of 0.9 well before
# the end.
#
# Watch three of the held-out clips. (They were chosen because the network gets them right; the curve
# counts all 50.) The white boxes are given. Below them you read what the network says of each
# person, and whether the labels agree. Nothing plays until you press the button.

# %%
scores, _ = judge(model)
_, _, boxes, labels = collate(held_out)
owner, right = boxes[:, 0], ((scores > 0) == labels.bool()).all(1)
shown = [n for n in range(50) if right[owner == n].all()][-3:]
persons = [scores[owner == n] > 0 for n in shown]
said = [[names_of(row) for row in rows] for rows in persons]
exercises.Player([held_out[n] for n in shown], said)

# %% [markdown]
# ## 9. Your turn (24 minutes)
#
# First, sort the lines of a head whose dropout stays in place. More than one order is right.

# %%
exercises.order_head

# %%
exercises.order_head.check()

# %% [markdown]
# **Exercise 1.** Here is one forward of another model, in ten lines, and two messages. The second
# appears when the fault behind the first has been fixed.

# %%
print(exercises.FORWARD, "\n")
print(exercises.messages())

# %% [markdown]
# Which line saved, which line wrote? Replace each `...` with a letter.

# %%
answers = {
    "1: saver": ...,
    "1: writer": ...,
    "2: saver": ...,
    "2: writer": ...,
}
exercises.find_both.check(answers)

# %% [markdown]
# Stuck? Hints and a solution stand folded under each check, once you have run it.
#
# **Exercise 2.** Fix this head. It must compute the same, for any dropout rate and in eval mode too.
# Both ReLUs stay, and so does the dropout with its rate.

# %%
print(inspect.getsource(exercises.broken_scores))


# %%
def scores(head, x):
    return ...


exercises.mend_head.check(scores)

# %% [markdown]
# **Exercise 3.** Here are five proposals for the lines of the head, like those in real pull
# requests. Review them.

# %%
for name, code in exercises.PROPOSALS.items():
    print(f"--- {name}\n{code}\n")

# %% [markdown]
# Answer for each: `"mended"` (no error, all gradients right), `"same error"` (the very same message),
# `"error moves"` (it raises with another message), or `"silenced"` (no error, but `fc2` does not
# learn as it should).

# %%
answers = {
    "a": ...,
    "b": ...,
    "c": ...,
    "d": ...,
    "e": ...,
}
exercises.review.check(answers)

# %% [markdown]
# ## Recap
#
# 1. The shape in the message rules out every saved tensor of another shape: read it first.
# 2. A cure changes what is saved, changes what is written, or when, or puts a copy between the two.
# 3. Saver and writer may be in two files, with a view between them: same storage, same counter.
# 4. Since PyTorch 1.10 ReLU saves its result: if its counter moves before backward, backward raises.
# 5. Fix the writer. If that is not the ReLU, `inplace=False` in the ReLU only changes the version numbers.
#
# ## For your own code
#
# - Before you try anything, list the shapes in your network (print them in forward hooks) and
#   cross out what does not fit the message.
# - Search for `inplace=True` *after* a ReLU, not only in ReLUs: `nn.Dropout` has it as well.
# - Let one test of your project run forward and backward on a tiny batch, in training mode.
# - Put one step below `with watch() as recording:`; `recording.diagnosis` then names both lines.
#
# ## Further reading
#
# - [AlphAction](https://github.com/MVIG-SJTU/AlphAction), the public code whose head this is
# - [Pull request 63089](https://github.com/pytorch/pytorch/pull/63089): ReLU saves its result, and why
# - [Issue 63027](https://github.com/pytorch/pytorch/issues/63027): the memory that the saved input cost
# - [torchvision, issue 7174](https://github.com/pytorch/vision/issues/7174): the same dropout after a ReLU, in `ops.MLP`
# - [SlowFast networks for video recognition](https://arxiv.org/abs/1812.03982), the two pathways
