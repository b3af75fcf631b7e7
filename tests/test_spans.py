"""From the save to the check: the life of each saved tensor, worked out by hand for each program."""

import pytest

from overwritten import record
from overwritten.record.spans import silent_steps, spans

X = "x = torch.ones(3, requires_grad=True)\n"
#: name: (the lines after X, which is step 1; the spans as (tensor, start, end, expects, finds, outcome, unseen))
CASES = {
    "a write before the save": (
        "y = x * 2\ny += 1\nz = y.exp()\nz.sum().backward()",
        [("z", 4, 5, 0, 0, "checked", ())],
    ),
    "a save at a later version": (
        "y = x * 2\ny += 1\nz = y.sin()\nz.sum().backward()",
        [("y", 4, 5, 1, 1, "checked", ())],
    ),
    "a write between save and check": (
        "y = x.exp()\ny += 1\ny.sum().backward()",
        [("y", 2, 4, 0, 1, "raised", ())],
    ),
    "two writes between": (
        "y = x.exp()\ny += 1\ny[0] = 5\ny.sum().backward()",
        [("y", 2, 5, 0, 2, "raised", ())],
    ),
    "a write after backward": (
        "y = x.exp()\ny.sum().backward()\nwith torch.no_grad(): y += 1",
        [("y", 2, 3, 0, 0, "checked", ())],
    ),
    "no write": ("y = x.exp()\nz = 1\ny.sum().backward()", [("y", 2, 4, 0, 0, "checked", ())]),
    "a write through .data": (
        "y = x.exp()\ny.data.mul_(2)\ny.sum().backward()",
        [("y", 2, 4, 0, 0, "checked", (3,))],
    ),
    "a write through .data before the save": (
        "y = x * 1\ny.data.mul_(2)\nz = y.sin()\nz.sum().backward()",
        [("y", 4, 5, 0, 0, "checked", ())],
    ),
    "a write through .data after the check": (
        "y = x.exp()\ny.sum().backward()\ny.data.mul_(2)",
        [("y", 2, 3, 0, 0, "checked", ())],
    ),
    "a write through .data that is never looked at": (
        "y = x.exp()\ny.data.mul_(2)",
        [("y", 2, None, 0, 0, "held", (3,))],
    ),
    "a write through NumPy": (
        "y = x.exp()\nn = y.detach().numpy()\nn[0] = 7\ny.sum().backward()",
        [("y", 2, 5, 0, 0, "checked", (4,))],
    ),
    "the older of two saves of one storage raises": (
        "y = x * 1\nu = y.sin()\ny += 1\nv = y.cos()\n(u * 1).sum().backward()",
        [("y", 3, 6, 0, 1, "raised", ()), ("y", 5, None, 1, 1, "held", ())],
    ),
    "two storages written, the newest node is met first": (
        "u = x.exp()\nv = x.exp()\nu += 1\nv += 1\n(u + v).sum().backward()",
        [("u", 2, None, 0, 1, "held", ()), ("v", 3, 6, 0, 1, "raised", ())],
    ),
    "backward over one of two histories": (
        "u = x.exp()\nv = x.sin()\nu.sum().backward()",
        [("u", 2, 4, 0, 0, "checked", ()), ("x", 3, None, 0, 0, "held", ())],
    ),
    "a tensor that two nodes save": (
        "y = x.exp()\nz = y.sin()\nz.sum().backward()",
        [("y", 2, 4, 0, 0, "checked", ()), ("y", 3, 4, 0, 0, "checked", ())],
    ),
    "a tensor that one line saves twice": (
        "y = x * 1\nz = y.sin() + y.cos()\nz.sum().backward()",
        [("y", 3, 4, 0, 0, "checked", ())],
    ),
    "backward twice with retain_graph": (
        "y = x.exp()\nl = y.sum()\nl.backward(retain_graph=True)\nl.backward()",
        [("y", 2, 5, 0, 0, "checked", ())],
    ),
    "a write between two backwards": (
        "y = x.exp()\nl = y.sum()\nl.backward(retain_graph=True)\nwith torch.no_grad(): y += 1\nl.backward()",
        [("y", 2, 6, 0, 1, "raised", ())],
    ),
    "backward twice without": (
        "y = x.exp()\nl = y.sum()\nl.backward()\nl.backward()",
        [("y", 2, 4, 0, 0, "checked", ())],
    ),
    "a check by autograd.grad": (
        "y = x.exp()\ng = torch.autograd.grad(y.sum(), x)",
        [("y", 2, 3, 0, 0, "checked", ())],
    ),
    "a history dropped by del": ("y = x.exp()\ndel y\nz = 1", [("y", 2, 3, 0, 0, "dropped", ())]),
    "a history dropped after a write": (
        "y = x.exp()\ny += 1\ny = 1",
        [("y", 2, 4, 0, 1, "dropped", ())],
    ),
    "a history dropped in a line that fails": (
        "y = x.exp()\ndel y; 1 / 0",
        [("y", 2, 3, 0, 0, "dropped", ())],
    ),
    "a line that still runs after the error": (
        "y = x.exp()\ny += 1\ntry:\n    y.sum().backward()\nfinally:\n    z = 1",
        [("y", 2, 5, 0, 1, "raised", ())],
    ),
    "nobody called backward": ("y = x.exp()\ny += 1", [("y", 2, None, 0, 1, "held", ())]),
    "an error of another kind": ("y = x.exp()\n1 / 0", [("y", 2, None, 0, 0, "held", ())]),
    "a backward that fails for another reason": (
        "y = x.exp()\ny.backward()",
        [("y", 2, None, 0, 0, "held", ())],
    ),
    "a leaf written": ("y = x.exp()\nx += 1", [("y", 2, None, 0, 0, "held", ())]),
    "gradients switched off": ("with torch.no_grad(): y = x.exp()\ny += 1", []),
    "nothing requires grad": ("x = torch.ones(3)\ny = x.exp()\ny += 1", []),
    "each turn of a loop": (
        "for i in range(2):\n    y = x.exp()\n    y.sum().backward()",
        [("y", 3, 4, 0, 0, "checked", ()), ("y", 6, 7, 0, 0, "checked", ())],
    ),
    "a save by a temporary": (
        "y = x.exp().sum()\nz = 1\ny.backward()",
        [("a tensor on B", 2, 4, 0, 0, "checked", ())],
    ),
    "the tensor behind a save loses its name": (
        "y = x.exp()\nl = y.sum()\ndel y\nl.backward()",
        [("y", 2, 5, 0, 0, "checked", ())],
    ),
    "a save inside a function": (
        "def f(t):\n    u = t.exp()\n    return u * 2\ny = f(x)\ny.sum().backward()",
        [("u in f", 3, 6, 0, 0, "checked", ())],
    ),
    "a save that backward checked before it raised over another": (
        "y = x * 1\nu = y.sin()\ny += 1\nv = y.cos()\n(u + v).sum().backward()",
        [("y", 3, 6, 0, 1, "raised", ()), ("y", 5, 6, 1, 1, "checked", ())],
    ),
    "an error inside a function": (
        "def f():\n    y = x.exp()\n    y += 1\n    y.sum().backward()\nf()",
        [("y in f", 3, 5, 0, 1, "raised", ())],
    ),
    "a .data tensor is saved, its bytes written by the other name": (
        "y = torch.ones(3)\nd = y.data\nz = x * d\ny += 1\nz.sum().backward()",
        [("y", 4, 6, 0, 0, "checked", (5,))],
    ),
    "two equal saves broken: the newest is taken for the one that raised": (
        "u = x.exp()\nv = x.exp()\nu += 1\nv += 1\n(u + v).sum().backward()",
        [("u", 2, None, 0, 1, "held", ()), ("v", 3, 6, 0, 1, "raised", ())],
    ),
    "a name that moves on": (
        "h = x * 2\nk = h.exp()\nh = k + 1\nk = 1\nh.sum().backward()",
        [("k", 3, 6, 0, 0, "checked", ())],
    ),
}


def lives(code):
    recording = record(X + code)
    return [
        (s.tensor, s.start, s.end, s.expects, s.now, s.outcome, s.unseen) for s in spans(recording)
    ]


@pytest.mark.parametrize("code, expected", CASES.values(), ids=CASES)
def test_a_saved_tensor_lives_from_its_save_to_its_check(code, expected):
    assert lives(code) == expected


def test_spans_come_in_the_order_of_their_saves():
    starts = [
        span.start
        for span in spans(
            record(X + "y = x.exp()\nz = y.sin()\nu = z.cos()\ndel u, z\nu = y.sqrt()")
        )
    ]
    assert starts == [2, 3, 4, 6]


def test_a_silent_step_is_one_whose_bytes_change_and_whose_counter_stays():
    recording = record(
        "x = torch.zeros(3)\nx += 1\nx.data += 1\nx += 0\nn = x.numpy()\nn[1] = 5\ny = x * 2"
    )
    assert silent_steps(recording, "A") == [3, 6] and silent_steps(recording, "B") == []


def test_without_a_step_there_is_no_span():
    assert spans(record("x = (")) == [] and spans(record("")) == []
