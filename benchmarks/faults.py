"""How well tools explain in-place errors: every program of the test under every tool, in one run.

The idea: a table that anyone can lengthen. `faults/collect.py` says which programs there are,
`faults/tools/` which tools, `faults/table.py` what counts. Times are ratios within the run; no
number holds for another machine, and no test waits for one.
"""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tools")]

import torch  # noqa: E402

from faults import collect, table, tools  # noqa: E402
from stamp import between  # noqa: E402

DOCTOR = ROOT / "DOCTOR.md"


def every_tool() -> dict:
    """{name: module}, plain Python first."""
    names = sorted((one.name for one in pkgutil.iter_modules(tools.__path__)), key=_order)
    return {name: importlib.import_module(f"faults.tools.{name}") for name in names}


def _order(name):
    return name != "plain", name


def measured(programs, chosen, rounds) -> dict:
    """{tool: a Result for each program}; each round runs a program under all tools in turn."""
    found = {name: [] for name in chosen}
    for number, program in enumerate(programs, 1):
        print(f"{number} of {len(programs)}: {program.name}", file=sys.stderr)
        told = {name: [] for name in chosen}
        for _ in range(rounds):
            for name, tool in chosen.items():
                with tempfile.TemporaryDirectory() as folder:
                    told[name].append(tool.told(program, Path(folder)))
        for name in chosen:
            result = table.Result(program, tuple(told[name]), tuple(told["plain"]))
            found[name].append(result)
    return found


def told_of(found, chosen, left_out, rounds) -> str:
    """The summary and what to know about it."""
    rows = [table.row(name, chosen[name].NAMES, results) for name, results in found.items()]
    rows += [[f"{name} (no `{tool.NEEDS}` here)", *["–"] * 7] for name, tool in left_out.items()]
    lines = [
        f"- {name}: {tool.__doc__.splitlines()[0]}" for name, tool in {**chosen, **left_out}.items()
    ]
    count = len(next(iter(found.values())))
    where = f"{count} programs, {rounds} run(s) of each, PyTorch {torch.__version__}."
    return "\n\n".join([table.summary(rows), "\n".join(lines), where])


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="runs of each (3)")
    parser.add_argument("--only", default="", metavar="WORD", help="programs with this in the name")
    parser.add_argument("--tool", metavar="NAME", help="plain Python and this one only")
    parser.add_argument("--all", action="store_true", help="also a row for each program")
    parser.add_argument("--write", action="store_true", help="put the table into DOCTOR.md")
    options = parser.parse_args(arguments)
    if options.write and (options.only or options.tool):
        parser.error("--write is for the whole table: leave --only and --tool out.")
    programs = [one for one in collect.every() if options.only in one.name]
    wanted = {
        name: tool for name, tool in every_tool().items() if name in ("plain", options.tool or name)
    }
    chosen = {name: tool for name, tool in wanted.items() if _is_there(tool.NEEDS)}
    left_out = {name: tool for name, tool in wanted.items() if name not in chosen}
    if not programs:
        parser.error(f"no program has {options.only!r} in its name.")
    found = measured(programs, chosen, options.rounds)
    text = told_of(found, chosen, left_out, options.rounds)
    print(text)
    if options.all:
        print("", table.per_program(found), sep="\n")
    if options.write:
        DOCTOR.write_text(between(DOCTOR.read_text("utf8"), "faults", text), "utf8")


def _is_there(module):
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package around it
        return False


if __name__ == "__main__":
    main()
