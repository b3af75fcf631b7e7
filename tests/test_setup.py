"""The two commands on machines where something is missing: one sentence, no traceback."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

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


@pytest.mark.parametrize("version", [(3, 9, 18), (2, 7, 18)])
def test_another_python_is_told_which_one_is_needed(version, capsys):
    with pytest.raises(SystemExit):
        make_venv.check_python(version)
    said = capsys.readouterr().err
    assert said.startswith("This course needs Python 3.10 or later") and said.count("\n") == 1


@pytest.mark.parametrize("version", [(3, 10, 0), (3, 13, 1), (3, 15, 0)])
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


@pytest.fixture()
def pips(monkeypatch):
    """What make_venv.py has pip do, on a Linux without an NVIDIA GPU whose CPU index answers."""
    called = []
    monkeypatch.setattr(make_venv.subprocess, "call", lambda words: called.append(words) or 0)
    monkeypatch.setattr(make_venv.sys, "platform", "linux")
    monkeypatch.setattr(make_venv, "has_nvidia", lambda: False)
    monkeypatch.setattr(make_venv, "answers", lambda address: True)
    return called


def installed(pips):
    """What each call of pip was given, after the options that all get."""
    return [" ".join(words[1 + len(make_venv.PIP) :]) for words in pips if "pip" in words]


NEEDS = str(ROOT / "requirements.txt")
TORCH = re.search(r"^torch==\S+$", (ROOT / "requirements.txt").read_text("utf8"), re.M)[0]


def test_without_a_gpu_the_cpu_build_comes_first(pips, capsys):
    make_venv.main("there", NEEDS)
    assert installed(pips) == [f"{TORCH} --index-url {make_venv.CPU_INDEX}", f"-r {NEEDS}"]
    assert capsys.readouterr().out.splitlines()[1:] == [
        "No NVIDIA GPU here: this is PyTorch's CPU build."
    ]


@pytest.mark.parametrize(
    "name, instead",
    [("has_nvidia", lambda: True), ("sys.platform", "darwin"), ("sys.platform", "win32")],
)
def test_with_a_gpu_or_on_another_system_the_usual_one_comes(
    pips, capsys, monkeypatch, name, instead
):
    monkeypatch.setattr(f"make_venv.{name}", instead)
    make_venv.main("there", NEEDS)
    assert installed(pips) == [f"-r {NEEDS}"]
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_what_needs_no_torch_asks_no_index(pips, monkeypatch, tmp_path):
    monkeypatch.setattr(make_venv, "answers", lambda address: pytest.fail(address))
    (tmp_path / "needs.txt").write_text("sphinx==8.2.3\n", "utf8")
    make_venv.main("there", str(tmp_path / "needs.txt"))
    assert len(installed(pips)) == 1


def test_torch_is_found_in_the_file_that_is_taken_in():
    assert make_venv.torch_of(str(ROOT / "requirements-dev.txt")) == TORCH


@pytest.mark.parametrize("answers, why", [(False, "cannot be reached"), (True, "does not give it")])
def test_gigabytes_are_no_surprise(pips, capsys, monkeypatch, answers, why):
    monkeypatch.setattr(make_venv, "answers", lambda address: answers)
    refuse = lambda words: pips.append(words) or int(make_venv.CPU_INDEX in words)
    monkeypatch.setattr(make_venv.subprocess, "call", refuse)
    make_venv.main("there", NEEDS)
    assert installed(pips)[-1] == f"-r {NEEDS}"
    said = capsys.readouterr().out.splitlines()[1:]
    assert len(said) == 1 and why in said[0] and said[0].endswith("may bring gigabytes.")


def test_an_index_that_hangs_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(make_venv, "WAIT", 0.2)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()  # and never answers
        begun = time.monotonic()
        assert not make_venv.answers(f"http://127.0.0.1:{server.getsockname()[1]}/")
    assert time.monotonic() - begun < 5
    assert not make_venv.answers("http://127.0.0.1:1/")


def test_an_index_that_is_there_answers(tmp_path):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert make_venv.answers(f"http://127.0.0.1:{server.server_port}/")
        assert not make_venv.answers(f"http://127.0.0.1:{server.server_port}/nothing")
        server.shutdown()


# Where people work


def test_the_containers_set_up_is_that_of_make_lab():
    folder = ROOT / ".devcontainer"
    told = json.loads((folder / "devcontainer.json").read_text("utf8"))
    script = ROOT / told["postCreateCommand"]
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    assert "\nmake .venv/.learner\n" in script.read_text("utf8")
    assert all((ROOT / name).exists() for name in told["customizations"]["codespaces"]["openFiles"])
    python = told["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert python == "${containerWorkspaceFolder}/.venv/bin/python"


def test_windows_runs_what_make_lab_runs():
    text, makefile = (ROOT / "lab.cmd").read_text("utf8"), (ROOT / "Makefile").read_text("utf8")
    start = re.search(r"^START := (.+)$", makefile, re.M)[1]
    assert f"jupyter lab {start} %* notebooks\\learn\n" in text
    assert "py -3 tools\\make_venv.py .venv requirements.txt\nif errorlevel 1 exit" in text
    tests = (ROOT / ".github" / "workflows" / "test.yml").read_text("utf8")
    assert "run: lab.cmd --version" in tests


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
