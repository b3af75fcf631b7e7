"""The field's test of `benchmarks/faults.py`: its programs end as they say, its marks hold, it judges rightly."""

import contextlib
import io
import linecache
import sys
import warnings

import pytest

from conftest import ROOT, in_gate

sys.path.insert(0, str(ROOT / "benchmarks"))

from faults import collect, fresh, table
from faults.collect import ENDS, Fault, faults_of
from faults.tools import anomaly, doctor, plain

PROGRAMS = {one.name: one for one in collect.every()}
FILES = sorted(path.stem for path in collect.PROGRAMS.glob("*.py"))
#: They start a process or the compiler.
DEAR = ("compiled", "spawned_worker")


def told(name, tmp_path, *tools):
    """What each tool says of the program of that name."""
    said = []
    for number, tool in enumerate(tools):
        (tmp_path / f"{number}").mkdir()
        said.append(tool.told(PROGRAMS[name], tmp_path / f"{number}"))
    return said


def ended(program):
    """The error that the program ends with in this process, or None; its output is kept off."""
    file, quiet = f"<{program.name}>", io.StringIO()
    linecache.cache[file] = len(program.text), None, program.text.splitlines(True), file
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(compile(program.text, file, "exec"), {"__name__": "__main__"})
            except (Exception, SystemExit) as error:
                return error


@pytest.mark.parametrize("name", [name for name in FILES if name not in DEAR])
def test_a_program_ends_as_its_head_says(name):
    program, error = PROGRAMS[name], ended(PROGRAMS[name])
    assert isinstance(error, Exception) == (program.ends == "raises"), error
    assert error is None or program.ends in ("raises", "caught")


@pytest.mark.parametrize("name", in_gate(DEAR))
def test_a_dear_program_ends_as_its_head_says(name, tmp_path):
    (one,) = told(name, tmp_path, plain)
    assert (one.ran.code == 1) == (PROGRAMS[name].ends == "raises"), one.ran.err


def test_each_program_has_a_name_of_its_own_and_a_known_ending():
    assert len(PROGRAMS) == len(collect.every()) > 70
    for one in PROGRAMS.values():
        assert one.ends in ENDS and one.kind and one.text.count("\nimport torch\n") <= 1, one.name
        assert one.text.startswith("import torch\n") or "\nimport torch\n" in one.text, one.name
        assert not (one.ends == "fine" and one.faults), one.name


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_short_and_clear(name):
    lines = PROGRAMS[name].text.splitlines()
    assert 9 <= len(lines) <= 30 and all(len(line) <= 100 for line in lines)


def test_marks_are_lines():
    text = "y = x.exp()  # saver\nz = x.sin()  # saver 2, writer\nx += 1  # writer 2\ny += 1  # writer\n"
    assert faults_of(text) == (Fault(1, frozenset({2, 4})), Fault(2, frozenset({3})))
    for half in ("x  # saver\n", "x  # writer\n", "x  # saver\ny  # saver\nz  # writer\n"):
        with pytest.raises(ValueError, match="fault 1 has"):
            faults_of(half)


def test_an_error_under_plain_python_and_the_doctor(tmp_path):
    before, after = told("filled_token_by_token", tmp_path, plain, doctor)
    result = table.Result(PROGRAMS["filled_token_by_token"], (after,), (before,))
    assert result.saver and result.writers and result.every
    assert result.unchanged and 0 < result.times < 1000


def test_a_caught_error_under_plain_python_and_the_doctor(tmp_path):
    before, after = told("logged_trial", tmp_path, plain, doctor)
    assert table.Result(PROGRAMS["logged_trial"], (after,), (before,)).unchanged
    assert before.ran.code == 3 and "RuntimeError: one of the variables" in before.ran.error
    number = PROGRAMS["logged_trial"].text.splitlines().index("    trial(0)") + 1
    frames = before.ran.err.partition("trial(0)")[0]
    assert before.ran.line(frames) == number, "the clock moves no line"


def ran(**changed):
    usual = {"code": 1, "out": "1\n", "err": "ValueError: no\n", "said": "", "seconds": 2.0}
    return fresh.Ran(**usual | changed)


@pytest.mark.parametrize("changed, same", [
    ({}, True), ({"code": 2}, False), ({"out": "2\n"}, False), ({"err": "ValueError: yes\n"}, False),
    ({"err": ""}, False), ({"err": "ValueError: no\nsaved by line 3\n"}, True), ({"seconds": 9.0}, True),
])  # fmt: skip
def test_what_counts_as_unchanged(changed, same):
    program = PROGRAMS["filled_token_by_token"]
    told_ = (fresh.Told(ran(**changed)),)
    assert table.Result(program, told_, (fresh.Told(ran()),)).unchanged == same


def test_a_row_counts_what_was_named():
    program, silent, fine = (
        collect.Program(ends, "kind", ends, "", (Fault(1, frozenset({2})),) * (ends != "fine"))
        for ends in ("raises", "silent", "fine")
    )

    def result(of, *faults, seconds=3.0):
        return table.Result(of, (fresh.Told(ran(seconds=seconds), faults),), (fresh.Told(ran()),))

    right, half = Fault(1, frozenset({2})), Fault(1, frozenset({2, 3}))
    found = [result(program, right), result(program, half), result(program, right, half)]
    found += [result(silent, right), result(fine, half), result(fine)]
    row = table.row("tool", ("saver", "writers", "silent"), found)
    assert row == ["tool", "3 of 3", "2 of 3", "1 of 3", "1 of 1", "1 of 2", "6 of 6", "1.50"]
    assert table.row("plain", (), found)[1:6] == ["–"] * 5
    assert "| raises | raises | saver writers all 1.5× |" in table.per_program({"tool": found[:1]})


def test_anomaly_modes_warning_names_a_line():
    trace = "Traceback of forward call that caused the error:\n"
    frames = '  File "/a/program.py", line 7, in f\n    y = x.exp()\n  File "/torch/nn.py", line 2, in g\n'
    assert anomaly.savers(ran(err=f"UserWarning: {trace}{frames} (Triggered\n")) == [7]


def test_the_doctors_json_is_read_by_the_savers_line():
    def one(saver, *writers, **more):
        place = saver and {"line": saver}
        return {"saver": place, "writers": [{"line": line} for line in writers], **more}

    said = {"diagnosis": one(3, 4), "silent": []}
    assert doctor.faults_of(said) == (Fault(3, frozenset({4})),)
    said["all"] = [one(3, 4, others=[one(5, 6), one(5, 7)]), one(None)]
    more = (Fault(5, frozenset({6, 7})), Fault(None))
    assert doctor.faults_of(said) == (Fault(3, frozenset({4})), *more)
    assert doctor.faults_of({"diagnosis": None, "silent": []}) == ()


def test_in_place_operations_of_the_errors_shape_are_read_out():
    text = "RuntimeError: … modified by an inplace operation: [torch.FloatTensor [4, 3]] is at version 2"
    listed = [((4, 3), 'File "/a/program.py", line 5'), ((3,), 'File "program.py", line 6')]
    assert ran(err=text).writers([*listed, ((4, 3), 'File "other.py", line 8')]) == {5}
    assert ran().writers(listed) == frozenset()
