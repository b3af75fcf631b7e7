"""The questions of lesson 6, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

eight_writes = Question(
    "The function writes eight times into `refined`. Which of these writes does the message mean?",
    {
        "The first: `refined[:, 0] = refined[:, 0] + deltas_clamped[:, 0] * …`": "It is the line that the document prints as the problem. But the message has numbers: after the first write `refined` is at version 1.",
        "The third: it writes the width, which the first line has read": "That is a conflict, too. But its message would say `expected version 0`.",
        "The last: `refined[:, 1] = torch.clamp(refined[:, 1], …)`": "Saved at version 7, found at version 8: only the eighth write lies between the two, and it is the last line.",
        "It cannot be told: all eight write into the same storage": "They do, so the shape and the name help little. The two versions do help.",
    },
    answer="The last: `refined[:, 1] = torch.clamp(refined[:, 1], …)`",
)

fixes_needed = Question(
    "With five positive proposals of 60: which fixes must be on for a step to run through?",
    {
        "Fix 1, and fix 2 must be off": "Fix 1 repairs the boxes. Fix 2 asks `torch.where` to combine 60 places with 5 labels, which is impossible.",
        "All three: each removes one in-place write": "Each does. But a write does harm only where it overwrites something saved.",
        "Fix 1 is enough, and the others may be on as well": "It is enough. But look at the lengths in fix 2: how long is `shifted_labels`?",
        "Fixes 1 and 2: the ReLU does not matter": "Right about the ReLU. But count the labels in fix 2.",
    },
    answer="Fix 1, and fix 2 must be off",
)

no_positive = Question(
    "No fix at all, and an image in which no proposal is positive. What does backward do?",
    {
        "It raises as before: `apply_box_deltas` runs all the same": "It runs, and it writes over what it saved. But does backward ever ask for what was saved?",
        "It runs: the boxes are in no loss": "Without a positive proposal there is no box loss. Backward never enters that part of the graph, so nothing there is checked.",
        "It raises another error: a mean over nothing": "`compute_detection_loss` leaves the box loss out if no proposal is positive.",
    },
    answer="It runs: the boxes are in no loss",
)

column_write = Question(
    "`r = boxes.clone()`, and `d` requires grad. With `d[:, 0]` for the dots the line is `r[:, 0] = r[:, 0] + d[:, 0]`. Then `r.sum().backward()`. What happens?",
    {
        "It raises: `r[:, 0]` is read and written in one line": "Read, yes. But is it saved? The derivative of `+` needs neither of its terms.",
        "It raises: the write breaks the graph": "It is recorded like any other operation. The write goes into the history of `r`.",
        "It runs, but `d` gets no gradient: `boxes` does not require grad": "`r` takes on the history of what is written into it. From then on it requires grad.",
        "It runs, and the gradient of `d[:, 0]` is right": "An addition saves nothing, so the write can invalidate nothing.",
    },
    answer="It runs, and the gradient of `d[:, 0]` is right",
)

class_numbers = Question(
    "`targets` holds class numbers, for `cross_entropy`. Where can a write into it raise in backward?",
    {
        "Nowhere: a tensor of integers cannot require grad": "True, it cannot. But it can be *saved*: the gradient of the logits is computed with it.",
        "Before the loss": "Nothing has saved it yet. The loss sees the new labels and saves them at their present version.",
        "After the loss": "`cross_entropy` has saved the labels. A write then moves their counter, and backward compares.",
        "Before and after: a write breaks the graph": "`targets` has no history that a write could touch. What counts is whether it was saved.",
    },
    answer="After the loss",
)

bytes_kept = Question(
    "What does the `FeatureEmbedding` (conv, ReLU, conv) keep for backward, with the ReLU in place and out of place?",
    {
        "One activation less in place": "That was so up to PyTorch 1.9, where the ReLU saved its *input* and the next conv saved the result.",
        "The same number of bytes": "The ReLU saves its result, and the next conv saves the same tensor as its input. Nothing keeps the ReLU's input, in place or not.",
        "One activation more in place: a copy for backward": "Nothing is copied. The ReLU's gradient is computed from its result.",
    },
    answer="The same number of bytes",
)

#: Those that can be understood without the lesson around them; `lesson.again` asks them anew.
ALONE = (class_numbers,)
