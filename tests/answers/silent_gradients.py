"""Wrong answers to lesson 9, by exercise: {what it tries: (source, words its message must hold)}."""

from functools import partial

from answers import but
from overwritten.lesson.exercises.silent_gradients import two_lines, verdicts

_but = partial(but, verdicts)
_lines = partial(but, two_lines)
_LOOP = """
def f(model, batches, optimizer):
    {start}
    for batch in batches:
        {each}
    {end}
"""
_ADDED = "model(torch.from_numpy(batch)).square().mean().backward()"


def _loop(each=_ADDED, start="optimizer.zero_grad()", end="optimizer.step()"):
    return _LOOP.format(start=start, each=each, end=end)


WRONG = {
    "verdicts": {
        "a right": (
            _but({"a": "right"}),
            "not 'right' for 'a': look again at `y = torch.sigmoid(x)`",
        ),
        "a wrong": (
            _but({"a": "wrong"}),
            "nobody notices `y[0] = 0.0`. Who counts that write? A hint: one counter",
        ),
        "b raises": (
            _but({"b": "raises"}),
            "the check compares saved tensors only, each with its version at the save. Here `w * x` saves `x` alone",
        ),
        "c wrong": (
            _but({"c": "wrong"}),
            "must come from a saved tensor that was written after its save. Here `w * batch` saves",
        ),
        "d raises": (
            _but({"d": "raises"}),
            "you say that the check notices `optimizer.step()`. Does it? A hint: it is a step with `fused=True`",
        ),
        "d right": (_but({"d": "right"}), "look again at `first, second = w.exp(), w.square()`"),
        "e wrong": (_but({"e": "wrong"}), "remember what `detach()` shares"),
        "f raises": (_but({"f": "raises"}), "`linear` saves `x` and `w`"),
        "g right": (_but({"g": "right"}), "look again at `score = (h * w).sum()`"),
        "h wrong": (
            _but({"h": "wrong"}),
            "nobody notices `optimizer.step()`. Who counts that write? A hint: a step runs under `no_grad`",
        ),
        "i raises": (
            _but({"i": "raises"}),
            "you say that the check notices `y += 1`. Does it? A hint: it moves the counter, but look at how",
        ),
        "i right": (_but({"i": "right"}), "look again at `y = x.exp()`"),
        "another word": (_but({"a": "fine"}), "you gave 'fine'"),
        "a list as a word": (_but({"a": ["raises"]}), "you gave ['raises']"),
    },
    "two_lines": {
        "exchanged": (_lines({"saver": 9, "writer": 5}), "the saver runs first"),
        "the maker": (_lines({"saver": 3}), "saves nothing that is overwritten later"),
        "the view": (_lines({"writer": 8}), "writes into no saved tensor"),
        "no line": (_lines({"writer": 90}), "give the number of a line"),
        "words": (_lines({"saver": "softmax"}), "give the number of a line"),
    },
    "one_step": {
        "the buffer": (
            _loop(
                "buffer[:] = batch; losses.append(model(torch.from_numpy(buffer)).square().mean())",
                "import numpy; buffer, losses = numpy.empty((4, 3), dtype='float32'), []",
                "optimizer.zero_grad(); sum(losses).backward(); optimizer.step()",
            ),
            "backward still reads the last batch",
        ),
        "a step each": (
            _loop(f"optimizer.zero_grad(); {_ADDED}; optimizer.step()", end="pass"),
            "a step after each batch",
        ),
        "zeroed each time": (
            _loop(f"optimizer.zero_grad(); {_ADDED}"),
            "only the last batch counts",
        ),
        "no step": (_loop(end="pass"), "have not moved"),
        "averaged": (
            _loop(_ADDED.replace("mean()", "mean().div(len(batches))")),
            "added, not averaged",
        ),
        "batches written": (_loop("batch *= 2; " + _ADDED), "belong to the caller"),
        "another loss": (_loop(_ADDED.replace("mean", "sum")), "not those of one step"),
    },
}
