"""The list of a run's writes, told: on a screen the worst first, in the JSON all of them.

The idea: a heading for each fate, a line for each row. It judges nothing.
"""

from __future__ import annotations

from itertools import groupby

from overwritten.doctor.filenames import names_at
from overwritten.doctor.listing import Row
from overwritten.doctor.report import MOST_LINES, line_of, where_of


def list_text(rows: list[Row]) -> str:
    """At most `MOST_LINES` lines."""
    if not rows:
        return "overwritten --list: nothing was written in place."
    names = names_at([site for row in rows for site in (row.site, *(at for _, at in row.savers))])
    times = sum(row.times for row in rows)
    lines = [f"overwritten --list: {_count(len(rows), 'line')}, {_count(times, 'write')} in place"]
    for fate, alike in groupby(rows, key=lambda row: row.fate):
        lines.append(f"{fate}:")
        lines += [f"  ×{row.times:<6} {_row(row, names)}" for row in alike]
    if len(lines) > MOST_LINES:
        left = len(lines) - MOST_LINES + 1
        lines[MOST_LINES - 1 :] = [f"and {left} more lines; --json has all of them"]
    return "\n".join(lines)


def _row(row, names):
    said = line_of(row.op, row.site, names)
    if row.ticked < row.times:
        silent = row.times - row.ticked
        said += f" (no counter moved{f', ×{silent}' if row.ticked else ''})"
    if row.savers:
        (op, site), _ = row.savers.most_common(1)[0]
        more = f" and {len(row.savers) - 1} more" if len(row.savers) > 1 else ""
        said += f"; saved by {op} at {names.get(site.file, '?')}:{site.line}{more}"
    return said


def _count(number, what):
    return f"{number:,} {what}{'s' * (number != 1)}"


def row_dict(row: Row) -> dict:
    """For JSON (see DOCTOR.md)."""
    return {
        "op": row.op,
        **where_of(row.site),
        "times": row.times,
        "ticked": row.ticked,
        "savers": [{"op": op, **where_of(site)} for op, site in row.savers],
        "fate": row.fate,
    }
