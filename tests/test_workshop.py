"""The guides, the link, the sheet, the hub's limits: made from the lessons, true, not stale."""

import re
import shutil
import subprocess
import sys
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

import badges
import course
import sheet
import workshop
from conftest import NOTEBOOKS, ROOT

FOLDER = ROOT / "workshop"
GUIDES = [FOLDER / "90_minutes.md", FOLDER / "half_day.md"]
PAGES = {
    one.name: one
    for one in [
        course.lesson(
            "00_start_here", (ROOT / "lessons_src" / "00_start_here.py").read_text("utf8")
        ),
        *course.lessons(),
    ]
}
SHEET, PDF = sheet.html(course.lessons(), badges.slug_and_tag(ROOT)[0]), FOLDER / "sheet.pdf"
each_guide = pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)


def test_all_is_as_the_lessons_say():
    assert workshop.main(["--check"]) == 0, "run `make workshop`"


@each_guide
def test_a_guide_is_stale_when_a_lesson_changes(path):
    text = path.read_text("utf8")
    used = next(one for one in PAGES.values() if f"step {one.name}" in text and one.number)
    section = next(
        one for one in used.sections if re.search(f"step {used.name} {one.number}; ask", text)
    )
    asked = [section.questions[0]._replace(words="Another question?"), *section.questions[1:]]
    for changed in (
        section._replace(minutes=section.minutes - 1),
        section._replace(title="Another title"),
        section._replace(questions=asked),
    ):
        sections = [changed if one is section else one for one in used.sections]
        assert workshop.guide(text, PAGES | {used.name: used._replace(sections=sections)}) != text


@pytest.mark.parametrize(
    "words, fault",
    [
        ("01_storage_pointers 99", "no section 99"),
        ("99_no_lesson 1", "'99_no_lesson'"),
        ("01_storage_pointers 2; ask 1, 7", "has 1 questions"),
    ],
)
def test_a_mark_that_makes_no_sense(words, fault):
    with pytest.raises(ValueError, match=fault):
        workshop.step(words, PAGES)


def test_a_guide_that_takes_too_long():
    mark = "<!-- step 50 minutes; Talk -->\n<!-- /step -->\n"
    with pytest.raises(ValueError, match="take 100 minutes, and there are 90"):
        workshop.guide(f"<!-- timetable 90 -->\n<!-- /timetable 90 -->\n{mark}{mark}", PAGES)


@each_guide
def test_the_clock_adds_up(path):
    rows = re.findall(r"^\| (\d):(\d\d) \| (\d+) \|", path.read_text("utf8"), re.M)
    assert len(rows) > 8 and rows[0][:2] == ("0", "00")
    for (hour, minute, takes), (next_hour, next_minute, _) in zip(rows, rows[1:]):
        assert 60 * int(hour) + int(minute) + int(takes) == 60 * int(next_hour) + int(next_minute)


@each_guide
def test_what_goes_when_late_is_said_once_each(path):
    skips = [
        workshop.step(words, PAGES).skip for words in workshop.STEP.findall(path.read_text("utf8"))
    ]
    assert sorted(filter(None, skips)) == list(range(1, max(skips) + 1))


@pytest.mark.parametrize(
    "path", [*GUIDES, FOLDER / "README.md", ROOT / "README.md"], ids=lambda path: path.name
)
def test_sections_named_in_prose_exist(path):
    text = re.sub(r"\s+", " ", path.read_text("utf8").lower())
    by_number = {one.number: one for one in PAGES.values()}
    found = [(int(n), int(s)) for n, s in re.findall(r"lesson (\d), section (\d+)", text)]
    found += [(int(n), int(s)) for s, n in re.findall(r"section (\d+) of lesson (\d)", text)]
    assert all(
        any(one.number == section for one in by_number[number].sections)
        for number, section in found
    ), found
    assert found or path.name == "README.md"


def test_the_link_for_a_hub():
    slug, tag = badges.slug_and_tag(ROOT)
    text = (FOLDER / "README.md").read_text("utf8")
    (link,) = re.findall(r"https://YOUR\.HUB\S+", text)
    parts, asked = urlsplit(link), parse_qs(urlsplit(link).query)
    assert parts.path == "/hub/user-redirect/git-pull" and asked["repo"] == [
        f"https://github.com/{slug}"
    ]
    assert f"refs/heads/{asked['branch'][0]}\n" in text and tag in asked["branch"][0]
    lab, tree, repository, *path = asked["urlpath"][0].split("/")
    assert (lab, tree, repository) == ("lab", "tree", slug.split("/")[1])
    assert ROOT.joinpath(*path).exists()


def megabytes(words):
    return float(words[:-1]) * {"M": 1, "G": 1024}[words[-1]]


def test_the_hubs_limits_hold_what_was_measured():
    text = (FOLDER / "README.md").read_text("utf8")
    rows = re.findall(r"^\| (\w+) \| 1 \| (\d+) \| (\d+) \| 1024 \(limit\) \| yes \|$", text, re.M)
    assert [name for name, _, _ in rows] == [path.stem for path in NOTEBOOKS], (
        "run benchmarks/memory.py --write"
    )
    server, peak = max(int(alone) for _, alone, _ in rows), max(int(peak) for _, _, peak in rows)
    memory = yaml.safe_load((FOLDER / "jupyterhub-values.yaml").read_text("utf8"))["singleuser"][
        "memory"
    ]
    assert peak < 1024 and megabytes(memory["guarantee"]) >= peak
    assert megabytes(memory["limit"]) >= server + 3 * (peak - server)
    assert re.findall(r"^\| (\d+) GB \| (\d+) \|$", text, re.M) == [
        (str(gb), str((gb - 1) * 1024 // peak)) for gb in (4, 8, 16, 32)
    ]


#: The part of the chart's schema that our values use; it allows no other keys beside these.
KEYS = {
    "hub": {"config": None},
    "singleuser": {
        "image": {"name": str, "tag": str},
        "memory": {"guarantee": str, "limit": str},
        "cpu": {"guarantee": float, "limit": int},
        "extraEnv": None,
        "defaultUrl": str,
        "startTimeout": int,
        "storage": {"type": str, "capacity": str},
    },
    "prePuller": {"hook": {"enabled": bool}, "continuous": {"enabled": bool}},
    "cull": {"enabled": bool, "timeout": int, "every": int},
}


def test_the_hubs_values_have_the_charts_keys():
    def compare(values, keys, where):
        assert set(values) == set(keys), where
        for name, kind in keys.items():
            if isinstance(kind, dict):
                compare(values[name], kind, f"{where}.{name}")
            else:
                assert kind is None or isinstance(values[name], kind), f"{where}.{name}"

    values = yaml.safe_load((FOLDER / "jupyterhub-values.yaml").read_text("utf8"))
    compare(values, KEYS, "values")
    assert values["singleuser"]["image"]["tag"] == badges.slug_and_tag(ROOT)[1]


# The sheet.


def test_the_rules_are_the_lessons_own():
    said = unescape(re.sub(r"<[^>]+>", "", SHEET))
    for one in course.lessons():
        for number in sheet.RULES.get(one.number, (len(one.recap),)):
            assert one.recap[number - 1].replace("`", "") in said, one.recap[number - 1]


# What is drawn on the page in px of A4: words with their place, size and colours.
DRAWN = """() => [...document.querySelectorAll('body *')].flatMap(element => {
  const style = getComputedStyle(element), zoom = element.getCTM?.()?.a ?? 1;
  const words = [...element.childNodes].filter(n => n.nodeType === 3 && n.textContent.trim());
  const range = document.createRange();
  range.selectNodeContents(element);
  const box = range.getBoundingClientRect();
  const paint = element instanceof SVGElement ? [style.fill, style.stroke]
    : [style.color, style.backgroundColor, style.borderTopColor];
  return [{words: words.map(n => n.textContent).join(' '), left: box.left, right: box.right,
           bottom: box.bottom, size: parseFloat(style.fontSize) * zoom, paint}];
})"""
FONTS = {"as it is": "", "DejaVu Sans": "* { font-family: 'DejaVu Sans' !important }"}


@pytest.mark.parametrize("font", FONTS)
def test_all_of_it_is_on_the_page_without_colour_and_can_be_read(blank, font):
    page = blank(794, 1123)
    page.set_content(SHEET.replace("</style>", f"{FONTS[font]}</style>", 1))
    drawn = page.evaluate(DRAWN)
    texts = [one for one in drawn if one["words"]]
    assert len(texts) > 60
    off = [t for t in texts if t["left"] < 40 or t["right"] > 794 - 40 or t["bottom"] > 1123 - 15]
    assert off == [] == [t for t in texts if t["size"] < 11]
    foot = next(t for t in texts if "CC BY" in t["words"])
    assert all(t["bottom"] < foot["bottom"] - foot["size"] for t in texts if t is not foot)
    paints = {colour for one in drawn for colour in one["paint"] if colour != "none"}
    numbers = [re.findall(r"\d+", colour)[:3] for colour in paints]
    assert len(numbers) > 3 and all(len(set(rgb)) == 1 for rgb in numbers), paints


def test_a_sheet_that_is_too_long_is_refused(tmp_path, browser_path):
    long = SHEET.replace("<footer>", f"<p>{'Many words that say little. ' * 90}</p><footer>")
    with pytest.raises(ValueError, match="takes 2 pages"):
        sheet.print_pdf(long, tmp_path / "sheet.pdf")
    assert not (tmp_path / "sheet.pdf").exists()


def test_the_pdf_is_one_page_of_a4_made_from_this_page(tmp_path):
    data = PDF.read_bytes()
    boxes = [
        tuple(map(float, box.split())) for box in re.findall(rb"/MediaBox \[([\d. ]+)\]", data)
    ]
    assert [(round(b[2]), round(b[3])) for b in boxes] == [(595, 842)]
    other = sheet.html(course.lessons()[:-1], "a/b")
    assert sheet.source_of(PDF) == sheet.title(SHEET) != sheet.title(other)
    assert sheet.source_of(tmp_path / "none.pdf") == ""


def test_without_a_browser_the_old_pdf_stays(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    sheet.print_pdf(SHEET, tmp_path / "sheet.pdf")
    assert "install Chromium" in capsys.readouterr().err and not (tmp_path / "sheet.pdf").exists()


# The program that dies, as the guides use it.


def run(folder, *words):
    command = [sys.executable, *words, "train.py"]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )


def test_train_py_dies_and_only_the_cure_helps(tmp_path):
    source = (FOLDER / "train.py").read_text("utf8")
    path = tmp_path / "train.py"
    path.write_text(source)
    plain = run(tmp_path)
    assert (
        plain.returncode
        and "inplace operation" in plain.stderr
        and "self.drop(h)" not in plain.stderr
    )
    path.write_text(source.replace("nn.ReLU(inplace=True)", "nn.ReLU()"))
    relu = run(tmp_path, "-m", "overwritten")
    assert (
        "is at version 1; expected version 0" in relu.stderr
        and "`h = self.drop(h)` (version 0 → 1)" in relu.stderr
    )
    path.write_text(source.replace("nn.Dropout(inplace=True)", "nn.Dropout()"))
    assert run(tmp_path).returncode == 0
