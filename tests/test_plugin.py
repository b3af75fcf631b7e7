"""`pytest --overwritten`: both lines in the failure, and nothing at all without the option."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = """
    import pytest

    def loss():
        torch = pytest.importorskip("torch")
        y = torch.ones(3, requires_grad=True).exp()  # saves
        y += 1  # writes
        return y.sum()

    @pytest.fixture
    def broken():
        loss().backward()

    def test_fails():
        loss().backward()

    def test_fixture(broken):
        pass

    def test_caught():
        with pytest.raises(RuntimeError, match="modified by an inplace"):
            loss().backward()

    def test_other():
        assert 1 == 2
"""


def pytest(folder, *words):
    """(exit code, stdout) of a run in a folder with those tests."""
    (folder / "test_them.py").write_text("\n".join(line[4:] for line in TESTS.splitlines()))
    plugins = ["pytest_overwritten", "xdist.plugin", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *(word for one in plugins for word in ("-p", one))]
    known = {k: v for k, v in os.environ.items() if k not in ("CI", "PYTEST_ADDOPTS")}
    known |= {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*command, *words], cwd=folder, env=known, capture_output=True, text=True, timeout=120
    )
    return done.returncode, done.stdout


def parts(out):
    """The report cut at the headings of its tests."""
    names = ("test_fails", "test_fixture", "test_caught", "test_other")
    chunks = {}
    for line in out.splitlines():
        words = line.strip("_ ").split()
        if line.startswith("___") and words and words[-1] in names:
            name = words[-1]
        elif line.startswith("==="):
            name = line.strip("= ")
        else:
            continue
        chunks[name] = out.split(line, 1)[1].split("\n___", 1)[0]
    return chunks


def test_both_lines_stand_in_the_failure(tmp_path):
    """Also with xdist, from a fixture, and of an error that the test caught and passes with."""
    code, out = pytest(tmp_path, "--overwritten", "-rA", "-n", "1")
    assert code == 1 and "2 failed, 1 passed, 1 error" in out
    told = parts(out)
    for name in ("test_fails", "test_fixture", "test_caught"):
        assert told[name].count("saved by       exp at test_them.py:6") == 1, out
        assert told[name].count("overwritten by add_ at test_them.py:7") == 1, out
    assert "saved by" not in told["test_other"].split("\n===")[0]


def test_without_the_option_nothing_is_loaded(tmp_path):
    (tmp_path / "test_torch.py").write_text(
        "import sys\ndef test_it():\n"
        "    assert 'torch' not in sys.modules and 'overwritten' not in sys.modules\n"
    )
    code, out = pytest(tmp_path, "test_torch.py", "-q")
    assert code == 0 and "1 passed" in out, out


def test_pytest_does_not_warn_that_the_doctor_was_there_first(tmp_path):
    """Where the package is installed, `python -m overwritten -m pytest` prints what pytest does."""
    notes = tmp_path / "overwritten-0.dist-info"
    notes.mkdir()
    (notes / "METADATA").write_text("Metadata-Version: 2.1\nName: overwritten\nVersion: 0\n")
    (notes / "RECORD").write_text("overwritten/__init__.py,,\npytest_overwritten.py,,\n")
    (notes / "entry_points.txt").write_text("[pytest11]\npytest_overwritten = pytest_overwritten\n")
    for name in ("overwritten", "pytest_overwritten.py"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "test_it.py").write_text("def test_it(pytestconfig):\n"
        "    assert pytestconfig.pluginmanager.has_plugin('pytest_overwritten')\n")  # fmt: skip
    known = {k: v for k, v in os.environ.items() if k not in ("CI", "PYTEST_ADDOPTS")}
    words = (
        "-m overwritten -m pytest -q -W error -p no:cacheprovider -p no:xdist test_it.py".split()
    )
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env=known | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout + done.stderr
