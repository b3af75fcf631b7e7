"""Pictures by their structure, against recordings whose truth is known by hand."""

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
import torch

from overwritten import record
from overwritten.pictures.draw import WIDTH
from overwritten.pictures.marks import RAISED, SAVED, WROTE, telling
from overwritten.pictures.peaks import peaks_picture
from overwritten.pictures.picture import Panels, alone, data_uri
from overwritten.pictures.step import step_picture, step_pictures
from overwritten.pictures.words import sentence, table

SVG = "{http://www.w3.org/2000/svg}"
SNIPPETS = {
    "views": "x = torch.arange(6.)\ny = x[1:3]\nt = x.view(2, 3).t()\nx = x + 1\ny += 5",
    "large": "x = torch.ones(10**6)\nx = x + 1\nd = x.data\nd.add_(1)",
    "many": "\n".join(f"x{i} = torch.ones({i + 1})" for i in range(12)),
    "many names": "x = torch.ones(3)\n" + "\n".join(f"x{i} = x" for i in range(9)),
    "long lines": "a_long_name_for_a_tensor = torch.zeros(2, requires_grad=True, dtype=torch.float32) # and on",
    "many lines": "x = torch.ones(1)\n" + "x += 1\n" * 40,
    "error": "a = torch.zeros(2)\ne = a.expand(3, 2)\ne.add_(1)",
    "syntax": "x = (1",
    "empty": "",
    "no tensors": "a = 1\nb = 'two'",
    "sparse": "s = torch.eye(3).to_sparse()",
    "markup": "x = torch.ones(2) # <b>&amp;\"'</b>",
    "complex": "z = torch.ones(2, dtype=torch.complex64) * (1 + 2j)",
    "empty tensor": "z = torch.ones(0)",
    "ten dimensions": "a_quite_long_name = torch.zeros(1, 1, 1, 1, 1, 1, 1, 1, 2, 3)",
    "odd numbers": "x = torch.tensor([float('inf'), float('nan'), -0.0, 1e-38, -123456789.0])\ni = torch.tensor([-(2**63)])",
    "saved": "x = torch.ones(4, requires_grad=True)\ny = x.exp()\ny.add_(1)\ny.sum().backward()",
    "many saved": "x = torch.ones(4, requires_grad=True)\n" + "x = x.exp()\n" * 8,
    "meta": "m = torch.empty(10**6, device='meta')",
}


def clipped(root):
    """Texts that would run out at the right, by the width of DejaVu Sans Mono at 12.5 px."""
    starts = [
        e for e in root.iter(f"{SVG}text") if not {"mid", "end"} & set(e.get("class").split())
    ]
    wide = float(root.get("width"))
    return [e.text for e in starts if float(e.get("x")) + 7.53 * len(e.text or "") > wide]


def tree(picture):
    """What a browser makes of it; of panels, as one picture."""
    one = picture.whole() if isinstance(picture, Panels) else picture
    return ElementTree.fromstring(one.svg())


def words_in(picture):
    return [element.text for element in tree(picture).iter(f"{SVG}text")]


@pytest.mark.parametrize("code", SNIPPETS.values(), ids=SNIPPETS)
def test_every_picture_is_whole(code):
    recording = record(code)
    pictures = step_pictures(recording)
    assert len(pictures) == max(1, len(recording.steps))
    for index, picture in enumerate(pictures):
        root = tree(picture)
        assert root.get("role") == "img" and root.get("aria-label") == sentence(recording, index)
        for column in map(tree, picture.columns):
            wide, tall = float(column.get("width")), float(column.get("height"))
            assert wide < WIDTH and not clipped(column)
            for element in column.iter():
                x, y = float(element.get("x", 0)), float(element.get("y", 0))
                assert 0 <= x and x + float(element.get("width") or 0) <= wide + 1
                assert 0 <= y <= tall
    assert len({picture.columns[0].height for picture in pictures}) == 1, "the code jumps"
    ElementTree.fromstring(alone(pictures[-1].whole()))


def test_the_step_view_says_what_happened():
    recording = record(SNIPPETS["views"])
    words = words_in(step_picture(recording, 5))
    assert {"A", "B", "v1", "v0", "6", "7", "A+4"} <= set(words)
    assert "shape (2,) strides (1,) from A+4" in words
    assert "24 B · float32 · written" in words
    assert "▸" in words and "✗" not in words
    new = words_in(step_picture(recording, 4))
    assert "24 B · float32 · new" in new


def marked(picture):
    """{line of code: its mark}, of those that stand on one base line."""
    texts = list(tree(picture.columns[0]).iter(f"{SVG}text"))
    rows = {e.get("y"): e.text for e in texts if e.get("x") == "26"}
    return {rows[e.get("y")]: e.text for e in texts if e.text in (SAVED, WROTE, RAISED)}


def test_the_two_lines_face_each_other_in_the_code():
    pictures = step_pictures(record(SNIPPETS["saved"]))
    both = {"y = x.exp()": SAVED, "y.add_(1)": WROTE}
    wanted = [{}, {}, {"y = x.exp()": SAVED}, both, both | {"y.sum().backward()": RAISED}]
    assert [*map(marked, pictures)] == wanted
    silent = "y = x.exp()\ny.data.add_(1)\ny.sum().backward()"
    last = step_picture(record("x = torch.ones(4, requires_grad=True)\n" + silent), 4)
    assert marked(last) == {"y = x.exp()": SAVED, "y.data.add_(1)": WROTE}
    fine = step_picture(record("x = torch.ones(4, requires_grad=True)\ny = x.exp()\nx += 0"), 3)
    assert marked(fine) == {"y = x.exp()": SAVED, "x += 0": RAISED}


@pytest.mark.parametrize(
    ("code", "step"),
    {
        "x = torch.ones(2)\nx += 1": 2,
        SNIPPETS["saved"] + "\nz = 1": 4,
        "x = torch.ones(4, requires_grad=True)\ny = x.exp()\ny.data.add_(1)\ny.sum().backward()": 3,
        "x = torch.ones(4, requires_grad=True)\ny = x.exp()\ny.add_(1)\ny = 1": 3,
        "x = (1": 0,
    }.items(),
)
def test_the_telling_step(code, step):
    assert telling(record(code)) == step


def test_padlocks_say_more_than_a_colour():
    recording = record(SNIPPETS["saved"])
    shut, written, opened = (step_picture(recording, index) for index in (2, 3, 4))
    locks = [
        [e.get("class") for e in tree(one.columns[1]).iter() if e.get("class") in ("shut", "open")]
        for one in (shut, written, opened)
    ]
    assert locks == [["shut"], ["shut"], ["open"]]
    assert {"expects v0", "ExpBackward0"} <= set(words_in(shut))
    assert {"✗ expects v0", "v1"} <= set(words_in(written)) and not has_cross(written)
    assert {"✗ expects v0", "v1"} <= set(words_in(opened)) and has_cross(opened)
    assert "ExpBackward0 saves y (version 0) for backward." in sentence(recording, 2)
    assert "ExpBackward0 saved y at version 0, but it is now at version 1." in sentence(
        recording, 3
    )


def has_cross(picture):
    return 'class="cross"' in picture.svg()


def test_what_is_saved_and_has_no_name_has_its_padlock():
    words = words_in(step_picture(record(SNIPPETS["many saved"]), 9))
    assert any(one and one.startswith("a tensor on ") for one in words)
    twice = "x = torch.ones(3, requires_grad=True)\ny = x * 1\na = y.sin()\ny += 1\nb = y.sin()"
    assert {"✗ expects v0", "SinBackward0, 1 more"} <= set(words_in(step_picture(record(twice), 5)))


def test_a_gap_says_who_left_it():
    pictures = step_pictures(
        record("a = torch.ones(2)\nb = torch.ones(2)\ndel a\nc = 1\ndel b\nd = 1")
    )
    assert ["8 B · freed" in words_in(one) for one in pictures] == [False] * 3 + [True] * 3 + [
        False
    ]


def test_a_long_line_is_folded():
    words = words_in(step_picture(record(SNIPPETS["long lines"]), 1))
    assert "a_long_name_for_a_tensor = torch.zeros(2," in words
    assert "    requires_grad=True," in words


def test_nothing_moves_that_did_not_change():
    recording = record("a = torch.ones(2)\nb = torch.ones(2)\nc = torch.ones(2)\ndel b\nc += 1")
    place = {}
    for picture in step_pictures(recording):
        for element in tree(picture).iter(f"{SVG}text"):
            if element.text in ("A", "B", "C"):
                place.setdefault(element.text, set()).add(element.get("y"))
    assert set(place) == {"A", "B", "C"} and all(len(ys) == 1 for ys in place.values())
    assert len(set.union(*place.values())) == 3, "two storages stand in one place"


def test_a_freed_storage_is_drawn_once_more():
    recording = record("a = torch.ones(2)\ndel a\nb = 1")
    assert "8 B · freed" in words_in(step_picture(recording, 2))
    assert "8 B · freed" not in words_in(step_picture(recording, 3))


def test_no_two_recordings_share_a_plan():
    first = words_in(step_picture(record("x = torch.ones(2)"), 1))
    later = words_in(step_picture(record("x = torch.ones(4)"), 1))
    assert "A+12" in later and "A+12" not in first


def test_sentences():
    recording = record(
        "x = torch.zeros(3)\nu = x.data\nu += 1\nn = x.numpy()\nn[0] = 7\ny = x[x > 0]"
    )
    assert sentence(recording, 0) == "Start. No tensor has a name. 0 B alive."
    assert "A is written in place, yet the version of x does not move." in sentence(recording, 3)
    assert "The bytes of A change, yet no version counter moves." in sentence(recording, 5)
    assert "A temporary storage B (3 B) comes and goes." in sentence(recording, 6)
    cast = record("x = torch.ones(1000)\nx += torch.ones(1000, dtype=torch.float64)")
    assert "Inside, add_ takes 16,000 B more and gives them back." in sentence(cast, 2)
    assert sentence(record("x = ("), 0).startswith("Line 1 is not valid Python")


def test_a_change_of_the_label_is_no_write():
    recording = record("x = torch.ones(2, 3)\nx.t_()\nx.resize_(8)\ny = x")
    assert "t_ changes the label, not the bytes of A (version 0 → 1)." in sentence(recording, 2)
    assert "A is resized from 24 B to 32 B." in sentence(recording, 3)
    assert "x and y are one tensor, which looks at A, version 2." in sentence(recording, 4)
    assert "x, y" in words_in(step_picture(recording, 4))


def test_the_table_has_a_row_for_every_step():
    recording = record(SNIPPETS["error"])
    rows = ElementTree.fromstring(table(recording)).findall("./tbody/tr")
    assert [row[1].text for row in rows] == ["start", *recording.lines]
    assert "single memory location" in rows[-1][3].text


def test_peaks_side_by_side():
    codes = {
        "new": "x = torch.ones(9)\nx = x + 1",
        "same": "x = torch.ones(9)\nx += 1",
        "bad": "x = 1 / 0",
    }
    picture = peaks_picture({label: record(code) for label, code in codes.items()}, "label")
    root = tree(picture)
    assert root.get("data-peaks") == "72,36,0" and not clipped(root)
    assert {"peak 72 B", "peak 36 B", "✗ ZeroDivisionError: division by zero"} <= set(
        words_in(picture)
    )


def marks(picture):
    """Where the peaks stand on the log scale."""
    return [
        float(e.get("x")) for e in tree(picture).iter(f"{SVG}rect") if e.get("class") == "solid"
    ]


def test_peaks_of_few_and_of_many_bytes_look_different():
    ways = {"new": "x = torch.ones({0})\nx = x + 1", "same": "x = torch.ones({0})\nx += 1"}
    drawn = {
        n: peaks_picture({label: record(code.format(n)) for label, code in ways.items()}, "label")
        for n in (1, 10, 10**7)
    }
    few, more, many = map(marks, drawn.values())
    twice = few[0] - few[1]
    assert twice > 8 and many[0] - many[1] == pytest.approx(twice, abs=0.01)
    assert more[0] - few[0] == pytest.approx(twice / math.log10(2), rel=0.01)
    assert many[0] - few[0] == pytest.approx(7 * twice / math.log10(2), rel=0.01)
    assert "8 B" in words_in(drawn[1]) and "80 MB" in words_in(drawn[10**7])
    assert all("the peaks on a log scale" in words_in(one) for one in drawn.values())


def test_a_peak_beyond_the_scale_makes_it_longer():
    recording = record("x = torch.ones(1)")
    large = peaks_picture({"x": replace(recording, later_peak=10**11)}, "label")
    assert "1 TB" in words_in(large) and not clipped(tree(large))
    assert "1 TB" not in words_in(peaks_picture({"x": recording}, "label"))


def test_the_memory_curve_has_an_axis_with_numbers():
    for n, most in ((1, "8 B"), (10**6, "8 MB")):
        recording = record(f"x = torch.ones({n})\ny = x + 1")
        for step in range(len(recording.steps)):
            words = words_in(step_picture(recording, step))
            assert most in words and "0" in words


def test_the_still_needs_nothing_from_outside():
    uri = data_uri(step_picture(record("x = torch.ones(2)"), 1).whole())
    assert (
        uri.startswith("data:image/svg+xml,")
        and '"' not in uri
        and "&" not in uri
        and "#" not in uri
    )


def test_alone_a_picture_says_what_it_said_in_a_page():
    picture = step_picture(record("x = '.ow svg text'"), 1).whole()
    inside = ElementTree.fromstring(alone(picture)).find(f"{SVG}g")
    assert [e.text for e in inside.iter(f"{SVG}text")] == words_in(picture)


def test_pictures_run_no_torch_operation():
    recording = record(SNIPPETS["views"])

    class Alarm(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            raise AssertionError(f"{func} was called while drawing")

    with Alarm():
        step_pictures(recording)
