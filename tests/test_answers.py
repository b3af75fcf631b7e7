"""Answers are never lost: the file, what is kept in it, how it leaves and comes back."""

import base64
import errno
import importlib
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from traitlets import Bunch

import build_notebooks
from conftest import LESSONS, PATIENCE
from overwritten import answers, predict
from overwritten.lesson import kept, store
from overwritten.lesson.exercise import Exercise
from overwritten.lesson.exercises import version_counter as exercises
from overwritten.lesson.predict import _TELL
from overwritten.lesson.questions import start_here, version_counter
from overwritten.lesson.questions.question import Question
from overwritten.lesson.store import Store, merged, parsed, text_of

KEY = ("version_counter", "exercises", "count_writes")
QUESTION = Question("`1 + 1`?", {"1": "Count.", "`2`": "Yes.", "<3>": "Less."}, "`2`")
ENTRIES = {
    KEY: {"source": "def f():\n    '''é ✓ \ud800'''", "outcome": "wrong", "when": 5.5},
    ("version_counter", "predictions", '`x` "now"?'): {"choice": "7 </script>", "when": 6},
    ("other", "predictions", "q"): {"choice": "a", "when": 7},
}


@pytest.fixture()
def path(tmp_path):
    return tmp_path / "overwritten_answers.json"


@pytest.fixture()
def kept_in(monkeypatch):
    """kept_in(path): from now on this session's answers are kept there, as after a restart."""

    def begin(path=None):
        monkeypatch.setattr(kept, "STORE", Store(path))
        return kept.STORE

    begin()
    return begin


# The file

#: Run without torch, for 200 starts; they share the file, and what the killed ones leave behind.
KILLED = """
import os, random, signal, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from store import Store, parsed

path, dice, number = Path(sys.argv[2]), random.Random(7), 0
for kill in range(int(sys.argv[3])):
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        kept = Store(path)
        while True:
            number += 1
            kept.keep(("lesson", "exercises", "name"), source="x" * 300_000, outcome=str(number))
            os.write(into, f"{number if not kept.news else 'lost'} ".encode())
    os.close(into)
    confirmed = os.read(out, 100)
    time.sleep(dice.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(out, 100_000):
        confirmed += more
    os.close(out)
    entry = parsed(path.read_text())["lesson", "exercises", "name"]
    number, last = int(entry["outcome"]), int(confirmed.split()[-1])
    assert number >= last and len(entry["source"]) == 300_000, (kill, number, last)
print(number)
"""
SAVES = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from store import Store

kept = Store(Path(sys.argv[2]))
for number in range(40):
    kept.keep((sys.argv[3], "predictions", str(number)), choice="a")
assert not kept.news, kept.news
"""


def python(code, *arguments):
    command = [sys.executable, "-c", code, str(Path(store.__file__).parent), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no SIGKILL on Windows")
def test_200_kills_leave_a_file_that_is_whole_and_not_older_than_the_last_save(path):
    said, wrong = python(KILLED, path, 200).communicate(timeout=PATIENCE)
    assert wrong == "" and int(said) >= 200


def test_two_lessons_that_save_at_once_lose_nothing(path):
    running = [python(SAVES, path, lesson) for lesson in ("one", "other")]
    assert [process.communicate(timeout=PATIENCE)[1] for process in running] == ["", ""]
    assert len(parsed(path.read_text())) == 80


def test_what_is_written_is_read(path):
    assert parsed(text_of(ENTRIES)) == ENTRIES
    Store(path).add(ENTRIES)
    assert Store(path).entries() == ENTRIES
    assert eval(f"r'''{text_of(ENTRIES)}'''") == text_of(ENTRIES), "it can be pasted into a call"


def test_a_file_of_the_first_format_is_carried_over(path):
    old = text_of(ENTRIES).replace('"format": 2', '"format": 1')
    path.write_text(old)
    Store(path).keep(("final", "final", "a"), answer="raises 3 5")
    assert old != text_of(ENTRIES) and ENTRIES.items() <= Store(path).entries().items()
    assert '"format": 2' in path.read_text() and os.listdir(path.parent).count(path.name) == 1


def test_every_cut_is_noticed():
    text = text_of(ENTRIES).rstrip()
    for length in range(len(text)):
        with pytest.raises(ValueError):
            parsed(text[:length])


NO_ANSWERS = {
    "nothing": "",
    "a list": "[]",
    "a number": "3",
    "no format": '{"lessons": {}}',
    "format 0": '{"format": 0, "lessons": {}}',
    "format true": '{"format": true, "lessons": {}}',
    "no lessons": '{"format": 1}',
    "lessons in a list": '{"format": 1, "lessons": []}',
    "an unknown kind": '{"format": 1, "lessons": {"l": {"songs": {"n": {"choice": "a", "when": 1}}}}}',
    "no choice": '{"format": 1, "lessons": {"l": {"predictions": {"n": {"when": 1}}}}}',
    "a choice of 3": '{"format": 1, "lessons": {"l": {"predictions": {"n": {"choice": 3, "when": 1}}}}}',
    "a text for an entry": '{"format": 1, "lessons": {"l": {"predictions": {"n": "choice"}}}}',
    "no when": '{"format": 1, "lessons": {"l": {"predictions": {"n": {"choice": "a"}}}}}',
    "when is no number": '{"format": 1, "lessons": {"l": {"predictions": {"n": {"choice": "a", "when": NaN}}}}}',
    "when is far off": '{"format": 1, "lessons": {"l": {"predictions": {"n": {"choice": "a", "when": 1e400}}}}}',
    "too deep": '{"format": ' + "[" * 100_000,
    "half of it": text_of(ENTRIES)[: len(text_of(ENTRIES)) // 2],
    "no text": b"\xff\xfe\x00",
}


@pytest.mark.parametrize("what", NO_ANSWERS)
def test_a_file_that_cannot_be_read_is_set_aside_and_kept(path, what):
    broken = NO_ANSWERS[what].encode() if isinstance(NO_ANSWERS[what], str) else NO_ANSWERS[what]
    path.write_bytes(broken)
    session = Store(path)
    assert session.entries() == {}
    session.keep(KEY, source="s", outcome="right")
    assert session.news == [
        "overwritten_answers.json could not be read, so it was renamed to overwritten_answers_unreadable_1.json; a new file begins."
    ]
    assert path.with_name("overwritten_answers_unreadable_1.json").read_bytes() == broken
    assert Store(path).entries()[KEY]["source"] == "s"
    path.write_bytes(b"again")
    assert (
        Store(path).entries() == {}
        and path.with_name("overwritten_answers_unreadable_2.json").read_bytes() == b"again"
    )


def test_a_file_of_a_newer_format_is_left_alone(path):
    newer = '{"format": 3, "anything": ["else"]}'
    path.write_text(newer)
    session = Store(path)
    for _ in range(2):
        assert session.entries().get(KEY, {}).get("outcome") in (None, "right")
        session.keep(KEY, source="s", outcome="right")
    assert path.read_text() == newer and sorted(os.listdir(path.parent)) == [
        f".{path.name}.lock",
        path.name,
    ]
    assert session.entries()[KEY]["source"] == "s"
    assert session.news == [
        "overwritten_answers.json was written by a newer version of this course and stays as it is. "
        "Your answers are kept in memory only: `answers.download()` saves them."
    ]


def replace_fails(monkeypatch, path):
    def fails(*names):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", fails)


def disk_is_full(monkeypatch, path):
    def fails(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fails)


def folder_is_read_only(monkeypatch, path):
    def fails(self, *arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(FileLock, "__enter__", fails)


def disk_knows_no_locks(monkeypatch, path):
    def fails(self, *arguments, **options):
        raise NotImplementedError("FileSystem does not appear to support flock")

    monkeypatch.setattr(FileLock, "__enter__", fails)


def path_is_a_folder(monkeypatch, path):
    path.mkdir()


FAILS = {
    replace_fails: "Permission denied",
    disk_is_full: "No space left on device",
    folder_is_read_only: "Read-only file system",
    disk_knows_no_locks: "FileSystem does not appear to support flock",
    path_is_a_folder: "Is a directory",
}


@pytest.mark.parametrize("breaks", FAILS, ids=lambda f: f.__name__)
def test_where_saving_fails_one_sentence_says_so_and_memory_keeps_all(path, monkeypatch, breaks):
    if breaks is not path_is_a_folder:
        Store(path).add(ENTRIES)
    session = Store(path)
    before = session.entries()
    with monkeypatch.context() as broken:
        breaks(broken, path)
        for number in range(3):
            session.keep(("lesson", "predictions", str(number)), choice="a")
        assert len(session.entries()) == len(before) + 3
        assert session.news == [
            f"Your answers cannot be saved in overwritten_answers.json ({FAILS[breaks]}). "
            "They are kept in memory only: `answers.download()` saves them."
        ]
        if before:
            assert parsed(path.read_text("utf8")) == ENTRIES, "what was there is there"
    if before:
        session.keep(("lesson", "predictions", "3"), choice="b")
        assert len(Store(path).entries()) == len(ENTRIES) + 4, "the next save takes all with it"


def test_a_path_through_a_file_is_no_path(tmp_path):
    (tmp_path / "file").write_text("mine")
    session = Store(tmp_path / "file" / "answers.json")
    session.keep(KEY, source="s", outcome="right")
    assert (
        session.entries()[KEY]["source"] == "s"
        and len(session.news) == 1
        and (tmp_path / "file").read_text() == "mine"
    )


def test_a_lock_that_is_never_given_back_stops_nobody(path, monkeypatch):
    monkeypatch.setattr(store, "_WAIT", 0.1)
    session = Store(path)
    with FileLock(path.with_name(f".{path.name}.lock")):
        session.keep(KEY, source="s", outcome="right")
    assert not path.exists() and "kept in memory only" in session.news[0]
    session.add({})
    assert Store(path).entries()[KEY]["source"] == "s"


def test_the_newer_of_two_stays_whatever_comes_first():
    old, new = {KEY: {"when": 1}}, {KEY: {"when": 2}, "b": {"when": 0}}
    assert merged(old, new) == merged(new, old) == new


def test_a_clock_that_was_set_back_hides_no_answer(path):
    Store(path).add({KEY: {"source": "old", "outcome": "wrong", "when": 9e12}})
    Store(path).keep(KEY, source="new", outcome="right")
    assert Store(path).entries()[KEY]["source"] == "new"


def test_without_a_path_memory_keeps():
    session = Store(None)
    session.keep(KEY, source="s", outcome="right")
    assert session.entries()[KEY]["source"] == "s" and session.news == []


@pytest.mark.parametrize(
    "value, wanted",
    [("off", None), ("", Path(kept.NAME).absolute()), ("/tmp/a.json", Path("/tmp/a.json"))],
)
def test_the_environment_names_the_file(monkeypatch, value, wanted):
    assert os.environ["OVERWRITTEN_ANSWERS"] == "off", "the tests keep none"
    monkeypatch.setenv("OVERWRITTEN_ANSWERS", value)
    assert kept._path() == wanted
    monkeypatch.delenv("OVERWRITTEN_ANSWERS")
    assert kept._path() == Path(kept.NAME).absolute()


# Predictions


def html_of(question):
    return question._repr_mimebundle_()["text/html"]


def test_without_a_choice_a_question_is_what_it_was(kept_in):
    first = predict(QUESTION)
    html = html_of(first).removesuffix(_TELL)
    assert (
        html.endswith("</div>")
        and "<script" not in html
        and " open" not in html
        and "earlier" not in html
    )
    kept.keep_choice("other", QUESTION.words, "<3>")
    again = html_of(predict(QUESTION))
    assert len(again) > len(html + _TELL)
    assert (
        again.replace(" <em>(your earlier choice)</em>", "").replace('wrong" open>', 'wrong">')
        == html + _TELL
    )


def test_the_earlier_choice_stands_open_and_says_so(kept_in, path):
    kept_in(path)
    kept.keep_choice("other", QUESTION.words, "<3>")
    kept.keep_choice("other", QUESTION.words, "1")  # the first counts
    kept_in(path)
    bundle = predict(QUESTION)._repr_mimebundle_()
    opened = re.findall(r"<details[^>]* open>.*?</details>", bundle["text/html"])
    assert (
        len(opened) == 1
        and "&lt;3&gt; <em>(your earlier choice)</em></summary><p>✗ Not so. Less." in opened[0]
    )
    assert bundle["text/plain"].splitlines()[1:] == ["  ( ) `2`", "  (•) <3>", "  ( ) 1"]


def test_a_choice_that_the_question_no_longer_has_opens_nothing(kept_in):
    kept.keep_choice("other", QUESTION.words, "4")
    assert "earlier" not in html_of(predict(QUESTION))


def test_the_field_keeps_the_choice_and_only_a_choice(kept_in, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    monkeypatch.setattr(kept, "shell", lambda: types.SimpleNamespace(kernel=1))
    question = predict(QUESTION)
    for nothing in ("3", "-1", "x", "²", "1" * 5000, ""):
        question._field.value = nothing
        assert kept.choice("other", QUESTION.words) is None
    question._field.value = "1"  # the place on the screen, not that in the source
    question._field.value = "0"
    assert kept.choice("other", QUESTION.words) == "<3>"
    assert [list(bundle) for bundle in shown] == [["application/vnd.jupyter.widget-view+json"]]
    name = re.search('data-asks="([^"]+)"', html_of(question))[1]
    assert (
        question._field.placeholder == name == "Predict: 1 + 1?"
        and question._field.layout.display == "none"
    )


def test_a_question_knows_its_lesson(kept_in):
    assert predict(version_counter.whose_counter)._lesson == "version_counter"
    assert predict(start_here.one)._lesson == "start_here"
    assert predict(QUESTION)._lesson == "other"


def test_a_choice_kept_before_the_start_page_had_a_name_still_counts(kept_in, path):
    words = start_here.one.words
    kept_in(path).keep(("other", "predictions", words), choice="[0.0, 0.0, 0.0]")
    assert "earlier" in html_of(predict(start_here.one))
    kept.keep_choice("start_here", words, "[0.0, 1.0, 1.0]")
    assert kept.choice("start_here", words) == "[0.0, 0.0, 0.0]", "the first counts"


def test_a_file_beside_the_notebooks_with_outputs_is_the_learners_too(tmp_path, monkeypatch):
    monkeypatch.delenv("OVERWRITTEN_ANSWERS")
    before, learn = tmp_path / kept.NAME, tmp_path / "learn"
    learn.mkdir()
    monkeypatch.chdir(learn)
    assert kept._path() == learn / kept.NAME
    before.write_text(text_of(ENTRIES))
    assert kept._path() == before and Store(kept._path()).entries() == ENTRIES
    (learn / kept.NAME).write_text(text_of({}))
    assert kept._path() == learn / kept.NAME, "begun here, kept here"
    monkeypatch.chdir(tmp_path)
    assert kept._path() == before


# Exercises


def count_writes(f, x):
    return 0


def unattempted(f, x):
    return ...


def test_every_exercise_of_every_lesson_is_kept_under_its_name(kept_in):
    for lesson in (path.stem[3:] for path in LESSONS):
        for name, exercise in importlib.import_module(
            f"overwritten.lesson.exercises.{lesson}"
        ).EXERCISES.items():
            assert kept.place(exercise) == (lesson, "exercises", name)
    assert kept.place(Exercise(lambda f: None, ("h",), "s")) is None


def test_an_attempt_is_kept_and_comes_back(kept_in, path, capsys):
    kept_in(path)
    exercise = exercises.count_writes
    assert exercise.restore().outcome == "nothing kept"
    before = [str(exercise.check()), str(exercise.check(unattempted))]
    assert not path.exists() and not any("kept" in words for words in before)
    exercise.check(count_writes)
    kept_in(path)  # a new kernel
    for words, now in zip(before, [exercise.check(), exercise.check(unattempted)]):
        assert (
            str(now)
            == f"{words} An answer of yours is kept (wrong): `exercises.count_writes.restore()` brings it back."
        )
    assert exercise.restore().message == "it stands above."
    assert capsys.readouterr().out == "def count_writes(f, x):\n    return 0\n"
    exercise.check(lambda f, x: f(x))
    assert "lambda f, x: f(x)" in kept.answer(exercise)["source"], "the last one counts"


class Odd:
    """No source, no name, nothing works."""

    def __call__(self, *arguments):
        return 0

    def __getattr__(self, name):
        raise RuntimeError("odd")

    def __repr__(self):
        raise RuntimeError("odd")


@pytest.mark.parametrize(
    "odd",
    [Odd(), 3, None, print, [1] * 100_000, {"a": Odd()}],
    ids=["Odd", "3", "None", "print", "list", "dict"],
)
def test_no_answer_is_too_odd_to_be_checked(kept_in, odd):
    assert exercises.count_writes.check(odd).outcome == "wrong"
    assert 0 < len(kept.answer(exercises.count_writes)["source"]) <= 20_000


CELL = """
from overwritten.lesson.exercises import version_counter as exercises
helper = 0
def count_writes(f, x):
    return helper
exercises.count_writes.check(count_writes)
"""
DICT = """
from overwritten.lesson.exercises import version_counter as exercises
saved = dict.fromkeys(exercises.what_is_saved.questions, "both")
"""


@pytest.fixture()
def shell(monkeypatch):
    """An IPython of its own, of which the lessons think that they run in it."""
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell()
    shell.set_next_input = lambda text: setattr(shell, "below", text)
    monkeypatch.setattr(kept, "shell", lambda: shell)
    yield shell
    shell.history_manager.end_session()


def test_the_cell_is_kept_with_all_that_is_in_it(kept_in, shell):
    assert shell.run_cell(CELL, store_history=True).result.outcome == "wrong"
    shell.run_cell("1 + 1", store_history=True)
    assert (
        shell.run_cell("exercises.count_writes.restore()", store_history=True).result.outcome
        == "restored"
    )
    assert shell.below == CELL.strip()
    assert shell.run_cell(shell.below).result.outcome == "wrong"


def test_what_an_earlier_cell_defined_is_kept_before_the_check(kept_in, shell):
    define, check = CELL.strip().rsplit("\n", 1)
    shell.run_cell(define, store_history=True)
    shell.run_cell(check, store_history=True)
    wanted = f"def count_writes(f, x):\n    return helper\n\n{check}"
    assert kept.answer(exercises.count_writes)["source"] == wanted
    shell.run_cell("1 + 1", store_history=True)
    shell.run_cell(check)  # a cell that is not in the history, as a front end may send one
    assert kept.answer(exercises.count_writes)["source"] == wanted.partition("\n\n")[0]


def test_a_dict_is_kept_by_its_name(kept_in, shell):
    shell.run_cell(DICT, store_history=True)
    shell.run_cell("exercises.what_is_saved.check(saved)", store_history=True)
    source = kept.answer(exercises.what_is_saved)["source"]
    assert source.startswith("saved = {\n    'x.tanh()': 'both',\n") and source.endswith(
        "}\n\nexercises.what_is_saved.check(saved)"
    )
    shell.run_cell("saved = None", store_history=True)
    assert (
        shell.run_cell(source).result.outcome == "wrong"
        and "you gave" not in shell.run_cell(source).result.message
    )


# Out and in again


def test_download_and_back(kept_in, tmp_path):
    assert (
        str(answers.download())
        == str(answers.show())
        == "Nothing is kept yet: open a prediction, or check an answer."
    )
    kept_in().add(ENTRIES)
    bundle = answers.download()._repr_mimebundle_()
    name, data = re.search(
        r'<a download="([^"]+)" href="data:application/json;base64,([^"]+)">', bundle["text/html"]
    ).groups()
    text = base64.b64decode(data).decode()
    (tmp_path / name).write_text(text)
    assert (
        name == kept.NAME
        and bundle["text/plain"] == text
        and "2 predictions and 1 exercise answer)" in bundle["text/html"]
    )
    for source in (text, str(tmp_path / name), tmp_path / name):
        kept_in()
        assert (
            str(answers.restore_from(source))
            == "Restored 2 predictions and 1 exercise answer. Where you had a newer one, it stays."
        )
        assert kept.STORE.entries() == ENTRIES


def test_what_is_restored_never_hides_a_newer_answer(kept_in, path):
    kept_in(path)
    exercises.count_writes.check(count_writes)
    answers.restore_from(text_of(ENTRIES))
    kept_in(path)
    assert (
        "return 0" in kept.answer(exercises.count_writes)["source"]
        and len(kept.STORE.entries()) == 3
    )


NOT_RESTORED = {
    text_of(ENTRIES)[
        :100
    ]: "This is not the whole of a file with answers of this course; nothing was restored.",
    '{"format": 3}': "This file was written by a newer version of this course; nothing was restored.",
    "/nowhere/a.json": "/nowhere/a.json cannot be read (No such file or directory); nothing was restored.",
    "a\0b": "a\0b cannot be read (no text); nothing was restored.",
    sys.executable: f"{sys.executable} cannot be read (no text); nothing was restored.",
}


@pytest.mark.parametrize(
    "source", NOT_RESTORED, ids=["cut", "newer", "nowhere", "no path", "no text"]
)
def test_what_cannot_be_restored_changes_nothing(kept_in, source):
    kept_in().add(ENTRIES)
    assert str(answers.restore_from(source)) == NOT_RESTORED[source]
    assert kept.STORE.entries() == ENTRIES


def test_what_cannot_be_saved_is_said_where_it_is_restored(kept_in, path):
    path.mkdir()
    kept_in(path)
    said = str(answers.restore_from(text_of(ENTRIES)))
    assert said.startswith("Restored 2 predictions") and said.endswith(
        "memory only: `answers.download()` saves them."
    )


@pytest.mark.parametrize("form", ["ipywidgets 7", "ipywidgets 8"])
def test_the_button_takes_a_file(kept_in, form):
    button = answers.restore_from()
    assert list(button._repr_mimebundle_()) == [
        "text/plain",
        "application/vnd.jupyter.widget-view+json",
    ]
    field, said, _ = button.widget.children
    for text, words in [
        ("{", "not the whole"),
        (text_of(ENTRIES), "Restored 2 predictions and 1 exercise"),
    ]:
        file = {
            "name": "a.json",
            "content": text.encode() if form.endswith("7") else memoryview(text.encode()),
        }
        value = {"a.json": file} if form.endswith("7") else (file,)
        field.notify_change(Bunch(name="value", new=value, old=(), owner=field, type="change"))
        assert words in said.value and "role='status'" in said.value
    assert kept.STORE.entries() == ENTRIES


def test_colab_saves_without_a_link(kept_in, monkeypatch):
    saved = []
    colab = types.ModuleType("google.colab")
    colab.files = types.SimpleNamespace(download=lambda name: saved.append(Path(name)))
    monkeypatch.setitem(sys.modules, "google.colab", colab)
    kept_in().add(ENTRIES)
    assert (
        str(answers.download())
        == "Your browser saves overwritten_answers.json with 2 predictions and 1 exercise answer."
    )
    assert saved[0].name == kept.NAME and parsed(saved[0].read_text("utf8")) == ENTRIES

    def full(name):
        raise OSError(errno.ENOSPC, "No space left on device")

    colab.files.download = full
    assert "data:application/json" in answers.download()._repr_mimebundle_()["text/html"]


def test_how_far_one_is(kept_in, path):
    asked = version_counter.whose_counter
    kept_in().add(
        {
            KEY: ENTRIES[KEY],
            ("version_counter", "predictions", asked.words): {"choice": asked.answer, "when": 6},
            ("<b>", "predictions", "q"): {"choice": "a", "when": 1},
            ("version_counter", "again", asked.words): {"choice": asked.answer, "when": 7},
            ("final", "final", "a"): {"answer": '["right"]', "when": 7},
        }
    )
    bundle = answers.show()._repr_mimebundle_()
    text, html = bundle["text/plain"], bundle["text/html"]
    for words in (
        "Lesson 1, Follow a storage pointer: 0 of 7 questions answered, 0 of 3 exercises right",
        "Lesson 2, Read the version counter: 1 of 9 questions answered, 0 of 4 exercises right",
        "  1. The version counter: 1 of 1 question answered",
        "  6. The op table: nothing is asked",
        "  7. Your turn: order_save: ○ open; count_writes: ✗ not yet right; what_is_saved: ○ open; zero",
        "Lesson 11, Take the final: 1 of 12 programs answered",
        "1 kept answer is to a question that the lessons no longer ask. Kept in memory only.",
    ):
        assert words in text
    assert html.count("<details>") == html.count("</details>") == 1, "only what was begun is told"
    assert len(html) < 4000 and html.count("<li>") == 7
    told = re.findall(r'<progress max="(\d)" value="(\d)"[^>]*></progress> (.+?)<', html)
    assert (
        "6",
        "1",
        "2. Read the version counter: 1 of 9 questions answered, 0 of 4 exercises right",
    ) in told
    assert [one[:2] for one in told[2:5]] == [("1", "1"), ("2", "0"), ("2", "0")], (
        "a bar for a section"
    )
    link = '<a href="02_version_counter.ipynb#cell-id=3-what-backward-saves-12-minutes">'
    assert f"{link}3. What backward saves</a>: 0 of 2 questions answered" in html
    kept_in(path).add(ENTRIES)
    assert str(answers.show()).endswith(
        f"Kept in {path}. To begin anew, delete that file and restart the kernel."
    )


def test_what_went_wrong_is_said_once_in_the_next_cell(kept_in, path, capsys):
    for say in (
        lambda: predict(QUESTION),
        exercises.count_writes.check,
        exercises.count_writes.restore,
        answers.show,
    ):
        kept.STORE.news += ["Something is wrong."]
        say()
        assert capsys.readouterr().out.splitlines()[-1] == "Something is wrong."
    path.write_text("{")
    kept_in(path)
    predict(QUESTION)
    assert capsys.readouterr().out.count("could not be read") == 1
    exercises.count_writes.check()
    assert capsys.readouterr().out == ""


ENTRY = {"choice": "[0.0, 1.0, 1.0]", "when": 1}
ASKED = "from overwritten import predict, start_here_questions\npredict(start_here_questions.one)"


def test_a_file_that_lies_about_changes_no_build(path, monkeypatch):
    monkeypatch.setenv("OVERWRITTEN_ANSWERS", str(path))
    path.write_text(text_of({("start_here", "predictions", start_here.one.words): ENTRY}))
    outputs = []
    for setting in ("off", str(path)):
        code = (
            f"import os\nos.environ['OVERWRITTEN_ANSWERS'] = {setting!r}"
            if setting != "off"
            else "0;"
        )
        cells = [
            nbformat.v4.new_code_cell(code),
            nbformat.v4.new_code_cell(ASKED),
        ]
        notebook = nbformat.v4.new_notebook(cells=cells)
        build_notebooks.run(notebook, path.parent)
        outputs.append(notebook.cells[1].outputs[0].data["text/html"])
    assert ["earlier" in html for html in outputs] == [False, True], "and it would have"
