"""Three questions from earlier lessons, asked anew where a lesson begins.

The idea: what was answered wrong comes first; what is recalled after a pause stays. Only what is
in a lesson's `ALONE` is drawn. The answer given here is kept apart and leaves the first prediction
as it was. Where nothing is kept the three are the same for everyone.
"""

from __future__ import annotations

from hashlib import sha256
from importlib import import_module
from types import ModuleType

from overwritten.lesson import kept
from overwritten.lesson.predict import Asked
from overwritten.lesson.questions import LESSONS
from overwritten.lesson.questions.question import Question

COUNT = 3


class Again(Asked):
    """A question that was asked before: closed, whatever was chosen then."""

    last = "Open the one you believe in."

    def __init__(self, question: Question):
        lesson = kept.lesson_of(question)
        self.kind = f"From lesson {LESSONS.index(lesson) + 1}"
        super().__init__(question)
        self._earlier = None

    def _keep(self, choice):
        kept.keep_later_choice(self._lesson, self.question, choice)


def drawn(lesson: str) -> list[Question]:
    """Three questions of earlier lessons, as many lessons as there are; the wrong ones first.

    >>> [kept.lesson_of(one) for one in drawn("version_counter")]
    ['storage_pointers', 'storage_pointers', 'storage_pointers']
    """
    earlier = LESSONS[: LESSONS.index(lesson)]
    open_ = [(of, one) for of in earlier for one in _questions(of).ALONE]
    found: list[tuple[str, Question]] = []
    while open_ and len(found) < COUNT:
        best = min(open_, key=lambda pair: _rank(lesson, found, *pair))
        open_.remove(best)
        found.append(best)
    return [question for _, question in found]


def _rank(lesson, found, of, question):
    """Smaller comes first: answered wrong, of a lesson with none yet, not met again, by a hash."""
    place = sha256(f"{lesson}\n{question.words}".encode()).hexdigest()
    met = kept.later_choice(of, question.words) is not None
    return not _wrong(of, question), sum(other == of for other, _ in found), met, place


def _wrong(of, question):
    standing = kept.later_choice(of, question.words) or kept.choice(of, question.words)
    return standing in question.choices and standing != question.answer


def _questions(lesson) -> ModuleType:
    return import_module(f"overwritten.lesson.questions.{lesson}")


def again(questions: ModuleType):
    """Ask three questions of the lessons before this one; questions: this lesson's own module."""
    from IPython.display import display

    for question in drawn(questions.__name__.rpartition(".")[2]):
        asked = Again(question)
        asked.show_field()
        display(asked)
    kept.say_news()
