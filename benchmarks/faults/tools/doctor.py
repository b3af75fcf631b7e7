"""`python -m overwritten`: names saver and writers."""

import json

from faults.collect import Fault
from faults.fresh import SAID, Told, run

NEEDS, NAMES = "overwritten", ("saver", "writers")


def told(program, folder, *options):
    ran = run(program, folder, before=("-m", "overwritten", *options, "--json", SAID))
    if not ran.said:
        return Told(ran)
    said = json.loads(ran.said)
    every = [said["diagnosis"], *said.get("all", ()), *said["silent"]]
    return Told(ran, tuple(dict.fromkeys(_fault(one) for one in every if one)))


def _fault(one):
    saver = one["saver"] and one["saver"]["line"]
    return Fault(saver, frozenset(writer["line"] for writer in one["writers"]))
