"""What a graph keeps for backward, read off its nodes' attributes: a probe that needs no hook."""

import torch


def place(tensor):
    return tensor.untyped_storage().data_ptr()


def saved(root, ends):
    """{storage: tensor}: what the nodes from root back to those in `ends`, left out, keep."""
    waiting, seen, places = [root], {None, *ends}, {}
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        waiting += [parent for parent, _ in node.next_functions]
        values = [getattr(node, name) for name in dir(node) if name.startswith("_saved_")]
        for value in [*values, *getattr(node, "saved_tensors", ())]:
            many = value if isinstance(value, (tuple, list)) else [value]
            places |= {place(one): one for one in many if isinstance(one, torch.Tensor)}
    return places
