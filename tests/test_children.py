"""The processes that a watched program starts: each is watched, each is told of, none is changed.

A process that imports torch costs seconds, so many kinds of children share one run.
"""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from test_command import DOCTOR, FORKS, end, line_of, start, write

ROOT = Path(__file__).resolve().parents[1]
BOOTSTRAP = ROOT / "overwritten" / "doctor" / "bootstrap"

FAULT = """
    import torch

    def caught(*_):
        x = torch.ones(3, requires_grad=True)
        y = x.exp()  # saves
        y += 1  # writes
        try:
            y.sum().backward()
        except RuntimeError as error:
            return str(error)
"""
#: Of an error that the program caught: Python 3.10 has no notes, there they are on stderr.
NOTES = re.compile(r"\n(saved by|overwritten by|cure|no help) .*")
#: What every diagnosis of a report holds (DOCTOR.md).
CONTRACT = ("saver", "writers", "verdict", "cure", "cures")
KINDS = """
    import multiprocessing, os, signal, subprocess, sys
    from torch.utils.data import DataLoader
    from fault import caught

    def leaves():
        caught()
        os._exit(3)

    def is_killed():
        caught()
        os.kill(os.getpid(), signal.SIGKILL)

    class Trains:
        def __len__(self): return 1
        def __getitem__(self, i): return caught()

    if __name__ == "__main__":
        before = dict(os.environ), list(sys.path)
        for how, work in ("fork", leaves), ("fork", is_killed), ("spawn", caught), ("forkserver", caught):
            child = multiprocessing.get_context(how).Process(target=work)
            child.start()
            child.join()
            print(how, child.exitcode, flush=True)
        print(*DataLoader(Trains(), num_workers=1, multiprocessing_context="fork"), flush=True)
        subprocess.run([sys.executable, "grandparent.py"], env=dict(os.environ, WORD="kept"))
        if not os.fork():
            caught()
            sys.exit(4)
        print(os.WEXITSTATUS(os.wait()[1]), before == (dict(os.environ), sys.path))
        try:
            subprocess.run(["no such program"])
        except OSError:
            import traceback
            print(traceback.format_exc())
        raise KeyError("parent")
"""
# without torch, and with a path of its own, it hands on what it was handed
GRANDPARENT = """
    import os, sys
    names = [name for name in os.environ if name.startswith("OVERWRITTEN_CHILDREN")]
    print(names, os.environ["PYTHONPATH"], os.environ["WORD"], "torch" in sys.modules, flush=True)
    os.environ["PYTHONPATH"] += os.pathsep + "elsewhere"
    os.execv(sys.executable, [sys.executable, "grandchild.py"])
"""
GRANDCHILD = """
    import os, sys
    print(os.environ["PYTHONPATH"], sys.path[1:3], flush=True)
    from fault import caught
    caught()
"""


def told(folder, name="out.json"):
    return json.loads((folder / name).read_text(encoding="utf8"))


@FORKS
def test_every_kind_of_child(tmp_path):
    """One report has them all, and the program prints what it prints without the doctor."""
    write(tmp_path, fault=FAULT, kinds=KINDS, grandparent=GRANDPARENT, grandchild=GRANDCHILD)
    plain = start(tmp_path, "kinds.py")
    code, out, err = end(start(tmp_path, *DOCTOR, "--json", "out.json", "kinds.py"))
    plain_out = plain.communicate(timeout=60)[0].decode()
    assert code == plain.returncode == 1 and NOTES.sub("", out) == plain_out
    report, saves = told(tmp_path), line_of(tmp_path / "fault.py", "saves")
    assert report["error"] == {"type": "KeyError", "message": "'parent'"}
    seen = Counter(one["process"] for one in report["all"])
    assert len(seen) == 7 and set(seen.values()) == {1}, f"{seen}\n{err}"
    for one in report["all"]:
        assert one["saver"]["line"] == saves and one["writers"][0]["line"] == saves + 1
        assert one["error"]["type"] == "RuntimeError" and one["rank"] is None
    assert report["diagnosis"].items() <= report["all"][0].items()
    assert not [
        name for name in os.listdir(tmp_path) if name.startswith("out.") and name != "out.json"
    ]


RANKS = """
    import os, sys
    import torch
    import torch.distributed as dist
    from fault import caught
    dist.init_process_group("gloo")
    print(f"hello from {dist.get_rank()}\\n", end="", flush=True)  # ranks share the pipe
    caught()
    dist.barrier()
    sys.exit(dist.get_rank())
"""


def test_the_ranks_of_a_launcher(tmp_path):
    write(tmp_path, fault=FAULT, train=RANKS)
    launch = ["--standalone", "--nproc_per_node", "2", "train.py"]
    words = ["--json", "out.json", "-m", "torch.distributed.run", *launch]
    code, out, _ = end(start(tmp_path, *DOCTOR, *words))
    assert code == 1 and sorted(out.splitlines()) == ["hello from 0", "hello from 1"]
    report = told(tmp_path)
    assert report["error"]["type"] == "ChildFailedError"
    assert sorted(one["rank"] for one in report["all"]) == [0, 1]
    assert report["diagnosis"]["saver"]["line"] == line_of(tmp_path / "fault.py", "saves")


def test_the_doctor_in_each_rank(tmp_path):
    """`torchrun -m overwritten` and `srun python -m overwritten`: a report for each rank."""
    write(tmp_path, fault=FAULT, train="from fault import caught\ncaught()")
    words = [*DOCTOR, "--json", "out.json", "train.py"]
    first = start(tmp_path, *words, RANK="0", WORLD_SIZE="2")
    second = start(tmp_path, *words, SLURM_PROCID="1")
    assert (end(first)[0], end(second)[0]) == (0, 0)
    for name, number in {"out.json": 0, "out.rank1.json": 1}.items():
        report = told(tmp_path, name)
        assert [one["rank"] for one in report["all"]] == [number]
        first_of_all = {name: report["all"][0][name] for name in CONTRACT}
        assert report["error"] is None and report["diagnosis"] == first_of_all
    assert sorted(os.listdir(tmp_path)) == ["fault.py", "out.json", "out.rank1.json", "train.py"]


@FORKS
def test_what_cannot_be_told_is_one_sentence(tmp_path):
    """A report that is a folder, children that are skipped, strict's finds in a killed child."""
    write(tmp_path, fault=FAULT, program="""
        import os, subprocess, sys
        from fault import caught
        if not os.fork():
            caught()
            os._exit(0)
        os.wait()
        subprocess.run([sys.executable, "fault_too.py"])
        print("done")
    """, fault_too="from fault import caught\nprint(len(caught()))")  # fmt: skip
    (tmp_path / "folder").mkdir()
    refused = start(tmp_path, *DOCTOR, "--json", "folder", "program.py")
    words = ["--json", "out.json", "--strict", "--skip", "*fault_too.py"]
    code, out, err = end(start(tmp_path, *DOCTOR, *words, "program.py"))
    assert code == 0 and out.endswith("done\n")
    (only,) = told(tmp_path)["all"]
    late = f"overwritten: process {only['process']} was killed, left by os._exit or still runs: "
    assert err.count(late + "what --strict found there is not told.\n") == 1, err
    code, out, err = end(refused)
    assert code == 0 and out.endswith("done\n") and "Traceback" not in err
    (sentence,) = NOTES.sub("", f"\n{err}").split("\n")[1:-1]
    assert "the report could not be written" in sentence
    assert sorted(os.listdir(tmp_path / "folder")) == []


@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", "2>&-"])
def test_closed_streams(tmp_path, closed):
    write(tmp_path, fault=FAULT, program="from fault import caught\ncaught()\nraise SystemExit(5)")
    command = f"exec {sys.executable} -m overwritten --json out.json program.py {closed}"
    known = dict(os.environ, PYTHONPATH=str(ROOT))
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=known, capture_output=True)
    assert (done.returncode, done.stdout) == (5, b"")
    assert len(told(tmp_path)["all"]) == 1


LOOKS = """
import json, os, sys
theirs = os.environ.get("THEIRS") and sys.modules["sitecustomize"].__file__
modules = sorted(set(sys.modules) - {"_posixsubprocess", "sitecustomize"})
print(json.dumps([dict(os.environ), sys.path, modules, theirs]))
"""


@pytest.mark.parametrize("before", [None, "theirs", os.pathsep.join(["theirs", "more"])])
def test_a_child_without_torch_is_as_it_was(tmp_path, before):
    """Its environment, path and modules; a `sitecustomize` that was there runs and stays."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "sitecustomize.py").write_text("import os\nos.environ['THEIRS'] = 'ran'")
    known = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    if before:
        known["PYTHONPATH"] = before
    handed = os.pathsep.join([str(BOOTSTRAP), *filter(None, [before])])
    handed = known | {"PYTHONPATH": handed, "OVERWRITTEN_CHILDREN": "not read"}
    found = []
    for environment in (known, handed):
        command = [sys.executable, "-c", LOOKS]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert not done.stderr
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]
    assert not before or found[0][0]["THEIRS"] == "ran"


def test_without_torch_nothing_is_loaded_and_a_broken_package_is_one_sentence(tmp_path):
    """Options that make no sense stand for whatever goes wrong when the watch begins."""
    (tmp_path / "torch.py").write_text("word = 'mine'")
    environment = dict(os.environ, PYTHONPATH=f"{BOOTSTRAP}{os.pathsep}{ROOT}")
    environment["OVERWRITTEN_CHILDREN"] = "no JSON"
    code = "import torch; print(torch.word, torch.__loader__.exec_module.__qualname__)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == "mine _LoaderBasics.exec_module\n" and done.returncode == 0
    assert re.fullmatch(r"overwritten: process \d+ is not watched: .*\n", done.stderr)
