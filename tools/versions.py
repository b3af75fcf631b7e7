"""Measure claims, error texts and op atlas on several PyTorchs; write what changed between them.

Each version gets a throw-away virtual environment (5 to 8 GB with CUDA, minutes), one after the
other, so this stands outside `make test`; `--python` takes an interpreter that is there already.
A version that cannot be installed is named, not passed over. With `--check` nothing is written:
what differs from the committed record is told, for the weekly run on the newest PyTorch.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from datetime import date
from pathlib import Path

import claims

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from overwritten.atlas import rows as atlas  # noqa: E402
from overwritten.cases.patterns import EVERY, HEAD  # noqa: E402
from overwritten.messages import normal, parse  # noqa: E402

RECORD, TABLE = ROOT / "claims" / "versions.json", ROOT / "claims" / "versions.md"
VERSIONS = ["2.6.0", "2.9.1", "2.11.0", "2.12.1", "2.13.0", "2.14.1", "2.15.0"]
TESTS = "patterns guide doctor strict messages recorder trial spans lanes ops live lesson".split()
CITED = "1.9 and older (cited, not run)"
OLD_RELU = "its input (pytorch/pytorch#63027, changed by #63089)"
#: What ReLU was called there: messages of those versions, collected in tests/test_messages.py.
OLD_NAMES = "`ReluBackward0`, in place `ReluBackward1`"


def triggers() -> dict[str, str]:
    """Name → program, for each pattern and cousin."""
    return {pattern.name: f"{HEAD}\n{pattern.trigger}" for pattern in EVERY}


def install(version: str, folder: Path) -> str:
    """The Python of a fresh environment with that torch; '' where it cannot be had."""
    venv.create(folder, with_pip=True, clear=True)
    python = str(folder / "bin" / "python")
    pip = "-m pip install -q --disable-pip-version-check".split()
    needs = "numpy pytest hypothesis ipywidgets setuptools".split()
    return "" if subprocess.call([python, *pip, f"torch=={version}", *needs]) else python


def measure(python: str) -> dict:
    """One version's record: torch, date, claims (id → verdict), texts (pattern → error)."""
    told = claims.read()
    ran = claims.ran(claims.programs(told), python)
    texts = claims.ran(triggers(), python)["ran"]
    for line in claims.differences(told, ran):
        print(line, flush=True)
    return {
        "torch": ran["torch"],
        "date": date.today().isoformat(),
        "claims": {id: claims.verdict(result) for id, result in ran["ran"].items()},
        "texts": {name: result.get("text", "no error") for name, result in texts.items()},
    }


def measure_atlas(python: str, folder: Path) -> list:
    """The atlas's rows, its programs run again under `python`."""
    command = [python, str(ROOT / "tools" / "atlas.py"), "--again", "--into", str(folder)]
    subprocess.run(command, cwd=ROOT, env=dict(os.environ, PYTHONPATH=str(ROOT)), check=True)
    return [row for kind in (atlas.Operation, atlas.InPlace) for row in atlas.rows(kind, folder)]


def atlas_changes(rows: list) -> list[list[str]]:
    """[name, what, in the committed atlas, in `rows`] where they differ; [] without rows."""
    if not rows:
        return []
    committed = [row for kind in (atlas.Operation, atlas.InPlace) for row in atlas.rows(kind)]
    return [list(found) for found in atlas.differences(committed, rows)]


def run_tests(python: str) -> list[str]:
    """What each test file ended with under `python`."""
    ended, environment = [], dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1")
    for name in TESTS:
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/test_{name}.py"]
        out = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True
        ).stdout
        *_, last = ["did not start", *out.strip().splitlines()]
        ended.append(re.sub(r" in [\d.]+s.*", "", last).strip("= "))
    return ended


# The table


def table(record: dict, told: dict) -> str:
    """claims/versions.md: what differs between the versions of the record, one row each."""
    names = sorted(record["versions"], key=claims.release)
    runs = [record["versions"][name] for name in names]
    days, count = sorted({run["date"] for run in runs}), len(runs[-1]["claims"])
    lines = [
        "# What changed between PyTorch versions",
        "",
        f"Measured {' to '.join(dict.fromkeys([days[0], days[-1]]))} by `make versions`, on "
        + ", ".join(f"torch {run['torch']}" for run in runs)
        + f": {count} claims, {len(runs[-1]['texts'])} error texts. "
        "The first column is cited from the sources named there and was not run.",
        "",
        *_rows(["", CITED, *names], [*_claim_rows(told, runs), *_text_rows(runs)]),
        "",
        "## The name behind “output 0 of”, pattern by pattern",
        "",
        *_rows(
            ["pattern", *names],
            [
                [name, *(_named(run["texts"].get(name, "")) for run in runs)]
                for name in runs[-1]["texts"]
            ],
        ),
        "",
        f"All other verdicts are the same on each: {_same(runs)} of {count} claims.",
        "",
        "## The op atlas",
        "",
        *_atlas_lines(names, runs),
    ]
    return "\n".join(lines) + "\n"


def _rows(head, rows):
    return ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]


def _claim_rows(told, runs):
    saves = (run["claims"]["relu-saves-its-result"] for run in runs)
    yield [
        "relu saved its input up to 1.9",
        OLD_RELU,
        *("its result" if verdict == "true" else verdict for verdict in saves),
    ]
    for claim in told["claim"]:
        verdicts = [run["claims"].get(claim["id"], "") for run in runs]
        if len(set(verdicts)) > 1:
            yield [f"“{claim['says']}” (`{claim['id']}`)", "", *verdicts]


def _text_rows(runs):
    relus = [
        next(text for text in run["texts"].values() if (said := parse(text)) and said.op == "Relu")
        for run in runs
    ]
    yield ["Relu / ReluBackward0: what the message calls ReLU", OLD_NAMES, *map(_named, relus)]
    yield ["hint wording", "", *(f"`{_hint(text)}`" for text in relus)]
    newest = runs[-1]["texts"]
    same = [
        sum(normal(text) == normal(newest.get(name, "")) for name, text in run["texts"].items())
        for run in runs
    ]
    yield [
        "texts that read as on the newest, node names and hint put aside",
        "",
        *(f"{n} of {len(newest)}" for n in same),
    ]


def _named(text):
    message = parse(text)
    return (
        f"`{message.node}`"
        if message and message.node
        else "no name"
        if message
        else text.partition("\n")[0] or "–"
    )


def _hint(text):
    found = re.search(r"set_detect_anomaly\([^)]*\)", text)
    return found[0] if found else "none"


def _same(runs):
    return sum(len({run["claims"].get(id) for run in runs}) == 1 for id in runs[-1]["claims"])


def _atlas_lines(names, runs):
    """A row for each difference from the committed atlas; an empty cell: that version agrees."""
    if not any(run["rows"] for run in runs):
        return ["Not measured."]
    found = {}
    for name, run in zip(names, runs):
        for row, what, committed, here in run["atlas"]:
            found.setdefault((row, what, committed), {})[name] = here
    if not found:
        return ["No row differs."]
    rows = [
        [f"`{row}`", what, committed, *(here.get(name, "") for name in names)]
        for (row, what, committed), here in found.items()
    ]
    return _rows(
        ["row", "what", "committed", *names],
        [[cell.replace("|", "\\|") for cell in row] for row in rows],
    )


# The weekly run


def changes(record: dict, told: dict, measured: dict) -> list[str]:
    """Sentences: where this measurement is not as the claims say, or as the newest on record."""
    newest = record["versions"][max(record["versions"], key=claims.release)]
    found = []
    for claim in told["claim"]:
        ours = claims.written(claim, measured["torch"])
        if (theirs := measured["claims"].get(claim["id"], ours)) != ours:
            found.append(f"{claim['id']}: written {ours!r}, measured {theirs!r}")
    for name, text in measured["texts"].items():
        if text != (before := newest["texts"].get(name, "not on record")):
            were = f"was\n  > {before}\n\n  and is\n  > {text}\n"
            found.append(f"the error text of the pattern “{name}” {were}")
    return found


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "versions",
        nargs="*",
        help=f"to install and measure; default, without --python: {' '.join(VERSIONS)}",
    )
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        help="an interpreter with torch to measure on; may be repeated",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; print what differs from the record, end with 1 if anything does",
    )
    parser.add_argument(
        "--tests", action="store_true", help="run the package's tests on each version as well"
    )
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "build" / "versions", help="where to install"
    )
    options = parser.parse_args(arguments)
    wanted = options.versions or ([] if options.python else VERSIONS)
    record = json.loads(RECORD.read_text("utf8")) if RECORD.exists() else {"versions": {}}
    told, missing, tested, found = claims.read(), [], [], []
    for which in [*options.python, *wanted]:
        python = which if which in options.python else install(which, options.folder)
        if not python:
            missing.append(which)
            print(f"torch {which} could not be installed", flush=True)
            continue
        measured = measure(python)
        with tempfile.TemporaryDirectory() as folder:
            rows = measure_atlas(python, Path(folder))
        measured |= {"rows": len(rows), "atlas": atlas_changes(rows)}
        counts = f"{len(measured['claims'])} claims, {len(measured['texts'])} texts"
        print(f"torch {measured['torch']}: {counts}, {len(rows)} rows", flush=True)
        if options.tests:
            tested.append([measured["torch"], *run_tests(python)])
        if options.check:
            found += changes(record, told, measured)
            found += [
                f"atlas, {name}: {what} was {one}, is {other}"
                for name, what, one, other in measured["atlas"]
            ]
        else:
            record["versions"][".".join(map(str, claims.release(measured["torch"])))] = measured
            record["versions"] = {
                name: record["versions"][name]
                for name in sorted(record["versions"], key=claims.release)
            }
            RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf8")
            TABLE.write_text(table(record, told), "utf8")
        shutil.rmtree(options.folder, ignore_errors=True)
    if tested:
        print("\n".join(_rows(["torch", *TESTS], tested)))
    if options.check:
        print("\n".join(f"- {line}" for line in found) or "Nothing differs from the record.")
        return 1 if found or missing else 0
    print(TABLE.read_text("utf8"))
    return (
        1
        if missing or any("failed" in cell or "did not" in cell for row in tested for cell in row)
        else 0
    )


if __name__ == "__main__":
    sys.exit(main())
