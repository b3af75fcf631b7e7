"""The exercises of lesson 7. Each check runs real modules."""

from __future__ import annotations

from functools import cache

import torch
from torch import nn
from torch.nn import functional as F

from overwritten.lesson.checking import beside_twin, plain
from overwritten.lesson.exercise import Exercise, attempt
from overwritten.lesson.exercises.orders import order_head
from overwritten.lesson.shows.slowfast_messages import (
    FORWARD,
    LETTERS,
    REPORTED,
    messages,
    parts,
    short,
    stories,
)
from overwritten.lesson.shows.slowfast_network import network, try_out
from overwritten.lesson.shows.slowfast_player import Player
from overwritten.record.recorder import record

__all__ = [
    "EXERCISES", "FORWARD", "PROPOSALS", "REPORTED", "VERDICTS", "Head", "Player", "broken_scores",
    "find_both", "mend_head", "messages", "network", "parts", "review", "try_out",
]  # fmt: skip

# Exercise 1: two messages from one forward

_QUESTIONS = tuple(f"{number}: {role}" for number in (1, 2) for role in ("saver", "writer"))


def _finds_both(answer):
    for number, (message, saver, writer) in enumerate(stories(), 1):
        shape = message.shape
        for role, truth in (("saver", saver), ("writer", writer)):
            given = answer[f"{number}: {role}"]
            said = plain(given).removeprefix("line ")
            if said not in LETTERS:
                asked = f"a to j, for '{number}: {role}'"
                return f"give the letter of a line, {asked}; you gave {given!r}."
            if said != truth:
                return f"message {number}, the {role}: not {said}, `{LETTERS[said]}`. {_why_not(role, said, saver, writer, shape)}"


def _why_not(role, said, saver, writer, shape):
    if said in (saver, writer):
        return "You have the two the wrong way round: the saver comes first and is the one the message names."
    if role == "saver":
        named = f"the operation whose result is {list(shape)}"
        return f"The message names {named}: which line calls it?"
    if said == "e":
        return "A view is another name for the same storage; it writes nothing."
    if said < saver:
        return "That line runs before the save; what came before it cannot have overwritten it."
    line = LETTERS[said]
    if not any(sign in line for sign in ("+=", "inplace=True", "] =")):
        return "That line makes a new tensor. Look for a line that writes into one that is there."
    return f"It writes, but into a tensor of another shape: the message says {list(shape)}."


# Exercise 2: mend the head


class Head(nn.Module):
    """fc1, fc2, dropout, cls_score, as in upstream's head; p is the dropout's rate."""

    def __init__(self, p=0.3, inplace=True):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(48, 1024), nn.Linear(1024, 1024)
        self.dropout, self.cls_score = nn.Dropout(p, inplace=inplace), nn.Linear(1024, 16)


def broken_scores(head, x):
    """As upstream's two files have it, in one function."""
    x = F.relu(head.fc1(x))
    x = F.relu(head.fc2(x))
    x = x.view(x.size(0), -1)
    x = head.dropout(x)
    return head.cls_score(x)


def _mends_head(answer):
    for p, persons, training in ((0.3, 4, True), (0.5, 1, True), (0.3, 2, False)):
        start = torch.randn(persons, 48)

        def theirs(head, x):
            return _seeded(lambda: attempt(answer, head, x))

        def twin(head, x):
            head.dropout.inplace = False
            return _seeded(lambda: broken_scores(head, x))

        seen = beside_twin(theirs, twin, [Head(p).train(training), start])
        head = seen.mine[0]
        if head.training != training or head.dropout.training != training:
            return "your function switches the head between training and eval mode, and so the dropout off: leave the mode as it is."
        if not isinstance(head.dropout, nn.Dropout) or head.dropout.p != p:
            return f"the head came with a dropout of rate {p} and leaves with another: the rate is not to be touched."
        if mistake := seen.mistake(
            kind="return the scores; your function returns {kind}.",
            shape=f"{persons} persons and 16 classes make scores of [{persons}, 16]; yours are {list(getattr(seen.result, 'shape', ()))}.",
            values=_other(seen, start, p, training),
            raises=_still(seen),
            history="the scores have no history: nothing will learn.",
            gradient="right scores, but a gradient is not that of the out-of-place twin.",
        ):
            return mistake


def _seeded(run):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)
        return run()


def _still(seen):
    if seen.diagnosis is None:
        return ""
    message = seen.diagnosis.message
    if message.expected:
        return (
            f"backward still raises, now with version {message.now}, expected {message.expected}: a ReLU in place writes once more "
            "before it saves. The error has moved, the dropout still writes afterwards."
        )
    if message.op != "Relu":
        return f"backward still raises, now over {message.op}: it saved its result as ReLU did, and the dropout still writes into it."
    return f"backward still raises ({short(message)}): what ReLU saved is still what the dropout writes into."


def _other(seen, start, p, training):
    if seen.fault() != "values":
        return ""
    if not training:
        return "in eval mode the dropout must do nothing: pass on `head.training`, or call `head.dropout`."
    twin, scores = seen.its[0], seen.result
    first = F.relu(twin.fc1(start))
    hidden = F.relu(twin.fc2(first))
    if torch.allclose(scores, twin.cls_score(hidden)):
        return "the scores are those without any dropout: the dropout must stay."
    for rate in (0.3, 0.5):
        if torch.allclose(scores, _seeded(lambda: twin.cls_score(F.dropout(hidden, rate)))):
            return f"this head's dropout has the rate {p}, you dropped with {rate}: take it from the head, as in `head.dropout.p`."
    return "other scores than those of the head with a dropout out of place: keep both ReLUs, the dropout and their order."


# Exercise 3: review five proposals

#: What each makes of the three lines between fc1 and cls_score.
PROPOSALS = {
    "a": "x = F.relu(fc2(x), inplace=True)\nx = F.dropout(x, 0.3, inplace=True)",
    "b": "x = torch.tanh(fc2(x))\nx = F.dropout(x, 0.3, inplace=True)",
    "c": "x = F.relu(fc2(x))\nx = F.dropout(x, 0.3, inplace=True).clone()",
    "d": "x = F.relu(fc2(x)).clone()\nx = F.dropout(x, 0.3, inplace=True)",
    "e": "x = F.relu(fc2(x)).detach()\nx = F.dropout(x, 0.3, inplace=True)",
}
_SHIPPED = "x = F.relu(fc2(x))\nx = F.dropout(x, 0.3, inplace=True)"
_TWIN = "x = F.relu(fc2(x))\nx = F.dropout(x, 0.3)"
VERDICTS = ("mended", "same error", "error moves", "silenced")
_START = "fc2, cls = nn.Linear(48, 1024), nn.Linear(1024, 16)\nx = torch.randn(4, 48)\n"
_END = "\ncls(x).square().sum().backward()"


@cache
def _verdict(name):
    """(one of VERDICTS, the message or None), measured."""
    run, twin, shipped = (
        record(_START + code + _END) for code in (PROPOSALS[name], _TWIN, _SHIPPED)
    )
    if run.error:
        return ("same error" if run.message == shipped.message else "error moves"), run.message
    return ("mended" if run.gradients == twin.gradients else "silenced"), None


def _reviews(answer):
    for name in PROPOSALS:
        said, (truth, message) = plain(answer[name]), _verdict(name)
        if said not in VERDICTS:
            return f"give one of {', '.join(map(repr, VERDICTS))} for {name!r}; you gave {answer[name]!r}."
        if said != truth:
            return f"{name} is not {said!r}. {_about(name, truth, message)}"


def _about(name, truth, message):
    if truth == "same error":
        return "A copy made after the write protects nothing: part by part it is the message of the head as shipped."
    if truth == "error moves":
        return f"It raises, but with another message: {short(message)}. Who saves there, and does the dropout still write?"
    if truth == "mended":
        return "The dropout writes into a storage that nobody saved; all gradients are the twin's."
    return "No error comes, and `fc2` learns otherwise than in the out-of-place twin. Which step of the way back is missing?"


find_both = Exercise(
    _finds_both,
    (
        "First the shape: which lines make a tensor of it? Then the operation: which of them saved its own result?",
        "The writer comes after the saver and writes into the same storage, maybe through a view: `+=`, `inplace=True`, `[…] =`.",
    ),
    'answers = {"1: saver": "h", "1: writer": "i", "2: saver": "d", "2: writer": "f"}',
    questions=_QUESTIONS,
)

mend_head = Exercise(
    _mends_head,
    (
        "Nothing is wrong with ReLU or with the view. Which line writes into what ReLU saved?",
        "Let the dropout put its result elsewhere: out of place, with the head's own rate and mode; or give it a copy.",
    ),
    "def scores(head, x):\n"
    "    x = torch.relu(head.fc1(x))\n"
    "    x = torch.relu(head.fc2(x))\n"
    "    head.dropout.inplace = False\n"
    "    return head.cls_score(head.dropout(x))",
)

review = Exercise(
    _reviews,
    (
        "Ask of each: who saves what, and does the dropout still write into that storage? If so, what would the message say?",
        "Where no error comes, follow backward from `cls` to `fc2`: is every step recorded?",
    ),
    'answers = {"a": "error moves", "b": "error moves", "c": "same error", "d": "mended", "e": "silenced"}',
    questions=tuple(PROPOSALS),
)

#: By the name the lesson uses; the tests run every one unattempted, wrong and right.
EXERCISES = {
    "order_head": order_head,
    "find_both": find_both,
    "mend_head": mend_head,
    "review": review,
}
