"""All processes of a run: each watches for itself and writes a part, the first gathers them.

The idea: a child is watched as its parent is (by fork it inherits the watch, by
`bootstrap/sitecustomize.py` it begins one), and what it finds is written the moment it is found,
so nothing is lost where a process is killed or leaves by `os._exit`.
The program hears nothing of it: what cannot be told is one sentence on stderr.
"""

from __future__ import annotations

import atexit
import glob
import json
import multiprocessing.util
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from overwritten.doctor.block import Doctor
from overwritten.doctor.bootstrap.sitecustomize import hand_on
from overwritten.doctor.gradients import Gradients
from overwritten.doctor.healed import cost_dict, fault_dict, healed_text
from overwritten.doctor.listed import list_text, row_dict
from overwritten.doctor.listing import Listing, Row
from overwritten.doctor.ranks import between, is_special, put, rank
from overwritten.doctor.report import (
    CONTRACT,
    refused_dict,
    silent_dict,
    silent_text,
    whole_dict,
)
from overwritten.doctor.saying import say

#: A report is written again at once if that takes at most this part of the time.
SHARE = 0.02


@dataclass(frozen=True)
class Run:
    """What all processes of a run share. report: the whole path of the JSON, '' for none.

    process: the id of the first one. skip: patterns of command lines that are not watched.
    gradients: does the first process keep them for `--check`?
    """

    strict: bool = False
    report: str = ""
    skip: tuple[str, ...] = ()
    process: int = 0
    heal: bool = False
    gradients: bool = False
    listing: bool = False

    def part(self, process) -> str:
        """The file of a child, beside the report."""
        return between(self.report, f"{self.process}.{process}")

    def parts(self) -> list[str]:
        """The files of all children that have written one."""
        stem, ending = os.path.splitext(self.report)
        return sorted(glob.glob(f"{glob.escape(stem)}.{self.process}.*{ending}"))


class Told:
    """What this process has to tell, at each diagnosis and at its end; a fork begins anew.

    eyes: the watch. parts: what the children have told, once `end` has gathered it.
    """

    def __init__(self, run: Run):
        first = run.gradients and os.getpid() == run.process
        self.gradients = Gradients() if first else None
        self.run = run
        self.listing = Listing() if run.listing else None
        self.eyes = Doctor(
            run.strict,
            self.note,
            heal=run.heal,
            gradients=self.gradients,
            listing=self.listing,
        )
        self._begin()
        if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
            os.register_at_fork(after_in_child=self._forked)
        multiprocessing.util.register_after_fork(self, Told._ends_with_its_process)

    def _begin(self):
        self.process, self.found, self.parts = os.getpid(), [], []
        self._file, self._again, self._refused, self._ended = None, 0.0, False, False

    def _forked(self):
        self.eyes.forget()
        self.gradients = None
        if self.eyes.healer is not None:
            self.eyes.healer.faults.forget()
        if self.listing is not None:
            self.listing.forget()
        self._begin()
        self._begun()

    def _begun(self):
        """A child that may find more than it tells at once is known by its file from here on."""
        if self.run.strict:
            self.write()

    def _ends_with_its_process(self):
        """A child of multiprocessing leaves by `os._exit`; its own finalizers run before."""
        multiprocessing.util.Finalize(None, self.end, exitpriority=-100)

    @property
    def is_child(self) -> bool:
        return self.process != self.run.process

    @property
    def silent(self) -> list[dict]:
        mine = [self._signed(silent_dict(one)) for one in self.eyes.silent]
        return mine + [one for part in self.parts for one in part["silent"]]

    @property
    def all(self) -> list[dict]:
        """Every diagnosis of the run, caught or not; those of children once they are gathered."""
        mine = [self._signed(one) for one in self.found]
        return mine + [one for part in self.parts for one in part["all"]]

    @property
    def refused(self) -> list[dict]:
        """Every write that PyTorch refused at once."""
        mine = [self._signed(refused_dict(*one)) for one in self.eyes.refusals]
        return mine + [one for part in self.parts for one in part["refused"]]

    @property
    def healed(self) -> list[dict]:
        """Every fault of a healed run."""
        faults = self.eyes.healer.faults.all if self.eyes.healer else ()
        mine = [self._signed(fault_dict(one)) for one in faults]
        return mine + [one for part in self.parts for one in part.get("healed", ())]

    @property
    def rows(self) -> list[Row]:
        """Every write of this process, where they are listed."""
        return self.listing.rows(self.eyes.all, self.eyes.silent) if self.listing else []

    @property
    def writes(self) -> list[dict]:
        mine = [self._signed(row_dict(row)) for row in self.rows]
        return mine + [one for part in self.parts for one in part.get("writes", ())]

    def _signed(self, found):
        return {"rank": rank(), "process": self.process, **found}

    def note(self, error, diagnosis):
        """A diagnosis came in: write it down, unless too much time has gone into that."""
        self.found.append({"error": _error(error), **whole_dict(diagnosis)})
        begun = time.monotonic()
        if begun >= self._again:
            self.write()
            now = time.monotonic()
            self._again = now + (now - begun) / SHARE

    def end(self, error=None, diagnosis=None):
        """The last word. error: what ended the program; diagnosis: of it, else the first of all."""
        if self._ended:
            return
        self._ended = True
        for silent in self.eyes.silent:
            say(silent_text(silent))
        healer = self.eyes.healer
        if healer is not None and (healer.faults.all or not self.is_child):
            say(healed_text(healer))
        if self.listing is not None:
            say(list_text(self.rows))
        if not self.is_child:
            self._gather()
        if not self.is_child or self.run.strict or self.found or self.healed or self.refused:
            self.write(error, diagnosis)

    def _gather(self):
        """Read the parts of the children and take them away."""
        for path in self.run.parts():
            try:
                with open(path, encoding="utf8") as part:
                    self.parts.append(json.load(part))
                os.remove(path)
            except (OSError, ValueError) as error:
                say(f"overwritten: a child's part of the report could not be read: {error}")
        late = [str(part["process"]) for part in self.parts if not part["ended"]]
        if late and self.run.strict:
            say(
                f"overwritten: process {', '.join(late)} was killed, left by os._exit or still "
                "runs: what --strict found there is not told."
            )

    def write(self, error=None, diagnosis=None):
        """The report of the first process, or the part of a child: whole, or as it was before."""
        if self._refused or not self.run.report:
            return
        report = {"error": _error(error), "diagnosis": None, "silent": self.silent, "all": self.all}
        report["refused"] = self.refused
        if diagnosis is not None:
            report["diagnosis"] = diagnosis.as_dict()
        elif report["all"]:
            first = report["all"][0]
            report["diagnosis"] = {name: first[name] for name in CONTRACT}
        if self.eyes.healer is not None:
            report |= {"healed": self.healed, "healing": cost_dict(self.eyes.healer)}
        if self.listing is not None:
            report["writes"] = self.writes
        if self.gradients is not None:
            report["gradients"] = self.gradients.as_dict()
        if self.is_child:
            report |= {"process": self.process, "ended": self._ended}
        try:
            self._file = self._file or self._new_file()
            if self._ended or not is_special(self._file):
                put(self._file, json.dumps(report, indent=1))
        except OSError as refused:
            self._refused = True
            say(f"overwritten: the report could not be written: {refused}")

    def _new_file(self):
        """The report's own path, or one beside it that no other process has had."""
        if not self.is_child:
            return self.run.report
        path, again = self.run.part(self.process), 1
        while os.path.exists(path):
            again += 1
            path = self.run.part(f"{self.process}.{again}")
        return path


@contextmanager
def handed_on(run: Run):
    """`Told` of the first process of a run, for as long as its children are watched."""
    _leave_parents()
    for stale in run.report and run.parts():
        os.remove(stale)
    undo = hand_on(json.dumps(asdict(run)))
    try:
        yield Told(run)
    finally:
        undo()


def begin_in_a_child(options: str):
    """Called in a child when it has imported torch."""
    global _inherited
    run = Run(**json.loads(options))
    line = " ".join(sys.orig_argv)
    if any(fnmatchcase(line, pattern) for pattern in run.skip):
        return
    told = _inherited = Told(run)
    told.eyes.__enter__()
    told._begun()
    atexit.register(_leave_parents)


_inherited = None


def _leave_parents():
    """End the watch that this process was handed, as its end does or a doctor of its own."""
    global _inherited
    told, _inherited = _inherited, None
    if told is not None:
        told.eyes.__exit__(None, None, None)
        told.end()


def _error(error):
    if error is None or isinstance(error, SystemExit):
        return None
    return {"type": type(error).__name__, "message": str(error)}
