"""What GitHub reads from .github/: forms it accepts, a workflow that runs what is there."""

import re
import subprocess

import pytest

from conftest import ROOT

yaml = pytest.importorskip("yaml")
FOLDER = ROOT / ".github"
FORMS = sorted(p for p in (FOLDER / "ISSUE_TEMPLATE").glob("*.yml") if p.name != "config.yml")
#: Kind of field → what its `attributes` may hold (GitHub's syntax for issue forms).
FIELDS = {
    "textarea": {"label", "description", "placeholder", "value", "render"},
    "input": {"label", "description", "placeholder", "value"},
    "dropdown": {"label", "description", "options", "multiple", "default"},
}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_is_one_that_github_accepts(path):
    form = yaml.safe_load(path.read_text("utf8"))
    assert set(form) == {"name", "description", "labels", "body"}
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[\w-]+", one) for one in ids)
    for field in form["body"]:
        assert set(field) <= {"type", "id", "attributes", "validations"}
        assert field["attributes"]["label"] and set(field["attributes"]) <= FIELDS[field["type"]]
        assert (field["type"] == "dropdown") == bool(field["attributes"].get("options"))
        assert field.get("validations", {"required": True}) == {"required": True}


def test_a_wrong_diagnosis_comes_with_its_json_versions_and_program():
    form = yaml.safe_load((FOLDER / "ISSUE_TEMPLATE" / "wrong_diagnosis.yml").read_text("utf8"))
    fields = {field["id"]: field for field in form["body"]}
    assert "--json" in fields["report"]["attributes"]["description"]
    wanted = ("program", "report", "versions")
    assert all(fields[name]["validations"]["required"] for name in wanted)


def test_the_workflow_runs_what_is_there():
    told = yaml.safe_load((FOLDER / "workflows" / "test.yml").read_text("utf8"))
    assert set(told[True]) == {"push", "pull_request"}  # yaml reads `on` as True
    gate, package = told["jobs"]["gate"], told["jobs"]["package"]
    assert gate["steps"][-1]["run"] == ".ci/run" and (ROOT / ".ci" / "run").exists()
    assert package["strategy"]["matrix"]["os"] == ["macos-latest", "windows-latest"]
    install, tests = (step["run"] for step in package["steps"][-2:])
    names = re.search(r"'tests/test_%s.py ' ([\\\w\s]+)\)", tests)[1].replace("\\", " ").split()
    assert len(names) > 9
    assert [name for name in names if not (ROOT / "tests" / f"test_{name}.py").exists()] == []
    for code in (install, tests):
        assert subprocess.run(["bash", "-n"], input=code, text=True).returncode == 0
    pins = (ROOT / "requirements-dev.txt").read_text("utf8")
    kept = re.search(r"'\^\((.+)\)=='", install)[1].split("|")
    assert all(re.search(rf"^{name}==", pins, re.M) for name in kept)


def test_the_site_is_built_and_published_as_make_site_builds_it():
    told = yaml.safe_load((FOLDER / "workflows" / "site.yml").read_text("utf8"))
    assert told[True]["push"] == {"branches": ["main"], "tags": ["v*"]}
    build, deploy = told["jobs"]["build"], told["jobs"]["deploy"]
    *_, install, made, upload = build["steps"]
    makefile = (ROOT / "Makefile").read_text("utf8")
    by_make = re.search(r"^site:.*\n\t\$\(BIN\)/(.+)$", makefile, re.M)[1]
    assert made["run"] == by_make == "python tools/build_site.py"
    assert upload["with"]["path"] == "site/_build/html" and "upload-pages" in upload["uses"]
    assert deploy["permissions"] == {"pages": "write", "id-token": "write"}
    assert deploy["needs"] == "build" and "deploy-pages" in deploy["steps"][0]["uses"]
    weekly = yaml.safe_load((FOLDER / "workflows" / "weekly.yml").read_text("utf8"))
    *_, same, made_weekly, follow = weekly["jobs"]["links"]["steps"]
    assert (same["run"], made_weekly["run"]) == (install["run"], made["run"])
    assert "-b linkcheck" in follow["run"]
    # As a script, as far as it goes without a network: pip is told, not asked.
    script = f'set -e\npython() {{ echo "$@"; }}\n{install["run"]}{made["run"]}\n{follow["run"]}'
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, text=True)
    torch = re.search(r"^torch==.+$", (ROOT / "requirements.txt").read_text("utf8"), re.M)[0]
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and lines[0].startswith(f"-m pip install {torch} --index-url ")
    assert lines[1:3] == ["-m pip install -r requirements-site.txt", "tools/build_site.py"]
    assert "-r requirements.txt" in (ROOT / "requirements-site.txt").read_text("utf8").splitlines()
