"""The film as stored output, the knob through its widgets, both without a browser."""

import json
import re
import threading

import ipywidgets
import pytest
import torch

from overwritten import film, knob, record

CODES = {"x = x + 1": "x = torch.ones(n, dtype=dtype)\nx = x + 1", "x += 1": "x = torch.ones(n, dtype=dtype)\nx += 1"}


def data_of(html):
    return json.loads(re.search(r"const film = (\{.*?\});\n", html, re.S)[1])


def test_the_film_holds_every_step():
    view = film("x = torch.ones(4)\nx = x + 1\nx += 1")
    data = data_of(view.html())
    assert len(data["pictures"]) == len(data["sentences"]) == 4 and data["start"] == 3
    assert data["pictures"] == view.pictures
    assert view._repr_mimebundle_()["text/plain"] == data["sentences"][-1]


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
    assert "<td>10</td><td>40 B</td>" in view.html() and "<img" in view.html()
    assert isinstance(view.box, ipywidgets.VBox)
