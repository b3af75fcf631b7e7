"""The film as stored output, the knob through its widgets, both without a browser."""

import re
import threading

import ipywidgets
import pytest
import torch

from overwritten import film, knob, record
from overwritten.lesson.folk import WHY_NOT, Folk
from overwritten.live.table import Table

CODES = {"x = x + 1": "x = torch.ones(n, dtype=dtype)\nx = x + 1", "x += 1": "x = torch.ones(n, dtype=dtype)\nx += 1"}


def test_without_scripts_still_sentence_and_table_remain():
    html = re.sub(r"<script>.*?</script>", "", film("x = torch.ones(4)\nx += 1").html(), flags=re.S)
    assert 'class="still" alt="Step 2 of 2: x += 1.' in html
    assert html.count("<tr>") == 1 + 3 and "aria-live" in html


def test_a_film_is_the_same_text_every_time_and_has_no_address():
    code = "x = torch.randn(4)\ny = x.t()\ny += 1"
    html = film(code).html()
    assert html == film(code).html()
    assert not re.search(r"0x[0-9a-f]{6}", html)


@pytest.mark.parametrize("code", ["x = (", "", "1 / 0", "print()", "x = '</script><b>'", "x = torch.ones(2) # </div>", "x = 1  # <!-- <script>", "raise ValueError('a\\x1b[31mred \\ud800')"])
def test_a_film_of_bad_code_is_still_a_film(code):
    html = film(code).html()
    html.encode("utf8")
    assert html.count("</script>") == html.count("<script>") == 1 and html.endswith("</script></div>")
    assert "<!--" not in html


def test_a_film_takes_a_recording():
    recording = record("x = torch.ones(2)")
    assert film(recording).recording is recording


@pytest.mark.parametrize("dtype, size", [(torch.float32, 4), (torch.float64, 8), (torch.int8, 1)])
def test_the_knob_shows_the_arithmetic_to_the_byte(dtype, size):
    view = knob(CODES, n=[1, 1000, 10**7], dtype=[torch.float32, torch.float64, torch.int8])
    for n in (1, 1000, 10**7):
        said = view.turn(n=n, dtype=dtype)
        assert f"x = x + 1 peaks at {2 * n * size:,} B; x += 1 peaks at {n * size:,} B." in said
        shown = view.picture.get_state()["value"]  # what the browser gets
        assert f'data-peaks="{2 * n * size},{n * size}"' in shown
        assert said.splitlines()[1].rstrip(".") in view.sentence.get_state()["value"].replace("&gt;", ">")


def test_a_hand_on_the_slider_runs_the_code_again():
    view = knob({"x": "x = torch.ones(n)"}, n=[1, 2, 3])
    view.controls["n"].index = 2  # what the front end sends
    assert view.values == {"n": 3} and view.recordings["x"].peak == 12


def test_a_knob_in_another_thread_and_grad_mode():
    view = knob({"x": "x = torch.ones(n, requires_grad=True)\ny = x * 2"}, n=[1, 2])
    mine = torch.ones(2)
    with torch.no_grad():
        thread = threading.Thread(target=lambda: view.turn(n=2))
        thread.start()
        thread.join()
    assert view.recordings["x"].steps[-1].tensor("y").requires_grad and mine._version == 0


def test_a_knob_with_code_that_fails_says_so():
    view = knob({"bad": "x = torch.ones(n)\nx.view(7)", "typo": "x = ("}, n=[2, 3])
    assert "bad ends with RuntimeError: shape" in view.turn(n=3)
    assert "typo ends with Line 1 is not valid Python" in view.say()
    assert "✗" in view.picture.value


def test_a_knob_needs_code_and_something_to_turn():
    for choices in ({}, {"n": []}, {"n": 5}):
        with pytest.raises(ValueError, match="needs something to turn"):
            knob({"x": "x = 1"}, **choices)
    for codes in ("x = 1", {}):
        with pytest.raises(ValueError, match="needs snippets by label"):
            knob(codes, n=[1])
    with pytest.raises(TypeError, match="it got int"):
        film(5)


def test_a_turn_that_cannot_be_made_is_a_sentence():
    view = knob({"x": "x = torch.ones(n)"}, n=[1, 1000])
    assert view.turn(m=2) == "There is no control 'm' here, only n."
    assert view.turn(n=2) == "n cannot be 2; choose one of 1, 1,000."
    assert view.values == {"n": 1}


def test_a_knob_says_that_a_loop_was_stopped():
    view = knob({"x": "while True: pass"}, n=[1])
    assert "x: This code was stopped after 1,000,000 lines" in view.say()


def test_without_a_kernel_the_knob_leaves_a_table():
    view = knob({"x": "x = torch.ones(n)"}, n=[1, 10])
    assert "<td>10</td><td>peaks at 40 B</td>" in view.html() and "<img" in view.html()
    assert isinstance(view.box, ipywidgets.VBox)


START = "x = torch.tensor([1.0, 2.0], requires_grad=True)\ny = x.exp()\n"
END = "\ny.sum().backward()"


def overwritten_by(write):
    """A knob's function: the program that `write` makes, and its twin."""
    twin = "y = y * 3" if write == "y *= 3" else "y = y + 1"
    return {"in place": START + write + END, "twin": START + twin + END}


WRITES = ["y *= 3", "y += 1", "y.data += 1"]


def test_a_knob_takes_a_function_that_returns_code():
    view = knob(lambda n, write: f"x = torch.ones({n})\n{write}", n=[1, 100], write=["x = x + 1", "x += 1"])
    assert view.say() == "n = 1, write = x = x + 1:\ncode peaks at 8 B."
    assert view.turn(n=100, write="x += 1").endswith("code peaks at 400 B.")
    assert list(view.recordings) == ["code"] and view.recordings["code"].lines[0] == "x = torch.ones(100)"
    assert knob(lambda n: "x = torch.ones(n)", n=[2]).recordings["code"].peak == 8, "n is no name in the code"


def test_a_knob_takes_a_function_that_returns_codes_by_label():
    view = knob(overwritten_by, write=WRITES)
    assert "in place: raises; " in view.say() and "twin: true gradient, peak" in view.say()
    assert "in place: silently wrong gradient" in view.turn(write="y.data += 1")
    assert list(view.recordings) == ["in place", "twin"]


@pytest.mark.parametrize("show, words", [("lanes", "Raises. Line 2 saves y"), ("gradients", "Raises: no gradient came out (true: x.grad = [8.15485, 22.1672]). Line 2 saves y")])
def test_a_knob_shows_lanes_and_gradients(show, words):
    view = knob(overwritten_by, show=show, write=WRITES)
    assert view.say().startswith(f"write = y *= 3:\n{words}")
    assert 'class="open"' in view.picture.value and "finds v1" in view.picture.value
    said = view.turn(write="y.data += 1")
    assert "Silently wrong gradient" in said and 'class="open"' not in view.picture.value
    assert ("got" in re.findall(r">(got)<", view.picture.value)) == (show == "gradients")


def test_without_a_kernel_a_knob_tells_every_choice():
    html = knob(overwritten_by, show="gradients", write=WRITES).html()
    for cells in (
        ("y *= 3", "raises", "no gradient came out", "x.grad = [8.15485, 22.1672]"),
        ("y += 1", "raises", "no gradient came out", "x.grad = [2.71828, 7.38906]"),
        ("y.data += 1", "silently wrong gradient", "x.grad = [3.71828, 8.38906]", "x.grad = [2.71828, 7.38906]"),
    ):
        assert "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>" in html
    assert "<script" not in html


def test_one_code_has_lanes_and_no_verdict():
    view = knob(lambda n: f"x = torch.ones({n})", show="gradients", n=[1])
    assert "No verdict: no gradient came out" in view.say()
    assert knob(lambda n: START + END, show="lanes", n=[1]).say().startswith("n = 1:\nLine 2 saves y")


@pytest.mark.parametrize("show", ["peak", "", None, "Lanes"])
def test_a_knob_shows_only_what_it_can(show):
    with pytest.raises(ValueError) as caught:
        knob(CODES, show=show, n=[1])
    assert str(caught.value) == f"A knob can show 'peaks', 'lanes', 'gradients', not {show!r}."


@pytest.mark.parametrize("returned", [3, None, ["x = 1"], {"a": 1}, {"a": "x = 1", "b": None}, {}])
@pytest.mark.parametrize("show", ["peaks", "lanes"])
def test_a_function_of_a_knob_must_return_code(returned, show):
    with pytest.raises(ValueError) as caught:
        knob(lambda n: returned, show=show, n=[1])
    assert str(caught.value) == "A knob's function must return code as text, or a dict of such texts by label."


def test_a_turn_that_fails_leaves_values_and_words_together():
    view = knob(lambda n, m: 3 if m == 2 else f"x = torch.ones({n})", n=[1, 2], m=[1, 2])
    with pytest.raises(ValueError, match="must return code"):
        view.turn(m=2)
    assert view.say() == "n = 1, m = 1:\ncode peaks at 4 B."


@pytest.mark.parametrize("show", ["peaks", "lanes", "gradients"])
def test_turning_changes_no_tensor_of_the_learners(show):
    x = torch.tensor([5.0, 6.0], requires_grad=True)
    y = x * 1
    torch.manual_seed(3)
    state, node = torch.get_rng_state(), y.grad_fn
    with torch.no_grad():
        view = knob(overwritten_by, show=show, write=WRITES)
        for write in WRITES:
            view.turn(write=write)
        assert not torch.is_grad_enabled()
    assert x.tolist() == y.tolist() == [5, 6] and (x._version, y._version, x.grad, y.grad_fn) == (0, 0, None, node)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_room_for_the_picture_never_shrinks():
    view = knob(lambda n: "x = torch.ones(1)\n" * n, show="lanes", n=[1, 9, 2, 4])
    rooms, heights = [], []
    for n in (1, 4, 2, 9, 1):
        view.turn(n=n)
        rooms.append(float(re.search(r"min-height:([\d.]+)px", view.picture.value)[1]))
        heights.append(float(re.search(r'<svg[^>]* height="([\d.]+)"', view.picture.value)[1]))
    assert rooms == sorted(rooms) and rooms[0] < rooms[1] < rooms[3]
    assert all(room == max(heights[: i + 1]) for i, room in enumerate(rooms))


FRUIT = [("apple", "red & <round>"), ("plum", "blue"), ("pear", "green, not <b>red</b>"), ("</script>", "odd")]


@pytest.fixture()
def fruit():
    return Table(FRUIT, {"name": lambda row: row[0], "looks ": lambda row: row[1]}, "Fruit & more")


@pytest.mark.parametrize(
    "words, names",
    [
        (("red",), ["apple", "pear"]),
        (("RED", "apple"), ["apple"]),
        (("red", "blue"), []),
        ((), ["apple", "plum", "pear", "</script>"]),
        (("p", "l"), ["apple", "plum"]),
        (("not <b>",), ["pear"]),
    ],
)
def test_a_table_is_searched_by_all_words(fruit, words, names):
    assert [row[0] for row in fruit.find(*words)] == names


def test_a_table_has_all_its_rows_without_scripts(fruit):
    html = re.sub(r"<script>.*?</script>", "", fruit.html(), flags=re.S)
    body = re.search(r"<tbody>(.*)</tbody>", html, re.S)[1]
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", body)]
    assert rows == [[unescaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for unescaped in row] for row in FRUIT]
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == ["name", "looks"]
    assert "Fruit &amp; more (4 rows)" in html and "hidden" not in html and "search" not in html


def test_a_table_is_one_piece_with_one_script(fruit):
    html = fruit.html()
    assert html.count("<script>") == html.count("</script>") == 1 and html.endswith("</script></div>")
    name = re.search(r'<div class="ow" data-table="(\w+)"', html)[1]
    assert f'[data-table="{name}"]' in html and html == fruit.html()
    other = Table(FRUIT[:2], {"name": lambda row: row[0]}, "Fruit & more").html()
    assert f'data-table="{name}"' not in other
    assert fruit._repr_mimebundle_() == {"text/html": html, "text/plain": "Fruit & more: 4 rows"}


CURES = {  # the folk cures in each form: what of WHY_NOT each is
    "x.data": [".data"],
    "x.data = torch.ones(3)": [".data"],
    "x.data.add_(1)": [".data"],
    "x.detach()": [".detach()"],
    "torch.detach(x)": [".detach()"],
    "(x * 1).detach_()": [".detach()"],
    "x.detach().numpy()": [".detach()", "numpy"],
    "numpy.asarray(torch.ones(2))": ["numpy"],
    "with torch.no_grad(): x.add_(1)": ["no_grad"],
    "with torch.no_grad(): x[0] = 1; x *= 2": ["no_grad"],
    "with torch.inference_mode(): x.exp()": ["no_grad"],
    "torch.no_grad()(lambda: x + 1)()": ["no_grad"],
    "(x * x).sum().backward(retain_graph=True)": ["retain_graph=True"],
    "(x * x).sum().backward(None, True)": ["retain_graph=True"],
    "torch.autograd.grad((x * x).sum(), x, retain_graph=True)": ["retain_graph=True"],
    "x.data; x.detach(); x.data": [".data", ".detach()"],
}
CLEAN = [
    "y = x.exp().clone()\ny += 1\ny.sum().backward()\nx.grad.zero_()\nx.grad = None",
    "y = (x * 1).relu_()\ny[0] = 2\ny.requires_grad, y._version, y.grad_fn, len(y), [v for v in y]",
    "repr(x), str(x * 1), f'{x.sum():.3f}', x.sum().item(), x.tolist(), bool(x.sum() > 0)",
    "torch.nn.Linear(3, 2)(x).sum().backward(retain_graph=False)",
    "torch.autograd.grad((x * x).sum(), x, create_graph=True)",
    "with torch.enable_grad(): x.exp()",
    "torch.from_numpy(numpy.ones(2)), torch.allclose(x, x), torch.equal(x, x)",
]


def folk_in(code):
    import numpy

    with Folk() as folk:
        exec(code, {"torch": torch, "numpy": numpy, "x": torch.ones(3, requires_grad=True)})
    return folk


@pytest.mark.parametrize("code", CURES)
def test_a_folk_cure_is_noticed(code):
    folk = folk_in(code)
    assert folk.used == CURES[code]
    assert folk.complaint(*WHY_NOT) in [WHY_NOT[name] for name in folk.used]


@pytest.mark.parametrize("code", CLEAN)
def test_clean_code_is_no_folk_cure(code):
    assert folk_in(code).used == [] and folk_in(code).complaint(*WHY_NOT) == ""


def test_every_folk_cure_has_its_why_not():
    assert {name for names in CURES.values() for name in names} == set(WHY_NOT)


def test_a_caller_without_gradients_uses_no_cure():
    with torch.no_grad():
        assert folk_in("x.exp()").used == []


def test_folk_changes_nothing_and_lets_errors_through():
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf Variable"), Folk() as folk:
        y = x.exp()
        x += 1
    assert torch.equal(y, x.exp()) and folk.used == [] and not torch.overrides._get_current_function_mode_stack()
