"""Each sentence about PyTorch has a proof that exists; the tool keeps proofs beside their sentences."""

import pytest

import truth

HELP = '\nAn entry is `"sentence" = "kind what"`: see CONTRIBUTING.md, \'Prove a sentence\'.'


@pytest.mark.parametrize("name", [*truth.LESSONS, truth.CARDS])
def test_every_sentence_is_proved(name):
    found = truth.faults(name)
    assert not found, "\n".join(found) + HELP


def test_every_file_belongs_to_a_lesson():
    assert {path.stem for path in truth.TRUTH.iterdir()} == {*truth.LESSONS, truth.CARDS}


def test_sentences():
    words = (
        "ReLU (`x. Y`) saves\nits [result](a. B). **It does.** `x` is one of 2. Is it? Watch it."
    )
    said = ["ReLU (`x. Y`) saves its [result](a. B).", "`x` is one of 2."]
    assert truth.spoken(words) == said
    page = "# A\n<!-- b -->\nNo.\n<!-- /b -->\n- Yes.\n\n```\nNo.\n```\n| x | y |\n|---|---|\n| 1 | 2 |"
    assert [words for _, words in truth.paragraphs(page)] == ["A", "Yes.", "x | y", "1 | 2"]


@pytest.fixture
def lesson(monkeypatch, tmp_path):
    """Sets what a lesson says, {where: {sentence: proposal}}, with its file in a folder of its own."""
    monkeypatch.setattr(truth, "TRUTH", tmp_path)

    def says(told):
        monkeypatch.setattr(truth, "said", lambda name: told)

    return says


CELL = "cell 01/a #111111"


def test_a_proposal_a_new_sentence_and_a_stale_one_are_faults(lesson):
    name = truth.LESSONS[1]
    lesson({"1": {"ReLU saves.": "claim? relu-saves-its-result", "It writes.": ""}})
    assert truth.stamp(name) == []
    told = truth.faults(name)
    assert ["a proposal" in one for one in told] == [True, False]
    assert all(f"claims/truth/{name}.toml" in one for one in told)
    file = truth.TRUTH / f"{name}.toml"
    file.write_text(file.read_text("utf8").replace("claim?", "claim"), "utf8")
    assert "no proof of: It writes." in "".join(truth.faults(name))
    lesson({"1": {}})
    assert ["no longer says" in one for one in truth.faults(name)] == [True, True]


@pytest.mark.parametrize(
    "proof",
    "cell 01/nothing #000000|claim nothing|test tests/test_truth.py::test_nothing|test no.py::test_a"
    "|cited https://example.org|not|because|cell? 01/a #111111".split("|"),
)
def test_what_is_no_proof(proof):
    assert truth.fault(truth.LESSONS[1], proof)


def test_a_proof_stays_with_its_sentence(lesson, monkeypatch):
    monkeypatch.setattr(truth, "cells", lambda: {"111111": "01/a #111111"})
    (truth.TRUTH / "x.toml").write_text(
        f'["1"]\n"ReLU saves its own result." = "{CELL}"\n"Add saves nothing." = "claim a"\n'
    )
    lesson({"2": {"ReLU saves its own result!": "", "Add saves nothing.": "", "New.": "cell? b"}})
    assert len(truth.stamp("x")) == 1
    assert truth.written("x")["2"] == {
        "ReLU saves its own result!": f"{CELL}".replace("cell", "cell?"),
        "Add saves nothing.": "claim a",
        "New.": "cell? b",
    }


def test_a_cell_is_found_by_its_source(lesson, monkeypatch):
    lesson({"1": dict.fromkeys(["One.", "Two.", "Three.", "Four."], "")})
    (truth.TRUTH / "x.toml").write_text(
        f'["1"]\n"One." = "{CELL}"\n"Two." = "cell 01/b #222222"\n"Three." = "cell 01/b"\n"Four." = "cell 01/4.7"\n'
    )
    cells = {"111111": "01/moved #111111", "333333": "01/b #333333", "444444": "01/4-so-7 #444444"}
    monkeypatch.setattr(truth, "cells", lambda: cells)
    assert truth.stamp("x") == ["1: its cell has changed: Two."]
    assert list(truth.written("x")["1"].values()) == [
        "cell 01/moved #111111",
        "cell? 01/b #333333",
        "cell 01/b #333333",
        "cell 01/4-so-7 #444444",
    ]
