"""What `make versions` wrote is on record, the weekly comparison notices changes, its workflow runs what is there."""

import copy
import json
import re
import subprocess
import sys
from dataclasses import replace

import pytest

import claims
import versions
from conftest import ROOT

WEEKLY = ROOT / ".github" / "workflows" / "weekly.yml"


@pytest.fixture()
def record():
    return json.loads(versions.RECORD.read_text("utf8"))


def newest_of(record):
    return record["versions"][max(record["versions"], key=claims.release)]


def test_the_record_has_the_versions_the_claims_and_the_patterns(record):
    assert set(record["versions"]) >= {"2.6", "2.9", "2.11", "2.12", "2.13", "2.14", "2.15"}
    for run in record["versions"].values():
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", run["date"])
        assert set(run["claims"]) == set(claims.programs(claims.read())), (
            "claims have changed: run `make versions`"
        )
        assert set(run["texts"]) == set(versions.triggers()), (
            "patterns have changed: run `make versions`"
        )


def test_the_record_agrees_with_the_written_verdicts(record):
    told = claims.read()
    for run in record["versions"].values():
        assert {
            c["id"]: claims.written(c, run["torch"]) for c in told["claim"] if c.get("snippet")
        } == run["claims"]


def test_a_version_that_a_text_names_was_measured(record):
    """'Up to 2.12' rests on 2.12, and a change 'below 2.13' on both its sides."""
    texts = [*ROOT.glob("*.md"), *ROOT.glob("lessons_src/*.py"), *ROOT.glob("overwritten/**/*.py")]
    said = r"(?:[Uu]p to|[Ss]ince|[Ff]rom|before) (?:torch |PyTorch )?(2\.\d+)\b"
    named = {name for path in texts for name in re.findall(said, path.read_text("utf8"))}
    for claim in claims.read()["claim"]:
        named |= set(re.findall(said, claim["says"] + claim["why"]))
        if older := claim.get("older"):
            major, minor = claims.release(older["below"])
            named |= {f"{major}.{minor - 1}", f"{major}.{minor}"}
    assert {"2.6", "2.11", "2.12", "2.13"} <= named <= set(record["versions"])


def test_the_table_is_that_of_the_record(record):
    text = versions.TABLE.read_text("utf8")
    assert text == versions.table(record, claims.read())
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert any(
        row.startswith("| relu saved its input up to 1.9 | its input (pytorch/pytorch#63027")
        and row.count("| its result ") == len(record["versions"])
        for row in rows
    )
    assert any(
        row.startswith("| Relu / ReluBackward0") and "`ReluBackward0` | `Relu`" in row
        for row in rows
    )
    assert any(
        row.startswith("| hint wording") and "check_nan=False" in row and "(True)`" in row
        for row in rows
    )


def test_a_verdict_that_differs_between_versions_gets_a_row(record):
    run = newest_of(record)
    run["claims"]["counter-of-a-tensor"] = "true"
    older = "false | " * (len(record["versions"]) - 1)
    row = f"(`counter-of-a-tensor`) |  | {older}true |"
    assert row in versions.table(record, claims.read())


def test_a_row_of_the_atlas_that_differs_gets_a_row(record):
    newest_of(record).update(rows=2, atlas=[["x | y", "over_input", "raises", "right gradient"]])
    older = [""] * (len(record["versions"]) - 1)
    cells = ["`x \\| y`", "over_input", "raises", *older, "right gradient"]
    assert "| " + " | ".join(cells) + " |" in versions.table(record, claims.read())


def test_the_newest_measured_differs_from_the_record_in_nothing(record):
    assert versions.changes(record, claims.read(), newest_of(record)) == []


def test_a_changed_verdict_and_a_changed_text_are_told(record):
    measured = copy.deepcopy(newest_of(record))
    measured["claims"]["counter-of-a-tensor"] = "true"
    measured["claims"]["copy-is-safe"] = "its snippet did not end within 60 seconds"
    name, text = next(iter(measured["texts"].items()))
    measured["texts"][name] = text + " New."
    one, other, changed = versions.changes(record, claims.read(), measured)
    assert (
        one == "copy-is-safe: written 'false', measured 'its snippet did not end within 60 seconds'"
    )
    assert other == "counter-of-a-tensor: written 'false', measured 'true'"
    assert name in changed and changed.rstrip().endswith(" New.")


def test_the_atlas_measured_again_is_compared_with_the_committed(tmp_path, monkeypatch):
    def again(command, **how):
        for kind in (versions.atlas.Operation, versions.atlas.InPlace):
            versions.atlas.write(list(versions.atlas.rows(kind)), kind, tmp_path)

    monkeypatch.setattr(versions.subprocess, "run", again)
    rows = versions.measure_atlas("python", tmp_path)
    assert len(rows) > 1000 and versions.atlas_changes(rows) == []
    rows[0] = replace(rows[0], saves_input=not rows[0].saves_input)
    (changed,) = versions.atlas_changes(rows)
    assert changed[0].startswith(rows[0].name) and changed[1] == "saves_input"


@pytest.mark.slow
def test_a_check_ends_with_1_where_something_differs(record, monkeypatch, capsys):
    told = claims.read()
    told["claim"] = [claim for claim in told["claim"] if claim["id"] == "copy-is-safe"]
    monkeypatch.setattr(versions.claims, "read", lambda: told)
    monkeypatch.setattr(versions, "triggers", dict)
    monkeypatch.setattr(versions, "measure_atlas", lambda python, folder: [])
    before = versions.RECORD.read_bytes(), versions.TABLE.read_bytes()
    assert versions.main(["--check", "--python", sys.executable]) == 0
    assert capsys.readouterr().out.endswith("Nothing differs from the record.\n")
    told["claim"][0]["verdict"] = "true"
    assert versions.main(["--check", "--python", sys.executable]) == 1
    assert "- copy-is-safe: written 'true', measured 'false'" in capsys.readouterr().out
    assert before == (versions.RECORD.read_bytes(), versions.TABLE.read_bytes())


def test_a_version_that_cannot_be_installed_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(versions, "install", lambda version, folder: "")
    assert versions.main(["--check", "9.9.9"]) == 1
    assert "torch 9.9.9 could not be installed" in capsys.readouterr().out


def test_the_weekly_workflow_runs_what_is_there():
    yaml = pytest.importorskip("yaml")
    told = yaml.safe_load(WEEKLY.read_text("utf8"))
    assert told[True]["schedule"][0]["cron"].split()[4] == "1"  # yaml reads `on` as True
    assert told["permissions"] == {"contents": "read", "issues": "write"}
    job, everything = told["jobs"]["newest-torch"], told["jobs"]["all-tests"]
    assert everything["steps"][-1]["run"] == ".ci/run test-all"
    code = "\n".join(step.get("run", "") for step in job["steps"])
    assert subprocess.run(["bash", "-n"], input=code, text=True).returncode == 0
    (tool,) = set(re.findall(r"\S+\.py\b", code))
    options = set(re.findall(r" (--\w+)", re.search(rf"{re.escape(tool)}(.*)>", code)[1]))
    usage = subprocess.run(
        [sys.executable, tool, "--help"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    assert options == {"--check", "--python"} and all(option in usage for option in options)
    ids = {step["id"] for step in job["steps"] if "id" in step}
    assert set(re.findall(r"steps\.(\w+)\.", str(job["steps"]))) == ids
