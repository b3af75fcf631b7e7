"""The glossary: what each word of the course means, and the section that shows it.

The idea: one list, which `tools/badges.py` writes into the start page as a table, with a line in
the head of each lesson that leads there. Links are made from the lessons' headings.
"""

from __future__ import annotations

from typing import NamedTuple

from course import Lesson

TITLE = "Glossary"


class Term(NamedTuple):
    """means: one or two sentences. lesson, section: where it is shown, by number.

    forms: a regular expression of the word as it stands in a text, '' for the word itself and
    its plural in -s.
    """

    word: str
    means: str
    lesson: int
    section: int
    forms: str = ""


GLOSSARY = (
    Term(
        "anomaly mode",
        "PyTorch keeps the traceback of each recorded operation. When a backward fails, it shows where the forward of that operation ran: the saver's line, not the writer's.",
        5,
        6,
    ),
    Term(
        "autocast",
        "A mode in which PyTorch runs some operations in a smaller dtype. It casts the weights for them and keeps the casts until the block ends.",
        9,
        4,
    ),
    Term(
        "autograd",
        "The part of PyTorch that records operations and computes gradients from the record.",
        2,
        3,
    ),
    Term(
        "backbone",
        "The large network that makes features of an image or a video. Neck and head come after it.",
        5,
        5,
    ),
    Term(
        "buffer",
        "A tensor that a module keeps and that is no parameter: running statistics, for example.",
        5,
        3,
    ),
    Term(
        "checkpoint",
        "A part of the forward that saves only its inputs. When backward needs the rest, that part runs again.",
        9,
        3,
    ),
    Term(
        "clone",
        "`x.clone()` copies: the same numbers in a storage of its own. Gradients flow through it back to `x`.",
        1,
        4,
    ),
    Term(
        "detach",
        "`x.detach()` looks at the same storage and shares the version counter of `x`, but has no history: no gradient flows through it.",
        1,
        4,
        "detach(?:ed|ing)?",
    ),
    Term(
        "doctor",
        "The course's tool that watches a program run and names both lines, the saver's and the writer's: `with watch()`, `%%watch`, `python -m overwritten`.",
        3,
        2,
    ),
    Term(
        "film",
        "A recording of code that really ran, line by line, with a slider.",
        0,
        3,
    ),
    Term(
        "folk cure",
        "What people write to make the error disappear, whether it helps or not.",
        8,
        2,
    ),
    Term(
        "FPN",
        "Feature pyramid network: a neck that merges a backbone's maps from coarse to fine.",
        5,
        9,
    ),
    Term(
        "graph",
        "What autograd records in the forward: a node for each operation, linked to the nodes that made its inputs. Backward walks it from the result to the leaves.",
        2,
        3,
    ),
    Term(
        "head",
        "The last layers of a network, which turn features into boxes, classes or scores.",
        5,
        5,
    ),
    Term(
        "hook",
        "A function of yours that PyTorch calls at a fixed moment: when a tensor is saved (a *pack hook*) or read again (an *unpack hook*), when a gradient arrives, when a layer has run.",
        2,
        3,
    ),
    Term(
        "in place",
        "An operation works in place if it writes its result into a storage that its input already has: `x += 1`, `x.add_(1)`.",
        1,
        2,
        "in[- ]place",
    ),
    Term(
        "knob",
        "A control that puts a value of your choice into code and runs the code again.",
        0,
        3,
    ),
    Term(
        "lane",
        "One row of a picture in which time runs to the right: the life of one storage, its writes and its saves.",
        2,
        5,
    ),
    Term(
        "lateral",
        "In an FPN, the convolution that brings one of the backbone's maps to the common number of channels. In SlowFast (lesson 7), what hands features from one pathway to the other.",
        5,
        9,
    ),
    Term(
        "leaf",
        "A tensor that no recorded operation made: weights, inputs. Backward fills its `.grad` if it requires grad.",
        4,
        1,
        r"leaf|leaves(?! (?:it|that|the|you)\b)",
    ),
    Term(
        "neck",
        "The layers between backbone and heads.",
        5,
        5,
    ),
    Term(
        "node",
        "One recorded operation in the graph. It keeps the saved tensors and computes that operation's part of the gradient; `y.grad_fn` is the node that made `y`.",
        2,
        3,
    ),
    Term(
        "op atlas",
        "The course's table of PyTorch's operations: what each saves, and what happens if that is overwritten.",
        2,
        6,
    ),
    Term(
        "out of place",
        "An operation works out of place if its result gets a new storage: `x + 1`, `x.add(1)`.",
        1,
        2,
        "out[- ]of[- ]place",
    ),
    Term(
        "padlock",
        "In films and lanes: it closes where a tensor is saved, and opens where backward finds that its version has changed.",
        2,
        3,
    ),
    Term(
        "requires grad",
        "A tensor requires grad if its `requires_grad` is `True`: autograd records what is done with it.",
        2,
        3,
        "requires? grad",
    ),
    Term(
        "saved tensor",
        "What a node keeps for backward, with the version that it had at that moment.",
        2,
        3,
    ),
    Term(
        "saver",
        "The operation that saved a tensor, and its line.",
        3,
        2,
    ),
    Term(
        "storage",
        "The bytes that hold a tensor's numbers. Several tensors can look at one storage.",
        1,
        1,
    ),
    Term(
        "strict mode",
        "The doctor compares the bytes of saved tensors, not only version counters. It finds writes that raise nothing.",
        9,
        5,
        "strict mode",
    ),
    Term(
        "stride",
        "How far to jump in the storage, in elements, to reach the next index of a dimension.",
        1,
        3,
    ),
    Term(
        "twin",
        "The same program written out of place, so that nothing saved is overwritten. Its gradient is the right one.",
        2,
        5,
    ),
    Term(
        "version counter",
        "A number that a tensor shares with all its views. Nearly every in-place operation moves it, and backward compares it with the version noted at the save.",
        2,
        1,
        "(?:version )?counters?",
    ),
    Term(
        "view",
        "A tensor that looks at another tensor's storage, with an offset, a shape and strides of its own. Nothing is copied.",
        1,
        3,
    ),
    Term(
        "writer",
        "The operation that overwrote a saved tensor, and its line.",
        3,
        2,
    ),
)


def address(page: Lesson, number: int) -> tuple[str, str]:
    """(notebook, cell) of a section. Raises ValueError where the lesson has no such section."""
    for one in page.sections:
        if one.number == number:
            return page.name, one.cell
    raise ValueError(f"{page.name} has no section {number}.")


def start(page: Lesson) -> tuple[str, str]:
    """(notebook, cell) of the glossary itself; page: the start page."""
    return address(page, next(one.number for one in page.sections if one.title == TITLE))


def table(pages: list[Lesson], both) -> list[str]:
    """The rows; both(words, notebook, cell): Markdown of a link and of the one in Colab."""
    rows = ["| word | means | shown in |", "|---|---|---|"]
    for term in GLOSSARY:
        place = f"lesson {term.lesson}" if term.lesson else "this page"
        link = both(f"{place}, section {term.section}", *address(pages[term.lesson], term.section))
        rows.append(f"| **{term.word}** | {term.means} | {link} |")
    return rows
