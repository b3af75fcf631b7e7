"""Each claim of the sources has a verdict and the cell that settles it; each cell's claim is listed."""

import nbformat
import pytest
from conftest import ROOT

tomllib = pytest.importorskip("tomllib")  # Python 3.11 and later
FIELDS = {"id", "source", "says", "verdict", "why"}
VERDICTS = {"true", "half true", "false", "not settled here"}
FILES = sorted((ROOT / "claims").glob("*.toml"))


def claims_in(path):
    return tomllib.loads(path.read_text("utf8"))["claim"]


def cited_in(path):
    """The ids that the code cells of a notebook carry."""
    cells = nbformat.read(path, as_version=4).cells
    tags = [tag for cell in cells if cell.cell_type == "code" for tag in cell.metadata.get("tags", [])]
    return [tag.removeprefix("claim:") for tag in tags if tag.startswith("claim:")]


def faults(claims, cited):
    """What is wrong between a lesson's claims and its cells, as sentences."""
    ids = [claim.get("id") for claim in claims]
    yield from (f"{id} stands twice" for id in set(ids) if ids.count(id) > 1)
    yield from (f"{claim.get('id')} lacks {field}" for claim in claims for field in FIELDS if not claim.get(field))
    yield from (f"{claim['id']}: no verdict is {claim['verdict']}" for claim in claims if claim.get("verdict") not in VERDICTS)
    yield from (f"no cell settles {id}" for id in ids if id not in cited)
    yield from (f"no claim is called {id}" for id in set(cited) - set(ids))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_claims_and_cells_belong_together(path):
    assert list(faults(claims_in(path), cited_in(ROOT / "notebooks" / f"{path.stem}.ipynb"))) == []


def test_the_three_sources_are_answered():
    claims = [claim for path in FILES for claim in claims_in(path)]
    assert {"000", "003", "004"} <= {claim["source"] for claim in claims}
    ids = [claim["id"] for claim in claims]
    assert len(ids) == len(set(ids)) and len(ids) >= 30


GOOD = dict(id="a", source="000", says="…", verdict="false", why="…")


@pytest.mark.parametrize("claims, cited, words", [
    ([GOOD], [], "no cell settles a"),
    ([GOOD], ["a", "b"], "no claim is called b"),
    ([GOOD, GOOD], ["a"], "a stands twice"),
    ([GOOD | {"verdict": "maybe"}], ["a"], "a: no verdict is maybe"),
    ([GOOD | {"why": ""}], ["a"], "a lacks why"),
    ([GOOD], ["a"], None),
])
def test_the_check_notices(claims, cited, words):
    assert list(faults(claims, cited)) == ([words] if words else [])
