"""One small JSON file with a learner's answers, which nothing that goes wrong may destroy.

The idea: what this session has kept is merged into what the file holds, under a lock, and the
new file takes the old one's place in one step. Where that fails, the answers stay in memory,
one sentence says why, and the next save tries again.
It imports nothing of the course.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
import time
from pathlib import Path

from filelock import FileLock

#: 1 knew predictions and exercises only; such a file is read, and written as 2.
FORMAT = 2
#: What an entry of each kind holds, beside "when" (seconds since 1970).
KINDS = {
    "predictions": ("choice",),
    "exercises": ("source", "outcome"),
    "orders": ("order",),
    "again": ("choice",),
    "final": ("answer",),
    "scores": ("score", "answers"),
}
_WAIT = 5  # seconds for another lesson's save, which takes milliseconds


class Newer(ValueError):
    """Answers written by a later version of the course."""


class Store:
    """Entries by (lesson, kind, name), as KINDS says; path: their file, None to keep no file.

    news: sentences about what went wrong, not yet said.
    """

    def __init__(self, path: Path | None):
        self.path = path
        self.news: list[str] = []
        self._mine: dict[tuple, dict] = {}
        self._said: set[str] = set()
        self._turn = threading.RLock()

    def entries(self) -> dict[tuple, dict]:
        """All that is kept: in the file and in this session."""
        with self._turn:
            try:
                return merged(self._read(), self._mine)
            except (ValueError, OSError):
                self._save()  # sets aside what cannot be read; says what else is wrong
                return dict(self._mine)

    def keep(self, key: tuple, **entry: str):
        """Keep an entry under (lesson, kind, name) and save; never raises."""
        with self._turn:
            before = self.entries().get(key, {"when": 0})["when"]  # a clock may have been set back
            self.add({key: {**entry, "when": max(time.time(), before + 0.001)}})

    def add(self, entries: dict[tuple, dict]):
        """Merge these, the newest of each name stays, and save; never raises."""
        with self._turn:
            self._mine = merged(self._mine, entries)
            self._save()

    def tell(self, sentence: str):
        """Note a sentence for `news`, once."""
        if sentence not in self._said:
            self._said.add(sentence)
            self.news.append(sentence)

    def _read(self):
        if self.path is None:
            return {}
        try:
            return parsed(self.path.read_text("utf8"))
        except FileNotFoundError:
            return {}

    def _save(self):
        if self.path is None:
            return
        name = self.path.name
        try:
            with FileLock(self.path.with_name(f".{name}.lock"), timeout=_WAIT):
                try:
                    held = self._read()
                except Newer:
                    raise
                except ValueError:
                    held, aside = {}, self._set_aside()
                    renamed = f"{name} could not be read, so it was renamed to {aside}"
                    self.tell(f"{renamed}; a new file begins.")
                self._write(text_of(merged(held, self._mine)))
        except Newer:
            self.tell(
                f"{name} was written by a newer version of this course and stays as it is. "
                "Your answers are kept in memory only: `answers.download()` saves them."
            )
        except (OSError, NotImplementedError) as error:  # the latter where a disk knows no locks
            why = getattr(error, "strerror", None) or str(error)
            self.tell(
                f"Your answers cannot be saved in {name} ({why}). "
                "They are kept in memory only: `answers.download()` saves them."
            )

    def _set_aside(self):
        stem, suffix = self.path.stem, self.path.suffix
        names = (f"{stem}_unreadable_{number}{suffix}" for number in itertools.count(1))
        aside = next(name for name in names if not self.path.with_name(name).exists())
        os.replace(self.path, self.path.with_name(aside))
        return aside

    def _write(self, text):
        # one name: whoever holds the lock writes over what a killed process left
        new = self.path.with_name(f".{self.path.name}.new")
        with open(new, "w", encoding="utf8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)
        if os.name == "posix":  # the folder's own entry; Windows cannot open folders
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def merged(one: dict[tuple, dict], other: dict[tuple, dict]) -> dict[tuple, dict]:
    """Both; where both have an entry of that name, the newer.

    >>> merged({"a": {"when": 2}}, {"a": {"when": 1}, "b": {"when": 1}})
    {'a': {'when': 2}, 'b': {'when': 1}}
    """
    newer = (key for key, e in other.items() if key not in one or one[key]["when"] <= e["when"])
    return one | {key: other[key] for key in newer}


def text_of(entries: dict[tuple, dict]) -> str:
    """The file's text: {"format": 2, "lessons": {lesson: {kind: {name: entry}}}}."""
    lessons: dict[str, dict[str, dict[str, dict]]] = {}
    for (lesson, kind, name), entry in sorted(entries.items()):
        lessons.setdefault(lesson, {}).setdefault(kind, {})[name] = entry
    text = json.dumps({"format": FORMAT, "lessons": lessons}, indent=1)
    return text.replace("'''", "\\u0027" * 3) + "\n"  # so that it can be pasted as r'''…'''


def parsed(text: str) -> dict[tuple, dict]:
    """The entries in such a text. Raises Newer, or ValueError for anything else that it is not.

    >>> parsed(text_of({("l", "predictions", "q"): {"choice": "a", "when": 1}}))
    {('l', 'predictions', 'q'): {'choice': 'a', 'when': 1}}
    """
    try:
        data = json.loads(text)
        if type(data["format"]) is not int or data["format"] < 1:
            raise ValueError("no format number")
        if data["format"] > FORMAT:
            raise Newer(f"format {data['format']}")
        entries = {
            (lesson, kind, name): entry
            for lesson, kinds in data["lessons"].items()
            for kind, named in kinds.items()
            for name, entry in named.items()
        }
        for (_, kind, _), entry in entries.items():
            words = [entry[field] for field in KINDS[kind]]
            if not all(isinstance(word, str) for word in words) or not 0 <= entry["when"] <= 1e15:
                raise ValueError("no entry of ours")
    except (AttributeError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("no answers of this course") from error
    return entries
