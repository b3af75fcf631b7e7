"""How long the site's front page takes from its opening to an answer, and what it loads.

    make site && python benchmarks/front_page.py [--site FOLDER] [--times 5]

A headless Chromium, the site on loopback. First: a browser that was never here. Second: the same
browser, the page opened anew. Offline: the same, and the server gives nothing. Medians of so
many browsers.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import http.server
import shutil
import statistics
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MESSAGE = (
    "[torch.cuda.FloatTensor [2, 2048, 25, 25]], which is output 0 of ReluBackward1, is at "
    "version 2; expected version 1 instead."
)


class Files(http.server.SimpleHTTPRequestHandler):
    """The built pages, or, where `gone`, a server that gives nothing."""

    gone = False

    def log_message(self, *words):
        pass

    def end_headers(self):
        self.send_header("Cache-Control", "no-cache")  # the browser asks again for all it has
        super().end_headers()

    def do_GET(self):
        if not self.gone:
            super().do_GET()
        self.close_connection = True


def seconds(context, address: str) -> float:
    """From the opening of the page until the first card stands there, pasted as early as can be."""
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator("#message").fill(MESSAGE)
    page.wait_for_selector("#decoder .cards details[open]")
    took = time.perf_counter() - begun
    page.wait_for_selector("#decoder[data-kept]", state="attached")
    page.close()
    return took


def visits(browser, address: str) -> dict[str, float]:
    context = browser.new_context()
    took = {"first visit": seconds(context, address), "second visit": seconds(context, address)}
    Files.gone = True
    took["offline"] = seconds(context, address)
    Files.gone = False
    context.close()
    return took


def sizes(site: Path) -> str:
    """What a first answer needs of the decoder's files, without the cards that are not shown."""
    (folder,) = site.glob("_static/decoder-*")
    files = [path.read_bytes() for path in folder.iterdir() if path.is_file()]
    packed = sum(len(gzip.compress(data, 9)) for data in files)
    return f"{sum(map(len, files)) / 1e6:.1f} MB, {packed / 1e6:.1f} MB as gzip"


def main(arguments=None) -> int:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--site", type=Path, default=ROOT / "site" / "_build" / "html")
    parser.add_argument("--times", type=int, default=5)
    options = parser.parse_args(arguments)
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    handler = functools.partial(Files, directory=options.site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/index.html"
        with sync_playwright() as driver:
            flags = ["--no-sandbox", "--disable-gpu"]
            browser = driver.chromium.launch(executable_path=path, args=flags)
            took = [visits(browser, address) for _ in range(options.times)]
            browser.close()
        server.shutdown()
    for which in took[0]:
        some = sorted(one[which] for one in took)
        print(
            f"{which:13} {statistics.median(some):5.2f} s  (from {some[0]:.2f} to {some[-1]:.2f})"
        )
    print(f"loaded        {sizes(options.site)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
