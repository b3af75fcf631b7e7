"""How long a move takes from the hand to the painted picture: our live views beside `interact`.

The idea: one notebook, one page, one run. In every round each way takes its turn, in shuffled
order, so that a busy machine slows all of them alike. `interact` draws the very strokes of the
film's pictures with matplotlib. A move is timed in the page, from the key's own time stamp to
the first frame after the picture carries the new value; that value is read from the picture.
It judges nothing: no time here makes a test fail, and no number holds for another machine.
Needs requirements-dev.txt and Chromium.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median

import nbformat
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from conftest import ASK, BROWSERS, PATIENCE, QUIET, RUN_ALL, jupyterlab

WARM_UP, MOVES, CHANGES = 2, 20, 60
CELLS = {
    "start": """import time
import torch
from overwritten import film, knob, record
from overwritten.pictures.step import step_pictures
torch.set_num_threads(1)
steps = ["x = torch.arange(4.0)", "w = x.clone().requires_grad_()", "y = w * w"]
""",
    "film": 'run = record("\\n".join(steps + ["x[1:] += 1", "z = x.t()"] * 31))\nfilm(run)',
    "interact": """%matplotlib inline
%config InlineBackend.print_figure_kwargs = {"bbox_inches": None}
import re, xml.etree.ElementTree as tree
import matplotlib.pyplot as plt
from ipywidgets import interact
from matplotlib.patches import FancyBboxPatch, PathPatch, Rectangle
from matplotlib.path import Path

def strokes(svg):
    root = tree.fromstring(svg)
    moved = root.find("{*}g")  # the storages, beside the code
    x, y = map(float, re.findall(r"[-\\d.]+", moved.get("transform")))
    for inner in moved.iter():
        for name, by in (("x", x), ("y", y)):
            if inner.get(name): inner.set(name, str(float(inner.get(name)) + by))
    for e in root.iter():
        kind, get = e.tag.split("}")[1], lambda *names: [float(e.get(name)) for name in names]
        bad, soft = "bad" in e.get("class", ""), "soft" in e.get("class", "")
        colour = "#a52308" if bad else "#555555" if soft else "#1b1b1b"
        if kind == "text":
            yield "text", get("x", "y"), (e.text or "").replace("$", r"\\$"), colour
        elif kind == "rect":
            yield "rect", get("x", "y", "width", "height"), "fresh" in e.get("class", ""), colour
        elif kind == "path":
            yield "path", path(e.get("d")), None, colour

def path(d):
    x = y = 0
    points, codes = [], []
    for letter, words in re.findall("([a-zA-Z])([^a-zA-Z]*)", d):
        n = [float(w) for w in re.findall(r"-?[\\d.]+", words)]
        near = letter.islower()
        if letter in "hH": x = n[0] + x * near
        elif letter in "vV": y = n[0] + y * near
        elif n: x, y = n[-2] + x * near, n[-1] + y * near
        points.append((x, y))
        codes.append(Path.MOVETO if letter in "mM" else Path.LINETO)
    return Path(points, codes)

pictures = step_pictures(run)
frames = [list(strokes(one.whole().svg())) for one in pictures]
height = max(one.whole().height for one in pictures)

def draw(step):
    figure = plt.figure(figsize=(6.4, height / 100), dpi=100)
    axes = figure.add_axes([0, 0, 1, 1])
    axes.set(xlim=(0, 640), ylim=(height, 0))
    axes.axis("off")
    for kind, where, what, colour in frames[step]:
        if kind == "text":
            axes.text(*where, what, color=colour, fontsize=9, family="monospace")
        elif kind == "rect":
            look = dict(fill=what, facecolor="#d6e8f3", edgecolor=colour)
            axes.add_patch(Rectangle(where[:2], *where[2:], **look))
        else:
            axes.add_patch(PathPatch(where, fill=False, edgecolor=colour))
    # So that the page can read the step.
    axes.add_patch(Rectangle((0, 0), 12, 12, color=(step / 255, 0, 0)))
    plt.show()

interact(draw, step=(0, len(frames) - 1));""",
    "knob, recorded ahead": r"""
codes = {line: "x = torch.ones(n)\n" + line for line in ("x = x + 1", "x += 1")}
knob(codes, n=list(range(1, 33)))""",
    "knob, runs again": "knob(codes, first=[0], n=list(range(1, 1001)))",
    "film of 500 steps and 30 storages": r"""
births = [f"x{i} = torch.ones({i + 1}, requires_grad=True)" for i in range(30)]
film(record("\n".join([*births, *(f"x{i % 30}.data.mul_(2)" for i in range(470))])))""",
}
OWN = """import time, statistics
def once(n):
    begin = time.perf_counter()
    for code in codes.values(): exec(code, {"torch": torch, "n": n})
    return time.perf_counter() - begin
print(statistics.median(once(n) for n in range(1, 121)) * 1000)"""
PAGE = Path(__file__).with_suffix(".js").read_text("utf8")


def notebook(path):
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


class Way:
    """One live view on the page, and what its moves took, in ms."""

    def __init__(self, page, name):
        self.page, self.name = page, name
        cell = page.locator(".jp-CodeCell").nth(list(CELLS).index(name))
        self.output = cell.locator(".jp-OutputArea").first
        self.slider = self.output.locator(".noUi-handle, input[type=range]").last
        self.keys, self.shown, self.settled, self.wrong = [], [], [], 0
        self.fresh, self.at = name == "knob, runs again", 0

    def until(self, mark):
        self.page.wait_for_function("mark => B.at() === mark", arg=mark, timeout=30_000, polling=50)
        self.page.wait_for_timeout(60)

    def round(self):
        self.slider.scroll_into_view_if_needed()
        self.slider.focus()
        self.page.evaluate("root => B.watch(root)", self.output.element_handle())
        if not self.fresh:  # one that runs again is to meet new values only
            self.page.keyboard.press("Home")
            self.at = 0
        self.until(self.at)
        for move in range(-WARM_UP, MOVES):
            self.page.evaluate("B.clear()")
            self.page.keyboard.press("ArrowRight")
            self.at += 1
            self.until(self.at)
            begun, seen = self.page.evaluate("[B.inputs[0], B.seen.at(-1).t]")
            if move >= 0:
                self.keys.append(seen - begun)
        if not self.fresh:
            self.page.keyboard.press("Home")
            self.at = 0
            self.until(0)
        most = 31 if "ahead" in self.name else CHANGES
        self.page.evaluate("B.clear()")
        end = self.page.evaluate(
            "args => B.burst(...args)", [self.output.element_handle(), CHANGES, most]
        )
        self.at += most - (CHANGES - most)
        try:
            self.until(self.at)
        except Exception:
            self.wrong += 1
        self.page.wait_for_timeout(300)
        seen = self.page.evaluate("B.seen")
        if not seen:
            sys.exit(
                f"{self.name}: nothing moved in a burst; its slider is not driven as it should."
            )
        self.wrong += seen[-1]["mark"] != self.at
        self.shown.append(len(seen))
        self.settled.append(max(seen[-1]["t"] - end, 0))

    def row(self, slow):
        p95 = sorted(self.keys)[int(0.95 * len(self.keys))]
        times = f"{median(self.keys):.0f} | {p95:.0f} | {slow / median(self.keys):.1f}x"
        ends = "always right" if not self.wrong else f"{self.wrong} WRONG"
        settled = f"{median(self.settled):.0f} | {max(self.settled):.0f}"
        bursts = f"{median(self.shown):.0f} | {settled} | {ends}"
        return f"| {self.name} | {len(self.keys)} | {times} | {bursts} |"


def measure(page, rounds):
    """(ways, ms of the re-run code alone, ms to each first picture of the film, its length)."""
    page.evaluate(PAGE)
    ways = [Way(page, name) for name in list(CELLS)[1:]]
    dice = random.Random(0)
    for number in range(rounds):
        dice.shuffle(ways)
        for way in ways:
            way.round()
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    ways.sort(key=lambda way: list(CELLS).index(way.name))
    firsts = [
        page.evaluate("root => B.first(root)", ways[-1].output.element_handle()) for _ in range(5)
    ]
    return ways, float(page.evaluate(ASK, OWN)), [took for took, _ in firsts], firsts[0][1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--rounds", type=int, default=6, metavar="N", help=f"rounds of {MOVES} moves a way (6)"
    )
    rounds = parser.parse_args().rounds
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        sys.exit(
            "No browser: install Chromium (Debian: apt-get install chromium), then run this again."
        )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        served = Path(folder)
        notebook(served / "sliders.ipynb")
        flags = [f"--ServerApp.root_dir={served}", "--LabApp.expose_app_in_browser=True"]
        with jupyterlab(served, served / "lab.log", None, *flags) as address:
            browser = driver.chromium.launch(executable_path=path, args=QUIET)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{address}/lab?reset")
            page.wait_for_function("() => window.jupyterapp", timeout=60_000)
            page.evaluate(RUN_ALL, ["sliders.ipynb", PATIENCE])
            page.wait_for_timeout(3000)
            ways, own, firsts, characters = measure(page, rounds)
            browser.close()
    slow = median(next(way for way in ways if way.name == "interact").keys)
    print(
        "| way | moves | median, ms | p95, ms | against interact "
        "| pictures of 60 changes in 1 s | settled, ms | worst | ends |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---|")
    print(*(way.row(slow) for way in ways), sep="\n")
    again = next(way for way in ways if way.fresh)
    print(
        f"\nThe knob that runs again adds {median(again.keys) - own:.0f} ms (median) "
        f"to the {own:.2f} ms that its code takes alone.\n"
        f"500 steps and 30 storages: {characters / 1e6:.2f} MB, "
        f"first picture after {median(firsts):.0f} ms (worst of 5: {max(firsts):.0f})."
    )


if __name__ == "__main__":
    main()
