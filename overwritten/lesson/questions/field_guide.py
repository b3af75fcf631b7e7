"""The questions of lesson 8, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

no_name = Question(
    "`[3, 32, 3, 3]`, no `which is output 0 of`. What is this tensor?",
    {
        "The weight of a convolution": "3 filters over 32 channels, 3 × 3 each. A parameter is nobody's output, so no name stands there.",
        "Three small images with 32 channels": "A batch that no recorded operation made has no name either, so the text cannot exclude it. But images of 3 × 3 are rare, and a new batch is at version 0; a layer's weight begins at 1, because it was filled.",
        "A slice of a buffer that is filled step by step": "A slice is the output of an operation: `Select`, `Slice` or `AsStrided` would stand there.",
    },
    answer="The weight of a convolution",
)

clone_of_the_input = Question(
    "`x = relu(hidden(rows))`, then `Dropout(inplace=True)` on `x`. Somebody writes `relu(hidden(rows).clone())` instead. What then?",
    {
        "It runs: the clone protects what ReLU saved": "The clone is ReLU's input. What it saved is its result, and the Dropout writes that.",
        "It raises with the same numbers, `1; expected 0`": "ReLU saves what it returns. A clone before it moves nothing.",
        "It raises with other numbers, `2; expected 1`": "`clone()` writes nothing in place, so no counter moves.",
        "It runs, with a wrong gradient": "The check is as it was: it finds a counter that has moved.",
    },
    answer="It raises with the same numbers, `1; expected 0`",
)

column_not_read = Question(
    "`area = x[:, 1:] ** 2`, then `x[:, 0] = 0`, then backward. Column 0 is not in `area`. Does it raise?",
    {
        "No: what was saved was not written": "Right about the numbers. But the counter belongs to the storage, and all columns share it.",
        "Yes: all parts of a storage share one counter": "The slice was saved at version 0, and the write to another column made it 1.",
        "Yes: `** 2` saves the whole of `x`": "It saves the slice that it was given. The slice's counter is that of the storage.",
    },
    answer="Yes: all parts of a storage share one counter",
)

labels_detached = Question(
    "After the loss, `labels[labels == 2] = 0`. It raises. Does `labels = labels.detach()` before the loss help?",
    {
        "Yes: then autograd no longer knows the labels": "It never knew them as a part of the graph. The loss has saved them as they are.",
        "No: `detach()` shares storage and counter": "Whole numbers have no history to cut off. And the storage is the same one.",
        "No, but `labels = labels.clone()` before the loss does": "The loss then saves the clone, and you write that clone. A clone *after* the loss would help.",
    },
    answer="No: `detach()` shares storage and counter",
)

loss_detached = Question(
    "In a GAN thread about the line of section 1, somebody advises: insert `loss.detach_()` and `loss.requires_grad_(True)` before the second `backward()`. What does that do?",
    {
        "It frees the old graph, and the rest is right": "It frees the loss from every graph. What is there for backward to go through?",
        "It still raises: the weight is overwritten": "Nobody asks for the weight any more: the loss has no history.",
        "It runs, and the second loss teaches nothing": "The loss is a leaf now. Its backward ends where it begins.",
    },
    answer="It runs, and the second loss teaches nothing",
)

way_out_of_unbind = Question(
    "`x, y = boxes.unbind(1)`, then `x += 1` is refused: one of several views. Which way out is a cure?",
    {
        "`boxes.split(1, 1)` instead": "`split` and `chunk` return several views at once as well.",
        "`with torch.no_grad():` around `x += 1`": "The write passes, but the views may not be used any more: `x * y` raises.",
        "`x = x + 1`": "A new tensor: nothing is written.",
    },
    answer="`x = x + 1`",
)

second_forward = Question(
    "A batch norm in `eval()`, then in `train()` on another batch, then backward of the first. Wrong gradient. Does `no_grad` around the second forward help?",
    {
        "Yes: under `no_grad` nothing changes": "Under `no_grad` nothing is recorded. The running statistics are written all the same.",
        "No: the statistics are written all the same": "And in eval mode the first forward saved them.",
        "No, it raises: the counter has moved": "It should have. The kernel writes them and leaves the counter alone.",
    },
    answer="No: the statistics are written all the same",
)

folk_cures = Question(
    "Of the folk cures on all cards, how many run and leave the right gradient?",
    {
        "None": "A few do: a clone of what is saved is one of them.",
        "About one in eight": "Those that copy what was saved, or that happen to do no harm. Nearly half still raise; the rest is worse.",
        "About half": "About half make the error go away. Most of these take the gradient with it.",
        "Nearly all: that is why people recommend them": "People recommend what silences the error. Whether the gradient is right, nobody measured.",
    },
    answer="About one in eight",
)

saved_by_prod = Question(
    "`y = x.prod()`, then `x` is written in place, then backward. What has `prod` saved?",
    {
        "Its result only: a product of the others is `y / x`": "And if one of them is 0? Look at the row below.",
        "Its input only": "It would have to multiply again. Look at the row below.",
        "Its input and its result": "The derivative is `y / x`, and where a 0 is among them, the product of the others.",
    },
    answer="Its input and its result",
)

#: Those that can be understood without the lesson around them; `lesson.again` asks them anew.
ALONE = (clone_of_the_input, column_not_read, labels_detached, way_out_of_unbind, saved_by_prod)
