"""The test for tools that explain in-place errors: programs, tools, and how they are judged.

The idea: programs and tools are data. `collect.py` collects the programs and the lines that are to
be named, each file of `tools/` runs one program under one tool, `table.py` judges. The command is
`faults.py` beside this folder; how to add a tool or a program says CONTRIBUTING.md.
"""
