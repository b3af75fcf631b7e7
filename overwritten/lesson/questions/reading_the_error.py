"""The questions of lesson 5, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

only_a_shape = Question(
    "Nothing but the shape `[2, 2048, 25, 25]`. What is this tensor, in a detector on a ResNet-50?",
    {
        "A convolution's weight: 2048 filters of 25 × 25": "A weight has its filters first: these would be 2 filters, not 2048.",
        "Boxes: 2048 proposals in each of 2 images": "Proposals come as rows of a table, in two or three sizes. Here there are four dimensions, and the last two are equal.",
        "The last stage's result for 2 images of 800 × 800": "2048 channels is what layer4 gives, and its stride is 32: 800 / 32 = 25.",
    },
    answer="The last stage's result for 2 images of 800 × 800",
)

shape_then_or_now = Question(
    "`batch` has the shape `[1, 3]`. `z = a * batch` saves it as an *input*. Then `batch.squeeze_()` makes it `[3]`. What does the message show?",
    {
        "`[1, 3]`, the shape at the save": "For an input nobody kept it: the graph holds the tensor `batch` itself, which has another shape by now.",
        "`[3]`, the shape of now": "The graph holds the tensor `batch` itself. The message is written in backward, and shows what the tensor looks like then.",
        "Nothing: no number was changed, so it does not raise": "`squeeze_` counts as a write like any other. Lesson 2 measured it.",
    },
    answer="`[3]`, the shape of now",
)

which_name = Question(
    "`y = a * 2`, then `z = y ** 2`, then `y += 1`, then backward. Which name stands in the message?",
    {
        "`Pow`: it saved `y`": "It did, but the tensor in question is not *its* output. The text says whose output the tensor is.",
        "`Mul`: it made `y`": "It did, but `+=` has written since. The text asks the tensor for its history as it is now.",
        "`Add`: it wrote into `y` last": "By now the tensor is the result of the recorded `+=`, so the message names the **writer**.",
    },
    answer="`Add`: it wrote into `y` last",
)

which_versions = Question(
    "`y = a * 2`, `y += 1`, `z = y ** 2`, then three times `y += 1`. Which versions?",
    {
        "`4; expected 1`": "One write before the save, three after it.",
        "`3; expected 0`": "The difference is right. But the counter was at 1 when `** 2` saved `y`.",
        "`4; expected 0`": "0 would be the version at birth. What counts is the version at the save.",
        "`1; expected 4`": "The first number is that of now, and every write counts up.",
    },
    answer="`4; expected 1`",
)

stock_layer4 = Question(
    "Every ReLU of the stock layer4 works in place. Does its backward raise?",
    {
        "Yes: it has two writes into one tensor": "Both come before the save. Only a write *after* it is one too many.",
        "Yes: `+=` writes what the batch norm saved": "A batch norm saves its input, not its result.",
        "No: both writes come before the save": "ReLU saves at version 2 and finds version 2.",
    },
    answer="No: both writes come before the save",
)

written_once_more = Question(
    "Somebody writes once more into the result: `c5 = layer4(c4)`, then `c5 += 1`. Which versions?",
    {
        "`2; expected 1`, as reported": "Count the writes before the save: `out += identity`, and then?",
        "`3; expected 2`": "`out += identity` is 1, the ReLU in place 2, the save; then the third.",
        "`1; expected 0`": "That would be a ReLU that works out of place.",
        "`3; expected 0`": "Three writes in all, but two of them come before the save.",
    },
    answer="`3; expected 2`",
)

written_after_a_module = Question(
    "`x = conv_module(c5)`, then `x += c5`. Which versions?",
    {
        "`1; expected 0`": "It would be, out of place. This ReLU wrote once before it saved.",
        "`2; expected 1`": "The batch norm's result is new (0), the ReLU writes it (1) and saves, `+=` is the second.",
        "`3; expected 2`": "Convolution and batch norm return new tensors. There is one write before the save.",
    },
    answer="`2; expected 1`",
)

anomaly_line = Question(
    "`x = block(c5)`, then `x += c5`. Which line does anomaly mode lead to?",
    {
        "`x += c5`: the operation to blame": "The backward of `+=` does not fail. It needs nothing that was saved.",
        "The ReLU in the block": "Its backward failed, because it asked for what it had saved. Anomaly mode names the **saver**.",
        "`x.sum().backward()`": "That is what you have without anomaly mode.",
    },
    answer="The ReLU in the block",
)

cured_by_not_in_place = Question(
    "13 of the 15 raise with every ReLU in place. How many of those does `inplace=False` cure, on your PyTorch?",
    {
        "All 13": "Then the write after the ReLU would have to be harmless. ReLU saves its result out of place as well.",
        "About half": "What counts is one thing: is a ReLU the write that came too late? Look at how many of the fifteen are like that.",
        "1": "Only where the late write *is* a ReLU, applied twice. In the other 12 something else writes.",
        "None": "There is one story in which the write that came too late is itself a ReLU, the second one.",
    },
    answer="1",
)

relu_named_at_0 = Question(
    "`y = a * 2`, then `z = y ** 2`, then `F.relu(y, inplace=True)`. The message says `output 0 of Relu`, `1; expected 0`. Who saved?",
    {
        "The ReLU: its name stands there": "A ReLU in place writes first and then saves: its own save would expect at least version 1.",
        "`y ** 2`: it read `y` before the ReLU": "It saved `y` at version 0, as an input. So the name is that of the last recorded writer, and that is the ReLU.",
        "`a * 2`: it made `y`": "It saved no result of its own. For the gradient of `a` the number 2 is enough.",
    },
    answer="`y ** 2`: it read `y` before the ReLU",
)

bare_lateral = Question(
    "By default a lateral is a bare convolution. Does `laterals[i - 1] += up` raise then?",
    {
        "Yes: a convolution's result is needed for backward": "Needed by whom? The convolution's gradients are computed from its input and its weight.",
        "No: a convolution saves its input and its weight": "Nobody saved the result, so it may be written.",
        "Only with a batch norm between": "A batch norm, too, saves its input and not its result.",
    },
    answer="No: a convolution saves its input and its weight",
)

before_gather = Question(
    "`y = a.exp()`, then `y[0] = 0`, then `z = y.gather(0, i)`: the assignment comes before `gather`. Does backward raise?",
    {
        "No: `gather` comes after the assignment, as the post asks": "`gather` is satisfied. But another operation saved `y` before the assignment.",
        "Yes: `exp` saved its result": "The assignment comes after `exp`, and `exp` has saved `y`.",
        "Yes: `gather` saves its input": "It does, but after the assignment: it expects version 1 and finds 1.",
    },
    answer="Yes: `exp` saved its result",
)

#: Those that can be understood without the lesson around them; `lesson.again` asks them anew.
ALONE = (
    shape_then_or_now,
    which_name,
    which_versions,
    before_gather,
)
