"""Run lessons as Colab would: `make colab`, or tools/colab.py PYTHON [NOTEBOOK …].

An empty folder, one .ipynb alone, `google.colab` imported before the first cell, GitHub's address
led to a local clone of this tree that carries the release tag. PYTHON has Colab's versions of the
Jupyter stack (tests/colab_room). What a lesson installs goes to a thin layer over it and is
thrown away. What is opened is the learner's copy, which has no outputs; every output is compared
with the one stored in notebooks/.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import nbformat

from badges import slug_and_tag
from build_notebooks import NBVAL

ROOT = Path(__file__).resolve().parents[1]
COLOUR = r"#x1B\[[\d;]*m"  # as pytest's report spells it
STARTUP = "import google.colab  # Colab's kernel has imported it already\n"


def clone(folder: Path, tag: str) -> Path:
    """This tree as it is now, as a repository with one commit and that tag."""
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    who = ["-c", "user.name=colab", "-c", "user.email=colab@localhost"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "the tree"], ["tag", tag]):
        subprocess.run(["git", *who, *words], cwd=folder, check=True)
    return folder


def led_to(repository: Path, slug: str) -> dict[str, str]:
    """The environment in which git takes GitHub's address of the course for that repository."""
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{repository.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": f"https://github.com/{slug}",
    }


@contextmanager
def room(python: str):
    """(Python of a throw-away layer over `python`, environment) as a lesson in Colab meets them."""
    slug, tag = slug_and_tag(ROOT)
    with tempfile.TemporaryDirectory(prefix="colab-") as name:
        folder = Path(name)
        repository = clone(folder / "clone", tag)
        subprocess.run([python, "-m", "venv", "--without-pip", folder / "layer"], check=True)
        layer = str(folder / "layer" / "bin" / "python")
        where = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
        site, base = (
            subprocess.run(
                [one, "-c", where], capture_output=True, text=True, check=True
            ).stdout.strip()
            for one in (layer, python)
        )
        (Path(site) / "runtime.pth").write_text(f"{base}\n{ROOT / 'tests' / 'colab_room'}\n")
        startup = folder / "ipython" / "profile_default" / "startup"
        startup.mkdir(parents=True)
        (startup / "00-colab.py").write_text(STARTUP)
        environment = {
            key: value
            for key, value in os.environ.items()
            if key not in ("PYTHONPATH", "VIRTUAL_ENV")
        }
        yield (
            layer,
            environment
            | {
                "IPYTHONDIR": str(folder / "ipython"),
                "COLAB_RELEASE_TAG": "release-colab",
                "PIP_NO_BUILD_ISOLATION": "0",  # for pip: take the setuptools that is there
                "PIP_RETRIES": "0",
                "GIT_TERMINAL_PROMPT": "0",
                **led_to(repository, slug),
            },
        )


def with_outputs(notebook: Path):
    """A learner's copy with the outputs that the same lesson has in notebooks/, cell by cell."""
    opened, stored = (
        nbformat.read(notebook, 4),
        nbformat.read(ROOT / "notebooks" / notebook.name, 4),
    )
    outputs = {cell.id: cell for cell in stored.cells if cell.cell_type == "code"}
    for cell in opened.cells:
        if cell.id in outputs:
            cell.outputs = outputs[cell.id].outputs
            cell.execution_count = outputs[cell.id].execution_count
    return opened


def run(notebook: Path, python: str) -> tuple[float, list[str]]:
    """(seconds of the set-up cell, what failed) of a learner's copy; the layer is a fresh one."""
    with (
        room(python) as (layer, environment),
        tempfile.TemporaryDirectory(prefix="content-") as name,
    ):
        content, report = Path(name), Path(environment["IPYTHONDIR"]) / "report.xml"
        nbformat.write(with_outputs(notebook), content / notebook.name)
        command = [layer, *NBVAL, "--junitxml", report, content / notebook.name]
        done = subprocess.run(command, cwd=content, env=environment, capture_output=True, text=True)
        if not report.exists():
            return 0.0, [done.stdout + done.stderr]
        cases = [*ElementTree.parse(report).iter("testcase")]
        if not cases:
            return 0.0, ["no cell ran"]
        failed = [
            f"{case.get('name')}: {re.sub(COLOUR, '', bad.text)}"
            for case in cases
            for bad in (*case.iter("failure"), *case.iter("error"))
        ]
        return float(cases[0].get("time")), failed


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("python", help="an interpreter with Colab's versions")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all lessons")
    options = parser.parse_args(arguments)
    worst = 0
    print("| lesson | set-up cell, s | verdict |\n|---|---:|---|")
    for notebook in options.notebooks or sorted((ROOT / "notebooks" / "learn").glob("*.ipynb")):
        seconds, failed = run(notebook, options.python)
        worst |= bool(failed)
        verdict = f"{len(failed)} cells fail" if failed else "all outputs as stored"
        print(f"| {notebook.stem} | {seconds:.1f} | {verdict} |", flush=True)
        print(*failed[:3], sep="\n", file=sys.stderr)
    return worst


if __name__ == "__main__":
    sys.exit(main())
