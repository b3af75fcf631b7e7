"""The sdist and the wheel that is built from it: what they hold, what they say, that they work."""

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

import badges
import overwritten
from conftest import ROOT

yaml = pytest.importorskip("yaml")
NAME = f"overwritten-{overwritten.__version__}"
BUILD = (
    "import sys; from setuptools import build_meta; getattr(build_meta, sys.argv[1])(sys.argv[2])"
)
NOT_COPIED = ".*", "artefacts", "_build", "*.egg-info", "build", "__pycache__", "notebooks"


def package():
    """Every file of the package, and what stands beside it."""
    paths = [path for path in (ROOT / "overwritten").rglob("*") if path.is_file()]
    names = {path.relative_to(ROOT).as_posix() for path in paths if path.suffix != ".pyc"}
    return names | {"pytest_overwritten.py"}


def clinic():
    return {path.name for path in (ROOT / "lessons_src" / "clinic").glob("*.py")}


def built(kind, tree, into):
    command = [sys.executable, "-c", BUILD, kind, str(into)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return into


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdist")
    shutil.copytree(ROOT, folder / "tree", ignore=shutil.ignore_patterns(*NOT_COPIED))
    (folder / "tree" / "notebooks" / "learn").mkdir(parents=True)
    for path in ("notebooks", "notebooks/learn"):
        shutil.copy(ROOT / path / "00_start_here.ipynb", folder / "tree" / path)
    (file,) = built("build_sdist", folder / "tree", folder).glob("*.tar.gz")
    return file


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """Built from the sdist, so that this holds all that it takes."""
    folder = tmp_path_factory.mktemp("wheel")
    with tarfile.open(sdist) as packed:
        packed.extractall(folder)
    (file,) = built("build_wheel", folder / NAME, folder).glob("*.whl")
    return file


@pytest.fixture(scope="module")
def about(wheel):
    """What the wheel says of itself."""
    with zipfile.ZipFile(wheel) as packed:
        return email.message_from_bytes(packed.read(f"{NAME}.dist-info/METADATA"))


def test_the_wheel_holds_the_package_and_nothing_more(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    scripts = {f"{NAME}.data/data/share/overwritten/clinic/{name}" for name in clinic()}
    told = "METADATA RECORD WHEEL entry_points.txt licenses/LICENSE top_level.txt".split()
    assert names == package() | scripts | {f"{NAME}.dist-info/{name}" for name in told}
    assert wheel.name == f"{NAME}-py3-none-any.whl"


def test_the_sdist_holds_what_the_wheel_is_made_of_and_nothing_more(sdist):
    with tarfile.open(sdist) as packed:
        found = {one.name for one in packed.getmembers() if one.isfile()}
    names = {name.removeprefix(f"{NAME}/") for name in found}
    made = {"PKG-INFO", "setup.cfg"} | {n for n in names if n.startswith("overwritten.egg-info/")}
    ours = set("LICENSE MANIFEST.in README.md pyproject.toml setup.py".split())
    scripts = {f"lessons_src/clinic/{name}" for name in clinic()}
    assert names - made == package() | ours | scripts


def test_what_pypi_shows_is_true(about):
    assert about["Version"] == overwritten.__version__
    assert about["License-Expression"] == "MIT" and about["Requires-Python"] == ">=3.10"
    assert about.get_all("Requires-Dist") is None
    told = about.get_all("Classifier")
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf8"))
    tried = release["jobs"]["try"]["strategy"]["matrix"]["python"]
    start = "Programming Language :: Python :: "
    assert [word.removeprefix(start) for word in told if word.startswith(start)] == ["3", *tried]


def test_the_page_on_pypi_leads_to_this_release(about):
    """There is no folder around it: links and pictures go to GitHub, and every one exists here."""
    page = about.get_payload()
    assert about["Description-Content-Type"] == "text/markdown"
    links = re.findall(r"\]\(([^)]+)\)|(?:src|srcset)=\"([^\"]+)\"", page)
    links = [one or other for one, other in links]
    slug, tag = badges.slug_and_tag(ROOT)
    at = rf"https://(?:github|raw\.githubusercontent)\.com/{slug}/(?:blob/)?{tag}/"
    ours = [re.sub(f"^{at}", "", link) for link in links if re.match(at, link)]
    assert len(ours) > 15 and [name for name in ours if not (ROOT / name).exists()] == []
    assert all(link.startswith("https://") for link in links)


def test_installed_beside_torch_alone_it_works(wheel, tmp_path):
    """Without this tree and without NumPy: the demo runs, the clinic finds its scripts."""
    prefix, alone = tmp_path / "there", tmp_path / "alone"
    install = "-m pip install -q --no-deps --no-index --ignore-installed --prefix".split()
    subprocess.run([sys.executable, *install, str(prefix), str(wheel)], check=True)
    (site,) = prefix.rglob("site-packages")
    alone.mkdir()
    for name in ("numpy", "ipywidgets", "IPython", "matplotlib"):
        (alone / f"{name}.py").write_text(f"raise ModuleNotFoundError(name={name!r})\n")
    where = os.pathsep.join(map(str, (alone, site)))
    runs = [
        subprocess.Popen(
            [sys.executable, *words],
            cwd=tmp_path,
            env=dict(os.environ, PYTHONPATH=path, PYTHONUTF8="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf8",
        )
        for words, path in (
            (("-m", "overwritten", "demo"), where),
            (("-c", SCRIPTS), str(site)),
        )
    ]
    (said, wrong), (found, _) = (run.communicate() for run in runs)
    assert runs[0].returncode == 0, said + wrong
    assert str(site) in said.partition("\n")[0] and "\ncure  " in said
    paths = found.split()
    assert len(paths) == 1 + len(clinic()) and all(path.startswith(str(prefix)) for path in paths)


SCRIPTS = """from overwritten.lesson.exercises import clinic
print(clinic.__file__, *(one.path for one in clinic.SCRIPTS.values()))"""
