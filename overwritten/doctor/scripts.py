"""TorchScript: which lines of a scripted function saved and wrote; for Python it is one call.

The idea: the function's own graph holds every operation with its line. One saved whose name is
the node's, and those wrote that write, by their schemas, into what that one took or gave.
Where more than one choice fits the versions, nothing is named but the call.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from overwritten.doctor.doors import Door, takes_part
from overwritten.doctor.logs import fits
from overwritten.doctor.modules import step_out_of
from overwritten.doctor.places import OURS, PYTORCH, whose
from overwritten.doctor.versions import versions
from overwritten.record.events import Overwrite, Save, Site, Write
from overwritten.record.private import SCRIPTS, next_node, parsed_schema

#: A line as a scripted function tells it, and as a traced one does.
_RANGE = re.compile(r'File "([^"\n]+)", line (\d+)|^(.+)\((\d+)\): ', re.M)
#: What stands outside of this file has called `torch.jit.trace`.
_TRACE = os.path.join("torch", "jit", "_trace.py")


class _Op(NamedTuple):
    """An operation of a graph. takes, gives, writes: the memory of its values, as names."""

    name: str
    file: str
    line: int
    takes: tuple[str, ...]
    gives: tuple[str, ...]
    writes: frozenset[str]

    def at(self, call: Site) -> Site:
        """Its line; the call's where it is in PyTorch."""
        if not self.line:
            return call
        return Site(self.file, self.line, call.module)


def note_scripts(eyes):
    """Scripted functions run in C++: their calls are logged as wholes. Returns what undoes it."""
    undo = [_note_script(eyes, Door(kind, "__call__")) for kind in SCRIPTS]
    return lambda: [one() for one in undo]


def _note_script(eyes, door):
    def watched(script, *args, **kwargs):
        node, order, seen = next_node(), eyes.logs.tick(), takes_part(eyes)
        counters = versions(args, kwargs, False)
        if seen:
            eyes.passed_over("what TorchScript saves")
        try:
            return door.below(script, *args, **kwargs)
        except BaseException as error:
            step_out_of(error)
            raise
        finally:
            if seen:
                event = eyes.event(script.name, sys._getframe(1))
                if event not in eyes.logs.scripts:
                    eyes.logs.scripts[event] = script.inlined_graph
                eyes.ran(event, node, order, counters)

    return door.put(watched)


def inside(found: Overwrite, scripts: dict) -> Overwrite:
    """The same with lines inside scripted functions, where their graphs leave no choice.

    scripts: event → graph, of the calls that were made.
    """
    graphs = {(event.op, event.site): graph for event, graph in scripts.items()}
    save = found.saver
    writers: list[Any] = list(found.writers)  # the doctor's own, which have versions
    gaps: list[Any] = list(found.gaps)
    graph = graphs.get((save.op, save.site)) if save is not None else None
    if save is not None and graph is not None:
        own = [w for w in writers if (w.op, w.site) == (save.op, save.site)]
        lead = next((one for one in (*gaps, *own) if one.before == save.expects), None)
        choices = list(_pairs(graph, save, lead.after - lead.before if lead else 0))
        if len(choices) == 1:
            saver, wrote = choices[0]
            if lead is not None:
                (gaps if lead in gaps else writers).remove(lead)
                writers += _told(wrote, lead.before, save.site)
            save = replace(save, op=saver.name, site=saver.at(save.site))
    for call in [w for w in writers if (w.op, w.site) in graphs]:
        wrote = _into_argument(graphs[call.op, call.site], call.after - call.before)
        if wrote:
            writers.remove(call)
            writers += _told(wrote, call.before, call.site, call.thread)
    writers.sort(key=lambda write: write.after)
    return replace(found, saver=save, writers=tuple(writers), gaps=tuple(gaps))


def _told(wrote, version, call, thread="") -> list[Write]:
    return [
        Write(op.name, version + k, version + k + 1, site=op.at(call), thread=thread)
        for k, op in enumerate(wrote)
    ]


def _pairs(graph, save: Save, ticks: int) -> Iterator[tuple[_Op, list[_Op]]]:
    """(an operation that may have saved, the writes after it), of each with so many writes."""
    ops = _ops(graph)
    for k, op in enumerate(ops):
        if fits(save.node, op.name):
            ways = {
                tuple(later for later in ops[k + 1 :] if memory in later.writes)
                for memory in (op.gives if save.own else op.takes)
            }
            for wrote in ways:
                if len(wrote) == ticks:
                    yield op, list(wrote)


def _into_argument(graph, ticks: int) -> list[_Op]:
    """The writes into an argument, if there is just one that so many go into."""
    ops = _ops(graph)
    ways = [[op for op in ops if value.debugName() in op.writes] for value in graph.inputs()]
    ways = [wrote for wrote in ways if wrote and len(wrote) == ticks]
    return ways[0] if len(ways) == 1 else []


def _ops(graph) -> list[_Op]:
    """In order. Views share the memory, and so the name, of what they look at."""
    memory: dict[str, str] = {}

    def place(value: Any) -> str:
        return memory.setdefault(value.debugName(), value.debugName())

    found = []
    for node in _nodes(graph):
        if not node.kind().startswith("aten::"):
            continue
        schema = parsed_schema(node.schema())
        takes = [place(value) for value in node.inputs()]
        letters, writes = {}, set()
        for name, argument in zip(takes, schema.arguments):
            if argument.alias_info is not None:
                letters.update(dict.fromkeys(argument.alias_info.before_set, name))
                if argument.alias_info.is_write:
                    writes.add(name)
        for value, result in zip(node.outputs(), schema.returns):
            letter = next(iter(result.alias_info.before_set), "") if result.alias_info else ""
            memory[value.debugName()] = letters.get(letter, value.debugName())
        found.append(
            _Op(
                node.kind().removeprefix("aten::"),
                *_place(node.sourceRange()),
                tuple(takes),
                tuple(place(value) for value in node.outputs()),
                frozenset(writes),
            )
        )
    return found


def _place(told: str) -> tuple[str, int]:
    """(file, line) of an operation: a traced one tells the whole stack that led there, ours too."""
    for where in _RANGE.finditer(told):
        file, line = [part for part in where.groups() if part]
        if file.endswith(_TRACE):
            break
        if whose(file) not in (OURS, PYTORCH):
            return file, int(line)
    return "", 0


def _nodes(block) -> Iterator[Any]:
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from _nodes(inner)
