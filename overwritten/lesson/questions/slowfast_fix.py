"""The questions of lesson 7, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

packed_bits = Question(
    "`np.packbits` packs 14 zeros and ones, `np.unpackbits` unpacks the bytes. How many numbers come out?",
    {
        "14: unpacking undoes packing": "The bytes do not know how many of their bits you meant.",
        "112: a byte for each": "That is what `unpackbits` makes of 14 bytes. Packing made two.",
        "16: two whole bytes": "14 bits need two bytes, the rest is filled with zeros. So the network gets 16 classes, two of which nobody ever has.",
    },
    answer="16: two whole bytes",
)

first_to_notice = Question(
    "Tests of the data, a forward in eval mode, a forward in training mode, a backward. Which is the first that can notice the fault?",
    {
        "The forward in eval mode: it runs every layer": "It runs them, but nothing is checked in a forward; and a dropout does nothing in eval mode.",
        "The backward": "The check stands in backward, where a saved tensor is taken out. A project can pass every test without one.",
        "The forward in training mode": "There the write happens. But a write into a saved tensor is allowed; only whoever takes it out again looks at its version.",
        "The tests of the data: the labels are not right": "They are right, and they are not in the graph at all.",
    },
    answer="The backward",
)

where_can_it_be = Question(
    "A saved tensor of shape `[N, 1024]` was overwritten. Where can it be?",
    {
        "Behind the pathways, where there is one row for each person": "Two dimensions: a row for each box and 1024 features. Video has gone by then.",
        "In a lateral connection, flattened to two dimensions": "It is one `Conv3d`, its result goes into `torch.cat` as it is, with five dimensions.",
        "In the slow pathway: 1024 channels are typical for its late layers": "Typical, yes. But those are channels of a video: `[clips, 1024, frames, rows, columns]`.",
        "It cannot be told from a shape": "Not which line, but which part of the network: a shape excludes every tensor that has another.",
    },
    answer="Behind the pathways, where there is one row for each person",
)

changes_the_message = Question(
    "Which of the four changes anything in the message?",
    {
        "The frozen batch norms: they are no longer written in training": "They lie in the backbone. The tensor in the message does not.",
        "The ResNet-101: more layers, more versions": "More layers are more tensors, each with a counter of its own. This one's counter does not hear of them.",
        "No interaction structure: it stands right before the head": "Before, yes: it hands in `[N, 48]`, out of place. What happens to `[N, 1024]` comes later.",
        "The batch of 2: fewer clips, fewer persons": "N is the number of boxes in the batch. That is all it changes.",
    },
    answer="The batch of 2: fewer clips, fewer persons",
)

anomaly_lines = Question(
    "Anomaly mode prints the forward lines of the node whose backward failed. Will the line that wrote be among them?",
    {
        "No: it prints the line that saved": "It finds half of the pair. That half already lies in the head.",
        "Yes: it prints the whole way to the failure": "It prints the stack of one call in the forward: the one that saved. The write came later, in another call.",
        "Neither: it prints the line of `losses.backward()`": "An ordinary traceback ends there. Anomaly mode adds the forward lines.",
    },
    answer="No: it prints the line that saved",
)

two_lines = Question(
    "What do these two lines do, put in as they are?",
    {
        "They cure it: the head gets storages that nobody saved": "The head makes tensors of its own from them, and it is one of these that is overwritten.",
        "Another error, in the forward": "A list comprehension over a tensor gives a list of clips, and a list has no `mean`.",
        "The same error in backward": "So it would be with `slow_features.clone()`. But look at what the brackets make of a tensor.",
    },
    answer="Another error, in the forward",
)

one_change = Question(
    "Which single change mends the training and keeps what the network computes?",
    {
        "`inplace=False` in all ReLUs of the backbone": "You have just run that: the same message. They wrote over nothing that was saved.",
        "`F.relu(…, inplace=True)` in the head, so that saver and writer agree": "It would write before it saves: version 1 at the save, 2 after the dropout. The error moves by one.",
        "`inplace=False` in the dropout": "The dropout then puts its result into a new storage, and what ReLU saved stays as it was.",
        "`self.dropout(x)` before `x.view(…)`": "A view has no storage of its own. Before or after it, the dropout writes into the same one.",
    },
    answer="`inplace=False` in the dropout",
)

relu_in_the_head = Question(
    "The head gets this ReLU; the dropout writes in place as before. What happens?",
    {
        "No error, and the right gradient": "ReLU's input lies in another storage. The dropout's write meets nothing that is saved.",
        "The same error: the dropout still writes into ReLU's result": "It does. But who has saved that result now?",
        "No error, but a wrong gradient: the write is hidden": "Nothing is hidden. What backward needs, the input, is untouched.",
    },
    answer="No error, and the right gradient",
)
