"""A run that is cut short leaves nothing behind: no server, no kernel, no browser."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from conftest import PATIENCE, ROOT, in_gate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is left")

RUN = """
    import json, os, time, urllib.request
    from pathlib import Path
    from conftest import jupyterlab

    def test_that_waits(browser, tmp_path):
        page = browser.new_page()
        flag, app = "--ServerApp.disable_check_xsrf=True", "jupyter_server"
        with jupyterlab(tmp_path, tmp_path / "log", dict(os.environ), flag, app=app) as address:
            urllib.request.urlopen(urllib.request.Request(f"{address}/api/kernels", method="POST"))
            Path("ready").touch()
            time.sleep(600)
"""


def processes(mark) -> list[str]:
    """The command lines of all processes in whose environment the mark stands."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:  # it has ended, or is not ours
            pass
    return found


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


@pytest.mark.parametrize("by", in_gate(["SIGINT", "SIGKILL"], "SIGKILL"))
def test_nothing_is_left(browser_path, tmp_path, by):
    (tmp_path / "test_small.py").write_text("\n".join(line[4:] for line in RUN.split("\n")))
    mark, ready = f"OVERWRITTEN_RUN={uuid.uuid4().hex}", tmp_path / "ready"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(map(str, (ROOT, ROOT / "tests"))))
    environment |= dict([mark.split("=")])
    for name in [name for name in environment if name.startswith("PYTEST_")]:
        del environment[name]  # it is no part of the run that runs it
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "-p",
        "conftest",
        "-n",
        "1",
    ]
    log = (tmp_path / "log").open("w")
    run = subprocess.Popen(
        [*command, "test_small.py"],
        cwd=tmp_path,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        assert until(lambda: ready.exists() or run.poll() is not None)
        said = "\n".join(processes(mark))
        for what in ("jupyter_server", "ipykernel_launcher", "--headless"):
            assert what in said, (what, said, (tmp_path / "log").read_text())
    finally:
        os.killpg(run.pid, getattr(signal, by))  # as Ctrl-C does: pytest and its workers
        run.wait(PATIENCE)
    assert until(lambda: not processes(mark)), processes(mark)
