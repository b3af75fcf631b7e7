"""Questions and exercises: three outcomes each, and a message for every mistake."""

import pytest
import torch

from overwritten import caught, predict
from overwritten.lesson.exercise import Exercise, attempt
from overwritten.lesson.storage_pointers import EXERCISES

WRONG = {
    "add_in_place": {
        "x = x + k": ("def f(x, k):\n    x = x + k\n    return x", "a storage of its own"),
        "no return": ("def f(x, k):\n    x += k", "returns None"),
        ".data": ("def f(x, k):\n    x.data += k\n    return x", "went behind PyTorch's back"),
        "numpy": ("def f(x, k):\n    x.numpy()[:] += k\n    return x", "went behind PyTorch's back"),
        "nothing": ("def f(x, k):\n    return x", "x holds [1.0, 1.0"),
        "fits one case": ("def f(x, k):\n    return x.fill_(6)", "plus -2.0 is"),
        "set_": ("def f(x, k):\n    return x.set_(x + k)", "x itself now looks at another storage"),
        "x.data =": ("def f(x, k):\n    x.data = x + k\n    return x", "x itself now looks at another storage"),
        "clone": ("def f(x, k):\n    return x.add_(k).clone()", "`clone` allocate one"),
        "sparse": ("def f(x, k):\n    return x.to_sparse()", "an ordinary one is asked for"),
        "a view": ("def f(x, k):\n    x += k\n    return x[:]", "a second tensor"),
        "a list": ("def f(x, k):\n    return [1]", "returns list"),
        "raises": ("def f(x, k):\n    return x.nope()", "raised AttributeError"),
        "exits": ("def f(x, k):\n    raise SystemExit", "raised SystemExit"),
        "interrupted": ("def f(x, k):\n    raise KeyboardInterrupt", "you stopped your function"),
        "wrong arguments": ("def f():\n    return 1", "raised TypeError"),
    },
    "copy_column": {
        "slice": ("def f(grid, i):\n    return grid[:, i]", "still looks at the grid's bytes"),
        ".detach()": ("def f(grid, i):\n    return grid[:, i].detach()", "make a new label, not new bytes"),
        ".data": ("def f(grid, i):\n    return grid.data[:, i]", "make a new label, not new bytes"),
        "contiguous": ("def f(grid, i):\n    return grid[:, i].contiguous()", "copy only when they must"),
        "whole grid": ("def f(grid, i):\n    return grid.clone()[:, i]", "keeps 36 B alive for 12 B"),
        "mutates": ("def f(grid, i):\n    grid.zero_()\n    return grid[:, i].clone()", "changed the grid itself"),
        "row": ("def f(grid, i):\n    return grid[i].clone()", "column 1 of [[0.0, 1.0"),
        "last": ("def f(grid, i):\n    return grid[:, -1].clone()", "column 1 of"),
        "shape": ("def f(grid, i):\n    return torch.zeros(7)", "column 1 of"),
        "dtype": ("def f(grid, i):\n    return grid[:, i].double()", "of the grid's dtype"),
        "numpy": ("def f(g, i):\n    return torch.from_numpy(g.numpy()[:, i])", "make a new label, not new bytes"),
    },
    "double_and_one": {
        "expression": ("def f(x):\n    return x * 2 + 1", "allocated 2 new storage(s), 8,000 B"),
        "half": ("def f(x):\n    x *= 2\n    return x + 1", "allocated 1 new storage(s), 4,000 B"),
        "copy_": ("def f(x):\n    return x.copy_(x * 2 + 1)", "allocated 2 new storage(s)"),
        ".data": ("def f(x):\n    x.data.mul_(2).add_(1)\n    return x", "went behind PyTorch's back"),
        "a view": ("def f(x):\n    return x.mul_(2).add_(1)[:]", "a second tensor"),
        "wrong number": ("def f(x):\n    return x.mul_(2)", "for x = 3 the answer is 7"),
        "none": ("def f(x):\n    x *= 2\n    x += 1", "returns None"),
    },
}


def function(source):
    names = {"torch": torch}
    exec(source, names)
    return next(v for k, v in names.items() if callable(v) and k not in ("__builtins__", "torch"))


@pytest.mark.parametrize("name", EXERCISES)
def test_unattempted_and_right(name):
    exercise = EXERCISES[name]
    assert exercise.check().outcome == "not attempted"
    assert exercise.check(lambda *a: ...).outcome == "not attempted"
    verdict = exercise.check(function(exercise.solution().message))
    assert (verdict.outcome, verdict.message) == ("right", "well done.")


@pytest.mark.parametrize("name, source, words", [(n, *case) for n, cases in WRONG.items() for case in cases.values()])
def test_wrong_answers_get_the_message_meant_for_them(name, source, words):
    verdict = EXERCISES[name].check(function(source))
    assert verdict.outcome == "wrong" and words in verdict.message
    again = EXERCISES[name].check(function(EXERCISES[name].solution().message))
    assert again.outcome == "right", "a wrong answer left something behind"


def test_what_was_allocated_before_is_not_held_against_the_answer():
    two = torch.tensor(2.0)
    assert EXERCISES["double_and_one"].check(lambda x: x.mul_(two).add_(1)).outcome == "right"


def test_every_exercise_has_wrong_answers_and_hints():
    assert set(WRONG) == set(EXERCISES) and all(len(cases) >= 3 for cases in WRONG.values())
    for exercise in EXERCISES.values():
        first, second, third = exercise.hint(), exercise.hint(), exercise.hint()
        assert first.message != second.message == third.message


def test_an_answer_that_is_no_function():
    verdict = EXERCISES["add_in_place"].check(torch.ones(2))
    assert verdict.outcome == "wrong" and "you gave Tensor" in verdict.message


def test_a_learner_who_redefines_torch_hurts_only_themselves():
    source = "torch = None\ndef f(x, k):\n    return x.add_(k)"
    assert EXERCISES["add_in_place"].check(function(source)).outcome == "right"


def test_verdicts_say_more_than_a_colour():
    exercise = Exercise(lambda f: "<b>no</b>" if attempt(f) else None, ("h",), "s")
    bundle = exercise.check(lambda: 1)._repr_mimebundle_()
    assert bundle["text/plain"] == "✗ wrong: <b>no</b>"
    assert "&lt;b&gt;no" in bundle["text/html"] and 'role="status"' in bundle["text/html"]


def test_a_question_answers_each_choice():
    question = predict("`1 + 1`?", {"1": "Count.", "2": "Yes.", "3": "Less."}, answer="2")
    assert question.choose("2") == "✓ Right. Yes." and question.choose("1") == "✗ Not so. Count."
    html = question._repr_mimebundle_()["text/html"]
    assert html.count("<details") == 3 and html.count("✓") == 1 and "<code>1 + 1</code>" in html
    with pytest.raises(KeyError):
        question.choose("4")


def test_a_question_must_be_one():
    with pytest.raises(ValueError, match="not among the choices"):
        predict("?", {"a": "x", "b": "x", "c": "x"}, answer="d")
    with pytest.raises(ValueError, match="at least three"):
        predict("?", {"a": "x", "b": ""}, answer="a")


def test_caught(capsys):
    with caught():
        raise RuntimeError("as expected")
    with caught():
        pass
    assert capsys.readouterr().out == "RuntimeError: as expected\nNo error.\n"
    with pytest.raises(TypeError), caught():
        raise TypeError
