"""What repo2docker would build from binder/, read from its Dockerfile; no Docker engine is needed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PATIENCE, ROOT

INSTALL = 'pip install --no-cache-dir -r "binder/requirements.txt"'


def dockerfile(folder):
    """The Dockerfile for a repository."""
    command = [
        str(Path(sys.executable).parent / "jupyter-repo2docker"),
        "--no-build",
        "--debug",
        str(folder),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def faults(folder):
    """What is wrong with binder/, as sentences."""
    text = dockerfile(folder)
    if INSTALL not in text or text.index(INSTALL) > text.index("# Copy stuff."):
        yield "torch is installed after the repository is copied: each commit would install it anew"
    if "py-3.11-linux-64.lock" not in text.replace("-2e", ".").replace("-2d", "-"):
        yield "runtime.txt does not choose Python 3.11"
    if "RUN ./binder/postBuild" not in text:
        yield "postBuild does not run"
    if "R2D_ENTRYPOINT" not in text:
        yield "start does not run"
    requirements = (folder / "binder" / "requirements.txt").read_text("utf8")
    if "torch==2.13.0+cpu" not in requirements:
        yield "torch is not the CPU build"


@pytest.fixture()
def repository(tmp_path):
    shutil.copytree(ROOT / "binder", tmp_path / "binder")
    for name in ("requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def no_fault(binder):
    pass


def more_requirements(binder):
    with (binder / "requirements.txt").open("a") as file:
        file.write("-r ../requirements.txt\n")


def no_start(binder):
    (binder / "start").unlink()


def no_post_build(binder):
    (binder / "postBuild").unlink()


def another_python(binder):
    (binder / "runtime.txt").write_text("python-3.12")


def a_torch_with_cuda(binder):
    path = binder / "requirements.txt"
    path.write_text(path.read_text().replace("+cpu\n", "\n"))


@pytest.mark.parametrize(
    "change, words",
    [
        (no_fault, []),
        (
            more_requirements,
            [
                "torch is installed after the repository is copied: each commit would install it anew"
            ],
        ),
        (no_start, ["start does not run"]),
        (no_post_build, ["postBuild does not run"]),
        (another_python, ["runtime.txt does not choose Python 3.11"]),
        (a_torch_with_cuda, ["torch is not the CPU build"]),
    ],
)
def test_binder(repository, change, words):
    change(repository / "binder")
    assert list(faults(repository)) == words


def test_the_course_is_installed_and_start_hands_over():
    assert "pip install --no-cache-dir --no-deps ." in (ROOT / "binder" / "postBuild").read_text()
    assert (ROOT / "binder" / "start").read_text().rstrip().endswith('exec "$@"')


def test_versions_are_those_that_the_tests_run():
    ours, theirs = (
        (ROOT / name).read_text("utf8") for name in ("requirements.txt", "binder/requirements.txt")
    )
    for package in ("matplotlib", "ipywidgets"):
        (wanted,) = [line for line in theirs.splitlines() if line.startswith(f"{package}==")]
        assert any(line.split(";")[0].strip() == wanted for line in ours.splitlines())
