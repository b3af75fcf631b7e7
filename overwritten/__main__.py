"""python -m overwritten train.py …: run any program under the doctor.

The idea: the program runs as Python would run it, with its own arguments, output and exit
code; only an error about an overwritten tensor gets more to say.
"""

from __future__ import annotations

import argparse
import builtins
import importlib
import importlib.machinery
import io
import os
import pkgutil
import runpy
import sys
import types
from html import escape

from overwritten.doctor.block import chain_of, without_our_frames
from overwritten.doctor.children import Run, handed_on
from overwritten.doctor.gradients import compare, read
from overwritten.doctor.healed import healed_text
from overwritten.doctor.ranks import of_rank
from overwritten.doctor.report import silent_text
from overwritten.doctor.saying import say
from overwritten.record.private import SHOWS_SAVES

_EXEC_COUNTS = sys.version_info < (3, 12)
#: Our own commands → the module that has a function of that name.
OWN = {"course": "overwritten.lesson.course", "demo": "overwritten.doctor.demo"}
_EPILOG = (
    "Two words are no program: `demo` shows the doctor on a broken script of ours; `course` lists "
    "the lessons, the answers kept of each and what is next. A file of that name in the working "
    "folder is run instead."
)


def main(arguments=None) -> int:
    """Run the program; return its exit code, or 2 for a call that makes no sense."""
    options = _options(arguments)
    program = options.module or options.program
    if not program:
        say("overwritten: name the program to run, as in `python -m overwritten train.py`.")
        return 2
    name, *rest = program
    if not options.module and not os.path.isfile(name) and not _holds_a_program(name):
        if name in OWN:
            return _own(name, sys.argv[1:] if arguments is None else arguments)
        say(f"overwritten: there is no file {name!r} to run.")
        return 2
    # the program may go to another folder
    report = os.path.abspath(options.json) if options.json else ""
    if report and not os.path.isdir(os.path.dirname(report)):
        say(f"overwritten: there is no folder for {options.json!r}.")
        return 2
    known = None
    if options.check:
        try:
            known = read(of_rank(options.check))
        except ValueError as refused:
            say(f"overwritten: {refused}")
            return 2
    error: BaseException | None = None
    diagnosis = None
    keeps = known is not None or options.heal and bool(report)
    run = Run(
        strict=options.strict or options.list,
        report=of_rank(report),
        skip=tuple(options.skip),
        process=os.getpid(),
        heal=options.heal,
        gradients=keeps,
        listing=options.list,
    )
    with handed_on(run) as told:
        try:
            with told.eyes:
                _run(name, rest, bool(options.module))
            code = 0
        except SystemExit as end:
            error, code = end, _exit_code(end)
        except BaseException as caught:
            error, code = caught, 130 if isinstance(caught, KeyboardInterrupt) else 1
            diagnosis = told.eyes.of(caught)
            _show(caught, diagnosis)
        told.end(error, diagnosis)
    if not told.is_child:
        if known is not None:
            said = compare(known, told.gradients.as_dict(), options.heal)
            say(f"overwritten --check: {said}")
        if options.strict and not (code or told.silent or options.heal) and SHOWS_SAVES:
            say(_all_clear(told))
        if options.html:
            first = diagnosis or next(iter(told.eyes.all), None)
            texts = [silent_text(one) for one in told.eyes.silent]
            texts += [healed_text(told.eyes.healer)] if told.eyes.healer else []
            _report(of_rank(options.html), error, first, texts)
    return code


def _options(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m overwritten", description=__doc__.splitlines()[0], epilog=_EPILOG
    )
    parser.add_argument(
        "--strict", action="store_true", help="also find wrong gradients that raise nothing; slow"
    )
    parser.add_argument(
        "--heal",
        action="store_true",
        help="backward gets what was overwritten as it was: nothing raises, every fault is told at "
        "the end; copies all that is saved",
    )
    parser.add_argument(
        "--list",
        action="store_true",
        help="list every write in place by line, those first that backward refused or that made a "
        "gradient wrong; strict, and as slow",
    )
    parser.add_argument(
        "--check",
        metavar="REPORT.json",
        help="of a healed run (--heal --json REPORT.json): has this run its gradients? For the "
        "program once it is mended; with --heal, for the same program: is it deterministic?",
    )
    parser.add_argument(
        "--json", metavar="OUT.json", help="write the diagnosis there (form: DOCTOR.md)"
    )
    parser.add_argument("--html", metavar="REPORT.html", help="write a report to read in a browser")
    parser.add_argument(
        "--skip",
        metavar="PATTERN",
        action="append",
        default=[],
        help="do not watch children whose command line fits, as '*server.py*'; '*' is all",
    )
    parser.add_argument(
        "-m", dest="module", nargs=argparse.REMAINDER, help="run a module, with its arguments"
    )
    parser.add_argument("program", nargs=argparse.REMAINDER, help="a script and its arguments")
    return parser.parse_args(arguments)


def _own(name, given):
    """`course` or `demo`: exit code 2 where more is given than the word."""
    if list(given) != [name]:
        say(f"overwritten: `{name}` takes no options and no arguments.")
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):  # a console without ✓ or → gets ?
        sys.stdout.reconfigure(errors="replace")
    try:
        code = getattr(importlib.import_module(OWN[name]), name)(_colour(sys.stdout))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # `… | head` has enough; what is left is for nobody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(name, rest, module):
    """As `python name` or `python -m name` would, in a `__main__` that outlives the last line."""
    sys.argv = [name, *rest]
    main = types.ModuleType("__main__")
    main.__builtins__ = builtins
    sys.modules["__main__"] = sys.modules["__mp_main__"] = (
        main  # pickles of spawned processes name it so
    )
    safe = getattr(sys.flags, "safe_path", False)
    holds = not module and _holds_a_program(name)
    ours = _depth(sys._getframe()) + (_EXEC_COUNTS and not (module or holds))
    sys.setrecursionlimit(sys.getrecursionlimit() + ours)
    if module:
        if not safe:
            sys.path[0] = os.getcwd()
        runpy._run_module_as_main(name)
        return
    if holds:
        sys.path[: not safe] = [os.path.abspath(name)]
        runpy._run_module_as_main("__main__", alter_argv=False)
        return
    file = os.path.join(os.getcwd(), name)  # `..` stays, as in Python
    if not safe:
        sys.path[0] = os.path.dirname(os.path.realpath(file))
    main.__file__, main.__cached__ = file, None
    main.__loader__ = importlib.machinery.SourceFileLoader("__main__", file)
    with io.open_code(file) as source:
        if (code := pkgutil.read_code(source)) is None:  # no `.pyc`
            source.seek(0)
            code = compile(source.read(), file, "exec", dont_inherit=True)
    exec(code, vars(main))


def _depth(frame):
    """How much of the recursion limit `frame` and those that led to it take from the program;
    up to Python 3.11 each `exec` counts too."""
    depth = 0
    while frame is not None:
        depth += 1 + (frame.f_code.co_name == "_run_code" and _EXEC_COUNTS)
        frame = frame.f_back
    return depth


def _holds_a_program(name) -> bool:
    """Is it a folder or an archive, of which Python runs the `__main__.py`?"""
    importer = pkgutil.get_importer(os.path.abspath(name))
    return importer is not None and importer.find_spec("__main__") is not None


def _all_clear(told) -> str:
    """What was not watched is part of the sentence."""
    said = "overwritten --strict: nothing that backward needs was overwritten"
    if told.all:
        said += f" but in the {len(told.all)} error(s) that the program caught"
    unwatched = told.eyes.unwatched + [f"children that fit {p!r}" for p in told.run.skip]
    return said + (f"; not watched: {', '.join(unwatched)}." if unwatched else ".")


def _exit_code(end) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    say(end.code)
    return 1


def _show(error, diagnosis):
    """The traceback as Python prints it, from the program's own first frame on."""
    for one in chain_of(error):
        without_our_frames(one)
        if diagnosis is not None and hasattr(one, "__notes__"):
            plain, text = diagnosis.text(), diagnosis.text(_colour(sys.stderr))
            one.__notes__ = [text if note == plain else note for note in one.__notes__]
    traceback, ours = error.__traceback__, (__file__, runpy.__file__, "<frozen runpy>")
    while traceback is not None and traceback.tb_frame.f_code.co_filename in ours:
        traceback = traceback.tb_next
    sys.excepthook(type(error), error.with_traceback(traceback), traceback)


def _colour(stream) -> bool:
    return stream is not None and stream.isatty() and not os.environ.get("NO_COLOR")


def _report(path, error, diagnosis, texts):
    parts = [diagnosis.html()] if diagnosis else []
    parts += [f"<pre>{escape(text)}</pre>" for text in texts]
    if not parts:
        parts = ["<p>Nothing that backward needs was overwritten.</p>"]
    if error is not None and not isinstance(error, SystemExit):
        parts.insert(0, f"<p>{escape(type(error).__name__)}: {escape(str(error))}</p>")
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>overwritten: report</title>'
    page = f"{head}<body><main><h1>Report</h1>{''.join(parts)}</main></body></html>\n"
    try:
        with open(path, "w", encoding="utf8") as out:
            out.write(page)
    except OSError as refused:
        say(f"overwritten: the report could not be written: {refused}")


if __name__ == "__main__":
    sys.exit(main())
