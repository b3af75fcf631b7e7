"""What one learner takes of a machine's memory: the server, and a kernel that runs each lesson.

The idea: two numbers. RSS counts every page a process has touched, as if it were alone on its
machine. PSS counts a page that k processes share as 1/k, so what several learners take may be
added up; other programs that use the same PyTorch meanwhile make it smaller. Lessons run one
after the other, one kernel at a time, and are looked at ten times a second.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import nbformat
import psutil
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
MB = 2**20
GUIDE = ROOT / "workshop" / "README.md"


class Size(NamedTuple):
    """MB of a process and all its children."""

    rss: float
    pss: float


def size(process: psutil.Process) -> Size:
    """Zeros if the process has gone."""
    try:
        found = [one.memory_full_info() for one in [process, *process.children(recursive=True)]]
    except psutil.NoSuchProcess:
        return Size(0, 0)
    return Size(sum(one.rss for one in found) / MB, sum(one.pss for one in found) / MB)


def server() -> Size:
    """A JupyterLab server with no kernel, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = ["--no-browser", "--allow-root", "--IdentityProvider.token=", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    command = [sys.executable, "-m", "jupyterlab", *flags]
    with tempfile.TemporaryDirectory() as home:
        environment = dict(os.environ, JUPYTER_CONFIG_DIR=home, JUPYTER_RUNTIME_DIR=home)
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for path in ("/api/status", "/lab"):
                _await(f"http://127.0.0.1:{port}{path}")
            return size(psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait(20)


def _await(address):
    for _ in range(240):
        try:
            return urllib.request.urlopen(address, timeout=5).read()
        except OSError:
            time.sleep(0.25)
    raise SystemExit(f"The server did not come up: {address}")


def kernel(path: Path) -> Size:
    """The highest point of a kernel that runs all cells of that notebook."""
    client = NotebookClient(nbformat.read(path, as_version=4), timeout=300, kernel_name="python3")
    client.resources = {"metadata": {"path": str(path.parent)}}
    seen, done = [], threading.Event()

    def look():
        process = psutil.Process(client.km.provisioner.pid)
        while not done.wait(0.1):
            seen.append(size(process))

    with client.setup_kernel():
        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            for number, cell in enumerate(client.nb.cells):
                client.execute_cell(cell, number)
        finally:
            done.set()
            watcher.join()
    return Size(*map(max, zip(*seen)))


def crowd(path: Path, kernels: int, at_once: int) -> str:
    """A sentence on that many kernels of one lesson, so many of them at a time."""
    here, most, done = psutil.Process(), 0.0, threading.Event()
    own = size(here).pss

    def look():
        nonlocal most
        while not done.wait(0.2):
            most = max(most, size(here).pss - own)

    watcher = threading.Thread(target=look)
    watcher.start()
    with ThreadPoolExecutor(at_once) as pool:
        runs = [pool.submit(kernel, path) for _ in range(kernels)]
    done.set()
    watcher.join()
    failed = [str(run.exception()).splitlines()[0] for run in runs if run.exception()]
    return f"{kernels} kernels of {path.stem}, {at_once} at a time: {len(failed)} failed; {most / at_once:.0f} MB (PSS) each at the highest point. {failed[0] if failed else ''}".strip()


def table(of_server: Size, of_kernels: dict[str, Size]) -> str:
    """Markdown: the server, each lesson's kernel, what a learner needs of both, and how many fit."""
    rows = ["| highest point, in MB | RSS | PSS |", "|---|---:|---:|", f"| server (JupyterLab) | {of_server.rss:.0f} | {of_server.pss:.0f} |"]
    rows += [f"| kernel of {name} | {one.rss:.0f} | {one.pss:.0f} |" for name, one in of_kernels.items()]
    rss, pss = map(max, zip(*of_kernels.values()))
    learner = Size(of_server.rss + rss, of_server.pss + pss)
    rows += [f"| **one learner, one lesson open** | **{learner.rss:.0f}** | **{learner.pss:.0f}** |"]
    fit = [(gb, *(int((gb - 1) * 1024 / one) for one in learner)) for gb in (4, 8, 16, 32)]
    rows += ["", "| machine, 1 GB kept for its system | learners, by RSS | by PSS |", "|---|---:|---:|"]
    return "\n".join([*rows, *(f"| {gb} GB | {safe} | {sharing} |" for gb, safe, sharing in fit)])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="put the table into workshop/README.md")
    parser.add_argument("--crowd", nargs=2, type=int, metavar=("KERNELS", "AT_ONCE"), help="instead: lesson 3 so often, so many at a time")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    if options.crowd:
        print(crowd(ROOT / "notebooks" / "03_safe_relu.ipynb", *options.crowd))
        return
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    found = table(server(), {path.stem: kernel(path) for path in paths})
    print(found)
    if options.write:
        marks = r"(<!-- memory -->\n).*?(?=<!-- /memory -->)"
        GUIDE.write_text(re.sub(marks, lambda m: f"{m[1]}{found}\n", GUIDE.read_text("utf8"), flags=re.S), "utf8")


if __name__ == "__main__":
    main()
