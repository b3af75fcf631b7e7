"""What a question is made of: its words, its alternatives with their feedback, the right one.

The idea: questions are data, so that no notebook's source gives an answer away. Alternatives are
written in any order and stand in a fixed one that no author chose.
It neither shows a question nor keeps an answer; see `overwritten.lesson.predict`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256


@dataclass(frozen=True)
class Question:
    """words: what is asked, code in `backticks`. choices: {alternative: its feedback}.
    answer: the right alternative.

    Raises ValueError for a question that is not one: no right choice, fewer than three.

    >>> list(Question("1 + 1?", {"1": "Count.", "2": "Yes.", "3": "Less."}, "2").choices)
    ['2', '1', '3']
    """

    words: str
    choices: dict[str, str]
    answer: str

    def __post_init__(self):
        if self.answer not in self.choices:
            raise ValueError(f"The answer {self.answer!r} is not among {list(self.choices)}.")
        if len(self.choices) < 3 or not all(self.choices.values()):
            raise ValueError("A question needs at least three choices, each with feedback.")
        shuffled = sorted(self.choices, key=self._place)
        object.__setattr__(self, "choices", {one: self.choices[one] for one in shuffled})

    def _place(self, choice):
        """Where a choice stands: by a hash, the same on every machine."""
        return sha256(f"{self.words}\n{choice}".encode()).digest()
