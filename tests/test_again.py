"""Each lesson from 2 on asks three earlier questions again, the ones answered wrong first."""

import importlib
import re
import types

import pytest

import overwritten
from conftest import LESSONS as PAGES
from conftest import ROOT
from overwritten.lesson import again as module
from overwritten.lesson import kept
from overwritten.lesson.again import Again, again, drawn
from overwritten.lesson.questions import LESSONS
from overwritten.lesson.store import Store

QUESTIONS = {name: importlib.import_module(f"overwritten.lesson.questions.{name}") for name in LESSONS}  # fmt: skip
LATER = pytest.mark.parametrize("lesson", LESSONS[1:])


@pytest.fixture(autouse=True)
def path(monkeypatch, tmp_path):
    path = tmp_path / "overwritten_answers.json"
    monkeypatch.setattr(kept, "STORE", Store(path))
    return path


def slips(of, number=0):
    """A wrong choice of a question that can stand alone, kept as the first prediction."""
    question = QUESTIONS[of].ALONE[number]
    wrong = next(choice for choice in question.choices if choice != question.answer)
    kept.keep_choice(of, question.words, wrong)
    return question


def test_the_order_is_that_of_the_pages():
    assert list(LESSONS) == [path.stem[3:] for path in PAGES]


@LATER
def test_a_lesson_opens_with_it(lesson):
    (page,) = (ROOT / "lessons_src").glob(f"??_{lesson}.py")
    source = page.read_text("utf8")
    asked = re.search(
        r"^# ## Again \(2 minutes\)\n(?:#.*\n)+\n# %%\nagain\(questions\)$", source, re.M
    )
    assert asked and "import" in source[: asked.start()] < source[: source.index("# ## 1. ")]
    assert source.count("again(questions)") == 1


@LATER
def test_without_answers_the_draw_is_fixed_and_from_earlier_lessons(lesson):
    three = drawn(lesson)
    assert three == drawn(lesson) and len(three) == len({one.words for one in three}) == 3
    earlier = LESSONS[: LESSONS.index(lesson)]
    of = [kept.lesson_of(one) for one in three]
    assert set(of) <= set(earlier) and len(set(of)) == min(3, len(earlier))


def test_what_stands_alone_is_asked_and_points_at_nothing():
    for name, its in QUESTIONS.items():
        for one in getattr(its, "ALONE", ()):
            assert kept.lesson_of(one) == name
            words = " ".join([one.words, *one.choices])
            assert not re.search(
                r"[Tt]his (program|function|ReLU)|[Tt]hese two lines|of section", words
            )


def test_the_wrong_ones_come_first_even_of_one_lesson():
    usual = drawn("slowfast_fix")
    wrong = [slips("safe_relu", number) for number in range(2)]
    three = drawn("slowfast_fix")
    assert set(map(id, wrong)) == set(map(id, three[:2])) and three[2] in usual
    for one in wrong:
        kept.keep_later_choice("safe_relu", one.words, one.answer)
    assert drawn("slowfast_fix") == usual, "the latest answer counts"
    kept.keep_later_choice("safe_relu", wrong[0].words, "an alternative of an old edition")
    assert drawn("slowfast_fix") == usual


def test_what_was_recalled_gives_way_to_what_was_not():
    before = drawn("reading_the_error")
    one = before[0]
    of = kept.lesson_of(one)
    kept.keep_later_choice(of, one.words, one.answer)
    after = drawn("reading_the_error")
    assert one not in after and after[:2] == before[1:]
    for other in QUESTIONS["storage_pointers"].ALONE:
        kept.keep_later_choice("storage_pointers", other.words, other.answer)
    assert len(drawn("version_counter")) == 3, "where all were, they come again"


def test_a_wrong_guess_about_optimizers_comes_again():
    asked = QUESTIONS["version_counter"].optimizers_counter
    kept.keep_choice("version_counter", asked.words, "3, 3, 3")
    assert drawn("reading_the_error")[0] is asked


def test_later_lessons_are_never_drawn():
    one = slips("slowfast_fix")
    assert one not in drawn("detector_fix") and one in drawn("field_guide")


@pytest.fixture()
def shown(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda one, raw=False: shown.append(one))
    monkeypatch.setattr(kept, "shell", lambda: types.SimpleNamespace(kernel=1))
    return shown


def test_they_open_closed_and_the_answer_is_kept_apart(shown, path):
    first = slips("storage_pointers")
    before = kept.choice("storage_pointers", first.words)
    again(overwritten.version_counter_questions)
    fields, asked = shown[::2], shown[1::2]
    assert len(fields) == len(asked) == 3 and all(isinstance(one, Again) for one in asked)
    html = asked[0]._repr_mimebundle_()["text/html"]
    assert asked[0].question == first.words and "<strong>From lesson 1.</strong>" in html
    assert "<details" in html and " open>" not in html and "earlier" not in html
    asked[0]._field.value = "x"
    asked[0]._field.value = str(list(first.choices).index(first.answer))
    kept.STORE = Store(path)  # a restart
    assert kept.choice("storage_pointers", first.words) == before != first.answer
    assert kept.later_choice("storage_pointers", first.words) == first.answer
    assert not module._wrong("storage_pointers", first)
