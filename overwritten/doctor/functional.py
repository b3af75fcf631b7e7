"""A call that writes in place → the call that returns a new tensor.

The idea: nearly every `name_` has a `name`; the others (random fills, `copy_`, `inplace=True`,
`out=`) are a short table. It works on `ast` and keeps a list of what was written.
"""

from __future__ import annotations

import ast
from inspect import signature

import torch
from torch.nn import functional

#: Random fills, and what makes such a tensor anew where they get no argument.
_FILLS = {"normal_": "randn_like", "uniform_": "rand_like", "exponential_": "", "cauchy_": ""}
_FILLS |= {"log_normal_": "", "geometric_": "", "random_": "", "bernoulli_": ""}
_SIGNS = {"add_": ast.Add, "sub_": ast.Sub, "mul_": ast.Mult, "div_": ast.Div, "pow_": ast.Pow}
#: They end in an underscore and write nothing.
_LABELS = frozenset(("requires_grad_", "retain_grad_", "share_memory_", "rename_"))
_NAMESPACES = {"torch": torch, "F": functional, "functional": functional}
_NAMESPACES |= {"nn.functional": functional, "torch.nn.functional": functional}
#: What is no tensor before the dot.
_PACKAGES = ("", "torch", "nn", "F", "functional", "init")


class OutOfPlace(ast.NodeTransformer):
    """Every call that writes, out of place. written: the tensors, the last call's last."""

    def __init__(self):
        self.written: list[ast.expr] = []
        self.known, self.fills = True, False
        self.ops: list[str] = []

    def visit_Call(self, node):
        node = self.generic_visit(node)
        name, space = called(node)
        first = node.args[0] if node.args else None
        if self._in_place(node, name):
            self._wrote(first if not name[:1].isupper() else None, name)
            return node
        for word in list(node.keywords):
            if word.arg == "out":
                node.keywords.remove(word)
                self.fills = True
                self._wrote(word.value, name)
                return node
        if not name.endswith("_") or name.endswith("__") or name in _LABELS:
            return node
        if space in _NAMESPACES and hasattr(_NAMESPACES[space], name[:-1]):
            node.func.attr = name[:-1]
            self._wrote(first, name)
            return node
        if space.partition(".")[0] in _PACKAGES:  # nn.init.normal_(x), my_kernel_(x)
            self.known = False
            self._wrote(first, name)
            return node
        receiver = node.func.value
        self._wrote(receiver, name)
        return self._method(node, receiver, name)

    def _in_place(self, node, name):
        """Was it told to write, by a keyword or a place? It no longer is."""
        for word in list(node.keywords):
            if word.arg == "inplace" and getattr(word.value, "value", None) is not False:
                node.keywords.remove(word)
                return True
        try:
            place = [*signature(getattr(functional, name)).parameters].index("inplace")
        except (AttributeError, TypeError, ValueError):
            return False
        told = node.args[place : place + 1]
        node.args[place:] = []
        return bool(told) and getattr(told[0], "value", None) is not False

    def _method(self, node, receiver, name):
        if name in _FILLS:
            self.fills = True
            if _FILLS[name] and not node.args and not node.keywords:
                return function(f"torch.{_FILLS[name]}", receiver)
            node.func.value = function("torch.empty_like", receiver)
            return node
        if name == "zero_":
            return function("torch.zeros_like", receiver)
        if name == "fill_":
            return function("torch.full_like", receiver, *node.args)
        if name == "copy_":
            cast = ast.Call(attribute(node.args[0], "to"), [receiver], [])
            return clone_of(ast.Call(attribute(cast, "expand_as"), [receiver], []))
        if not hasattr(torch.Tensor, name[:-1]):
            self.known = False
        node.func.attr = name[:-1]
        if name in _SIGNS and len(node.args) == 1 and not node.keywords:
            return ast.BinOp(receiver, _SIGNS[name](), node.args[0])
        return node

    def _wrote(self, expression, name):
        self.ops.append(name)
        if expression is not None:
            self.written.append(expression)


def called(call: ast.Call) -> tuple[str, str]:
    """('relu_', 'F') of `F.relu_(x)`."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr, ast.unparse(call.func.value)
    return (call.func.id, "") if isinstance(call.func, ast.Name) else ("", "")


def name_of(name):
    return ast.Name(name, ast.Load())


def attribute(value, name):
    return ast.Attribute(value, name, ast.Load())


def clone_of(value):
    return method(value, "clone")


def asking(value):
    return method(value, "requires_grad_")


def method(value, name):
    return ast.Call(attribute(value, name), [], [])


def function(name, *arguments):
    return ast.Call(name_of(name), list(arguments), [])
