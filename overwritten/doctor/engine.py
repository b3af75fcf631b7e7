"""Where Python runs that no function mode sees: a Function of the user's own, and backward.

The idea: both doors of PyTorch's are replaced while the watch is on; what goes through is told to
the logs, to the strict watch, and to who stands beside backward. Where backward raises, the watch
is asked to explain.
"""

from __future__ import annotations

import sys

import torch
from torch.autograd.function import Function

from overwritten.doctor.doors import Door, caller, takes_part
from overwritten.doctor.elsewhere import is_on, turned_on, unseen_by
from overwritten.doctor.modules import step_out_of
from overwritten.doctor.versions import versions
from overwritten.record.private import ENGINE, next_node, pop_mode
from overwritten.record.tensors import tensors_in


def watch_apply(eyes):
    """The forward of a Function of one's own: its node is made after everything in it."""
    door = Door(Function, "apply")

    def watched(cls, *args, **kwargs):
        node, order, seen = next_node(), eyes.logs.tick(), takes_part(eyes)
        counters = versions(args, kwargs, False)
        if seen and eyes.healer:
            eyes.healer.call_begins(node)
        try:
            result = door.below.__get__(None, cls)(*args, **kwargs)  # from 2.14 on in C++
        except BaseException as error:
            step_out_of(error)
            raise
        if is_on(eyes):  # not in compiled code, nor in a call that is logged as a whole
            event = eyes.event(f"{cls.__name__}.apply", sys._getframe(1))
            eyes.ran(event, node, order, counters)  # `mark_dirty` moves a counter once more
        if seen and (eyes.strict or eyes.healer):
            eyes.called(f"{cls.__name__}.apply", node, result, [*tensors_in(args, 1)])
        return result

    return door.put(classmethod(watched))


def watch_backward(eyes):
    """Where PyTorch raises; hooks and custom Functions run Python in there."""
    door = Door(*ENGINE)

    def watched(roots, *args, **kwargs):
        if not takes_part(eyes):
            try:
                return door.below(roots, *args, **kwargs)
            except BaseException as error:
                step_out_of(error)
                raise
        frame, node, order = caller(), next_node(), eyes.logs.tick()
        name = frame.f_code.co_name
        backward = [order, None, eyes.event(name, frame)]
        eyes.logs.backwards.append(backward)
        pushed = turned_on(eyes)
        if eyes.strict:
            eyes.strict.backward_begins()
        inputs, results = args[3] if len(args) > 3 else (), None
        for one in eyes.beside:
            one.backward_begins(roots, inputs)
        try:
            result = door.below(roots, *args, **kwargs)
            results = result or ()
            if eyes.strict:
                eyes.strict.called(name, node, result, ())
            return result
        except BaseException as error:
            step_out_of(error)
            eyes.explain(error, roots)
            raise
        finally:
            if eyes.strict:
                eyes.strict.backward_ended()
            for one in reversed(eyes.beside):
                one.backward_ended(inputs, results)
            if pushed:
                pop_mode()
            backward[1] = eyes.logs.tick()
            eyes.made(name, node, frame, order)

    undo = [door.put(watched)]
    ways = torch.Tensor.backward, torch.autograd.backward, torch.autograd.grad
    undo += [unseen_by(eyes, way) for way in ways]
    return lambda: [one() for one in undo]
