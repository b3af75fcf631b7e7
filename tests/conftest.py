"""What several test files share: the lessons, a JupyterLab on loopback, a headless browser."""

import contextlib
import ctypes
import gc
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LEARN = ROOT / "notebooks" / "learn"  # the same without outputs: what a learner opens
collect_ignore = ["colab_room"]  # its google.colab would make every lesson believe it is there
#: The start page sets no exercise; the clinic and the final set nothing else.
PAGES = "00_start_here", "10_clinic", "11_final"
LESSONS = [path for path in NOTEBOOKS if path.stem not in PAGES]
ARTEFACTS = ROOT / "artefacts"
#: Lessons that the gate opens in a browser: one has the table of operations, one the decoder.
#: `make test-all` opens them all.
IN_GATE = ("05",)
PATIENCE = 600  # seconds until what should take a few counts as stuck: a busy machine is only slow
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
os.environ["OVERWRITTEN_ANSWERS"] = "off"  # an answers file that lies about must change nothing
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


def pytest_sessionstart(session):
    """xdist's workers ignore an interrupt, and so would all that they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(hookwrapper=True)
def pytest_collection():
    """What is imported stays: to search it for garbage again and again takes each worker 2 s."""
    gc.disable()
    yield
    gc.enable()


def in_gate(values, *ids, id_of=str):
    """Parameters with their ids; those not among `ids` are slow."""
    slow = [pytest.mark.slow]
    return [pytest.param(v, id=id_of(v), marks=[] if id_of(v) in ids else slow) for v in values]


def number_of(path) -> str:
    return path.stem[:2]


#: The lessons by number: in the gate the one with all live views, or the shortest.
FEW_LESSONS = in_gate(NOTEBOOKS, *IN_GATE, id_of=number_of)
ONE_LESSON = in_gate(NOTEBOOKS, "01", id_of=number_of)


#: What takes longest comes first, so that no worker is left alone with it at the end.
LONGEST = (
    "browser notebooks/ command test_site test_film children colab test_notebooks test_lesson "
    "clinic checking heal chains readme test_ops claims doctor"
).split()


def group(nodeid) -> str:
    """What shares something dear runs in one worker: a server, a kernel, a module's fixtures."""
    file = nodeid.partition("::")[0]
    if re.search(r"test_site(_\w+)?\.py", file):
        return "site"
    return "browser" if re.search(r"test_(\w+_)?(axe|browser)\.py", file) else file


@pytest.hookimpl(trylast=True)  # after pytest has brought together what shares a lesson's page
def pytest_collection_modifyitems(items):
    def rank(item):
        name = group(item.nodeid)
        return next((at for at, word in enumerate(LONGEST) if word in name), len(LONGEST))

    items.sort(key=rank)
    for item in items:
        if hasattr(item, "output_timeout"):  # nbval's, for each message of a kernel
            item.output_timeout = PATIENCE


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group(nodeid)

    config.option.loadscopereorder = False  # the order is ours
    return ByGroup(config, log)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def browser_path() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        words = "No browser: install Chromium (Debian: apt-get install chromium) to run this test."
        pytest.fail(words) if os.environ.get("CI") else pytest.skip(words)
    return found


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """(folder with the learner's copies, environment) for a server with settings of its own."""
    home = tmp_path_factory.mktemp("home")
    shutil.copytree(LEARN, home / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name, text in {
        "notebook-extension/tracker": '{"windowingMode": "none"}',
        "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    }.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environment = dict(
        os.environ, JUPYTERLAB_SETTINGS_DIR=str(home / "settings"), IPYTHONDIR=str(home / "ipython")
    )
    for part in (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
    ):
        environment[part] = str(home / part.lower())
    return home / "notebooks", environment


@pytest.fixture(scope="session")
def lab(home):
    """The address of a server of the learner's copies, with JupyterLab and Notebook 7."""
    served, environment = home
    flags = [
        f"--ServerApp.root_dir={served}",
        "--LabApp.expose_app_in_browser=True",
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
    ]
    with jupyterlab(served, served.parent / "lab.log", environment, *flags) as address:
        yield address


def ends_with_us():
    """For a child, before it starts: SIGTERM reaches it when this process dies, even by SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


@contextlib.contextmanager
def jupyterlab(folder, log, environment, *flags, app="jupyterlab"):
    """The address of a JupyterLab (or `app`) on loopback, started in `folder`; stopped at the end."""
    port = free_port()
    command = [
        *(sys.executable, "-m", app, "--no-browser", "--allow-root", "--IdentityProvider.token="),
        *(
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            *flags,
        ),
    ]
    address = f"http://127.0.0.1:{port}"
    with log.open("w") as out:
        server = subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C would make it ask whether that was meant
            preexec_fn=ends_with_us,
        )
        try:
            _await(address + "/api/status", server, log)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()


def _await(address, server, log, seconds=PATIENCE):
    for _ in range(seconds * 4):
        try:
            urllib.request.urlopen(address, timeout=60)
            return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.25)
    raise RuntimeError(f"The server did not come up:\n{log.read_text()}")


def patient(make):
    """That function of a browser; what it makes waits longer than Playwright's 30 s."""

    def made(*args, **kwargs):
        one = make(*args, **kwargs)
        one.set_default_timeout(1000 * PATIENCE)
        return one

    return made


@pytest.fixture(scope="session")
def browser(browser_path):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser_path, args=QUIET)
        playwright.expect.set_options(timeout=1000 * PATIENCE)
        for way in ("new_page", "new_context"):
            setattr(chromium, way, patient(getattr(chromium, way)))
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the built pages; without the decoder where npm's registry is out of reach."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(ROOT / "tools" / "build_site.py"), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True)
    if "--no-decoder" in done.stderr:
        done = subprocess.run([*command, "--no-decoder"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / "html"


@pytest.fixture(scope="session")
def idle():
    """The pages of `blank` that no test uses, by their options: a new one costs a second of work."""
    return {}


@pytest.fixture()
def blank(browser, idle):
    """blank(width, height, …) → an empty page in a context with these options."""
    used = []

    def opened(width=1280, height=720, **options):
        free = idle.setdefault(json.dumps(options, sort_keys=True), [])
        page = free.pop() if free else browser.new_context(**options).new_page()
        used.append((free, page))
        page.set_viewport_size({"width": width, "height": height})
        return page

    yield opened
    for free, page in used:
        page.emulate_media(media="null", forced_colors="null")
        page.mouse.move(0, 0)
        page.goto("about:blank")
        free.append(page)


RUN_ALL = """async ([name, patience]) => {
  const app = window.jupyterapp;
  await app.restored;
  const here = app.shell.currentWidget;  // in Notebook 7 it is open already
  const panel = here?.sessionContext ? here : await app.commands.execute('docmanager:open', {path: name, factory: 'Notebook'});
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  app.shell.activateById(panel.id);
  if (app.commands.hasCommand('application:set-mode')) await app.commands.execute('application:set-mode', {mode: 'single-document'});
  const cells = panel.content.widgets.filter(c => c.model.type === 'code');
  const late = new Promise((_, fail) => setTimeout(() => {
    const stuck = cells.find(c => !c.model.executionCount);
    fail(new Error(`after ${patience} s this still runs: ${stuck?.model.sharedModel.source ?? 'nothing, it seems'}`));
  }, 1000 * patience));
  await Promise.race([app.commands.execute('notebook:run-all-cells'), late]);
  const outputs = cells.flatMap(c => c.model.outputs.toJSON()).map(o => Object.keys(o.data ?? {}).join() + (o.data?.['text/html'] ?? ''));
  return [cells.map(c => c.model.executionCount),
          outputs.filter(o => o.includes('class="ow" data-still="')).length, outputs.filter(o => o.includes('data-film="')).length];
}"""
DRAWN = """([knobs, films]) => {
  const all = (inside, picture) => [...document.querySelectorAll(inside)].filter(e => e.querySelector(picture)).length;
  return all('.widget-vbox', 'svg, textarea') >= knobs && all('.ow[data-film]', '.picture svg') >= films;
}"""
ASK = """async code => {
  const future = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code, store_history: false});
  let said = '';
  future.onIOPub = message => { said += message.content.text ?? message.content.traceback?.join('\\n') ?? ''; };
  if ((await future.done).content.status !== 'ok') throw new Error(said);
  return said;
}"""
CELL_OF = """element => window.jupyterapp.shell.currentWidget.content.widgets.find(c => c.node.contains(element)).model.executionCount"""


class Look:
    """A lesson on screen, every cell run, all live views drawn: its page, and what its kernel says."""

    def __init__(self, page, lesson):
        self.page, self.lesson, self.dark = page, lesson, False

    def theme(self, dark):
        """Light as on a screen of 1280 by 800 px, dark as on the same at 125 % zoom."""
        self.dark = dark
        change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
        self.page.evaluate(change, f"JupyterLab {'Dark' if dark else 'Light'}")
        self.page.wait_for_selector(
            f"body[data-jp-theme-light='{str(not dark).lower()}']", state="attached"
        )
        self.page.set_viewport_size(
            {"width": 1024, "height": 640} if dark else {"width": 1280, "height": 800}
        )

    @contextlib.contextmanager
    def narrow(self, width, height):
        """At another size, the side bar shut."""
        usual = self.page.viewport_size
        self.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        self.page.set_viewport_size({"width": width, "height": height})
        try:
            yield
        finally:
            self.page.set_viewport_size(usual)
            self.page.evaluate("() => window.jupyterapp.shell.expandLeft()")

    def ask(self, code):
        """What `code`, run in this page's kernel, prints as JSON."""
        return json.loads(self.page.evaluate(ASK, f"exec({code!r}, {{**globals()}})"))

    def out(self, element) -> str:
        """What the kernel calls the result of the cell in which the element stands."""
        return f"Out[{element.evaluate(CELL_OF)}]"

    def shot(self, element, name):
        ARTEFACTS.mkdir(exist_ok=True)
        element.evaluate("e => e.scrollIntoView({block: 'start'})")
        self.page.screenshot(
            path=ARTEFACTS / f"{self.lesson[:2]}_{name}_{'dark' if self.dark else 'light'}.png"
        )


@contextlib.contextmanager
def looking(browser, address, served, lesson, path="/lab?reset"):
    """The Look at a copy of that lesson."""
    own = f"{uuid.uuid4().hex[:8]}_{lesson}"  # a file of its own: a kernel of its own
    shutil.copy(served / lesson, served / own)
    page = browser.new_page(viewport={"width": 1280, "height": 800}, device_scale_factor=1.25)
    page.goto(address + path.format(own))
    page.wait_for_function("() => window.jupyterapp")
    counts, *views = page.evaluate(RUN_ALL, [own, PATIENCE])
    assert counts == list(range(1, len(counts) + 1)), f"not every cell ran: {counts}"
    page.wait_for_function(DRAWN, arg=views)
    yield Look(page, lesson)
    page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
    page.close()


@pytest.fixture(scope="session", params=FEW_LESSONS)
def lesson(request, browser, lab, home):
    """Each lesson in JupyterLab; all tests of one lesson share its page."""
    with looking(browser, lab, home[0], request.param.name) as shown:
        yield shown


def the_lesson(number):
    """A mark: the lesson of that number and no other."""
    paths = [path for path in NOTEBOOKS if path.stem[:2] == number]
    return pytest.mark.parametrize("lesson", paths, indirect=True, ids=[number])


@pytest.fixture(scope="module", params=[False, True], ids=["light", "dark"])
def look(request, lesson):
    """Each lesson in both themes."""
    lesson.theme(request.param)
    return lesson
