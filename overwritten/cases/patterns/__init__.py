"""The patterns of the field guide: ways to 'modified by an inplace operation', and their cousins.

The idea: data over branches. Each pattern is what a person once wrote, the same program with
the smallest change that makes it right, and what people try instead.
Numbers, order and threads: section D of the course's facts on root causes.
"""

from overwritten.cases.patterns.holes import HOLES
from overwritten.cases.patterns.inputs import INPUTS
from overwritten.cases.patterns.neighbours import NEIGHBOURS
from overwritten.cases.patterns.pattern import HEAD, Pattern
from overwritten.cases.patterns.refused import REFUSED
from overwritten.cases.patterns.results import RESULTS
from overwritten.cases.patterns.silent import SILENT
from overwritten.cases.patterns.weights import WEIGHTS

#: All, in the order of the lesson, which counts them from 1.
EVERY = (*RESULTS, *INPUTS, *WEIGHTS, *REFUSED, *NEIGHBOURS, *SILENT, *HOLES)
#: Those met in training code; saver, writers and cure are known for the doctor.
PATTERNS = tuple(pattern for pattern in EVERY if pattern.saver)
#: Other messages, other names in the message, or none at all.
COUSINS = tuple(pattern for pattern in EVERY if not pattern.saver)

__all__ = ["COUSINS", "EVERY", "HEAD", "PATTERNS", "Pattern"]
