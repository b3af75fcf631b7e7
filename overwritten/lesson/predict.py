"""A question before the reveal: alternatives that each answer with feedback of their own.

The idea: plain `<details>` elements; a learner opens the one they believe in. It works
with the keyboard, without a kernel, and its whole text is compared in the tests.
"""

from __future__ import annotations

from html import escape

from overwritten.lesson.show import with_code

_ITEM = (
    "border:1px solid #767676;border-radius:6px;padding:7px 12px;margin:6px 0;max-width:680px"
)
_FOCUS = ".ow-ask :focus-visible{outline:3px solid #1a85c8;outline-offset:2px}"


class Question:
    """question: the words. choices: {alternative: feedback}. answer: the right alternative."""

    def __init__(self, question: str, choices: dict[str, str], answer: str):
        if answer not in choices:
            raise ValueError(f"The answer {answer!r} is not among the choices {list(choices)}.")
        if len(choices) < 3 or not all(choices.values()):
            raise ValueError("A question needs at least three choices, each with feedback.")
        self.question, self.choices, self.answer = question, choices, answer

    def choose(self, choice: str) -> str:
        """The feedback for one alternative, marked right or wrong (KeyError: no such one)."""
        mark = "✓ Right." if choice == self.answer else "✗ Not so."
        return f"{mark} {self.choices[choice]}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        items = "".join(
            f'<details style="{_ITEM}"><summary style="cursor:pointer" data-lm-suppress-shortcuts="true">'
            f"{with_code(choice)}</summary><p>{with_code(self.choose(choice))}</p></details>"
            for choice in self.choices
        )
        name = escape(f"Predict: {self.question}".replace("`", ""))
        html = (
            f'<div role="group" class="ow-ask" aria-label="{name}"><style>{_FOCUS}</style>'
            f"<p><strong>Predict.</strong> {with_code(self.question)}</p>"
            f"{items}<p><em>Open the one you believe in, before you run the next cell.</em></p></div>"
        )
        plain = "\n".join([f"Predict: {self.question}", *(f"  ( ) {c}" for c in self.choices)])
        return {"text/html": html, "text/plain": plain}


def predict(question: str, choices: dict[str, str], answer: str) -> Question:
    """Ask before the reveal. Code in `backticks` is set as code.

    Raises ValueError for a question that is not one: no right choice, fewer than three.

    >>> predict("1 + 1?", {"1": "Count on.", "2": "Yes.", "3": "Too far."}, "2").choose("3")
    '✗ Not so. Too far.'
    """
    return Question(question, choices, answer)
