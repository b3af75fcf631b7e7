# %% [markdown]
# # Follow a storage pointer
#
# <!-- badges -->
# [![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)](https://colab.research.google.com/github/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/01_storage_pointers.ipynb) [![Open in Binder](https://mybinder.org/badge_logo.svg)](https://mybinder.org/v2/gh/overwritten-course/overwritten/v0.1.0?urlpath=lab%2Ftree%2Fnotebooks%2Flearn%2F01_storage_pointers.ipynb) [![Open in Kaggle](https://kaggle.com/static/images/open-in-kaggle.svg)](https://kaggle.com/kernels/welcome?src=https://github.com/overwritten-course/overwritten/blob/v0.1.0/notebooks/learn/01_storage_pointers.ipynb)
# <!-- /badges -->
#
# After this lesson you can
#
# - say, for a line of PyTorch, whether it writes into a storage or makes a new one;
# - read a view's offset, shape and strides, and name the bytes it looks at;
# - tell which of `clone`, `detach`, `.data`, `reshape` and `numpy()` copy;
# - compute what an in-place operation saves, to the byte, and when it saves nothing.
#
# **About 50 minutes.** You need: tensors and `+`. You need no gradients yet.
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

from overwritten import caught, drawn, film, knob, predict, record
from overwritten import storage_pointers as exercises
from overwritten import storage_pointers_questions as questions

# %% [markdown]
# ## 1. A name, a tensor, a storage (5 minutes)
#
# Three things stand behind `x`. The *name* `x` belongs to Python.
# It is bound to a *tensor*: a small object that has a shape and knows where its numbers lie.
# They lie in a *storage*: the bytes themselves. The course says: the tensor *looks at* the storage.

# %% tags=["predict"]
predict(questions.same_tensor)

# %%
film("""
x = torch.ones(4)
y = x
y += 1
""")

# %% [markdown]
# Move the slider; the arrow keys, Home and End work too. Each picture shows the state after one
# line that really ran. `A` is the storage, `A+4` the place four bytes into it. The bracket shows
# which cells a tensor looks at. `x` and `y` share one bracket: they are one tensor. The badge
# `v1` shows its *version counter*, which `+=` has moved from 0 to 1. Lesson 2 is about it.

# %% [markdown]
# ## 2. Four lines that look alike (7 minutes)
#
# A pointer settles it: `x.untyped_storage().data_ptr()` is the address at which the storage begins.

# %% tags=["predict"]
predict(questions.stays_on_its_storage)


# %%
def begins(tensor):
    return tensor.untyped_storage().data_ptr()


def same_storage(a, b):
    return begins(a) == begins(b)


x = old = torch.ones(4)
x = x + 1
print("same storage:", same_storage(x, old), "| old:", old.tolist())

# %% tags=["claim:plus-equals-is-short"]
x = old = torch.ones(4)
x += 1
print("same storage:", same_storage(x, old), "| old:", old.tolist())

# %%
x = old = torch.ones(4)
x.add_(1)
print("same storage:", same_storage(x, old), "| old:", old.tolist())

# %%
x = old = torch.ones(4)
x.add(1)
print("same storage:", same_storage(x, old), "| old:", old.tolist())

# %%
film("""
x = torch.ones(4)
x = x + 1
x += 1
x.add_(1)
x.add(1)
""")

# %% [markdown]
# `x += 1` and `x.add_(1)` work *in place*: they write into the storage that is there. The others
# work *out of place*: the result gets a new storage. `x = x + 1` does two things: `x + 1` fills a
# new storage, and `=` moves the name to it. Nothing refers to the old storage any more, so it is
# freed within the same line: see step 2. `x.add(1)` fills a new storage too, but no name takes
# it, so it is freed at once.
#
# The other arithmetic operators follow `+=`, with one exception:

# %%
for sign in ("-=", "*=", "/=", "//=", "%=", "**=", "@="):
    x = old = torch.ones(2, 2)
    exec(f"x {sign} torch.ones(2, 2)")
    print(sign, "same storage:", same_storage(x, old))
print("PyTorch defines `@=`:", hasattr(x, "__imatmul__"))

# %% [markdown]
# PyTorch does not define `@=` for a tensor, so Python runs `x @= w` as `x = x @ w`.
#
# **Keep the old tensor when you compare pointers.** Freed memory is handed out again, so a new
# storage can get an old address. "Same address" proves nothing about a tensor that is gone:

# %%
x, addresses = torch.ones(4), set()
for _ in range(1000):
    addresses.add(x.data_ptr())
    x = x + 1
print("1000 storages, 1000 addresses:", len(addresses) == 1000)

# %% [markdown]
# ## 3. Views: other labels on the same bytes (9 minutes)
#
# A *view* is a tensor that looks at another tensor's storage, with an *offset*, a shape and
# *strides* of its own. The strides say how far to jump to the next index of each dimension:
# element `[i, j]` lies at `offset + i * stride[0] + j * stride[1]`, counted in elements.

# %% tags=["predict"]
predict(questions.has_to_copy)

# %%
film("""
x = torch.arange(6.).reshape(2, 3)
s = x[:, 1:]
t = x.t()
flat = x.reshape(6)
copy = x.t().reshape(6)
flat[1] = 9
""")

# %% [markdown]
# The last line writes one number, and `x`, `s`, `t` and `flat` all see it.
# Their version counters move together: it is one counter. `copy` has bytes and a counter
# of its own. So `reshape` may share or copy. `view` never copies; where it would have to, it raises:

# %%
x = torch.arange(6.0).reshape(2, 3)
with caught():
    x.t().view(6)

# %% [markdown]
# **Two pointers.** `v.data_ptr()` is where the tensor's *first element* lies.
# `v.untyped_storage().data_ptr()` is where the *storage* begins.
# The difference is the offset, in bytes.

# %%
v = x[1, 1:]
shift = v.data_ptr() - begins(v)
print(shift, "bytes =", v.storage_offset(), "elements")

# %%
print("same first element:", v.data_ptr() == x.data_ptr())
print("same storage:      ", same_storage(v, x))
print("strides:", x.stride(), x[:, 1:].stride(), x.t().stride())

# %% [markdown]
# So `a.data_ptr() == b.data_ptr()` asks the wrong question about views. Compare the storages.

# %% tags=["predict"]
predict(questions.expanded_write)

# %%
film("""
row = torch.zeros(2)
wide = row.expand(3, 2)
wide.add_(1)
""")

# %%
row = torch.zeros(2)
wide = row.expand(3, 2).clone()
print(wide.add_(1).tolist(), row.tolist())
print(wide.untyped_storage().nbytes(), "bytes, not", row.nbytes)
print("strides:", wide.stride(), "not", row.expand(3, 2).stride())

# %% [markdown]
# `clone()` gave every element a place of its own, so it is clear what to write. The price is
# memory.
#
# PyTorch does not refuse every write to an expanded tensor. `fill_` goes through, and so does a
# write to a single element. A few others go through with a warning that this is deprecated:

# %%
import warnings

writes = ["wide.fill_(1)", "wide[0, 0] = 5", "wide[[0]] = 2"]
for write in [*writes, "wide.masked_fill_(wide == 0, 1)"]:
    row = torch.zeros(2)
    wide = row.expand(3, 2)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", UserWarning)
        exec(write)
    print(write, row.tolist(), "warnings:", len(seen))

# %% [markdown]
# ## 4. What copies, what shares (8 minutes)
#
# Here are four ways to get "the same numbers": `clone`, `detach`, `.data` and `numpy()`. Not all
# of them give you bytes of your own.

# %% tags=["predict"]
predict(questions.safe_to_write)

# %% tags=["claim:numpy-copies", "claim:data-is-detach"]
film("""
x = torch.zeros(3)
c = x.clone()
d = x.detach()
d += 1
d += 1
u = x.data
u += 1
n = x.numpy()
n[0] = 7
""")

# %% [markdown]
# `c` is a *clone*: it has a storage of its own. `d` is *detached* from the history of `x`, not
# from its storage. Watch the badges: in steps 4 and 5, `d += 1` moves the counter of `x` as well,
# because `d` shares it. `u` starts again at `v0`: `.data` looks at the same storage and has a
# counter of its own. In step 7, `u += 1` changes the numbers of `x`, and `x` stays at `v2`. `n`
# is a NumPy array, so it has no bracket, but it looks at `A` too: in step 9 a number of `x`
# changes and no counter moves. The counter of `x` misses both writes. Lesson 4 shows what they do
# to a gradient.
#
# NumPy can also fool the comparison of storages. Here PyTorch makes a second storage that begins
# in the middle of the first:

# %%
x = torch.zeros(4)
y = torch.from_numpy(x.numpy()[1:])
y += 1
print("same storage:", same_storage(x, y), "| x:", x.tolist())

# %% [markdown]
# A pointer can prove that two tensors share a storage. It cannot prove that they share no bytes.

# %% [markdown]
# ## 5. What working in place saves (6 minutes)

# %% tags=["predict"]
predict(questions.peak_of_plus)

# %%
peaks = knob(
    {
        "x = x + 1": "x = torch.ones(n, dtype=dtype)\nx = x + 1",
        "x += 1": "x = torch.ones(n, dtype=dtype)\nx += 1",
    },
    n=[10**k for k in range(8)],
    dtype=[torch.float32, torch.float64, torch.int8],
)
peaks

# %% [markdown]
# Change `n` and `dtype`: the code has run for each value. Here are a few of them side by side:

# %%
peaks.compare(n=[1, 1_000, 10_000_000])

# %%
peaks.compare(n=10_000_000, dtype=[torch.float64, torch.int8])


# %% [markdown]
# The peak is `n * itemsize`, times 2 for the out-of-place line. Here is the same for all
# sizes at once, measured from recordings. (They count the bytes that PyTorch asks for, on a CPU.
# On a GPU the [caching allocator](https://pytorch.org/docs/stable/notes/cuda.html#memory-management)
# may round each request up.)

# %%
def peak(code, n):
    return record(code, {"n": n}).peak


sizes = [10**k for k in range(8)]
new = [peak("x = torch.ones(n)\nx = x + 1", n) for n in sizes]
same = [peak("x = torch.ones(n)\nx += 1", n) for n in sizes]
print("x = x + 1 peaks at 2*4*n:", new == [8 * n for n in sizes])
print("x += 1    peaks at   4*n:", same == [4 * n for n in sizes])

# %% tags=["figure"]
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 2.8))
axes.loglog(sizes, new, "o-", label="x = x + 1")
axes.loglog(sizes, same, "s--", label="x += 1")
axes.set(xlabel="elements", ylabel="peak in bytes")
axes.legend()
drawn(figure, "Peak in bytes over elements: two straight lines")

# %% [markdown]
# *In words:* two parallel straight lines, from 1 to 10 million elements. `x = x + 1` takes twice
# as much as `x += 1` everywhere: 8 bytes against 4 at the left end, 80 million against 40 million
# at the right.
#
# So working in place saves *one storage for one moment*. Whether it saves anything in training
# depends on what backward keeps; lesson 3 measures that.

# %% [markdown]
# ## 6. In place, and yet it allocates (5 minutes)
#
# "In place" says where the *result* goes. It does not promise that nothing else is allocated.
# (The numbers below are those of a CPU.)

# %% tags=["predict"]
predict(questions.mixed_dtypes)

# %%
film("""
x = torch.ones(1000)
x[x > 0] = 5
w = torch.ones(1000, dtype=torch.float64)
x += w
""")

# %% [markdown]
# `x[x > 0] = 5` makes a mask first: a temporary storage of 1,000 bytes, one for each element.
# `x += w` casts inside the call: for a moment PyTorch holds 16,000 bytes more, and none of your
# tensors shows them. Here working in place saves nothing at all:

# %%
start = (
    "x = torch.ones(n)\n"
    "w = torch.ones(n, dtype=torch.float64)\n"
)
print("x += w     peaks at", peak(start + "x += w", 1000))
print("x = x + w  peaks at", peak(start + "x = x + w", 1000))

# %% [markdown]
# Where the result cannot be cast back, PyTorch refuses to compute in place:

# %%
counts = torch.ones(3, dtype=torch.int64)
with caught():
    counts += 0.5

# %%
print(counts + 0.5, "a new tensor may have a new dtype")

# %% [markdown]
# That rule is for arithmetic. An assignment drops the fraction without a word:

# %%
counts[0] = 2.7
print(counts)


# %% [markdown]
# ## 7. Your turn (10 minutes)
#
# **Exercise 1.** Add `k` to every element of `x` in place, in a way that moves the version
# counter of `x`, and return `x`.

# %%
def add_in_place(x, k):
    return ...


exercises.add_in_place.check(add_in_place)


# %% [markdown]
# Stuck? Hints and a solution stand folded under each check, once you have run it.
#
# **Exercise 2.** Return column `i` of a 2-D `grid` as a tensor that can be written without
# changing the grid, and that keeps no more bytes alive than the column needs.

# %%
def copy_column(grid, i):
    return ...


exercises.copy_column.check(copy_column)


# %% [markdown]
# **Exercise 3.** Turn `x` into `x * 2 + 1` without allocating a single storage, and return `x`.
# Its version counter must move again.

# %%
def double_and_one(x):
    return ...


exercises.double_and_one.check(double_and_one)

# %% [markdown]
# ## Recap
#
# 1. A name is bound to a tensor, a tensor looks at a storage, a storage holds the bytes.
# 2. `x = x + 1` fills a new storage; `x += 1` and `x.add_(1)` write into the existing one.
# 3. A view is an offset, a shape and strides on a shared storage; `reshape` may share or copy.
# 4. `clone` copies. `detach`, `.data` and `numpy()` share, and the last two hide writes from the counter.
# 5. Working in place saves one storage for one moment; a mask or a cast is still allocated.
#
# ## For your own code
#
# - Ask "same storage?" with `untyped_storage().data_ptr()`, while both tensors are alive.
# - Before you write to a slice, ask which other tensors look at that storage.
# - `film("""…""")` shows any snippet. To record code of your own, import `watch`, write it below
#   `with watch(lines=True) as recording:` and show it with `film(recording)`.
#
# ## Further reading
#
# - [Tensor views](https://pytorch.org/docs/stable/tensor_view.html), in PyTorch's documentation
# - [PyTorch internals](http://blog.ezyang.com/2019/05/pytorch-internals/), Edward Yang: storage, offset and strides
# - [In-place operations with autograd](https://pytorch.org/docs/stable/notes/autograd.html#in-place-operations-with-autograd)
