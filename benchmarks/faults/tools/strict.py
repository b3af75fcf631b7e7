"""`python -m overwritten --strict`: also finds what raises nothing."""

from faults.tools import doctor

NEEDS, NAMES = "overwritten", ("saver", "writers", "silent")


def told(program, folder):
    return doctor.told(program, folder, "--strict")
