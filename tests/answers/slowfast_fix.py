"""Wrong answers to lesson 7, by exercise: {what it tries: (source, words its message must hold)}."""

from functools import partial

from answers import but
from overwritten.lesson.exercises.slowfast_fix import find_both, review

_found, _review = partial(but, find_both), partial(but, review)
_MLP = "    x = torch.relu(head.fc1(x))\n    x = torch.relu(head.fc2(x))\n"
_DROP = "torch.nn.functional.dropout"


def _head(rest, mlp=_MLP):
    return f"def scores(head, x):\n{mlp}    " + rest.replace("; ", "\n    ")


WRONG = {
    "find_both": {
        "the other way round": (_found({"1: saver": "i", "1: writer": "h"}), "the wrong way round"),
        "another result": (_found({"1: saver": "g"}), "which line calls it?"),
        "the view writes": (_found({"2: writer": "e"}), "A view is another name"),
        "before the save": (_found({"2: writer": "b"}), "runs before the save"),
        "out of place": (_found({"2: writer": "g"}), "makes a new tensor"),
        "another shape": (
            _found({"2: writer": "i"}),
            "into a tensor of another shape: the message says [4, 64]",
        ),
        "a word": (_found({"2: saver": "relu"}), "you gave 'relu'"),
        "a list": (_found({"2: saver": ["a"]}), "you gave ['a']"),
    },
    "mend_head": {
        "as it was": (
            _head("return head.cls_score(head.dropout(x.view(len(x), -1)))"),
            "what ReLU saved is still what the dropout writes into",
        ),
        "ReLU in place": (
            _head("return head.cls_score(head.dropout(x))", _MLP.replace("relu", "relu_")),
            "version 2, expected 1",
        ),
        "tanh": (
            _head(
                "return head.cls_score(head.dropout(x))",
                _MLP.replace("relu(head.fc2", "tanh(head.fc2"),
            ),
            "keep both ReLUs",
        ),
        "clone too late": (
            _head("return head.cls_score(head.dropout(x).clone())"),
            "still what the dropout writes into",
        ),
        "detach": (
            _head("return head.cls_score(head.dropout(x.detach()))"),
            "`.detach()` cuts the history",
        ),
        ".data": (
            _head("head.dropout(x.data); return head.cls_score(x)"),
            "no counter moved",
        ),
        "no_grad": (
            f"def scores(head, x):\n    with torch.no_grad():\n    {_MLP.replace(chr(10) + '    ', chr(10) + '        ')}"
            "        return head.cls_score(head.dropout(x))",
            "under `no_grad` nothing is recorded",
        ),
        "no dropout": (_head("return head.cls_score(x)"), "without any dropout"),
        "rate 0": (
            _head("head.dropout.p = 0.0; return head.cls_score(head.dropout(x))"),
            "the rate is not to be touched",
        ),
        "eval": (
            _head("head.eval(); return head.cls_score(head.dropout(x))"),
            "leave the mode as it is",
        ),
        "fixed rate": (
            _head(f"return head.cls_score({_DROP}(x, 0.3, head.training))"),
            "take it from the head",
        ),
        "always on": (
            _head(f"return head.cls_score({_DROP}(x, head.dropout.p))"),
            "in eval mode the dropout must do nothing",
        ),
        "no ReLU": (
            _head(
                "return head.cls_score(head.dropout(x.clone()))",
                "    x = head.fc2(torch.relu(head.fc1(x)))\n",
            ),
            "keep both ReLUs",
        ),
        "no return": (_head("head.cls_score(head.dropout(x.clone()))"), "returns NoneType"),
        "the features": (
            _head("return head.dropout(x.clone())"),
            "make scores of [4, 16]; yours are [4, 1024]",
        ),
    },
    "review": {
        "a mended": (_review({"a": "mended"}), "version 2, expected 1"),
        "a same": (_review({"a": "same error"}), "another message"),
        "b mended": (_review({"b": "mended"}), "output 0 of Tanh"),
        "c mended": (_review({"c": "mended"}), "protects nothing"),
        "d same": (_review({"d": "same error"}), "a storage that nobody saved"),
        "e mended": (_review({"e": "mended"}), "`fc2` learns otherwise"),
        "e same": (_review({"e": "same error"}), "No error comes"),
        "another word": (_review({"a": "fine"}), "you gave 'fine'"),
        "a list as a word": (_review({"a": ["mended"]}), "you gave ['mended']"),
    },
}
