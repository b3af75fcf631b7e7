"""How a file is called in a report: as short as it can be told from the others.

The idea: a path from where the program was started, a package's path from `site-packages` on, a
cell by its number; where two would be called the same, the whole path.
"""

from __future__ import annotations

import os
import sys
from collections import Counter

from overwritten.doctor.places import LIBRARY, packages_of, whose

#: Where a relative path begins: the program may go to another folder.
_START = os.getcwd()


def names_of(told) -> dict[str, str]:
    """file → its name in this report: as short as it can be told from the others."""
    return names_at([site for one in told for site in _sites(one)])


def names_at(sites) -> dict[str, str]:
    """The same of places."""
    files = {file for site in sites for file in (site.file, site.library) if file}
    names = {file: short(file) for file in files}
    twice = Counter(names.values())
    return {file: name if twice[name] == 1 else file for file, name in names.items()}


def _sites(one):
    saver = (one.saver.site, one.saver.until) if one.saver is not None else ()
    for site in (*saver, *(w.site for w in (*one.writers, *getattr(one, "suspects", ())))):
        if site is not None:
            yield site
    for gap in getattr(one, "gaps", ()):
        yield from (gap.since, gap.until)


def short(file: str) -> str:
    """'train.py' or 'nets/unet.py' from where the program was started, 'lightning/…/precision.py'
    of an installed package, 'In[3]' of a notebook."""
    try:
        return f"In[{_cells(sys.modules['IPython'].get_ipython())[file]}]"
    except (AttributeError, KeyError):
        pass
    if whose(file) == LIBRARY:
        parts = file[len(packages_of(file)) :].split(os.sep)
        return "/".join(parts if len(parts) < 3 else (parts[0], "…", parts[-1]))
    if file.startswith(_START + os.sep):
        return os.path.relpath(file, _START).replace(os.sep, "/")
    return os.path.basename(file)


def _cells(shell) -> dict[str, int]:
    """file → number of the cell that was run as that file, the last one."""
    try:
        return shell.compile._filename_map
    except AttributeError:  # IPython 7
        name, history = shell.compile.get_code_name, shell.history_manager
        cells = zip(history.input_hist_raw, history.input_hist_parsed)
        return {name(raw, code, number): number for number, (raw, code) in enumerate(cells)}
