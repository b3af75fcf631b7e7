"""The questions of lesson 3, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

where_was_it_positive = Question(
    "After `torch.relu_(h)` the input is gone. How does backward know where it was positive?",
    {
        "`relu_` copies `h` before it writes": "That would cost the very storage that in place is meant to save. The film below shows no copy.",
        "It keeps a mask of the signs": "Dropout keeps a mask. For ReLU that would be bytes spent on something that is known anyway.",
        "It looks at the result": "The result is positive exactly where the input was. So it saves the result, which is `h` itself.",
        "It does not: the gradient is wrong": "It would be, if ReLU's gradient needed the numbers that are gone. The next cell shows the gradient.",
    },
    answer="It looks at the result",
)

result_is_not_enough = Question(
    "For which of these is the result not enough to compute the derivative?",
    {
        "sigmoid, `1 / (1 + exp(-x))`": "If `y` is the result, the derivative is `y * (1 - y)`. The input does not occur.",
        "leaky ReLU, `max(x, 0.01 * x)`": "The result has the sign of the input, also below zero. That decides between 0.01 and 1.",
        "SiLU, `x * sigmoid(x)`": "It falls first and rises later, so two inputs with different derivatives share one result.",
        "hardtanh, `x` cut off at -1 and 1": "The result is -1 or 1 where the input was cut off. So the result tells.",
    },
    answer="SiLU, `x * sigmoid(x)`",
)

relu_changes_nothing = Question(
    "`h = x.sigmoid()`, then `h.relu_()`. All of `h` is positive, so ReLU changes no number. What does backward do?",
    {
        "It runs: no number has changed": "So it could. But PyTorch compares counters, not numbers.",
        "It raises": "Sigmoid saved its result, and `relu_` moved the counter. A counter cannot tell that nothing changed.",
        "It gives a wrong gradient": "With the same numbers the gradient could only be the same.",
        "It runs: `relu_` sees that there is nothing to do": "`relu_` does not look first. It writes every element, and it ticks.",
    },
    answer="It raises",
)

really_wrong = Question(
    "All three raise. Where would the gradient really be wrong, if PyTorch did not?",
    {
        "ReLU in place on a result of ReLU": "The second `relu_` changes no number at all. PyTorch raises out of caution.",
        "ReLU in place on `h`, when a side branch has used `h ** 2`": "The square saved `h` with its negative numbers, and the branch lets their gradient pass. Now they read 0.",
        "ReLU in place on `h`, when a side branch has used `F.leaky_relu(h)`": "Leaky ReLU saved `h`, but asks only where it is above 0. `relu_` does not change that.",
    },
    answer="ReLU in place on `h`, when a side branch has used `h ** 2`",
)

out_of_place_relu = Question(
    "`h = F.relu(h, inplace=True)`, then `h += 1`: backward raises. Now you set `inplace=False`, as many pages advise. What happens?",
    {
        "No error, and the gradient is right": "That was true up to PyTorch 1.9. Since 1.10 ReLU saves its result, in place or not.",
        "No error, but the gradient is wrong": "The counter moves in both cases, so the write is seen in both cases.",
        "The same error with other version numbers": "The result was saved at version 0 instead of 1, and `+= 1` still writes over it.",
    },
    answer="The same error with other version numbers",
)

conv_gradients = Question(
    "A convolution, then ReLU, in place or not, on a CPU. How far apart are the two gradients of the weight?",
    {
        "They are equal to the bit": "The same operations on the same numbers. Only the place of the result differs.",
        "Equal up to rounding": "Rounding differs where the arithmetic or its order differs. On a CPU neither does here; on a GPU the order may, in place or not.",
        "They differ where the input was negative": "There the gradient is 0 both ways: the result tells the sign.",
        "In place raises": "A convolution saves its input and its weight. Its result is free to be overwritten.",
    },
    answer="They are equal to the bit",
)

written_shortcut = Question(
    "`h = x * 2`, `y = h`, `h.relu_()`, `h = h + y`. What comes out, beside the same lines with `h = h.relu()`?",
    {
        "Other values and another gradient, without an error": "`y` is a second name for the tensor that was overwritten. Addition saves nothing, so no counter is compared.",
        "The same: nobody has saved `h`": "Backward lacks nothing. But the sum reads `y`, and there the negative numbers are gone.",
        "It raises: the shortcut still needs the old `h`": "It does need it. But what PyTorch compares are the counters of saved tensors, and nobody has saved `h`.",
        "The same values, but a wrong gradient": "The sum is computed after the write. It already reads the overwritten numbers.",
    },
    answer="Other values and another gradient, without an error",
)

refused_at_once = Question(
    "`y = x * 2`, and `x` requires grad. Which of these lines raises at once, before any backward?",
    {
        "`y[0].relu_()`": "A single slice is a view whose history PyTorch can follow. It may be written.",
        "`for row in y: row.relu_()`": "The loop takes all rows in one call, as `unbind` does. Views that come together refuse to be written.",
        "`y.relu_()`": "`y` is neither a view nor a leaf: that is what this lesson has done all along.",
        "`torch.ones(4).relu_()`": "A leaf, but one that does not require grad. Nothing is recorded, so nothing is refused.",
    },
    answer="`for row in y: row.relu_()`",
)

bytes_kept = Question(
    "Three times conv, batch norm, ReLU, then a conv. By how much does `inplace=True` lower the bytes kept for backward?",
    {
        "By half: ReLU needs no second storage": "Its result is needed: the next convolution saves it. And its input is let go in both cases.",
        "By three activations, one for each ReLU": "Only if the input of ReLU were kept as well. Who would keep it? Batch norm saved its own input, ReLU its result.",
        "By nothing": "Out of place, nobody saves the input of ReLU, so it is freed as soon as the name moves on.",
    },
    answer="By nothing",
)

why_silu_kept_as_much = Question(
    "`nn.SiLU(inplace=True)` kept as much as `nn.SiLU()`. Why?",
    {
        "It returns a new tensor: `inplace` is ignored": "The result does lie in the storage of the input. Something else was kept.",
        "It copies its input, writes over the original, and saves the copy": "Its derivative needs the input, so the input must be kept somewhere.",
        "It saves its result as ReLU does, and batch norm keeps one more": "SiLU's result is not enough for its derivative: section 1. And batch norm does not know what follows it.",
    },
    answer="It copies its input, writes over the original, and saves the copy",
)

#: Those that can be understood without the lesson around them; `lesson.again` asks them anew.
ALONE = (
    where_was_it_positive,
    relu_changes_nothing,
    out_of_place_relu,
    written_shortcut,
)
