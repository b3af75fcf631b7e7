"""The way through: every mix of answers leads somewhere that its needs allow, and says why."""

import itertools
import re

import pytest

import course
import workshop
from conftest import ROOT
from overwritten import answers, route
from overwritten.lesson import kept
from overwritten.lesson.contents import LESSONS, module_of
from overwritten.lesson.route import PATHS, Known, first_step, snippets_about
from overwritten.lesson.standing import standings
from overwritten.lesson.store import Store

SNIPPETS = LESSONS[0].section(4)


@pytest.fixture()
def kept_in(monkeypatch):
    """kept_in(entries or path): what is kept from now on."""

    def begin(entries=(), path=None):
        monkeypatch.setattr(kept, "STORE", Store(path))
        if entries:
            kept.STORE.add(entries)

    begin()
    return begin


def choice(question, right=True):
    wrong = next(one for one in question.choices if one != question.answer)
    return {"choice": question.answer if right else wrong, "when": 1.0}


def six(right="", wrong="", of="start_here"):
    """The entries of someone who answered these snippets."""
    return {
        (of, "predictions", one.words): choice(one, name in right.split())
        for name, one in zip(SNIPPETS.questions, SNIPPETS.asked)
        if name in (right + " " + wrong).split()
    }


def worked(number, sections=99, right=True, exercises=True, when=10):
    """The entries of someone who has worked through the first sections of a lesson."""
    entries, lesson = {}, LESSONS[number]
    for section in lesson.sections[:sections]:
        time = {"when": float(when + section.number)}
        for one in section.asked:
            key = module_of(lesson.name), "predictions", one.words
            entries[key] = choice(one, right) | time
        for module, name in section.exercises if exercises else ():
            entries[module, "exercises", name] = {"source": "", "outcome": "right"} | time
    return entries


ALL = "one two three four five six"
WAYS = {  # what is kept, where it leads, what it says
    "nothing": ({}, (1, 1), "Begin with", "every other lesson stands on it"),
    "one missed": (six("two three four five six", "one"), (1, 1), "Begin with", "one was not answered right"),
    "two left out": (six("one three"), (1, 1), "Begin with", "two is not answered yet"),
    "three and four missed": (six("one two", "three four"), (2, 1), "Begin with", "three and four were not answered right"),
    "five missed": (six("one two three four six", "five"), (2, 5), "Begin with", "lesson 3 uses sections 5 and 6 of it"),
    "only six missed": (six("one two three four five", "six"), (4, 1), "Begin with", "six was not answered right"),
    "five and six missed": (six("one two three four", "five six"), (2, 5), "Begin with", "After them comes lesson 3."),
    "all right": (six(ALL), (2, 5), "Begin with", "Then take lesson 5."),
    "six of an older file": (six("one two three four five", "six", of="other"), (4, 1), "Begin with", "six was"),
    "in lesson 1": (worked(1, 3), (1, 4), "Go on with", "4 of 7 questions answered, 0 of 3 exercises right"),
    "lesson 1 done": (worked(1), (2, 1), "Begin with", "you know what it needs, lesson 1"),
    "lessons 1 and 2 done": (worked(1) | worked(2), (3, 1), "Begin with", "what it needs, lesson 2"),
    "2 read, no exercise": (worked(1) | worked(2, exercises=False), (2, 6), "Go on with", "there you stopped"),
    "3 well under way": (worked(3, 3), (3, 4), "Go on with", "7 of 10 questions"),
    "3, and all wrong": (worked(3, 3, right=False), (1, 1), "Begin with", "lesson 3, where you were last, needs it"),
    "8 in a hurry": (six("one two") | worked(8, 1), (2, 1), "Begin with", "lesson 8, where you were last, needs it"),
}  # fmt: skip


@pytest.mark.parametrize("entries, place, how, why", WAYS.values(), ids=WAYS)
def test_the_answers_lead_to(kept_in, entries, place, how, why):
    kept_in(entries)
    shown = route()
    assert str(shown).startswith(f"{how} lesson {place[0]}, section {place[1]} (")
    assert why in str(shown).splitlines()[0]
    link = LESSONS[place[0]].section(place[1]).link(f"lesson {place[0]}, section {place[1]}")
    assert f"<p><strong>{how} {link}</strong>" in shown.html


def needs(lesson, one):
    """Itself, or by way of another."""
    named = [LESSONS[number] for number, _ in lesson.needs]
    return one in named or any(needs(other, one) for other in named)


def test_whatever_the_snippets_gave_the_lesson_is_allowed():
    """729 ways to answer, leave out or miss the six."""
    seen = set()
    for how in itertools.product((True, False, None), repeat=6):
        named = list(zip(ALL.split(), how))
        right, wrong = (" ".join(name for name, h in named if h is is_) for is_ in (True, False))
        entries = six(right, wrong)
        known, step = Known(entries), first_step(entries)
        lesson = LESSONS[int(step.section.lesson[:2])]
        seen.add((lesson.number, step.section.number))
        assert all(known.known(one) for one in LESSONS[1 : lesson.number] if needs(lesson, one)), (
            how
        )
        assert all(
            known.read(LESSONS[number].section(one))
            for number, some in lesson.needs
            for one in some
        )
        missed = [n for n in (1, 2) if set(snippets_about(LESSONS[n])) & set(wrong.split())]
        assert not missed or lesson.number <= missed[0], "what was missed first comes first"
    assert seen == {(1, 1), (2, 1), (2, 5), (4, 1)}


def test_the_six_lead_to_what_their_feedback_names():
    assert [snippets_about(one) for one in LESSONS[1:6]] == [
        ["one", "two"],
        ["three", "four"],
        ["five"],
        ["six"],
        [],
    ]


def test_going_on_never_stops_before_all_is_right():
    entries, places = {}, []
    while step := first_step(entries):
        lesson = LESSONS[int(step.section.lesson[:2])]
        assert (lesson.number, step.section.number) not in places, "in a circle"
        places.append((lesson.number, step.section.number))
        last = max([0.0, *(one["when"] for one in entries.values())])
        if not (step.section.asked or step.section.exercises):  # nothing to answer: they read on
            step = step._replace(section=lesson.section(step.section.number + 1))
        section = {k: v for k, v in worked(lesson.number).items() if k not in entries}
        names = {one.words for one in step.section.asked} | {n for _, n in step.section.exercises}
        for key, entry in section.items():
            if key[2] in names:
                entries[key] = entry | {"when": last + 1}
    assert {number for number, _ in places} == set(range(1, 11))
    assert first_step(entries) is None


def test_when_all_is_right_nothing_is_left(kept_in):
    kept_in({key: one for n in range(1, len(LESSONS)) for key, one in worked(n).items()})
    assert str(route()).startswith("You are through: every exercise is right.")


def test_a_broken_file_is_one_sentence_and_the_way_is_there(kept_in, tmp_path, capsys):
    path = tmp_path / "overwritten_answers.json"
    path.write_text('{"format": 1, "les')
    kept_in(path=path)
    shown = route()
    (said,) = capsys.readouterr().out.splitlines()
    assert "could not be read" in said
    assert str(shown).startswith("Begin with lesson 1") and "answer them" in str(shown)


def test_answers_to_what_is_no_longer_asked_change_nothing(kept_in):
    old = {
        ("safe_relu", "predictions", "an old question"): {"choice": "a", "when": 5.0},
        ("no_such_lesson", "exercises", "x"): {"source": "", "outcome": "right", "when": 6.0},
        ("other", "predictions", SNIPPETS.asked[0].words): {"choice": "an old one", "when": 7.0},
    }
    kept_in()
    empty = str(route())
    kept_in(old)
    assert str(route()) == empty
    assert "3 kept answers are to questions that the lessons no longer ask." in str(answers.show())


def test_the_paths_are_those_of_the_workshops_and_the_doctors_section():
    pages = {one.name: one for one in course.lessons()}
    start = course.lesson(
        course.START, (ROOT / "lessons_src" / f"{course.START}.py").read_text("utf8")
    )
    for name, file in (("90 minutes", "90_minutes.md"), ("Half a day", "half_day.md")):
        steps = workshop.STEP.findall((ROOT / "workshop" / file).read_text("utf8"))
        stages = [workshop.step(words, pages | {start.name: start}) for words in steps]
        taken = {(one.lesson.number, one.section.number) for one in stages if one.lesson}
        mine = {(of, one) for of, some in PATHS[name].items() for one in some}
        more = {(2, 7), (4, 6)} if name == "Half a day" else set()  # its two exercises
        assert mine == {one for one in taken if one[0]} | {(8, 10)} | more
    page = sum(one.minutes for one in LESSONS[0].sections[1:4])
    alone = sum(
        LESSONS[of].section(one).minutes for of, some in PATHS["90 minutes"].items() for one in some
    )
    assert 80 <= page + alone <= 90


def test_a_path_marks_what_is_answered(kept_in):
    kept_in(worked(1, 2))
    (path,) = re.findall("<li><strong>90 minutes.*?</li>", route().html)
    marked = [LESSONS[1].section(2), LESSONS[1].section(3), LESSONS[2].section(1)]
    shown = [f"{one.link(str(one.number))} ✓" in path for one in marked]
    assert shown == [True, False, False]


def test_a_section_counts_what_was_answered():
    entries = worked(1, 3, right=False) | {
        ("storage_pointers", "exercises", "copy_column"): {
            "source": "",
            "outcome": "wrong",
            "when": 99.0,
        }
    }
    parts = standings(LESSONS[1], entries)
    assert [len(one.answers) for one in parts] == [1, 1, 2, 0, 0, 0, 0]
    assert not any(right for one in parts for right in one.answers.values())
    assert parts[6].outcomes == {"add_in_place": "", "copy_column": "wrong", "double_and_one": ""}
    assert [one.complete for one in parts] == [True] * 3 + [False] * 4
    assert parts[6].last == 99.0 and parts[5].last == 0
