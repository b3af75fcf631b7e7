"""Whose line did it: the package's, and the line of one's own that led there."""

import sysconfig
from functools import partial
from pathlib import Path

import pytest
import torch

from overwritten import watch

PACKAGES = Path("/anywhere/site-packages")
SAVE = """
def save(tensor):
    return tensor.exp()
"""
STEP = """
def step(tensor):
    return inner(tensor)
def inner(tensor):
    return tensor.add_(1)
"""
CALL = """
def call(function, tensor):
    return function(tensor)
"""


def made(source, *file):
    """The function that `source` defines, as if it lay in an installed package."""
    names = {}
    exec(compile(source, str(PACKAGES.joinpath(*file)), "exec"), names)
    return next(value for name, value in names.items() if name in source)


def diagnosis(save, write):
    """Of a program that saves and writes by these functions."""
    with pytest.raises(RuntimeError), watch() as recording:
        y = save(torch.ones(3, requires_grad=True))
        write(y)
        y.sum().backward()
    return recording.diagnosis


def own(text):
    """The line of this file that reads so."""
    (number,) = (
        k for k, one in enumerate(Path(__file__).read_text("utf8").splitlines(), 1) if one == text
    )
    return number


def test_a_package_did_it_and_a_line_of_ones_own_led_there():
    """As Lightning's and accelerate's optimizers do."""
    step = made(STEP, "lightning", "plugins", "precision.py")
    told = diagnosis(torch.exp, step)
    (writer,) = told.as_dict()["writers"]
    here = own("        write(y)")
    assert (writer["file"], writer["line"]) == (__file__, here)
    assert writer["library"] == {
        "file": str(PACKAGES / "lightning" / "plugins" / "precision.py"),
        "line": 5,
    }
    assert "add_ at lightning/…/precision.py:5, called from " in told.text()
    assert f"test_places.py:{here}  `write(y)` (version 0 → 1)" in told.text()
    assert "library" not in told.as_dict()["saver"]


def test_a_script_that_pip_made_is_nobodys_own():
    """Under `$(which torchrun)` and `$(which pytest)` every line is called from there."""
    call = made(CALL, sysconfig.get_path("scripts"), "torchrun")
    save = made(SAVE, "nets", "model.py")
    told = diagnosis(partial(call, save), lambda y: y.add_(1))
    assert told.saver.site.library == str(PACKAGES / "nets" / "model.py")
    assert told.saver.site.file == __file__


def test_packages_files_of_one_name_are_told_apart():
    told = diagnosis(made(SAVE, "nets", "model.py"), made(STEP, "heads", "model.py"))
    assert "exp at nets/model.py:3" in told.text() and "add_ at heads/model.py:5" in told.text()
