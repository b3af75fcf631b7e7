"""`python -m overwritten demo` and `course`: what they print, and that a file of yours goes first."""

import io
import json
import os
import re
import subprocess
import sys
from functools import partial

import pytest

from conftest import PATIENCE, ROOT
from overwritten import __main__ as command
from overwritten.doctor import demo
from overwritten.doctor.rewrites import Edit
from overwritten.lesson import course
from overwritten.lesson.contents import LESSONS, module_of
from overwritten.lesson.exercises.final_programs import PROGRAMS
from overwritten.lesson.store import text_of

TEXT = demo.SCRIPT.read_text("utf8")


def line_with(words):
    (number,) = [n for n, line in enumerate(TEXT.splitlines(), 1) if words in line]
    return number


# demo


def test_the_demo_names_both_lines_and_its_cure_helps(capsys):
    assert command.main(["demo"]) == 0
    said = capsys.readouterr().out
    saver, writer = line_with("torch.sigmoid("), line_with("gate *=")
    assert all(f"{n:>4}  {line}".rstrip() in said for n, line in enumerate(TEXT.splitlines(), 1))
    assert "RuntimeError: one of the variables needed for gradient computation" in said
    assert re.search(rf"^saved by +sigmoid at \S+:{saver} ", said, re.M)
    assert re.search(rf"^overwritten by mul_ at \S+:{writer} ", said, re.M)
    assert re.search(rf"^ +{writer}  +gate = gate \* self.value\(x\)$", said, re.M)
    after = said.partition("The same with the cure")[2]
    assert re.search(
        r"^loss \d\.\d+, one step done\noverwritten: (nothing that|it raises)", after, re.M
    )
    assert "\x1b" not in said


def test_a_cure_that_does_not_help_is_no_success(capsys, monkeypatch):
    monkeypatch.setattr(demo, "applied", lambda text, edits: text)
    assert command.main(["demo"]) == 1
    assert "overwritten: the cure did not help: one of the" in capsys.readouterr().out


def test_a_script_that_does_not_die_is_no_success(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(demo, "SCRIPT", tmp_path / "demo.py")
    demo.SCRIPT.write_text("print('fine')\n")
    assert command.main(["demo"]) == 1
    assert "the script does not die as it should" in capsys.readouterr().out


def test_a_cure_goes_where_its_statement_stands():
    text = "if x:\n    y += f(\n        1)  # so\nz.add_(y); w = 2\n"
    first = Edit("f.py", 2, "y += f(1)", ("y = y + f(1)",), (2, 4), (3, 10))
    second = Edit("f.py", 4, "z.add_(y)", ("z = z.add(y)",), (4, 0), (4, 9), alone=False)
    wanted = "if x:\n    y = y + f(1)  # so\nz = z.add(y); w = 2\n"
    assert demo.applied(text, [first, second]) == demo.applied(text, [second, first]) == wanted


# course

FIRST = LESSONS[1]
QUESTION = FIRST.sections[0].asked[0]
LAST = FIRST.sections[-1]


def entries(*wrong):
    """Lesson 1's first question and all its exercises; `wrong` of these are not right."""
    key = (module_of(FIRST.name), "predictions", QUESTION.words)
    found = {key: {"choice": QUESTION.answer, "when": 1.0}}
    for module, name in LAST.exercises:
        outcome = "wrong" if name in wrong else "right"
        found[module, "exercises", name] = {"source": "", "outcome": outcome, "when": 2.0}
    return found


@pytest.fixture()
def here(tmp_path, monkeypatch):
    """An empty working folder, and no word on where answers are kept."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OVERWRITTEN_ANSWERS", raising=False)
    return tmp_path


def row(said, lesson):
    (found,) = re.findall(rf"^(. +{lesson.number}  {lesson.title} .*)$", said, re.M)
    return found.split(lesson.title)[1].split()


def minutes(lesson):
    return sum(one.minutes for one in lesson.sections)


def asks(lesson):
    return sum(len(one.questions) + len(one.exercises) for one in lesson.sections)


def test_without_answers_every_lesson_is_to_come(here, capsys):
    assert command.main(["course"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("No answers are kept here")
    for lesson in LESSONS[:-1]:
        assert row(said, lesson) == ["0", "of", str(asks(lesson)), str(minutes(lesson))]
    assert row(said, LESSONS[-1]) == ["0", "of", str(len(PROGRAMS)), str(minutes(LESSONS[-1]))]
    assert re.search(r"^next: Begin with lesson 1, section 1 \(", said, re.M) and "<" not in said
    assert [*here.iterdir()] == [], "it only reads"


@pytest.mark.parametrize("folder", [".", "notebooks/learn", "notebooks"])
def test_it_counts_the_answers_that_are_kept(here, capsys, folder):
    path = here / folder / course.NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text_of(entries(LAST.exercises[0][1])))
    assert command.main(["course"]) == 0
    said = capsys.readouterr().out
    done = 1 + len(LAST.exercises) - 1
    to_come = str(minutes(FIRST) - FIRST.sections[0].minutes)
    assert row(said, FIRST) == [str(done), "of", str(asks(FIRST)), to_come]
    assert "next: Go on with lesson 1, section " in said and "\x1b" not in said


def test_a_lesson_that_is_done_leaves_no_minutes(here, capsys):
    found = entries()
    start = LESSONS[0]  # its last sections ask nothing
    assert not start.sections[-1].questions
    for lesson, section in [(one, part) for one in (start, FIRST) for part in one.sections]:
        for question in section.asked:
            key = (module_of(lesson.name), "predictions", question.words)
            found[key] = {"choice": question.answer, "when": 1.0}
    for letter in [*PROGRAMS][:2]:
        found["final", "final", letter] = {"answer": "", "when": 3.0}
    found["final", "scores", "1"] = {"score": "1", "answers": "", "when": 3.0}
    (here / course.NAME).write_text(text_of(found))
    assert command.main(["course"]) == 0
    said = capsys.readouterr().out
    assert "✓  1  " in said and row(said, FIRST)[-1] == row(said, start)[-1] == "0"
    assert row(said, LESSONS[-1]) == ["2", "of", str(len(PROGRAMS)), "0"]
    assert re.search(r"^next: Begin with lesson [2-9], section ", said, re.M)


def test_another_file_of_answers_or_none(here, capsys, monkeypatch):
    (here / "mine.json").write_text(text_of(entries()))
    monkeypatch.setenv("OVERWRITTEN_ANSWERS", str(here / "mine.json"))
    assert command.main(["course"]) == 0
    assert capsys.readouterr().out.startswith(f"Answers kept in {here / 'mine.json'}.")
    (here / course.NAME).write_text(text_of(entries()))
    monkeypatch.setenv("OVERWRITTEN_ANSWERS", "off")
    assert command.main(["course"]) == 0
    assert capsys.readouterr().out.startswith("No answers are kept here")


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "cannot be read as answers"),
        (b"\xff\xfe\x00", "cannot be read as answers"),
        ('{"format": 2, "lessons": []}', "cannot be read as answers"),
        (json.dumps({"format": 99, "lessons": {}}), "was written by a newer version"),
        (None, "cannot be read (Is a directory)"),
    ],
)
def test_answers_that_cannot_be_read_are_one_sentence(here, capsys, text, words):
    path = here / course.NAME
    if text is None:
        path.mkdir()
    else:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert command.main(["course"]) == 1
    out, wrong = capsys.readouterr()
    assert out == "" and wrong.count("\n") == 1 and words in wrong
    assert [one.name for one in here.iterdir()] == [course.NAME], "it stays where it is"
    assert text is None or path.read_bytes() == (text if isinstance(text, bytes) else text.encode())


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    "stream, no_colour, colour",
    [(Terminal(), None, True), (Terminal(), "", True), (Terminal(), "1", False),
     (io.StringIO(), None, False), (None, None, False)],
)  # fmt: skip
def test_colours_are_for_a_terminal_that_wants_them(monkeypatch, stream, no_colour, colour):
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_colour is not None:
        monkeypatch.setenv("NO_COLOR", no_colour)
    assert command._colour(stream) is colour


def test_on_a_terminal_both_are_coloured(here, capsys, monkeypatch):
    monkeypatch.setattr(command, "_colour", lambda stream: True)
    (here / course.NAME).write_text(text_of(entries()))
    assert command.main(["course"]) == command.main(["demo"]) == 0
    said = capsys.readouterr().out
    assert "\x1b[1mnext:\x1b[0m" in said and "\x1b[1;31moverwritten by \x1b[0m" in said


# the two words


@pytest.mark.parametrize("given", (["demo", "x"], ["--strict", "course"], ["course", "--json"]))
def test_the_words_take_nothing_else(here, capsys, given):
    assert command.main(given) == 2
    said = capsys.readouterr().err
    assert re.fullmatch(r"overwritten: `\w+` takes no options and no arguments\.\n", said)


def test_a_file_of_that_name_is_run_instead(here):
    (here / "demo").write_text("import sys\nprint('mine', sys.argv[1:])\n")
    (here / "course").mkdir()  # a folder is no program
    known = dict(os.environ, PYTHONPATH=str(ROOT), PYTHONUTF8="1")
    start = partial(subprocess.Popen, cwd=here, env=known, stdout=subprocess.PIPE, encoding="utf8")
    runs = [
        start([sys.executable, "-m", "overwritten", *words])
        for words in (["demo", "--fast"], ["course"])
    ]
    mine, ours = (run.communicate(timeout=PATIENCE)[0] for run in runs)
    assert mine == "mine ['--fast']\n" and "next: Begin" in ours


def test_help_tells_the_rule(capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "A file of that name in the working folder is run instead." in said
    assert all(f"`{word}`" in said for word in command.OWN)


def test_the_readme_says_what_the_demo_does():
    readme = (ROOT / "README.md").read_text("utf8")
    assert "\npython -m overwritten demo\n" in readme.partition("<!-- /install -->")[0]
    said = re.search(r"<!-- doctor -->\n```\n(.+?)\n```", readme, re.S)[1]
    assert all(f"demo.py:{line_with(word)}" in said for word in ("torch.sigmoid(", "gate *="))


def test_who_reads_the_first_line_alone_sees_no_traceback():
    run = [sys.executable, "-u", "-m", "overwritten", "course"]
    with subprocess.Popen(run, cwd=ROOT, stdout=-1, stderr=-1, text=True) as running:
        assert running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == ""
