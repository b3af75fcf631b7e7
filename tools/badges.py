"""Stamp the one slug and the release tag into badges, set-up cells, README and start page.

Owner and repository stand once, in pyproject.toml, and so does whether the release is on PyPI;
the version stands in overwritten/__init__.py. The tables of lessons come from the lessons' own
heads, and so do the contents that the package carries; the glossary comes from glossary.py, the
README's moving pictures from a recording made now.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from contents import contents
from course import START, Lesson, lesson
from glossary import start as of_glossary
from glossary import table
from stamp import ROOT, between, only_check, settle, stale


def slug_and_tag(root: Path) -> tuple[str, str]:
    """('owner/repository', 'v0.1.0')."""
    text = (root / "pyproject.toml").read_text("utf8")
    slug = re.search(r'^Repository = "https://github\.com/([\w.-]+/[\w.-]+)"', text, re.M)[1]
    face = (root / "overwritten" / "__init__.py").read_text("utf8")
    return slug, "v" + re.search(r'^__version__ = "(.+)"', face, re.M)[1]


def install(root: Path) -> str:
    """The line that installs the package: from PyPI once it is there, from GitHub until then."""
    there = re.search(
        r"^on_pypi = (true|false)$", (root / "pyproject.toml").read_text("utf8"), re.M
    )
    slug, tag = slug_and_tag(root)
    where = "overwritten" if there[1] == "true" else f"git+https://github.com/{slug}@{tag}"
    return f"pip install {where}"


def home(root: Path) -> str:
    """'https://owner.github.io/repository/' from pyproject.toml: where the site is published."""
    text = (root / "pyproject.toml").read_text("utf8")
    return re.search(r'^Homepage = "(https://.+/)"', text, re.M)[1]


def colab(slug: str, tag: str, lesson: str) -> str:
    github = f"https://colab.research.google.com/github/{slug}/blob/{tag}"
    return f"{github}/notebooks/learn/{lesson}.ipynb"


def binder(slug: str, tag: str, lesson: str) -> str:
    path = f"lab%2Ftree%2Fnotebooks%2Flearn%2F{lesson}.ipynb"
    return f"https://mybinder.org/v2/gh/{slug}/{tag}?urlpath={path}"


def kaggle(slug: str, tag: str, lesson: str) -> str:
    github = f"https://github.com/{slug}/blob/{tag}"
    return f"https://kaggle.com/kernels/welcome?src={github}/notebooks/learn/{lesson}.ipynb"


#: Where a page opens with one click → its badge, and the address of a page there.
PLACES = {
    "Colab": ("https://colab.research.google.com/assets/colab-badge.svg", colab),
    "Binder": ("https://mybinder.org/badge_logo.svg", binder),
    "Kaggle": ("https://kaggle.com/static/images/open-in-kaggle.svg", kaggle),
}


CODESPACE = "https://github.com/codespaces/badge.svg"


def badge(slug: str, tag: str, lesson: str) -> str:
    """A page's badges, one for each of PLACES."""
    return " ".join(
        f"[![Open in {name}]({picture})]({address(slug, tag, lesson)})"
        for name, (picture, address) in PLACES.items()
    )


def set_up(slug: str, tag: str) -> str:
    """A lesson's first code cell: a notebook that stands alone fetches the course."""
    return f"""# %%
import subprocess
import sys
from importlib.util import find_spec

if not find_spec("torch"):
    sys.exit("PyTorch is missing: install it, restart the kernel.")
if not find_spec("overwritten"):  # a lone file, as in Colab
    pip = [sys.executable, *"-m pip install --no-deps -q".split()]
    subprocess.run([*pip, "git+https://github.com/{slug}@{tag}"])
    if not find_spec("overwritten"):
        needs = "pip, git and a network; then restart the kernel"
        sys.exit(f"The course did not install. It needs {{needs}}.")

"""


def with_colab(slug: str, tag: str):
    """both(words, notebook, cell): Markdown of a link to a cell, and of the one for Colab.

    Colab has one notebook alone, so there it opens the other at its release.
    """

    def both(words: str, notebook: str, cell: str) -> str:
        there = f"{colab(slug, tag, notebook)}#scrollTo={cell}"
        return f"[{words}]({notebook}.ipynb#cell-id={cell}) ([in Colab]({there}))"

    return both


def stamped_glossary(text: str, pages: list[Lesson], slug: str, tag: str) -> str:
    """The start page's table of words; in the head of each lesson the line that leads there."""
    both = with_colab(slug, tag)
    rows = "\n".join(f"# {row}" for row in table(pages, both))
    link = both("glossary", *of_glossary(pages[0]))
    line = f"# The {link} explains each term of the course in a sentence or two."
    return between(between(text, "glossary", rows, "# "), "terms", line, "# ")


def stamped_lesson(text: str, lesson: str, slug: str, tag: str) -> str:
    text = between(text, "badges", f"# {badge(slug, tag, lesson)}", "# ")
    text = re.sub(
        r"# %%\nimport subprocess\nimport sys\n.*?(?=# %%)",
        lambda _: set_up(slug, tag),
        text,
        count=1,
        flags=re.S,
    )
    return re.sub(r'selfcheck\("v[^"]*"\)', f'selfcheck("{tag}")', text)


def stamped_start(text: str, lessons: list[Lesson], slug: str, tag: str) -> str:
    """The start page with its map: what each lesson takes, and what it builds on."""
    rows = ["| | lesson | minutes | you need | |", "|---|---|---|---|---|"]
    for one in lessons:
        link = f"[{one.title}]({one.name}.ipynb)"
        in_colab = f"[in Colab]({colab(slug, tag, one.name)})"
        rows.append(f"| {one.number} | {link} | {one.minutes} | {one.needs} | {in_colab} |")
    hours = round(sum(one.minutes for one in lessons) / 60)
    rows += ["", f"All together: about {hours} hours."]
    return between(text, "lessons", "\n".join(f"# {row}".rstrip() for row in rows), "# ")


def stamped_readme(text: str, pages: list[Lesson], slug: str, tag: str) -> str:
    """README.md with its badges and its table: a lesson's title opens it to read."""
    tests = f"https://github.com/{slug}/actions/workflows/test.yml"
    state = f"[![tests]({tests}/badge.svg)]({tests})"
    codespace = f"[![Open in Codespaces]({CODESPACE})](https://codespaces.new/{slug})"
    text = between(text, "badges", f"{state} {badge(slug, tag, START)} {codespace}")
    rows = ["| read | minutes | open and learn |", "|---|---:|---|"]
    for page in pages:
        link = f"[{page.title}](notebooks/{page.name}.ipynb)"
        there = (f"[{name}]({of(slug, tag, page.name)})" for name, (_, of) in PLACES.items())
        rows.append(f"| {link} | {page.minutes} | {', '.join(there)} |")
    return between(text, "lessons", "\n".join(rows))


def doctor_says(root: Path) -> str:
    """What the doctor says of the demo's script, below PyTorch's message."""
    command = [sys.executable, "-m", "overwritten", "demo.py"]
    environment = dict(os.environ, PYTHONPATH=str(root))
    said = subprocess.run(
        command,
        cwd=root / "overwritten" / "cases",
        env=environment,
        capture_output=True,
        encoding="utf8",
    ).stderr
    return said[said.index("\nsaved by ") + 1 :].rstrip()


def wanted(root: Path) -> dict[Path, str]:
    """Every stamped file and the text it should have."""
    slug, tag = slug_and_tag(root)
    sources = {path: path.read_text("utf8") for path in sorted((root / "lessons_src").glob("*.py"))}
    files = {path: stamped_lesson(text, path.stem, slug, tag) for path, text in sources.items()}
    pages = [lesson(path.stem, text) for path, text in files.items()]
    start, readme = root / "lessons_src" / f"{START}.py", root / "README.md"
    files[start] = stamped_start(files[start], pages[1:], slug, tag)
    files |= {path: stamped_glossary(text, pages, slug, tag) for path, text in files.items()}
    text = stamped_readme(readme.read_text("utf8"), pages, slug, tag)
    commands = f"```\n{install(root)}\npython -m overwritten demo\n```"
    text = between(text, "install", commands)
    files[readme] = between(text, "doctor", f"```\n{doctor_says(root)}\n```")
    cited = root / "CITATION.cff"
    files[cited] = re.sub(r"(?m)^version: .+$", f"version: {tag[1:]}", cited.read_text("utf8"))
    told = contents(pages, {path.stem: text for path, text in files.items()})
    files[root / "overwritten" / "lesson" / "contents.json"] = told
    from readme_film import films

    return files | {root / name: svg for name, svg in films().items()}


def main(arguments=None) -> int:
    check = only_check(__doc__, arguments)
    return settle(stale(wanted(ROOT)), check)


if __name__ == "__main__":
    sys.exit(main())
