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


def test_the_two_lines_for_a_learner_in_need_work(tmp_path):
    """As they stand in the README, GitHub's address led to a copy of this folder that has the tag."""
    install, doctor = re.search(
        r"## I have this error right now\n\n```\n(.+)\n(.+)\n```", README
    ).groups()
    slug, tag = badges.slug_and_tag(ROOT)
    site = tmp_path / "site"
    led = colab.led_to(colab.clone(tmp_path / "copy", tag), slug)
    environment = dict(os.environ, **led, PYTHONPATH=str(site))
    offline = ["--no-build-isolation", "--no-index", "--target", str(site)]
    subprocess.run(
        [sys.executable, "-m", *shlex.split(install), "-q", *offline],
        env=environment,
        check=True,
        cwd=tmp_path,
    )
    shutil.copy(ROOT / "workshop" / "train.py", tmp_path)
    command = [sys.executable, *shlex.split(doctor)[1:]]
    said = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, encoding="utf8"
    ).stderr
    wanted = re.search(r"<!-- doctor -->\n```\n(.+?)\n```", README, re.S)[1].splitlines()[1:]
    assert said.rstrip().splitlines()[-len(wanted) :] == wanted
    assert (site / "overwritten").is_dir(), "the lines used another copy"
