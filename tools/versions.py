"""Run the package's tests on other PyTorch versions, one after the other, and print a table.

Each version gets a throw-away virtual environment (about 5 GB with CUDA, 2 to 4 minutes), so
this stands outside `make test`. It says what it ran; a version that cannot be installed is
named, not passed over.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = "patterns doctor strict messages recorder trial spans lanes ops live lesson".split()


def run(version: str, folder: Path) -> list[str]:
    """The row of one version: what each test file ended with."""
    venv.create(folder, with_pip=True, clear=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    needs = [f"torch=={version}", "numpy", "pytest", "hypothesis", "ipywidgets", "setuptools"]
    for what in (needs, ["--no-deps", str(ROOT)]):
        if subprocess.call([*install, *what]):
            return [version, *["not installed"] * len(TESTS)]
    row = [version]
    for name in TESTS:
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"tests/test_{name}.py"]
        out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout
        row.append(re.sub(r" in [\d.]+s.*", "", out.strip().splitlines()[-1]).strip("= "))
    return row


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("versions", nargs="*", default=["2.6.0", "2.15.0"], help="default: 2.6.0 2.15.0")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "versions", help="where to install")
    options = parser.parse_args(arguments)
    rows = []
    for version in options.versions:
        rows.append(run(version, options.folder))
        shutil.rmtree(options.folder, ignore_errors=True)
        print(f"torch {version}: {', '.join(rows[-1][1:])}", flush=True)
    print("\n| torch | " + " | ".join(TESTS) + " |\n" + "|---" * (len(TESTS) + 1) + "|")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    return any("failed" in cell or "not installed" in cell for row in rows for cell in row)


if __name__ == "__main__":
    sys.exit(main())
