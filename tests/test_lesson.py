"""Questions and exercises: three outcomes each, and a message for every mistake."""

import importlib
import re
import signal
import types
from html import unescape

import pytest
import torch

from conftest import LESSONS as PAGES
from overwritten import caught, predict
from overwritten.lesson import kept
from overwritten.lesson.exercise import Exercise, attempt
from overwritten.lesson.parsons import Order
from overwritten.lesson.questions.question import Question
from overwritten.lesson.show import plain, with_code

LESSONS = [path.stem[3:] for path in PAGES]
EXERCISES = {
    (lesson, name): exercise
    for lesson in LESSONS
    for name, exercise in importlib.import_module(
        f"overwritten.lesson.exercises.{lesson}"
    ).EXERCISES.items()
    if not isinstance(exercise, Order)  # these have tests of their own, in test_parsons
}
WRONG = {
    (lesson, name): cases
    for lesson in LESSONS
    for name, cases in importlib.import_module(f"answers.{lesson}").WRONG.items()
}
FUNCTIONS = {key: exercise for key, exercise in EXERCISES.items() if not exercise.questions}
each_exercise = pytest.mark.parametrize("key", EXERCISES, ids="-".join)
each_function = pytest.mark.parametrize("key", FUNCTIONS, ids="-".join)


def answer_of(source):
    """The function, or else the dict, that a learner's cell with this source defines."""
    names = {"torch": torch}
    exec(source, names)
    made = [v for k, v in names.items() if k not in ("__builtins__", "torch")]
    return next((v for v in made if callable(v)), made[-1])


def still_right(exercise):
    verdict = exercise.check(answer_of(exercise.solution().message))
    return (verdict.outcome, verdict.message) == ("right", "well done.")


@each_exercise
def test_unattempted_and_right(key):
    exercise = EXERCISES[key]
    assert exercise.check().outcome == "not attempted"
    if exercise.questions:
        assert exercise.check(dict.fromkeys(exercise.questions, ...)).outcome == "not attempted"
    else:
        assert exercise.check(lambda *a: ...).outcome == "not attempted"
    assert still_right(exercise)


@pytest.mark.parametrize(
    "key, source, words",
    [
        pytest.param(key, *case, id="-".join((*key, what)))
        for key, cases in WRONG.items()
        for what, case in cases.items()
    ],
)
def test_wrong_answers_get_the_message_meant_for_them(key, source, words):
    verdict = EXERCISES[key].check(answer_of(source))
    assert verdict.outcome == "wrong" and words in verdict.message, verdict
    assert still_right(EXERCISES[key]), "a wrong answer left something behind"


def raises(*arguments):
    raise ValueError("nope")


def exits(*arguments):
    raise SystemExit


def prints(*arguments):
    print("looking:", *arguments)


def mutates(*arguments):
    for tensor in arguments:
        if isinstance(tensor, torch.Tensor):
            tensor.data.fill_(7)


def wrong_shape(*arguments):
    return torch.zeros(3, 1, 4, 1, 5)


def a_list(*arguments):
    return [1]


def no_argument():
    return torch.ones(2)


BAD = [raises, exits, prints, mutates, wrong_shape, a_list, no_argument]


@each_function
@pytest.mark.parametrize("bad", BAD, ids=lambda f: f.__name__)
def test_bad_input_gets_a_sentence_and_leaves_nothing_behind(key, bad, capsys):
    exercise = FUNCTIONS[key]
    grad, state, threads = torch.is_grad_enabled(), torch.get_rng_state(), torch.get_num_threads()
    verdict = exercise.check(bad)
    assert (
        verdict.outcome == "wrong" and len(verdict.message) > 15 and "\n" not in verdict.message
    ), verdict
    assert torch.is_grad_enabled() == grad and torch.get_num_threads() == threads
    assert torch.equal(torch.get_rng_state(), state), "the check moved the learner's random state"
    assert still_right(exercise), "a wrong answer left something behind"


@each_function
def test_a_function_that_never_returns_can_be_interrupted(key):
    def for_ever(*arguments):
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while True:
            pass

    signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        verdict = FUNCTIONS[key].check(for_ever)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    assert verdict.outcome == "wrong" and "you stopped your function" in verdict.message
    assert still_right(FUNCTIONS[key])


@each_function
def test_a_learner_who_redefines_torch_hurts_only_themselves(key):
    verdict = FUNCTIONS[key].check(answer_of(f"{FUNCTIONS[key].solution().message}\ntorch = None"))
    assert verdict.outcome in ("right", "wrong")  # wrong only where the answer itself uses torch
    assert still_right(FUNCTIONS[key])


@each_function
@pytest.mark.parametrize("answer", [torch.ones(2), 3, "add_", None, [1]], ids=repr)
def test_an_answer_that_is_no_function(key, answer):
    verdict = FUNCTIONS[key].check(answer)
    assert verdict.outcome == "wrong" and f"you gave {type(answer).__name__}" in verdict.message


@pytest.mark.parametrize("key", [k for k, e in EXERCISES.items() if e.questions], ids="-".join)
def test_an_answer_that_is_no_dict_of_words(key):
    exercise, questions = EXERCISES[key], EXERCISES[key].questions
    for bad, words in [
        (print, "you gave builtin"),
        ({}, "has no entry"),
        (dict.fromkeys(questions, 3), "3"),
    ]:
        verdict = exercise.check(bad)
        assert verdict.outcome == "wrong" and words in verdict.message, verdict
    assert still_right(exercise)


def test_what_was_allocated_before_is_not_held_against_the_answer():
    two = torch.tensor(2.0)
    exercise = EXERCISES["storage_pointers", "double_and_one"]
    assert exercise.check(lambda x: x.mul_(two).add_(1)).outcome == "right"


def test_every_exercise_has_wrong_answers_and_hints():
    assert set(WRONG) == set(EXERCISES) and all(len(cases) >= 3 for cases in WRONG.values())
    for exercise in EXERCISES.values():
        first, second, third = exercise.hint(), exercise.hint(), exercise.hint()
        assert first.message != second.message == third.message


def test_verdicts_say_more_than_a_colour():
    exercise = Exercise(lambda f: "<b>no</b>" if attempt(f) else None, ("h",), "s")
    bundle = exercise.check(lambda: 1)._repr_mimebundle_()
    assert bundle["text/plain"] == "✗ wrong: <b>no</b>"
    assert "&lt;b&gt;no" in bundle["text/html"] and 'role="status"' in bundle["text/html"]


def test_below_a_verdict_help_is_folded():
    exercise = Exercise(lambda f: attempt(f) and "<b>no</b>", ("look `here`", "there"), "a < b")
    for verdict in (exercise.check(), exercise.check(lambda: 1)):
        html = verdict._repr_mimebundle_()["text/html"]
        heads = re.findall(r"<details><summary[^>]*>(.+?)</summary>", html)
        assert heads == ["Hint 1", "Hint 2", "Solution"]
        assert "<p>look <code>here</code></p>" in html and "<pre>a &lt; b</pre>" in html
        status = html[html.index('role="status"') :].partition("</div>")[0]
        assert "look" not in status, "a screen reader would read it all out"
    html = exercise.check(lambda: 0)._repr_mimebundle_()["text/html"]
    assert "Hint" not in html and html.count("<details>") == 1 and "Compare with ours" in html
    assert "<details" not in exercise.hint()._repr_mimebundle_()["text/html"]


def test_a_question_answers_each_choice():
    question = predict(Question("`1 + 1`?", {"1": "Count.", "2": "Yes.", "3": "Less."}, "2"))
    assert question.choose("2") == "✓ Right. Yes." and question.choose("1") == "✗ Not so. Count."
    html = question._repr_mimebundle_()["text/html"]
    assert html.count("<details") == 3 and html.count("✓") == 1 and "<code>1 + 1</code>" in html
    with pytest.raises(KeyError):
        question.choose("4")


@pytest.mark.parametrize(
    "words, html",
    [
        ("It *is* so.", "It <em>is</em> so."),
        ("The **writer** and the *saver*", "The <strong>writer</strong> and the <em>saver</em>"),
        ("**no `x * y` here**", "<strong>no <code>x * y</code> here</strong>"),
        ("*a < b*", "<em>a &lt; b</em>"),
        ("2 * x * y and a*b*c and *args, **kwargs", None),
        ("`2 *x* y` and `**a**`", "<code>2 *x* y</code> and <code>**a**</code>"),
        ("`f(*a)` or `g(*b)`", "<code>f(*a)</code> or <code>g(*b)</code>"),
    ],
)
def test_emphasis_is_set_outside_of_code(words, html):
    assert with_code(words) == (html or words)
    bare = re.sub("</?(em|strong)>", "", html or words)
    assert plain(words) == unescape(re.sub("</?code>", "`", bare))


def test_no_asterisk_of_a_question_is_shown():
    asked = predict(Question("*Is* it?", {"**1**": "*No*.", "2": "Yes.", "3": "N."}, "2"))
    shown = asked._repr_mimebundle_()
    assert "*" not in shown["text/plain"] + re.sub(
        "<(style|script).*?</\\1>", "", shown["text/html"]
    )
    assert asked.choose("**1**") == "✗ Not so. No."


def test_caught(capsys):
    with caught():
        raise RuntimeError("as expected")
    with caught():
        pass
    assert capsys.readouterr().out == "RuntimeError: as expected\nNo error.\n"
    with pytest.raises(TypeError), caught():
        raise TypeError


def test_caught_in_a_notebook(capsys, monkeypatch):
    shown = []
    monkeypatch.setattr(kept, "shell", lambda: types.SimpleNamespace(kernel=1))
    monkeypatch.setattr("IPython.display.display", shown.append)
    with caught():
        raise RuntimeError("a < b")
    (bundle,) = (one._repr_mimebundle_() for one in shown)
    assert bundle["text/plain"] == "RuntimeError: a < b" and capsys.readouterr().out == ""
    assert "white-space:pre-wrap" in bundle["text/html"] and "a &lt; b</pre>" in bundle["text/html"]
