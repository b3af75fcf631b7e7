"""The final: what is true of the twelve programs is measured; nothing a learner answers is lost."""

import json
from collections import Counter

import pytest
import torch

from conftest import ROOT
from overwritten.lesson import answers, kept, standing
from overwritten.lesson.exercises import final
from overwritten.lesson.exercises.final import PROGRAMS, truth
from overwritten.lesson.store import Store
from overwritten.record.tensors import named_tensors


@pytest.fixture(autouse=True)
def begin(monkeypatch, tmp_path):
    """begin(): another kernel, or a tab, with the same file."""
    path = tmp_path / "overwritten_answers.json"

    def begin():
        monkeypatch.setattr(kept, "STORE", Store(path))

    begin()
    return begin


def perfect():
    return {letter: answer(truth(letter)) for letter in PROGRAMS}


def answer(true):
    if true.verdict == "right":
        return "right"
    saver, writers = true.clashes[0]
    return (true.verdict, saver, writers[-1])


# The programs


def gradients(code):
    """Of plain PyTorch, with nobody watching."""
    names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional}
    torch.manual_seed(0)
    exec(code, names)
    return {name: one.clone() for name, one in named_tensors(names) if name.endswith(".grad")}


@pytest.mark.parametrize("letter", PROGRAMS)
def test_the_measured_verdict_is_that_of_plain_pytorch(letter):
    code, twin, why = PROGRAMS[letter]
    wanted = gradients(twin)
    try:
        found = gradients(code)
    except RuntimeError:
        assert truth(letter).verdict == "raises"
    else:
        same = all(torch.allclose(found[name], one) for name, one in wanted.items())
        assert wanted and truth(letter).verdict == ("right" if same else "silently wrong")
    assert 5 <= len(code.splitlines()) <= 12 and why.endswith(".")


def test_there_are_twelve_and_some_of_each_kind():
    count = Counter(truth(letter).verdict for letter in PROGRAMS)
    assert "".join(PROGRAMS) == "abcdefghijkl" and min(count.values()) >= 3 and len(count) == 3
    for letter in PROGRAMS:
        assert (truth(letter).verdict == "right") == (not truth(letter).clashes), letter


def test_they_stand_nowhere_else_in_the_course():
    lessons = "".join(path.read_text("utf8") for path in (ROOT / "lessons_src").rglob("*.py"))
    cases = "".join(path.read_text("utf8") for path in (ROOT / "overwritten/cases").rglob("*.py"))
    for letter, (code, *_) in PROGRAMS.items():
        known = [line.strip() in lessons + cases for line in code.splitlines()]
        assert known.count(False) >= 3, f"{letter} is in the course already"


def test_all_twelve_are_shown_with_numbers_and_no_answer():
    text, html = str(final.show()), final.show().html
    assert " 3 rays" not in text and " 4 rays /= length" in text and "4 rays /= length" in html
    assert not any(program.why[:30] in text for program in PROGRAMS.values())


# The check


def test_all_right():
    words = str(final.check(perfect()))
    assert words.count("✓") == 12 and words.endswith("Your score: 12 of 12.")


def test_every_wrong_verdict_and_line_is_marked_with_its_reason():
    others = {
        "raises": ("silently wrong", 1, 2),
        "silently wrong": "right",
        "right": ("raises", 1, 2),
    }
    words = str(final.check({letter: others[truth(letter).verdict] for letter in PROGRAMS}))
    assert words.count("✗") == 12 and "Your score: 0 of 12." in words
    assert (
        "✗ f: you said 'silently wrong', it is 'raises'. Line 3 saved, line 4 wrote. The norm saved"
        in words
    )
    assert "✗ i: you said 'silently wrong', it is 'raises'. Line 3 is refused." in words
    assert "Line 3 saved, lines 5 and 6 wrote. The product" in words
    turned = perfect() | {"d": ("raises", 5, 4), "i": ("raises", 2, 3)}
    words = str(final.check(turned))
    assert words.count("✗") == 2 and "✗ d: 'raises' it is, but not by these lines." in words


@pytest.mark.parametrize("open_", [..., ("raises", ..., ...), None])
def test_while_one_is_open_nothing_is_given_away(open_):
    answers = perfect() | {"d": open_}
    if open_ is None:
        del answers["d"]
    words = str(final.check(answers))
    assert words.startswith("○ 11 of 12 answered, open: d.") and "✓" not in words
    assert "saved" not in words and "score" not in words.lower() and len(final._kept()) == 11


BAD = [
    (print, "hand over the dict"),
    ({"z": "right"}, "there is no program 'z'"),
    ({"a": "fine"}, "a: the verdict is one of"),
    ({"a": ()}, "a: the verdict is one of"),
    ({"a": 3}, "a: the verdict is one of"),
    ({"a": "raises"}, "a: answer with"),
    ({"a": ("right", 1, 2)}, "a: answer with"),
    ({"a": ("raises", 0, 2)}, "a line is a number from 1 to 7"),
    ({"a": ("raises", 1, 8)}, "a line is a number from 1 to 7"),
    ({"a": ("raises", 1, None)}, "a line is a number from 1 to 7"),
    ({"a": ("raises", True, 2)}, "a line is a number from 1 to 7"),
]


@pytest.mark.parametrize("answers, words", BAD)
def test_what_is_no_answer_gets_one_sentence_and_keeps_nothing(answers, words):
    said = str(final.check(answers))
    assert words in said and said.startswith("✗") and "\n" not in said and final._kept() == {}


# What is kept


def test_begun_in_two_tabs_nothing_is_lost(begin, capsys):
    one, other = kept.STORE, None
    final.check({"a": ("raises", 3, 5), "b": ...})
    begin()
    other = kept.STORE
    words = str(final.check({"a": ..., "b": "right"}))
    assert (
        "○ 1 of 12 answered" in words
        and "Your earlier answer to a is kept: `final.restore()`" in words
    )
    assert one.entries() == other.entries() and len(one.entries()) == 2
    begin()
    assert "stand above" in str(final.restore())
    cell = capsys.readouterr().out
    assert "\"a\": ('raises', 3, 5)," in cell and "\"b\": 'right'," in cell and '"c": ...,' in cell
    assert "○ 2 of 12" in str(eval("final.check(answers)", {"final": final}, scope(cell)))


def scope(cell):
    names = {"final": final}
    exec(cell, names)
    return names


def test_best_and_last_score_are_kept(begin):
    good, bad = perfect(), perfect() | {"b": ("raises", 1, 2)}
    assert str(final.check(good)).endswith("Your score: 12 of 12.")
    begin()
    assert str(final.check(bad)).endswith("Your score: 11 of 12, best of 2 attempts: 12.")
    assert str(final.check(bad)).endswith("best of 2 attempts: 12."), "the same cell run twice"
    shown = answers.show()._repr_mimebundle_()
    told = "Take the final: your score: 11 of 12, best of 2 attempts: 12"
    assert told in shown["text/plain"] and told in shown["text/html"]
    assert '<progress max="12" value="11"' in shown["text/html"]
    begin()
    assert [entry["score"] for entry in standing.attempts(kept.STORE.entries())] == ["12", "11"]
    assert json.loads(standing.attempts(kept.STORE.entries())[-1]["answers"])["b"] == [
        "raises",
        1,
        2,
    ]


def test_kept_answers_that_cannot_be_read_are_passed_over():
    for letter, text in {"a": "{", "b": '["fine"]', "zz": '["right"]', "c": '["right"]'}.items():
        kept.STORE.keep(("final", "final", letter), answer=text)
    kept.STORE.keep(("final", "scores", "x"), score="many", answers="?")
    assert final._kept() == {"c": ["right"]} and standing.attempts(kept.STORE.entries()) == []
