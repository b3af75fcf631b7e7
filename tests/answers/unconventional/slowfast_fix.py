"""Lesson 7."""

from answers import but
from answers.unconventional import HOOKS, UNSAFE, body, inside, respelled, spelled
from overwritten.lesson.exercises.slowfast_fix import find_both, review

_scores = body("head, x")
_TWO = "x = F.relu(head.fc1(x))\nx = F.relu(head.fc2(x))\n"
_REST = "return head.cls_score(head.dropout(x))"
_OUT = "F.dropout(x, head.dropout.p, head.dropout.training)"
_BROKEN = _TWO + _REST

RIGHT = {
    "find_both": {
        "upper case": respelled(find_both, "w.upper()"),
        "spaces": respelled(find_both, "f' {w}  '"),
        "line": respelled(find_both, "'line ' + w"),
        "Line": respelled(find_both, "'Line ' + w.upper()"),
        "brackets": respelled(find_both, "f'({w})'"),
        "one bracket": respelled(find_both, "w + ')'"),
        "full stop": respelled(find_both, "w + '.'"),
        "quoted": respelled(find_both, "repr(w)"),
        "backticks": respelled(find_both, "f'`{w}`'"),
        "colon": respelled(find_both, "w + ':'"),
    },
    "mend_head": {
        "F.dropout": _scores(_TWO + f"x = {_OUT}\nreturn head.cls_score(x)"),
        "a clone": _scores(_TWO + "return head.cls_score(head.dropout(x.clone()))"),
        "times one": _scores(_TWO + "return head.cls_score(head.dropout(x * 1))"),
        "plus zero": _scores(_TWO + "return head.cls_score(head.dropout(x + 0))"),
        "dropout before the relu": _scores(
            "x = F.relu(head.fc1(x))\nreturn head.cls_score(F.relu(head.dropout(head.fc2(x))))"
        ),
        "a mask": _scores(
            _TWO
            + "mask = F.dropout(torch.ones_like(x), head.dropout.p, head.dropout.training)\nreturn head.cls_score(x * mask)"
        ),
        "another dropout": _scores(
            _TWO
            + "drop = nn.Dropout(head.dropout.p).train(head.training)\nreturn head.cls_score(drop(x))"
        ),
        "a copy of the layer": _scores(
            _TWO
            + "import copy\ndrop = copy.copy(head.dropout)\ndrop.inplace = False\nreturn head.cls_score(drop(x))"
        ),
        "sequential": _scores(
            "drop = nn.Dropout(head.dropout.p).train(head.training)\n"
            "return nn.Sequential(head.fc1, nn.ReLU(True), head.fc2, nn.ReLU(True), nn.Flatten(), drop, head.cls_score)(x)"
        ),
        "out of place for a moment": _scores(
            _TWO + "head.dropout.inplace, was = False, head.dropout.inplace\nx = head.dropout(x)\n"
            "head.dropout.inplace = was\nreturn head.cls_score(x)"
        ),
    },
    "review": spelled(review),
}
WRONG = {
    "find_both": {
        **{
            f"{q} is {w}": (but(find_both, {q: w}), f"message {q[0]}, the {q[3:]}")
            for q, w in [
                ("1: saver", "i"),
                ("1: saver", "g"),
                ("1: writer", "j"),
                ("2: saver", "e"),
                ("2: writer", "e"),
                ("2: writer", "b"),
            ]
        },
        "the module": (but(find_both, {"1: saver": "Sigmoid"}), "Sigmoid"),
        "a letter too far": (but(find_both, {"1: saver": "k"}), "k"),
        "two letters": (but(find_both, {"2: saver": "de"}), "de"),
        "a number": (but(find_both, {"2: writer": 6}), "6"),
    },
    "mend_head": {
        "as it was": (_scores(_BROKEN), "raises"),
        "relu in place": (
            _scores(
                _BROKEN.replace("fc2(x))", "fc2(x), inplace=True)").replace(
                    "head.fc2(x), inplace=True)", "head.fc2(x), inplace=True)"
                )
            ),
            "raises",
        ),
        "no dropout": (_scores(_TWO + "return head.cls_score(x)"), "ropout"),
        "a rate of one's own": (
            _scores(_TWO + "return head.cls_score(F.dropout(x, 0.5, head.training))"),
            "rate",
        ),
        "always on": (
            _scores(_TWO + "return head.cls_score(F.dropout(x, head.dropout.p))"),
            "eval",
        ),
        "cut off": (_scores(_TWO + "return head.cls_score(head.dropout(x.detach()))"), "gradient"),
        "through .data": (
            _scores(_TWO + "head.dropout(x.data)\nreturn head.cls_score(x)"),
            "no counter moved",
        ),
        "identity hooks": (_scores(inside(HOOKS, _BROKEN)), "the check is switched off"),
        "unsafe": (
            _scores(
                _TWO + UNSAFE.format("x") + "\n    x = head.dropout(x)\nreturn head.cls_score(x)"
            ),
            "the check is switched off",
        ),
        "one relu": (
            _scores("x = head.fc2(F.relu(head.fc1(x)))\nreturn head.cls_score(head.dropout(x))"),
            "ReLU",
        ),
    },
    "review": {
        "a mended": (but(review, {"a": "mended"}), "a is not"),
        "a same": (but(review, {"a": "same error"}), "a is not"),
        "b mended": (but(review, {"b": "mended"}), "b is not"),
        "b same": (but(review, {"b": "same error"}), "b is not"),
        "c mended": (but(review, {"c": "mended"}), "c is not"),
        "c moves": (but(review, {"c": "error moves"}), "c is not"),
        "d same": (but(review, {"d": "same error"}), "d is not"),
        "e mended": (but(review, {"e": "mended"}), "e is not"),
        "e moves": (but(review, {"e": "error moves"}), "e is not"),
        "another word": (but(review, {"e": "fixed"}), "fixed"),
    },
}
