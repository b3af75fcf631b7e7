"""The front page's decoder: its files laid beside what Sphinx reads, its cards and list as HTML.

In the page runs the package's own Python: Pyodide, from the npm registry, started from a memory
in which `site/decoder/answer.py` and the modules below are read already. A card is the field
guide's, with a film in place of its picture; to measure both, the patterns' programs run.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
import warnings
from html import escape
from pathlib import Path
from string import Template

from overwritten.cases.patterns import EVERY, Pattern
from overwritten.lesson.shows.cards import CARDS, card
from overwritten.lesson.shows.guide import SECTIONS, in_short, section, tried
from overwritten.live.film import film
from overwritten.live.output import CONTROLS
from overwritten.pictures.draw import STYLE
from site_page import key

ROOT = Path(__file__).resolve().parents[1]
VERSION = "0.29.5"
SHA512 = "TkYrUv9m8QmfImADKRmpwZulL48E0uUaBSO+dvRQKyAJc0qh9gu7jn8btyHPh3NZm1r2IH2YrJhIr7Q2B9urAw=="
#: Where the registry's package is kept; git ignores it.
CACHE = ROOT / "site" / "_build" / f"pyodide-{VERSION}"
#: What the page loads of it. Started from a memory it reads no library, so that one is empty.
PARTS = ("pyodide.mjs", "pyodide.asm.js", "pyodide.asm.wasm")
EMPTY_ZIP = b"PK\5\6" + bytes(18)
#: What the page's Python has of the package: what `answer.py` imports, without the package's face.
MODULES = """
messages.py doctor/reading.py doctor/named.py doctor/suspects.py doctor/foreign.py
atlas/rows.py atlas/nodes.csv pictures/draw.py pictures/pictures.css lesson/shows/likest.py
""".split()
#: The report that this course began with; the page's example.
EXAMPLE = (
    "RuntimeError: one of the variables needed for gradient computation has been modified by an "
    "inplace operation: [torch.cuda.FloatTensor [2, 2048, 25, 25]], which is output 0 of "
    "ReluBackward1, is at version 2; expected version 1 instead. Hint: enable anomaly detection to "
    "find the operation that failed to compute its gradient, with "
    "torch.autograd.set_detect_anomaly(True)."
)


#: What the groups of `SECTIONS` have in common, for somebody with a message at hand.
SIGHTS = {
    2: "The message names the operation that saved",
    3: "It names one that wrote, or that made the tensor",
    4: "It names none: data, labels, buffers",
    5: "A weight was written",
    6: "Another error: the write itself is refused",
    7: "No error, and a wrong gradient",
}


class NoRegistry(SystemExit):
    """Pyodide is neither kept here nor to be had: the words with which a build ends."""


def pyodide() -> Path:
    """The folder of the npm package, fetched once. Raises NoRegistry with what to do."""
    if CACHE.exists():
        return CACHE
    CACHE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
        name = f"pyodide@{VERSION}"
        command = ["npm", "pack", name, "--silent", "--fetch-retries=0", "--fetch-timeout=60000"]
        try:
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
        except (OSError, subprocess.SubprocessError) as error:
            raise NoRegistry(
                f"The decoder needs {name} from the npm registry, and `npm pack` did not get it "
                f"({type(error).__name__}): install Node.js with npm, look at the network, or "
                "build the site with --no-decoder."
            ) from None
        (packed,) = Path(folder).glob("*.tgz")
        found = base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
        if found != SHA512:
            raise NoRegistry(f"{name} is not the file that this course was built with: {found}.")
        with tarfile.open(packed) as archive:
            archive.extractall(folder, filter="data")
        (Path(folder) / "package").rename(CACHE)
    return CACHE


def lay(source: Path, decoder: bool = True):
    """Into Sphinx's folder: the page's part as decoder.html, and all that it loads.

    decoder: whether the page can read a message; else it has the list of patterns alone.
    """
    files, size = "", 0
    if decoder:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            _fill(folder, pyodide())
            digest = hashlib.sha256()
            for path in sorted(folder.rglob("*")):
                digest.update(path.read_bytes() if path.is_file() else b"")
            loaded = [folder / name for name in (*PARTS, "snapshot.bin")]
            size = sum(path.stat().st_size for path in loaded)
            files = f"_static/decoder-{digest.hexdigest()[:10]}/"
            shutil.copytree(folder, source / files)
        shutil.copy(ROOT / "site" / "sw.js", source / "extra")
    (source / "decoder.html").write_text(page(files, size), "utf8")


def _fill(folder, runtime):
    """Python, its memory, the worker, and each pattern's card, listed in files.json."""
    for name in PARTS:
        shutil.copy(runtime / name, folder)
    lock = json.loads((runtime / "pyodide-lock.json").read_text("utf8"))
    (folder / "pyodide-lock.json").write_text(json.dumps(lock | {"packages": {}}), "utf8")
    (folder / "python_stdlib.zip").write_bytes(EMPTY_ZIP)
    shutil.copy(ROOT / "site" / "decoder" / "worker.js", folder)
    remember(runtime, folder / "snapshot.bin")
    (folder / "cards").mkdir()
    for one in EVERY:
        text = json.dumps(shown(one), ensure_ascii=False)
        (folder / "cards" / f"{key(one.name)}.json").write_text(text, "utf8")
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    (folder / "files.json").write_text(json.dumps(sorted(names)), "utf8")


def remember(runtime: Path, out: Path):
    """Write the memory that the page's Python starts from."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for name in MODULES:
            (folder / "overwritten" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / "overwritten" / name, folder / "overwritten" / name)
        shutil.copy(ROOT / "site" / "decoder" / "answer.py", folder)
        (folder / "patterns.json").write_text(json.dumps([*map(told, EVERY)]), "utf8")
        script = ROOT / "site" / "decoder" / "snapshot.mjs"
        subprocess.run(["node", script, runtime, folder, out], check=True, timeout=300)


def told(one: Pattern) -> dict[str, str]:
    """What the page's Python knows of a pattern."""
    error = tried(one)[0].run.error or ""
    return {
        "name": one.name,
        "key": key(one.name),
        "group": one.group,
        "says": one.says,
        "cure": one.cure,
        "does": one.does,
        "text": error,
    }


def shown(one: Pattern) -> str:
    """A pattern's card as the page shows it: a film in place of the picture, a link to its page."""
    run = tried(one)[0].run
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        moving = film(run, view="lanes", title=f"{one.name}, step by step").html()
    link = f'<a href="patterns/{key(one.name)}.html">{escape(one.name)}</a>'
    whole = card(one, place=f"<p>All of it on one page: {link}.</p>")
    picture = re.search(r'<div class="view".*?</svg></div>', whole, re.S)
    assert picture, f"the card of {one.name!r} has no picture"
    return whole.replace(picture[0], moving)


def page(files: str, size: int) -> str:
    """The HTML of the front page's first screen; files: where the decoder's lie, '' for none; size:
    the bytes of what starts it.
    """
    template = Template((ROOT / "site" / "decoder" / "page.html").read_text("utf8"))
    return template.substitute(
        style=STYLE + CONTROLS + CARDS,
        files=files,
        megabytes=str(-(-size // 10**6)),
        example=escape(EXAMPLE),
        groups="".join(map(_group, SECTIONS)),
        count=str(len(EVERY)),
    )


def _group(number):
    rows = "".join(_row(one) for one in EVERY if section(one) == number)
    return f"<section><h3>{SIGHTS[number]}</h3><ul>{rows}</ul></section>"


def _row(one):
    link = f'<a href="patterns/{key(one.name)}.html">{escape(one.name)}</a>'
    message = tried(one)[0].run.message
    name = message and message.op and message.overwritten and in_short(message).partition(",")[0]
    return f"<li>{link} <code>{escape(name)}</code></li>" if name else f"<li>{link}</li>"
