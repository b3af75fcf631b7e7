"""The cell magics in a real IPython shell, and the lane they show."""

import xml.etree.ElementTree as ElementTree

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from overwritten import watch
from overwritten.pictures.diagnosis import MOST_WRITES, diagnosis_picture

SVG = "{http://www.w3.org/2000/svg}"
FAILS = "y = torch.ones(3, requires_grad=True).exp()\ny += 1\ny.sum().backward()"


@pytest.fixture()
def shell():
    shell = InteractiveShell.instance()
    shell.user_ns["torch"] = torch
    shell.run_line_magic("load_ext", "overwritten")
    yield shell
    InteractiveShell.clear_instance()


def test_watch_runs_the_cell_here_and_shows_the_diagnosis(shell):
    with capture_output() as told:
        shell.run_cell("%%watch\n" + FAILS)
    assert shell.user_ns["y"]._version == 1
    shown = [
        output.data
        for output in told.outputs
        if "overwritten by add_" in output.data.get("text/plain", "")
    ]
    assert len(shown) == 1 and "<svg" in shown[0]["text/html"] and "In[" in shown[0]["text/plain"]
    assert "modified by an inplace operation" in told.stdout + told.stderr


def test_watch_leaves_a_good_cell_alone(shell):
    with capture_output() as told:
        shell.run_cell("%%watch\nz = torch.ones(2) + 1\nprint('fine')")
    assert told.stdout == "fine\n" and not told.outputs and shell.user_ns["z"].tolist() == [2, 2]


def test_watch_strict_and_a_wrong_word(shell):
    with capture_output() as told:
        shell.run_cell("%%watch strict\n" + FAILS.replace("y += 1", "y.data += 1"))
        shell.run_cell("%%watch hard\n1")
    assert "a gradient may be wrong" in told.stderr
    assert "takes nothing, or the word strict; it got 'hard'" in told.stderr


def test_scrub_shows_a_film_and_keeps_the_names(shell):
    with capture_output() as told:
        shell.run_cell("%%scrub\na = torch.ones(4)\na += 1")
    assert "data-film" in told.outputs[0].data["text/html"]
    assert shell.user_ns["a"].tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize("writes", [1, 2, MOST_WRITES, 12])
def test_the_lane_shows_save_writes_and_check(writes):
    with pytest.raises(RuntimeError), watch() as recording:
        y = torch.ones(2, 3, requires_grad=True).exp()
        for _ in range(writes):
            y += 1
        y.sum().backward()
    root = ElementTree.fromstring(diagnosis_picture(recording.diagnosis).svg())
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert words.count("✗ writes") == min(writes, MOST_WRITES) and root.get("data-writes") == str(
        writes
    )
    assert {"exp", "backward", "expects v0", f"finds v{writes}"} <= set(words)
    assert root.get("role") == "img" and "overwritten by add_" in root.get("aria-label")


def test_the_lane_of_a_save_that_was_not_seen():
    y = torch.ones(3, requires_grad=True).exp()
    with pytest.raises(RuntimeError), watch() as recording:
        y += 1
        y.sum().backward()
    assert "saved before" in diagnosis_picture(recording.diagnosis).svg()
