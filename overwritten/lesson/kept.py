"""What a lesson keeps of a learner: the choice opened first, the answer checked last.

The idea: one store for the whole kernel, in `overwritten_answers.json` beside the notebook;
the environment variable OVERWRITTEN_ANSWERS names another file, or `off` for none.
"""

from __future__ import annotations

import inspect
import os
import sys
import textwrap
from pathlib import Path

from overwritten.lesson.store import Store

NAME = "overwritten_answers.json"
_EXERCISES = "overwritten.lesson.exercises."
_QUESTIONS = "overwritten.lesson.questions."
#: lesson → the name under which answers to what stands in it now were kept before.
_FORMER = {"start_here": "other", "silent_gradients": "leaf_mutation"}
_LONGEST = 20_000  # characters kept of one answer


def _path():
    named = os.environ.get("OVERWRITTEN_ANSWERS", NAME)
    if named == "off":
        return None
    path = Path(named or NAME).absolute()  # for a learner may change the folder later
    # `notebooks/` itself was what learners opened, before `notebooks/learn/`
    before = path.parent.parent / NAME
    moved = path.parent.name == "learn" and before.exists() and not path.exists()
    return before if moved else path


STORE = Store(_path())


def say_news():
    """Print what went wrong with the file since the last time, if anything."""
    while STORE.news:
        print(STORE.news.pop(0))


def shell():
    """IPython's shell; None in plain Python."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def lesson_of(question) -> str:
    """Which lesson's question this is; 'other' for one of nobody's.

    >>> from overwritten.lesson.questions import version_counter
    >>> lesson_of(version_counter.whose_counter)
    'version_counter'
    """
    for path, module in list(sys.modules.items()):
        if path.startswith(_QUESTIONS) and any(one is question for one in vars(module).values()):
            return path.rpartition(".")[2]
    return "other"


def entry(entries: dict[tuple, dict], key: tuple) -> dict | None:
    """What is kept under a key, or was before its question or exercise moved here."""
    lesson, *rest = key
    return entries.get(key) or entries.get((_FORMER.get(lesson, lesson), *rest))


def choice(lesson: str, question: str) -> str | None:
    """The alternative that was opened first; None if none was."""
    found = entry(STORE.entries(), (lesson, "predictions", question))
    return found.get("choice") if found else None


def keep_choice(lesson: str, question: str, chosen: str):
    if choice(lesson, question) is None:
        STORE.keep((lesson, "predictions", question), choice=chosen)


def later_choice(lesson: str, question: str) -> str | None:
    """The alternative opened last when a later lesson asked again; None if none was."""
    return STORE.entries().get((lesson, "again", question), {}).get("choice")


def keep_later_choice(lesson: str, question: str, chosen: str):
    STORE.keep((lesson, "again", question), choice=chosen)


def place(exercise) -> tuple | None:
    """(lesson, 'exercises', name) of an exercise of a lesson; None for any other."""
    for path, module in list(sys.modules.items()):
        if path.startswith(_EXERCISES):
            for name, one in getattr(module, "EXERCISES", {}).items():
                if one is exercise:
                    return path.rpartition(".")[2], "exercises", name
    return None


def answer(exercise) -> dict | None:
    """{'source', 'outcome', 'when'} of the answer checked last; None if there is none."""
    key = place(exercise)
    return entry(STORE.entries(), key) if key else None


def keep_answer(exercise, given, outcome: str):
    key = place(exercise)
    if key:
        STORE.keep(key, source=source_of(given)[:_LONGEST], outcome=outcome)


def source_of(given) -> str:
    """Code that brings an answer back: the cell that checked it, after what that lacks of it."""
    cell = _cell()
    try:
        own, there = _own_source(given, cell)
    except Exception:  # a learner's object may fail at anything
        own, there = "", False
    parts = [cell] if there or not own else [own, cell]
    return "\n\n".join(part for part in parts if part) or type(given).__name__


def _own_source(given, cell):
    if callable(given):
        own = textwrap.dedent(inspect.getsource(given)).strip()
        return own, own in cell
    if not isinstance(given, dict):
        return repr(given), bool(cell)
    here = shell().user_ns if shell() else {}
    names = (name for name, one in here.items() if one is given and not name.startswith("_"))
    rows = "".join(f"    {question!r}: {word!r},\n" for question, word in given.items())
    there = all(str(part) in cell for item in given.items() for part in item)
    return f"{next(names, 'answer')} = {{\n{rows}}}", there


def _cell() -> str:
    """The cell that is running, if it is one with a check."""
    history = getattr(shell(), "history_manager", None)
    cell = history.input_hist_raw[-1].strip() if history and history.input_hist_raw else ""
    return cell if ".check(" in cell else ""
