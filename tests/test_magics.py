"""The magics in one real kernel, and the lane that a diagnosis shows."""

import os
import re
import signal
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

import pytest
import torch
from jupyter_client.manager import KernelManager

from conftest import PATIENCE, ROOT
from overwritten import watch
from overwritten.pictures.diagnosis import MOST_WRITES, diagnosis_picture

SVG = "{http://www.w3.org/2000/svg}"
FAILS = "y = torch.ones(3, requires_grad=True).exp()\ny += 1\ny.sum().backward()"
#: How many function modes are on, as a cell finds it.
MODES = "torch._C._len_torch_function_stack()"


@dataclass
class Told:
    """What a cell has put out. shown: the bundles displayed. number: its In[…]."""

    number: int = 0
    stdout: str = ""
    stderr: str = ""
    result: str = ""
    traceback: str = ""
    shown: list = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """Of each diagnosis shown, as 'exp In[1]:2, add_ In[1]:3'."""
        found = []
        for bundle in self.shown:
            places = re.findall(r"(\w+) at (\S+:\d+)", bundle["text/plain"])
            found.append(", ".join(map(" ".join, places)))
        return found


class Kernel:
    def __init__(self, folder):
        self.manager = KernelManager()
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self.manager.start_kernel(cwd=str(folder), env=dict(os.environ, PYTHONPATH=path))
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def run(self, code, begun=None) -> Told:
        """begun: a function to call when the cell has printed something."""
        told = Told()

        def heard(message):
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                name = content["name"]
                setattr(told, name, getattr(told, name) + content["text"])
                if begun is not None:
                    begun()
            elif kind == "display_data":
                told.shown.append(content["data"])
            elif kind == "execute_result":
                told.result = content["data"]["text/plain"]
            elif kind == "error":
                told.traceback = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(content["traceback"]))

        reply = self.client.execute_interactive(code, output_hook=heard, timeout=PATIENCE)
        told.number = reply["content"].get("execution_count", 0)
        return told

    def interrupt(self):
        os.kill(self.manager.provisioner.pid, signal.SIGINT)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    kernel = Kernel(tmp_path_factory.mktemp("kernel"))
    try:
        kernel.run("import asyncio, time, torch\n%load_ext overwritten")
        yield kernel
    finally:
        kernel.client.stop_channels()
        kernel.manager.shutdown_kernel(now=True)


def test_a_watched_cell_fails_as_without_us_and_shows_both_lines_once(kernel):
    plain, told = kernel.run("# watched\n" + FAILS), kernel.run("%%watch\n" + FAILS)
    assert told.lines == [f"exp In[{told.number}]:2, add_ In[{told.number}]:3"]
    assert "<svg" in told.shown[0]["text/html"] and not plain.shown
    assert (told.stdout, told.stderr) == (plain.stdout, plain.stderr) == ("", "")
    first = re.compile(r"# watched|get_ipython\(\)\.run_line_magic\('watch', ''\)")
    place = re.compile(r"In\s?\[\d+\]|/ipykernel_\d+/\d+\.py|<ipython-input-\d+-\w+>")
    texts = [place.sub("", first.sub("", one.traceback)) for one in (plain, told)]
    assert texts[0] == texts[1] and "modified by an inplace operation" in texts[0]
    again = kernel.run("%%watch\n" + FAILS)
    assert again.number == told.number + 1 and again.lines == [
        f"exp In[{again.number}]:2, add_ In[{again.number}]:3"
    ]


def test_a_write_that_is_refused_is_told_below_its_cell(kernel):
    told = kernel.run("%%watch\nw = torch.ones(3, requires_grad=True)\nw += 1")
    assert f"refused        add_ at In[{told.number}]:3" in told.stderr and not told.shown
    assert "a leaf Variable" in told.traceback


def test_await_other_magics_and_run_inside(kernel):
    waits = FAILS.replace("\n", "\nawait asyncio.sleep(0)\n", 1)
    told = kernel.run("%%watch\n" + waits)
    assert told.lines == [f"exp In[{told.number}]:2, add_ In[{told.number}]:4"]
    assert "await" in told.traceback or "inplace" in told.traceback

    assert kernel.run("%%watch\n%%time\nz = torch.ones(2)\nprint('fine')").stdout[:5] == "fine\n"

    kernel.run("open('script.py', 'w').write('import torch\\n' + " + repr(FAILS) + ")")
    assert kernel.run("%%watch\n%run script.py").lines == ["exp script.py:2, add_ script.py:3"]
    caught = (
        "try:\n    " + FAILS.replace("\n", "\n    ") + "\nexcept RuntimeError:\n    print('on')"
    )
    told = kernel.run("%%watch\n" + caught)
    assert told.stdout == "on\n" and len(told.lines) == 1 and not told.traceback
    assert not kernel.run("%%watch\n%%capture out\n" + caught).shown
    assert "overwritten by add_" in kernel.run("print([o.data for o in out.outputs])").stdout


def test_nothing_stays_on_after_a_cell_however_it_ends(kernel):
    good = kernel.run(f"%%watch\nz = torch.ones(2) + 1\n{MODES}")
    assert good.result == "1" and not good.shown and not good.stdout + good.stderr
    assert "SyntaxError" in kernel.run("%%watch\nz = = 1").traceback
    cell = "%%watch\nprint('begun', flush=True)\ntime.sleep(600)"
    awaits = "%%watch\nawait asyncio.sleep(0)\nraise KeyboardInterrupt"
    for told in (kernel.run(cell, begun=kernel.interrupt), kernel.run(awaits)):
        assert "KeyboardInterrupt" in told.traceback
        assert not told.shown and kernel.run(MODES).result == "0"


def test_strict_and_a_wrong_word(kernel):
    told = kernel.run("%%watch strict\n" + FAILS.replace("y += 1", "y.data += 1"))
    assert "a gradient is wrong" in told.stderr and f"In[{told.number}]:3" in told.stderr
    told = kernel.run("%%watch hard\n1")
    assert "takes nothing, or the word strict; it got 'hard'" in told.stderr
    told = kernel.run("%overwritten maybe")
    assert "takes on, on strict, off or nothing; it got 'maybe'" in told.stderr


def test_on_watches_every_later_cell_as_one_program(kernel):
    save, write, backward = FAILS.split("\n")
    assert kernel.run("%overwritten").stdout == "Cells are not watched.\n"
    assert kernel.run("%overwritten on").stdout == "Every cell is watched.\n"
    first = kernel.run(f"a = 1\n{save}").number
    second = kernel.run(write).number
    told = kernel.run(f"a = 2\n{backward}")
    assert told.lines == [f"exp In[{first}]:2, add_ In[{second}]:1"]
    assert "inplace" in told.traceback
    assert not kernel.run("%%watch\nb = 1").shown  # each diagnosis once
    assert kernel.run(MODES).result == "1"
    assert kernel.run("%overwritten on strict").stdout == "Every cell is watched, strictly.\n"
    kernel.run(save)
    assert not kernel.run("y.data += 1").stderr
    assert "a gradient is wrong" in kernel.run(backward).stderr
    assert kernel.run("%overwritten off").stdout == "Cells are not watched.\n"
    assert kernel.run(MODES).result == "0" and not kernel.run(FAILS).shown


def test_scrub_shows_a_film_and_keeps_the_names(kernel):
    told = kernel.run("%%scrub\na = torch.ones(4)\na += 1")
    assert "data-film" in told.shown[0]["text/html"]
    assert kernel.run("a.tolist()").result == "[2.0, 2.0, 2.0, 2.0]"


def test_unload_undoes_it(kernel):
    kernel.run("%overwritten on\n%unload_ext overwritten")
    assert kernel.run(MODES).result == "0"
    assert "`%%watch` not found" in kernel.run("%%watch\n1").stderr
    kernel.run("%load_ext overwritten")
    assert len(kernel.run("%%watch\n" + FAILS).shown) == 1


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
