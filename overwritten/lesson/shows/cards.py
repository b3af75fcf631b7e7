"""A pattern of the field guide as a card to read: message, what happens, cure, folk cure.

The idea: everything but the words of the pattern is measured, by running its programs; a card
of HTML opens without a kernel.
"""

from __future__ import annotations

import re
from html import escape

from overwritten.cases.patterns import EVERY, Pattern
from overwritten.doctor.report import set_as_code
from overwritten.lesson.show import with_code
from overwritten.lesson.shows.guide import SECTIONS, end_of, number, pattern, strictly, tried
from overwritten.live.output import CONTROLS, asset
from overwritten.messages import KINDS
from overwritten.pictures.draw import STYLE, clean
from overwritten.pictures.lanes import lanes_picture, lanes_sentence
from overwritten.record.private import NODES

#: The look of a card.
CARDS = "\n" + asset("cards.css", "lesson/shows")


class Cards:
    """Patterns to read: message, what happens, cure, folk cure and what that really does."""

    def __init__(self, patterns: tuple[Pattern, ...]):
        self.patterns = patterns

    def html(self) -> str:
        shown = "".join(card(one, f' id="pattern-{number(one)}"') for one in self.patterns)
        return f'<div class="ow"><style>{STYLE}{CONTROLS}{CARDS}</style>{shown}</div>'

    def __str__(self):
        return "\n\n".join(map(_words, self.patterns))

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(self), "text/html": self.html()}


def cards(*which: int | str) -> Cards:
    """The cards of these patterns: numbers, names, or groups of `SECTIONS`."""
    groups = {group for section in SECTIONS.values() for group in section}
    chosen: list[Pattern] = []
    for w in which:
        chosen += [one for one in EVERY if one.group == w] if w in groups else [pattern(w)]
    return Cards(tuple(chosen))


def message_of(one: Pattern) -> str:
    """What its trigger says, as every PyTorch from 2.6 on would agree to write it; '' for none."""
    run = tried(one)[0].run
    error, message = run.error, run.message
    if message is None:
        return ""
    if not message.overwritten:
        return f"RuntimeError: {next(re.finditer(KINDS[message.kind], error))[0]} …"
    node = f"{message.op}Backward0"
    older = f" ({node} up to torch 2.12)" if hasattr(NODES, node) else ""
    return error.replace(f" of {message.op},", f" of {message.op}{older},")


def really(one: Pattern) -> str:
    """What its folk cure ends with, in words: 'still raises: Relu, 1; expected 0'."""
    done = tried(one)[1]
    return f"{'still raises: ' if done.run.error else ''}{end_of(done)}"


def card(one: Pattern, anchor: str = "", place: str = "") -> str:
    """HTML of one card, folded, in the styles of `Cards`.

    place: away from its section, HTML that says where that is; then the cure stands on the folded card.
    """
    done = tried(one)[0]
    said = message_of(one)
    link = one.thread.replace("#", "/issues/")
    lines = [place, f"<code>{escape(said)}</code>" if said else "No message: it runs to its end."]
    lines += [
        "<p><strong>As found</strong></p>",
        _numbered(one.trigger),
        "<p><strong>What happens</strong></p>",
    ]
    told = lanes_sentence(done.run)
    lanes = lanes_picture(done.run, told, done.verdict, brief=True, code=False)
    lines.append(
        f'<div class="view" tabindex="0" role="group" aria-label="What happens in pattern {number(one)}">{lanes.svg()}</div>'
    )
    if not done.run.error:
        lines.append(f"<p><strong>Strict mode:</strong> {with_code(strictly(one))}</p>")
    lines += [f"<p><strong>Cure.</strong> {with_code(one.does)}</p>", _pre(one.cure_lines)]
    lines += [f"<p><strong>Folk cure:</strong> {with_code(one.folk)}</p>", _pre(one.folk_lines)]
    lines.append(
        f"<p><strong>What that really does: {escape(really(one))}.</strong> {with_code(one.because)}</p>"
    )
    if one.thread:
        lines.append(f'<p>Read on: <a href="https://github.com/{link}">{one.thread}</a></p>')
    head = f"<strong>{number(one)}. {escape(one.name)}</strong> <code>{escape(end_of(done))}</code>"
    head += f'<span class="does">{with_code(one.does)}</span>' if place else ""
    return f'<details class="card"{anchor}><summary data-lm-suppress-shortcuts="true">{head}</summary>{"".join(lines)}</details>'


def _pre(code):
    return f"<pre>{set_as_code(clean(code.strip()))}</pre>"


def _numbered(code):
    """A program whose lines the style numbers, as the picture names them; they are not copied."""
    lines = clean(code.strip()).split("\n")
    inside = "".join(f"<span>{set_as_code(line)}\n</span>" for line in lines)
    return f'<pre class="program">{inside}</pre>'


def _words(one):
    done = tried(one)[0]
    parts = [
        f"{number(one)}. {one.name}: {end_of(done)}",
        message_of(one),
        one.trigger.strip(),
        "" if done.run.error else f"Strict mode: {strictly(one)}",
    ]
    parts += [f"Cure. {one.does}", one.cure_lines, f"Folk cure: {one.folk}", one.folk_lines]
    parts += [f"What that really does: {really(one)}. {one.because}", one.thread]
    return "\n".join(filter(None, parts))
