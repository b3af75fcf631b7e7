"""The memory a lesson needs on Binder, under a real limit of 1 GB: server and kernel together.

The idea: a JupyterLab server idles and one lesson runs from its first cell to its last, both in
one memory cgroup whose limit kills what goes beyond; its own high-water mark is the figure.
Where no cgroup can be made, the proportional set size of the process tree is polled instead.
`--kernels 30 --at-once 4 03_safe_relu` runs a lesson that often, so many side by side.
`--python` names another interpreter, as one with binder/requirements.txt installed. `--write`
puts the table into workshop/README.md, and how many learners fit a machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from stamp import between  # noqa: E402

GROUPS = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")  # version 1, version 2
RUN = """import sys, nbformat
from nbclient import NotebookClient
nb = nbformat.read(sys.argv[1], 4)
there = {"metadata": {"path": sys.argv[2]}}
NotebookClient(nb, timeout=300, kernel_name="python3", resources=there).execute()"""


class Cgroup:
    """A memory cgroup with a limit in bytes; raises OSError where none can be made."""

    def __init__(self, limit: int):
        root = next(
            (
                root
                for root in GROUPS
                if (root / "memory.limit_in_bytes").exists()
                or (root / "cgroup.controllers").exists()
            ),
            None,
        )
        if root is None:
            raise OSError("no cgroups here")
        self.folder, first = root / f"overwritten-{os.getpid()}", root == GROUPS[0]
        self.folder.mkdir()
        (self.folder / ("memory.limit_in_bytes" if first else "memory.max")).write_text(str(limit))
        self._peak = self.folder / ("memory.max_usage_in_bytes" if first else "memory.peak")

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def peak(self) -> int:
        return int(self._peak.read_text())

    def close(self):
        for _ in range(50):
            try:
                return self.folder.rmdir()
            except OSError:  # the last process is still going
                time.sleep(0.1)


class Polled:
    """The proportional set size of all that is started here, ten times a second; no limit."""

    def __init__(self):
        self._most, self._on = 0, True
        threading.Thread(target=self._poll, daemon=True).start()

    def _poll(self):
        while self._on:
            now = 0
            for child in psutil.Process().children(recursive=True):
                try:
                    now += child.memory_full_info().pss
                except psutil.Error:
                    pass
            self._most = max(self._most, now)
            time.sleep(0.1)

    def enter(self):
        pass

    def peak(self) -> int:
        return self._most

    def close(self):
        self._on = False


@contextmanager
def watched(limit: int):
    try:
        group = Cgroup(limit)
    except OSError:
        group = Polled()
    try:
        yield group
    finally:
        group.close()


@contextmanager
def server(python, group, folder):
    """An idle JupyterLab in the group."""
    flags = ["--no-browser", "--allow-root", "--ServerApp.port=0", f"--ServerApp.root_dir={folder}"]
    environment = dict(
        os.environ,
        JUPYTER_RUNTIME_DIR=str(folder / "runtime"),
        JUPYTER_CONFIG_DIR=str(folder / "config"),
    )
    with (folder / "log").open("w") as log:
        running = subprocess.Popen(
            [python, "-m", "jupyterlab", *flags],
            env=environment,
            preexec_fn=group.enter,
            stdout=log,
            stderr=log,
        )
        try:
            while "is running at" not in (folder / "log").read_text() and running.poll() is None:
                time.sleep(0.2)
            if running.poll() is not None:
                said = (folder / "log").read_text().strip().splitlines()
                sys.exit(f"JupyterLab did not start with {python}: {said[-1]}")
            yield
        finally:
            running.terminate()
            running.wait()


def lesson(python, path, group) -> str:
    """Run all cells in the group; '' or the last line of what went wrong."""
    environment = dict(os.environ, OMP_NUM_THREADS="1")  # as binder/start does
    with tempfile.TemporaryDirectory() as work:
        done = subprocess.run(
            [python, "-c", RUN, path, work],
            env=environment,
            preexec_fn=group.enter,
            capture_output=True,
            text=True,
        )
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["killed"])[-1]


def measured(python, path, limit, kernels, at_once) -> tuple[int, int, str, list[str]]:
    """MB of the server alone, MB at the highest point, how the limit was kept, and what failed."""
    with (
        tempfile.TemporaryDirectory() as name,
        watched(int(limit * 2**30)) as group,
        server(python, group, Path(name)),
    ):
        alone = group.peak()
        with ThreadPoolExecutor(at_once) as pool:
            ends = list(pool.map(lambda _: lesson(python, path, group), range(kernels)))
        how = "limit" if isinstance(group, Cgroup) else "polled, no limit"
        return alone >> 20, group.peak() >> 20, how, [end for end in ends if end]


def machines(worst: int) -> str:
    """Markdown: how many learners, a server and a lesson each, fit a machine. worst: MB of one."""
    rows = ["| machine, 1 GB kept for its system | learners |", "|---|---:|"]
    return "\n".join(
        [*rows, *(f"| {gb} GB | {(gb - 1) * 1024 // worst} |" for gb in (4, 8, 16, 32))]
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("lessons", nargs="*", help="names as 03_safe_relu (all)")
    parser.add_argument(
        "--limit", type=float, default=1, metavar="GB", help="GB for server and kernels (1)"
    )
    parser.add_argument(
        "--kernels", type=int, default=1, metavar="N", help="times that each lesson runs (1)"
    )
    parser.add_argument(
        "--at-once", type=int, default=1, metavar="N", help="kernels side by side (1)"
    )
    parser.add_argument(
        "--python",
        default=sys.executable,
        help="interpreter with JupyterLab and the course (this one)",
    )
    parser.add_argument(
        "--write",
        action="store_true",
        help="put all lessons' table into workshop/README.md",
    )
    options = parser.parse_args()
    paths = [
        path
        for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
        if path.stem in options.lessons or not options.lessons
    ]
    if options.write and (options.lessons or options.kernels > 1):
        parser.error("--write wants all lessons, each once.")
    rows = [
        "| lesson | kernels | server alone, MB | highest point with it, MB | of | all cells ran |",
        "|---|---:|---:|---:|---:|---|",
    ]
    print("\n".join(rows))
    peaks, bad = [], 0
    for path in paths:
        alone, peak, how, failed = measured(
            options.python, path, options.limit, options.kernels, options.at_once
        )
        peaks.append(peak)
        bad += len(failed)
        kernels = f"{options.kernels}, {options.at_once} at once" if options.kernels > 1 else "1"
        verdict = f"{len(failed)} did not: {failed[0]}" if failed else "yes"
        limit = f"{options.limit * 1024:.0f} ({how})"
        rows.append(f"| {path.stem} | {kernels} | {alone} | {peak} | {limit} | {verdict} |")
        print(rows[-1], flush=True)
    if options.write and not bad:
        file = ROOT / "workshop" / "README.md"
        text = between(file.read_text("utf8"), "memory of a lesson", "\n".join(rows))
        file.write_text(between(text, "memory", machines(max(peaks))), "utf8")
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
