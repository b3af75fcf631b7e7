"""Stamp the one slug and the release tag into badges, set-up cells and the README.

Owner, repository and version stand once, in pyproject.toml. The README's table of lessons
comes from the lessons' own heads, its picture from a recording made now.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PICTURE = """
x = torch.ones(4, requires_grad=True)
y = x.exp()
w = y.detach()
z = (y * 2).sum()
w[1:3].add_(1)
z.backward()
"""


def slug_and_tag(root: Path) -> tuple[str, str]:
    """('owner/repository', 'v0.1.0') from pyproject.toml."""
    text = (root / "pyproject.toml").read_text("utf8")
    slug = re.search(r'^Repository = "https://github\.com/([\w.-]+/[\w.-]+)"', text, re.M)[1]
    return slug, "v" + re.search(r'^version = "(.+)"', text, re.M)[1]


def badge(slug: str, tag: str, lesson: str) -> str:
    address = f"https://colab.research.google.com/github/{slug}/blob/{tag}/notebooks/{lesson}.ipynb"
    return f"[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({address})"


def set_up(slug: str, tag: str) -> str:
    """The first code cell of a lesson: in Colab, which has the notebook alone, it fetches the course."""
    return f'''# %%
import subprocess
import sys

if "google.colab" in sys.modules:  # Colab has this file alone
    course = "git+https://github.com/{slug}@{tag}"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps"]
    if subprocess.run([*pip, "-q", course]).returncode:
        words = "check the network, then run this cell again."
        sys.exit(f"The course did not install: {{words}}")

'''


def stamped_lesson(text: str, lesson: str, slug: str, tag: str) -> str:
    block = f"# <!-- badges -->\n# {badge(slug, tag, lesson)}\n# <!-- /badges -->"
    text = re.sub(r"# <!-- badges -->\n.*?# <!-- /badges -->", lambda _: block, text, flags=re.S)
    return re.sub(r"# %%\nimport subprocess\nimport sys\n.*?(?=# %%)", lambda _: set_up(slug, tag), text, count=1, flags=re.S)


def stamped_readme(text: str, lessons: dict[str, str], slug: str, tag: str) -> str:
    rows = ["| lesson | minutes | open |", "|---|---|---|"]
    for lesson, source in lessons.items():
        title = re.search(r"^# # (.+)$", source, re.M)[1]
        minutes = re.search(r"\*\*About (\d+) minutes", source)[1]
        rows.append(f"| [{title}](notebooks/{lesson}.ipynb) | {minutes} | {badge(slug, tag, lesson)} |")
    table = "<!-- lessons -->\n" + "\n".join(rows) + "\n<!-- /lessons -->"
    return re.sub(r"<!-- lessons -->\n.*?<!-- /lessons -->", lambda _: table, text, flags=re.S)


def picture() -> str:
    from overwritten.pictures.draw import alone
    from overwritten.pictures.step import step_svg
    from overwritten.recorder import record

    return alone(step_svg(record(PICTURE), 6)) + "\n"


def wanted(root: Path) -> dict[Path, str]:
    """Every stamped file and the text it should have."""
    slug, tag = slug_and_tag(root)
    sources = {path: path.read_text("utf8") for path in sorted((root / "lessons_src").glob("*.py"))}
    files = {path: stamped_lesson(text, path.stem, slug, tag) for path, text in sources.items()}
    readme = root / "README.md"
    lessons = {path.stem: text for path, text in files.items()}
    files[readme] = stamped_readme(readme.read_text("utf8"), lessons, slug, tag)
    files[root / "README.svg"] = picture()
    return files


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a stamp is out of date")
    options = parser.parse_args(arguments)
    stale = [p for p, text in wanted(ROOT).items() if not p.exists() or p.read_text("utf8") != text]
    for path in stale:
        print(f"{'out of date' if options.check else 'stamped'}: {path.relative_to(ROOT)}")
        if not options.check:
            path.write_text(wanted(ROOT)[path], "utf8")
    return 1 if stale and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
