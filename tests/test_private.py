"""PyTorch's private functions stand in one file."""

import re
from pathlib import Path

import overwritten

PRIVATE = re.compile(
    r"torch(\.\w+)*\._(?!_)|\b_C\.|^\s*from torch[\w.]* import .*\b_(?!_)", re.MULTILINE
)
HOUSE = Path(overwritten.__file__).parent


def test_no_other_file_of_the_package_asks_torch_for_something_private():
    files = {
        file.relative_to(HOUSE).as_posix(): file.read_text("utf8") for file in HOUSE.rglob("*.py")
    }
    # the programs of patterns do what PyTorch's own code does
    house = {name for name in files if not name.startswith("cases/patterns/")}
    found = {name for name in house if PRIVATE.search(files[name])}
    assert found == {"record/private.py"}
