"""The course as static pages: site/_build/html/index.html, readable from disk with no network.

The notebooks are shown as stored, nothing runs. What goes to Sphinx is a copy: pictures from
the net become their words, and the source of a question is left out, for it tells the answers.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from badges import slug_and_tag

ROOT = Path(__file__).resolve().parents[1]


def without_remote_pictures(text: str) -> str:
    return re.sub(r"!\[([^]]*)\]\(https?:[^)]*\)", r"\1", text)


def prepared(text: str) -> str:
    """A notebook's JSON as the site shows it."""
    notebook = json.loads(without_remote_pictures(text))
    for cell in notebook["cells"]:
        tags = cell["metadata"].get("tags", [])
        if "predict" in tags:
            tags.append("remove-input")
    return json.dumps(notebook)


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "site" / "_build", help="default: site/_build")
    out = parser.parse_args(arguments).out
    source, pages = out / "source", out / "html"
    for folder in (source, pages):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "site", source, ignore=shutil.ignore_patterns("_build"))
    (source / "README.md").write_text(without_remote_pictures((ROOT / "README.md").read_text("utf8")), "utf8")
    shutil.copy(ROOT / "README.svg", source)
    (source / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        (source / "notebooks" / path.name).write_text(prepared(path.read_text("utf8")), "utf8")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-E", "-d", out / "doctrees"]
    command += ["-D", f"html_theme_options.repository_url=https://github.com/{slug_and_tag(ROOT)[0]}", source, pages]
    if failed := subprocess.call(command):
        return failed
    print(f"Open {pages / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
