"""Wrong answers to the exercises of lesson 5, each with words from the message meant for it."""

from functools import partial

from answers import but
from overwritten.lesson.exercises.reading_the_error import messages

_but = partial(but, messages)

_GATED = "def gated(block, gate, x):\n    {}\n"
_DOWN = """
def top_down(laterals):
    F = torch.nn.functional
    {}
    for i in range(len(laterals) - 1, 0, -1):
        up = F.interpolate(laterals[i], scale_factor=2)
        {}
    return laterals
"""

WRONG = {
    "messages": {
        "a word": (_but({"b": "Pow"}), "write the name and the two versions"),
        "names the saver of an input": (_but({"b": "Pow 1; 0"}), "the name in 'Pow 1; 0' is not"),
        "names the maker of an input": (
            _but({"b": "Mul 1; 0"}),
            "the last write that autograd recorded",
        ),
        "the other way round": (_but({"a": "Relu 1; 3"}), "the wrong way round"),
        "forgets the write before the save": (_but({"a": "Relu 2; 0"}), "but not those before it"),
        "counts one of two writes": (_but({"c": "Sigmoid 1; 0"}), "begin at 0"),
        "names the parts": (_but({"c": "CopySlices 2; 0"}), "the name in 'CopySlices 2; 0' is not"),
        "a name for a buffer": (_but({"d": "Mul 1; 0"}), "no recorded operation made `mean`"),
        "a new tensor": (_but({"e": "Relu 1; 0"}), "this one runs"),
        "no_grad leaves a name": (_but({"f": "Mul 2; 1"}), "leaves no name"),
        "no_grad protects": (_but({"f": "no error"}), "this one raises"),
    },
    "gated": {
        "as it was": (
            _GATED.format("x = block(x); x *= torch.sigmoid(gate(x)); return x"),
            "backward still raises",
        ),
        "clones for the gate alone": (
            _GATED.format("x = block(x); x *= torch.sigmoid(gate(x.clone())); return x"),
            "`x = self.activate(x)` saved, `mul_` wrote over it",
        ),
        "clones for the ReLU alone": (
            _GATED.format("x = block(x).clone(); x *= torch.sigmoid(gate(x)); return x"),
            "`conv2d` saved, `mul_` wrote over it",
        ),
        "inplace off": (
            _GATED.format(
                "block.activate.inplace = False; x = block(x); x *= torch.sigmoid(gate(x)); return x"
            ),
            "Mend the line that writes",
        ),
        "inplace off and mended": (
            _GATED.format(
                "block.activate.inplace = False; x = block(x); return x * torch.sigmoid(gate(x))"
            ),
            "you took `inplace=True`",
        ),
        "data": (
            _GATED.format("x = block(x); x.data *= torch.sigmoid(gate(x)); return x"),
            "`.data` cuts the history",
        ),
        "detached": (
            _GATED.format("x = block(x).detach(); return x * torch.sigmoid(gate(x))"),
            "`.detach()` cuts",
        ),
        "no_grad": (
            _GATED.format(
                "with torch.no_grad(): y = torch.sigmoid(gate(block(x)))\n    return block(x) * y"
            ),
            "under `no_grad` nothing is recorded",
        ),
        "no gate": (_GATED.format("return block(x)"), "the values are not those"),
        "runs the block twice": (
            _GATED.format("return block(x) * torch.sigmoid(gate(block(x)))"),
            "more than once",
        ),
        "returns nothing": (_GATED.format("block(x)"), "returns NoneType"),
    },
    "top_down": {
        "as it was": (
            _DOWN.format("pass", "laterals[i - 1] += up"),
            "a lateral was written in place",
        ),
        "into the data": (
            _DOWN.format("pass", "laterals[i - 1].data += up"),
            "`relu` saved, `add_` wrote over it, and no counter moved",
        ),
        "a name only": (
            _DOWN.format("laterals = list(laterals)", "lateral = laterals[i - 1] + up"),
            "nothing was added",
        ),
        "what is not merged yet": (
            "def top_down(laterals):\n    F = torch.nn.functional\n"
            "    ups = [F.interpolate(x, scale_factor=2) for x in laterals[1:]]\n"
            "    return [x + up for x, up in zip(laterals, ups)] + laterals[-1:]\n",
            "map 0 of 0 to 2",
        ),
        "detached": (
            _DOWN.format(
                "laterals = list(laterals)", "laterals[i - 1] = laterals[i - 1] + up.detach()"
            ),
            "`.detach()` cuts",
        ),
        "one map": (_DOWN.format("laterals = list(laterals)", "return up"), "return a list of"),
        "too small": ("def top_down(laterals):\n    return laterals[::-1]\n", "another size"),
    },
}
