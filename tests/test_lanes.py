"""The lanes and the gradients by their structure: whole, legible, and in step with their words."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from overwritten import record
from overwritten.live.scenes import SCENES, side_by_side
from overwritten.pictures.draw import WIDTH
from overwritten.pictures.gradients import gradients_picture
from overwritten.pictures.lanes import lanes_picture, lanes_sentence
from overwritten.pictures.picture import alone, stack
from overwritten.record.trial import NOTHING, trial
from test_pictures import SNIPPETS, SVG, tree, words_in

X = "x = torch.ones(3, requires_grad=True)\n"
RAISES = X + "y = x.exp()\ny += 1\ny.sum().backward()"
OWN = {
    "raises": RAISES,
    "raises on the last of many lines": X + "z = 1\n" * 30 + RAISES.partition("\n")[2],
    "goes through": X + "y = x.exp()\ny.sum().backward()",
    "silent": X + "y = x.exp()\ny.data += 1\ny.sum().backward()",
    "silent three times": X
    + "y = x.exp()\ny.data += 1\ny.data += 1\ny += 1\ny.data += 1\ny.sum().backward()",
    "silent late": X + "y = x.exp()\n" + "z = 1\n" * 25 + "y.data += 1",
    "held on the last line": X + "z = 1\n" * 4 + "y = x.exp()",
    "freed on the last line": X + "y = x + 1\n" + "z = 1\n" * 25 + "del y",
    "freed early": X + "y = x.exp()\ndel y\nz = x.sin()\nz.sum().backward()",
    "many versions": X
    + "y = x * 1\n"
    + "y += 1\n" * 150
    + "z = y.exp()\nz += 1\nz.sum().backward()",
    "versions of many digits": X
    + "y = x * 1\n_ = [y.add_(1) for i in range(12345)]\nz = y.sin()\n_ = [y.add_(1) for i in range(12345)]\nz.sum().backward()",
    "a loop that is cut off": X + "y = x * 1\nfor i in range(600):\n    y += 1",
    "many saves of one storage": X
    + "y = x * 1\n"
    + "".join(f"z{i} = y.sin()\ny += 1\n" for i in range(6))
    + "(z0 + z5).sum().backward()",
    "many storages": X
    + "\n".join(f"y{i} = x.exp()" for i in range(12))
    + "\ny11 += 1\ny11.sum().backward()",
    "large numbers": "x = torch.ones(10**6)\n" + "z = 1\n" * 5 + "y = x + 1\n" * 3,
    "wide characters": "重い = torch.ones(3) # 張量張量張量張量張量張量張量張量張量張量張量張量張量張量張量張量張量張量\nテンソルテンソルテンソル = 重い",
    "a leaf refused": X + "x += 1",
    "an error of another kind": X + "y = x.exp()\n1 / 0",
    "twice": X + "y = x.exp()\nl = y.sum()\nl.backward()\nl.backward()",
    "inference": "with torch.inference_mode():\n    t = torch.ones(2)\n    t += 1",
}
#: Programs whose save lies where no step can see it: no padlock, and no word that denies it.
HIDDEN = {
    "in one line": "x = torch.ones(3, requires_grad=True); y = x.exp(); y += 1; y.sum().backward()",
    "behind a write to a part": X + "y = x * 1\ny[:2].exp_()\ny += 1\ny.sum().backward()",
}
ALL = SNIPPETS | OWN
S = "x = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)\n"
PAIRS = {  # program and twin
    "right": ("y = x * 2\ny += 1", "y = x * 2\ny = y + 1"),
    "raises": ("y = x.exp()\ny += 1", "y = x.exp()\ny = y + 1"),
    "raises, would be right": ("y = x.exp()\ny.mul_(1)", "y = x.exp()\ny = y * 1"),
    "wrong sign": ("y = x.exp()\ny.data.mul_(-3)", "y = x.exp()\ny = y * -3"),
    "infinite": ("y = x * float('inf')",) * 2,
    "one infinite": ("y = x * torch.tensor([1.0, float('-inf'), 5.0])",) * 2,
    "not a number": ("y = x * float('nan')",) * 2,
    "zero": ("y = x * 0",) * 2,
    "tiny": ("y = x * -1.234e-38",) * 2,
    "many": ("x = torch.ones(40, requires_grad=True)\ny = x * -123456.789",) * 2,
    "two leaves with long names": (
        "a_long_name_for_a_leaf = torch.ones(2, 2, requires_grad=True)\ny = a_long_name_for_a_leaf.sum() * x",
    )
    * 2,
    "a bare number": ("x = torch.tensor(2.0, requires_grad=True)\ny = x * -3",) * 2,
    "no element": ("x = torch.ones(0, requires_grad=True)\ny = x * -3",) * 2,
    "none came out": ("y = x.detach() * torch.ones(3, requires_grad=True)", "y = x * 2"),
    "another error": ("y = x.exp()\n1 / 0", "y = x.exp()"),
}


def placed(element, left=0.0, top=0.0):
    """All elements below, each with how far its groups move it."""
    for inner in element:
        moved = re.fullmatch(r"translate\((\S+) (\S+)\)", inner.get("transform", "translate(0 0)"))
        here = left + float(moved[1]), top + float(moved[2])
        yield inner, *here
        yield from placed(inner, *here)


def texts(root):
    """(words, left, right, base line) of every text, by the width of DejaVu Sans Mono at 12.5 or 13 px."""
    for element, left, top in placed(root):
        if element.tag == f"{SVG}text" and element.text:
            kind = element.get("class").split()
            long = len(element.text) * (7.53 if "soft" in kind else 7.83)
            start = (
                float(element.get("x"))
                + left
                - long * (1 if "end" in kind else 0.5 if "mid" in kind else 0)
            )
            yield element.text, start, start + long, float(element.get("y")) + top


def outside(root):
    """What lies, or runs, out of the picture."""
    wide, height = float(root.get("width")), float(root.get("height"))
    found = [
        words
        for words, left, right, y in texts(root)
        if not (0 <= left and right <= wide and 9 <= y <= height - 3)
    ]
    for element, left, top in placed(root):
        if element.tag == f"{SVG}rect":
            x, y, w, h = (float(element.get(key)) for key in ("x", "y", "width", "height"))
            if not (
                0 <= x + left <= x + left + w <= wide and 0 <= y + top <= y + top + h <= height
            ):
                found.append(("rect", x, y, w, h))
        if element.tag == f"{SVG}path":
            xs = [float(x) + left for x in re.findall(r"[MHL](-?[\d.]+)", element.get("d"))]
            ys = [
                float(y) + top for y in re.findall(r"[ML]-?[\d.]+[ ,](-?[\d.]+)", element.get("d"))
            ]
            if not (0 <= min(xs) <= max(xs) <= wide and 0 <= min(ys) <= max(ys) <= height):
                found.append(element.get("d"))
    return found


def overlapping(root):
    """Pairs of words that lie on one another."""
    all_of_them, found = list(texts(root)), []
    for i, (one, left, right, y) in enumerate(all_of_them):
        for other, start, end, line in all_of_them[:i]:
            if abs(y - line) < 9 and min(right, end) - max(left, start) > 1:
                found.append((other, one))
    return found


def has_open_padlock(root):
    return any("open" in element.get("class", "").split() for element in root.iter())


@pytest.fixture(scope="module", params=ALL.values(), ids=ALL)
def recording(request):
    return record(request.param, max_lines=20_000)


def test_lanes_are_whole(recording):
    picture = lanes_picture(recording)
    svg, root = picture.svg(), tree(picture)
    assert root.get("role") == "img" and root.get("aria-label") == lanes_sentence(recording)
    assert not outside(root) and float(root.get("height")) == picture.height
    assert lanes_picture(recording).svg() == svg, "another picture the second time"
    assert "nan" not in re.sub(r">[^<]*<", "><", svg)
    ElementTree.fromstring(alone(picture))


def test_no_word_in_the_lanes_lies_on_another(recording):
    pairs = overlapping(tree(lanes_picture(recording)))
    if (
        len(recording.steps) > 20
    ):  # there, only what a silent write or an error says may cover a neighbour
        pairs = [pair for pair in pairs if all(re.fullmatch(r"v?[\d,]+", words) for words in pair)]
    assert not pairs


def test_a_padlock_is_open_exactly_where_pytorch_raised_over_a_version(recording):
    raised = "modified by an inplace operation" in recording.error
    root = tree(lanes_picture(recording))
    assert has_open_padlock(root) == bool(root.get("data-raised")) == raised
    assert ("and raises." in lanes_sentence(recording)) == raised
    if raised:
        found = re.search(r"is at version (\d+)", recording.error)[1]
        assert f"finds version {found} and raises." in lanes_sentence(recording)
        assert any(words.startswith(f"✗ finds v{found}") for words, *_ in texts(root))


def test_the_words_tell_every_other_error_too(recording):
    if recording.error and "modified by an inplace operation" not in recording.error:
        assert recording.error in lanes_sentence(recording)
    assert recording.note in lanes_sentence(recording)


@pytest.mark.parametrize("code", HIDDEN.values(), ids=HIDDEN)
def test_a_save_that_is_not_seen_is_not_denied(code):
    recording = record(code)
    root = tree(lanes_picture(recording))
    assert not has_open_padlock(root) and not outside(root)
    assert recording.error and recording.error in lanes_sentence(recording)
    assert "Nothing is saved" not in lanes_sentence(recording)


def test_a_lane_shows_versions_saves_and_checks():
    root = tree(lanes_picture(record(RAISES)))
    words = [one for one, *_ in texts(root)]
    assert root.get("data-lanes") == "AB" and root.get("data-raised") == "B"
    assert {"v0", "v1", "expects v0", "✗ wrote here", "✗ raises", "✗ 4"} <= set(words)
    place = {one: (left, y) for one, left, _, y in texts(root)}
    assert place["y += 1"][1] == place["✗ wrote here"][1] < place["✗ 4"][1]
    assert place["v0"][0] < place["v1"][0] < place["✗ finds v1"][0]


def test_padlocks_stand_under_the_save_and_under_the_check():
    root = tree(lanes_picture(record(RAISES)))
    heads = {
        words: (left + right) / 2
        for words, left, right, _ in texts(root)
        if words in ("2", "✗ 4") and left > 30
    }
    locks = {
        e.get("class"): float(e.get("x")) + 7
        for e in root.iter(f"{SVG}rect")
        if e.get("class") in ("shut", "open")
    }
    assert locks == pytest.approx({"shut": heads["2"], "open": heads["✗ 4"]}, abs=0.1)


def test_a_silent_write_is_a_ring_of_its_own():
    root = tree(lanes_picture(record(OWN["silent"])))
    words = [one for one, *_ in texts(root)]
    assert (
        {"✗ wrote here", "✗"} <= set(words)
        and "v1" not in words
        and any("other bytes" in one for one in words)
    )
    assert [e.get("class") for e in root.iter(f"{SVG}rect")].count("warn ghost") == 1
    assert not has_open_padlock(root) and root.get("data-raised") == ""
    assert "line 3 changes its bytes" in root.get("aria-label") and "it goes through" in root.get(
        "aria-label"
    )


def test_time_runs_right():
    code = X + "y = x * 1\ny += 1\ny += 1\nz = y.sin()\nz.sum().backward()"
    places = {
        words: left
        for words, left, *_ in texts(tree(lanes_picture(record(code))))
        if re.fullmatch(r"v\d|\d", words)
    }
    assert places["v1"] < places["v2"] and sorted("123456", key=places.get) == list("123456")


def test_what_is_broken_is_never_among_what_is_not_drawn():
    for name in ("many storages", "many saves of one storage"):
        root = tree(lanes_picture(record(OWN[name])))
        assert any("not drawn" in words for words, *_ in texts(root)) and has_open_padlock(root), (
            name
        )


def test_a_label_and_a_verdict_can_be_given():
    root = tree(lanes_picture(record(RAISES), "in other words", "silently wrong gradient"))
    assert root.get("aria-label") == "in other words"
    assert "✗ silently wrong gradient" in [words for words, *_ in texts(root)]
    assert "✓ right gradient" in [
        w for w, *_ in texts(tree(lanes_picture(record(X), verdict="right gradient")))
    ]


@pytest.fixture(scope="module", params=PAIRS.values(), ids=PAIRS)
def done(request):
    program, twin = (f"{S}{code}\ny.sum().backward()" for code in request.param)
    return trial(program, twin)


def test_gradients_are_whole(done):
    picture = gradients_picture(done.run, done.twin, "in words", done.verdict)
    svg, root = picture.svg(), tree(picture)
    assert (
        root.get("role") == "img"
        and root.get("aria-label") == "in words"
        and root.get("data-verdict") == done.verdict
    )
    assert not outside(root) and not overlapping(root)
    assert gradients_picture(done.run, done.twin, "in words", done.verdict).svg() == svg
    assert "nan" not in re.sub(r">[^<]*<", "><", svg)


def test_a_verdict_has_its_sign(done):
    words = [
        one for one, *_ in texts(tree(gradients_picture(done.run, done.twin, "", done.verdict)))
    ]
    good = done.verdict == "right gradient"
    assert words[0] == (f"{'✓' if good else '✗'} {done.verdict}" if done.verdict else "no verdict")


def bars(picture):
    """The heights of the hollow and of the filled bars."""
    found = [(e.get("class"), float(e.get("height"))) for e in tree(picture).iter(f"{SVG}rect")]
    return [h for kind, h in found if kind == "box"], [
        h for kind, h in found if kind == "box solid"
    ]


def test_bars_share_one_scale():
    done = trial(
        S + "y = x * 2\ny.data.mul_(5)\ny.sum().backward()",
        S + "y = x * 2\ny = y * 5\ny.sum().backward()",
    )
    true, got = bars(gradients_picture(done.run, done.twin, "", done.verdict))
    assert true == [max(true)] * 3 and got == [got[0]] * 3
    # the truth is 10, of which 2 comes out; the foot is 1
    assert got[0] / true[0] == pytest.approx(math.log10(2), rel=0.01)


@pytest.mark.parametrize("k, other", [(1, 1.5), (10, 100)])
def test_a_gradient_that_is_wrong_by_more_has_a_longer_bar(k, other):
    drawn = []
    for factor in (k, other):
        done = trial(
            S + f"y = x * x\nx.data.mul_({factor})\ny.sum().backward()",
            S + "y = x * x\ny.sum().backward()",
        )
        drawn.append(bars(gradients_picture(done.run, done.twin, "", done.verdict)))
    (true, less), (same, more) = drawn
    assert true == same and all(b - a > 3 for a, b in zip(less, more))


def test_a_bar_that_would_run_out_is_cut():
    done = trial(
        S + "y = x * 2\ny.data.zero_()\ny = y * y\ny.sum().backward()",
        S + "y = x * 1\ny.sum().backward()",
    )
    assert done.run.gradients == {"x.grad": [0, 0, 0]}
    wild = trial(S + "y = x * 1000\ny.sum().backward()", S + "y = x * 1\ny.sum().backward()")
    tame, cut = (gradients_picture(one.run, one.twin, "", one.verdict) for one in (done, wild))
    assert [one.svg().count('class="gap"') for one in (tame, cut)] == [0, 3]
    assert bars(tame)[0] == bars(cut)[0] and not outside(tree(cut)) and "1000" in words_in(cut)


def test_a_bar_below_zero_hangs():
    done = trial(
        S + "y = x * x.detach()\ny.sum().backward()", S + "y = x * x.detach()\ny.sum().backward()"
    )
    root = tree(gradients_picture(done.run, done.twin, "", done.verdict))
    tops = [float(e.get("y")) for e in root.iter(f"{SVG}rect") if e.get("class") == "box solid"]
    ends = [
        float(e.get("y")) + float(e.get("height"))
        for e in root.iter(f"{SVG}rect")
        if e.get("class") == "box solid"
    ]
    assert ends[0] == ends[2] == tops[1]


def test_what_did_not_come_out_is_drawn_as_none():
    done = trial(
        S + "y = x.exp()\ny += 1\ny.sum().backward()", S + "y = x.exp()\ny.sum().backward()"
    )
    words = [
        one for one, *_ in texts(tree(gradients_picture(done.run, done.twin, "", done.verdict)))
    ]
    assert words.count("none") == 3 and words.count("true") == 3 and "20.0855" not in words[0]


def test_complex_gradients_are_drawn():
    code = "x = torch.ones(2, dtype=torch.complex64, requires_grad=True)\ny = x * 1j\ny.abs().sum().backward()"
    done = trial(code, code)
    tree(gradients_picture(done.run, done.twin, "", done.verdict))


def test_a_stack_keeps_the_heights():
    done = trial(RAISES, X + "y = x.exp()\ny = y + 1\ny.sum().backward()")
    upper, lower = (
        gradients_picture(done.run, done.twin, "first", done.verdict),
        lanes_picture(done.run),
    )
    both = stack(upper, lower)
    root = tree(both)
    assert both.height == upper.height + lower.height
    assert (
        root.get("viewBox") == f"0 0 {WIDTH} {both.height:g}" and root.get("aria-label") == "first"
    )
    assert not outside(root) and has_open_padlock(root)
    above, below = (list(texts(tree(one))) for one in (upper, lower))
    moved = [(words, left, right, y + upper.height) for words, left, right, y in below]
    assert list(texts(root)) == above + moved


def test_in_every_scene_a_gradient_that_did_not_come_out_is_marked_as_bad():
    codes = [f"{S}{code}\ny.sum().backward()" for code in PAIRS["none came out"]]
    for show, before in {"peaks": "a: ✗", "lanes": "✗", "beside": "✗ a:", "gradients": "✗"}.items():
        words = words_in(SCENES[show](dict(zip("ab", codes)), {}).picture)
        assert f"{before} {NOTHING}" in words, show


def test_where_nothing_is_known_no_scene_says_that_it_is_right():
    ok, typo = f"{S}y = x.exp()\ny.sum().backward()", f"{S}y = x.nothing()"
    done = trial(ok, typo)
    assert done.verdict == ""
    assert "a" in words_in(side_by_side({"a": done}).picture)
    failed = side_by_side({"a": trial(typo, ok)}).picture
    assert "✗ a: raises" in words_in(failed) and "✓" not in failed.svg()


def test_a_lane_lasts_until_backward_has_found_what_it_looked_for():
    code = "x = torch.ones(3, requires_grad=True)\nz = x.exp().sum()\nz.backward()\nq = 1"
    root = tree(lanes_picture(record(code), code=False))
    (found,) = [right for words, _, right, _ in texts(root) if words == "✓"]
    (freed,) = [left for words, left, *_ in texts(root) if words == "freed"]
    lanes = root.findall(f"{SVG}rect[@class='box fresh'][@height='26']")
    ends = [float(lane.get("x")) + float(lane.get("width")) for lane in lanes]
    assert [end for end in ends if found < end < freed] != [], (found, ends, freed)


def names_beside(code):
    """The words under the first lane's letter."""
    root = tree(lanes_picture(record(code), code=False))
    assert not outside(root) and not overlapping(root)
    rows = [(y, words) for words, left, _, y in texts(root) if left == 10 and 80 < y]
    return " ".join(words for _, words in sorted(rows)).partition(" bytes")[0]


def test_no_name_of_a_storage_is_dropped():
    views = "x = torch.zeros(3, 4)\nfirst = x[:, 0]\nthird = x[:, 2]\n"
    assert names_beside(views) == "x, first, third"
    many = views + "".join(f"view{n} = x\n" for n in range(9))
    assert names_beside(many).endswith("… 8 more")
