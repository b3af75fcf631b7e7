"""Each claim of the sources and of folklore: its snippet gives the written verdict; lessons cite by id."""

import copy

import nbformat
import pytest

import claims
from conftest import LESSONS


def cited_in(path):
    """The ids that the code cells of a notebook carry."""
    cells = nbformat.read(path, as_version=4).cells
    tags = [
        tag for cell in cells if cell.cell_type == "code" for tag in cell.metadata.get("tags", [])
    ]
    return [tag.removeprefix("claim:") for tag in tags if tag.startswith("claim:")]


@pytest.fixture(scope="module")
def told():
    return claims.read()


@pytest.fixture(scope="module")
def measured(told):
    return claims.ran(claims.programs(told))


def test_claims_and_lessons_belong_together(told):
    assert claims.faults(told, {path.stem: cited_in(path) for path in LESSONS}) == []


def test_every_verdict_is_what_its_snippet_gives(told, measured):
    assert claims.differences(told, measured) == []
    assert len(measured["ran"]) >= 40


def test_all_sources_are_answered(told):
    assert (
        {claim["source"] for claim in told["claim"]}
        == set(told["sources"])
        >= {"000", "003", "004", "folklore"}
    )


def test_a_snippet_is_short(told):
    long = {
        c["id"]: n
        for c in told["claim"]
        if (n := len(c.get("snippet", "").strip().splitlines())) > 22
    }
    assert long == {}


GOOD = dict(id="a", source="000", says="…", verdict="false", why="…", snippet="holds = False")
FILE = dict(preamble="one = 1", sources={"000": "who"}, claim=[GOOD])


@pytest.mark.parametrize("change, cited, words", [
    ({}, ["a"], None),
    ({"id": ""}, [], "claim 1 lacks id"),
    ({"why": ""}, ["a"], "a lacks why"),
    ({"says": None}, ["a"], "a lacks says"),
    ({"source": "999"}, ["a"], "a: no source is called '999'"),
    ({"verdict": "maybe"}, ["a"], "a: no verdict is 'maybe'; take one of true, half true, false, not settled here"),
    ({"verdict": "not settled here"}, ["a"], "a has a snippet, so it is settled: write its verdict"),
    ({"snippet": ""}, ["a"], None),
    ({"snippet": ""}, ["b"], "a has neither a snippet nor a cell that settles it"),
    ({}, ["b"], "01 cites b, and no claim is called so"),
    ({}, [], "01 cites no claim: tag a cell with `claim:…`"),
])  # fmt: skip
def test_a_fault_is_told_in_a_sentence(change, cited, words):
    told = FILE | {"claim": [GOOD | change]}
    found = claims.faults(told, {"01": cited})
    assert words in found if words else found == []


def test_an_id_that_stands_twice():
    assert claims.faults(FILE | {"claim": [GOOD, GOOD]}, {"01": ["a"]}) == [
        "a stands twice: give one of them another id"
    ]


@pytest.mark.parametrize("text, words", [
    ("[[claim]\n", "bad.toml is no TOML"),
    ("preamble = ''\n[sources]\n", "bad.toml lacks 'claim'"),
])  # fmt: skip
def test_a_file_that_cannot_be_read(tmp_path, text, words):
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(SystemExit, match=words.replace("[", r"\[")):
        claims.read(tmp_path / "bad.toml")


SNIPPETS = {
    "while True: pass": "a: its snippet did not end within 0.5 seconds",
    "import time; time.sleep(60)": "a: its snippet did not end within 0.5 seconds",
    "raise ValueError('no\\nmore')": "a: its snippet raised ValueError: no",
    "holds = one = ": "a: its snippet raised SyntaxError: invalid syntax (snippet, line 2)",
    "import os; os._exit(3)": "a: its snippet ended its process with exit code 3",
    "raise SystemExit": "a: its snippet raised SystemExit: ",
    "holes = False": "a: its snippet leaves no `holds`",
    "holds = []": "a: its snippet leaves no `holds`",
    "holds = one == 1": "a: written 'false', measured 'true' on torch 9.9",
    "holds = [True, False]": "a: written 'false', measured 'half true' on torch 9.9",
    "holds = [False, False]": None,
}


@pytest.mark.slow
def test_a_snippet_that_hangs_or_fails_is_told_by_its_id():
    told = FILE | {
        "claim": [GOOD | {"id": f"s{n}", "snippet": code} for n, code in enumerate(SNIPPETS)]
    }
    programs = claims.programs(told)
    hang = {f"s{n}" for n, words in enumerate(SNIPPETS.values()) if "did not end" in (words or "")}
    ran = claims.ran({id: programs[id] for id in hang}, seconds=0.5)["ran"]
    ran |= claims.ran({id: programs[id] for id in programs.keys() - hang})["ran"]
    for n, words in enumerate(SNIPPETS.values()):
        found = claims.differences(FILE, {"torch": "9.9", "ran": {"a": ran[f"s{n}"]}})
        assert found == ([words] if words else [])


def test_an_interpreter_without_torch(tmp_path):
    fake = tmp_path / "python"
    fake.write_text(
        "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'torch'\" >&2; exit 1\n"
    )
    fake.chmod(0o755)
    with pytest.raises(SystemExit, match="could not run the snippets: ModuleNotFoundError"):
        claims.ran({}, str(fake))
    with pytest.raises(SystemExit, match="does not start"):
        claims.ran({}, str(tmp_path / "none"))


def test_an_older_pytorch_may_have_another_verdict():
    claim = GOOD | {"older": {"below": "2.13", "verdict": "true"}}
    assert [
        claims.written(claim, torch) for torch in ("2.9.0", "2.12.1+cpu", "2.13.0", "3.0.0")
    ] == ["true", "true", "false", "false"]


def test_a_changed_verdict_is_noticed(told, measured):
    """With every written verdict turned round, every claim that was run is reported."""
    turned = copy.deepcopy(told)
    for claim in turned["claim"]:
        claim["verdict"] = {"true": "false", "false": "half true"}.get(claim["verdict"], "true")
        claim.pop("older", None)
    assert len(claims.differences(turned, measured)) == len(measured["ran"])
