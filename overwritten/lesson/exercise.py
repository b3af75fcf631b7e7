"""An exercise: a check with three outcomes, hints one by one, a solution.

The idea: a check is a plain function that returns None if the answer is right and else
one sentence that names the mistake; the `Exercise` around it never raises. In a notebook
the hints and the solution stand below the verdict, folded.
"""

from __future__ import annotations

from contextlib import contextmanager

import torch

from overwritten.doctor.report import set_as_code
from overwritten.lesson import kept
from overwritten.lesson.show import LOOK, with_code
from overwritten.live.output import asset, once
from overwritten.record.dice import own_dice
from overwritten.record.private import pop_hooks, top_hooks

_MARKS = {
    "not attempted": "○",
    "wrong": "✗",
    "right": "✓",
    "hint": "?",
    "solution": "→",
    "restored": "→",
    "nothing kept": "○",
}


_COPY = f"<script> {' '.join(once('.ow-help pre', asset('copy.js', 'lesson')).split())} </script>"


class Verdict:
    """outcome: 'not attempted', 'wrong' or 'right' (of check; else what was done); message: why.

    folded: heading → HTML of what a notebook shows below it, each folded.
    """

    def __init__(self, outcome: str, message: str):
        self.outcome, self.message = outcome, message
        self.folded: dict[str, str] = {}

    def __repr__(self):
        return f"{_MARKS[self.outcome]} {self.outcome}: {self.message}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        outcome = f"<strong>{_MARKS[self.outcome]} {self.outcome}</strong>"
        words = (_code if self.outcome == "solution" else with_code)(self.message)
        folded = "".join(
            f'<details><summary data-lm-suppress-shortcuts="true">{head}</summary>{html}</details>'
            for head, html in self.folded.items()
        )
        status = f'<div role="status">{outcome} {words}</div>'
        html = f'<div class="ow-help">{LOOK}{status}{folded}</div>{_COPY}'
        return {"text/html": html, "text/plain": repr(self)}


def _code(text):
    return f"<pre>{set_as_code(text)}</pre>"


class Exercise:
    """`check(answer)`, `hint()`, `solution()`, `restore()`.

    finds: function(answer) → None if right, else the sentence for this mistake. It must
    make fresh tensors at each call, for the learner's code may overwrite them.
    questions: the keys where the answer is a dict of words, () where it is a function.
    """

    def __init__(
        self, finds, hints: tuple[str, ...], solution: str, questions: tuple[str, ...] = ()
    ):
        self._finds, self._hints, self._solution, self._given = finds, hints, solution.strip(), 0
        self.questions = questions

    def check(self, answer=...) -> Verdict:
        """Judge the answer and keep it; never raises, whatever the learner's code does."""
        verdict = self._judged(answer)
        if verdict.outcome != "not attempted":
            kept.keep_answer(self, answer, verdict.outcome)
        elif (earlier := kept.answer(self)) and (place := kept.place(self)):
            way = f"`exercises.{place[2]}.restore()` brings it back"
            verdict.message += f" An answer of yours is kept ({earlier['outcome']}): {way}."
        verdict.folded = self._folded(verdict.outcome)
        kept.say_news()
        return verdict

    def _folded(self, outcome):
        if outcome == "right":
            return {"Compare with ours": _code(self._solution)}
        hints = {f"Hint {n}": f"<p>{with_code(h)}</p>" for n, h in enumerate(self._hints, 1)}
        return hints | {"Solution": _code(self._solution)}

    def _judged(self, answer):
        if answer is ...:
            return Verdict("not attempted", "put your answer in the brackets.")
        try:
            if misfit := self._misfit(answer):
                return Verdict("wrong", misfit)
            with _as_it_was():
                mistake = self._finds(answer)
        except Slip as slip:
            return Verdict("wrong", str(slip))
        except Unattempted as open_:
            words = str(open_) or "replace the `...` by your code, then run this cell again."
            return Verdict("not attempted", words)
        except KeyboardInterrupt:
            return Verdict("wrong", "you stopped your function; it had not come back.")
        except BaseException as error:  # also SystemExit: the kernel must survive
            try:
                text = next(iter(str(error).splitlines()), "")
            except Exception:
                text = "(its own text fails as well)"
            return Verdict("wrong", f"your function raised {type(error).__name__}: {text}")
        return Verdict("wrong", mistake) if mistake else Verdict("right", "well done.")

    def _misfit(self, answer):
        """A sentence where the answer has not the form asked for. Raises Unattempted."""
        kind = type(answer).__name__
        if not self.questions:
            wanted = f"hand over the function itself, without calling it; you gave {kind}."
            return "" if callable(answer) else wanted
        if not isinstance(answer, dict):
            return f"hand over the dict with your answers; you gave {kind}."
        if missing := [question for question in self.questions if question not in answer]:
            needed = ", ".join(map(repr, self.questions))
            return f"the dict has no entry {missing[0]!r}; it needs {needed}."
        if any(answer[question] is ... for question in self.questions):
            raise Unattempted
        return ""

    def hint(self) -> Verdict:
        """The next hint; after the last, the last again."""
        self._given = min(self._given + 1, len(self._hints))
        hint = self._hints[self._given - 1]
        return Verdict("hint", f"({self._given} of {len(self._hints)}) {hint}")

    def solution(self) -> Verdict:
        """The reference solution, which the tests run."""
        return Verdict("solution", self._solution)

    def restore(self) -> Verdict:
        """Put the answer that was checked last into a new cell; print it where there are none."""
        earlier, shell = kept.answer(self), kept.shell()
        kept.say_news()
        if earlier is None:
            none = "no answer of yours to this exercise has been checked yet."
            return Verdict("nothing kept", none)
        if shell is None:
            print(earlier["source"])
            return Verdict("restored", "it stands above.")
        shell.set_next_input(earlier["source"])
        return Verdict("restored", "your answer stands in a new cell below: run it.")


@contextmanager
def _as_it_was():
    """What an answer leaves switched on or off is as before: dice, recording, dtype, hooks."""
    dtype, hooks = torch.get_default_dtype(), top_hooks()
    try:
        with own_dice(0), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)
        while (left := top_hooks()) is not None and left != hooks:
            pop_hooks()


class Unattempted(Exception):
    """The learner's function returned the `...` of the template; or what is open, as text."""


class Slip(Exception):
    """What the learner's function did wrong on the way, as the sentence for it."""


def attempt(function, *arguments):
    """Call the learner's function. Raises Unattempted if it still returns `...`, and Slip if it
    leaves the recording of operations switched off or on."""
    records = torch.is_grad_enabled()
    result = function(*arguments)
    if result is ...:
        raise Unattempted
    if torch.is_grad_enabled() != records:
        turned = "off" if records else "on"
        raise Slip(
            f"your function leaves the recording of operations switched {turned} "
            "(`torch.set_grad_enabled` outlives it): use `with torch.no_grad():`."
        )
    return result
