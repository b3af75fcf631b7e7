"""Text that is made and stands in committed files: fill a marked place, bring a file up to date.

The idea: a tool says which text each file should have; with `--check` the ones that differ are
named, without it they are written. What the text is, the tool knows (badges.py, workshop.py).
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def between(text: str, mark: str, inside: str, comment: str = "") -> str:
    """The text with `inside` between its marks `<!-- mark -->` and `<!-- /mark -->`."""
    start, end = f"{comment}<!-- {mark} -->\n", f"{comment}<!-- /{mark} -->"
    pattern = re.escape(start) + "(.*\n)??" + re.escape(end)
    return re.sub(pattern, lambda _: f"{start}{inside}\n{end}", text, flags=re.S)


def only_check(told: str | None, arguments: list[str] | None) -> bool:
    """Whether the command line asks for `--check`; told: the tool's own words."""
    parser = argparse.ArgumentParser(
        description=told, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where a file is out of date"
    )
    return parser.parse_args(arguments).check


def stale(files: dict[Path, str]) -> dict[Path, Callable[[], object]]:
    """{path: how to write it} of the files that are not there or have another text."""
    return {
        path: partial(path.write_text, text, "utf8")
        for path, text in files.items()
        if not path.exists() or path.read_text("utf8") != text
    }


def settle(found: dict[Path, Callable[[], object]], check: bool) -> int:
    """Name each file of `stale`, and write it unless `check`; 1 where a check finds one."""
    for path, write in found.items():
        print(f"{'out of date' if check else 'made'}: {path.relative_to(ROOT)}")
        if not check:
            write()
    return 1 if found and check else 0
