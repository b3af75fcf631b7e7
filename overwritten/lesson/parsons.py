"""An exercise in which the lines of a program are put in order (a Parsons problem).

The idea: no order is typed in as the right one. An order is run beside an out-of-place program
(`trial`), and it is right if nothing raises and all values and gradients are that program's. The
list is plain HTML that a few lines of script make movable; a field that nobody sees tells the
kernel. Without either, lines and question stand there to be read.
It does not leave lines out, and its lines cannot be edited.
"""

from __future__ import annotations

import ast
from hashlib import sha256
from html import escape

import torch

from overwritten.doctor.report import set_as_code
from overwritten.lesson import kept
from overwritten.lesson.exercise import Exercise, Verdict
from overwritten.lesson.lines import clashes
from overwritten.lesson.predict import hidden_field
from overwritten.lesson.show import with_code
from overwritten.live.output import asset, once
from overwritten.record.recording import Recording
from overwritten.record.trial import NOTHING, SILENT, Trial, close, flat, trial

_STYLE = f"<style> {' '.join(asset('parsons.css', 'lesson').split())} </style>"
_SCRIPT = f"<script> {' '.join(once('.ow-order', asset('parsons.js', 'lesson')).split())} </script>"
_UNMOVED = (
    "move the lines above into order first; or hand the order over as `.check([…])`, by the "
    "numbers that the lines had at first, counted from 0."
)
_NOT_SHOWN = (
    "run the cell that shows the lines first: since the kernel was started it has not run, so "
    "what you move there does not reach the check."
)
#: How many lines an order may run: a loop with lines in the wrong place may never end.
MAX_LINES = 1_000


class Order(Exercise):
    """`exercises.order_step` shows the lines, `exercises.order_step.check()` judges their order.

    words: the question. start: code that runs before. lines: in an order that is right; they are
    shown in another one, the same everywhere. twin: out-of-place code that does the same.
    compare: the names whose values at the end must be the twin's, beside all gradients.
    """

    def __init__(self, words, start, lines, twin, compare, hints):
        right = lines.strip().splitlines()
        super().__init__(self._mistake, hints, "\n".join(right))
        self.words, self._start, self._twin = words, start.strip(), twin.strip()
        self._field = None
        self._compare = compare
        self.lines = sorted(right, key=lambda line: sha256(f"{words}\n{line}".encode()).digest())

    def check(self, answer=...) -> Verdict:
        """Judge the order on the screen, or one given as numbers or as lines; never raises."""
        if answer is ... and self._heard():
            answer = self._kept() or ...
        elif not self._misfit(answer):
            self._keep(self._numbers(answer))
        return super().check(answer)

    def _judged(self, answer):
        if answer is ...:
            return Verdict("not attempted", _UNMOVED if self._heard() else _NOT_SHOWN)
        return super()._judged(answer)

    def _heard(self):
        """Does what is moved reach the check? Not from a list that an ended kernel has shown."""
        return self._field is not None or not hasattr(kept.shell(), "kernel")

    def _misfit(self, answer):
        """One sentence where the answer is no order of all lines."""
        if not isinstance(answer, (list, tuple)):
            kind = type(answer).__name__
            return f"give a list of the lines, or of their numbers from 0; you gave {kind}."
        numbers = [self._number(one) for one in answer]
        for one, number in zip(answer, numbers):
            if number is None:
                return f"{self._name(one)} is none of the {len(self.lines)} lines."
            if numbers.count(number) > 1:
                line, times = self.lines[number].strip(), _times(numbers.count(number))
                return f"`{line}` stands there {times}: each line is used once."
        if missing := [line for at, line in enumerate(self.lines) if at not in numbers]:
            more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
            return f"`{missing[0].strip()}` is missing{more}: each line is used once."
        return ""

    def _number(self, one):
        if isinstance(one, str):
            found = [at for at, line in enumerate(self.lines) if line.strip() == one.strip()]
            return found[0] if found else None
        proper = isinstance(one, int) and not isinstance(one, bool) and 0 <= one < len(self.lines)
        return one if proper else None

    def _name(self, one):
        return f"`{one.strip()}`" if isinstance(one, str) else repr(one)[:60]

    def _numbers(self, answer):
        return [self._number(one) for one in answer]

    # what is kept

    def _key(self):
        place = kept.place(self)
        return place and (place[0], "orders", place[2])

    def _kept(self) -> list[int] | None:
        """The order on the screen; None while nothing was moved."""
        entry = kept.STORE.entries().get(self._key(), {"order": ""})
        return self._parsed(entry["order"])

    def _parsed(self, text):
        numbers = [int(word) for word in text.split() if word.isascii() and word.isdigit()]
        return numbers if sorted(numbers) == list(range(len(self.lines))) else None

    def _keep(self, numbers):
        if key := self._key():
            kept.STORE.keep(key, order=_told(numbers))

    # how it is judged

    def _mistake(self, answer):
        lines = [self.lines[number] for number in self._numbers(answer)]
        values: list[list] = []

        def end(*tensors):
            values.append([torch.as_tensor(one).detach().clone() for one in tensors])

        last = f"_end({', '.join(self._compare)})"
        mine, twin = (
            "\n".join([self._start, *lines, last]),
            f"{self._start}\n{self._twin}\n{last}",
        )
        tried = trial(mine, twin, {"_end": end}, MAX_LINES)
        if tried.run.error:
            return self._why_it_stops(tried.run, mine, lines)
        if tried.run.note:
            return f"this order does not end: it was stopped after {MAX_LINES:,} lines."
        if wrong := _wrong_at_the_end(tried, self._compare, values):
            return f"nothing raises, but {wrong}.{_unused(lines, last)}"

    def _why_it_stops(self, run: Recording, code, lines):
        at = next((step.line for step in run.steps if step.error), 0)
        place = at - len(self._start.splitlines())
        if not 1 <= place <= len(lines):
            return f"this order is no Python that runs: {run.error}"
        line = f"line {place}, `{lines[place - 1].strip()}`"
        if run.message and run.message.overwritten:
            return f"backward raises in {line}: {_who(code)}."
        if run.error.startswith("NameError"):
            name = run.error.split("'")[1]
            return f"{line}, uses `{name}` before any line binds it."
        if "NoneType" in run.error and ".grad" in lines[place - 1]:
            return f"{line}, finds no gradient: no backward has run above it."
        return f"{line}, stops with {run.error}"

    # how it is shown

    def _ipython_display_(self):
        from IPython.display import display

        order = _told(self._kept() or range(len(self.lines)))
        self._field = hidden_field(self._field_name(), "ow-order-field", self._moved, order)
        display(self._repr_mimebundle_(), raw=True)
        kept.say_news()

    def _repr_mimebundle_(self, include=None, exclude=None):
        order = self._kept() or range(len(self.lines))
        items = "".join(
            f'<li data-line="{number}"><code>{set_as_code(self.lines[number])}</code></li>'
            for number in order
        )
        start = set_as_code(self._start)
        html = (
            f'<div role="group" class="ow-order" aria-label="Put in order"'
            f' data-order="{escape(self._field_name())}">{_STYLE}'
            f"<p><strong>Put in order.</strong> {with_code(self.words)}</p>"
            f"<p>These run first:</p><pre>{start}</pre>"
            f"<p>Then these lines, in the right order:</p><ol class='lines'>{items}</ol>"
            f"</div>{_SCRIPT}"
        )
        plain = [f"Put in order: {self.words}", self._start]
        plain += [f"  {number}: {self.lines[number]}" for number in order]
        return {"text/html": html, "text/plain": "\n".join(plain)}

    def _field_name(self):
        return f"Order: {self.words}".replace("`", "")

    def _moved(self, text):
        if numbers := self._parsed(text):
            self._keep(numbers)


def _told(numbers):
    return " ".join(map(str, numbers))


def _times(count):
    return "twice" if count == 2 else f"{count} times"


def _who(code):
    """Who saved and who wrote, of code that raises, as its lines."""
    for found in clashes(code):
        numbers = (found.saver, found.writers[0])
        saver, writer = (code.splitlines()[number - 1].strip() for number in numbers)
        if saver == writer:
            return f"`{saver}` saved, and wrote over it when it ran again"
        return f"`{saver}` saved, and `{writer}` wrote over it before backward came"
    return "what it needs was overwritten"


def _wrong_at_the_end(tried: Trial, names, values):
    """What parts the two, '' for nothing. values: of these names, the run's and the twin's."""
    right, mine = tried.twin.gradients, tried.run.gradients
    if tried.verdict == NOTHING:
        return f"`{min(set(right) - set(mine))}` is empty at the end"
    for name, got, wanted in zip(names, *values):
        if not close([*flat(got.tolist())], [*flat(wanted.tolist())]):
            return f"`{name}` ends with other values than asked for"
    if tried.verdict == SILENT:
        name = next(n for n in right if not close([*flat(mine[n])], [*flat(right[n])]))
        return f"`{name}` is not the right gradient"
    return ""


def _unused(lines, last):
    """A sentence about the first name that is bound, and not read before it is bound anew."""
    trees = [ast.parse(line.strip()) for line in [*lines, last] if not line.strip().endswith(":")]
    for at, tree in enumerate(trees):
        for name in _names(tree, ast.Store):
            for later in trees[at + 1 :]:
                if name in _names(later, ast.Load) or _adds_to(later, name):
                    break
                if name in _names(later, ast.Store):
                    return f" What `{ast.unparse(tree)}` computes is never used."
            else:
                return f" What `{ast.unparse(tree)}` computes is never used."
    return ""


def _names(tree, kind):
    return [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, kind)]


def _adds_to(tree, name):
    """`name += …` reads it too."""
    targets = [one.target for one in ast.walk(tree) if isinstance(one, ast.AugAssign)]
    return name in [target.id for target in targets if isinstance(target, ast.Name)]
