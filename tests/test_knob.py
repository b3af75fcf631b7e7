"""The knob through its widgets, without a browser: what it shows belongs to what its controls hold."""

import contextlib
import html
import json
import random
import re
import signal
import sys
import threading
import time

import pytest
import torch

from conftest import PATIENCE
from overwritten import knob
from overwritten.doctor.watching import Eyes
from overwritten.live import newest
from overwritten.live.scenes import SCENES

knobs = sys.modules[knob.__module__]
CODES = {
    "x = x + 1": "x = torch.ones(n, dtype=dtype)\nx = x + 1",
    "x += 1": "x = torch.ones(n, dtype=dtype)\nx += 1",
}


def said(view):
    """The sentence as the browser gets it."""
    return html.unescape(
        re.search(r'<p class="sentence">(.*)</p>', view.sentence.get_state()["value"], re.S)[1]
    )


@pytest.mark.parametrize("dtype, size", [(torch.float32, 4), (torch.float64, 8), (torch.int8, 1)])
def test_the_knob_shows_the_arithmetic_to_the_byte(dtype, size):
    view = knob(CODES, n=[1, 1000, 10**7], dtype=[torch.float32, torch.float64, torch.int8])
    for n in (1, 1000, 10**7):
        said = view.turn(n=n, dtype=dtype)
        assert f"x = x + 1 peaks at {2 * n * size:,} B; x += 1 peaks at {n * size:,} B." in said
        shown = view.picture.get_state()["value"]  # what the browser gets
        assert f'data-peaks="{2 * n * size},{n * size}"' in shown
        assert said.splitlines()[1].rstrip(".") in view.sentence.get_state()["value"].replace(
            "&gt;", ">"
        )


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
    assert '<th scope="row">10</th><td>peaks at 40 B</td>' in view.html() and "<img" in view.html()


START = "x = torch.tensor([1.0, 2.0], requires_grad=True)\ny = x.exp()\n"
END = "\ny.sum().backward()"


def overwritten_by(write):
    """A knob's function: the program that `write` makes, and its twin."""
    twin = "y = y * 3" if write == "y *= 3" else "y = y + 1"
    return {"in place": START + write + END, "twin": START + twin + END}


WRITES = ["y *= 3", "y += 1", "y.data += 1"]


def test_a_switch_is_a_menu_of_true_and_false():
    view = knob(
        lambda n, twice: "x = torch.ones(1)" + "\nx = x * 2" * twice, n=[1, 2], twice=[False, True]
    )
    assert [type(one).__name__ for one in view.controls.values()] == ["SelectionSlider", "Dropdown"]
    assert view.say().startswith("n = 1, twice = False:") and "8 B" in view.turn(twice=True)
    assert '<th scope="row">True</th>' in view.html()


def test_a_knob_takes_a_function_that_returns_code():
    view = knob(
        lambda n, write: f"x = torch.ones({n})\n{write}", n=[1, 100], write=["x = x + 1", "x += 1"]
    )
    assert view.say() == "n = 1, write = x = x + 1:\ncode peaks at 8 B."
    assert view.turn(n=100, write="x += 1").endswith("code peaks at 400 B.")
    assert (
        list(view.recordings) == ["code"]
        and view.recordings["code"].lines[0] == "x = torch.ones(100)"
    )
    assert knob(lambda n: "x = torch.ones(n)", n=[2]).recordings["code"].peak == 8, (
        "n is no name in the code"
    )


def test_a_knob_takes_a_function_that_returns_codes_by_label():
    view = knob(overwritten_by, write=WRITES)
    assert "in place: raises; " in view.say() and "twin: true gradient, peak" in view.say()
    assert "in place: silently wrong gradient" in view.turn(write="y.data += 1")
    assert list(view.recordings) == ["in place", "twin"]


@pytest.mark.parametrize(
    "show, words",
    [
        ("lanes", "Raises. Line 2 saves y"),
        (
            "gradients",
            "Raises: no gradient came out (true: x.grad = [8.15485, 22.1672]). Line 2 saves y",
        ),
    ],
)
def test_a_knob_shows_lanes_and_gradients(show, words):
    view = knob(overwritten_by, show=show, write=WRITES)
    assert view.say().startswith(f"write = y *= 3:\n{words}")
    assert 'class="open"' in view.picture.value and "finds v1" in view.picture.value
    said = view.turn(write="y.data += 1")
    assert "Silently wrong gradient" in said and 'class="open"' not in view.picture.value
    assert ("got" in re.findall(r">(got)<", view.picture.value)) == (show == "gradients")


def test_without_a_kernel_a_knob_tells_every_choice():
    html = knob(overwritten_by, show="gradients", write=WRITES).html()
    for row in (
        ("y *= 3", "✗ raises", "no gradient came out", "x.grad = [8.15485, 22.1672]"),
        ("y += 1", "✗ raises", "no gradient came out", "x.grad = [2.71828, 7.38906]"),
        (
            "y.data += 1",
            "✗ silently wrong gradient",
            "x.grad = [3.71828, 8.38906]",
            "x.grad = [2.71828, 7.38906]",
        ),
    ):
        cells = re.sub(r" (class|scope)=.*?>", ">", html).replace("th>", "td>")
        assert "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" in cells


def test_one_code_has_lanes_and_no_verdict():
    view = knob(lambda n: f"x = torch.ones({n})", show="gradients", n=[1])
    assert "No verdict: no gradient came out" in view.say()
    assert (
        knob(lambda n: START + END, show="lanes", n=[1]).say().startswith("n = 1:\nLine 2 saves y")
    )


@pytest.mark.parametrize("show", ["peak", "", None, "Lanes"])
def test_a_knob_shows_only_what_it_can(show):
    with pytest.raises(ValueError) as caught:
        knob(CODES, show=show, n=[1])
    assert (
        str(caught.value)
        == f"A knob can show 'peaks', 'lanes', 'beside', 'gradients', not {show!r}."
    )


@pytest.mark.parametrize("returned", [3, None, ["x = 1"], {"a": 1}, {"a": "x = 1", "b": None}, {}])
@pytest.mark.parametrize("show", ["peaks", "lanes"])
def test_a_function_of_a_knob_must_return_code(returned, show):
    with pytest.raises(ValueError) as caught:
        knob(lambda n: returned, show=show, n=[1])
    assert (
        str(caught.value)
        == "A knob's function must return code as text, or a dict of such texts by label."
    )


def test_a_turn_that_fails_leaves_values_and_words_together():
    view = knob(lambda n, m: 3 if m == 2 else f"x = torch.ones({n})", n=[1, 2], m=[1, 2])
    with pytest.raises(ValueError, match="must return code"):
        view.turn(m=2)
    assert view.say() == "n = 1, m = 1:\ncode peaks at 4 B." and view.values == {"n": 1, "m": 1}
    assert "n = 1, m = 2 cannot be shown: ValueError: A knob's function must return code" in said(
        view
    )
    assert (
        said(view).endswith(f"Shown is {view.say()}")
        and view.turn(n=2) == "n = 2, m = 1:\ncode peaks at 8 B."
    )


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
    assert x.tolist() == y.tolist() == [5, 6] and (x._version, y._version, x.grad, y.grad_fn) == (
        0,
        0,
        None,
        node,
    )
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


def drawn(view):
    """The picture as the browser gets it."""
    return re.search(r"<svg.*</svg>", view.picture.get_state()["value"], re.S)[0]


def hand(view, **places):
    """What a front end sends when a hand moves controls; nobody waits for the run."""
    for name, place in places.items():
        view.controls[name].set_state({"index": place})


MANY = [*range(knobs.FEW + 1)]  # more than are recorded ahead


class Gate:
    """A knob's function whose runs, but for n = 0, wait at a gate."""

    def __init__(self):
        self.runs, self.begun, self.open = [], threading.Event(), threading.Event()
        self.view = knob(self.program, first=[0], n=MANY)

    def program(self, first, n):
        self.runs.append(n)
        if n:
            self.begun.set()
            assert self.open.wait(PATIENCE)
        if n == 13:
            raise KeyError("thirteen")
        return f"x = torch.ones({n + 1})"


@pytest.fixture()
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


def test_few_positions_are_recorded_ahead_and_never_run_again():
    runs = []
    view = knob(
        lambda n, m: runs.append((n, m)) or f"x = torch.ones({n}, {m})", n=[1, 2, 3], m=[4, 5]
    )
    ahead = [(n, m) for n in (1, 2, 3) for m in (4, 5)]
    assert runs == ahead and view.values == {"n": 1, "m": 4}
    for n, m in ahead[::-1]:
        assert view.turn(n=n, m=m) == f"n = {n}, m = {m}:\ncode peaks at {4 * n * m} B."
    assert runs == ahead


def test_of_many_positions_those_of_the_first_control_are_recorded_ahead():
    runs = []
    view = knob(lambda n, m: runs.append((n, m)) or "x = 1", n=[1, 2], m=MANY)
    assert runs == [(1, 0), (2, 0)]
    for _ in range(3):
        view.turn(m=7)
        view.turn(m=0)
    assert runs == [(1, 0), (2, 0), (1, 7)], "what was seen once is kept"


def test_recording_ahead_ends_where_it_takes_too_long(monkeypatch):
    for limit, recorded in (("ONE_AHEAD", [1, 2]), ("ALL_AHEAD", [1])):
        with monkeypatch.context() as patch:
            patch.setattr(knobs, limit, -1)
            runs = []
            view = knob(lambda n: runs.append(n) or f"x = torch.ones({n})", n=[1, 2, 3, 4])
            assert runs == recorded
            assert view.html().count("<tr>") == 1 + len(recorded)
        assert view.turn(n=4) == "n = 4:\ncode peaks at 16 B."


def test_of_five_quick_turns_at_most_two_run(gate):
    for n in (1, 2, 3, 4, 5):
        hand(gate.view, n=n)
        assert gate.begun.wait(PATIENCE)
    gate.open.set()
    assert gate.view.say() == "first = 0, n = 5:\ncode peaks at 24 B." == said(gate.view)
    assert gate.runs == [0, 1, 5] and "6" in drawn(gate.view) and gate.view.values["n"] == 5
    assert set(gate.view._newest.kept) == {(0, 0), (0, 5)}, "a dropped run was kept"


def test_a_kept_position_is_shown_while_another_one_runs(gate):
    hand(gate.view, n=1)
    assert gate.begun.wait(PATIENCE)
    assert gate.view.turn(n=0) == "first = 0, n = 0:\ncode peaks at 4 B." == said(gate.view)
    gate.open.set()
    assert gate.view.turn(n=2) == said(gate.view) == "first = 0, n = 2:\ncode peaks at 12 B."


def test_a_quick_run_is_answered_within_the_move(gate, monkeypatch):
    monkeypatch.setattr(knobs, "LINGER", 60)
    gate.open.set()
    hand(gate.view, n=1)
    assert said(gate.view) == "first = 0, n = 1:\ncode peaks at 8 B."


def test_stop_goes_back_to_what_is_shown(gate):
    before = drawn(gate.view)
    hand(gate.view, n=1)
    assert gate.begun.wait(PATIENCE) and gate.view.values["n"] == 1
    gate.view._stop.click()
    words = "first = 0, n = 0:\ncode peaks at 4 B."
    assert said(gate.view) == f"Stopped: first = 0, n = 1 did not run to its end. Shown is {words}"
    assert gate.view.say() == words and gate.view.values["n"] == 0 and drawn(gate.view) == before
    gate.open.set()
    assert gate.view.turn(n=1) == "first = 0, n = 1:\ncode peaks at 8 B." and gate.runs == [0, 1, 1]
    gate.view._stop.click()
    assert said(gate.view) == gate.view.say(), "there was nothing to stop"


def test_a_long_run_says_so_and_offers_to_stop_it(gate, monkeypatch):
    monkeypatch.setattr(newest, "PATIENCE", 0)
    told = threading.Event()
    gate.view.sentence.observe(lambda change: told.set(), "value")
    hand(gate.view, n=1)
    assert told.wait(PATIENCE)
    words = "Running first = 0, n = 1 … The picture still shows first = 0, n = 0."
    assert said(gate.view) == words and gate.view._stop.layout.display is None
    gate.open.set()
    assert gate.view.say() == said(gate.view) == "first = 0, n = 1:\ncode peaks at 8 B."
    assert gate.view._stop.layout.display == "none"


def test_an_error_goes_back_and_is_told(gate):
    gate.open.set()
    words = gate.view.turn(n=3)
    with pytest.raises(KeyError, match="thirteen"):
        gate.view.turn(n=13)
    assert gate.view.say() == words and gate.view.values["n"] == 3
    hand(gate.view, n=13)
    assert gate.view.say() == words and gate.view.values["n"] == 3, (
        "no raise: this hand did not turn it"
    )
    assert (
        said(gate.view)
        == f"first = 0, n = 13 cannot be shown: KeyError: 'thirteen'. Shown is {words}"
    )
    with pytest.raises(KeyError):
        knob(lambda n: {}[n], n=[1])


def test_an_interrupt_stops_the_run(gate):
    def interrupt():
        assert gate.begun.wait(PATIENCE)
        while not gate.view._newest._newest.over._cond._waiters:  # until the cell waits
            time.sleep(0.01)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        gate.view.turn(n=1)
    assert gate.view.values["n"] == 0
    assert said(gate.view).startswith("Stopped: first = 0, n = 1 did not")


ENDLESS = "x = torch.randn(2)\nbegun.set()\nwhile True:\n    x = torch.rand(2)\n    with torch.no_grad(), torch.autocast('cpu'):\n        log.append(x + x)\n"


def test_stop_ends_code_that_runs_torch():
    begun, log = threading.Event(), []
    view = knob(lambda begun, log, n: ENDLESS if n else "x = 1", begun=[begun], log=[log], n=MANY)
    state = torch.get_rng_state()
    hand(view, n=1)
    run = view._newest._newest
    assert begun.wait(PATIENCE) and run.is_alive()
    view._stop.click()
    run.join(PATIENCE)
    assert not run.is_alive() and len(log) < 100_000
    assert (
        view.values["n"] == 0
        and "Stopped" in said(view)
        and torch.equal(torch.get_rng_state(), state)
    )


def test_a_run_can_be_stopped_at_any_torch_call():
    """What is shared by all threads is as before, and the next run is as if nothing had been."""

    class Over:  # set at a given torch call
        def __init__(self, left):
            self.left = left

        def is_set(self):
            self.left -= 1
            return self.left < 0

    codes = {
        "in place": f"torch.set_default_dtype(torch.float64)\nz = torch.rand(1)\n{START}y += 1{END}",
        "twin": f"{START}y = y + 1{END}",
    }
    whole, state, calls = SCENES["gradients"](codes, {}), torch.get_rng_state(), 0
    while True:
        question, ended = newest.Question((), None), None
        question.over = Over(calls)
        with contextlib.suppress(newest.Stopped), newest._Ending(question):
            ended = SCENES["gradients"](codes, {})
        assert torch.equal(torch.get_rng_state(), state)
        assert torch.get_default_dtype() == torch.float32
        if question.over.left >= 0:
            break
        assert ended is None
        calls += 1
    assert calls > 10 and ended.picture == whole.picture
    assert SCENES["gradients"](codes, {}).picture == whole.picture


def test_watch_does_not_look_into_a_run(gate):
    gate.open.set()
    with Eyes() as eyes:
        gate.view.turn(n=1)
        knob({"a": "x = torch.ones(3)\nx += 1"}, n=[1])
    assert not eyes.writes


def test_two_hundred_turns_from_two_threads_end_together():
    view = knob(lambda n, m: f"x = torch.ones({n + 1}, {m + 1})", n=[*range(8)], m=[*range(8)])

    def turn(seed):
        dice = random.Random(seed)
        for _ in range(100):
            view.turn(**{dice.choice("nm"): dice.randrange(8)})

    threads = [threading.Thread(target=turn, args=[seed]) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    n, m = view.values.values()
    assert (
        said(view) == view.say() == f"n = {n}, m = {m}:\ncode peaks at {4 * (n + 1) * (m + 1)} B."
    )
    assert f"torch.ones({n + 1}, {m + 1})" in drawn(view)


def test_a_turn_in_a_cell_while_a_hand_is_on_the_control(gate):
    hand(gate.view, n=1)
    assert gate.begun.wait(PATIENCE)
    threading.Timer(0.05, gate.open.set).start()
    assert gate.view.turn(n=2) == "first = 0, n = 2:\ncode peaks at 12 B." == said(gate.view)


def rebuilt(data, number):
    return "".join(data["strokes"][stroke] for stroke in data["pictures"][number])


def data_of(script):
    return json.loads(re.search(r"const knob = (\{.*\});\n", script)[1])


def test_the_stored_script_holds_what_was_recorded():
    view = knob(overwritten_by, show="lanes", write=WRITES)
    view.turn(write="y += 1")
    stored = view._stored()
    data = data_of(stored.script)
    assert data["controls"] == [{"name": "write", "labels": WRITES, "slider": False}] and data[
        "at"
    ] == [1]
    for place, write in enumerate(WRITES):
        words = view.turn(write=write)
        number = data["positions"][str(place)]
        assert (
            data["sentences"][number] == words and rebuilt(data, number) == view.scene.picture.svg()
        )
    view.turn(write="y += 1")
    assert data["now"] == 1 and view._stored().script == stored.script
    assert stored.script.count("<script>") == stored.script.count("</script>") == 1
    assert (
        re.search('data-knob="(.*?)"', stored.script)[1]
        == re.search('data-still="(.*?)"', stored.still)[1]
    )


def test_of_many_positions_the_stored_script_chooses_by_the_first_control():
    view = knob(lambda n, m: f"x = torch.ones({n}, {m + 1})", n=[1, 2], m=MANY)
    words = view.turn(n=2, m=5)
    data = data_of(view._stored().script)
    assert [control["name"] for control in data["controls"]] == ["n"] and data["controls"][0][
        "slider"
    ]
    assert data["sentences"][data["now"]] == words and data["at"] == [1]
    assert [data["sentences"][data["positions"][place]] for place in "01"] == [
        f"n = {n}, m = 0:\ncode peaks at {4 * n} B." for n in (1, 2)
    ]
    assert view.html().count("<tr>") == 1 + 2 and words.partition("\n")[0] in view.html()


def test_a_knob_in_a_cell_is_a_widget_and_a_script(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    view = knob({"</script>": "x = '</script><!--'"}, n=[1])
    view._ipython_display_()
    first, second = shown
    assert sorted(first) == ["application/vnd.jupyter.widget-view+json", "text/html", "text/plain"]
    assert (
        first["text/plain"] == view.say()
        and first["text/html"] == view.html()
        and "<script" not in view.html()
    )
    assert (
        [*second] == ["text/html"]
        and second["text/html"].count("</script>") == 1
        and "<!--" not in second["text/html"]
    )


def test_where_scripts_run_a_stored_knob_has_controls(blank):
    view = knob(overwritten_by, show="gradients", write=WRITES)
    factor = knob(lambda n, m: f"x = torch.ones({n}, {m})", n=[1, 20], m=[3, 4])
    page = blank()
    parts = [
        f"<main>{stored.still}{stored.script}</main>"
        for stored in (view._stored(), factor._stored())
    ]
    page.set_content("<!doctype html>" + "".join(parts))
    menu = page.get_by_role("combobox", name="write")
    menu.focus()
    page.keyboard.press("ArrowDown")
    words = view.turn(write="y += 1").replace("\n", " ")
    assert page.locator("main").first.locator(".sentence").inner_text() == words
    svg = page.locator("main").first.locator(".picture svg")
    assert svg.get_attribute("aria-label") == html.unescape(
        re.search('aria-label="(.*?)"', view.scene.picture.svg())[1]
    )
    slider = page.get_by_role("slider", name="n")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("slider", name="m").press("End")
    assert (
        page.locator("main").nth(1).locator(".sentence").inner_text()
        == "n = 20, m = 4: code peaks at 320 B."
    )
    assert slider.get_attribute("aria-valuetext") == "20" and page.locator(".still").count() == 0


#: px from the picture to its sentence; where begins what stands below the knob.
ROOM = """() => {
  const [svg, sentence, below] = ['.picture svg', '.sentence', 'footer'].map(
    one => document.querySelector(one).getBoundingClientRect());
  return [sentence.top - svg.bottom, below.top];
}"""


@pytest.mark.parametrize("width", [570, 1280])
def test_the_sentence_stays_at_its_picture_and_nothing_below_jumps_up(blank, width):
    view = knob(lambda n: "x = torch.ones(1)\n" * n, show="lanes", n=[1, 9, 2, 4])
    stored = view._stored()
    page = blank(width=width)
    page.set_content(
        f"<!doctype html><main>{stored.still}{stored.script}</main><footer>below</footer>"
    )
    slider, places = page.get_by_role("slider", name="n"), [page.evaluate(ROOM)]
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "Home"):
        slider.press(key)
        places.append(page.evaluate(ROOM))
    gaps, below = zip(*places)
    assert max(gaps) < 12 and list(below) == sorted(below) and below[0] < below[1]


def rows(html):
    """The texts of a table's cells, row by row."""
    return [
        re.findall(r"<t[hd].*?>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", html)
    ]


def test_positions_stand_side_by_side_and_nothing_turns():
    view = knob(CODES, n=[1, 1000, 10**7], dtype=[torch.float32, torch.int8])
    view.turn(n=1000, dtype=torch.int8)
    before = view.picture.value, view.sentence.value, view.values
    turns = view.compare(n=[1, 10**7])
    assert (view.picture.value, view.sentence.value, view.values) == before
    assert "In all rows: dtype = float32." in turns.html()
    assert rows(turns.html()) == [
        ["n", "x = x + 1", "x += 1"],
        ["1", "peaks at 8 B", "peaks at 4 B"],
        ["10,000,000", "peaks at 80,000,000 B", "peaks at 40,000,000 B"],
    ]
    bundle = turns._repr_mimebundle_()
    words = [view.turn(n=n, dtype=torch.float32) for n in (1, 10**7)]
    assert bundle == {"text/html": turns.html(), "text/plain": "\n\n".join(words)}


def test_what_was_not_recorded_runs_to_be_compared(gate):
    gate.open.set()
    assert rows(gate.view.compare(n=[5, 0, 5]).html())[1:] == [
        ["5", "peaks at 24 B"],
        ["0", "peaks at 4 B"],
        ["5", "peaks at 24 B"],
    ]
    assert gate.runs == [0, 5] and gate.view.values["n"] == 0
    assert said(gate.view) == "first = 0, n = 0:\ncode peaks at 4 B."
    with pytest.raises(KeyError, match="thirteen"):
        gate.view.compare(n=13)
    assert said(gate.view) == "first = 0, n = 0:\ncode peaks at 4 B."


def test_comparing_does_not_disturb_a_hand(gate):
    hand(gate.view, n=1)
    assert gate.begun.wait(PATIENCE)
    threading.Timer(0.05, gate.open.set).start()
    assert str(gate.view.compare(n=2)) == "first = 0, n = 2:\ncode peaks at 12 B."
    assert gate.view.say() == said(gate.view) == "first = 0, n = 1:\ncode peaks at 8 B."


def test_an_interrupt_stops_a_comparison(gate):
    def interrupt():
        assert gate.begun.wait(PATIENCE)
        time.sleep(0.1)
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        gate.view.compare(n=1)
    gate.open.set()
    assert gate.view.turn(n=2) == said(gate.view) and set(gate.view._newest.kept) == {
        (0, 0),
        (0, 2),
    }


def test_a_bad_verdict_has_its_sign_and_colour_in_a_table():
    html = knob(overwritten_by, show="gradients", write=WRITES).compare(write=WRITES[2:]).html()
    assert '<td class="bad">✗ silently wrong gradient</td>' in html
    assert rows(html)[0][0] == "write", "one row has all its values"


@pytest.mark.parametrize(
    "values, words",
    [
        ({"m": 2}, "There is no control 'm' here, only n."),
        ({"n": [1, 2]}, "n cannot be 2; choose one of 1, 1,000."),
        ({"n": []}, "Lists to compare must be equally long"),
        ({"n": [1, 1000], "m": [1]}, "Lists to compare must be equally long"),
    ],
)
def test_what_cannot_be_compared(values, words):
    view = knob({"x": "x = torch.ones(n)"}, n=[1, 1000])
    with pytest.raises(ValueError) as caught:
        view.compare(**values)
    assert str(caught.value).startswith(words)


def test_picture_and_sentence_say_to_the_page_where_they_belong(gate):
    def at():
        return [
            re.findall('data-at="(.*?)"', one.value)
            for one in (gate.view.picture, gate.view.sentence)
        ]

    assert at() == [["0,0"], ["0,0"]]
    hand(gate.view, n=3)
    assert gate.begun.wait(PATIENCE) and at() == [["0,0"], ["0,0"]]
    gate.open.set()
    gate.view.say()
    assert at() == [["0,3"], ["0,3"]]
    hand(gate.view, n=13)
    gate.view.say()
    assert "cannot be shown" in said(gate.view) and at() == [["0,3"], ["0,3"]]
