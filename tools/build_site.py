"""The course as static pages: site/_build/html/index.html, readable from disk with no network.

Each kind of page has its tool: site_lessons, site_patterns, site_claims, site_atlas, site_guides.
What they give is laid beside site/ in one folder, and Sphinx makes the pages of it. To measure
the patterns, their programs run.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import site_atlas  # noqa: E402
import site_claims  # noqa: E402
import site_decoder  # noqa: E402
import site_guides  # noqa: E402
import site_patterns  # noqa: E402
from badges import home, slug_and_tag  # noqa: E402
from site_lessons import SEARCHED, prepared, without_remote_pictures  # noqa: E402

#: The front page for search engines.
FRONT = (
    "PyTorch: one of the variables needed for gradient computation has been modified by an "
    "inplace operation",
    "Find both lines behind PyTorch's “modified by an inplace operation”: the one that saved a "
    "tensor and the one that overwrote it. An interactive course, a doctor, all patterns.",
)


def with_both_themes(text: str) -> str:
    """The README's `<picture>` follows the system; the site has a switch of its own."""
    pattern = r'<picture>.*?srcset="(.*?)".*?alt="(.*?)" src="(.*?)".*?</picture>'
    both = r'<img class="only-light" alt="\2" src="\3"><img class="only-dark" alt="\2" src="\1">'
    return re.sub(pattern, both, text, flags=re.S)


def with_the_box(readme: str) -> str:
    """On the page that begins with the decoder the README need not send anybody to another one."""
    elsewhere = "into [lesson 8](notebooks/08_field_guide.ipynb), which names"
    assert elsewhere in readme, "the README's sentence for who has no time"
    return readme.replace(elsewhere, "into the box at the top of this page, which names")


def lay(source: Path):
    """Everything that Sphinx reads, into this new folder."""
    slug, tag = slug_and_tag(ROOT)
    shutil.copytree(ROOT / "site", source, ignore=shutil.ignore_patterns("_build"))
    readme = without_remote_pictures((ROOT / "README.md").read_text("utf8"))
    readme = with_the_box(readme)
    readme = site_guides.linked(with_both_themes(readme), "README.md", slug)
    (source / "README.md").write_text(readme, "utf8")
    index = (source / "index.md").read_text("utf8")
    index = index.replace("(REPOSITORY)", f"(https://github.com/{slug}#start)")
    (source / "index.md").write_text(index, "utf8")
    (source / "extra").mkdir()
    for path in ROOT.glob("README_*.svg"):
        shutil.copy(path, source / "extra")
    (source / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        text = prepared(path.read_text("utf8"), path.stem, slug, tag)
        (source / "notebooks" / path.name).write_text(text, "utf8")
    told = {"index": FRONT} | {f"notebooks/{name}": said for name, said in SEARCHED.items()}
    guides = site_guides.pages(slug)
    for some in (site_patterns.pages(), site_claims.pages(), site_atlas.pages(), guides):
        for name, page in some.items():
            path = source / f"{name}.md"
            path.parent.mkdir(exist_ok=True)
            path.write_text(page.text, "utf8")
            told[name] = page.title, page.description, page.order
    (source / "told.json").write_text(json.dumps(told), "utf8")


def for_robots(pages: Path, base: str):
    """sitemap.xml and robots.txt: every page that a search engine is to know."""
    names = sorted(path.relative_to(pages).as_posix() for path in pages.rglob("*.html"))
    places = "".join(
        f"<url><loc>{escape(base + name.removesuffix('index.html'))}</loc></url>\n"
        for name in names
        if name != "search.html" and not name.startswith("_static/")
    )
    space = "http://www.sitemaps.org/schemas/sitemap/0.9"
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{space}">\n'
    (pages / "sitemap.xml").write_text(f"{head}{places}</urlset>\n", "utf8")
    (pages / "robots.txt").write_text(f"User-agent: *\nSitemap: {base}sitemap.xml\n", "utf8")


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=ROOT / "site" / "_build", help="default: site/_build"
    )
    parser.add_argument(
        "--no-decoder", action="store_true", help="the front page without its decoder: no npm"
    )
    options = parser.parse_args(arguments)
    out = options.out
    source, pages = out / "source", out / "html"
    for folder in (source, pages):
        shutil.rmtree(folder, ignore_errors=True)
    lay(source)
    site_decoder.lay(source, not options.no_decoder)
    base, address = home(ROOT), f"https://github.com/{slug_and_tag(ROOT)[0]}"
    settings = (f"html_baseurl={base}", f"html_theme_options.repository_url={address}")
    sphinx = [sys.executable, *"-m sphinx -q -W --keep-going -E".split(), "-d", out / "doctrees"]
    set_to = [part for setting in settings for part in ("-D", setting)]
    if failed := subprocess.call([*sphinx, *set_to, source, pages]):
        return failed
    for_robots(pages, base)
    print(f"Open {pages / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
