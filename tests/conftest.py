"""What several test files share: the lessons, a JupyterLab on loopback, a headless browser."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
ARTEFACTS = ROOT / "artefacts"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


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
def lab(tmp_path_factory, browser_path):
    """(address, folder) of a JupyterLab that serves copies of the notebooks, with a home of its own."""
    home = tmp_path_factory.mktemp("lab")
    served = home / "notebooks"
    shutil.copytree(ROOT / "notebooks", served, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for name, text in {
        "notebook-extension/tracker": '{"windowingMode": "none"}',
        "apputils-extension/notification": '{"fetchNews": "false", "checkForUpdates": false}',
    }.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    environment = dict(os.environ, JUPYTERLAB_SETTINGS_DIR=str(home / "settings"), IPYTHONDIR=str(home / "ipython"))
    for part in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_WORKSPACES_DIR"):
        environment[part] = str(home / part.lower())
    flags = [f"--ServerApp.root_dir={served}", "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly"]
    with jupyterlab(served, home / "lab.log", environment, *flags) as address:
        yield address, served


@contextlib.contextmanager
def jupyterlab(folder, log, environment, *flags):
    """The address of a JupyterLab on loopback, started in `folder`; stopped at the end."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--IdentityProvider.token="),
        *("--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0", *flags),
    ]
    address = f"http://127.0.0.1:{port}"
    with log.open("w") as out:
        server = subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        try:
            _await(address + "/api/status", server, log)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()


def _await(address, server, log, seconds=90):
    for _ in range(seconds * 4):
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.25)
    raise RuntimeError(f"JupyterLab did not come up:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser(browser_path):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser_path, args=QUIET)
        yield chromium
        chromium.close()


RUN_ALL = """async name => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = await app.commands.execute('docmanager:open', {path: name, factory: 'Notebook'});
  await panel.context.ready;
  await panel.sessionContext.ready;
  await panel.sessionContext.session.kernel.info;
  app.shell.activateById(panel.id);
  await app.commands.execute('application:set-mode', {mode: 'single-document'});
  await app.commands.execute('notebook:run-all-cells');
  return panel.content.widgets.filter(c => c.model.type === 'code').map(c => c.model.executionCount);
}"""


@pytest.fixture()
def run_lesson(lab, browser):
    """run_lesson(name, theme, zoom) → a page on which every cell of that lesson has run."""
    (address, served), pages = lab, []

    def run(name, dark=False, zoom=1.0):
        own = f"{uuid.uuid4().hex[:8]}_{name}"  # a file of its own: a kernel of its own
        shutil.copy(served / name, served / own)
        width, height = int(1280 / zoom), int(800 / zoom)
        page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=zoom)
        pages.append(page)
        page.goto(f"{address}/lab?reset")
        page.wait_for_function("() => window.jupyterapp", timeout=60_000)
        if dark:
            theme = "() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'})"
            page.evaluate(f"async () => {{ await window.jupyterapp.restored; await ({theme})(); }}")
            page.wait_for_selector("body[data-jp-theme-light='false']", state="attached")
        counts = page.evaluate(RUN_ALL, own)
        assert counts == list(range(1, len(counts) + 1)), f"not every cell ran: {counts}"
        return page

    yield run
    for page in pages:
        page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
        page.close()
