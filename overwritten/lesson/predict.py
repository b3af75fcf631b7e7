"""A question before the reveal: alternatives that each answer with feedback of their own.

The idea: plain `<details>` elements; a learner opens the one they believe in. It works
with the keyboard, without a kernel, and its whole text is compared in the tests.
Where there is a kernel, a field that nobody sees tells it which one was opened first.
"""

from __future__ import annotations

from html import escape

from overwritten.lesson import kept
from overwritten.lesson.questions.question import Question
from overwritten.lesson.show import LOOK, plain, with_code
from overwritten.live.output import asset, each, name_of, widget_view

_EARLIER = " <em>(your earlier choice)</em>"
# The field stands in the output before the question, known by the question's own words. Its
# place is hidden as a whole (lesson.css): without its kernel, JupyterLab writes an error there.
_SCRIPT = asset("predict.js", "lesson")
_TELL = f"<script> {' '.join(each('.ow-ask', _SCRIPT).split())} </script>"


class Asked:
    """A question as the notebook shows it; question: one of those in `lesson/questions/`."""

    kind, last = "Predict", "Open the one you believe in, before you run the next cell."

    def __init__(self, question: Question):
        self.question, self.choices = question.words, question.choices
        self.answer, self._lesson = question.answer, kept.lesson_of(question)
        self._earlier = kept.choice(self._lesson, self.question)
        self._name = plain(f"{self.kind}: {self.question}").replace("`", "")

    def choose(self, choice: str) -> str:
        """The feedback for one alternative, marked right or wrong (KeyError: no such one)."""
        return plain(self._feedback(choice))

    def _feedback(self, choice):
        mark = "✓ Right." if choice == self.answer else "✗ Not so."
        return f"{mark} {self.choices[choice]}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        earlier = self._earlier
        items = "".join(
            f'<details class="{"right" if choice == self.answer else "wrong"}"'
            f"{' open' * (choice == earlier)}>"
            f'<summary data-lm-suppress-shortcuts="true">'
            f"{with_code(choice)}{_EARLIER * (choice == earlier)}</summary>"
            f"<p>{with_code(self._feedback(choice))}</p></details>"
            for choice in self.choices
        )
        # named by its own words: a label beside them would be read out as well
        words = f"ow-{name_of(self._name)}"
        html = (
            f'<div role="group" class="ow-ask" aria-labelledby="{words}"'
            f' data-asks="{escape(self._name)}">{LOOK}'
            f'<p id="{words}"><strong>{self.kind}.</strong> {with_code(self.question)}</p>'
            f"{items}<p><em>{self.last}</em></p>"
            f"</div>{_TELL}"
        )
        marks = {choice: "  (•) " if choice == earlier else "  ( ) " for choice in self.choices}
        lines = [f"{self.kind}: {self.question}", *(mark + one for one, mark in marks.items())]
        return {"text/html": html, "text/plain": "\n".join(map(plain, lines))}

    def show_field(self):
        """Display the hidden field into which the question's script writes a choice's number."""
        self._field = hidden_field(self._name, "ow-choice", self._opened)

    def _opened(self, number):
        numbered = {str(n): choice for n, choice in enumerate(self.choices)}
        if number in numbered:
            self._keep(numbered[number])

    def _keep(self, choice):
        kept.keep_choice(self._lesson, self.question, choice)


def hidden_field(name: str, look: str, heard, value: str = ""):
    """Display a field that nobody sees, by which a script tells the kernel; return it.

    name, look: its placeholder and class, by which the script finds it. heard: function(text).
    None where there is no kernel.
    """
    if not hasattr(kept.shell(), "kernel"):
        return None
    import ipywidgets
    from IPython.display import display

    hidden = ipywidgets.Layout(display="none")
    field = ipywidgets.Text(value=value, placeholder=name, layout=hidden)
    field.add_class(look)
    field.observe(lambda change: heard(change["new"]), "value")
    display(widget_view(field), raw=True)
    return field


def predict(question: Question) -> Asked:
    """Ask before the reveal: each alternative opens with its feedback.

    >>> one = Question("1 + 1?", {"1": "Count on.", "2": "Yes.", "3": "Too far."}, "2")
    >>> predict(one).choose("3")
    '✗ Not so. Too far.'
    """
    asked = Asked(question)
    asked.show_field()
    kept.say_news()
    return asked
