"""Lines put in order: every right order is accepted, every other gets a sentence, none is lost."""

import importlib
import itertools
import re
import types

import pytest
import torch

from conftest import LESSONS, ROOT
from overwritten.lesson import kept
from overwritten.lesson.exercises import orders
from overwritten.lesson.parsons import MAX_LINES, Order
from overwritten.lesson.store import Store

ORDERS = {name: one for name, one in vars(orders).items() if isinstance(one, Order)}
each_order = pytest.mark.parametrize("name", ORDERS)


@pytest.fixture(autouse=True)
def own_store(monkeypatch):
    """begin(path): as after a restart with that file; None for memory alone."""

    def begin(path=None):
        monkeypatch.setattr(kept, "STORE", Store(path))

    begin()
    return begin


def right(order):
    return order.solution().message.splitlines()


def moved(lines, line, place):
    rest = [one for one in lines if one != line]
    return [*rest[:place], line, *rest[place:]]


@each_order
def test_the_solution_is_right_and_the_lines_as_shown_are_not(name):
    order, lines = ORDERS[name], right(ORDERS[name])
    assert order.check().outcome == "not attempted"
    assert 5 <= len(lines) <= 9 and len(set(lines)) == len(lines) and order.lines != lines
    assert order.check(lines).message == "well done."
    assert order.check([order.lines.index(line) for line in lines]).outcome == "right"
    assert order.check(list(range(len(lines)))).outcome == "wrong"


def test_each_lesson_from_2_to_7_has_one_and_shows_it_first():
    shown = []
    for path in LESSONS[1:7]:
        source = (ROOT / "lessons_src" / f"{path.stem}.py").read_text("utf8")
        turn = source[source.index("Your turn") :]
        module = importlib.import_module(f"overwritten.lesson.exercises.{path.stem[3:]}")
        own = [name for name, one in module.EXERCISES.items() if isinstance(one, Order)]
        assert own and all(f"\nexercises.{one}\n" in turn for one in own)
        assert turn.index(f"exercises.{own[0]}.check()") < turn.index("Exercise 1.")
        shown += own
    assert sorted(shown) == sorted(ORDERS)


#: order → another right order, as (line, its other place); the rest keep theirs.
ALSO_RIGHT = {
    "order_save": [("keep = x < 1", 0), ("keep = x < 1", 2)],
    "order_block": [("active = (inner > 0).sum()", 2), ("active = (inner > 0).sum()", 6)],
    "order_step": [("optimizer.zero_grad()", 1), ("optimizer.zero_grad()", 2)],
    "order_gan": [("opt_d.zero_grad()", 0), ("opt_d.zero_grad()", 1)],
    "order_sum": [("largest = z.detach().max()", 6), ("y += 1", 2)],
    "order_loss": [("boxes = anchors + deltas", 3)],
    "order_head": [("labels = labels * 0.9 + 0.05", 0)],
}


@each_order
def test_every_right_order_is_accepted(name):
    for line, place in ALSO_RIGHT[name]:
        lines = moved(right(ORDERS[name]), line, place)
        assert lines != right(ORDERS[name]) and ORDERS[name].check(lines).outcome == "right"


#: (order, line, where it goes, words that the reason must hold).
WRONG = [
    ("order_save", "y.zero_()", 4, "`y = x.exp()` saved, and `y.zero_()` wrote over it"),
    ("order_save", "scaled *= keep", 4, "`x.grad` is not the right gradient."),
    ("order_save", "y = x.exp()", 5, "line 2, `scaled = y * 3`, uses `y` before any line"),
    ("order_block", "y += h", 4, "`out = F.relu_(y)` saved, and `y += h` wrote over it"),
    ("order_block", "out = F.relu_(y)", 3, "`out = F.relu_(y)` saved, and `y += h` wrote"),
    ("order_step", "optimizer.step()", 3, "`w` ends with other values"),
    ("order_step", "optimizer.zero_grad()", 5, "`w.grad` is empty at the end"),
    ("order_step", "clip([w], 1.0)", 5, "`w` ends with other values"),
    ("order_gan", "opt_d.step()", 5, "`loss_g = soft(-D(fake)).mean()` saved, and"),
    ("order_gan", "opt_d.step()", 7, "`D.weight` ends with other values"),
    ("order_gan", "opt_d.zero_grad()", 3, "`D.weight` ends with other values"),
    ("order_sum", "y += 1", 4, "`out = z * y` saved, and `y += 1` wrote over it"),
    ("order_sum", "y += 1", 1, "`out` ends with other values"),
    ("order_loss", "targets[positive] = labels[nearest] + 1", 3, "`loss = F.cross_entropy(logits, targets)` saved"),
    ("order_loss", "loss = F.cross_entropy(logits, targets)", 4, "uses `loss` before any line"),
    ("order_head", "F.dropout(both, 0.3, inplace=True)", 2, "`x = F.relu_(fc1(both))` saved, and `F.dropout"),
    ("order_head", "labels = labels * 0.9 + 0.05", 7, "`loss` ends with other values"),
]  # fmt: skip


@pytest.mark.parametrize("name, line, place, words", WRONG)
def test_a_wrong_order_hears_what_it_does(name, line, place, words):
    verdict = ORDERS[name].check(moved(right(ORDERS[name]), line, place))
    assert verdict.outcome == "wrong" and words in verdict.message, verdict


TOY = Order(
    "At the end `y` is zero.",
    start="x = torch.tensor([3.0], requires_grad=True)",
    lines="y = x * x\nz = y * y\nz.backward()\ny.zero_()",
    twin="y = x * x\nz = y * y\nz.backward()\ny = torch.zeros(1)",
    compare=("y", "z"),
    hints=("h",),
)


def test_all_orders_of_four_lines_against_plain_pytorch():
    for lines in itertools.permutations(right(TOY)):
        names = {"x": torch.tensor([3.0], requires_grad=True)}
        try:
            exec("\n".join(lines), names)
            good = (names["x"].grad, names["y"], names["z"]) == (108, 0, 81)
        except (NameError, RuntimeError):
            good = False
        assert (TOY.check(list(lines)).outcome == "right") == good, lines


def test_what_is_computed_and_never_used_is_named():
    order = Order("?", "x = torch.ones(2, requires_grad=True)", "y = x * 2\nz = y + 1\nz = z * y\nz.sum().backward()",
                  "((2 * x + 1) * 2 * x).sum().backward()", ("x",), ("h",))  # fmt: skip
    message = order.check(["y = x * 2", "z = y + 1", "z.sum().backward()", "z = z * y"]).message
    assert (
        message
        == "nothing raises, but `x.grad` is not the right gradient. What `z = z * y` computes is never used."
    )


ENDLESS = Order(
    "?",
    start="n = torch.zeros(1)\nx = torch.ones(1, requires_grad=True)",
    lines="while n < 3:\n    n += 1\nn *= 0\nx.sum().backward()",
    twin="n = n * 0\nx.sum().backward()",
    compare=("n",),
    hints=("h",),
)


def test_an_order_that_never_ends_is_stopped():
    assert ENDLESS.check(right(ENDLESS)).outcome == "right"
    for_ever = Order("?", "n = torch.zeros(1)\nx = torch.ones(1, requires_grad=True)",
                     "while n < 3:\n    n += 1\n    n *= 0\nx.sum().backward()",
                     "x.sum().backward()", ("n",), ("h",))  # fmt: skip
    words = f"this order does not end: it was stopped after {MAX_LINES:,} lines."
    assert for_ever.check(right(for_ever)).message == words
    turned = ["    n += 1", "while n < 3:", "n *= 0", "x.sum().backward()"]
    assert "is no Python that runs" in ENDLESS.check(turned).message


NO_ORDERS = {
    "a word": ("y", "you gave str"),
    "a function": (print, "you gave builtin"),
    "nothing": ([], "is missing, and 3 more"),
    "one missing": ([0, 1, 2], "is missing: each line is used once"),
    "one twice": ([0, 1, 2, 3, 3], "stands there twice: each line is used once"),
    "one in another's place": ([0, 0, 1, 2], "stands there twice"),
    "a number too large": ([0, 1, 2, 4], "4 is none of the 4 lines"),
    "a truth value": ([True, 0, 2, 3], "True is none of the 4 lines"),
    "half numbers": ([0.0, 1, 2, 3], "0.0 is none of the 4 lines"),
    "a foreign line": (["y = x * x", "import os"], "`import os` is none of the 4 lines"),
}


@pytest.mark.parametrize("what", NO_ORDERS)
def test_what_is_no_order_gets_one_clear_sentence(what):
    answer, words = NO_ORDERS[what]
    verdict = TOY.check(answer)
    assert verdict.outcome == "wrong" and words in verdict.message and "\n" not in verdict.message


def test_a_line_may_be_given_with_or_without_its_indentation():
    assert ENDLESS.check([line.strip() for line in right(ENDLESS)]).outcome == "right"


# What is kept


def shown(order):
    return [int(one) for one in re.findall(r'data-line="(\d+)"', html_of(order))]


def html_of(order):
    return order._repr_mimebundle_()["text/html"]


def test_the_order_on_the_screen_is_judged_and_comes_back_after_a_restart(own_store, tmp_path, monkeypatch):  # fmt: skip
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: None)
    monkeypatch.setattr(kept, "shell", lambda: types.SimpleNamespace(kernel=1))
    path, order = tmp_path / "overwritten_answers.json", orders.order_save
    own_store(path)
    monkeypatch.setattr(order, "_field", None)
    order._ipython_display_()
    assert shown(order) == list(range(6)) and order._field.value == "0 1 2 3 4 5"
    for nothing in ("", "0 1", "0 0 1 2 3 4", "0 1 2 3 4 6", "x", "² 1 2 3 4 5"):
        order._field.value = nothing
        assert not path.exists() and order.check().outcome == "not attempted"
    order._field.value = " ".join(str(order.lines.index(line)) for line in right(order))
    own_store(path)
    assert [order.lines[number] for number in shown(order)] == right(order)
    assert order.check().outcome == "right"
    order._ipython_display_()
    assert order._field.value != "0 1 2 3 4 5", "and the script is told"
    order.check([0, 1, 2, 3, 4, 5])
    assert shown(order) == list(range(6)), "what the code hands over stands there too"
    order.check([0, 1])
    assert shown(order) == list(range(6)) and kept.answer(order)["outcome"] == "wrong"


def test_a_list_that_an_ended_kernel_has_shown_is_not_judged(own_store, tmp_path, monkeypatch):
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: None)
    monkeypatch.setattr(kept, "shell", lambda: types.SimpleNamespace(kernel=1))
    own_store(tmp_path / "overwritten_answers.json")
    order = orders.order_save
    order.check([order.lines.index(line) for line in right(order)])
    monkeypatch.setattr(order, "_field", None)  # a new kernel: the old list still stands there
    verdict = order.check()
    assert verdict.outcome == "not attempted" and "run the cell that shows" in verdict.message
    order._ipython_display_()
    assert order.check().outcome == "right"


def test_without_a_script_lines_and_question_can_be_read():
    bundle = orders.order_save._repr_mimebundle_()
    html, text = bundle["text/html"].partition("<script>")[0], bundle["text/plain"]
    assert "<button" not in html and "<code>scaled *= keep</code>" in html and "x &lt; 1" in html
    assert all(line in text for line in orders.order_save.lines) and "0: " in text


def test_without_a_kernel_there_is_no_list_to_run(monkeypatch):
    monkeypatch.setattr(kept, "shell", lambda: None)
    monkeypatch.setattr(orders.order_save, "_field", None)
    assert "move the lines" in orders.order_save.check().message
