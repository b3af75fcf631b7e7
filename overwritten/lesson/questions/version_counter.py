"""The questions of lesson 2, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

whose_counter = Question(
    "`x = torch.zeros(3, 4)`, `first = x[:, 0]`, `third = x[:, 2]`. Then `first += 1`. Whose counter moves?",
    {
        "That of `first`: it is the tensor that was written": "`first` is a view of `x`, and a view has no counter of its own.",
        "Those of `first` and `x`: `third` looks at other numbers": "The counter knows nothing of columns. `x` and all its views share one.",
        "All three": "A tensor and its views share one counter.",
        "None: only `x` itself has a counter": "A view has a `_version` too. It reads the counter it shares with `x`.",
    },
    answer="All three",
)

moves_it_by_two = Question(
    "Four lines: `x.mul_(1)`, `x.squeeze_()`, `x.data.add_(1)`, `x[0, 0] += 1`. One of them moves the counter by 2. Which?",
    {
        "`x.mul_(1)`": "It reads and writes, but it is one in-place operation: one tick. It does not matter that no number changes.",
        "`x.squeeze_()`": "One tick, although no byte changes. The counter counts in-place operations, not changes.",
        "`x.data.add_(1)`": "`.data` has a counter of its own. The one of `x` does not move at all.",
        "`x[0, 0] += 1`": "Python makes two writes of it: `+=` writes into the view `x[0, 0]`, and then `x[0, 0] = …` stores the result, which writes again.",
    },
    answer="`x[0, 0] += 1`",
)

optimizers_counter = Question(
    "`SGD`, `AdamW` and `SGD(fused=True)`, with their other defaults, each take three steps. How far does the weight's counter move?",
    {
        "3, 3, 3": "A step is a write, but not always *one* write, and not always one that moves the counter.",
        "3, 3, 0": "Right about the fused kernel. But `AdamW` writes twice: first the weight decay, then the update.",
        "3, 6, 0": "One write, two writes (weight decay, then update), and a kernel that writes without moving the counter.",
        "0, 0, 0": "`step()` runs under `no_grad`, and `no_grad` does not stop the counter, as lesson 2 measures.",
    },
    answer="3, 6, 0",
)

first_backward = Question(
    "What does `y.backward()` do?",
    {
        "It raises: `w` was needed and has been overwritten": "Was it needed? The derivative of `w * 2` is 2, whatever `w` is.",
        "It runs, and the gradient is 200": "That would be the derivative of `w * 200`. The factor 2 has not changed.",
        "It runs, and the gradient is 2": "The derivative of `w * 2` does not contain `w`, so nothing of `w` is saved.",
        "It runs, and the gradient is silently wrong": "It would be if `w` were needed and the write unseen. Here `w` is not needed.",
    },
    answer="It runs, and the gradient is 2",
)

saved_by_exp = Question(
    "The derivative of `exp` at x is `exp(x)`. What does `y = x.exp()` save?",
    {
        "Its input `x`: the derivative is a function of x": "It could compute `exp(x)` again from x. But that number is already at hand: it is the result.",
        "Its result `y`": "The derivative *is* the result. So `x` may be overwritten, and `y` may not.",
        "Both, to be safe": "One of the two is enough, and memory is precious. PyTorch seldom saves more than the derivative needs.",
        "Nothing: `exp` is its own derivative": "It is, and that is why backward needs its values.",
    },
    answer="Its result `y`",
)

write_after_plus_two = Question(
    "`y = x + 2`, `y.add_(1)`, `z = y.sum()`, `z.backward()`. What happens?",
    {
        "It raises: `y` was changed in place before backward": "That is half of the condition. Nothing saved `y`: the derivative of `+` and of `sum` needs no values.",
        "It runs, and the gradient is right": "`+`, `add_` and `sum` save nothing, so there is nothing to compare.",
        "It raises at `y.add_(1)`: `y` requires grad": "A *leaf* that requires grad refuses that: a tensor that no operation made, like `x`. Some views refuse it too (lesson 3). `y` is neither.",
    },
    answer="It runs, and the gradient is right",
)

mask_on_data = Question(
    "`data[data > 0.5] = 0` writes in place. Where does that break the backward of `layer(data)`?",
    {
        "Before the layer: the original data are lost": "Lost for you, perhaps. The layer saves what it gets, and it gets the new values.",
        "After the layer": "`Linear` saves its input, because the weight's gradient is computed from it. Then the write moves the version.",
        "In both places": "Before the layer nothing has been saved yet. A write there does no harm.",
        "Nowhere: `data` does not require grad": "It does not, but the *weight* does, and its gradient is computed from the data.",
    },
    answer="After the layer",
)

where_a_write_raises = Question(
    "`z = y * y` saves `y`. A write `y += 1` can stand before that line, between it and backward, or after backward. Where does backward raise?",
    {
        "Before or between: both come before backward": "A write before the save does no harm: the save notes the new version.",
        "Between only": "The check compares the version at the save with the version at backward. Only a write between the two makes them differ.",
        "Between or after: the graph still holds y": "Backward has already checked, and has released its saved tensors. Only after `retain_graph=True` would a second backward check again.",
    },
    answer="Between only",
)

written_column = Question(
    "`y = x * 2` has three columns. `s = (y[:, 2] ** 2).sum()` saves column 2. Then `y[:, 0] = 0`, then `s.backward()`. What happens?",
    {
        "It runs: the saved column is untouched": "Mathematics would allow it. But the counter belongs to `y` and all its views, not to a column.",
        "It raises, although the gradient would be right": "`y` and its views share one counter: the saved view of column 2 expects version 0 and finds 1.",
        "It raises, and rightly: the gradient would be wrong": "No number that backward needs has changed. PyTorch cannot know that from one counter.",
    },
    answer="It raises, although the gradient would be right",
)

#: Those that can be understood without the lesson around them; `lesson.again` asks them anew.
ALONE = (
    whose_counter,
    moves_it_by_two,
    optimizers_counter,
    saved_by_exp,
    write_after_plus_two,
    where_a_write_raises,
    written_column,
)
