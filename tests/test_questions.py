"""The questions as data: whole, shuffled, each asked once, and no cell's source gives one away."""

import importlib
import json
import pkgutil
import re
from collections import Counter

import nbformat
import pytest

from conftest import LEARN, NOTEBOOKS, PAGES, ROOT
from overwritten.lesson import questions
from overwritten.lesson.questions.question import Question

SOURCES = sorted((ROOT / "lessons_src").glob("*.py"))
MODULES = {
    name: importlib.import_module(f"{questions.__name__}.{name}")
    for _, name, _ in pkgutil.iter_modules(questions.__path__)
    if name != "question"
}
QUESTIONS = {
    (lesson, name): one
    for lesson, module in MODULES.items()
    for name, one in vars(module).items()
    if isinstance(one, Question)
}
each_lesson = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
each_question = pytest.mark.parametrize(
    "question", QUESTIONS.values(), ids=map(".".join, QUESTIONS)
)


def test_every_lesson_has_questions():
    asking = [path.stem[3:] for path in SOURCES if path.stem not in PAGES[1:]]
    assert list(MODULES) == sorted(asking)
    assert {lesson for lesson, _ in QUESTIONS} == set(MODULES)


@each_lesson
def test_a_lesson_asks_each_of_its_questions_once_in_their_order(source):
    asked = re.findall(r"^predict\(questions\.(\w+)\)$", source.read_text("utf8"), re.M)
    assert asked == [name for lesson, name in QUESTIONS if lesson == source.stem[3:]]


@each_question
def test_a_question_is_whole(question):
    assert question.words.strip().endswith(("?", ".")) and question.answer in question.choices
    assert len(question.choices) >= 3
    for words in (question.words, *question.choices, *question.choices.values()):
        assert words == words.strip() != "" and words.count("`") % 2 == 0
    assert len(set(question.choices.values())) == len(question.choices), "each its own feedback"


def test_no_two_questions_of_a_lesson_share_their_words():
    """A kept choice is known by lesson and words."""
    count = Counter((lesson, one.words) for (lesson, _), one in QUESTIONS.items())
    assert max(count.values()) == 1


def test_a_question_must_be_one():
    with pytest.raises(ValueError, match="not among"):
        Question("?", {"a": "x", "b": "x", "c": "x"}, answer="d")
    with pytest.raises(ValueError, match="at least three"):
        Question("?", {"a": "x", "b": "x"}, answer="a")
    with pytest.raises(ValueError, match="at least three"):
        Question("?", {"a": "x", "b": "x", "c": ""}, answer="a")


def test_the_order_is_nobodys_choice():
    choices = {"1": "Count.", "2": "Yes.", "3": "Less."}
    turned = dict(reversed(choices.items()))
    one, other = (list(Question("1 + 1?", written, "2").choices) for written in (choices, turned))
    assert one == other == ["2", "1", "3"], "the same on every machine"


def test_the_right_one_stands_at_every_place_about_equally_often():
    """Each place has it half to twice as often as chance would; else change a question's words."""
    found, chance = Counter(), Counter()
    for one in QUESTIONS.values():
        found[list(one.choices).index(one.answer)] += 1
        chance.update({place: 1 / len(one.choices) for place in range(len(one.choices))})
    assert all(chance[place] / 2 < found[place] < chance[place] * 2 for place in chance), found


# What a learner opens.


def given_away(cells):
    """What sources tell of any question: its feedback, or, in code, two of its alternatives."""
    for cell in cells:
        source = re.sub(r"\s+", " ", cell.source)
        for one in QUESTIONS.values():
            alternatives = [choice for choice in one.choices if holds(source, choice)]
            feedback = [words for words in one.choices.values() if holds(source, words)]
            listed = cell.cell_type == "code" and len(alternatives) > 1
            yield from feedback + listed * alternatives


def holds(source, words):
    """As text, or as a string in code; a bare number or name is no alternative."""
    spelt = json.dumps(words, ensure_ascii=False)
    return spelt in source or (" " in words and words in source)


def explanations(cells):
    """Of each question that code settles, the first markdown cell after that code."""
    for at, cell in enumerate(cells):
        if "predict" in cell.metadata.get("tags", ()):
            rest = iter(cells[at + 1 :])
            first = next(one for one in rest if one.cell_type == "code")
            if "predict" not in first.metadata.get("tags", ()):
                yield next(one for one in rest if one.cell_type == "markdown")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_learners_copy_folds_each_explanation_and_nothing_else(path):
    copy = nbformat.read(LEARN / path.name, as_version=4).cells
    built = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    wanted = {cell.id for cell in explanations(copy) if not built[cell.id].startswith("#")}
    assert {cell.id for cell in copy if cell.source != built[cell.id]} == wanted
    for cell in copy:
        if cell.id in wanted:
            head, inside = cell.source.split("\n\n", 1)
            assert re.fullmatch("<details><summary>.+</summary>", head)
            assert inside == f"{built[cell.id]}\n\n</details>"
    assert wanted or path.stem in PAGES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_learners_copy_gives_nothing_away(path):
    copy = nbformat.read(LEARN / path.name, as_version=4)
    code = [cell for cell in copy.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert [cell.id for cell in copy.cells] == [
        cell.id for cell in nbformat.read(path, as_version=4).cells
    ]
    asking = [cell.source for cell in code if "predict" in cell.metadata.get("tags", ())]
    assert bool(asking) == (path.stem not in PAGES[1:])
    assert all(re.fullmatch(r"predict\(questions\.\w+\)", one) for one in asking)
    assert list(given_away(copy.cells)) == []


@pytest.mark.parametrize(
    "how", [lambda words: words, lambda words: f"{{'a': {json.dumps(words)}}}"]
)
def test_what_is_given_away_is_noticed(how):
    one = QUESTIONS["start_here", "one"]
    for words in one.choices.values():
        (cell,) = [nbformat.v4.new_code_cell(how(words))]
        assert list(given_away([cell])) == [words]
    cell = nbformat.v4.new_code_cell(how(", ".join(one.choices)))
    assert len(list(given_away([cell]))) > 1
