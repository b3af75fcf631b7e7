"""The tools, one a file: what it is in the first line of the docstring, then NEEDS, NAMES, `told`.

NEEDS: a module that must be there. NAMES: which of "saver", "writers" and "silent" (faults that
raise nothing) it can name at all. `told(program, folder)` runs the program in a fresh process, in
that empty folder, and says how it ended and what was named.
"""
