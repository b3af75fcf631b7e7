"""The questions of lesson 7, in the order in which it asks them."""

from overwritten.lesson.questions.question import Question

first_to_notice = Question(
    "Tests of the data, a forward in eval mode, a forward in training mode, a backward. Which is the first that can notice the fault?",
    {
        "The forward in eval mode: it runs every layer": "It runs them, but a forward checks no saved tensor; and in eval mode a dropout writes nothing.",
        "The backward": "PyTorch checks in backward, when it reads a saved tensor. Tests that never run a backward can all pass.",
        "The forward in training mode": "There the write happens. But a write into a saved tensor is allowed; only backward compares its version.",
        "The tests of the data: the labels are wrong": "They are right, and no operation has overwritten them.",
    },
    answer="The backward",
)

where_can_it_be = Question(
    "A saved tensor of shape `[N, 1024]` was overwritten. Where can it be?",
    {
        "Behind the pathways, where there is one row for each person": "Two dimensions: a row for each box, and 1024 features. By then the dimensions of the video are gone.",
        "In a lateral connection, flattened to two dimensions": "It is one `Conv3d`, and its result goes into `torch.cat` as it is, with five dimensions.",
        "In the slow pathway: 1024 channels are typical for its late layers": "Typical, yes. But those are channels of a video: `[clips, 1024, frames, rows, columns]`.",
        "It cannot be told from a shape": "Not which line, but which part of the network: it excludes every saved tensor of another shape.",
    },
    answer="Behind the pathways, where there is one row for each person",
)

changes_the_message = Question(
    "Which of the four changes anything in the message?",
    {
        "The frozen batch norms: they are no longer written in training": "They are in the backbone. The tensor in the message is not.",
        "The ResNet-101: more layers, more versions": "More layers are more tensors, each with a counter of its own. They do not move this one's counter.",
        "No interaction structure: it comes right before the head": "Before, yes: it passes on `[N, 48]`, out of place. What happens to `[N, 1024]` comes later.",
        "The batch of 2: fewer clips, fewer persons": "N is the number of boxes in the batch. That is all it changes.",
    },
    answer="The batch of 2: fewer clips, fewer persons",
)

one_change = Question(
    "Which single change repairs the training and keeps what the network computes?",
    {
        "`inplace=False` in all ReLUs of the backbone": "You have just run that: the same message. They overwrote nothing that was saved.",
        "`F.relu(…, inplace=True)` in the head, so that saver and writer agree": "It would write before it saves: version 1 at the save, 2 after the dropout. The same error, one version later.",
        "`inplace=False` in the dropout": "The dropout then puts its result into a new storage, and what ReLU saved stays as it was.",
        "`self.dropout(x)` before `x.view(…)`": "A view has no storage of its own. Before or after it, the dropout writes into the same one.",
    },
    answer="`inplace=False` in the dropout",
)

relu_in_the_head = Question(
    "The head gets this ReLU; the dropout writes in place as before. What happens?",
    {
        "No error, and the right gradient": "ReLU's input lies in another storage. The dropout overwrites nothing that is saved.",
        "The same error: the dropout still writes into ReLU's result": "It does. But has anything saved that result now?",
        "No error, but a wrong gradient: the write is hidden": "Nothing is hidden. What backward needs, the input, is untouched.",
    },
    answer="No error, and the right gradient",
)

#: Those that can be understood without the lesson around them; `lesson.again` asks them anew.
ALONE = (where_can_it_be,)
