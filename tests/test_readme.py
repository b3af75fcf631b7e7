"""The front door: its film in both themes, its two lines for a learner in need, its links."""

import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest

import badges
import colab
from conftest import ROOT
from test_axe import CONTRAST

README = (ROOT / "README.md").read_text("utf8")
FILMS = [ROOT / "README_light.svg", ROOT / "README_dark.svg"]
AT = """milliseconds => {
  document.getAnimations().forEach(a => { a.pause(); a.currentTime = milliseconds; });
  return [...document.querySelectorAll('.frame')].flatMap((f, k) => getComputedStyle(f).visibility === 'visible' ? [k] : []);
}"""
# One step with nothing behind it, its paper the page's own.
ALONE = """k => {
  const paper = document.querySelector('svg > .ow > rect');
  document.body.style.background = getComputedStyle(paper).fill;
  paper.remove();
  [...document.querySelectorAll('.frame')].filter((f, at) => at !== k).forEach(f => f.remove());
}"""
each_film = pytest.mark.parametrize("path", FILMS, ids=lambda path: path.stem[7:])


@pytest.fixture()
def shown(blank):
    """shown(path, motion) → the film in a page of its own."""

    def opened(path, motion="no-preference"):
        page = blank(640, 560, reduced_motion=motion)
        page.goto(path.as_uri())
        return page

    return opened


@each_film
def test_the_film_shows_step_after_step_and_rests_on_the_last(shown, path):
    page, frames = shown(path), path.read_text("utf8").count('class="frame ')
    assert frames == 5
    for turn in range(3):
        for k in range(frames):
            for within in (100, 1200, 2300):
                assert page.evaluate(AT, 2400 * (frames * turn + k) + within) == [k]
    assert page.evaluate(AT, 2400 * frames * 3 + 2400 * frames) == [frames - 1], "it stops"


@each_film
def test_less_motion_is_no_motion(shown, path):
    page = shown(path, "reduce")
    assert page.evaluate("document.getAnimations().length") == 0 and page.evaluate(AT, 0) == [4]


@each_film
def test_its_text_can_be_read_on_its_paper(blank, path):
    page = blank()
    for k in range(5):
        page.set_content(f'<div class="ow">{path.read_text("utf8")}</div>')
        page.evaluate(ALONE, k)
        judged, poor = page.evaluate(CONTRAST)
        assert judged > 60 and poor == [], f"step {k + 1}"


def test_each_theme_gets_its_film():
    picture = re.search(r"<picture>.*?</picture>", README, re.S)[0]
    assert re.search(
        r'<source media="\(prefers-color-scheme: dark\)" srcset="README_dark.svg">', picture
    )
    assert re.search(r'<img alt=".{60,}" src="README_light.svg"', picture)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "DOCTOR.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "workshop/README.md",
        "workshop/90_minutes.md",
        "workshop/half_day.md",
    ],
)
def test_links_lead_somewhere(name):
    path = ROOT / name
    links = re.findall(
        r"\]\(((?!https?:)[^)#]+)\)|(?:src|srcset)=\"([^\"]+)\"", path.read_text("utf8")
    )
    assert [
        link for pair in links for link in pair if link and not (path.parent / link).exists()
    ] == []


def test_the_version_stands_everywhere():
    version = badges.slug_and_tag(ROOT)[1][1:]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text("utf8")
    assert re.search(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text("utf8"), re.M)[1] == version


def commands():
    return re.search(r"<!-- install -->\n```\n(.+)\n(.+)\n```\n<!-- /install -->", README).groups()


def test_the_first_two_lines_work(tmp_path):
    """As they stand in the README, GitHub's address led to a copy of this folder that has the tag."""
    install, demo = commands()
    slug, tag = badges.slug_and_tag(ROOT)
    site, copy = tmp_path / "site", colab.clone(tmp_path / "copy", tag)
    led = colab.led_to(copy, slug)
    if "git+" not in install:  # from PyPI, which nobody asks here
        install = install.replace(" overwritten", f" {copy}")
    environment = dict(os.environ, **led, PYTHONPATH=str(site), PYTHONUTF8="1")
    offline = ["--no-build-isolation", "--no-index", "--target", str(site)]
    subprocess.run(
        [sys.executable, "-m", *shlex.split(install), "-q", *offline],
        env=environment,
        check=True,
        cwd=tmp_path,
    )
    command = [sys.executable, *shlex.split(demo)[1:]]
    said = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, encoding="utf8"
    ).stdout
    assert re.search(r"<!-- doctor -->\n```\n(.+?)\n```", README, re.S)[1] in said
    assert (site / "overwritten").is_dir(), "the lines used another copy"


@pytest.mark.parametrize("there, line", [("true", "pip install overwritten"), ("false", None)])
def test_the_first_line_is_pips_own_once_the_release_is_there(tmp_path, there, line):
    (tmp_path / "overwritten").mkdir()
    for name in ("overwritten/__init__.py", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    path = tmp_path / "pyproject.toml"
    path.write_text(re.sub("on_pypi = .+", f"on_pypi = {there}", path.read_text("utf8")))
    slug, tag = badges.slug_and_tag(ROOT)
    assert badges.install(tmp_path) == (line or f"pip install git+https://github.com/{slug}@{tag}")


def test_it_is_read_in_one_go():
    assert len(README.splitlines()) < 90
    order = ("RuntimeError: ", "pip install", "saved by ", "<picture>", "## Start", "<!-- lessons")
    assert sorted(order, key=README.index) == [*order]
