"""`python -m overwritten program …`: it runs as it would without, and errors tell more.

Each program is a file of its own and runs twice, with and without, at the same time.
"""

import json
import os
import py_compile
import re
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from textwrap import dedent

import pytest

from conftest import PATIENCE
from overwritten.__main__ import main
from overwritten.record.private import SHOWS_SAVES

FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
SHOWN = pytest.mark.skipif(not SHOWS_SAVES, reason="this PyTorch does not show what it saves")
DOCTOR = ("-m", "overwritten")
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01"
OURS = str(Path(__file__).resolve().parents[1] / "overwritten")


def write(folder, **programs):
    """Files named like the keywords; a double underscore stands for a folder's slash."""
    for name, text in programs.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip())


def line_of(path, mark):
    """The number of the line that ends in the comment `# mark`."""
    lines = path.read_text().split("\n")
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"# {mark}"))


def start(folder, *words, **environment):
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    known = dict(os.environ, PYTHONPATH=os.path.dirname(OURS), **environment)
    command = [sys.executable, *map(str, words)]
    return subprocess.Popen(command, cwd=folder, env=known, start_new_session=True, **streams)


def end(process, given=b""):
    """(exit code, stdout, stderr); no line of ours is ever in a traceback."""
    try:
        out, told = process.communicate(given, timeout=PATIENCE)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert f'File "{OURS}' not in told.decode() and "runpy" not in told.decode(), told.decode()
    return process.returncode, out.decode(), told.decode()


def run(folder, *words, **environment):
    """Under the doctor alone."""
    return end(start(folder, *DOCTOR, *words, **environment))


def same(folder, *words, options=(), given=b"", **environment):
    """Run it with and without the doctor: exit code, stdout and stderr must not differ at all."""
    doctor = start(folder, *DOCTOR, *options, *words, **environment)
    plain = start(folder, *words, **environment)
    streams = plain.communicate(given, timeout=PATIENCE)
    code, out, told = end(doctor, given)
    assert (code, out, told) == (plain.returncode, streams[0].decode(), streams[1].decode())
    return code, out, told


def frames(told):
    return re.findall(r'File "(.*?)", line', told)


TRAIN = """
    import argparse, os
    import torch
    from torch import nn

    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.act, self.drop = nn.ReLU(), nn.Dropout(0.5, inplace=True)

        def forward(self, x):
            x = self.act(x)  # saves
            return self.drop(x)  # writes

    options = argparse.ArgumentParser()
    options.add_argument("--width", type=int)
    options.add_argument("--strict", action="store_true")
    options.add_argument("--json")
    options.add_argument("-m")
    options = options.parse_args()
    print(options.width, options.strict, options.json, options.m)
    os.chdir("elsewhere")
    net = nn.Sequential(nn.Linear(4, options.width), Head())
    net(torch.randn(2, 4)).sum().backward()  # fails
"""


LEAF = """
    import torch

    w = torch.nn.Parameter(torch.ones(3))
    w += 1  # writes
"""


def test_a_refused_write_is_in_the_report(tmp_path):
    write(tmp_path, train=LEAF)
    code, _, told = run(tmp_path, "--json", "out.json", "train.py")
    report = json.loads((tmp_path / "out.json").read_text(encoding="utf8"))
    (refused,), line = report["refused"], line_of(tmp_path / "train.py", "writes")
    assert code == 1 and refused["writer"]["op"] == "add_" and refused["writer"]["line"] == line
    assert refused["cures"][0]["line"] == line and "no_grad" in refused["cures"][0]["does"]
    assert report["diagnosis"] is None and "refused        add_ at train.py" in told


def test_a_training_script_that_fails(tmp_path):
    """By its relative name, from a script that goes to another folder: whole paths all the same."""
    write(tmp_path, train=TRAIN)
    (tmp_path / "elsewhere").mkdir()
    words = ["train.py", "--width", "8", "--strict", "--json", "theirs.json", "-m", "it"]
    plain = start(tmp_path, *words)
    code, out, told = run(tmp_path, "--json", "ours.json", *words)
    out_plain, told_plain = (stream.decode() for stream in plain.communicate(timeout=PATIENCE))
    assert code == plain.returncode == 1 and out == out_plain == "8 True theirs.json it\n"
    assert "theirs.json" not in os.listdir(tmp_path) and not os.listdir(tmp_path / "elsewhere")

    script = tmp_path / "train.py"
    report = json.loads((tmp_path / "ours.json").read_text(encoding="utf8"))
    diagnosis = report.pop("diagnosis")
    (only,) = report.pop("all")
    assert only["rank"] is None and diagnosis.items() <= only.items()
    assert only["error"] == report["error"]
    cure = diagnosis.pop("cure")
    (advice,) = diagnosis.pop("cures")
    assert advice.keys() == {"file", "line", "does"}
    assert (advice["file"], advice["line"]) == (str(script), line_of(script, "writes"))
    assert "inplace=False" in cure and advice["does"] in cure
    assert diagnosis == {
        "saver": {
            "op": "relu",
            "file": str(script),
            "line": line_of(script, "saves"),
            "module": "Sequential.1.act (ReLU)",
            "version": 0,
        },
        "writers": [
            {
                "op": "dropout",
                "file": str(script),
                "line": line_of(script, "writes"),
                "module": "Sequential.1.drop (Dropout)",
                "before": 0,
                "after": 1,
            }
        ],
        "verdict": "raises",
    }
    message = report["error"].pop("message")
    assert report == {"error": {"type": "RuntimeError"}, "silent": [], "refused": []}

    # the error is the same, word for word, then comes the note (before it on Python 3.10)
    assert f"RuntimeError: {message}\n" in told and f"RuntimeError: {message}\n" in told_plain
    note = told.split(message)[sys.version_info >= (3, 11)]
    assert "saved by       relu at train.py:" in note and f"cure           {cure}: " in note
    for text in (told, told_plain):
        mine = [file for file in frames(text) if "torch" not in file]
        assert mine == [str(script)] and ".backward()  # fails\n" in text


def test_a_program_is_run_as_python_runs_it(tmp_path):
    """Names, arguments, siblings, the environment, stdin, stderr, warnings, annotations."""
    (tmp_path / "bin").mkdir()
    write(tmp_path, src__sibling="value = 7", src__program="""
        import os, pickle, sys, warnings
        import torch
        import sibling

        class Point:
            def __init__(self, x): self.x = x

        def half(x: int) -> float: return x / 2

        if __name__ == "__main__":
            print(__file__, sys.argv, sys.path[0], __package__, __spec__, __doc__, sibling.value)
            print(sorted(set(vars()) - {"__cached__", "__annotations__"}), half.__annotations__)
            names = "RANK LOCAL_RANK WORLD_SIZE MASTER_ADDR MASTER_PORT OMP_NUM_THREADS".split()
            print({name: os.environ.get(name) for name in names}, os.getcwd())
            print(sys.stdin.readline(), *sys.stdin)
            print("a word on stderr", file=sys.stderr)
            warnings.warn("old", DeprecationWarning)
            assert type(pickle.loads(pickle.dumps(Point(3)))) is Point
            assert sys.modules["__main__"].Point is Point
            torch.manual_seed(0)
            net = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
            optimizer = torch.optim.Adam(net.parameters())
            for step in range(5):
                optimizer.zero_grad()
                loss = net(torch.randn(8, 4)).square().mean()
                loss.backward()
                optimizer.step()
                print(loss.item().hex(), torch.get_rng_state().sum().item())
    """)  # fmt: skip
    (tmp_path / "bin/tool.py").symlink_to("../src/program.py")  # a sibling is one of the target
    ranks = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"}
    ranks |= {"MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}
    words = ["bin/tool.py", "--a=b", "", "two words", "--", "-h"]
    code, out, _ = same(tmp_path, *words, given="é 1\n2\n3".encode(), **ranks)
    assert code == 0 and "'--a=b', '', 'two words', '--', '-h'" in out
    assert "'RANK': '1'" in out and "é 1" in out


def test_folders_archives_and_bytecode_run_as_python_runs_them(tmp_path):
    said = "import sys; print(sys.argv, sys.path[:2], __file__, __spec__ is None, tool.x)"
    write(tmp_path, app__tool="x = 3", plain="print(__file__, __name__)")
    (tmp_path / "app/__main__.py").write_text(f"import tool\n{said}")
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        for name in ("__main__.py", "tool.py"):
            archive.write(tmp_path / "app" / name, name)
    py_compile.compile(str(tmp_path / "plain.py"), str(tmp_path / "plain.pyc"))
    for name in ("app", "app.pyz", "plain.pyc"):
        assert same(tmp_path, name, "--a")[0] == 0


def test_the_end_of_a_program(tmp_path):
    """What runs after its last line: threads, atexit, __del__, in Python's order and in its __main__."""
    write(tmp_path, program="""
        import atexit, pickle, sys, threading, time

        class Last:
            def __del__(self): print("deleted")

        class Point: pass

        def late(who):
            time.sleep(0.5)  # the last line is over by now
            print(who, type(pickle.loads(pickle.dumps(Point()))).__name__, sys.argv)

        last = Last()
        atexit.register(late, "atexit")
        threading.Thread(target=late, args=("thread",)).start()
    """)  # fmt: skip
    code, out, _ = same(tmp_path, "program.py", "x")
    ends = [f"{who} Point ['program.py', 'x']" for who in ("thread", "atexit")]
    assert code == 0 and out.splitlines() == [*ends, "deleted"]


def test_warnings_of_torch_name_the_program(tmp_path):
    write(tmp_path, program="""
        import torch
        a = torch.ones(2, 3, 4, requires_grad=True)
        b = a * 2
        b.grad
        a.T.sum().backward()
        torch.ones(3).sum().requires_grad_().repeat(2).sum().backward(create_graph=True)
    """)  # fmt: skip
    code, _, told = same(tmp_path, "program.py")
    assert code == 0 and "program.py:4: UserWarning" in told


def test_recursion_ends_where_it_would(tmp_path):
    text = """
        def depth(n=0):
            try:
                return depth(n + 1)
            except RecursionError:
                return n
        print(depth())
        def endless():
            endless()
        endless()
        """
    write(tmp_path, deep=text)
    code, out, told = same(tmp_path, "deep.py")
    assert code == 1 and "more times]\nRecursionError" in told
    plain = start(tmp_path, "-m", "deep").communicate(timeout=PATIENCE)[0].decode()
    assert run(tmp_path, "-m", "deep")[1] == plain != out


def test_exit_codes(tmp_path):
    programs = {
        "three": ("import sys; print('out', flush=True); sys.exit(3)", 3),
        "words": ("import sys; sys.exit('words')", 1),
        "value": ("def f():\n    raise ValueError('bad value')\nf()", 1),
        "hard": ("import os; os._exit(7)", 7),
    }
    write(tmp_path, **{name: text for name, (text, _) in programs.items()})
    started = {
        name: start(tmp_path, *DOCTOR, "--json", f"{name}.json", f"{name}.py") for name in programs
    }
    told = {}
    for name, (_, expected) in programs.items():
        code, *streams = end(started[name])
        plain = start(tmp_path, f"{name}.py")
        assert streams == [stream.decode() for stream in plain.communicate(timeout=PATIENCE)], name
        assert code == plain.returncode == expected, name
        told[name] = streams[1]
    assert told["three"] == told["hard"] == "" and told["words"] == "words\n"
    assert not (tmp_path / "hard.json").exists()
    written = ("three", "words", "value")
    reports = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in written}
    nothing = {"error": None, "diagnosis": None, "silent": [], "all": [], "refused": []}
    assert reports["three"] == reports["words"] == nothing
    error = {"type": "ValueError", "message": "bad value"}
    assert reports["value"] == nothing | {"error": error}


def test_ctrl_c(tmp_path):
    write(tmp_path, program="import time\nprint('ready', flush=True)\ntime.sleep(60)")
    process = start(tmp_path, *DOCTOR, "--json", "out.json", "program.py")
    assert process.stdout.readline() == b"ready\n"
    process.send_signal(signal.SIGINT)
    code, _, told = end(process)
    assert code == 130 and told.endswith("KeyboardInterrupt\n")
    assert frames(told) == [str(tmp_path / "program.py")]
    assert json.loads((tmp_path / "out.json").read_text())["error"]["type"] == "KeyboardInterrupt"


def test_calls_that_make_no_sense(tmp_path, monkeypatch, capsys):
    """Nothing runs: told in this process."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path, fine="print('done')")
    (tmp_path / "folder").mkdir()
    for words, sentence in (
        (["nothing.py", "x"], "there is no file 'nothing.py'"),
        (["folder"], "'folder'"),
        ([], "name the program to run"),
        (["-m"], "name the program to run"),
        (["--json", "no/where.json", "fine.py"], "no/where.json"),
    ):
        assert main(words) == 2
        out, told = capsys.readouterr()
        assert sentence in told and told.count("\n") == 1 and not out


def test_programs_that_cannot_be_run(tmp_path):
    (tmp_path / "picture.py").write_bytes(PNG)
    missing, picture = (
        start(tmp_path, *DOCTOR, *words) for words in (["-m", "no_such_module"], ["picture.py"])
    )
    code, out, told = end(missing)
    assert code == 1 and not out and told.count("\n") == 1 and "No module named" in told
    code, _, told = end(picture)
    words = "SyntaxError" if sys.version_info >= (3, 11) else "(SyntaxError|ValueError)"
    assert code == 1 and re.search(words, told) and "Traceback" not in told


def test_modules_of_a_package(tmp_path):
    write(tmp_path, package____init__="", package__near="word = 'near'", package__tool="""
        import sys
        from . import near
        from .near import word

        class Point: pass

        if __name__ == "__main__":
            import pickle
            print(near.word, word, __package__, __spec__.name, __file__, sys.argv, sys.path[0])
            print(type(pickle.loads(pickle.dumps(Point()))) is Point)
            print(__import__("package.tool").tool.Point is Point)
    """)  # fmt: skip
    code, out, _ = same(tmp_path, "-m", "package.tool", "--json", "x", "-m", "y")
    assert (
        code == 0 and "'--json', 'x', '-m', 'y'" in out and "near near package package.tool" in out
    )


@FORKS
def test_worker_processes_and_a_writer_in_a_thread_pool(tmp_path):
    write(tmp_path, program="""
        from concurrent.futures import ThreadPoolExecutor
        import torch
        from torch.utils.data import DataLoader

        class Squares(torch.utils.data.Dataset):
            def __len__(self): return 8
            def __getitem__(self, i): return (torch.ones(3) * i).square()

        def scale(tensor):
            tensor.detach().mul_(2)  # writes

        weight = torch.ones(3, requires_grad=True)
        with ThreadPoolExecutor(1, thread_name_prefix="pool") as pool:
            for batch in DataLoader(Squares(), 4, num_workers=2, multiprocessing_context="fork"):
                print(batch.sum().item(), flush=True)
                y = (weight * batch).exp()  # saves
                pool.submit(scale, y).result()
            y.sum().backward()
    """)  # fmt: skip
    script = tmp_path / "program.py"
    code, out, told = run(tmp_path, "--json", "out.json", script)
    assert code == 1 and out == "42.0\n378.0\n"
    diagnosis = json.loads((tmp_path / "out.json").read_text())["diagnosis"]
    assert diagnosis["saver"]["line"] == line_of(script, "saves")
    (wrote,) = diagnosis["writers"]
    assert (wrote["op"], wrote["file"], wrote["line"]) == (
        "mul_",
        str(script),
        line_of(script, "writes"),
    )
    assert (
        f"overwritten by mul_ at program.py:{wrote['line']}" in told and "in thread pool_0" in told
    )


def test_spawned_processes(tmp_path):
    write(tmp_path, program="""
        import multiprocessing, sys

        class Point:
            def __init__(self, x): self.x = x

        def twice(point):
            return Point(2 * point.x), multiprocessing.current_process().name.split("-")[0], sys.argv

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                print([(p.x, type(p) is Point, *rest) for p, *rest in pool.map(twice, map(Point, range(3)))])
    """)  # fmt: skip
    code, out, _ = same(tmp_path, "program.py", "--word")
    assert code == 0 and "(4, True, 'SpawnPoolWorker', ['program.py', '--word'])" in out


@FORKS
def test_a_workers_error_that_the_loader_raises_anew(tmp_path):
    write(tmp_path, program="""
        import torch
        from torch.utils.data import DataLoader
        lin = torch.nn.Linear(2, 2)
        class Data(torch.utils.data.Dataset):
            def __len__(self): return 2
            def __getitem__(self, k):
                y = torch.ones(2, requires_grad=True).exp()
                y.add_(1)
                y.sum().backward()
        if __name__ == "__main__":
            list(DataLoader(Data(), num_workers=1, multiprocessing_context="fork"))
    """)  # fmt: skip
    code, _, told = run(tmp_path, "--json", "out.json", "program.py")
    report = json.loads((tmp_path / "out.json").read_text())
    assert code == 1 and "suspect" not in told
    assert [one["saver"]["line"] for one in (report["diagnosis"], *report["all"])] == [7, 7]


@FORKS
def test_the_parent_alone_writes_the_report(tmp_path):
    write(tmp_path, program="""
        import os, sys
        for end in (lambda: None, lambda: sys.exit(5), lambda: 1 / 0):
            child = os.fork()
            if not child:
                end()
                sys.exit(0)
            print(os.WEXITSTATUS(os.waitpid(child, 0)[1]), os.path.exists("out.json"), flush=True)
        raise KeyError("parent")
    """)  # fmt: skip
    code, out, _ = same(tmp_path, "program.py", options=["--json", "out.json"])
    assert code == 1 and out == "0 False\n5 False\n1 False\n"
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["error"] == {"type": "KeyError", "message": "'parent'"}


@SHOWN
@pytest.mark.parametrize("folder", [pytest.param("project", marks=pytest.mark.slow), "overwritten"])
def test_strict(tmp_path, folder):
    """Writes past the counter are told of and change nothing else, whatever the folder's name."""
    write(tmp_path / folder, program="""
        import torch
        x = torch.ones(3, requires_grad=True)
        y = x.exp()  # saves one
        y.data.mul_(2)  # writes one
        z = x.sigmoid()  # saves two
        z.detach().numpy()[0] = 5  # writes two
        (y.sum() + z.sum()).backward()
        print(x.grad.tolist())
    """)  # fmt: skip
    script = tmp_path / folder / "program.py"
    plain = start(tmp_path, script)
    code, out, told = run(tmp_path, "--strict", "--json", "out.json", script)
    assert code == 0 and out.encode() == plain.communicate(timeout=PATIENCE)[0]
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["error"] is None and report["diagnosis"] is None and len(report["silent"]) == 2
    for silent in report["silent"]:
        which = {"exp": "one", "sigmoid": "two"}[silent["saver"]["op"]]
        saved, written = line_of(script, f"saves {which}"), line_of(script, f"writes {which}")
        assert silent["saver"] == {
            "op": silent["saver"]["op"],
            "file": str(script),
            "line": saved,
            "module": "",
            "version": 0,
        }
        (wrote,) = silent["writers"]
        assert (wrote.pop("op") == "mul_") == (which == "one")
        assert wrote == {
            "file": str(script),
            "line": written,
            "module": "",
            "before": None,
            "after": None,
        }
        assert f"program.py:{written}" in told and f"program.py:{saved}" in told
    assert told.count("a gradient is wrong") == 2


BAD_STEP = """
    import torch
    def step():
        y = torch.ones(3, requires_grad=True).exp()
        y += 1
        y.sum().backward()
    try:
        step()
    except RuntimeError as error:
"""


def test_an_error_on_its_way_through_the_program(tmp_path):
    """Raised from another one (no frame of ours in either), or with a note of the program's own."""
    write(tmp_path, chained=BAD_STEP + "        raise ValueError('step 3') from error")
    write(tmp_path, noted=BAD_STEP + "        error.args = (*error.args,)\n        raise")
    if sys.version_info >= (3, 11):
        write(tmp_path, noted=BAD_STEP + "        error.add_note('step 3')\n        raise")
    noted = start(tmp_path, *DOCTOR, "noted.py")
    code, _, told = run(tmp_path, "--json", "out.json", "chained.py")
    assert code == 1 and "ValueError: step 3" in told and "direct cause" in told
    assert told.count("saved by       exp at chained.py:3") == 1
    report = json.loads((tmp_path / "out.json").read_text())
    assert (
        report["error"]["type"] == "ValueError" and report["diagnosis"]["writers"][0]["line"] == 4
    )
    assert {file for file in frames(told) if "torch" not in file} == {str(tmp_path / "chained.py")}
    code, _, told = end(noted)
    assert code == 1 and told.count("saved by       exp at noted.py:3") == 1
    assert sys.version_info < (3, 11) or "\nstep 3\n" in told


@SHOWN
def test_strict_says_so_where_nothing_is_overwritten(tmp_path):
    write(
        tmp_path,
        program="import torch\nx = torch.ones(3, requires_grad=True)\nx.exp().sum().backward()\n",
    )
    code, out, told = run(tmp_path, "--strict", "program.py")
    assert (code, out) == (
        0,
        "",
    ) and told == "overwritten --strict: nothing that backward needs was overwritten.\n"


@pytest.mark.slow
def test_a_path_is_told_as_python_tells_it(tmp_path):
    (tmp_path / "fails.py").write_text("raise ValueError(__file__)\n")
    (tmp_path / "inner").mkdir()
    for path in ("../fails.py", "./../fails.py"):
        assert same(tmp_path / "inner", path)[0] == 1
