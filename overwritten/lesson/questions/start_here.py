"""The questions of the start page, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

one = Question(
    "What does `one()` return?",
    {
        "[0.0, 0.0, 0.0]": "`y` is not a copy. See [lesson 1, section 3](01_storage_pointers.ipynb).",
        "[0.0, 1.0, 1.0]": "`y` looks at the bytes of `x`, and `+=` writes there.",
        "[1.0, 1.0, 1.0]": "`y` looks at two of the three numbers. See [lesson 1, section 3](01_storage_pointers.ipynb).",
        "It raises an error": "A view may be written like any tensor. See [lesson 1, section 3](01_storage_pointers.ipynb).",
    },
    answer="[0.0, 1.0, 1.0]",
)

two = Question(
    "What does `two()` return?",
    {
        "[1.0, 1.0]": "`x + 1` made a new tensor. `x += 1` wrote into that one.",
        "[2.0, 2.0]": "One of the two lines writes, but not into `old`. See [lesson 1, section 2](01_storage_pointers.ipynb).",
        "[3.0, 3.0]": "The two lines look alike and are not. See [lesson 1, section 2](01_storage_pointers.ipynb).",
    },
    answer="[1.0, 1.0]",
)

three = Question(
    "What does `three()` return?",
    {
        "[1.0, 1.0]": "The derivative of `exp` at 0 is 1. But backward needs the result of `exp`, and that was overwritten. See [lesson 2, section 3](02_version_counter.ipynb).",
        "[2.0, 2.0]": "That would be so if backward took whatever is there now. See [lesson 2, section 3](02_version_counter.ipynb).",
        "It raises an error": "`exp` saved its result for backward, and `y += 1` wrote over it.",
    },
    answer="It raises an error",
)

four = Question(
    "What does `four()` return?",
    {
        "[2.0, 2.0]": "The derivative of `x * 2` is 2. It needs no value of `y`, so nothing had saved `y`.",
        "[3.0, 3.0]": "The 1 is added after the 2. A constant adds nothing to a gradient. The rest is in [lesson 2, section 4](02_version_counter.ipynb).",
        "It raises an error": "A write alone is not enough: an operation must have saved `y`. See [lesson 2, section 4](02_version_counter.ipynb).",
    },
    answer="[2.0, 2.0]",
)

five = Question(
    "What does `five()` return? Note the `inplace=False`.",
    {
        "[3.0, 3.0]": "That would be the right gradient, but you do not get one. See [lesson 3, section 2](03_safe_relu.ipynb).",
        "[4.0, 4.0]": "Adding 1 changes no gradient. And you do not get one: see [lesson 3, section 2](03_safe_relu.ipynb).",
        "It raises an error": "ReLU saved its result, in place or not, and `h += 1` wrote over it.",
    },
    answer="It raises an error",
)

six = Question(
    "What does `six()` return? `y` was computed from 3, so the right gradient is 6.",
    {
        "[6.0]": "Backward reads `w` when it runs, not when `y` was made. See [lesson 4, section 3](04_leaf_mutation.ipynb).",
        "[600.0]": "Wrong by a factor of 100, and no error says so: `.data` hides the write from the check.",
        "It raises an error": "It should. But `.data` hides the write from the check. See [lesson 4, section 3](04_leaf_mutation.ipynb).",
    },
    answer="[600.0]",
)
