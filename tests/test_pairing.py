"""Who writes where: a learner's save never touches lessons_src/, an author's does."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request

import pytest
from conftest import NOTEBOOKS, ROOT, _await, free_port


@pytest.fixture()
def course(tmp_path):
    for folder in ("lessons_src", "notebooks", "tools"):
        shutil.copytree(ROOT / folder, tmp_path / "course" / folder)
    return tmp_path / "course"


def save_through_jupyterlab(course, root, path, *flags):
    """Add a sentence to the first cell over the contents API, as a save in the browser does."""
    port, log = free_port(), course / "server.log"
    environment = dict(os.environ, JUPYTER_RUNTIME_DIR=str(course / "run"), JUPYTER_CONFIG_DIR=str(course / "config"))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    command += ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", "--ServerApp.port_retries=0"]
    with log.open("w") as out:
        server = subprocess.Popen([*command, *flags], cwd=root, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            address = f"http://127.0.0.1:{port}/api/contents/{path}"
            _await(f"http://127.0.0.1:{port}/api/status", server, log)
            model = json.load(urllib.request.urlopen(f"{address}?content=1&type=notebook"))
            model["content"]["cells"][0]["source"] += "\n\nA sentence of mine."
            body = json.dumps({"type": "notebook", "format": "json", "content": model["content"]}).encode()
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method="PUT")
            urllib.request.urlopen(request)
        finally:
            server.terminate()
            server.wait(20)


def test_a_learners_save_leaves_the_source_alone(course):
    name = NOTEBOOKS[0].name
    save_through_jupyterlab(course, course, name, "notebooks")
    assert "A sentence of mine." in (course / "notebooks" / name).read_text("utf8")
    for source in (course / "lessons_src").iterdir():
        assert source.read_bytes() == (ROOT / "lessons_src" / source.name).read_bytes()


def test_an_authors_save_writes_the_source(course):
    name = NOTEBOOKS[0].name
    save_through_jupyterlab(course, course, f"notebooks/{name}", "--config", "tools/author_config.py")
    source = course / "lessons_src" / f"{NOTEBOOKS[0].stem}.py"
    before = (ROOT / "lessons_src" / source.name).read_text("utf8")
    after = source.read_text("utf8")
    assert "# A sentence of mine." in after
    assert after.replace("#\n# A sentence of mine.\n", "", 1) == before, "the round trip changed something else"
