"""`python -m overwritten`: names saver and writers."""

import json

from faults.collect import Fault
from faults.fresh import SAID, Told, run

NEEDS, NAMES = "overwritten", ("saver", "writers")


def told(program, folder, *options):
    ran = run(program, folder, before=("-m", "overwritten", *options, "--json", SAID))
    if not ran.said:
        return Told(ran)
    return Told(ran, faults_of(json.loads(ran.said)))


def faults_of(said):
    """The JSON's diagnoses by the saver's line, the main one first."""
    heads = filter(None, [said["diagnosis"], *said.get("all", ()), *said["silent"]])
    writers = {}
    for one in [one for head in heads for one in (head, *head.get("others", ()))]:
        saver = one["saver"] and one["saver"]["line"]
        writers.setdefault(saver, set()).update(writer["line"] for writer in one["writers"])
    return tuple(Fault(saver, frozenset(lines)) for saver, lines in writers.items())
