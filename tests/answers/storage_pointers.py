"""Wrong answers to lesson 1, by exercise: {what it tries: (source, words its message must hold)}."""

WRONG = {
    "add_in_place": {
        "x = x + k": ("def f(x, k):\n    x = x + k\n    return x", "a storage of its own"),
        "no return": ("def f(x, k):\n    x += k", "returns None"),
        ".data": ("def f(x, k):\n    x.data += k\n    return x", "went behind PyTorch's back"),
        "numpy": (
            "def f(x, k):\n    x.numpy()[:] += k\n    return x",
            "went behind PyTorch's back",
        ),
        "nothing": ("def f(x, k):\n    return x", "x holds [1.0, 1.0"),
        "fits one case": ("def f(x, k):\n    return x.fill_(6)", "plus -2.0 is"),
        "set_": ("def f(x, k):\n    return x.set_(x + k)", "x itself now looks at another storage"),
        "x.data =": (
            "def f(x, k):\n    x.data = x + k\n    return x",
            "x itself now looks at another storage",
        ),
        "clone": ("def f(x, k):\n    return x.add_(k).clone()", "`clone` allocate one"),
        "sparse": ("def f(x, k):\n    return x.to_sparse()", "an ordinary one is asked for"),
        "a view": ("def f(x, k):\n    x += k\n    return x[:]", "a second tensor"),
        "a list": ("def f(x, k):\n    return [1]", "returns list"),
        "raises": ("def f(x, k):\n    return x.nope()", "raised AttributeError"),
        "exits": ("def f(x, k):\n    raise SystemExit", "raised SystemExit"),
        "interrupted": ("def f(x, k):\n    raise KeyboardInterrupt", "you stopped your function"),
        "wrong arguments": ("def f():\n    return 1", "raised TypeError"),
    },
    "copy_column": {
        "slice": ("def f(grid, i):\n    return grid[:, i]", "still looks at the grid's bytes"),
        ".detach()": (
            "def f(grid, i):\n    return grid[:, i].detach()",
            "make a new label, not new bytes",
        ),
        ".data": ("def f(grid, i):\n    return grid.data[:, i]", "make a new label, not new bytes"),
        "contiguous": (
            "def f(grid, i):\n    return grid[:, i].contiguous()",
            "copy only when they must",
        ),
        "whole grid": (
            "def f(grid, i):\n    return grid.clone()[:, i]",
            "keeps 36 B alive for 12 B",
        ),
        "mutates": (
            "def f(grid, i):\n    grid.zero_()\n    return grid[:, i].clone()",
            "changed the grid itself",
        ),
        "row": ("def f(grid, i):\n    return grid[i].clone()", "column 1 of [[0.0, 1.0"),
        "last": ("def f(grid, i):\n    return grid[:, -1].clone()", "column 1 of"),
        "shape": ("def f(grid, i):\n    return torch.zeros(7)", "column 1 of"),
        "dtype": ("def f(grid, i):\n    return grid[:, i].double()", "of the grid's dtype"),
        "numpy": (
            "def f(g, i):\n    return torch.from_numpy(g.numpy()[:, i])",
            "make a new label, not new bytes",
        ),
    },
    "double_and_one": {
        "expression": ("def f(x):\n    return x * 2 + 1", "allocated 2 new storage(s), 8,000 B"),
        "half": ("def f(x):\n    x *= 2\n    return x + 1", "allocated 1 new storage(s), 4,000 B"),
        "copy_": ("def f(x):\n    return x.copy_(x * 2 + 1)", "allocated 2 new storage(s)"),
        ".data": (
            "def f(x):\n    x.data.mul_(2).add_(1)\n    return x",
            "went behind PyTorch's back",
        ),
        "a view": ("def f(x):\n    return x.mul_(2).add_(1)[:]", "a second tensor"),
        "wrong number": ("def f(x):\n    return x.mul_(2)", "for x = 3 the answer is 7"),
        "none": ("def f(x):\n    x *= 2\n    x += 1", "returns None"),
    },
}
