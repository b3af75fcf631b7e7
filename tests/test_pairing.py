"""Who writes where: a learner's save never touches lessons_src/, an author's does."""

import json
import os
import shutil
import urllib.request

import pytest

from conftest import NOTEBOOKS, ROOT, jupyterlab


@pytest.fixture()
def course(tmp_path):
    for folder in ("lessons_src", "notebooks", "tools"):
        shutil.copytree(ROOT / folder, tmp_path / "course" / folder)
    return tmp_path / "course"


def save_through_jupyterlab(course, root, path, *flags):
    """Add a sentence to the first cell over the contents API, as a save in the browser does."""
    environment = dict(
        os.environ,
        JUPYTER_RUNTIME_DIR=str(course / "run"),
        JUPYTER_CONFIG_DIR=str(course / "config"),
    )
    flags = ("--ServerApp.disable_check_xsrf=True", *flags)
    with jupyterlab(root, course / "server.log", environment, *flags) as server:
        address = f"{server}/api/contents/{path}"
        model = json.load(urllib.request.urlopen(f"{address}?content=1&type=notebook"))
        model["content"]["cells"][0]["source"] += "\n\nA sentence of mine."
        body = json.dumps(
            {"type": "notebook", "format": "json", "content": model["content"]}
        ).encode()
        request = urllib.request.Request(
            address, body, {"Content-Type": "application/json"}, method="PUT"
        )
        urllib.request.urlopen(request)


def test_a_learners_save_leaves_the_source_alone(course):
    name = NOTEBOOKS[0].name
    save_through_jupyterlab(course, course, name, "notebooks/learn")
    assert "A sentence of mine." in (course / "notebooks" / "learn" / name).read_text("utf8")
    for source in (course / "lessons_src").rglob("*.py"):
        assert source.read_bytes() == (ROOT / source.relative_to(course)).read_bytes()


@pytest.mark.slow
def test_an_authors_save_of_a_learners_copy_leaves_the_sources_alone(course):
    path = f"notebooks/learn/{NOTEBOOKS[0].name}"
    save_through_jupyterlab(course, course, path, "--config", "tools/author_config.py")
    assert "A sentence of mine." in (course / path).read_text("utf8")
    sources = sorted((course / "lessons_src").rglob("*.py"))
    assert [one.relative_to(course) for one in sources] == sorted(
        one.relative_to(ROOT) for one in (ROOT / "lessons_src").rglob("*.py")
    )


def test_an_authors_save_writes_the_source(course):
    name = NOTEBOOKS[0].name
    save_through_jupyterlab(
        course, course, f"notebooks/{name}", "--config", "tools/author_config.py"
    )
    source = course / "lessons_src" / f"{NOTEBOOKS[0].stem}.py"
    before = (ROOT / source.relative_to(course)).read_text("utf8")
    after = source.read_text("utf8")
    assert "# A sentence of mine." in after
    assert after.replace("#\n# A sentence of mine.\n", "", 1) == before, (
        "the round trip changed something else"
    )
