"""The two commands on machines where something is missing: one sentence, no traceback."""

import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

import badges
import check_types
import make_venv
from conftest import PATIENCE, ROOT, ends_with_us


def make(*words, **variables):
    command = ["make", "--no-print-directory", *words, *(f"{k}={v}" for k, v in variables.items())]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def fake_python(folder, body):
    path = folder / "python3"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_help_lists_the_commands():
    out = make("help").stdout
    assert all(
        f"make {verb}" in out
        for verb in ("lab", "author", "test", "check", "notebooks", "site", "badges", "help")
    )


@pytest.mark.parametrize("version", [(3, 9, 18), (2, 7, 18), (3, 14, 0)])
def test_another_python_is_told_which_one_is_needed(version, capsys):
    with pytest.raises(SystemExit):
        make_venv.check_python(version)
    said = capsys.readouterr().err
    assert said.startswith("This course needs Python 3.10 to 3.13") and said.count("\n") == 1


@pytest.mark.parametrize("version", [(3, 10, 0), (3, 13, 1)])
def test_supported_pythons_pass(version):
    make_venv.check_python(version)


@pytest.mark.parametrize(
    "code, said, fails, told",
    [
        (1, "a.py:1: error\nFound 3 errors in 1 file\n", False, "mypy finds 3 errors."),
        (1, "Found 2 errors in 1 file\n", False, "lower mypy_errors in pyproject.toml from 3"),
        (0, "Success: no issues found\n", False, "mypy finds 0 errors: lower"),
        (1, "a.py:1: error\nFound 4 errors in 1 file\n", True, "a.py:1: error"),
        (2, "a.py:1: error: Invalid syntax\nFound 1 error in 1 file\n", True, "Invalid syntax"),
        (1, "No module named mypy\n", True, "No module named mypy"),
    ],
)
def test_the_count_of_type_errors_only_falls(code, said, fails, told):
    failed, words = check_types.verdict(code, said, 3)
    assert failed == fails and told in words


def test_make_lab_without_venv_support(tmp_path):
    (tmp_path / "ensurepip.py").write_text("raise ImportError('No module named ensurepip')")
    python = fake_python(tmp_path, f'PYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"')
    result = make("lab", PYTHON=python, VENV=tmp_path / "venv")
    assert result.returncode and "sudo apt install python3-venv" in result.stderr
    assert "Traceback" not in result.stderr and not (tmp_path / "venv").exists()


def test_make_lab_when_pip_cannot_install(tmp_path):
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    pip = tmp_path / "venv" / "bin" / "python"
    pip.write_text("#!/bin/sh\nexit 1\n")
    pip.chmod(0o755)
    # make_venv.py asks the interpreter it runs under for venv, so let that one succeed
    code = "import sys; sys.path.insert(0, 'tools'); import make_venv, subprocess; "
    code += "real = subprocess.call; make_venv.subprocess.call = lambda c: 0 if c[2] == 'venv' else real(c); "
    code += f"make_venv.main({str(tmp_path / 'venv')!r}, 'requirements.txt')"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 1 and "check the network and the disk" in result.stderr


def test_make_lab_finds_another_port_when_one_is_taken(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        environment = dict(
            os.environ, JUPYTER_RUNTIME_DIR=str(tmp_path), JUPYTER_CONFIG_DIR=str(tmp_path)
        )
        command = ["make", "lab", f"LAB_FLAGS=--no-browser --ServerApp.port={port}"]
        server = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=ends_with_us,
        )
        said = []
        try:
            for line in server.stdout:
                said.append(line)
                if "http://localhost" in line:
                    break
        finally:
            os.killpg(server.pid, 15)
            server.communicate(timeout=PATIENCE)
    words = "".join(said)
    assert f"port {port} is already in use, trying another" in words
    assert re.search(r"http://localhost:\d+/lab/tree/00_start_here\.ipynb", words), (
        "the start page does not open"
    )


# A lesson's first cell, where the notebook is a lone file.

PIP = """import pathlib, sys
pathlib.Path("asked").write_text(" ".join(sys.argv[1:]))
pathlib.Path("overwritten.py").write_text("")
"""
ALONE = {
    "no PyTorch": ({}, "PyTorch is missing: install it, restart the kernel.", None),
    "no pip": ({"torch": ""}, "The course did not install. It needs pip, git and a network", None),
    "pip fails": (
        {"torch": "", "pip": "raise SystemExit(1)"},
        "The course did not install. It needs pip, git and a network",
        None,
    ),
    "a lone file": ({"torch": "", "pip": PIP}, "", "install --no-deps -q git+https://github.com/"),
    "the package is there": ({"torch": "", "pip": PIP, "overwritten": ""}, "", None),
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A Python without packages, and without pip, as uv makes them."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / "bin" / "python"


@pytest.mark.parametrize("modules, said, asked", ALONE.values(), ids=ALONE)
def test_the_set_up_cell_installs_the_course_or_says_what_to_do(
    bare, tmp_path, modules, said, asked
):
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text)
    cell = badges.set_up(*badges.slug_and_tag(ROOT))
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [bare, "-c", cell], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == bool(said) and "Traceback" not in done.stderr
    *_, last = ["", *done.stderr.splitlines()]
    assert last.startswith(said) and bool(last) == bool(said)
    called = tmp_path / "asked"
    assert called.read_text().startswith(asked) if asked else not called.exists()


def test_what_pip_installs_is_the_whole_package(tmp_path):
    """A learner in Colab has nothing but this."""
    shutil.copytree(
        ROOT,
        tmp_path / "copy",
        ignore=shutil.ignore_patterns(
            ".*", "artefacts", "_build", "*.egg-info", "build", "__pycache__"
        ),
    )
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(tmp_path / "copy"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    packed = {name for name in names if name.startswith("overwritten/")}
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "overwritten").rglob("*")
        if path.suffix in (".py", ".js", ".css", ".csv", ".json")
    }
    assert packed == here
    scripts = {path.name for path in (ROOT / "lessons_src" / "clinic").glob("*.py")}
    assert {
        name.rpartition("/")[2] for name in names if "/share/overwritten/clinic/" in name
    } == scripts
    finds_its_scripts(wheel, tmp_path)


def finds_its_scripts(wheel, folder):
    """Installed elsewhere, without this tree, the clinic reads the scripts that pip put there."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--ignore-installed",
        "--prefix",
        str(folder / "there"),
        str(wheel),
    ]
    assert subprocess.run(command, capture_output=True).returncode == 0
    (site,) = (folder / "there").rglob("site-packages")
    code = "from overwritten.lesson.exercises import clinic; print(clinic.__file__, *(one.path for one in clinic.SCRIPTS.values()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=dict(os.environ, PYTHONPATH=str(site)),
        capture_output=True,
        text=True,
    )
    found = done.stdout.split()
    assert len(found) == 4 and all(path.startswith(str(folder / "there")) for path in found), (
        done.stdout + done.stderr
    )
