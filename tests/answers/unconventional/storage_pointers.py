"""Lesson 1."""

from answers.unconventional import body

_add, _column, _double = body("x, k"), body("grid, i"), body("x")

RIGHT = {
    "add_in_place": {
        "a slice is filled": _add("x[:] = x + k\nreturn x"),
        "copy_": _add("x.copy_(x + k)\nreturn x"),
        "out=": _add("return torch.add(x, k, out=x)"),
        "minus minus": _add("return x.sub_(-k)"),
        "ellipsis": _add("x[...] += k\nreturn x"),
        "through detach": _add("x.detach().add_(k)\nreturn x"),
        "foreach": _add("torch._foreach_add_([x], k)\nreturn x"),
        "addcmul_": _add("return x.addcmul_(torch.ones_like(x), torch.full_like(x, k))"),
        "the operator's method": _add("return x.__iadd__(k)"),
        "element by element": _add("for i in range(len(x)):\n    x[i] += k\nreturn x"),
    },
    "copy_column": {
        "through a list": _column("return torch.tensor(grid[:, i].tolist(), dtype=grid.dtype)"),
        "row of the transpose": _column("return grid.T[i].clone()"),
        "index_select": _column("return grid.index_select(1, torch.tensor(i))[:, 0]"),
        "a list as index": _column("return grid[:, [i]].squeeze(1)"),
        "empty and copy_": _column("return torch.empty_like(grid[:, i]).copy_(grid[:, i])"),
        "times one": _column("return grid[:, i] * 1"),
        "gather": _column("return grid.gather(1, torch.full((len(grid), 1), i)).view(-1)"),
        "NumPy's copy": _column("return torch.from_numpy(grid.numpy()[:, i].copy())"),
        "cat of one": _column("return torch.cat([grid[:, i]])"),
        "stack of scalars": _column("return torch.stack([row[i] for row in grid])"),
    },
    "double_and_one": {
        "operators": _double("x *= 2\nx += 1\nreturn x"),
        "out=": _double("torch.mul(x, 2, out=x)\nreturn torch.add(x, 1, out=x)"),
        "added to itself": _double("return x.add_(x).add_(1)"),
        "half first": _double("return x.add_(0.5).mul_(2)"),
        "foreach": _double("torch._foreach_mul_([x], 2)\ntorch._foreach_add_([x], 1)\nreturn x"),
        "in two parts": _double("for part in x.chunk(2):\n    part.mul_(2).add_(1)\nreturn x"),
        "through detach": _double("x.detach().mul_(2).add_(1)\nreturn x"),
        "negative": _double("return x.neg_().mul_(-2).add_(1)"),
        "aten": _double("return torch.ops.aten.add_(torch.ops.aten.mul_(x, 2), 1)"),
        "sum to itself": _double("torch.add(x, x, out=x)\nx[:] += 1\nreturn x"),
    },
}
WRONG = {
    "add_in_place": {
        ".data and a tick": (_add("x.data.add_(k)\nx.squeeze_()\nreturn x"), "behind"),
        ".data and times one": (_add("x.data.add_(k)\nreturn x.mul_(1)"), "behind"),
        "NumPy and a tick": (_add("x.numpy()[:] += k\nreturn x.add_(0)"), "behind"),
        "DLPack": (_add("torch.from_dlpack(x).add_(k)\nreturn x"), "behind"),
        "apply_": (_add("return x.apply_(lambda v: v + k)"), "behind"),
        "add": (_add("return x.add(k)"), "a storage of its own"),
        "a label is returned": (_add("x.add_(k)\nreturn x.detach()"), "a second tensor"),
        ".data =, and a tick": (_add("x.data = x + k\nreturn x.mul_(1)"), "another storage"),
        "abs": (_add("return x.add_(abs(k))"), "-2.0"),
        "a tuple": (_add("return x.add_(k), x"), "tuple"),
    },
    "copy_column": {
        "deepcopy": (_column("import copy\nreturn copy.deepcopy(grid[:, i])"), "alive"),
        "transpose": (_column("return grid.T[i]"), "grid's bytes"),
        "unbind": (_column("return grid.unbind(1)[i]"), "grid's bytes"),
        "transposed copy": (_column("return grid.T.contiguous()[i]"), "alive"),
        "every n-th": (_column("return grid.reshape(-1)[i :: grid.shape[1]]"), "grid's bytes"),
        "two dimensions": (_column("return grid[:, i : i + 1].clone()"), "column 1"),
        "as_tensor": (_column("return torch.as_tensor(grid[:, i])"), "grid's bytes"),
        "a list": (_column("return grid[:, i].tolist()"), "list"),
        "takes the column away": (
            _column("c = grid[:, i].clone()\ngrid[:, i] = 0\nreturn c"),
            "changed the grid",
        ),
        "always the first": (_column("return grid[:, 0].clone()"), "column 1"),
    },
    "double_and_one": {
        ".data and a tick": (_double("x.data.mul_(2)\nreturn x.add_(1)"), "behind"),
        "NumPy and a tick": (_double("a = x.numpy()\na *= 2\nreturn x.add_(1)"), "behind"),
        "ones": (_double("return x.mul_(2).add_(torch.ones_like(x))"), "allocated 1"),
        "DLPack": (_double("torch.from_dlpack(x).mul_(2).add_(1)\nreturn x"), "behind"),
        "a copy": (_double("return x.mul_(2).add_(1).clone()"), "allocated 1"),
        "other order": (_double("return x.add_(1).mul_(2)"), "the answer is 7"),
        "a workspace": (
            _double("y = torch.empty_like(x)\ntorch.mul(x, 2, out=y)\nreturn x.copy_(y.add_(1))"),
            "allocated 1",
        ),
        "half in place": (_double("return x.copy_(x.mul_(2) + 1)"), "allocated 1"),
        "a view": (_double("return x.mul_(2).add_(1).view_as(x)"), "a second tensor"),
        "apply_": (_double("return x.apply_(lambda v: v * 2 + 1)"), "behind"),
    },
}
