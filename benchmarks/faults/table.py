"""What each tool named of what there is to name, as tables in Markdown.

The idea: plain Python is the measure. A program is unchanged under a tool if exit code, standard
output (the gradients it prints) and the error's text are plain's; times are ratios to plain's of
the same run. A line counts as named if the tool names it and no other for that part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median

from faults.collect import Program
from faults.fresh import Told

HEAD = ("tool", "saver", "writers", "all faults", "silent", "false alarms", "unchanged", "× time")


@dataclass(frozen=True)
class Result:
    """One program under one tool and under plain Python, each as often as there were rounds."""

    program: Program
    told: tuple[Told, ...]
    plain: tuple[Told, ...]

    @property
    def first(self):
        """The fault named first, and the one that raises."""
        return next(iter(self.told[0].faults), None), next(iter(self.program.faults), None)

    @property
    def saver(self) -> bool:
        named, true = self.first
        return bool(named and true) and named.saver == true.saver

    @property
    def writers(self) -> bool:
        named, true = self.first
        return bool(named and true) and named.writers == true.writers

    @property
    def every(self) -> bool:
        """All faults of the run, with all their lines, and nothing else."""
        return set(self.told[0].faults) == set(self.program.faults)

    @property
    def unchanged(self) -> bool:
        def same(told, plain):
            # A tool may add to an error's text, not to an ending without one.
            kept = told.error.startswith(plain.error) and bool(told.error) == bool(plain.error)
            return (told.code, told.out) == (plain.code, plain.out) and kept

        return all(same(one.ran, self.plain[0].ran) for one in self.told)

    @property
    def times(self) -> float | None:
        """Median time as a multiple of plain's, None where one was cut off."""
        seconds = [[one.ran.seconds for one in told] for told in (self.told, self.plain)]
        if any(None in some for some in seconds):
            return None
        return median(seconds[0]) / median(seconds[1])


def _share(results: Iterable[Result], holds: Callable[[Result], bool]) -> str:
    found = [holds(one) for one in results]
    return f"{sum(found)} of {len(found)}"


def row(name: str, names: Iterable[str], results: list[Result]) -> list[str]:
    """A tool's row of the summary; names: its NAMES, the other columns stay empty ("–")."""
    loud = [one for one in results if one.program.faults and one.program.ends != "silent"]
    silent = [one for one in results if one.program.faults and one.program.ends == "silent"]
    fine = [one for one in results if one.program.ends == "fine"]
    both = "saver" in names and "writers" in names
    times = [one.times for one in results if one.times is not None]
    return [
        name,
        _share(loud, lambda one: one.saver) if "saver" in names else "–",
        _share(loud, lambda one: one.writers) if "writers" in names else "–",
        _share((one for one in loud if one.program.whole), lambda one: one.every) if both else "–",
        _share(silent, lambda one: one.every) if "silent" in names else "–",
        _share(fine, lambda one: bool(one.told[0].faults)) if names else "–",
        _share(results, lambda one: one.unchanged),
        f"{median(times):.2f}" if times else "–",
    ]


def summary(rows: Iterable[list[str]]) -> str:
    """One row a tool."""
    return _markdown(HEAD, rows)


def per_program(found: dict[str, list[Result]]) -> str:
    """One row a program: what each tool named, "≠" where it changed the program, × time."""
    lines = []
    for results in zip(*found.values()):
        program = results[0].program
        lines.append([program.name, program.ends, *map(_cell, results)])
    return _markdown(("program", "ends", *found), lines)


def _cell(result):
    parts = {"saver": result.saver, "writers": result.writers, "all": result.every}
    words = [word for word, named in parts.items() if named and result.program.faults]
    if result.program.ends == "fine" and not result.every:
        words.append("false alarm")
    times = "–" if result.times is None else f"{result.times:.1f}×"
    return " ".join([*words, *([] if result.unchanged else ["≠"]), times])


def _markdown(head, lines):
    rows = [head, ["---", *["---:"] * (len(head) - 1)], *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
