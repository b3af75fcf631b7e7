"""What the course says about PyTorch, sentence by sentence, and what proves each: claims/truth/.

The idea: a file for each lesson, and one for the pattern cards, holds every sentence with its
proof as `"sentence" = "kind what"`. Kinds: `cell` (a lesson's code cell, with a hash of its
source), `claim` (claims.toml), `test`, `cited` (a URL) and `not` (why it says nothing of PyTorch).
A `?` after the kind is a proposal, which proves nothing until a person takes it away.

Without an option it lists the sentences that lack a proof. It judges no proof: a reader does.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from difflib import SequenceMatcher
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from textwrap import indent

import nbformat
from markdown_it import MarkdownIt

from build_notebooks import notebook_from
from claims import read, tomllib

ROOT = Path(__file__).resolve().parents[1]
TRUTH = ROOT / "claims" / "truth"
LESSONS = sorted(path.stem for path in (ROOT / "lessons_src").glob("*.py"))
CARDS = "patterns"
KINDS = "cell", "claim", "test", "cited", "not"

#: What tells the reader what to do here. With a colon or a semicolon the rest may be a claim.
ORDERS = re.compile(
    r"(?:Then |Now |First |And )?(?:Add|Answer|Ask|Bring|Change|Choose|Click|Compute|Do|Drag|Fill|"
    r"Find|Go|Guess|Let us|Look|Make|Mend|Move|Open|Paste|Predict|Press|Read|Run|Save|Scroll|Take|"
    r"Train|Try|Turn|Watch|Write)\b[^:;]*",
    re.I,
)
#: Where a page speaks of the course: before the first section, and where it asks earlier questions.
NO_LESSON = "", "Again"
#: A question; a run-in heading; a link and no more.
LABELS = re.compile(r".*\?[\"”*)]*|\*\*[^*]{1,40}\*\*|\[[^]]*\]\([^)]*\)[^.:]*", re.S)


def split(words: str) -> list[str]:
    """The sentences of a paragraph. What stands in code or in a link ends none."""
    flat = " ".join(words.split())
    hidden = re.sub(r"`[^`]*`|\]\([^)]*\)", lambda one: re.sub(r"[.!?\s]", "_", one[0]), flat)
    ends = [m.end() for m in re.finditer(r"[.!?][\"”*_)]*\s+(?=[^\sa-z])", hidden)]
    return [flat[a:b].strip() for a, b in zip([0, *ends], [*ends, None])]


def spoken(words: str) -> list[str]:
    """Those that speak about PyTorch, as far as a rule can tell; in doubt they do."""
    return [one for one in split(words) if not LABELS.fullmatch(one) and not ORDERS.fullmatch(one)]


def paragraphs(markdown: str):
    """(kind, words) of headings, paragraphs, list items and rows of tables; no code, no stamps."""
    own = re.sub(r"<!-- (\w+) -->.*?<!-- /\1 -->", "", markdown, flags=re.S)
    words = []
    for token in MarkdownIt().enable("table").parse(own):
        if token.type == "inline":
            words.append(token.content)
        elif token.type in ("heading_close", "paragraph_close", "tr_close"):
            yield token.type.removesuffix("_close"), " | ".join(words)
            words = []


@cache
def notebook(lesson: str):
    return notebook_from(ROOT / "lessons_src" / f"{lesson}.py")


def _hash(cell):
    return sha256(cell.source.encode()).hexdigest()[:6]


@cache
def cells() -> dict[str, str]:
    """hash → name, of each code cell that can prove: in the built notebook it has an output, or it
    asserts; it is neither a question nor an exercise, which the learner fills in."""
    found = {}
    for lesson in LESSONS:
        built = nbformat.read(ROOT / "notebooks" / f"{lesson}.ipynb", as_version=4)
        shows = {c.source for c in built.cells if c.cell_type == "code" and c.outputs}
        for cell in notebook(lesson).cells:
            asks = "predict" in cell.metadata.get("tags", []) or ".check(" in cell.source
            proves = cell.source in shows or re.search(r"^ *assert ", cell.source, re.M)
            if cell.cell_type == "code" and proves and not asks:
                found[_hash(cell)] = f"{lesson[:2]}/{cell.id} #{_hash(cell)}"
    return found


def said(name: str) -> dict[str, dict[str, str]]:
    """where → sentence → a proposal, '' for none, of a lesson or of the pattern cards."""
    return _of_cards() if name == CARDS else _of_lesson(name)


def _of_lesson(lesson):
    pages, found, where = notebook(lesson).cells, {}, ""
    for at, cell in enumerate(pages):
        after = _near(pages[at + 1 :])
        if cell.cell_type == "markdown":
            before = "" if cell.source.startswith("## ") else _near(pages[:at][::-1])
            for kind, words in paragraphs(cell.source):
                if kind == "heading":
                    where = words.partition(" (")[0] if at else ""
                elif where not in NO_LESSON:
                    for one in spoken(words):
                        link = re.search(r"\]\((http[^)]*)\)", one)
                        near = after if one.endswith(":") else before or after
                        _add(found, where, one, f"cited? {link[1]}" if link else near)
        elif asked := re.match(r"predict\(questions\.(\w+)\)", cell.source):
            question, place = (
                getattr(_module("questions", lesson), asked[1]),
                f"question {asked[1]}",
            )
            for one in spoken(question.words):
                _add(found, place, one, "not? the question's premise")
            _add(found, place, f"Right: {question.answer}", after)
            for choice, feedback in question.choices.items():
                for one in spoken(feedback):
                    _add(found, f"{place}: {choice}", one, after)
    for name, exercise in getattr(_module("exercises", lesson), "EXERCISES", {}).items():
        for one in (one for hint in exercise._hints for one in spoken(hint)):
            _add(found, f"exercise {name}", one, "")
    return found


def _near(rest):
    """The first cell of `rest` that can prove something, in this section, as a proposal."""
    for cell in rest:
        if cell.cell_type == "code" and _hash(cell) in cells():
            return f"cell? {cells()[_hash(cell)]}"
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            break
    return ""


def _add(found, where, sentence, proposal):
    found.setdefault(where, {}).setdefault(sentence, proposal)


def _module(kind, lesson):
    path = ROOT / "overwritten" / "lesson" / kind / f"{lesson[3:]}.py"
    return import_module(f"overwritten.lesson.{kind}.{lesson[3:]}") if path.exists() else None


def _of_cards():
    from overwritten.cases.patterns import EVERY

    cure = "test? tests/test_patterns.py::test_the_cure_computes_what_the_trigger_would"
    folk = "test? tests/test_patterns.py::test_the_folk_cure_ends_as_stated"
    found = {}
    for one in EVERY:
        for words, proposal in ((one.does, cure), (one.because, folk)):
            for sentence in split(words):
                _add(found, one.name, sentence, proposal)
    return found


def written(name: str) -> dict[str, dict[str, str | list[str]]]:
    """where → sentence → its proof, or a list of proofs, as the committed file has it."""
    path = TRUTH / f"{name}.toml"
    return tomllib.loads(path.read_text("utf8")) if path.exists() else {}


def proofs(entry: str | list[str]) -> list[str]:
    return [entry] if isinstance(entry, str) else entry


def _open(proof):
    """Is it a proposal?"""
    return proof.partition(" ")[0].endswith("?")


def fault(name: str, proof: str) -> str:
    """Why this is no proof, '' if it is one as far as a rule can tell."""
    kind, _, what = proof.partition(" ")
    if _open(proof):
        return "a proposal: read sentence and proof, then take the `?` away or write another"
    if kind not in KINDS or not what.strip():
        return f"it begins with none of {', '.join(KINDS)} and says what"
    if kind == "cell" and what not in cells().values():
        return "no cell with that id, source and output: if it has changed, look, then --stamp"
    if kind == "claim" and what not in _claims():
        return "no such claim in claims.toml"
    if kind == "test":
        file, _, test = what.partition("::")
        path = ROOT / file
        if not path.is_file() or f"def {test.partition('[')[0]}(" not in path.read_text("utf8"):
            return "no such test"
    if kind == "cited" and what not in _links(name):
        return "no URL that this lesson, its card or claims.toml links"
    return ""


@cache
def _claims():
    return {one["id"]: one for one in read()["claim"]}


@cache
def _links(name):
    source = "" if name == CARDS else (ROOT / "lessons_src" / f"{name}.py").read_text("utf8")
    from overwritten.cases.patterns import EVERY

    threads = [one.thread for one in EVERY] + [one.get("where", "") for one in _claims().values()]
    urls = {f"https://github.com/{one.replace('#', '/issues/')}" for one in threads if "#" in one}
    return (
        urls
        | {one for one in threads if one.startswith("http")}
        | set(re.findall(r"\]\((http[^)]*)\)", source))
    )


def faults(name: str) -> list[str]:
    """A sentence for each sentence without proof and each entry without sentence."""
    have, file = written(name), f"claims/truth/{name}.toml"
    wanted = said(name)
    found = []
    for where, sentences in wanted.items():
        for one in sentences:
            entry = have.get(where, {}).get(one, "")
            if not entry:
                found.append(f"{file}, [{where}]: no proof of: {one}")
            for proof in filter(None, proofs(entry)):
                if why := fault(name, proof):
                    found.append(f"{file}, [{where}]: {one}\n    {proof}: {why}")
    for where, sentences in have.items():
        for one in sentences:
            if one not in wanted.get(where, {}):
                found.append(f"{file}, [{where}]: the lesson no longer says: {one}")
    return found


def stamp(name: str) -> list[str]:
    """Write the file anew and tell what to look at. Proofs stay with their sentences; one that
    was edited, or whose cell was, keeps its proof as a proposal."""
    old, wanted, told, lines = written(name), said(name), [], []
    gone = {
        one: entry
        for where, sentences in old.items()
        for one, entry in sentences.items()
        if one not in wanted.get(where, {})
    }
    for where, sentences in wanted.items():
        lines.append(f"[{_text(where)}]")
        for one, proposal in sentences.items():
            entry = old.get(where, {}).get(one) or gone.get(one)
            if not entry and (before := _like(one, gone)):
                told.append(f"{where}:\n    was: {before}\n    is: {one}")
                entry = [re.sub(r"^(\w+) ", r"\1? ", proof) for proof in proofs(gone[before])]
            new = [_found_again(name, proof) for proof in proofs(entry or proposal)]
            if not any(map(_open, proofs(entry or "?"))) and any(map(_open, new)):
                told.append(f"{where}: its cell has changed: {one}")
            lines.append(f"{_text(one)} = {_text(new[0] if len(new) == 1 else new)}")
        lines.append("")
    TRUTH.mkdir(exist_ok=True)
    (TRUTH / f"{name}.toml").write_text("\n".join(lines), "utf8", newline="\n")
    return told


def _text(data):
    return json.dumps(data, ensure_ascii=False)


def _like(sentence, others):
    def alike(other):
        return SequenceMatcher(None, sentence, other, autojunk=False).ratio()

    best = max(others, key=alike, default=None)
    return best if best and alike(best) >= 0.8 else None


def _found_again(name, proof):
    """A cell by its hash, under the name it has now; by its name alone or as `3.7`, section 3 and
    the cell's number there, with the hash added; where the hash is another, as a proposal."""
    kind, _, what = proof.partition(" ")
    if kind.rstrip("?") != "cell" or what in cells().values():
        return proof
    place, _, mark = what.partition(" #")
    if mark in cells():
        return f"{kind} {cells()[mark]}"
    short = re.fullmatch(r"(\d\d/)?(\d+)\.(\d+)", place)
    lesson = f"{name[:2]}/"
    like = f"{short[1] or lesson}{short[2]}-.*-{short[3]}" if short else re.escape(place)
    now = [one for one in cells().values() if re.fullmatch(f"{like} #.*", one)]
    return f"{kind.rstrip('?')}{'?' if mark else ''} {now[0]}" if now else f"cell? {what}"


def count() -> str:
    """A table: sentences by what proves them, for each file."""
    rows = [["", "sentences", *KINDS, "none"]]
    for name in [*LESSONS, CARDS]:
        have = written(name)
        kinds = [
            "none"
            if not entry or any(fault(name, p) for p in proofs(entry))
            else proofs(entry)[0].split()[0]
            for where, sentences in said(name).items()
            for entry in [have.get(where, {}).get(one, "") for one in sentences]
        ]
        rows.append([name, len(kinds), *(kinds.count(kind) for kind in (*KINDS, "none"))])
    rows.append(["all", *(sum(column) for column in list(zip(*rows[1:]))[1:])])
    return "\n".join(f"{row[0]:24}" + "".join(f"{n:>10}" for n in row[1:]) for row in rows)


def shown(name: str) -> str:
    """The cells of a lesson that can prove, in short, with their code and what they print."""
    page = ROOT / "notebooks" / f"{name}.ipynb"
    parts = []
    for cell in nbformat.read(page, as_version=4).cells if page.exists() else ():
        if cell.cell_type == "code" and _hash(cell) in cells():
            told = [one.get("text") or one.data.get("text/plain", "") for one in cell.outputs]
            number = re.sub(r"^(\d+)-.*-(\d+)$", r"\1.\2", cell.id)
            parts.append(f"cell {number}\n{indent(cell.source, '    ')}")
            parts.append(indent("".join(told).rstrip(), "    > "))
    return "\n".join(parts)


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", help=f"as 01_storage_pointers or {CARDS} (default: all)"
    )
    parser.add_argument("--stamp", action="store_true", help="bring claims/truth/ up to date")
    parser.add_argument("--count", action="store_true", help="print a table of proofs by kind")
    parser.add_argument("--cells", action="store_true", help="list the cells that can prove")
    options = parser.parse_args(arguments)
    names = options.names or [*LESSONS, CARDS]
    if options.count:
        print(count())
    elif options.cells:
        print("\n".join(map(shown, names)))
    elif options.stamp:
        print("\n".join(f"{name}, {look}" for name in names for look in stamp(name)))
    else:
        found = [one for name in names for one in faults(name)]
        print("\n".join(found))
        return bool(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
