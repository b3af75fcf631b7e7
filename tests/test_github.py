"""What GitHub reads from .github/: forms it accepts, a workflow that runs what is there."""

import re
import shutil
import subprocess

import pytest

import badges
import release
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
    told = workflow("test")
    assert set(told[True]) == {"push", "pull_request"}  # yaml reads `on` as True
    gate, package = told["jobs"]["gate"], told["jobs"]["package"]
    assert gate["steps"][-1]["run"] == ".ci/run" and (ROOT / ".ci" / "run").exists()
    assert package["strategy"]["matrix"]["os"] == ["macos-latest", "windows-latest"]
    install, tests = (step["run"] for step in package["steps"][-3:-1])
    windows = package["steps"][-1]
    assert windows["if"] == "runner.os == 'Windows'" and windows["run"].split()[0] == "lab.cmd"
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


def workflow(name):
    return yaml.safe_load((FOLDER / "workflows" / f"{name}.yml").read_text("utf8"))


def test_a_release_is_checked_built_tried_and_then_published():
    told = workflow("release")
    assert told[True] == {"push": {"tags": ["v*"]}} and told["permissions"] == {"contents": "read"}
    jobs = told["jobs"]
    assert [(name, jobs[name].get("needs")) for name in jobs] == [
        ("build", None), ("try", "build"), ("publish", "try"), ("attach", "publish")
    ]  # fmt: skip
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    for code in runs:
        assert subprocess.run(["bash", "-n"], input=code, text=True).returncode == 0
    called = re.findall(r"tools/\w+\.py", "\n".join(runs))
    assert called[0] == "tools/release.py" and "tools/badges.py" in called
    assert all((ROOT / name).exists() for name in called)
    everything = "\n".join(runs)
    order = ("tools/release.py", "badges.py --check", "-m build", "twine check", "overwritten demo")
    assert sorted(order, key=everything.index) == [*order]


def test_only_the_job_that_publishes_may_ask_for_trust():
    jobs = workflow("release")["jobs"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    uses = [step.get("uses", "") for step in jobs["publish"]["steps"]]
    assert uses[-1].startswith("pypa/gh-action-pypi-publish@") and len(uses) == 2
    assert [name for name in jobs if "id-token" in jobs[name].get("permissions", {})] == ["publish"]
    text = (FOLDER / "workflows" / "release.yml").read_text("utf8")
    assert "secrets." not in text and "password:" not in text


@pytest.fixture()
def tree(tmp_path):
    """What a release is judged by."""
    (tmp_path / "overwritten").mkdir()
    for name in ("overwritten/__init__.py", "pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_tag_of_this_tree_is_a_release(tree):
    tag = badges.slug_and_tag(tree)[1]
    assert release.fault(tag, tree) == "" and release.main([tag]) == 0


@pytest.mark.parametrize("tag", ["v9.9.9", "0.1.0", "v0.1", "v0.1.0rc1", "v0.1.0 ", ""])
def test_another_tag_is_one_sentence(tag, capsys):
    assert release.main([tag]) == 1
    said = capsys.readouterr().err
    own = badges.slug_and_tag(ROOT)[1]
    assert said.startswith(f"The tag is {tag} and the version {own[1:]} ") and said.count("\n") == 1


def test_a_version_without_its_changes_is_no_release(tree):
    face, tag = tree / "overwritten" / "__init__.py", badges.slug_and_tag(tree)[1]
    face.write_text(face.read_text().replace(f'"{tag[1:]}"', '"9.9.9"'))
    assert release.fault("v9.9.9", tree).startswith("CHANGELOG.md has no section `## 9.9.9 - ")
    assert release.fault(tag, tree).startswith(f"The tag is {tag} and the version 9.9.9 ")
