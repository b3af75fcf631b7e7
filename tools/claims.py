"""The claims of sources and folklore: read the file, check its form, measure the verdicts.

The idea: a claim's snippet leaves `holds`, a bool for each part of the claim; all true is
'true', none is 'false', some is 'half true'. Written and measured verdict must agree.
What is wrong is told in sentences that begin with the claim's id.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10; there pytest brings tomli
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "claims" / "claims.toml"
FIELDS = ("id", "source", "says", "verdict", "why")
OPEN = "not settled here"
VERDICTS = ("true", "half true", "false", OPEN)


def read(path: Path = FILE) -> dict:
    """{"preamble": code, "sources": {key: who}, "claim": [dict, …]}; see the file's head.

    Raises SystemExit with a sentence where the file is no TOML or lacks a part.
    """
    try:
        told = tomllib.loads(path.read_text("utf8"))
    except tomllib.TOMLDecodeError as error:
        raise SystemExit(f"{path.name} is no TOML: {error}") from None
    for part in ("preamble", "sources", "claim"):
        if part not in told:
            raise SystemExit(f"{path.name} lacks {part!r}; its head says what belongs in it.")
    return told


def faults(told: dict, cited: dict[str, list[str]]) -> list[str]:
    """What is wrong with the file, or between it and the lessons, as sentences.

    cited: lesson → the ids that its cells carry as tags `claim:id`.
    """
    claims = told["claim"]
    ids = [claim.get("id") for claim in claims]
    every = [id for some in cited.values() for id in some]
    found = [
        f"{id} stands twice: give one of them another id"
        for id in dict.fromkeys(ids)
        if ids.count(id) > 1
    ]
    for number, claim in enumerate(claims, 1):
        name = claim.get("id") or f"claim {number}"
        found += [f"{name} lacks {field}" for field in FIELDS if not claim.get(field)]
        if claim.get("verdict", OPEN) not in VERDICTS:
            found.append(
                f"{name}: no verdict is {claim['verdict']!r}; take one of {', '.join(VERDICTS)}"
            )
        if claim.get("source") and claim["source"] not in told["sources"]:
            found.append(f"{name}: no source is called {claim['source']!r}")
        if not claim.get("snippet") and claim.get("id") not in every:
            found.append(f"{name} has neither a snippet nor a cell that settles it")
        if claim.get("snippet") and claim.get("verdict") == OPEN:
            found.append(f"{name} has a snippet, so it is settled: write its verdict")
    for lesson, some in cited.items():
        found += [
            f"{lesson} cites {id}, and no claim is called so"
            for id in dict.fromkeys(some)
            if id not in ids
        ]
        found += [] if some else [f"{lesson} cites no claim: tag a cell with `claim:…`"]
    return found


def programs(told: dict) -> dict[str, str]:
    """id → the program that settles it: preamble and snippet."""
    return {
        c["id"]: f"{told['preamble']}\n{c['snippet']}" for c in told["claim"] if c.get("snippet")
    }


def ran(codes: dict[str, str], python: str = sys.executable, seconds: float = 600.0) -> dict:
    """What tools/snippets.py under `python` says of these programs: torch, python, ran.

    Raises SystemExit with a sentence where that interpreter has no torch.
    """
    command = [python, str(ROOT / "tools" / "snippets.py")]
    given = json.dumps({"seconds": seconds, "programs": codes})
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True)
    except OSError as error:
        raise SystemExit(f"{python} does not start: {error.strerror}.") from None
    if done.returncode:
        *_, last = ["no word", *done.stderr.strip().splitlines()]
        raise SystemExit(f"{python} could not run the snippets: {last}")
    return json.loads(done.stdout)


def verdict(result: dict) -> str:
    """'true', 'half true', 'false', or what went wrong, as `snippets.run` tells it."""
    if "error" in result:
        return f"its snippet {result['error']}"
    if not result["holds"]:
        return "its snippet leaves no `holds`"
    return "true" if all(result["holds"]) else "half true" if any(result["holds"]) else "false"


def written(claim: dict, torch: str) -> str:
    """The verdict that stands in the file for that PyTorch, e.g. '2.13.0+cpu'."""
    older = claim.get("older")
    return (
        older["verdict"] if older and release(torch) < release(older["below"]) else claim["verdict"]
    )


def release(version: str) -> tuple[int, int]:
    """(2, 13) for '2.13.0+cpu'."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def differences(told: dict, measured: dict) -> list[str]:
    """A sentence for each claim whose verdict, as `ran` measured it, is not the written one."""
    found = []
    for claim in told["claim"]:
        if claim["id"] in measured["ran"]:
            ours, theirs = written(claim, measured["torch"]), verdict(measured["ran"][claim["id"]])
            if theirs not in VERDICTS:
                found.append(f"{claim['id']}: {theirs}")
            elif theirs != ours:
                where = f"on torch {measured['torch']}"
                found.append(f"{claim['id']}: written {ours!r}, measured {theirs!r} {where}")
    return found
