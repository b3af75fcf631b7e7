"""The questions of lesson 9, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

two_conditions = Question(
    "`y = w * w` saves `w`. Then `w` is multiplied by 100 through `w.detach()`, or through `w.data`. Which of the two makes backward raise?",
    {
        "Both: the same bytes are overwritten": "The bytes are the same. But the check compares counters, and `.data` does not share the counter of `w`.",
        "Only `w.detach()`": "It shares the counter of `w`. `.data` starts a counter of its own, so the counter of `w` does not move.",
        "Only `w.data`": "It is the other way round: `.data` has a counter of its own, so the counter of `w` does not move.",
        "Neither: both cut the history": "Neither write is recorded, but `w` was saved before. What counts is whether its counter moved.",
    },
    answer="Only `w.detach()`",
)

norm_modes = Question(
    "`y = norm(a)`, then `norm(b)`, then backward of `y`. In which modes is the gradient wrong?",
    {
        "Both in training mode: the second forward rewrites what the first one used": "In training mode a batch norm divides by the standard deviation of its own batch. It updates the running statistics, but its backward does not use them.",
        "First in training, then in eval mode": "A forward in eval mode reads the running statistics and writes nothing.",
        "First in eval, then in training mode": "In eval mode it divides by the root of the running variance and saves that variance. The forward in training mode then overwrites it, and its counter does not move.",
        "In none: PyTorch counts a write to a buffer like any other": "It should. But this kernel overwrites the statistics and leaves the counter alone.",
    },
    answer="First in eval, then in training mode",
)

fused_step = Question(
    "Backward of D's loss, D's step, then backward of G's loss made of the same score. D's optimizer is `SGD(…, fused=True)`, on the CPU. What happens?",
    {
        "It raises, as with plain `SGD`": "The same bytes are written, but the check compares counters, and this write does not move the counter.",
        "It runs, and G's gradient is that of the forward that ran": "For that, backward would need the old weights of D, and they are overwritten.",
        "It runs, and G's gradient is that for the new D": "Nothing ran the forward again. The score comes from the old D.",
        "It runs, and G's gradient mixes the old score with the new weights": "Backward reads D's new weights for a score that the old ones computed.",
    },
    answer="It runs, and G's gradient mixes the old score with the new weights",
)

ctx_attribute = Question(
    "A Function of your own keeps its input as `ctx.x = x` instead of `ctx.save_for_backward(x)`. The input is overwritten before backward. What happens?",
    {
        "It raises: what a Function keeps is a saved tensor": "Only what goes through `save_for_backward` is saved with its version.",
        "It runs, and the gradient is wrong": "`ctx.x` is an ordinary Python attribute: no version is noted, so none is compared.",
        "It runs, and the gradient is right: `ctx.x` is a copy": "Assigning a tensor to an attribute copies nothing: the attribute is another name for the same tensor.",
    },
    answer="It runs, and the gradient is wrong",
)

strict_misses = Question(
    "Which wrong gradient does strict mode miss?",
    {
        "A NumPy write into a saved tensor": "It compares bytes, whatever wrote them.",
        "A write into a tensor that hooks hold": "It keeps copies of its own, hooks or not.",
        "A write into a tensor that was saved before the `with` block": "It copies a tensor when it is saved. This one was saved before it could.",
        "A write by a fused optimizer": "The bytes change, and bytes are what it compares.",
    },
    answer="A write into a tensor that was saved before the `with` block",
)
