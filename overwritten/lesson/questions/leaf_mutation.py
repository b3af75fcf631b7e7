"""The questions of lesson 4, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

raises_at_once = Question(
    "`w = torch.ones(3, requires_grad=True)`. Which of these lines raises at once: `w += 1`, `w[0] = 5`, `w.view(3).mul_(2)`, `w = w + 1`?",
    {
        "`w += 1` only: the others do not write into `w`": "A slice and a view look at the storage of `w`. Writing to them writes the leaf, and PyTorch knows it.",
        "None: the error comes in backward": "That is the version check. This is a different check, and it raises at the write.",
        "All but `w = w + 1`": "Three writes into the storage of a leaf, directly or through a view. `w + 1` fills a new one.",
        "All four": "`w = w + 1` writes nothing into `w`: it makes a new tensor and binds the name to it.",
    },
    answer="All but `w = w + 1`",
)

two_backwards = Question(
    "`w` holds 3. `a = w * w`, then `w *= 100` under `no_grad`, then `b = w * w`. What do `b.backward()` and then `a.backward()` do?",
    {
        "Both raise": "`b` saved `w` after the write, at version 1. Nothing has written since.",
        "The first gives 600, the second raises": "`a` saved `w` at version 0, `b` at version 1. Each save is compared with its own version.",
        "The first gives 600, the second adds 6": "6 is the gradient of `a`. But backward needs the 3 for it, and the 3 is overwritten.",
        "The first raises, the second adds 6": "`b` saved what was there when it ran: 300, at version 1. It is `a` that needs the 3.",
    },
    answer="The first gives 600, the second raises",
)

data_write = Question(
    "`y = (w * w).sum()`, then `w.data *= k`, then `y.backward()`. The true gradient is `2 * w`, for the `w` before the write. What comes out?",
    {
        "`2 * w`, whatever `k` is": "It would be, if backward still had the old numbers. It has only the storage, and the factor `k` is in it.",
        "`k` times as much": "Backward reads `w` from the storage that was written: `2 * k * w`.",
        "`k * k` times as much": "`y` would be, if it were computed again. In its gradient `w` stands only once.",
        "Right for small `k`, an error for large": "The check compares versions. It does not look at the numbers at all.",
    },
    answer="`k` times as much",
)

data_rebound = Question(
    "`w` holds 3. `y = w * w`, then `w.data = w.data * 100`, then `y.backward()`. What is `w.grad`?",
    {
        "6: the bytes that were saved are intact": "They are intact, but backward does not read them. `w * w` saved the tensor `w`, which now looks at another storage.",
        "There is none: it raises, because `w` was moved": "The check compares versions, and `w.data = …` moves no counter.",
        "600: backward asks the tensor `w` for its numbers": "What was saved is the tensor `w` itself. It now looks at the new storage.",
    },
    answer="600: backward asks the tensor `w` for its numbers",
)

forgotten_no_grad = Question(
    "Somebody writes `w = w - lr * w.grad`, without `no_grad`, and changes nothing else. What happens in three rounds?",
    {
        "The same numbers: it subtracts as well": "In the first round, yes. But look at what the name `w` is bound to afterwards.",
        "It fails in the second round": "The new `w` is the result of a subtraction, not a leaf. Its `.grad` stays `None`.",
        "The leaf error, in the first round": "Nothing is written into a leaf here: `=` rebinds the name.",
        "`w` stays at 1: the new tensor is lost": "The name is bound to the new tensor, so the next round computes with it.",
    },
    answer="It fails in the second round",
)

forgotten_zeroing = Question(
    "The loop is right, but `w.grad = None` is forgotten. What happens?",
    {
        "An error in the second backward: there is a gradient already": "Backward adds to an existing gradient. So the gradients of small batches can be added up.",
        "Nothing: backward overwrites the old gradient": "It adds to it. Otherwise nobody would need `zero_grad`.",
        "Every step uses the sum of all gradients so far": "No error, but other weights. The version check has nothing to find: no saved tensor is overwritten.",
    },
    answer="Every step uses the sum of all gradients so far",
)

gan_step = Question(
    "`score = D(G(noise))`. Backward of D's loss with `retain_graph=True`, `opt_d.step()`, then backward of G's loss, made of the same `score`. What happens?",
    {
        "It raises: the graph of `score` is gone": "`retain_graph=True` keeps it. It does not keep a copy of the weights.",
        "It raises: D's weights are not what they were": "`Linear` saved its weight, because its input requires grad. The step is an in-place write under `no_grad`.",
        "It runs: G's gradient depends on G's weights only": "G's gradient comes through D, and D's weights are a factor in it.",
        "It runs: G learns from the D after its step": "The score was computed by the old D. Nothing computes it again.",
    },
    answer="It raises: D's weights are not what they were",
)

ema_between = Question(
    "The teacher does not require grad. Its EMA update comes between forward and backward. Loss 1 compares `student(x)` with `teacher(x)`; loss 2 is `teacher(student(x))`. Which backward raises?",
    {
        "Both: the teacher was written": "In loss 1 nothing that goes into the teacher requires grad. So nothing of the teacher was saved.",
        "Neither: the teacher does not require grad": "The teacher does not, but the student does: in loss 2 the student's gradient goes through the teacher.",
        "Neither: the update runs under `no_grad`": "`no_grad` allows the write. It does not protect what was saved.",
        "That of loss 2 only": "There the student's gradient is multiplied by the teacher's weights, so they were saved.",
    },
    answer="That of loss 2 only",
)

never_detached = Question(
    "Each step: forward, zero_grad, backward with `retain_graph=True`, optimizer step. `h` is never detached. Where does it raise?",
    {
        "Nowhere: every graph is retained": "The graphs are. But each step overwrites the weights saved in them.",
        "In the backward of step 1": "Nothing was written before that.",
        "In the backward of step 2": "It goes through the graph of step 1, too. But what did `cell(zeros)` save? The zeros do not require grad, so not the weight.",
        "In the backward of step 3": "It reaches the graph of step 2, which saved the weight. The optimizer has overwritten it since.",
    },
    answer="In the backward of step 3",
)

#: Those that can be understood without the lesson around them; `lesson.again` asks them anew.
ALONE = (raises_at_once, two_backwards, data_write, data_rebound, gan_step)
