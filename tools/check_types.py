"""Run mypy and compare the count of its errors with the one in pyproject.toml, which may only fall.

The idea: `[tool.overwritten] mypy_errors` is a ceiling. More errors fail; where there are fewer, a
sentence asks to lower the number. What stands behind the command goes to mypy.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"


def verdict(code: int, said: str, most: int) -> tuple[bool, str]:
    """(whether it fails, what to tell) of mypy's exit code and output; `most` may be found."""
    counted = re.search(r"^(?:Found (\d+) error|Success)", said, re.M)
    if code not in (0, 1) or not counted:  # 2: it could not look at everything
        return True, f"{said}mypy did not end as it should."
    count = int(counted[1] or 0)
    if count > most:
        return True, f"{said}mypy_errors in pyproject.toml allows {most} errors."
    lower = f": lower mypy_errors in pyproject.toml from {most} to it" if count < most else ""
    return False, f"mypy finds {count} errors{lower}."


def main(arguments: list[str]) -> int:
    command = [sys.executable, "-m", "mypy", *arguments]
    done = subprocess.run(command, cwd=PROJECT.parent, capture_output=True, text=True)
    most = re.search(r"^mypy_errors = (\d+)$", PROJECT.read_text("utf8"), re.M)
    fails, told = verdict(done.returncode, done.stdout + done.stderr, int(most[1]))
    print(told)
    return int(fails)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
