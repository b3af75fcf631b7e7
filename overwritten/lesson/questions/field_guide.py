"""The questions of lesson 8, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

no_name = Question(
    "`[3, 32, 3, 3]`, no `which is output 0 of`. What is this tensor?",
    {
        "The weight of a convolution": "3 filters over 32 channels, 3 × 3 each. A parameter is not the output of any operation, so the message has no name for it.",
        "Three small images with 32 channels": "A batch that no recorded operation made has no name either, so the message cannot exclude it. But images of 3 × 3 pixels are rare, and version 1 is expected: a new batch is usually at version 0, a layer's weight at 1, because it was filled.",
        "A slice of a buffer that is filled step by step": "A slice is the output of an operation: the message would name `Select`, `Slice` or `AsStrided`.",
    },
    answer="The weight of a convolution",
)

clone_of_the_input = Question(
    "`x = relu(hidden(rows))`, then `Dropout(inplace=True)` on `x`. Somebody writes `relu(hidden(rows).clone())` instead. What happens?",
    {
        "It runs: the clone protects what ReLU saved": "The clone is ReLU's input. What it saved is its result, and the Dropout overwrites that.",
        "It raises with the same numbers, `1; expected 0`": "ReLU saves what it returns. A clone before it changes nothing about that.",
        "It raises with other numbers, `2; expected 1`": "`clone()` writes nothing in place, so no counter moves.",
        "It runs, with a wrong gradient": "The check still works: it finds a counter that has moved.",
    },
    answer="It raises with the same numbers, `1; expected 0`",
)

column_not_read = Question(
    "`area = x[:, 1:] ** 2`, then `x[:, 0] = 0`, then backward. `area` does not use column 0. Does it raise?",
    {
        "No: what was saved was not written": "The numbers are intact. But the slice and `x` share one counter, and the write moves it.",
        "Yes: all views of a tensor share one counter": "The slice was saved at version 0, and the write to another column made it 1.",
        "Yes: `** 2` saves the whole of `x`": "It saves the slice that it was given. But that slice shares its counter with `x`.",
    },
    answer="Yes: all views of a tensor share one counter",
)

labels_detached = Question(
    "After the loss, `labels[labels == 2] = 0`. It raises. Does `labels = labels.detach()` before the loss help?",
    {
        "Yes: then autograd no longer knows the labels": "They were never part of the graph. The loss saved them as they are.",
        "No: `detach()` shares storage and counter": "Integers have no history to cut off. And the storage is the same.",
        "No, but `labels = labels.clone()` before the loss does": "The loss then saves the clone, and you write that same clone. A clone after the loss would help.",
    },
    answer="No: `detach()` shares storage and counter",
)

loss_detached = Question(
    "In a GAN thread about the line of section 1, somebody advises: insert `loss.detach_()` and `loss.requires_grad_(True)` before the second `backward()`. What happens?",
    {
        "It frees the old graph, and the rest is right": "It cuts the loss off from every graph. What is left for backward to go through?",
        "It still raises: the weight is overwritten": "Backward no longer reaches the weight: the loss has no history.",
        "It runs, and the second loss teaches nothing": "The loss is a leaf now. Its backward ends where it begins.",
    },
    answer="It runs, and the second loss teaches nothing",
)

way_out_of_unbind = Question(
    "`x, y = boxes.unbind(1)`, then `x += 1` is refused: one of several views. Which of these is a cure?",
    {
        "`boxes.split(1, 1)` instead": "`split` and `chunk` return several views at once as well.",
        "`with torch.no_grad():` around `x += 1`": "The write passes, but afterwards the views may not be used: `x * y` raises.",
        "`x = x + 1`": "It makes a new tensor and writes nothing.",
    },
    answer="`x = x + 1`",
)

second_forward = Question(
    "A batch norm in `eval()`, then in `train()` on another batch, then backward of the first. Wrong gradient. Does `no_grad` around the second forward help?",
    {
        "Yes: under `no_grad` nothing changes": "Under `no_grad` nothing is recorded. The running statistics are written all the same.",
        "No: the statistics are written all the same": "And in eval mode the first forward saved them.",
        "No, it raises: the counter has moved": "It should have moved. The kernel writes the statistics and leaves the counter alone.",
    },
    answer="No: the statistics are written all the same",
)

folk_cures = Question(
    "Of the folk cures on all cards, how many run and give the right gradient?",
    {
        "None": "A few do: a clone of what is saved is one of them.",
        "About one in nine": "Those that copy what was saved, or that happen to do no harm. Nearly half still raise; the rest run and are wrong.",
        "About half": "About half run. Most of these have a wrong gradient, or none.",
        "Nearly all: that is why people recommend them": "People recommend what silences the error. Few compare the gradient.",
    },
    answer="About one in nine",
)

saved_by_prod = Question(
    "`y = x.prod()`, then `x` is written in place, then backward. What has `prod` saved?",
    {
        "Its result only: a product of the others is `y / x`": "And if one of them is 0? Look at the row below.",
        "Its input only": "Then it would have to multiply again. Look at the row below.",
        "Its input and its result": "The derivative is `y / x`; where one of the numbers is 0, it is the product of the others.",
    },
    answer="Its input and its result",
)

#: Those that can be understood without the lesson around them; `lesson.again` asks them anew.
ALONE = (clone_of_the_input, column_not_read, labels_detached, way_out_of_unbind, saved_by_prod)
