"""Does a tag fit this tree? `python tools/release.py v0.1.0` says in one sentence what does not.

The tag names the version, the changelog has a section for it, and no badge, set-up cell or page
carries another (tools/badges.py, tools/workshop.py). The release workflow asks before it builds.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from badges import slug_and_tag
from stamp import ROOT


def fault(tag: str, root: Path = ROOT) -> str:
    """'' if the tag is that of this tree, else a sentence."""
    _, own = slug_and_tag(root)
    if tag != own:
        return (
            f"The tag is {tag} and the version {own[1:]} (overwritten/__init__.py): "
            "change one of them, run `make badges notebooks workshop`, and tag that commit."
        )
    changes = (root / "CHANGELOG.md").read_text("utf8")
    if not re.search(rf"^## {re.escape(own[1:])} - \d{{4}}-\d\d-\d\d$", changes, re.M):
        return (
            f"CHANGELOG.md has no section `## {own[1:]} - YYYY-MM-DD`: add it, and tag that commit."
        )
    return ""


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tag", help="as in v0.1.0")
    said = fault(parser.parse_args(arguments).tag)
    if said:
        print(said, file=sys.stderr)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
